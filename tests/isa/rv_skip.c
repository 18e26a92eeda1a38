/*
 * rv_skip.c - branches over an instruction or two, which a translator may make a choice of results: what may be chosen, and
 * what must be jumped over (accesses, traps, floats, divisions), with conditions that depend on what is jumped over next.
 */
#include "test.h"

const char test_name[] = "rv_skip";

static word next(word *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << (RV64 ? 17 : 5);
    return *state;
}

/* Maximum, minimum, absolute value, a counter: one instruction, or two of two registers. */
static void chosen(word a, word b)
{
    word most = a, least = a, size = a, counted = 5, x = a, y = b, both = 1, put_back = b;
    __asm__ volatile("bge %0, %1, 1f\n mv %0, %1\n 1:" : "+r"(most) : "r"(b));
    __asm__ volatile("bleu %0, %1, 1f\n mv %0, %1\n 1:" : "+r"(least) : "r"(b));
    __asm__ volatile("bgez %0, 1f\n neg %0, %0\n 1:" : "+r"(size));
    __asm__ volatile("beq %1, %2, 1f\n addi %0, %0, 1\n 1: bne %1, %2, 2f\n addi %0, %0, 2\n 2:"
                     : "+r"(counted) : "r"(a), "r"(b));
    __asm__ volatile("bltu %1, %0, 1f\n xor %0, %0, %1\n xor %1, %1, %0\n 1:" : "+r"(x), "+r"(y));
    __asm__ volatile("beqz %1, 1f\n slli %0, %0, 3\n addi %0, %0, 1\n 1: beqz %2, 2f\n add %0, %0, %0\n 2:"
                     : "+r"(both) : "r"(a & 1), "r"(b & 1));
    __asm__ volatile("beqz %1, 1f\n not %0, %0\n not %0, %0\n 1:" : "+r"(put_back) : "r"(a & 2));
    CHECK(most, (long)a >= (long)b ? a : b);
    CHECK(least, a <= b ? a : b);
    CHECK(size, (long)a < 0 ? -a : a);
    CHECK(counted, a == b ? 7 : 6);
    CHECK(x, b < a ? a : a ^ b);
    CHECK(y, b < a ? b : a);
    CHECK(both, (a & 1 ? 9 : 1) << (b & 1));
    CHECK(put_back, b);
}

/* One branch within what another jumps over, and two to the same place. */
static void nested(word a, word b)
{
    word x = 0, y = 0;
    __asm__ volatile("beqz %1, 1f\n addi %0, %0, 1\n beqz %2, 1f\n addi %0, %0, 2\n 1: addi %0, %0, 4\n"
                     : "+r"(x) : "r"(a & 1), "r"(b & 1));
    __asm__ volatile("beqz %1, 2f\n beqz %2, 1f\n addi %0, %0, 1\n 1: addi %0, %0, 2\n 2:"
                     : "+r"(y) : "r"(a & 1), "r"(b & 1));
    CHECK(x, (a & 1 ? b & 1 ? 3 : 1 : 0) + 4);
    CHECK(y, a & 1 ? b & 1 ? 3 : 2 : 0);
}

/* What has an effect is not executed. */
static void jumped_over(word a)
{
    word loaded = 1, divided = 12, bad = 4;
    word cell = 0;
    __asm__ volatile("beqz %1, 1f\n lw %0, (%2)\n 1:" : "+r"(loaded) : "r"(a & 1), "r"(a & 1 ? &cell : (word *)bad));
    __asm__ volatile("beqz %1, 1f\n sw %1, (%0)\n 1:" ::"r"(a & 1 ? &cell : (word *)bad), "r"(a & 1) : "memory");
    __asm__ volatile("beqz %1, 1f\n divu %0, %0, %2\n 1:" : "+r"(divided) : "r"(a & 2), "r"(a & 2 ? 3ul : 0ul));
    __asm__ volatile("bnez %0, 1f\n ecall\n 1:" ::"r"((word)1));
    __asm__ volatile("beqz %0, 1f\n csrwi mscratch, 3\n 1:" ::"r"(a & 4));
    CHECK(loaded, a & 1 ? 0 : 1);
    CHECK(cell, a & 1);
    CHECK(divided, a & 2 ? 4 : 12);
    CHECK(csr_read(mscratch), a & 4 ? 3 : 0);
    csr_write(mscratch, 0);
}

void test_run(void)
{
    word state = 88172645;
    for (int i = 0; i < 300; i++) {
        word a = next(&state), b = i % 5 ? next(&state) : a;
        if (i % 3 == 0)
            a &= 7, b &= 7;
        chosen(a, b);
        nested(a, b);
        jumped_over(a);
    }
    CHECK(machine.count, 0);
}
