/*
 * ram.c - RAM blocks: host memory on memfd, code lines, dirty log.
 *
 * Blocks are made before the guest runs and live as long as the memory: pointers into them stay
 * good.
 */
#include "memory/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host.h"

void memory_init(struct memory *m, struct epoch *epoch)
{
    *m = (struct memory){.epoch = epoch};
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    /* A listener of a change may look at the tree. */
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m->lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

static void ram_block_free(struct ram_block *ram)
{
    host_unmap(ram->host, ram->size);
    host_unmap((void *)ram->code_lines, align_up(ram->size / MEM_PAGE * 8, MEM_PAGE));
    free((void *)atomic_load(&ram->dirty));
    free(ram);
}

void memory_fini(struct memory *m)
{
    assert(!m->spaces);
    while (m->blocks) {
        struct ram_block *next = m->blocks->next;
        ram_block_free(m->blocks);
        m->blocks = next;
    }
    pthread_mutex_destroy(&m->lock);
}

struct ram_block *ram_block_new(struct memory *m, const char *name, u64 size, struct err *err)
{
    if (ram_block_find(m, name)) {
        err_set(err, EEXIST, "memory %s exists already", name);
        return NULL;
    }
    struct ram_block *ram = calloc(1, sizeof(*ram));
    if (!ram) {
        err_set(err, ENOMEM, "no memory for %s", name);
        return NULL;
    }
    snprintf(ram->name, sizeof(ram->name), "%s", name);
    ram->memory = m;
    ram->size = align_up(size, MEM_PAGE);
    ram->host = host_map(ram->size, err);
    if (!ram->host)
        goto out_free;
    /* Mapped, not allocated: only pages that code is translated from cost memory. */
    ram->code_lines = host_map(align_up(ram->size / MEM_PAGE * 8, MEM_PAGE), err);
    if (!ram->code_lines)
        goto out_unmap;
    ram->next = m->blocks;
    m->blocks = ram;
    return ram;

out_unmap:
    host_unmap(ram->host, ram->size);
out_free:
    free(ram);
    err_prefix(err, "memory %s of %llu MiB", name, (unsigned long long)(size / MiB));
    return NULL;
}

struct ram_block *ram_block_find(struct memory *m, const char *name)
{
    for (struct ram_block *ram = m->blocks; ram; ram = ram->next) {
        if (!strcmp(ram->name, name))
            return ram;
    }
    return NULL;
}

void memory_ram_written(struct ram_block *ram, u64 offset, u64 size)
{
    if (!size)
        return;
    u64 first = offset >> MEM_PAGE_BITS, last = (offset + size - 1) >> MEM_PAGE_BITS;
    _Atomic u64 *dirty = atomic_load(&ram->dirty);
    atomic_thread_fence(
        memory_order_seq_cst); /* the bytes before the look at code_lines: jit/smc.c */
    for (u64 page = first; page <= last; page++) {
        if (dirty)
            atomic_fetch_or(&dirty[page / 64], BIT(page % 64));
        if (unlikely(atomic_load_explicit(&ram->code_lines[page], memory_order_relaxed)) &&
            ram->memory->code_written) {
            u64 from = MAX(offset, page << MEM_PAGE_BITS);
            u64 to = MIN(offset + size, (page + 1) << MEM_PAGE_BITS);
            ram->memory->code_written(ram->memory->code_opaque, ram, from, to - from);
        }
    }
}

int ram_block_log(struct ram_block *ram, bool on, struct err *err)
{
    _Atomic u64 *old = atomic_load(&ram->dirty), *bits = NULL;
    if (on == (old != NULL))
        return 0;
    if (on) {
        bits = calloc((ram->size / MEM_PAGE + 63) / 64, sizeof(*bits));
        if (!bits)
            return err_set(err, ENOMEM, "no memory for the dirty log of %s", ram->name);
    }
    atomic_store(&ram->dirty, bits);
    if (old)
        epoch_retire(ram->memory->epoch, (void *)old, free);
    return 0;
}
