/*
 * test_gicv2_extensions.c - the GICv2's Security and Virtualization Extensions against their
 * architecture (Arm IHI 0048B, 3.4..3.8, 4, 5): what each Security state sees, SGIs between them,
 * list registers and why the maintenance interrupt comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device/intc/arm_gicv2.h"
#include "device_harness.h"

enum {
    CPUS = 2,
    IRQS = 96,
    /* GICD. */
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
    NSACR = 0xe00,
    SGIR = 0xf00,
    SPENDSGIR = 0xf20,
    /* GICC, GICV. */
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
    NSAPR = 0xe0,
    DIR = 0x1000,
    GROUP0 = 1,
    GROUP1 = 2,
    ACK_CTL = 4,
    FIQ_EN = 8,
    CBPR = 16,
    EOI_MODE = 0x200,
    EOI_MODE_NS = 0x400,
    /* GICH. */
    HCR = 0,
    VTR = 4,
    VMCR = 8,
    MISR = 0x10,
    EISR = 0x20,
    ELRSR = 0x30,
    VAPR = 0xf0,
    LR0 = 0x100,
    LR_EOI = 1 << 19,
    LR_PENDING = 1 << 28,
    LR_ACTIVE = 1 << 29,
    LR_GROUP1 = 1 << 30,
    SPURIOUS = 1023,
    OTHER_GROUP = 1022,
};
#define LR_HW UINT32_C(0x80000000)

struct gic_test {
    struct harness h;
    struct device *d;
};

static u64 address(enum gicv2_mmio kind, unsigned cpu, u64 offset)
{
    return UINT64_C(0x40000000) + gicv2_number(kind, cpu) * UINT64_C(0x10000) + offset;
}

static u32 get_sized(struct gic_test *t, enum gicv2_mmio kind, unsigned cpu, u64 offset,
                     unsigned size)
{
    u64 v = 0;
    assert_int_equal(mem_read(&t->h.space, address(kind, cpu, offset), &v, size), MEM_OK);
    return (u32)v;
}

static void put_sized(struct gic_test *t, enum gicv2_mmio kind, unsigned cpu, u64 offset, u32 v,
                      unsigned size)
{
    assert_int_equal(mem_write(&t->h.space, address(kind, cpu, offset), v, size), MEM_OK);
}

/* Of CPU 0. */
static u32 get(struct gic_test *t, enum gicv2_mmio kind, u64 offset)
{
    return get_sized(t, kind, 0, offset, 4);
}

static void put(struct gic_test *t, enum gicv2_mmio kind, u64 offset, u32 v)
{
    put_sized(t, kind, 0, offset, v, 4);
}

static u32 get8(struct gic_test *t, enum gicv2_mmio kind, u64 offset)
{
    return get_sized(t, kind, 0, offset, 1);
}

static void put8(struct gic_test *t, enum gicv2_mmio kind, u64 offset, u8 v)
{
    put_sized(t, kind, 0, offset, v, 1);
}

static int line(struct gic_test *t, enum gicv2_output output, unsigned cpu)
{
    return t->h.level[gicv2_number(output, cpu)];
}

static void pend(struct gic_test *t, unsigned n)
{
    put(t, GICV2_SECURE_DIST, ISPENDR + n / 32 * 4, 1u << n % 32);
}

/* Interrupts 32..63 enabled, to CPU 0; those from 48 are group 1. */
static void turn_on(struct gic_test *t)
{
    put(t, GICV2_SECURE_DIST, CTLR, 3);
    put(t, GICV2_SECURE_DIST, IGROUPR, 0xff00ff00);
    put(t, GICV2_SECURE_DIST, IGROUPR + 4, 0xffff0000);
    put(t, GICV2_SECURE_DIST, ISENABLER + 4, UINT32_MAX);
    for (unsigned n = 32; n < 64; n++)
        put8(t, GICV2_SECURE_DIST, ITARGETSR + n, 1);
    for (unsigned n = 0; n < 64; n++)
        put8(t, GICV2_SECURE_DIST, IPRIORITYR + n, n % 32 >= 16 ? 0xa0 : 0x40);
    for (unsigned i = 0; i < CPUS; i++) {
        put_sized(t, GICV2_SECURE_FACE, i, CTLR, GROUP0 | GROUP1 | FIQ_EN, 4);
        put_sized(t, GICV2_SECURE_FACE, i, PMR, 0xff, 4);
    }
}

static const char *const options[] = {"num-cpu=2", "num-irq=96", "has-security-extensions=on",
                                      "has-virtualization-extensions=on", NULL};

static void map(struct gic_test *t, struct device *d)
{
    mem_unmap(&t->h.memory, device_mmio(d, 0));
    for (unsigned i = 0; i < CPUS; i++) {
        for (unsigned kind = 0; kind < GICV2_MMIOS; kind++)
            mem_map(&t->h.memory, &t->h.root, address(kind, i, 0),
                    device_mmio(d, gicv2_number(kind, i)), 1);
    }
}

static int setup(void **state)
{
    struct gic_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    t->d = harness_add(&t->h, "arm_gic", NULL, options);
    map(t, t->d);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct gic_test *t = *state;
    harness_close(&t->h);
    harness_end(&t->h);
    free(t);
    return 0;
}

/* ---- Distributor ----------------------------------------------------------------------------- */

static void test_distributor_control(void **state)
{
    struct gic_test *t = *state;
    assert_int_equal(get(t, GICV2_DIST, TYPER), 2 | 1 << 5 | 1 << 10);
    put(t, GICV2_DIST, CTLR, 3); /* its bit 0 is EnableGrp1 */
    assert_int_equal(get(t, GICV2_DIST, CTLR), 1);
    assert_int_equal(get(t, GICV2_SECURE_DIST, CTLR), 2);
    put(t, GICV2_SECURE_DIST, CTLR, 1);
    assert_int_equal(get(t, GICV2_DIST, CTLR), 0);
    put(t, GICV2_DIST, CTLR, 1);
    assert_int_equal(get(t, GICV2_SECURE_DIST, CTLR), 3);
}

/* Group 0 is read as zero by the Non-secure state, and its writes come to nothing. */
static void test_group_0_is_hidden(void **state)
{
    static const u16 sets[] = {ISENABLER, ISPENDR, ISACTIVER};
    struct gic_test *t = *state;
    put(t, GICV2_DIST, IGROUPR + 4, UINT32_MAX);
    assert_int_equal(get(t, GICV2_SECURE_DIST, IGROUPR + 4), 0);
    put(t, GICV2_SECURE_DIST, IGROUPR + 4, 0xffff0000);
    assert_int_equal(get(t, GICV2_DIST, IGROUPR + 4), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(sets); i++) {
        u64 set = sets[i] + 4, clear = set + 0x80;
        put(t, GICV2_DIST, set, 0x00f000f0);
        assert_int_equal(get(t, GICV2_SECURE_DIST, set), 0x00f00000);
        put(t, GICV2_SECURE_DIST, set, UINT32_MAX);
        assert_int_equal(get(t, GICV2_DIST, set), 0xffff0000);
        assert_int_equal(get(t, GICV2_DIST, clear), 0xffff0000);
        put(t, GICV2_DIST, clear, UINT32_MAX);
        assert_int_equal(get(t, GICV2_SECURE_DIST, set), 0x0000ffff);
        put(t, GICV2_SECURE_DIST, clear, UINT32_MAX);
    }
    for (unsigned i = 2; i < 4; i++) {
        put(t, GICV2_DIST, ICFGR + 4 * i, UINT32_MAX);
        assert_int_equal(get(t, GICV2_SECURE_DIST, ICFGR + 4 * i), i == 3 ? 0xaaaaaaaa : 0);
    }
    put(t, GICV2_SECURE_DIST, ICFGR + 8, UINT32_MAX);
    assert_int_equal(get(t, GICV2_DIST, ICFGR + 8), 0);
    put8(t, GICV2_DIST, ITARGETSR + 40, 3);
    put8(t, GICV2_DIST, ITARGETSR + 50, 3);
    assert_int_equal(get8(t, GICV2_SECURE_DIST, ITARGETSR + 40), 0);
    assert_int_equal(get8(t, GICV2_SECURE_DIST, ITARGETSR + 50), 3);
}

static void test_priorities(void **state)
{
    struct gic_test *t = *state;
    put(t, GICV2_SECURE_DIST, IGROUPR + 4, 0xffff0000);
    put8(t, GICV2_DIST, IPRIORITYR + 40, 0x40);
    put8(t, GICV2_DIST, IPRIORITYR + 50, 0x40);
    assert_int_equal(get8(t, GICV2_SECURE_DIST, IPRIORITYR + 40), 0);
    assert_int_equal(get8(t, GICV2_SECURE_DIST, IPRIORITYR + 50), 0xa0);
    assert_int_equal(get8(t, GICV2_DIST, IPRIORITYR + 50), 0x40);
    put8(t, GICV2_SECURE_DIST, IPRIORITYR + 40, 0x31);
    put8(t, GICV2_SECURE_DIST, IPRIORITYR + 50, 0x31); /* group 1, of the upper half */
    assert_int_equal(get8(t, GICV2_DIST, IPRIORITYR + 40), 0);
    assert_int_equal(get8(t, GICV2_DIST, IPRIORITYR + 50), 0x62);
}

/* 1: may be made pending; 2: cleared too, and seen active; 3: aimed too. */
static void test_access_control(void **state)
{
    struct gic_test *t = *state;
    put(t, GICV2_DIST, NSACR + 8, UINT32_MAX);
    assert_int_equal(get(t, GICV2_SECURE_DIST, NSACR + 8), 0);
    put(t, GICV2_SECURE_DIST, NSACR + 4, UINT32_MAX); /* PPIs have none */
    assert_int_equal(get(t, GICV2_SECURE_DIST, NSACR + 4), 0);
    put(t, GICV2_SECURE_DIST, NSACR + 8, 0xe4); /* 0..3 for 32..35 */
    assert_int_equal(get(t, GICV2_SECURE_DIST, NSACR + 8), 0xe4);
    assert_int_equal(get(t, GICV2_DIST, NSACR + 8), 0);
    put(t, GICV2_DIST, ISPENDR + 4, 15);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISPENDR + 4), 14);
    put(t, GICV2_DIST, ICPENDR + 4, 15);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISPENDR + 4), 2);
    put(t, GICV2_SECURE_DIST, ISACTIVER + 4, 15);
    assert_int_equal(get(t, GICV2_DIST, ISACTIVER + 4), 12);
    put(t, GICV2_DIST, ICACTIVER + 4, 15);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISACTIVER + 4), 15);
    put(t, GICV2_DIST, ISENABLER + 4, 15);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISENABLER + 4), 0);
    for (unsigned n = 32; n < 36; n++)
        put8(t, GICV2_DIST, ITARGETSR + n, 2);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ITARGETSR + 32), 0x02000000);
}

static void check_sgi(struct gic_test *t, enum gicv2_mmio from, u32 v, bool arrives)
{
    unsigned n = v & 15;
    put(t, from, SGIR, 2u << 16 | v);
    u32 got = get_sized(t, GICV2_SECURE_DIST, 1, SPENDSGIR + n, 1);
    assert_int_equal(got, arrives);
    put_sized(t, GICV2_SECURE_DIST, 1, 0xf10 + n, 0xff, 1);
}

/* The SGI's group at the CPU that it is for decides. */
static void test_sgis(void **state)
{
    enum { NSATT = 1 << 15 };
    struct gic_test *t = *state;
    put_sized(t, GICV2_SECURE_DIST, 1, IGROUPR, 1 << 4, 4);
    check_sgi(t, GICV2_SECURE_DIST, 3, true);
    check_sgi(t, GICV2_SECURE_DIST, 3 | NSATT, false);
    check_sgi(t, GICV2_SECURE_DIST, 4, false);
    check_sgi(t, GICV2_SECURE_DIST, 4 | NSATT, true);
    check_sgi(t, GICV2_DIST, 3, false);
    check_sgi(t, GICV2_DIST, 4, true);
    check_sgi(t, GICV2_DIST, 4 | NSATT, true); /* its writes have no such bit */
    put_sized(t, GICV2_SECURE_DIST, 1, NSACR, 1 << 6, 4);
    check_sgi(t, GICV2_DIST, 3, true);
    put_sized(t, GICV2_DIST, 1, SPENDSGIR + 3, 1, 1);
    assert_int_equal(get_sized(t, GICV2_SECURE_DIST, 1, SPENDSGIR + 3, 1), 0);
}

/* ---- CPU interface --------------------------------------------------------------------------- */

static void test_interface_control(void **state)
{
    struct gic_test *t = *state;
    put(t, GICV2_FACE, CTLR, UINT32_MAX);
    assert_int_equal(get(t, GICV2_SECURE_FACE, CTLR), GROUP1 | EOI_MODE_NS);
    put(t, GICV2_SECURE_FACE, CTLR, UINT32_MAX);
    assert_int_equal(get(t, GICV2_SECURE_FACE, CTLR), 0x61f);
    assert_int_equal(get(t, GICV2_FACE, CTLR), 1 | EOI_MODE);
    put(t, GICV2_FACE, CTLR, 0);
    assert_int_equal(get(t, GICV2_SECURE_FACE, CTLR), 0x21d);
}

/* 4.4.2: a mask in the upper half is Secure. */
static void test_mask(void **state)
{
    struct gic_test *t = *state;
    put(t, GICV2_SECURE_FACE, PMR, 0x7f);
    put(t, GICV2_FACE, PMR, 0xf0);
    assert_int_equal(get(t, GICV2_SECURE_FACE, PMR), 0x7f);
    assert_int_equal(get(t, GICV2_FACE, PMR), 0);
    put(t, GICV2_SECURE_FACE, PMR, 0x80);
    assert_int_equal(get(t, GICV2_FACE, PMR), 0);
    put(t, GICV2_FACE, PMR, 0xf0);
    assert_int_equal(get(t, GICV2_SECURE_FACE, PMR), 0xf8);
    assert_int_equal(get(t, GICV2_FACE, PMR), 0xf0);
}

static void test_binary_points(void **state)
{
    struct gic_test *t = *state;
    put(t, GICV2_SECURE_FACE, BPR, 3);
    put(t, GICV2_FACE, BPR, 5);
    assert_int_equal(get(t, GICV2_SECURE_FACE, BPR), 3);
    assert_int_equal(get(t, GICV2_SECURE_FACE, ABPR), 5);
    put(t, GICV2_SECURE_FACE, CTLR, CBPR);
    assert_int_equal(get(t, GICV2_FACE, BPR), 4);
    put(t, GICV2_FACE, BPR, 2);
    assert_int_equal(get(t, GICV2_SECURE_FACE, ABPR), 5);
    put(t, GICV2_SECURE_FACE, BPR, 7);
    assert_int_equal(get(t, GICV2_FACE, BPR), 7);
    assert_int_equal(get(t, GICV2_FACE, ABPR), 0); /* Secure registers */
    assert_int_equal(get(t, GICV2_FACE, NSAPR), 0);
}

static void test_life_of_group_0(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    pend(t, 40);
    assert_int_equal(line(t, GICV2_FIQ, 0), 1);
    assert_int_equal(line(t, GICV2_IRQ, 0), 0);
    assert_int_equal(get(t, GICV2_FACE, HPPIR), SPURIOUS);
    assert_int_equal(get(t, GICV2_FACE, IAR), SPURIOUS);
    assert_int_equal(get(t, GICV2_FACE, AIAR), 0);
    assert_int_equal(get(t, GICV2_SECURE_FACE, AIAR), SPURIOUS);
    assert_int_equal(get(t, GICV2_SECURE_FACE, IAR), 40);
    assert_int_equal(get(t, GICV2_SECURE_FACE, RPR), 0x40);
    assert_int_equal(get(t, GICV2_FACE, RPR), 0);
    assert_int_equal(get(t, GICV2_SECURE_FACE, APR + 4), 1);
    assert_int_equal(get(t, GICV2_SECURE_FACE, NSAPR + 4), 0);
    put(t, GICV2_FACE, EOIR, 40); /* not theirs */
    put(t, GICV2_FACE, AEOIR, 40);
    put(t, GICV2_SECURE_FACE, AEOIR, 40);
    assert_int_equal(get(t, GICV2_SECURE_FACE, RPR), 0x40);
    put(t, GICV2_SECURE_FACE, EOIR, 40);
    assert_int_equal(get(t, GICV2_SECURE_FACE, RPR), 0xff);
    assert_int_equal(get(t, GICV2_FACE, RPR), 0xff);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISACTIVER + 4), 0);
}

static void test_life_of_group_1(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    pend(t, 50);
    assert_int_equal(line(t, GICV2_IRQ, 0), 1);
    assert_int_equal(line(t, GICV2_FIQ, 0), 0);
    assert_int_equal(get(t, GICV2_SECURE_FACE, IAR), OTHER_GROUP);
    assert_int_equal(get(t, GICV2_SECURE_FACE, HPPIR), OTHER_GROUP);
    assert_int_equal(get(t, GICV2_SECURE_FACE, AHPPIR), 50);
    assert_int_equal(get(t, GICV2_FACE, HPPIR), 50);
    assert_int_equal(get(t, GICV2_FACE, IAR), 50);
    assert_int_equal(get(t, GICV2_FACE, RPR), 0x40);
    assert_int_equal(get(t, GICV2_SECURE_FACE, RPR), 0xa0);
    assert_int_equal(get(t, GICV2_SECURE_FACE, NSAPR + 8), 1 << 16);
    assert_int_equal(get(t, GICV2_SECURE_FACE, APR + 8), 0);
    assert_int_equal(get(t, GICV2_FACE, APR), 1 << 16); /* 0x40 of its levels */
    assert_int_equal(get(t, GICV2_FACE, APR + 8), 0);
    pend(t, 41); /* the Secure state interrupts it */
    assert_int_equal(line(t, GICV2_FIQ, 0), 1);
    assert_int_equal(get(t, GICV2_SECURE_FACE, IAR), 41);
    put(t, GICV2_SECURE_FACE, EOIR, 41);
    assert_int_equal(get(t, GICV2_FACE, RPR), 0x40);
    put(t, GICV2_FACE, EOIR, 50);
    assert_int_equal(get(t, GICV2_FACE, RPR), 0xff);
    assert_int_equal(get(t, GICV2_DIST, ISACTIVER + 4), 0);
    put(t, GICV2_SECURE_FACE, CTLR, GROUP0 | GROUP1 | ACK_CTL);
    pend(t, 50);
    assert_int_equal(get(t, GICV2_SECURE_FACE, IAR), 50);
    put(t, GICV2_SECURE_FACE, EOIR, 50);
    assert_int_equal(get(t, GICV2_FACE, RPR), 0xff);
}

/* Each state has its own way of ending. */
static void test_eoi_modes(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    put(t, GICV2_FACE, CTLR, 1 | EOI_MODE);
    pend(t, 50);
    get(t, GICV2_FACE, IAR);
    put(t, GICV2_FACE, EOIR, 50);
    assert_int_equal(get(t, GICV2_FACE, RPR), 0xff);
    assert_int_equal(get(t, GICV2_DIST, ISACTIVER + 4), 1 << 18);
    put(t, GICV2_SECURE_DIST, ISACTIVER + 4, 1 << 8);
    put(t, GICV2_FACE, DIR, 40); /* group 0 */
    put(t, GICV2_SECURE_FACE, DIR, 50);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISACTIVER + 4), 1 << 18 | 1 << 8);
    put(t, GICV2_FACE, DIR, 50);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISACTIVER + 4), 1 << 8);
    pend(t, 41);
    assert_int_equal(get(t, GICV2_SECURE_FACE, IAR), 41);
    put(t, GICV2_SECURE_FACE, EOIR, 41);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISACTIVER + 4), 1 << 8);
}

/* As after firmware: an operating system of the Non-secure state can use all. */
static void test_hand_over(void **state)
{
    struct gic_test *t = *state;
    gicv2_hand_over(t->d);
    put(t, GICV2_DIST, CTLR, 1);
    put(t, GICV2_FACE, CTLR, 1);
    put(t, GICV2_FACE, PMR, 0xf0);
    assert_int_equal(get8(t, GICV2_DIST, IPRIORITYR + 70), 0);
    put8(t, GICV2_DIST, ITARGETSR + 70, 1);
    put(t, GICV2_DIST, ISENABLER + 8, 1 << 6);
    irq_set(device_input(t->d, 70 - 32), 1);
    assert_int_equal(line(t, GICV2_IRQ, 0), 1);
    assert_int_equal(get(t, GICV2_FACE, IAR), 70);
}

/* ---- Virtualization -------------------------------------------------------------------------- */

static void list(struct gic_test *t, unsigned i, u32 lr)
{
    put(t, GICV2_CONTROL, LR0 + 4 * i, lr);
}

static u32 listed(struct gic_test *t, unsigned i)
{
    return get(t, GICV2_CONTROL, LR0 + 4 * i);
}

static u32 virtual_priority(unsigned priority)
{
    return priority >> 3 << 23;
}

static void guest_on(struct gic_test *t)
{
    put(t, GICV2_CONTROL, HCR, 1);
    put(t, GICV2_VIRTUAL_FACE, CTLR, GROUP0 | GROUP1 | FIQ_EN);
    put(t, GICV2_VIRTUAL_FACE, PMR, 0xff);
}

static void test_virtual_registers(void **state)
{
    struct gic_test *t = *state;
    assert_int_equal(get(t, GICV2_CONTROL, VTR), 0x90000003);
    assert_int_equal(get(t, GICV2_CONTROL, ELRSR), 15);
    assert_int_equal(get(t, GICV2_CONTROL, VMCR), 3 << 18 | 2 << 21);
    put(t, GICV2_VIRTUAL_FACE, CTLR, UINT32_MAX);
    put(t, GICV2_VIRTUAL_FACE, PMR, 0xa7);
    put(t, GICV2_VIRTUAL_FACE, BPR, 0);
    put(t, GICV2_VIRTUAL_FACE, ABPR, 6);
    assert_int_equal(get(t, GICV2_CONTROL, VMCR), 0x21f | 6 << 18 | 2 << 21 | 0x14u << 27);
    put(t, GICV2_CONTROL, VMCR, 1 | 5 << 21 | 0x1fu << 27);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, CTLR), 1);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, PMR), 0xf8);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, BPR), 5);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, ABPR), 3);
    assert_int_equal(get_sized(t, GICV2_CONTROL, 1, VMCR, 4), 3 << 18 | 2 << 21); /* banked */
    list(t, 0, UINT32_MAX);
    assert_int_equal(listed(t, 0), 0xff8fffff);
}

static void test_virtual_interrupts(void **state)
{
    struct gic_test *t = *state;
    guest_on(t);
    list(t, 1, LR_PENDING | LR_GROUP1 | virtual_priority(0x80) | 100);
    assert_int_equal(line(t, GICV2_VIRQ, 0), 1);
    assert_int_equal(line(t, GICV2_VFIQ, 0), 0);
    assert_int_equal(line(t, GICV2_VIRQ, 1), 0);
    assert_int_equal(line(t, GICV2_IRQ, 0), 0);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, IAR), OTHER_GROUP);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, AIAR), 100);
    assert_int_equal(listed(t, 1) & (LR_PENDING | LR_ACTIVE), LR_ACTIVE);
    assert_int_equal(get(t, GICV2_CONTROL, VAPR), 1 << 16);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, RPR), 0x80);
    list(t, 2, LR_PENDING | virtual_priority(0x40) | 5u << 10 | 7); /* an SGI from CPU 5 */
    assert_int_equal(line(t, GICV2_VFIQ, 0), 1);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, HPPIR), 5 << 10 | 7);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, IAR), 5 << 10 | 7);
    assert_int_equal(line(t, GICV2_VFIQ, 0), 0);
    assert_int_equal(get(t, GICV2_CONTROL, ELRSR), 9);
    put(t, GICV2_VIRTUAL_FACE, EOIR, 5 << 10 | 7);
    assert_int_equal(listed(t, 2) & (LR_PENDING | LR_ACTIVE), 0);
    put(t, GICV2_VIRTUAL_FACE, AEOIR, 100);
    assert_int_equal(get(t, GICV2_CONTROL, VAPR), 0);
    assert_int_equal(get(t, GICV2_CONTROL, ELRSR), 15);
    put(t, GICV2_CONTROL, HCR, 0);
    list(t, 0, LR_PENDING | virtual_priority(0x40) | 100);
    assert_int_equal(line(t, GICV2_VFIQ, 0), 0);
}

static void test_virtual_mask(void **state)
{
    struct gic_test *t = *state;
    guest_on(t);
    put(t, GICV2_VIRTUAL_FACE, PMR, 0x80);
    list(t, 0, LR_PENDING | virtual_priority(0x80) | 100);
    assert_int_equal(line(t, GICV2_VFIQ, 0), 0);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, IAR), SPURIOUS);
    put(t, GICV2_VIRTUAL_FACE, PMR, 0x88);
    assert_int_equal(line(t, GICV2_VFIQ, 0), 1);
    put(t, GICV2_VIRTUAL_FACE, CTLR, GROUP0);
    assert_int_equal(line(t, GICV2_VFIQ, 0), 0);
    assert_int_equal(line(t, GICV2_VIRQ, 0), 1); /* without FIQEn */
    put(t, GICV2_VIRTUAL_FACE, CTLR, GROUP1);
    assert_int_equal(line(t, GICV2_VIRQ, 0), 0);
}

/* The end of a virtual interrupt is that of the physical one. */
static void test_physical_interrupts(void **state)
{
    struct gic_test *t = *state;
    turn_on(t);
    guest_on(t);
    put(t, GICV2_FACE, CTLR, 1 | EOI_MODE);
    pend(t, 50);
    assert_int_equal(get(t, GICV2_FACE, IAR), 50);
    put(t, GICV2_FACE, EOIR, 50);
    list(t, 3, LR_HW | LR_PENDING | virtual_priority(0x80) | 50u << 10 | 33);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, IAR), 33);
    put(t, GICV2_VIRTUAL_FACE, CTLR, GROUP0 | EOI_MODE);
    put(t, GICV2_VIRTUAL_FACE, EOIR, 33);
    assert_int_equal(get(t, GICV2_CONTROL, VAPR), 0);
    assert_int_equal(get(t, GICV2_DIST, ISACTIVER + 4), 1 << 18);
    put(t, GICV2_VIRTUAL_FACE, DIR, 33);
    assert_int_equal(get(t, GICV2_DIST, ISACTIVER + 4), 0);
    assert_int_equal(listed(t, 3) & LR_ACTIVE, 0);
    put(t, GICV2_SECURE_DIST, ISACTIVER + 4, 1 << 8); /* group 0 is not a guest's */
    list(t, 3, LR_HW | LR_ACTIVE | 40u << 10 | 33);
    put(t, GICV2_VIRTUAL_FACE, DIR, 33);
    assert_int_equal(get(t, GICV2_SECURE_DIST, ISACTIVER + 4), 1 << 8);
}

static bool maintained(struct gic_test *t, u32 hcr)
{
    put(t, GICV2_CONTROL, HCR, hcr);
    bool on = get(t, GICV2_SECURE_DIST, ISPENDR) >> GICV2_MAINTENANCE_PPI & 1;
    assert_int_equal(on, get(t, GICV2_CONTROL, MISR) != 0);
    return on;
}

static void test_maintenance(void **state)
{
    struct gic_test *t = *state;
    guest_on(t);
    assert_false(maintained(t, 1));
    assert_true(maintained(t, 1 | 1 << 1)); /* underflow */
    assert_false(maintained(t, 1 << 1));
    assert_true(maintained(t, 1 | 1 << 3)); /* none pending */
    list(t, 0, LR_PENDING | 100);
    list(t, 1, LR_PENDING | 101);
    assert_false(maintained(t, 1 | 1 << 1 | 1 << 3));
    assert_true(maintained(t, 1 | 1 << 4 | 1 << 6)); /* the groups are on */
    assert_int_equal(get(t, GICV2_CONTROL, MISR), 1 << 4 | 1 << 6);
    assert_false(maintained(t, 1 | 1 << 5 | 1 << 7));
    put(t, GICV2_VIRTUAL_FACE, CTLR, 0);
    assert_int_equal(get(t, GICV2_CONTROL, MISR), 1 << 5 | 1 << 7);
    guest_on(t);
    list(t, 0, LR_PENDING | LR_EOI | 100);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, IAR), 100);
    assert_false(maintained(t, 1));
    put(t, GICV2_VIRTUAL_FACE, EOIR, 100);
    assert_true(maintained(t, 1));
    assert_int_equal(get(t, GICV2_CONTROL, EISR), 1);
    assert_int_equal(get(t, GICV2_CONTROL, ELRSR), 0xc);
    list(t, 0, 0);
    put(t, GICV2_CONTROL, VAPR, 1 << 4);
    put(t, GICV2_VIRTUAL_FACE, EOIR, 200); /* that no list register has */
    assert_int_equal(get(t, GICV2_CONTROL, HCR) >> 27, 1);
    assert_false(maintained(t, get(t, GICV2_CONTROL, HCR)));
    assert_true(maintained(t, get(t, GICV2_CONTROL, HCR) | 1 << 2));
    put(t, GICV2_VIRTUAL_FACE, EOIR, 200); /* nothing is active */
    assert_int_equal(get(t, GICV2_CONTROL, HCR) >> 27, 1);
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_state(void **state)
{
    struct gic_test *t = *state;
    struct err err = {0};
    char where[128];
    turn_on(t);
    guest_on(t);
    put(t, GICV2_SECURE_DIST, NSACR, 0x55);
    put(t, GICV2_SECURE_DIST, NSACR + 8, 0xaa);
    put(t, GICV2_FACE, CTLR, 1 | EOI_MODE);
    pend(t, 50);
    get(t, GICV2_FACE, IAR);
    list(t, 0, LR_PENDING | 100);
    list(t, 1, LR_PENDING | 101);
    get(t, GICV2_VIRTUAL_FACE, IAR);
    struct device *second = harness_add(&t->h, "arm_gic", NULL, options);
    if (harness_copy_state(t->d, second, &err))
        fail_msg("%s", err.text);
    if (!state_equal(t->d->type->state, t->d, second, where, sizeof(where)))
        fail_msg("%s", where);
    for (unsigned i = 0; i < GICV2_MMIOS * GICV2_CPUS; i++)
        mem_unmap(&t->h.memory, device_mmio(t->d, i));
    map(t, second);
    assert_int_equal(get(t, GICV2_SECURE_DIST, NSACR), 0x55);
    assert_int_equal(get(t, GICV2_SECURE_DIST, NSACR + 8), 0xaa);
    assert_int_equal(get(t, GICV2_FACE, RPR), 0x40);
    assert_int_equal(listed(t, 0), LR_ACTIVE | 100);
    put(t, GICV2_VIRTUAL_FACE, EOIR, 100);
    assert_int_equal(get(t, GICV2_VIRTUAL_FACE, IAR), 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_distributor_control, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_0_is_hidden, setup, teardown),
        cmocka_unit_test_setup_teardown(test_priorities, setup, teardown),
        cmocka_unit_test_setup_teardown(test_access_control, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sgis, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interface_control, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_binary_points, setup, teardown),
        cmocka_unit_test_setup_teardown(test_life_of_group_0, setup, teardown),
        cmocka_unit_test_setup_teardown(test_life_of_group_1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_eoi_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hand_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_virtual_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_virtual_interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_virtual_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_physical_interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_maintenance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
