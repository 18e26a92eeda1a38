/*
 * rv_calls.c - calls and returns that are not a pair: other return addresses, jumps out of many calls, return targets
 * that are overwritten or mapped to another page before the return; loops of forward jumps and returns, which interrupts
 * must end.
 */
#include "test.h"

const char test_name[] = "rv_calls";

#if __riscv_xlen == 64
#define LOAD  "ld "
#define STORE "sd "
#else
#define LOAD  "lw "
#define STORE "sw "
#endif

/* ---- Other return addresses ---- */

static void another_address(void)
{
    word sum = 0, n = 200;
    __asm__ volatile("1: jal ra, 3f\n"
                     "addi %0, %0, 1\n" /* even: back to here */
                     "j 4f\n"
                     "2: addi %0, %0, 100\n" /* odd: here instead */
                     "j 4f\n"
                     "3: andi t0, %1, 1\n"
                     "beqz t0, 5f\n"
                     "la ra, 2b\n"
                     "5: ret\n"
                     "4: addi %1, %1, -1\n"
                     "bnez %1, 1b"
                     : "+r"(sum), "+r"(n)
                     :
                     : "ra", "t0", "memory");
    CHECK(sum, 100 * 1 + 100 * 100);
}

static void *out[5];

static __attribute__((noinline)) word descend(word depth)
{
    if (!depth)
        __builtin_longjmp(out, 1);
    word below = descend(depth - 1);
    __asm__ volatile("" : "+r"(below));
    return below + 1;
}

static __attribute__((noinline)) word depth_of(word depth)
{
    if (!depth)
        return 0;
    word below = depth_of(depth - 1);
    __asm__ volatile("" : "+r"(below));
    return below + 1;
}

static void out_of_many(void)
{
    volatile word jumps = 0;
    for (volatile word i = 0; i < 200; i++) {
        if (__builtin_setjmp(out))
            jumps++;
        else
            descend(i % 40);
        CHECK(depth_of(i % 40), i % 40);
    }
    CHECK(jumps, 200);
}

/* ---- Return targets that change ---- */

static void overwritten(void)
{
    word sum = 0, n = 50;
    __asm__ volatile(".option push\n.option norvc\n"
                     "1: jal ra, 3f\n"
                     "addi %0, %0, 1\n" /* one more each time */
                     "addi %1, %1, -1\n"
                     "bnez %1, 1b\n"
                     "j 4f\n"
                     "3: lw t0, (ra)\n"
                     "lui t1, 0x100\n"
                     "add t0, t0, t1\n"
                     "sw t0, (ra)\n"
                     "fence.i\n"
                     "ret\n"
                     "4:\n.option pop"
                     : "+r"(sum), "+r"(n)
                     :
                     : "ra", "t0", "t1", "memory");
    CHECK(sum, 50 * 51 / 2 + 50);
}

/* Calls a0 and tells by the page it returns to; both versions are as long. */
#define VERSION(name, number)                                                                    \
    __asm__(".pushsection .text\n.option push\n.option norvc\n.balign 4\n" #name ":\n"             \
            "addi sp, sp, -16\n" STORE "ra, 0(sp)\njalr a0\nli a0, " #number "\n" LOAD "ra, 0(sp)\n" \
            "addi sp, sp, 16\nret\n" #name "_end:\n.option pop\n.popsection");                        \
    extern const u8 name[], name##_end[]
VERSION(version_1, 1);
VERSION(version_2, 2);

static volatile word *entry;
static word swapped;

static void swap(void)
{
    swapped ^= 1;
    *entry = pte(page[swapped], PTE_RWX);
    sfence_at(0x40000000);
}

static word call_at(word va)
{
    return ((word(*)(void (*)(void)))va)(swap);
}

static void mapped_elsewhere(void)
{
    const struct paging *mode = RV64 ? &sv39 : &sv32;
    word *root = paging_new(mode, PTE_RWX), va = 0x40000000;
    for (unsigned i = 0; version_1 + i < version_1_end; i++) {
        page[0][i] = version_1[i];
        page[1][i] = version_2[i];
    }
    fence_i();
    entry = paging_entry(mode, root, va, 0);
    *entry = pte(page[0], PTE_RWX);
    paging_on(mode, root);
    for (unsigned i = 0; i < 100; i++) {
        CHECK(try(S, call_at, va), NO_TRAP);
        CHECK(result, i & 1 ? 1 : 2); /* the other page, at the return */
    }
    paging_off();
}

/* ---- Interrupts ---- */

static volatile word stop;

static void on_timer(word *frame)
{
    (void)frame;
    CHECK_WORD(csr_read(mcause), INTERRUPT | 7);
    mtimecmp(0, ~UINT64_C(0));
    stop = 1;
}

static void begin(void)
{
    stop = 0;
    mtimecmp(0, mtime() + 2000);
    csr_set(mstatus, MSTATUS_MIE);
}

/* Every jump in line goes forward; only the return goes back. */
static void forward_and_back(void)
{
    machine_hook = on_timer;
    csr_write(mie, 1 << 7);
    for (unsigned i = 0; i < 20; i++) {
        begin();
        __asm__ volatile("la t1, 1f\n"
                         "1: " LOAD "t0, (%0)\n"
                         "bnez t0, 3f\n"
                         "beqz t0, 2f\n"
                         "ebreak\n"
                         "2: jr t1\n"
                         "3:" ::"r"(&stop)
                         : "t0", "t1", "memory");
        begin();
        __asm__ volatile("j 1f\n"
                         "4: j 5f\n"
                         "1: jal ra, 2f\n" /* comes back to the next */
                         "j 4b\n"
                         "5: " LOAD "t0, (%0)\n"
                         "beqz t0, 1b\n"
                         "j 3f\n"
                         "2: ret\n"
                         "3:" ::"r"(&stop)
                         : "ra", "t0", "memory");
        csr_clear(mstatus, MSTATUS_MIE);
    }
    CHECK(stop, 1);
    csr_write(mie, 0);
    machine_hook = NULL;
}

/* Enough new code that memory of units that are gone holds others. */
static void rewritten_often(void)
{
    for (unsigned i = 0; i < 12000; i++) {
        volatile u16 *p = (volatile u16 *)(page[2] + 64 * (i % 7));
        u32 insn = (i & 2047) << 20 | 0x513; /* addi a0, x0, i */
        p[0] = (u16)insn;
        p[1] = (u16)(insn >> 16);
        p[2] = 0x8082;
        fence_i();
        CHECK(((word(*)(void))(word)p)(), i & 2047);
    }
}

void test_run(void)
{
    another_address();
    out_of_many();
    overwritten();
    mapped_elsewhere();
    forward_and_back();
    rewritten_often();
}
