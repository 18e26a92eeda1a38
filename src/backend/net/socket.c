/*
 * socket.c - two machines on one wire: frames over a TCP connection, each behind its length as a
 * big-endian u32; or UDP datagrams, one a frame. The format is the one that such wires have had for
 * long, so that other emulators can be at the other end.
 *
 * What the peer does not take at once is kept (bounded); while the card's queue is half full
 * nothing is read.
 */
#include "backend/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET_BACKLOG = 1 << 20, SOCKET_INPUT = 1 << 17 };

struct socket_netdev {
    struct netdev net;
    char *listen, *connect, *udp, *localaddr;
    int fd, listen_fd; /* -1: none */
    bool opened, datagram;
    struct loop_watch watch, listen_watch;
    u8 *in, *out;
    size_t in_used, out_used;
};

static const struct option socket_options[] = {
    OPTION_STRING("listen", struct socket_netdev, listen, NULL,
                  "[HOST]:PORT to wait at for the peer (default host: loopback)"),
    OPTION_STRING("connect", struct socket_netdev, connect, NULL, "HOST:PORT of the peer"),
    OPTION_STRING("udp", struct socket_netdev, udp, NULL, "HOST:PORT of the peer's datagrams"),
    OPTION_STRING("localaddr", struct socket_netdev, localaddr, NULL,
                  "udp: [HOST]:PORT of our own"),
    OPTION_LAST,
};

/* ---- Data ------------------------------------------------------------------------------------ */

static void drop_peer(struct socket_netdev *s)
{
    loop_watch_remove(&s->watch);
    close(s->fd);
    s->fd = -1;
    s->in_used = s->out_used = 0;
}

static void watch_for(struct socket_netdev *s)
{
    loop_watch_modify(&s->watch,
                      (netdev_congested(&s->net) ? 0 : LOOP_READ) | (s->out_used ? LOOP_WRITE : 0));
}

static void flush_out(struct socket_netdev *s)
{
    ssize_t n = send(s->fd, s->out, s->out_used, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        drop_peer(s);
        return;
    }
    n = MAX(n, 0);
    s->out_used -= (size_t)n;
    memmove(s->out, s->out + n, s->out_used);
    watch_for(s);
}

/* Whole frames of the input buffer to the card, while it has room. False: the peer's length is
 * impossible. */
static bool take_frames(struct socket_netdev *s)
{
    size_t at = 0;
    while (s->in_used - at >= 4 && !netdev_congested(&s->net)) {
        u64 len = load_be(s->in + at, 4);
        if (len > NET_FRAME_MAX)
            return false;
        if (s->in_used - at - 4 < len)
            break;
        netdev_deliver(&s->net, s->in + at + 4, len);
        at += 4 + len;
    }
    s->in_used -= at;
    memmove(s->in, s->in + at, s->in_used);
    return true;
}

static void read_peer(struct socket_netdev *s)
{
    ssize_t n = recv(s->fd, s->in + s->in_used, SOCKET_INPUT - s->in_used, 0);
    if (s->datagram) {
        if (n > 0)
            netdev_deliver(&s->net, s->in, (size_t)n);
        return;
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        drop_peer(s);
        return;
    }
    s->in_used += (size_t)MAX(n, 0);
    if (!take_frames(s))
        drop_peer(s);
}

static void peer_ready(struct loop_watch *w, u32 events)
{
    struct socket_netdev *s = w->opaque;
    if (events & LOOP_WRITE && s->out_used)
        flush_out(s);
    if (s->fd < 0 || !(events & (LOOP_READ | LOOP_HANGUP)))
        return;
    if (!netdev_congested(&s->net))
        read_peer(s);
    else if (events & LOOP_HANGUP)
        drop_peer(s);
    if (s->fd >= 0)
        watch_for(s);
}

/* The card has taken frames: the peer is listened to again. */
static void socket_ready(struct netdev *net)
{
    struct socket_netdev *s = (struct socket_netdev *)net;
    if (s->fd < 0)
        return;
    if (!s->datagram && !take_frames(s))
        drop_peer(s);
    else
        watch_for(s);
}

static int use_peer(struct socket_netdev *s, int fd, struct err *err)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    s->fd = fd;
    s->watch = (struct loop_watch){.fd = fd, .events = LOOP_READ, .fn = peer_ready, .opaque = s};
    return loop_watch_add(s->net.loop, &s->watch, err);
}

static void peer_arrived(struct loop_watch *w, u32 events)
{
    struct socket_netdev *s = w->opaque;
    (void)events;
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 && (s->fd >= 0 || use_peer(s, fd, NULL)))
        close(fd);
}

static void socket_send(struct netdev *net, const u8 *frame, size_t len)
{
    struct socket_netdev *s = (struct socket_netdev *)net;
    if (s->fd < 0)
        return;
    if (s->datagram) {
        if (send(s->fd, frame, len, MSG_NOSIGNAL) < 0)
            net->dropped++;
        return;
    }
    if (s->out_used + 4 + len > SOCKET_BACKLOG) {
        net->dropped++;
        return;
    }
    store_be(s->out + s->out_used, len, 4);
    memcpy(s->out + s->out_used + 4, frame, len);
    s->out_used += 4 + len;
    flush_out(s);
}

/* ---- Open ------------------------------------------------------------------------------------ */

/* "[HOST]:PORT" -> a socket that is bound (how 'b'), listening ('l') or connected ('c'); fd >= 0:
 * that one. */
static int open_address(const char *option, const char *text, char how, int type, int fd,
                        struct err *err)
{
    struct addrinfo hints = {.ai_socktype = type, .ai_family = AF_INET}, *list;
    const char *colon = strrchr(text, ':');
    char host[256] = "127.0.0.1";
    int one = 1;
    if (!colon || colon - text >= (int)sizeof(host))
        return err_set(err, EINVAL, "-netdev socket,%s=%s: accepted is [HOST]:PORT", option, text);
    if (colon > text) {
        memcpy(host, text, (size_t)(colon - text));
        host[colon - text] = 0;
    }
    int r = getaddrinfo(host, colon + 1, &hints, &list);
    if (r)
        return err_set(err, EINVAL, "-netdev socket,%s=%s: %s", option, text, gai_strerror(r));
    if (fd < 0)
        fd = socket(list->ai_family, type | SOCK_CLOEXEC, 0);
    if (fd >= 0 && how != 'c')
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd >= 0)
        r = how == 'c' ? connect(fd, list->ai_addr, list->ai_addrlen)
                       : bind(fd, list->ai_addr, list->ai_addrlen);
    if (fd >= 0 && !r && how == 'l')
        r = listen(fd, 1);
    int code = errno;
    freeaddrinfo(list);
    if (fd >= 0 && !r)
        return fd;
    if (fd >= 0)
        close(fd);
    return err_set_errno(err, code, "-netdev socket,%s=%s", option, text);
}

static int open_udp(struct socket_netdev *s, struct err *err)
{
    int fd = -1;
    if (s->localaddr) {
        fd = open_address("localaddr", s->localaddr, 'b', SOCK_DGRAM, -1, err);
        if (fd < 0)
            return fd;
    }
    s->datagram = true;
    return open_address("udp", s->udp, 'c', SOCK_DGRAM, fd, err);
}

static int socket_open(struct netdev *net, struct err *err)
{
    struct socket_netdev *s = (struct socket_netdev *)net;
    s->fd = s->listen_fd = -1;
    s->opened = true;
    s->in = malloc(SOCKET_INPUT);
    s->out = malloc(SOCKET_BACKLOG);
    if (!s->in || !s->out)
        return err_set(err, ENOMEM, "-netdev socket: no memory for its buffers");
    if (!!s->listen + !!s->connect + !!s->udp != 1)
        return err_set(err, EINVAL, "-netdev socket: give one of listen=, connect= and udp=");
    int fd = s->listen    ? open_address("listen", s->listen, 'l', SOCK_STREAM, -1, err)
             : s->connect ? open_address("connect", s->connect, 'c', SOCK_STREAM, -1, err)
                          : open_udp(s, err);
    if (fd < 0)
        return fd;
    if (!s->listen)
        return use_peer(s, fd, err);
    s->listen_fd = fd;
    s->listen_watch =
        (struct loop_watch){.fd = fd, .events = LOOP_READ, .fn = peer_arrived, .opaque = s};
    return loop_watch_add(net->loop, &s->listen_watch, err);
}

static void socket_close(struct netdev *net)
{
    struct socket_netdev *s = (struct socket_netdev *)net;
    if (!s->opened)
        return;
    if (s->fd >= 0)
        drop_peer(s);
    if (s->listen_fd >= 0) {
        loop_watch_remove(&s->listen_watch);
        close(s->listen_fd);
    }
    free(s->in);
    free(s->out);
}

const struct netdev_kind netdev_socket = {
    .name = "socket",
    .help = "a wire to another machine, over TCP or UDP",
    .size = sizeof(struct socket_netdev),
    .options = socket_options,
    .open = socket_open,
    .close = socket_close,
    .send = socket_send,
    .ready = socket_ready,
};
