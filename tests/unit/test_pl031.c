/*
 * test_pl031.c - the PL031 against its manual (Arm DDI 0224): seconds, load, match, mask, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_harness.h"

enum {
    DR = 0x00,
    MR = 0x04,
    LR = 0x08,
    CR = 0x0c,
    IMSC = 0x10,
    RIS = 0x14,
    MIS = 0x18,
    ICR = 0x1c,
    ID = 0xfe0,
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

static int setup(void **state)
{
    struct rtc_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    t->d = harness_add(&t->h, "pl031", NULL, NULL);
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

static void test_identification(void **state)
{
    static const u8 id[8] = {0x31, 0x10, 0, 0, 0x0d, 0xf0, 0x05, 0xb1};
    struct rtc_test *t = *state;
    for (unsigned i = 0; i < 8; i++) {
        if (i != 2) /* revision, and what the manual leaves open */
            assert_int_equal(get(t, ID + 4 * i), id[i]);
    }
    assert_int_equal(get(t, ID + 8) & 0xf, 4); /* designer 0x41: Arm */
}

static void test_reset_values(void **state)
{
    struct rtc_test *t = *state;
    put(t, IMSC, 1);
    put(t, MR, get(t, DR));
    assert_int_equal(t->h.level[0], 1);
    device_reset(t->d);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, MR), 0);
    assert_int_equal(get(t, LR), 0);
    assert_int_equal(get(t, IMSC), 0);
    assert_int_equal(get(t, RIS), 0);
    assert_int_equal(get(t, MIS), 0);
}

static void test_seconds(void **state)
{
    struct rtc_test *t = *state;
    assert_int_equal(get(t, DR), 1000);
    harness_advance(&t->h, NS_PER_SECOND - 1);
    assert_int_equal(get(t, DR), 1000);
    harness_advance(&t->h, 1);
    assert_int_equal(get(t, DR), 1001);
}

/* CR starts the counter; there is nothing that stops it. */
static void test_cannot_be_stopped(void **state)
{
    struct rtc_test *t = *state;
    put(t, CR, 1);
    put(t, CR, 0);
    assert_int_equal(get(t, CR), 1);
    harness_advance(&t->h, NS_PER_SECOND);
    assert_int_equal(get(t, DR), 1001);
}

static void test_load(void **state)
{
    struct rtc_test *t = *state;
    put(t, LR, 0xfffffffe);
    assert_int_equal(get(t, LR), 0xfffffffe);
    assert_int_equal(get(t, DR), 0xfffffffe);
    harness_advance(&t->h, 3 * NS_PER_SECOND);
    assert_int_equal(get(t, DR), 1); /* 32 bits: round */
    assert_int_equal(get(t, LR), 0xfffffffe);
}

static void test_match(void **state)
{
    struct rtc_test *t = *state;
    put(t, IMSC, 1);
    put(t, MR, 1005);
    assert_int_equal(get(t, MR), 1005);
    harness_advance(&t->h, 5 * NS_PER_SECOND - 1);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, RIS), 0);
    harness_advance(&t->h, 1);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, RIS), 1);
    assert_int_equal(get(t, MIS), 1);
    put(t, ICR, 0);
    assert_int_equal(t->h.level[0], 1);
    put(t, ICR, 1);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, RIS), 0);
    harness_advance(&t->h, 100 * NS_PER_SECOND);
    assert_int_equal(t->h.raised[0], 1);
}

/* A match that is in the past is reached after the counter went round. */
static void test_match_in_the_past(void **state)
{
    struct rtc_test *t = *state;
    put(t, IMSC, 1);
    put(t, MR, 999);
    harness_advance(&t->h, UINT64_C(0xfffffffe) * NS_PER_SECOND);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, NS_PER_SECOND);
    assert_int_equal(t->h.level[0], 1);
}

/* Loading a time moves the alarm with it. */
static void test_load_moves_match(void **state)
{
    struct rtc_test *t = *state;
    put(t, IMSC, 1);
    put(t, MR, 1005);
    put(t, LR, 500);
    harness_advance(&t->h, 504 * NS_PER_SECOND);
    assert_int_equal(t->h.level[0], 0);
    put(t, LR, 1003);
    harness_advance(&t->h, 2 * NS_PER_SECOND);
    assert_int_equal(t->h.level[0], 1);
    put(t, ICR, 1);
    put(t, LR, 1005); /* there at once */
    assert_int_equal(t->h.level[0], 1);
}

static void test_mask(void **state)
{
    struct rtc_test *t = *state;
    put(t, MR, 1001);
    harness_advance(&t->h, NS_PER_SECOND);
    assert_int_equal(get(t, RIS), 1);
    assert_int_equal(get(t, MIS), 0);
    assert_int_equal(t->h.level[0], 0);
    put(t, IMSC, 0xffffffff);
    assert_int_equal(get(t, IMSC), 1);
    assert_int_equal(get(t, MIS), 1);
    assert_int_equal(t->h.level[0], 1);
    put(t, IMSC, 0);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, RIS), 1);
}

static void test_read_only(void **state)
{
    struct rtc_test *t = *state;
    put(t, DR, 5);
    put(t, RIS, 1);
    put(t, MIS, 1);
    put(t, ID, 0);
    assert_int_equal(get(t, DR), 1000);
    assert_int_equal(get(t, RIS), 0);
    assert_int_equal(get(t, ID), 0x31);
}

/* The time set and the alarm come along; the alarm does not fire twice. */
static void test_state(void **state)
{
    struct rtc_test *t = *state;
    struct err err = {0};
    put(t, LR, 7000);
    put(t, MR, 7002);
    put(t, IMSC, 1);
    struct device *copy = harness_add(&t->h, "pl031", NULL, NULL);
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    device_reset(t->d);
    t->d = copy;
    assert_int_equal(get(t, DR), 7000);
    assert_int_equal(get(t, MR), 7002);
    harness_advance(&t->h, 2 * NS_PER_SECOND - 1);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 1);
    assert_int_equal(t->h.level[0], 1);
    put(t, ICR, 1);
    copy = harness_add(&t->h, "pl031", NULL, NULL);
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    t->d = copy;
    harness_advance(&t->h, 1);
    assert_int_equal(get(t, RIS), 0);
    assert_int_equal(t->h.raised[0], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identification),
        TEST(test_reset_values),
        TEST(test_seconds),
        TEST(test_cannot_be_stopped),
        TEST(test_load),
        TEST(test_match),
        TEST(test_match_in_the_past),
        TEST(test_load_moves_match),
        TEST(test_mask),
        TEST(test_read_only),
        TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
