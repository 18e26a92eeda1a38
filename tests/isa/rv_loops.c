/*
 * rv_loops.c - what a loop's first turn finds, later ones may take for granted: that floats are on (mstatus.FS) and their
 * state is dirty, that a register holds a boxed single, that a register is a constant. Until something changes it.
 */
#include "test.h"

const char test_name[] = "rv_loops";

enum { FS = 3 << 13, FS_CLEAN = 2 << 13 };

static u32 bits_of(float f)
{
    u32 v;
    __builtin_memcpy(&v, &f, 4);
    return v;
}

/* In turn 50 of 100 floats are switched off, in the loop: each later float instruction traps and is skipped. */
static void switched_off(void)
{
    word n = 100, turn = 50, fs = FS, sum;
    machine.count = 0;
    csr_set(mstatus, FS);
    __asm__ volatile("fmv.w.x fa0, zero\n fcvt.s.w fa1, %3\n"
                     "1: fadd.s fa0, fa0, fa1\n addi %0, %0, -1\n bne %0, %1, 2f\n csrc sstatus, %2\n"
                     "2: bnez %0, 1b\n"
                     : "+r"(n) : "r"(turn), "r"(fs), "r"(1) : "fa0", "fa1", "memory");
    CHECK(machine.count, 50);
    CHECK(machine.cause, ILLEGAL);
    csr_set(mstatus, FS);
    __asm__ volatile("fmv.x.w %0, fa0" : "=r"(sum));
    CHECK((u32)sum, bits_of(50));
    machine.count = 0;
}

/* The state is made clean in each tenth turn, by way of a call and in line: it is dirty again after the next float. */
static __attribute__((noinline)) void make_clean(void)
{
    csr_clear(mstatus, FS);
    csr_set(mstatus, FS_CLEAN);
}

static void made_clean(void)
{
    unsigned dirty = 0;
    float sum = 0;
    for (int i = 0; i < 200; i++) {
        if (i % 10 == 3)
            make_clean();
        __asm__ volatile("fadd.s %0, %0, %1" : "+f"(sum) : "f"(1.0f));
        dirty += (csr_read(mstatus) & FS) == FS;
    }
    CHECK(dirty, 200);
    CHECK(bits_of(sum), bits_of(200));
    word n = 90, low = 1 << 13, last;
    __asm__ volatile("1: andi t0, %0, 15\n bnez t0, 2f\n csrc sstatus, %2\n 2: fadd.s fa0, fa0, fa0\n"
                     " csrr %1, mstatus\n addi %0, %0, -1\n bnez %0, 1b\n"
                     : "+r"(n), "=&r"(last) : "r"(low) : "t0", "fa0", "memory");
    CHECK(last & FS, FS);
}

static volatile u32 ticks;

static void on_tick(word *frame)
{
    (void)frame;
    ticks++;
    csr_clear(mstatus, FS & ~FS_CLEAN); /* dirty to clean, as an operating system does */
    mtimecmp(0, ticks < 100 ? mtime() + 15 : ~(u64)0);
}

/* ... and by an interrupt at any place of a loop. */
static void interrupted(void)
{
    machine_hook = on_tick;
    ticks = 0;
    mtimecmp(0, mtime() + 15);
    csr_set(mie, 1 << 7);
    for (unsigned turns = 0; ticks < 100 && turns < 1000000; turns++) {
        word n = 300, was = 0;
        csr_set(mstatus, MSTATUS_MIE);
        __asm__ volatile("1: fadd.s fa0, fa0, fa0\n addi %0, %0, -1\n bnez %0, 1b\n csrci mstatus, 8\n fadd.s fa0, fa0, fa0\n"
                         " csrr %1, mstatus\n" : "+r"(n), "=r"(was) :: "fa0", "memory");
        if ((was & FS) != FS)
            CHECK(was & FS, FS);
    }
    csr_clear(mie, 1 << 7);
    machine_hook = 0;
    CHECK(ticks, 100);
}

/* A double in the register before the first turn, and again in turn 20: not boxed, so it is NaN for single instructions. */
static void unboxed(void)
{
    static const double two = 2;
    word seen[3] = {0};
    word n, middle = 20, first, later, last, rounds = 4;
    if (!RV64)
        return;
    __asm__ volatile("fld fa0, (%5)\n li %1, 0\n 0: li %0, 40\n fcvt.s.w fa1, %7\n li %2, 0\n"
                     "1: fadd.s fa2, fa0, fa1\n fmv.x.w t0, fa2\n"
                     " bnez %1, 2f\n mv %1, t0\n"
                     "2: beq %0, %6, 6f\n fcvt.s.w fa0, %7\n"
                     "4: mv %3, t0\n addi t1, %0, 1\n bne t1, %6, 5f\n sd t0, (%8)\n"
                     "5: addi %0, %0, -1\n bnez %0, 1b\n j 7f\n"
                     "6: mv %2, t0\n fld fa0, (%5)\n j 4b\n"
                     "7: addi %4, %4, -1\n bnez %4, 0b\n"
                     : "=&r"(n), "=&r"(first), "=&r"(later), "=&r"(last), "+r"(rounds)
                     : "r"(&two), "r"(middle), "r"(1), "r"(seen)
                     : "t0", "t1", "fa0", "fa1", "fa2", "memory");
    CHECK((u32)first, 0x7fc00000);
    CHECK((u32)later, bits_of(2));
    CHECK((u32)seen[0], 0x7fc00000);
    CHECK((u32)last, bits_of(2));
}

/* A register is the same constant at the end of each turn; the fault and the sum need its value. */
static void constant(void)
{
    word n = 60, sum = 0, step = 100, at = (word)&step, bad = 4;
    machine.count = 0;
    __asm__ volatile("li a5, 1000\n"
                     "1: add %1, %1, a5\n li a5, 30\n bne %0, a5, 2f\n mv %2, %3\n"
                     "2: lw a5, (%2)\n add %1, %1, a5\n addi a4, %0, 0\n bne %0, a4, 3f\n"
                     " bltu %0, a4, 3f\n li a5, 7\n addi %0, %0, -1\n"
                     "3: bnez %0, 1b\n"
                     : "+r"(n), "+r"(sum), "+r"(at) : "r"(bad) : "a4", "a5", "memory");
    CHECK(machine.count, 30);
    CHECK(machine.cause, LOAD_ACCESS);
    CHECK(sum, 1000 + 59 * 7 + 30 * 100 + 30 * 30);
    machine.count = 0;
}

void test_run(void)
{
    csr_set(mstatus, FS);
    for (int again = 0; again < 3; again++) {
        switched_off();
        made_clean();
        unboxed();
        constant();
    }
    interrupted();
}
