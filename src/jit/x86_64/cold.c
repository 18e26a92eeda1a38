/*
 * cold.c - code off the hot line: slow paths with their sites and state maps, fix-ups, constants.
 */
#include "jit/x86_64/x64.h"

#include <errno.h>

/* Cleared is what is read of every one; the rest is of those who set it. */
static struct x64_cold *new_cold(struct x64 *g)
{
    struct x64_cold *c = arena_alloc(g->arena, sizeof(*c));
    c->next = c->second = NULL;
    c->from[0] = c->from[1] = c->from[2] = NULL;
    c->resume = c->map = NULL;
    c->places = NULL;
    c->ir = g->ir;
    return c;
}

struct x64_cold *x64_cold_new(struct x64 *g, void (*emit)(struct x64 *, struct x64_cold *))
{
    struct x64_cold *c = new_cold(g);
    c->emit = emit;
    *g->cold_tail = c;
    g->cold_tail = &c->next;
    return c;
}

void x64_resume(struct x64 *g, struct x64_cold *c)
{
    c->resume = g->s.p;
}

void x64_jump_stub(struct x64 *g, u8 *field, enum x64_stub stub)
{
    asm_fix(field, g->s.base + g->rt->stub[stub]);
    asm_note_far(&g->s, field);
}

static void call_site(struct x64 *g, struct x64_cold *c)
{
    if (c->temp != JIT_LOC_NONE)
        asm_mov_imm(&g->s, c->temp, c->value);
    x64_jump_stub(g, asm_call(&g->s), c->stub);
    memcpy(g->s.p, &c->site, sizeof(c->site));
    g->s.p += sizeof(c->site);
    for (unsigned i = 0; i < c->site.map_bytes; i += 16) /* maps lie in pieces of 16 bytes */
        memcpy(g->s.p + i, c->map + i, 16);
    g->s.p += c->site.map_bytes;
}

void x64_cold_call(struct x64 *g, struct x64_cold *c)
{
    call_site(g, c);
    if (c->second)
        call_site(g, c->second);
    if (c->resume)
        asm_fix(asm_jmp(&g->s), c->resume);
}

void x64_cold_map(struct x64 *g, struct x64_cold *c, u64 pc)
{
    c->map = arena_alloc(g->arena, ALLOC_MAP_MAX);
    c->site.map_bytes = (u16)alloc_map(&g->a, pc, c->map);
    g->arena->ptr = c->map + align_up(c->site.map_bytes, 16);
}

static void take_map(struct x64 *g, struct x64_cold *c)
{
    bool is_put = g->a.bound[g->isa->pc_slot] != ALLOC_NONE; /* dirty, or stored already */
    x64_cold_map(g, c, is_put ? JIT_MAP_PC_STORED : g->pc);
}

static void describe(struct x64 *g, struct x64_cold *c, const struct ir_op *op, u8 stub)
{
    c->stub = stub;
    c->temp = JIT_LOC_NONE;
    c->site = (struct jit_site){.op = op->op,
                                .type = op->type,
                                .aux = op->aux,
                                .addr = JIT_LOC_NONE,
                                .value = JIT_LOC_NONE,
                                .value2 = JIT_LOC_NONE,
                                .result = JIT_LOC_NONE};
    if (stub != X64_SOFT)
        take_map(g, c);
    /* Any float register that is not free holds something. */
    if (stub == X64_SLOW && (~g->a.free & ALLOC_XMM))
        c->stub = X64_SLOW_XMM;
}

struct x64_cold *x64_cold_site(struct x64 *g, const struct ir_op *op, u8 stub)
{
    struct x64_cold *c = x64_cold_new(g, x64_cold_call);
    describe(g, c, op, stub);
    return c;
}

struct x64_cold *x64_cold_second(struct x64 *g, struct x64_cold *first, const struct ir_op *op)
{
    struct x64_cold *c = new_cold(g);
    describe(g, c, op, X64_SLOW);
    if (first->stub != c->stub)
        first->stub = c->stub = X64_SLOW_XMM;
    first->second = c;
    return c;
}

static void cold_load(struct x64 *g, struct x64_cold *c)
{
    asm_rm(&g->s, X_MOVS | x64_scalar(c->site.type), c->reg & 15, x64_table((u32)c->value));
    asm_fix(asm_jmp(&g->s), c->resume);
}

void x64_cold_load(struct x64 *g, u8 *from, unsigned reg, u32 type, u32 table_offset)
{
    struct x64_cold *c = x64_cold_new(g, cold_load);
    c->from[0] = from;
    c->reg = (u8)reg;
    c->site.type = (u8)type;
    c->value = table_offset;
    x64_resume(g, c);
}

static void flush_pool(struct x64 *g)
{
    for (struct x64_pool *c = g->pool; c; c = c->next) {
        if (g->s.p > g->limit) {
            x64_fail(g, -ENOSPC);
            return;
        }
        asm_fix(c->field, g->s.p);
        asm_u64(&g->s, c->value);
    }
}

void x64_cold_flush(struct x64 *g)
{
    for (struct x64_cold *c = g->cold; c && !g->error; c = c->next) {
        if (g->s.p > g->limit) {
            x64_fail(g, -ENOSPC);
            return;
        }
        for (unsigned i = 0; i < ARRAY_SIZE(c->from); i++) {
            if (c->from[i])
                asm_fix(c->from[i], g->s.p);
        }
        g->ir = g->a.ir = c->ir;
        c->emit(g, c);
    }
    flush_pool(g);
}
