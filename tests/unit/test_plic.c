/*
 * test_plic.c - the PLIC against its specification: gateways, claims and completions, priorities,
 * thresholds, contexts, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_harness.h"

enum { PENDING = 0x1000, ENABLE = 0x2000, CONTEXT = 0x200000, SOURCES = 96 };

struct plic_test {
    struct harness h;
    struct device *d;
};

static u32 get(struct plic_test *t, u64 offset)
{
    return (u32)harness_read(&t->h, t->d, offset, 4);
}

static void put(struct plic_test *t, u64 offset, u32 v)
{
    harness_write(&t->h, t->d, offset, v, 4);
}

static void set_priority(struct plic_test *t, u32 source, u32 v)
{
    put(t, 4 * source, v);
}

static void enable(struct plic_test *t, u32 context, u32 source)
{
    u64 at = ENABLE + 0x80 * context + 4 * (source / 32);
    put(t, at, get(t, at) | 1u << source % 32);
}

static void set_threshold(struct plic_test *t, u32 context, u32 v)
{
    put(t, CONTEXT + 0x1000 * context, v);
}

static u32 claim(struct plic_test *t, u32 context)
{
    return get(t, CONTEXT + 0x1000 * context + 4);
}

static void complete(struct plic_test *t, u32 context, u32 source)
{
    put(t, CONTEXT + 0x1000 * context + 4, source);
}

static void wire(struct plic_test *t, u32 source, int level)
{
    irq_set(device_input(t->d, source), level);
}

static bool pending(struct plic_test *t, u32 source)
{
    return get(t, PENDING + 4 * (source / 32)) >> source % 32 & 1;
}

static int setup(void **state)
{
    struct plic_test *t = calloc(1, sizeof(*t));
    const char *const four[] = {"contexts=4", NULL};
    harness_open(&t->h);
    t->d = harness_add(&t->h, "riscv.sifive.plic", NULL, four);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct plic_test *t = *state;
    harness_close(&t->h);
    harness_end(&t->h);
    free(t);
    return 0;
}

static void test_one_interrupt(void **state)
{
    struct plic_test *t = *state;
    set_priority(t, 10, 1);
    enable(t, 1, 10);
    wire(t, 10, 1);
    assert_true(pending(t, 10));
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(t->h.level[1], 1);
    assert_int_equal(claim(t, 1), 10);
    assert_false(pending(t, 10));
    assert_int_equal(t->h.level[1], 0);
    assert_int_equal(claim(t, 1), 0);
    wire(t, 10, 0);
    complete(t, 1, 10);
    assert_int_equal(t->h.level[1], 0);
}

/* A level that is still high at completion is a new request; one that fell before the claim stays.
 */
static void test_gateway(void **state)
{
    struct plic_test *t = *state;
    set_priority(t, 3, 1);
    enable(t, 0, 3);
    wire(t, 3, 1);
    assert_int_equal(claim(t, 0), 3);
    assert_false(pending(t, 3)); /* in service: no further request */
    complete(t, 0, 3);
    assert_true(pending(t, 3));
    wire(t, 3, 0);
    assert_true(pending(t, 3));
    assert_int_equal(claim(t, 0), 3);
    complete(t, 0, 3);
    assert_false(pending(t, 3));
}

static void test_priorities(void **state)
{
    struct plic_test *t = *state;
    static const u32 sources[] = {5, 40, 95, 6}, priorities[] = {2, 7, 7, 1};
    for (unsigned i = 0; i < 4; i++) {
        set_priority(t, sources[i], priorities[i]);
        enable(t, 0, sources[i]);
        wire(t, sources[i], 1);
    }
    assert_int_equal(claim(t, 0), 40); /* of equals the lower number */
    assert_int_equal(claim(t, 0), 95);
    assert_int_equal(claim(t, 0), 5);
    assert_int_equal(claim(t, 0), 6);
    assert_int_equal(claim(t, 0), 0);
}

static void test_threshold(void **state)
{
    struct plic_test *t = *state;
    set_priority(t, 1, 3);
    enable(t, 0, 1);
    set_threshold(t, 0, 3);
    wire(t, 1, 1);
    assert_int_equal(t->h.level[0], 0); /* must exceed it */
    set_threshold(t, 0, 2);
    assert_int_equal(t->h.level[0], 1);
    set_threshold(t, 0, 7);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, CONTEXT), 7);
}

static void test_priority_zero_never_interrupts(void **state)
{
    struct plic_test *t = *state;
    enable(t, 0, 7);
    wire(t, 7, 1);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(claim(t, 0), 0);
    assert_true(pending(t, 7));
    set_priority(t, 7, 1);
    assert_int_equal(t->h.level[0], 1);
}

static void test_first_claim_wins(void **state)
{
    struct plic_test *t = *state;
    set_priority(t, 9, 1);
    enable(t, 0, 9);
    enable(t, 2, 9);
    wire(t, 9, 1);
    assert_int_equal(t->h.level[0] & t->h.level[2], 1);
    assert_int_equal(claim(t, 2), 9);
    assert_int_equal(t->h.level[0] | t->h.level[2], 0);
    assert_int_equal(claim(t, 0), 0);
}

/* Completion by a context that has not the source enabled changes nothing. */
static void test_foreign_completion(void **state)
{
    struct plic_test *t = *state;
    set_priority(t, 9, 1);
    enable(t, 0, 9);
    wire(t, 9, 1);
    assert_int_equal(claim(t, 0), 9);
    complete(t, 1, 9);
    assert_false(pending(t, 9));
    complete(t, 0, 9);
    assert_true(pending(t, 9));
}

static void test_source_zero(void **state)
{
    struct plic_test *t = *state;
    set_priority(t, 0, 5);
    assert_int_equal(get(t, 0), 0);
    put(t, ENABLE, ~0u);
    assert_int_equal(get(t, ENABLE), ~1u);
    wire(t, 0, 1);
    assert_int_equal(get(t, PENDING), 0);
}

static void test_priority_field(void **state)
{
    struct plic_test *t = *state;
    set_priority(t, 1, 0xffffffff);
    assert_int_equal(get(t, 4), 7);
    put(t, PENDING, ~0u); /* read-only */
    assert_int_equal(get(t, PENDING), 0);
}

static void test_beyond_what_is_there(void **state)
{
    struct plic_test *t = *state;
    put(t, 4 * SOURCES, 7);
    assert_int_equal(get(t, 4 * SOURCES), 0);
    put(t, ENABLE + 0x80 * 4, ~0u);
    assert_int_equal(get(t, ENABLE + 0x80 * 4), 0);
    put(t, CONTEXT + 0x1000 * 4, 3);
    assert_int_equal(get(t, CONTEXT + 0x1000 * 4), 0);
    complete(t, 0, 0xffffffff);
    irq_set(device_input(t->d, SOURCES), 1);
    irq_set(device_input(t->d, 0xffffffff), 1);
}

static void test_reset(void **state)
{
    struct plic_test *t = *state;
    set_priority(t, 4, 1);
    enable(t, 0, 4);
    wire(t, 4, 1);
    device_reset(t->d);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, 16), 0);
    assert_int_equal(get(t, ENABLE), 0);
    wire(t, 4, 0);
    wire(t, 4, 1);
    set_priority(t, 4, 1);
    enable(t, 0, 4);
    assert_int_equal(claim(t, 0), 4);
}

/* A claim in one machine is completed in another. */
static void test_state(void **state)
{
    struct plic_test *t = *state;
    const char *const four[] = {"contexts=4", NULL};
    struct err err = {0};
    set_priority(t, 8, 2);
    enable(t, 3, 8);
    wire(t, 8, 1);
    assert_int_equal(claim(t, 3), 8);
    struct device *copy = harness_add(&t->h, "riscv.sifive.plic", NULL, four);
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    device_reset(t->d);
    t->d = copy;
    assert_int_equal(claim(t, 3), 0);
    complete(t, 3, 8);
    assert_int_equal(t->h.level[3], 1);
    assert_int_equal(claim(t, 3), 8);
}

/* Any sequence: the wires always say what a plain model of the specification says. */
static void test_against_a_model(void **state)
{
    struct plic_test *t = *state;
    u32 priority[8] = {0}, on[2] = {0}, level = 0, asked = 0, served = 0, limit[2] = {0};
    u64 seed = 99;
    for (unsigned step = 0; step < 20000; step++) {
        u64 r = harness_random(&seed);
        u32 s = 1 + r % 7, c = r >> 8 & 1, v = r >> 16 & 7;
        switch (r >> 24 & 7) {
        case 0: set_priority(t, s, priority[s] = v); break;
        case 1: put(t, ENABLE + 0x80 * c, on[c] = r >> 32 & 0xfe); break;
        case 2: set_threshold(t, c, limit[c] = v); break;
        case 3:
            complete(t, c, s);
            if (on[c] >> s & 1)
                served &= ~(1u << s);
            break;
        case 4: {
            u32 best = 0;
            for (u32 i = 7; i; i--) {
                if (asked & on[c] & 1u << i && priority[i] > limit[c] &&
                    (!best || priority[i] >= priority[best]))
                    best = i;
            }
            assert_int_equal(claim(t, c), best);
            asked &= ~(1u << best);
            served |= best ? 1u << best : 0;
            break;
        }
        default: level = v & 1 ? level | 1u << s : level & ~(1u << s); wire(t, s, v & 1);
        }
        asked |= level & ~served;
        for (u32 i = 0; i < 2; i++) {
            bool want = false;
            for (u32 n = 1; n < 8; n++)
                want |= asked & on[i] & 1u << n && priority[n] > limit[i];
            assert_int_equal(t->h.level[i], want);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_interrupt),
        TEST(test_gateway),
        TEST(test_priorities),
        TEST(test_threshold),
        TEST(test_priority_zero_never_interrupts),
        TEST(test_first_claim_wins),
        TEST(test_foreign_completion),
        TEST(test_source_zero),
        TEST(test_priority_field),
        TEST(test_beyond_what_is_there),
        TEST(test_reset),
        TEST(test_state),
        TEST(test_against_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
