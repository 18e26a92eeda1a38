/*
 * backends.h - a disk, a wire and lines for devices under fuzzing, all in memory and all moved by
 * the input: requests complete late and in either order, output is taken in part, frames and bytes
 * arrive when the input says so. They also check what devices owe their backends.
 */
#ifndef TESTS_FUZZ_BACKENDS_H
#define TESTS_FUZZ_BACKENDS_H

#include "backend/block/block.h"
#include "backend/char/char.h"
#include "backend/net/net.h"
#include "device_harness.h"
#include "fuzz.h"

enum { FUZZ_DISK_SIZE = 64 * 1024, FUZZ_LINES = 2 };

struct fuzz_disk {
    struct block block;
    u8 data[FUZZ_DISK_SIZE];
    struct block_request **waiting;
    unsigned count, room;
    bool newest_first;
    u8 fail; /* each fail-th request fails; 0: none */
    unsigned done;
    struct loop_task task; /* completes one a turn */
};

struct fuzz_line {
    struct chardev base;
    size_t takes;    /* bytes that the peer still takes */
    bool has_waiter; /* an offer was not taken whole */
};

struct fuzz_backends {
    struct fuzz_disk *disk;
    struct netdev *wire;
    struct fuzz_line *line[FUZZ_LINES];
};

/* Known to the harness as diskN, wireN, lineN-0, lineN-1. */
void fuzz_backends_open(struct fuzz_backends *b, struct harness *h, unsigned n);
/* As they were; devices have been reset. */
void fuzz_backends_reset(struct fuzz_backends *b);

/* One action, as the input has it. */
void fuzz_backends_step(struct fuzz_backends *b, struct fuzz_input *in);
/* The inverse, for seeds: a frame or bytes of a line arrive, a line comes or goes. */
void fuzz_put_frame(struct fuzz_seed *s, u16 size);
/* To an address of one card (0x52), of a group (0x33), or whatever begins so. */
void fuzz_put_frame_to(struct fuzz_seed *s, u16 size, u8 first);
void fuzz_put_event(struct fuzz_seed *s, unsigned line, u8 event);
void fuzz_put_input(struct fuzz_seed *s, unsigned line, const char *text);

#endif
