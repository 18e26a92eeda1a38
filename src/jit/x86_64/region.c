/*
 * region.c - units of several blocks, and of one that jumps to its own start: guest registers stay
 * in host registers.
 *
 *   door:    load the slots that every block begins with gets of (opt_region.c) into their
 * registers; to the head head:    poll where an edge comes from behind; body ... edge:    another
 * page: compare its id, as links do; other dirty slots to memory, the region's slots to the
 *            registers that they have at every head; jmp head
 *
 * An edge is a link of the unit to itself: patched to the head, and while it is not, or is no more
 * (the unit was overwritten), its stub stores the region's slots and asks the engine, as every link
 * does. A slot that some block puts is dirty at each head, whatever memory holds; one that is only
 * got is clean, its value is kept for the edges.
 *
 * Behind its gets a block may put what is known at its head (opt_facts.c). Edges to it need not store that; whoever leaves at the
 * head, or before it, does. If it begins a loop it has a second form without (ir->entry), with a head of its own: the door leads to
 * that one, and edges from before do.
 *
 * Every cycle has an edge from a block to itself or to one before it, and ends at a head that
 * polls; block 0 polls too, so that cycles through several units do.
 */
#include "jit/x86_64/x64.h"

#include <errno.h>

/* Integer registers with tasks of their own (shifts, products, cmpxchg) are left to the body. */
#define HEAD_GPRS (X64_GPRS & ~(1u << RAX | 1u << RCX | 1u << RDX))

/* Where a slot's value is at an edge. */
struct x64_place {
    enum { PLACE_REG, PLACE_CONST, PLACE_SPILL, PLACE_SLOT } kind;
    u32 n; /* register, op of the constant, spill word */
};

struct x64_places {
    struct x64_place place[X64_REGION_SLOTS];
};

/* ---- Blocks and slots ------------------------------------------------------------------------ */

static bool is_put(const struct x64 *g, u32 slot)
{
    for (u32 n = 0; n < g->out->block_count; n++) {
        const struct ir_unit *ir = g->out->block[n].ir;
        for (u32 i = 0; i < ir->count; i++) {
            if (ir->ops[i].op == IR_PUT && ir->ops[i].b == slot)
                return true;
        }
    }
    return false;
}

static bool choose_registers(struct x64 *g)
{
    const struct ir_unit *ir = g->out->block[0].ir;
    u32 free = HEAD_GPRS | ALLOC_XMM, n = 0;
    for (; ir->ops[n].op == IR_GET && n < X64_REGION_SLOTS; n++) {
        u32 mask = free & alloc_class(ir->ops[n].type);
        if (!mask)
            return false;
        g->region.slot[n] = (u8)ir->ops[n].a;
        g->region.put[n] = is_put(g, ir->ops[n].a);
        g->region.reg[n] = (u8)__builtin_ctz(mask);
        free &= ~(1u << g->region.reg[n]);
    }
    g->region.count = n;
    return n && ir->ops[n].op != IR_GET;
}

int x64_region_find(const struct x64 *g, u64 pc)
{
    for (u32 n = 0; n < g->out->block_count; n++) {
        if (g->out->block[n].ir->pc == pc)
            return (int)n;
    }
    return -1;
}

static void mark_head(struct x64 *g, u32 from, int to)
{
    if (to >= 0 && (u32)to <= from)
        g->region.polls[to] = true;
}

/* Marks the heads that edges of block `from` come to from behind. */
static void mark_back_edges(struct x64 *g, u32 from)
{
    const struct jit_emit_block *b = &g->out->block[from];
    for (u32 i = 0; i < b->ir->count; i++) {
        const struct ir_op *op = &b->ir->ops[i];
        if (op->op == IR_EXIT_IF)
            mark_head(g, from, x64_region_head(g, ir_exit_imm(op)));
        if (op->op == IR_EXIT_JUMP)
            mark_head(g, from, x64_region_head(g, ir_imm(op)));
    }
    for (u32 n = 0; n < b->targets.count; n++)
        mark_head(g, from, b->targets.block[n]);
}

void x64_region_begin(struct x64 *g)
{
    g->region.count = 0;
    g->region.store = NULL;
    if (g->out->page2_id || !choose_registers(g)) {
        g->region.count = 0;
        assert(g->out->block_count == 1);
        return;
    }
    memset(g->region.polls, 0, sizeof(g->region.polls));
    g->region.polls[0] = true;
    for (u32 n = 0; n < g->out->block_count; n++)
        mark_back_edges(g, n);
}

/* ---- Doors and heads ------------------------------------------------------------------------- */

/* Stores the slots and leaves with the result in rax. */
static void jump_store(struct x64 *g)
{
    if (g->region.store) {
        asm_fix(asm_jmp(&g->s), g->region.store);
        return;
    }
    g->region.store = g->s.p;
    for (u32 n = 0; n < g->region.count; n++) {
        if (g->region.put[n])
            x64_alloc_host.store_slot(&g->a, g->region.slot[n], g->region.reg[n]);
    }
    x64_jump_stub(g, asm_jmp(&g->s), X64_LEAVE);
}

/* The next put of what is known at the block's head, from op i on; NULL: no more. */
static const struct ir_op *next_known(const struct ir_unit *ir, u32 *i)
{
    for (; ir->ops[*i].op == IR_CONST || ir->ops[*i].op == IR_PUT; ++*i) {
        if (ir->ops[*i].op == IR_PUT)
            return &ir->ops[(*i)++];
    }
    return NULL;
}

/* The form of block `to` that the block being made goes to. */
static const struct ir_unit *form_of(const struct x64 *g, u32 to)
{
    const struct ir_unit *ir = g->out->block[to].ir;
    return ir->entry && !x64_region_loops(g, to) ? ir->entry : ir;
}

bool x64_region_loops(const struct x64 *g, u32 to)
{
    return (int)to <= x64_region_head(g, g->ir->pc);
}

bool x64_region_knows(const struct x64 *g, u32 to, u32 slot)
{
    u32 i = g->region.count;
    const struct ir_op *op;
    while ((op = next_known(form_of(g, to), &i))) {
        if (op->b == slot)
            return true;
    }
    return false;
}

/* At a head: what the edges did not store. */
static void store_known(struct x64 *g, const struct ir_unit *ir)
{
    u32 i = g->region.count;
    const struct ir_op *op;
    while ((op = next_known(ir, &i))) {
        if (op->a < g->region.count)
            x64_alloc_host.store_slot(&g->a, op->b, g->region.reg[op->a]);
        else
            x64_alloc_host.store_slot_const(&g->a, op->b, ir_imm(&ir->ops[op->a]));
    }
}

static void cold_poll(struct x64 *g, struct x64_cold *c)
{
    (void)c;
    x64_store_pc(g, g->ir->pc);
    store_known(g, g->ir);
    asm_rr(&g->s, X_XOR, RAX, RAX);
    jump_store(g);
}

/* Where the head of the block's form that is being made is noted. */
static u32 *head_of(struct x64 *g, u32 block)
{
    return &g->region.head[g->ir == g->out->block[block].ir->entry][block];
}

static void open_door(struct x64 *g, u32 block)
{
    g->out->block[block].door = asm_offset(&g->s);
    if (ir_pc_movable(g->ir->pc))
        x64_movable_entry(g);
    for (u32 n = 0; n < g->region.count; n++)
        x64_alloc_host.load_slot(&g->a, g->region.reg[n], g->region.slot[n]);
}

static void cold_door(struct x64 *g, struct x64_cold *c)
{
    open_door(g, c->link);
    asm_fix(asm_jmp(&g->s), g->s.base + *head_of(g, c->link));
}

u32 x64_region_block(struct x64 *g, u32 block)
{
    const struct ir_unit *ir = g->out->block[block].ir;
    bool has_door = g->ir == ir->entry || !ir->entry;
    if (!block && has_door)
        open_door(g, 0);
    for (u32 n = 0; n < g->region.count; n++) {
        g->a.index = n;
        alloc_get(&g->a, g->ir->ops[n].a);
    }
    for (u32 n = 0; n < g->region.count; n++) {
        alloc_place(&g->a, n, g->region.reg[n]);
        alloc_keep(&g->a, n, g->region.put[n]);
    }
    *head_of(g, block) = asm_offset(&g->s);
    if (!g->region.polls[block])
        return g->region.count;
    if (block && has_door)
        x64_cold_new(g, cold_door)->link = block;
    asm_alu_mem_imm(&g->s, ALU_CMP, 0, x64_state(g, offsetof(struct cpu, exit_request)), 0);
    u8 *from = asm_jcc(&g->s, CC_NE);
    x64_cold_new(g, cold_poll)->from[0] = from;
    return g->region.count;
}

/* ---- Edges -------------------------------------------------------------------------------------
 */

static struct x64_place place_of(const struct x64 *g, u32 slot)
{
    u32 v = g->a.bound[slot];
    if (v == ALLOC_NONE)
        return (struct x64_place){.kind = PLACE_SLOT};
    const struct alloc_value *val = &g->a.val[v];
    if (val->reg != ALLOC_NO_REG)
        return (struct x64_place){PLACE_REG, val->reg};
    if (alloc_is_const(&g->a, v))
        return (struct x64_place){PLACE_CONST, v};
    if (val->spill != ALLOC_NO_REG)
        return (struct x64_place){PLACE_SPILL, val->spill};
    return (struct x64_place){.kind = PLACE_SLOT};
}

struct x64_places *x64_region_places(struct x64 *g)
{
    struct x64_places *at = arena_alloc(g->arena, sizeof(*at));
    for (u32 n = 0; n < g->region.count; n++)
        at->place[n] = place_of(g, g->region.slot[n]);
    return at;
}

bool x64_region_has(const struct x64 *g, u32 slot)
{
    for (u32 n = 0; n < g->region.count; n++) {
        if (g->region.slot[n] == slot)
            return true;
    }
    return false;
}

static void exchange(struct x64 *g, unsigned a, unsigned b)
{
    if (a < 16) {
        asm_rr(&g->s, X_XCHG | ASM_W, a, b);
        return;
    }
    asm_rr(&g->s, X_XORPS, a & 15, b & 15);
    asm_rr(&g->s, X_XORPS, b & 15, a & 15);
    asm_rr(&g->s, X_XORPS, a & 15, b & 15);
}

static bool is_read(const struct x64 *g, const struct x64_places *at, u32 but, unsigned reg)
{
    for (u32 n = 0; n < g->region.count; n++) {
        if (n != but && at->place[n].kind == PLACE_REG && at->place[n].n == reg &&
            g->region.reg[n] != reg)
            return true;
    }
    return false;
}

/* One round of moves whose target nobody still reads; false: none moved. *blocked: one left over.
 */
static bool move_round(struct x64 *g, struct x64_places *at, u32 *blocked)
{
    bool moved = false;
    *blocked = g->region.count;
    for (u32 n = 0; n < g->region.count; n++) {
        struct x64_place *p = &at->place[n];
        if (p->kind != PLACE_REG || p->n == g->region.reg[n])
            continue;
        if (is_read(g, at, n, g->region.reg[n])) {
            *blocked = n;
            continue;
        }
        x64_alloc_host.move(&g->a, g->region.reg[n], p->n);
        p->n = g->region.reg[n];
        moved = true;
    }
    return moved;
}

/* Registers first, since what is not in one may be loaded over any that was read. */
static void settle(struct x64 *g, struct x64_places *at)
{
    u32 blocked;
    for (;;) {
        if (move_round(g, at, &blocked))
            continue;
        if (blocked == g->region.count)
            return;
        unsigned to = g->region.reg[blocked], from = at->place[blocked].n;
        exchange(g, to, from);
        for (u32 n = 0; n < g->region.count; n++) {
            struct x64_place *p = &at->place[n];
            if (p->kind == PLACE_REG && (p->n == to || p->n == from))
                p->n = p->n == to ? from : to;
        }
    }
}

static void fetch_rest(struct x64 *g, const struct x64_places *at)
{
    for (u32 n = 0; n < g->region.count; n++) {
        const struct x64_place *p = &at->place[n];
        unsigned reg = g->region.reg[n], type = g->isa->slots[g->region.slot[n]].type;
        if (p->kind == PLACE_CONST)
            x64_alloc_host.load_const(&g->a, reg, alloc_const(&g->a, p->n), type);
        else if (p->kind == PLACE_SPILL)
            x64_alloc_host.load_spill(&g->a, reg, p->n, type);
        else if (p->kind == PLACE_SLOT)
            x64_alloc_host.load_slot(&g->a, reg, g->region.slot[n]);
    }
}

/* Unlinked. */
static void cold_unlinked(struct x64 *g, struct x64_cold *c)
{
    g->out->links[c->link].stub = asm_offset(&g->s);
    store_known(g, form_of(g, (u32)c->value));
    x64_load_link(g, c->link);
    jump_store(g);
}

void x64_region_edge(struct x64 *g, u32 to, struct x64_places *at)
{
    u32 n = g->out->link_count;
    if (n == JIT_MAX_LINKS) {
        x64_fail(g, -E2BIG);
        return;
    }
    g->out->link_count++;
    settle(g, at);
    fetch_rest(g, at);
    struct x64_cold *c = x64_cold_new(g, cold_unlinked);
    c->link = n;
    c->value = to;
    asm_nop(&g->s, -(asm_offset(&g->s) + 1) & 3);
    c->from[0] = asm_jmp(&g->s);
    g->out->links[n] = (struct jit_link){
        .pc = g->out->block[to].ir->pc, .patch = (u32)(c->from[0] - g->s.base),
        .head = 1 + to + (form_of(g, to) == g->out->block[to].ir->entry ? JIT_MAX_BLOCKS : 0)};
}

void x64_region_end(struct x64 *g)
{
    for (u32 n = 0; n < g->out->link_count; n++) {
        struct jit_link *link = &g->out->links[n];
        u32 to = link->head - 1;
        if (link->head)
            link->head = g->region.head[to / JIT_MAX_BLOCKS][to % JIT_MAX_BLOCKS];
    }
}
