/*
 * loop_impl.h - the inside of a loop, for the files of src/loop/ alone.
 *
 * Locks, none held while a callback runs; of two, timer_lock is taken before a clock's lock:
 *   loop->lock         tasks, done work
 *   loop->timer_lock   all heaps of the loop and the timers in them
 *   workers.lock       queue and number of worker threads
 *   clock->lock        a clock's listeners and changes
 * Everything else belongs to the loop's thread.
 *
 * Sleep and wake: the loop exchanges `sleeping` to true, then looks for anything to do, then waits.
 * Who brings something to do makes it visible, then exchanges `sleeping` to false, and writes the
 * eventfd when it was true. The two exchanges are ordered: either the loop sees the work, or the
 * other sees the sleep.
 */
#ifndef LOOP_IMPL_H
#define LOOP_IMPL_H

#include <fcntl.h>
#include <pthread.h>
#include "base/epoch.h"
#include "base/log.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct loop_engine {
    const char *name;
    int (*create)(struct loop *loop, struct err *err);
    void (*destroy)(struct loop *loop);
    void (*watch_add)(struct loop *loop, struct loop_watch *w);
    void (*watch_modify)(struct loop *loop, struct loop_watch *w); /* w->events are the new ones */
    void (*watch_remove)(struct loop *loop, struct loop_watch *w);
    void (*io_submit)(struct loop *loop, struct loop_io *io);
    /* Submits what waits; waits until something is there or timeout_ns (UINT64_MAX: for ever) is
     * over. */
    void (*wait)(struct loop *loop, u64 timeout_ns);
    /* Calls back what wait found; must allow callbacks to turn the loop. */
    void (*dispatch)(struct loop *loop);
};
extern const struct loop_engine loop_engine_uring, loop_engine_poll;

struct clock_listener {
    struct clock_listener *next;
    struct loop *loop;
};

/* The timers of one clock: a binary heap, earliest first. */
struct timer_heap {
    struct timer_heap *next;
    struct clock *clock; /* NULL: unused, kept for another clock */
    struct clock_listener listener;
    u64 armed;      /* the deadline the loop sleeps for; 0 when it has not looked */
    unsigned users; /* timers that are initialised on it */
    u32 count, capacity;
    struct timer **timers;
};

/* A timer callback that runs; they nest when it turns the loop. */
struct timer_frame {
    struct timer *timer;
    struct timer_frame *outer;
};

struct loop_workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct loop_work *head, **tail;
    unsigned max, count, idle;
    bool stop;
    pthread_t *threads;
};

struct loop {
    const struct loop_engine *engine;
    void *engine_data;
    char *name;
    struct log *log;
    struct epoch *epoch;
    struct epoch_thread epoch_thread;
    _Atomic pthread_t owner;
    unsigned depth; /* nested turns */
    unsigned watches;
    _Atomic bool stop, sleeping;
    int wake_fd;
    struct loop_watch wake_watch;

    pthread_mutex_t lock;
    struct loop_task *tasks, **tasks_tail;
    unsigned task_count;
    struct loop_work *done, **done_tail;
    unsigned done_count;

    pthread_mutex_t timer_lock;
    pthread_cond_t timer_finished;
    struct timer_heap *heaps;
    struct timer_frame *running;

    struct loop_workers workers;
};

/* The loop looks again at what there is to do, now. Any thread. */
void loop_wake(struct loop *loop);
/* w is finished: done() will be called. Any thread. */
void loop_work_finished(struct loop *loop, struct loop_work *w);

/* File I/O that blocks, on a worker thread. */
void loop_io_work(struct loop *loop, struct loop_io *io);

static inline int loop_io_fallocate_mode(enum loop_io_kind kind)
{
    return (kind == LOOP_IO_DISCARD ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE) |
           FALLOC_FL_KEEP_SIZE;
}

void loop_workers_init(struct loop *loop, unsigned max);
/* Waits for all that is queued. */
void loop_workers_fini(struct loop *loop);

void clock_listen(struct clock *c, struct clock_listener *l);
void clock_unlisten(struct clock *c, struct clock_listener *l);
/* How long until deadline by the host's clock: 0 due, UINT64_MAX when the clock does not move by
 * itself. */
u64 clock_wait_ns(const struct clock *c, u64 deadline);

void timers_init(struct loop *loop);
void timers_fini(struct loop *loop);
/* Nanoseconds until the first timer is due; notes what the loop sleeps for. */
u64 timers_wait_ns(struct loop *loop);
void timers_run(struct loop *loop);

#endif
