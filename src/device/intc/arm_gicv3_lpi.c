/*
 * arm_gicv3_lpi.c - LPIs at the redistributors: message-signalled interrupts from 8192, whose
 * configuration and pending bits are in tables in guest memory ("6.1 LPIs").
 *
 * Both are held here, as the architecture allows, while a redistributor has LPIs enabled: pending
 * bits are read when they are enabled and written back when they are disabled; configuration is
 * read then, and again when software says that it changed (INV, INVALL). So a table that the guest
 * writes meanwhile has no effect, and nothing of it is believed without a look: an LPI is a number
 * below those that PROPBASER makes room for.
 *
 * Of those pending, the one to signal next (lpi_best) is kept.
 */
#include "device/intc/arm_gicv3_impl.h"

enum { CHUNK = 4096, CONFIG_ENABLE = 1, PTZ_BIT = 62 };

/* How many there are, by PROPBASER.IDbits. */
static u32 lpi_limit(const struct gicv3_cpu *c)
{
    unsigned bits = (unsigned)bits_get(c->propbaser, 0, 5) + 1;
    u32 ids = 1u << MIN(bits, (unsigned)GIC_ID_BITS);
    return ids > GIC_LPI ? ids - GIC_LPI : 0;
}

static bool is_lpi(const struct gicv3_cpu *c, u32 id)
{
    return c->rctlr & GICR_CTLR_LPIS && id >= GIC_LPI && id - GIC_LPI < lpi_limit(c);
}

/* ---- Which is next --------------------------------------------------------------------------- */

/* The Secure state sees them in the lower half of priorities. */
unsigned gicv3_lpi_priority(const struct gicv3 *g, u32 id)
{
    unsigned v = g->lpi_config[id - GIC_LPI] & 0xfc;
    return (gicv3_is_single(g) ? v : 0x80 | v >> 1) & GIC_PRIORITY_MASK;
}

static bool is_enabled(const struct gicv3 *g, u32 id)
{
    return g->lpi_config[id - GIC_LPI] & CONFIG_ENABLE;
}

static void offer(struct gicv3_cpu *c, u32 id)
{
    const struct gicv3 *g = c->gic;
    if (!is_enabled(g, id))
        return;
    if (!c->lpi_best || gicv3_lpi_priority(g, id) < gicv3_lpi_priority(g, c->lpi_best))
        c->lpi_best = id;
}

void gicv3_lpi_rescan(struct gicv3_cpu *c)
{
    c->lpi_best = 0;
    c->lpi_count = 0;
    for (u32 w = 0; w < c->lpi_words; w++) {
        for (u64 bits = c->lpi[w]; bits; bits &= bits - 1) {
            c->lpi_count++;
            offer(c, GIC_LPI + 64 * w + ctz64(bits));
        }
    }
}

void gicv3_lpi_set_pending(struct gicv3_cpu *c, u32 id, bool on)
{
    u32 n = id - GIC_LPI;
    u64 *word = &c->lpi[n / 64], bit = BIT(n % 64);
    if (!(*word & bit) == !on)
        return;
    *word ^= bit;
    c->lpi_count += on ? 1 : UINT32_MAX;
    if (on)
        offer(c, id);
    else if (c->lpi_best == id && c->lpi_count)
        gicv3_lpi_rescan(c);
    else if (c->lpi_best == id)
        c->lpi_best = 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static struct mem_space *memory(const struct gicv3_cpu *c)
{
    return c->gic->dev.host->dma;
}

static void bad_table(const struct gicv3_cpu *c, const char *what, u64 at)
{
    device_guest_error(&c->gic->dev, "redistributor %u: no memory for its %s table at 0x%llx",
                       gicv3_index(c), what, (unsigned long long)at);
}

/* Interrupts whose configuration cannot be read are disabled. */
static void load_config(const struct gicv3_cpu *c)
{
    u64 base = c->propbaser & BITS(51, 12);
    u32 count = lpi_limit(c);
    memset(c->gic->lpi_config, 0, c->gic->lpi_config_size);
    for (u32 at = 0; at < count; at += CHUNK) {
        u8 *to = c->gic->lpi_config + at;
        if (dma_read(memory(c), base + at, to, MIN(count - at, (u32)CHUNK)) != MEM_OK) {
            memset(to, 0, MIN(count - at, (u32)CHUNK));
            bad_table(c, "configuration", base + at);
        }
    }
}

/* A bit for each interrupt from 0; those that are not LPIs have their place. */
static u64 pending_table(const struct gicv3_cpu *c)
{
    return (c->pendbaser & BITS(51, 16)) + GIC_LPI / 8;
}

static void load_pending(struct gicv3_cpu *c)
{
    u32 words = lpi_limit(c) / 64;
    memset(c->lpi, 0, c->lpi_words * sizeof(*c->lpi));
    if (c->pendbaser >> PTZ_BIT & 1)
        return;
    for (u32 w = 0; w < words; w++) {
        u64 at = pending_table(c) + 8 * w;
        if (dma_load(memory(c), at, 8, &c->lpi[w]) != MEM_OK) {
            c->lpi[w] = 0;
            bad_table(c, "pending", at);
            return;
        }
    }
}

static void save_pending(struct gicv3_cpu *c)
{
    u32 words = lpi_limit(c) / 64;
    for (u32 w = 0; w < words; w++) {
        u64 at = pending_table(c) + 8 * w;
        if (dma_store(memory(c), at, 8, c->lpi[w]) != MEM_OK) {
            bad_table(c, "pending", at);
            break;
        }
    }
    memset(c->lpi, 0, c->lpi_words * sizeof(*c->lpi));
}

void gicv3_lpi_enable(struct gicv3_cpu *c, bool on)
{
    if (on) {
        load_config(c);
        load_pending(c);
        c->rctlr |= GICR_CTLR_LPIS;
    } else {
        save_pending(c);
        c->rctlr &= ~(u32)GICR_CTLR_LPIS;
    }
    for (u32 i = 0; i < c->gic->cpus; i++)
        gicv3_lpi_rescan(&c->gic->cpu[i]);
}

/* ---- For the ITS ----------------------------------------------------------------------------- */

u32 gicv3_cpu_count(struct gicv3 *g)
{
    return g->cpus;
}

void gicv3_lpi_signal(struct gicv3 *g, u32 cpu, u32 id, bool pending)
{
    pthread_mutex_lock(&g->lock);
    struct gicv3_cpu *c = &g->cpu[cpu];
    if (is_lpi(c, id)) {
        gicv3_lpi_set_pending(c, id, pending);
        gicv3_update_cpu(c);
    }
    pthread_mutex_unlock(&g->lock);
}

static bool is_pending(const struct gicv3_cpu *c, u32 id)
{
    return c->lpi[(id - GIC_LPI) / 64] >> (id - GIC_LPI) % 64 & 1;
}

void gicv3_lpi_move(struct gicv3 *g, u32 from, u32 to, u32 id)
{
    pthread_mutex_lock(&g->lock);
    struct gicv3_cpu *a = &g->cpu[from], *b = &g->cpu[to];
    if (a != b && is_lpi(a, id) && is_pending(a, id)) {
        gicv3_lpi_set_pending(a, id, false);
        if (is_lpi(b, id))
            gicv3_lpi_set_pending(b, id, true);
        gicv3_update_cpu(a);
        gicv3_update_cpu(b);
    }
    pthread_mutex_unlock(&g->lock);
}

void gicv3_lpi_move_all(struct gicv3 *g, u32 from, u32 to)
{
    pthread_mutex_lock(&g->lock);
    struct gicv3_cpu *a = &g->cpu[from], *b = &g->cpu[to];
    bool both = a->rctlr & b->rctlr & GICR_CTLR_LPIS;
    for (u32 w = 0; a != b && both && w < lpi_limit(a) / 64; w++) {
        b->lpi[w] |= w < lpi_limit(b) / 64 ? a->lpi[w] : 0;
        a->lpi[w] = 0;
    }
    if (a != b && both) {
        gicv3_lpi_rescan(a);
        gicv3_lpi_rescan(b);
        gicv3_update_cpu(a);
        gicv3_update_cpu(b);
    }
    pthread_mutex_unlock(&g->lock);
}

void gicv3_lpi_reload(struct gicv3 *g, u32 cpu, u32 id)
{
    pthread_mutex_lock(&g->lock);
    struct gicv3_cpu *c = &g->cpu[cpu];
    u64 at = (c->propbaser & BITS(51, 12)) + id - GIC_LPI, v = 0;
    if (is_lpi(c, id)) {
        if (dma_load(memory(c), at, 1, &v) != MEM_OK)
            bad_table(c, "configuration", at);
        g->lpi_config[id - GIC_LPI] = (u8)v;
        gicv3_lpi_rescan(c);
        gicv3_update_cpu(c);
    }
    pthread_mutex_unlock(&g->lock);
}

void gicv3_lpi_reload_all(struct gicv3 *g, u32 cpu)
{
    pthread_mutex_lock(&g->lock);
    if (g->cpu[cpu].rctlr & GICR_CTLR_LPIS) {
        load_config(&g->cpu[cpu]);
        for (u32 i = 0; i < g->cpus; i++)
            gicv3_lpi_rescan(&g->cpu[i]);
        gicv3_update(g);
    }
    pthread_mutex_unlock(&g->lock);
}
