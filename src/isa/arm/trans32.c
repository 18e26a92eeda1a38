/*
 * trans32.c - what the trans32_*.c files share (trans32.h): leaving by way of r15, ITSTATE, carry,
 * shifted operands.
 *
 * Manual: DDI 0487, E1.2.3 (r15), F1.3 ("Shift_C"), F2 (pseudocode).
 */
#include "isa/arm/trans32.h"

/* ---- Leaving ---- */

void arm_it_done(struct arm_ctx *c)
{
    if (arm_in_it(c))
        ir_put(c->b, ARM_SLOT_IT, ir_const(c->b, arm_it_pstate(arm_it_advance(c->it))));
}

void arm_it_leave(struct arm_ctx *c)
{
    if (c->it)
        ir_put(c->b, ARM_SLOT_IT, ir_const(c->b, 0));
}

/* Most jumps stay in their instruction set: the others go by a helper. */
bool arm_write_pc_bx(struct arm_ctx *c, ir_value target, enum ir_jump_hint hint)
{
    struct ir_builder *b = c->b;
    ir_value wide = arm_widen(c, target), bit = ir_andi(b, wide, 1);
    enum ir_cond other = c->thumb ? IR_EQ : IR_NE;
    arm_it_leave(c);
    ir_put(b, ARM_SLOT_PC, wide);
    ir_trap_if(b, ir_cmp(b, other, bit, ir_const(b, 0)), &arm_helpers[ARM_HELPER_INTERWORK], 0);
    ir_exit_indirect(b, c->thumb ? ir_andi(b, wide, ~UINT64_C(1)) : wide, hint);
    return true;
}

bool arm_write_pc_branch(struct arm_ctx *c, ir_value target)
{
    arm_it_leave(c);
    target = ir_andi(c->b, target, c->thumb ? ~1u : ~3u);
    ir_exit_indirect(c->b, arm_widen(c, target), IR_JUMP_PLAIN);
    return true;
}

bool arm_write_pc_alu(struct arm_ctx *c, ir_value target)
{
    return c->thumb ? arm_write_pc_branch(c, target) : arm_write_pc_bx(c, target, IR_JUMP_PLAIN);
}

bool arm_return_alu(struct arm_ctx *c, ir_value target)
{
    ir_call1(c->b, &arm_helpers[ARM_HELPER_A32_RETURN], arm_widen(c, target));
    ir_exit_lookup(c->b);
    return true;
}

void arm_branch_to(struct arm_ctx *c, u32 target, bool thumb)
{
    arm_it_leave(c);
    if (thumb == c->thumb) {
        ir_exit_jump(c->b, target);
        return;
    }
    ir_put(c->b, ARM_SLOT_PC, ir_const(c->b, target | thumb));
    ir_call1(c->b, &arm_helpers[ARM_HELPER_INTERWORK], ir_const(c->b, 0));
    ir_exit_lookup(c->b);
}

/* ---- Flags ---- */

ir_value arm_add_with_carry(struct arm_ctx *c, ir_value x, ir_value y, ir_value carry, bool flags)
{
    struct ir_builder *b = c->b;
    if (!flags)
        return ir_add(b, ir_add(b, x, y), ir_trunc(b, carry));
    ir_value sum = ir_add(b, ir_add(b, arm_widen(c, x), arm_widen(c, y)), carry);
    ir_value result = ir_trunc(b, sum);
    ir_value overflow = ir_and(b, ir_xor(b, x, result), ir_xor(b, y, result));
    ir_value v = ir_shri(b, ir_andi(b, overflow, BIT(31)), 3);
    arm_flags_set_nzcv(c, arm_widen(c, v));
    arm_flags_set_nzc(c, arm_widen(c, result), ir_shri(b, sum, 32));
    return result;
}

void arm_set_q_if(struct arm_ctx *c, ir_value cond)
{
    ir_value q = ir_shli(c->b, cond, 27);
    ir_put(c->b, ARM_SLOT_Q, ir_or(c->b, ir_get(c->b, ARM_SLOT_Q), q));
}

void arm_set_ge(struct arm_ctx *c, ir_value ge)
{
    ir_put(c->b, ARM_SLOT_GE, ir_shli(c->b, ge, 16));
}

ir_value arm_ge(struct arm_ctx *c)
{
    return ir_shri(c->b, ir_get(c->b, ARM_SLOT_GE), 16);
}

/* ---- Operands ---- */

enum { LSL, LSR, ASR, ROR };

static ir_value bit_of(struct arm_ctx *c, ir_value wide, unsigned n)
{
    return ir_shri(c->b, wide, n);
}

static struct arm_operand rotate_extended(struct arm_ctx *c, ir_value wide)
{
    struct ir_builder *b = c->b;
    ir_value v = ir_shri(b, ir_or(b, wide, ir_shli(b, arm_carry(c), 32)), 1);
    return (struct arm_operand){.v = ir_trunc(b, v), .has_carry = true, .carry = wide};
}

/* Right shifts by 0 are by 32, but for ROR, which is RRX then ("DecodeImmShift"). */
struct arm_operand arm_shifted_imm(struct arm_ctx *c, u32 rm, u32 shift)
{
    struct ir_builder *b = c->b;
    unsigned n = shift >> 2, type = shift & 3;
    ir_value v = arm_r(c, rm), wide = arm_r_wide(c, rm);
    if (type == LSL && n == 0)
        return (struct arm_operand){.v = v};
    if (type == ROR && n == 0)
        return rotate_extended(c, wide);
    struct arm_operand o = {.has_carry = true};
    o.carry = bit_of(c, wide, type == LSL ? 32 - n : n ? n - 1 : 31);
    if (type == LSL)
        o.v = ir_shli(b, v, n);
    else if (type == ROR)
        o.v = ir_rotr(b, v, ir_const32(b, n));
    else if (type == LSR)
        o.v = n ? ir_shri(b, v, n) : ir_const32(b, 0);
    else
        o.v = ir_sari(b, v, n ? n : 31);
    return o;
}

/* 64 bits hold what a shift by 0..63 leaves and puts out; more than that leaves nothing, or signs.
 * carry: of the shift by one less, or above. */
static ir_value shifted_wide(struct arm_ctx *c, ir_value wide, u32 type, ir_value n,
                             ir_value *carry)
{
    struct ir_builder *b = c->b;
    ir_value limit = ir_const(b, 63), in = ir_cmp(b, IR_LEU, n, limit), none = ir_const(b, 0), v;
    if (type == LSL) {
        v = ir_select(b, in, ir_shl(b, wide, n), none);
        *carry = ir_shri(b, v, 32);
    } else if (type == LSR) {
        ir_value twice = ir_select(b, in, ir_shr(b, ir_shli(b, wide, 1), n), none);
        *carry = twice;
        v = ir_shri(b, twice, 1);
    } else {
        ir_value sign = ir_sext(b, wide, 32, IR_I64);
        *carry = ir_sar(b, ir_shli(b, sign, 1), ir_select(b, in, n, limit));
        v = ir_sari(b, *carry, 1);
    }
    return ir_trunc(b, v);
}

struct arm_operand arm_shifted_reg(struct arm_ctx *c, u32 rm, u32 type, u32 rs, bool carry)
{
    struct ir_builder *b = c->b;
    ir_value n = ir_andi(b, arm_r_wide(c, rs), 255), out;
    struct arm_operand o = {.has_carry = carry};
    if (type == ROR) {
        o.v = ir_rotr(b, arm_r(c, rm), ir_trunc(b, n));
        out = ir_shri(b, arm_widen(c, o.v), 31);
    } else {
        o.v = shifted_wide(c, arm_r_wide(c, rm), type, n, &out);
    }
    if (carry)
        o.carry = ir_select(b, n, out, arm_carry(c));
    return o;
}

static u32 rotate_right(u32 v, unsigned n)
{
    return n ? v >> n | v << (32 - n) : v;
}

static bool expand_t32(u32 imm12, u32 *value, int *carry)
{
    u32 imm8 = imm12 & 255;
    static const u32 patterns[4] = {1, 0x00010001, 0x01000100, 0x01010101};
    if (imm12 >> 10) {
        *value = rotate_right(0x80 | (imm12 & 127), imm12 >> 7);
        *carry = *value >> 31;
        return true;
    }
    *value = imm8 * patterns[imm12 >> 8];
    *carry = -1;
    return imm8 || !(imm12 >> 8);
}

bool arm_expand_imm(bool thumb, u32 imm12, u32 *value, int *carry)
{
    if (thumb)
        return expand_t32(imm12, value, carry);
    unsigned n = 2 * (imm12 >> 8);
    *value = rotate_right(imm12 & 255, n);
    *carry = n ? (int)(*value >> 31) : -1;
    return true;
}
