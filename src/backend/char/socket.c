/*
 * socket.c - a character backend on a TCP or UNIX socket: client, or server for one peer at a time.
 *
 * TCP servers listen where the user says; with no host, on loopback only.
 *
 *   server: LISTENING --accept--> CONNECTED --hang-up--> LISTENING
 *   client: (connect in open) --> CONNECTED --hang-up--> closed
 */
#include "backend/char/char.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/host.h"

#define PATH_LENGTH (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

struct socket_chardev {
    struct chardev base;
    char *host, *port, *path;
    bool server, wait, nodelay;
    int listen_fd;
    struct loop_watch listen_watch;
};

static const struct option socket_options[] = {
    OPTION_STRING("host", struct socket_chardev, host, NULL, "address (default: loopback)"),
    OPTION_STRING("port", struct socket_chardev, port, NULL, "TCP port"),
    OPTION_STRING("path", struct socket_chardev, path, NULL, "UNIX socket"),
    OPTION_BOOL("server", struct socket_chardev, server, "off", "listen instead of connecting"),
    OPTION_BOOL("wait", struct socket_chardev, wait, "on",
                "server: wait for the first peer before the machine starts"),
    OPTION_BOOL("nodelay", struct socket_chardev, nodelay, "off",
                "send small pieces at once (TCP_NODELAY)"),
    OPTION_LAST,
};

static void use_peer(struct socket_chardev *s, int fd)
{
    int one = 1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (s->nodelay && !s->path)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)!chardev_set_fds(&s->base, fd, fd, NULL);
    chardev_send_event(&s->base, CHARDEV_OPENED);
}

static void socket_hangup(struct chardev *c)
{
    int fd = c->in_fd;
    (void)!chardev_set_fds(c, -1, -1, NULL);
    if (fd >= 0)
        close(fd);
    chardev_send_event(c, CHARDEV_CLOSED);
}

/* It closed its end, perhaps with bytes of ours unread (then the connection is reset), and the loop
 * has not told yet or the front had no room; and all it sent was read. */
static bool peer_has_gone(const struct socket_chardev *s)
{
    char byte;
    ssize_t n = s->base.in_fd >= 0 ? recv(s->base.in_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) : 1;
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void accept_peer(struct loop_watch *w, u32 events)
{
    struct socket_chardev *s = w->opaque;
    (void)events;
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (peer_has_gone(s))
        socket_hangup(&s->base);
    if (s->base.in_fd >= 0)
        close(fd); /* one peer at a time */
    else
        use_peer(s, fd);
}

static int bind_or_connect(const struct socket_chardev *s, int fd, const struct sockaddr *addr,
                           socklen_t len)
{
    int one = 1;
    if (!s->server)
        return connect(fd, addr, len);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    return bind(fd, addr, len) || listen(fd, 1);
}

/* The name that a server will make. What is there already may be the socket of a machine that has
 * ended, but nothing else. */
static int check_name(const struct socket_chardev *s, struct err *err)
{
    struct stat st;
    if (!lstat(s->path, &st) && !S_ISSOCK(st.st_mode))
        return err_set(err, EEXIST, "-chardev socket,path=%s: is there and not a socket", s->path);
    return host_output_check("-chardev socket,path=", s->path, err);
}

static int open_unix(struct socket_chardev *s, struct err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    memcpy(addr.sun_path, s->path, strlen(s->path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && s->server)
        unlink(s->path); /* one that was left: check_name has looked */
    if (fd >= 0 && !bind_or_connect(s, fd, (struct sockaddr *)&addr, sizeof(addr)))
        return fd;
    int code = errno;
    if (fd >= 0)
        close(fd);
    return err_set_errno(err, code, "-chardev socket,path=%s", s->path);
}

static int open_tcp(struct socket_chardev *s, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    const char *host = s->host && *s->host ? s->host : "127.0.0.1";
    int r = getaddrinfo(host, s->port, &hints, &list), fd = -1, code = 0;
    if (r)
        return err_set(err, EINVAL, "-chardev socket,host=%s,port=%s: %s", host, s->port,
                       gai_strerror(r));
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && bind_or_connect(s, fd, a->ai_addr, a->ai_addrlen)) {
            code = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd >= 0 ? fd
                   : err_set_errno(err, code, "-chardev socket,host=%s,port=%s", host, s->port);
}

static int socket_start(struct chardev *c, struct err *err)
{
    struct socket_chardev *s = (struct socket_chardev *)c;
    if (!s->server)
        return 0;
    if (s->path) {
        s->listen_fd = open_unix(s, err);
        c->removes = s->path;
    }
    if (s->listen_fd < 0)
        return -err->code;
    if (s->wait) {
        struct pollfd p = {.fd = s->listen_fd, .events = POLLIN};
        fprintf(stderr, "guise: waiting for a connection to chardev %s\n",
                s->base.id ? s->base.id : "socket");
        sigset_t none; /* the loop, which waits for signals, does not turn yet */
        sigemptyset(&none);
        while (ppoll(&p, 1, NULL, &none) < 0 && errno == EINTR)
            ;
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            use_peer(s, fd);
    }
    s->listen_watch = (struct loop_watch){
        .fd = s->listen_fd, .events = LOOP_READ, .fn = accept_peer, .opaque = s};
    return loop_watch_add(s->base.loop, &s->listen_watch, err);
}

static int socket_open(struct chardev *c, struct err *err)
{
    struct socket_chardev *s = (struct socket_chardev *)c;
    s->listen_fd = -1;
    if (!s->path == !s->port)
        return err_set(err, EINVAL, "-chardev socket: give either path= (UNIX) or port= (TCP)");
    if (s->path && strlen(s->path) > PATH_LENGTH)
        return err_set(err, ENAMETOOLONG, "-chardev socket,path=%s: at most %zu characters",
                       s->path, PATH_LENGTH);
    c->promised = s->server && s->wait;
    if (s->server && s->path)
        return check_name(s, err);
    int fd = s->path ? open_unix(s, err) : open_tcp(s, err);
    if (fd < 0)
        return fd;
    if (s->server)
        s->listen_fd = fd;
    else
        use_peer(s, fd);
    return 0;
}

static void socket_close(struct chardev *c)
{
    struct socket_chardev *s = (struct socket_chardev *)c;
    loop_watch_remove(&s->listen_watch);
    if (c->in_fd >= 0)
        close(c->in_fd);
    if (s->listen_fd > 0)
        close(s->listen_fd);
    if (s->listen_fd > 0 && s->path)
        unlink(s->path);
}

const struct chardev_kind chardev_socket = {
    .name = "socket",
    .help = "a TCP or UNIX socket, client or server",
    .size = sizeof(struct socket_chardev),
    .options = socket_options,
    .open = socket_open,
    .start = socket_start,
    .close = socket_close,
    .hangup = socket_hangup,
};
