/*
 * trans_float.h - what the front end's files on floating point share: formats, registers as
 * scalars, the exact path.
 *
 * One thread owns a context, as in trans.h.
 */
#ifndef ISA_ARM_TRANS_FLOAT_H
#define ISA_ARM_TRANS_FLOAT_H

#include "isa/arm/float.h"
#include "isa/arm/trans.h"

enum { ARM_FLOAT_NO_REG = 32 };

/* log2 of the bytes of a format that the CPU has; false: it has not. */
bool arm_float_type(const struct arm_ctx *c, u32 ftype, unsigned *size);
/* IR operations give the right results: not for halves, nor where FPCR flushes to zero. */
bool arm_float_inline(const struct arm_ctx *c, unsigned size);
unsigned arm_float_aux(const struct arm_ctx *c); /* of operations that round as FPCR says */
ir_value arm_float_bits(struct arm_ctx *c, u32 n, unsigned size);  /* i64 */
ir_value arm_float_value(struct arm_ctx *c, u32 n, unsigned size); /* f32, f64 */
/* v: a float, or bits zero-extended in an i64. */
bool arm_float_set(struct arm_ctx *c, u32 d, ir_value v);
/* what: ARM_FWHAT; y, z may be IR_NONE. */
ir_value arm_float_soft(struct arm_ctx *c, u64 what, ir_value x, ir_value y, ir_value z);
/* NZCV, bits 31..28, of two values given as bits. */
ir_value arm_float_compare(struct arm_ctx *c, unsigned size, bool signalling, ir_value x, ir_value y);
/* From n, an i64 of which sf says how much counts: 64 bits, or 32; a float, or bits. The other way: an i64. */
ir_value arm_float_from_int(struct arm_ctx *c, unsigned size, bool sf, bool uns, unsigned fraction, ir_value n);
ir_value arm_float_to_int(struct arm_ctx *c, unsigned size, bool sf, bool uns, unsigned round, unsigned fraction, u32 n);
/* d = op(n, m) of scalars. */
bool arm_float_binary(struct arm_ctx *c, enum arm_fop op, unsigned size, u32 d, u32 n, u32 m);

#endif
