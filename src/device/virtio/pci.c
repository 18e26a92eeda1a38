/*
 * pci.c - virtio over PCI (virtio 1.2, section 4.1): cards that are a PCI function and carry a
 * virtio device.
 *
 *   BAR 0   I/O: the interface before virtio 1.0 (4.1.4.10), for drivers that know no other
 *   BAR 1   MSI-X: a vector for configuration changes and one for each queue
 *   BAR 4   0x0000 common configuration   0x2000 the device's configuration
 *           0x1000 ISR status             0x3000 notifications, 4 bytes for each queue
 *
 * BAR 4's registers can be reached through configuration space, too (4.1.4.9). A card has both
 * interfaces on the host's bus and the modern one alone behind a port, unless told otherwise.
 * Locking: host->lock.
 */
#include <errno.h>

#include "device/pci/pci.h"
#include "device/virtio/virtio.h"

enum {
    /* Common configuration (4.1.4.3). */
    COMMON_DEVICE_FEATURE_SELECT = 0,
    COMMON_DEVICE_FEATURE = 4,
    COMMON_DRIVER_FEATURE_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_CONFIG_VECTOR = 16,
    COMMON_NUM_QUEUES = 18,
    COMMON_STATUS = 20,
    COMMON_GENERATION = 21,
    COMMON_QUEUE_SELECT = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY_OFF = 30,
    COMMON_QUEUE_DESC = 32,
    COMMON_QUEUE_DRIVER = 40,
    COMMON_QUEUE_DEVICE = 48,
    COMMON_QUEUE_NOTIFY_DATA = 56,
    COMMON_QUEUE_RESET = 58,
    COMMON_SIZE = 60,

    AREA_SIZE = 0x1000,
    AREA_COMMON = 0x0000,
    AREA_ISR = 0x1000,
    AREA_DEVICE = 0x2000,
    AREA_NOTIFY = 0x3000,
    MODERN_SIZE = 0x4000,
    NOTIFY_STRIDE = 4,
    /* Legacy: from CONFIG_VECTOR on the device's configuration, where MSI-X is off. */
    LEGACY_DEVICE_FEATURES = 0,
    LEGACY_DRIVER_FEATURES = 4,
    LEGACY_QUEUE_PAGE = 8,
    LEGACY_QUEUE_SIZE = 12,
    LEGACY_QUEUE_SELECT = 14,
    LEGACY_NOTIFY = 16,
    LEGACY_STATUS = 18,
    LEGACY_ISR = 19,
    LEGACY_CONFIG_VECTOR = 20,
    LEGACY_QUEUE_VECTOR = 22,
    LEGACY_SIZE = 24,
    LEGACY_ENTRIES = 256, /* of a queue: the device decides, and old drivers have no more */
    LEGACY_PAGE = 4096,
    BAR_LEGACY = 0,
    BAR_MSIX = 1,
    BAR_MODERN = 4,

    CAP_COMMON = 1,
    CAP_NOTIFY = 2,
    CAP_ISR = 3,
    CAP_DEVICE = 4,
    CAP_ACCESS = 5,
    /* From a capability's start. */
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_DATA = 16,

    ISR_QUEUE = 1,
    ISR_CONFIG = 2,
    NO_VECTOR = 0xffff,
    VENDOR_VIRTIO = 0x1af4,
};

enum switch_word { SWITCH_AUTO, SWITCH_ON, SWITCH_OFF };

struct virtio_pci {
    struct pci_function pci;
    s32 vectors; /* of MSI-X; -1: as many as are useful */
    struct virtio *slot;
    int disable_legacy; /* enum switch_word */
    bool disable_modern;
    struct mem_region modern, legacy;
    u8 access; /* the capability through which registers are reached */
    u32 device_sel, driver_sel;
    u16 queue_sel;
    u8 isr;
    u16 config_vector, queue_vector[VIRTIO_QUEUES];
};

/* ---- Interrupts ------------------------------------------------------------------------------ */

static void interrupt(struct virtio_pci *p, u16 vector, u8 why)
{
    if (pci_has_msix(&p->pci)) {
        pci_send(&p->pci, vector);
        return;
    }
    p->isr |= why;
    pci_set_intx(&p->pci, true);
}

static void pci_queue_irq(struct device *d, struct vqueue *q)
{
    struct virtio_pci *p = (struct virtio_pci *)d;
    interrupt(p, p->queue_vector[q->index], ISR_QUEUE);
}

static void pci_config_irq(struct device *d)
{
    struct virtio_pci *p = (struct virtio_pci *)d;
    interrupt(p, p->config_vector, ISR_CONFIG);
}

static const struct virtio_transport pci_transport = {.queue_irq = pci_queue_irq,
                                                      .config_irq = pci_config_irq};

/* ISR status: reading takes it. */
static u8 take_isr(struct virtio_pci *p)
{
    u8 isr = p->isr;
    p->isr = 0;
    pci_set_intx(&p->pci, false);
    return isr;
}

static u16 checked_vector(const struct virtio_pci *p, u32 v)
{
    return v < p->pci.messages.vectors ? (u16)v : NO_VECTOR;
}

static void forget_driver(struct virtio_pci *p)
{
    p->isr = 0;
    p->config_vector = NO_VECTOR;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++)
        p->queue_vector[i] = NO_VECTOR;
    pci_set_intx(&p->pci, false);
}

/* ---- Common configuration -------------------------------------------------------------------- */

static struct vqueue *selected(struct virtio_pci *p)
{
    return p->queue_sel < p->slot->queue_count ? &p->slot->queue[p->queue_sel] : NULL;
}

static u32 feature_word(u64 features, u32 sel)
{
    return sel < 2 ? (u32)(features >> 32 * sel) : 0;
}

/* All of it, so that any size and offset can be read. A queue that is not there has size 0. */
static void common_image(struct virtio_pci *p, u8 *out)
{
    struct virtio *v = p->slot;
    const struct vqueue *q = selected(p);
    memset(out, 0, COMMON_SIZE);
    store_le(out + COMMON_DEVICE_FEATURE_SELECT, p->device_sel, 4);
    store_le(out + COMMON_DEVICE_FEATURE, feature_word(virtio_offered(v), p->device_sel), 4);
    store_le(out + COMMON_DRIVER_FEATURE_SELECT, p->driver_sel, 4);
    store_le(out + COMMON_DRIVER_FEATURE, feature_word(v->guest_features, p->driver_sel), 4);
    store_le(out + COMMON_CONFIG_VECTOR, p->config_vector, 2);
    store_le(out + COMMON_NUM_QUEUES, v->queue_count, 2);
    out[COMMON_STATUS] = v->status;
    out[COMMON_GENERATION] = (u8)v->config_generation;
    store_le(out + COMMON_QUEUE_SELECT, p->queue_sel, 2);
    store_le(out + COMMON_QUEUE_VECTOR, NO_VECTOR, 2);
    if (!q)
        return;
    store_le(out + COMMON_QUEUE_SIZE, q->size, 2);
    store_le(out + COMMON_QUEUE_VECTOR, p->queue_vector[q->index], 2);
    store_le(out + COMMON_QUEUE_ENABLE, q->ready, 2);
    store_le(out + COMMON_QUEUE_NOTIFY_OFF, q->index, 2);
    store_le(out + COMMON_QUEUE_DESC, q->desc, 8);
    store_le(out + COMMON_QUEUE_DRIVER, q->driver, 8);
    store_le(out + COMMON_QUEUE_DEVICE, q->device, 8);
    store_le(out + COMMON_QUEUE_NOTIFY_DATA, q->index, 2);
}

static void set_queue_size(struct vqueue *q, u32 v)
{
    if (v && v <= q->max) /* the rest is seen when it is enabled */
        q->size = (u16)v;
    else
        virtio_broken(q->virtio, "queue %u of %u entries", q->index, v);
}

static void queue_write(struct virtio_pci *p, struct vqueue *q, u64 offset, u32 v)
{
    u64 *area = offset >= COMMON_QUEUE_DEVICE   ? &q->device
                : offset >= COMMON_QUEUE_DRIVER ? &q->driver
                                                : &q->desc;
    switch (offset) {
    case COMMON_QUEUE_VECTOR: p->queue_vector[q->index] = checked_vector(p, v); return;
    case COMMON_QUEUE_ENABLE:
        if (v == 1)
            vqueue_enable(q);
        return;
    case COMMON_QUEUE_RESET:
        if (v == 1)
            vqueue_reset(q);
        return;
    }
    if (q->ready)
        device_guest_error(&p->pci.dev, "queue %u is changed while it is in use", q->index);
    else if (offset == COMMON_QUEUE_SIZE)
        set_queue_size(q, v);
    else
        *area = bits_set(*area, offset & 4 ? 32 : 0, 32, v);
}

static void set_status(struct virtio_pci *p, u8 v)
{
    virtio_set_status(p->slot, v);
    if (!v)
        forget_driver(p);
}

static void set_driver_features(struct virtio_pci *p, u32 v)
{
    if (p->driver_sel < 2)
        virtio_set_features(p->slot, bits_set(p->slot->guest_features, 32 * p->driver_sel, 32, v));
}

/* The size each register is written with (4.1.3.1). */
static unsigned common_size(u64 offset)
{
    if (offset < COMMON_CONFIG_VECTOR ||
        (offset >= COMMON_QUEUE_DESC && offset < COMMON_QUEUE_NOTIFY_DATA))
        return 4;
    return offset == COMMON_STATUS ? 1 : 2;
}

static void common_write(struct virtio_pci *p, u64 offset, u32 v, unsigned size)
{
    struct vqueue *q = selected(p);
    if (offset & (size - 1) || size != common_size(offset)) {
        device_guest_error(&p->pci.dev, "write of %u bytes at 0x%llx", size,
                           (unsigned long long)offset);
        return;
    }
    switch (offset) {
    case COMMON_DEVICE_FEATURE_SELECT: p->device_sel = v; return;
    case COMMON_DRIVER_FEATURE_SELECT: p->driver_sel = v; return;
    case COMMON_DRIVER_FEATURE: set_driver_features(p, v); return;
    case COMMON_CONFIG_VECTOR: p->config_vector = checked_vector(p, v); return;
    case COMMON_STATUS: set_status(p, (u8)v); return;
    case COMMON_QUEUE_SELECT: p->queue_sel = (u16)v; return;
    case COMMON_DEVICE_FEATURE:
    case COMMON_NUM_QUEUES:
    case COMMON_QUEUE_NOTIFY_OFF:
    case COMMON_QUEUE_NOTIFY_DATA:
        device_guest_error(&p->pci.dev, "write at 0x%llx", (unsigned long long)offset);
        return;
    default:
        if (q)
            queue_write(p, q, offset, v);
        return;
    }
}

/* ---- BAR 4 ----------------------------------------------------------------------------------- */

static u64 common_read(struct virtio_pci *p, u64 offset, unsigned size)
{
    u8 image[COMMON_SIZE];
    if (offset + size > COMMON_SIZE)
        return 0;
    common_image(p, image);
    return load_le(image + offset, size);
}

static u64 modern_read(void *opaque, u64 offset, unsigned size)
{
    struct virtio_pci *p = opaque;
    u64 in = offset % AREA_SIZE;
    u8 bytes[8];
    if (!p->slot)
        return 0;
    switch (offset - in) {
    case AREA_COMMON: return common_read(p, in, size);
    case AREA_ISR: return in ? 0 : take_isr(p);
    case AREA_DEVICE: virtio_config_read(p->slot, in, bytes, size); return load_le(bytes, size);
    default: return 0;
    }
}

static void modern_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct virtio_pci *p = opaque;
    u64 in = offset % AREA_SIZE;
    u8 bytes[8];
    if (!p->slot)
        return;
    switch (offset - in) {
    case AREA_COMMON:
        if (in < COMMON_SIZE)
            common_write(p, in, (u32)value, size);
        return;
    case AREA_DEVICE:
        store_le(bytes, value, size);
        virtio_config_write(p->slot, in, bytes, size);
        return;
    case AREA_NOTIFY:
        if (in / NOTIFY_STRIDE < p->slot->queue_count && pci_is_master(&p->pci))
            vqueue_kick(&p->slot->queue[in / NOTIFY_STRIDE]);
        return;
    }
}

static const struct mem_ops modern_ops = {
    .read = modern_read, .write = modern_write, .max_size = 4};

/* ---- BAR 0 ----------------------------------------------------------------------------------- */

static unsigned legacy_head(const struct virtio_pci *p)
{
    return pci_has_msix(&p->pci) ? LEGACY_SIZE : LEGACY_CONFIG_VECTOR;
}

static void legacy_image(struct virtio_pci *p, u8 *out)
{
    const struct vqueue *q = selected(p);
    store_le(out + LEGACY_DEVICE_FEATURES, virtio_legacy_offered(p->slot), 4);
    store_le(out + LEGACY_DRIVER_FEATURES, (u32)p->slot->guest_features, 4);
    store_le(out + LEGACY_QUEUE_PAGE, q && q->ready ? q->desc / LEGACY_PAGE : 0, 4);
    store_le(out + LEGACY_QUEUE_SIZE, q ? LEGACY_ENTRIES : 0, 2);
    store_le(out + LEGACY_QUEUE_SELECT, p->queue_sel, 2);
    store_le(out + LEGACY_NOTIFY, 0, 2);
    out[LEGACY_STATUS] = p->slot->status;
    out[LEGACY_ISR] = 0;
    store_le(out + LEGACY_CONFIG_VECTOR, p->config_vector, 2);
    store_le(out + LEGACY_QUEUE_VECTOR, q ? p->queue_vector[q->index] : NO_VECTOR, 2);
}

static u64 legacy_read(void *opaque, u64 offset, unsigned size)
{
    struct virtio_pci *p = opaque;
    u8 image[LEGACY_SIZE], bytes[8];
    unsigned head = legacy_head(p);
    if (!p->slot)
        return 0;
    if (offset == LEGACY_ISR)
        return take_isr(p);
    if (offset >= head) {
        virtio_config_read(p->slot, offset - head, bytes, size);
        return load_le(bytes, size);
    }
    legacy_image(p, image);
    return load_le(image + offset, size);
}

/* 2.7.2: the three areas of a legacy queue lie behind each other. */
static void set_queue_page(struct virtio_pci *p, u32 page)
{
    struct vqueue *q = selected(p);
    if (!q)
        return;
    if (!page) {
        vqueue_reset(q);
        return;
    }
    if (q->ready) {
        device_guest_error(&p->pci.dev, "queue %u is changed while it is in use", q->index);
        return;
    }
    q->size = LEGACY_ENTRIES;
    q->desc = (u64)page * LEGACY_PAGE;
    q->driver = q->desc + 16u * LEGACY_ENTRIES;
    q->device = align_up(q->driver + 6 + 2u * LEGACY_ENTRIES, LEGACY_PAGE);
    vqueue_enable(q);
}

static unsigned legacy_size(u64 offset)
{
    if (offset < LEGACY_QUEUE_SIZE)
        return 4;
    return offset == LEGACY_STATUS || offset == LEGACY_ISR ? 1 : 2;
}

static void legacy_register(struct virtio_pci *p, u64 offset, u32 v)
{
    struct vqueue *q = selected(p);
    switch (offset) {
    case LEGACY_DRIVER_FEATURES: virtio_set_legacy_features(p->slot, v); return;
    case LEGACY_QUEUE_PAGE: set_queue_page(p, v); return;
    case LEGACY_QUEUE_SELECT: p->queue_sel = (u16)v; return;
    case LEGACY_NOTIFY:
        if (v < p->slot->queue_count && pci_is_master(&p->pci))
            vqueue_kick(&p->slot->queue[v]);
        return;
    case LEGACY_STATUS: set_status(p, (u8)v & (u8)~VIRTIO_FEATURES_OK); return;
    case LEGACY_CONFIG_VECTOR: p->config_vector = checked_vector(p, v); return;
    case LEGACY_QUEUE_VECTOR:
        if (q)
            p->queue_vector[q->index] = checked_vector(p, v);
        return;
    }
}

static void legacy_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct virtio_pci *p = opaque;
    unsigned head = legacy_head(p);
    u8 bytes[8];
    bool is_reset = offset == LEGACY_STATUS && !value;
    if (!p->slot)
        return;
    if (!is_reset && !virtio_be_legacy(p->slot)) {
        device_guest_error(&p->pci.dev, "a driver of virtio 1.x writes legacy registers");
    } else if (offset >= head) {
        store_le(bytes, value, size);
        virtio_config_write(p->slot, offset - head, bytes, size);
    } else if (size == legacy_size(offset)) {
        legacy_register(p, offset, (u32)value);
    }
}

static const struct mem_ops legacy_ops = {
    .read = legacy_read, .write = legacy_write, .max_size = 4};

/* ---- Access through configuration space ------------------------------------------------------ */

/* Does an access of configuration touch the capability's data, and does it name registers? */
static bool is_access(const struct virtio_pci *p, unsigned offset, unsigned size, u32 *at, u32 *len)
{
    unsigned data = p->access + CAP_DATA;
    if (!p->access || offset >= data + 4 || offset + size <= data)
        return false;
    *at = pci_config(&p->pci, p->access + CAP_OFFSET, 4);
    *len = pci_config(&p->pci, p->access + CAP_LENGTH, 4);
    return pci_config(&p->pci, p->access + CAP_BAR, 1) == BAR_MODERN &&
           (*len == 1 || *len == 2 || *len == 4) && !(*at & (*len - 1)) && *at < MODERN_SIZE;
}

static void config_reading(struct pci_function *f, unsigned offset, unsigned size)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    u32 at, len;
    if (is_access(p, offset, size, &at, &len))
        store_le(f->vary + p->access + CAP_DATA, modern_read(p, at, len), 4);
}

static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    u32 at, len;
    if (is_access(p, offset, size, &at, &len))
        modern_write(p, at, load_le(f->vary + p->access + CAP_DATA, len), len);
}

/* ---- Description ----------------------------------------------------------------------------- */

static u8 add_virtio_capability(struct virtio_pci *p, u8 kind, u32 offset, u32 length, u8 size)
{
    u8 at = pci_add_capability(&p->pci, PCI_CAP_VENDOR, size);
    pci_config_set(&p->pci, at + 2u, 1, size, 0);
    pci_config_set(&p->pci, at + 3u, 1, kind, 0);
    pci_config_set(&p->pci, at + (unsigned)CAP_BAR, 1, BAR_MODERN, 0);
    pci_config_set(&p->pci, at + (unsigned)CAP_OFFSET, 4, offset, 0);
    pci_config_set(&p->pci, at + (unsigned)CAP_LENGTH, 4, length, 0);
    return at;
}

static void add_capabilities(struct virtio_pci *p)
{
    struct pci_function *f = &p->pci;
    u32 notify = p->slot->queue_count * (u32)NOTIFY_STRIDE;
    add_virtio_capability(p, CAP_COMMON, AREA_COMMON, COMMON_SIZE, 16);
    add_virtio_capability(p, CAP_ISR, AREA_ISR, 1, 16);
    if (p->slot->class->config_size)
        add_virtio_capability(p, CAP_DEVICE, AREA_DEVICE, AREA_SIZE, 16);
    u8 at = add_virtio_capability(p, CAP_NOTIFY, AREA_NOTIFY, notify, 20);
    pci_config_set(f, at + (unsigned)CAP_DATA, 4, NOTIFY_STRIDE, 0);
    p->access = add_virtio_capability(p, CAP_ACCESS, 0, 0, 20);
    pci_config_set(f, p->access + (unsigned)CAP_BAR, 1, 0, 0xff);
    for (unsigned i = CAP_OFFSET; i <= CAP_DATA; i += 4)
        pci_config_set(f, p->access + i, 4, 0, ~0u);
}

static u16 class_of(u16 id)
{
    static const u16 classes[] = {
        [VIRTIO_NET] = 0x0200, [VIRTIO_BLOCK] = 0x0100, [VIRTIO_CONSOLE] = 0x0780};
    return id < ARRAY_SIZE(classes) && classes[id] ? classes[id] : 0x00ff;
}

/* What the driver sees as the card before it knows virtio: legacy ids say less. */
static struct pci_identity identity_of(u16 id, bool legacy)
{
    static const u16 legacy_ids[] = {[VIRTIO_NET] = 0x1000,
                                     [VIRTIO_BLOCK] = 0x1001,
                                     [VIRTIO_CONSOLE] = 0x1003,
                                     [VIRTIO_RNG] = 0x1005};
    legacy = legacy && id < ARRAY_SIZE(legacy_ids);
    return (struct pci_identity){.vendor = VENDOR_VIRTIO,
                                 .device = legacy ? legacy_ids[id] : 0x1040 + id,
                                 .class = class_of(id),
                                 .revision = !legacy,
                                 .pin = 1,
                                 .subsystem_vendor = VENDOR_VIRTIO,
                                 .subsystem = legacy ? id : 0x1100};
}

static void add_legacy(struct virtio_pci *p)
{
    u64 size = LEGACY_SIZE + p->slot->class->config_size, bar = 32;
    while (bar < size)
        bar *= 2;
    mem_io(&p->legacy, "virtio-pci-legacy", bar, &legacy_ops, p, p->pci.dev.host->lock);
    pci_add_bar(&p->pci, BAR_LEGACY, PCI_BAR_IO, &p->legacy);
}

static void add_modern(struct virtio_pci *p)
{
    mem_io(&p->modern, "virtio-pci", MODERN_SIZE, &modern_ops, p, p->pci.dev.host->lock);
    pci_add_bar(&p->pci, BAR_MODERN, PCI_BAR_64_PREFETCH, &p->modern);
    add_capabilities(p);
}

static bool has_legacy(const struct virtio_pci *p)
{
    return p->disable_legacy == SWITCH_OFF ||
           (p->disable_legacy == SWITCH_AUTO && !p->pci.bus->bridge);
}

static void describe(struct virtio_pci *p)
{
    struct pci_function *f = &p->pci;
    const struct pci_identity identity = identity_of(p->slot->class->id, has_legacy(p));
    u16 vectors = p->vectors < 0 ? p->slot->queue_count + 1 : (u16)p->vectors;
    pci_function_init(f, &identity);
    f->config_reading = config_reading;
    f->config_written = config_written;
    if (vectors)
        pci_add_msix(f, BAR_MSIX, vectors);
    if (has_legacy(p))
        add_legacy(p);
    if (!p->disable_modern)
        add_modern(p);
    if (f->bus->bridge) {
        pci_add_pm(f);
        pci_add_express(f, PCI_PORT_ENDPOINT);
    }
    forget_driver(p);
}

/* ---- Life ------------------------------------------------------------------------------------ */

/* The device that it carries, which is realized after it: only now is it known what it is. */
static int virtio_pci_plug(struct device *d, struct device *child, struct err *err)
{
    struct virtio_pci *p = (struct virtio_pci *)d;
    if (p->slot)
        return err_set(err, EBUSY, "%s has a device already", d->id);
    if (p->disable_modern && !has_legacy(p))
        return err_set(err, EINVAL,
                       "disable-modern=on leaves no interface: disable-legacy=off is needed");
    p->slot = (struct virtio *)child;
    p->slot->transport = &pci_transport;
    describe(p);
    return 0;
}

static void virtio_pci_unrealize(struct device *d)
{
    pci_function_fini((struct pci_function *)d);
}

static void virtio_pci_reset(struct device *d)
{
    struct virtio_pci *p = (struct virtio_pci *)d;
    if (p->slot)
        virtio_reset(p->slot);
    p->device_sel = p->driver_sel = p->queue_sel = 0;
    pci_function_reset(&p->pci);
    forget_driver(p);
}

static int virtio_pci_post_load(void *obj, u32 version, struct err *err)
{
    struct virtio_pci *p = obj;
    (void)version;
    return pci_function_post_load(&p->pci, err);
}

static const struct state_table virtio_pci_state = {
    .name = "virtio-pci",
    .version = 1,
    .min_version = 1,
    .post_load = virtio_pci_post_load,
    .fields =
        (const struct state_field[]){
            STATE_STRUCT(struct virtio_pci, pci, &pci_function_state),
            STATE_U32(struct virtio_pci, device_sel), STATE_U32(struct virtio_pci, driver_sel),
            STATE_U16(struct virtio_pci, queue_sel), STATE_U8(struct virtio_pci, isr),
            STATE_U16(struct virtio_pci, config_vector),
            STATE_U16_ARRAY(struct virtio_pci, queue_vector), STATE_END},
};

static const char *const switch_words[] = {"auto", "on", "off", NULL};
static const struct option virtio_pci_options[] = {
    PCI_OPTIONS(struct virtio_pci),
    OPTION_INT("vectors", struct virtio_pci, vectors, "-1", -1, PCI_VECTORS,
               "MSI-X vectors (-1: one for each queue and one for the configuration)"),
    OPTION_ENUM("disable-legacy", struct virtio_pci, disable_legacy, "auto", switch_words,
                "without the interface before virtio 1.0 (auto: behind a port)"),
    OPTION_BOOL("disable-modern", struct virtio_pci, disable_modern, "off",
                "without the interface of virtio 1.x"),
    OPTION_LAST,
};

#define VIRTIO_PCI_TYPE(name_, help_, carries_)                                                    \
    {                                                                                              \
        .name = name_, .help = help_, .size = sizeof(struct virtio_pci), .bus = "PCI",             \
        .provides = "virtio-pci-bus", .carries = carries_, .slots = 1,                             \
        .options = virtio_pci_options, .state = &virtio_pci_state,                                 \
        .unrealize = virtio_pci_unrealize, .reset = virtio_pci_reset, .plug = virtio_pci_plug,     \
        .info = pci_function_info,                                                                 \
    }

const struct device_type virtio_blk_pci =
    VIRTIO_PCI_TYPE("virtio-blk-pci", "virtio disk on PCI", "virtio-blk-device");
const struct device_type virtio_net_pci =
    VIRTIO_PCI_TYPE("virtio-net-pci", "virtio network card on PCI", "virtio-net-device");
const struct device_type virtio_rng_pci =
    VIRTIO_PCI_TYPE("virtio-rng-pci", "virtio entropy source on PCI", "virtio-rng-device");
const struct device_type virtio_serial_pci =
    VIRTIO_PCI_TYPE("virtio-serial-pci", "virtio card with consoles and byte channels on PCI",
                    "virtio-serial-device");
