/*
 * eval.c - what each integer and bit operation of the IR computes.
 *
 * The one place where their meaning is written in C; eval_float.c has the float operations. Every
 * corner that ir.def promises (division by zero, shift counts, clz of 0) is here. No host floating
 * point.
 */
#include "jit/eval.h"

bool ir_eval_cond(unsigned cond, unsigned type, u64 x, u64 y)
{
    unsigned bits = ir_type_bits(type);
    s64 sx = bits_sext(x, bits), sy = bits_sext(y, bits);
    x &= ir_type_mask(type);
    y &= ir_type_mask(type);
    switch ((enum ir_cond)cond) {
    case IR_EQ: return x == y;
    case IR_NE: return x != y;
    case IR_LT: return sx < sy;
    case IR_GE: return sx >= sy;
    case IR_LE: return sx <= sy;
    case IR_GT: return sx > sy;
    case IR_LTU: return x < y;
    case IR_GEU: return x >= y;
    case IR_LEU: return x <= y;
    case IR_GTU: return x > y;
    }
    return false;
}

/* Signed division with the results ir.def names for the two cases that the host traps on. a and b
 * are sign-extended to 64 bits, so an i32's min/-1 does not overflow here. */
static u64 divide_signed(s64 a, s64 b)
{
    if (b == 0)
        return ~UINT64_C(0);
    return b == -1 ? -(u64)a : (u64)(a / b);
}

static u64 remainder_signed(s64 a, s64 b)
{
    if (b == 0)
        return (u64)a;
    return b == -1 ? 0 : (u64)(a % b);
}

static u64 multiply_high(unsigned op, unsigned bits, u64 a, u64 b)
{
    s128 x = op == IR_MULHU ? (s128)a : (s128)bits_sext(a, bits);
    s128 y = op == IR_MULHS ? (s128)bits_sext(b, bits) : (s128)b;
    return (u64)((u128)x * (u128)y >> bits);
}

static u64 shift(unsigned op, unsigned bits, u64 a, u64 b)
{
    unsigned n = b & (bits - 1), back = (bits - n) & (bits - 1);
    switch (op) {
    case IR_SHL: return a << n;
    case IR_SHR: return a >> n;
    case IR_SAR: return (u64)(bits_sext(a, bits) >> n);
    case IR_ROTL: return a << n | a >> back;
    default: return a >> n | a << back; /* IR_ROTR */
    }
}

static u128 carryless_multiply(u64 a, u64 b)
{
    u128 product = 0;
    for (unsigned i = 0; i < 64; i++)
        if (b >> i & 1)
            product ^= (u128)a << i;
    return product;
}

static u64 extend_low(unsigned op, u64 a)
{
    switch (op) {
    case IR_SEXT8: return (u64)(s64)(s8)a;
    case IR_SEXT16: return (u64)(s64)(s16)a;
    case IR_SEXT32: return (u64)(s64)(s32)a;
    case IR_ZEXT8: return (u8)a;
    case IR_ZEXT16: return (u16)a;
    default: return (u32)a; /* IR_ZEXT32, IR_TRUNC */
    }
}

static u64 sign_inject(unsigned op, unsigned bits, u64 a, u64 b)
{
    u64 sign = BIT(bits - 1);
    u64 from = op == IR_FSGNJ ? b : op == IR_FSGNJN ? ~b : a ^ b;
    return (a & ~sign) | (from & sign);
}

static u64 unbox(u64 a)
{
    return a >> 32 == UINT32_MAX ? (u32)a : 0x7fc00000;
}

/* a, b: truncated to the operation's width; the caller truncates the result. */
static u64 eval_integer(unsigned op, unsigned bits, u64 a, u64 b)
{
    switch (op) {
    case IR_ADD: return a + b;
    case IR_SUB: return a - b;
    case IR_MUL: return a * b;
    case IR_MULHS:
    case IR_MULHU:
    case IR_MULHSU: return multiply_high(op, bits, a, b);
    case IR_DIVS: return divide_signed(bits_sext(a, bits), bits_sext(b, bits));
    case IR_DIVU: return b ? a / b : ~UINT64_C(0);
    case IR_REMS: return remainder_signed(bits_sext(a, bits), bits_sext(b, bits));
    case IR_REMU: return b ? a % b : a;
    case IR_AND: return a & b;
    case IR_OR: return a | b;
    case IR_XOR: return a ^ b;
    case IR_NOT: return ~a;
    case IR_NEG: return -a;
    case IR_CLZ: return clz64(a) - (64 - bits);
    case IR_CTZ: return MIN(ctz64(a), bits);
    case IR_POPCNT: return (u64)__builtin_popcountll(a);
    case IR_BSWAP: return bswap_size(a, bits / 8);
    case IR_CLMUL: return (u64)carryless_multiply(a, b);
    case IR_CLMULH: return (u64)(carryless_multiply(a, b) >> 64);
    default: return shift(op, bits, a, b);
    }
}

u64 ir_eval(const struct ir_op *op, unsigned operand, u64 a, u64 b, u64 c)
{
    u64 mask = ir_type_mask(op->type);
    switch (op->op) {
    case IR_CMP: return ir_eval_cond(op->aux, operand, a, b);
    case IR_SELECT: return a ? b : c;
    case IR_SEXT8:
    case IR_SEXT16:
    case IR_SEXT32:
    case IR_ZEXT8:
    case IR_ZEXT16:
    case IR_ZEXT32:
    case IR_TRUNC: return extend_low(op->op, a) & mask;
    case IR_FSGNJ:
    case IR_FSGNJN:
    case IR_FSGNJX: return sign_inject(op->op, ir_type_bits(op->type), a, b);
    case IR_NANBOX: return a | UINT64_C(0xffffffff) << 32;
    case IR_UNBOX: return unbox(a);
    case IR_BITCAST: return a;
    default: return eval_integer(op->op, ir_type_bits(operand), a & mask, b & mask) & mask;
    }
}
