/*
 * rv_int.c - the base: arithmetic against definitions by single bits, shifts, comparisons, branches, jumps and their
 * links, upper immediates, loads and stores of every size and sign, x0.
 */
#include "alu.h"

const char test_name[] = "rv_int";

/* ---- Arithmetic ---- */
static word ref_add(word a, word b)
{
    word carry = 0, r = 0;
    for (unsigned i = 0; i < BITS; i++) {
        word x = a >> i & 1, y = b >> i & 1;
        r |= (x ^ y ^ carry) << i;
        carry = (x & y) | (x & carry) | (y & carry);
    }
    return r;
}
static word ref_sub(word a, word b) { return ref_add(ref_add(a, ~b), 1); }
static word below(word a, word b) /* unsigned, from the top */
{
    for (unsigned i = BITS; i-- > 0;) {
        if ((a ^ b) >> i & 1)
            return b >> i & 1;
    }
    return 0;
}
static word ref_sltu(word a, word b) { return below(a, b); }
static word ref_slt(word a, word b) { return below(a ^ TOP, b ^ TOP); }
static word ref_sll(word a, word b)
{
    for (b %= BITS; b; b--)
        a += a;
    return a;
}
static word shift_right(word a, word n, unsigned width, word fill)
{
    word r = 0;
    for (unsigned i = 0; i < width; i++)
        r |= (i + n < width ? a >> (i + n) & 1 : fill) << i;
    return r;
}
static word ref_srl(word a, word b) { return shift_right(a, b % BITS, BITS, 0); }
static word ref_sra(word a, word b) { return shift_right(a, b % BITS, BITS, a >> (BITS - 1)); }
static word ref_xor(word a, word b) { return (a | b) & ~(a & b); }
static word ref_or(word a, word b) { return ~(~a & ~b); }
static word ref_and(word a, word b) { return ~(~a | ~b); }
static word ref_addi(word a) { return ref_sub(a, 2048); }
static word ref_slti(word a) { return ref_slt(a, ~(word)4); }
static word ref_sltiu(word a) { return ref_sltu(a, ~(word)4); }
static word ref_xori(word a) { return ~a; }
static word ref_ori(word a) { return ref_or(a, 0x555); }
static word ref_andi(word a) { return ref_and(a, ~(word)15); }
static word ref_slli(word a) { return ref_sll(a, 31); }
static word ref_srli(word a) { return ref_srl(a, 31); }
static word ref_srai(word a) { return ref_sra(a, 31); }

OP2(do_add, "add %0, %1, %2")
OP2(do_sub, "sub %0, %1, %2")
OP2(do_sll, "sll %0, %1, %2")
OP2(do_slt, "slt %0, %1, %2")
OP2(do_sltu, "sltu %0, %1, %2")
OP2(do_xor, "xor %0, %1, %2")
OP2(do_srl, "srl %0, %1, %2")
OP2(do_sra, "sra %0, %1, %2")
OP2(do_or, "or %0, %1, %2")
OP2(do_and, "and %0, %1, %2")
OP1(do_addi, "addi %0, %1, -2048")
OP1(do_slti, "slti %0, %1, -5")
OP1(do_sltiu, "sltiu %0, %1, -5")
OP1(do_xori, "xori %0, %1, -1")
OP1(do_ori, "ori %0, %1, 0x555")
OP1(do_andi, "andi %0, %1, -16")
OP1(do_slli, "slli %0, %1, 31")
OP1(do_srli, "srli %0, %1, 31")
OP1(do_srai, "srai %0, %1, 31")
#if __riscv_xlen == 64
OP2(do_addw, "addw %0, %1, %2")
OP2(do_subw, "subw %0, %1, %2")
OP2(do_sllw, "sllw %0, %1, %2")
OP2(do_srlw, "srlw %0, %1, %2")
OP2(do_sraw, "sraw %0, %1, %2")
OP1(do_addiw, "addiw %0, %1, 2047")
OP1(do_slliw, "slliw %0, %1, 31")
OP1(do_srliw, "srliw %0, %1, 1")
OP1(do_sraiw, "sraiw %0, %1, 31")
static word ref_addw(word a, word b) { return low32(ref_add(a, b)); }
static word ref_subw(word a, word b) { return low32(ref_sub(a, b)); }
static word ref_sllw(word a, word b) { return low32(ref_sll(a, b % 32)); }
static word ref_srlw(word a, word b) { return low32(shift_right(a, b % 32, 32, 0)); }
static word ref_sraw(word a, word b) { return low32(shift_right(a, b % 32, 32, a >> 31 & 1)); }
static word ref_addiw(word a) { return low32(ref_add(a, 2047)); }
static word ref_slliw(word a) { return low32(ref_sll(a, 31)); }
static word ref_srliw(word a) { return low32(shift_right(a, 1, 32, 0)); }
static word ref_sraiw(word a) { return low32(shift_right(a, 31, 32, a >> 31 & 1)); }
#endif

/* ---- Branches ---- */
#define BRANCH(name, text)                                                                         \
    static word do_##name(word a, word b)                                                          \
    {                                                                                              \
        word r;                                                                                    \
        __asm__ volatile("li %0, 1\n" text " %1, %2, 1f\nli %0, 0\n1:" : "=&r"(r) : "r"(a), "r"(b)); \
        return r;                                                                                  \
    }
BRANCH(beq, "beq")
BRANCH(bne, "bne")
BRANCH(blt, "blt")
BRANCH(bge, "bge")
BRANCH(bltu, "bltu")
BRANCH(bgeu, "bgeu")
static word ref_beq(word a, word b) { return !(a ^ b); }
static word ref_bne(word a, word b) { return !!(a ^ b); }
static word ref_blt(word a, word b) { return ref_slt(a, b); }
static word ref_bge(word a, word b) { return !ref_slt(a, b); }
static word ref_bltu(word a, word b) { return ref_sltu(a, b); }
static word ref_bgeu(word a, word b) { return !ref_sltu(a, b); }

static void jumps(void)
{
    word link, here, r;
    __asm__ volatile(".option push\n.option norvc\nla %1, 1f\njal %0, 2f\n1: li %2, 1\nj 3f\n2: li %2, 2\n3:\n.option pop"
                     : "=&r"(link), "=&r"(here), "=&r"(r));
    CHECK(link == here, 1);
    CHECK(r, 2);
    /* rs1 = rd: the target is read before the link is written */
    __asm__ volatile(".option push\n.option norvc\nla %0, 2f\nla %1, 1f\njalr %0, 0(%0)\n1: li %2, 1\nj 3f\n2: li %2, 2\n"
                     "3:\n.option pop"
                     : "=&r"(link), "=&r"(here), "=&r"(r));
    CHECK(link == here, 1);
    CHECK(r, 2);
    /* the lowest bit of the sum is dropped */
    __asm__ volatile("li %1, 0\nla %0, 2f+3\njalr %0, -2(%0)\nj 3f\n2: li %1, 2\n3:" : "=&r"(link), "=&r"(r));
    CHECK(r, 2);
    /* backwards, many times */
    __asm__ volatile("li %0, 0\nli %1, 1000\n1: addi %0, %0, 3\naddi %1, %1, -1\nbnez %1, 1b" : "=&r"(r), "=&r"(here));
    CHECK(r, 3000);
    word upper, next;
    __asm__ volatile("1: auipc %0, 0xfffff\nla %1, 1b" : "=&r"(upper), "=&r"(next));
    CHECK_WORD(upper, next - 4096);
    __asm__ volatile("lui %0, 0x80000" : "=r"(upper));
    CHECK_WORD(upper, low32(0x80000000));
}

/* ---- Memory ---- */
#define LOAD(text, at) ({ word v_; __asm__ volatile(text " %0, %1" : "=r"(v_) : "m"(*(u8 *)(at)) : "memory"); v_; })
#define STORE(text, v, at) __asm__ volatile(text " %0, %1" ::"r"(v), "m"(*(u8 *)(at)) : "memory")

static void memory(void)
{
    u8 *p = page[0];
    for (unsigned i = 0; i < 16; i++)
        p[i] = (u8)(0x80 + 0x11 * i);
    CHECK_WORD(LOAD("lb", p), -128);
    CHECK(LOAD("lbu", p), 0x80);
    CHECK_WORD(LOAD("lh", p), (long)(short)0x9180);
    CHECK(LOAD("lhu", p), 0x9180);
    CHECK_WORD(LOAD("lw", p), low32(0xb3a29180));
    CHECK_WORD(LOAD("lb", p + 10), 0x2a);
#if __riscv_xlen == 64
    CHECK(LOAD("lwu", p), 0xb3a29180);
    CHECK(LOAD("ld", p), UINT64_C(0xf7e6d5c4b3a29180));
    STORE("sd", UINT64_C(0x0102030405060708), p + 16);
    CHECK(p[16] | p[17] << 8 | p[23] << 16, 0x010708);
#endif
    STORE("sw", 0xdeadbeef, p);
    CHECK(p[0] | p[1] << 8 | p[2] << 16, 0xadbeef);
    CHECK(p[3], 0xde);
    STORE("sh", 0x12345678, p + 1);
    CHECK(LOAD("lw", p) & 0xffffffff, 0xde5678ef);
    STORE("sb", 0x99, p + 2);
    CHECK(LOAD("lw", p) & 0xffffffff, 0xde9978ef);
    /* offsets at their limits */
    __asm__ volatile("sb %0, -2048(%1)\nsb %0, 2047(%1)" ::"r"(7), "r"(page[1]) : "memory");
    CHECK(page[1][2047], 7);
    CHECK((page[1] - 2048)[0], 7);
    word zero;
    __asm__ volatile("lw x0, (%1)\nlui x0, 5\naddi x0, x0, 3\nadd %0, x0, x0" : "=r"(zero) : "r"(p));
    CHECK(zero, 0);
}

void test_run(void)
{
    static const struct pair2 two[] = {
        PAIR(add), PAIR(sub), PAIR(sll), PAIR(slt), PAIR(sltu), PAIR(xor), PAIR(srl), PAIR(sra), PAIR(or), PAIR(and),
        PAIR(beq), PAIR(bne), PAIR(blt), PAIR(bge), PAIR(bltu), PAIR(bgeu),
#if __riscv_xlen == 64
        PAIR(addw), PAIR(subw), PAIR(sllw), PAIR(srlw), PAIR(sraw),
#endif
    };
    static const struct pair1 one[] = {
        PAIR(addi), PAIR(slti), PAIR(sltiu), PAIR(xori), PAIR(ori), PAIR(andi), PAIR(slli), PAIR(srli), PAIR(srai),
#if __riscv_xlen == 64
        PAIR(addiw), PAIR(slliw), PAIR(srliw), PAIR(sraiw),
#endif
    };
    try2(two, COUNT(two));
    try1(one, COUNT(one));
    jumps();
    memory();
}
