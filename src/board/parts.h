/*
 * parts.h - what boards have in common: devices from tables, flash banks, nodes of the device tree,
 * kernel and initrd for firmware by fw_cfg.
 *
 * Main thread, in a board's init and load. Errors are the callee's, with what was asked for.
 */
#ifndef BOARD_PARTS_H
#define BOARD_PARTS_H

#include "boot/fdt.h"
#include "device/misc/fw_cfg.h"
#include "machine/machine.h"

/* A property of a device; lists are ended by a NULL name. */
struct board_setting {
    const char *name;
    u64 value;
};

/* A device of that type with settings; not realized. NULL and err. */
struct device *must_check board_new_device(struct machine *m, const char *type, const char *id,
                                           const struct board_setting *settings, struct err *err);
/* Makes, realizes and maps it at base. */
struct device *must_check board_add_device(struct machine *m, const char *type, const char *id,
                                           u64 base, const struct board_setting *settings,
                                           struct err *err);
/* The same, with the character backend named by chardev, if it is not NULL. */
struct device *must_check board_add_serial(struct machine *m, const char *type, const char *id,
                                           u64 base, const char *chardev, struct err *err);
/* Bank n of `virt` boards: two 16-bit chips side by side, sectors of 256 KiB, at base of a
 * container. */
int must_check board_add_flash(struct machine *m, struct mem_region *where, unsigned n, u64 base,
                               u64 size, struct err *err);

/* The user's tree (-dtb), or an empty one for the board to fill. */
int must_check board_open_fdt(struct boot_fdt *f, const struct machine *m, struct err *err);
/* A device's node by its type's description, with reg. */
int board_fdt_device(struct boot_fdt *f, int parent, struct device *d, u64 base, u64 size);

/* The facts that firmware asks for; with `images` also -kernel, -initrd and -append, decompressed.
 */
int must_check board_fill_fw_cfg(struct machine *m, struct device *fw_cfg, bool images,
                                 struct err *err);
/* SMBIOS tables, from facts completed by what the command line says. */
struct smbios_facts;
int must_check board_add_smbios(struct machine *m, struct device *fw_cfg,
                                const struct smbios_facts *facts, struct err *err);

#endif
