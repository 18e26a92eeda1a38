/*
 * arm_gicv3_redist.c - GICv3 redistributors: two frames of 64 KiB for each CPU, RD_base with what
 * concerns the CPU and its LPIs, SGI_base with its private interrupts. The frames of virtual LPIs
 * (GICv4) are not there, and GICR_TYPER says so.
 *
 * Locking: gic->lock is held.
 */
#include "device/intc/arm_gicv3_impl.h"

enum {
    CTLR = 0x0,
    IIDR = 0x4,
    TYPER = 0x8,
    WAKER = 0x14,
    PROPBASER = 0x70,
    PENDBASER = 0x78,
    IPRIORITYR = 0x400,
    IPRIORITYR_END = 0x420,
    SGI_FRAME = 0x10000,
    WAKER_SLEEP = 2,
    WAKER_ASLEEP = 4,
    CTLR_CES = 2, /* EnableLPIs can be cleared */
};
#define PROPBASER_MASK UINT64_C(0x070fffffffffff9f)
#define PENDBASER_MASK UINT64_C(0x070fffffffff0f80)
#define PENDBASER_PTZ  BIT(62)

static struct gicv3_bank bank(struct gicv3_cpu *c)
{
    return (struct gicv3_bank){.gic = c->gic,
                               .word = &c->word,
                               .priority = c->priority,
                               .nsacr = &c->nsacr,
                               .implemented = UINT32_MAX,
                               .sgis = (1u << GIC_SGIS) - 1};
}

/* ---- RD_base --------------------------------------------------------------------------------- */

static u64 typer_get(const struct gicv3_cpu *c)
{
    enum { LPIS = 1, LAST = 16, DPGS = 32 };
    const struct gicv3 *g = c->gic;
    u32 i = gicv3_index(c);
    bool last = i + 1 == g->cpus || i + 1 == g->first_region;
    return (g->lpis ? LPIS : 0) | (last ? LAST : 0) | DPGS | (u64)i << 8 |
           (u64)g->affinity[i] << 32;
}

/* DPG bits, from bit 24: group 0, group 1 Non-secure, group 1 Secure, as enum gicv3_group has them.
 */
static u32 dpg_mask(const struct gicv3 *g, bool secure)
{
    if (gicv3_is_single(g))
        return 3 << GICR_CTLR_DPG_SHIFT;
    return secure ? GICR_CTLR_DPG : BIT(GROUP1NS) << GICR_CTLR_DPG_SHIFT;
}

static void ctlr_put(struct gicv3_cpu *c, u32 v, bool secure)
{
    u32 mask = dpg_mask(c->gic, secure);
    bool lpis = c->gic->lpis && v & GICR_CTLR_LPIS;
    bool declined_changes = (c->rctlr ^ v) & mask;
    c->rctlr = (c->rctlr & ~mask) | (v & mask);
    if (lpis != (c->rctlr & GICR_CTLR_LPIS))
        gicv3_lpi_enable(c, lpis);
    if (declined_changes)
        gicv3_retarget(c->gic);
    else
        gicv3_update_cpu(c);
}

/* The Secure state's, where there are two. */
static void waker_put(struct gicv3_cpu *c, u32 v, bool secure)
{
    if (!secure && !gicv3_is_single(c->gic))
        return;
    c->asleep = v & WAKER_SLEEP;
    gicv3_retarget(c->gic);
}

static u32 waker_get(const struct gicv3_cpu *c, bool secure)
{
    bool seen = secure || gicv3_is_single(c->gic);
    return seen && c->asleep ? WAKER_SLEEP | WAKER_ASLEEP : 0;
}

static u64 rd_get64(const struct gicv3_cpu *c, u64 offset)
{
    switch (offset) {
    case TYPER: return typer_get(c);
    case PROPBASER: return c->propbaser;
    case PENDBASER: return c->pendbaser & ~PENDBASER_PTZ;
    default: return 0;
    }
}

static u32 rd_get32(const struct gicv3_cpu *c, u64 offset, bool secure)
{
    u32 ctlr = c->rctlr & (dpg_mask(c->gic, secure) | GICR_CTLR_LPIS);
    switch (offset) {
    case CTLR: return ctlr | (c->gic->lpis ? CTLR_CES : 0);
    case IIDR: return GIC_IIDR;
    case WAKER: return waker_get(c, secure);
    }
    u64 wide = rd_get64(c, offset & ~UINT64_C(7));
    return wide ? (u32)(wide >> 8 * (offset & 4)) : gicv3_id_register(offset);
}

/* Where the tables are does not change while they are in use. */
static void base_put(struct gicv3_cpu *c, u64 *base, u64 mask, u64 offset, u32 v)
{
    if (c->rctlr & GICR_CTLR_LPIS) {
        device_guest_error(&c->gic->dev, "redistributor %u: tables move while LPIs are enabled",
                           gicv3_index(c));
        return;
    }
    if (c->gic->lpis)
        *base = bits_set(*base, 8 * (offset & 4), 32, v) & mask;
}

static void rd_put32(struct gicv3_cpu *c, u64 offset, u32 v, bool secure)
{
    switch (offset) {
    case CTLR: ctlr_put(c, v, secure); break;
    case WAKER: waker_put(c, v, secure); break;
    case PROPBASER:
    case PROPBASER + 4: base_put(c, &c->propbaser, PROPBASER_MASK, offset, v); break;
    case PENDBASER:
    case PENDBASER + 4:
        base_put(c, &c->pendbaser, PENDBASER_MASK | PENDBASER_PTZ, offset, v);
        break;
    default:
        device_guest_error(&c->gic->dev, "redistributor %u: write of 0x%x at 0x%llx",
                           gicv3_index(c), v, (unsigned long long)offset);
    }
}

/* ---- SGI_base -------------------------------------------------------------------------------- */

static u32 sgi_get32(struct gicv3_cpu *c, u64 offset, bool secure)
{
    struct gicv3_bank b = bank(c);
    struct gicv3_place p;
    return gicv3_place(offset, &p) && !p.word ? gicv3_bank_get(&b, p.kind, p.index, secure) : 0;
}

static void sgi_put32(struct gicv3_cpu *c, u64 offset, u32 v, bool secure)
{
    struct gicv3_bank b = bank(c);
    struct gicv3_place p;
    if (!gicv3_place(offset, &p) || p.word) {
        device_guest_error(&c->gic->dev, "redistributor %u: write of 0x%x at 0x1%04llx",
                           gicv3_index(c), v, (unsigned long long)offset);
        return;
    }
    gicv3_bank_put(&b, p.kind, p.index, v, secure);
    c->nsacr = (u32)c->nsacr; /* of SGIs alone */
    gicv3_update_cpu(c);
}

static u64 priorities_get(struct gicv3_cpu *c, u32 id, unsigned size, bool secure)
{
    struct gicv3_bank b = bank(c);
    u64 v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (u64)gicv3_bank_priority(&b, id + i, secure) << 8 * i;
    return v;
}

static void priorities_put(struct gicv3_cpu *c, u32 id, u64 v, unsigned size, bool secure)
{
    struct gicv3_bank b = bank(c);
    for (unsigned i = 0; i < size; i++)
        gicv3_bank_set_priority(&b, id + i, (u8)(v >> 8 * i), secure);
    gicv3_update_cpu(c);
}

/* ---- Access ---------------------------------------------------------------------------------- */

static u32 get32(struct gicv3_cpu *c, u64 offset, bool secure)
{
    return offset < SGI_FRAME ? rd_get32(c, offset, secure)
                              : sgi_get32(c, offset - SGI_FRAME, secure);
}

static void put32(struct gicv3_cpu *c, u64 offset, u32 v, bool secure)
{
    if (offset < SGI_FRAME)
        rd_put32(c, offset, v, secure);
    else
        sgi_put32(c, offset - SGI_FRAME, v, secure);
}

/* Of a private interrupt's priority, a byte each; false: another register. */
static bool is_priority(u64 offset)
{
    return offset >= SGI_FRAME + IPRIORITYR && offset < SGI_FRAME + IPRIORITYR_END;
}

u64 gicv3_redist_read(struct gicv3 *g, u64 offset, unsigned size, bool secure)
{
    struct gicv3_cpu *c = &g->cpu[offset / GICV3_REDIST_SIZE];
    u64 at = offset % GICV3_REDIST_SIZE, base = at & ~UINT64_C(3);
    if (is_priority(at))
        return priorities_get(c, (u32)(at - SGI_FRAME - IPRIORITYR), size, secure);
    u64 v = get32(c, base, secure);
    if (size == 8)
        v |= (u64)get32(c, base + 4, secure) << 32;
    return v >> 8 * (at & 3) & BITS(8 * size - 1, 0);
}

void gicv3_redist_write(struct gicv3 *g, u64 offset, u64 v, unsigned size, bool secure)
{
    struct gicv3_cpu *c = &g->cpu[offset / GICV3_REDIST_SIZE];
    u64 at = offset % GICV3_REDIST_SIZE;
    if (is_priority(at)) {
        priorities_put(c, (u32)(at - SGI_FRAME - IPRIORITYR), v, size, secure);
    } else if (size >= 4) {
        put32(c, at, (u32)v, secure);
        if (size == 8)
            put32(c, at + 4, (u32)(v >> 32), secure);
    } else {
        device_guest_error(&g->dev, "redistributor %u: write of %u bytes at 0x%llx", gicv3_index(c),
                           size, (unsigned long long)at);
    }
}

void gicv3_redist_reset(struct gicv3_cpu *c)
{
    c->rctlr = 0;
    /* With one Security state there is no EL3 whose firmware wakes it, and EDK2 trusts that it is
     * awake. */
    c->asleep = c->gic->security;
    c->propbaser = 0;
    c->pendbaser = 0;
    memset(c->lpi, 0, c->lpi_words * sizeof(*c->lpi));
    gicv3_lpi_rescan(c);
}
