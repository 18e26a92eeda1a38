/*
 * rv_wrs.c - waiting on a reservation (unprivileged manual, "Zawrs"): the wait ends when another hart stores to the
 * reserved word, for a pending interrupt that is enabled in mie, or after a while; without a reservation it is none.
 */
// smp: 2
#include "test.h"

const char test_name[] = "rv_wrs";

enum { ROUNDS = 300, MSI = 3, MTI = 7 };
#define MSTATUS_TW (1 << 21)
#define WRS_NTO ".4byte 0x00d00073\n"
#define WRS_STO ".4byte 0x01d00073\n"

static volatile u32 watched __attribute__((aligned(64))), answered __attribute__((aligned(64)));

/* The registers stay as they are, and the next instruction follows: 7 comes back. */
#define WAIT(name, reserve, wrs)                                                                   \
    static word name(word a)                                                                       \
    {                                                                                              \
        __asm__ volatile(reserve "li t0, 3\n" wrs "addi %0, t0, 4" : "=r"(a) : "r"(&watched) : "t0", "memory"); \
        return a;                                                                                  \
    }
#define RESERVE "lr.w t0, (%1)\n"
#define GIVE_UP "lr.w t0, (%1)\nsc.w t0, t0, (%1)\n" /* sc leaves no reservation behind */
WAIT(nto_idle, GIVE_UP, WRS_NTO)
WAIT(sto_idle, GIVE_UP, WRS_STO)
WAIT(nto_reserved, RESERVE, WRS_NTO)
WAIT(sto_reserved, RESERVE, WRS_STO)

static word wrong_rd(word a)
{
    __asm__ volatile(".4byte 0x00d000f3");
    return a;
}

static word wrong_rs1(word a)
{
    __asm__ volatile(".4byte 0x01d08073");
    return a;
}

static void ends(unsigned mode, access_fn *fn)
{
    result = 0;
    CHECK(try(mode, fn, 0), NO_TRAP);
    CHECK(result, 7);
}

/* mstatus.TW bounds wrs.nto below M; what does not stall, and wrs.sto always, is none of its business. */
static void alone(void)
{
    for (unsigned tw = 0; tw < 2; tw++) {
        csr_clear(mstatus, MSTATUS_TW);
        csr_set(mstatus, tw ? MSTATUS_TW : 0);
        for (unsigned mode = U; mode <= M; mode += mode == S ? 2 : 1) {
            ends(mode, nto_idle);
            ends(mode, sto_idle);
            ends(mode, sto_reserved);
        }
    }
    csr_clear(mstatus, MSTATUS_TW);
    csr_clear(mstatus, MSTATUS_MIE);
    csr_write(mie, 1 << MSI); /* pending and enabled, but not taken: MIE is off */
    MSIP(0) = 1;
    CHECK(nto_reserved(0), 7);
    MSIP(0) = 0;
    csr_write(mie, 0);
    for (unsigned mode = U; mode <= M; mode += mode == S ? 2 : 1) {
        CHECK(try(mode, wrong_rd, 0), ILLEGAL);
        CHECK(machine.value, 0x00d000f3);
        CHECK(try(mode, wrong_rs1, 0), ILLEGAL);
    }
}

/* A hart that may wait without end, with a bound by TW: it gets on, or traps as illegal. */
static void bounded(void)
{
    csr_set(mstatus, MSTATUS_TW);
    for (unsigned mode = U; mode <= S; mode++) {
        word cause = try(mode, nto_reserved, 0);
        CHECK(cause == NO_TRAP || cause == ILLEGAL, 1);
        CHECK(result, 7);
    }
    csr_clear(mstatus, MSTATUS_TW);
}

static volatile unsigned interrupts;

static void on_interrupt(word *frame)
{
    (void)frame;
    if (csr_read(mcause) == (INTERRUPT | MTI)) {
        interrupts++;
        mtimecmp(0, ~UINT64_C(0));
    }
}

/* Nobody stores: only the interrupt ends the loop. */
static void interrupted(void)
{
    machine_hook = on_interrupt;
    csr_write(mie, 1 << MTI);
    for (unsigned i = 1; i <= 20; i++) {
        u64 until = mtime() + 500;
        mtimecmp(0, until);
        csr_set(mstatus, MSTATUS_MIE);
        while (interrupts < i)
            __asm__ volatile("lr.w t0, (%0)\n" WRS_NTO ::"r"(&watched) : "t0", "memory");
        csr_clear(mstatus, MSTATUS_MIE);
        CHECK(mtime() >= until, 1);
    }
    csr_write(mie, 0);
    machine_hook = 0;
    CHECK(interrupts, 20);
}

/* As the manual has it: lr, look, wait, again. */
static void wait_for(volatile u32 *p, u32 v, int short_wait)
{
    u32 seen;
    do {
        __asm__ volatile("lr.w %0, (%1)" : "=r"(seen) : "r"(p) : "memory");
        if (seen == v)
            break;
        if (short_wait)
            __asm__ volatile(WRS_STO ::: "memory");
        else
            __asm__ volatile(WRS_NTO ::: "memory");
    } while (seen != v);
}

static void by_turns(unsigned hart)
{
    for (u32 i = 1; i <= ROUNDS; i++) {
        if (hart == 0) {
            __atomic_store_n(&watched, i, __ATOMIC_RELEASE);
            wait_for(&answered, i, i & 1);
        } else {
            wait_for(&watched, i, i & 1);
            __atomic_store_n(&answered, i, __ATOMIC_RELEASE);
        }
    }
}

/* A wait keeps the reservation when nobody has stored: sc succeeds now and then, and what was added is all there. */
static void wait_then_store(void)
{
    u32 before = watched, v, failed, tries = 0;
    do {
        __asm__ volatile("lr.w %0, (%2)\naddi %0, %0, 1\nsc.w %1, %0, (%2)\n" WRS_STO
                         : "=&r"(v), "=&r"(failed) : "r"(&watched) : "memory");
    } while (failed && ++tries < 1000);
    CHECK(failed, 0);
    CHECK(watched, before + 1);
}

void test_run(void)
{
    alone();
    bounded();
    interrupted();
    on_harts(2, by_turns);
    CHECK(watched, ROUNDS);
    CHECK(answered, ROUNDS);
    wait_then_store();
}
