/*
 * pcie.h - a board's PCI Express host with ECAM, and its node in the device tree.
 *
 * Main thread, in a board's init and load.
 */
#ifndef BOARD_PCIE_H
#define BOARD_PCIE_H

#include "board/parts.h"

enum { BOARD_PCIE_PINS = 4 };
#define BOARD_PCIE_IO_SIZE (64 * KiB)

/* Where the host is, and what its wires are to the board's interrupt controller. */
struct board_pcie {
    const char *node; /* its name with the unit address, "pci@30000000" */
    u64 ecam, io;
    u32 buses;                          /* of ECAM */
    u64 low, low_size, high, high_size; /* windows into the bus's memory; size 0: none */
    /* In the tree, an interrupt of the controller: cells before and after its number. */
    u32 controller; /* phandle */
    u32 before[3], after[1];
    u8 before_count, after_count;
    u32 irq[BOARD_PCIE_PINS]; /* as the tree says it */
};

/* Makes the host, "pcie.0", and maps it; connecting its outputs is the caller's. */
struct device *must_check board_add_pcie(struct machine *m, const struct board_pcie *p,
                                         struct err *err);
/* Its node, to which the caller may add. */
int board_fdt_pcie(struct boot_fdt *f, int parent, struct device *host, const struct board_pcie *p);

#endif
