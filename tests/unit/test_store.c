/*
 * test_store.c - translations on disk: what is written is found again; what somebody else wrote, or
 * damaged, is not.
 *
 * Records are made up: nobody runs their code here (test_x64.c does, tests/cache does with guests).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "jit/store.h"
#include "jit/store_file.h"

enum { CODE = 600, RECORDS = 400, LIMIT = 1 << 20 };
static const u8 identity[MAC_BYTES] = "this program";

struct place {
    char *top, *folder, *key;
};

static void setup(struct place *p)
{
    p->top = alloc_string("/tmp/guise-store.XXXXXX");
    assert_non_null(mkdtemp(p->top));
    p->folder = alloc_printf("%s/cache", p->top);
    p->key = alloc_printf("%s/key", p->top);
}

static void teardown(struct place *p)
{
    char *command = alloc_printf("rm -r %s", p->top);
    assert_int_equal(system(command), 0);
    free(command);
    free(p->top);
    free(p->folder);
    free(p->key);
}

static struct store *open_as(const struct place *p, const u8 *who, u64 limit, struct err *err)
{
    struct store_options o = {.folder = p->folder, .key = p->key, .limit = limit};
    return store_open(&o, who, err);
}

static struct store *open_it(const struct place *p)
{
    struct err err = {0};
    struct store *s = open_as(p, identity, LIMIT, &err);
    if (!s)
        fail_msg("%s", err.text);
    return s;
}

static void refused(const struct place *p, const char *why)
{
    struct err err = {0};
    assert_null(open_as(p, identity, LIMIT, &err));
    assert_int_not_equal(err.code, 0);
    if (!strstr(err.text, why))
        fail_msg("no '%s' in: %s", why, err.text);
}

/* ---- Records --------------------------------------------------------------------------------- */

/* The n-th record's parts: distinct bytes, two links, a far field. */
static void make(struct jit_emit *e, struct ir_unit *ir, u8 *code, u8 *guest, u32 n)
{
    *ir =
        (struct ir_unit){.pc = 0x1000 + 4 * (u64)n, .mode = 3, .guest_bytes = 8, .guest_insns = 2};
    for (u32 i = 0; i < CODE; i++)
        code[i] = (u8)(i * 7 + n);
    memset(guest, (int)n | 1, 8);
    e->block[0].ir = ir;
    e->block_count = 1;
    e->rw = code;
    e->offset = 0x10000;
    e->size = CODE;
    e->far[0] = 0x10000 + 40;
    e->far_count = 1;
    e->link_count = 2;
    for (u32 i = 0; i < 2; i++)
        e->links[i] = (struct jit_link){.pc = n + i,
                                        .patch = 0x10000 + 80 + 8 * i,
                                        .stub = 0x10000 + 100 + i,
                                        .self = 0x10000 + 120 + 16 * i};
}

struct maker {
    struct jit_emit emit;
    struct ir_unit ir;
    u8 code[CODE], guest[8];
};

static void add(struct store *s, u32 n)
{
    struct maker *m = calloc(1, sizeof(*m));
    make(&m->emit, &m->ir, m->code, m->guest, n);
    struct stored_unit *u = store_begin(s, stored_size(&m->emit, 8));
    assert_non_null(u);
    stored_write(u, &m->emit, 5, m->guest);
    store_end(s, u, true);
    free(m);
}

static bool has_bytes(void *guest, const struct stored_unit *u)
{
    return u->guest_bytes == 8 && !memcmp(stored_guest(u), guest, 8);
}

/* Is it there, and whole? */
static bool has(struct store *s, u32 n)
{
    struct maker *m = calloc(1, sizeof(*m));
    u8 *code = calloc(1, CODE);
    struct jit_link links[2];
    make(&m->emit, &m->ir, m->code, m->guest, n);
    const struct stored_unit *u = store_find(s, store_key(m->ir.pc, 3, 5), has_bytes, m->guest);
    if (u) {
        assert_int_equal(u->code_bytes, CODE);
        assert_int_equal(u->links, 2);
        assert_int_equal(u->guest_insns, 2);
        stored_place(u, code, 0x10000, links, 0);
        for (u32 i = 0; i < 2; i++) {
            assert_int_equal(links[i].pc, n + i);
            assert_int_equal(links[i].patch, 0x10000 + 80 + 8 * i);
            memset(m->code + 120 + 16 * i, 0, 8);
            memset(code + 120 + 16 * i, 0, 8);
        }
        assert_memory_equal(code, m->code, CODE);
        store_release(s);
    }
    free(code);
    free(m);
    return u;
}

static u32 count(struct store *s)
{
    u32 found = 0;
    for (u32 n = 0; n < RECORDS; n++)
        found += has(s, n);
    return found;
}

/* A file with records first..last - 1 in the folder. */
static void fill(const struct place *p, u32 first, u32 last)
{
    struct store *s = open_it(p);
    for (u32 n = first; n < last; n++)
        add(s, n);
    store_close(s);
}

static u32 count_in_file(const struct place *p)
{
    struct store *s = open_it(p);
    u32 found = count(s);
    store_close(s);
    return found;
}

/* The only file of the folder, whose name this is; NULL: none. */
static char *file_of(const struct place *p)
{
    char *name = NULL;
    DIR *d = opendir(p->folder);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        assert_null(name);
        name = alloc_printf("%s/%s", p->folder, e->d_name);
    }
    closedir(d);
    return name;
}

static u8 *read_file(const char *path, size_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && !fstat(fd, &st));
    u8 *data = malloc((size_t)st.st_size);
    assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
    close(fd);
    *size = (size_t)st.st_size;
    return data;
}

static void write_file(const char *path, const u8 *data, size_t size)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

/* ---- What is written is found ---------------------------------------------------------------- */

static void test_round_trip(void **state)
{
    struct place p;
    setup(&p);
    struct store *s = open_it(&p);
    for (u32 n = 0; n < RECORDS; n++) {
        assert_false(has(s, n));
        add(s, n);
        assert_true(has(s, n));
    }
    assert_int_equal(count(s), RECORDS); /* in this run, from the spool */
    store_close(s);
    assert_int_equal(count_in_file(&p), RECORDS);
    assert_int_equal(count_in_file(&p), RECORDS);
    teardown(&p);
}

static void test_other_bytes(void **state)
{
    struct place p;
    u8 bytes[8] = {1, 2, 3};
    setup(&p);
    fill(&p, 0, 4);
    struct store *s = open_it(&p);
    assert_null(store_find(s, store_key(0x1000, 3, 5), has_bytes, bytes));
    assert_null(store_find(s, store_key(0x1000, 3, 6), has_bytes, bytes));
    assert_true(has(s, 0));
    store_close(s);
    teardown(&p);
}

static void test_more_is_added(void **state)
{
    struct place p;
    setup(&p);
    fill(&p, 0, 100);
    fill(&p, 100, 300);
    assert_int_equal(count_in_file(&p), 300);
    fill(&p, 300, 301); /* too little for a new file */
    assert_int_equal(count_in_file(&p), 300);
    teardown(&p);
}

static void test_two_at_once(void **state)
{
    struct place p;
    setup(&p);
    fill(&p, 0, 50);
    struct store *a = open_it(&p), *b = open_it(&p);
    for (u32 n = 50; n < 100; n++) {
        add(a, n);
        add(b, n + 50);
    }
    store_close(a);
    assert_int_equal(count(b), 100);
    store_close(b);
    assert_int_equal(count_in_file(&p), 150);
    teardown(&p);
}

/* Saved on the way: nothing is lost when the process is killed then, and nothing is there twice. */
static void test_saved_on_the_way(void **state)
{
    struct place p;
    struct stat once, all;
    setup(&p);
    struct store *s = open_it(&p);
    for (u32 n = 0; n < 300; n++) {
        add(s, n);
        if (n % 100 == 99) {
            store_save(s);
            store_save(s);
            assert_int_equal(count_in_file(&p), n + 1);
            assert_int_equal(count(s), n + 1);
        }
    }
    char *path = file_of(&p);
    assert_int_equal(stat(path, &all), 0);
    store_close(s);
    unlink(path);
    fill(&p, 0, 300);
    assert_int_equal(stat(path, &once), 0);
    assert_true(all.st_size < once.st_size + 4 * (off_t)sizeof(struct store_segment));
    free(path);
    teardown(&p);
}

static void test_limit(void **state)
{
    struct place p;
    struct err err = {0};
    u64 limit = 4 * STORE_SEGMENT;
    setup(&p);
    struct store *s = open_as(&p, identity, limit, &err);
    for (u32 n = 0; n < 200; n++)
        add(s, n);
    store_close(s);
    s = open_as(&p, identity, limit, &err);
    assert_int_equal(count(s), 200);
    store_close(s);
    s = open_as(&p, identity, limit, &err);
    for (u32 n = 150; n < 200; n++) /* used: the others go first */
        assert_true(has(s, n));
    for (u32 n = 200; n < 400; n++)
        add(s, n);
    store_close(s);
    char *path = file_of(&p);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true((u64)st.st_size < limit + 32 * KiB);
    free(path);
    s = open_as(&p, identity, limit, &err);
    u32 old = 0, fresh = 0;
    for (u32 n = 0; n < 200; n++) {
        old += has(s, n);
        fresh += has(s, n + 200);
    }
    assert_int_equal(fresh, 200);
    assert_true(old < 200);
    store_close(s);
    teardown(&p);
}

/* ---- What is not this user's, program's, machine's ------------------------------------------- */

static void test_modes(void **state)
{
    struct place p;
    setup(&p);
    fill(&p, 0, 10);
    chmod(p.folder, 0770);
    refused(&p, "mode 0770");
    chmod(p.folder, 0707);
    refused(&p, "mode 0707");
    chmod(p.folder, 0755);
    assert_int_equal(count_in_file(&p), 10);
    chmod(p.key, 0640);
    refused(&p, "mode 0640");
    chmod(p.key, 0600);
    char *path = file_of(&p);
    chmod(path, 0620);
    assert_int_equal(count_in_file(&p), 0);
    free(path);
    teardown(&p);
}

static void test_owner(void **state)
{
    struct place p;
    if (geteuid())
        skip();
    setup(&p);
    fill(&p, 0, 10);
    assert_int_equal(chown(p.folder, 1, 1), 0);
    refused(&p, "belongs to user 1");
    assert_int_equal(chown(p.folder, 0, 0), 0);
    char *path = file_of(&p);
    assert_int_equal(chown(path, 1, 1), 0);
    assert_int_equal(count_in_file(&p), 0);
    free(path);
    assert_int_equal(chown(p.key, 1, 1), 0);
    refused(&p, "belongs to user 1");
    teardown(&p);
}

static void test_no_links(void **state)
{
    struct place p;
    setup(&p);
    fill(&p, 0, 10);
    char *path = file_of(&p), *other = alloc_printf("%s/elsewhere", p.top);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(count_in_file(&p), 0);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(count_in_file(&p), 0); /* and it does not wait for somebody to write */
    unlink(path);
    char *link = alloc_printf("%s/link", p.top), *folder = p.folder;
    assert_int_equal(symlink(folder, link), 0);
    p.folder = link;
    refused(&p, "no link");
    p.folder = folder;
    free(link);
    free(other);
    free(path);
    teardown(&p);
}

static void test_planted(void **state)
{
    struct place p, q;
    size_t size;
    setup(&p);
    setup(&q); /* another key */
    fill(&p, 0, 10);
    fill(&q, 0, 10);
    char *from = file_of(&q), *to = file_of(&p);
    u8 *data = read_file(from, &size);
    write_file(to, data, size);
    assert_int_equal(count_in_file(&q), 10);
    assert_int_equal(count_in_file(&p), 0);
    fill(&p, 0, 20); /* it is replaced */
    assert_int_equal(count_in_file(&p), 20);
    free(data);
    free(from);
    free(to);
    teardown(&p);
    teardown(&q);
}

static void test_other_program(void **state)
{
    struct place p;
    struct err err = {0};
    size_t size;
    u8 who[MAC_BYTES] = "another program";
    setup(&p);
    fill(&p, 0, 10);
    char *path = file_of(&p);
    u8 *data = read_file(path, &size);
    struct store *s = open_as(&p, who, LIMIT, &err);
    assert_int_equal(count(s), 0);
    for (u32 n = 0; n < 5; n++)
        add(s, n);
    store_close(s);
    assert_int_equal(count_in_file(&p), 10); /* each has a file of its own */
    unlink(path);
    char *others = file_of(&p);
    write_file(others, data, size); /* ... and takes no other, whatever its name */
    s = open_as(&p, who, LIMIT, &err);
    assert_int_equal(count(s), 0);
    store_close(s);
    free(data);
    free(path);
    free(others);
    teardown(&p);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static void test_truncated(void **state)
{
    struct place p;
    size_t size;
    setup(&p);
    fill(&p, 0, 3);
    char *path = file_of(&p);
    u8 *data = read_file(path, &size);
    for (size_t n = 0; n < size; n++) {
        write_file(path, data, n);
        assert_int_equal(count_in_file(&p), 0);
    }
    write_file(path, data, size);
    assert_int_equal(count_in_file(&p), 3);
    free(data);
    free(path);
    teardown(&p);
}

/* Each byte of the file counts: of the tables, all is refused; of a segment, what is in it. */
static void test_damaged(void **state)
{
    struct place p;
    size_t size;
    setup(&p);
    fill(&p, 0, 3);
    char *path = file_of(&p);
    u8 *data = read_file(path, &size);
    for (size_t n = 0; n < size; n++) {
        data[n] ^= 1 << (n & 7);
        write_file(path, data, size);
        assert_int_equal(count_in_file(&p), 0);
        data[n] ^= 1 << (n & 7);
    }
    free(data);
    free(path);
    teardown(&p);
}

static void test_cut_while_open(void **state)
{
    struct place p;
    setup(&p);
    fill(&p, 0, RECORDS);
    struct store *s = open_it(&p);
    char *path = file_of(&p);
    assert_int_equal(truncate(path, 40 * KiB), 0);
    assert_true(count(s) < RECORDS);
    assert_int_equal(truncate(path, 0), 0);
    assert_true(count(s) < RECORDS);
    for (u32 n = 0; n < RECORDS; n++)
        add(s, n);
    store_close(s);
    assert_int_equal(count_in_file(&p), RECORDS);
    free(path);
    teardown(&p);
}

/* A record that lies, behind a MAC that is right: bounds are checked all the same. */
static void test_unsound(void **state)
{
    struct maker *m = calloc(1, sizeof(*m));
    make(&m->emit, &m->ir, m->code, m->guest, 1);
    u32 size = stored_size(&m->emit, 8);
    struct stored_unit *good = calloc(1, size), *u = calloc(1, size);
    stored_write(good, &m->emit, 5, m->guest);
    assert_true(stored_is_sound(good, size));
    assert_false(stored_is_sound(good, size - 1));
    for (u32 at = offsetof(struct stored_unit, size);
         at < sizeof(*u) + 2 * sizeof(struct stored_link) + 4; at += 4) {
        memcpy(u, good, size);
        store_le((u8 *)u + at, 0xfffffff0, 4);
        bool free_field = at == offsetof(struct stored_unit, guest_insns);
        for (u32 i = 0; i < 2; i++) {
            u32 link = (u32)(sizeof(*u) + i * sizeof(struct stored_link));
            free_field |=
                at == link || at == link + 4 || at == link + offsetof(struct stored_link, zero);
        }
        if (!free_field && stored_is_sound(u, size))
            fail_msg("a wrong value at %u is taken", at);
    }
    free(good);
    free(u);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_other_bytes),
        cmocka_unit_test(test_more_is_added),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_saved_on_the_way),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_no_links),
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_other_program),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_cut_while_open),
        cmocka_unit_test(test_unsound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
