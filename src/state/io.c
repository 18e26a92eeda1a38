/*
 * io.c - where the bytes of a stream come from and go to: a descriptor, or memory.
 *
 * One thread each.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "state/state_impl.h"

#define STATE_FD_BUFFER (256 * KiB)

static int fd_write_all(struct state_fd *f, const u8 *p, size_t n, struct err *err)
{
    while (n) {
        ssize_t done = write(f->fd, p, n);
        if (done < 0 && errno != EINTR)
            return err_set_errno(err, errno, "cannot write the state");
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

int state_fd_flush(struct state_fd *f, struct err *err)
{
    size_t n = f->used;
    f->used = 0;
    return fd_write_all(f, f->buf, n, err);
}

static int state_fd_write(struct state_io *io, const void *p, size_t n, struct err *err)
{
    struct state_fd *f = container_of(io, struct state_fd, io);
    if (f->used + n > STATE_FD_BUFFER) {
        int ret = state_fd_flush(f, err);
        if (ret)
            return ret;
    }
    if (n >= STATE_FD_BUFFER)
        return fd_write_all(f, p, n, err);
    memcpy(f->buf + f->used, p, n);
    f->used += n;
    return 0;
}

/* Up to n bytes; 0 at the end, or -errno. */
static ssize_t fd_read_some(int fd, void *p, size_t n)
{
    ssize_t got;
    do
        got = read(fd, p, n);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* Reading uses buf[used..have). */
static int state_fd_read(struct state_io *io, void *ptr, size_t n, struct err *err)
{
    struct state_fd *f = container_of(io, struct state_fd, io);
    for (u8 *p = ptr; n;) {
        size_t take = MIN(n, f->have - f->used);
        memcpy(p, f->buf + f->used, take);
        f->used += take;
        p += take;
        n -= take;
        if (!n)
            break;
        bool direct = n >= STATE_FD_BUFFER;
        ssize_t got = fd_read_some(f->fd, direct ? p : f->buf, direct ? n : STATE_FD_BUFFER);
        if (got < 0)
            return err_set_errno(err, (int)-got, "cannot read the state");
        if (!got)
            return err_set(err, ENODATA, "the state ends too early");
        f->used = 0;
        f->have = direct ? 0 : (size_t)got;
        p += direct ? got : 0;
        n -= direct ? (size_t)got : 0;
    }
    return 0;
}

void state_fd_init(struct state_fd *f, int fd)
{
    *f = (struct state_fd){
        .io = {state_fd_write, state_fd_read}, .fd = fd, .buf = alloc_bytes(STATE_FD_BUFFER)};
}

void state_fd_fini(struct state_fd *f)
{
    free(f->buf);
    f->buf = NULL;
}

static int state_mem_write(struct state_io *io, const void *p, size_t n, struct err *err)
{
    struct state_mem *m = container_of(io, struct state_mem, io);
    assert(!m->borrowed);
    state_mem_put(m, p, n);
    return 0;
}

static int state_mem_read(struct state_io *io, void *p, size_t n, struct err *err)
{
    struct state_mem *m = container_of(io, struct state_mem, io);
    if (m->size - m->pos < n)
        return err_set(err, ENODATA, "the state ends too early");
    if (n)
        memcpy(p, m->data + m->pos, n);
    m->pos += n;
    return 0;
}

void state_mem_init(struct state_mem *m)
{
    *m = (struct state_mem){.io = {state_mem_write, state_mem_read}};
}

void state_mem_borrow(struct state_mem *m, const void *data, size_t size)
{
    state_mem_init(m);
    m->data = (u8 *)data;
    m->size = size;
    m->borrowed = true;
}

void state_mem_fini(struct state_mem *m)
{
    if (!m->borrowed)
        free(m->data);
    state_mem_init(m);
}
