/*
 * arm_gicv3_icc.c - GICv3 CPU interfaces: ICC_*, and the way to all system registers of the GIC.
 *
 * System register access is always on (ICC_SRE_ELx read as ones); there is no memory-mapped
 * interface. What SCR_EL3 traps has been trapped by the CPU; what ICH_HCR_EL2 and HCR_EL2 trap is
 * found here. Registers that are banked by Security state take SCR_EL3.NS's at EL3.
 *
 * Source: Arm IHI 0069, 4.8 (priorities), 12.2 (registers). Locking: takes gic->lock around an
 * access; a CPU's interface is otherwise touched by nobody but reset and snapshots.
 */
#include "device/intc/arm_gicv3_impl.h"

enum {
    CTLR_PRIBITS = (GIC_PRIORITY_BITS - 1) << 8, /* IDbits: 0, 16 bits */
    CTLR_A3V = 1 << 15,
    CTLR_NO_DS = 1 << 17,
    CTLR_RSS = 1 << 18,
    SECURE_ID = 1020, /* at EL3: a Secure one, a Non-secure one */
    NONSECURE_ID = 1021,
};
/* ICH_HCR_EL2: what it traps of EL1's accesses. */
enum { HCR_TC = 1 << 10, HCR_TALL0 = 1 << 11, HCR_TALL1 = 1 << 12, HCR_TDIR = 1 << 14 };

static unsigned bank_of(const struct gicv3_access *at)
{
    return at->secure;
}

/* The Non-secure state with group 0 out of its reach sees priorities shifted. */
static bool is_shifted(const struct gicv3_access *at)
{
    return at->el < 3 && !at->secure && at->fiq_to_el3;
}

static u64 shift_priority(unsigned priority)
{
    return priority < 0x80 ? 0 : priority << 1 & 0xff;
}

/* ---- Priorities ------------------------------------------------------------------------------ */

static u64 pmr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return is_shifted(at) ? shift_priority(c->pmr) : c->pmr;
}

static void pmr_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    if (is_shifted(at) && c->pmr < 0x80)
        return;
    v = is_shifted(at) ? 0x80 | (v & 0xff) >> 1 : v;
    c->pmr = (u8)(v & GIC_PRIORITY_MASK);
    gicv3_update_cpu(c);
}

static u64 rpr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    unsigned running = gicv3_running(c);
    if (running == GIC_IDLE)
        return 0xff;
    return is_shifted(at) ? shift_priority(running) : running;
}

static u64 bpr0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->bpr0;
}

static void bpr0_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->bpr0 = (u8)MAX(v & 7, GIC_BPR_MIN);
    gicv3_update_cpu(c);
}

/* With CBPR it is group 0's; below EL3 then read-only, in the Non-secure state by its own count. */
static u64 bpr1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    unsigned bank = bank_of(at);
    if (!(c->ctlr[bank] & ICC_CBPR) || at->el == 3)
        return c->bpr1[bank];
    return bank ? c->bpr0 : MIN(c->bpr0 + 1u, 7u);
}

static void bpr1_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    unsigned bank = bank_of(at), least = bank ? GIC_BPR_MIN : GIC_BPR_MIN + 1;
    bool common = c->ctlr[bank] & ICC_CBPR && at->el < 3;
    if (common && !bank)
        return;
    if (common)
        bpr0_set(c, at, v);
    else
        c->bpr1[bank] = (u8)MAX(v & 7, least);
    gicv3_update_cpu(c);
}

static enum gicv3_group group1_of(const struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return bank_of(at) && !gicv3_is_single(c->gic) ? GROUP1S : GROUP1NS;
}

static u64 ap0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->active[GROUP0];
}

static void ap0_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->active[GROUP0] = (u32)v;
    gicv3_update_cpu(c);
}

static u64 ap1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return c->active[group1_of(c, at)];
}

static void ap1_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    c->active[group1_of(c, at)] = (u32)v;
    gicv3_update_cpu(c);
}

/* ---- Acknowledge ----------------------------------------------------------------------------- */

/* What a register of one group says of the interrupt that is next: its number, a special one at
 * EL3 that asked for that (RM), or none. */
static u32 visible_id(const struct gicv3_cpu *c, const struct gicv3_access *at,
                      const struct gicv3_best *b, bool group1)
{
    bool matches = group1 ? b->group == group1_of(c, at) : b->group == GROUP0;
    if (matches || b->id == GIC_SPURIOUS)
        return b->id;
    if (at->el < 3 || !(c->ctlr_el3 & ICC_EL3_RM))
        return GIC_SPURIOUS;
    return b->group == GROUP1NS ? NONSECURE_ID : SECURE_ID;
}

static void activate(struct gicv3_cpu *c, const struct gicv3_best *b)
{
    unsigned level = gicv3_group_priority(c, b->priority, b->group) >> (8 - GIC_PRIORITY_BITS);
    c->active[b->group] |= 1u << level;
    if (b->id >= GIC_LPI) {
        gicv3_lpi_set_pending(c, b->id, false);
    } else {
        struct gicv3_word *w = gicv3_word(c, b->id);
        w->latch &= ~(1u << b->id % 32);
        w->active |= 1u << b->id % 32;
    }
    gicv3_update_cpu(c);
}

static u64 acknowledge(struct gicv3_cpu *c, const struct gicv3_access *at, bool group1)
{
    struct gicv3_best best = gicv3_best(c);
    if (!gicv3_signals(c, &best))
        return GIC_SPURIOUS;
    u32 id = visible_id(c, at, &best, group1);
    if (id == best.id)
        activate(c, &best);
    return id;
}

static u64 iar0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return acknowledge(c, at, false);
}

static u64 iar1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return acknowledge(c, at, true);
}

static u64 hppir0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    struct gicv3_best best = gicv3_best(c);
    return visible_id(c, at, &best, false);
}

static u64 hppir1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    struct gicv3_best best = gicv3_best(c);
    return visible_id(c, at, &best, true);
}

/* ---- End ------------------------------------------------------------------------------------- */

/* Only what the state may see. */
void gicv3_deactivate(struct gicv3_cpu *c, u32 id, bool secure)
{
    if (id >= c->gic->irqs)
        return;
    struct gicv3_word *w = gicv3_word(c, id);
    bool is_theirs = gicv3_group(c->gic, w, id % 32) == GROUP1NS;
    if (!secure && !is_theirs && !gicv3_is_single(c->gic))
        return;
    w->active &= ~(1u << id % 32);
    if (id < GIC_PRIVATE)
        gicv3_update_cpu(c);
    else
        gicv3_update_spi(c->gic, id);
}

/* Does deactivation wait for ICC_DIR? */
static bool has_eoi_mode(const struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return at->el == 3 ? c->ctlr_el3 & ICC_EL3_EOIMODE : c->ctlr[bank_of(at)] & ICC_EOIMODE;
}

/* The highest active priority is dropped, if it is of the group. */
static bool drop_priority(struct gicv3_cpu *c, enum gicv3_group group)
{
    u32 all = c->active[GROUP0] | c->active[GROUP1NS] | c->active[GROUP1S];
    u32 first = all & -all;
    if (!(c->active[group] & first))
        return false;
    c->active[group] &= ~first;
    return true;
}

static void end_of_interrupt(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v,
                             enum gicv3_group group)
{
    u32 id = (u32)v & 0xffffff;
    if ((id >= c->gic->irqs && id < GIC_LPI) || !drop_priority(c, group))
        return;
    if (!has_eoi_mode(c, at))
        gicv3_deactivate(c, id, at->secure || at->el == 3);
    gicv3_update_cpu(c);
}

static void eoir0_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    end_of_interrupt(c, at, v, GROUP0);
}

static void eoir1_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    end_of_interrupt(c, at, v, group1_of(c, at));
}

static void dir_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    if (has_eoi_mode(c, at))
        gicv3_deactivate(c, (u32)v & 0xffffff, at->secure || at->el == 3);
}

/* ---- Software generated interrupts ----------------------------------------------------------- */

/* May an access for that group make SGI n pending there? Group 1's may also reach group 0 of its
 * own state; NSACR says how far the Non-secure state reaches (12.1.10). */
static bool sgi_is_allowed(const struct gicv3_cpu *to, u32 n, enum gicv3_group asked, bool secure)
{
    enum gicv3_group group = gicv3_group(to->gic, &to->word, n);
    if (group == asked)
        return secure || gicv3_is_single(to->gic) || group == GROUP1NS || to->nsacr >> 2 * n & 3;
    if (group != GROUP0 || asked == GROUP0)
        return false;
    if (gicv3_is_single(to->gic))
        return true;
    return asked == GROUP1S && (secure || to->nsacr >> 2 * n & 3);
}

static void send_sgi(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v,
                     enum gicv3_group group)
{
    struct gicv3 *g = c->gic;
    u32 n = (u32)bits_get(v, 24, 4), range = (u32)bits_get(v, 44, 4);
    u32 cluster =
        (u32)(bits_get(v, 48, 8) << 24 | bits_get(v, 32, 8) << 16 | bits_get(v, 16, 8) << 8);
    bool all_others = v >> 40 & 1, secure = at->secure || at->el == 3;
    for (u32 i = 0; i < g->cpus; i++) {
        u32 affinity = g->affinity[i], place = affinity & 0xff;
        bool listed = (affinity & ~0xffu) == cluster && place >> 4 == range && v >> place % 16 & 1;
        if (!(all_others ? &g->cpu[i] != c : listed) ||
            !sgi_is_allowed(&g->cpu[i], n, group, secure))
            continue;
        g->cpu[i].word.latch |= 1u << n;
        gicv3_update_cpu(&g->cpu[i]);
    }
}

static void sgi1r_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    send_sgi(c, at, v, group1_of(c, at));
}

/* The other Security state's; with one alone, group 0. */
static void asgi1r_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    enum gicv3_group other = bank_of(at) ? GROUP1NS : GROUP1S;
    send_sgi(c, at, v, gicv3_is_single(c->gic) ? GROUP0 : other);
}

static void sgi0r_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    send_sgi(c, at, v, GROUP0);
}

/* ---- Control --------------------------------------------------------------------------------- */

static u64 sre_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)c;
    (void)at;
    return 7; /* SRE; no bypass */
}

static u64 sre_high_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return sre_get(c, at) | 8; /* lower levels may too */
}

static void ignored_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)c;
    (void)at;
    (void)v;
}

static u64 ctlr_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return c->ctlr[bank_of(at)] | CTLR_PRIBITS | CTLR_A3V | CTLR_RSS;
}

/* CBPR is EL3's where there are two Security states. */
static void ctlr_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    u32 mask = gicv3_is_single(c->gic) || at->el == 3 ? ICC_CBPR | ICC_EOIMODE : ICC_EOIMODE;
    u32 *ctlr = &c->ctlr[bank_of(at)];
    *ctlr = (*ctlr & ~mask) | ((u32)v & mask);
    gicv3_update_cpu(c);
}

static u64 ctlr_el3_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return (c->ctlr[1] & ICC_CBPR) | (c->ctlr[0] & ICC_CBPR) << 1 | c->ctlr_el3 |
           (c->ctlr[1] & ICC_EOIMODE) << 2 | (c->ctlr[0] & ICC_EOIMODE) << 3 | CTLR_PRIBITS |
           CTLR_A3V | CTLR_RSS | (c->gic->security ? 0 : CTLR_NO_DS);
}

static void ctlr_el3_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->ctlr[1] = (u32)((v & 1 ? ICC_CBPR : 0) | (v & 8 ? ICC_EOIMODE : 0));
    c->ctlr[0] = (u32)((v & 2 ? ICC_CBPR : 0) | (v & 16 ? ICC_EOIMODE : 0));
    c->ctlr_el3 = (u32)v & (ICC_EL3_EOIMODE | ICC_EL3_RM);
    gicv3_update_cpu(c);
}

static u64 igrpen0_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->enable0;
}

static void igrpen0_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->enable0 = v & 1;
    gicv3_retarget(c->gic);
}

static u64 igrpen1_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    return c->enable1[bank_of(at)];
}

static void igrpen1_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    c->enable1[bank_of(at)] = v & 1;
    gicv3_retarget(c->gic);
}

static u64 igrpen1_el3_get(struct gicv3_cpu *c, const struct gicv3_access *at)
{
    (void)at;
    return c->enable1[0] | c->enable1[1] << 1;
}

static void igrpen1_el3_set(struct gicv3_cpu *c, const struct gicv3_access *at, u64 v)
{
    (void)at;
    c->enable1[0] = v & 1;
    c->enable1[1] = v >> 1 & 1;
    gicv3_retarget(c->gic);
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* With five priority bits there is one word of active priorities: ICC_AP0R1.. are undefined. */
static const struct gicv3_register icc[8][8] = {
    [0] = {[0] = {iar0_get, NULL},
           [1] = {NULL, eoir0_set},
           [2] = {hppir0_get, NULL},
           [3] = {bpr0_get, bpr0_set},
           [4] = {ap0_get, ap0_set}},
    [1] = {[0] = {ap1_get, ap1_set}},
    [3] = {[1] = {NULL, dir_set},
           [3] = {rpr_get, NULL},
           [5] = {NULL, sgi1r_set},
           [6] = {NULL, asgi1r_set},
           [7] = {NULL, sgi0r_set}},
    [4] = {[0] = {iar1_get, NULL},
           [1] = {NULL, eoir1_set},
           [2] = {hppir1_get, NULL},
           [3] = {bpr1_get, bpr1_set},
           [4] = {ctlr_get, ctlr_set},
           [5] = {sre_get, ignored_set},
           [6] = {igrpen0_get, igrpen0_set},
           [7] = {igrpen1_get, igrpen1_set}},
};
static const struct gicv3_register icc_pmr = {pmr_get, pmr_set};
static const struct gicv3_register icc_sre_el2 = {sre_high_get, ignored_set};
static const struct gicv3_register icc_el3[8] = {
    [4] = {ctlr_el3_get, ctlr_el3_set},
    [5] = {sre_high_get, ignored_set},
    [7] = {igrpen1_el3_get, igrpen1_el3_set},
};
/* Bits of ICH_HCR_EL2 for the registers of icc. */
static const u16 traps[8][8] = {
    [0] = {HCR_TALL0, HCR_TALL0, HCR_TALL0, HCR_TALL0, HCR_TALL0},
    [1] = {HCR_TALL1},
    [3] = {[1] = HCR_TC | HCR_TDIR, [3] = HCR_TC, [5] = HCR_TC, [6] = HCR_TC, [7] = HCR_TC},
    [4] = {HCR_TALL1, HCR_TALL1, HCR_TALL1, HCR_TALL1, HCR_TC, 0, HCR_TALL0, HCR_TALL1},
};

/* What an access means now. */
struct meaning {
    const struct gicv3_register *reg; /* NULL: undefined */
    bool to_el2;
};

static struct meaning el1_meaning(const struct gicv3_cpu *c, const struct gicv3_access *at, u32 crm,
                                  u32 op2)
{
    bool el2 = at->has_el2 && !at->secure && at->el == 1;
    bool is_sgi = crm == 11 && op2 >= 5, is_sre = crm == 12 && op2 == 5;
    if (crm < 8)
        return (struct meaning){at->virtual ? &gicv3_icv_pmr : &icc_pmr, el2 && c->hcr & HCR_TC};
    const struct gicv3_register *reg = &icc[crm - 8][op2];
    bool trap = el2 && c->hcr & traps[crm - 8][op2];
    if (at->virtual && is_sgi)
        trap = reg->set; /* no virtual ones */
    else if (at->virtual && !is_sre)
        reg = &gicv3_icv[crm - 8][op2];
    return (struct meaning){reg, trap};
}

static struct meaning find(const struct gicv3_cpu *c, const struct gicv3_access *at)
{
    u32 op1 = at->encoding >> 11 & 7, crm = at->encoding >> 3 & 15, op2 = at->encoding & 7;
    if (op1 == 0)
        return el1_meaning(c, at, crm, op2);
    if (crm < 8 || at->el < (op1 == 6 ? 3 : 2))
        return (struct meaning){0};
    if (op1 == 6)
        return (struct meaning){crm == 12 ? &icc_el3[op2] : NULL, false};
    if (crm == 9 && op2 == 5)
        return (struct meaning){&icc_sre_el2, false};
    return (struct meaning){&gicv3_ich[crm - 8][op2], false};
}

enum gicv3_result gicv3_register_read(struct device *gic, u32 cpu, const struct gicv3_access *at,
                                      u64 *value)
{
    struct gicv3 *g = (struct gicv3 *)gic;
    struct gicv3_cpu *c = &g->cpu[cpu];
    enum gicv3_result r = GICV3_OK;
    pthread_mutex_lock(&g->lock);
    struct meaning m = find(c, at);
    if (!m.reg || !m.reg->get)
        r = GICV3_UNDEFINED;
    else if (m.to_el2)
        r = GICV3_TRAP_EL2;
    else
        *value = m.reg->get(c, at);
    pthread_mutex_unlock(&g->lock);
    return r;
}

enum gicv3_result gicv3_register_write(struct device *gic, u32 cpu, const struct gicv3_access *at,
                                       u64 value)
{
    struct gicv3 *g = (struct gicv3 *)gic;
    struct gicv3_cpu *c = &g->cpu[cpu];
    enum gicv3_result r = GICV3_OK;
    pthread_mutex_lock(&g->lock);
    struct meaning m = find(c, at);
    if (!m.reg || !m.reg->set)
        r = GICV3_UNDEFINED;
    else if (m.to_el2)
        r = GICV3_TRAP_EL2;
    else
        m.reg->set(c, at, value);
    pthread_mutex_unlock(&g->lock);
    return r;
}

void gicv3_icc_reset(struct gicv3_cpu *c)
{
    c->pmr = 0;
    c->bpr0 = GIC_BPR_MIN;
    c->bpr1[0] = GIC_BPR_MIN + 1;
    c->bpr1[1] = GIC_BPR_MIN;
    c->enable0 = c->enable1[0] = c->enable1[1] = false;
    c->ctlr[0] = c->ctlr[1] = c->ctlr_el3 = 0;
    memset(c->active, 0, sizeof(c->active));
    gicv3_virtual_reset(c);
}
