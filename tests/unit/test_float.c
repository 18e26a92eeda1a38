/*
 * test_float.c - the software float's single and double precision against the host's FPU
 * (float_host.h); order and classes by their definitions; the architectures' policies, and what no
 * FPU here does, by hand. Half precision is test_float_half.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include "float_host.h"
#include "float_operands.h"

/* ---- Software and host, with one signature --------------------------------------------------- */

SOFT_FORMAT(f32, u32)
SOFT_FORMAT(f64, u64)
SOFT_COMPARE(f16, u16)
SOFT_COMPARE(f32, u32)
SOFT_COMPARE(f64, u64)
SOFT(f32_to_f64, f32_to_f64((u32)a, e))
SOFT(f64_to_f32, f64_to_f32(a, e))

/* Where the host has another answer for what is out of range, or no instruction. */
static u64 out_of_range(bool negative, u64 low, u64 high, struct float_env *e)
{
    e->flags = FLOAT_NV;
    return negative ? low : high;
}

#define JUDGE(NAME) static u64 judge_##NAME(u64 a, u64 b, u64 c, struct float_env *e)
#define JUDGE_FORMAT(T, NEGATIVE)                                                                  \
    JUDGE(T##_to_s32)                                                                              \
    {                                                                                              \
        u64 r = host_##T##_to_s32(a, b, c, e);                                                     \
        return e->flags & FLOAT_NV ? out_of_range(NEGATIVE, BIT(31), INT32_MAX, e) : (u32)r;       \
    }                                                                                              \
    JUDGE(T##_to_s64)                                                                              \
    {                                                                                              \
        u64 r = host_##T##_to_s64(a, b, c, e);                                                     \
        return e->flags & FLOAT_NV ? out_of_range(NEGATIVE, BIT(63), INT64_MAX, e) : r;            \
    }                                                                                              \
    JUDGE(T##_to_u32)                                                                              \
    {                                                                                              \
        u64 r = host_##T##_to_s64(a, b, c, e);                                                     \
        bool out = e->flags & FLOAT_NV || r > UINT32_MAX;                                          \
        return out ? out_of_range(NEGATIVE, 0, UINT32_MAX, e) : r;                                 \
    }                                                                                              \
    JUDGE(T##_from_u32)                                                                            \
    {                                                                                              \
        return host_##T##_from_s64((u32)a, b, c, e);                                               \
    }                                                                                              \
    JUDGE(T##_from_u64)                                                                            \
    {                                                                                              \
        u64 halved = a >> 63 ? a >> 1 | (a & 1) : a;                                               \
        u64 r = host_##T##_from_s64(halved, b, c, e);                                              \
        return a >> 63 ? r + BIT(T.frac_bits) : r;                                                 \
    }                                                                                              \
    JUDGE(T##_compare)                                                                             \
    {                                                                                              \
        return (u64)host_relation(host_##T##_compare(a, b, c, e));                                 \
    }                                                                                              \
    JUDGE(T##_compare_signal)                                                                      \
    {                                                                                              \
        return (u64)host_relation(host_##T##_compare_signal(a, b, c, e));                          \
    }
JUDGE_FORMAT(f32, a >> 31 && !is_nan(&f32, a))
JUDGE_FORMAT(f64, a >> 63 && !is_nan(&f64, a))

JUDGE(f64_to_u64)
{
    u64 two63 = UINT64_C(0x43e0000000000000);
    if (a >= two63 && a < two63 + BIT(52)) /* integers below 2^64 */
        return host_f64_to_s64(a - two63 ? host_f64_sub(a, two63, 0, e) : 0, b, c, e) + BIT(63);
    u64 r = host_f64_to_s64(a, b, c, e);
    bool out = e->flags & FLOAT_NV || r >> 63;
    return out ? out_of_range(a >> 63 && !is_nan(&f64, a), 0, UINT64_MAX, e) : r;
}

JUDGE(f32_to_u64)
{
    return judge_f64_to_u64(host_f32_to_f64(a, b, c, e), b, c, e);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

struct row {
    const char *name;
    operation *soft, *judge;
    const struct format *from; /* of operands; NULL: integers */
    u8 operands;
    bool no_denormal_flag; /* the instruction has none */
    bool is_fma;
};

#define ROWS(T)                                                                                    \
    {#T " add", soft_##T##_add, host_##T##_add, &T, 2},                                            \
        {#T " sub", soft_##T##_sub, host_##T##_sub, &T, 2},                                        \
        {#T " mul", soft_##T##_mul, host_##T##_mul, &T, 2},                                        \
        {#T " div", soft_##T##_div, host_##T##_div, &T, 2},                                        \
        {#T " sqrt", soft_##T##_sqrt, host_##T##_sqrt, &T, 1},                                     \
        {#T " fma", soft_##T##_fma, host_##T##_fma, &T, 3, .is_fma = true},                        \
        {#T " rint", soft_##T##_rint, host_##T##_rint, &T, 1, true},                               \
        {#T " nearbyint", soft_##T##_nearbyint, host_##T##_nearbyint, &T, 1, true},                \
        {#T " to s32", soft_##T##_to_s32, judge_##T##_to_s32, &T, 1, true},                        \
        {#T " to u32", soft_##T##_to_u32, judge_##T##_to_u32, &T, 1, true},                        \
        {#T " to s64", soft_##T##_to_s64, judge_##T##_to_s64, &T, 1, true},                        \
        {#T " to u64", soft_##T##_to_u64, judge_##T##_to_u64, &T, 1, true},                        \
        {#T " from s32", soft_##T##_from_s32, host_##T##_from_s32, NULL, 1},                       \
        {#T " from u32", soft_##T##_from_u32, judge_##T##_from_u32, NULL, 1},                      \
        {#T " from s64", soft_##T##_from_s64, host_##T##_from_s64, NULL, 1},                       \
        {#T " from u64", soft_##T##_from_u64, judge_##T##_from_u64, NULL, 1},                      \
        {#T " compare", soft_##T##_compare, judge_##T##_compare, &T, 2},                           \
    {                                                                                              \
#T " compare, signalling", soft_##T##_compare_signal, judge_##T##_compare_signal, &T, 2    \
    }
static const struct row rows[] = {
    ROWS(f32),
    ROWS(f64),
    {"f32 to f64", soft_f32_to_f64, host_f32_to_f64, &f32, 1},
    {"f64 to f32", soft_f64_to_f32, host_f64_to_f32, &f64, 1},
};

static struct float_env host_env(unsigned round, unsigned flush)
{
    return (struct float_env){.round = (u8)round,
                              .nan_rule = FLOAT_NAN_X86,
                              .default_nan_sign = true,
                              .flush_inputs = flush & 1,
                              .flush_results = flush >> 1};
}

/* The denormal flag is compared where both have it for the same reason: x86 does not raise it
 * beside a NaN, an invalid operation or a division by zero, or when denormals are zeroes (SDM
 * volume 1, section 4.9.1.2). */
static unsigned ignored_flags(const struct row *r, const struct float_env *e, u64 a, u64 b, u64 c)
{
    const struct format *f = r->from;
    bool nan = f && (is_nan(f, a) || (r->operands > 1 && is_nan(f, b)) ||
                     (r->operands > 2 && is_nan(f, c)));
    return nan || r->no_denormal_flag || e->flush_inputs || e->flags & (FLOAT_NV | FLOAT_DZ)
               ? FLOAT_DN
               : 0;
}

static void judge(const struct row *r, struct float_env e, u64 a, u64 b, u64 c)
{
    struct float_env h = e;
    u64 want = r->judge(a, b, c, &h), got = r->soft(a, b, c, &e);
    if (got == want && !((e.flags ^ h.flags) & ~ignored_flags(r, &h, a, b, c)))
        return;
    fail_msg(
        "%s %llx %llx %llx, rounding %u, flush %u%u: %llx flags %x, the host has %llx flags %x",
        r->name, (long long)a, (long long)b, (long long)c, e.round, e.flush_inputs, e.flush_results,
        (long long)got, e.flags, (long long)want, h.flags);
}

static bool can_judge(const struct row *r)
{
    return __builtin_cpu_supports("sse4.1") && (!r->is_fma || __builtin_cpu_supports("fma"));
}

static void judge_edges(const struct row *r, struct float_env e)
{
    static const unsigned size[] = {0, EDGES_MANY, EDGES, EDGES_FEW};
    u64 v[EDGES_MANY];
    unsigned n = edges(r->from, v, size[r->operands]);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < (r->operands > 1 ? n : 1); k++)
            for (unsigned m = 0; m < (r->operands > 2 ? n : 1); m++)
                judge(r, e, v[i], v[k], v[m]);
}

static void judge_integers(const struct row *r, struct float_env e)
{
    u64 s = 77;
    for (unsigned i = 0; i < 64; i++) {
        for (s64 d = -2; d <= 2; d++) {
            judge(r, e, BIT(i) + (u64)d, 0, 0);
            judge(r, e, 0 - BIT(i) + (u64)d, 0, 0);
            judge(r, e, rnd(&s) >> i, 0, 0);
            judge(r, e, 0 - (rnd(&s) >> i), 0, 0);
            judge(r, e, rnd(&s) >> i & ~(rnd(&s) >> (i & 31)) & ~(rnd(&s) >> 3), 0, 0);
        }
    }
}

static void judge_random(const struct row *r, struct float_env e, unsigned count)
{
    u64 s = 2026 + e.round;
    for (unsigned i = 0; i < count; i++) {
        u64 a = random_operand(r->from, &s, rnd(&s)), b = random_operand(r->from, &s, a);
        u64 c = random_operand(r->from, &s, a);
        judge(r, e, a, b, c);
    }
}

static void test_host(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned n = 0; n < 4 * 4 && can_judge(&rows[i]); n++) {
            unsigned round = n % 4, flush = n / 4;
            if (!rows[i].from)
                judge_integers(&rows[i], host_env(round, flush));
            else if (!flush || rows[i].operands < 3)
                judge_edges(&rows[i], host_env(round, flush));
            if (rows[i].from)
                judge_random(&rows[i], host_env(round, flush), flush ? 1000 : 8000);
        }
    }
}

/* ---- Order and classes ----------------------------------------------------------------------- */

static double wide(const struct format *f, u64 a)
{
    struct float_env e = {0};
    u64 bits = f == &f16 ? f16_to_f64((u16)a, &e) : f == &f32 ? f32_to_f64((u32)a, &e) : a;
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

static bool is_signalling(const struct format *f, u64 a)
{
    return is_nan(f, a) && !(a >> (f->frac_bits - 1) & 1);
}

struct minmax {
    bool max, nan_wins;
};

/* IEEE 754-2019 section 9.6: minimumNumber and minimum; NaNs are the default one. */
static u64 wanted_minmax(const struct format *f, struct minmax m, u64 a, u64 b, unsigned *flags)
{
    double x = wide(f, a), y = wide(f, b);
    *flags = is_signalling(f, a) || is_signalling(f, b) ? FLOAT_NV : 0;
    if ((isnan(x) && isnan(y)) || (m.nan_wins && (isnan(x) || isnan(y))))
        return pattern(f, false, ~UINT64_C(0), BIT(f->frac_bits - 1));
    if (isnan(x) || isnan(y))
        return isnan(x) ? b : a;
    bool less = x < y || (x == y && signbit(x) && !signbit(y));
    return less != m.max ? a : b;
}

#define MINMAX(T, U)                                                                               \
    SOFT(T##_min, T##_min((U)a, (U)b, e))                                                          \
    SOFT(T##_max, T##_max((U)a, (U)b, e))                                                          \
    SOFT(T##_minm, T##_minm((U)a, (U)b, e))                                                        \
    SOFT(T##_maxm, T##_maxm((U)a, (U)b, e))                                                        \
    SOFT(T##_class, T##_class((U)a))                                                               \
    SOFT(T##_nans, T##_is_nan((U)a) + 2 * T##_is_snan((U)a))
MINMAX(f16, u16)
MINMAX(f32, u32)
MINMAX(f64, u64)

#define ORDERED(T)                                                                                 \
    {                                                                                              \
        &T, {soft_##T##_min, soft_##T##_max, soft_##T##_minm, soft_##T##_maxm},                    \
            soft_##T##_compare, soft_##T##_compare_signal, soft_##T##_class, soft_##T##_nans       \
    }
static const struct ordered {
    const struct format *f;
    operation *minmax[4], *compare, *compare_signal, *class, *nans;
} ordered[] = {ORDERED(f16), ORDERED(f32), ORDERED(f64)};

static void order_pair(const struct ordered *o, u64 a, u64 b)
{
    double x = wide(o->f, a), y = wide(o->f, b);
    bool snan = is_signalling(o->f, a) || is_signalling(o->f, b), nan = isnan(x) || isnan(y);
    struct float_env e = {0};
    s64 want = nan ? FLOAT_UNORDERED : x < y ? FLOAT_LESS : x > y ? FLOAT_GREATER : FLOAT_EQUAL;
    assert_true((s64)o->compare(a, b, 0, &e) == want);
    assert_int_equal(e.flags & ~FLOAT_DN, snan ? FLOAT_NV : 0);
    e.flags = 0;
    assert_true((s64)o->compare_signal(a, b, 0, &e) == want);
    assert_int_equal(e.flags & ~FLOAT_DN, nan ? FLOAT_NV : 0);
    for (unsigned i = 0; i < 4; i++) {
        unsigned flags;
        e.flags = 0;
        u64 v = wanted_minmax(o->f, (struct minmax){i & 1, i >> 1}, a, b, &flags);
        assert_int_equal(o->minmax[i](a, b, 0, &e), v);
        assert_int_equal(e.flags & ~FLOAT_DN, flags);
    }
}

/* RISC-V unprivileged manual, "Floating-Point Classify Instruction". */
static unsigned wanted_class(const struct format *f, u64 a)
{
    bool sign = a >> (f->frac_bits + f->exp_bits) & 1;
    bool denormal = !bits_get(a, f->frac_bits, f->exp_bits);
    double d = wide(f, a);
    if (isnan(d))
        return is_signalling(f, a) ? 1 << 8 : 1 << 9;
    unsigned bit = isinf(d) ? 7 : d == 0 ? 4 : denormal ? 5 : 6;
    return 1 << (sign ? 7 - bit : bit);
}

static void test_order(void **state)
{
    (void)state;
    for (unsigned t = 0; t < ARRAY_SIZE(ordered); t++) {
        const struct ordered *o = &ordered[t];
        u64 v[EDGES_MANY];
        unsigned n = edges(o->f, v, EDGES);
        for (unsigned i = 0; i < n * n; i++)
            order_pair(o, v[i / n], v[i % n]);
        n = edges(o->f, v, EDGES_MANY);
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(o->class(v[i], 0, 0, NULL), wanted_class(o->f, v[i]));
            assert_int_equal(o->nans(v[i], 0, 0, NULL),
                             is_nan(o->f, v[i]) + 2 * is_signalling(o->f, v[i]));
        }
    }
}

/* RISC-V unprivileged manual, "Zfa": truncated modulo 2^32; NV alone when that lost high bits. */
static void test_modular(void **state)
{
    u64 s = 11;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned biased = 1020 + i % 150;
        u64 a = pattern(&f64, i & 1, biased, rnd(&s) << (rnd(&s) & 63));
        int shift = (int)biased - 1023 - 52;
        u64 sig = bits_get(a, 0, 52) | BIT(52);
        u64 whole = shift >= 64 ? 0 : shift >= 0 ? sig << shift : shift > -64 ? sig >> -shift : 0;
        bool out = shift > 0 || whole > (u64)INT32_MAX + (i & 1);
        bool lost = shift < 0 && (shift <= -64 || sig << (64 + shift));
        struct float_env e = {.round = FLOAT_RUP};
        assert_int_equal((u32)f64_to_s32_modular(a, &e), (u32)(i & 1 ? 0 - whole : whole));
        assert_int_equal(e.flags, out ? FLOAT_NV : lost ? FLOAT_NX : 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        struct float_env e = {0};
        u64 a = pattern(&f64, i & 1, 0x7ff, i & 2 ? BIT(51) : 0);
        assert_int_equal(f64_to_s32_modular(a, &e), 0);
        assert_int_equal(e.flags, FLOAT_NV);
    }
}

/* ---- By hand --------------------------------------------------------------------------------- */

struct vector {
    operation *op;
    struct float_env e;
    u64 a, b, c, want;
    u8 flags;
};

static void check_vectors(const struct vector *v, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct float_env e = v[i].e;
        u64 got = v[i].op(v[i].a, v[i].b, v[i].c, &e);
        if (got != v[i].want || e.flags != v[i].flags)
            fail_msg("vector %u: %llx flags %x, not %llx flags %x", i, (long long)got, e.flags,
                     (long long)v[i].want, v[i].flags);
    }
}

/* To nearest, ties away, and to odd, in the wide formats. */
static void test_rounding_vectors(void **state)
{
    static const struct float_env rmm = {.round = FLOAT_RMM}, rto = {.round = FLOAT_RTO};
    const u64 one = 0x3f800000, ulp = 0x34000000 /* 2^-23 */, half_ulp = 0x33800000;
    const u64 done = UINT64_C(0x3ff0000000000000), dhalf_ulp = UINT64_C(0x3ca0000000000000);
    const u64 dminus = BIT(63), dmax = UINT64_C(0x7fefffffffffffff);
    const struct vector vectors[] = {
        {soft_f32_add, rmm, one, half_ulp, 0, one + 1, FLOAT_NX},
        {soft_f32_add, rmm, one, half_ulp - 1, 0, one, FLOAT_NX},
        {soft_f32_sub, rmm, one | BIT(31), half_ulp, 0, (one + 1) | BIT(31), FLOAT_NX},
        {soft_f32_add, rto, one, half_ulp, 0, one + 1, FLOAT_NX},
        {soft_f32_add, rto, one + 1, 1, 0, one + 1, FLOAT_NX | FLOAT_DN},
        {soft_f32_add, rto, one, ulp, 0, one + 1, 0},
        {soft_f32_sub, rto, one, 0x00800000, 0, one - 1, FLOAT_NX},
        {soft_f64_add, rmm, done, dhalf_ulp, 0, done + 1, FLOAT_NX},
        {soft_f64_add, rmm, done, dhalf_ulp - 1, 0, done, FLOAT_NX},
        {soft_f64_mul, rmm, dmax, done + 1, 0, UINT64_C(0x7ff0000000000000), FLOAT_OF | FLOAT_NX},
        {soft_f64_mul, rto, dmax, done + 1, 0, dmax, FLOAT_OF | FLOAT_NX},
        {soft_f64_mul, rmm, 1, UINT64_C(0x3fe0000000000000), 0, 1, FLOAT_UF | FLOAT_NX | FLOAT_DN},
        {soft_f64_div, rto, done, UINT64_C(0x4008000000000000), 0, UINT64_C(0x3fd5555555555555),
         FLOAT_NX},
        {soft_f64_to_s32, rmm, UINT64_C(0x4004000000000000), 0, 0, 3, FLOAT_NX}, /* 2.5 */
        {soft_f64_to_s32, rmm, UINT64_C(0xc004000000000000), 0, 0, (u32)-3, FLOAT_NX},
        {soft_f64_to_s32, rto, UINT64_C(0x4004000000000000), 0, 0, 3, FLOAT_NX},
        {soft_f64_to_s32, rto, UINT64_C(0x400c000000000000), 0, 0, 3, FLOAT_NX}, /* 3.5 */
        {soft_f64_to_s32, rmm, UINT64_C(0x41dfffffffe00000), 0, 0, INT32_MAX, FLOAT_NV},
        {soft_f64_to_u32, rmm, UINT64_C(0x41efffffffefffff), 0, 0, UINT32_MAX, FLOAT_NX},
        {soft_f64_to_u32, rmm, UINT64_C(0x41effffffff00000), 0, 0, UINT32_MAX, FLOAT_NV},
        {soft_f64_to_u32, rmm, dminus | UINT64_C(0x3fe0000000000000), 0, 0, 0, FLOAT_NV}, /* -.5 */
        {soft_f64_to_u32, rmm, dminus | UINT64_C(0x3fdfffffffffffff), 0, 0, 0, FLOAT_NX},
        {soft_f64_from_s64, rmm, BIT(53) + 1, 0, 0, UINT64_C(0x4340000000000001), FLOAT_NX},
        {soft_f64_from_u64, rto, UINT64_MAX, 0, 0, UINT64_C(0x43efffffffffffff), FLOAT_NX},
        {soft_f64_rint, rmm, UINT64_C(0x3fe0000000000000), 0, 0, done, FLOAT_NX},
        {soft_f64_nearbyint, rmm, UINT64_C(0xbfe0000000000000), 0, 0, done | dminus, 0},
    };
    (void)state;
    check_vectors(vectors, ARRAY_SIZE(vectors));
}

/* IEEE 754-2019 section 7.5. (1 + 2^-13)(1 - 2^-13) = 1 - 2^-26 rounds to 1 in 24 bits, 1 - 2^-24
 * is one of them; what is scaled by 2^-126 is tiny before rounding in both cases, after it in one.
 */
static void test_tininess_vectors(void **state)
{
    static const struct float_env after = {0}, before = {.tiny_before = true};
    static const struct float_env flush_after = {.flush_results = true};
    static const struct float_env flush_before = {.tiny_before = true, .flush_results = true};
    static const struct float_env flush_inputs = {.flush_inputs = true};
    const u64 up = 0x21800400, down = 0x1e7ff800;  /* (1 + 2^-13) 2^-60, (1 - 2^-13) 2^-66 */
    const u64 less = 0x3f7fffff, min = 0x00800000; /* 1 - 2^-24, 2^-126 */
    const u64 half = 0x3f000000, one = 0x3f800000, minus = BIT(31);
    const struct vector vectors[] = {
        {soft_f32_mul, after, up, down, 0, min, FLOAT_NX},
        {soft_f32_mul, before, up, down, 0, min, FLOAT_NX | FLOAT_UF},
        {soft_f32_mul, after, less, min, 0, min, FLOAT_NX | FLOAT_UF},
        {soft_f32_mul, before, less, min, 0, min, FLOAT_NX | FLOAT_UF},
        {soft_f32_mul, after, half, min, 0, 0x00400000, 0}, /* exact: no underflow */
        {soft_f32_mul, before, half, min, 0, 0x00400000, 0},
        {soft_f32_mul, flush_after, up, down, 0, min, FLOAT_NX},
        {soft_f32_mul, flush_before, up, down, 0, 0, FLOAT_UF},
        {soft_f32_mul, flush_before, up, down | minus, 0, minus, FLOAT_UF},
        {soft_f32_mul, flush_after, half, min, 0, 0, FLOAT_NX | FLOAT_UF},
        {soft_f32_mul, flush_before, half, min, 0, 0, FLOAT_UF},
        {soft_f32_add, flush_inputs, one, 1, 0, one, FLOAT_DN},
        {soft_f32_div, flush_inputs, one, 1 | minus, 0, 0xff800000, FLOAT_DN | FLOAT_DZ},
        {soft_f32_max, flush_inputs, minus | 1, minus | one, 0, minus, FLOAT_DN},
        {soft_f32_compare, flush_inputs, 1, minus | 5, 0, FLOAT_EQUAL, FLOAT_DN},
        {soft_f32_compare, after, 1, minus | 5, 0, FLOAT_GREATER, FLOAT_DN},
        {soft_f64_to_f32, before, UINT64_C(0x380fffffe8000000), 0, 0, min, FLOAT_NX | FLOAT_UF},
        {soft_f64_to_f32, after, UINT64_C(0x380ffffff8000000), 0, 0, min, FLOAT_NX},
    };
    (void)state;
    check_vectors(vectors, ARRAY_SIZE(vectors));
}

/* Which NaN: Arm ARM, FPProcessNaNs, FPProcessNaNs3 and FPMulAdd; RISC-V unprivileged manual, "NaN
 * Generation and Propagation"; x86 is the host's. */
static void test_nan_vectors(void **state)
{
    static const struct float_env arm = {.nan_rule = FLOAT_NAN_ARM, .fma_inf_zero_nv = true};
    static const struct float_env riscv = {.nan_rule = FLOAT_NAN_DEFAULT, .fma_inf_zero_nv = true};
    const u64 q1 = 0x7fc00001, q2 = 0xffc00002, s1 = 0x7f800011, s2 = 0xff800012, quiet = 0x400000;
    const u64 one = 0x3f800000, inf = 0x7f800000, nan = 0x7fc00000, minus = BIT(31);
    const struct vector vectors[] = {
        {soft_f32_add, arm, q1, q2, 0, q1, 0},
        {soft_f32_add, arm, one, q2, 0, q2, 0},
        {soft_f32_add, arm, q1, s2, 0, s2 | quiet, FLOAT_NV},
        {soft_f32_add, arm, s1, s2, 0, s1 | quiet, FLOAT_NV},
        {soft_f32_sub, arm, inf, inf, 0, nan, FLOAT_NV},
        {soft_f32_sqrt, arm, one | minus, 0, 0, nan, FLOAT_NV},
        {soft_f32_sqrt, arm, s2, 0, 0, s2 | quiet, FLOAT_NV},
        {soft_f32_fma, arm, q1, one, q2, q2, 0},
        {soft_f32_fma, arm, one, q1, one, q1, 0},
        {soft_f32_fma, arm, s1, one, s2, s2 | quiet, FLOAT_NV},
        {soft_f32_fma, arm, s1, one, q2, s1 | quiet, FLOAT_NV},
        {soft_f32_fma, arm, q1, s1, q2, s1 | quiet, FLOAT_NV},
        {soft_f32_fma, arm, inf, 0, q2, nan, FLOAT_NV},
        {soft_f32_fma, arm, 0, inf, s2, s2 | quiet, FLOAT_NV},
        {soft_f32_fma, arm, inf, 0, one, nan, FLOAT_NV},
        {soft_f32_to_f64, arm, s2, 0, 0, UINT64_C(0xfff8000240000000), FLOAT_NV},
        {soft_f64_to_f32, arm, UINT64_C(0x7ff800003fffffff), 0, 0, 0x7fc00001, 0},
        {soft_f32_rint, arm, q2, 0, 0, q2, 0},
        {soft_f32_add, riscv, q1, q2, 0, nan, 0},
        {soft_f32_add, riscv, q2, s1, 0, nan, FLOAT_NV},
        {soft_f32_fma, riscv, inf, 0, q2, nan, FLOAT_NV},
        {soft_f32_fma, riscv, one, one, q2, nan, 0},
        {soft_f32_rint, riscv, s2, 0, 0, nan, FLOAT_NV},
        {soft_f32_to_f64, riscv, s2, 0, 0, UINT64_C(0x7ff8000000000000), FLOAT_NV},
        {soft_f64_to_f32, riscv, ~UINT64_C(0), 0, 0, nan, 0},
        {soft_f32_to_s32, riscv, q2, 0, 0, INT32_MAX, FLOAT_NV},
        {soft_f32_to_u64, riscv, inf | minus, 0, 0, 0, FLOAT_NV},
    };
    (void)state;
    check_vectors(vectors, ARRAY_SIZE(vectors));
    struct float_env e = float_env_riscv(FLOAT_RUP);
    assert_memory_equal(&e, &((struct float_env){.round = FLOAT_RUP, .fma_inf_zero_nv = true}),
                        sizeof(e));
    assert_int_equal(f32_default_nan(&e), nan);
    assert_int_equal(f16_default_nan(&(struct float_env){.default_nan_sign = true}), 0xfe00);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_modular),
        cmocka_unit_test(test_rounding_vectors),
        cmocka_unit_test(test_tininess_vectors),
        cmocka_unit_test(test_nan_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
