/*
 * test_gicv2.c - the GICv2 against its architecture (Arm IHI 0048B): shared, private and software
 * interrupts, priorities and preemption, banked registers, priority drop apart from deactivation,
 * groups, state. And GICv2m, whose messages become edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_harness.h"

enum {
    CPUS = 4,
    IRQS = 288,
    SPIS = IRQS - 32,
    /* Distributor: mem_region 2*cpu. */
    CTLR = 0,
    TYPER = 4,
    IGROUPR = 0x80,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00,
    SGIR = 0xf00,
    CPENDSGIR = 0xf10,
    SPENDSGIR = 0xf20,
    /* CPU interface: mem_region 2*cpu + 1. */
    PMR = 4,
    BPR = 8,
    IAR = 0xc,
    EOIR = 0x10,
    RPR = 0x14,
    HPPIR = 0x18,
    ABPR = 0x1c,
    AIAR = 0x20,
    AEOIR = 0x24,
    AHPPIR = 0x28,
    APR = 0xd0,
    DIR = 0x1000,
    /* GICC_CTLR. */
    GROUP0 = 1,
    GROUP1 = 2,
    ACK_CTL = 4,
    FIQ_EN = 8,
    CBPR = 16,
    EOI_MODE = 0x200,
    SPURIOUS = 1023,
    OTHER_GROUP = 1022,
};

struct gic_test {
    struct harness h;
    struct device *d;
};

static u64 at(unsigned region, u64 offset)
{
    return UINT64_C(0x40000000) + region * UINT64_C(0x10000) + offset;
}

static u32 read_region(struct gic_test *t, unsigned region, u64 offset, unsigned size)
{
    u64 v = 0;
    assert_int_equal(mem_read(&t->h.space, at(region, offset), &v, size), MEM_OK);
    return (u32)v;
}

static void write_region(struct gic_test *t, unsigned region, u64 offset, u32 v, unsigned size)
{
    assert_int_equal(mem_write(&t->h.space, at(region, offset), v, size), MEM_OK);
}

static u32 dist(struct gic_test *t, unsigned cpu, u64 offset)
{
    return read_region(t, 2 * cpu, offset, 4);
}

static void dist_put(struct gic_test *t, unsigned cpu, u64 offset, u32 v)
{
    write_region(t, 2 * cpu, offset, v, 4);
}

static u32 face(struct gic_test *t, unsigned cpu, u64 offset)
{
    return read_region(t, 2 * cpu + 1, offset, 4);
}

static void face_put(struct gic_test *t, unsigned cpu, u64 offset, u32 v)
{
    write_region(t, 2 * cpu + 1, offset, v, 4);
}

static void spi(struct gic_test *t, unsigned n, int level)
{
    irq_set(device_input(t->d, n - 32), level);
}

static void ppi(struct gic_test *t, unsigned cpu, unsigned n, int level)
{
    irq_set(device_input(t->d, SPIS + 32 * cpu + n), level);
}

static int irq_line(struct gic_test *t, unsigned cpu)
{
    return t->h.level[2 * cpu];
}

static int fiq_line(struct gic_test *t, unsigned cpu)
{
    return t->h.level[2 * cpu + 1];
}

static bool bit(struct gic_test *t, unsigned cpu, u64 offset, unsigned n)
{
    return dist(t, cpu, offset + n / 32 * 4) >> n % 32 & 1;
}

static void set_bit(struct gic_test *t, unsigned cpu, u64 offset, unsigned n)
{
    dist_put(t, cpu, offset + n / 32 * 4, 1u << n % 32);
}

static void set_byte(struct gic_test *t, unsigned cpu, u64 offset, unsigned n, u8 v)
{
    write_region(t, 2 * cpu, offset + n, v, 1);
}

/* Enabled, at this priority, to these CPUs. */
static void open_spi(struct gic_test *t, unsigned n, u8 priority, u8 targets)
{
    set_bit(t, 0, ISENABLER, n);
    set_byte(t, 0, IPRIORITYR, n, priority);
    set_byte(t, 0, ITARGETSR, n, targets);
}

/* As an operating system leaves them: distributor and interfaces on, nothing masked. */
static void turn_on(struct gic_test *t)
{
    dist_put(t, 0, CTLR, 3);
    for (unsigned i = 0; i < CPUS; i++) {
        face_put(t, i, CTLR, GROUP0 | GROUP1);
        face_put(t, i, PMR, 0xff);
    }
}

static void map(struct gic_test *t)
{
    for (unsigned i = 0; i < 2 * CPUS; i++)
        mem_map(&t->h.memory, &t->h.root, at(i, 0), device_mmio(t->d, i), 1);
}

static int open_gic(void **state, const char *cpus)
{
    const char *const options[] = {cpus, NULL};
    struct gic_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    t->d = harness_add(&t->h, "arm_gic", NULL, options);
    mem_unmap(&t->h.memory, device_mmio(t->d, 0));
    map(t);
    *state = t;
    return 0;
}

static int setup(void **state)
{
    return open_gic(state, "num-cpu=4");
}

static int setup_one(void **state)
{
    return open_gic(state, "num-cpu=1");
}

static int teardown(void **state)
{
    struct gic_test *t = *state;
    harness_close(&t->h);
    harness_end(&t->h);
    free(t);
    return 0;
}

/* ---- Registers ------------------------------------------------------------------------------- */

static void test_identification(void **state)
{
    struct gic_test *t = *state;
    assert_int_equal(dist(t, 0, TYPER), (IRQS / 32 - 1) | (CPUS - 1) << 5);
    assert_int_equal(dist(t, 0, 8) & 0xfff, 0x43b);
    assert_int_equal(dist(t, 0, 0xfe8) >> 4 & 15, 2); /* ArchRev */
    assert_int_equal(face(t, 0, 0xfc) >> 16 & 15, 2);
}

static void test_reset_values(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    open_spi(t, 40, 0x80, 1);
    spi(t, 40, 1);
    face(t, 0, IAR);
    device_reset(t->d);
    assert_int_equal(dist(t, 0, CTLR), 0);
    assert_int_equal(dist(t, 0, ISENABLER), 0xffff); /* SGIs cannot be off */
    assert_int_equal(dist(t, 0, ISENABLER + 4), 0);
    assert_int_equal(dist(t, 0, ISACTIVER + 4), 0);
    assert_true(bit(t, 0, ISPENDR, 40)); /* the wire is as it was */
    assert_int_equal(dist(t, 0, IPRIORITYR + 40), 0);
    assert_int_equal(dist(t, 0, ICFGR), 0xaaaaaaaa);
    assert_int_equal(face(t, 0, CTLR), 0);
    assert_int_equal(face(t, 0, PMR), 0);
    assert_int_equal(face(t, 0, ABPR), 1);
    assert_int_equal(face(t, 0, RPR), 0xff);
    assert_int_equal(face(t, 0, IAR), SPURIOUS);
    assert_int_equal(irq_line(t, 0), 0);
}

/* Words of interrupts 0..31 are each CPU's own; the others are one for all. */
static void test_banked_registers(void **state)
{
    static const u64 banked[] = {IGROUPR, ISENABLER, ISACTIVER, IPRIORITYR + 16};
    struct gic_test *t = *state;
    for (unsigned i = 0; i < ARRAY_SIZE(banked); i++) {
        dist_put(t, 1, banked[i], 0x40400000);
        assert_int_equal(dist(t, 1, banked[i]) & 0x40400000, 0x40400000);
        assert_int_equal(dist(t, 0, banked[i]) & 0x40400000, 0);
        assert_int_equal(dist(t, 3, banked[i]) & 0x40400000, 0);
    }
    dist_put(t, 1, ISENABLER + 4, 0x10);
    assert_int_equal(dist(t, 3, ISENABLER + 4), 0x10);
    for (unsigned i = 0; i < CPUS; i++)
        assert_int_equal(dist(t, i, ITARGETSR), 0x01010101 << i); /* the reader */
    dist_put(t, 1, ITARGETSR, UINT32_MAX);
    assert_int_equal(dist(t, 1, ITARGETSR), 0x02020202);
    set_byte(t, 0, ITARGETSR, 50, 0xff);
    assert_int_equal(read_region(t, 2, ITARGETSR + 50, 1), 0x0f); /* CPUs that there are */
}

static void test_enable_and_configuration(void **state)
{
    struct gic_test *t = *state;
    dist_put(t, 0, ISENABLER + 8, 0xf0f0);
    dist_put(t, 0, ISENABLER + 8, 0x0001);
    dist_put(t, 0, ICENABLER + 8, 0x00f0);
    assert_int_equal(dist(t, 0, ISENABLER + 8), 0xf001);
    assert_int_equal(dist(t, 0, ICENABLER + 8), 0xf001);
    dist_put(t, 0, ICENABLER, UINT32_MAX);
    assert_int_equal(dist(t, 0, ISENABLER), 0xffff);
    dist_put(t, 0, ICFGR, 0);
    assert_int_equal(dist(t, 0, ICFGR), 0xaaaaaaaa);
    dist_put(t, 0, ICFGR + 12, UINT32_MAX);
    assert_int_equal(dist(t, 0, ICFGR + 12), 0xaaaaaaaa); /* the low bit of each is reserved */
    assert_int_equal(dist(t, 0, ICFGR + 8), 0);
    dist_put(t, 0, ISENABLER + IRQS / 8, UINT32_MAX);
    assert_int_equal(dist(t, 0, ISENABLER + IRQS / 8), 0);
    assert_int_equal(read_region(t, 0, ISENABLER + 9, 1), 0xf0);
}

/* One CPU: everything goes to it, and ITARGETSR reads as zero. */
static void test_uniprocessor(void **state)
{
    struct gic_test *t = *state;
    dist_put(t, 0, CTLR, 1);
    face_put(t, 0, CTLR, GROUP0);
    face_put(t, 0, PMR, 0xff);
    set_byte(t, 0, ITARGETSR, 60, 1);
    for (unsigned n = 0; n < IRQS; n += 4)
        assert_int_equal(dist(t, 0, ITARGETSR + n), 0);
    set_bit(t, 0, ISENABLER, 60);
    spi(t, 60, 1);
    assert_int_equal(irq_line(t, 0), 1);
    assert_int_equal(face(t, 0, IAR), 60);
}

/* ---- Life of an interrupt -------------------------------------------------------------------- */

static void test_level_spi(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    open_spi(t, 33, 0xa0, 1 << 2);
    spi(t, 33, 1);
    assert_int_equal(irq_line(t, 2), 1);
    assert_int_equal(irq_line(t, 0), 0);
    assert_int_equal(face(t, 2, HPPIR), 33);
    assert_int_equal(face(t, 2, IAR), 33);
    assert_int_equal(irq_line(t, 2), 0);
    assert_true(bit(t, 0, ISACTIVER, 33));
    assert_true(bit(t, 0, ISPENDR, 33)); /* active and pending: the wire is high */
    assert_int_equal(face(t, 2, RPR), 0xa0);
    face_put(t, 2, EOIR, 33);
    assert_int_equal(irq_line(t, 2), 1); /* and so again */
    assert_int_equal(face(t, 2, IAR), 33);
    spi(t, 33, 0);
    face_put(t, 2, EOIR, 33);
    assert_false(bit(t, 0, ISACTIVER, 33));
    assert_int_equal(face(t, 2, IAR), SPURIOUS);
    assert_int_equal(face(t, 2, RPR), 0xff);
    spi(t, 33, 1);
    spi(t, 33, 0); /* a level that went away was never there */
    assert_int_equal(irq_line(t, 2), 0);
}

static void test_edge_spi(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    open_spi(t, 36, 0x20, 1);
    dist_put(t, 0, ICFGR + 8, 2u << 8);
    spi(t, 36, 1);
    spi(t, 36, 0);
    assert_int_equal(irq_line(t, 0), 1);
    assert_int_equal(face(t, 0, IAR), 36);
    assert_false(bit(t, 0, ISPENDR, 36));
    spi(t, 36, 1); /* during its service: once more afterwards */
    assert_int_equal(irq_line(t, 0), 0);
    face_put(t, 0, EOIR, 36);
    assert_int_equal(irq_line(t, 0), 1);
    dist_put(t, 0, ICPENDR + 4, 1 << 4);
    assert_int_equal(irq_line(t, 0), 0);
    spi(t, 36, 1); /* no edge: it is high */
    assert_int_equal(irq_line(t, 0), 0);
}

static void test_pending_by_software(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    open_spi(t, 70, 0, 1);
    set_bit(t, 0, ISPENDR, 70);
    assert_int_equal(irq_line(t, 0), 1);
    set_bit(t, 0, ICPENDR, 70);
    assert_int_equal(irq_line(t, 0), 0);
    spi(t, 70, 1);
    set_bit(t, 0, ICPENDR, 70); /* does not lower a wire */
    assert_int_equal(face(t, 0, IAR), 70);
    spi(t, 70, 0);
    set_bit(t, 0, ICACTIVER, 70);
    assert_false(bit(t, 0, ISACTIVER, 70));
    face_put(t, 0, EOIR, 70);
    set_bit(t, 0, ISACTIVER, 70);
    set_bit(t, 0, ISPENDR, 70);
    assert_int_equal(irq_line(t, 0), 0); /* active by software: not signalled */
    set_bit(t, 0, ICACTIVER, 70);
    assert_int_equal(irq_line(t, 0), 1);
}

static void test_ppi(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    set_bit(t, 1, ISENABLER, 27);
    ppi(t, 1, 27, 1);
    ppi(t, 3, 27, 1);
    assert_int_equal(irq_line(t, 1), 1);
    assert_int_equal(irq_line(t, 3), 0); /* enabled for CPU 1 only */
    assert_true(bit(t, 3, ISPENDR, 27));
    assert_false(bit(t, 0, ISPENDR, 27));
    assert_int_equal(face(t, 1, IAR), 27);
    assert_false(bit(t, 3, ISACTIVER, 27));
    set_bit(t, 3, ISENABLER, 27);
    assert_int_equal(irq_line(t, 3), 1);
    assert_int_equal(face(t, 3, IAR), 27);
    ppi(t, 1, 27, 0);
    face_put(t, 1, EOIR, 27);
    assert_int_equal(irq_line(t, 1), 0);
    assert_true(bit(t, 3, ISACTIVER, 27));
}

/* To a list, to all but the sender, to the sender; once for each sender. */
static void test_sgi(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    dist_put(t, 0, SGIR, 0x000a0005);
    for (unsigned i = 0; i < CPUS; i++)
        assert_int_equal(irq_line(t, i), i & 1);
    dist_put(t, 2, SGIR, 0x00080005);
    assert_int_equal(face(t, 3, IAR), 0 << 10 | 5);
    assert_int_equal(irq_line(t, 3), 0);
    face_put(t, 3, EOIR, 0 << 10 | 5);
    assert_int_equal(face(t, 3, IAR), 2 << 10 | 5);
    face_put(t, 3, EOIR, 2 << 10 | 5);
    assert_int_equal(face(t, 3, IAR), SPURIOUS);
    assert_int_equal(face(t, 1, IAR), 5);
    face_put(t, 1, EOIR, 5);
    dist_put(t, 1, SGIR, 0x01ff000f);
    for (unsigned i = 0; i < CPUS; i++)
        assert_int_equal(face(t, i, HPPIR), i == 1 ? SPURIOUS : (1 << 10 | 15));
    dist_put(t, 2, SGIR, 0x02000003);
    assert_int_equal(face(t, 2, IAR), 2 << 10 | 3); /* of equals the lower number */
    dist_put(t, 0, SGIR, 0x030f0001);               /* reserved */
    assert_int_equal(face(t, 1, IAR), SPURIOUS);
}

static void test_sgi_pending_registers(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    set_bit(t, 0, ISPENDR, 4); /* these bits are read-only for SGIs */
    assert_int_equal(irq_line(t, 0), 0);
    set_byte(t, 0, SPENDSGIR, 4, 0xff); /* from CPUs that there are */
    assert_int_equal(read_region(t, 0, CPENDSGIR + 4, 1), 0x0f);
    assert_true(bit(t, 0, ISPENDR, 4));
    assert_int_equal(read_region(t, 2, SPENDSGIR + 4, 1), 0);
    set_byte(t, 0, CPENDSGIR, 4, 0x03);
    assert_int_equal(face(t, 0, IAR), 2 << 10 | 4);
    set_bit(t, 0, ICPENDR, 4);
    assert_int_equal(read_region(t, 0, SPENDSGIR + 4, 1), 0x08);
}

/* ---- Priorities ------------------------------------------------------------------------------ */

static void test_priority_order(void **state)
{
    static const unsigned ids[] = {90, 45, 200, 46};
    static const u8 priorities[] = {0x30, 0x20, 0x10, 0x20};
    static const unsigned order[] = {200, 45, 46, 90};
    struct gic_test *t = *state;
    turn_on(t);
    for (unsigned i = 0; i < 4; i++) {
        open_spi(t, ids[i], priorities[i], 1);
        set_bit(t, 0, ISPENDR, ids[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(face(t, 0, IAR), order[i]);
        face_put(t, 0, EOIR, order[i]);
    }
    assert_int_equal(face(t, 0, IAR), SPURIOUS);
}

static void test_mask(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    open_spi(t, 32, 0x40, 1);
    spi(t, 32, 1);
    face_put(t, 0, PMR, 0x40); /* must be above the mask */
    assert_int_equal(irq_line(t, 0), 0);
    assert_int_equal(face(t, 0, IAR), SPURIOUS);
    face_put(t, 0, PMR, 0x41);
    assert_int_equal(irq_line(t, 0), 1);
    set_byte(t, 0, IPRIORITYR, 32, 0x41);
    assert_int_equal(irq_line(t, 0), 0);
}

/* A higher group priority interrupts, and the end of each brings back the one below. */
static void test_preemption(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    for (unsigned i = 0; i < 3; i++)
        open_spi(t, 40 + i, (u8)(0x80 - 0x20 * i), 1);
    set_bit(t, 0, ISPENDR, 40);
    assert_int_equal(face(t, 0, IAR), 40);
    set_bit(t, 0, ISPENDR, 41);
    assert_int_equal(irq_line(t, 0), 1);
    assert_int_equal(face(t, 0, IAR), 41);
    set_bit(t, 0, ISPENDR, 40);
    assert_int_equal(irq_line(t, 0), 0);
    set_bit(t, 0, ISPENDR, 42);
    assert_int_equal(face(t, 0, IAR), 42);
    assert_int_equal(face(t, 0, RPR), 0x40);
    assert_int_equal(face(t, 0, APR + 4), 1 | 1 << 16); /* levels 0x40 and 0x60 of 128 */
    assert_int_equal(face(t, 0, APR + 8), 1);
    face_put(t, 0, EOIR, 42);
    assert_int_equal(face(t, 0, RPR), 0x60);
    face_put(t, 0, EOIR, 41);
    assert_int_equal(face(t, 0, RPR), 0x80);
    assert_int_equal(irq_line(t, 0), 0); /* 40 is active and pending */
    face_put(t, 0, EOIR, 40);
    assert_int_equal(face(t, 0, IAR), 40);
}

static void test_binary_point(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    open_spi(t, 40, 0x70, 1);
    open_spi(t, 41, 0x60, 1);
    face_put(t, 0, BPR, 4); /* bits 7..5 decide: both are 0x60 */
    set_bit(t, 0, ISPENDR, 40);
    assert_int_equal(face(t, 0, IAR), 40);
    assert_int_equal(face(t, 0, RPR), 0x60);
    set_bit(t, 0, ISPENDR, 41);
    assert_int_equal(irq_line(t, 0), 0);
    face_put(t, 0, BPR, 3); /* bits 7..4; what is active stays 0x60 */
    assert_int_equal(irq_line(t, 0), 0);
    face_put(t, 0, EOIR, 40);
    set_bit(t, 0, ISPENDR, 40);
    assert_int_equal(face(t, 0, IAR), 41); /* all eight bits choose between the two */
}

/* Group 1's own binary point is one step up; with CBPR it is group 0's. */
static void test_binary_point_of_group_1(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    set_bit(t, 0, IGROUPR, 40);
    open_spi(t, 40, 0x5f, 1);
    face_put(t, 0, ABPR, 0);
    assert_int_equal(face(t, 0, ABPR), 1); /* its least */
    face_put(t, 0, ABPR, 5);
    face_put(t, 0, BPR, 0);
    set_bit(t, 0, ISPENDR, 40);
    assert_int_equal(face(t, 0, AIAR), 40);
    assert_int_equal(face(t, 0, RPR), 0x40);
    face_put(t, 0, AEOIR, 40);
    face_put(t, 0, CTLR, GROUP0 | GROUP1 | CBPR);
    set_bit(t, 0, ISPENDR, 40);
    assert_int_equal(face(t, 0, AIAR), 40);
    assert_int_equal(face(t, 0, RPR), 0x5e);
}

static void test_active_priorities_are_writable(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    open_spi(t, 40, 0x80, 1);
    face_put(t, 0, APR + 4, 1u << 31); /* as a suspended system brings it back */
    assert_int_equal(face(t, 0, RPR), 0x7e);
    set_bit(t, 0, ISPENDR, 40);
    assert_int_equal(irq_line(t, 0), 0);
    face_put(t, 0, APR + 4, 0);
    assert_int_equal(irq_line(t, 0), 1);
}

/* ---- EOImode, groups ------------------------------------------------------------------------- */

static void test_eoi_mode(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    face_put(t, 0, CTLR, GROUP0 | EOI_MODE);
    open_spi(t, 50, 0x80, 1);
    open_spi(t, 51, 0x80, 1);
    spi(t, 50, 1);
    assert_int_equal(face(t, 0, IAR), 50);
    set_bit(t, 0, ISPENDR, 51);
    assert_int_equal(irq_line(t, 0), 0);
    face_put(t, 0, EOIR, 50); /* drops the priority */
    assert_int_equal(face(t, 0, RPR), 0xff);
    assert_true(bit(t, 0, ISACTIVER, 50));
    assert_int_equal(face(t, 0, IAR), 51);
    face_put(t, 0, EOIR, 51);
    assert_int_equal(irq_line(t, 0), 0);
    face_put(t, 0, DIR, 50); /* in any order */
    assert_false(bit(t, 0, ISACTIVER, 50));
    assert_int_equal(irq_line(t, 0), 1);
    face_put(t, 0, DIR, 51);
    assert_false(bit(t, 0, ISACTIVER, 51));
    face_put(t, 0, DIR, SPURIOUS);
}

static void test_groups(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    face_put(t, 0, CTLR, GROUP0 | GROUP1 | FIQ_EN);
    open_spi(t, 60, 0x10, 1);
    open_spi(t, 61, 0x20, 1);
    set_bit(t, 0, IGROUPR, 60);
    spi(t, 60, 1);
    assert_int_equal(irq_line(t, 0), 1);
    assert_int_equal(fiq_line(t, 0), 0);
    assert_int_equal(face(t, 0, IAR), OTHER_GROUP);
    assert_int_equal(face(t, 0, HPPIR), OTHER_GROUP);
    assert_int_equal(face(t, 0, AHPPIR), 60);
    assert_int_equal(face(t, 0, AIAR), 60);
    spi(t, 60, 0);
    face_put(t, 0, AEOIR, 60);
    spi(t, 61, 1);
    assert_int_equal(irq_line(t, 0), 0);
    assert_int_equal(fiq_line(t, 0), 1);
    assert_int_equal(face(t, 0, AIAR), SPURIOUS);
    assert_int_equal(face(t, 0, AHPPIR), SPURIOUS);
    face_put(t, 0, CTLR, GROUP1 | FIQ_EN); /* the interface's, then the distributor's */
    assert_int_equal(fiq_line(t, 0), 0);
    face_put(t, 0, CTLR, GROUP0 | FIQ_EN);
    assert_int_equal(fiq_line(t, 0), 1);
    dist_put(t, 0, CTLR, 2);
    assert_int_equal(fiq_line(t, 0), 0);
    assert_int_equal(face(t, 0, IAR), SPURIOUS);
    dist_put(t, 0, CTLR, 1);
    assert_int_equal(face(t, 0, IAR), 61);
}

static void test_acknowledge_control(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    face_put(t, 0, CTLR, GROUP0 | GROUP1 | ACK_CTL);
    open_spi(t, 60, 0x10, 1);
    set_bit(t, 0, IGROUPR, 60);
    spi(t, 60, 1);
    assert_int_equal(face(t, 0, HPPIR), 60);
    assert_int_equal(face(t, 0, IAR), 60);
}

/* ---- State ----------------------------------------------------------------------------------- */

/* In the middle of everything; the copy goes on as the first would. */
static void test_state(void **state)
{
    struct gic_test *t = *state, copy = *t;
    const char *const options[] = {"num-cpu=4", NULL};
    struct err err = {0};
    char where[128];
    turn_on(t);
    face_put(t, 0, CTLR, GROUP0 | GROUP1 | EOI_MODE);
    for (unsigned i = 0; i < 4; i++)
        open_spi(t, 40 + i, (u8)(0x80 - 0x10 * i), 1);
    spi(t, 40, 1);
    assert_int_equal(face(t, 0, IAR), 40);
    set_bit(t, 0, ISPENDR, 42);
    dist_put(t, 3, SGIR, 0x00020007);
    ppi(t, 2, 30, 1);
    struct device *second = harness_add(&t->h, "arm_gic", NULL, options);
    if (harness_copy_state(t->d, second, &err))
        fail_msg("%s", err.text);
    if (!state_equal(t->d->type->state, t->d, second, where, sizeof(where)))
        fail_msg("%s", where);
    for (unsigned i = 0; i < 2 * CPUS; i++)
        mem_unmap(&t->h.memory, device_mmio(t->d, i));
    copy.d = t->d;
    t->d = second;
    mem_unmap(&t->h.memory, device_mmio(second, 0));
    map(t);
    assert_int_equal(irq_line(t, 0), 1);
    assert_int_equal(face(t, 0, IAR), 42);
    face_put(t, 0, EOIR, 42);
    assert_int_equal(face(t, 0, RPR), 0x80);
    assert_int_equal(face(t, 1, IAR), 3 << 10 | 7);
    assert_true(bit(t, 2, ISPENDR, 30));
    t->d = copy.d;
}

/* ---- GICv2m ---------------------------------------------------------------------------------- */

static void test_messages(void **state)
{
    static const char *const options[] = {"base-spi=100", "num-spi=20", NULL};
    struct gic_test *t = *state;
    struct device *d = harness_add(&t->h, "arm-gicv2m", NULL, options);
    for (unsigned i = 0; i < 20; i++)
        device_connect(d, i, device_input(t->d, 100 - 32 + i));
    assert_int_equal(harness_read(&t->h, d, 8, 4), 100 << 16 | 20);
    assert_int_equal(harness_read(&t->h, d, 0xfcc, 4) & 0xfff, 0x43b);
    turn_on(t);
    for (unsigned n = 100; n < 120; n += 19) {
        open_spi(t, n, 0x80, 1);
        dist_put(t, 0, ICFGR + n / 16 * 4, 2u << n % 16 * 2);
        harness_write(&t->h, d, 0x40, n, 4);
        assert_int_equal(face(t, 0, IAR), n);
        face_put(t, 0, EOIR, n);
        assert_int_equal(face(t, 0, IAR), SPURIOUS);
    }
    harness_write(&t->h, d, 0x40, 99, 4); /* not the frame's */
    harness_write(&t->h, d, 0x40, 120, 4);
    assert_int_equal(face(t, 0, HPPIR), SPURIOUS);
    assert_int_equal(dist(t, 0, ISPENDR + 12), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identification, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_banked_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_enable_and_configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uniprocessor, setup_one, teardown),
        cmocka_unit_test_setup_teardown(test_level_spi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edge_spi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_by_software, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ppi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sgi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sgi_pending_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_priority_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_preemption, setup, teardown),
        cmocka_unit_test_setup_teardown(test_binary_point, setup, teardown),
        cmocka_unit_test_setup_teardown(test_binary_point_of_group_1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_active_priorities_are_writable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_eoi_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_acknowledge_control, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
