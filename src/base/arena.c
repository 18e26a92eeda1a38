/*
 * arena.c - bump allocation in chunks that double in size.
 *
 * Invariant: ptr and end lie in chunk cur; chunks after cur are free and kept for use after a
 * reset. One owner thread.
 */
#include "base/arena.h"

#include "base/alloc.h"

#define ARENA_CHUNK_MIN (128 * KiB) /* a unit of code takes one */
#define ARENA_CHUNK_MAX (4 * MiB)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of data */
    _Alignas(16) u8 data[];
};

static void arena_use(struct arena *a, struct arena_chunk *c)
{
    a->cur = c;
    a->ptr = c ? c->data : NULL;
    a->end = c ? c->data + c->size : NULL;
}

void arena_init(struct arena *a)
{
    a->first = NULL;
    arena_use(a, NULL);
}

void arena_fini(struct arena *a)
{
    struct arena_chunk *next;
    for (struct arena_chunk *c = a->first; c; c = next) {
        next = c->next;
        free(c);
    }
    arena_init(a);
}

void arena_reset(struct arena *a)
{
    arena_use(a, a->first);
}

/* size is a multiple of 16, as arena_alloc rounds it. */
void *arena_grow(struct arena *a, size_t size)
{
    struct arena_chunk **link = a->cur ? &a->cur->next : &a->first;
    /* A kept chunk that is too small for this request goes back to the host. */
    while (*link && (*link)->size < size) {
        struct arena_chunk *small = *link;
        *link = small->next;
        free(small);
    }
    if (!*link) {
        size_t next = a->cur ? MIN(a->cur->size * 2, ARENA_CHUNK_MAX) : ARENA_CHUNK_MIN;
        struct arena_chunk *c = alloc_bytes(sizeof(*c) + MAX(next, size));
        c->next = NULL;
        c->size = MAX(next, size);
        *link = c;
    }
    arena_use(a, *link);
    void *p = a->ptr;
    a->ptr += size;
    return p;
}
