/*
 * rv_timer.c - time: mtime and rdtime, mtimecmp, Sstc's stimecmp, wfi, priorities, storms of interrupts, counters.
 */
#include "test.h"

const char test_name[] = "rv_timer";

enum { SSI = 1, MSI = 3, STI = 5, MTI = 7, SEI = 9, MEI = 11 };

static volatile unsigned taken[16], order[64], order_count;
static volatile u64 step = 100;

static u64 rdtime(void)
{
#if __riscv_xlen == 64
    return csr_read(time);
#else
    for (;;) {
        u32 high = csr_read(timeh), low = csr_read(time);
        if (csr_read(timeh) == high)
            return (u64)high << 32 | low;
    }
#endif
}

static void stimecmp_write(u64 v)
{
    __asm__ volatile("csrw 0x14d, %0" ::"r"((word)-1) : "memory");
#if __riscv_xlen == 32
    __asm__ volatile("csrw 0x15d, %0" ::"r"((word)(v >> 32)) : "memory");
#endif
    __asm__ volatile("csrw 0x14d, %0" ::"r"((word)v) : "memory");
}

static void on_interrupt(word *frame)
{
    word cause = csr_read(mcause);
    (void)frame;
    if (!(cause & INTERRUPT)) {
        CHECK(cause, INTERRUPT);
        finish(1);
    }
    unsigned n = (unsigned)(cause & 15);
    taken[n]++;
    if (order_count < 64)
        order[order_count++] = n;
    if (n == MTI)
        mtimecmp(0, ~UINT64_C(0));
    else if (n == MSI)
        MSIP(0) = 0;
    else
        csr_clear(mip, (word)1 << n);
}

static void reset_counts(void)
{
    for (unsigned i = 0; i < 16; i++)
        taken[i] = 0;
    order_count = 0;
}

static void time_passes(void)
{
    u64 before = rdtime(), start = mtime();
    CHECK(start >= before, 1);
    while (mtime() < start + 1000)
        ;
    CHECK(rdtime() >= before + 1000, 1);
    for (unsigned i = 0; i < 1000; i++) {
        u64 a = rdtime(), b = mtime(), c = rdtime();
        if (a > b || b > c)
            CHECK(a <= b && b <= c, 1);
    }
}

/* Interrupts are let in only between waits: one that comes after the look at the count ends the wait. */
static void wait_for_timer(unsigned count)
{
    csr_clear(mstatus, MSTATUS_MIE);
    while (taken[MTI] < count) {
        __asm__ volatile("wfi");
        csr_set(mstatus, MSTATUS_MIE);
        __asm__ volatile("nop");
        csr_clear(mstatus, MSTATUS_MIE);
    }
}

static void deadline(void)
{
    reset_counts();
    csr_write(mie, 1 << MTI);
    for (unsigned i = 1; i <= 50; i++) {
        u64 until = mtime() + (i % 5 ? 200 : 0); /* past ones come at once */
        mtimecmp(0, until);
        wait_for_timer(i);
        CHECK(mtime() >= until, 1);
        CHECK(taken[MTI], i);
    }
    csr_set(mstatus, MSTATUS_MIE);
    /* far away: nothing; taken back: nothing */
    mtimecmp(0, mtime() + 1000000000);
    CHECK(csr_read(mip) >> MTI & 1, 0);
    mtimecmp(0, 0);
    __asm__ volatile("nop");
    CHECK(taken[MTI], 51);
    csr_clear(mstatus, MSTATUS_MIE);
    mtimecmp(0, 0);
    CHECK(csr_read(mip) >> MTI & 1, 1); /* pending while the level holds */
    mtimecmp(0, ~UINT64_C(0));
    CHECK(csr_read(mip) >> MTI & 1, 0);
}

/* wfi ends for an interrupt that is enabled in mie, though mstatus.MIE is off; none is taken. */
static void wakes_without_taking(void)
{
    reset_counts();
    csr_clear(mstatus, MSTATUS_MIE);
    csr_write(mie, 1 << MTI);
    u64 until = mtime() + 2000;
    mtimecmp(0, until);
    __asm__ volatile("wfi");
    CHECK(mtime() >= until, 1);
    CHECK(taken[MTI], 0);
    csr_set(mstatus, MSTATUS_MIE);
    __asm__ volatile("nop");
    CHECK(taken[MTI], 1);
    csr_clear(mstatus, MSTATUS_MIE);
}

/* All at once: MEI, MSI, MTI, SEI, SSI, STI is the order. */
static void priorities(void)
{
    static const unsigned expected[] = {MSI, MTI, SEI, SSI, STI};
    reset_counts();
    menvcfg_set(menvcfg_get() & ~ENVCFG_STCE); /* STIP is software's */
    csr_write(mideleg, 0);
    csr_write(mie, 0xaaa);
    MSIP(0) = 1;
    mtimecmp(0, 0);
    csr_set(mip, 1 << SEI | 1 << SSI | 1 << STI);
    csr_set(mstatus, MSTATUS_MIE);
    __asm__ volatile("nop");
    csr_clear(mstatus, MSTATUS_MIE);
    CHECK(order_count, 5);
    for (unsigned i = 0; i < 5; i++)
        CHECK(order[i], expected[i]);
    csr_write(mie, 0);
}

/* Interrupts for S arrive in S and U, and in M not at all. */
static volatile unsigned in_supervisor;

static void on_supervisor(word *frame)
{
    word cause = csr_read(scause);
    if (cause == (INTERRUPT | SSI))
        csr_clear(sip, 1 << SSI);
    else if (cause == (INTERRUPT | STI))
        stimecmp_write(~UINT64_C(0));
    else
        frame[0] += 4;
    in_supervisor++;
}

static word loops(word n)
{
    for (volatile word i = 0; i < n; i++)
        ;
    return n;
}

static word waits(word n)
{
    csr_clear(sstatus, MSTATUS_SIE);
    while (in_supervisor < n) {
        __asm__ volatile("wfi");
        csr_set(sstatus, MSTATUS_SIE);
        __asm__ volatile("nop");
        csr_clear(sstatus, MSTATUS_SIE);
    }
    return in_supervisor;
}

static void delegated(void)
{
    delegate(0);
    supervisor_hook = on_supervisor;
    csr_write(mideleg, 1 << SSI | 1 << STI | 1 << SEI);
    csr_write(mie, 1 << SSI | 1 << STI);
    csr_clear(mstatus, MSTATUS_SIE);
    csr_set(mip, 1 << SSI);
    CHECK(try(M, loops, 10), NO_TRAP);
    CHECK(in_supervisor, 0);
    CHECK(try(S, loops, 10), NO_TRAP); /* SIE is off */
    CHECK(in_supervisor, 0);
    try(U, loops, 10); /* below S it is always on */
    CHECK(in_supervisor, 1);
    csr_set(mip, 1 << SSI);
    csr_set(mstatus, MSTATUS_SIE);
    try(S, loops, 10);
    CHECK(in_supervisor, 2);
    /* Sstc */
    menvcfg_set(menvcfg_get() | ENVCFG_STCE);
    csr_write(mcounteren, 2); /* TM: S may write it too */
    in_supervisor = 0;
    u64 until = rdtime() + 3000;
    stimecmp_write(until);
    word pending = csr_read(mip) >> STI & 1;
    CHECK(!pending || rdtime() >= until, 1);
    try(S, waits, 1);
    CHECK(in_supervisor, 1);
    CHECK(rdtime() >= until, 1);
    stimecmp_write(0);
    CHECK(csr_read(mip) >> STI & 1, 1);
    csr_clear(mip, 1 << STI); /* not software's now */
    CHECK(csr_read(mip) >> STI & 1, 1);
    stimecmp_write(~UINT64_C(0));
    CHECK(csr_read(mip) >> STI & 1, 0);
    menvcfg_set(menvcfg_get() & ~ENVCFG_STCE);
    csr_write(mideleg, 0);
    csr_write(mie, 0);
    supervisor_hook = 0;
}

/* A deadline always in the past: the main program still gets on. */
static volatile unsigned storm_taken;

static void on_storm(word *frame)
{
    (void)frame;
    if (++storm_taken >= 20000)
        csr_write(mie, 0);
    mtimecmp(0, storm_taken % 3 ? 0 : mtime() + 1);
}

static void storm(void)
{
    u64 hash = 1;
    machine_hook = on_storm;
    csr_write(mie, 1 << MTI);
    mtimecmp(0, 0);
    csr_set(mstatus, MSTATUS_MIE);
    for (unsigned i = 0; i < 30000; i++)
        hash = hash * 0x5851f42d4c957f2d + 0x14057b7ef767814f;
    while (storm_taken < 20000)
        ;
    csr_clear(mstatus, MSTATUS_MIE);
    csr_write(mie, 0);
    machine_hook = on_interrupt;
    u64 again = 1;
    for (unsigned i = 0; i < 30000; i++)
        again = again * 0x5851f42d4c957f2d + 0x14057b7ef767814f;
    CHECK(hash, again);
    mtimecmp(0, ~UINT64_C(0));
}

static void counters(void)
{
    word before = csr_read(mcycle), retired = csr_read(minstret);
    loops(100);
    CHECK(csr_read(mcycle) > before, 1);
    CHECK(csr_read(minstret) > retired, 1);
    csr_write(0x320, 5); /* mcountinhibit: CY, IR */
    before = csr_read(mcycle), retired = csr_read(minstret);
    loops(100);
    CHECK(csr_read(mcycle), before);
    CHECK(csr_read(minstret), retired);
    csr_write(mcycle, 1000);
    CHECK(csr_read(mcycle), 1000);
    csr_write(0x320, 0);
    CHECK(csr_read(mcycle) >= 1000, 1);
}

static word reads_time(word a)
{
    return a + csr_read(time);
}

static void counter_enables(void)
{
    csr_write(mcounteren, 0);
    CHECK(try(S, reads_time, 0), ILLEGAL);
    csr_write(mcounteren, 7);
    csr_write(scounteren, 0);
    CHECK(try(S, reads_time, 0), NO_TRAP);
    CHECK(try(U, reads_time, 0), ILLEGAL);
    csr_write(scounteren, 7);
    CHECK(try(U, reads_time, 0), NO_TRAP);
}

void test_run(void)
{
    machine_hook = on_interrupt;
    time_passes();
    deadline();
    wakes_without_taking();
    priorities();
    delegated();
    storm();
    machine_hook = 0;
    counters();
    counter_enables();
}
