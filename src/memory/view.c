/*
 * view.c - flat views: a space's tree painted into a sorted array, which readers search without a
 * lock.
 *
 * Painting goes from the highest priority down; a leaf gets what of its range nobody has painted
 * yet. Invariant: sections are sorted, do not overlap, and each lies within one leaf region.
 */
#include "memory/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct painter {
    struct mem_section *list;
    u32 count, room;
};

static void painter_insert(struct painter *p, u32 at, struct mem_section s)
{
    if (p->count == p->room) {
        p->room = MAX(2 * p->room, 32);
        struct mem_section *list = realloc(p->list, p->room * sizeof(*list));
        assert(list && "no memory for the memory map");
        p->list = list;
    }
    memmove(&p->list[at + 1], &p->list[at], (p->count - at) * sizeof(p->list[0]));
    p->list[at] = s;
    p->count++;
}

static struct mem_section leaf_section(struct mem_region *r, u64 start, u64 last, u64 offset)
{
    struct mem_section s = {.start = start, .last = last, .region = r, .offset = offset};
    if (r->kind == MEM_RAM || r->kind == MEM_ROM || (r->kind == MEM_ROMD && r->direct)) {
        s.ram = r->ram;
        s.ram_offset = r->ram_offset + offset;
        s.readonly = r->kind != MEM_RAM;
    }
    return s;
}

/* Paints leaf r over start..last wherever nothing is yet; offset is r's at start. */
static void paint_leaf(struct painter *p, struct mem_region *r, u64 start, u64 last, u64 offset)
{
    u32 i = 0;
    u64 at = start;
    for (;;) {
        while (i < p->count && p->list[i].last < at)
            i++;
        u64 end = last;
        if (i < p->count && p->list[i].start <= last) {
            if (p->list[i].start <= at) {
                if (p->list[i].last >= last)
                    return;
                at = p->list[i].last + 1;
                continue;
            }
            end = p->list[i].start - 1;
        }
        painter_insert(p, i, leaf_section(r, at, end, offset + (at - start)));
        if (end == last)
            return;
        at = end + 1;
    }
}

enum { MAX_DEPTH = 32 }; /* of nested containers and aliases: a loop of aliases ends */

/* Paints region r, whose offset 0 lies at base (modulo 2^64: aliases begin before their window),
 * cut to first..last. */
static void paint(struct painter *p, struct mem_region *r, u64 base, u64 first, u64 last,
                  unsigned depth)
{
    if (!r->enabled || !r->size || depth > MAX_DEPTH)
        return;
    /* The window in r's own offsets, cut to its size: an alias may ask for more than its target
     * has. */
    u64 from = first - base, to = last - base;
    if (from >= r->size || to < from)
        return;
    to = MIN(to, r->size == UINT64_MAX ? UINT64_MAX : r->size - 1);
    last = base + to;
    if (r->kind == MEM_ALIAS) {
        paint(p, r->target, base - r->target_offset, first, last, depth + 1);
        return;
    }
    if (r->kind != MEM_CONTAINER) {
        paint_leaf(p, r, first, last, from);
        return;
    }
    for (struct mem_region *c = r->children; c; c = c->next) {
        u64 c_last = c->offset + (c->size - 1);
        if (!c->size || c->offset > to || c_last < from)
            continue;
        u64 lo = MAX(from, c->offset), hi = MIN(to, c_last);
        paint(p, c, base + c->offset, base + lo, base + hi, depth + 1);
    }
}

static struct mem_view *view_make(struct mem_region *root)
{
    struct painter p = {0};
    u64 last = root->size == UINT64_MAX ? UINT64_MAX : root->size - 1;
    paint(&p, root, 0, 0, last, 0);
    struct mem_view *v = malloc(sizeof(*v) + p.count * sizeof(v->section[0]));
    assert(v && "no memory for the memory map");
    v->count = p.count;
    if (p.count)
        memcpy(v->section, p.list, p.count * sizeof(v->section[0]));
    free(p.list);
    return v;
}

static void space_update(struct mem_space *s)
{
    struct mem_view *old = atomic_exchange(&s->view, view_make(s->root));
    if (s->changed)
        s->changed(s->changed_opaque, s);
    if (old)
        epoch_retire(s->memory->epoch, old, free);
}

void memory_begin(struct memory *m)
{
    pthread_mutex_lock(&m->lock);
    m->transaction++;
}

void memory_end(struct memory *m)
{
    if (!--m->transaction) {
        for (struct mem_space *s = m->spaces; s; s = s->next)
            space_update(s);
    }
    pthread_mutex_unlock(&m->lock);
}

void mem_space_init(struct mem_space *s, struct memory *m, const char *name,
                    struct mem_region *root)
{
    *s = (struct mem_space){.name = name, .memory = m, .root = root};
    memory_begin(m);
    s->next = m->spaces;
    m->spaces = s;
    memory_end(m);
}

void mem_space_fini(struct mem_space *s)
{
    pthread_mutex_lock(&s->memory->lock);
    struct mem_space **p = &s->memory->spaces;
    while (*p && *p != s)
        p = &(*p)->next;
    if (*p)
        *p = s->next;
    pthread_mutex_unlock(&s->memory->lock);
    free(atomic_exchange(&s->view, NULL));
}

bool mem_find(struct mem_space *s, u64 addr, struct mem_section *out)
{
    const struct mem_view *v = atomic_load_explicit(&s->view, memory_order_acquire);
    u32 low = 0, high = v->count;
    while (low < high) {
        u32 mid = (low + high) / 2;
        if (v->section[mid].last < addr)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == v->count || v->section[low].start > addr)
        return false;
    *out = v->section[low];
    out->offset += addr - out->start;
    out->ram_offset += addr - out->start;
    return true;
}

static const char *kind_text(const struct mem_section *s)
{
    static const char *const names[] = {"container", "ram", "rom", "romd", "i/o", "alias"};
    return names[s->region->kind];
}

void mem_print(struct mem_space *s, void *file)
{
    pthread_mutex_lock(&s->memory->lock);
    const struct mem_view *v = atomic_load(&s->view);
    for (u32 i = 0; i < v->count; i++) {
        const struct mem_section *e = &v->section[i];
        fprintf(file, "  %016llx-%016llx (prio %d, %s): %s", (unsigned long long)e->start,
                (unsigned long long)e->last, e->region->priority, kind_text(e), e->region->name);
        if (e->offset)
            fprintf(file, " @%016llx", (unsigned long long)e->offset);
        fprintf(file, "\n");
    }
    pthread_mutex_unlock(&s->memory->lock);
}
