/*
 * arm.h - an Arm A-profile CPU: its state, its mode word, the front end's context, and what the files of
 * isa/arm give each other. "DDI 0487" is the Arm Architecture Reference Manual for A-profile.
 *
 * One struct for AArch64 and AArch32. Invariants:
 *   - x[0..30] are the general registers, `sp` the stack pointer in use (of PSTATE.SP and EL); the others are in
 *     sp_el[], where the one in use is stale. arm_bank_switch moves them whenever EL, SPSel or mode change.
 *   - AArch32: r0..r14 of the current mode are x[0..14], zero-extended; a32.h says where the banked ones are.
 *   - AArch32: PSTATE's IT, GE and Q are in it, ge and q, in SPSR's bits, and clear in pstate; arm_pstate_read joins them.
 *     `it` is a slot, bound to the constant that an instruction's fault must find: exact wherever a helper or a fault may
 *     look, and stored only where code leaves.
 *   - The condition flags are kept as the operation that sets them (enum arm_cc); arm_nzcv() says what they are.
 *   - cpu.mode is arm_mode(cpu) and cpu.context_stamp has been bumped since the last change of what arm_context answers,
 *     at every unit boundary: who changes EL, PSTATE, SCTLR, TCR, HCR, SCR, CPACR, FPCR ends by arm_state_changed.
 *   - irq_wires is the only field that other threads touch (arm_set_irq), and power (by firmware's CPU_ON).
 */
#ifndef ISA_ARM_ARM_H
#define ISA_ARM_ARM_H

#include "base/host_crypto.h"
#include "cpu/cpu.h"
#include "isa/insn.h"
#include "jit/build.h"
#include "loop/timer.h"

/* ---- Features: FEAT_ names of DDI 0487, A2 ---------------------------------------------------- */

enum arm_ext {
#define EXT(id, name, models, ...) ARM_EXT_##id,
#include "isa/arm/ext.def"
#undef EXT
    ARM_EXTS
};
#define ARM_EXT_WORDS ((ARM_EXTS + 63) / 64)

/* ---- Names of the architecture ---------------------------------------------------------------- */

/* Condition codes ("C1.2.4"). */
enum arm_cond {
    ARM_EQ, ARM_NE, ARM_CS, ARM_CC, ARM_MI, ARM_PL, ARM_VS, ARM_VC,
    ARM_HI, ARM_LS, ARM_GE, ARM_LT, ARM_GT, ARM_LE, ARM_AL, ARM_NV,
};

/* How the condition flags follow from cc_x and cc_y. 32: of the low words. */
enum arm_cc {
    ARM_CC_NZCV,    /* cc_x bits 31..28 */
    ARM_CC_ADD32, ARM_CC_ADD64,
    ARM_CC_SUB32, ARM_CC_SUB64,     /* cc_x - cc_y */
    ARM_CC_LOGIC32, ARM_CC_LOGIC64, /* of the result cc_x; C = V = 0 */
    ARM_CC_FLOAT,   /* cc_x: greater or equal, cc_y: less or equal; neither: unordered */
    ARM_CC_OP = 7,
    /* AArch32, beside those: N and Z are of the low word of cc_nz, C is bit 0 of cc_c. What an instruction leaves alone
     * follows from the earlier operation still. */
    ARM_CC_NZ = 8,
    ARM_CC_C = 16,
};
#define PSTATE_N BIT(31)
#define PSTATE_Z BIT(30)
#define PSTATE_C BIT(29)
#define PSTATE_V BIT(28)

/* PSTATE beside the flags, EL and SP, in the places that SPSR_ELx has them ("C5.2.19"). */
#define PSTATE_SP     BIT(0)
#define PSTATE_A32    BIT(4) /* nRW */
#define PSTATE_T      BIT(5)
#define PSTATE_F      BIT(6)
#define PSTATE_I      BIT(7)
#define PSTATE_A      BIT(8)
#define PSTATE_D      BIT(9) /* AArch32: E */
#define PSTATE_BTYPE  BITS(11, 10)
#define PSTATE_SSBS   BIT(12)
#define PSTATE_IL     BIT(20)
#define PSTATE_SS     BIT(21)
#define PSTATE_PAN    BIT(22)
#define PSTATE_UAO    BIT(23)
#define PSTATE_DIT    BIT(24)
#define PSTATE_TCO    BIT(25)
/* ... of AArch32, where they differ ("G8.2.33"). */
#define PSTATE_E      BIT(9)
#define PSTATE_GE     BITS(19, 16)
#define PSTATE_IT     (BITS(26, 25) | BITS(15, 10))
#define PSTATE_Q      BIT(27)

/* Exception classes: ESR_ELx.EC ("D24.2.40"). */
enum arm_ec {
    ARM_EC_UNKNOWN = 0x00,
    ARM_EC_WFX = 0x01,
    ARM_EC_CP15 = 0x03,
    ARM_EC_CP15_64 = 0x04,
    ARM_EC_CP14 = 0x05,
    ARM_EC_CP14_LS = 0x06,
    ARM_EC_FP = 0x07,
    ARM_EC_CP10_ID = 0x08,
    ARM_EC_PAUTH = 0x09,
    ARM_EC_CP14_LDST = 0x06,
    ARM_EC_CP14_64 = 0x0c,
    ARM_EC_BTI = 0x0d,
    ARM_EC_ILLEGAL_STATE = 0x0e,
    ARM_EC_SVC32 = 0x11,
    ARM_EC_HVC32 = 0x12,
    ARM_EC_SMC32 = 0x13,
    ARM_EC_SVC64 = 0x15,
    ARM_EC_HVC64 = 0x16,
    ARM_EC_SMC64 = 0x17,
    ARM_EC_SYSREG = 0x18,
    ARM_EC_SVE = 0x19,
    ARM_EC_ERET = 0x1a,
    ARM_EC_PAC_FAIL = 0x1c,
    ARM_EC_SME = 0x1d,
    ARM_EC_IABT_LOWER = 0x20,
    ARM_EC_IABT = 0x21,
    ARM_EC_PC_ALIGN = 0x22,
    ARM_EC_DABT_LOWER = 0x24,
    ARM_EC_DABT = 0x25,
    ARM_EC_SP_ALIGN = 0x26,
    ARM_EC_MOPS = 0x27,
    ARM_EC_FP32_TRAP = 0x28,
    ARM_EC_FP64_TRAP = 0x2c,
    ARM_EC_SERROR = 0x2f,
    ARM_EC_BREAKPOINT_LOWER = 0x30,
    ARM_EC_BREAKPOINT = 0x31,
    ARM_EC_STEP_LOWER = 0x32,
    ARM_EC_STEP = 0x33,
    ARM_EC_WATCHPOINT_LOWER = 0x34,
    ARM_EC_WATCHPOINT = 0x35,
    ARM_EC_BKPT32 = 0x38,
    ARM_EC_VECTOR_CATCH32 = 0x3a,
    ARM_EC_BRK64 = 0x3c,
};
#define ARM_SYNDROME(ec, iss) ((u64)(ec) << 26 | BIT(25) | (u64)(iss))
#define ARM_SYNDROME_16(ec, iss) ((u64)(ec) << 26 | (u64)(iss)) /* of a 16-bit instruction */

/* Inputs of cpu_irq(). Those of a GIC's group 1, with two Security states, are IRQ or FIQ by where the CPU is. */
enum arm_irq { ARM_IRQ_IRQ, ARM_IRQ_FIQ, ARM_IRQ_VIRQ, ARM_IRQ_VFIQ, ARM_IRQ_SERROR, ARM_IRQ_GROUP1S,
               ARM_IRQ_GROUP1NS, ARM_IRQS };

/* Generic timers, in the order of the outputs given to arm_cpu_set_timer_irq. */
enum arm_timer { ARM_TIMER_PHYS, ARM_TIMER_VIRT, ARM_TIMER_HYP, ARM_TIMER_SEC, ARM_TIMER_HYPVIRT, ARM_TIMERS };

/* ---- The mode word: all that makes translations of the same bytes differ ------------------------
 *
 *   63         32 31    24 23   16 15  14  13 12  11  10   9   8   7  6  5  4   3   2   1 0
 *  +-------------+--------+-------+---+------+---+---+---+---+---+-----+-----+---+---+-----+
 *  | feature set | (SVE,  |  IT   |GP | TBI  |SS |E2H|BE |SA | A | FPC | FP  | T |A32| EL  |
 *  |             |  SME)  |       |   |      |   |   |   |   |   |     |     |   |   |     |
 *  +-------------+--------+-------+---+------+---+---+---+---+---+-----+-----+---+---+-----+
 *   EL    exception level                     FP   0: usable, 1: traps; 2, 3: places of SVE, SME
 *   A32   AArch32; T: Thumb                   FPC  enum arm_fpcr_class
 *   A     SCTLR.A: alignment is checked       SA   the stack pointer's alignment is checked;
 *                                             AArch32: CPACR.ASEDIS
 *   BE    data is big-endian                  E2H  EL2 with HCR_EL2.E2H: EL1's register names are EL2's
 *   SS    software step is active             TBI  branch targets lose their tag: bit 55 = 0, 1
 *   GP    guarded page, by its mapping (BTI)     IT   AArch32 T32: ITSTATE
 *   (SVE, SME): vector lengths, PSTATE.SM, ZA; MTE: places kept, 0
 *   feature set: hash of the features: CPUs of different models share a machine's code cache
 */
#define ARM_MODE_EL        BITS(1, 0)
#define ARM_MODE_A32       BIT(2)
#define ARM_MODE_T         BIT(3)
#define ARM_MODE_FP_SHIFT  4
#define ARM_MODE_FP        BITS(5, 4)
#define ARM_MODE_FPC_SHIFT 6
#define ARM_MODE_FPC       BITS(7, 6)
#define ARM_MODE_A         BIT(8)
#define ARM_MODE_SA        BIT(9)
#define ARM_MODE_ASEDIS    ARM_MODE_SA
#define ARM_MODE_BE        BIT(10)
#define ARM_MODE_E2H       BIT(11)
#define ARM_MODE_SS        BIT(12)
#define ARM_MODE_TBI_SHIFT 13
#define ARM_MODE_TBI       BITS(14, 13)
#define ARM_MODE_GP        BIT(15)
#define ARM_MODE_IT_SHIFT  16
#define ARM_MODE_IT        BITS(23, 16)
#define ARM_MODE_SET_SHIFT 32

/* What FPCR asks of float operations. Rounding is dynamic in all (IR_FLOAT_DYN). */
enum arm_fpcr_class {
    ARM_FPC_HOST, /* NaNs propagate */
    ARM_FPC_DN,   /* NaN results are the default NaN */
    ARM_FPC_SOFT, /* flush to zero, alternative half precision: exact path */
};

/* ---- Slots ------------------------------------------------------------------------------------ */

enum arm_slot {
    ARM_SLOT_X = 0, /* + 0..30 */
    ARM_SLOT_SP = 31,
    ARM_SLOT_PC = 32,
    ARM_SLOT_CC_OP, /* enum arm_cc */
    ARM_SLOT_CC_X,
    ARM_SLOT_CC_Y,
    ARM_SLOT_V, /* + 0..31, IR_V128 */
    /* AArch32 */
    ARM_SLOT_CC_NZ = ARM_SLOT_V + 32,
    ARM_SLOT_CC_C,
    ARM_SLOT_IT,
    ARM_SLOT_GE,
    ARM_SLOT_Q,
    ARM_SLOTS
};

/* ---- System registers -------------------------------------------------------------------------- */

/* Storage in arm_cpu.sysreg: the SYSREG and SYSID rows of sysreg.def. */
enum arm_sysreg_id {
#define SYSREG(op0, op1, crn, crm, op2, id, ...) ARM_SYS_##id,
#define SYSID(op0, op1, crn, crm, op2, id, ...)  ARM_SYS_##id,
#define SYSFN(op0, op1, crn, crm, op2, id, ...)
#define SYSOP(op0, op1, crn, crm, op2, id, ...)
#include "isa/arm/sysreg.def"
#undef SYSREG
#undef SYSID
#undef SYSFN
#undef SYSOP
    ARM_SYSREGS
};
/* A register's name as instructions have it: bits 20..5, shifted down by 5. */
#define ARM_ENC(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* ---- The CPU ---------------------------------------------------------------------------------- */

/* What a GIC's CPU interface registers do (ICC_*, ICH_*, ICV_*): the board connects a GICv3 here. The CPU's own
 * thread. What SCR_EL3 traps has been trapped before. */
struct arm_gic_access {
    u32 encoding; /* ARM_ENC */
    u8 el;
    bool secure;  /* below EL3: which of the banked registers */
    bool virtual; /* HCR_EL2.IMO or FMO makes ICC_* of EL1 be ICV_* */
    bool fiq_to_el3; /* SCR_EL3.FIQ: group 0 is out of the Non-secure state's reach */
};
enum arm_gic_result { ARM_GIC_OK, ARM_GIC_UNDEFINED, ARM_GIC_TRAP_EL2, ARM_GIC_TRAP_EL3 };
struct arm_gic_cpu {
    enum arm_gic_result (*read)(void *opaque, const struct arm_gic_access *at, u64 *value);
    enum arm_gic_result (*write)(void *opaque, const struct arm_gic_access *at, u64 value);
    void *opaque;
};

/* Firmware that the board plays itself (PSCI): called for HVC or SMC by the CPU's own thread with x0..x7 in cpu, before
 * EL2 or EL3 that might be there; true when it was such a call (x0..x3 are set then). */
struct arm_firmware {
    bool (*call)(void *opaque, struct cpu *cpu, bool smc, u64 x[8]);
    void *opaque;
};

struct arm_timer_state {
    u64 cval;
    u64 ctl; /* ENABLE, IMASK */
    struct timer timer;
    struct irq irq;
    struct arm_cpu *cpu;
};

enum arm_table_format { ARM_TABLE_64, ARM_TABLE_SHORT, ARM_TABLE_LONG }; /* AArch64's; AArch32's */

/* All that a walk depends on beside TTBR0 and the ASID (mmu.c); contexts name it by its place in a table. */
struct arm_regime {
    u64 ttbr1, tcr, sctlr, mair, vttbr, vtcr, hcr;
    u64 kind; /* enum arm_regime_kind */
    u64 secure, used, el2_ee; /* u64: regimes are compared as bytes */
    u64 format;               /* enum arm_table_format */
    u64 dacr;                 /* of short descriptors */
};
enum { ARM_REGIMES = 16, ARM_WALK_CACHE = 256 };

/* A last-level table of stage 1 that a walk found, and what its parents took away. */
struct arm_walk_entry {
    u64 space, view, tag; /* tag: address of what the table maps, | 1; 0: none */
    u64 table;
    u16 attributes;
};

enum { ARM_PMU_EVENTS = 6 };

/* Keys of pointer authentication, in the order of their registers. */
enum arm_pac_key { ARM_PAC_IA, ARM_PAC_IB, ARM_PAC_DA, ARM_PAC_DB, ARM_PAC_GA };
enum { ARM_PAC_CACHE = 128 };
/* A key as the helpers take it: above it the level that rules the regime, 0: to be found out. */
enum { ARM_PAC_KEY = 7, ARM_PAC_LEVEL_SHIFT = 3 };
struct arm_pac_entry {
    u64 data, modifier, key0, key1, code;
    bool full;
};

/* What pointer authentication takes from a regime's TCR: where the code of a pointer is, [bit that chooses the
 * range][data]. */
struct arm_pac_view {
    u64 tcr;
    bool known, two_ranges;
    bool by_bit55[2]; /* [data]: the range is that of bit 55 also where a code is added */
    struct arm_pac_layout {
        u64 mask; /* the code's bits, bit 55 apart */
        u8 bottom;
        bool tagged; /* bits 63..56 are not the code's */
    } layout[2][2];
};

union arm_vector {
    u8 b[16];
    u16 h[8];
    u32 s[4];
    u64 d[2];
};

struct arm_cpu {
    struct cpu cpu;

    /* -- Hot: reached with 8-bit displacements (arm_isa.state_bias). */
    _Alignas(64) u64 x[31];
    u64 sp;
    u64 pc;
    u64 cc_op, cc_x, cc_y;
    _Alignas(16) union arm_vector v[32];
    u64 cc_nz, cc_c;
    u64 it, ge, q; /* AArch32: these parts of PSTATE, in SPSR's bits */
    u64 fault_address; /* of an access that UNALIGNED_A32 is about; not state */

    u64 pstate; /* PSTATE_*, without flags; bits 3..2 EL, or bits 4..0 the AArch32 mode */
    u32 fpcr, fpsr;
    u64 branch_target;     /* of the last indirect branch, | PSTATE.BTYPE (trans_bti.c) */
    _Atomic u32 irq_wires; /* BIT(enum arm_irq) */
    _Atomic u32 event;     /* event register (WFE, SEV); set by any CPU */

    /* -- System registers (sysreg.def). */
    u64 sp_el[4], elr_el[4], spsr_el[4];
    u64 bank[24]; /* state streams have had it; nothing is kept here */
    u64 sysreg[ARM_SYSREGS];

    /* -- Fixed by the model. */
    u64 ext[ARM_EXT_WORDS];
    u64 ext_hash;
    u64 mpidr;
    bool has_el2, has_el3, aarch64; /* aarch64: EL3 or the highest level starts there */
    u64 rvbar;   /* where reset starts */
    /* pmu.c: event counters, the last of the due ones is the cycle counter, pmu_base. */
    u64 pmu_base, pmu_control, pmu_enabled, pmu_overflow, pmu_interrupts;
    u64 pmu_event[ARM_PMU_EVENTS], pmu_type[ARM_PMU_EVENTS];
    u64 pmu_due[ARM_PMU_EVENTS + 1]; /* when each overflows */
    u64 pmu_now;                     /* the clock, while the registers are worked on */
    u8 pmu_level;                    /* that they count at now */
    bool pmu_by_level;               /* which changes by the level: arm_pmu_level is to be told */
    struct timer pmu_timer;
    struct irq pmu_irq;
    u64 cntfrq;
    struct arm_gic_cpu gic;
    struct arm_firmware firmware;
    struct arm_timer_state timer[ARM_TIMERS];
    pthread_mutex_t timer_lock;
    bool has_timers;
    bool two_spaces; /* the board has apart what is secure: ARM_SECURE_SPACE */
    u8 phys_bits;    /* of addresses that the model implements */
    u8 asid_bits, vmid_bits;
    u8 breakpoints, watchpoints; /* numbers of */
    u8 pmu_id;       /* PMCR_EL0.IDCODE */
    u8 zva_log2;     /* bytes of DC ZVA */
    u32 ccsidr[6];   /* by CSSELR_EL1 */
    const char *model_name, *compatible;
    char model_letter; /* in ext.def */
    u64 saved_model; /* state streams: arm_model_identity */
    bool saved_halted;

    /* -- Not state: caches and what a unit boundary settles. */
    struct arm_regime regime[ARM_REGIMES];
    u32 regime_next;
    struct isa_context known_context[4]; /* by enum arm_regime_kind, where known_contexts has its bit */
    u8 known_contexts;
    u64 walk_stamp; /* jit_flush_stamp when walk_cache was emptied */
    struct arm_walk_entry walk_cache[ARM_WALK_CACHE];
    bool tlbi_pending; /* a broadcast TLBI was sent since the last DSB */
    bool sync_wait;    /* halted until it is done */
    bool wait_event;   /* halted by WFE */
    bool watching;     /* a watchpoint is enabled */
    bool stepping;     /* software step: the unit under way is the one to step over */
    bool step_exclusive; /* ... and a load-exclusive */
    u32 spins;
    struct arm_pac_entry pac_cache[ARM_PAC_CACHE];
    struct arm_pac_view pac_view[4]; /* by the level that rules the regime */
    /* By level, key and: the code's bits in the lower range; in which of them the upper range differs.
     * 0 where the key is not enabled. Of pac_inputs (arm_pac_refresh). */
    u64 pac_mask[4][ARM_PAC_GA][2];
    struct host_crypto host_crypto; /* found at creation */
    struct {
        u64 tcr[4], sctlr[4];
        bool two_ranges;
    } pac_inputs;

    struct insn_coverage *coverage;
};

static inline struct arm_cpu *arm_cpu(struct cpu *cpu)
{
    return container_of(cpu, struct arm_cpu, cpu);
}
static inline bool arm_cpu_has(const struct arm_cpu *a, enum arm_ext e)
{
    return a->ext[e / 64] >> (e % 64) & 1;
}
static inline bool arm_is_a32(const struct arm_cpu *a)
{
    return a->pstate & PSTATE_A32;
}
static inline unsigned arm_el(const struct arm_cpu *a)
{
    return unlikely(arm_is_a32(a)) ? (a->pstate & 15) != 0 : (unsigned)(a->pstate >> 2 & 3);
}

/* ---- The front end's context: one while a unit is translated ---------------------------------- */

/* What is known of the condition flags at this point of the unit. */
struct arm_flags {
    bool known;       /* op, x, y are what the slots will hold */
    bool has_nz, has_c; /* N and Z of nz, C of carry; known or not, op is not about them */
    u16 holds;        /* conditions that hold here, as code that leaves otherwise has left: BIT(enum arm_cond) */
    ir_value nz, carry;
    enum arm_cc op;
    ir_value x, y;
    bool conditional; /* CCMP: as above where `cond` is not 0, else nzcv */
    ir_value cond;
    u32 nzcv;
};

struct arm_ctx {
    struct arm_cpu *cpu;
    struct ir_builder *b;
    const u64 *ext; /* cpu->ext */
    u64 pc;         /* of the instruction under translation */
    u64 next;       /* of the one to translate after it: pc + length, or where a jump leads */
    u32 insn;       /* its bits */
    u8 length;      /* in bytes */
    u8 el;
    bool guarded; /* the page is (BTI) */
    bool a32, thumb, big_endian, align, sp_align, e2h, step, no_simd;
    u8 tbi;
    u8 fp_trap;    /* mode word's FP */
    u8 fpc;        /* enum arm_fpcr_class */
    bool sp_checked; /* SP's alignment was tested since it changed */
    u8 it;           /* T32: ITSTATE of this instruction */
    u64 peeked;      /* code up to here was looked at */
    bool reserved;   /* behind an exclusive load */
    struct arm_flags flags;
};

static inline bool arm_has(const struct arm_ctx *c, enum arm_ext e)
{
    return c->ext[e / 64] >> (e % 64) & 1;
}

/* ---- Helpers: indexes in arm_isa.helpers ------------------------------------------------------- */

enum arm_helper {
#define HELPER(id, fn, result, args, effects) ARM_HELPER_##id,
#include "isa/arm/helper.def"
#undef HELPER
    ARM_HELPERS
};
extern const struct ir_helper arm_helpers[];
#define HELPER_VOID void
#define HELPER_I64  u64
#define HELPER_I32  u64
#define HELPER_F32  u64
#define HELPER_F64  u64
#define HELPER_ARGS_0 struct cpu *cpu
#define HELPER_ARGS_1 struct cpu *cpu, u64 a
#define HELPER_ARGS_2 struct cpu *cpu, u64 a, u64 b
#define HELPER_ARGS_3 struct cpu *cpu, u64 a, u64 b, u64 c
#define HELPER_ARGS_4 struct cpu *cpu, u64 a, u64 b, u64 c, u64 d
#define HELPER(id, fn, result, args, effects) HELPER_##result fn(HELPER_ARGS_##args);
#include "isa/arm/helper.def"
#undef HELPER

/* ---- Inside: what the files of this folder give each other ------------------------------------- */

/* Offsets of vectors. */
enum arm_vector_offset { ARM_VECTOR_SYNC = 0, ARM_VECTOR_IRQ = 0x80, ARM_VECTOR_FIQ = 0x100, ARM_VECTOR_SERROR = 0x180 };
/* trap.c. syndrome: ESR_ELx as the target level sees it; far: FAR_ELx where the class has one. */
void arm_exception(struct arm_cpu *a, u64 syndrome, u64 far, u64 preferred_return);
/* ... from a helper: translated code leaves. */
void arm_unwind(struct arm_cpu *a, u64 syndrome, u64 far, u64 preferred_return);
void arm_undefined(struct arm_cpu *a); /* of the instruction at pc; unwinds */
void arm_fault(struct cpu *cpu, const struct isa_fault *f);
bool arm_read_code(struct arm_cpu *a, u64 pc, unsigned size, u64 *code);
bool arm_interrupt(struct cpu *cpu);
/* Would it take one? Any thread. */
bool arm_interrupt_is_due(const struct arm_cpu *a);
bool arm_wakes(struct cpu *cpu);
void arm_monitor_lost(struct cpu *cpu);
void arm_set_irq(struct cpu *cpu, unsigned n, int level);
void arm_state_changed(struct arm_cpu *a);
u64 arm_mode(const struct arm_cpu *a);
/* The flags as bits 31..28, and set from there. */
u32 arm_nzcv(const struct arm_cpu *a);
void arm_nzcv_set(struct arm_cpu *a, u32 nzcv);
/* PSTATE as SPSR_ELx holds it, flags included; and into it (ERET's checks are the caller's): banks are switched. */
u64 arm_pstate_read(const struct arm_cpu *a);
void arm_pstate_write(struct arm_cpu *a, u64 spsr);

/* HVC and SMC, which are of four bytes. */
void arm_call_hypervisor(struct arm_cpu *a, u64 syndrome);
void arm_call_monitor(struct arm_cpu *a, u64 syndrome);
/* To el at least; elsewhere by TGE. far: where the class has one. */
void arm_exception_to(struct arm_cpu *a, unsigned el, u64 syndrome, u64 far, u64 preferred_return);
/* Target EL1 or the one that is asked for, whatever the syndrome: traps of system registers and instructions. */
void arm_trap_to(struct arm_cpu *a, unsigned el, u64 syndrome, u64 preferred_return);
void arm_trap_unwind(struct arm_cpu *a, unsigned el, u64 syndrome);
/* Makes el the current level with its stack pointer, SP_EL0 or SP_ELx (spsel). */
void arm_bank_switch(struct arm_cpu *a, unsigned el, bool spsel);
bool arm_el2_enabled(const struct arm_cpu *a);
bool arm_is_secure(const struct arm_cpu *a);
/* HCR_EL2 as it works: 0 where EL2 is not there or not enabled. */
u64 arm_hcr(const struct arm_cpu *a);
/* EL2&0 is in use at EL0 (E2H and TGE), or at EL2 (E2H). */
bool arm_is_host(const struct arm_cpu *a);

/* pauth.c */
/* After SCTLR_ELx, TCR_ELx or HCR_EL2 may have changed. */
void arm_pac_refresh(struct arm_cpu *a);
u64 arm_pac_qarma5(u64 data, u64 modifier, u64 key0, u64 key1);

/* mmu.c */
enum arm_regime_kind { ARM_REGIME_EL10, ARM_REGIME_EL2, ARM_REGIME_EL20, ARM_REGIME_EL3 };
/* n of arm_context beside 0 and fetch: as by LDTR/STTR. */
enum { ARM_CONTEXT_UNPRIV = 1 };
void arm_context(struct cpu *cpu, unsigned n, struct isa_context *out);
enum isa_fault_kind must_check arm_walk(struct cpu *cpu, const struct isa_context *context,
                                        u64 vaddr, enum isa_access access, struct isa_mapping *m,
                                        struct isa_fault *f);
bool arm_is_device(struct arm_cpu *a,
                   u64 vaddr); /* that address may be written, and is Device memory */

/* pstate.c */
unsigned arm_fp_trap_level(const struct arm_cpu *a); /* 0: FP and SIMD are usable */
unsigned arm_regime_el(const struct arm_cpu *a);     /* whose registers rule translation now: 1..3 */
u64 arm_sctlr(const struct arm_cpu *a);              /* of that level */

/* debug.c */
bool arm_debug_active(const struct arm_cpu *a); /* units are of one instruction: step or breakpoints */
bool arm_debug_check(struct arm_cpu *a);        /* at a unit boundary; true: took an exception */
bool arm_debug_step_enabled(const struct arm_cpu *a);
unsigned arm_debug_level(const struct arm_cpu *a); /* that takes debug exceptions: 1 or 2, at least */
void arm_debug_changed(struct arm_cpu *a);         /* watchpoints were written */
bool arm_watch_page(const struct arm_cpu *a, u64 vaddr); /* one is on this page */
bool arm_watch_hits(const struct arm_cpu *a, u64 vaddr, unsigned size, bool el0, bool write);

/* helper_system.c */
/* A DSB waits for other CPUs' TLB maintenance: done? If not, the CPU halts until it is. */
bool arm_sync_done(struct arm_cpu *a);

/* timer.c */
void arm_timer_init(struct arm_cpu *a);
void arm_timer_fini(struct arm_cpu *a);
void arm_timer_reset(struct arm_cpu *a);
void arm_timer_update(struct arm_cpu *a); /* all, after a change of what they depend on */
void arm_timer_restore(struct arm_cpu *a); /* after a state was loaded */
/* pmu.c: within the timers' life, whose lock it uses. */
void arm_pmu_init(struct arm_cpu *a);
void arm_pmu_fini(struct arm_cpu *a);
void arm_pmu_reset(struct arm_cpu *a);
void arm_pmu_restore(struct arm_cpu *a);
/* The exception level or the security state changed. */
void arm_pmu_level(struct arm_cpu *a);
u64 arm_count(const struct arm_cpu *a);   /* the physical count */
u64 arm_virtual_count(const struct arm_cpu *a);
u64 arm_ticks_ns(const struct arm_cpu *a, u64 ticks);

/* sysreg.c: by name for debuggers and -d. */
const char *arm_sysreg_name(u32 encoding);
bool arm_sysreg_read_named(struct arm_cpu *a, const char *name, u64 *value);

/* state.c */
extern const struct state_table arm_state;
int must_check arm_init(struct cpu *cpu, const char *arch, const char *model, struct err *err);
void arm_fini(struct cpu *cpu);
void arm_reset(struct cpu *cpu);
void arm_print_registers(struct cpu *cpu, void *file);

/* model.c */
extern const struct isa_model arm_models[];
int must_check arm_model_apply(struct arm_cpu *a, const char *arch, const char *text, struct err *err);
void arm_model_features(void *file);
void arm_model_facts(struct cpu *cpu, struct isa_cpu_facts *facts);
/* ID registers that depend on has_el2, has_el3. */
void arm_model_levels(struct arm_cpu *a);
u64 arm_model_identity(const struct arm_cpu *a);

/* The front end (translate.c, disassemble.c: with the decode tables). */
u64 arm_code_config(const struct cpu *cpu);
void arm_translate_unit(struct cpu *cpu, struct ir_builder *b, unsigned max_insns);
unsigned arm_disassemble(const struct cpu *cpu, u64 pc, const u8 *code, unsigned len, char *text, size_t size);

/* ---- For boards -------------------------------------------------------------------------------- */

extern const struct isa arm_isa;
void arm_cpu_set_mpidr(struct cpu *cpu, u64 affinity);
void arm_cpu_set_gic(struct cpu *cpu, const struct arm_gic_cpu *gic);
void arm_cpu_set_firmware(struct cpu *cpu, const struct arm_firmware *firmware);
void arm_cpu_set_timer_irq(struct cpu *cpu, enum arm_timer timer, struct irq irq);
void arm_cpu_set_pmu_irq(struct cpu *cpu, struct irq irq);
/* Where reset starts (RVBAR). */
void arm_cpu_set_reset_address(struct cpu *cpu, u64 rvbar);
/* Which exception levels above EL1 the board's CPUs have. Before reset. */
void arm_cpu_set_levels(struct cpu *cpu, bool el2, bool el3);
/* Secure accesses have this bit in their physical addresses: the board shows there what only they reach, beside all
 * that others reach at the address without it. */
#define ARM_SECURE_SPACE BIT(56)
void arm_cpu_set_two_spaces(struct cpu *cpu);
/* Registers the boot protocol sets, after reset. el: starts at this level. CPU stopped or its own thread. */
void arm_cpu_set_start(struct cpu *cpu, u64 pc, u64 x0, unsigned el);
/* ... and the two registers after x0. */
void arm_cpu_set_arguments(struct cpu *cpu, u64 x1, u64 x2);

#endif
