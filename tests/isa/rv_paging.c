/*
 * rv_paging.c - page tables of every mode: what each right allows to whom, superpages, accessed and dirty bits by
 * hardware and by fault, SUM, MXR, MPRV, Svnapot, Svpbmt, address spaces, fences (privileged manual, "Supervisor-Level
 * ISA", "Sv32" and what follows it).
 */
#include "test.h"

const char test_name[] = "rv_paging";

static const struct paging *mode;
static word *root;

static u64 place(void) /* an address far from the identity map, canonical */
{
    return mode->levels == 2 ? 0x28000000 : 0x1234567000; /* and nothing is there */
}

static void set(u64 va, unsigned level, word entry)
{
    *paging_entry(mode, root, va, level) = entry;
    sfence();
}

/* Causes of load, store, fetch at va in the mode. */
static void accesses(int line, unsigned privilege, u64 va, word load, word store, word fetch)
{
    check_at(line, "load", try(privilege, do_load, (word)va), load);
    if (load != NO_TRAP)
        check_at(line, "load's value", machine.value, (word)va);
    check_at(line, "store", try(privilege, do_store, (word)va), store);
    if (store != NO_TRAP)
        check_at(line, "store's value", machine.value, (word)va);
    check_at(line, "fetch", try(privilege, do_call, (word)va), fetch);
    if (fetch != NO_TRAP)
        check_at(line, "fetch's value", machine.value, (word)va);
}
#define ACCESSES(...) accesses(__LINE__, __VA_ARGS__)

static void rights(void)
{
    enum { R = PTE_R, W = PTE_W, X = PTE_X, V = PTE_V | PTE_A | PTE_D };
    for (unsigned u = 0; u < 2; u++) {
        unsigned in = u ? U : S;
        word user = u ? PTE_U : 0;
        root = paging_new(mode, PTE_RWX | user);
        paging_on(mode, root);
        for (unsigned rwx = 1; rwx < 8; rwx++) {
            word flags = V | (rwx & 1 ? R : 0) | (rwx & 2 ? W : 0) | (rwx & 4 ? X : 0);
            int reserved = (rwx & 3) == 2;
            set(place(), 0, pte(code_page, flags | user));
            ACCESSES(in, place(), rwx & 1 && !reserved ? NO_TRAP : LOAD_PAGE,
                     rwx & 2 && !reserved ? NO_TRAP : STORE_PAGE, rwx & 4 && !reserved ? NO_TRAP : FETCH_PAGE);
            if (!reserved && (rwx & 1))
                CHECK(try(in, do_amo, (word)place()), rwx & 2 ? NO_TRAP : STORE_PAGE);
        }
        set(place(), 0, pte(code_page, (PTE_RWX | user) & ~(word)PTE_V));
        ACCESSES(in, place(), LOAD_PAGE, STORE_PAGE, FETCH_PAGE);
        set(place(), 0, pte(code_page, PTE_V | user)); /* a pointer where a leaf must be */
        ACCESSES(in, place(), LOAD_PAGE, STORE_PAGE, FETCH_PAGE);
        paging_off();
    }
}

/* As a kernel does: SUM around one access, in one run of instructions; `after` is one more, which comes too late. */
static word access_user(word va, int after)
{
    word got;
    __asm__ volatile("csrs sstatus, %2\nlw %0, (%1)\naddi %0, %0, 1\nsw %0, (%1)\nlw %0, (%1)\ncsrc sstatus, %2\n"
                     "beqz %3, 1f\nlw zero, (%1)\n1:"
                     : "=&r"(got) : "r"(va), "r"((word)MSTATUS_SUM), "r"((word)after) : "memory");
    return got;
}

static word access_user_once(word va)
{
    return access_user(va, 0);
}

static word access_user_twice(word va)
{
    return access_user(va, 1);
}

static void around_accesses(void)
{
    volatile u32 *word0 = (volatile u32 *)code_page;
    u32 before = *word0;
    for (u32 i = 1; i < 40; i++) {
        CHECK(try(S, access_user_once, (word)place()), NO_TRAP);
        CHECK(*word0, before + i);
        CHECK(try(S, do_load, (word)place()), LOAD_PAGE);
    }
    CHECK(try(S, access_user_twice, (word)place()), LOAD_PAGE);
    CHECK(*word0, before + 40);
    *word0 = before;
}

/* A page of the other privilege. */
static void privileges(void)
{
    root = paging_new(mode, PTE_RWX);
    set(place(), 0, pte(code_page, PTE_RWX | PTE_U));
    paging_on(mode, root);
    ACCESSES(S, place(), LOAD_PAGE, STORE_PAGE, FETCH_PAGE);
    csr_set(mstatus, MSTATUS_SUM);
    CHECK(try(S, do_load, (word)place()), NO_TRAP);
    CHECK(try(S, do_store, (word)place()), NO_TRAP);
    CHECK(try(S, do_call, (word)place()), FETCH_PAGE); /* never */
    csr_clear(mstatus, MSTATUS_SUM);
    CHECK(try(S, do_load, (word)place()), LOAD_PAGE);
    around_accesses();
    /* MXR: loads from what can be executed */
    set(place(), 0, pte(code_page, PTE_V | PTE_X | PTE_A | PTE_D));
    CHECK(try(S, do_load, (word)place()), LOAD_PAGE);
    csr_set(mstatus, MSTATUS_MXR);
    CHECK(try(S, do_load, (word)place()), NO_TRAP);
    CHECK_WORD(result, code_page[0]);
    CHECK(try(S, do_store, (word)place()), STORE_PAGE);
    csr_clear(mstatus, MSTATUS_MXR);
    paging_off();
    root = paging_new(mode, PTE_RWX | PTE_U);
    set(place(), 0, pte(code_page, PTE_RWX));
    paging_on(mode, root);
    ACCESSES(U, place(), LOAD_PAGE, STORE_PAGE, FETCH_PAGE);
    paging_off();
}

static word with_mprv(access_fn *fn, unsigned as)
{
    csr_clear(mstatus, MSTATUS_MPP);
    csr_set(mstatus, (word)as << 11);
    machine.count = 0;
    word out = (word)place();
    csr_set(mstatus, MSTATUS_MPRV);
    out = fn(out);
    csr_clear(mstatus, MSTATUS_MPRV);
    result = out;
    return machine.count ? machine.cause : (word)NO_TRAP;
}

/* M's data accesses with the rights of MPP. The trap handler's own stack is mapped as itself for S. */
static void borrowed(void)
{
    *(volatile word *)page[0] = 0x1234;
    root = paging_new(mode, PTE_RWX);
    set(place(), 0, pte(page[0], PTE_RW));
    csr_write(satp, satp_of(mode, root, 0));
    sfence();
    CHECK(with_mprv(do_load, S), NO_TRAP);
    CHECK(result, 0x1234);
    CHECK(try(M, do_load, (word)place()), mode->levels == 2 ? LOAD_ACCESS : LOAD_ACCESS); /* physical */
    set(place(), 0, pte(page[0], PTE_V | PTE_R | PTE_A));
    CHECK(with_mprv(do_store, S), STORE_PAGE);
    CHECK(with_mprv(do_load, S), NO_TRAP);
    set(place(), 0, pte(page[0], PTE_RW | PTE_U));
    CHECK(with_mprv(do_load, S), LOAD_PAGE);
    paging_off();
}

static void superpages(void)
{
    for (unsigned i = 0; i < 16; i++)
        *(volatile word *)page[i] = 0x100 + i;
    root = paging_new(mode, PTE_RWX);
    paging_on(mode, root);
    for (unsigned level = 1; level < mode->levels; level++) {
        u64 size = 1ull << (12 + level * mode->bits), va = (u64)3 << (12 + (mode->levels - 1) * mode->bits);
        if (mode->levels == 2)
            va = 0x40000000;
        if (level == mode->levels - 1 && mode->levels > 2)
            va = size * 3;
        u64 base = (u64)(word)page[0] & ~(size - 1);
        set(va, level, (word)(base >> 12 << 10) | PTE_RWX);
        u64 in = va + ((u64)(word)page[5] - base);
        CHECK(try(S, do_load, (word)in), NO_TRAP);
        CHECK(result, 0x105);
        CHECK(try(S, do_load, (word)(va + ((u64)(word)page[9] - base))), NO_TRAP);
        CHECK(result, 0x109);
        /* not aligned to its size */
        set(va, level, (word)((base + 4096) >> 12 << 10) | PTE_RWX);
        CHECK(try(S, do_load, (word)in), LOAD_PAGE);
        *paging_entry(mode, root, va, level) = 0;
        sfence();
    }
    paging_off();
}

static void accessed_dirty(int hardware)
{
    enum { V = PTE_V | PTE_R | PTE_W | PTE_X };
    menvcfg_set(hardware ? menvcfg_get() | ENVCFG_ADUE : menvcfg_get() & ~ENVCFG_ADUE);
    CHECK(!!(menvcfg_get() & ENVCFG_ADUE), hardware);
    root = paging_new(mode, PTE_RWX);
    paging_on(mode, root);
    volatile word *entry = paging_entry(mode, root, place(), 0);
    static access_fn *const fn[3] = {do_load, do_store, do_call};
    static const word page_fault[3] = {LOAD_PAGE, STORE_PAGE, FETCH_PAGE};
    for (unsigned i = 0; i < 3; i++) {
        set(place(), 0, pte(code_page, V));
        CHECK(try(S, fn[i], (word)place()), hardware ? NO_TRAP : page_fault[i]);
        CHECK(*entry & (PTE_A | PTE_D), !hardware ? 0 : i == 1 ? PTE_A | PTE_D : PTE_A);
        set(place(), 0, pte(code_page, V | PTE_A));
        CHECK(try(S, fn[i], (word)place()), hardware || i != 1 ? NO_TRAP : page_fault[i]);
        CHECK(*entry & (PTE_A | PTE_D), hardware && i == 1 ? PTE_A | PTE_D : PTE_A);
        set(place(), 0, pte(code_page, V | PTE_D));
        CHECK(try(S, fn[i], (word)place()), hardware ? NO_TRAP : page_fault[i]);
    }
    /* read first, then written: the dirty bit is not lost to a cached translation */
    set(place(), 0, pte(page[0], V & ~PTE_X));
    if (hardware) {
        CHECK(try(S, do_load, (word)place()), NO_TRAP);
        CHECK(*entry & (PTE_A | PTE_D), PTE_A);
        CHECK(try(S, do_store, (word)place()), NO_TRAP);
        CHECK(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);
        /* a page that may not be written stays clean */
        set(place(), 0, pte(page[0], PTE_V | PTE_R));
        CHECK(try(S, do_store, (word)place()), STORE_PAGE);
        CHECK(*entry & PTE_D, 0);
    }
    paging_off();
}

static void reserved(void)
{
    root = paging_new(mode, PTE_RWX);
    paging_on(mode, root);
    for (unsigned bit = 54; RV64 && bit < 61; bit++) {
        set(place(), 0, pte(page[0], PTE_RW) | (word)((u64)1 << bit));
        CHECK(try(S, do_load, (word)place()), LOAD_PAGE);
    }
    /* A, D and U in a pointer are reserved */
    volatile word *pointer = paging_entry(mode, root, place(), 1);
    set(place(), 0, pte(page[0], PTE_RW));
    word kept = *pointer;
    static const word bad[] = {PTE_A, PTE_D, PTE_U};
    for (unsigned i = 0; i < 3; i++) {
        *pointer = kept | bad[i];
        sfence();
        CHECK(try(S, do_load, (word)place()), LOAD_PAGE);
    }
    *pointer = kept;
    sfence();
    CHECK(try(S, do_load, (word)place()), NO_TRAP);
    if (RV64) { /* addresses that are not canonical */
        word bad_address = (word)((u64)1 << (12 + mode->levels * mode->bits)) | (word)place();
        ACCESSES(S, bad_address, LOAD_PAGE, STORE_PAGE, FETCH_PAGE);
        /* the upper half is where the highest bit is repeated */
        u64 high = ~(u64)0 << (11 + mode->levels * mode->bits) | place();
        set(high, 0, pte(page[1], PTE_RW));
        *(volatile word *)page[1] = 0x77;
        CHECK(try(S, do_load, (word)high), NO_TRAP);
        CHECK(result, 0x77);
    }
    /* tables where there is no memory */
    *pointer = 0x60000000 >> 12 << 10 | PTE_V;
    sfence();
    ACCESSES(S, place(), LOAD_ACCESS, STORE_ACCESS, FETCH_ACCESS);
    paging_off();
}

static void napot(void)
{
    for (unsigned i = 0; i < 16; i++)
        *(volatile word *)page[i] = 0x200 + i;
    word n = (word)((u64)1 << 63 % (8 * sizeof(word)));
    root = paging_new(mode, PTE_RWX);
    paging_on(mode, root);
    u64 base = place() & ~(u64)0xffff;
    for (unsigned i = 0; i < 16; i++)
        *paging_entry(mode, root, base + i * 4096, 0) = ((word)page[0] >> 12 | 8) << 10 | PTE_RW | n;
    sfence();
    for (unsigned i = 0; i < 16; i++) {
        CHECK(try(S, do_load, (word)(base + i * 4096)), NO_TRAP);
        CHECK(result, 0x200 + i);
    }
    set(base, 0, ((word)page[0] >> 12 | 4) << 10 | PTE_RW | n); /* no such size */
    CHECK(try(S, do_load, (word)base), LOAD_PAGE);
    paging_off();
}

static void memory_types(void)
{
    root = paging_new(mode, PTE_RWX);
    paging_on(mode, root);
    for (unsigned type = 0; type < 4; type++) {
        for (unsigned on = 0; on < 2; on++) {
            menvcfg_set(on ? menvcfg_get() | ENVCFG_PBMTE : menvcfg_get() & ~ENVCFG_PBMTE);
            sfence();
            set(place(), 0, pte(page[0], PTE_RW) | (word)((u64)type << 61 % (8 * sizeof(word))));
            CHECK(try(S, do_load, (word)place()), !type || (on && type < 3) ? NO_TRAP : LOAD_PAGE);
        }
    }
    menvcfg_set(menvcfg_get() | ENVCFG_PBMTE);
    paging_off();
}

/* Two address spaces by number, a global page, and fences that name one address or one space. */
static void spaces(void)
{
    word *roots[2];
    *(volatile word *)page[0] = 10;
    *(volatile word *)page[1] = 11;
    *(volatile word *)page[2] = 12;
    root = paging_new(mode, PTE_RWX);
    roots[0] = root;
    roots[1] = (word *)page[15];
    for (unsigned i = 0; i < 4096 / sizeof(word); i++)
        roots[1][i] = roots[0][i];
    *paging_entry(mode, roots[0], place(), 0) = pte(page[0], PTE_RW);
    u64 apart = mode->levels == 2 ? 0xc0000000 : (u64)1 << (12 + mode->bits * (mode->levels - 1));
    *paging_entry(mode, roots[1], apart, 0) = pte(page[1], PTE_RW);
    *paging_entry(mode, roots[0], apart, 0) = pte(page[0], PTE_RW);
    sfence();
    for (unsigned i = 0; i < 6; i++) {
        csr_write(satp, satp_of(mode, roots[i & 1], 1 + (i & 1)));
        CHECK(try(S, do_load, (word)apart), NO_TRAP);
        CHECK(result, 10 + (i & 1));
    }
    /* changed, and fenced by address, by space, by both */
    for (unsigned i = 0; i < 3; i++) {
        csr_write(satp, satp_of(mode, roots[0], 1));
        word value = i & 1 ? 10 : 12;
        *paging_entry(mode, roots[0], apart, 0) = pte(page[value - 10], PTE_RW);
        word asid = 1, va = (word)apart;
        if (i == 0)
            __asm__ volatile("sfence.vma %0, zero" ::"r"(va) : "memory");
        else if (i == 1)
            __asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
        else /* sfence.w.inval; sinval.vma; sfence.inval.ir */
            __asm__ volatile(".4byte 0x18000073\nmv a0, %0\nmv a1, %1\n.insn r 0x73, 0, 0x0b, x0, a0, a1\n.4byte 0x18100073"
                             ::"r"(va), "r"(asid) : "a0", "a1", "memory");
        CHECK(try(S, do_load, va), NO_TRAP);
        CHECK(result, value);
    }
    paging_off();
}

/* An access over two pages: both must do, the fault names the second, and nothing is stored before. */
static void crossing(void)
{
    root = paging_new(mode, PTE_RWX);
    paging_on(mode, root);
    u64 edge = place() + 4096 - sizeof(word) / 2;
    for (unsigned i = 0; i < 4096 / sizeof(word); i++)
        ((volatile word *)page[0])[i] = ((volatile word *)page[3])[i] = 0;
    *paging_entry(mode, root, place(), 0) = pte(page[0], PTE_RW);
    *paging_entry(mode, root, place() + 4096, 0) = pte(page[3], PTE_RW);
    sfence();
    CHECK(try(S, do_store, (word)edge), NO_TRAP);
    CHECK(try(S, do_load, (word)edge), NO_TRAP);
    CHECK_WORD(result, STORED);
    set(place() + 4096, 0, pte(page[3], PTE_V | PTE_R | PTE_A));
    ((volatile u8 *)page[0])[4095] = 0x99;
    CHECK(try(S, do_store, (word)edge), STORE_PAGE);
    CHECK_WORD(machine.value, place() + 4096);
    CHECK(((volatile u8 *)page[0])[4095], 0x99);
    CHECK(try(S, do_load, (word)edge), NO_TRAP);
    set(place() + 4096, 0, 0);
    CHECK(try(S, do_load, (word)edge), LOAD_PAGE);
    CHECK_WORD(machine.value, place() + 4096);
    set(place() + 4096, 0, pte(page[3], PTE_RW));
    set(place(), 0, 0);
    CHECK(try(S, do_load, (word)edge), LOAD_PAGE);
    CHECK_WORD(machine.value, edge);
    /* an instruction in two pages, the second of which is missing */
    ((volatile u16 *)page[0])[2047] = 0x0513; /* li a0, 0x123 */
    ((volatile u16 *)page[3])[0] = 0x1230;
    ((volatile u16 *)page[3])[1] = 0x8082;
    fence_i();
    *paging_entry(mode, root, place(), 0) = pte(page[0], PTE_RWX);
    *paging_entry(mode, root, place() + 4096, 0) = pte(page[3], PTE_RWX);
    sfence();
    CHECK(try(S, do_call, (word)(place() + 4094)), NO_TRAP);
    CHECK(result, 0x123);
    set(place() + 4096, 0, 0);
    CHECK(try(S, do_call, (word)(place() + 4094)), FETCH_PAGE);
    CHECK_WORD(machine.value, place() + 4096);
    CHECK_WORD(machine.pc, place() + 4094);
    paging_off();
}

static void satp_modes(void)
{
    csr_write(satp, 0);
    for (unsigned m = 1; RV64 && m < 16; m++) {
        word value = (word)((u64)m << 60 % (8 * sizeof(word))) | 0x80000;
        csr_write(satp, 0);
        csr_write(satp, value);
        int known = m >= 8 && m <= 10;
        CHECK(csr_read(satp) == value, known); /* others: the whole write does nothing */
        if (!known)
            CHECK(csr_read(satp), 0);
    }
    csr_write(satp, 0);
}

void test_run(void)
{
    static const struct paging *const modes[] = {&sv39, &sv48, &sv57};
    satp_modes();
    for (unsigned i = 0; i < (RV64 ? 3 : 1); i++) {
        mode = RV64 ? modes[i] : &sv32;
        menvcfg_set(menvcfg_get() | ENVCFG_ADUE);
        rights();
        privileges();
        borrowed();
        superpages();
        accessed_dirty(1);
        accessed_dirty(0);
        reserved();
        if (RV64) {
            napot();
            memory_types();
        }
        spaces();
        crossing();
    }
}
