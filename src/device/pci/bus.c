/*
 * bus.c - PCI buses: places for functions, the way of a configuration access and of an interrupt
 * pin through bridges (pci.h).
 */
#include "device/pci/pci.h"

#include <errno.h>

void pci_bus_init(struct pci_bus *bus, struct pci_function *bridge, struct irq *wires)
{
    bus->bridge = bridge;
    bus->wires = wires;
    mem_container(&bus->memory, "pci-memory", UINT64_MAX);
    mem_container(&bus->io, "pci-io", 64 * KiB);
    if (bridge)
        bridge->secondary = bus;
}

unsigned pci_bus_number(const struct pci_bus *bus)
{
    return bus->bridge ? pci_config(bus->bridge, PCI_SECONDARY, 1) : 0;
}

/* ---- Plugging in ----------------------------------------------------------------------------- */

/* Behind a root port there is a link, to one device. */
static unsigned devices_on(const struct pci_bus *bus)
{
    return bus->bridge ? 1 : 32;
}

static int free_devfn(const struct pci_bus *bus)
{
    for (unsigned device = 0; device < devices_on(bus); device++) {
        bool taken = false;
        for (unsigned n = 0; n < 8; n++)
            taken |= bus->slot[device << 3 | n] != NULL;
        if (!taken)
            return (int)(device << 3);
    }
    return -1;
}

static int check_place(const struct pci_bus *bus, const struct pci_function *f, unsigned devfn,
                       struct err *err)
{
    const struct pci_function *first = bus->slot[devfn & ~7u], *there = bus->slot[devfn];
    if (there)
        return err_set(err, EBUSY, "addr=%x.%x: %s is there", devfn >> 3, devfn & 7, there->dev.id);
    if (devfn >> 3 >= devices_on(bus))
        return err_set(err, EINVAL, "addr=%x.%x: behind a port there is device 0 only", devfn >> 3,
                       devfn & 7);
    if (devfn & 7 && first && !first->multifunction)
        return err_set(err, EINVAL, "addr=%x.%x: %s, function 0, has not multifunction=on",
                       devfn >> 3, devfn & 7, first->dev.id);
    for (unsigned n = 1; n < 8 && !(devfn & 7) && !f->multifunction; n++) {
        if (bus->slot[devfn | n])
            return err_set(err, EINVAL,
                           "addr=%x.0: it has further functions, so multifunction=on is needed",
                           devfn >> 3);
    }
    return 0;
}

int pci_bus_plug(struct pci_bus *bus, struct pci_function *f, struct err *err)
{
    int devfn = f->want ? f->want - 1 : free_devfn(bus);
    if (devfn < 0)
        return err_set(err, EBUSY, "the bus is full");
    int r = check_place(bus, f, (unsigned)devfn, err);
    if (r)
        return r;
    f->bus = bus;
    f->devfn = (u8)devfn;
    bus->slot[devfn] = f;
    return 0;
}

/* ---- Configuration --------------------------------------------------------------------------- */

static struct pci_bus *find_bus(struct pci_bus *root, unsigned number)
{
    struct pci_bus *bus = root;
    while (bus && pci_bus_number(bus) != number) {
        struct pci_bus *next = NULL;
        for (unsigned i = 0; i < PCI_SLOTS && !next; i++) {
            const struct pci_function *f = bus->slot[i];
            if (f && f->secondary && pci_config(f, PCI_SECONDARY, 1) <= number &&
                number <= pci_config(f, PCI_SUBORDINATE, 1))
                next = f->secondary;
        }
        bus = next;
    }
    return bus;
}

/* A bridge whose secondary bus is 0 has no number yet. */
static struct pci_function *find_function(struct pci_bus *root, unsigned number, u8 devfn)
{
    struct pci_bus *bus = number ? find_bus(root, number) : root;
    return bus ? bus->slot[devfn] : NULL;
}

static u32 ones(unsigned size)
{
    return UINT32_MAX >> (32 - 8 * size);
}

u32 pci_bus_read(struct pci_bus *root, unsigned number, u8 devfn, unsigned offset, unsigned size)
{
    struct pci_function *f = find_function(root, number, devfn);
    return f ? pci_function_read(f, offset, size) : ones(size);
}

void pci_bus_write(struct pci_bus *root, unsigned number, u8 devfn, unsigned offset, u32 value,
                   unsigned size)
{
    struct pci_function *f = find_function(root, number, devfn);
    if (f)
        pci_function_write(f, offset, value, size);
}

/* ---- Interrupt pins -------------------------------------------------------------------------- */

/* Each bridge, and the host too, rotates pins by the device's number (PCI-to-PCI Bridge 9.1). */
void pci_bus_drive(struct pci_function *f, bool level)
{
    unsigned pin = f->fixed[PCI_PIN] - 1u;
    struct pci_bus *bus = f->bus;
    for (; bus->bridge; f = bus->bridge, bus = f->bus)
        pin += f->devfn >> 3;
    pin = (pin + (f->devfn >> 3)) % PCI_PINS;
    bus->driven[pin] += level ? 1 : UINT32_MAX;
    irq_set(bus->wires[pin], bus->driven[pin] != 0);
}
