/*
 * arm_gicv3.c - Arm Generic Interrupt Controller, architecture version 3: affinity routing always,
 * one or two Security states, LPIs. arm_gicv3_impl.h names the files.
 *
 *   mmio enum gicv3_mmio
 *   input  n < SPIs            shared peripheral interrupt 32 + n
 *   input  SPIs + 32*cpu + n   private interrupt n (16..31) of the CPU; 25 is wired inside
 *   output 6*cpu + enum gicv3_output
 *
 *   inactive --(input, ISPENDR)--> pending --(IAR)--> active --(EOIR; DIR with EOImode)--> inactive
 *                                     ^----- input again -----'   (active and pending)
 *
 * A level-sensitive interrupt is pending while its wire is high or its latch is set by ISPENDR; an
 * edge-triggered one by its latch. LPIs are never active.
 *
 * Interrupts for any one CPU (IROUTER.Interrupt_Routing_Mode) are spread over those that take part
 * by their number: CPUs that are awake, have enabled the group and do not decline it (DPG).
 *
 * Source: Arm IHI 0069. Locking: its own lock: wires come from any thread that may hold the
 * machine's device lock.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "device/intc/arm_gicv3_impl.h"

static const struct option gic_options[] = {
    OPTION_INT("num-cpu", struct gicv3, cpus, "1", 1, GICV3_CPUS, "redistributors"),
    OPTION_INT("num-irq", struct gicv3, irqs, "288", 64, 1020,
               "interrupts, the 32 private ones included"),
    OPTION_INT("first-region", struct gicv3, first_region, "512", 1, GICV3_CPUS,
               "redistributors in the first of two regions"),
    OPTION_BOOL("has-security-extensions", struct gicv3, security, "off", "two Security states"),
    OPTION_BOOL("has-lpi", struct gicv3, lpis, "off", "message-signalled interrupts (LPIs)"),
    OPTION_LAST,
};

/* ---- What is pending ------------------------------------------------------------------------- */

struct gicv3_word *gicv3_word(struct gicv3_cpu *c, u32 id)
{
    return id < GIC_PRIVATE ? &c->word : &c->gic->word[id / 32];
}

u32 gicv3_pending(const struct gicv3_word *w)
{
    return w->latch | (w->level & ~w->edge);
}

enum gicv3_group gicv3_group(const struct gicv3 *g, const struct gicv3_word *w, unsigned bit)
{
    if (w->group >> bit & 1)
        return GROUP1NS;
    return w->modifier >> bit & 1 && !gicv3_is_single(g) ? GROUP1S : GROUP0;
}

/* Groups whose interrupts a CPU takes: GICD_CTLR and ICC_IGRPENn. */
static u32 groups_of(const struct gicv3_cpu *c)
{
    u32 enabled = (c->enable0 ? BIT(GROUP0) : 0) | (c->enable1[0] ? BIT(GROUP1NS) : 0) |
                  (c->enable1[1] ? BIT(GROUP1S) : 0);
    return c->asleep ? 0 : enabled & c->gic->ctlr;
}

static void consider(struct gicv3_best *best, u32 id, unsigned priority, enum gicv3_group group)
{
    if (priority < best->priority)
        *best = (struct gicv3_best){id, priority, group};
}

static u32 ready(const struct gicv3_word *w)
{
    return gicv3_pending(w) & w->enabled & ~w->active;
}

/* The pending, enabled interrupt of highest priority that goes to this CPU and whose group is on.
 */
struct gicv3_best gicv3_best(struct gicv3_cpu *c)
{
    struct gicv3 *g = c->gic;
    struct gicv3_best best = {GIC_SPURIOUS, GIC_IDLE, GROUP0};
    u32 groups = groups_of(c), index = gicv3_index(c);
    if (!groups)
        return best;
    for (u32 bits = ready(&c->word); bits; bits &= bits - 1) {
        unsigned n = ctz64(bits);
        enum gicv3_group group = gicv3_group(g, &c->word, n);
        if (groups >> group & 1)
            consider(&best, n, c->priority[n], group);
    }
    for (u32 w = 1; w < gicv3_words(g); w++) {
        for (u32 bits = ready(&g->word[w]); bits; bits &= bits - 1) {
            unsigned bit = ctz64(bits);
            enum gicv3_group group = gicv3_group(g, &g->word[w], bit);
            if (g->target[32 * w + bit] == index && groups >> group & 1)
                consider(&best, 32 * w + bit, g->priority[32 * w + bit], group);
        }
    }
    if (c->lpi_best && groups & BIT(GROUP1NS))
        consider(&best, c->lpi_best, gicv3_lpi_priority(g, c->lpi_best), GROUP1NS);
    return best;
}

/* ---- Priorities ------------------------------------------------------------------------------ */

unsigned gicv3_running(const struct gicv3_cpu *c)
{
    u32 active = c->active[GROUP0] | c->active[GROUP1NS] | c->active[GROUP1S];
    return active ? ctz64(active) << (8 - GIC_PRIORITY_BITS) : GIC_IDLE;
}

/* The bits of a priority that decide preemption (4.8.2, "Priority grouping"). Non-secure group 1
 * has one more of them for the same binary point. */
unsigned gicv3_group_priority(const struct gicv3_cpu *c, unsigned priority, enum gicv3_group group)
{
    unsigned point = c->bpr0 + 1u;
    if (group == GROUP1NS && !(c->ctlr[0] & ICC_CBPR))
        point = c->bpr1[0];
    else if (group == GROUP1S && !(c->ctlr[1] & ICC_CBPR))
        point = c->bpr1[1] + 1u;
    return priority & ~((1u << point) - 1) & 0xff;
}

bool gicv3_signals(const struct gicv3_cpu *c, const struct gicv3_best *b)
{
    if (b->id == GIC_SPURIOUS || b->priority >= c->pmr)
        return false;
    unsigned running = gicv3_running(c);
    return running == GIC_IDLE || gicv3_group_priority(c, b->priority, b->group) < running;
}

/* ---- Outputs --------------------------------------------------------------------------------- */

static u8 physical_outputs(struct gicv3_cpu *c)
{
    struct gicv3_best best = gicv3_best(c);
    if (!gicv3_signals(c, &best))
        return 0;
    if (best.group == GROUP0)
        return BIT(GICV3_FIQ);
    if (gicv3_is_single(c->gic))
        return BIT(GICV3_IRQ);
    return best.group == GROUP1S ? BIT(GICV3_GROUP1S) : BIT(GICV3_GROUP1NS);
}

void gicv3_update_cpu(struct gicv3_cpu *c)
{
    gicv3_set_level(&c->word, 1u << GICV3_MAINTENANCE_PPI, gicv3_maintenance(c));
    u8 outputs = physical_outputs(c) | gicv3_virtual_outputs(c);
    const struct irq *irq = &c->gic->irq[GICV3_OUTPUTS * gicv3_index(c)];
    for (u32 changed = outputs ^ c->driven; changed; changed &= changed - 1)
        irq_set(irq[ctz64(changed)], outputs >> ctz64(changed) & 1);
    c->driven = outputs;
}

void gicv3_update(struct gicv3 *g)
{
    for (u32 i = 0; i < g->cpus; i++)
        gicv3_update_cpu(&g->cpu[i]);
}

void gicv3_update_spi(struct gicv3 *g, u32 id)
{
    if (g->target[id] != GIC_NOWHERE)
        gicv3_update_cpu(&g->cpu[g->target[id]]);
}

/* ---- Routing --------------------------------------------------------------------------------- */

static u32 packed_affinity(u64 mpidr)
{
    return (u32)(bits_get(mpidr, 0, 24) | bits_get(mpidr, 32, 8) << 24);
}

struct gicv3_cpu *gicv3_find_cpu(struct gicv3 *g, u32 affinity)
{
    for (u32 i = 0; i < g->cpus; i++) {
        if (g->affinity[i] == affinity)
            return &g->cpu[i];
    }
    return NULL;
}

/* The nth CPU, counting round, of those that take group's interrupts for anyone. */
static u16 nth_participant(const struct gicv3 *g, enum gicv3_group group, u32 n)
{
    u32 count = 0;
    u16 found[GICV3_CPUS];
    for (u32 i = 0; i < g->cpus; i++) {
        u32 declined = g->cpu[i].rctlr >> GICR_CTLR_DPG_SHIFT;
        if ((groups_of(&g->cpu[i]) & ~declined) >> group & 1)
            found[count++] = (u16)i;
    }
    return count ? found[n % count] : GIC_NOWHERE;
}

static u16 find_target(struct gicv3 *g, u32 id)
{
    if (g->route[id] & BIT(31))
        return nth_participant(g, gicv3_group(g, &g->word[id / 32], id % 32), id);
    const struct gicv3_cpu *c = gicv3_find_cpu(g, packed_affinity(g->route[id]));
    return c ? (u16)gicv3_index(c) : GIC_NOWHERE;
}

void gicv3_retarget(struct gicv3 *g)
{
    for (u32 id = GIC_PRIVATE; id < g->irqs; id++)
        g->target[id] = find_target(g, id);
    gicv3_update(g);
}

void gicv3_retarget_spi(struct gicv3 *g, u32 id)
{
    u16 old = g->target[id];
    g->target[id] = find_target(g, id);
    if (old != GIC_NOWHERE)
        gicv3_update_cpu(&g->cpu[old]);
    gicv3_update_spi(g, id);
}

void gicv3_set_affinity(struct device *gic, u32 cpu, u64 mpidr)
{
    struct gicv3 *g = (struct gicv3 *)gic;
    g->affinity[cpu] = packed_affinity(mpidr);
}

/* ---- Wires ----------------------------------------------------------------------------------- */

void gicv3_set_level(struct gicv3_word *w, u32 bit, bool level)
{
    if (level && !(w->level & bit) && w->edge & bit)
        w->latch |= bit;
    w->level = level ? w->level | bit : w->level & ~bit;
}

static void gic_input(void *dev, unsigned n, int level)
{
    struct gicv3 *g = dev;
    unsigned spis = g->irqs - GIC_PRIVATE, cpu = (n - spis) / 32, ppi = (n - spis) % 32;
    pthread_mutex_lock(&g->lock);
    if (n < spis) {
        gicv3_set_level(&g->word[n / 32 + 1], 1u << n % 32, level);
        gicv3_update_spi(g, n + GIC_PRIVATE);
    } else if (cpu < g->cpus && ppi >= GIC_SGIS && ppi != GICV3_MAINTENANCE_PPI) {
        gicv3_set_level(&g->cpu[cpu].word, 1u << ppi, level);
        gicv3_update_cpu(&g->cpu[cpu]);
    }
    pthread_mutex_unlock(&g->lock);
}

/* ---- Registers ------------------------------------------------------------------------------- */

#define PORT(name)                                                                                 \
    static u64 port_##name##_read(void *opaque, u64 offset, unsigned size)                         \
    {                                                                                              \
        struct gicv3_port *p = opaque;                                                             \
        pthread_mutex_lock(&p->gic->lock);                                                         \
        u64 v = gicv3_##name##_read(p->gic, offset, size, p->secure);                              \
        pthread_mutex_unlock(&p->gic->lock);                                                       \
        return v;                                                                                  \
    }                                                                                              \
    static void port_##name##_write(void *opaque, u64 offset, u64 v, unsigned size)                \
    {                                                                                              \
        struct gicv3_port *p = opaque;                                                             \
        pthread_mutex_lock(&p->gic->lock);                                                         \
        gicv3_##name##_write(p->gic, offset, v, size, p->secure);                                  \
        pthread_mutex_unlock(&p->gic->lock);                                                       \
    }                                                                                              \
    static const struct mem_ops name##_ops = {.read = port_##name##_read,                          \
                                              .write = port_##name##_write}
PORT(dist);
PORT(redist);

static void make_ports(struct gicv3 *g)
{
    for (unsigned i = 0; i < ARRAY_SIZE(g->port); i++) {
        struct gicv3_port *p = &g->port[i];
        *p = (struct gicv3_port){g, i};
        mem_io(&g->mmio[2 * i], "gicv3_dist", GICV3_DIST_SIZE, &dist_ops, p, NULL);
        mem_io(&g->mmio[2 * i + 1], "gicv3_redist", g->cpus * GICV3_REDIST_SIZE, &redist_ops, p,
               NULL);
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void reset_cpu(struct gicv3_cpu *c)
{
    c->word = (struct gicv3_word){.edge = 0xffff, .level = c->word.level};
    memset(c->priority, 0, sizeof(c->priority));
    c->nsacr = 0;
    gicv3_redist_reset(c);
    gicv3_icc_reset(c);
}

static void gic_reset(struct device *d)
{
    struct gicv3 *g = (struct gicv3 *)d;
    pthread_mutex_lock(&g->lock);
    g->ctlr = g->security ? 0 : GICD_CTLR_DS;
    for (u32 i = 0; i < g->cpus; i++)
        reset_cpu(&g->cpu[i]);
    for (unsigned i = 1; i < GIC_WORDS; i++)
        g->word[i] = (struct gicv3_word){.level = g->word[i].level};
    memset(g->priority, 0, sizeof(g->priority));
    memset(g->nsacr, 0, sizeof(g->nsacr));
    memset(g->route, 0, sizeof(g->route));
    memset(g->lpi_config, 0, g->lpi_config_size);
    gicv3_retarget(g);
    pthread_mutex_unlock(&g->lock);
}

void gicv3_hand_over(struct device *gic)
{
    struct gicv3 *g = (struct gicv3 *)gic;
    pthread_mutex_lock(&g->lock);
    for (unsigned i = 1; i < gicv3_words(g); i++)
        g->word[i].group = UINT32_MAX;
    for (u32 i = 0; i < g->cpus; i++) {
        g->cpu[i].word.group = UINT32_MAX;
        g->cpu[i].asleep = false;
    }
    gicv3_retarget(g);
    pthread_mutex_unlock(&g->lock);
}

static int gic_realize(struct device *d, struct err *err)
{
    struct gicv3 *g = (struct gicv3 *)d;
    (void)err;
    pthread_mutex_init(&g->lock, NULL);
    g->lpi_config_size = g->lpis ? GIC_LPIS : 0;
    g->lpi_config = alloc_zero(MAX(g->lpi_config_size, 1));
    g->cpu = alloc_zero(g->cpus * sizeof(*g->cpu));
    for (u32 i = 0; i < g->cpus; i++) {
        struct gicv3_cpu *c = &g->cpu[i];
        c->gic = g;
        c->lpi_words = g->lpi_config_size / 64;
        c->lpi = alloc_zero(MAX(c->lpi_words, 1) * sizeof(*c->lpi));
        g->affinity[i] = i; /* until the board says */
    }
    make_ports(g);
    return 0;
}

static void gic_unrealize(struct device *d)
{
    struct gicv3 *g = (struct gicv3 *)d;
    for (u32 i = 0; i < g->cpus && g->cpu; i++)
        free(g->cpu[i].lpi);
    free(g->cpu);
    free(g->lpi_config);
}

static void gic_info(struct device *d, FILE *out)
{
    struct gicv3 *g = (struct gicv3 *)d;
    pthread_mutex_lock(&g->lock);
    fprintf(out, "GICD_CTLR %#x\n", g->ctlr);
    for (u32 i = 0; i < g->cpus; i++) {
        struct gicv3_cpu *c = &g->cpu[i];
        struct gicv3_best best = gicv3_best(c);
        fprintf(out, "cpu %u: %s, mask %#x, running %#x, pending %u, LPIs %s, %u pending\n", i,
                c->asleep ? "asleep" : "awake", c->pmr, MIN(gicv3_running(c), 0xffu), best.id,
                c->rctlr & GICR_CTLR_LPIS ? "on" : "off", c->lpi_count);
    }
    pthread_mutex_unlock(&g->lock);
}

/* ---- State ----------------------------------------------------------------------------------- */

static bool word_is_sound(const struct gicv3_word *w, u32 there)
{
    return !((w->enabled | w->latch | w->level | w->active | w->edge | w->group | w->modifier) &
             ~there);
}

static bool cpu_is_sound(const struct gicv3_cpu *c)
{
    bool bpr = c->bpr0 >= GIC_BPR_MIN && c->bpr1[0] > GIC_BPR_MIN && c->bpr1[1] >= GIC_BPR_MIN &&
               c->bpr0 < 8 && c->bpr1[0] < 8 && c->bpr1[1] < 8;
    bool lpis = c->gic->lpis || !(c->rctlr & GICR_CTLR_LPIS);
    return bpr && lpis && !(c->pmr & ~GIC_PRIORITY_MASK);
}

static int gic_post_load(void *obj, u32 version, struct err *err)
{
    struct gicv3 *g = obj;
    (void)version;
    for (u32 w = 1; w < GIC_WORDS; w++) {
        u32 left = w < gicv3_words(g) ? MIN(g->irqs - 32 * w, 32u) : 0;
        if (!word_is_sound(&g->word[w], (u32)BITS(31, 0) & (u32)(BIT(left) - 1)))
            return err_set(err, EINVAL, "interrupts that this controller of %u has not", g->irqs);
    }
    if (!g->security && !(g->ctlr & GICD_CTLR_DS))
        return err_set(err, EINVAL, "two Security states, of which this controller has one");
    for (u32 i = 0; i < g->cpus; i++) {
        if (!cpu_is_sound(&g->cpu[i]))
            return err_set(err, EINVAL, "CPU interface %u in a state that cannot be", i);
    }
    for (u32 i = 0; i < g->cpus; i++)
        gicv3_lpi_rescan(&g->cpu[i]);
    gicv3_retarget(g);
    for (u32 i = 0; i < g->cpus; i++) {
        g->cpu[i].driven ^= BIT(GICV3_OUTPUTS) - 1; /* all of them anew */
        gicv3_update_cpu(&g->cpu[i]);
    }
    return 0;
}

static const struct state_table gic_word_state = {
    .name = "gicv3-word",
    .version = 1,
    .min_version = 1,
    .fields =
        (const struct state_field[]){
            STATE_U32(struct gicv3_word, enabled), STATE_U32(struct gicv3_word, latch),
            STATE_U32(struct gicv3_word, level), STATE_U32(struct gicv3_word, active),
            STATE_U32(struct gicv3_word, edge), STATE_U32(struct gicv3_word, group),
            STATE_U32(struct gicv3_word, modifier), STATE_END},
};

static const struct state_table gic_cpu_state = {
    .name = "gicv3-cpu",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_STRUCT(struct gicv3_cpu, word, &gic_word_state),
                                           STATE_U8_ARRAY(struct gicv3_cpu, priority),
                                           STATE_U64(struct gicv3_cpu, nsacr),
                                           STATE_U32_MAX(struct gicv3_cpu, rctlr,
                                                         GICR_CTLR_DPG | GICR_CTLR_LPIS),
                                           STATE_BOOL(struct gicv3_cpu, asleep),
                                           STATE_U64(struct gicv3_cpu, propbaser),
                                           STATE_U64(struct gicv3_cpu, pendbaser),
                                           STATE_U64_POINTED(struct gicv3_cpu, lpi, lpi_words),
                                           STATE_U8(struct gicv3_cpu, pmr),
                                           STATE_U8(struct gicv3_cpu, bpr0),
                                           STATE_U8_ARRAY(struct gicv3_cpu, bpr1),
                                           STATE_BOOL(struct gicv3_cpu, enable0),
                                           STATE_BOOL_ARRAY(struct gicv3_cpu, enable1),
                                           STATE_U32_ARRAY(struct gicv3_cpu, ctlr),
                                           STATE_U32(struct gicv3_cpu, ctlr_el3),
                                           STATE_U32_ARRAY(struct gicv3_cpu, active),
                                           STATE_U32(struct gicv3_cpu, hcr),
                                           STATE_U32(struct gicv3_cpu, vmcr),
                                           STATE_U32_ARRAY(struct gicv3_cpu, vactive),
                                           STATE_U64_ARRAY(struct gicv3_cpu, lr),
                                           STATE_END},
};

static const struct state_table gic_state = {
    .name = "arm-gicv3",
    .version = 1,
    .min_version = 1,
    .post_load = gic_post_load,
    .fields =
        (const struct state_field[]){
            STATE_U32_MAX(struct gicv3, ctlr, GICD_CTLR_DS | GICD_CTLR_GROUPS),
            STATE_STRUCT_ARRAY(struct gicv3, word, &gic_word_state),
            STATE_U8_ARRAY(struct gicv3, priority), STATE_U64_ARRAY(struct gicv3, nsacr),
            STATE_U64_ARRAY(struct gicv3, route),
            STATE_STRUCT_POINTED(struct gicv3, cpu, cpus, &gic_cpu_state),
            STATE_BYTES_POINTED(struct gicv3, lpi_config, lpi_config_size), STATE_END},
};

const struct device_type arm_gicv3 = {
    .name = "arm-gicv3",
    .help = "Arm interrupt controller, GICv3",
    .family = "arm",
    .size = sizeof(struct gicv3),
    .options = gic_options,
    .state = &gic_state,
    DEVICE_MMIO(struct gicv3, mmio),
    DEVICE_IRQS(struct gicv3, irq),
    .input_count = 32 * (GIC_WORDS + GICV3_CPUS),
    .input = gic_input,
    .realize = gic_realize,
    .unrealize = gic_unrealize,
    .reset = gic_reset,
    .info = gic_info,
    .fdt = {.node = "intc", DEVICE_COMPATIBLE("arm,gic-v3")},
};
