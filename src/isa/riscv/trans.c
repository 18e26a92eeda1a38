/*
 * trans.c - operations at either width, and the ways in which an instruction leaves its unit
 * (trans.h).
 */
#include "isa/riscv/trans.h"
#include "isa/riscv_decode.h"

/* -- Widths ------------------------------------------------------------------------------------ */

bool riscv_binary_w(struct riscv_ctx *c, const struct riscv_arg_r *a, riscv_binary_fn *op)
{
    ir_value x = riscv_w(c, a->rs1);
    return riscv_set_w(c, a->rd, op(c->b, x, riscv_w(c, a->rs2)));
}

bool riscv_binary(struct riscv_ctx *c, const struct riscv_arg_r *a, riscv_binary_fn *op)
{
    if (c->rv32)
        return riscv_binary_w(c, a, op);
    ir_value x = riscv_x(c, a->rs1);
    return riscv_set_x(c, a->rd, op(c->b, x, riscv_x(c, a->rs2)));
}

bool riscv_shift_w(struct riscv_ctx *c, const struct riscv_arg_shift *a, riscv_binary_fn *op)
{
    return riscv_set_w(c, a->rd, op(c->b, riscv_w(c, a->rs1), ir_const32(c->b, a->shamt)));
}

bool riscv_shift(struct riscv_ctx *c, const struct riscv_arg_shift *a, riscv_binary_fn *op)
{
    if (c->rv32)
        return riscv_shift_w(c, a, op);
    return riscv_set_x(c, a->rd, op(c->b, riscv_x(c, a->rs1), ir_const(c->b, a->shamt)));
}

bool riscv_unary_w(struct riscv_ctx *c, const struct riscv_arg_r1 *a, riscv_unary_fn *op)
{
    return riscv_set_w(c, a->rd, op(c->b, riscv_w(c, a->rs1)));
}

bool riscv_unary(struct riscv_ctx *c, const struct riscv_arg_r1 *a, riscv_unary_fn *op)
{
    return c->rv32 ? riscv_unary_w(c, a, op) : riscv_set_x(c, a->rd, op(c->b, riscv_x(c, a->rs1)));
}

/* -- Leaving ----------------------------------------------------------------------------------- */

void riscv_raise(struct riscv_ctx *c, enum riscv_cause cause, u64 address)
{
    ir_call2(c->b, &riscv_helpers[RISCV_HELPER_RAISE], ir_const(c->b, cause), ir_pc(c->b, address));
    ir_exit_lookup(c->b);
}

void riscv_end_lookup(struct riscv_ctx *c)
{
    ir_put(c->b, RISCV_SLOT_PC, ir_pc(c->b, riscv_next(c)));
    ir_exit_lookup(c->b);
}

void riscv_float_begin(struct riscv_ctx *c)
{
    u32 offset = offsetof(struct riscv_cpu, mstatus);
    if (c->fs_checked)
        return;
    c->fs_checked = true;
    ir_value fs = ir_andi(c->b, ir_load_state(c->b, IR_I64, offset, 3), MSTATUS_FS);
    ir_value other = ir_cmp(c->b, IR_NE, fs, ir_const(c->b, MSTATUS_FS));
    ir_check(c->b, other, &riscv_helpers[RISCV_HELPER_FLOAT_BEGIN], c->insn);
}
