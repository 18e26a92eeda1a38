/*
 * virtio.c - what all virtio devices share: feature negotiation, status, configuration, reset.
 *
 * Locking: host->lock around everything; reset by a vCPU waits on `drained` for the loop's thread
 * to finish requests in flight, which takes the lock to do so.
 */
#include "device/virtio/virtio.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void virtio_broken(struct virtio *v, const char *fmt, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (v->broken)
        return;
    device_guest_error(&v->dev, "stopped: %s", text);
    v->broken = true;
    v->status |= VIRTIO_NEEDS_RESET;
    if (v->status & VIRTIO_DRIVER_OK && v->transport)
        v->transport->config_irq(v->dev.bus);
}

u64 virtio_offered(const struct virtio *v)
{
    u64 f =
        v->class->features | v->host_features | BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_RESET);
    if (v->indirect)
        f |= BIT(VIRTIO_F_INDIRECT_DESC);
    if (v->event_idx)
        f |= BIT(VIRTIO_F_EVENT_IDX);
    if (v->packed)
        f |= BIT(VIRTIO_F_RING_PACKED);
    return f & ~v->off_features;
}

void virtio_set_features(struct virtio *v, u64 features)
{
    /* 3.1.1: fixed once FEATURES_OK is set. */
    if (!(v->status & VIRTIO_FEATURES_OK) && !v->legacy)
        v->guest_features = features;
}

static void accept_features(struct virtio *v)
{
    for (unsigned i = 0; i < v->queue_count; i++) {
        v->queue[i].packed = virtio_has(v, VIRTIO_F_RING_PACKED) && !v->legacy;
        v->queue[i].event_idx = virtio_has(v, VIRTIO_F_EVENT_IDX);
    }
    if (v->class->features_set)
        v->class->features_set(v);
}

void virtio_set_status(struct virtio *v, u8 status)
{
    if (!status) {
        virtio_reset(v);
        return;
    }
    if (v->resetting) {
        device_guest_error(&v->dev, "status 0x%x is written while a reset goes on", status);
        return;
    }
    u8 old = v->status;
    /* A feature that was not offered, or no VERSION_1: FEATURES_OK does not stick (2.2.2). */
    if (status & ~old & VIRTIO_FEATURES_OK) {
        if (v->guest_features & ~virtio_offered(v) || !virtio_has(v, VIRTIO_F_VERSION_1) ||
            v->legacy)
            status &= (u8)~VIRTIO_FEATURES_OK;
        else
            accept_features(v);
    }
    /* Bits go by a reset only (2.1.1): rings are laid out by the features accepted. */
    v->status = status | old;
    if ((old ^ v->status) & VIRTIO_DRIVER_OK) {
        if (v->class->status)
            v->class->status(v);
        for (unsigned i = 0; i < v->queue_count && virtio_running(v); i++) {
            if (v->queue[i].ready)
                loop_task_schedule(&v->queue[i].task);
        }
    }
}

bool virtio_be_legacy(struct virtio *v)
{
    if (v->status & VIRTIO_FEATURES_OK || v->resetting)
        return false;
    if (!v->legacy) {
        v->legacy = true;
        v->guest_features = 0;
        accept_features(v);
    }
    return true;
}

u32 virtio_legacy_offered(const struct virtio *v)
{
    return (u32)virtio_offered(v) | (u32)BIT(VIRTIO_F_ANY_LAYOUT);
}

void virtio_set_legacy_features(struct virtio *v, u32 features)
{
    if (v->status & VIRTIO_DRIVER_OK)
        return;
    v->guest_features = features & virtio_legacy_offered(v);
    accept_features(v);
}

/* ---- Configuration --------------------------------------------------------------------------- */

enum { CONFIG_MAX = 256 };

void virtio_config_read(struct virtio *v, u64 offset, void *buf, unsigned n)
{
    u8 config[CONFIG_MAX] = {0};
    assert(v->class->config_size <= CONFIG_MAX);
    memset(buf, 0, n);
    if (!v->class->get_config || offset >= v->class->config_size)
        return;
    v->class->get_config(v, config);
    memcpy(buf, config + offset, MIN(n, v->class->config_size - offset));
}

void virtio_config_write(struct virtio *v, u64 offset, const void *buf, unsigned n)
{
    u8 config[CONFIG_MAX] = {0};
    if (!v->class->set_config || offset >= v->class->config_size) {
        device_guest_error(&v->dev, "write to its configuration at %llu",
                           (unsigned long long)offset);
        return;
    }
    v->class->get_config(v, config);
    memcpy(config + offset, buf, MIN(n, v->class->config_size - offset));
    v->class->set_config(v, config);
}

void virtio_config_changed(struct virtio *v)
{
    v->config_generation++;
    if (v->status & VIRTIO_DRIVER_OK && v->transport)
        v->transport->config_irq(v->dev.bus);
}

/* ---- Queues ---------------------------------------------------------------------------------- */

static void queue_task(void *opaque)
{
    struct vqueue *q = opaque;
    struct virtio *v = q->virtio;
    device_lock(&v->dev);
    if (q->ready && virtio_running(v)) {
        q->budget = VIRTIO_TURN;
        v->class->handle(v, q);
        if (!q->budget)
            vqueue_kick(q);
        q->budget = UINT32_MAX;
    }
    device_unlock(&v->dev);
}

void vqueue_kick(struct vqueue *q)
{
    if (q->ready && virtio_running(q->virtio))
        loop_task_schedule(&q->task);
}

/* 2.7: a power of two; 2.8: any. */
static bool size_is_good(const struct vqueue *q)
{
    return q->size && q->size <= q->max && (q->packed || is_pow2(q->size));
}

void vqueue_enable(struct vqueue *q)
{
    struct virtio *v = q->virtio;
    if (q->ready)
        return;
    if (v->resetting || !(v->status & VIRTIO_FEATURES_OK || v->legacy)) {
        device_guest_error(&v->dev, "queue %u is enabled %s", q->index,
                           v->resetting ? "while a reset goes on" : "before FEATURES_OK");
        return;
    }
    q->next_avail = q->next_used = 0;
    q->avail_wrap = q->used_wrap = true;
    q->unsignalled = 0;
    if (!size_is_good(q)) {
        virtio_broken(v, "queue %u of %u entries", q->index, q->size);
        return;
    }
    if (!vqueue_map(q)) {
        virtio_broken(v, "queue %u: its rings are not in memory", q->index);
        return;
    }
    q->ready = true;
    vqueue_kick(q);
}

/* Chains in flight finish first: their memory is the driver's again afterwards. */
void vqueue_reset(struct vqueue *q)
{
    struct virtio *v = q->virtio;
    q->ready = false;
    q->generation++;
    v->resetting++;
    while (q->in_flight) {
        if (loop_is_mine(v->dev.host->loop)) {
            device_unlock(&v->dev);
            loop_turn(v->dev.host->loop, true);
            device_lock(&v->dev);
        } else {
            pthread_cond_wait(&v->drained, v->dev.host->lock);
        }
    }
    v->resetting--;
    vqueue_unmap(q);
    q->size = q->max;
    q->desc = q->driver = q->device = 0;
    if (v->class->queue_reset)
        v->class->queue_reset(v, q);
}

void virtio_reset(struct virtio *v)
{
    v->status = 0;
    v->resetting++;
    if (v->class->status)
        v->class->status(v);
    for (unsigned i = 0; i < v->queue_count; i++)
        vqueue_reset(&v->queue[i]);
    if (v->class->reset)
        v->class->reset(v);
    v->resetting--;
    v->broken = v->legacy = false;
    v->guest_features = 0;
    v->config_generation = 0;
}

/* ---- Life ------------------------------------------------------------------------------------ */

void virtio_realize(struct virtio *v, const struct virtio_class *class, u16 queue_count)
{
    assert(queue_count <= VIRTIO_QUEUES);
    v->class = class;
    v->queue_count = queue_count;
    pthread_cond_init(&v->drained, NULL);
    for (u16 i = 0; i < queue_count; i++) {
        struct vqueue *q = &v->queue[i];
        q->virtio = v;
        q->index = i;
        q->max = q->size = VIRTIO_QUEUE_MAX;
        q->budget = UINT32_MAX;
        loop_task_init(&q->task, v->dev.host->loop, queue_task, q);
    }
}

void virtio_unrealize(struct virtio *v)
{
    if (!v->class)
        return;
    device_lock(&v->dev);
    virtio_reset(v);
    device_unlock(&v->dev);
    for (u16 i = 0; i < v->queue_count; i++)
        loop_task_cancel(&v->queue[i].task);
    pthread_cond_destroy(&v->drained);
}

static bool positions_are_good(const struct vqueue *q)
{
    return !q->packed || (q->next_avail < q->size && q->next_used < q->size);
}

int virtio_post_load(struct virtio *v, struct err *err)
{
    /* Before FEATURES_OK they are what the driver happened to write. */
    if (v->status & VIRTIO_FEATURES_OK && v->guest_features & ~virtio_offered(v))
        return err_set(err, EINVAL,
                       "%s: the stream's features 0x%llx are not all offered here (0x%llx)",
                       v->dev.id, (unsigned long long)v->guest_features,
                       (unsigned long long)virtio_offered(v));
    if (v->legacy && (v->status & VIRTIO_FEATURES_OK ||
                      v->guest_features & ~(u64)virtio_legacy_offered(v)))
        return err_set(err, EINVAL, "%s: the stream's legacy driver has features it cannot have",
                       v->dev.id);
    if (v->status & VIRTIO_FEATURES_OK || v->legacy)
        accept_features(v);
    for (unsigned i = 0; i < v->queue_count; i++) {
        struct vqueue *q = &v->queue[i];
        if (!q->ready)
            continue;
        if (!size_is_good(q))
            return err_set(err, EINVAL, "%s: queue %u of %u entries; accepted are 1..%u", v->dev.id,
                           i, q->size, q->max);
        if (!(v->status & VIRTIO_FEATURES_OK || v->legacy) || !positions_are_good(q))
            return err_set(err, EINVAL, "%s: queue %u: its state makes no sense", v->dev.id, i);
        if (!vqueue_map(q))
            return err_set(err, EINVAL, "%s: queue %u is not in memory", v->dev.id, i);
        vqueue_kick(q);
    }
    if (v->class->status)
        v->class->status(v);
    return 0;
}

const struct state_table vqueue_state = {
    .name = "vqueue",
    .version = 1,
    .min_version = 1,
    .fields =
        (const struct state_field[]){
            STATE_U16(struct vqueue, size), STATE_BOOL(struct vqueue, ready),
            STATE_U64(struct vqueue, desc), STATE_U64(struct vqueue, driver),
            STATE_U64(struct vqueue, device), STATE_U16(struct vqueue, next_avail),
            STATE_U16(struct vqueue, next_used), STATE_BOOL(struct vqueue, avail_wrap),
            STATE_BOOL(struct vqueue, used_wrap), STATE_U32(struct vqueue, unsignalled), STATE_END},
};

const struct state_table virtio_state = {
    .name = "virtio",
    .version = 2,
    .min_version = 1,
    .fields =
        (const struct state_field[]){
            STATE_U64(struct virtio, guest_features), STATE_U8(struct virtio, status),
            STATE_BOOL(struct virtio, broken), STATE_BOOL(struct virtio, legacy, STATE_SINCE(2)),
            STATE_U32(struct virtio, config_generation),
            STATE_STRUCT_ARRAY(struct virtio, queue, &vqueue_state), STATE_END},
};
