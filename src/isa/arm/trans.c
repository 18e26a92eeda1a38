/*
 * trans.c - what the trans_*.c files share (trans.h): addresses, and the ways in which an
 * instruction leaves its unit.
 */
#include "isa/arm/trans.h"

/* ---- Memory ---- */

ir_value arm_base(struct arm_ctx *c, u32 n)
{
    ir_value base = arm_xsp(c, n);
    if (n != 31 || !c->sp_align || c->sp_checked)
        return base;
    ir_check(c->b, ir_andi(c->b, base, 15), &arm_helpers[ARM_HELPER_SP_ALIGNMENT], 0);
    c->sp_checked = true;
    return base;
}

bool arm_move_base(struct arm_ctx *c, u32 n, ir_value v, s64 by)
{
    bool checked = c->sp_checked && by % 16 == 0;
    arm_set_xsp(c, n, v);
    if (n == 31)
        c->sp_checked = checked;
    return true;
}

unsigned arm_mem(const struct arm_ctx *c, unsigned mem)
{
    return mem | (c->big_endian ? IR_MEM_BIG : 0) | (c->align ? IR_MEM_ALIGN : 0);
}

/* ---- Leaving ---- */

void arm_raise(struct arm_ctx *c, u64 syndrome)
{
    ir_call1(c->b, &arm_helpers[ARM_HELPER_RAISE], ir_const(c->b, syndrome));
    ir_exit_lookup(c->b);
}

void arm_end_lookup(struct arm_ctx *c)
{
    ir_put(c->b, ARM_SLOT_PC, ir_pc(c->b, c->next));
    ir_exit_lookup(c->b);
}

/* A translation regime of two ranges extends bit 55, one of a single range clears
 * ("AArch64.BranchAddr"). */
bool arm_has_two_ranges(const struct arm_ctx *c)
{
    return c->el < 2 || (c->el == 2 && c->e2h);
}

static ir_value without_tag(struct arm_ctx *c, ir_value target)
{
    struct ir_builder *b = c->b;
    ir_value low = ir_andi(b, target, BITS(55, 0));
    if (!arm_has_two_ranges(c))
        return low;
    ir_value extended = ir_sari(b, ir_shli(b, target, 8), 8);
    if (c->tbi == 3)
        return extended;
    ir_value upper = ir_andi(b, target, BIT(55));
    return c->tbi == 1 ? ir_select(b, upper, target, low) : ir_select(b, upper, extended, target);
}

void arm_jump(struct arm_ctx *c, ir_value target, enum ir_jump_hint hint)
{
    ir_exit_indirect(c->b, c->tbi ? without_tag(c, target) : target, hint);
}
