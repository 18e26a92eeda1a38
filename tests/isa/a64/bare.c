/*
 * bare.c - see bare.h.
 */
#include "bare.h"

extern char _start[];

static void put(const char *s)
{
    for (; *s; s++)
        *(volatile unsigned *)0x09000000 = (unsigned char)*s;
}

static void put_hex(u64 v)
{
    char text[18] = " ................";
    for (int i = 0; i < 16; i++)
        text[16 - i] = "0123456789abcdef"[v >> (4 * i) & 15];
    text[17] = 0;
    put(text);
}

static u64 hvc(u64 function, u64 a, u64 b, u64 c)
{
    register u64 x0 __asm__("x0") = function;
    register u64 x1 __asm__("x1") = a;
    register u64 x2 __asm__("x2") = b;
    register u64 x3 __asm__("x3") = c;
    __asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}

static void power_off(void)
{
    hvc(0x84000008, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}

void fail(const char *why)
{
    put("bad: ");
    put(why);
    put("\n");
    power_off();
    __builtin_unreachable();
}

void unexpected(u64 esr, u64 elr, u64 far)
{
    put_hex(esr);
    put_hex(elr);
    put_hex(far);
    fail(" exception");
}

void start_cpu(u64 n)
{
    if (hvc(0xc4000003, n, (u64)_start, 0))
        fail("CPU_ON");
}

void map_low(u64 *l1)
{
    l1[0] = 0x401 | 1 << 2 | 1ul << 54;
    l1[1] = 0x40000000 | 0x701;
}

void mmu_on(const u64 *l1)
{
    u64 tcr = 25 | 1ul << 23 | 2ul << 32 | 1 << 8 | 1 << 10 | 3 << 12, sctlr;
    __asm__ volatile(
        "msr mair_el1, %0; msr tcr_el1, %1; msr ttbr0_el1, %2; isb; tlbi vmalle1; dsb sy; isb" ::
            "r"(0xfful),
        "r"(tcr), "r"(l1));
    __asm__ volatile("mrs %0, sctlr_el1" : "=r"(sctlr));
    __asm__ volatile("msr sctlr_el1, %0; isb" ::"r"(sctlr | 1 | 4 | 1 << 12));
}

void main_of(u64 cpu)
{
    run(cpu);
    if (cpu)
        for (;;)
            __asm__ volatile("wfi");
    put("ok\n");
    power_off();
}
