/*
 * compiler.c - where who makes units puts them: chunks of code memory, each with an arena for its units and links.
 *
 * A chunk has one owner, who alone fills it. One that held code is emptied under the lock, and filled again only after
 * every CPU has left the code that it was in. Who asks for it passes a quiescent point meanwhile if it is a CPU. A
 * compiler that is none holds no unit but its own without the lock, so nobody needs to wait for it.
 *
 * Locking: jit->lock for who owns a chunk, and for its list of units; the rest is the owner's.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "jit/cache.h"
#include "jit/profile.h"
#include "jit/stats.h"

enum {
    CHUNK_SIZE = 256 * 1024,
    CHUNK_MIN_LEFT = 16 * 1024, /* below it the chunk is closed: one unit never needs more */
};

int jit_chunks_init(struct jit *jit, struct err *err)
{
    u64 chunks = jit->opt.cache_size / CHUNK_SIZE;
    if (chunks < 4)
        return err_set(err, EINVAL, "tb-size=%llu bytes: at least %d are needed",
                       (unsigned long long)jit->opt.cache_size, 4 * CHUNK_SIZE);
    jit->chunks = calloc(chunks, sizeof(*jit->chunks));
    if (!jit->chunks)
        return err_set(err, ENOMEM, "no memory for the code cache's tables");
    jit->chunk_count = (u32)chunks;
    for (u32 i = 0; i < chunks; i++) {
        u32 skip = i ? 0 : jit->stub_bytes;
        jit->chunks[i] =
            (struct jit_chunk){.start = i * CHUNK_SIZE + skip, .size = CHUNK_SIZE - skip};
        arena_init(&jit->chunks[i].meta);
    }
    return 0;
}

void jit_chunks_fini(struct jit *jit)
{
    for (u32 i = 0; i < jit->chunk_count; i++)
        arena_fini(&jit->chunks[i].meta);
    free(jit->chunks);
}

/* ---- Taking one ------------------------------------------------------------------------------ */

/* One that guests which write code have emptied by themselves: memory that has been touched is used again first. */
static struct jit_chunk *chunk_dead(struct jit *jit)
{
    for (u32 i = 0; i < jit->chunk_count; i++) {
        struct jit_chunk *c = &jit->chunks[i];
        if (c->units && !c->valid && !c->owned)
            return c;
    }
    return NULL;
}

/* Takes a chunk that nobody writes to. Lock held; its units are invalid after, and in no list. */
static struct jit_chunk *chunk_evict(struct jit *jit, bool *was_used)
{
    struct jit_chunk *c = chunk_dead(jit);
    while (!c || c->owned) {
        c = &jit->chunks[jit->next_chunk];
        jit->next_chunk = (jit->next_chunk + 1) % jit->chunk_count;
    }
    for (struct jit_unit *u = c->units; c->valid; u = u->next_in_chunk) {
        if (atomic_load_explicit(&u->valid, memory_order_relaxed))
            jit_unit_invalidate(jit, u);
    }
    *was_used = c->units;
    c->units = NULL;
    c->owned = true;
    return c;
}

/*
 * Full, by its owner. Once only: memory that is filled again and again would be asked for again each
 * time. The interpreter's chunks hold units and no code.
 */
static void chunk_rest(struct jit *jit, struct jit_chunk *c)
{
    if (!c->rested && jit->backend)
        host_code_rest(&jit->code, c->start, c->size);
    c->rested = true;
}

/* Until each CPU has left the code that it was in: they are kicked. */
static void wait_for_cpus(struct jit_compiler *c)
{
    struct jit *jit = c->jit;
    u64 start = host_monotonic_ns();
    /* They are kicked within the period: a point that a CPU passed before it would leave us waiting for ever. */
    u64 period = epoch_advance(jit->epoch);
    for (u32 i = 0; i < jit->cpu_count; i++) {
        if (jit->cpus[i] != c->cpu)
            cpu_kick(jit->cpus[i], CPU_EXIT_IRQ);
    }
    epoch_wait(jit->epoch, period);
    c->stats->chunk_waits++;
    c->stats->chunk_wait_ns += host_monotonic_ns() - start;
}

void jit_chunk_next(struct jit_compiler *c)
{
    struct jit *jit = c->jit;
    if (c->chunk)
        chunk_rest(jit, c->chunk);
    jit_lock(jit);
    if (c->chunk)
        c->chunk->owned = false;
    bool was_used;
    struct jit_chunk *next = chunk_evict(jit, &was_used);
    pthread_mutex_unlock(&jit->lock);
    if (was_used && c->cpu) {
        epoch_offline(jit->epoch, &c->cpu->epoch);
        u32 was = jit_place_enter(c->cpu, JIT_IN_WAIT);
        wait_for_cpus(c);
        jit_place_set(c->cpu, was);
        epoch_online(jit->epoch, &c->cpu->epoch);
    } else if (was_used) {
        wait_for_cpus(c);
    }
    arena_reset(&next->meta);
    next->used = 0;
    c->chunk = next;
    c->chunks_taken++;
}

bool jit_chunk_has_room(const struct jit_compiler *c)
{
    return c->chunk && c->chunk->size - c->chunk->used >= CHUNK_MIN_LEFT;
}

void jit_compiler_init(struct jit_compiler *c, struct jit *jit, struct cpu *cpu, struct jit_stats *stats)
{
    c->jit = jit;
    c->cpu = cpu;
    c->stats = stats;
    arena_init(&c->arena);
}

void jit_compiler_fini(struct jit_compiler *c)
{
    jit_lock(c->jit);
    if (c->chunk)
        c->chunk->owned = false;
    c->chunk = NULL;
    pthread_mutex_unlock(&c->jit->lock);
    arena_fini(&c->arena);
}

/* ---- Filling it ------------------------------------------------------------------------------ */

struct jit_unit *jit_unit_new(struct jit_compiler *c, u64 pc, u64 mode, u32 page_count)
{
    struct jit_unit *u = arena_zalloc(&c->chunk->meta, sizeof(*u) + page_count * sizeof(u->pages[0]));
    u->pc = pc;
    u->mode = mode;
    u->page_count = (u8)page_count;
    return u;
}

void jit_unit_has_code(struct jit *jit, struct jit_chunk *chunk, struct jit_unit *u, u32 size, struct jit_link *links,
                       u32 count)
{
    u32 start = chunk->start + chunk->used;
    for (u32 i = 0; i < count; i++) {
        links[i].from = u;
        links[i].to = NULL;
        links[i].page_id = 0;
    }
    u->links = links;
    u->link_count = count;
    u->code = jit->code.rx + start;
    u->code_size = size;
    chunk->used += (u32)align_up(size, 16);
}

/* At the chunk's end. */
static int emit_code(struct jit_compiler *c, struct jit_unit *u)
{
    struct jit *jit = c->jit;
    struct jit_chunk *chunk = c->chunk;
    struct jit_emit *out = &c->emit;
    u32 start = chunk->start + chunk->used;
    /* Reserved at most, given back below: stubs carry the links' final addresses. */
    struct jit_link *links = arena_alloc(&chunk->meta, sizeof(*links) * JIT_MAX_LINKS);
    out->arena = &c->arena;
    out->rw = jit->code.rw + start;
    out->offset = start;
    out->capacity = chunk->size - chunk->used;
    out->link_count = 0;
    out->link_base = links;
    out->page2_id = u->crosses ? u->pages[1].id : 0;
    out->page2_tag = u->crosses && u->pages[1].page->vpage == IR_MOVABLE_PAGE
                         ? (u->pc & TLB_PAGE_MASK) + TLB_PAGE
                         : 0;
    int r = jit->backend->emit(jit, out);
    chunk->meta.ptr = (u8 *)links + align_up(sizeof(*links) * (r ? 0 : out->link_count), 16);
    if (r)
        return r;
    memcpy(links, out->links, out->link_count * sizeof(*links));
    jit_unit_has_code(jit, chunk, u, out->size, links, out->link_count);
    u->past_poll = out->past_poll;
    if (unlikely(jit->opt.count))
        jit_count_emitted(c, u);
    return 0;
}

int jit_unit_emit(struct jit_compiler *c, struct jit_unit *u)
{
    int r = emit_code(c, u);
    if (r == -ENOSPC)
        jit_chunk_next(c);
    return r;
}
