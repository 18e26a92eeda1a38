/*
 * test_state.c - state tables and streams: round trips, versions, hostile bytes, dumps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include "state/stream.h"

/* ---- An object with everything in it ---- */

struct queue {
    u16 last;
    bool ready;
    u64 ring[2];
};
struct part {
    u32 key;
    u8 *blob;
    u32 blob_size;
};
struct thing {
    u8 a;
    u16 b;
    u32 c;
    u64 d;
    bool on;
    _Atomic u32 level;
    u8 index; /* at most 5 */
    u32 matrix[2][3];
    bool flags[4];
    u8 mac[6];
    u8 fifo[16];
    u32 fifo_used;
    u8 *flash; /* sized by configuration */
    u64 flash_size;
    u32 *words; /* allocated */
    u16 word_count;
    struct queue queue, queues[3], *far;
    struct queue active[4];
    u8 active_count;
    struct part *parts;
    u32 part_count;
    u32 extra; /* in a subsection */
    unsigned loads, saves;
    int refuse;
};

static bool thing_has_extra(const void *obj)
{
    return ((const struct thing *)obj)->extra != 0;
}

static int thing_pre_save(void *obj, struct err *err)
{
    struct thing *t = obj;
    t->saves++;
    return 0;
}

static int thing_post_load(void *obj, u32 version, struct err *err)
{
    struct thing *t = obj;
    t->loads++;
    if (t->refuse > 0)
        return err_set(err, EINVAL, "c: 7 is unlucky");
    return t->refuse; /* without a text */
}

static const struct state_table queue_state = {
    .name = "queue",
    .version = 1,
    .min_version = 1,
    .fields =
        (const struct state_field[]){STATE_U16(struct queue, last), STATE_BOOL(struct queue, ready),
                                     STATE_U64_ARRAY(struct queue, ring), STATE_END}};

static const struct state_table part_state = {
    .name = "part",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_U32(struct part, key),
                                           STATE_BYTES_ALLOC(struct part, blob, blob_size, 100),
                                           STATE_END}};

static const struct state_table extra_state = {
    .name = "thing/extra",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_U32(struct thing, extra), STATE_END}};

#define THING_FIELDS                                                                               \
    STATE_U8(struct thing, a), STATE_U16(struct thing, b), STATE_U32(struct thing, c),             \
        STATE_BOOL(struct thing, on), STATE_U32(struct thing, level),                              \
        STATE_U8_MAX(struct thing, index, 5), STATE_U32_ARRAY(struct thing, matrix),               \
        STATE_BOOL_ARRAY(struct thing, flags), STATE_BYTES(struct thing, mac),                     \
        STATE_U8_COUNTED(struct thing, fifo, fifo_used),                                           \
        STATE_BYTES_POINTED(struct thing, flash, flash_size),                                      \
        STATE_U32_ALLOC(struct thing, words, word_count, 50),                                      \
        STATE_STRUCT(struct thing, queue, &queue_state),                                           \
        STATE_STRUCT_ARRAY(struct thing, queues, &queue_state),                                    \
        STATE_STRUCT_POINTER(struct thing, far, &queue_state),                                     \
        STATE_STRUCT_COUNTED(struct thing, active, active_count, &queue_state),                    \
        STATE_STRUCT_ALLOC(struct thing, parts, part_count, 8, &part_state),                       \
        STATE_SUBSECTION(&extra_state, thing_has_extra)

static const struct state_table thing_state = {
    .name = "thing",
    .version = 2,
    .min_version = 1,
    .pre_save = thing_pre_save,
    .post_load = thing_post_load,
    .fields = (const struct state_field[]){THING_FIELDS, STATE_U64(struct thing, d, STATE_SINCE(2)),
                                           STATE_END}};

static const struct state_table thing_v1_state = {
    .name = "thing",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){THING_FIELDS, STATE_END}};

static const struct state_table thing_future_state = {
    .name = "thing",
    .version = 3,
    .min_version = 1,
    .fields = (const struct state_field[]){THING_FIELDS, STATE_U64(struct thing, d, STATE_SINCE(2)),
                                           STATE_END}};

static void thing_init(struct thing *t)
{
    *t = (struct thing){.flash_size = 300};
    t->flash = calloc(1, t->flash_size);
    t->far = calloc(1, sizeof(*t->far));
}

static void thing_fini(struct thing *t)
{
    state_free(&thing_state, t);
    free(t->flash);
    free(t->far);
}

static void save(struct state_mem *m, const struct state_table *table, struct thing *t)
{
    struct err err;
    state_mem_init(m);
    struct state_writer *w = state_writer_new(&m->io, "a test", &err);
    assert_non_null(w);
    assert_int_equal(state_write_object(w, "/machine/thing", table, t, &err), 0);
    assert_int_equal(state_writer_end(w, &err), 0);
    state_writer_free(w);
}

/* Loads the first object of the bytes: -errno and err as the stream's. */
static int load_bytes(const void *data, size_t size, const struct state_table *table,
                      struct thing *t, struct err *err)
{
    struct state_mem m;
    struct state_section s;
    state_mem_borrow(&m, data, size);
    struct state_reader *r = state_reader_new(&m.io, err);
    if (!r)
        return -err->code;
    int ret = state_reader_next(r, &s, err);
    if (!ret && s.kind == STATE_SECTION_OBJECT)
        ret = state_read_object(r, table, t, err);
    if (!ret)
        ret = state_reader_next(r, &s, err);
    state_reader_free(r);
    return ret;
}

static int load(const struct state_mem *m, const struct state_table *table, struct thing *t,
                struct err *err)
{
    return load_bytes(m->data, m->size, table, t, err);
}

/* ---- Round trips ---- */

static void test_table_check(void **state)
{
    struct err err;
    assert_int_equal(state_table_check(&thing_state, &err), 0);
    const struct state_table twice = {
        .name = "t",
        .version = 1,
        .min_version = 1,
        .fields = (const struct state_field[]){STATE_U8(struct thing, a), STATE_U8(struct thing, a),
                                               STATE_END}};
    assert_int_equal(state_table_check(&twice, &err), -EINVAL);
    const struct state_table length = {
        /* a length listed by itself */
        .name = "t",
        .version = 1,
        .min_version = 1,
        .fields = (const struct state_field[]){STATE_U8_COUNTED(struct thing, fifo, fifo_used),
                                               STATE_U32(struct thing, fifo_used), STATE_END}};
    assert_int_equal(state_table_check(&length, &err), -EINVAL);
    assert_string_equal(err.text, "t.fifo_used: overlaps fifo");
    const struct state_table versions = {.name = "t",
                                         .version = 1,
                                         .min_version = 2,
                                         .fields = (const struct state_field[]){STATE_END}};
    assert_int_equal(state_table_check(&versions, &err), -EINVAL);
    const struct state_table since = {.name = "t",
                                      .version = 1,
                                      .min_version = 1,
                                      .fields = (const struct state_field[]){
                                          STATE_U8(struct thing, a, STATE_SINCE(2)), STATE_END}};
    assert_int_equal(state_table_check(&since, &err), -EINVAL);
}

static void test_round_trip(void **state)
{
    struct err err;
    char where[128];
    for (u64 seed = 1; seed < 200; seed++) {
        struct thing a, b;
        thing_init(&a);
        thing_init(&b);
        state_fill_random(&thing_state, &a, seed);
        state_fill_random(&thing_state, &b, seed + 1000);
        if (seed & 1)
            a.extra = b.extra = 0;
        if (!(seed & 1))
            b.extra = 0;
        assert_false(state_equal(&thing_state, &a, &b, where, sizeof(where)));
        struct state_mem m;
        save(&m, &thing_state, &a);
        assert_int_equal(a.saves, 1);
        assert_int_equal(load(&m, &thing_state, &b, &err), 0);
        assert_int_equal(b.loads, 1);
        if (!state_equal(&thing_state, &a, &b, where, sizeof(where)))
            fail_msg("seed %d: %s", (int)seed, where);
        assert_true(b.index <= 5);
        state_mem_fini(&m);
        thing_fini(&a);
        thing_fini(&b);
    }
}

static void test_equal(void **state)
{
    struct thing a, b;
    char where[128];
    thing_init(&a);
    thing_init(&b);
    assert_true(state_equal(&thing_state, &a, &b, where, sizeof(where)));
    b.queues[2].ring[1] = 5;
    assert_false(state_equal(&thing_state, &a, &b, where, sizeof(where)));
    assert_string_equal(where, "queues[2].ring[1]: 0x0, 0x5");
    b.queues[2].ring[1] = 0;
    b.fifo_used = 3;
    assert_false(state_equal(&thing_state, &a, &b, where, sizeof(where)));
    assert_string_equal(where, "fifo: 0x0, 0x3");
    b.fifo_used = 0;
    b.fifo[0] = 9; /* beyond the length: no difference */
    assert_true(state_equal(&thing_state, &a, &b, NULL, 0));
    b.extra = 1;
    assert_false(state_equal(&thing_state, &a, &b, where, sizeof(where)));
    thing_fini(&a);
    thing_fini(&b);
}

/* ---- Versions, refusals ---- */

struct trip {
    struct thing a, b;
    struct state_mem m;
    struct err err;
};

static void trip_init(struct trip *t)
{
    thing_init(&t->a);
    thing_init(&t->b);
    state_fill_random(&thing_state, &t->a, 42);
    t->a.extra = 0;
}

static void trip_fini(struct trip *t)
{
    state_mem_fini(&t->m);
    thing_fini(&t->a);
    thing_fini(&t->b);
}

static int trip(struct trip *t, const struct state_table *from, const struct state_table *to)
{
    save(&t->m, from, &t->a);
    return load(&t->m, to, &t->b, &t->err);
}

static void test_versions(void **state)
{
    struct trip t;
    trip_init(&t);
    t.b.d = 99;
    assert_int_equal(trip(&t, &thing_v1_state, &thing_state), 0);
    assert_int_equal(t.b.d, 99); /* not in the old stream: kept */
    assert_true(state_equal(&thing_v1_state, &t.a, &t.b, NULL, 0));
    trip_fini(&t);

    trip_init(&t);
    assert_int_equal(trip(&t, &thing_future_state, &thing_state), -ENOTSUP);
    assert_string_equal(t.err.text, "loading /machine/thing (thing): version 3; accepted: 1 to 2");
    trip_fini(&t);
}

/* One field of a table of its own, against thing. */
#define ONE(...)                                                                                   \
    {                                                                                              \
        .name = "thing", .version = 2, .min_version = 1, .fields = (const struct state_field[])    \
        {                                                                                          \
            __VA_ARGS__, STATE_END                                                                 \
        }                                                                                          \
    }

static void refused(const struct state_table *from, const struct state_table *to, const char *text)
{
    struct trip t;
    trip_init(&t);
    assert_true(trip(&t, from, to) < 0);
    assert_non_null(strstr(t.err.text, text));
    trip_fini(&t);
}

static void test_unknown(void **state)
{
    const struct state_table required = ONE(STATE_U8(struct thing, a), STATE_U32(struct thing, c));
    const struct state_table optional =
        ONE(STATE_U8(struct thing, a), STATE_U32(struct thing, c, STATE_OPTIONAL),
            STATE_STRUCT(struct thing, queue, &queue_state, STATE_OPTIONAL));
    const struct state_table small = ONE(STATE_U8(struct thing, a));
    refused(&required, &small, "field 'c' is not known here");
    refused(&small, &required, "field 'c' is missing");
    struct trip t;
    trip_init(&t);
    assert_int_equal(trip(&t, &optional, &small), 0);
    assert_int_equal(t.b.a, t.a.a);
    trip_fini(&t);
    trip_init(&t);
    assert_int_equal(trip(&t, &small, &optional), 0);
    trip_fini(&t);
    const struct state_table sub =
        ONE(STATE_U8(struct thing, a), STATE_SUBSECTION(&extra_state, thing_has_extra));
    trip_init(&t);
    t.a.extra = 1;
    assert_int_equal(trip(&t, &sub, &small), -ENOTSUP);
    assert_non_null(strstr(t.err.text, "subsection 'thing/extra'"));
    trip_fini(&t);
}

static void test_bounds(void **state)
{
    const struct state_table loose = ONE(STATE_U8(struct thing, index));
    const struct state_table tight = ONE(STATE_U8_MAX(struct thing, index, 5));
    struct trip t;
    trip_init(&t);
    t.a.index = 6;
    assert_int_equal(trip(&t, &loose, &tight), -EINVAL);
    assert_non_null(strstr(t.err.text, "index: the stream has 6; accepted: at most 5"));
    trip_fini(&t);

    /* An integer may grow, and shrink when it fits. */
    const struct state_table wide = ONE({.name = "x",
                                         .type = STATE_TYPE_UINT,
                                         .size = 8,
                                         .offset = offsetof(struct thing, d),
                                         .count = 1});
    const struct state_table narrow = ONE({.name = "x",
                                           .type = STATE_TYPE_UINT,
                                           .size = 2,
                                           .offset = offsetof(struct thing, b),
                                           .count = 1});
    trip_init(&t);
    assert_int_equal(trip(&t, &narrow, &wide), 0);
    assert_int_equal(t.b.d, t.a.b);
    trip_fini(&t);
    trip_init(&t);
    t.a.d = 65536;
    assert_int_equal(trip(&t, &wide, &narrow), -EINVAL);
    trip_fini(&t);

    const struct state_table byte = ONE({.name = "on",
                                         .type = STATE_TYPE_BYTES,
                                         .size = 1,
                                         .offset = offsetof(struct thing, a),
                                         .count = 1});
    const struct state_table truth = ONE(STATE_BOOL(struct thing, on));
    refused(&byte, &truth, "the stream has it as type 3");
}

static void test_counts(void **state)
{
    struct trip t;
    trip_init(&t);
    free(t.b.flash);
    t.b.flash_size = 200;
    t.b.flash = calloc(1, 200);
    assert_int_equal(trip(&t, &thing_state, &thing_state), -EINVAL);
    assert_non_null(strstr(t.err.text, "flash: the stream has 300 elements; accepted: 200"));
    trip_fini(&t);

    const struct state_table more = ONE(STATE_U32_ALLOC(struct thing, words, word_count, 50));
    const struct state_table fewer = ONE(STATE_U32_ALLOC(struct thing, words, word_count, 3));
    trip_init(&t);
    free(t.a.words);
    t.a.words = calloc(10, 4);
    t.a.word_count = 10;
    assert_int_equal(trip(&t, &more, &fewer), -EINVAL);
    assert_non_null(strstr(t.err.text, "accepted: at most 3"));
    trip_fini(&t);

    /* A device with a length beyond its array is refused when it is saved. */
    struct err err;
    struct state_mem m;
    trip_init(&t);
    t.a.fifo_used = 17;
    state_mem_init(&m);
    struct state_writer *w = state_writer_new(&m.io, "", &err);
    assert_int_equal(state_write_object(w, "/x", &thing_state, &t.a, &err), -EINVAL);
    assert_string_equal(err.text, "saving /x (thing): fifo: 17 elements, and room for 16");
    assert_int_equal(state_writer_end(w, &err), -EINVAL); /* sticks */
    state_writer_free(w);
    state_mem_fini(&m);
    t.a.fifo_used = 0;
    save(&t.m, &thing_state, &t.a);
    trip_fini(&t);
}

static void test_post_load(void **state)
{
    struct trip t;
    trip_init(&t);
    t.b.refuse = 1;
    assert_int_equal(trip(&t, &thing_state, &thing_state), -EINVAL);
    assert_string_equal(t.err.text, "loading /machine/thing (thing): c: 7 is unlucky");
    trip_fini(&t);
    trip_init(&t);
    t.b.refuse = -EPERM;
    assert_int_equal(trip(&t, &thing_state, &thing_state), -EPERM);
    trip_fini(&t);
}

/* ---- Bulk ---- */

static void test_bulk(void **state)
{
    enum { SIZE = 3 * 1024 * 1024 + 777 };
    struct err err;
    u8 *from = calloc(1, SIZE), *to = malloc(SIZE);
    memset(to, 0xee, SIZE);
    for (int i = 0; i < 300000; i++) /* pages 20..93 */
        from[80 * 1024 + i] = (u8)(i * 7 + 1);
    memset(from + SIZE - 1, 5, 1);
    FILE *f = tmpfile();
    struct state_fd fd;
    state_fd_init(&fd, fileno(f));
    struct state_writer *w = state_writer_new(&fd.io, "ram", &err);
    assert_int_equal(state_write_bulk(w, "/machine", "ram", 0x80000000, from, SIZE, &err), 0);
    assert_int_equal(state_writer_end(w, &err), 0);
    assert_int_equal(state_fd_flush(&fd, &err), 0);
    state_writer_free(w);
    state_fd_fini(&fd);
    assert_in_range(lseek(fileno(f), 0, SEEK_END), 300000, 330000); /* zero pages are not there */
    lseek(fileno(f), 0, SEEK_SET);

    state_fd_init(&fd, fileno(f));
    struct state_reader *r = state_reader_new(&fd.io, &err);
    assert_non_null(r);
    assert_string_equal(state_reader_info(r), "ram");
    struct state_section s;
    u64 next = 0x80000000;
    for (;;) {
        assert_int_equal(state_reader_next(r, &s, &err), 0);
        if (s.kind == STATE_SECTION_END)
            break;
        assert_int_equal(s.kind, STATE_SECTION_BULK);
        assert_string_equal(s.owner, "/machine");
        assert_int_equal(s.offset, next);
        next += s.length;
        assert_true(next <= 0x80000000 + SIZE);
        assert_int_equal(state_read_bulk(r, to + (s.offset - 0x80000000), &err), 0);
    }
    assert_int_equal(next, 0x80000000 + SIZE);
    assert_memory_equal(from, to, SIZE);
    state_reader_free(r);
    state_fd_fini(&fd);

    /* Nobody wants it: skipped. */
    lseek(fileno(f), 0, SEEK_SET);
    state_fd_init(&fd, fileno(f));
    r = state_reader_new(&fd.io, &err);
    do
        assert_int_equal(state_reader_next(r, &s, &err), 0);
    while (s.kind != STATE_SECTION_END);
    state_reader_free(r);
    state_fd_fini(&fd);
    fclose(f);
    free(from);
    free(to);
}

/* ---- Hostile bytes ---- */

static void test_damaged(void **state)
{
    struct trip t;
    trip_init(&t);
    save(&t.m, &thing_state, &t.a);
    /* Cut anywhere, or one bit turned: refused, each time. */
    for (size_t n = 0; n < t.m.size; n++) {
        struct err err = {0};
        u8 *copy = malloc(t.m.size);
        memcpy(copy, t.m.data, t.m.size);
        assert_true(load_bytes(copy, n, &thing_state, &t.b, &err) < 0);
        assert_true(err.code && *err.text);
        copy[n] ^= (u8)(1 << n % 8);
        assert_true(load_bytes(copy, t.m.size, &thing_state, &t.b, &err) < 0);
        free(copy);
    }
    struct err err;
    assert_int_equal(load_bytes("GUISEST?12345678", 16, &thing_state, &t.b, &err), -EINVAL);
    assert_string_equal(err.text, "this is not a state that Guise has saved");
    trip_fini(&t);
}

/* Puts right checksums on damaged bytes: header, one object, end. */
static void fix_checksums(u8 *p, size_t size)
{
    size_t header = 16 + load_le(p + 12, 4);
    store_le(p + header, crc32_z(0, p, header), 4);
    u8 *object = p + header + 4;
    size_t n = 5 + load_le(object + 1, 4);
    if (n + 4 <= size - header - 4)
        store_le(object + n, crc32_z(0, object, n), 4);
}

static void test_hostile(void **state)
{
    struct trip t;
    trip_init(&t);
    t.a.extra = 3;
    save(&t.m, &thing_state, &t.a);
    u64 seed = 7;
    unsigned loaded = 0;
    FILE *null = fopen("/dev/null", "w");
    for (int round = 0; round < 20000; round++) {
        u8 *copy = malloc(t.m.size);
        memcpy(copy, t.m.data, t.m.size);
        for (int i = 0; i < 1 + round % 4; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = 27 + (seed >> 33) % (t.m.size - 27); /* in the object's body */
            copy[at] = (seed >> 20) & 1 ? (u8)(seed >> 24) : copy[at] ^ (u8)(1 << (seed >> 24) % 8);
        }
        fix_checksums(copy, t.m.size);
        struct err err = {0};
        int ret = load_bytes(copy, t.m.size, &thing_state, &t.b, &err);
        assert_true(ret == 0 || (ret < 0 && err.code == -ret && *err.text));
        loaded += ret == 0;
        struct state_mem m;
        state_mem_borrow(&m, copy, t.m.size);
        (void)!state_stream_dump(&m.io, null, &err);
        free(copy);
    }
    assert_true(loaded > 100); /* values changed, structure right */
    fclose(null);
    trip_fini(&t);
}

/* The first object has no bytes at all, and so no name. */
static void test_empty_object(void **state)
{
    u8 file[20 + 9] = "GUISEST\n\1";
    struct err err = {0};
    struct thing t = {0};
    store_le(file + 16, crc32_z(0, file, 16), 4);
    file[20] = STATE_SECTION_OBJECT;
    store_le(file + 25, crc32_z(0, file + 20, 5), 4);
    assert_int_equal(load_bytes(file, sizeof(file), &thing_state, &t, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "has no name"));
}

static void test_dump(void **state)
{
    struct trip t;
    trip_init(&t);
    state_free(&thing_state, &t.a);
    t.a.c = 0x1234;
    t.a.queues[1].last = 0x77;
    save(&t.m, &thing_state, &t.a);
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    struct state_mem m;
    state_mem_borrow(&m, t.m.data, t.m.size);
    assert_int_equal(state_stream_dump(&m.io, f, &t.err), 0);
    fclose(f);
    assert_non_null(strstr(text, "GUISE state, stream format 1: a test\n"));
    assert_non_null(strstr(text, "/machine/thing: thing version 2\n"));
    assert_non_null(strstr(text, "    c: u32 0x1234\n"));
    assert_non_null(strstr(text, "    queues: struct[3] version 1\n"));
    assert_non_null(strstr(text, "            last: u16 0x77\n"));
    assert_non_null(strstr(text, "\nend\n"));
    free(text);
    trip_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_check), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_equal),       cmocka_unit_test(test_versions),
        cmocka_unit_test(test_unknown),     cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_counts),      cmocka_unit_test(test_post_load),
        cmocka_unit_test(test_bulk),        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_hostile),     cmocka_unit_test(test_empty_object),
        cmocka_unit_test(test_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
