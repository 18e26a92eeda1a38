/*
 * cache.c - units of translated code: pages, hash, translation.
 *
 *   guest pc --(current context's code entry, or a walk)--> jit_page --(hash: page, pc)--> jit_unit
 *
 * Invariants:
 *  1. A unit in the hash is valid, in its page's list(s) and its chunk's list; an invalid one only
 * in its chunk's.
 *  2. Lines of RAM that a valid unit was made from have their bits in the block's code_lines.
 *  3. Memory of units and links belongs to the chunk their host code is in, and is reused only
 * after every CPU passed a quiescent point since the chunk was emptied (compiler.c).
 *  4. A page with no units may be given another identity; its id changes with it, so stale copies
 * of the pointer are told apart by id.
 *
 * Locking: jit->lock for all writes. Look-up in the hash is lock-free: nodes are published with
 * release order and live until the grace period of their chunk.
 */
#include "jit/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jit/profile.h"
#include "jit/stats.h"
#include "jit/store.h"
#include "jit/targets.h"
#include "jit/warm.h"
#include "memory/memory.h"

enum {
    UNIT_HASH_BITS = 17,
    PAGE_HASH_BITS = 14,
    CROSSING_KEPT = 16,
};

int jit_cache_init(struct jit *jit, struct err *err)
{
    pthread_mutex_init(&jit->lock, NULL);
    pthread_mutex_init(&jit->reserve_lock, NULL);
    jit->hash_mask = (1u << UNIT_HASH_BITS) - 1;
    jit->page_hash_mask = (1u << PAGE_HASH_BITS) - 1;
    jit->hash = calloc(jit->hash_mask + 1, sizeof(*jit->hash));
    jit->pages = calloc(jit->page_hash_mask + 1, sizeof(*jit->pages));
    jit->sites = calloc(JIT_SITES, sizeof(*jit->sites));
    if (!jit->hash || !jit->pages || !jit->sites)
        return err_set(err, ENOMEM, "no memory for the code cache's tables");
    return jit_chunks_init(jit, err);
}

void jit_cache_fini(struct jit *jit)
{
    jit_smc_fini(jit);
    jit_chunks_fini(jit);
    for (u32 i = 0; jit->pages && i <= jit->page_hash_mask; i++) {
        while (jit->pages[i]) {
            struct jit_page *next = jit->pages[i]->hash_next;
            free(jit->pages[i]);
            jit->pages[i] = next;
        }
    }
    free(jit->sites);
    free(jit->pages);
    free((void *)jit->hash);
    if (jit->hash_mask) {
        pthread_mutex_destroy(&jit->lock);
        pthread_mutex_destroy(&jit->reserve_lock);
    }
}

/* ---- Pages ----------------------------------------------------------------------------------- */

static u32 page_bucket(const struct jit *jit, const struct ram_block *ram, u64 ram_offset)
{
    u64 key = ((u64)(uintptr_t)ram >> 4) ^ (ram_offset >> TLB_PAGE_BITS);
    return (u32)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & jit->page_hash_mask;
}

struct jit_page *jit_pages_of(struct jit *jit, const struct ram_block *ram, u64 ram_offset)
{
    return jit->pages[page_bucket(jit, ram, ram_offset)];
}

static bool page_is(const struct jit_page *p, const struct isa *isa, u64 vpage, u64 mode,
                    const struct ram_block *ram, u64 ram_offset)
{
    return p->vpage == vpage && p->ram == ram && p->ram_offset == ram_offset && p->mode == mode &&
           p->isa == isa;
}

/*
 * Finds the page, for this address or for any; reuse: an empty one of the same RAM page. *seen: it
 * has units for another address.
 */
static struct jit_page *page_find(struct jit *jit, const struct jit_page *wanted, bool may_move,
                                  struct jit_page **reuse, bool *seen)
{
    struct jit_page *any = NULL;
    for (struct jit_page *p = jit_pages_of(jit, wanted->ram, wanted->ram_offset); p; p = p->hash_next) {
        if (p->ram != wanted->ram || p->ram_offset != wanted->ram_offset)
            continue;
        if (page_is(p, wanted->isa, wanted->vpage, wanted->mode, wanted->ram, wanted->ram_offset))
            return p;
        if (page_is(p, wanted->isa, IR_MOVABLE_PAGE, wanted->mode, wanted->ram, wanted->ram_offset))
            any = p;
        if (!p->units)
            *reuse = p;
        else if (p->isa == wanted->isa && p->mode == wanted->mode)
            *seen = true;
    }
    return may_move ? any : NULL;
}

/* Finds or makes the page. An empty one of the same RAM page is given the new identity (invariant
 * 4): *id is read before somebody else can do that. NULL: no memory. */
static struct jit_page *page_get(struct jit *jit, const struct isa *isa, u64 vpage, u64 mode,
                                 const struct tlb_target *t, bool may_move, bool move_first, u32 *id)
{
    const struct jit_page wanted = {
        .isa = isa, .vpage = vpage, .mode = mode, .ram = t->ram, .ram_offset = t->ram_offset};
    u32 bucket = page_bucket(jit, t->ram, t->ram_offset);
    struct jit_page *p, *reuse = NULL;
    bool seen = jit->opt.movable == JIT_MOVABLE_ALWAYS || move_first;
    jit_lock(jit);
    p = page_find(jit, &wanted, may_move, &reuse, &seen);
    if (p)
        goto out;
    p = reuse;
    if (!p) {
        p = calloc(1, sizeof(*p));
        if (!p)
            goto out;
        p->hash_next = jit->pages[bucket];
        jit->pages[bucket] = p;
    }
    p->id = ++jit->next_page_id;
    p->isa = isa;
    p->vpage = may_move && seen ? IR_MOVABLE_PAGE : vpage;
    p->mode = mode;
    p->ram = t->ram;
    p->ram_offset = t->ram_offset;
    p->host = t->ram->host + t->ram_offset;
out:
    *id = p ? p->id : 0;
    pthread_mutex_unlock(&jit->lock);
    return p;
}

bool jit_page_at(struct cpu *cpu, u64 vaddr, struct jit_page_ref *ref, struct isa_fault *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    const struct tlb_code_entry *e = &jc->context->code[tlb_code_index(vaddr)];
    u64 vpage = vaddr & TLB_PAGE_MASK;
    *ref = (struct jit_page_ref){.page = e->page, .id = e->id};
    if (e->tag == vpage && e->page->id == e->id)
        return true;
    struct isa_mapping m;
    struct tlb_target t;
    *f = (struct isa_fault){.access = ISA_FETCH, .vaddr = vaddr};
    u32 was = jit_place_enter(cpu, JIT_IN_WALK);
    f->kind = cpu->isa->walk(cpu, &jc->context->key_fetch, vaddr, ISA_FETCH, &m, f);
    jit_place_set(cpu, was);
    jc->stats.walks++;
    if (f->kind)
        return false;
    tlb_physical(cpu, m.paddr & TLB_PAGE_MASK, &t);
    ref->fine = m.page_size < TLB_PAGE;
    u64 mode = cpu->mode | m.code_mode;
    bool may_move = jc->jit->opt.movable && !ref->fine && !(mode & cpu->isa->fixed_modes);
    /* What is kept on disk is for another boot, where a process's code will be somewhere else. */
    bool move_first = jc->jit->store && !m.global;
    ref->page = t.host ? page_get(jc->jit, cpu->isa, vpage, mode, &t, may_move, move_first, &ref->id) : NULL;
    if (!ref->page) {
        f->kind = ISA_FAULT_ACCESS;
        return false;
    }
    if (!ref->fine) {
        tlb_note_large(jc->context, vaddr, m.page_size);
        tlb_code_set(jc->context, tlb_code_index(vaddr),
                     &(struct tlb_code_entry){.tag = vpage, .page = ref->page, .id = ref->id, .global = m.global});
    }
    return true;
}

/* ---- Units ----------------------------------------------------------------------------------- */

/* Units near each other are in buckets near each other: translated and looked for together, they share lines of the table. */
static u32 unit_bucket(const struct jit *jit, u32 page_id, u64 pc)
{
    u32 page = (u32)((page_id * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
    return (page + (u32)((pc & (TLB_PAGE - 1)) >> 2)) & jit->hash_mask;
}

u64 jit_unit_lines(u64 pc, u32 bytes, unsigned n)
{
    u64 page = (pc & TLB_PAGE_MASK) + n * TLB_PAGE;
    u64 first = MAX(pc, page), last = MIN(pc + bytes - 1, page + TLB_PAGE - 1);
    if (!bytes || first > last)
        return 0;
    return BITS((last - page) >> 6, (first - page) >> 6);
}

struct jit_unit *jit_unit_known(struct jit *jit, u32 page_id, u64 pc)
{
    struct jit_unit *u = atomic_load_explicit(&jit->hash[unit_bucket(jit, page_id, pc)], memory_order_acquire);
    while (u && (u->pc != pc || u->page_id != page_id))
        u = atomic_load_explicit(&u->hash_next, memory_order_acquire);
    return u;
}

u64 jit_unit_pc(const struct jit_page *page, u64 pc)
{
    return page->vpage == IR_MOVABLE_PAGE ? IR_MOVABLE_PAGE | (pc & (TLB_PAGE - 1)) : pc;
}

static struct jit_unit *unit_find(struct cpu *cpu, const struct jit_page_ref *first, u64 pc)
{
    u64 named = jit_unit_pc(first->page, pc);
    struct jit *jit = jit_cpu(cpu)->jit;
    struct jit_unit *u =
        atomic_load_explicit(&jit->hash[unit_bucket(jit, first->id, pc)], memory_order_acquire);
    for (; u; u = atomic_load_explicit(&u->hash_next, memory_order_acquire)) {
        if ((u->pc != pc && u->pc != named) || u->page_id != first->id)
            continue;
        if (!u->crosses)
            return u;
        struct jit_page_ref second;
        struct isa_fault f;
        if (jit_page_at(cpu, (pc & TLB_PAGE_MASK) + TLB_PAGE, &second, &f) &&
            second.id == u->pages[1].id && !second.fine)
            return u;
    }
    return NULL;
}

static void page_add_unit(struct jit_unit *u, struct jit_unit_page *p)
{
    p->next = p->page->units;
    p->page->units = u;
    atomic_fetch_or(&p->page->ram->code_lines[p->page->ram_offset >> TLB_PAGE_BITS], p->lines);
}

static void page_remove_unit(struct jit_unit *u, const struct jit_unit_page *own)
{
    struct jit_unit **p = &own->page->units;
    while (*p && *p != u)
        p = &jit_unit_page(*p, own->page)->next;
    if (*p)
        *p = own->next;
}

/*
 * A unit that goes on behind a movable page is for its address only, and there may be many such
 * addresses. Few are kept: the oldest makes room. Lock held.
 */
static void thin_crossing(struct jit *jit, const struct jit_unit *u)
{
    struct jit_unit *oldest = NULL;
    unsigned count = 0;
    if (!u->crosses || u->pages[0].page->vpage != IR_MOVABLE_PAGE)
        return;
    for (struct jit_unit *v = atomic_load(&jit->hash[unit_bucket(jit, u->pages[0].id, u->pc)]); v;
         v = atomic_load(&v->hash_next)) {
        if (v->crosses && v->pages[0].id == u->pages[0].id) {
            oldest = v;
            count++;
        }
    }
    if (count >= CROSSING_KEPT)
        jit_unit_invalidate(jit, oldest);
}

bool jit_page_is_as(const struct jit *jit, const struct jit_page_ref *ref, u64 seen)
{
    return ref->page->id == ref->id && !jit_written_since(jit, ref->page, seen);
}

static bool unit_is_current(const struct jit *jit, const struct jit_unit *u, u64 seen)
{
    bool ok = true;
    for (unsigned n = 0; n < u->page_count; n++) {
        const struct jit_page_ref ref = {.page = u->pages[n].page, .id = u->pages[n].id};
        ok = ok && jit_page_is_as(jit, &ref, seen);
    }
    return ok;
}

static void hash_insert(struct jit *jit, struct jit_unit *u)
{
    struct jit_unit *_Atomic *head = &jit->hash[unit_bucket(jit, u->pages[0].id, u->pc)];
    u->page_id = u->pages[0].id;
    atomic_store_explicit(&u->hash_next, atomic_load(head), memory_order_relaxed);
    atomic_store_explicit(head, u, memory_order_release);
}

bool jit_units_insert(struct jit_compiler *c, struct jit_unit *const *units, u32 count, u64 seen)
{
    struct jit *jit = c->jit;
    jit_lock(jit);
    bool ok = true;
    for (u32 i = 0; i < count; i++)
        ok = ok && unit_is_current(jit, units[i], seen);
    for (u32 i = 0; i < count; i++) {
        if (ok)
            thin_crossing(jit, units[i]);
        struct jit_unit *u = units[i], *old = ok && !u->crosses ? jit_unit_known(jit, u->pages[0].id, u->pc) : NULL;
        if (old)
            jit_unit_invalidate(jit, old);
        for (unsigned n = 0; ok && n < u->page_count; n++)
            page_add_unit(u, &u->pages[n]);
        atomic_store(&u->valid, ok);
        if (ok) {
            u->chunk = (u32)(c->chunk - jit->chunks);
            c->chunk->valid++;
            hash_insert(jit, u);
            jit_link_heads(jit, u);
        }
        u->next_in_chunk = c->chunk->units;
        c->chunk->units = u;
    }
    pthread_mutex_unlock(&jit->lock);
    return ok;
}

void jit_unit_invalidate(struct jit *jit, struct jit_unit *u)
{
    if (!atomic_exchange(&u->valid, false))
        return;
    jit->chunks[u->chunk].valid--;
    for (struct jit_unit *door = u->doors; door; door = door->next_door)
        jit_unit_invalidate(jit, door);
    struct jit_unit *_Atomic *p = &jit->hash[unit_bucket(jit, u->pages[0].id, u->pc)];
    while (atomic_load(p) && atomic_load(p) != u)
        p = &atomic_load(p)->hash_next;
    if (atomic_load(p))
        atomic_store(p, atomic_load(&u->hash_next));
    for (unsigned n = 0; n < u->page_count; n++)
        page_remove_unit(u, &u->pages[n]);
    jit_unlink_all(jit, u);
    jit_jump_forget(jit, u);
}

void jit_cache_flush(struct cpu *cpu)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    jit_lock(jit);
    jit_note_written(jit, NULL, 0);
    for (u32 i = 0; i < jit->chunk_count; i++) {
        for (struct jit_unit *u = jit->chunks[i].units; jit->chunks[i].valid; u = u->next_in_chunk) {
            if (atomic_load_explicit(&u->valid, memory_order_relaxed))
                jit_unit_invalidate(jit, u);
        }
    }
    pthread_mutex_unlock(&jit->lock);
}

/* ---- Translation ----------------------------------------------------------------------------- */

bool jit_block_ir(struct cpu *cpu, struct ir_unit *ir, const struct jit_page_ref *page, u64 pc, unsigned max_insns,
                  u32 passes)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct ir_builder *b = &jc->builder;
    if (unlikely(jc->jit->no_pairs))
        passes &= ~(u32)IR_PASS_LINK;
    jit_fetch_begin(jc, ir, page, pc);
    arena_reset(&jc->compiler.arena);
    /* The page's mode: cpu->mode and what its mapping added. */
    ir_builder_init(b, ir, &jc->compiler.arena, cpu->isa, pc, jc->fetch_page[0].page->mode);
    u32 was = jit_place_translate(cpu, JIT_IN_FRONT);
    cpu->isa->translate(cpu, b, max_insns);
    jit_place_set(cpu, was);
    assert(ir_ended(b));
    if (!ir->guest_insns)
        return false;
    jit_log_guest(cpu, ir);
    jit_log_ir(jc->jit, ir, LOG_IR, "ir");
    if (ir->may & IR_MAY_LOOP) /* loops are made of what is left */
        passes |= IR_PASS_DEAD;
    was = jit_place_translate(cpu, JIT_IN_PASSES);
    ir_optimize(ir, &jc->compiler.arena, passes);
    jit_place_set(cpu, was);
    jit_log_ir(jc->jit, ir, LOG_IR_OPT, "ir_opt");
    return true;
}

static void *copy_in(struct jit_chunk *c, const void *from, size_t size)
{
    return memcpy(arena_alloc(&c->meta, size), from, size);
}

/* The interpreter's form of a unit: its IR, kept in the chunk. */
static struct ir_unit *keep_ir(struct jit_chunk *c, const struct ir_unit *ir)
{
    struct ir_unit *k = copy_in(c, ir, sizeof(*ir));
    k->ops = copy_in(c, ir->ops, ir->count * sizeof(*ir->ops));
    k->args = copy_in(c, ir->args, ir->arg_count * sizeof(*ir->args));
    return k;
}

/* The unit of what was just fetched. */
static struct jit_unit *unit_of(struct jit_cpu *jc, const struct ir_unit *ir)
{
    bool crosses = jc->fetch_page[1].page;
    struct jit_unit *u = jit_unit_new(&jc->compiler, ir->pc, ir->mode, 1 + crosses);
    u->guest_bytes = ir->guest_bytes;
    u->guest_insns = ir->guest_insns;
    u->crosses = crosses;
    for (unsigned n = 0; n <= crosses; n++) {
        const struct jit_page_ref *ref = &jc->fetch_page[n];
        u->pages[n] = (struct jit_unit_page){
            .page = ref->page, .id = ref->id, .lines = jit_unit_lines(ir->pc, ir->guest_bytes, n)};
    }
    return u;
}

/* One try. NULL with f->kind: fetch fault; NULL without: try again (smaller, for this address only,
 * or the code changed meanwhile). */
static struct jit_unit *translate_once(struct cpu *cpu, const struct jit_page_ref *page, u64 pc,
                                       unsigned *max_insns, bool *fixed, struct isa_fault *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    struct ir_unit ir;
    struct jit_chunk *c = jc->compiler.chunk;
    u64 seen = atomic_load(&jit->invalidations);
    /* The back end passes over what is dead. */
    u32 passes = jit->backend ? ~(u32)IR_PASS_DEAD : ~0u;
    if (!jit_block_ir(cpu, &ir, page, pc, *max_insns, passes)) {
        *fixed |= jc->fetch_crossed;
        *f = jc->fetch_fault;
        return NULL;
    }
    struct jit_unit *u = unit_of(jc, &ir);
    if (!jit->backend || jit->opt.check)
        u->ir = keep_ir(c, ir.entry ? ir.entry : &ir);
    if (jit->backend) {
        jc->compiler.emit.block[0] = (struct jit_emit_block){.ir = &ir, .page_id = u->pages[0].id};
        jc->compiler.emit.block_count = 1;
        jc->compiler.emit.site = jit_targets_site(jit, u->pages[0].id, pc);
        u32 was = jit_place_translate(cpu, JIT_IN_EMITTER);
        int r = jit_unit_emit(&jc->compiler, u);
        jit_place_set(cpu, was);
        if (r == -E2BIG)
            *max_insns = MAX(*max_insns / 2, 1);
        if (r)
            return NULL;
    } else {
        c->used += 256; /* the interpreter's units count against the chunk as if they had code */
    }
    jit_log_unit(jit, u);
    if (!jit->store || jc->compiler.emit.site)
        return jit_units_insert(&jc->compiler, &u, 1, seen) ? u : NULL;
    struct stored_unit *record = jit_warm_begin(cpu, u);
    bool ok = jit_units_insert(&jc->compiler, &u, 1, seen);
    jit_warm_end(cpu, record, ok);
    return ok ? u : NULL;
}

/* The unit as an earlier run translated it, or NULL. */
static struct jit_unit *load_once(struct cpu *cpu, const struct jit_page_ref *page, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    struct jit_chunk *c = jc->compiler.chunk;
    struct jit_unit *u = NULL;
    struct ir_unit ir = {0};
    u64 seen = atomic_load(&jit->invalidations);
    jit_fetch_begin(jc, &ir, page, pc);
    const struct stored_unit *s = jit_targets_site(jit, page->id, pc) ? NULL : jit_warm_find(cpu, pc);
    if (!s)
        return NULL;
    ir.pc = s->pc;
    ir.mode = s->mode;
    ir.guest_bytes = s->guest_bytes;
    ir.guest_insns = s->guest_insns;
    if (s->code_bytes <= c->size - c->used) {
        u32 start = c->start + c->used;
        u = unit_of(jc, &ir);
        struct jit_link *links = arena_alloc(&c->meta, s->links * sizeof(*links));
        stored_place(s, jit->code.rw + start, start, links, u->crosses ? u->pages[1].id : 0);
        jit_unit_has_code(jit, c, u, s->code_bytes, links, s->links);
        u->past_poll = s->past_poll;
        jit_log_unit(jit, u);
    }
    store_release(jit->store);
    return u && jit_units_insert(&jc->compiler, &u, 1, seen) ? u : NULL;
}

struct jit_unit *jit_unit_at(struct cpu *cpu, u64 pc, struct isa_fault *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    unsigned max_insns = jit->opt.max_insns;
    u64 start = 0;
    bool fixed = false;
    f->kind = ISA_FAULT_NONE;
    for (;;) {
        /* Anew at each try: the page may have been given away while a chunk was waited for. */
        struct jit_page_ref page;
        if (!jit_page_at(cpu, pc, &page, f))
            return NULL;
        jc->unit_fine = page.fine;
        struct jit_unit *u = page.fine ? NULL : unit_find(cpu, &page, pc);
        if (u)
            return u;
        if (!start)
            start = jit_count_begin(jc);
        if (!jit_chunk_has_room(&jc->compiler)) {
            jit_chunk_next(&jc->compiler);
            continue;
        }
        u64 named = fixed ? pc : jit_unit_pc(page.page, pc);
        u32 was = jit_place_enter(cpu, JIT_IN_LOAD);
        u = jit->store ? load_once(cpu, &page, named) : NULL;
        jit_place_set(cpu, was);
        if (u) {
            jc->stats.loaded++;
            jc->stats.load_ns += jit_count_time(start);
            return u;
        }
        if (page.fine)
            max_insns = 1;
        jit_place_set(cpu, JIT_IN_TRANSLATE);
        u = translate_once(cpu, &page, named, &max_insns, &fixed, f);
        jit_place_set(cpu, was);
        if (u)
            jit_count_unit(jc, u, jit_count_time(start));
        if (u || f->kind)
            return u;
    }
}
