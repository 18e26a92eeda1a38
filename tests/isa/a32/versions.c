/*
 * versions.c - instructions that came with Armv8: CPUs of Armv7 have them not.
 */
#include "bare.h"

static u32 word[2] __attribute__((aligned(8)));

#define CHECK_V8(bits)                                                                             \
    CHECK(RAISED(__asm__ volatile("mov r1, %0\n\t.inst " #bits                                     \
                                  : : "r"(word) : "r0", "r1", "r2", "r3", "memory")), v7 ? 4 : 0)

int main(void)
{
    u32 part = MRC(0, 0, 0, 0) >> 4 & 0xfff, v7 = part == 0xc07 || part == 0xc0f;
    MCR(0, 1, 0, 2, 0xf00000); /* CPACR: cp10, cp11 */
    __asm__ volatile("isb\n\tmov r0, #0x40000000\n\t.inst 0xeee80a10" : : : "r0"); /* vmsr fpexc, r0 */
    CHECK_V8(0xe1910c9f); /* lda r0, [r1] */
    CHECK_V8(0xe181fc90); /* stl r0, [r1] */
    CHECK_V8(0xe1910e9f); /* ldaex r0, [r1] */
    CHECK_V8(0xe1812e90); /* stlex r2, r0, [r1] */
    CHECK_V8(0xe1d10c9f); /* ldab r0, [r1] */
    CHECK_V8(0xfe000a81); /* vseleq.f32 s0, s1, s2 */
    CHECK_V8(0xfe800a81); /* vmaxnm.f32 s0, s1, s2 */
    CHECK_V8(0xeeb60ae0); /* vrintz.f32 s0, s1 */
    CHECK_V8(0xfeb80a60); /* vrinta.f32 s0, s1 */
    CHECK_V8(0xfebc0ae0); /* vcvta.s32.f32 s0, s1 */
    CHECK_V8(0xf3ba0442); /* vrintn.f32 q0, q1 */
    CHECK_V8(0xf3bb0042); /* vcvta.s32.f32 q0, q1 */
    CHECK_V8(0xf3020f54); /* vmaxnm.f32 q0, q1, q2 */
    CHECK_V8(0xeeb30b40); /* vcvtb.f16.f64 s0, d0 */
    v7 = 0;
    CHECK_V8(0xe1910f9f); /* ldrex r0, [r1] */
    CHECK_V8(0xee300a81); /* vadd.f32 s0, s1, s2 */
    CHECK_V8(0xeeb30a60); /* vcvtb.f16.f32 s0, s1 */
    put("ok\n");
    return 0;
}
