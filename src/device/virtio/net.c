/*
 * net.c - virtio network card (virtio 1.2, section 5.1): one pair of queues, mergeable receive
 * buffers, control queue for receive modes.
 *
 * Each packet has a header {flags, gso_type, hdr_len, gso_size, csum_start, csum_offset,
 * num_buffers} of 12 bytes; no offloads are offered, so it is zero but for num_buffers, which a
 * legacy driver without mergeable buffers has not.
 */
#include <errno.h>
#include <stdlib.h>

#include "backend/net/net.h"
#include "base/host.h"
#include "device/virtio/virtio.h"

enum {
    NET_F_MTU = 3,
    NET_F_MAC = 5,
    NET_F_MRG_RXBUF = 15,
    NET_F_STATUS = 16,
    NET_F_CTRL_VQ = 17,
    NET_F_CTRL_RX = 18,
    NET_F_CTRL_MAC_ADDR = 23,
    NET_RX = 0,
    NET_TX = 1,
    NET_CTRL = 2,
    NET_QUEUES = 3,
    NET_HEADER = 12,
    NET_S_LINK_UP = 1,
    CTRL_RX = 0,
    CTRL_RX_NOBCAST = 5,
    CTRL_MAC = 1,
    CTRL_MAC_TABLE_SET = 0,
    CTRL_MAC_ADDR_SET = 1,
    CTRL_OK = 0,
    CTRL_ERR = 1,
    MAC_TABLE = 64,
};

struct virtio_net {
    struct virtio virtio;
    char *netdev, *mac_text;
    struct netdev *net;
    u8 mac[6];
    u8 first_mac[6];                /* as the user gave it: after a reset */
    bool mode[CTRL_RX_NOBCAST + 1]; /* promisc, allmulti, alluni, nomulti, nouni, nobcast */
    bool multicast_overflow, unicast_overflow;
    u32 unicast_count, multicast_count;
    u8 unicast[MAC_TABLE][6], multicast[MAC_TABLE][6];
    u8 *frame; /* of NET_FRAME_MAX + NET_HEADER bytes */
};

enum { MODE_PROMISC, MODE_ALLMULTI, MODE_ALLUNI, MODE_NOMULTI, MODE_NOUNI, MODE_NOBCAST };

static const struct option net_options[] = {
    VIRTIO_OPTIONS(struct virtio_net),
    OPTION_STRING("netdev", struct virtio_net, netdev, NULL, "network backend"),
    OPTION_STRING("mac", struct virtio_net, mac_text, NULL,
                  "Ethernet address (default: 52:54:00 and three random bytes)"),
    OPTION_LAST,
};

/* ---- Receive --------------------------------------------------------------------------------- */

static bool in_table(const u8 (*table)[6], u32 count, const u8 *mac)
{
    for (u32 i = 0; i < count; i++) {
        if (!memcmp(table[i], mac, 6))
            return true;
    }
    return false;
}

/* 5.1.6.5.1: does the card's filter take a frame for this address? */
static bool filter_takes(const struct virtio_net *n, const u8 *to)
{
    static const u8 broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (n->mode[MODE_PROMISC])
        return true;
    if (!memcmp(to, broadcast, 6))
        return !n->mode[MODE_NOBCAST];
    if (to[0] & 1)
        return !n->mode[MODE_NOMULTI] && (n->mode[MODE_ALLMULTI] || n->multicast_overflow ||
                                          in_table(n->multicast, n->multicast_count, to));
    if (n->mode[MODE_NOUNI])
        return false;
    return n->mode[MODE_ALLUNI] || n->unicast_overflow || !memcmp(to, n->mac, 6) ||
           in_table(n->unicast, n->unicast_count, to);
}

static u32 header_size(const struct virtio_net *n)
{
    bool short_one = n->virtio.legacy && !virtio_has(&n->virtio, NET_F_MRG_RXBUF);
    return short_one ? NET_HEADER - 2 : NET_HEADER;
}

enum { CHAINS_MAX = 64 };

/* Chains that hold len bytes; 0: not enough now (all are put back) or the guest's buffers are too
 * small for it. */
static u32 gather(struct vqueue *q, u64 len, bool merge, struct vchain **chains, bool *too_small)
{
    u64 room = 0;
    u32 count = 0;
    *too_small = false;
    while (room < len && count < (merge ? CHAINS_MAX : 1)) {
        struct vchain *c = vqueue_pop(q);
        if (!c)
            break;
        chains[count++] = c;
        room += c->in_len;
    }
    if (room >= len)
        return count;
    *too_small = count == (merge ? CHAINS_MAX : 1);
    while (count)
        vqueue_unpop(q, chains[--count]);
    return 0;
}

/* host->lock held. */
static bool receive_locked(struct virtio_net *n, const u8 *frame, size_t len)
{
    struct vqueue *q = &n->virtio.queue[NET_RX];
    struct vchain *chains[CHAINS_MAX];
    u8 header[NET_HEADER] = {0};
    bool too_small;
    if (!virtio_running(&n->virtio) || !q->ready || len < 14 || !filter_takes(n, frame))
        return true; /* a card that is off, or does not listen to it: gone */
    u64 total = header_size(n) + len;
    u32 count = gather(q, total, virtio_has(&n->virtio, NET_F_MRG_RXBUF), chains, &too_small);
    if (!count && vqueue_empty(q) && !too_small)
        return false;
    if (!count && !too_small)
        count = gather(q, total, virtio_has(&n->virtio, NET_F_MRG_RXBUF), chains, &too_small);
    if (!count)
        return too_small;
    store_le(header + 10, count, 2);
    u64 done = 0;
    for (u32 i = 0; i < count; i++) {
        u64 part = 0;
        if (i == 0)
            part = vchain_write(chains[0], 0, header, header_size(n));
        u64 body =
            vchain_write(chains[i], part, frame + done, MIN(len - done, chains[i]->in_len - part));
        done += body;
        vqueue_push(q, chains[i], (u32)(part + body));
    }
    vqueue_notify(q);
    return true;
}

static bool net_receive(void *card, const u8 *frame, size_t len)
{
    struct virtio_net *n = card;
    device_lock(&n->virtio.dev);
    bool taken = receive_locked(n, frame, len);
    device_unlock(&n->virtio.dev);
    return taken;
}

/* ---- Transmit -------------------------------------------------------------------------------- */

static void transmit(struct virtio_net *n, struct vqueue *q)
{
    struct vchain *c;
    do {
        while ((c = vqueue_pop(q))) {
            u32 header = header_size(n);
            if (c->out_len <= header || c->out_len > header + NET_FRAME_MAX) {
                virtio_broken(&n->virtio, "a frame of %llu bytes", (unsigned long long)c->out_len);
                vqueue_push(q, c, 0);
                return;
            }
            u64 len = vchain_read(c, header, n->frame, NET_FRAME_MAX);
            vqueue_push(q, c, 0);
            if (n->net) {
                /* The backend may answer at once, which takes the lock. */
                device_unlock(&n->virtio.dev);
                netdev_send(n->net, n->frame, len);
                device_lock(&n->virtio.dev);
            }
        }
    } while (!vqueue_empty(q));
    vqueue_notify(q);
}

/* ---- Control --------------------------------------------------------------------------------- */

/* A table {u32 count, mac[count]} at *offset; more than fit: overflow, which takes all. */
static bool read_table(struct vchain *c, u64 *offset, u8 (*table)[6], u32 *count, bool *overflow)
{
    u8 word[4];
    if (vchain_read(c, *offset, word, 4) != 4)
        return false;
    u64 n = load_le(word, 4);
    *offset += 4;
    if (n * 6 > c->out_len - *offset)
        return false;
    *overflow = n > MAC_TABLE;
    *count = *overflow ? 0 : (u32)n;
    vchain_read(c, *offset, table, *count * 6);
    *offset += n * 6;
    return true;
}

static bool control(struct virtio_net *n, struct vchain *c)
{
    u8 head[2], value;
    u64 offset = 2;
    if (vchain_read(c, 0, head, 2) != 2)
        return false;
    if (head[0] == CTRL_RX && head[1] <= CTRL_RX_NOBCAST) {
        if (vchain_read(c, 2, &value, 1) != 1)
            return false;
        n->mode[head[1]] = value != 0;
        return true;
    }
    if (head[0] == CTRL_MAC && head[1] == CTRL_MAC_ADDR_SET)
        return vchain_read(c, 2, n->mac, 6) == 6;
    if (head[0] == CTRL_MAC && head[1] == CTRL_MAC_TABLE_SET)
        return read_table(c, &offset, n->unicast, &n->unicast_count, &n->unicast_overflow) &&
               read_table(c, &offset, n->multicast, &n->multicast_count, &n->multicast_overflow);
    return false;
}

static void handle_control(struct virtio_net *n, struct vqueue *q)
{
    struct vchain *c;
    do {
        while ((c = vqueue_pop(q))) {
            u8 ack = control(n, c) ? CTRL_OK : CTRL_ERR;
            vqueue_push(q, c, (u32)vchain_write(c, 0, &ack, 1));
        }
    } while (!vqueue_empty(q));
    vqueue_notify(q);
}

static void net_handle(struct virtio *v, struct vqueue *q)
{
    struct virtio_net *n = (struct virtio_net *)v;
    if (q->index == NET_CTRL)
        handle_control(n, q);
    else if (q->index == NET_TX)
        transmit(n, q);
    else if (n->net)
        netdev_ready(n->net);
}

/* ---- Configuration --------------------------------------------------------------------------- */

static void net_get_config(struct virtio *v, u8 *c)
{
    struct virtio_net *n = (struct virtio_net *)v;
    memcpy(c, n->mac, 6);
    store_le(c + 6, n->net ? NET_S_LINK_UP : 0, 2);
    store_le(c + 8, 1, 2);
}

/* What the last driver said through the control queue is forgotten, whoever resets. */
static void net_class_reset(struct virtio *v)
{
    struct virtio_net *n = (struct virtio_net *)v;
    memcpy(n->mac, n->first_mac, 6);
    memset(n->mode, 0, sizeof(n->mode));
    n->mode[MODE_PROMISC] = true; /* until a driver sets its filters (5.1.6.5.1) */
    n->unicast_count = n->multicast_count = 0;
    n->unicast_overflow = n->multicast_overflow = false;
}

static const struct virtio_class net_class = {
    .id = VIRTIO_NET,
    .queues = NET_QUEUES,
    .config_size = 10,
    .features = BIT(NET_F_MAC) | BIT(NET_F_MRG_RXBUF) | BIT(NET_F_STATUS) | BIT(NET_F_CTRL_VQ) |
                BIT(NET_F_CTRL_RX) | BIT(NET_F_CTRL_MAC_ADDR),
    .get_config = net_get_config,
    .handle = net_handle,
    .reset = net_class_reset,
};

/* ---- Life ------------------------------------------------------------------------------------ */

static int parse_mac(const char *text, u8 *mac, struct err *err)
{
    unsigned m[6];
    int end = 0;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5], &end) !=
            6 ||
        text[end])
        return err_set(err, EINVAL, "mac=%s: accepted is XX:XX:XX:XX:XX:XX", text);
    if (m[0] & 1)
        return err_set(err, EINVAL, "mac=%s: is a multicast address", text);
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (u8)m[i];
    return 0;
}

static int net_realize(struct device *d, struct err *err)
{
    struct virtio_net *n = (struct virtio_net *)d;
    static const u8 local_prefix[3] = {0x52, 0x54, 0x00};
    memcpy(n->first_mac, local_prefix, 3);
    host_random(n->first_mac + 3, 3);
    int r = n->mac_text ? parse_mac(n->mac_text, n->first_mac, err) : 0;
    if (r)
        return r;
    n->frame = malloc(NET_FRAME_MAX + NET_HEADER);
    if (!n->frame)
        return err_set(err, ENOMEM, "no memory for a frame");
    if (n->netdev) {
        struct netdev *net = d->host->netdev(d->host->opaque, n->netdev);
        if (!net)
            return err_set(err, ENOENT, "netdev=%s: no such network backend", n->netdev);
        r = netdev_attach(net, net_receive, n, err);
        if (r)
            return r;
        n->net = net;
    }
    virtio_realize(&n->virtio, &net_class, NET_QUEUES);
    return 0;
}

static void net_unrealize(struct device *d)
{
    struct virtio_net *n = (struct virtio_net *)d;
    virtio_unrealize(&n->virtio);
    if (n->net)
        netdev_detach(n->net);
    free(n->frame);
}

static void net_reset(struct device *d)
{
    virtio_reset((struct virtio *)d);
}

static int net_post_load(void *obj, u32 version, struct err *err)
{
    struct virtio_net *n = obj;
    (void)version;
    int r = virtio_post_load(&n->virtio, err);
    if (!r && n->net)
        netdev_ready(n->net);
    return r;
}

static const struct state_table net_state = {
    .name = "virtio-net",
    .version = 1,
    .min_version = 1,
    .post_load = net_post_load,
    .fields =
        (const struct state_field[]){STATE_STRUCT(struct virtio_net, virtio, &virtio_state),
                                     STATE_BYTES(struct virtio_net, mac),
                                     STATE_BYTES(struct virtio_net, first_mac),
                                     STATE_BOOL_ARRAY(struct virtio_net, mode),
                                     STATE_BOOL(struct virtio_net, multicast_overflow),
                                     STATE_BOOL(struct virtio_net, unicast_overflow),
                                     STATE_U32_MAX(struct virtio_net, unicast_count, MAC_TABLE),
                                     STATE_U32_MAX(struct virtio_net, multicast_count, MAC_TABLE),
                                     STATE_BYTES(struct virtio_net, unicast),
                                     STATE_BYTES(struct virtio_net, multicast), STATE_END},
};

const struct device_type virtio_net = {
    .name = "virtio-net-device",
    .help = "virtio network card",
    .size = sizeof(struct virtio_net),
    .bus = "virtio",
    .options = net_options,
    .state = &net_state,
    .realize = net_realize,
    .unrealize = net_unrealize,
    .reset = net_reset,
};
