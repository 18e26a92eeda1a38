/*
 * trap.c - exceptions: where they go, entry, return; interrupts.
 *
 * Manual: DDI 0487, D1.3 (exceptions), "AArch64.TakeException", "AArch64.ExceptionReturn". Runs on
 * the CPU's thread, except arm_set_irq (any thread: atomics only).
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/arm/walk.h"
#include "jit/translate.h"

static const u16 vbar[4] = {0, ARM_SYS_VBAR_EL1, ARM_SYS_VBAR_EL2, ARM_SYS_VBAR_EL3};
static const u16 esr[4] = {0, ARM_SYS_ESR_EL1, ARM_SYS_ESR_EL2, ARM_SYS_ESR_EL3};
static const u16 far_[4] = {0, ARM_SYS_FAR_EL1, ARM_SYS_FAR_EL2, ARM_SYS_FAR_EL3};
static const u16 sctlr[4] = {0, ARM_SYS_SCTLR_EL1, ARM_SYS_SCTLR_EL2, ARM_SYS_SCTLR_EL3};

/* ---- Entry ----------------------------------------------------------------------------------- */

/* "AArch64.TakeException": PSTATE.PAN is set where the level's tables are of EL0's kind and SPAN is
 * 0. */
static u64 entry_pan(const struct arm_cpu *a, unsigned to)
{
    u64 host = HCR_E2H | HCR_TGE;
    bool el0_kind = to == 1 || (to == 2 && (arm_hcr(a) & host) == host);
    if (!arm_cpu_has(a, ARM_EXT_PAN))
        return 0;
    return el0_kind && !(a->sysreg[sctlr[to]] & SCTLR_SPAN) ? PSTATE_PAN : a->pstate & PSTATE_PAN;
}

/* Is the level below `to` AArch32's ("AArch64.TakeException")? */
static bool lower_is_a32(const struct arm_cpu *a, unsigned to)
{
    bool host = to == 2 && arm_el(a) == 0 && arm_is_host(a);
    if (to == 3)
        return !arm_el2_enabled(a) && arm_el1_is_a32(a);
    return to == 2 && !host ? arm_el1_is_a32(a) : arm_is_a32(a);
}

static u64 vector_offset(const struct arm_cpu *a, unsigned to, enum arm_vector_offset vector)
{
    if (to > arm_el(a))
        return (lower_is_a32(a, to) ? 0x600u : 0x400u) + vector;
    return (a->pstate & PSTATE_SP ? 0x200u : 0) + vector;
}

/* PSTATE.BTYPE: of a branch whose target has not been executed. */
static u64 branch_type(const struct arm_cpu *a, u64 pc)
{
    return a->branch_target & 3 && (a->branch_target & ~UINT64_C(3)) == pc
               ? (a->branch_target & 3) << 10
               : 0;
}

static void enter(struct arm_cpu *a, unsigned to, enum arm_vector_offset vector,
                  u64 preferred_return)
{
    u64 pc = (a->sysreg[vbar[to]] & ~UINT64_C(0x7ff)) + vector_offset(a, to, vector);
    u64 pan = entry_pan(a, to);
    a->spsr_el[to] = arm_pstate_read(a) | branch_type(a, preferred_return);
    a->branch_target = 0;
    a->elr_el[to] = preferred_return;
    u64 kept = a->pstate & PSTATE_DIT;
    arm_bank_switch(a, to, true);
    a->pstate = kept | pan | PSTATE_SP | (u64)to << 2 | PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F;
    if (arm_cpu_has(a, ARM_EXT_SSBS) && a->sysreg[sctlr[to]] & SCTLR_DSSBS)
        a->pstate |= PSTATE_SSBS;
    a->pc = pc;
    a->stepping = false;
    a->cpu.halted = false;
    arm_state_changed(a);
}

/* ---- Synchronous ----------------------------------------------------------------------------- */

/* Classes that have one number for a lower level and the next for the same one. */
static bool class_has_levels(unsigned ec)
{
    switch (ec & ~1u) {
    case ARM_EC_IABT_LOWER:
    case ARM_EC_DABT_LOWER:
    case ARM_EC_BREAKPOINT_LOWER:
    case ARM_EC_STEP_LOWER:
    case ARM_EC_WATCHPOINT_LOWER: return true;
    default: return false;
    }
}

static bool class_has_far(unsigned ec)
{
    switch (ec & ~1u) {
    case ARM_EC_IABT_LOWER:
    case ARM_EC_DABT_LOWER:
    case ARM_EC_WATCHPOINT_LOWER: return true;
    default: return ec == ARM_EC_PC_ALIGN;
    }
}

/* The level that takes what comes from the present one and nobody else asked for. */
static unsigned default_level(const struct arm_cpu *a)
{
    if (arm_el(a) == 0)
        return arm_hcr(a) & HCR_TGE ? 2 : 1;
    return arm_el(a);
}

static void take(struct arm_cpu *a, unsigned to, u64 syndrome, u64 far, u64 preferred_return)
{
    unsigned ec = (unsigned)(syndrome >> 26);
    if (class_has_levels(ec)) {
        ec = (ec & ~1u) | (to == arm_el(a));
        syndrome = (syndrome & ~BITS(31, 26)) | (u64)ec << 26;
    }
    log_if(a->cpu.host->log, LOG_INT,
           "cpu %u: exception %#x in EL%u, syndrome %#llx, pc %#llx, far %#llx, to EL%u\n",
           a->cpu.index, ec, arm_el(a), (unsigned long long)syndrome,
           (unsigned long long)preferred_return, (unsigned long long)far, to);
    if (to == 1 && arm_el1_is_a32(a)) {
        arm_a32_take(a, syndrome, preferred_return);
        return;
    }
    a->sysreg[esr[to]] = syndrome;
    if (class_has_far(ec))
        a->sysreg[far_[to]] = far;
    enter(a, to, ARM_VECTOR_SYNC, preferred_return);
}

void arm_exception(struct arm_cpu *a, u64 syndrome, u64 far, u64 preferred_return)
{
    take(a, default_level(a), syndrome, far, preferred_return);
}

void arm_unwind(struct arm_cpu *a, u64 syndrome, u64 far, u64 preferred_return)
{
    arm_exception(a, syndrome, far, preferred_return);
    a->cpu.unwind = 1;
}

void arm_exception_to(struct arm_cpu *a, unsigned el, u64 syndrome, u64 far, u64 preferred_return)
{
    take(a, MAX(el, default_level(a)), syndrome, far, preferred_return);
}

void arm_trap_to(struct arm_cpu *a, unsigned el, u64 syndrome, u64 preferred_return)
{
    /* CPACR_EL1's trap of EL0 that TGE sends to EL2 is an unknown one there
     * ("AArch64.AdvSIMDFPAccessTrap"). */
    if (el == 1 && arm_el(a) == 0 && arm_hcr(a) & HCR_TGE && syndrome >> 26 == ARM_EC_FP)
        syndrome = ARM_SYNDROME(ARM_EC_UNKNOWN, 0);
    arm_exception_to(a, el, syndrome, 0, preferred_return);
}

void arm_trap_unwind(struct arm_cpu *a, unsigned el, u64 syndrome)
{
    arm_trap_to(a, el, syndrome, a->pc);
    a->cpu.unwind = 1;
}

void arm_undefined(struct arm_cpu *a)
{
    arm_unwind(a, ARM_SYNDROME(ARM_EC_UNKNOWN, 0), 0, a->pc);
}

/* ---- Exceptions that instructions raise ------------------------------------------------------ */

void arm_helper_raise(struct cpu *cpu, u64 syndrome)
{
    arm_unwind(arm_cpu(cpu), syndrome, 0, arm_cpu(cpu)->pc);
}

void arm_helper_undefined(struct cpu *cpu)
{
    arm_undefined(arm_cpu(cpu));
}

/* Of TRAP_IF. */
void arm_helper_undefined_if(struct cpu *cpu, u64 unused)
{
    arm_undefined(arm_cpu(cpu));
}

void arm_helper_sp_alignment(struct cpu *cpu, u64 unused)
{
    arm_unwind(arm_cpu(cpu), ARM_SYNDROME(ARM_EC_SP_ALIGN, 0), 0, arm_cpu(cpu)->pc);
}

void arm_helper_pc_alignment(struct cpu *cpu)
{
    struct arm_cpu *a = arm_cpu(cpu);
    arm_unwind(a, ARM_SYNDROME(ARM_EC_PC_ALIGN, 0), a->pc, a->pc);
}

void arm_helper_fp_trap(struct cpu *cpu)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned to = arm_fp_trap_level(a);
    /* CV is set and COND is 14; EL2 without E2H that takes EL0's by TGE sees an unknown reason. */
    u64 syndrome = ARM_SYNDROME(ARM_EC_FP, BIT(24) | UINT64_C(14) << 20);
    if (!to)
        return; /* switched on by another, meanwhile: tried again */
    arm_trap_unwind(a, to, syndrome);
}

void arm_helper_brk(struct cpu *cpu, u64 comment)
{
    struct arm_cpu *a = arm_cpu(cpu);
    arm_exception_to(a, arm_debug_level(a), ARM_SYNDROME(ARM_EC_BRK64, comment), 0, a->pc);
    cpu->unwind = 1;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

void arm_helper_svc(struct cpu *cpu, u64 immediate)
{
    struct arm_cpu *a = arm_cpu(cpu);
    if (a->stepping)
        a->pstate &= ~PSTATE_SS;
    arm_unwind(a, ARM_SYNDROME(ARM_EC_SVC64, immediate), 0, a->pc + 4);
}

/* A board's firmware answers in place of a level, which need not be there. */
static bool firmware_call(struct arm_cpu *a, bool smc)
{
    u64 x[8];
    if (!a->firmware.call)
        return false;
    memcpy(x, a->x, sizeof(x));
    if (!a->firmware.call(a->firmware.opaque, &a->cpu, smc, x))
        return false;
    memcpy(a->x, x, 4 * sizeof(x[0]));
    for (unsigned i = 0; arm_is_a32(a) && i < 4; i++)
        a->x[i] = (u32)a->x[i];
    a->pc += 4;
    if (arm_is_a32(a))
        arm_a32_it_advance(a);
    return true;
}

void arm_call_hypervisor(struct arm_cpu *a, u64 syndrome)
{
    struct cpu *cpu = &a->cpu;
    if (arm_el(a) && firmware_call(a, false)) {
        cpu->unwind = 1;
        return;
    }
    bool enabled =
        a->has_el3 ? a->sysreg[ARM_SYS_SCR_EL3] & SCR_HCE : !(a->sysreg[ARM_SYS_HCR_EL2] & HCR_HCD);
    if (!a->has_el2 || arm_el(a) == 0 || (arm_el(a) == 1 && !arm_el2_enabled(a)) || !enabled) {
        arm_undefined(a);
        return;
    }
    if (a->stepping)
        a->pstate &= ~PSTATE_SS;
    if (arm_is_a32(a))
        arm_a32_it_advance(a);
    arm_exception_to(a, 2, syndrome, 0, a->pc + 4);
    cpu->unwind = 1;
}

void arm_helper_hvc(struct cpu *cpu, u64 immediate)
{
    arm_call_hypervisor(arm_cpu(cpu), ARM_SYNDROME(ARM_EC_HVC64, immediate));
}

void arm_call_monitor(struct arm_cpu *a, u64 syndrome)
{
    struct cpu *cpu = &a->cpu;
    if (arm_el(a) == 0) {
        arm_undefined(a);
        return;
    }
    /* Trapped by the hypervisor: before the instruction ("AArch64.CheckForSMCUndefOrTrap"). */
    if (arm_el(a) == 1 && arm_hcr(a) & HCR_TSC && (a->has_el3 || a->firmware.call)) {
        arm_trap_unwind(a, 2, syndrome);
        return;
    }
    if (firmware_call(a, true)) {
        cpu->unwind = 1;
        return;
    }
    if (!a->has_el3 || a->sysreg[ARM_SYS_SCR_EL3] & SCR_SMD) {
        arm_undefined(a);
        return;
    }
    if (a->stepping)
        a->pstate &= ~PSTATE_SS;
    if (arm_is_a32(a))
        arm_a32_it_advance(a);
    arm_exception_to(a, 3, syndrome, 0, a->pc + 4);
    cpu->unwind = 1;
}

void arm_helper_smc(struct cpu *cpu, u64 immediate)
{
    arm_call_monitor(arm_cpu(cpu), ARM_SYNDROME(ARM_EC_SMC64, immediate));
}

/* ---- Return ---------------------------------------------------------------------------------- */

/* "IllegalExceptionReturn". */
static bool return_is_illegal(const struct arm_cpu *a, u64 spsr)
{
    unsigned el = (unsigned)(spsr >> 2 & 3);
    bool a32 = spsr & PSTATE_A32;
    if (a32) {
        el = (spsr & 15) != 0;
        if (!arm_cpu_has(a, ARM_EXT_AA32EL0) || !arm_a32_mode_valid((unsigned)(spsr & 31)))
            return true;
    } else if (spsr & BIT(1) || (el == 0 && spsr & PSTATE_SP)) {
        return true;
    }
    /* EL1's state is known, and EL0's where EL1's is AArch32. */
    if (a32 ? el == 1 && !arm_el1_is_a32(a) : el < 2 && arm_el1_is_a32(a))
        return true;
    if (el > arm_el(a) || (el == 3 && !a->has_el3) || (el == 2 && !a->has_el2))
        return true;
    if (el == 2 && a->has_el3 && !(a->sysreg[ARM_SYS_SCR_EL3] & SCR_NS))
        return true;
    if (el == 1 && arm_hcr(a) & HCR_TGE)
        return true;
    return false;
}

/* Instruction addresses lose their tag as the level returned to has it ("AArch64.BranchAddr"). */
static u64 branch_address(const struct arm_cpu *a, u64 target)
{
    unsigned high = (unsigned)(target >> 55 & 1);
    u64 tbi = (arm_mode(a) & ARM_MODE_TBI) >> ARM_MODE_TBI_SHIFT;
    if (!(tbi >> high & 1))
        return target;
    bool sign = arm_regime_el(a) == 1 || (arm_regime_el(a) == 2 && arm_hcr(a) & HCR_E2H);
    return sign ? (u64)bits_sext(target, 56) : target & BITS(55, 0);
}

void arm_helper_eret(struct cpu *cpu, u64 target)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 spsr = a->spsr_el[arm_el(a)];
    bool stepped = arm_debug_step_enabled(a); /* and so is no return to what is to be stepped */
    if (return_is_illegal(a, spsr)) {
        /* Level, stack pointer and state stay; IL makes the next instruction raise. */
        u64 kept = a->pstate & (PSTATE_SP | 12), same = PSTATE_SS;
        log_if(cpu->host->log, LOG_GUEST_ERRORS,
               "cpu %u: illegal return from EL%u to PSTATE %#llx\n", cpu->index, arm_el(a),
               (unsigned long long)spsr);
        arm_pstate_write(a, (spsr & ~(15 | PSTATE_A32 | same)) | kept | PSTATE_IL);
        a->pc = target;
    } else {
        arm_pstate_write(a, spsr);
        a->pc = !(spsr & PSTATE_A32) ? branch_address(a, target)
                                     : (u32)target & (spsr & PSTATE_T ? ~1u : ~3u);
    }
    if (stepped || !arm_debug_step_enabled(a))
        a->pstate &= ~PSTATE_SS;
    /* BTYPE is where an indirect branch to here would have left it. */
    u64 type = arm_is_a32(a) ? 0 : (a->pstate & PSTATE_BTYPE) >> 10;
    a->branch_target = type ? (a->pc & ~UINT64_C(3)) | type : 0;
    a->pstate &= ~(arm_is_a32(a) ? 0 : PSTATE_BTYPE);
    jit_clear_exclusive(cpu);
    a->stepping = false;
    atomic_store(&a->event, 1);
    arm_state_changed(a);
}

/* ---- Interrupts
 * -----------------------------------------------------------------------------------------------
 */

/* Where a physical interrupt goes, by SCR_EL3's and HCR_EL2's bits ("D1.3.6"). */
static unsigned physical_level(const struct arm_cpu *a, u64 scr, u64 mo)
{
    if (a->has_el3 && a->sysreg[ARM_SYS_SCR_EL3] & scr)
        return 3;
    return arm_hcr(a) & (mo | HCR_TGE) ? 2 : 1;
}

/* "Asynchronous exception masking": a higher level's cannot be masked, but EL2's at the host's EL0;
 * a lower one's waits. */
static bool is_masked(const struct arm_cpu *a, unsigned to, u64 mask)
{
    unsigned el = arm_el(a);
    bool pstate = a->pstate & mask;
    if (to < el)
        return true;
    if (to == el || to == 1)
        return pstate;
    if (to == 2 && el == 0 && arm_is_host(a))
        return pstate;
    return false;
}

struct source {
    u8 wire;
    u64 scr, mo, mask;
    enum arm_vector_offset vector;
};
static const struct source physical[] = {
    {ARM_IRQ_SERROR, SCR_EA, HCR_AMO, PSTATE_A, ARM_VECTOR_SERROR},
    {ARM_IRQ_FIQ, SCR_FIQ, HCR_FMO, PSTATE_F, ARM_VECTOR_FIQ},
    {ARM_IRQ_IRQ, SCR_IRQ, HCR_IMO, PSTATE_I, ARM_VECTOR_IRQ},
};
/* HCR_EL2's own virtual interrupts, and the wires of a GIC. */
static const struct source virtual[] = {
    {0xff, HCR_VSE, HCR_AMO, PSTATE_A, ARM_VECTOR_SERROR},
    {ARM_IRQ_VFIQ, HCR_VF, HCR_FMO, PSTATE_F, ARM_VECTOR_FIQ},
    {ARM_IRQ_VIRQ, HCR_VI, HCR_IMO, PSTATE_I, ARM_VECTOR_IRQ},
};

static void take_interrupt(struct arm_cpu *a, unsigned to, enum arm_vector_offset vector)
{
    log_if(a->cpu.host->log, LOG_INT, "cpu %u: interrupt %#x in EL%u, pc %#llx, to EL%u\n",
           a->cpu.index, (unsigned)vector, arm_el(a), (unsigned long long)a->pc, to);
    if (to == 1 && arm_el1_is_a32(a))
        arm_a32_take_interrupt(a, vector);
    else
        enter(a, to, vector, a->pc);
}

static bool is_virtual_pending(const struct arm_cpu *a, const struct source *s, u32 wires)
{
    u64 hcr = arm_hcr(a);
    if (arm_el(a) > 1 || hcr & HCR_TGE || !(hcr & s->mo))
        return false;
    return hcr & s->scr || (s->wire < 32 && wires >> s->wire & 1);
}

/* A GIC's group 1 of one Security state is IRQ in that state, below EL3, and FIQ elsewhere (GIC
 * architecture, 4.6.2). */
static u32 resolved_wires(const struct arm_cpu *a, u32 wires)
{
    if (likely(!(wires & (BIT(ARM_IRQ_GROUP1S) | BIT(ARM_IRQ_GROUP1NS)))))
        return wires;
    bool below = arm_el(a) < 3;
    u32 own = arm_is_secure(a) ? BIT(ARM_IRQ_GROUP1S) : BIT(ARM_IRQ_GROUP1NS);
    u32 other = own ^ (BIT(ARM_IRQ_GROUP1S) | BIT(ARM_IRQ_GROUP1NS));
    u32 fiq = below ? other : own | other;
    return wires | (wires & fiq ? BIT(ARM_IRQ_FIQ) : 0) |
           (below && wires & own ? BIT(ARM_IRQ_IRQ) : 0);
}

/* The first that is not masked; *to: the level it goes to. */
static const struct source *due_physical(const struct arm_cpu *a, u32 wires, unsigned *to)
{
    for (unsigned i = 0; i < ARRAY_SIZE(physical); i++) {
        const struct source *s = &physical[i];
        *to = physical_level(a, s->scr, s->mo);
        if (wires >> s->wire & 1 && !is_masked(a, *to, s->mask))
            return s;
    }
    return NULL;
}

static const struct source *due_virtual(const struct arm_cpu *a, u32 wires)
{
    for (unsigned i = 0; i < ARRAY_SIZE(virtual); i++) {
        const struct source *s = &virtual[i];
        if (is_virtual_pending(a, s, wires) && !(a->pstate & s->mask))
            return s;
    }
    return NULL;
}

static bool may_be_due(const struct arm_cpu *a, u32 wires)
{
    return wires || arm_hcr(a) & (HCR_VF | HCR_VI | HCR_VSE);
}

/* ---- Deferred errors -------------------------------------------------------------------------- */

/* "ReportDeferredSError": as DISR has it for the level that would have taken the error. */
static u64 deferred(const struct arm_cpu *a, unsigned to, u64 syndrome)
{
    u64 v = BIT(31);
    if (to == 1 && arm_el1_is_a32(a))
        return v | arm_a32_fault_status(a, ARM_FSC_ASYNC) | (syndrome & ARM_VSESR32);
    return v | (syndrome & BITS(24, 0));
}

/* "AArch64.ESBOperation", "AArch64.vESBOperation" */
static void defer_errors(struct arm_cpu *a)
{
    const struct source *s = &physical[0], *v = &virtual[0];
    u32 wires = atomic_load_explicit(&a->irq_wires, memory_order_acquire);
    unsigned to = physical_level(a, s->scr, s->mo);
    if (wires & BIT(s->wire) && is_masked(a, to, s->mask)) {
        a->sysreg[ARM_SYS_DISR_EL1] = deferred(a, to, 0);
        atomic_fetch_and(&a->irq_wires, ~(u32)BIT(s->wire));
    }
    if (is_virtual_pending(a, v, wires) && a->pstate & v->mask) {
        a->sysreg[ARM_SYS_VDISR_EL2] = deferred(a, 1, a->sysreg[ARM_SYS_VSESR_EL2]);
        a->sysreg[ARM_SYS_HCR_EL2] &= ~HCR_VSE;
    }
}

void arm_helper_esb(struct cpu *cpu, u64 length)
{
    struct arm_cpu *a = arm_cpu(cpu);
    a->pc += length;
    defer_errors(a);
}

/* EL1 whose errors are EL2's or EL3's sees the virtual one, or none ("DISR_EL1"). */
static u64 *disr(struct arm_cpu *a)
{
    unsigned el = arm_el(a);
    if (el == 1 && arm_hcr(a) & HCR_AMO)
        return &a->sysreg[ARM_SYS_VDISR_EL2];
    if (el < 3 && a->has_el3 && a->sysreg[ARM_SYS_SCR_EL3] & SCR_EA)
        return NULL;
    return &a->sysreg[ARM_SYS_DISR_EL1];
}

u64 arm_get_disr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    u64 *at = disr(a);
    return at ? *at : 0;
}

void arm_set_disr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    u64 *at = disr(a);
    if (at)
        *at = v;
}

/* ---- Interrupts taken ------------------------------------------------------------------------- */

bool arm_interrupt_is_due(const struct arm_cpu *a)
{
    u32 wires = atomic_load_explicit(&((struct arm_cpu *)a)->irq_wires, memory_order_acquire);
    unsigned to;
    return may_be_due(a, wires) && (due_physical(a, resolved_wires(a, wires), &to) || due_virtual(a, wires));
}

static bool take_physical(struct arm_cpu *a, u32 wires)
{
    unsigned to;
    const struct source *s = due_physical(a, wires, &to);
    if (!s)
        return false;
    if (s->vector == ARM_VECTOR_SERROR) {
        a->sysreg[esr[to]] = ARM_SYNDROME(ARM_EC_SERROR, 0);
        atomic_fetch_and(&a->irq_wires, ~(u32)BIT(ARM_IRQ_SERROR));
    }
    take_interrupt(a, to, s->vector);
    return true;
}

static bool take_virtual(struct arm_cpu *a, u32 wires)
{
    const struct source *s = due_virtual(a, wires);
    if (!s)
        return false;
    if (s->vector == ARM_VECTOR_SERROR) {
        u64 vsesr = arm_cpu_has(a, ARM_EXT_RAS) ? a->sysreg[ARM_SYS_VSESR_EL2] : 0;
        a->sysreg[ARM_SYS_HCR_EL2] &= ~HCR_VSE;
        a->sysreg[ARM_SYS_ESR_EL1] = ARM_SYNDROME(ARM_EC_SERROR, vsesr & BITS(24, 0));
        take_interrupt(a, 1, s->vector);
        if (arm_is_a32(a))
            a->sysreg[ARM_SYS_ESR_EL1] |= vsesr & ARM_VSESR32;
        return true;
    }
    take_interrupt(a, 1, s->vector);
    return true;
}

/* ISR_EL1: what is pending, of the virtual ones where HCR_EL2 gives EL1 those. */
u64 arm_get_isr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    u32 wires = resolved_wires(a, atomic_load(&a->irq_wires));
    u64 hcr = arm_hcr(a), isr = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(physical); i++) {
        bool is_virtual = arm_el(a) == 1 && hcr & physical[i].mo && !(hcr & HCR_TGE);
        bool pending =
            is_virtual ? is_virtual_pending(a, &virtual[i], wires) : wires >> physical[i].wire & 1;
        isr |= pending ? physical[i].mask : 0;
    }
    return isr;
}

bool arm_interrupt(struct cpu *cpu)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u32 wires = atomic_load_explicit(&a->irq_wires, memory_order_acquire);
    if (unlikely(a->sync_wait) && !arm_sync_done(a))
        return false;
    if (unlikely(wires) && take_physical(a, resolved_wires(a, wires)))
        return true;
    if (unlikely(may_be_due(a, wires) && take_virtual(a, wires)))
        return true;
    if (unlikely(a->pstate & PSTATE_IL)) {
        arm_exception(a, ARM_SYNDROME(ARM_EC_ILLEGAL_STATE, 0), 0, a->pc);
        return true;
    }
    return unlikely(cpu->mode & ARM_MODE_SS) && arm_debug_check(a);
}

/* SError is an edge, the others are levels. */
void arm_set_irq(struct cpu *cpu, unsigned n, int level)
{
    struct arm_cpu *a = arm_cpu(cpu);
    assert(n < ARM_IRQS);
    if (level) {
        if (!(atomic_fetch_or(&a->irq_wires, (u32)BIT(n)) & BIT(n)))
            cpu_kick(cpu, CPU_EXIT_IRQ);
    } else if (n != ARM_IRQ_SERROR) {
        atomic_fetch_and(&a->irq_wires, ~(u32)BIT(n));
    }
}
