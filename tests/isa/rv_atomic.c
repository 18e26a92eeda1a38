/*
 * rv_atomic.c - read-modify-write, compare-and-swap and lr/sc of every size (unprivileged manual, "A", "Zacas"): values,
 * sign extension, neighbours, what ends a reservation, what a refused access leaves alone.
 */
#include "alu.h"

const char test_name[] = "rv_atomic";

typedef int64_t s64;

/* ---- Read-modify-write ---- */
static u64 cell[3] __attribute__((aligned(64)));

static s64 widen(u64 v, unsigned size)
{
    return size == 4 ? (int)(u32)v : (s64)v;
}

#define AMO(name, size, letter)                                                                    \
    static word do_##name##size(word v)                                                            \
    {                                                                                              \
        __asm__ volatile("amo" #name "." letter " %0, %0, (%1)" : "+r"(v) : "r"(&cell[1]) : "memory"); \
        return v;                                                                                  \
    }
#if __riscv_xlen == 64
#define BOTH(name) AMO(name, 4, "w") AMO(name, 8, "d")
#define ROW(name) {do_##name##4, new_##name, 4}, {do_##name##8, new_##name, 8}
#else
#define BOTH(name) AMO(name, 4, "w")
#define ROW(name) {do_##name##4, new_##name, 4}
#endif
BOTH(swap) BOTH(add) BOTH(xor) BOTH(and) BOTH(or) BOTH(min) BOTH(max) BOTH(minu) BOTH(maxu)

static u64 new_swap(u64 m, u64 v, unsigned size) { (void)m, (void)size; return v; }
static u64 new_add(u64 m, u64 v, unsigned size) { (void)size; return m + v; }
static u64 new_xor(u64 m, u64 v, unsigned size) { (void)size; return m ^ v; }
static u64 new_and(u64 m, u64 v, unsigned size) { (void)size; return m & v; }
static u64 new_or(u64 m, u64 v, unsigned size) { (void)size; return m | v; }
static u64 new_min(u64 m, u64 v, unsigned size) { return widen(m, size) < widen(v, size) ? m : v; }
static u64 new_max(u64 m, u64 v, unsigned size) { return widen(m, size) < widen(v, size) ? v : m; }
static u64 cut(u64 v, unsigned size) { return size == 4 ? (u32)v : v; }
static u64 new_minu(u64 m, u64 v, unsigned size) { return cut(m, size) < cut(v, size) ? m : v; }
static u64 new_maxu(u64 m, u64 v, unsigned size) { return cut(m, size) < cut(v, size) ? v : m; }

static const struct {
    op1 *run;
    u64 (*becomes)(u64 memory, u64 v, unsigned size);
    unsigned size;
} rows[] = {ROW(swap), ROW(add), ROW(xor), ROW(and), ROW(or), ROW(min), ROW(max), ROW(minu), ROW(maxu)};

static void one(unsigned i, u64 memory, word v)
{
    const u64 left = UINT64_C(0x1122334455667788), right = UINT64_C(0x99aabbccddeeff00);
    unsigned size = rows[i].size;
    u64 keep = size == 4 ? ~(u64)0 << 32 : 0; /* the word after it */
    cell[0] = left, cell[1] = memory, cell[2] = right;
    CHECK_WORD(rows[i].run(v), widen(memory, size));
    CHECK(cell[1], (memory & keep) | (rows[i].becomes(memory, v, size) & ~keep));
    CHECK(cell[0] ^ cell[2], left ^ right);
}

static void amos(void)
{
    u64 state = 3;
    for (unsigned i = 0; i < COUNT(rows); i++) {
        for (unsigned a = 0; a < CORNERS; a++)
            for (unsigned b = a % 3; b < CORNERS; b += 3)
                one(i, corners[a] ^ (u64)0x5a << 33, corners[b]);
        for (unsigned n = 0; n < 20; n++)
            one(i, random_next(&state), (word)random_next(&state));
    }
    /* no result wanted, address and value in one register, the bits for order */
    cell[1] = 5;
    word p = (word)&cell[1];
    __asm__ volatile("amoadd.w x0, %0, (%0)\namoadd.w.aq x0, %1, (%0)\namoadd.w.rl x0, %1, (%0)\n"
                     "amoadd.w.aqrl x0, %1, (%0)" ::"r"(p), "r"(1) : "memory");
    CHECK((u32)cell[1], (u32)(p + 8));
    __asm__ volatile("amoswap.w %0, %1, (%0)" : "+r"(p) : "r"(7) : "memory");
    CHECK_WORD(p, low32((word)&cell[1] + 8));
    CHECK((u32)cell[1], 7);
}

/* ---- Compare and swap ---- */
#define CAS(name, funct3)                                                                          \
    static word name(word expected, word desired)                                                  \
    {                                                                                              \
        register word a0 __asm__("a0") = expected;                                                 \
        register word a2 __asm__("a2") = desired;                                                  \
        register u64 *a4 __asm__("a4") = &cell[1];                                                 \
        __asm__ volatile(".insn r 0x2f, " #funct3 ", 0x14, a0, a4, a2"                             \
                         : "+r"(a0) : "r"(a2), "r"(a4) : "memory");                                \
        return a0;                                                                                 \
    }
CAS(cas32, 2)
#if __riscv_xlen == 64
CAS(cas64, 3)
#endif

struct pair {
    word low, high;
};

/* Two registers: amocas.d on 32 bits, amocas.q on 64. */
static struct pair cas_pair(struct pair expected, struct pair desired, void *at)
{
    register word a0 __asm__("a0") = expected.low;
    register word a1 __asm__("a1") = expected.high;
    register word a2 __asm__("a2") = desired.low;
    register word a3 __asm__("a3") = desired.high;
    register void *a4 __asm__("a4") = at;
#if __riscv_xlen == 64
    __asm__ volatile(".insn r 0x2f, 4, 0x14, a0, a4, a2" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4) : "memory");
#else
    __asm__ volatile(".insn r 0x2f, 3, 0x14, a0, a4, a2" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4) : "memory");
#endif
    return (struct pair){a0, a1};
}

static word cas_odd(word a)
{
    (void)a;
#if __riscv_xlen == 64
    __asm__ volatile(".insn r 0x2f, 4, 0x14, a1, a4, a2" ::: "a1", "a2", "memory");
#else
    __asm__ volatile(".insn r 0x2f, 3, 0x14, a0, a4, a3" ::: "a0", "a1", "memory");
#endif
    return 0;
}

static void compare_and_swap(void)
{
    cell[1] = UINT64_C(0x1234567880000001);
    CHECK_WORD(cas32(low32(0x80000001), 55), low32(0x80000001)); /* the same */
    CHECK(cell[1], UINT64_C(0x1234567800000037));
    CHECK_WORD(cas32(56, 99), 55); /* another */
    CHECK(cell[1], UINT64_C(0x1234567800000037));
    CHECK(cas32((word)UINT64_C(0xabcdef0000000037), 3), 55); /* only the low word counts */
    CHECK((u32)cell[1], 3);
#if __riscv_xlen == 64
    CHECK(cas64(4, 77), UINT64_C(0x1234567800000003));
    CHECK(cell[1], UINT64_C(0x1234567800000003));
    CHECK(cas64(UINT64_C(0x1234567800000003), 77), UINT64_C(0x1234567800000003));
    CHECK(cell[1], 77);
#endif
    volatile struct pair *p = (volatile struct pair *)page[0];
    for (unsigned differs = 0; differs < 4; differs++) {
        p->low = 10, p->high = TOP + 1;
        p[1].low = 0x55;
        struct pair expected = {10 ^ (differs & 1), (TOP + 1) ^ (differs & 2)};
        struct pair old = cas_pair(expected, (struct pair){TOP + 20, 21}, page[0]);
        CHECK(old.low, 10);
        CHECK_WORD(old.high, TOP + 1);
        CHECK_WORD(p->low, differs ? 10 : TOP + 20);
        CHECK_WORD(p->high, differs ? TOP + 1 : 21);
        CHECK(p[1].low, 0x55);
    }
    CHECK(try(M, cas_odd, 0), ILLEGAL); /* pairs begin with an even register */
}

/* ---- Reservations ---- */
static word linked(void *p)
{
    word v;
    __asm__ volatile("lr.w %0, (%1)" : "=r"(v) : "r"(p) : "memory");
    return v;
}

static word conditional(void *p, word v)
{
    word failed;
    __asm__ volatile("sc.w %0, %1, (%2)" : "=&r"(failed) : "r"(v), "r"(p) : "memory");
    return failed;
}

static void reservations(void)
{
    volatile u32 *p = (volatile u32 *)page[1], *q = (volatile u32 *)page[2];
    *p = 0x80000005;
    *q = 6;
    CHECK_WORD(linked(page[1]), low32(0x80000005));
    CHECK(conditional(page[1], 9), 0);
    CHECK(*p, 9);
    CHECK(conditional(page[1], 10) != 0, 1); /* used up */
    CHECK(*p, 9);
    linked(page[1]);
    CHECK(conditional(page[2], 11) != 0, 1); /* elsewhere: fails, and ends it */
    CHECK(*q, 6);
    CHECK(conditional(page[1], 11) != 0, 1);
    CHECK(*p, 9);
    linked(page[1]);
    linked(page[2]); /* the later one holds */
    CHECK(conditional(page[1], 12) != 0, 1);
    CHECK(*p, 9);
    linked(page[2]);
    CHECK(conditional(page[2], 13), 0);
    CHECK(*q, 13);
    /* the result is not wanted; value and result in one register; the bits for order */
    u32 v = 20;
    __asm__ volatile("lr.w.aq x0, (%1)\nsc.w.rl x0, %0, (%1)" : "+r"(v) : "r"(p) : "memory");
    CHECK(*p, 20);
    v = 21;
    __asm__ volatile("lr.w.aqrl x0, (%1)\nsc.w.aqrl %0, %0, (%1)" : "+r"(v) : "r"(p) : "memory");
    CHECK(v, 0);
    CHECK(*p, 21);
#if __riscv_xlen == 64
    *(volatile u64 *)p = UINT64_C(0x123456789abcdef0);
    word wide;
    __asm__ volatile("lr.d %0, (%1)\naddi %0, %0, 1\nsc.d %0, %0, (%1)" : "=&r"(wide) : "r"(p) : "memory");
    CHECK(wide, 0);
    CHECK(*(volatile u64 *)p, UINT64_C(0x123456789abcdef1));
#endif
    /* other sizes than what was reserved may do or not: memory and result agree */
    *(volatile u64 *)p = 0;
    linked(page[1]);
    word failed = conditional(page[1] + 4, 3);
    CHECK(p[1], failed ? 0 : 3);
    CHECK(p[0], 0);
}

/* A constrained loop of sixteen instructions ends, whatever the engine does between them. */
static void constrained(void)
{
    u32 v, failed, n = 0;
    *(volatile u32 *)page[3] = 0;
    for (unsigned i = 0; i < 500; i++) {
        __asm__ volatile("1: lr.w %0, (%3)\naddi %2, %2, 1\naddi %0, %0, 1\nxori %0, %0, 1\nxori %0, %0, 1\nnop\nnop\n"
                         "bltz %0, 2f\nnop\nnop\nslli t0, %0, 0\nor %0, t0, %0\nnop\nsc.w %1, %0, (%3)\nbnez %1, 1b\n2:"
                         : "=&r"(v), "=&r"(failed), "+r"(n) : "r"(page[3]) : "t0", "memory");
    }
    CHECK(*(volatile u32 *)page[3], 500);
    CHECK(n < 1000, 1); /* and not by luck */
}

/* ---- Refusals ---- */
static word sc_pair(word va)
{
    word r;
    __asm__ volatile("lr.w %0, (%1)\nsc.w %0, %0, (%1)" : "=&r"(r) : "r"(va) : "memory");
    return r;
}

static word cas_at(word va)
{
    register word a0 __asm__("a0") = va;
    register word a1 __asm__("a1") = 1;
    __asm__ volatile(".insn r 0x2f, 2, 0x14, a1, a0, a1" : "+r"(a1) : "r"(a0) : "memory");
    return a1;
}

static void refused(void)
{
    const struct paging *mode = RV64 ? &sv48 : &sv32;
    word *root = paging_new(mode, PTE_RWX), va = 0x40000000;
    menvcfg_set(menvcfg_get() & ~ENVCFG_ADUE);
    *(volatile u32 *)page[4] = 44;
    *paging_entry(mode, root, va, 0) = pte(page[4], PTE_V | PTE_R | PTE_A | PTE_D);
    *paging_entry(mode, root, va + 4096, 0) = pte(page[4], PTE_V | PTE_R | PTE_W | PTE_A); /* not dirty */
    paging_on(mode, root);
    for (word at = va; at < va + 0x3000; at += 4096) {
        CHECK(try(S, do_amo, at), STORE_PAGE); /* never a load's fault */
        CHECK(machine.value, at);
        CHECK(try(S, cas_at, at), STORE_PAGE); /* whether or not it compares equal */
        CHECK(machine.value, at);
        CHECK(try(S, do_lr, at), at < va + 0x2000 ? NO_TRAP : LOAD_PAGE);
        CHECK(try(S, sc_pair, at), at < va + 0x2000 ? STORE_PAGE : LOAD_PAGE);
        CHECK(machine.value, at);
    }
    CHECK(*(volatile u32 *)page[4], 44);
    menvcfg_set(menvcfg_get() | ENVCFG_ADUE);
    volatile word *entry = paging_entry(mode, root, va + 4096, 0);
    CHECK(try(S, do_lr, va + 4096), NO_TRAP);
    CHECK(*entry & PTE_D, 0); /* a load */
    CHECK(try(S, sc_pair, va + 4096), NO_TRAP);
    CHECK(result, 0);
    CHECK(*entry & PTE_D, PTE_D);
    paging_off();
}

/* One load-reserved, two store-conditionals: each way must come to its end. */
static void two_ends(void)
{
    for (word v = 0; v < 2; v++) {
        word seen, failed;
        cell[1] = v;
        __asm__ volatile("1: lr.w %0, (%2)\n bnez %0, 2f\n sc.w %1, %3, (%2)\n bnez %1, 1b\n j 3f\n"
                         "2: sc.w %1, %4, (%2)\n bnez %1, 1b\n 3:"
                         : "=&r"(seen), "=&r"(failed)
                         : "r"(&cell[1]), "r"(77), "r"(88)
                         : "memory");
        CHECK(seen, v);
        CHECK(cell[1], v ? 88 : 77);
    }
}

void test_run(void)
{
    two_ends();
    amos();
    compare_and_swap();
    reservations();
    constrained();
    refused();
}
