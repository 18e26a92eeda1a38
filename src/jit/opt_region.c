/*
 * opt_region.c - the blocks of a region, or of a unit that jumps to its own start, get the same
 * guest registers first.
 *
 * A back end that finds gets before the first insn op keeps those slots in host registers at every
 * head (of several blocks each begins with the same): they are loaded once, before the region is
 * entered, and stored where it is left. So also slots that are only put are got, or they would be
 * stored each time around. A loop of one unit with calls is left as it is: C wants the slots in
 * memory.
 *
 * What is known of slots there (opt_facts.c) is put next. A loop's head then has another form without (ir->entry), for those who
 * come from before the loop.
 */
#include "cpu/isa.h"
#include "jit/build.h"
#include "jit/opt.h"

/* Of each class of host registers: the body needs some for itself. */
enum { MOST_INTEGER = 9, MOST_VECTOR = OPT_REGION_GETS - MOST_INTEGER };

struct region_slots {
    u64 weight[IR_MAX_SLOTS]; /* how often ops name the slot; 0 again when it is chosen */
    bool got[IR_MAX_SLOTS];   /* ... to read it where it is not known */
    u8 chosen[MOST_INTEGER + MOST_VECTOR];
    u32 count;
};

static bool is_end_of_gets(const struct ir_op *op)
{
    return op->op == IR_CALL; /* later ones read what C left in memory */
}

static bool knows(const struct opt_block *b, u32 slot)
{
    for (u32 k = 0; k < b->facts; k++) {
        if (b->fact[k].slot == slot && b->fact[k].kind != OPT_BOXED)
            return true;
    }
    return false;
}

static bool is_boxed(const struct opt_block *b, u32 slot)
{
    for (u32 k = 0; k < b->facts; k++) {
        if (b->fact[k].slot == slot && b->fact[k].kind == OPT_BOXED)
            return true;
    }
    return false;
}

static bool is_passed(const struct opt_block *b, u32 i)
{
    for (u32 k = 0; k < b->passed; k++) {
        if (b->pass[k] == i)
            return true;
    }
    return false;
}

static void survey(const struct opt_block *b, struct region_slots *r)
{
    for (u32 i = 0; i < b->end; i++) {
        const struct ir_op *op = &b->ir->ops[i];
        if (op->op == IR_PUT) {
            r->weight[op->b] += b->weight;
        } else if (op->op == IR_GET) {
            r->weight[op->a] += 2 * b->weight;
            r->got[op->a] |= !knows(b, op->a);
        }
    }
    r->weight[b->ir->isa->pc_slot] = 0;
}

static bool is_vector(const struct isa *isa, u32 slot)
{
    unsigned type = isa->slots[slot].type;
    return type == IR_F32 || type == IR_F64 || type == IR_V128;
}

/* Slots that are known wherever a loop begins need no register, if none of the blocks asks for them. */
static void pass_over_known(const struct opt_block *blocks, u32 count, struct region_slots *r)
{
    for (u32 k = 0; k < blocks[0].facts; k++) {
        u32 slot = blocks[0].fact[k].slot;
        bool everywhere = !r->got[slot];
        for (u32 n = 0; n < count && everywhere; n++)
            everywhere = !blocks[n].door || knows(&blocks[n], slot);
        if (everywhere)
            r->weight[slot] = 0;
    }
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

static u32 chosen_place(const struct region_slots *r, u32 slot)
{
    u32 n = 0;
    while (n < r->count && r->chosen[n] != slot)
        n++;
    return n;
}

/* Facts about slots that are not chosen after all need code to hold: they are none. */
static void keep_facts(struct opt_block *b, const struct region_slots *r)
{
    u32 count = 0;
    for (u32 k = 0; k < b->facts; k++) {
        if (b->fact[k].kind != OPT_SAME || chosen_place(r, b->fact[k].of) < r->count)
            b->fact[count++] = b->fact[k];
    }
    b->facts = count;
}

/* Puts what is known; map: the value of each slot then. */
static u32 put_facts(const struct opt_block *b, const struct region_slots *r, struct ir_op *ops, u32 count, u32 *map)
{
    for (u32 k = 0; k < b->facts; k++) {
        const struct opt_fact *f = &b->fact[k];
        u32 v = f->kind == OPT_SAME ? chosen_place(r, f->of) : count;
        if (f->kind == OPT_BOXED)
            continue;
        if (f->kind == OPT_CONST)
            ops[count++] = (struct ir_op){.op = IR_CONST, .type = IR_I64, .a = (u32)f->value, .b = f->value >> 32};
        ops[count++] = (struct ir_op){.op = IR_PUT, .type = IR_I64, .a = v, .b = f->slot};
        map[f->slot] = v;
    }
    return count;
}

/* Gets that come before any call and whose values are there already: which of the first ops stands for them. */
static void find_gets(const struct ir_unit *u, const u32 *slots, u32 *map)
{
    memset(map, 0xff, u->count * sizeof(*map));
    for (u32 i = 0; i < u->count && !is_end_of_gets(&u->ops[i]); i++) {
        if (u->ops[i].op == IR_GET)
            map[i] = slots[u->ops[i].a];
    }
}

static struct ir_unit *copy(const struct ir_unit *u, struct arena *arena)
{
    struct ir_unit *c = arena_alloc(arena, sizeof(*c));
    *c = *u;
    c->args = arena_alloc(arena, u->arg_count * sizeof(*c->args));
    memcpy(c->args, u->args, u->arg_count * sizeof(*c->args));
    return c;
}

/* The gets to the front, the block's facts (if any) behind them, then the rest in its order. */
static void rebuild(struct ir_unit *u, const struct opt_block *facts, struct arena *arena, const struct region_slots *r)
{
    struct ir_op *ops = arena_alloc(arena, (u->count + OPT_REGION_OPS) * sizeof(*ops));
    u32 *map = arena_alloc(arena, u->count * sizeof(*map)), count = r->count, slots[IR_MAX_SLOTS];
    memset(slots, 0xff, sizeof(slots));
    for (u32 n = 0; n < r->count; n++) {
        ops[n] = (struct ir_op){
            .op = IR_GET, .type = u->isa->slots[r->chosen[n]].type, .a = r->chosen[n]};
        slots[r->chosen[n]] = n;
    }
    if (facts)
        count = put_facts(facts, r, ops, count, slots);
    find_gets(u, slots, map);
    for (u32 i = 0; i < u->count; i++) {
        if (map[i] != IR_NONE || (facts && is_passed(facts, i)))
            continue;
        struct ir_op op = u->ops[i];
        if (facts && op.op == IR_UNBOX && map[op.a] < r->count && is_boxed(facts, r->chosen[map[op.a]]))
            op.aux |= IR_UNBOX_BOXED;
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

static void rebuild_block(struct opt_block *b, struct arena *arena, const struct region_slots *r)
{
    keep_facts(b, r);
    if ((b->facts || b->passed) && b->door) {
        b->ir->entry = copy(b->ir, arena);
        rebuild(b->ir->entry, NULL, arena, r);
    }
    rebuild(b->ir, b, arena, r);
}

bool opt_region(struct opt_block *blocks, u32 count, struct arena *arena)
{
    const struct isa *isa = blocks[0].ir->isa;
    struct region_slots r = {.count = 0};
    opt_find_facts(blocks, count, arena);
    for (u32 n = 0; n < count; n++)
        survey(&blocks[n], &r);
    pass_over_known(blocks, count, &r);
    choose(isa, &r, false, MOST_INTEGER);
    choose(isa, &r, true, MOST_VECTOR);
    for (u32 n = 0; n < count && r.count; n++)
        rebuild_block(&blocks[n], arena, &r);
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
    if (block.end && u->count + OPT_REGION_OPS <= IR_MAX_OPS)
        opt_region(&block, 1, arena);
}
