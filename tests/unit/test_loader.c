/*
 * test_loader.c - boot images: recognised, decompressed, refused; and no bytes at all make the
 * parser point outside of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "boot/fdt.h"
#include "boot/image.h"
#include "boot/rom.h"

static const struct boot_target any = {.raw_addr = 0x80200000, .limit = 16 * MiB};

static int parse(struct boot_image *image, const void *data, u64 size,
                 const struct boot_target *target, struct err *err)
{
    return boot_image_parse(image, alloc_copy(data, size), size, target, err);
}

static void expect_refusal(const void *data, u64 size, const struct boot_target *target,
                           const char *words)
{
    struct boot_image image;
    struct err err = {0};
    assert_true(parse(&image, data, size, target, &err) < 0);
    if (!strstr(err.text, words))
        print_message("wanted: %s; got: %s\n", words, err.text);
    assert_non_null(strstr(err.text, words));
    assert_null(image.data);
}

/* ---- ELF ------------------------------------------------------------------------------------- */

/* Where the fields of a file header and of a program header lie. */
struct layout {
    unsigned word, header, entry, phoff, phentsize, phnum, phsize;
    unsigned offset, vaddr, paddr, filesz, memsz;
};
static const struct layout elf32 = {4, 52, 24, 28, 42, 44, 32, 4, 8, 12, 16, 20};
static const struct layout elf64 = {8, 64, 24, 32, 54, 56, 56, 8, 16, 24, 32, 40};

enum { ELF_SIZE = 512, TEXT = 256, TEXT_SIZE = 100 };

static void put(u8 *elf, unsigned at, u64 v, unsigned size)
{
    if (elf[5] == 2)
        store_be(elf + at, v, size);
    else
        store_le(elf + at, v, size);
}

/* One segment of TEXT_SIZE bytes, 50 more of zeroes, at paddr. */
static void make_elf(u8 elf[ELF_SIZE], const struct layout *l, bool big, u64 vaddr, u64 paddr,
                     u64 entry)
{
    memset(elf, 0, ELF_SIZE);
    memcpy(elf, "\177ELF", 4);
    elf[4] = l->word / 4;
    elf[5] = big ? 2 : 1;
    put(elf, 16, 2, 2);
    put(elf, 18, BOOT_ELF_RISCV, 2);
    put(elf, l->entry, entry, l->word);
    put(elf, l->phoff, l->header, l->word);
    put(elf, l->phentsize, l->phsize, 2);
    put(elf, l->phnum, 1, 2);
    unsigned base = l->header;
    put(elf, base, 1, 4);
    put(elf, base + l->offset, TEXT, l->word);
    put(elf, base + l->vaddr, vaddr, l->word);
    put(elf, base + l->paddr, paddr, l->word);
    put(elf, base + l->filesz, TEXT_SIZE, l->word);
    put(elf, base + l->memsz, TEXT_SIZE + 50, l->word);
    memset(elf + TEXT, 0xcc, TEXT_SIZE);
}

static void check_elf(const struct layout *l, bool big)
{
    u8 elf[ELF_SIZE];
    struct boot_image image;
    make_elf(elf, l, big, 0xc0000000, 0x80000000, 0xc0000010);
    assert_int_equal(parse(&image, elf, ELF_SIZE, &any, NULL), 0);
    assert_int_equal(image.format, BOOT_ELF);
    assert_int_equal(image.count, 1);
    assert_int_equal(image.piece[0].addr, 0x80000000);
    assert_int_equal(image.piece[0].offset, TEXT);
    assert_int_equal(image.piece[0].size, TEXT_SIZE);
    assert_int_equal(image.piece[0].zero, 50);
    assert_int_equal(image.low, 0x80000000);
    assert_int_equal(image.high, 0x80000000 + TEXT_SIZE + 50);
    assert_int_equal(image.entry, 0x80000010); /* virtual, made physical */
    boot_image_fini(&image);
    make_elf(elf, l, big, 0xc0000000, 0x80000000, 0x80000020);
    assert_int_equal(parse(&image, elf, ELF_SIZE, &any, NULL), 0);
    assert_int_equal(image.entry, 0x80000020);
    boot_image_fini(&image);
}

static void test_elf(void **state)
{
    (void)state;
    check_elf(&elf32, false);
    check_elf(&elf32, true);
    check_elf(&elf64, false);
    check_elf(&elf64, true);
}

static void test_elf_refusals(void **state)
{
    const struct boot_target rv32 = {
        .elf_machine = BOOT_ELF_RISCV, .elf_class = 32, .limit = 16 * MiB};
    const struct boot_target arm = {.elf_machine = BOOT_ELF_AARCH64, .limit = 16 * MiB};
    const struct layout *l = &elf64;
    u8 good[ELF_SIZE], elf[ELF_SIZE];
    (void)state;
    make_elf(good, l, false, 0, 0x80000000, 0x80000000);
    expect_refusal(good, ELF_SIZE, &rv32, "64 bits for a processor of 32");
    expect_refusal(good, ELF_SIZE, &arm, "another processor");
    expect_refusal(good, 40, &any, "ends in its header");
#define BREAK(at, value, size, words)                                                              \
    do {                                                                                           \
        memcpy(elf, good, ELF_SIZE);                                                               \
        put(elf, at, value, size);                                                                 \
        expect_refusal(elf, ELF_SIZE, &any, words);                                                \
    } while (0)
    BREAK(16, 1, 2, "not an executable");
    BREAK(4, 3, 1, "class 3");
    BREAK(l->phoff, ELF_SIZE - 8, 8, "program headers end behind");
    BREAK(l->phoff, UINT64_MAX - 8, 8, "program headers end behind");
    BREAK(l->phentsize, 8, 2, "program headers end behind");
    BREAK(l->phnum, 0xffff, 2, "program headers end behind");
    BREAK(l->phnum, 0, 2, "nothing to load");
    BREAK(64 + l->offset, UINT64_MAX - 4, 8, "ends behind the file");
    BREAK(64 + l->filesz, UINT64_MAX, 8, "ends behind the file");
    BREAK(64 + l->memsz, 10, 8, "impossible size");
    BREAK(64 + l->paddr, UINT64_MAX - 10, 8, "impossible size");
#undef BREAK
}

/* ---- Linux Image and compression ------------------------------------------------------------- */

enum { IMAGE_SIZE = 300000 };

static u8 *make_linux(u64 memory)
{
    u8 *p = alloc_zero(IMAGE_SIZE);
    for (unsigned i = 64; i < IMAGE_SIZE; i++)
        p[i] = (u8)(i * 7 + i / 256);
    store_le(p + 16, memory, 8);
    memcpy(p + 56, "RSC\5", 4);
    return p;
}

static void check_linux(const void *data, u64 size)
{
    struct boot_image image;
    struct err err = {0};
    u8 *plain = make_linux(1 * MiB);
    assert_int_equal(parse(&image, data, size, &any, &err), 0);
    assert_int_equal(image.format, BOOT_LINUX);
    assert_int_equal(image.size, IMAGE_SIZE);
    assert_memory_equal(image.data, plain, IMAGE_SIZE);
    assert_int_equal(image.low, 0x80200000);
    assert_int_equal(image.entry, 0x80200000);
    assert_int_equal(image.high, 0x80200000 + 1 * MiB); /* it uses more than it brings */
    boot_image_fini(&image);
    free(plain);
}

static u64 gzip(const u8 *in, u64 size, u8 *out, u64 room)
{
    z_stream z = {
        .next_in = (u8 *)in, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    u64 n = room - z.avail_out;
    deflateEnd(&z);
    return n;
}

static void test_linux(void **state)
{
    u8 *plain = make_linux(1 * MiB), *packed = alloc_zero(IMAGE_SIZE);
    (void)state;
    check_linux(plain, IMAGE_SIZE);
    u64 n = gzip(plain, IMAGE_SIZE, packed, IMAGE_SIZE);
    check_linux(packed, n);
    expect_refusal(packed, n / 2, &any, "broken gzip data");
    packed[n / 2] ^= 0xff;
    expect_refusal(packed, n, &any, "broken gzip data");
    n = ZSTD_compress(packed, IMAGE_SIZE, plain, IMAGE_SIZE, 3);
    check_linux(packed, n);
    expect_refusal(packed, n / 2, &any, "broken zstd data");
    store_le(plain + 16, UINT64_MAX - 16, 8);
    expect_refusal(plain, IMAGE_SIZE, &any, "end behind all addresses");
    free(plain);
    free(packed);
}

/* A little that becomes a lot: stopped at the limit. */
static void test_bomb(void **state)
{
    enum { ZEROES = 20 * 1024 * 1024 };
    u8 *zero = alloc_zero(ZEROES), *packed = alloc_zero(1 << 20);
    (void)state;
    u64 n = gzip(zero, ZEROES, packed, 1 << 20);
    expect_refusal(packed, n, &any, "larger than 16 MiB");
    n = ZSTD_compress(packed, 1 << 20, zero, ZEROES, 3);
    expect_refusal(packed, n, &any, "larger than 16 MiB");
    free(zero);
    free(packed);
}

static void test_raw(void **state)
{
    struct boot_image image;
    (void)state;
    assert_int_equal(parse(&image, "abc", 3, &any, NULL), 0);
    assert_int_equal(image.format, BOOT_RAW);
    assert_int_equal(image.high, 0x80200003);
    boot_image_fini(&image);
    assert_int_equal(parse(&image, "", 0, &any, NULL), 0);
    assert_int_equal(image.count, 0);
    boot_image_fini(&image);
}

static void test_files(void **state)
{
    struct boot_image image;
    struct err err = {0};
    (void)state;
    assert_true(boot_image_load(&image, "/nonexistent", &any, &err) < 0);
    assert_non_null(strstr(err.text, "/nonexistent: No such file"));
    assert_true(boot_image_load(&image, "/tmp", &any, &err) < 0);
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_true(boot_image_load_raw(&image, "/proc/self/exe", 0, 10, &err) < 0);
    assert_non_null(strstr(err.text, "at most 10 fit"));
}

/* ---- Any bytes ------------------------------------------------------------------------------- */

static u64 next_random(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void check_bounds(const struct boot_image *image)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct boot_piece *p = &image->piece[i];
        assert_true(p->offset <= image->size && p->size <= image->size - p->offset);
        assert_true(p->addr + p->size + p->zero >= p->addr);
        assert_true(p->addr >= image->low && p->addr + p->size + p->zero <= image->high);
    }
}

static void try_bytes(const u8 *data, u64 size)
{
    struct boot_image image;
    const struct boot_target small = {.raw_addr = 0x1000, .limit = 1 * MiB};
    if (!parse(&image, data, size, &small, NULL))
        check_bounds(&image);
    boot_image_fini(&image);
    struct boot_fdt f;
    if (!boot_fdt_open(&f, data, size, NULL))
        boot_fdt_string(&f, boot_fdt_child(&f, 0, "chosen"), "bootargs", "x");
    boot_fdt_fini(&f);
}

/* Mutations of good files. */
static void mutate(const u8 *good, u64 size, unsigned rounds, u64 seed)
{
    u8 *bytes = alloc_bytes(size);
    for (unsigned i = 0; i < rounds; i++) {
        memcpy(bytes, good, size);
        for (u64 n = 1 + next_random(&seed) % 6; n--;) {
            u64 at = next_random(&seed) % MIN(size, 256);
            bytes[at] = (u8)(next_random(&seed) % 3 ? next_random(&seed) : 0xff);
        }
        try_bytes(bytes, 1 + next_random(&seed) % size);
        try_bytes(bytes, size);
    }
    free(bytes);
}

static void test_mutations(void **state)
{
    u8 elf[ELF_SIZE], packed[4096];
    (void)state;
    make_elf(elf, &elf64, false, 0, 0x80000000, 0x80000000);
    mutate(elf, ELF_SIZE, 4000, 1);
    make_elf(elf, &elf32, true, 0, 0x80000000, 0x80000000);
    mutate(elf, ELF_SIZE, 4000, 2);
    u64 n = gzip(elf, ELF_SIZE, packed, sizeof(packed));
    mutate(packed, n, 1000, 3);
    n = ZSTD_compress(packed, sizeof(packed), elf, ELF_SIZE, 3);
    mutate(packed, n, 1000, 4);
    struct boot_fdt f;
    u8 *tree;
    assert_int_equal(boot_fdt_init(&f, NULL), 0);
    boot_fdt_u32(&f, boot_fdt_node(&f, 0, "node@%x", 5), "reg", 5);
    assert_int_equal(boot_fdt_finish(&f, &tree, &n, NULL), 0);
    mutate(tree, n, 300, 5);
    free(tree);
}

/* A tree that says it is of an old version: libfdt takes it for one and finds no '/' in its names.
 */
static void test_old_tree(void **state)
{
    struct boot_fdt f;
    struct err err = {0};
    u8 *tree;
    u64 n;
    (void)state;
    assert_int_equal(boot_fdt_init(&f, NULL), 0);
    assert_int_equal(boot_fdt_finish(&f, &tree, &n, NULL), 0);
    for (u32 version = 0; version < 16; version++) {
        store_be(tree + 20, version, 4);
        store_be(tree + 24, version, 4);
        assert_int_equal(boot_fdt_open(&f, tree, n, &err), -EINVAL);
        boot_fdt_fini(&f);
    }
    store_be(tree + 20, 17, 4);
    assert_int_equal(boot_fdt_open(&f, tree, 39, &err), -EINVAL);
    boot_fdt_fini(&f);
    assert_int_equal(boot_fdt_open(&f, tree, n, &err), 0);
    boot_fdt_fini(&f);
    free(tree);
}

/* ---- ROM list -------------------------------------------------------------------------------- */

struct fixture {
    struct epoch epoch;
    struct memory memory;
    struct mem_region root, ram, rom;
    struct mem_space space;
    struct ram_block *block;
    struct boot_roms roms;
};

static void open_fixture(struct fixture *f)
{
    epoch_init(&f->epoch);
    memory_init(&f->memory, &f->epoch);
    mem_container(&f->root, "root", UINT64_MAX);
    mem_space_init(&f->space, &f->memory, "space", &f->root);
    f->block = ram_block_new(&f->memory, "ram", 64 * KiB, NULL);
    assert_non_null(f->block);
    mem_ram(&f->ram, "ram", f->block, 0, 32 * KiB);
    mem_rom(&f->rom, "rom", f->block, 32 * KiB, 32 * KiB);
    mem_map(&f->memory, &f->root, 0x10000, &f->ram, 0);
    mem_map(&f->memory, &f->root, 0x18000, &f->rom, 0);
    boot_roms_init(&f->roms, &f->space);
}

static void close_fixture(struct fixture *f)
{
    boot_roms_fini(&f->roms);
    mem_space_fini(&f->space);
    memory_fini(&f->memory);
    epoch_fini(&f->epoch);
}

static int add(struct fixture *f, const char *name, u64 addr, const char *text, struct err *err)
{
    struct boot_image image;
    boot_image_bytes(&image, addr, text, strlen(text));
    int r = boot_rom_add(&f->roms, name, &image, NULL, err);
    boot_image_fini(&image);
    return r;
}

static void test_roms(void **state)
{
    struct fixture f;
    struct err err = {0};
    (void)state;
    open_fixture(&f);
    assert_int_equal(add(&f, "first", 0x10000, "firmware", &err), 0);
    assert_int_equal(add(&f, "across", 0x17ffc, "ram and rom", &err), 0);
    assert_true(add(&f, "over", 0x10007, "x", &err) < 0);
    assert_non_null(strstr(err.text, "overlaps first"));
    assert_int_equal(add(&f, "next", 0x10008, "x", &err), 0);
    assert_true(add(&f, "low", 0xfff8, "0123456789", &err) < 0);
    assert_non_null(strstr(err.text, "no memory at 0xfff8"));
    assert_true(add(&f, "high", 0x1fff8, "0123456789", &err) < 0);
    assert_non_null(strstr(err.text, "no memory at 0x20000"));
    boot_roms_write(&f.roms);
    assert_memory_equal(f.block->host, "firmwarex", 9);
    assert_memory_equal(f.block->host + 0x7ffc, "ram and rom", 11);
    memset(f.block->host, 0, 16);
    boot_roms_write(&f.roms);
    assert_memory_equal(f.block->host, "firmwarex", 9);
    boot_roms_drop(&f.roms);
    memset(f.block->host, 0, 16);
    boot_roms_write(&f.roms);
    assert_int_equal(f.block->host[0], 0);
    close_fixture(&f);
}

/* What an ELF file wants zero is zero again after a reset. */
static void test_zero_part(void **state)
{
    struct fixture f;
    struct boot_image image;
    u8 elf[ELF_SIZE];
    (void)state;
    open_fixture(&f);
    make_elf(elf, &elf64, false, 0, 0x10000, 0x10000);
    assert_int_equal(parse(&image, elf, ELF_SIZE, &any, NULL), 0);
    assert_int_equal(boot_rom_add(&f.roms, "elf", &image, NULL, NULL), 0);
    boot_roms_write(&f.roms);
    memset(f.block->host, 0x11, TEXT_SIZE + 60);
    boot_roms_write(&f.roms);
    assert_int_equal(f.block->host[TEXT_SIZE - 1], 0xcc);
    assert_int_equal(f.block->host[TEXT_SIZE], 0);
    assert_int_equal(f.block->host[TEXT_SIZE + 49], 0);
    assert_int_equal(f.block->host[TEXT_SIZE + 50], 0x11);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elf),       cmocka_unit_test(test_elf_refusals),
        cmocka_unit_test(test_linux),     cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_raw),       cmocka_unit_test(test_files),
        cmocka_unit_test(test_roms),      cmocka_unit_test(test_zero_part),
        cmocka_unit_test(test_mutations), cmocka_unit_test(test_old_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
