/*
 * pci.h - PCI: functions, their configuration space, and buses.
 *
 *   host (host_generic.c) or bridge (root_port.c)  -- struct pci_bus --  struct pci_function: cards
 *
 * A card is a device whose struct begins with struct pci_function. Its realize describes it:
 * pci_function_init, then BARs and capabilities; plugging it into a bus gives it its place. What
 * the guest may change of configuration space are the bits of `write` and `clear` (written ones
 * clear them); they are kept apart, in `vary`, and are 0 after a reset. All else is in `fixed`. So
 * a guest cannot change what has no mask, and a stream that does is refused.
 *
 * BARs and the windows of bridges are mapped into the bus's containers as configuration says; the
 * host shows parts of its bus's containers to the CPUs.
 *
 * Locking: host->lock around everything. Messages (MSI, MSI-X) wait in `pending` and are written by
 * a task on the loop's thread without the lock, since a guest may aim them at any register.
 *
 * Sources: PCI Local Bus 3.0, PCI Express Base 4.0, PCI-to-PCI Bridge 1.2.
 */
#ifndef DEVICE_PCI_PCI_H
#define DEVICE_PCI_PCI_H

#include "device/device.h"
#include "loop/loop.h"

enum {
    PCI_CONFIG = 256,    /* what functions here have; an express one's rest reads 0 */
    PCI_EXTENDED = 4096, /* of ECAM */
    PCI_BARS = 6,
    PCI_BUSES = 256,
    PCI_SLOTS = 256, /* device and function */
    PCI_PINS = 4,
    PCI_VECTORS = 128,
};

/* Configuration space, both headers. */
enum pci_register {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x0a,
    PCI_CACHE_LINE = 0x0c,
    PCI_HEADER = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_PRIMARY = 0x18, /* header 1 from here */
    PCI_SECONDARY = 0x19,
    PCI_SUBORDINATE = 0x1a,
    PCI_IO_BASE = 0x1c,
    PCI_IO_LIMIT = 0x1d,
    PCI_SECONDARY_STATUS = 0x1e,
    PCI_MEMORY_BASE = 0x20,
    PCI_MEMORY_LIMIT = 0x22,
    PCI_PREFETCH_BASE = 0x24,
    PCI_PREFETCH_LIMIT = 0x26,
    PCI_PREFETCH_BASE_HIGH = 0x28,
    PCI_PREFETCH_LIMIT_HIGH = 0x2c,
    PCI_SUBSYSTEM_VENDOR = 0x2c, /* header 0 */
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_LINE = 0x3c,
    PCI_PIN = 0x3d,
    PCI_BRIDGE_CONTROL = 0x3e,
    PCI_FIRST_CAPABILITY = 0x40,
};

enum {
    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_NO_INTX = 1 << 10,
    PCI_HEADER_BRIDGE = 1,
    PCI_HEADER_MULTI = 0x80,
};

enum pci_capability {
    PCI_CAP_PM = 0x01,
    PCI_CAP_MSI = 0x05,
    PCI_CAP_VENDOR = 0x09,
    PCI_CAP_EXPRESS = 0x10,
    PCI_CAP_MSIX = 0x11,
};

enum pci_port { /* of the PCI Express capability */
                PCI_PORT_ENDPOINT = 0,
                PCI_PORT_ROOT = 4,
};

enum pci_bar_kind {
    PCI_BAR_32 = 0,
    PCI_BAR_IO = 1,
    PCI_BAR_64 = 4,
    PCI_BAR_64_PREFETCH = 12,
};

struct pci_bus;

struct pci_bar {
    struct mem_region *region; /* NULL: there is none */
    u8 kind;
    bool mapped;
    u64 address;
};

/* MSI and MSI-X: which messages wait, and MSI-X's table. */
struct pci_messages {
    u16 vectors; /* of MSI-X; 0: none */
    struct mem_region region;
    u8 table[PCI_VECTORS * 16];
    u64 pending[PCI_VECTORS / 64];
    struct loop_task task;
};

struct pci_function {
    struct device dev;
    u16 want; /* option addr: device and function, and 1; 0: any */
    bool multifunction;

    struct pci_bus *bus;       /* NULL: not plugged in yet */
    struct pci_bus *secondary; /* a bridge's */
    u8 devfn;
    u8 fixed[PCI_CONFIG], write[PCI_CONFIG], clear[PCI_CONFIG], vary[PCI_CONFIG];
    struct pci_bar bar[PCI_BARS];
    u8 last, end;              /* capability added last, and where the next one goes */
    u8 pm, msi, msix, express; /* capabilities' places; 0: not there */
    struct pci_messages messages;
    bool intx;   /* the function wants its interrupt pin */
    bool driven; /* it has it: INTx is not switched off */

    /* Before configuration is read, after it was written; may be NULL. */
    void (*config_reading)(struct pci_function *f, unsigned offset, unsigned size);
    void (*config_written)(struct pci_function *f, unsigned offset, unsigned size);
};

/* What a function says it is. */
struct pci_identity {
    u16 vendor, device, class;
    u8 revision, header, pin; /* pin: 1 is A; 0: none */
    u16 subsystem_vendor, subsystem;
};

struct pci_bus {
    struct pci_function *bridge; /* NULL: the host's */
    struct pci_function *slot[PCI_SLOTS];
    struct mem_region memory, io; /* addresses on the bus */
    struct irq *wires;            /* the host's four */
    u32 driven[PCI_PINS];         /* the host's: functions that drive each */
};

/* Properties every card has: first in its option table. */
#define PCI_OPTIONS(object)                                                                        \
    {.name = "addr",                                                                               \
     .type = OPTION_TYPE_STRING,                                                                   \
     .help = "device and function on the bus, as 1f.7 (default: a free one)",                      \
     .set = pci_set_addr},                                                                         \
        {.name = "romfile",                                                                        \
         .type = OPTION_TYPE_STRING,                                                               \
         .help = "image of its ROM; there is none, so only an empty name is accepted",             \
         .set = pci_set_romfile},                                                                  \
        {.name = "rombar",                                                                         \
         .type = OPTION_TYPE_INT,                                                                  \
         .help = "whether its ROM has a BAR: makes no difference, there is no ROM",                \
         .set = pci_set_rombar},                                                                   \
        OPTION_NAMED("multifunction", OPTION_TYPE_BOOL, object, pci.multifunction, "off",          \
                     "the device has further functions")
int pci_set_addr(void *function, const char *value, struct err *err);
int pci_set_romfile(void *function, const char *value, struct err *err);
int pci_set_rombar(void *function, const char *value, struct err *err);

extern const struct state_table pci_function_state;

/* ---- For cards ---- */
void pci_function_init(struct pci_function *f, const struct pci_identity *identity);
void pci_function_fini(struct pci_function *f); /* unrealize; also when init was not called */
void pci_function_reset(struct pci_function *f);
int must_check pci_function_post_load(struct pci_function *f, struct err *err);
/* The region's size is a power of two, at least 16 (I/O: 4) bytes. */
void pci_add_bar(struct pci_function *f, unsigned n, enum pci_bar_kind kind,
                 struct mem_region *region);
/* A capability of size bytes, behind the others; its place in configuration. */
u8 pci_add_capability(struct pci_function *f, enum pci_capability id, u8 size);
void pci_add_pm(struct pci_function *f);
void pci_add_express(struct pci_function *f, enum pci_port kind);
void pci_add_msi(struct pci_function *f, unsigned log2_vectors);
/* Table and pending bits in a BAR of their own. */
void pci_add_msix(struct pci_function *f, unsigned bar, u16 vectors);
/* Fixed value and what the guest may write; size 1, 2, 4. */
void pci_config_set(struct pci_function *f, unsigned offset, unsigned size, u32 fixed, u32 write);
void pci_config_set_clear(struct pci_function *f, unsigned offset, unsigned size, u32 clear);
u32 pci_config(const struct pci_function *f, unsigned offset, unsigned size);
void pci_set_intx(struct pci_function *f, bool level);
/* Are messages switched on (and so INTx off)? */
bool pci_has_messages(const struct pci_function *f);
bool pci_has_msix(const struct pci_function *f);
void pci_send(struct pci_function *f, unsigned vector);
/* May it read and write memory? Bridges above it count. */
bool pci_is_master(const struct pci_function *f);
/* The device.info of all of them. */
void pci_function_info(struct device *d, FILE *out);

/* ---- For hosts and bridges ---- */
void pci_bus_init(struct pci_bus *bus, struct pci_function *bridge, struct irq *wires);
int must_check pci_bus_plug(struct pci_bus *bus, struct pci_function *f, struct err *err);
unsigned pci_bus_number(const struct pci_bus *bus);
/* By bus number, device and function: any offset and size; nobody there reads as ones. */
u32 pci_bus_read(struct pci_bus *root, unsigned number, u8 devfn, unsigned offset, unsigned size);
void pci_bus_write(struct pci_bus *root, unsigned number, u8 devfn, unsigned offset, u32 value,
                   unsigned size);

/* ---- Between these files ---- */
u32 pci_function_read(struct pci_function *f, unsigned offset, unsigned size);
void pci_function_write(struct pci_function *f, unsigned offset, u32 value, unsigned size);
void pci_bus_drive(struct pci_function *f, bool level); /* its pin, as the host sees it */
void pci_messages_init(struct pci_function *f);
void pci_messages_reset(struct pci_function *f);
void pci_messages_changed(struct pci_function *f); /* send what may go now */
/* What configuration shows of them beside its own bits: MSI's pending ones. */
u8 pci_messages_live(const struct pci_function *f, unsigned offset);
int must_check pci_messages_post_load(struct pci_function *f, struct err *err);

#endif
