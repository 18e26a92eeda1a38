/*
 * sysreg.h - the table of system registers (sysreg.def): a row's shape, and the functions that rows
 * name.
 *
 * Everything runs on the CPU's thread; reading of the table itself on any.
 */
#ifndef ISA_ARM_SYSREG_H
#define ISA_ARM_SYSREG_H

#include "isa/arm/arm.h"

/* Least levels that read and write: R1W2. '_': nobody. H: the highest implemented level. */
enum arm_sys_access {
    ARM_ACCESS_R0W0,
    ARM_ACCESS_R0W1,
    ARM_ACCESS_R0W_,
    ARM_ACCESS_R0WH,
    ARM_ACCESS_R1W1,
    ARM_ACCESS_R1W_,
    ARM_ACCESS_R2W2,
    ARM_ACCESS_R2W_,
    ARM_ACCESS_R3W3,
    ARM_ACCESS_R3W_,
    ARM_ACCESS_R_W0,
    ARM_ACCESS_R_W1,
    ARM_ACCESS_R_W2,
    ARM_ACCESS_R_W3,
};

/* Rows of traps[] in sysreg_trap.c. */
enum arm_sys_trap {
    ARM_TRAP_NONE,
    ARM_TRAP_TID0,
    ARM_TRAP_TID1,
    ARM_TRAP_TID2,
    ARM_TRAP_TID3,
    ARM_TRAP_CTR,
    ARM_TRAP_VM,
    ARM_TRAP_ACTLR,
    ARM_TRAP_CPACR,
    ARM_TRAP_CPTR2,
    ARM_TRAP_MDCR2,
    ARM_TRAP_FPEN,
    ARM_TRAP_DAIF,
    ARM_TRAP_LOR,
    ARM_TRAP_APK,
    ARM_TRAP_RNDR,
    ARM_TRAP_CNTFRQ,
    ARM_TRAP_CNTPCT,
    ARM_TRAP_CNTVCT,
    ARM_TRAP_CNTPOFF,
    ARM_TRAP_CNTP,
    ARM_TRAP_CNTV,
    ARM_TRAP_CNTPS,
    ARM_TRAP_PMCR,
    ARM_TRAP_PM_EN,
    ARM_TRAP_PM_SW,
    ARM_TRAP_PM_CR,
    ARM_TRAP_PM_ER,
    ARM_TRAP_PM_XC,
    ARM_TRAP_PM_USER,
    ARM_TRAP_PM_EL1,
    ARM_TRAP_DBG,
    ARM_TRAP_DBGOS,
    ARM_TRAP_DBGRA,
    ARM_TRAP_DCC,
    ARM_TRAP_ERR,
    ARM_TRAP_ICPU,
    ARM_TRAP_ICVA,
    ARM_TRAP_DCPC,
    ARM_TRAP_DCSW,
    ARM_TRAP_DCZ,
    ARM_TRAP_DCVA,
    ARM_TRAP_DCVAU,
    ARM_TRAP_TLBI,
    ARM_TRAP_IMPDEF,
    ARM_TRAP_GIC,
};

enum arm_sys_flag {
    ARM_SYSREG_ENDS = 1,   /* a write may change mode, context, interrupts, code */
    ARM_SYSREG_LEAVES = 2, /* a write may have made an interrupt pending */
    ARM_SYSREG_CONST = 4,  /* fixed by the model */
};

struct arm_sysreg {
    const char *name;
    u16 encoding; /* ARM_ENC */
    u16 ext;      /* enum arm_ext, or ARM_EXTS: always */
    u8 access, trap, flags;
    u16 e2h;  /* encoding of what the name means at EL2 with E2H; 0: itself */
    u32 at;   /* offset of the value in struct arm_cpu; 0: functions only */
    u64 mask; /* writable bits of a stored value */
    u64 reset;
    bool (*check)(const struct arm_cpu *a, const struct arm_sysreg *r); /* false: UNDEFINED */
    u64 (*get)(struct arm_cpu *a, const struct arm_sysreg *r);
    void (*set)(struct arm_cpu *a, const struct arm_sysreg *r, u64 v); /* may unwind */
};

static inline u64 *arm_sysreg_at(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return (u64 *)((u8 *)a + r->at);
}
static inline unsigned arm_enc_op1(u32 encoding)
{
    return encoding >> 11 & 7;
}
static inline unsigned arm_enc_crn(u32 encoding)
{
    return encoding >> 7 & 15;
}
static inline unsigned arm_enc_crm(u32 encoding)
{
    return encoding >> 3 & 15;
}

/* ---- sysreg.c -------------------------------------------------------------------------------- */

extern const struct arm_sysreg arm_sysregs[];
extern const unsigned arm_sysreg_count;

/* The row that an encoding means at a level; NULL: none. */
const struct arm_sysreg *arm_sysreg_find(const struct arm_cpu *a, u32 encoding, unsigned el,
                                         bool e2h);
u64 arm_sysreg_get(struct arm_cpu *a, const struct arm_sysreg *r);
void arm_sysreg_set(struct arm_cpu *a, const struct arm_sysreg *r, u64 v);
void arm_sysreg_reset(struct arm_cpu *a);
/* Is it the row of the GIC's CPU interface? Its accesses: */
bool arm_sysreg_is_gic(const struct arm_sysreg *r);
enum arm_gic_result arm_sysreg_gic(struct arm_cpu *a, u32 encoding, bool write, u64 *value);

/* ---- sysreg_trap.c --------------------------------------------------------------------------- */

/* A reason why an access traps: at levels `els`, (reg & mask) != 0, or == 0 where `clear`. */
struct arm_trap_rule {
    u8 els; /* bits 0..3 */
    u8 dir; /* ARM_DIR_READ | ARM_DIR_WRITE */
    u8 to;  /* level */
    bool clear;
    u16 reg; /* enum arm_sysreg_id */
    u64 mask;
    bool host; /* at EL0 where EL2&0 is in use: the register and mask below rule instead, and EL2
                  takes it */
    u16 host_reg;
    u64 host_mask;
};
enum { ARM_DIR_READ = 1, ARM_DIR_WRITE = 2, ARM_TRAP_RULES = 5 };
/* The rules of a row: up to ARM_TRAP_RULES, ended by els 0. */
const struct arm_trap_rule *arm_trap_rules(unsigned trap);
/* Is there something that rules do not tell? Then only arm_sysreg_allowed knows. */
bool arm_trap_is_special(unsigned trap);
/* The least level at which an access may be made, by enum arm_sys_access; 4: none. */
unsigned arm_sys_least_level(const struct arm_cpu *a, unsigned access, bool write);
/* Where an access leads that has come so far: nowhere else, a level, or it is UNDEFINED. trap: enum arm_sys_trap. */
enum { ARM_SYS_ALLOWED = 0, ARM_SYS_UNDEFINED = 4 };
unsigned arm_sysreg_trapped(const struct arm_cpu *a, const struct arm_sysreg *r, unsigned trap,
                            u32 encoding, bool write);
/* False: an exception was taken; the helper unwinds. insn: for the syndrome. */
bool must_check arm_sysreg_allowed(struct arm_cpu *a, const struct arm_sysreg *r, u32 insn,
                                   bool write);
u64 arm_sysreg_syndrome(u32 insn);

/* ---- Functions of rows -------------------------------------------------------------------------
 */

typedef u64 arm_sysreg_get_fn(struct arm_cpu *a, const struct arm_sysreg *r);
typedef void arm_sysreg_set_fn(struct arm_cpu *a, const struct arm_sysreg *r, u64 v);
typedef bool arm_sysreg_check_fn(const struct arm_cpu *a, const struct arm_sysreg *r);

/* clang-format off */
#define ARM_GETTERS(X)                                                                                                 \
    X(zero) X(midr) X(mpidr) X(pfr0) X(pfr1) X(ccsidr) X(dczid) X(isr) X(disr) X(rmr) X(nzcv) X(pstate) X(current_el) X(fpcr)          \
    X(fpsr) X(random) X(cntpct) X(cntvct) X(tval) X(ctl) X(cval) X(pmcr) X(pmcnten) X(pmovs) X(pmccntr)                \
    X(pmxevtyper) X(pmxevcntr) X(pmevtyper) X(pmevcntr) X(pminten) X(claimset)
#define ARM_SETTERS(X)                                                                                                 \
    X(ignored) X(sctlr) X(hcr) X(cptr2) X(scr) X(vttbr) X(vbar) X(disr) X(rmr) X(nzcv) X(daif) X(pstate) X(spsel) X(pan)       \
    X(fpcr) X(fpsr) X(cntoff) X(cnthctl) X(tval) X(ctl) X(cval) X(pmcr) X(pmcntenset) X(pmcntenclr) X(pmovsclr)        \
    X(pmovsset) X(pmccntr) X(pmxevtyper) X(pmintenset) X(pmintenclr) X(pmccfiltr) X(mdscr) X(oslar) X(claimset)        \
    X(claimclr) X(watchpoint) X(pmswinc) X(pmxevcntr) X(pmevtyper) X(pmevcntr) X(mdcr_el2) X(mdcr_el3)
#define ARM_OPERATIONS(X)                                                                                              \
    X(op_sync_code) X(op_cache_address) X(op_zero) X(op_translate) X(tlbi_all) X(tlbi_guests) X(tlbi_address)          \
    X(tlbi_asid) X(tlbi_range) X(tlbi_stage2)
#define ARM_CHECKS(X) X(sp_el0) X(highest) X(breakpoint) X(watchpoint)
/* clang-format on */
#define X(name) arm_sysreg_get_fn arm_get_##name;
ARM_GETTERS(X)
#undef X
#define X(name) arm_sysreg_set_fn arm_set_##name;
ARM_SETTERS(X)
#undef X
#define X(name) arm_sysreg_set_fn arm_##name;
ARM_OPERATIONS(X)
#undef X
#define X(name) arm_sysreg_check_fn arm_check_##name;
ARM_CHECKS(X)
#undef X

#endif
