/*
 * rv_smc.c - code that changes: stores over code that has run, over the very next instruction, over instructions in
 * two pages, through another mapping, by atomics, and by another hart (unprivileged manual, "Zifencei").
 */
// smp: 2
#include "test.h"

const char test_name[] = "rv_smc";

enum { RET = 0x8082 };
typedef word (*code_fn)(void);

static u32 li_a0(unsigned n) /* addi a0, x0, n */
{
    return n << 20 | 0x513;
}

static void write_code(void *at, unsigned n)
{
    volatile u16 *p = at;
    u32 insn = li_a0(n);
    p[0] = (u16)insn;
    p[1] = (u16)(insn >> 16);
    p[2] = RET;
}

static void rewrite(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        write_code(page[0] + 64 * (i % 3), i);
        fence_i();
        CHECK(((code_fn)(word)(page[0] + 64 * (i % 3)))(), i);
    }
}

/* Only a byte, a halfword: the immediate. */
static void patch_parts(void)
{
    write_code(page[1], 0);
    fence_i();
    for (unsigned i = 0; i < 128; i++) {
        *(volatile u8 *)(page[1] + 3) = (u8)i;
        fence_i();
        CHECK(((code_fn)(word)page[1])(), i << 4 | (i ? (i - 1) & 15 : 0));
        *(volatile u16 *)(page[1] + 2) = (u16)(i << 4);
        fence_i();
        CHECK(((code_fn)(word)page[1])(), i);
    }
}

static void in_two_pages(void)
{
    u8 *edge = page[3] - 2;
    for (unsigned i = 0; i < 200; i++) {
        write_code(edge, i); /* both halves change */
        fence_i();
        CHECK(((code_fn)(word)edge)(), i);
        *(volatile u16 *)page[3] = (u16)((i + 1) << 4); /* only the second page */
        fence_i();
        CHECK(((code_fn)(word)edge)(), i + 1);
    }
}

/* The page holds data too, which is written without end: the code beside it stays good. */
static void beside_data(void)
{
    volatile u64 *data = (volatile u64 *)(page[4] + 2048);
    write_code(page[4], 9);
    fence_i();
    *data = 0;
    for (unsigned i = 0; i < 2000; i++) {
        *data += 1;
        CHECK(((code_fn)(word)page[4])(), 9);
    }
    CHECK(*data, 2000);
}

/* A loop that changes its own body as it runs, with the fence. */
static void itself(void)
{
    word sum = 0, n = 10, at, insn;
    __asm__ volatile(".option push\n.option norvc\n"
                     "la %1, 1f\n"
                     "lw %3, (%1)\n"
                     "2: sw %3, (%1)\n"
                     "fence.i\n"
                     "1: addi %0, %0, 1\n"
                     "lui t0, 0x100\n"
                     "add %3, %3, t0\n" /* next time one more */
                     "addi %2, %2, -1\n"
                     "bnez %2, 2b\n"
                     ".option pop"
                     : "+r"(sum), "=&r"(at), "+r"(n), "=&r"(insn)
                     :
                     : "t0", "memory");
    CHECK(sum, 55);
}

static void by_atomics(void)
{
    volatile u32 *p = (volatile u32 *)page[5];
    write_code(page[5], 1);
    fence_i();
    CHECK(((code_fn)(word)page[5])(), 1);
    __atomic_fetch_add(p, 1u << 20, __ATOMIC_SEQ_CST);
    fence_i();
    CHECK(((code_fn)(word)page[5])(), 2);
    u32 insn = li_a0(77), seen;
    __asm__ volatile("1: lr.w %0, (%1)\nsc.w %0, %2, (%1)\nbnez %0, 1b" : "=&r"(seen) : "r"(p), "r"(insn) : "memory");
    fence_i();
    CHECK(((code_fn)(word)page[5])(), 77);
    __asm__ volatile(".option push\n.option arch, +zicboz\ncbo.zero (%0)\n.option pop" ::"r"(page[6]) : "memory");
    write_code(page[6], 5);
    fence_i();
    CHECK(((code_fn)(word)page[6])(), 5);
    __asm__ volatile(".option push\n.option arch, +zicboz\ncbo.zero (%0)\n.option pop" ::"r"(page[6]) : "memory");
    fence_i();
    *(volatile u16 *)(page[6] + 64) = RET;
    fence_i();
    CHECK(try(M, (access_fn *)(word)page[6], 0), ILLEGAL);
    CHECK(machine.count, 32);
    machine.count = 0;
}

/* The same page in two places: written in one, run in the other. */
static word run_at(word va)
{
    return ((code_fn)va)();
}

static void by_another_name(void)
{
    const struct paging *mode = RV64 ? &sv39 : &sv32;
    word *root = paging_new(mode, PTE_RWX);
    word va = 0x40000000;
    *paging_entry(mode, root, va, 0) = pte(page[7], PTE_RWX);
    *paging_entry(mode, root, va + 4096, 0) = pte(page[7], PTE_RWX);
    paging_on(mode, root);
    for (unsigned i = 0; i < 50; i++) {
        write_code(page[7], i);
        fence_i();
        CHECK(try(S, run_at, va), NO_TRAP);
        CHECK(result, i);
        CHECK(try(S, run_at, va + 4096), NO_TRAP);
        CHECK(result, i);
    }
    /* another page at the address */
    write_code(page[8], 99);
    *paging_entry(mode, root, va, 0) = pte(page[8], PTE_RWX);
    sfence();
    fence_i();
    CHECK(try(S, run_at, va), NO_TRAP);
    CHECK(result, 99);
    CHECK(try(S, run_at, va + 4096), NO_TRAP);
    CHECK(result, 49);
    paging_off();
}

/* Hart 1 runs what hart 0 writes: told by memory, and fetched after its own fence. */
static volatile u32 ticket, done;
enum { ROUNDS = 300 };

static void other_hart_writes(unsigned hart)
{
    for (unsigned i = 1; i <= ROUNDS; i++) {
        if (hart == 0) {
            write_code(page[9], i);
            __atomic_store_n(&ticket, i, __ATOMIC_RELEASE);
            while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != i)
                relax();
        } else {
            while (__atomic_load_n(&ticket, __ATOMIC_ACQUIRE) != i)
                relax();
            fence_i();
            word got = ((code_fn)(word)page[9])();
            if (got != i)
                CHECK(got, i);
            __atomic_store_n(&done, i, __ATOMIC_RELEASE);
        }
    }
}

/* Hart 1 runs a loop without a fence while hart 0 flips one aligned instruction in it: each value is old or new, and
 * the change arrives. */
static volatile u32 stop_running;

static void flips(unsigned hart)
{
    volatile u32 *p = (volatile u32 *)page[10];
    if (hart == 0) {
        for (unsigned i = 0; i < 300; i++) {
            *p = li_a0(i & 1 ? 1111 : 222);
            for (volatile unsigned k = 0; k < 100; k++)
                ;
        }
        *p = li_a0(333);
        while (__atomic_load_n(&stop_running, __ATOMIC_ACQUIRE) != 1)
            relax();
    } else {
        for (;;) {
            word got = ((code_fn)(word)page[10])();
            if (got != 1111 && got != 222 && got != 333)
                CHECK(got, 222);
            if (got == 333)
                break;
            fence_i();
        }
        __atomic_store_n(&stop_running, 1, __ATOMIC_RELEASE);
    }
}

void test_run(void)
{
    rewrite();
    patch_parts();
    in_two_pages();
    beside_data();
    itself();
    by_atomics();
    by_another_name();
    on_harts(2, other_hart_writes);
    write_code(page[10], 222);
    fence_i();
    on_harts(2, flips);
}
