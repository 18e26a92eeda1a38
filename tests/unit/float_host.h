/*
 * float_host.h - single and double precision by the host's SSE: one instruction, with the rounding
 * and the policies of an environment in MXCSR, and the flags it left there.
 */
#ifndef TESTS_UNIT_FLOAT_HOST_H
#define TESTS_UNIT_FLOAT_HOST_H

#include "float/soft.h"

/* Intel SDM volume 1, section 10.2.3. */
enum { MXCSR_DEFAULT = 0x1f80, MXCSR_DAZ = 1 << 6, MXCSR_FTZ = 1 << 15, MXCSR_ROUND = 13 };

static u32 host_control(const struct float_env *e)
{
    static const u8 round[] = {[FLOAT_RNE] = 0, [FLOAT_RDN] = 1, [FLOAT_RUP] = 2, [FLOAT_RTZ] = 3};
    return MXCSR_DEFAULT | (u32)round[e->round] << MXCSR_ROUND | (e->flush_inputs ? MXCSR_DAZ : 0) |
           (e->flush_results ? MXCSR_FTZ : 0);
}

static unsigned host_flags(u32 mxcsr)
{
    static const u8 flag[] = {FLOAT_NV, FLOAT_DN, FLOAT_DZ, FLOAT_OF, FLOAT_UF, FLOAT_NX};
    unsigned flags = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(flag); i++)
        flags |= mxcsr >> i & 1 ? flag[i] : 0;
    return flags;
}

/* Operands in xmm0..2; `out` moves the result to %[r]. */
#define HOST(NAME, U, MOV, CODE)                                                                   \
    static u64 host_##NAME(u64 a, u64 b, u64 c, struct float_env *e)                               \
    {                                                                                              \
        u32 mxcsr = host_control(e);                                                               \
        u64 r = 0;                                                                                 \
        __asm__ volatile("ldmxcsr %[m]\n" MOV " %[a], %%xmm0\n" MOV " %[b], %%xmm1\n" MOV          \
                         " %[c], %%xmm2\n" CODE "\nstmxcsr %[m]\n"                                 \
                         : [r] "+&r"(r), [m] "+m"(mxcsr)                                           \
                         : [a] "r"((U)a), [b] "r"((U)b), [c] "r"((U)c)                             \
                         : "rax", "xmm0", "xmm1", "xmm2", "cc");                                   \
        __builtin_ia32_ldmxcsr(MXCSR_DEFAULT);                                                     \
        e->flags |= host_flags(mxcsr);                                                             \
        return r;                                                                                  \
    }
#define OUT_32          "\nmovd %%xmm0, %k[r]"
#define OUT_64          "\nmovq %%xmm0, %[r]"
#define OUT_FLAGS       "\nlahf\nmovzbl %%ah, %%eax\nmovl %%eax, %k[r]"
#define IMMEDIATE_MXCSR "4"
#define IMMEDIATE_QUIET "12" /* ... without the precision flag */

#define HOST_FORMAT(T, U, MOV, S, OUT)                                                             \
    HOST(T##_add, U, MOV, "adds" S " %%xmm1, %%xmm0" OUT)                                          \
    HOST(T##_sub, U, MOV, "subs" S " %%xmm1, %%xmm0" OUT)                                          \
    HOST(T##_mul, U, MOV, "muls" S " %%xmm1, %%xmm0" OUT)                                          \
    HOST(T##_div, U, MOV, "divs" S " %%xmm1, %%xmm0" OUT)                                          \
    HOST(T##_sqrt, U, MOV, "sqrts" S " %%xmm0, %%xmm0" OUT)                                        \
    /* The first factor, whose NaN is the first choice, is the middle operand. */                  \
    HOST(T##_fma, U, MOV, "vfmadd213s" S " %%xmm2, %%xmm0, %%xmm1\nmovaps %%xmm1, %%xmm0" OUT)     \
    HOST(T##_rint, U, MOV, "rounds" S " $" IMMEDIATE_MXCSR ", %%xmm0, %%xmm0" OUT)                 \
    HOST(T##_nearbyint, U, MOV, "rounds" S " $" IMMEDIATE_QUIET ", %%xmm0, %%xmm0" OUT)            \
    HOST(T##_to_s32, U, MOV, "cvts" S "2si %%xmm0, %k[r]")                                         \
    HOST(T##_to_s64, U, MOV, "cvts" S "2siq %%xmm0, %[r]")                                         \
    HOST(T##_from_s32, u32, "movd",                                                                \
         "movd %%xmm0, %k[r]\nxorps %%xmm0, %%xmm0\n"                                              \
         "cvtsi2s" S "l %k[r], %%xmm0" OUT)                                                        \
    HOST(T##_from_s64, u64, "movq",                                                                \
         "movq %%xmm0, %[r]\nxorps %%xmm0, %%xmm0\n"                                               \
         "cvtsi2s" S "q %[r], %%xmm0" OUT)                                                         \
    HOST(T##_compare, U, MOV, "ucomis" S " %%xmm1, %%xmm0" OUT_FLAGS)                              \
    HOST(T##_compare_signal, U, MOV, "comis" S " %%xmm1, %%xmm0" OUT_FLAGS)

HOST_FORMAT(f32, u32, "movd", "s", OUT_32)
HOST_FORMAT(f64, u64, "movq", "d", OUT_64)
HOST(f32_to_f64, u32, "movd", "cvtss2sd %%xmm0, %%xmm0" OUT_64)
HOST(f64_to_f32, u64, "movq", "cvtsd2ss %%xmm0, %%xmm0" OUT_32)

/* What ah holds after lahf. */
static enum float_relation host_relation(u64 ah)
{
    enum { CF = 1, PF = 4, ZF = 64 };
    return ah & PF ? FLOAT_UNORDERED : ah & ZF ? FLOAT_EQUAL : ah & CF ? FLOAT_LESS : FLOAT_GREATER;
}

#endif
