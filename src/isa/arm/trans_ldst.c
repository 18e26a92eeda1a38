/*
 * trans_ldst.c - A64: loads and stores of one register and of pairs.
 *
 * Registers are written after the last access that may fault, the base first, so that a load of the
 * base register leaves what was loaded (DDI 0487 leaves it open).
 */
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

enum { UNPRIVILEGED = 1 << IR_MEM_CONTEXT_SHIFT }; /* ARM_CONTEXT_UNPRIV */

/* Where an access goes: base + offset; then the base is moved. */
struct place {
    ir_value base;
    s32 offset, moved;
    u32 n;
};

static struct place place_of(struct arm_ctx *c, u32 n, s32 offset, u32 mode, unsigned scale)
{
    struct place p = {.base = arm_base(c, n), .n = n};
    s32 by = mode == ARM_INDEX_OFFSET || mode == ARM_INDEX_UNPRIV ? offset : offset * (1 << scale);
    p.offset = mode == ARM_INDEX_POST ? 0 : by;
    p.moved = mode == ARM_INDEX_POST || mode == ARM_INDEX_PRE ? by : 0;
    return p;
}

static void move_base(struct arm_ctx *c, const struct place *p)
{
    if (p->moved)
        arm_move_base(c, p->n, ir_addi(c->b, p->base, p->moved), p->moved);
}

static unsigned mem_of(const struct arm_ctx *c, u32 size, u32 sign)
{
    return arm_mem(c, size | (sign ? IR_MEM_SIGNED : 0));
}

/* The i64 that the register will hold. */
ir_value arm_load(struct arm_ctx *c, unsigned mem, u32 sign, ir_value base, s32 offset)
{
    if (sign != ARM_LOAD_S32)
        return ir_load(c->b, IR_I64, mem, base, offset);
    return ir_zext(c->b, ir_load(c->b, IR_I32, mem, base, offset), 32, IR_I64);
}

/* ---- One register ---- */

bool arm_trans_a64_ldr(struct arm_ctx *c, const struct arm_arg_ldr *a)
{
    bool indexed = a->mode == ARM_INDEX_POST || a->mode == ARM_INDEX_PRE;
    struct place p = place_of(c, a->Xn, a->offset, a->mode, indexed ? 0 : a->size);
    unsigned context = a->mode == ARM_INDEX_UNPRIV ? UNPRIVILEGED : 0;
    ir_value v = arm_load(c, mem_of(c, a->size, a->sign) | context, a->sign, p.base, p.offset);
    move_base(c, &p);
    return arm_set_x(c, a->Rt, v);
}

bool arm_trans_a64_str(struct arm_ctx *c, const struct arm_arg_str *a)
{
    bool indexed = a->mode == ARM_INDEX_POST || a->mode == ARM_INDEX_PRE;
    struct place p = place_of(c, a->Xn, a->offset, a->mode, indexed ? 0 : a->size);
    unsigned context = a->mode == ARM_INDEX_UNPRIV ? UNPRIVILEGED : 0;
    ir_store(c->b, mem_of(c, a->size, 0) | context, p.base, p.offset, arm_x(c, a->Rt));
    move_base(c, &p);
    return true;
}

/* mext: option<2>, option<0>, whether to scale: UXTW, LSL, SXTW, SXTX. */
ir_value arm_address_reg(struct arm_ctx *c, u32 n, u32 rm, u32 mext, u32 size)
{
    ir_value base = arm_base(c, n), index = arm_x(c, rm);
    if (!(mext & 2))
        index = mext & 4 ? ir_sext(c->b, index, 32, IR_I64) : ir_zext(c->b, index, 32, IR_I64);
    return ir_add(c->b, base, ir_shli(c->b, index, mext & 1 ? size : 0));
}

bool arm_trans_a64_ldr_reg(struct arm_ctx *c, const struct arm_arg_ldrreg *a)
{
    ir_value addr = arm_address_reg(c, a->Xn, a->Rm, a->mext, a->size);
    return arm_set_x(c, a->Rt, arm_load(c, mem_of(c, a->size, a->sign), a->sign, addr, 0));
}

bool arm_trans_a64_str_reg(struct arm_ctx *c, const struct arm_arg_strreg *a)
{
    ir_value addr = arm_address_reg(c, a->Xn, a->Rm, a->mext, a->size);
    ir_store(c->b, mem_of(c, a->size, 0), addr, 0, arm_x(c, a->Rt));
    return true;
}

bool arm_trans_a64_ldr_lit(struct arm_ctx *c, const struct arm_arg_ldrlit *a)
{
    ir_value addr = ir_pc(c->b, c->pc + (u64)(s64)a->off);
    return arm_set_x(c, a->Rt, arm_load(c, mem_of(c, a->size, a->sign), a->sign, addr, 0));
}

/* Hints that have nothing to prefetch into. */
bool arm_trans_a64_prfm(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return true;
}

/* ---- Pairs ---- */

bool arm_trans_a64_ldp(struct arm_ctx *c, const struct arm_arg_ldp *a)
{
    unsigned size = a->sf ? 3 : 2, mem = mem_of(c, size, a->sign);
    struct place p = place_of(c, a->Xn, a->offset, a->mode, size);
    ir_value first = arm_load(c, mem, a->sign, p.base, p.offset);
    ir_value second = arm_load(c, mem, a->sign, p.base, p.offset + (1 << size));
    move_base(c, &p);
    arm_set_x(c, a->Rt, first);
    return arm_set_x(c, a->Rt2, second);
}

bool arm_trans_a64_stp(struct arm_ctx *c, const struct arm_arg_stp *a)
{
    unsigned size = a->sf ? 3 : 2, mem = mem_of(c, size, 0);
    struct place p = place_of(c, a->Xn, a->offset, a->mode, size);
    ir_value first = arm_x(c, a->Rt), second = arm_x(c, a->Rt2);
    ir_store(c->b, mem, p.base, p.offset, first);
    ir_store(c->b, mem, p.base, p.offset + (1 << size), second);
    move_base(c, &p);
    return true;
}
