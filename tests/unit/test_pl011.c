/*
 * test_pl011.c - the PL011 against its manual (Arm DDI 0183): registers, FIFO, trigger levels,
 * time-out, errors, interrupts, loopback, flow control with the backend, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "backend/char/char.h"
#include "device_harness.h"

enum {
    DR = 0x00,
    RSR = 0x04,
    FR = 0x18,
    ILPR = 0x20,
    IBRD = 0x24,
    FBRD = 0x28,
    LCR_H = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44,
    DMACR = 0x48,
    ID = 0xfe0,
};

enum { RXFE = 0x10, TXFF = 0x20, RXFF = 0x40, TXFE = 0x80 };
enum { RX = 0x10, TX = 0x20, RT = 0x40, BE = 0x200, OE = 0x400 };
enum { FEN = 0x10, ON = 0x301, LOOP = 0x80 };

struct uart_test {
    struct harness h;
    struct device *d;
    struct chardev *chr;
    int fd; /* the host's end of the line */
};

static u32 get(struct uart_test *t, u64 offset)
{
    return (u32)harness_read(&t->h, t->d, offset, 4);
}

static void put(struct uart_test *t, u64 offset, u32 v)
{
    harness_write(&t->h, t->d, offset, v, 4);
}

/* A line: a chardev over a pair of pipes. */
static void make_line(struct uart_test *t)
{
    struct option_list list;
    struct err err = {0};
    char path[] = "/tmp/guise-uart-XXXXXX", name[64], options[128];
    assert_non_null(mkdtemp(path));
    for (unsigned i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "%s/p.%s", path, i ? "out" : "in");
        assert_int_equal(mkfifo(name, 0600), 0);
    }
    snprintf(options, sizeof(options), "pipe,id=line,path=%s/p", path);
    assert_int_equal(option_parse(&list, "-chardev", options, "backend", &err), 0);
    t->chr = chardev_open(t->h.loop, &list, &err);
    option_list_fini(&list);
    assert_non_null(t->chr);
    snprintf(name, sizeof(name), "%s/p.in", path);
    t->fd = open(name, O_WRONLY | O_NONBLOCK);
    assert_true(t->fd >= 0);
    unlink(name);
    snprintf(name, sizeof(name), "%s/p.out", path);
    unlink(name);
    rmdir(path);
    harness_add_backend(&t->h, "chardev", "line", t->chr);
}

static int setup(void **state)
{
    struct uart_test *t = calloc(1, sizeof(*t));
    const char *const with[] = {"chardev=line", NULL};
    harness_open(&t->h);
    make_line(t);
    t->d = harness_add(&t->h, "pl011", NULL, with);
    put(t, CR, ON);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct uart_test *t = *state;
    harness_close(&t->h);
    chardev_close(t->chr);
    close(t->fd);
    harness_end(&t->h);
    free(t);
    return 0;
}

/* Comes in on the line. */
static void type(struct uart_test *t, const char *text)
{
    assert_int_equal(write(t->fd, text, strlen(text)), (ssize_t)strlen(text));
    harness_turn(&t->h);
}

static void type_many(struct uart_test *t, unsigned n)
{
    while (n--)
        type(t, "x");
}

/* What the guest sent; the pipe's other end is the backend's own. */
static void expect_sent(struct uart_test *t, const char *text)
{
    char buf[64] = "";
    ssize_t n = read(t->chr->out_fd, buf, sizeof(buf) - 1);
    assert_int_equal(n, (ssize_t)strlen(text));
    assert_string_equal(buf, text);
}

static void test_identification(void **state)
{
    static const u8 id[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    struct uart_test *t = *state;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(get(t, ID + 4 * i), id[i]);
}

static void test_reset_values(void **state)
{
    static const struct {
        u16 at, dirty, value;
    } reg[] = {
        {ILPR, 0xff, 0},    {IBRD, 0xffff, 0}, {FBRD, 0x3f, 0}, {LCR_H, 0xff, 0}, {CR, ON, 0x300},
        {IFLS, 0x24, 0x12}, {IMSC, 0x7ff, 0},  {DMACR, 7, 0},   {RSR, 0, 0},
    };
    struct uart_test *t = *state;
    for (unsigned i = 0; i < ARRAY_SIZE(reg); i++) {
        put(t, reg[i].at, reg[i].dirty);
        assert_int_equal(get(t, reg[i].at), reg[i].dirty);
    }
    put(t, DR, 'x');
    assert_int_equal(t->h.level[0], 1);
    device_reset(t->d);
    for (unsigned i = 0; i < ARRAY_SIZE(reg); i++)
        assert_int_equal(get(t, reg[i].at), reg[i].value);
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, RIS) & 0x7f0, 0);
    assert_int_equal(get(t, FR) & 0xf8, TXFE | RXFE);
}

/* Bits that are not there read as zero. */
static void test_widths(void **state)
{
    static const struct {
        u16 at;
        u32 bits;
    } reg[] = {{ILPR, 0xff}, {IBRD, 0xffff}, {FBRD, 0x3f}, {LCR_H, 0xff},
               {IFLS, 0x3f}, {IMSC, 0x7ff},  {DMACR, 7}};
    struct uart_test *t = *state;
    for (unsigned i = 0; i < ARRAY_SIZE(reg); i++) {
        put(t, reg[i].at, 0xffffffff);
        assert_int_equal(get(t, reg[i].at), reg[i].bits);
        put(t, reg[i].at, 0);
        assert_int_equal(get(t, reg[i].at), 0);
    }
}

static void test_transmit(void **state)
{
    struct uart_test *t = *state;
    put(t, IMSC, TX);
    assert_int_equal(t->h.level[0], 0); /* on a transition only */
    for (const char *p = "hello"; *p; p++)
        harness_write(&t->h, t->d, DR, (u8)*p, 1);
    expect_sent(t, "hello");
    assert_int_equal(get(t, FR) & (TXFE | TXFF), TXFE);
    assert_int_equal(get(t, MIS), TX);
    assert_int_equal(t->h.level[0], 1);
    put(t, ICR, TX);
    assert_int_equal(get(t, RIS), 0);
    assert_int_equal(t->h.level[0], 0);
}

static void test_receive_without_fifo(void **state)
{
    struct uart_test *t = *state;
    put(t, IMSC, RX);
    type(t, "ab");
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, FR) & (RXFE | RXFF), RXFF);
    assert_int_equal(get(t, DR), 'a');
    assert_int_equal(t->h.level[0], 0);
    harness_turn(&t->h);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, DR), 'b');
    assert_int_equal(get(t, FR) & (RXFE | RXFF), RXFE);
}

static void test_trigger_levels(void **state)
{
    static const u8 level[] = {4, 8, 16, 24, 28};
    struct uart_test *t = *state;
    put(t, LCR_H, FEN);
    put(t, IMSC, RX);
    for (unsigned i = 0; i < ARRAY_SIZE(level); i++) {
        put(t, IFLS, i << 3);
        type_many(t, level[i] - 1u);
        assert_int_equal(t->h.level[0], 0);
        type_many(t, 1);
        assert_int_equal(t->h.level[0], 1);
        assert_int_equal(get(t, DR), 'x');
        assert_int_equal(t->h.level[0], 0); /* below the level again */
        while (!(get(t, FR) & RXFE))
            get(t, DR);
    }
}

static void test_trigger_is_cleared(void **state)
{
    struct uart_test *t = *state;
    put(t, LCR_H, FEN);
    put(t, IFLS, 0);
    put(t, IMSC, RX);
    type_many(t, 5);
    put(t, ICR, RX);
    assert_int_equal(t->h.level[0], 0);
    type_many(t, 1);
    assert_int_equal(t->h.level[0], 1);
}

/* 32 bit times without a byte: at 115200 baud 277.8 us. */
static void test_timeout(void **state)
{
    struct uart_test *t = *state;
    put(t, IBRD, 13); /* 24 MHz / 16 / (13 + 1/64) */
    put(t, FBRD, 1);
    put(t, LCR_H, FEN);
    put(t, IMSC, RT);
    type(t, "ab");
    harness_advance(&t->h, 270 * NS_PER_US);
    type(t, "c"); /* begins anew */
    harness_advance(&t->h, 270 * NS_PER_US);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 10 * NS_PER_US);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, MIS), RT);
    get(t, DR);
    get(t, DR);
    assert_int_equal(t->h.level[0], 1); /* until the FIFO is empty */
    get(t, DR);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, NS_PER_SECOND);
    assert_int_equal(get(t, RIS), 0);
}

static void test_nothing_is_lost(void **state)
{
    struct uart_test *t = *state;
    char text[101], got[101];
    for (unsigned i = 0; i < 100; i++)
        text[i] = (char)('0' + i % 60);
    text[100] = got[100] = 0;
    put(t, LCR_H, FEN);
    type(t, text);
    assert_int_equal(get(t, FR) & RXFF, RXFF);
    for (unsigned i = 0; i < 100; i++) {
        if (get(t, FR) & RXFE)
            harness_turn(&t->h);
        got[i] = (char)get(t, DR);
    }
    assert_string_equal(got, text);
    assert_int_equal(get(t, RIS) & OE, 0);
}

static void test_fifo_goes_with_its_bit(void **state)
{
    struct uart_test *t = *state;
    put(t, LCR_H, FEN);
    type(t, "abc");
    put(t, LCR_H, 0);
    assert_int_equal(get(t, FR) & RXFE, RXFE);
    assert_int_equal(get(t, RIS) & (RX | RT), 0);
}

/* RSR says it at once and until it is written; DR with the next byte. */
static void test_overrun(void **state)
{
    struct uart_test *t = *state;
    put(t, CR, ON | LOOP);
    put(t, IMSC, OE);
    put(t, DR, 'a');
    assert_int_equal(get(t, RSR), 0);
    put(t, DR, 'b');
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, RSR), 8);
    assert_int_equal(get(t, DR), 0x800 | 'a');
    put(t, ICR, OE);
    assert_int_equal(t->h.level[0], 0);
    put(t, DR, 'c');
    assert_int_equal(get(t, DR), 'c');
    assert_int_equal(get(t, RSR), 8);
    put(t, RSR, 0);
    assert_int_equal(get(t, RSR), 0);
}

static void test_break(void **state)
{
    struct uart_test *t = *state;
    put(t, IMSC, BE);
    put(t, LCR_H, FEN);
    type(t, "a");
    chardev_send_event(t->chr, CHARDEV_BREAK);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, DR), 'a');
    assert_int_equal(get(t, RSR), 0);
    assert_int_equal(get(t, DR), 0x400);
    assert_int_equal(get(t, RSR), 4);
    put(t, ICR, BE);
    assert_int_equal(t->h.level[0], 0);
}

static void test_loopback(void **state)
{
    /* CR: DTR, RTS, Out1, Out2; FR: DSR, CTS, DCD, RI. */
    static const u16 out[] = {0x400, 0x800, 0x1000, 0x2000}, in[] = {2, 1, 4, 0x100};
    struct uart_test *t = *state;
    char c;
    for (unsigned i = 0; i < 4; i++) {
        put(t, CR, ON | LOOP | out[i]);
        assert_int_equal(get(t, FR) & 0x107, in[i]);
    }
    put(t, DR, 'x'); /* stays inside */
    assert_int_equal(get(t, DR), 'x');
    assert_true(read(t->chr->out_fd, &c, 1) < 0);
    type(t, "q"); /* waits outside */
    assert_int_equal(get(t, FR) & RXFE, RXFE);
    put(t, CR, ON);
    harness_turn(&t->h);
    assert_int_equal(get(t, DR), 'q');
}

static void test_no_backend(void **state)
{
    static const char *const with[] = {"chardev=none-such", NULL};
    struct uart_test *t = *state;
    struct err err = {0};
    assert_null(harness_realize(&t->h, harness_new(&t->h, "pl011", with), NULL, &err));
    assert_non_null(strstr(err.text, "none-such"));
    t->d = harness_add(&t->h, "pl011", NULL, NULL);
    put(t, DR, 'x');
    assert_int_equal(get(t, DR), 0);
}

static void test_state(void **state)
{
    struct uart_test *t = *state;
    struct err err = {0};
    put(t, LCR_H, FEN);
    put(t, IMSC, RT);
    put(t, IBRD, 13);
    type(t, "abc");
    struct device *copy = harness_add(&t->h, "pl011", NULL, NULL);
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    device_reset(t->d);
    t->d = copy;
    assert_int_equal(t->h.level[0], 0);
    assert_int_equal(get(t, IBRD), 13);
    harness_advance(&t->h, NS_PER_MS); /* the time-out came along */
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, DR), 'a');
    assert_int_equal(get(t, DR), 'b');
    assert_int_equal(get(t, DR), 'c');
    assert_int_equal(get(t, FR) & RXFE, RXFE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identification),
        TEST(test_reset_values),
        TEST(test_widths),
        TEST(test_transmit),
        TEST(test_receive_without_fifo),
        TEST(test_trigger_levels),
        TEST(test_trigger_is_cleared),
        TEST(test_timeout),
        TEST(test_nothing_is_lost),
        TEST(test_fifo_goes_with_its_bit),
        TEST(test_overrun),
        TEST(test_break),
        TEST(test_loopback),
        TEST(test_no_backend),
        TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
