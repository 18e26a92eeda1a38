/*
 * arm_gicv3_dist.c - GICv3 distributor, and the registers that it shares with redistributors
 * (struct gicv3_bank).
 *
 * The Non-secure state does not see interrupts of the Secure state's groups, but as far as NSACR
 * lets it. Priorities are kept as the Secure state sees them; the other sees the lower half of them
 * as the whole ("4.8.6 Software accesses of interrupt priority").
 *
 * Locking: gic->lock is held.
 */
#include "device/intc/arm_gicv3_impl.h"

enum {
    CTLR = 0x0,
    TYPER = 0x4,
    IIDR = 0x8,
    SETSPI_NSR = 0x40,
    CLRSPI_NSR = 0x48,
    SETSPI_SR = 0x50,
    CLRSPI_SR = 0x58,
    IGROUPR = 0x80,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    IPRIORITYR_END = 0x800,
    ICFGR = 0xc00,
    IGRPMODR = 0xd00,
    NSACR = 0xe00,
    NSACR_END = 0xf00,
    IROUTER = 0x6000,
    IROUTER_END = 0x8000,
    ID_REGISTERS = 0xffd0,
};
enum { NSACR_PEND = 1, NSACR_CLEAR = 2, NSACR_ROUTE = 3, NSACR_NEVER = 4 };

u32 gicv3_id_register(u64 offset)
{
    static const u8 id[12] = {0x44, 0, 0, 0, 0x92, 0xb4, GIC_ARCH_V3, 0, 0x0d, 0xf0, 0x05, 0xb1};
    return offset >= ID_REGISTERS ? id[(offset - ID_REGISTERS) / 4] : 0;
}

/* ---- Registers of a word of interrupts ------------------------------------------------------- */

/* Interrupts that an access may touch: the Non-secure ones, and those that NSACR allows. */
static u32 reach(const struct gicv3_bank *b, unsigned allowed, bool secure)
{
    if (secure || gicv3_is_single(b->gic))
        return b->implemented;
    u32 bits = b->word->group;
    for (unsigned i = 0; i < 32 && *b->nsacr; i++)
        bits |= (u32)((*b->nsacr >> 2 * i & 3) >= allowed) << i;
    return bits & b->implemented;
}

/* ICFGR: two bits each, of which the higher says edge-triggered. */
static u32 config_get(const struct gicv3_bank *b, u32 index, u32 mask)
{
    u32 v = 0, edges = (b->word->edge & mask) >> 16 * index;
    for (unsigned i = 0; i < 16; i++)
        v |= (edges >> i & 1) << (2 * i + 1);
    return v;
}

static void config_put(const struct gicv3_bank *b, u32 index, u32 v, u32 mask)
{
    u32 edges = 0;
    for (unsigned i = 0; i < 16; i++)
        edges |= (v >> (2 * i + 1) & 1) << i;
    mask &= UINT32_C(0xffff) << 16 * index & ~b->sgis;
    b->word->edge = (b->word->edge & ~mask) | (edges << 16 * index & mask);
}

u32 gicv3_bank_get(const struct gicv3_bank *b, u32 kind, u32 index, bool secure)
{
    const struct gicv3_word *w = b->word;
    bool sees_groups = secure && !gicv3_is_single(b->gic);
    u32 mask = reach(b, NSACR_NEVER, secure);
    switch (kind) {
    case IGROUPR: return secure || gicv3_is_single(b->gic) ? w->group & b->implemented : 0;
    case ISENABLER:
    case ICENABLER: return w->enabled & mask;
    case ISPENDR:
    case ICPENDR: return gicv3_pending(w) & reach(b, NSACR_PEND, secure);
    case ISACTIVER:
    case ICACTIVER: return w->active & reach(b, NSACR_CLEAR, secure);
    case ICFGR: return config_get(b, index, mask);
    case IGRPMODR: return sees_groups ? w->modifier : 0;
    case NSACR: return sees_groups ? (u32)(*b->nsacr >> 32 * index) : 0;
    default: return 0;
    }
}

void gicv3_bank_put(const struct gicv3_bank *b, u32 kind, u32 index, u32 v, bool secure)
{
    struct gicv3_word *w = b->word;
    bool sees_groups = secure && !gicv3_is_single(b->gic);
    u32 mask = reach(b, NSACR_NEVER, secure), bits = v & mask;
    switch (kind) {
    case IGROUPR:
        if (secure || gicv3_is_single(b->gic))
            w->group = bits;
        break;
    case ISENABLER: w->enabled |= bits; break;
    case ICENABLER: w->enabled &= ~bits; break;
    case ISPENDR: w->latch |= v & reach(b, NSACR_PEND, secure); break;
    case ICPENDR: w->latch &= ~(v & reach(b, NSACR_CLEAR, secure)); break;
    case ISACTIVER: w->active |= bits; break;
    case ICACTIVER: w->active &= ~bits; break;
    case ICFGR: config_put(b, index, v, mask); break;
    case IGRPMODR:
        if (sees_groups)
            w->modifier = bits;
        break;
    case NSACR:
        if (sees_groups)
            *b->nsacr = bits_set(*b->nsacr, 32 * index, 32, v);
        break;
    default: break;
    }
}

u8 gicv3_bank_priority(const struct gicv3_bank *b, u32 bit, bool secure)
{
    if (!(reach(b, NSACR_NEVER, secure) >> bit & 1))
        return 0;
    bool shifted = !secure && !gicv3_is_single(b->gic);
    return (u8)(b->priority[bit] << shifted);
}

void gicv3_bank_set_priority(const struct gicv3_bank *b, u32 bit, u8 v, bool secure)
{
    if (!(reach(b, NSACR_NEVER, secure) >> bit & 1))
        return;
    bool shifted = !secure && !gicv3_is_single(b->gic);
    b->priority[bit] = (shifted ? 0x80 | v >> 1 : v) & GIC_PRIORITY_MASK;
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* Words have one register of a kind, or two. */
bool gicv3_place(u64 offset, struct gicv3_place *p)
{
    bool single = offset < IPRIORITYR || (offset >= IGRPMODR && offset < IGRPMODR + 0x80);
    if (offset < IGROUPR || (offset >= IPRIORITYR && offset < ICFGR) || offset >= NSACR_END ||
        (offset >= IGRPMODR + 0x80 && offset < NSACR))
        return false;
    u64 kind = single ? offset & ~UINT64_C(0x7f) : offset & ~UINT64_C(0xff);
    u32 n = (u32)(offset - kind) / 4;
    *p = single ? (struct gicv3_place){(u32)kind, n, 0}
                : (struct gicv3_place){(u32)kind, n / 2, n % 2};
    return true;
}

static struct gicv3_bank bank(struct gicv3 *g, u32 word)
{
    u32 left = g->irqs > 32 * word ? MIN(g->irqs - 32 * word, 32u) : 0;
    return (struct gicv3_bank){
        .gic = g,
        .word = &g->word[word],
        .priority = &g->priority[32 * word],
        .nsacr = &g->nsacr[word],
        .implemented = word ? (u32)(BIT(left) - 1) : 0, /* private ones are redistributors' */
    };
}

/* ---- Routing --------------------------------------------------------------------------------- */

static bool route_is_visible(struct gicv3 *g, u32 id, bool secure)
{
    struct gicv3_bank b = bank(g, id / 32);
    return id >= GIC_PRIVATE && id < g->irqs && reach(&b, NSACR_ROUTE, secure) >> id % 32 & 1;
}

static u32 route_get(struct gicv3 *g, u64 offset, bool secure)
{
    u32 id = (u32)(offset - IROUTER) / 8;
    return route_is_visible(g, id, secure) ? (u32)(g->route[id] >> 8 * (offset & 4)) : 0;
}

static void route_put(struct gicv3 *g, u64 offset, u32 v, bool secure)
{
    u32 id = (u32)(offset - IROUTER) / 8;
    if (!route_is_visible(g, id, secure))
        return;
    u64 route = bits_set(g->route[id], 8 * (offset & 4), 32, v);
    g->route[id] = route & UINT64_C(0xff80ffffff);
    gicv3_retarget_spi(g, id);
}

/* ---- Distributor ----------------------------------------------------------------------------- */

/* With affinity routing always on, EnableGrp1A is what enables the Non-secure group 1. */
static u32 ctlr_get(const struct gicv3 *g, bool secure)
{
    enum { ARE = 1 << 4, ARE_NS = 1 << 5 };
    if (gicv3_is_single(g))
        return (g->ctlr & (GICD_CTLR_DS | BIT(GROUP0) | BIT(GROUP1NS))) | ARE;
    return secure ? g->ctlr | ARE | ARE_NS : (g->ctlr & BIT(GROUP1NS)) | ARE;
}

static void ctlr_put(struct gicv3 *g, u32 v, bool secure)
{
    u32 mask = BIT(GROUP1NS);
    if (gicv3_is_single(g))
        mask |= BIT(GROUP0);
    else if (secure)
        mask = GICD_CTLR_GROUPS | GICD_CTLR_DS;
    g->ctlr = (g->ctlr & ~mask) | (v & mask);
    if (gicv3_is_single(g))
        g->ctlr &= ~(u32)BIT(GROUP1S);
}

static u32 typer_get(const struct gicv3 *g)
{
    enum { SECURITY = 1 << 10, MESSAGES = 1 << 16, LPIS = 1 << 17, A3V = 1 << 24, RSS = 1 << 26 };
    u32 id_bits = g->lpis ? GIC_ID_BITS : 10;
    return (gicv3_words(g) - 1) | (gicv3_is_single(g) ? 0 : SECURITY) | MESSAGES |
           (g->lpis ? LPIS : 0) | (id_bits - 1) << 19 | A3V | RSS;
}

/* Message-based SPIs: an edge, or a level that stays until it is cleared. */
static void message_put(struct gicv3 *g, u64 offset, u32 id, bool secure)
{
    bool set = offset == SETSPI_NSR || offset == SETSPI_SR;
    bool is_secure_register = offset >= SETSPI_SR;
    if (is_secure_register && (!secure || gicv3_is_single(g)))
        return;
    struct gicv3_bank b = bank(g, id / 32 % GIC_WORDS);
    u32 bit = 1u << id % 32, allowed = set ? NSACR_PEND : NSACR_CLEAR;
    if (id >= g->irqs || !(reach(&b, allowed, is_secure_register) & bit))
        return;
    if (b.word->edge & bit)
        b.word->latch = set ? b.word->latch | bit : b.word->latch & ~bit;
    else
        gicv3_set_level(b.word, bit, set);
}

static u32 dist_get32(struct gicv3 *g, u64 offset, bool secure)
{
    struct gicv3_place p;
    switch (offset) {
    case CTLR: return ctlr_get(g, secure);
    case TYPER: return typer_get(g);
    case IIDR: return GIC_IIDR;
    }
    if (gicv3_place(offset, &p)) {
        struct gicv3_bank b = bank(g, p.word);
        return gicv3_bank_get(&b, p.kind, p.index, secure);
    }
    if (offset >= IROUTER && offset < IROUTER_END)
        return route_get(g, offset, secure);
    return gicv3_id_register(offset);
}

static void dist_put32(struct gicv3 *g, u64 offset, u32 v, bool secure)
{
    struct gicv3_place p;
    if (offset == CTLR) {
        ctlr_put(g, v, secure);
    } else if (offset == SETSPI_NSR || offset == CLRSPI_NSR || offset == SETSPI_SR ||
               offset == CLRSPI_SR) {
        message_put(g, offset, v & 0x3ff, secure);
    } else if (gicv3_place(offset, &p)) {
        struct gicv3_bank b = bank(g, p.word);
        gicv3_bank_put(&b, p.kind, p.index, v, secure);
    } else if (offset >= IROUTER && offset < IROUTER_END) {
        route_put(g, offset, v, secure);
    } else {
        device_guest_error(&g->dev, "distributor: write of 0x%x at 0x%llx", v,
                           (unsigned long long)offset);
    }
}

/* Do interrupts go elsewhere by such a write? Otherwise it is enough to look at what is pending. */
static bool changes_targets(u64 offset)
{
    return offset == CTLR || (offset >= IGROUPR && offset < ISENABLER) ||
           (offset >= IGRPMODR && offset < NSACR);
}

static void priorities_put(struct gicv3 *g, u64 offset, u64 v, unsigned size, bool secure)
{
    for (unsigned i = 0; i < size; i++) {
        u32 id = (u32)(offset - IPRIORITYR) + i;
        struct gicv3_bank b = bank(g, id / 32);
        gicv3_bank_set_priority(&b, id % 32, (u8)(v >> 8 * i), secure);
    }
}

static u64 priorities_get(struct gicv3 *g, u64 offset, unsigned size, bool secure)
{
    u64 v = 0;
    for (unsigned i = 0; i < size; i++) {
        u32 id = (u32)(offset - IPRIORITYR) + i;
        struct gicv3_bank b = bank(g, id / 32);
        v |= (u64)gicv3_bank_priority(&b, id % 32, secure) << 8 * i;
    }
    return v;
}

u64 gicv3_dist_read(struct gicv3 *g, u64 offset, unsigned size, bool secure)
{
    u64 base = offset & ~UINT64_C(3);
    if (offset >= IPRIORITYR && offset < IPRIORITYR_END)
        return priorities_get(g, offset, size, secure);
    u64 v = dist_get32(g, base, secure);
    if (size == 8)
        v |= (u64)dist_get32(g, base + 4, secure) << 32;
    return v >> 8 * (offset & 3) & BITS(8 * size - 1, 0);
}

void gicv3_dist_write(struct gicv3 *g, u64 offset, u64 v, unsigned size, bool secure)
{
    if (offset >= IPRIORITYR && offset < IPRIORITYR_END) {
        priorities_put(g, offset, v, size, secure);
    } else if (size >= 4) {
        dist_put32(g, offset, (u32)v, secure);
        if (size == 8)
            dist_put32(g, offset + 4, (u32)(v >> 32), secure);
    } else {
        device_guest_error(&g->dev, "distributor: write of %u bytes at 0x%llx", size,
                           (unsigned long long)offset);
        return;
    }
    if (changes_targets(offset))
        gicv3_retarget(g);
    else if (offset < IROUTER)
        gicv3_update(g);
}
