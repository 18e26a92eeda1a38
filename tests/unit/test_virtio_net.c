/*
 * test_virtio_net.c - the network card between a driver model and a wire to this process: frames
 * both ways, merged buffers, frames that wait for buffers, receive filters, control queue, hostile
 * drivers and peers, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "backend/net/net.h"
#include "virtio_driver.h"

enum { RX, TX, CTRL, HEADER = 12 };
enum { F_MAC = 5, F_MRG_RXBUF = 15, F_STATUS = 16, F_CTRL_VQ = 17 };
enum { BUFFER = 2048, FRAME = 600 };

struct net_test {
    struct harness h;
    struct device *mmio, *card;
    struct netdev *net;
    struct virtio_driver v;
    int peer; /* the wire's other end */
    u64 tx, ctrl, rx[64];
};

static const u8 mac[6] = {0x52, 0x54, 0, 1, 2, 3};
static const char *const with[] = {"netdev=net0", "mac=52:54:00:01:02:03", "packed=on", NULL};

static void connect_wire(struct net_test *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    struct option_list list;
    struct err err = {0};
    char options[96];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(options, sizeof(options), "socket,id=net0,connect=127.0.0.1:%u", ntohs(a.sin_port));
    assert_int_equal(option_parse(&list, "-netdev", options, "type", &err), 0);
    t->net = netdev_open(t->h.loop, &t->h.clock, &list, &err);
    option_list_fini(&list);
    if (!t->net)
        fail_msg("%s", err.text);
    t->peer = accept(fd, NULL, NULL);
    assert_true(t->peer >= 0);
    close(fd);
    harness_add_backend(&t->h, "netdev", "net0", t->net);
}

static void start(struct net_test *t, u64 features)
{
    driver_start(&t->v, &t->h, t->mmio, features, 3, 64);
    t->tx = driver_alloc(&t->v, 80000);
    t->ctrl = driver_alloc(&t->v, 2048);
    for (unsigned i = 0; i < 64; i++)
        t->rx[i] = driver_alloc(&t->v, BUFFER);
}

static int setup(void **state)
{
    struct net_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    connect_wire(t);
    t->mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    t->card = harness_add(&t->h, "virtio-net-device", t->mmio, with);
    start(t, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED));
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct net_test *t = *state;
    harness_close(&t->h);
    netdev_close(t->net);
    close(t->peer);
    harness_end(&t->h);
    free(t);
    return 0;
}

/* ---- The wire -------------------------------------------------------------------------------- */

static void make_frame(u8 *f, u32 len, const u8 *to, u8 seed)
{
    memset(f, 0, len);
    memcpy(f, to, 6);
    for (u32 i = 6; i < len; i++)
        f[i] = (u8)(i * 3 + seed);
}

static void peer_sends(struct net_test *t, const u8 *frame, u32 len)
{
    u8 head[4];
    store_be(head, len, 4);
    assert_int_equal(send(t->peer, head, 4, 0), 4);
    assert_int_equal(send(t->peer, frame, len, 0), (ssize_t)len);
    for (unsigned i = 0; i < 4; i++) {
        usleep(200);
        harness_turn(&t->h);
    }
}

static u32 peer_receives(struct net_test *t, u8 *frame, u32 room)
{
    u8 head[4];
    struct timeval wait = {.tv_sec = 2};
    setsockopt(t->peer, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    assert_int_equal(recv(t->peer, head, 4, MSG_WAITALL), 4);
    u32 len = (u32)load_be(head, 4);
    assert_true(len <= room);
    assert_int_equal(recv(t->peer, frame, len, MSG_WAITALL), (ssize_t)len);
    return len;
}

static bool peer_hears(struct net_test *t)
{
    u8 b;
    harness_turn(&t->h);
    usleep(1000);
    return recv(t->peer, &b, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

/* ---- The driver ------------------------------------------------------------------------------ */

static void give_buffers(struct net_test *t, unsigned n, u32 size)
{
    for (unsigned i = 0; i < n; i++) {
        struct driver_piece p = {.addr = t->rx[i], .len = size, .write = true};
        memset(driver_ram(&t->v, t->rx[i]), 0xdd, BUFFER);
        driver_add(&t->v, &t->v.ring[RX], &p, 1, false);
    }
    driver_kick(&t->v, &t->v.ring[RX]);
}

static void transmit(struct net_test *t, const u8 *frame, u32 len, u32 piece)
{
    struct driver_piece p[48] = {{.addr = t->tx, .len = HEADER}};
    u16 n = 1, id;
    u32 used;
    memset(driver_ram(&t->v, t->tx), 0, HEADER);
    memcpy(driver_ram(&t->v, t->tx + HEADER), frame, len);
    for (u32 at = 0; at < len; at += piece)
        p[n++] = (struct driver_piece){.addr = t->tx + HEADER + at, .len = MIN(piece, len - at)};
    driver_add(&t->v, &t->v.ring[TX], p, n, false);
    driver_kick(&t->v, &t->v.ring[TX]);
    assert_true(driver_used(&t->v, &t->v.ring[TX], &id, &used));
    assert_int_equal(used, 0);
}

static u8 command(struct net_test *t, u8 class, u8 cmd, const void *data, u32 len)
{
    u16 id;
    u32 used;
    u8 *p = driver_ram(&t->v, t->ctrl);
    struct driver_piece pieces[] = {{.addr = t->ctrl, .len = 2 + len},
                                    {.addr = t->ctrl + 2000, .len = 1, .write = true}};
    p[0] = class;
    p[1] = cmd;
    p[2000] = 0xee;
    memcpy(p + 2, data, len);
    driver_add(&t->v, &t->v.ring[CTRL], pieces, 2, false);
    driver_kick(&t->v, &t->v.ring[CTRL]);
    assert_true(driver_used(&t->v, &t->v.ring[CTRL], &id, &used));
    assert_int_equal(used, 1);
    return p[2000];
}

static bool receives(struct net_test *t, const u8 *to)
{
    u8 frame[FRAME];
    u16 id;
    u32 len;
    make_frame(frame, FRAME, to, 1);
    peer_sends(t, frame, FRAME);
    return driver_used(&t->v, &t->v.ring[RX], &id, &len);
}

/* ---- Good ------------------------------------------------------------------------------------ */

static void test_transmit(void **state)
{
    struct net_test *t = *state;
    static const u32 lengths[] = {60, 14, 1514, 9000, 65000};
    u8 *frame = malloc(80000), *got = malloc(80000);
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        make_frame(frame, lengths[i], mac, (u8)i);
        transmit(t, frame, lengths[i], MAX(lengths[i] / 20, 5));
        assert_int_equal(peer_receives(t, got, 80000), lengths[i]);
        assert_memory_equal(got, frame, lengths[i]);
    }
    free(frame);
    free(got);
}

static void test_receive(void **state)
{
    struct net_test *t = *state;
    for (unsigned packed = 0; packed < 2; packed++) {
        u8 frame[1514];
        u16 id;
        u32 len;
        start(t, packed ? UINT64_MAX : UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED));
        give_buffers(t, 4, BUFFER);
        for (unsigned i = 0; i < 4; i++) {
            make_frame(frame, 1514 - i, mac, (u8)i);
            peer_sends(t, frame, 1514 - i);
            assert_true(driver_used(&t->v, &t->v.ring[RX], &id, &len));
            assert_int_equal(len, HEADER + 1514 - i);
            u8 *b = driver_ram(&t->v, t->rx[i]);
            assert_int_equal(load_le(b, 8) | load_le(b + 8, 2), 0);
            assert_int_equal(load_le(b + 10, 2), 1);
            assert_memory_equal(b + HEADER, frame, 1514 - i);
        }
        assert_int_equal(t->h.level[0], 1);
        driver_ack(&t->v);
    }
}

/* A frame larger than a buffer is spread over several. */
static void test_merged_buffers(void **state)
{
    struct net_test *t = *state;
    u8 frame[5000];
    u16 id;
    u32 len, done = 0;
    assert_true(driver_has(&t->v, F_MRG_RXBUF));
    give_buffers(t, 8, BUFFER);
    make_frame(frame, sizeof(frame), mac, 9);
    peer_sends(t, frame, sizeof(frame));
    for (unsigned i = 0; i < 3; i++) {
        u32 skip = i ? 0 : HEADER;
        assert_true(driver_used(&t->v, &t->v.ring[RX], &id, &len));
        assert_memory_equal(driver_ram(&t->v, t->rx[i] + skip), frame + done, len - skip);
        done += len - skip;
    }
    assert_int_equal(done, sizeof(frame));
    assert_int_equal(load_le(driver_ram(&t->v, t->rx[0] + 10), 2), 3);
    assert_false(driver_used(&t->v, &t->v.ring[RX], &id, &len));
}

/* No buffers: frames wait for them, in order. */
static void test_frames_wait(void **state)
{
    struct net_test *t = *state;
    u8 frame[FRAME];
    u16 id;
    u32 len;
    for (u8 i = 0; i < 10; i++) {
        make_frame(frame, FRAME, mac, i);
        peer_sends(t, frame, FRAME);
    }
    give_buffers(t, 3, BUFFER);
    give_buffers(t, 7, BUFFER);
    for (u8 i = 0; i < 10; i++) {
        assert_true(driver_wait(&t->v, &t->v.ring[RX], &id, &len));
        assert_int_equal(len, HEADER + FRAME);
    }
    assert_int_equal(t->net->queued, 0);
    assert_int_equal(t->net->dropped, 0);
}

/* A card without buffers holds the peer up, at last; nothing is lost, and the loop sleeps. */
static void test_peer_waits(void **state)
{
    struct net_test *t = *state;
    enum { MANY = 1000 };
    u8 frame[64], id8;
    u16 id;
    u32 len, got = 0;
    for (u32 i = 0; i < MANY; i++) {
        make_frame(frame, 60, mac, (u8)i);
        store_be(frame + 60, 60, 4); /* length and frame in one piece: quicker */
        u8 whole[64];
        memcpy(whole, frame + 60, 4);
        memcpy(whole + 4, frame, 60);
        assert_int_equal(send(t->peer, whole, 64, 0), 64);
    }
    for (unsigned i = 0; i < 50; i++)
        harness_turn(&t->h);
    assert_true(t->net->queued < NET_QUEUE);
    for (u32 round = 0; got < MANY && round < 1000; round++) {
        give_buffers(t, 50, BUFFER);
        while (driver_used(&t->v, &t->v.ring[RX], &id, &len)) {
            id8 = (u8)(6 * 3 + got++);
            assert_int_equal(len, HEADER + 60);
            assert_int_equal(driver_ram(&t->v, t->rx[(got - 1) % 50])[HEADER + 6], id8);
        }
    }
    assert_int_equal(got, MANY);
    assert_int_equal(t->net->dropped, 0);
}

/* Without merging: a frame that the next buffer cannot hold is dropped; what fits goes on. */
static void test_buffer_too_small(void **state)
{
    struct net_test *t = *state;
    u8 frame[1000];
    u16 id;
    u32 len;
    start(t, BIT(F_MAC));
    give_buffers(t, 2, 500);
    make_frame(frame, 1000, mac, 1);
    peer_sends(t, frame, 1000);
    assert_false(driver_used(&t->v, &t->v.ring[RX], &id, &len));
    make_frame(frame, 400, mac, 2);
    peer_sends(t, frame, 400);
    assert_true(driver_used(&t->v, &t->v.ring[RX], &id, &len));
    assert_int_equal(len, HEADER + 400);
    assert_int_equal(t->net->queued, 0);
}

static void test_configuration(void **state)
{
    struct net_test *t = *state;
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(harness_read(&t->h, t->mmio, 0x100 + i, 1), mac[i]);
    assert_int_equal(harness_read(&t->h, t->mmio, 0x106, 2), 1); /* link up */
    assert_true(driver_has(&t->v, F_CTRL_VQ) && driver_has(&t->v, F_STATUS));
}

static void test_filters(void **state)
{
    struct net_test *t = *state;
    static const u8 other[6] = {0x52, 0x54, 0, 9, 9, 9}, group[6] = {1, 0, 0x5e, 0, 0, 1};
    static const u8 all[6] = {255, 255, 255, 255, 255, 255};
    const u8 on = 1, off = 0;
    give_buffers(t, 40, BUFFER);
    assert_true(receives(t, other)); /* promiscuous until told otherwise */
    assert_int_equal(command(t, 0, 0, &off, 1), 0);
    assert_false(receives(t, other));
    assert_true(receives(t, mac));
    assert_true(receives(t, all));
    assert_false(receives(t, group));
    assert_int_equal(command(t, 0, 1, &on, 1), 0); /* all groups */
    assert_true(receives(t, group));
    assert_int_equal(command(t, 0, 1, &off, 1), 0);
    assert_int_equal(command(t, 0, 5, &on, 1), 0); /* no broadcast */
    assert_false(receives(t, all));
    u8 table[20] = {1, 0, 0, 0, [10] = 1};
    memcpy(table + 4, other, 6);
    memcpy(table + 14, group, 6);
    assert_int_equal(command(t, 1, 0, table, sizeof(table)), 0);
    assert_true(receives(t, other));
    assert_true(receives(t, group));
    assert_int_equal(command(t, 1, 1, other, 6), 0); /* an address of its own */
    assert_int_equal(harness_read(&t->h, t->mmio, 0x103, 1), 9);
    /* The next driver finds a new card. */
    start(t, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED));
    assert_int_equal(harness_read(&t->h, t->mmio, 0x103, 1), 1);
    give_buffers(t, 10, BUFFER);
    static const u8 unknown[6] = {0x52, 0x54, 0, 8, 8, 8};
    assert_true(receives(t, unknown));
    assert_true(receives(t, all));
}

/* ---- Bad ------------------------------------------------------------------------------------- */

static void test_bad_commands(void **state)
{
    struct net_test *t = *state;
    u8 table[8] = {0xff, 0xff, 0xff, 0xff};
    assert_int_equal(command(t, 0, 6, table, 1), 1);
    assert_int_equal(command(t, 77, 0, table, 1), 1);
    assert_int_equal(command(t, 0, 0, table, 0), 1); /* no value */
    assert_int_equal(command(t, 1, 1, table, 5), 1);
    assert_int_equal(command(t, 1, 0, table, 4), 1); /* four billion addresses */
    assert_int_equal(command(t, 1, 0, table, 3), 1);
    /* More than the card can hold: it takes all. */
    u8 many[4 + 65 * 6 + 4] = {65};
    const u8 off = 0, other[6] = {0x52, 0x54, 0, 7, 7, 7};
    assert_int_equal(command(t, 1, 0, many, sizeof(many)), 0);
    assert_int_equal(command(t, 0, 0, &off, 1), 0);
    give_buffers(t, 2, BUFFER);
    assert_true(receives(t, other));
    assert_false(driver_broken(&t->v));
}

static void test_bad_frames(void **state)
{
    struct net_test *t = *state;
    static const u32 lengths[] = {0, 11, 12, 12 + NET_FRAME_MAX + 1};
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        struct driver_piece p = {.addr = t->tx, .len = lengths[i]};
        start(t, UINT64_MAX);
        driver_add(&t->v, &t->v.ring[TX], &p, 1, false);
        driver_kick(&t->v, &t->v.ring[TX]);
        assert_true(driver_broken(&t->v));
    }
    assert_false(peer_hears(t));
}

/* Buffers of a few bytes: the header itself is spread. */
static void test_tiny_buffers(void **state)
{
    struct net_test *t = *state;
    u8 frame[100];
    u16 id;
    u32 len, sum = 0;
    give_buffers(t, 60, 5);
    make_frame(frame, 100, mac, 0);
    peer_sends(t, frame, 100);
    while (driver_used(&t->v, &t->v.ring[RX], &id, &len))
        sum += len;
    assert_true(sum <= HEADER + 100);
    assert_false(driver_broken(&t->v));
}

static void test_peer_lies(void **state)
{
    struct net_test *t = *state;
    u8 head[4] = {0xff, 0xff, 0xff, 0xff};
    give_buffers(t, 4, BUFFER);
    assert_int_equal(send(t->peer, head, 4, 0), 4);
    usleep(1000);
    harness_turn(&t->h);
    u8 frame[60];
    make_frame(frame, 60, mac, 0);
    transmit(t, frame, 60, 60); /* into a wire that is cut */
    assert_false(driver_broken(&t->v));
}

static void test_peer_goes(void **state)
{
    struct net_test *t = *state;
    u8 frame[60];
    close(t->peer);
    t->peer = -1;
    usleep(1000);
    harness_turn(&t->h);
    make_frame(frame, 60, mac, 0);
    for (unsigned i = 0; i < 10; i++)
        transmit(t, frame, 60, 60);
}

static void test_nothing_received_before_the_driver_is_there(void **state)
{
    struct net_test *t = *state;
    u16 id;
    u32 len;
    u8 frame[60];
    driver_put(&t->v, 0x070, 0);
    make_frame(frame, 60, mac, 0);
    peer_sends(t, frame, 60);
    start(t, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED));
    give_buffers(t, 2, BUFFER);
    harness_turn(&t->h);
    assert_false(driver_used(&t->v, &t->v.ring[RX], &id, &len));
}

static void expect_mac_refused(struct net_test *t, const char *text)
{
    struct err err = {0};
    const char *const p[] = {text, NULL};
    struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    assert_null(harness_realize(&t->h, harness_new(&t->h, "virtio-net-device", p), mmio, &err));
    assert_non_null(strstr(err.text, text));
}

static void test_refused(void **state)
{
    struct net_test *t = *state;
    expect_mac_refused(t, "mac=1:2:3");
    expect_mac_refused(t, "mac=01:00:00:00:00:00");
    expect_mac_refused(t, "mac=52:54:00:01:02:03:04");
    expect_mac_refused(t, "netdev=none");
}

static void test_state(void **state)
{
    struct net_test *t = *state;
    struct err err = {0};
    const u8 off = 0, other[6] = {0x52, 0x54, 0, 9, 9, 9};
    static const char *const packed[] = {"packed=on", NULL};
    command(t, 0, 0, &off, 1);
    give_buffers(t, 4, BUFFER);
    struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    struct device *card = harness_add(&t->h, "virtio-net-device", mmio, packed);
    assert_int_equal(harness_copy_state(t->card, card, &err), 0);
    char where[128];
    assert_true(state_equal(t->card->type->state, t->card, card, where, sizeof(where)));
    device_reset(t->card);
    assert_int_equal(harness_copy_state(card, t->card, &err), 0); /* and back, to its wire */
    assert_false(receives(t, other));
    assert_true(receives(t, mac));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_transmit),       TEST(test_receive),
        TEST(test_merged_buffers), TEST(test_frames_wait),
        TEST(test_peer_waits),     TEST(test_buffer_too_small),
        TEST(test_configuration),  TEST(test_filters),
        TEST(test_bad_commands),   TEST(test_bad_frames),
        TEST(test_tiny_buffers),   TEST(test_peer_lies),
        TEST(test_peer_goes),      TEST(test_nothing_received_before_the_driver_is_there),
        TEST(test_refused),        TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
