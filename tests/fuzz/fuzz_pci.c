/*
 * fuzz_pci.c - PCI with a host, a disk, a root port and a network card behind it: configuration
 * space, what BARs and bridges' windows show, messages aimed anywhere, memory that cards read, and
 * time, in any order.
 *
 * A twin of it all takes the state of an eighth of the inputs.
 */
#include "backends.h"
#include "device/pci/pci.h"

enum action { CONFIG_READ, CONFIG_WRITE, READ, WRITE, MEMORY, OUTSIDE, TIME, TURN, ACTIONS };
enum { PARTS = 4, TWINS = 2, BUSES = 4, START_S = 1000 };

/* The host's windows, where the harness has nothing; the bus's memory addresses are other ones. */
#define WINDOW_AT UINT64_C(0xa0000000)
enum window { WINDOW_LOW = 1, WINDOW_HIGH, WINDOW_IO, WINDOWS };
static const u64 window_size[WINDOWS] = {0, 1 * MiB, 1 * MiB, 64 * KiB};
#define LOW_BASE UINT64_C(0x40000000)

static struct {
    struct harness h;
    struct fuzz_backends backends[TWINS];
    struct device *part[TWINS][PARTS];
} bench;

/* ---- Making ---------------------------------------------------------------------------------- */

static u64 window_at(enum window w)
{
    return WINDOW_AT + ((u64)w << 24);
}

static void add_parts(unsigned n)
{
    static const char *const host[] = {"buses=4", "below-4g-mmio-size=1M", "above-4g-mmio-size=1M",
                                       NULL};
    static const char *const port[] = {"addr=1", "slot=7", NULL};
    const char *disk[] = {"addr=2", n ? "drive=disk1" : "drive=disk0", "num-queues=2", NULL};
    const char *net[] = {n ? "netdev=wire1" : "netdev=wire0", "mac=52:54:00:00:00:01", NULL};
    struct device **d = bench.part[n];
    struct harness *h = &bench.h;
    d[0] = harness_add(h, "gpex-pcihost", NULL, host);
    d[1] = harness_add(h, "pcie-root-port", d[0], port);
    d[2] = harness_add(h, "virtio-blk-pci", d[0], disk);
    d[3] = harness_add(h, "virtio-net-pci", d[1], net);
}

static void reset_all(void)
{
    for (unsigned n = 0; n < TWINS; n++) {
        for (unsigned i = 0; i < PARTS; i++) {
            device_reset(bench.part[n][i]);
            if (bench.part[n][i]->card)
                device_reset(bench.part[n][i]->card);
        }
    }
}

/* What an input did is undone; requests on their way come to their end between the resets. */
static void put_back(void)
{
    struct harness *h = &bench.h;
    reset_all();
    do
        harness_turn(h);
    while (bench.backends[0].disk->block.in_flight || bench.backends[1].disk->block.in_flight);
    harness_turn(h);
    memset(h->block->host, 0, h->block->size);
    h->now = START_S * NS_PER_SECOND;
    clock_set(&h->clock, h->now);
    clock_set(&h->rtc, h->now);
    for (unsigned n = 0; n < TWINS; n++)
        fuzz_backends_reset(&bench.backends[n]);
    reset_all();
}

static void pci_open(const char *variant)
{
    struct harness *h = &bench.h;
    (void)variant;
    harness_open(h);
    for (unsigned n = 0; n < TWINS; n++) {
        fuzz_backends_open(&bench.backends[n], h, n);
        add_parts(n);
    }
    for (unsigned w = WINDOW_LOW; w < WINDOWS; w++)
        mem_map(&h->memory, &h->root, window_at(w), device_mmio(bench.part[0][0], w), 0);
    put_back();
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

static void reach(u64 addr, bool write, u64 value, unsigned size)
{
    enum mem_result r = write ? mem_write(&bench.h.space, addr, value, size)
                              : mem_read(&bench.h.space, addr, &value, size);
    (void)r; /* refusals are the guest's to handle */
}

/* Two bytes: bus, device 0 to 7 of function 0, and a register of the first 256. */
static void reach_config(struct fuzz_input *in, bool write, unsigned size)
{
    u8 place = fuzz_u8(in), offset = fuzz_u8(in);
    u64 at = (u64)(place & (BUSES - 1)) << 20 | (u64)(place >> 2 & 7) << 15 | offset;
    reach(harness_base(&bench.h, bench.part[0][0]) + at, write, write ? fuzz_number(in, size) : 0,
          size);
}

/* ECAM in all its size, or a window. */
static void reach_any(struct fuzz_input *in, bool write, unsigned size)
{
    unsigned w = fuzz_u8(in) % WINDOWS;
    u64 at = fuzz_number(in, 3);
    u64 addr = w ? window_at(w) + at % window_size[w]
                 : harness_base(&bench.h, bench.part[0][0]) + at % (BUSES * MiB);
    reach(addr, write, write ? fuzz_number(in, size) : 0, size);
}

static void fill_memory(struct fuzz_input *in)
{
    size_t n;
    u64 addr = fuzz_number(in, 3) % HARNESS_RAM;
    const u8 *bytes = fuzz_take(in, fuzz_u8(in), &n);
    memcpy(bench.h.block->host + addr, bytes, MIN(n, HARNESS_RAM - addr));
}

static void pci_step(struct fuzz_input *in)
{
    u8 what = fuzz_u8(in);
    unsigned size = 1u << (what >> 4 & 3);
    switch ((enum action)(what % 16 % ACTIONS)) {
    case CONFIG_READ: reach_config(in, false, size); break;
    case CONFIG_WRITE: reach_config(in, true, size); break;
    case READ: reach_any(in, false, size); break;
    case WRITE: reach_any(in, true, size); break;
    case MEMORY: fill_memory(in); break;
    case OUTSIDE: fuzz_backends_step(&bench.backends[0], in); break;
    case TIME: harness_advance(&bench.h, UINT64_C(1) << fuzz_u8(in) % 40); break;
    case TURN: harness_turn(&bench.h); break;
    default: break;
    }
}

static void copy_state(struct device *from, struct device *to)
{
    struct err err = {0};
    char where[256];
    fuzz_ok(harness_copy_state(from, to, &err), &err);
    if (state_equal(from->type->state, from, to, where, sizeof(where)))
        return;
    fprintf(stderr, "%s: a loaded state differs: %s\n", from->type->name, where);
    abort();
}

static void copy_states(void)
{
    for (unsigned i = 0; i < PARTS; i++) {
        struct device *from = bench.part[0][i], *to = bench.part[1][i];
        if (from->type->state)
            copy_state(from, to);
        if (from->card && from->card->type->state)
            copy_state(from->card, to->card);
    }
}

static void pci_run(struct fuzz_input *in)
{
    bool check_state = fuzz_u8(in) % 8 == 0;
    while (in->left)
        pci_step(in);
    if (check_state)
        copy_states();
    put_back();
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

enum { HOST = 0, PORT = 1 << 2, DISK = 2 << 2, NET = 1 /* bus 1 */ };

static void put_config(struct fuzz_seed *s, u8 place, u8 offset, u32 value, unsigned log2_size)
{
    fuzz_put_number(s, CONFIG_WRITE | log2_size << 4, 1);
    fuzz_put_number(s, place, 1);
    fuzz_put_number(s, offset, 1);
    fuzz_put_number(s, value, 1u << log2_size);
}

static void put_reach(struct fuzz_seed *s, enum action action, enum window w, u32 at, u32 value,
                      unsigned log2_size)
{
    fuzz_put_number(s, action | log2_size << 4, 1);
    fuzz_put_number(s, w, 1);
    fuzz_put_number(s, at, 3);
    if (action == WRITE)
        fuzz_put_number(s, value, 1u << log2_size);
}

/* All registers of a function are written, whatever they are, and read. */
static void seed_sweep(struct fuzz_seed *s, u8 place, u32 value)
{
    fuzz_put_number(s, 0, 1);
    put_config(s, PORT, PCI_PRIMARY, 0x00010100, 2);
    for (unsigned at = 0; at < PCI_CONFIG; at += 4) {
        put_config(s, place, (u8)at, value, 2);
        fuzz_put_number(s, CONFIG_READ | 2 << 4, 1);
        fuzz_put_number(s, place, 1);
        fuzz_put_number(s, at, 1);
    }
    fuzz_put_number(s, TURN, 1);
    fuzz_seed_end(s);
}

/* As a driver does: buses, windows, BARs, on; then the card's registers in each window. */
static void put_set_up(struct fuzz_seed *s)
{
    put_config(s, PORT, PCI_PRIMARY, 0x00010100, 2);
    put_config(s, PORT, PCI_MEMORY_BASE, (u32)(LOW_BASE | LOW_BASE >> 16), 2);
    put_config(s, PORT, PCI_COMMAND, 7, 1);
    for (unsigned bar = 0; bar < PCI_BARS; bar++) {
        put_config(s, DISK, (u8)(PCI_BAR0 + 4 * bar), (u32)LOW_BASE + 0x10000 * bar, 2);
        put_config(s, NET, (u8)(PCI_BAR0 + 4 * bar), (u32)LOW_BASE + 0x80000 + 0x10000 * bar, 2);
    }
    put_config(s, DISK, PCI_BAR0 + 20, 0, 2); /* BAR 4's high half */
    put_config(s, NET, PCI_BAR0 + 20, 0, 2);
    put_config(s, DISK, PCI_COMMAND, 7, 1);
    put_config(s, NET, PCI_COMMAND, 7, 1);
}

static void seed_registers(struct fuzz_seed *s, unsigned log2_size)
{
    fuzz_put_number(s, 0, 1);
    put_set_up(s);
    for (unsigned bar = 0; bar < 16; bar++) {
        for (u32 at = 0; at < 64; at += 1u << log2_size) {
            put_reach(s, WRITE, WINDOW_LOW, 0x10000 * bar + at, 0x01010101 * at, log2_size);
            put_reach(s, READ, WINDOW_LOW, 0x10000 * bar + at, 0, log2_size);
            put_reach(s, READ, WINDOW_IO, at, 0, log2_size);
        }
        fuzz_put_number(s, TURN, 1);
    }
    fuzz_seed_end(s);
}

/* Messages: MSI-X on, each vector aimed at memory, at the card and at configuration. */
static void seed_messages(struct fuzz_seed *s, u32 target)
{
    fuzz_put_number(s, 0, 1);
    put_set_up(s);
    for (unsigned at = PCI_FIRST_CAPABILITY; at < PCI_CONFIG; at += 4)
        put_config(s, DISK, (u8)(at + 2), 0x8000, 1);
    for (unsigned n = 0; n < 4; n++) {
        const u32 entry[] = {target + 4 * n, 0, n, 0};
        for (unsigned i = 0; i < 4; i++)
            put_reach(s, WRITE, WINDOW_LOW, 0x10000 + 16 * n + 4 * i, entry[i], 2);
    }
    put_reach(s, WRITE, WINDOW_LOW, 0x40000 + 20, 15, 0); /* status: the driver is there */
    fuzz_put_number(s, OUTSIDE, 1);
    fuzz_put_number(s, TURN, 1);
    fuzz_seed_end(s);
}

static void pci_seeds(struct fuzz_seed *s)
{
    static const u8 places[] = {HOST, PORT, DISK, NET};
    static const u32 targets[] = {0x1000, WINDOW_AT + (WINDOW_LOW << 24) + 0x10000,
                                  HARNESS_REGISTERS, UINT32_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        seed_sweep(s, places[i], UINT32_MAX);
        seed_sweep(s, places[i], 0x40004000);
    }
    for (unsigned size = 0; size < 4; size++)
        seed_registers(s, size);
    for (unsigned i = 0; i < ARRAY_SIZE(targets); i++)
        seed_messages(s, targets[i]);
}

const struct fuzz_target fuzz_target = {.open = pci_open, .run = pci_run, .seeds = pci_seeds};
