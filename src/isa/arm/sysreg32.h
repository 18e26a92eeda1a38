/*
 * sysreg32.h - the table of AArch32's system registers (sysreg32.def): coprocessors 14 and 15.
 *
 * A row names the register of AArch64 that it is (DDI 0487, G8: "architecturally mapped"): there are
 * its value, its access conditions and its traps, but for what the row says otherwise.
 */
#ifndef ISA_ARM_SYSREG32_H
#define ISA_ARM_SYSREG32_H

#include "isa/arm/sysreg.h"

/* A register's name in instructions: MCR and MRC; MCRR and MRRC. coproc: 14 or 15. */
#define ARM_CP(coproc, opc1, crn, crm, opc2)                                                       \
    ((u32)((coproc)&1) << 14 | (u32)(opc1) << 11 | (u32)(crn) << 7 | (u32)(crm) << 3 | (u32)(opc2))
#define ARM_CP64(coproc, opc1, crm) (BIT(15) | (u32)((coproc)&1) << 14 | (u32)(opc1) << 4 | (u32)(crm))

enum arm_sys32_part { ARM_PART_LOW, ARM_PART_HIGH, ARM_PART_WHOLE };

struct arm_sysreg32 {
    const char *name;
    u16 key;   /* ARM_CP, ARM_CP64 */
    u16 is;    /* ARM_ENC of AArch64's; 0: it has none, and functions */
    u8 part;   /* enum arm_sys32_part */
    u8 access; /* enum arm_sys_access */
    u8 trap;   /* enum arm_sys_trap */
    u8 flags;  /* beside those of AArch64's row */
    bool own_access, own_trap;
    u64 (*get)(struct arm_cpu *a, const struct arm_sysreg32 *r);
    void (*set)(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v); /* may unwind */
};

/* A register as an access finds it. */
struct arm_sysreg32_place {
    const struct arm_sysreg32 *r; /* NULL: there is none */
    const struct arm_sysreg *is;  /* AArch64's, whose values and checks count; NULL: only functions */
    u32 encoding;                 /* of that */
};
struct arm_sysreg32_place arm_sysreg32_find(const struct arm_cpu *a, u32 key);
/* ... as a number that helpers take with the key. */
u32 arm_sysreg32_pack(const struct arm_sysreg32_place *p);

unsigned arm_sysreg32_flags(const struct arm_sysreg32_place *p);
unsigned arm_sysreg32_access(const struct arm_sysreg32_place *p); /* enum arm_sys_access */
/* Offset in struct arm_cpu of the word that MRC reads, where nothing traps or changes that; 0: none. */
u32 arm_sysreg32_plain(const struct arm_cpu *a, const struct arm_sysreg32_place *p);

#endif
