/*
 * rv_storm.c - eight harts in a storm of interrupts: from every hart to every other, none lost; each hart's own timer,
 * waited for asleep and awake; in M, and handed on to S and U; and what is interrupted is as it was.
 */
// smp: 8
#include "test.h"

const char test_name[] = "rv_storm";

enum { HARTS = 8, MESSAGES = 400, TICKS = 60, SSI = 1, MSI = 3, MTI = 7 };
#define SSIP ((word)1 << SSI)

/* A sender's bit is in the mailbox until its owner takes it, on an interrupt. */
static volatile u32 mailbox[HARTS], sent, received, ticks[HARTS], handed_on[HARTS], arrived;

static unsigned bits(u32 v)
{
    unsigned n = 0;
    for (; v; v &= v - 1)
        n++;
    return n;
}

static void on_interrupt(word *frame)
{
    unsigned hart = hart_id();
    word cause = csr_read(mcause);
    (void)frame;
    if (cause == (INTERRUPT | MSI)) {
        MSIP(hart) = 0;
        __asm__ volatile("fence" ::: "memory");
        u32 taken = __atomic_exchange_n(&mailbox[hart], 0, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&received, bits(taken), __ATOMIC_SEQ_CST);
    } else if (cause == (INTERRUPT | MTI)) {
        mtimecmp(hart, ~UINT64_C(0));
        ticks[hart]++;
    } else {
        CHECK(cause, INTERRUPT | MSI);
        finish(1);
    }
}

static void post(unsigned to, unsigned from)
{
    u32 bit = 1u << from;
    if (!(__atomic_fetch_or(&mailbox[to], bit, __ATOMIC_SEQ_CST) & bit))
        __atomic_fetch_add(&sent, 1, __ATOMIC_SEQ_CST);
    MSIP(to) = 1;
}

/* What an interrupt must not touch: a sum in registers, integer and float. */
static void work(unsigned n)
{
    word sum = 0, i;
    double half = 0.5, total = 0;
    __asm__ volatile("li %1, 0\n1: add %0, %0, %1\nfadd.d %2, %2, %4\naddi %1, %1, 1\nblt %1, %3, 1b"
                     : "+r"(sum), "=&r"(i), "+f"(total) : "r"((word)n), "f"(half));
    if (sum != (word)n * (n - 1) / 2 || (unsigned)(total * 2) != n)
        CHECK(sum, (word)n * (n - 1) / 2);
}

/* Waits for the others with interrupts on: each of them may yet send. */
static void arrive(void)
{
    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) % HARTS)
        relax();
}

/*
 * All have arrived and the mailbox is empty. The message's sender may have set MSIP after another's interrupt took it
 * along, and that interrupt need not have come yet: it is none of the next part's.
 */
static void end_of_messages(unsigned hart)
{
    csr_clear(mstatus, MSTATUS_MIE);
    csr_write(mie, 0);
    MSIP(hart) = 0;
}

static void everybody_to_everybody(unsigned hart)
{
    u64 state = hart;
    csr_write(mie, 1 << MSI);
    csr_set(mstatus, MSTATUS_MIE);
    for (unsigned i = 0; i < MESSAGES; i++) {
        post((unsigned)(random_next(&state) % HARTS), hart); /* sometimes to itself */
        work((unsigned)(random_next(&state) % 50) + 2);
    }
    arrive();
    while (__atomic_load_n(&mailbox[hart], __ATOMIC_SEQ_CST)) /* a lost one: here for ever */
        relax();
    end_of_messages(hart);
}

static void own_timers(unsigned hart)
{
    u64 state = hart + 100;
    csr_clear(mstatus, MSTATUS_MIE);
    csr_write(mie, 1 << MTI | 1 << MSI);
    for (unsigned i = 1; i <= TICKS; i++) {
        u64 until = mtime() + random_next(&state) % 400;
        mtimecmp(hart, until);
        if (i % 8 == 0)
            post((hart + i) % HARTS, hart);
        while (ticks[hart] < i) {
            if (i & 1)
                __asm__ volatile("wfi");
            else
                work(20);
            csr_set(mstatus, MSTATUS_MIE);
            __asm__ volatile("nop");
            csr_clear(mstatus, MSTATUS_MIE);
        }
        if (mtime() < until)
            CHECK(mtime(), until);
    }
    csr_set(mstatus, MSTATUS_MIE);
    arrive();
    while (__atomic_load_n(&mailbox[hart], __ATOMIC_SEQ_CST))
        relax();
    end_of_messages(hart);
    if (ticks[hart] != TICKS)
        CHECK(ticks[hart], TICKS);
}

/* M hands each message on as S's software interrupt; S counts it. Its own stack and entry: those of test.h are one. */
__asm__(".balign 4\nsupervisor_entry: csrrw sp, sscratch, sp\nsw t0, -8(sp)\nsw t1, -16(sp)\n"
        "lw t0, (sp)\naddi t0, t0, 1\nsw t0, (sp)\nli t1, 2\ncsrc sip, t1\nlw t0, -8(sp)\nlw t1, -16(sp)\n"
        "csrrw sp, sscratch, sp\nsret\n");
extern char supervisor_entry[];
static struct {
    u64 below[4];
    volatile u32 count; /* sscratch points here */
} counts[HARTS];

static void hand_on(word *frame)
{
    unsigned hart = hart_id();
    (void)frame;
    if (csr_read(mcause) != (INTERRUPT | MSI)) {
        CHECK(csr_read(mcause), INTERRUPT | MSI);
        finish(1);
    }
    MSIP(hart) = 0;
    handed_on[hart]++;
    csr_set(mip, SSIP);
}

static word until_told(word goal)
{
    /* small enough that the compiler saves nothing where an interrupt could find it */
    unsigned hart = (unsigned)(goal >> 16);
    goal &= 0xffff;
    for (unsigned n = 2; counts[hart].count < goal; n = n % 60 + 1)
        work(n + 1);
    return hart;
}

static void through_supervisor(unsigned hart)
{
    enum { GOAL = 40 };
    counts[hart].count = 0;
    csr_write(mideleg, SSIP);
    csr_write(stvec, supervisor_entry);
    csr_write(sscratch, &counts[hart].count);
    csr_write(mie, SSIP | 1 << MSI);
    csr_set(mstatus, MSTATUS_SIE);
    if (hart) {
        try(hart % 2 ? S : U, until_told, (word)hart << 16 | GOAL);
        csr_clear(mstatus, MSTATUS_MIE);
    } else {
        u32 told[HARTS] = {0};
        for (;;) { /* one at a time, or two would be told as one */
            unsigned behind = 0;
            for (unsigned to = 1; to < HARTS; to++) {
                if (counts[to].count >= GOAL)
                    continue;
                behind++;
                if (told[to] == counts[to].count) {
                    told[to]++;
                    MSIP(to) = 1;
                }
            }
            if (!behind)
                break;
            relax();
        }
    }
    csr_write(mie, 0);
    csr_write(mideleg, 0);
}

void test_run(void)
{
    machine_hook = on_interrupt;
    on_harts(HARTS, everybody_to_everybody);
    CHECK(received, sent);
    CHECK(sent > HARTS, 1);
    on_harts(HARTS, own_timers);
    CHECK(received, sent);
    machine_hook = hand_on;
    on_harts(HARTS, through_supervisor);
    for (unsigned hart = 1; hart < HARTS; hart++)
        CHECK(handed_on[hart], counts[hart].count);
    machine_hook = 0;
}
