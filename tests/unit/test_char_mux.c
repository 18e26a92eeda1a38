/*
 * test_char_mux.c - one terminal for several fronts: what is typed reaches the focused one, whole
 * and in order, however the room for it changes; escapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "backend/char/char.h"

enum { TYPED = 3000 };

/* A front whose room changes between two questions, as a device's does that a CPU empties. */
struct sink {
    unsigned asked;
    size_t rooms[4];
    u8 data[2 * TYPED];
    size_t count;
};

static size_t sink_room(void *opaque)
{
    struct sink *s = opaque;
    return s->rooms[s->asked++ % ARRAY_SIZE(s->rooms)];
}

static void sink_receive(void *opaque, const u8 *data, size_t n)
{
    struct sink *s = opaque;
    assert_true(s->count + n <= sizeof(s->data));
    memcpy(s->data + s->count, data, n);
    s->count += n;
}

struct bench {
    struct loop *loop;
    struct chardev *below, *mux, *port[2];
    struct sink sink[2];
    bool quit;
};

static void note_quit(void *opaque)
{
    ((struct bench *)opaque)->quit = true;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct err err;
    b->loop = loop_create(&(struct loop_config){0}, &err);
    assert_non_null(b->loop);
    b->below = chardev_open_short(b->loop, "below", "-chardev", "null", &err);
    assert_non_null(b->below);
    b->mux = chardev_mux_over(b->below, note_quit, b, &err);
    assert_non_null(b->mux);
    for (unsigned i = 0; i < 2; i++) {
        struct chardev_front front = {
            .room = sink_room, .receive = sink_receive, .opaque = &b->sink[i]};
        b->port[i] = chardev_mux_port(b->mux, i ? "monitor" : "serial", &err);
        assert_non_null(b->port[i]);
        assert_int_equal(chardev_attach(b->port[i], &front, &err), 0);
        b->sink[i] = (struct sink){.rooms = {64, 64, 64, 64}};
    }
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    chardev_close(b->mux);
    loop_destroy(b->loop);
    free(b);
    return 0;
}

static void type(struct bench *b, const char *text, size_t n)
{
    chardev_deliver(b->below, (const u8 *)text, n);
}

/* Between "how much room" and "take it" the room grows, shrinks to nothing, comes back. */
static void test_room_changes(void **state)
{
    static const size_t patterns[][4] = {
        {0, 16, 1, 16}, {1, 64, 1, 64}, {16, 0, 16, 1}, {3, 5, 7, 2}};
    struct bench *b = *state;
    u8 text[TYPED];
    for (unsigned k = 0; k < ARRAY_SIZE(patterns); k++) {
        struct sink *s = &b->sink[0];
        s->count = 0;
        memcpy(s->rooms, patterns[k], sizeof(s->rooms));
        for (unsigned i = 0; i < TYPED; i++)
            text[i] = (u8)('a' + i % 26);
        for (unsigned i = 0; i < TYPED; i += 4) {
            type(b, (const char *)text + i, 4);
            chardev_ready(b->port[0]);
            loop_turn(b->loop, false);
        }
        for (unsigned i = 0; i < TYPED && s->count < TYPED; i++) {
            chardev_ready(b->port[0]);
            loop_turn(b->loop, false);
        }
        assert_int_equal(s->count, TYPED);
        assert_memory_equal(s->data, text, TYPED);
    }
}

static void test_escapes(void **state)
{
    struct bench *b = *state;
    type(b,
         "ab\x01"
         "ccd\x01\x01",
         8);
    assert_int_equal(b->sink[0].count, 2);
    assert_int_equal(b->sink[1].count, 3);
    assert_memory_equal(b->sink[1].data, "cd\x01", 3);
    assert_false(b->quit);
    type(b, "\x01x", 2);
    assert_true(b->quit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_room_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_escapes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
