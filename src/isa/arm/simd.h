/*
 * simd.h - Advanced SIMD between the front end and the helpers: names of lane operations, and how an instruction is
 * packed into a helper's argument.
 *
 * Stateless. Helpers work on the registers in struct arm_cpu (IR_FX_READ | IR_FX_WRITE).
 */
#ifndef ISA_ARM_SIMD_H
#define ISA_ARM_SIMD_H

#include "isa/arm/arm.h"

enum arm_vop {
#define LANE(name) ARM_V_##name,
#include "isa/arm/simd.def"
#undef LANE
    ARM_V_COUNT
};
enum { ARM_NO_REG = 0xff }; /* as Rm of a structure: no post-index */
enum arm_permutation { ARM_P_UZP1, ARM_P_UZP2, ARM_P_TRN1, ARM_P_TRN2, ARM_P_ZIP1, ARM_P_ZIP2 };

/* What the helpers loop over. */
enum arm_vshape {
    ARM_SHAPE_THREE,  /* d[i] = op(n[i], m[i], d[i]) */
    ARM_SHAPE_TWO,    /* d[i] = op(n[i], -, d[i]) */
    ARM_SHAPE_PAIR,   /* d[i] = op of neighbours in m:n */
    ARM_SHAPE_LONG,   /* d of double size = op(n[i], m[i]); second: the upper halves */
    ARM_SHAPE_WIDE,   /* n and d of double size */
    ARM_SHAPE_HIGH,   /* n and m of double size; the upper half of each result */
    ARM_SHAPE_NARROW, /* n of double size */
    ARM_SHAPE_ACROSS, /* one lane from all */
    ARM_SHAPE_ELEM,   /* as THREE, with one lane of m */
    ARM_SHAPE_ELEM_LONG,
};

/* The argument `what` of the lane helpers. */
#define ARM_VWHAT(op, shape, size, q, scalar, extra)                                               \
    ((u64)(op) | (u64)(shape) << 8 | (u64)(size) << 12 | (u64)(q) << 14 | (u64)(scalar) << 15 | (u64)(extra) << 16)
/* The argument `regs`: d, n, m. */
#define ARM_VREGS(d, n, m) ((u64)(d) | (u64)(n) << 8 | (u64)(m) << 16)

#endif
