/*
 * arm_gicv3_impl.h - the GICv3's state, and what its files call of each other.
 *
 *   arm_gicv3.c         life, wires, which interrupt is signalled to whom
 *   arm_gicv3_dist.c    distributor, and the registers that it shares with redistributors
 *   arm_gicv3_redist.c  redistributors
 *   arm_gicv3_lpi.c     LPIs: configuration and pending tables
 *   arm_gicv3_icc.c     CPU interface
 *   arm_gicv3_virt.c    virtual CPU interface
 *   arm_gicv3_its.c     ITS, a device of its own
 *
 * Everything here is called with gic->lock held, but for the LPI functions at the end, which the
 * ITS calls and which take it. Source: Arm IHI 0069.
 */
#ifndef DEVICE_INTC_ARM_GICV3_IMPL_H
#define DEVICE_INTC_ARM_GICV3_IMPL_H

#include "device/intc/arm_gicv3.h"

enum {
    GIC_WORDS = 32, /* of 32 interrupts: 1020 at most */
    GIC_SGIS = 16,
    GIC_PRIVATE = 32,
    GIC_SPECIAL = 1020, /* and the next three */
    GIC_SPURIOUS = 1023,
    GIC_LPI = 8192,
    GIC_ID_BITS = 16,
    GIC_LPIS = (1 << GIC_ID_BITS) - GIC_LPI,
    GIC_NOWHERE = 0xffff,
    GIC_IDLE = 0x100,
    GIC_PRIORITY_BITS = 5, /* all of which decide preemption: one word of active priorities */
    GIC_PRIORITY_MASK = 0xff << (8 - GIC_PRIORITY_BITS) & 0xff,
    GIC_BPR_MIN = 7 - GIC_PRIORITY_BITS,
    GIC_LIST_REGISTERS = 4,
    GIC_IIDR = 0x43b, /* implementer: Arm */
    GIC_PIDR2 = 0xffe8,
    GIC_ARCH_V3 = 0x3b, /* of GICx_PIDR2 */
};

enum gicv3_group { GROUP0, GROUP1NS, GROUP1S, GIC_GROUPS };

/* GICD_CTLR as the Secure state sees it; bit n enables group n. */
enum { GICD_CTLR_DS = 1 << 6, GICD_CTLR_GROUPS = 7 };
enum { GICR_CTLR_LPIS = 1 << 0, GICR_CTLR_DPG_SHIFT = 24, GICR_CTLR_DPG = 7 << 24 };
/* ICC_CTLR_EL1; EL3's own bits of ICC_CTLR_EL3. */
enum { ICC_CBPR = 1, ICC_EOIMODE = 2, ICC_EL3_EOIMODE = 4, ICC_EL3_RM = 32 };

/* State of 32 interrupts, a bit each. */
struct gicv3_word {
    u32 enabled, latch, level, active, edge, group, modifier;
};

struct gicv3_cpu {
    struct gicv3 *gic;
    /* Redistributor. */
    struct gicv3_word word;
    u8 priority[GIC_PRIVATE];
    u64 nsacr;
    u32 rctlr; /* GICR_CTLR */
    bool asleep;
    u64 propbaser, pendbaser;
    u64 *lpi; /* pending ones, by bit */
    u32 lpi_words;
    u32 lpi_count, lpi_best; /* derived: how many, and the one to signal; 0: none */
    /* CPU interface; [0] is Non-secure, [1] Secure. */
    u8 pmr, bpr0, bpr1[2];
    bool enable0, enable1[2];
    u32 ctlr[2], ctlr_el3;
    u32 active[GIC_GROUPS]; /* priorities, by group: ICC_APnRm */
    /* Virtual CPU interface. */
    u32 hcr, vmcr;
    u32 vactive[2];
    u64 lr[GIC_LIST_REGISTERS];
    u8 driven; /* outputs */
};

struct gicv3_port {
    struct gicv3 *gic;
    bool secure;
};

struct gicv3 {
    struct device dev;
    /* Options. */
    u32 cpus, irqs, first_region;
    bool security, lpis;

    struct mem_region mmio[GICV3_MMIOS];
    struct gicv3_port port[2]; /* Secure accesses come by [1] */
    struct irq irq[GICV3_OUTPUTS * GICV3_CPUS];
    pthread_mutex_t lock;
    u32 affinity[GICV3_CPUS]; /* Aff3.Aff2.Aff1.Aff0 */

    u32 ctlr;
    struct gicv3_word word[GIC_WORDS]; /* [0] is not used */
    u8 priority[32 * GIC_WORDS];
    u64 nsacr[GIC_WORDS];
    u64 route[32 * GIC_WORDS];  /* GICD_IROUTER */
    u16 target[32 * GIC_WORDS]; /* derived: index of a CPU, GIC_NOWHERE */
    struct gicv3_cpu *cpu;
    u8 *lpi_config; /* of all LPIs, as last read */
    u32 lpi_config_size;
};

/* One Security state? */
static inline bool gicv3_is_single(const struct gicv3 *g)
{
    return g->ctlr & GICD_CTLR_DS;
}

static inline u32 gicv3_index(const struct gicv3_cpu *c)
{
    return (u32)(c - c->gic->cpu);
}

static inline u32 gicv3_words(const struct gicv3 *g)
{
    return (g->irqs + 31) / 32;
}

/* arm_gicv3.c */
struct gicv3_best {
    u32 id; /* GIC_SPURIOUS: none */
    unsigned priority;
    enum gicv3_group group;
};
struct gicv3_best gicv3_best(struct gicv3_cpu *c);
enum gicv3_group gicv3_group(const struct gicv3 *g, const struct gicv3_word *w, unsigned bit);
struct gicv3_word *gicv3_word(struct gicv3_cpu *c, u32 id);
u32 gicv3_pending(const struct gicv3_word *w);
void gicv3_set_level(struct gicv3_word *w, u32 bit, bool level);
unsigned gicv3_running(const struct gicv3_cpu *c); /* priority; GIC_IDLE */
unsigned gicv3_group_priority(const struct gicv3_cpu *c, unsigned priority, enum gicv3_group group);
bool gicv3_signals(const struct gicv3_cpu *c, const struct gicv3_best *b);
void gicv3_update_cpu(struct gicv3_cpu *c);
void gicv3_update_spi(struct gicv3 *g, u32 id);
void gicv3_update(struct gicv3 *g);
/* What decides where shared interrupts go has changed; updates too. */
void gicv3_retarget(struct gicv3 *g);
void gicv3_retarget_spi(struct gicv3 *g, u32 id);
struct gicv3_cpu *gicv3_find_cpu(struct gicv3 *g, u32 affinity);

/* arm_gicv3_dist.c: registers from 0x80 to 0xe00 of the interrupts of a word; NULL priority is not
 * theirs. */
struct gicv3_bank {
    struct gicv3 *gic;
    struct gicv3_word *word;
    u8 *priority; /* of the word's first interrupt */
    u64 *nsacr;
    u32 implemented, sgis;
};
u32 gicv3_bank_get(const struct gicv3_bank *b, u32 kind, u32 index, bool secure);
void gicv3_bank_put(const struct gicv3_bank *b, u32 kind, u32 index, u32 v, bool secure);
u8 gicv3_bank_priority(const struct gicv3_bank *b, u32 bit, bool secure);
void gicv3_bank_set_priority(const struct gicv3_bank *b, u32 bit, u8 v, bool secure);
/* Which of the word's registers an offset is: kind is the offset of the first. */
struct gicv3_place {
    u32 kind, word, index; /* index: the register among those of the word */
};
bool gicv3_place(u64 offset, struct gicv3_place *p);
u64 gicv3_dist_read(struct gicv3 *g, u64 offset, unsigned size, bool secure);
void gicv3_dist_write(struct gicv3 *g, u64 offset, u64 v, unsigned size, bool secure);
u32 gicv3_id_register(u64 offset); /* 0xffd0.. of every frame */

/* arm_gicv3_redist.c */
u64 gicv3_redist_read(struct gicv3 *g, u64 offset, unsigned size, bool secure);
void gicv3_redist_write(struct gicv3 *g, u64 offset, u64 v, unsigned size, bool secure);
void gicv3_redist_reset(struct gicv3_cpu *c);

/* arm_gicv3_lpi.c */
void gicv3_lpi_enable(struct gicv3_cpu *c, bool on);
void gicv3_lpi_set_pending(struct gicv3_cpu *c, u32 id, bool on); /* without an update */
unsigned gicv3_lpi_priority(const struct gicv3 *g, u32 id);
void gicv3_lpi_rescan(struct gicv3_cpu *c); /* makes what is derived */

/* arm_gicv3_icc.c */
void gicv3_icc_reset(struct gicv3_cpu *c);
void gicv3_deactivate(struct gicv3_cpu *c, u32 id, bool secure);

/* arm_gicv3_virt.c */
/* A system register; registers are in tables by CRm - 8 and op2. */
struct gicv3_register {
    u64 (*get)(struct gicv3_cpu *c, const struct gicv3_access *at); /* NULL: cannot be read */
    void (*set)(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v);
};
extern const struct gicv3_register gicv3_icv[8][8]; /* in the places of ICC_* */
extern const struct gicv3_register gicv3_ich[8][8];
extern const struct gicv3_register gicv3_icv_pmr;
void gicv3_virtual_reset(struct gicv3_cpu *c);
u8 gicv3_virtual_outputs(const struct gicv3_cpu *c); /* BIT(enum gicv3_output) */
u32 gicv3_maintenance(const struct gicv3_cpu *c);    /* ICH_MISR_EL2 */

/* ---- For the ITS: takes the lock ---------------------------------------------------------------
 */
u32 gicv3_cpu_count(struct gicv3 *g);
void gicv3_lpi_signal(struct gicv3 *g, u32 cpu, u32 id, bool pending);
void gicv3_lpi_move(struct gicv3 *g, u32 from, u32 to, u32 id);
void gicv3_lpi_move_all(struct gicv3 *g, u32 from, u32 to);
void gicv3_lpi_reload(struct gicv3 *g, u32 cpu, u32 id);
void gicv3_lpi_reload_all(struct gicv3 *g, u32 cpu);

#endif
