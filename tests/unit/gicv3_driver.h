/*
 * gicv3_driver.h - a GICv3 and its ITS on a device harness, driven as software drives them: by
 * registers in memory and by system registers.
 */
#ifndef TESTS_GICV3_DRIVER_H
#define TESTS_GICV3_DRIVER_H

#include "device/intc/arm_gicv3.h"
#include "device_harness.h"

enum {
    GIC_CPUS = 4,
    GIC_IRQS = 96,
    GIC_SPIS = GIC_IRQS - 32,
    /* Distributor, and SGI_base of redistributors. */
    GICD_CTLR = 0,
    GICD_TYPER = 4,
    GICD_SETSPI_NSR = 0x40,
    GICD_CLRSPI_NSR = 0x48,
    IGROUPR = 0x80,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ICFGR = 0xc00,
    IGRPMODR = 0xd00,
    NSACR = 0xe00,
    IROUTER = 0x6000,
    PIDR2 = 0xffe8,
    /* RD_base. */
    GICR_CTLR = 0,
    GICR_TYPER = 8,
    GICR_WAKER = 0x14,
    GICR_PROPBASER = 0x70,
    GICR_PENDBASER = 0x78,
    SGI_BASE = 0x10000,
    SPURIOUS = 1023,
};
#define GIC_REGION (16 * MiB)

#define SYSREG(op1, crn, crm, op2) (3 << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
enum {
    ICC_PMR = SYSREG(0, 4, 6, 0),
    ICC_IAR0 = SYSREG(0, 12, 8, 0),
    ICC_EOIR0 = SYSREG(0, 12, 8, 1),
    ICC_HPPIR0 = SYSREG(0, 12, 8, 2),
    ICC_BPR0 = SYSREG(0, 12, 8, 3),
    ICC_AP0R0 = SYSREG(0, 12, 8, 4),
    ICC_AP0R1 = SYSREG(0, 12, 8, 5),
    ICC_AP1R0 = SYSREG(0, 12, 9, 0),
    ICC_DIR = SYSREG(0, 12, 11, 1),
    ICC_RPR = SYSREG(0, 12, 11, 3),
    ICC_SGI1R = SYSREG(0, 12, 11, 5),
    ICC_ASGI1R = SYSREG(0, 12, 11, 6),
    ICC_SGI0R = SYSREG(0, 12, 11, 7),
    ICC_IAR1 = SYSREG(0, 12, 12, 0),
    ICC_EOIR1 = SYSREG(0, 12, 12, 1),
    ICC_HPPIR1 = SYSREG(0, 12, 12, 2),
    ICC_BPR1 = SYSREG(0, 12, 12, 3),
    ICC_CTLR = SYSREG(0, 12, 12, 4),
    ICC_SRE = SYSREG(0, 12, 12, 5),
    ICC_IGRPEN0 = SYSREG(0, 12, 12, 6),
    ICC_IGRPEN1 = SYSREG(0, 12, 12, 7),
    ICC_CTLR_EL3 = SYSREG(6, 12, 12, 4),
    ICC_IGRPEN1_EL3 = SYSREG(6, 12, 12, 7),
    ICH_AP1R0 = SYSREG(4, 12, 9, 0),
    ICC_SRE_EL2 = SYSREG(4, 12, 9, 5),
    ICH_HCR = SYSREG(4, 12, 11, 0),
    ICH_VTR = SYSREG(4, 12, 11, 1),
    ICH_MISR = SYSREG(4, 12, 11, 2),
    ICH_EISR = SYSREG(4, 12, 11, 3),
    ICH_ELRSR = SYSREG(4, 12, 11, 5),
    ICH_VMCR = SYSREG(4, 12, 11, 7),
    ICH_LR0 = SYSREG(4, 12, 12, 0),
};

struct gic_test {
    struct harness h;
    struct device *d, *its;
    u32 cpu; /* whose registers are accessed, and how: */
    struct gicv3_access how;
    bool secure; /* by memory */
};

static inline struct device *gic_new(struct harness *h, bool security)
{
    struct err err = {0};
    const char *properties[] = {"num-cpu=4",  "num-irq=96", "first-region=3",
                                "has-lpi=on", NULL,         NULL};
    properties[4] = security ? "has-security-extensions=on" : NULL;
    struct device *d = harness_new(h, "arm-gicv3", properties);
    d = harness_realize(h, d, NULL, &err);
    harness_must(d);
    for (unsigned i = 1; i < GICV3_MMIOS; i++)
        mem_map(&h->memory, &h->root, harness_base(h, d) + i * GIC_REGION, device_mmio(d, i), 0);
    return d;
}

/* CPUs are 0.0, 0.1, 1.0, 1.17. */
static inline void gic_open(struct gic_test *t, bool security)
{
    static const u64 affinity[GIC_CPUS] = {0, 1, 0x100, 0x111};
    memset(t, 0, sizeof(*t));
    harness_open(&t->h);
    t->d = gic_new(&t->h, security);
    t->its = harness_add(&t->h, "arm-gicv3-its", NULL, NULL);
    gicv3_its_connect(t->its, t->d);
    for (u32 i = 0; i < GIC_CPUS; i++)
        gicv3_set_affinity(t->d, i, affinity[i]);
    device_reset(t->d);
    t->how = (struct gicv3_access){.el = 1, .has_el2 = true, .fiq_to_el3 = security};
}

static inline void gic_close(struct gic_test *t)
{
    harness_close(&t->h);
    harness_end(&t->h);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static inline u64 gic_dist_at(struct gic_test *t, u64 offset)
{
    return harness_base(&t->h, t->d) + (t->secure ? GICV3_SECURE_DIST : GICV3_DIST) * GIC_REGION +
           offset;
}

static inline u64 gic_redist_at(struct gic_test *t, u32 cpu, u64 offset)
{
    return gic_dist_at(t, GIC_REGION) + cpu * GICV3_REDIST_SIZE + offset;
}

static inline u64 gic_get(struct gic_test *t, u64 addr, unsigned size)
{
    u64 v = 0;
    harness_must(mem_read(&t->h.space, addr, &v, size) == MEM_OK);
    return v;
}

static inline void gic_put(struct gic_test *t, u64 addr, u64 v, unsigned size)
{
    harness_must(mem_write(&t->h.space, addr, v, size) == MEM_OK);
}

static inline u32 dist(struct gic_test *t, u64 offset)
{
    return (u32)gic_get(t, gic_dist_at(t, offset), 4);
}

static inline void dist_put(struct gic_test *t, u64 offset, u32 v)
{
    gic_put(t, gic_dist_at(t, offset), v, 4);
}

static inline u32 redist(struct gic_test *t, u32 cpu, u64 offset)
{
    return (u32)gic_get(t, gic_redist_at(t, cpu, offset), 4);
}

static inline void redist_put(struct gic_test *t, u32 cpu, u64 offset, u32 v)
{
    gic_put(t, gic_redist_at(t, cpu, offset), v, 4);
}

static inline void redist_put64(struct gic_test *t, u32 cpu, u64 offset, u64 v)
{
    gic_put(t, gic_redist_at(t, cpu, offset), v, 8);
}

static inline void route(struct gic_test *t, unsigned n, u64 to)
{
    gic_put(t, gic_dist_at(t, IROUTER + 8 * n), to, 8);
}

/* ---- System registers ------------------------------------------------------------------------ */

static inline u64 sys(struct gic_test *t, u32 encoding)
{
    u64 v = 0;
    t->how.encoding = encoding;
    harness_must(gicv3_register_read(t->d, t->cpu, &t->how, &v) == GICV3_OK);
    return v;
}

static inline void sys_put(struct gic_test *t, u32 encoding, u64 v)
{
    t->how.encoding = encoding;
    harness_must(gicv3_register_write(t->d, t->cpu, &t->how, v) == GICV3_OK);
}

static inline enum gicv3_result sys_read_result(struct gic_test *t, u32 encoding)
{
    u64 v;
    t->how.encoding = encoding;
    return gicv3_register_read(t->d, t->cpu, &t->how, &v);
}

static inline enum gicv3_result sys_write_result(struct gic_test *t, u32 encoding, u64 v)
{
    t->how.encoding = encoding;
    return gicv3_register_write(t->d, t->cpu, &t->how, v);
}

static inline int output(const struct gic_test *t, u32 cpu, enum gicv3_output n)
{
    return t->h.level[GICV3_OUTPUTS * cpu + n];
}

static inline void set_spi(struct gic_test *t, unsigned n, int level)
{
    irq_set(device_input(t->d, n - 32), level);
}

static inline void set_ppi(struct gic_test *t, u32 cpu, unsigned n, int level)
{
    irq_set(device_input(t->d, GIC_SPIS + 32 * cpu + n), level);
}

#endif
