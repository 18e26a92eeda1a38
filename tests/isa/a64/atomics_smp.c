/*
 * atomics_smp.c - eight CPUs on the same words: exclusives of every size, pairs of 128 bits, LSE, CASP, misaligned ones
 * within 16 bytes (LSE2), swaps that pass tokens on, a lock by each of them; CPU_ON, OFF and AFFINITY_INFO of all.
 * smp: 8
 */
// options: -M virt -cpu max
// march: armv8.4-a
#include "bare.h"

enum { CPUS = 8, ROUNDS = 300 };
static u64 l1[512] PAGE_ALIGNED;
static struct {
    u64 exclusive64, lse64, cas64, stx_pair[2] __attribute__((aligned(16)));
    u64 casp[2] __attribute__((aligned(16)));
    unsigned exclusive32, lse32;
    unsigned short exclusive16[2], lse16[2];
    unsigned char exclusive8[4], lse8[4];
    u64 misaligned[4] __attribute__((aligned(16)));
    u64 set, clear, eor, max, min, guarded, lock_x, lock_s, tickets[2];
    u64 token;
} v PAGE_ALIGNED;
static u64 started, done, tokens_seen;

#define LOOP_EXCLUSIVE(type, ld, st, reg)                                                                              \
    static void add_##ld(volatile type *p)                                                                             \
    {                                                                                                                  \
        u64 t;                                                                                                         \
        unsigned failed;                                                                                               \
        __asm__ volatile("1: " #ld " %" reg "0, [%2]\n add %0, %0, #1\n " #st " %w1, %" reg "0, [%2]\n cbnz %w1, 1b"     \
                         : "=&r"(t), "=&r"(failed)                                                                     \
                         : "r"(p)                                                                                      \
                         : "memory");                                                                                  \
    }
LOOP_EXCLUSIVE(u64, ldxr, stxr, "x")
LOOP_EXCLUSIVE(unsigned, ldaxr, stlxr, "w")
LOOP_EXCLUSIVE(unsigned short, ldxrh, stlxrh, "w")
LOOP_EXCLUSIVE(unsigned char, ldaxrb, stxrb, "w")

static void add_pair(u64 *p)
{
    u64 a, b;
    unsigned failed;
    __asm__ volatile("1: ldaxp %0, %1, [%3]\n add %0, %0, #1\n sub %1, %1, #1\n stlxp %w2, %0, %1, [%3]\n cbnz %w2, 1b"
                     : "=&r"(a), "=&r"(b), "=&r"(failed)
                     : "r"(p)
                     : "memory");
    if (a + b != 0)
        fail("a pair was torn");
}

static void add_casp(u64 *p)
{
    register u64 x0 __asm__("x0") = 0;
    register u64 x1 __asm__("x1") = 0;
    register u64 x2 __asm__("x2");
    register u64 x3 __asm__("x3");
    u64 seen0, seen1;
    do {
        seen0 = x0;
        seen1 = x1;
        x2 = x0 + 1;
        x3 = x1 - 3;
        __asm__ volatile("caspal x0, x1, x2, x3, [%4]" : "+r"(x0), "+r"(x1) : "r"(x2), "r"(x3), "r"(p) : "memory");
    } while (x0 != seen0 || x1 != seen1);
    if (x1 + 3 * x0 != 0)
        fail("casp was torn");
}

static void add_cas(u64 *p)
{
    u64 seen = __atomic_load_n(p, __ATOMIC_RELAXED), now;
    for (;;) {
        now = seen;
        __asm__ volatile("casal %0, %1, [%2]" : "+r"(now) : "r"(seen + 1), "r"(p) : "memory");
        if (now == seen)
            return;
        seen = now;
    }
}

/* LSE2: at any place within 16 bytes, one access. */
static void add_misaligned(u64 cpu)
{
    u64 offset = cpu & 1 ? 3 : 19;
    char *p = (char *)v.misaligned + offset;
    __asm__ volatile("ldaddal %0, xzr, [%1]" ::"r"(1ul), "r"(p) : "memory");
}

static void under_lock(u64 cpu)
{
    u64 t;
    unsigned failed;
    if (cpu & 1) {
        __asm__ volatile("1: ldaxr %0, [%2]\n cbnz %0, 1b\n stxr %w1, %3, [%2]\n cbnz %w1, 1b"
                         : "=&r"(t), "=&r"(failed)
                         : "r"(&v.lock_x), "r"(1ul)
                         : "memory");
    } else {
        do
            __asm__ volatile("swpa %2, %0, [%1]" : "=r"(t) : "r"(&v.lock_x), "r"(1ul) : "memory");
        while (t);
    }
    u64 before = v.guarded;
    v.guarded = before + 1;
    if (*(volatile u64 *)&v.guarded != before + 1)
        fail("two had the lock");
    __asm__ volatile("stlr xzr, [%0]" ::"r"(&v.lock_x) : "memory");
}

/* A token that only its owner passes on: SWP must neither lose nor double it. */
static void pass_token(void)
{
    u64 mine = 0;
    __asm__ volatile("swpal %1, %0, [%2]" : "=r"(mine) : "r"(0ul), "r"(&v.token) : "memory");
    if (mine) {
        __atomic_add_fetch(&tokens_seen, 1, __ATOMIC_RELAXED);
        __asm__ volatile("swpal %1, %0, [%2]" : "=r"(mine) : "r"(mine + 1), "r"(&v.token) : "memory");
        if (mine)
            fail("there are two tokens");
    }
}

#define LSE(op, suffix, reg, p, value) \
    __asm__ volatile(op " %" reg "0, " reg "zr, [%1]" ::"r"(value), "r"(p) : "memory")

static void round_of(u64 cpu, u64 n)
{
    add_ldxr(&v.exclusive64);
    add_ldaxr(&v.exclusive32);
    add_ldxrh(&v.exclusive16[1]);
    add_ldaxrb(&v.exclusive8[3]);
    add_pair(v.stx_pair);
    add_casp(v.casp);
    add_cas(&v.cas64);
    add_misaligned(cpu);
    under_lock(cpu);
    pass_token();
    LSE("ldadd", "", "x", &v.lse64, 1ul);
    LSE("ldaddl", "", "w", &v.lse32, 1u);
    LSE("ldaddh", "", "w", &v.lse16[1], 1u);
    LSE("ldaddalb", "", "w", &v.lse8[2], 1u);
    LSE("ldset", "", "x", &v.set, 1ul << (n % 64));
    LSE("ldclr", "", "x", &v.clear, 1ul << (n % 64));
    LSE("ldeor", "", "x", &v.eor, 1ul << cpu);
    LSE("ldumax", "", "x", &v.max, n * CPUS + cpu);
    LSE("ldsmin", "", "x", &v.min, -(n * CPUS + cpu));
}

static void expect(u64 got, u64 want, const char *why)
{
    if (got != want)
        fail(why);
}

static void check_sums(void)
{
    const u64 all = CPUS * ROUNDS;
    expect(v.exclusive64, all, "ldxr, stxr");
    expect(v.exclusive32, all, "ldaxr, stlxr of words");
    expect(v.exclusive16[1], all & 0xffff, "ldxrh, stlxrh");
    expect(v.exclusive16[0], 0, "ldxrh, stlxrh next to it");
    expect(v.exclusive8[3], all & 0xff, "ldaxrb, stxrb");
    expect(v.exclusive8[0] | v.exclusive8[1] | v.exclusive8[2], 0, "ldaxrb, stxrb next to it");
    expect(v.stx_pair[0], all, "ldaxp, stlxp");
    expect(v.casp[0], all, "casp");
    expect(v.cas64, all, "cas");
    expect(*(u64 *)((char *)v.misaligned + 3), all / 2, "misaligned ldadd");
    expect(*(u64 *)((char *)v.misaligned + 19), all / 2, "misaligned ldadd");
    expect(v.guarded, all, "a lock");
    expect(v.token, 1 + tokens_seen, "tokens");
    expect(v.lse64, all, "ldadd");
    expect(v.lse32, all, "ldadd of words");
    expect(v.lse16[1], all & 0xffff, "ldaddh");
    expect(v.lse8[2], all & 0xff, "ldaddb");
    expect(v.set, ~0ul, "ldset");
    expect(v.clear, 0, "ldclr");
    expect(v.eor, ROUNDS & 1 ? 0xff : 0, "ldeor");
    expect(v.max, ROUNDS * CPUS + CPUS - 1, "ldumax");
    expect(v.min, -(ROUNDS * CPUS + CPUS - 1ul), "ldsmin");
}

static void barrier(u64 *count, u64 n)
{
    __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(count, __ATOMIC_SEQ_CST) < n)
        ;
}

void run(u64 cpu)
{
    if (cpu == 0) {
        map_low(l1);
        v.clear = ~0ul;
        v.token = 1;
        for (u64 i = 1; i < CPUS; i++)
            start_cpu(i);
    }
    mmu_on(l1);
    barrier(&started, CPUS);
    for (u64 n = 1; n <= ROUNDS; n++)
        round_of(cpu, n);
    barrier(&done, CPUS);
    if (cpu == 0)
        check_sums();
}
