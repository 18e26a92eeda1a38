/*
 * eval.h - what each pure operation computes, once: constant folding, the interpreter and the tests
 * all ask here.
 *
 * Values are u64: an i32 or f32 by its bits, zero-extended. Stateless, thread-safe.
 */
#ifndef JIT_EVAL_H
#define JIT_EVAL_H

#include "jit/ir.h"

/* A v128: its low and high half. */
struct ir_v128 {
    u64 d[2];
};

static inline u64 ir_type_mask(unsigned type)
{
    return type == IR_I32 || type == IR_F32 ? UINT32_MAX : UINT64_MAX;
}

static inline unsigned ir_type_bits(unsigned type)
{
    return type == IR_V128 ? 128 : type == IR_I32 || type == IR_F32 ? 32 : 64;
}

/* What a memory op with this aux and result type makes of the bytes it read, zero-extended in v. */
static inline u64 ir_extend(unsigned aux, unsigned type, u64 v)
{
    unsigned bits = 8 * IR_MEM_BYTES(aux);
    if (aux & IR_MEM_SIGNED && bits < 64)
        v = (u64)bits_sext(v, bits);
    return v & ir_type_mask(type);
}

/* cond of x and y, integers of `type`. */
bool ir_eval_cond(unsigned cond, unsigned type, u64 x, u64 y);

/* The result of pure operation `op` (ir_op_is_pure, not CONST). operand: type of its first value
 * operand. */
u64 ir_eval(const struct ir_op *op, unsigned operand, u64 a, u64 b, u64 c);

/* The result of float operation FADD..ITOF exactly as the guest defines it. dynamic: rounding that
 * IR_FLOAT_DYN stands for. Exceptions raised are OR-ed into *flags (enum float_flag). */
u64 ir_eval_float(const struct ir_op *op, unsigned operand, unsigned dynamic, u64 a, u64 b, u64 c,
                  unsigned *flags);

/* The result of vector operation `op`; scalar operands and results are d[0]. Float lanes as ir_eval_float. */
struct ir_v128 ir_eval_vector(const struct ir_op *op, unsigned dynamic, const struct ir_v128 *a,
                              const struct ir_v128 *b, const struct ir_v128 *c, unsigned *flags);

#endif
