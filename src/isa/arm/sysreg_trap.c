/*
 * sysreg_trap.c - who may access a system register, and what traps it where: the pseudocode of each
 * register's accessibility (DDI 0487, D24, C5), as rules.
 *
 * Rules are tried in order; those for EL0 that lead to EL1 come first. A rule names a control
 * register's bits, so that translated code can test it in line. What does not fit is in special().
 */
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"

enum {
    EL0 = 1,
    EL1 = 2,
    EL2 = 4,
    EL01 = 3,
    EL12 = 6,
    EL012 = 7,
    RD = ARM_DIR_READ,
    WR = ARM_DIR_WRITE,
    RW = 3
};

#define SET(els_, dir_, reg_, mask_, to_)                                                          \
    {                                                                                              \
        .els = els_, .dir = dir_, .to = to_, .reg = ARM_SYS_##reg_, .mask = mask_                  \
    }
#define CLEAR(els_, dir_, reg_, mask_, to_)                                                        \
    {                                                                                              \
        .els = els_, .dir = dir_, .to = to_, .clear = true, .reg = ARM_SYS_##reg_, .mask = mask_   \
    }
/* EL0's enable bit in SCTLR_EL1, or SCTLR_EL2 where that is the host's. */
#define EL0_NEEDS(mask_)                                                                           \
    {                                                                                              \
        .els = EL0, .dir = RW, .to = 1, .clear = true, .reg = ARM_SYS_SCTLR_EL1, .mask = mask_,    \
        .host = true, .host_reg = ARM_SYS_SCTLR_EL2, .host_mask = mask_                            \
    }
/* ... in CNTKCTL_EL1 or CNTHCTL_EL2 */
#define EL0_TIMER(mask_)                                                                           \
    {                                                                                              \
        .els = EL0, .dir = RW, .to = 1, .clear = true, .reg = ARM_SYS_CNTKCTL_EL1, .mask = mask_,  \
        .host = true, .host_reg = ARM_SYS_CNTHCTL_EL2, .host_mask = mask_                          \
    }
#define EL0_PMU(dir_, mask_) CLEAR(EL0, dir_, PMUSERENR_EL0, mask_, 1)
#define PMU_HIGHER           SET(EL01, RW, MDCR_EL2, MDCR_TPM, 2), SET(EL012, RW, MDCR_EL3, MDCR_TPM, 3)

static const struct arm_trap_rule rules[][ARM_TRAP_RULES] = {
    [ARM_TRAP_TID0] = {SET(EL01, RW, HCR_EL2, HCR_TID0, 2)},
    [ARM_TRAP_TID1] = {SET(EL1, RW, HCR_EL2, HCR_TID1, 2)},
    [ARM_TRAP_TID2] = {SET(EL1, RW, HCR_EL2, HCR_TID2, 2)},
    [ARM_TRAP_TID3] = {SET(EL1, RW, HCR_EL2, HCR_TID3, 2)},
    [ARM_TRAP_CTR] = {EL0_NEEDS(SCTLR_UCT), SET(EL01, RW, HCR_EL2, HCR_TID2, 2)},
    [ARM_TRAP_VM] = {SET(EL1, WR, HCR_EL2, HCR_TVM, 2), SET(EL1, RD, HCR_EL2, HCR_TRVM, 2)},
    [ARM_TRAP_ACTLR] = {SET(EL1, RW, HCR_EL2, HCR_TACR, 2)},
    [ARM_TRAP_CPACR] = {SET(EL1, RW, CPTR_EL2, CPTR_TCPAC, 2),
                        SET(EL12, RW, CPTR_EL3, CPTR_TCPAC, 3)},
    [ARM_TRAP_CPTR2] = {SET(EL2, RW, CPTR_EL3, CPTR_TCPAC, 3)},
    [ARM_TRAP_MDCR2] = {SET(EL2, RW, MDCR_EL3, MDCR_TDA, 3)},
    [ARM_TRAP_DAIF] = {EL0_NEEDS(SCTLR_UMA)},
    [ARM_TRAP_LOR] = {SET(EL1, RW, HCR_EL2, HCR_TLOR, 2), SET(EL12, RW, SCR_EL3, SCR_TLOR, 3)},
    [ARM_TRAP_APK] = {CLEAR(EL1, RW, HCR_EL2, HCR_APK, 2), CLEAR(EL12, RW, SCR_EL3, SCR_APK, 3)},
    [ARM_TRAP_RNDR] = {SET(EL012, RW, SCR_EL3, SCR_TRNDR, 3)},
    [ARM_TRAP_CNTPOFF] = {CLEAR(EL2, RW, SCR_EL3, SCR_ECVEN, 3)},
    [ARM_TRAP_PMCR] = {EL0_PMU(RW, 1), SET(EL01, RW, MDCR_EL2, MDCR_TPMCR, 2), PMU_HIGHER},
    [ARM_TRAP_PM_EN] = {EL0_PMU(RW, 1), PMU_HIGHER},
    [ARM_TRAP_PM_SW] = {EL0_PMU(RW, 3), PMU_HIGHER},
    [ARM_TRAP_PM_CR] = {EL0_PMU(RD, 5), EL0_PMU(WR, 1), PMU_HIGHER},
    [ARM_TRAP_PM_ER] = {EL0_PMU(RD, 9), EL0_PMU(WR, 9), PMU_HIGHER},
    [ARM_TRAP_PM_XC] = {EL0_PMU(RD, 9), EL0_PMU(WR, 1), PMU_HIGHER},
    [ARM_TRAP_PM_USER] = {PMU_HIGHER},
    [ARM_TRAP_PM_EL1] = {PMU_HIGHER},
    [ARM_TRAP_DBG] = {SET(EL1, RW, MDCR_EL2, MDCR_TDA | MDCR_TDE, 2),
                      SET(EL12, RW, MDCR_EL3, MDCR_TDA, 3)},
    [ARM_TRAP_DBGOS] = {SET(EL1, RW, MDCR_EL2, MDCR_TDOSA | MDCR_TDE, 2),
                        SET(EL12, RW, MDCR_EL3, MDCR_TDOSA, 3)},
    [ARM_TRAP_DBGRA] = {SET(EL1, RW, MDCR_EL2, MDCR_TDRA | MDCR_TDE, 2),
                        SET(EL12, RW, MDCR_EL3, MDCR_TDA, 3)},
    [ARM_TRAP_DCC] = {SET(EL0, RW, MDSCR_EL1, MDSCR_TDCC, 1),
                      SET(EL01, RW, MDCR_EL2, MDCR_TDA | MDCR_TDE, 2),
                      SET(EL012, RW, MDCR_EL3, MDCR_TDA, 3)},
    [ARM_TRAP_ERR] = {SET(EL1, RW, HCR_EL2, HCR_TERR, 2), SET(EL12, RW, SCR_EL3, SCR_TERR, 3)},
    [ARM_TRAP_ICPU] = {SET(EL1, RW, HCR_EL2, HCR_TPU, 2)},
    [ARM_TRAP_ICVA] = {EL0_NEEDS(SCTLR_UCI), SET(EL01, RW, HCR_EL2, HCR_TPU, 2)},
    [ARM_TRAP_DCPC] = {SET(EL1, RW, HCR_EL2, HCR_TPCP, 2)},
    [ARM_TRAP_DCSW] = {SET(EL1, RW, HCR_EL2, HCR_TSW, 2)},
    [ARM_TRAP_DCZ] = {EL0_NEEDS(SCTLR_DZE), SET(EL01, RW, HCR_EL2, HCR_TDZ, 2)},
    [ARM_TRAP_DCVA] = {EL0_NEEDS(SCTLR_UCI), SET(EL01, RW, HCR_EL2, HCR_TPCP, 2)},
    [ARM_TRAP_DCVAU] = {EL0_NEEDS(SCTLR_UCI), SET(EL01, RW, HCR_EL2, HCR_TPU, 2)},
    [ARM_TRAP_TLBI] = {SET(EL1, RW, HCR_EL2, HCR_TTLB, 2)},
    [ARM_TRAP_IMPDEF] = {SET(EL1, RW, HCR_EL2, HCR_TIDCP, 2)},
    /* Timers: EL0's part; EL1's depends on E2H and is in special(). */
    [ARM_TRAP_CNTPCT] = {EL0_TIMER(CNTK_EL0PCTEN)},
    [ARM_TRAP_CNTVCT] = {EL0_TIMER(CNTK_EL0VCTEN)},
    [ARM_TRAP_CNTP] = {EL0_TIMER(CNTK_EL0PTEN)},
    [ARM_TRAP_CNTV] = {EL0_TIMER(CNTK_EL0VTEN)},
    [ARM_TRAP_CNTFRQ] = {EL0_TIMER(CNTK_EL0PCTEN | CNTK_EL0VCTEN)},
    [ARM_TRAP_GIC] = {{0}},
};

const struct arm_trap_rule *arm_trap_rules(unsigned trap)
{
    return rules[trap];
}

bool arm_trap_is_special(unsigned trap)
{
    switch (trap) {
    case ARM_TRAP_CNTPCT:
    case ARM_TRAP_CNTVCT:
    case ARM_TRAP_CNTP:
    case ARM_TRAP_CNTV:
    case ARM_TRAP_CNTPS:
    case ARM_TRAP_LOR:
    case ARM_TRAP_GIC:
    case ARM_TRAP_FPEN: return true;
    default: return false;
    }
}

/* ---- Special ----------------------------------------------------------------------------------
 */

enum { ALLOWED = ARM_SYS_ALLOWED, UNDEFINED = ARM_SYS_UNDEFINED }; /* or a level */

/* EL0 and EL1 by CNTHCTL_EL2: the bits moved with E2H; EL0 of the host is not concerned. */
static unsigned counter_trap(const struct arm_cpu *a, u64 plain, u64 e2h)
{
    if (arm_el(a) >= 2 || !arm_el2_enabled(a) || (arm_el(a) == 0 && arm_is_host(a)))
        return ALLOWED;
    u64 needed = arm_hcr(a) & HCR_E2H ? e2h : plain;
    return a->sysreg[ARM_SYS_CNTHCTL_EL2] & needed ? ALLOWED : 2;
}

/* FEAT_ECV: EL1's virtual timer can be trapped too. */
static unsigned virtual_trap(const struct arm_cpu *a, u64 bit)
{
    if (arm_el(a) >= 2 || !arm_el2_enabled(a) || !arm_cpu_has(a, ARM_EXT_ECV) ||
        (arm_el(a) == 0 && arm_is_host(a)))
        return ALLOWED;
    return a->sysreg[ARM_SYS_CNTHCTL_EL2] & bit ? 2 : ALLOWED;
}

/* LORegions are not secure state's, nor EL3's while it looks at that; LORID_EL1 is there for all.
 */
static unsigned lor_trap(const struct arm_cpu *a, u32 encoding)
{
    bool secure = a->has_el3 && !(a->sysreg[ARM_SYS_SCR_EL3] & SCR_NS);
    return secure && (encoding & 7) != 7 ? UNDEFINED : ALLOWED;
}

/* The secure timer is EL3's, and secure EL1's with SCR_EL3.ST. */
static unsigned secure_timer_trap(const struct arm_cpu *a)
{
    if (arm_el(a) == 3)
        return ALLOWED;
    if (arm_el(a) != 1 || !arm_is_secure(a) || !a->has_el3)
        return UNDEFINED;
    return a->sysreg[ARM_SYS_SCR_EL3] & SCR_ST ? ALLOWED : 3;
}

/* GICv3's registers of EL1 and EL2: SCR_EL3.IRQ and FIQ keep them for EL3 (group 1: IRQ; group 0:
 * FIQ; common ones: both). */
static unsigned gic_trap(const struct arm_cpu *a, u32 encoding)
{
    unsigned crn = arm_enc_crn(encoding), crm = arm_enc_crm(encoding), op2 = encoding & 7;
    u64 scr = a->sysreg[ARM_SYS_SCR_EL3], both = SCR_IRQ | SCR_FIQ, of = both;
    if (!a->gic.read)
        return UNDEFINED;
    if (!a->has_el3 || arm_el(a) == 3 || arm_enc_op1(encoding) != 0)
        return ALLOWED;
    if (crn == 12 && crm == 12 && op2 == 5)
        return ALLOWED; /* ICC_SRE */
    if (crn == 12 && crm == 12 && (op2 <= 3 || op2 == 7))
        of = SCR_IRQ;
    else if (crn == 12 && (crm == 8 || (crm == 12 && op2 == 6)))
        of = SCR_FIQ;
    else if (crn == 12 && crm == 9)
        of = SCR_IRQ;
    if ((scr & of) != of)
        return ALLOWED;
    /* virtual ones stay EL1's */
    u64 hcr = arm_hcr(a), mo = (of & SCR_IRQ ? HCR_IMO : 0) | (of & SCR_FIQ ? HCR_FMO : 0);
    return arm_el(a) == 1 && hcr & mo ? ALLOWED : 3;
}

static unsigned special(const struct arm_cpu *a, unsigned trap, u32 encoding)
{
    switch (trap) {
    case ARM_TRAP_CNTPCT: return counter_trap(a, CNTH_EL1PCTEN, CNTH_E2H_EL1PCTEN);
    case ARM_TRAP_CNTP: return counter_trap(a, CNTH_EL1PCEN, CNTH_E2H_EL1PTEN);
    case ARM_TRAP_CNTVCT: return virtual_trap(a, CNTH_EL1TVCT);
    case ARM_TRAP_CNTV: return virtual_trap(a, CNTH_EL1TVT);
    case ARM_TRAP_CNTPS: return secure_timer_trap(a);
    case ARM_TRAP_LOR: return lor_trap(a, encoding);
    case ARM_TRAP_GIC: return gic_trap(a, encoding);
    default: return ALLOWED;
    }
}

/* ---- Levels ---------------------------------------------------------------------------------- */

/* Level 4: nobody. H is the highest that the CPU has. */
unsigned arm_sys_least_level(const struct arm_cpu *a, unsigned access, bool write)
{
    static const u8 levels[][2] = {
        [ARM_ACCESS_R0W0] = {0, 0}, [ARM_ACCESS_R0W1] = {0, 1}, [ARM_ACCESS_R0W_] = {0, 4},
        [ARM_ACCESS_R0WH] = {0, 5}, [ARM_ACCESS_R1W1] = {1, 1}, [ARM_ACCESS_R1W_] = {1, 4},
        [ARM_ACCESS_R2W2] = {2, 2}, [ARM_ACCESS_R2W_] = {2, 4}, [ARM_ACCESS_R3W3] = {3, 3},
        [ARM_ACCESS_R3W_] = {3, 4}, [ARM_ACCESS_R_W0] = {4, 0}, [ARM_ACCESS_R_W1] = {4, 1},
        [ARM_ACCESS_R_W2] = {4, 2}, [ARM_ACCESS_R_W3] = {4, 3}};
    unsigned level = levels[access][write];
    return level < 5 ? level : a->has_el3 ? 3 : a->has_el2 ? 2 : 1;
}

/* ---- The check --------------------------------------------------------------------------------
 */

/* A rule's level is there, and its bits say so now. */
static bool rule_traps(const struct arm_cpu *a, const struct arm_trap_rule *rule, bool write)
{
    if (!(rule->els >> arm_el(a) & 1) || !(rule->dir & (write ? ARM_DIR_WRITE : ARM_DIR_READ)))
        return false;
    if ((rule->to == 2 && (!arm_el2_enabled(a) || (arm_el(a) == 0 && arm_is_host(a)))) ||
        (rule->to == 3 && !a->has_el3))
        return false;
    bool host = rule->host && arm_is_host(a);
    u64 bits = a->sysreg[host ? rule->host_reg : rule->reg] & (host ? rule->host_mask : rule->mask);
    return rule->clear ? !bits : bits != 0;
}

u64 arm_sysreg_syndrome(u32 insn)
{
    u64 op0 = insn >> 19 & 3, op1 = insn >> 16 & 7, crn = insn >> 12 & 15, crm = insn >> 8 & 15,
        op2 = insn >> 5 & 7;
    return ARM_SYNDROME(ARM_EC_SYSREG, op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 |
                                           (insn & 31) << 5 | crm << 1 | (insn >> 21 & 1));
}

unsigned arm_sysreg_trapped(const struct arm_cpu *a, const struct arm_sysreg *r, unsigned trap,
                            u32 encoding, bool write)
{
    const struct arm_trap_rule *rule = rules[trap];
    if (r->check && !r->check(a, r))
        return UNDEFINED;
    for (unsigned i = 0; i < ARM_TRAP_RULES && rule[i].els; i++) {
        if (rule_traps(a, &rule[i], write))
            return rule[i].to;
    }
    return special(a, trap, encoding);
}

bool arm_sysreg_allowed(struct arm_cpu *a, const struct arm_sysreg *r, u32 insn, bool write)
{
    unsigned to = arm_sysreg_trapped(a, r, r->trap, insn >> 5 & 0xffff, write);
    if (to == UNDEFINED)
        arm_undefined(a);
    else if (to != ALLOWED)
        arm_trap_unwind(a, to, arm_sysreg_syndrome(insn));
    return to == ALLOWED;
}
