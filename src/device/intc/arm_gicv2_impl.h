/*
 * arm_gicv2_impl.h - the GICv2 among its own files: arm_gicv2.c (which interrupt is next, wires,
 * life), arm_gicv2_dist.c, arm_gicv2_face.c (CPU interface), arm_gicv2_virt.c.
 *
 * Everything here is called with gic->lock held. Only a GIC with the Security Extensions has
 * Non-secure accesses (`ns`); without them there is one state, which has all registers.
 */
#ifndef DEVICE_INTC_ARM_GICV2_IMPL_H
#define DEVICE_INTC_ARM_GICV2_IMPL_H

#include "device/intc/arm_gicv2.h"

enum {
    GIC_WORDS = 32, /* of 32 interrupts: 1020 at most */
    GIC_SGIS = 16,
    GIC_PRIVATE = 32,
    GIC_SPURIOUS = 1023,
    GIC_OTHER_GROUP = 1022,
    GICC_IIDR = 0x0202043b, /* implementer: Arm */
    GIC_IDLE = 0x100,
    GIC_APRS = 4, /* 128 preemption levels: priority bits 7..1 */
    GIC_LIST_REGISTERS = 4,
};

/* GICC_CTLR, and GICV_CTLR. The last one: with the Security Extensions, for Non-secure accesses. */
enum {
    CTLR_GRP0 = 1,
    CTLR_GRP1 = 2,
    CTLR_ACK = 4,
    CTLR_FIQ = 8,
    CTLR_CBPR = 16,
    CTLR_EOIMODE = 1 << 9,
    CTLR_EOIMODE_NS = 1 << 10,
    CTLR_MASK = 0x21f
};

/* State of 32 interrupts, a bit each. */
struct gic_word {
    u32 enabled, latch, level, active, edge, group;
};

struct gic_bank;

/* A CPU's registers as accesses of one Security state see them. */
struct gic_view {
    struct gic_bank *bank;
    bool ns;
};

struct gic_bank {
    struct gic *gic;
    struct gic_view view[2];
    struct gic_word word; /* interrupts 0..31 */
    u8 priority[GIC_PRIVATE];
    u8 sgi_from[GIC_SGIS]; /* CPUs whose SGI is pending here */
    u32 nsacr;             /* of SGIs */
    /* CPU interface. Where there are two Security states, nsapr has group 1's active priorities. */
    u32 ctlr;
    u8 pmr, bpr, abpr;
    u32 apr[GIC_APRS], nsapr[GIC_APRS];
    /* Virtual CPU interface: GICH_*. */
    u32 hcr, vmcr, vapr;
    u32 lr[GIC_LIST_REGISTERS];
};

struct gic {
    struct device dev;
    u32 cpus, irqs;
    bool security, virtualization;
    struct mem_region mmio[GICV2_MMIOS * GICV2_CPUS];
    struct irq irq[GICV2_OUTPUTS * GICV2_CPUS];
    pthread_mutex_t lock;
    u32 ctlr;
    struct gic_bank bank[GICV2_CPUS];
    struct gic_word word[GIC_WORDS]; /* [0] is not used */
    u8 priority[32 * GIC_WORDS], target[32 * GIC_WORDS];
    u32 nsacr[2 * GIC_WORDS]; /* two bits each; of SPIs */
};

static inline unsigned gicv2_cpu_of(const struct gic_bank *b)
{
    return (unsigned)(b - b->gic->bank);
}

static inline struct gic_word *gicv2_word(struct gic_bank *b, unsigned w)
{
    return w ? &b->gic->word[w] : &b->word;
}

static inline u8 *gicv2_priority(struct gic_bank *b, unsigned n)
{
    return n < GIC_PRIVATE ? &b->priority[n] : &b->gic->priority[n];
}

static inline unsigned gicv2_group(struct gic_bank *b, unsigned n)
{
    return gicv2_word(b, n / 32)->group >> n % 32 & 1;
}

/* arm_gicv2.c */
u32 gicv2_implemented(const struct gic *g, unsigned w); /* which interrupts of a word exist */
u32 gicv2_pending(struct gic_bank *b, unsigned w);
/* The pending, enabled interrupt of highest priority that goes to this CPU and whose group is on in
 * the distributor; GIC_SPURIOUS: none. */
unsigned gicv2_best(struct gic_bank *b, unsigned *priority);
/* Would interrupt n be signalled now? */
bool gicv2_signals(struct gic_bank *b, unsigned n, unsigned priority);
unsigned gicv2_running(const struct gic_bank *b);
/* The bits of a priority that decide preemption, for these binary points. */
unsigned gicv2_group_priority(unsigned priority, bool own, unsigned bpr, unsigned abpr);
/* Where group's active priorities are. */
u32 *gicv2_active(struct gic_bank *b, unsigned group);
void gicv2_set_level(struct gic_word *s, u32 bit, int level);
void gicv2_update_cpu(struct gic_bank *b);
void gicv2_update(struct gic *g);

/* Registers; arm_gicv2_dist.c, arm_gicv2_face.c, arm_gicv2_virt.c: offsets are within the region,
 * opaque is a struct gic_view or, of the last, a struct gic_bank. */
extern const struct mem_ops gicv2_dist_ops, gicv2_face_ops, gicv2_control_ops,
    gicv2_virtual_face_ops;

/* arm_gicv2_face.c */
void gicv2_deactivate(struct gic_bank *b, bool ns, unsigned n);

/* arm_gicv2_virt.c */
#define GICH_HCR_MASK UINT32_C(0xf80000ff)
void gicv2_virtual_reset(struct gic_bank *b);
u32 gicv2_maintenance(const struct gic_bank *b);    /* GICH_MISR: why there is that interrupt */
u8 gicv2_virtual_outputs(const struct gic_bank *b); /* BIT(GICV2_VIRQ), BIT(GICV2_VFIQ) */

#endif
