/*
 * rv_region.c - loops of several blocks, which a translator may make one piece with registers of its own: values that
 * change places at each turn, nested loops, calls and returns, two pages, a fault in the middle, interrupts at any place,
 * code that is overwritten while another hart goes round in it, and a page that becomes another one meanwhile.
 */
// smp: 2
#include "test.h"

const char test_name[] = "rv_region";

/* Three values rotate, two are exchanged, on ways that depend on the data. */
static void changing_places(void)
{
    word a = 1, b = 2, c = 3, d = 4, e = 5, n = 600, t = 0;
    __asm__ volatile("1: andi %6, %5, 1\n"
                     "beqz %6, 2f\n"
                     "mv %6, %0\nmv %0, %1\nmv %1, %2\nmv %2, %6\n"
                     "j 3f\n"
                     "2: mv %6, %3\nmv %3, %4\nmv %4, %6\n"
                     "andi %6, %5, 2\n"
                     "bnez %6, 3f\n"
                     "xor %0, %0, %3\nxor %3, %0, %3\nxor %0, %0, %3\n"
                     "3: addi %0, %0, 1\n"
                     "addi %5, %5, -1\n"
                     "bnez %5, 1b\n"
                     : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(n), "=&r"(t));
    word x = 1, y = 2, z = 3, u = 4, v = 5;
    for (volatile word i = 600; i; i--) {
        word w = x;
        if (i & 1) {
            x = y, y = z, z = w;
        } else {
            w = u, u = v, v = w;
            if (!(i & 2))
                w = x, x = u, u = w;
        }
        x++;
    }
    CHECK(a, x);
    CHECK(b, y);
    CHECK(c, z);
    CHECK(d, u);
    CHECK(e, v);
}

static __attribute__((noinline)) word ackermann(word m, word n)
{
    if (!m)
        return n + 1;
    return ackermann(m - 1, n ? ackermann(m, n - 1) : 1);
}

static __attribute__((noinline)) word collatz(word n)
{
    word steps = 0;
    for (; n != 1; steps++)
        n = n & 1 ? 3 * n + 1 : n / 2;
    return steps;
}

static void calls(void)
{
    word sum = 0;
    for (word i = 1; i < 400; i++)
        sum += collatz(i) + (i & 7 ? 0 : collatz(i + 1));
    CHECK(sum, 23043);
    CHECK(ackermann(2, 30), 63);
}

typedef word (*code_fn)(void);

/* A loop of two pages: counts a0 up to a1 by `step`, which is on the second page; the result is the number of turns. */
static u32 jump(u8 *from, u8 *to)
{
    u32 away = (u32)(to - from);
    return (away & 0xff000) | (away >> 11 & 1) << 20 | (away >> 1 & 0x3ff) << 21 | (away >> 20 & 1) << 31 | 0x6f;
}

static u32 add_a0(unsigned step)
{
    return step << 20 | 0x50513;
}

static void write_pages(u8 *from, u8 *to, unsigned step)
{
    u32 *p = (u32 *)from, *q = (u32 *)to;
    p[0] = jump(from, to);
    p[1] = 0xfeb51ee3; /* bne a0, a1, p */
    p[2] = 0x60513;    /* mv a0, a2 */
    p[3] = 0x8067;     /* ret */
    q[0] = add_a0(step);
    q[1] = 0x160613; /* addi a2, a2, 1 */
    q[2] = jump(to + 8, from + 4);
}

typedef word count_fn(word from, word to, word turns);

static word count_at(word code)
{
    return ((count_fn *)code)(0, 3000, 0);
}

static void two_pages(void)
{
    write_pages(page[0], page[1], 1);
    fence_i();
    CHECK(count_at((word)page[0]), 3000);
    for (unsigned step = 2; step < 7; step++) { /* only the second page changes */
        ((u32 *)page[1])[0] = add_a0(step == 4 ? 3 : step);
        fence_i();
        CHECK(count_at((word)page[0]), step == 4 ? 1000 : 3000 / step);
    }
}

static void another_page(void)
{
    const struct paging *mode = RV64 ? &sv39 : &sv32;
    word *root = paging_new(mode, PTE_RWX), va = 0x40000000;
    write_pages(page[0], page[1], 1);
    write_pages(page[2], page[3], 3);
    fence_i();
    *paging_entry(mode, root, va, 0) = pte(page[0], PTE_RWX);
    paging_on(mode, root);
    for (unsigned i = 0; i < 20; i++) {
        *paging_entry(mode, root, va + 4096, 0) = pte(page[i & 1 ? 3 : 1], PTE_RWX);
        sfence();
        CHECK(try(S, count_at, va), NO_TRAP);
        CHECK(result, i & 1 ? 1000 : 3000);
    }
    paging_off();
}

/* The fault is in the 700th turn; the handler skips the load. */
static void fault_inside(void)
{
    word n = 1000, sum = 0, at = (word)page[4], bad = 4, got = 0;
    *(volatile word *)page[4] = 7;
    machine.count = 0;
    __asm__ volatile("li t0, 300\n"
                     "1: addi %0, %0, -1\n"
                     "mv t1, %2\n"
                     "bne %0, t0, 2f\n"
                     "mv t1, %4\n"
                     "li %3, 55\n"
                     "2: add %1, %1, %0\n"
                     "lw %3, (t1)\n"
                     "add %1, %1, %3\n"
                     "bnez %0, 1b\n"
                     : "+r"(n), "+r"(sum), "+r"(at), "+r"(got)
                     : "r"(bad)
                     : "t0", "t1", "memory");
    CHECK(machine.count, 1);
    CHECK(machine.cause, LOAD_ACCESS);
    CHECK(machine.value, 4);
    CHECK(sum, 999 * 500 + 999 * 7 + 55);
    CHECK(got, 7);
    machine.count = 0;
}

static volatile u32 ticks;

static void on_tick(word *frame)
{
    (void)frame;
    ticks++;
    mtimecmp(0, 0);
    mtimecmp(0, ticks < 200 ? mtime() + 20 : ~UINT64_C(0));
}

static void interrupted(void)
{
    machine_hook = on_tick;
    mtimecmp(0, mtime() + 20);
    csr_set(mie, 1 << 7);
    csr_set(mstatus, MSTATUS_MIE);
    while (ticks < 200)
        changing_places();
    csr_clear(mstatus, MSTATUS_MIE);
    csr_clear(mie, 1 << 7);
    machine_hook = 0;
    CHECK(ticks, 200);
}

/* Hart 1 goes round in blocks without end; hart 0 overwrites the jump back. */
static volatile u32 running;

static void overwritten(unsigned hart)
{
    if (hart == 0) {
        while (!__atomic_load_n(&running, __ATOMIC_ACQUIRE))
            relax();
        for (volatile unsigned i = 0; i < 20000; i++)
            ;
        __atomic_store_n((u32 *)(page[6] + 12), 0x8067, __ATOMIC_RELEASE); /* ret */
    } else {
        __atomic_store_n(&running, 1, __ATOMIC_RELEASE);
        ((code_fn)(word)page[6])();
    }
}

static void write_endless(void)
{
    u32 *p = (u32 *)page[6];
    p[0] = 0x150513; /* addi a0, a0, 1 */
    p[1] = 0x157293; /* andi t0, a0, 1 */
    p[2] = 0xfe028ce3; /* beqz t0, p */
    p[3] = 0xff5ff06f; /* j p */
    fence_i();
    on_harts(2, overwritten);
}

void test_run(void)
{
    changing_places();
    calls();
    two_pages();
    another_page();
    fault_inside();
    interrupted();
    write_endless();
}
