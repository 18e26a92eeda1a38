/*
 * arm_gicv2_dist.c - GICv2 distributor: GICD_*.
 *
 * With the Security Extensions the Non-secure state does not see interrupts of group 0, but as far
 * as NSACR lets it.
 *
 * Source: Arm IHI 0048B, 4.3. Locking: gic->lock.
 */
#include "device/intc/arm_gicv2_impl.h"

enum {
    GICD_IIDR = 0x0200043b,
    TYPER_SECURITY = 1 << 10,
    /* Registers by offset. */
    CTLR = 0x000,
    TYPER = 0x004,
    IIDR = 0x008,
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00,
    ICFGR_END = 0xd00,
    NSACR = 0xe00,
    NSACR_END = 0xf00,
    SGIR = 0xf00,
    CPENDSGIR = 0xf10,
    SPENDSGIR = 0xf20,
    SPENDSGIR_END = 0xf30,
    ICPIDR2 = 0xfe8,
};

/* What NSACR must allow at least. */
enum { NSACR_PEND = 1, NSACR_CLEAR = 2, NSACR_TARGET = 3, NSACR_NEVER = 4 };

/* GICD_SGIR. */
enum { SGIR_NSATT = 1 << 15, SGIR_LIST = 0, SGIR_OTHERS = 1, SGIR_SELF = 2 };

/* ---- Who sees what --------------------------------------------------------------------------- */

/* PPIs have no such field. */
static unsigned nsacr_of(const struct gic_bank *b, unsigned n)
{
    u32 bits = n < GIC_SGIS ? b->nsacr : n < GIC_PRIVATE ? 0 : b->gic->nsacr[n / 16];
    return bits >> n % 16 * 2 & 3;
}

/* Interrupts of a word that an access may touch. */
static u32 reach(struct gic_bank *b, bool ns, unsigned w, unsigned allowed)
{
    if (!ns)
        return UINT32_MAX;
    u32 bits = gicv2_word(b, w)->group;
    for (unsigned i = 0; i < 32 && allowed < NSACR_NEVER; i++)
        bits |= (u32)(nsacr_of(b, w * 32 + i) >= allowed) << i;
    return bits;
}

static bool reaches(struct gic_bank *b, bool ns, unsigned n, unsigned allowed)
{
    return !ns || gicv2_group(b, n) || nsacr_of(b, n) >= allowed;
}

/* ---- A bit an interrupt ---------------------------------------------------------------------- */

static u32 bits_get32(struct gic_bank *b, bool ns, unsigned kind, unsigned w)
{
    const struct gic_word *s = gicv2_word(b, w);
    switch (kind) {
    case IGROUPR: return ns ? 0 : s->group;
    case ISENABLER:
    case ICENABLER: return s->enabled & reach(b, ns, w, NSACR_NEVER);
    case ISPENDR: return gicv2_pending(b, w) & reach(b, ns, w, NSACR_PEND);
    case ICPENDR: return gicv2_pending(b, w) & reach(b, ns, w, NSACR_CLEAR);
    default: return s->active & reach(b, ns, w, NSACR_CLEAR);
    }
}

/* ISENABLER and ICENABLER do not touch the SGIs, which are always on. */
static void bits_put32(struct gic_bank *b, bool ns, unsigned kind, unsigned w, u32 v)
{
    struct gic_word *s = gicv2_word(b, w);
    v &= gicv2_implemented(b->gic, w);
    u32 sgis = w ? 0 : (1u << GIC_SGIS) - 1, mine = v & reach(b, ns, w, NSACR_NEVER);
    switch (kind) {
    case IGROUPR: s->group = ns ? s->group : v; break;
    case ISENABLER: s->enabled |= mine; break;
    case ICENABLER: s->enabled &= ~(mine & ~sgis); break;
    case ISPENDR: s->latch |= v & reach(b, ns, w, NSACR_PEND) & ~sgis; break;
    case ICPENDR: s->latch &= ~(v & reach(b, ns, w, NSACR_CLEAR) & ~sgis); break;
    case ISACTIVER: s->active |= mine; break;
    default: s->active &= ~mine; break;
    }
}

/* ---- Two bits an interrupt ------------------------------------------------------------------- */

/* ICFGR: the higher says edge-triggered; SGIs are edges, PPIs are wired as levels here. */
static u32 config_get(struct gic_bank *b, bool ns, unsigned reg)
{
    u32 all = gicv2_word(b, reg / 2)->edge & reach(b, ns, reg / 2, NSACR_NEVER);
    u32 v = 0, edges = all >> (reg & 1 ? 16 : 0);
    for (unsigned i = 0; i < 16; i++)
        v |= (edges >> i & 1) << (2 * i + 1);
    return v;
}

static void config_put(struct gic_bank *b, bool ns, unsigned reg, u32 v)
{
    struct gic_word *s = gicv2_word(b, reg / 2);
    u32 edges = 0, shift = reg & 1 ? 16 : 0;
    if (reg < 2)
        return;
    for (unsigned i = 0; i < 16; i++)
        edges |= (v >> (2 * i + 1) & 1) << i;
    u32 mask = UINT32_C(0xffff) << shift & reach(b, ns, reg / 2, NSACR_NEVER) &
               gicv2_implemented(b->gic, reg / 2);
    s->edge = (s->edge & ~mask) | (edges << shift & mask);
}

static u32 *nsacr_at(struct gic_bank *b, bool ns, unsigned reg)
{
    if (!b->gic->security || ns || reg == 1)
        return NULL;
    return reg ? &b->gic->nsacr[reg] : &b->nsacr;
}

/* ---- A byte an interrupt --------------------------------------------------------------------- */

static bool is_bytes(u64 offset)
{
    return (offset >= IPRIORITYR && offset < ICFGR) ||
           (offset >= CPENDSGIR && offset < SPENDSGIR_END);
}

/* Of one CPU, ITARGETSR reads as zero: everything goes to it (4.3.12). */
static u8 target_of(const struct gic_bank *b, unsigned n)
{
    if (b->gic->cpus == 1)
        return 0;
    return n < GIC_PRIVATE ? (u8)(1u << gicv2_cpu_of(b)) : b->gic->target[n];
}

static u8 byte_get(struct gic_bank *b, bool ns, u64 offset)
{
    unsigned n = offset & 0x3ff;
    if (offset >= CPENDSGIR) {
        n = offset & 15;
        return reaches(b, ns, n, NSACR_NEVER) ? b->sgi_from[n] : 0;
    }
    if (n >= b->gic->irqs || !reaches(b, ns, n, offset < ITARGETSR ? NSACR_NEVER : NSACR_TARGET))
        return 0;
    if (offset >= ITARGETSR)
        return target_of(b, n);
    u8 priority = *gicv2_priority(b, n);
    return ns ? (u8)(priority << 1) : priority;
}

static void sgi_byte_put(struct gic_bank *b, bool ns, u64 offset, u8 v)
{
    unsigned n = offset & 15;
    if (!reaches(b, ns, n, NSACR_NEVER))
        return;
    if (offset >= SPENDSGIR)
        b->sgi_from[n] |= v & (u8)((1u << b->gic->cpus) - 1);
    else
        b->sgi_from[n] &= (u8)~v;
}

/* The Non-secure state's priorities are the lower half (GICD_IPRIORITYR). */
static void byte_put(struct gic_bank *b, bool ns, u64 offset, u8 v)
{
    struct gic *g = b->gic;
    unsigned n = offset & 0x3ff;
    if (offset >= CPENDSGIR) {
        sgi_byte_put(b, ns, offset, v);
        return;
    }
    if (n >= g->irqs)
        return;
    if (offset < ITARGETSR && reaches(b, ns, n, NSACR_NEVER))
        *gicv2_priority(b, n) = ns ? 0x80 | v >> 1 : v;
    else if (offset >= ITARGETSR && n >= GIC_PRIVATE && reaches(b, ns, n, NSACR_TARGET))
        g->target[n] = v & (u8)((1u << g->cpus) - 1);
}

/* ---- SGIs ------------------------------------------------------------------------------------ */

/* Is the SGI forwarded to that CPU (GICD_SGIR's truth table)? */
static bool forwards(struct gic_bank *to, bool ns, u32 v)
{
    unsigned n = v & 15;
    if (!to->gic->security)
        return true;
    return ns ? reaches(to, true, n, NSACR_PEND) : gicv2_group(to, n) == !!(v & SGIR_NSATT);
}

/* To the list, to all others, or to the writer. */
static void send_sgi(struct gic_bank *b, bool ns, u32 v)
{
    struct gic *g = b->gic;
    u32 self = 1u << gicv2_cpu_of(b), list;
    switch (v >> 24 & 3) {
    case SGIR_LIST: list = v >> 16 & 0xff; break;
    case SGIR_OTHERS: list = ~self; break;
    case SGIR_SELF: list = self; break;
    default: return;
    }
    for (unsigned i = 0; i < g->cpus; i++) {
        if (list >> i & 1 && forwards(&g->bank[i], ns, v))
            g->bank[i].sgi_from[v & 15] |= (u8)self;
    }
}

/* ---- Registers ------------------------------------------------------------------------------- */

static u32 typer(const struct gic *g)
{
    return (u32)(align_up(g->irqs, 32) / 32 - 1) | (g->cpus - 1) << 5 |
           (g->security ? TYPER_SECURITY : 0);
}

static u32 dist_get(struct gic_bank *b, bool ns, u64 offset)
{
    struct gic *g = b->gic;
    switch (offset) {
    case CTLR: return ns ? g->ctlr >> 1 : g->ctlr;
    case TYPER: return typer(g);
    case IIDR: return GICD_IIDR;
    case ICPIDR2: return 0x2b; /* GICv2 */
    }
    if (offset >= IGROUPR && offset < IPRIORITYR)
        return bits_get32(b, ns, offset & ~0x7fu, offset % 0x80 / 4);
    if (offset >= ICFGR && offset < ICFGR_END)
        return config_get(b, ns, (unsigned)(offset - ICFGR) / 4);
    if (offset >= NSACR && offset < NSACR_END) {
        const u32 *nsacr = nsacr_at(b, ns, (unsigned)(offset - NSACR) / 4);
        return nsacr ? *nsacr : 0;
    }
    return 0;
}

static void dist_put(struct gic_bank *b, bool ns, u64 offset, u32 v)
{
    struct gic *g = b->gic;
    if (offset == CTLR) {
        g->ctlr = ns ? (g->ctlr & 1) | (v & 1) << 1 : v & 3;
    } else if (offset >= IGROUPR && offset < IPRIORITYR) {
        bits_put32(b, ns, offset & ~0x7fu, offset % 0x80 / 4, v);
    } else if (offset >= ICFGR && offset < ICFGR_END) {
        config_put(b, ns, (unsigned)(offset - ICFGR) / 4, v);
    } else if (g->security && offset >= NSACR && offset < NSACR_END) {
        u32 *nsacr = nsacr_at(b, ns, (unsigned)(offset - NSACR) / 4);
        if (nsacr)
            *nsacr = v;
    } else if (offset == SGIR) {
        send_sgi(b, ns, v);
    } else {
        device_guest_error(&g->dev, "distributor: write of 0x%x at 0x%llx", v,
                           (unsigned long long)offset);
    }
    gicv2_update(g);
}

static u64 dist_read(void *opaque, u64 offset, unsigned size)
{
    const struct gic_view *view = opaque;
    struct gic_bank *b = view->bank;
    u64 v = 0;
    pthread_mutex_lock(&b->gic->lock);
    if (is_bytes(offset)) {
        for (unsigned i = 0; i < size; i++)
            v |= (u64)byte_get(b, view->ns, offset + i) << (8 * i);
    } else if (size == 4) {
        v = dist_get(b, view->ns, offset);
    } else {
        v = dist_get(b, view->ns, offset & ~UINT64_C(3)) >> (8 * (offset & 3));
    }
    pthread_mutex_unlock(&b->gic->lock);
    return v;
}

static void dist_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    const struct gic_view *view = opaque;
    struct gic_bank *b = view->bank;
    pthread_mutex_lock(&b->gic->lock);
    if (is_bytes(offset)) {
        for (unsigned i = 0; i < size; i++)
            byte_put(b, view->ns, offset + i, (u8)(value >> (8 * i)));
        gicv2_update(b->gic);
    } else if (size == 4) {
        dist_put(b, view->ns, offset, (u32)value);
    } else {
        device_guest_error(&b->gic->dev, "distributor: write of %u bytes at 0x%llx", size,
                           (unsigned long long)offset);
    }
    pthread_mutex_unlock(&b->gic->lock);
}

const struct mem_ops gicv2_dist_ops = {
    .read = dist_read, .write = dist_write, .min_size = 1, .max_size = 4};
