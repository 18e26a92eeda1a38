/*
 * unpack.h - the one form in which every format is computed: inside of float/.
 *
 * A finite number is sig / 2^63 * 2^exp with bit 63 of sig set. Bits below a format's precision are
 * exact, or "jammed": what was shifted out is ORed into bit 0, which is enough for correct rounding
 * as long as two bits lie between it and the last kept one.
 */
#ifndef FLOAT_UNPACK_H
#define FLOAT_UNPACK_H

#include "float/soft.h"

struct float_format {
    u8 exp_bits, frac_bits;
};
extern const struct float_format float_f16, float_f32, float_f64;

enum float_kind { FLOAT_ZERO, FLOAT_FINITE, FLOAT_INF, FLOAT_QNAN, FLOAT_SNAN };

struct unpacked {
    u8 kind; /* enum float_kind */
    bool sign;
    s32 exp;
    u64 sig;
};

/* Policies on denormal inputs are applied; flags DN. */
struct unpacked float_unpack(const struct float_format *f, u64 bits, struct float_env *e);
u64 float_pack(const struct float_format *f, bool sign, u32 biased, u64 frac);
/* Rounds a finite number (sig may be 0) into the format; flags OF UF NX. */
u64 float_round_pack(const struct float_format *f, bool sign, s32 exp, u64 sig,
                     struct float_env *e);
u64 float_zero(const struct float_format *f, bool sign);
u64 float_inf(const struct float_format *f, bool sign);
u64 float_default_nan(const struct float_format *f, const struct float_env *e);
/* The NaN of an operation on these operands, at least one of which is a NaN; flags NV for a
 * signalling one. */
u64 float_pick_nan(const struct float_format *f, const u64 *bits, unsigned count,
                   struct float_env *e);
u64 float_invalid(const struct float_format *f, struct float_env *e); /* NV, default NaN */
/* Does rounding by mode go away from zero? odd: the last kept bit; half, rest: the bits behind it.
 */
bool float_rounds_up(unsigned mode, bool sign, bool odd, bool half, bool rest);

static inline bool float_is_nan(const struct unpacked *x)
{
    return x->kind >= FLOAT_QNAN;
}

static inline u64 float_shift_jam(u64 v, u32 n)
{
    if (n == 0)
        return v;
    return n < 64 ? v >> n | ((v << (64 - n)) != 0) : v != 0;
}

static inline u128 float_shift_jam128(u128 v, u32 n)
{
    if (n == 0)
        return v;
    return n < 128 ? v >> n | ((v << (128 - n)) != 0) : v != 0;
}

#endif
