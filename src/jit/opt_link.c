/*
 * opt_link.c - a load-linked and the store-conditional that ends it become a load and a
 * compare-and-swap.
 *
 * This is exact, without the ABA hole, when no other memory access, call or fence stands between
 * the two: what is stored can then depend on memory only through the value loaded, so that a
 * store-conditional which a real reservation would have failed, but whose memory holds the same
 * value again, is indistinguishable from one that ran after those other stores. Leaving the unit in
 * between is harmless: the load made no reservation. All other pairs keep the reservations of
 * atomic.c.
 */
#include "jit/opt.h"

/* The load-linked that op i, a store-conditional, ends; or IR_NONE. */
static u32 partner(const struct ir_unit *u, u32 i)
{
    const struct ir_op *sc = &u->ops[i];
    for (u32 n = i; n-- > 0;) {
        const struct ir_op *op = &u->ops[n];
        if (op->op == IR_LOAD_LINKED)
            return op->a == sc->a && IR_MEM_BYTES(op->aux) == IR_MEM_BYTES(sc->aux) &&
                           op->type == u->ops[sc->b].type &&
                           !((op->aux ^ sc->aux) & (IR_MEM_SIGNED | IR_MEM_BIG | IR_MEM_CONTEXT))
                       ? n
                       : IR_NONE;
        if (ir_op_info[op->op].flags & IR_OP_MEMORY || op->op == IR_CALL || op->op == IR_FENCE ||
            op->op == IR_TRAP_IF)
            return IR_NONE;
    }
    return IR_NONE;
}

/* Makes room behind op i; what used the result of i uses the new op's. */
static void insert_after(struct ir_unit *u, u32 i)
{
    for (u32 n = u->count; n-- > i + 1;) {
        struct ir_op op = u->ops[n];
        unsigned values = ir_op_info[op.op].values;
        op.a += values & 1 && op.a >= i;
        op.b += values & 2 && op.b >= i;
        op.c += values & 4 && op.c >= i;
        u->ops[n + 1] = op;
    }
    for (u32 n = 0; n < u->arg_count; n++)
        u->args[n] += u->args[n] >= i;
    u->count++;
}

static void pair(struct ir_unit *u, u32 ll, u32 sc)
{
    struct ir_op *load = &u->ops[ll], *store = &u->ops[sc];
    insert_after(u, sc);
    u->ops[sc + 1] = (struct ir_op){.op = IR_CMP, .type = IR_I64, .aux = IR_NE, .a = sc, .b = ll};
    *store = (struct ir_op){
        .op = IR_CAS, .type = load->type, .aux = store->aux, .a = store->a, .b = ll, .c = store->b};
    load->op = IR_LOAD;
    load->b = 0;
    load->aux |= IR_MEM_ALIGN | IR_MEM_ATOMIC;
}

void opt_link(struct ir_unit *u, struct arena *arena)
{
    (void)arena;
    for (u32 i = 0; i < u->count && u->count < IR_MAX_OPS; i++) {
        u32 ll = u->ops[i].op == IR_STORE_COND ? partner(u, i) : IR_NONE;
        if (ll != IR_NONE && u->ops[ll].type == IR_I64)
            pair(u, ll, i);
    }
}
