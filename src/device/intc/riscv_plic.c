/*
 * riscv_plic.c - RISC-V platform-level interrupt controller, SiFive layout.
 *
 *   0x000000 + 4*source              priority (0: never interrupts)
 *   0x001000                         pending bits
 *   0x002000 + 0x80*context          enable bits
 *   0x200000 + 0x1000*context        threshold; +4: claim (read) / complete (write)
 *
 * A source's gateway: level high and not in service -> pending; claim clears pending and marks in
 * service; complete ends service and looks at the level again. A context's output is high while an
 * enabled pending source has a priority above its threshold.
 *
 * Source: RISC-V PLIC specification 1.0.0. Locking: its own lock: wires come from any thread that
 * may hold the machine's device lock.
 */
#include <errno.h>
#include <stdlib.h>

#include "device/device.h"

enum {
    PLIC_SOURCES = 96, /* 0 is no source */
    PLIC_WORDS = PLIC_SOURCES / 32,
    PLIC_CONTEXTS = 128,
    PLIC_SIZE = 0x600000,
    PLIC_PENDING = 0x1000,
    PLIC_ENABLE = 0x2000,
    PLIC_ENABLE_STRIDE = 0x80,
    PLIC_CONTEXT = 0x200000,
    PLIC_CONTEXT_STRIDE = 0x1000,
};

struct plic_context {
    u32 threshold;
    u32 enable[PLIC_WORDS];
};

struct plic {
    struct device dev;
    struct mem_region mmio;
    struct irq irq[PLIC_CONTEXTS];
    pthread_mutex_t lock;
    u32 contexts, priorities;
    u32 priority[PLIC_SOURCES];
    u32 level[PLIC_WORDS], pending[PLIC_WORDS], served[PLIC_WORDS];
    struct plic_context context[PLIC_CONTEXTS];
};

static const struct option plic_options[] = {
    OPTION_INT("contexts", struct plic, contexts, "2", 1, PLIC_CONTEXTS,
               "interrupt outputs: modes of harts"),
    OPTION_INT("num-priorities", struct plic, priorities, "7", 1, 0x7fffffff, "highest priority"),
    OPTION_LAST,
};

/* The enabled pending source with the highest priority above the threshold; of equals the lowest
 * number. 0: none. */
static u32 best_source(const struct plic *p, const struct plic_context *c)
{
    u32 best = 0, best_priority = c->threshold;
    for (u32 w = 0; w < PLIC_WORDS; w++) {
        for (u64 bits = p->pending[w] & c->enable[w]; bits; bits &= bits - 1) {
            u32 n = w * 32 + ctz64(bits);
            if (p->priority[n] > best_priority) {
                best = n;
                best_priority = p->priority[n];
            }
        }
    }
    return best;
}

static void update(struct plic *p)
{
    for (u32 i = 0; i < p->contexts; i++)
        irq_set(p->irq[i], best_source(p, &p->context[i]) != 0);
}

/* The gateways: sources that are high and not in service become pending. */
static void gateways(struct plic *p)
{
    for (u32 w = 0; w < PLIC_WORDS; w++)
        p->pending[w] |= p->level[w] & ~p->served[w];
}

static void plic_input(void *dev, unsigned n, int level)
{
    struct plic *p = dev;
    if (!n || n >= PLIC_SOURCES)
        return;
    pthread_mutex_lock(&p->lock);
    u32 bit = 1u << n % 32, *word = &p->level[n / 32];
    if (!level != !(*word & bit)) {
        *word ^= bit;
        if (level) {
            gateways(p);
            update(p);
        }
    }
    pthread_mutex_unlock(&p->lock);
}

static u32 claim(struct plic *p, struct plic_context *c)
{
    u32 n = best_source(p, c);
    if (n) {
        p->pending[n / 32] &= ~(1u << n % 32);
        p->served[n / 32] |= 1u << n % 32;
        update(p);
    }
    return n;
}

/* Completion of a source that is not enabled for the context is ignored (specification, "Interrupt
 * Completion"). */
static void complete(struct plic *p, const struct plic_context *c, u32 n)
{
    if (n >= PLIC_SOURCES || !(c->enable[n / 32] >> n % 32 & 1))
        return;
    p->served[n / 32] &= ~(1u << n % 32);
    gateways(p);
    update(p);
}

static u32 context_read(struct plic *p, u64 offset)
{
    u64 n = offset / PLIC_CONTEXT_STRIDE, reg = offset % PLIC_CONTEXT_STRIDE;
    if (n >= p->contexts)
        return 0;
    if (reg == 0)
        return p->context[n].threshold;
    return reg == 4 ? claim(p, &p->context[n]) : 0;
}

static u64 plic_get(struct plic *p, u64 offset)
{
    if (offset >= PLIC_CONTEXT)
        return context_read(p, offset - PLIC_CONTEXT);
    if (offset >= PLIC_ENABLE) {
        u64 n = (offset - PLIC_ENABLE) / PLIC_ENABLE_STRIDE, w = offset % PLIC_ENABLE_STRIDE / 4;
        return n < p->contexts && w < PLIC_WORDS ? p->context[n].enable[w] : 0;
    }
    if (offset >= PLIC_PENDING)
        return offset - PLIC_PENDING < 4 * PLIC_WORDS ? p->pending[(offset - PLIC_PENDING) / 4] : 0;
    return offset < 4 * PLIC_SOURCES ? p->priority[offset / 4] : 0;
}

static void context_write(struct plic *p, u64 offset, u32 v)
{
    u64 n = offset / PLIC_CONTEXT_STRIDE, reg = offset % PLIC_CONTEXT_STRIDE;
    if (n >= p->contexts)
        return;
    if (reg == 0) {
        p->context[n].threshold = MIN(v, p->priorities);
        update(p);
    } else if (reg == 4) {
        complete(p, &p->context[n], v);
    }
}

static void plic_put(struct plic *p, u64 offset, u32 v)
{
    if (offset >= PLIC_CONTEXT) {
        context_write(p, offset - PLIC_CONTEXT, v);
        return;
    }
    if (offset >= PLIC_ENABLE) {
        u64 n = (offset - PLIC_ENABLE) / PLIC_ENABLE_STRIDE, w = offset % PLIC_ENABLE_STRIDE / 4;
        if (n < p->contexts && w < PLIC_WORDS)
            p->context[n].enable[w] = w ? v : v & ~1u;
    } else if (offset < 4 * PLIC_SOURCES && offset) {
        /* Priorities are WARL: as many low bits as the highest needs when that is 2^n-1, else
         * clamped. */
        p->priority[offset / 4] =
            is_pow2((u64)p->priorities + 1) ? v & p->priorities : MIN(v, p->priorities);
    } else {
        device_guest_error(&p->dev, "write of 0x%x at 0x%llx", v, (unsigned long long)offset);
    }
    update(p);
}

static u64 plic_read(void *opaque, u64 offset, unsigned size)
{
    struct plic *p = opaque;
    (void)size;
    pthread_mutex_lock(&p->lock);
    u64 v = plic_get(p, offset);
    pthread_mutex_unlock(&p->lock);
    return v;
}

static void plic_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct plic *p = opaque;
    (void)size;
    pthread_mutex_lock(&p->lock);
    plic_put(p, offset, (u32)value);
    pthread_mutex_unlock(&p->lock);
}

static const struct mem_ops plic_ops = {
    .read = plic_read, .write = plic_write, .min_size = 4, .max_size = 4};

static void plic_reset(struct device *d)
{
    struct plic *p = (struct plic *)d;
    pthread_mutex_lock(&p->lock);
    memset(p->priority, 0, sizeof(p->priority));
    memset(p->pending, 0, sizeof(p->pending));
    memset(p->served, 0, sizeof(p->served));
    memset(p->context, 0, sizeof(p->context));
    update(p);
    pthread_mutex_unlock(&p->lock);
}

static int plic_realize(struct device *d, struct err *err)
{
    struct plic *p = (struct plic *)d;
    (void)err;
    pthread_mutex_init(&p->lock, NULL);
    mem_io(&p->mmio, d->id, PLIC_SIZE, &plic_ops, p, NULL);
    return 0;
}

static int plic_post_load(void *obj, u32 version, struct err *err)
{
    (void)version;
    (void)err;
    update(obj);
    return 0;
}

static const struct state_table plic_context_state = {
    .name = "plic-context",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_U32(struct plic_context, threshold),
                                           STATE_U32_ARRAY(struct plic_context, enable), STATE_END},
};

static const struct state_table plic_state = {
    .name = "sifive-plic",
    .version = 1,
    .min_version = 1,
    .post_load = plic_post_load,
    .fields =
        (const struct state_field[]){
            STATE_U32_ARRAY(struct plic, priority), STATE_U32_ARRAY(struct plic, level),
            STATE_U32_ARRAY(struct plic, pending), STATE_U32_ARRAY(struct plic, served),
            STATE_STRUCT_ARRAY(struct plic, context, &plic_context_state), STATE_END},
};

const struct device_type riscv_plic = {
    .name = "riscv.sifive.plic",
    .help = "RISC-V platform-level interrupt controller",
    .family = "riscv",
    .size = sizeof(struct plic),
    .options = plic_options,
    .state = &plic_state,
    DEVICE_MMIO1(struct plic, mmio),
    DEVICE_IRQS(struct plic, irq),
    .input_count = PLIC_SOURCES,
    .input = plic_input,
    .realize = plic_realize,
    .reset = plic_reset,
    .fdt = {.node = "interrupt-controller", DEVICE_COMPATIBLE("sifive,plic-1.0.0\0riscv,plic0")},
};
