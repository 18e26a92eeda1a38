/*
 * float_exact.h - half precision by integers alone: the judge of what no FPU here does (rounding to
 * nearest away and to odd, tininess before rounding).
 *
 * Every finite half is a multiple of 2^-24 below 2^16, so sums, products and fused products are
 * exact multiples of 2^-48 in 128 bits; of quotients and roots the rest is known to be there or
 * not. Rounding is by definition: the two neighbours are found among the patterns, whose order is
 * that of their magnitudes.
 */
#ifndef TESTS_UNIT_FLOAT_EXACT_H
#define TESTS_UNIT_FLOAT_EXACT_H

#include "float/soft.h"

enum { HALF_INF = 0x7c00, HALF_MAX = 0x7bff, HALF_SIGN = 0x8000, HALF_NAN = 0x7e00 };

/* |x| = (n + rest) * 2^-48, 0 <= rest < 1; more: rest is not 0. */
struct exact {
    bool sign, more;
    u128 n;
};

/* The magnitude of a pattern up to infinity (as if the exponents went on) in units of 2^-24. */
static u64 half_units(u16 bits)
{
    u32 biased = bits >> 10 & 31, frac = bits & 1023;
    return biased ? (u64)(1024 + frac) << (biased - 1) : frac;
}

/* The greatest pattern whose magnitude is not above x; infinity stands for 2^16. */
static u16 half_below(const struct exact *x)
{
    u16 low = 0, high = HALF_INF;
    while (low < high) {
        u16 mid = (u16)((low + high + 1) / 2);
        if ((u128)half_units(mid) << 24 <= x->n)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

/* Does rounding choose the neighbour away from zero? twice: 2x against the sum of the neighbours.
 */
static bool half_goes_up(unsigned mode, bool sign, bool odd, int twice)
{
    switch (mode) {
    case FLOAT_RNE: return twice > 0 || (twice == 0 && odd);
    case FLOAT_RMM: return twice >= 0;
    case FLOAT_RDN: return sign;
    case FLOAT_RUP: return !sign;
    case FLOAT_RTO: return !odd;
    default: return false;
    }
}

/* x against a + b halves, in units of 2^-48. */
static int half_middle(const struct exact *x, u128 a, u128 b)
{
    u128 middle = a + b, twice = 2 * x->n;
    return twice > middle || (twice == middle && x->more) ? 1 : twice == middle ? 0 : -1;
}

/* Below the smallest normal number, with the exponent's range unlimited for `after` rounding. */
static bool half_is_tiny(const struct exact *x, const struct float_env *e)
{
    u128 normal = (u128)1 << (48 - 14), step = (u128)1 << (48 - 25);
    if (x->n >= normal)
        return false;
    if (e->tiny_before || x->n < normal - step)
        return true;
    /* Between the last 11-bit number below and the smallest normal one. */
    if (x->n == normal - step && !x->more)
        return true;
    return !half_goes_up(e->round, x->sign, true, half_middle(x, normal - step, normal));
}

static u16 half_overflow(const struct exact *x, struct float_env *e)
{
    e->flags |= FLOAT_OF | FLOAT_NX;
    bool inf = e->round == FLOAT_RNE || e->round == FLOAT_RMM ||
               e->round == (x->sign ? FLOAT_RDN : FLOAT_RUP);
    return (x->sign ? HALF_SIGN : 0) | (inf ? HALF_INF : HALF_MAX);
}

/* Rounds x, which is not 0. */
static u16 half_round(const struct exact *x, struct float_env *e)
{
    u16 below = half_below(x);
    u128 low = (u128)half_units(below) << 24;
    bool exact = low == x->n && !x->more;
    if (below == HALF_INF)
        return half_overflow(x, e);
    if (!exact) {
        u128 high = (u128)half_units(below + 1) << 24;
        e->flags |= half_is_tiny(x, e) ? FLOAT_UF | FLOAT_NX : FLOAT_NX;
        below += half_goes_up(e->round, x->sign, below & 1, half_middle(x, low, high));
        if (below == HALF_INF)
            return half_overflow(x, e);
    }
    return (x->sign ? HALF_SIGN : 0) | below;
}

static u16 half_zero_or_round(const struct exact *x, bool zero_sign, struct float_env *e)
{
    if (!x->n && !x->more)
        return zero_sign ? HALF_SIGN : 0;
    return half_round(x, e);
}

/* ---- Operations on finite numbers ------------------------------------------------------------ */

static bool half_sign(u16 a)
{
    return a & HALF_SIGN;
}

/* a as a signed multiple of 2^-24. */
static __int128 half_signed(u16 a)
{
    __int128 v = half_units(a & ~HALF_SIGN);
    return half_sign(a) ? -v : v;
}

/* IEEE 754-2019 section 6.3: an exact zero of terms with different signs. */
static u16 half_sum(__int128 sum, bool sign_a, bool sign_b, struct float_env *e)
{
    struct exact x = {.sign = sum < 0, .n = (u128)(sum < 0 ? -sum : sum)};
    return half_zero_or_round(&x, sign_a == sign_b ? sign_a : e->round == FLOAT_RDN, e);
}

static u16 half_add(u16 a, u16 b, struct float_env *e)
{
    __int128 sum = (half_signed(a) + half_signed(b)) * ((__int128)1 << 24);
    return half_sum(sum, half_sign(a), half_sign(b), e);
}

static u16 half_mul(u16 a, u16 b, struct float_env *e)
{
    bool sign = half_sign(a) ^ half_sign(b);
    struct exact x = {.sign = sign,
                      .n = (u128)half_units(a & ~HALF_SIGN) * half_units(b & ~HALF_SIGN)};
    return half_zero_or_round(&x, sign, e);
}

static u16 half_fma(u16 a, u16 b, u16 c, struct float_env *e)
{
    __int128 sum = half_signed(a) * half_signed(b) + half_signed(c) * ((__int128)1 << 24);
    return half_sum(sum, half_sign(a) ^ half_sign(b), half_sign(c), e);
}

static u16 half_div(u16 a, u16 b, struct float_env *e)
{
    bool sign = half_sign(a) ^ half_sign(b);
    u128 n = (u128)half_units(a & ~HALF_SIGN) << 48;
    u64 d = half_units(b & ~HALF_SIGN);
    struct exact x = {.sign = sign, .n = n / d, .more = n % d};
    return half_zero_or_round(&x, sign, e);
}

/* Of a positive number, by Newton from above. */
static struct exact half_root(u16 a)
{
    u128 v = (u128)half_units(a) << 72, r = (u128)1 << 57, next = r;
    do {
        r = next;
        next = (r + v / r) / 2;
    } while (next < r);
    return (struct exact){.n = r, .more = r * r != v};
}

#endif
