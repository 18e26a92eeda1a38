/*
 * timer.c - the generic timers: counts, offsets, five comparators, their outputs.
 *
 * Manual: DDI 0487, D12. Counts are the virtual clock at CNTFRQ's frequency, so all CPUs of a
 * machine agree.
 *
 * Locking: timer_lock guards {cval, ctl, offsets -> wire and timer}: the CPU's thread writes them,
 * the timers' callbacks look at them from the loop's thread.
 */
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"

enum { ENABLE = 1, IMASK = 2, ISTATUS = 4 };

/* ---- Counts ---------------------------------------------------------------------------------- */

u64 arm_count(const struct arm_cpu *a)
{
    u64 ns = clock_now(a->cpu.host->clock);
    return (u64)((u128)ns * a->cntfrq / NS_PER_SECOND);
}

/* When the count will be `ticks`: rounded up, or never. */
u64 arm_ticks_ns(const struct arm_cpu *a, u64 ticks)
{
    u128 ns = ((u128)ticks * NS_PER_SECOND + a->cntfrq - 1) / a->cntfrq;
    return ns > UINT64_MAX ? UINT64_MAX : (u64)ns;
}

/* FEAT_ECV: the physical count has an offset too, where EL3 and EL2 let it ("D12.2.1"). */
static u64 physical_offset(const struct arm_cpu *a)
{
    bool on = arm_cpu_has(a, ARM_EXT_ECV) && arm_el2_enabled(a) &&
              a->sysreg[ARM_SYS_CNTHCTL_EL2] & CNTH_ECV &&
              (!a->has_el3 || a->sysreg[ARM_SYS_SCR_EL3] & SCR_ECVEN);
    u64 host = HCR_E2H | HCR_TGE;
    return on && (arm_hcr(a) & host) != host ? a->sysreg[ARM_SYS_CNTPOFF_EL2] : 0;
}

static u64 virtual_offset(const struct arm_cpu *a)
{
    return a->has_el2 ? a->sysreg[ARM_SYS_CNTVOFF_EL2] : 0;
}

u64 arm_virtual_count(const struct arm_cpu *a)
{
    return arm_count(a) - (arm_is_host(a) ? 0 : virtual_offset(a));
}

u64 arm_get_cntpct(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return arm_count(a) - (arm_el(a) < 2 ? physical_offset(a) : 0);
}

u64 arm_get_cntvct(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return arm_virtual_count(a);
}

u64 arm_helper_cntvct(struct cpu *cpu)
{
    return arm_virtual_count(arm_cpu(cpu));
}

/* ---- Comparators ----------------------------------------------------------------------------- */

static u64 offset_of(const struct arm_cpu *a, enum arm_timer n)
{
    return n == ARM_TIMER_VIRT ? virtual_offset(a) : n == ARM_TIMER_PHYS ? physical_offset(a) : 0;
}

static bool is_due(const struct arm_cpu *a, enum arm_timer n)
{
    return (s64)(arm_count(a) - offset_of(a, n) - a->timer[n].cval) >= 0;
}

/* Wire and timer of one comparator; lock held. */
static void update_one(struct arm_cpu *a, enum arm_timer n)
{
    struct arm_timer_state *t = &a->timer[n];
    bool enabled = t->ctl & ENABLE, due = enabled && is_due(a, n);
    if (t->irq.set)
        irq_set(t->irq, due && !(t->ctl & IMASK));
    if (!a->has_timers)
        return;
    bool wait = enabled && !due && !(t->ctl & IMASK);
    timer_restore(&t->timer, wait ? arm_ticks_ns(a, t->cval + offset_of(a, n)) : UINT64_MAX);
}

static void update(struct arm_cpu *a, enum arm_timer n)
{
    pthread_mutex_lock(&a->timer_lock);
    update_one(a, n);
    pthread_mutex_unlock(&a->timer_lock);
}

void arm_timer_update(struct arm_cpu *a)
{
    for (unsigned n = 0; n < ARM_TIMERS; n++)
        update(a, (enum arm_timer)n);
}

/* The wires' levels are in the interrupt controller's state, which may be loaded later: a
 * comparator that is due drives its wire when the clock runs. */
void arm_timer_restore(struct arm_cpu *a)
{
    for (unsigned n = 0; n < ARM_TIMERS && a->has_timers; n++) {
        const struct arm_timer_state *t = &a->timer[n];
        bool wait = (t->ctl & (ENABLE | IMASK)) == ENABLE;
        timer_restore(&a->timer[n].timer,
                      wait ? arm_ticks_ns(a, t->cval + offset_of(a, n)) : UINT64_MAX);
    }
}

static void expired(void *opaque)
{
    struct arm_timer_state *t = opaque;
    update(t->cpu, (enum arm_timer)(t - t->cpu->timer));
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* EL0's names are the hypervisor's timers where the host's EL0 uses them. */
static enum arm_timer timer_of(const struct arm_cpu *a, const struct arm_sysreg *r)
{
    unsigned op1 = arm_enc_op1(r->encoding);
    bool virt = arm_enc_crm(r->encoding) == 3;
    if (op1 == 7)
        return ARM_TIMER_SEC;
    if (op1 == 4 || (arm_el(a) == 0 && arm_is_host(a)))
        return virt ? ARM_TIMER_HYPVIRT : ARM_TIMER_HYP;
    return virt ? ARM_TIMER_VIRT : ARM_TIMER_PHYS;
}

u64 arm_get_ctl(struct arm_cpu *a, const struct arm_sysreg *r)
{
    enum arm_timer n = timer_of(a, r);
    u64 ctl = a->timer[n].ctl;
    return ctl & ENABLE && is_due(a, n) ? ctl | ISTATUS : ctl;
}

u64 arm_get_cval(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->timer[timer_of(a, r)].cval;
}

u64 arm_get_tval(struct arm_cpu *a, const struct arm_sysreg *r)
{
    enum arm_timer n = timer_of(a, r);
    return (u32)(a->timer[n].cval - (arm_count(a) - offset_of(a, n)));
}

static void set(struct arm_cpu *a, enum arm_timer n, u64 cval, u64 ctl)
{
    pthread_mutex_lock(&a->timer_lock);
    a->timer[n].cval = cval;
    a->timer[n].ctl = ctl & (ENABLE | IMASK);
    update_one(a, n);
    pthread_mutex_unlock(&a->timer_lock);
}

void arm_set_ctl(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    enum arm_timer n = timer_of(a, r);
    set(a, n, a->timer[n].cval, v);
}

void arm_set_cval(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    enum arm_timer n = timer_of(a, r);
    set(a, n, v, a->timer[n].ctl);
}

void arm_set_tval(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    enum arm_timer n = timer_of(a, r);
    set(a, n, arm_count(a) - offset_of(a, n) + (u64)bits_sext(v, 32), a->timer[n].ctl);
}

void arm_set_cntoff(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    pthread_mutex_lock(&a->timer_lock);
    *arm_sysreg_at(a, r) = v;
    pthread_mutex_unlock(&a->timer_lock);
    arm_timer_update(a);
}

/* E2H gives the low bits the places that CNTKCTL_EL1 has them in. */
void arm_set_cnthctl(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    u64 known = BITS(7, 0);
    if (arm_cpu_has(a, ARM_EXT_VHE))
        known |= BITS(11, 8);
    if (arm_cpu_has(a, ARM_EXT_ECV))
        known |= BITS(17, 12);
    *arm_sysreg_at(a, r) = v & known;
    arm_timer_update(a);
}

/* ---- Life
 * -------------------------------------------------------------------------------------------------
 */

void arm_timer_init(struct arm_cpu *a)
{
    const struct cpu_host *host = a->cpu.host;
    pthread_mutex_init(&a->timer_lock, NULL);
    a->has_timers = host->loop;
    for (unsigned n = 0; n < ARM_TIMERS; n++) {
        a->timer[n].cpu = a;
        if (host->loop)
            timer_init(&a->timer[n].timer, host->loop, host->clock, expired, &a->timer[n]);
    }
}

void arm_timer_fini(struct arm_cpu *a)
{
    for (unsigned n = 0; n < ARM_TIMERS && a->has_timers; n++)
        timer_fini(&a->timer[n].timer);
    pthread_mutex_destroy(&a->timer_lock);
}

void arm_timer_reset(struct arm_cpu *a)
{
    for (unsigned n = 0; n < ARM_TIMERS; n++)
        set(a, (enum arm_timer)n, 0, 0);
}

void arm_cpu_set_timer_irq(struct cpu *cpu, enum arm_timer timer, struct irq irq)
{
    arm_cpu(cpu)->timer[timer].irq = irq;
    update(arm_cpu(cpu), timer);
}
