/*
 * region.c - several units that loop through each other become one: a region.
 *
 * What is hot is sampled: where a CPU stands when it is asked to leave translated code. From there
 * the blocks are explored for which units exist (they have been executed), through direct jumps,
 * calls and the returns of these, and to where indirect jumps have been seen to go (targets.c); those
 * of them that are on a way back to the first are the region.
 * region_make.c makes its code, here or on a thread of its own (hot.c): what a region is (region.h)
 * says all about it, and nothing in it is the CPU's.
 *
 * A page is explored when the context knows it; edges to it compare its identity again. A block
 * whose first instruction goes on behind its page is left out.
 *
 * On the CPU's thread, between units: it fetches and translates by the CPU's own context.
 */
#include "cpu/isa.h"
#include "jit/cache.h"
#include "jit/opt.h"
#include "jit/profile.h"
#include "jit/region.h"
#include "jit/targets.h"

enum {
    REGION_INSNS = 480, /* of all blocks that are explored */
    REGION_RETURNS = 4,
    REGION_DEPTH = 4, /* of loops, that counts */
    SAMPLES =
        2, /* of a unit before a region is tried, and 4 times as many before each further try */
};

/* ---- Exploring ------------------------------------------------------------------------------- */

static bool page_known(struct cpu *cpu, u64 pc, struct jit_page_ref *ref)
{
    const struct tlb_code_entry *e = &jit_cpu(cpu)->context->code[tlb_code_index(pc)];
    *ref = (struct jit_page_ref){.page = e->page, .id = e->id};
    return e->tag == (pc & TLB_PAGE_MASK) && e->page->id == e->id;
}

/* pc: as units of the region name it. */
static bool find_page(struct cpu *cpu, const struct region *r, u64 pc, struct jit_page_ref *ref)
{
    *ref = r->page;
    if (r->page.page->vpage == IR_MOVABLE_PAGE)
        return (pc & TLB_PAGE_MASK) == IR_MOVABLE_PAGE;
    return page_known(cpu, pc, ref);
}

static void keep_ir(struct region *r, struct ir_unit *ir)
{
    struct ir_op *ops = arena_alloc(&r->arena, ir->count * sizeof(*ops));
    u32 *args = arena_alloc(&r->arena, ir->arg_count * sizeof(*args));
    ir->ops = memcpy(ops, ir->ops, ir->count * sizeof(*ops));
    ir->args = memcpy(args, ir->args, ir->arg_count * sizeof(*args));
}

/* The block at pc, REGION_NO_BLOCK when it cannot be one. */
static u8 add_block(struct cpu *cpu, struct region *r, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    for (u32 n = 0; n < r->count; n++) {
        if (r->block[n].pc == pc)
            return (u8)n;
    }
    struct region_block *b = &r->block[r->count];
    if (r->count == REGION_BLOCKS || r->insns >= REGION_INSNS)
        return REGION_NO_BLOCK;
    *b = (struct region_block){.pc = pc, .place = REGION_NO_BLOCK};
    if (!find_page(cpu, r, pc, &b->page))
        return REGION_NO_BLOCK;
    const struct jit_unit *u = jit_unit_known(jc->jit, b->page.id, pc);
    enum { PASSES = ~IR_PASS_LOOP };
    if (!u || u->crosses ||
        !jit_block_ir(cpu, &b->ir, &b->page, pc, jc->jit->opt.max_insns, (u32)PASSES) ||
        jc->fetch_page[1].page || b->ir.count > IR_MAX_OPS - OPT_REGION_OPS)
        return REGION_NO_BLOCK;
    keep_ir(r, &b->ir);
    r->insns += b->ir.guest_insns;
    return (u8)r->count++;
}

static void add_exit(struct cpu *cpu, struct region *r, struct region_block *b, u64 pc)
{
    u8 to = b->exits < REGION_EXITS ? add_block(cpu, r, pc) : REGION_NO_BLOCK;
    if (to != REGION_NO_BLOCK)
        b->to[b->exits++] = to;
}

/* The address of code that the value is, as ir_pc makes them; 0: another value. */
static u64 code_address(const struct ir_unit *ir, u32 v)
{
    const struct ir_op *op = &ir->ops[v];
    if (op->op == IR_CONST)
        return ir_imm(op);
    if (!ir_pc_movable(ir->pc) || op->op != IR_ADD || ir->ops[op->b].op != IR_CONST)
        return 0;
    const struct ir_op *base = &ir->ops[op->a];
    bool is_base = base->op == IR_LOAD_STATE && base->a == offsetof(struct cpu, code_base);
    return is_base ? IR_MOVABLE_PAGE + ir_imm(&ir->ops[op->b]) : 0;
}

/* A call leaves the address behind it in a register. */
static bool is_call(const struct ir_unit *ir)
{
    u64 behind = ir->pc + ir->guest_bytes;
    for (u32 i = 0; i < ir->count; i++) {
        const struct ir_op *op = &ir->ops[i];
        if (op->op == IR_PUT && op->b != ir->isa->pc_slot && code_address(ir, op->a) == behind)
            return true;
    }
    return false;
}

static void add_target(struct ir_targets *t, u32 most, u8 block)
{
    bool known = block == REGION_NO_BLOCK || t->count == most;
    for (u32 k = 0; k < t->count; k++)
        known |= t->block[k] == block;
    if (!known)
        t->block[t->count++] = block;
}

static void add_returned_to(struct cpu *cpu, struct region *r, const struct ir_unit *ir)
{
    if (r->returned_to.count < REGION_RETURNS && is_call(ir))
        add_target(&r->returned_to, REGION_RETURNS, add_block(cpu, r, ir->pc + ir->guest_bytes));
}

/* Where an indirect jump that is no return has been seen to go. */
static void add_targets(struct cpu *cpu, struct region *r, struct region_block *b)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    struct jit_unit *u = jit_unit_known(jit, b->page.id, b->pc);
    u64 pc[JIT_SITE_TARGETS];
    u32 count = u ? jit_targets_of(jit, u, r->pc, pc, &r->waits) : 0;
    for (u32 n = 0; n < count; n++)
        add_target(&b->targets, IR_REGION_TARGETS, add_block(cpu, r, pc[n]));
}

static void explore_block(struct cpu *cpu, struct region *r, struct region_block *b)
{
    for (u32 i = 0; i < b->ir.count; i++) {
        const struct ir_op *op = &b->ir.ops[i];
        if (op->op == IR_EXIT_IF)
            add_exit(cpu, r, b, ir_exit_imm(op));
        if (op->op == IR_EXIT_JUMP) {
            add_exit(cpu, r, b, ir_imm(op));
            add_returned_to(cpu, r, &b->ir);
        }
        if (op->op != IR_EXIT_INDIRECT)
            continue;
        b->returns = op->aux == IR_JUMP_RETURN;
        if (!b->returns)
            add_targets(cpu, r, b);
        if (op->aux == IR_JUMP_CALL)
            add_returned_to(cpu, r, &b->ir);
    }
}

/* When all calls are known. */
static void add_indirect(struct region *r, struct region_block *b)
{
    if (b->returns)
        b->targets = r->returned_to;
    for (u32 n = 0; n < b->targets.count && b->exits < REGION_EXITS; n++)
        b->to[b->exits++] = b->targets.block[n];
}

static void explore(struct cpu *cpu, struct region *r, u64 pc)
{
    add_block(cpu, r, jit_unit_pc(r->page.page, pc));
    for (u32 n = 0; n < r->count; n++)
        explore_block(cpu, r, &r->block[n]);
    for (u32 n = 0; n < r->count; n++)
        add_indirect(r, &r->block[n]);
}

/* ---- What of it loops ------------------------------------------------------------------------ */

static bool goes_to_marked(const struct region_block *b, const bool *marked)
{
    for (u32 k = 0; k < b->exits; k++) {
        if (marked[b->to[k]])
            return true;
    }
    return false;
}

/* Marks what gets to a marked block without passing a block that is marked already. */
static void mark_ways_to(const struct region *r, bool *marked)
{
    for (bool more = true; more;) {
        more = false;
        for (u32 n = 0; n < r->count; n++) {
            if (marked[n] || !r->block[n].loops || !goes_to_marked(&r->block[n], marked))
                continue;
            marked[n] = more = true;
        }
    }
}

/* Each block after those that lead to it first: from the entry, depth first, reversed. */
static void order_blocks(struct region *r, u8 n, bool *seen, u8 *out, u32 *left)
{
    seen[n] = true;
    for (u32 k = r->block[n].exits; k-- > 0;) {
        u8 to = r->block[n].to[k];
        if (!seen[to] && r->block[to].loops)
            order_blocks(r, to, seen, out, left);
    }
    out[--*left] = n;
}

/* Is block 0 on a loop, and more than what a unit by itself is? */
static bool find_loop(struct region *r)
{
    if (!r->count)
        return false;
    bool marked[REGION_BLOCKS] = {0}, seen[REGION_BLOCKS] = {0};
    u8 out[REGION_BLOCKS];
    u32 left = REGION_BLOCKS, members = 0;
    for (u32 n = 0; n < r->count; n++)
        r->block[n].loops = true;
    marked[0] = true;
    mark_ways_to(r, marked);
    for (u32 n = 0; n < r->count; n++) {
        r->block[n].loops = marked[n];
        members += marked[n];
    }
    if (members < 2)
        return false;
    order_blocks(r, 0, seen, out, &left);
    r->ordered = REGION_BLOCKS - left;
    memcpy(r->order, out + left, r->ordered);
    for (u32 n = 0; n < r->ordered; n++)
        r->block[r->order[n]].place = (u8)n;
    return true;
}

/* The natural loop of the edge from `tail` back to `head`. */
static void deepen(struct region *r, u32 tail, u32 head)
{
    bool marked[REGION_BLOCKS] = {0};
    marked[tail] = true;
    if (tail != head) {
        r->block[head].loops = false;
        mark_ways_to(r, marked);
        r->block[head].loops = marked[head] = true;
    }
    for (u32 n = 0; n < r->count; n++)
        r->block[n].depth += marked[n] && r->block[n].depth < REGION_DEPTH;
}

static void weigh(struct region *r)
{
    for (u32 n = 0; n < r->ordered; n++) {
        const struct region_block *b = &r->block[r->order[n]];
        for (u32 k = 0; k < b->exits; k++) {
            if (r->block[b->to[k]].place <= n)
                deepen(r, r->order[n], b->to[k]);
        }
    }
}

/* ---- From a sample to a region --------------------------------------------------------------- */

/* What there is around pc, without the code for it. NULL: no loop. */
static struct region *region_at(struct cpu *cpu, u64 pc, const struct jit_page_ref *page, u64 seen)
{
    struct region *r = region_new(page, pc, seen);
    explore(cpu, r, pc);
    if (!r->waits && find_loop(r)) {
        weigh(r);
        return r;
    }
    region_free(r);
    return NULL;
}

bool jit_region_form(struct cpu *cpu, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    u64 start = host_thread_ns(), seen = atomic_load(&jit->invalidations);
    struct jit_page_ref page;
    if (!page_known(cpu, pc, &page))
        return false;
    u32 was = jit_place_enter(cpu, JIT_IN_REGION);
    struct region *r = region_at(cpu, pc, &page, seen);
    bool made = false;
    if (r && jit_hot_is_on(jit)) {
        jc->stats.region_dropped += !jit_hot_give(jit, r);
    } else if (r) {
        made = region_make(&jc->compiler, r);
        region_free(r);
    }
    jit_place_set(cpu, was);
    jc->stats.region_ns += host_thread_ns() - start;
    return made;
}

void jit_region_sample(struct cpu *cpu, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit_page_ref page;
    jit_context_refresh(cpu);
    struct jit_unit *u =
        page_known(cpu, pc, &page) ? jit_unit_known(jc->jit, page.id, jit_unit_pc(page.page, pc)) : NULL;
    jc->stats.samples++;
    if (!u || u->region || u->crosses || u->samples == UINT8_MAX)
        return;
    unsigned n = ++u->samples;
    /* SAMPLES, 4 times as many, and so on. */
    if (n < SAMPLES || n & (n - 1) || (ctz64(n) & 1) != (ctz64(SAMPLES) & 1))
        return;
    if (jit_hot_is_full(jc->jit)) {
        u->samples--; /* the next one tries again */
        jc->stats.region_dropped++;
        return;
    }
    jit_region_form(cpu, pc);
}
