/*
 * pmu.c - performance monitors: the cycle counter; no event counters (PMCR_EL0.N is 0).
 *
 * Manual: DDI 0487, D13. Cycles are nanoseconds of the virtual clock, as of a CPU of 1 GHz. A timer
 * on the loop's thread notes an overflow that interrupts; other overflows are noted when a register
 * is looked at. timer_lock is held around all that both touch.
 */
#include "isa/arm/sysreg.h"

enum { PMCR_E = 1, PMCR_P = 2, PMCR_C = 4, PMCR_D = 8, PMCR_DP = 32, PMCR_LC = 64 };
#define PMCR_STORED (PMCR_E | PMCR_D | PMCR_DP | PMCR_LC)
#define CYCLES      BIT(31)

static bool counts(const struct arm_cpu *a)
{
    return a->pmu_control & PMCR_E && a->pmu_enabled & CYCLES;
}

static u64 now(const struct arm_cpu *a)
{
    u64 ns = clock_now(a->cpu.host->clock);
    return a->pmu_control & PMCR_D && !(a->pmu_control & PMCR_LC) ? ns / 64 : ns;
}

static u64 read_cycles(const struct arm_cpu *a)
{
    return counts(a) ? a->pmu_base + now(a) : a->pmu_base;
}

static void write_cycles(struct arm_cpu *a, u64 v)
{
    a->pmu_base = counts(a) ? v - now(a) : v;
}

/* ---- Overflow -------------------------------------------------------------------------------- */

/* When the counter, of 64 bits or, without PMCR_EL0.LC, 32, overflows by the clock. UINT64_MAX: not
 * in a hundred years. */
static u64 overflow_at(const struct arm_cpu *a)
{
    u64 left = 0 - read_cycles(a), unit = 1;
    if (!(a->pmu_control & PMCR_LC)) {
        left = BIT(32) - (u32)read_cycles(a);
        unit = a->pmu_control & PMCR_D ? 64 : 1;
    }
    if (!counts(a) || !left || left > BIT(62) / unit)
        return UINT64_MAX;
    return (clock_now(a->cpu.host->clock) / unit + left) * unit;
}

static void begin(struct arm_cpu *a)
{
    pthread_mutex_lock(&a->timer_lock);
    if (clock_now(a->cpu.host->clock) >= a->pmu_due)
        a->pmu_overflow |= CYCLES;
}

/* Drives the wire, and waits for the next overflow that would. */
static void end(struct arm_cpu *a)
{
    u64 pending = a->pmu_overflow & a->pmu_interrupts;
    a->pmu_due = overflow_at(a);
    irq_set(a->pmu_irq, a->pmu_control & PMCR_E && pending);
    if (a->has_timers)
        timer_restore(&a->pmu_timer,
                      a->pmu_interrupts & CYCLES && !pending ? a->pmu_due : UINT64_MAX);
    pthread_mutex_unlock(&a->timer_lock);
}

static void overflowed(void *cpu)
{
    begin(cpu);
    end(cpu);
}

/* ---- Control and count ----------------------------------------------------------------------- */

/* Changes what rules counting, and goes on from the same value. */
static void change(struct arm_cpu *a, u64 *what, u64 v)
{
    u64 cycles = read_cycles(a);
    *what = v;
    write_cycles(a, cycles);
}

u64 arm_get_pmcr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return UINT64_C(0x41) << 24 | (u64)a->pmu_id << 16 | a->pmu_control;
}

void arm_set_pmcr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    if (!arm_cpu_has(a, ARM_EXT_AA32EL0))
        v |= PMCR_LC;
    begin(a);
    change(a, &a->pmu_control, v & PMCR_STORED);
    if (v & PMCR_C)
        write_cycles(a, 0);
    end(a);
}

u64 arm_get_pmcnten(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pmu_enabled;
}

void arm_set_pmcntenset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin(a);
    change(a, &a->pmu_enabled, a->pmu_enabled | (v & CYCLES));
    end(a);
}

void arm_set_pmcntenclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin(a);
    change(a, &a->pmu_enabled, a->pmu_enabled & ~v);
    end(a);
}

u64 arm_get_pmccntr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return read_cycles(a);
}

void arm_set_pmccntr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin(a);
    write_cycles(a, v);
    end(a);
}

u64 arm_get_pmovs(struct arm_cpu *a, const struct arm_sysreg *r)
{
    begin(a);
    u64 v = a->pmu_overflow;
    end(a);
    return v;
}

void arm_set_pmovsclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin(a);
    a->pmu_overflow &= ~v;
    end(a);
}

void arm_set_pmovsset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin(a);
    a->pmu_overflow |= v & CYCLES;
    end(a);
}

u64 arm_get_pminten(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pmu_interrupts;
}

void arm_set_pmintenset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin(a);
    a->pmu_interrupts |= v & CYCLES;
    end(a);
}

void arm_set_pmintenclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    begin(a);
    a->pmu_interrupts &= ~v;
    end(a);
}

/* ---- The selected counter: only 31, the cycle counter's filter, is there --------------------- */

u64 arm_get_pmxevtyper(struct arm_cpu *a, const struct arm_sysreg *r)
{
    bool cycles = (a->sysreg[ARM_SYS_PMSELR_EL0] & 31) == 31;
    return cycles ? a->sysreg[ARM_SYS_PMCCFILTR_EL0] : 0;
}

void arm_set_pmccfiltr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    a->sysreg[ARM_SYS_PMCCFILTR_EL0] = v & BITS(31, 26);
}

void arm_set_pmxevtyper(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    if ((a->sysreg[ARM_SYS_PMSELR_EL0] & 31) == 31)
        arm_set_pmccfiltr(a, r, v);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void arm_pmu_init(struct arm_cpu *a)
{
    const struct cpu_host *host = a->cpu.host;
    a->pmu_due = UINT64_MAX;
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
    a->pmu_base = a->pmu_control = a->pmu_enabled = a->pmu_overflow = a->pmu_interrupts = 0;
    end(a);
}

/* The wire is in the interrupt controller's state. */
void arm_pmu_restore(struct arm_cpu *a)
{
    a->pmu_due = overflow_at(a);
    if (a->has_timers)
        timer_restore(&a->pmu_timer,
                      a->pmu_interrupts & ~a->pmu_overflow & CYCLES ? a->pmu_due : UINT64_MAX);
}

void arm_cpu_set_pmu_irq(struct cpu *cpu, struct irq irq)
{
    arm_cpu(cpu)->pmu_irq = irq;
}
