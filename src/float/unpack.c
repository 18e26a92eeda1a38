/*
 * unpack.c - formats, rounding, NaNs: what is common to all operations.
 *
 * Rounding by IEEE 754-2019 section 4.3; tininess before or after rounding as the environment says
 * (section 7.5).
 */
#include "float/unpack.h"

const struct float_format float_f16 = {5, 10}, float_f32 = {8, 23}, float_f64 = {11, 52};

struct float_env float_env_riscv(enum float_round round)
{
    return (struct float_env){
        .round = (u8)round, .nan_rule = FLOAT_NAN_DEFAULT, .fma_inf_zero_nv = true};
}

static s32 exp_bias(const struct float_format *f)
{
    return (1 << (f->exp_bits - 1)) - 1;
}

static u32 exp_max(const struct float_format *f)
{
    return (1u << f->exp_bits) - 1;
}

u64 float_pack(const struct float_format *f, bool sign, u32 biased, u64 frac)
{
    return (u64)sign << (f->exp_bits + f->frac_bits) | (u64)biased << f->frac_bits | frac;
}

u64 float_zero(const struct float_format *f, bool sign)
{
    return float_pack(f, sign, 0, 0);
}

u64 float_inf(const struct float_format *f, bool sign)
{
    return float_pack(f, sign, exp_max(f), 0);
}

u64 float_default_nan(const struct float_format *f, const struct float_env *e)
{
    return float_pack(f, e->default_nan_sign, exp_max(f), BIT(f->frac_bits - 1));
}

u64 float_invalid(const struct float_format *f, struct float_env *e)
{
    e->flags |= FLOAT_NV;
    return float_default_nan(f, e);
}

struct unpacked float_unpack(const struct float_format *f, u64 bits, struct float_env *e)
{
    u64 frac = bits_get(bits, 0, f->frac_bits);
    u32 biased = (u32)bits_get(bits, f->frac_bits, f->exp_bits);
    struct unpacked x = {.sign = bits_get(bits, f->frac_bits + f->exp_bits, 1)};
    if (biased == exp_max(f)) {
        x.kind = !frac ? FLOAT_INF : frac >> (f->frac_bits - 1) ? FLOAT_QNAN : FLOAT_SNAN;
    } else if (biased) {
        x.kind = FLOAT_FINITE;
        x.exp = (s32)biased - exp_bias(f);
        x.sig = BIT(63) | frac << (63 - f->frac_bits);
    } else if (!frac) {
        x.kind = FLOAT_ZERO;
    } else {
        e->flags |= FLOAT_DN;
        x.kind = e->flush_inputs ? FLOAT_ZERO : FLOAT_FINITE;
        u32 shift = clz64(frac);
        x.exp = 1 - exp_bias(f) - (s32)(shift - (63 - f->frac_bits));
        x.sig = frac << shift;
    }
    return x;
}

/* ---- Rounding -------------------------------------------------------------------------------- */

bool float_rounds_up(unsigned mode, bool sign, bool odd, bool half, bool rest)
{
    switch (mode) {
    case FLOAT_RNE: return half && (rest || odd);
    case FLOAT_RDN: return sign && (half || rest);
    case FLOAT_RUP: return !sign && (half || rest);
    case FLOAT_RMM: return half;
    case FLOAT_RTO: return !odd && (half || rest);
    default: return false;
    }
}

/* sig >> shift, rounded; shift 1..64. *inexact when bits were lost. */
static u64 round_shift(u64 sig, u32 shift, bool sign, unsigned mode, bool *inexact)
{
    u64 kept = shift < 64 ? sig >> shift : 0;
    bool half = sig >> (shift - 1) & 1, rest = shift > 1 && sig << (65 - shift) != 0;
    *inexact = half || rest;
    return kept + float_rounds_up(mode, sign, kept & 1, half, rest);
}

/* IEEE 754-2019 section 7.4: infinity, or the largest finite number where the mode rounds toward
 * zero there. */
static u64 overflow(const struct float_format *f, bool sign, struct float_env *e)
{
    bool to_inf = e->round == FLOAT_RNE || e->round == FLOAT_RMM ||
                  e->round == (sign ? FLOAT_RDN : FLOAT_RUP);
    e->flags |= FLOAT_OF | FLOAT_NX;
    return to_inf ? float_inf(f, sign) : float_pack(f, sign, exp_max(f) - 1, BIT(f->frac_bits) - 1);
}

/* exp is below the normal range. */
static u64 pack_tiny(const struct float_format *f, bool sign, s32 exp, u64 sig, struct float_env *e)
{
    u32 shift = 63u - f->frac_bits;
    s32 below = 1 - exp_bias(f) - exp;
    bool inexact, tiny = true;
    if (!e->tiny_before && below == 1) {
        /* Would rounding with an unbounded exponent reach the smallest normal number? */
        u64 full = round_shift(sig, shift, sign, e->round, &inexact);
        tiny = !(full >> (f->frac_bits + 1));
    }
    if (tiny && e->flush_results) {
        e->flags |= e->tiny_before ? FLOAT_UF : FLOAT_UF | FLOAT_NX;
        return float_zero(f, sign);
    }
    u64 denormal = float_shift_jam(sig, (u32)MIN(below, 64));
    u64 frac = round_shift(denormal, shift, sign, e->round, &inexact);
    if (inexact)
        e->flags |= tiny ? FLOAT_UF | FLOAT_NX : FLOAT_NX;
    /* A carry into the exponent field makes the smallest normal number, as it should. */
    return float_zero(f, sign) + frac;
}

u64 float_round_pack(const struct float_format *f, bool sign, s32 exp, u64 sig, struct float_env *e)
{
    u32 shift = 63u - f->frac_bits;
    bool inexact;
    if (!sig)
        return float_zero(f, sign);
    u32 lead = clz64(sig);
    sig <<= lead;
    exp -= (s32)lead;
    if (exp < 1 - exp_bias(f))
        return pack_tiny(f, sign, exp, sig, e);
    u64 kept = round_shift(sig, shift, sign, e->round, &inexact);
    if (kept >> (f->frac_bits + 1)) {
        kept >>= 1;
        exp++;
    }
    if (exp > exp_bias(f))
        return overflow(f, sign, e);
    if (inexact)
        e->flags |= FLOAT_NX;
    return float_pack(f, sign, (u32)(exp + exp_bias(f)), kept & (BIT(f->frac_bits) - 1));
}

/* ---- NaNs ------------------------------------------------------------------------------------ */

static bool is_nan_bits(const struct float_format *f, u64 bits)
{
    return bits_get(bits, 0, f->frac_bits + f->exp_bits) > (u64)exp_max(f) << f->frac_bits;
}

static bool is_snan_bits(const struct float_format *f, u64 bits)
{
    return is_nan_bits(f, bits) && !(bits >> (f->frac_bits - 1) & 1);
}

u64 float_pick_nan(const struct float_format *f, const u64 *bits, unsigned count,
                   struct float_env *e)
{
    u64 first = 0, first_signalling = 0;
    bool nan = false, signalling = false;
    for (unsigned i = 0; i < count; i++) {
        if (is_nan_bits(f, bits[i]) && !nan) {
            first = bits[i];
            nan = true;
        }
        if (is_snan_bits(f, bits[i]) && !signalling) {
            first_signalling = bits[i];
            signalling = true;
        }
    }
    if (signalling)
        e->flags |= FLOAT_NV;
    if (e->nan_rule == FLOAT_NAN_DEFAULT || !nan)
        return float_default_nan(f, e);
    u64 chosen = e->nan_rule == FLOAT_NAN_ARM && signalling ? first_signalling : first;
    return chosen | BIT(f->frac_bits - 1);
}
