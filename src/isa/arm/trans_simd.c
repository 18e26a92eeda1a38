/*
 * trans_simd.c - Advanced SIMD on integers: what IR has is built in line, the rest goes lane by lane to C
 * (helper_simd.c), which works on the registers in memory.
 *
 * Q = 0 works on the low half and clears the high one; so does an operation on one lane ("scalar"). Where a lane of 64
 * bits with Q = 0 is reserved, the function returns false.
 */
#include "isa/arm/trans_simd.h"
#include "isa/arm_decode.h"

/* ---- Helpers ---------------------------------------------------------------------------------- */

bool arm_lanes_in_c(struct arm_ctx *c, struct arm_lane_work l)
{
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_VWHAT(l.op, l.shape, l.size, l.q, l.scalar, l.extra), regs = ARM_VREGS(l.d, l.n, l.m);
    arm_call(c, ARM_HELPER_LANES, (ir_value[]){ir_const(c->b, what), ir_const(c->b, regs)});
    return true;
}

static bool set_v(struct arm_ctx *c, u32 d, bool q, ir_value v)
{
    return arm_set_v(c, d, q ? v : ir_vhalf(c->b, v));
}

static ir_value zero(struct arm_ctx *c)
{
    return ir_vconst(c->b, 0, 0);
}

static ir_value ones(struct arm_ctx *c)
{
    return ir_vconst(c->b, ~UINT64_C(0), ~UINT64_C(0));
}

/* ---- Three of one size ------------------------------------------------------------------------ */

ir_value arm_lanes_three(struct arm_ctx *c, enum arm_vop op, unsigned size, ir_value n, ir_value m, ir_value d)
{
    struct ir_builder *b = c->b;
    switch (op) {
    case ARM_V_ADD: return ir_vadd(b, size, n, m);
    case ARM_V_SUB: return ir_vsub(b, size, n, m);
    case ARM_V_MUL: return ir_vmul(b, size, n, m);
    case ARM_V_MLA: return ir_vadd(b, size, d, ir_vmul(b, size, n, m));
    case ARM_V_MLS: return ir_vsub(b, size, d, ir_vmul(b, size, n, m));
    case ARM_V_SMAX: return ir_vmaxs(b, size, n, m);
    case ARM_V_SMIN: return ir_vmins(b, size, n, m);
    case ARM_V_UMAX: return ir_vmaxu(b, size, n, m);
    case ARM_V_UMIN: return ir_vminu(b, size, n, m);
    case ARM_V_CMEQ: return ir_veq(b, size, n, m);
    case ARM_V_CMGT: return ir_vgts(b, size, n, m);
    case ARM_V_CMHI: return ir_vgtu(b, size, n, m);
    case ARM_V_CMGE: return ir_vandn(b, ones(c), ir_vgts(b, size, m, n));
    case ARM_V_CMHS: return size < 3 ? ir_veq(b, size, ir_vmaxu(b, size, n, m), n) : ir_vandn(b, ones(c), ir_vgtu(b, size, m, n));
    case ARM_V_CMTST: return ir_vandn(b, ones(c), ir_veq(b, size, ir_vand(b, n, m), zero(c)));
    case ARM_V_SHADD: /* what both have, and half of what one has */
        return ir_vadd(b, size, ir_vand(b, n, m), ir_vshift(b, IR_VSAR, size, ir_vxor(b, n, m), 1));
    case ARM_V_UHADD:
        return ir_vadd(b, size, ir_vand(b, n, m), ir_vshift(b, IR_VSHR, size, ir_vxor(b, n, m), 1));
    case ARM_V_SRHADD: /* what any has, less half of what only one has */
        return ir_vsub(b, size, ir_vor(b, n, m), ir_vshift(b, IR_VSAR, size, ir_vxor(b, n, m), 1));
    case ARM_V_URHADD:
        if (size < 2)
            return ir_vavgu(b, size, n, m);
        return ir_vsub(b, size, ir_vor(b, n, m), ir_vshift(b, IR_VSHR, size, ir_vxor(b, n, m), 1));
    case ARM_V_UABD: return size < 3 ? ir_vsub(b, size, ir_vmaxu(b, size, n, m), ir_vminu(b, size, n, m)) : IR_NONE;
    case ARM_V_SABD: return size < 3 ? ir_vsub(b, size, ir_vmaxs(b, size, n, m), ir_vmins(b, size, n, m)) : IR_NONE;
    case ARM_V_UABA: return ir_vadd(b, size, d, arm_lanes_three(c, ARM_V_UABD, size, n, m, d));
    case ARM_V_SABA: return ir_vadd(b, size, d, arm_lanes_three(c, ARM_V_SABD, size, n, m, d));
    default: return IR_NONE;
    }
}

bool arm_lanes_have_ir(enum arm_vop op, unsigned size)
{
    switch (op) {
    case ARM_V_ADD:
    case ARM_V_SUB:
    case ARM_V_MUL:
    case ARM_V_MLA:
    case ARM_V_MLS:
    case ARM_V_SMAX:
    case ARM_V_SMIN:
    case ARM_V_UMAX:
    case ARM_V_UMIN:
    case ARM_V_CMEQ:
    case ARM_V_CMGT:
    case ARM_V_CMHI:
    case ARM_V_CMGE:
    case ARM_V_CMHS:
    case ARM_V_CMTST: return true;
    case ARM_V_SHADD:
    case ARM_V_UHADD:
    case ARM_V_SRHADD:
    case ARM_V_URHADD:
    case ARM_V_UABD:
    case ARM_V_SABD:
    case ARM_V_UABA:
    case ARM_V_SABA: return size < 3;
    default: return false;
    }
}

void arm_lanes_note(struct arm_ctx *c, unsigned size, bool q, ir_value exact, ir_value saturated)
{
    struct ir_builder *b = c->b;
    u32 fpsr = offsetof(struct arm_cpu, fpsr);
    ir_value equal = ir_veq(b, size, exact, saturated), all = ir_vget(b, 3, equal, 0);
    if (q)
        all = ir_and(b, all, ir_vget(b, 3, equal, 1));
    ir_value differs = ir_cmp(b, IR_NE, all, ir_const(b, ~UINT64_C(0)));
    ir_value old = ir_load_state(b, IR_I64, fpsr, 2);
    ir_store_state(b, fpsr, 2, ir_or(b, old, ir_shli(b, differs, 27)));
}

/* Sums and differences that saturate: where they differ from the plain ones, FPSR.QC is set. */
static bool saturating(struct arm_ctx *c, enum arm_vop op, unsigned size, bool q, u32 d, u32 n, u32 m)
{
    struct ir_builder *b = c->b;
    if (!arm_fp_begin(c))
        return true;
    ir_value x = arm_v(c, n), y = arm_v(c, m), exact, v;
    switch (op) {
    case ARM_V_SQADD: v = ir_vaddss(b, size, x, y); break;
    case ARM_V_UQADD: v = ir_vaddsu(b, size, x, y); break;
    case ARM_V_SQSUB: v = ir_vsubss(b, size, x, y); break;
    default: v = ir_vsubsu(b, size, x, y); break; /* UQSUB */
    }
    exact = op == ARM_V_SQADD || op == ARM_V_UQADD ? ir_vadd(b, size, x, y) : ir_vsub(b, size, x, y);
    arm_lanes_note(c, size, q, exact, v);
    return set_v(c, d, q, v);
}

bool arm_trans_a64_v_three(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    if (a->size == 3 && !a->Q)
        return false;
    bool saturates = a->op >= ARM_V_SQADD && a->op <= ARM_V_UQSUB;
    if (saturates && a->size < 2)
        return saturating(c, a->op, a->size, a->Q, a->Rd, a->Rn, a->Rm);
    if (!arm_lanes_have_ir(a->op, a->size))
        return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_THREE, a->size, a->Q, false, 0, a->Rd, a->Rn, a->Rm});
    if (!arm_fp_begin(c))
        return true;
    return set_v(c, a->Rd, a->Q, arm_lanes_three(c, a->op, a->size, arm_v(c, a->Rn), arm_v(c, a->Rm), arm_v(c, a->Rd)));
}

bool arm_trans_a64_s_three(struct arm_ctx *c, const struct arm_arg_s3 *a)
{
    if (a->size == 3 && arm_lanes_have_ir(a->op, a->size)) {
        if (!arm_fp_begin(c))
            return true;
        return set_v(c, a->Rd, false,
                     arm_lanes_three(c, a->op, a->size, arm_v(c, a->Rn), arm_v(c, a->Rm), arm_v(c, a->Rd)));
    }
    return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_THREE, a->size, false, true, 0, a->Rd, a->Rn, a->Rm});
}

bool arm_trans_a64_v_logic(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct ir_builder *b = c->b;
    if (!arm_fp_begin(c))
        return true;
    ir_value n = arm_v(c, a->Rn), m = arm_v(c, a->Rm), v;
    switch ((enum arm_vop)a->op) {
    case ARM_V_AND: v = ir_vand(b, n, m); break;
    case ARM_V_BIC: v = ir_vandn(b, n, m); break;
    case ARM_V_ORR: v = a->Rn == a->Rm ? n : ir_vor(b, n, m); break;
    case ARM_V_ORN: v = ir_vor(b, n, ir_vandn(b, ones(c), m)); break;
    case ARM_V_EOR: v = ir_vxor(b, n, m); break;
    case ARM_V_BSL: v = ir_vsel(b, arm_v(c, a->Rd), n, m); break;
    case ARM_V_BIT: v = ir_vsel(b, m, n, arm_v(c, a->Rd)); break;
    default: v = ir_vsel(b, m, arm_v(c, a->Rd), n); break; /* BIF */
    }
    return set_v(c, a->Rd, a->Q, v);
}

ir_value arm_lanes_gather(struct arm_ctx *c, unsigned size, bool odd, ir_value n)
{
    u64 order = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned lane = i >> size, byte = i & ((1u << size) - 1);
        order |= (u64)(((2 * lane + odd) << size) + byte) << (8 * i);
    }
    return ir_vtbl(c->b, n, ir_vconst(c->b, order, ~UINT64_C(0)));
}

/* Even or odd lanes of m:n, put together so that neighbours meet. */
static ir_value uzp(struct arm_ctx *c, unsigned size, bool odd, ir_value n, ir_value m)
{
    if (size == 3)
        return odd ? ir_vziph(c->b, 3, n, m) : ir_vzipl(c->b, 3, n, m);
    return ir_vzipl(c->b, 3, arm_lanes_gather(c, size, odd, n), arm_lanes_gather(c, size, odd, m));
}

bool arm_trans_a64_v_pair(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct ir_builder *b = c->b;
    if (a->size == 3 && !a->Q)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value n = arm_v(c, a->Rn), m = arm_v(c, a->Rm);
    if (!a->Q) { /* the operands are halves: one register of both */
        n = ir_vzipl(b, 3, n, m);
        m = n;
    }
    return set_v(c, a->Rd, a->Q, arm_lanes_three(c, a->op, a->size, uzp(c, a->size, false, n, m), uzp(c, a->size, true, n, m), IR_NONE));
}

bool arm_trans_a64_s_pair(struct arm_ctx *c, const struct arm_arg_s2 *a)
{
    if (a->size == 3 && a->op == ARM_V_ADD) {
        if (!arm_fp_begin(c))
            return true;
        ir_value n = arm_v(c, a->Rn);
        return set_v(c, a->Rd, false, ir_vadd(c->b, 3, n, ir_vext(c->b, n, n, 8)));
    }
    return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_PAIR, a->size, false, true, 0, a->Rd, a->Rn, a->Rn});
}

bool arm_trans_a64_v_mmla(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    if (!arm_fp_begin(c))
        return true;
    arm_call(c, ARM_HELPER_MMLA,
             (ir_value[]){ir_const(c->b, a->op), ir_const(c->b, ARM_VREGS(a->Rd, a->Rn, a->Rm))});
    return true;
}

/* ---- Two -------------------------------------------------------------------------------------- */

static ir_value reversed(struct arm_ctx *c, unsigned size, unsigned container, ir_value n)
{
    u64 order[2] = {0, 0};
    for (unsigned i = 0; i < 16; i++) {
        unsigned flip = ((1u << container) - 1) & ~((1u << size) - 1);
        order[i / 8] |= (u64)(i ^ flip) << (8 * (i % 8));
    }
    return ir_vtbl(c->b, n, ir_vconst(c->b, order[0], order[1]));
}

static ir_value two(struct arm_ctx *c, enum arm_vop op, unsigned size, ir_value n, ir_value d)
{
    struct ir_builder *b = c->b;
    switch (op) {
    case ARM_V_REV64: return reversed(c, size, 3, n);
    case ARM_V_REV32: return reversed(c, size, 2, n);
    case ARM_V_REV16: return reversed(c, size, 1, n);
    case ARM_V_CNT: return ir_vcnt(b, n);
    case ARM_V_NOT: return ir_vandn(b, ones(c), n);
    case ARM_V_NEG: return ir_vsub(b, size, zero(c), n);
    case ARM_V_ABS: return size < 3 ? ir_vmaxs(b, size, n, ir_vsub(b, size, zero(c), n)) : IR_NONE;
    case ARM_V_CMEQ0: return ir_veq(b, size, n, zero(c));
    case ARM_V_CMGT0: return ir_vgts(b, size, n, zero(c));
    case ARM_V_CMLT0: return ir_vgts(b, size, zero(c), n);
    case ARM_V_CMGE0: return ir_vandn(b, ones(c), ir_vgts(b, size, zero(c), n));
    case ARM_V_CMLE0: return ir_vandn(b, ones(c), ir_vgts(b, size, n, zero(c)));
    case ARM_V_SADDLP:
    case ARM_V_UADDLP: return arm_lanes_pair_sums(c, size, op == ARM_V_SADDLP, n);
    case ARM_V_SADALP:
    case ARM_V_UADALP: return ir_vadd(b, size + 1, d, arm_lanes_pair_sums(c, size, op == ARM_V_SADALP, n));
    default: return IR_NONE;
    }
}

bool arm_trans_a64_v_two(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    if (a->size == 3 && !a->Q)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value v = two(c, a->op, a->size, arm_v(c, a->Rn), arm_v(c, a->Rd));
    if (v == IR_NONE)
        return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_TWO, a->size, a->Q, false, 0, a->Rd, a->Rn, 0});
    return set_v(c, a->Rd, a->Q, v);
}

bool arm_trans_a64_s_two(struct arm_ctx *c, const struct arm_arg_s2 *a)
{
    return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_TWO, a->size, false, true, 0, a->Rd, a->Rn, 0});
}

/* ---- By element ------------------------------------------------------------------------------- */

/* Lane number and register: halfwords reach v0..v15 by H:L:M, words v0..v31 by H:L. */
unsigned arm_lanes_element(u32 size, u32 H, u32 L, u32 M, u32 Rm4, u32 *reg)
{
    *reg = size == 1 ? Rm4 : Rm4 | M << 4;
    return size == 1 ? H << 2 | L << 1 | M : H << 1 | L;
}

bool arm_trans_a64_v_elem(struct arm_ctx *c, const struct arm_arg_velem *a)
{
    u32 m;
    unsigned index = arm_lanes_element(a->size, a->H, a->L, a->M, a->Rm4, &m);
    if (a->op != ARM_V_MUL && a->op != ARM_V_MLA && a->op != ARM_V_MLS)
        return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_ELEM, a->size, a->Q, false, index, a->Rd, a->Rn, m});
    if (!arm_fp_begin(c))
        return true;
    ir_value y = ir_vdup(c->b, a->size, ir_vget(c->b, a->size, arm_v(c, m), index));
    return set_v(c, a->Rd, a->Q, arm_lanes_three(c, a->op, a->size, arm_v(c, a->Rn), y, arm_v(c, a->Rd)));
}

bool arm_trans_a64_s_elem(struct arm_ctx *c, const struct arm_arg_selem *a)
{
    u32 m;
    unsigned index = arm_lanes_element(a->size, a->H, a->L, a->M, a->Rm4, &m);
    return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_ELEM, a->size, false, true, index, a->Rd, a->Rn, m});
}

bool arm_trans_a64_s_elem_long(struct arm_ctx *c, const struct arm_arg_selem *a)
{
    u32 m;
    unsigned index = arm_lanes_element(a->size, a->H, a->L, a->M, a->Rm4, &m);
    return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_ELEM_LONG, a->size, false, true, index, a->Rd, a->Rn, m});
}

/* ---- Shifts by a constant --------------------------------------------------------------------- */

unsigned arm_lanes_shift_size(u32 immh)
{
    return 31 - (unsigned)__builtin_clz(immh);
}

unsigned arm_lanes_right_count(u32 immh, u32 immb)
{
    return (16u << arm_lanes_shift_size(immh)) - (immh << 3 | immb);
}

static unsigned left_count(u32 immh, u32 immb)
{
    return (immh << 3 | immb) - (8u << arm_lanes_shift_size(immh));
}

ir_value arm_lanes_round_right(struct arm_ctx *c, bool is_signed, unsigned size, ir_value v, unsigned n)
{
    enum ir_opcode shift = is_signed ? IR_VSAR : IR_VSHR;
    ir_value last = ir_vshift(c->b, shift, size, v, n - 1);
    ir_value one = ir_vdup(c->b, size, ir_const(c->b, 1));
    return ir_vadd(c->b, size, ir_vshift(c->b, shift, size, v, n), ir_vand(c->b, last, one));
}

/* Shifts right; *sums: added to the destination. IR_NONE: in C. */
static ir_value shifted_right(struct arm_ctx *c, enum arm_vop op, unsigned size, ir_value v, unsigned n, bool *sums)
{
    *sums = op == ARM_V_SSRA || op == ARM_V_USRA || op == ARM_V_SRSRA || op == ARM_V_URSRA;
    switch (op) {
    case ARM_V_SSHR:
    case ARM_V_SSRA: return ir_vshift(c->b, IR_VSAR, size, v, n);
    case ARM_V_USHR:
    case ARM_V_USRA: return ir_vshift(c->b, IR_VSHR, size, v, n);
    case ARM_V_SRSHR:
    case ARM_V_SRSRA: return arm_lanes_round_right(c, true, size, v, n);
    case ARM_V_URSHR:
    case ARM_V_URSRA: return arm_lanes_round_right(c, false, size, v, n);
    default: return IR_NONE;
    }
}

static bool shift_right(struct arm_ctx *c, struct arm_lane_work l)
{
    bool sums;
    if (!arm_fp_begin(c))
        return true;
    ir_value v = shifted_right(c, l.op, l.size, arm_v(c, l.n), l.extra, &sums);
    if (v == IR_NONE)
        return arm_lanes_in_c(c, l);
    return set_v(c, l.d, l.q, sums ? ir_vadd(c->b, l.size, arm_v(c, l.d), v) : v);
}

bool arm_trans_a64_v_shr(struct arm_ctx *c, const struct arm_arg_vshift *a)
{
    unsigned size = arm_lanes_shift_size(a->immh), n = arm_lanes_right_count(a->immh, a->immb);
    if (size == 3 && !a->Q)
        return false;
    return shift_right(c, (struct arm_lane_work){a->op, ARM_SHAPE_TWO, size, a->Q, false, n, a->Rd, a->Rn, 0});
}

bool arm_trans_a64_v_shl(struct arm_ctx *c, const struct arm_arg_vshift *a)
{
    unsigned size = arm_lanes_shift_size(a->immh), n = left_count(a->immh, a->immb);
    if (size == 3 && !a->Q)
        return false;
    if (a->op != ARM_V_SHL)
        return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_TWO, size, a->Q, false, n | 0x80, a->Rd, a->Rn, 0});
    if (!arm_fp_begin(c))
        return true;
    return set_v(c, a->Rd, a->Q, ir_vshift(c->b, IR_VSHL, size, arm_v(c, a->Rn), n));
}

bool arm_trans_a64_v_shll_imm(struct arm_ctx *c, const struct arm_arg_vshift *a)
{
    if (a->immh >= 8)
        return false;
    unsigned size = arm_lanes_shift_size(a->immh), n = left_count(a->immh, a->immb);
    if (!arm_fp_begin(c))
        return true;
    ir_value v = arm_v(c, a->Rn);
    if (a->Q)
        v = ir_vext(c->b, v, v, 8);
    v = a->op == ARM_V_SSHLL ? ir_vsxt(c->b, size, v) : ir_vzxt(c->b, size, v);
    return arm_set_v(c, a->Rd, ir_vshift(c->b, IR_VSHL, size + 1, v, n));
}

bool arm_trans_a64_s_shr(struct arm_ctx *c, const struct arm_arg_sshift *a)
{
    if (a->immh < 8)
        return false;
    return shift_right(c, (struct arm_lane_work){a->op, ARM_SHAPE_TWO, 3, false, true,
                                                 arm_lanes_right_count(a->immh, a->immb), a->Rd, a->Rn, 0});
}

bool arm_trans_a64_s_shl(struct arm_ctx *c, const struct arm_arg_sshift *a)
{
    bool saturates = a->op == ARM_V_SQSHL || a->op == ARM_V_UQSHL || a->op == ARM_V_SQSHLU;
    if (a->immh < 8 && !saturates)
        return false;
    if (a->op == ARM_V_SHL) {
        if (!arm_fp_begin(c))
            return true;
        return set_v(c, a->Rd, false, ir_vshift(c->b, IR_VSHL, 3, arm_v(c, a->Rn), left_count(a->immh, a->immb)));
    }
    return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_TWO, arm_lanes_shift_size(a->immh), false, true,
                                  left_count(a->immh, a->immb) | 0x80, a->Rd, a->Rn, 0});
}

bool arm_trans_a64_s_shrn(struct arm_ctx *c, const struct arm_arg_sshift *a)
{
    if (a->immh >= 8)
        return false;
    return arm_lanes_in_c(c, (struct arm_lane_work){a->op, ARM_SHAPE_NARROW, arm_lanes_shift_size(a->immh), false, true,
                                  arm_lanes_right_count(a->immh, a->immb), a->Rd, a->Rn, 0});
}
