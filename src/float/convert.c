/*
 * convert.c - between formats, to and from integers, to integral values.
 *
 * Out-of-range integers saturate and raise NV alone; a NaN gives the largest ("Floating-Point
 * Conversion", RISC-V unprivileged manual, table of ranges; Arm differs for NaN and composes).
 */
#include "float/unpack.h"

/* |x| as an integer, rounded: exp below 64. *inexact when a fraction was lost. */
static u64 integer_part(const struct unpacked *x, unsigned mode, bool *inexact)
{
    *inexact = false;
    if (x->kind == FLOAT_ZERO)
        return 0;
    if (x->exp >= 63)
        return x->sig;
    u32 shift = (u32)MIN(63 - x->exp, 65);
    u64 kept = shift < 64 ? x->sig >> shift : 0;
    bool half = shift <= 64 && x->sig >> (shift - 1) & 1;
    bool rest = shift > 64 || (shift > 1 && x->sig << (65 - shift));
    *inexact = half || rest;
    return kept + float_rounds_up(mode, x->sign, kept & 1, half, rest);
}

/* To an integer of min..max (as two's complement of 64 bits); is_signed says how min and max
 * compare. */
static u64 to_int(const struct float_format *f, u64 a, u64 min_magnitude, u64 max,
                  struct float_env *e)
{
    struct unpacked x = float_unpack(f, a, e);
    bool inexact = false;
    u64 v = 0;
    bool out = float_is_nan(&x) || x.kind == FLOAT_INF || (x.kind == FLOAT_FINITE && x.exp > 63);
    bool negative = x.sign && !float_is_nan(&x);
    if (!out) {
        v = integer_part(&x, e->round, &inexact);
        out = negative ? v > min_magnitude : v > max;
    }
    if (out) {
        e->flags |= FLOAT_NV;
        return negative ? 0 - min_magnitude : max;
    }
    if (inexact)
        e->flags |= FLOAT_NX;
    return negative ? 0 - v : v;
}

/* Zfa fcvtmod: truncated, modulo 2^32; out of range raises NV alone, NaN and infinity give 0. */
static s32 to_s32_modular(const struct float_format *f, u64 a, struct float_env *e)
{
    struct unpacked x = float_unpack(f, a, e);
    bool inexact = false;
    u64 v = 0;
    if (x.kind == FLOAT_ZERO)
        return 0;
    if (x.kind != FLOAT_FINITE) {
        e->flags |= FLOAT_NV;
        return 0;
    }
    if (x.exp < 64)
        v = integer_part(&x, FLOAT_RTZ, &inexact);
    else if (x.exp < 63 + 64)
        v = x.sig << (x.exp - 63);
    bool out = x.exp > 63 || v > (u64)INT32_MAX + x.sign;
    if (out)
        e->flags |= FLOAT_NV;
    else if (inexact)
        e->flags |= FLOAT_NX;
    return (s32)(x.sign ? 0 - v : v);
}

static u64 from_int(const struct float_format *f, bool sign, u64 magnitude, struct float_env *e)
{
    return float_round_pack(f, sign && magnitude, 63, magnitude, e);
}

static u64 round_int(const struct float_format *f, u64 a, bool exact, struct float_env *e)
{
    struct unpacked x = float_unpack(f, a, e);
    bool inexact;
    if (float_is_nan(&x))
        return float_pick_nan(f, &a, 1, e);
    if (x.kind != FLOAT_FINITE)
        return x.kind == FLOAT_ZERO ? float_zero(f, x.sign) : a;
    if (x.exp >= f->frac_bits)
        return a;
    u64 v = integer_part(&x, e->round, &inexact);
    if (inexact && exact)
        e->flags |= FLOAT_NX;
    return float_round_pack(f, x.sign, 63, v, e);
}

/* A NaN keeps the top of its payload where the rule propagates. */
static u64 convert_nan(const struct float_format *from, const struct float_format *to, u64 a,
                       struct float_env *e)
{
    u64 nan = float_pick_nan(from, &a, 1, e);
    if (e->nan_rule == FLOAT_NAN_DEFAULT)
        return float_default_nan(to, e);
    u64 frac = bits_get(nan, 0, from->frac_bits) << (64 - from->frac_bits);
    bool sign = bits_get(nan, from->frac_bits + from->exp_bits, 1);
    return float_pack(to, sign, (1u << to->exp_bits) - 1, frac >> (64 - to->frac_bits));
}

static u64 convert(const struct float_format *from, const struct float_format *to, u64 a,
                   struct float_env *e)
{
    struct unpacked x = float_unpack(from, a, e);
    switch (x.kind) {
    case FLOAT_ZERO: return float_zero(to, x.sign);
    case FLOAT_INF: return float_inf(to, x.sign);
    case FLOAT_FINITE: return float_round_pack(to, x.sign, x.exp, x.sig, e);
    default: return convert_nan(from, to, a, e);
    }
}

#define CONVERSIONS(T, U)                                                                          \
    s32 T##_to_s32(U a, struct float_env *e)                                                       \
    {                                                                                              \
        return (s32)to_int(&float_##T, a, BIT(31), INT32_MAX, e);                                  \
    }                                                                                              \
    u32 T##_to_u32(U a, struct float_env *e)                                                       \
    {                                                                                              \
        return (u32)to_int(&float_##T, a, 0, UINT32_MAX, e);                                       \
    }                                                                                              \
    s64 T##_to_s64(U a, struct float_env *e)                                                       \
    {                                                                                              \
        return (s64)to_int(&float_##T, a, BIT(63), INT64_MAX, e);                                  \
    }                                                                                              \
    u64 T##_to_u64(U a, struct float_env *e)                                                       \
    {                                                                                              \
        return to_int(&float_##T, a, 0, UINT64_MAX, e);                                            \
    }                                                                                              \
    s32 T##_to_s32_modular(U a, struct float_env *e)                                               \
    {                                                                                              \
        return to_s32_modular(&float_##T, a, e);                                                   \
    }                                                                                              \
    U T##_from_s32(s32 a, struct float_env *e)                                                     \
    {                                                                                              \
        return T##_from_s64(a, e);                                                                 \
    }                                                                                              \
    U T##_from_u32(u32 a, struct float_env *e)                                                     \
    {                                                                                              \
        return T##_from_u64(a, e);                                                                 \
    }                                                                                              \
    U T##_from_s64(s64 a, struct float_env *e)                                                     \
    {                                                                                              \
        return (U)from_int(&float_##T, a < 0, a < 0 ? 0 - (u64)a : (u64)a, e);                     \
    }                                                                                              \
    U T##_from_u64(u64 a, struct float_env *e)                                                     \
    {                                                                                              \
        return (U)from_int(&float_##T, false, a, e);                                               \
    }                                                                                              \
    U T##_round_int(U a, bool exact, struct float_env *e)                                          \
    {                                                                                              \
        return (U)round_int(&float_##T, a, exact, e);                                              \
    }

CONVERSIONS(f16, u16)
CONVERSIONS(f32, u32)
CONVERSIONS(f64, u64)

#define FORMATS(FROM, UF, TO, UT)                                                                  \
    UT FROM##_to_##TO(UF a, struct float_env *e)                                                   \
    {                                                                                              \
        return (UT)convert(&float_##FROM, &float_##TO, a, e);                                      \
    }

FORMATS(f16, u16, f32, u32)
FORMATS(f16, u16, f64, u64)
FORMATS(f32, u32, f16, u16)
FORMATS(f32, u32, f64, u64)
FORMATS(f64, u64, f16, u16)
FORMATS(f64, u64, f32, u32)
