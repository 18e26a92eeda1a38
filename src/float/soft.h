/*
 * soft.h - exact IEEE 754 arithmetic in integers: the reference for every inline float operation,
 * and the path taken when the host's FPU cannot give the guest's result.
 *
 * Values are bit patterns (u16/u32/u64). All state is in struct float_env, which the caller owns:
 * rounding, flags accrued, and the policies in which architectures differ. No host floating point
 * is used. Thread-safe.
 *
 * Sources: IEEE 754-2019; the policies from each architecture's manual (RISC-V unprivileged chapter
 * "F").
 */
#ifndef FLOAT_SOFT_H
#define FLOAT_SOFT_H

#include "base/base.h"

enum float_round {
    FLOAT_RNE, /* nearest, ties to even */
    FLOAT_RTZ, /* toward zero */
    FLOAT_RDN, /* toward minus infinity */
    FLOAT_RUP, /* toward plus infinity */
    FLOAT_RMM, /* nearest, ties away from zero */
    FLOAT_RTO, /* to odd */
};

enum float_flag {
    FLOAT_NX = 1, /* inexact */
    FLOAT_UF = 2,
    FLOAT_OF = 4,
    FLOAT_DZ = 8,
    FLOAT_NV = 16, /* invalid */
    FLOAT_DN = 32, /* a denormal operand was used (x86 DE, Arm IDC) */
};

enum float_nan_rule {
    FLOAT_NAN_DEFAULT, /* every NaN result is the default NaN (RISC-V, Arm with FPCR.DN) */
    FLOAT_NAN_X86,     /* x86 SSE: first operand that is a NaN, quieted */
    FLOAT_NAN_ARM,     /* Arm: signalling first, then quiet, in operand order (fma: c, a, b) */
};

struct float_env {
    u8 round;              /* enum float_round */
    u8 flags;              /* enum float_flag, accrued */
    u8 nan_rule;           /* enum float_nan_rule */
    bool default_nan_sign; /* default NaN is negative (x86) */
    bool tiny_before;      /* tininess is detected before rounding (Arm) */
    bool flush_inputs;     /* denormal operands are zero */
    bool flush_results;    /* tiny results are zero */
    bool fma_inf_zero_nv;  /* inf*0+qNaN raises NV (RISC-V and Arm: yes) */
};

struct float_env float_env_riscv(enum float_round round);

enum float_relation { FLOAT_LESS = -1, FLOAT_EQUAL = 0, FLOAT_GREATER = 1, FLOAT_UNORDERED = 2 };

/* Arithmetic. fma: a*b+c with one rounding. */
#define FLOAT_DECLARE(T, U)                                                                        \
    U T##_add(U a, U b, struct float_env *e);                                                      \
    U T##_sub(U a, U b, struct float_env *e);                                                      \
    U T##_mul(U a, U b, struct float_env *e);                                                      \
    U T##_div(U a, U b, struct float_env *e);                                                      \
    U T##_sqrt(U a, struct float_env *e);                                                          \
    U T##_fma(U a, U b, U c, struct float_env *e);                                                 \
    U T##_round_int(U a, bool exact, struct float_env *e); /* exact: raises NX when it differs */  \
    U T##_min(U a, U b, struct float_env *e); /* IEEE 754-2019 minimumNumber: RISC-V fmin */       \
    U T##_max(U a, U b, struct float_env *e);                                                      \
    U T##_minm(U a, U b, struct float_env *e); /* IEEE 754-2019 minimum (NaN wins): fminm */       \
    U T##_maxm(U a, U b, struct float_env *e);                                                     \
    enum float_relation T##_compare(U a, U b, bool signalling, struct float_env *e);               \
    s32 T##_to_s32(U a, struct float_env *e); /* out of range: NV, saturated; NaN: largest */      \
    u32 T##_to_u32(U a, struct float_env *e);                                                      \
    s64 T##_to_s64(U a, struct float_env *e);                                                      \
    u64 T##_to_u64(U a, struct float_env *e);                                                      \
    s32 T##_to_s32_modular(U a, struct float_env *e); /* RISC-V fcvtmod (f64 only is used) */      \
    U T##_from_s32(s32 a, struct float_env *e);                                                    \
    U T##_from_u32(u32 a, struct float_env *e);                                                    \
    U T##_from_s64(s64 a, struct float_env *e);                                                    \
    U T##_from_u64(u64 a, struct float_env *e);                                                    \
    unsigned T##_class(U a); /* RISC-V fclass: one of ten bits, also what others derive from */    \
    bool T##_is_nan(U a);                                                                          \
    bool T##_is_snan(U a);                                                                         \
    U T##_default_nan(const struct float_env *e);

FLOAT_DECLARE(f16, u16)
FLOAT_DECLARE(f32, u32)
FLOAT_DECLARE(f64, u64)

u32 f16_to_f32(u16 a, struct float_env *e);
u64 f16_to_f64(u16 a, struct float_env *e);
u16 f32_to_f16(u32 a, struct float_env *e);
u64 f32_to_f64(u32 a, struct float_env *e);
u16 f64_to_f16(u64 a, struct float_env *e);
u32 f64_to_f32(u64 a, struct float_env *e);

#endif
