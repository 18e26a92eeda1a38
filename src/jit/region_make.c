/*
 * region_make.c - the code of a region: one unit of many blocks, and its doors.
 *
 * Guest registers stay in host registers over the edges (opt_region.c, x86_64/region.c). The other
 * doors are units without links, made from the same lines. Doors take the place of the units that
 * were there; what others hold of those is undone as by an invalidation.
 *
 * Any thread, and CPUs run meanwhile. What they do to what the region was made from is found where
 * it is put in, under the lock: bytes that were overwritten since it was explored (smc.c), and pages
 * that have become others. Before that nothing of a page is looked at but its id, and pages are
 * never freed while there are CPUs; so it does not matter how long ago it was explored.
 */
#include "jit/region.h"

#include <errno.h>

#include "base/alloc.h"
#include "jit/cache.h"
#include "jit/opt.h"
#include "jit/stats.h"

struct region *region_new(const struct jit_page_ref *page, u64 pc, u64 seen)
{
    struct region *r = alloc_zero(sizeof(*r));
    r->page = *page;
    r->pc = pc;
    r->seen = seen;
    arena_init(&r->arena);
    return r;
}

void region_free(struct region *r)
{
    arena_fini(&r->arena);
    free(r);
}

/* ---- Passes ---------------------------------------------------------------------------------- */

/* The number of ops after which nothing goes on in the region. */
static u32 end_of(const struct region *r, const struct region_block *b)
{
    u32 end = 0;
    for (u32 i = 0; i < b->ir.count; i++) {
        const struct ir_op *op = &b->ir.ops[i];
        u64 pc = op->op == IR_EXIT_IF ? ir_exit_imm(op) : ir_imm(op);
        bool stays = op->op == IR_EXIT_INDIRECT && b->targets.count;
        for (u32 k = 0; (op->op == IR_EXIT_IF || op->op == IR_EXIT_JUMP) && k < b->exits; k++)
            stays |= r->block[b->to[k]].pc == pc && r->block[b->to[k]].place != REGION_NO_BLOCK;
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
            if (place != REGION_NO_BLOCK)
                t->block[count++] = place;
        }
        t->count = (u8)count;
    }
}

static bool optimize(struct region *r, struct arena *arena)
{
    struct opt_block blocks[REGION_BLOCKS];
    place_targets(r);
    for (u32 n = 0; n < r->ordered; n++) {
        struct region_block *b = &r->block[r->order[n]];
        blocks[n] = (struct opt_block){
            .ir = &b->ir, .end = end_of(r, b), .weight = UINT64_C(1) << 3 * b->depth,
            .targets = b->targets};
    }
    return opt_region(blocks, r->ordered, arena);
}

/* ---- Units ----------------------------------------------------------------------------------- */

/* Adds the block's lines to the list of pages; false: it is full. */
static bool add_page(struct jit_unit_page *pages, u32 *count, const struct region_block *b)
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

static struct jit_unit *unit_at(struct jit_compiler *c, const struct region_block *b,
                                const struct jit_unit_page *pages, u32 count)
{
    struct jit_unit *u = jit_unit_new(c, b->pc, b->ir.mode, count);
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

static void fill_emit(const struct region *r, struct jit_emit *out)
{
    out->block_count = r->ordered;
    for (u32 n = 0; n < r->ordered; n++) {
        const struct region_block *b = &r->block[r->order[n]];
        out->block[n] = (struct jit_emit_block){
            .ir = &b->ir, .page_id = b->page.id, .targets = b->targets};
    }
}

/* The units of the region: itself, then its further doors. 0, or as jit_unit_emit. */
static int emit_units(struct jit_compiler *c, const struct region *r, const struct jit_unit_page *pages,
                      u32 page_count, struct jit_unit **units, u32 *count)
{
    struct jit_unit *u = unit_at(c, &r->block[0], pages, page_count);
    fill_emit(r, &c->emit);
    c->emit.site = 0;
    int error = jit_unit_emit(c, u);
    if (error)
        return error;
    *count = 0;
    units[(*count)++] = u;
    for (u32 n = 1; n < r->ordered; n++) {
        if (!c->emit.block[n].door)
            continue;
        struct jit_unit *door = unit_at(c, &r->block[r->order[n]], pages, page_count);
        door->next_door = u->doors;
        door->code = c->jit->code.rx + c->emit.block[n].door;
        units[(*count)++] = u->doors = door;
    }
    for (u32 n = 0; n < r->ordered; n++)
        u->guest_insns += r->block[r->order[n]].ir.guest_insns;
    return 0;
}

static bool install(struct jit_compiler *c, const struct region *r)
{
    struct jit_unit_page pages[JIT_UNIT_PAGES];
    struct jit_unit *units[REGION_BLOCKS];
    u32 page_count = 0, count;
    for (u32 n = 0; n < r->ordered; n++) {
        if (!add_page(pages, &page_count, &r->block[r->order[n]]))
            return false;
    }
    if (!jit_chunk_has_room(c))
        jit_chunk_next(c);
    int error = emit_units(c, r, pages, page_count, units, &count);
    if (error == -ENOSPC) /* the chunk is another one now */
        error = emit_units(c, r, pages, page_count, units, &count);
    if (error)
        return false;
    jit_log_unit(c->jit, units[0]);
    if (!jit_units_insert(c, units, count, r->seen)) {
        c->stats->region_refused++;
        return false;
    }
    c->stats->regions++;
    c->stats->region_blocks += r->ordered;
    return true;
}

bool region_make(struct jit_compiler *c, struct region *r)
{
    arena_reset(&c->arena);
    return optimize(r, &c->arena) && install(c, r);
}
