/*
 * flags.c - the condition flags: kept as the operation that sets them and its operands, so that a
 * comparison and the branch after it become one comparison.
 *
 * Within a unit the operation is known (struct arm_flags) and a condition is built of its operands.
 * What another unit set is asked of a helper that depends on the slots' values alone; the answer
 * serves the rest of the unit.
 */
#include "isa/arm/trans.h"

enum { N_BIT = 31, Z_BIT = 30, C_BIT = 29, V_BIT = 28 };

/* ---- Setting ---- */

static void put_slots(struct arm_ctx *c, ir_value op, ir_value x, ir_value y)
{
    ir_skip_forget(c->b); /* c->flags is of one way only */
    ir_put(c->b, ARM_SLOT_CC_OP, op);
    ir_put(c->b, ARM_SLOT_CC_X, x);
    if (y != IR_NONE)
        ir_put(c->b, ARM_SLOT_CC_Y, y);
}

static bool is_32(enum arm_cc op)
{
    return op == ARM_CC_ADD32 || op == ARM_CC_SUB32 || op == ARM_CC_LOGIC32;
}

/* x + k carries and overflows as x - (-k) does, but for 0 and the lowest number: and one comparison
 * tells all of a difference. */
static void sum_to_difference(struct arm_ctx *c, enum arm_cc *op, ir_value *y)
{
    u64 k;
    if ((*op != ARM_CC_ADD32 && *op != ARM_CC_ADD64) || !ir_is_const(c->b, *y, &k))
        return;
    u64 mask = *op == ARM_CC_ADD32 ? UINT32_MAX : ~UINT64_C(0);
    if ((k & mask & (mask >> 1)) == 0)
        return;
    *op = *op == ARM_CC_ADD32 ? ARM_CC_SUB32 : ARM_CC_SUB64;
    *y = ir_const(c->b, -k & mask);
}

void arm_flags_set(struct arm_ctx *c, enum arm_cc op, ir_value x, ir_value y)
{
    sum_to_difference(c, &op, &y);
    c->flags = (struct arm_flags){.known = true, .op = op, .x = x, .y = y};
    put_slots(c, ir_const(c->b, op), x, y);
}

void arm_flags_set_nzcv(struct arm_ctx *c, ir_value nzcv)
{
    arm_flags_set(c, ARM_CC_NZCV, nzcv, IR_NONE);
}

void arm_flags_set_if(struct arm_ctx *c, ir_value cond, enum arm_cc op, ir_value x, ir_value y,
                      u32 nzcv)
{
    u64 known;
    if (ir_is_const(c->b, cond, &known)) {
        if (known)
            arm_flags_set(c, op, x, y);
        else
            arm_flags_set_nzcv(c, ir_const(c->b, nzcv));
        return;
    }
    sum_to_difference(c, &op, &y);
    c->flags = (struct arm_flags){
        .known = true, .op = op, .x = x, .y = y, .conditional = true, .cond = cond, .nzcv = nzcv};
    ir_value slot_op = ir_select(c->b, cond, ir_const(c->b, op), ir_const(c->b, ARM_CC_NZCV));
    put_slots(c, slot_op, ir_select(c->b, cond, x, ir_const(c->b, nzcv)), y);
}

/* ---- AArch32 sets some and leaves others as they are. The slots' operation goes on about those. ---- */

static void set_partly(struct arm_ctx *c, enum arm_cc what)
{
    ir_value op = ir_get(c->b, ARM_SLOT_CC_OP);
    ir_put(c->b, ARM_SLOT_CC_OP, ir_or(c->b, op, ir_const(c->b, what)));
    c->flags.holds = 0;
}

void arm_flags_set_nz(struct arm_ctx *c, ir_value nz)
{
    set_partly(c, ARM_CC_NZ);
    ir_put(c->b, ARM_SLOT_CC_NZ, nz);
    c->flags.has_nz = true;
    c->flags.nz = nz;
}

void arm_flags_set_nzc(struct arm_ctx *c, ir_value nz, ir_value carry)
{
    set_partly(c, ARM_CC_NZ | ARM_CC_C);
    ir_put(c->b, ARM_SLOT_CC_NZ, nz);
    ir_put(c->b, ARM_SLOT_CC_C, carry);
    c->flags.has_nz = c->flags.has_c = true;
    c->flags.nz = nz;
    c->flags.carry = carry;
}

/* ---- Reading: each condition of an even number; the odd ones are their opposites ("C1.2.4") ----
 */

static ir_value negative(struct arm_ctx *c, ir_value v)
{
    ir_value zero = ir_type_of(c->b, v) == IR_I32 ? ir_const32(c->b, 0) : ir_const(c->b, 0);
    return ir_cmp(c->b, IR_LT, v, zero);
}

static ir_value compare_zero(struct arm_ctx *c, enum ir_cond cond, ir_value v)
{
    ir_value zero = ir_type_of(c->b, v) == IR_I32 ? ir_const32(c->b, 0) : ir_const(c->b, 0);
    return ir_cmp(c->b, cond, v, zero);
}

static ir_value after_sub(struct arm_ctx *c, enum arm_cond cond, ir_value x, ir_value y)
{
    struct ir_builder *b = c->b;
    switch (cond) {
    case ARM_EQ: return ir_cmp(b, IR_EQ, x, y);
    case ARM_CS: return ir_cmp(b, IR_GEU, x, y);
    case ARM_MI: return negative(c, ir_sub(b, x, y));
    case ARM_VS: return negative(c, ir_and(b, ir_xor(b, x, y), ir_xor(b, x, ir_sub(b, x, y))));
    case ARM_HI: return ir_cmp(b, IR_GTU, x, y);
    case ARM_GE: return ir_cmp(b, IR_GE, x, y);
    default: return ir_cmp(b, IR_GT, x, y);
    }
}

static ir_value after_add(struct arm_ctx *c, enum arm_cond cond, ir_value x, ir_value y)
{
    struct ir_builder *b = c->b;
    ir_value sum = ir_add(b, x, y);
    if (cond == ARM_EQ)
        return compare_zero(c, IR_EQ, sum);
    if (cond == ARM_CS || cond == ARM_HI) {
        ir_value carry = ir_cmp(b, IR_LTU, sum, x);
        return cond == ARM_CS ? carry : ir_and(b, carry, compare_zero(c, IR_NE, sum));
    }
    if (cond == ARM_MI)
        return negative(c, sum);
    ir_value overflow = ir_and(b, ir_xor(b, x, sum), ir_xor(b, y, sum)); /* its sign is V */
    if (cond == ARM_VS)
        return negative(c, overflow);
    ir_value at_least = compare_zero(c, IR_GE, ir_xor(b, sum, overflow));
    return cond == ARM_GE ? at_least : ir_and(b, at_least, compare_zero(c, IR_NE, sum));
}

static ir_value after_logic(struct arm_ctx *c, enum arm_cond cond, ir_value x)
{
    switch (cond) {
    case ARM_EQ: return compare_zero(c, IR_EQ, x);
    case ARM_MI: return negative(c, x);
    case ARM_GE: return compare_zero(c, IR_GE, x);
    case ARM_GT: return compare_zero(c, IR_GT, x);
    default: return ir_const(c->b, 0); /* CS, VS, HI */
    }
}

/* Less, equal, greater, unordered are N, ZC, C, CV. */
static ir_value after_float(struct arm_ctx *c, enum arm_cond cond, ir_value ge, ir_value le)
{
    struct ir_builder *b = c->b;
    switch (cond) {
    case ARM_EQ: return ir_and(b, ge, le);
    case ARM_CS: return ir_cmp(b, IR_GEU, ge, le);
    case ARM_MI: return ir_cmp(b, IR_LTU, ge, le);
    case ARM_VS: return compare_zero(c, IR_EQ, ir_or(b, ge, le));
    case ARM_HI: return ir_xor(b, le, ir_const(b, 1));
    case ARM_GE: return ge;
    default: return ir_cmp(b, IR_GTU, ge, le);
    }
}

static ir_value of_nzcv(struct arm_ctx *c, enum arm_cond cond, ir_value x)
{
    struct ir_builder *b = c->b;
    static const u8 bits[] = {
        [ARM_EQ] = Z_BIT, [ARM_CS] = C_BIT, [ARM_MI] = N_BIT, [ARM_VS] = V_BIT};
    if (cond < ARM_HI)
        return ir_andi(b, ir_shri(b, x, bits[cond]), 1);
    if (cond == ARM_HI)
        return ir_cmp(b, IR_EQ, ir_andi(b, x, PSTATE_C | PSTATE_Z), ir_const(b, PSTATE_C));
    ir_value differ = ir_xor(b, ir_shri(b, x, N_BIT), ir_shri(b, x, V_BIT));
    if (cond == ARM_GT)
        differ = ir_or(b, differ, ir_shri(b, x, Z_BIT));
    return compare_zero(c, IR_EQ, ir_andi(b, differ, 1));
}

static ir_value even_cond(struct arm_ctx *c, enum arm_cond cond)
{
    const struct arm_flags *f = &c->flags;
    if (f->op == ARM_CC_NZCV)
        return of_nzcv(c, cond, f->x);
    if (f->op == ARM_CC_FLOAT)
        return after_float(c, cond, f->x, f->y);
    ir_value x = is_32(f->op) ? ir_trunc(c->b, f->x) : f->x;
    if (f->op == ARM_CC_LOGIC32 || f->op == ARM_CC_LOGIC64)
        return after_logic(c, cond, x);
    ir_value y = is_32(f->op) ? ir_trunc(c->b, f->y) : f->y;
    if (f->op == ARM_CC_ADD32 || f->op == ARM_CC_ADD64)
        return after_add(c, cond, x, y);
    return after_sub(c, cond, x, y);
}

/* Does cond hold for these flags? */
static bool constant_cond(u32 nzcv, enum arm_cond cond)
{
    bool n = nzcv & PSTATE_N, z = nzcv & PSTATE_Z, carry = nzcv & PSTATE_C, v = nzcv & PSTATE_V;
    bool holds[] = {z, carry, n, v, carry && !z, n == v, n == v && !z, true};
    return holds[cond >> 1] != (cond & 1 && cond < ARM_AL);
}

/* cc_nz and the carry's bit above it. */
static ir_value overrides(struct arm_ctx *c)
{
    ir_value carry = ir_shli(c->b, ir_get(c->b, ARM_SLOT_CC_C), 32);
    return ir_or(c->b, carry, ir_zext(c->b, ir_get(c->b, ARM_SLOT_CC_NZ), 32, IR_I64));
}

static void settle(struct arm_ctx *c)
{
    if (c->flags.known)
        return;
    u16 holds = c->flags.holds;
    ir_value args[4] = {ir_get(c->b, ARM_SLOT_CC_OP), ir_get(c->b, ARM_SLOT_CC_X),
                        ir_get(c->b, ARM_SLOT_CC_Y)};
    if (c->a32)
        args[3] = overrides(c);
    c->flags = (struct arm_flags){.known = true, .op = ARM_CC_NZCV, .y = IR_NONE, .holds = holds};
    c->flags.x = arm_call(c, c->a32 ? ARM_HELPER_NZCV_A32 : ARM_HELPER_NZCV, args);
}

/* Where N, Z or C have values of their own: a condition of an even number from them and, for the rest, from the
 * operation. */
static ir_value joined_cond(struct arm_ctx *c, enum arm_cond cond)
{
    struct ir_builder *b = c->b;
    struct arm_flags *f = &c->flags;
    if (f->has_nz && (cond == ARM_EQ || cond == ARM_MI)) {
        ir_value v = ir_trunc(b, f->nz);
        return cond == ARM_EQ ? compare_zero(c, IR_EQ, v) : negative(c, v);
    }
    if (f->has_c && cond == ARM_CS)
        return ir_andi(b, f->carry, 1);
    settle(c);
    if (cond == ARM_HI && (f->has_nz || f->has_c))
        return ir_and(b, arm_cond(c, ARM_CS), arm_cond(c, ARM_NE));
    if (cond < ARM_GE || !f->has_nz)
        return even_cond(c, cond);
    ir_value at_least = ir_cmp(b, IR_EQ, arm_cond(c, ARM_MI), arm_cond(c, ARM_VS));
    return cond == ARM_GE ? at_least : ir_and(b, at_least, arm_cond(c, ARM_NE));
}

static ir_value cond_a32(struct arm_ctx *c, enum arm_cond cond)
{
    ir_value v = joined_cond(c, cond & ~1u);
    return cond & 1 ? ir_xor(c->b, v, ir_const(c->b, 1)) : v;
}

ir_value arm_cond(struct arm_ctx *c, enum arm_cond cond)
{
    struct ir_builder *b = c->b;
    if (cond >= ARM_AL)
        return ir_const(b, 1);
    if (c->flags.has_nz || c->flags.has_c)
        return cond_a32(c, cond);
    settle(c);
    u64 k;
    if (c->flags.op == ARM_CC_NZCV && ir_is_const(b, c->flags.x, &k))
        return ir_const(b, constant_cond((u32)k, cond));
    ir_value v = even_cond(c, cond & ~1u);
    if (cond & 1)
        v = ir_xor(b, v, ir_const(b, 1));
    if (!c->flags.conditional)
        return v;
    if (constant_cond(c->flags.nzcv, cond))
        return ir_or(b, v, ir_xor(b, c->flags.cond, ir_const(b, 1)));
    return ir_and(b, v, c->flags.cond);
}

ir_value arm_carry(struct arm_ctx *c)
{
    return arm_cond(c, ARM_CS);
}

ir_value arm_nzcv_value(struct arm_ctx *c)
{
    settle(c);
    bool whole = !c->flags.has_nz && !c->flags.has_c;
    if (whole && c->flags.op == ARM_CC_NZCV && !c->flags.conditional)
        return ir_andi(c->b, c->flags.x, PSTATE_N | PSTATE_Z | PSTATE_C | PSTATE_V);
    ir_value n = ir_shli(c->b, arm_cond(c, ARM_MI), N_BIT),
             z = ir_shli(c->b, arm_cond(c, ARM_EQ), Z_BIT);
    ir_value carry = ir_shli(c->b, arm_cond(c, ARM_CS), C_BIT),
             v = ir_shli(c->b, arm_cond(c, ARM_VS), V_BIT);
    return ir_or(c->b, ir_or(c->b, n, z), ir_or(c->b, carry, v));
}

/* ---- What the slots mean ---- */

static u64 flags_of_float(bool ge, bool le)
{
    return ge ? PSTATE_C | (le ? PSTATE_Z : 0) : le ? PSTATE_N : PSTATE_C | PSTATE_V;
}

static u64 flags_of(u64 result, unsigned width, bool carry, bool overflow)
{
    bool n = result >> (width - 1) & 1;
    return (n ? PSTATE_N : 0) | (result ? 0 : PSTATE_Z) | (carry ? PSTATE_C : 0) |
           (overflow ? PSTATE_V : 0);
}

u64 arm_helper_nzcv(struct cpu *cpu, u64 op, u64 x, u64 y)
{
    unsigned width = is_32((enum arm_cc)op) ? 32 : 64;
    u64 mask = ~UINT64_C(0) >> (64 - width), sum = (x + y) & mask, difference = (x - y) & mask;
    x &= mask;
    y &= mask;
    switch ((enum arm_cc)op) {
    case ARM_CC_ADD32:
    case ARM_CC_ADD64:
        return flags_of(sum, width, sum < x, ((x ^ sum) & (y ^ sum)) >> (width - 1) & 1);
    case ARM_CC_SUB32:
    case ARM_CC_SUB64:
        return flags_of(difference, width, x >= y, ((x ^ y) & (x ^ difference)) >> (width - 1) & 1);
    case ARM_CC_LOGIC32:
    case ARM_CC_LOGIC64: return flags_of(x, width, false, false);
    case ARM_CC_FLOAT: return flags_of_float(x, y);
    default: break; /* ARM_CC_NZCV */
    }
    return x & (PSTATE_N | PSTATE_Z | PSTATE_C | PSTATE_V);
}

/* other: cc_nz, and above it cc_c. */
u64 arm_helper_nzcv_a32(struct cpu *cpu, u64 op, u64 x, u64 y, u64 other)
{
    u64 f = arm_helper_nzcv(cpu, op & ARM_CC_OP, x, y);
    if (op & ARM_CC_NZ)
        f = (f & ~(PSTATE_N | PSTATE_Z)) | flags_of((u32)other, 32, false, false);
    if (op & ARM_CC_C)
        f = (f & ~PSTATE_C) | (other >> 32 & 1 ? PSTATE_C : 0);
    return f;
}
