/*
 * image.c - files read whole, decompressed, recognised.
 *
 * Sources: RFC 1952 (gzip), RFC 8878 (zstd), Linux Documentation/arch/riscv/boot-image-header.rst
 * and arch/arm64/booting.rst. ELF is in elf.c.
 */
#include "boot/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/host.h"
#include "boot/elf.h"

/* ---- Files ----------------------------------------------------------------------------------- */

static int read_all(int fd, u8 *data, u64 size)
{
    for (u64 done = 0; done < size;) {
        ssize_t n = read(fd, data + done, size - done);
        if (n == 0)
            return EIO; /* it was cut meanwhile */
        if (n < 0 && errno != EINTR)
            return errno;
        done += n > 0 ? (u64)n : 0;
    }
    return 0;
}

int boot_file_read(const char *path, u64 limit, u8 **data, u64 *size, struct err *err)
{
    struct stat st;
    int r = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    *data = NULL;
    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    if (fstat(fd, &st))
        r = err_set_errno(err, errno, "%s", path);
    else if (!S_ISREG(st.st_mode))
        r = err_set(err, EINVAL, "%s: is not a regular file", path);
    else if ((u64)st.st_size > limit)
        r = err_set(err, EFBIG, "%s: %llu bytes, at most %llu fit", path,
                    (unsigned long long)st.st_size, (unsigned long long)limit);
    else if (!st.st_size)
        r = err_set(err, EINVAL, "%s: is empty", path);
    else if (!(*data = host_alloc((u64)st.st_size + 1)))
        r = err_set(err, ENOMEM, "%s: no memory for %llu bytes", path,
                    (unsigned long long)st.st_size);
    if (!r) {
        *size = (u64)st.st_size;
        int code = read_all(fd, *data, *size);
        if (code)
            r = err_set_errno(err, code, "%s", path);
    }
    close(fd);
    if (r) {
        free(*data);
        *data = NULL;
    }
    return r;
}

/* ---- Compression ----------------------------------------------------------------------------- */

/* Output that grows up to a limit. */
struct growing {
    u8 *data;
    u64 size, room, limit;
};

/* Room for more; false: the limit is reached or the host has no memory. */
static bool grow(struct growing *g)
{
    u64 room = MIN(MAX(g->room * 2, MiB), g->limit);
    u8 *data = room > g->size ? realloc(g->data, room) : NULL;
    if (!data)
        return false;
    g->data = data;
    g->room = room;
    return true;
}

static int grow_failed(const struct growing *g, struct err *err)
{
    return err_set(err, EFBIG, "decompressed, it is larger than %llu MiB",
                   (unsigned long long)(g->limit / MiB));
}

static int gunzip(const u8 *data, u64 size, struct growing *g, struct err *err)
{
    z_stream z = {.next_in = (u8 *)data, .avail_in = (uInt)size};
    int r = 0, code = Z_OK;
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return err_set(err, ENOMEM, "no memory to decompress");
    while (!r && code != Z_STREAM_END) {
        if (g->size == g->room && !grow(g)) {
            r = grow_failed(g, err);
            break;
        }
        z.next_out = g->data + g->size;
        z.avail_out = (uInt)MIN(g->room - g->size, GiB);
        uInt before = z.avail_out;
        code = inflate(&z, Z_NO_FLUSH);
        g->size += before - z.avail_out;
        if (code != Z_OK && code != Z_STREAM_END)
            r = err_set(err, EINVAL, "broken gzip data (%s)", z.msg ? z.msg : "it ends too early");
    }
    inflateEnd(&z);
    return r;
}

static int unzstd(const u8 *data, u64 size, struct growing *g, struct err *err)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    ZSTD_inBuffer in = {.src = data, .size = size};
    int r = z ? 0 : err_set(err, ENOMEM, "no memory to decompress");
    size_t left = 1;
    while (!r && left) {
        if (g->size == g->room && !grow(g)) {
            r = grow_failed(g, err);
            break;
        }
        ZSTD_outBuffer out = {.dst = g->data, .size = g->room, .pos = g->size};
        left = ZSTD_decompressStream(z, &out, &in);
        if (ZSTD_isError(left))
            r = err_set(err, EINVAL, "broken zstd data (%s)", ZSTD_getErrorName(left));
        else if (left && in.pos == in.size && out.pos < out.size)
            r = err_set(err, EINVAL, "broken zstd data (it ends too early)");
        g->size = out.pos;
    }
    ZSTD_freeDStream(z);
    return r;
}

int boot_decompress(const u8 *data, u64 size, u64 limit, u8 **out, u64 *out_size, struct err *err)
{
    struct growing g = {.limit = limit};
    int r;
    if (size >= 18 && size <= UINT32_MAX && data[0] == 0x1f && data[1] == 0x8b)
        r = gunzip(data, size, &g, err);
    else if (size >= 9 && load_le(data, 4) == 0xfd2fb528)
        r = unzstd(data, size, &g, err);
    else
        return 0;
    if (r) {
        free(g.data);
        return r;
    }
    *out = g.data;
    *out_size = g.size;
    return 1;
}

/* ---- Recognition ----------------------------------------------------------------------------- */

enum {
    LINUX_HEADER = 64,
    LINUX_IMAGE_SIZE = 16, /* u64: memory the kernel uses before it reads the device tree */
    LINUX_MAGIC = 56,      /* u32: "RSC\5" or "ARM\x64" */
    LINUX_MAGIC_RISCV = 0x05435352,
    LINUX_MAGIC_ARM64 = 0x644d5241,
    ZIMAGE_MAGIC_AT = 0x24, /* u32; begin and end follow */
    ZIMAGE_MAGIC = 0x016f2818,
};

static bool is_linux(const struct boot_image *image)
{
    if (image->size < LINUX_HEADER)
        return false;
    u64 magic = load_le(image->data + LINUX_MAGIC, 4);
    return magic == LINUX_MAGIC_RISCV || magic == LINUX_MAGIC_ARM64;
}

static bool is_zimage(const struct boot_image *image)
{
    return image->size >= LINUX_HEADER &&
           load_le(image->data + ZIMAGE_MAGIC_AT, 4) == ZIMAGE_MAGIC;
}

/* One piece at addr that uses memory bytes. */
static int set_flat(struct boot_image *image, u64 addr, u64 memory, struct err *err)
{
    if (addr + memory < addr)
        return err_set(err, EINVAL, "0x%llx bytes at 0x%llx end behind all addresses",
                       (unsigned long long)memory, (unsigned long long)addr);
    image->piece[0] = (struct boot_piece){.addr = addr, .size = image->size};
    image->count = image->size ? 1 : 0;
    image->low = image->entry = addr;
    image->high = addr + memory;
    return 0;
}

static int recognise(struct boot_image *image, const struct boot_target *target, struct err *err)
{
    if (boot_is_elf(image->data, image->size))
        return boot_elf_parse(image, target, err);
    u64 memory = image->size;
    if (is_linux(image)) {
        image->format = BOOT_LINUX;
        memory = MAX(memory, load_le(image->data + LINUX_IMAGE_SIZE, 8));
    }
    if (is_zimage(image))
        image->format = BOOT_ZIMAGE;
    return set_flat(image, target->raw_addr, memory, err);
}

int boot_image_parse(struct boot_image *image, u8 *data, u64 size, const struct boot_target *target,
                     struct err *err)
{
    u8 *out;
    u64 out_size;
    *image = (struct boot_image){.data = data, .size = size};
    int r = boot_decompress(data, size, target->limit, &out, &out_size, err);
    if (r > 0) {
        free(data);
        image->data = out;
        image->size = out_size;
        r = 0;
    }
    if (!r)
        r = recognise(image, target, err);
    if (r)
        boot_image_fini(image);
    return r;
}

int boot_image_load(struct boot_image *image, const char *path, const struct boot_target *target,
                    struct err *err)
{
    u8 *data;
    u64 size = 0;
    *image = (struct boot_image){0};
    int r = boot_file_read(path, target->limit, &data, &size, err);
    if (r)
        return r;
    r = boot_image_parse(image, data, size, target, err);
    return r ? err_prefix(err, "%s", path) : 0;
}

int boot_image_load_raw(struct boot_image *image, const char *path, u64 addr, u64 limit,
                        struct err *err)
{
    *image = (struct boot_image){0};
    int r = boot_file_read(path, limit, &image->data, &image->size, err);
    if (!r)
        r = set_flat(image, addr, image->size, err);
    if (r)
        boot_image_fini(image);
    return r;
}

void boot_image_bytes(struct boot_image *image, u64 addr, const void *data, u64 size)
{
    *image = (struct boot_image){.data = alloc_copy(data, size), .size = size};
    int r = set_flat(image, addr, size, NULL);
    assert(!r);
    (void)r;
}

void boot_image_fini(struct boot_image *image)
{
    free(image->data);
    *image = (struct boot_image){0};
}
