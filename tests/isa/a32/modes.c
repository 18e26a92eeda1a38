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

int main(void)
{
    banks();
    raised();
    status();
    put("ok\n");
    return 0;
}
