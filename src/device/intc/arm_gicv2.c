/*
 * arm_gicv2.c - Arm Generic Interrupt Controller, architecture version 2: which interrupt is next,
 * wires, life. The distributor is arm_gicv2_dist.c, CPU interfaces are arm_gicv2_face.c, the
 * virtual ones arm_gicv2_virt.c.
 *
 *   mmio    gicv2_number(enum gicv2_mmio, cpu): registers as that CPU sees them (words of
 *           interrupts 0..31 are banked)
 *   input   n < SPIs            shared peripheral interrupt 32 + n
 *   input   SPIs + 32*cpu + n   private interrupt n (16..31) of the CPU
 *   output  gicv2_number(enum gicv2_output, cpu)
 *
 *   inactive --(input, ISPENDR)--> pending --(IAR)--> active --(EOIR; DIR with EOImode)--> inactive
 *                                     ^----- input again -----'   (active and pending)
 *
 * A level-sensitive interrupt is pending while its wire is high or its latch is set by ISPENDR; an
 * edge-triggered one by its latch. An SGI is pending once for each CPU that sent it.
 *
 * Interrupts have groups. With the Security Extensions group 0 is the Secure state's; Non-secure
 * accesses see group 1 alone, whose priorities are the lower half.
 *
 * Source: Arm IHI 0048B. Locking: its own lock: wires come from any thread that may hold the
 * machine's device lock.
 */
#include <errno.h>

#include "device/intc/arm_gicv2_impl.h"

static const struct option gic_options[] = {
    OPTION_INT("num-cpu", struct gic, cpus, "1", 1, GICV2_CPUS, "CPU interfaces"),
    OPTION_INT("num-irq", struct gic, irqs, "288", 64, 1020,
               "interrupts, the 32 private ones included"),
    OPTION_BOOL("has-security-extensions", struct gic, security, "off", "two Security states"),
    OPTION_BOOL("has-virtualization-extensions", struct gic, virtualization, "off",
                "virtual CPU interfaces with list registers"),
    OPTION_LAST,
};

/* ---- What is pending --------------------------------------------------------------------------
 */

u32 gicv2_implemented(const struct gic *g, unsigned w)
{
    if (w * 32 >= g->irqs)
        return 0;
    unsigned left = g->irqs - w * 32;
    return left >= 32 ? UINT32_MAX : (1u << left) - 1;
}

static u32 sgis_pending(const struct gic_bank *b)
{
    u32 bits = 0;
    for (unsigned i = 0; i < GIC_SGIS; i++)
        bits |= b->sgi_from[i] ? 1u << i : 0;
    return bits;
}

u32 gicv2_pending(struct gic_bank *b, unsigned w)
{
    const struct gic_word *s = gicv2_word(b, w);
    return s->latch | (s->level & ~s->edge) | (w ? 0 : sgis_pending(b));
}

unsigned gicv2_best(struct gic_bank *b, unsigned *priority)
{
    struct gic *g = b->gic;
    unsigned found = GIC_SPURIOUS;
    *priority = GIC_IDLE;
    for (unsigned w = 0; w < align_up(g->irqs, 32) / 32; w++) {
        const struct gic_word *s = gicv2_word(b, w);
        u32 groups = (g->ctlr & 1 ? ~s->group : 0) | (g->ctlr & 2 ? s->group : 0);
        for (u32 bits = gicv2_pending(b, w) & s->enabled & ~s->active & groups; bits;
             bits &= bits - 1) {
            unsigned n = w * 32 + ctz64(bits);
            bool here = n < GIC_PRIVATE || g->cpus == 1 || g->target[n] >> gicv2_cpu_of(b) & 1;
            if (here && *gicv2_priority(b, n) < *priority) {
                *priority = *gicv2_priority(b, n);
                found = n;
            }
        }
    }
    return found;
}

/* ---- Priorities -------------------------------------------------------------------------------
 */

u32 *gicv2_active(struct gic_bank *b, unsigned group)
{
    return group && b->gic->security ? b->nsapr : b->apr;
}

unsigned gicv2_running(const struct gic_bank *b)
{
    for (unsigned i = 0; i < GIC_APRS; i++) {
        u32 bits = b->apr[i] | b->nsapr[i];
        if (bits)
            return (i * 32 + ctz64(bits)) << 1;
    }
    return GIC_IDLE;
}

/* "Priority grouping": group 1's own binary point is one step up. */
unsigned gicv2_group_priority(unsigned priority, bool own, unsigned bpr, unsigned abpr)
{
    unsigned point = !own ? bpr : abpr ? abpr - 1u : 0;
    return priority & ~((2u << point) - 1) & 0xff;
}

static bool group_enabled(const struct gic_bank *b, unsigned group)
{
    return b->ctlr & (group ? CTLR_GRP1 : CTLR_GRP0);
}

bool gicv2_signals(struct gic_bank *b, unsigned n, unsigned priority)
{
    if (n == GIC_SPURIOUS || !group_enabled(b, gicv2_group(b, n)) || priority >= b->pmr)
        return false;
    unsigned running = gicv2_running(b);
    bool own = gicv2_group(b, n) && !(b->ctlr & CTLR_CBPR);
    return running == GIC_IDLE || gicv2_group_priority(priority, own, b->bpr, b->abpr) < running;
}

void gicv2_set_level(struct gic_word *s, u32 bit, int level)
{
    if (level && !(s->level & bit) && s->edge & bit)
        s->latch |= bit;
    s->level = level ? s->level | bit : s->level & ~bit;
}

static void drive(struct gic_bank *b, enum gicv2_output output, bool level)
{
    irq_set(b->gic->irq[gicv2_number(output, gicv2_cpu_of(b))], level);
}

static void update_virtual(struct gic_bank *b)
{
    u8 outputs = gicv2_virtual_outputs(b);
    drive(b, GICV2_VIRQ, outputs & BIT(GICV2_VIRQ));
    drive(b, GICV2_VFIQ, outputs & BIT(GICV2_VFIQ));
    gicv2_set_level(&b->word, 1u << GICV2_MAINTENANCE_PPI, gicv2_maintenance(b) != 0);
}

void gicv2_update_cpu(struct gic_bank *b)
{
    unsigned priority;
    if (b->gic->virtualization)
        update_virtual(b);
    unsigned n = gicv2_best(b, &priority);
    bool on = gicv2_signals(b, n, priority);
    bool fiq = on && !gicv2_group(b, n) && b->ctlr & CTLR_FIQ;
    drive(b, GICV2_IRQ, on && !fiq);
    drive(b, GICV2_FIQ, fiq);
}

void gicv2_update(struct gic *g)
{
    for (unsigned i = 0; i < g->cpus; i++)
        gicv2_update_cpu(&g->bank[i]);
}

/* ---- Wires ------------------------------------------------------------------------------------
 */

static void gic_input(void *dev, unsigned n, int level)
{
    struct gic *g = dev;
    unsigned spis = g->irqs - GIC_PRIVATE;
    pthread_mutex_lock(&g->lock);
    if (n < spis) {
        gicv2_set_level(&g->word[(n + GIC_PRIVATE) / 32], 1u << n % 32, level);
        gicv2_update(g);
    } else if ((n - spis) / 32 < g->cpus && (n - spis) % 32 >= GIC_SGIS) {
        struct gic_bank *b = &g->bank[(n - spis) / 32];
        gicv2_set_level(&b->word, 1u << (n - spis) % 32, level);
        gicv2_update_cpu(b);
    }
    pthread_mutex_unlock(&g->lock);
}

/* ---- Life -------------------------------------------------------------------------------------
 */

static void reset_bank(struct gic_bank *b)
{
    u32 level = b->word.level;
    b->word = (struct gic_word){.enabled = 0xffff, .edge = 0xffff, .level = level};
    memset(b->priority, 0, sizeof(b->priority));
    memset(b->sgi_from, 0, sizeof(b->sgi_from));
    b->nsacr = 0;
    memset(b->apr, 0, sizeof(b->apr));
    memset(b->nsapr, 0, sizeof(b->nsapr));
    b->ctlr = 0;
    b->pmr = 0;
    b->bpr = 0;
    b->abpr = 1;
    gicv2_virtual_reset(b);
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
    memset(g->nsacr, 0, sizeof(g->nsacr));
    gicv2_update(g);
    pthread_mutex_unlock(&g->lock);
}

/* Priorities: the highest that the Non-secure state can set. */
void gicv2_hand_over(struct device *gic)
{
    struct gic *g = (struct gic *)gic;
    pthread_mutex_lock(&g->lock);
    for (unsigned w = 1; w < GIC_WORDS; w++)
        g->word[w].group = gicv2_implemented(g, w);
    memset(g->priority, 0x80, sizeof(g->priority));
    for (unsigned i = 0; i < g->cpus; i++) {
        struct gic_bank *b = &g->bank[i];
        b->word.group = UINT32_MAX;
        memset(b->priority, 0x80, sizeof(b->priority));
        b->pmr = 0x80;
    }
    gicv2_update(g);
    pthread_mutex_unlock(&g->lock);
}

static void make_region(struct gic_bank *b, enum gicv2_mmio kind, const char *name, u64 size,
                        const struct mem_ops *ops, void *opaque)
{
    struct mem_region *r = &b->gic->mmio[gicv2_number(kind, gicv2_cpu_of(b))];
    mem_io(r, name, size, ops, opaque, NULL);
}

static int gic_realize(struct device *d, struct err *err)
{
    struct gic *g = (struct gic *)d;
    (void)err;
    pthread_mutex_init(&g->lock, NULL);
    for (unsigned i = 0; i < GICV2_CPUS; i++) {
        struct gic_bank *b = &g->bank[i];
        struct gic_view *other = &b->view[0], *secure = &b->view[1];
        b->gic = g;
        *other = (struct gic_view){b, g->security};
        *secure = (struct gic_view){b, false};
        make_region(b, GICV2_DIST, "gic_dist", 0x1000, &gicv2_dist_ops, other);
        make_region(b, GICV2_FACE, "gic_cpu", 0x2000, &gicv2_face_ops, other);
        make_region(b, GICV2_SECURE_DIST, "gic_dist_secure", 0x1000, &gicv2_dist_ops, secure);
        make_region(b, GICV2_SECURE_FACE, "gic_cpu_secure", 0x2000, &gicv2_face_ops, secure);
        make_region(b, GICV2_CONTROL, "gic_viface", 0x1000, &gicv2_control_ops, b);
        make_region(b, GICV2_VIRTUAL_FACE, "gic_vcpu", 0x2000, &gicv2_virtual_face_ops, b);
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
            ~gicv2_implemented(g, w))
            return err_set(err, EINVAL, "interrupts that this controller of %u has not", g->irqs);
    }
    for (unsigned i = 0; i < GICV2_CPUS; i++) {
        const struct gic_bank *b = &g->bank[i];
        u32 mask = CTLR_MASK | (g->security ? CTLR_EOIMODE_NS : 0);
        if (b->ctlr & ~mask || ~b->word.enabled & 0xffff * (i < g->cpus) || b->hcr & ~GICH_HCR_MASK)
            return err_set(err, EINVAL, "CPU interface %u in a state that cannot be", i);
    }
    gicv2_update(g);
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

static bool bank_has_security(const void *obj)
{
    return ((const struct gic_bank *)obj)->gic->security;
}

static bool bank_has_virtualization(const void *obj)
{
    return ((const struct gic_bank *)obj)->gic->virtualization;
}

static bool has_security(const void *obj)
{
    return ((const struct gic *)obj)->security;
}

static const struct state_table gic_bank_security = {
    .name = "gicv2-bank-security",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_U32(struct gic_bank, nsacr),
                                           STATE_U32_ARRAY(struct gic_bank, nsapr), STATE_END},
};

static const struct state_table gic_bank_virtual = {
    .name = "gicv2-bank-virtual",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_U32(struct gic_bank, hcr),
                                           STATE_U32(struct gic_bank, vmcr),
                                           STATE_U32(struct gic_bank, vapr),
                                           STATE_U32_ARRAY(struct gic_bank, lr), STATE_END},
};

static const struct state_table gic_security = {
    .name = "gicv2-security",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_U32_ARRAY(struct gic, nsacr), STATE_END},
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
            STATE_U32_ARRAY(struct gic_bank, apr),
            STATE_SUBSECTION(&gic_bank_security, bank_has_security),
            STATE_SUBSECTION(&gic_bank_virtual, bank_has_virtualization), STATE_END},
};

static const struct state_table gic_state = {
    .name = "arm-gicv2",
    .version = 1,
    .min_version = 1,
    .post_load = gic_post_load,
    .fields =
        (const struct state_field[]){STATE_U32_MAX(struct gic, ctlr, 3),
                                     STATE_STRUCT_ARRAY(struct gic, bank, &gic_bank_state),
                                     STATE_STRUCT_ARRAY(struct gic, word, &gic_word_state),
                                     STATE_U8_ARRAY(struct gic, priority),
                                     STATE_U8_ARRAY(struct gic, target),
                                     STATE_SUBSECTION(&gic_security, has_security), STATE_END},
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
    .input_count = 32 * (GIC_WORDS + GICV2_CPUS),
    .input = gic_input,
    .realize = gic_realize,
    .reset = gic_reset,
    .fdt = {.node = "intc", DEVICE_COMPATIBLE("arm,cortex-a15-gic")},
};
