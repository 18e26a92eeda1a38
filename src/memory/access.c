/*
 * access.c - reads and writes of a space's bytes: RAM directly, registers through their device; and
 * DMA, which is RAM only.
 *
 * Values are little-endian numbers of the bytes at rising addresses; a big-endian device's are
 * swapped here. Guest memory changes under us: a value is read once, by one load where it is
 * aligned.
 */
#include "memory/memory.h"

/* ---- Registers ------------------------------------------------------------------------------- */

static unsigned ops_min(const struct mem_ops *ops)
{
    return ops->min_size ? ops->min_size : 1;
}

static unsigned ops_max(const struct mem_ops *ops)
{
    return ops->max_size ? ops->max_size : 8;
}

static u64 io_order(const struct mem_ops *ops, u64 v, unsigned size)
{
    return ops->big_endian ? bswap_size(v, size) : v;
}

/* One access of a size the device has; wider than asked for when the device's smallest is. */
static enum mem_result io_read_one(const struct mem_region *r, u64 offset, u64 *value,
                                   unsigned size)
{
    unsigned min = ops_min(r->ops);
    if (size >= min) {
        *value = io_order(r->ops, r->ops->read(r->opaque, offset, size), size);
        return MEM_OK;
    }
    u64 base = align_down(offset, min);
    u64 v = io_order(r->ops, r->ops->read(r->opaque, base, min), min);
    *value = bits_get(v, (unsigned)(offset - base) * 8, size * 8);
    return MEM_OK;
}

static enum mem_result io_write_one(const struct mem_region *r, u64 offset, u64 value,
                                    unsigned size)
{
    if (size < ops_min(r->ops))
        return MEM_REFUSED;
    r->ops->write(r->opaque, offset, io_order(r->ops, value, size), size);
    return MEM_OK;
}

/* The size of the next piece of an access: as large as the device takes and the offset is aligned
 * for. */
static unsigned io_piece(const struct mem_ops *ops, u64 offset, unsigned left)
{
    unsigned size = MIN(ops_max(ops), 8);
    while (size > left || (!ops->unaligned && offset & (size - 1)))
        size /= 2;
    return size;
}

static enum mem_result io_access(struct mem_region *r, u64 offset, u64 *value, unsigned size,
                                 bool write)
{
    enum mem_result result = MEM_OK;
    u64 all = 0;
    if (r->lock)
        pthread_mutex_lock(r->lock);
    for (unsigned done = 0; done < size && result == MEM_OK;) {
        unsigned n = io_piece(r->ops, offset + done, size - done);
        u64 piece = bits_get(*value, done * 8, n * 8);
        if (write) {
            result = io_write_one(r, offset + done, piece, n);
        } else {
            result = io_read_one(r, offset + done, &piece, n);
            all = bits_set(all, done * 8, n * 8, piece);
        }
        done += n;
    }
    if (r->lock)
        pthread_mutex_unlock(r->lock);
    if (!write)
        *value = all;
    return result;
}

/* ---- RAM ------------------------------------------------------------------------------------- */

static u64 ram_load(const u8 *p, unsigned size)
{
    if (size == 8 && !((uintptr_t)p & 7))
        return __atomic_load_n((const u64 *)p, __ATOMIC_RELAXED);
    if (size == 4 && !((uintptr_t)p & 3))
        return __atomic_load_n((const u32 *)p, __ATOMIC_RELAXED);
    if (size == 2 && !((uintptr_t)p & 1))
        return __atomic_load_n((const u16 *)p, __ATOMIC_RELAXED);
    return load_le(p, size);
}

static void ram_store(u8 *p, u64 v, unsigned size)
{
    if (size == 8 && !((uintptr_t)p & 7))
        __atomic_store_n((u64 *)p, v, __ATOMIC_RELAXED);
    else if (size == 4 && !((uintptr_t)p & 3))
        __atomic_store_n((u32 *)p, (u32)v, __ATOMIC_RELAXED);
    else if (size == 2 && !((uintptr_t)p & 1))
        __atomic_store_n((u16 *)p, (u16)v, __ATOMIC_RELAXED);
    else
        store_le(p, v, size);
}

/* ---- Access ---------------------------------------------------------------------------------- */

/* An access within one section. */
static enum mem_result section_access(struct mem_section *s, u64 *value, unsigned size, bool write)
{
    if (s->ram && !(write && s->readonly)) {
        u8 *p = s->ram->host + s->ram_offset;
        if (write) {
            ram_store(p, *value, size);
            memory_ram_written(s->ram, s->ram_offset, size);
        } else {
            *value = ram_load(p, size);
        }
        return MEM_OK;
    }
    if (s->region->kind == MEM_ROM)
        return MEM_OK; /* as the bus does: a write to ROM is lost */
    return io_access(s->region, s->offset, value, size, write);
}

static enum mem_result access_bytes(struct mem_space *space, u64 addr, u64 *value, unsigned size,
                                    bool write)
{
    u64 all = 0;
    for (unsigned i = 0; i < size; i++) {
        struct mem_section s;
        u64 byte = bits_get(*value, i * 8, 8);
        if (!mem_find(space, addr + i, &s))
            return MEM_UNMAPPED;
        enum mem_result r = section_access(&s, &byte, 1, write);
        if (r != MEM_OK)
            return r;
        all |= byte << (8 * i);
    }
    if (!write)
        *value = all;
    return MEM_OK;
}

static enum mem_result access_any(struct mem_space *space, u64 addr, u64 *value, unsigned size,
                                  bool write)
{
    struct mem_section s;
    if (!mem_find(space, addr, &s))
        return MEM_UNMAPPED;
    if (s.last - addr < size - 1)
        return access_bytes(space, addr, value, size, write);
    return section_access(&s, value, size, write);
}

enum mem_result mem_read(struct mem_space *space, u64 addr, u64 *value, unsigned size)
{
    *value = 0;
    return access_any(space, addr, value, size, false);
}

enum mem_result mem_write(struct mem_space *space, u64 addr, u64 value, unsigned size)
{
    return access_any(space, addr, &value, size, true);
}

enum mem_result mem_message(struct mem_space *space, u64 addr, u32 data, u32 requester)
{
    struct mem_section s;
    if (!mem_find(space, addr, &s) || s.ram || s.region->kind != MEM_IO || !s.region->ops->message)
        return mem_write(space, addr, data, sizeof(data));
    s.region->ops->message(s.region->opaque, s.offset, data, requester);
    return MEM_OK;
}

/* ---- DMA ------------------------------------------------------------------------------------- */

bool dma_map(struct mem_space *space, u64 addr, u64 len, bool write, struct dma_map *map)
{
    struct mem_section s;
    if (!len || !mem_find(space, addr, &s) || !s.ram || (write && s.readonly))
        return false;
    u64 left = s.last - addr;
    map->len = left < len - 1 ? left + 1 : len;
    map->ram = s.ram;
    map->ram_offset = s.ram_offset;
    map->host = s.ram->host + s.ram_offset;
    return true;
}

void dma_unmap(const struct dma_map *map, u64 written)
{
    memory_ram_written(map->ram, map->ram_offset, MIN(written, map->len));
}

enum mem_result dma_read(struct mem_space *space, u64 addr, void *buf, u64 len)
{
    struct dma_map map;
    for (u8 *to = buf; len; len -= map.len, addr += map.len, to += map.len) {
        if (!dma_map(space, addr, len, false, &map))
            return MEM_UNMAPPED;
        memcpy(to, map.host, map.len);
    }
    return MEM_OK;
}

enum mem_result dma_write(struct mem_space *space, u64 addr, const void *buf, u64 len)
{
    struct dma_map map;
    for (const u8 *from = buf; len; len -= map.len, addr += map.len, from += map.len) {
        if (!dma_map(space, addr, len, true, &map))
            return MEM_UNMAPPED;
        memcpy(map.host, from, map.len);
        dma_unmap(&map, map.len);
    }
    return MEM_OK;
}

enum mem_result dma_load(struct mem_space *space, u64 addr, unsigned size, u64 *value)
{
    struct dma_map map;
    if (addr & (size - 1) || !dma_map(space, addr, size, false, &map) || map.len < size)
        return MEM_UNMAPPED;
    *value = ram_load(map.host, size);
    return MEM_OK;
}

enum mem_result dma_store(struct mem_space *space, u64 addr, unsigned size, u64 value)
{
    struct dma_map map;
    if (addr & (size - 1) || !dma_map(space, addr, size, true, &map) || map.len < size)
        return MEM_UNMAPPED;
    ram_store(map.host, value, size);
    dma_unmap(&map, size);
    return MEM_OK;
}
