/*
 * known.c - what can be told of a value without running: which of its bits may be one, and from how
 * few bits it is sign-extended. For the folding rules.
 *
 * Both answers are safe bounds: more possible ones, or a greater width, is never wrong. They look
 * DEPTH operations down, so the cost is bounded: the translator asks for every extension and every
 * mask.
 */
#include "jit/eval.h"
#include "jit/opt_fold.h"

enum { DEPTH = 3 };

static u64 low_bits(unsigned n)
{
    return ~UINT64_C(0) >> (64 - n);
}

static bool const_of(const struct ir_unit *u, u32 v, u64 *out)
{
    *out = ir_imm(&u->ops[v]);
    return u->ops[v].op == IR_CONST;
}

static u64 ones(const struct ir_unit *u, u32 v, unsigned depth);

static u64 ones_of_shift(const struct ir_unit *u, const struct ir_op *op, unsigned depth)
{
    u64 n, mask = ir_type_mask(op->type);
    if (!const_of(u, op->b, &n))
        return mask;
    u64 x = ones(u, op->a, depth);
    n &= ir_type_bits(op->type) - 1;
    return (op->op == IR_SHL ? x << n : x >> n) & mask;
}

static u64 ones(const struct ir_unit *u, u32 v, unsigned depth)
{
    const struct ir_op *op = &u->ops[v];
    u64 mask = ir_type_mask(op->type);
    if (op->op == IR_CONST)
        return ir_imm(op);
    if (depth-- == 0)
        return mask;
    switch (op->op) {
    case IR_CMP:
    case IR_FCMP:
    case IR_STORE_COND: return 1;
    case IR_ZEXT8: return ones(u, op->a, depth) & 0xff;
    case IR_ZEXT16: return ones(u, op->a, depth) & 0xffff;
    case IR_ZEXT32:
    case IR_TRUNC: return ones(u, op->a, depth) & UINT32_MAX;
    case IR_AND: return ones(u, op->a, depth) & ones(u, op->b, depth);
    case IR_OR:
    case IR_XOR: return ones(u, op->a, depth) | ones(u, op->b, depth);
    case IR_SELECT: return ones(u, op->b, depth) | ones(u, op->c, depth);
    case IR_SHL:
    case IR_SHR: return ones_of_shift(u, op, depth);
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT: return 0x7f;
    case IR_FLOAT_FLAGS: return 0x3f;
    case IR_LOAD:
    case IR_LOAD_STATE:
    case IR_LOAD_LINKED:
    case IR_RMW:
    case IR_CAS: return op->aux & IR_MEM_SIGNED ? mask : mask & low_bits(8 * IR_MEM_BYTES(op->aux));
    default: return mask;
    }
}

u64 ir_known_ones(const struct ir_builder *b, ir_value v)
{
    return ones(b->unit, v, DEPTH);
}

/* The width that a number with these possible ones needs as a signed one. */
static unsigned signed_width_of_ones(u64 mask, unsigned bits)
{
    return MIN(64 - clz64(mask) + 1, bits);
}

static unsigned signed_width_of_const(u64 v, unsigned bits)
{
    s64 x = bits_sext(v, bits);
    return 64 - clz64((u64)(x < 0 ? ~x : x)) + 1;
}

static unsigned signed_width(const struct ir_unit *u, u32 v, unsigned depth);

static unsigned signed_width(const struct ir_unit *u, u32 v, unsigned depth)
{
    const struct ir_op *op = &u->ops[v];
    unsigned bits = ir_type_bits(op->type), x, y;
    u64 n;
    if (op->op == IR_CONST)
        return signed_width_of_const(ir_imm(op), bits);
    if (depth == 0)
        return bits;
    switch (op->op) {
    case IR_SEXT8: x = signed_width(u, op->a, depth - 1); return MIN(x, 8);
    case IR_SEXT16: x = signed_width(u, op->a, depth - 1); return MIN(x, 16);
    case IR_SEXT32:
    case IR_TRUNC: x = signed_width(u, op->a, depth - 1); return MIN(x, 32);
    case IR_LOAD:
    case IR_LOAD_STATE:
    case IR_LOAD_LINKED:
    case IR_RMW:
    case IR_CAS:
        x = 8 * IR_MEM_BYTES(op->aux);
        return MIN(op->aux & IR_MEM_SIGNED ? x : x + 1, bits);
    case IR_AND:
    case IR_OR:
    case IR_XOR:
        x = signed_width(u, op->a, depth - 1);
        y = signed_width(u, op->b, depth - 1);
        n = op->op == IR_AND ? ones(u, v, depth) : ~UINT64_C(0);
        return MIN(MAX(x, y), signed_width_of_ones(n, bits));
    case IR_NOT: return signed_width(u, op->a, depth - 1);
    case IR_SELECT:
        x = signed_width(u, op->b, depth - 1);
        y = signed_width(u, op->c, depth - 1);
        return MAX(x, y);
    case IR_SAR:
        x = signed_width(u, op->a, depth - 1);
        if (!const_of(u, op->b, &n))
            return x;
        n &= bits - 1;
        return x > n ? x - (unsigned)n : 1;
    default: return signed_width_of_ones(ones(u, v, depth), bits);
    }
}

unsigned ir_known_signed(const struct ir_builder *b, ir_value v)
{
    return signed_width(b->unit, v, DEPTH);
}
