/*
 * trans.h - what the trans_*.c files share: registers by number, widths, calls, ways to leave.
 *
 * A trans function builds the IR of one instruction and returns true; false means that the encoding
 * is reserved, and then it has built nothing: the caller raises an illegal-instruction exception.
 * One that ends the unit leaves the builder ended (ir_ended).
 *
 * One thread owns a context (struct riscv_ctx, riscv.h), for one unit.
 */
#ifndef ISA_RISCV_TRANS_H
#define ISA_RISCV_TRANS_H

#include "isa/insn.h"
#include "isa/riscv/riscv.h"
#include "jit/build.h"

/* fmt: the fields of the encoding ("F Extension"). */
enum riscv_fmt { RISCV_FMT_S, RISCV_FMT_D, RISCV_FMT_H };
enum riscv_int { RISCV_INT_W, RISCV_INT_WU, RISCV_INT_L, RISCV_INT_LU };

/* -- Integer registers. The setters return true, so that a trans function ends in one. */
static inline ir_value riscv_x(struct riscv_ctx *c, u32 r)
{
    return r ? ir_get(c->b, riscv_slot_x(r)) : ir_const(c->b, 0);
}

static inline bool riscv_set_x(struct riscv_ctx *c, u32 r, ir_value v)
{
    if (r)
        ir_put(c->b, riscv_slot_x(r), v);
    return true;
}

/* The low word of x[r] as i32, and x[r] = sign-extended i32. */
static inline ir_value riscv_w(struct riscv_ctx *c, u32 r)
{
    return r ? ir_trunc(c->b, riscv_x(c, r)) : ir_const32(c->b, 0);
}

static inline bool riscv_set_w(struct riscv_ctx *c, u32 r, ir_value v)
{
    return riscv_set_x(c, r, ir_sext(c->b, v, 32, IR_I64));
}

/* x[r] = v, an i64 of which XLEN bits count. */
static inline bool riscv_set_xlen(struct riscv_ctx *c, u32 r, ir_value v)
{
    return riscv_set_x(c, r, c->rv32 ? ir_sext(c->b, v, 32, IR_I64) : v);
}

/* -- Addresses: x[rs1] + imm at XLEN, zero-extended. place: base and offset for the memory
 * operations. */
struct riscv_place {
    ir_value base;
    s32 offset;
};

static inline ir_value riscv_address(struct riscv_ctx *c, u32 rs1, s32 imm)
{
    ir_value sum = ir_addi(c->b, riscv_x(c, rs1), imm);
    return c->rv32 ? ir_zext(c->b, sum, 32, IR_I64) : sum;
}

static inline struct riscv_place riscv_place(struct riscv_ctx *c, u32 rs1, s32 imm)
{
    if (c->rv32)
        return (struct riscv_place){riscv_address(c, rs1, imm), 0};
    return (struct riscv_place){riscv_x(c, rs1), imm};
}

/* -- Operations that exist at XLEN and, as "W" instructions, at 32 bits: written once, on values of
 * either width. */
struct riscv_arg_r;
struct riscv_arg_r1;
struct riscv_arg_shift;
typedef ir_value riscv_binary_fn(struct ir_builder *b, ir_value x, ir_value y);
typedef ir_value riscv_unary_fn(struct ir_builder *b, ir_value x);

bool riscv_binary(struct riscv_ctx *c, const struct riscv_arg_r *a, riscv_binary_fn *op);
bool riscv_binary_w(struct riscv_ctx *c, const struct riscv_arg_r *a, riscv_binary_fn *op);
bool riscv_shift(struct riscv_ctx *c, const struct riscv_arg_shift *a, riscv_binary_fn *op);
bool riscv_shift_w(struct riscv_ctx *c, const struct riscv_arg_shift *a, riscv_binary_fn *op);
bool riscv_unary(struct riscv_ctx *c, const struct riscv_arg_r1 *a, riscv_unary_fn *op);
bool riscv_unary_w(struct riscv_ctx *c, const struct riscv_arg_r1 *a, riscv_unary_fn *op);

/* -- Float operations done by riscv_helper_float(). The four kinds of integers follow TO_INT and
 * FROM_INT. */
enum riscv_float_op {
    RISCV_FLOAT_ADD,
    RISCV_FLOAT_SUB,
    RISCV_FLOAT_MUL,
    RISCV_FLOAT_DIV,
    RISCV_FLOAT_SQRT,
    RISCV_FLOAT_MADD,
    RISCV_FLOAT_MIN,
    RISCV_FLOAT_MAX,
    RISCV_FLOAT_MINM,
    RISCV_FLOAT_MAXM,
    RISCV_FLOAT_ROUND,
    RISCV_FLOAT_ROUNDNX,
    RISCV_FLOAT_EQ,
    RISCV_FLOAT_LT,
    RISCV_FLOAT_LE,
    RISCV_FLOAT_LTQ,
    RISCV_FLOAT_LEQ,
    RISCV_FLOAT_FROM_HALF,
    RISCV_FLOAT_TO_HALF,
    RISCV_FLOAT_TO_INT_MOD,
    RISCV_FLOAT_TO_INT,
    RISCV_FLOAT_FROM_INT = RISCV_FLOAT_TO_INT + 4,
};
#define RISCV_FLOAT_CALL(op, fmt, round) ((u64)(op) | (u64)(fmt) << 8 | (u64)(round) << 16)

/* log2 of the bytes of a format. */
static inline unsigned riscv_fmt_size(u32 fmt)
{
    return fmt == RISCV_FMT_D ? 3 : fmt == RISCV_FMT_S ? 2 : 1;
}

/* The constant that fli number n loads, as bits of fmt. */
u64 riscv_fli_bits(u32 n, u32 fmt);

/* -- Calls of helpers, with the instruction's bits first where riscv_call_insn is used. */
static inline ir_value riscv_call(struct riscv_ctx *c, enum riscv_helper h, const ir_value *args)
{
    return ir_call(c->b, &riscv_helpers[h], args);
}

static inline ir_value riscv_call_insn(struct riscv_ctx *c, enum riscv_helper h)
{
    return ir_call1(c->b, &riscv_helpers[h], ir_const(c->b, c->insn));
}

/* -- Leaving. raise: the instruction does nothing but trap, with an address of code as tval, and the unit ends. */
void riscv_raise(struct riscv_ctx *c, enum riscv_cause cause, u64 address);
/* On to the next instruction by way of the engine: mode, context, interrupts or code may have
 * changed. */
void riscv_end_lookup(struct riscv_ctx *c);
/* The first float instruction of a unit: traps unless mstatus.FS is on, and makes it dirty. */
void riscv_float_begin(struct riscv_ctx *c);

/* pc of the following instruction. */
static inline u64 riscv_next(const struct riscv_ctx *c)
{
    u64 next = c->pc + c->length;
    return c->rv32 ? (u32)next : next;
}

#endif
