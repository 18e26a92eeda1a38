/*
 * fault.c - data and instruction aborts: what a failed access becomes (ESR_ELx, FAR_ELx,
 * HPFAR_EL2), and where it goes.
 *
 * Manual: DDI 0487, D24.2.40 (ISS of aborts), "AArch64.Abort". On the CPU's thread; all state is
 * written.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/walk.h"
#include "jit/translate.h"

#define ISS_WNR   BIT(6)
#define ISS_S1PTW BIT(7)
#define ISS_CM    BIT(8)
#define ISS_ISV   BIT(24)

/* ---- ISV: the access as the hypervisor emulates it ----------------------------------------------
 */

/*
 * "ISV is 1 for ... loads and stores of a single general-purpose register, without writeback",
 * exclusives excluded (C4.1.94: loads and stores; register numbers are in the same place in all).
 */
static bool decode_a64(u32 insn, struct arm_access *out)
{
    u32 size = insn >> 30, opc = insn >> 22 & 3;
    *out = (struct arm_access){.size = size, .rt = insn & 31};
    if ((insn & 0x3fa00000) == 0x08800000) { /* LDAR, STLR, LDLAR, STLLR */
        out->wide = size == 3;
        out->ordered = true;
        return true;
    }
    if ((insn & 0x3b000000) != 0x39000000 && (insn & 0x3b000000) != 0x38000000)
        return false;
    if (insn & BIT(26)) /* SIMD */
        return false;
    if ((insn & 0x3b000000) == 0x38000000) {
        bool reg = insn & BIT(21);
        u32 form = insn >> 10 & 3;
        if (reg ? form != 2 : form != 0 && form != 2) /* register offset; unscaled, unprivileged */
            return false;
    }
    if (opc & 2 && size == 3) /* PRFM */
        return false;
    out->sign = opc & 2;
    out->wide = opc & 2 ? opc == 2 : size == 3;
    return true;
}

/* Of the instruction at pc, which has just been executed. */
bool arm_read_code(struct arm_cpu *a, u64 pc, unsigned size, u64 *code)
{
    struct isa_context context;
    struct isa_mapping m;
    struct isa_fault f = {.size = (u8)size};
    arm_context(&a->cpu, ISA_CONTEXT_FETCH, &context);
    return !arm_walk(&a->cpu, &context, pc, ISA_PROBE, &m, &f) &&
           jit_phys_read(&a->cpu, m.paddr, size, code);
}

static bool decode_access(struct arm_cpu *a, struct arm_access *out)
{
    u64 code, second;
    bool thumb = a->pstate & PSTATE_T;
    if (!arm_is_a32(a) || !thumb)
        return arm_read_code(a, a->pc, 4, &code) &&
               (arm_is_a32(a) ? arm_a32_decode_access((u32)code, false, 4, out)
                              : decode_a64((u32)code, out));
    if (!arm_read_code(a, a->pc, 2, &code))
        return false;
    if (code >> 11 < 0x1d)
        return arm_a32_decode_access((u32)code, true, 2, out);
    return arm_read_code(a, a->pc + 2, 2, &second) &&
           arm_a32_decode_access((u32)(code << 16 | second), true, 4, out);
}

static u64 iss_of_access(struct arm_cpu *a)
{
    struct arm_access access;
    if (!decode_access(a, &access))
        return 0;
    if (arm_is_a32(a))
        access.rt = arm_a32_x(a, access.rt);
    return ISS_ISV | (u64)access.size << 22 | (u64)access.sign << 21 | (u64)access.rt << 16 |
           (u64)access.wide << 15 | (u64)access.ordered << 14;
}

/* ---- Aborts ---------------------------------------------------------------------------------- */

/* Accesses that the engine refused, without a walk: no memory there, or alignment. */
static u64 code_of(const struct isa_fault *f)
{
    if (f->code)
        return f->code;
    switch (f->kind) {
    case ISA_FAULT_ALIGNMENT: return ARM_FSC_ALIGNMENT;
    case ISA_FAULT_ACCESS: return ARM_FSC_EXTERNAL;
    default: return 0; /* address size, level 0 */
    }
}

static unsigned target(const struct arm_cpu *a, const struct isa_fault *f, u64 code)
{
    if (f->kind == ISA_FAULT_ACCESS && a->has_el3 && a->sysreg[ARM_SYS_SCR_EL3] & SCR_EA)
        return 3;
    if (code & ARM_FAULT_STAGE2)
        return 2;
    if (f->kind != ISA_FAULT_ACCESS)
        return 0;
    return arm_el(a) < 2 && arm_hcr(a) & HCR_TEA ? 2 : 0;
}

/* "WnR: for an atomic instruction, 0 if a read of the address would have generated the fault". */
static bool is_write(const struct isa_fault *f, u64 code)
{
    unsigned fsc = (unsigned)(code & ARM_FAULT_FSC & ~UINT64_C(3));
    bool read_too =
        fsc == ARM_FSC_TRANSLATION || fsc == ARM_FSC_ACCESS_FLAG || fsc == ARM_FSC_ADDRESS_SIZE;
    return f->access == ISA_WRITE && !(f->atomic && read_too);
}

/* EL1 takes it, and is AArch32's. */
static bool goes_to_a32(const struct arm_cpu *a, unsigned to)
{
    return MAX(to, 1) == 1 && arm_is_a32(a) && arm_el1_is_a32(a) &&
           !(arm_el(a) == 0 && arm_hcr(a) & HCR_TGE);
}

static void abort_a32(struct arm_cpu *a, const struct isa_fault *f, u64 code)
{
    u64 iss = code & ARM_FAULT_FSC;
    if (code & ARM_FAULT_CM)
        iss |= ISS_CM | ISS_WNR;
    else if (f->access == ISA_WRITE)
        iss |= ISS_WNR;
    arm_a32_abort(a, f, iss);
}

void arm_fault(struct cpu *cpu, const struct isa_fault *f)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 code = code_of(f), iss = code & ARM_FAULT_FSC;
    unsigned to = target(a, f, code);
    assert(f->kind != ISA_FAULT_NONE);
    iss |= code & ARM_FAULT_S1PTW ? ISS_S1PTW : 0;
    if (f->access == ISA_FETCH && f->vaddr & 3 && !arm_is_a32(a)) {
        arm_exception(a, ARM_SYNDROME(ARM_EC_PC_ALIGN, 0), f->vaddr, a->pc);
        return;
    }
    if (goes_to_a32(a, iss == ARM_FSC_DEBUG ? arm_debug_level(a) : to)) {
        abort_a32(a, f, code);
        return;
    }
    if (iss == ARM_FSC_DEBUG) {
        iss |= f->access == ISA_WRITE ? ISS_WNR : 0;
        arm_exception_to(a, arm_debug_level(a), ARM_SYNDROME(ARM_EC_WATCHPOINT_LOWER, iss),
                         f->vaddr, a->pc);
        return;
    }
    if (code & ARM_FAULT_STAGE2)
        a->sysreg[ARM_SYS_HPFAR_EL2] = (code & ARM_FAULT_IPA & BITS(51, 12)) >> 8;
    if (f->access == ISA_FETCH) {
        arm_exception_to(a, to, ARM_SYNDROME(ARM_EC_IABT_LOWER, iss), f->vaddr, a->pc);
        return;
    }
    if (code & ARM_FAULT_CM)
        iss |= ISS_CM | ISS_WNR;
    else if (is_write(f, code))
        iss |= ISS_WNR;
    if (code & ARM_FAULT_STAGE2 && !(code & (ARM_FAULT_S1PTW | ARM_FAULT_CM)))
        iss |= iss_of_access(a);
    arm_exception_to(a, to, ARM_SYNDROME(ARM_EC_DABT_LOWER, iss), f->vaddr, a->pc);
}
