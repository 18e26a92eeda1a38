/*
 * rv_amo_align.c - atomics on misaligned addresses trap, wherever they point: into RAM, a page with running code, a
 * device, nothing. The fast check of aligned accesses must not be deceived by what the TLB notes beside an address.
 */
#include "test.h"

const char test_name[] = "rv_amo_align";

#define ATOMIC(name, text)                                                                         \
    static word name(word a)                                                                       \
    {                                                                                              \
        word v;                                                                                    \
        __asm__ volatile(text : "=r"(v) : "r"(a) : "memory");                                      \
        return v;                                                                                  \
    }
ATOMIC(add32, "amoadd.w %0, zero, (%1)")
ATOMIC(swap32, "amoswap.w.aqrl %0, zero, (%1)")
ATOMIC(linked32, "lr.w %0, (%1)")
ATOMIC(conditional32, "sc.w %0, zero, (%1)")
#if __riscv_xlen == 64
ATOMIC(add64, "amoadd.d %0, zero, (%1)")
ATOMIC(linked64, "lr.d %0, (%1)")
ATOMIC(conditional64, "sc.d %0, zero, (%1)")
#endif

static const struct {
    access_fn *fn;
    word size;
    int load;
} atomics[] = {
    {add32, 4, 0}, {swap32, 4, 0}, {linked32, 4, 1}, {conditional32, 4, 0},
#if __riscv_xlen == 64
    {add64, 8, 0}, {linked64, 8, 1}, {conditional64, 8, 0},
#endif
};

/* Alignment before or after what else is wrong there: either is allowed, but one trap it must be. */
static void all_offsets(word base)
{
    for (unsigned i = 0; i < sizeof(atomics) / sizeof(atomics[0]); i++) {
        for (word low = 1; low < 16; low++) {
            if (low % atomics[i].size == 0)
                continue;
            word cause = try(M, atomics[i].fn, base + low);
            int misaligned = cause == (atomics[i].load ? LOAD_MISALIGNED : STORE_MISALIGNED);
            int refused = cause == (atomics[i].load ? LOAD_ACCESS : STORE_ACCESS);
            CHECK(misaligned || refused, 1);
            CHECK_WORD(machine.value, base + low);
        }
    }
}

/* Fills read and write entries for the page first, where something is there. */
static void touch(word base, word value)
{
    *(volatile u32 *)base = (u32)value;
    (void)*(volatile u32 *)base;
}

void test_run(void)
{
    all_offsets(0);           /* nothing is there, and page 0 is what empty entries look like */
    all_offsets(0x70000000);  /* nothing */
    touch(0x0c000000, 0);     /* interrupt controller */
    all_offsets(0x0c000000);
    touch((word)page[0], 5);
    all_offsets((word)page[0]);
    CHECK(*(volatile u32 *)page[0], 5);
    for (unsigned i = 0; i < 4; i++)
        ((volatile u32 *)page[1])[i] = 0x80828082;
    fence_i();
    try(M, do_call, (word)page[1]);
    touch((word)page[1] + 64, 7); /* same page, other line */
    all_offsets((word)page[1]);
    all_offsets((word)page[1] + 64);
    CHECK(*(volatile u32 *)page[1], 0x80828082);
}
