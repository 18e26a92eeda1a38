/*
 * a32.c - AArch32 at EL1 and EL0: modes, banked registers, CPSR and SPSR, exceptions that EL1 takes
 * itself; a32.h has where registers are.
 *
 * Manual: DDI 0487, G1 (the AArch32 system level), "AArch32.EnterMode", "AArch32.ExceptionReturn",
 * "CPSRWriteByInstr". There is neither EL2 nor EL3 in AArch32. On the CPU's thread.
 */
#include "isa/arm/a32.h"

#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/arm/walk.h"
#include "jit/translate.h"

/* ---- Which levels ---------------------------------------------------------------------------- */

/* "ELStateUsingAArch32". SCR_EL3.RW counts where there is no EL2 below: EL2 is AArch64's only. */
bool arm_el1_is_a32(const struct arm_cpu *a)
{
    if (!arm_cpu_has(a, ARM_EXT_AA32EL1))
        return false;
    if (arm_el2_enabled(a)) {
        u64 hcr = a->sysreg[ARM_SYS_HCR_EL2], host = HCR_E2H | HCR_TGE;
        return !(hcr & HCR_RW) && (hcr & host) != host;
    }
    if (a->has_el3)
        return !(a->sysreg[ARM_SYS_SCR_EL3] & SCR_RW);
    return !a->aarch64;
}

bool arm_a32_mode_valid(unsigned mode)
{
    switch (mode) {
    case ARM_M_USR:
    case ARM_M_FIQ:
    case ARM_M_IRQ:
    case ARM_M_SVC:
    case ARM_M_ABT:
    case ARM_M_UND:
    case ARM_M_SYS: return true;
    default: return false;
    }
}

/* ---- Banks ----------------------------------------------------------------------------------- */

/* Place in x[] of a mode's own r13; its r14 is beside it. 13: it has none. */
static unsigned home(unsigned mode, unsigned n)
{
    static const u8 sp[32] = {
        [ARM_M_IRQ] = 17, [ARM_M_SVC] = 19, [ARM_M_ABT] = 21, [ARM_M_UND] = 23};
    if (mode == ARM_M_FIQ && n >= 8)
        return n + 16;
    return n >= 13 && sp[mode & 31] ? sp[mode & 31] - (n - 13) : n;
}

static void swap_bank(struct arm_cpu *a, unsigned mode)
{
    for (unsigned n = 8; n < 15; n++) {
        unsigned at = home(mode, n);
        u64 v = a->x[n];
        a->x[n] = (u32)a->x[at];
        a->x[at] = v;
    }
}

void arm_a32_bank_switch(struct arm_cpu *a, unsigned mode)
{
    unsigned from = arm_a32_mode(a);
    if (from == mode)
        return;
    swap_bank(a, from);
    swap_bank(a, mode);
    a->pstate = (a->pstate & ~UINT64_C(31)) | mode;
}

u64 *arm_a32_reg(struct arm_cpu *a, unsigned mode, unsigned n)
{
    unsigned own = home(mode, n), current = home(arm_a32_mode(a), n);
    if (own == current)
        return &a->x[n];
    return &a->x[own == n ? current : own];
}

unsigned arm_a32_x(const struct arm_cpu *a, unsigned n)
{
    return home(arm_a32_mode(a), n);
}

u64 *arm_a32_spsr(struct arm_cpu *a, unsigned mode)
{
    switch (mode) {
    case ARM_M_FIQ: return &a->sysreg[ARM_SYS_SPSR_FIQ];
    case ARM_M_IRQ: return &a->sysreg[ARM_SYS_SPSR_IRQ];
    case ARM_M_SVC: return &a->spsr_el[1];
    case ARM_M_ABT: return &a->sysreg[ARM_SYS_SPSR_ABT];
    case ARM_M_UND: return &a->sysreg[ARM_SYS_SPSR_UND];
    default: return NULL;
    }
}

/* ---- CPSR ------------------------------------------------------------------------------------ */

/* SPSR_ELx has DIT elsewhere, and SS. */
u32 arm_cpsr(const struct arm_cpu *a)
{
    u64 v = arm_pstate_read(a);
    u64 dit = v & PSTATE_DIT ? CPSR_DIT : 0;
    return (u32)((v & ~(PSTATE_DIT | PSTATE_SS)) | dit);
}

static u64 pstate_of(u32 cpsr)
{
    u64 dit = cpsr & CPSR_DIT ? PSTATE_DIT : 0;
    return (cpsr & ~(u64)(PSTATE_DIT | PSTATE_SS)) | dit;
}

/* "AArch32.WriteModeByInstr": a mode that is not there leaves the mode, and PSTATE.IL. */
static void write_mode(struct arm_cpu *a, unsigned mode)
{
    if (mode == arm_a32_mode(a))
        return;
    if (arm_a32_mode_valid(mode))
        arm_a32_bank_switch(a, mode);
    else
        a->pstate |= PSTATE_IL;
}

static void put(struct arm_cpu *a, u64 bits, u64 v)
{
    a->pstate = (a->pstate & ~bits) | (v & bits);
}

void arm_cpsr_write(struct arm_cpu *a, u32 v, unsigned mask)
{
    u64 new = pstate_of(v);
    bool privileged = arm_el(a) != 0;
    if (mask & 8) {
        arm_nzcv_set(a, v & UINT32_C(0xf0000000));
        a->q = v & PSTATE_Q;
    }
    if (mask & 4) {
        a->ge = v & PSTATE_GE;
        put(a, arm_cpu_has(a, ARM_EXT_SSBS) ? CPSR_SSBS : 0, new);
        put(a, arm_cpu_has(a, ARM_EXT_DIT) ? PSTATE_DIT : 0, new);
        put(a, arm_cpu_has(a, ARM_EXT_PAN) && privileged ? PSTATE_PAN : 0, new);
    }
    if (mask & 2)
        put(a, PSTATE_E | (privileged ? PSTATE_A : 0), new);
    if (mask & ARM_MSR_MODE && privileged)
        write_mode(a, v & 31);
    if (mask & 1 && privileged) {
        put(a, PSTATE_I | PSTATE_F, new);
        write_mode(a, v & 31);
    }
    arm_state_changed(a);
}

/* "IllegalExceptionReturn", from AArch32. */
static bool return_is_illegal(const struct arm_cpu *a, u32 spsr)
{
    unsigned mode = spsr & 31;
    if (!arm_a32_mode_valid(mode))
        return true;
    return mode != ARM_M_USR && (arm_el(a) == 0 || arm_hcr(a) & HCR_TGE);
}

void arm_a32_return(struct arm_cpu *a, u32 pc, u32 spsr)
{
    if (return_is_illegal(a, spsr)) {
        log_if(a->cpu.host->log, LOG_GUEST_ERRORS, "cpu %u: illegal return to CPSR %#x\n",
               a->cpu.index, spsr);
        u64 kept = a->pstate & (31 | PSTATE_T);
        u64 it = a->it;
        arm_pstate_write(a, (pstate_of(spsr) & ~(31 | PSTATE_T)) | kept | PSTATE_IL);
        a->it = it;
    } else {
        arm_pstate_write(a, pstate_of(spsr));
    }
    a->pc = pc & (a->pstate & PSTATE_T ? ~1u : ~3u);
    jit_clear_exclusive(&a->cpu);
    atomic_store(&a->event, 1);
    arm_state_changed(a);
}

void arm_a32_it_advance(struct arm_cpu *a)
{
    u64 it = (a->it >> 25 & 3) | (a->it >> 10 & 63) << 2;
    it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    a->it = (it & 3) << 25 | (it >> 2) << 10;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

enum { UNDEFINED = 4, CALL = 8, PREFETCH = 12, DATA = 16, IRQ = 24, FIQ = 28 };

static const struct entry {
    u8 mode, lr_a32, lr_t32;
    u16 masks;
} entries[] = {
    [UNDEFINED / 4] = {ARM_M_UND, 4, 2, PSTATE_I},
    [CALL / 4] = {ARM_M_SVC, 0, 0, PSTATE_I},
    [PREFETCH / 4] = {ARM_M_ABT, 4, 4, PSTATE_A | PSTATE_I},
    [DATA / 4] = {ARM_M_ABT, 8, 8, PSTATE_A | PSTATE_I},
    [IRQ / 4] = {ARM_M_IRQ, 4, 4, PSTATE_A | PSTATE_I},
    [FIQ / 4] = {ARM_M_FIQ, 4, 4, PSTATE_A | PSTATE_I | PSTATE_F},
};

/* PSTATE beside mode and masks: what the exception keeps, and what SCTLR says. */
static u64 entry_pstate(const struct arm_cpu *a, u64 sctlr)
{
    u64 v = a->pstate & (PSTATE_A | PSTATE_I | PSTATE_F | PSTATE_PAN | PSTATE_DIT);
    v |= sctlr & SCTLR32_TE ? PSTATE_T : 0;
    v |= sctlr & SCTLR_EE ? PSTATE_E : 0;
    if (arm_cpu_has(a, ARM_EXT_PAN) && !(sctlr & SCTLR_SPAN))
        v |= PSTATE_PAN;
    if (arm_cpu_has(a, ARM_EXT_SSBS) && sctlr & SCTLR32_DSSBS)
        v |= CPSR_SSBS;
    return v;
}

u32 arm_a32_vectors(const struct arm_cpu *a)
{
    if (a->sysreg[ARM_SYS_SCTLR_EL1] & SCTLR32_V)
        return UINT32_C(0xffff0000);
    return (u32)a->sysreg[ARM_SYS_VBAR_EL1] & ~31u;
}

/* "AArch32.EnterMode" */
static void enter(struct arm_cpu *a, unsigned offset, u64 preferred_return)
{
    const struct entry *e = &entries[offset / 4];
    u64 sctlr = a->sysreg[ARM_SYS_SCTLR_EL1];
    u32 base = arm_a32_vectors(a);
    u32 lr = (u32)preferred_return + (a->pstate & PSTATE_T ? e->lr_t32 : e->lr_a32);
    log_if(a->cpu.host->log, LOG_INT,
           "cpu %u: AArch32 exception %#x in mode %#x, pc %#llx, cpsr %#x\n", a->cpu.index, offset,
           arm_a32_mode(a), (unsigned long long)preferred_return, arm_cpsr(a));
    u32 spsr = arm_cpsr(a);
    u64 pstate = entry_pstate(a, sctlr) | e->masks;
    arm_a32_bank_switch(a, e->mode);
    *arm_a32_spsr(a, e->mode) = spsr;
    a->x[14] = lr;
    a->pstate = pstate | e->mode;
    a->it = 0;
    a->pc = base + offset;
    a->stepping = false;
    a->cpu.halted = false;
    arm_state_changed(a);
}

/* ---- Fault status ---------------------------------------------------------------------------- */

/* "EncodeSDFSC": from the codes of long descriptors. */
u32 arm_a32_short_status(unsigned fsc)
{
    bool second = (fsc & 3) == 2;
    switch (fsc & 0x3c) {
    case ARM_FSC_TRANSLATION: return second ? 7 : 5;
    case ARM_FSC_ACCESS_FLAG: return second ? 6 : 3;
    case ARM_FSC_PERMISSION: return second ? 15 : 13;
    case ARM_FSC_DOMAIN: return second ? 11 : 9;
    case ARM_FSC_EXTERNAL_WALK: return second ? 14 : 12;
    case ARM_FSC_EXTERNAL: return fsc == ARM_FSC_ASYNC ? BIT(10) | 6 : 8;
    default: return fsc == ARM_FSC_ALIGNMENT ? 1 : fsc == ARM_FSC_DEBUG ? 2 : 8;
    }
}

/* DFSR or IFSR, by TTBCR.EAE ("G8.2.45"); WnR and CM are DFSR's. */
u32 arm_a32_fault_status(const struct arm_cpu *a, unsigned fsc)
{
    return a->sysreg[ARM_SYS_TCR_EL1] & TTBCR_EAE ? (u32)BIT(9) | fsc : arm_a32_short_status(fsc);
}

static bool has_domain(unsigned fsc)
{
    unsigned kind = fsc & 0x3c;
    return kind == ARM_FSC_DOMAIN || kind == ARM_FSC_PERMISSION || kind == ARM_FSC_ACCESS_FLAG ||
           (kind == ARM_FSC_TRANSLATION && (fsc & 3) == 2);
}

static void set_ifar(struct arm_cpu *a, u64 address)
{
    u64 *far = &a->sysreg[ARM_SYS_FAR_EL1];
    *far = (u32)*far | address << 32;
}

static void set_moe(struct arm_cpu *a, unsigned moe)
{
    u64 *dscr = &a->sysreg[ARM_SYS_MDSCR_EL1];
    *dscr = (*dscr & ~ARM_DSCR_MOE) | moe << 2;
}

/* iss: ESR_ELx's of the abort. */
void arm_a32_abort(struct arm_cpu *a, const struct isa_fault *f, u64 iss)
{
    unsigned fsc = (unsigned)(iss & ARM_FAULT_FSC);
    unsigned domain = has_domain(fsc) && f->access != ISA_FETCH
                          ? (unsigned)((f->code & ARM_FAULT_DOMAIN) >> ARM_FAULT_DOMAIN_SHIFT)
                          : 0;
    u32 status = arm_a32_fault_status(a, fsc);
    if (!(a->sysreg[ARM_SYS_TCR_EL1] & TTBCR_EAE))
        status |= domain << 4;
    if (f->access == ISA_FETCH) {
        a->sysreg[ARM_SYS_IFSR32_EL2] = status;
        set_ifar(a, f->vaddr);
        enter(a, PREFETCH, a->pc);
        return;
    }
    u64 *far = &a->sysreg[ARM_SYS_FAR_EL1];
    if (fsc == ARM_FSC_DEBUG)
        set_moe(a, ARM_MOE_WATCHPOINT);
    status |= iss & BIT(6) ? BIT(11) : 0; /* WnR */
    status |= iss & BIT(8) ? BIT(13) : 0; /* CM */
    a->sysreg[ARM_SYS_ESR_EL1] = status;
    *far = (*far & ~(u64)UINT32_MAX) | (u32)f->vaddr;
    enter(a, DATA, a->pc);
}

/* ---- By syndrome ----------------------------------------------------------------------------- */

static void debug_event(struct arm_cpu *a, unsigned moe, u64 preferred_return)
{
    set_moe(a, moe);
    a->sysreg[ARM_SYS_IFSR32_EL2] = arm_a32_fault_status(a, ARM_FSC_DEBUG);
    enter(a, PREFETCH, preferred_return);
}

/* Traps of EL0 that lead to an EL1 of AArch32 are undefined instructions. Aborts with an address go
 * by arm_a32_abort. */
void arm_a32_take(struct arm_cpu *a, u64 syndrome, u64 preferred_return)
{
    switch ((enum arm_ec)(syndrome >> 26)) {
    case ARM_EC_SVC32: enter(a, CALL, preferred_return); break;
    case ARM_EC_BKPT32: debug_event(a, ARM_MOE_BKPT, preferred_return); break;
    case ARM_EC_VECTOR_CATCH32: debug_event(a, ARM_MOE_VECTOR_CATCH, preferred_return); break;
    case ARM_EC_BREAKPOINT_LOWER:
    case ARM_EC_BREAKPOINT: debug_event(a, ARM_MOE_BREAKPOINT, preferred_return); break;
    default: enter(a, UNDEFINED, preferred_return); break;
    }
}

void arm_a32_take_interrupt(struct arm_cpu *a, unsigned vector)
{
    if (vector == ARM_VECTOR_SERROR) {
        a->sysreg[ARM_SYS_ESR_EL1] = arm_a32_fault_status(a, ARM_FSC_ASYNC);
        enter(a, DATA, a->pc);
        return;
    }
    enter(a, vector == ARM_VECTOR_FIQ ? FIQ : IRQ, a->pc);
}
