/*
 * pcie.c - a board's PCI Express host and its node (pcie.h). The node is laid out as "PCI Bus
 * Binding to IEEE 1275" and the binding pci-host-ecam-generic say.
 */
#include "board/pcie.h"

struct device *board_add_pcie(struct machine *m, const struct board_pcie *p, struct err *err)
{
    const struct board_setting settings[] = {{"buses", p->buses},
                                             {"below-4g-mmio-base", p->low},
                                             {"below-4g-mmio-size", p->low_size},
                                             {"above-4g-mmio-base", p->high},
                                             {"above-4g-mmio-size", p->high_size},
                                             {0}};
    struct device *d = board_add_device(m, "gpex-pcihost", "pcie.0", p->ecam, settings, err);
    if (!d)
        return NULL;
    machine_map(m, d, 1, p->low);
    if (p->high_size)
        machine_map(m, d, 2, p->high);
    machine_map(m, d, 3, p->io);
    return d;
}

/* ---- Device tree ------------------------------------------------------------------------------
 */

enum {
    SPACE_IO = 0x1000000,
    SPACE_MEMORY_32 = 0x2000000,
    SPACE_MEMORY_64 = 0x3000000,
    RANGE_CELLS = 7,
    DEVICES = 4, /* after these the rotation of pins begins again */
    MAP_CELLS = 12,
};

static u32 *add_range(u32 *at, u32 space, u64 bus, u64 cpu, u64 size)
{
    const u64 values[] = {bus, cpu, size};
    *at++ = space;
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        *at++ = (u32)(values[i] >> 32);
        *at++ = (u32)values[i];
    }
    return at;
}

static void fdt_ranges(struct boot_fdt *f, int node, const struct board_pcie *p)
{
    u32 cells[3 * RANGE_CELLS], *at = cells;
    at = add_range(at, SPACE_IO, 0, p->io, BOARD_PCIE_IO_SIZE);
    at = add_range(at, SPACE_MEMORY_32, p->low, p->low, p->low_size);
    if (p->high_size)
        at = add_range(at, SPACE_MEMORY_64, p->high, p->high, p->high_size);
    boot_fdt_cells(f, node, "ranges", cells, (unsigned)(at - cells));
}

/* Device and pin, 1 to 4, to an interrupt of the controller. */
static u32 *add_route(u32 *at, const struct board_pcie *p, unsigned device, unsigned pin)
{
    *at++ = device << 11;
    *at++ = 0;
    *at++ = 0;
    *at++ = pin + 1;
    *at++ = p->controller;
    for (unsigned i = 0; i < p->before_count; i++)
        *at++ = p->before[i];
    *at++ = p->irq[(device + pin) % BOARD_PCIE_PINS];
    for (unsigned i = 0; i < p->after_count; i++)
        *at++ = p->after[i];
    return at;
}

static void fdt_routes(struct boot_fdt *f, int node, const struct board_pcie *p)
{
    u32 cells[DEVICES * BOARD_PCIE_PINS * MAP_CELLS], *at = cells;
    for (unsigned device = 0; device < DEVICES; device++) {
        for (unsigned pin = 0; pin < BOARD_PCIE_PINS; pin++)
            at = add_route(at, p, device, pin);
    }
    boot_fdt_cells(f, node, "interrupt-map", cells, (unsigned)(at - cells));
    boot_fdt_cells(f, node, "interrupt-map-mask", (const u32[]){(DEVICES - 1) << 11, 0, 0, 7}, 4);
}

int board_fdt_pcie(struct boot_fdt *f, int parent, struct device *host, const struct board_pcie *p)
{
    const struct device_fdt *t = &host->type->fdt;
    int node = boot_fdt_node(f, parent, "%s", p->node);
    boot_fdt_bytes(f, node, "compatible", t->compatible, t->compatible_size);
    boot_fdt_reg(f, node, (const u64[]){p->ecam, p->buses * MiB}, 1);
    boot_fdt_u32(f, node, "#address-cells", 3);
    boot_fdt_u32(f, node, "#interrupt-cells", 1);
    boot_fdt_u32(f, node, "#size-cells", 2);
    boot_fdt_string(f, node, "device_type", "pci");
    boot_fdt_u32(f, node, "linux,pci-domain", 0);
    boot_fdt_cells(f, node, "bus-range", (const u32[]){0, p->buses - 1}, 2);
    boot_fdt_flag(f, node, "dma-coherent");
    fdt_ranges(f, node, p);
    fdt_routes(f, node, p);
    return node;
}
