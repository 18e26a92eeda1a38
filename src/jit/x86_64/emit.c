/*
 * emit.c - a unit of IR to host code: for each block a head and one forward pass, then the cold parts.
 */
#include "jit/x86_64/stubs.h"

#include <errno.h>

static int gen_init(struct x64 *g, struct jit *jit, struct jit_emit *out)
{
    g->jit = jit;
    g->out = out;
    g->ir = out->block[0].ir;
    g->isa = g->ir->isa;
    g->rt = (const struct x64_runtime *)jit->code.rx;
    g->arena = out->arena;
    g->s.p = out->rw;
    g->s.base = out->rw - out->offset;
    g->s.far = out->far;
    g->s.far_end = out->far + ARRAY_SIZE(out->far);
    g->limit = out->rw + out->capacity - ASM_MARGIN;
    g->features = g->rt->features;
    g->cold = NULL;
    g->cold_tail = &g->cold;
    g->pool = NULL;
    g->error = 0;
    g->count = (struct x64_count){.on = jit->opt.count};
    for (unsigned i = 0; i < X64_ISAS; i++) {
        if (g->rt->isa[i] == g->isa) {
            g->helpers = g->rt->helpers[i];
            return 0;
        }
    }
    return -EINVAL; /* not in jit->isa_list at init */
}

/* The operations whose indexes are from code to end. rare: there is more to do than what is done always. */
static inline __attribute__((always_inline)) void emit_ops(struct x64 *g, const u16 *code, const u16 *end, bool rare)
{
    const struct ir_op *ops = g->ir->ops;
    for (; code < end; code++) {
        const struct ir_op *op = &ops[*code];
        if (rare)
            x64_count_op(g, op);
        if (op->op == IR_INSN) {
            x64_insn(g, op);
            continue;
        }
        alloc_begin(&g->a, *code);
        if (rare)
            alloc_stress(&g->a);
        if (op->op == IR_PUT) {
            x64_put(g, op); /* which has no result */
        } else {
            x64_select[op->op](g, op);
            alloc_end(&g->a);
        }
        if (unlikely(g->s.p > g->limit)) {
            x64_fail(g, -ENOSPC);
            return;
        }
    }
    if (rare)
        x64_count_end(g);
}

/* ir: a form of the block. */
static void emit_block(struct x64 *g, u32 block, const struct ir_unit *ir)
{
    g->ir = ir;
    g->pc = ir->pc;
    g->pc_due = true;
    g->pair.index = 0;
    for (u32 n = 0; n < X64_CHECKED; n++)
        g->checked[n].value = ALLOC_NONE;
    alloc_init(&g->a, ir, g->arena, &x64_alloc_host);
    g->a.stress = g->jit->opt.stress_spill ? ir->pc | 1 : 0;
    alloc_scan(&g->a);
    u32 first = 0;
    if (g->region.count) {
        first = x64_region_block(g, block);
    } else {
        if (ir_pc_movable(ir->pc))
            x64_movable_entry(g);
        x64_prologue(g);
    }
    const u16 *code = g->a.code + g->a.code_first, *end = g->a.code + ir->count;
    while (code < end && *code < first)
        code++;
    if (unlikely(g->count.on || g->a.stress))
        emit_ops(g, code, end, true);
    else
        emit_ops(g, code, end, false);
    if (g->a.failed)
        x64_fail(g, -E2BIG);
}

int x64_emit(struct jit *jit, struct jit_emit *out)
{
    struct x64 g;
    out->link_count = out->page2_patch = out->past_poll = 0;
    out->own_size = out->own_insns = 0;
    if (out->capacity < 2 * ASM_MARGIN)
        return -ENOSPC;
    int r = gen_init(&g, jit, out);
    if (r)
        return r;
    x64_region_begin(&g);
    for (u32 n = 0; n < out->block_count && !g.error; n++) {
        const struct ir_unit *ir = out->block[n].ir;
        if (ir->entry)
            emit_block(&g, n, ir->entry);
        emit_block(&g, n, ir);
    }
    out->hot_size = (u32)(g.s.p - out->rw);
    if (!g.error)
        x64_cold_flush(&g);
    if (!g.error)
        x64_region_end(&g);
    out->size = (u32)(g.s.p - out->rw);
    out->far_count = (u32)(g.s.far - out->far);
    return g.error;
}
