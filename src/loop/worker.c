/*
 * worker.c - threads for what blocks: loop_work, and file I/O of the poll engine.
 *
 * Threads are started when work comes and none is idle, up to the loop's limit, and stay until the
 * loop goes. The workers' lock guards the queue; fn runs without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/host.h"
#include "loop/loop_impl.h"

static struct loop_work *workers_take(struct loop_workers *p)
{
    struct loop_work *w = p->head;
    p->head = w->next;
    if (!p->head)
        p->tail = &p->head;
    return w;
}

static void *worker_main(void *arg)
{
    struct loop *loop = arg;
    struct loop_workers *p = &loop->workers;
    host_thread_name(loop->name);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        if (p->head) {
            struct loop_work *w = workers_take(p);
            pthread_mutex_unlock(&p->lock);
            w->fn(w);
            loop_work_finished(loop, w);
            pthread_mutex_lock(&p->lock);
        } else if (p->stop) {
            break;
        } else {
            p->idle++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->idle--;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* One more thread, signals blocked: they are the main thread's. Lock held. */
static void workers_start_one(struct loop *loop)
{
    struct loop_workers *p = &loop->workers;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (!pthread_create(&p->threads[p->count], NULL, worker_main, loop))
        p->count++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void loop_work(struct loop *loop, struct loop_work *w)
{
    struct loop_workers *p = &loop->workers;
    w->loop = loop;
    w->next = NULL;
    pthread_mutex_lock(&p->lock);
    *p->tail = w;
    p->tail = &w->next;
    if (!p->idle && p->count < p->max)
        workers_start_one(loop);
    bool none = !p->count; /* the host gives us no thread at all: do it here */
    if (none)
        workers_take(p);
    else
        pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (none) {
        w->fn(w);
        loop_work_finished(loop, w);
    }
}

void loop_workers_init(struct loop *loop, unsigned max)
{
    struct loop_workers *p = &loop->workers;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->tail = &p->head;
    p->max = max;
    p->threads = alloc_zero(max * sizeof(*p->threads));
}

void loop_workers_fini(struct loop *loop)
{
    struct loop_workers *p = &loop->workers;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
    free(p->threads);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
}

/* ---- File I/O that blocks ---- */

static s64 loop_io_perform(const struct loop_io *io)
{
    s64 n;
    do {
        switch (io->kind) {
        case LOOP_IO_READ:
            n = preadv(io->fd, io->iov, (int)io->iov_count, (off_t)io->offset);
            break;
        case LOOP_IO_WRITE:
            n = pwritev(io->fd, io->iov, (int)io->iov_count, (off_t)io->offset);
            break;
        case LOOP_IO_SYNC: n = fsync(io->fd); break;
        case LOOP_IO_DATASYNC: n = fdatasync(io->fd); break;
        default:
            n = fallocate(io->fd, loop_io_fallocate_mode(io->kind), (off_t)io->offset,
                          (off_t)io->length);
        }
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static void loop_io_work_fn(struct loop_work *w)
{
    struct loop_io *io = w->opaque;
    io->result = loop_io_perform(io);
}

static void loop_io_work_done(struct loop_work *w)
{
    struct loop_io *io = w->opaque;
    io->done(io, io->result);
}

void loop_io_work(struct loop *loop, struct loop_io *io)
{
    io->work = (struct loop_work){.fn = loop_io_work_fn, .done = loop_io_work_done, .opaque = io};
    loop_work(loop, &io->work);
}
