/*
 * fuzz_image.c - the parsers of boot images on any bytes: what they say must lie within the image
 * and within all addresses.
 *
 * Variants force the magic number, so that each parser gets its share.
 */
#include "base/alloc.h"
#include "boot/image.h"
#include "images.h"

enum kind { ELF, LINUX, GZIP, ZSTD, ANY, KINDS };
static const char *const names[KINDS] = {"elf", "linux", "gzip", "zstd", "any"};
static const struct {
    const char *magic;
    unsigned at;
} magics[KINDS] = {{"\177ELF", 0}, {"RSC\5", 56}, {"\037\213\010", 0}, {"\050\265\057\375", 0}};

static enum kind kind;

static const char *image_variant(unsigned n)
{
    return n < KINDS ? names[n] : NULL;
}

static void image_open(const char *variant)
{
    while (strcmp(names[kind], variant))
        kind++;
}

static volatile u8 seen;

static void check(const struct boot_image *image)
{
    fuzz_must(image->count <= BOOT_PIECES && image->low <= image->high);
    for (unsigned i = 0; i < image->count; i++) {
        const struct boot_piece *p = &image->piece[i];
        fuzz_must(p->offset <= image->size && p->size <= image->size - p->offset);
        fuzz_must(p->size <= UINT64_MAX - p->zero);
        fuzz_must(p->addr <= UINT64_MAX - (p->size + p->zero));
        fuzz_must(p->addr >= image->low && p->addr + p->size + p->zero <= image->high);
        for (u64 k = 0; k < p->size; k++) /* the sanitizer sees it read */
            seen = image->data[p->offset + k];
    }
}

static void image_run(struct fuzz_input *in)
{
    static const struct boot_target targets[] = {
        {.raw_addr = 0x80200000, .limit = 256 * KiB},
        {.elf_machine = BOOT_ELF_RISCV, .elf_class = 64, .raw_addr = 0x80200000, .limit = 64 * KiB},
        {.elf_machine = BOOT_ELF_RISCV, .elf_class = 32, .raw_addr = 0, .limit = 4 * KiB},
        {.raw_addr = UINT64_MAX - 100, .limit = 256 * KiB},
    };
    const struct boot_target *target = &targets[fuzz_u8(in) % ARRAY_SIZE(targets)];
    struct boot_image image;
    struct err err = {0};
    size_t size;
    const u8 *p = fuzz_take(in, in->left, &size);
    u8 *data = alloc_copy(p, size);
    const char *magic = magics[kind].magic;
    if (magic && size >= magics[kind].at + strlen(magic))
        memcpy(data + magics[kind].at, magic, strlen(magic));
    if (boot_image_parse(&image, data, size, target, &err))
        fuzz_must(!image.data && err.text[0]);
    else
        check(&image);
    boot_image_fini(&image);
}

static void put_seed(struct fuzz_seed *s, u8 target, const u8 *data, size_t size)
{
    fuzz_put_number(s, target, 1);
    fuzz_put(s, data, size);
    fuzz_seed_end(s);
}

static void image_seeds(struct fuzz_seed *s)
{
    u8 data[IMAGE_BYTES], packed[IMAGE_BYTES];
    for (unsigned i = 0; i < 4; i++) {
        size_t n = image_elf(data, i & 1 ? 64 : 32, i & 2, 0x80200000);
        if (kind == ELF || kind == ANY)
            put_seed(s, 0, data, n);
        if (kind == GZIP)
            put_seed(s, 0, packed, image_gzip(packed, data, n));
        if (kind == ZSTD)
            put_seed(s, 0, packed, image_zstd(packed, data, n));
    }
    size_t n = image_linux(data);
    if (kind == LINUX || kind == ANY)
        put_seed(s, 0, data, n);
    if (kind == GZIP)
        put_seed(s, 0, packed, image_gzip(packed, data, n));
    if (kind == ZSTD)
        put_seed(s, 0, packed, image_zstd(packed, data, n));
}

const struct fuzz_target fuzz_target = {
    .variant = image_variant, .open = image_open, .run = image_run, .seeds = image_seeds};
