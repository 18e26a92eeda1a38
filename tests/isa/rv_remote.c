/*
 * rv_remote.c - what one hart does to memory that seven others use: pages moved and code changed under them, with a
 * fence on every hart by interrupt; accessed and dirty bits set by all while software changes the entry; pairs swapped.
 */
// smp: 8
#include "test.h"

const char test_name[] = "rv_remote";

enum { HARTS = 8, MSI = 3, POISON = 0x666 };
static const struct paging *mode;
static word *root;
static volatile word *entry;
static const word place = 0x40000000;
static volatile u32 fenced, stop, ready, wrong, turns[HARTS];

/* ---- A fence on every other hart ---- */
static void on_interrupt(word *frame)
{
    (void)frame;
    if (csr_read(mcause) != (INTERRUPT | MSI)) {
        CHECK(csr_read(mcause), INTERRUPT | MSI);
        say_hex(csr_read(mtval));
        finish(1);
    }
    MSIP(hart_id()) = 0;
    __asm__ volatile("fence" ::: "memory");
    sfence();
    fence_i();
    __atomic_fetch_add(&fenced, 1, __ATOMIC_SEQ_CST);
}

static void fence_all(void)
{
    fenced = 0;
    __asm__ volatile("fence" ::: "memory");
    for (unsigned hart = 1; hart < HARTS; hart++)
        MSIP(hart) = 1;
    while (__atomic_load_n(&fenced, __ATOMIC_SEQ_CST) != HARTS - 1)
        relax();
}

/* ---- Pages moved ---- */

/* A page of the moving address: a value, a counter for each hart, and code that returns the value. */
struct shared {
    volatile u32 value;
    volatile u32 counter[HARTS];
    u32 pad[7];
    volatile u16 code[4];
};

static void make(struct shared *p, unsigned value)
{
    u32 li = value << 20 | 0x513; /* addi a0, x0, value */
    p->value = value;
    p->code[0] = (u16)li;
    p->code[1] = (u16)(li >> 16);
    p->code[2] = 0x8082;
}

static word uses(word hart)
{
    struct shared *p = (struct shared *)place;
    word (*run)(void) = (word(*)(void))(word)p->code;
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        if (p->value == POISON || run() == POISON)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
        p->counter[hart] = p->counter[hart] + 1;
        __atomic_fetch_add(&p->counter[0], 1, __ATOMIC_RELAXED);
        turns[hart]++;
        if (turns[hart] % 16 == 0)
            relax();
    }
    return 0;
}

static void counters_of(const struct shared *p, u32 *sum)
{
    for (unsigned i = 0; i < HARTS; i++)
        sum[i] = p->counter[i];
}

/* Each user has done something since: it is between two accesses, with what it knows of the page. */
static void let_run(void)
{
    u32 before[HARTS];
    for (unsigned i = 1; i < HARTS; i++)
        before[i] = turns[i];
    for (unsigned i = 1; i < HARTS; i++)
        while (turns[i] == before[i])
            relax();
}

static void moves(unsigned hart)
{
    if (hart) {
        csr_write(satp, satp_of(mode, root, 0));
        sfence();
        csr_write(mie, 1 << MSI);
        try(S, uses, hart);
        csr_clear(mstatus, MSTATUS_MIE);
        csr_write(mie, 0);
        csr_write(satp, 0);
        return;
    }
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) != HARTS - 1)
        relax();
    for (unsigned i = 1; i <= 40; i++) {
        struct shared *old = (struct shared *)page[(i - 1) % 4], *new = (struct shared *)page[i % 4];
        u32 then[HARTS], now[HARTS];
        make(new, i);
        *entry = pte(new, PTE_RWX);
        fence_all();
        counters_of(old, then);
        make(old, POISON); /* nobody sees it, nobody writes beside it */
        let_run();
        counters_of(old, now);
        for (unsigned k = 0; k < HARTS; k++)
            CHECK(now[k], then[k]);
    }
    stop = 1;
}

/* ---- Code changed in its place, by turns of two halves: each is whole before it is run ---- */
static word runs(word hart)
{
    word (*run)(void) = (word(*)(void))(word)page[5];
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    for (word last = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); turns[hart]++) {
        word got = run();
        if (got < last)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
        last = got;
        if (turns[hart] % 16 == 0)
            relax();
    }
    return 0;
}

static void changes(unsigned hart)
{
    if (hart) {
        csr_write(mie, 1 << MSI);
        try(S, runs, hart);
        csr_clear(mstatus, MSTATUS_MIE);
        csr_write(mie, 0);
        return;
    }
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) != HARTS - 1)
        relax();
    for (u32 i = 1; i <= 40; i++) {
        *(volatile u32 *)page[5] = i << 20 | 0x513;
        fence_all();
        let_run();
    }
    stop = 1;
}

/* ---- Accessed and dirty bits: set by seven, cleared by one, which owns the bits beside them ---- */
static word stores(word hart)
{
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    for (unsigned n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
        sfence_at(place);
        if (n & 1)
            (void)((volatile u32 *)place)[hart];
        else
            ((volatile u32 *)place)[hart] = n;
        turns[hart]++;
        relax();
    }
    return 0;
}

static void marks(unsigned hart)
{
    const word mine = 3 << 8, flags = PTE_V | PTE_R | PTE_W;
    menvcfg_set(menvcfg_get() | ENVCFG_ADUE);
    if (hart) {
        csr_write(satp, satp_of(mode, root, 0));
        sfence();
        try(S, stores, hart);
        csr_write(satp, 0);
        return;
    }
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) != HARTS - 1)
        relax();
    unsigned seen = 0;
    for (word i = 0; i < 400; i++) {
        word bits = (i & 3) << 8, was = __atomic_fetch_and(entry, ~(mine | PTE_A | PTE_D), __ATOMIC_SEQ_CST);
        seen |= was & (PTE_A | PTE_D);
        __atomic_fetch_or(entry, bits, __ATOMIC_SEQ_CST);
        relax();
        word now = *entry;
        if ((now & ~(word)(PTE_A | PTE_D)) != pte(page[6], flags | bits))
            CHECK(now, pte(page[6], flags | bits));
    }
    let_run(); /* after a read and a write */
    let_run();
    let_run();
    CHECK(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);
    CHECK(seen, PTE_A | PTE_D);
    stop = 1;
}

/* ---- Two registers at once: both halves always agree ---- */
static volatile struct {
    word low, high;
} twins __attribute__((aligned(64)));

static void pairs(unsigned hart)
{
    (void)hart;
    for (unsigned i = 0; i < 500; i++) {
        for (;;) {
            word was = twins.low;
            register word a0 __asm__("a0") = was;
            register word a1 __asm__("a1") = ~was;
            register word a2 __asm__("a2") = was + 1;
            register word a3 __asm__("a3") = ~(was + 1);
            register volatile void *a4 __asm__("a4") = &twins;
#if __riscv_xlen == 64
            __asm__ volatile(".insn r 0x2f, 4, 0x14, a0, a4, a2" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4) : "memory");
#else
            __asm__ volatile(".insn r 0x2f, 3, 0x14, a0, a4, a2" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4) : "memory");
#endif
            word low = a0, high = a1;
            if (low != ~high)
                __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
            if (low == was)
                break;
            relax();
        }
    }
}

static void together(void (*fn)(unsigned hart))
{
    stop = ready = 0;
    on_harts(HARTS, fn);
    CHECK(wrong, 0);
}

void test_run(void)
{
    static const struct paging *const modes[] = {&sv39, &sv57};
    machine_hook = on_interrupt;
    for (unsigned i = 0; i < (RV64 ? 2 : 1); i++) {
        mode = RV64 ? modes[i] : &sv32;
        root = paging_new(mode, PTE_RWX);
        entry = paging_entry(mode, root, place, 0);
        make((struct shared *)page[0], 0);
        *entry = pte(page[0], PTE_RWX);
        together(moves);
        *entry = pte(page[6], PTE_V | PTE_R | PTE_W);
        together(marks);
    }
    make((struct shared *)page[7], 0);
    *(volatile u32 *)page[5] = 0x513;
    *(volatile u16 *)(page[5] + 4) = 0x8082;
    fence_i();
    together(changes);
    twins.high = ~(word)0;
    together(pairs);
    CHECK(twins.low, HARTS * 500);
    machine_hook = 0;
}
