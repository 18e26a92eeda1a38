/*
 * float.c - floating-point and cryptographic instructions with known results
 * (unit/a64_float_vectors.h), as each engine executes them; twice, so that translations are used
 * again.
 */
// options: -M virt -cpu max
#include "bare.h"
typedef unsigned u32;
#include "../../unit/a64_float_vectors.h"

enum { CASES = sizeof(vectors) / sizeof(vectors[0]) };
static u64 l1[512] PAGE_ALIGNED;
static u32 code[2 * CASES + 32] PAGE_ALIGNED;
static struct {
    u64 x[8], v[32][2];
} result;

/* The instruction at `at` on the registers x0..x7, v0..v31 in x and v. FPSR and NZCV. */
u64 execute(const u32 *at, u64 fpcr, const void *x, const void *v, void *out);
/* clang-format off */
#define EACH_32 "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
__asm__(".arch armv8-a+fp+simd\n"
        "execute:\n"
        "  stp x30, x4, [sp, #-16]!\n"
        "  mov x9, x0\n"
        "  mov x10, x2\n"
        "  msr fpcr, x1\n"
        "  msr fpsr, xzr\n"
        "  msr nzcv, xzr\n"
        ".irp i," EACH_32 "\n"
        "  ldr q\\i, [x3, #16*\\i]\n"
        ".endr\n"
        "  ldp x0, x1, [x10]\n"
        "  ldp x2, x3, [x10, #16]\n"
        "  ldp x4, x5, [x10, #32]\n"
        "  ldp x6, x7, [x10, #48]\n"
        "  blr x9\n"
        "  ldp x30, x10, [sp], #16\n"
        "  stp x0, x1, [x10], #16\n"
        "  stp x2, x3, [x10], #16\n"
        "  stp x4, x5, [x10], #16\n"
        "  stp x6, x7, [x10], #16\n"
        ".irp i," EACH_32 "\n"
        "  str q\\i, [x10, #16*\\i]\n"
        ".endr\n"
        "  mrs x0, fpsr\n"
        "  mrs x1, nzcv\n"
        "  orr x0, x0, x1\n"
        "  ret\n");
/* clang-format on */

static void synchronize(const u32 *at)
{
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(at) : "memory");
}

static void check(u32 i)
{
    static char text[] = "flags of instruction ........";
    u32 d = vectors[i].insn & 31;
    u64 flags = execute(&code[2 * i], vectors[i].fpcr, vector_x, vector_v, &result);
    if (flags == vectors[i].flags && result.x[d & 7] == vectors[i].x &&
        result.v[d][0] == vectors[i].v[0] && result.v[d][1] == vectors[i].v[1])
        return;
    for (u32 k = 0; k < 8; k++)
        text[21 + k] = "0123456789abcdef"[vectors[i].insn >> (28 - 4 * k) & 15];
    fail(flags != vectors[i].flags ? text : text + 9);
}

/* Products that round up to the smallest normal number: tiny before rounding, so UFC and IXC. */
static void check_tiny(void)
{
    static const u64 v[32][2] = {
        [1] = {0x00ffffff00ffffff, 0x00ffffff00ffffff},
        [2] = {0x3f0000003f000000, 0x3f0000003f000000},
        [4] = {0x001fffffffffffff, 0x001fffffffffffff},
        [5] = {0x3fe0000000000000, 0x3fe0000000000000},
    };
    /* fmul s, d, 4s, 2d; fmadd s */
    static const u32 insns[] = {0x1e220820, 0x1e650880, 0x6e22dc20, 0x6e65dc80, 0x1f020c20};
    static const u32 fpcr[] = {0, 1 << 25};
    for (u32 i = 0; i < 2 * sizeof(insns) / sizeof(insns[0]); i++) {
        u32 *at = &code[2 * (CASES + i)];
        at[0] = insns[i / 2];
        at[1] = 0xd65f03c0;
        synchronize(at);
        u64 want = i / 2 == 1 || i / 2 == 3 ? 0x0010000000000000 : 0x00800000;
        if (execute(at, fpcr[i & 1], vector_x, v, &result) != 0x18 ||
            (result.v[0][0] & (i / 2 == 2 ? 0xffffffff : ~0UL)) != want)
            fail("tiny products");
    }
}

void run(u64 cpu)
{
    map_low(l1);
    mmu_on(l1);
    __asm__ volatile("msr cpacr_el1, %0; isb" ::"r"(cpu | 3UL << 20));
    for (u32 i = 0; i < CASES; i++) {
        code[2 * i] = vectors[i].insn;
        code[2 * i + 1] = 0xd65f03c0; /* ret */
    }
    for (u32 i = 0; i < CASES; i++)
        synchronize(&code[2 * i]);
    for (u32 n = 0; n < 2; n++)
        for (u32 i = 0; i < CASES; i++)
            check(i);
    check_tiny();
}
