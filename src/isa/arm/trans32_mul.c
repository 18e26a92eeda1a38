/*
 * trans32_mul.c - A32 and T32: products of words and of halves, quotients, sums that saturate.
 *
 * What sets Q is computed in 64 bits, where it cannot overflow. r15 is UNPREDICTABLE everywhere.
 *
 * Manual: DDI 0487, F5.1, F2.7 ("SignedSat", "UnsignedSat").
 */
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

/* ---- Words ---- */

static void set_product_flags(struct arm_ctx *c, u32 s, ir_value v)
{
    if (arm_sets_flags(c, s))
        arm_flags_set_nz(c, arm_widen(c, v));
}

bool arm_trans_a32_mul(struct arm_ctx *c, const struct arm_arg_amul *a)
{
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15)
        return false;
    ir_value v = ir_mul(c->b, arm_r(c, a->Rn), arm_r(c, a->Rm));
    set_product_flags(c, a->s, v);
    return arm_set_r(c, a->Rd, v);
}

bool arm_trans_a32_mla(struct arm_ctx *c, const struct arm_arg_amla *a)
{
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15 || a->Ra == ARM_R15)
        return false;
    ir_value product = ir_mul(c->b, arm_r(c, a->Rn), arm_r(c, a->Rm)), x = arm_r(c, a->Ra);
    ir_value v = a->sub ? ir_sub(c->b, x, product) : ir_add(c->b, x, product);
    set_product_flags(c, a->s, v);
    return arm_set_r(c, a->Rd, v);
}

static bool is_long(u32 lo, u32 hi, u32 rn, u32 rm)
{
    return lo != ARM_R15 && hi != ARM_R15 && rn != ARM_R15 && rm != ARM_R15 && lo != hi;
}

static ir_value join(struct arm_ctx *c, u32 lo, u32 hi)
{
    return ir_or(c->b, arm_r_wide(c, lo), ir_shli(c->b, arm_r_wide(c, hi), 32));
}

static bool set_long(struct arm_ctx *c, u32 lo, u32 hi, ir_value v)
{
    arm_set_r(c, lo, ir_zext(c->b, v, 32, IR_I64));
    return arm_set_r(c, hi, ir_shri(c->b, v, 32));
}

bool arm_trans_a32_mull(struct arm_ctx *c, const struct arm_arg_amull *a)
{
    struct ir_builder *b = c->b;
    if (!is_long(a->RdLo, a->RdHi, a->Rn, a->Rm))
        return false;
    ir_value v = a->sign ? ir_mul(b, arm_r_signed(c, a->Rn), arm_r_signed(c, a->Rm))
                         : ir_mul(b, arm_r_wide(c, a->Rn), arm_r_wide(c, a->Rm));
    if (a->acc)
        v = ir_add(b, v, join(c, a->RdLo, a->RdHi));
    if (a->s) {
        ir_value any = ir_cmp(b, IR_NE, v, ir_const(b, 0));
        arm_flags_set_nz(c, ir_or(b, ir_shri(b, v, 32), any));
    }
    return set_long(c, a->RdLo, a->RdHi, v);
}

bool arm_trans_a32_umaal(struct arm_ctx *c, const struct arm_arg_aumaal *a)
{
    struct ir_builder *b = c->b;
    if (!is_long(a->RdLo, a->RdHi, a->Rn, a->Rm))
        return false;
    ir_value v = ir_mul(b, arm_r_wide(c, a->Rn), arm_r_wide(c, a->Rm));
    v = ir_add(b, ir_add(b, v, arm_r_wide(c, a->RdLo)), arm_r_wide(c, a->RdHi));
    return set_long(c, a->RdLo, a->RdHi, v);
}

/* By zero: 0. The lowest number by -1 is itself, as in the IR. */
bool arm_trans_a32_div(struct arm_ctx *c, const struct arm_arg_adiv *a)
{
    struct ir_builder *b = c->b;
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15)
        return false;
    ir_value x = arm_r(c, a->Rn), y = arm_r(c, a->Rm), zero = ir_const32(b, 0);
    ir_value v = a->sign ? ir_divs(b, x, y) : ir_divu(b, x, y);
    return arm_set_r(c, a->Rd, ir_select(b, ir_cmp(b, IR_EQ, y, zero), zero, v));
}

/* ---- Halves ---- */

static ir_value half(struct arm_ctx *c, u32 n, u32 upper)
{
    ir_value v = arm_r_wide(c, n);
    return ir_sext(c->b, upper ? ir_shri(c->b, v, 16) : v, 16, IR_I64);
}

/* An i64 to a register; Q where it does not fit. */
static bool set_or_overflow(struct arm_ctx *c, u32 rd, ir_value v)
{
    arm_set_q_if(c, ir_cmp(c->b, IR_NE, ir_sext(c->b, v, 32, IR_I64), v));
    return arm_set_r(c, rd, ir_trunc(c->b, v));
}

bool arm_trans_a32_smla(struct arm_ctx *c, const struct arm_arg_asmla *a)
{
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15 || a->Ra == ARM_R15)
        return false;
    ir_value v = ir_mul(c->b, half(c, a->Rn, a->nx), half(c, a->Rm, a->ny));
    if (!a->acc)
        return arm_set_r(c, a->Rd, ir_trunc(c->b, v));
    return set_or_overflow(c, a->Rd, ir_add(c->b, v, arm_r_signed(c, a->Ra)));
}

/* Bits 47..16 of the product. */
bool arm_trans_a32_smlaw(struct arm_ctx *c, const struct arm_arg_asmlaw *a)
{
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15 || a->Ra == ARM_R15)
        return false;
    ir_value v = ir_mul(c->b, arm_r_signed(c, a->Rn), half(c, a->Rm, a->ny));
    v = ir_sari(c->b, v, 16);
    if (!a->acc)
        return arm_set_r(c, a->Rd, ir_trunc(c->b, v));
    return set_or_overflow(c, a->Rd, ir_add(c->b, v, arm_r_signed(c, a->Ra)));
}

bool arm_trans_a32_smlal_half(struct arm_ctx *c, const struct arm_arg_asmlal *a)
{
    if (!is_long(a->RdLo, a->RdHi, a->Rn, a->Rm))
        return false;
    ir_value v = ir_mul(c->b, half(c, a->Rn, a->nx), half(c, a->Rm, a->ny));
    return set_long(c, a->RdLo, a->RdHi, ir_add(c->b, v, join(c, a->RdLo, a->RdHi)));
}

/* The low halves' product, and the high ones' added or subtracted. */
static ir_value both_halves(struct arm_ctx *c, u32 rn, u32 rm, u32 swap, u32 sub)
{
    ir_value low = ir_mul(c->b, half(c, rn, 0), half(c, rm, swap));
    ir_value high = ir_mul(c->b, half(c, rn, 1), half(c, rm, !swap));
    return sub ? ir_sub(c->b, low, high) : ir_add(c->b, low, high);
}

bool arm_trans_a32_smlad(struct arm_ctx *c, const struct arm_arg_asmlad *a)
{
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15)
        return false;
    ir_value v = both_halves(c, a->Rn, a->Rm, a->swap, a->sub);
    if (a->acc)
        v = ir_add(c->b, v, arm_r_signed(c, a->Ra));
    return set_or_overflow(c, a->Rd, v);
}

bool arm_trans_a32_smlald(struct arm_ctx *c, const struct arm_arg_asmlald *a)
{
    if (!is_long(a->RdLo, a->RdHi, a->Rn, a->Rm))
        return false;
    ir_value v = both_halves(c, a->Rn, a->Rm, a->swap, a->sub);
    return set_long(c, a->RdLo, a->RdHi, ir_add(c->b, v, join(c, a->RdLo, a->RdHi)));
}

/* The upper word of Ra:0 and the product. */
bool arm_trans_a32_smmla(struct arm_ctx *c, const struct arm_arg_asmmla *a)
{
    struct ir_builder *b = c->b;
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15 || a->Ra == ARM_R15)
        return false;
    ir_value v = ir_mul(b, arm_r_signed(c, a->Rn), arm_r_signed(c, a->Rm));
    if (a->acc) {
        ir_value x = ir_shli(b, arm_r_wide(c, a->Ra), 32);
        v = a->sub ? ir_sub(b, x, v) : ir_add(b, x, v);
    }
    if (a->round)
        v = ir_add(b, v, ir_const(b, BIT(31)));
    return arm_set_r(c, a->Rd, ir_shri(b, v, 32));
}

/* ---- Saturating ---- */

/* An i64 held within low..high; Q where it was not. */
ir_value arm_saturate(struct arm_ctx *c, ir_value v, s64 low, s64 high)
{
    struct ir_builder *b = c->b;
    ir_value min = ir_const(b, (u64)low), max = ir_const(b, (u64)high);
    ir_value held = ir_select(b, ir_cmp(b, IR_GT, v, max), max, v);
    held = ir_select(b, ir_cmp(b, IR_LT, held, min), min, held);
    arm_set_q_if(c, ir_cmp(b, IR_NE, held, v));
    return held;
}

static ir_value saturate32(struct arm_ctx *c, ir_value v)
{
    return arm_saturate(c, v, INT32_MIN, INT32_MAX);
}

bool arm_trans_a32_qadd(struct arm_ctx *c, const struct arm_arg_aqadd *a)
{
    struct ir_builder *b = c->b;
    if (a->Rd == ARM_R15 || a->Rn == ARM_R15 || a->Rm == ARM_R15)
        return false;
    ir_value x = arm_r_signed(c, a->Rm), y = arm_r_signed(c, a->Rn);
    if (a->twice)
        y = saturate32(c, ir_shli(b, y, 1));
    ir_value v = saturate32(c, a->sub ? ir_sub(b, x, y) : ir_add(b, x, y));
    return arm_set_r(c, a->Rd, ir_trunc(b, v));
}
