/*
 * test_uart16550.c - the 16550A against its data sheet: registers, FIFO, trigger levels, time-out,
 * interrupt priorities, loopback, flow control with the backend, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "backend/char/char.h"
#include "device_harness.h"

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
enum { DLAB = 0x80, FIFO_ON = 1 };

struct uart_test {
    struct harness h;
    struct device *d;
    struct chardev *chr;
    int fd; /* the host's end of the line */
};

static u8 get(struct uart_test *t, unsigned reg)
{
    return (u8)harness_read(&t->h, t->d, reg, 1);
}

static void put(struct uart_test *t, unsigned reg, u8 v)
{
    harness_write(&t->h, t->d, reg, v, 1);
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
    /* What the backend calls out is what the host reads. */
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
    t->d = harness_add(&t->h, "serial-mm", NULL, with);
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

/* What the guest sent; the pipe's other end is the backend's own. */
static void expect_sent(struct uart_test *t, const char *text)
{
    char buf[64] = "";
    ssize_t n = read(t->chr->out_fd, buf, sizeof(buf) - 1);
    assert_int_equal(n, (ssize_t)strlen(text));
    assert_string_equal(buf, text);
}

static void test_reset_values(void **state)
{
    struct uart_test *t = *state;
    put(t, IER, 15);
    put(t, LCR, 0x1b);
    put(t, SCR, 0x5a);
    device_reset(t->d);
    assert_int_equal(get(t, IER), 0);
    assert_int_equal(get(t, IIR), 1);
    assert_int_equal(get(t, LCR), 0);
    assert_int_equal(get(t, MCR), 0);
    assert_int_equal(get(t, LSR), 0x60);
    assert_int_equal(get(t, MSR) & 0xf0, 0xb0); /* CTS, DSR, DCD */
    assert_int_equal(get(t, SCR), 0);
}

static void test_scratch_and_divisor(void **state)
{
    struct uart_test *t = *state;
    put(t, SCR, 0xa5);
    assert_int_equal(get(t, SCR), 0xa5);
    put(t, LCR, DLAB | 3);
    put(t, 0, 0x34);
    put(t, 1, 0x12);
    assert_int_equal(get(t, 0), 0x34);
    assert_int_equal(get(t, 1), 0x12);
    put(t, LCR, 3);
    assert_int_equal(get(t, 1), 0); /* IER again */
}

static void test_transmit(void **state)
{
    struct uart_test *t = *state;
    for (const char *p = "hello"; *p; p++)
        put(t, 0, (u8)*p);
    expect_sent(t, "hello");
    assert_int_equal(get(t, LSR) & 0x60, 0x60);
}

static void test_transmit_interrupt(void **state)
{
    struct uart_test *t = *state;
    put(t, IER, 2);
    assert_int_equal(t->h.level[0], 1); /* empty already */
    assert_int_equal(get(t, IIR), 2);
    assert_int_equal(t->h.level[0], 0); /* reading it took it away */
    assert_int_equal(get(t, IIR), 1);
    put(t, 0, 'x');
    assert_int_equal(t->h.level[0], 1);
    put(t, IER, 0);
    assert_int_equal(t->h.level[0], 0);
}

static void test_receive_without_fifo(void **state)
{
    struct uart_test *t = *state;
    put(t, IER, 1);
    type(t, "ab");
    assert_int_equal(get(t, LSR) & 1, 1);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, IIR), 4);
    assert_int_equal(get(t, RBR), 'a');
    assert_int_equal(get(t, LSR) & 1, 0); /* one at a time */
    assert_int_equal(t->h.level[0], 0);
    harness_turn(&t->h);
    assert_int_equal(get(t, RBR), 'b');
    assert_int_equal(get(t, LSR) & 0x1f, 0); /* nothing was lost */
}

static void test_fifo_trigger_levels(void **state)
{
    static const unsigned levels[] = {1, 4, 8, 14};
    struct uart_test *t = *state;
    for (unsigned i = 0; i < 4; i++) {
        put(t, IIR, (u8)(FIFO_ON | 6 | i << 6));
        put(t, IER, 1);
        assert_int_equal(get(t, IIR), 0xc1);
        for (unsigned n = 1; n <= levels[i]; n++) {
            assert_int_equal(t->h.level[0], 0);
            type(t, "x");
        }
        assert_int_equal(t->h.level[0], 1);
        assert_int_equal(get(t, IIR), 0xc4);
        get(t, RBR);
        assert_int_equal(t->h.level[0], 0);
        put(t, IIR, 0);
    }
}

/* Fewer bytes than the level: the time-out interrupt, after four characters' time. */
static void test_fifo_timeout(void **state)
{
    struct uart_test *t = *state;
    put(t, LCR, DLAB);
    put(t, 0, 2); /* 3686400 / 16 / 2 = 115200 baud: 86.8 us a character */
    put(t, 1, 0);
    put(t, LCR, 3);
    put(t, IIR, FIFO_ON | 0xc0);
    put(t, IER, 1);
    type(t, "abc");
    harness_advance(&t->h, 300 * NS_PER_US);
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 60 * NS_PER_US);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, IIR), 0xcc);
    assert_int_equal(get(t, RBR), 'a');
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 400 * NS_PER_US);
    assert_int_equal(t->h.level[0], 1); /* two more wait */
    get(t, RBR);
    get(t, RBR);
    harness_advance(&t->h, 400 * NS_PER_US);
    assert_int_equal(t->h.level[0], 0);
}

/* The backend keeps what the FIFO has no room for. */
static void test_nothing_is_lost(void **state)
{
    struct uart_test *t = *state;
    char text[101], got[101];
    for (unsigned i = 0; i < 100; i++)
        text[i] = (char)('0' + i % 60);
    text[100] = got[100] = 0;
    put(t, IIR, FIFO_ON);
    type(t, text);
    for (unsigned i = 0; i < 100; i++) {
        if (!(get(t, LSR) & 1))
            harness_turn(&t->h);
        assert_int_equal(get(t, LSR) & 3, 1);
        got[i] = (char)get(t, RBR);
    }
    assert_string_equal(got, text);
}

static void test_fifo_reset(void **state)
{
    struct uart_test *t = *state;
    put(t, IIR, FIFO_ON);
    type(t, "abc");
    put(t, IIR, FIFO_ON | 2);
    assert_int_equal(get(t, LSR) & 1, 0);
    type(t, "d");
    assert_int_equal(get(t, RBR), 'd');
}

static void test_priorities(void **state)
{
    struct uart_test *t = *state;
    put(t, IER, 15);
    put(t, MCR, 0x10); /* loopback: the outputs are the inputs */
    put(t, 0, 'a');
    put(t, 0, 'b'); /* overrun without a FIFO */
    assert_int_equal(get(t, IIR), 6);
    assert_int_equal(get(t, LSR) & 3, 3);
    assert_int_equal(get(t, IIR), 4);
    assert_int_equal(get(t, RBR), 'a');
    assert_int_equal(get(t, IIR), 2);
    assert_int_equal(get(t, IIR), 1);
}

static void test_loopback_modem_lines(void **state)
{
    static const u8 out[] = {1, 2, 4, 8}, in[] = {0x20, 0x10, 0x40, 0x80};
    struct uart_test *t = *state;
    for (unsigned i = 0; i < 4; i++) {
        put(t, MCR, (u8)(0x10 | out[i]));
        assert_int_equal(get(t, MSR) & 0xf0, in[i]);
    }
    put(t, 0, 'x'); /* stays inside */
    assert_int_equal(get(t, RBR), 'x');
    char c;
    assert_true(read(t->chr->out_fd, &c, 1) < 0);
}

/* What comes in while looped back comes afterwards. */
static void test_input_after_loopback(void **state)
{
    struct uart_test *t = *state;
    put(t, MCR, 0x10);
    type(t, "q");
    assert_int_equal(get(t, LSR) & 1, 0);
    put(t, MCR, 0);
    harness_turn(&t->h);
    assert_int_equal(get(t, LSR) & 1, 1);
    assert_int_equal(get(t, RBR), 'q');
}

static void test_input_after_reset(void **state)
{
    struct uart_test *t = *state;
    type(t, "ab");
    device_reset(t->d);
    harness_turn(&t->h);
    assert_int_equal(get(t, RBR), 'b');
}

static void test_break(void **state)
{
    struct uart_test *t = *state;
    put(t, IER, 4);
    chardev_send_event(t->chr, CHARDEV_BREAK);
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, IIR), 6);
    assert_int_equal(get(t, LSR) & 0x11, 0x11);
    assert_int_equal(get(t, RBR), 0);
    assert_int_equal(t->h.level[0], 0);
}

static void test_wide_access(void **state)
{
    struct uart_test *t = *state;
    harness_write(&t->h, t->d, SCR, 0x7e, 1);
    u64 v = harness_read(&t->h, t->d, LCR, 1);
    assert_int_equal(v, 0);
    assert_int_equal(harness_read(&t->h, t->d, 4, 4) >> 24, 0x7e);
}

static void test_state(void **state)
{
    struct uart_test *t = *state;
    struct err err = {0};
    put(t, IIR, FIFO_ON | 0xc0);
    put(t, IER, 1);
    type(t, "abc");
    struct device *copy = harness_add(&t->h, "serial-mm", NULL, NULL);
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    device_reset(t->d);
    t->d = copy;
    assert_int_equal(t->h.level[0], 0);
    harness_advance(&t->h, 10 * NS_PER_MS); /* the time-out came along */
    assert_int_equal(t->h.level[0], 1);
    assert_int_equal(get(t, RBR), 'a');
    assert_int_equal(get(t, RBR), 'b');
    assert_int_equal(get(t, RBR), 'c');
    assert_int_equal(get(t, LSR) & 1, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_values),
        TEST(test_scratch_and_divisor),
        TEST(test_transmit),
        TEST(test_transmit_interrupt),
        TEST(test_receive_without_fifo),
        TEST(test_fifo_trigger_levels),
        TEST(test_fifo_timeout),
        TEST(test_nothing_is_lost),
        TEST(test_fifo_reset),
        TEST(test_priorities),
        TEST(test_loopback_modem_lines),
        TEST(test_input_after_loopback),
        TEST(test_input_after_reset),
        TEST(test_break),
        TEST(test_wide_access),
        TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
