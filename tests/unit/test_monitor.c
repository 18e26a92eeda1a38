/*
 * test_monitor.c - the monitor as a person meets it: keys and what the terminal shows, commands and
 * their answers, on a machine that has not been started.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>

#include "backend/char/char.h"
#include "control/monitor.h"

#define RAM    UINT64_C(0x80000000)
#define PROMPT "(guise) "

/* A terminal that keeps what it is shown; a slow one takes `room` bytes and then no more. */
struct terminal {
    struct chardev base;
    char shown[512 * KiB];
    size_t used, room;
    bool slow;
};

static size_t terminal_write(struct chardev *c, const u8 *data, size_t n)
{
    struct terminal *t = (struct terminal *)c;
    if (t->slow)
        n = MIN(n, t->room);
    t->room -= t->slow ? n : 0;
    assert_true(t->used + n < sizeof(t->shown));
    memcpy(t->shown + t->used, data, n);
    t->used += n;
    t->shown[t->used] = 0;
    return n;
}

static const struct chardev_kind terminal_kind = {
    .name = "terminal", .help = "", .size = sizeof(struct terminal), .write = terminal_write};

struct fixture {
    struct machine *m;
    struct terminal *t;
    struct monitor *mon;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct loop_config loop = {.force_poll = true};
    struct err err = {0};
    struct machine_config c = {
        .arch = "riscv64", .accel = "interp", .bios = "none", .cpus = 2, .ram_size = 16 * MiB};
    c.board = board_find("virt", c.arch, &err);
    f->m = machine_new(&loop, &err);
    if (!f->m || machine_init(f->m, &c, &err))
        return -1;
    f->t = (struct terminal *)chardev_new(f->m->loop, &terminal_kind);
    f->mon = monitor_open(f->m, &f->t->base, &err);
    *state = f;
    return f->mon ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    monitor_close(f->mon);
    chardev_close(&f->t->base);
    machine_free(f->m);
    free(f);
    return 0;
}

/* What is shown while keys are typed. */
static const char *type(struct fixture *f, const char *keys)
{
    f->t->used = 0;
    f->t->shown[0] = 0;
    chardev_deliver(&f->t->base, (const u8 *)keys, strlen(keys));
    return f->t->shown;
}

/* What a command answers, without the echo and the next prompt. */
static const char *ask(struct fixture *f, const char *command)
{
    static const char end[] = "\r\n" PROMPT;
    type(f, command);
    char *shown = f->t->shown;
    type(f, "\r");
    assert_true(f->t->used >= sizeof(PROMPT) - 1);
    assert_string_equal(shown + f->t->used - strlen(PROMPT), PROMPT);
    if (f->t->used < strlen(end) + 2)
        return "";
    shown[f->t->used - strlen(end)] = 0;
    return shown + 2;
}

static void expect(struct fixture *f, const char *command, const char *answer)
{
    assert_string_equal(ask(f, command), answer);
}

static void expect_within(struct fixture *f, const char *command, const char *part)
{
    const char *answer = ask(f, command);
    if (!strstr(answer, part))
        fail_msg("'%s' answers '%s', not '%s'", command, answer, part);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void test_typing(void **state)
{
    struct fixture *f = *state;
    const char *first = type(f, "info");
    assert_non_null(strstr(first, "Guise monitor"));
    assert_string_equal(first + strlen(first) - 12, PROMPT "info");
    assert_string_equal(type(f, "x\b"), "x\b \b");
    assert_string_equal(type(f, " version\r\n"), " version\r\nguise " GUISE_VERSION "\r\n" PROMPT);
    assert_string_equal(type(f, "\r"), "\r\n" PROMPT);
    assert_string_equal(type(f, "foo\003"), "foo^C\r\n" PROMPT);
}

/* Each is "print 1234" in the end. */
static void test_editing(void **state)
{
    struct fixture *f = *state;
    static const char *const ways[] = {
        "print 1234",
        "rubbish\025print 1234",
        "print 124\033[D3",
        "rint 1234\001p\005",
        "rint 1234\033[Hp\033[F",
        "print 12X34\033[D\033[D\b",
        "print 12X34\033[D\033[D\033[D\033[3~",
        "print 1234 foo\027\b",
        "print 1234foo\002\002\002\013",
        "pri\t1234",
    };
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
        expect(f, ways[i], "0x4d2");
    /* Keys that go nowhere: no change, no harm. */
    expect(f, "\033[A\033[A\033[A\025\033[B\033[B\033[C\033[D\b\b\027\004print 1234", "0x4d2");
}

static void test_history(void **state)
{
    struct fixture *f = *state;
    ask(f, "print 1");
    ask(f, "print 2");
    ask(f, "print 2");
    ask(f, "   ");
    expect(f, "\033[A", "0x2");
    expect(f, "\033[A\033[A", "0x1");
    expect(f, "\020\020\020\016\025print 7", "0x7");
    for (unsigned i = 0; i < 200; i++) {
        char line[32];
        snprintf(line, sizeof(line), "print %u", i);
        ask(f, line);
    }
    expect(f, "\033[A", "0xc7");
}

static void test_completion(void **state)
{
    struct fixture *f = *state;
    type(f, "\r");
    assert_string_equal(type(f, "sy\t"), "system_");
    assert_non_null(strstr(type(f, "\t"), "system_reset  system_powerdown\r\n"));
    type(f, "\025");
    assert_string_equal(type(f, "q\t"), "quit ");
    type(f, "\025");
    assert_string_equal(type(f, "info sta\t"), "info status ");
    type(f, "\025");
    assert_string_equal(type(f, "zz\t"), "zz");
}

/* More than a line holds, and every byte there is. */
static void test_any_bytes(void **state)
{
    struct fixture *f = *state;
    char line[4000];
    memset(line, 'a', sizeof(line) - 1);
    line[sizeof(line) - 1] = 0;
    type(f, line);
    expect_within(f, "", "unknown command 'aaaa");
    u64 x = 1;
    for (unsigned i = 0; i < 20000; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        char key[2] = {(char)(x >> 56), 0};
        if (key[0] != 'q' && key[0])
            type(f, key);
    }
    type(f, "aaaaa\025\r");
    expect(f, "print 1", "0x1");
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void test_expressions(void **state)
{
    struct fixture *f = *state;
    expect(f, "print 1+2*3", "0x7");
    expect(f, "p (1+2)*3", "0x9");
    expect(f, "p/d 2-3", "-1");
    expect(f, "p/u 010", "8");
    expect(f, "p/x ~0 & 0xff00 | 1<<4 ^ 1", "0xff11");
    expect(f, "p 0x100 >> 4 % 3", "0x80");
    expect(f, "p/c 'a'", "Error: ''a'': a number or $register is accepted there");
    expect(f, "p/x $pc + 4", "0x1004");
    expect_within(f, "p 1/0", "division by zero");
    expect_within(f, "p (1", "a ) is missing");
    expect_within(f, "p 1 2", "'2' is too much");
    expect_within(f, "p 12x", "'12x'");
    expect_within(f, "p", "a number or $register is missing");
    expect_within(f, "p 99999999999999999999", "accepted");
    expect_within(f, "p $pcc", "did you mean 'pc'?");
    expect_within(f, "p ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
                  "nested too deeply");
}

static void test_memory(void **state)
{
    struct fixture *f = *state;
    static const u8 bytes[16] = {1,    0xff, 'a',  '\n', 0xfe, 0xff,
                                 0xff, 0xff, 0x78, 0x56, 0x34, 0x12};
    memcpy(f->m->ram_block->host + 4096 - 8, bytes, sizeof(bytes)); /* over a page's end */
    expect(f, "xp/4bx 0x80000ff8", "0000000080000ff8: 0x01 0xff 0x61 0x0a");
    expect(f, "x /2xw 0x80000ffc", "0000000080000ffc: 0xfffffffe 0x12345678");
    expect(f, "x/1dw 0x80000ffc", "0000000080000ffc:         -2");
    expect(f, "x/1uh 0x80000ffc", "0000000080000ffc: 65534");
    expect(f, "x/1ob 0x80000ffc", "0000000080000ffc: 0376");
    expect(f, "x/3cb 0x80000ffa", "0000000080000ffa: 'a' '\\n' '\\xfe'");
    expect(f, "xp/1xg 0x80000ffc", "0000000080000ffc: 0x12345678fffffffe");
    expect_within(f, "x/2i $pc", "auipc t0,0\r\n0x0000000000001004:");
    /* A device's registers are not read, holes are told. */
    expect(f, "xp/1xb 0x10000000", "Error: no memory at physical address 0x10000000");
    expect(f, "x/1xb 0x10000000", "Error: no memory at virtual address 0x10000000");
    expect(f, "xp/1xg 0xfffffffffffffffc",
           "Error: no memory at physical address 0xfffffffffffffffc");
    expect_within(f, "x/0xb 0", "accepted is a count of 1 to");
    expect_within(f, "x/99999999999999999999b 0", "accepted is a count of 1 to");
    expect_within(f, "x/4z 0", "'/4z': accepted is");
    expect_within(f, "x/4xb", "missing");
}

static void test_info(void **state)
{
    struct fixture *f = *state;
    expect(f, "info status", "VM status: paused (prelaunch)");
    expect_within(f, "info cpus", "* CPU #0: rv64 stopped\r\n  CPU #1");
    expect(f, "cpu 1", "");
    expect_within(f, "info cpus", "* CPU #1");
    expect_within(f, "info registers", "cpu 1:");
    expect_within(f, "info registers -a", "cpu 0:");
    expect_within(f, "cpu 2", "there are 0 to 1");
    expect_within(f, "info mtree", "0000000080000000-0000000080ffffff (prio 0, ram)");
    expect_within(f, "info mtree -f", "FlatView");
    expect_within(f, "info mtree -x", "'-x': accepted is -f");
    expect_within(f, "info qtree", "id \"plic\"");
    expect_within(f, "info ramblock", "0x0000000001000000 bytes");
    expect_within(f, "info jit", "interp");
    expect_within(f, "info status x", "'x' is too much");
    expect_within(f, "info statux", "did you mean 'status'?");
    expect_within(f, "info", "info status -- ");
    expect_within(f, "help", "quit|q -- ");
    expect_within(f, "help info", "info status -- ");
    expect_within(f, "? stop", "stop|s -- ");
    expect_within(f, "hepl", "unknown command 'hepl' (help lists them); did you mean 'help'?");
}

static void test_log(void **state)
{
    struct fixture *f = *state;
    expect(f, "log int,mmu", "");
    assert_int_equal(f->m->log.items, LOG_INT | LOG_MMU);
    expect_within(f, "log imt", "no log item 'imt'");
    assert_int_equal(f->m->log.items, LOG_INT | LOG_MMU);
    expect_within(f, "log", "(on)");
    expect(f, "log none", "");
    assert_int_equal(f->m->log.items, 0);
}

static void test_run_state(void **state)
{
    struct fixture *f = *state;
    expect_within(f, "migrate exec:cat", "accepted is file:PATH");
    expect_within(f, "migrate", "accepted is file:PATH");
    expect_within(f, "stop now", "'now' is too much");
    expect(f, "cont", "");
    assert_int_equal(f->m->state, MACHINE_RUNNING);
    expect(f, "s", "");
    assert_int_equal(f->m->state, MACHINE_PAUSED);
    expect(f, "quit", "");
    loop_turn(f->m->loop, false);
    assert_true(f->m->ended);
}

/* A peer that takes little at a time gets all of it, and nothing is accepted meanwhile. */
static void test_slow_terminal(void **state)
{
    struct fixture *f = *state;
    f->t->slow = true;
    f->t->room = 1000;
    type(f, "xp/65536xb 0x80000000\r");
    assert_int_equal(f->t->used, 1000);
    assert_true(chardev_room(&f->t->base) == 0);
    while (!chardev_room(&f->t->base)) {
        f->t->room = 100000;
        loop_turn(f->m->loop, true);
    }
    assert_string_equal(f->t->shown + f->t->used - strlen(PROMPT), PROMPT);
    assert_non_null(strstr(f->t->shown, "\r\n000000008000fff8: 0x00"));
    f->t->slow = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_typing),    T(test_editing),     T(test_history),       T(test_completion),
        T(test_any_bytes), T(test_expressions), T(test_memory),        T(test_info),
        T(test_log),       T(test_run_state),   T(test_slow_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
