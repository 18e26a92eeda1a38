/*
 * test_goldfish_rtc.c - time, its halves, alarms now and later, interrupts, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_harness.h"

enum {
    TIME_LOW = 0x00,
    TIME_HIGH = 0x04,
    ALARM_LOW = 0x08,
    ALARM_HIGH = 0x0c,
    IRQ_ENABLED = 0x10,
    CLEAR_ALARM = 0x14,
    ALARM_STATUS = 0x18,
    CLEAR_INTERRUPT = 0x1c,
};

struct rtc_test {
    struct harness h;
    struct device *d;
};

static u32 get(struct rtc_test *t, u64 offset)
{
    return (u32)harness_read(&t->h, t->d, offset, 4);
}

static void put(struct rtc_test *t, u64 offset, u32 v)
{
    harness_write(&t->h, t->d, offset, v, 4);
}

static u64 now(struct rtc_test *t)
{
    u64 low = get(t, TIME_LOW);
    return low | (u64)get(t, TIME_HIGH) << 32;
}

static void set_alarm(struct rtc_test *t, u64 ns)
{
    put(t, ALARM_HIGH, (u32)(ns >> 32));
    put(t, ALARM_LOW, (u32)ns);
}

static int setup(void **state)
{
    struct rtc_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    t->d = harness_add(&t->h, "goldfish_rtc", NULL, NULL);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct rtc_test *t = *state;
    harness_close(&t->h);
    harness_end(&t->h);
    free(t);
    return 0;
}

static void test_time(void **state)
{
    struct rtc_test *t = *state;
    assert_int_equal(now(t), t->h.now);
    harness_advance(&t->h, 12345678901);
    assert_int_equal(now(t), t->h.now);
}

/* The high half belongs to the low half read before it. */
static void test_halves_belong_together(void **state)
{
    struct rtc_test *t = *state;
    t->h.now = UINT64_C(0x5ffffffff);
    assert_int_equal(get(t, TIME_LOW), 0xffffffff);
    t->h.now++;
    assert_int_equal(get(t, TIME_HIGH), 5);
    assert_int_equal(now(t), UINT64_C(0x600000000));
}

static void test_time_is_set(void **state)
{
    struct rtc_test *t = *state;
    put(t, TIME_HIGH, 0x123);
    put(t, TIME_LOW, 0x456);
    assert_int_equal(now(t), UINT64_C(0x12300000456));
    harness_advance(&t->h, 1000);
    assert_int_equal(now(t), UINT64_C(0x12300000456) + 1000);
    /* An alarm is of the guest's time. */
    put(t, IRQ_ENABLED, 1);
    set_alarm(t, now(t) + 500);
    harness_advance(&t->h, 499);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 1);
    assert_int_equal(t->h.level[0], 1);
}

static void test_alarm(void **state)
{
    struct rtc_test *t = *state;
    put(t, IRQ_ENABLED, 1);
    set_alarm(t, now(t) + NS_PER_SECOND);
    assert_int_equal(get(t, ALARM_STATUS), 1);
    harness_advance(&t->h, NS_PER_SECOND - 1);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 1);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, ALARM_STATUS), 0);
    put(t, CLEAR_INTERRUPT, 1);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 10 * NS_PER_SECOND);
    assert_int_equal(t->h.raised[0], 1);
}

static void test_alarm_in_the_past_is_now(void **state)
{
    struct rtc_test *t = *state;
    put(t, IRQ_ENABLED, 1);
    set_alarm(t, now(t) - 1);
    assert_int_equal(t->h.level[0], 1);
}

static void test_alarm_is_cleared(void **state)
{
    struct rtc_test *t = *state;
    put(t, IRQ_ENABLED, 1);
    set_alarm(t, now(t) + 1000);
    put(t, CLEAR_ALARM, 1);
    assert_int_equal(get(t, ALARM_STATUS), 0);
    harness_advance(&t->h, 5000);
    assert_int_equal(t->h.raised[0], 0);
}

/* An alarm that fires while interrupts are off is there when they come on. */
static void test_masked(void **state)
{
    struct rtc_test *t = *state;
    set_alarm(t, now(t) + 1000);
    harness_advance(&t->h, 1000);
    assert_int_equal(t->h.level[0], 0);
    put(t, IRQ_ENABLED, 1);
    assert_int_equal(t->h.level[0], 1);
    put(t, IRQ_ENABLED, 0);
    assert_int_equal(t->h.level[0], 0);
}

static void test_reset(void **state)
{
    struct rtc_test *t = *state;
    put(t, IRQ_ENABLED, 1);
    set_alarm(t, now(t) - 1);
    set_alarm(t, now(t) + 1000);
    device_reset(t->d);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, IRQ_ENABLED), 0);
    assert_int_equal(get(t, ALARM_STATUS), 0);
    harness_advance(&t->h, 5000);
    assert_int_equal(t->h.raised[0], 1); /* the one before */
}

/* An alarm that is set when the state is saved fires in the machine that loads it. */
static void test_state(void **state)
{
    struct rtc_test *t = *state;
    struct err err = {0};
    put(t, IRQ_ENABLED, 1);
    put(t, TIME_HIGH, 0x77);
    set_alarm(t, now(t) + 1000);
    struct device *copy = harness_add(&t->h, "goldfish_rtc", NULL, NULL);
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    device_reset(t->d);
    t->d = copy;
    assert_int_equal(now(t) >> 32, 0x77);
    harness_advance(&t->h, 999);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 1);
    assert_int_equal(t->h.level[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_halves_belong_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_time_is_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alarm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alarm_in_the_past_is_now, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alarm_is_cleared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_masked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
