/*
 * console.c - virtio console (virtio 1.2, section 5.3): a card with up to 31 ports, and the ports:
 * consoles and plain byte channels.
 *
 *   queue 0, 1: port 0's input and output    2, 3: control to and from the driver
 *   queue 2n+2, 2n+3: port n's input and output
 *
 * Without MULTIPORT there is port 0 only. What the driver is to be told of a port are bits of the
 * port (enum notice), sent in order when the driver has buffers for them: nothing piles up, however
 * often a driver asks.
 *
 * Bytes: input waits in the backend until the driver has opened the port and given buffers; output
 * that the backend does not take stays in the driver's chain, whose first tx_done bytes are gone
 * already. No chain is held between calls. Locking: host->lock; backends call on the loop's thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "backend/char/char.h"
#include "device/virtio/virtio.h"

enum {
    SERIAL_F_SIZE = 0,
    SERIAL_F_MULTIPORT = 1,
    SERIAL_F_EMERG_WRITE = 2,
    SERIAL_PORTS = VIRTIO_QUEUES / 2 - 1,
    QUEUE_CONTROL_IN = 2,
    QUEUE_CONTROL_OUT = 3,
    CONTROL_SIZE = 8,  /* {u32 port, u16 event, u16 value}, then a name */
    PORT_TURN = 65536, /* bytes of output before others have their turn */
};

/* Control events (5.3.6.2). */
enum {
    EVENT_DEVICE_READY = 0,
    EVENT_PORT_ADD = 1,
    EVENT_PORT_REMOVE = 2,
    EVENT_PORT_READY = 3,
    EVENT_CONSOLE_PORT = 4,
    EVENT_RESIZE = 5,
    EVENT_PORT_OPEN = 6,
    EVENT_PORT_NAME = 7,
};

/* What the driver is still to be told of a port, in this order. */
enum notice {
    NOTICE_ADD = 1,
    NOTICE_CONSOLE = 2,
    NOTICE_NAME = 4,
    NOTICE_CLOSED = 8,
    NOTICE_OPEN = 16,
    NOTICES = 31,
};

struct port;
struct virtio_serial {
    struct virtio virtio;
    u32 max_ports;
    bool emergency;
    struct port *port[SERIAL_PORTS];
};

struct port {
    struct device dev;
    char *chardev, *name;
    s32 number; /* -1: the next free one */
    struct chardev *chr;
    struct virtio_serial *card;
    /* State. */
    u8 notices;
    bool made;        /* the driver said that it made the port */
    bool driver_open; /* the driver's side is open */
    bool host_open;   /* ours is; the driver was told, or will be */
    u32 tx_done;
};

static const struct option serial_options[] = {
    VIRTIO_OPTIONS(struct virtio_serial),
    OPTION_INT("max_ports", struct virtio_serial, max_ports, "31", 1, SERIAL_PORTS,
               "ports that fit"),
    OPTION_BOOL("emergency-write", struct virtio_serial, emergency, "on",
                "a register that writes to port 0 without queues"),
    OPTION_LAST,
};

static const struct option port_options[] = {
    OPTION_STRING("chardev", struct port, chardev, NULL, "backend of the port"),
    OPTION_STRING("name", struct port, name, NULL, "name that the guest sees"),
    OPTION_INT("nr", struct port, number, "-1", -1, SERIAL_PORTS - 1, "number (-1: the next)"),
    OPTION_LAST,
};

static bool is_console(const struct port *p)
{
    return !strcmp(p->dev.type->name, "virtconsole");
}

static struct vqueue *port_queue(const struct port *p, bool output)
{
    u32 n = (u32)p->number;
    return &p->card->virtio.queue[(n ? 2 * n + 2 : 0) + output];
}

/* Bytes may go: a driver without MULTIPORT cannot say that it opened the port. */
static bool port_runs(const struct port *p)
{
    const struct virtio *v = &p->card->virtio;
    return virtio_running(v) && (p->driver_open || !virtio_has(v, SERIAL_F_MULTIPORT));
}

/* ---- Notices to the driver ------------------------------------------------------------------- */

/* One message into the driver's next buffer. False: it has none. */
static bool send_control(struct virtio_serial *s, const struct port *p, u16 event, u16 value)
{
    struct vqueue *q = &s->virtio.queue[QUEUE_CONTROL_IN];
    u8 head[CONTROL_SIZE];
    struct vchain *c = vqueue_pop(q);
    if (!c)
        return false;
    store_le(head, (u32)p->number, 4);
    store_le(head + 4, event, 2);
    store_le(head + 6, value, 2);
    u64 n = vchain_write(c, 0, head, sizeof(head));
    if (event == EVENT_PORT_NAME)
        n += vchain_write(c, n, p->name, strlen(p->name) + 1);
    vqueue_push(q, c, (u32)n);
    return true;
}

static bool send_notice(struct virtio_serial *s, struct port *p, enum notice n)
{
    switch (n) {
    case NOTICE_ADD: return send_control(s, p, EVENT_PORT_ADD, 1);
    case NOTICE_CONSOLE: return send_control(s, p, EVENT_CONSOLE_PORT, 1);
    case NOTICE_NAME: return send_control(s, p, EVENT_PORT_NAME, 1);
    case NOTICE_CLOSED: return send_control(s, p, EVENT_PORT_OPEN, 0);
    default: return send_control(s, p, EVENT_PORT_OPEN, 1);
    }
}

static bool send_notices(struct virtio_serial *s, struct port *p)
{
    while (p->notices) {
        u8 next = p->notices & (u8)-p->notices;
        if (!send_notice(s, p, next))
            return false;
        p->notices &= (u8)~next;
    }
    return true;
}

static void tell_driver(struct virtio_serial *s)
{
    struct vqueue *q = &s->virtio.queue[QUEUE_CONTROL_IN];
    if (!virtio_running(&s->virtio) || !virtio_has(&s->virtio, SERIAL_F_MULTIPORT))
        return;
    bool room = true;
    for (u32 i = 0; i < s->max_ports && room; i++) {
        while (s->port[i] && !send_notices(s, s->port[i]) && room)
            room = !vqueue_empty(q);
    }
    vqueue_notify(q);
}

/* Our side was opened or closed. The driver hears of every closing, unless it did not hear of the
 * opening. */
static void set_host_open(struct port *p, bool open)
{
    if (p->host_open == open)
        return;
    p->host_open = open;
    if (!p->made)
        return; /* it is told when it has */
    if (open)
        p->notices |= NOTICE_OPEN;
    else if (p->notices & NOTICE_OPEN)
        p->notices &= (u8)~NOTICE_OPEN;
    else
        p->notices |= NOTICE_CLOSED;
    vqueue_kick(&p->card->virtio.queue[QUEUE_CONTROL_IN]);
}

/* ---- Control from the driver ----------------------------------------------------------------- */

/* The driver has made the port: what it is. */
static void port_ready(struct port *p)
{
    p->made = true;
    p->notices &= (u8) ~(NOTICE_OPEN | NOTICE_CLOSED);
    if (is_console(p))
        p->notices |= NOTICE_CONSOLE;
    if (p->name)
        p->notices |= NOTICE_NAME;
    if (p->host_open)
        p->notices |= NOTICE_OPEN;
}

static void port_opened(struct port *p, bool open)
{
    p->driver_open = open;
    if (p->chr && open)
        chardev_ready(p->chr);
}

static void add_ports(struct virtio_serial *s)
{
    for (u32 i = 0; i < s->max_ports; i++) {
        if (!s->port[i])
            continue;
        s->port[i]->notices = NOTICE_ADD;
        s->port[i]->made = false;
    }
}

static void control(struct virtio_serial *s, const u8 *m)
{
    u64 number = load_le(m, 4), event = load_le(m + 4, 2), value = load_le(m + 6, 2);
    struct port *p = number < s->max_ports ? s->port[number] : NULL;
    if (event == EVENT_DEVICE_READY && value)
        add_ports(s);
    else if (event == EVENT_DEVICE_READY)
        device_guest_error(&s->virtio.dev, "its driver failed");
    else if (!p)
        device_guest_error(&s->virtio.dev, "control event for port %llu, which is not there",
                           (unsigned long long)number);
    else if (event == EVENT_PORT_READY && value)
        port_ready(p);
    else if (event == EVENT_PORT_READY)
        device_guest_error(&p->dev, "the driver failed to make the port");
    else if (event == EVENT_PORT_OPEN)
        port_opened(p, value);
    else
        device_guest_error(&s->virtio.dev, "control event %llu", (unsigned long long)event);
}

static void handle_control(struct virtio_serial *s, struct vqueue *q)
{
    u8 message[CONTROL_SIZE];
    struct vchain *c;
    do {
        while ((c = vqueue_pop(q))) {
            if (vchain_read(c, 0, message, sizeof(message)) == sizeof(message))
                control(s, message);
            else
                device_guest_error(&s->virtio.dev, "a control message is too short");
            vqueue_push(q, c, 0);
        }
    } while (!vqueue_empty(q));
    vqueue_notify(q);
    tell_driver(s);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static size_t offer(struct port *p, const u8 *data, size_t n)
{
    return p->chr ? chardev_offer(p->chr, data, n) : n;
}

/* The chain's bytes from tx_done on, at most *budget of them. True: all are gone. */
static bool send_chain(struct port *p, const struct vchain *c, u32 *budget)
{
    u8 piece[4096];
    while (p->tx_done < c->out_len && *budget) {
        u64 n = vchain_read(c, p->tx_done, piece, MIN(sizeof(piece), *budget));
        size_t taken = offer(p, piece, n);
        p->tx_done += (u32)taken;
        *budget -= (u32)taken;
        if (taken < n)
            break;
    }
    return p->tx_done >= c->out_len;
}

static void handle_output(struct port *p, struct vqueue *q)
{
    u32 budget = PORT_TURN;
    struct vchain *c;
    do {
        while ((c = vqueue_pop(q))) {
            if (c->out_len > UINT32_MAX) {
                virtio_broken(&p->card->virtio, "port %d: output of %llu bytes", p->number,
                              (unsigned long long)c->out_len);
            } else if (!send_chain(p, c, &budget)) {
                vqueue_unpop(q, c); /* later: by port_writable, or at once */
                if (!budget)
                    vqueue_kick(q);
                vqueue_notify(q);
                return;
            }
            p->tx_done = 0;
            vqueue_push(q, c, 0);
        }
    } while (!vqueue_empty(q));
    vqueue_notify(q);
}

static void port_writable(void *opaque)
{
    struct port *p = opaque;
    device_lock(&p->dev);
    vqueue_kick(port_queue(p, true));
    device_unlock(&p->dev);
}

/* Room in the driver's next buffer, which stays where it is. */
static size_t input_room(struct port *p)
{
    struct vqueue *q = port_queue(p, false);
    struct vchain *c = NULL;
    if (!port_runs(p))
        return 0;
    do
        c = vqueue_pop(q);
    while (!c && !vqueue_empty(q));
    if (!c)
        return 0;
    size_t room = c->in_len;
    vqueue_unpop(q, c);
    if (!room)
        virtio_broken(&p->card->virtio, "port %d: a buffer without room", p->number);
    return room;
}

static size_t port_room(void *opaque)
{
    struct port *p = opaque;
    device_lock(&p->dev);
    size_t room = input_room(p);
    device_unlock(&p->dev);
    return room;
}

static void port_receive(void *opaque, const u8 *data, size_t n)
{
    struct port *p = opaque;
    device_lock(&p->dev);
    struct vqueue *q = port_queue(p, false);
    struct vchain *c;
    while (n && port_runs(p) && (c = vqueue_pop(q))) {
        u64 done = vchain_write(c, 0, data, n);
        data += done;
        n -= done;
        vqueue_push(q, c, (u32)done);
    }
    vqueue_notify(q);
    device_unlock(&p->dev);
}

static void port_event(void *opaque, enum chardev_event event)
{
    struct port *p = opaque;
    if (event == CHARDEV_BREAK || is_console(p))
        return; /* a console is always there */
    device_lock(&p->dev);
    set_host_open(p, event == CHARDEV_OPENED);
    device_unlock(&p->dev);
}

/* ---- The card -------------------------------------------------------------------------------- */

static struct port *port_of_queue(struct virtio_serial *s, u32 index)
{
    u32 n = index < 2 ? 0 : index / 2 - 1;
    return n < s->max_ports ? s->port[n] : NULL;
}

static void serial_handle(struct virtio *v, struct vqueue *q)
{
    struct virtio_serial *s = (struct virtio_serial *)v;
    if (q->index == QUEUE_CONTROL_IN) {
        tell_driver(s);
        return;
    }
    if (q->index == QUEUE_CONTROL_OUT) {
        handle_control(s, q);
        return;
    }
    struct port *p = port_of_queue(s, q->index);
    if (!p)
        return;
    if (q->index & 1)
        handle_output(p, q);
    else if (p->chr)
        chardev_ready(p->chr);
}

/* struct virtio_console_config: cols 0, rows 2, max_nr_ports 4, emerg_wr 8. */
static void serial_get_config(struct virtio *v, u8 *c)
{
    store_le(c + 4, ((struct virtio_serial *)v)->max_ports, 4);
}

static void serial_set_config(struct virtio *v, const u8 *c)
{
    struct virtio_serial *s = (struct virtio_serial *)v;
    if (s->emergency && c[8] && s->port[0] && s->port[0]->chr)
        chardev_write(s->port[0]->chr, c + 8, 1);
}

static void serial_class_reset(struct virtio *v)
{
    struct virtio_serial *s = (struct virtio_serial *)v;
    for (u32 i = 0; i < s->max_ports; i++) {
        struct port *p = s->port[i];
        if (!p)
            continue;
        p->notices = 0;
        p->made = p->driver_open = false;
    }
}

static void serial_queue_reset(struct virtio *v, struct vqueue *q)
{
    struct port *p = port_of_queue((struct virtio_serial *)v, q->index);
    if (p && q == port_queue(p, true))
        p->tx_done = 0;
}

static const struct virtio_class serial_class = {
    .id = VIRTIO_CONSOLE,
    .queues = VIRTIO_QUEUES,
    .config_size = 12,
    .get_config = serial_get_config,
    .set_config = serial_set_config,
    .handle = serial_handle,
    .reset = serial_class_reset,
    .queue_reset = serial_queue_reset,
};

static int serial_realize(struct device *d, struct err *err)
{
    struct virtio_serial *s = (struct virtio_serial *)d;
    (void)err;
    if (s->max_ports > 1)
        s->virtio.host_features |= BIT(SERIAL_F_MULTIPORT);
    if (s->emergency)
        s->virtio.host_features |= BIT(SERIAL_F_EMERG_WRITE);
    virtio_realize(&s->virtio, &serial_class, s->max_ports > 1 ? 2 * (u16)s->max_ports + 2 : 2);
    return 0;
}

static void serial_unrealize(struct device *d)
{
    virtio_unrealize((struct virtio *)d);
}

static void serial_reset(struct device *d)
{
    virtio_reset((struct virtio *)d);
}

static int serial_plug(struct device *d, struct device *child, struct err *err)
{
    struct virtio_serial *s = (struct virtio_serial *)d;
    struct port *p = (struct port *)child;
    /* Port 0 is the one that drivers without MULTIPORT take for a console. */
    u32 n = p->number >= 0 ? (u32)p->number : !is_console(p);
    while (p->number < 0 && n < s->max_ports && s->port[n])
        n++;
    if (n >= s->max_ports)
        return err_set(err, EBUSY, "%s has %u ports (max_ports=)", d->id, s->max_ports);
    if (!n && !is_console(p))
        return err_set(err, EINVAL, "nr=0: the first port of %s can be a virtconsole only", d->id);
    if (s->port[n])
        return err_set(err, EBUSY, "nr=%u: %s has that port already", n, d->id);
    p->number = (s32)n;
    p->card = s;
    s->port[n] = p;
    p->host_open = is_console(p) || (p->chr && chardev_connected(p->chr));
    struct chardev_front front = {.room = port_room,
                                  .receive = port_receive,
                                  .event = port_event,
                                  .writable = port_writable,
                                  .opaque = p};
    if (p->chr && chardev_attach(p->chr, &front, err)) {
        s->port[n] = NULL;
        p->card = NULL;
        return -EBUSY;
    }
    /* Plugged into a running machine: the driver hears of it. */
    p->notices = s->virtio.status & VIRTIO_DRIVER_OK ? NOTICE_ADD : 0;
    vqueue_kick(&s->virtio.queue[QUEUE_CONTROL_IN]);
    return 0;
}

static int serial_post_load(void *obj, u32 version, struct err *err)
{
    (void)version;
    return virtio_post_load(obj, err);
}

static const struct state_table serial_state = {
    .name = "virtio-serial",
    .version = 1,
    .min_version = 1,
    .post_load = serial_post_load,
    .fields =
        (const struct state_field[]){STATE_STRUCT(struct virtio_serial, virtio, &virtio_state),
                                     STATE_END},
};

const struct device_type virtio_serial = {
    .name = "virtio-serial-device",
    .help = "virtio card with consoles and byte channels",
    .size = sizeof(struct virtio_serial),
    .bus = "virtio",
    .provides = "virtio-serial",
    .options = serial_options,
    .state = &serial_state,
    .realize = serial_realize,
    .unrealize = serial_unrealize,
    .reset = serial_reset,
    .plug = serial_plug,
};

/* ---- Ports ----------------------------------------------------------------------------------- */

static int port_realize(struct device *d, struct err *err)
{
    struct port *p = (struct port *)d;
    if (!p->chardev)
        return 0;
    p->chr = d->host->chardev(d->host->opaque, p->chardev);
    return p->chr ? 0 : err_set(err, ENOENT, "chardev=%s: no such character backend", p->chardev);
}

static void port_unrealize(struct device *d)
{
    struct port *p = (struct port *)d;
    if (!p->card)
        return;
    if (p->chr)
        (void)!chardev_attach(p->chr, NULL, NULL);
    device_lock(d);
    p->card->port[p->number] = NULL;
    device_unlock(d);
}

/* Our side may be another than it was where the state was saved: the driver hears of it. */
static int port_post_load(void *obj, u32 version, struct err *err)
{
    struct port *p = obj;
    (void)version;
    (void)err;
    if (p->card)
        set_host_open(p, is_console(p) || (p->chr && chardev_connected(p->chr)));
    if (p->chr)
        chardev_ready(p->chr);
    return 0;
}

static const struct state_table port_state = {
    .name = "virtio-serial-port",
    .version = 1,
    .min_version = 1,
    .post_load = port_post_load,
    .fields = (const struct state_field[]){STATE_U8_MAX(struct port, notices, NOTICES),
                                           STATE_BOOL(struct port, made),
                                           STATE_BOOL(struct port, driver_open),
                                           STATE_BOOL(struct port, host_open),
                                           STATE_U32(struct port, tx_done), STATE_END},
};

/* The card's reset is its ports'. */
#define PORT_TYPE(name_, help_)                                                                    \
    {                                                                                              \
        .name = name_, .help = help_, .size = sizeof(struct port), .bus = "virtio-serial",         \
        .options = port_options, .state = &port_state, .realize = port_realize,                    \
        .unrealize = port_unrealize,                                                               \
    }

const struct device_type virtconsole = PORT_TYPE("virtconsole", "virtio console");
const struct device_type virtserialport = PORT_TYPE("virtserialport", "virtio byte channel");
