/*
 * char.h - character backends: where a guest's serial port or the monitor meets the host.
 *
 *   front (uart, console, monitor) <--struct chardev--> kind (stdio, pty, socket, file, pipe, null;
 * mux shares one among fronts)
 *
 * Threads: opened, attached, closed and read on the loop's thread. chardev_write may be called by
 * any thread (vCPUs) and never blocks for long: bytes the host does not take at once wait in a
 * bounded buffer; when that is full the caller waits up to 100 ms for room and then the rest is
 * dropped (a dead peer must not stop a guest), which is counted; until the peer takes something
 * again nobody waits for it. Who can hold its bytes back uses chardev_offer instead.
 */
#ifndef BACKEND_CHAR_CHAR_H
#define BACKEND_CHAR_CHAR_H

#include <pthread.h>
#include "base/base.h"
#include "base/err.h"
#include "base/option.h"
#include "loop/loop.h"

enum chardev_event { CHARDEV_OPENED, CHARDEV_CLOSED, CHARDEV_BREAK };

/* What a front wants to hear; all on the loop's thread. room() says how many bytes receive() would
 * take now; when it was 0 the front calls chardev_ready later. */
struct chardev_front {
    size_t (*room)(void *opaque);
    void (*receive)(void *opaque, const u8 *data, size_t n);
    void (*event)(void *opaque, enum chardev_event event); /* may be NULL */
    void (*writable)(void *opaque); /* after chardev_offer took less than all; may be NULL */
    void *opaque;
};

struct chardev;

/* A kind of backend; kinds are listed in char.c. */
struct chardev_kind {
    const char *name, *help;
    size_t size;                  /* of the struct that begins with struct chardev */
    const struct option *options; /* into that struct */
    /* Checks, and makes what leaves no trace; sets in_fd, out_fd (-1: none), or promised. */
    int (*open)(struct chardev *c, struct err *err);
    /* Makes what others see: files, names, messages; sets what open left. NULL: nothing. */
    int (*start)(struct chardev *c, struct err *err);
    void (*close)(struct chardev *c);
    /* Instead of descriptors; NULL: in_fd and out_fd are served by char.c. */
    size_t (*write)(struct chardev *c, const u8 *data, size_t n);
    size_t (*offer)(struct chardev *c, const u8 *data, size_t n);
    void (*ready)(struct chardev *c);
    void (*attached)(struct chardev *c, bool on);
    /* End of input (peer gone); NULL: the input is no longer watched. */
    void (*hangup)(struct chardev *c);
};

enum { CHARDEV_BUFFER = 64 * 1024 };

struct chardev {
    const struct chardev_kind *kind;
    char *id;
    struct loop *loop;
    struct chardev_front front;
    bool attached, opened;
    bool promised; /* not started yet; then there will be somebody at the other end */
    int in_fd, out_fd;
    struct loop_watch in_watch, out_watch;
    char *logfile; /* option of every kind: a copy of the output */
    int log_fd;
    pthread_mutex_t lock; /* guards the buffer */
    u8 *buffer;           /* out ring */
    size_t head, used;
    u64 dropped;
    bool stalled;           /* the peer took nothing for long: do not wait for it */
    bool blocked;           /* an offer was not taken whole: the front waits for writable */
    struct loop_task arm;   /* watch out_fd for writing */
    struct loop_task ready; /* the front has room */
    const char *removes;    /* a file that close removes; NULL: none */
    struct chardev *next;
};

extern const struct chardev_kind chardev_stdio, chardev_null, chardev_file, chardev_pipe,
    chardev_pty, chardev_socket, chardev_mux;

/* Two steps, so that nothing is made or overwritten before all that was asked for is known to be
 * right: open checks, start does. A front may be attached in between; output is lost.
 *
 * From "-chardev KIND,id=ID,..." (list is spent) or "-serial" short forms: stdio, mon:stdio, null,
 * none, pty, file:PATH, pipe:PATH, tcp:HOST:PORT[,server=on], unix:PATH[,server=on]. NULL and err
 * on failure. */
struct chardev *must_check chardev_open(struct loop *loop, struct option_list *list,
                                        struct err *err);
struct chardev *must_check chardev_open_short(struct loop *loop, const char *id, const char *option,
                                              const char *text, struct err *err);
int must_check chardev_start(struct chardev *c, struct err *err);
void chardev_close(struct chardev *c);
/* The kinds, or one kind's options. */
int must_check chardev_help(const char *kind, FILE *out, struct err *err);

/* One front at a time (a mux: several, by chardev_mux_add). NULL detaches. */
int must_check chardev_attach(struct chardev *c, const struct chardev_front *front,
                              struct err *err);
/* Any thread. Returns bytes taken. */
size_t chardev_write(struct chardev *c, const void *data, size_t n);
/* Takes what there is room for and drops nothing; less than n: front.writable is called later. Any
 * thread. */
size_t must_check chardev_offer(struct chardev *c, const void *data, size_t n);
/* Is there anybody at the other end? Loop's thread. */
bool chardev_connected(const struct chardev *c);
int chardev_printf(struct chardev *c, const char *fmt, ...) printf_like(2, 3);
/* The front has room again: it is asked and served later on the loop's thread. Any thread, any
 * locks held. */
void chardev_ready(struct chardev *c);

/* ---- Mux: one backend, several fronts; Ctrl-A c goes to the next, Ctrl-A h helps, Ctrl-A x asks
 * to end. ---- */
struct chardev *must_check chardev_mux_over(struct chardev *base, void (*quit)(void *opaque),
                                            void *opaque, struct err *err);
/* A chardev of its own for one front; closed with the mux. */
struct chardev *must_check chardev_mux_port(struct chardev *mux, const char *name, struct err *err);

/* ---- For kinds ---- */
struct chardev *
chardev_new(struct loop *loop,
            const struct chardev_kind *kind); /* zeroed but for the common part; NULL: no memory */
/* Bytes arrived / an event happened: to the front. */
void chardev_deliver(struct chardev *c, const u8 *data, size_t n);
size_t chardev_room(struct chardev *c);
void chardev_send_event(struct chardev *c, enum chardev_event event);
void chardev_send_writable(struct chardev *c);
/* in_fd and out_fd changed (accepted, closed): watches follow. Loop's thread. */
int chardev_set_fds(struct chardev *c, int in_fd, int out_fd, struct err *err);

#endif
