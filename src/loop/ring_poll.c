/*
 * ring_poll.c - the engine for hosts without io_uring: poll(2) for descriptors, worker threads for
 * files.
 *
 * Invariant between waits: fds[i] and watches[i] belong together, watches[i]->index == i. A watch
 * that is removed leaves a hole (fd -1), closed before the next poll, so that a dispatch under way
 * keeps its places; when a callback turns the loop, the places change: `round` tells the outer
 * dispatch to stop, and what is still ready is found by the next poll. All of it belongs to the
 * loop's thread.
 */
#include <poll.h>
#include "base/alloc.h"
#include "loop/loop_impl.h"

struct poll_engine {
    struct pollfd *fds;
    struct loop_watch **watches; /* NULL: a hole */
    u32 count, capacity;
    bool holes;
    u64 round;
};

static short poll_events(u32 events)
{
    return (short)((events & LOOP_READ ? POLLIN : 0) | (events & LOOP_WRITE ? POLLOUT : 0));
}

static int poll_create(struct loop *loop, struct err *err)
{
    loop->engine_data = alloc_zero(sizeof(struct poll_engine));
    return 0;
}

static void poll_destroy(struct loop *loop)
{
    struct poll_engine *p = loop->engine_data;
    free(p->fds);
    free(p->watches);
    free(p);
}

static void poll_watch_add(struct loop *loop, struct loop_watch *w)
{
    struct poll_engine *p = loop->engine_data;
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? 2 * p->capacity : 16;
        p->fds = alloc_resize(p->fds, p->capacity, sizeof(*p->fds));
        p->watches = alloc_resize(p->watches, p->capacity, sizeof(struct loop_watch *));
    }
    w->index = p->count++;
    p->fds[w->index] = (struct pollfd){.fd = w->fd, .events = poll_events(w->events)};
    p->watches[w->index] = w;
}

static void poll_watch_modify(struct loop *loop, struct loop_watch *w)
{
    struct poll_engine *p = loop->engine_data;
    p->fds[w->index].events = poll_events(w->events);
}

static void poll_watch_remove(struct loop *loop, struct loop_watch *w)
{
    struct poll_engine *p = loop->engine_data;
    p->fds[w->index] = (struct pollfd){.fd = -1};
    p->watches[w->index] = NULL;
    p->holes = true;
}

static void poll_close_holes(struct poll_engine *p)
{
    u32 to = 0;
    for (u32 i = 0; i < p->count; i++) {
        if (!p->watches[i])
            continue;
        p->fds[to] = p->fds[i];
        p->watches[to] = p->watches[i];
        p->watches[to]->index = to;
        to++;
    }
    p->count = to;
    p->holes = false;
}

static void poll_wait(struct loop *loop, u64 timeout_ns)
{
    struct poll_engine *p = loop->engine_data;
    if (p->holes)
        poll_close_holes(p);
    p->round++;
    struct timespec ts = {.tv_sec = (time_t)(timeout_ns / NS_PER_SECOND),
                          .tv_nsec = (long)(timeout_ns % NS_PER_SECOND)};
    if (ppoll(p->fds, p->count, timeout_ns == UINT64_MAX ? NULL : &ts, NULL) >= 0)
        return;
    for (u32 i = 0; i < p->count; i++) /* a signal: revents say nothing */
        p->fds[i].revents = 0;
}

static void poll_dispatch(struct loop *loop)
{
    struct poll_engine *p = loop->engine_data;
    u64 round = p->round;
    for (u32 i = 0, n = p->count; i < n && p->round == round; i++) {
        struct loop_watch *w = p->watches[i];
        short got = p->fds[i].revents;
        if (!w || !got)
            continue;
        u32 events = (got & POLLIN ? LOOP_READ : 0) | (got & POLLOUT ? LOOP_WRITE : 0);
        if (got & (POLLHUP | POLLERR | POLLNVAL))
            events = ~0u;
        events &= w->events | LOOP_HANGUP;
        if (events)
            w->fn(w, events);
    }
}

const struct loop_engine loop_engine_poll = {
    .name = "poll",
    .create = poll_create,
    .destroy = poll_destroy,
    .watch_add = poll_watch_add,
    .watch_modify = poll_watch_modify,
    .watch_remove = poll_watch_remove,
    .io_submit = loop_io_work,
    .wait = poll_wait,
    .dispatch = poll_dispatch,
};
