/*
 * opt_loop.c - a unit that jumps to its own start gets its guest registers there.
 *
 * A back end that finds gets before the first insn op keeps those slots in host registers around the loop: they are
 * loaded once, before it, and stored where it is left. So also slots that the loop only puts are got, or they would be
 * stored each time around. Loops with calls are left as they are: C wants the slots in memory.
 */
#include "cpu/isa.h"
#include "jit/build.h"
#include "jit/opt.h"

/* Of each class of host registers: the loop's body needs some for itself. */
enum { MOST_INTEGER = 9, MOST_VECTOR = 11 };

struct loop_slots {
    u16 weight[IR_MAX_SLOTS]; /* how often ops name the slot; 0 again when it is chosen */
    u32 get[IR_MAX_SLOTS];    /* its get, or IR_NONE */
    u8 chosen[MOST_INTEGER + MOST_VECTOR];
    u32 count;
};

static bool goes_back(const struct ir_unit *u, const struct ir_op *op)
{
    return (op->op == IR_EXIT_JUMP && ir_imm(op) == u->pc) || (op->op == IR_EXIT_IF && ir_exit_imm(op) == u->pc);
}

/* The loop's ops are those before this number; 0: none, or C is called there. */
static u32 loop_end(const struct ir_unit *u)
{
    u32 end = 0;
    bool calls = false;
    for (u32 i = 0; i < u->count && !calls; i++) {
        calls = u->ops[i].op == IR_CALL;
        if (goes_back(u, &u->ops[i]))
            end = i + 1;
    }
    return end;
}

static void survey(const struct ir_unit *u, u32 end, struct loop_slots *l)
{
    memset(l->weight, 0, sizeof(l->weight));
    memset(l->get, 0xff, sizeof(l->get));
    l->count = 0;
    for (u32 i = 0; i < end; i++) {
        const struct ir_op *op = &u->ops[i];
        if (op->op == IR_PUT) {
            l->weight[op->b]++;
        } else if (op->op == IR_GET) {
            l->weight[op->a] += 2;
            l->get[op->a] = i;
        }
    }
    l->weight[u->isa->pc_slot] = 0;
}

static bool is_vector(const struct ir_unit *u, u32 slot)
{
    unsigned type = u->isa->slots[slot].type;
    return type == IR_F32 || type == IR_F64 || type == IR_V128;
}

/* The heaviest slots of a class. */
static void choose(const struct ir_unit *u, struct loop_slots *l, bool vector, u32 most)
{
    for (u32 n = 0; n < most; n++) {
        u32 best = IR_MAX_SLOTS;
        for (u32 s = 0; s < u->isa->slot_count; s++) {
            if (l->weight[s] && is_vector(u, s) == vector && (best == IR_MAX_SLOTS || l->weight[s] > l->weight[best]))
                best = s;
        }
        if (best == IR_MAX_SLOTS)
            return;
        l->weight[best] = 0;
        l->chosen[l->count++] = (u8)best;
    }
}

/* The gets to the front, then the rest in its order. */
static void rebuild(struct ir_unit *u, struct arena *arena, const struct loop_slots *l)
{
    struct ir_op *ops = arena_alloc(arena, u->count * sizeof(*ops));
    u32 *map = arena_alloc(arena, u->count * sizeof(*map)), count = l->count, old = u->count;
    memcpy(ops, u->ops, u->count * sizeof(*ops));
    for (u32 i = 0; i < old; i++)
        map[i] = IR_NONE;
    for (u32 n = 0; n < l->count; n++) {
        u32 s = l->chosen[n];
        u->ops[n] = (struct ir_op){.op = IR_GET, .type = u->isa->slots[s].type, .a = s};
        if (l->get[s] != IR_NONE)
            map[l->get[s]] = n;
    }
    for (u32 i = 0; i < old; i++) {
        if (map[i] != IR_NONE)
            continue;
        struct ir_op op = ops[i];
        unsigned values = ir_op_info[op.op].values;
        op.a = values & 1 ? map[op.a] : op.a;
        op.b = values & 2 ? map[op.b] : op.b;
        op.c = values & 4 ? map[op.c] : op.c;
        if (op.op == IR_CALL)
            for (u32 n = 0; n < op.aux; n++)
                u->args[op.b + n] = map[u->args[op.b + n]];
        map[i] = count;
        u->ops[count++] = op;
    }
    u->count = count;
}

void opt_loop(struct ir_unit *u, struct arena *arena)
{
    struct loop_slots l;
    u32 end = loop_end(u);
    if (!end || u->count + MOST_INTEGER + MOST_VECTOR > IR_MAX_OPS)
        return;
    survey(u, end, &l);
    choose(u, &l, false, MOST_INTEGER);
    choose(u, &l, true, MOST_VECTOR);
    rebuild(u, arena, &l);
}
