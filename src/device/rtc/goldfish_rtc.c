/*
 * goldfish_rtc.c - Goldfish real-time clock: 64-bit nanoseconds since 1970, with an alarm.
 *
 *   0x00 TIME_LOW   read: low half; latches the high half    write: low half
 *   0x04 TIME_HIGH  read: latched high half                  write: high half, sets nothing yet
 *   0x08 ALARM_LOW  write: sets and arms the alarm with ALARM_HIGH
 *   0x0c ALARM_HIGH    0x10 IRQ_ENABLED    0x14 CLEAR_ALARM    0x18 ALARM_STATUS    0x1c
 * CLEAR_INTERRUPT
 *
 * Source: "Goldfish Virtual Hardware", RTC. Locking: host->lock.
 */
#include "device/device.h"
#include "loop/clock.h"
#include "loop/timer.h"

enum {
    RTC_TIME_LOW = 0x00,
    RTC_TIME_HIGH = 0x04,
    RTC_ALARM_LOW = 0x08,
    RTC_ALARM_HIGH = 0x0c,
    RTC_IRQ_ENABLED = 0x10,
    RTC_CLEAR_ALARM = 0x14,
    RTC_ALARM_STATUS = 0x18,
    RTC_CLEAR_INTERRUPT = 0x1c,
    RTC_SIZE = 0x24,
};

struct goldfish_rtc {
    struct device dev;
    struct mem_region mmio;
    struct irq irq;
    u64 offset; /* guest's time = host's + offset */
    u64 alarm;
    u32 latched_high;
    bool armed, pending, enabled;
    struct timer timer;
};

static u64 rtc_now(const struct goldfish_rtc *r)
{
    return clock_now(r->dev.host->rtc) + r->offset;
}

static void update_irq(struct goldfish_rtc *r)
{
    irq_set(r->irq, r->pending && r->enabled);
}

/* Fires at once when the alarm is in the past. */
static void arm(struct goldfish_rtc *r)
{
    if (!r->armed) {
        timer_del(&r->timer);
    } else if (r->alarm <= rtc_now(r)) {
        timer_del(&r->timer);
        r->armed = false;
        r->pending = true;
        update_irq(r);
    } else {
        timer_set(&r->timer, r->alarm - r->offset);
    }
}

static void alarm_fired(void *opaque)
{
    struct goldfish_rtc *r = opaque;
    device_lock(&r->dev);
    arm(r);
    device_unlock(&r->dev);
}

static u64 rtc_read(void *opaque, u64 offset, unsigned size)
{
    struct goldfish_rtc *r = opaque;
    u64 now;
    (void)size;
    switch (offset) {
    case RTC_TIME_LOW:
        now = rtc_now(r);
        r->latched_high = (u32)(now >> 32);
        return (u32)now;
    case RTC_TIME_HIGH: return r->latched_high;
    case RTC_ALARM_LOW: return (u32)r->alarm;
    case RTC_ALARM_HIGH: return r->alarm >> 32;
    case RTC_IRQ_ENABLED: return r->enabled;
    case RTC_ALARM_STATUS: return r->armed;
    default: device_guest_error(&r->dev, "read at 0x%llx", (unsigned long long)offset); return 0;
    }
}

static void rtc_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct goldfish_rtc *r = opaque;
    (void)size;
    switch (offset) {
    case RTC_TIME_LOW:
        r->offset += bits_set(rtc_now(r), 0, 32, value) - rtc_now(r);
        arm(r);
        break;
    case RTC_TIME_HIGH:
        r->offset += bits_set(rtc_now(r), 32, 32, value) - rtc_now(r);
        arm(r);
        break;
    case RTC_ALARM_LOW:
        r->alarm = bits_set(r->alarm, 0, 32, value);
        r->armed = true;
        arm(r);
        break;
    case RTC_ALARM_HIGH: r->alarm = bits_set(r->alarm, 32, 32, value); break;
    case RTC_IRQ_ENABLED: r->enabled = value & 1; break;
    case RTC_CLEAR_ALARM:
        r->armed = false;
        arm(r);
        break;
    case RTC_CLEAR_INTERRUPT: r->pending = false; break;
    default: device_guest_error(&r->dev, "write at 0x%llx", (unsigned long long)offset); return;
    }
    update_irq(r);
}

static const struct mem_ops rtc_ops = {
    .read = rtc_read, .write = rtc_write, .min_size = 4, .max_size = 4};

static void rtc_reset(struct device *d)
{
    struct goldfish_rtc *r = (struct goldfish_rtc *)d;
    r->alarm = 0;
    r->armed = r->pending = r->enabled = false;
    arm(r);
    update_irq(r);
}

static int rtc_realize(struct device *d, struct err *err)
{
    struct goldfish_rtc *r = (struct goldfish_rtc *)d;
    (void)err;
    mem_io(&r->mmio, d->id, RTC_SIZE, &rtc_ops, r, d->host->lock);
    timer_init(&r->timer, d->host->loop, d->host->rtc, alarm_fired, r);
    return 0;
}

static void rtc_unrealize(struct device *d)
{
    struct goldfish_rtc *r = (struct goldfish_rtc *)d;
    if (r->timer.loop)
        timer_fini(&r->timer);
}

static int rtc_post_load(void *obj, u32 version, struct err *err)
{
    struct goldfish_rtc *r = obj;
    (void)version;
    (void)err;
    arm(r);
    update_irq(r);
    return 0;
}

static const struct state_table rtc_state = {
    .name = "goldfish-rtc",
    .version = 1,
    .min_version = 1,
    .post_load = rtc_post_load,
    .fields = (const struct state_field[]){STATE_U64(struct goldfish_rtc, offset),
                                           STATE_U64(struct goldfish_rtc, alarm),
                                           STATE_U32(struct goldfish_rtc, latched_high),
                                           STATE_BOOL(struct goldfish_rtc, armed),
                                           STATE_BOOL(struct goldfish_rtc, pending),
                                           STATE_BOOL(struct goldfish_rtc, enabled), STATE_END},
};

const struct device_type goldfish_rtc = {
    .name = "goldfish_rtc",
    .help = "Goldfish real-time clock",
    .family = "riscv",
    .size = sizeof(struct goldfish_rtc),
    .state = &rtc_state,
    DEVICE_MMIO1(struct goldfish_rtc, mmio),
    DEVICE_IRQ1(struct goldfish_rtc, irq),
    .realize = rtc_realize,
    .unrealize = rtc_unrealize,
    .reset = rtc_reset,
    .fdt = {.node = "rtc", DEVICE_COMPATIBLE("google,goldfish-rtc")},
};
