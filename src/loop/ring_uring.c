/*
 * ring_uring.c - the io_uring engine.
 *
 * Requests collect in lists and become submissions in wait(), so that all of a turn, and the wait
 * itself, are one system call. Each watch has a struct uring_watch that outlives it while the
 * kernel holds a poll on it:
 *
 *              update: arm                 completion
 *    IDLE ------------------> ARMED ---------------------> IDLE (callback; updated again:
 * level-triggered) | owner gone              | owner gone, or other events wanted v v freed
 * CANCELLING --------------------> IDLE
 *
 * A uring_watch whose wanted state may differ from its state is on the dirty list, and only there
 * is it freed: in wait(), never under a callback. The low bits of user_data say what a completion
 * is about. All of it belongs to the loop's thread.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/alloc.h"
#include "loop/loop_impl.h"

#define URING_ENTRIES     256
#define URING_COMPLETIONS 4096

enum uring_tag { URING_WATCH, URING_IO, URING_IGNORED, URING_TAG_MASK = 7 };

struct uring_watch {
    struct loop_watch *owner; /* NULL: removed */
    struct uring_watch *next_dirty;
    int fd;
    u32 events; /* that are armed */
    bool armed, cancelling, dirty;
};

struct uring_engine {
    struct io_uring ring;
    struct uring_watch *dirty;
    struct loop_work *ios, **ios_tail; /* not yet submitted */
    unsigned armed;                    /* watches the kernel holds */
};

/* ---- Set-up ---- */

static const int uring_needs[] = {IORING_OP_READV,    IORING_OP_WRITEV,      IORING_OP_FSYNC,
                                  IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE, IORING_OP_FALLOCATE,
                                  IORING_OP_TIMEOUT};

static bool uring_has_all(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool all = probe && (ring->features & IORING_FEAT_NODROP);
    for (size_t i = 0; all && i < ARRAY_SIZE(uring_needs); i++)
        all = io_uring_opcode_supported(probe, uring_needs[i]);
    io_uring_free_probe(probe);
    return all;
}

/* The ring does these operations and no others, for ever: it would be a way around the process's confinement, which
 * filters system calls (base/host_confine.c). Rings begin disabled for this. liburing declares both calls and lacks them. */
static int uring_restrict(struct io_uring *ring)
{
    struct io_uring_restriction rules[ARRAY_SIZE(uring_needs) + 1] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(uring_needs); i++)
        rules[i] = (struct io_uring_restriction){.opcode = IORING_RESTRICTION_SQE_OP,
                                                 .sqe_op = (u8)uring_needs[i]};
    rules[ARRAY_SIZE(uring_needs)].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
    if (syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_RESTRICTIONS, rules,
                ARRAY_SIZE(rules)) ||
        syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
        return -errno;
    return 0;
}

static int uring_create(struct loop *loop, struct err *err)
{
    struct uring_engine *u = alloc_zero(sizeof(*u));
    struct io_uring_params params = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED,
        .cq_entries = URING_COMPLETIONS};
    int ret = io_uring_queue_init_params(URING_ENTRIES, &u->ring, &params);
    if (!ret) {
        ret = uring_has_all(&u->ring) ? uring_restrict(&u->ring) : -EOPNOTSUPP;
        if (ret)
            io_uring_queue_exit(&u->ring);
    }
    if (ret) {
        free(u);
        return err_set_errno(err, -ret, "the host refuses io_uring");
    }
    u->ios_tail = &u->ios;
    loop->engine_data = u;
    return 0;
}

/* ---- Watches ---- */

static void uring_mark(struct uring_engine *u, struct uring_watch *uw)
{
    if (uw->dirty)
        return;
    uw->dirty = true;
    uw->next_dirty = u->dirty;
    u->dirty = uw;
}

static void uring_watch_add(struct loop *loop, struct loop_watch *w)
{
    struct uring_watch *uw = alloc_zero(sizeof(*uw));
    uw->owner = w;
    uw->fd = w->fd;
    w->engine = uw;
    uring_mark(loop->engine_data, uw);
}

static void uring_watch_modify(struct loop *loop, struct loop_watch *w)
{
    uring_mark(loop->engine_data, w->engine);
}

static void uring_watch_remove(struct loop *loop, struct loop_watch *w)
{
    struct uring_watch *uw = w->engine;
    uw->owner = NULL;
    w->engine = NULL;
    uring_mark(loop->engine_data, uw);
}

/* ---- Submission ---- */

static struct io_uring_sqe *uring_sqe(struct uring_engine *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    if (!sqe && io_uring_submit(&u->ring) >= 0)
        sqe = io_uring_get_sqe(&u->ring);
    return sqe; /* NULL: the completions must be seen first */
}

static u64 uring_user_data(const void *p, enum uring_tag tag)
{
    return (uintptr_t)p | tag;
}

static unsigned uring_poll_mask(u32 events)
{
    return (events & LOOP_READ ? POLLIN : 0) | (events & LOOP_WRITE ? POLLOUT : 0);
}

/* Brings uw to what its owner wants. False: no room to submit. */
static bool uring_watch_update(struct uring_engine *u, struct uring_watch *uw)
{
    struct loop_watch *w = uw->owner;
    bool arm = w && !uw->armed;
    bool cancel = uw->armed && !uw->cancelling && (!w || w->events != uw->events);
    struct io_uring_sqe *sqe = arm || cancel ? uring_sqe(u) : NULL;
    if ((arm || cancel) && !sqe)
        return false;
    if (arm) {
        io_uring_prep_poll_add(sqe, uw->fd, uring_poll_mask(w->events));
        sqe->user_data = uring_user_data(uw, URING_WATCH);
        uw->armed = true;
        uw->events = w->events;
        u->armed++;
    } else if (cancel) {
        io_uring_prep_poll_remove(sqe, uring_user_data(uw, URING_WATCH));
        sqe->user_data = URING_IGNORED;
        uw->cancelling = true;
    }
    return true;
}

static void uring_update_dirty(struct uring_engine *u)
{
    while (u->dirty) {
        struct uring_watch *uw = u->dirty;
        if (!uring_watch_update(u, uw))
            return;
        u->dirty = uw->next_dirty;
        uw->dirty = false;
        if (!uw->owner && !uw->armed)
            free(uw);
    }
}

static void uring_io_submit(struct loop *loop, struct loop_io *io)
{
    struct uring_engine *u = loop->engine_data;
    io->work = (struct loop_work){.opaque = io};
    *u->ios_tail = &io->work;
    u->ios_tail = &io->work.next;
}

static void uring_prepare_io(struct io_uring_sqe *sqe, const struct loop_io *io)
{
    switch (io->kind) {
    case LOOP_IO_READ: io_uring_prep_readv(sqe, io->fd, io->iov, io->iov_count, io->offset); break;
    case LOOP_IO_WRITE:
        io_uring_prep_writev(sqe, io->fd, io->iov, io->iov_count, io->offset);
        break;
    case LOOP_IO_SYNC: io_uring_prep_fsync(sqe, io->fd, 0); break;
    case LOOP_IO_DATASYNC: io_uring_prep_fsync(sqe, io->fd, IORING_FSYNC_DATASYNC); break;
    default:
        io_uring_prep_fallocate(sqe, io->fd, loop_io_fallocate_mode(io->kind), (off_t)io->offset,
                                (off_t)io->length);
    }
    sqe->user_data = uring_user_data(io, URING_IO);
}

static void uring_submit_ios(struct uring_engine *u)
{
    while (u->ios) {
        struct io_uring_sqe *sqe = uring_sqe(u);
        if (!sqe)
            return;
        struct loop_work *w = u->ios;
        u->ios = w->next;
        if (!u->ios)
            u->ios_tail = &u->ios;
        uring_prepare_io(sqe, w->opaque);
    }
}

static void uring_wait(struct loop *loop, u64 timeout_ns)
{
    struct uring_engine *u = loop->engine_data;
    uring_update_dirty(u);
    uring_submit_ios(u);
    if (u->dirty || u->ios || io_uring_cq_ready(&u->ring))
        timeout_ns = 0;
    struct io_uring_cqe *cqe;
    if (!timeout_ns) {
        io_uring_submit_and_get_events(&u->ring);
    } else if (timeout_ns == UINT64_MAX) {
        io_uring_submit_and_wait(&u->ring, 1);
    } else {
        struct __kernel_timespec ts = {.tv_sec = (s64)(timeout_ns / NS_PER_SECOND),
                                       .tv_nsec = (long long)(timeout_ns % NS_PER_SECOND)};
        io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
    }
}

/* ---- Completion ---- */

static void uring_watch_completed(struct uring_engine *u, struct uring_watch *uw, int res)
{
    uw->armed = uw->cancelling = false;
    u->armed--;
    uring_mark(u, uw); /* arm again, or free: at the next wait */
    struct loop_watch *w = uw->owner;
    if (!w || res == -ECANCELED)
        return;
    u32 events = 0;
    if (res < 0 || res & (POLLHUP | POLLERR | POLLNVAL))
        events = ~0u;
    else
        events = (res & POLLIN ? LOOP_READ : 0) | (res & POLLOUT ? LOOP_WRITE : 0);
    events &= w->events | LOOP_HANGUP;
    if (events)
        w->fn(w, events);
}

static void uring_completed(struct loop *loop, u64 user_data, int res)
{
    struct uring_engine *u = loop->engine_data;
    void *p = (void *)(uintptr_t)(user_data & ~(u64)URING_TAG_MASK);
    switch (user_data & URING_TAG_MASK) {
    case URING_WATCH: uring_watch_completed(u, p, res); break;
    case URING_IO: {
        struct loop_io *io = p;
        if (res == -EINTR)
            uring_io_submit(loop, io);
        else
            io->done(io, res);
        break;
    }
    default: break;
    }
}

static void uring_dispatch(struct loop *loop)
{
    struct uring_engine *u = loop->engine_data;
    struct io_uring_cqe *cqe;
    /* One at a time, seen before its callback: that may turn the loop. */
    for (unsigned left = io_uring_cq_ready(&u->ring); left; left--) {
        if (io_uring_peek_cqe(&u->ring, &cqe))
            break;
        u64 user_data = cqe->user_data;
        int res = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
        uring_completed(loop, user_data, res);
    }
}

static void uring_destroy(struct loop *loop)
{
    struct uring_engine *u = loop->engine_data;
    /* The polls of removed watches are cancelled and come back. */
    for (uring_update_dirty(u); u->armed; uring_update_dirty(u)) {
        io_uring_submit_and_wait(&u->ring, 1);
        uring_dispatch(loop);
    }
    io_uring_queue_exit(&u->ring);
    free(u);
}

const struct loop_engine loop_engine_uring = {
    .name = "io_uring",
    .create = uring_create,
    .destroy = uring_destroy,
    .watch_add = uring_watch_add,
    .watch_modify = uring_watch_modify,
    .watch_remove = uring_watch_remove,
    .io_submit = uring_io_submit,
    .wait = uring_wait,
    .dispatch = uring_dispatch,
};
