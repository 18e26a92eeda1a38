/*
 * net.h - network backends: Ethernet frames between one card and one piece of the host's world.
 *
 *   card (virtio-net) <--frames, a queue when the card has no room--> struct netdev --kind-->
 * slirp, socket ...
 *
 * All on the loop's thread.
 */
#ifndef BACKEND_NET_NET_H
#define BACKEND_NET_NET_H

#include "base/base.h"
#include "base/err.h"
#include "base/option.h"
#include "loop/loop.h"

enum { NET_FRAME_MAX = 65536 + 14, NET_QUEUE = 512 };

struct netdev;
struct clock;

struct netdev_kind {
    const char *name, *help;
    size_t size; /* of the struct that begins with struct netdev */
    const struct option *options;
    int (*open)(struct netdev *n, struct err *err);  /* makes no files */
    int (*start)(struct netdev *n, struct err *err); /* before the machine runs; may be NULL */
    void (*close)(struct netdev *n);
    void (*send)(struct netdev *n, const u8 *frame, size_t len); /* from the card */
    void (*ready)(struct netdev *n);           /* no longer congested, perhaps; may be NULL */
    void (*info)(struct netdev *n, FILE *out); /* may be NULL */
};

struct net_frame {
    struct net_frame *next;
    size_t len;
    u8 data[];
};

struct netdev {
    const struct netdev_kind *kind;
    char *id;
    struct loop *loop;
    struct clock *clock; /* virtual */
    /* The card: takes a frame (true) or has no room (false: it calls netdev_ready later). */
    bool (*receive)(void *card, const u8 *frame, size_t len);
    void *card; /* NULL: no card yet: frames are dropped */
    struct net_frame *first, **last;
    unsigned queued;
    u64 dropped;
    struct loop_task ready;
    struct netdev *next;
};

extern const struct netdev_kind netdev_user, netdev_socket;

/* From "-netdev KIND,id=ID,..."; the list is spent. NULL and err on failure. */
struct netdev *must_check netdev_open(struct loop *loop, struct clock *clock,
                                      struct option_list *list, struct err *err);
int must_check netdev_start(struct netdev *n, struct err *err);
void netdev_close(struct netdev *n);
/* The kinds, or one kind's options. */
int must_check netdev_help(const char *kind, FILE *out, struct err *err);

/* ---- For cards ---- */
int must_check netdev_attach(struct netdev *n,
                             bool (*receive)(void *card, const u8 *frame, size_t len), void *card,
                             struct err *err);
void netdev_detach(struct netdev *n);
void netdev_send(struct netdev *n, const u8 *frame, size_t len);
void netdev_ready(struct netdev *n); /* any thread: there is room again */

/* ---- For kinds ---- */
/* Zeroed but for the common part, not opened; NULL: no memory. */
struct netdev *netdev_new(struct loop *loop, struct clock *clock, const struct netdev_kind *kind);
/* A frame for the card; queued, or dropped when the queue is full. */
void netdev_deliver(struct netdev *n, const u8 *frame, size_t len);
bool netdev_congested(
    const struct netdev *n); /* half the queue is used: take no more from the host */

#endif
