/*
 * trans32_media.c - A32 and T32: lanes of bytes and halves in a word, saturation, extension, bit
 * fields, reversals, check sums.
 *
 * Lanes are computed all at once: carries stop at each lane's top bit, which is joined again after.
 * Nothing here has r15 as an operand: that is UNPREDICTABLE.
 *
 * Manual: DDI 0487, F5.1.
 */
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

static bool has_r15(u32 rd, u32 rn, u32 rm)
{
    return rd == ARM_R15 || rn == ARM_R15 || rm == ARM_R15;
}

/* ---- Lanes ---- */

/* What came of all lanes: the low bits; at each lane's top bit the bit above it, of the unsigned
 * sum (of a difference: the borrow), and of the signed one. */
struct lanes {
    ir_value v, above, above_signed;
};

enum { TOPS_BYTE = 0x80808080u, TOPS_HALF = 0x80008000u };

static struct lanes add_lanes(struct arm_ctx *c, u32 tops, ir_value x, ir_value y)
{
    struct ir_builder *b = c->b;
    ir_value differ = ir_xor(b, x, y);
    ir_value sum = ir_add(b, ir_andi(b, x, ~tops), ir_andi(b, y, ~tops));
    struct lanes l = {.v = ir_xor(b, sum, ir_andi(b, differ, tops))};
    ir_value carry = ir_or(b, ir_and(b, x, y), ir_and(b, ir_or(b, x, y), ir_not(b, l.v)));
    l.above = ir_andi(b, carry, tops);
    l.above_signed = ir_andi(b, ir_xor(b, differ, carry), tops);
    return l;
}

static struct lanes subtract_lanes(struct arm_ctx *c, u32 tops, ir_value x, ir_value y)
{
    struct ir_builder *b = c->b;
    ir_value same = ir_not(b, ir_xor(b, x, y));
    ir_value difference = ir_sub(b, ir_or(b, x, ir_const32(b, tops)), ir_andi(b, y, ~tops));
    struct lanes l = {.v = ir_xor(b, difference, ir_andi(b, same, tops))};
    ir_value borrow = ir_or(b, ir_and(b, ir_not(b, x), y), ir_and(b, same, l.v));
    l.above = ir_andi(b, borrow, tops);
    l.above_signed = ir_andi(b, ir_not(b, ir_xor(b, same, borrow)), tops);
    return l;
}

/* Whole lanes of ones where the top bit is set. */
static ir_value spread(struct arm_ctx *c, u32 tops, ir_value bits)
{
    struct ir_builder *b = c->b;
    unsigned width = tops == (u32)TOPS_BYTE ? 8 : 16;
    ir_value ones = ir_const32(b, (1u << width) - 1);
    return ir_mul(b, ir_shri(b, bits, width - 1), ones);
}

static ir_value pick(struct arm_ctx *c, ir_value mask, ir_value x, ir_value y)
{
    struct ir_builder *b = c->b;
    return ir_xor(b, y, ir_and(b, ir_xor(b, x, y), mask));
}

static ir_value halve(struct arm_ctx *c, u32 tops, ir_value v, ir_value above)
{
    return ir_or(c->b, ir_andi(c->b, ir_shri(c->b, v, 1), ~tops), above);
}

static ir_value saturate_signed(struct arm_ctx *c, u32 tops, const struct lanes *l)
{
    struct ir_builder *b = c->b;
    unsigned width = tops == (u32)TOPS_BYTE ? 8 : 16;
    ir_value out = ir_andi(b, ir_xor(b, l->v, l->above_signed), tops);
    ir_value limit = ir_add(b, ir_const32(b, ~tops), ir_shri(b, l->above_signed, width - 1));
    return pick(c, spread(c, tops, out), limit, l->v);
}

static ir_value saturate_unsigned(struct arm_ctx *c, u32 tops, const struct lanes *l, bool sub)
{
    ir_value out = spread(c, tops, l->above);
    return sub ? ir_and(c->b, l->v, ir_not(c->b, out)) : ir_or(c->b, l->v, out);
}

/* The result by kind; *at_least: each lane's condition for GE at its top bit. */
static ir_value finish(struct arm_ctx *c, u32 kind, u32 tops, const struct lanes *l, bool sub,
                       ir_value *at_least)
{
    struct ir_builder *b = c->b;
    bool is_signed = kind <= ARM_LANES_SH;
    *at_least = is_signed ? ir_xor(b, l->above_signed, ir_const32(b, tops))
                : sub     ? ir_xor(b, l->above, ir_const32(b, tops))
                          : l->above;
    switch (kind) {
    case ARM_LANES_Q: return saturate_signed(c, tops, l);
    case ARM_LANES_UQ: return saturate_unsigned(c, tops, l, sub);
    case ARM_LANES_SH: return halve(c, tops, l->v, l->above_signed);
    case ARM_LANES_UH: return halve(c, tops, l->v, l->above);
    default: return l->v;
    }
}

/* GE<3:0> of top bits: of halves each counts twice. The product brings bits 7, 15, 23, 31 together.
 */
static void set_ge(struct arm_ctx *c, u32 tops, ir_value at_least)
{
    struct ir_builder *b = c->b;
    if (tops == (u32)TOPS_HALF)
        at_least = ir_or(b, at_least, ir_shri(b, at_least, 8));
    ir_value bits = ir_shri(b, arm_widen(c, at_least), 7);
    bits = ir_mul(b, bits, ir_const(b, BIT(24) | BIT(17) | BIT(10) | BIT(3)));
    arm_set_ge(c, ir_andi(b, ir_shri(b, bits, 24), 15));
}

/* One of addition and subtraction for all lanes, or one for the upper half and the other for the
 * lower, with Rm's halves exchanged (ASX, SAX). */
bool arm_trans_a32_lanes(struct arm_ctx *c, const struct arm_arg_alanes *a)
{
    struct ir_builder *b = c->b;
    if (has_r15(a->Rd, a->Rn, a->Rm))
        return false;
    bool bytes = a->op == ARM_LANES_ADD8 || a->op == ARM_LANES_SUB8;
    bool sub = a->op == ARM_LANES_SUB8 || a->op == ARM_LANES_SUB16;
    bool crosswise = a->op == ARM_LANES_ASX || a->op == ARM_LANES_SAX;
    u32 tops = bytes ? TOPS_BYTE : TOPS_HALF;
    ir_value x = arm_r(c, a->Rn), y = arm_r(c, a->Rm), at_least, v;
    if (crosswise) {
        y = ir_rotr(b, y, ir_const32(b, 16));
        struct lanes sum = add_lanes(c, tops, x, y), difference = subtract_lanes(c, tops, x, y);
        ir_value ge_sum, ge_difference;
        ir_value v_sum = finish(c, a->kind, tops, &sum, false, &ge_sum);
        ir_value v_difference = finish(c, a->kind, tops, &difference, true, &ge_difference);
        ir_value mask = ir_const32(b, a->op == ARM_LANES_ASX ? 0xffff0000 : 0xffff);
        v = pick(c, mask, v_sum, v_difference);
        at_least = pick(c, mask, ge_sum, ge_difference);
    } else {
        struct lanes l = sub ? subtract_lanes(c, tops, x, y) : add_lanes(c, tops, x, y);
        v = finish(c, a->kind, tops, &l, sub, &at_least);
    }
    if (a->kind == ARM_LANES_S || a->kind == ARM_LANES_U)
        set_ge(c, tops, at_least);
    return arm_set_r(c, a->Rd, v);
}

/* Bytes of Rn where GE has ones. */
bool arm_trans_a32_sel(struct arm_ctx *c, const struct arm_arg_asel *a)
{
    struct ir_builder *b = c->b;
    if (has_r15(a->Rd, a->Rn, a->Rm))
        return false;
    ir_value bits = ir_mul(b, ir_trunc(b, arm_ge(c)), ir_const32(b, 0x00204081));
    ir_value mask = ir_mul(b, ir_andi(b, bits, 0x01010101), ir_const32(b, 255));
    return arm_set_r(c, a->Rd, pick(c, mask, arm_r(c, a->Rn), arm_r(c, a->Rm)));
}

/* Differences of bytes without their signs, added up. */
bool arm_trans_a32_usad(struct arm_ctx *c, const struct arm_arg_ausad *a)
{
    struct ir_builder *b = c->b;
    if (has_r15(a->Rd, a->Rn, a->Rm))
        return false;
    struct lanes l = subtract_lanes(c, TOPS_BYTE, arm_r(c, a->Rn), arm_r(c, a->Rm));
    ir_value negative = ir_shri(b, l.above, 7);
    ir_value v = ir_add(b, ir_xor(b, l.v, spread(c, TOPS_BYTE, l.above)), negative);
    v = ir_add(b, ir_andi(b, v, 0x00ff00ff), ir_andi(b, ir_shri(b, v, 8), 0x00ff00ff));
    v = ir_add(b, ir_andi(b, v, 0xffff), ir_shri(b, v, 16));
    return arm_set_r(c, a->Rd, a->acc ? ir_add(b, v, arm_r(c, a->Ra)) : v);
}

/* ---- Packing, saturation ---- */

bool arm_trans_a32_pkh(struct arm_ctx *c, const struct arm_arg_apkh *a)
{
    if (has_r15(a->Rd, a->Rn, a->Rm))
        return false;
    ir_value y = arm_shifted_imm(c, a->Rm, a->shift).v, x = arm_r(c, a->Rn);
    ir_value mask = ir_const32(c->b, a->top ? 0xffff0000 : 0xffff);
    return arm_set_r(c, a->Rd, pick(c, mask, x, y));
}

static s64 lowest(u32 bits, u32 sign)
{
    return sign ? -(s64)BIT(bits - 1) : 0;
}

static s64 highest(u32 bits, u32 sign)
{
    return (s64)BIT(bits - (sign ? 1 : 0)) - 1;
}

/* sat: the bits of the range. */
bool arm_trans_a32_ssat(struct arm_ctx *c, const struct arm_arg_assat *a)
{
    enum { ASR_0 = 2 }; /* is SSAT16's in T32 */
    if (has_r15(a->Rd, a->Rn, 0) || (c->thumb && a->shift == ASR_0))
        return false;
    ir_value v = ir_sext(c->b, arm_shifted_imm(c, a->Rn, a->shift).v, 32, IR_I64);
    v = arm_saturate(c, v, lowest(a->sat, a->sign), highest(a->sat, a->sign));
    return arm_set_r(c, a->Rd, ir_trunc(c->b, v));
}

bool arm_trans_a32_ssat16(struct arm_ctx *c, const struct arm_arg_assat16 *a)
{
    struct ir_builder *b = c->b;
    if (has_r15(a->Rd, a->Rn, 0))
        return false;
    s64 low = lowest(a->sat, a->sign), high = highest(a->sat, a->sign);
    ir_value v = arm_r_wide(c, a->Rn), upper = ir_shri(b, v, 16);
    v = arm_saturate(c, ir_sext(b, v, 16, IR_I64), low, high);
    upper = arm_saturate(c, ir_sext(b, upper, 16, IR_I64), low, high);
    v = ir_or(b, ir_andi(b, v, 0xffff), ir_shli(b, upper, 16));
    return arm_set_r(c, a->Rd, ir_trunc(b, v));
}

/* ---- Extension ---- */

static ir_value extended(struct arm_ctx *c, ir_value v, u32 lane, bool sign)
{
    struct ir_builder *b = c->b;
    if (lane != ARM_EXTEND_BYTES) {
        unsigned bits = lane == ARM_EXTEND_BYTE ? 8 : 16;
        return sign ? ir_sext(b, v, bits, IR_I32) : ir_zext(b, v, bits, IR_I32);
    }
    v = ir_andi(b, v, 0x00ff00ff);
    if (!sign)
        return v;
    ir_value fill = ir_mul(b, ir_andi(b, v, 0x00800080), ir_const32(b, 0x1fe));
    return ir_or(b, v, fill);
}

bool arm_trans_a32_xt(struct arm_ctx *c, const struct arm_arg_axta *a)
{
    struct ir_builder *b = c->b;
    if (has_r15(a->Rd, a->Rn, a->Rm))
        return false;
    ir_value v = ir_rotr(b, arm_r(c, a->Rm), ir_const32(b, 8 * a->rot));
    v = extended(c, v, a->lane, a->sign);
    if (a->acc && a->lane == ARM_EXTEND_BYTES)
        v = add_lanes(c, TOPS_HALF, arm_r(c, a->Rn), v).v;
    else if (a->acc)
        v = ir_add(b, arm_r(c, a->Rn), v);
    return arm_set_r(c, a->Rd, v);
}

/* ---- Bit fields; Rn = 15: of zeros ---- */

bool arm_trans_a32_bfi(struct arm_ctx *c, const struct arm_arg_abf *a)
{
    struct ir_builder *b = c->b;
    if (a->Rd == ARM_R15 || a->msb < a->lsb)
        return false;
    u32 mask = (u32)BITS(a->msb, a->lsb);
    ir_value field = a->Rn == ARM_R15 ? ir_const32(b, 0) : ir_shli(b, arm_r(c, a->Rn), a->lsb);
    ir_value kept = ir_andi(b, arm_r(c, a->Rd), ~mask);
    return arm_set_r(c, a->Rd, ir_or(b, kept, ir_andi(b, field, mask)));
}

bool arm_trans_a32_bfx(struct arm_ctx *c, const struct arm_arg_abfx *a)
{
    if (has_r15(a->Rd, a->Rn, 0) || a->lsb + a->width > 32)
        return false;
    ir_value v = ir_shli(c->b, arm_r(c, a->Rn), 32 - a->lsb - a->width);
    unsigned down = 32 - a->width;
    return arm_set_r(c, a->Rd, a->sign ? ir_sari(c->b, v, down) : ir_shri(c->b, v, down));
}

/* ---- Reversals, leading zeros ---- */

/* Neighbouring groups of n bits change places; low: the lower one of each pair. */
static ir_value swap_groups(struct arm_ctx *c, ir_value v, unsigned n, u32 low)
{
    struct ir_builder *b = c->b;
    return ir_or(b, ir_andi(b, ir_shri(b, v, n), low), ir_shli(b, ir_andi(b, v, low), n));
}

bool arm_trans_a32_rev(struct arm_ctx *c, const struct arm_arg_ar2 *a)
{
    return !has_r15(a->Rd, a->Rm, 0) && arm_set_r(c, a->Rd, ir_bswap(c->b, arm_r(c, a->Rm)));
}

bool arm_trans_a32_rev16(struct arm_ctx *c, const struct arm_arg_ar2 *a)
{
    return !has_r15(a->Rd, a->Rm, 0) &&
           arm_set_r(c, a->Rd, swap_groups(c, arm_r(c, a->Rm), 8, 0x00ff00ff));
}

bool arm_trans_a32_revsh(struct arm_ctx *c, const struct arm_arg_ar2 *a)
{
    return !has_r15(a->Rd, a->Rm, 0) &&
           arm_set_r(c, a->Rd, ir_sari(c->b, ir_bswap(c->b, arm_r(c, a->Rm)), 16));
}

bool arm_trans_a32_rbit(struct arm_ctx *c, const struct arm_arg_ar2 *a)
{
    if (has_r15(a->Rd, a->Rm, 0))
        return false;
    ir_value v = ir_bswap(c->b, arm_r(c, a->Rm));
    v = swap_groups(c, v, 4, 0x0f0f0f0f);
    v = swap_groups(c, v, 2, 0x33333333);
    return arm_set_r(c, a->Rd, swap_groups(c, v, 1, 0x55555555));
}

bool arm_trans_a32_clz(struct arm_ctx *c, const struct arm_arg_ar2 *a)
{
    return !has_r15(a->Rd, a->Rm, 0) && arm_set_r(c, a->Rd, ir_clz(c->b, arm_r(c, a->Rm)));
}

bool arm_trans_a32_crc32(struct arm_ctx *c, const struct arm_arg_acrc *a)
{
    if (has_r15(a->Rd, a->Rn, a->Rm) || c->it)
        return false;
    ir_value args[] = {arm_r_wide(c, a->Rn), arm_r_wide(c, a->Rm),
                       ir_const(c->b, a->size | a->poly << 2)};
    return arm_set_r(c, a->Rd, arm_call(c, ARM_HELPER_CRC32, args));
}
