/*
 * virtio_driver.h - a small driver for virtio-mmio devices, for tests: negotiation, split and
 * packed rings with direct and indirect chains. It keeps the rules; a test that breaks them writes
 * to the rings itself.
 *
 * Guest memory is handed out upwards from DRIVER_MEMORY of a harness's RAM.
 */
#ifndef TESTS_VIRTIO_DRIVER_H
#define TESTS_VIRTIO_DRIVER_H

#include "device/virtio/virtio.h"
#include "device_harness.h"

enum { DRIVER_MEMORY = 0x4000, DRIVER_RINGS = 8, DRIVER_RING_MAX = 256 };
enum { RING_NEXT = 1, RING_WRITE = 2, RING_INDIRECT = 4, RING_AVAIL = 1 << 7, RING_USED = 1 << 15 };

struct driver_ring {
    u16 index, size;
    bool packed, event_idx;
    u64 desc, driver, device;
    u16 avail; /* split: index; packed: position */
    u16 used;  /* what was seen of the device's */
    bool avail_wrap, used_wrap;
    u16 free_count;
    bool taken[DRIVER_RING_MAX]; /* split: descriptors; packed: buffer ids */
    u16 slots[DRIVER_RING_MAX];  /* of the chain with that head or id */
    u16 first[DRIVER_RING_MAX];  /* split: next descriptor is in memory; kept here: hostile devices
                                  */
};

struct virtio_driver {
    struct harness *h;
    struct device *mmio;
    u64 features, memory;
    struct driver_ring ring[DRIVER_RINGS];
};

/* A piece of a chain. */
struct driver_piece {
    u64 addr;
    u32 len;
    bool write; /* by the device */
};

static inline u32 driver_get(struct virtio_driver *v, u64 offset)
{
    return (u32)harness_read(v->h, v->mmio, offset, 4);
}

static inline void driver_put(struct virtio_driver *v, u64 offset, u32 value)
{
    harness_write(v->h, v->mmio, offset, value, 4);
}

static inline u8 *driver_ram(struct virtio_driver *v, u64 addr)
{
    return v->h->block->host + addr;
}

static inline u64 driver_alloc(struct virtio_driver *v, u64 size)
{
    u64 at = v->memory;
    v->memory = align_up(at + size, 16);
    harness_must(v->memory <= HARNESS_RAM);
    return at;
}

static inline u64 driver_offered(struct virtio_driver *v)
{
    driver_put(v, 0x014, 0);
    u64 f = driver_get(v, 0x010);
    driver_put(v, 0x014, 1);
    return f | (u64)driver_get(v, 0x010) << 32;
}

/* Reset, then up to FEATURES_OK with what is both wanted and offered. False: not accepted. */
static inline bool driver_negotiate(struct virtio_driver *v, u64 wanted)
{
    driver_put(v, 0x070, 0);
    harness_must(driver_get(v, 0x070) == 0);
    driver_put(v, 0x070, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    v->features = driver_offered(v) & (wanted | BIT(VIRTIO_F_VERSION_1));
    for (u32 i = 0; i < 2; i++) {
        driver_put(v, 0x024, i);
        driver_put(v, 0x020, (u32)(v->features >> 32 * i));
    }
    driver_put(v, 0x070, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    return driver_get(v, 0x070) & VIRTIO_FEATURES_OK;
}

static inline bool driver_has(const struct virtio_driver *v, unsigned feature)
{
    return v->features >> feature & 1;
}

static inline void driver_set_queue(struct virtio_driver *v, struct driver_ring *r)
{
    driver_put(v, 0x030, r->index);
    driver_put(v, 0x038, r->size);
    driver_put(v, 0x080, (u32)r->desc);
    driver_put(v, 0x084, (u32)(r->desc >> 32));
    driver_put(v, 0x090, (u32)r->driver);
    driver_put(v, 0x094, (u32)(r->driver >> 32));
    driver_put(v, 0x0a0, (u32)r->device);
    driver_put(v, 0x0a4, (u32)(r->device >> 32));
    driver_put(v, 0x044, 1);
}

static inline struct driver_ring *driver_queue(struct virtio_driver *v, u16 index, u16 size)
{
    harness_must(index < DRIVER_RINGS && size <= DRIVER_RING_MAX);
    struct driver_ring *r = &v->ring[index];
    *r = (struct driver_ring){.index = index,
                              .size = size,
                              .packed = driver_has(v, VIRTIO_F_RING_PACKED),
                              .event_idx = driver_has(v, VIRTIO_F_EVENT_IDX),
                              .avail_wrap = true,
                              .used_wrap = true,
                              .free_count = size};
    r->desc = driver_alloc(v, 16 * (u64)size);
    r->driver = driver_alloc(v, 6 + 2 * (u64)size);
    r->device = driver_alloc(v, 6 + 8 * (u64)size);
    memset(driver_ram(v, r->desc), 0, v->memory - r->desc);
    driver_set_queue(v, r);
    return r;
}

static inline void driver_go(struct virtio_driver *v)
{
    driver_put(v, 0x070,
               VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

/* Negotiated, `queues` rings of `size`, running. */
static inline void driver_start(struct virtio_driver *v, struct harness *h, struct device *mmio,
                                u64 wanted, u16 queues, u16 size)
{
    *v = (struct virtio_driver){.h = h, .mmio = mmio, .memory = DRIVER_MEMORY};
    harness_must(driver_negotiate(v, wanted));
    for (u16 i = 0; i < queues; i++)
        driver_queue(v, i, size);
    driver_go(v);
}

static inline bool driver_broken(struct virtio_driver *v)
{
    return driver_get(v, 0x070) & VIRTIO_NEEDS_RESET;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static inline void ring_write_desc(u8 *p, const struct driver_piece *d, u16 flags, u16 next)
{
    store_le(p, d->addr, 8);
    store_le(p + 8, d->len, 4);
    store_le(p + 12, flags | (d->write ? RING_WRITE : 0), 2);
    store_le(p + 14, next, 2);
}

static inline u16 ring_take(struct driver_ring *r)
{
    for (u16 i = 0; i < r->size; i++) {
        if (!r->taken[i]) {
            r->taken[i] = true;
            return i;
        }
    }
    harness_must(!"a free descriptor");
    return 0;
}

/* The chain in a table of its own: one descriptor in the ring. */
static inline struct driver_piece ring_indirect(struct virtio_driver *v, struct driver_ring *r,
                                                const struct driver_piece *pieces, u16 n)
{
    u64 table = driver_alloc(v, 16 * (u64)n);
    for (u16 i = 0; i < n; i++) {
        u8 *p = driver_ram(v, table + 16 * (u64)i);
        ring_write_desc(p, &pieces[i], !r->packed && i + 1 < n ? RING_NEXT : 0, i + 1);
        if (r->packed) { /* buffer id, flags */
            store_le(p + 12, 0, 2);
            store_le(p + 14, pieces[i].write ? RING_WRITE : 0, 2);
        }
    }
    return (struct driver_piece){.addr = table, .len = 16 * (u32)n};
}

static inline u16 split_add(struct virtio_driver *v, struct driver_ring *r,
                            const struct driver_piece *pieces, u16 n, u16 flags)
{
    u16 at = ring_take(r), head = at;
    for (u16 i = 0; i < n; i++) {
        u16 next = i + 1 < n ? ring_take(r) : 0;
        ring_write_desc(driver_ram(v, r->desc + 16 * (u64)at), &pieces[i],
                        flags | (i + 1 < n ? RING_NEXT : 0), next);
        r->first[at] = next;
        at = next;
    }
    store_le(driver_ram(v, r->driver + 4 + 2 * (u64)(r->avail % r->size)), head, 2);
    r->avail++;
    store_le(driver_ram(v, r->driver + 2), r->avail, 2);
    return head;
}

static inline void packed_step(const struct driver_ring *r, u16 *at, bool *wrap)
{
    if (++*at == r->size) {
        *at = 0;
        *wrap = !*wrap;
    }
}

static inline u16 packed_add(struct virtio_driver *v, struct driver_ring *r,
                             const struct driver_piece *pieces, u16 n, u16 flags)
{
    u16 id = ring_take(r), first = 0, at = r->avail;
    for (u16 i = 0; i < n; i++) {
        u8 *p = driver_ram(v, r->desc + 16 * (u64)at);
        u16 f = flags | (i + 1 < n ? RING_NEXT : 0) | (pieces[i].write ? RING_WRITE : 0) |
                (r->avail_wrap ? RING_AVAIL : RING_USED);
        store_le(p, pieces[i].addr, 8);
        store_le(p + 8, pieces[i].len, 4);
        store_le(p + 12, id, 2);
        if (i)
            store_le(p + 14, f, 2);
        else
            first = f;
        at++;
        packed_step(r, &r->avail, &r->avail_wrap);
        at = r->avail;
    }
    /* The first one's flags last: they make the chain available. */
    u16 head = (u16)((r->avail + r->size - n) % r->size);
    store_le(driver_ram(v, r->desc + 16 * (u64)head + 14), first, 2);
    return id;
}

/* Makes a chain available (no notification); its id. */
static inline u16 driver_add(struct virtio_driver *v, struct driver_ring *r,
                             const struct driver_piece *pieces, u16 n, bool indirect)
{
    struct driver_piece one;
    u16 flags = 0;
    if (indirect) {
        one = ring_indirect(v, r, pieces, n);
        pieces = &one;
        n = 1;
        flags = RING_INDIRECT;
    }
    harness_must(n && r->free_count >= n);
    u16 id = r->packed ? packed_add(v, r, pieces, n, flags) : split_add(v, r, pieces, n, flags);
    r->slots[id] = n;
    r->free_count = (u16)(r->free_count - n);
    return id;
}

static inline void driver_kick(struct virtio_driver *v, const struct driver_ring *r)
{
    driver_put(v, 0x050, r->index);
    harness_turn(v->h);
}

/* ---- Used ------------------------------------------------------------------------------------ */

static inline void ring_release(struct driver_ring *r, u16 id)
{
    u16 n = r->slots[id];
    harness_must(r->taken[id]);
    for (u16 i = 0, at = id; i < n && !(r->packed && i); i++) {
        r->taken[at] = false;
        at = r->first[at];
    }
    r->free_count = (u16)(r->free_count + n);
}

/* The next chain that the device has used: its id and the bytes written. */
static inline bool driver_used(struct virtio_driver *v, struct driver_ring *r, u16 *id, u32 *len)
{
    if (!r->packed) {
        if ((u16)load_le(driver_ram(v, r->device + 2), 2) == r->used)
            return false;
        const u8 *e = driver_ram(v, r->device + 4 + 8 * (u64)(r->used++ % r->size));
        *id = (u16)load_le(e, 4);
        *len = (u32)load_le(e + 4, 4);
        ring_release(r, *id);
        return true;
    }
    const u8 *p = driver_ram(v, r->desc + 16 * (u64)r->used);
    u16 flags = (u16)load_le(p + 14, 2);
    if (!(flags & RING_AVAIL) != !(flags & RING_USED) || !(flags & RING_USED) != !r->used_wrap)
        return false;
    *id = (u16)load_le(p + 12, 2);
    *len = (u32)load_le(p + 8, 4);
    for (u16 i = 0; i < r->slots[*id]; i++)
        packed_step(r, &r->used, &r->used_wrap);
    ring_release(r, *id);
    return true;
}

/* Waits for a used chain for up to two seconds: for requests that go to files. */
static inline bool driver_wait(struct virtio_driver *v, struct driver_ring *r, u16 *id, u32 *len)
{
    for (unsigned i = 0; i < 4000; i++) {
        if (driver_used(v, r, id, len))
            return true;
        harness_turn(v->h);
        usleep(500);
    }
    return false;
}

/* Interrupts wanted: split with event index: after entry `at` is used; packed: position `at` of
 * this lap. Without event index: on or off. */
static inline void driver_want_event(struct virtio_driver *v, struct driver_ring *r, u16 at,
                                     bool wrap)
{
    if (!r->packed) {
        store_le(driver_ram(v, r->driver + 4 + 2 * (u64)r->size), at, 2);
        return;
    }
    store_le(driver_ram(v, r->driver), at | (u16)wrap << 15, 2);
    store_le(driver_ram(v, r->driver + 2), 2, 2);
}

static inline void driver_want_irq(struct virtio_driver *v, struct driver_ring *r, bool on)
{
    store_le(driver_ram(v, r->driver + (r->packed ? 2 : 0)), !on, 2);
}

static inline void driver_ack(struct virtio_driver *v)
{
    driver_put(v, 0x064, driver_get(v, 0x060));
}

#endif
