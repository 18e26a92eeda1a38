/*
 * test_aclint.c - software interrupts of both modes, machine timers, mtime.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_harness.h"

enum { MTIME = 0x7ff8, TICK = 100 /* ns, at 10 MHz */ };

static int setup(void **state)
{
    struct harness *h = malloc(sizeof(*h));
    harness_open(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct harness *h = *state;
    harness_close(h);
    harness_end(h);
    free(h);
    return 0;
}

static struct device *add_swi(struct harness *h, bool supervisor)
{
    const char *const p[] = {"num-harts=4", supervisor ? "sswi=1" : "sswi=0", NULL};
    return harness_add(h, "riscv.aclint.swi", NULL, p);
}

static struct device *add_timer(struct harness *h)
{
    static const char *const p[] = {"num-harts=4", NULL};
    return harness_add(h, "riscv.aclint.mtimer", NULL, p);
}

static void test_machine_software_interrupts(void **state)
{
    struct harness *h = *state;
    struct device *d = add_swi(h, false);
    for (u32 hart = 0; hart < 4; hart++) {
        harness_write(h, d, 4 * hart, 0xffffffff, 4);
        assert_int_equal(h->level[hart], 1);
        assert_int_equal(harness_read(h, d, 4 * hart, 4), 1); /* one bit */
        harness_write(h, d, 4 * hart, 0xfffffffe, 4);
        assert_int_equal(h->level[hart], 0);
    }
    harness_write(h, d, 4 * 4, 1, 4); /* no such hart */
    assert_int_equal(harness_read(h, d, 4 * 4, 4), 0);
    harness_write(h, d, 4, 1, 4);
    device_reset(d);
    assert_int_equal(h->level[1], 0);
}

static void test_supervisor_software_interrupts(void **state)
{
    struct harness *h = *state;
    struct device *d = add_swi(h, true);
    harness_write(h, d, 8, 1, 4);
    assert_int_equal(h->raised[2], 1); /* an edge */
    assert_int_equal(h->level[2], 0);
    assert_int_equal(harness_read(h, d, 8, 4), 0);
    harness_write(h, d, 8, 0, 4);
    assert_int_equal(h->raised[2], 1);
}

static void test_time_counts(void **state)
{
    struct harness *h = *state;
    struct device *d = add_timer(h);
    assert_int_equal(harness_read(h, d, MTIME, 8), 0); /* from reset on */
    harness_advance(h, 1234 * TICK);
    assert_int_equal(harness_read(h, d, MTIME, 8), 1234);
    assert_int_equal(harness_read(h, d, MTIME, 4), 1234);
    assert_int_equal(harness_read(h, d, MTIME + 4, 4), 0);
    harness_write(h, d, MTIME, UINT64_C(0x1fffffff0), 8);
    harness_advance(h, 16 * TICK);
    assert_int_equal(harness_read(h, d, MTIME, 8), UINT64_C(0x200000000));
    assert_int_equal(harness_read(h, d, MTIME + 4, 4), 2);
    harness_write(h, d, MTIME + 4, 7, 4);
    assert_int_equal(harness_read(h, d, MTIME, 8), UINT64_C(0x700000000));
}

static void test_compare(void **state)
{
    struct harness *h = *state;
    struct device *d = add_timer(h);
    assert_int_equal(harness_read(h, d, 8, 8), UINT64_MAX);
    harness_write(h, d, 8, 1000, 8);
    assert_int_equal(harness_read(h, d, 8, 8), 1000);
    harness_advance(h, 999 * TICK);
    assert_int_equal(h->level[1], 0);
    harness_advance(h, TICK);
    assert_int_equal(h->level[1], 1);
    assert_int_equal(h->level[0] | h->level[2], 0);
    harness_write(h, d, 8, 2000, 8);
    assert_int_equal(h->level[1], 0);
    harness_write(h, d, 8, 1, 8); /* past: at once */
    assert_int_equal(h->level[1], 1);
    harness_write(h, d, 8, UINT64_MAX, 8);
    assert_int_equal(h->level[1], 0);
}

/* Software of 32 bits writes all ones first, then the halves. */
static void test_compare_by_halves(void **state)
{
    struct harness *h = *state;
    struct device *d = add_timer(h);
    harness_write(h, d, 0, 0xffffffff, 4);
    harness_write(h, d, 4, 0, 4);
    harness_write(h, d, 0, 50, 4);
    assert_int_equal(h->level[0], 0);
    harness_advance(h, 50 * TICK);
    assert_int_equal(h->level[0], 1);
    assert_int_equal(harness_read(h, d, 4, 4), 0);
}

static void test_time_set_forward(void **state)
{
    struct harness *h = *state;
    struct device *d = add_timer(h);
    harness_write(h, d, 0, 1000000, 8);
    harness_write(h, d, MTIME, 1000000, 8);
    assert_int_equal(h->level[0], 1);
    harness_write(h, d, MTIME, 0, 8);
    assert_int_equal(h->level[0], 0);
    harness_advance(h, 1000000 * TICK);
    assert_int_equal(h->level[0], 1);
}

/* A timer that would fire after the clock's end does not fire before. */
static void test_far_future(void **state)
{
    struct harness *h = *state;
    struct device *d = add_timer(h);
    static const u64 far[] = {UINT64_MAX, UINT64_MAX - 1, INT64_MAX, UINT64_MAX / 100,
                              INT64_MAX / 100 + 1};
    for (unsigned i = 0; i < ARRAY_SIZE(far); i++) {
        harness_write(h, d, 0, far[i], 8);
        harness_advance(h, NS_PER_SECOND);
        assert_int_equal(h->level[0], 0);
    }
}

static void test_no_such_hart(void **state)
{
    struct harness *h = *state;
    struct device *d = add_timer(h);
    harness_write(h, d, 4 * 8, 5, 8);
    assert_int_equal(harness_read(h, d, 4 * 8, 8), 0);
    harness_write(h, d, MTIME - 8, 5, 8);
    assert_int_equal(harness_read(h, d, MTIME - 8, 8), 0);
}

static void test_state(void **state)
{
    struct harness *h = *state;
    struct device *d = add_timer(h);
    struct err err = {0};
    harness_write(h, d, MTIME, 500, 8);
    harness_write(h, d, 16, 1500, 8);
    struct device *copy = add_timer(h);
    assert_int_equal(harness_copy_state(d, copy, &err), 0);
    device_reset(d);
    assert_int_equal(harness_read(h, copy, MTIME, 8), 500);
    harness_advance(h, 999 * TICK);
    assert_int_equal(h->level[2], 0);
    harness_advance(h, TICK);
    assert_int_equal(h->level[2], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_machine_software_interrupts),
        TEST(test_supervisor_software_interrupts),
        TEST(test_time_counts),
        TEST(test_compare),
        TEST(test_compare_by_halves),
        TEST(test_time_set_forward),
        TEST(test_far_future),
        TEST(test_no_such_hart),
        TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
