/*
 * trans_simd_mixed.c - Advanced SIMD on integers whose result has lanes of another size: long, wide, narrow, high half, across.
 *
 * Long operands are extended first and computed at the double size, which is exact modulo that size, as the manual's
 * pseudo-code is (DDI 0487, C7.2). Narrow results are the even or odd lanes of the wide ones.
 */
#include "isa/arm/trans_simd.h"
#include "isa/arm_decode.h"

static u64 repeat(unsigned size, u64 lane)
{
    u64 v = 0;
    for (unsigned i = 0; i < 8u >> size; i++)
        v |= lane << (8u << size) * i % 64;
    return v;
}

static ir_value each(struct arm_ctx *c, unsigned size, u64 lane)
{
    u64 v = repeat(size, lane & ~UINT64_C(0) >> (64 - (8u << size)));
    return ir_vconst(c->b, v, v);
}

/* ---- Long, wide ------------------------------------------------------------------------------- */

/* The lower lanes, or with q the upper ones, at the double size. */
static ir_value extended(struct arm_ctx *c, unsigned size, bool q, bool is_signed, ir_value v)
{
    if (q)
        v = ir_vext(c->b, v, v, 8);
    return is_signed ? ir_vsxt(c->b, size, v) : ir_vzxt(c->b, size, v);
}

static bool long_is_signed(enum arm_vop op)
{
    switch (op) {
    case ARM_V_SADDL:
    case ARM_V_SSUBL:
    case ARM_V_SADDW:
    case ARM_V_SSUBW:
    case ARM_V_SMLAL:
    case ARM_V_SMLSL:
    case ARM_V_SMULL:
    case ARM_V_SABDL:
    case ARM_V_SABAL: return true;
    default: return false;
    }
}

/* Products of 64 bits are no IR. */
static bool long_has_ir(enum arm_vop op, unsigned size)
{
    switch (op) {
    case ARM_V_SMLAL:
    case ARM_V_UMLAL:
    case ARM_V_SMLSL:
    case ARM_V_UMLSL:
    case ARM_V_SMULL:
    case ARM_V_UMULL: return size < 2;
    case ARM_V_SADDL:
    case ARM_V_UADDL:
    case ARM_V_SSUBL:
    case ARM_V_USUBL:
    case ARM_V_SABDL:
    case ARM_V_UABDL:
    case ARM_V_SABAL:
    case ARM_V_UABAL: return true;
    default: return false;
    }
}

/* Differences without sign fit the narrow lane, taken as unsigned. */
static ir_value long_difference(struct arm_ctx *c, enum arm_vop op, unsigned size, bool q, ir_value n, ir_value m)
{
    return extended(c, size, q, false, arm_lanes_three(c, op, size, n, m, IR_NONE));
}

static ir_value long_lanes(struct arm_ctx *c, enum arm_vop op, unsigned size, bool q, ir_value n, ir_value m, ir_value d)
{
    struct ir_builder *b = c->b;
    bool is_signed = long_is_signed(op);
    switch (op) {
    case ARM_V_SABDL: return long_difference(c, ARM_V_SABD, size, q, n, m);
    case ARM_V_UABDL: return long_difference(c, ARM_V_UABD, size, q, n, m);
    case ARM_V_SABAL: return ir_vadd(b, size + 1, d, long_difference(c, ARM_V_SABD, size, q, n, m));
    case ARM_V_UABAL: return ir_vadd(b, size + 1, d, long_difference(c, ARM_V_UABD, size, q, n, m));
    default: break;
    }
    ir_value x = extended(c, size, q, is_signed, n), y = extended(c, size, q, is_signed, m);
    switch (op) {
    case ARM_V_SADDL:
    case ARM_V_UADDL: return ir_vadd(b, size + 1, x, y);
    case ARM_V_SSUBL:
    case ARM_V_USUBL: return ir_vsub(b, size + 1, x, y);
    default: break;
    }
    ir_value product = ir_vmul(b, size + 1, x, y);
    if (op == ARM_V_SMULL || op == ARM_V_UMULL)
        return product;
    bool adds = op == ARM_V_SMLAL || op == ARM_V_UMLAL;
    return adds ? ir_vadd(b, size + 1, d, product) : ir_vsub(b, size + 1, d, product);
}

bool arm_trans_a64_v_long(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    if (!long_has_ir(a->op, a->size))
        return arm_lanes_in_c(
            c, (struct arm_lane_work){a->op, ARM_SHAPE_LONG, a->size, a->Q, false, 0, a->Rd, a->Rn, a->Rm});
    if (!arm_fp_begin(c))
        return true;
    return arm_set_v(c, a->Rd,
                     long_lanes(c, a->op, a->size, a->Q, arm_v(c, a->Rn), arm_v(c, a->Rm), arm_v(c, a->Rd)));
}

bool arm_trans_a64_v_elem_long(struct arm_ctx *c, const struct arm_arg_velem *a)
{
    u32 m;
    unsigned index = arm_lanes_element(a->size, a->H, a->L, a->M, a->Rm4, &m);
    if (!long_has_ir(a->op, a->size))
        return arm_lanes_in_c(
            c, (struct arm_lane_work){a->op, ARM_SHAPE_ELEM_LONG, a->size, a->Q, false, index, a->Rd, a->Rn, m});
    if (!arm_fp_begin(c))
        return true;
    ir_value y = ir_vdup(c->b, a->size, ir_vget(c->b, a->size, arm_v(c, m), index));
    return arm_set_v(c, a->Rd, long_lanes(c, a->op, a->size, a->Q, arm_v(c, a->Rn), y, arm_v(c, a->Rd)));
}

bool arm_trans_a64_s_long(struct arm_ctx *c, const struct arm_arg_s3 *a)
{
    return arm_lanes_in_c(
        c, (struct arm_lane_work){a->op, ARM_SHAPE_LONG, a->size, false, true, 0, a->Rd, a->Rn, a->Rm});
}

bool arm_trans_a64_v_wide(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value n = arm_v(c, a->Rn), m = extended(c, a->size, a->Q, long_is_signed(a->op), arm_v(c, a->Rm));
    bool adds = a->op == ARM_V_SADDW || a->op == ARM_V_UADDW;
    return arm_set_v(c, a->Rd, adds ? ir_vadd(c->b, a->size + 1, n, m) : ir_vsub(c->b, a->size + 1, n, m));
}

bool arm_trans_a64_v_shll(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value v = extended(c, a->size, a->Q, false, arm_v(c, a->Rn));
    return arm_set_v(c, a->Rd, ir_vshift(c->b, IR_VSHL, a->size + 1, v, 8u << a->size));
}

bool arm_trans_a64_v_pmull64(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value n = ir_vget(c->b, 3, arm_v(c, a->Rn), a->Q), m = ir_vget(c->b, 3, arm_v(c, a->Rm), a->Q);
    return arm_set_v(c, a->Rd, ir_vpair(c->b, ir_clmul(c->b, n, m), ir_clmulh(c->b, n, m)));
}

/* ---- Narrow, high half ------------------------------------------------------------------------ */

/* To the lower half, clearing the upper one; with q to the upper half, keeping the lower one. */
static bool set_narrow(struct arm_ctx *c, u32 d, bool q, ir_value v)
{
    return arm_set_v(c, d, q ? ir_vzipl(c->b, 3, arm_v(c, d), v) : v);
}

bool arm_trans_a64_v_high(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct ir_builder *b = c->b;
    unsigned wide = a->size + 1;
    if (!arm_fp_begin(c))
        return true;
    bool adds = a->op == ARM_V_ADDHN || a->op == ARM_V_RADDHN;
    ir_value n = arm_v(c, a->Rn), m = arm_v(c, a->Rm);
    ir_value v = adds ? ir_vadd(b, wide, n, m) : ir_vsub(b, wide, n, m);
    if (a->op == ARM_V_RADDHN || a->op == ARM_V_RSUBHN)
        v = ir_vadd(b, wide, v, each(c, wide, BIT((8u << a->size) - 1)));
    return set_narrow(c, a->Rd, a->Q, arm_lanes_gather(c, a->size, true, v));
}

/* Brought between the bounds that a lane of size can hold; FPSR.QC. */
static ir_value bounded(struct arm_ctx *c, unsigned size, bool from_signed, bool to_signed, ir_value v)
{
    struct ir_builder *b = c->b;
    unsigned bits = 8u << size, wide = size + 1;
    u64 high = to_signed ? BIT(bits - 1) - 1 : BIT(bits) - 1, low = to_signed ? ~high : 0;
    ir_value cut = from_signed ? ir_vmins(b, wide, ir_vmaxs(b, wide, v, each(c, wide, low)), each(c, wide, high))
                               : ir_vminu(b, wide, v, each(c, wide, high));
    arm_lanes_note(c, wide, true, v, cut);
    return cut;
}

/* n: the shift, 0 for the plain narrowing ones. IR_NONE: in C. */
static ir_value narrowed(struct arm_ctx *c, enum arm_vop op, unsigned size, ir_value v, unsigned n)
{
    struct ir_builder *b = c->b;
    unsigned wide = size + 1;
    bool saturates = op != ARM_V_XTN && op != ARM_V_SHRN && op != ARM_V_RSHRN;
    if (saturates && size == 2)
        return IR_NONE;
    switch (op) {
    case ARM_V_XTN: return v;
    case ARM_V_SHRN: return ir_vshift(b, IR_VSHR, wide, v, n);
    case ARM_V_RSHRN: return arm_lanes_round_right(c, false, wide, v, n);
    case ARM_V_SQXTN: return bounded(c, size, true, true, v);
    case ARM_V_UQXTN: return bounded(c, size, false, false, v);
    case ARM_V_SQXTUN: return bounded(c, size, true, false, v);
    case ARM_V_SQSHRN: return bounded(c, size, true, true, ir_vshift(b, IR_VSAR, wide, v, n));
    case ARM_V_UQSHRN: return bounded(c, size, false, false, ir_vshift(b, IR_VSHR, wide, v, n));
    case ARM_V_SQSHRUN: return bounded(c, size, true, false, ir_vshift(b, IR_VSAR, wide, v, n));
    case ARM_V_SQRSHRN: return bounded(c, size, true, true, arm_lanes_round_right(c, true, wide, v, n));
    case ARM_V_UQRSHRN: return bounded(c, size, false, false, arm_lanes_round_right(c, false, wide, v, n));
    case ARM_V_SQRSHRUN: return bounded(c, size, true, false, arm_lanes_round_right(c, true, wide, v, n));
    default: return IR_NONE;
    }
}

static bool narrow(struct arm_ctx *c, struct arm_lane_work l)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value v = narrowed(c, l.op, l.size, arm_v(c, l.n), l.extra);
    if (v == IR_NONE)
        return arm_lanes_in_c(c, l);
    return set_narrow(c, l.d, l.q, arm_lanes_gather(c, l.size, false, v));
}

bool arm_trans_a64_v_narrow(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    return narrow(c, (struct arm_lane_work){a->op, ARM_SHAPE_NARROW, a->size, a->Q, false, 0, a->Rd, a->Rn, 0});
}

bool arm_trans_a64_v_shrn(struct arm_ctx *c, const struct arm_arg_vshift *a)
{
    if (a->immh >= 8)
        return false;
    unsigned size = arm_lanes_shift_size(a->immh), n = arm_lanes_right_count(a->immh, a->immb);
    return narrow(c, (struct arm_lane_work){a->op, ARM_SHAPE_NARROW, size, a->Q, false, n, a->Rd, a->Rn, 0});
}

bool arm_trans_a64_s_narrow(struct arm_ctx *c, const struct arm_arg_s2 *a)
{
    return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_NARROW, a->size, false, true, 0, a->Rd, a->Rn, 0});
}

/* ---- Across ----------------------------------------------------------------------------------- */

ir_value arm_lanes_pair_sums(struct arm_ctx *c, unsigned size, bool is_signed, ir_value n)
{
    struct ir_builder *b = c->b;
    unsigned bits = 8u << size, wide = size + 1;
    enum ir_opcode right = is_signed ? IR_VSAR : IR_VSHR;
    ir_value odd = ir_vshift(b, right, wide, n, bits);
    return ir_vadd(b, wide, odd, ir_vshift(b, right, wide, ir_vshift(b, IR_VSHL, wide, n, bits), bits));
}

/* Halves meet until one lane is left: lane 0. */
static ir_value folded(struct arm_ctx *c, enum arm_vop op, unsigned size, bool q, ir_value v)
{
    for (unsigned bytes = q ? 8 : 4; bytes >= 1u << size; bytes /= 2)
        v = arm_lanes_three(c, op, size, v, ir_vext(c->b, v, v, bytes), IR_NONE);
    return ir_vget(c->b, size, v, 0);
}

bool arm_trans_a64_v_across(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    if (a->size == 2 && !a->Q)
        return false;
    if (!arm_fp_begin(c))
        return true;
    enum arm_vop op = a->op;
    unsigned size = a->size;
    ir_value v = arm_v(c, a->Rn);
    if (op == ARM_V_SADDL || op == ARM_V_UADDL) {
        v = arm_lanes_pair_sums(c, size++, op == ARM_V_SADDL, v);
        op = ARM_V_ADD;
    }
    return arm_set_v(c, a->Rd, ir_vzext(c->b, folded(c, op, size, a->Q, v)));
}
