/*
 * rv_bits.c - Zba, Zbb, Zbc, Zbs and Zicond against definitions that look at one bit at a time.
 */
#include "alu.h"

const char test_name[] = "rv_bits";

/* ---- References ---- */
static word bit(word a, unsigned n)
{
    return a >> n & 1;
}
static word ref_sh1add(word a, word b) { return a + a + b; }
static word ref_sh2add(word a, word b) { return a + a + a + a + b; }
static word ref_sh3add(word a, word b) { return (a << 3) + b; }
static word ref_andn(word a, word b) { return a & ~b; }
static word ref_orn(word a, word b) { return a | ~b; }
static word ref_xnor(word a, word b) { return ~(a ^ b); }
static word less(word a, word b) { return (long)a < (long)b; }
static word ref_min(word a, word b) { return less(a, b) ? a : b; }
static word ref_max(word a, word b) { return less(a, b) ? b : a; }
static word ref_minu(word a, word b) { return a < b ? a : b; }
static word ref_maxu(word a, word b) { return a < b ? b : a; }
static word rotate(word a, unsigned n, unsigned width)
{
    word r = 0;
    for (unsigned i = 0; i < width; i++)
        r |= bit(a, i) << (i + n) % width;
    return r;
}
static word ref_rol(word a, word b) { return rotate(a, b % BITS, BITS); }
static word ref_ror(word a, word b) { return rotate(a, BITS - b % BITS, BITS); }
static word ref_bclr(word a, word b) { return a & ~((word)1 << b % BITS); }
static word ref_bset(word a, word b) { return a | (word)1 << b % BITS; }
static word ref_binv(word a, word b) { return a ^ (word)1 << b % BITS; }
static word ref_bext(word a, word b) { return bit(a, b % BITS); }
static word clmul_bit(word a, word b, unsigned n) /* bit n of the product of 2 * BITS bits */
{
    word r = 0;
    for (unsigned i = 0; i < BITS; i++)
        r ^= n >= i && n - i < BITS ? bit(a, i) & bit(b, n - i) : 0;
    return r;
}
static word clmul_from(word a, word b, unsigned from)
{
    word r = 0;
    for (unsigned i = 0; i < BITS; i++)
        r |= clmul_bit(a, b, from + i) << i;
    return r;
}
static word ref_clmul(word a, word b) { return clmul_from(a, b, 0); }
static word ref_clmulh(word a, word b) { return clmul_from(a, b, BITS); }
static word ref_clmulr(word a, word b) { return clmul_from(a, b, BITS - 1); }
static word ref_czero_eqz(word a, word b) { return b ? a : 0; }
static word ref_czero_nez(word a, word b) { return b ? 0 : a; }
static word leading(word a, unsigned width)
{
    unsigned n = 0;
    while (n < width && !bit(a, width - 1 - n))
        n++;
    return n;
}
static word trailing(word a, unsigned width)
{
    unsigned n = 0;
    while (n < width && !bit(a, n))
        n++;
    return n;
}
static word population(word a, unsigned width)
{
    unsigned n = 0;
    for (unsigned i = 0; i < width; i++)
        n += bit(a, i);
    return n;
}
static word ref_clz(word a) { return leading(a, BITS); }
static word ref_ctz(word a) { return trailing(a, BITS); }
static word ref_cpop(word a) { return population(a, BITS); }
static word ref_sext_b(word a) { return (word)(long)(signed char)a; }
static word ref_sext_h(word a) { return (word)(long)(short)a; }
static word ref_zext_h(word a) { return (u16)a; }
static word ref_orc_b(word a)
{
    word r = 0;
    for (unsigned i = 0; i < BITS; i += 8)
        r |= a >> i & 0xff ? (word)0xff << i : 0;
    return r;
}
static word ref_rev8(word a)
{
    word r = 0;
    for (unsigned i = 0; i < BITS; i += 8)
        r |= (a >> i & 0xff) << (BITS - 8 - i);
    return r;
}
static word ref_rori(word a) { return rotate(a, BITS - 13, BITS); }
static word ref_bclri(word a) { return ref_bclr(a, 31); }
static word ref_bseti(word a) { return ref_bset(a, 31); }
static word ref_binvi(word a) { return ref_binv(a, BITS - 1); }
static word ref_bexti(word a) { return ref_bext(a, BITS - 1); }

/* ---- Instructions ---- */
OP2(do_sh1add, "sh1add %0, %1, %2")
OP2(do_sh2add, "sh2add %0, %1, %2")
OP2(do_sh3add, "sh3add %0, %1, %2")
OP2(do_andn, "andn %0, %1, %2")
OP2(do_orn, "orn %0, %1, %2")
OP2(do_xnor, "xnor %0, %1, %2")
OP2(do_min, "min %0, %1, %2")
OP2(do_max, "max %0, %1, %2")
OP2(do_minu, "minu %0, %1, %2")
OP2(do_maxu, "maxu %0, %1, %2")
OP2(do_rol, "rol %0, %1, %2")
OP2(do_ror, "ror %0, %1, %2")
OP2(do_bclr, "bclr %0, %1, %2")
OP2(do_bset, "bset %0, %1, %2")
OP2(do_binv, "binv %0, %1, %2")
OP2(do_bext, "bext %0, %1, %2")
OP2(do_clmul, "clmul %0, %1, %2")
OP2(do_clmulh, "clmulh %0, %1, %2")
OP2(do_clmulr, "clmulr %0, %1, %2")
OP2(do_czero_eqz, ".insn r 0x33, 5, 7, %0, %1, %2")
OP2(do_czero_nez, ".insn r 0x33, 7, 7, %0, %1, %2")
OP1(do_clz, "clz %0, %1")
OP1(do_ctz, "ctz %0, %1")
OP1(do_cpop, "cpop %0, %1")
OP1(do_sext_b, "sext.b %0, %1")
OP1(do_sext_h, "sext.h %0, %1")
OP1(do_zext_h, "zext.h %0, %1")
OP1(do_orc_b, "orc.b %0, %1")
OP1(do_rev8, "rev8 %0, %1")
OP1(do_rori, "rori %0, %1, 13")
OP1(do_bclri, "bclri %0, %1, 31")
OP1(do_bseti, "bseti %0, %1, 31")
#if __riscv_xlen == 64
OP1(do_binvi, "binvi %0, %1, 63")
OP1(do_bexti, "bexti %0, %1, 63")
OP2(do_add_uw, "add.uw %0, %1, %2")
OP2(do_sh1add_uw, "sh1add.uw %0, %1, %2")
OP2(do_sh2add_uw, "sh2add.uw %0, %1, %2")
OP2(do_sh3add_uw, "sh3add.uw %0, %1, %2")
OP2(do_rolw, "rolw %0, %1, %2")
OP2(do_rorw, "rorw %0, %1, %2")
OP1(do_slli_uw, "slli.uw %0, %1, 37")
OP1(do_clzw, "clzw %0, %1")
OP1(do_ctzw, "ctzw %0, %1")
OP1(do_cpopw, "cpopw %0, %1")
OP1(do_roriw, "roriw %0, %1, 29")
static word ref_add_uw(word a, word b) { return (u32)a + b; }
static word ref_sh1add_uw(word a, word b) { return ((word)(u32)a << 1) + b; }
static word ref_sh2add_uw(word a, word b) { return ((word)(u32)a << 2) + b; }
static word ref_sh3add_uw(word a, word b) { return ((word)(u32)a << 3) + b; }
static word ref_rolw(word a, word b) { return low32(rotate(a, b % 32, 32)); }
static word ref_rorw(word a, word b) { return low32(rotate(a, 32 - b % 32, 32)); }
static word ref_slli_uw(word a) { return (word)(u32)a << 37; }
static word ref_clzw(word a) { return leading(a, 32); }
static word ref_ctzw(word a) { return trailing(a, 32); }
static word ref_cpopw(word a) { return population(a, 32); }
static word ref_roriw(word a) { return low32(rotate(a, 3, 32)); }
#else
OP1(do_binvi, "binvi %0, %1, 31")
OP1(do_bexti, "bexti %0, %1, 31")
#endif

void test_run(void)
{
    static const struct pair2 two[] = {
        PAIR(sh1add), PAIR(sh2add), PAIR(sh3add), PAIR(andn), PAIR(orn), PAIR(xnor), PAIR(min), PAIR(max), PAIR(minu),
        PAIR(maxu), PAIR(rol), PAIR(ror), PAIR(bclr), PAIR(bset), PAIR(binv), PAIR(bext), PAIR(czero_eqz),
        PAIR(czero_nez),
#if __riscv_xlen == 64
        PAIR(add_uw), PAIR(sh1add_uw), PAIR(sh2add_uw), PAIR(sh3add_uw), PAIR(rolw), PAIR(rorw),
#endif
    };
    static const struct pair1 one[] = {
        PAIR(clz), PAIR(ctz), PAIR(cpop), PAIR(sext_b), PAIR(sext_h), PAIR(zext_h), PAIR(orc_b), PAIR(rev8),
        PAIR(rori), PAIR(bclri), PAIR(bseti), PAIR(binvi), PAIR(bexti),
#if __riscv_xlen == 64
        PAIR(slli_uw), PAIR(clzw), PAIR(ctzw), PAIR(cpopw), PAIR(roriw),
#endif
    };
    try2(two, COUNT(two));
    try1(one, COUNT(one));
    u64 state = 5;
    for (unsigned i = 0; i < 40; i++) { /* the references are slow */
        word a = i < CORNERS ? corners[i] : (word)random_next(&state), b = (word)random_next(&state);
        CHECK_WORD(do_clmul(a, b), ref_clmul(a, b));
        CHECK_WORD(do_clmulh(a, b), ref_clmulh(a, b));
        CHECK_WORD(do_clmulr(a, b), ref_clmulr(a, b));
    }
}
