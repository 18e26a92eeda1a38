/*
 * loop.c - what both engines share: a turn, tasks, finished work, sleeping and waking, choosing the
 * engine.
 *
 * A turn: work out how long nothing is due, wait in the engine (offline for epochs), then call back
 * ready descriptors and file I/O, finished work, timers, tasks. Each kind runs at most what was
 * there when its part began, so none starves another. See loop_impl.h for locks and for how
 * sleepers are woken.
 */
#include "loop/loop.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/alloc.h"
#include "loop/loop_impl.h"

#define LOOP_WORKERS 8

/* ---- Sleep and wake ---- */

void loop_wake(struct loop *loop)
{
    if (!atomic_exchange(&loop->sleeping, false))
        return;
    ssize_t n;
    do
        n = write(loop->wake_fd, &(u64){1}, sizeof(u64));
    while (n < 0 && errno == EINTR);
}

static void loop_woken(struct loop_watch *w, u32 events)
{
    u64 count;
    (void)!read(w->fd, &count, sizeof(count)); /* only its being there matters */
}

/* ---- Tasks ---- */

void loop_task_init(struct loop_task *t, struct loop *loop, void (*fn)(void *opaque), void *opaque)
{
    *t = (struct loop_task){.fn = fn, .opaque = opaque, .loop = loop};
}

void loop_task_schedule(struct loop_task *t)
{
    struct loop *loop = t->loop;
    pthread_mutex_lock(&loop->lock);
    bool fresh = !t->queued;
    if (fresh) {
        t->queued = true;
        t->next = NULL;
        *loop->tasks_tail = t;
        loop->tasks_tail = &t->next;
        loop->task_count++;
    }
    pthread_mutex_unlock(&loop->lock);
    if (fresh)
        loop_wake(loop);
}

void loop_task_cancel(struct loop_task *t)
{
    struct loop *loop = t->loop;
    if (!loop)
        return;
    pthread_mutex_lock(&loop->lock);
    if (t->queued) {
        struct loop_task **link = &loop->tasks;
        while (*link != t)
            link = &(*link)->next;
        *link = t->next;
        if (!t->next)
            loop->tasks_tail = link;
        t->queued = false;
        loop->task_count--;
    }
    pthread_mutex_unlock(&loop->lock);
}

void loop_post(struct loop *loop, void (*fn)(void *opaque), void *opaque)
{
    struct loop_task *t = alloc_bytes(sizeof(*t));
    loop_task_init(t, loop, fn, opaque);
    t->posted = true;
    loop_task_schedule(t);
}

static struct loop_task *loop_take_task(struct loop *loop)
{
    struct loop_task *t = loop->tasks;
    if (!t)
        return NULL;
    loop->tasks = t->next;
    if (!loop->tasks)
        loop->tasks_tail = &loop->tasks;
    t->queued = false;
    loop->task_count--;
    return t;
}

static void loop_run_tasks(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    for (unsigned left = loop->task_count; left; left--) {
        struct loop_task *t = loop_take_task(loop);
        if (!t)
            break;
        pthread_mutex_unlock(&loop->lock);
        void (*fn)(void *) = t->fn; /* an owned task may be gone once fn begins */
        void *opaque = t->opaque;
        if (t->posted)
            free(t);
        fn(opaque);
        pthread_mutex_lock(&loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
}

/* ---- Finished work ---- */

void loop_work_finished(struct loop *loop, struct loop_work *w)
{
    w->next = NULL;
    pthread_mutex_lock(&loop->lock);
    *loop->done_tail = w;
    loop->done_tail = &w->next;
    loop->done_count++;
    pthread_mutex_unlock(&loop->lock);
    loop_wake(loop);
}

static void loop_run_done(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    for (unsigned left = loop->done_count; left && loop->done; left--) {
        struct loop_work *w = loop->done;
        loop->done = w->next;
        if (!loop->done)
            loop->done_tail = &loop->done;
        loop->done_count--;
        pthread_mutex_unlock(&loop->lock);
        if (w->done)
            w->done(w);
        pthread_mutex_lock(&loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
}

/* ---- Turning ---- */

/* How long the engine may wait. `sleeping` is set already: what comes later wakes us. */
static u64 loop_wait_ns(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool due = loop->tasks || loop->done;
    pthread_mutex_unlock(&loop->lock);
    if (due || atomic_load(&loop->stop))
        return 0;
    return timers_wait_ns(loop);
}

/* The calling thread is a reader of the epochs from the outermost turn on. */
static void loop_enter(struct loop *loop)
{
    if (loop->depth++)
        return;
    atomic_store(&loop->owner, pthread_self());
    if (loop->epoch) {
        epoch_register(loop->epoch, &loop->epoch_thread);
        epoch_online(loop->epoch, &loop->epoch_thread);
    }
}

static void loop_leave(struct loop *loop)
{
    if (!--loop->depth && loop->epoch)
        epoch_unregister(loop->epoch, &loop->epoch_thread);
}

static void loop_sleep(struct loop *loop, bool wait)
{
    u64 timeout = 0;
    if (wait) {
        atomic_exchange(&loop->sleeping, true);
        timeout = loop_wait_ns(loop);
    }
    if (loop->epoch) {
        epoch_offline(loop->epoch, &loop->epoch_thread);
        epoch_reclaim(loop->epoch);
    }
    loop->engine->wait(loop, timeout);
    if (loop->epoch)
        epoch_online(loop->epoch, &loop->epoch_thread);
    atomic_store(&loop->sleeping, false);
}

void loop_turn(struct loop *loop, bool wait)
{
    loop_enter(loop);
    loop_sleep(loop, wait);
    loop->engine->dispatch(loop);
    loop_run_done(loop);
    timers_run(loop);
    loop_run_tasks(loop);
    loop_leave(loop);
}

void loop_run(struct loop *loop)
{
    loop_enter(loop);
    while (!atomic_exchange(&loop->stop, false))
        loop_turn(loop, true);
    loop_leave(loop);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stop, true);
    loop_wake(loop);
}

bool loop_is_mine(const struct loop *loop)
{
    return pthread_equal(atomic_load(&loop->owner), pthread_self());
}

static bool loop_is_reader(const struct loop *loop)
{
    return loop->epoch && loop_is_mine(loop) && loop->depth;
}

void loop_wait_begin(struct loop *loop)
{
    if (loop_is_reader(loop))
        epoch_offline(loop->epoch, &loop->epoch_thread);
}

void loop_wait_end(struct loop *loop)
{
    if (loop_is_reader(loop))
        epoch_online(loop->epoch, &loop->epoch_thread);
}

/* ---- Descriptors, files ---- */

int loop_watch_add(struct loop *loop, struct loop_watch *w, struct err *err)
{
    if (fcntl(w->fd, F_GETFD) < 0)
        return err_set_errno(err, errno, "cannot watch descriptor %d", w->fd);
    assert(!w->loop);
    w->loop = loop;
    loop->watches++;
    loop->engine->watch_add(loop, w);
    return 0;
}

void loop_watch_modify(struct loop_watch *w, u32 events)
{
    if (w->events == events)
        return;
    w->events = events;
    if (w->loop)
        w->loop->engine->watch_modify(w->loop, w);
}

void loop_watch_remove(struct loop_watch *w)
{
    struct loop *loop = w->loop;
    if (!loop)
        return;
    loop->engine->watch_remove(loop, w);
    loop->watches--;
    w->loop = NULL;
}

void loop_io_submit(struct loop *loop, struct loop_io *io)
{
    loop->engine->io_submit(loop, io);
}

/* ---- Making one ---- */

const char *loop_engine(const struct loop *loop)
{
    return loop->engine->name;
}

/* io_uring where the host lets us, poll elsewhere. */
static int loop_choose_engine(struct loop *loop, bool force_poll, struct err *err)
{
    struct err why;
    loop->engine = &loop_engine_uring;
    if (!force_poll && !loop->engine->create(loop, &why))
        return 0;
    if (!force_poll && loop->log)
        log_write(loop->log, "guise: loop '%s': %s; using poll(2)\n", loop->name, why.text);
    loop->engine = &loop_engine_poll;
    return loop->engine->create(loop, err);
}

static void loop_free(struct loop *loop)
{
    loop_workers_fini(loop);
    timers_fini(loop);
    pthread_mutex_destroy(&loop->lock);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    free(loop->name);
    free(loop);
}

struct loop *loop_create(const struct loop_config *config, struct err *err)
{
    static const struct loop_config plain;
    config = config ? config : &plain;
    struct loop *loop = alloc_zero(sizeof(*loop));
    loop->name = alloc_string(config->name ? config->name : "loop");
    loop->log = config->log;
    loop->epoch = config->epoch;
    atomic_init(&loop->owner, pthread_self());
    pthread_mutex_init(&loop->lock, NULL);
    loop->tasks_tail = &loop->tasks;
    loop->done_tail = &loop->done;
    timers_init(loop);
    loop_workers_init(loop, config->workers ? config->workers : LOOP_WORKERS);

    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int ret = loop->wake_fd < 0 ? err_set_errno(err, errno, "cannot create an eventfd")
                                : loop_choose_engine(loop, config->force_poll, err);
    if (ret) {
        loop_free(loop);
        return NULL;
    }
    loop->wake_watch =
        (struct loop_watch){.fd = loop->wake_fd, .events = LOOP_READ, .fn = loop_woken};
    loop->wake_watch.loop = loop;
    loop->engine->watch_add(loop, &loop->wake_watch);
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop->depth);
    atomic_store(&loop->owner, pthread_self());
    while (loop->tasks || loop->done) {
        loop_run_done(loop);
        loop_run_tasks(loop);
    }
    assert(!loop->watches); /* every loop_watch_add has its loop_watch_remove */
    loop->engine->watch_remove(loop, &loop->wake_watch);
    loop->engine->destroy(loop);
    loop_free(loop);
}
