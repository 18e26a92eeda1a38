/*
 * rv_zfa.c - fround and froundnx of every format (unprivileged manual, "Zfa", "Round-to-Integer Instructions"): each
 * rounding mode, static and dynamic, against a definition on the bits; flags; NaNs, also those that are badly boxed.
 */
#include "test.h"

const char test_name[] = "rv_zfa";

enum { RNE, RTZ, RDN, RUP, RMM, RESERVED_5, RESERVED_6, DYN };
enum { NX = 1, NV = 16 };

static const struct format {
    unsigned fraction, width;
    u64 bias;
} half = {10, 16, 15}, single = {23, 32, 127}, full = {52, 64, 1023};

/* All go through memory as 64 bits, boxed: on 32 bits no register is wide enough. */
typedef u64 round_fn(u64 bits);
#define ROUND(name, rm, funct7, rs2)                                                               \
    static u64 name##_##rm(u64 bits)                                                               \
    {                                                                                              \
        __asm__ volatile("fld fa0, (%0)\n.insn r 0x53, %c1, " #funct7 ", fa0, fa0, " #rs2 "\n"     \
                         "fsd fa0, (%0)" ::"r"(&bits), "i"(rm) : "fa0", "memory");                 \
        return bits;                                                                               \
    }
#define EACH_MODE(name, funct7, rs2)                                                               \
    ROUND(name, RNE, funct7, rs2)                                                                  \
    ROUND(name, RTZ, funct7, rs2)                                                                  \
    ROUND(name, RDN, funct7, rs2)                                                                  \
    ROUND(name, RUP, funct7, rs2)                                                                  \
    ROUND(name, RMM, funct7, rs2)                                                                  \
    ROUND(name, RESERVED_5, funct7, rs2)                                                           \
    ROUND(name, DYN, funct7, rs2)                                                                  \
    static round_fn *const name[] = {name##_RNE, name##_RTZ, name##_RDN, name##_RUP,               \
                                     name##_RMM, name##_RESERVED_5, 0, name##_DYN};
EACH_MODE(fround_h, 0x22, f4)
EACH_MODE(froundnx_h, 0x22, f5)
EACH_MODE(fround_s, 0x20, f4)
EACH_MODE(froundnx_s, 0x20, f5)
EACH_MODE(fround_d, 0x21, f4)
EACH_MODE(froundnx_d, 0x21, f5)

static u64 boxed(const struct format *f, u64 v)
{
    return f->width == 64 ? v : v | ~UINT64_C(0) << f->width;
}

/* Whether the magnitude grows: `above` and `tie` compare what is dropped with one half. */
static int grows(unsigned rm, int sign, int odd, int above, int tie)
{
    switch (rm) {
    case RNE: return above || (tie && odd);
    case RTZ: return 0;
    case RDN: return sign;
    case RUP: return !sign;
    default: return above || tie;
    }
}

static u64 reference(const struct format *f, u64 v, unsigned rm, unsigned *inexact, unsigned *invalid)
{
    u64 top = (u64)1 << (f->width - 1), size = v & (top - 1), one = f->bias << f->fraction;
    u64 infinity = (2 * f->bias + 1) << f->fraction, quiet = (u64)1 << (f->fraction - 1);
    int sign = (v & top) != 0;
    *inexact = *invalid = 0;
    if (size > infinity) {
        *invalid = !(size & quiet);
        return infinity | quiet;
    }
    if (size == 0 || size >= one + ((u64)f->fraction << f->fraction))
        return v; /* integers, infinities */
    u64 dropped, kept, least, middle;
    if (size < one) {
        dropped = size, middle = one - ((u64)1 << f->fraction), kept = 0, least = one;
    } else { /* a bias is odd: the integer 1 is odd by its exponent's last bit */
        unsigned n = (unsigned)(f->fraction - ((size >> f->fraction) - f->bias));
        least = (u64)1 << n, middle = least >> 1, dropped = size & (least - 1), kept = size - dropped;
    }
    *inexact = dropped != 0;
    int up = dropped && grows(rm, sign, kept && kept & least, dropped > middle, dropped == middle);
    return (v & top) | (kept + (up ? least : 0));
}

/* One instruction, its mode its own or frm's. */
struct way {
    const struct format *f;
    round_fn *run;
    unsigned rm;
    int by_frm, tells; /* tells: froundnx */
};

static void compare(const struct way *w, u64 v)
{
    unsigned inexact, invalid;
    u64 expected = boxed(w->f, reference(w->f, v, w->rm, &inexact, &invalid));
    csr_write(fcsr, w->by_frm ? w->rm << 5 : 0);
    CHECK(w->run(boxed(w->f, v)), expected);
    CHECK(csr_read(fflags), invalid ? NV : inexact && w->tells ? NX : 0);
}

/* Around each power of two that matters: its neighbours, halves, both signs. */
static void sweep(const struct way *w)
{
    const struct format *f = w->f;
    u64 top = (u64)1 << (f->width - 1), ulp = (u64)1 << f->fraction, state = f->width;
    for (unsigned e = 0; e < f->fraction + 4; e += e < 4 || e >= f->fraction ? 1 : 3) {
        u64 base = (f->bias + e - 2) << f->fraction;
        for (unsigned k = 0; k < 12; k++) {
            u64 v = base + (k < 5 ? k - 2 : k < 8 ? ulp / 2 + k - 6 : random_next(&state) % ulp);
            compare(w, (k ^ e) & 1 ? v : v ^ top);
        }
        for (unsigned shift = 1; shift <= f->fraction && shift < 4 + e; shift += 5) /* exact halves and quarters */
            compare(w, base + (ulp >> shift) * 3 / 2);
    }
    u64 infinity = (2 * f->bias + 1) << f->fraction, quiet = ulp / 2;
    const u64 others[] = {0, 1, 2, ulp - 1, ulp, infinity, infinity - 1, infinity + 1, infinity + quiet - 1,
                          infinity | quiet, infinity + ulp - 1};
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++) {
        compare(w, others[i]);
        compare(w, others[i] | top);
    }
    for (u32 v = 0; f == &half && v < 0x10000; v += 797)
        compare(w, v);
}

static void all_ways(const struct format *f, round_fn *const *plain, round_fn *const *exact)
{
    for (unsigned rm = RNE; rm <= RMM; rm++) {
        int by_frm = (rm + f->width / 16) & 1; /* each mode both ways, over the formats */
        sweep(&(struct way){f, plain[by_frm ? DYN : rm], rm, by_frm, 0});
        sweep(&(struct way){f, exact[by_frm ? rm : DYN], rm, !by_frm, 1});
    }
    csr_write(fcsr, 0);
}

/* By hand: value, then what each mode makes of it. */
static void known(void)
{
    static const struct {
        u16 v, to[5];
    } rows[] = {
        {0x4100, {0x4000, 0x4000, 0x4000, 0x4200, 0x4200}}, /* 2.5 */
        {0xc100, {0xc000, 0xc000, 0xc200, 0xc000, 0xc200}}, /* -2.5 */
        {0x3e00, {0x4000, 0x3c00, 0x3c00, 0x4000, 0x4000}}, /* 1.5 */
        {0x3800, {0x0000, 0x0000, 0x0000, 0x3c00, 0x3c00}}, /* 0.5 */
        {0xb800, {0x8000, 0x8000, 0xbc00, 0x8000, 0xbc00}}, /* -0.5 */
        {0x8001, {0x8000, 0x8000, 0xbc00, 0x8000, 0x8000}}, /* the least subnormal, negative */
        {0x63ff, {0x6400, 0x63fe, 0x63fe, 0x6400, 0x6400}}, /* 1023.5: up to the next power of two */
        {0x7bff, {0x7bff, 0x7bff, 0x7bff, 0x7bff, 0x7bff}}, /* 65504 */
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned rm = RNE; rm <= RMM; rm++) {
            CHECK(fround_h[rm](boxed(&half, rows[i].v)), boxed(&half, rows[i].to[rm]));
            CHECK(froundnx_h[rm](boxed(&half, rows[i].v)), boxed(&half, rows[i].to[rm]));
        }
    }
}

/* What is not boxed is the canonical NaN, quietly. */
static void badly_boxed(void)
{
    csr_write(fcsr, 0);
    CHECK(fround_h[RNE](0x3c00), boxed(&half, 0x7e00));
    CHECK(froundnx_h[RNE](0xfffffffeffff3e00), boxed(&half, 0x7e00));
    CHECK(froundnx_h[RNE](0xffffffffffff3e00), boxed(&half, 0x4000));
    csr_write(fcsr, 0);
    CHECK(fround_s[RNE](0x3f800000), boxed(&single, 0x7fc00000));
    CHECK(froundnx_s[RNE](0x7fffffff3fc00000), boxed(&single, 0x7fc00000));
    CHECK(csr_read(fflags), 0);
}

static word reserved_static(word a)
{
    return (word)(a == 16 ? fround_h : a == 32 ? froundnx_s : fround_d)[RESERVED_5](0);
}

static word dynamic(word frm)
{
    csr_write(frm, frm);
    word v = (word)froundnx_h[DYN](0);
    csr_write(frm, 0);
    return v;
}

static void forbidden(void)
{
    for (word width = 16; width <= 64; width *= 2)
        CHECK(try(M, reserved_static, width), ILLEGAL);
    for (word frm = RNE; frm <= DYN; frm++)
        CHECK(try(M, dynamic, frm), frm <= RMM ? NO_TRAP : ILLEGAL);
    csr_clear(mstatus, 3 << 13);
    CHECK(try(M, reserved_static, 16), ILLEGAL);
    csr_set(mstatus, 1 << 13);
}

void test_run(void)
{
    known();
    all_ways(&half, fround_h, froundnx_h);
    all_ways(&single, fround_s, froundnx_s);
    all_ways(&full, fround_d, froundnx_d);
    badly_boxed();
    forbidden();
}
