/*
 * test_virtio_queue.c - virtqueues and the MMIO transport, driven by a driver model through a
 * device that answers each chain with the bytes it was given: both rings, direct and indirect
 * chains, index wrap-around, notification suppression, reset, state; and rings that no driver would
 * make.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>

#include "virtio_driver.h"

#define PACKED   BIT(VIRTIO_F_RING_PACKED)
#define INDIRECT BIT(VIRTIO_F_INDIRECT_DESC)
#define EVENT    BIT(VIRTIO_F_EVENT_IDX)

/* ---- The device: in = out, up to the room; a chain may be held back -------------------------- */

struct echo {
    struct virtio virtio;
    unsigned handled, hold;
    struct vchain *held[DRIVER_RING_MAX];
    unsigned held_count;
    u32 last_out, last_in;
    bool unpop_once;
};

static void answer(struct echo *e, struct vchain *c)
{
    u8 buf[4096];
    u64 n = 0, done = 0;
    e->last_out = c->out_count;
    e->last_in = c->in_count;
    do {
        n = vchain_read(c, done, buf, sizeof(buf));
        n = vchain_write(c, done, buf, n);
        done += n;
    } while (n == sizeof(buf));
    vqueue_push(c->queue, c, (u32)done);
    e->handled++;
}

static void echo_handle(struct virtio *v, struct vqueue *q)
{
    struct echo *e = (struct echo *)v;
    struct vchain *c;
    do {
        while ((c = vqueue_pop(q))) {
            if (e->unpop_once) {
                e->unpop_once = false;
                vqueue_unpop(q, c);
            } else if (e->held_count < e->hold) {
                e->held[e->held_count++] = c;
            } else {
                answer(e, c);
            }
        }
    } while (!vqueue_empty(q));
    vqueue_notify(q);
}

static void release_held(void *opaque)
{
    struct echo *e = opaque;
    device_lock(&e->virtio.dev);
    while (e->held_count)
        answer(e, e->held[--e->held_count]);
    device_unlock(&e->virtio.dev);
}

static void echo_config(struct virtio *v, u8 *c)
{
    (void)v;
    for (u8 i = 0; i < 10; i++)
        c[i] = (u8)(0xa0 + i);
}

static const struct virtio_class echo_class = {
    .id = 99, .queues = 2, .config_size = 10, .get_config = echo_config, .handle = echo_handle};

static int echo_realize(struct device *d, struct err *err)
{
    (void)err;
    virtio_realize((struct virtio *)d, &echo_class, 2);
    return 0;
}

static void echo_unrealize(struct device *d)
{
    virtio_unrealize((struct virtio *)d);
}

static void echo_reset(struct device *d)
{
    virtio_reset((struct virtio *)d);
}

static int echo_post_load(void *obj, u32 version, struct err *err)
{
    (void)version;
    return virtio_post_load(obj, err);
}

static const struct option echo_options[] = {VIRTIO_OPTIONS(struct echo), OPTION_LAST};

static const struct state_table echo_state = {
    .name = "echo",
    .version = 1,
    .min_version = 1,
    .post_load = echo_post_load,
    .fields =
        (const struct state_field[]){STATE_STRUCT(struct echo, virtio, &virtio_state), STATE_END},
};

static const struct device_type echo_type = {.name = "echo",
                                             .help = "answers with what it is given",
                                             .size = sizeof(struct echo),
                                             .bus = "virtio",
                                             .options = echo_options,
                                             .state = &echo_state,
                                             .realize = echo_realize,
                                             .unrealize = echo_unrealize,
                                             .reset = echo_reset};

/* ---- Set-up ---------------------------------------------------------------------------------- */

struct queue_test {
    struct harness h;
    struct device *mmio;
    struct echo *echo;
    struct virtio_driver v;
    struct driver_ring *q;
};

static struct echo *add_echo(struct harness *h, struct device *mmio)
{
    struct err err = {0};
    struct device *d = device_new(&echo_type, "echo", &h->host, &err);
    assert_int_equal(device_set(d, "packed", "on", &err), 0);
    return (struct echo *)harness_realize(h, d, mmio, &err);
}

static int setup(void **state)
{
    struct queue_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    t->mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    t->echo = add_echo(&t->h, t->mmio);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct queue_test *t = *state;
    harness_close(&t->h);
    harness_end(&t->h);
    free(t);
    return 0;
}

static void start(struct queue_test *t, u64 features, u16 size)
{
    driver_start(&t->v, &t->h, t->mmio, features, 1, size);
    t->q = &t->v.ring[0];
}

static const u64 layouts[] = {0,      EVENT,          INDIRECT,
                              PACKED, PACKED | EVENT, PACKED | INDIRECT | EVENT};

/* One round: `out` pieces with text, `in` pieces of room; sends, checks the answer. */
static void echo_once(struct queue_test *t, u16 out, u16 in, bool indirect, u64 seed)
{
    struct driver_piece p[16];
    u64 keep = t->v.memory, total = 0, room = 0;
    u16 id, got_id;
    u32 len;
    for (u16 i = 0; i < out + in; i++) {
        u32 n = 1 + (u32)(harness_random(&seed) % 40);
        p[i] = (struct driver_piece){.addr = driver_alloc(&t->v, n), .len = n, .write = i >= out};
        for (u32 k = 0; k < n; k++)
            driver_ram(&t->v, p[i].addr)[k] = i >= out ? 0 : (u8)harness_random(&seed);
        *(i < out ? &total : &room) += n;
    }
    id = driver_add(&t->v, t->q, p, out + in, indirect);
    driver_kick(&t->v, t->q);
    assert_true(driver_used(&t->v, t->q, &got_id, &len));
    assert_int_equal(got_id, id);
    assert_int_equal(len, MIN(total, room));
    u64 at_out = 0, at_in = 0;
    u16 o = 0, i = out;
    for (u32 k = 0; k < len; k++) {
        while (at_out == p[o].len)
            o++, at_out = 0;
        while (at_in == p[i].len)
            i++, at_in = 0;
        assert_int_equal(driver_ram(&t->v, p[i].addr)[at_in++],
                         driver_ram(&t->v, p[o].addr)[at_out++]);
    }
    assert_false(driver_used(&t->v, t->q, &got_id, &len));
    t->v.memory = keep;
}

/* ---- Good drivers ---------------------------------------------------------------------------- */

/* Chains of all shapes, several times around the ring (70000: around the split index as well). */
static void test_chains(void **state)
{
    struct queue_test *t = *state;
    for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
        start(t, layouts[l], 16);
        assert_int_equal(t->v.features & ~BIT(VIRTIO_F_VERSION_1), layouts[l]);
        bool indirect = layouts[l] & INDIRECT;
        for (unsigned i = 0; i < 500; i++)
            echo_once(t, 1 + i % 5, (u16)(i / 5 % 4), indirect && i & 1, i + 1);
        assert_false(driver_broken(&t->v));
    }
}

static void test_index_wraps(void **state)
{
    struct queue_test *t = *state;
    start(t, EVENT, 4);
    for (unsigned i = 0; i < 70000; i++)
        echo_once(t, 1, 1, false, i + 1);
}

/* A packed ring's size is any number. */
static void test_odd_size(void **state)
{
    struct queue_test *t = *state;
    start(t, PACKED, 7);
    for (unsigned i = 0; i < 100; i++)
        echo_once(t, 1 + i % 4, i % 3, false, i + 1);
}

static void test_whole_ring_in_one_chain(void **state)
{
    struct queue_test *t = *state;
    for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
        start(t, layouts[l], 8);
        for (unsigned i = 0; i < 20; i++)
            echo_once(t, 4, 4, false, i + 1);
    }
}

static void test_many_at_once(void **state)
{
    struct queue_test *t = *state;
    for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
        start(t, layouts[l], 64);
        struct driver_piece p = {.addr = driver_alloc(&t->v, 8), .len = 8};
        u16 id;
        u32 len;
        for (unsigned round = 0; round < 5; round++) {
            for (unsigned i = 0; i < 64; i++)
                driver_add(&t->v, t->q, &p, 1, false);
            driver_kick(&t->v, t->q);
            for (unsigned i = 0; i < 64; i++)
                assert_true(driver_used(&t->v, t->q, &id, &len));
            assert_false(driver_used(&t->v, t->q, &id, &len));
        }
    }
}

/* Used in another order than made available. */
static void test_out_of_order(void **state)
{
    struct queue_test *t = *state;
    for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
        start(t, layouts[l], 8);
        struct driver_piece p[2] = {{.addr = driver_alloc(&t->v, 8), .len = 8},
                                    {.addr = driver_alloc(&t->v, 8), .len = 8, .write = true}};
        u16 id[3], got;
        u32 len;
        for (unsigned round = 0; round < 10; round++) {
            t->echo->hold = 3;
            for (unsigned i = 0; i < 3; i++)
                id[i] = driver_add(&t->v, t->q, p, 1 + (i == 1), false);
            driver_kick(&t->v, t->q);
            assert_false(driver_used(&t->v, t->q, &got, &len));
            t->echo->hold = 0;
            release_held(t->echo);
            for (unsigned i = 3; i--;) {
                assert_true(driver_used(&t->v, t->q, &got, &len));
                assert_int_equal(got, id[i]);
                assert_int_equal(len, i == 1 ? 8 : 0);
            }
        }
    }
}

static void test_unpop(void **state)
{
    struct queue_test *t = *state;
    for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
        start(t, layouts[l], 4);
        for (unsigned i = 0; i < 20; i++) {
            t->echo->unpop_once = true;
            echo_once(t, 1 + i % 3, 1, false, i + 1);
        }
    }
}

/* ---- Notification of the driver -------------------------------------------------------------- */

static void send_one(struct queue_test *t)
{
    struct driver_piece p = {.addr = DRIVER_MEMORY, .len = 1};
    u16 id;
    u32 len;
    driver_add(&t->v, t->q, &p, 1, false);
    driver_kick(&t->v, t->q);
    assert_true(driver_used(&t->v, t->q, &id, &len));
}

static void test_interrupt(void **state)
{
    struct queue_test *t = *state;
    for (unsigned packed = 0; packed < 2; packed++) {
        start(t, packed ? PACKED : 0, 4);
        driver_kick(&t->v, t->q); /* nothing to do, nothing to tell */
        assert_int_equal(t->h.level[0], 0);
        send_one(t);
        assert_int_equal(t->h.level[0], 1);
        assert_int_equal(driver_get(&t->v, 0x060), 1);
        driver_ack(&t->v);
        assert_int_equal(t->h.level[0], 0);
        driver_want_irq(&t->v, t->q, false);
        send_one(t);
        assert_int_equal(t->h.level[0], 0);
        driver_want_irq(&t->v, t->q, true);
        send_one(t);
        assert_int_equal(t->h.level[0], 1);
    }
}

/* Every third one, over many laps, one at a time and in batches. */
static void test_event_index(void **state)
{
    struct queue_test *t = *state;
    struct driver_piece p = {.addr = DRIVER_MEMORY, .len = 1};
    u16 id;
    u32 len;
    for (unsigned packed = 0; packed < 2; packed++) {
        for (unsigned batch = 1; batch <= 8; batch++) {
            start(t, EVENT | (packed ? PACKED : 0), 8);
            unsigned sent = 0, event = 2;
            driver_want_event(&t->v, t->q, 2, true);
            for (unsigned step = 0; step < 100; step++) {
                for (unsigned i = 0; i < batch; i++)
                    driver_add(&t->v, t->q, &p, 1, false);
                driver_kick(&t->v, t->q);
                for (unsigned i = 0; i < batch; i++)
                    assert_true(driver_used(&t->v, t->q, &id, &len));
                sent += batch;
                assert_int_equal(t->h.level[0], sent > event);
                driver_ack(&t->v);
                if (sent > event) {
                    event = sent + 2;
                    driver_want_event(&t->v, t->q, (u16)(packed ? event % 8 : event),
                                      !(event / 8 % 2));
                }
            }
        }
    }
}

/* The driver polls for long without wanting to hear, then wants to again. */
static void test_event_index_after_polling(void **state)
{
    struct queue_test *t = *state;
    for (unsigned packed = 0; packed < 2; packed++) {
        start(t, EVENT | (packed ? PACKED : 0), 8);
        driver_want_event(&t->v, t->q, packed ? 7 : 0xffff, true);
        if (packed)
            driver_want_irq(&t->v, t->q, false);
        for (unsigned i = 0; i < 29; i++)
            send_one(t);
        assert_int_equal(t->h.level[0], 0);
        driver_want_event(&t->v, t->q, packed ? 29 % 8 : 29, !(29 / 8 % 2));
        send_one(t);
        assert_int_equal(t->h.level[0], 1);
    }
}

/* Does the device ask for notifications exactly of the next chain? */
static void test_avail_event(void **state)
{
    struct queue_test *t = *state;
    start(t, EVENT, 4);
    for (unsigned i = 1; i < 20; i++) {
        send_one(t);
        assert_int_equal(load_le(driver_ram(&t->v, t->q->device + 4 + 8 * 4), 2), i);
    }
}

/* ---- Transport ------------------------------------------------------------------------------- */

static void test_registers(void **state)
{
    struct queue_test *t = *state;
    t->v = (struct virtio_driver){.h = &t->h, .mmio = t->mmio};
    assert_int_equal(driver_get(&t->v, 0), 0x74726976);
    assert_int_equal(driver_get(&t->v, 4), 2);
    assert_int_equal(driver_get(&t->v, 8), 99);
    driver_put(&t->v, 0x030, 0);
    assert_int_equal(driver_get(&t->v, 0x034), VIRTIO_QUEUE_MAX);
    driver_put(&t->v, 0x030, 2); /* there are two */
    assert_int_equal(driver_get(&t->v, 0x034), 0);
    driver_put(&t->v, 0x038, 8);
    driver_put(&t->v, 0x044, 1);
    assert_int_equal(driver_get(&t->v, 0x044), 0);
    driver_put(&t->v, 0x014, 2); /* feature bits 64..95 */
    assert_int_equal(driver_get(&t->v, 0x010), 0);
    assert_int_equal(driver_get(&t->v, 0x0b0), UINT32_MAX);
}

static void test_configuration(void **state)
{
    struct queue_test *t = *state;
    assert_int_equal(harness_read(&t->h, t->mmio, 0x100, 1), 0xa0);
    assert_int_equal(harness_read(&t->h, t->mmio, 0x102, 2), 0xa3a2);
    assert_int_equal(harness_read(&t->h, t->mmio, 0x104, 4), 0xa7a6a5a4);
    assert_int_equal(harness_read(&t->h, t->mmio, 0x108, 4), 0xa9a8); /* ends */
    assert_int_equal(harness_read(&t->h, t->mmio, 0x180, 8), 0);
    harness_write(&t->h, t->mmio, 0x100, 0, 4); /* read-only */
    assert_int_equal(harness_read(&t->h, t->mmio, 0x100, 1), 0xa0);
}

static void test_empty_slot(void **state)
{
    struct queue_test *t = *state;
    struct device *empty = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    assert_int_equal(harness_read(&t->h, empty, 0, 4), 0x74726976);
    assert_int_equal(harness_read(&t->h, empty, 8, 4), 0);
    for (u64 offset = 0; offset < 0x200; offset += 4) {
        harness_write(&t->h, empty, offset, 1, 4);
        (void)harness_read(&t->h, empty, offset, 4);
    }
}

static void test_negotiation(void **state)
{
    struct queue_test *t = *state;
    t->v = (struct virtio_driver){.h = &t->h, .mmio = t->mmio};
    assert_true(driver_negotiate(&t->v, 0));
    /* Fixed from here on. */
    driver_put(&t->v, 0x024, 1);
    driver_put(&t->v, 0x020, 0);
    assert_true(virtio_has(&t->echo->virtio, VIRTIO_F_VERSION_1));
    /* A feature that is not offered; and not even VERSION_1. */
    for (unsigned i = 0; i < 2; i++) {
        driver_put(&t->v, 0x070, 0);
        driver_put(&t->v, 0x024, 0);
        driver_put(&t->v, 0x020, !i);
        driver_put(&t->v, 0x024, 1);
        driver_put(&t->v, 0x020, !i);
        driver_put(&t->v, 0x070, 11);
        assert_int_equal(driver_get(&t->v, 0x070), 3);
    }
}

/* Bits of the status go by a reset only: or a live ring would change its layout. */
static void test_status_bits_stay(void **state)
{
    struct queue_test *t = *state;
    start(t, PACKED, 8);
    driver_put(&t->v, 0x070, 3);
    assert_int_equal(driver_get(&t->v, 0x070), 15);
    driver_put(&t->v, 0x024, 1);
    driver_put(&t->v, 0x020, 1);
    driver_put(&t->v, 0x070, 11);
    assert_true(t->echo->virtio.queue[0].packed);
    echo_once(t, 2, 2, false, 5);
}

static void test_queue_before_features(void **state)
{
    struct queue_test *t = *state;
    t->v = (struct virtio_driver){.h = &t->h, .mmio = t->mmio, .memory = DRIVER_MEMORY};
    driver_put(&t->v, 0x070, 0);
    driver_queue(&t->v, 0, 8);
    driver_put(&t->v, 0x030, 0);
    assert_int_equal(driver_get(&t->v, 0x044), 0);
}

static void test_device_reset(void **state)
{
    struct queue_test *t = *state;
    start(t, EVENT, 8);
    send_one(t);
    driver_put(&t->v, 0x070, 0);
    assert_int_equal(driver_get(&t->v, 0x070), 0);
    assert_int_equal(driver_get(&t->v, 0x060), 0);
    assert_int_equal(t->h.level[0], 0);
    driver_put(&t->v, 0x030, 0);
    assert_int_equal(driver_get(&t->v, 0x044), 0);
    driver_kick(&t->v, t->q); /* nothing runs */
    start(t, PACKED, 8);
    echo_once(t, 2, 2, false, 3);
}

/* RING_RESET: one queue starts anew, the others go on. */
static void test_queue_reset(void **state)
{
    struct queue_test *t = *state;
    driver_start(&t->v, &t->h, t->mmio, BIT(VIRTIO_F_RING_RESET), 2, 8);
    t->q = &t->v.ring[1];
    echo_once(t, 1, 1, false, 1);
    t->q = &t->v.ring[0];
    echo_once(t, 1, 1, false, 1);
    driver_put(&t->v, 0x030, 0);
    driver_put(&t->v, 0x0c0, 1);
    assert_int_equal(driver_get(&t->v, 0x0c0), 0);
    assert_int_equal(driver_get(&t->v, 0x044), 0);
    t->q = driver_queue(&t->v, 0, 4);
    for (unsigned i = 0; i < 10; i++)
        echo_once(t, 1, 1, false, 2 + i);
    t->q = &t->v.ring[1];
    echo_once(t, 1, 1, false, 1);
}

/* A reset waits for chains that the device still has; what they bring is not in the new ring. */
static void test_reset_waits(void **state)
{
    struct queue_test *t = *state;
    struct driver_piece p = {.addr = DRIVER_MEMORY, .len = 1};
    start(t, 0, 8);
    t->echo->hold = 2;
    driver_add(&t->v, t->q, &p, 1, false);
    driver_add(&t->v, t->q, &p, 1, false);
    driver_kick(&t->v, t->q);
    assert_int_equal(t->echo->held_count, 2);
    loop_post(t->h.loop, release_held, t->echo);
    driver_put(&t->v, 0x070, 0);
    assert_int_equal(t->echo->held_count, 0);
    assert_int_equal(t->echo->virtio.queue[0].in_flight, 0);
    assert_int_equal(load_le(driver_ram(&t->v, t->q->device + 2), 2), 0);
}

static void test_queue_changed_while_in_use(void **state)
{
    struct queue_test *t = *state;
    start(t, 0, 8);
    driver_put(&t->v, 0x030, 0);
    driver_put(&t->v, 0x080, 0xfff0000);
    driver_put(&t->v, 0x038, 4);
    echo_once(t, 1, 1, false, 3);
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_state(void **state)
{
    struct queue_test *t = *state;
    struct err err = {0};
    for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
        start(t, layouts[l], 8);
        for (unsigned i = 0; i < 13; i++)
            echo_once(t, 1, 1, false, i + 1);
        struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
        struct echo *echo = add_echo(&t->h, mmio);
        assert_int_equal(harness_copy_state(t->mmio, mmio, &err), 0);
        assert_int_equal(harness_copy_state(&t->echo->virtio.dev, &echo->virtio.dev, &err), 0);
        char where[128];
        assert_true(state_equal(&echo_state, t->echo, echo, where, sizeof(where)));
        device_reset(&t->echo->virtio.dev);
        struct device *old_mmio = t->mmio;
        struct echo *old_echo = t->echo;
        t->v.mmio = t->mmio = mmio;
        t->echo = echo;
        for (unsigned i = 0; i < 13; i++)
            echo_once(t, 1, 1, false, i + 1);
        device_free(t->h.device[--t->h.devices]);
        device_free(t->h.device[--t->h.devices]);
        t->mmio = old_mmio;
        t->echo = old_echo;
    }
}

/* A chain that was made available but not taken is taken where the state is loaded. */
static void test_state_with_work(void **state)
{
    struct queue_test *t = *state;
    struct driver_piece p = {.addr = DRIVER_MEMORY, .len = 1};
    struct err err = {0};
    u16 id;
    u32 len;
    start(t, 0, 8);
    driver_add(&t->v, t->q, &p, 1, false);
    struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    struct echo *echo = add_echo(&t->h, mmio);
    assert_int_equal(harness_copy_state(&t->echo->virtio.dev, &echo->virtio.dev, &err), 0);
    harness_turn(&t->h);
    assert_true(driver_used(&t->v, t->q, &id, &len));
}

static void expect_load_refused(struct queue_test *t, const char *text)
{
    struct err err = {0};
    struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    struct echo *echo = add_echo(&t->h, mmio);
    assert_true(harness_copy_state(&t->echo->virtio.dev, &echo->virtio.dev, &err) < 0);
    if (!strstr(err.text, text))
        fail_msg("%s", err.text);
    device_free(t->h.device[--t->h.devices]);
    device_free(t->h.device[--t->h.devices]);
}

static void test_hostile_state(void **state)
{
    struct queue_test *t = *state;
    start(t, PACKED, 8);
    struct virtio good = t->echo->virtio, *v = &t->echo->virtio;
    v->queue[0].next_avail = 8;
    expect_load_refused(t, "queue 0");
    *v = good;
    v->queue[0].next_used = 0xffff;
    expect_load_refused(t, "queue 0");
    *v = good;
    v->queue[0].size = 0;
    expect_load_refused(t, "queue 0");
    *v = good;
    v->queue[0].size = VIRTIO_QUEUE_MAX + 1;
    expect_load_refused(t, "queue 0");
    *v = good;
    v->queue[0].desc = HARNESS_RAM;
    expect_load_refused(t, "memory");
    *v = good;
    v->status = 3;
    expect_load_refused(t, "queue 0");
    *v = good;
    v->guest_features |= 1;
    expect_load_refused(t, "features");
    *v = good;
}

/* A driver may write feature bits that it was not offered, and stop before FEATURES_OK: such a
 * machine is saved and loaded as any other. */
static void test_state_before_features(void **state)
{
    struct queue_test *t = *state;
    struct err err = {0};
    start(t, 0, 8);
    driver_put(&t->v, 0x070, 0);
    driver_put(&t->v, 0x070, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    driver_put(&t->v, 0x024, 0);
    driver_put(&t->v, 0x020, UINT32_MAX);
    struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    struct echo *echo = add_echo(&t->h, mmio);
    assert_int_equal(harness_copy_state(&t->echo->virtio.dev, &echo->virtio.dev, &err), 0);
    assert_int_equal(echo->virtio.guest_features, UINT32_MAX);
}

/* ---- Hostile drivers ------------------------------------------------------------------------- */

static void write_desc(struct queue_test *t, u64 at, u64 addr, u32 len, u16 flags, u16 next)
{
    struct driver_piece d = {.addr = addr, .len = len};
    ring_write_desc(driver_ram(&t->v, at), &d, flags, next);
}

/* Makes split chain `head` available as it is. */
static void offer(struct queue_test *t, u16 head)
{
    struct driver_ring *q = t->q;
    store_le(driver_ram(&t->v, q->driver + 4 + 2 * (u64)(q->avail++ % q->size)), head, 2);
    store_le(driver_ram(&t->v, q->driver + 2), q->avail, 2);
    driver_kick(&t->v, q);
}

/* The device stopped, said so once, and works again after a reset. */
static void expect_stopped(struct queue_test *t)
{
    assert_true(driver_broken(&t->v));
    assert_int_equal(driver_get(&t->v, 0x060) & 2, 2);
    driver_ack(&t->v);
    unsigned handled = t->echo->handled;
    driver_kick(&t->v, t->q);
    assert_int_equal(t->echo->handled, handled);
    assert_int_equal(driver_get(&t->v, 0x060), 0);
    start(t, 0, 8);
    echo_once(t, 1, 1, false, 3);
    start(t, INDIRECT, 8);
}

struct bad_desc {
    u64 addr;
    u32 len;
    u16 flags, next;
};

static void test_bad_split_descriptors(void **state)
{
    static const struct bad_desc bad[] = {
        {0x1000, 16, RING_NEXT, 0}, /* a loop of one */
        {0x1000, 16, RING_NEXT, 8}, /* out of the table */
        {0x1000, 16, RING_NEXT, 0xffff},
        {HARNESS_RAM, 1, 0, 0}, /* out of RAM */
        {HARNESS_RAM - 4, 8, 0, 0},
        {UINT64_MAX, 1, 0, 0},
        {UINT64_MAX - 3, 8, 0, 0},
        {0x1000, UINT32_MAX, 0, 0},
        {0x1000, UINT32_MAX, RING_WRITE, 0},
        {HARNESS_REGISTERS, 4, RING_WRITE, 0}, /* registers */
        {0x1000, 0, RING_INDIRECT, 0},         /* tables of no, odd and too many entries */
        {0x1000, 17, RING_INDIRECT, 0},
        {0x1000, UINT32_MAX, RING_INDIRECT, 0},
        {0x1000, UINT32_MAX & ~15u, RING_INDIRECT, 0},
        {HARNESS_RAM - 16, 32, RING_INDIRECT, 0},
        {UINT64_MAX - 15, 32, RING_INDIRECT, 0},
    };
    struct queue_test *t = *state;
    start(t, INDIRECT, 8);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        write_desc(t, t->q->desc, bad[i].addr, bad[i].len, bad[i].flags, bad[i].next);
        offer(t, 0);
        if (!driver_broken(&t->v))
            fail_msg("descriptor %u is taken", i);
        expect_stopped(t);
    }
}

static void test_bad_indices(void **state)
{
    struct queue_test *t = *state;
    start(t, 0, 8);
    offer(t, 8);
    expect_stopped(t);
    offer(t, 0xffff);
    expect_stopped(t);
    t->q->avail = 8; /* nine at once */
    offer(t, 0);
    expect_stopped(t);
}

static void test_long_loop(void **state)
{
    struct queue_test *t = *state;
    start(t, 0, 8);
    for (u16 i = 0; i < 8; i++)
        write_desc(t, t->q->desc + 16 * (u64)i, 0x1000, 1, RING_NEXT, (i + 1) % 8);
    offer(t, 3);
    expect_stopped(t);
}

static void test_readable_after_writable(void **state)
{
    struct queue_test *t = *state;
    start(t, 0, 8);
    write_desc(t, t->q->desc, 0x1000, 1, RING_NEXT | RING_WRITE, 1);
    write_desc(t, t->q->desc + 16, 0x1000, 1, 0, 0);
    offer(t, 0);
    expect_stopped(t);
}

static void test_bad_indirect_tables(void **state)
{
    static const struct bad_desc bad[] = {
        {0x1000, 1, RING_NEXT, 0},      /* loops */
        {0x1000, 1, RING_NEXT, 4},      /* leaves */
        {0x1000, 16, RING_INDIRECT, 0}, /* nests */
        {HARNESS_RAM, 1, 0, 0},
    };
    struct queue_test *t = *state;
    start(t, INDIRECT, 8);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        write_desc(t, 0x2000, bad[i].addr, bad[i].len, bad[i].flags, bad[i].next);
        write_desc(t, t->q->desc, 0x2000, 64, RING_INDIRECT, 0);
        offer(t, 0);
        expect_stopped(t);
    }
}

static void test_indirect_not_negotiated(void **state)
{
    struct queue_test *t = *state;
    start(t, 0, 8);
    write_desc(t, 0x2000, 0x1000, 1, 0, 0);
    write_desc(t, t->q->desc, 0x2000, 16, RING_INDIRECT, 0);
    offer(t, 0);
    expect_stopped(t);
}

static void test_bad_packed_descriptors(void **state)
{
    struct queue_test *t = *state;
    for (unsigned i = 0; i < 4; i++) {
        start(t, PACKED | INDIRECT, 8);
        for (u16 k = 0; k < 8; k++) {
            u8 *p = driver_ram(&t->v, t->q->desc + 16 * (u64)k);
            u16 flags = RING_AVAIL;
            flags |= i == 0 ? RING_NEXT : i == 2 ? RING_INDIRECT : 0; /* without an end */
            store_le(p, i == 1 ? HARNESS_RAM : 0x1000, 8);
            store_le(p + 8, i == 3 ? UINT32_MAX : 24, 4);
            store_le(p + 14, flags, 2);
        }
        driver_kick(&t->v, t->q);
        assert_true(driver_broken(&t->v));
    }
}

static void test_bad_rings(void **state)
{
    static const struct {
        u16 size;
        u64 desc, driver, device;
    } bad[] = {
        {8, HARNESS_RAM, 0x5000, 0x6000},
        {8, HARNESS_RAM - 64, 0x5000, 0x6000},
        {8, 0x4000, HARNESS_RAM - 4, 0x6000},
        {8, 0x4000, 0x5000, UINT64_MAX - 3},
        {8, 0x4008, 0x5000, 0x6000},
        {8, 0x4000, 0x5001, 0x6000},
        {8, 0x4000, 0x5000, 0x6002},
        {7, 0x4000, 0x5000, 0x6000},
        {8, HARNESS_REGISTERS, 0x5000, 0x6000},
        {8, 0x4000, 0x5000, HARNESS_REGISTERS},
    };
    struct queue_test *t = *state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        t->v = (struct virtio_driver){.h = &t->h, .mmio = t->mmio, .memory = DRIVER_MEMORY};
        assert_true(driver_negotiate(&t->v, 0));
        struct driver_ring r = {.size = bad[i].size,
                                .desc = bad[i].desc,
                                .driver = bad[i].driver,
                                .device = bad[i].device};
        driver_set_queue(&t->v, &r);
        driver_go(&t->v);
        assert_true(driver_broken(&t->v));
        assert_int_equal(driver_get(&t->v, 0x044), 0);
        driver_kick(&t->v, &r);
    }
    driver_put(&t->v, 0x070, 0);
    driver_put(&t->v, 0x030, 0);
    driver_put(&t->v, 0x038, VIRTIO_QUEUE_MAX * 2);
    assert_true(driver_broken(&t->v));
}

/* A long table whose entries are as long as RAM: bounded, and not an error. */
static void test_huge_chain(void **state)
{
    struct queue_test *t = *state;
    u16 id;
    u32 len;
    start(t, INDIRECT, 8);
    u64 table = driver_alloc(&t->v, 16 * 1024);
    for (u16 i = 0; i < 1024; i++)
        write_desc(t, table + 16 * (u64)i, 0, HARNESS_RAM, i < 1023 ? RING_NEXT : 0, i + 1);
    write_desc(t, t->q->desc, table, 16 * 1024, RING_INDIRECT, 0);
    t->q->taken[0] = true;
    offer(t, 0);
    assert_true(driver_used(&t->v, t->q, &id, &len));
    assert_int_equal(len, 0);
    assert_int_equal(t->echo->last_out, 1024);
}

/* Rings over one another and over the buffers: anything but a crash. */
static void test_random_rings(void **state)
{
    struct queue_test *t = *state;
    u64 seed = 4711;
    for (unsigned round = 0; round < 3000; round++) {
        t->v = (struct virtio_driver){.h = &t->h, .mmio = t->mmio};
        u64 r = harness_random(&seed);
        harness_must(driver_negotiate(&t->v, layouts[round % ARRAY_SIZE(layouts)]));
        struct driver_ring q = {.size = (u16)(1u << r % 4),
                                .desc = r >> 8 & 0x3f0,
                                .driver = r >> 24 & 0x3f0,
                                .device = r >> 40 & 0x3f0};
        for (unsigned i = 0; i < 0x400; i += 8) {
            u64 v = harness_random(&seed);
            store_le(t->h.block->host + i, v & (i % 16 ? 0x0083000300000fff : 0xffff), 8);
        }
        driver_set_queue(&t->v, &q);
        driver_go(&t->v);
        for (unsigned i = 0; i < 4; i++)
            driver_kick(&t->v, &q);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chains),
        TEST(test_index_wraps),
        TEST(test_odd_size),
        TEST(test_whole_ring_in_one_chain),
        TEST(test_many_at_once),
        TEST(test_out_of_order),
        TEST(test_unpop),
        TEST(test_interrupt),
        TEST(test_event_index),
        TEST(test_event_index_after_polling),
        TEST(test_avail_event),
        TEST(test_registers),
        TEST(test_configuration),
        TEST(test_empty_slot),
        TEST(test_negotiation),
        TEST(test_status_bits_stay),
        TEST(test_queue_before_features),
        TEST(test_device_reset),
        TEST(test_queue_reset),
        TEST(test_reset_waits),
        TEST(test_queue_changed_while_in_use),
        TEST(test_state),
        TEST(test_state_with_work),
        TEST(test_hostile_state),
        TEST(test_state_before_features),
        TEST(test_bad_split_descriptors),
        TEST(test_bad_indices),
        TEST(test_long_loop),
        TEST(test_readable_after_writable),
        TEST(test_bad_indirect_tables),
        TEST(test_indirect_not_negotiated),
        TEST(test_bad_packed_descriptors),
        TEST(test_bad_rings),
        TEST(test_huge_chain),
        TEST(test_random_rings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
