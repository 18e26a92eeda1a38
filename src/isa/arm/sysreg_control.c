/*
 * sysreg_control.c - what reading and writing the registers of identification, control and PSTATE
 * does (sysreg.def).
 *
 * Rows with ENDS are followed by arm_state_changed (arm_sysreg_set). On the CPU's thread.
 */
#include "base/host.h"
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "jit/translate.h"

/* ---- Identification -------------------------------------------------------------------------- */

/* EL1 of a guest sees what its hypervisor wrote. */
u64 arm_get_midr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return arm_el(a) == 1 && arm_el2_enabled(a) ? a->sysreg[ARM_SYS_VPIDR_EL2]
                                                : a->sysreg[ARM_SYS_MIDR_EL1];
}

u64 arm_get_mpidr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return arm_el(a) == 1 && arm_el2_enabled(a) ? a->sysreg[ARM_SYS_VMPIDR_EL2] : a->mpidr;
}

/* ID_AA64PFR0_EL1.GIC, ID_PFR1_EL1.GIC: the system register interface, where the board connected one. */
u64 arm_get_pfr0(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->sysreg[ARM_SYS_ID_AA64PFR0_EL1] | (a->gic.read ? BIT(24) : 0);
}

u64 arm_get_pfr1(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->sysreg[ARM_SYS_ID_PFR1_EL1] | (a->gic.read ? BIT(28) : 0);
}

u64 arm_get_ccsidr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    unsigned n = (unsigned)a->sysreg[ARM_SYS_CSSELR_EL1] & 15;
    return n < ARRAY_SIZE(a->ccsidr) ? a->ccsidr[n] : 0;
}

/* DZP follows SCTLR_ELx.DZE and HCR_EL2.TDZ ("D24.2.34"). */
u64 arm_get_dczid(struct arm_cpu *a, const struct arm_sysreg *r)
{
    unsigned el = arm_el(a);
    bool prohibited = false;
    if (el == 0) {
        u64 sctlr = a->sysreg[arm_is_host(a) ? ARM_SYS_SCTLR_EL2 : ARM_SYS_SCTLR_EL1];
        prohibited = !(sctlr & SCTLR_DZE);
    }
    if (el <= 1 && !(el == 0 && arm_is_host(a)) && arm_hcr(a) & HCR_TDZ)
        prohibited = true;
    return (u64)(a->zva_log2 - 2) | (prohibited ? BIT(4) : 0);
}

bool arm_check_highest(const struct arm_cpu *a, const struct arm_sysreg *r)
{
    unsigned highest = a->has_el3 ? 3 : a->has_el2 ? 2 : 1;
    unsigned op1 = arm_enc_op1(r->encoding);
    return highest == (op1 == 6 ? 3 : op1 == 4 ? 2 : 1);
}

u64 arm_get_random(struct arm_cpu *a, const struct arm_sysreg *r)
{
    u64 v;
    host_random(&v, sizeof(v));
    arm_nzcv_set(a, 0);
    return v;
}

/* ---- Control --------------------------------------------------------------------------------- */

/* Bits that are 1 where nothing else is implemented ("D24.2.118": RES1 of Armv8.0). */
#define SCTLR_EL1_RES1  (SCTLR_EOS | BIT(20) | SCTLR_EIS | BIT(28) | BIT(29))
#define SCTLR_EL23_RES1 (BITS(5, 4) | BIT(11) | BIT(16) | BIT(18) | BITS(23, 22) | BITS(29, 28))
/* ... of EL2 where it may be a host's, whose EL0 these bits are about. */
#define SCTLR_EL2_VHE (SCTLR_SA0 | BIT(5) | SCTLR_NTWI | SCTLR_NTWE | SCTLR_SPAN)

static u64 sctlr_known(const struct arm_cpu *a)
{
    u64 known = BITS(31, 0);
    if (arm_cpu_has(a, ARM_EXT_BTI))
        known |= SCTLR_BT0 | SCTLR_BT1;
    if (arm_cpu_has(a, ARM_EXT_SSBS))
        known |= SCTLR_DSSBS;
    if (arm_cpu_has(a, ARM_EXT_PAN3))
        known |= SCTLR_EPAN;
    if (arm_cpu_has(a, ARM_EXT_MOPS))
        known |= BITS(33, 32);
    if (!arm_cpu_has(a, ARM_EXT_PAUTH))
        known &= ~(SCTLR_ENIA | SCTLR_ENIB | SCTLR_ENDA | SCTLR_ENDB);
    return known;
}

void arm_set_sctlr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    unsigned op1 = arm_enc_op1(r->encoding);
    /* For an EL1 of AArch32 it is that one's SCTLR. */
    if (op1 == 0 && arm_el1_is_a32(a)) {
        *arm_sysreg_at(a, r) = (u32)v;
        return;
    }
    u64 res1 = op1 == 0 ? SCTLR_EL1_RES1 : SCTLR_EL23_RES1, known = sctlr_known(a);
    /* A hypervisor gives an EL1 of AArch32 its SCTLR before HCR_EL2.RW says that it is one. */
    if (op1 == 0 && arm_el(a) >= 2 && arm_cpu_has(a, ARM_EXT_AA32EL1)) {
        res1 &= ~SCTLR32_OWN;
        known |= SCTLR32_OWN;
    }
    if (op1 == 4 && arm_cpu_has(a, ARM_EXT_VHE))
        res1 &= ~SCTLR_EL2_VHE;
    if (!arm_cpu_has(a, ARM_EXT_PAN))
        res1 |= SCTLR_SPAN;
    *arm_sysreg_at(a, r) = (v & known) | res1;
}

/* VBAR of an EL1 of AArch32 has more bits, and is kept by EL2 whoever EL1 is just then. */
void arm_set_vbar(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    *arm_sysreg_at(a, r) = v & (arm_cpu_has(a, ARM_EXT_AA32EL1) ? ~UINT64_C(31) : ~UINT64_C(0x7ff));
}

void arm_set_hcr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    u64 known = BITS(33, 0) & ~(BIT(1));
    if (arm_cpu_has(a, ARM_EXT_VHE))
        known |= HCR_E2H;
    if (arm_cpu_has(a, ARM_EXT_LOR))
        known |= HCR_TLOR;
    if (arm_cpu_has(a, ARM_EXT_RAS))
        known |= HCR_TERR | HCR_TEA;
    if (arm_cpu_has(a, ARM_EXT_PAUTH))
        known |= HCR_APK | HCR_API;
    v &= known | BIT(1);
    if (!arm_cpu_has(a, ARM_EXT_AA32EL1))
        v |= HCR_RW;
    *arm_sysreg_at(a, r) = v;
}

/* With E2H the layout is CPACR_EL1's; without, bits 13, 12, 9 and 7..0 are RES1. */
void arm_set_cptr2(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    bool e2h = a->sysreg[ARM_SYS_HCR_EL2] & HCR_E2H;
    *arm_sysreg_at(a, r) = e2h ? v & (BITS(21, 20) | BIT(28) | CPTR_TCPAC)
                               : (v & (CPTR_TFP | CPTR_TCPAC | BIT(20))) | 0x33ff;
}

void arm_set_scr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    u64 known = BITS(13, 0);
    if (arm_cpu_has(a, ARM_EXT_LOR))
        known |= SCR_TLOR;
    if (arm_cpu_has(a, ARM_EXT_RAS))
        known |= SCR_TERR;
    if (arm_cpu_has(a, ARM_EXT_PAUTH))
        known |= SCR_APK | SCR_API;
    if (arm_cpu_has(a, ARM_EXT_ECV))
        known |= SCR_ECVEN;
    if (arm_cpu_has(a, ARM_EXT_RNG))
        known |= SCR_TRNDR;
    v = (v & known) | SCR_RES1;
    if (!arm_cpu_has(a, ARM_EXT_AA32EL1))
        v |= SCR_RW;
    *arm_sysreg_at(a, r) = v;
    arm_timer_update(a);
}

void arm_set_vttbr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    *arm_sysreg_at(a, r) = a->vmid_bits == 16 ? v : v & BITS(55, 0);
}

/* RMR_EL3: a warm reset is asked of the board; AA64 reads as one. */
u64 arm_get_rmr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return 1;
}

void arm_set_rmr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    log_if(a->cpu.host->log, LOG_UNIMP, "cpu %u: warm reset by RMR_EL3 is not supported\n",
           a->cpu.index);
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

/* At EL0's own stack pointer: "UNDEFINED if PSTATE.SP == '0'" ("SP_EL0"). */
bool arm_check_sp_el0(const struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pstate & PSTATE_SP;
}

/* ---- PSTATE ---------------------------------------------------------------------------------- */

u64 arm_get_nzcv(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return arm_nzcv(a);
}

void arm_set_nzcv(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    arm_nzcv_set(a, (u32)v & UINT32_C(0xf0000000));
}

u64 arm_get_pstate(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->pstate & r->mask;
}

void arm_set_pstate(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    a->pstate = (a->pstate & ~r->mask) | (v & r->mask);
}

void arm_set_daif(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    arm_set_pstate(a, r, v);
}

void arm_set_pan(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    arm_set_pstate(a, r, v);
}

void arm_set_spsel(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    arm_bank_switch(a, arm_el(a), v & 1);
}

u64 arm_get_current_el(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return (u64)arm_el(a) << 2;
}

/* ---- Floating point -------------------------------------------------------------------------- */

#define FPCR_KNOWN (BITS(26, 22))
#define FPCR_FZ16  BIT(19)
#define FPSR_NZCV  BITS(31, 28) /* AArch32's */
#define FPSR_KNOWN (BIT(27) | BIT(7) | BITS(4, 0))

u64 arm_get_fpcr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return a->fpcr;
}

/* Traps of float exceptions are not implemented: their enables are RAZ/WI. */
void arm_set_fpcr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    a->fpcr = (u32)(v & (FPCR_KNOWN | (arm_cpu_has(a, ARM_EXT_FP16) ? FPCR_FZ16 : 0)));
    jit_float_reload(&a->cpu);
}

u64 arm_get_fpsr(struct arm_cpu *a, const struct arm_sysreg *r)
{
    jit_float_merge(&a->cpu);
    return a->fpsr;
}

void arm_set_fpsr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    jit_float_merge(&a->cpu);
    a->fpsr = (u32)(v & (FPSR_KNOWN | (arm_cpu_has(a, ARM_EXT_AA32EL0) ? FPSR_NZCV : 0)));
}
