/*
 * trans_bits.c - bit manipulation: Zba, Zbb, Zbc, Zbs.
 *
 * Each operation is written once on IR values of either width; riscv_binary() and its kin (trans.h)
 * apply it at XLEN, or at 32 bits for the "W" forms and RV32.
 */
#include "isa/riscv/trans.h"
#include "isa/riscv_decode.h"

/* A constant of the width of x. */
static ir_value same_width(struct ir_builder *b, ir_value x, u64 v)
{
    return ir_type_of(b, x) == IR_I32 ? ir_const32(b, (u32)v) : ir_const(b, v);
}

/* -- Zba: address generation ------------------------------------------------------------------- */

static ir_value shift1_add(struct ir_builder *b, ir_value x, ir_value y)
{
    return ir_add(b, ir_shli(b, x, 1), y);
}

static ir_value shift2_add(struct ir_builder *b, ir_value x, ir_value y)
{
    return ir_add(b, ir_shli(b, x, 2), y);
}

static ir_value shift3_add(struct ir_builder *b, ir_value x, ir_value y)
{
    return ir_add(b, ir_shli(b, x, 3), y);
}

bool riscv_trans_sh1add(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, shift1_add);
}

bool riscv_trans_sh2add(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, shift2_add);
}

bool riscv_trans_sh3add(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, shift3_add);
}

/* rd = op(zero-extended word of rs1, rs2) */
static bool binary_uw(struct riscv_ctx *c, const struct riscv_arg_r *a, riscv_binary_fn *op)
{
    ir_value word = ir_zext(c->b, riscv_x(c, a->rs1), 32, IR_I64);
    return riscv_set_x(c, a->rd, op(c->b, word, riscv_x(c, a->rs2)));
}

bool riscv_trans_add_uw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return binary_uw(c, a, ir_add);
}

bool riscv_trans_sh1add_uw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return binary_uw(c, a, shift1_add);
}

bool riscv_trans_sh2add_uw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return binary_uw(c, a, shift2_add);
}

bool riscv_trans_sh3add_uw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return binary_uw(c, a, shift3_add);
}

bool riscv_trans_slli_uw(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    ir_value word = ir_zext(c->b, riscv_x(c, a->rs1), 32, IR_I64);
    return riscv_set_x(c, a->rd, ir_shli(c->b, word, a->shamt));
}

/* -- Zbb: logic with negate, counts, extensions, minimum and maximum, rotates, bytes ----------- */

static ir_value and_not(struct ir_builder *b, ir_value x, ir_value y)
{
    return ir_and(b, x, ir_not(b, y));
}

static ir_value or_not(struct ir_builder *b, ir_value x, ir_value y)
{
    return ir_or(b, x, ir_not(b, y));
}

static ir_value xor_not(struct ir_builder *b, ir_value x, ir_value y)
{
    return ir_not(b, ir_xor(b, x, y));
}

/* Logic keeps the sign extension of RV32's registers: one width serves. */
static bool logic(struct riscv_ctx *c, const struct riscv_arg_r *a, riscv_binary_fn *op)
{
    return riscv_set_x(c, a->rd, op(c->b, riscv_x(c, a->rs1), riscv_x(c, a->rs2)));
}

bool riscv_trans_andn(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return logic(c, a, and_not);
}

bool riscv_trans_orn(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return logic(c, a, or_not);
}

bool riscv_trans_xnor(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return logic(c, a, xor_not);
}

bool riscv_trans_clz(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_unary(c, a, ir_clz);
}

bool riscv_trans_ctz(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_unary(c, a, ir_ctz);
}

bool riscv_trans_cpop(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_unary(c, a, ir_popcnt);
}

bool riscv_trans_clzw(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_unary_w(c, a, ir_clz);
}

bool riscv_trans_ctzw(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_unary_w(c, a, ir_ctz);
}

bool riscv_trans_cpopw(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_unary_w(c, a, ir_popcnt);
}

bool riscv_trans_sext_b(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_set_x(c, a->rd, ir_sext(c->b, riscv_x(c, a->rs1), 8, IR_I64));
}

bool riscv_trans_sext_h(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_set_x(c, a->rd, ir_sext(c->b, riscv_x(c, a->rs1), 16, IR_I64));
}

bool riscv_trans_zext_h(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_set_x(c, a->rd, ir_zext(c->b, riscv_x(c, a->rs1), 16, IR_I64));
}

static bool choose(struct riscv_ctx *c, const struct riscv_arg_r *a, enum ir_cond first)
{
    ir_value x = riscv_x(c, a->rs1), y = riscv_x(c, a->rs2);
    return riscv_set_x(c, a->rd, ir_select(c->b, ir_cmp(c->b, first, x, y), x, y));
}

bool riscv_trans_min(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return choose(c, a, IR_LT);
}

bool riscv_trans_minu(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return choose(c, a, IR_LTU);
}

bool riscv_trans_max(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return choose(c, a, IR_GT);
}

bool riscv_trans_maxu(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return choose(c, a, IR_GTU);
}

bool riscv_trans_rol(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_rotl);
}

bool riscv_trans_ror(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_rotr);
}

bool riscv_trans_rori(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift(c, a, ir_rotr);
}

bool riscv_trans_rolw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_rotl);
}

bool riscv_trans_rorw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_rotr);
}

bool riscv_trans_roriw(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift_w(c, a, ir_rotr);
}

bool riscv_trans_rev8(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_unary(c, a, ir_bswap);
}

/* Bytes that are not 0 become 255: bit 7 of ((x & 0x7f) + 0x7f) | x says so, in each byte without
 * carries between them. */
static ir_value or_combine(struct ir_builder *b, ir_value x)
{
    ir_value low = same_width(b, x, UINT64_C(0x7f7f7f7f7f7f7f7f));
    ir_value any = ir_or(b, ir_add(b, ir_and(b, x, low), low), x);
    ir_value ones = ir_and(b, ir_shri(b, any, 7), same_width(b, x, UINT64_C(0x0101010101010101)));
    return ir_sub(b, ir_shli(b, ones, 8), ones);
}

bool riscv_trans_orc_b(struct riscv_ctx *c, const struct riscv_arg_r1 *a)
{
    return riscv_unary(c, a, or_combine);
}

/* -- Zbc: carry-less multiplication ------------------------------------------------------------ */

/* With XLEN=32 the whole product is in the low half of the 64-bit operation. */
static ir_value clmul_word(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    ir_value x = ir_zext(c->b, riscv_x(c, a->rs1), 32, IR_I64);
    return ir_clmul(c->b, x, ir_zext(c->b, riscv_x(c, a->rs2), 32, IR_I64));
}

bool riscv_trans_clmul(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_set_xlen(c, a->rd, ir_clmul(c->b, riscv_x(c, a->rs1), riscv_x(c, a->rs2)));
}

bool riscv_trans_clmulh(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    if (c->rv32)
        return riscv_set_xlen(c, a->rd, ir_shri(c->b, clmul_word(c, a), 32));
    return riscv_set_x(c, a->rd, ir_clmulh(c->b, riscv_x(c, a->rs1), riscv_x(c, a->rs2)));
}

bool riscv_trans_clmulr(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    if (c->rv32)
        return riscv_set_xlen(c, a->rd, ir_shri(c->b, clmul_word(c, a), 31));
    ir_value x = riscv_x(c, a->rs1), y = riscv_x(c, a->rs2);
    ir_value top = ir_shri(c->b, ir_clmul(c->b, x, y), 63);
    return riscv_set_x(c, a->rd, ir_or(c->b, ir_shli(c->b, ir_clmulh(c->b, x, y), 1), top));
}

/* -- Zbs: single bits -------------------------------------------------------------------------- */

static ir_value bit_clear(struct ir_builder *b, ir_value x, ir_value n)
{
    return and_not(b, x, ir_shl(b, same_width(b, x, 1), n));
}

static ir_value bit_extract(struct ir_builder *b, ir_value x, ir_value n)
{
    return ir_andi(b, ir_shr(b, x, n), 1);
}

static ir_value bit_invert(struct ir_builder *b, ir_value x, ir_value n)
{
    return ir_xor(b, x, ir_shl(b, same_width(b, x, 1), n));
}

static ir_value bit_set(struct ir_builder *b, ir_value x, ir_value n)
{
    return ir_or(b, x, ir_shl(b, same_width(b, x, 1), n));
}

bool riscv_trans_bclr(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, bit_clear);
}

bool riscv_trans_bext(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, bit_extract);
}

bool riscv_trans_binv(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, bit_invert);
}

bool riscv_trans_bset(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, bit_set);
}

bool riscv_trans_bclri(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift(c, a, bit_clear);
}

bool riscv_trans_bexti(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift(c, a, bit_extract);
}

bool riscv_trans_binvi(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift(c, a, bit_invert);
}

bool riscv_trans_bseti(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift(c, a, bit_set);
}
