/*
 * test_pci.c - PCI as a guest sees it: configuration space, BARs, pins, messages, a root port, a
 * virtio card on the bus, state; and accesses that no driver would make.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>

#include "device/pci/pci.h"
#include "virtio_driver.h"

#define WINDOW UINT64_C(0x40000000)
#define BAR    (WINDOW + 0x100000)  /* where the tests put the card's registers */
#define IO     UINT64_C(0x60001000) /* its ports */
#define TABLE  (WINDOW + 0x200000)  /* and its MSI-X table */

enum {
    COMMON_SELECT = 0,
    COMMON_FEATURE = 4,
    COMMON_DRIVER_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_CONFIG_VECTOR = 16,
    COMMON_STATUS = 20,
    COMMON_QUEUE = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_DESC = 32,
    ISR = 0x1000,
    NOTIFY = 0x3000,
    RING = 0x4000, /* in RAM: descriptors, available, used */
    AVAIL = 0x5000,
    USED = 0x6000,
    BUFFER = 0x7000,
    MAILBOX = 0x8000, /* messages come here */
};

struct bench {
    struct harness h;
    struct device *host;
};

static void bench_open(struct bench *b)
{
    static const char *const small[] = {"below-4g-mmio-size=256M", "above-4g-mmio-size=1M", NULL};
    harness_open(&b->h);
    b->host = harness_add(&b->h, "gpex-pcihost", NULL, small);
    mem_map(&b->h.memory, &b->h.root, WINDOW, device_mmio(b->host, 1), 0);
}

static void bench_close(struct bench *b)
{
    harness_close(&b->h);
    harness_end(&b->h);
}

static struct device *add(struct bench *b, const char *type, struct device *bus, const char *addr)
{
    const char *properties[] = {addr, NULL};
    return harness_add(&b->h, type, bus ? bus : b->host, addr ? properties : NULL);
}

/* ---- Access: place is bus << 8 | device << 3 | function -------------------------------------- */

static u32 config(struct bench *b, unsigned place, unsigned offset, unsigned size)
{
    return (u32)harness_read(&b->h, b->host, (u64)place << 12 | offset, size);
}

static void set_config(struct bench *b, unsigned place, unsigned offset, u32 v, unsigned size)
{
    harness_write(&b->h, b->host, (u64)place << 12 | offset, v, size);
}

static u32 get(struct bench *b, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_read(&b->h.space, addr, &v, size), MEM_OK);
    return (u32)v;
}

static void set(struct bench *b, u64 addr, u32 v, unsigned size)
{
    assert_int_equal(mem_write(&b->h.space, addr, v, size), MEM_OK);
}

static unsigned capability(struct bench *b, unsigned place, u8 id, unsigned skip)
{
    unsigned at = config(b, place, PCI_CAPABILITIES, 1);
    for (; at; at = config(b, place, at + 1, 1)) {
        if (config(b, place, at, 1) == id && !skip--)
            return at;
    }
    fail_msg("function %x has no capability %x", place, id);
    return 0;
}

/* ---- Configuration space and BARs ------------------------------------------------------------ */

static void test_config(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    assert_int_equal(config(&b, 0, PCI_VENDOR, 4), 0x00081b36);
    assert_int_equal(config(&b, 0, PCI_CLASS, 2), 0x0600);
    assert_int_equal(config(&b, 8, PCI_VENDOR, 4), UINT32_MAX);
    assert_int_equal(config(&b, 0xff00, PCI_VENDOR, 2), 0xffff);
    set_config(&b, 8, PCI_COMMAND, 7, 2); /* nobody is there */
    set_config(&b, 0, PCI_VENDOR, 0, 4);
    assert_int_equal(config(&b, 0, PCI_VENDOR, 4), 0x00081b36);
    set_config(&b, 0, PCI_COMMAND, 0xffff, 2);
    assert_int_equal(config(&b, 0, PCI_COMMAND, 2), 0x0547);
    assert_int_equal(config(&b, 0, PCI_STATUS, 2), 0);
    set_config(&b, 0, PCI_LINE, 0x55, 1);
    assert_int_equal(config(&b, 0, PCI_LINE, 2), 0x55);
    assert_int_equal(config(&b, 0, 0x100, 4), UINT32_MAX); /* conventional */
    device_reset(b.host->card);
    assert_int_equal(config(&b, 0, PCI_COMMAND, 4), 0);
    bench_close(&b);
}

static void test_bar(void **state)
{
    struct bench b;
    unsigned place = 3 << 3;
    (void)state;
    bench_open(&b);
    add(&b, "virtio-rng-pci", NULL, "addr=3");
    assert_int_equal(config(&b, place, PCI_VENDOR, 4), 0x10051af4);
    for (unsigned at = PCI_BAR0; at < PCI_BAR0 + 24; at += 4)
        set_config(&b, place, at, UINT32_MAX, 4);
    assert_int_equal(config(&b, place, PCI_BAR0, 4), 0xffffffe1);
    assert_int_equal(config(&b, place, PCI_BAR0 + 4, 4), 0xfffff000);
    assert_int_equal(config(&b, place, PCI_BAR0 + 16, 4), 0xffffc00c);
    assert_int_equal(config(&b, place, PCI_BAR0 + 20, 4), UINT32_MAX);
    set_config(&b, place, PCI_COMMAND, PCI_COMMAND_MEMORY, 2); /* sized, not placed */
    set_config(&b, place, PCI_BAR0 + 20, 0, 4);
    set_config(&b, place, PCI_BAR0 + 16, (u32)BAR, 4);
    assert_int_equal(get(&b, BAR + 18, 2), 1); /* queues */
    set_config(&b, place, PCI_BAR0 + 16, (u32)BAR + 0x4000, 4);
    assert_int_equal(get(&b, BAR + 18, 2), 0xffff);
    assert_int_equal(get(&b, BAR + 0x4000 + 18, 2), 1);
    set_config(&b, place, PCI_BAR0 + 17, 0x00, 1); /* a byte of the address */
    assert_int_equal(get(&b, BAR + 18, 2), 1);
    set_config(&b, place, PCI_COMMAND, 0, 2);
    assert_int_equal(get(&b, BAR + 18, 2), 0xffff);
    bench_close(&b);
}

static int try_addr(struct bench *b, const char *addr, bool multi)
{
    struct err err = {0};
    const char *properties[] = {addr, multi ? "multifunction=on" : NULL, NULL};
    struct device *d = harness_new(&b->h, "virtio-rng-pci", properties);
    d = harness_realize(&b->h, d, b->host, &err);
    return d ? 0 : err.code;
}

static void test_places(void **state)
{
    struct bench b;
    struct err err = {0};
    (void)state;
    bench_open(&b);
    struct device *any = add(&b, "virtio-rng-pci", NULL, NULL);
    assert_int_equal(((struct pci_function *)any)->devfn, 1 << 3);
    assert_int_equal(try_addr(&b, "addr=1.0", false), EBUSY);
    assert_int_equal(try_addr(&b, "addr=1.1", false), EINVAL);
    assert_int_equal(try_addr(&b, "addr=1f.7", false), 0);
    assert_int_equal(try_addr(&b, "addr=1f", false), EINVAL);
    assert_int_equal(try_addr(&b, "addr=1f", true), 0);
    assert_int_equal(config(&b, 0x1f << 3, PCI_HEADER, 1), PCI_HEADER_MULTI);
    static const char *const bad[] = {"20", "1.8", "x", "1.", "1.0x", "-1"};
    struct device *d = harness_new(&b.h, "virtio-rng-pci", NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(device_set(d, "addr", bad[i], &err), -EINVAL);
    assert_int_equal(device_set(d, "romfile", "", &err), 0);
    assert_int_equal(device_set(d, "romfile", "x.rom", &err), -ENOTSUP);
    device_free(d);
    bench_close(&b);
}

/* ---- A card at work -------------------------------------------------------------------------- */

static void place_card(struct bench *b, unsigned place)
{
    set_config(b, place, PCI_BAR0 + 4, (u32)TABLE, 4);
    set_config(b, place, PCI_BAR0 + 16, (u32)BAR, 4);
    set_config(b, place, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static void ready_card(struct bench *b)
{
    set(b, BAR + COMMON_STATUS, 0, 1);
    set(b, BAR + COMMON_STATUS, 3, 1);
    for (u32 i = 0; i < 2; i++) {
        set(b, BAR + COMMON_DRIVER_SELECT, i, 4);
        set(b, BAR + COMMON_DRIVER_FEATURE, i, 4); /* VERSION_1 */
    }
    set(b, BAR + COMMON_STATUS, 11, 1);
    assert_int_equal(get(b, BAR + COMMON_STATUS, 1), 11);
    set(b, BAR + COMMON_QUEUE, 0, 2);
    set(b, BAR + COMMON_QUEUE_SIZE, 8, 2);
    for (u32 i = 0; i < 3; i++) {
        set(b, BAR + COMMON_QUEUE_DESC + 8 * i, RING + 0x1000 * i, 4);
        set(b, BAR + COMMON_QUEUE_DESC + 8 * i + 4, 0, 4);
    }
    memset(b->h.block->host + RING, 0, 0x3000);
    set(b, BAR + COMMON_QUEUE_ENABLE, 1, 2);
    assert_int_equal(get(b, BAR + COMMON_QUEUE_ENABLE, 2), 1);
    set(b, BAR + COMMON_STATUS, 15, 1);
}

/* Asks for 16 random bytes; how many chains the device has used since the ring was made. */
static u32 ask(struct bench *b)
{
    u8 *ram = b->h.block->host;
    u64 n = load_le(ram + AVAIL + 2, 2);
    store_le(ram + RING, BUFFER, 8);
    store_le(ram + RING + 8, 16, 4);
    store_le(ram + RING + 12, 2, 2);
    store_le(ram + AVAIL + 2, n + 1, 2);
    set(b, BAR + NOTIFY, 0, 2);
    harness_turn(&b->h);
    return (u32)load_le(ram + USED + 2, 2);
}

static void test_pin(void **state)
{
    struct bench b;
    unsigned place = 2 << 3;
    (void)state;
    bench_open(&b);
    add(&b, "virtio-rng-pci", NULL, "addr=2");
    place_card(&b, place);
    ready_card(&b);
    assert_int_equal(ask(&b), 1);
    assert_int_equal(b.h.level[2], 1); /* pin A of device 2 */
    assert_int_equal(config(&b, place, PCI_STATUS, 2) & 8, 8);
    set_config(&b, place, PCI_COMMAND, PCI_COMMAND_MEMORY | 4 | PCI_COMMAND_NO_INTX, 2);
    assert_int_equal(b.h.level[2], 0);
    assert_int_equal(config(&b, place, PCI_STATUS, 2) & 8, 8);
    set_config(&b, place, PCI_COMMAND, PCI_COMMAND_MEMORY | 4, 2);
    assert_int_equal(b.h.level[2], 1);
    assert_int_equal(get(&b, BAR + ISR, 1), 1);
    assert_int_equal(b.h.level[2], 0);
    assert_int_equal(get(&b, BAR + ISR, 1), 0);
    assert_int_equal(ask(&b), 2);
    assert_int_equal(b.h.level[2], 1);
    set(&b, BAR + COMMON_STATUS, 0, 1);
    assert_int_equal(b.h.level[2], 0);
    bench_close(&b);
}

static void test_shared_pin(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    struct device *one = add(&b, "virtio-rng-pci", NULL, "addr=2");
    struct device *two = add(&b, "virtio-rng-pci", NULL, "addr=6");
    pci_set_intx((struct pci_function *)one, true);
    pci_set_intx((struct pci_function *)two, true);
    assert_int_equal(b.h.level[2], 1);
    pci_set_intx((struct pci_function *)one, false);
    assert_int_equal(b.h.level[2], 1);
    device_reset(two);
    assert_int_equal(b.h.level[2], 0);
    bench_close(&b);
}

static void set_vector(struct bench *b, unsigned n, u64 addr, u32 data, bool masked)
{
    set(b, TABLE + 16 * n, (u32)addr, 4);
    set(b, TABLE + 16 * n + 4, (u32)(addr >> 32), 4);
    set(b, TABLE + 16 * n + 8, data, 4);
    set(b, TABLE + 16 * n + 12, masked ? UINT32_MAX : 0, 4);
}

static u32 mailbox(struct bench *b)
{
    u32 v = (u32)load_le(b->h.block->host + MAILBOX, 4);
    store_le(b->h.block->host + MAILBOX, 0, 4);
    return v;
}

static void test_msix(void **state)
{
    struct bench b;
    unsigned place = 1 << 3;
    (void)state;
    bench_open(&b);
    add(&b, "virtio-rng-pci", NULL, NULL);
    unsigned cap = capability(&b, place, PCI_CAP_MSIX, 0);
    place_card(&b, place);
    assert_int_equal(get(&b, TABLE + 12, 4), 1);
    set_config(&b, place, cap + 2, 0x8000, 2);
    assert_int_equal(config(&b, place, cap + 2, 2), 0x8001); /* two vectors */
    set_vector(&b, 1, MAILBOX, 0x1234, false);
    ready_card(&b);
    set(&b, BAR + COMMON_QUEUE_VECTOR, 2, 2); /* there is none */
    assert_int_equal(get(&b, BAR + COMMON_QUEUE_VECTOR, 2), 0xffff);
    assert_int_equal(ask(&b), 1);
    assert_int_equal(mailbox(&b), 0);
    set(&b, BAR + COMMON_QUEUE_VECTOR, 1, 2);
    assert_int_equal(ask(&b), 2);
    assert_int_equal(mailbox(&b), 0x1234);
    assert_int_equal(b.h.level[1], 0);
    set_vector(&b, 1, MAILBOX, 0x5678, true);
    assert_int_equal(get(&b, TABLE + 28, 4), 1);
    ask(&b);
    assert_int_equal(mailbox(&b), 0);
    assert_int_equal(get(&b, TABLE + 0x800, 4), 2); /* pending */
    set_config(&b, place, cap + 2, 0xc000, 2);
    set(&b, TABLE + 28, 0, 4);
    harness_turn(&b.h);
    assert_int_equal(mailbox(&b), 0); /* all are masked */
    set_config(&b, place, cap + 2, 0x8000, 2);
    harness_turn(&b.h);
    assert_int_equal(mailbox(&b), 0x5678);
    assert_int_equal(get(&b, TABLE + 0x800, 4), 0);
    bench_close(&b);
}

/* Messages aimed where they hurt: the card's own registers, its configuration, nowhere. */
static void test_hostile_message(void **state)
{
    static const u64 targets[] = {BAR + NOTIFY, BAR + COMMON_STATUS, TABLE,
                                  HARNESS_REGISTERS + 0x8004, UINT64_C(0xfffffffffffffffc)};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
        struct bench b;
        bench_open(&b);
        add(&b, "virtio-rng-pci", NULL, NULL);
        place_card(&b, 8);
        set_config(&b, 8, capability(&b, 8, PCI_CAP_MSIX, 0) + 2, 0x8000, 2);
        set_vector(&b, 1, targets[i], 0, false);
        ready_card(&b);
        set(&b, BAR + COMMON_QUEUE_VECTOR, 1, 2);
        assert_int_equal(ask(&b), 1);
        harness_turn(&b.h);
        bench_close(&b);
    }
}

static void test_not_master(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    add(&b, "virtio-rng-pci", NULL, NULL);
    place_card(&b, 8);
    ready_card(&b);
    harness_turn(&b.h);
    set_config(&b, 8, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    assert_int_equal(ask(&b), 0);
    bench_close(&b);
}

/* BAR 4's registers through configuration space. */
static void test_access_capability(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b);
    add(&b, "virtio-rng-pci", NULL, NULL);
    unsigned cap = 0;
    for (unsigned i = 0; !cap || config(&b, 8, cap + 3, 1) != 5; i++)
        cap = capability(&b, 8, PCI_CAP_VENDOR, i);
    set_config(&b, 8, cap + 4, 4, 1);
    set_config(&b, 8, cap + 8, COMMON_QUEUE_SIZE, 4);
    set_config(&b, 8, cap + 12, 2, 4);
    assert_int_equal(config(&b, 8, cap + 16, 4), VIRTIO_QUEUE_MAX);
    set_config(&b, 8, cap + 16, 16, 4);
    assert_int_equal(config(&b, 8, cap + 16, 2), 16);
    set_config(&b, 8, cap + 8, 0x4000, 4); /* behind the registers: nothing */
    set_config(&b, 8, cap + 16, 0x77, 4);
    assert_int_equal(config(&b, 8, cap + 16, 4), 0x77);
    bench_close(&b);
}

/* ---- The interface before virtio 1.0 --------------------------------------------------------- */

enum { PORTS = 0x1000, LEGACY_PAGE = RING / 0x1000, LEGACY_USED = RING + 0x2000 };

/* Through I/O ports: 32-bit features, one page number for a queue of 256. */
static void test_legacy(void **state)
{
    struct bench b;
    struct err err = {0};
    const u64 at = IO;
    (void)state;
    bench_open(&b);
    mem_map(&b.h.memory, &b.h.root, IO - PORTS, device_mmio(b.host, 3), 0);
    struct device *d = add(&b, "virtio-rng-pci", NULL, NULL);
    struct virtio *v = (struct virtio *)d->card;
    u8 *ram = b.h.block->host;
    place_card(&b, 8);
    set_config(&b, 8, PCI_BAR0, 0, 4); /* the first port is a place as any other */
    set_config(&b, 8, PCI_COMMAND, 7, 2);
    assert_int_equal(get(&b, IO - PORTS + 12, 2), 256);
    set_config(&b, 8, PCI_BAR0, PORTS, 4);
    assert_int_equal(get(&b, IO - PORTS + 12, 2), 0xffff);
    assert_int_equal(get(&b, at, 4) & (1u << VIRTIO_F_ANY_LAYOUT), 1u << VIRTIO_F_ANY_LAYOUT);
    set(&b, at + 18, 3, 1);
    set(&b, at + 4, UINT32_MAX, 4);
    assert_int_equal(get(&b, at + 4, 4), get(&b, at, 4));
    set(&b, at + 4, 0, 4);
    assert_int_equal(get(&b, at + 12, 2), 256);
    set(&b, at + 8, LEGACY_PAGE, 4);
    assert_int_equal(get(&b, at + 8, 4), LEGACY_PAGE);
    set(&b, at + 18, 7, 1);
    store_le(ram + RING, BUFFER + 0x2000, 8);
    store_le(ram + RING + 8, 16, 4);
    store_le(ram + RING + 12, 2, 2);
    store_le(ram + RING + 16 * 256 + 2, 1, 2);
    set(&b, at + 16, 0, 2);
    harness_turn(&b.h);
    assert_int_equal(load_le(ram + LEGACY_USED + 2, 2), 1);
    assert_int_equal(b.h.level[1], 1);
    assert_int_equal(get(&b, at + 19, 1), 1);
    assert_int_equal(b.h.level[1], 0);
    /* The other interface does not take over, until the card is reset. */
    set(&b, BAR + COMMON_DRIVER_SELECT, 1, 4);
    set(&b, BAR + COMMON_DRIVER_FEATURE, 5, 4);
    set(&b, BAR + COMMON_STATUS, 15, 1);
    assert_int_equal(get(&b, BAR + COMMON_STATUS, 1), 7);
    assert_int_equal(get(&b, at + 4, 4), 0);
    struct device *twin = add(&b, "virtio-rng-pci", NULL, NULL);
    assert_int_equal(harness_copy_state(d->card, twin->card, &err), 0);
    assert_true(((struct virtio *)twin->card)->legacy);
    v->guest_features = BIT(VIRTIO_F_RING_PACKED);
    assert_int_equal(harness_copy_state(d->card, twin->card, &err), -EINVAL);
    set(&b, at + 18, 0, 1);
    assert_int_equal(get(&b, at + 8, 4), 0);
    ready_card(&b);
    assert_int_equal(ask(&b), 1);
    set(&b, at + 8, LEGACY_PAGE, 4); /* nor the old one */
    assert_int_equal(get(&b, BAR + COMMON_STATUS, 1), 15);
    bench_close(&b);
}

static void check_interfaces(const char *legacy, const char *modern, u32 id, u32 bar0, u32 bar4)
{
    struct bench b;
    struct err err = {0};
    const char *properties[] = {legacy, modern, NULL};
    bench_open(&b);
    struct device *d = harness_new(&b.h, "virtio-rng-pci", properties);
    d = harness_realize(&b.h, d, b.host, &err);
    assert_true(!d == !id);
    assert_int_equal(config(&b, 8, PCI_DEVICE, 2), id ? id : 0xffff);
    if (id) {
        assert_int_equal(config(&b, 8, PCI_BAR0, 4), bar0);
        assert_int_equal(config(&b, 8, PCI_BAR0 + 16, 4), bar4);
    }
    bench_close(&b);
}

static void test_interfaces(void **state)
{
    (void)state;
    check_interfaces("disable-legacy=auto", "disable-modern=off", 0x1005, 1, 0xc);
    check_interfaces("disable-legacy=off", "disable-modern=on", 0x1005, 1, 0);
    check_interfaces("disable-legacy=on", "disable-modern=off", 0x1044, 0, 0xc);
    check_interfaces("disable-legacy=on", "disable-modern=on", 0, 0, 0);
}

/* ---- Root port ------------------------------------------------------------------------------- */

static void test_root_port(void **state)
{
    struct bench b;
    unsigned port = 4 << 3, place = 7 << 8;
    (void)state;
    bench_open(&b);
    struct device *rp = add(&b, "pcie-root-port", NULL, "addr=4");
    struct device *card = add(&b, "virtio-rng-pci", rp, NULL);
    assert_int_equal(config(&b, place, PCI_VENDOR, 4), UINT32_MAX);
    set_config(&b, port, PCI_PRIMARY, 0x070700, 4);
    assert_int_equal(config(&b, place, PCI_VENDOR, 4), 0x10441af4);
    assert_int_equal(config(&b, place | 8, PCI_VENDOR, 4), UINT32_MAX);
    assert_int_equal(config(&b, place, 0x100, 4), 0); /* express */
    capability(&b, place, PCI_CAP_EXPRESS, 0);
    place_card(&b, place);
    set_config(&b, port, PCI_COMMAND, 7, 2);
    assert_int_equal(get(&b, BAR, 4), UINT32_MAX);
    set_config(&b, port, PCI_MEMORY_BASE, 0x40204010, 4); /* 0x40100000 .. 0x402fffff */
    assert_int_equal(get(&b, BAR + 18, 2), 1);
    assert_int_equal(get(&b, TABLE + 12, 4), 1);
    ready_card(&b);
    assert_int_equal(ask(&b), 1);
    assert_int_equal(b.h.level[0], 1); /* pin A of device 0, behind device 4 */
    set_config(&b, port, PCI_BRIDGE_CONTROL, 1 << 6, 2);
    assert_int_equal(b.h.level[0], 0);
    assert_int_equal(config(&b, place, PCI_COMMAND, 2), 0);
    set_config(&b, port, PCI_BRIDGE_CONTROL, 0, 2);
    place_card(&b, place);
    assert_int_equal(get(&b, BAR + 18, 2), 1);
    set_config(&b, port, PCI_COMMAND, 0, 2);
    assert_int_equal(get(&b, BAR + 18, 2), 0xffff);
    assert_int_equal(((struct pci_function *)card)->bus->bridge->devfn, port);
    bench_close(&b);
}

static void test_root_port_places(void **state)
{
    struct bench b;
    struct err err = {0};
    const char *properties[] = {"addr=1.0", NULL};
    (void)state;
    bench_open(&b);
    struct device *rp = add(&b, "pcie-root-port", NULL, NULL);
    struct device *d = harness_new(&b.h, "pcie-root-port", NULL);
    assert_null(harness_realize(&b.h, d, rp, &err));
    d = harness_new(&b.h, "virtio-rng-pci", properties);
    assert_null(harness_realize(&b.h, d, rp, &err));
    add(&b, "virtio-rng-pci", rp, NULL);
    d = harness_new(&b.h, "virtio-rng-pci", NULL);
    assert_null(harness_realize(&b.h, d, rp, &err));
    assert_int_equal(err.code, EBUSY);
    bench_close(&b);
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_state(void **state)
{
    struct bench b;
    struct err err = {0};
    char where[128];
    (void)state;
    bench_open(&b);
    struct device *one = add(&b, "virtio-rng-pci", NULL, NULL);
    struct device *two = add(&b, "virtio-rng-pci", NULL, "addr=5");
    place_card(&b, 8);
    set_config(&b, 8, capability(&b, 8, PCI_CAP_MSIX, 0) + 2, 0x8000, 2);
    set_vector(&b, 1, MAILBOX, 0x99, true);
    ready_card(&b);
    set(&b, BAR + COMMON_QUEUE_VECTOR, 1, 2);
    ask(&b);
    if (harness_copy_state(one, two, &err) || harness_copy_state(one->card, two->card, &err))
        fail_msg("%s", err.text);
    if (!state_equal(one->type->state, one, two, where, sizeof(where)))
        fail_msg("%s", where);
    device_reset(one);
    assert_int_equal(get(&b, BAR + COMMON_QUEUE_VECTOR, 2), 1); /* the second answers now */
    set(&b, TABLE + 28, 0, 4);
    harness_turn(&b.h);
    assert_int_equal(mailbox(&b), 0x99);
    /* What a guest cannot write, a stream cannot either. */
    struct pci_function *f = (struct pci_function *)two;
    f->vary[PCI_VENDOR] = 1;
    assert_int_equal(harness_copy_state(two, one, &err), -EINVAL);
    f->vary[PCI_VENDOR] = 0;
    f->messages.pending[1] = 1;
    assert_int_equal(harness_copy_state(two, one, &err), -EINVAL);
    bench_close(&b);
}

/* ---- Any access ------------------------------------------------------------------------------ */

static void poke_config(struct bench *b, u64 *seed, unsigned place, unsigned offset)
{
    for (unsigned size = 1; size <= 8; size *= 2) {
        if (offset + size > PCI_EXTENDED)
            continue;
        harness_write(&b->h, b->host, (u64)place << 12 | offset, harness_random(seed), size);
        harness_read(&b->h, b->host, (u64)place << 12 | offset, size);
    }
}

static void test_any_access(void **state)
{
    static const char *const cards[] = {"virtio-rng-pci", "virtio-net-pci", "virtio-serial-pci"};
    u64 seed = 0x987654321;
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(cards); n++) {
        struct bench b;
        bench_open(&b);
        mem_map(&b.h.memory, &b.h.root, IO - PORTS, device_mmio(b.host, 3), 0);
        struct device *rp = add(&b, "pcie-root-port", NULL, "addr=1");
        add(&b, cards[n], rp, NULL);
        add(&b, cards[n], NULL, "addr=2");
        for (unsigned i = 0; i < 4000; i++) {
            static const unsigned places[] = {0, 8, 16, 0x100};
            u64 r = harness_random(&seed);
            set_config(&b, 8, PCI_PRIMARY, 0x010100, 4);
            set_config(&b, 8, PCI_BRIDGE_CONTROL, 0, 2);
            poke_config(&b, &seed, places[r % 4], r >> 8 & (r & 0x80 ? 0xfff : 0xff));
            if (i % 8 == 0) {
                set_config(&b, 16, PCI_BAR0, PORTS, 4);
                place_card(&b, 16);
                set_config(&b, 16, PCI_COMMAND, 7, 2);
            }
            set(&b, BAR + (r >> 20 & 0x3fff), (u32)harness_random(&seed), 1u << (r >> 40 & 3));
            get(&b, BAR + (r >> 20 & 0x3fff), 1u << (r >> 42 & 3));
            set(&b, IO + (r >> 20 & 0x3f), (u32)harness_random(&seed), 1u << (r >> 48 & 3));
            get(&b, IO + (r >> 20 & 0x3f), 1u << (r >> 50 & 3));
            set(&b, TABLE + (r >> 20 & 0xfff), (u32)harness_random(&seed), 1u << (r >> 44 & 3));
            get(&b, TABLE + (r >> 20 & 0xfff), 1u << (r >> 46 & 3));
            if (i % 64 == 0)
                harness_turn(&b.h);
        }
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_bar),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_pin),
        cmocka_unit_test(test_shared_pin),
        cmocka_unit_test(test_msix),
        cmocka_unit_test(test_hostile_message),
        cmocka_unit_test(test_not_master),
        cmocka_unit_test(test_access_capability),
        cmocka_unit_test(test_root_port),
        cmocka_unit_test(test_root_port_places),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_any_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
