/*
 * trans32_simd.h - what the front end's files on Advanced SIMD and floating point of A32 and T32
 * share.
 *
 * Tables give vector registers by the number of a D register; the functions of A64 do the work on
 * parts of registers (vector.h). One thread owns a context, as in trans.h.
 */
#ifndef ISA_ARM_TRANS32_SIMD_H
#define ISA_ARM_TRANS32_SIMD_H

#include "isa/arm/trans32.h"
#include "isa/arm/trans_float.h"
#include "isa/arm/trans_simd.h"
#include "isa/arm/vector.h"

/* -- trans32_simd.c. *reg, the number of a D register, becomes the name of that or, with q, of the
 * Q register it begins; false: none does. */
bool arm_name_vector(u32 q, u32 *reg);

/* -- trans32_simd_mem.c. Raises an alignment fault where addr, an i64, has one of these bits. */
void arm_check_aligned(struct arm_ctx *c, ir_value addr, u32 bits, bool write);

#endif
