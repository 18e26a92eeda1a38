/*
 * images.c - seeds for what reads boot images (images.h).
 */
#include "images.h"

#include <zlib.h>
#include <zstd.h>

#include "boot/fdt.h"
#include "boot/image.h"

struct elf_writer {
    u8 *p;
    unsigned word;
    bool big_endian;
};

static void put(struct elf_writer *w, u64 value, unsigned size)
{
    if (w->big_endian)
        store_be(w->p, value, size);
    else
        store_le(w->p, value, size);
    w->p += size;
}

static void put_header(struct elf_writer *w, unsigned header, unsigned entry, u64 addr)
{
    put(w, 2, 2); /* executable */
    put(w, BOOT_ELF_RISCV, 2);
    put(w, 1, 4);
    put(w, addr, w->word); /* entry */
    put(w, header, w->word);
    put(w, 0, w->word); /* no sections */
    put(w, 0, 4);
    put(w, header, 2);
    put(w, entry, 2);
    put(w, 2, 2); /* segments */
}

/* 64 bytes of the file, 16 more of zeroes. */
static void put_segment(struct elf_writer *w, u64 offset, u64 addr)
{
    put(w, 1, 4);
    if (w->word == 8)
        put(w, 7, 4); /* flags */
    put(w, offset, w->word);
    put(w, addr, w->word);
    put(w, addr, w->word);
    put(w, 64, w->word);
    put(w, 80, w->word);
    if (w->word == 4)
        put(w, 7, 4);
    put(w, 4, w->word); /* alignment */
}

size_t image_elf(u8 *out, unsigned bits, bool big_endian, u64 addr)
{
    enum { SIZE = 512, FIRST = 256, SECOND = 384 };
    struct elf_writer w = {.p = out + 16, .word = bits / 8, .big_endian = big_endian};
    unsigned header = bits == 64 ? 64 : 52;
    memset(out, 0, SIZE);
    memcpy(out, "\177ELF", 4);
    out[4] = bits == 64 ? 2 : 1;
    out[5] = big_endian ? 2 : 1;
    out[6] = 1;
    put_header(&w, header, bits == 64 ? 56 : 32, addr);
    w.p = out + header;
    put_segment(&w, FIRST, addr);
    put_segment(&w, SECOND, addr + 0x1000);
    memset(out + FIRST, 0x13, SIZE - FIRST);
    return SIZE;
}

size_t image_linux(u8 *out)
{
    enum { SIZE = 300 };
    for (unsigned i = 0; i < SIZE; i++)
        out[i] = (u8)(i * i);
    store_le(out + 8, 0, 8);
    store_le(out + 16, 0x100000, 8);
    memcpy(out + 56, "RSC\5", 4);
    return SIZE;
}

size_t image_gzip(u8 *out, const u8 *data, size_t size)
{
    z_stream z = {.next_in = (u8 *)(uintptr_t)data,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = IMAGE_BYTES};
    fuzz_must(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    fuzz_must(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return IMAGE_BYTES - z.avail_out;
}

size_t image_zstd(u8 *out, const u8 *data, size_t size)
{
    size_t n = ZSTD_compress(out, IMAGE_BYTES, data, size, 3);
    fuzz_must(!ZSTD_isError(n));
    return n;
}

size_t image_fdt(u8 *out)
{
    struct err err = {0};
    struct boot_fdt f;
    u8 *data;
    u64 size;
    fuzz_ok(boot_fdt_init(&f, &err), &err);
    boot_fdt_string(&f, 0, "compatible", "riscv-virtio");
    int chosen = boot_fdt_node(&f, 0, "chosen");
    boot_fdt_bytes(&f, chosen, "rng-seed", "01234567012345670123456701234567", 32);
    boot_fdt_string(&f, chosen, "bootargs", "console=ttyS0");
    boot_fdt_u32(&f, boot_fdt_node(&f, 0, "memory@%x", 0x80000000), "reg", 5);
    fuzz_ok(boot_fdt_finish(&f, &data, &size, &err), &err);
    fuzz_must(size <= IMAGE_BYTES);
    memcpy(out, data, size);
    free(data);
    return size;
}
