/*
 * build_choose.c - code that a condition jumps over becomes a choice of its results.
 *
 * A branch over one or two instructions that only compute is as often guessed wrong as not: compilers for instruction sets
 * without a conditional move have no other way to say "the greater of two". The branch is built as one; where code at its
 * target goes on in the same unit, and nothing between has an effect, it is taken back: what was put between is chosen, old
 * where the condition holds, else new. Instructions that were jumped over are executed then, without anybody seeing it.
 */
#include "jit/build.h"

#include "cpu/isa.h"

enum {
    CHOICE_OPS = 12,  /* more work than this is better jumped over */
    SKIP_BYTES = 16,  /* of the branch and what it jumps over */
    SKIP_SLOTS = 2,
};

bool ir_only_computes(const struct ir_unit *u, u32 first)
{
    unsigned work = 0;
    for (u32 i = first; i < u->count; i++) {
        const struct ir_op *op = &u->ops[i];
        if (op->op == IR_PUT || op->op == IR_GET || op->op == IR_CONST || op->op == IR_INSN)
            continue;
        bool dear = op->op >= IR_DIVS && op->op <= IR_REMU;
        if (dear || !ir_op_is_pure(op->op) || ++work > CHOICE_OPS)
            return false;
    }
    return true;
}

static void drop(struct ir_op *op)
{
    *op = (struct ir_op){.op = IR_CONST, .type = IR_I64}; /* unused */
}

/* Later puts of a slot between would see it as it was before. */
static void drop_puts(struct ir_unit *u, u32 slot, u32 from, u32 end)
{
    for (u32 i = from; i < end; i++) {
        if (u->ops[i].op == IR_PUT && u->ops[i].b == slot)
            drop(&u->ops[i]);
    }
}

/* The slot as it was before the op `first`. */
static ir_value value_before(struct ir_builder *b, u32 slot, u32 first, u32 end, ir_value known)
{
    for (u32 i = first; known == IR_NONE && i < end; i++) {
        if (b->unit->ops[i].op == IR_GET && b->unit->ops[i].a == slot)
            known = i;
    }
    b->slot[slot] = known;
    return ir_get(b, slot);
}

void ir_choose(struct ir_builder *b, u32 first, const ir_value *before, ir_value cond, bool holds)
{
    u32 end = b->unit->count;
    for (u32 i = first; i < end; i++) {
        const struct ir_op *op = &b->unit->ops[i];
        if (op->op != IR_PUT)
            continue;
        u32 slot = op->b;
        ir_value new = b->slot[slot];
        drop_puts(b->unit, slot, i, end);
        ir_value old = value_before(b, slot, first, end, before[slot]);
        if (new != old)
            ir_put(b, slot, holds ? ir_select(b, cond, new, old) : ir_select(b, cond, old, new));
    }
}

/* ---- Branches -------------------------------------------------------------------------------- */

void ir_skip_if(struct ir_builder *b, ir_value cond, u64 pc)
{
    u32 at = b->unit->count;
    ir_exit_if(b, cond, pc);
    if (pc <= b->pc || pc - b->pc > SKIP_BYTES || b->unit->count == at)
        return;
    b->skip = (struct ir_skip){.pc = pc, .op = b->unit->count - 1, .cond = cond};
    memcpy(b->skip_slot, b->slot, b->unit->isa->slot_count * sizeof(b->slot[0]));
}

/* Integer registers only, and few: others are chosen by a branch. */
static bool few_puts(const struct ir_unit *u, u32 first)
{
    u32 slots[SKIP_SLOTS], count = 0;
    for (u32 i = first; i < u->count; i++) {
        const struct ir_op *op = &u->ops[i];
        u32 n = 0;
        if (op->op != IR_PUT)
            continue;
        while (n < count && slots[n] != op->b)
            n++;
        if (n == SKIP_SLOTS || op->type > IR_I64)
            return false;
        slots[n] = op->b;
        count = MAX(count, n + 1);
    }
    return true;
}

void ir_skip_close(struct ir_builder *b)
{
    u32 first = b->skip.op + 1;
    b->skip.pc = IR_NO_SKIP;
    if (!ir_only_computes(b->unit, first) || !few_puts(b->unit, first))
        return;
    drop(&b->unit->ops[first - 1]);
    ir_choose(b, first, b->skip_slot, b->skip.cond, false);
}
