/*
 * trans_float_vector.c - Advanced SIMD on floating point, of A64 (DDI 0487, C4.1.96), and the
 * instructions on one lane that go with it.
 *
 * Lanes of singles and doubles are IR where FPCR and the operation allow (as in trans_float.c); the
 * rest is the exact lane helper (helper_float.c), on the registers in memory. fsz: 0 singles, 1
 * doubles, 3 halves, as ftype.
 */
#include "isa/arm/trans_float.h"
#include "isa/arm_decode.h"

/* ---- Operands ---------------------------------------------------------------------------------
 */

/* AArch32 has its own rules for vectors, flushing to zero among them ("StandardFPSCRValue"). */
static bool is_inline(const struct arm_ctx *c, unsigned size)
{
    return !c->a32 && arm_float_inline(c, size);
}

static u64 standard(const struct arm_ctx *c)
{
    return c->a32 ? ARM_F_STANDARD : 0;
}

/* In C; the unit goes on. */
static bool in_c(struct arm_ctx *c, u64 what, u32 d, u32 n, u32 m)
{
    if (!arm_fp_begin(c))
        return true;
    what |= standard(c);
    arm_call(c, ARM_HELPER_FLOAT_VECTOR,
             (ir_value[]){ir_const(c->b, what), ir_const(c->b, ARM_FREGS(d, n, m))});
    return true;
}

/* The format of a vector's lanes; false: reserved, as one lane of 64 bits is. */
static bool lanes_of(const struct arm_ctx *c, u32 fsz, u32 q, unsigned *size)
{
    return arm_float_type(c, fsz, size) && (*size < 3 || q);
}

/* As an operand of IR: lanes that the instruction does not have raise nothing that its own do not.
 */
static ir_value operand(struct arm_ctx *c, u32 n, u32 q)
{
    ir_value v = arm_v(c, n);
    return q ? v : ir_vzipl(c->b, 3, v, v);
}

static bool set(struct arm_ctx *c, u32 d, u32 q, ir_value v)
{
    return arm_set_v(c, d, q ? v : ir_vhalf(c->b, v));
}

static ir_value signs(struct arm_ctx *c, unsigned size)
{
    u64 lane = size == 1   ? UINT64_C(0x8000800080008000)
               : size == 2 ? UINT64_C(0x8000000080000000)
                           : BIT(63);
    return ir_vconst(c->b, lane, lane);
}

static unsigned aux_of(const struct arm_ctx *c, unsigned size)
{
    return arm_float_aux(c) | (size == 3 ? IR_FLOAT_WIDE : 0);
}

/* ---- Lane by lane -----------------------------------------------------------------------------
 */

static ir_value compare(struct arm_ctx *c, enum arm_fop op, unsigned size, ir_value x, ir_value y)
{
    struct ir_builder *b = c->b;
    unsigned aux = aux_of(c, size) & ~(unsigned)IR_FLOAT_ROUND;
    if (op == ARM_F_ACGE || op == ARM_F_ACGT) {
        x = ir_vandn(b, x, signs(c, size));
        y = ir_vandn(b, y, signs(c, size));
    }
    if (op >= ARM_F_CMEQ0)
        y = ir_vconst(b, 0, 0);
    switch (op) {
    case ARM_F_CMEQ:
    case ARM_F_CMEQ0: return ir_vfcmp(b, aux | IR_FLOAT_EQ, x, y);
    case ARM_F_CMGE:
    case ARM_F_ACGE:
    case ARM_F_CMGE0: return ir_vfcmp(b, aux | IR_FLOAT_LE | IR_FLOAT_SIGNAL, y, x);
    case ARM_F_CMLE0: return ir_vfcmp(b, aux | IR_FLOAT_LE | IR_FLOAT_SIGNAL, x, y);
    case ARM_F_CMLT0: return ir_vfcmp(b, aux | IR_FLOAT_LT | IR_FLOAT_SIGNAL, x, y);
    default: return ir_vfcmp(b, aux | IR_FLOAT_LT | IR_FLOAT_SIGNAL, y, x);
    }
}

static bool has_ir(enum arm_fop op)
{
    return op <= ARM_F_DIV || op == ARM_F_ABD || op == ARM_F_MADD || op == ARM_F_MSUB ||
           op == ARM_F_SQRT || (op >= ARM_F_CMEQ && op <= ARM_F_CMLT0);
}

static ir_value inline_lanes(struct arm_ctx *c, enum arm_fop op, unsigned size, ir_value n,
                             ir_value m, ir_value d)
{
    struct ir_builder *b = c->b;
    unsigned aux = aux_of(c, size);
    switch (op) {
    case ARM_F_ADD: return ir_vfadd(b, aux, n, m);
    case ARM_F_SUB: return ir_vfsub(b, aux, n, m);
    case ARM_F_MUL: return ir_vfmul(b, aux, n, m);
    case ARM_F_DIV: return ir_vfdiv(b, aux, n, m);
    case ARM_F_ABD: return ir_vandn(b, ir_vfsub(b, aux, n, m), signs(c, size));
    case ARM_F_MADD: return ir_vfmadd(b, aux, n, m, d);
    case ARM_F_MSUB: return ir_vfmadd(b, aux | IR_FLOAT_NEG_PRODUCT, n, m, d);
    case ARM_F_SQRT: return ir_vfsqrt(b, aux, n);
    default: return compare(c, op, size, n, m);
    }
}

bool arm_trans_a64_vf_three(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    unsigned size;
    if (!lanes_of(c, a->fsz, a->Q, &size))
        return false;
    if (!has_ir(a->op) || !is_inline(c, size))
        return in_c(c,
                    ARM_FWHAT(a->op, size, 0, IR_FLOAT_DYN, 0) |
                        ARM_FVECTOR(ARM_FSHAPE_LANES, a->Q, 0, 0),
                    a->Rd, a->Rn, a->Rm);
    if (!arm_fp_begin(c))
        return true;
    ir_value n = operand(c, a->Rn, a->Q), m = operand(c, a->Rm, a->Q), d = operand(c, a->Rd, a->Q);
    return set(c, a->Rd, a->Q, inline_lanes(c, a->op, size, n, m, d));
}

bool arm_trans_a64_vf_pair(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    unsigned size;
    if (!lanes_of(c, a->fsz, a->Q, &size))
        return false;
    return in_c(
        c, ARM_FWHAT(a->op, size, 0, IR_FLOAT_DYN, 0) | ARM_FVECTOR(ARM_FSHAPE_PAIR, a->Q, 0, 0),
        a->Rd, a->Rn, a->Rm);
}

/* One operand; round: enum float_round or IR_FLOAT_DYN. To and from integers of the lanes' size. */
bool arm_trans_a64_vf_two(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    unsigned size;
    if (!lanes_of(c, a->fsz, a->Q, &size))
        return false;
    if (!has_ir(a->op) || !is_inline(c, size))
        return in_c(c,
                    ARM_FWHAT(a->op, size, size, a->round, 0) |
                        ARM_FVECTOR(ARM_FSHAPE_LANES, a->Q, 0, 0),
                    a->Rd, a->Rn, a->Rn);
    if (!arm_fp_begin(c))
        return true;
    ir_value n = operand(c, a->Rn, a->Q);
    return set(c, a->Rd, a->Q, inline_lanes(c, a->op, size, n, n, n));
}

bool arm_trans_a64_vf_sign(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    unsigned size;
    if (!lanes_of(c, a->fsz, a->Q, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value n = arm_v(c, a->Rn), s = signs(c, size);
    return set(c, a->Rd, a->Q, a->op == ARM_F_ABS ? ir_vandn(c->b, n, s) : ir_vxor(c->b, n, s));
}

/* URECPE, URSQRTE: of words, no floats. */
bool arm_trans_a64_vf_estimate(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    return in_c(c,
                ARM_FWHAT(a->op, 2, 2, IR_FLOAT_DYN, 0) | ARM_FVECTOR(ARM_FSHAPE_LANES, a->Q, 0, 0),
                a->Rd, a->Rn, a->Rn);
}

/* ---- By element -------------------------------------------------------------------------------
 */

/* Rm and the lane of it; false: reserved. */
static bool element(u32 fsz, unsigned size, u32 h, u32 l, u32 m, u32 rm4, u32 *rm, unsigned *index)
{
    *rm = size == 1 ? rm4 : m << 4 | rm4;
    *index = size == 1 ? h << 2 | l << 1 | m : size == 2 ? h << 1 | l : h;
    return fsz != 1 || !l;
}

bool arm_trans_a64_vf_elem(struct arm_ctx *c, const struct arm_arg_vfelem *a)
{
    struct ir_builder *b = c->b;
    unsigned size, index;
    u32 rm;
    if (!lanes_of(c, a->fsz, a->Q, &size) ||
        !element(a->fsz, size, a->H, a->L, a->M, a->Rm4, &rm, &index))
        return false;
    if (!has_ir(a->op) || !is_inline(c, size))
        return in_c(c,
                    ARM_FWHAT(a->op, size, 0, IR_FLOAT_DYN, 0) |
                        ARM_FVECTOR(ARM_FSHAPE_ELEM, a->Q, 0, index),
                    a->Rd, a->Rn, rm);
    if (!arm_fp_begin(c))
        return true;
    ir_value m = ir_vdup(b, size, ir_vget(b, size, arm_v(c, rm), index));
    return set(c, a->Rd, a->Q,
               inline_lanes(c, a->op, size, operand(c, a->Rn, a->Q), m, operand(c, a->Rd, a->Q)));
}

bool arm_trans_a64_sf_elem(struct arm_ctx *c, const struct arm_arg_sfelem *a)
{
    unsigned size, index;
    u32 rm;
    if (!arm_float_type(c, a->fsz, &size) ||
        !element(a->fsz, size, a->H, a->L, a->M, a->Rm4, &rm, &index))
        return false;
    return in_c(
        c, ARM_FWHAT(a->op, size, 0, IR_FLOAT_DYN, 0) | ARM_FVECTOR(ARM_FSHAPE_ELEM, 0, 1, index),
        a->Rd, a->Rn, rm);
}

/* ---- One lane ---------------------------------------------------------------------------------
 */

bool arm_trans_a64_sf_three(struct arm_ctx *c, const struct arm_arg_sf3 *a)
{
    unsigned size;
    if (!arm_float_type(c, a->fsz, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_float_binary(c, a->op, size, a->Rd, a->Rn, a->Rm);
}

bool arm_trans_a64_sf_two(struct arm_ctx *c, const struct arm_arg_sf2 *a)
{
    unsigned size;
    if (!arm_float_type(c, a->fsz, &size))
        return false;
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_FWHAT(a->op, size, size, a->round, 0);
    return arm_float_set(c, a->Rd,
                         arm_float_soft(c, what, arm_float_bits(c, a->Rn, size), IR_NONE, IR_NONE));
}

/* The two lanes of a register's low end. */
bool arm_trans_a64_sf_pair(struct arm_ctx *c, const struct arm_arg_sf2 *a)
{
    unsigned size;
    if (!arm_float_type(c, a->fsz, &size))
        return false;
    return in_c(c,
                ARM_FWHAT(a->op, size, 0, IR_FLOAT_DYN, 0) | ARM_FVECTOR(ARM_FSHAPE_PAIR, 0, 1, 0),
                a->Rd, a->Rn, a->Rn);
}

bool arm_trans_a64_vf_across(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    unsigned size;
    if (!arm_float_type(c, a->fsz, &size))
        return false;
    return in_c(
        c, ARM_FWHAT(a->op, size, 0, IR_FLOAT_DYN, 0) | ARM_FVECTOR(ARM_FSHAPE_ACROSS, a->Q, 0, 0),
        a->Rd, a->Rn, a->Rn);
}

/* ---- Conversions ------------------------------------------------------------------------------
 */

/* FCVTL, FCVTN: sz 0 between half and single, 1 between single and double. Halves need no FP16
 * here. */
bool arm_trans_a64_vf_long(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    u64 what = ARM_FWHAT(ARM_F_CVT, 1 + a->fsz, 2 + a->fsz, IR_FLOAT_DYN, 0);
    return in_c(c, what | ARM_FVECTOR(ARM_FSHAPE_LONG, a->Q, 0, 0), a->Rd, a->Rn, a->Rn);
}

bool arm_trans_a64_vf_narrow(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    u64 what = ARM_FWHAT(ARM_F_CVT, 2 + a->fsz, 1 + a->fsz, a->round, 0);
    return in_c(c, what | ARM_FVECTOR(ARM_FSHAPE_NARROW, a->Q, 0, 0), a->Rd, a->Rn, a->Rn);
}

/* FCVTXN of one lane. */
bool arm_trans_a64_sf_narrow(struct arm_ctx *c, const struct arm_arg_sf2 *a)
{
    u64 what = ARM_FWHAT(ARM_F_CVT, 3, 2, a->round, 0);
    return in_c(c, what | ARM_FVECTOR(ARM_FSHAPE_NARROW, 0, 1, 0), a->Rd, a->Rn, a->Rn);
}

/* Fixed point: the leading bit of immh is the lane's size, the rest the bits of fraction. */
static bool fixed(struct arm_ctx *c, u32 immh, u32 immb, unsigned *size, unsigned *fraction)
{
    if (immh < 2)
        return false;
    *size = immh >= 8 ? 3 : immh >= 4 ? 2 : 1;
    *fraction = (16u << *size) - (immh << 3 | immb);
    return *size > 1 || arm_has(c, ARM_EXT_FP16);
}

bool arm_trans_a64_vf_fixed(struct arm_ctx *c, const struct arm_arg_vfshift *a)
{
    unsigned size, fraction;
    if (!fixed(c, a->immh, a->immb, &size, &fraction) || (size == 3 && !a->Q))
        return false;
    u64 what = ARM_FWHAT(a->op, size, size, a->round, fraction);
    return in_c(c, what | ARM_FVECTOR(ARM_FSHAPE_LANES, a->Q, 0, 0), a->Rd, a->Rn, a->Rn);
}

bool arm_trans_a64_sf_fixed(struct arm_ctx *c, const struct arm_arg_sfshift *a)
{
    unsigned size, fraction;
    if (!fixed(c, a->immh, a->immb, &size, &fraction))
        return false;
    u64 what = ARM_FWHAT(a->op, size, size, a->round, fraction);
    return in_c(c, what | ARM_FVECTOR(ARM_FSHAPE_LANES, 0, 1, 0), a->Rd, a->Rn, a->Rn);
}

/* ---- Lanes of two kinds -----------------------------------------------------------------------
 */

static bool mixed(struct arm_ctx *c, enum arm_fmixed op, unsigned size, unsigned rotation,
                  u64 vector, u32 d, u32 n, u32 m)
{
    if (!arm_fp_begin(c))
        return true;
    u64 what = ARM_FWHAT(op, size, 0, 0, rotation) | vector | standard(c);
    arm_call(c, ARM_HELPER_FLOAT_MIXED,
             (ir_value[]){ir_const(c->b, what), ir_const(c->b, ARM_FREGS(d, n, m))});
    return true;
}

bool arm_trans_a64_vf_mixed(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    return mixed(c, a->op, 2, 0, ARM_FVECTOR(ARM_FSHAPE_LANES, a->Q, 0, 0), a->Rd, a->Rn, a->Rm);
}

/* Halves (fsz 3), pairs of BFloat16 (0) or one of them (1) by element. */
bool arm_trans_a64_vf_mixed_elem(struct arm_ctx *c, const struct arm_arg_vfelem *a)
{
    u32 rm = a->fsz ? a->Rm4 : a->M << 4 | a->Rm4;
    unsigned index = a->fsz ? a->H << 2 | a->L << 1 | a->M : a->H << 1 | a->L;
    return mixed(c, a->op, 2, 0, ARM_FVECTOR(ARM_FSHAPE_ELEM, a->Q, 0, index), a->Rd, a->Rn, rm);
}

bool arm_trans_a64_vf_complex(struct arm_ctx *c, const struct arm_arg_vfcomplex *a)
{
    unsigned size;
    if (!lanes_of(c, a->fsz, a->Q, &size))
        return false;
    return mixed(c, a->op, size, a->rot, ARM_FVECTOR(ARM_FSHAPE_LANES, a->Q, 0, 0), a->Rd, a->Rn,
                 a->Rm);
}

/* The index counts pairs: H:L of halves, H of singles. */
bool arm_trans_a64_vf_complex_elem(struct arm_ctx *c, const struct arm_arg_vfcomplexe *a)
{
    unsigned size, index = a->fsz ? a->H << 1 | a->L : a->H;
    if (!lanes_of(c, a->fsz, a->Q, &size) || (size == 1 ? a->H && !a->Q : a->L || !a->Q))
        return false;
    return mixed(c, ARM_FX_CMLA, size, a->rot, ARM_FVECTOR(ARM_FSHAPE_ELEM, a->Q, 0, index), a->Rd,
                 a->Rn, a->M << 4 | a->Rm4);
}
