/*
 * rv_pmp.c - physical memory protection: the three ways to say a range, order, locks, M and the others, what page
 * walks may read, and Smepmp's rules (privileged manual, "Physical Memory Protection"; "Smepmp").
 */
#include "pmp.h"

const char test_name[] = "rv_pmp";

static void accesses(int line, unsigned mode, const void *p, int load, int store, int fetch)
{
    check_at(line, "load", try(mode, do_load32, (word)p), load ? NO_TRAP : LOAD_ACCESS);
    check_at(line, "store", try(mode, do_store32, (word)p), store ? NO_TRAP : STORE_ACCESS);
    if (store)
        fence_i();
    check_at(line, "fetch", try(mode, do_call, (word)p), fetch ? NO_TRAP : FETCH_ACCESS);
}
#define ACCESSES(...) accesses(__LINE__, __VA_ARGS__)

static void ranges(void)
{
    clear();
    for (unsigned i = 0; i < 4096; i += 4)
        *(volatile u32 *)(page[0] + i) = *(volatile u32 *)(page[1] + i) = *(volatile u32 *)(page[2] + i) = 0x80828082;
    fence_i();
    /* NAPOT of every size down to 8 bytes */
    for (word size = 4096; size >= 8; size /= 2) {
        u8 *p = page[0] + (size == 4096 ? 0 : size);
        set(0, NAPOT | R, napot(p, size));
        ACCESSES(S, p, 1, 0, 0);
        ACCESSES(S, p + size - 4, 1, 0, 0);
        ACCESSES(U, p + size - 4, 1, 0, 0);
        ACCESSES(S, p + size, 1, 1, 1);
        if (size < 4096)
            ACCESSES(S, p - 4, 1, 1, 1);
        ACCESSES(M, p, 1, 1, 1); /* not locked: M does as it likes */
    }
    /* four bytes */
    set(0, NA4 | X, (word)(page[0] + 8) >> 2);
    ACCESSES(S, page[0] + 8, 0, 0, 1);
    ACCESSES(S, page[0] + 4, 1, 1, 1);
    ACCESSES(S, page[0] + 12, 1, 1, 1);
    /* top of range, from the address before; backwards it is empty */
    set(0, 0, (word)(page[1] + 16) >> 2);
    set(1, TOR | R | W, (word)(page[1] + 64) >> 2);
    ACCESSES(S, page[1] + 12, 1, 1, 1);
    ACCESSES(S, page[1] + 16, 1, 1, 0);
    ACCESSES(S, page[1] + 60, 1, 1, 0);
    ACCESSES(S, page[1] + 64, 1, 1, 1);
    set(1, TOR | R, (word)(page[1] + 8) >> 2);
    ACCESSES(S, page[1] + 8, 1, 1, 1);
    clear();
}

static void order(void)
{
    clear();
    set(0, NAPOT | R, napot(page[1], 4096));
    set(1, NAPOT | R | W | X, napot(page[0], 8192));
    ACCESSES(S, page[1], 1, 0, 0); /* the first that matches decides */
    ACCESSES(S, page[0], 1, 1, 1);
    /* an access that an entry covers in part fails, whatever it allows */
    set(0, NA4 | R | W | X, (word)(page[1] + 4) >> 2);
    if (RV64) {
        CHECK(try(S, do_load, (word)page[1]), LOAD_ACCESS);
        CHECK(try(S, do_store, (word)page[1]), STORE_ACCESS);
    }
    CHECK(try(S, do_load16, (word)page[1] + 4), NO_TRAP);
    set(0, NA4, (word)(page[1] + 4) >> 2);
    CHECK(try(S, do_load16, (word)page[1] + 3), LOAD_ACCESS); /* in parts or not: one is refused */
    CHECK(try(S, do_load16, (word)page[1] + 7), LOAD_ACCESS);
    CHECK(try(S, do_load16, (word)page[1] + 1), NO_TRAP);
    /* no entry matches: S and U may nothing, M everything */
    set(0, 0, 0);
    set(1, 0, 0);
    set(0, NAPOT | R | W | X, napot((void *)0x80000000, 1 << 20));
    set(SLOT_ALL, 0, 0);
    CHECK(try(S, do_load, 0x80200000), LOAD_ACCESS);
    CHECK(try(M, do_load, 0x80200000), NO_TRAP);
    CHECK(machine.count, 0);
    clear();
}

static void walks(void)
{
    const struct paging *mode = RV64 ? &sv39 : &sv32;
    clear();
    word *root = paging_new(mode, PTE_RWX);
    u64 va = 0x40000000;
    menvcfg_set(menvcfg_get() | ENVCFG_ADUE);
    *paging_entry(mode, root, va, 0) = pte(page[2], PTE_V | PTE_R | PTE_W);
    volatile word *entry = paging_entry(mode, root, va, 0);
    word table = (word)entry & ~(word)4095;
    paging_on(mode, root);
    set(0, NAPOT, napot((void *)table, 4096));
    CHECK(try(S, do_load, (word)va), LOAD_ACCESS); /* a table that cannot be read */
    CHECK(machine.value, va);
    CHECK(try(S, do_store, (word)va), STORE_ACCESS);
    set(0, NAPOT | R, napot((void *)table, 4096));
    CHECK(try(S, do_load, (word)va), LOAD_ACCESS); /* the accessed bit cannot be set */
    *entry |= PTE_A;
    sfence();
    CHECK(try(S, do_load, (word)va), NO_TRAP);
    set(0, NAPOT | R, napot(page[2], 4096)); /* the page itself */
    *entry |= PTE_D;
    sfence();
    CHECK(try(S, do_load, (word)va), NO_TRAP);
    CHECK(try(S, do_store, (word)va), STORE_ACCESS);
    paging_off();
    clear();
}

/* RLB on: locks can be taken back, so that tests follow one another. */
static void locks(void)
{
    clear();
    csr_write(0x747, RLB);
    CHECK(csr_read(0x747), RLB);
    set(0, L | NAPOT | R, napot(page[0], 4096));
    ACCESSES(M, page[0], 1, 0, 0); /* M too */
    ACCESSES(S, page[0], 1, 0, 0);
    set(0, NAPOT | R, napot(page[0], 4096));
    ACCESSES(M, page[0], 1, 1, 1);
    set(0, 0, (word)page[0] >> 2);
    set(1, L | TOR, (word)page[1] >> 2);
    ACCESSES(M, page[0], 0, 0, 0);
    ACCESSES(M, page[1], 1, 1, 1);
    clear();
    csr_write(0x747, 0);
    CHECK(csr_read(0x747), 0);
}

static void registers(void)
{
    clear();
    CHECK(config_read(0), 0);
    config_write(0, W); /* reserved, without MML */
    CHECK(config_read(0) & (R | W), 0);
    config_write(0, 0);
    address_write(0, ~(word)0);
    CHECK(address_read(0), RV64 ? (((u64)1 << 54) - 1) : ~(word)0);
    address_write(0, (word)page[3] >> 2);
    /* locked: neither changes; TOR locks the address before it */
    address_write(1, (word)page[4] >> 2);
    config_write(1, L | TOR | R | W | X);
    CHECK(config_read(1), L | TOR | R | W | X);
    config_write(1, 0);
    CHECK(config_read(1), L | TOR | R | W | X);
    address_write(1, 0);
    CHECK_WORD(address_read(1), (word)page[4] >> 2);
    address_write(0, 0);
    CHECK_WORD(address_read(0), (word)page[3] >> 2);
    csr_write(0x747, RLB); /* too late: something is locked */
    CHECK(csr_read(0x747), 0);
    csr_write(0x747, MMWP);
    CHECK(csr_read(0x747), MMWP);
    CHECK(try(M, do_load, (word)page[8]), NO_TRAP); /* the last entry still matches */
    csr_write(0x747, 0);
    CHECK(csr_read(0x747), MMWP); /* sticky */
}

/* Every entry by its own registers, with nothing behind it that would allow the same. */
#define EACH_ENTRY(E) E(0) E(1) E(2) E(3) E(4) E(5) E(6) E(7) E(8) E(9) E(10) E(11) E(12) E(13) E(14) E(15)
#define WRITE(n) case n: csr_write(pmpaddr##n, v); break;
static void any_address_write(unsigned n, word v)
{
    switch (n) {
        EACH_ENTRY(WRITE)
    }
}

/* The register of entry n, whole: the others in it are off. */
static void register_write(unsigned n, word bits)
{
    switch (n / PER_CSR) {
    case 0: csr_write(pmpcfg0, bits); break;
#if __riscv_xlen == 64
    default: csr_write(pmpcfg2, bits); break;
#else
    case 1: csr_write(pmpcfg1, bits); break;
    case 2: csr_write(pmpcfg2, bits); break;
    default: csr_write(pmpcfg3, bits); break;
#endif
    }
    sfence();
}

static void entries(void)
{
    const word all = NAPOT | R | W | X;
    clear();
    register_write(SLOT_ALL, 0);
    for (unsigned n = 0; n < 16; n++) {
        unsigned shift = 8 * (n % PER_CSR);
        any_address_write(n, ~(word)0);
        register_write(n, (word)(NAPOT | R | X) << shift); /* not even a stack */
        CHECK(try(S, do_load32, (word)page[10]), NO_TRAP);
        CHECK(try(S, do_store32, (word)page[10]), STORE_ACCESS);
        register_write(n, all << shift);
        ACCESSES(S, page[10], 1, 1, 1);
        if (shift) { /* the one before takes a page away again */
            any_address_write(n - 1, napot(page[10], 4096));
            register_write(n, all << shift | (word)(NAPOT | R) << (shift - 8));
            ACCESSES(S, page[10], 1, 0, 0);
            ACCESSES(S, page[11], 1, 1, 1);
        }
        register_write(n, 0);
        CHECK(try(M, do_load32, (word)page[10]), NO_TRAP);
    }
    clear();
}

void test_run(void)
{
    ranges();
    order();
    walks();
    locks();
    for (unsigned i = 10; i < 12; i++)
        for (unsigned k = 0; k < 1024; k++)
            ((volatile u32 *)page[i])[k] = 0x80828082;
    fence_i();
    entries();
    registers();
}
