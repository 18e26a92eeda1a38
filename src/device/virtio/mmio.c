/*
 * mmio.c - virtio over MMIO, version 2 (virtio 1.2, section 4.2): a transport with one slot for a
 * virtio device.
 *
 * Legacy (version 1) is not offered: guests of this century negotiate VERSION_1. An empty slot
 * reads device id 0, which drivers take for "nothing here". Locking: host->lock (mem_io's).
 */
#include <errno.h>

#include "device/virtio/virtio.h"

enum {
    MMIO_MAGIC = 0x000,
    MMIO_VERSION = 0x004,
    MMIO_DEVICE_ID = 0x008,
    MMIO_VENDOR_ID = 0x00c,
    MMIO_DEVICE_FEATURES = 0x010,
    MMIO_DEVICE_FEATURES_SEL = 0x014,
    MMIO_DRIVER_FEATURES = 0x020,
    MMIO_DRIVER_FEATURES_SEL = 0x024,
    MMIO_QUEUE_SEL = 0x030,
    MMIO_QUEUE_NUM_MAX = 0x034,
    MMIO_QUEUE_NUM = 0x038,
    MMIO_QUEUE_READY = 0x044,
    MMIO_QUEUE_NOTIFY = 0x050,
    MMIO_INTERRUPT_STATUS = 0x060,
    MMIO_INTERRUPT_ACK = 0x064,
    MMIO_STATUS = 0x070,
    MMIO_QUEUE_DESC = 0x080,
    MMIO_QUEUE_DRIVER = 0x090,
    MMIO_QUEUE_DEVICE = 0x0a0,
    MMIO_SHM_LEN_LOW = 0x0b0,
    MMIO_SHM_BASE_HIGH = 0x0bc,
    MMIO_QUEUE_RESET = 0x0c0,
    MMIO_CONFIG_GENERATION = 0x0fc,
    MMIO_CONFIG = 0x100,
    MMIO_SIZE = 0x200,
    MMIO_INT_QUEUE = 1,
    MMIO_INT_CONFIG = 2,
};

struct virtio_mmio {
    struct device dev;
    struct mem_region mmio;
    struct irq irq;
    struct virtio *slot;
    u32 device_sel, driver_sel, queue_sel;
    u32 interrupt;
};

static void raise_irq(struct virtio_mmio *m, u32 why)
{
    m->interrupt |= why;
    irq_set(m->irq, 1);
}

static void mmio_queue_irq(struct device *d, struct vqueue *q)
{
    (void)q;
    raise_irq((struct virtio_mmio *)d, MMIO_INT_QUEUE);
}

static void mmio_config_irq(struct device *d)
{
    raise_irq((struct virtio_mmio *)d, MMIO_INT_CONFIG);
}

static const struct virtio_transport mmio_transport = {.queue_irq = mmio_queue_irq,
                                                       .config_irq = mmio_config_irq};

static struct vqueue *selected(struct virtio_mmio *m)
{
    return m->queue_sel < m->slot->queue_count ? &m->slot->queue[m->queue_sel] : NULL;
}

/* Bits 31..0 or 63..32 of 64 feature bits; the selector has no further ones here. */
static u32 feature_word(u64 features, u32 sel)
{
    return sel < 2 ? (u32)(features >> 32 * sel) : 0;
}

static u32 register_read(struct virtio_mmio *m, u64 offset)
{
    struct virtio *v = m->slot;
    struct vqueue *q = selected(m);
    switch (offset) {
    case MMIO_DEVICE_FEATURES: return feature_word(virtio_offered(v), m->device_sel);
    case MMIO_QUEUE_NUM_MAX: return q ? q->max : 0;
    case MMIO_QUEUE_READY: return q ? q->ready : 0;
    case MMIO_INTERRUPT_STATUS: return m->interrupt;
    case MMIO_STATUS: return v->status;
    case MMIO_CONFIG_GENERATION: return v->config_generation;
    case MMIO_QUEUE_RESET: return 0;
    }
    if (offset >= MMIO_SHM_LEN_LOW && offset <= MMIO_SHM_BASE_HIGH)
        return UINT32_MAX; /* no shared memory regions */
    device_guest_error(&m->dev, "read at 0x%llx", (unsigned long long)offset);
    return 0;
}

static u64 mmio_read(void *opaque, u64 offset, unsigned size)
{
    struct virtio_mmio *m = opaque;
    switch (offset) {
    case MMIO_MAGIC: return 0x74726976; /* "virt" */
    case MMIO_VERSION: return 2;
    case MMIO_DEVICE_ID: return m->slot ? m->slot->class->id : 0;
    case MMIO_VENDOR_ID: return 0x554d4551; /* what drivers know: "QEMU" */
    }
    if (!m->slot)
        return 0;
    if (offset >= MMIO_CONFIG) {
        u8 bytes[8];
        virtio_config_read(m->slot, offset - MMIO_CONFIG, bytes, size);
        return load_le(bytes, size);
    }
    return size == 4 ? register_read(m, offset) : 0;
}

static void queue_write(struct virtio_mmio *m, struct vqueue *q, u64 offset, u32 v)
{
    u64 *area = offset < MMIO_QUEUE_DRIVER   ? &q->desc
                : offset < MMIO_QUEUE_DEVICE ? &q->driver
                                             : &q->device;
    if (q->ready && offset != MMIO_QUEUE_READY && offset != MMIO_QUEUE_RESET) {
        device_guest_error(&m->dev, "queue %u is changed while it is in use", q->index);
        return;
    }
    switch (offset) {
    case MMIO_QUEUE_NUM:
        if (v && v <= q->max) /* the rest is seen when it is enabled */
            q->size = (u16)v;
        else
            virtio_broken(m->slot, "queue %u of %u entries", q->index, v);
        break;
    case MMIO_QUEUE_READY:
        if (v & 1)
            vqueue_enable(q);
        else
            vqueue_reset(q);
        break;
    case MMIO_QUEUE_RESET:
        if (v & 1)
            vqueue_reset(q);
        break;
    default: *area = bits_set(*area, offset & 4 ? 32 : 0, 32, v); break;
    }
}

static void driver_features(struct virtio_mmio *m, u32 v)
{
    if (m->driver_sel < 2)
        virtio_set_features(m->slot, bits_set(m->slot->guest_features, 32 * m->driver_sel, 32, v));
}

static void set_status(struct virtio_mmio *m, u32 v)
{
    virtio_set_status(m->slot, (u8)v);
    if (!v) {
        m->interrupt = 0;
        irq_set(m->irq, 0);
    }
}

static void register_write(struct virtio_mmio *m, u64 offset, u32 v)
{
    struct vqueue *q = selected(m);
    switch (offset) {
    case MMIO_DEVICE_FEATURES_SEL: m->device_sel = v; return;
    case MMIO_DRIVER_FEATURES: driver_features(m, v); return;
    case MMIO_DRIVER_FEATURES_SEL: m->driver_sel = v; return;
    case MMIO_QUEUE_SEL: m->queue_sel = v; return;
    case MMIO_STATUS: set_status(m, v); return;
    case MMIO_QUEUE_NOTIFY:
        if ((v & 0xffff) < m->slot->queue_count)
            vqueue_kick(&m->slot->queue[v & 0xffff]);
        return;
    case MMIO_INTERRUPT_ACK:
        m->interrupt &= ~v;
        irq_set(m->irq, m->interrupt != 0);
        return;
    case MMIO_QUEUE_NUM:
    case MMIO_QUEUE_READY:
    case MMIO_QUEUE_RESET:
    case MMIO_QUEUE_DESC:
    case MMIO_QUEUE_DESC + 4:
    case MMIO_QUEUE_DRIVER:
    case MMIO_QUEUE_DRIVER + 4:
    case MMIO_QUEUE_DEVICE:
    case MMIO_QUEUE_DEVICE + 4:
        if (q)
            queue_write(m, q, offset, v);
        return;
    default:
        device_guest_error(&m->dev, "write of 0x%x at 0x%llx", v, (unsigned long long)offset);
        return;
    }
}

static void mmio_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct virtio_mmio *m = opaque;
    if (!m->slot)
        return;
    if (offset >= MMIO_CONFIG) {
        u8 bytes[8];
        store_le(bytes, value, size);
        virtio_config_write(m->slot, offset - MMIO_CONFIG, bytes, size);
    } else if (size == 4) {
        register_write(m, offset, (u32)value);
    }
}

static const struct mem_ops mmio_ops = {.read = mmio_read, .write = mmio_write};

static int mmio_realize(struct device *d, struct err *err)
{
    struct virtio_mmio *m = (struct virtio_mmio *)d;
    (void)err;
    mem_io(&m->mmio, d->id, MMIO_SIZE, &mmio_ops, m, d->host->lock);
    return 0;
}

static int mmio_plug(struct device *d, struct device *child, struct err *err)
{
    struct virtio_mmio *m = (struct virtio_mmio *)d;
    if (m->slot)
        return err_set(err, EBUSY, "%s has a device already", d->id);
    m->slot = (struct virtio *)child;
    m->slot->transport = &mmio_transport;
    return 0;
}

/* The device in the slot is reset by itself. */
static void mmio_reset(struct device *d)
{
    struct virtio_mmio *m = (struct virtio_mmio *)d;
    m->device_sel = m->driver_sel = m->queue_sel = m->interrupt = 0;
    irq_set(m->irq, 0);
}

static int mmio_post_load(void *obj, u32 version, struct err *err)
{
    struct virtio_mmio *m = obj;
    (void)version;
    (void)err;
    irq_set(m->irq, m->interrupt != 0);
    return 0;
}

static const struct state_table mmio_state = {
    .name = "virtio-mmio",
    .version = 1,
    .min_version = 1,
    .post_load = mmio_post_load,
    .fields = (const struct state_field[]){STATE_U32(struct virtio_mmio, device_sel),
                                           STATE_U32(struct virtio_mmio, driver_sel),
                                           STATE_U32(struct virtio_mmio, queue_sel),
                                           STATE_U32(struct virtio_mmio, interrupt), STATE_END},
};

static int refuse_legacy(void *m, const char *value, struct err *err)
{
    bool on;
    (void)m;
    int r = option_parse_bool("force-legacy", value, &on, err);
    return r || !on ? r : err_set(err, ENOTSUP, "accepted is off: virtio 1.x is what there is");
}

static const struct option mmio_options[] = {
    {.name = "force-legacy",
     .type = OPTION_TYPE_BOOL,
     .def = "off",
     .help = "the interface before virtio 1.0 (off)",
     .set = refuse_legacy},
    OPTION_LAST,
};

const struct device_type virtio_mmio = {
    .name = "virtio-mmio",
    .help = "virtio over MMIO: a slot for a virtio device",
    .size = sizeof(struct virtio_mmio),
    .options = mmio_options,
    .provides = "virtio",
    .slots = 1,
    .state = &mmio_state,
    DEVICE_MMIO1(struct virtio_mmio, mmio),
    DEVICE_IRQ1(struct virtio_mmio, irq),
    .realize = mmio_realize,
    .reset = mmio_reset,
    .plug = mmio_plug,
    .fdt = {.node = "virtio_mmio", DEVICE_COMPATIBLE("virtio,mmio")},
    .acpi_id = "LNRO0005",
};
