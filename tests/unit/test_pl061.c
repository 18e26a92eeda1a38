/*
 * test_pl061.c - the PL061 against its manual (Arm DDI 0190): masked data, directions, edges and
 * levels, outputs, a random comparison with the manual written a second time, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_harness.h"

enum {
    ALL = 0x3fc, /* DATA, no line masked */
    DIR = 0x400,
    IS = 0x404,
    IBE = 0x408,
    IEV = 0x40c,
    IE = 0x410,
    RIS = 0x414,
    MIS = 0x418,
    IC = 0x41c,
    AFSEL = 0x420,
    ID = 0xfe0,
};

struct gpio_test {
    struct harness h;
    struct device *d;
};

static u8 get(struct gpio_test *t, u64 offset)
{
    return (u8)harness_read(&t->h, t->d, offset, 4);
}

static void put(struct gpio_test *t, u64 offset, u8 v)
{
    harness_write(&t->h, t->d, offset, v, 4);
}

static void wire(struct gpio_test *t, unsigned n, int level)
{
    irq_set(device_input(t->d, n), level);
}

static u8 outputs(struct gpio_test *t)
{
    u8 v = 0;
    for (unsigned i = 0; i < 8; i++)
        v |= (u8)(t->h.level[1 + i] << i);
    return v;
}

static int setup(void **state)
{
    struct gpio_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    t->d = harness_add(&t->h, "pl061", NULL, NULL);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct gpio_test *t = *state;
    harness_close(&t->h);
    harness_end(&t->h);
    free(t);
    return 0;
}

static void test_identification(void **state)
{
    static const u8 id[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    struct gpio_test *t = *state;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(get(t, ID + 4 * i), id[i]);
}

static void test_reset_values(void **state)
{
    static const u16 all[] = {ALL, DIR, IS, IBE, IEV, IE, RIS, MIS, AFSEL};
    struct gpio_test *t = *state;
    put(t, DIR, 0xff);
    put(t, ALL, 0xff);
    put(t, IEV, 0xff);
    put(t, IS, 0xff);
    put(t, IE, 0xff);
    put(t, AFSEL, 0xff);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(outputs(t), 0xff);
    device_reset(t->d);
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
        assert_int_equal(get(t, all[i]), 0);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(outputs(t), 0); /* what hangs on a line sees it let go */
}

/* Bits 9..2 of the address choose the lines that are read and written. */
static void test_masked_data(void **state)
{
    struct gpio_test *t = *state;
    put(t, DIR, 0xff);
    put(t, ALL, 0xa5);
    put(t, 0x0f << 2, 0x3a);
    assert_int_equal(get(t, ALL), 0xaa);
    assert_int_equal(get(t, 0x3c << 2), 0x28);
    put(t, 0, 0x55);
    assert_int_equal(get(t, ALL), 0xaa);
    assert_int_equal(outputs(t), 0xaa);
}

static void test_directions(void **state)
{
    struct gpio_test *t = *state;
    put(t, DIR, 0xf0);
    for (unsigned i = 0; i < 8; i++)
        wire(t, i, i & 1);
    put(t, ALL, 0xff); /* goes to outputs only */
    assert_int_equal(get(t, ALL), 0xfa);
    assert_int_equal(outputs(t), 0xf0);
    put(t, DIR, 0);
    assert_int_equal(get(t, ALL), 0xaa);
    assert_int_equal(outputs(t), 0);
}

/* One line as each kind of edge: what raises it. */
static void test_edges(void **state)
{
    static const struct {
        u8 ibe, iev;
        bool rising, falling;
    } kind[] = {{0, 0, false, true}, {0, 1, true, false}, {1, 0, true, true}, {1, 1, true, true}};
    struct gpio_test *t = *state;
    put(t, IE, 8);
    for (unsigned i = 0; i < ARRAY_SIZE(kind); i++) {
        put(t, IBE, (u8)(kind[i].ibe << 3));
        put(t, IEV, (u8)(kind[i].iev << 3));
        wire(t, 3, 1);
        assert_int_equal(get(t, RIS), kind[i].rising << 3);
        assert_int_equal(t->h.level[0], kind[i].rising);
        wire(t, 3, 1); /* no edge */
        put(t, IC, 8);
        assert_int_equal(get(t, RIS), 0);
        wire(t, 3, 0);
        assert_int_equal(get(t, MIS), kind[i].falling << 3);
        put(t, IC, 0xf7);
        assert_int_equal(get(t, RIS), kind[i].falling << 3);
        put(t, IC, 8);
        assert_int_equal(t->h.level[0], 0);
    }
}

/* A level's interrupt cannot be cleared; it goes with the level. */
static void test_levels(void **state)
{
    struct gpio_test *t = *state;
    put(t, IEV, 1);
    put(t, IS, 3);
    put(t, IE, 3);
    assert_int_equal(get(t, RIS), 2);
    assert_int_equal(t->h.level[0], 1);
    put(t, IC, 3);
    assert_int_equal(get(t, RIS), 2);
    wire(t, 1, 1);
    assert_int_equal(get(t, RIS), 0);
    assert_int_equal(t->h.level[0], 0);
    wire(t, 0, 1);
    assert_int_equal(get(t, MIS), 1);
    wire(t, 0, 0);
    assert_int_equal(t->h.level[0], 0);
}

static void test_mask(void **state)
{
    struct gpio_test *t = *state;
    put(t, IEV, 0xff);
    wire(t, 5, 1);
    assert_int_equal(get(t, RIS), 0x20);
    assert_int_equal(get(t, MIS), 0);
    assert_int_equal(t->h.level[0], 0);
    put(t, IE, 0x20);
    assert_int_equal(get(t, MIS), 0x20);
    assert_int_equal(t->h.level[0], 1);
    put(t, IE, 0xdf);
    assert_int_equal(t->h.level[0], 0);
}

/* The manual again, line by line. */
struct line {
    bool data, in, dir, is, ibe, iev, ie, ris;
};

static bool line_level(const struct line *l)
{
    return l->dir ? l->data : l->in;
}

static void line_sense(struct line *l, bool before)
{
    bool now = line_level(l);
    if (l->is)
        l->ris = now == l->iev;
    else if (now != before && (l->ibe || now == l->iev))
        l->ris = true;
}

static void line_write(struct line *l, unsigned reg, bool v)
{
    bool *const to[] = {&l->dir, &l->is, &l->ibe, &l->iev, &l->ie};
    if (reg < ARRAY_SIZE(to))
        *to[reg] = v;
    else if (v)
        l->ris = false;
    line_sense(l, line_level(l));
}

static void compare(struct gpio_test *t, const struct line *line)
{
    u8 data = 0, ris = 0, mis = 0, out = 0;
    for (unsigned i = 0; i < 8; i++) {
        const struct line *l = &line[i];
        data |= (u8)(line_level(l) << i);
        ris |= (u8)(l->ris << i);
        mis |= (u8)((l->ris && l->ie) << i);
        out |= (u8)((l->dir && l->data) << i);
    }
    assert_int_equal(get(t, ALL), data);
    assert_int_equal(get(t, RIS), ris);
    assert_int_equal(get(t, MIS), mis);
    assert_int_equal(outputs(t), out);
    assert_int_equal(t->h.level[0], mis != 0);
}

static void random_step(struct gpio_test *t, struct line *line, u64 r)
{
    static const u16 reg[] = {DIR, IS, IBE, IEV, IE, IC};
    unsigned n = r >> 8 & 7, what = (r >> 16) % 12;
    u8 v = (u8)(r >> 24), mask = (u8)(r >> 32);
    bool before;
    if (what < ARRAY_SIZE(reg)) {
        put(t, reg[what], v);
        for (unsigned i = 0; i < 8; i++)
            line_write(&line[i], what, v >> i & 1);
    } else if (what < 8) {
        put(t, (u64)mask << 2, v);
        for (unsigned i = 0; i < 8; i++) {
            before = line_level(&line[i]);
            if (mask >> i & 1 && line[i].dir)
                line[i].data = v >> i & 1;
            line_sense(&line[i], before);
        }
    } else {
        wire(t, n, v & 1);
        before = line_level(&line[n]);
        line[n].in = v & 1;
        line_sense(&line[n], before);
    }
}

static void test_random(void **state)
{
    struct gpio_test *t = *state;
    struct line line[8] = {0};
    u64 seed = 0x9061;
    for (unsigned i = 0; i < 20000; i++) {
        random_step(t, line, harness_random(&seed));
        compare(t, line);
    }
}

static void test_state(void **state)
{
    struct gpio_test *t = *state;
    struct err err = {0};
    put(t, DIR, 0x0f);
    put(t, ALL, 0x05);
    put(t, IEV, 0xf0);
    put(t, IE, 0x40);
    wire(t, 6, 1);
    struct device *copy = harness_add(&t->h, "pl061", NULL, NULL);
    memset(t->h.level, 0, sizeof(t->h.level));
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    t->d = copy;
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(outputs(t), 0x05); /* driven in the machine that loads it, too */
    assert_int_equal(get(t, ALL), 0x45);
    assert_int_equal(get(t, RIS), 0x40);
    put(t, IC, 0x40);
    assert_int_equal(t->h.level[0], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identification), TEST(test_reset_values), TEST(test_masked_data),
        TEST(test_directions),     TEST(test_edges),        TEST(test_levels),
        TEST(test_mask),           TEST(test_random),       TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
