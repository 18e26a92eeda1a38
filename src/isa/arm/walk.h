/*
 * walk.h - one translation of VMSAv8-64: what goes in, what comes out, and how faults are told to
 * fault.c.
 */
#ifndef ISA_ARM_WALK_H
#define ISA_ARM_WALK_H

#include "isa/arm/arm.h"

/* isa_context.view. The rest of what a walk depends on is in the regime that bits 47..32 name. */
#define ARM_VIEW_EL0          BIT(0) /* as EL0's access */
#define ARM_VIEW_PAN          BIT(1)
#define ARM_VIEW_KIND_SHIFT   2 /* enum arm_regime_kind */
#define ARM_VIEW_KIND         BITS(3, 2)
#define ARM_VIEW_SECURE       BIT(4)
#define ARM_VIEW_VMID_SHIFT   16
#define ARM_VIEW_VMID         BITS(31, 16)
#define ARM_VIEW_REGIME_SHIFT 32
#define ARM_VIEW_REGIME       BITS(47, 32)
/* isa_context.space: TTBR0_ELx's address, the ASID above it; 0: stage 1 is off. */
#define ARM_SPACE_BASE       BITS(47, 1)
#define ARM_SPACE_ASID_SHIFT 48
#define ARM_SPACE_ASID       BITS(63, 48)

/* isa_fault.code: fault status, and where the fault was. */
#define ARM_FAULT_FSC    BITS(5, 0)
#define ARM_FAULT_S1PTW  BIT(6) /* stage 2, of a stage 1 descriptor's address */
#define ARM_FAULT_STAGE2 BIT(7)
#define ARM_FAULT_CM     BIT(8) /* of cache maintenance, or an AT instruction */
#define ARM_FAULT_IPA    BITS(63, 12)
/* of stage 1 by short descriptors: the domain */
#define ARM_FAULT_DOMAIN_SHIFT 12
#define ARM_FAULT_DOMAIN       BITS(15, 12)

enum arm_fsc {
    ARM_FSC_ADDRESS_SIZE = 0x00, /* + level */
    ARM_FSC_TRANSLATION = 0x04,
    ARM_FSC_ACCESS_FLAG = 0x08,
    ARM_FSC_PERMISSION = 0x0c,
    ARM_FSC_EXTERNAL = 0x10,
    ARM_FSC_EXTERNAL_WALK = 0x14, /* + level */
    ARM_FSC_ASYNC = 0x11,         /* AArch32: SError */
    ARM_FSC_ALIGNMENT = 0x21,
    ARM_FSC_DEBUG = 0x22,
    ARM_FSC_DOMAIN = 0x3c, /* + level */
};

struct arm_translation {
    struct arm_cpu *a;
    const struct arm_regime *regime;
    u64 space, view, vaddr;
    enum isa_access access;
    bool stage1_only; /* AT S1E*: the result is an intermediate address */
    /* -- Out. */
    u64 paddr, size;
    bool nonsecure; /* which of the two spaces of addresses paddr is of */
    bool global, guarded;
    u8 attributes, shareability; /* of both stages, as descriptors have them */
    u64 code;                    /* of a fault */
};

/* False: t->code says why. */
bool must_check arm_translate_address(struct arm_translation *t);
/* Stage 2 alone: of stage 1's result, or of a descriptor that stage 1 reads or writes. */
enum arm_walking { ARM_WALKING_NOT, ARM_WALKING_READS, ARM_WALKING_UPDATES };
bool must_check arm_translate_stage2(struct arm_translation *t, u64 ipa, enum arm_walking walking,
                                     u64 *paddr, u64 *size);

/* walk_short.c: stage 1 of AArch32 by short descriptors; AP[2:0] and XN, of both formats. */
bool must_check arm_walk_short(struct arm_translation *t);
bool arm_a32_permitted(const struct arm_translation *t, unsigned ap, bool xn, bool pxn);

/* walk.c, for both stages. */
/* addr in the space that the walk has come to. */
u64 arm_spaced_address(const struct arm_translation *t, u64 addr);
/* A stage 1 descriptor's address may be intermediate. */
bool must_check arm_table_address(struct arm_translation *t, u64 addr, enum arm_walking walking,
                                  u64 *paddr);
unsigned arm_address_bits(const struct arm_cpu *a, unsigned field);
u64 arm_fault_code(unsigned fsc, int level);
/* A table's descriptor: address of the next table or of what a leaf maps, by granule and format. */
u64 arm_descriptor_address(u64 descriptor, unsigned granule_bits, bool ds, bool lpa);
/* Reads a descriptor; updates it to `want` where nobody changed it meanwhile. */
bool must_check arm_descriptor_read(struct arm_cpu *a, u64 paddr, bool big_endian, u64 *out);
enum arm_update { ARM_UPDATE_DONE, ARM_UPDATE_RACED, ARM_UPDATE_FAILED };
enum arm_update arm_descriptor_update(struct arm_cpu *a, u64 paddr, bool big_endian, u64 seen,
                                      u64 want);

#endif
