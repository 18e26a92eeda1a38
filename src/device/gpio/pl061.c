/*
 * pl061.c - Arm PrimeCell general-purpose input and output (PL061): eight lines.
 *
 *   0x000..0x3fc DATA, address bits 9..2 mask the lines   0x400 DIR   0x404 IS   0x408 IBE   0x40c
 * IEV 0x410 IE   0x414 RIS   0x418 MIS   0x41c IC   0x420 AFSEL   0xfe0.. identification
 *
 * Inputs 0..7 are the lines from outside (buttons); outputs 1..8 the lines driven by the guest,
 * output 0 the interrupt. Source: Arm DDI 0190. Locking: host->lock; inputs are driven with it
 * held.
 */
#include "device/device.h"

enum { LINES = 8 };

struct pl061 {
    struct device dev;
    struct mem_region mmio;
    struct irq irq[1 + LINES];
    u8 data;  /* what the guest drives */
    u8 input; /* what is driven from outside */
    u8 dir, is, ibe, iev, ie, ris, afsel;
};

/* Levels as the guest sees them: outputs as it drives them. */
static u8 lines(const struct pl061 *g)
{
    return (u8)((g->data & g->dir) | (g->input & ~g->dir));
}

/* A line that the guest does not drive is low for what hangs on it. */
static void update_outputs(struct pl061 *g)
{
    irq_set(g->irq[0], (g->ris & g->ie) != 0);
    for (unsigned i = 0; i < LINES; i++)
        irq_set(g->irq[1 + i], g->data >> i & g->dir >> i & 1);
}

/* Edges since `before`, and levels ("Interrupt control"). */
static void sense(struct pl061 *g, u8 before)
{
    u8 now = lines(g), changed = now ^ before;
    u8 wanted = (u8) ~(now ^ g->iev); /* is what IEV asks for */
    u8 edges = (u8)(changed & (g->ibe | wanted) & ~g->is);
    g->ris = (u8)((g->ris & ~g->is) | edges | (wanted & g->is));
    update_outputs(g);
}

static void pl061_input(void *dev, unsigned n, int level)
{
    struct pl061 *g = dev;
    u8 before = lines(g);
    g->input = (u8)((g->input & ~(1u << n)) | (level ? 1u << n : 0));
    sense(g, before);
}

static u64 pl061_read(void *opaque, u64 offset, unsigned size)
{
    static const u8 id[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    struct pl061 *g = opaque;
    (void)size;
    if (offset < 0x400)
        return lines(g) & offset >> 2;
    if (offset >= 0xfe0)
        return id[(offset - 0xfe0) / 4];
    switch (offset) {
    case 0x400: return g->dir;
    case 0x404: return g->is;
    case 0x408: return g->ibe;
    case 0x40c: return g->iev;
    case 0x410: return g->ie;
    case 0x414: return g->ris;
    case 0x418: return g->ris & g->ie;
    case 0x420: return g->afsel;
    default: device_guest_error(&g->dev, "read at 0x%llx", (unsigned long long)offset); return 0;
    }
}

static void pl061_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct pl061 *g = opaque;
    u8 v = (u8)value, before = lines(g);
    (void)size;
    if (offset < 0x400) {
        u8 mask = (u8)(offset >> 2 & g->dir);
        g->data = (u8)((g->data & ~mask) | (v & mask));
        sense(g, before);
        return;
    }
    switch (offset) {
    case 0x400: g->dir = v; break;
    case 0x404: g->is = v; break;
    case 0x408: g->ibe = v; break;
    case 0x40c: g->iev = v; break;
    case 0x410: g->ie = v; break;
    case 0x41c: g->ris &= (u8)~v; break;
    case 0x420: g->afsel = v; break;
    default: device_guest_error(&g->dev, "write at 0x%llx", (unsigned long long)offset); return;
    }
    sense(g, lines(g));
}

static const struct mem_ops pl061_ops = {
    .read = pl061_read, .write = pl061_write, .min_size = 1, .max_size = 4};

static void pl061_reset(struct device *d)
{
    struct pl061 *g = (struct pl061 *)d;
    g->data = g->dir = g->is = g->ibe = g->iev = g->ie = g->ris = g->afsel = 0;
    update_outputs(g);
}

static int pl061_realize(struct device *d, struct err *err)
{
    struct pl061 *g = (struct pl061 *)d;
    (void)err;
    mem_io(&g->mmio, d->id, 0x1000, &pl061_ops, g, d->host->lock);
    return 0;
}

static int pl061_post_load(void *obj, u32 version, struct err *err)
{
    (void)version;
    (void)err;
    update_outputs(obj);
    return 0;
}

static const struct state_table pl061_state = {
    .name = "pl061",
    .version = 1,
    .min_version = 1,
    .post_load = pl061_post_load,
    .fields =
        (const struct state_field[]){STATE_U8(struct pl061, data), STATE_U8(struct pl061, input),
                                     STATE_U8(struct pl061, dir), STATE_U8(struct pl061, is),
                                     STATE_U8(struct pl061, ibe), STATE_U8(struct pl061, iev),
                                     STATE_U8(struct pl061, ie), STATE_U8(struct pl061, ris),
                                     STATE_U8(struct pl061, afsel), STATE_END},
};

const struct device_type pl061 = {
    .name = "pl061",
    .help = "Arm PrimeCell GPIO",
    .family = "arm",
    .size = sizeof(struct pl061),
    .state = &pl061_state,
    DEVICE_MMIO1(struct pl061, mmio),
    DEVICE_IRQS(struct pl061, irq),
    .input_count = LINES,
    .input = pl061_input,
    .realize = pl061_realize,
    .reset = pl061_reset,
    .fdt = {.node = "pl061", DEVICE_COMPATIBLE("arm,pl061\0arm,primecell")},
    .acpi_id = "ARMH0061",
};
