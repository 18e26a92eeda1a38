/*
 * root_port.c - a PCI Express root port: a bridge with a link to one device (pci.h).
 *
 * What of the bus behind it is seen through its windows for I/O, memory and prefetchable memory
 * follows its registers; a base above its limit closes a window (PCI-to-PCI Bridge 1.2, 3.2.5).
 * There is no hot-plug: the slot's capability offers nothing, so it has no events. It says what it
 * would signal by MSI.
 */
#include "device/pci/pci.h"

#include <errno.h>

enum { WINDOW_IO, WINDOW_MEMORY, WINDOW_PREFETCH, WINDOWS, BRIDGE_RESET = 1 << 6 };

struct root_port {
    struct pci_function pci;
    u8 chassis;
    u16 slot;
    struct pci_bus bus;
    struct mem_region window[WINDOWS];
    bool resetting; /* the secondary bus is held in reset */
};

static const struct option port_options[] = {
    PCI_OPTIONS(struct root_port),
    OPTION_INT("chassis", struct root_port, chassis, "0", 0, 255, "chassis number"),
    OPTION_INT("slot", struct root_port, slot, "0", 0, 8191, "physical slot number"),
    OPTION_LAST,
};

/* ---- Windows --------------------------------------------------------------------------------- */

struct range {
    u64 first, last; /* first > last: closed */
};

static struct range window_range(const struct pci_function *f, unsigned n)
{
    u32 command = pci_config(f, PCI_COMMAND, 2);
    struct range closed = {1, 0}, r;
    if (!(command & (n == WINDOW_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return closed;
    if (n == WINDOW_IO) {
        r.first = (u64)(pci_config(f, PCI_IO_BASE, 1) & 0xf0) << 8;
        r.last = (u64)(pci_config(f, PCI_IO_LIMIT, 1) & 0xf0) << 8 | 0xfff;
        return r;
    }
    unsigned at = n == WINDOW_MEMORY ? PCI_MEMORY_BASE : PCI_PREFETCH_BASE;
    r.first = (u64)(pci_config(f, at, 2) & 0xfff0) << 16;
    r.last = (u64)(pci_config(f, at + 2, 2) & 0xfff0) << 16 | 0xfffff;
    if (n == WINDOW_PREFETCH) {
        r.first |= (u64)pci_config(f, PCI_PREFETCH_BASE_HIGH, 4) << 32;
        r.last |= (u64)pci_config(f, PCI_PREFETCH_LIMIT_HIGH, 4) << 32;
    }
    return r.first > r.last || r.last == UINT64_MAX ? closed : r;
}

static void place_window(struct root_port *p, unsigned n, struct range r)
{
    static const char *const names[] = {"port-io", "port-memory", "port-prefetch"};
    struct memory *m = p->pci.dev.host->memory;
    struct mem_region *w = &p->window[n];
    struct mem_region *from = n == WINDOW_IO ? &p->bus.io : &p->bus.memory;
    struct mem_region *to = n == WINDOW_IO ? &p->pci.bus->io : &p->pci.bus->memory;
    bool open = r.first <= r.last;
    if (open == !!w->parent && (!open || (w->offset == r.first && w->size == r.last - r.first + 1)))
        return;
    memory_begin(m);
    mem_unmap(m, w);
    mem_alias(w, names[n], from, r.first, r.last - r.first + 1);
    if (open)
        mem_map(m, to, r.first, w, 0);
    memory_end(m);
}

static void update_windows(struct root_port *p)
{
    for (unsigned n = 0; n < WINDOWS && p->pci.bus; n++)
        place_window(p, n, window_range(&p->pci, n));
}

/* ---- Registers ------------------------------------------------------------------------------- */

static void reset_behind(struct root_port *p)
{
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        struct pci_function *f = p->bus.slot[i];
        if (f && f->dev.type->reset)
            f->dev.type->reset(&f->dev);
    }
}

static void port_config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    struct root_port *p = (struct root_port *)f;
    bool reset = pci_config(f, PCI_BRIDGE_CONTROL, 2) & BRIDGE_RESET;
    (void)offset;
    (void)size;
    update_windows(p);
    if (reset && !p->resetting)
        reset_behind(p);
    p->resetting = reset;
}

static void set_registers(struct root_port *p)
{
    struct pci_function *f = &p->pci;
    for (unsigned at = PCI_PRIMARY; at <= PCI_SUBORDINATE; at++)
        pci_config_set(f, at, 1, 0, 0xff);
    pci_config_set(f, PCI_IO_BASE, 1, 0, 0xf0);
    pci_config_set(f, PCI_IO_LIMIT, 1, 0, 0xf0);
    pci_config_set(f, PCI_MEMORY_BASE, 2, 0, 0xfff0);
    pci_config_set(f, PCI_MEMORY_LIMIT, 2, 0, 0xfff0);
    pci_config_set(f, PCI_PREFETCH_BASE, 2, 1, 0xfff0); /* 64 bits */
    pci_config_set(f, PCI_PREFETCH_LIMIT, 2, 1, 0xfff0);
    pci_config_set(f, PCI_PREFETCH_BASE_HIGH, 4, 0, ~0u);
    pci_config_set(f, PCI_PREFETCH_LIMIT_HIGH, 4, 0, ~0u);
    pci_config_set(f, PCI_BRIDGE_CONTROL, 2, 0, 0x0043); /* parity, SERR, reset */
    pci_add_pm(f);
    pci_add_msi(f, 0);
    pci_add_express(f, PCI_PORT_ROOT);
    pci_config_set(f, f->express + 20u, 4, (u32)p->slot << 19, 0);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int port_realize(struct device *d, struct err *err)
{
    static const struct pci_identity identity = {
        .vendor = 0x1b36, .device = 0x000c, .class = 0x0604, .header = PCI_HEADER_BRIDGE, .pin = 1};
    struct root_port *p = (struct root_port *)d;
    if (d->bus && d->bus->bus)
        return err_set(err, EINVAL, "a root port belongs on the host's bus, %s is not that",
                       d->bus->id);
    pci_function_init(&p->pci, &identity);
    p->pci.config_written = port_config_written;
    set_registers(p);
    pci_bus_init(&p->bus, &p->pci, NULL);
    return 0;
}

static void port_unrealize(struct device *d)
{
    struct root_port *p = (struct root_port *)d;
    for (unsigned n = 0; n < WINDOWS; n++)
        mem_unmap(d->host->memory, &p->window[n]);
    pci_function_fini(&p->pci);
}

static void port_reset(struct device *d)
{
    struct root_port *p = (struct root_port *)d;
    pci_function_reset(&p->pci);
    p->resetting = false;
    update_windows(p);
}

static int port_plug(struct device *d, struct device *child, struct err *err)
{
    return pci_bus_plug(&((struct root_port *)d)->bus, (struct pci_function *)child, err);
}

static int port_post_load(void *obj, u32 version, struct err *err)
{
    struct root_port *p = obj;
    (void)version;
    int r = pci_function_post_load(&p->pci, err);
    if (r)
        return r;
    p->resetting = pci_config(&p->pci, PCI_BRIDGE_CONTROL, 2) & BRIDGE_RESET;
    update_windows(p);
    return 0;
}

static const struct state_table port_state = {
    .name = "pcie-root-port",
    .version = 1,
    .min_version = 1,
    .post_load = port_post_load,
    .fields = (const struct state_field[]){STATE_STRUCT(struct root_port, pci, &pci_function_state),
                                           STATE_END},
};

const struct device_type pcie_root_port = {
    .name = "pcie-root-port",
    .help = "PCI Express root port: a slot for one device",
    .size = sizeof(struct root_port),
    .bus = "PCI",
    .provides = "PCI",
    .options = port_options,
    .state = &port_state,
    .realize = port_realize,
    .unrealize = port_unrealize,
    .reset = port_reset,
    .plug = port_plug,
    .info = pci_function_info,
};
