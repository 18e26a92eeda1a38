/*
 * char.c - the common part of character backends: kinds by name, input to the front, buffered
 * output.
 *
 * Output: a write goes to the descriptor at once when nothing waits; what is not taken goes into
 * the ring, which the loop empties when the descriptor is writable. Locking: c->lock guards ring
 * and out_fd; watches belong to the loop's thread.
 */
#include "backend/char/char.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/host.h"

static const struct chardev_kind *const kinds[] = {
    &chardev_file, &chardev_null, &chardev_pipe, &chardev_pty, &chardev_socket, &chardev_stdio,
};

enum { WAIT_MS = 100 }; /* for a peer that does not read */

static const struct option no_options[] = {OPTION_LAST};
static const struct option common_options[] = {
    OPTION_STRING("id", struct chardev, id, NULL, "name of this backend"),
    OPTION_STRING("logfile", struct chardev, logfile, NULL, "file that gets a copy of the output"),
    OPTION_LAST,
};

/* ---- Input ----------------------------------------------------------------------------------- */

size_t chardev_room(struct chardev *c)
{
    return c->attached ? c->front.room(c->front.opaque) : 0;
}

void chardev_deliver(struct chardev *c, const u8 *data, size_t n)
{
    if (c->attached && n)
        c->front.receive(c->front.opaque, data, n);
}

void chardev_send_event(struct chardev *c, enum chardev_event event)
{
    if (event == CHARDEV_OPENED)
        c->opened = true;
    if (event == CHARDEV_CLOSED)
        c->opened = false;
    if (c->attached && c->front.event)
        c->front.event(c->front.opaque, event);
}

void chardev_send_writable(struct chardev *c)
{
    if (c->attached && c->front.writable)
        c->front.writable(c->front.opaque);
}

bool chardev_connected(const struct chardev *c)
{
    return c->kind->write || c->in_fd >= 0 || c->out_fd >= 0 || c->promised;
}

static void input_hangup(struct chardev *c)
{
    loop_watch_remove(&c->in_watch);
    if (c->kind->hangup)
        c->kind->hangup(c);
    else
        chardev_send_event(c, CHARDEV_CLOSED);
}

/* The front has no room and is not asked again until it says so (chardev_ready). A peer that goes
 * is heard of at once, unless it left something: then the front gets that first. */
static void input_full(struct chardev *c, u32 events)
{
    int unread = 0;
    if (!(events & LOOP_HANGUP))
        loop_watch_modify(&c->in_watch, 0);
    else if (ioctl(c->in_fd, FIONREAD, &unread) || unread)
        loop_watch_remove(&c->in_watch);
    else
        input_hangup(c);
}

static void input_ready(struct loop_watch *w, u32 events)
{
    struct chardev *c = w->opaque;
    u8 data[4096];
    size_t room = chardev_room(c);
    if (!room) {
        input_full(c, events);
        return;
    }
    ssize_t n = read(c->in_fd, data, MIN(room, sizeof(data)));
    if (n > 0)
        chardev_deliver(c, data, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR) || events & LOOP_HANGUP)
        input_hangup(c);
}

static int watch_input(struct chardev *c, struct err *err)
{
    if (c->in_fd < 0 || !c->attached)
        return 0;
    if (c->in_watch.loop) {
        loop_watch_modify(&c->in_watch, LOOP_READ);
        return 0;
    }
    c->in_watch =
        (struct loop_watch){.fd = c->in_fd, .events = LOOP_READ, .fn = input_ready, .opaque = c};
    return loop_watch_add(c->loop, &c->in_watch, err);
}

static void ready_task(void *opaque)
{
    struct chardev *c = opaque;
    if (c->kind->ready)
        c->kind->ready(c);
    else if (chardev_room(c))
        (void)!watch_input(c, NULL);
}

void chardev_ready(struct chardev *c)
{
    loop_task_schedule(&c->ready);
}

/* ---- Output ---------------------------------------------------------------------------------- */

/* Lock held: what the host takes of the ring. */
static void flush_ring(struct chardev *c)
{
    while (c->used && c->out_fd >= 0) {
        size_t n = MIN(c->used, CHARDEV_BUFFER - c->head);
        ssize_t done = write(c->out_fd, c->buffer + c->head, n);
        if (done < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (done < 0)
            done = (ssize_t)n; /* the peer is gone: its output is dropped */
        c->head = (c->head + (size_t)done) % CHARDEV_BUFFER;
        c->used -= (size_t)done;
        c->stalled = false;
    }
}

/* Lock held: was the front told to wait, and is there room again? */
static bool take_blocked(struct chardev *c)
{
    bool was = c->blocked && c->used <= CHARDEV_BUFFER / 2;
    c->blocked = c->blocked && !was;
    return was;
}

static void output_ready(struct loop_watch *w, u32 events)
{
    struct chardev *c = w->opaque;
    (void)events;
    pthread_mutex_lock(&c->lock);
    flush_ring(c);
    bool empty = !c->used, writable = take_blocked(c);
    pthread_mutex_unlock(&c->lock);
    if (empty)
        loop_watch_remove(w);
    if (writable)
        chardev_send_writable(c);
}

static void arm_output(void *opaque)
{
    struct chardev *c = opaque;
    if (c->out_fd < 0 || c->out_watch.loop)
        return;
    c->out_watch =
        (struct loop_watch){.fd = c->out_fd, .events = LOOP_WRITE, .fn = output_ready, .opaque = c};
    if (loop_watch_add(c->loop, &c->out_watch, NULL)) {
        /* A regular file: always ready. */
        pthread_mutex_lock(&c->lock);
        flush_ring(c);
        bool writable = take_blocked(c);
        pthread_mutex_unlock(&c->lock);
        if (writable)
            chardev_send_writable(c);
    }
}

/* Lock held: puts into the ring what fits. */
static size_t ring_put(struct chardev *c, const u8 *data, size_t n)
{
    size_t done = 0;
    if (!c->buffer)
        c->buffer = malloc(CHARDEV_BUFFER);
    while (c->buffer && done < n && c->used < CHARDEV_BUFFER) {
        size_t tail = (c->head + c->used) % CHARDEV_BUFFER;
        size_t run = MIN(MIN(n - done, CHARDEV_BUFFER - c->used), CHARDEV_BUFFER - tail);
        memcpy(c->buffer + tail, data + done, run);
        c->used += run;
        done += run;
    }
    return done;
}

/* Lock held, bytes wait: lets the peer take some for a little while; false when it takes none. Not
 * by the loop, whose thread may wait for the caller's device. */
static bool wait_progress(struct chardev *c)
{
    struct pollfd p = {.fd = c->out_fd, .events = POLLOUT};
    size_t before = c->used;
    if (!c->stalled && poll(&p, 1, WAIT_MS) > 0)
        flush_ring(c);
    c->stalled = c->used == before;
    return !c->stalled;
}

/* Lock held: what descriptor and ring take at once. */
static size_t put(struct chardev *c, const u8 *data, size_t n)
{
    ssize_t done = c->used ? 0 : write(c->out_fd, data, n);
    if (done < 0 && errno != EAGAIN && errno != EINTR)
        return n; /* the peer is gone */
    size_t taken = (size_t)MAX(done, 0);
    if (taken < n) {
        taken += ring_put(c, data + taken, n - taken);
        loop_task_schedule(&c->arm);
    }
    return taken;
}

static size_t write_fd(struct chardev *c, const u8 *data, size_t n)
{
    pthread_mutex_lock(&c->lock);
    /* Nobody listens: as a serial line without a cable. */
    size_t done = c->out_fd < 0 ? n : put(c, data, n);
    while (done < n && wait_progress(c))
        done += put(c, data + done, n - done);
    c->dropped += n - done;
    pthread_mutex_unlock(&c->lock);
    return done;
}

static size_t offer_fd(struct chardev *c, const u8 *data, size_t n)
{
    pthread_mutex_lock(&c->lock);
    size_t done = c->out_fd < 0 ? n : put(c, data, n);
    if (done < n)
        c->blocked = true;
    pthread_mutex_unlock(&c->lock);
    return done;
}

static void copy_to_log(struct chardev *c, const void *data, size_t n)
{
    if (c->log_fd >= 0 && write(c->log_fd, data, n) < 0)
        c->dropped++;
}

size_t chardev_write(struct chardev *c, const void *data, size_t n)
{
    copy_to_log(c, data, n);
    return c->kind->write ? c->kind->write(c, data, n) : write_fd(c, data, n);
}

size_t chardev_offer(struct chardev *c, const void *data, size_t n)
{
    size_t done = c->kind->offer   ? c->kind->offer(c, data, n)
                  : c->kind->write ? c->kind->write(c, data, n)
                                   : offer_fd(c, data, n);
    copy_to_log(c, data, done);
    return done;
}

int chardev_printf(struct chardev *c, const char *fmt, ...)
{
    char small[512], *text = small;
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof(small)) {
        text = malloc((size_t)n + 1);
        if (text)
            vsnprintf(text, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (n > 0 && text)
        chardev_write(c, text, (size_t)n);
    if (text != small)
        free(text);
    return n;
}

/* ---- Life ------------------------------------------------------------------------------------ */

int chardev_set_fds(struct chardev *c, int in_fd, int out_fd, struct err *err)
{
    loop_watch_remove(&c->in_watch);
    loop_watch_remove(&c->out_watch);
    pthread_mutex_lock(&c->lock);
    c->in_fd = in_fd;
    c->out_fd = out_fd;
    c->head = c->used = 0;
    c->stalled = false;
    bool writable = take_blocked(c);
    pthread_mutex_unlock(&c->lock);
    if (writable)
        chardev_send_writable(c);
    return watch_input(c, err);
}

struct chardev *chardev_new(struct loop *loop, const struct chardev_kind *kind)
{
    struct chardev *c = calloc(1, kind->size);
    if (!c)
        return NULL;
    c->kind = kind;
    c->loop = loop;
    c->in_fd = c->out_fd = c->log_fd = -1;
    pthread_mutex_init(&c->lock, NULL);
    loop_task_init(&c->arm, loop, arm_output, c);
    loop_task_init(&c->ready, loop, ready_task, c);
    return c;
}

static const struct chardev_kind *find_kind(const char *name, struct err *err)
{
    const char *names[ARRAY_SIZE(kinds) + 1] = {0};
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(kinds[i]->name, name))
            return kinds[i];
        names[i] = kinds[i]->name;
    }
    err_set(err, EINVAL, "-chardev %s: no such kind of backend (-chardev help lists them)", name);
    err_suggest(err, name, names);
    return NULL;
}

int chardev_help(const char *name, FILE *out, struct err *err)
{
    const struct chardev_kind *kind = name ? find_kind(name, err) : NULL;
    if (name && !kind)
        return -EINVAL;
    if (kind) {
        option_help(common_options, out);
        option_help(kind->options ? kind->options : no_options, out);
        return 0;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        fprintf(out, "%-8s %s\n", kinds[i]->name, kinds[i]->help);
    return 0;
}

static int apply_options(struct chardev *c, struct option_list *list, struct err *err)
{
    const struct option *tables[] = {common_options, c->kind->options, NULL};
    int r = option_defaults(common_options, c, err);
    if (!r && c->kind->options)
        r = option_defaults(c->kind->options, c, err);
    if (!r)
        r = option_apply(list, common_options, c, err);
    if (!r && c->kind->options)
        r = option_apply(list, c->kind->options, c, err);
    return r ? r : option_done(list, tables, err);
}

static int check_log(struct chardev *c, struct err *err)
{
    return c->logfile ? host_output_check("-chardev logfile=", c->logfile, err) : 0;
}

static int open_log(struct chardev *c, struct err *err)
{
    if (!c->logfile)
        return 0;
    c->log_fd = open(c->logfile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return c->log_fd < 0 ? err_set_errno(err, errno, "-chardev logfile=%s", c->logfile) : 0;
}

struct chardev *chardev_open(struct loop *loop, struct option_list *list, struct err *err)
{
    char *name = option_take(list, "backend");
    if (!name) {
        err_set(err, EINVAL,
                "-chardev: the kind of backend is missing, as in -chardev stdio,id=serial0");
        return NULL;
    }
    const struct chardev_kind *kind = find_kind(name, err);
    free(name);
    struct chardev *c = kind ? chardev_new(loop, kind) : NULL;
    if (!c)
        return NULL;
    if (apply_options(c, list, err) || check_log(c, err) || (kind->open && kind->open(c, err))) {
        c->opened = false;
        chardev_close(c);
        return NULL;
    }
    return c;
}

int chardev_start(struct chardev *c, struct err *err)
{
    c->opened = false;
    int r = open_log(c, err);
    if (!r && c->kind->start)
        r = c->kind->start(c, err);
    c->promised = false;
    r = r ? r : watch_input(c, err);
    if (!r && !c->kind->write && !c->opened && chardev_connected(c))
        chardev_send_event(c, CHARDEV_OPENED);
    return r;
}

void chardev_close(struct chardev *c)
{
    if (!c)
        return;
    loop_watch_remove(&c->in_watch);
    loop_watch_remove(&c->out_watch);
    loop_task_cancel(&c->arm);
    loop_task_cancel(&c->ready);
    pthread_mutex_lock(&c->lock);
    flush_ring(c);
    while (c->used && c->out_fd >= 0 && wait_progress(c))
        ;
    pthread_mutex_unlock(&c->lock);
    if (c->kind->close)
        c->kind->close(c);
    if (c->kind->options)
        option_free(c->kind->options, c);
    option_free(common_options, c);
    if (c->log_fd >= 0)
        close(c->log_fd);
    pthread_mutex_destroy(&c->lock);
    free(c->buffer);
    free(c);
}

int chardev_attach(struct chardev *c, const struct chardev_front *front, struct err *err)
{
    if (front && c->attached)
        return err_set(err, EBUSY, "chardev %s is in use already", c->id ? c->id : c->kind->name);
    loop_watch_remove(&c->in_watch);
    c->attached = front != NULL;
    if (front)
        c->front = *front;
    if (c->kind->attached)
        c->kind->attached(c, front != NULL);
    return front ? watch_input(c, err) : 0;
}
