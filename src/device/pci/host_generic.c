/*
 * host_generic.c - a PCI Express host that is all memory: configuration space (ECAM) and windows
 * into the bus's memory and I/O addresses ("pci-host-ecam-generic").
 *
 * Registers: 0 ECAM, 4 KiB for each function; 1 the window below 4 GiB; 2 the one above; 3 I/O
 * ports. A window shows the bus's addresses that equal its own, so its place is told by the
 * properties; I/O starts at port 0. Where nobody answers, reads are ones and writes are lost.
 * A window of size 0 is not there. Device 0 is gpex-root, which gives the host a vendor and a
 * class.
 *
 * Source: PCI Express Base 4.0, 7.2.2. Locking: host->lock.
 */
#include "device/pci/pci.h"

enum { HOST_ECAM, HOST_LOW, HOST_HIGH, HOST_IO, HOST_REGIONS };

struct gpex {
    struct device dev;
    struct mem_region mmio[HOST_REGIONS];
    struct mem_region nobody[HOST_REGIONS], view[HOST_REGIONS]; /* in the windows */
    struct irq wires[PCI_PINS];
    struct pci_bus bus;
    u32 buses;
    u64 low_base, low_size, high_base, high_size;
};

static const struct option gpex_options[] = {
    OPTION_INT("buses", struct gpex, buses, "256", 1, PCI_BUSES, "of which there is configuration"),
    OPTION_U64("below-4g-mmio-base", struct gpex, low_base, "0x40000000", "window of 32-bit BARs"),
    OPTION_SIZE("below-4g-mmio-size", struct gpex, low_size, "1G", "its size"),
    OPTION_U64("above-4g-mmio-base", struct gpex, high_base, "0x400000000",
               "window of 64-bit BARs"),
    OPTION_SIZE("above-4g-mmio-size", struct gpex, high_size, "16G", "its size"),
    OPTION_LAST,
};

/* ---- ECAM ------------------------------------------------------------------------------------ */

static u64 ecam_read(void *opaque, u64 offset, unsigned size)
{
    struct gpex *g = opaque;
    return pci_bus_read(&g->bus, (unsigned)(offset >> 20), (u8)(offset >> 12),
                        offset & (PCI_EXTENDED - 1), size);
}

static void ecam_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct gpex *g = opaque;
    pci_bus_write(&g->bus, (unsigned)(offset >> 20), (u8)(offset >> 12),
                  offset & (PCI_EXTENDED - 1), (u32)value, size);
}

static const struct mem_ops ecam_ops = {.read = ecam_read, .write = ecam_write, .max_size = 4};

/* ---- Windows --------------------------------------------------------------------------------- */

static u64 nobody_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    (void)offset;
    return UINT64_MAX >> (64 - 8 * size);
}

static void nobody_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)value;
    (void)size;
}

static const struct mem_ops nobody_ops = {.read = nobody_read, .write = nobody_write};

static void make_window(struct gpex *g, unsigned n, struct mem_region *bus, u64 base, u64 size)
{
    struct memory *m = g->dev.host->memory;
    if (!size)
        return;
    mem_container(&g->mmio[n], n == HOST_IO ? "pcie-io-window" : "pcie-mmio-window", size);
    mem_io(&g->nobody[n], "pcie-nobody", size, &nobody_ops, g, NULL);
    mem_alias(&g->view[n], bus->name, bus, base, size);
    mem_map(m, &g->mmio[n], 0, &g->nobody[n], -1);
    mem_map(m, &g->mmio[n], 0, &g->view[n], 0);
}

static int gpex_realize(struct device *d, struct err *err)
{
    struct gpex *g = (struct gpex *)d;
    (void)err;
    pci_bus_init(&g->bus, NULL, g->wires);
    mem_io(&g->mmio[HOST_ECAM], "pcie-ecam", g->buses * MiB, &ecam_ops, g, d->host->lock);
    make_window(g, HOST_LOW, &g->bus.memory, g->low_base, g->low_size);
    make_window(g, HOST_HIGH, &g->bus.memory, g->high_base, g->high_size);
    make_window(g, HOST_IO, &g->bus.io, 0, 64 * KiB);
    return 0;
}

static void gpex_unrealize(struct device *d)
{
    struct gpex *g = (struct gpex *)d;
    for (unsigned i = 0; i < HOST_REGIONS; i++) {
        mem_unmap(d->host->memory, &g->nobody[i]);
        mem_unmap(d->host->memory, &g->view[i]);
    }
}

static int gpex_plug(struct device *d, struct device *child, struct err *err)
{
    return pci_bus_plug(&((struct gpex *)d)->bus, (struct pci_function *)child, err);
}

const struct device_type gpex_pcihost = {
    .name = "gpex-pcihost",
    .help = "PCI Express host with ECAM",
    .size = sizeof(struct gpex),
    .provides = "PCI",
    .carries = "gpex-root",
    .is_newer = true,
    .options = gpex_options,
    DEVICE_MMIO(struct gpex, mmio),
    DEVICE_IRQS(struct gpex, wires),
    .realize = gpex_realize,
    .unrealize = gpex_unrealize,
    .plug = gpex_plug,
    .fdt = {.node = "pci", DEVICE_COMPATIBLE("pci-host-ecam-generic")},
    .acpi_id = "PNP0A08",
};

/* ---- The host as a function on its own bus --------------------------------------------------- */

struct gpex_root {
    struct pci_function pci;
};

static int root_realize(struct device *d, struct err *err)
{
    static const struct pci_identity identity = {.vendor = 0x1b36,
                                                 .device = 0x0008,
                                                 .class = 0x0600,
                                                 .subsystem_vendor = 0x1af4,
                                                 .subsystem = 0x1100};
    struct pci_function *f = (struct pci_function *)d;
    (void)err;
    f->want = 1; /* 0.0 */
    pci_function_init(f, &identity);
    return 0;
}

static void root_unrealize(struct device *d)
{
    pci_function_fini((struct pci_function *)d);
}

static void root_reset(struct device *d)
{
    pci_function_reset((struct pci_function *)d);
}

static int root_post_load(void *obj, u32 version, struct err *err)
{
    (void)version;
    return pci_function_post_load(obj, err);
}

static const struct state_table root_state = {
    .name = "gpex-root",
    .version = 1,
    .min_version = 1,
    .post_load = root_post_load,
    .fields = (const struct state_field[]){STATE_STRUCT(struct gpex_root, pci, &pci_function_state),
                                           STATE_END},
};

const struct device_type gpex_root = {
    .name = "gpex-root",
    .help = "the PCI Express host's own function",
    .size = sizeof(struct gpex_root),
    .state = &root_state,
    .is_newer = true,
    .realize = root_realize,
    .unrealize = root_unrealize,
    .reset = root_reset,
    .info = pci_function_info,
};
