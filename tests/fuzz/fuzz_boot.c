/*
 * fuzz_boot.c - a whole machine set up with firmware, kernel, initial RAM disk and device tree of
 * any bytes: made or refused with a message, reset twice, and gone.
 */
#include "images.h"
#include "machine/machine.h"

enum file { BIOS, KERNEL, INITRD, DTB, FILES };
enum {
    RAM_MIB = 8,
    HAS_ALL = BITS(3, 0),
    HAS_APPEND = 16,
};

static struct {
    int fd;
    char path[32];
} files[FILES];

/* Every board with each of its architectures; NULL: n is beyond them. */
static const struct board *board_at(unsigned n, const char **arch)
{
    for (const struct board *const *b = board_registry; *b; b++) {
        for (const struct board_arch *a = (*b)->archs; a->name; a++) {
            *arch = a->name;
            if (!n--)
                return *b;
        }
    }
    return NULL;
}

static unsigned boards(void)
{
    const char *arch;
    unsigned n = 0;
    while (board_at(n, &arch))
        n++;
    return n;
}

static void boot_open(const char *variant)
{
    (void)variant;
    for (unsigned i = 0; i < FILES; i++)
        files[i].fd = fuzz_file("boot", files[i].path);
}

/* Files that `has` names, in their order; all but the last have their size before them. */
static void fill_files(struct fuzz_input *in, u8 has)
{
    for (unsigned i = 0; i < FILES; i++) {
        size_t n, wanted = has >> (i + 1) ? fuzz_u16(in) : in->left;
        if (!(has >> i & 1))
            continue;
        const u8 *p = fuzz_take(in, wanted, &n);
        fuzz_file_set(files[i].fd, p, n);
    }
}

static void boot_run(struct fuzz_input *in)
{
    const struct loop_config loop = {.force_poll = true};
    struct err err = {0};
    const char *arch;
    const struct board *board = board_at(fuzz_u8(in) % boards(), &arch);
    u8 has = fuzz_u8(in);
    fill_files(in, has & HAS_ALL);
    struct machine_config c = {.arch = arch,
                               .board = board,
                               .accel = "interp",
                               .cpus = 1,
                               .ram_size = RAM_MIB * MiB,
                               .bios = has >> BIOS & 1 ? files[BIOS].path : "none",
                               .kernel = has >> KERNEL & 1 ? files[KERNEL].path : NULL,
                               .initrd = has >> INITRD & 1 ? files[INITRD].path : NULL,
                               .dtb = has >> DTB & 1 ? files[DTB].path : NULL,
                               .append = has & HAS_APPEND ? "console=ttyS0" : NULL,
                               .stopped = true};
    struct machine *m = machine_new(&loop, &err);
    fuzz_must(m);
    if (machine_init(m, &c, &err))
        fuzz_must(err.text[0]);
    else
        machine_reset(m);
    machine_free(m);
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

static void put_files(struct fuzz_seed *s, unsigned board, u8 flags, const u8 *const *data,
                      const size_t *size)
{
    fuzz_put_number(s, board, 1);
    fuzz_put_number(s, flags, 1);
    for (unsigned i = 0; i < FILES; i++) {
        if ((flags & HAS_ALL) >> (i + 1))
            fuzz_put_number(s, flags >> i & 1 ? size[i] : 0, 2);
        if (flags >> i & 1)
            fuzz_put(s, data[i], size[i]);
    }
    fuzz_seed_end(s);
}

static void boot_seeds(struct fuzz_seed *s)
{
    u8 bytes[FILES][IMAGE_BYTES];
    const u8 *data[FILES];
    size_t size[FILES];
    for (unsigned i = 0; i < FILES; i++)
        data[i] = bytes[i];
    for (unsigned n = 0; n < boards(); n++) {
        const char *arch;
        board_at(n, &arch);
        unsigned bits = strstr(arch, "32") ? 32 : 64;
        size[BIOS] = image_elf(bytes[BIOS], bits, false, 0x80000000);
        size[KERNEL] = image_elf(bytes[KERNEL], bits, false, 0x80400000);
        size[INITRD] = image_gzip(bytes[INITRD], bytes[KERNEL], size[KERNEL]);
        size[DTB] = image_fdt(bytes[DTB]);
        for (u8 has = 0; has <= HAS_ALL; has++)
            put_files(s, n, has | HAS_APPEND, data, size);
        size[KERNEL] = image_linux(bytes[KERNEL]);
        put_files(s, n, BIT(BIOS) | BIT(KERNEL) | BIT(INITRD), data, size);
    }
}

const struct fuzz_target fuzz_target = {.open = boot_open, .run = boot_run, .seeds = boot_seeds};
