/*
 * test_base.c - bits, arenas, errors, log, host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/host.h"
#include "base/log.h"

static void test_bits(void **state)
{
    assert_int_equal(BITS(11, 8), 0xf00);
    assert_true(BITS(63, 0) == UINT64_MAX);
    assert_int_equal(bits_get(0xabcd, 4, 8), 0xbc);
    assert_true(bits_get(UINT64_MAX, 0, 64) == UINT64_MAX);
    assert_int_equal(bits_set(0xffff, 4, 8, 0x12), 0xf12f);
    assert_int_equal(bits_sext(0x800, 12), -2048);
    assert_int_equal(bits_sext(0x7ff, 12), 2047);
    assert_int_equal(ctz64(0), 64);
    assert_int_equal(clz64(1), 63);
    assert_int_equal(align_up(4097, 4096), 8192);
    u8 b[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_int_equal(load_le(b, 2), 0x0201);
    assert_int_equal(load_be(b, 4), 0x01020304);
    store_be(b, 0xaabb, 2);
    assert_int_equal(b[0], 0xaa);
}

static void test_arena(void **state)
{
    struct arena a;
    arena_init(&a);
    u8 *kept[2000];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
            size_t n = 1 + i * 37 % 500;
            kept[i] = arena_zalloc(&a, n);
            assert_int_equal((uintptr_t)kept[i] % 16, 0);
            memset(kept[i], (int)(i & 0xff), n);
        }
        u8 *big = arena_alloc(&a, 9 * MiB);
        memset(big, 1, 9 * MiB);
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
            size_t n = 1 + i * 37 % 500;
            assert_int_equal(kept[i][0], i & 0xff);
            assert_int_equal(kept[i][n - 1], i & 0xff);
        }
        void *first = kept[0];
        arena_reset(&a);
        assert_ptr_equal(arena_alloc(&a, 8), first); /* memory is kept */
        arena_reset(&a);
    }
    arena_fini(&a);
    arena_fini(&a);
}

static void test_err(void **state)
{
    struct err err;
    assert_int_equal(err_set(&err, EINVAL, "no '%s'", "x"), -EINVAL);
    assert_string_equal(err.text, "no 'x'");
    assert_int_equal(err_prefix(&err, "-device %d", 3), -EINVAL);
    assert_string_equal(err.text, "-device 3: no 'x'");
    assert_int_equal(err_set_errno(&err, ENOENT, "cannot open '%s'", "f"), -ENOENT);
    assert_string_equal(err.text, "cannot open 'f': No such file or directory");
    assert_int_equal(err_set(NULL, EIO, "unseen"), -EIO);

    char longer[1000];
    memset(longer, 'y', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    err_set(&err, EINVAL, "%s", longer);
    err_prefix(&err, "%s", longer);
    err_set_errno(&err, EINVAL, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void suggests(const char *given, const char *expected)
{
    static const char *const names[] = {"virtio-blk-device", "virtio-net-device", "uart", "rtc",
                                        NULL};
    struct err err;
    err_set(&err, EINVAL, "?");
    err_suggest(&err, given, names);
    char text[100] = "?";
    if (expected)
        snprintf(text, sizeof(text), "?; did you mean '%s'?", expected);
    assert_string_equal(err.text, text);
}

static void test_suggest(void **state)
{
    suggests("virtio-blk-devcie", "virtio-blk-device");
    suggests("virtio-net", NULL);
    suggests("VIRTIO-NET-DEVICE", "virtio-net-device");
    suggests("uatr", "uart");
    suggests("rt", "rtc");
    suggests("zzz", NULL);
    suggests("", NULL);
}

static void *log_lines(void *log)
{
    for (int i = 0; i < 2000; i++)
        log_if(log, LOG_INT, "a line of %d letters and more\n", i);
    return NULL;
}

static void test_log(void **state)
{
    char path[] = "/tmp/guise-test-XXXXXX";
    close(mkstemp(path));
    struct log log;
    struct err err;
    log_init(&log);
    assert_false(log_on(&log, LOG_INT));
    assert_int_equal(log_set_items(&log, "in_asm,int", &err), 0);
    assert_true(log_on(&log, LOG_INT));
    assert_false(log_on(&log, LOG_EXEC));
    assert_int_equal(log_set_items(&log, "int,exce", &err), -EINVAL);
    assert_non_null(strstr(err.text, "no log item 'exce'; accepted: in_asm, "));
    assert_non_null(strstr(err.text, "did you mean 'exec'?"));
    assert_int_equal(log_set_file(&log, "/nonexistent/file", &err), -ENOENT);
    assert_int_equal(log_set_file(&log, path, &err), 0);
    log_if(&log, LOG_EXEC, "unseen\n");
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, log_lines, &log);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    log_fini(&log);

    FILE *f = fopen(path, "r");
    char line[100];
    unsigned lines = 0;
    int n;
    for (; fgets(line, sizeof(line), f); lines++)
        assert_int_equal(sscanf(line, "a line of %d letters and more", &n), 1);
    assert_int_equal(lines, 4000);
    fclose(f);
    unlink(path);
}

static void test_host_memory(void **state)
{
    struct err err;
    u8 *a = host_map(5 * MiB, &err);
    assert_non_null(a);
    assert_int_equal((uintptr_t)a % (2 * MiB), 0);
    memset(a, 7, 5 * MiB);
    host_discard(a + 100, MiB); /* not whole pages at the ends */
    for (u64 i = 0; i < 5 * MiB; i++)
        assert_int_equal(a[i], i >= 100 && i < MiB + 100 ? 0 : 7);
    host_discard(a + MiB + 200, 50);
    assert_int_equal(a[MiB + 199], 7);
    assert_int_equal(a[MiB + 249], 0);
    assert_int_equal(a[MiB + 250], 7);
    host_discard(a, 5 * MiB);
    for (u64 i = 0; i < 5 * MiB; i += 512)
        assert_int_equal(a[i], 0);
    host_unmap(a, 5 * MiB);

    a = host_map(64 * KiB, &err); /* too small for huge pages */
    a[5 * 4096] = a[6 * 4096 + 1] = a[15 * 4096] = 1;
    struct host_pages pages;
    u64 start, end;
    host_pages_begin(&pages, a, 64 * KiB);
    assert_true(host_pages_next(&pages, &start, &end));
    assert_int_equal(start, 5 * 4096);
    assert_int_equal(end, 7 * 4096);
    assert_true(host_pages_next(&pages, &start, &end));
    assert_int_equal(start, 15 * 4096);
    assert_int_equal(end, 16 * 4096);
    assert_false(host_pages_next(&pages, &start, &end));
    host_pages_begin(&pages, a, 64 * KiB);
    close(pages.fd);
    pages.fd = -1; /* where /proc is not to be had */
    assert_true(host_pages_next(&pages, &start, &end));
    assert_int_equal(end - start, 64 * KiB);
    assert_false(host_pages_next(&pages, &start, &end));
    host_unmap(a, 64 * KiB);

    for (u64 size = 1; size < 16 * MiB; size *= 7) {
        a = host_alloc(size);
        assert_non_null(a);
        memset(a, 7, size);
        free(a);
    }
    assert_null(host_alloc(UINT64_MAX));
    assert_null(host_map(UINT64_C(1) << 60, &err));
    assert_non_null(strstr(err.text, "cannot map 1152921504606846976 bytes"));
}

static void test_host_code(void **state)
{
    struct err err;
    struct host_code c;
    assert_int_equal(host_code_map(&c, 10000, &err), 0);
    c.rw[9000] = 0xc3;
    assert_int_equal(c.rx[9000], 0xc3);
    assert_ptr_not_equal(c.rw, c.rx);
    host_code_unmap(&c);
}

struct sleeper {
    _Atomic u32 word, woken;
};

static void *sleeper_main(void *opaque)
{
    struct sleeper *s = opaque;
    while (!s->word)
        host_futex_wait(&s->word, 0, UINT64_MAX);
    s->woken = 1;
    return NULL;
}

static void test_host_misc(void **state)
{
    u64 a = host_monotonic_ns();
    _Atomic u32 word = 5;
    host_futex_wait(&word, 4, UINT64_MAX); /* not what is expected: at once */
    host_futex_wait(&word, 5, 2000000);
    assert_true(host_monotonic_ns() - a >= 1000000);
    assert_true(host_realtime_ns() > UINT64_C(1600000000) * 1000000000);
    assert_true(host_cpu_count() >= 1);
    u8 x[40] = {0}, y[40] = {0};
    host_random(x, sizeof(x));
    host_random(y, sizeof(y));
    assert_memory_not_equal(x, y, sizeof(x));
    struct sleeper s = {0};
    pthread_t t;
    pthread_create(&t, NULL, sleeper_main, &s);
    usleep(2000);
    s.word = 1;
    host_futex_wake(&s.word);
    pthread_join(t, NULL);
    assert_int_equal(s.woken, 1);
    host_thread_name("a name that is far too long");
}

static void test_alloc(void **state)
{
    char *s = alloc_printf("%d-%s", 5, "x");
    assert_string_equal(s, "5-x");
    s = alloc_resize(s, 100, 10);
    assert_string_equal(s, "5-x");
    free(s);
    free(alloc_bytes(0));
    u64 *z = alloc_zero(64);
    assert_int_equal(z[7], 0);
    free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),      cmocka_unit_test(test_arena),
        cmocka_unit_test(test_err),       cmocka_unit_test(test_suggest),
        cmocka_unit_test(test_log),       cmocka_unit_test(test_host_memory),
        cmocka_unit_test(test_host_code), cmocka_unit_test(test_host_misc),
        cmocka_unit_test(test_alloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
