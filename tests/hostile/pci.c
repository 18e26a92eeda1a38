/*
 * pci.c - the configuration space of every PCI function, and what it places where: every offset in
 * every size, bridges whose buses contain themselves, BARs on each other and over other windows,
 * messages to nowhere, virtio cards' registers behind their BARs. By one hart, then by eight.
 *
 * As in mmio.c no byte written is 0x80 to 0x83: no BAR, ring or message finds RAM.
 */
#include "hostile.h"

const char test_name[] = "pci";

#define ECAM                   0x30000000ul
#define CONFIG_AT(bus, device) (ECAM + ((u64)(bus) << 20) + ((u64)(device) << 15))
#define PCI_IO                 0x3000000ul
#define PCI_LOW                0x40000000ul
#define PCI_HIGH               0x400000000ul
enum { DEVICES = 32, BARS = 6, COMMAND = 4, BAR = 0x10, BUSES = 0x18 };

static const u32 values[] = {0, ~0u, 0x01020304, 0x5a5a5a5a, 0x40000006, 0x00007fff, 0x7ffff000};

static void access(u64 a, unsigned size, u64 v)
{
    switch (size) {
    case 1: (void)mmio8(a), mmio8(a) = (u8)v; break;
    case 2: (void)mmio16(a), mmio16(a) = (u16)v; break;
    case 4: (void)mmio32(a), mmio32(a) = (u32)v; break;
    default: (void)mmio64(a), mmio64(a) = v | v << 32; break;
    }
}

static int present(unsigned bus, unsigned device)
{
    return mmio16(CONFIG_AT(bus, device)) != 0xffff;
}

static void sweep(u64 base, u64 size, u64 step, u64 from)
{
    for (u64 i = 0; i < size; i += step) {
        for (unsigned n = 1; n <= 8; n *= 2) {
            for (unsigned v = 0; v < COUNT(values); v++)
                access(base + (i + from) % size, n, values[v]);
        }
    }
}

/* All BARs at one place, decoded; the registers there, of whichever card has them. */
static void place_bars(unsigned device, u64 at)
{
    u64 config = CONFIG_AT(0, device);
    mmio16(config + COMMAND) = 0;
    for (unsigned i = 0; i < BARS; i++)
        mmio32(config + BAR + 4 * i) = (u32)(at + 0x10000 * i);
    mmio16(config + COMMAND) = 0x0407;
}

static void attack_functions(unsigned hart, u64 step)
{
    static const u64 places[] = {PCI_LOW, PCI_LOW + 0x4000, PCI_LOW + 0x3fff0000, 0, CLINT, UART,
                                 ECAM,    0x7ffff000};
    for (unsigned i = 0; i < DEVICES; i++) {
        unsigned device = (i + 5 * hart) % DEVICES;
        if (!present(0, device))
            continue;
        sweep(CONFIG_AT(0, device) + 2 * (hart == 0), 0x100, step, hart);
        sweep(CONFIG_AT(0, device) + 0x100, 0xf00, 16 * step, hart);
        for (unsigned p = 0; p < COUNT(places); p++) {
            place_bars(device, places[p]);
            if (places[p] >= PCI_LOW)
                sweep(places[p] & ~0xfffffull, 0x6000, 61 * step, hart);
        }
        /* A bridge to its own bus, to all, to none. */
        mmio32(CONFIG_AT(0, device) + BUSES) = 0x00000000;
        sweep(CONFIG_AT(0, device), 0x40, 8, 0);
        mmio32(CONFIG_AT(0, device) + BUSES) = 0x00ff0100;
        sweep(CONFIG_AT(1, 0), 0x40, 8, 0);
        mmio32(CONFIG_AT(0, device) + BUSES) = 0x00010101;
        sweep(CONFIG_AT(1, 0), 0x40, 8, 0);
    }
    sweep(PCI_IO, 0x10000, 509, hart);
    sweep(PCI_HIGH, 0x10000, 509, hart);
    sweep(CONFIG_AT(255, 31) + 0x7000, 0x1010, 61, hart);
}

/* Each virtio card's memory BARs, of the size that they say, are where they are put; and gone
 * after. */
static void check_cards(void)
{
    unsigned regions = 0;
    for (unsigned device = 0; device < DEVICES; device++) {
        u64 config = CONFIG_AT(0, device), at = PCI_LOW;
        if (mmio16(config) != 0x1af4)
            continue;
        mmio16(config + COMMAND) = 0;
        for (u64 bar = config + BAR; bar < config + BAR + 4 * BARS; bar += 4) {
            mmio32(bar) = ~0u;
            u32 size = -(mmio32(bar) & ~15u), kind = mmio32(bar) & 7;
            if (!mmio32(bar) || kind & 1)
                continue;
            at = (at + size - 1) & ~(u64)(size - 1);
            mmio32(bar) = (u32)at;
            if (kind & 4)
                mmio32(bar += 4) = 0;
            mmio32(at) = 0;
            CHECK(mmio32(at), ~0u);
            mmio16(config + COMMAND) = 2;
            mmio32(at) = 0;
            CHECK(mmio32(at), 0);
            (void)mmio32(at + size - 4);
            mmio16(config + COMMAND) = 0;
            at += size;
            regions++;
        }
    }
    CHECK(regions >= 3, 1);
}

static void by_one(void)
{
    check_cards();
    attack_functions(0, 1);
}

static void together(unsigned hart)
{
    attack_functions(hart, 23);
}

void test_run(void)
{
    u32 names[DEVICES];
    unsigned found = 0;
    machine_hook = survive;
    for (unsigned i = 0; i < DEVICES; i++) {
        names[i] = mmio32(CONFIG_AT(0, i));
        found += present(0, i);
    }
    CHECK(found, 5); /* the host, a root port, three cards */
    alone(by_one);
    on_harts(HARTS, together);
    for (unsigned i = 0; i < DEVICES; i++) {
        if (names[i] != ~0u)
            mmio16(CONFIG_AT(0, i) + COMMAND) = 0;
        CHECK(mmio32(CONFIG_AT(0, i)), names[i]);
    }
    alone(check_cards);
    alone(check_machine);
}
