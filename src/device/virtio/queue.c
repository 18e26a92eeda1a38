/*
 * queue.c - virtqueues, split (2.7) and packed (2.8): chains out, used buffers back, notification
 * suppression.
 *
 * The rings are guest memory that changes under us: every field is read once, checked, then used.
 * Descriptors of a chain are copied with bounds before the device sees them; a loop or an over-long
 * chain breaks the device.
 *
 * Split:  desc: {u64 addr, u32 len, u16 flags, u16 next}[size]
 *         driver: u16 flags, u16 idx, u16 ring[size], u16 used_event    device: u16 flags, u16 idx,
 * {u32 id, u32 len}[size], u16 avail_event Packed: desc: {u64 addr, u32 len, u16 id, u16
 * flags}[size]   driver, device: {u16 off_wrap, u16 flags}
 */
#include "device/virtio/virtio.h"

#include <stdlib.h>

enum {
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    DESC_INDIRECT = 4,
    DESC_AVAIL = 1 << 7,
    DESC_USED = 1 << 15,
    DESC_SIZE = 16,
    AVAIL_NO_INTERRUPT = 1,
    USED_NO_NOTIFY = 1,
    EVENT_ENABLE = 0,
    EVENT_DISABLE = 1,
    EVENT_DESC = 2,
    UNSIGNALLED_MAX = 1 << 17, /* more than an index tells apart */
};

struct vdesc {
    u64 addr;
    u32 len;
    u16 flags, next; /* next: packed: buffer id */
};

static u16 ring_load16(const struct dma_map *m, u64 offset)
{
    return __atomic_load_n((const u16 *)(m->host + offset), __ATOMIC_ACQUIRE);
}

static void ring_store16(const struct dma_map *m, u64 offset, u16 v)
{
    __atomic_store_n((u16 *)(m->host + offset), v, __ATOMIC_RELEASE);
    memory_ram_written(m->ram, m->ram_offset + offset, 2);
}

/* ---- Areas ----------------------------------------------------------------------------------- */

static bool map_area(struct vqueue *q, u64 addr, u64 len, u64 align, bool write,
                     struct dma_map *map)
{
    struct mem_space *dma = q->virtio->dev.host->dma;
    return !(addr & (align - 1)) && dma_map(dma, addr, len, write, map) && map->len == len;
}

bool vqueue_map(struct vqueue *q)
{
    u64 n = q->size;
    if (q->packed)
        return map_area(q, q->desc, n * DESC_SIZE, 16, true, &q->desc_map) &&
               map_area(q, q->driver, 4, 4, false, &q->driver_map) &&
               map_area(q, q->device, 4, 4, true, &q->device_map);
    return map_area(q, q->desc, n * DESC_SIZE, 16, false, &q->desc_map) &&
           map_area(q, q->driver, 6 + 2 * n, 2, false, &q->driver_map) &&
           map_area(q, q->device, 6 + 8 * n, 4, true, &q->device_map);
}

void vqueue_unmap(struct vqueue *q)
{
    memset(&q->desc_map, 0, sizeof(q->desc_map));
    memset(&q->driver_map, 0, sizeof(q->driver_map));
    memset(&q->device_map, 0, sizeof(q->device_map));
}

/* In the packed ring's descriptors the last two fields are id and flags. */
static struct vdesc desc_at(const struct vqueue *q, const u8 *table, u32 i)
{
    const u8 *p = table + (u64)i * DESC_SIZE;
    return (struct vdesc){.addr = load_le(p, 8),
                          .len = (u32)load_le(p + 8, 4),
                          .flags = (u16)load_le(p + (q->packed ? 14 : 12), 2),
                          .next = (u16)load_le(p + (q->packed ? 12 : 14), 2)};
}

/* ---- Building a chain ------------------------------------------------------------------------ */

struct builder {
    struct vqueue *q;
    struct dma_map map[VIRTIO_SEGMENTS];
    u32 out, in;
    u64 out_len, in_len;
};

/* One descriptor's memory, which may lie in several blocks. False: the device is broken. */
static bool add_desc(struct builder *b, const struct vdesc *d)
{
    struct virtio *v = b->q->virtio;
    bool write = d->flags & DESC_WRITE;
    u64 addr = d->addr, left = d->len;
    if (!write && b->in) {
        virtio_broken(v, "queue %u: a readable descriptor after a writable one", b->q->index);
        return false;
    }
    while (left) {
        u32 n = b->out + b->in;
        if (n == VIRTIO_SEGMENTS || !dma_map(v->dev.host->dma, addr, left, write, &b->map[n])) {
            virtio_broken(v, "queue %u: descriptor 0x%llx+%llu %s", b->q->index,
                          (unsigned long long)addr, (unsigned long long)left,
                          n == VIRTIO_SEGMENTS ? "is one too many" : "is not in memory");
            return false;
        }
        addr += b->map[n].len;
        left -= b->map[n].len;
        *(write ? &b->in : &b->out) += 1;
    }
    *(write ? &b->in_len : &b->out_len) += d->len;
    return true;
}

/* An indirect table (2.7.5.3, 2.8.7): copied whole, so that it cannot change while it is walked. */
static bool add_indirect(struct builder *b, const struct vdesc *d)
{
    struct virtio *v = b->q->virtio;
    u32 count = d->len / DESC_SIZE, i = 0, seen = 0;
    u8 *table = NULL;
    bool ok = false;
    if (!virtio_has(v, VIRTIO_F_INDIRECT_DESC) || !count || d->len % DESC_SIZE ||
        count > VIRTIO_SEGMENTS) {
        virtio_broken(v, "queue %u: indirect table of %u bytes", b->q->index, d->len);
        return false;
    }
    table = malloc(d->len);
    if (!table || dma_read(v->dev.host->dma, d->addr, table, d->len) != MEM_OK) {
        virtio_broken(v, "queue %u: indirect table at 0x%llx is not in memory", b->q->index,
                      (unsigned long long)d->addr);
        goto out;
    }
    for (;;) {
        struct vdesc e = desc_at(b->q, table, i);
        if (e.flags & DESC_INDIRECT || seen++ == count) {
            virtio_broken(v, "queue %u: indirect table nests or loops", b->q->index);
            goto out;
        }
        if (!add_desc(b, &e))
            goto out;
        if (b->q->packed ? ++i == count : !(e.flags & DESC_NEXT))
            break;
        if (!b->q->packed)
            i = e.next;
        if (i >= count) {
            virtio_broken(v, "queue %u: indirect descriptor %u of %u", b->q->index, i, count);
            goto out;
        }
    }
    ok = true;
out:
    free(table);
    return ok;
}

static struct vchain *chain_make(const struct builder *b, u16 id, u16 slots)
{
    u32 n = b->out + b->in;
    struct vchain *c =
        malloc(sizeof(*c) + n * sizeof(struct iovec) + b->in * sizeof(struct dma_map));
    if (!c)
        return NULL;
    struct iovec *iov = (struct iovec *)(c + 1);
    *c = (struct vchain){.queue = b->q,
                         .id = id,
                         .slots = slots,
                         .generation = b->q->generation,
                         .out_count = b->out,
                         .in_count = b->in,
                         .out_len = b->out_len,
                         .in_len = b->in_len,
                         .out = iov,
                         .in = iov + b->out,
                         .in_map = (struct dma_map *)(iov + n)};
    for (u32 i = 0; i < n; i++)
        iov[i] = (struct iovec){.iov_base = b->map[i].host, .iov_len = b->map[i].len};
    if (b->in)
        memcpy(c->in_map, &b->map[b->out], b->in * sizeof(struct dma_map));
    return c;
}

/* ---- Pop ------------------------------------------------------------------------------------- */

static bool split_build(struct vqueue *q, struct builder *b, u16 head)
{
    u32 i = head, seen = 0;
    for (;;) {
        struct vdesc d = desc_at(q, q->desc_map.host, i);
        if (d.flags & DESC_INDIRECT)
            return add_indirect(b, &d);
        if (!add_desc(b, &d))
            return false;
        if (!(d.flags & DESC_NEXT))
            return true;
        i = d.next;
        if (i >= q->size || ++seen == q->size) {
            virtio_broken(q->virtio, "queue %u: descriptor chain %s", q->index,
                          i >= q->size ? "leaves the table" : "loops");
            return false;
        }
    }
}

static bool split_pop(struct vqueue *q, struct builder *b, u16 *id, u16 *slots)
{
    u16 avail = ring_load16(&q->driver_map, 2);
    if (avail == q->next_avail)
        return false;
    if ((u16)(avail - q->next_avail) > q->size) {
        virtio_broken(q->virtio, "queue %u: available index %u, expected at most %u more than %u",
                      q->index, avail, q->size, q->next_avail);
        return false;
    }
    u16 head = ring_load16(&q->driver_map, 4 + 2 * (u64)(q->next_avail % q->size));
    if (head >= q->size) {
        virtio_broken(q->virtio, "queue %u: descriptor %u of %u", q->index, head, q->size);
        return false;
    }
    q->next_avail++;
    *id = head;
    *slots = 1;
    return split_build(q, b, head);
}

static u16 packed_flags(const struct vqueue *q, u16 at)
{
    return ring_load16(&q->desc_map, (u64)at * DESC_SIZE + 14);
}

static bool packed_available(const struct vqueue *q)
{
    u16 flags = packed_flags(q, q->next_avail);
    bool avail = flags & DESC_AVAIL, used = flags & DESC_USED;
    return avail == q->avail_wrap && used != q->avail_wrap;
}

static void packed_advance(const struct vqueue *q, u16 *at, bool *wrap, u16 n)
{
    u32 next = (u32)*at + n;
    if (next >= q->size) {
        next -= q->size;
        *wrap = !*wrap;
    }
    *at = (u16)next;
}

static bool packed_pop(struct vqueue *q, struct builder *b, u16 *id, u16 *slots)
{
    if (!packed_available(q))
        return false;
    u16 at = q->next_avail, n = 0;
    bool wrap = q->avail_wrap;
    for (;;) {
        struct vdesc d = desc_at(q, q->desc_map.host, at);
        if (++n > q->size) {
            virtio_broken(q->virtio, "queue %u: descriptor chain is longer than the queue",
                          q->index);
            return false;
        }
        *id = d.next;
        packed_advance(q, &at, &wrap, 1);
        if (d.flags & DESC_INDIRECT ? !add_indirect(b, &d) : !add_desc(b, &d))
            return false;
        if (d.flags & DESC_INDIRECT || !(d.flags & DESC_NEXT))
            break;
    }
    q->next_avail = at;
    q->avail_wrap = wrap;
    *slots = n;
    return true;
}

struct vchain *vqueue_pop(struct vqueue *q)
{
    struct builder b;
    u16 id = 0, slots = 0;
    b.q = q;
    b.out = b.in = 0;
    b.out_len = b.in_len = 0;
    if (!q->ready || q->virtio->broken || !q->budget)
        return NULL;
    if (!(q->packed ? packed_pop(q, &b, &id, &slots) : split_pop(q, &b, &id, &slots)))
        return NULL;
    struct vchain *c = chain_make(&b, id, slots);
    if (!c)
        virtio_broken(q->virtio, "no memory for a request");
    else
        q->in_flight++;
    q->budget--;
    return c;
}

/* Ask for a notification at the next chain (event index: at exactly that). */
static void want_kick(struct vqueue *q)
{
    if (q->packed)
        ring_store16(&q->device_map, 2, EVENT_ENABLE);
    else if (q->event_idx)
        ring_store16(&q->device_map, 4 + 8 * (u64)q->size, q->next_avail);
    else
        ring_store16(&q->device_map, 0, 0);
    atomic_thread_fence(memory_order_seq_cst);
}

bool vqueue_empty(struct vqueue *q)
{
    if (!q->ready || q->virtio->broken || !q->budget)
        return true;
    want_kick(q);
    return q->packed ? !packed_available(q) : ring_load16(&q->driver_map, 2) == q->next_avail;
}

void vqueue_unpop(struct vqueue *q, struct vchain *c)
{
    if (c->generation == q->generation) {
        if (!q->packed) {
            q->next_avail--;
        } else if (q->next_avail >= c->slots) {
            q->next_avail = (u16)(q->next_avail - c->slots);
        } else {
            q->next_avail = (u16)(q->next_avail + q->size - c->slots);
            q->avail_wrap = !q->avail_wrap;
        }
    }
    q->in_flight--;
    pthread_cond_broadcast(&q->virtio->drained);
    free(c);
}

/* ---- Push ------------------------------------------------------------------------------------ */

static void split_push(struct vqueue *q, const struct vchain *c, u32 written)
{
    u64 entry = 4 + 8 * (u64)(q->next_used % q->size);
    store_le(q->device_map.host + entry, c->id, 4);
    store_le(q->device_map.host + entry + 4, written, 4);
    memory_ram_written(q->device_map.ram, q->device_map.ram_offset + entry, 8);
    q->next_used++;
    ring_store16(&q->device_map, 2, q->next_used);
}

static void packed_push(struct vqueue *q, const struct vchain *c, u32 written)
{
    u64 entry = (u64)q->next_used * DESC_SIZE;
    u16 flags = q->used_wrap ? DESC_AVAIL | DESC_USED : 0;
    store_le(q->desc_map.host + entry + 8, written, 4);
    store_le(q->desc_map.host + entry + 12, c->id, 2);
    memory_ram_written(q->desc_map.ram, q->desc_map.ram_offset + entry, DESC_SIZE);
    ring_store16(&q->desc_map, entry + 14, flags | (c->in_count ? DESC_WRITE : 0));
    packed_advance(q, &q->next_used, &q->used_wrap, c->slots);
}

void vqueue_push(struct vqueue *q, struct vchain *c, u32 written)
{
    if (c->generation == q->generation && q->ready && !q->virtio->broken) {
        if (q->packed)
            packed_push(q, c, written);
        else
            split_push(q, c, written);
        q->unsignalled = MIN(q->unsignalled + c->slots, UNSIGNALLED_MAX);
    }
    q->in_flight--;
    pthread_cond_broadcast(&q->virtio->drained);
    free(c);
}

/* 2.7.7.2, 2.8.10: the driver wants to hear of one entry; `beyond` were used after that one. Is it
 * among those it was not told of yet? */
static bool split_wants_irq(const struct vqueue *q)
{
    if (!q->event_idx)
        return !(ring_load16(&q->driver_map, 0) & AVAIL_NO_INTERRUPT);
    u16 beyond = (u16)(q->next_used - ring_load16(&q->driver_map, 4 + 2 * (u64)q->size) - 1);
    return beyond < q->unsignalled;
}

static bool packed_wants_irq(const struct vqueue *q)
{
    u16 off_wrap = ring_load16(&q->driver_map, 0), flags = ring_load16(&q->driver_map, 2) & 3;
    if (flags != EVENT_DESC || !q->event_idx)
        return flags != EVENT_DISABLE;
    u32 lap = (off_wrap >> 15) != q->used_wrap ? q->size : 0;
    u32 beyond = q->next_used + lap - (off_wrap & 0x7fff) - 1;
    return beyond < q->unsignalled;
}

void vqueue_notify(struct vqueue *q)
{
    struct virtio *v = q->virtio;
    if (!q->ready || v->broken || !v->transport || !q->unsignalled)
        return;
    atomic_thread_fence(memory_order_seq_cst);
    if (q->packed ? packed_wants_irq(q) : split_wants_irq(q))
        v->transport->queue_irq(v->dev.bus, q);
    q->unsignalled = 0;
}

/* ---- Bytes of a chain ------------------------------------------------------------------------ */

static u64 copy_pieces(const struct iovec *iov, u32 count, u64 offset, u8 *buf, u64 len,
                       bool to_iov)
{
    u64 done = 0;
    for (u32 i = 0; i < count && done < len; i++) {
        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        u64 n = MIN(iov[i].iov_len - offset, len - done);
        u8 *piece = (u8 *)iov[i].iov_base + offset;
        memcpy(to_iov ? piece : buf + done, to_iov ? buf + done : piece, n);
        done += n;
        offset = 0;
    }
    return done;
}

u64 vchain_read(const struct vchain *c, u64 offset, void *buf, u64 len)
{
    return copy_pieces(c->out, c->out_count, offset, buf, len, false);
}

static void written_range(struct vchain *c, u64 offset, u64 len)
{
    for (u32 i = 0; i < c->in_count && len; i++) {
        const struct dma_map *m = &c->in_map[i];
        if (offset >= m->len) {
            offset -= m->len;
            continue;
        }
        u64 n = MIN(m->len - offset, len);
        memory_ram_written(m->ram, m->ram_offset + offset, n);
        len -= n;
        offset = 0;
    }
}

u64 vchain_write(struct vchain *c, u64 offset, const void *buf, u64 len)
{
    u64 done = copy_pieces(c->in, c->in_count, offset, (u8 *)(uintptr_t)buf, len, true);
    written_range(c, offset, done);
    return done;
}

void vchain_written(struct vchain *c, u64 len)
{
    written_range(c, 0, len);
}
