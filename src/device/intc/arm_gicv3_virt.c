/*
 * arm_gicv3_virt.c - GICv3 virtual CPU interfaces: ICH_*, by which a hypervisor lists virtual
 * interrupts, and ICV_*, by which its guest takes them.
 *
 *   list register: inactive --(ICH_LR)--> pending --(ICV_IAR)--> active --(ICV_EOIR, ICV_DIR)-->
 * inactive
 *
 * Virtual LPIs are never active. An interrupt that a list register ties to a physical one
 * deactivates that too. Direct injection (GICv4) is not there, and ICH_VTR_EL2 says so.
 *
 * Source: Arm IHI 0069, 6 and 12.4, 12.5. Locking: gic->lock is held.
 */
#include "device/intc/arm_gicv3_impl.h"

enum {
    HCR_EN = 1 << 0,
    HCR_UIE = 1 << 1,
    HCR_LRENPIE = 1 << 2,
    HCR_NPIE = 1 << 3,
    HCR_GRP_IE_SHIFT = 4, /* VGrp0EIE, VGrp0DIE, VGrp1EIE, VGrp1DIE */
    HCR_EOICOUNT_SHIFT = 27,
};
#define HCR_MASK UINT32_C(0xf8005cff) /* and TC, TALL0, TALL1, TDIR */
enum {
    VTR_LIST = GIC_LIST_REGISTERS - 1,
    VTR_TDS = 1 << 19,
    VTR_NV4 = 1 << 20,
    VTR_A3V = 1 << 21,
};
#define VTR_BITS (UINT64_C(9) * (GIC_PRIORITY_BITS - 1) << 26) /* PRIbits, PREbits */
enum {
    VMCR_ENG0 = 1 << 0,
    VMCR_ENG1 = 1 << 1,
    VMCR_FIQEN = 1 << 3, /* group 0 is always FIQ */
    VMCR_CBPR = 1 << 4,
    VMCR_EOIM = 1 << 9,
    VMCR_BPR1_SHIFT = 18,
    VMCR_BPR0_SHIFT = 21,
    VMCR_PMR_SHIFT = 24,
};
enum { MISR_EOI = 1, MISR_U = 2, MISR_LRENP = 4, MISR_NP = 8 };
enum { NO_LR = -1 };

#define LR_STATE   (UINT64_C(3) << 62)
#define LR_PENDING BIT(62)
#define LR_ACTIVE  BIT(63)
#define LR_HW      BIT(61)
#define LR_GROUP1  BIT(60)
#define LR_EOI     BIT(41) /* where HW is 0 */
#define LR_MASK    UINT64_C(0xf0ff1fffffffffff)

static u32 lr_id(u64 lr)
{
    return (u32)lr;
}

static unsigned lr_priority(u64 lr)
{
    return (unsigned)bits_get(lr, 48, 8) & GIC_PRIORITY_MASK;
}

/* ---- Which is next --------------------------------------------------------------------------- */

static unsigned field(const struct gicv3_cpu *c, unsigned shift, unsigned bits)
{
    return c->vmcr >> shift & ((1u << bits) - 1);
}

/* The pending one of highest priority whose group is on. */
static int best_lr(const struct gicv3_cpu *c)
{
    int best = NO_LR;
    for (int i = 0; i < GIC_LIST_REGISTERS; i++) {
        u64 lr = c->lr[i];
        bool on = c->vmcr & (lr & LR_GROUP1 ? VMCR_ENG1 : VMCR_ENG0);
        if ((lr & LR_STATE) != LR_PENDING || !on)
            continue;
        if (best == NO_LR || lr_priority(lr) < lr_priority(c->lr[best]))
            best = i;
    }
    return best;
}

static unsigned running(const struct gicv3_cpu *c)
{
    u32 active = c->vactive[0] | c->vactive[1];
    return active ? ctz64(active) << (8 - GIC_PRIORITY_BITS) : GIC_IDLE;
}

static unsigned group_priority(const struct gicv3_cpu *c, u64 lr)
{
    bool own = lr & LR_GROUP1 && !(c->vmcr & VMCR_CBPR);
    unsigned point = own ? field(c, VMCR_BPR1_SHIFT, 3) : field(c, VMCR_BPR0_SHIFT, 3) + 1;
    return lr_priority(lr) & ~((1u << point) - 1) & 0xff;
}

static bool signals(const struct gicv3_cpu *c, int i)
{
    if (i == NO_LR || !(c->hcr & HCR_EN) || lr_priority(c->lr[i]) >= field(c, VMCR_PMR_SHIFT, 8))
        return false;
    return running(c) == GIC_IDLE || group_priority(c, c->lr[i]) < running(c);
}

u8 gicv3_virtual_outputs(const struct gicv3_cpu *c)
{
    int i = c->hcr & HCR_EN ? best_lr(c) : NO_LR;
    if (!signals(c, i))
        return 0;
    return c->lr[i] & LR_GROUP1 ? BIT(GICV3_VIRQ) : BIT(GICV3_VFIQ);
}

/* ---- Maintenance ----------------------------------------------------------------------------- */

static bool is_ended(u64 lr)
{
    return !(lr & (LR_STATE | LR_HW)) && lr & LR_EOI;
}

static u32 ended(const struct gicv3_cpu *c)
{
    u32 v = 0;
    for (unsigned i = 0; i < GIC_LIST_REGISTERS; i++)
        v |= (u32)is_ended(c->lr[i]) << i;
    return v;
}

static u32 free_lrs(const struct gicv3_cpu *c)
{
    u32 v = 0;
    for (unsigned i = 0; i < GIC_LIST_REGISTERS; i++)
        v |= (u32)(!(c->lr[i] & LR_STATE) && !is_ended(c->lr[i])) << i;
    return v;
}

static u32 group_conditions(const struct gicv3_cpu *c)
{
    bool on0 = c->vmcr & VMCR_ENG0, on1 = c->vmcr & VMCR_ENG1;
    u32 v = (u32)on0 | (u32)!on0 << 1 | (u32)on1 << 2 | (u32)!on1 << 3;
    return (v & (c->hcr >> HCR_GRP_IE_SHIFT)) << HCR_GRP_IE_SHIFT;
}

u32 gicv3_maintenance(const struct gicv3_cpu *c)
{
    unsigned valid = 0, pending = 0;
    if (!(c->hcr & HCR_EN))
        return 0;
    for (unsigned i = 0; i < GIC_LIST_REGISTERS; i++) {
        valid += (c->lr[i] & LR_STATE) != 0;
        pending += (c->lr[i] & LR_STATE) == LR_PENDING;
    }
    return (ended(c) ? MISR_EOI : 0) | (c->hcr & HCR_UIE && valid <= 1 ? MISR_U : 0) |
           (c->hcr & HCR_LRENPIE && c->hcr >> HCR_EOICOUNT_SHIFT ? MISR_LRENP : 0) |
           (c->hcr & HCR_NPIE && !pending ? MISR_NP : 0) | group_conditions(c);
}

/* ---- ICV_*: interrupts ----------------------------------------------------------------------- */

static u64 visible_id(const struct gicv3_cpu *c, int i, bool group1)
{
    return i != NO_LR && !(c->lr[i] & LR_GROUP1) == !group1 ? lr_id(c->lr[i]) : GIC_SPURIOUS;
}

static u64 acknowledge(struct gicv3_cpu *c, bool group1)
{
    int i = best_lr(c);
    if (!signals(c, i) || visible_id(c, i, group1) == GIC_SPURIOUS)
        return GIC_SPURIOUS;
    u64 *lr = &c->lr[i];
    c->vactive[group1] |= 1u << (group_priority(c, *lr) >> (8 - GIC_PRIORITY_BITS));
    *lr &= ~LR_STATE;
    if (lr_id(*lr) < GIC_LPI)
        *lr |= LR_ACTIVE;
    gicv3_update_cpu(c);
    return lr_id(*lr);
}

static int find_active(const struct gicv3_cpu *c, u32 id)
{
    for (int i = 0; i < GIC_LIST_REGISTERS; i++) {
        if (c->lr[i] & LR_ACTIVE && lr_id(c->lr[i]) == id)
            return i;
    }
    return NO_LR;
}

static void deactivate(struct gicv3_cpu *c, u32 id, int group)
{
    int i = find_active(c, id);
    if (i == NO_LR) {
        u32 count = (c->hcr >> HCR_EOICOUNT_SHIFT) + 1;
        c->hcr = (u32)bits_set(c->hcr, HCR_EOICOUNT_SHIFT, 5, count);
    } else if (group < 0 || !(c->lr[i] & LR_GROUP1) == !group) {
        c->lr[i] &= ~LR_ACTIVE;
        if (c->lr[i] & LR_HW)
            gicv3_deactivate(c, (u32)bits_get(c->lr[i], 32, 13), false);
    }
}

/* Nothing active at all: another's interrupt, for which nothing is counted. */
static void end_of_interrupt(struct gicv3_cpu *c, u64 v, unsigned group)
{
    u32 id = (u32)v & 0xffffff, all = c->vactive[0] | c->vactive[1], first = all & -all;
    if ((id >= GIC_SPECIAL && id < GIC_LPI) || !all)
        return;
    if (c->vactive[group] & first) {
        c->vactive[group] &= ~first;
        if (!(c->vmcr & VMCR_EOIM) && id < GIC_LPI)
            deactivate(c, id, (int)group);
    }
    gicv3_update_cpu(c);
}

static u64 iar0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return acknowledge(c, false);
}

static u64 iar1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return acknowledge(c, true);
}

static u64 hppir0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return visible_id(c, best_lr(c), false);
}

static u64 hppir1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return visible_id(c, best_lr(c), true);
}

static void eoir0_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    end_of_interrupt(c, v, 0);
}

static void eoir1_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    end_of_interrupt(c, v, 1);
}

static void dir_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    u32 id = (u32)v & 0xffffff;
    (void)at;
    if (!(c->vmcr & VMCR_EOIM) || id >= GIC_SPECIAL)
        return;
    deactivate(c, id, -1);
    gicv3_update_cpu(c);
}

/* ---- ICV_*: control, which is ICH_VMCR's ----------------------------------------------------- */

static void set_field(struct gicv3_cpu *c, unsigned shift, unsigned bits, u64 v)
{
    c->vmcr = (u32)bits_set(c->vmcr, shift, bits, v);
    gicv3_update_cpu(c);
}

static void set_bpr(struct gicv3_cpu *c, unsigned shift, u64 v)
{
    unsigned least = shift == VMCR_BPR0_SHIFT ? GIC_BPR_MIN : GIC_BPR_MIN + 1;
    set_field(c, shift, 3, MAX(v & 7, least));
}

static u64 pmr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return field(c, VMCR_PMR_SHIFT, 8);
}

static void pmr_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    set_field(c, VMCR_PMR_SHIFT, 8, v & GIC_PRIORITY_MASK);
}

static u64 rpr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return MIN(running(c), 0xffu);
}

static u64 bpr0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return field(c, VMCR_BPR0_SHIFT, 3);
}

static void bpr0_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    set_bpr(c, VMCR_BPR0_SHIFT, v);
}

static u64 bpr1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->vmcr & VMCR_CBPR ? MIN(field(c, VMCR_BPR0_SHIFT, 3) + 1, 7u)
                               : field(c, VMCR_BPR1_SHIFT, 3);
}

static void bpr1_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    if (!(c->vmcr & VMCR_CBPR))
        set_bpr(c, VMCR_BPR1_SHIFT, v);
}

static u64 ctlr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return (c->vmcr & VMCR_CBPR ? ICC_CBPR : 0) | (c->vmcr & VMCR_EOIM ? ICC_EOIMODE : 0) |
           (GIC_PRIORITY_BITS - 1) << 8 | 1 << 15 | 1 << 18;
}

static void ctlr_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->vmcr &= ~(u32)(VMCR_CBPR | VMCR_EOIM);
    c->vmcr |= (v & ICC_CBPR ? VMCR_CBPR : 0) | (v & ICC_EOIMODE ? VMCR_EOIM : 0);
    gicv3_update_cpu(c);
}

static u64 igrpen0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return field(c, 0, 1);
}

static void igrpen0_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    set_field(c, 0, 1, v & 1);
}

static u64 igrpen1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return field(c, 1, 1);
}

static void igrpen1_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    set_field(c, 1, 1, v & 1);
}

static u64 ap0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->vactive[0];
}

static void ap0_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->vactive[0] = (u32)v;
    gicv3_update_cpu(c);
}

static u64 ap1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->vactive[1];
}

static void ap1_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->vactive[1] = (u32)v;
    gicv3_update_cpu(c);
}

const struct gicv3_register gicv3_icv_pmr = {pmr_get, pmr_set};
const struct gicv3_register gicv3_icv[8][8] = {
    [0] = {[0] = {iar0_get, NULL},
           [1] = {NULL, eoir0_set},
           [2] = {hppir0_get, NULL},
           [3] = {bpr0_get, bpr0_set},
           [4] = {ap0_get, ap0_set}},
    [1] = {[0] = {ap1_get, ap1_set}},
    [3] = {[1] = {NULL, dir_set}, [3] = {rpr_get, NULL}},
    [4] = {[0] = {iar1_get, NULL},
           [1] = {NULL, eoir1_set},
           [2] = {hppir1_get, NULL},
           [3] = {bpr1_get, bpr1_set},
           [4] = {ctlr_get, ctlr_set},
           [6] = {igrpen0_get, igrpen0_set},
           [7] = {igrpen1_get, igrpen1_set}},
};

/* ---- ICH_* ----------------------------------------------------------------------------------- */

static u64 hcr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->hcr;
}

static void hcr_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->hcr = (u32)v & HCR_MASK;
    gicv3_update_cpu(c);
}

static u64 vtr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)c;
    (void)at;
    return VTR_LIST | VTR_TDS | VTR_NV4 | VTR_A3V | VTR_BITS;
}

static u64 misr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return gicv3_maintenance(c);
}

static u64 eisr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return ended(c);
}

static u64 elrsr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return free_lrs(c);
}

void gicv3_virtual_reset(struct gicv3_cpu *c)
{
    c->hcr = 0;
    c->vmcr = GIC_BPR_MIN << VMCR_BPR0_SHIFT | (GIC_BPR_MIN + 1) << VMCR_BPR1_SHIFT;
    memset(c->vactive, 0, sizeof(c->vactive));
    memset(c->lr, 0, sizeof(c->lr));
}

static u64 vmcr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->vmcr | VMCR_FIQEN;
}

static void vmcr_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->vmcr = (u32)v & (VMCR_ENG0 | VMCR_ENG1 | VMCR_CBPR | VMCR_EOIM);
    set_field(c, VMCR_PMR_SHIFT, 8, v >> VMCR_PMR_SHIFT & GIC_PRIORITY_MASK);
    set_bpr(c, VMCR_BPR0_SHIFT, v >> VMCR_BPR0_SHIFT);
    set_bpr(c, VMCR_BPR1_SHIFT, v >> VMCR_BPR1_SHIFT);
}

static unsigned lr_number(const struct gicv3_access *at)
{
    return at->encoding & 7;
}

static u64 lr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return c->lr[lr_number(at)];
}

static void lr_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    c->lr[lr_number(at)] = v & LR_MASK;
    gicv3_update_cpu(c);
}

const struct gicv3_register gicv3_ich[8][8] = {
    [0] = {[0] = {ap0_get, ap0_set}},
    [1] = {[0] = {ap1_get, ap1_set}},
    [3] = {[0] = {hcr_get, hcr_set},
           [1] = {vtr_get, NULL},
           [2] = {misr_get, NULL},
           [3] = {eisr_get, NULL},
           [5] = {elrsr_get, NULL},
           [7] = {vmcr_get, vmcr_set}},
    [4] = {[0] = {lr_get, lr_set},
           [1] = {lr_get, lr_set},
           [2] = {lr_get, lr_set},
           [3] = {lr_get, lr_set}},
};
