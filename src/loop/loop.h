/*
 * loop.h - the event loop: one a thread.
 *
 * Everything is called back on the loop's thread (the one in loop_run): descriptors that are ready,
 * file I/O that is complete, tasks, timers (loop/timer.h), finished work. A callback may add and
 * remove anything, itself included.
 *
 * Only the loop's thread calls loop_watch_*, loop_io_submit (before loop_run: the thread that
 * created it). Any thread calls loop_post, loop_task_schedule, loop_work, loop_stop, timer_set,
 * timer_del.
 *
 * All requests are embedded in their owner. The owner may free a request once its last callback has
 * begun, or it was removed. Clocks outlive the timers on them, loops outlive all that is on them.
 *
 * Two engines behind one table of functions: io_uring (ring_uring.c), and poll(2) with worker
 * threads for files (ring_poll.c), chosen when the loop is created: where the host refuses
 * io_uring, poll, with a line in the log.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <sys/uio.h>
#include "base/base.h"
#include "base/err.h"

struct loop;
struct epoch;
struct log;

struct loop_config {
    const char *name;    /* for the log and the names of worker threads; NULL: "loop" */
    bool force_poll;     /* do not try io_uring */
    unsigned workers;    /* most worker threads; 0: 8 */
    struct log *log;     /* may be NULL */
    struct epoch *epoch; /* the loop's thread is a reader of it while it runs, offline while it
                            sleeps; may be NULL */
};

/* NULL and err on failure. config may be NULL. */
struct loop *must_check loop_create(const struct loop_config *config, struct err *err);
/* Nothing may be pending but tasks, which are run. Not on a running loop. */
void loop_destroy(struct loop *loop);
const char *loop_engine(const struct loop *loop); /* "io_uring" or "poll" */

/* Turns until loop_stop. A loop_stop that came before loop_run ends it at once. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* One turn: calls what is due; waits for something when wait is set (and may return without). For
 * draining (while (busy) loop_turn(l, true)) and for tests. May be called from a callback, for
 * which it is a quiescent point. */
void loop_turn(struct loop *loop, bool wait);
/* Is the calling thread the one that runs (or, when none does, created) the loop? */
bool loop_is_mine(const struct loop *loop);
/* Around a wait for another thread, which may itself wait for all readers of the epochs: a callback
 * that waits is none meanwhile, and holds no reference of an epoch's across it. Nothing happens on
 * other threads and outside of a turn. */
void loop_wait_begin(struct loop *loop);
void loop_wait_end(struct loop *loop);

/* ---- Blocking work on a worker thread ---- */
struct loop_work {
    void (*fn)(struct loop_work *w);   /* on a worker thread */
    void (*done)(struct loop_work *w); /* on the loop's thread, afterwards */
    void *opaque;
    struct loop *loop; /* from here on the loop's own */
    struct loop_work *next;
};
void loop_work(struct loop *loop, struct loop_work *w); /* any thread */

/* ---- Descriptors ---- */
enum loop_event {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    LOOP_HANGUP = 4, /* error or hang-up: reported always, together with all that was asked for, so
                        that read() and write() get to say more */
};
struct loop_watch {
    int fd;
    u32 events; /* enum loop_event bits asked for; 0: only LOOP_HANGUP */
    void (*fn)(struct loop_watch *w, u32 events);
    void *opaque;
    struct loop *loop; /* NULL while it is not added; from here on the loop's own */
    void *engine;
    u32 index;
};
/* Level-triggered: called again as long as the descriptor is ready (regular files always are, a
 * hang-up never ends: remove the watch). fd, events, fn and opaque are filled in by the caller, the
 * rest is zero. Fails (-errno) when fd is not open. */
int must_check loop_watch_add(struct loop *loop, struct loop_watch *w, struct err *err);
void loop_watch_modify(struct loop_watch *w, u32 events);
/* Before the fd is closed. Afterwards fn is not called. Harmless when it is not added. */
void loop_watch_remove(struct loop_watch *w);

/* ---- File I/O ---- */
enum loop_io_kind {
    LOOP_IO_READ,     /* preadv */
    LOOP_IO_WRITE,    /* pwritev */
    LOOP_IO_SYNC,     /* fsync */
    LOOP_IO_DATASYNC, /* fdatasync */
    LOOP_IO_DISCARD,  /* offset, length: punch a hole (reads as zeroes) */
    LOOP_IO_ZERO,     /* offset, length: zero, keeping blocks allocated */
};
struct loop_io {
    enum loop_io_kind kind;
    int fd;
    u64 offset, length;      /* length: DISCARD, ZERO */
    const struct iovec *iov; /* READ, WRITE; stays valid until done */
    unsigned iov_count;      /* at most IOV_MAX */
    /* result: bytes moved (may be fewer than asked), 0, or -errno */
    void (*done)(struct loop_io *io, s64 result);
    void *opaque;
    s64 result; /* from here on the loop's own */
    struct loop_work work;
};
/* done is called later, never from within. Submissions of one turn go to the host together; they
 * complete in any order, and a SYNC covers only what was complete when it was submitted. */
void loop_io_submit(struct loop *loop, struct loop_io *io);

/* ---- Tasks: call me on the loop's thread ---- */
/* Any thread. Order is kept between posts of one thread. Allocates. */
void loop_post(struct loop *loop, void (*fn)(void *opaque), void *opaque);

/* A task that is owned and scheduled again and again: scheduling it twice before it runs runs it
 * once. */
struct loop_task {
    void (*fn)(void *opaque);
    void *opaque;
    struct loop *loop;
    struct loop_task *next; /* from here on the loop's own */
    bool queued, posted;
};
void loop_task_init(struct loop_task *t, struct loop *loop, void (*fn)(void *opaque), void *opaque);
void loop_task_schedule(struct loop_task *t); /* any thread */
/* Loop's thread: not queued any more. */
void loop_task_cancel(struct loop_task *t);

#endif
