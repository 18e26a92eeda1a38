/*
 * float_operands.h - formats, operands that are hard, and the software's operations with one
 * signature.
 */
#ifndef TESTS_UNIT_FLOAT_OPERANDS_H
#define TESTS_UNIT_FLOAT_OPERANDS_H

#include "float/soft.h"

typedef u64 operation(u64 a, u64 b, u64 c, struct float_env *e);

struct format {
    unsigned exp_bits, frac_bits;
};
static const struct format f16 = {5, 10}, f32 = {8, 23}, f64 = {11, 52};

static u64 rnd(u64 *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s * UINT64_C(0x2545f4914f6cdd1d);
}

static u64 pattern(const struct format *f, bool sign, u64 biased, u64 frac)
{
    u64 exps = BIT(f->exp_bits) - 1, fracs = BIT(f->frac_bits) - 1;
    return ((u64)sign << f->exp_bits | (biased & exps)) << f->frac_bits | (frac & fracs);
}

static bool is_nan(const struct format *f, u64 a)
{
    u64 magnitude = bits_get(a, 0, f->exp_bits + f->frac_bits);
    return magnitude > (BIT(f->exp_bits) - 1) << f->frac_bits;
}

enum { EDGES_FEW = 30, EDGES = 56, EDGES_MANY = 288 };

/* Exponents times fractions times signs. */
static unsigned edges(const struct format *f, u64 *out, unsigned size)
{
    u64 bias = BIT(f->exp_bits - 1) - 1, top = BIT(f->exp_bits) - 1, half = BIT(f->frac_bits - 1);
    u64 exps[] = {0,
                  1,
                  bias,
                  top - 1,
                  top,
                  bias - 1,
                  bias + f->frac_bits + 1,
                  2,
                  bias - 2,
                  bias + 1,
                  bias + f->frac_bits - 1,
                  bias + f->frac_bits,
                  bias + 30,
                  bias + 31,
                  bias + 32,
                  bias + 62,
                  bias + 63,
                  bias + 64};
    u64 fracs[] = {0, half, ~UINT64_C(0), 1, half - 1, half + 1, ~UINT64_C(1), 2};
    unsigned exp_count = size == EDGES_FEW ? 5 : size == EDGES ? 7 : 18;
    unsigned frac_count = size / 2 / exp_count, n = 0;
    for (unsigned i = 0; i < exp_count; i++)
        for (unsigned k = 0; k < frac_count; k++)
            for (unsigned sign = 0; sign < 2; sign++)
                out[n++] = pattern(f, sign, exps[i], fracs[k]);
    return n;
}

/* Near `like` in exponent, fractions with runs of equal bits: sums that cancel, ties. */
static u64 random_operand(const struct format *f, u64 *s, u64 like)
{
    u64 r = rnd(s), frac = rnd(s), biased = like >> f->frac_bits;
    switch (r & 7) {
    case 0: frac &= rnd(s) & rnd(s); break;
    case 1: frac |= rnd(s) | rnd(s); break;
    case 2: frac = like ^ (r >> 60); break;
    case 3: frac = BIT(r >> 56 & 63); break;
    }
    biased += (r >> 8 & 7) == 0 ? r >> 32 : (r >> 16) % (f->frac_bits + 4);
    return pattern(f, r >> 4 & 1, biased, frac);
}

#define SOFT(NAME, EXPRESSION)                                                                     \
    static u64 soft_##NAME(u64 a, u64 b, u64 c, struct float_env *e)                               \
    {                                                                                              \
        return EXPRESSION;                                                                         \
    }
#define SOFT_FORMAT(T, U)                                                                          \
    SOFT(T##_add, T##_add((U)a, (U)b, e))                                                          \
    SOFT(T##_sub, T##_sub((U)a, (U)b, e))                                                          \
    SOFT(T##_mul, T##_mul((U)a, (U)b, e))                                                          \
    SOFT(T##_div, T##_div((U)a, (U)b, e))                                                          \
    SOFT(T##_sqrt, T##_sqrt((U)a, e))                                                              \
    SOFT(T##_fma, T##_fma((U)a, (U)b, (U)c, e))                                                    \
    SOFT(T##_rint, T##_round_int((U)a, true, e))                                                   \
    SOFT(T##_nearbyint, T##_round_int((U)a, false, e))                                             \
    SOFT(T##_to_s32, (u32)T##_to_s32((U)a, e))                                                     \
    SOFT(T##_to_u32, T##_to_u32((U)a, e))                                                          \
    SOFT(T##_to_s64, (u64)T##_to_s64((U)a, e))                                                     \
    SOFT(T##_to_u64, T##_to_u64((U)a, e))                                                          \
    SOFT(T##_from_s32, T##_from_s32((s32)a, e))                                                    \
    SOFT(T##_from_u32, T##_from_u32((u32)a, e))                                                    \
    SOFT(T##_from_s64, T##_from_s64((s64)a, e))                                                    \
    SOFT(T##_from_u64, T##_from_u64(a, e))
#define SOFT_COMPARE(T, U)                                                                         \
    SOFT(T##_compare, (u64)T##_compare((U)a, (U)b, false, e))                                      \
    SOFT(T##_compare_signal, (u64)T##_compare((U)a, (U)b, true, e))

#endif
