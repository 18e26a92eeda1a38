/*
 * trans_arith.c - A64: addresses, add and subtract, logic, comparisons, choices, and what moves
 * condition flags about.
 *
 * Values of W instructions are i32 and written zero-extended. Operands of flags are i64 of which
 * the low word counts: a register goes there as it is.
 */
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

static ir_value constant(struct arm_ctx *c, u32 sf, u64 v)
{
    return sf ? ir_const(c->b, v) : ir_const32(c->b, (u32)v);
}

static ir_value widen(struct arm_ctx *c, u32 sf, ir_value v)
{
    return sf ? v : ir_zext(c->b, v, 32, IR_I64);
}

/* ---- Addresses, moves ---- */

bool arm_trans_a64_adr(struct arm_ctx *c, const struct arm_arg_pcrel *a)
{
    return arm_set_x(c, a->Rd, ir_pc(c->b, c->pc + (u64)(s64)a->off));
}

bool arm_trans_a64_adrp(struct arm_ctx *c, const struct arm_arg_page *a)
{
    return arm_set_x(c, a->Rd, ir_pc(c->b, align_down(c->pc, 4096) + (u64)(s64)a->page * 4096));
}

/* wimm: which halfword, its value. W registers have two. */
static bool wide_exists(const struct arm_arg_wide *a)
{
    return a->sf || !(a->wimm >> 17);
}

static unsigned wide_shift(const struct arm_arg_wide *a)
{
    return 16 * (a->wimm >> 16);
}

static u64 wide_value(const struct arm_arg_wide *a)
{
    return (u64)(a->wimm & 0xffff) << wide_shift(a);
}

bool arm_trans_a64_movz(struct arm_ctx *c, const struct arm_arg_wide *a)
{
    return wide_exists(a) && arm_set_x(c, a->Rd, ir_const(c->b, wide_value(a)));
}

bool arm_trans_a64_movn(struct arm_ctx *c, const struct arm_arg_wide *a)
{
    u64 v = ~wide_value(a);
    return wide_exists(a) && arm_set_x(c, a->Rd, ir_const(c->b, a->sf ? v : (u32)v));
}

bool arm_trans_a64_movk(struct arm_ctx *c, const struct arm_arg_wide *a)
{
    if (!wide_exists(a))
        return false;
    u64 keep = ~(UINT64_C(0xffff) << wide_shift(a));
    ir_value kept = ir_andi(c->b, arm_x(c, a->Rd), a->sf ? keep : (u32)keep);
    return arm_set_x(c, a->Rd, ir_or(c->b, kept, ir_const(c->b, wide_value(a))));
}

/* ---- Add and subtract ---- */

/* Operands of an addition or subtraction, at the width, and as flags want them. */
struct operands {
    ir_value x, y, wide_x, wide_y;
};

static ir_value result_of(struct arm_ctx *c, const struct operands *o, bool sub)
{
    return sub ? ir_sub(c->b, o->x, o->y) : ir_add(c->b, o->x, o->y);
}

static enum arm_cc flags_op(u32 sf, bool sub)
{
    return sub ? (sf ? ARM_CC_SUB64 : ARM_CC_SUB32) : (sf ? ARM_CC_ADD64 : ARM_CC_ADD32);
}

static bool add_flags(struct arm_ctx *c, u32 sf, u32 rd, const struct operands *o, bool sub)
{
    arm_flags_set(c, flags_op(sf, sub), o->wide_x, o->wide_y);
    return rd == 31 || arm_set_reg(c, sf, rd, result_of(c, o, sub));
}

static u64 aimm_value(u32 aimm)
{
    return (u64)(aimm & 0xfff) << (aimm >> 12 ? 12 : 0);
}

static struct operands operands_imm(struct arm_ctx *c, u32 sf, u32 rn, u32 aimm)
{
    ir_value x = arm_regsp(c, sf, rn), y = constant(c, sf, aimm_value(aimm));
    return (struct operands){x, y, arm_xsp(c, rn), ir_const(c->b, aimm_value(aimm))};
}

static bool add_imm(struct arm_ctx *c, const struct arm_arg_addimm *a, bool sub)
{
    struct operands o = operands_imm(c, a->sf, a->Rnsp, a->aimm);
    ir_value v = result_of(c, &o, sub);
    if (a->Rdsp == 31 && a->Rnsp == 31 && a->sf)
        return arm_move_base(c, 31, v, (s64)aimm_value(a->aimm));
    return arm_set_regsp(c, a->sf, a->Rdsp, v);
}

bool arm_trans_a64_add_imm(struct arm_ctx *c, const struct arm_arg_addimm *a)
{
    return add_imm(c, a, false);
}

bool arm_trans_a64_sub_imm(struct arm_ctx *c, const struct arm_arg_addimm *a)
{
    return add_imm(c, a, true);
}

bool arm_trans_a64_adds_imm(struct arm_ctx *c, const struct arm_arg_addsimm *a)
{
    struct operands o = operands_imm(c, a->sf, a->Rnsp, a->aimm);
    return add_flags(c, a->sf, a->Rd, &o, false);
}

bool arm_trans_a64_subs_imm(struct arm_ctx *c, const struct arm_arg_addsimm *a)
{
    struct operands o = operands_imm(c, a->sf, a->Rnsp, a->aimm);
    return add_flags(c, a->sf, a->Rd, &o, true);
}

/* shift: kind (LSL, LSR, ASR, ROR), amount. */
static bool shift_exists(u32 sf, u32 shift)
{
    return sf || !(shift & 32);
}

static ir_value shifted(struct arm_ctx *c, u32 sf, u32 rm, u32 shift)
{
    ir_value v = arm_reg(c, sf, rm), n = constant(c, sf, shift & 63);
    switch (shift >> 6) {
    case 0: return ir_shl(c->b, v, n);
    case 1: return ir_shr(c->b, v, n);
    case 2: return ir_sar(c->b, v, n);
    default: return ir_rotr(c->b, v, n);
    }
}

static struct operands operands_shifted(struct arm_ctx *c, const struct arm_arg_shifted *a)
{
    ir_value x = arm_reg(c, a->sf, a->Rn), y = shifted(c, a->sf, a->Rm, a->shift);
    bool plain = (a->shift & 63) == 0;
    return (struct operands){x, y, arm_x(c, a->Rn), plain ? arm_x(c, a->Rm) : widen(c, a->sf, y)};
}

static bool add_shifted(struct arm_ctx *c, const struct arm_arg_shifted *a, bool sub, bool flags)
{
    if (!shift_exists(a->sf, a->shift) || a->shift >> 6 == 3)
        return false;
    struct operands o = operands_shifted(c, a);
    return flags ? add_flags(c, a->sf, a->Rd, &o, sub)
                 : arm_set_reg(c, a->sf, a->Rd, result_of(c, &o, sub));
}

bool arm_trans_a64_add_reg(struct arm_ctx *c, const struct arm_arg_shifted *a)
{
    return add_shifted(c, a, false, false);
}

bool arm_trans_a64_adds_reg(struct arm_ctx *c, const struct arm_arg_shifted *a)
{
    return add_shifted(c, a, false, true);
}

bool arm_trans_a64_sub_reg(struct arm_ctx *c, const struct arm_arg_shifted *a)
{
    return add_shifted(c, a, true, false);
}

bool arm_trans_a64_subs_reg(struct arm_ctx *c, const struct arm_arg_shifted *a)
{
    return add_shifted(c, a, true, true);
}

ir_value arm_extended(struct arm_ctx *c, u32 sf, u32 rm, u32 option)
{
    unsigned bits = 8u << (option & 3);
    if (bits >= (sf ? 64 : 32))
        return arm_reg(c, sf, rm);
    enum ir_type type = sf ? IR_I64 : IR_I32;
    return option & 4 ? ir_sext(c->b, arm_x(c, rm), bits, type)
                      : ir_zext(c->b, arm_x(c, rm), bits, type);
}

/* extend: option, shift amount. */
static struct operands operands_extended(struct arm_ctx *c, u32 sf, u32 rn, u32 rm, u32 extend)
{
    ir_value y = arm_extended(c, sf, rm, extend >> 3);
    y = ir_shl(c->b, y, constant(c, sf, extend & 7));
    return (struct operands){arm_regsp(c, sf, rn), y, arm_xsp(c, rn), widen(c, sf, y)};
}

static bool add_ext(struct arm_ctx *c, const struct arm_arg_addext *a, bool sub)
{
    if ((a->extend & 7) > 4)
        return false;
    struct operands o = operands_extended(c, a->sf, a->Rnsp, a->Rm, a->extend);
    return arm_set_regsp(c, a->sf, a->Rdsp, result_of(c, &o, sub));
}

static bool adds_ext(struct arm_ctx *c, const struct arm_arg_addsext *a, bool sub)
{
    if ((a->extend & 7) > 4)
        return false;
    struct operands o = operands_extended(c, a->sf, a->Rnsp, a->Rm, a->extend);
    return add_flags(c, a->sf, a->Rd, &o, sub);
}

bool arm_trans_a64_add_ext(struct arm_ctx *c, const struct arm_arg_addext *a)
{
    return add_ext(c, a, false);
}

bool arm_trans_a64_sub_ext(struct arm_ctx *c, const struct arm_arg_addext *a)
{
    return add_ext(c, a, true);
}

bool arm_trans_a64_adds_ext(struct arm_ctx *c, const struct arm_arg_addsext *a)
{
    return adds_ext(c, a, false);
}

bool arm_trans_a64_subs_ext(struct arm_ctx *c, const struct arm_arg_addsext *a)
{
    return adds_ext(c, a, true);
}

/* ---- With carry: x + y + C, and x + ~y + C ---- */

static ir_value carry_at(struct arm_ctx *c, u32 sf)
{
    ir_value carry = arm_carry(c);
    return sf ? carry : ir_trunc(c->b, carry);
}

static ir_value nzcv_of(struct arm_ctx *c, ir_value result, ir_value carry, ir_value overflow)
{
    struct ir_builder *b = c->b;
    ir_value zero = ir_type_of(b, result) == IR_I32 ? ir_const32(b, 0) : ir_const(b, 0);
    ir_value n = ir_shli(b, ir_cmp(b, IR_LT, result, zero), 31),
             z = ir_shli(b, ir_cmp(b, IR_EQ, result, zero), 30);
    ir_value v = ir_shli(b, ir_cmp(b, IR_LT, overflow, zero), 28);
    return ir_or(b, ir_or(b, n, z), ir_or(b, ir_shli(b, carry, 29), v));
}

static bool add_carry(struct arm_ctx *c, const struct arm_arg_r3 *a, bool sub, bool flags)
{
    struct ir_builder *b = c->b;
    ir_value x = arm_reg(c, a->sf, a->Rn), y = arm_reg(c, a->sf, a->Rm);
    y = sub ? ir_not(b, y) : y;
    ir_value sum = ir_add(b, x, y), result = ir_add(b, sum, carry_at(c, a->sf));
    if (flags) {
        ir_value carry = ir_or(b, ir_cmp(b, IR_LTU, sum, x), ir_cmp(b, IR_LTU, result, sum));
        ir_value overflow = ir_and(b, ir_xor(b, x, result), ir_xor(b, y, result));
        arm_flags_set_nzcv(c, nzcv_of(c, result, carry, overflow));
    }
    return arm_set_reg(c, a->sf, a->Rd, result);
}

bool arm_trans_a64_adc(struct arm_ctx *c, const struct arm_arg_r3 *a)
{
    return add_carry(c, a, false, false);
}

bool arm_trans_a64_adcs(struct arm_ctx *c, const struct arm_arg_r3 *a)
{
    return add_carry(c, a, false, true);
}

bool arm_trans_a64_sbc(struct arm_ctx *c, const struct arm_arg_r3 *a)
{
    return add_carry(c, a, true, false);
}

bool arm_trans_a64_sbcs(struct arm_ctx *c, const struct arm_arg_r3 *a)
{
    return add_carry(c, a, true, true);
}

/* ---- Logic ---- */

static ir_value logic(struct arm_ctx *c, u32 op, ir_value x, ir_value y)
{
    return op == IR_AND ? ir_and(c->b, x, y) : op == IR_OR ? ir_or(c->b, x, y) : ir_xor(c->b, x, y);
}

/* "DecodeBitMasks": an element of 2..64 bits with a run of ones, rotated, repeated. False:
 * reserved. */
bool arm_bitmask(u32 sf, u32 bitmask, u64 *out)
{
    u32 n = bitmask >> 12, rotate = bitmask >> 6 & 63, ones = bitmask & 63;
    u32 size_bits = n << 6 | (~ones & 63);
    if ((n && !sf) || size_bits < 2)
        return false;
    unsigned size = 1u << (63 - clz64(size_bits));
    rotate &= size - 1;
    ones &= size - 1;
    if (ones == size - 1)
        return false;
    u64 mask = ~UINT64_C(0) >> (64 - size), v = BITS(ones, 0);
    if (rotate)
        v = (v >> rotate | v << (size - rotate)) & mask;
    for (; size < 64; size *= 2)
        v |= v << size;
    *out = sf ? v : (u32)v;
    return true;
}

bool arm_trans_a64_log_imm(struct arm_ctx *c, const struct arm_arg_logimm *a)
{
    u64 mask;
    if (!arm_bitmask(a->sf, a->bitmask, &mask))
        return false;
    ir_value v = logic(c, a->op, arm_reg(c, a->sf, a->Rn), constant(c, a->sf, mask));
    return arm_set_regsp(c, a->sf, a->Rdsp, v);
}

static bool set_logic(struct arm_ctx *c, u32 sf, u32 rd, ir_value v)
{
    ir_value wide = widen(c, sf, v);
    arm_flags_set(c, sf ? ARM_CC_LOGIC64 : ARM_CC_LOGIC32, wide, IR_NONE);
    return arm_set_x(c, rd, wide);
}

bool arm_trans_a64_ands_imm(struct arm_ctx *c, const struct arm_arg_andsimm *a)
{
    u64 mask;
    if (!arm_bitmask(a->sf, a->bitmask, &mask))
        return false;
    return set_logic(c, a->sf, a->Rd,
                     ir_and(c->b, arm_reg(c, a->sf, a->Rn), constant(c, a->sf, mask)));
}

static ir_value second(struct arm_ctx *c, u32 sf, u32 rm, u32 shift, u32 inv)
{
    ir_value y = shifted(c, sf, rm, shift);
    return inv ? ir_not(c->b, y) : y;
}

bool arm_trans_a64_log(struct arm_ctx *c, const struct arm_arg_log *a)
{
    if (!shift_exists(a->sf, a->shift))
        return false;
    ir_value y = second(c, a->sf, a->Rm, a->shift, a->inv);
    return arm_set_reg(c, a->sf, a->Rd, logic(c, a->op, arm_reg(c, a->sf, a->Rn), y));
}

bool arm_trans_a64_ands(struct arm_ctx *c, const struct arm_arg_ands *a)
{
    if (!shift_exists(a->sf, a->shift))
        return false;
    ir_value y = second(c, a->sf, a->Rm, a->shift, a->inv);
    return set_logic(c, a->sf, a->Rd, ir_and(c->b, arm_reg(c, a->sf, a->Rn), y));
}

/* ---- Conditional ---- */

bool arm_trans_a64_ccmp(struct arm_ctx *c, const struct arm_arg_ccmp *a)
{
    ir_value cond = arm_cond(c, (enum arm_cond)a->cond);
    arm_flags_set_if(c, cond, flags_op(a->sf, a->sub), arm_x(c, a->Rn), arm_x(c, a->Rm),
                     a->nzcv << 28);
    return true;
}

bool arm_trans_a64_ccmp_imm(struct arm_ctx *c, const struct arm_arg_ccmpimm *a)
{
    ir_value cond = arm_cond(c, (enum arm_cond)a->cond);
    arm_flags_set_if(c, cond, flags_op(a->sf, a->sub), arm_x(c, a->Rn), ir_const(c->b, a->imm5),
                     a->nzcv << 28);
    return true;
}

static bool choose(struct arm_ctx *c, const struct arm_arg_csel *a, ir_value other)
{
    ir_value cond = arm_cond(c, (enum arm_cond)a->cond);
    return arm_set_reg(c, a->sf, a->Rd, ir_select(c->b, cond, arm_reg(c, a->sf, a->Rn), other));
}

bool arm_trans_a64_csel(struct arm_ctx *c, const struct arm_arg_csel *a)
{
    return choose(c, a, arm_reg(c, a->sf, a->Rm));
}

bool arm_trans_a64_csinc(struct arm_ctx *c, const struct arm_arg_csel *a)
{
    return choose(c, a, ir_addi(c->b, arm_reg(c, a->sf, a->Rm), 1));
}

bool arm_trans_a64_csinv(struct arm_ctx *c, const struct arm_arg_csel *a)
{
    return choose(c, a, ir_not(c->b, arm_reg(c, a->sf, a->Rm)));
}

bool arm_trans_a64_csneg(struct arm_ctx *c, const struct arm_arg_csel *a)
{
    return choose(c, a, ir_neg(c->b, arm_reg(c, a->sf, a->Rm)));
}

/* ---- Minimum and maximum. rule: enum ir_cond of choosing the first. ---- */

static bool choose_by(struct arm_ctx *c, u32 sf, u32 rd, u32 rule, ir_value x, ir_value y)
{
    return arm_set_reg(c, sf, rd, ir_select(c->b, ir_cmp(c->b, (enum ir_cond)rule, x, y), x, y));
}

bool arm_trans_a64_min_reg(struct arm_ctx *c, const struct arm_arg_min *a)
{
    return choose_by(c, a->sf, a->Rd, a->rule, arm_reg(c, a->sf, a->Rn), arm_reg(c, a->sf, a->Rm));
}

bool arm_trans_a64_min_imm(struct arm_ctx *c, const struct arm_arg_minimm *a)
{
    return choose_by(c, a->sf, a->Rd, a->rule, arm_reg(c, a->sf, a->Rn),
                     constant(c, a->sf, (u64)(s64)a->simm8));
}

bool arm_trans_a64_min_uimm(struct arm_ctx *c, const struct arm_arg_minuimm *a)
{
    return choose_by(c, a->sf, a->Rd, a->rule, arm_reg(c, a->sf, a->Rn),
                     constant(c, a->sf, a->uimm8));
}

/* ---- Flags from registers, and flags changed (FEAT_FlagM, FEAT_FlagM2) ---- */

static bool replace_flags(struct arm_ctx *c, ir_value bits, u64 mask)
{
    ir_value kept =
        ir_andi(c->b, arm_nzcv_value(c), ~mask & (PSTATE_N | PSTATE_Z | PSTATE_C | PSTATE_V));
    arm_flags_set_nzcv(c, ir_or(c->b, kept, bits));
    return true;
}

bool arm_trans_a64_rmif(struct arm_ctx *c, const struct arm_arg_rmif *a)
{
    u64 mask = (u64)a->mask << 28;
    ir_value bits = ir_rotr(c->b, arm_x(c, a->Rn), ir_const(c->b, (a->imm6 - 28) & 63));
    return replace_flags(c, ir_andi(c->b, bits, mask), mask);
}

/* Of a number of 8 or 16 bits, and its carry-out above: C stays. */
bool arm_trans_a64_setf(struct arm_ctx *c, const struct arm_arg_setf *a)
{
    struct ir_builder *b = c->b;
    ir_value x = arm_x(c, a->Rn);
    ir_value n = ir_andi(b, ir_shri(b, x, a->bits - 1), 1),
             above = ir_andi(b, ir_shri(b, x, a->bits), 1);
    ir_value z = ir_cmp(b, IR_EQ, ir_zext(b, x, a->bits, IR_I64), ir_const(b, 0));
    ir_value bits = ir_or(b, ir_shli(b, n, 31), ir_shli(b, z, 30));
    bits = ir_or(b, bits, ir_shli(b, ir_xor(b, n, above), 28));
    return replace_flags(c, bits, PSTATE_N | PSTATE_Z | PSTATE_V);
}

bool arm_trans_a64_cfinv(struct arm_ctx *c, const struct arm_arg_none *a)
{
    arm_flags_set_nzcv(c, ir_xor(c->b, arm_nzcv_value(c), ir_const(c->b, PSTATE_C)));
    return true;
}

static ir_value assemble(struct arm_ctx *c, ir_value n, ir_value z, ir_value carry, ir_value v)
{
    struct ir_builder *b = c->b;
    ir_value high = ir_or(b, ir_shli(b, n, 31), ir_shli(b, z, 30));
    return ir_or(b, high, ir_or(b, ir_shli(b, carry, 29), ir_shli(b, v, 28)));
}

bool arm_trans_a64_axflag(struct arm_ctx *c, const struct arm_arg_none *a)
{
    struct ir_builder *b = c->b;
    ir_value z = arm_cond(c, ARM_EQ), carry = arm_cond(c, ARM_CS), v = arm_cond(c, ARM_VS),
             none = ir_const(b, 0);
    ir_value no_v = ir_xor(b, v, ir_const(b, 1));
    arm_flags_set_nzcv(c, assemble(c, none, ir_or(b, z, v), ir_and(b, carry, no_v), none));
    return true;
}

bool arm_trans_a64_xaflag(struct arm_ctx *c, const struct arm_arg_none *a)
{
    struct ir_builder *b = c->b;
    ir_value one = ir_const(b, 1), z = arm_cond(c, ARM_EQ), carry = arm_cond(c, ARM_CS);
    ir_value no_z = ir_xor(b, z, one), no_carry = ir_xor(b, carry, one);
    arm_flags_set_nzcv(c, assemble(c, ir_and(b, no_carry, no_z), ir_and(b, z, carry),
                                   ir_or(b, carry, z), ir_and(b, no_carry, z)));
    return true;
}
