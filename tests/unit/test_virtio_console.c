/*
 * test_virtio_console.c - ports between a driver model and sockets: the control conversation, bytes
 * and flow control both ways, a driver without MULTIPORT, hostile drivers, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "backend/char/char.h"
#include "virtio_driver.h"

enum { RX0, TX0, CTRL_IN, CTRL_OUT, RX1, TX1 };
enum { READY, ADD, REMOVE, PORT_READY, CONSOLE, RESIZE, OPEN, NAME };
enum { F_MULTIPORT = 1, F_EMERG_WRITE = 2, BUFFER = 256, MESSAGE = 64 };

struct console_test {
    struct harness h;
    struct device *mmio, *card, *port[2];
    struct chardev *chr[2];
    int peer[2];
    struct virtio_driver v;
    u64 control, messages, data;
};

/* A backend that is a socket's server, and this test its client. */
static void make_line(struct console_test *t, unsigned n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct option_list list;
    struct err err = {0};
    char options[160], id[8];
    snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/guise-console-%d-%u", (int)getpid(), n);
    snprintf(id, sizeof(id), "line%u", n);
    snprintf(options, sizeof(options), "socket,id=%s,path=%s,server=on,wait=off", id, a.sun_path);
    assert_int_equal(option_parse(&list, "-chardev", options, "backend", &err), 0);
    t->chr[n] = chardev_open(t->h.loop, &list, &err);
    option_list_fini(&list);
    if (!t->chr[n] || chardev_start(t->chr[n], &err))
        fail_msg("%s", err.text);
    t->peer[n] = -1;
    harness_add_backend(&t->h, "chardev", id, t->chr[n]);
}

static void connect_peer(struct console_test *t, unsigned n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/guise-console-%d-%u", (int)getpid(), n);
    t->peer[n] = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(t->peer[n], (struct sockaddr *)&a, sizeof(a)), 0);
    harness_turn(&t->h);
}

static void disconnect_peer(struct console_test *t, unsigned n)
{
    close(t->peer[n]);
    t->peer[n] = -1;
    harness_turn(&t->h);
}

static void add_devices(struct console_test *t)
{
    static const char *const card[] = {"max_ports=4", "packed=on", NULL};
    static const char *const console[] = {"chardev=line0", NULL};
    static const char *const channel[] = {"chardev=line1", "name=org.test.0", NULL};
    t->mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    t->card = harness_add(&t->h, "virtio-serial-device", t->mmio, card);
    t->port[0] = harness_add(&t->h, "virtconsole", t->card, console);
    t->port[1] = harness_add(&t->h, "virtserialport", t->card, channel);
}

static void give_message_buffers(struct console_test *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct driver_piece p = {.addr = t->messages + MESSAGE * i, .len = MESSAGE, .write = true};
        driver_add(&t->v, &t->v.ring[CTRL_IN], &p, 1, false);
    }
    driver_kick(&t->v, &t->v.ring[CTRL_IN]);
}

static void start(struct console_test *t, u64 features)
{
    driver_start(&t->v, &t->h, t->mmio, features, 6, 16);
    t->control = driver_alloc(&t->v, 16);
    t->messages = driver_alloc(&t->v, MESSAGE * 16);
    t->data = driver_alloc(&t->v, 300000);
}

static int setup(void **state)
{
    struct console_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    make_line(t, 0);
    make_line(t, 1);
    connect_peer(t, 0);
    add_devices(t);
    start(t, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED));
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct console_test *t = *state;
    harness_close(&t->h);
    for (unsigned i = 0; i < 2; i++) {
        chardev_close(t->chr[i]);
        if (t->peer[i] >= 0)
            close(t->peer[i]);
    }
    harness_end(&t->h);
    free(t);
    return 0;
}

/* ---- Conversation ---------------------------------------------------------------------------- */

static void say_raw(struct console_test *t, u32 port, u16 event, u16 value, u32 len)
{
    struct driver_piece p = {.addr = t->control, .len = len};
    u8 *m = driver_ram(&t->v, t->control);
    u16 id;
    u32 used;
    store_le(m, port, 4);
    store_le(m + 4, event, 2);
    store_le(m + 6, value, 2);
    driver_add(&t->v, &t->v.ring[CTRL_OUT], &p, 1, false);
    driver_kick(&t->v, &t->v.ring[CTRL_OUT]);
    assert_true(driver_used(&t->v, &t->v.ring[CTRL_OUT], &id, &used));
}

static void say(struct console_test *t, u32 port, u16 event, u16 value)
{
    say_raw(t, port, event, value, 8);
}

static void hear(struct console_test *t, u32 port, u16 event, u16 value, const char *name)
{
    u16 id;
    u32 len;
    struct driver_ring *q = &t->v.ring[CTRL_IN];
    assert_true(driver_used(&t->v, q, &id, &len));
    const u8 *m = driver_ram(&t->v, load_le(driver_ram(&t->v, q->desc + 16 * (u64)id), 8));
    assert_int_equal(load_le(m, 4), port);
    assert_int_equal(load_le(m + 4, 2), event);
    assert_int_equal(load_le(m + 6, 2), value);
    assert_int_equal(len, 8 + (name ? strlen(name) + 1 : 0));
    if (name)
        assert_string_equal((const char *)m + 8, name);
}

static void hear_nothing(struct console_test *t)
{
    u16 id;
    u32 len;
    harness_turn(&t->h);
    assert_false(driver_used(&t->v, &t->v.ring[CTRL_IN], &id, &len));
}

/* Up to both ports open at the driver's side. */
static void converse(struct console_test *t)
{
    give_message_buffers(t, 16);
    say(t, 0, READY, 1);
    hear(t, 0, ADD, 1, NULL);
    hear(t, 1, ADD, 1, NULL);
    say(t, 0, PORT_READY, 1);
    hear(t, 0, CONSOLE, 1, NULL);
    hear(t, 0, OPEN, 1, NULL);
    say(t, 0, OPEN, 1);
    say(t, 1, PORT_READY, 1);
    hear(t, 1, NAME, 1, "org.test.0");
    say(t, 1, OPEN, 1);
    hear_nothing(t);
}

static void test_conversation(void **state)
{
    struct console_test *t = *state;
    assert_true(driver_has(&t->v, F_MULTIPORT));
    assert_int_equal(harness_read(&t->h, t->mmio, 0x104, 4), 4); /* ports at most */
    converse(t);
    connect_peer(t, 1);
    hear(t, 1, OPEN, 1, NULL);
    disconnect_peer(t, 1);
    hear(t, 1, OPEN, 0, NULL);
    /* A console is open whether or not anybody listens. */
    disconnect_peer(t, 0);
    hear_nothing(t);
}

/* Without buffers the messages wait, as few as say how things are. */
static void test_messages_wait(void **state)
{
    struct console_test *t = *state;
    for (unsigned i = 0; i < 1000; i++)
        say(t, 0, READY, 1);
    give_message_buffers(t, 1);
    hear(t, 0, ADD, 1, NULL);
    hear_nothing(t);
    give_message_buffers(t, 1);
    hear(t, 1, ADD, 1, NULL);
    for (unsigned i = 0; i < 100; i++)
        say(t, 1, PORT_READY, 1);
    connect_peer(t, 1);
    disconnect_peer(t, 1);
    connect_peer(t, 1);
    give_message_buffers(t, 8);
    hear(t, 1, NAME, 1, "org.test.0");
    hear(t, 1, OPEN, 1, NULL);
    hear_nothing(t);
}

/* A close that the driver has not heard of before the next opening is not lost. */
static void test_close_and_open(void **state)
{
    struct console_test *t = *state;
    connect_peer(t, 1);
    give_message_buffers(t, 4);
    say(t, 0, READY, 1);
    hear(t, 0, ADD, 1, NULL);
    hear(t, 1, ADD, 1, NULL);
    say(t, 1, PORT_READY, 1);
    hear(t, 1, NAME, 1, "org.test.0");
    hear(t, 1, OPEN, 1, NULL);
    disconnect_peer(t, 1);
    connect_peer(t, 1);
    give_message_buffers(t, 4);
    hear(t, 1, OPEN, 0, NULL);
    hear(t, 1, OPEN, 1, NULL);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void send_bytes(struct console_test *t, unsigned ring, u32 offset, u32 len)
{
    struct driver_piece p[2] = {{.addr = t->data + offset, .len = len / 2},
                                {.addr = t->data + offset + len / 2, .len = len - len / 2}};
    driver_add(&t->v, &t->v.ring[ring], p, 2, false);
    driver_kick(&t->v, &t->v.ring[ring]);
}

static void give_buffer(struct console_test *t, unsigned ring, u32 offset, u32 len)
{
    struct driver_piece p = {.addr = t->data + offset, .len = len, .write = true};
    driver_add(&t->v, &t->v.ring[ring], &p, 1, false);
    driver_kick(&t->v, &t->v.ring[ring]);
}

static void test_output(void **state)
{
    struct console_test *t = *state;
    char buf[32] = "";
    u16 id;
    u32 len;
    converse(t);
    memcpy(driver_ram(&t->v, t->data), "hello, world", 12);
    send_bytes(t, TX0, 0, 12);
    assert_true(driver_used(&t->v, &t->v.ring[TX0], &id, &len));
    assert_int_equal(recv(t->peer[0], buf, 31, MSG_DONTWAIT), 12);
    assert_string_equal(buf, "hello, world");
    /* Nobody at the other end: gone. */
    send_bytes(t, TX1, 0, 12);
    assert_true(driver_used(&t->v, &t->v.ring[TX1], &id, &len));
    connect_peer(t, 1);
    send_bytes(t, TX1, 0, 5);
    assert_int_equal(recv(t->peer[1], buf, 31, MSG_DONTWAIT), 5);
}

static void test_input(void **state)
{
    struct console_test *t = *state;
    u16 id;
    u32 len;
    assert_int_equal(send(t->peer[0], "typed ahead", 11, 0), 11);
    harness_turn(&t->h);
    converse(t);
    give_buffer(t, RX0, 0, 5);
    assert_true(driver_used(&t->v, &t->v.ring[RX0], &id, &len));
    assert_int_equal(len, 5);
    assert_memory_equal(driver_ram(&t->v, t->data), "typed", 5);
    give_buffer(t, RX0, 100, 100);
    assert_true(driver_used(&t->v, &t->v.ring[RX0], &id, &len));
    assert_int_equal(len, 6);
    assert_memory_equal(driver_ram(&t->v, t->data + 100), " ahead", 6);
    give_buffer(t, RX0, 200, 100);
    assert_false(driver_used(&t->v, &t->v.ring[RX0], &id, &len));
    assert_int_equal(send(t->peer[0], "x", 1, 0), 1);
    harness_turn(&t->h);
    assert_true(driver_used(&t->v, &t->v.ring[RX0], &id, &len));
    assert_int_equal(len, 1);
}

/* A port that the driver has not opened gets nothing, though it has given buffers. */
static void test_input_waits_for_open(void **state)
{
    struct console_test *t = *state;
    u16 id;
    u32 len;
    converse(t);
    say(t, 1, OPEN, 0);
    connect_peer(t, 1);
    give_buffer(t, RX1, 0, 100);
    assert_int_equal(send(t->peer[1], "abc", 3, 0), 3);
    harness_turn(&t->h);
    assert_false(driver_used(&t->v, &t->v.ring[RX1], &id, &len));
    say(t, 1, OPEN, 1);
    harness_turn(&t->h);
    assert_true(driver_used(&t->v, &t->v.ring[RX1], &id, &len));
    assert_int_equal(len, 3);
}

/* A peer that does not read holds the driver's chain; every byte comes, once and in order. */
static void test_output_waits(void **state)
{
    struct console_test *t = *state;
    enum { CHUNK = 100000, CHUNKS = 10 };
    u32 done = 0, chunks = 0, len;
    u16 id;
    u8 buf[8192];
    converse(t);
    for (u32 i = 0; i < CHUNK; i++)
        driver_ram(&t->v, t->data)[i] = (u8)(i * 13 + (i >> 8));
    /* Two chunks beyond each other, again and again. */
    for (u32 i = 0; i < 5; i++)
        send_bytes(t, TX0, 0, CHUNK);
    assert_true(t->v.ring[TX0].free_count < 16);
    for (u32 i = 5; i < CHUNKS;) {
        ssize_t n = recv(t->peer[0], buf, sizeof(buf), MSG_DONTWAIT);
        for (ssize_t k = 0; k < n; k++, done++) {
            u32 at = done % CHUNK;
            assert_int_equal(buf[k], (u8)(at * 13 + (at >> 8)));
        }
        harness_turn(&t->h);
        while (driver_used(&t->v, &t->v.ring[TX0], &id, &len))
            chunks++;
        if (chunks + 5 > i && n < 0) {
            send_bytes(t, TX0, 0, CHUNK);
            i++;
        }
    }
    for (unsigned i = 0; i < 10000 && done < CHUNK * CHUNKS; i++) {
        ssize_t n = recv(t->peer[0], buf, sizeof(buf), MSG_DONTWAIT);
        for (ssize_t k = 0; k < n; k++, done++) {
            u32 at = done % CHUNK;
            assert_int_equal(buf[k], (u8)(at * 13 + (at >> 8)));
        }
        harness_turn(&t->h);
    }
    assert_int_equal(done, CHUNK * CHUNKS);
    assert_int_equal(t->chr[0]->dropped, 0);
}

static void test_without_multiport(void **state)
{
    struct console_test *t = *state;
    char buf[8] = "";
    u16 id;
    u32 len;
    for (unsigned packed = 0; packed < 2; packed++) {
        driver_start(&t->v, &t->h, t->mmio, packed ? BIT(VIRTIO_F_RING_PACKED) : 0, 2, 8);
        t->data = driver_alloc(&t->v, 4096);
        memcpy(driver_ram(&t->v, t->data), "abcd", 4);
        send_bytes(t, TX0, 0, 4);
        assert_int_equal(recv(t->peer[0], buf, 7, MSG_DONTWAIT), 4);
        give_buffer(t, RX0, 100, 10);
        assert_int_equal(send(t->peer[0], "xyz", 3, 0), 3);
        harness_turn(&t->h);
        assert_true(driver_used(&t->v, &t->v.ring[RX0], &id, &len));
        assert_int_equal(len, 3);
    }
}

static void test_emergency_write(void **state)
{
    struct console_test *t = *state;
    char buf[8] = "";
    assert_true(driver_has(&t->v, F_EMERG_WRITE));
    driver_put(&t->v, 0x070, 0);
    harness_write(&t->h, t->mmio, 0x108, 'E', 4);
    assert_int_equal(recv(t->peer[0], buf, 7, MSG_DONTWAIT), 1);
    assert_string_equal(buf, "E");
}

/* ---- Bad ------------------------------------------------------------------------------------- */

static void test_bad_messages(void **state)
{
    struct console_test *t = *state;
    converse(t);
    say(t, 2, PORT_READY, 1);
    say(t, 4, OPEN, 1);
    say(t, UINT32_MAX, OPEN, 1);
    say(t, 0, 99, 1);
    say(t, 0, READY, 0);
    say(t, 0, PORT_READY, 0);
    say_raw(t, 0, READY, 1, 7);
    hear_nothing(t);
    assert_false(driver_broken(&t->v));
}

static void test_buffers_without_room(void **state)
{
    struct console_test *t = *state;
    converse(t);
    give_buffer(t, RX0, 0, 0);
    assert_int_equal(send(t->peer[0], "x", 1, 0), 1);
    harness_turn(&t->h);
    assert_true(driver_broken(&t->v));
    /* Messages that do not fit are cut. */
    start(t, UINT64_MAX);
    struct driver_piece p = {.addr = t->messages, .len = 3, .write = true};
    u16 id;
    u32 len;
    driver_add(&t->v, &t->v.ring[CTRL_IN], &p, 1, false);
    say(t, 0, READY, 1);
    assert_true(driver_used(&t->v, &t->v.ring[CTRL_IN], &id, &len));
    assert_int_equal(len, 3);
}

static void test_huge_output(void **state)
{
    struct console_test *t = *state;
    struct driver_piece p[16];
    converse(t);
    disconnect_peer(t, 0); /* swallows */
    for (unsigned i = 0; i < 16; i++)
        p[i] = (struct driver_piece){.addr = 0, .len = HARNESS_RAM};
    driver_add(&t->v, &t->v.ring[TX0], p, 16, false);
    u16 id;
    u32 len;
    driver_put(&t->v, 0x050, TX0);
    loop_turn(t->h.loop, false);
    assert_false(driver_used(&t->v, &t->v.ring[TX0], &id, &len)); /* a turn is short */
    assert_true(driver_wait(&t->v, &t->v.ring[TX0], &id, &len));
}

static void expect_refused(struct console_test *t, const char *type, const char *property,
                           const char *text)
{
    struct err err = {0};
    const char *const p[] = {property, NULL};
    assert_null(harness_realize(&t->h, harness_new(&t->h, type, p), t->card, &err));
    if (!strstr(err.text, text))
        fail_msg("%s", err.text);
}

static void test_ports_refused(void **state)
{
    struct console_test *t = *state;
    expect_refused(t, "virtserialport", "nr=0", "virtconsole only");
    expect_refused(t, "virtserialport", "nr=1", "has that port already");
    expect_refused(t, "virtserialport", "nr=4", "4 ports");
    expect_refused(t, "virtserialport", "chardev=line9", "chardev=line9");
    expect_refused(t, "virtconsole", "chardev=line0", "in use");
    harness_add(&t->h, "virtserialport", t->card, NULL);
    harness_add(&t->h, "virtserialport", t->card, NULL);
    expect_refused(t, "virtserialport", "name=x", "4 ports");
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_state(void **state)
{
    struct console_test *t = *state;
    struct err err = {0};
    static const char *const card[] = {"max_ports=4", "packed=on", NULL};
    converse(t);
    connect_peer(t, 1);
    hear(t, 1, OPEN, 1, NULL);
    struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    struct device *copy = harness_add(&t->h, "virtio-serial-device", mmio, card);
    struct device *port[2] = {harness_add(&t->h, "virtconsole", copy, NULL),
                              harness_add(&t->h, "virtserialport", copy, NULL)};
    assert_int_equal(harness_copy_state(t->mmio, mmio, &err), 0);
    assert_int_equal(harness_copy_state(t->card, copy, &err), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(harness_copy_state(t->port[i], port[i], &err), 0);
    device_reset(t->card);
    t->v.mmio = mmio;
    /* There is nobody at the channel's other end here: the driver hears of it. */
    harness_turn(&t->h);
    hear(t, 1, OPEN, 0, NULL);
    hear_nothing(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_conversation),
        TEST(test_messages_wait),
        TEST(test_close_and_open),
        TEST(test_output),
        TEST(test_input),
        TEST(test_input_waits_for_open),
        TEST(test_output_waits),
        TEST(test_without_multiport),
        TEST(test_emergency_write),
        TEST(test_bad_messages),
        TEST(test_buffers_without_room),
        TEST(test_huge_output),
        TEST(test_ports_refused),
        TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
