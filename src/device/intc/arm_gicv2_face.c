/*
 * arm_gicv2_face.c - GICv2 CPU interfaces: GICC_*.
 *
 * With the Security Extensions, Non-secure accesses find the registers of group 1 at the addresses
 * of group 0's, and priorities of the lower half as if they were all.
 *
 * Source: Arm IHI 0048B, 4.4. Locking: gic->lock.
 */
#include "device/intc/arm_gicv2_impl.h"

enum {
    CTLR = 0x00,
    PMR = 0x04,
    BPR = 0x08,
    IAR = 0x0c,
    EOIR = 0x10,
    RPR = 0x14,
    HPPIR = 0x18,
    ABPR = 0x1c,
    AIAR = 0x20,
    AEOIR = 0x24,
    AHPPIR = 0x28,
    APR = 0xd0,
    NSAPR = 0xe0,
    NSAPR_END = 0xf0,
    IIDR = 0xfc,
    DIR = 0x1000,
};
enum { LOWER_HALF = 0x80, NS_APRS = GIC_APRS / 2 };

/* ---- Life of an interrupt -------------------------------------------------------------------- */

static u32 acknowledge(struct gic_bank *b, unsigned group_asked)
{
    unsigned priority, n = gicv2_best(b, &priority);
    if (!gicv2_signals(b, n, priority))
        return GIC_SPURIOUS;
    unsigned group = gicv2_group(b, n);
    if (group != group_asked && !(group_asked == 0 && b->ctlr & CTLR_ACK))
        return group_asked ? GIC_SPURIOUS : GIC_OTHER_GROUP;
    struct gic_word *s = gicv2_word(b, n / 32);
    bool own = group && !(b->ctlr & CTLR_CBPR);
    unsigned level = gicv2_group_priority(priority, own, b->bpr, b->abpr) >> 1;
    u32 source = 0;
    if (n < GIC_SGIS && b->sgi_from[n]) {
        source = ctz64(b->sgi_from[n]);
        b->sgi_from[n] &= (u8) ~(1u << source);
    } else {
        s->latch &= ~(1u << n % 32);
    }
    s->active |= 1u << n % 32;
    gicv2_active(b, group)[level / 32] |= 1u << level % 32;
    gicv2_update(b->gic);
    return source << 10 | n;
}

void gicv2_deactivate(struct gic_bank *b, bool ns, unsigned n)
{
    if (n < b->gic->irqs && !(ns && !gicv2_group(b, n)))
        gicv2_word(b, n / 32)->active &= ~(1u << n % 32);
}

static bool eoi_mode(const struct gic_bank *b, bool ns)
{
    return b->ctlr & (ns ? CTLR_EOIMODE_NS : CTLR_EOIMODE);
}

static void drop_priority(u32 *apr)
{
    for (unsigned i = 0; i < GIC_APRS; i++) {
        if (apr[i]) {
            apr[i] &= apr[i] - 1;
            break;
        }
    }
}

/* Priority drop, of the highest active priority; and deactivation unless that is DIR's. Of two
 * states, the Non-secure one and AEOIR end group 1's only. */
static void end_of_interrupt(struct gic_bank *b, bool ns, u32 v, bool group1_only)
{
    unsigned n = v & 0x3ff;
    if (n >= b->gic->irqs)
        return;
    unsigned group = gicv2_group(b, n);
    if (b->gic->security && group1_only && !group)
        return;
    drop_priority(gicv2_active(b, group));
    if (!eoi_mode(b, ns))
        gicv2_deactivate(b, ns, n);
}

static u32 highest_pending(struct gic_bank *b, unsigned group_asked)
{
    unsigned priority, n = gicv2_best(b, &priority);
    if (n == GIC_SPURIOUS)
        return n;
    if (gicv2_group(b, n) != group_asked && !(group_asked == 0 && b->ctlr & CTLR_ACK))
        return group_asked ? GIC_SPURIOUS : GIC_OTHER_GROUP;
    return n < GIC_SGIS && b->sgi_from[n] ? ctz64(b->sgi_from[n]) << 10 | n : n;
}

/* ---- Registers, Secure or of the only state -------------------------------------------------- */

static u32 face_get(struct gic_bank *b, u64 offset)
{
    if (offset >= APR && offset < NSAPR)
        return b->apr[(offset - APR) / 4];
    if (b->gic->security && offset >= NSAPR && offset < NSAPR_END)
        return b->nsapr[(offset - NSAPR) / 4];
    switch (offset) {
    case CTLR: return b->ctlr;
    case PMR: return b->pmr;
    case BPR: return b->bpr;
    case IAR: return acknowledge(b, 0);
    case RPR: return MIN(gicv2_running(b), 0xffu);
    case HPPIR: return highest_pending(b, 0);
    case ABPR: return b->abpr;
    case AIAR: return acknowledge(b, 1);
    case AHPPIR: return highest_pending(b, 1);
    case IIDR: return GICC_IIDR;
    default:
        device_guest_error(&b->gic->dev, "CPU interface: read at 0x%llx",
                           (unsigned long long)offset);
        return 0;
    }
}

static void face_put(struct gic_bank *b, u64 offset, u32 v)
{
    if (offset >= APR && offset < NSAPR) {
        b->apr[(offset - APR) / 4] = v;
        return;
    }
    if (b->gic->security && offset >= NSAPR && offset < NSAPR_END) {
        b->nsapr[(offset - NSAPR) / 4] = v;
        return;
    }
    switch (offset) {
    case CTLR: b->ctlr = v & (CTLR_MASK | (b->gic->security ? CTLR_EOIMODE_NS : 0)); break;
    case PMR: b->pmr = (u8)v; break;
    case BPR: b->bpr = v & 7; break;
    case ABPR: b->abpr = MAX(v & 7, 1u); break;
    case EOIR:
    case AEOIR: end_of_interrupt(b, false, v, offset == AEOIR); break;
    case DIR:
        if (eoi_mode(b, false))
            gicv2_deactivate(b, false, v & 0x3ff);
        break;
    default:
        device_guest_error(&b->gic->dev, "CPU interface: write at 0x%llx",
                           (unsigned long long)offset);
    }
}

/* ---- Registers, Non-secure ------------------------------------------------------------------- */

static u32 ns_running(const struct gic_bank *b)
{
    unsigned running = gicv2_running(b);
    if (running == GIC_IDLE)
        return 0xff;
    return running < LOWER_HALF ? 0 : running << 1 & 0xff;
}

/* Where the registers are that the other state calls APR: those of its half of the levels. */
static u32 *ns_apr(struct gic_bank *b, u64 offset)
{
    u64 i = (offset - APR) / 4;
    return offset >= APR && i < NS_APRS ? &b->nsapr[NS_APRS + i] : NULL;
}

/* With CBPR the one binary point is Secure. */
static u32 ns_get(struct gic_bank *b, u64 offset)
{
    const u32 *apr = ns_apr(b, offset);
    if (apr)
        return *apr;
    switch (offset) {
    case CTLR:
        return (b->ctlr & CTLR_GRP1 ? 1 : 0) | (b->ctlr & CTLR_EOIMODE_NS ? CTLR_EOIMODE : 0);
    case PMR: return b->pmr < LOWER_HALF ? 0 : b->pmr << 1 & 0xff;
    case BPR: return b->ctlr & CTLR_CBPR ? MIN(b->bpr + 1u, 7u) : b->abpr;
    case IAR: return acknowledge(b, 1);
    case RPR: return ns_running(b);
    case HPPIR: return highest_pending(b, 1);
    case IIDR: return GICC_IIDR;
    default: return 0;
    }
}

static void ns_set_ctlr(struct gic_bank *b, u32 v)
{
    b->ctlr &= ~(u32)(CTLR_GRP1 | CTLR_EOIMODE_NS);
    b->ctlr |= (v & 1 ? CTLR_GRP1 : 0) | (v & CTLR_EOIMODE ? CTLR_EOIMODE_NS : 0);
}

/* A mask that Secure software left in the upper half is not the Non-secure state's to change. */
static void ns_put(struct gic_bank *b, u64 offset, u32 v)
{
    u32 *apr = ns_apr(b, offset);
    if (apr) {
        *apr = v;
        return;
    }
    switch (offset) {
    case CTLR: ns_set_ctlr(b, v); break;
    case PMR:
        if (b->pmr >= LOWER_HALF)
            b->pmr = (u8)(LOWER_HALF | (v & 0xff) >> 1);
        break;
    case BPR:
        if (!(b->ctlr & CTLR_CBPR))
            b->abpr = MAX(v & 7, 1u);
        break;
    case EOIR: end_of_interrupt(b, true, v, true); break;
    case DIR:
        if (eoi_mode(b, true))
            gicv2_deactivate(b, true, v & 0x3ff);
        break;
    }
}

/* ---- Accesses -------------------------------------------------------------------------------- */

static u64 face_read(void *opaque, u64 offset, unsigned size)
{
    const struct gic_view *view = opaque;
    struct gic_bank *b = view->bank;
    (void)size;
    pthread_mutex_lock(&b->gic->lock);
    u64 v = view->ns ? ns_get(b, offset) : face_get(b, offset);
    pthread_mutex_unlock(&b->gic->lock);
    return v;
}

static void face_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    const struct gic_view *view = opaque;
    struct gic_bank *b = view->bank;
    (void)size;
    pthread_mutex_lock(&b->gic->lock);
    if (view->ns)
        ns_put(b, offset, (u32)value);
    else
        face_put(b, offset, (u32)value);
    gicv2_update(b->gic);
    pthread_mutex_unlock(&b->gic->lock);
}

const struct mem_ops gicv2_face_ops = {
    .read = face_read, .write = face_write, .min_size = 4, .max_size = 4};
