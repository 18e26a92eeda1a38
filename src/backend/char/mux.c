/*
 * mux.c - one terminal for several fronts: the guest's console and the monitor share stdio.
 *
 * Every port's output goes to the base; input goes to the focused port. The escape character is
 * Ctrl-A: Ctrl-A c  next port     Ctrl-A x  end guise     Ctrl-A h  help     Ctrl-A b  break Ctrl-A
 * Ctrl-A  the character itself
 *
 * Loop's thread, but output, which chardev_write of the base orders.
 */
#include "backend/char/char.h"

#include <errno.h>
#include <stdlib.h>

enum { MUX_ESCAPE = 1, MUX_PORTS = 4, MUX_QUEUE = 4096 };

struct mux_chardev {
    struct chardev base;
    struct chardev *below;
    struct chardev *port[MUX_PORTS];
    unsigned ports, focus;
    bool escaped;
    u8 queue[MUX_QUEUE]; /* typed ahead of what the focused port takes */
    size_t queued;
    void (*quit)(void *opaque);
    void *quit_opaque;
};

struct port_chardev {
    struct chardev base;
    struct mux_chardev *mux;
};

static const char help_text[] = "\r\n"
                                "Ctrl-A h    this help\r\n"
                                "Ctrl-A x    end guise\r\n"
                                "Ctrl-A b    send a break\r\n"
                                "Ctrl-A c    switch between console and monitor\r\n"
                                "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

static struct chardev *focused(struct mux_chardev *m)
{
    return m->ports ? m->port[m->focus] : NULL;
}

/* Escapes are looked for before the port has room for what is before them: there must be a way out
 * of a guest that does not read. One place is kept for them. */
static size_t mux_room(void *opaque)
{
    struct mux_chardev *m = opaque;
    return MAX(MUX_QUEUE - m->queued, 1);
}

static void mux_drain(struct mux_chardev *m)
{
    struct chardev *p = focused(m);
    while (p && m->queued) {
        size_t n = MIN(m->queued, chardev_room(p));
        if (!n)
            return;
        u8 piece[64];
        n = MIN(n, sizeof(piece));
        memcpy(piece, m->queue, n);
        m->queued -= n;
        memmove(m->queue, m->queue + n, m->queued);
        chardev_deliver(p, piece, n);
    }
}

static void mux_type(struct mux_chardev *m, u8 ch)
{
    if (m->queued < MUX_QUEUE)
        m->queue[m->queued++] = ch;
}

static void mux_command(struct mux_chardev *m, u8 ch)
{
    struct chardev *p = focused(m);
    switch (ch) {
    case MUX_ESCAPE: mux_type(m, ch); break;
    case 'x': m->quit(m->quit_opaque); break;
    case 'c':
        mux_drain(m); /* what was typed before was for the port that had the focus */
        m->focus = (m->focus + 1) % m->ports;
        m->queued = 0;
        chardev_send_event(focused(m), CHARDEV_OPENED);
        break;
    case 'b': chardev_send_event(p, CHARDEV_BREAK); break;
    default: chardev_write(m->below, help_text, sizeof(help_text) - 1); break;
    }
}

static void mux_receive(void *opaque, const u8 *data, size_t n)
{
    struct mux_chardev *m = opaque;
    for (size_t i = 0; i < n && m->ports; i++) {
        if (m->escaped) {
            m->escaped = false;
            mux_command(m, data[i]);
        } else if (data[i] == MUX_ESCAPE) {
            m->escaped = true;
        } else {
            mux_type(m, data[i]);
        }
    }
    mux_drain(m);
}

/* OPENED says to a port that it has the terminal: the others hear it when it is their turn. */
static void mux_event(void *opaque, enum chardev_event event)
{
    struct mux_chardev *m = opaque;
    for (unsigned i = 0; i < m->ports; i++)
        if (event == CHARDEV_CLOSED || i == m->focus)
            chardev_send_event(m->port[i], event);
}

static void mux_writable(void *opaque)
{
    struct mux_chardev *m = opaque;
    for (unsigned i = 0; i < m->ports; i++)
        chardev_send_writable(m->port[i]);
}

static size_t port_write(struct chardev *c, const u8 *data, size_t n)
{
    return chardev_write(((struct port_chardev *)c)->mux->below, data, n);
}

static size_t port_offer(struct chardev *c, const u8 *data, size_t n)
{
    return chardev_offer(((struct port_chardev *)c)->mux->below, data, n);
}

static void port_ready(struct chardev *c)
{
    struct mux_chardev *m = ((struct port_chardev *)c)->mux;
    mux_drain(m);
    chardev_ready(m->below);
}

static const struct chardev_kind port_kind = {
    .name = "mux-port",
    .help = "a front's side of a mux",
    .size = sizeof(struct port_chardev),
    .write = port_write,
    .offer = port_offer,
    .ready = port_ready,
};

static size_t mux_write(struct chardev *c, const u8 *data, size_t n)
{
    return chardev_write(((struct mux_chardev *)c)->below, data, n);
}

static int mux_start(struct chardev *c, struct err *err)
{
    return chardev_start(((struct mux_chardev *)c)->below, err);
}

static void mux_close(struct chardev *c)
{
    struct mux_chardev *m = (struct mux_chardev *)c;
    for (unsigned i = 0; i < m->ports; i++)
        chardev_close(m->port[i]);
    chardev_close(m->below);
}

const struct chardev_kind chardev_mux = {
    .name = "mux",
    .help = "shares a backend among fronts",
    .size = sizeof(struct mux_chardev),
    .start = mux_start,
    .write = mux_write,
    .close = mux_close,
};

struct chardev *chardev_mux_over(struct chardev *below, void (*quit)(void *opaque), void *opaque,
                                 struct err *err)
{
    struct mux_chardev *m = (struct mux_chardev *)chardev_new(below->loop, &chardev_mux);
    if (!m) {
        err_set(err, ENOMEM, "no memory for a mux");
        return NULL;
    }
    m->below = below;
    m->quit = quit;
    m->quit_opaque = opaque;
    struct chardev_front front = {.room = mux_room,
                                  .receive = mux_receive,
                                  .event = mux_event,
                                  .writable = mux_writable,
                                  .opaque = m};
    if (chardev_attach(below, &front, err)) {
        m->below = NULL;
        chardev_close(&m->base);
        return NULL;
    }
    return &m->base;
}

struct chardev *chardev_mux_port(struct chardev *c, const char *name, struct err *err)
{
    struct mux_chardev *m = (struct mux_chardev *)c;
    struct port_chardev *p =
        m->ports < MUX_PORTS ? (struct port_chardev *)chardev_new(c->loop, &port_kind) : NULL;
    if (!p) {
        err_set(err, ENOSPC, "mux: at most %d fronts", MUX_PORTS);
        return NULL;
    }
    p->mux = m;
    p->base.id = strdup(name);
    m->port[m->ports++] = &p->base;
    return &p->base;
}
