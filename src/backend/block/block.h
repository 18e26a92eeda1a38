/*
 * block.h - block backends: a disk as its device sees it; image formats stack on each other below.
 *
 *   device (virtio-blk ...) --struct block_request--> struct block --driver--> loop's file I/O
 *
 * All on the loop's thread of the block. Requests are asynchronous: done is called later, never
 * from within block_submit. What the format must do itself (bounds, alignment, read-only) is
 * checked here before the driver sees a request.
 */
#ifndef BACKEND_BLOCK_BLOCK_H
#define BACKEND_BLOCK_BLOCK_H

#include <sys/uio.h>
#include "base/base.h"
#include "base/err.h"
#include "base/option.h"
#include "loop/loop.h"

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_ZERO };

struct block;
struct block_request {
    enum block_op op;
    bool fua;                /* WRITE, ZERO: on stable storage before done */
    bool unmap;              /* ZERO: may deallocate */
    u64 offset, length;      /* bytes */
    const struct iovec *iov; /* READ, WRITE: length bytes in all; valid until done */
    unsigned iov_count;
    /* result: 0 or -errno. The request is the caller's again. */
    void (*done)(struct block_request *r, int result);
    void *opaque;
    /* -- block.c's and the driver's. */
    struct block *block;
    struct loop_io io;
    struct iovec *rest; /* what a short transfer left */
    u64 moved;
    u8 *bounce;
    struct loop_task later;
    int result;
};

struct block_driver {
    const char *name, *help;
    size_t size; /* of the struct that begins with struct block */
    const struct option *options;
    int (*open)(struct block *b, struct err *err); /* sets size */
    void (*close)(struct block *b);
    void (*submit)(struct block *b, struct block_request *r);
};

enum block_cache {
    BLOCK_CACHE_WRITEBACK,
    BLOCK_CACHE_NONE,
    BLOCK_CACHE_WRITETHROUGH,
    BLOCK_CACHE_DIRECTSYNC,
    BLOCK_CACHE_UNSAFE
};

struct block {
    const struct block_driver *driver;
    struct loop *loop;
    char *id;     /* node name or drive id */
    char *serial; /* of -drive serial= */
    u64 size;     /* bytes */
    u32 sector;   /* requests are multiples of it */
    bool read_only, discard;
    bool auto_read_only; /* read_only where it must be, instead of an error */
    bool fell_back;      /* and so it is */
    int cache; /* enum block_cache */
    bool used; /* a device has it */
    u32 in_flight;
    struct block *next;
};

/* From "-blockdev driver=raw,node-name=..,file.driver=file,file.filename=.." or "-drive
 * file=..,format=raw,if=none,id=..": the list is spent but for what the caller took out before
 * (if=, index=). NULL and err on failure; nothing is written then. */
struct block *must_check block_open(struct loop *loop, struct option_list *list, struct err *err);
/* Waits for what is in flight; flushes. */
void block_close(struct block *b);
void block_submit(struct block *b, struct block_request *r);
void block_drain(struct block *b);
/* For drivers: done(result) from the loop, of a request that needs no I/O. */
void block_complete_later(struct block_request *r, int result);
/* The formats, or one format's options. */
int must_check block_help(const char *format, FILE *out, struct err *err);

#endif
