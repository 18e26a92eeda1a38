/*
 * helper_a32_system.c - system instructions of A32 and T32: exceptions and returns, CPSR and SPSR,
 * banked registers, waiting.
 *
 * Manual: DDI 0487, F5 and G1. On the CPU's thread.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "jit/translate.h"

/* ---- Returns --------------------------------------------------------------------------------- */

/* User and System mode have no SPSR: UNPREDICTABLE, made UNDEFINED. */
void arm_helper_a32_return(struct cpu *cpu, u64 target)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 *spsr = arm_a32_spsr(a, arm_a32_mode(a));
    if (spsr)
        arm_a32_return(a, (u32)target, (u32)*spsr);
    else
        arm_undefined(a);
}

void arm_helper_a32_rfe(struct cpu *cpu, u64 pc, u64 cpsr)
{
    arm_a32_return(arm_cpu(cpu), (u32)pc, (u32)cpsr);
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

static u64 syndrome_of(enum arm_ec ec, u64 iss, u64 length)
{
    return length == 4 ? ARM_SYNDROME(ec, iss) : ARM_SYNDROME_16(ec, iss);
}

void arm_helper_a32_svc(struct cpu *cpu, u64 immediate, u64 length)
{
    struct arm_cpu *a = arm_cpu(cpu);
    arm_a32_it_advance(a);
    if (a->stepping)
        a->pstate &= ~PSTATE_SS;
    arm_unwind(a, syndrome_of(ARM_EC_SVC32, immediate, length), 0, (u32)(a->pc + length));
}

void arm_helper_a32_hvc(struct cpu *cpu, u64 immediate, u64 unused)
{
    arm_call_hypervisor(arm_cpu(cpu), ARM_SYNDROME(ARM_EC_HVC32, immediate));
}

/* To EL2 its condition is told, to EL3 nothing ("ISS encoding for an exception from SMC"). */
void arm_helper_a32_smc(struct cpu *cpu, u64 unused, u64 unused2)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 told = arm_el(a) == 1 && arm_hcr(a) & HCR_TSC ? BIT(24) | UINT64_C(14) << 20 : 0;
    arm_call_monitor(a, ARM_SYNDROME(ARM_EC_SMC32, told));
}

void arm_helper_a32_bkpt(struct cpu *cpu, u64 immediate, u64 length)
{
    struct arm_cpu *a = arm_cpu(cpu);
    arm_exception_to(a, arm_debug_level(a), syndrome_of(ARM_EC_BKPT32, immediate, length), 0,
                     a->pc);
    cpu->unwind = 1;
}

/* ---- CPSR and SPSR --------------------------------------------------------------------------- */

/* False: UNDEFINED in User and System mode. */
static u64 *own_spsr(struct arm_cpu *a)
{
    u64 *spsr = arm_a32_spsr(a, arm_a32_mode(a));
    if (!spsr)
        arm_undefined(a);
    return spsr;
}

u64 arm_helper_a32_mrs(struct cpu *cpu, u64 saved)
{
    struct arm_cpu *a = arm_cpu(cpu);
    if (!saved)
        return arm_cpsr(a) & CPSR_READ;
    const u64 *spsr = own_spsr(a);
    return spsr ? (u32)*spsr : 0;
}

/* Bits of each byte of the mask. */
static u32 bytes_of(u64 mask)
{
    u32 bits = 0;
    for (unsigned i = 0; i < 4; i++)
        bits |= mask >> i & 1 ? UINT32_C(0xff) << 8 * i : 0;
    return bits;
}

void arm_helper_a32_msr(struct cpu *cpu, u64 saved, u64 mask, u64 value)
{
    struct arm_cpu *a = arm_cpu(cpu);
    if (!saved) {
        arm_cpsr_write(a, (u32)value, (unsigned)mask);
        return;
    }
    u64 *spsr = own_spsr(a);
    if (spsr)
        *spsr = ((u32)*spsr & ~bytes_of(mask)) | (value & bytes_of(mask));
}

/* SCTLR.SED refuses it. */
void arm_helper_a32_setend(struct cpu *cpu, u64 big, u64 length)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 sctlr = a->sysreg[arm_is_host(a) ? ARM_SYS_SCTLR_EL2 : ARM_SYS_SCTLR_EL1];
    if (sctlr & SCTLR32_SED) {
        arm_undefined(a);
        return;
    }
    a->pstate = big ? a->pstate | PSTATE_E : a->pstate & ~(u64)PSTATE_E;
    a->pc = (u32)(a->pc + length);
    arm_state_changed(a);
}

/* ---- Banked registers ------------------------------------------------------------------------ */

enum { R = 32, SPSR_OF = 16 };

/* R, M:M1 ("BankedRegisterAccessValid"): mode, and register or 16 for SPSR. False: there is none
 * here. */
static bool find_banked(u64 name, unsigned *mode, unsigned *n)
{
    static const u8 modes[8] = {ARM_M_IRQ, ARM_M_SVC, ARM_M_ABT, ARM_M_UND};
    unsigned m = (unsigned)(name & 31);
    if (m >= 16 && m < 24) { /* lr, then sp, of each */
        *mode = modes[(m - 16) / 2];
        *n = m & 1 ? 13 : 14;
    } else if (m >= 8 && m < 15) {
        *mode = ARM_M_FIQ;
        *n = m;
    } else if (m < 7) {
        *mode = ARM_M_USR;
        *n = m + 8;
    } else {
        return false;
    }
    if (!(name & R))
        return true;
    bool named = (m == 14) || (m >= 16 && !(m & 1));
    *n = SPSR_OF;
    return named;
}

static u64 *banked(struct arm_cpu *a, u64 name)
{
    unsigned mode, n;
    if (!find_banked(name, &mode, &n)) {
        arm_undefined(a);
        return NULL;
    }
    return n == SPSR_OF ? arm_a32_spsr(a, mode) : arm_a32_reg(a, mode, n);
}

u64 arm_helper_a32_mrs_bank(struct cpu *cpu, u64 name)
{
    const u64 *at = banked(arm_cpu(cpu), name);
    return at ? (u32)*at : 0;
}

void arm_helper_a32_msr_bank(struct cpu *cpu, u64 name, u64 value)
{
    u64 *at = banked(arm_cpu(cpu), name);
    if (at)
        *at = (u32)value;
}

u64 arm_helper_a32_user_get(struct cpu *cpu, u64 n)
{
    return (u32)*arm_a32_reg(arm_cpu(cpu), ARM_M_USR, (unsigned)n);
}

void arm_helper_a32_user_set(struct cpu *cpu, u64 n, u64 value)
{
    *arm_a32_reg(arm_cpu(cpu), ARM_M_USR, (unsigned)n) = (u32)value;
}

u64 arm_helper_a32_bank_get(struct cpu *cpu, u64 name)
{
    return (u32)*arm_a32_reg(arm_cpu(cpu), name & 31, (unsigned)(name >> 8));
}

void arm_helper_a32_bank_set(struct cpu *cpu, u64 name, u64 value)
{
    *arm_a32_reg(arm_cpu(cpu), name & 31, (unsigned)(name >> 8)) = (u32)value;
}

/* ---- Barriers -------------------------------------------------------------------------------- */

void arm_helper_a32_dsb(struct cpu *cpu)
{
    struct arm_cpu *a = arm_cpu(cpu);
    if (!a->tlbi_pending)
        return;
    a->tlbi_pending = false;
    a->sync_wait = true;
}

/* ---- Control registers of VFP ---------------------------------------------------------------- */

#define FPCR_OF_FPSCR (BITS(26, 22) | BIT(19))
#define FPSR_OF_FPSCR (BITS(31, 27) | BIT(7) | BITS(4, 0))

/* Of the registers that do not need FPEXC.EN. */
static bool control_allowed(struct arm_cpu *a, u64 reg, u64 rt, bool read)
{
    u64 *fpexc = &a->sysreg[ARM_SYS_FPEXC32_EL2], kept = *fpexc;
    u64 id = reg == ARM_FP_FPSID ? HCR_TID0 : reg == ARM_FP_FPEXC ? 0 : HCR_TID3;
    u64 iss = BIT(24) | UINT64_C(14) << 20;
    *fpexc |= ARM_FPEXC_EN;
    unsigned to = arm_fp_trap_level(a);
    *fpexc = kept;
    if (to) {
        arm_trap_unwind(a, to, ARM_SYNDROME(ARM_EC_FP, iss));
    } else if (arm_hcr(a) & id && read) {
        to = 2;
        iss |= UINT64_C(7) << 14 | reg << 10 | (u64)arm_a32_x(a, (unsigned)rt) << 5 | 1;
        arm_trap_unwind(a, to, ARM_SYNDROME(ARM_EC_CP10_ID, iss));
    }
    return !to;
}

u64 arm_helper_a32_vmrs(struct cpu *cpu, u64 reg, u64 rt)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 midr = a->sysreg[ARM_SYS_MIDR_EL1];
    if (reg != ARM_FP_FPSCR && !control_allowed(a, reg, rt, true))
        return 0;
    switch (reg) {
    case ARM_FP_FPSCR: return (a->fpcr & FPCR_OF_FPSCR) | (arm_get_fpsr(a, NULL) & FPSR_OF_FPSCR);
    case ARM_FP_FPSID: return (midr & UINT32_C(0xff000fff)) | UINT32_C(0x34000);
    case ARM_FP_MVFR0: return a->sysreg[ARM_SYS_MVFR0_EL1];
    case ARM_FP_MVFR1: return a->sysreg[ARM_SYS_MVFR1_EL1];
    case ARM_FP_MVFR2: return a->sysreg[ARM_SYS_MVFR2_EL1];
    default: return a->sysreg[ARM_SYS_FPEXC32_EL2] & ARM_FPEXC_EN;
    }
}

/* FPSID: a write does nothing. */
void arm_helper_a32_vmsr(struct cpu *cpu, u64 reg, u64 rt, u64 value)
{
    struct arm_cpu *a = arm_cpu(cpu);
    if (reg == ARM_FP_FPSCR) {
        arm_set_fpsr(a, NULL, value);
        arm_set_fpcr(a, NULL, value);
    } else if (control_allowed(a, reg, rt, false) && reg == ARM_FP_FPEXC) {
        a->sysreg[ARM_SYS_FPEXC32_EL2] = (value & ARM_FPEXC_EN) | 0x700;
    }
    if (!cpu->unwind)
        arm_state_changed(a);
}
