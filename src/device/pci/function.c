/*
 * function.c - a PCI function: configuration space by masks, BARs, capabilities, INTx (pci.h).
 *
 * Every write of configuration ends in the same update, which compares what the registers say with
 * what is mapped and driven: no register needs code of its own.
 */
#include "device/pci/pci.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Configuration --------------------------------------------------------------------------- */

static void put(u8 *at, unsigned size, u32 value)
{
    store_le(at, value, size);
}

void pci_config_set(struct pci_function *f, unsigned offset, unsigned size, u32 fixed, u32 write)
{
    put(f->fixed + offset, size, fixed & ~write);
    put(f->write + offset, size, write);
}

void pci_config_set_clear(struct pci_function *f, unsigned offset, unsigned size, u32 clear)
{
    put(f->clear + offset, size, clear);
}

u32 pci_config(const struct pci_function *f, unsigned offset, unsigned size)
{
    return (u32)(load_le(f->fixed + offset, size) | load_le(f->vary + offset, size));
}

static u8 config_byte(const struct pci_function *f, unsigned offset)
{
    if (offset >= PCI_CONFIG)
        return f->express ? 0 : 0xff; /* no extended capabilities; no extended space */
    u8 live = pci_messages_live(f, offset);
    if (offset == PCI_STATUS && f->intx)
        live |= 1 << 3; /* interrupt status */
    return f->fixed[offset] | f->vary[offset] | live;
}

u32 pci_function_read(struct pci_function *f, unsigned offset, unsigned size)
{
    u32 value = 0;
    if (f->config_reading)
        f->config_reading(f, offset, size);
    for (unsigned i = 0; i < size; i++)
        value |= (u32)config_byte(f, offset + i) << 8 * i;
    return value;
}

static void update(struct pci_function *f);

void pci_function_write(struct pci_function *f, unsigned offset, u32 value, unsigned size)
{
    for (unsigned i = 0; i < size && offset + i < PCI_CONFIG; i++) {
        unsigned at = offset + i;
        u8 byte = (u8)(value >> 8 * i);
        f->vary[at] = (u8)((f->vary[at] & ~f->write[at]) | (byte & f->write[at]));
        f->vary[at] &= (u8) ~(byte & f->clear[at]);
    }
    update(f);
    if (f->config_written)
        f->config_written(f, offset, size);
}

/* ---- What follows from it -------------------------------------------------------------------- */

static bool is_awake(const struct pci_function *f)
{
    return !f->pm || !(pci_config(f, f->pm + 4u, 2) & 3); /* D0 */
}

static bool is_bar_shown(const struct pci_function *f, const struct pci_bar *bar, u64 address)
{
    u32 command = pci_config(f, PCI_COMMAND, 2);
    u64 last = address + bar->region->size - 1;
    u64 top = bar->kind == PCI_BAR_IO ? UINT16_MAX : UINT32_MAX;
    if (bar->kind & PCI_BAR_64)
        top = UINT64_MAX - 1;
    if (!(command & (bar->kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return false;
    /* The topmost address is a BAR whose size is being asked. 0 is as good as any: firmware hands
     * out I/O ports from there. */
    return last >= address && last <= top && is_awake(f);
}

static u64 bar_address(const struct pci_function *f, unsigned n)
{
    unsigned at = PCI_BAR0 + 4 * n;
    u64 low = pci_config(f, at, 4), high = 0;
    if (f->bar[n].kind & PCI_BAR_64)
        high = pci_config(f, at + 4, 4);
    return high << 32 | (low & ~(f->bar[n].kind == PCI_BAR_IO ? UINT64_C(3) : UINT64_C(15)));
}

static void place_bar(struct pci_function *f, struct pci_bar *bar, u64 address, bool shown)
{
    struct memory *m = f->dev.host->memory;
    struct mem_region *to = bar->kind == PCI_BAR_IO ? &f->bus->io : &f->bus->memory;
    memory_begin(m);
    mem_unmap(m, bar->region);
    if (shown)
        mem_map(m, to, address, bar->region, 1);
    memory_end(m);
    bar->mapped = shown;
    bar->address = address;
}

static void update_bars(struct pci_function *f)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &f->bar[i];
        if (!bar->region)
            continue;
        u64 address = bar_address(f, i);
        bool shown = is_bar_shown(f, bar, address);
        if (shown != bar->mapped || (shown && address != bar->address))
            place_bar(f, bar, address, shown);
    }
}

static void update_intx(struct pci_function *f)
{
    bool level =
        f->intx && !(pci_config(f, PCI_COMMAND, 2) & PCI_COMMAND_NO_INTX) && !pci_has_messages(f);
    if (level != f->driven) {
        f->driven = level;
        pci_bus_drive(f, level);
    }
}

static void update(struct pci_function *f)
{
    if (!f->bus)
        return;
    update_bars(f);
    update_intx(f);
    pci_messages_changed(f);
}

void pci_set_intx(struct pci_function *f, bool level)
{
    f->intx = level && f->fixed[PCI_PIN];
    if (f->bus)
        update_intx(f);
}

bool pci_is_master(const struct pci_function *f)
{
    while (f && f->bus && pci_config(f, PCI_COMMAND, 2) & PCI_COMMAND_MASTER) {
        f = f->bus->bridge;
        if (!f)
            return true;
    }
    return false;
}

/* ---- Description ----------------------------------------------------------------------------- */

void pci_function_init(struct pci_function *f, const struct pci_identity *id)
{
    bool bridge = id->header == PCI_HEADER_BRIDGE;
    pci_config_set(f, PCI_VENDOR, 2, id->vendor, 0);
    pci_config_set(f, PCI_DEVICE, 2, id->device, 0);
    /* I/O, memory, master, parity, SERR, INTx off. */
    pci_config_set(f, PCI_COMMAND, 2, 0, 0x0547);
    pci_config_set(f, PCI_REVISION, 1, id->revision, 0);
    pci_config_set(f, PCI_CLASS, 2, id->class, 0);
    pci_config_set(f, PCI_CACHE_LINE, 1, 0, 0xff);
    pci_config_set(f, PCI_HEADER, 1, id->header | (f->multifunction ? PCI_HEADER_MULTI : 0), 0);
    pci_config_set(f, PCI_LINE, 1, 0, 0xff);
    pci_config_set(f, PCI_PIN, 1, id->pin, 0);
    if (!bridge) {
        pci_config_set(f, PCI_SUBSYSTEM_VENDOR, 2, id->subsystem_vendor, 0);
        pci_config_set(f, PCI_SUBSYSTEM, 2, id->subsystem, 0);
    }
    f->end = PCI_FIRST_CAPABILITY;
    pci_messages_init(f);
}

void pci_add_bar(struct pci_function *f, unsigned n, enum pci_bar_kind kind,
                 struct mem_region *region)
{
    u64 mask = ~(region->size - 1);
    unsigned at = PCI_BAR0 + 4 * n;
    assert(n < PCI_BARS && is_pow2(region->size) && region->size >= (kind & PCI_BAR_IO ? 4 : 16));
    f->bar[n] = (struct pci_bar){.region = region, .kind = (u8)kind};
    pci_config_set(f, at, 4, kind, (u32)mask);
    if (kind & PCI_BAR_64)
        pci_config_set(f, at + 4, 4, 0, (u32)(mask >> 32));
}

u8 pci_add_capability(struct pci_function *f, enum pci_capability id, u8 size)
{
    u8 at = f->end;
    assert(at + size <= PCI_CONFIG && f->end >= PCI_FIRST_CAPABILITY);
    f->fixed[f->last ? f->last + 1 : PCI_CAPABILITIES] = at;
    f->fixed[PCI_STATUS] |= 1 << 4; /* there is a list */
    f->fixed[at] = (u8)id;
    f->last = at;
    f->end = (u8)align_up(at + size, 4);
    return at;
}

/* D0 and D3hot; going back to D0 is no reset. */
void pci_add_pm(struct pci_function *f)
{
    f->pm = pci_add_capability(f, PCI_CAP_PM, 8);
    pci_config_set(f, f->pm + 2u, 2, 3, 0); /* version 1.2 */
    pci_config_set(f, f->pm + 4u, 2, 1 << 3, 3);
}

/* PCI Express Base 7.5.3. A link of one lane at 2.5 GT/s, trained. */
void pci_add_express(struct pci_function *f, enum pci_port kind)
{
    enum { LINK = 1 << 4 | 1 };
    bool root = kind == PCI_PORT_ROOT;
    unsigned at = f->express = pci_add_capability(f, PCI_CAP_EXPRESS, 60);
    pci_config_set(f, at + 2, 2, 2u | (u32)kind << 4 | (root ? 1 << 8 : 0), 0); /* version, slot */
    pci_config_set(f, at + 4, 4, 1 << 15, 0); /* role-based errors */
    pci_config_set(f, at + 8, 2, 0, 0x7cff & ~0x0100);
    pci_config_set_clear(f, at + 10, 2, 0xf);
    pci_config_set(f, at + 12, 4, LINK | (root ? 1 << 20 : 0), 0);
    pci_config_set(f, at + 16, 2, 0, root ? 0x01db : 0x01cb);
    pci_config_set(f, at + 18, 2, LINK | (root ? 1 << 13 : 0), 0); /* the link is up */
    if (root) {
        /* A slot: its number is its place, nothing of it can be plugged. */
        pci_config_set(f, at + 20, 4, 0, 0);
        pci_config_set(f, at + 24, 2, 0, 0x1fff);
        pci_config_set_clear(f, at + 26, 2, 0x11f);
        pci_config_set(f, at + 28, 2, 0, 0x1f);
    }
    pci_config_set(f, at + 44, 4, 2, 0); /* 2.5 GT/s */
    pci_config_set(f, at + 48, 2, 1, 0);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void pci_function_reset(struct pci_function *f)
{
    memset(f->vary, 0, sizeof(f->vary));
    pci_messages_reset(f);
    f->intx = false;
    update(f);
}

void pci_function_fini(struct pci_function *f)
{
    if (f->bus) {
        pci_function_reset(f); /* takes its BARs and its wire away */
        f->bus->slot[f->devfn] = NULL;
        f->bus = NULL;
    }
    if (f->messages.task.loop)
        loop_task_cancel(&f->messages.task);
}

int pci_function_post_load(struct pci_function *f, struct err *err)
{
    for (unsigned i = 0; i < PCI_CONFIG; i++) {
        if (f->vary[i] & ~(f->write[i] | f->clear[i]))
            return err_set(err, EINVAL,
                           "%s: the stream's configuration at 0x%x has bits that cannot change",
                           f->dev.id, i);
    }
    int r = pci_messages_post_load(f, err);
    if (!r)
        update(f);
    return r;
}

const struct state_table pci_function_state = {
    .name = "pci",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_BYTES(struct pci_function, vary),
                                           STATE_BOOL(struct pci_function, intx),
                                           STATE_BYTES(struct pci_function, messages.table),
                                           STATE_U64_ARRAY(struct pci_function, messages.pending),
                                           STATE_END},
};

/* ---- Options --------------------------------------------------------------------------------- */

/* A hexadecimal number below limit; where it ends, NULL: it is none. */
static const char *take_hex(const char *text, unsigned long limit, unsigned *n)
{
    char *end = NULL;
    unsigned long v = isxdigit((unsigned char)*text) ? strtoul(text, &end, 16) : limit;
    *n = (unsigned)v;
    return v < limit ? end : NULL;
}

int pci_set_addr(void *function, const char *value, struct err *err)
{
    struct pci_function *f = function;
    unsigned device, number = 0;
    const char *end = take_hex(value, 32, &device);
    if (end && *end == '.')
        end = take_hex(end + 1, 8, &number);
    if (!end || *end)
        return err_set(err, EINVAL,
                       "addr=%s: accepted is DEVICE.FUNCTION in hexadecimal, 0.0..1f.7", value);
    f->want = (u16)((device << 3 | number) + 1);
    return 0;
}

int pci_set_romfile(void *function, const char *value, struct err *err)
{
    (void)function;
    return *value
               ? err_set(err, ENOTSUP, "romfile=%s: cards have no ROM; accepted is romfile=", value)
               : 0;
}

int pci_set_rombar(void *function, const char *value, struct err *err)
{
    s64 unused;
    (void)function;
    return option_parse_int("rombar", value, -1, 1, &unused, err);
}

/* ---- For people ------------------------------------------------------------------------------ */

static const char *class_name(u32 class)
{
    static const struct {
        u32 class;
        const char *name;
    } names[] = {{0x0100, "SCSI controller"},
                 {0x0200, "Ethernet controller"},
                 {0x0600, "Host bridge"},
                 {0x0604, "PCI bridge"},
                 {0x0780, "Communication controller"}};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].class == class)
            return names[i].name;
    }
    return NULL;
}

static void print_bar(const struct pci_function *f, unsigned n, FILE *out)
{
    const struct pci_bar *bar = &f->bar[n];
    u64 address = bar->mapped ? bar->address : UINT64_MAX;
    if (bar->kind == PCI_BAR_IO)
        fprintf(out, "      BAR%u: I/O at 0x%04llx [0x%04llx].\n", n, (unsigned long long)address,
                (unsigned long long)(address + bar->region->size - 1));
    else
        fprintf(out, "      BAR%u: %d bit%s memory at 0x%08llx [0x%08llx].\n", n,
                bar->kind & PCI_BAR_64 ? 64 : 32, bar->kind & 8 ? " prefetchable" : "",
                (unsigned long long)address, (unsigned long long)(address + bar->region->size - 1));
}

void pci_function_info(struct device *d, FILE *out)
{
    const struct pci_function *f = (const struct pci_function *)d;
    u32 class = pci_config(f, PCI_CLASS, 2);
    const char *name = class_name(class);
    if (!f->bus)
        return;
    fprintf(out, "  Bus %2u, device %3u, function %u:\n    ", pci_bus_number(f->bus), f->devfn >> 3,
            f->devfn & 7u);
    if (name)
        fprintf(out, "%s", name);
    else
        fprintf(out, "Class %04x", class);
    fprintf(out, ": PCI device %04x:%04x\n", pci_config(f, PCI_VENDOR, 2),
            pci_config(f, PCI_DEVICE, 2));
    if (!f->secondary)
        fprintf(out, "      PCI subsystem %04x:%04x\n", pci_config(f, PCI_SUBSYSTEM_VENDOR, 2),
                pci_config(f, PCI_SUBSYSTEM, 2));
    if (f->fixed[PCI_PIN])
        fprintf(out, "      IRQ %u, pin %c\n", f->vary[PCI_LINE], '@' + f->fixed[PCI_PIN]);
    if (f->secondary)
        fprintf(out, "      BUS %u, secondary bus %u, subordinate bus %u\n",
                pci_config(f, PCI_PRIMARY, 1), pci_config(f, PCI_SECONDARY, 1),
                pci_config(f, PCI_SUBORDINATE, 1));
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (f->bar[i].region)
            print_bar(f, i, out);
    }
    fprintf(out, "      id \"%s\"\n", d->id);
}
