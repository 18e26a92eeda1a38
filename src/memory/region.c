/*
 * region.c - the tree of regions: making, mapping, unmapping.
 *
 * A region belongs to its device or board, which frees it after it is unmapped. Children are kept
 * by falling priority, of equals the later one first: the order in which view.c paints them, what
 * is already painted hiding the rest.
 */
#include "memory/memory.h"

static void region_init(struct mem_region *r, const char *name, enum mem_kind kind, u64 size)
{
    *r = (struct mem_region){
        .name = name, .kind = kind, .size = size, .enabled = true, .direct = true};
}

void mem_container(struct mem_region *r, const char *name, u64 size)
{
    region_init(r, name, MEM_CONTAINER, size);
}

void mem_ram(struct mem_region *r, const char *name, struct ram_block *ram, u64 ram_offset,
             u64 size)
{
    region_init(r, name, MEM_RAM, size);
    r->ram = ram;
    r->ram_offset = ram_offset;
}

void mem_rom(struct mem_region *r, const char *name, struct ram_block *ram, u64 ram_offset,
             u64 size)
{
    mem_ram(r, name, ram, ram_offset, size);
    r->kind = MEM_ROM;
}

void mem_io(struct mem_region *r, const char *name, u64 size, const struct mem_ops *ops,
            void *opaque, pthread_mutex_t *lock)
{
    region_init(r, name, MEM_IO, size);
    r->ops = ops;
    r->opaque = opaque;
    r->lock = lock;
}

void mem_romd(struct mem_region *r, const char *name, struct ram_block *ram, u64 size,
              const struct mem_ops *ops, void *opaque, pthread_mutex_t *lock)
{
    mem_io(r, name, size, ops, opaque, lock);
    r->kind = MEM_ROMD;
    r->ram = ram;
}

void mem_alias(struct mem_region *r, const char *name, struct mem_region *target, u64 target_offset,
               u64 size)
{
    region_init(r, name, MEM_ALIAS, size);
    r->target = target;
    r->target_offset = target_offset;
}

void mem_map(struct memory *m, struct mem_region *parent, u64 offset, struct mem_region *child,
             int priority)
{
    assert(!child->parent && parent->kind == MEM_CONTAINER);
    memory_begin(m);
    child->parent = parent;
    child->memory = m;
    child->offset = offset;
    child->priority = priority;
    struct mem_region **p = &parent->children;
    while (*p && (*p)->priority > priority)
        p = &(*p)->next;
    child->next = *p;
    *p = child;
    memory_end(m);
}

void mem_unmap(struct memory *m, struct mem_region *child)
{
    if (!child->parent)
        return;
    memory_begin(m);
    struct mem_region **p = &child->parent->children;
    while (*p != child)
        p = &(*p)->next;
    *p = child->next;
    child->parent = child->next = NULL;
    memory_end(m);
}

void mem_enable(struct memory *m, struct mem_region *r, bool on)
{
    if (r->enabled == on)
        return;
    memory_begin(m);
    r->enabled = on;
    memory_end(m);
}

void mem_romd_direct(struct memory *m, struct mem_region *r, bool on)
{
    if (r->direct == on)
        return;
    memory_begin(m);
    r->direct = on;
    memory_end(m);
}
