/*
 * test_option.c - options as text and JSON, against declared properties.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/option.h"

struct disk {
    char *file, *id;
    char **forwards;
    u64 size, serial;
    u16 queues;
    s8 shift;
    bool readonly;
    int cache;
    unsigned sets;
};

static const char *const caches[] = {"none", "writeback", "writethrough", NULL};

static int disk_set_queues(void *obj, const char *value, struct err *err)
{
    struct disk *d = obj;
    d->sets++;
    return d->queues == 13 ? err_set(err, EINVAL, "13 queues are not possible") : 0;
}

static const struct option disk_options[] = {
    OPTION_STRING("file", struct disk, file, NULL, "path of the image"),
    OPTION_STRING("id", struct disk, id, NULL, "name"),
    OPTION_STRINGS("hostfwd", struct disk, forwards, "a forwarding; may be repeated"),
    OPTION_SIZE("size", struct disk, size, "1M", "bytes"),
    OPTION_U64("serial", struct disk, serial, NULL, "number"),
    OPTION_NAMED("num-queues", OPTION_TYPE_INT, struct disk, queues, "1", "queues", .min = 1,
                 .max = 64, .set = disk_set_queues),
    OPTION_INT("shift", struct disk, shift, "-3", -8, 8, "a signed number"),
    OPTION_BOOL("readonly", struct disk, readonly, "off", "do not write"),
    OPTION_ENUM("cache", struct disk, cache, "writeback", caches, "cache mode"),
    OPTION_LAST,
};

/* The text, loaded: -errno and err.text as the user sees them. */
static int load(const char *text, struct disk *d, struct err *err)
{
    struct option_list list;
    *d = (struct disk){0};
    int ret = option_parse(&list, "-drive", text, "file", err);
    if (!ret)
        ret = option_load(&list, disk_options, d, err);
    option_list_fini(&list);
    return ret;
}

static void refused(const char *text, const char *message)
{
    struct disk d;
    struct err err = {0};
    assert_true(load(text, &d, &err) < 0);
    assert_string_equal(err.text, message);
    option_free(disk_options, &d);
}

static void test_text(void **state)
{
    struct disk d;
    struct err err;
    assert_int_equal(load("", &d, &err), 0);
    assert_null(d.file);
    assert_int_equal(d.size, MiB);
    assert_int_equal(d.queues, 1);
    assert_int_equal(d.shift, -3);
    assert_int_equal(d.cache, 1);
    option_free(disk_options, &d);

    /* A comma that is doubled belongs to the word, whatever comes after it. */
    assert_int_equal(load("a,,b=c", &d, &err), 0);
    assert_string_equal(d.file, "a,b=c");
    option_free(disk_options, &d);
    assert_int_equal(load("a,,b,id=x=y,,z,size=1.5G,serial=0xffffffffffffffff,num_queues=64,"
                          "readonly,cache=none,shift=8,",
                          &d, &err),
                     0);
    assert_string_equal(d.file, "a,b");
    assert_string_equal(d.id, "x=y,z");
    assert_int_equal(d.size, 3 * GiB / 2);
    assert_true(d.serial == UINT64_MAX);
    assert_int_equal(d.queues, 64);
    assert_int_equal(d.sets, 2); /* default, then given */
    assert_true(d.readonly);
    assert_int_equal(d.cache, 0);
    assert_int_equal(d.shift, 8);
    option_free(disk_options, &d);
    assert_null(d.file);

    assert_int_equal(load("x,readonly=on,noreadonly,id=1,id=2,hostfwd=a,hostfwd=b", &d, &err), 0);
    assert_false(d.readonly);
    assert_string_equal(d.id, "2");
    assert_string_equal(d.forwards[0], "a");
    assert_string_equal(d.forwards[1], "b");
    assert_null(d.forwards[2]);
    option_free(disk_options, &d);
}

static void test_refused(void **state)
{
    refused("x,sizee=3", "-drive x: there is no option 'sizee'; did you mean 'size'?");
    refused("x,zzzzzz=3", "-drive x: there is no option 'zzzzzz'");
    refused("x,size=3Q",
            "-drive x: size: '3Q' is not a size; accepted: a number, and B, K, M, G, T, "
            "P or E");
    refused("x,size=-3",
            "-drive x: size: '-3' is not a size; accepted: a number, and B, K, M, G, T, "
            "P or E");
    refused("x,size=9E", "-drive x: size: '9E' is more than 8 EiB");
    refused("x,num-queues=65", "-drive x: num-queues: '65' is out of range; accepted: 1 to 64");
    refused("x,num-queues=6x",
            "-drive x: num-queues: '6x' is not a whole number; accepted: 1 to 64");
    refused("x,num-queues=13", "-drive x: num-queues: 13 queues are not possible");
    refused(
        "x,serial=99999999999999999999",
        "-drive x: serial: '99999999999999999999' is not a number of 64 bits; accepted: decimal "
        "or 0x hexadecimal");
    refused("x,readonly=maybe",
            "-drive x: readonly: 'maybe' is neither on nor off; accepted: on, off");
    refused("x,cache=writebak", "-drive x: cache: 'writebak' is not known; accepted: none, "
                                "writeback, writethrough; did you mean 'writeback'?");
    refused("x,size", "-drive x: 'size' needs a value (size=...)");
    refused("x,=5", "-drive x: no name before '=' in 'x,=5'");
    refused("{\"file\": \"x\", \"size\": null}",
            "-drive: 'size' is null; accepted: strings, whole numbers, true, false, objects, "
            "arrays");
    refused("{\"file\": \"x\", \"size\": 1.5}",
            "-drive: 'size' is a fraction; accepted: strings, whole numbers, true, false, "
            "objects, arrays");
}

static void test_json(void **state)
{
    struct disk d;
    struct err err;
    assert_int_equal(load("{\"file\": \"a,b\", \"size\": 4096, \"readonly\": true, \"hostfwd\": "
                          "[\"x\", {\"str\": \"y\"}]}",
                          &d, &err),
                     0);
    assert_string_equal(d.file, "a,b");
    assert_int_equal(d.size, 4096);
    assert_true(d.readonly);
    assert_string_equal(d.forwards[1], "y");
    option_free(disk_options, &d);
    assert_int_equal(load("{\"file\": ", &d, &err), -EINVAL);
    assert_non_null(strstr(err.text, "-drive: bad JSON at column "));

    struct option_list list, sub;
    assert_int_equal(option_parse(&list, "-blockdev",
                                  "{\"driver\": \"raw\", \"file\": {\"driver\": \"file\", "
                                  "\"filename\": \"x\", \"cache\": {\"direct\": false}}}",
                                  NULL, &err),
                     0);
    option_sub(&list, "file", &sub);
    assert_int_equal(list.count, 1);
    assert_int_equal(sub.count, 3);
    assert_string_equal(option_get(&list, "driver"), "raw");
    assert_string_equal(option_get(&sub, "driver"), "file");
    assert_string_equal(option_get(&sub, "cache.direct"), "off");
    assert_string_equal(sub.where, "-blockdev file");
    char *taken = option_take(&sub, "filename"), *needed;
    assert_string_equal(taken, "x");
    assert_null(option_take(&sub, "filename"));
    assert_int_equal(option_need(&sub, "filename", &needed, &err), -EINVAL);
    assert_string_equal(err.text, "-blockdev file: 'filename=' is missing");
    free(taken);
    option_list_fini(&list);
    option_list_fini(&sub);

    /* The same by dotted text. */
    assert_int_equal(
        option_parse(&list, "-blockdev", "raw,file.driver=file,file.filename=x", "driver", &err),
        0);
    option_sub(&list, "file", &sub);
    assert_string_equal(option_get(&sub, "filename"), "x");
    option_list_fini(&list);
    option_list_fini(&sub);

    json_t *array = json_array();
    assert_int_equal(option_from_json(&list, "device_add", array, &err), -EINVAL);
    json_decref(array);
}

static void test_help(void **state)
{
    struct option_list list;
    struct err err;
    assert_int_equal(option_parse(&list, "-device", "uart,help", "driver", &err), 0);
    assert_true(list.help);
    assert_string_equal(option_get(&list, "driver"), "uart");
    option_list_fini(&list);
    assert_int_equal(option_parse(&list, "-device", "help", "driver", &err), 0);
    assert_true(list.help);
    assert_int_equal(list.count, 0);
    option_list_fini(&list);

    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    option_help(disk_options, f);
    fclose(f);
    assert_ptr_equal(strstr(text, "  cache=<none|writeback|writethrough> cache mode (default: "
                                  "writeback)\n"),
                     text);
    assert_non_null(strstr(text, "  size=<size>                  bytes (default: 1M)\n"));
    assert_non_null(strstr(text, "  hostfwd=<string>...          a forwarding"));
    free(text);
}

static void text_is(const struct disk *d, const char *name, const char *expected)
{
    for (const struct option *o = disk_options; o->type != OPTION_TYPE_END; o++) {
        if (strcmp(o->name, name))
            continue;
        char *text = option_text(o, d);
        assert_string_equal(text, expected);
        free(text);
        return;
    }
    fail();
}

static void test_one(void **state)
{
    struct disk d;
    struct err err;
    assert_int_equal(load("x,hostfwd=a,hostfwd=b", &d, &err), 0);
    assert_int_equal(option_set_one(disk_options, &d, "-global", "shift", "-8", &err), 0);
    assert_int_equal(option_set_one(disk_options, &d, "-global", "size", "128M", &err), 0);
    assert_int_equal(option_set_one(disk_options, &d, "-global", "serial", "255", &err), 0);
    assert_int_equal(option_set_one(disk_options, &d, "-global", "redonly", "on", &err), -ENOENT);
    assert_string_equal(err.text,
                        "-global: there is no option 'redonly'; did you mean 'readonly'?");
    text_is(&d, "shift", "-8");
    text_is(&d, "size", "128M");
    text_is(&d, "serial", "0xff");
    text_is(&d, "readonly", "off");
    text_is(&d, "cache", "writeback");
    text_is(&d, "hostfwd", "a,b");
    text_is(&d, "id", "");
    text_is(&d, "num-queues", "1");
    option_free(disk_options, &d);
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        unsigned shift;
        u64 bytes;
    } good[] = {{"0", 0, 0},          {"512", 0, 512},          {"128", 20, 128 * MiB},
                {"1k", 20, KiB},      {"0x10M", 0, 16 * MiB},   {"2G", 20, 2 * GiB},
                {"0.5M", 0, MiB / 2}, {"7E", 0, 7 * GiB * GiB}, {"3B", 20, 3}};
    struct err err;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        u64 v;
        assert_int_equal(option_parse_size("-m", good[i].text, good[i].shift, &v, &err), 0);
        assert_int_equal(v, good[i].bytes);
    }
    static const char *const bad[] = {"", "G", "1GG", "1 G", "0x", "99999999999E", "8E", NULL};
    for (const char *const *b = bad; *b; b++) {
        u64 v;
        assert_true(option_parse_size("-m", *b, 20, &v, &err) < 0);
    }
    s64 n;
    assert_int_equal(option_parse_int("x", "-9223372036854775808", INT64_MIN, INT64_MAX, &n, &err),
                     0);
    assert_true(n == INT64_MIN);
    assert_true(option_parse_int("x", "9223372036854775808", INT64_MIN, INT64_MAX, &n, &err) < 0);
    assert_int_equal(option_parse_int("x", "010", 0, 100, &n, &err), 0);
    assert_int_equal(n, 10);
}

static void test_required(void **state)
{
    static const struct option table[] = {OPTION_NAMED("file", OPTION_TYPE_STRING, struct disk,
                                                       file, NULL, "path of the image",
                                                       .required = true),
                                          OPTION_LAST};
    struct disk d = {0};
    struct err err;
    struct option_list list;
    assert_int_equal(option_parse(&list, "-drive", "", NULL, &err), 0);
    assert_int_equal(option_load(&list, table, &d, &err), -EINVAL);
    assert_string_equal(err.text, "-drive: 'file=' is missing (path of the image)");
    option_list_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_json),     cmocka_unit_test(test_help),
        cmocka_unit_test(test_one),      cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_required),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
