/*
 * trans_float.c - scalar floating point of A64 (DDI 0487, C4.1.96: "Floating-point ...").
 *
 * Singles and doubles are IR operations while FPCR asks for nothing that the IR does not do
 * (arm_ctx.fpc); halves, flushing to zero and what the IR has no operation for go to the exact
 * helper (helper_float.c), as bits in an i64. A result clears the rest of its register.
 */
#include "isa/arm/trans_float.h"
#include "isa/arm/vector.h"
#include "isa/arm_decode.h"

/* ---- Shared with vectors ----------------------------------------------------------------------
 */

bool arm_float_type(const struct arm_ctx *c, u32 ftype, unsigned *size)
{
    *size = arm_float_size(ftype);
    return *size > 1 || (*size == 1 && arm_has(c, ARM_EXT_FP16));
}

bool arm_float_inline(const struct arm_ctx *c, unsigned size)
{
    return size > 1 && c->fpc != ARM_FPC_SOFT;
}

unsigned arm_float_aux(const struct arm_ctx *c)
{
    unsigned rule = c->fpc == ARM_FPC_DN ? FLOAT_NAN_DEFAULT : FLOAT_NAN_ARM;
    return IR_FLOAT_DYN | IR_FLOAT_TINY_BEFORE | rule << IR_FLOAT_NAN_SHIFT;
}

ir_value arm_float_soft(struct arm_ctx *c, u64 what, ir_value x, ir_value y, ir_value z)
{
    ir_value zero = ir_const(c->b, 0);
    ir_value args[] = {ir_const(c->b, what), x, y == IR_NONE ? zero : y, z == IR_NONE ? zero : z};
    return arm_call(c, ARM_HELPER_FLOAT, args);
}

static enum ir_type type_of(unsigned size)
{
    return size == 3 ? IR_F64 : IR_F32;
}

ir_value arm_float_bits(struct arm_ctx *c, u32 n, unsigned size)
{
    return ir_vget(c->b, size, arm_v(c, n), 0);
}

ir_value arm_float_value(struct arm_ctx *c, u32 n, unsigned size)
{
    return ir_vlow(c->b, type_of(size), arm_v(c, n));
}

bool arm_float_set(struct arm_ctx *c, u32 d, ir_value v)
{
    if (d & ARM_VIEW_S && ir_type_of(c->b, v) == IR_F32)
        v = ir_zext(c->b, ir_bitcast(c->b, IR_I32, v), 32, IR_I64);
    if (d & ARM_VIEW_S)
        return arm_set_s_part(c, d, v);
    return arm_set_v(c, d, ir_vzext(c->b, v));
}

/* Bits in an i64 as a value of an IR float type. */
static ir_value from_bits(struct arm_ctx *c, ir_value v, unsigned size)
{
    return ir_bitcast(c->b, type_of(size), size == 3 ? v : ir_trunc(c->b, v));
}

static u64 sign_of(unsigned size)
{
    return BIT((8u << size) - 1);
}

/* The exact path for up to three registers (IR_NONE: none). */
static bool soft_registers(struct arm_ctx *c, u64 what, unsigned size, u32 d, u32 n, u32 m, u32 a)
{
    ir_value x = arm_float_bits(c, n, size), none = IR_NONE;
    ir_value y = m == ARM_FLOAT_NO_REG ? none : arm_float_bits(c, m, size);
    ir_value z = a == ARM_FLOAT_NO_REG ? none : arm_float_bits(c, a, size);
    return arm_float_set(c, d, arm_float_soft(c, what, x, y, z));
}

/* ---- Two and three operands -------------------------------------------------------------------
 */

/* As IR, or IR_NONE. */
static ir_value binary(struct arm_ctx *c, enum arm_fop op, ir_value x, ir_value y)
{
    unsigned aux = arm_float_aux(c);
    struct ir_builder *b = c->b;
    switch (op) {
    case ARM_F_ADD: return ir_fadd(b, aux, x, y);
    case ARM_F_ABD:
    case ARM_F_SUB: return ir_fsub(b, aux, x, y);
    case ARM_F_NMUL:
    case ARM_F_MUL: return ir_fmul(b, aux, x, y);
    case ARM_F_DIV: return ir_fdiv(b, aux, x, y);
    default: return IR_NONE;
    }
}

static bool has_ir(enum arm_fop op)
{
    return op <= ARM_F_NMUL || op == ARM_F_ABD;
}

bool arm_float_binary(struct arm_ctx *c, enum arm_fop op, unsigned size, u32 d, u32 n, u32 m)
{
    if (!has_ir(op) || !arm_float_inline(c, size))
        return soft_registers(c, ARM_FWHAT(op, size, 0, IR_FLOAT_DYN, 0), size, d, n, m,
                              ARM_FLOAT_NO_REG);
    arm_float_set(c, d, binary(c, op, arm_float_value(c, n, size), arm_float_value(c, m, size)));
    /* The sign, which is a NaN's too, is changed after the operation. */
    ir_value sign = ir_vconst(c->b, sign_of(size), 0);
    if (op == ARM_F_NMUL)
        arm_set_v(c, d, ir_vxor(c->b, arm_v(c, d), sign));
    else if (op == ARM_F_ABD)
        arm_set_v(c, d, ir_vandn(c->b, arm_v(c, d), sign));
    return true;
}

bool arm_trans_a64_f_binary(struct arm_ctx *c, const struct arm_arg_f3 *a)
{
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_float_binary(c, a->op, size, a->Rd, a->Rn, a->Rm);
}

bool arm_trans_a64_f_madd(struct arm_ctx *c, const struct arm_arg_f4 *a)
{
    static const u16 signs[] = {0, IR_FLOAT_NEG_PRODUCT, IR_FLOAT_NEG_PRODUCT | IR_FLOAT_NEG_ADDEND,
                                IR_FLOAT_NEG_ADDEND};
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    if (!arm_float_inline(c, size))
        return soft_registers(c, ARM_FWHAT(a->op, size, 0, IR_FLOAT_DYN, 0), size, a->Rd, a->Rn,
                              a->Rm, a->Ra);
    return arm_float_set(c, a->Rd,
                         ir_fmadd(c->b, arm_float_aux(c) | signs[a->op - ARM_F_MADD],
                                  arm_float_value(c, a->Rn, size), arm_float_value(c, a->Rm, size),
                                  arm_float_value(c, a->Ra, size)));
}

/* ---- One operand ------------------------------------------------------------------------------
 */

/* ARM_F_ABS, ARM_F_NEG; ARM_F_CVT: a move. */
bool arm_trans_a64_f_sign(struct arm_ctx *c, const struct arm_arg_f2 *a)
{
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value v = ir_vzext(c->b, size == 1 ? arm_float_bits(c, a->Rn, size)
                                          : arm_float_value(c, a->Rn, size));
    ir_value sign = ir_vconst(c->b, sign_of(size), 0);
    if (a->op == ARM_F_ABS)
        v = ir_vandn(c->b, v, sign);
    else if (a->op == ARM_F_NEG)
        v = ir_vxor(c->b, v, sign);
    return arm_set_v(c, a->Rd, v);
}

bool arm_trans_a64_f_unary(struct arm_ctx *c, const struct arm_arg_fround *a)
{
    bool to_range = a->op == ARM_F_RINT32 || a->op == ARM_F_RINT64;
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size) || (size == 1 && to_range))
        return false;
    if (!arm_fp_begin(c))
        return true;
    if (a->op == ARM_F_SQRT && arm_float_inline(c, size))
        return arm_float_set(c, a->Rd,
                             ir_fsqrt(c->b, arm_float_aux(c), arm_float_value(c, a->Rn, size)));
    return soft_registers(c, ARM_FWHAT(a->op, size, 0, a->round, 0), size, a->Rd, a->Rn,
                          ARM_FLOAT_NO_REG, ARM_FLOAT_NO_REG);
}

/* Half precision is there for conversions without FP16. */
bool arm_trans_a64_f_fcvt(struct arm_ctx *c, const struct arm_arg_fcvt *a)
{
    unsigned size = arm_float_size(a->ftype), to = arm_float_size(a->opc);
    if (!size || !to || size == to)
        return false;
    if (!arm_fp_begin(c))
        return true;
    if (arm_float_inline(c, size) && to > 1)
        return arm_float_set(
            c, a->Rd,
            ir_fcvt(c->b, arm_float_aux(c), type_of(to), arm_float_value(c, a->Rn, size)));
    return soft_registers(c, ARM_FWHAT(ARM_F_CVT, size, to, IR_FLOAT_DYN, 0), size, a->Rd, a->Rn,
                          ARM_FLOAT_NO_REG, ARM_FLOAT_NO_REG);
}

/* ---- Comparisons ------------------------------------------------------------------------------
 */

/* How two values compare, for ARM_CC_FLOAT. Both comparisons raise the same exceptions. */
static void relate(struct arm_ctx *c, bool signalling, ir_value x, ir_value y, ir_value *ge, ir_value *le)
{
    unsigned aux = (arm_float_aux(c) & ~(unsigned)IR_FLOAT_ROUND) | IR_FLOAT_LE |
                   (signalling ? IR_FLOAT_SIGNAL : 0);
    *le = ir_fcmp(c->b, aux, x, y);
    *ge = ir_fcmp(c->b, aux, y, x);
}

static ir_value soft_compare(struct arm_ctx *c, unsigned size, bool signalling, ir_value x, ir_value y)
{
    u64 what = ARM_FWHAT(signalling ? ARM_F_CMPE : ARM_F_CMP, size, 0, IR_FLOAT_DYN, 0);
    return arm_float_soft(c, what, x, y, IR_NONE);
}

/* NZCV of two values given as bits: less, equal, greater, unordered are N, ZC, C, CV. */
ir_value arm_float_compare(struct arm_ctx *c, unsigned size, bool signalling, ir_value x, ir_value y)
{
    enum { NZCV_BY_RELATION = 0x6823 }; /* digits by 2 * (x <= y) + (x >= y) */
    struct ir_builder *b = c->b;
    ir_value ge, le;
    if (!arm_float_inline(c, size))
        return soft_compare(c, size, signalling, x, y);
    relate(c, signalling, from_bits(c, x, size), from_bits(c, y, size), &ge, &le);
    ir_value digit = ir_shr(b, ir_const(b, NZCV_BY_RELATION), ir_add(b, ir_shli(b, le, 3), ir_shli(b, ge, 2)));
    return ir_shli(b, ir_andi(b, digit, 15), 28);
}

bool arm_trans_a64_f_cmp(struct arm_ctx *c, const struct arm_arg_fcmp *a)
{
    ir_value zero = ir_const(c->b, 0), ge, le;
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    if (!arm_float_inline(c, size)) {
        ir_value y = a->zero ? zero : arm_float_bits(c, a->Rm, size);
        arm_flags_set_nzcv(c, soft_compare(c, size, a->signal, arm_float_bits(c, a->Rn, size), y));
        return true;
    }
    relate(c, a->signal, arm_float_value(c, a->Rn, size),
           a->zero ? from_bits(c, zero, size) : arm_float_value(c, a->Rm, size), &ge, &le);
    arm_flags_set(c, ARM_CC_FLOAT, ge, le);
    return true;
}

/* Where the condition fails, zeros are compared, which raises no exception. */
bool arm_trans_a64_f_ccmp(struct arm_ctx *c, const struct arm_arg_fccmp *a)
{
    struct ir_builder *b = c->b;
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value zero = ir_const(b, 0), cond = arm_cond(c, (enum arm_cond)a->cond);
    ir_value x = ir_select(b, cond, arm_float_bits(c, a->Rn, size), zero);
    ir_value y = ir_select(b, cond, arm_float_bits(c, a->Rm, size), zero);
    u32 else_nzcv = (u32)a->nzcv << 28;
    if (arm_float_inline(c, size)) {
        ir_value ge, le;
        relate(c, a->signal, from_bits(c, x, size), from_bits(c, y, size), &ge, &le);
        arm_flags_set_if(c, cond, ARM_CC_FLOAT, ge, le, else_nzcv);
    } else {
        ir_value nzcv = soft_compare(c, size, a->signal, x, y);
        arm_flags_set_nzcv(c, ir_select(b, cond, nzcv, ir_const(b, else_nzcv)));
    }
    return true;
}

bool arm_trans_a64_f_csel(struct arm_ctx *c, const struct arm_arg_fcsel *a)
{
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value cond = arm_cond(c, (enum arm_cond)a->cond);
    return arm_float_set(
        c, a->Rd,
        ir_select(c->b, cond, arm_float_bits(c, a->Rn, size), arm_float_bits(c, a->Rm, size)));
}

/* ---- Moves ------------------------------------------------------------------------------------
 */

/* VFPExpandImm: sign, NOT(b6), b6 repeated, exponent's low bits and fraction. */
static u64 expand_imm(unsigned size, u32 imm8)
{
    static const u8 exponent_bits[] = {0, 5, 8, 11}, fraction_bits[] = {0, 10, 23, 52};
    unsigned e = exponent_bits[size], f = fraction_bits[size];
    u64 b6 = imm8 >> 6 & 1, exp = (b6 ? BITS(e - 2, 2) : BIT(e - 1)) | (imm8 >> 4 & 3);
    return (u64)(imm8 >> 7) << (e + f) | exp << f | (u64)(imm8 & 15) << (f - 4);
}

bool arm_trans_a64_f_imm(struct arm_ctx *c, const struct arm_arg_fimm *a)
{
    unsigned size;
    if (!arm_float_type(c, a->ftype, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_set_v(c, a->Rd, ir_vconst(c->b, expand_imm(size, a->imm8), 0));
}

/* size: of the float; 4: the upper half of the register. */
bool arm_trans_a64_f_to_gp(struct arm_ctx *c, const struct arm_arg_fgp *a)
{
    if (!arm_fp_begin(c))
        return true;
    return arm_set_x(c, a->Rd, ir_vget(c->b, MIN(a->size, 3), arm_v(c, a->Rn), a->size == 4));
}

bool arm_trans_a64_f_from_gp(struct arm_ctx *c, const struct arm_arg_fgp *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value v = arm_x(c, a->Rn);
    if (a->size == 4)
        return arm_set_v(c, a->Rd, ir_vset(c->b, 3, arm_v(c, a->Rd), v, 1));
    return arm_float_set(c, a->Rd, a->size == 3 ? v : ir_zext(c->b, v, 8u << a->size, IR_I64));
}

/* ---- Integers ---------------------------------------------------------------------------------
 */

/* Fixed point: `scale` is 64 less the bits of fraction; 64: integers. False: reserved. */
static bool fraction_of(u32 sf, u32 scale, unsigned *bits)
{
    *bits = 64 - scale;
    return sf || scale >= 32;
}

ir_value arm_float_to_int(struct arm_ctx *c, unsigned size, bool sf, bool uns, unsigned round,
                          unsigned fraction, u32 n)
{
    struct ir_builder *b = c->b;
    if (fraction || !arm_float_inline(c, size)) {
        u64 what = ARM_FWHAT(uns ? ARM_F_TO_U : ARM_F_TO_S, size, 2 + sf, round, fraction);
        return arm_float_soft(c, what, arm_float_bits(c, n, size), IR_NONE, IR_NONE);
    }
    ir_value x = arm_float_value(c, n, size);
    unsigned rules = arm_float_aux(c) & ~(unsigned)IR_FLOAT_ROUND;
    ir_value v = ir_ftoi(b, rules | round | (uns ? IR_FLOAT_UNSIGNED : 0), sf ? IR_I64 : IR_I32, x);
    v = sf ? v : ir_zext(b, v, 32, IR_I64);
    /* A NaN gives 0 ("FPToFixed"), having raised what it raises. */
    ir_value number = ir_fcmp(b, rules | IR_FLOAT_EQ, x, x);
    return ir_select(b, number, v, ir_const(b, 0));
}

bool arm_trans_a64_f_to_int(struct arm_ctx *c, const struct arm_arg_fint *a)
{
    unsigned size, fraction;
    if (!arm_float_type(c, a->ftype, &size) || !fraction_of(a->sf, a->scale, &fraction))
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_set_x(c, a->Rd,
                     arm_float_to_int(c, size, a->sf, a->uns, a->round, fraction, a->Rn));
}

ir_value arm_float_from_int(struct arm_ctx *c, unsigned size, bool sf, bool uns, unsigned fraction,
                            ir_value n)
{
    struct ir_builder *b = c->b;
    if (fraction || !arm_float_inline(c, size)) {
        u64 what =
            ARM_FWHAT(uns ? ARM_F_FROM_U : ARM_F_FROM_S, size, 2 + sf, IR_FLOAT_DYN, fraction);
        return arm_float_soft(c, what, sf ? n : ir_zext(b, n, 32, IR_I64), IR_NONE, IR_NONE);
    }
    unsigned aux = arm_float_aux(c) | (uns ? IR_FLOAT_UNSIGNED : 0);
    return ir_itof(b, aux, type_of(size), sf ? n : ir_trunc(b, n));
}

bool arm_trans_a64_f_from_int(struct arm_ctx *c, const struct arm_arg_fint *a)
{
    unsigned size, fraction;
    if (!arm_float_type(c, a->ftype, &size) || !fraction_of(a->sf, a->scale, &fraction))
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_float_set(c, a->Rd,
                         arm_float_from_int(c, size, a->sf, a->uns, fraction, arm_x(c, a->Rn)));
}

bool arm_trans_a64_fjcvtzs(struct arm_ctx *c, const struct arm_arg_fjs *a)
{
    struct ir_builder *b = c->b;
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_FWHAT(ARM_F_JCVT, 3, 2, FLOAT_RTZ, 0);
    ir_value v = arm_float_soft(c, what, arm_float_bits(c, a->Rn, 3), IR_NONE, IR_NONE);
    arm_flags_set_nzcv(c, ir_shri(b, v, 32));
    return arm_set_x(c, a->Rd, ir_zext(b, v, 32, IR_I64));
}
