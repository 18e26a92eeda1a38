/*
 * arm_gicv2_virt.c - GICv2 Virtualization Extensions: GICH_*, by which a hypervisor lists virtual
 * interrupts, and GICV_*, the virtual CPU interface by which its guest takes them.
 *
 *   list register: inactive --(GICH_LR)--> pending --(GICV_IAR)--> active --(EOIR, DIR)--> inactive
 *
 * An interrupt that a list register ties to a physical one deactivates that too. As a GIC-400's:
 * four list registers, priorities of five bits, which all decide preemption.
 *
 * Source: Arm IHI 0048B, 5. Locking: gic->lock.
 */
#include "device/intc/arm_gicv2_impl.h"

enum {
    HCR_EN = 1 << 0,
    HCR_UIE = 1 << 1,
    HCR_LRENPIE = 1 << 2,
    HCR_NPIE = 1 << 3,
    HCR_GRP_IE_SHIFT = 4, /* VGrp0EIE, VGrp0DIE, VGrp1EIE, VGrp1DIE */
    HCR_EOICOUNT_SHIFT = 27,
    PRIORITY_SHIFT = 3, /* of five bits */
    BPR_MIN = 2,
    VMCR_BPR1_SHIFT = 18,
    VMCR_BPR0_SHIFT = 21,
    VMCR_PMR_SHIFT = 27,
    VMCR_CTLR = CTLR_MASK, /* the fields of GICV_CTLR are where they are there */
};
#define VTR (UINT32_C(4) << 29 | UINT32_C(4) << 26 | (GIC_LIST_REGISTERS - 1))
enum { MISR_EOI = 1, MISR_U = 2, MISR_LRENP = 4, MISR_NP = 8 };

enum {
    LR_PENDING = 1 << 28,
    LR_ACTIVE = 1 << 29,
    LR_STATE = 3 << 28,
    LR_GROUP1 = 1 << 30,
    LR_EOI = 1 << 19, /* where HW is 0 */
    NO_LR = -1,
};
#define LR_HW   UINT32_C(0x80000000)
#define LR_MASK UINT32_C(0xff8fffff)

/* GICH_*, GICV_*: by offset. */
enum {
    GICH_HCR = 0x00,
    GICH_VTR = 0x04,
    GICH_VMCR = 0x08,
    GICH_MISR = 0x10,
    GICH_EISR0 = 0x20,
    GICH_ELRSR0 = 0x30,
    GICH_APR = 0xf0,
    GICH_LR = 0x100,
    GICV_CTLR = 0x00,
    GICV_PMR = 0x04,
    GICV_BPR = 0x08,
    GICV_IAR = 0x0c,
    GICV_EOIR = 0x10,
    GICV_RPR = 0x14,
    GICV_HPPIR = 0x18,
    GICV_ABPR = 0x1c,
    GICV_AIAR = 0x20,
    GICV_AEOIR = 0x24,
    GICV_AHPPIR = 0x28,
    GICV_APR = 0xd0,
    GICV_IIDR = 0xfc,
    GICV_DIR = 0x1000,
};

static u32 lr_id(u32 lr)
{
    return lr & 0x3ff;
}

static unsigned lr_priority(u32 lr)
{
    return (lr >> 23 & 0x1f) << PRIORITY_SHIFT;
}

/* What IAR says: an SGI's with the CPU that it is said to be from. */
static u32 lr_token(u32 lr)
{
    return lr & LR_HW || lr_id(lr) >= GIC_SGIS ? lr_id(lr) : lr & 0x1fff;
}

/* ---- Which is next --------------------------------------------------------------------------- */

static unsigned field(const struct gic_bank *b, unsigned shift, unsigned bits)
{
    return b->vmcr >> shift & ((1u << bits) - 1);
}

static unsigned mask_of(const struct gic_bank *b)
{
    return field(b, VMCR_PMR_SHIFT, 5) << PRIORITY_SHIFT;
}

/* The pending one of highest priority whose group is on. */
static int best_lr(const struct gic_bank *b)
{
    int best = NO_LR;
    for (int i = 0; i < GIC_LIST_REGISTERS; i++) {
        u32 lr = b->lr[i];
        bool on = b->vmcr & (lr & LR_GROUP1 ? CTLR_GRP1 : CTLR_GRP0);
        if ((lr & LR_STATE) != LR_PENDING || !on)
            continue;
        if (best == NO_LR || lr_priority(lr) < lr_priority(b->lr[best]))
            best = i;
    }
    return best;
}

static unsigned running(const struct gic_bank *b)
{
    return b->vapr ? ctz64(b->vapr) << PRIORITY_SHIFT : GIC_IDLE;
}

static unsigned group_priority(const struct gic_bank *b, u32 lr)
{
    bool own = lr & LR_GROUP1 && !(b->vmcr & CTLR_CBPR);
    return gicv2_group_priority(lr_priority(lr), own, field(b, VMCR_BPR0_SHIFT, 3),
                                field(b, VMCR_BPR1_SHIFT, 3));
}

static bool signals(const struct gic_bank *b, int i)
{
    if (i == NO_LR || !(b->hcr & HCR_EN) || lr_priority(b->lr[i]) >= mask_of(b))
        return false;
    return running(b) == GIC_IDLE || group_priority(b, b->lr[i]) < running(b);
}

u8 gicv2_virtual_outputs(const struct gic_bank *b)
{
    int i = best_lr(b);
    if (!signals(b, i))
        return 0;
    bool fiq = !(b->lr[i] & LR_GROUP1) && b->vmcr & CTLR_FIQ;
    return fiq ? BIT(GICV2_VFIQ) : BIT(GICV2_VIRQ);
}

/* ---- Maintenance ----------------------------------------------------------------------------- */

static bool is_ended(u32 lr)
{
    return !(lr & (LR_STATE | LR_HW)) && lr & LR_EOI;
}

static u32 ended(const struct gic_bank *b)
{
    u32 v = 0;
    for (unsigned i = 0; i < GIC_LIST_REGISTERS; i++)
        v |= (u32)is_ended(b->lr[i]) << i;
    return v;
}

static u32 free_lrs(const struct gic_bank *b)
{
    u32 v = 0;
    for (unsigned i = 0; i < GIC_LIST_REGISTERS; i++)
        v |= (u32)(!(b->lr[i] & LR_STATE) && !is_ended(b->lr[i])) << i;
    return v;
}

static u32 group_conditions(const struct gic_bank *b)
{
    bool on0 = b->vmcr & CTLR_GRP0, on1 = b->vmcr & CTLR_GRP1;
    u32 v = (u32)on0 | (u32)!on0 << 1 | (u32)on1 << 2 | (u32)!on1 << 3;
    return (v & (b->hcr >> HCR_GRP_IE_SHIFT)) << HCR_GRP_IE_SHIFT;
}

u32 gicv2_maintenance(const struct gic_bank *b)
{
    unsigned valid = 0, pending = 0;
    if (!(b->hcr & HCR_EN))
        return 0;
    for (unsigned i = 0; i < GIC_LIST_REGISTERS; i++) {
        valid += (b->lr[i] & LR_STATE) != 0;
        pending += (b->lr[i] & LR_STATE) == LR_PENDING;
    }
    return (ended(b) ? MISR_EOI : 0) | (b->hcr & HCR_UIE && valid <= 1 ? MISR_U : 0) |
           (b->hcr & HCR_LRENPIE && b->hcr >> HCR_EOICOUNT_SHIFT ? MISR_LRENP : 0) |
           (b->hcr & HCR_NPIE && !pending ? MISR_NP : 0) | group_conditions(b);
}

/* ---- GICV_*: interrupts ---------------------------------------------------------------------- */

/* What a read of group_asked's register says of list register i. */
static u32 visible(const struct gic_bank *b, int i, unsigned group_asked)
{
    if (i == NO_LR)
        return GIC_SPURIOUS;
    unsigned group = b->lr[i] & LR_GROUP1 ? 1 : 0;
    if (group == group_asked || (group_asked == 0 && b->vmcr & CTLR_ACK))
        return lr_token(b->lr[i]);
    return group_asked ? GIC_SPURIOUS : GIC_OTHER_GROUP;
}

static u32 acknowledge(struct gic_bank *b, unsigned group_asked)
{
    int i = best_lr(b);
    if (!signals(b, i))
        return GIC_SPURIOUS;
    u32 token = visible(b, i, group_asked);
    if (token == GIC_SPURIOUS || token == GIC_OTHER_GROUP)
        return token;
    b->vapr |= 1u << (group_priority(b, b->lr[i]) >> PRIORITY_SHIFT);
    b->lr[i] = (b->lr[i] & ~(u32)LR_STATE) | LR_ACTIVE;
    gicv2_update(b->gic);
    return token;
}

static int find_active(const struct gic_bank *b, u32 token)
{
    for (int i = 0; i < GIC_LIST_REGISTERS; i++) {
        if (b->lr[i] & LR_ACTIVE && lr_token(b->lr[i]) == token)
            return i;
    }
    return NO_LR;
}

/* One that no list register has is counted for the hypervisor. A physical one is the Non-secure
 * state's. */
static void deactivate(struct gic_bank *b, u32 token)
{
    int i = find_active(b, token);
    if (i == NO_LR) {
        u32 count = (b->hcr >> HCR_EOICOUNT_SHIFT) + 1;
        b->hcr = (u32)bits_set(b->hcr, HCR_EOICOUNT_SHIFT, 5, count);
        return;
    }
    b->lr[i] &= ~(u32)LR_ACTIVE;
    if (b->lr[i] & LR_HW)
        gicv2_deactivate(b, b->gic->security, b->lr[i] >> 10 & 0x3ff);
}

/* Nothing active at all: another's interrupt, for which nothing is counted. */
static void end_of_interrupt(struct gic_bank *b, u32 v)
{
    if ((v & 0x3ff) >= 1020 || !b->vapr)
        return;
    b->vapr &= b->vapr - 1;
    if (!(b->vmcr & CTLR_EOIMODE))
        deactivate(b, v & 0x1fff);
}

/* ---- GICV_*: registers, most of which are fields of GICH_VMCR -------------------------------- */

static void set_field(struct gic_bank *b, unsigned shift, unsigned bits, u32 v)
{
    b->vmcr = (u32)bits_set(b->vmcr, shift, bits, v);
}

static void set_bpr(struct gic_bank *b, unsigned shift, u32 v)
{
    unsigned least = shift == VMCR_BPR0_SHIFT ? BPR_MIN : BPR_MIN + 1;
    set_field(b, shift, 3, MAX(v & 7, least));
}

static u32 virtual_get(struct gic_bank *b, u64 offset)
{
    switch (offset) {
    case GICV_CTLR: return b->vmcr & VMCR_CTLR;
    case GICV_PMR: return mask_of(b);
    case GICV_BPR: return field(b, VMCR_BPR0_SHIFT, 3);
    case GICV_ABPR: return field(b, VMCR_BPR1_SHIFT, 3);
    case GICV_IAR: return acknowledge(b, 0);
    case GICV_AIAR: return acknowledge(b, 1);
    case GICV_RPR: return MIN(running(b), 0xffu);
    case GICV_HPPIR: return visible(b, best_lr(b), 0);
    case GICV_AHPPIR: return visible(b, best_lr(b), 1);
    case GICV_APR: return b->vapr;
    case GICV_IIDR: return GICC_IIDR;
    default:
        device_guest_error(&b->gic->dev, "virtual CPU interface: read at 0x%llx",
                           (unsigned long long)offset);
        return 0;
    }
}

static void virtual_put(struct gic_bank *b, u64 offset, u32 v)
{
    switch (offset) {
    case GICV_CTLR: b->vmcr = (b->vmcr & ~(u32)VMCR_CTLR) | (v & VMCR_CTLR); break;
    case GICV_PMR: set_field(b, VMCR_PMR_SHIFT, 5, v >> PRIORITY_SHIFT); break;
    case GICV_BPR: set_bpr(b, VMCR_BPR0_SHIFT, v); break;
    case GICV_ABPR: set_bpr(b, VMCR_BPR1_SHIFT, v); break;
    case GICV_EOIR:
    case GICV_AEOIR: end_of_interrupt(b, v); break;
    case GICV_APR: b->vapr = v; break;
    case GICV_DIR:
        if (b->vmcr & CTLR_EOIMODE && (v & 0x3ff) < 1020)
            deactivate(b, v & 0x1fff);
        break;
    default:
        device_guest_error(&b->gic->dev, "virtual CPU interface: write at 0x%llx",
                           (unsigned long long)offset);
    }
}

/* ---- GICH_* ---------------------------------------------------------------------------------- */

void gicv2_virtual_reset(struct gic_bank *b)
{
    b->hcr = 0;
    b->vmcr = BPR_MIN << VMCR_BPR0_SHIFT | (BPR_MIN + 1) << VMCR_BPR1_SHIFT;
    b->vapr = 0;
    memset(b->lr, 0, sizeof(b->lr));
}

static u32 *lr_at(struct gic_bank *b, u64 offset)
{
    u64 i = (offset - GICH_LR) / 4;
    return offset >= GICH_LR && i < GIC_LIST_REGISTERS ? &b->lr[i] : NULL;
}

static u32 control_get(struct gic_bank *b, u64 offset)
{
    const u32 *lr = lr_at(b, offset);
    if (lr)
        return *lr;
    switch (offset) {
    case GICH_HCR: return b->hcr;
    case GICH_VTR: return VTR;
    case GICH_VMCR: return b->vmcr;
    case GICH_MISR: return gicv2_maintenance(b);
    case GICH_EISR0: return ended(b);
    case GICH_ELRSR0: return free_lrs(b);
    case GICH_APR: return b->vapr;
    default: return 0;
    }
}

static void vmcr_put(struct gic_bank *b, u32 v)
{
    b->vmcr = v & VMCR_CTLR;
    set_field(b, VMCR_PMR_SHIFT, 5, v >> VMCR_PMR_SHIFT);
    set_bpr(b, VMCR_BPR0_SHIFT, v >> VMCR_BPR0_SHIFT);
    set_bpr(b, VMCR_BPR1_SHIFT, v >> VMCR_BPR1_SHIFT);
}

static void control_put(struct gic_bank *b, u64 offset, u32 v)
{
    u32 *lr = lr_at(b, offset);
    if (lr) {
        *lr = v & LR_MASK;
        return;
    }
    switch (offset) {
    case GICH_HCR: b->hcr = v & GICH_HCR_MASK; break;
    case GICH_VMCR: vmcr_put(b, v); break;
    case GICH_APR: b->vapr = v; break;
    default:
        device_guest_error(&b->gic->dev, "virtual interface control: write at 0x%llx",
                           (unsigned long long)offset);
    }
}

/* ---- Accesses -------------------------------------------------------------------------------- */

static u64 virtual_read(void *opaque, u64 offset, unsigned size)
{
    struct gic_bank *b = opaque;
    (void)size;
    pthread_mutex_lock(&b->gic->lock);
    u64 v = virtual_get(b, offset);
    pthread_mutex_unlock(&b->gic->lock);
    return v;
}

static void virtual_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct gic_bank *b = opaque;
    (void)size;
    pthread_mutex_lock(&b->gic->lock);
    virtual_put(b, offset, (u32)value);
    gicv2_update(b->gic);
    pthread_mutex_unlock(&b->gic->lock);
}

static u64 control_read(void *opaque, u64 offset, unsigned size)
{
    struct gic_bank *b = opaque;
    (void)size;
    pthread_mutex_lock(&b->gic->lock);
    u64 v = control_get(b, offset);
    pthread_mutex_unlock(&b->gic->lock);
    return v;
}

static void control_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct gic_bank *b = opaque;
    (void)size;
    pthread_mutex_lock(&b->gic->lock);
    control_put(b, offset, (u32)value);
    gicv2_update(b->gic);
    pthread_mutex_unlock(&b->gic->lock);
}

const struct mem_ops gicv2_virtual_face_ops = {
    .read = virtual_read, .write = virtual_write, .min_size = 4, .max_size = 4};
const struct mem_ops gicv2_control_ops = {
    .read = control_read, .write = control_write, .min_size = 4, .max_size = 4};
