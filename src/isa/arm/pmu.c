/*
 * pmu.c - performance monitors: the cycle counter, and six event counters, which count software's own increments (SW_INCR) and
 * cycles (CPU_CYCLES): what PMCEID0_EL0 has. Other events never happen.
 *
 * Manual: DDI 0487, D13. Cycles are nanoseconds of the virtual clock, as of a CPU of 1 GHz. A timer on the loop's thread notes an
 * overflow that interrupts; other overflows are noted when a register is looked at. timer_lock is held around all that both touch.
 *
 * Invariant: a counter that runs (runs()) is kept as its value less the clock, one that does not as its value. So whatever rules
 * running changes by freeze() and thaw(): registers, and where a filter goes by the level, each change of the level.
 */
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"

enum { PMCR_E = 1, PMCR_P = 2, PMCR_C = 4, PMCR_D = 8, PMCR_DP = 32, PMCR_LC = 64, PMCR_N_SHIFT = 11 };
#define PMCR_STORED (PMCR_E | PMCR_D | PMCR_DP | PMCR_LC)
#define CYCLES      BIT(31)
enum { EVENT_SW_INCR = 0, EVENT_CPU_CYCLES = 0x11 };
/* PMEVTYPER<n>_EL0, PMCCFILTR_EL0 */
#define FILTER_P     BIT(31)
#define FILTER_U     BIT(30)
#define FILTER_NSK   BIT(29)
#define FILTER_NSU   BIT(28)
#define FILTER_NSH   BIT(27)
#define FILTER_M     BIT(26)
#define FILTER       BITS(31, 26)
enum { LEVEL_EL = 3, LEVEL_SECURE = 4, CYCLE = ARM_PMU_EVENTS, COUNTERS };

/* ---- What runs ------------------------------------------------------------------------------- */

static u64 bit_of(unsigned n)
{
    return n == CYCLE ? CYCLES : BIT(n);
}

static u64 *value_of(struct arm_cpu *a, unsigned n)
{
    return n == CYCLE ? &a->pmu_base : &a->pmu_event[n];
}

static u64 type_of(const struct arm_cpu *a, unsigned n)
{
    return n == CYCLE ? a->sysreg[ARM_SYS_PMCCFILTR_EL0] : a->pmu_type[n];
}

/* Event counters of the first range, EL1's where EL2 is there: the others are EL2's ("MDCR_EL2.HPMN"). */
static unsigned first_range(const struct arm_cpu *a)
{
    return arm_el2_enabled(a) ? (unsigned)MIN(a->sysreg[ARM_SYS_MDCR_EL2] & MDCR_HPMN, ARM_PMU_EVENTS) : ARM_PMU_EVENTS;
}

/* Counters that the level can see, as bits. */
static u64 visible(const struct arm_cpu *a)
{
    unsigned n = arm_el(a) < 2 ? first_range(a) : ARM_PMU_EVENTS;
    return CYCLES | (BIT(n) - 1);
}

static bool is_filtered(const struct arm_cpu *a, u64 type, unsigned level)
{
    bool nonsecure = a->has_el3 && !(level & LEVEL_SECURE);
    switch (level & LEVEL_EL) {
    case 0: return !!(type & FILTER_U) != (nonsecure && type & FILTER_NSU);
    case 1: return !!(type & FILTER_P) != (nonsecure && type & FILTER_NSK);
    case 2: return !(type & FILTER_NSH);
    default: return !!(type & FILTER_M) != !!(type & FILTER_P);
    }
}

/* "Prohibiting event counting": in Secure state without MDCR_EL3.SPME, at EL2 by MDCR_EL2.HPMD; of cycles only with PMCR_EL0.DP. */
static bool is_prohibited(const struct arm_cpu *a, unsigned n)
{
    bool secure = a->has_el3 && a->pmu_level & LEVEL_SECURE && !(a->sysreg[ARM_SYS_MDCR_EL3] & MDCR3_SPME);
    bool by_el2 = (a->pmu_level & LEVEL_EL) == 2 && a->sysreg[ARM_SYS_MDCR_EL2] & MDCR_HPMD && n < first_range(a);
    return (secure || by_el2) && (n != CYCLE || a->pmu_control & PMCR_DP);
}

static bool is_on(const struct arm_cpu *a, unsigned n)
{
    bool second = n != CYCLE && n >= first_range(a);
    bool on = second ? a->sysreg[ARM_SYS_MDCR_EL2] & MDCR_HPME : a->pmu_control & PMCR_E;
    return on && a->pmu_enabled & bit_of(n);
}

static bool counts(const struct arm_cpu *a, unsigned n)
{
    return is_on(a, n) && !is_prohibited(a, n) && !is_filtered(a, type_of(a, n), a->pmu_level);
}

static bool runs(const struct arm_cpu *a, unsigned n)
{
    bool cycles = n == CYCLE || (a->pmu_type[n] & ~FILTER) == EVENT_CPU_CYCLES;
    return cycles && counts(a, n);
}

/* Nanoseconds that the counter counts at once, and what it holds: 32 bits but for the cycle counter. */
static u64 unit_of(const struct arm_cpu *a, unsigned n)
{
    return n == CYCLE && a->pmu_control & PMCR_D && !(a->pmu_control & PMCR_LC) ? 64 : 1;
}

static bool is_wide(const struct arm_cpu *a, unsigned n)
{
    return n == CYCLE && a->pmu_control & PMCR_LC;
}

static u64 counter_at(struct arm_cpu *a, unsigned n, u64 now)
{
    u64 v = *value_of(a, n);
    if (runs(a, n))
        v += now / unit_of(a, n);
    return n == CYCLE ? v : (u32)v;
}

static u64 read_counter(struct arm_cpu *a, unsigned n)
{
    return counter_at(a, n, clock_now(a->cpu.host->clock));
}

/* This and what follows is between begin() and end(), for which the clock stands: an overflow between two looks at it would be lost. */
static void write_counter(struct arm_cpu *a, unsigned n, u64 v)
{
    *value_of(a, n) = runs(a, n) ? v - a->pmu_now / unit_of(a, n) : v;
}

static void freeze(struct arm_cpu *a, u64 values[COUNTERS])
{
    for (unsigned n = 0; n < COUNTERS; n++)
        values[n] = counter_at(a, n, a->pmu_now);
}

static void thaw(struct arm_cpu *a, const u64 values[COUNTERS])
{
    for (unsigned n = 0; n < COUNTERS; n++)
        write_counter(a, n, values[n]);
}

/* ---- Overflow -------------------------------------------------------------------------------- */

/* When the counter overflows by the clock. UINT64_MAX: not in a hundred years. */
static u64 overflow_at(struct arm_cpu *a, unsigned n)
{
    u64 v = counter_at(a, n, a->pmu_now), unit = unit_of(a, n);
    u64 left = is_wide(a, n) ? 0 - v : BIT(32) - (u32)v;
    if (!runs(a, n) || !left || left > BIT(62) / unit)
        return UINT64_MAX;
    return (a->pmu_now / unit + left) * unit;
}

static void begin(struct arm_cpu *a)
{
    pthread_mutex_lock(&a->timer_lock);
    a->pmu_now = clock_now(a->cpu.host->clock);
    for (unsigned n = 0; n < COUNTERS; n++) {
        if (a->pmu_now >= a->pmu_due[n])
            a->pmu_overflow |= bit_of(n);
    }
}

/* The overflows that count for the wire: of each range while it is enabled. */
static u64 asserted(const struct arm_cpu *a)
{
    u64 first = CYCLES | (BIT(first_range(a)) - 1);
    u64 on = (a->pmu_control & PMCR_E ? first : 0) | (a->sysreg[ARM_SYS_MDCR_EL2] & MDCR_HPME ? ~first : 0);
    return a->pmu_overflow & a->pmu_interrupts & on;
}

/* Does a counter that is on count at some levels only? Then changes of the level are to be told. */
static bool goes_by_level(const struct arm_cpu *a)
{
    bool by_level = false;
    for (unsigned n = 0; n < COUNTERS; n++) {
        bool cycles = n == CYCLE || type_of(a, n) % BIT(16) == EVENT_CPU_CYCLES;
        by_level |= cycles && is_on(a, n) &&
                    (type_of(a, n) & FILTER || a->has_el2 || a->has_el3 || a->pmu_control & PMCR_DP);
    }
    return by_level;
}

/* When the next overflow that would drive the wire comes. */
static u64 next_due(const struct arm_cpu *a)
{
    u64 due = UINT64_MAX;
    for (unsigned n = 0; n < COUNTERS; n++) {
        if (a->pmu_interrupts & ~a->pmu_overflow & bit_of(n))
            due = MIN(due, a->pmu_due[n]);
    }
    return due;
}

/* Drives the wire, and waits for the next overflow that would. */
static void end(struct arm_cpu *a)
{
    for (unsigned n = 0; n < COUNTERS; n++)
        a->pmu_due[n] = overflow_at(a, n);
    a->pmu_by_level = goes_by_level(a);
    irq_set(a->pmu_irq, asserted(a) != 0);
    if (a->has_timers)
        timer_restore(&a->pmu_timer, next_due(a));
    pthread_mutex_unlock(&a->timer_lock);
}

static void overflowed(void *cpu)
{
    begin(cpu);
    end(cpu);
}

/* ---- Control --------------------------------------------------------------------------------- */

/* Changes what rules counting, and all go on from the same values. */
static void change(struct arm_cpu *a, u64 *what, u64 v)
{
    u64 values[COUNTERS];
    freeze(a, values);
    *what = v;
    thaw(a, values);
}

static unsigned level_now(const struct arm_cpu *a)
{
    return arm_el(a) | (arm_is_secure(a) ? LEVEL_SECURE : 0);
}

void arm_pmu_level(struct arm_cpu *a)
{
    u64 values[COUNTERS];
    if (a->pmu_level == level_now(a))
        return;
    begin(a);
    freeze(a, values);
    a->pmu_level = (u8)level_now(a);
    thaw(a, values);
    end(a);
}

/* A register that the level's own counting goes by: the level is told only while it matters. */
static void begin_here(struct arm_cpu *a)
{
    arm_pmu_level(a);
    begin(a);
}

u64 arm_get_pmcr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    u64 n = arm_el(a) < 2 ? first_range(a) : ARM_PMU_EVENTS;
    return UINT64_C(0x41) << 24 | (u64)a->pmu_id << 16 | n << PMCR_N_SHIFT | a->pmu_control;
}

void arm_set_pmcr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    if (!arm_cpu_has(a, ARM_EXT_AA32EL0))
        v |= PMCR_LC;
    begin_here(a);
    change(a, &a->pmu_control, v & PMCR_STORED);
    if (v & PMCR_C)
        write_counter(a, CYCLE, 0);
    for (unsigned n = 0; v & PMCR_P && n < ARM_PMU_EVENTS; n++) {
        if (visible(a) >> n & 1)
            write_counter(a, n, 0);
    }
    end(a);
}

void arm_set_mdcr_el2(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    change(a, &a->sysreg[ARM_SYS_MDCR_EL2], v & r->mask);
    end(a);
}

void arm_set_mdcr_el3(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    change(a, &a->sysreg[ARM_SYS_MDCR_EL3], v & r->mask);
    end(a);
}

u64 arm_get_pmcnten(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pmu_enabled & visible(a);
}

void arm_set_pmcntenset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    change(a, &a->pmu_enabled, a->pmu_enabled | (v & visible(a)));
    end(a);
}

void arm_set_pmcntenclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    change(a, &a->pmu_enabled, a->pmu_enabled & ~(v & visible(a)));
    end(a);
}

u64 arm_get_pmovs(struct arm_cpu *a, const struct arm_sysreg *r)
{
    begin_here(a);
    u64 v = a->pmu_overflow & visible(a);
    end(a);
    return v;
}

void arm_set_pmovsclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    a->pmu_overflow &= ~(v & visible(a));
    end(a);
}

void arm_set_pmovsset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    a->pmu_overflow |= v & visible(a);
    end(a);
}

u64 arm_get_pminten(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pmu_interrupts & visible(a);
}

void arm_set_pmintenset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    a->pmu_interrupts |= v & visible(a);
    end(a);
}

void arm_set_pmintenclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    a->pmu_interrupts &= ~(v & visible(a));
    end(a);
}

/* ---- Counters -------------------------------------------------------------------------------- */

u64 arm_get_pmccntr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    arm_pmu_level(a);
    return read_counter(a, CYCLE);
}

void arm_set_pmccntr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    write_counter(a, CYCLE, v);
    end(a);
}

/* Counters that the level does not see read as zero and ignore writes: one of the choices that the manual leaves. */
static u64 get_event(struct arm_cpu *a, unsigned n)
{
    arm_pmu_level(a);
    return visible(a) & ~CYCLES & BIT(n) ? read_counter(a, n) : 0;
}

static void set_event(struct arm_cpu *a, unsigned n, u64 v)
{
    begin_here(a);
    if (visible(a) & ~CYCLES & BIT(n))
        write_counter(a, n, (u32)v);
    end(a);
}

static u64 get_type(const struct arm_cpu *a, unsigned n)
{
    return visible(a) & ~CYCLES & BIT(n) ? a->pmu_type[n] : 0;
}

/* evtCount has 16 bits since PMUv3p1, 10 before. */
static void set_type(struct arm_cpu *a, unsigned n, u64 v)
{
    u64 event = (a->sysreg[ARM_SYS_ID_AA64DFR0_EL1] >> 8 & 15) >= 4 ? BITS(15, 0) : BITS(9, 0);
    begin_here(a);
    if (visible(a) & ~CYCLES & BIT(n))
        change(a, &a->pmu_type[n], v & (FILTER | event));
    end(a);
}

/* PMEVCNTR<n>_EL0, PMEVTYPER<n>_EL0: n is op2 of the few that are there. */
u64 arm_get_pmevcntr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return get_event(a, r->encoding & 7);
}

void arm_set_pmevcntr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    set_event(a, r->encoding & 7, v);
}

u64 arm_get_pmevtyper(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return get_type(a, r->encoding & 7);
}

void arm_set_pmevtyper(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    set_type(a, r->encoding & 7, v);
}

void arm_set_pmswinc(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    for (unsigned n = 0; n < ARM_PMU_EVENTS; n++) {
        if (!(v & visible(a) & BIT(n)) || (a->pmu_type[n] & ~FILTER) != EVENT_SW_INCR || !counts(a, n))
            continue;
        a->pmu_event[n] = (u32)(a->pmu_event[n] + 1);
        if (!a->pmu_event[n])
            a->pmu_overflow |= BIT(n);
    }
    end(a);
}

/* ---- The selected counter; 31 is the cycle counter's filter ---------------------------------- */

static unsigned selected(const struct arm_cpu *a)
{
    return a->sysreg[ARM_SYS_PMSELR_EL0] & 31;
}

u64 arm_get_pmxevtyper(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return selected(a) == 31 ? a->sysreg[ARM_SYS_PMCCFILTR_EL0] : get_type(a, selected(a));
}

void arm_set_pmccfiltr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin_here(a);
    change(a, &a->sysreg[ARM_SYS_PMCCFILTR_EL0], v & FILTER);
    end(a);
}

void arm_set_pmxevtyper(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    if (selected(a) == 31)
        arm_set_pmccfiltr(a, r, v);
    else
        set_type(a, selected(a), v);
}

u64 arm_get_pmxevcntr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return get_event(a, selected(a));
}

void arm_set_pmxevcntr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    set_event(a, selected(a), v);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void arm_pmu_init(struct arm_cpu *a)
{
    const struct cpu_host *host = a->cpu.host;
    for (unsigned n = 0; n < COUNTERS; n++)
        a->pmu_due[n] = UINT64_MAX;
    if (host->loop)
        timer_init(&a->pmu_timer, host->loop, host->clock, overflowed, a);
}

void arm_pmu_fini(struct arm_cpu *a)
{
    if (a->has_timers)
        timer_fini(&a->pmu_timer);
}

void arm_pmu_reset(struct arm_cpu *a)
{
    pthread_mutex_lock(&a->timer_lock);
    a->pmu_now = clock_now(a->cpu.host->clock);
    a->pmu_base = a->pmu_control = a->pmu_enabled = a->pmu_overflow = a->pmu_interrupts = 0;
    memset(a->pmu_event, 0, sizeof(a->pmu_event));
    memset(a->pmu_type, 0, sizeof(a->pmu_type));
    if (arm_cpu_has(a, ARM_EXT_PMUV3))
        a->sysreg[ARM_SYS_MDCR_EL2] = ARM_PMU_EVENTS;
    a->pmu_level = (u8)level_now(a);
    end(a);
}

/* The wire is in the interrupt controller's state. */
void arm_pmu_restore(struct arm_cpu *a)
{
    a->pmu_now = clock_now(a->cpu.host->clock);
    a->pmu_level = (u8)level_now(a);
    a->pmu_by_level = goes_by_level(a);
    for (unsigned n = 0; n < COUNTERS; n++)
        a->pmu_due[n] = overflow_at(a, n);
    if (a->has_timers)
        timer_restore(&a->pmu_timer, next_due(a));
}

void arm_cpu_set_pmu_irq(struct cpu *cpu, struct irq irq)
{
    arm_cpu(cpu)->pmu_irq = irq;
}
