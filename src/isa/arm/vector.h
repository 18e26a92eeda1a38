/*
 * vector.h - vector registers by number, as helpers and trans functions name them: V0..V31, and the
 * parts of them that AArch32 calls D0..D31 and S0..S31 ("E1.3.1").
 *
 * A part reads as the low end of a vector whose rest is 0, and is written alone: the register's
 * other bits stay. So an operation of A64 on the low end of its registers is AArch32's on parts.
 * Stateless.
 */
#ifndef ISA_ARM_VECTOR_H
#define ISA_ARM_VECTOR_H

#include "isa/arm/arm.h"

enum { ARM_VIEW_D = 0x40, ARM_VIEW_S = 0x80 }; /* + number */

static inline union arm_vector arm_vector_get(const struct arm_cpu *a, u64 reg)
{
    union arm_vector v = {.d = {0, 0}};
    if (reg & ARM_VIEW_D)
        v.d[0] = a->v[reg >> 1 & 15].d[reg & 1];
    else if (reg & ARM_VIEW_S)
        v.s[0] = a->v[reg >> 2 & 7].s[reg & 3];
    else
        v = a->v[reg & 31];
    return v;
}

static inline void arm_vector_set(struct arm_cpu *a, u64 reg, union arm_vector v)
{
    if (reg & ARM_VIEW_D)
        a->v[reg >> 1 & 15].d[reg & 1] = v.d[0];
    else if (reg & ARM_VIEW_S)
        a->v[reg >> 2 & 7].s[reg & 3] = v.s[0];
    else
        a->v[reg & 31] = v;
}

#endif
