/*
 * riscv.c - firmware, kernel, initrd and device tree placed in RAM; the reset code.
 *
 * Sources: OpenSBI docs/firmware/fw_dynamic.md; Linux Documentation/arch/riscv/boot.rst. The
 * places are a contract with existing guests: they are where the peer's virt board has them.
 */
#include "boot/riscv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "boot/firmware.h"

enum { FW_DYNAMIC_MAGIC = 0x4942534f, FW_DYNAMIC_VERSION = 2, NEXT_MODE_S = 1 };
#define INITRD_OFFSET_MAX (512 * MiB)
#define FDT_ALIGN         (2 * MiB)
#define FDT_LIMIT_RV32    (3 * GiB) /* must be mapped by a 32-bit kernel */

static u64 ram_end(const struct riscv_boot *b)
{
    return b->ram_base + b->m->ram_size;
}

static struct boot_target target(const struct riscv_boot *b, u64 raw_addr)
{
    return (struct boot_target){.elf_machine = BOOT_ELF_RISCV,
                                .elf_class = b->rv32 ? 32 : 64,
                                .raw_addr = raw_addr,
                                .limit = b->m->ram_size};
}

static const char *bios_option(const struct riscv_boot *b)
{
    return b->m->config.bios ? b->m->config.bios : "default";
}

bool riscv_boot_by_fw_cfg(const struct riscv_boot *b)
{
    return b->flash && strcmp(bios_option(b), "none");
}

/* ---- Images ---------------------------------------------------------------------------------- */

/* Adds an image to the list; freed when that fails. */
static int add_rom(struct riscv_boot *b, const char *name, struct boot_image *image,
                   void (*refresh)(u8 *data, u64 size), struct err *err)
{
    int r = boot_rom_add(b->roms, name, image, refresh, err);
    if (r)
        boot_image_fini(image);
    return r;
}

/* *end: the first address behind the firmware. */
static int load_firmware(struct riscv_boot *b, u64 *end, struct err *err)
{
    const char *bios = bios_option(b);
    const char *const *dirs = b->m->config.search_dirs;
    struct boot_target t = target(b, b->ram_base);
    struct boot_image image;
    *end = b->start = b->ram_base;
    if (!strcmp(bios, "none")) {
        if (b->flash)
            b->start = b->flash;
        return 0;
    }
    char *path = strcmp(bios, "default") ? boot_firmware_find(bios, dirs, err)
                                         : boot_firmware_opensbi(b->m->arch, dirs, err);
    if (!path)
        return -ENOENT;
    int r = boot_image_load(&image, path, &t, err);
    free(path);
    if (r)
        return err_prefix(err, "-bios");
    b->start = image.entry;
    *end = image.high;
    return add_rom(b, "-bios", &image, NULL, err);
}

static int load_initrd(struct riscv_boot *b, u64 kernel_end, struct err *err)
{
    const char *path = b->m->config.initrd;
    struct boot_image image;
    u64 addr = b->kernel_entry + MIN(b->m->ram_size / 2, INITRD_OFFSET_MAX);
    /* A kernel that uses more than half of the memory for itself keeps it. */
    addr = MAX(addr, align_up(kernel_end, 4 * KiB));
    if (!path)
        return 0;
    if (addr >= ram_end(b))
        return err_set(err, ENOSPC, "-initrd %s: no memory is left for it behind the kernel: -m",
                       path);
    int r = boot_image_load_raw(&image, path, addr, ram_end(b) - addr, err);
    if (r)
        return err_prefix(err, "-initrd");
    b->initrd_start = image.low;
    b->initrd_end = image.high;
    return add_rom(b, "-initrd", &image, NULL, err);
}

static int load_kernel(struct riscv_boot *b, u64 firmware_end, struct err *err)
{
    const struct machine_config *c = &b->m->config;
    struct boot_target t = target(b, align_up(firmware_end, b->rv32 ? 4 * MiB : 2 * MiB));
    struct boot_image image;
    int r = boot_image_load(&image, c->kernel, &t, err);
    if (r)
        return err_prefix(err, "-kernel");
    /* Firmware goes to the lowest address of an ELF kernel, not to its entry: that is where a raw
     * one would start, and kernels may have another entry for it. */
    b->kernel_entry = image.low;
    if (!strcmp(bios_option(b), "none") && !b->flash && image.format == BOOT_ELF)
        b->start = image.entry;
    u64 end = image.high;
    r = add_rom(b, "-kernel", &image, NULL, err);
    return r ? r : load_initrd(b, end, err);
}

int riscv_boot_load(struct riscv_boot *b, struct err *err)
{
    const struct machine_config *c = &b->m->config;
    u64 end;
    if (!c->kernel && (c->initrd || c->append))
        return err_set(err, EINVAL, "%s without -kernel has no meaning",
                       c->initrd ? "-initrd" : "-append");
    int r = load_firmware(b, &end, err);
    if (r)
        return r;
    if (riscv_boot_by_fw_cfg(b)) {
        b->kernel_entry = b->flash;
        return 0;
    }
    return c->kernel ? load_kernel(b, end, err) : 0;
}

void riscv_boot_chosen(const struct riscv_boot *b, struct boot_fdt *f)
{
    int chosen = boot_fdt_child(f, 0, "chosen");
    if (b->m->config.append)
        boot_fdt_string(f, chosen, "bootargs", b->m->config.append);
    if (b->initrd_end) {
        boot_fdt_u64(f, chosen, "linux,initrd-start", b->initrd_start);
        boot_fdt_u64(f, chosen, "linux,initrd-end", b->initrd_end);
    }
}

/* ---- Device tree and reset code -------------------------------------------------------------- */

static int place_fdt(struct riscv_boot *b, const u8 *fdt, u64 size, struct err *err)
{
    u64 end = b->rv32 ? MIN(ram_end(b), MAX(FDT_LIMIT_RV32, b->ram_base)) : ram_end(b);
    struct boot_image image;
    b->fdt_addr = align_down(end - size, FDT_ALIGN);
    if (size > b->m->ram_size || b->fdt_addr < b->ram_base)
        return err_set(err, ENOSPC, "-m: %llu KiB of memory have no room for the device tree",
                       (unsigned long long)(b->m->ram_size / KiB));
    boot_image_bytes(&image, b->fdt_addr, fdt, size);
    return add_rom(b, "device tree", &image, boot_fdt_new_seed, err);
}

/*
 * The words that a hart executes first. l[dw] is ld or lw by word size; the data follow:
 * +24 start, +32 device tree, +40 struct fw_dynamic_info.
 */
static int place_reset_code(struct riscv_boot *b, struct err *err)
{
    enum { START = 24, FDT = 32, INFO = 40, SIZE = INFO + 6 * 8 };
    u32 load = b->rv32 ? 2u << 12 : 3u << 12;
    const u32 code[] = {
        0x00000297,                      /* auipc t0, 0 */
        0x00028613 | INFO << 20,         /* addi a2, t0, INFO */
        0xf1402573,                      /* csrr a0, mhartid */
        0x00028583 | load | FDT << 20,   /* l[dw] a1, FDT(t0) */
        0x00028283 | load | START << 20, /* l[dw] t0, START(t0) */
        0x00028067,                      /* jr t0 */
    };
    const u64 info[] = {FW_DYNAMIC_MAGIC, FW_DYNAMIC_VERSION, b->kernel_entry, NEXT_MODE_S, 0, 0};
    unsigned word = b->rv32 ? 4 : 8;
    u8 rom[SIZE] = {0};
    struct boot_image image;
    for (unsigned i = 0; i < ARRAY_SIZE(code); i++)
        store_le(rom + 4 * i, code[i], 4);
    store_le(rom + START, b->start, 8);
    store_le(rom + FDT, b->fdt_addr, 8);
    for (unsigned i = 0; i < ARRAY_SIZE(info); i++)
        store_le(rom + INFO + word * i, info[i], word);
    boot_image_bytes(&image, b->rom_addr, rom, sizeof(rom));
    return add_rom(b, "reset code", &image, NULL, err);
}

int riscv_boot_finish(struct riscv_boot *b, const u8 *fdt, u64 fdt_size, struct err *err)
{
    int r = place_fdt(b, fdt, fdt_size, err);
    return r ? r : place_reset_code(b, err);
}
