/*
 * test_virtio_blk.c - the virtio disk over a real file: what is written is in the file, what is in
 * the file is read; flush, discard, zeroes, id; sectors that are not there; hostile requests; reset
 * with requests in flight; write-through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "backend/block/block.h"
#include "virtio_driver.h"

enum { T_IN, T_OUT, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK, S_IOERR, S_UNSUPP, S_NONE = 0xee };
enum { F_RO = 5, F_FLUSH = 9, F_CONFIG_WCE = 11, F_MQ = 12, F_DISCARD = 13, F_WRITE_ZEROES = 14 };
enum { DISK = 1 << 20, SECTORS = DISK / 512 };

struct blk_test {
    struct harness h;
    struct device *mmio, *blk;
    struct block *block;
    struct virtio_driver v;
    struct driver_ring *q;
    char path[32];
    const char *folder;
    int fd;
    u64 header, data, status; /* in guest memory */
};

static u8 pattern(u64 at)
{
    return (u8)(at * 7 + at / 512);
}

static void open_disk(struct blk_test *t, u64 size, const char *more)
{
    struct option_list list;
    struct err err = {0};
    char options[128];
    u8 *bytes = malloc(size);
    for (u64 i = 0; i < size; i++)
        bytes[i] = pattern(i);
    snprintf(t->path, sizeof(t->path), "%s/guise-blk-XXXXXX", t->folder ? t->folder : "/tmp");
    t->fd = mkstemp(t->path);
    assert_int_equal(write(t->fd, bytes, size), (ssize_t)size);
    free(bytes);
    snprintf(options, sizeof(options), "driver=raw,id=disk,filename=%s%s", t->path, more);
    assert_int_equal(option_parse(&list, "-blockdev", options, NULL, &err), 0);
    t->block = block_open(t->h.loop, &list, &err);
    option_list_fini(&list);
    if (!t->block)
        fail_msg("%s", err.text);
    harness_add_backend(&t->h, "block", "disk", t->block);
}

static void start_with(struct blk_test *t, u64 features, const char *const *with)
{
    t->mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    t->blk = harness_add(&t->h, "virtio-blk-device", t->mmio, with);
    driver_start(&t->v, &t->h, t->mmio, features, 1, 64);
    t->q = &t->v.ring[0];
    t->header = driver_alloc(&t->v, 16);
    t->status = driver_alloc(&t->v, 1);
    t->data = driver_alloc(&t->v, 65536);
}

static const char *const plain[] = {"drive=disk", "packed=on", NULL};

static int setup(void **state)
{
    struct blk_test *t = calloc(1, sizeof(*t));
    harness_open(&t->h);
    *state = t;
    return 0;
}

/* The same by io_uring, where the host lets us. */
static int setup_uring(void **state)
{
    struct blk_test *t = calloc(1, sizeof(*t));
    harness_open_with(&t->h, false);
    *state = t;
    open_disk(t, DISK, "");
    start_with(t, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED), plain);
    return 0;
}

static int setup_disk(void **state)
{
    setup(state);
    open_disk(*state, DISK, "");
    start_with(*state, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED), plain);
    return 0;
}

static int teardown(void **state)
{
    struct blk_test *t = *state;
    harness_close(&t->h);
    block_close(t->block);
    if (t->path[0]) {
        close(t->fd);
        unlink(t->path);
    }
    harness_end(&t->h);
    free(t);
    return 0;
}

static void write_header(struct blk_test *t, u64 at, u32 type, u64 sector)
{
    store_le(driver_ram(&t->v, at), type, 4);
    store_le(driver_ram(&t->v, at + 4), 0, 4);
    store_le(driver_ram(&t->v, at + 8), sector, 8);
}

/* One request with its data in pieces of `piece` bytes; the status, S_NONE when none came. */
static u8 request_in_pieces(struct blk_test *t, u32 type, u64 sector, u32 len, u32 piece,
                            u32 *written)
{
    struct driver_piece p[64] = {{.addr = t->header, .len = 16}};
    bool from_device = type == T_IN || type == T_GET_ID;
    u16 n = 1, id, got;
    u32 used = 0;
    write_header(t, t->header, type, sector);
    *driver_ram(&t->v, t->status) = S_NONE;
    for (u32 at = 0; at < len; at += piece)
        p[n++] = (struct driver_piece){
            .addr = t->data + at, .len = MIN(piece, len - at), .write = from_device};
    p[n++] = (struct driver_piece){.addr = t->status, .len = 1, .write = true};
    id = driver_add(&t->v, t->q, p, n, false);
    driver_kick(&t->v, t->q);
    assert_true(driver_wait(&t->v, t->q, &got, &used));
    assert_int_equal(got, id);
    if (written)
        *written = used;
    return *driver_ram(&t->v, t->status);
}

static u8 request(struct blk_test *t, u32 type, u64 sector, u32 len)
{
    return request_in_pieces(t, type, sector, len, MAX(len, 1), NULL);
}

static void expect_file(struct blk_test *t, u64 offset, u32 len, const u8 *want)
{
    u8 *buf = malloc(len);
    assert_int_equal(pread(t->fd, buf, len, (off_t)offset), (ssize_t)len);
    if (want) {
        assert_memory_equal(buf, want, len);
    } else {
        for (u32 i = 0; i < len; i++)
            assert_int_equal(buf[i], 0);
    }
    free(buf);
}

static void fill(struct blk_test *t, u32 len, u8 value)
{
    memset(driver_ram(&t->v, t->data), value, len);
}

/* ---- Good requests --------------------------------------------------------------------------- */

static void test_read(void **state)
{
    struct blk_test *t = *state;
    static const u32 pieces[] = {4096, 512, 100, 4095, 1365};
    for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
        u32 written;
        fill(t, 4096, 0);
        assert_int_equal(request_in_pieces(t, T_IN, 3 + i, 4096, pieces[i], &written), S_OK);
        assert_int_equal(written, 4097);
        for (u32 k = 0; k < 4096; k++)
            assert_int_equal(driver_ram(&t->v, t->data)[k], pattern((3 + i) * 512 + k));
    }
}

static void test_write(void **state)
{
    struct blk_test *t = *state;
    u64 seed = 5;
    u32 written;
    for (u32 i = 0; i < 8192; i++)
        driver_ram(&t->v, t->data)[i] = (u8)harness_random(&seed);
    assert_int_equal(request_in_pieces(t, T_OUT, 100, 8192, 700, &written), S_OK);
    assert_int_equal(written, 1);
    expect_file(t, 100 * 512, 8192, driver_ram(&t->v, t->data));
    u8 before = pattern(100 * 512 - 1), after = pattern(100 * 512 + 8192);
    expect_file(t, 100 * 512 - 1, 1, &before);
    expect_file(t, 100 * 512 + 8192, 1, &after);
    assert_int_equal(request(t, T_FLUSH, 0, 0), S_OK);
}

static void test_last_sector(void **state)
{
    struct blk_test *t = *state;
    fill(t, 512, 0xab);
    assert_int_equal(request(t, T_OUT, SECTORS - 1, 512), S_OK);
    expect_file(t, DISK - 512, 512, driver_ram(&t->v, t->data));
    struct stat st;
    fstat(t->fd, &st);
    assert_int_equal(st.st_size, DISK);
}

static void test_packed(void **state)
{
    struct blk_test *t = *state;
    harness_free_devices(&t->h);
    start_with(t, UINT64_MAX, plain);
    assert_true(t->q->packed);
    for (u64 i = 0; i < 200; i++) {
        fill(t, 1024, (u8)i);
        assert_int_equal(request_in_pieces(t, T_OUT, i * 2, 1024, 400, NULL), S_OK);
    }
    for (u64 i = 0; i < 200; i++) {
        u8 *p = driver_ram(&t->v, t->data);
        assert_int_equal(request_in_pieces(t, T_IN, i * 2, 1024, 300, NULL), S_OK);
        assert_int_equal(p[0], i);
        assert_int_equal(p[1023], i);
    }
}

/* Many in flight, that complete in any order. */
static void test_many(void **state)
{
    enum { MANY = 20 };
    struct blk_test *t = *state;
    u16 id;
    u32 len;
    for (u32 i = 0; i < MANY; i++) {
        u64 header = driver_alloc(&t->v, 16), status = driver_alloc(&t->v, 1);
        u64 data = driver_alloc(&t->v, 512);
        write_header(t, header, T_OUT, 10 * i);
        memset(driver_ram(&t->v, data), 0x40 + (int)i, 512);
        struct driver_piece p[] = {{.addr = header, .len = 16},
                                   {.addr = data, .len = 512},
                                   {.addr = status, .len = 1, .write = true}};
        driver_add(&t->v, t->q, p, 3, false);
    }
    driver_kick(&t->v, t->q);
    for (u32 i = 0; i < MANY; i++)
        assert_true(driver_wait(&t->v, t->q, &id, &len));
    for (u32 i = 0; i < MANY; i++) {
        u8 want = (u8)(0x40 + i);
        expect_file(t, 5120 * i, 1, &want);
        expect_file(t, 5120 * i + 511, 1, &want);
    }
}

static void segment(struct blk_test *t, u64 sector, u32 count, u32 flags)
{
    u8 *p = driver_ram(&t->v, t->data);
    store_le(p, sector, 8);
    store_le(p + 8, count, 4);
    store_le(p + 12, flags, 4);
}

static void test_write_zeroes(void **state)
{
    struct blk_test *t = *state;
    u8 edge = pattern(20 * 512 - 1);
    for (u32 unmap = 0; unmap < 2; unmap++) {
        segment(t, 20 + 100 * unmap, 8, unmap);
        assert_int_equal(request(t, T_WRITE_ZEROES, 0, 16), S_OK);
        expect_file(t, (20 + 100 * unmap) * 512, 4096, NULL);
    }
    expect_file(t, 20 * 512 - 1, 1, &edge);
    edge = pattern(28 * 512);
    expect_file(t, 28 * 512, 1, &edge);
}

static void test_discard(void **state)
{
    struct blk_test *t = *state;
    segment(t, 64, 64, 0);
    assert_int_equal(request(t, T_DISCARD, 0, 16), S_OK);
    expect_file(t, 64 * 512, 64 * 512, NULL);
    segment(t, 64, 0, 0);
    assert_int_equal(request(t, T_DISCARD, 0, 16), S_OK);
    segment(t, 64, 1, 1); /* flag reserved */
    assert_int_equal(request(t, T_DISCARD, 0, 16), S_UNSUPP);
    segment(t, SECTORS - 1, 2, 0);
    assert_int_equal(request(t, T_DISCARD, 0, 16), S_IOERR);
    segment(t, UINT64_MAX, 1, 0);
    assert_int_equal(request(t, T_DISCARD, 0, 16), S_IOERR);
    segment(t, 0, UINT32_MAX, 0);
    assert_int_equal(request(t, T_WRITE_ZEROES, 0, 16), S_UNSUPP);
    assert_int_equal(request(t, T_DISCARD, 0, 15), S_UNSUPP);
    assert_int_equal(request(t, T_DISCARD, 0, 32), S_UNSUPP); /* two segments: not announced */
}

static void test_id(void **state)
{
    struct blk_test *t = *state;
    u32 written;
    fill(t, 64, 0x55);
    assert_int_equal(request_in_pieces(t, T_GET_ID, 0, 20, 20, &written), S_OK);
    assert_int_equal(written, 21);
    assert_string_equal((char *)driver_ram(&t->v, t->data), "disk");
    assert_int_equal(driver_ram(&t->v, t->data)[20], 0x55);
    fill(t, 64, 0x55);
    assert_int_equal(request(t, T_GET_ID, 0, 3), S_OK); /* what there is room for */
    assert_memory_equal(driver_ram(&t->v, t->data), "dis\x55", 4);
}

static void test_configuration(void **state)
{
    struct blk_test *t = *state;
    assert_int_equal(harness_read(&t->h, t->mmio, 0x100, 4), SECTORS);
    assert_int_equal(harness_read(&t->h, t->mmio, 0x104, 4), 0);
    assert_int_equal(harness_read(&t->h, t->mmio, 0x114, 4), 512);
    assert_true(driver_has(&t->v, F_FLUSH));
    assert_true(driver_has(&t->v, F_DISCARD));
    assert_false(driver_has(&t->v, F_RO));
    assert_int_equal(harness_read(&t->h, t->mmio, 0x120, 1), 1); /* write-back */
    harness_write(&t->h, t->mmio, 0x120, 0, 1);
    assert_int_equal(harness_read(&t->h, t->mmio, 0x120, 1), 0);
    fill(t, 512, 1);
    assert_int_equal(request(t, T_OUT, 0, 512), S_OK);
}

/* A driver that cannot flush gets write-through. */
static void test_without_flush(void **state)
{
    struct blk_test *t = *state;
    driver_start(&t->v, &t->h, t->mmio, 0, 1, 64);
    t->q = &t->v.ring[0];
    assert_int_equal(harness_read(&t->h, t->mmio, 0x120, 1), 0);
    harness_write(&t->h, t->mmio, 0x120, 1, 1); /* not negotiated */
    assert_int_equal(harness_read(&t->h, t->mmio, 0x120, 1), 0);
}

static void test_read_only(void **state)
{
    struct blk_test *t = *state;
    open_disk(t, DISK, ",read-only=on");
    start_with(t, UINT64_MAX, plain);
    assert_true(driver_has(&t->v, F_RO));
    assert_false(driver_has(&t->v, F_DISCARD));
    assert_int_equal(request(t, T_IN, 0, 512), S_OK);
    fill(t, 512, 0);
    assert_int_equal(request(t, T_OUT, 0, 512), S_IOERR);
    segment(t, 0, 1, 0);
    assert_int_equal(request(t, T_WRITE_ZEROES, 0, 16), S_IOERR);
    u8 want = pattern(5);
    expect_file(t, 5, 1, &want);
}

static bool has_direct_io(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_DIRECT, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* A file system that cannot zero a range (tmpfs): zeroes are written. */
static void test_zeroes_are_written(void **state)
{
    struct blk_test *t = *state;
    if (access("/dev/shm", W_OK))
        skip();
    t->folder = "/dev/shm";
    open_disk(t, 4 << 20, "");
    start_with(t, UINT64_MAX, plain);
    u8 first = pattern(511), last = pattern(512 * 5001);
    segment(t, 1, 5000, 0);
    assert_int_equal(request(t, T_WRITE_ZEROES, 0, 16), S_OK);
    expect_file(t, 512, 5000 * 512, NULL);
    expect_file(t, 511, 1, &first);
    expect_file(t, 512 * 5001, 1, &last);
}

static void test_caches(void **state)
{
    static const char *const caches[] = {",cache=writethrough", ",cache=unsafe", ",cache=none"};
    struct blk_test *t = *state;
    for (unsigned i = 0; i < ARRAY_SIZE(caches); i++) {
        if (i == 2 && !has_direct_io("/tmp"))
            continue;
        open_disk(t, DISK, caches[i]);
        start_with(t, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED), plain);
        fill(t, 5120, (u8)(0x30 + i));
        assert_int_equal(request_in_pieces(t, T_OUT, 7, 5120, 333, NULL), S_OK);
        assert_int_equal(request(t, T_FLUSH, 0, 0), S_OK);
        expect_file(t, 7 * 512, 5120, driver_ram(&t->v, t->data));
        fill(t, 5120, 0);
        assert_int_equal(request_in_pieces(t, T_IN, 7, 5120, 333, NULL), S_OK);
        expect_file(t, 7 * 512, 5120, driver_ram(&t->v, t->data));
        harness_free_devices(&t->h);
        block_close(t->block);
        t->block = NULL;
        t->h.backends = 0;
        close(t->fd);
        unlink(t->path);
        t->path[0] = 0;
    }
}

/* A file whose size is no multiple of 512: the rest of the last sector reads as zeroes. */
static void test_odd_file(void **state)
{
    struct blk_test *t = *state;
    open_disk(t, 1000, "");
    start_with(t, UINT64_MAX, plain);
    assert_int_equal(harness_read(&t->h, t->mmio, 0x100, 4), 2);
    fill(t, 1024, 0xff);
    assert_int_equal(request(t, T_IN, 0, 1024), S_OK);
    assert_int_equal(driver_ram(&t->v, t->data)[999], pattern(999));
    for (u32 i = 1000; i < 1024; i++)
        assert_int_equal(driver_ram(&t->v, t->data)[i], 0);
    assert_int_equal(request(t, T_OUT, 1, 512), S_OK);
}

static void test_several_queues(void **state)
{
    static const char *const with[] = {"drive=disk", "num-queues=4", NULL};
    struct blk_test *t = *state;
    open_disk(t, DISK, "");
    start_with(t, UINT64_MAX, with);
    assert_true(driver_has(&t->v, F_MQ));
    assert_int_equal(harness_read(&t->h, t->mmio, 0x122, 2), 4);
    driver_start(&t->v, &t->h, t->mmio, UINT64_MAX, 4, 16);
    t->header = driver_alloc(&t->v, 16);
    t->status = driver_alloc(&t->v, 1);
    t->data = driver_alloc(&t->v, 512);
    for (u32 i = 0; i < 4; i++) {
        t->q = &t->v.ring[i];
        assert_int_equal(request(t, T_IN, i, 512), S_OK);
        assert_int_equal(driver_ram(&t->v, t->data)[0], pattern(i * 512));
    }
}

/* ---- Bad requests ---------------------------------------------------------------------------- */

static void test_bad_sectors(void **state)
{
    struct blk_test *t = *state;
    static const u64 sectors[] = {SECTORS,          SECTORS - 1,       UINT64_MAX,
                                  UINT64_MAX / 512, UINT64_C(1) << 55, INT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(sectors); i++) {
        u32 written;
        assert_int_equal(request_in_pieces(t, T_IN, sectors[i], 1024, 1024, &written), S_IOERR);
        assert_int_equal(written, 1);
        assert_int_equal(request(t, T_OUT, sectors[i], 1024), S_IOERR);
    }
    struct stat st;
    fstat(t->fd, &st);
    assert_int_equal(st.st_size, DISK);
}

static void test_bad_lengths(void **state)
{
    struct blk_test *t = *state;
    assert_int_equal(request(t, T_IN, 0, 511), S_IOERR);
    assert_int_equal(request(t, T_OUT, 0, 513), S_IOERR);
    assert_int_equal(request(t, T_IN, 0, 0), S_OK); /* nothing asked for */
    assert_int_equal(request(t, T_OUT, 0, 0), S_OK);
}

static void test_unknown_type(void **state)
{
    struct blk_test *t = *state;
    static const u32 types[] = {2, 3, 5, 7, 10, 15, 0x80000000, UINT32_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        assert_int_equal(request(t, types[i], 0, 512), S_UNSUPP);
}

static void test_without_header_or_status(void **state)
{
    struct blk_test *t = *state;
    struct driver_piece p[] = {{.addr = t->header, .len = 15},
                               {.addr = t->status, .len = 1, .write = true}};
    write_header(t, t->header, T_IN, 0);
    driver_add(&t->v, t->q, p, 2, false);
    driver_kick(&t->v, t->q);
    assert_true(driver_broken(&t->v));
    driver_start(&t->v, &t->h, t->mmio, 0, 1, 8);
    t->q = &t->v.ring[0];
    p[0].len = 16;
    driver_add(&t->v, t->q, p, 1, false);
    driver_kick(&t->v, t->q);
    assert_true(driver_broken(&t->v));
}

/* Data over the request itself: header and status are what they were when it was taken. */
static void test_overlapping_pieces(void **state)
{
    struct blk_test *t = *state;
    struct driver_piece p[] = {{.addr = t->header, .len = 16},
                               {.addr = align_down(t->header, 512), .len = 512, .write = true},
                               {.addr = t->status, .len = 1, .write = true}};
    u16 id;
    u32 len;
    write_header(t, t->header, T_IN, 1);
    driver_add(&t->v, t->q, p, 3, false);
    driver_kick(&t->v, t->q);
    assert_true(driver_wait(&t->v, t->q, &id, &len));
    assert_int_equal(driver_ram(&t->v, align_down(t->header, 512))[0], pattern(512));
}

static void test_reset_with_requests_in_flight(void **state)
{
    struct blk_test *t = *state;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 10; i++) {
            struct driver_piece p[] = {{.addr = t->header, .len = 16},
                                       {.addr = t->data, .len = 65536, .write = true},
                                       {.addr = t->status, .len = 1, .write = true}};
            write_header(t, t->header, T_IN, 0);
            driver_add(&t->v, t->q, p, 3, false);
        }
        driver_put(&t->v, 0x050, 0);
        for (unsigned i = 0; i < round % 3; i++)
            loop_turn(t->h.loop, false);
        driver_put(&t->v, 0x070, 0);
        assert_int_equal(t->block->in_flight, 0);
        driver_start(&t->v, &t->h, t->mmio, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED), 1, 64);
        t->q = &t->v.ring[0];
        t->header = driver_alloc(&t->v, 16);
        t->status = driver_alloc(&t->v, 1);
        t->data = driver_alloc(&t->v, 65536);
    }
    assert_int_equal(request(t, T_IN, 0, 512), S_OK);
}

static void test_drives_refused(void **state)
{
    struct blk_test *t = *state;
    struct err err = {0};
    static const char *const other[] = {"drive=nothing", NULL};
    struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    assert_null(harness_realize(&t->h, harness_new(&t->h, "virtio-blk-device", other), mmio, &err));
    assert_non_null(strstr(err.text, "drive=nothing"));
    assert_null(harness_realize(&t->h, harness_new(&t->h, "virtio-blk-device", plain), mmio, &err));
    assert_non_null(strstr(err.text, "another device"));
    assert_true(t->block->used); /* still the first one's */
    assert_int_equal(request(t, T_IN, 0, 512), S_OK);
}

static void test_state(void **state)
{
    struct blk_test *t = *state;
    struct err err = {0};
    harness_write(&t->h, t->mmio, 0x120, 0, 1); /* write-through */
    assert_int_equal(request(t, T_IN, 0, 512), S_OK);
    t->block->used = false; /* as another process has it */
    struct device *mmio = harness_add(&t->h, "virtio-mmio", NULL, NULL);
    struct device *blk = harness_add(&t->h, "virtio-blk-device", mmio, plain);
    assert_int_equal(harness_copy_state(t->mmio, mmio, &err), 0);
    assert_int_equal(harness_copy_state(t->blk, blk, &err), 0);
    device_reset(t->blk);
    t->v.mmio = t->mmio = mmio;
    assert_int_equal(harness_read(&t->h, mmio, 0x120, 1), 0);
    assert_int_equal(request(t, T_IN, 5, 512), S_OK);
    assert_int_equal(driver_ram(&t->v, t->data)[0], pattern(5 * 512));
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, setup, teardown)
#define URING_TEST(name) cmocka_unit_test_setup_teardown(name, setup_uring, teardown)
#define DISK_TEST(name)  cmocka_unit_test_setup_teardown(name, setup_disk, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(test_read),
        DISK_TEST(test_write),
        DISK_TEST(test_last_sector),
        DISK_TEST(test_packed),
        DISK_TEST(test_many),
        DISK_TEST(test_write_zeroes),
        DISK_TEST(test_discard),
        DISK_TEST(test_id),
        DISK_TEST(test_configuration),
        DISK_TEST(test_without_flush),
        TEST(test_read_only),
        TEST(test_caches),
        TEST(test_zeroes_are_written),
        URING_TEST(test_read),
        URING_TEST(test_write),
        URING_TEST(test_many),
        URING_TEST(test_write_zeroes),
        URING_TEST(test_discard),
        URING_TEST(test_reset_with_requests_in_flight),
        TEST(test_odd_file),
        TEST(test_several_queues),
        DISK_TEST(test_bad_sectors),
        DISK_TEST(test_bad_lengths),
        DISK_TEST(test_unknown_type),
        DISK_TEST(test_without_header_or_status),
        DISK_TEST(test_overlapping_pieces),
        DISK_TEST(test_reset_with_requests_in_flight),
        DISK_TEST(test_drives_refused),
        DISK_TEST(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
