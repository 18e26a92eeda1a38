/*
 * clock.c - clocks: reading without a lock, starting, stopping, setting.
 *
 * Writers hold the lock and make seq odd while they change the fields; a reader that saw seq odd or
 * changed reads again. The fields are atomic and read with acquire, so that no fence is needed
 * between them and the second look at seq.
 */
#include "base/host.h"
#include "loop/loop_impl.h"

/* A wall clock can be set while we sleep: look again after so long. */
#define CLOCK_HOST_SLEEP_MAX NS_PER_SECOND

static u64 clock_raw(const struct clock *c, u64 (*source)(void *), void *opaque)
{
    if (unlikely(source))
        return source(opaque);
    return c->kind == CLOCK_KIND_HOST ? host_realtime_ns() : host_monotonic_ns();
}

/* The clock's own lock is held, or nobody else knows it. */
static u64 clock_read_locked(const struct clock *c)
{
    u64 offset = atomic_load_explicit(&c->offset, memory_order_relaxed);
    if (!atomic_load_explicit(&c->running, memory_order_relaxed))
        return offset;
    return clock_raw(c, atomic_load_explicit(&c->source, memory_order_relaxed),
                     atomic_load_explicit(&c->source_opaque, memory_order_relaxed)) +
           offset;
}

u64 clock_now(const struct clock *c)
{
    for (;;) {
        u32 seq = atomic_load_explicit(&c->seq, memory_order_acquire);
        bool running = atomic_load_explicit(&c->running, memory_order_acquire);
        u64 offset = atomic_load_explicit(&c->offset, memory_order_acquire);
        u64 (*source)(void *) = atomic_load_explicit(&c->source, memory_order_acquire);
        void *opaque = atomic_load_explicit(&c->source_opaque, memory_order_acquire);
        if (unlikely(seq & 1))
            continue;
        /* A source and its opaque are only called as a pair that belongs together. */
        if (unlikely(source) && atomic_load_explicit(&c->seq, memory_order_acquire) != seq)
            continue;
        u64 now = running ? clock_raw(c, source, opaque) + offset : offset;
        if (likely(atomic_load_explicit(&c->seq, memory_order_acquire) == seq))
            return now;
    }
}

bool clock_running(const struct clock *c)
{
    return atomic_load_explicit(&c->running, memory_order_acquire);
}

void clock_init(struct clock *c, enum clock_kind kind)
{
    *c = (struct clock){.kind = kind};
    atomic_init(&c->running, kind != CLOCK_KIND_VIRTUAL);
    pthread_mutex_init(&c->lock, NULL);
}

void clock_fini(struct clock *c)
{
    assert(!c->listeners); /* timers are still on it */
    pthread_mutex_destroy(&c->lock);
}

/* Wakes every loop with timers on the clock. Lock held. */
static void clock_tell(struct clock *c)
{
    for (struct clock_listener *l = c->listeners; l; l = l->next)
        loop_wake(l->loop);
}

static void clock_change_begin(struct clock *c)
{
    pthread_mutex_lock(&c->lock);
    u32 seq = atomic_load_explicit(&c->seq, memory_order_relaxed);
    /* A full barrier: no reader may still find seq even after we have read what time it is. */
    atomic_store(&c->seq, seq + 1);
}

static void clock_change_end(struct clock *c)
{
    u32 seq = atomic_load_explicit(&c->seq, memory_order_relaxed);
    atomic_store_explicit(&c->seq, seq + 1, memory_order_release);
    clock_tell(c);
    pthread_mutex_unlock(&c->lock);
}

/* The clock shows ns from here on. Release stores: seq became odd before them. */
static void clock_show(struct clock *c, bool running, u64 ns)
{
    u64 raw = running ? clock_raw(c, atomic_load(&c->source), atomic_load(&c->source_opaque)) : 0;
    atomic_store_explicit(&c->offset, ns - raw, memory_order_release);
    atomic_store_explicit(&c->running, running, memory_order_release);
}

void clock_start(struct clock *c)
{
    assert(c->kind == CLOCK_KIND_VIRTUAL);
    clock_change_begin(c);
    clock_show(c, true, clock_read_locked(c));
    clock_change_end(c);
}

void clock_stop(struct clock *c)
{
    assert(c->kind == CLOCK_KIND_VIRTUAL);
    clock_change_begin(c);
    clock_show(c, false, clock_read_locked(c));
    clock_change_end(c);
}

void clock_set(struct clock *c, u64 ns)
{
    assert(c->kind != CLOCK_KIND_REAL);
    clock_change_begin(c);
    clock_show(c, atomic_load(&c->running), ns);
    clock_change_end(c);
}

void clock_set_source(struct clock *c, u64 (*source)(void *opaque), void *opaque)
{
    clock_change_begin(c);
    u64 now = clock_read_locked(c);
    atomic_store_explicit(&c->source, source, memory_order_release);
    atomic_store_explicit(&c->source_opaque, opaque, memory_order_release);
    clock_show(c, atomic_load(&c->running), now);
    clock_change_end(c);
}

void clock_changed(struct clock *c)
{
    pthread_mutex_lock(&c->lock);
    clock_tell(c);
    pthread_mutex_unlock(&c->lock);
}

void clock_listen(struct clock *c, struct clock_listener *l)
{
    pthread_mutex_lock(&c->lock);
    l->next = c->listeners;
    c->listeners = l;
    pthread_mutex_unlock(&c->lock);
}

void clock_unlisten(struct clock *c, struct clock_listener *l)
{
    pthread_mutex_lock(&c->lock);
    struct clock_listener **link = &c->listeners;
    while (*link != l)
        link = &(*link)->next;
    *link = l->next;
    pthread_mutex_unlock(&c->lock);
}

u64 clock_wait_ns(const struct clock *c, u64 deadline)
{
    if (!clock_running(c))
        return UINT64_MAX;
    u64 now = clock_now(c);
    if (deadline <= now)
        return 0;
    if (atomic_load_explicit(&c->source, memory_order_acquire))
        return UINT64_MAX;
    u64 wait = deadline - now;
    return c->kind == CLOCK_KIND_HOST ? MIN(wait, CLOCK_HOST_SLEEP_MAX) : wait;
}
