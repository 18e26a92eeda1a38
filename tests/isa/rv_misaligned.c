/*
 * rv_misaligned.c - loads and stores of every size at every offset, over lines, pages, superpages, the ends of memory and
 * of the address space; with one of two pages refused nothing changes, and the fault names the page that refuses.
 */
#include "test.h"

const char test_name[] = "rv_misaligned";

enum { READ_ONLY = PTE_V | PTE_R | PTE_A | PTE_D };

/* ---- Accesses: a value of up to 64 bits in `moved`; float registers hold what integers of 32 bits cannot ---- */
static u64 moved;

#define MOVE(name, load, store)                                                                    \
    static word load_##name(word va)                                                               \
    {                                                                                              \
        word v = 0x5a5a;                                                                           \
        __asm__ volatile(load " %0, (%1)" : "+r"(v) : "r"(va) : "memory");                         \
        moved = v;                                                                                 \
        return v;                                                                                  \
    }                                                                                              \
    static word store_##name(word va)                                                              \
    {                                                                                              \
        __asm__ volatile(store " %0, (%1)" ::"r"((word)moved), "r"(va) : "memory");                \
        return 0;                                                                                  \
    }
#define MOVE_FLOAT(name, load, store)                                                              \
    static word load_##name(word va)                                                               \
    {                                                                                              \
        __asm__ volatile("fld fa0, (%1)\n" load " fa0, (%0)\nfsd fa0, (%1)" ::"r"(va), "r"(&moved) \
                         : "fa0", "memory");                                                       \
        return 0;                                                                                  \
    }                                                                                              \
    static word store_##name(word va)                                                              \
    {                                                                                              \
        __asm__ volatile("fld fa0, (%1)\n" store " fa0, (%0)" ::"r"(va), "r"(&moved) : "fa0", "memory"); \
        return 0;                                                                                  \
    }
MOVE(half, "lhu", "sh")
MOVE(single, "lw", "sw")
MOVE_FLOAT(float_half, "flh", "fsh")
MOVE_FLOAT(float_single, "flw", "fsw")
MOVE_FLOAT(float_full, "fld", "fsd")
#if __riscv_xlen == 64
MOVE(full, "ld", "sd")
#endif

static const struct move {
    access_fn *load, *store;
    unsigned size;
} moves[] = {
    {load_half, store_half, 2},
    {load_single, store_single, 4},
    {load_float_half, store_float_half, 2},
    {load_float_single, store_float_single, 4},
    {load_float_full, store_float_full, 8},
#if __riscv_xlen == 64
    {load_full, store_full, 8},
#endif
};
#define EACH_MOVE(m) for (const struct move *m = moves; m < moves + sizeof moves / sizeof moves[0]; m++)

static const u64 pattern = UINT64_C(0x8796a5b4c3d2e1f0);

static u64 cut(u64 v, unsigned size)
{
    return size == 8 ? v : v & (((u64)1 << 8 * size) - 1);
}

static u8 filler(unsigned i)
{
    return (u8)(i * 11 + 3);
}

/* Sixteen bytes at the end of one page and at the begin of another, wherever they are. */
static volatile u8 *low_page, *high_page;

static volatile u8 *byte_at(int i)
{
    return i < 0 ? low_page + 4096 + i : high_page + i;
}

static void fill(void)
{
    for (int i = -16; i < 16; i++)
        *byte_at(i) = filler((unsigned)(i + 16));
}

/* The bytes are what fill() left, but for `size` of `v` at `at`. */
static void check_bytes(int line, int at, unsigned size, u64 v)
{
    for (int i = -16; i < 16; i++) {
        u8 expected = i >= at && i < at + (int)size ? (u8)(v >> 8 * (i - at)) : filler((unsigned)(i + 16));
        if (*byte_at(i) != expected)
            check_at(line, "byte", (u64)(i + 16) << 8 | *byte_at(i), (u64)(i + 16) << 8 | expected);
    }
}

static u64 bytes(int at, unsigned size)
{
    u64 v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (u64)*byte_at(at + (int)i) << 8 * i;
    return v;
}

/* Every size at every offset around `edge`, where the high page begins in the address space. */
static void everywhere(unsigned mode, word edge)
{
    EACH_MOVE(m) {
        for (int at = -9; at < 2; at++) {
            fill();
            moved = 0;
            CHECK(try(mode, m->load, edge + (word)at), NO_TRAP);
            CHECK(cut(moved, m->size), bytes(at, m->size));
            moved = pattern;
            CHECK(try(mode, m->store, edge + (word)at), NO_TRAP);
            check_bytes(__LINE__, at, m->size, pattern);
        }
    }
}

static void physical(void)
{
    low_page = page[0], high_page = page[1];
    everywhere(M, (word)page[1]);
    low_page = page[2] + 64 - 4096, high_page = page[2] + 64; /* a cache line's edge */
    everywhere(M, (word)page[2] + 64);
}

/* ---- Two pages side by side in the address space, apart in memory ---- */
static const struct paging *mode;
static word *root;
static volatile word *low_entry, *high_entry;

static void map(word edge, word low, word high)
{
    low_page = page[5], high_page = page[2];
    low_entry = paging_entry(mode, root, edge - 4096, 0);
    high_entry = paging_entry(mode, root, edge, 0);
    *low_entry = low;
    *high_entry = high;
    sfence();
}

static void mapped(void)
{
    word edge = 0x40201000;
    map(edge, pte(page[5], PTE_RW), pte(page[2], PTE_RW));
    everywhere(S, edge);
    map(edge, pte(page[5], PTE_RW | PTE_U), pte(page[2], PTE_RW));
    csr_set(mstatus, MSTATUS_SUM);
    everywhere(S, edge);
    csr_clear(mstatus, MSTATUS_SUM);
    /* a superpage, of which the last page is the low one, then a small one */
    word step = (word)1 << (12 + mode->bits);
    edge = ((word)page[0] & ~(step - 1)) + step; /* on the identity map's last table */
    low_page = (u8 *)edge - 4096, high_page = page[2];
    volatile word *next = paging_entry(mode, root, edge, 1);
    word kept = *next;
    *next = 0;
    *paging_entry(mode, root, edge, 0) = pte(page[2], PTE_RW);
    sfence();
    everywhere(S, edge);
    *next = kept;
    sfence();
}

/* The addresses after the highest are the lowest. */
static void wraps(void)
{
    map(0, pte(page[5], PTE_RW), pte(page[2], PTE_RW));
    everywhere(S, 0);
    *low_entry = *high_entry = 0;
    sfence();
}

/* One refusal: the cause, the address, memory and registers as before. `at` bytes from the edge. */
static void refused(int line, const struct move *m, word edge, int at, int refuses_low, int store)
{
    word cause = store ? STORE_PAGE : LOAD_PAGE;
    fill();
    moved = pattern;
    check_at(line, "cause", try(S, store ? m->store : m->load, edge + (word)at), cause);
    check_at(line, "value", machine.value, refuses_low ? edge + (word)at : edge);
    check_bytes(line, 0, 0, 0);
    if (store || m->load == load_float_half || m->load == load_float_single || m->load == load_float_full)
        check_at(line, "register", moved, pattern);
    else
        check_at(line, "register", moved, 0x5a5a);
}

static void refusals(void)
{
    const word edge = 0x40201000;
    const struct {
        word low, high;
        u8 load_ok, low_refuses_store, low_refuses_load;
    } rows[] = {
        {PTE_RW, 0, 0, 0, 0},
        {0, PTE_RW, 0, 1, 1},
        {0, 0, 0, 1, 1},
        {PTE_RW, READ_ONLY, 1, 0, 0},
        {READ_ONLY, PTE_RW, 1, 1, 0},
        {READ_ONLY, READ_ONLY, 1, 1, 0},
        {PTE_RW, PTE_RW | PTE_U, 0, 0, 0},
        {PTE_RW | PTE_U, PTE_RW, 0, 1, 1},
        {PTE_RW, PTE_RW & ~(word)PTE_A, 0, 0, 0}, /* Svade */
        {PTE_RW & ~(word)PTE_D, PTE_RW, 1, 1, 0},
        {PTE_RW, PTE_RW & ~(word)PTE_D, 1, 0, 0},
    };
    menvcfg_set(menvcfg_get() & ~ENVCFG_ADUE);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        map(edge, pte(page[5], rows[i].low), pte(page[2], rows[i].high));
        EACH_MOVE(m) {
            for (int at = 1 - (int)m->size; at < 0; at++) {
                refused(1000 + (int)i, m, edge, at, rows[i].low_refuses_store, 1);
                if (!rows[i].load_ok)
                    refused(2000 + (int)i, m, edge, at, rows[i].low_refuses_load, 0);
                else
                    CHECK(try(S, m->load, edge + (word)at), NO_TRAP);
            }
        }
        CHECK(*low_entry, pte(page[5], rows[i].low));
        CHECK(*high_entry, pte(page[2], rows[i].high));
    }
}

/* Svadu: both pages are marked, by a store as dirty; a page that may not be written never. */
static void marks(void)
{
    const word edge = 0x40201000, flags = PTE_V | PTE_R | PTE_W, both = PTE_A | PTE_D;
    menvcfg_set(menvcfg_get() | ENVCFG_ADUE);
    EACH_MOVE(m) {
        map(edge, pte(page[5], flags), pte(page[2], flags));
        CHECK(try(S, m->load, edge - 1), NO_TRAP);
        CHECK(*low_entry & both, PTE_A);
        CHECK(*high_entry & both, PTE_A);
        CHECK(try(S, m->store, edge - 1), NO_TRAP);
        CHECK(*low_entry & both, both);
        CHECK(*high_entry & both, both);
        map(edge, pte(page[5], flags), pte(page[2], PTE_V | PTE_R));
        CHECK(try(S, m->store, edge - 1), STORE_PAGE);
        CHECK(machine.value, edge);
        CHECK(*high_entry & PTE_D, 0);
    }
}

/* Where memory ends, and where addresses cease to be canonical. */
static void ends(void)
{
    word end = 0x84000000;
    low_page = (u8 *)end - 4096, high_page = page[2];
    EACH_MOVE(m) {
        for (int at = 1 - (int)m->size; at < 0; at++) {
            fill();
            CHECK(try(M, m->load, end + (word)at), LOAD_ACCESS);
            CHECK(machine.value, end);
            moved = pattern;
            CHECK(try(M, m->store, end + (word)at), STORE_ACCESS);
            CHECK(machine.value, end);
            check_bytes(__LINE__, 0, 0, 0);
        }
    }
    if (!RV64)
        return;
    paging_on(mode, root);
    word edge = (word)((u64)1 << (11 + mode->levels * mode->bits));
    *paging_entry(mode, root, edge - 4096, 0) = pte(page[5], PTE_RW);
    sfence();
    EACH_MOVE(m) {
        CHECK(try(S, m->load, edge - m->size), NO_TRAP);
        CHECK(try(S, m->load, edge - 1), LOAD_PAGE);
        CHECK_WORD(machine.value, edge);
        CHECK(try(S, m->store, edge - 1), STORE_PAGE);
        CHECK_WORD(machine.value, edge);
    }
    paging_off();
}

/* Stores over the edge of a page whose code has run: it runs as it is now. */
static void beside_code(void)
{
    for (unsigned i = 0; i < 100; i++) {
        u32 insn = (i & 1023) << 20 | 0x513; /* li a0, i */
        *(volatile u16 *)(page[9] + 4) = 0x8082;
        moved = (u64)insn << 32 | 0x13;
        store_float_full((word)page[9] - 4); /* the last four bytes of page 8, the first of page 9 */
        fence_i();
        CHECK(try(M, (access_fn *)(word)page[9], 0), NO_TRAP);
        CHECK(result, i);
        *(volatile u32 *)(page[8] + 4088) = 0x13;
        moved = insn;
        store_single((word)page[9] - 2); /* only the upper half of the new one arrives there */
        *(volatile u16 *)page[9] = (u16)insn;
        *(volatile u16 *)(page[9] + 2) = (u16)(insn >> 16);
        fence_i();
        CHECK(try(M, (access_fn *)(word)page[9], 0), NO_TRAP);
        CHECK(result, i);
    }
}

void test_run(void)
{
    static const struct paging *const modes[] = {&sv39, &sv48, &sv57};
    physical();
    for (unsigned i = 0; i < (RV64 ? 3 : 1); i++) {
        mode = RV64 ? modes[i] : &sv32;
        root = paging_new(mode, PTE_RWX);
        paging_on(mode, root);
        mapped();
        wraps();
        refusals();
        marks();
        paging_off();
        ends();
    }
    beside_code();
}
