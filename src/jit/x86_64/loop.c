/*
 * loop.c - units that jump to their own start: guest registers stay in host registers around the loop.
 *
 *   entry:   load the slots that the unit begins with gets of (opt_loop.c) into their registers
 *   head:    poll; body ...
 *   back:    other dirty slots to memory, the loop's slots to the registers of the head; jmp head
 *
 * The jump back is a link of the unit to itself: patched to the head, and while it is not, or is no more (the unit was
 * overwritten), its stub stores the loop's slots and asks the engine, as every link does. A slot that the unit puts is
 * dirty at the head, whatever memory holds; one that it only gets is clean, its value is kept for the jump back.
 */
#include "jit/x86_64/x64.h"

#include <errno.h>

/* Integer registers with tasks of their own (shifts, products, cmpxchg) are left to the body. */
#define HEAD_GPRS (X64_GPRS & ~(1u << RAX | 1u << RCX | 1u << RDX))

/* Where a slot's value is at the jump back. */
struct x64_place {
    enum { PLACE_REG, PLACE_CONST, PLACE_SPILL, PLACE_SLOT } kind;
    u32 n; /* register, op of the constant, spill word */
};

struct x64_back {
    struct x64_place place[X64_LOOP_SLOTS];
};

static bool is_put(const struct x64 *g, u32 slot)
{
    for (u32 i = 0; i < g->ir->count; i++) {
        if (g->ir->ops[i].op == IR_PUT && g->ir->ops[i].b == slot)
            return true;
    }
    return false;
}

/* ---- Entry and head -------------------------------------------------------------------------- */

static void store_slots(struct x64 *g)
{
    for (u32 n = 0; n < g->loop.count; n++) {
        if (g->loop.put[n])
            x64_alloc_host.store_slot(&g->a, g->loop.slot[n], g->loop.reg[n]);
    }
}

static void cold_head(struct x64 *g, struct x64_cold *c)
{
    store_slots(g);
    x64_alloc_host.store_slot_const(&g->a, g->isa->pc_slot, g->ir->pc);
    x64_jump_stub(g, asm_jmp(&g->s), X64_LEAVE_LOOKUP);
}

static void load_slot(struct x64 *g, u32 n)
{
    u32 slot = g->ir->ops[n].a;
    bool vector = alloc_class(g->ir->ops[n].type) == ALLOC_XMM;
    g->loop.slot[n] = (u8)slot;
    g->loop.put[n] = is_put(g, slot);
    g->loop.reg[n] = (u8)alloc_use_in(&g->a, n, vector ? ALLOC_XMM : HEAD_GPRS);
}

u32 x64_loop_begin(struct x64 *g)
{
    u32 count = 0;
    while (g->ir->ops[count].op == IR_GET)
        count++;
    if (!count || count > X64_LOOP_SLOTS || g->out->page2_id)
        return 0;
    for (u32 n = 0; n < count; n++) {
        g->a.index = n;
        alloc_get(&g->a, g->ir->ops[n].a);
    }
    for (u32 n = 0; n < count; n++)
        load_slot(g, n);
    for (u32 n = 0; n < count; n++)
        alloc_keep(&g->a, n, g->loop.put[n]);
    g->loop.count = count;
    g->loop.head = g->s.p;
    struct x64_cold *c = x64_cold_new(g, cold_head);
    asm_alu_mem_imm(&g->s, ALU_CMP, 0, x64_state(g, offsetof(struct cpu, exit_request)), 0);
    c->from[0] = asm_jcc(&g->s, CC_NE);
    return count;
}

/* ---- The jump back --------------------------------------------------------------------------- */

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

struct x64_back *x64_loop_places(struct x64 *g)
{
    struct x64_back *back = arena_alloc(g->arena, sizeof(*back));
    for (u32 n = 0; n < g->loop.count; n++)
        back->place[n] = place_of(g, g->loop.slot[n]);
    return back;
}

bool x64_loop_has(const struct x64 *g, u32 slot)
{
    for (u32 n = 0; n < g->loop.count; n++) {
        if (g->loop.slot[n] == slot)
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

static bool is_read(const struct x64 *g, const struct x64_back *back, u32 but, unsigned reg)
{
    for (u32 n = 0; n < g->loop.count; n++) {
        if (n != but && back->place[n].kind == PLACE_REG && back->place[n].n == reg && g->loop.reg[n] != reg)
            return true;
    }
    return false;
}

/* One round of moves whose target nobody still reads; false: none moved. *blocked: one left over. */
static bool move_round(struct x64 *g, struct x64_back *back, u32 *blocked)
{
    bool moved = false;
    *blocked = g->loop.count;
    for (u32 n = 0; n < g->loop.count; n++) {
        struct x64_place *p = &back->place[n];
        if (p->kind != PLACE_REG || p->n == g->loop.reg[n])
            continue;
        if (is_read(g, back, n, g->loop.reg[n])) {
            *blocked = n;
            continue;
        }
        x64_alloc_host.move(&g->a, g->loop.reg[n], p->n);
        p->n = g->loop.reg[n];
        moved = true;
    }
    return moved;
}

/* Registers first, since what is not in one may be loaded over any that was read. */
static void settle(struct x64 *g, struct x64_back *back)
{
    u32 blocked;
    for (;;) {
        if (move_round(g, back, &blocked))
            continue;
        if (blocked == g->loop.count)
            return;
        unsigned to = g->loop.reg[blocked], from = back->place[blocked].n;
        exchange(g, to, from);
        for (u32 n = 0; n < g->loop.count; n++) {
            struct x64_place *p = &back->place[n];
            if (p->kind == PLACE_REG && (p->n == to || p->n == from))
                p->n = p->n == to ? from : to;
        }
    }
}

static void fetch_rest(struct x64 *g, const struct x64_back *back)
{
    for (u32 n = 0; n < g->loop.count; n++) {
        const struct x64_place *p = &back->place[n];
        unsigned reg = g->loop.reg[n], type = g->isa->slots[g->loop.slot[n]].type;
        if (p->kind == PLACE_CONST)
            x64_alloc_host.load_const(&g->a, reg, alloc_const(&g->a, p->n), type);
        else if (p->kind == PLACE_SPILL)
            x64_alloc_host.load_spill(&g->a, reg, p->n, type);
        else if (p->kind == PLACE_SLOT)
            x64_alloc_host.load_slot(&g->a, reg, g->loop.slot[n]);
    }
}

/* Unlinked. */
static void cold_back(struct x64 *g, struct x64_cold *c)
{
    g->out->links[c->link].stub = asm_offset(&g->s);
    store_slots(g);
    x64_leave_by_link(g, c->link);
}

void x64_loop_back(struct x64 *g, struct x64_back *back)
{
    u32 n = g->out->link_count;
    if (n == JIT_MAX_LINKS) {
        g->error = -E2BIG;
        return;
    }
    g->out->link_count++;
    settle(g, back);
    fetch_rest(g, back);
    struct x64_cold *c = x64_cold_new(g, cold_back);
    c->link = n;
    asm_nop(&g->s, -(asm_offset(&g->s) + 1) & 3);
    c->from[0] = asm_jmp(&g->s);
    g->out->links[n] = (struct jit_link){.pc = g->ir->pc,
                                         .patch = (u32)(c->from[0] - g->s.base),
                                         .head = (u32)(g->loop.head - g->s.base)};
}
