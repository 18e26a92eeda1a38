/*
 * test_arm_timer.c - generic timers: counts, offsets, comparators in their three forms, outputs.
 */
#include "arm_fake.h"

static unsigned level[ARM_TIMERS];

static void wire(void *sink, unsigned n, int on)
{
    level[n] = (unsigned)on;
}

static int start_model(const char *model)
{
    fake_start(model, true, true);
    fake_open();
    fake_at(1);
    for (unsigned n = 0; n < ARM_TIMERS; n++)
        arm_cpu_set_timer_irq(&fake.a->cpu, (enum arm_timer)n, (struct irq){.set = wire, .n = n});
    return 0;
}

static int start(void **state)
{
    return start_model("cortex-a72");
}

static int start_max(void **state)
{
    return start_model("max");
}

static int stop(void **state)
{
    fake_stop();
    return 0;
}

/* Lets the clock go on; the timers of a machine would call. */
static void at(u64 ns)
{
    fake.ns = ns;
    arm_timer_update(fake.a);
}

static void counts(void **state)
{
    at(16000);
    assert_int_equal(fake_get("CNTFRQ_EL0"), 62500000);
    assert_int_equal(fake_get("CNTPCT_EL0"), 1000);
    fake_set("CNTVOFF_EL2", 300);
    assert_int_equal(fake_get("CNTVCT_EL0"), 700);
    assert_int_equal(arm_ticks_ns(fake.a, 1000), 16000);
    assert_int_equal(arm_ticks_ns(fake.a, UINT64_MAX), UINT64_MAX);
}

static void comparators(void **state)
{
    static const struct {
        const char *ctl, *cval, *tval;
        enum arm_timer n;
        unsigned el;
    } rows[] = {
        {"CNTP_CTL_EL0", "CNTP_CVAL_EL0", "CNTP_TVAL_EL0", ARM_TIMER_PHYS, 1},
        {"CNTV_CTL_EL0", "CNTV_CVAL_EL0", "CNTV_TVAL_EL0", ARM_TIMER_VIRT, 1},
        {"CNTHP_CTL_EL2", "CNTHP_CVAL_EL2", "CNTHP_TVAL_EL2", ARM_TIMER_HYP, 2},
        {"CNTPS_CTL_EL1", "CNTPS_CVAL_EL1", "CNTPS_TVAL_EL1", ARM_TIMER_SEC, 3},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        fake_at(rows[i].el);
        at(16000);
        fake_set(rows[i].cval, 1100);
        assert_int_equal(fake_get(rows[i].tval), 100);
        assert_int_equal(level[rows[i].n], 0);
        fake_set(rows[i].ctl, 1);
        assert_int_equal(fake_get(rows[i].ctl), 1);
        at(17584);
        assert_int_equal(level[rows[i].n], 0);
        at(17600);
        assert_int_equal(level[rows[i].n], 1);
        assert_int_equal(fake_get(rows[i].ctl), 5);
        fake_set(rows[i].ctl, 3);
        assert_int_equal(level[rows[i].n], 0);
        assert_int_equal(fake_get(rows[i].ctl), 7);
        fake_set(rows[i].ctl, 1);
        fake_set(rows[i].tval, 10);
        assert_int_equal(fake_get(rows[i].cval), 1110);
        assert_int_equal(level[rows[i].n], 0);
        fake_set(rows[i].tval, 0xffffffff);
        assert_int_equal(fake_get(rows[i].cval), 1099);
        assert_int_equal(level[rows[i].n], 1);
        assert_int_equal(fake_get(rows[i].tval), 0xffffffff);
        fake_set(rows[i].ctl, 0);
        assert_int_equal(level[rows[i].n], 0);
    }
}

static void offsets(void **state)
{
    at(16000);
    fake_set("CNTVOFF_EL2", 900);
    fake_set("CNTV_CVAL_EL0", 200);
    fake_set("CNTV_CTL_EL0", 1);
    assert_int_equal(level[ARM_TIMER_VIRT], 0);
    fake_set("CNTVOFF_EL2", 800);
    assert_int_equal(level[ARM_TIMER_VIRT], 1);
}

static void host(void **state)
{
    at(1000);
    assert_int_equal(fake_get("CNTPCT_EL0"), 1000);
    fake_set("CNTVOFF_EL2", 300);
    fake_set("HCR_EL2", HCR_RW | HCR_E2H | HCR_TGE);
    fake_at(0);
    assert_int_equal(fake_get("CNTVCT_EL0"), 1000);
    fake_set("CNTP_CVAL_EL0", 5000); /* the hypervisor's */
    assert_int_equal(fake_get("CNTHP_CVAL_EL2"), 5000);
    fake_set("HCR_EL2", HCR_RW);
    fake_at(1);
    assert_int_equal(fake_get("CNTVCT_EL0"), 700);
    assert_int_equal(fake_get("CNTP_CVAL_EL0"), 0);
    /* ECV's physical offset */
    fake_set("CNTPOFF_EL2", 100);
    fake_set("CNTHCTL_EL2", 3 | CNTH_ECV);
    assert_int_equal(fake_get("CNTPCT_EL0"), 1000);
    fake_set("SCR_EL3", SCR_NS | SCR_RW | SCR_ECVEN);
    assert_int_equal(fake_get("CNTPCT_EL0"), 900);
}

#define TEST(fn, start) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts, start),
        TEST(comparators, start),
        TEST(offsets, start),
        TEST(host, start_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
