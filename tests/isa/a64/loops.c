/*
 * loops.c - what loops and short branches leave behind: condition flags at a fault or an interrupt in any turn, values
 * that change or not, and the flags of float comparisons, asked at once and later.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

#define N 0x80000000ul
#define Z 0x40000000ul
#define C 0x20000000ul
#define V 0x10000000ul
enum { RAM_END = 0x50000000 };

/* ---- A fault in a turn: the flags are those of the turn before ---------------------------------- */

PIECE(load_on, "1: ldr x4, [x0], #8\n add x2, x2, #1\n cmp x2, #3\n b 1b");
PIECE(load_while, "1: ldr x4, [x0], #8\n add x2, x2, #1\n cmp x2, #100\n b.ne 1b");
PIECE(store_nested, "1: mov x3, #0\n 2: add x3, x3, #1\n cmp x3, #4\n b.ne 2b\n"
                    " str x3, [x0], #8\n add x2, x2, #1\n cmp x2, x1\n b.lo 1b");

static void fault_in_turn(const char *what, const void *code, u64 turn, u64 flags)
{
    monitor_x[2] = 0;
    go2(EL1 | V, code, RAM_END - 8 * turn, 50);
    check(what, out.ec, 0x25);
    check(what, monitor_x[2], turn);
    check(what, out.spsr & (N | Z | C | V), flags);
}

static void check_faults(void)
{
    for (int again = 0; again < 3; again++) {
        fault_in_turn("a loop's first turn", load_on, 0, V);
        fault_in_turn("less", load_on, 1, N);
        fault_in_turn("less in the third turn", load_on, 2, N);
        fault_in_turn("equal", load_on, 3, Z | C);
        fault_in_turn("greater", load_on, 9, C);
        fault_in_turn("the first turn of a loop with an end", load_while, 0, V);
        fault_in_turn("a later turn of it", load_while, 70, N);
        fault_in_turn("behind an inner loop", store_nested, 0, Z | C);
        fault_in_turn("behind an inner loop, later", store_nested, 20, Z | C);
    }
}

/* ---- An interrupt at any place: the flags are those of the last comparison ---------------------- */

PIECE(spin, "1: add x0, x0, #1\n mov x6, x0\n spin_compares: cmp x0, #0x40\n b.eq 3f\n tbz x0, #2, 1b\n"
            " eor x5, x5, x0\n b 1b\n 3: mov x0, #0\n b 1b");
extern const char spin_compares[];

static volatile u32 *const distributor = (u32 *)0x08000000, *const cpu_interface = (u32 *)0x08010000;
enum { TIMER = 30 };

static void interrupt_soon(u64 ticks)
{
    distributor[0] = 1;
    cpu_interface[1] = 0xff;
    cpu_interface[0] = 1;
    distributor[0x100 / 4] = 1u << TIMER;
    wr("scr_el3", rd("scr_el3") | 6);
    wr("cntp_tval_el0", ticks);
    wr("cntp_ctl_el0", 1);
}

static void check_interrupts(void)
{
    monitor_x[0] = 0x41;
    monitor_x[6] = 0x41;
    u64 pc = (u64)spin, flags = C;
    for (u64 i = 0; i < 60; i++) {
        interrupt_soon(20 + i * 977 % 3000);
        go_unmasked((EL1 | DAIF) | flags, (const void *)pc);
        check("it is interrupted", out.vector == 0x480 || out.vector == 0x500, 1);
        wr("cntp_ctl_el0", 0);
        cpu_interface[4] = cpu_interface[3] & 0x3ff;
        flags = out.spsr & (N | Z | C | V);
        pc = out.elr;
        u64 x = monitor_x[6], want = x < 0x40 ? N : x == 0x40 ? Z | C : C;
        if (pc != (u64)spin_compares)
            check("flags where it is interrupted", flags, want);
    }
    distributor[0x180 / 4] = 1u << TIMER;
    monitor_reset();
}

/* ---- Values ------------------------------------------------------------------------------------- */

PIECE(nested, "mov x0, #0\n mov x1, #0\n 1: mov x2, #0\n 2: add x2, x2, #1\n cmp x2, #7\n b.ne 2b\n"
              " adc x0, x0, x1\n cinc x0, x0, eq\n add x1, x1, #1\n cmp x1, #200\n b.lo 1b\n cset x3, eq\n cset x4, cs");
PIECE(skips, "mov x2, #0\n 1: tbz x2, #0, 2f\n add x3, x3, x2\n 2: cbz x2, 3f\n eor x4, x4, x3\n sub x5, x5, #1\n"
             " 3: cmp x2, #100\n b.hi 4f\n mov x6, x3\n 4: adc x7, x7, x6\n cmp x2, #50\n b.lo 5f\n adds x8, x8, x2, lsl #56\n"
             " 5: adc x9, x9, x2\n tbnz x2, #1, 6f\n 6: add x2, x2, #1\n cmp x2, x0\n b.ne 1b");

static void check_nested(void)
{
    for (int again = 0; again < 3; again++) {
        go(EL1, nested);
        check_ended("nested loops");
        check("what inner and outer loops add", monitor_x[0], 20300);
        check("the outer loop's end", monitor_x[3] << 1 | monitor_x[4], 3);
    }
}

static void check_skips(void)
{
    u64 x[10] = {300}, carry;
    for (u64 n = 3; n < 10; n++)
        monitor_x[n] = 0;
    go1(EL1, skips, 300);
    check_ended("short branches");
    for (; x[2] < x[0]; x[2]++) {
        x[3] += x[2] & 1 ? x[2] : 0;
        x[4] ^= x[2] ? x[3] : 0;
        x[5] -= x[2] ? 1 : 0;
        carry = x[2] >= 100;
        x[6] = x[2] > 100 ? x[6] : x[3];
        x[7] += x[6] + carry;
        carry = x[2] >= 50;
        if (carry) {
            carry = x[8] + (x[2] << 56) < x[8];
            x[8] += x[2] << 56;
        }
        x[9] += x[2] + carry;
    }
    for (u64 n = 3; n < 10; n++)
        check("what short branches jumped over", monitor_x[n], x[n]);
}

/* Functions of 16 bytes, called and jumped to by turns: x0 of them in x1 turns, x2 what they make. */
PIECE(indirect, "adr x4, 7f\n 1: udiv x5, x1, x0\n msub x5, x5, x0, x1\n add x5, x4, x5, lsl #4\n tbz x1, #0, 2f\n blr x5\n"
                " b 3f\n 2: adr x30, 3f\n br x5\n 3: subs x1, x1, #1\n b.ne 1b\n b 9f\n .balign 16\n"
                " 7: add x2, x2, #1\n ret\n .balign 16\n eor x2, x2, x1\n ret\n .balign 16\n ror x2, x2, #1\n ret\n .balign 16\n"
                " sub x2, x2, x1\n ret\n .balign 16\n 9:");

static void check_indirect(void)
{
    u64 expected = 0;
    monitor_x[2] = 0;
    for (u64 functions = 1; functions <= 4; functions++) {
        go2(EL1, indirect, functions, 1000);
        check_ended("calls by pointer");
        for (u64 n = 1000; n; n--) {
            u64 which = n % functions;
            expected = which == 0   ? expected + 1
                       : which == 1 ? expected ^ n
                       : which == 2 ? expected >> 1 | expected << 63
                                    : expected - n;
        }
        check("what is called by pointers", monitor_x[2], expected);
    }
}

/* ---- Float comparisons -------------------------------------------------------------------------- */

#define CONDITIONS                                                                                                     \
    "mrs x0, nzcv\n cset x1, eq\n cset x2, cs\n cset x3, mi\n cset x4, vs\n cset x5, hi\n cset x6, ge\n cset x7, gt\n"   \
    "csel x8, x1, xzr, ne\n cset x9, cc\n cset x10, pl\n cset x11, vc\n cset x12, ls\n cset x13, lt\n cset x14, le"
#define OPERANDS "fmov d0, x0\n fmov d1, x1\n fcvt s2, d0\n fcvt s3, d1\n"
PIECE(compare, OPERANDS "fcmp d0, d1\n" CONDITIONS);
PIECE(compare_single, OPERANDS "fcmpe s2, s3\n" CONDITIONS);
PIECE(compare_later, OPERANDS "fcmp d0, d1\n isb\n" CONDITIONS);
PIECE(compare_if, OPERANDS "cmp x0, x0\n fccmp d0, d1, #6, eq\n" CONDITIONS);
PIECE(compare_if_later, OPERANDS "cmp x0, x0\n fccmp s2, s3, #6, eq\n isb\n" CONDITIONS);
PIECE(compare_if_not, OPERANDS "cmp x0, x0\n fccmp d0, d0, #2, ne\n" CONDITIONS);
PIECE(compare_zero, "fmov d0, x0\n fcmp d0, #0.0\n" CONDITIONS);
PIECE(branches, OPERANDS "mov x2, #0\n fcmp d0, d1\n b.mi 1f\n add x2, x2, #1\n 1: fcmp d0, d1\n b.gt 2f\n add x2, x2, #2\n"
                         " 2: fcmp d0, d1\n b.vs 3f\n ldr x3, [sp]\n add x2, x2, #4\n 3: fcmp d0, d1\n b.le 4f\n ldr x3, [sp]\n"
                         " add x2, x2, #8\n 4:");

static void conditions(const char *what, const void *code, u64 x, u64 y, u64 flags)
{
    go2(EL1, code, x, y);
    check_ended(what);
    u64 n = !!(flags & N), z = !!(flags & Z), c = !!(flags & C), v = !!(flags & V);
    u64 even[7] = {z, c, n, v, c & !z, n == v, (n == v) & !z};
    check(what, monitor_x[0], flags);
    for (int i = 0; i < 7; i++)
        check(what, monitor_x[1 + i], even[i]);
    check(what, monitor_x[8], 0);
    for (int i = 1; i < 7; i++)
        check(what, monitor_x[8 + i], !even[i]);
}

static void relation(u64 x, u64 y, u64 flags)
{
    conditions("fcmp", compare, x, y, flags);
    conditions("fcmpe of singles", compare_single, x, y, flags);
    conditions("fcmp, asked later", compare_later, x, y, flags);
    conditions("fccmp", compare_if, x, y, flags);
    conditions("fccmp of singles, asked later", compare_if_later, x, y, flags);
    conditions("fccmp whose condition fails", compare_if_not, x, y, C);
    go2(EL1, branches, x, y);
    check_ended("branches after fcmp");
    int less = flags == N, greater = flags == C, unordered = flags == (C | V);
    check("branches after fcmp", monitor_x[2], (u64)(!less + 2 * !greater + 4 * !unordered + 8 * (greater)));
}

static void check_comparisons(void)
{
    const u64 one = 0x3ff0000000000000, two = 0x4000000000000000, minus = 0xbff0000000000000, nan = 0x7ff8000000000000;
    relation(one, two, N);
    relation(minus, one, N);
    relation(one, one, Z | C);
    relation(0, 1ul << 63, Z | C);
    relation(two, one, C);
    relation(one, minus, C);
    relation(nan, one, C | V);
    relation(one, nan, C | V);
    relation(nan, nan, C | V);
    conditions("fcmp with zero", compare_zero, one, 0, C);
    conditions("fcmp with zero, less", compare_zero, minus, 0, N);
    conditions("fcmp with zero, equal", compare_zero, 1ul << 63, 0, Z | C);
    conditions("fcmp with zero, unordered", compare_zero, nan, 0, C | V);
}

void run(void)
{
    check_faults();
    check_nested();
    check_skips();
    check_indirect();
    check_comparisons();
    check_interrupts();
}
