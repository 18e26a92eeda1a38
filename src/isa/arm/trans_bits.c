/*
 * trans_bits.c - A64: bit fields, shifts by registers, reversal and counting, products, quotients,
 * CRC32.
 */
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

static ir_value constant(struct arm_ctx *c, u32 sf, u64 v)
{
    return sf ? ir_const(c->b, v) : ir_const32(c->b, (u32)v);
}

static unsigned width(u32 sf)
{
    return sf ? 64 : 32;
}

/* ---- Bit fields: imms >= immr takes bits imms..immr down to 0; else bits imms..0 go up to the
 * width - immr ---- */

static bool field_exists(const struct arm_arg_bitfield *a)
{
    return a->N == a->sf && (a->sf || !((a->immr | a->imms) & 32));
}

struct field {
    unsigned from, to, length;
};

static struct field field_of(const struct arm_arg_bitfield *a)
{
    if (a->imms >= a->immr)
        return (struct field){a->immr, 0, a->imms - a->immr + 1};
    return (struct field){0, width(a->sf) - a->immr, a->imms + 1};
}

bool arm_trans_a64_ubfm(struct arm_ctx *c, const struct arm_arg_bitfield *a)
{
    if (!field_exists(a))
        return false;
    struct field f = field_of(a);
    ir_value v = ir_shri(c->b, arm_reg(c, a->sf, a->Rn), f.from);
    if (f.from + f.length < width(a->sf) && f.to + f.length < width(a->sf))
        v = ir_andi(c->b, v, BITS(f.length - 1, 0));
    return arm_set_reg(c, a->sf, a->Rd, ir_shli(c->b, v, f.to));
}

bool arm_trans_a64_sbfm(struct arm_ctx *c, const struct arm_arg_bitfield *a)
{
    if (!field_exists(a))
        return false;
    struct field f = field_of(a);
    unsigned up = width(a->sf) - f.from - f.length, down = width(a->sf) - f.to - f.length;
    ir_value v = f.to ? ir_shli(c->b, arm_reg(c, a->sf, a->Rn), width(a->sf) - f.length)
                      : ir_shli(c->b, arm_reg(c, a->sf, a->Rn), up);
    return arm_set_reg(c, a->sf, a->Rd, ir_sari(c->b, v, down));
}

bool arm_trans_a64_bfm(struct arm_ctx *c, const struct arm_arg_bitfield *a)
{
    if (!field_exists(a))
        return false;
    struct field f = field_of(a);
    u64 mask = BITS(f.length - 1, 0);
    ir_value v = ir_andi(c->b, ir_shri(c->b, arm_reg(c, a->sf, a->Rn), f.from), mask);
    ir_value kept = ir_andi(c->b, arm_reg(c, a->sf, a->Rd), ~(mask << f.to));
    return arm_set_reg(c, a->sf, a->Rd, ir_or(c->b, kept, ir_shli(c->b, v, f.to)));
}

bool arm_trans_a64_extr(struct arm_ctx *c, const struct arm_arg_extr *a)
{
    if (a->N != a->sf || (!a->sf && a->imms & 32))
        return false;
    ir_value high = arm_reg(c, a->sf, a->Rn), low = arm_reg(c, a->sf, a->Rm);
    if (a->imms == 0)
        return arm_set_reg(c, a->sf, a->Rd, low);
    if (a->Rn == a->Rm)
        return arm_set_reg(c, a->sf, a->Rd, ir_rotr(c->b, low, constant(c, a->sf, a->imms)));
    ir_value v =
        ir_or(c->b, ir_shri(c->b, low, a->imms), ir_shli(c->b, high, width(a->sf) - a->imms));
    return arm_set_reg(c, a->sf, a->Rd, v);
}

/* The IR's shifts take the count modulo the width, as these do. */
bool arm_trans_a64_shift_reg(struct arm_ctx *c, const struct arm_arg_shv *a)
{
    ir_value x = arm_reg(c, a->sf, a->Rn), n = arm_reg(c, a->sf, a->Rm);
    ir_value v = a->op == IR_SHL   ? ir_shl(c->b, x, n)
                 : a->op == IR_SHR ? ir_shr(c->b, x, n)
                 : a->op == IR_SAR ? ir_sar(c->b, x, n)
                                   : ir_rotr(c->b, x, n);
    return arm_set_reg(c, a->sf, a->Rd, v);
}

/* ---- One operand ---- */

/* Neighbouring groups of n bits change places. */
static ir_value swap_groups(struct arm_ctx *c, u32 sf, ir_value v, unsigned n, u64 low)
{
    ir_value down = ir_andi(c->b, ir_shri(c->b, v, n), sf ? low : (u32)low);
    ir_value up = ir_shli(c->b, ir_andi(c->b, v, sf ? low : (u32)low), n);
    return ir_or(c->b, down, up);
}

bool arm_trans_a64_rbit(struct arm_ctx *c, const struct arm_arg_r2 *a)
{
    ir_value v = ir_bswap(c->b, arm_reg(c, a->sf, a->Rn));
    v = swap_groups(c, a->sf, v, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    v = swap_groups(c, a->sf, v, 2, UINT64_C(0x3333333333333333));
    return arm_set_reg(c, a->sf, a->Rd, swap_groups(c, a->sf, v, 1, UINT64_C(0x5555555555555555)));
}

/* size: log2 of the bytes of each group. */
bool arm_trans_a64_rev(struct arm_ctx *c, const struct arm_arg_rev *a)
{
    ir_value v = arm_reg(c, a->sf, a->Rn);
    if (a->size == 1)
        v = swap_groups(c, a->sf, v, 8, UINT64_C(0x00ff00ff00ff00ff));
    else
        v = ir_bswap(c->b, v);
    if (a->size == 2 && a->sf)
        v = ir_rotr(c->b, v, ir_const(c->b, 32));
    return arm_set_reg(c, a->sf, a->Rd, v);
}

bool arm_trans_a64_clz(struct arm_ctx *c, const struct arm_arg_r2 *a)
{
    return arm_set_reg(c, a->sf, a->Rd, ir_clz(c->b, arm_reg(c, a->sf, a->Rn)));
}

/* Bits that equal the one below the sign: ones where neighbours differ. */
bool arm_trans_a64_cls(struct arm_ctx *c, const struct arm_arg_r2 *a)
{
    ir_value x = arm_reg(c, a->sf, a->Rn);
    ir_value v = ir_clz(c->b, ir_xor(c->b, x, ir_sari(c->b, x, 1)));
    return arm_set_reg(c, a->sf, a->Rd, ir_addi(c->b, v, -1));
}

bool arm_trans_a64_ctz(struct arm_ctx *c, const struct arm_arg_r2 *a)
{
    return arm_set_reg(c, a->sf, a->Rd, ir_ctz(c->b, arm_reg(c, a->sf, a->Rn)));
}

bool arm_trans_a64_cnt(struct arm_ctx *c, const struct arm_arg_r2 *a)
{
    return arm_set_reg(c, a->sf, a->Rd, ir_popcnt(c->b, arm_reg(c, a->sf, a->Rn)));
}

bool arm_trans_a64_abs(struct arm_ctx *c, const struct arm_arg_r2 *a)
{
    ir_value x = arm_reg(c, a->sf, a->Rn);
    ir_value negative = ir_cmp(c->b, IR_LT, x, constant(c, a->sf, 0));
    return arm_set_reg(c, a->sf, a->Rd, ir_select(c->b, negative, ir_neg(c->b, x), x));
}

/* ---- Products and quotients ---- */

/* By zero: 0. The lowest number by -1 is itself, as in the IR. */
static bool divide(struct arm_ctx *c, const struct arm_arg_r3 *a, bool sign)
{
    ir_value x = arm_reg(c, a->sf, a->Rn), y = arm_reg(c, a->sf, a->Rm),
             zero = constant(c, a->sf, 0);
    ir_value v = sign ? ir_divs(c->b, x, y) : ir_divu(c->b, x, y);
    return arm_set_reg(c, a->sf, a->Rd, ir_select(c->b, ir_cmp(c->b, IR_EQ, y, zero), zero, v));
}

bool arm_trans_a64_udiv(struct arm_ctx *c, const struct arm_arg_r3 *a)
{
    return divide(c, a, false);
}

bool arm_trans_a64_sdiv(struct arm_ctx *c, const struct arm_arg_r3 *a)
{
    return divide(c, a, true);
}

bool arm_trans_a64_madd(struct arm_ctx *c, const struct arm_arg_r4 *a)
{
    ir_value product = ir_mul(c->b, arm_reg(c, a->sf, a->Rn), arm_reg(c, a->sf, a->Rm));
    ir_value x = arm_reg(c, a->sf, a->Ra);
    return arm_set_reg(c, a->sf, a->Rd,
                       a->sub ? ir_sub(c->b, x, product) : ir_add(c->b, x, product));
}

bool arm_trans_a64_maddl(struct arm_ctx *c, const struct arm_arg_long *a)
{
    ir_value x = arm_x(c, a->Rn), y = arm_x(c, a->Rm);
    x = a->sign ? ir_sext(c->b, x, 32, IR_I64) : ir_zext(c->b, x, 32, IR_I64);
    y = a->sign ? ir_sext(c->b, y, 32, IR_I64) : ir_zext(c->b, y, 32, IR_I64);
    ir_value product = ir_mul(c->b, x, y), z = arm_x(c, a->Ra);
    return arm_set_x(c, a->Rd, a->sub ? ir_sub(c->b, z, product) : ir_add(c->b, z, product));
}

bool arm_trans_a64_mulh(struct arm_ctx *c, const struct arm_arg_high *a)
{
    ir_value x = arm_x(c, a->Rn), y = arm_x(c, a->Rm);
    return arm_set_x(c, a->Rd, a->sign ? ir_mulhs(c->b, x, y) : ir_mulhu(c->b, x, y));
}

bool arm_trans_a64_crc32(struct arm_ctx *c, const struct arm_arg_crc *a)
{
    ir_value how = ir_const(c->b, a->size | a->poly << 2);
    return arm_set_x(
        c, a->Rd,
        arm_call(c, ARM_HELPER_CRC32, (ir_value[]){arm_x(c, a->Rn), arm_x(c, a->Rm), how}));
}
