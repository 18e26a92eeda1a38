/*
 * trans32_branch.c - A32 and T32: branches. The conditional ones of A32 and of IT blocks are made
 * conditional by translate32.c.
 *
 * Inside of an IT block a branch is the last instruction; elsewhere in it, it is UNPREDICTABLE: it
 * ends the block. What is a branch in disguise (loads to r15, data processing) is with its kind.
 */
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

static u32 target_of(const struct arm_ctx *c, s32 off)
{
    return (u32)c->pc + (u32)off;
}

/* As in trans_branch.c: a plain jump that the unit goes on behind. */
static bool is_near(const struct arm_ctx *c, s32 off)
{
    enum { NEAR = 512, PAGE = 4096 };
    return off > 0 && off <= NEAR && (c->pc ^ target_of(c, off)) < PAGE && !arm_in_it(c);
}

static bool branch(struct arm_ctx *c, s32 off)
{
    if (is_near(c, off))
        c->next = target_of(c, off);
    else
        arm_branch_to(c, target_of(c, off), c->thumb);
    return true;
}

static void set_link(struct arm_ctx *c)
{
    u32 next = (u32)c->pc + c->length;
    arm_set_r(c, ARM_R14, ir_const(c->b, next | c->thumb));
}

bool arm_trans_a32_b(struct arm_ctx *c, const struct arm_arg_abranch *a)
{
    return branch(c, a->off);
}

/* Has a condition of its own. */
bool arm_trans_a32_b_cond(struct arm_ctx *c, const struct arm_arg_tbcond *a)
{
    if (c->it)
        return false;
    ir_value cond = arm_cond(c, (enum arm_cond)a->cond);
    u64 known;
    if (!ir_is_const(c->b, cond, &known))
        ir_exit_if(c->b, cond, target_of(c, a->off));
    else if (known)
        ir_exit_jump(c->b, target_of(c, a->off));
    return true;
}

bool arm_trans_a32_bl(struct arm_ctx *c, const struct arm_arg_abranch *a)
{
    set_link(c);
    arm_branch_to(c, target_of(c, a->off), c->thumb);
    return true;
}

/* I1 = NOT(J1 EOR S), and I2. From the instruction, whose r15 is 4 ahead. */
s32 arm_wide_offset(s32 raw)
{
    return (raw < 0 ? raw : raw ^ 0xc00000) + 4;
}

bool arm_trans_a32_b_wide(struct arm_ctx *c, const struct arm_arg_abranch *a)
{
    return branch(c, arm_wide_offset(a->off));
}

bool arm_trans_a32_bl_wide(struct arm_ctx *c, const struct arm_arg_abranch *a)
{
    set_link(c);
    arm_branch_to(c, target_of(c, arm_wide_offset(a->off)), c->thumb);
    return true;
}

/* To A32. */
bool arm_trans_a32_blx_wide(struct arm_ctx *c, const struct arm_arg_abranch *a)
{
    set_link(c);
    arm_branch_to(c, target_of(c, arm_wide_offset(a->off)) & ~3u, false);
    return true;
}

/* To T32. */
bool arm_trans_a32_blx_imm(struct arm_ctx *c, const struct arm_arg_ablx *a)
{
    set_link(c);
    arm_branch_to(c, target_of(c, a->off), true);
    return true;
}

bool arm_trans_a32_bx(struct arm_ctx *c, const struct arm_arg_abx *a)
{
    return arm_write_pc_bx(c, arm_r(c, a->Rm), a->Rm == ARM_R14 ? IR_JUMP_RETURN : IR_JUMP_PLAIN);
}

bool arm_trans_a32_blx_reg(struct arm_ctx *c, const struct arm_arg_abx *a)
{
    if (a->Rm == ARM_R15)
        return false;
    ir_value target = arm_r(c, a->Rm);
    set_link(c);
    return arm_write_pc_bx(c, target, IR_JUMP_CALL);
}

bool arm_trans_a32_cbz(struct arm_ctx *c, const struct arm_arg_tcbz *a)
{
    if (c->it)
        return false;
    ir_value v = arm_r(c, a->Rn), zero = ir_const32(c->b, 0);
    ir_exit_if(c->b, ir_cmp(c->b, a->nz ? IR_NE : IR_EQ, v, zero), target_of(c, a->off));
    return true;
}

/* Table of halfwords, or bytes, that count halfwords from r15 on. */
bool arm_trans_a32_tb(struct arm_ctx *c, const struct arm_arg_ttb *a)
{
    if (a->Rm == ARM_R15 || a->Rm == ARM_R13)
        return false;
    struct ir_builder *b = c->b;
    ir_value index = ir_shli(b, arm_r(c, a->Rm), a->half);
    ir_value addr = arm_widen(c, ir_add(b, arm_r(c, a->Rn), index));
    ir_value n = ir_load(b, IR_I32, arm_mem(c, a->half), addr, 0);
    ir_value target = ir_addi(b, ir_shli(b, n, 1), (s32)arm_pc_value(c));
    return arm_write_pc_branch(c, target);
}

/* ---- Nothing, and conditions for what follows ---- */

bool arm_trans_a32_nop(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return true;
}

/* A condition that always holds has no opposite. */
bool arm_trans_a32_it(struct arm_ctx *c, const struct arm_arg_tit *a)
{
    bool is_single = !(a->itmask & (a->itmask - 1));
    if (c->it || a->firstcond == ARM_NV || (a->firstcond == ARM_AL && !is_single))
        return false;
    c->it = (u8)(a->firstcond << 4 | a->itmask);
    return true;
}
