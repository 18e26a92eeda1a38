/*
 * emit.c - one unit of IR to host code: prologue, one forward pass, cold parts.
 */
#include "jit/x86_64/stubs.h"

#include <errno.h>

static int gen_init(struct x64 *g, struct jit *jit, struct jit_emit *out)
{
    g->jit = jit;
    g->out = out;
    g->ir = out->ir;
    g->isa = out->ir->isa;
    g->rt = (const struct x64_runtime *)jit->code.rx;
    g->arena = out->arena;
    g->s.p = out->rw;
    g->s.base = out->rw - out->offset;
    g->s.far = out->far;
    g->s.far_end = out->far + ARRAY_SIZE(out->far);
    g->limit = out->rw + out->capacity - ASM_MARGIN;
    g->features = g->rt->features;
    g->pc = out->ir->pc;
    g->pc_due = true;
    g->cold = NULL;
    g->cold_tail = &g->cold;
    g->pool = NULL;
    g->loop.count = 0;
    g->pair.index = 0;
    g->error = 0;
    for (unsigned i = 0; i < X64_ISAS; i++) {
        if (g->rt->isa[i] == g->isa) {
            g->helpers = g->rt->helpers[i];
            return 0;
        }
    }
    return -EINVAL; /* not in jit->isa_list at init */
}

int x64_emit(struct jit *jit, struct jit_emit *out)
{
    struct x64 g;
    const struct ir_unit *ir = out->ir;
    out->link_count = out->page2_patch = 0;
    if (out->capacity < 2 * ASM_MARGIN)
        return -ENOSPC;
    int r = gen_init(&g, jit, out);
    if (r)
        return r;
    alloc_init(&g.a, ir, out->arena, &x64_alloc_host);
    g.a.stress = jit->opt.stress_spill ? ir->pc | 1 : 0;
    alloc_scan(&g.a);
    g.upper = arena_zalloc(out->arena, ir->count);
    u32 first = x64_loop_begin(&g);
    if (!first)
        x64_prologue(&g);
    for (u32 i = first; i < ir->count && !g.error; i++) {
        if (g.a.ops[i].dead)
            continue;
        alloc_begin(&g.a, i);
        x64_select[ir->ops[i].op](&g, &ir->ops[i]);
        alloc_end(&g.a);
        if (unlikely(g.s.p > g.limit))
            g.error = -ENOSPC;
    }
    if (g.a.failed)
        g.error = -E2BIG;
    if (!g.error)
        x64_cold_flush(&g);
    out->size = (u32)(g.s.p - out->rw);
    out->far_count = (u32)(g.s.far - out->far);
    return g.error;
}
