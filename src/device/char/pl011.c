/*
 * pl011.c - Arm PrimeCell UART (PL011).
 *
 *   0x000 DR     0x004 RSR/ECR  0x018 FR     0x020 ILPR   0x024 IBRD   0x028 FBRD
 *   0x02c LCR_H  0x030 CR       0x034 IFLS   0x038 IMSC   0x03c RIS    0x040 MIS
 *   0x044 ICR    0x048 DMACR    0xfe0.. peripheral and PrimeCell identification
 *
 * Transmission takes no guest time: the transmit FIFO is empty whenever it is looked at. The
 * receive FIFO holds 32 bytes (one without LCR_H.FEN) with their error bits; a level below the
 * trigger raises the time-out after 32 bit times, as the manual has it. No DMA request lines are
 * connected: DMACR only keeps what is written.
 *
 * Source: Arm DDI 0183 (revision r1p5). Locking: host->lock; backend and timer callbacks take it.
 */
#include <errno.h>

#include "backend/char/char.h"
#include "device/device.h"
#include "loop/clock.h"
#include "loop/timer.h"

enum {
    PL011_FIFO = 32,
    CLOCK_HZ = 24000000,
    FR_CTS = 1,
    FR_DSR = 2,
    FR_DCD = 4,
    FR_RXFE = 0x10,
    FR_RXFF = 0x40,
    FR_TXFE = 0x80,
    CR_ENABLE = 1,
    CR_LOOP = 0x80,
    CR_TX = 0x100,
    CR_RX = 0x200,
    CR_RESET = CR_TX | CR_RX,
    LCR_FEN = 0x10,
    INT_RX = 1 << 4,
    INT_TX = 1 << 5,
    INT_RT = 1 << 6,
    INT_BE = 1 << 9,
    INT_OE = 1 << 10,
    INT_ALL = 0x7ff,
    DR_BREAK = 1 << 10,
    DR_OVERRUN = 1 << 11,
    RSR_OVERRUN = 8,
};

struct pl011 {
    struct device dev;
    struct mem_region mmio;
    struct irq irq;
    char *chardev;
    struct chardev *chr; /* NULL: no line */
    u16 cr, imsc, ris, ibrd, dmacr;
    u8 rsr, lcr, fbrd, ilpr, ifls;
    u16 fifo[PL011_FIFO]; /* bits 7..0 data, 11..8 errors */
    u8 fifo_head, fifo_count;
    bool overrun; /* a byte was lost since the last one taken */
    struct timer timeout;
    u64 timeout_deadline; /* for snapshots */
};

static const struct option pl011_options[] = {
    OPTION_STRING("chardev", struct pl011, chardev, NULL, "backend of the line"),
    OPTION_LAST,
};

/* ---- Interrupts ------------------------------------------------------------------------------ */

static void update_irq(struct pl011 *u)
{
    irq_set(u->irq, (u->ris & u->imsc) != 0);
}

static unsigned fifo_size(const struct pl011 *u)
{
    return u->lcr & LCR_FEN ? PL011_FIFO : 1;
}

/* IFLS: 1/8, 1/4, 1/2, 3/4, 7/8 full ("Interrupt FIFO level select register"). */
static unsigned trigger_level(const struct pl011 *u)
{
    static const u8 eighths[8] = {1, 2, 4, 6, 7, 7, 7, 7};
    return u->lcr & LCR_FEN ? PL011_FIFO * eighths[u->ifls >> 3 & 7] / 8 : 1;
}

static void arm_timeout(struct pl011 *u)
{
    u64 divisor = u->ibrd * UINT64_C(64) + u->fbrd; /* in 64ths */
    if (u->fifo_count)
        timer_set(&u->timeout, clock_now(u->dev.host->clock) +
                                   MAX(divisor, 64) * 16 * 32 * NS_PER_SECOND / 64 / CLOCK_HZ);
    else
        timer_del(&u->timeout);
}

static void timeout_fired(void *opaque)
{
    struct pl011 *u = opaque;
    device_lock(&u->dev);
    if (u->fifo_count)
        u->ris |= INT_RT;
    update_irq(u);
    device_unlock(&u->dev);
}

/* ---- Data ------------------------------------------------------------------------------------ */

static unsigned fifo_room(const struct pl011 *u)
{
    unsigned size = fifo_size(u);
    return size > u->fifo_count ? size - u->fifo_count : 0;
}

static void receive(struct pl011 *u, u16 entry)
{
    if (!fifo_room(u)) {
        u->overrun = true;
        u->rsr |= RSR_OVERRUN; /* at once, and until ECR is written */
        u->ris |= INT_OE;
    } else {
        u->fifo[(u->fifo_head + u->fifo_count) % PL011_FIFO] = entry;
        u->fifo_count++;
        if (u->fifo_count >= trigger_level(u))
            u->ris |= INT_RX;
        if (entry & DR_BREAK)
            u->ris |= INT_BE;
    }
    arm_timeout(u);
    update_irq(u);
}

static void wake_line(struct pl011 *u)
{
    if (u->chr)
        chardev_ready(u->chr);
}

static u16 take_entry(struct pl011 *u)
{
    u16 entry = 0;
    if (u->fifo_count) {
        entry = u->fifo[u->fifo_head];
        u->fifo_head = (u8)((u->fifo_head + 1) % PL011_FIFO);
        u->fifo_count--;
    }
    if (u->overrun)
        entry |= DR_OVERRUN;
    u->overrun = false;
    u->rsr = (u8)((u->rsr & RSR_OVERRUN) | entry >> 8);
    if (u->fifo_count < trigger_level(u))
        u->ris &= (u16)~INT_RX;
    if (!u->fifo_count)
        u->ris &= (u16)~INT_RT;
    arm_timeout(u);
    wake_line(u);
    return entry;
}

static void transmit(struct pl011 *u, u8 byte)
{
    if (u->cr & CR_LOOP)
        receive(u, byte);
    else if (u->chr)
        chardev_write(u->chr, &byte, 1);
    u->ris |= INT_TX;
}

/* ---- Registers ------------------------------------------------------------------------------- */

static u32 flags(const struct pl011 *u)
{
    u32 fr = FR_CTS | FR_DSR | FR_DCD | FR_TXFE;
    if (u->cr & CR_LOOP) /* RTS, DTR, Out1 and Out2 come back: bits 11, 10, 12, 13 of CR */
        fr = FR_TXFE | (u->cr >> 11 & 1) | (u->cr >> 10 & 1) << 1 | (u->cr >> 12 & 1) << 2 |
             (u32)(u->cr >> 13 & 1) << 8;
    return fr | (u->fifo_count ? 0 : FR_RXFE) | (fifo_room(u) ? 0 : FR_RXFF);
}

static u32 pl011_get(struct pl011 *u, u64 offset)
{
    static const u8 id[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    if (offset >= 0xfe0)
        return id[(offset - 0xfe0) / 4];
    switch (offset) {
    case 0x000: return take_entry(u);
    case 0x004: return u->rsr;
    case 0x018: return flags(u);
    case 0x020: return u->ilpr;
    case 0x024: return u->ibrd;
    case 0x028: return u->fbrd;
    case 0x02c: return u->lcr;
    case 0x030: return u->cr;
    case 0x034: return u->ifls;
    case 0x038: return u->imsc;
    case 0x03c: return u->ris;
    case 0x040: return u->ris & u->imsc;
    case 0x048: return u->dmacr;
    default: device_guest_error(&u->dev, "read at 0x%llx", (unsigned long long)offset); return 0;
    }
}

/* Turning the FIFO on or off empties it ("Line control register"). */
static void write_lcr(struct pl011 *u, u8 v)
{
    if ((v ^ u->lcr) & LCR_FEN) {
        u->fifo_head = u->fifo_count = 0;
        u->ris &= (u16) ~(INT_RX | INT_RT);
        arm_timeout(u);
    }
    u->lcr = v;
    wake_line(u);
}

static void pl011_put(struct pl011 *u, u64 offset, u32 v)
{
    switch (offset) {
    case 0x000: transmit(u, (u8)v); break;
    case 0x004: u->rsr = 0; break;
    case 0x018: break;
    case 0x020: u->ilpr = (u8)v; break;
    case 0x024: u->ibrd = (u16)v; break;
    case 0x028: u->fbrd = v & 0x3f; break;
    case 0x02c: write_lcr(u, (u8)v); break;
    case 0x030:
        u->cr = (u16)v;
        wake_line(u);
        break;
    case 0x034: u->ifls = v & 0x3f; break;
    case 0x038: u->imsc = v & INT_ALL; break;
    case 0x044: u->ris &= (u16)~v; break;
    case 0x048: u->dmacr = v & 7; break;
    default: device_guest_error(&u->dev, "write of 0x%x at 0x%llx", v, (unsigned long long)offset);
    }
}

static u64 pl011_read(void *opaque, u64 offset, unsigned size)
{
    struct pl011 *u = opaque;
    (void)size;
    u32 v = pl011_get(u, offset & ~UINT64_C(3));
    update_irq(u);
    return v;
}

static void pl011_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct pl011 *u = opaque;
    (void)size;
    pl011_put(u, offset & ~UINT64_C(3), (u32)value);
    update_irq(u);
}

/* Drivers use bytes and halfwords too: the bus shows them the low part of the register. */
static const struct mem_ops pl011_ops = {
    .read = pl011_read, .write = pl011_write, .min_size = 1, .max_size = 4};

/* ---- Backend --------------------------------------------------------------------------------- */

static size_t front_room(void *opaque)
{
    struct pl011 *u = opaque;
    device_lock(&u->dev);
    size_t room = u->cr & CR_LOOP ? 0 : fifo_room(u);
    device_unlock(&u->dev);
    return room;
}

static void front_receive(void *opaque, const u8 *data, size_t n)
{
    struct pl011 *u = opaque;
    device_lock(&u->dev);
    for (size_t i = 0; i < n; i++)
        receive(u, data[i]);
    device_unlock(&u->dev);
}

static void front_event(void *opaque, enum chardev_event event)
{
    struct pl011 *u = opaque;
    if (event != CHARDEV_BREAK)
        return;
    device_lock(&u->dev);
    receive(u, DR_BREAK);
    device_unlock(&u->dev);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void pl011_reset(struct device *d)
{
    struct pl011 *u = (struct pl011 *)d;
    u->cr = CR_RESET;
    u->imsc = u->ris = u->ibrd = u->dmacr = 0;
    u->rsr = u->lcr = u->fbrd = u->ilpr = 0;
    u->ifls = 0x12;
    u->fifo_head = u->fifo_count = 0;
    u->overrun = false;
    timer_del(&u->timeout);
    wake_line(u);
    irq_set(u->irq, 0);
}

static int pl011_realize(struct device *d, struct err *err)
{
    struct pl011 *u = (struct pl011 *)d;
    mem_io(&u->mmio, d->id, 0x1000, &pl011_ops, u, d->host->lock);
    timer_init(&u->timeout, d->host->loop, d->host->clock, timeout_fired, u);
    if (!u->chardev)
        return 0;
    u->chr = d->host->chardev(d->host->opaque, u->chardev);
    if (!u->chr)
        return err_set(err, ENOENT, "chardev=%s: no such character backend", u->chardev);
    struct chardev_front front = {
        .room = front_room, .receive = front_receive, .event = front_event, .opaque = u};
    return chardev_attach(u->chr, &front, err);
}

static void pl011_unrealize(struct device *d)
{
    struct pl011 *u = (struct pl011 *)d;
    if (u->timeout.loop)
        timer_fini(&u->timeout);
    if (u->chr && d->realized)
        (void)!chardev_attach(u->chr, NULL, NULL);
}

static int pl011_pre_save(void *obj, struct err *err)
{
    struct pl011 *u = obj;
    (void)err;
    u->timeout_deadline = timer_deadline(&u->timeout);
    return 0;
}

static int pl011_post_load(void *obj, u32 version, struct err *err)
{
    struct pl011 *u = obj;
    (void)version;
    (void)err;
    timer_restore(&u->timeout, u->timeout_deadline);
    update_irq(u);
    wake_line(u);
    return 0;
}

static const struct state_table pl011_state = {
    .name = "pl011",
    .version = 1,
    .min_version = 1,
    .pre_save = pl011_pre_save,
    .post_load = pl011_post_load,
    .fields =
        (const struct state_field[]){
            STATE_U16(struct pl011, cr), STATE_U16(struct pl011, imsc),
            STATE_U16(struct pl011, ris), STATE_U16(struct pl011, ibrd),
            STATE_U16(struct pl011, dmacr), STATE_U8(struct pl011, rsr),
            STATE_U8(struct pl011, lcr), STATE_U8(struct pl011, fbrd), STATE_U8(struct pl011, ilpr),
            STATE_U8(struct pl011, ifls), STATE_U16_ARRAY(struct pl011, fifo),
            STATE_U8_MAX(struct pl011, fifo_head, PL011_FIFO - 1),
            STATE_U8_MAX(struct pl011, fifo_count, PL011_FIFO), STATE_BOOL(struct pl011, overrun),
            STATE_U64(struct pl011, timeout_deadline), STATE_END},
};

const struct device_type pl011 = {
    .name = "pl011",
    .help = "Arm PrimeCell UART",
    .family = "arm",
    .size = sizeof(struct pl011),
    .options = pl011_options,
    .state = &pl011_state,
    DEVICE_MMIO1(struct pl011, mmio),
    DEVICE_IRQ1(struct pl011, irq),
    .realize = pl011_realize,
    .unrealize = pl011_unrealize,
    .reset = pl011_reset,
    .fdt = {.node = "pl011", DEVICE_COMPATIBLE("arm,pl011\0arm,primecell")},
    .acpi_id = "ARMH0011",
};
