/*
 * opt_facts.c - what every edge to a block of a region brings: a slot is a constant, or what another slot is; a float register has
 * a boxed f32 in it; a check has been passed.
 *
 * Condition flags kept as an operation and its operands are of this kind: a loop's compare puts the same operation, the same
 * constant, and a register's value, time after time, and nobody looks unless the loop is left. What all edges bring needs no
 * code at them.
 *
 * A loop's head is judged by the edges that come back to it. For those who come from outside or before the loop it has a second
 * form without facts (ir->entry): the first time around is peeled off. What merely passes through such a block is not known, since
 * it has to hold for both forms.
 *
 * Checks are those that ask for state which nothing but the region's own code could change (IR_TRAP_LASTS), and does not.
 *
 * Forward over the edges, from "anything is possible" down, until nothing changes. Candidates are slots that are put in the region,
 * and checks that are made in it.
 */
#include "jit/opt.h"

#include "cpu/isa.h"

enum { SLOTS = 16, CHECKS = OPT_PASSED, CANDIDATES = SLOTS + CHECKS, ROUNDS = 12, DEPTH = 4, UNKNOWN = IR_NONE - 1 };

enum fact_kind { FACT_ANY, FACT_NONE, FACT_CONST, FACT_SAME, FACT_BOXED, FACT_PASSED };

struct fact {
    u8 kind; /* enum fact_kind */
    u8 of;   /* SAME: the other slot */
    u64 value;
};

struct search {
    struct opt_block *blocks;
    u32 count;
    u8 slot[SLOTS];
    u32 slots;
    struct {
        const struct ir_unit *ir;
        u32 cond;
    } check[CHECKS]; /* candidates behind the slots */
    u32 checks;
    bool is_put[IR_MAX_SLOTS], calls; /* calls: C may change anything */
    struct fact (*at)[CANDIDATES]; /* of each block */
    u32 now[IR_MAX_SLOTS];         /* walking a block: value in each slot; IR_NONE: as at its start */
    bool passed[CHECKS];           /* ... checks made in it */
    bool changed;
};

static bool is_integer(const struct isa *isa, u32 slot)
{
    return isa->slots[slot].type == IR_I64 && slot != isa->pc_slot;
}

/* ---- Candidates ------------------------------------------------------------------------------ */

static bool may_change(const struct search *s, const struct ir_op *state)
{
    for (u32 n = 0; n < s->count; n++) {
        const struct ir_unit *u = s->blocks[n].ir;
        for (u32 i = 0; i < u->count; i++) {
            const struct ir_op *op = &u->ops[i];
            s64 apart = (s64)(s32)op->b - (s32)state->a;
            if (op->op == IR_STORE_STATE && apart < (s64)IR_MEM_BYTES(state->aux) && apart > -(s64)IR_MEM_BYTES(op->aux))
                return true;
        }
    }
    return false;
}

/* Is the value the same in every turn? */
static bool is_invariant(const struct search *s, const struct ir_unit *u, u32 v, unsigned depth)
{
    const struct ir_op *op = &u->ops[v];
    unsigned values = ir_op_info[op->op].values;
    if (op->op == IR_GET)
        return !s->is_put[op->a];
    if (op->op == IR_LOAD_STATE)
        return !may_change(s, op);
    if (!ir_op_is_pure(op->op) || (values && !depth))
        return false;
    return !(values & 1 && !is_invariant(s, u, op->a, depth - 1)) && !(values & 2 && !is_invariant(s, u, op->b, depth - 1)) &&
           !(values & 4 && !is_invariant(s, u, op->c, depth - 1));
}

/* Of two invariant values: are they one? */
static bool is_equal(const struct ir_unit *u, u32 a, const struct ir_unit *v, u32 b)
{
    const struct ir_op *x = &u->ops[a], *y = &v->ops[b];
    unsigned values = ir_op_info[x->op].values;
    if (x->op != y->op || x->type != y->type || x->aux != y->aux)
        return false;
    return (values & 1 ? is_equal(u, x->a, v, y->a) : x->a == y->a) && (values & 2 ? is_equal(u, x->b, v, y->b) : x->b == y->b) &&
           (values & 4 ? is_equal(u, x->c, v, y->c) : x->c == y->c);
}

/* The candidate that the op asks for, or s->checks. */
static u32 check_of(const struct search *s, const struct ir_unit *u, const struct ir_op *op)
{
    u32 k = 0;
    while (k < s->checks && !is_equal(s->check[k].ir, s->check[k].cond, u, op->a))
        k++;
    return k;
}

static bool is_check(const struct ir_op *op)
{
    return op->op == IR_TRAP_IF && op->aux & IR_TRAP_LASTS;
}

static void add_check(struct search *s, const struct ir_unit *u, const struct ir_op *op)
{
    if (s->calls || s->checks == CHECKS || check_of(s, u, op) < s->checks || !is_invariant(s, u, op->a, DEPTH))
        return;
    s->check[s->checks].ir = u;
    s->check[s->checks++].cond = op->a;
}

static void add_slot(struct search *s, const struct ir_unit *u, const struct ir_op *put)
{
    bool boxed = u->ops[put->a].op == IR_NANBOX;
    if (s->is_put[put->b] || s->slots == SLOTS || !(boxed || is_integer(u->isa, put->b)))
        return;
    s->slot[s->slots++] = (u8)put->b;
}

static void find_candidates(struct search *s)
{
    for (u32 n = 0; n < s->count; n++) {
        const struct ir_unit *u = s->blocks[n].ir;
        for (u32 i = 0; i < u->count; i++) {
            s->calls |= u->ops[i].op == IR_CALL && !(ir_call_effects(u, &u->ops[i]) & IR_FX_PURE);
            if (u->ops[i].op != IR_PUT)
                continue;
            if (i < s->blocks[n].end)
                add_slot(s, u, &u->ops[i]);
            s->is_put[u->ops[i].b] = true;
        }
    }
    for (u32 n = 0; n < s->count; n++) {
        const struct ir_unit *u = s->blocks[n].ir;
        for (u32 i = 0; i < s->blocks[n].end; i++) {
            if (is_check(&u->ops[i]))
                add_check(s, u, &u->ops[i]);
        }
    }
}

/* ---- Edges ----------------------------------------------------------------------------------- */

static u32 block_at(const struct search *s, u64 pc)
{
    u32 n = 0;
    while (n < s->count && s->blocks[n].ir->pc != pc)
        n++;
    return n;
}

static bool is_as_at_start(const struct search *s, const struct ir_unit *u, u32 slot)
{
    u32 v = s->now[slot];
    return v == IR_NONE || (v != UNKNOWN && u->ops[v].op == IR_GET && u->ops[v].a == slot);
}

/* Another integer slot that has the value now. */
static struct fact same_as(const struct search *s, const struct ir_unit *u, u32 slot, u32 v)
{
    for (u32 t = 0; t < u->isa->slot_count; t++) {
        if (t != slot && s->now[t] == v && is_integer(u->isa, t))
            return (struct fact){.kind = FACT_SAME, .of = (u8)t};
    }
    return (struct fact){.kind = FACT_NONE};
}

static struct fact brought_slot(const struct search *s, u32 n, u32 k)
{
    const struct ir_unit *u = s->blocks[n].ir;
    u32 slot = s->slot[k], v = s->now[slot];
    struct fact known = s->at[n][k], none = {.kind = FACT_NONE};
    if (v == UNKNOWN)
        return none;
    if (!is_as_at_start(s, u, slot)) {
        if (u->ops[v].op == IR_NANBOX)
            return (struct fact){.kind = FACT_BOXED};
        if (!is_integer(u->isa, slot))
            return none;
        if (u->ops[v].op == IR_CONST)
            return (struct fact){.kind = FACT_CONST, .value = ir_imm(&u->ops[v])};
        return same_as(s, u, slot, v);
    }
    if (s->blocks[n].door || (known.kind == FACT_SAME && !is_as_at_start(s, u, known.of)))
        return none;
    return known;
}

/* What block n brings for candidate k where the walk is. */
static struct fact brought(const struct search *s, u32 n, u32 k)
{
    if (k < SLOTS)
        return brought_slot(s, n, k);
    if (s->passed[k - SLOTS])
        return (struct fact){.kind = FACT_PASSED};
    return s->blocks[n].door ? (struct fact){.kind = FACT_NONE} : s->at[n][k];
}

static void meet(struct search *s, struct fact *a, struct fact b)
{
    if (b.kind == FACT_ANY || a->kind == FACT_NONE)
        return;
    if (a->kind == b.kind && a->of == b.of && a->value == b.value)
        return;
    *a = a->kind == FACT_ANY ? b : (struct fact){.kind = FACT_NONE};
    s->changed = true;
}

static void bring_to(struct search *s, u32 from, u32 to)
{
    if (to == s->count || (s->blocks[to].door && from < to))
        return;
    for (u32 k = 0; k < SLOTS + s->checks; k++) {
        if (k < s->slots || k >= SLOTS)
            meet(s, &s->at[to][k], brought(s, from, k));
    }
}

static void bring(struct search *s, u32 from, u64 pc)
{
    bring_to(s, from, block_at(s, pc));
}

static void bring_to_targets(struct search *s, u32 from)
{
    const struct ir_targets *t = &s->blocks[from].targets;
    for (u32 n = 0; n < t->count; n++)
        bring_to(s, from, t->block[n]);
}

static void walk(struct search *s, u32 n)
{
    const struct ir_unit *u = s->blocks[n].ir;
    memset(s->now, 0xff, sizeof(s->now));
    memset(s->passed, 0, sizeof(s->passed));
    for (u32 i = 0; i < u->count; i++) {
        const struct ir_op *op = &u->ops[i];
        if (op->op == IR_PUT)
            s->now[op->b] = op->a;
        else if (op->op == IR_GET && s->now[op->a] == IR_NONE)
            s->now[op->a] = i;
        else if (op->op == IR_EXIT_IF)
            bring(s, n, ir_exit_imm(op));
        else if (op->op == IR_EXIT_JUMP)
            bring(s, n, ir_imm(op));
        else if (op->op == IR_EXIT_INDIRECT)
            bring_to_targets(s, n);
        else if (is_check(op) && check_of(s, u, op) < s->checks)
            s->passed[check_of(s, u, op)] = true;
        else if (op->op == IR_CALL && ir_call_effects(u, op) & IR_FX_WRITE)
            for (u32 t = 0; t < IR_MAX_SLOTS; t++)
                s->now[t] = UNKNOWN;
    }
}

/* A block that an edge from behind leads to is polled at, and so left and entered. */
static void find_door(struct search *s, u32 from, u32 to)
{
    if (to <= from)
        s->blocks[to].door = true;
}

static void find_doors(struct search *s)
{
    s->blocks[0].door = true;
    for (u32 n = 0; n < s->count; n++) {
        const struct opt_block *b = &s->blocks[n];
        for (u32 i = 0; i < b->ir->count; i++) {
            const struct ir_op *op = &b->ir->ops[i];
            if (op->op == IR_EXIT_IF)
                find_door(s, n, block_at(s, ir_exit_imm(op)));
            if (op->op == IR_EXIT_JUMP)
                find_door(s, n, block_at(s, ir_imm(op)));
        }
        for (u32 k = 0; k < b->targets.count; k++)
            find_door(s, n, b->targets.block[k]);
    }
}

static void report_checks(struct search *s, u32 n)
{
    struct opt_block *b = &s->blocks[n];
    for (u32 i = 0; i < b->ir->count && b->passed < OPT_PASSED; i++) {
        const struct ir_op *op = &b->ir->ops[i];
        u32 k = is_check(op) ? check_of(s, b->ir, op) : s->checks;
        if (k < s->checks && s->at[n][SLOTS + k].kind == FACT_PASSED)
            b->pass[b->passed++] = i;
    }
}

static void report(struct search *s, u32 n)
{
    static const u8 kinds[] = {[FACT_CONST] = OPT_CONST, [FACT_SAME] = OPT_SAME, [FACT_BOXED] = OPT_BOXED};
    struct opt_block *b = &s->blocks[n];
    for (u32 k = 0; k < s->slots && b->facts < OPT_FACTS; k++) {
        const struct fact *f = &s->at[n][k];
        if (f->kind >= FACT_CONST)
            b->fact[b->facts++] =
                (struct opt_fact){.kind = kinds[f->kind], .slot = s->slot[k], .of = f->of, .value = f->value};
    }
    report_checks(s, n);
}

void opt_find_facts(struct opt_block *blocks, u32 count, struct arena *arena)
{
    struct search s = {.blocks = blocks, .count = count};
    find_candidates(&s);
    find_doors(&s);
    s.at = arena_zalloc(arena, count * sizeof(*s.at));
    u32 round = 0;
    do {
        s.changed = false;
        for (u32 n = 0; n < count; n++)
            walk(&s, n);
    } while (s.changed && ++round < ROUNDS);
    for (u32 n = 0; n < count && !s.changed; n++)
        report(&s, n);
}
