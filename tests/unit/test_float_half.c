/*
 * test_float_half.c - the software's half precision against integers (float_exact.h): every
 * rounding, tininess before and after it, conversions from and to all formats and integers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include "float_exact.h"
#include "float_operands.h"

SOFT_FORMAT(f16, u16)

/* ---- Half precision against integers --------------------------------------------------------- */

enum { MODES = FLOAT_RTO + 1 };

static struct float_env exact_env(unsigned round, bool tiny_before)
{
    return (struct float_env){.round = (u8)round, .tiny_before = tiny_before};
}

static bool half_is_finite(u64 a)
{
    return (a & HALF_INF) != HALF_INF;
}

static void half_same(const char *name, u64 a, u64 b, u64 c, const struct float_env *got, u64 value,
                      const struct float_env *want, u64 wanted)
{
    if (value != wanted || (got->flags ^ want->flags) & ~FLOAT_DN)
        fail_msg("f16 %s %llx %llx %llx, rounding %u, tiny before %u: %llx flags %x, not %llx "
                 "flags %x",
                 name, (long long)a, (long long)b, (long long)c, want->round, want->tiny_before,
                 (long long)value, got->flags, (long long)wanted, want->flags);
}

#define HALF_SAME(NAME, a, b, c, WANT)                                                             \
    do {                                                                                           \
        struct float_env got = env, want = env;                                                    \
        u64 value = soft_f16_##NAME(a, b, c, &got);                                                \
        half_same(#NAME, a, b, c, &got, value, &want, WANT);                                       \
    } while (0)

static void half_pairs(struct float_env env, const u64 *v, unsigned n)
{
    for (unsigned i = 0; i < n * n; i++) {
        u16 a = (u16)v[i / n], b = (u16)v[i % n];
        if (!half_is_finite(a) || !half_is_finite(b))
            continue;
        HALF_SAME(add, a, b, 0, half_add(a, b, &want));
        HALF_SAME(sub, a, b, 0, half_add(a, b ^ HALF_SIGN, &want));
        HALF_SAME(mul, a, b, 0, half_mul(a, b, &want));
        if (b & ~HALF_SIGN)
            HALF_SAME(div, a, b, 0, half_div(a, b, &want));
    }
}

static void half_triples(struct float_env env, u64 *s, unsigned count)
{
    u64 v[EDGES_FEW];
    unsigned n = edges(&f16, v, EDGES_FEW);
    for (unsigned i = 0; i < count; i++) {
        u64 r = rnd(s);
        u16 a = (u16)(r & 3 ? random_operand(&f16, s, 0x3000) : v[(r >> 8) % n]);
        u16 b = (u16)(r & 12 ? random_operand(&f16, s, 0x3000) : v[(r >> 16) % n]);
        u16 c = (u16)(r & 48 ? random_operand(&f16, s, f16_mul(a, b, &env)) : v[(r >> 24) % n]);
        if (half_is_finite(a) && half_is_finite(b) && half_is_finite(c))
            HALF_SAME(fma, a, b, c, half_fma(a, b, c, &want));
    }
}

static void test_half_arithmetic(void **state)
{
    u64 v[EDGES_MANY], s = 5;
    (void)state;
    for (unsigned n = 0; n < 2 * MODES; n++) {
        struct float_env env = exact_env(n / 2, n & 1);
        half_pairs(env, v, edges(&f16, v, EDGES));
        for (unsigned i = 0; i < EDGES; i++)
            v[i] = random_operand(&f16, &s, i & 1 ? 0x0400 : 0x3c00);
        half_pairs(env, v, EDGES);
        half_triples(env, &s, 6000);
    }
}

static void test_half_root(void **state)
{
    (void)state;
    for (unsigned a = 1; a < HALF_INF; a++) {
        struct exact root = half_root((u16)a);
        struct float_env env = exact_env(a % MODES, false);
        HALF_SAME(sqrt, a, 0, 0, half_round(&root, &want));
        env.round = (a + 1) % MODES;
        HALF_SAME(sqrt, a, 0, 0, half_round(&root, &want));
    }
}

/* What is no rounding is as in the wider formats, which have been judged. */
static void test_half_special(void **state)
{
    u64 v[EDGES];
    unsigned n = edges(&f16, v, EDGES);
    (void)state;
    for (unsigned i = 0; i < n * n; i++) {
        u64 a = v[i / n], b = v[i % n];
        struct float_env env = exact_env(FLOAT_RNE, false);
        u64 x = f16_to_f64((u16)a, &(struct float_env){0});
        u64 y = f16_to_f64((u16)b, &(struct float_env){0});
        if (is_nan(&f16, a) || is_nan(&f16, b) ||
            (half_is_finite(a) && half_is_finite(b) && b & 0x7fff))
            continue;
        HALF_SAME(add, a, b, 0, f64_to_f16(f64_add(x, y, &want), &want));
        HALF_SAME(sub, a, b, 0, f64_to_f16(f64_sub(x, y, &want), &want));
        HALF_SAME(mul, a, b, 0, f64_to_f16(f64_mul(x, y, &want), &want));
        HALF_SAME(div, a, b, 0, f64_to_f16(f64_div(x, y, &want), &want));
        HALF_SAME(fma, a, b, a, f64_to_f16(f64_fma(x, y, x, &want), &want));
        HALF_SAME(sqrt, a, 0, 0, f64_to_f16(f64_sqrt(x, &want), &want));
    }
}

/* ---- Conversions of halves ------------------------------------------------------------------- */

/* The magnitude of a finite f32 or f64 in the units of struct exact; what is above 2^16 is 2^17. */
static struct exact exact_of(const struct format *f, u64 a)
{
    int biased = (int)bits_get(a, f->frac_bits, f->exp_bits);
    u64 frac = bits_get(a, 0, f->frac_bits), sig = biased ? frac | BIT(f->frac_bits) : frac;
    int exp = (biased ? biased : 1) - (int)BIT(f->exp_bits - 1) + 1 - (int)f->frac_bits + 48;
    struct exact x = {.sign = a >> (f->frac_bits + f->exp_bits) & 1};
    if (exp > 17 + 48 - 23)
        x.n = sig ? (u128)1 << (17 + 48) : 0;
    else if (exp >= 0)
        x.n = (u128)sig << exp;
    else if (exp > -64)
        x = (struct exact){x.sign, sig << (64 + exp) != 0, sig >> -exp};
    else
        x.more = sig != 0;
    return x;
}

static bool is_finite(const struct format *f, u64 a)
{
    return bits_get(a, f->frac_bits, f->exp_bits) != BIT(f->exp_bits) - 1;
}

SOFT(f16_from_f32, f32_to_f16((u32)a, e))
SOFT(f16_from_f64, f64_to_f16(a, e))

static void narrow(struct float_env env, u64 single, u64 wide)
{
    if (is_finite(&f32, single)) {
        struct exact x = exact_of(&f32, single);
        HALF_SAME(from_f32, single, 0, 0, half_zero_or_round(&x, x.sign, &want));
    }
    if (is_finite(&f64, wide)) {
        struct exact x = exact_of(&f64, wide);
        HALF_SAME(from_f64, wide, 0, 0, half_zero_or_round(&x, x.sign, &want));
    }
}

static void test_half_narrow(void **state)
{
    static const u64 range[] = {0x3c00, 0x0400, 0x0010, 0x7800};
    u64 s = 9, v[EDGES_MANY], w[EDGES_MANY];
    unsigned count = edges(&f32, v, EDGES_MANY);
    edges(&f64, w, EDGES_MANY);
    (void)state;
    for (unsigned n = 0; n < 2 * MODES; n++) {
        struct float_env env = exact_env(n / 2, n & 1), none = {0};
        for (unsigned i = 0; i < count; i++)
            narrow(env, v[i], w[i]);
        for (unsigned i = 0; i < 4000; i++) {
            u16 half = (u16)random_operand(&f16, &s, range[i % ARRAY_SIZE(range)]);
            u64 tie = half_is_finite(half) ? f16_to_f64(half, &none) : 0;
            tie += i & 1 ? (rnd(&s) & (BIT(42) - 1)) : (u64)(BIT(41) - 1 + i / 2 % 3);
            u64 single = half_is_finite(half) ? f16_to_f32(half, &none) : 0;
            single += i & 1 ? (rnd(&s) & (BIT(13) - 1)) : (u64)(BIT(12) - 1 + i / 2 % 3);
            narrow(env, single, tie);
        }
    }
}

/* Every half, to the wider formats by its definition, and back. */
static void test_half_widen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 0x10000; i++) {
        struct float_env e = {0};
        u64 d = f16_to_f64((u16)i, &e), s = f16_to_f32((u16)i, &e), same = f32_to_f64((u32)s, &e);
        double value, want = ldexp((double)half_units((u16)(i & ~HALF_SIGN)), -24);
        memcpy(&value, &d, sizeof(value));
        assert_int_equal(d, same);
        if (is_nan(&f16, i)) {
            assert_int_equal(d, UINT64_C(0x7ff8000000000000));
            assert_int_equal(e.flags & FLOAT_NV, i & 0x200 ? 0 : FLOAT_NV);
            continue;
        }
        assert_int_equal(!signbit(value), !half_sign((u16)i));
        assert_true(fabs(value) == (half_is_finite(i) ? want : INFINITY));
        assert_int_equal(f64_to_f16(d, &e), i);
        assert_int_equal(f32_to_f16((u32)s, &e), i);
        assert_int_equal(e.flags & ~FLOAT_DN, 0);
    }
}

/* ---- Integers -------------------------------------------------------------------------------- */

/* |a| rounded to an integer. */
static u64 half_integer(u16 a, struct float_env *e)
{
    u64 units = half_units(a & ~HALF_SIGN), v = units >> 24, rest = units & (BIT(24) - 1);
    int twice = rest > BIT(23) ? 1 : rest == BIT(23) ? 0 : -1;
    if (!rest)
        return v;
    e->flags |= FLOAT_NX;
    return v + half_goes_up(e->round, half_sign(a), v & 1, twice);
}

static u64 half_to_integer(u16 a, u64 low, u64 high, struct float_env *e)
{
    bool negative = half_sign(a) && !is_nan(&f16, a);
    u64 v = half_is_finite(a) ? half_integer(a, e) : UINT64_MAX;
    if (!half_is_finite(a) || v > (negative ? low : high)) {
        e->flags = FLOAT_NV;
        v = negative ? low : high;
    }
    return negative ? 0 - v : v;
}

static void test_half_to_integer(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 0x10000; i++) {
        struct float_env env = exact_env(i * 7 % MODES, false);
        u16 a = (u16)i;
        HALF_SAME(to_s32, a, 0, 0, (u32)half_to_integer(a, BIT(31), INT32_MAX, &want));
        HALF_SAME(to_u32, a, 0, 0, half_to_integer(a, 0, UINT32_MAX, &want));
        HALF_SAME(to_s64, a, 0, 0, half_to_integer(a, BIT(63), INT64_MAX, &want));
        HALF_SAME(to_u64, a, 0, 0, half_to_integer(a, 0, UINT64_MAX, &want));
        if (!half_is_finite(a))
            continue;
        u64 v = half_integer(a, &(struct float_env){.round = env.round});
        struct exact x = {.sign = half_sign(a), .n = (u128)v << 48};
        u16 rounded = half_zero_or_round(&x, x.sign, &(struct float_env){0});
        HALF_SAME(rint, a, 0, 0, (half_integer(a, &want), rounded));
        HALF_SAME(nearbyint, a, 0, 0, rounded);
    }
}

static void half_from_integer(struct float_env env, u64 v)
{
    bool negative = (s64)v < 0, negative32 = (s32)v < 0;
    struct exact ux = {.n = (u128)v << 48}, uw = {.n = (u128)(u32)v << 48};
    struct exact sx = {.sign = negative, .n = (u128)(negative ? 0 - v : v) << 48};
    struct exact sw = {.sign = negative32, .n = (u128)(u32)(negative32 ? 0 - v : v) << 48};
    HALF_SAME(from_u64, v, 0, 0, half_zero_or_round(&ux, false, &want));
    HALF_SAME(from_s64, v, 0, 0, half_zero_or_round(&sx, false, &want));
    HALF_SAME(from_u32, v, 0, 0, half_zero_or_round(&uw, false, &want));
    HALF_SAME(from_s32, v, 0, 0, half_zero_or_round(&sw, false, &want));
}

static void test_half_from_integer(void **state)
{
    u64 s = 3;
    (void)state;
    for (unsigned mode = 0; mode < MODES; mode++) {
        for (unsigned i = 0; i < 3000; i++)
            half_from_integer(exact_env(mode, false), rnd(&s) >> (i & 63));
        for (u64 v = 65472; v < 65552; v++) {
            half_from_integer(exact_env(mode, false), v);
            half_from_integer(exact_env(mode, false), 0 - v);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_arithmetic),   cmocka_unit_test(test_half_root),
        cmocka_unit_test(test_half_special),      cmocka_unit_test(test_half_narrow),
        cmocka_unit_test(test_half_widen),        cmocka_unit_test(test_half_to_integer),
        cmocka_unit_test(test_half_from_integer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
