/*
 * test_device_state.c - states that guests bring devices into and that were lost or refused on
 * loading: what fuzzing found (tests/fuzz/bench.c), device by device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "device_harness.h"

/* A machine's worth of the type, twice: the second takes the first's state. */
struct pair {
    struct harness h;
    struct device *from, *to;
};

static struct pair *pair_new(const char *type)
{
    struct pair *p = calloc(1, sizeof(*p));
    harness_open(&p->h);
    p->from = harness_add(&p->h, type, NULL, NULL);
    p->to = harness_add(&p->h, type, NULL, NULL);
    return p;
}

static void pair_copy(struct pair *p)
{
    struct err err = {0};
    char where[128];
    if (harness_copy_state(p->from, p->to, &err))
        fail_msg("%s", err.text);
    if (!state_equal(p->from->type->state, p->from, p->to, where, sizeof(where)))
        fail_msg("%s", where);
}

static void pair_free(struct pair *p)
{
    harness_close(&p->h);
    harness_end(&p->h);
    free(p);
}

/* An alarm whose interrupt was cleared within its second does not come again. */
static void test_pl031_cleared(void **state)
{
    struct pair *p = pair_new("pl031");
    u64 now = harness_read(&p->h, p->from, 0, 4);
    (void)state;
    harness_write(&p->h, p->from, 0x04, now, 4);
    assert_int_equal(harness_read(&p->h, p->from, 0x14, 4), 1);
    harness_write(&p->h, p->from, 0x1c, 1, 4);
    pair_copy(p);
    assert_int_equal(harness_read(&p->h, p->to, 0x14, 4), 0);
    pair_free(p);
}

/* One that is passed while nothing runs comes when something runs again. */
static void test_pl031_passed(void **state)
{
    struct pair *p = pair_new("pl031");
    struct err err = {0};
    (void)state;
    harness_write(&p->h, p->from, 0x04, harness_read(&p->h, p->from, 0, 4) + 5, 4);
    p->h.now += 100 * NS_PER_SECOND;
    assert_int_equal(harness_copy_state(p->from, p->to, &err), 0);
    harness_advance(&p->h, 1);
    assert_int_equal(harness_read(&p->h, p->to, 0x14, 4), 1);
    pair_free(p);
}

/* Registers for interrupts that a controller has not take nothing. */
static void test_gic_absent_interrupts(void **state)
{
    struct pair *p = pair_new("arm_gic");
    (void)state;
    for (unsigned at = 0x80; at < 0xf00; at += 4)
        harness_write(&p->h, p->from, at, UINT32_MAX, 4);
    pair_copy(p);
    pair_free(p);
}

/* A flash's write buffer that is aimed at the end and too long, or filled by overlapping writes. */
static void test_flash_buffer(void **state)
{
    enum { SIZE = 128 * 262144 };
    struct pair *p = pair_new("cfi.pflash01");
    (void)state;
    harness_write(&p->h, p->from, SIZE - 4, 0x00e800e8, 4);
    harness_write(&p->h, p->from, SIZE - 4, 0x00030003, 4);
    pair_copy(p);
    harness_write(&p->h, p->from, SIZE - 4, 0, 4);
    pair_copy(p);
    harness_write(&p->h, p->from, 0, 0x00500050, 4);
    harness_write(&p->h, p->from, 0, 0x00e800e8, 4);
    harness_write(&p->h, p->from, 0, 0x00010001, 4);
    harness_write(&p->h, p->from, 0, 0x11111111, 4);
    harness_write(&p->h, p->from, 0, 0x1111, 2);
    harness_write(&p->h, p->from, 4, 0x22222222, 4);
    pair_copy(p);
    harness_write(&p->h, p->to, 0, 0x00d000d0, 4);
    harness_write(&p->h, p->to, 0, 0x00ff00ff, 4);
    assert_int_equal(harness_read(&p->h, p->to, 4, 4), 0); /* 0 & 0x22222222: bits only clear */
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pl031_cleared),
        cmocka_unit_test(test_pl031_passed),
        cmocka_unit_test(test_gic_absent_interrupts),
        cmocka_unit_test(test_flash_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
