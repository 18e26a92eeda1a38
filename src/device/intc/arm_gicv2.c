/*
 * arm_gicv2.c - Arm Generic Interrupt Controller, architecture version 2, without the Security and
 * Virtualization Extensions: distributor and CPU interfaces, with interrupt grouping.
 *
 *   mmio 2*cpu      distributor as that CPU sees it (words of interrupts 0..31 are banked)
 *   mmio 2*cpu + 1  its CPU interface (8 KiB: GICC_DIR is at 0x1000)
 *   input  n < SPIs            shared peripheral interrupt 32 + n
 *   input  SPIs + 32*cpu + n   private interrupt n (16..31) of the CPU
 *   output 2*cpu, 2*cpu + 1    IRQ and FIQ of the CPU
 *
 *   inactive --(input, ISPENDR)--> pending --(IAR)--> active --(EOIR; DIR with EOImode)--> inactive
 *                                     ^----- input again -----'   (active and pending)
 *
 * A level-sensitive interrupt is pending while its wire is high or its latch is set by ISPENDR; an
 * edge-triggered one by its latch. An SGI is pending once for each CPU that sent it.
 *
 * Source: Arm IHI 0048B. Locking: its own lock: wires come from any thread that may hold the
 * machine's device lock.
 */
#include <errno.h>

#include "device/device.h"

enum {
    GIC_CPUS = 8,
    GIC_WORDS = 32, /* of 32 interrupts: 1020 at most */
    GIC_SGIS = 16,
    GIC_PRIVATE = 32,
    GIC_SPURIOUS = 1023,
    GIC_OTHER_GROUP = 1022,
    GICD_SIZE = 0x1000,
    GICC_SIZE = 0x2000,
    GICD_IIDR = 0x0200043b, /* implementer: Arm */
    GICC_IIDR = 0x0202043b,
    IDLE_PRIORITY = 0x100,
    APRS = 4, /* 128 preemption levels: priority bits 7..1 */
};

/* GICC_CTLR. */
enum {
    CTLR_GRP0 = 1,
    CTLR_GRP1 = 2,
    CTLR_ACK = 4,
    CTLR_FIQ = 8,
    CTLR_CBPR = 16,
    CTLR_EOIMODE = 1 << 9,
    CTLR_MASK = 0x21f
};

/* State of 32 interrupts, a bit each. */
struct gic_word {
    u32 enabled, latch, level, active, edge, group;
};

struct gic_bank {
    struct gic *gic;
    struct gic_word word; /* interrupts 0..31 */
    u8 priority[GIC_PRIVATE];
    u8 sgi_from[GIC_SGIS]; /* CPUs whose SGI is pending here */
    /* CPU interface. */
    u32 ctlr;
    u8 pmr, bpr, abpr;
    u32 apr[APRS];
};

struct gic {
    struct device dev;
    u32 cpus, irqs;
    struct mem_region mmio[2 * GIC_CPUS];
    struct irq irq[2 * GIC_CPUS];
    pthread_mutex_t lock;
    u32 ctlr;
    struct gic_bank bank[GIC_CPUS];
    struct gic_word word[GIC_WORDS]; /* [0] is not used */
    u8 priority[32 * GIC_WORDS], target[32 * GIC_WORDS];
};

static const struct option gic_options[] = {
    OPTION_INT("num-cpu", struct gic, cpus, "1", 1, GIC_CPUS, "CPU interfaces"),
    OPTION_INT("num-irq", struct gic, irqs, "288", 64, 1020,
               "interrupts, the 32 private ones included"),
    OPTION_LAST,
};

/* ---- What is pending --------------------------------------------------------------------------
 */

static unsigned cpu_of(const struct gic_bank *b)
{
    return (unsigned)(b - b->gic->bank);
}

static struct gic_word *word_of(struct gic_bank *b, unsigned w)
{
    return w ? &b->gic->word[w] : &b->word;
}

static u8 *priority_of(struct gic_bank *b, unsigned n)
{
    return n < GIC_PRIVATE ? &b->priority[n] : &b->gic->priority[n];
}

static u8 target_of(const struct gic_bank *b, unsigned n)
{
    if (b->gic->cpus == 1)
        return n < GIC_PRIVATE ? 0
                               : 1; /* ITARGETSR reads as zero, everything goes to the one CPU */
    return n < GIC_PRIVATE ? (u8)(1u << cpu_of(b)) : b->gic->target[n];
}

static u32 sgis_pending(const struct gic_bank *b)
{
    u32 bits = 0;
    for (unsigned i = 0; i < GIC_SGIS; i++)
        bits |= b->sgi_from[i] ? 1u << i : 0;
    return bits;
}

static u32 pending_bits(struct gic_bank *b, unsigned w)
{
    const struct gic_word *s = word_of(b, w);
    return s->latch | (s->level & ~s->edge) | (w ? 0 : sgis_pending(b));
}

/* The pending, enabled interrupt of highest priority that goes to this CPU and whose group is on;
 * GIC_SPURIOUS: none. */
static unsigned best(struct gic_bank *b, unsigned *priority)
{
    struct gic *g = b->gic;
    unsigned found = GIC_SPURIOUS;
    *priority = IDLE_PRIORITY;
    for (unsigned w = 0; w < align_up(g->irqs, 32) / 32; w++) {
        const struct gic_word *s = word_of(b, w);
        u32 groups = (g->ctlr & 1 ? ~s->group : 0) | (g->ctlr & 2 ? s->group : 0);
        for (u32 bits = pending_bits(b, w) & s->enabled & ~s->active & groups; bits;
             bits &= bits - 1) {
            unsigned n = w * 32 + ctz64(bits);
            bool here = n < GIC_PRIVATE || g->cpus == 1 || g->target[n] >> cpu_of(b) & 1;
            if (here && *priority_of(b, n) < *priority) {
                *priority = *priority_of(b, n);
                found = n;
            }
        }
    }
    return found;
}

static unsigned group_of(struct gic_bank *b, unsigned n)
{
    return word_of(b, n / 32)->group >> n % 32 & 1;
}

/* ---- Priorities -------------------------------------------------------------------------------
 */

static unsigned running_priority(const struct gic_bank *b)
{
    for (unsigned i = 0; i < APRS; i++) {
        if (b->apr[i])
            return (i * 32 + ctz64(b->apr[i])) << 1;
    }
    return IDLE_PRIORITY;
}

/* The bits of a priority that decide preemption ("Priority grouping"). Group 1 without CBPR has its
 * own, one step up. */
static unsigned group_priority(const struct gic_bank *b, unsigned priority, unsigned group)
{
    bool own = group && !(b->ctlr & CTLR_CBPR);
    unsigned bpr = own ? (b->abpr ? b->abpr - 1u : 0) : b->bpr;
    return priority & ~((2u << bpr) - 1) & 0xff;
}

static bool group_enabled(const struct gic_bank *b, unsigned group)
{
    return b->ctlr & (group ? CTLR_GRP1 : CTLR_GRP0);
}

/* Would interrupt n be signalled now? */
static bool signals(struct gic_bank *b, unsigned n, unsigned priority)
{
    if (n == GIC_SPURIOUS || !group_enabled(b, group_of(b, n)) || priority >= b->pmr)
        return false;
    unsigned running = running_priority(b);
    return running == IDLE_PRIORITY || group_priority(b, priority, group_of(b, n)) < running;
}

static void update_cpu(struct gic_bank *b)
{
    unsigned priority, n = best(b, &priority);
    bool on = signals(b, n, priority);
    bool fiq = on && !group_of(b, n) && b->ctlr & CTLR_FIQ;
    irq_set(b->gic->irq[2 * cpu_of(b)], on && !fiq);
    irq_set(b->gic->irq[2 * cpu_of(b) + 1], fiq);
}

static void update(struct gic *g)
{
    for (unsigned i = 0; i < g->cpus; i++)
        update_cpu(&g->bank[i]);
}

/* ---- Wires ------------------------------------------------------------------------------------
 */

static void set_level(struct gic_word *s, u32 bit, int level)
{
    if (level && !(s->level & bit) && s->edge & bit)
        s->latch |= bit;
    s->level = level ? s->level | bit : s->level & ~bit;
}

static void gic_input(void *dev, unsigned n, int level)
{
    struct gic *g = dev;
    unsigned spis = g->irqs - GIC_PRIVATE;
    pthread_mutex_lock(&g->lock);
    if (n < spis) {
        set_level(&g->word[(n + GIC_PRIVATE) / 32], 1u << n % 32, level);
        update(g);
    } else if ((n - spis) / 32 < g->cpus && (n - spis) % 32 >= GIC_SGIS) {
        struct gic_bank *b = &g->bank[(n - spis) / 32];
        set_level(&b->word, 1u << (n - spis) % 32, level);
        update_cpu(b);
    }
    pthread_mutex_unlock(&g->lock);
}

/* ---- CPU interface ----------------------------------------------------------------------------
 */

static u32 acknowledge(struct gic_bank *b, unsigned group_asked)
{
    unsigned priority, n = best(b, &priority);
    if (!signals(b, n, priority))
        return GIC_SPURIOUS;
    unsigned group = group_of(b, n);
    if (group != group_asked && !(group_asked == 0 && b->ctlr & CTLR_ACK))
        return group_asked ? GIC_SPURIOUS : GIC_OTHER_GROUP;
    struct gic_word *s = word_of(b, n / 32);
    unsigned level = group_priority(b, priority, group) >> 1;
    u32 source = 0;
    if (n < GIC_SGIS && b->sgi_from[n]) {
        source = ctz64(b->sgi_from[n]);
        b->sgi_from[n] &= (u8) ~(1u << source);
    } else {
        s->latch &= ~(1u << n % 32);
    }
    s->active |= 1u << n % 32;
    b->apr[level / 32] |= 1u << level % 32;
    update(b->gic);
    return source << 10 | n;
}

static void deactivate(struct gic_bank *b, unsigned n)
{
    if (n < b->gic->irqs)
        word_of(b, n / 32)->active &= ~(1u << n % 32);
}

/* Priority drop, of the highest active priority; and deactivation unless that is DIR's. */
static void end_of_interrupt(struct gic_bank *b, u32 v)
{
    unsigned n = v & 0x3ff;
    if (n >= b->gic->irqs)
        return;
    for (unsigned i = 0; i < APRS; i++) {
        if (b->apr[i]) {
            b->apr[i] &= b->apr[i] - 1;
            break;
        }
    }
    if (!(b->ctlr & CTLR_EOIMODE))
        deactivate(b, n);
    update(b->gic);
}

static u32 highest_pending(struct gic_bank *b, unsigned group_asked)
{
    unsigned priority, n = best(b, &priority);
    if (n == GIC_SPURIOUS)
        return n;
    if (group_of(b, n) != group_asked && !(group_asked == 0 && b->ctlr & CTLR_ACK))
        return group_asked ? GIC_SPURIOUS : GIC_OTHER_GROUP;
    return n < GIC_SGIS && b->sgi_from[n] ? ctz64(b->sgi_from[n]) << 10 | n : n;
}

static u32 gicc_get(struct gic_bank *b, u64 offset)
{
    switch (offset) {
    case 0x00: return b->ctlr;
    case 0x04: return b->pmr;
    case 0x08: return b->bpr;
    case 0x0c: return acknowledge(b, 0);
    case 0x14: return MIN(running_priority(b), 0xffu);
    case 0x18: return highest_pending(b, 0);
    case 0x1c: return b->abpr;
    case 0x20: return acknowledge(b, 1);
    case 0x28: return highest_pending(b, 1);
    case 0xd0:
    case 0xd4:
    case 0xd8:
    case 0xdc: return b->apr[(offset - 0xd0) / 4];
    case 0xfc: return GICC_IIDR;
    default:
        device_guest_error(&b->gic->dev, "CPU interface: read at 0x%llx",
                           (unsigned long long)offset);
        return 0;
    }
}

static void gicc_put(struct gic_bank *b, u64 offset, u32 v)
{
    switch (offset) {
    case 0x00: b->ctlr = v & CTLR_MASK; break;
    case 0x04: b->pmr = (u8)v; break;
    case 0x08: b->bpr = v & 7; break;
    case 0x10:
    case 0x24: end_of_interrupt(b, v); return;
    case 0x1c: b->abpr = MAX(v & 7, 1u); break;
    case 0xd0:
    case 0xd4:
    case 0xd8:
    case 0xdc: b->apr[(offset - 0xd0) / 4] = v; break;
    case 0x1000:
        if (b->ctlr & CTLR_EOIMODE)
            deactivate(b, v & 0x3ff);
        break;
    default:
        device_guest_error(&b->gic->dev, "CPU interface: write at 0x%llx",
                           (unsigned long long)offset);
    }
    update(b->gic);
}

/* ---- Distributor ------------------------------------------------------------------------------
 */

/* Interrupts of a word that exist; ISENABLER and ICENABLER do not touch the SGIs, which are always
 * on. */
static u32 implemented(const struct gic *g, unsigned w)
{
    if (w * 32 >= g->irqs)
        return 0;
    unsigned left = g->irqs - w * 32;
    return left >= 32 ? UINT32_MAX : (1u << left) - 1;
}

static u32 bits_get32(struct gic_bank *b, unsigned kind, unsigned w)
{
    const struct gic_word *s = word_of(b, w);
    switch (kind) {
    case 0x080: return s->group;
    case 0x100:
    case 0x180: return s->enabled;
    case 0x200:
    case 0x280: return pending_bits(b, w);
    default: return s->active;
    }
}

static void bits_put32(struct gic_bank *b, unsigned kind, unsigned w, u32 v)
{
    struct gic_word *s = word_of(b, w);
    v &= implemented(b->gic, w);
    u32 sgis = w ? 0 : (1u << GIC_SGIS) - 1;
    switch (kind) {
    case 0x080: s->group = v; break;
    case 0x100: s->enabled |= v; break;
    case 0x180: s->enabled &= ~(v & ~sgis); break;
    case 0x200: s->latch |= v & ~sgis; break;
    case 0x280: s->latch &= ~(v & ~sgis); break;
    case 0x300: s->active |= v; break;
    default: s->active &= ~v; break;
    }
}

/* ICFGR: two bits each, the higher says edge-triggered; SGIs are edges, PPIs are wired as levels
 * here. */
static u32 config_get(struct gic_bank *b, unsigned reg)
{
    const struct gic_word *s = word_of(b, reg / 2);
    u32 v = 0, edges = s->edge >> (reg & 1 ? 16 : 0);
    for (unsigned i = 0; i < 16; i++)
        v |= (edges >> i & 1) << (2 * i + 1);
    return v;
}

static void config_put(struct gic_bank *b, unsigned reg, u32 v)
{
    struct gic_word *s = word_of(b, reg / 2);
    u32 edges = 0, shift = reg & 1 ? 16 : 0;
    if (reg < 2)
        return;
    for (unsigned i = 0; i < 16; i++)
        edges |= (v >> (2 * i + 1) & 1) << i;
    edges = edges << shift & implemented(b->gic, reg / 2);
    s->edge = (s->edge & ~(UINT32_C(0xffff) << shift)) | edges;
}

/* GICD_SGIR: to the list, to all others, or to the writer. */
static void send_sgi(struct gic_bank *b, u32 v)
{
    struct gic *g = b->gic;
    u32 self = 1u << cpu_of(b), list = v >> 16 & 0xff;
    switch (v >> 24 & 3) {
    case 1: list = ~self; break;
    case 2: list = self; break;
    case 3: return;
    }
    for (unsigned i = 0; i < g->cpus; i++) {
        if (list >> i & 1)
            g->bank[i].sgi_from[v & 15] |= (u8)self;
    }
}

static u8 byte_get(struct gic_bank *b, u64 offset)
{
    struct gic *g = b->gic;
    unsigned n = offset & 0x3ff;
    if (offset >= 0xf10)
        return offset < 0xf30 ? b->sgi_from[offset & 15] : 0;
    if (n >= g->irqs)
        return 0;
    return offset < 0x800 ? *priority_of(b, n) : target_of(b, n);
}

static void byte_put(struct gic_bank *b, u64 offset, u8 v)
{
    struct gic *g = b->gic;
    unsigned n = offset & 0x3ff;
    if (offset >= 0xf20 && offset < 0xf30)
        b->sgi_from[offset & 15] |= v & (u8)((1u << g->cpus) - 1);
    else if (offset >= 0xf10)
        b->sgi_from[offset & 15] &= (u8)~v;
    else if (n < g->irqs && offset < 0x800)
        *priority_of(b, n) = v;
    else if (n < g->irqs && n >= GIC_PRIVATE)
        g->target[n] = v & (u8)((1u << g->cpus) - 1);
}

/* Registers with a byte an interrupt: byte accesses are allowed. */
static bool is_bytes(u64 offset)
{
    return (offset >= 0x400 && offset < 0xc00) || (offset >= 0xf10 && offset < 0xf30);
}

static u32 gicd_get(struct gic_bank *b, u64 offset)
{
    struct gic *g = b->gic;
    switch (offset) {
    case 0x000: return g->ctlr;
    case 0x004: return (u32)(align_up(g->irqs, 32) / 32 - 1) | (g->cpus - 1) << 5;
    case 0x008: return GICD_IIDR;
    case 0xfe8: return 0x2b; /* ICPIDR2: GICv2 */
    }
    if (offset >= 0x080 && offset < 0x400)
        return bits_get32(b, offset & ~0x7fu, offset % 0x80 / 4);
    if (offset >= 0xc00 && offset < 0xd00)
        return config_get(b, (unsigned)(offset - 0xc00) / 4);
    return 0;
}

static void gicd_put(struct gic_bank *b, u64 offset, u32 v)
{
    struct gic *g = b->gic;
    if (offset == 0)
        g->ctlr = v & 3;
    else if (offset >= 0x080 && offset < 0x400)
        bits_put32(b, offset & ~0x7fu, offset % 0x80 / 4, v);
    else if (offset >= 0xc00 && offset < 0xd00)
        config_put(b, (unsigned)(offset - 0xc00) / 4, v);
    else if (offset == 0xf00)
        send_sgi(b, v);
    else
        device_guest_error(&g->dev, "distributor: write of 0x%x at 0x%llx", v,
                           (unsigned long long)offset);
    update(g);
}

/* ---- Registers --------------------------------------------------------------------------------
 */

static u64 gicd_read(void *opaque, u64 offset, unsigned size)
{
    struct gic_bank *b = opaque;
    u64 v = 0;
    pthread_mutex_lock(&b->gic->lock);
    if (is_bytes(offset)) {
        for (unsigned i = 0; i < size; i++)
            v |= (u64)byte_get(b, offset + i) << (8 * i);
    } else if (size == 4) {
        v = gicd_get(b, offset);
    } else {
        v = gicd_get(b, offset & ~UINT64_C(3)) >> (8 * (offset & 3));
    }
    pthread_mutex_unlock(&b->gic->lock);
    return v;
}

static void gicd_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct gic_bank *b = opaque;
    pthread_mutex_lock(&b->gic->lock);
    if (is_bytes(offset)) {
        for (unsigned i = 0; i < size; i++)
            byte_put(b, offset + i, (u8)(value >> (8 * i)));
        update(b->gic);
    } else if (size == 4) {
        gicd_put(b, offset, (u32)value);
    } else {
        device_guest_error(&b->gic->dev, "distributor: write of %u bytes at 0x%llx", size,
                           (unsigned long long)offset);
    }
    pthread_mutex_unlock(&b->gic->lock);
}

static u64 gicc_read(void *opaque, u64 offset, unsigned size)
{
    struct gic_bank *b = opaque;
    (void)size;
    pthread_mutex_lock(&b->gic->lock);
    u64 v = gicc_get(b, offset);
    pthread_mutex_unlock(&b->gic->lock);
    return v;
}

static void gicc_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct gic_bank *b = opaque;
    (void)size;
    pthread_mutex_lock(&b->gic->lock);
    gicc_put(b, offset, (u32)value);
    pthread_mutex_unlock(&b->gic->lock);
}

static const struct mem_ops gicd_ops = {
    .read = gicd_read, .write = gicd_write, .min_size = 1, .max_size = 4};
static const struct mem_ops gicc_ops = {
    .read = gicc_read, .write = gicc_write, .min_size = 4, .max_size = 4};

/* ---- Life -------------------------------------------------------------------------------------
 */

static void reset_bank(struct gic_bank *b)
{
    u32 level = b->word.level;
    b->word = (struct gic_word){.enabled = 0xffff, .edge = 0xffff, .level = level};
    memset(b->priority, 0, sizeof(b->priority));
    memset(b->sgi_from, 0, sizeof(b->sgi_from));
    memset(b->apr, 0, sizeof(b->apr));
    b->ctlr = 0;
    b->pmr = 0;
    b->bpr = 0;
    b->abpr = 1;
}

static void gic_reset(struct device *d)
{
    struct gic *g = (struct gic *)d;
    pthread_mutex_lock(&g->lock);
    g->ctlr = 0;
    for (unsigned i = 0; i < g->cpus; i++)
        reset_bank(&g->bank[i]);
    for (unsigned i = 1; i < GIC_WORDS; i++)
        g->word[i] = (struct gic_word){.level = g->word[i].level};
    memset(g->priority, 0, sizeof(g->priority));
    memset(g->target, 0, sizeof(g->target));
    update(g);
    pthread_mutex_unlock(&g->lock);
}

static int gic_realize(struct device *d, struct err *err)
{
    struct gic *g = (struct gic *)d;
    (void)err;
    pthread_mutex_init(&g->lock, NULL);
    for (unsigned i = 0; i < GIC_CPUS; i++) {
        g->bank[i].gic = g;
        mem_io(&g->mmio[2 * i], "gic_dist", GICD_SIZE, &gicd_ops, &g->bank[i], NULL);
        mem_io(&g->mmio[2 * i + 1], "gic_cpu", GICC_SIZE, &gicc_ops, &g->bank[i], NULL);
    }
    return 0;
}

static int gic_post_load(void *obj, u32 version, struct err *err)
{
    struct gic *g = obj;
    (void)version;
    for (unsigned w = 1; w < GIC_WORDS; w++) {
        const struct gic_word *s = &g->word[w];
        if ((s->enabled | s->latch | s->active | s->level | s->edge | s->group) &
            ~implemented(g, w))
            return err_set(err, EINVAL, "interrupts that this controller of %u has not", g->irqs);
    }
    for (unsigned i = 0; i < GIC_CPUS; i++) {
        if (g->bank[i].ctlr & ~(u32)CTLR_MASK || ~g->bank[i].word.enabled & 0xffff * (i < g->cpus))
            return err_set(err, EINVAL, "CPU interface %u in a state that cannot be", i);
    }
    update(g);
    return 0;
}

static const struct state_table gic_word_state = {
    .name = "gicv2-word",
    .version = 1,
    .min_version = 1,
    .fields =
        (const struct state_field[]){
            STATE_U32(struct gic_word, enabled), STATE_U32(struct gic_word, latch),
            STATE_U32(struct gic_word, level), STATE_U32(struct gic_word, active),
            STATE_U32(struct gic_word, edge), STATE_U32(struct gic_word, group), STATE_END},
};

static const struct state_table gic_bank_state = {
    .name = "gicv2-bank",
    .version = 1,
    .min_version = 1,
    .fields =
        (const struct state_field[]){
            STATE_STRUCT(struct gic_bank, word, &gic_word_state),
            STATE_U8_ARRAY(struct gic_bank, priority), STATE_U8_ARRAY(struct gic_bank, sgi_from),
            STATE_U32(struct gic_bank, ctlr), STATE_U8(struct gic_bank, pmr),
            STATE_U8_MAX(struct gic_bank, bpr, 7), STATE_U8_MAX(struct gic_bank, abpr, 7),
            STATE_U32_ARRAY(struct gic_bank, apr), STATE_END},
};

static const struct state_table gic_state = {
    .name = "arm-gicv2",
    .version = 1,
    .min_version = 1,
    .post_load = gic_post_load,
    .fields = (const struct state_field[]){STATE_U32_MAX(struct gic, ctlr, 3),
                                           STATE_STRUCT_ARRAY(struct gic, bank, &gic_bank_state),
                                           STATE_STRUCT_ARRAY(struct gic, word, &gic_word_state),
                                           STATE_U8_ARRAY(struct gic, priority),
                                           STATE_U8_ARRAY(struct gic, target), STATE_END},
};

const struct device_type arm_gicv2 = {
    .name = "arm_gic",
    .help = "Arm interrupt controller, GICv2",
    .family = "arm",
    .size = sizeof(struct gic),
    .options = gic_options,
    .state = &gic_state,
    DEVICE_MMIO(struct gic, mmio),
    DEVICE_IRQS(struct gic, irq),
    .input_count = 32 * (GIC_WORDS + GIC_CPUS),
    .input = gic_input,
    .realize = gic_realize,
    .reset = gic_reset,
    .fdt = {.node = "intc", DEVICE_COMPATIBLE("arm,cortex-a15-gic")},
};
