/*
 * test_fw_cfg.c - the firmware configuration device as firmware uses it: selector and data, DMA,
 * the directory of files; and as a hostile guest does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>

#include "device/misc/fw_cfg.h"
#include "device_harness.h"

enum { DATA = 0, SELECTOR = 8, DMA = 0x10 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };
enum { BLOCK_AT = 0x1000, BUFFER_AT = 0x2000 };

struct fw_test {
    struct harness h;
    struct device *d;
};

static int setup(void **state)
{
    struct fw_test *t = calloc(1, sizeof(*t));
    struct err err = {0};
    harness_open(&t->h);
    t->d = harness_add(&t->h, "fw_cfg_mem", NULL, NULL);
    assert_int_equal(fw_cfg_add_file(t->d, "opt/b", "second", 6, &err), 0);
    assert_int_equal(fw_cfg_add_file(t->d, "opt/a", "first file", 10, &err), 0);
    assert_int_equal(fw_cfg_add_file(t->d, "etc/z", "", 0, &err), 0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct fw_test *t = *state;
    harness_close(&t->h);
    harness_end(&t->h);
    free(t);
    return 0;
}

/* The registers are big-endian, the bus is little-endian. */
static void select_item(struct fw_test *t, u16 key)
{
    harness_write(&t->h, t->d, SELECTOR, bswap_size(key, 2), 2);
}

static void read_bytes(struct fw_test *t, u8 *to, unsigned n, unsigned width)
{
    for (unsigned i = 0; i < n; i += width)
        store_le(to + i, harness_read(&t->h, t->d, DATA, width), width);
}

/* Runs a DMA command; the control word afterwards. */
static u32 dma(struct fw_test *t, u32 control, u32 length, u64 address)
{
    u8 *block = t->h.block->host + BLOCK_AT;
    store_be(block, control, 4);
    store_be(block + 4, length, 4);
    store_be(block + 8, address, 8);
    harness_write(&t->h, t->d, DMA, 0, 4);
    harness_write(&t->h, t->d, DMA + 4, bswap_size(BLOCK_AT, 4), 4);
    return (u32)load_be(block, 4);
}

static void test_signature_by_every_width(void **state)
{
    struct fw_test *t = *state;
    for (unsigned width = 1; width <= 4; width *= 2) {
        u8 bytes[8];
        select_item(t, FW_CFG_SIGNATURE);
        read_bytes(t, bytes, 4, width);
        assert_memory_equal(bytes, "QEMU", 4);
        read_bytes(t, bytes, 4, width); /* behind the end: zeroes */
        assert_int_equal(load_le(bytes, 4), 0);
    }
}

static void test_id(void **state)
{
    struct fw_test *t = *state;
    u8 id[4];
    select_item(t, FW_CFG_ID);
    read_bytes(t, id, 4, 1);
    assert_int_equal(load_le(id, 4), 3); /* registers and DMA */
    u8 sign[8];
    store_le(sign, harness_read(&t->h, t->d, DMA, 8), 8);
    assert_memory_equal(sign, "QEMU CFG", 8);
    store_le(sign, harness_read(&t->h, t->d, DMA, 4), 4);
    store_le(sign + 4, harness_read(&t->h, t->d, DMA + 4, 4), 4);
    assert_memory_equal(sign, "QEMU CFG", 8);
}

static void test_numbers(void **state)
{
    struct fw_test *t = *state;
    u8 v[8];
    fw_cfg_add_number(t->d, FW_CFG_NB_CPUS, 0x1234, 2);
    fw_cfg_add_number(t->d, FW_CFG_RAM_SIZE, UINT64_C(0x123456789a), 8);
    select_item(t, FW_CFG_NB_CPUS);
    read_bytes(t, v, 2, 1);
    assert_int_equal(load_le(v, 2), 0x1234);
    select_item(t, FW_CFG_RAM_SIZE);
    read_bytes(t, v, 8, 8);
    assert_int_equal(load_le(v, 8), UINT64_C(0x123456789a));
    fw_cfg_add_number(t->d, FW_CFG_NB_CPUS, 7, 2); /* replaced */
    select_item(t, FW_CFG_NB_CPUS);
    read_bytes(t, v, 2, 2);
    assert_int_equal(load_le(v, 2), 7);
}

static void test_directory(void **state)
{
    static const char *const names[] = {"etc/z", "opt/a", "opt/b"};
    static const u32 sizes[] = {0, 10, 6};
    struct fw_test *t = *state;
    u8 head[4], entry[64];
    select_item(t, FW_CFG_FILE_DIR);
    read_bytes(t, head, 4, 4);
    assert_int_equal(load_be(head, 4), 3);
    for (unsigned i = 0; i < 3; i++) {
        select_item(t, FW_CFG_FILE_DIR);
        read_bytes(t, entry, 4, 4);
        for (unsigned k = 0; k <= i; k++)
            read_bytes(t, entry, 64, 8);
        assert_int_equal(load_be(entry, 4), sizes[i]);
        assert_int_equal(load_be(entry + 4, 2), FW_CFG_FILE_FIRST + i);
        assert_string_equal((char *)entry + 8, names[i]);
    }
    select_item(t, FW_CFG_FILE_FIRST + 1);
    read_bytes(t, entry, 10, 2);
    assert_memory_equal(entry, "first file", 10);
}

static void test_files_refused(void **state)
{
    struct fw_test *t = *state;
    struct err err = {0};
    char name[80];
    assert_int_equal(fw_cfg_add_file(t->d, "opt/a", "x", 1, &err), -EEXIST);
    memset(name, 'n', sizeof(name));
    name[56] = 0;
    assert_int_equal(fw_cfg_add_file(t->d, name, "x", 1, &err), -EINVAL);
    name[55] = 0;
    assert_int_equal(fw_cfg_add_file(t->d, name, "x", 1, &err), 0);
    int r = 0;
    for (unsigned i = 0; !r; i++) {
        snprintf(name, sizeof(name), "many/%u", i);
        r = fw_cfg_add_file(t->d, name, "x", 1, &err);
        assert_true(i < 1000);
    }
    assert_int_equal(r, -ENOSPC);
}

static void test_dma_read(void **state)
{
    struct fw_test *t = *state;
    u8 *buffer = t->h.block->host + BUFFER_AT;
    memset(buffer, 0xee, 16);
    u32 key = (u32)(FW_CFG_FILE_FIRST + 1) << 16;
    assert_int_equal(dma(t, DMA_SELECT | DMA_READ | key, 10, BUFFER_AT), 0);
    assert_memory_equal(buffer, "first file", 10);
    assert_int_equal(buffer[10], 0xee);
    /* Pieces, with a skip between; behind the end zeroes. */
    assert_int_equal(dma(t, DMA_SELECT | DMA_SKIP | key, 6, 0), 0);
    assert_int_equal(dma(t, DMA_READ, 6, BUFFER_AT), 0);
    assert_memory_equal(buffer, "file\0\0", 6);
    assert_int_equal(dma(t, DMA_SELECT | key, 0, 0), 0);
    assert_int_equal(dma(t, DMA_READ, 0, UINT64_MAX), 0); /* nothing to do */
}

static void test_dma_by_one_wide_write(void **state)
{
    struct fw_test *t = *state;
    u8 *block = t->h.block->host + BLOCK_AT;
    store_be(block, DMA_SELECT | DMA_READ, 4);
    store_be(block + 4, 4, 4);
    store_be(block + 8, BUFFER_AT, 8);
    harness_write(&t->h, t->d, DMA, bswap_size(BLOCK_AT, 8), 8);
    assert_int_equal(load_be(block, 4), 0);
    assert_memory_equal(t->h.block->host + BUFFER_AT, "QEMU", 4);
}

static void test_dma_errors(void **state)
{
    struct fw_test *t = *state;
    assert_int_equal(dma(t, DMA_SELECT | DMA_WRITE, 4, BUFFER_AT), DMA_ERROR);
    assert_int_equal(dma(t, DMA_SELECT | DMA_READ, 16, HARNESS_RAM - 8), DMA_ERROR);
    assert_int_equal(dma(t, DMA_SELECT | DMA_READ, 16, UINT64_MAX - 7), DMA_ERROR);
    assert_int_equal(dma(t, DMA_SELECT | DMA_READ, UINT32_MAX, BUFFER_AT), DMA_ERROR);
    /* A target among registers. */
    assert_int_equal(dma(t, DMA_SELECT | DMA_READ, 4, harness_base(&t->h, t->d)), DMA_ERROR);
    /* Control words outside of memory: nothing happens. */
    harness_write(&t->h, t->d, DMA, UINT64_MAX, 8);
    harness_write(&t->h, t->d, DMA, bswap_size(HARNESS_RAM - 8, 8), 8);
    assert_int_equal(dma(t, DMA_SELECT, 0, 0), 0);
}

/* The command block may be its own target. */
static void test_dma_over_itself(void **state)
{
    struct fw_test *t = *state;
    assert_int_equal(dma(t, DMA_SELECT | DMA_READ, 16, BLOCK_AT), 0);
    assert_int_equal(load_be(t->h.block->host + BLOCK_AT + 4, 4), 0);
}

static void test_no_such_item(void **state)
{
    struct fw_test *t = *state;
    u8 v[4];
    static const u16 keys[] = {0x3fff, 0x4000, 0x8000, 0xffff, 0x7000, 0x0019 | 0x8000};
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        select_item(t, keys[i]);
        read_bytes(t, v, 4, 4);
        assert_int_equal(load_le(v, 4), 0);
    }
}

static void test_writes_without_meaning(void **state)
{
    struct fw_test *t = *state;
    u8 v[4];
    select_item(t, FW_CFG_SIGNATURE);
    harness_write(&t->h, t->d, DATA, ~0u, 4);
    harness_write(&t->h, t->d, SELECTOR, 1, 1);
    harness_write(&t->h, t->d, DMA + 2, 1, 2);
    read_bytes(t, v, 4, 1);
    assert_memory_equal(v, "QEMU", 4);
}

static void test_state(void **state)
{
    struct fw_test *t = *state;
    struct err err = {0};
    u8 v[2];
    select_item(t, FW_CFG_SIGNATURE);
    read_bytes(t, v, 2, 1);
    struct device *copy = harness_add(&t->h, "fw_cfg_mem", NULL, NULL);
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    t->d = copy;
    read_bytes(t, v, 2, 1);
    assert_memory_equal(v, "MU", 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_signature_by_every_width),
        TEST(test_id),
        TEST(test_numbers),
        TEST(test_directory),
        TEST(test_files_refused),
        TEST(test_dma_read),
        TEST(test_dma_by_one_wide_write),
        TEST(test_dma_errors),
        TEST(test_dma_over_itself),
        TEST(test_no_such_item),
        TEST(test_writes_without_meaning),
        TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
