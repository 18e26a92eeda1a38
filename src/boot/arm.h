/*
 * arm.h - how Arm machines start without firmware of their own: kernel, initrd and device tree in
 * RAM, as the Linux boot protocol and the field have it.
 *
 *   ram_base            device tree, when firmware runs first
 *   + 2 MiB or text_offset   Image (its header says); ELF: where it says
 *   + 32 MiB            zImage (AArch32); + 32 KiB: other files without addresses
 *   + min(RAM/2, 128 MiB)    initial RAM disk, never over the kernel
 *   behind that, at 2 MiB    device tree, for a kernel started directly
 *
 * Main thread, in a board's load. Source: Linux Documentation/arch/arm64/booting.rst.
 */
#ifndef BOOT_ARM_H
#define BOOT_ARM_H

#include "boot/fdt.h"
#include "boot/rom.h"
#include "machine/machine.h"

struct arm_boot {
    /* Given by the board. */
    struct machine *m;
    struct boot_roms *roms;
    u64 ram_base;
    u64 flash;       /* where firmware in flash or -bios begins */
    bool flash_used; /* -drive if=pflash */
    bool a32;
    /* Found. */
    bool firmware; /* the CPUs begin in it, at flash */
    u64 entry;     /* else where CPU 0 begins; 0: there is nothing to run */
    u64 initrd_start, initrd_end;
    u64 fdt_addr;
};

/* Firmware (-bios goes over the first flash bank), kernel, initrd. */
int must_check arm_boot_load(struct arm_boot *b, struct err *err);
/* Writes /chosen: command line and initrd. */
void arm_boot_chosen(const struct arm_boot *b, struct boot_fdt *f);
/* Places the device tree. */
int must_check arm_boot_finish(struct arm_boot *b, const u8 *fdt, u64 fdt_size, struct err *err);

#endif
