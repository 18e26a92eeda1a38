/*
 * opt.c - the passes in their order, and the renumbering that they share.
 *
 * Each pass is a scan or two of constant work an op: they stand on the translation path. Folding
 * (opt_fold.c) is not here: the builder does it.
 */
#include "jit/opt.h"

#include <stdio.h>

#include "base/err.h"

const struct ir_pass ir_passes[] = {
    {"link", "make load-linked and store-conditional one compare-and-swap", opt_link, IR_MAY_PAIR},
    {"dead", "drop writes and results that nothing sees", opt_dead, IR_MAY_ANY},
    {"loop", "get guest registers at the start of a unit that jumps back to it", opt_loop, IR_MAY_LOOP},
    {NULL},
};

/* An operand's new number; what is no value stays. Reads the map either way: a branch on the op's
 * shape would often be guessed wrong. */
static u32 renumbered(const u32 *map, u32 none, bool is_value, u32 field)
{
    u32 index = map[is_value ? field : none];
    return is_value ? index : field;
}

void opt_compact(struct ir_unit *u, struct arena *arena, const u8 *keep)
{
    u32 *map = arena_alloc(arena, (u->count + 1) * sizeof(*map));
    u32 count = 0, none = u->count;
    map[none] = 0;
    for (u32 i = 0; i < u->count; i++) {
        if (!keep[i])
            continue;
        struct ir_op op = u->ops[i];
        unsigned values = ir_op_info[op.op].values;
        op.a = renumbered(map, none, values & 1, op.a);
        op.b = renumbered(map, none, values & 2, op.b);
        op.c = renumbered(map, none, values & 4, op.c);
        if (op.op == IR_CALL)
            for (u32 n = 0; n < op.aux; n++)
                u->args[op.b + n] = map[u->args[op.b + n]];
        map[i] = count;
        u->ops[count++] = op;
    }
    u->count = count;
}

/* A unit that does not verify is a bug of the front end or of the pass named. */
static void verify_after(const struct ir_unit *u, const char *pass)
{
#ifdef GUISE_DEBUG
    struct err err;
    if (ir_verify(u, &err)) {
        fprintf(stderr, "IR after %s: %s\n", pass, err.text);
        ir_print(stderr, u);
        assert(!"the unit verifies");
    }
#else
    (void)u, (void)pass;
#endif
}

void ir_optimize(struct ir_unit *u, struct arena *arena, u32 passes)
{
    verify_after(u, "front end");
    for (unsigned i = 0; ir_passes[i].name; i++) {
        if (!(passes >> i & 1) || !(u->may & ir_passes[i].when))
            continue;
        ir_passes[i].run(u, arena);
        verify_after(u, ir_passes[i].name);
    }
}
