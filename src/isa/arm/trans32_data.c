/*
 * trans32_data.c - A32 and T32: moves, add and subtract, logic, comparisons, with an immediate, a
 * shifted register, a register shifted by another.
 *
 * Logic sets N and Z, C where the shifter has put out a bit, and leaves V: DDI 0487, F1.3.
 */
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

/* ---- The operations ---- */

static ir_value logic(struct arm_ctx *c, u32 op, ir_value x, ir_value y)
{
    struct ir_builder *b = c->b;
    switch (op) {
    case ARM_DP_AND:
    case ARM_DP_TST: return ir_and(b, x, y);
    case ARM_DP_EOR:
    case ARM_DP_TEQ: return ir_xor(b, x, y);
    case ARM_DP_ORR: return ir_or(b, x, y);
    case ARM_DP_ORN: return ir_or(b, x, ir_not(b, y));
    case ARM_DP_BIC: return ir_and(b, x, ir_not(b, y));
    case ARM_DP_MVN: return ir_not(b, y);
    default: return y; /* MOV */
    }
}

static bool is_logic(u32 op)
{
    return op == ARM_DP_AND || op == ARM_DP_EOR || op == ARM_DP_TST || op == ARM_DP_TEQ ||
           op >= ARM_DP_ORR;
}

static ir_value subtract(struct arm_ctx *c, ir_value x, ir_value y, bool flags)
{
    if (flags)
        arm_flags_set(c, ARM_CC_SUB32, arm_widen(c, x), arm_widen(c, y));
    return ir_sub(c->b, x, y);
}

static ir_value add(struct arm_ctx *c, ir_value x, ir_value y, bool flags)
{
    if (flags)
        arm_flags_set(c, ARM_CC_ADD32, arm_widen(c, x), arm_widen(c, y));
    return ir_add(c->b, x, y);
}

static ir_value arithmetic(struct arm_ctx *c, u32 op, ir_value x, ir_value y, bool flags)
{
    switch (op) {
    case ARM_DP_SUB:
    case ARM_DP_CMP: return subtract(c, x, y, flags);
    case ARM_DP_RSB: return subtract(c, y, x, flags);
    case ARM_DP_ADC: return arm_add_with_carry(c, x, y, arm_carry(c), flags);
    case ARM_DP_SBC: return arm_add_with_carry(c, x, ir_not(c->b, y), arm_carry(c), flags);
    case ARM_DP_RSC: return arm_add_with_carry(c, y, ir_not(c->b, x), arm_carry(c), flags);
    default: return add(c, x, y, flags); /* ADD, CMN */
    }
}

static void set_logic_flags(struct arm_ctx *c, ir_value v, const struct arm_operand *o)
{
    if (o->has_carry)
        arm_flags_set_nzc(c, arm_widen(c, v), o->carry);
    else
        arm_flags_set_nz(c, arm_widen(c, v));
}

static bool is_test(u32 op)
{
    return op >= ARM_DP_TST && op <= ARM_DP_CMN;
}

static bool data(struct arm_ctx *c, u32 op, u32 s, u32 rd, u32 rn, const struct arm_operand *o)
{
    bool to_pc = rd == ARM_R15 && !is_test(op), flags = arm_sets_flags(c, s) && !to_pc;
    ir_value x = op == ARM_DP_MOV || op == ARM_DP_MVN ? IR_NONE : arm_r(c, rn), v;
    if (is_logic(op)) {
        v = logic(c, op, x, o->v);
        if (flags)
            set_logic_flags(c, v, o);
    } else {
        v = arithmetic(c, op, x, o->v, flags);
    }
    if (is_test(op))
        return true;
    if (!to_pc)
        return arm_set_r(c, rd, v);
    return s == ARM_S_YES ? arm_return_alu(c, v) : arm_write_pc_alu(c, v);
}

/* T32 reaches r15 only by MOV and ADD of 16 bits; there SUBS PC, LR has a line of its own. */
static bool pc_is_fine(const struct arm_ctx *c, u32 op, u32 rd, u32 rn)
{
    bool has_rd = !is_test(op), has_rn = op != ARM_DP_MOV && op != ARM_DP_MVN;
    if (!c->thumb || (c->length == 2 && (op == ARM_DP_MOV || op == ARM_DP_ADD)))
        return true;
    return !(has_rd && rd == ARM_R15) && !(has_rn && rn == ARM_R15);
}

bool arm_trans_a32_dp_imm(struct arm_ctx *c, const struct arm_arg_adpimm *a)
{
    u32 value;
    int carry;
    bool narrow = c->thumb && c->length == 2;
    if (!arm_expand_imm(c->thumb, a->imm12, &value, &carry) || !pc_is_fine(c, a->op, a->Rd, a->Rn))
        return false;
    struct arm_operand o = {.v = ir_const32(c->b, value), .has_carry = !narrow && carry >= 0};
    if (o.has_carry)
        o.carry = ir_const(c->b, (u64)carry);
    return data(c, a->op, a->s, a->Rd, a->Rn, &o);
}

bool arm_trans_a32_dp_reg(struct arm_ctx *c, const struct arm_arg_adpreg *a)
{
    bool wide = c->thumb && c->length == 4;
    if (!pc_is_fine(c, a->op, a->Rd, a->Rn) || (wide && a->Rm == ARM_R15))
        return false;
    struct arm_operand o = arm_shifted_imm(c, a->Rm, a->shift);
    return data(c, a->op, a->s, a->Rd, a->Rn, &o);
}

/* r15 is UNPREDICTABLE here. */
bool arm_trans_a32_dp_rsr(struct arm_ctx *c, const struct arm_arg_adprsr *a)
{
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15 || a->Rs == ARM_R15)
        return false;
    bool carry = is_logic(a->op) && arm_sets_flags(c, a->s);
    struct arm_operand o = arm_shifted_reg(c, a->Rm, a->stype, a->Rs, carry);
    return data(c, a->op, a->s, a->Rd, a->Rn, &o);
}

/* ---- Plain immediates ---- */

bool arm_trans_a32_movw(struct arm_ctx *c, const struct arm_arg_awide *a)
{
    return a->Rd != ARM_R15 && arm_set_r(c, a->Rd, ir_const(c->b, a->imm16));
}

bool arm_trans_a32_movt(struct arm_ctx *c, const struct arm_arg_awide *a)
{
    if (a->Rd == ARM_R15)
        return false;
    ir_value low = ir_andi(c->b, arm_r_wide(c, a->Rd), 0xffff);
    return arm_set_r(c, a->Rd, ir_or(c->b, low, ir_const(c->b, (u64)a->imm16 << 16)));
}

/* ADDW, SUBW; of r15, ADR. */
bool arm_trans_a32_add_wide(struct arm_ctx *c, const struct arm_arg_taddwide *a)
{
    s32 imm = a->sub ? -(s32)a->imm12 : (s32)a->imm12;
    if (a->Rd == ARM_R15)
        return false;
    if (a->Rn == ARM_R15)
        return arm_set_r(c, a->Rd, ir_const32(c->b, (arm_pc_value(c) & ~3u) + (u32)imm));
    return arm_set_r(c, a->Rd, ir_addi(c->b, arm_r(c, a->Rn), imm));
}
