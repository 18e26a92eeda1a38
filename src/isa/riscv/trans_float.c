/*
 * trans_float.c - F, D, Zfh, Zfhmin, Zfa.
 *
 * An f register is an F64 slot. A single in it is NaN-boxed (upper half all ones); what is not
 * boxed reads as the default NaN ("NaN Boxing of Narrower Values"). Half precision has no IR type
 * yet: its values are I64 of 16 bits, and arithmetic on them goes to exact helpers
 * (helper_float.c).
 *
 * riscv_float_begin() opens each instruction: FS is tested once a unit, and after a write of sstatus again.
 */
#include "isa/riscv/trans.h"
#include "isa/riscv_decode.h"

enum { HALF_NAN = 0x7e00 };
#define HALF_BOX UINT64_C(0xffffffffffff0000)
#define WORD_BOX UINT64_C(0xffffffff00000000)

/* The rounding of an instruction's rm field as aux of IR operations. False: a reserved mode, in rm
 * or in frm. */
static bool rounding(const struct riscv_ctx *c, u32 rm, unsigned *aux)
{
    if (rm == 7) {
        *aux = c->frm_class == RISCV_FRM_RMM ? FLOAT_RMM : IR_FLOAT_DYN;
        return c->frm_class != RISCV_FRM_INVALID;
    }
    *aux = rm;
    return rm <= FLOAT_RMM;
}

/* -- Registers --------------------------------------------------------------------------------- */

static ir_value f_bits(struct riscv_ctx *c, u32 r)
{
    return ir_bitcast(c->b, IR_I64, ir_get(c->b, riscv_slot_f(r)));
}

static void set_f_bits(struct riscv_ctx *c, u32 r, ir_value v)
{
    ir_put(c->b, riscv_slot_f(r), ir_bitcast(c->b, IR_F64, v));
}

/* The value of an f register: F32, F64, or I64 with the 16 bits of a half. */
static ir_value get_f(struct riscv_ctx *c, u32 r, u32 fmt)
{
    ir_value v = ir_get(c->b, riscv_slot_f(r));
    if (fmt == RISCV_FMT_D)
        return v;
    if (fmt == RISCV_FMT_S)
        return ir_unbox(c->b, v);
    ir_value bits = ir_bitcast(c->b, IR_I64, v);
    ir_value boxed = ir_cmp(c->b, IR_GEU, bits, ir_const(c->b, HALF_BOX));
    return ir_select(c->b, boxed, ir_zext(c->b, bits, 16, IR_I64), ir_const(c->b, HALF_NAN));
}

static bool set_f(struct riscv_ctx *c, u32 r, u32 fmt, ir_value v)
{
    if (fmt == RISCV_FMT_D)
        ir_put(c->b, riscv_slot_f(r), v);
    else if (fmt == RISCV_FMT_S)
        ir_put(c->b, riscv_slot_f(r), ir_nanbox(c->b, v));
    else
        set_f_bits(c, r, ir_or(c->b, v, ir_const(c->b, HALF_BOX)));
    return true;
}

/* A value of any format as I64 bits, and back: how helpers take and give them. */
static ir_value to_bits(struct riscv_ctx *c, ir_value v, u32 fmt)
{
    if (fmt == RISCV_FMT_S)
        return ir_zext(c->b, ir_bitcast(c->b, IR_I32, v), 32, IR_I64);
    return fmt == RISCV_FMT_D ? ir_bitcast(c->b, IR_I64, v) : v;
}

static ir_value from_bits(struct riscv_ctx *c, ir_value v, u32 fmt)
{
    if (fmt == RISCV_FMT_S)
        return ir_bitcast(c->b, IR_F32, ir_trunc(c->b, v));
    return fmt == RISCV_FMT_D ? ir_bitcast(c->b, IR_F64, v) : v;
}

/* Calls the exact path: op (enum riscv_float_op) on the bits of x, y, z in format fmt with rounding
 * aux. */
static ir_value soft(struct riscv_ctx *c, enum riscv_float_op op, u32 fmt, unsigned aux, ir_value x,
                     ir_value y, ir_value z)
{
    ir_value what = ir_const(c->b, RISCV_FLOAT_CALL(op, fmt, aux & IR_FLOAT_ROUND));
    const ir_value args[] = {what, x, y, z};
    return riscv_call(c, RISCV_HELPER_FLOAT, args);
}

/* -- Loads, stores, moves ---------------------------------------------------------------------- */

bool riscv_trans_fload(struct riscv_ctx *c, const struct riscv_arg_fload *a)
{
    riscv_float_begin(c);
    struct riscv_place p = riscv_place(c, a->rs1, a->imm);
    enum ir_type type = a->fmt == RISCV_FMT_D ? IR_F64 : a->fmt == RISCV_FMT_S ? IR_F32 : IR_I64;
    return set_f(c, a->fd, a->fmt, ir_load(c->b, type, riscv_fmt_size(a->fmt), p.base, p.offset));
}

/* Stores and moves to x take the register's low bits, boxed or not. */
bool riscv_trans_fstore(struct riscv_ctx *c, const struct riscv_arg_fstore *a)
{
    riscv_float_begin(c);
    struct riscv_place p = riscv_place(c, a->rs1, a->imm);
    ir_value v = a->fmt == RISCV_FMT_D ? ir_get(c->b, riscv_slot_f(a->fs2)) : f_bits(c, a->fs2);
    ir_store(c->b, riscv_fmt_size(a->fmt), p.base, p.offset, v);
    return true;
}

bool riscv_trans_fmv_x(struct riscv_ctx *c, const struct riscv_arg_fmvx *a)
{
    riscv_float_begin(c);
    ir_value v = f_bits(c, a->fs1);
    if (a->fmt != RISCV_FMT_D)
        v = ir_sext(c->b, v, a->fmt == RISCV_FMT_S ? 32 : 16, IR_I64);
    return riscv_set_x(c, a->rd, v);
}

bool riscv_trans_fmv_f(struct riscv_ctx *c, const struct riscv_arg_fmvf *a)
{
    riscv_float_begin(c);
    ir_value v = riscv_x(c, a->rs1);
    if (a->fmt != RISCV_FMT_D)
        v = ir_or(c->b, v, ir_const(c->b, a->fmt == RISCV_FMT_S ? WORD_BOX : HALF_BOX));
    set_f_bits(c, a->fd, v);
    return true;
}

bool riscv_trans_fmvh_x_d(struct riscv_ctx *c, const struct riscv_arg_fmvh *a)
{
    riscv_float_begin(c);
    return riscv_set_x(c, a->rd, ir_sari(c->b, f_bits(c, a->fs1), 32));
}

bool riscv_trans_fmvp_d_x(struct riscv_ctx *c, const struct riscv_arg_fmvp *a)
{
    riscv_float_begin(c);
    ir_value low = ir_zext(c->b, riscv_x(c, a->rs1), 32, IR_I64);
    set_f_bits(c, a->fd, ir_or(c->b, low, ir_shli(c->b, riscv_x(c, a->rs2), 32)));
    return true;
}

/* -- Arithmetic -------------------------------------------------------------------------------- */

typedef ir_value float_binary_fn(struct ir_builder *b, unsigned aux, ir_value x, ir_value y);

static bool arithmetic(struct riscv_ctx *c, const struct riscv_arg_fr *a, float_binary_fn *op,
                       enum riscv_float_op half)
{
    unsigned aux;
    if (!rounding(c, a->rm, &aux))
        return false;
    riscv_float_begin(c);
    ir_value x = get_f(c, a->fs1, a->fmt), y = get_f(c, a->fs2, a->fmt);
    ir_value v = a->fmt == RISCV_FMT_H ? soft(c, half, a->fmt, aux, x, y, ir_const(c->b, 0))
                                       : op(c->b, aux, x, y);
    return set_f(c, a->fd, a->fmt, v);
}

bool riscv_trans_fadd(struct riscv_ctx *c, const struct riscv_arg_fr *a)
{
    return arithmetic(c, a, ir_fadd, RISCV_FLOAT_ADD);
}

bool riscv_trans_fsub(struct riscv_ctx *c, const struct riscv_arg_fr *a)
{
    return arithmetic(c, a, ir_fsub, RISCV_FLOAT_SUB);
}

bool riscv_trans_fmul(struct riscv_ctx *c, const struct riscv_arg_fr *a)
{
    return arithmetic(c, a, ir_fmul, RISCV_FLOAT_MUL);
}

bool riscv_trans_fdiv(struct riscv_ctx *c, const struct riscv_arg_fr *a)
{
    return arithmetic(c, a, ir_fdiv, RISCV_FLOAT_DIV);
}

bool riscv_trans_fsqrt(struct riscv_ctx *c, const struct riscv_arg_fr1 *a)
{
    unsigned aux;
    if (!rounding(c, a->rm, &aux))
        return false;
    riscv_float_begin(c);
    ir_value x = get_f(c, a->fs1, a->fmt), zero = ir_const(c->b, 0);
    ir_value v = a->fmt == RISCV_FMT_H ? soft(c, RISCV_FLOAT_SQRT, a->fmt, aux, x, zero, zero)
                                       : ir_fsqrt(c->b, aux, x);
    return set_f(c, a->fd, a->fmt, v);
}

bool riscv_trans_fmadd(struct riscv_ctx *c, const struct riscv_arg_fr4 *a)
{
    unsigned aux;
    if (!rounding(c, a->rm, &aux))
        return false;
    riscv_float_begin(c);
    ir_value x = get_f(c, a->fs1, a->fmt), y = get_f(c, a->fs2, a->fmt),
             z = get_f(c, a->fs3, a->fmt);
    if (a->fmt != RISCV_FMT_H)
        return set_f(c, a->fd, a->fmt, ir_fmadd(c->b, aux | a->neg, x, y, z));
    ir_value sign = ir_const(c->b, 0x8000);
    if (a->neg & IR_FLOAT_NEG_PRODUCT)
        x = ir_xor(c->b, x, sign);
    if (a->neg & IR_FLOAT_NEG_ADDEND)
        z = ir_xor(c->b, z, sign);
    return set_f(c, a->fd, a->fmt, soft(c, RISCV_FLOAT_MADD, a->fmt, aux, x, y, z));
}

static bool min_max(struct riscv_ctx *c, const struct riscv_arg_fr2 *a, float_binary_fn *op,
                    enum riscv_float_op exact)
{
    riscv_float_begin(c);
    ir_value x = get_f(c, a->fs1, a->fmt), y = get_f(c, a->fs2, a->fmt);
    if (op && a->fmt != RISCV_FMT_H)
        return set_f(c, a->fd, a->fmt, op(c->b, FLOAT_RNE, x, y));
    ir_value v = soft(c, exact, a->fmt, FLOAT_RNE, to_bits(c, x, a->fmt), to_bits(c, y, a->fmt),
                      ir_const(c->b, 0));
    return set_f(c, a->fd, a->fmt, from_bits(c, v, a->fmt));
}

bool riscv_trans_fmin(struct riscv_ctx *c, const struct riscv_arg_fr2 *a)
{
    return min_max(c, a, ir_fmin, RISCV_FLOAT_MIN);
}

bool riscv_trans_fmax(struct riscv_ctx *c, const struct riscv_arg_fr2 *a)
{
    return min_max(c, a, ir_fmax, RISCV_FLOAT_MAX);
}

bool riscv_trans_fminm(struct riscv_ctx *c, const struct riscv_arg_fr2 *a)
{
    return min_max(c, a, NULL, RISCV_FLOAT_MINM);
}

bool riscv_trans_fmaxm(struct riscv_ctx *c, const struct riscv_arg_fr2 *a)
{
    return min_max(c, a, NULL, RISCV_FLOAT_MAXM);
}

static bool round_int(struct riscv_ctx *c, const struct riscv_arg_fr1 *a, enum riscv_float_op op)
{
    unsigned aux;
    if (!rounding(c, a->rm, &aux))
        return false;
    riscv_float_begin(c);
    ir_value zero = ir_const(c->b, 0);
    ir_value v = soft(c, op, a->fmt, aux, to_bits(c, get_f(c, a->fs1, a->fmt), a->fmt), zero, zero);
    return set_f(c, a->fd, a->fmt, from_bits(c, v, a->fmt));
}

bool riscv_trans_fround(struct riscv_ctx *c, const struct riscv_arg_fr1 *a)
{
    return round_int(c, a, RISCV_FLOAT_ROUND);
}

bool riscv_trans_froundnx(struct riscv_ctx *c, const struct riscv_arg_fr1 *a)
{
    return round_int(c, a, RISCV_FLOAT_ROUNDNX);
}

/* -- Signs ------------------------------------------------------------------------------------- */

/* A half by integer operations: `flip` is the sign to use, already masked. */
static ir_value half_sign(struct riscv_ctx *c, enum ir_opcode op, ir_value x, ir_value y)
{
    ir_value sign = ir_andi(c->b, y, 0x8000);
    if (op == IR_FSGNJX)
        return ir_xor(c->b, x, sign);
    if (op == IR_FSGNJN)
        sign = ir_xor(c->b, sign, ir_const(c->b, 0x8000));
    return ir_or(c->b, ir_andi(c->b, x, 0x7fff), sign);
}

static bool inject(struct riscv_ctx *c, const struct riscv_arg_fr2 *a, enum ir_opcode op)
{
    riscv_float_begin(c);
    ir_value x = get_f(c, a->fs1, a->fmt), y = get_f(c, a->fs2, a->fmt);
    ir_value v = a->fmt == RISCV_FMT_H ? half_sign(c, op, x, y) : ir_fsgnj(c->b, op, x, y);
    return set_f(c, a->fd, a->fmt, v);
}

bool riscv_trans_fsgnj(struct riscv_ctx *c, const struct riscv_arg_fr2 *a)
{
    return inject(c, a, IR_FSGNJ);
}

bool riscv_trans_fsgnjn(struct riscv_ctx *c, const struct riscv_arg_fr2 *a)
{
    return inject(c, a, IR_FSGNJN);
}

bool riscv_trans_fsgnjx(struct riscv_ctx *c, const struct riscv_arg_fr2 *a)
{
    return inject(c, a, IR_FSGNJX);
}

/* -- Comparisons, classification --------------------------------------------------------------- */

static bool compare(struct riscv_ctx *c, const struct riscv_arg_fcmp *a, unsigned aux,
                    enum riscv_float_op half)
{
    riscv_float_begin(c);
    ir_value x = get_f(c, a->fs1, a->fmt), y = get_f(c, a->fs2, a->fmt);
    ir_value v = a->fmt == RISCV_FMT_H ? soft(c, half, a->fmt, 0, x, y, ir_const(c->b, 0))
                                       : ir_fcmp(c->b, aux, x, y);
    return riscv_set_x(c, a->rd, v);
}

bool riscv_trans_feq(struct riscv_ctx *c, const struct riscv_arg_fcmp *a)
{
    return compare(c, a, IR_FLOAT_EQ, RISCV_FLOAT_EQ);
}

bool riscv_trans_flt(struct riscv_ctx *c, const struct riscv_arg_fcmp *a)
{
    return compare(c, a, IR_FLOAT_LT | IR_FLOAT_SIGNAL, RISCV_FLOAT_LT);
}

bool riscv_trans_fle(struct riscv_ctx *c, const struct riscv_arg_fcmp *a)
{
    return compare(c, a, IR_FLOAT_LE | IR_FLOAT_SIGNAL, RISCV_FLOAT_LE);
}

bool riscv_trans_fltq(struct riscv_ctx *c, const struct riscv_arg_fcmp *a)
{
    return compare(c, a, IR_FLOAT_LT, RISCV_FLOAT_LTQ);
}

bool riscv_trans_fleq(struct riscv_ctx *c, const struct riscv_arg_fcmp *a)
{
    return compare(c, a, IR_FLOAT_LE, RISCV_FLOAT_LEQ);
}

bool riscv_trans_fclass(struct riscv_ctx *c, const struct riscv_arg_fclass *a)
{
    riscv_float_begin(c);
    ir_value x = to_bits(c, get_f(c, a->fs1, a->fmt), a->fmt);
    return riscv_set_x(
        c, a->rd, ir_call2(c->b, &riscv_helpers[RISCV_HELPER_FCLASS], x, ir_const(c->b, a->fmt)));
}

/* -- Conversions ------------------------------------------------------------------------------- */

/* Between formats. Through a half: soft() with the wider format's name in op. */
bool riscv_trans_fcvt(struct riscv_ctx *c, const struct riscv_arg_fcvt *a)
{
    unsigned aux;
    if (!rounding(c, a->rm, &aux))
        return false;
    riscv_float_begin(c);
    ir_value x = get_f(c, a->fs1, a->from);
    if (a->fmt != RISCV_FMT_H && a->from != RISCV_FMT_H) {
        enum ir_type to = a->fmt == RISCV_FMT_D ? IR_F64 : IR_F32;
        return set_f(c, a->fd, a->fmt, ir_fcvt(c->b, aux, to, x));
    }
    enum riscv_float_op op = a->from == RISCV_FMT_H ? RISCV_FLOAT_FROM_HALF : RISCV_FLOAT_TO_HALF;
    u32 wide = a->from == RISCV_FMT_H ? a->fmt : a->from;
    ir_value zero = ir_const(c->b, 0);
    ir_value v = soft(c, op, wide, aux, to_bits(c, x, a->from), zero, zero);
    return set_f(c, a->fd, a->fmt, from_bits(c, v, a->fmt));
}

static bool is_long(u32 type)
{
    return type == RISCV_INT_L || type == RISCV_INT_LU;
}

static bool is_unsigned(u32 type)
{
    return type == RISCV_INT_WU || type == RISCV_INT_LU;
}

/* 32-bit results are sign-extended, the unsigned too. */
bool riscv_trans_ftoi(struct riscv_ctx *c, const struct riscv_arg_ftoi *a)
{
    unsigned aux;
    if (!rounding(c, a->rm, &aux))
        return false;
    riscv_float_begin(c);
    ir_value x = get_f(c, a->fs1, a->fmt);
    if (a->fmt == RISCV_FMT_H) {
        ir_value zero = ir_const(c->b, 0);
        return riscv_set_x(c, a->rd,
                           soft(c, RISCV_FLOAT_TO_INT + a->type, a->fmt, aux, x, zero, zero));
    }
    aux |= is_unsigned(a->type) ? IR_FLOAT_UNSIGNED : 0;
    ir_value v = ir_ftoi(c->b, aux, is_long(a->type) ? IR_I64 : IR_I32, x);
    return riscv_set_x(c, a->rd, is_long(a->type) ? v : ir_sext(c->b, v, 32, IR_I64));
}

bool riscv_trans_itof(struct riscv_ctx *c, const struct riscv_arg_itof *a)
{
    unsigned aux;
    if (!rounding(c, a->rm, &aux))
        return false;
    riscv_float_begin(c);
    ir_value x = riscv_x(c, a->rs1);
    if (a->fmt == RISCV_FMT_H) {
        ir_value zero = ir_const(c->b, 0);
        return set_f(c, a->fd, a->fmt,
                     soft(c, RISCV_FLOAT_FROM_INT + a->type, a->fmt, aux, x, zero, zero));
    }
    aux |= is_unsigned(a->type) ? IR_FLOAT_UNSIGNED : 0;
    x = is_long(a->type) ? x : ir_trunc(c->b, x);
    return set_f(c, a->fd, a->fmt, ir_itof(c->b, aux, a->fmt == RISCV_FMT_D ? IR_F64 : IR_F32, x));
}

bool riscv_trans_fcvtmod_w_d(struct riscv_ctx *c, const struct riscv_arg_fcvtmod *a)
{
    riscv_float_begin(c);
    ir_value zero = ir_const(c->b, 0);
    ir_value v =
        soft(c, RISCV_FLOAT_TO_INT_MOD, RISCV_FMT_D, FLOAT_RTZ, f_bits(c, a->fs1), zero, zero);
    return riscv_set_x(c, a->rd, v);
}

/* -- Zfa: constants ---------------------------------------------------------------------------- */

/* Table "Immediate values loaded by the FLI instructions", as doubles' bits; 1 is the smallest
 * normal of the format. */
static const u64 fli_double[32] = {
    /* -1, min, 2^-16, 2^-15, 2^-8, 2^-7, 1/16, 1/8 */
    0xbff0000000000000, 1, 0x3ef0000000000000, 0x3f00000000000000,
    0x3f70000000000000, 0x3f80000000000000, 0x3fb0000000000000, 0x3fc0000000000000,
    /* 0.25 0.3125 0.375 0.4375 0.5 0.625 0.75 0.875 */
    0x3fd0000000000000, 0x3fd4000000000000, 0x3fd8000000000000, 0x3fdc000000000000,
    0x3fe0000000000000, 0x3fe4000000000000, 0x3fe8000000000000, 0x3fec000000000000,
    /* 1 1.25 1.5 1.75 2 2.5 3 4 */
    0x3ff0000000000000, 0x3ff4000000000000, 0x3ff8000000000000, 0x3ffc000000000000,
    0x4000000000000000, 0x4004000000000000, 0x4008000000000000, 0x4010000000000000,
    /* 8 16 128 256 2^15 2^16 inf NaN */
    0x4020000000000000, 0x4030000000000000, 0x4060000000000000, 0x4070000000000000,
    0x40e0000000000000, 0x40f0000000000000, 0x7ff0000000000000, 0x7ff8000000000000,
};

u64 riscv_fli_bits(u32 n, u32 fmt)
{
    static const u64 smallest[] = {0x00800000, 0x0010000000000000, 0x0400};
    struct float_env env = float_env_riscv(FLOAT_RNE);
    if (n == 1)
        return smallest[fmt];
    if (fmt == RISCV_FMT_D)
        return fli_double[n];
    return fmt == RISCV_FMT_S ? f64_to_f32(fli_double[n], &env) : f64_to_f16(fli_double[n], &env);
}

bool riscv_trans_fli(struct riscv_ctx *c, const struct riscv_arg_fli *a)
{
    static const u64 box[] = {WORD_BOX, 0, HALF_BOX};
    riscv_float_begin(c);
    set_f_bits(c, a->fd, ir_const(c->b, riscv_fli_bits(a->fli, a->fmt) | box[a->fmt]));
    return true;
}
