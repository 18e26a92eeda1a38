/*
 * fuzz_fdt.c - a device tree that somebody else made (-dtb), of any bytes: opened, added to as a
 * board does, finished; what comes out is a tree again.
 */
#include "boot/fdt.h"
#include "images.h"

static void fdt_run(struct fuzz_input *in)
{
    struct boot_fdt f;
    struct err err = {0};
    u8 *data;
    u64 size;
    size_t n;
    const u8 *p = fuzz_take(in, in->left, &n);
    if (boot_fdt_open(&f, p, n, &err)) {
        fuzz_must(err.text[0]);
        boot_fdt_fini(&f);
        return;
    }
    int chosen = boot_fdt_child(&f, 0, "chosen");
    boot_fdt_string(&f, chosen, "bootargs", "console=ttyS0 panic=-1");
    boot_fdt_u32(&f, chosen, "linux,initrd-start", 0x84000000);
    boot_fdt_u32(&f, chosen, "linux,initrd-end", 0x84100000);
    if (boot_fdt_finish(&f, &data, &size, &err)) {
        fuzz_must(err.text[0]);
        return;
    }
    boot_fdt_new_seed(data, size);
    fuzz_ok(boot_fdt_open(&f, data, size, &err), &err);
    boot_fdt_fini(&f);
    free(data);
}

static void fdt_seeds(struct fuzz_seed *s)
{
    u8 data[IMAGE_BYTES];
    fuzz_put(s, data, image_fdt(data));
    fuzz_seed_end(s);
}

const struct fuzz_target fuzz_target = {.run = fdt_run, .seeds = fdt_seeds};
