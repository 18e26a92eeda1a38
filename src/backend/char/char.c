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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const struct chardev_kind *const kinds[] = {
    &chardev_file, &chardev_null, &chardev_pipe, &chardev_pty, &chardev_socket, &chardev_stdio,
};

static const struct option common_options[] = {
    OPTION_STRING("id", struct chardev, id, NULL, "name of this backend"),
    OPTION_STRING("logfile", struct chardev, logfile, NULL, "file that gets a copy of the output"),
    OPTION_LAST,
};

void chardev_help(FILE *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        fprintf(out, "%-8s %s\n", kinds[i]->name, kinds[i]->help);
}

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

static void input_hangup(struct chardev *c)
{
    loop_watch_remove(&c->in_watch);
    if (c->kind->hangup)
        c->kind->hangup(c);
    else
        chardev_send_event(c, CHARDEV_CLOSED);
}

static void input_ready(struct loop_watch *w, u32 events)
{
    struct chardev *c = w->opaque;
    u8 data[4096];
    size_t room = chardev_room(c);
    if (!room) {
        /* Not asked again until the front says so (chardev_ready); a hang-up is seen then. */
        loop_watch_remove(w);
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
    if (c->in_fd < 0 || c->in_watch.loop || !c->attached)
        return 0;
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
        pthread_cond_broadcast(&c->drained);
    }
}

static void output_ready(struct loop_watch *w, u32 events)
{
    struct chardev *c = w->opaque;
    (void)events;
    pthread_mutex_lock(&c->lock);
    flush_ring(c);
    bool empty = !c->used;
    pthread_mutex_unlock(&c->lock);
    if (empty)
        loop_watch_remove(w);
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
        pthread_mutex_unlock(&c->lock);
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

/* Lock held: waits a little for room; false when there is none in time. */
static bool wait_room(struct chardev *c)
{
    struct timespec until;
    if (loop_is_mine(c->loop))
        return false;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100 * 1000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (c->used == CHARDEV_BUFFER) {
        if (pthread_cond_timedwait(&c->drained, &c->lock, &until))
            return false;
    }
    return true;
}

static size_t write_fd(struct chardev *c, const u8 *data, size_t n)
{
    size_t done = 0;
    pthread_mutex_lock(&c->lock);
    if (c->out_fd < 0) {
        pthread_mutex_unlock(&c->lock);
        return n; /* nobody listens: as a serial line without a cable */
    }
    if (!c->used) {
        ssize_t r = write(c->out_fd, data, n);
        done = r > 0 ? (size_t)r : 0;
    }
    while (done < n) {
        done += ring_put(c, data + done, n - done);
        loop_task_schedule(&c->arm);
        if (done < n && !wait_room(c)) {
            c->dropped += n - done;
            break;
        }
    }
    pthread_mutex_unlock(&c->lock);
    return done;
}

size_t chardev_write(struct chardev *c, const void *data, size_t n)
{
    if (c->log_fd >= 0 && write(c->log_fd, data, n) < 0)
        c->dropped++;
    return c->kind->write ? c->kind->write(c, data, n) : write_fd(c, data, n);
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
    pthread_cond_broadcast(&c->drained);
    pthread_mutex_unlock(&c->lock);
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
    pthread_cond_init(&c->drained, NULL);
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
    if (apply_options(c, list, err) || open_log(c, err) || (kind->open && kind->open(c, err))) {
        c->opened = false;
        chardev_close(c);
        return NULL;
    }
    return c;
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
    pthread_mutex_unlock(&c->lock);
    if (c->kind->close)
        c->kind->close(c);
    if (c->kind->options)
        option_free(c->kind->options, c);
    option_free(common_options, c);
    if (c->log_fd >= 0)
        close(c->log_fd);
    pthread_cond_destroy(&c->drained);
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
