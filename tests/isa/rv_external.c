/*
 * rv_external.c - a storm of a device's interrupts: the serial port, looped back, through the PLIC to M, and to S where
 * that is delegated; claims, thresholds, and what is pending while nobody takes it.
 */
#include "test.h"

const char test_name[] = "rv_external";

enum { SOURCE = 10, SEI = 9, MEI = 11, BYTES = 2000 };
#define PLIC(offset) (*(volatile u32 *)(0x0c000000ul + (offset)))
#define PRIORITY(source) PLIC(4 * (source))
#define PENDING(source) (PLIC(0x1000 + (source) / 32 * 4) >> (source) % 32 & 1)
#define ENABLE(context) PLIC(0x2000 + 0x80 * (context))
#define THRESHOLD(context) PLIC(0x200000 + 0x1000 * (context))
#define CLAIM(context) PLIC(0x200004 + 0x1000 * (context))
#define UART(n) ((volatile u8 *)0x10000000ul)[n]
enum { DATA = 0, IER = 1, MCR = 4, LSR = 5, READY = 1, LOOP = 0x10, OUT2 = 8 };

static volatile unsigned taken, sum;
static volatile int context; /* 0: hart 0 in M, 1: in S */

static void serve(void)
{
    u32 source = CLAIM(context);
    if (source != SOURCE) {
        CHECK(source, SOURCE);
        finish(1);
    }
    while (UART(LSR) & READY)
        sum += UART(DATA);
    taken++;
    CLAIM(context) = source;
}

static void on_machine(word *frame)
{
    (void)frame;
    CHECK(csr_read(mcause), INTERRUPT | MEI);
    serve();
}

static void on_supervisor(word *frame)
{
    (void)frame;
    CHECK(csr_read(scause), INTERRUPT | SEI);
    serve();
}

static word sends(word count)
{
    for (word i = 1; i <= count; i++) {
        unsigned before = taken;
        UART(DATA) = (u8)i;
        while (taken == before) /* nothing else tells */
            relax();
    }
    return count;
}

static void begin(int in)
{
    context = in;
    taken = sum = 0;
    ENABLE(0) = ENABLE(1) = 0;
    THRESHOLD(in) = 0;
    PRIORITY(SOURCE) = 3;
    ENABLE(in) = 1 << SOURCE;
}

static unsigned expected(void)
{
    unsigned n = 0;
    for (unsigned i = 1; i <= BYTES; i++)
        n += i & 0xff;
    return n;
}

static void in_machine(void)
{
    begin(0);
    machine_hook = on_machine;
    csr_write(mie, 1 << MEI);
    csr_set(mstatus, MSTATUS_MIE);
    sends(BYTES);
    csr_clear(mstatus, MSTATUS_MIE);
    CHECK(taken, BYTES);
    CHECK(sum, expected());
    machine_hook = 0;
    csr_write(mie, 0);
}

static void in_supervisor(unsigned mode)
{
    begin(1);
    delegate(0);
    supervisor_hook = on_supervisor;
    csr_write(mideleg, 1 << SEI);
    csr_write(mie, 1 << SEI);
    csr_set(mstatus, MSTATUS_SIE);
    CHECK(try(mode, sends, BYTES), NO_TRAP);
    CHECK(result, BYTES);
    CHECK(taken, BYTES);
    CHECK(sum, expected());
    supervisor_hook = 0;
    csr_write(mie, 0);
    csr_write(mideleg, 0);
}

/* Nobody takes it: the levels on the way to the hart, one after another. */
static void levels(void)
{
    csr_clear(mstatus, MSTATUS_MIE);
    begin(0);
    CHECK(csr_read(mip) >> MEI & 1, 0);
    UART(DATA) = 'x';
    CHECK(PENDING(SOURCE), 1);
    CHECK(csr_read(mip) >> MEI & 1, 1);
    CHECK(csr_read(mip) >> SEI & 1, 0);
    THRESHOLD(0) = 3;
    CHECK(csr_read(mip) >> MEI & 1, 0);
    THRESHOLD(0) = 2;
    CHECK(csr_read(mip) >> MEI & 1, 1);
    PRIORITY(SOURCE) = 0;
    CHECK(csr_read(mip) >> MEI & 1, 0);
    PRIORITY(SOURCE) = 3;
    ENABLE(1) = 1 << SOURCE;
    CHECK(csr_read(mip) >> SEI & 1, 1);
    CHECK(CLAIM(0), SOURCE);
    CHECK(csr_read(mip) >> MEI & 1, 0); /* claimed: neither sees it */
    CHECK(csr_read(mip) >> SEI & 1, 0);
    CHECK(CLAIM(1), 0);
    CLAIM(0) = SOURCE; /* the byte is still there: again */
    CHECK(csr_read(mip) >> MEI & 1, 1);
    CHECK(CLAIM(1), SOURCE);
    CHECK(UART(DATA), 'x');
    CLAIM(1) = SOURCE;
    CHECK(csr_read(mip) >> MEI & 1, 0);
    CHECK(PENDING(SOURCE), 0);
    /* software's own SEIP does not hide the PLIC's, nor the other way */
    csr_set(mip, 1 << SEI);
    CHECK(csr_read(mip) >> SEI & 1, 1);
    csr_clear(mip, 1 << SEI);
    CHECK(csr_read(mip) >> SEI & 1, 0);
}

void test_run(void)
{
    UART(MCR) = LOOP | OUT2;
    UART(IER) = 1;
    levels();
    in_machine();
    in_supervisor(S);
    in_supervisor(U);
    UART(IER) = 0;
    while (UART(LSR) & READY)
        (void)UART(DATA);
    UART(MCR) = OUT2;
}
