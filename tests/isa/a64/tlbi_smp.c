/*
 * tlbi_smp.c - TLB maintenance that is broadcast: each CPU remaps its page again and again, and
 * tells the others when its DSB is done; from then on none may read the old page.
 * smp: 4
 */
#include "bare.h"

enum { CPUS = 4, ROUNDS = 4000 };
static u64 l1[512] PAGE_ALIGNED, l2[512] PAGE_ALIGNED, l3[512] PAGE_ALIGNED;
static u64 pages[CPUS][2][512] PAGE_ALIGNED;
static u64 promised[CPUS], started;

static u64 page_of(u64 cpu)
{
    return 0x80000000 + cpu * 4096;
}

static void check_others(void)
{
    for (u64 k = 0; k < CPUS; k++) {
        u64 at_least = __atomic_load_n(&promised[k], __ATOMIC_ACQUIRE);
        if (*(volatile u64 *)page_of(k) < at_least)
            fail("an old page was read");
    }
}

static void remap(u64 cpu, u64 n)
{
    u64 *page = pages[cpu][n & 1];
    *(volatile u64 *)page = n;
    __atomic_store_n(&l3[cpu], (u64)page | 0x703, __ATOMIC_RELEASE);
    __asm__ volatile("dsb ishst; tlbi vae1is, %0; dsb ish; isb" ::"r"(page_of(cpu) >> 12)
                     : "memory");
    __atomic_store_n(&promised[cpu], n, __ATOMIC_RELEASE);
}

void run(u64 cpu)
{
    if (cpu == 0) {
        map_low(l1);
        l1[2] = (u64)l2 | 3;
        l2[0] = (u64)l3 | 3;
        for (u64 i = 0; i < CPUS; i++)
            l3[i] = (u64)pages[i][0] | 0x703;
        for (u64 i = 1; i < CPUS; i++)
            start_cpu(i);
    }
    mmu_on(l1);
    __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&started, __ATOMIC_SEQ_CST) < CPUS)
        ;
    for (u64 n = 1; n <= ROUNDS; n++) {
        check_others();
        remap(cpu, n);
    }
    __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
    while (cpu == 0 && __atomic_load_n(&started, __ATOMIC_SEQ_CST) < 2 * CPUS)
        ;
}
