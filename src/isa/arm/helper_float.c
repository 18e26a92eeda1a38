/*
 * helper_float.c - floating point that translations call: half precision, flushing to zero, and
 * what the IR has no operation for; the manual's functions FPxxx (DDI 0487, J1.2.3
 * "shared/functions/float").
 *
 * Values come and go as bit patterns, zero-extended. Everything is exact soft float. Runs on the
 * CPU's thread, with the host's sticky flags already merged (IR_FX_FLOAT).
 */
#include "isa/arm/float.h"
#include "isa/arm/vector.h"

#define FPCR_AHP  (UINT32_C(1) << 26)
#define FPCR_DN   (UINT32_C(1) << 25)
#define FPCR_FZ   (UINT32_C(1) << 24)
#define FPCR_FZ16 (UINT32_C(1) << 19)

/* One operation under way. */
struct fpu {
    struct float_env env;
    u32 fpcr;
    enum arm_fop op;
    unsigned size, to, fraction; /* size, to: log2 of bytes */
};

/* ---- Formats ----------------------------------------------------------------------------------
 */

struct format {
    u8 fraction, exponent; /* bits of */
};
static const struct format formats[4] = {{0, 0}, {10, 5}, {23, 8}, {52, 11}};

/* By size: T##_name of soft.h. */
#define UNARY(name)                                                                                \
    static u64 fp_##name(unsigned size, u64 x, struct float_env *e)                                \
    {                                                                                              \
        return size == 1   ? f16_##name((u16)x, e)                                                 \
               : size == 2 ? f32_##name((u32)x, e)                                                 \
                           : f64_##name(x, e);                                                     \
    }
#define BINARY(name)                                                                               \
    static u64 fp_##name(unsigned size, u64 x, u64 y, struct float_env *e)                         \
    {                                                                                              \
        return size == 1   ? f16_##name((u16)x, (u16)y, e)                                         \
               : size == 2 ? f32_##name((u32)x, (u32)y, e)                                         \
                           : f64_##name(x, y, e);                                                  \
    }
UNARY(sqrt)
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(minm)
BINARY(maxm)

static u64 fp_fma(unsigned size, u64 x, u64 y, u64 z, struct float_env *e)
{
    return size == 1   ? f16_fma((u16)x, (u16)y, (u16)z, e)
           : size == 2 ? f32_fma((u32)x, (u32)y, (u32)z, e)
                       : f64_fma(x, y, z, e);
}

static u64 fp_round_int(unsigned size, u64 x, bool exact, struct float_env *e)
{
    return size == 1   ? f16_round_int((u16)x, exact, e)
           : size == 2 ? f32_round_int((u32)x, exact, e)
                       : f64_round_int(x, exact, e);
}

static enum float_relation fp_compare(unsigned size, u64 x, u64 y, bool signalling,
                                      struct float_env *e)
{
    return size == 1   ? f16_compare((u16)x, (u16)y, signalling, e)
           : size == 2 ? f32_compare((u32)x, (u32)y, signalling, e)
                       : f64_compare(x, y, signalling, e);
}

static bool is_nan(unsigned size, u64 x)
{
    return size == 1 ? f16_is_nan((u16)x) : size == 2 ? f32_is_nan((u32)x) : f64_is_nan(x);
}

static bool is_snan(unsigned size, u64 x)
{
    return size == 1 ? f16_is_snan((u16)x) : size == 2 ? f32_is_snan((u32)x) : f64_is_snan(x);
}

static u64 default_nan(const struct fpu *f, unsigned size)
{
    return size == 1   ? f16_default_nan(&f->env)
           : size == 2 ? f32_default_nan(&f->env)
                       : f64_default_nan(&f->env);
}

static u64 sign_bit(unsigned size)
{
    return BIT((8u << size) - 1);
}

static u64 infinity(unsigned size, u64 sign)
{
    return sign | (BIT(formats[size].exponent) - 1) << formats[size].fraction;
}

static u64 biased(unsigned size, u64 x)
{
    return x >> formats[size].fraction & (BIT(formats[size].exponent) - 1);
}

static u64 fraction(unsigned size, u64 x)
{
    return x & (BIT(formats[size].fraction) - 1);
}

static u64 bias(unsigned size)
{
    return BIT(formats[size].exponent - 1) - 1;
}

/* m/2 * 2^e, m is 2 or 3. */
static u64 constant(unsigned size, unsigned m, int e)
{
    u64 exp = bias(size) + (u64)(s64)e;
    return exp << formats[size].fraction | (m == 3 ? BIT(formats[size].fraction - 1) : 0);
}

static bool is_inf(unsigned size, u64 x)
{
    return (x & ~sign_bit(size)) == infinity(size, 0);
}

/* As FPUnpack sees it; a denormal that is flushed is noted. */
static bool is_zero(struct fpu *f, u64 x)
{
    if (biased(f->size, x))
        return false;
    if (!fraction(f->size, x))
        return true;
    f->env.flags |= FLOAT_DN;
    return f->env.flush_inputs;
}

/* A NaN operand through FPProcessNaN. */
static u64 process_nan(struct fpu *f, u64 x)
{
    return fp_round_int(f->size, x, false, &f->env);
}

/* ---- Arithmetic -------------------------------------------------------------------------------
 */

/* FPMaxNum, FPMinNum: a quiet NaN loses against a number. */
static u64 max_min_number(struct fpu *f, u64 x, u64 y, bool max)
{
    unsigned size = f->size;
    bool quiet_x = is_nan(size, x) && !is_snan(size, x),
         quiet_y = is_nan(size, y) && !is_snan(size, y);
    u64 worst = infinity(size, max ? sign_bit(size) : 0);
    if (quiet_x && !quiet_y)
        x = worst;
    else if (quiet_y && !quiet_x)
        y = worst;
    return max ? fp_maxm(size, x, y, &f->env) : fp_minm(size, x, y, &f->env);
}

/* One is infinite and the other zero; neither is a NaN. */
static bool inf_times_zero(struct fpu *f, u64 x, u64 y)
{
    return (is_inf(f->size, x) && is_zero(f, y)) || (is_zero(f, x) && is_inf(f->size, y));
}

static u64 mulx(struct fpu *f, u64 x, u64 y)
{
    if (inf_times_zero(f, x, y))
        return constant(f->size, 2, 1) | ((x ^ y) & sign_bit(f->size));
    return fp_mul(f->size, x, y, &f->env);
}

/* FPRecipStepFused: 2 - xy. The NaN rule is of two operands, the first negated. */
static u64 recip_step(struct fpu *f, u64 x, u64 y)
{
    x ^= sign_bit(f->size);
    if (is_nan(f->size, x) || is_nan(f->size, y))
        return fp_mul(f->size, x, y, &f->env);
    if (inf_times_zero(f, x, y))
        return constant(f->size, 2, 1);
    return fp_fma(f->size, x, y, constant(f->size, 2, 1), &f->env);
}

/* FPRSqrtStepFused: (3 - xy) / 2 as 1.5 - (x/2)y, halving where nothing is lost: where both are at
 * the lower end of the format, the product only tells the direction of rounding. */
static u64 rsqrt_step(struct fpu *f, u64 x, u64 y)
{
    unsigned size = f->size;
    u64 half = BIT(formats[size].fraction), one_half = constant(size, 3, 0);
    x ^= sign_bit(size);
    if (is_nan(size, x) || is_nan(size, y))
        return fp_mul(size, x, y, &f->env);
    if (inf_times_zero(f, x, y))
        return one_half;
    if (biased(size, x) > 1 && !is_inf(size, x))
        x -= half;
    else if (biased(size, y) > 1 && !is_inf(size, y))
        y -= half;
    return fp_fma(size, x, y, one_half, &f->env);
}

/* AArch32's FPRecipStep and FPRSqrtStep round the product, too. */
static u64 recip_step32(struct fpu *f, u64 x, u64 y)
{
    u64 two = constant(f->size, 2, 1);
    if (inf_times_zero(f, x, y))
        return two;
    u64 product = fp_mul(f->size, x, y, &f->env);
    return is_nan(f->size, product) ? product : fp_sub(f->size, two, product, &f->env);
}

static u64 rsqrt_step32(struct fpu *f, u64 x, u64 y)
{
    unsigned size = f->size;
    u64 one_half = constant(size, 3, 0), minus_half = constant(size, 2, -1) | sign_bit(size);
    if (inf_times_zero(f, x, y))
        return one_half;
    u64 product = fp_mul(size, x, y, &f->env);
    return is_nan(size, product) ? product : fp_fma(size, product, minus_half, one_half, &f->env);
}

/* VMLA and its like: rounded twice, the product negated after its rounding. */
static u64 multiply_then_add(struct fpu *f, u64 x, u64 y, u64 z)
{
    u64 sign = sign_bit(f->size), product = fp_mul(f->size, x, y, &f->env);
    if (f->op == ARM_F_MLS || f->op == ARM_F_NMLA)
        product ^= sign;
    if (f->op == ARM_F_NMLA || f->op == ARM_F_NMLS)
        z ^= sign;
    return fp_add(f->size, z, product, &f->env);
}

static u64 multiply_add(struct fpu *f, u64 x, u64 y, u64 z)
{
    if (f->op == ARM_F_MSUB || f->op == ARM_F_NMADD)
        x ^= sign_bit(f->size);
    if (f->op == ARM_F_NMADD || f->op == ARM_F_NMSUB)
        z ^= sign_bit(f->size);
    return fp_fma(f->size, x, y, z, &f->env);
}

static u64 arithmetic(struct fpu *f, u64 x, u64 y, u64 z)
{
    unsigned size = f->size;
    struct float_env *e = &f->env;
    switch (f->op) {
    case ARM_F_ADD: return fp_add(size, x, y, e);
    case ARM_F_SUB: return fp_sub(size, x, y, e);
    case ARM_F_MUL: return fp_mul(size, x, y, e);
    case ARM_F_DIV: return fp_div(size, x, y, e);
    case ARM_F_NMUL: return fp_mul(size, x, y, e) ^ sign_bit(size);
    case ARM_F_MAX: return fp_maxm(size, x, y, e);
    case ARM_F_MIN: return fp_minm(size, x, y, e);
    case ARM_F_MAXNM: return max_min_number(f, x, y, true);
    case ARM_F_MINNM: return max_min_number(f, x, y, false);
    case ARM_F_MULX: return mulx(f, x, y);
    case ARM_F_ABD: return fp_sub(size, x, y, e) & ~sign_bit(size);
    case ARM_F_RECPS: return recip_step(f, x, y);
    case ARM_F_RSQRTS: return rsqrt_step(f, x, y);
    case ARM_F_RECPS32: return recip_step32(f, x, y);
    case ARM_F_RSQRTS32: return rsqrt_step32(f, x, y);
    case ARM_F_MLA:
    case ARM_F_MLS:
    case ARM_F_NMLA:
    case ARM_F_NMLS: return multiply_then_add(f, x, y, z);
    default: return multiply_add(f, x, y, z);
    }
}

/* ---- Comparisons ------------------------------------------------------------------------------
 */

static u64 compare_mask(struct fpu *f, u64 x, u64 y)
{
    u64 magnitude = ~sign_bit(f->size);
    bool or_equal = false, equal = false, less = false;
    switch (f->op) {
    case ARM_F_CMEQ0: y = 0; /* fallthrough */
    case ARM_F_CMEQ: equal = true; break;
    case ARM_F_CMGE0: y = 0; /* fallthrough */
    case ARM_F_CMGE: or_equal = true; break;
    case ARM_F_CMGT0: y = 0; break;
    case ARM_F_CMLE0: or_equal = true; /* fallthrough */
    case ARM_F_CMLT0:
        less = true;
        y = 0;
        break;
    case ARM_F_ACGE: or_equal = true; /* fallthrough */
    case ARM_F_ACGT:
        x &= magnitude;
        y &= magnitude;
        break;
    default: break;
    }
    enum float_relation r = fp_compare(f->size, x, y, !equal, &f->env);
    enum float_relation wanted = equal ? FLOAT_EQUAL : less ? FLOAT_LESS : FLOAT_GREATER;
    bool holds = r == wanted || (or_equal && r == FLOAT_EQUAL);
    return holds ? BITS((8u << f->size) - 1, 0) : 0;
}

/* FPCompare. */
static u64 compare_nzcv(struct fpu *f, u64 x, u64 y)
{
    switch (fp_compare(f->size, x, y, f->op == ARM_F_CMPE, &f->env)) {
    case FLOAT_LESS: return PSTATE_N;
    case FLOAT_EQUAL: return PSTATE_Z | PSTATE_C;
    case FLOAT_GREATER: return PSTATE_C;
    default: return PSTATE_C | PSTATE_V;
    }
}

/* ---- Estimates --------------------------------------------------------------------------------
 */

/* 256..511 to 256..511 ("RecipEstimate"). */
static u64 recip_estimate(u64 a)
{
    u64 b = BIT(19) / (a * 2 + 1);
    return (b + 1) / 2;
}

/* 128..511 to 256..511 ("RecipSqrtEstimate"). */
static u64 rsqrt_estimate(u64 a)
{
    u64 b = 512;
    a = a < 256 ? a * 2 + 1 : ((a & ~UINT64_C(1)) + 1) * 2;
    while (a * (b + 1) * (b + 1) < BIT(28))
        b++;
    return (b + 1) / 2;
}

/* The reciprocal is out of the format: infinity or the largest number, as rounding goes. */
static u64 recip_overflow(struct fpu *f, u64 sign)
{
    unsigned mode = f->env.round;
    bool to_inf = mode == FLOAT_RNE || mode == (sign ? FLOAT_RDN : FLOAT_RUP);
    f->env.flags |= FLOAT_OF | FLOAT_NX;
    return infinity(f->size, sign) - !to_inf;
}

/* FPRecipEstimate. The fraction is taken to 52 bits. */
static u64 recpe(struct fpu *f, u64 x)
{
    unsigned size = f->size, up = 52u - formats[size].fraction;
    u64 sign = x & sign_bit(size);
    s64 exp = (s64)biased(size, x), result_exp;
    u64 frac = fraction(size, x) << up;
    if (is_nan(size, x))
        return process_nan(f, x);
    if (is_inf(size, x))
        return sign;
    if (is_zero(f, x)) {
        f->env.flags |= FLOAT_DZ;
        return infinity(size, sign);
    }
    if (!exp && frac < BIT(50)) /* below 2^-16, 2^-128, 2^-1024 */
        return recip_overflow(f, sign);
    if (f->env.flush_results && exp >= 2 * (s64)bias(size) - 1) {
        f->env.flags |= FLOAT_UF;
        return sign;
    }
    if (!exp) {
        exp = frac >> 51 ? 0 : -1;
        frac <<= exp ? 2 : 1;
    }
    result_exp = 2 * (s64)bias(size) - 1 - exp;
    frac = (recip_estimate(BIT(8) | (frac >> 44 & 0xff)) & 0xff) << 44;
    if (result_exp <= 0) {
        frac = (BIT(52) | frac) >> (1 - result_exp);
        result_exp = 0;
    }
    return sign | (u64)result_exp << formats[size].fraction | frac >> up;
}

/* FPRSqrtEstimate. */
static u64 rsqrte(struct fpu *f, u64 x)
{
    unsigned size = f->size, up = 52u - formats[size].fraction;
    u64 sign = x & sign_bit(size);
    s64 exp = (s64)biased(size, x);
    u64 frac = fraction(size, x) << up;
    if (is_nan(size, x))
        return process_nan(f, x);
    if (is_zero(f, x)) {
        f->env.flags |= FLOAT_DZ;
        return infinity(size, sign);
    }
    if (sign) {
        f->env.flags |= FLOAT_NV;
        return default_nan(f, size);
    }
    if (is_inf(size, x))
        return 0;
    if (!exp) {
        unsigned lead = clz64(frac) - 12; /* zeros above the leading bit */
        exp = -(s64)lead;
        frac <<= lead + 1;
    }
    frac &= BIT(52) - 1;
    u64 scaled = exp & 1 ? BIT(7) | frac >> 45 : BIT(8) | frac >> 44;
    s64 result_exp = (3 * (s64)bias(size) - 1 - exp) / 2;
    return (u64)result_exp << formats[size].fraction | (rsqrt_estimate(scaled) & 0xff) << 44 >> up;
}

/* FPRecpX: the exponent complemented. */
static u64 recpx(struct fpu *f, u64 x)
{
    unsigned size = f->size;
    u64 all = BIT(formats[size].exponent) - 1, exp = biased(size, x);
    if (is_nan(size, x))
        return process_nan(f, x);
    is_zero(f, x);
    return (x & sign_bit(size)) | (exp ? all & ~exp : all - 1) << formats[size].fraction;
}

static u64 unsigned_estimate(enum arm_fop op, u64 x)
{
    if (op == ARM_F_URECPE)
        return x >> 31 ? (recip_estimate(x >> 23) & 0x1ff) << 23 : UINT32_MAX;
    return x >> 30 ? (rsqrt_estimate(x >> 23) & 0x1ff) << 23 : UINT32_MAX;
}

/* ---- To integral values and integers ----------------------------------------------------------
 */

/* FPRoundIntN: out of the range of `bits` gives its lowest number. */
static u64 round_to_range(struct fpu *f, u64 x, unsigned bits)
{
    unsigned size = f->size;
    struct float_env e = f->env;
    u64 lowest = constant(size, 2, (int)bits - 1) | sign_bit(size),
        limit = lowest & ~sign_bit(size);
    u64 v = fp_round_int(size, x, true, &e), magnitude = v & ~sign_bit(size);
    if (is_nan(size, x) || (v != lowest && magnitude >= limit)) {
        f->env.flags |= FLOAT_NV | (e.flags & FLOAT_DN);
        return lowest;
    }
    f->env = e;
    return v;
}

/* x exactly as a double, a flushed denormal as zero. */
static u64 widened(struct fpu *f, u64 x)
{
    struct float_env e = {.round = FLOAT_RNE};
    if (is_zero(f, x))
        return x & sign_bit(f->size) ? BIT(63) : 0;
    return f->size == 1 ? f16_to_f64((u16)x, &e) : f->size == 2 ? f32_to_f64((u32)x, &e) : x;
}

/* A double times 2^n; what leaves the format upwards is larger than any integer. Denormals only
 * matter as not zero. */
static u64 scaled(u64 x, int n)
{
    s64 exp = (s64)biased(3, x);
    if (!(x << 1) || exp == 2047)
        return x;
    exp = MIN(MAX(exp, 1) + n, 2046);
    return (x & ~infinity(3, 0)) | (u64)exp << 52;
}

/* FPToFixed. Saturates; a NaN gives 0. */
static u64 to_fixed(struct fpu *f, u64 x)
{
    bool is_signed = f->op == ARM_F_TO_S;
    unsigned bits = 8u << f->to;
    if (is_nan(f->size, x)) {
        f->env.flags |= FLOAT_NV;
        return 0;
    }
    u64 wide = scaled(widened(f, x), (int)f->fraction);
    struct float_env e = {.round = f->env.round};
    u64 v = is_signed ? (u64)f64_to_s64(wide, &e) : f64_to_u64(wide, &e);
    u64 high = is_signed ? BIT(bits - 1) - 1 : BITS(bits - 1, 0);
    u64 low = is_signed ? ~high : 0;
    bool above = is_signed ? (s64)v > (s64)high : v > high, below = is_signed && (s64)v < (s64)low;
    if (above || below)
        e.flags = FLOAT_NV;
    f->env.flags |= e.flags & (FLOAT_NV | FLOAT_NX);
    return (above ? high : below ? low : v) & BITS(bits - 1, 0);
}

/* FixedToFP. A half by way of a double rounded to odd, which loses nothing that matters. */
static u64 from_fixed(struct fpu *f, u64 x)
{
    struct float_env odd = {.round = FLOAT_RTO};
    struct float_env *e = f->size == 1 ? &odd : &f->env;
    bool is_signed = f->op == ARM_F_FROM_S;
    s64 s = bits_sext(x, 8u << f->to);
    if (f->size == 2) {
        u32 v = is_signed ? f32_from_s64(s, e) : f32_from_u64(x, e);
        return v ? v - (f->fraction << 23) : 0;
    }
    u64 v = is_signed ? f64_from_s64(s, e) : f64_from_u64(x, e);
    v -= v ? (u64)f->fraction << 52 : 0;
    return f->size == 3 ? v : f64_to_f16(v, &f->env);
}

/* FPToFixedJS: modulo 2^32; Z says that nothing was lost. */
static u64 to_word_js(struct fpu *f, u64 x)
{
    struct float_env e = {.round = FLOAT_RTZ};
    bool zero = is_zero(f, x);
    u64 v = zero ? 0 : (u32)f64_to_s32_modular(x, &e);
    bool exact = !e.flags && !(zero && x);
    f->env.flags |= e.flags & (FLOAT_NV | FLOAT_NX);
    return v | (exact ? PSTATE_Z << 32 : 0);
}

/* ---- Between formats --------------------------------------------------------------------------
 */

/* Alternative half precision ("A1.5.3"): no infinities or NaNs, so exponent 31 is a number. */
static u64 from_alternative(struct fpu *f, u64 x)
{
    if (biased(1, x) != 31)
        return f->to == 2 ? f16_to_f32((u16)x, &f->env) : f16_to_f64((u16)x, &f->env);
    x -= UINT64_C(1) << 10;
    return f->to == 2 ? f16_to_f32((u16)x, &f->env) + BIT(23)
                      : f16_to_f64((u16)x, &f->env) + BIT(52);
}

static u64 to_alternative(struct fpu *f, u64 x)
{
    unsigned size = f->size;
    u64 sign = x & sign_bit(size) ? BIT(15) : 0, one = bias(size), exp = biased(size, x);
    if (is_nan(size, x)) {
        f->env.flags |= FLOAT_NV;
        return sign;
    }
    if (exp > one + 16) {
        f->env.flags |= FLOAT_NV;
        return sign | 0x7fff;
    }
    u64 down = exp >= one + 15 ? 2 : 0; /* in range of the usual format */
    struct float_env e = f->env;
    x -= down << formats[size].fraction;
    u64 v = (size == 2 ? f32_to_f16((u32)x, &e) : f64_to_f16(x, &e)) + (down << 10);
    if ((v ^ sign) > 0x7fff) {
        f->env.flags |= FLOAT_NV;
        return sign | 0x7fff;
    }
    f->env = e;
    return v;
}

static u64 convert(struct fpu *f, u64 x)
{
    struct float_env *e = &f->env;
    if (f->fpcr & FPCR_AHP && f->size == 1)
        return from_alternative(f, x);
    if (f->fpcr & FPCR_AHP && f->to == 1)
        return to_alternative(f, x);
    switch (f->size << 2 | f->to) {
    case 1 << 2 | 2: return f16_to_f32((u16)x, e);
    case 1 << 2 | 3: return f16_to_f64((u16)x, e);
    case 2 << 2 | 1: return f32_to_f16((u32)x, e);
    case 2 << 2 | 3: return f32_to_f64((u32)x, e);
    case 3 << 2 | 1: return f64_to_f16(x, e);
    default: return f64_to_f32(x, e);
    }
}

/* ---- An operation -----------------------------------------------------------------------------
 */

static u64 operation(struct fpu *f, u64 x, u64 y, u64 z)
{
    unsigned size = f->size;
    if (f->op >= ARM_F_CMEQ && f->op <= ARM_F_CMLT0)
        return compare_mask(f, x, y);
    switch (f->op) {
    case ARM_F_CMP:
    case ARM_F_CMPE: return compare_nzcv(f, x, y);
    case ARM_F_ABS: return x & ~sign_bit(size);
    case ARM_F_NEG: return x ^ sign_bit(size);
    case ARM_F_SQRT: return fp_sqrt(size, x, &f->env);
    case ARM_F_RINT: return fp_round_int(size, x, false, &f->env);
    case ARM_F_RINTX: return fp_round_int(size, x, true, &f->env);
    case ARM_F_RINT32: return round_to_range(f, x, 32);
    case ARM_F_RINT64: return round_to_range(f, x, 64);
    case ARM_F_RECPE: return recpe(f, x);
    case ARM_F_RSQRTE: return rsqrte(f, x);
    case ARM_F_RECPX: return recpx(f, x);
    case ARM_F_URECPE:
    case ARM_F_URSQRTE: return unsigned_estimate(f->op, x);
    case ARM_F_CVT: return convert(f, x);
    case ARM_F_TO_S:
    case ARM_F_TO_U: return to_fixed(f, x);
    case ARM_F_FROM_S:
    case ARM_F_FROM_U: return from_fixed(f, x);
    case ARM_F_JCVT: return to_word_js(f, x);
    default: return arithmetic(f, x, y, z);
    }
}

/* FPCR.FZ and FZ16. Conversions between formats take no notice of FZ16 ("FPUnpackCV", "FPRoundCV").
 */
static void set_flushing(struct fpu *f)
{
    bool single = f->fpcr & FPCR_FZ, half = f->op != ARM_F_CVT && f->fpcr & FPCR_FZ16;
    unsigned to = f->op == ARM_F_CVT ? f->to : f->size;
    f->env.flush_inputs = f->size == 1 ? half : single;
    f->env.flush_results = to == 1 ? half : single;
}

u32 arm_float_control(const struct arm_cpu *a, u64 what)
{
    return what & ARM_F_STANDARD ? (a->fpcr & (FPCR_AHP | FPCR_FZ16)) | FPCR_DN | FPCR_FZ : a->fpcr;
}

struct float_env arm_float_env(u32 fpcr, unsigned round)
{
    static const u8 rounds[4] = {FLOAT_RNE, FLOAT_RUP, FLOAT_RDN, FLOAT_RTZ};
    return (struct float_env){.round =
                                  round == IR_FLOAT_DYN ? rounds[fpcr >> 22 & 3] : (u8)round,
                              .nan_rule = fpcr & FPCR_DN ? FLOAT_NAN_DEFAULT : FLOAT_NAN_ARM,
                              .tiny_before = true,
                              .flush_inputs = fpcr & FPCR_FZ,
                              .flush_results = fpcr & FPCR_FZ,
                              .fma_inf_zero_nv = true};
}

static struct fpu fpu_of(const struct arm_cpu *a, u64 what)
{
    u32 fpcr = arm_float_control(a, what);
    struct fpu f = {.fpcr = fpcr,
                    .op = (enum arm_fop)(what & 0xff),
                    .size = what >> 8 & 3,
                    .to = what >> 10 & 3,
                    .fraction = what >> 16 & 0xff,
                    .env = arm_float_env(fpcr, what >> 12 & 7)};
    set_flushing(&f);
    return f;
}

/* IDC is for singles and doubles that were flushed ("C5.2.10"). */
void arm_float_accrue(struct arm_cpu *a, const struct float_env *e, unsigned size)
{
    unsigned flags = e->flags;
    bool flushed = flags & FLOAT_DN && e->flush_inputs && size != 1;
    a->fpsr |= (flags & FLOAT_NV ? 1u : 0) | (flags & FLOAT_DZ ? 2u : 0) |
               (flags & FLOAT_OF ? 4u : 0) | (flags & FLOAT_UF ? 8u : 0) |
               (flags & FLOAT_NX ? 16u : 0) | (flushed ? 128u : 0);
}

u64 arm_helper_float(struct cpu *cpu, u64 what, u64 x, u64 y, u64 z)
{
    struct fpu f = fpu_of(arm_cpu(cpu), what);
    u64 v = operation(&f, x, y, z);
    arm_float_accrue(arm_cpu(cpu), &f.env, f.size);
    return v;
}

/* ---- Vectors ----------------------------------------------------------------------------------
 */

static u64 get(const union arm_vector *v, unsigned size, unsigned i)
{
    return size == 1 ? v->h[i] : size == 2 ? v->s[i] : v->d[i];
}

static void put(union arm_vector *v, unsigned size, unsigned i, u64 x)
{
    if (size == 1)
        v->h[i] = (u16)x;
    else if (size == 2)
        v->s[i] = (u32)x;
    else
        v->d[i] = x;
}

/* Operands and what becomes of them: d holds the register's old value at first. */
struct vectors {
    union arm_vector d, n, m, out;
    unsigned lanes, index;
    bool q, scalar;
};

static void lanes(struct fpu *f, struct vectors *v, bool one_of_m)
{
    for (unsigned i = 0; i < v->lanes; i++) {
        u64 m = get(&v->m, f->size, one_of_m ? v->index : i);
        put(&v->out, f->size, i, operation(f, get(&v->n, f->size, i), m, get(&v->d, f->size, i)));
    }
}

static void pairs(struct fpu *f, struct vectors *v)
{
    for (unsigned i = 0; i < MAX(v->lanes, 2) / 2; i++) {
        put(&v->out, f->size, i,
            operation(f, get(&v->n, f->size, 2 * i), get(&v->n, f->size, 2 * i + 1), 0));
        if (v->lanes > 1)
            put(&v->out, f->size, v->lanes / 2 + i,
                operation(f, get(&v->m, f->size, 2 * i), get(&v->m, f->size, 2 * i + 1), 0));
    }
}

/* "Reduce": halves are combined until one is left. */
static void across(struct fpu *f, struct vectors *v)
{
    union arm_vector x = v->n;
    for (unsigned n = v->lanes; n > 1; n /= 2) {
        for (unsigned i = 0; i < n / 2; i++)
            put(&x, f->size, i,
                operation(f, get(&x, f->size, 2 * i), get(&x, f->size, 2 * i + 1), 0));
    }
    put(&v->out, f->size, 0, get(&x, f->size, 0));
}

static void change_size(struct fpu *f, struct vectors *v, bool narrow)
{
    unsigned wide = narrow ? f->size : f->to, count = 16u >> wide;
    unsigned from = !narrow && v->q ? count : 0, to = narrow && v->q ? count : 0;
    if (to)
        v->out.d[0] = v->d.d[0];
    for (unsigned i = 0; i < (v->scalar ? 1 : count); i++)
        put(&v->out, f->to, to + i, operation(f, get(&v->n, f->size, from + i), 0, 0));
}

void arm_helper_float_vector(struct cpu *cpu, u64 what, u64 regs)
{
    struct arm_cpu *a = arm_cpu(cpu);
    struct fpu f = fpu_of(a, what);
    struct vectors v = {
        .d = arm_vector_get(a, regs & 0xff), .n = arm_vector_get(a, regs >> 8 & 0xff), .m = arm_vector_get(a, regs >> 16 & 0xff)};
    enum arm_fshape shape = (enum arm_fshape)(what >> 24 & 15);
    v.q = what >> 28 & 1;
    v.scalar = what >> 29 & 1;
    v.lanes = v.scalar ? 1 : (v.q ? 16u : 8u) >> f.size;
    v.index = what >> 32 & 7;
    switch (shape) {
    case ARM_FSHAPE_LANES: lanes(&f, &v, false); break;
    case ARM_FSHAPE_ELEM: lanes(&f, &v, true); break;
    case ARM_FSHAPE_PAIR: pairs(&f, &v); break;
    case ARM_FSHAPE_ACROSS: across(&f, &v); break;
    default: change_size(&f, &v, shape == ARM_FSHAPE_NARROW); break;
    }
    arm_vector_set(a, regs & 0xff, v.out);
    arm_float_accrue(a, &f.env, f.size);
}
