/*
 * rv_smp.c - eight harts: atomics and lr/sc on one counter, messages in order, interrupts from hart to hart, TLB
 * shoot-downs, reservations that another's store breaks.
 */
// smp: 8
#include "test.h"

const char test_name[] = "rv_smp";

enum { HARTS = 8, ROUNDS = 2000 };

static volatile u32 counter, lrsc_counter, lock, guarded, turn;
static volatile u64 wide __attribute__((aligned(64)));

static void adds(unsigned hart)
{
    (void)hart;
    for (unsigned i = 0; i < ROUNDS; i++) {
        u32 t;
        __asm__ volatile("amoadd.w zero, %1, (%0)" ::"r"(&counter), "r"(1) : "memory");
        __asm__ volatile("1: lr.w %0, (%1)\naddi %0, %0, 1\nsc.w t0, %0, (%1)\nbnez t0, 1b"
                         : "=&r"(t) : "r"(&lrsc_counter) : "t0", "memory");
        for (;;) { /* a lock, and what it guards */
            __asm__ volatile("amoswap.w.aq %0, %1, (%2)" : "=r"(t) : "r"(1), "r"(&lock) : "memory");
            if (!t)
                break;
            relax();
        }
        guarded = guarded + 1;
        __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&lock) : "memory");
#if __riscv_xlen == 64
        word v;
        __asm__ volatile("1: lr.d %0, (%1)\naddi %0, %0, 3\nsc.d t0, %0, (%1)\nbnez t0, 1b"
                         : "=&r"(v) : "r"(&wide) : "t0", "memory");
#endif
    }
}

/* amocas on one counter, with the value seen before. */
static volatile u32 cas_counter;

static void compares(unsigned hart)
{
    (void)hart;
    for (unsigned i = 0; i < ROUNDS; i++) {
        word old = cas_counter, seen;
        for (;;) {
            register word a0 __asm__("a0") = old;
            register word a1 __asm__("a1") = old + 1;
            register volatile u32 *a2 __asm__("a2") = &cas_counter;
            __asm__ volatile(".insn r 0x2f, 2, 0x14, a0, a2, a1" : "+r"(a0) : "r"(a1), "r"(a2) : "memory");
            seen = a0;
            if ((u32)seen == (u32)old)
                break;
            old = seen;
        }
    }
}

/* Store then load on each of two harts: fences forbid that both miss. */
static volatile u32 x __attribute__((aligned(64))), y __attribute__((aligned(64)));
static volatile u32 r[2], gate[2];

static void meet(unsigned hart, u32 round)
{
    __atomic_store_n(&gate[hart], round, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&gate[!hart], __ATOMIC_SEQ_CST) < round)
        relax();
}

static void dekker(unsigned hart)
{
    for (u32 i = 0; i < 300; i++) {
        if (hart == 0)
            x = y = 0;
        meet(hart, 3 * i + 1);
        if (hart == 0) {
            x = 1;
            __asm__ volatile("fence rw, rw" ::: "memory");
            r[0] = y;
        } else {
            y = 1;
            __asm__ volatile("fence rw, rw" ::: "memory");
            r[1] = x;
        }
        meet(hart, 3 * i + 2);
        if (hart == 0)
            CHECK(r[0] | r[1], 1);
        meet(hart, 3 * i + 3);
    }
}

/* Message passing: data, then flag; with a fence on both sides never the flag without the data. */
static volatile u32 data[2], flag;

static void messages(unsigned hart)
{
    for (u32 i = 1; i < 2000; i++) {
        if (hart == 0) {
            data[0] = i;
            data[1] = ~i;
            __asm__ volatile("fence w, w" ::: "memory");
            flag = i;
            while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != i)
                relax();
        } else {
            while (flag != i)
                relax();
            __asm__ volatile("fence r, r" ::: "memory");
            if (data[0] != i || data[1] != ~i)
                CHECK(data[0], i);
            __atomic_store_n(&turn, i, __ATOMIC_RELEASE);
        }
    }
}

/* A ring of software interrupts: each hart wakes the next from wfi. */
static volatile u32 received[HARTS];

static void on_software(word *frame)
{
    (void)frame;
    unsigned hart = hart_id();
    MSIP(hart) = 0;
    received[hart]++;
}

static void ring(unsigned hart)
{
    enum { TURNS = 100 };
    csr_write(mie, 1 << 3);
    for (unsigned i = 1; i <= TURNS; i++) {
        if (hart == 0)
            MSIP(1) = 1;
        while (received[hart] < i) {
            __asm__ volatile("wfi");
            csr_set(mstatus, MSTATUS_MIE);
            __asm__ volatile("nop");
            csr_clear(mstatus, MSTATUS_MIE);
        }
        if (hart)
            MSIP((hart + 1) % HARTS) = 1;
    }
    csr_write(mie, 0);
    if (received[hart] != TURNS)
        CHECK(received[hart], TURNS);
}

/* Hart 0 moves a page that all read; after everybody has fenced nobody sees the old one. */
static word *root;
static volatile word *entry;
static volatile u32 epoch_, acknowledged, late;
static const struct paging *mode;

static word reads(word va)
{
    return *(volatile word *)va;
}

static void shoot_down(unsigned hart)
{
    word va = 0x40000000;
    for (unsigned i = 1; i <= 60; i++) {
        if (hart == 0) {
            *entry = pte(page[i & 7], PTE_RW);
            acknowledged = 0;
            __atomic_store_n(&epoch_, i, __ATOMIC_SEQ_CST);
            while (__atomic_load_n(&acknowledged, __ATOMIC_SEQ_CST) != HARTS - 1)
                relax();
            continue;
        }
        while (__atomic_load_n(&epoch_, __ATOMIC_SEQ_CST) != i)
            relax();
        csr_write(satp, satp_of(mode, root, 0));
        sfence();
        csr_clear(mstatus, MSTATUS_MPP);
        csr_set(mstatus, 1 << 11 | MSTATUS_MPRV);
        word seen = reads(va), again = reads(va);
        csr_clear(mstatus, MSTATUS_MPRV);
        if (seen != 0x300 + (i & 7) || again != seen)
            __atomic_fetch_add(&late, 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&acknowledged, 1, __ATOMIC_SEQ_CST);
    }
    csr_write(satp, 0);
}

/* A store of another hart between lr and sc, even of the same value, makes sc fail. */
static volatile u32 reserved_word __attribute__((aligned(64))), stage;

static void breaks(unsigned hart)
{
    for (u32 i = 0; i < 50; i++) {
        if (hart == 0) {
            u32 v, failed;
            __asm__ volatile("lr.w %0, (%1)" : "=r"(v) : "r"(&reserved_word) : "memory");
            stage = 2 * i + 1;
            while (stage != 2 * i + 2)
                relax();
            __asm__ volatile("sc.w %0, %1, (%2)" : "=&r"(failed) : "r"(v + 1), "r"(&reserved_word) : "memory");
            CHECK(failed != 0, 1);
        } else {
            while (stage != 2 * i + 1)
                relax();
            reserved_word = 5 + i;
            __asm__ volatile("fence rw, rw" ::: "memory");
            stage = 2 * i + 2;
        }
    }
}

void test_run(void)
{
    on_harts(HARTS, adds);
    CHECK(counter, HARTS * ROUNDS);
    CHECK(lrsc_counter, HARTS * ROUNDS);
    CHECK(guarded, HARTS * ROUNDS);
    if (RV64)
        CHECK(wide, 3 * HARTS * ROUNDS);
    on_harts(HARTS, compares);
    CHECK(cas_counter, HARTS * ROUNDS);
    on_harts(2, dekker);
    on_harts(2, messages);
    machine_hook = on_software;
    on_harts(HARTS, ring);
    machine_hook = 0;
    mode = RV64 ? &sv48 : &sv32;
    for (unsigned i = 0; i < 8; i++)
        *(volatile word *)page[i] = 0x300 + i;
    root = paging_new(mode, PTE_RWX);
    entry = paging_entry(mode, root, 0x40000000, 0);
    on_harts(HARTS, shoot_down);
    CHECK(late, 0);
    on_harts(2, breaks);
}
