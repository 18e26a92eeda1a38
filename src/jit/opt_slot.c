/*
 * opt_slot.c - drops puts that nothing sees: the slot is put again before any op that leaves, reads
 * the state, or gets it.
 *
 * One scan backward with the set of slots that are certainly overwritten before they are seen. An
 * insn op overwrites the pc slot, and so do the exits that name their target. A call that only
 * writes state (IR_FX_WRITE without READ) sees nothing, but it does not overwrite for certain
 * either: the set goes through it unchanged.
 */
#include "jit/opt.h"

#include "cpu/isa.h"
#include "jit/build.h"

struct slot_set {
    u64 word[IR_MAX_SLOTS / 64];
};

static bool has(const struct slot_set *s, u32 slot)
{
    return s->word[slot / 64] >> (slot % 64) & 1;
}

static void add(struct slot_set *s, u32 slot)
{
    s->word[slot / 64] |= BIT(slot % 64);
}

static void take(struct slot_set *s, u32 slot)
{
    s->word[slot / 64] &= ~BIT(slot % 64);
}

/* Whether op sees the slots as they are before it. */
static bool sees_state(const struct ir_unit *u, const struct ir_op *op)
{
    if (op->op == IR_CALL)
        return ir_call_effects(u, op) & IR_FX_READ;
    return ir_op_info[op->op].flags & IR_OP_EXITS;
}

void opt_slot(struct ir_unit *u, struct arena *arena)
{
    struct slot_set covered = {0};
    u8 *keep = arena_alloc(arena, u->count);
    u32 dropped = 0, pc_slot = u->isa->pc_slot;
    for (u32 i = u->count; i-- > 0;) {
        const struct ir_op *op = &u->ops[i];
        keep[i] = 1;
        if (op->op == IR_PUT) {
            keep[i] = !has(&covered, op->b);
            dropped += !keep[i];
            add(&covered, op->b);
        } else if (op->op == IR_GET) {
            take(&covered, op->a);
        } else if (sees_state(u, op)) {
            covered = (struct slot_set){0};
        }
        if (op->op == IR_INSN || op->op == IR_EXIT_JUMP || op->op == IR_EXIT_INDIRECT)
            add(&covered, pc_slot);
    }
    if (dropped)
        opt_compact(u, arena, keep);
}
