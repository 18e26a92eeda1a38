/*
 * arm.c - kernel, initrd and device tree placed in RAM, firmware in flash; arm.h has the map.
 */
#include "boot/arm.h"

#include <errno.h>
#include <stdlib.h>

#include "boot/firmware.h"

#define KERNEL_ALIGN      (2 * MiB)
#define INITRD_OFFSET_MAX (128 * MiB)
#define FDT_ALIGN         (2 * MiB)
#define TEXT_OFFSET_A32   (32 * KiB)
#define ZIMAGE_OFFSET     (32 * MiB)
enum { TEXT_OFFSET = 8, IMAGE_SIZE = 16, HEADER = 64, OLD_TEXT_OFFSET = 0x80000, BELOW = 4096 };

static u64 ram_end(const struct arm_boot *b)
{
    return b->ram_base + b->m->ram_size;
}

static int add_rom(struct arm_boot *b, const char *name, struct boot_image *image,
                   void (*refresh)(u8 *data, u64 size), struct err *err)
{
    int r = boot_rom_add(b->roms, name, image, refresh, err);
    if (r)
        boot_image_fini(image);
    return r;
}

static int load_firmware(struct arm_boot *b, struct err *err)
{
    const struct machine_config *c = &b->m->config;
    struct boot_image image;
    b->firmware = b->flash_used;
    if (!c->bios || !strcmp(c->bios, "none"))
        return 0;
    if (b->flash_used)
        return err_set(err, EINVAL,
                       "-bios %s: the flash that it belongs into has contents (-drive if=pflash)",
                       c->bios);
    char *path = boot_firmware_find(c->bios, c->search_dirs, err);
    if (!path)
        return -ENOENT;
    int r = boot_image_load_raw(&image, path, b->flash, 64 * MiB, err);
    free(path);
    if (r)
        return err_prefix(err, "-bios");
    b->firmware = true;
    return add_rom(b, "-bios", &image, NULL, err);
}

/* Where an Image belongs: kernels that say how much memory they use also say their offset from a 2
 * MiB boundary; older ones have a fixed one. The first page is left free for who needs a place
 * below. */
static void place_image(const struct arm_boot *b, struct boot_image *image)
{
    u64 offset = OLD_TEXT_OFFSET;
    if (load_le(image->data + IMAGE_SIZE, 8))
        offset = load_le(image->data + TEXT_OFFSET, 8);
    u64 addr = b->ram_base + offset;
    if (offset < BELOW)
        addr += KERNEL_ALIGN;
    image->piece[0].addr = image->entry = addr;
    image->high = addr + (image->high - image->low);
    image->low = addr;
}

/* A zImage unpacks itself to the begin of memory and wants to stand behind that, within the first 128
 * MiB; where memory is small it moves itself out of its way. */
static void place_zimage(const struct arm_boot *b, struct boot_image *image)
{
    u64 size = image->high - image->low;
    if (b->m->ram_size < 2 * ZIMAGE_OFFSET + size)
        return;
    image->piece[0].addr = image->low = image->entry = b->ram_base + ZIMAGE_OFFSET;
    image->high = image->low + size;
}

static int load_initrd(struct arm_boot *b, u64 kernel_end, struct err *err)
{
    const char *path = b->m->config.initrd;
    struct boot_image image;
    u64 addr = MAX(b->ram_base + MIN(b->m->ram_size / 2, INITRD_OFFSET_MAX),
                   align_up(kernel_end, 4 * KiB));
    b->initrd_start = b->initrd_end = addr;
    if (!path)
        return 0;
    if (addr >= ram_end(b))
        return err_set(err, ENOSPC, "-initrd %s: no memory is left for it behind the kernel: -m",
                       path);
    int r = boot_image_load_raw(&image, path, addr, ram_end(b) - addr, err);
    if (r)
        return err_prefix(err, "-initrd");
    b->initrd_end = image.high;
    return add_rom(b, "-initrd", &image, NULL, err);
}

static int load_kernel(struct arm_boot *b, struct err *err)
{
    const struct machine_config *c = &b->m->config;
    struct boot_target t = {.elf_machine = b->a32 ? BOOT_ELF_ARM : BOOT_ELF_AARCH64,
                            .elf_class = b->a32 ? 32 : 64,
                            .raw_addr = b->ram_base + (b->a32 ? TEXT_OFFSET_A32 : OLD_TEXT_OFFSET),
                            .limit = b->m->ram_size};
    struct boot_image image;
    int r = boot_image_load(&image, c->kernel, &t, err);
    if (r)
        return err_prefix(err, "-kernel");
    if (image.format == BOOT_LINUX && !b->a32 && image.size >= HEADER)
        place_image(b, &image);
    if (image.format == BOOT_ZIMAGE)
        place_zimage(b, &image);
    b->entry = image.entry;
    u64 end = image.high;
    r = add_rom(b, "-kernel", &image, NULL, err);
    return r ? r : load_initrd(b, end, err);
}

int arm_boot_load(struct arm_boot *b, struct err *err)
{
    const struct machine_config *c = &b->m->config;
    if (!c->kernel && (c->initrd || c->append))
        return err_set(err, EINVAL, "%s without -kernel has no meaning",
                       c->initrd ? "-initrd" : "-append");
    int r = load_firmware(b, err);
    if (r || b->firmware || !c->kernel)
        return r;
    return load_kernel(b, err);
}

void arm_boot_chosen(const struct arm_boot *b, struct boot_fdt *f)
{
    int chosen = boot_fdt_child(f, 0, "chosen");
    if (b->m->config.append)
        boot_fdt_string(f, chosen, "bootargs", b->m->config.append);
    if (b->initrd_end > b->initrd_start) {
        boot_fdt_u64(f, chosen, "linux,initrd-start", b->initrd_start);
        boot_fdt_u64(f, chosen, "linux,initrd-end", b->initrd_end);
    }
}

int arm_boot_finish(struct arm_boot *b, const u8 *fdt, u64 size, struct err *err)
{
    struct boot_image image;
    b->fdt_addr = b->firmware || !b->entry ? b->ram_base : align_up(b->initrd_end, FDT_ALIGN);
    if (size > b->m->ram_size || b->fdt_addr > ram_end(b) - size)
        return err_set(err, ENOSPC, "-m: %llu KiB of memory have no room for the device tree",
                       (unsigned long long)(b->m->ram_size / KiB));
    boot_image_bytes(&image, b->fdt_addr, fdt, size);
    return add_rom(b, "device tree", &image, boot_fdt_new_seed, err);
}
