/*
 * uart16550.c - National Semiconductor 16550A UART.
 *
 *   offset  read (DLAB=0)  write          DLAB=1
 *   0       RBR            THR            DLL
 *   1       IER            IER            DLM
 *   2       IIR            FCR            IIR / FCR
 *   3..7    LCR MCR LSR MSR SCR
 *
 * Transmission takes no guest time: a byte written is with the backend before the write returns, so
 * THRE and TEMT are always 1. The receive FIFO holds 16 bytes and its trigger level counts; a level
 * not reached raises the time-out interrupt after four character times of the programmed rate.
 *
 * Source: PC16550D data sheet. Locking: host->lock around registers; backend and timer callbacks
 * take it.
 */
#include <errno.h>

#include <libfdt.h>

#include "backend/char/char.h"
#include "device/device.h"
#include "loop/clock.h"
#include "loop/timer.h"

enum {
    UART_FIFO = 16,
    IER_RX = 1,
    IER_THRE = 2,
    IER_LINE = 4,
    IER_MODEM = 8,
    IIR_NONE = 1,
    IIR_MODEM = 0,
    IIR_THRE = 2,
    IIR_RX = 4,
    IIR_LINE = 6,
    IIR_TIMEOUT = 12,
    IIR_FIFO = 0xc0,
    FCR_ENABLE = 1,
    FCR_CLEAR_RX = 2,
    FCR_CLEAR_TX = 4,
    LCR_DLAB = 0x80,
    LCR_BREAK = 0x40,
    MCR_DTR = 1,
    MCR_RTS = 2,
    MCR_OUT1 = 4,
    MCR_OUT2 = 8,
    MCR_LOOP = 0x10,
    LSR_READY = 1,
    LSR_OVERRUN = 2,
    LSR_BREAK = 0x10,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,
    LSR_ERRORS = 0x1e,
    MSR_DELTA = 0x0f,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
};

struct uart {
    struct device dev;
    struct mem_region mmio;
    struct irq irq;
    char *chardev;
    struct chardev *chr; /* NULL: no line */
    u32 clock_hz;
    u8 ier, fcr, lcr, mcr, lsr, msr, scr;
    u16 divisor;
    bool thre_pending, timeout_pending;
    u8 fifo[UART_FIFO];
    u8 fifo_head, fifo_count;
    struct timer timeout;
    u64 timeout_deadline; /* for snapshots */
};

static const struct option uart_options[] = {
    OPTION_STRING("chardev", struct uart, chardev, NULL, "backend of the line"),
    OPTION_INT("clock-frequency", struct uart, clock_hz, "3686400", 1, 1000000000,
               "input clock in Hz"),
    OPTION_LAST,
};

/* ---- Interrupts ------------------------------------------------------------------------------ */

static unsigned trigger_level(const struct uart *u)
{
    static const u8 levels[] = {1, 4, 8, 14};
    return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

/* Highest of the pending and enabled ones (data sheet table IV). */
static u8 interrupt_id(const struct uart *u)
{
    if (u->ier & IER_LINE && u->lsr & LSR_ERRORS)
        return IIR_LINE;
    if (u->ier & IER_RX && u->fifo_count >= trigger_level(u))
        return IIR_RX;
    if (u->ier & IER_RX && u->timeout_pending)
        return IIR_TIMEOUT;
    if (u->ier & IER_THRE && u->thre_pending)
        return IIR_THRE;
    if (u->ier & IER_MODEM && u->msr & MSR_DELTA)
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct uart *u)
{
    irq_set(u->irq, interrupt_id(u) != IIR_NONE);
}

/* Four character times of ten bits each. */
static void arm_timeout(struct uart *u)
{
    u64 divisor = u->divisor ? u->divisor : 1;
    if (u->fcr & FCR_ENABLE && u->fifo_count)
        timer_set(&u->timeout, clock_now(u->dev.host->clock) +
                                   4 * 10 * 16 * divisor * NS_PER_SECOND / u->clock_hz);
    else
        timer_del(&u->timeout);
}

static void timeout_fired(void *opaque)
{
    struct uart *u = opaque;
    device_lock(&u->dev);
    u->timeout_pending = u->fifo_count > 0;
    update_irq(u);
    device_unlock(&u->dev);
}

/* ---- Data ------------------------------------------------------------------------------------ */

static unsigned fifo_room(const struct uart *u)
{
    unsigned size = u->fcr & FCR_ENABLE ? UART_FIFO : 1;
    return size > u->fifo_count ? size - u->fifo_count : 0;
}

static void receive(struct uart *u, u8 byte)
{
    if (!fifo_room(u)) {
        u->lsr |= LSR_OVERRUN;
    } else {
        u->fifo[(u->fifo_head + u->fifo_count) % UART_FIFO] = byte;
        u->fifo_count++;
    }
    u->lsr |= LSR_READY;
    arm_timeout(u);
    update_irq(u);
}

/* There is room for what the line has. */
static void wake_line(struct uart *u)
{
    if (u->chr)
        chardev_ready(u->chr);
}

static u8 take_byte(struct uart *u)
{
    u8 byte = 0;
    if (u->fifo_count) {
        byte = u->fifo[u->fifo_head];
        u->fifo_head = (u->fifo_head + 1) % UART_FIFO;
        u->fifo_count--;
    }
    if (!u->fifo_count)
        u->lsr &= (u8)~LSR_READY;
    u->timeout_pending = false;
    arm_timeout(u);
    wake_line(u);
    return byte;
}

static void transmit(struct uart *u, u8 byte)
{
    if (u->mcr & MCR_LOOP)
        receive(u, byte);
    else if (u->chr)
        chardev_write(u->chr, &byte, 1);
    u->thre_pending = true;
}

static void clear_fifo(struct uart *u)
{
    u->fifo_head = u->fifo_count = 0;
    u->lsr &= (u8)~LSR_READY;
    u->timeout_pending = false;
    arm_timeout(u);
    wake_line(u);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static u8 modem_status(const struct uart *u)
{
    if (!(u->mcr & MCR_LOOP))
        return u->msr;
    /* Loopback: DTR, RTS, OUT1, OUT2 come back as DSR, CTS, RI, DCD. */
    return (u8)((u->msr & MSR_DELTA) | (u->mcr & MCR_RTS ? MSR_CTS : 0) |
                (u->mcr & MCR_DTR ? MSR_DSR : 0) | (u->mcr & MCR_OUT1 ? MSR_RI : 0) |
                (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static u8 read_iir(struct uart *u)
{
    u8 id = interrupt_id(u);
    if (id == IIR_THRE)
        u->thre_pending = false;
    return id | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static u8 uart_get(struct uart *u, unsigned reg)
{
    u8 v;
    switch (reg) {
    case 0: return u->lcr & LCR_DLAB ? (u8)u->divisor : take_byte(u);
    case 1: return u->lcr & LCR_DLAB ? (u8)(u->divisor >> 8) : u->ier;
    case 2: return read_iir(u);
    case 3: return u->lcr;
    case 4: return u->mcr;
    case 5:
        v = u->lsr;
        u->lsr &= (u8)~LSR_ERRORS;
        return v;
    case 6:
        v = modem_status(u);
        u->msr &= (u8)~MSR_DELTA;
        return v;
    default: return u->scr;
    }
}

static void write_fcr(struct uart *u, u8 v)
{
    if ((v ^ u->fcr) & FCR_ENABLE)
        v |= FCR_CLEAR_RX | FCR_CLEAR_TX;
    if (v & FCR_CLEAR_TX)
        u->thre_pending = true;
    u->fcr = v & (FCR_ENABLE | 0xc0);
    if (v & FCR_CLEAR_RX)
        clear_fifo(u);
}

static void write_ier(struct uart *u, u8 v)
{
    /* Enabling the transmitter's interrupt raises it, as the holding register is empty. */
    if (v & ~u->ier & IER_THRE)
        u->thre_pending = true;
    u->ier = v & 0x0f;
}

static void uart_put(struct uart *u, unsigned reg, u8 v)
{
    switch (reg) {
    case 0:
        if (u->lcr & LCR_DLAB)
            u->divisor = (u16)bits_set(u->divisor, 0, 8, v);
        else
            transmit(u, v);
        break;
    case 1:
        if (u->lcr & LCR_DLAB)
            u->divisor = (u16)bits_set(u->divisor, 8, 8, v);
        else
            write_ier(u, v);
        break;
    case 2: write_fcr(u, v); break;
    case 3: u->lcr = v; break;
    case 4:
        u->mcr = v & 0x1f;
        wake_line(u); /* it was not asked while looped back */
        break;
    case 7: u->scr = v; break;
    default: break; /* LSR and MSR: factory tests only */
    }
}

static u64 uart_read(void *opaque, u64 offset, unsigned size)
{
    struct uart *u = opaque;
    (void)size;
    u8 v = uart_get(u, (unsigned)offset & 7);
    update_irq(u);
    return v;
}

static void uart_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct uart *u = opaque;
    (void)size;
    uart_put(u, (unsigned)offset & 7, (u8)value);
    update_irq(u);
}

static const struct mem_ops uart_ops = {.read = uart_read, .write = uart_write, .max_size = 1};

/* ---- Backend --------------------------------------------------------------------------------- */

static size_t front_room(void *opaque)
{
    struct uart *u = opaque;
    device_lock(&u->dev);
    size_t room = u->mcr & MCR_LOOP ? 0 : fifo_room(u);
    device_unlock(&u->dev);
    return room;
}

static void front_receive(void *opaque, const u8 *data, size_t n)
{
    struct uart *u = opaque;
    device_lock(&u->dev);
    for (size_t i = 0; i < n; i++)
        receive(u, data[i]);
    device_unlock(&u->dev);
}

static void front_event(void *opaque, enum chardev_event event)
{
    struct uart *u = opaque;
    if (event != CHARDEV_BREAK)
        return;
    device_lock(&u->dev);
    u->lsr |= LSR_BREAK;
    receive(u, 0);
    device_unlock(&u->dev);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void uart_reset(struct device *d)
{
    struct uart *u = (struct uart *)d;
    u->ier = u->lcr = u->mcr = u->scr = 0;
    u->fcr = 0;
    u->lsr = LSR_THRE | LSR_TEMT;
    u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    u->divisor = 12;
    u->thre_pending = u->timeout_pending = false;
    u->fifo_head = u->fifo_count = 0;
    timer_del(&u->timeout);
    wake_line(u);
    irq_set(u->irq, 0);
}

static int uart_realize(struct device *d, struct err *err)
{
    struct uart *u = (struct uart *)d;
    mem_io(&u->mmio, d->id, 8, &uart_ops, u, d->host->lock);
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

static void uart_unrealize(struct device *d)
{
    struct uart *u = (struct uart *)d;
    if (u->timeout.loop)
        timer_fini(&u->timeout);
    if (u->chr && d->realized)
        (void)!chardev_attach(u->chr, NULL, NULL);
}

static int uart_pre_save(void *obj, struct err *err)
{
    struct uart *u = obj;
    (void)err;
    u->timeout_deadline = timer_deadline(&u->timeout);
    return 0;
}

static int uart_post_load(void *obj, u32 version, struct err *err)
{
    struct uart *u = obj;
    (void)version;
    (void)err;
    timer_restore(&u->timeout, u->timeout_deadline);
    update_irq(u);
    wake_line(u);
    return 0;
}

static const struct state_table uart_state = {
    .name = "uart16550",
    .version = 1,
    .min_version = 1,
    .pre_save = uart_pre_save,
    .post_load = uart_post_load,
    .fields =
        (const struct state_field[]){
            STATE_U8(struct uart, ier), STATE_U8(struct uart, fcr), STATE_U8(struct uart, lcr),
            STATE_U8(struct uart, mcr), STATE_U8(struct uart, lsr), STATE_U8(struct uart, msr),
            STATE_U8(struct uart, scr), STATE_U16(struct uart, divisor),
            STATE_BOOL(struct uart, thre_pending), STATE_BOOL(struct uart, timeout_pending),
            STATE_U8_ARRAY(struct uart, fifo), STATE_U8_MAX(struct uart, fifo_head, UART_FIFO - 1),
            STATE_U8_MAX(struct uart, fifo_count, UART_FIFO),
            STATE_U64(struct uart, timeout_deadline), STATE_END},
};

static int uart_fdt(struct device *d, void *fdt, int node)
{
    return fdt_setprop_u32(fdt, node, "clock-frequency", ((struct uart *)d)->clock_hz);
}

const struct device_type uart16550 = {
    .name = "serial-mm",
    .help = "16550A serial port",
    .family = "riscv",
    .size = sizeof(struct uart),
    .options = uart_options,
    .state = &uart_state,
    DEVICE_MMIO1(struct uart, mmio),
    DEVICE_IRQ1(struct uart, irq),
    .realize = uart_realize,
    .unrealize = uart_unrealize,
    .reset = uart_reset,
    .fdt = {.node = "serial", DEVICE_COMPATIBLE("ns16550a"), .extra = uart_fdt},
};
