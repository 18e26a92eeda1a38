/*
 * arm_gicv2m.c - GICv2m: a frame whose register turns a write, a PCI device's message, into an edge
 * on one of a range of the interrupt controller's inputs.
 *
 *   0x008 MSI_TYPER      first interrupt id (25..16), how many (9..0)
 *   0x040 MSI_SETSPI_NS  write: the id
 *   0xfcc MSI_IIDR
 *
 * Source: Arm DEN 0029 (SBSA), appendix on GICv2m. Stateless: an edge is kept by the interrupt
 * controller.
 */
#include "device/device.h"

enum { V2M_LINES = 128 };

struct gicv2m {
    struct device dev;
    struct mem_region mmio;
    struct irq irq[V2M_LINES];
    u32 base, count;
};

static const struct option gicv2m_options[] = {
    OPTION_INT("base-spi", struct gicv2m, base, "80", 32, 1019, "first interrupt id"),
    OPTION_INT("num-spi", struct gicv2m, count, "64", 1, V2M_LINES, "interrupts"),
    OPTION_LAST,
};

static u64 gicv2m_read(void *opaque, u64 offset, unsigned size)
{
    const struct gicv2m *g = opaque;
    (void)size;
    switch (offset) {
    case 0x008: return g->base << 16 | g->count;
    case 0xfcc: return 0x43b;
    default: return 0;
    }
}

static void gicv2m_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct gicv2m *g = opaque;
    u64 n = (value & 0x3ff) - g->base;
    (void)size;
    if (offset != 0x040 || n >= g->count) {
        device_guest_error(&g->dev, "write of 0x%llx at 0x%llx", (unsigned long long)value,
                           (unsigned long long)offset);
        return;
    }
    irq_set(g->irq[n], 1);
    irq_set(g->irq[n], 0);
}

static const struct mem_ops gicv2m_ops = {
    .read = gicv2m_read, .write = gicv2m_write, .min_size = 4, .max_size = 4};

static int gicv2m_realize(struct device *d, struct err *err)
{
    struct gicv2m *g = (struct gicv2m *)d;
    (void)err;
    mem_io(&g->mmio, d->id, 0x1000, &gicv2m_ops, g, NULL);
    return 0;
}

const struct device_type arm_gicv2m = {
    .name = "arm-gicv2m",
    .help = "Arm GICv2m frame: message-signalled interrupts",
    .family = "arm",
    .size = sizeof(struct gicv2m),
    .options = gicv2m_options,
    DEVICE_MMIO1(struct gicv2m, mmio),
    DEVICE_IRQS(struct gicv2m, irq),
    .realize = gicv2m_realize,
    .fdt = {.node = "v2m", DEVICE_COMPATIBLE("arm,gic-v2m-frame")},
};
