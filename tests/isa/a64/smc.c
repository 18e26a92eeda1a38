/*
 * smc.c - code that changes, with DC CVAU, IC IVAU and IC IALLU: a function again and again, one over two pages of which
 * only the second changes, through another mapping of the page, and the instructions behind the store itself.
 */
// options: -M virt -cpu cortex-a72
#include "bare.h"

typedef unsigned u32;
enum { ROUNDS = 400, MOV_X0 = 0xd2800000, ADD_X0 = 0x91000000, RET = 0xd65f03c0, NOP = 0xd503201f, ALIAS = 0x80000000 };
static u64 l1[512] PAGE_ALIGNED, l2[512] PAGE_ALIGNED, l3[512] PAGE_ALIGNED;
static u32 code[2048] PAGE_ALIGNED;

static void clean(const u32 *at)
{
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(at) : "memory");
}

static u64 call(const u32 *at)
{
    return ((u64(*)(void))at)();
}

static void expect(u64 got, u64 want, const char *why)
{
    if (got != want)
        fail(why);
}

/* The store changes what comes three instructions later. */
static u64 patch_ahead(u32 *at)
{
    at[0] = 0xb9000801; /* str w1, [x0, #8] */
    at[1] = 0xd5033fdf; /* isb */
    at[2] = MOV_X0 | 5 << 5;
    at[3] = RET;
    __asm__ volatile("dsb ish; ic ialluis; dsb ish; isb" ::: "memory");
    register u64 x0 __asm__("x0") = (u64)at;
    register u64 x1 __asm__("x1") = MOV_X0 | 77 << 5;
    __asm__ volatile("blr %2" : "+r"(x0) : "r"(x1), "r"(at) : "x30", "memory");
    return x0;
}

void run(u64 cpu)
{
    map_low(l1);
    l1[2] = (u64)l2 | 3;
    l2[0] = (u64)l3 | 3;
    l3[0] = (u64)code | 0x703;
    l3[1] = ((u64)code + 4096) | 0x703;
    mmu_on(l1);
    for (u32 n = 1; n <= ROUNDS + cpu; n++) {
        u32 *at = &code[n & 31];
        at[0] = MOV_X0 | n << 5;
        at[1] = RET;
        clean(at);
        clean(at + 1);
        expect(call(at), n, "a function that changed");
        at[0] = MOV_X0 | (n + 1) << 5;
        __asm__ volatile("dsb ish; ic iallu; dsb ish; isb" ::: "memory");
        expect(call(at), n + 1, "a function that changed, IALLU");
    }
    u32 *end = &code[1022], *alias = (u32 *)ALIAS + 1022;
    end[0] = MOV_X0 | 100 << 5;
    end[1] = NOP;
    end[3] = RET;
    for (u32 n = 0; n < ROUNDS; n++) {
        u32 *at = n & 1 ? alias : end;
        end[2] = ADD_X0 | n << 10;
        clean(end);
        clean(end + 2);
        expect(call(at), 100 + n, "code over two pages");
        alias[2] = ADD_X0 | (n + 1) << 10;
        clean(alias + 2);
        expect(call(at), 101 + n, "code over two pages, changed through another mapping");
        expect(call(n & 1 ? end : alias), 101 + n, "the other mapping");
    }
    for (u32 n = 0; n < 8; n++)
        expect(patch_ahead(&code[64]), 77, "code behind the store");
}
