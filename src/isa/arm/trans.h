/*
 * trans.h - what the trans_*.c files share: registers by number and width, condition flags, addresses, calls, ways to
 * leave.
 *
 * A trans function builds the IR of one instruction and returns true; false means that the encoding is UNDEFINED, and
 * then it has built nothing: the caller raises the exception. One that ends the unit leaves the builder ended (ir_ended).
 *
 * One thread owns a context (struct arm_ctx, arm.h), for one unit.
 */
#ifndef ISA_ARM_TRANS_H
#define ISA_ARM_TRANS_H

#include "isa/arm/arm.h"
#include "isa/insn.h"
#include "jit/build.h"

/* How loads and stores make their address. SCALED: the offset counts in the access's size; UNPRIV: LDTR, STTR. */
enum arm_index { ARM_INDEX_OFFSET, ARM_INDEX_SCALED, ARM_INDEX_POST, ARM_INDEX_PRE, ARM_INDEX_UNPRIV };
/* Loads that extend the sign, to so many bits. */
enum arm_load_sign { ARM_LOAD_ZERO, ARM_LOAD_S64, ARM_LOAD_S32 };

/* -- General registers. 31 is the zero register in arm_x, the stack pointer in arm_xsp. Setters return true, so that a
 * trans function ends in one. */
static inline ir_value arm_x(struct arm_ctx *c, u32 n)
{
    return n == 31 ? ir_const(c->b, 0) : ir_get(c->b, ARM_SLOT_X + n);
}
static inline ir_value arm_xsp(struct arm_ctx *c, u32 n)
{
    return ir_get(c->b, ARM_SLOT_X + n);
}
static inline bool arm_set_x(struct arm_ctx *c, u32 n, ir_value v)
{
    if (n != 31)
        ir_put(c->b, ARM_SLOT_X + n, v);
    return true;
}
static inline bool arm_set_xsp(struct arm_ctx *c, u32 n, ir_value v)
{
    if (n == 31)
        c->sp_checked = false;
    ir_put(c->b, ARM_SLOT_X + n, v);
    return true;
}
/* By width: sf = 0 is an i32, written zero-extended; sf = 1 an i64. */
static inline ir_value arm_reg(struct arm_ctx *c, u32 sf, u32 n)
{
    if (sf)
        return arm_x(c, n);
    return n == 31 ? ir_const32(c->b, 0) : ir_trunc(c->b, arm_x(c, n));
}
static inline ir_value arm_regsp(struct arm_ctx *c, u32 sf, u32 n)
{
    return sf ? arm_xsp(c, n) : ir_trunc(c->b, arm_xsp(c, n));
}
static inline bool arm_set_reg(struct arm_ctx *c, u32 sf, u32 n, ir_value v)
{
    return arm_set_x(c, n, sf ? v : ir_zext(c->b, v, 32, IR_I64));
}
static inline bool arm_set_regsp(struct arm_ctx *c, u32 sf, u32 n, ir_value v)
{
    return arm_set_xsp(c, n, sf ? v : ir_zext(c->b, v, 32, IR_I64));
}

/* -- Condition flags (flags.c): a setter notes the operation; a reader in the same unit compares the operands. */
void arm_flags_set(struct arm_ctx *c, enum arm_cc op, ir_value x, ir_value y); /* x, y: i64; y: IR_NONE with LOGIC */
void arm_flags_set_nzcv(struct arm_ctx *c, ir_value nzcv);                     /* i64, bits 31..28 */
/* AArch32: N and Z of the low word of an i64, C of bit 0 of one; the others stay. */
void arm_flags_set_nz(struct arm_ctx *c, ir_value nz);
void arm_flags_set_nzc(struct arm_ctx *c, ir_value nz, ir_value carry);
/* CCMP: `op` of x and y where cond (0, 1) holds, else the constant nzcv (bits 31..28). */
void arm_flags_set_if(struct arm_ctx *c, ir_value cond, enum arm_cc op, ir_value x, ir_value y, u32 nzcv);
ir_value arm_cond(struct arm_ctx *c, enum arm_cond cond); /* i64 0 or 1 */
ir_value arm_carry(struct arm_ctx *c);                    /* i64 0 or 1 */
ir_value arm_nzcv_value(struct arm_ctx *c);               /* i64, bits 31..28 */

/* -- Memory. base: register 31 is SP, with its alignment check. mem: size and sign; the context adds endianness and
 * what SCTLR.A asks for. */
ir_value arm_base(struct arm_ctx *c, u32 n);
/* Writes back a base that was moved by so much. */
bool arm_move_base(struct arm_ctx *c, u32 n, ir_value v, s64 by);
unsigned arm_mem(const struct arm_ctx *c, unsigned mem);

/* A load of enum arm_load_sign: the i64 that the register will hold. */
ir_value arm_load(struct arm_ctx *c, unsigned mem, u32 sign, ir_value base, s32 offset);
/* Register offset; mext: option<2>, option<0>, S of the encoding; size: what S shifts by. */
ir_value arm_address_reg(struct arm_ctx *c, u32 n, u32 rm, u32 mext, u32 size);
/* Argument of the helpers for pairs of X registers: rt | rt2 << 8 | rs << 16, and: */
enum { ARM_PAIR_BIG = 1 << 24 };

/* -- Operands. The register extended (UXTB..SXTX) at a width; the mask of a logical immediate (N, immr, imms), false:
 * reserved. */
ir_value arm_extended(struct arm_ctx *c, u32 sf, u32 rm, u32 option);
bool arm_bitmask(u32 sf, u32 bitmask, u64 *out);

/* -- Vectors: the whole register; and its low element as float or integer, which when written clears the rest. */
/* ... of a part (vector.h): its value at the low end, the rest undefined; and only the part is written. */
ir_value arm_v_part(struct arm_ctx *c, u32 n);
bool arm_set_v_part(struct arm_ctx *c, u32 n, ir_value v);
bool arm_set_s_part(struct arm_ctx *c, u32 n, ir_value v); /* i64: its low word to an S register */
static inline ir_value arm_v(struct arm_ctx *c, u32 n)
{
    return n < 32 ? ir_get(c->b, ARM_SLOT_V + n) : arm_v_part(c, n);
}
static inline bool arm_set_v(struct arm_ctx *c, u32 n, ir_value v)
{
    if (n >= 32)
        return arm_set_v_part(c, n, v);
    ir_put(c->b, ARM_SLOT_V + n, v);
    return true;
}
/* Before anything that uses FP or SIMD registers: false when access traps; the exception is built, the unit ended, and
 * the caller returns true at once. */
bool must_check arm_fp_begin(struct arm_ctx *c);
/* Of an instruction of A32 or T32 that uses SIMD and FP registers: is it Advanced SIMD alone? */
bool arm_is_simd32(const struct arm_ctx *c);

/* -- Branch targets (trans_bti.c): before a unit's first instruction; and at BR and BLR by Xn. */
void arm_bti_check(struct arm_ctx *c);
void arm_bti_branch(struct arm_ctx *c, ir_value target, u32 n, bool link);

/* -- Calls. */
static inline ir_value arm_call(struct arm_ctx *c, enum arm_helper h, const ir_value *args)
{
    return ir_call(c->b, &arm_helpers[h], args);
}

/* -- Leaving. The instruction does nothing but raise: syndrome as ESR_ELx has it; the unit ends. */
void arm_raise(struct arm_ctx *c, u64 syndrome);
/* On to the next instruction by way of the engine: mode, context, interrupts or code may have changed. */
void arm_end_lookup(struct arm_ctx *c);
/* A jump to a register's value, tags removed as TBI says. */
void arm_jump(struct arm_ctx *c, ir_value target, enum ir_jump_hint hint);
/* The translation regime has addresses with bit 55 set and clear. */
bool arm_has_two_ranges(const struct arm_ctx *c);

#endif
