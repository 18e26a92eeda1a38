/*
 * rng.c - virtio entropy device (virtio 1.2, section 5.4): the smallest virtio device, and the
 * pattern for others.
 *
 * Bytes come from the host's random source at once. An optional limit (max-bytes in each period ms)
 * keeps a guest from draining CPU time.
 */
#include "base/host.h"
#include "device/virtio/virtio.h"
#include "loop/clock.h"
#include "loop/timer.h"

struct virtio_rng {
    struct virtio virtio;
    u64 max_bytes;
    u32 period_ms;
    u64 left;           /* of this period */
    struct timer timer; /* next period */
};

static const struct option rng_options[] = {
    VIRTIO_OPTIONS(struct virtio_rng),
    OPTION_U64("max-bytes", struct virtio_rng, max_bytes, "0x7fffffffffffffff",
               "bytes in each period at most"),
    OPTION_INT("period", struct virtio_rng, period_ms, "65536", 1, 0x7fffffff,
               "period of max-bytes in ms"),
    OPTION_LAST,
};

static u32 fill(struct vchain *c, u64 len)
{
    u8 bytes[256];
    u64 done = 0;
    while (done < len) {
        u64 n = MIN(len - done, sizeof(bytes));
        host_random(bytes, n);
        done += vchain_write(c, done, bytes, n);
    }
    return (u32)done;
}

enum {
    RNG_CHAIN_MAX = 1 << 16
}; /* a guest that asks for more gets it in pieces, as the specification lets us */

static void rng_handle(struct virtio *v, struct vqueue *q)
{
    struct virtio_rng *r = (struct virtio_rng *)v;
    struct vchain *c;
    if (!timer_pending(&r->timer)) {
        r->left = r->max_bytes;
        timer_set(&r->timer, clock_now(v->dev.host->clock) + r->period_ms * NS_PER_MS);
    }
    do {
        while (r->left && (c = vqueue_pop(q))) {
            u64 n = MIN(MIN(c->in_len, r->left), RNG_CHAIN_MAX);
            r->left -= n;
            vqueue_push(q, c, fill(c, n));
        }
    } while (r->left && !vqueue_empty(q));
    vqueue_notify(q);
}

static void period_over(void *opaque)
{
    struct virtio_rng *r = opaque;
    device_lock(&r->virtio.dev);
    vqueue_kick(&r->virtio.queue[0]);
    device_unlock(&r->virtio.dev);
}

static const struct virtio_class rng_class = {.id = VIRTIO_RNG, .queues = 1, .handle = rng_handle};

static int rng_realize(struct device *d, struct err *err)
{
    struct virtio_rng *r = (struct virtio_rng *)d;
    (void)err;
    timer_init(&r->timer, d->host->loop, d->host->clock, period_over, r);
    virtio_realize(&r->virtio, &rng_class, 1);
    return 0;
}

static void rng_unrealize(struct device *d)
{
    struct virtio_rng *r = (struct virtio_rng *)d;
    virtio_unrealize(&r->virtio);
    if (r->timer.loop)
        timer_fini(&r->timer);
}

static void rng_reset(struct device *d)
{
    virtio_reset((struct virtio *)d);
}

static int rng_post_load(void *obj, u32 version, struct err *err)
{
    (void)version;
    return virtio_post_load(obj, err);
}

static const struct state_table rng_state = {
    .name = "virtio-rng",
    .version = 1,
    .min_version = 1,
    .post_load = rng_post_load,
    .fields = (const struct state_field[]){STATE_STRUCT(struct virtio_rng, virtio, &virtio_state),
                                           STATE_END},
};

const struct device_type virtio_rng = {
    .name = "virtio-rng-device",
    .help = "virtio entropy source",
    .size = sizeof(struct virtio_rng),
    .bus = "virtio",
    .options = rng_options,
    .state = &rng_state,
    .realize = rng_realize,
    .unrealize = rng_unrealize,
    .reset = rng_reset,
};
