/*
 * region.c - several units that loop through each other become one: a region.
 *
 * What is hot is sampled: where a CPU stands when it is asked to leave translated code. From there
 * the blocks are explored for which units exist (they have been executed), through direct jumps,
 * calls and the returns of these, and to where indirect jumps have been seen to go (targets.c); those
 * of them that are on a way back to the first are the region.
 * It is one unit of many blocks, whose guest registers stay in host registers (opt_region.c,
 * x86_64/region.c); its other doors are units without links, made from the same lines. Doors take
 * the place of the units that were there; what others hold of those is undone as by an
 * invalidation.
 *
 * A page is explored when the context knows it; edges to it compare its identity again. A block
 * whose first instruction goes on behind its page is left out.
 *
 * On the CPU's thread, between units. Blocks and their IR live in an arena of their own.
 */
#include <errno.h>

#include "cpu/isa.h"
#include "jit/cache.h"
#include "jit/opt.h"
#include "jit/profile.h"
#include "jit/stats.h"
#include "jit/targets.h"

enum {
    REGION_BLOCKS = 24, /* explored */
    REGION_INSNS = 480,
    REGION_EXITS = 40, /* of a block: further ones leave the region */
    REGION_RETURNS = 4,
    REGION_DEPTH = 4, /* of loops, that counts */
    SAMPLES =
        2, /* of a unit before a region is tried, and 4 times as many before each further try */
    NO_BLOCK = 0xff,
};

struct block {
    u64 pc;
    struct jit_page_ref page;
    struct ir_unit ir;
    u8 to[REGION_EXITS];
    u8 exits;
    u8 place; /* in the region; NO_BLOCK: not in it */
    bool returns, loops;
    struct ir_targets targets; /* of its indirect jump: blocks */
    u8 depth;
};

struct region {
    struct cpu *cpu;
    struct jit_page_ref page; /* where it begins; of a movable page, all of it */
    struct arena arena;
    struct block block[REGION_BLOCKS];
    u64 pc;
    u32 count, insns;
    struct ir_targets returned_to; /* blocks behind calls */
    bool waits; /* for targets of an indirect jump (targets.h) */
    u8 order[REGION_BLOCKS]; /* of the region's blocks */
    u32 ordered;
};

/* ---- Exploring ------------------------------------------------------------------------------- */

static bool page_known(struct cpu *cpu, u64 pc, struct jit_page_ref *ref)
{
    const struct tlb_code_entry *e = &jit_cpu(cpu)->context->code[tlb_code_index(pc)];
    *ref = (struct jit_page_ref){.page = e->page, .id = e->id};
    return e->tag == (pc & TLB_PAGE_MASK) && e->page->id == e->id;
}

/* pc: as units of the region name it. */
static bool find_page(const struct region *r, u64 pc, struct jit_page_ref *ref)
{
    *ref = r->page;
    if (r->page.page->vpage == IR_MOVABLE_PAGE)
        return (pc & TLB_PAGE_MASK) == IR_MOVABLE_PAGE;
    return page_known(r->cpu, pc, ref);
}

static void keep_ir(struct region *r, struct ir_unit *ir)
{
    struct ir_op *ops = arena_alloc(&r->arena, ir->count * sizeof(*ops));
    u32 *args = arena_alloc(&r->arena, ir->arg_count * sizeof(*args));
    ir->ops = memcpy(ops, ir->ops, ir->count * sizeof(*ops));
    ir->args = memcpy(args, ir->args, ir->arg_count * sizeof(*args));
}

/* The block at pc, NO_BLOCK when it cannot be one. */
static u8 add_block(struct region *r, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(r->cpu);
    for (u32 n = 0; n < r->count; n++) {
        if (r->block[n].pc == pc)
            return (u8)n;
    }
    struct block *b = &r->block[r->count];
    if (r->count == REGION_BLOCKS || r->insns >= REGION_INSNS)
        return NO_BLOCK;
    *b = (struct block){.pc = pc, .place = NO_BLOCK};
    if (!find_page(r, pc, &b->page))
        return NO_BLOCK;
    const struct jit_unit *u = jit_unit_known(jc->jit, b->page.id, pc);
    enum { PASSES = ~IR_PASS_LOOP };
    if (!u || u->crosses ||
        !jit_block_ir(r->cpu, &b->ir, &b->page, pc, jc->jit->opt.max_insns, (u32)PASSES) ||
        jc->fetch_page[1].page || b->ir.count > IR_MAX_OPS - OPT_REGION_OPS)
        return NO_BLOCK;
    keep_ir(r, &b->ir);
    r->insns += b->ir.guest_insns;
    return (u8)r->count++;
}

static void add_exit(struct region *r, struct block *b, u64 pc)
{
    u8 to = b->exits < REGION_EXITS ? add_block(r, pc) : NO_BLOCK;
    if (to != NO_BLOCK)
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
    bool known = block == NO_BLOCK || t->count == most;
    for (u32 k = 0; k < t->count; k++)
        known |= t->block[k] == block;
    if (!known)
        t->block[t->count++] = block;
}

static void add_returned_to(struct region *r, const struct ir_unit *ir)
{
    if (r->returned_to.count < REGION_RETURNS && is_call(ir))
        add_target(&r->returned_to, REGION_RETURNS, add_block(r, ir->pc + ir->guest_bytes));
}

/* Where an indirect jump that is no return has been seen to go. */
static void add_targets(struct region *r, struct block *b)
{
    struct jit *jit = jit_cpu(r->cpu)->jit;
    struct jit_unit *u = jit_unit_known(jit, b->page.id, b->pc);
    u64 pc[JIT_SITE_TARGETS];
    u32 count = u ? jit_targets_of(jit, u, r->pc, pc, &r->waits) : 0;
    for (u32 n = 0; n < count; n++)
        add_target(&b->targets, IR_REGION_TARGETS, add_block(r, pc[n]));
}

static void explore(struct region *r, struct block *b)
{
    for (u32 i = 0; i < b->ir.count; i++) {
        const struct ir_op *op = &b->ir.ops[i];
        if (op->op == IR_EXIT_IF)
            add_exit(r, b, ir_exit_imm(op));
        if (op->op == IR_EXIT_JUMP) {
            add_exit(r, b, ir_imm(op));
            add_returned_to(r, &b->ir);
        }
        if (op->op != IR_EXIT_INDIRECT)
            continue;
        b->returns = op->aux == IR_JUMP_RETURN;
        if (!b->returns)
            add_targets(r, b);
        if (op->aux == IR_JUMP_CALL)
            add_returned_to(r, &b->ir);
    }
}

/* When all calls are known. */
static void add_indirect(struct region *r, struct block *b)
{
    if (b->returns)
        b->targets = r->returned_to;
    for (u32 n = 0; n < b->targets.count && b->exits < REGION_EXITS; n++)
        b->to[b->exits++] = b->targets.block[n];
}

/* ---- What of it loops ------------------------------------------------------------------------ */

static bool goes_to_marked(const struct block *b, const bool *marked)
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
        const struct block *b = &r->block[r->order[n]];
        for (u32 k = 0; k < b->exits; k++) {
            if (r->block[b->to[k]].place <= n)
                deepen(r, r->order[n], b->to[k]);
        }
    }
}

/* ---- Making it ------------------------------------------------------------------------------- */

/* The number of ops after which nothing goes on in the region. */
static u32 end_of(const struct region *r, const struct block *b)
{
    u32 end = 0;
    for (u32 i = 0; i < b->ir.count; i++) {
        const struct ir_op *op = &b->ir.ops[i];
        u64 pc = op->op == IR_EXIT_IF ? ir_exit_imm(op) : ir_imm(op);
        bool stays = op->op == IR_EXIT_INDIRECT && b->targets.count;
        for (u32 k = 0; (op->op == IR_EXIT_IF || op->op == IR_EXIT_JUMP) && k < b->exits; k++)
            stays |= r->block[b->to[k]].pc == pc && r->block[b->to[k]].place != NO_BLOCK;
        if (stays)
            end = i + 1;
    }
    return end;
}

/* Those in the region, by their places there. */
static void place_targets(struct region *r)
{
    for (u32 n = 0; n < r->count; n++) {
        struct ir_targets *t = &r->block[n].targets;
        u32 count = 0;
        for (u32 k = 0; k < t->count; k++) {
            u8 place = r->block[t->block[k]].place;
            if (place != NO_BLOCK)
                t->block[count++] = place;
        }
        t->count = (u8)count;
    }
}

static bool optimize(struct region *r)
{
    struct opt_block blocks[REGION_BLOCKS];
    place_targets(r);
    for (u32 n = 0; n < r->ordered; n++) {
        struct block *b = &r->block[r->order[n]];
        blocks[n] = (struct opt_block){
            .ir = &b->ir, .end = end_of(r, b), .weight = UINT64_C(1) << 3 * b->depth,
            .targets = b->targets};
    }
    return opt_region(blocks, r->ordered, &r->arena);
}

/* Adds the block's lines to the list of pages; false: it is full. */
static bool add_page(struct jit_unit_page *pages, u32 *count, const struct block *b)
{
    u64 lines = jit_unit_lines(b->pc, b->ir.guest_bytes, 0);
    for (u32 n = 0; n < *count; n++) {
        if (pages[n].page == b->page.page) {
            pages[n].lines |= lines;
            return pages[n].id == b->page.id;
        }
    }
    if (*count == JIT_UNIT_PAGES)
        return false;
    pages[(*count)++] =
        (struct jit_unit_page){.page = b->page.page, .id = b->page.id, .lines = lines};
    return true;
}

static struct jit_unit *unit_at(struct region *r, const struct block *b,
                                const struct jit_unit_page *pages, u32 count)
{
    struct jit_unit *u = jit_unit_new(jit_cpu(r->cpu), b->pc, b->ir.mode, count);
    u->region = true;
    for (u32 n = 0; n < count; n++)
        u->pages[n] = pages[n];
    for (u32 n = 1; n < count; n++) { /* the first is pc's */
        if (pages[n].page == b->page.page) {
            u->pages[n] = pages[0];
            u->pages[0] = pages[n];
        }
    }
    return u;
}

static void fill_emit(struct region *r, struct jit_emit *out)
{
    out->block_count = r->ordered;
    for (u32 n = 0; n < r->ordered; n++) {
        const struct block *b = &r->block[r->order[n]];
        out->block[n] = (struct jit_emit_block){
            .ir = &b->ir, .page_id = b->page.id, .targets = b->targets};
    }
}

static bool install(struct region *r, u64 seen)
{
    struct jit_cpu *jc = jit_cpu(r->cpu);
    struct jit_unit_page pages[JIT_UNIT_PAGES];
    struct jit_unit *units[REGION_BLOCKS];
    u32 page_count = 0, count = 0;
    for (u32 n = 0; n < r->ordered; n++) {
        if (!add_page(pages, &page_count, &r->block[r->order[n]]))
            return false;
    }
    struct jit_unit *u = unit_at(r, &r->block[0], pages, page_count);
    fill_emit(r, &jc->emit);
    jc->emit.site = 0;
    if (jit_unit_emit(r->cpu, u, &r->arena))
        return false;
    units[count++] = u;
    for (u32 n = 1; n < r->ordered; n++) {
        const struct block *b = &r->block[r->order[n]];
        if (!jc->emit.block[n].door)
            continue;
        units[count] = unit_at(r, b, pages, page_count);
        units[count]->next_door = u->doors;
        u->doors = units[count];
        units[count++]->code = jc->jit->code.rx + jc->emit.block[n].door;
    }
    for (u32 n = 0; n < r->ordered; n++)
        u->guest_insns += r->block[r->order[n]].ir.guest_insns;
    jit_log_unit(r->cpu, u);
    if (!jit_units_insert(jc, units, count, seen))
        return false;
    jc->stats.regions++;
    jc->stats.region_blocks += r->ordered;
    return true;
}

bool jit_region_form(struct cpu *cpu, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    u64 start = host_monotonic_ns(), seen = atomic_load(&jc->jit->invalidations);
    struct region r = {.cpu = cpu, .pc = pc};
    if (!jc->chunk || !page_known(cpu, pc, &r.page))
        return false;
    arena_init(&r.arena);
    u32 was = jit_place_enter(cpu, JIT_IN_REGION);
    add_block(&r, jit_unit_pc(r.page.page, pc));
    for (u32 n = 0; n < r.count; n++)
        explore(&r, &r.block[n]);
    for (u32 n = 0; n < r.count; n++)
        add_indirect(&r, &r.block[n]);
    bool made = r.count && !r.waits && find_loop(&r);
    if (made) {
        weigh(&r);
        made = optimize(&r) && install(&r, seen);
    }
    arena_fini(&r.arena);
    jit_place_set(cpu, was);
    jc->stats.region_ns += host_monotonic_ns() - start;
    return made;
}

/* ---- Samples --------------------------------------------------------------------------------- */

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
    if (n >= SAMPLES && !(n & (n - 1)) && (ctz64(n) & 1) == (ctz64(SAMPLES) & 1))
        jit_region_form(cpu, pc);
}
