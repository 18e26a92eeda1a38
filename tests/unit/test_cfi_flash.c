/*
 * test_cfi_flash.c - the flash as a driver sees it (CFI query, ids, program, erase, status), the
 * path of reads past the device, and contents that come from a file and go back to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

#include "backend/block/block.h"
#include "device_harness.h"

enum { SECTOR = 0x4000, SECTORS = 8, SIZE = SECTOR * SECTORS };

struct flash_test {
    struct harness h;
    struct device *d;
    struct block *block;
    char path[32];
};

static const char *const small[] = {"num-blocks=8", "sector-length=16384", NULL};
static const char *const with_drive[] = {"num-blocks=8", "sector-length=16384", "drive=disk", NULL};

static void make_disk(struct flash_test *t, u64 size, const char *more)
{
    struct option_list list;
    struct err err = {0};
    char options[96];
    u8 *bytes = malloc(size);
    memset(bytes, 0xff, size);
    memcpy(bytes + SECTOR, "from the file", 13);
    snprintf(t->path, sizeof(t->path), "/tmp/guise-flash-XXXXXX");
    int fd = mkstemp(t->path);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    free(bytes);
    snprintf(options, sizeof(options), "driver=raw,id=disk,filename=%s%s", t->path, more);
    assert_int_equal(option_parse(&list, "-blockdev", options, NULL, &err), 0);
    t->block = block_open(t->h.loop, &list, &err);
    option_list_fini(&list);
    assert_non_null(t->block);
    harness_add_backend(&t->h, "block", "disk", t->block);
}

static int setup(void **state)
{
    struct flash_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    *state = t;
    return 0;
}

static int setup_with_flash(void **state)
{
    setup(state);
    struct flash_test *t = *state;
    t->d = harness_add(&t->h, "cfi.pflash01", NULL, small);
    return 0;
}

static int teardown(void **state)
{
    struct flash_test *t = *state;
    harness_close(&t->h);
    block_close(t->block);
    if (t->path[0])
        unlink(t->path);
    harness_end(&t->h);
    free(t);
    return 0;
}

static u32 get(struct flash_test *t, u64 offset)
{
    return (u32)harness_read(&t->h, t->d, offset, 4);
}

/* To both chips. */
static void put(struct flash_test *t, u64 offset, u16 v)
{
    harness_write(&t->h, t->d, offset, v | (u32)v << 16, 4);
}

static void erase(struct flash_test *t, u64 offset)
{
    put(t, offset, 0x20);
    put(t, offset, 0xd0);
}

static void program(struct flash_test *t, u64 offset, u32 v)
{
    put(t, offset, 0x40);
    harness_write(&t->h, t->d, offset, v, 4);
}

static void read_array(struct flash_test *t)
{
    put(t, 0, 0xff);
}

static bool direct(struct flash_test *t)
{
    return device_mmio(t->d, 0)->direct;
}

static void test_query(void **state)
{
    struct flash_test *t = *state;
    put(t, 0x55 * 4, 0x98);
    assert_false(direct(t));
    assert_int_equal(get(t, 0x10 * 4), 0x00510051);
    assert_int_equal(get(t, 0x11 * 4), 0x00520052);
    assert_int_equal(get(t, 0x12 * 4), 0x00590059);
    assert_int_equal(get(t, 0x13 * 4) & 0xff, 1);  /* Intel/Sharp extended */
    assert_int_equal(get(t, 0x27 * 4) & 0xff, 16); /* a chip: half of 128 KiB */
    assert_int_equal(get(t, 0x2c * 4) & 0xff, 1);
    u32 blocks = (get(t, 0x2d * 4) & 0xff) | (get(t, 0x2e * 4) & 0xff) << 8;
    u32 size = (get(t, 0x2f * 4) & 0xff) | (get(t, 0x30 * 4) & 0xff) << 8;
    assert_int_equal(blocks + 1, SECTORS);
    assert_int_equal(size * 256, SECTOR / 2);
    u64 extended = 4 * (get(t, 0x15 * 4) & 0xff);
    assert_int_equal(get(t, extended) & 0xff, 'P');
    assert_int_equal(get(t, extended + 4) & 0xff, 'R');
    assert_int_equal(get(t, extended + 8) & 0xff, 'I');
    read_array(t);
    assert_true(direct(t));
}

/* What the board uses: 32 MiB of two chips. */
static void test_default_geometry(void **state)
{
    struct flash_test *t = *state;
    t->d = harness_add(&t->h, "cfi.pflash01", NULL, NULL);
    assert_int_equal(device_mmio(t->d, 0)->size, 32 * MiB);
    put(t, 0x55 * 4, 0x98);
    assert_int_equal(get(t, 0x27 * 4) & 0xff, 24);
    assert_int_equal(get(t, 0x2d * 4) & 0xff, 127);
    assert_int_equal(get(t, 0x30 * 4) & 0xff, 2); /* 128 KiB a block of a chip */
    put(t, 0, 0x90);
    assert_int_equal(get(t, 0), 0x00890089);
    assert_int_equal(get(t, 4), 0x00180018);
    assert_int_equal(get(t, 8), 0); /* not locked */
}

static void test_erase_and_program(void **state)
{
    struct flash_test *t = *state;
    erase(t, SECTOR + 0x123 * 4);
    assert_int_equal(get(t, 0), 0x00800080); /* status */
    read_array(t);
    assert_int_equal(get(t, SECTOR), 0xffffffff);
    assert_int_equal(get(t, 2 * SECTOR - 4), 0xffffffff);
    assert_int_equal(get(t, SECTOR - 4), 0);
    assert_int_equal(get(t, 2 * SECTOR), 0);
    program(t, SECTOR + 8, 0x12345678);
    read_array(t);
    assert_int_equal(get(t, SECTOR + 8), 0x12345678);
    program(t, SECTOR + 8, 0xf0f0f0f0); /* bits only fall */
    read_array(t);
    assert_int_equal(get(t, SECTOR + 8), 0x10305070);
}

static void test_buffer(void **state)
{
    struct flash_test *t = *state;
    erase(t, 0);
    put(t, 0x40, 0xe8);
    assert_int_equal(get(t, 0x40) & 0x80, 0x80);
    put(t, 0x40, 15); /* 16 words of each chip */
    for (u32 i = 0; i < 16; i++)
        harness_write(&t->h, t->d, 0x40 + 4 * i, 0xabcd0000 + i, 4);
    put(t, 0x40, 0xd0);
    assert_int_equal(get(t, 0), 0x00800080);
    read_array(t);
    for (u32 i = 0; i < 16; i++)
        assert_int_equal(get(t, 0x40 + 4 * i), 0xabcd0000 + i);
    assert_int_equal(get(t, 0x80), 0xffffffff);
}

static void test_buffer_that_is_not_confirmed(void **state)
{
    struct flash_test *t = *state;
    erase(t, 0);
    put(t, 0, 0xe8);
    put(t, 0, 0);
    harness_write(&t->h, t->d, 0, 0, 4);
    put(t, 0, 0x70);
    assert_int_equal(get(t, 0) & 0x30, 0x30);
    put(t, 0, 0x50);
    put(t, 0, 0x70);
    assert_int_equal(get(t, 0) & 0x7f, 0);
    read_array(t);
    assert_int_equal(get(t, 0), 0xffffffff);
}

static void test_buffer_beyond_a_block(void **state)
{
    struct flash_test *t = *state;
    erase(t, 0);
    erase(t, SECTOR);
    put(t, SECTOR - 8, 0xe8);
    put(t, SECTOR - 8, 3);
    harness_write(&t->h, t->d, SECTOR - 8, 0, 4);
    assert_int_equal(get(t, 0) & 0x30, 0x30);
    put(t, 0, 0xe8);
    put(t, 0, 0xffff); /* more than the buffer holds */
    assert_int_equal(get(t, 0) & 0x30, 0x30);
    put(t, SIZE - 4, 0xe8);
    put(t, SIZE - 4, 1000);
    harness_write(&t->h, t->d, SIZE - 4, 0, 4);
    read_array(t);
    assert_int_equal(get(t, SECTOR - 8), 0xffffffff);
    assert_int_equal(get(t, SECTOR), 0xffffffff);
}

static void test_erase_that_is_not_confirmed(void **state)
{
    struct flash_test *t = *state;
    put(t, 0, 0x20);
    put(t, 0, 0xff);
    assert_int_equal(get(t, 0) & 0x30, 0x30);
    read_array(t);
    assert_int_equal(get(t, 0), 0);
}

/* Lock bits: set and cleared without effect, as nothing is locked. */
static void test_lock_commands(void **state)
{
    struct flash_test *t = *state;
    static const u8 what[] = {0x01, 0xd0, 0x2f};
    for (unsigned i = 0; i < ARRAY_SIZE(what); i++) {
        put(t, SECTOR, 0x60);
        put(t, SECTOR, what[i]);
        assert_int_equal(get(t, 0), 0x00800080);
    }
    erase(t, SECTOR);
    read_array(t);
    assert_int_equal(get(t, SECTOR), 0xffffffff);
}

static void test_narrow_reads_of_status(void **state)
{
    struct flash_test *t = *state;
    put(t, 0, 0x70);
    assert_int_equal(harness_read(&t->h, t->d, 0, 1), 0x80);
    assert_int_equal(harness_read(&t->h, t->d, 1, 1), 0);
    assert_int_equal(harness_read(&t->h, t->d, 2, 2), 0x80);
    assert_int_equal(harness_read(&t->h, t->d, 0, 8), UINT64_C(0x0080008000800080));
}

static void test_reset(void **state)
{
    struct flash_test *t = *state;
    put(t, 0, 0x20);
    device_reset(t->d);
    assert_true(direct(t));
    put(t, 0, 0xd0);
    read_array(t);
    assert_int_equal(get(t, 0), 0); /* not erased */
}

static void file_bytes(struct flash_test *t, u64 offset, void *buf, size_t n)
{
    int fd = open(t->path, O_RDONLY);
    assert_int_equal(pread(fd, buf, n, (off_t)offset), (ssize_t)n);
    close(fd);
}

static void test_drive(void **state)
{
    struct flash_test *t = *state;
    u8 bytes[16];
    make_disk(t, SIZE, "");
    t->d = harness_add(&t->h, "cfi.pflash01", NULL, with_drive);
    assert_memory_equal(device_mmio(t->d, 0)->ram->host + SECTOR, "from the file", 13);
    program(t, 2 * SECTOR, 0x11223344);
    program(t, SIZE - 4, 0x55667788);
    for (unsigned i = 0; i < 1000; i++) {
        loop_turn(t->h.loop, false);
        usleep(1000);
        file_bytes(t, SIZE - 4, bytes, 4);
        if (load_le(bytes, 4) == 0x55667788)
            break;
    }
    assert_int_equal(load_le(bytes, 4), 0x55667788);
    file_bytes(t, 2 * SECTOR, bytes, 4);
    assert_int_equal(load_le(bytes, 4), 0x11223344);
    file_bytes(t, SECTOR, bytes, 13);
    assert_memory_equal(bytes, "from the file", 13);
    /* What is not written yet is written before the flash goes. */
    erase(t, SECTOR);
    harness_free_devices(&t->h);
    file_bytes(t, SECTOR, bytes, 4);
    assert_int_equal(load_le(bytes, 4), 0xffffffff);
    assert_false(t->block->used);
}

static void test_read_only_drive(void **state)
{
    struct flash_test *t = *state;
    make_disk(t, SIZE, ",read-only=on");
    t->d = harness_add(&t->h, "cfi.pflash01", NULL, with_drive);
    erase(t, SECTOR);
    assert_int_equal(get(t, 0) & 0x12, 0x12);
    program(t, 0, 0);
    read_array(t);
    assert_int_equal(get(t, 0), 0xffffffff);
    assert_memory_equal(device_mmio(t->d, 0)->ram->host + SECTOR, "from the file", 13);
}

static void expect_refused(struct flash_test *t, const char *const *with, const char *text)
{
    struct err err = {0};
    assert_null(harness_realize(&t->h, harness_new(&t->h, "cfi.pflash01", with), NULL, &err));
    if (!strstr(err.text, text))
        fail_msg("%s", err.text);
}

static void test_refused(void **state)
{
    struct flash_test *t = *state;
    expect_refused(t, with_drive, "drive=disk");
    make_disk(t, SIZE / 2, "");
    expect_refused(t, with_drive, "131072");
    assert_false(t->block->used);
    static const char *const odd[] = {"num-blocks=3", NULL};
    expect_refused(t, odd, "num-blocks=3");
    static const char *const wide[] = {"width=2", "device-width=4", NULL};
    expect_refused(t, wide, "width");
}

static void test_state(void **state)
{
    struct flash_test *t = *state;
    struct err err = {0};
    erase(t, 0);
    put(t, 0, 0xe8);
    put(t, 0, 1);
    harness_write(&t->h, t->d, 0, 0x01020304, 4);
    struct device *copy = harness_add(&t->h, "cfi.pflash01", NULL, small);
    assert_int_equal(harness_copy_state(t->d, copy, &err), 0);
    memcpy(device_mmio(copy, 0)->ram->host, device_mmio(t->d, 0)->ram->host, SIZE);
    t->d = copy;
    assert_false(direct(t));
    harness_write(&t->h, t->d, 4, 0x05060708, 4);
    put(t, 0, 0xd0);
    read_array(t);
    assert_int_equal(get(t, 0), 0x01020304);
    assert_int_equal(get(t, 4), 0x05060708);
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, setup, teardown)
#define FLASH_TEST(name) cmocka_unit_test_setup_teardown(name, setup_with_flash, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLASH_TEST(test_query),
        TEST(test_default_geometry),
        FLASH_TEST(test_erase_and_program),
        FLASH_TEST(test_buffer),
        FLASH_TEST(test_buffer_that_is_not_confirmed),
        FLASH_TEST(test_buffer_beyond_a_block),
        FLASH_TEST(test_erase_that_is_not_confirmed),
        FLASH_TEST(test_lock_commands),
        FLASH_TEST(test_narrow_reads_of_status),
        FLASH_TEST(test_reset),
        TEST(test_drive),
        TEST(test_read_only_drive),
        TEST(test_refused),
        FLASH_TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
