/*
 * virtio.h - virtio 1.x devices apart from how they are reached: features, status, queues.
 *
 *   transport (mmio.c, pci.c)  <-- struct virtio_transport / struct virtio -->  device (blk.c,
 * net.c, console.c, rng.c)
 *
 * A device file defines a struct that begins with struct virtio and a struct virtio_class. Register
 * accesses come on vCPU threads, with host->lock held; queue handlers run on the loop's thread,
 * with host->lock held. A notification only schedules the handler: no I/O on a vCPU's thread.
 *
 * A device that finds its guest breaking the rules stops (status NEEDS_RESET) until it is reset,
 * with a line under -d guest_errors.
 *
 * Source: Virtual I/O Device (VIRTIO) version 1.2.
 */
#ifndef DEVICE_VIRTIO_VIRTIO_H
#define DEVICE_VIRTIO_VIRTIO_H

#include <sys/uio.h>
#include "device/device.h"
#include "loop/loop.h"

enum {
    VIRTIO_NET = 1,
    VIRTIO_BLOCK = 2,
    VIRTIO_CONSOLE = 3,
    VIRTIO_RNG = 4,

    VIRTIO_QUEUE_MAX = 1024, /* entries */
    VIRTIO_QUEUES = 64,
    VIRTIO_SEGMENTS = 1024, /* descriptors of one chain */
    VIRTIO_TURN = 1024,     /* chains a handler takes before others have their turn */
};

enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

/* Reserved feature bits (section 6). */
enum {
    VIRTIO_F_ANY_LAYOUT = 27, /* legacy */
    VIRTIO_F_INDIRECT_DESC = 28,
    VIRTIO_F_EVENT_IDX = 29,
    VIRTIO_F_VERSION_1 = 32,
    VIRTIO_F_ACCESS_PLATFORM = 33,
    VIRTIO_F_RING_PACKED = 34,
    VIRTIO_F_IN_ORDER = 35,
    VIRTIO_F_RING_RESET = 40,
};

struct virtio;

/* A descriptor chain taken from a queue: copied and bounded once. `out` is what the driver wrote
 * for the device to read, `in` where the device writes. Pieces are host memory; a piece that
 * crosses memory blocks is several. */
struct vchain {
    struct vqueue *queue;
    u16 id;         /* head descriptor (split) or buffer id (packed) */
    u16 slots;      /* ring entries it took (packed) */
    u32 generation; /* of the queue: a reset in between drops it */
    u32 out_count, in_count;
    u64 out_len, in_len;
    struct iovec *out, *in;
    struct dma_map *in_map;
    struct vchain *next; /* the owner's */
};

/* One virtqueue, split or packed. */
struct vqueue {
    struct virtio *virtio;
    u16 index, size, max;
    bool ready, packed, event_idx;
    u64 desc, driver, device; /* guest addresses of the three areas */
    struct dma_map desc_map, driver_map, device_map;
    u16 next_avail; /* split: index; packed: position */
    u16 next_used;
    bool avail_wrap, used_wrap; /* packed */
    u32 unsignalled; /* ring entries used since the driver was told; stays at its maximum */
    u32 budget;      /* chains that this turn of the handler may still take */
    u32 generation;
    u32 in_flight; /* chains popped and not yet pushed */
    struct loop_task task;
};

struct virtio_transport {
    void (*queue_irq)(struct device *transport, struct vqueue *q);
    void (*config_irq)(struct device *transport);
};

struct virtio_class {
    u16 id;     /* VIRTIO_BLOCK ... */
    u16 queues; /* at most; virtio.queue_count says how many this one has */
    u16 config_size;
    u64 features; /* the device's own bits; common ones are added */
    /* host->lock held in all. Config space is read and written through a copy in the device. */
    void (*get_config)(struct virtio *v, u8 *config);
    void (*set_config)(struct virtio *v, const u8 *config); /* NULL: read-only */
    void (*features_set)(struct virtio *v);             /* guest_features are final; may be NULL */
    void (*status)(struct virtio *v);                   /* driver_ok came or went; may be NULL */
    void (*handle)(struct virtio *v, struct vqueue *q); /* the driver notified q; loop's thread */
    void (*queue_reset)(struct virtio *v, struct vqueue *q); /* alone or by reset; may be NULL */
    void (*reset)(struct virtio *v);                         /* may be NULL */
};

struct virtio {
    struct device dev;
    const struct virtio_class *class;
    const struct virtio_transport *transport;
    u64 host_features, guest_features;
    u64 off_features; /* switched off by properties */
    u8 status;
    bool broken;
    bool legacy; /* the driver uses the interface from before 1.0: no FEATURES_OK, split rings */
    u32 config_generation;
    u16 queue_count;
    struct vqueue queue[VIRTIO_QUEUES];
    bool packed, event_idx, indirect; /* properties */
    u32 resetting;                    /* resets that wait for chains in flight */
    pthread_cond_t drained;           /* in_flight of a queue became 0 */
};

/* Properties every virtio device has: first in its option table. */
#define VIRTIO_OPTIONS(type)                                                                       \
    OPTION_BOOL("packed", type, virtio.packed, "off", "offer packed rings"),                       \
        OPTION_BOOL("event_idx", type, virtio.event_idx, "on", "offer event index"),               \
        OPTION_BOOL("indirect_desc", type, virtio.indirect, "on", "offer indirect descriptors")
/* The common state: STATE_STRUCT(struct virtio_blk, virtio, &virtio_state). */
extern const struct state_table virtio_state;

/* ---- For devices ---- */
void virtio_realize(struct virtio *v, const struct virtio_class *class, u16 queue_count);
void virtio_unrealize(struct virtio *v);
void virtio_reset(struct virtio *v); /* host->lock held; waits for what is in flight */
int virtio_post_load(struct virtio *v, struct err *err);
void virtio_config_changed(struct virtio *v);
/* The guest broke the rules. */
void virtio_broken(struct virtio *v, const char *fmt, ...) printf_like(2, 3);
static inline bool virtio_has(const struct virtio *v, unsigned feature)
{
    return v->guest_features >> feature & 1;
}
static inline bool virtio_running(const struct virtio *v)
{
    return v->status & VIRTIO_DRIVER_OK && !v->broken;
}

/* The next chain, malloc'ed; NULL: none, or the device is broken now, or the handler had
 * VIRTIO_TURN of them: it is called again. */
struct vchain *must_check vqueue_pop(struct vqueue *q);
/* Gives it back with `written` bytes of `in` filled, and frees it. After a reset in between: only
 * frees. */
void vqueue_push(struct vqueue *q, struct vchain *c, u32 written);
/* Puts the chain taken last back, unused. */
void vqueue_unpop(struct vqueue *q, struct vchain *c);
void vqueue_notify(struct vqueue *q); /* interrupts the driver if it wants that */
bool vqueue_empty(struct vqueue *q);  /* nothing to pop; asks to be notified */
/* Bytes copied; fewer when the chain is shorter. */
u64 vchain_read(const struct vchain *c, u64 offset, void *buf, u64 len);
u64 vchain_write(struct vchain *c, u64 offset, const void *buf, u64 len);
/* Memory of `in` was written up to this many bytes by other means (preadv): code and dirty log
 * follow. */
void vchain_written(struct vchain *c, u64 len);

/* ---- For transports ---- */
u64 virtio_offered(const struct virtio *v);
void virtio_set_features(struct virtio *v, u64 features);
void virtio_set_status(struct virtio *v, u8 status);
/* The driver's first word through the interface before 1.0 (2.7.11 and others), and its features.
 * False: it has negotiated by the modern one. */
bool must_check virtio_be_legacy(struct virtio *v);
u32 virtio_legacy_offered(const struct virtio *v);
void virtio_set_legacy_features(struct virtio *v, u32 features);
void virtio_config_read(struct virtio *v, u64 offset, void *buf, unsigned n);
void virtio_config_write(struct virtio *v, u64 offset, const void *buf, unsigned n);
/* Areas are looked up; a ring outside RAM breaks the device. */
void vqueue_enable(struct vqueue *q);
void vqueue_reset(struct vqueue *q);
void vqueue_kick(struct vqueue *q); /* the driver notified */

extern const struct state_table vqueue_state;

/* queue.c, for virtio.c */
bool vqueue_map(struct vqueue *q);
void vqueue_unmap(struct vqueue *q);

#endif
