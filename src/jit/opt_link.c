/*
 * opt_link.c - a load-linked and the store-conditional that ends it become a load and a
 * compare-and-swap.
 *
 * This is exact, without the ABA hole, when no other memory access, call or fence stands between
 * the two: what is stored can then depend on memory only through the value loaded, so that a
 * store-conditional which a real reservation would have failed, but whose memory holds the same
 * value again, is indistinguishable from one that ran after those other stores. Leaving the unit in
 * between is harmless: the load made no reservation (one that goes to another store-conditional is
 * found out by atomic.c). All other pairs keep the reservations of
 * atomic.c.
 */
#include "jit/opt.h"

#include "cpu/cpu.h"

/* The load-linked that op i, a store-conditional, ends; or IR_NONE. */
static u32 partner(const struct ir_unit *u, u32 i)
{
    const struct ir_op *sc = &u->ops[i];
    for (u32 n = i; n-- > 0;) {
        const struct ir_op *op = &u->ops[n];
        if (op->op == IR_LOAD_LINKED)
            return op->a == sc->a && IR_MEM_BYTES(op->aux) == IR_MEM_BYTES(sc->aux) &&
                           IR_MEM_BYTES(sc->aux) <= (u->ops[sc->b].type == IR_I32 ? 4 : 8) &&
                           !((op->aux ^ sc->aux) & (IR_MEM_SIGNED | IR_MEM_BIG | IR_MEM_CONTEXT))
                       ? n
                       : IR_NONE;
        if (ir_op_info[op->op].flags & IR_OP_MEMORY || op->op == IR_CALL || op->op == IR_FENCE ||
            op->op == IR_TRAP_IF)
            return IR_NONE;
    }
    return IR_NONE;
}

/* Makes room for n ops at `at`; users of the values from `value` on use those n further. */
static void make_room(struct ir_unit *u, u32 at, u32 n, u32 value)
{
    for (u32 i = u->count; i-- > at;) {
        struct ir_op op = u->ops[i];
        unsigned values = ir_op_info[op.op].values;
        op.a += values & 1 && op.a >= value ? n : 0;
        op.b += values & 2 && op.b >= value ? n : 0;
        op.c += values & 4 && op.c >= value ? n : 0;
        u->ops[i + n] = op;
    }
    for (u32 i = 0; i < u->arg_count; i++)
        u->args[i] += u->args[i] >= value ? n : 0;
    u->count += n;
}

/* The compare-and-swap, and what says whether it stored. */
static void end_pair(struct ir_unit *u, u32 ll, u32 sc)
{
    struct ir_op *load = &u->ops[ll], *store = &u->ops[sc];
    make_room(u, sc + 1, 1, sc);
    u->ops[sc + 1] = (struct ir_op){.op = IR_CMP, .type = IR_I64, .aux = IR_NE, .a = sc, .b = ll};
    u16 aux = store->aux & (u16)~IR_MEM_UNASKED;
    *store = (struct ir_op){
        .op = IR_CAS, .type = load->type, .aux = aux, .a = store->a, .b = ll, .c = store->b};
}

/* The load; a reservation of before ends, as it does by every load-linked. */
static void begin_pair(struct ir_unit *u, u32 ll)
{
    make_room(u, ll, 2, ll);
    u->ops[ll] = (struct ir_op){.op = IR_CONST, .type = IR_I32};
    u->ops[ll + 1] = (struct ir_op){
        .op = IR_STORE_STATE, .type = IR_I32, .a = ll, .b = offsetof(struct cpu, linked)};
    struct ir_op *load = &u->ops[ll + 2];
    load->op = IR_LOAD;
    load->b = 0;
    load->aux |= IR_MEM_ALIGN | IR_MEM_ATOMIC;
}
enum { PAIR_OPS = 3 }; /* that a pair has more than before */

void opt_link(struct ir_unit *u, struct arena *arena)
{
    (void)arena;
    for (u32 i = 0; i < u->count && u->count + PAIR_OPS <= IR_MAX_OPS; i++) {
        u32 ll = u->ops[i].op == IR_STORE_COND ? partner(u, i) : IR_NONE;
        if (ll == IR_NONE || u->ops[ll].type != IR_I64)
            continue;
        end_pair(u, ll, i);
        begin_pair(u, ll);
    }
}
