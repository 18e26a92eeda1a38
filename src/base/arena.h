/*
 * arena.h - bump allocation, freed all at once: for the short-lived graphs of one translation or
 * one parse.
 *
 * One owner thread. Memory is not zeroed unless asked. Allocation never returns NULL (a host
 * without memory ends the process by the allocator's message).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *first, *cur;
    u8 *ptr, *end;
};

void arena_init(struct arena *a);
void arena_fini(struct arena *a);
void arena_reset(struct arena *a); /* everything is free again; memory is kept for the next use */
void *arena_grow(struct arena *a, size_t size);

/* size bytes, aligned to 16. */
static inline void *arena_alloc(struct arena *a, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (unlikely((size_t)(a->end - a->ptr) < size))
        return arena_grow(a, size);
    void *p = a->ptr;
    a->ptr += size;
    return p;
}

static inline void *arena_zalloc(struct arena *a, size_t size)
{
    return memset(arena_alloc(a, size), 0, size);
}

#endif
