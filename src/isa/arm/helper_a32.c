/*
 * helper_a32.c - what A32 and T32 translations call for base instructions. On the CPU's thread.
 */
#include "isa/arm/arm.h"

void arm_helper_interwork(struct cpu *cpu, u64 unused)
{
    struct arm_cpu *a = arm_cpu(cpu);
    bool thumb = a->pc & 1;
    a->pstate = thumb ? a->pstate | PSTATE_T : a->pstate & ~PSTATE_T;
    a->pc &= ~UINT64_C(1);
    arm_state_changed(a);
}

void arm_helper_leave_a32(struct cpu *cpu, u64 distance)
{
    struct arm_cpu *a = arm_cpu(cpu);
    a->pc = (u32)(a->pc + distance);
    arm_state_changed(a);
}

void arm_helper_remode(struct cpu *cpu)
{
    arm_state_changed(arm_cpu(cpu));
}

void arm_helper_unaligned_a32(struct cpu *cpu, u64 write)
{
    struct isa_fault f = {.kind = ISA_FAULT_ALIGNMENT,
                          .vaddr = arm_cpu(cpu)->fault_address,
                          .access = write ? ISA_WRITE : ISA_READ};
    arm_fault(cpu, &f);
    cpu->unwind = 1;
}
