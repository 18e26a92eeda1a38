/*
 * compare.c - order, minimum and maximum, classes.
 *
 * Minimum and maximum are IEEE 754-2019's minimumNumber (min, max) and minimum (minm, maxm): -0 is
 * less than +0.
 */
#include "float/unpack.h"

/* Order of two numbers that are no NaNs; -0 equals +0 unless zeros says that it is less. */
static enum float_relation order(const struct float_format *f, u64 a, u64 b, bool zeros)
{
    unsigned top = f->frac_bits + f->exp_bits;
    u64 magnitude_a = bits_get(a, 0, top), magnitude_b = bits_get(b, 0, top);
    bool sign_a = a >> top & 1, sign_b = b >> top & 1;
    if (!magnitude_a && !magnitude_b && !zeros)
        return FLOAT_EQUAL;
    if (sign_a != sign_b)
        return sign_a ? FLOAT_LESS : FLOAT_GREATER;
    if (magnitude_a == magnitude_b)
        return FLOAT_EQUAL;
    return (magnitude_a < magnitude_b) != sign_a ? FLOAT_LESS : FLOAT_GREATER;
}

/* Denormals that the environment flushes are zeroes. */
static u64 flushed(const struct float_format *f, u64 a, struct float_env *e, struct unpacked *x)
{
    *x = float_unpack(f, a, e);
    return x->kind == FLOAT_ZERO ? float_zero(f, x->sign) : a;
}

static enum float_relation compare(const struct float_format *f, u64 a, u64 b, bool signalling,
                                   struct float_env *e)
{
    struct unpacked x, y;
    a = flushed(f, a, e, &x);
    b = flushed(f, b, e, &y);
    if (float_is_nan(&x) || float_is_nan(&y)) {
        if (signalling || x.kind == FLOAT_SNAN || y.kind == FLOAT_SNAN)
            e->flags |= FLOAT_NV;
        return FLOAT_UNORDERED;
    }
    return order(f, a, b, false);
}

static u64 minmax(const struct float_format *f, u64 a, u64 b, bool max, bool nan_wins,
                  struct float_env *e)
{
    struct unpacked x, y;
    u64 given[2] = {a, b};
    a = flushed(f, a, e, &x);
    b = flushed(f, b, e, &y);
    bool nan_x = float_is_nan(&x), nan_y = float_is_nan(&y);
    if (x.kind == FLOAT_SNAN || y.kind == FLOAT_SNAN)
        e->flags |= FLOAT_NV;
    if ((nan_x && nan_y) || (nan_wins && (nan_x || nan_y)))
        return float_pick_nan(f, given, 2, e);
    if (nan_x || nan_y)
        return nan_x ? b : a;
    return (order(f, a, b, true) == FLOAT_LESS) != max ? a : b;
}

/* RISC-V fclass: bits -inf, -normal, -subnormal, -0, +0, +subnormal, +normal, +inf, sNaN, qNaN. */
static unsigned class_of(const struct float_format *f, u64 a)
{
    struct float_env e = {0};
    struct unpacked x = float_unpack(f, a, &e);
    unsigned bit;
    switch (x.kind) {
    case FLOAT_SNAN: return 1 << 8;
    case FLOAT_QNAN: return 1 << 9;
    case FLOAT_INF: bit = 7; break;
    case FLOAT_ZERO: bit = 4; break;
    default: bit = e.flags & FLOAT_DN ? 5 : 6; break;
    }
    return 1u << (x.sign ? 7 - bit : bit);
}

static enum float_kind kind_of(const struct float_format *f, u64 a)
{
    struct float_env e = {0};
    return float_unpack(f, a, &e).kind;
}

#define COMPARISONS(T, U)                                                                          \
    enum float_relation T##_compare(U a, U b, bool signalling, struct float_env *e)                \
    {                                                                                              \
        return compare(&float_##T, a, b, signalling, e);                                           \
    }                                                                                              \
    U T##_min(U a, U b, struct float_env *e)                                                       \
    {                                                                                              \
        return (U)minmax(&float_##T, a, b, false, false, e);                                       \
    }                                                                                              \
    U T##_max(U a, U b, struct float_env *e)                                                       \
    {                                                                                              \
        return (U)minmax(&float_##T, a, b, true, false, e);                                        \
    }                                                                                              \
    U T##_minm(U a, U b, struct float_env *e)                                                      \
    {                                                                                              \
        return (U)minmax(&float_##T, a, b, false, true, e);                                        \
    }                                                                                              \
    U T##_maxm(U a, U b, struct float_env *e)                                                      \
    {                                                                                              \
        return (U)minmax(&float_##T, a, b, true, true, e);                                         \
    }                                                                                              \
    unsigned T##_class(U a)                                                                        \
    {                                                                                              \
        return class_of(&float_##T, a);                                                            \
    }                                                                                              \
    bool T##_is_nan(U a)                                                                           \
    {                                                                                              \
        return kind_of(&float_##T, a) >= FLOAT_QNAN;                                               \
    }                                                                                              \
    bool T##_is_snan(U a)                                                                          \
    {                                                                                              \
        return kind_of(&float_##T, a) == FLOAT_SNAN;                                               \
    }

COMPARISONS(f16, u16)
COMPARISONS(f32, u32)
COMPARISONS(f64, u64)
