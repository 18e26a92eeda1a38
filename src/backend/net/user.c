/*
 * user.c - user networking: a NAT with DHCP, DNS and port forwarding in this process, by libslirp.
 *
 * libslirp is written for a poll loop: it names descriptors (fill), then is told which are ready
 * (poll). Here its descriptors are watches that stay; ready events are gathered, and one task a
 * turn tells slirp and asks for the set anew.
 *
 *   watch fires -> ready bits, task            card sends -> slirp_input, task
 *   task: slirp_pollfds_poll(ready bits) -> slirp_pollfds_fill -> watches added, changed, removed;
 * time-out timer set
 */
#include "backend/net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/char/char.h"
#include "loop/clock.h"
#include "loop/timer.h"

struct guest_forward {
    struct user_netdev *owner;
    struct chardev *chr;
    struct in_addr addr;
    int port;
    struct guest_forward *next;
};

struct user_watch {
    struct user_netdev *owner;
    struct loop_watch watch;
    u32 wanted, ready; /* enum loop_event */
    bool filled;       /* named by the last fill */
    struct user_watch *next;
};

struct user_timer {
    struct timer timer;
    SlirpTimerCb fn;
    void *opaque;
};

struct user_netdev {
    struct netdev net;
    char *network, *host, *dhcpstart, *dns, *hostname, *tftp, *bootfile, *domainname;
    char **hostfwd, **guestfwd;
    bool restricted, ipv6;
    Slirp *slirp;
    struct user_watch *watches;
    struct loop_task task;
    struct timer timeout;
    struct guest_forward *forwards;
    struct user_watch **index; /* of one fill or poll */
    int index_count, index_room;
    u32 timeout_ms;
};

static const struct option user_options[] = {
    OPTION_STRING("net", struct user_netdev, network, "10.0.2.0/24", "guest's network"),
    OPTION_STRING("host", struct user_netdev, host, NULL,
                  "the host as the guest sees it (default: x.x.x.2)"),
    OPTION_STRING("dhcpstart", struct user_netdev, dhcpstart, NULL,
                  "first address given out (default: x.x.x.15)"),
    OPTION_STRING("dns", struct user_netdev, dns, NULL,
                  "name server as the guest sees it (default: x.x.x.3)"),
    OPTION_STRING("hostname", struct user_netdev, hostname, NULL, "guest's name by DHCP"),
    OPTION_STRING("domainname", struct user_netdev, domainname, NULL, "guest's domain by DHCP"),
    OPTION_STRING("tftp", struct user_netdev, tftp, NULL, "folder served by TFTP"),
    OPTION_STRING("bootfile", struct user_netdev, bootfile, NULL, "boot file by DHCP"),
    OPTION_BOOL("restrict", struct user_netdev, restricted, "off",
                "guest reaches forwarded ports only"),
    OPTION_BOOL("ipv6", struct user_netdev, ipv6, "off", "IPv6 as well"),
    OPTION_STRINGS("hostfwd", struct user_netdev, hostfwd,
                   "[tcp|udp]:[HOSTADDR]:PORT-[GUESTADDR]:PORT"),
    OPTION_STRINGS("guestfwd", struct user_netdev, guestfwd,
                   "[tcp]:ADDR:PORT-cmd:COMMAND or -CHARDEV"),
    OPTION_LAST,
};

/* ---- Descriptors ----------------------------------------------------------------------------- */

static void watch_fired(struct loop_watch *w, u32 events)
{
    struct user_watch *u = w->opaque;
    u->ready |= events;
    /* Level-triggered: quiet until slirp has seen it. */
    loop_watch_modify(w, 0);
    u->wanted = 0;
    loop_task_schedule(&u->owner->task);
}

static struct user_watch *watch_of(struct user_netdev *n, int fd)
{
    struct user_watch *u = n->watches;
    while (u && u->watch.fd != fd)
        u = u->next;
    if (u)
        return u;
    u = calloc(1, sizeof(*u));
    if (!u)
        return NULL;
    u->owner = n;
    u->watch = (struct loop_watch){.fd = fd, .fn = watch_fired, .opaque = u};
    u->next = n->watches;
    n->watches = u;
    return u;
}

static int add_poll(int fd, int events, void *opaque)
{
    struct user_netdev *n = opaque;
    struct user_watch *u = watch_of(n, fd);
    if (!u)
        return -1;
    if (n->index_count == n->index_room) {
        int room = MAX(2 * n->index_room, 16);
        struct user_watch **index = realloc(n->index, (size_t)room * sizeof(*index));
        if (!index)
            return -1;
        n->index = index;
        n->index_room = room;
    }
    u->filled = true;
    u->wanted = (events & (SLIRP_POLL_IN | SLIRP_POLL_PRI) ? LOOP_READ : 0) |
                (events & SLIRP_POLL_OUT ? LOOP_WRITE : 0);
    n->index[n->index_count] = u;
    return n->index_count++;
}

static int get_ready(int i, void *opaque)
{
    struct user_netdev *n = opaque;
    if (i < 0 || i >= n->index_count)
        return 0;
    u32 e = n->index[i]->ready;
    return (e & LOOP_READ ? SLIRP_POLL_IN : 0) | (e & LOOP_WRITE ? SLIRP_POLL_OUT : 0) |
           (e & LOOP_HANGUP ? SLIRP_POLL_HUP | SLIRP_POLL_IN : 0);
}

static void forget_watch(struct user_netdev *n, struct user_watch **p)
{
    struct user_watch *u = *p;
    *p = u->next;
    loop_watch_remove(&u->watch);
    for (int i = 0; i < n->index_count; i++) {
        if (n->index[i] == u)
            n->index[i] = n->index[--n->index_count];
    }
    free(u);
}

static void refill(struct user_netdev *n)
{
    for (struct user_watch *u = n->watches; u; u = u->next) {
        u->filled = false;
        u->ready = 0;
    }
    n->index_count = 0;
    n->timeout_ms = UINT32_MAX;
    slirp_pollfds_fill(n->slirp, &n->timeout_ms, add_poll, n);
    for (struct user_watch **p = &n->watches; *p;) {
        struct user_watch *u = *p;
        if (!u->filled) {
            forget_watch(n, p);
            continue;
        }
        if (!u->watch.loop) {
            u->watch.events = u->wanted;
            (void)!loop_watch_add(n->net.loop, &u->watch, NULL);
        } else {
            loop_watch_modify(&u->watch, u->wanted);
        }
        p = &u->next;
    }
    if (n->timeout_ms != UINT32_MAX)
        timer_set(&n->timeout, clock_now(n->timeout.clock) + n->timeout_ms * NS_PER_MS);
}

static void user_turn(void *opaque)
{
    struct user_netdev *n = opaque;
    slirp_pollfds_poll(n->slirp, 0, get_ready, n);
    refill(n);
}

static void user_timeout(void *opaque)
{
    user_turn(opaque);
}

/* ---- Callbacks of libslirp ------------------------------------------------------------------- */

static ssize_t cb_send_packet(const void *buf, size_t len, void *opaque)
{
    netdev_deliver(opaque, buf, len);
    return (ssize_t)len;
}

static void cb_guest_error(const char *msg, void *opaque)
{
    (void)msg;
    (void)opaque;
}

static int64_t cb_clock(void *opaque)
{
    return (int64_t)clock_now(((struct user_netdev *)opaque)->net.clock);
}

static void timer_fired(void *opaque)
{
    struct user_timer *t = opaque;
    t->fn(t->opaque);
}

static void *cb_timer_new(SlirpTimerCb fn, void *fn_opaque, void *opaque)
{
    struct user_netdev *n = opaque;
    struct user_timer *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->fn = fn;
    t->opaque = fn_opaque;
    timer_init(&t->timer, n->net.loop, n->net.clock, timer_fired, t);
    return t;
}

static void cb_timer_free(void *timer, void *opaque)
{
    struct user_timer *t = timer;
    (void)opaque;
    timer_fini(&t->timer);
    free(t);
}

static void cb_timer_mod(void *timer, int64_t ms, void *opaque)
{
    (void)opaque;
    timer_set(&((struct user_timer *)timer)->timer, (u64)ms * NS_PER_MS);
}

static void cb_register_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

/* The descriptor is about to be closed. */
static void cb_unregister_fd(int fd, void *opaque)
{
    struct user_netdev *n = opaque;
    for (struct user_watch **p = &n->watches; *p; p = &(*p)->next) {
        if ((*p)->watch.fd == fd) {
            loop_watch_remove(&(*p)->watch);
            return;
        }
    }
}

static void cb_notify(void *opaque)
{
    loop_task_schedule(&((struct user_netdev *)opaque)->task);
}

static const SlirpCb callbacks = {
    .send_packet = cb_send_packet,
    .guest_error = cb_guest_error,
    .clock_get_ns = cb_clock,
    .timer_new = cb_timer_new,
    .timer_free = cb_timer_free,
    .timer_mod = cb_timer_mod,
    .register_poll_fd = cb_register_fd,
    .unregister_poll_fd = cb_unregister_fd,
    .notify = cb_notify,
};

/* ---- Forwarding ------------------------------------------------------------------------------ */

/* "ADDR:PORT" up to `end`; an empty address leaves *addr as it is. */
static bool parse_endpoint(const char *text, const char *end, struct in_addr *addr, int *port)
{
    char host[64];
    const char *colon = memchr(text, ':', (size_t)(end - text));
    char *rest;
    if (!colon || (size_t)(colon - text) >= sizeof(host))
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    if (*host && !inet_aton(host, addr))
        return false;
    long v = strtol(colon + 1, &rest, 10);
    *port = (int)v;
    return rest == end && rest != colon + 1 && v >= 0 && v < 65536;
}

/* Skips "tcp:" or "udp:" or ":"; NULL: neither. */
static const char *parse_protocol(const char *text, int *udp)
{
    *udp = !strncmp(text, "udp:", 4);
    if (*udp || !strncmp(text, "tcp:", 4))
        return text + 4;
    return *text == ':' ? text + 1 : NULL;
}

static int add_hostfwd(struct user_netdev *n, const char *text, struct in_addr guest,
                       struct err *err)
{
    struct in_addr host = {.s_addr = INADDR_ANY};
    int udp, host_port, guest_port;
    const char *p = parse_protocol(text, &udp), *dash = p ? strchr(p, '-') : NULL;
    if (!dash || !parse_endpoint(p, dash, &host, &host_port) ||
        !parse_endpoint(dash + 1, dash + 1 + strlen(dash + 1), &guest, &guest_port) || !guest_port)
        return err_set(err, EINVAL,
                       "hostfwd=%s: accepted is [tcp|udp]:[HOSTADDR]:PORT-[GUESTADDR]:PORT", text);
    if (slirp_add_hostfwd(n->slirp, udp, host, host_port, guest, guest_port))
        return err_set_errno(err, errno, "hostfwd=%s", text);
    return 0;
}

static ssize_t forward_write(const void *buf, size_t len, void *opaque)
{
    return (ssize_t)chardev_write(((struct guest_forward *)opaque)->chr, buf, len);
}

static size_t forward_room(void *opaque)
{
    struct guest_forward *g = opaque;
    return slirp_socket_can_recv(g->owner->slirp, g->addr, g->port);
}

static void forward_receive(void *opaque, const u8 *data, size_t len)
{
    struct guest_forward *g = opaque;
    slirp_socket_recv(g->owner->slirp, g->addr, g->port, data, (int)len);
    loop_task_schedule(&g->owner->task);
}

static int forward_to_chardev(struct user_netdev *n, const char *target, struct in_addr addr,
                              int port, const char *text, struct err *err)
{
    struct guest_forward *g = calloc(1, sizeof(*g));
    struct chardev *chr =
        g ? chardev_open_short(n->net.loop, "guestfwd", "guestfwd", target, err) : NULL;
    if (!chr) {
        free(g);
        return err_prefix(err, "guestfwd=%s", text);
    }
    *g = (struct guest_forward){
        .owner = n, .chr = chr, .addr = addr, .port = port, .next = n->forwards};
    n->forwards = g;
    struct chardev_front front = {.room = forward_room, .receive = forward_receive, .opaque = g};
    if (slirp_add_guestfwd(n->slirp, forward_write, g, &addr, port))
        return err_set(err, EINVAL, "guestfwd=%s: address or port cannot be used", text);
    return chardev_attach(chr, &front, err);
}

static int add_guestfwd(struct user_netdev *n, const char *text, struct err *err)
{
    struct in_addr addr = {0};
    int udp, port;
    const char *p = parse_protocol(text, &udp), *dash = p ? strchr(p, '-') : NULL;
    if (!dash || udp || !parse_endpoint(p, dash, &addr, &port) || !addr.s_addr || !port)
        return err_set(
            err, EINVAL,
            "guestfwd=%s: accepted is [tcp]:ADDR:PORT-cmd:COMMAND or [tcp]:ADDR:PORT-CHARDEV",
            text);
    if (strncmp(dash + 1, "cmd:", 4))
        return forward_to_chardev(n, dash + 1, addr, port, text, err);
    if (slirp_add_exec(n->slirp, dash + 5, &addr, port))
        return err_set(err, EINVAL, "guestfwd=%s: address or port cannot be used", text);
    return 0;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int parse_address(const char *name, const char *text, u32 fallback, struct in_addr *out,
                         struct err *err)
{
    out->s_addr = htonl(fallback);
    return !text || inet_aton(text, out)
               ? 0
               : err_set(err, EINVAL, "%s=%s: accepted is an IPv4 address", name, text);
}

static int configure(struct user_netdev *n, SlirpConfig *c, struct err *err)
{
    char net[64];
    const char *slash = strchr(n->network, '/');
    size_t len = slash ? (size_t)(slash - n->network) : strlen(n->network);
    int bits = slash ? atoi(slash + 1) : 24;
    if (len >= sizeof(net) || bits < 8 || bits > 29)
        return err_set(err, EINVAL, "net=%s: accepted is ADDRESS/BITS with 8..29 bits", n->network);
    memcpy(net, n->network, len);
    net[len] = 0;
    if (!inet_aton(net, &c->vnetwork))
        return err_set(err, EINVAL, "net=%s: accepted is ADDRESS/BITS with 8..29 bits", n->network);
    u32 mask = ~0u << (32 - bits), base = ntohl(c->vnetwork.s_addr) & mask;
    c->vnetmask.s_addr = htonl(mask);
    c->vnetwork.s_addr = htonl(base);
    int r = parse_address("host", n->host, base | 2, &c->vhost, err);
    r = r ? r : parse_address("dns", n->dns, base | 3, &c->vnameserver, err);
    return r ? r
             : parse_address("dhcpstart", n->dhcpstart, base | (bits > 27 ? 4 : 15),
                             &c->vdhcp_start, err);
}

static int user_open(struct netdev *net, struct err *err)
{
    struct user_netdev *n = (struct user_netdev *)net;
    SlirpConfig c = {.version = 1,
                     .restricted = n->restricted,
                     .in_enabled = true,
                     .in6_enabled = n->ipv6,
                     .vhostname = n->hostname,
                     .tftp_path = n->tftp,
                     .bootfile = n->bootfile,
                     .vdomainname = n->domainname,
                     .vprefix_len = 64};
    int r = configure(n, &c, err);
    if (r)
        return r;
    inet_pton(AF_INET6, "fec0::", &c.vprefix_addr6);
    inet_pton(AF_INET6, "fec0::2", &c.vhost6);
    inet_pton(AF_INET6, "fec0::3", &c.vnameserver6);
    loop_task_init(&n->task, net->loop, user_turn, n);
    timer_init(&n->timeout, net->loop, net->clock, user_timeout, n);
    n->slirp = slirp_new(&c, &callbacks, n);
    if (!n->slirp)
        return err_set(err, ENOMEM, "-netdev user: libslirp does not start");
    for (char **p = n->hostfwd; p && *p && !r; p++)
        r = add_hostfwd(n, *p, c.vdhcp_start, err);
    for (char **p = n->guestfwd; p && *p && !r; p++)
        r = add_guestfwd(n, *p, err);
    loop_task_schedule(&n->task);
    return r;
}

static int user_start(struct netdev *net, struct err *err)
{
    int r = 0;
    for (struct guest_forward *g = ((struct user_netdev *)net)->forwards; g && !r; g = g->next)
        r = chardev_start(g->chr, err);
    return r;
}

static void user_close(struct netdev *net)
{
    struct user_netdev *n = (struct user_netdev *)net;
    if (!n->timeout.loop)
        return;
    while (n->forwards) {
        struct guest_forward *g = n->forwards;
        n->forwards = g->next;
        chardev_close(g->chr);
        free(g);
    }
    if (n->slirp)
        slirp_cleanup(n->slirp);
    while (n->watches)
        forget_watch(n, &n->watches);
    free(n->index);
    loop_task_cancel(&n->task);
    timer_fini(&n->timeout);
}

static void user_send(struct netdev *net, const u8 *frame, size_t len)
{
    struct user_netdev *n = (struct user_netdev *)net;
    slirp_input(n->slirp, frame, (int)len);
    for (struct guest_forward *g = n->forwards; g; g = g->next)
        chardev_ready(g->chr);
    loop_task_schedule(&n->task);
}

static void user_info(struct netdev *net, FILE *out)
{
    char *text = slirp_connection_info(((struct user_netdev *)net)->slirp);
    if (text)
        fputs(text, out);
    free(text);
}

const struct netdev_kind netdev_user = {
    .name = "user",
    .help = "NAT in this process: DHCP, DNS, forwarded ports; needs no rights",
    .size = sizeof(struct user_netdev),
    .options = user_options,
    .open = user_open,
    .start = user_start,
    .close = user_close,
    .send = user_send,
    .info = user_info,
};
