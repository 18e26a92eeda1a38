/*
 * a32.h - AArch32 at EL1 and EL0: modes, banked registers, CPSR and SPSR, exceptions that EL1 takes
 * itself.
 *
 * While in AArch32 x[0..14] are the current mode's registers. The banked ones of other modes are
 * where AArch64 sees them, in x[16..30] ("D1.20.1"); those that belong to User mode are in the
 * places of the current mode's, which it does not need. On the CPU's thread.
 */
#ifndef ISA_ARM_A32_H
#define ISA_ARM_A32_H

#include "isa/arm/arm.h"

/* PSTATE.M ("G8.2.33"). */
enum arm_a32_mode {
    ARM_M_USR = 0x10,
    ARM_M_FIQ = 0x11,
    ARM_M_IRQ = 0x12,
    ARM_M_SVC = 0x13,
    ARM_M_MON = 0x16,
    ARM_M_ABT = 0x17,
    ARM_M_HYP = 0x1a,
    ARM_M_UND = 0x1b,
    ARM_M_SYS = 0x1f,
};
static inline unsigned arm_a32_mode(const struct arm_cpu *a)
{
    return (unsigned)(a->pstate & 31);
}

/* CPSR and SPSR, where they are not as SPSR_ELx has them. */
#define CPSR_DIT  BIT(21)
#define CPSR_SSBS BIT(23)
/* What MRS shows of CPSR: no execution state but E. */
#define CPSR_READ UINT32_C(0xf8ff03df)

/* SCTLR, where it is not as SCTLR_EL1 */
#define SCTLR32_CP15BEN BIT(5)
#define SCTLR32_SED     BIT(8)
#define SCTLR32_V       BIT(13)
#define SCTLR32_UWXN    BIT(20)
#define SCTLR32_TRE     BIT(28)
#define SCTLR32_AFE     BIT(29)
#define SCTLR32_TE      BIT(30)
#define SCTLR32_DSSBS   BIT(31)
/* ... that AArch64 has not, or has otherwise. */
#define SCTLR32_OWN (SCTLR32_V | SCTLR32_UWXN | SCTLR32_TRE | SCTLR32_AFE | SCTLR32_TE | SCTLR32_DSSBS)
/* FPEXC */
#define ARM_FPEXC_EX BIT(31)
#define ARM_FPEXC_EN BIT(30)
/* DBGDSCR.MOE, and what it says */
#define ARM_DSCR_MOE BITS(5, 2)
enum { ARM_MOE_BREAKPOINT = 1, ARM_MOE_BKPT = 3, ARM_MOE_VECTOR_CATCH = 5, ARM_MOE_WATCHPOINT = 10 };
/* TTBCR */
#define TTBCR_PD0 BIT(4)
#define TTBCR_PD1 BIT(5)
#define TTBCR_T2E BIT(6)
#define TTBCR_EAE BIT(31)

/* VMRS and VMSR's numbers. */
enum arm_fp_reg {
    ARM_FP_FPSID = 0,
    ARM_FP_FPSCR = 1,
    ARM_FP_MVFR2 = 5,
    ARM_FP_MVFR1 = 6,
    ARM_FP_MVFR0 = 7,
    ARM_FP_FPEXC = 8,
};
/* Beside the mask of bytes that MSR writes: the mode alone, of CPS. */
enum { ARM_MSR_MODE = 16 };

/* EL1 uses AArch32, now or when it is entered. */
bool arm_el1_is_a32(const struct arm_cpu *a);
/* Is it a mode that EL1 or EL0 can be in? */
bool arm_a32_mode_valid(unsigned mode);
/* Registers change places; PSTATE.M follows. */
void arm_a32_bank_switch(struct arm_cpu *a, unsigned mode);
/* Where r8..r14 of a mode are now. */
u64 *arm_a32_reg(struct arm_cpu *a, unsigned mode, unsigned n);
/* SPSR of a mode; NULL: it has none. */
u64 *arm_a32_spsr(struct arm_cpu *a, unsigned mode);

u32 arm_cpsr(const struct arm_cpu *a);
/* By MSR: of the bytes that `mask` names; flags too. */
void arm_cpsr_write(struct arm_cpu *a, u32 v, unsigned mask);
/* ... and where it comes from a saved one with a new pc. */
void arm_a32_return(struct arm_cpu *a, u32 pc, u32 spsr);

/* Number of a register of the current mode in AArch64, as syndromes have it. */
unsigned arm_a32_x(const struct arm_cpu *a, unsigned n);

/* An exception that AArch64 would have by this syndrome, taken by EL1 in AArch32. */
void arm_a32_take(struct arm_cpu *a, u64 syndrome, u64 preferred_return);
/* code: isa_fault.code. debug: a watchpoint. */
/* Where EL1's vectors are ("ExcVectorBase"). */
u32 arm_a32_vectors(const struct arm_cpu *a);
void arm_a32_abort(struct arm_cpu *a, const struct isa_fault *f, u64 iss);
/* vector: of AArch64's, 0x80 and up. */
void arm_a32_take_interrupt(struct arm_cpu *a, unsigned vector);
/* Size (log2), sign, register and width of a load or store of one general register. */
struct arm_access {
    u32 size, rt;
    bool sign, wide, ordered;
};
/* access32.c: of the instruction's bits, T32's first halfword highest. False: something else. */
bool arm_a32_decode_access(u32 insn, bool thumb, unsigned length, struct arm_access *out);

/* A status code of long descriptors as short ones have it. */
u32 arm_a32_short_status(unsigned fsc);
/* ... as DFSR and IFSR have it, by TTBCR.EAE; without the domain. */
u32 arm_a32_fault_status(const struct arm_cpu *a, unsigned fsc);
/* What VSESR_EL2 gives to an EL1 of AArch32: AET and ExT, where DFSR and DISR have them. */
#define ARM_VSESR32 (BITS(15, 14) | BIT(12))
/* After an instruction in an IT block that is itself done. */
void arm_a32_it_advance(struct arm_cpu *a);
static inline unsigned arm_a32_length(const struct arm_cpu *a)
{
    return a->pstate & PSTATE_T ? 2 : 4;
}

#endif
