/*
 * riscv.h - how RISC-V machines start: what lies where in memory at reset, and the reset code that
 * hands over to firmware by OpenSBI's dynamic interface.
 *
 *   rom_addr    reset code: a0 = hart, a1 = device tree, a2 = fw_dynamic_info; jumps to start
 *   ram_base    firmware
 *   + 2/4 MiB   kernel, behind the firmware, aligned to 2 MiB (64 bits) or 4 MiB (32 bits)
 *   kernel + min(RAM/2, 512 MiB)   initial RAM disk
 *   end of RAM (32 bits: or 3 GiB) - device tree, aligned down to 2 MiB
 *
 * Main thread, in a board's init.
 */
#ifndef BOOT_RISCV_H
#define BOOT_RISCV_H

#include "boot/fdt.h"
#include "boot/rom.h"
#include "machine/machine.h"

struct riscv_boot {
    /* Given by the board. */
    struct machine *m;
    struct boot_roms *roms;
    u64 rom_addr, ram_base;
    u64 flash; /* address of flash with firmware in it; 0: none */
    bool rv32;
    /* Found. */
    u64 start;        /* where the harts begin */
    u64 kernel_entry; /* where firmware goes on; 0: nowhere */
    u64 initrd_start, initrd_end;
    u64 fdt_addr;
};

/* Firmware, kernel, initrd. Firmware in flash takes kernel and initrd from fw_cfg: see
 * riscv_boot_by_fw_cfg. */
int must_check riscv_boot_load(struct riscv_boot *b, struct err *err);
/* Is the kernel handed over by fw_cfg, instead of loaded? */
bool riscv_boot_by_fw_cfg(const struct riscv_boot *b);
/* Writes /chosen: command line and initrd. */
void riscv_boot_chosen(const struct riscv_boot *b, struct boot_fdt *f);
/* Places the device tree and the reset code. */
int must_check riscv_boot_finish(struct riscv_boot *b, const u8 *fdt, u64 fdt_size,
                                 struct err *err);

#endif
