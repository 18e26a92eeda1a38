/*
 * riscv.h - a RISC-V hart: its state, its mode word, the front end's context, and what the files of
 * isa/riscv give each other.
 *
 * One struct for RV32 and RV64. Invariants:
 *   - XLEN=32: x registers are kept sign-extended from 32 bits, pc and every CSR zero-extended;
 * x[0] is 0 and never written.
 *   - cpu.mode is riscv_mode(rv) and cpu.context_stamp has been bumped since the last change of
 * what riscv_context answers, at every unit boundary: who changes priv, mstatus, satp, frm ends by
 * riscv_state_changed.
 *   - mstatus is kept without SD, which is computed when it is read. FS is therefore set dirty by
 * setting its two bits.
 *   - irq_wires and irq_soft are the only fields that other threads touch (riscv_set_irq); mip =
 * wires | soft.
 */
#ifndef ISA_RISCV_RISCV_H
#define ISA_RISCV_RISCV_H

#include "cpu/cpu.h"
#include "isa/insn.h"
#include "jit/build.h"
#include "loop/timer.h"

/* ---- Extensions ------------------------------------------------------------------------------ */

enum riscv_ext {
#define EXT(id, name, models, ...) RISCV_EXT_##id,
#include "isa/riscv/ext.def"
#undef EXT
    RISCV_EXT_NONE,
    RISCV_EXT_RV32 = RISCV_EXT_NONE, /* XLEN, as a condition of decode tables */
    RISCV_EXT_RV64,
    RISCV_EXTS
};
#define RISCV_EXT_WORDS ((RISCV_EXTS + 63) / 64)

/* ---- Names of the privileged architecture ---------------------------------------------------- */

enum riscv_priv { RISCV_U = 0, RISCV_S = 1, RISCV_M = 3 };

/* Exception codes of mcause ("Machine Cause Register"). */
enum riscv_cause {
    RISCV_CAUSE_INSN_MISALIGNED = 0,
    RISCV_CAUSE_INSN_ACCESS = 1,
    RISCV_CAUSE_ILLEGAL = 2,
    RISCV_CAUSE_BREAKPOINT = 3,
    RISCV_CAUSE_LOAD_MISALIGNED = 4,
    RISCV_CAUSE_LOAD_ACCESS = 5,
    RISCV_CAUSE_STORE_MISALIGNED = 6,
    RISCV_CAUSE_STORE_ACCESS = 7,
    RISCV_CAUSE_ECALL_U = 8,
    RISCV_CAUSE_ECALL_S = 9,
    RISCV_CAUSE_ECALL_M = 11,
    RISCV_CAUSE_INSN_PAGE = 12,
    RISCV_CAUSE_LOAD_PAGE = 13,
    RISCV_CAUSE_STORE_PAGE = 15,
    RISCV_CAUSE_SOFTWARE_CHECK = 18,
};

/* Interrupt numbers: bits of mip, mie, mideleg, and inputs of cpu_irq(). */
enum riscv_irq {
    RISCV_IRQ_SSI = 1,
    RISCV_IRQ_MSI = 3,
    RISCV_IRQ_STI = 5,
    RISCV_IRQ_MTI = 7,
    RISCV_IRQ_SEI = 9,
    RISCV_IRQ_MEI = 11
};

#define MSTATUS_SIE       BIT(1)
#define MSTATUS_MIE       BIT(3)
#define MSTATUS_SPIE      BIT(5)
#define MSTATUS_MPIE      BIT(7)
#define MSTATUS_SPP       BIT(8)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_MPP       BITS(12, 11)
#define MSTATUS_FS        BITS(14, 13) /* off, initial, clean, dirty */
#define MSTATUS_MPRV      BIT(17)
#define MSTATUS_SUM       BIT(18)
#define MSTATUS_MXR       BIT(19)
#define MSTATUS_TVM       BIT(20)
#define MSTATUS_TW        BIT(21)
#define MSTATUS_TSR       BIT(22)
#define SSTATUS_MASK                                                                               \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)
#define SSTATUS_UXL_64    (UINT64_C(2) << 32)

#define ENVCFG_FIOM       BIT(0)
#define ENVCFG_CBIE_SHIFT 4
#define ENVCFG_CBIE       BITS(5, 4)
#define ENVCFG_CBCFE      BIT(6)
#define ENVCFG_CBZE       BIT(7)
#define ENVCFG_ADUE       BIT(61)
#define ENVCFG_PBMTE      BIT(62)
#define ENVCFG_STCE       BIT(63)

#define RISCV_FFLAGS BITS(4, 0) /* soft float knows more flags than RISC-V */

#define MSECCFG_MML  BIT(0)
#define MSECCFG_MMWP BIT(1)
#define MSECCFG_RLB  BIT(2)

/* ---- The mode word: all that makes translations of the same bytes differ ------------------------
 *
 *   63            32 31        24 23          12 11 10  9   8   7   6   5 4    3 2   1 0
 *  +----------------+------------+--------------+-----+---+---+---+------+------+------+
 *  | feature set    |     0      | (vector)     |  0  |ss |lp | V | frm  |  xl  | priv |
 *  +----------------+------------+--------------+-----+---+---+---+------+------+------+
 *   priv  enum riscv_priv              xl   XLEN in force: 1 = 32, 2 = 64
 *   frm   enum riscv_frm_class         V    virtualisation (H): place kept, 0
 *   lp    landing pads (Zicfilp)       ss   shadow stack (Zicfiss): places kept, 0
 *   (vector) vsew, vlmul, vl=vlmax, vta, vma (V): place kept, 0
 *   feature set: hash of the extensions: CPUs of different models share a machine's code cache
 *
 * mstatus.FS is not in it: the first float instruction of a unit tests it (riscv_ctx.fs_checked),
 * so that a kernel's lazy switching doubles no translations. What only traps system instructions
 * (TVM, TW, TSR, counter enables, envcfg) is tested by their helpers.
 */
#define RISCV_MODE_PRIV      BITS(1, 0)
#define RISCV_MODE_XL_SHIFT  2
#define RISCV_MODE_XL        BITS(3, 2)
#define RISCV_MODE_FRM_SHIFT 4
#define RISCV_MODE_FRM       BITS(5, 4)
#define RISCV_MODE_V         BIT(6)
#define RISCV_MODE_LP        BIT(7)
#define RISCV_MODE_SS        BIT(8)
#define RISCV_MODE_VECTOR    BITS(23, 12)
#define RISCV_MODE_SET_SHIFT 32

/* What frm means for an instruction with rm=DYN. */
enum riscv_frm_class {
    RISCV_FRM_HOST,    /* RNE RTZ RDN RUP: IR_FLOAT_DYN */
    RISCV_FRM_RMM,     /* the host has no such mode: FLOAT_RMM, exact path */
    RISCV_FRM_INVALID, /* 5..7: the instruction is illegal */
};

/* ---- Slots ----------------------------------------------------------------------------------- */

enum riscv_slot {
    RISCV_SLOT_X = 0,  /* + 1..31; + 0 is never got or put */
    RISCV_SLOT_F = 32, /* + 0..31, IR_F64 */
    RISCV_SLOT_PC = 64,
    RISCV_SLOTS
};
static inline unsigned riscv_slot_x(unsigned n)
{
    return RISCV_SLOT_X + n;
}
static inline unsigned riscv_slot_f(unsigned n)
{
    return RISCV_SLOT_F + n;
}

/* ---- The hart -------------------------------------------------------------------------------- */

enum { RISCV_PMP_MAX = 64 };

/* Physical memory protection, with entries decoded to ranges (pmp.c). */
struct riscv_pmp {
    u8 cfg[RISCV_PMP_MAX];
    u64 addr[RISCV_PMP_MAX]; /* as the CSRs read, before granularity */
    /* Derived by riscv_pmp_update: */
    u64 first[RISCV_PMP_MAX], last[RISCV_PMP_MAX]; /* inclusive; first > last: off */
    u8 active;                                     /* entries from 0 that can match */
    /* The range around the last page asked for that one entry (or none) rules alone, and what it
     * permits below M and in M. first > last: not known. */
    struct {
        u64 first, last;
        u8 rights[2];
    } rule;
};

/* A last-level table that a walk came to: later walks for the same 2 MiB start there. Every fence forgets
 * all of them ("Supervisor Memory-Management Fence Instruction" lets caches hold until then). */
enum { RISCV_WALK_CACHE = 64 };
struct riscv_walk_entry {
    u64 space; /* as isa_context.space; 0: empty */
    u64 vpage; /* vaddr >> 21 */
    u64 table; /* physical address */
    bool global;
};

/* Time as the board's timer device has it: mtime, and when it will have a value. */
struct riscv_timebase {
    u64 (*now)(void *opaque);
    u64 (*deadline_ns)(
        void *opaque,
        u64 ticks); /* virtual clock's time when now() becomes >= ticks; UINT64_MAX: never */
    void *opaque;
};

struct riscv_cpu {
    struct cpu cpu;

    /* -- Hot: x1..x31 and pc are reached with 8-bit displacements (riscv_isa.state_bias). */
    _Alignas(64) u64 x[32];
    u64 pc;
    u64 f[32];             /* narrower values are NaN-boxed */
    u64 mstatus;           /* without SD, UXL, SXL */
    _Atomic u64 irq_wires; /* levels of the interrupt inputs, by bit of mip */
    _Atomic u64 irq_soft;  /* bits of mip that software wrote (SSIP, STIP, SEIP) */
    u64 mie, mideleg;
    u8 priv; /* enum riscv_priv */
    u8 fflags, frm;

    /* -- CSRs. */
    u64 stvec, sscratch, sepc, scause, stval, satp, scounteren, senvcfg;
    u64 mtvec, mscratch, mepc, mcause, mtval, medeleg, mcounteren, mcountinhibit, menvcfg, mseccfg;
    u64 stimecmp;
    u64 counter[2]; /* mcycle, minstret: value - clock while they count, value while inhibited */
    struct riscv_pmp pmp;
    struct riscv_walk_entry walk_cache[RISCV_WALK_CACHE];

    /* -- Fixed by the model. */
    u64 ext[RISCV_EXT_WORDS];
    u64 ext_hash;
    u8 xlen;     /* 32, 64 */
    u8 vm_modes; /* enum riscv_vm bits */
    u8 pmp_count;
    u16 cbom, cbop, cboz; /* cache block sizes in bytes, 0: none */
    u64 mvendorid, marchid, mimpid;
    const char *ext_names[RISCV_EXT_NONE + 1]; /* canonical order, ended by NULL */
    struct riscv_timebase time;
    struct timer stimer;            /* Sstc */
    pthread_mutex_t stimer_lock;    /* timer.c */
    bool has_stimer;                /* stimer was initialised: there is a loop */
    u32 spins;                      /* counts pause hints */
    u64 saved_model;                /* in a snapshot: riscv_model_identity of who saved it */
    struct insn_coverage *coverage; /* NULL: -d coverage was never on */
};

enum riscv_vm { RISCV_VM_SV32 = 1, RISCV_VM_SV39 = 2, RISCV_VM_SV48 = 4, RISCV_VM_SV57 = 8 };

static inline struct riscv_cpu *riscv_cpu(struct cpu *cpu)
{
    return container_of(cpu, struct riscv_cpu, cpu);
}
static inline bool riscv_cpu_has(const struct riscv_cpu *rv, enum riscv_ext e)
{
    return rv->ext[e / 64] >> (e % 64) & 1;
}
/* v as an x register holds it. */
static inline u64 riscv_sext_xlen(const struct riscv_cpu *rv, u64 v)
{
    return rv->xlen == 32 ? (u64)(s64)(s32)v : v;
}
/* v as pc and CSRs hold it. */
static inline u64 riscv_zext_xlen(const struct riscv_cpu *rv, u64 v)
{
    return rv->xlen == 32 ? (u32)v : v;
}
static inline u64 riscv_mip(const struct riscv_cpu *rv)
{
    return atomic_load(&rv->irq_wires) | atomic_load(&rv->irq_soft);
}

/* ---- The front end's context: one while a unit is translated --------------------------------- */

struct riscv_ctx {
    struct riscv_cpu *cpu;
    struct ir_builder *b;
    const u64 *ext; /* cpu->ext */
    u64 pc;         /* of the instruction under translation */
    u64 next;       /* of the one to translate after it: pc + length, or where a jump leads */
    u32 insn;       /* its bits */
    u8 length;      /* in bytes */
    u8 priv;        /* enum riscv_priv, from the mode word */
    bool rv32;
    u8 frm_class;    /* enum riscv_frm_class */
    bool fs_checked; /* the unit has tested FS and made it dirty */
};

static inline bool riscv_has(const struct riscv_ctx *c, enum riscv_ext e)
{
    return c->ext[e / 64] >> (e % 64) & 1;
}

/* ---- Helpers: indexes in riscv_isa.helpers --------------------------------------------------- */

enum riscv_helper {
#define HELPER(id, fn, result, args, effects) RISCV_HELPER_##id,
#include "isa/riscv/helper.def"
#undef HELPER
    RISCV_HELPERS
};
extern const struct ir_helper riscv_helpers[];

void riscv_helper_illegal(struct cpu *cpu, u64 insn);
void riscv_helper_raise(struct cpu *cpu, u64 cause, u64 tval);
void riscv_helper_ecall(struct cpu *cpu);
void riscv_helper_check_target(struct cpu *cpu, u64 target);
void riscv_helper_branch_misaligned(struct cpu *cpu, u64 offset);
void riscv_helper_leave(struct cpu *cpu, u64 length);
void riscv_helper_float_begin(struct cpu *cpu, u64 insn);
void riscv_helper_sret(struct cpu *cpu, u64 insn);
void riscv_helper_mret(struct cpu *cpu, u64 insn);
void riscv_helper_wfi(struct cpu *cpu, u64 insn);
void riscv_helper_wrs(struct cpu *cpu, u64 insn);
void riscv_helper_sfence_vma(struct cpu *cpu, u64 insn, u64 vaddr, u64 asid);
void riscv_helper_sfence_order(struct cpu *cpu, u64 insn);
void riscv_helper_fence_i(struct cpu *cpu);
void riscv_helper_cbo(struct cpu *cpu, u64 insn, u64 vaddr);
void riscv_helper_pause(struct cpu *cpu);
void riscv_helper_sstatus(struct cpu *cpu, u64 mstatus);
u64 riscv_helper_csr(struct cpu *cpu, u64 insn, u64 operand);
void riscv_helper_csr_step(struct cpu *cpu, u64 insn);
void riscv_helper_amocas_q(struct cpu *cpu, u64 vaddr, u64 registers);
u64 riscv_helper_float(struct cpu *cpu, u64 what, u64 x, u64 y, u64 z);
u64 riscv_helper_fclass(struct cpu *cpu, u64 x, u64 fmt);

/* ---- CSRs as the front end sees them (csr.c) ------------------------------------------------- */

/* How an access may be translated. What is neither INLINE nor PURE_HELPER goes to RISCV_HELPER_CSR
 * with `ends` respected. */
struct riscv_csr_plan {
    bool in_line; /* plain storage: ir_load_state(IR_I64, offset, size 8), sign-extended from 32
                     bits on RV32; write: old & ~mask | new & mask, zero-extended from 32 bits on
                     RV32, ir_store_state(offset, size 8). All checks (existence, privilege,
                     read-only) are done: it cannot trap. */
    bool ends; /* a write through the helper may change mode, MMU context or interrupts: put pc, end
                  the unit by ir_exit_lookup */
    u32 offset; /* from struct cpu */
    u64 mask;   /* of writable bits */
};
/* write: the instruction writes (csrrw, or csrrs/c whose rs1 is not x0 resp. the immediate not 0).
 */
/* Bits of sstatus that instructions can write. */
u64 riscv_sstatus_writable(const struct riscv_cpu *rv);
struct riscv_csr_plan riscv_csr_plan(const struct riscv_ctx *c, unsigned number, bool write);
/* The manual's name, or NULL. */
const char *riscv_csr_name(unsigned number);

/* ---- Inside: what the files of this folder give each other ----------------------------------- */

/* trap.c */
void riscv_trap_enter(struct riscv_cpu *rv, u64 cause,
                      u64 tval); /* exception: pc, priv, mode; not for helpers: */
void riscv_trap_unwind(struct riscv_cpu *rv, u64 cause,
                       u64 tval); /* ... and makes translated code leave */
void riscv_fault(struct cpu *cpu, const struct isa_fault *f);
bool riscv_interrupt(struct cpu *cpu);
bool riscv_wakes(struct cpu *cpu);
void riscv_set_irq(struct cpu *cpu, unsigned n, int level);
/* mode word and context stamp after a change of priv, mstatus, satp, frm, menvcfg. */
void riscv_state_changed(struct riscv_cpu *rv);
u64 riscv_mode(const struct riscv_cpu *rv);

/* csr.c: what the CSR reads and writes, checks done; false: illegal. For the debugger and the
 * monitor too. */
bool must_check riscv_csr_read(struct riscv_cpu *rv, unsigned number, u64 *out);
bool must_check riscv_csr_write(struct riscv_cpu *rv, unsigned number, u64 value);
bool must_check riscv_csr_read_named(struct riscv_cpu *rv, const char *name, u64 *out);
/* The hart has the privilege mode. */
bool riscv_has_priv(const struct riscv_cpu *rv, unsigned priv);

/* timer.c: counters and Sstc. */
u64 riscv_time(const struct riscv_cpu *rv);
u64 riscv_counter_read(const struct riscv_cpu *rv, unsigned n); /* 0 cycle, 2 instret */
void riscv_counter_write(struct riscv_cpu *rv, unsigned n, u64 value);
void riscv_counter_inhibit(struct riscv_cpu *rv, u64 inhibit);
void riscv_stimer_init(struct riscv_cpu *rv);
void riscv_stimer_fini(struct riscv_cpu *rv);
void riscv_stimer_set(struct riscv_cpu *rv, u64 stimecmp);
void riscv_stimer_update(struct riscv_cpu *rv); /* after a change of menvcfg.STCE or time */

/* mmu.c, pmp.c */
void riscv_context(struct cpu *cpu, unsigned n, struct isa_context *out);
enum isa_fault_kind must_check riscv_walk(struct cpu *cpu, const struct isa_context *context,
                                          u64 vaddr, enum isa_access access, struct isa_mapping *m,
                                          struct isa_fault *f);
void riscv_sfence(struct riscv_cpu *rv, bool all_addresses, u64 vaddr, bool all_spaces, u64 asid);
u64 riscv_satp_legal(const struct riscv_cpu *rv,
                     u64 value); /* what a write of value leaves in satp */
/* May `priv` do this access? Shrinks *size (a power of two that contains paddr) to where the answer
 * holds. */
bool must_check riscv_pmp_allows(struct riscv_cpu *rv, u64 paddr, unsigned bytes,
                                 enum isa_access access, unsigned priv, u64 *size);
void riscv_pmp_update(struct riscv_cpu *rv);
u64 riscv_pmp_cfg_read(const struct riscv_cpu *rv, unsigned first, unsigned count);
void riscv_pmp_cfg_write(struct riscv_cpu *rv, unsigned first, unsigned count, u64 value);
u64 riscv_pmp_addr_read(const struct riscv_cpu *rv, unsigned n);
void riscv_pmp_addr_write(struct riscv_cpu *rv, unsigned n, u64 value);
void riscv_mseccfg_write(struct riscv_cpu *rv, u64 value);

/* state.c */
extern const struct state_table riscv_state;
int must_check riscv_init(struct cpu *cpu, const char *arch, const char *model, struct err *err);
void riscv_fini(struct cpu *cpu);
void riscv_reset(struct cpu *cpu);
void riscv_print_registers(struct cpu *cpu, void *file);

/* model.c */
extern const struct isa_model riscv_models[];
int must_check riscv_model_apply(struct riscv_cpu *rv, const char *arch, const char *text,
                                 struct err *err);
u64 riscv_model_identity(
    const struct riscv_cpu *rv); /* equal: the same architectural state fits both */
void riscv_model_features(void *file);
void riscv_model_facts(struct cpu *cpu, struct isa_cpu_facts *facts);

/* The front end (translate.c, disassemble.c: with the decode tables). */
u64 riscv_code_config(const struct cpu *cpu);
void riscv_translate_unit(struct cpu *cpu, struct ir_builder *b, unsigned max_insns);
unsigned riscv_disassemble(const struct cpu *cpu, u64 pc, const u8 *code, unsigned len, char *text,
                           size_t size);

/* ---- For boards ------------------------------------------------------------------------------ */

extern const struct isa riscv_isa;
/* Where time, stimecmp and rdtime come from; without it, the virtual clock at 10 MHz. CPU stopped.
 */
void riscv_cpu_set_timebase(struct cpu *cpu, const struct riscv_timebase *time);
/* mtime was written: deadlines are looked at anew. Any thread. */
void riscv_cpu_time_changed(struct cpu *cpu);
/* Registers the boot protocol sets, after reset: a0 = hart id, a1 = device tree, pc. CPU stopped.
 */
void riscv_cpu_set_start(struct cpu *cpu, u64 pc, u64 a0, u64 a1, u64 a2);

#endif
