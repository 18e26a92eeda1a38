/*
 * isa.c - Arm as the rest of Guise sees it: struct isa, slots, helpers. Constant data.
 */
#include "float/soft.h"
#include "isa/arm/arm.h"

/* clang-format off */
#define X_SLOT(n) [ARM_SLOT_X + n] = {"x" #n, offsetof(struct arm_cpu, x[n]), IR_I64},
#define V_SLOT(n) [ARM_SLOT_V + n] = {"v" #n, offsetof(struct arm_cpu, v[n]), IR_V128},
#define EACH_31(S)                                                                                 \
    S(0) S(1) S(2) S(3) S(4) S(5) S(6) S(7) S(8) S(9) S(10) S(11) S(12) S(13) S(14) S(15) S(16)    \
    S(17) S(18) S(19) S(20) S(21) S(22) S(23) S(24) S(25) S(26) S(27) S(28) S(29) S(30)

static const struct isa_slot slots[ARM_SLOTS] = {
    EACH_31(X_SLOT)
    [ARM_SLOT_SP] = {"sp", offsetof(struct arm_cpu, sp), IR_I64},
    [ARM_SLOT_PC] = {"pc", offsetof(struct arm_cpu, pc), IR_I64},
    [ARM_SLOT_CC_OP] = {"cc_op", offsetof(struct arm_cpu, cc_op), IR_I64},
    [ARM_SLOT_CC_X] = {"cc_x", offsetof(struct arm_cpu, cc_x), IR_I64},
    [ARM_SLOT_CC_Y] = {"cc_y", offsetof(struct arm_cpu, cc_y), IR_I64},
    EACH_31(V_SLOT) V_SLOT(31)
    [ARM_SLOT_CC_NZ] = {"cc_nz", offsetof(struct arm_cpu, cc_nz), IR_I64},
    [ARM_SLOT_CC_C] = {"cc_c", offsetof(struct arm_cpu, cc_c), IR_I64},
    [ARM_SLOT_IT] = {"it", offsetof(struct arm_cpu, it), IR_I64},
    [ARM_SLOT_GE] = {"ge", offsetof(struct arm_cpu, ge), IR_I64},
    [ARM_SLOT_Q] = {"q", offsetof(struct arm_cpu, q), IR_I64},
};
/* clang-format on */

/* x4..pc and x0..x3 after them would not fit in 8 bits: x0..x30 are at -128..+112, sp at 120. */
enum { STATE_BIAS = offsetof(struct arm_cpu, x[0]) + 128 };

enum {
    FX_STATE = 0, /* reads the CPU, but no slots */
    FX_READ = IR_FX_READ,
    FX_WRITE = IR_FX_READ | IR_FX_WRITE,
    FX_FAULT = IR_FX_FAULT,
    FX_FLOAT = IR_FX_FLOAT,
    FX_WRITE_FLOAT = IR_FX_READ | IR_FX_WRITE | IR_FX_FLOAT,
    FX_FAULT_FLOAT = IR_FX_FAULT | IR_FX_FLOAT,
    FX_PURE = IR_FX_PURE,
};

const struct ir_helper arm_helpers[] = {
#define HELPER(id, function, result_, args_, fx)                                                   \
    {#function, (void *)function, IR_##result_, args_, FX_##fx},
#include "isa/arm/helper.def"
#undef HELPER
    {.name = NULL},
};

/* ---- Float ------------------------------------------------------------------------------------ */

/* FPCR.RMode ("C5.2.8"): nearest, up, down, zero. */
static unsigned float_round(const struct cpu *cpu)
{
    static const u8 rounds[4] = {FLOAT_RNE, FLOAT_RUP, FLOAT_RDN, FLOAT_RTZ};
    const struct arm_cpu *a = container_of(cpu, struct arm_cpu, cpu);
    return rounds[a->fpcr >> 22 & 3];
}

/* Sticky flags to FPSR: IOC, DZC, OFC, UFC, IXC are bits 0..4, IDC 7 ("C5.2.10"). */
static void float_accrue(struct cpu *cpu, unsigned flags)
{
    u32 fpsr = 0;
    fpsr |= flags & FLOAT_NV ? 1 : 0;
    fpsr |= flags & FLOAT_DZ ? 2 : 0;
    fpsr |= flags & FLOAT_OF ? 4 : 0;
    fpsr |= flags & FLOAT_UF ? 8 : 0;
    fpsr |= flags & FLOAT_NX ? 16 : 0;
    arm_cpu(cpu)->fpsr |= fpsr;
}

/* ---- The description -------------------------------------------------------------------------- */

static const char *const arch_names[] = {"aarch64", "arm", NULL};

const struct isa arm_isa = {
    .name = "arm",
    .arch_names = arch_names,
    .cpu_size = sizeof(struct arm_cpu),
    .slots = slots,
    .slot_count = ARM_SLOTS,
    .pc_slot = ARM_SLOT_PC,
    .state_bias = STATE_BIAS,
    .state = &arm_state,
    .helpers = arm_helpers,
    .helper_count = ARM_HELPERS,
    .init = arm_init,
    .fini = arm_fini,
    .reset = arm_reset,
    .models = arm_models,
    .print_features = arm_model_features,
    .facts = arm_model_facts,
    .print_registers = arm_print_registers,
    .translate = arm_translate_unit,
    .code_config = arm_code_config,
    .fixed_modes = ARM_MODE_A32 | ARM_MODE_SS,
    .disassemble = arm_disassemble,
    .context = arm_context,
    .walk = arm_walk,
    .fault = arm_fault,
    .interrupt = arm_interrupt,
    .wakes = arm_wakes,
    .monitor_lost = arm_monitor_lost,
    .set_irq = arm_set_irq,
    .float_round = float_round,
    .float_accrue = float_accrue,
};
