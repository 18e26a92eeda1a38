/*
 * device_harness.h - what a device needs around it, for tests and fuzzers: a real loop, clocks that
 * stand until they are told to go on, 1 MiB of RAM at 0 that DMA sees, wires that are recorded,
 * backends by name. No machine, no CPUs.
 *
 * A harness is used by one thread, which is the loop's.
 */
#ifndef TESTS_DEVICE_HARNESS_H
#define TESTS_DEVICE_HARNESS_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/epoch.h"
#include "base/log.h"
#include "device/device.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "memory/memory.h"
#include "state/state.h"
#include "state/stream.h"

enum { HARNESS_RAM = 1 << 20, HARNESS_WIRES = 128, HARNESS_BACKENDS = 8, HARNESS_DEVICES = 8 };
#define HARNESS_REGISTERS UINT64_C(0x10000000) /* of the first device; the next 256 MiB above */

struct harness_backend {
    const char *kind;
    char id[24];
    void *backend;
};

struct harness {
    struct loop *loop;
    struct epoch epoch;
    struct log log;
    struct clock clock, rtc;
    u64 now; /* of both clocks, ns */
    struct memory memory;
    struct mem_region root, ram;
    struct ram_block *block;
    struct mem_space space;
    pthread_mutex_t lock;
    struct device_host host;
    struct harness_backend backend[HARNESS_BACKENDS];
    unsigned backends;
    struct device *device[HARNESS_DEVICES]; /* freed last to first */
    unsigned devices;
    int level[HARNESS_WIRES];
    unsigned raised[HARNESS_WIRES]; /* how often it went up */
    int requested, code;            /* enum device_request; -1: nothing */
};

#define harness_must(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline void *harness_find(struct harness *h, const char *kind, const char *id)
{
    for (unsigned i = 0; i < h->backends; i++) {
        if (!strcmp(h->backend[i].kind, kind) && !strcmp(h->backend[i].id, id))
            return h->backend[i].backend;
    }
    return NULL;
}

static inline struct chardev *harness_chardev(void *opaque, const char *id)
{
    return harness_find(opaque, "chardev", id);
}

static inline struct netdev *harness_netdev(void *opaque, const char *id)
{
    return harness_find(opaque, "netdev", id);
}

static inline struct block *harness_block(void *opaque, const char *id)
{
    return harness_find(opaque, "block", id);
}

static inline void harness_request(void *opaque, enum device_request what, int code)
{
    struct harness *h = opaque;
    h->requested = (int)what;
    h->code = code;
}

static inline void harness_wire(void *sink, unsigned n, int level)
{
    struct harness *h = sink;
    h->raised[n] += level && !h->level[n];
    h->level[n] = level;
}

static inline u64 harness_time(void *opaque)
{
    return ((struct harness *)opaque)->now;
}

/* The caller closes it, after harness_close. */
static inline void harness_add_backend(struct harness *h, const char *kind, const char *id,
                                       void *backend)
{
    harness_must(backend && h->backends < HARNESS_BACKENDS);
    struct harness_backend *b = &h->backend[h->backends++];
    b->kind = kind;
    b->backend = backend;
    snprintf(b->id, sizeof(b->id), "%s", id);
}

static inline void harness_open_with(struct harness *h, bool force_poll)
{
    struct loop_config config = {.force_poll = force_poll, .workers = 2};
    struct err err = {0};
    memset(h, 0, sizeof(*h));
    log_init(&h->log);
    epoch_init(&h->epoch);
    config.epoch = &h->epoch;
    h->loop = loop_create(&config, &err);
    harness_must(h->loop);
    h->now = 1000 * NS_PER_SECOND;
    clock_init(&h->clock, CLOCK_KIND_VIRTUAL);
    clock_init(&h->rtc, CLOCK_KIND_HOST);
    clock_set_source(&h->clock, harness_time, h);
    clock_set_source(&h->rtc, harness_time, h);
    clock_start(&h->clock);
    clock_set(&h->clock, h->now);
    clock_set(&h->rtc, h->now);
    memory_init(&h->memory, &h->epoch);
    mem_container(&h->root, "system", UINT64_MAX);
    mem_space_init(&h->space, &h->memory, "memory", &h->root);
    h->block = ram_block_new(&h->memory, "ram", HARNESS_RAM, &err);
    harness_must(h->block);
    mem_ram(&h->ram, "ram", h->block, 0, HARNESS_RAM);
    mem_map(&h->memory, &h->root, 0, &h->ram, 0);
    pthread_mutex_init(&h->lock, NULL);
    h->requested = -1;
    h->host = (struct device_host){.loop = h->loop,
                                   .clock = &h->clock,
                                   .rtc = &h->rtc,
                                   .memory = &h->memory,
                                   .dma = &h->space,
                                   .log = &h->log,
                                   .lock = &h->lock,
                                   .request = harness_request,
                                   .chardev = harness_chardev,
                                   .netdev = harness_netdev,
                                   .block = harness_block,
                                   .opaque = h};
}

static inline void harness_open(struct harness *h)
{
    harness_open_with(h, true);
}

/* Devices go, backends and loop stay. */
static inline void harness_free_devices(struct harness *h)
{
    while (h->devices)
        device_free(h->device[--h->devices]);
}

static inline void harness_close(struct harness *h)
{
    harness_free_devices(h);
    mem_unmap(&h->memory, &h->ram);
    mem_space_fini(&h->space);
    memory_fini(&h->memory);
}

/* After backends, which are on the loop, were closed. */
static inline void harness_end(struct harness *h)
{
    loop_destroy(h->loop);
    clock_fini(&h->clock);
    clock_fini(&h->rtc);
    epoch_fini(&h->epoch);
    log_fini(&h->log);
    pthread_mutex_destroy(&h->lock);
}

/* Made with properties "name=value", NULL-ended (may be NULL), not realized. */
static inline struct device *harness_new(struct harness *h, const char *type,
                                         const char *const *properties)
{
    struct err err = {0};
    char id[16];
    const struct device_type *t = device_type_find(type, &err);
    harness_must(t && h->devices < HARNESS_DEVICES);
    snprintf(id, sizeof(id), "dev%u", h->devices);
    struct device *d = device_new(t, id, &h->host, &err);
    harness_must(d);
    for (; properties && *properties; properties++) {
        char text[128];
        snprintf(text, sizeof(text), "%s", *properties);
        char *value = strchr(text, '=');
        harness_must(value);
        *value++ = 0;
        if (device_set(d, text, value, &err)) {
            fprintf(stderr, "%s\n", err.text);
            abort();
        }
    }
    return d;
}

/* Where a device's registers are. */
static inline u64 harness_base(const struct harness *h, const struct device *d)
{
    for (unsigned i = 0; i < h->devices; i++) {
        if (h->device[i] == d)
            return HARNESS_REGISTERS * (i + 1);
    }
    harness_must(!"a device of this harness");
    return 0;
}

/* Realized, mapped, reset; its outputs are wires 0 .. . bus may be NULL. NULL: refused, and freed.
 */
static inline struct device *harness_realize(struct harness *h, struct device *d,
                                             struct device *bus, struct err *err)
{
    d->bus = bus;
    for (u32 i = 0; i < d->type->irq_count && i < HARNESS_WIRES; i++)
        device_connect(d, i, (struct irq){.set = harness_wire, .sink = h, .n = i});
    if (device_realize(d, err)) {
        device_free(d);
        return NULL;
    }
    h->device[h->devices++] = d;
    if (d->type->mmio_count)
        mem_map(&h->memory, &h->root, harness_base(h, d), device_mmio(d, 0), 0);
    device_reset(d);
    return d;
}

static inline struct device *harness_add(struct harness *h, const char *type, struct device *bus,
                                         const char *const *properties)
{
    struct err err = {0};
    struct device *d = harness_realize(h, harness_new(h, type, properties), bus, &err);
    if (!d) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return d;
}

/* Register access as a CPU does it; size in bytes. */
static inline u64 harness_read(struct harness *h, struct device *d, u64 offset, unsigned size)
{
    u64 v = 0;
    harness_must(mem_read(&h->space, harness_base(h, d) + offset, &v, size) == MEM_OK);
    return v;
}

static inline void harness_write(struct harness *h, struct device *d, u64 offset, u64 v,
                                 unsigned size)
{
    harness_must(mem_write(&h->space, harness_base(h, d) + offset, v, size) == MEM_OK);
}

/* Lets the loop call what is due, until nothing more is likely. */
static inline void harness_turn(struct harness *h)
{
    for (unsigned i = 0; i < 4; i++)
        loop_turn(h->loop, false);
}

/* Time goes on, and timers are called. */
static inline void harness_advance(struct harness *h, u64 ns)
{
    h->now += ns;
    clock_changed(&h->clock);
    clock_changed(&h->rtc);
    harness_turn(h);
}

/* from's state into to, through a stream. */
static inline int harness_copy_state(struct device *from, struct device *to, struct err *err)
{
    struct state_mem mem;
    struct state_section section;
    state_mem_init(&mem);
    struct state_writer *w = state_writer_new(&mem.io, "test", err);
    harness_must(w);
    int r = state_write_object(w, "device", from->type->state, from, err);
    r = r ? r : state_writer_end(w, err);
    state_writer_free(w);
    harness_must(!r);
    mem.pos = 0;
    struct state_reader *reader = state_reader_new(&mem.io, err);
    harness_must(reader);
    r = state_reader_next(reader, &section, err);
    r = r ? r : state_read_object(reader, to->type->state, to, err);
    state_reader_free(reader);
    state_mem_fini(&mem);
    return r;
}

/* xorshift64: for tests that try many things in the same order each time. */
static inline u64 harness_random(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#endif
