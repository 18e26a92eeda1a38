/*
 * trans32.h - what the trans32_*.c files share: A32's and T32's registers, flags, operands, ways to leave.
 *
 * T32's lines name A32's trans functions (`set t32 a32`): one meaning for both, and c->thumb where they differ. A trans
 * function knows nothing of conditions: translate32.c builds it so that it happens only where the condition holds. It
 * returns false for what is UNDEFINED, and for what is UNPREDICTABLE and not useful to anyone, and then has built nothing.
 *
 * ITSTATE: slot IT has the instruction's own value while it is built. What leaves the unit calls arm_it_done or
 * arm_it_leave before.
 */
#ifndef ISA_ARM_TRANS32_H
#define ISA_ARM_TRANS32_H

#include "isa/arm/trans.h"

enum { ARM_R13 = 13, ARM_R14 = 14, ARM_R15 = 15 };
/* Beside enum arm_index: LDRT of A32 is post-indexed. */
enum { ARM_INDEX_UNPRIV_POST = ARM_INDEX_UNPRIV + 1 };
/* Argument s: the instruction sets flags; S_OUTSIDE: it does outside of an IT block (T32, 16 bits). */
enum arm_s { ARM_S_NO, ARM_S_YES, ARM_S_OUTSIDE };

/* Data processing, as A32 numbers it; T32 has one more. */
enum arm_dp {
    ARM_DP_AND, ARM_DP_EOR, ARM_DP_SUB, ARM_DP_RSB, ARM_DP_ADD, ARM_DP_ADC, ARM_DP_SBC, ARM_DP_RSC,
    ARM_DP_TST, ARM_DP_TEQ, ARM_DP_CMP, ARM_DP_CMN, ARM_DP_ORR, ARM_DP_MOV, ARM_DP_BIC, ARM_DP_MVN,
    ARM_DP_ORN,
};

/* Additions and subtractions of lanes: what becomes of results that do not fit; what is added and subtracted. */
enum arm_lanes {
    ARM_LANES_S, ARM_LANES_Q, ARM_LANES_SH, ARM_LANES_U, ARM_LANES_UQ, ARM_LANES_UH,
};
enum arm_lanes_op {
    ARM_LANES_ADD16, ARM_LANES_ASX, ARM_LANES_SAX, ARM_LANES_SUB16, ARM_LANES_ADD8, ARM_LANES_SUB8,
};
/* What SXTB and the like extend: the lowest byte or half, bytes 0 and 2. */
enum arm_extend { ARM_EXTEND_BYTE, ARM_EXTEND_HALF, ARM_EXTEND_BYTES };

/* -- General registers: i32. 15 reads as the address of the instruction, and 8 or 4. */
static inline u32 arm_pc_value(const struct arm_ctx *c)
{
    return (u32)c->pc + (c->thumb ? 4 : 8);
}
static inline ir_value arm_r(struct arm_ctx *c, u32 n)
{
    if (n == ARM_R15)
        return ir_const32(c->b, arm_pc_value(c));
    return ir_trunc(c->b, ir_get(c->b, ARM_SLOT_X + n));
}
/* ... as an i64, zero-extended. */
static inline ir_value arm_r_wide(struct arm_ctx *c, u32 n)
{
    return n == ARM_R15 ? ir_const(c->b, arm_pc_value(c)) : ir_get(c->b, ARM_SLOT_X + n);
}
static inline ir_value arm_r_signed(struct arm_ctx *c, u32 n)
{
    return ir_sext(c->b, arm_r_wide(c, n), 32, IR_I64);
}
/* n < 15. v: i32, or an i64 that has nothing above its low word. */
static inline bool arm_set_r(struct arm_ctx *c, u32 n, ir_value v)
{
    bool narrow = ir_type_of(c->b, v) == IR_I32;
    ir_put(c->b, ARM_SLOT_X + n, narrow ? ir_zext(c->b, v, 32, IR_I64) : v);
    return true;
}
static inline ir_value arm_widen(struct arm_ctx *c, ir_value v)
{
    return ir_zext(c->b, v, 32, IR_I64);
}

/* -- Writes to r15; the unit ends. hint: what the jump is. */
bool arm_write_pc_bx(struct arm_ctx *c, ir_value target, enum ir_jump_hint hint);  /* "BXWritePC" */
bool arm_write_pc_alu(struct arm_ctx *c, ir_value target);                         /* "ALUWritePC" */
bool arm_write_pc_branch(struct arm_ctx *c, ir_value target);                      /* "BranchWritePC" */
/* Of a wide branch of T32: its offset field as the distance from the instruction. */
s32 arm_wide_offset(s32 raw);
/* A branch to an address known now; thumb: of which set it is. */
void arm_branch_to(struct arm_ctx *c, u32 target, bool thumb);
/* SUBS PC, LR and the like: SPSR becomes CPSR ("ALUExceptionReturn"). */
bool arm_return_alu(struct arm_ctx *c, ir_value target);

/* -- ITSTATE. arm_it_done: the slot gets the value that the next instruction finds, before a helper or a look-up that goes
 * on there. arm_it_leave: 0, before a jump. */
void arm_it_done(struct arm_ctx *c);
void arm_it_leave(struct arm_ctx *c);
static inline bool arm_in_it(const struct arm_ctx *c)
{
    return c->it & 15;
}
static inline u8 arm_it_advance(u8 it) /* "ITAdvance" */
{
    return it & 7 ? (u8)((it & 0xe0) | (it << 1 & 0x1f)) : 0;
}
/* ITSTATE in SPSR's bits. */
static inline u64 arm_it_pstate(u8 it)
{
    return (u64)(it & 3) << 25 | (u64)(it >> 2) << 10;
}

/* -- Flags. */
static inline bool arm_sets_flags(const struct arm_ctx *c, u32 s)
{
    return s == ARM_S_OUTSIDE ? !arm_in_it(c) : s;
}
/* x + y + carry (i64 0 or 1), all flags set. x, y, result: i32. */
ir_value arm_add_with_carry(struct arm_ctx *c, ir_value x, ir_value y, ir_value carry, bool flags);
void arm_set_q_if(struct arm_ctx *c, ir_value cond); /* i64 0 or 1 */
void arm_set_ge(struct arm_ctx *c, ir_value ge);     /* i64, bits 3..0 */
ir_value arm_ge(struct arm_ctx *c);                  /* i64, bits 3..0 */

/* An i64 held within low..high; Q where it was not. */
ir_value arm_saturate(struct arm_ctx *c, ir_value v, s64 low, s64 high);

/* -- Operands: the value and, where has_carry, the carry out: bit 0 of an i64, what is above does not count. */
struct arm_operand {
    ir_value v;
    bool has_carry;
    ir_value carry;
};
/* A register shifted by imm5:type; by the low byte of another register. */
struct arm_operand arm_shifted_imm(struct arm_ctx *c, u32 rm, u32 shift);
struct arm_operand arm_shifted_reg(struct arm_ctx *c, u32 rm, u32 type, u32 rs, bool carry);
/* The 12 bits of a modified immediate ("A32ExpandImm_C", "T32ExpandImm_C"); carry: -1: stays. */
bool arm_expand_imm(bool thumb, u32 imm12, u32 *value, int *carry);

/* -- Memory: the address as accesses want it, an i64 that wraps at 4 GB. */
static inline ir_value arm_address(struct arm_ctx *c, ir_value base, s32 offset)
{
    return arm_widen(c, ir_addi(c->b, base, offset));
}

/* -- The frame (translate32.c). */
void arm_translate_insn32(struct arm_ctx *c);

#endif
