/*
 * trans32_vfp.c - scalar floating point of A32 and T32 beside what A64's functions do on parts of
 * registers: products and sums, comparisons, conversions (DDI 0487, F4.1.13 on). Registers come as
 * vector.h names them.
 *
 * FPSCR's condition flags are in fpsr, where AArch64 has nothing.
 */
#include "isa/arm/trans32_simd.h"
#include "isa/arm_decode.h"

/* ---- Arithmetic -------------------------------------------------------------------------------
 */

static ir_value negated(struct arm_ctx *c, ir_value v)
{
    return ir_fsgnj(c->b, IR_FSGNJN, v, v);
}

/* VMLA and its like round twice. */
bool arm_trans_a32_vfp_mla(struct arm_ctx *c, const struct arm_arg_f3 *a)
{
    bool negate_product = a->op == ARM_F_MLS || a->op == ARM_F_NMLA;
    bool negate_addend = a->op == ARM_F_NMLA || a->op == ARM_F_NMLS;
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    if (!arm_float_inline(c, size))
        return arm_float_set(c, a->Rd,
                             arm_float_soft(c, ARM_FWHAT(a->op, size, 0, IR_FLOAT_DYN, 0),
                                            arm_float_bits(c, a->Rn, size),
                                            arm_float_bits(c, a->Rm, size),
                                            arm_float_bits(c, a->Rd, size)));
    unsigned aux = arm_float_aux(c);
    ir_value z = arm_float_value(c, a->Rd, size);
    ir_value p =
        ir_fmul(c->b, aux, arm_float_value(c, a->Rn, size), arm_float_value(c, a->Rm, size));
    return arm_float_set(
        c, a->Rd,
        ir_fadd(c->b, aux, negate_addend ? negated(c, z) : z, negate_product ? negated(c, p) : p));
}

bool arm_trans_a32_vfp_binary(struct arm_ctx *c, const struct arm_arg_f3 *a)
{
    return arm_trans_a64_f_binary(c, a);
}

bool arm_trans_a32_vfp_round(struct arm_ctx *c, const struct arm_arg_fround *a)
{
    return arm_trans_a64_f_unary(c, a);
}

/* ---- Comparisons ------------------------------------------------------------------------------
 */

static bool set_flags(struct arm_ctx *c, ir_value nzcv)
{
    u32 fpsr = offsetof(struct arm_cpu, fpsr);
    ir_value rest = ir_andi(c->b, ir_load_state(c->b, IR_I64, fpsr, 2), BITS(27, 0));
    ir_store_state(c->b, fpsr, 2, ir_or(c->b, rest, nzcv));
    return true;
}

bool arm_trans_a32_vfp_cmp(struct arm_ctx *c, const struct arm_arg_fcmp *a)
{
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value x = arm_float_bits(c, a->Rn, size);
    ir_value y = a->zero ? ir_const(c->b, 0) : arm_float_bits(c, a->Rm, size);
    return set_flags(c, arm_float_compare(c, size, a->signal, x, y));
}

bool arm_trans_a32_vfp_sel(struct arm_ctx *c, const struct arm_arg_wselh *a)
{
    static const u8 conditions[4] = {ARM_EQ, ARM_VS, ARM_GE, ARM_GT};
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value cond = arm_cond(c, (enum arm_cond)conditions[a->cc]);
    return arm_float_set(
        c, a->Rd,
        ir_select(c->b, cond, arm_float_bits(c, a->Rn, size), arm_float_bits(c, a->Rm, size)));
}

/* ---- Integers and fixed point -----------------------------------------------------------------
 */

bool arm_trans_a32_vfp_to_int(struct arm_ctx *c, const struct arm_arg_wint *a)
{
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_float_set(c, a->Rd, arm_float_to_int(c, size, false, a->uns, a->round, 0, a->Rn));
}

bool arm_trans_a32_vfp_from_int(struct arm_ctx *c, const struct arm_arg_wint *a)
{
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value n = arm_float_bits(c, a->Rn, 2);
    return arm_float_set(c, a->Rd, arm_float_from_int(c, size, false, a->uns, 0, n));
}

/* sx: of 32 bits, else 16. False: there are fewer than no bits of fraction. */
static bool fixed_of(const struct arm_ctx *c, const struct arm_arg_wfix *a, unsigned *size,
                     unsigned *fraction)
{
    unsigned bits = a->sx ? 32 : 16;
    *fraction = bits - a->imm5;
    return arm_float_type(c, a->ftype, size) && a->imm5 <= bits;
}

bool arm_trans_a32_vfp_to_fixed(struct arm_ctx *c, const struct arm_arg_wfix *a)
{
    unsigned size, fraction, to = 1 + a->sx;
    if (!fixed_of(c, a, &size, &fraction))
        return false;
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_FWHAT(a->uns ? ARM_F_TO_U : ARM_F_TO_S, size, to, FLOAT_RTZ, fraction);
    ir_value v = arm_float_soft(c, what, arm_float_bits(c, a->Rd, size), IR_NONE, IR_NONE);
    return arm_float_set(c, a->Rd, a->uns ? v : ir_sext(c->b, v, 8u << to, IR_I64));
}

/* Rounds to nearest, whatever FPSCR says ("FixedToFP"). */
bool arm_trans_a32_vfp_from_fixed(struct arm_ctx *c, const struct arm_arg_wfix *a)
{
    unsigned size, fraction, from = 1 + a->sx;
    if (!fixed_of(c, a, &size, &fraction))
        return false;
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_FWHAT(a->uns ? ARM_F_FROM_U : ARM_F_FROM_S, size, from, FLOAT_RNE, fraction);
    ir_value x = arm_float_bits(c, a->Rd, from);
    return arm_float_set(c, a->Rd, arm_float_soft(c, what, x, IR_NONE, IR_NONE));
}

bool arm_trans_a32_vfp_jcvt(struct arm_ctx *c, const struct arm_arg_wjcvt *a)
{
    struct ir_builder *b = c->b;
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_FWHAT(ARM_F_JCVT, 3, 2, FLOAT_RTZ, 0);
    ir_value v = arm_float_soft(c, what, arm_float_bits(c, a->Rn, 3), IR_NONE, IR_NONE);
    arm_float_set(c, a->Rd, ir_zext(b, v, 32, IR_I64));
    return set_flags(c, ir_andi(b, ir_shri(b, v, 32), BITS(31, 28)));
}

/* ---- Halves: the bottom or the top of a single register ---------------------------------------
 */

/* v: i64, its low 16 bits. */
static bool set_half(struct arm_ctx *c, u32 d, u32 top, ir_value v)
{
    u32 slot = d >> 2 & 7;
    return arm_set_v(c, slot, ir_vset(c->b, 1, arm_v(c, slot), v, (d & 3) * 2 + top));
}

static ir_value half_of(struct arm_ctx *c, u32 n, u32 top)
{
    return ir_vget(c->b, 1, arm_v(c, n), top);
}

bool arm_trans_a32_vfp_from_half(struct arm_ctx *c, const struct arm_arg_whalf *a)
{
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_FWHAT(ARM_F_CVT, 1, arm_float_size(a->ftype), IR_FLOAT_DYN, 0);
    return arm_float_set(c, a->Rd,
                         arm_float_soft(c, what, half_of(c, a->Rn, a->top), IR_NONE, IR_NONE));
}

bool arm_trans_a32_vfp_to_half(struct arm_ctx *c, const struct arm_arg_whalf *a)
{
    unsigned size = arm_float_size(a->ftype);
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_FWHAT(ARM_F_CVT, size, 1, IR_FLOAT_DYN, 0);
    ir_value v = arm_float_soft(c, what, arm_float_bits(c, a->Rn, size), IR_NONE, IR_NONE);
    return set_half(c, a->Rd, a->top, v);
}

/* The helper writes the bottom and clears the top; the half that stays is put back. */
bool arm_trans_a32_vfp_to_bf16(struct arm_ctx *c, const struct arm_arg_whalf *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value old = half_of(c, a->Rd, !a->top);
    u64 what = ARM_FWHAT(ARM_FX_BFCVT, 2, 0, 0, 0);
    arm_call(c, ARM_HELPER_FLOAT_MIXED,
             (ir_value[]){ir_const(c->b, what), ir_const(c->b, ARM_FREGS(a->Rd, a->Rn, a->Rn))});
    ir_value v = half_of(c, a->Rd, 0);
    set_half(c, a->Rd, !a->top, old);
    return set_half(c, a->Rd, a->top, v);
}

bool arm_trans_a32_vfp_movx(struct arm_ctx *c, const struct arm_arg_wins *a)
{
    if (!arm_fp_begin(c))
        return true;
    return arm_float_set(c, a->Rd, half_of(c, a->Rn, 1));
}

bool arm_trans_a32_vfp_ins(struct arm_ctx *c, const struct arm_arg_wins *a)
{
    if (!arm_fp_begin(c))
        return true;
    return set_half(c, a->Rd, 1, half_of(c, a->Rn, 0));
}
