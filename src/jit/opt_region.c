/*
 * opt_region.c - the blocks of a region, or of a unit that jumps to its own start, get the same
 * guest registers first.
 *
 * A back end that finds gets before the first insn op keeps those slots in host registers at every
 * head (of several blocks each begins with the same): they are loaded once, before the region is
 * entered, and stored where it is left. So also slots that are only put are got, or they would be
 * stored each time around. A loop of one unit with calls is left as it is: C wants the slots in
 * memory.
 */
#include "cpu/isa.h"
#include "jit/build.h"
#include "jit/opt.h"

/* Of each class of host registers: the body needs some for itself. */
enum { MOST_INTEGER = 9, MOST_VECTOR = OPT_REGION_GETS - MOST_INTEGER };

struct region_slots {
    u64 weight[IR_MAX_SLOTS]; /* how often ops name the slot; 0 again when it is chosen */
    u8 chosen[MOST_INTEGER + MOST_VECTOR];
    u32 count;
};

static bool is_end_of_gets(const struct ir_op *op)
{
    return op->op == IR_CALL; /* later ones read what C left in memory */
}

static void survey(const struct ir_unit *u, u32 end, u64 weight, struct region_slots *r)
{
    for (u32 i = 0; i < end; i++) {
        const struct ir_op *op = &u->ops[i];
        if (op->op == IR_PUT)
            r->weight[op->b] += weight;
        else if (op->op == IR_GET)
            r->weight[op->a] += 2 * weight;
    }
    r->weight[u->isa->pc_slot] = 0;
}

static bool is_vector(const struct isa *isa, u32 slot)
{
    unsigned type = isa->slots[slot].type;
    return type == IR_F32 || type == IR_F64 || type == IR_V128;
}

/* The heaviest slots of a class. */
static void choose(const struct isa *isa, struct region_slots *r, bool vector, u32 most)
{
    for (u32 n = 0; n < most; n++) {
        u32 best = IR_MAX_SLOTS;
        for (u32 s = 0; s < isa->slot_count; s++) {
            if (r->weight[s] && is_vector(isa, s) == vector &&
                (best == IR_MAX_SLOTS || r->weight[s] > r->weight[best]))
                best = s;
        }
        if (best == IR_MAX_SLOTS)
            return;
        r->weight[best] = 0;
        r->chosen[r->count++] = (u8)best;
    }
}

/* The chosen slots' gets that come before any call: which of the first ops stands for them. */
static void find_gets(const struct ir_unit *u, const struct region_slots *r, u32 *map)
{
    memset(map, 0xff, u->count * sizeof(*map));
    for (u32 i = 0; i < u->count && !is_end_of_gets(&u->ops[i]); i++) {
        for (u32 n = 0; u->ops[i].op == IR_GET && n < r->count; n++) {
            if (r->chosen[n] == u->ops[i].a)
                map[i] = n;
        }
    }
}

/* The gets to the front, then the rest in its order. */
static void rebuild(struct ir_unit *u, struct arena *arena, const struct region_slots *r)
{
    struct ir_op *ops = arena_alloc(arena, (u->count + r->count) * sizeof(*ops));
    u32 *map = arena_alloc(arena, u->count * sizeof(*map)), count = r->count;
    find_gets(u, r, map);
    for (u32 n = 0; n < r->count; n++)
        ops[n] = (struct ir_op){
            .op = IR_GET, .type = u->isa->slots[r->chosen[n]].type, .a = r->chosen[n]};
    for (u32 i = 0; i < u->count; i++) {
        if (map[i] != IR_NONE)
            continue;
        struct ir_op op = u->ops[i];
        unsigned values = ir_op_info[op.op].values;
        op.a = values & 1 ? map[op.a] : op.a;
        op.b = values & 2 ? map[op.b] : op.b;
        op.c = values & 4 ? map[op.c] : op.c;
        if (op.op == IR_CALL)
            for (u32 n = 0; n < op.aux; n++)
                u->args[op.b + n] = map[u->args[op.b + n]];
        map[i] = count;
        ops[count++] = op;
    }
    u->ops = ops;
    u->count = count;
}

bool opt_region(struct opt_block *blocks, u32 count, struct arena *arena)
{
    const struct isa *isa = blocks[0].ir->isa;
    struct region_slots r = {.count = 0};
    for (u32 n = 0; n < count; n++)
        survey(blocks[n].ir, blocks[n].end, blocks[n].weight, &r);
    choose(isa, &r, false, MOST_INTEGER);
    choose(isa, &r, true, MOST_VECTOR);
    for (u32 n = 0; n < count && r.count; n++)
        rebuild(blocks[n].ir, arena, &r);
    return r.count;
}

static bool goes_back(const struct ir_unit *u, const struct ir_op *op)
{
    return (op->op == IR_EXIT_JUMP && ir_imm(op) == u->pc) ||
           (op->op == IR_EXIT_IF && ir_exit_imm(op) == u->pc);
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

void opt_loop(struct ir_unit *u, struct arena *arena)
{
    struct opt_block block = {.ir = u, .end = loop_end(u), .weight = 1};
    if (block.end && u->count + OPT_REGION_GETS <= IR_MAX_OPS)
        opt_region(&block, 1, arena);
}
