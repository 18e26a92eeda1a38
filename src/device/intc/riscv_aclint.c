/*
 * riscv_aclint.c - RISC-V advanced core-local interruptor: software interrupts and machine timers;
 * the SiFive CLINT is a software interrupt device and a timer device side by side.
 *
 *   MSWI  + 4*hart: bit 0 is the hart's machine software interrupt
 *   SSWI  + 4*hart: writing bit 0 raises the hart's supervisor software interrupt once; reads 0
 *   MTIMER + 8*hart: mtimecmp; + 0x7ff8: mtime (10 MHz, from the virtual clock)
 *
 * Sources: RISC-V ACLINT specification 1.0-rc4; SiFive E31 manual, chapter "CLINT". Locking: each
 * its own lock or none: harts kick each other and set timers often.
 */
#include <errno.h>

#include "device/device.h"
#include "loop/clock.h"
#include "loop/timer.h"

enum {
    ACLINT_HARTS = 64,
    ACLINT_SWI_SIZE = 0x4000,
    ACLINT_TIMER_SIZE = 0x8000,
    ACLINT_MTIME = 0x7ff8
};

/* ---- Software interrupts --------------------------------------------------------------------- */

struct aclint_swi {
    struct device dev;
    struct mem_region mmio;
    struct irq irq[ACLINT_HARTS];
    u32 harts;
    u32 supervisor;
    u8 level[ACLINT_HARTS]; /* MSWI; written by any hart, each a byte: no lock needed */
};

static const struct option swi_options[] = {
    OPTION_INT("num-harts", struct aclint_swi, harts, "1", 1, ACLINT_HARTS, "harts"),
    OPTION_INT("sswi", struct aclint_swi, supervisor, "0", 0, 1,
               "1: supervisor software interrupts"),
    OPTION_LAST,
};

static u64 swi_read(void *opaque, u64 offset, unsigned size)
{
    struct aclint_swi *s = opaque;
    u64 hart = offset / 4;
    (void)size;
    return hart < s->harts && !s->supervisor ? s->level[hart] : 0;
}

static void swi_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct aclint_swi *s = opaque;
    u64 hart = offset / 4;
    (void)size;
    if (hart >= s->harts)
        return;
    if (s->supervisor) {
        /* An edge: the pending bit it sets is the hart's own to clear. */
        if (value & 1) {
            irq_set(s->irq[hart], 1);
            irq_set(s->irq[hart], 0);
        }
        return;
    }
    s->level[hart] = value & 1;
    irq_set(s->irq[hart], value & 1);
}

static const struct mem_ops swi_ops = {
    .read = swi_read, .write = swi_write, .min_size = 4, .max_size = 4};

static void swi_reset(struct device *d)
{
    struct aclint_swi *s = (struct aclint_swi *)d;
    for (u32 i = 0; i < s->harts; i++) {
        s->level[i] = 0;
        if (!s->supervisor)
            irq_set(s->irq[i], 0);
    }
}

static int swi_realize(struct device *d, struct err *err)
{
    struct aclint_swi *s = (struct aclint_swi *)d;
    (void)err;
    mem_io(&s->mmio, d->id, ACLINT_SWI_SIZE, &swi_ops, s, NULL);
    return 0;
}

static int swi_post_load(void *obj, u32 version, struct err *err)
{
    struct aclint_swi *s = obj;
    (void)version;
    (void)err;
    for (u32 i = 0; i < s->harts && !s->supervisor; i++)
        irq_set(s->irq[i], s->level[i] & 1);
    return 0;
}

static const struct state_table swi_state = {
    .name = "aclint-swi",
    .version = 1,
    .min_version = 1,
    .post_load = swi_post_load,
    .fields = (const struct state_field[]){STATE_U8_ARRAY(struct aclint_swi, level), STATE_END},
};

const struct device_type riscv_aclint_swi = {
    .name = "riscv.aclint.swi",
    .help = "RISC-V ACLINT software interrupts",
    .family = "riscv",
    .size = sizeof(struct aclint_swi),
    .options = swi_options,
    .state = &swi_state,
    DEVICE_MMIO1(struct aclint_swi, mmio),
    DEVICE_IRQS(struct aclint_swi, irq),
    .realize = swi_realize,
    .reset = swi_reset,
};

/* ---- Timers ---------------------------------------------------------------------------------- */

struct aclint_timer;
struct aclint_hart {
    struct aclint_timer *owner;
    u32 index;
    struct timer timer;
};

struct aclint_timer {
    struct device dev;
    struct mem_region mmio;
    struct irq irq[ACLINT_HARTS];
    pthread_mutex_t lock;
    u32 harts, frequency;
    u64 offset; /* mtime = clock in ticks + offset: software may write mtime */
    u64 compare[ACLINT_HARTS];
    struct aclint_hart hart[ACLINT_HARTS];
};

static const struct option timer_options[] = {
    OPTION_INT("num-harts", struct aclint_timer, harts, "1", 1, ACLINT_HARTS, "harts"),
    OPTION_INT("timebase-freq", struct aclint_timer, frequency, "10000000", 1, 1000000000,
               "ticks of mtime in a second"),
    OPTION_LAST,
};

static u64 clock_ticks(const struct aclint_timer *t)
{
    return (u64)((u128)clock_now(t->dev.host->clock) * t->frequency / NS_PER_SECOND);
}

/* mtime, for the harts' time register too. Any thread. */
u64 riscv_aclint_time(void *opaque);
u64 riscv_aclint_time(void *opaque)
{
    struct aclint_timer *t = opaque;
    return clock_ticks(t) + __atomic_load_n(&t->offset, __ATOMIC_RELAXED);
}

/* Lock held: level and timer of a hart follow its compare. */
static void hart_update(struct aclint_timer *t, u32 n)
{
    u64 now = riscv_aclint_time(t);
    bool due = now >= t->compare[n];
    irq_set(t->irq[n], due);
    u128 ns =
        due ? 0 : ((u128)(t->compare[n] - now) * NS_PER_SECOND + t->frequency - 1) / t->frequency;
    u128 deadline = (u128)clock_now(t->dev.host->clock) + ns;
    if (due || deadline > INT64_MAX)
        timer_del(&t->hart[n].timer);
    else
        timer_set(&t->hart[n].timer, (u64)deadline);
}

static void hart_fired(void *opaque)
{
    struct aclint_hart *h = opaque;
    pthread_mutex_lock(&h->owner->lock);
    hart_update(h->owner, h->index);
    pthread_mutex_unlock(&h->owner->lock);
}

static u64 mtimer_read(void *opaque, u64 offset, unsigned size)
{
    struct aclint_timer *t = opaque;
    u64 v = 0;
    pthread_mutex_lock(&t->lock);
    if ((offset & ~UINT64_C(7)) == ACLINT_MTIME)
        v = riscv_aclint_time(t);
    else if (offset / 8 < t->harts)
        v = t->compare[offset / 8];
    pthread_mutex_unlock(&t->lock);
    return size == 8 ? v : bits_get(v, (offset & 4) * 8, 32);
}

static u64 merge(u64 old, u64 offset, u64 value, unsigned size)
{
    return size == 8 ? value : bits_set(old, (offset & 4) * 8, 32, value);
}

static void mtimer_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct aclint_timer *t = opaque;
    u64 n = offset / 8;
    pthread_mutex_lock(&t->lock);
    if ((offset & ~UINT64_C(7)) == ACLINT_MTIME) {
        u64 time = merge(riscv_aclint_time(t), offset, value, size);
        __atomic_store_n(&t->offset, time - clock_ticks(t), __ATOMIC_RELAXED);
        for (u32 i = 0; i < t->harts; i++)
            hart_update(t, i);
    } else if (n < t->harts) {
        t->compare[n] = merge(t->compare[n], offset, value, size);
        hart_update(t, (u32)n);
    }
    pthread_mutex_unlock(&t->lock);
}

static const struct mem_ops mtimer_ops = {
    .read = mtimer_read, .write = mtimer_write, .min_size = 4, .max_size = 8};

static void mtimer_reset(struct device *d)
{
    struct aclint_timer *t = (struct aclint_timer *)d;
    pthread_mutex_lock(&t->lock);
    t->offset = 0 - clock_ticks(t); /* mtime restarts at 0 */
    for (u32 i = 0; i < t->harts; i++) {
        t->compare[i] = UINT64_MAX;
        hart_update(t, i);
    }
    pthread_mutex_unlock(&t->lock);
}

static int mtimer_realize(struct device *d, struct err *err)
{
    struct aclint_timer *t = (struct aclint_timer *)d;
    (void)err;
    pthread_mutex_init(&t->lock, NULL);
    for (u32 i = 0; i < t->harts; i++) {
        t->hart[i].owner = t;
        t->hart[i].index = i;
        timer_init(&t->hart[i].timer, d->host->loop, d->host->clock, hart_fired, &t->hart[i]);
    }
    mem_io(&t->mmio, d->id, ACLINT_TIMER_SIZE, &mtimer_ops, t, NULL);
    return 0;
}

static void mtimer_unrealize(struct device *d)
{
    struct aclint_timer *t = (struct aclint_timer *)d;
    for (u32 i = 0; i < ACLINT_HARTS && t->hart[i].owner; i++)
        timer_fini(&t->hart[i].timer);
}

static int mtimer_post_load(void *obj, u32 version, struct err *err)
{
    struct aclint_timer *t = obj;
    (void)version;
    (void)err;
    for (u32 i = 0; i < t->harts; i++)
        hart_update(t, i);
    return 0;
}

static const struct state_table mtimer_state = {
    .name = "aclint-mtimer",
    .version = 1,
    .min_version = 1,
    .post_load = mtimer_post_load,
    .fields =
        (const struct state_field[]){STATE_U64(struct aclint_timer, offset),
                                     STATE_U64_ARRAY(struct aclint_timer, compare), STATE_END},
};

const struct device_type riscv_aclint_mtimer = {
    .name = "riscv.aclint.mtimer",
    .help = "RISC-V ACLINT machine timers",
    .family = "riscv",
    .size = sizeof(struct aclint_timer),
    .options = timer_options,
    .state = &mtimer_state,
    DEVICE_MMIO1(struct aclint_timer, mmio),
    DEVICE_IRQS(struct aclint_timer, irq),
    .realize = mtimer_realize,
    .unrealize = mtimer_unrealize,
    .reset = mtimer_reset,
};
