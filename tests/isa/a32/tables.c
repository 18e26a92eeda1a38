/*
 * tables.c - translation tables of AArch32, in short and in long descriptors: what is mapped, who may, what faults tell.
 *
 * RAM and the UART are mapped as they are; TEST is a place of its own.
 */
#include "bare.h"

enum { TEST = 0x70000000, MIB = 1 << 20 };
static u32 first[4096] __attribute__((aligned(16384)));
static u32 second[256] __attribute__((aligned(1024)));
static u64 level1[4] __attribute__((aligned(32))), level2[512] __attribute__((aligned(4096)));
static u64 level3[512] __attribute__((aligned(4096)));
static u32 page[1024] __attribute__((aligned(4096))), other[1024] __attribute__((aligned(4096)));

static void flush(void)
{
    __asm__ volatile("dsb" : : : "memory");
    MCR(0, 8, 7, 0, 0);
    __asm__ volatile("dsb\n\tisb" : : : "memory");
}

static void mmu(u32 ttbcr, u32 ttbr0, u32 more)
{
    MCR(0, 2, 0, 2, ttbcr);
    MCR(0, 2, 0, 0, ttbr0);
    MCR(0, 3, 0, 0, 1); /* domain 0: client */
    flush();
    MCR(0, 1, 0, 0, MRC(0, 1, 0, 0) | 1 | more);
}

static void mmu_off(void)
{
    MCR(0, 1, 0, 0, MRC(0, 1, 0, 0) & ~(1u | 1u << 29));
    flush();
}

/* ---- Short ---------------------------------------------------------------------------------- */

static void set_page(u32 descriptor)
{
    second[0] = descriptor;
    flush();
}

static void short_descriptors(void)
{
    for (u32 i = 0; i < 4096; i++)
        first[i] = i << 20 | 0xc02 | (i >= 0x400 && i < 0x600 ? 0xc : 0x10);
    first[TEST / MIB] = (u32)second | 1;
    mmu(0, (u32)first, 0);
    page[0] = 0x1234;
    page[1] = 0xe12fff1e; /* bx lr */
    CHECK(raised_by_read(TEST), 16);
    CHECK(DFSR() & 0x40f, 7);
    CHECK(DFAR(), TEST);
    set_page((u32)page | 0x3e); /* AP 011 */
    CHECK(*(volatile u32 *)TEST, 0x1234);
    CHECK(raised_by_write(TEST + 8), 0);
    CHECK(page[2], TEST + 8);
    CHECK(fetch_at((void *)(TEST + 4)), 0);
    set_page((u32)page | 0x3f); /* XN */
    CHECK(fetch_at((void *)(TEST + 4)), 1);
    CHECK(IFSR() & 0x40f, 15);
    CHECK(IFAR(), TEST + 4);
    set_page((u32)page | 0x1e); /* AP 001 */
    CHECK(RAISED(in_user(user_read, TEST)), 8);
    CHECK(DFSR() & 0x40f, 15);
    set_page((u32)page | 0x21e); /* AP 101 */
    CHECK(raised_by_write(TEST), 16);
    CHECK(DFSR() & 0xc0f, 0x80f);
    first[TEST / MIB] |= 4 << 5; /* domain 4: no access, then manager */
    flush();
    CHECK(raised_by_read(TEST), 16);
    CHECK(DFSR() & 0x4ff, 0x4b);
    MCR(0, 3, 0, 0, 1 | 3 << 8);
    CHECK(raised_by_write(TEST), 0);
    MCR(0, 7, 8, 0, TEST);
    CHECK(MRC(0, 7, 4, 0) & ~0xfffu, page);
    MCR(0, 3, 0, 0, 1 | 1 << 8);
}

/* A page of one process: what another ASID and another table see. */
static void processes(void)
{
    second[0] = (u32)page | 0x83e;
    flush();
    other[0] = 0x5678;
    MCR(0, 13, 0, 1, 1);
    CHECK(*(volatile u32 *)(TEST + 4), 0xe12fff1e);
    second[0] = (u32)other | 0x83e;
    MCR(0, 13, 0, 1, 2);
    CHECK(*(volatile u32 *)TEST, 0x5678);
    MCR(0, 8, 7, 2, 1); /* TLBIASID */
    MCR(0, 13, 0, 1, 1);
    CHECK(*(volatile u32 *)TEST, 0x5678);
    second[0] = (u32)page | 0x83e;
    __asm__ volatile("dsb");
    MCR(0, 8, 7, 1, TEST | 1); /* TLBIMVA */
    CHECK(*(volatile u32 *)(TEST + 4), 0xe12fff1e);
    MCR(0, 13, 0, 1, 0);
}

/* Access flag, and a half of the space for TTBR1. */
static void control(void)
{
    MCR(0, 3, 0, 0, 1 | 1 << 8);
    MCR(0, 2, 0, 1, (u32)first);
    for (u32 i = 0; i < 2048; i++)
        first[2048 + i] = first[i];
    mmu(1, (u32)first, 1 << 29);
    MCR(0, 3, 0, 0, 1 | 1 << 8);
    set_page((u32)page | 0x02e); /* AP[0] clear: not accessed yet */
    CHECK(raised_by_read(TEST), 16);
    CHECK(DFSR() & 0x40f, 6);
    set_page((u32)page | 0x03e);
    CHECK(raised_by_read(TEST), 0);
    CHECK(*(volatile u32 *)(TEST + 0x80000004), 0xe12fff1e);
    MCR(0, 2, 0, 2, 1 | 1 << 5);
    flush();
    CHECK(raised_by_read(TEST + 0x80000000), 16);
    CHECK(DFSR() & 0x40f, 5);
    mmu_off();
}

/* ---- Long ----------------------------------------------------------------------------------- */

static void set_long(u64 descriptor)
{
    level3[0] = descriptor;
    flush();
}

static void long_descriptors(void)
{
    enum { NORMAL = 1 << 2, AF = 1 << 10, EL0 = 1 << 6, RO = 1 << 7, NG = 1 << 11 };
    level1[0] = 0x00000401;                        /* devices */
    level1[1] = (u32)level2 | 3;
    level2[0] = 0x40000000 | NORMAL | AF | EL0 | 1;
    level2[(TEST - 0x40000000) >> 21] = (u32)level3 | 3;
    MCR(0, 10, 2, 0, 0xff00);
    mmu(1u << 31, (u32)level1, 0);
    CHECK(raised_by_read(TEST), 16);
    CHECK(DFSR() & 0x23f, 0x207);
    CHECK(DFAR(), TEST);
    set_long((u32)page | NORMAL | AF | 3);
    CHECK(*(volatile u32 *)(TEST + 4), 0xe12fff1e);
    CHECK(fetch_at((void *)(TEST + 4)), 0);
    CHECK(RAISED(in_user(user_read, TEST)), 8);
    CHECK(DFSR() & 0x3f, 0x0f);
    set_long((u32)page | NORMAL | AF | RO | 3);
    CHECK(raised_by_write(TEST), 16);
    CHECK(DFSR() & 0xa3f, 0xa0f);
    set_long((u32)page | NORMAL | AF | 3 | 1ull << 53); /* PXN */
    CHECK(fetch_at((void *)(TEST + 4)), 1);
    CHECK(IFSR() & 0x3f, 0x0f);
    set_long((u32)page | NORMAL | 3);
    CHECK(raised_by_read(TEST), 16);
    CHECK(DFSR() & 0x3f, 0x0b);
    set_long((u32)other | NORMAL | AF | EL0 | NG | 3);
    MCRR(0, 2, (u64)3 << 48 | (u32)level1);
    CHECK(*(volatile u32 *)TEST, 0x5678);
    MCRR(0, 7, 0);
    MCR(0, 7, 8, 2, TEST); /* ATS1CUR: PAR has 64 bits */
    CHECK(MRC(0, 7, 4, 0) & 0xfffff801, (u32)other | 0x800);
    mmu_off();
}

int main(void)
{
    MCR(0, 1, 0, 0, MRC(0, 1, 0, 0) & ~0x1002u);
    short_descriptors();
    processes();
    control();
    long_descriptors();
    put("ok\n");
    return 0;
}
