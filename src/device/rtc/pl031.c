/*
 * pl031.c - Arm PrimeCell real-time clock (PL031): seconds since 1970, with an alarm.
 *
 *   0x00 DR  0x04 MR (match)  0x08 LR (load)  0x0c CR  0x10 IMSC  0x14 RIS  0x18 MIS  0x1c ICR
 *   0xfe0.. peripheral and PrimeCell identification
 *
 * Source: Arm DDI 0224. Locking: host->lock; the timer's callback takes it.
 */
#include "device/device.h"
#include "loop/clock.h"
#include "loop/timer.h"

struct pl031 {
    struct device dev;
    struct mem_region mmio;
    struct irq irq;
    u32 offset; /* guest's seconds = host's + offset */
    u32 match, load;
    bool mask, raw;
    u64 due; /* when the counter reaches match, by the host's rtc; 0: it has */
    struct timer timer;
};

static u32 host_seconds(const struct pl031 *r)
{
    return (u32)(clock_now(r->dev.host->rtc) / NS_PER_SECOND);
}

static void update_irq(struct pl031 *r)
{
    irq_set(r->irq, r->raw && r->mask);
}

/* The counter reaches the match value within 2^32 seconds, so there always is a next time. */
static void arm(struct pl031 *r)
{
    u64 now = clock_now(r->dev.host->rtc);
    u32 ahead = r->match - (host_seconds(r) + r->offset);
    if (!ahead) {
        timer_del(&r->timer);
        r->due = 0;
        r->raw = true;
        update_irq(r);
        return;
    }
    r->due = (now / NS_PER_SECOND + ahead) * NS_PER_SECOND;
    timer_set(&r->timer, r->due);
}

static void alarm_fired(void *opaque)
{
    struct pl031 *r = opaque;
    device_lock(&r->dev);
    r->due = 0;
    r->raw = true;
    update_irq(r);
    device_unlock(&r->dev);
}

static u64 pl031_read(void *opaque, u64 offset, unsigned size)
{
    static const u8 id[8] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    struct pl031 *r = opaque;
    (void)size;
    if (offset >= 0xfe0)
        return id[(offset - 0xfe0) / 4];
    switch (offset) {
    case 0x00: return host_seconds(r) + r->offset;
    case 0x04: return r->match;
    case 0x08: return r->load;
    case 0x0c: return 1; /* always on */
    case 0x10: return r->mask;
    case 0x14: return r->raw;
    case 0x18: return r->raw && r->mask;
    default: device_guest_error(&r->dev, "read at 0x%llx", (unsigned long long)offset); return 0;
    }
}

static void pl031_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct pl031 *r = opaque;
    (void)size;
    switch (offset) {
    case 0x04:
        r->match = (u32)value;
        arm(r);
        break;
    case 0x08:
        r->load = (u32)value;
        r->offset = (u32)value - host_seconds(r);
        arm(r);
        break;
    case 0x0c: break; /* cannot be turned off */
    case 0x10: r->mask = value & 1; break;
    case 0x1c:
        if (value & 1)
            r->raw = false;
        break;
    default: device_guest_error(&r->dev, "write at 0x%llx", (unsigned long long)offset); return;
    }
    update_irq(r);
}

static const struct mem_ops pl031_ops = {
    .read = pl031_read, .write = pl031_write, .min_size = 4, .max_size = 4};

static void pl031_reset(struct device *d)
{
    struct pl031 *r = (struct pl031 *)d;
    r->match = r->load = 0;
    r->due = 0;
    r->mask = r->raw = false;
    timer_del(&r->timer);
    update_irq(r);
}

static int pl031_realize(struct device *d, struct err *err)
{
    struct pl031 *r = (struct pl031 *)d;
    (void)err;
    mem_io(&r->mmio, d->id, 0x1000, &pl031_ops, r, d->host->lock);
    timer_init(&r->timer, d->host->loop, d->host->rtc, alarm_fired, r);
    return 0;
}

static void pl031_unrealize(struct device *d)
{
    struct pl031 *r = (struct pl031 *)d;
    if (r->timer.loop)
        timer_fini(&r->timer);
}

static int pl031_post_load(void *obj, u32 version, struct err *err)
{
    struct pl031 *r = obj;
    (void)version;
    (void)err;
    /* Not by match: where it is reached the guest may have cleared the interrupt already, and it
     * may have been passed while nothing ran. */
    if (r->due)
        timer_set(&r->timer, r->due);
    else
        timer_del(&r->timer);
    update_irq(r);
    return 0;
}

static const struct state_table pl031_state = {
    .name = "pl031",
    .version = 1,
    .min_version = 1,
    .post_load = pl031_post_load,
    .fields =
        (const struct state_field[]){STATE_U32(struct pl031, offset),
                                     STATE_U32(struct pl031, match), STATE_U32(struct pl031, load),
                                     STATE_U64(struct pl031, due), STATE_BOOL(struct pl031, mask),
                                     STATE_BOOL(struct pl031, raw), STATE_END},
};

const struct device_type pl031 = {
    .name = "pl031",
    .help = "Arm PrimeCell real-time clock",
    .family = "arm",
    .size = sizeof(struct pl031),
    .state = &pl031_state,
    DEVICE_MMIO1(struct pl031, mmio),
    DEVICE_IRQ1(struct pl031, irq),
    .realize = pl031_realize,
    .unrealize = pl031_unrealize,
    .reset = pl031_reset,
    .fdt = {.node = "pl031", DEVICE_COMPATIBLE("arm,pl031\0arm,primecell")},
};
