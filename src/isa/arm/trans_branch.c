/*
 * trans_branch.c - A64: branches. The condition flags' branches are comparisons (flags.c).
 *
 * A branch to a register loses the address's tag where TBI says so. Tags are rare in addresses of
 * code: the unit tests for one off the path of the jump, and a helper does the whole instruction
 * then.
 */
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

static u64 target_of(const struct arm_ctx *c, s32 off)
{
    return c->pc + (u64)(s64)off;
}

/*
 * A plain jump that the unit goes on behind. Only forward, as a unit covers its bytes from first to
 * last and must not loop inside; only near, as the bytes jumped over count as covered.
 */
static bool is_near(const struct arm_ctx *c, s32 off)
{
    enum { NEAR = 512, PAGE = 4096 };
    return off > 0 && off <= NEAR && (c->pc ^ target_of(c, off)) < PAGE;
}

bool arm_trans_a64_b(struct arm_ctx *c, const struct arm_arg_branch *a)
{
    if (is_near(c, a->off))
        c->next = target_of(c, a->off);
    else
        ir_exit_jump(c->b, target_of(c, a->off));
    return true;
}

bool arm_trans_a64_bl(struct arm_ctx *c, const struct arm_arg_branch *a)
{
    arm_set_x(c, 30, ir_pc(c->b, c->pc + c->length));
    ir_exit_jump(c->b, target_of(c, a->off));
    return true;
}

static bool branch_if(struct arm_ctx *c, ir_value cond, s32 off)
{
    u64 known;
    if (!ir_is_const(c->b, cond, &known))
        ir_skip_if(c->b, cond, target_of(c, off));
    else if (known)
        ir_exit_jump(c->b, target_of(c, off));
    return true;
}

bool arm_trans_a64_b_cond(struct arm_ctx *c, const struct arm_arg_bcond *a)
{
    return branch_if(c, arm_cond(c, (enum arm_cond)a->cond), a->off);
}

static bool compare_zero(struct arm_ctx *c, const struct arm_arg_cbz *a, enum ir_cond cond)
{
    ir_value v = arm_reg(c, a->sf, a->Rt), zero = a->sf ? ir_const(c->b, 0) : ir_const32(c->b, 0);
    return branch_if(c, ir_cmp(c->b, cond, v, zero), a->off);
}

bool arm_trans_a64_cbz(struct arm_ctx *c, const struct arm_arg_cbz *a)
{
    return compare_zero(c, a, IR_EQ);
}

bool arm_trans_a64_cbnz(struct arm_ctx *c, const struct arm_arg_cbz *a)
{
    return compare_zero(c, a, IR_NE);
}

static bool test_bit(struct arm_ctx *c, const struct arm_arg_tbz *a, enum ir_cond cond)
{
    ir_value v = ir_andi(c->b, arm_x(c, a->Rt), BIT(a->bit));
    return branch_if(c, ir_cmp(c->b, cond, v, ir_const(c->b, 0)), a->off);
}

bool arm_trans_a64_tbz(struct arm_ctx *c, const struct arm_arg_tbz *a)
{
    return test_bit(c, a, IR_EQ);
}

bool arm_trans_a64_tbnz(struct arm_ctx *c, const struct arm_arg_tbz *a)
{
    return test_bit(c, a, IR_NE);
}

/* ---- By register ---- */

/* Not 0 when the address is not as removing its tag would leave it. */
static ir_value is_tagged(struct arm_ctx *c, ir_value target)
{
    struct ir_builder *b = c->b;
    if (c->el == 0 || !arm_has_two_ranges(c))
        return ir_shri(b, target, 56);
    ir_value extended = ir_sari(b, ir_shli(b, target, 8), 8);
    return ir_cmp(b, IR_NE, extended, target);
}

enum { NO_LINK = 31 };

static bool branch_register(struct arm_ctx *c, u32 n, u32 link, enum ir_jump_hint hint)
{
    ir_value target = arm_x(c, n);
    if (c->tbi)
        ir_trap_if(c->b, is_tagged(c, target), &arm_helpers[ARM_HELPER_BRANCH_TAGGED],
                   n | link << 8);
    if (hint != IR_JUMP_RETURN)
        arm_bti_branch(c, target, n, link != NO_LINK);
    if (link != NO_LINK)
        arm_set_x(c, link, ir_pc(c->b, c->pc + c->length));
    ir_exit_indirect(c->b, target, hint);
    return true;
}

bool arm_trans_a64_br(struct arm_ctx *c, const struct arm_arg_br *a)
{
    return branch_register(c, a->Rn, NO_LINK, IR_JUMP_PLAIN);
}

bool arm_trans_a64_blr(struct arm_ctx *c, const struct arm_arg_br *a)
{
    return branch_register(c, a->Rn, 30, IR_JUMP_CALL);
}

bool arm_trans_a64_ret(struct arm_ctx *c, const struct arm_arg_br *a)
{
    return branch_register(c, a->Rn, NO_LINK, IR_JUMP_RETURN);
}
