/*
 * timer.c - a heap of deadlines for each clock of a loop.
 *
 * Invariants, under the loop's timer_lock: a pending timer's index is its place in its heap plus
 * one; heaps are only freed with the loop (one without users has no clock and is taken again). Any
 * thread may change a heap; only the loop's thread runs callbacks, without the lock. A callback's
 * timer is in a frame on loop->running while it runs, for timer_fini to wait on.
 */
#include "base/alloc.h"
#include "loop/loop_impl.h"

static void heap_place(struct timer_heap *h, u32 i, struct timer *t)
{
    h->timers[i] = t;
    t->index = i + 1;
}

static void heap_up(struct timer_heap *h, u32 i, struct timer *t)
{
    for (; i && t->deadline < h->timers[(i - 1) / 2]->deadline; i = (i - 1) / 2)
        heap_place(h, i, h->timers[(i - 1) / 2]);
    heap_place(h, i, t);
}

static void heap_down(struct timer_heap *h, u32 i, struct timer *t)
{
    for (;;) {
        u32 child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->timers[child + 1]->deadline < h->timers[child]->deadline)
            child++;
        if (t->deadline <= h->timers[child]->deadline)
            break;
        heap_place(h, i, h->timers[child]);
        i = child;
    }
    heap_place(h, i, t);
}

static void heap_remove(struct timer_heap *h, struct timer *t)
{
    u32 i = t->index - 1;
    t->index = 0;
    struct timer *last = h->timers[--h->count];
    if (last == t)
        return;
    if (i && last->deadline < h->timers[(i - 1) / 2]->deadline)
        heap_up(h, i, last);
    else
        heap_down(h, i, last);
}

static void heap_insert(struct timer_heap *h, struct timer *t)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity ? 2 * h->capacity : 8;
        h->timers = alloc_resize(h->timers, h->capacity, sizeof(struct timer *));
    }
    heap_up(h, h->count++, t);
}

/* The loop's heap for clock, with one more user. */
static struct timer_heap *timer_heap_get(struct loop *loop, struct clock *clock)
{
    struct timer_heap *h, *spare = NULL;
    pthread_mutex_lock(&loop->timer_lock);
    for (h = loop->heaps; h && h->clock != clock; h = h->next)
        if (!h->clock)
            spare = h;
    bool fresh = !h;
    if (fresh && spare) {
        h = spare;
    } else if (fresh) {
        h = alloc_zero(sizeof(*h));
        h->listener.loop = loop;
        h->next = loop->heaps;
        loop->heaps = h;
    }
    h->users++;
    if (fresh) {
        h->clock = clock;
        h->armed = UINT64_MAX; /* the loop may sleep, and has not looked here */
        clock_listen(clock, &h->listener);
    }
    pthread_mutex_unlock(&loop->timer_lock);
    return h;
}

void timer_init(struct timer *t, struct loop *loop, struct clock *clock, void (*fn)(void *opaque),
                void *opaque)
{
    *t = (struct timer){.loop = loop, .clock = clock, .fn = fn, .opaque = opaque};
    t->heap = timer_heap_get(loop, clock);
}

static bool timer_is_running(const struct loop *loop, const struct timer *t)
{
    for (const struct timer_frame *f = loop->running; f; f = f->outer)
        if (f->timer == t)
            return true;
    return false;
}

void timer_fini(struct timer *t)
{
    struct loop *loop = t->loop;
    struct timer_heap *h = t->heap;
    if (!h)
        return;
    bool mine = loop_is_mine(loop);
    pthread_mutex_lock(&loop->timer_lock);
    while (!mine && timer_is_running(loop, t))
        pthread_cond_wait(&loop->timer_finished, &loop->timer_lock);
    if (t->index)
        heap_remove(h, t);
    t->heap = NULL;
    if (!--h->users) {
        clock_unlisten(h->clock, &h->listener);
        h->clock = NULL;
    }
    pthread_mutex_unlock(&loop->timer_lock);
}

void timer_set(struct timer *t, u64 deadline_ns)
{
    struct loop *loop = t->loop;
    struct timer_heap *h = t->heap;
    pthread_mutex_lock(&loop->timer_lock);
    if (t->index)
        heap_remove(h, t);
    t->deadline = deadline_ns;
    heap_insert(h, t);
    bool earlier = t->index == 1 && deadline_ns < h->armed;
    pthread_mutex_unlock(&loop->timer_lock);
    if (earlier)
        loop_wake(loop);
}

void timer_del(struct timer *t)
{
    if (!t->heap)
        return;
    pthread_mutex_lock(&t->loop->timer_lock);
    if (t->index)
        heap_remove(t->heap, t);
    pthread_mutex_unlock(&t->loop->timer_lock);
}

u64 timer_deadline(const struct timer *t)
{
    pthread_mutex_lock(&t->loop->timer_lock);
    u64 deadline = t->index ? t->deadline : UINT64_MAX;
    pthread_mutex_unlock(&t->loop->timer_lock);
    return deadline;
}

bool timer_pending(const struct timer *t)
{
    pthread_mutex_lock(&t->loop->timer_lock);
    bool pending = t->index != 0;
    pthread_mutex_unlock(&t->loop->timer_lock);
    return pending;
}

void timer_restore(struct timer *t, u64 deadline_ns)
{
    if (deadline_ns == UINT64_MAX)
        timer_del(t);
    else
        timer_set(t, deadline_ns);
}

/* ---- The loop's side ---- */

void timers_init(struct loop *loop)
{
    pthread_mutex_init(&loop->timer_lock, NULL);
    pthread_cond_init(&loop->timer_finished, NULL);
}

void timers_fini(struct loop *loop)
{
    struct timer_heap *next;
    for (struct timer_heap *h = loop->heaps; h; h = next) {
        next = h->next;
        assert(!h->users); /* every timer_init has its timer_fini */
        free(h->timers);
        free(h);
    }
    loop->heaps = NULL;
    pthread_cond_destroy(&loop->timer_finished);
    pthread_mutex_destroy(&loop->timer_lock);
}

u64 timers_wait_ns(struct loop *loop)
{
    u64 wait = UINT64_MAX;
    pthread_mutex_lock(&loop->timer_lock);
    for (struct timer_heap *h = loop->heaps; h; h = h->next) {
        if (!h->clock)
            continue;
        h->armed = UINT64_MAX;
        if (h->count) {
            h->armed = h->timers[0]->deadline;
            wait = MIN(wait, clock_wait_ns(h->clock, h->armed));
        }
    }
    pthread_mutex_unlock(&loop->timer_lock);
    return wait;
}

/* Takes the next due timer of h out. Lock held; callbacks may have given h to another clock, or
 * stopped it. */
static struct timer *timer_take_due(struct timer_heap *h, const struct clock *clock, u64 now,
                                    bool running)
{
    if (h->clock != clock || !h->count || h->timers[0]->deadline > now ||
        clock_running(clock) != running)
        return NULL;
    struct timer *t = h->timers[0];
    heap_remove(h, t);
    return t;
}

static void timers_run_heap(struct loop *loop, struct timer_heap *h, bool running)
{
    const struct clock *clock = h->clock;
    u64 now = clock_now(clock);
    /* As many as there are now: one that sets itself into the past waits for the next turn. */
    for (u32 left = h->count; left; left--) {
        struct timer *t = timer_take_due(h, clock, now, running);
        if (!t)
            break;
        struct timer_frame frame = {t, loop->running};
        loop->running = &frame;
        pthread_mutex_unlock(&loop->timer_lock);
        t->fn(t->opaque); /* t may be gone afterwards */
        pthread_mutex_lock(&loop->timer_lock);
        loop->running = frame.outer;
        pthread_cond_broadcast(&loop->timer_finished);
    }
}

void timers_run(struct loop *loop)
{
    pthread_mutex_lock(&loop->timer_lock);
    for (struct timer_heap *h = loop->heaps; h; h = h->next) {
        h->armed = 0; /* awake: no one needs to wake us */
        if (h->clock && h->count)
            timers_run_heap(loop, h, true);
    }
    pthread_mutex_unlock(&loop->timer_lock);
}

void timers_settle(struct loop *loop, const struct clock *clock)
{
    assert(loop_is_mine(loop) && !clock_running(clock));
    pthread_mutex_lock(&loop->timer_lock);
    for (struct timer_heap *h = loop->heaps; h; h = h->next) {
        if (h->clock == clock)
            timers_run_heap(loop, h, false);
    }
    pthread_mutex_unlock(&loop->timer_lock);
}
