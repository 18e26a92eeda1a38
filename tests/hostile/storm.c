/*
 * storm.c - interrupts without end: timers long past, harts that interrupt each other, device lines
 * that nobody acknowledges, claims without completion and completions without claim; the machine
 * ends in the middle of it.
 */
#include "hostile.h"

const char test_name[] = "storm";

enum { SOFTWARE = 3, TIMER = 7, EXTERNAL = 11 };
#define BIT_OF(n)           ((word)1 << (n))
#define PLIC_CLAIM(context) mmio32(PLIC + 0x200004 + 0x1000 * (context))

static volatile u32 taken[HARTS], limit;
static void (*volatile calm)(unsigned hart,
                             unsigned cause); /* what the handler does against the next one */

/* After the limit this hart hears no more of the kind. */
static void take(word *frame)
{
    word cause = csr_read(mcause);
    unsigned hart = hart_id();
    if (!(cause & INTERRUPT)) {
        survive(frame);
        return;
    }
    if (++taken[hart] >= limit)
        csr_clear(mie, BIT_OF(cause & 63));
    else if (calm)
        calm(hart, cause & 63);
}

static void listen(word causes)
{
    csr_write(mie, causes);
    csr_set(mstatus, MSTATUS_MIE);
}

static void wait_for(unsigned hart, u32 count)
{
    for (u64 end = mtime() + 200000000; taken[hart] < count && mtime() < end;)
        relax();
    csr_clear(mstatus, MSTATUS_MIE);
    CHECK(taken[hart] >= count, 1);
}

/* ---- Timers, software ------------------------------------------------------------------------ */

static void timers(unsigned hart)
{
    taken[hart] = 0;
    mtimecmp(hart, 0);
    listen(BIT_OF(TIMER));
    wait_for(hart, limit);
    mtimecmp(hart, ~0ull);
}

static void answer(unsigned hart, unsigned cause)
{
    (void)cause;
    MSIP(hart) = 0;
    MSIP((hart + 1) % HARTS) = 1;
    MSIP((hart + 3) % HARTS) = 1;
}

/* Each wakes two others, which wake two others. */
static void volleys(unsigned hart)
{
    taken[hart] = 0;
    listen(BIT_OF(SOFTWARE));
    for (u64 end = mtime() + 200000000; taken[hart] < limit && mtime() < end;) {
        MSIP((hart + 1) % HARTS) = 1;
        csr_clear(mstatus, MSTATUS_MIE);
        MSIP(hart) = 1; /* the others may be through */
        if (taken[hart] < limit) /* or it hears of nothing any more, and would sleep for ever */
            __asm__ volatile("wfi" ::: "memory");
        csr_set(mstatus, MSTATUS_MIE);
    }
    csr_clear(mstatus, MSTATUS_MIE);
    CHECK(taken[hart] >= limit, 1);
}

static void supervisor_software(unsigned hart)
{
    for (unsigned i = 0; i < 3000; i++) {
        mmio32(SSWI + 4 * ((hart + i) % (HARTS + 2))) = i;
        csr_clear(mip, 2);
    }
}

/* ---- Devices --------------------------------------------------------------------------------- */

/* Every source to every hart, from a card and from the serial port that want to be heard. */
static void plic_open(void)
{
    for (unsigned source = 1; source < 96; source++)
        mmio32(PLIC + 4 * source) = 7;
    for (unsigned context = 0; context < 2 * HARTS; context++) {
        for (unsigned i = 0; i < 3; i++)
            mmio32(PLIC + 0x2000 + 0x80 * context + 4 * i) = ~0u;
        mmio32(PLIC + 0x200000 + 0x1000 * context) = 0;
    }
}

/* By turns: nothing; a claim without completion; both; completions of everything without a claim.
 */
static void plic_abuse(unsigned hart, unsigned cause)
{
    u32 source;
    (void)cause;
    switch (taken[hart] & 3) {
    case 0: return;
    case 1: (void)PLIC_CLAIM(2 * hart); return;
    case 2:
        source = PLIC_CLAIM(2 * hart);
        PLIC_CLAIM(2 * hart) = source;
        return;
    default:
        for (u32 i = 0; i < 100; i += 7)
            PLIC_CLAIM(2 * hart) = i;
        PLIC_CLAIM(2 * hart) = ~0u;
        PLIC_CLAIM(2 * hart) =
            5; /* the card's and the serial port's, so that there is a next one */
        PLIC_CLAIM(2 * hart) = 10;
    }
}

static void devices(unsigned hart)
{
    taken[hart] = 0;
    listen(BIT_OF(EXTERNAL));
    u64 seed = hart + 99;
    for (u64 end = mtime() + 200000000; taken[hart] < limit && mtime() < end;) {
        u64 z = random_next(&seed);
        mmio32(PLIC + 4 * (z % 100)) = z >> 8 & 7;
        PLIC_CLAIM(2 * hart) = 5;
        PLIC_CLAIM(2 * hart) = 10;
        mmio8(UART + 1) = z & 64 ? 2 : 0;
        mmio32(PLIC + 4 * 5) = mmio32(PLIC + 4 * 10) = 7;
    }
    csr_clear(mstatus, MSTATUS_MIE);
    CHECK(taken[hart] >= limit, 1);
}

/* A used chain that is never acknowledged: the card's line (5: slot 4) stays up. */
static void raise_card(void)
{
    struct ring r = ring_start(4, 0, 0, ARENA);
    ring_desc(&r, ARENA + 0x4000, 8, D_WRITE);
    ring_publish(&r);
    ring_kick(&r);
    ring_wait(&r, WAIT_US);
    for (u64 end = mtime() + 100000000; !get(4, IRQ_STATUS) && mtime() < end;)
        relax();
    CHECK(get(4, IRQ_STATUS), 1);
}

/* The clock's alarm, again and again for a time that is over. */
static void alarms(void)
{
    mmio32(RTC + 0x10) = 1;
    for (unsigned i = 0; i < 3000; i++) {
        mmio32(RTC + 0x0c) = i & 1 ? 0 : ~0u;
        mmio32(RTC + 0x08) = i;
        if (i & 2)
            mmio32(RTC + 0x14) = 1;
        if (i & 4)
            mmio32(RTC + 0x1c) = 1;
    }
    mmio32(RTC + 0x14) = 1;
    mmio32(RTC + 0x10) = 0;
    mmio32(RTC + 0x1c) = 1;
}

/* ---- The end --------------------------------------------------------------------------------- */

static void for_ever(unsigned hart)
{
    if (!hart)
        return;
    taken[hart] = 0;
    listen(BIT_OF(
        SOFTWARE)); /* then the timer, which does not let this hart leave its handler's end */
}

static void late_timer(unsigned hart, unsigned cause)
{
    (void)cause;
    mtimecmp(hart, 0);
    csr_set(mie, BIT_OF(TIMER) | BIT_OF(EXTERNAL));
}

void test_run(void)
{
    machine_hook = take;
    limit = 2000;
    on_harts(HARTS, timers);
    calm = answer;
    on_harts(HARTS, volleys);
    on_harts(HARTS, supervisor_software);
    for (unsigned i = 0; i < HARTS; i++)
        MSIP(i) = 0;
    alone(alarms);
    alone(raise_card);
    plic_open();
    calm = plic_abuse;
    limit = 1000;
    on_harts(HARTS, devices);
    alone(check_machine);
    calm = late_timer;
    limit = ~0u;
    on_harts(HARTS, for_ever);
    for (unsigned i = 1; i < HARTS; i++)
        MSIP(i) = 1;
    pause_us(50000);
    CHECK(taken[1] > 100 && taken[7] > 0, 1);
}
