/*
 * float.h - floating point between the front end and the helpers: names of operations, and how one
 * is packed into a helper's argument.
 *
 * Stateless. The scalar helper takes and gives bit patterns, zero-extended; the vector helper works
 * on the registers in struct arm_cpu.
 */
#ifndef ISA_ARM_FLOAT_H
#define ISA_ARM_FLOAT_H

#include "float/soft.h"
#include "isa/arm/arm.h"

/* clang-format off */
/* The manual's FPAdd and so on. x, y: operands; z: the addend. Those of mask results (CMEQ..CMLT0) are ones or 0. */
enum arm_fop {
    ARM_F_ADD, ARM_F_SUB, ARM_F_MUL, ARM_F_DIV, ARM_F_NMUL,
    ARM_F_MAX, ARM_F_MIN, ARM_F_MAXNM, ARM_F_MINNM,
    ARM_F_MULX, ARM_F_ABD, ARM_F_RECPS, ARM_F_RSQRTS,
    ARM_F_MADD, ARM_F_MSUB, ARM_F_NMADD, ARM_F_NMSUB, /* z + xy, z - xy, -z - xy, -z + xy */
    ARM_F_CMEQ, ARM_F_CMGE, ARM_F_CMGT, ARM_F_ACGE, ARM_F_ACGT,
    ARM_F_CMEQ0, ARM_F_CMGE0, ARM_F_CMGT0, ARM_F_CMLE0, ARM_F_CMLT0,
    ARM_F_CMP, ARM_F_CMPE, /* NZCV in bits 31..28 */
    ARM_F_ABS, ARM_F_NEG, ARM_F_SQRT,
    ARM_F_RINT, ARM_F_RINTX, ARM_F_RINT32, ARM_F_RINT64,
    ARM_F_RECPE, ARM_F_RSQRTE, ARM_F_RECPX, ARM_F_URECPE, ARM_F_URSQRTE,
    ARM_F_CVT,                  /* between formats, `size` to `to` */
    ARM_F_TO_S, ARM_F_TO_U,     /* to an integer of size `to` with so many bits of fraction */
    ARM_F_FROM_S, ARM_F_FROM_U, /* from an integer of size `to` */
    ARM_F_JCVT,                 /* FJCVTZS: the word, and NZCV in bits 63..60 */
    ARM_F_MLA, ARM_F_MLS, ARM_F_NMLA, ARM_F_NMLS, /* AArch32: z + xy, z - xy, -z - xy, -z + xy; both roundings */
    ARM_F_RECPS32, ARM_F_RSQRTS32,                /* AArch32's, which round the product */
};

/* What works on pairs of lanes, or on lanes of two formats. */
enum arm_fmixed {
    ARM_FX_MLAL, ARM_FX_MLSL, ARM_FX_MLAL2, ARM_FX_MLSL2, /* singles of halves */
    ARM_FX_CADD, ARM_FX_CMLA,                             /* complex; fraction: rotation */
    ARM_FX_BFDOT, ARM_FX_BFMMLA, ARM_FX_BFMLAL, ARM_FX_BFCVTN, ARM_FX_BFCVT,
};
/* clang-format on */

/* What the vector helper loops over. */
enum arm_fshape {
    ARM_FSHAPE_LANES,  /* d[i] = op(n[i], m[i], d[i]) */
    ARM_FSHAPE_ELEM,   /* ... with one lane of m */
    ARM_FSHAPE_PAIR,   /* d[i] = op of neighbours in m:n */
    ARM_FSHAPE_ACROSS, /* one lane from all, by halves */
    ARM_FSHAPE_LONG,   /* CVT to double size; q: from the upper half */
    ARM_FSHAPE_NARROW, /* CVT to half size; q: to the upper half */
};

/* The argument `what`. size, to: log2 of bytes; round: enum float_round or IR_FLOAT_DYN, FPCR's. */
#define ARM_FWHAT(op, size, to, round, fraction)                                                   \
    ((u64)(op) | (u64)(size) << 8 | (u64)(to) << 10 | (u64)(round) << 12 | (u64)(fraction) << 16)
/* ... of the vector helper, with this added; its second argument is d, n, m. */
#define ARM_FVECTOR(shape, q, scalar, index)                                                       \
    ((u64)(shape) << 24 | (u64)(q) << 28 | (u64)(scalar) << 29 | (u64)(index) << 32)
/* In `what`: AArch32's Advanced SIMD does not do as FPSCR says ("StandardFPSCRValue"). */
#define ARM_F_STANDARD BIT(15)
#define ARM_FREGS(d, n, m) ((u64)(d) | (u64)(n) << 8 | (u64)(m) << 16)

/* FPCR's rules for singles and doubles; round: enum float_round or IR_FLOAT_DYN. Flags go to FPSR
 * by accrue. */
struct float_env arm_float_env(u32 fpcr, unsigned round);
/* FPCR as the operation sees it. */
u32 arm_float_control(const struct arm_cpu *a, u64 what);
void arm_float_accrue(struct arm_cpu *a, const struct float_env *e, unsigned size);

/* ftype, or its like in vectors (0: single, 1: double, 3: half), as log2 of bytes; 0: reserved. */
static inline unsigned arm_float_size(u32 ftype)
{
    static const u8 sizes[4] = {2, 3, 0, 1};
    return sizes[ftype & 3];
}

#endif
