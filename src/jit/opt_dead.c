/*
 * opt_dead.c - drops what opt_live.h finds not needed: puts that nothing sees, operations whose result nothing uses.
 */
#include "jit/opt.h"

#include "jit/opt_live.h"

/* used[u->count] takes the marks of operands that are no values. */
static void mark_operands(const struct ir_unit *u, const struct ir_op *op, u8 *used)
{
    unsigned values = ir_op_info[op->op].values;
    used[values & 1 ? op->a : u->count] = 1;
    used[values & 2 ? op->b : u->count] = 1;
    used[values & 4 ? op->c : u->count] = 1;
    if (op->op == IR_CALL)
        for (u32 n = 0; n < op->aux; n++)
            used[u->args[op->b + n]] = 1;
}

void opt_dead(struct ir_unit *u, struct arena *arena)
{
    u8 *keep = arena_zalloc(arena, u->count + 1);
    struct ir_live live;
    u32 kept = 0;
    ir_live_begin(&live, u);
    for (u32 i = u->count; i-- > 0;) {
        const struct ir_op *op = &u->ops[i];
        keep[i] = ir_live_step(&live, u, op, keep[i]);
        if (!keep[i])
            continue;
        kept++;
        mark_operands(u, op, keep);
    }
    if (kept != u->count)
        opt_compact(u, arena, keep);
}
