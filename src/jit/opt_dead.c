/*
 * opt_dead.c - drops operations whose result nothing uses: one scan backward from the effects.
 *
 * What may fault stays, used or not: a load's page fault is part of what the guest sees. A call
 * stays unless its helper is declared pure.
 */
#include "jit/opt.h"

#include "cpu/isa.h"

static bool has_effect(const struct ir_unit *u, const struct ir_op *op)
{
    if (op->op == IR_CALL)
        return !(ir_call_effects(u, op) & IR_FX_PURE);
    return ir_op_info[op->op].flags & (IR_OP_EFFECT | IR_OP_EXITS);
}

/* live[u->count] takes the marks of operands that are no values. */
static void mark_operands(const struct ir_unit *u, const struct ir_op *op, u8 *live)
{
    unsigned values = ir_op_info[op->op].values;
    live[values & 1 ? op->a : u->count] = 1;
    live[values & 2 ? op->b : u->count] = 1;
    live[values & 4 ? op->c : u->count] = 1;
    if (op->op == IR_CALL)
        for (u32 n = 0; n < op->aux; n++)
            live[u->args[op->b + n]] = 1;
}

void opt_dead(struct ir_unit *u, struct arena *arena)
{
    u8 *live = arena_zalloc(arena, u->count + 1);
    u32 kept = 0;
    for (u32 i = u->count; i-- > 0;) {
        const struct ir_op *op = &u->ops[i];
        if (!live[i] && !has_effect(u, op))
            continue;
        live[i] = 1;
        kept++;
        mark_operands(u, op, live);
    }
    if (kept != u->count)
        opt_compact(u, arena, live);
}
