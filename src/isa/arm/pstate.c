/*
 * pstate.c - PSTATE: condition flags, stack pointers by level, SPSR's form of it, and the mode word
 * that follows.
 *
 * Manual: DDI 0487, D1.4 (PSTATE), C5.2.19 (SPSR_EL1). On the CPU's thread.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"

/* ---- Condition flags ------------------------------------------------------------------------- */

u32 arm_nzcv(const struct arm_cpu *a)
{
    u64 other = (a->cc_c & 1) << 32 | (u32)a->cc_nz;
    return (u32)arm_helper_nzcv_a32(NULL, a->cc_op, a->cc_x, a->cc_y, other);
}

void arm_nzcv_set(struct arm_cpu *a, u32 nzcv)
{
    a->cc_op = ARM_CC_NZCV;
    a->cc_x = nzcv;
    a->cc_y = 0;
}

/* ---- Levels ---------------------------------------------------------------------------------- */

bool arm_is_secure(const struct arm_cpu *a)
{
    if (!a->has_el3)
        return false;
    return arm_el(a) == 3 || !(a->sysreg[ARM_SYS_SCR_EL3] & SCR_NS);
}

/* Secure EL2 is not implemented: EL2 is there when SCR_EL3.NS is set. EL3 sees the world that NS
 * names. */
bool arm_el2_enabled(const struct arm_cpu *a)
{
    return a->has_el2 && (!a->has_el3 || a->sysreg[ARM_SYS_SCR_EL3] & SCR_NS);
}

u64 arm_hcr(const struct arm_cpu *a)
{
    return arm_el2_enabled(a) ? a->sysreg[ARM_SYS_HCR_EL2] : 0;
}

bool arm_is_host(const struct arm_cpu *a)
{
    u64 hcr = arm_hcr(a);
    if (!(hcr & HCR_E2H))
        return false;
    return arm_el(a) == 2 || (arm_el(a) == 0 && hcr & HCR_TGE);
}

/* From AArch32: all stack pointers are in their places, and User mode's registers in theirs. */
static void leave_a32(struct arm_cpu *a, unsigned to)
{
    arm_a32_bank_switch(a, ARM_M_USR);
    a->it = a->ge = a->q = 0;
    a->sp = a->sp_el[to];
    a->pstate &= ~BITS(4, 0);
}

/* To AArch32, in User mode. */
static void enter_a32(struct arm_cpu *a)
{
    a->sp_el[a->pstate & PSTATE_SP ? arm_el(a) : 0] = a->sp;
    for (unsigned i = 0; i < 15; i++)
        a->x[i] = (u32)a->x[i];
    a->pstate = ARM_M_USR;
}

void arm_bank_switch(struct arm_cpu *a, unsigned el, bool spsel)
{
    unsigned from = a->pstate & PSTATE_SP ? arm_el(a) : 0, to = spsel ? el : 0;
    if (arm_is_a32(a)) {
        leave_a32(a, to);
    } else if (from != to) {
        a->sp_el[from] = a->sp;
        a->sp = a->sp_el[to];
    }
    a->pstate = (a->pstate & ~(PSTATE_SP | 12)) | (spsel ? PSTATE_SP : 0) | (u64)el << 2;
}

u64 arm_pstate_read(const struct arm_cpu *a)
{
    return a->pstate | arm_nzcv(a) | a->it | a->ge | a->q;
}

/* What SPSR_ELx and PSTATE have in common, by features. */
static u64 pstate_known(const struct arm_cpu *a)
{
    u64 known = BITS(9, 6) | 15 | PSTATE_IL | PSTATE_SS;
    known |= arm_cpu_has(a, ARM_EXT_BTI) ? PSTATE_BTYPE : 0;
    known |= arm_cpu_has(a, ARM_EXT_SSBS) ? PSTATE_SSBS : 0;
    known |= arm_cpu_has(a, ARM_EXT_PAN) ? PSTATE_PAN : 0;
    known |= arm_cpu_has(a, ARM_EXT_UAO) ? PSTATE_UAO : 0;
    known |= arm_cpu_has(a, ARM_EXT_DIT) ? PSTATE_DIT : 0;
    return known;
}

/* ... of AArch32; IT, GE and Q have places of their own. */
static u64 pstate_known_a32(const struct arm_cpu *a)
{
    u64 known = BITS(9, 0) | PSTATE_IL | PSTATE_SS;
    known |= arm_cpu_has(a, ARM_EXT_SSBS) ? CPSR_SSBS : 0;
    known |= arm_cpu_has(a, ARM_EXT_PAN) ? PSTATE_PAN : 0;
    known |= arm_cpu_has(a, ARM_EXT_DIT) ? PSTATE_DIT : 0;
    return known;
}

static void write_a32(struct arm_cpu *a, u64 spsr)
{
    if (!arm_is_a32(a))
        enter_a32(a);
    arm_a32_bank_switch(a, (unsigned)(spsr & 31));
    a->pstate = spsr & pstate_known_a32(a);
    a->it = spsr & PSTATE_T ? spsr & PSTATE_IT : 0;
    a->ge = spsr & PSTATE_GE;
    a->q = spsr & PSTATE_Q;
}

void arm_pstate_write(struct arm_cpu *a, u64 spsr)
{
    arm_nzcv_set(a, (u32)spsr & UINT32_C(0xf0000000));
    if (spsr & PSTATE_A32) {
        write_a32(a, spsr);
        return;
    }
    arm_bank_switch(a, (unsigned)(spsr >> 2 & 3), spsr & PSTATE_SP);
    a->pstate = spsr & pstate_known(a);
}

/* ---- The mode word --------------------------------------------------------------------------- */

/* Is FP and SIMD used at this level trapped, by any level ("AArch64.CheckFPAdvSIMDEnabled")? */
static bool fp_traps(const struct arm_cpu *a)
{
    return arm_fp_trap_level(a) != 0;
}

/* A level whose FPEN field says "trap": 0 and 2 always, 1 at EL0. */
static bool fpen_traps(u64 reg, unsigned el)
{
    unsigned fpen = (unsigned)(reg >> CPACR_FPEN_SHIFT & 3);
    return !(fpen & 1) || (fpen == 1 && el == 0);
}

/* AArch32 EL1 has its own switch too; it is no trap, the instruction is UNDEFINED. */
static bool fpexc_traps(const struct arm_cpu *a)
{
    return arm_is_a32(a) && arm_el1_is_a32(a) &&
           !(a->sysreg[ARM_SYS_FPEXC32_EL2] & ARM_FPEXC_EN);
}

unsigned arm_fp_trap_level(const struct arm_cpu *a)
{
    unsigned el = arm_el(a);
    u64 hcr = arm_hcr(a), cptr = a->sysreg[ARM_SYS_CPTR_EL2];
    bool host_el0 = el == 0 && (hcr & (HCR_E2H | HCR_TGE)) == (HCR_E2H | HCR_TGE);
    if (el <= 1 && !host_el0 && fpen_traps(a->sysreg[ARM_SYS_CPACR_EL1], el))
        return 1;
    if (!host_el0 && fpexc_traps(a))
        return 1;
    if (el <= 2 && arm_el2_enabled(a)) {
        if (hcr & HCR_E2H) {
            /* FPEN = 01 traps EL0 only where TGE makes it the host's */
            unsigned fpen = (unsigned)(cptr >> CPACR_FPEN_SHIFT & 3);
            if (!(fpen & 1) || (fpen == 1 && host_el0))
                return 2;
        } else if (cptr & CPTR_TFP) {
            return 2;
        }
    }
    return a->has_el3 && a->sysreg[ARM_SYS_CPTR_EL3] & CPTR_TFP ? 3 : 0;
}

static enum arm_fpcr_class fpcr_class(u32 fpcr)
{
    if (fpcr & (BIT(24) | BIT(19) | BIT(26)))
        return ARM_FPC_SOFT;
    return fpcr & BIT(25) ? ARM_FPC_DN : ARM_FPC_HOST;
}

/* TBI of instruction addresses: bit 0 for addresses with bit 55 clear, bit 1 for the others. */
static u64 mode_tbi(const struct arm_cpu *a, bool two, u64 tcr)
{
    bool pauth = arm_cpu_has(a, ARM_EXT_PAUTH);
    if (!two)
        return tcr & TCR2_TBI && !(pauth && tcr & TCR2_TBID) ? 3 : 0;
    u64 low = tcr & TCR_TBI0 && !(pauth && tcr & TCR_TBID0);
    u64 high = tcr & TCR_TBI1 && !(pauth && tcr & TCR_TBID1);
    return low | high << 1;
}

/* The level whose registers rule data and code of the current one: EL0 belongs to EL1 or, as the
 * host's, to EL2. */
unsigned arm_regime_el(const struct arm_cpu *a)
{
    unsigned el = arm_el(a);
    return el ? el : arm_is_host(a) ? 2 : 1;
}

u64 arm_sctlr(const struct arm_cpu *a)
{
    static const u16 ids[4] = {0, ARM_SYS_SCTLR_EL1, ARM_SYS_SCTLR_EL2, ARM_SYS_SCTLR_EL3};
    return a->sysreg[ids[arm_regime_el(a)]];
}

/* What is AArch32's alone, and what it does not have. */
static u64 mode_a32(const struct arm_cpu *a, u64 mode)
{
    u64 it = (a->it >> 25 & 3) | (a->it >> 10 & 63) << 2;
    mode &= ~(ARM_MODE_SA | ARM_MODE_BE | ARM_MODE_TBI);
    mode |= ARM_MODE_A32 | it << ARM_MODE_IT_SHIFT;
    mode |= a->pstate & PSTATE_T ? ARM_MODE_T : 0;
    if (arm_el1_is_a32(a) && a->sysreg[ARM_SYS_CPACR_EL1] & CPACR32_ASEDIS)
        mode |= ARM_MODE_ASEDIS;
    return mode | (a->pstate & PSTATE_E ? ARM_MODE_BE : 0);
}

u64 arm_mode(const struct arm_cpu *a)
{
    static const u16 tcrs[4] = {0, ARM_SYS_TCR_EL1, ARM_SYS_TCR_EL2, ARM_SYS_TCR_EL3};
    unsigned el = arm_el(a), regime = arm_regime_el(a);
    u64 sctlr = arm_sctlr(a), mode = el, tcr = a->sysreg[tcrs[regime]];
    bool e2h = regime == 2 && arm_hcr(a) & HCR_E2H;
    if (fp_traps(a))
        mode |= 1 << ARM_MODE_FP_SHIFT;
    mode |= (u64)fpcr_class(a->fpcr) << ARM_MODE_FPC_SHIFT;
    /* Without translation data is Device memory, whose alignment is always checked ("B2.10.1"). */
    if (sctlr & SCTLR_A || (!(sctlr & SCTLR_M) && !(regime == 1 && arm_hcr(a) & HCR_DC)))
        mode |= ARM_MODE_A;
    if (sctlr & (el ? SCTLR_SA : SCTLR_SA0))
        mode |= ARM_MODE_SA;
    if (sctlr & (el ? SCTLR_EE : SCTLR_E0E))
        mode |= ARM_MODE_BE;
    if (el >= 2 && arm_hcr(a) & HCR_E2H)
        mode |= ARM_MODE_E2H;
    if (arm_debug_active(a))
        mode |= ARM_MODE_SS;
    mode |= mode_tbi(a, regime == 1 || e2h, tcr) << ARM_MODE_TBI_SHIFT;
    if (unlikely(arm_is_a32(a)))
        mode = mode_a32(a, mode);
    return mode | a->ext_hash << ARM_MODE_SET_SHIFT;
}

void arm_state_changed(struct arm_cpu *a)
{
    a->cpu.mode = arm_mode(a);
    a->cpu.context_stamp++;
    if (unlikely(a->pmu_by_level))
        arm_pmu_level(a);
}
