/*
 * raw.c - raw images: regular files and block devices, byte for byte, through the loop.
 *
 * Short transfers are continued; the tail of a file that is not a multiple of 512 reads as zeroes.
 * The file is locked (OFD locks: shared for readers, exclusive for writers), so that two machines
 * do not write one disk. cache=none opens with O_DIRECT; memory that is not aligned for it goes
 * through a bounce buffer.
 */
#include "backend/block/block.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct raw {
    struct block block;
    char *filename;
    bool locking;
    int fd;
    bool direct;
    u64 file_size;
};

static const struct option raw_options[] = {
    OPTION_NAMED("filename", OPTION_TYPE_STRING, struct raw, filename, NULL,
                 "image file or block device", .required = true),
    OPTION_BOOL("locking", struct raw, locking, "on", "lock the image against other machines"),
    OPTION_LAST,
};

enum { DIRECT_ALIGN = 4096 };

/* ---- Open ------------------------------------------------------------------------------------ */

static int raw_lock(struct raw *r, struct err *err)
{
    struct flock lock = {.l_type = r->block.read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    if (!r->locking || !fcntl(r->fd, F_OFD_SETLK, &lock) || errno == ENOLCK || errno == EINVAL)
        return 0;
    return err_set(err, EBUSY, "%s is in use by another machine (locking=off overrides)",
                   r->filename);
}

static int raw_size(struct raw *r, struct err *err)
{
    struct stat st;
    if (fstat(r->fd, &st))
        return err_set_errno(err, errno, "%s", r->filename);
    if (S_ISBLK(st.st_mode)) {
        if (ioctl(r->fd, BLKGETSIZE64, &r->file_size))
            return err_set_errno(err, errno, "%s", r->filename);
    } else if (S_ISREG(st.st_mode)) {
        r->file_size = (u64)st.st_size;
    } else {
        return err_set(err, EINVAL, "%s: neither a regular file nor a block device", r->filename);
    }
    r->block.size = align_up(r->file_size, 512);
    return 0;
}

static int open_file(const struct raw *r)
{
    int flags = O_CLOEXEC | (r->block.read_only ? O_RDONLY : O_RDWR);
    return open(r->filename, flags | (r->direct ? O_DIRECT : 0));
}

static int raw_open(struct block *b, struct err *err)
{
    struct raw *r = (struct raw *)b;
    r->direct = b->cache == BLOCK_CACHE_NONE || b->cache == BLOCK_CACHE_DIRECTSYNC;
    r->fd = open_file(r);
    if (r->fd < 0 && b->auto_read_only && !b->read_only &&
        (errno == EACCES || errno == EPERM || errno == EROFS)) {
        b->read_only = b->fell_back = true;
        r->fd = open_file(r);
    }
    if (r->fd < 0 && r->direct && errno == EINVAL)
        return err_set(err, EINVAL,
                       "%s: its file system has no direct I/O, which cache=none asks for",
                       r->filename);
    if (r->fd < 0) {
        int code = errno;
        r->fd = 0;
        return err_set_errno(err, code, "%s", r->filename);
    }
    int e = raw_lock(r, err);
    return e ? e : raw_size(r, err);
}

static void raw_close(struct block *b)
{
    struct raw *r = (struct raw *)b;
    if (r->fd > 0) {
        if (!b->read_only && b->cache != BLOCK_CACHE_UNSAFE)
            fdatasync(r->fd);
        close(r->fd);
    }
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void finish(struct block_request *q, int result)
{
    struct block *b = q->block;
    if (q->bounce && result == 0 && q->op == BLOCK_READ) {
        u8 *p = q->bounce;
        for (unsigned i = 0; i < q->iov_count; p += q->iov[i++].iov_len)
            memcpy(q->iov[i].iov_base, p, q->iov[i].iov_len);
    }
    free(q->bounce);
    free(q->rest);
    b->in_flight--;
    q->done(q, result);
}

static void io_done(struct loop_io *io, s64 result);

static void io_start(struct block_request *q, enum loop_io_kind kind)
{
    struct raw *r = (struct raw *)q->block;
    q->io.kind = kind;
    q->io.fd = r->fd;
    q->io.done = io_done;
    q->io.opaque = q;
    loop_io_submit(r->block.loop, &q->io);
}

/* The first n bytes of what is left were moved: what remains. */
static void advance(struct block_request *q, u64 n)
{
    q->moved += n;
    q->io.offset += n;
    struct iovec *v = q->rest;
    unsigned skip = 0;
    while (skip < q->io.iov_count && n >= v[skip].iov_len)
        n -= v[skip++].iov_len;
    q->io.iov = q->rest = memmove(q->rest, v + skip, (q->io.iov_count - skip) * sizeof(*v));
    q->io.iov_count -= skip;
    if (q->io.iov_count) {
        q->rest[0].iov_base = (u8 *)q->rest[0].iov_base + n;
        q->rest[0].iov_len -= n;
    }
}

/* Behind the file's end, within the last sector: zeroes. */
static void zero_tail(struct block_request *q)
{
    for (unsigned i = 0; i < q->io.iov_count; i++)
        memset(q->rest[i].iov_base, 0, q->rest[i].iov_len);
}

enum { ZERO_CHUNK = 1 << 20 };

/* The host's file system has no call for it: zeroes are written, a chunk at a time. */
static void write_zeroes(struct block_request *q)
{
    u64 n = MIN(q->length - q->moved, ZERO_CHUNK);
    if (!q->rest)
        q->rest = malloc(sizeof(*q->rest));
    if (!q->bounce && q->rest && !posix_memalign((void **)&q->bounce, DIRECT_ALIGN, n))
        memset(q->bounce, 0, n);
    if (!q->bounce)
        return finish(q, -ENOMEM);
    q->rest[0] = (struct iovec){.iov_base = q->bounce, .iov_len = n};
    q->io.offset = q->offset + q->moved;
    q->io.iov = q->rest;
    q->io.iov_count = 1;
    io_start(q, LOOP_IO_WRITE);
}

static void transfer_done(struct block_request *q, s64 result)
{
    if (result == -EINTR || result == -EAGAIN)
        result = 0;
    else if (result == 0 && q->op == BLOCK_READ)
        return zero_tail(q), finish(q, 0);
    else if (result == 0)
        return finish(q, -EIO);
    advance(q, (u64)result);
    if (q->moved < q->length && q->op == BLOCK_ZERO)
        write_zeroes(q);
    else if (q->moved < q->length)
        io_start(q, q->op == BLOCK_READ ? LOOP_IO_READ : LOOP_IO_WRITE);
    else if (q->op != BLOCK_READ && q->fua)
        io_start(q, LOOP_IO_DATASYNC);
    else
        finish(q, 0);
}

static void io_done(struct loop_io *io, s64 result)
{
    struct block_request *q = io->opaque;
    bool transfer = io->kind == LOOP_IO_READ || io->kind == LOOP_IO_WRITE;
    if (io->kind == LOOP_IO_DISCARD && q->op == BLOCK_ZERO && result == -EOPNOTSUPP)
        return io_start(q, LOOP_IO_ZERO);
    if (io->kind == LOOP_IO_ZERO && result == -EOPNOTSUPP)
        return write_zeroes(q);
    if (q->op == BLOCK_DISCARD && result == -EOPNOTSUPP)
        result = 0; /* a hint */
    if (result < 0 && !(transfer && (result == -EINTR || result == -EAGAIN)))
        return finish(q, (int)result);
    if (transfer)
        return transfer_done(q, result);
    if (q->fua && io->kind != LOOP_IO_DATASYNC)
        return io_start(q, LOOP_IO_DATASYNC);
    finish(q, 0);
}

static bool aligned(const struct block_request *q)
{
    for (unsigned i = 0; i < q->iov_count; i++) {
        if (((uintptr_t)q->iov[i].iov_base | q->iov[i].iov_len) % 512)
            return false;
    }
    return true;
}

/* One aligned piece in place of the caller's. */
static int make_bounce(struct block_request *q)
{
    void *p;
    if (posix_memalign(&p, DIRECT_ALIGN, q->length))
        return -ENOMEM;
    q->bounce = p;
    u8 *to = p;
    for (unsigned i = 0; i < q->iov_count && q->op == BLOCK_WRITE; to += q->iov[i++].iov_len)
        memcpy(to, q->iov[i].iov_base, q->iov[i].iov_len);
    return 0;
}

static void start_transfer(struct raw *r, struct block_request *q)
{
    bool bounce = r->direct && !aligned(q);
    q->rest = malloc(MAX(q->iov_count, 1) * sizeof(*q->rest));
    if (!q->rest || (bounce && make_bounce(q))) {
        free(q->rest);
        block_complete_later(q, -ENOMEM);
        return;
    }
    if (bounce)
        q->rest[0] = (struct iovec){.iov_base = q->bounce, .iov_len = q->length};
    else
        memcpy(q->rest, q->iov, q->iov_count * sizeof(*q->rest));
    q->io.iov = q->rest;
    q->io.iov_count = bounce ? 1 : q->iov_count;
    io_start(q, q->op == BLOCK_READ ? LOOP_IO_READ : LOOP_IO_WRITE);
}

static void raw_submit(struct block *b, struct block_request *q)
{
    q->io = (struct loop_io){.offset = q->offset, .length = q->length};
    switch (q->op) {
    case BLOCK_READ:
    case BLOCK_WRITE: start_transfer((struct raw *)b, q); break;
    case BLOCK_FLUSH: io_start(q, LOOP_IO_DATASYNC); break;
    case BLOCK_DISCARD: io_start(q, LOOP_IO_DISCARD); break;
    case BLOCK_ZERO: io_start(q, q->unmap ? LOOP_IO_DISCARD : LOOP_IO_ZERO); break;
    }
}

extern const struct block_driver block_raw;
const struct block_driver block_raw = {
    .name = "raw",
    .help = "raw image: a file or a block device",
    .size = sizeof(struct raw),
    .options = raw_options,
    .open = raw_open,
    .close = raw_close,
    .submit = raw_submit,
};
