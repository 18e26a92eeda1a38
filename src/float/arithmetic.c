/*
 * arithmetic.c - add, subtract, multiply, divide, square root, fused multiply-add for every format.
 *
 * Sums are made in 128 bits with the leading bit at bit 126. Operands have at most 53 significant
 * bits, so products are exact there, and a sum that cancels more than one bit has lost none.
 */
#include "float/unpack.h"

/* A finite nonzero number as 128 bits, leading bit 126: sig / 2^126 * 2^exp. */
struct wide {
    bool sign;
    s32 exp;
    u128 sig;
};

static struct wide widen(const struct unpacked *x)
{
    return (struct wide){.sign = x->sign, .exp = x->exp, .sig = (u128)x->sig << 63};
}

static u64 wide_round_pack(const struct float_format *f, bool sign, s32 exp, u128 sig,
                           struct float_env *e)
{
    u64 high = (u64)(sig >> 64);
    u32 lead = high ? clz64(high) : 64 + clz64((u64)sig);
    sig <<= lead;
    return float_round_pack(f, sign, exp + 1 - (s32)lead, (u64)(sig >> 64) | ((u64)sig != 0), e);
}

/* IEEE 754-2019 section 6.3: the sign of an exact zero sum. */
static bool zero_sum_sign(const struct float_env *e)
{
    return e->round == FLOAT_RDN;
}

static u64 wide_add(const struct float_format *f, struct wide x, struct wide y, struct float_env *e)
{
    if (x.exp < y.exp) {
        struct wide t = x;
        x = y;
        y = t;
    }
    y.sig = float_shift_jam128(y.sig, (u32)MIN(x.exp - y.exp, 128));
    if (x.sign == y.sign)
        return wide_round_pack(f, x.sign, x.exp, x.sig + y.sig, e);
    if (x.sig == y.sig)
        return float_zero(f, zero_sum_sign(e));
    if (x.sig > y.sig)
        return wide_round_pack(f, x.sign, x.exp, x.sig - y.sig, e);
    return wide_round_pack(f, y.sign, x.exp, y.sig - x.sig, e);
}

/* x + y where at least one is zero or infinite. */
static u64 add_special(const struct float_format *f, const struct unpacked *x,
                       const struct unpacked *y, struct float_env *e)
{
    if (x->kind == FLOAT_INF && y->kind == FLOAT_INF && x->sign != y->sign)
        return float_invalid(f, e);
    if (x->kind == FLOAT_INF || y->kind == FLOAT_INF)
        return float_inf(f, x->kind == FLOAT_INF ? x->sign : y->sign);
    if (x->kind == FLOAT_ZERO && y->kind == FLOAT_ZERO)
        return float_zero(f, x->sign == y->sign ? x->sign : zero_sum_sign(e));
    const struct unpacked *v = x->kind == FLOAT_ZERO ? y : x;
    return float_round_pack(f, v->sign, v->exp, v->sig, e);
}

static u64 add(const struct float_format *f, u64 a, u64 b, bool subtract, struct float_env *e)
{
    struct unpacked x = float_unpack(f, a, e), y = float_unpack(f, b, e);
    if (float_is_nan(&x) || float_is_nan(&y))
        return float_pick_nan(f, (u64[]){a, b}, 2, e);
    y.sign ^= subtract;
    if (x.kind != FLOAT_FINITE || y.kind != FLOAT_FINITE)
        return add_special(f, &x, &y, e);
    return wide_add(f, widen(&x), widen(&y), e);
}

static u64 mul(const struct float_format *f, u64 a, u64 b, struct float_env *e)
{
    struct unpacked x = float_unpack(f, a, e), y = float_unpack(f, b, e);
    bool sign = x.sign ^ y.sign;
    if (float_is_nan(&x) || float_is_nan(&y))
        return float_pick_nan(f, (u64[]){a, b}, 2, e);
    if (x.kind == FLOAT_INF || y.kind == FLOAT_INF)
        return x.kind == FLOAT_ZERO || y.kind == FLOAT_ZERO ? float_invalid(f, e)
                                                            : float_inf(f, sign);
    if (x.kind == FLOAT_ZERO || y.kind == FLOAT_ZERO)
        return float_zero(f, sign);
    return wide_round_pack(f, sign, x.exp + y.exp, (u128)x.sig * y.sig, e);
}

static u64 fma_special(const struct float_format *f, const struct unpacked *x,
                       const struct unpacked *y, const struct unpacked *z, struct float_env *e)
{
    struct unpacked product = {.sign = x->sign ^ y->sign};
    product.kind = x->kind == FLOAT_INF || y->kind == FLOAT_INF     ? FLOAT_INF
                   : x->kind == FLOAT_ZERO || y->kind == FLOAT_ZERO ? FLOAT_ZERO
                                                                    : FLOAT_FINITE;
    if (product.kind == FLOAT_FINITE && z->kind == FLOAT_ZERO)
        return wide_round_pack(f, product.sign, x->exp + y->exp, (u128)x->sig * y->sig, e);
    return add_special(f, &product, z, e);
}

/* Arm ARM, FPMulAdd: the addend is the first operand, and a quiet one does not hide that the product
 * is invalid. */
static u64 fma_nan(const struct float_format *f, u64 a, u64 b, u64 c, bool invalid,
                   struct float_env *e)
{
    if (e->nan_rule != FLOAT_NAN_ARM)
        return float_pick_nan(f, (u64[]){a, b, c}, 3, e);
    u64 nan = float_pick_nan(f, (u64[]){c, a, b}, 3, e);
    return invalid ? float_default_nan(f, e) : nan;
}

static u64 multiply_add(const struct float_format *f, u64 a, u64 b, u64 c, struct float_env *e)
{
    struct unpacked x = float_unpack(f, a, e), y = float_unpack(f, b, e), z = float_unpack(f, c, e);
    bool inf_zero = (x.kind == FLOAT_INF && y.kind == FLOAT_ZERO) ||
                    (x.kind == FLOAT_ZERO && y.kind == FLOAT_INF);
    if (inf_zero && (!float_is_nan(&z) || e->fma_inf_zero_nv))
        e->flags |= FLOAT_NV;
    if (float_is_nan(&x) || float_is_nan(&y) || float_is_nan(&z))
        return fma_nan(f, a, b, c, inf_zero && z.kind == FLOAT_QNAN, e);
    if (inf_zero)
        return float_default_nan(f, e);
    if (x.kind != FLOAT_FINITE || y.kind != FLOAT_FINITE || z.kind != FLOAT_FINITE)
        return fma_special(f, &x, &y, &z, e);
    /* The product's leading bit is 126 or 127; its low bits are zero, so the shift loses none. */
    struct wide p = {.sign = x.sign ^ y.sign, .exp = x.exp + y.exp, .sig = (u128)x.sig * y.sig};
    if (p.sig >> 127) {
        p.sig >>= 1;
        p.exp++;
    }
    return wide_add(f, p, widen(&z), e);
}

static u64 divide(const struct float_format *f, u64 a, u64 b, struct float_env *e)
{
    struct unpacked x = float_unpack(f, a, e), y = float_unpack(f, b, e);
    bool sign = x.sign ^ y.sign;
    if (float_is_nan(&x) || float_is_nan(&y))
        return float_pick_nan(f, (u64[]){a, b}, 2, e);
    if (x.kind == y.kind && x.kind != FLOAT_FINITE)
        return float_invalid(f, e); /* 0/0, inf/inf */
    if (x.kind == FLOAT_INF || y.kind == FLOAT_ZERO) {
        if (x.kind == FLOAT_FINITE)
            e->flags |= FLOAT_DZ;
        return float_inf(f, sign);
    }
    if (x.kind == FLOAT_ZERO || y.kind == FLOAT_INF)
        return float_zero(f, sign);
    bool less = x.sig < y.sig;
    u128 n = (u128)x.sig << (less ? 64 : 63);
    u64 q = (u64)(n / y.sig);
    return float_round_pack(f, sign, x.exp - y.exp - less, q | (n % y.sig != 0), e);
}

/* The root of v, rounded down, bit by bit. */
static u64 root(u128 v)
{
    u64 r = 0;
    for (int i = 63; i >= 0; i--) {
        u64 t = r | BIT(i);
        if ((u128)t * t <= v)
            r = t;
    }
    return r;
}

static u64 square_root(const struct float_format *f, u64 a, struct float_env *e)
{
    struct unpacked x = float_unpack(f, a, e);
    if (float_is_nan(&x))
        return float_pick_nan(f, &a, 1, e);
    if (x.kind == FLOAT_ZERO)
        return float_zero(f, x.sign);
    if (x.sign)
        return float_invalid(f, e);
    if (x.kind == FLOAT_INF)
        return float_inf(f, false);
    /* An even power of two is taken out; what is left is in [1, 4), as a fraction of 126 bits. */
    u128 v = (u128)x.sig << (x.exp & 1 ? 64 : 63);
    u64 r = root(v);
    return float_round_pack(f, false, x.exp >> 1, r | ((u128)r * r != v), e);
}

#define OPERATIONS(T, U)                                                                           \
    U T##_add(U a, U b, struct float_env *e)                                                       \
    {                                                                                              \
        return (U)add(&float_##T, a, b, false, e);                                                 \
    }                                                                                              \
    U T##_sub(U a, U b, struct float_env *e)                                                       \
    {                                                                                              \
        return (U)add(&float_##T, a, b, true, e);                                                  \
    }                                                                                              \
    U T##_mul(U a, U b, struct float_env *e)                                                       \
    {                                                                                              \
        return (U)mul(&float_##T, a, b, e);                                                        \
    }                                                                                              \
    U T##_div(U a, U b, struct float_env *e)                                                       \
    {                                                                                              \
        return (U)divide(&float_##T, a, b, e);                                                     \
    }                                                                                              \
    U T##_sqrt(U a, struct float_env *e)                                                           \
    {                                                                                              \
        return (U)square_root(&float_##T, a, e);                                                   \
    }                                                                                              \
    U T##_fma(U a, U b, U c, struct float_env *e)                                                  \
    {                                                                                              \
        return (U)multiply_add(&float_##T, a, b, c, e);                                            \
    }                                                                                              \
    U T##_default_nan(const struct float_env *e)                                                   \
    {                                                                                              \
        return (U)float_default_nan(&float_##T, e);                                                \
    }

OPERATIONS(f16, u16)
OPERATIONS(f32, u32)
OPERATIONS(f64, u64)
