/*
 * test_gicv3.c - the GICv3 against its architecture (Arm IHI 0069): shared, private and software
 * interrupts, routing, priorities and preemption, groups and Security states, LPIs, virtual
 * interrupts, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gicv3_driver.h"

/* ---- As an operating system leaves them, with one Security state ------------------------------
 */

static void wake(struct gic_test *t, u32 cpu)
{
    redist_put(t, cpu, GICR_WAKER, 0);
    redist_put(t, cpu, SGI_BASE + IGROUPR, UINT32_MAX);
    redist_put(t, cpu, SGI_BASE + ISENABLER, UINT32_MAX);
    t->cpu = cpu;
    sys_put(t, ICC_PMR, 0xf8);
    sys_put(t, ICC_IGRPEN1, 1);
    sys_put(t, ICC_IGRPEN0, 1);
}

static void turn_on(struct gic_test *t)
{
    gic_open(t, false);
    dist_put(t, GICD_CTLR, 3);
    for (unsigned w = 1; w < GIC_IRQS / 32; w++)
        dist_put(t, IGROUPR + 4 * w, UINT32_MAX);
    for (u32 i = GIC_CPUS; i--;)
        wake(t, i);
}

static void set_priority(struct gic_test *t, unsigned n, u8 v)
{
    u64 at = n < 32 ? gic_redist_at(t, t->cpu, SGI_BASE + IPRIORITYR + n)
                    : gic_dist_at(t, IPRIORITYR + n);
    gic_put(t, at, v, 1);
}

static void open_spi(struct gic_test *t, unsigned n, u8 priority)
{
    set_priority(t, n, priority);
    dist_put(t, ISENABLER + n / 32 * 4, 1u << n % 32);
}

static bool dist_bit(struct gic_test *t, u64 offset, unsigned n)
{
    return dist(t, offset + n / 32 * 4) >> n % 32 & 1;
}

static void make_edge(struct gic_test *t, unsigned n)
{
    u64 at = ICFGR + n / 16 * 4;
    dist_put(t, at, dist(t, at) | 2u << n % 16 * 2);
}

/* ---- Identity -------------------------------------------------------------------------------- */

static void test_identity(void **state)
{
    struct gic_test t;
    (void)state;
    gic_open(&t, false);
    assert_int_equal(dist(&t, GICD_TYPER) & 0x1f, GIC_IRQS / 32 - 1);
    assert_int_equal(dist(&t, GICD_TYPER) >> 10 & 1, 0);
    assert_int_equal(dist(&t, GICD_TYPER) >> 17 & 1, 1);
    assert_int_equal(dist(&t, PIDR2) >> 4, 3);
    assert_int_equal(redist(&t, 0, PIDR2) >> 4, 3);
    for (u32 i = 0; i < GIC_CPUS; i++) {
        static const u32 affinity[] = {0, 1, 0x100, 0x111};
        u64 typer = gic_get(&t, gic_redist_at(&t, i, GICR_TYPER), 8);
        assert_int_equal(typer >> 32, affinity[i]);
        assert_int_equal(typer >> 8 & 0xffff, i);
        assert_int_equal(typer >> 4 & 1, i >= 2); /* the last of each region */
        assert_int_equal(typer & 15, 1);          /* LPIs; no virtual ones, no direct ones */
        assert_int_equal(redist(&t, i, GICR_TYPER + 4), affinity[i]);
    }
    assert_int_equal(sys(&t, ICC_SRE), 7);
    assert_int_equal(sys(&t, ICC_CTLR) >> 8 & 0x3f, 4);
    assert_int_equal(sys_read_result(&t, ICC_AP0R1), GICV3_UNDEFINED);
    assert_int_equal(sys_read_result(&t, ICC_EOIR1), GICV3_UNDEFINED);
    assert_int_equal(sys_write_result(&t, ICC_IAR1, 0), GICV3_UNDEFINED);
    assert_int_equal(sys_read_result(&t, ICC_SRE_EL2), GICV3_UNDEFINED);
    assert_int_equal(sys_read_result(&t, ICC_CTLR_EL3), GICV3_UNDEFINED);
    gic_close(&t);
}

/* ---- Lives ----------------------------------------------------------------------------------- */

static void test_spi_level(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    set_spi(&t, 40, 1);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    open_spi(&t, 40, 0x80);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    assert_int_equal(output(&t, 1, GICV3_IRQ), 0);
    assert_true(dist_bit(&t, ISPENDR, 40));
    assert_int_equal(sys(&t, ICC_HPPIR1), 40);
    assert_int_equal(sys(&t, ICC_IAR0), SPURIOUS);
    assert_int_equal(sys(&t, ICC_IAR1), 40);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    assert_true(dist_bit(&t, ISACTIVER, 40));
    assert_int_equal(sys(&t, ICC_RPR), 0x80);
    assert_int_equal(sys(&t, ICC_IAR1), SPURIOUS);
    /* Still high: pending again when it ends. */
    sys_put(&t, ICC_EOIR1, 40);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    assert_int_equal(sys(&t, ICC_IAR1), 40);
    set_spi(&t, 40, 0);
    sys_put(&t, ICC_EOIR1, 40);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    assert_false(dist_bit(&t, ISACTIVER, 40));
    assert_int_equal(sys(&t, ICC_RPR), 0xff);
    gic_close(&t);
}

static void test_spi_edge(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    make_edge(&t, 41);
    open_spi(&t, 41, 0x80);
    set_spi(&t, 41, 1);
    set_spi(&t, 41, 0);
    assert_int_equal(sys(&t, ICC_IAR1), 41);
    assert_false(dist_bit(&t, ISPENDR, 41));
    set_spi(&t, 41, 1); /* active and pending */
    assert_true(dist_bit(&t, ISPENDR, 41));
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    sys_put(&t, ICC_EOIR1, 41);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    dist_put(&t, ICPENDR + 4, 1u << 9);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    /* By registers. */
    dist_put(&t, ISPENDR + 4, 1u << 9);
    assert_int_equal(sys(&t, ICC_IAR1), 41);
    dist_put(&t, ICACTIVER + 4, 1u << 9);
    sys_put(&t, ICC_EOIR1, 41);
    dist_put(&t, GICD_SETSPI_NSR, 41);
    assert_int_equal(sys(&t, ICC_HPPIR1), 41);
    dist_put(&t, GICD_CLRSPI_NSR, 41);
    assert_int_equal(sys(&t, ICC_HPPIR1), SPURIOUS);
    gic_close(&t);
}

static void test_ppi(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    set_ppi(&t, 2, 27, 1);
    for (u32 i = 0; i < GIC_CPUS; i++)
        assert_int_equal(output(&t, i, GICV3_IRQ), i == 2);
    t.cpu = 2;
    assert_int_equal(sys(&t, ICC_IAR1), 27);
    assert_int_equal(redist(&t, 2, SGI_BASE + ISACTIVER), 1u << 27);
    assert_int_equal(redist(&t, 1, SGI_BASE + ISACTIVER), 0);
    set_ppi(&t, 2, 27, 0);
    sys_put(&t, ICC_EOIR1, 27);
    assert_int_equal(output(&t, 2, GICV3_IRQ), 0);
    /* The distributor does not have them, nor a wire the maintenance interrupt. */
    assert_int_equal(dist(&t, ISENABLER), 0);
    set_ppi(&t, 2, GICV3_MAINTENANCE_PPI, 1);
    assert_int_equal(output(&t, 2, GICV3_IRQ), 0);
    gic_close(&t);
}

static void test_sgi(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    t.cpu = 0;
    sys_put(&t, ICC_SGI1R, 5 << 24 | 3); /* cluster 0: CPUs 0 and 1 */
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    assert_int_equal(output(&t, 1, GICV3_IRQ), 1);
    assert_int_equal(output(&t, 2, GICV3_IRQ), 0);
    assert_int_equal(sys(&t, ICC_IAR1), 5);
    sys_put(&t, ICC_EOIR1, 5);
    t.cpu = 1;
    assert_int_equal(sys(&t, ICC_IAR1), 5);
    sys_put(&t, ICC_EOIR1, 5);
    /* Cluster 1, range 1: 1.17 alone, though 1.1 would have the same bit. */
    sys_put(&t, ICC_SGI1R, UINT64_C(1) << 44 | 6 << 24 | 1 << 16 | 2);
    assert_int_equal(output(&t, 3, GICV3_IRQ), 1);
    assert_int_equal(output(&t, 1, GICV3_IRQ) + output(&t, 2, GICV3_IRQ), 0);
    t.cpu = 3;
    assert_int_equal(sys(&t, ICC_IAR1), 6);
    sys_put(&t, ICC_EOIR1, 6);
    /* All but itself. */
    sys_put(&t, ICC_SGI1R, UINT64_C(1) << 40 | 7 << 24);
    for (u32 i = 0; i < GIC_CPUS; i++)
        assert_int_equal(output(&t, i, GICV3_IRQ), i != 3);
    gic_close(&t);
}

/* Where there is firmware in EL3, it is its to wake CPUs' redistributors. */
static void test_sleep_after_reset(void **state)
{
    struct gic_test t;
    (void)state;
    for (unsigned security = 0; security < 2; security++) {
        gic_open(&t, security);
        t.secure = security;
        redist_put(&t, 0, GICR_WAKER, security ? 0 : 2);
        device_reset(t.d);
        assert_int_equal(redist(&t, 0, GICR_WAKER), security ? 6 : 0);
        gic_close(&t);
    }
}

static void test_sleep_and_enables(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    t.cpu = 0;
    open_spi(&t, 50, 0x40);
    set_spi(&t, 50, 1);
    redist_put(&t, 0, GICR_WAKER, 2);
    assert_int_equal(redist(&t, 0, GICR_WAKER), 6);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    redist_put(&t, 0, GICR_WAKER, 0);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    sys_put(&t, ICC_IGRPEN1, 0);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    sys_put(&t, ICC_IGRPEN1, 1);
    dist_put(&t, GICD_CTLR, 1);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    dist_put(&t, GICD_CTLR, 2);
    dist_put(&t, ICENABLER + 4, 1u << 18);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    gic_close(&t);
}

/* ---- Priorities ------------------------------------------------------------------------------ */

static void test_preemption(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    t.cpu = 0;
    for (unsigned i = 0; i < 4; i++)
        open_spi(&t, 60 + i, (u8)(0xa0 - 0x20 * i));
    set_spi(&t, 60, 1);
    assert_int_equal(sys(&t, ICC_IAR1), 60);
    set_spi(&t, 62, 1);
    set_spi(&t, 61, 1);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    assert_int_equal(sys(&t, ICC_IAR1), 62);
    assert_int_equal(sys(&t, ICC_RPR), 0x60);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    sys_put(&t, ICC_PMR, 0x40);
    set_spi(&t, 63, 1); /* 0x40 is not above the mask */
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    sys_put(&t, ICC_PMR, 0x48);
    assert_int_equal(sys(&t, ICC_IAR1), 63);
    assert_int_equal(sys(&t, ICC_AP1R0), 1u << 20 | 1u << 12 | 1u << 8);
    sys_put(&t, ICC_PMR, 0xff);
    assert_int_equal(sys(&t, ICC_PMR), 0xf8);
    for (unsigned n = 60; n < 64; n++)
        set_spi(&t, n, 0);
    sys_put(&t, ICC_EOIR1, 63);
    sys_put(&t, ICC_EOIR1, 62);
    assert_int_equal(sys(&t, ICC_RPR), 0xa0);
    sys_put(&t, ICC_EOIR1, 60);
    assert_int_equal(sys(&t, ICC_RPR), 0xff);
    gic_close(&t);
}

/* What the binary point takes off does not preempt. */
static void test_binary_point(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    t.cpu = 0;
    sys_put(&t, ICC_BPR0, 0);
    sys_put(&t, ICC_BPR1, 0);
    assert_int_equal(sys(&t, ICC_BPR0), 2);
    assert_int_equal(sys(&t, ICC_BPR1), 3);
    open_spi(&t, 60, 0x88);
    open_spi(&t, 61, 0x80);
    set_spi(&t, 60, 1);
    assert_int_equal(sys(&t, ICC_IAR1), 60);
    set_spi(&t, 61, 1);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    sys_put(&t, ICC_BPR1, 4);                      /* group priority: bits 7..4 */
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1); /* 0x80 against 0x88, which was taken whole */
    sys_put(&t, ICC_EOIR1, 60);
    assert_int_equal(sys(&t, ICC_IAR1), 61);
    set_spi(&t, 61, 0);
    sys_put(&t, ICC_EOIR1, 61);
    assert_int_equal(sys(&t, ICC_IAR1), 60);
    assert_int_equal(sys(&t, ICC_RPR), 0x80);
    set_spi(&t, 61, 1);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    /* CBPR: group 0's. */
    sys_put(&t, ICC_EOIR1, 60);
    sys_put(&t, ICC_BPR0, 5);
    sys_put(&t, ICC_CTLR, 1);
    assert_int_equal(sys(&t, ICC_BPR1), 6);
    sys_put(&t, ICC_BPR1, 3);
    assert_int_equal(sys(&t, ICC_BPR1), 6);
    gic_close(&t);
}

static void test_eoi_mode(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    t.cpu = 0;
    open_spi(&t, 40, 0x80);
    sys_put(&t, ICC_CTLR, 2);
    set_spi(&t, 40, 1);
    assert_int_equal(sys(&t, ICC_IAR1), 40);
    sys_put(&t, ICC_EOIR1, 40);
    assert_int_equal(sys(&t, ICC_RPR), 0xff);
    assert_true(dist_bit(&t, ISACTIVER, 40));
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    t.cpu = 1; /* anyone deactivates it */
    sys_put(&t, ICC_CTLR, 2);
    sys_put(&t, ICC_DIR, 40);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    gic_close(&t);
}

/* ---- Routing --------------------------------------------------------------------------------- */

static void test_routing(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    t.cpu = 0;
    open_spi(&t, 40, 0x80);
    set_spi(&t, 40, 1);
    route(&t, 40, 0x111);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    assert_int_equal(output(&t, 3, GICV3_IRQ), 1);
    route(&t, 40, 0x999);
    assert_int_equal(output(&t, 3, GICV3_IRQ), 0);
    route(&t, 40, UINT64_C(1) << 31);
    unsigned on = 0;
    for (u32 i = 0; i < GIC_CPUS; i++)
        on += (unsigned)output(&t, i, GICV3_IRQ);
    assert_int_equal(on, 1);
    /* One that declines, one that sleeps, one whose group is off. */
    redist_put(&t, 0, GICR_CTLR, 1 << 25);
    redist_put(&t, 1, GICR_WAKER, 2);
    t.cpu = 2;
    sys_put(&t, ICC_IGRPEN1, 0);
    for (u32 i = 0; i < GIC_CPUS; i++)
        assert_int_equal(output(&t, i, GICV3_IRQ), i == 3);
    assert_int_equal(gic_get(&t, gic_dist_at(&t, IROUTER + 8 * 40), 8), UINT64_C(1) << 31);
    dist_put(&t, IROUTER + 8 * 40, 0x100);
    assert_int_equal(output(&t, 3, GICV3_IRQ), 0);
    gic_close(&t);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static void test_groups(void **state)
{
    struct gic_test t;
    (void)state;
    turn_on(&t);
    t.cpu = 0;
    open_spi(&t, 40, 0x80);
    dist_put(&t, IGROUPR + 4, ~(1u << 8));
    set_spi(&t, 40, 1);
    assert_int_equal(output(&t, 0, GICV3_FIQ), 1);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 0);
    assert_int_equal(sys(&t, ICC_IAR1), SPURIOUS);
    assert_int_equal(sys(&t, ICC_HPPIR0), 40);
    assert_int_equal(sys(&t, ICC_IAR0), 40);
    assert_int_equal(sys(&t, ICC_AP0R0), 1u << 16);
    set_spi(&t, 40, 0);
    sys_put(&t, ICC_EOIR1, 40); /* not its group */
    assert_int_equal(sys(&t, ICC_RPR), 0x80);
    sys_put(&t, ICC_EOIR0, 40);
    assert_int_equal(sys(&t, ICC_RPR), 0xff);
    gic_close(&t);
}

/* A Secure register access: EL3's, with SCR_EL3.NS clear. */
static void be(struct gic_test *t, u32 cpu, u8 el, bool secure)
{
    t->cpu = cpu;
    t->how.el = el;
    t->how.secure = secure;
    t->secure = secure;
}

/* Interrupts 40, 41, 42 are of groups 0, 1 Secure and 1 Non-secure; so are SGIs 0, 1, 2. */
static void secure_on(struct gic_test *t)
{
    gic_open(t, true);
    be(t, 0, 3, true);
    dist_put(t, GICD_CTLR, 7);
    dist_put(t, IGROUPR + 4, 1u << 10);
    dist_put(t, IGRPMODR + 4, 1u << 9);
    for (unsigned n = 40; n < 43; n++)
        open_spi(t, n, 0x80);
    for (u32 i = 0; i < GIC_CPUS; i++) {
        be(t, i, 3, true);
        redist_put(t, i, GICR_WAKER, 0);
        redist_put(t, i, SGI_BASE + IGROUPR, 4);
        redist_put(t, i, SGI_BASE + IGRPMODR, 2);
        redist_put(t, i, SGI_BASE + ISENABLER, 7);
        sys_put(t, ICC_PMR, 0xf8);
        sys_put(t, ICC_IGRPEN0, 1);
        sys_put(t, ICC_IGRPEN1_EL3, 3);
    }
}

static void test_two_states(void **state)
{
    struct gic_test t;
    (void)state;
    secure_on(&t);
    be(&t, 0, 3, true);
    set_spi(&t, 42, 1);
    assert_int_equal(output(&t, 0, GICV3_GROUP1NS), 1);
    assert_int_equal(sys(&t, ICC_IAR1), SPURIOUS);
    sys_put(&t, ICC_CTLR_EL3, 1 << 5); /* RM */
    assert_int_equal(sys(&t, ICC_IAR1), 1021);
    assert_int_equal(sys(&t, ICC_IAR0), 1021);
    set_spi(&t, 42, 0);
    set_spi(&t, 41, 1);
    assert_int_equal(output(&t, 0, GICV3_GROUP1S), 1);
    assert_int_equal(sys(&t, ICC_IAR0), 1020);
    be(&t, 0, 1, false);
    assert_int_equal(sys(&t, ICC_HPPIR1), SPURIOUS);
    be(&t, 0, 1, true);
    assert_int_equal(sys(&t, ICC_IAR1), 41);
    be(&t, 0, 1, false);
    sys_put(&t, ICC_EOIR1, 41);
    be(&t, 0, 1, true);
    assert_int_equal(sys(&t, ICC_RPR), 0x80);
    sys_put(&t, ICC_EOIR1, 41);
    set_spi(&t, 41, 0);
    set_spi(&t, 40, 1);
    assert_int_equal(output(&t, 0, GICV3_FIQ), 1);
    assert_int_equal(sys(&t, ICC_IAR0), 40);
    gic_close(&t);
}

/* The Non-secure state does not see what is not its own, and half of the priorities. */
static void test_nonsecure_view(void **state)
{
    struct gic_test t;
    (void)state;
    secure_on(&t);
    be(&t, 0, 1, false);
    assert_int_equal(dist(&t, ISENABLER + 4), 1u << 10);
    dist_put(&t, ICENABLER + 4, UINT32_MAX);
    dist_put(&t, IGROUPR + 4, UINT32_MAX);
    dist_put(&t, IPRIORITYR + 40, 0x00404040);
    dist_put(&t, ISPENDR + 4, UINT32_MAX);
    assert_int_equal(dist(&t, IGROUPR + 4), 0);
    assert_int_equal(dist(&t, IPRIORITYR + 40), 0x00400000);
    assert_int_equal(dist(&t, ISPENDR + 4), 1u << 10);
    assert_int_equal(redist(&t, 0, SGI_BASE + ISENABLER), 4);
    assert_int_equal(redist(&t, 0, GICR_WAKER), 0);
    assert_int_equal(dist(&t, GICD_CTLR), 0x12);
    be(&t, 0, 3, true);
    assert_int_equal(dist(&t, ISENABLER + 4), 3u << 8);
    assert_int_equal(dist(&t, IPRIORITYR + 40), 0x00a08080);
    assert_int_equal(dist(&t, GICD_TYPER) >> 10 & 1, 1);
    /* Masks: the Secure state's is not to be seen nor changed. */
    sys_put(&t, ICC_PMR, 0x40);
    be(&t, 0, 1, false);
    assert_int_equal(sys(&t, ICC_PMR), 0);
    sys_put(&t, ICC_PMR, 0xf0);
    assert_int_equal(sys(&t, ICC_PMR), 0);
    be(&t, 0, 3, true);
    sys_put(&t, ICC_PMR, 0xf8);
    be(&t, 0, 1, false);
    assert_int_equal(sys(&t, ICC_PMR), 0xf0);
    sys_put(&t, ICC_PMR, 0x80);
    be(&t, 0, 3, true);
    assert_int_equal(sys(&t, ICC_PMR), 0xc0);
    gic_close(&t);
}

static unsigned pending_sgis(struct gic_test *t, u32 cpu)
{
    bool was = t->secure;
    t->secure = true;
    unsigned v = redist(t, cpu, SGI_BASE + ISPENDR) & 7;
    redist_put(t, cpu, SGI_BASE + ICPENDR, 7);
    t->secure = was;
    return v;
}

/* What an access to a register makes pending, of SGIs 0..2 that are each sent. */
static unsigned send_all(struct gic_test *t, u32 reg, u8 el, bool secure)
{
    be(t, 0, el, secure);
    for (u64 n = 0; n < 3; n++)
        sys_put(t, reg, n << 24 | 2);
    return pending_sgis(t, 1);
}

static void test_sgi_groups(void **state)
{
    struct gic_test t;
    (void)state;
    secure_on(&t);
    assert_int_equal(send_all(&t, ICC_SGI0R, 1, true), 1);
    assert_int_equal(send_all(&t, ICC_SGI1R, 1, true), 3);
    assert_int_equal(send_all(&t, ICC_ASGI1R, 1, true), 4);
    assert_int_equal(send_all(&t, ICC_SGI1R, 1, false), 4);
    assert_int_equal(send_all(&t, ICC_ASGI1R, 1, false), 0);
    assert_int_equal(send_all(&t, ICC_SGI0R, 1, false), 0);
    be(&t, 0, 3, true);
    redist_put(&t, 1, SGI_BASE + NSACR, 1 | 1 << 2);
    assert_int_equal(send_all(&t, ICC_SGI0R, 1, false), 1);
    assert_int_equal(send_all(&t, ICC_ASGI1R, 1, false), 3);
    gic_close(&t);
}

static void test_nsacr(void **state)
{
    struct gic_test t;
    (void)state;
    secure_on(&t);
    be(&t, 0, 3, true);
    dist_put(&t, NSACR + 8, 1u << 16);
    be(&t, 0, 1, false);
    dist_put(&t, ISPENDR + 4, 1u << 8);
    assert_int_equal(dist(&t, ISPENDR + 4), 1u << 8);
    dist_put(&t, ICPENDR + 4, 1u << 8);
    assert_int_equal(dist(&t, ISPENDR + 4), 1u << 8);
    be(&t, 0, 3, true);
    dist_put(&t, NSACR + 8, 3u << 16);
    be(&t, 0, 1, false);
    dist_put(&t, ICPENDR + 4, 1u << 8);
    assert_int_equal(dist(&t, ISPENDR + 4), 0);
    route(&t, 40, 1);
    assert_int_equal(gic_get(&t, gic_dist_at(&t, IROUTER + 320), 8), 1);
    route(&t, 41, 1);
    assert_int_equal(gic_get(&t, gic_dist_at(&t, IROUTER + 328), 8), 0);
    gic_close(&t);
}

/* DS makes one state of two, for good. */
static void test_disable_security(void **state)
{
    struct gic_test t;
    (void)state;
    secure_on(&t);
    be(&t, 0, 3, true);
    dist_put(&t, GICD_CTLR, 0x47);
    dist_put(&t, GICD_CTLR, 3);
    assert_int_equal(dist(&t, GICD_CTLR), 0x53);
    be(&t, 0, 1, false);
    assert_int_equal(dist(&t, GICD_CTLR), 0x53);
    set_spi(&t, 42, 1);
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    assert_int_equal(output(&t, 0, GICV3_GROUP1NS), 0);
    gic_close(&t);
}

static void test_hand_over(void **state)
{
    struct gic_test t;
    (void)state;
    gic_open(&t, true);
    gicv3_hand_over(t.d);
    be(&t, 1, 1, false);
    assert_int_equal(dist(&t, ISENABLER + 4), 0);
    dist_put(&t, GICD_CTLR, 2);
    dist_put(&t, ISENABLER + 4, 1);
    route(&t, 32, 1);
    sys_put(&t, ICC_IGRPEN1, 1);
    set_spi(&t, 32, 1);
    assert_int_equal(output(&t, 1, GICV3_GROUP1NS), 0); /* a mask of 0 cannot be opened by shift */
    be(&t, 1, 3, true);
    sys_put(&t, ICC_PMR, 0xf8);
    assert_int_equal(output(&t, 1, GICV3_GROUP1NS), 1);
    gic_close(&t);
}

/* ---- Virtual interrupts ---------------------------------------------------------------------- */

#define LR(state, group, hw, priority, pid, vid)                                                   \
    ((u64)(state) << 62 | (u64)(hw) << 61 | (u64)(group) << 60 | (u64)(priority) << 48 |           \
     (u64)(pid) << 32 | (u64)(vid))

static void host(struct gic_test *t)
{
    t->how.el = 2;
    t->how.virtual = false;
}

static void guest(struct gic_test *t)
{
    t->how.el = 1;
    t->how.virtual = true;
}

static void virtual_on(struct gic_test *t)
{
    turn_on(t);
    t->cpu = 1;
    host(t);
    sys_put(t, ICH_HCR, 1);
    sys_put(t, ICH_VMCR, 0xf8u << 24 | 3);
    guest(t);
}

static void test_virtual_life(void **state)
{
    struct gic_test t;
    (void)state;
    virtual_on(&t);
    host(&t);
    assert_int_equal(sys(&t, ICH_VTR) & 31, 3);
    assert_int_equal(sys(&t, ICH_VMCR) >> 18 & 0x3f, 2 << 3 | 3);
    assert_int_equal(sys(&t, ICH_ELRSR), 15);
    sys_put(&t, ICH_LR0, LR(1, 1, 0, 0x80, 0, 100));
    sys_put(&t, ICH_LR0 + 1, LR(1, 0, 0, 0x40, 0, 101));
    sys_put(&t, ICH_LR0 + 2, LR(1, 1, 0, 0xc0, 0, 9000)); /* an LPI */
    assert_int_equal(sys(&t, ICH_ELRSR), 8);
    assert_int_equal(output(&t, 1, GICV3_VFIQ), 1);
    assert_int_equal(output(&t, 1, GICV3_VIRQ), 0);
    guest(&t);
    assert_int_equal(sys(&t, ICC_IAR1), SPURIOUS);
    assert_int_equal(sys(&t, ICC_IAR0), 101);
    assert_int_equal(sys(&t, ICC_RPR), 0x40);
    sys_put(&t, ICC_EOIR0, 101);
    assert_int_equal(output(&t, 1, GICV3_VIRQ), 1);
    assert_int_equal(sys(&t, ICC_HPPIR1), 100);
    assert_int_equal(sys(&t, ICC_IAR1), 100);
    host(&t);
    assert_int_equal(sys(&t, ICH_LR0) >> 62, 2);
    assert_int_equal(sys(&t, ICH_AP1R0), 1u << 16);
    guest(&t);
    assert_int_equal(sys(&t, ICC_IAR1), SPURIOUS); /* of lower priority */
    sys_put(&t, ICC_EOIR1, 100);
    assert_int_equal(sys(&t, ICC_IAR1), 9000);
    sys_put(&t, ICC_EOIR1, 9000);
    host(&t);
    assert_int_equal(sys(&t, ICH_ELRSR), 15);
    assert_int_equal(sys(&t, ICH_HCR) >> 27, 0);
    gic_close(&t);
}

/* A list register of a physical interrupt deactivates it. */
static void test_virtual_hardware(void **state)
{
    struct gic_test t;
    (void)state;
    virtual_on(&t);
    host(&t);
    set_ppi(&t, 1, 27, 1);
    sys_put(&t, ICC_CTLR, 2);
    assert_int_equal(sys(&t, ICC_IAR1), 27);
    sys_put(&t, ICC_EOIR1, 27);
    sys_put(&t, ICH_LR0, LR(1, 1, 1, 0x80, 27, 27));
    set_ppi(&t, 1, 27, 0);
    guest(&t);
    assert_int_equal(sys(&t, ICC_IAR1), 27);
    assert_int_equal(redist(&t, 1, SGI_BASE + ISACTIVER), 1u << 27);
    sys_put(&t, ICC_EOIR1, 27);
    assert_int_equal(redist(&t, 1, SGI_BASE + ISACTIVER), 0);
    gic_close(&t);
}

static void test_virtual_split(void **state)
{
    struct gic_test t;
    (void)state;
    virtual_on(&t);
    host(&t);
    sys_put(&t, ICH_LR0, LR(1, 1, 0, 0x80, 0x200, 50)); /* EOI: bit 41 */
    guest(&t);
    sys_put(&t, ICC_CTLR, 2);
    assert_int_equal(sys(&t, ICC_IAR1), 50);
    sys_put(&t, ICC_EOIR1, 50);
    assert_int_equal(sys(&t, ICC_RPR), 0xff);
    host(&t);
    assert_int_equal(sys(&t, ICH_LR0) >> 62, 2);
    assert_int_equal(sys(&t, ICH_EISR), 0);
    guest(&t);
    sys_put(&t, ICC_DIR, 51); /* not listed: counted */
    sys_put(&t, ICC_DIR, 50);
    host(&t);
    assert_int_equal(sys(&t, ICH_HCR) >> 27, 1);
    assert_int_equal(sys(&t, ICH_EISR), 1);
    assert_int_equal(sys(&t, ICH_ELRSR), 14);
    assert_int_equal(sys(&t, ICH_MISR), 1);
    gic_close(&t);
}

static void test_maintenance(void **state)
{
    struct gic_test t;
    (void)state;
    virtual_on(&t);
    host(&t);
    sys_put(&t, ICH_LR0, LR(1, 1, 0, 0x80, 0, 50));
    sys_put(&t, ICH_HCR, 1 | 2);
    assert_int_equal(sys(&t, ICH_MISR), 2);
    assert_int_equal(output(&t, 1, GICV3_IRQ), 1);
    assert_int_equal(sys(&t, ICC_IAR1), 25);
    sys_put(&t, ICH_LR0 + 1, LR(1, 1, 0, 0x80, 0, 51));
    assert_int_equal(sys(&t, ICH_MISR), 0);
    sys_put(&t, ICC_EOIR1, 25);
    assert_int_equal(output(&t, 1, GICV3_IRQ), 0);
    sys_put(&t, ICH_HCR, 1 | 8);
    assert_int_equal(sys(&t, ICH_MISR), 0);
    guest(&t);
    sys(&t, ICC_IAR1);
    host(&t);
    sys_put(&t, ICH_LR0 + 1, 0);
    assert_int_equal(sys(&t, ICH_MISR), 8);
    sys_put(&t, ICH_HCR, 1 | 0xf0);
    assert_int_equal(sys(&t, ICH_MISR), 0x50);
    sys_put(&t, ICH_VMCR, 2);
    assert_int_equal(sys(&t, ICH_MISR), 0x60);
    sys_put(&t, ICH_HCR, 1u << 27 | 1 | 4);
    assert_int_equal(sys(&t, ICH_MISR), 4);
    sys_put(&t, ICH_HCR, 4);
    assert_int_equal(sys(&t, ICH_MISR), 0);
    gic_close(&t);
}

static void test_virtual_traps(void **state)
{
    struct gic_test t;
    (void)state;
    virtual_on(&t);
    assert_int_equal(sys_write_result(&t, ICC_SGI1R, 0), GICV3_TRAP_EL2);
    static const struct {
        u64 hcr;
        u32 trapped, free;
    } rows[] = {{1 << 10, ICC_PMR, ICC_BPR1},  {1 << 10, ICC_RPR, ICC_BPR0},
                {1 << 11, ICC_BPR0, ICC_BPR1}, {1 << 11, ICC_IGRPEN0, ICC_IGRPEN1},
                {1 << 12, ICC_IAR1, ICC_IAR0}, {1 << 12, ICC_AP1R0, ICC_AP0R0}};
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        host(&t);
        sys_put(&t, ICH_HCR, rows[i].hcr | 1);
        guest(&t);
        assert_int_equal(sys_read_result(&t, rows[i].trapped), GICV3_TRAP_EL2);
        assert_int_equal(sys_read_result(&t, rows[i].free), GICV3_OK);
        t.how.secure = true; /* EL2 is not above it */
        assert_int_equal(sys_read_result(&t, rows[i].trapped), GICV3_OK);
        t.how.secure = false;
    }
    host(&t);
    sys_put(&t, ICH_HCR, 1 << 14 | 1);
    guest(&t);
    assert_int_equal(sys_write_result(&t, ICC_DIR, 0), GICV3_TRAP_EL2);
    assert_int_equal(sys_read_result(&t, ICC_RPR), GICV3_OK);
    assert_int_equal(sys_read_result(&t, ICH_HCR), GICV3_UNDEFINED);
    gic_close(&t);
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_state(void **state)
{
    struct gic_test t;
    struct err err = {0};
    (void)state;
    virtual_on(&t);
    host(&t);
    open_spi(&t, 40, 0x80);
    route(&t, 40, 0x100);
    set_spi(&t, 40, 1);
    sys_put(&t, ICH_LR0, LR(1, 1, 0, 0x80, 0, 50));
    t.cpu = 0;
    sys_put(&t, ICC_SGI1R, 3 << 24 | 1);
    struct device *twin = gic_new(&t.h, false);
    for (u32 i = 0; i < GIC_CPUS; i++)
        gicv3_set_affinity(twin, i, (const u64[]){0, 1, 0x100, 0x111}[i]);
    memset(t.h.level, 0, sizeof(t.h.level));
    if (harness_copy_state(t.d, twin, &err))
        fail_msg("%s", err.text);
    char where[256];
    assert_true(state_equal(t.d->type->state, t.d, twin, where, sizeof(where)));
    assert_int_equal(output(&t, 0, GICV3_IRQ), 1);
    assert_int_equal(output(&t, 1, GICV3_VIRQ), 1);
    assert_int_equal(output(&t, 2, GICV3_IRQ), 1);
    t.d = twin;
    assert_int_equal(sys(&t, ICC_IAR1), 3);
    /* A controller with fewer Security states refuses. */
    struct device *two = gic_new(&t.h, true);
    assert_int_not_equal(harness_copy_state(two, t.d, &err), 0);
    gic_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_spi_level),
        cmocka_unit_test(test_spi_edge),
        cmocka_unit_test(test_ppi),
        cmocka_unit_test(test_sgi),
        cmocka_unit_test(test_sleep_after_reset),
        cmocka_unit_test(test_sleep_and_enables),
        cmocka_unit_test(test_preemption),
        cmocka_unit_test(test_binary_point),
        cmocka_unit_test(test_eoi_mode),
        cmocka_unit_test(test_routing),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_two_states),
        cmocka_unit_test(test_nonsecure_view),
        cmocka_unit_test(test_sgi_groups),
        cmocka_unit_test(test_nsacr),
        cmocka_unit_test(test_disable_security),
        cmocka_unit_test(test_hand_over),
        cmocka_unit_test(test_virtual_life),
        cmocka_unit_test(test_virtual_hardware),
        cmocka_unit_test(test_virtual_split),
        cmocka_unit_test(test_maintenance),
        cmocka_unit_test(test_virtual_traps),
        cmocka_unit_test(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
