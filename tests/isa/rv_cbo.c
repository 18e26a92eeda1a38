/*
 * rv_cbo.c - cache-block instructions (unprivileged manual, "Base Cache Management Operation ISA Extensions"): who may
 * run them by menvcfg and senvcfg, which bytes cbo.zero clears, what is kept by the others, and their faults.
 */
#include "test.h"

const char test_name[] = "rv_cbo";

enum { BLOCK = 64, INVAL = 0, CLEAN = 1, FLUSH = 2, ZERO = 4 };
enum { CBIE = 3 << 4, CBIE_FLUSH = 1 << 4, CBIE_RESERVED = 2 << 4, CBCFE = 1 << 6, CBZE = 1 << 7, ALL = CBIE | CBCFE | CBZE };

#define CBO(name, op)                                                                              \
    static word name(word va)                                                                      \
    {                                                                                              \
        __asm__ volatile(".insn i 0x0f, 2, x0, %0, " #op ::"r"(va) : "memory");                    \
        return va;                                                                                 \
    }
CBO(do_inval, 0)
CBO(do_clean, 1)
CBO(do_flush, 2)
CBO(do_zero, 4)
CBO(do_unknown, 3)
CBO(do_unknown_5, 5)
static access_fn *const all[] = {do_inval, do_clean, do_flush, do_zero};
static const u8 bits_of[] = {CBIE_FLUSH, CBCFE, CBCFE, CBZE};

static void senvcfg_write(word v)
{
    __asm__ volatile("csrw 0x10a, %0" ::"r"(v) : "memory");
}

static word senvcfg_read(void)
{
    word v;
    __asm__ volatile("csrr %0, 0x10a" : "=r"(v));
    return v;
}

/* The field CBIE keeps what is legal; the registers are of one another independent. */
static void fields(void)
{
    const u64 rest = menvcfg_get() & ~(u64)ALL;
    for (unsigned cbie = 0; cbie < 4; cbie++) {
        menvcfg_set(rest | cbie << 4);
        senvcfg_write(cbie << 4);
        if (cbie == 2) {
            CHECK((menvcfg_get() & CBIE) != CBIE_RESERVED, 1);
            CHECK((senvcfg_read() & CBIE) != CBIE_RESERVED, 1);
        } else {
            CHECK(menvcfg_get() & ALL, cbie << 4);
            CHECK(senvcfg_read() & ALL, cbie << 4);
        }
    }
    menvcfg_set(rest | ALL);
    senvcfg_write(0);
    CHECK(menvcfg_get() & ALL, ALL);
    CHECK(senvcfg_read() & ALL, 0);
    menvcfg_set(rest);
    senvcfg_write(ALL);
    CHECK(menvcfg_get() & ALL, 0);
    CHECK(senvcfg_read() & ALL, ALL);
}

/* Each instruction needs its own bit: nothing else opens it, nothing else closes it. */
static void permissions(void)
{
    const u64 rest = menvcfg_get() & ~(u64)ALL;
    for (unsigned op = 0; op < 4; op++) {
        for (unsigned given = 0; given < 4; given++) {
            word machine_bits = given & 1 ? bits_of[op] : ALL & ~(word)(bits_of[op] & CBIE ? CBIE : bits_of[op]);
            word user_bits = given & 2 ? bits_of[op] : ALL & ~(word)(bits_of[op] & CBIE ? CBIE : bits_of[op]);
            menvcfg_set(rest | machine_bits);
            senvcfg_write(user_bits);
            CHECK(try(M, all[op], (word)page[0]), NO_TRAP);
            CHECK(try(S, all[op], (word)page[0]), given & 1 ? NO_TRAP : ILLEGAL);
            CHECK(try(U, all[op], (word)page[0]), given == 3 ? NO_TRAP : ILLEGAL);
            if (machine.count)
                CHECK(machine.value & 0xfff07fff, (op == 3 ? ZERO : op) << 20 | 0x200f);
        }
    }
    menvcfg_set(rest | ALL);
    senvcfg_write(ALL);
    CHECK(try(U, do_inval, (word)page[0]), NO_TRAP); /* CBIE is 3 */
    for (unsigned mode = U; mode <= M; mode += mode == S ? 2 : 1) {
        CHECK(try(mode, do_unknown, (word)page[0]), ILLEGAL);
        CHECK(try(mode, do_unknown_5, (word)page[0]), ILLEGAL);
    }
}

static void fill(void)
{
    for (unsigned i = 0; i < 4096; i++)
        page[1][i] = (u8)(i * 7 + 1 + (i >> 8));
}

/* Bytes of page 1 that differ from fill(), and the first of them. */
static unsigned changed(unsigned *first)
{
    unsigned n = 0;
    for (unsigned i = 4096; i-- > 0;) {
        u8 expected = (u8)(i * 7 + 1 + (i >> 8));
        if (page[1][i] == expected)
            continue;
        CHECK(page[1][i], 0);
        n++;
        *first = i;
    }
    return n;
}

static void zeroes(void)
{
    for (unsigned mode = U; mode <= M; mode += mode == S ? 2 : 1) {
        for (unsigned offset = 1024; offset < 1024 + 2 * BLOCK; offset += 21) {
            unsigned first = 0, already = 0, block = offset & ~(BLOCK - 1u);
            fill();
            for (unsigned i = block; i < block + BLOCK; i++)
                already += page[1][i] == 0;
            CHECK(try(mode, do_zero, (word)page[1] + offset), NO_TRAP);
            for (unsigned i = block; i < block + BLOCK; i++)
                CHECK(page[1][i], 0);
            CHECK(changed(&first) + already, BLOCK);
            CHECK(first & ~(BLOCK - 1u), block);
        }
    }
}

/* Cleaned, what invalidation drops is in memory. */
static void keeps(void)
{
    unsigned first;
    fill();
    for (unsigned mode = U; mode <= M; mode += mode == S ? 2 : 1) {
        for (unsigned offset = 0; offset < 4096; offset += BLOCK - 1) {
            CHECK(try(mode, do_clean, (word)page[1] + offset), NO_TRAP);
            CHECK(try(mode, do_inval, (word)page[1] + offset), NO_TRAP);
            CHECK(try(mode, do_flush, (word)page[1] + offset), NO_TRAP);
        }
    }
    CHECK(changed(&first), 0);
}

/* Faults are a store's; the address is rs1's, not the block's. */
static void fault(unsigned mode, access_fn *fn, word va, word cause)
{
    CHECK(try(mode, fn, va), cause);
    if (cause != NO_TRAP)
        CHECK_WORD(machine.value, va);
}

static void translated(void)
{
    enum { OFFSET = 333 };
    const struct paging *p = RV64 ? &sv39 : &sv32;
    word *root = paging_new(p, PTE_RWX);
    word base = 0x40000000;
    static const struct {
        word flags;
        u8 manage, zero; /* what S gets */
    } rows[] = {
        {PTE_RW, NO_TRAP, NO_TRAP},
        {PTE_RWX, NO_TRAP, NO_TRAP},
        {PTE_V | PTE_R | PTE_A | PTE_D, NO_TRAP, STORE_PAGE},
        {PTE_V | PTE_R | PTE_W | PTE_A, NO_TRAP, STORE_PAGE}, /* D is for writes only */
        {PTE_V | PTE_R | PTE_W | PTE_D, STORE_PAGE, STORE_PAGE},
        {PTE_R | PTE_W | PTE_A | PTE_D, STORE_PAGE, STORE_PAGE},
        {PTE_V | PTE_W | PTE_A | PTE_D, STORE_PAGE, STORE_PAGE},
        {PTE_RW | PTE_U, STORE_PAGE, STORE_PAGE},
    };
    menvcfg_set(menvcfg_get() & ~ENVCFG_ADUE);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        *paging_entry(p, root, base + 4096 * i, 0) = pte(page[1], rows[i].flags);
    paging_on(p, root);
    fill();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned op = 0; op < 4; op++)
            fault(S, all[op], base + 4096 * i + OFFSET, op == 3 ? rows[i].zero : rows[i].manage);
        CHECK(*paging_entry(p, root, base + 4096 * i, 0), pte(page[1], rows[i].flags));
    }
    csr_set(mstatus, MSTATUS_SUM);
    fault(S, do_flush, base + 4096 * 7 + OFFSET, NO_TRAP);
    fault(S, do_zero, base + 4096 * 7 + OFFSET, NO_TRAP);
    csr_clear(mstatus, MSTATUS_SUM);
    /* Svadu: management sets A and leaves D, zeroing sets both */
    menvcfg_set(menvcfg_get() | ENVCFG_ADUE);
    volatile word *entry = paging_entry(p, root, base, 0);
    *entry = pte(page[1], PTE_V | PTE_R | PTE_W);
    sfence();
    fault(S, do_clean, base, NO_TRAP);
    CHECK(*entry & (PTE_A | PTE_D), PTE_A);
    fault(S, do_zero, base, NO_TRAP);
    CHECK(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);
    menvcfg_set(menvcfg_get() & ~ENVCFG_ADUE);
    paging_off();
}

/* Memory that PMP keeps from S and U, and no memory at all. */
static void no_access(void)
{
    word address = csr_read(pmpaddr0), config = csr_read(pmpcfg0);
    csr_write(pmpaddr1, address);
    csr_write(pmpcfg0, config << 8 | 0x18); /* entry 0: NAPOT without rights */
    csr_write(pmpaddr0, (word)page[2] >> 2 | (4096 / 8 - 1));
    sfence();
    for (unsigned op = 0; op < 4; op++) {
        fault(S, all[op], (word)page[2] + 5, STORE_ACCESS);
        fault(U, all[op], (word)page[2] + 4095, STORE_ACCESS);
        fault(M, all[op], (word)page[2] + 5, NO_TRAP);
    }
    csr_write(pmpcfg0, config << 8 | 0x19); /* read only */
    sfence();
    fault(S, do_zero, (word)page[2] + 5, STORE_ACCESS);
    fault(S, do_clean, (word)page[2] + 5, NO_TRAP);
    csr_write(pmpcfg0, config << 8 | 0x10); /* four bytes in the middle of a block */
    csr_write(pmpaddr0, ((word)page[2] + BLOCK + 20) >> 2);
    sfence();
    for (unsigned op = 0; op < 4; op++) {
        fault(S, all[op], (word)page[2] + BLOCK - 1, NO_TRAP);
        fault(S, all[op], (word)page[2] + BLOCK, STORE_ACCESS);
        fault(S, all[op], (word)page[2] + 2 * BLOCK - 1, STORE_ACCESS);
        fault(S, all[op], (word)page[2] + 2 * BLOCK, NO_TRAP);
    }
    csr_write(pmpaddr0, address);
    csr_write(pmpcfg0, config);
    sfence();
    for (unsigned op = 0; op < 4; op++)
        fault(M, all[op], 0x48, STORE_ACCESS);
}

void test_run(void)
{
    fields();
    permissions();
    zeroes();
    keeps();
    translated();
    no_access();
}
