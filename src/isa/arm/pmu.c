/*
 * pmu.c - performance monitors: the cycle counter; no event counters (PMCR_EL0.N is 0).
 *
 * Manual: DDI 0487, D13. Cycles are nanoseconds of the virtual clock, as of a CPU of 1 GHz.
 * Overflow is noticed when registers are looked at. On the CPU's thread.
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
    change(a, &a->pmu_control, v & PMCR_STORED);
    if (v & PMCR_C)
        write_cycles(a, 0);
}

u64 arm_get_pmcnten(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pmu_enabled;
}

void arm_set_pmcntenset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    change(a, &a->pmu_enabled, a->pmu_enabled | (v & CYCLES));
}

void arm_set_pmcntenclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    change(a, &a->pmu_enabled, a->pmu_enabled & ~v);
}

u64 arm_get_pmccntr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return read_cycles(a);
}

void arm_set_pmccntr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    write_cycles(a, v);
}

/* ---- Overflow and its interrupt -------------------------------------------------------------- */

static void update_wire(struct arm_cpu *a)
{
    bool on = a->pmu_control & PMCR_E && a->pmu_overflow & a->pmu_interrupts;
    irq_set(a->pmu_irq, on);
}

u64 arm_get_pmovs(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pmu_overflow;
}

void arm_set_pmovsclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    a->pmu_overflow &= ~v;
    update_wire(a);
}

void arm_set_pmovsset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    a->pmu_overflow |= v & CYCLES;
    update_wire(a);
}

u64 arm_get_pminten(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pmu_interrupts;
}

void arm_set_pmintenset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    a->pmu_interrupts |= v & CYCLES;
    update_wire(a);
}

void arm_set_pmintenclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    a->pmu_interrupts &= ~v;
    update_wire(a);
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

void arm_cpu_set_pmu_irq(struct cpu *cpu, struct irq irq)
{
    arm_cpu(cpu)->pmu_irq = irq;
}
