/*
 * modes.c - modes and their registers, exceptions that instructions raise, User mode, CPSR.
 */
#include "bare.h"

#define CPS(mode) __asm__ volatile("cps %0" : : "i"(mode) : "memory")

static void banks(void)
{
    u32 v, sp_svc;
    u32 users[2] = {0, 0};
    __asm__ volatile("mov %0, sp" : "=r"(sp_svc));
    __asm__ volatile("msr SP_irq, %0" : : "r"(0x1234));
    __asm__ volatile("msr LR_abt, %0" : : "r"(0x5678));
    __asm__ volatile("msr SPSR_und, %0" : : "r"(0x800001d3));
    __asm__ volatile("msr R9_fiq, %0" : : "r"(0x9999));
    __asm__ volatile("cps #0x12\n\tmov %0, sp\n\tcps #0x13" : "=r"(v));
    CHECK(v, 0x1234);
    __asm__ volatile("cps #0x17\n\tmov %0, lr\n\tcps #0x13" : "=r"(v));
    CHECK(v, 0x5678);
    __asm__ volatile("cps #0x1b\n\tmrs %0, spsr\n\tcps #0x13" : "=r"(v));
    CHECK(v, 0x800001d3);
    __asm__ volatile("mov r9, #1\n\tcps #0x11\n\tmov %0, r9\n\tcps #0x13\n\tadd %0, %0, r9"
                     : "=r"(v) : : "r9");
    CHECK(v, 0x999a);
    __asm__ volatile("mrs %0, SP_svc" : "=r"(v)); /* its own: the register in use */
    __asm__ volatile("msr SP_usr, %0\n\tmsr LR_usr, %1" : : "r"(0x11), "r"(0x22));
    __asm__ volatile("stm %0, {sp, lr}^" : : "r"(users) : "memory");
    CHECK(users[0], 0x11);
    CHECK(users[1], 0x22);
    users[0] = 0x33;
    __asm__ volatile("ldm %0, {sp}^" : : "r"(users) : "memory");
    __asm__ volatile("cps #0x1f\n\tmov %0, sp\n\tcps #0x13" : "=r"(v));
    CHECK(v, 0x33);
    __asm__ volatile("mov %0, sp" : "=r"(v));
    CHECK(v, sp_svc);
}

static void raised(void)
{
    u32 at;
    CHECK(RAISED(__asm__ volatile("adr %0, 1f\n1:\tudf #0" : "=r"(at))), 4);
    CHECK(seen.lr, at + 4);
    CHECK(seen.spsr & 0x1f, 0x13);
    CHECK(seen.cpsr & 0x1ff, 0x1db);
    CHECK(RAISED(__asm__ volatile("svc #7" : : : "lr")), 8);
    CHECK(RAISED(__asm__ volatile("ldr r2, =recover\n\tadr r3, 1f\n\tstr r3, [r2]\n\tbkpt #1\n1:"
                                  : : : "r2", "r3", "memory")), 12);
    CHECK(IFSR() & 0x40f, 2);
    /* a mode that is not there: the next instruction is in an illegal state */
    CHECK(RAISED(__asm__ volatile("msr cpsr_c, %0\n\tnop" : : "r"(0xda) : "memory")), 4);
    CHECK(seen.spsr >> 20 & 1, 1);
    CHECK(RAISED((void)MRC(0, 15, 9, 7)) & ~4u, 0);
    /* A32, then T32 of EL0, from an IT block; EL0 has no SCTLR */
    CHECK(RAISED(in_user(user_mcr, 0)), 8);
    CHECK(RAISED(in_user(user_thumb, 5)), 8);
    CHECK(seen.spsr & 0x3f, 0x30);
}

static void status(void)
{
    u32 v;
    __asm__ volatile("msr cpsr_fs, %1\n\tmrs %0, cpsr" : "=r"(v) : "r"(0xa80a0000) : "cc");
    CHECK(v & 0xf80f0000, 0xa80a0000);
    __asm__ volatile("cpsid aif\n\tmrs %0, cpsr" : "=r"(v));
    CHECK(v & 0x1c0, 0x1c0);
    __asm__ volatile("cpsie a\n\tmrs %0, cpsr" : "=r"(v));
    CHECK(v & 0x1c0, 0xc0);
    u32 word = 0x11223344;
    __asm__ volatile("setend be\n\tldr %0, [%1]\n\tsetend le" : "=r"(v) : "r"(&word), "m"(word));
    CHECK(v, 0x44332211);
    MCR(0, 13, 0, 3, 0x77);
    CHECK(MRC(0, 13, 0, 3), 0x77);
    __asm__ volatile("mrs %0, cpsr" : "=r"(v));
    CHECK(v & 0x1f, 0x13);
}

/* The handler goes on at the second half: STRH to r0. */
static u32 word[4] __attribute__((aligned(16)));
#define T32_WIDE(bits)                                                                             \
    RAISED(__asm__ volatile("mov r0, %0\n\tadr r3, 1f\n\tadd r3, #1\n\tbx r3\n\t"                  \
                            ".thumb\n\t.align 2\n1:\t.inst.w " bits "\n\tbx pc\n\tnop\n\t.arm"        \
                            : : "r"(word) : "r0", "r3", "memory"))

/* For Debug state, UNDEFINED outside of it: HLT, and DCPS1 to 3 of T32. */
static void halting(void)
{
    CHECK(RAISED(__asm__ volatile(".inst 0xe1000070")), 4);
    CHECK(RAISED(__asm__ volatile("adr r3, 1f\n\tadd r3, #1\n\tbx r3\n\t.thumb\n\t.align 2\n"
                                  "1:\tnop\n\t.inst.n 0xba80\n\tbx pc\n\tnop\n\t.arm" : : : "r3")), 4);
    CHECK(T32_WIDE("0xf78f8001"), 4);
    CHECK(T32_WIDE("0xf78f8002"), 4);
    CHECK(T32_WIDE("0xf78f8003"), 4);
}

/* CPACR.ASEDIS: Advanced SIMD is UNDEFINED, scalar floating point and VMOV of words are there. */
#define SIMD(bits) RAISED(__asm__ volatile("mov r1, %0\n\t.inst " #bits : : "r"(word) : "r0", "r1", "memory"))

static void simd_disabled(void)
{
    for (u32 disabled = 0; disabled < 2; disabled++) {
        MCR(0, 1, 0, 2, 0xf00000 | disabled << 31);
        CHECK(MRC(0, 1, 0, 2) >> 31, disabled);
        __asm__ volatile("mov r0, #0x40000000\n\t.inst 0xeee80a10" : : : "r0"); /* vmsr fpexc, r0 */
        CHECK(SIMD(0xf2000d40), disabled ? 4 : 0); /* vadd.f32 q0, q0, q0 */
        CHECK(SIMD(0xf3000150), disabled ? 4 : 0); /* veor q0, q0, q0 */
        CHECK(SIMD(0xf421078f), disabled ? 4 : 0); /* vld1.32 {d0}, [r1] */
        CHECK(SIMD(0xee800b10), disabled ? 4 : 0); /* vdup.32 d0, r0 */
        CHECK(SIMD(0xee400b10), disabled ? 4 : 0); /* vmov.8 d0[0], r0 */
        CHECK(SIMD(0xeed00b10), disabled ? 4 : 0); /* vmov.u8 r0, d0[0] */
        CHECK(SIMD(0xee000b10), 0);                /* vmov.32 d0[0], r0 */
        CHECK(SIMD(0xee100b10), 0);                /* vmov.32 r0, d0[0] */
        CHECK(SIMD(0xee300a00), 0);                /* vadd.f32 s0, s0, s0 */
        CHECK(SIMD(0xed910a00), 0);                /* vldr s0, [r1] */
        CHECK(SIMD(0xeef10a10), 0);                /* vmrs r0, fpscr */
    }
}

/* DBGDTRTXint and DBGDTRRXint from and to memory; nobody is at the other end. */
static void debug_channel(void)
{
    u32 *at = word, *moved;
    word[0] = word[1] = word[2] = 0x55555555;
    CHECK(RAISED(__asm__ volatile("stc p14, c5, [%0, #4]" : : "r"(at) : "memory")), 0);
    CHECK(word[1], MRC14_DTR());
    __asm__ volatile("mov r1, %1\n\tstc p14, c5, [r1], #8\n\tmov %0, r1" : "=r"(moved) : "r"(at) : "r1", "memory");
    CHECK(moved - at, 2);
    CHECK(word[0], MRC14_DTR());
    __asm__ volatile("mov r1, %1\n\tldc p14, c5, [r1, #-4]!\n\tmov %0, r1" : "=r"(moved) : "r"(at + 3) : "r1", "memory");
    CHECK(moved - at, 2);
    CHECK(RAISED(__asm__ volatile("ldc p14, c5, [%0], {3}" : : "r"(at) : "memory")), 0);
    CHECK(word[2], 0x55555555);
    /* a fault of the memory, not aligned; another register */
    CHECK(RAISED(__asm__ volatile("ldc p14, c5, [%0]" : : "r"((u32)at + 2) : "memory")), 16);
    CHECK(RAISED(__asm__ volatile(".inst 0xed816e00" : : : "memory")), 4);
}

/* DBGVCR: SVC's vector is caught, as a Prefetch Abort. */
static void vector_catch(void)
{
    u32 dscr;
    __asm__ volatile("mrc p14, 0, %0, c0, c2, 2" : "=r"(dscr));
    __asm__ volatile("mcr p14, 0, %0, c1, c0, 4" : : "r"(0)); /* OS lock off */
    __asm__ volatile("mcr p14, 0, %0, c0, c7, 0" : : "r"(4));
    __asm__ volatile("mcr p14, 0, %0, c0, c2, 2\n\tisb" : : "r"(dscr | 1 << 15));
    CHECK(RAISED(__asm__ volatile("udf #0")), 4);
    CHECK(RAISED(__asm__ volatile("ldr r2, =recover\n\tadr r3, 1f\n\tstr r3, [r2]\n\tsvc #0\n1:"
                                  : : : "r2", "r3", "lr", "memory")), 12);
    CHECK(IFSR() & 0x40f, 2);
    CHECK(seen.lr, MRC(0, 12, 0, 0) + 8 + 4);
    CHECK(seen.spsr & 0x1f, 0x13);
    __asm__ volatile("mrc p14, 0, %0, c0, c2, 2" : "=r"(dscr));
    CHECK(dscr >> 2 & 15, 5);
    /* the aborts' own vectors are not caught where that would never end */
    __asm__ volatile("mcr p14, 0, %0, c0, c7, 0\n\tisb" : : "r"(0x18));
    CHECK(RAISED(__asm__ volatile("ldr r2, =recover\n\tadr r3, 1f\n\tstr r3, [r2]\n\tbkpt #1\n1:"
                                  : : : "r2", "r3", "memory")), 12);
    __asm__ volatile("mcr p14, 0, %0, c0, c7, 0" : : "r"(0));
    __asm__ volatile("mcr p14, 0, %0, c0, c2, 2\n\tisb" : : "r"(dscr & ~(1u << 15)));
    CHECK(RAISED(__asm__ volatile("svc #0" : : : "lr")), 8);
}

int main(void)
{
    banks();
    raised();
    status();
    halting();
    simd_disabled();
    debug_channel();
    vector_catch();
    put("ok\n");
    return 0;
}
