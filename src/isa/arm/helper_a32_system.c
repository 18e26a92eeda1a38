/*
 * helper_a32_system.c - system instructions of A32 and T32: exceptions and returns, CPSR and SPSR,
 * banked registers, waiting.
 *
 * Manual: DDI 0487, F5 and G1. On the CPU's thread.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
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
