/*
 * isa.c - RISC-V as the rest of Guise sees it: struct isa, slots, helpers. Constant data.
 */
#include "isa/riscv/riscv.h"

/* ---- Slots: x0..x31, f0..f31, pc ------------------------------------------------------------- */

#define X_SLOT(n) [RISCV_SLOT_X + n] = {"x" #n, offsetof(struct riscv_cpu, x[n]), IR_I64},
#define F_SLOT(n) [RISCV_SLOT_F + n] = {"f" #n, offsetof(struct riscv_cpu, f[n]), IR_F64},
/* clang-format off */
#define EACH_32(S)                                                                                 \
    S(0) S(1) S(2) S(3) S(4) S(5) S(6) S(7) S(8) S(9) S(10) S(11) S(12) S(13) S(14) S(15) S(16)    \
    S(17) S(18) S(19) S(20) S(21) S(22) S(23) S(24) S(25) S(26) S(27) S(28) S(29) S(30) S(31)

static const struct isa_slot slots[RISCV_SLOTS] = {
    EACH_32(X_SLOT)
    EACH_32(F_SLOT)
    [RISCV_SLOT_PC] = {"pc", offsetof(struct riscv_cpu, pc), IR_I64},
};
/* clang-format on */

/* The bias puts x1 at -128 and pc, which follows x31, at +120. */
enum { STATE_BIAS = offsetof(struct riscv_cpu, x[1]) + 128 };
_Static_assert(offsetof(struct riscv_cpu, pc) - STATE_BIAS == 120,
               "x1..x31 and pc are within 8-bit displacements");

/* ---- Helpers --------------------------------------------------------------------------------- */

enum {
    FX_READ = IR_FX_READ,
    FX_FAULT = IR_FX_FAULT,
    FX_FLOAT = IR_FX_FLOAT,
    FX_FAULT_FLOAT = IR_FX_FAULT | IR_FX_FLOAT,
    FX_PURE = IR_FX_PURE,
    FX_CONTEXT = IR_FX_CONTEXT,
};

const struct ir_helper riscv_helpers[] = {
#define HELPER(id, function, result_, args_, fx)                                                   \
    {#function, (void *)function, IR_##result_, args_, FX_##fx},
#include "isa/riscv/helper.def"
#undef HELPER
    {.name = NULL},
};

/* ---- Float ----------------------------------------------------------------------------------- */

/* frm and fflags have the numbers of enum float_round and enum float_flag. */
static unsigned float_round(const struct cpu *cpu)
{
    const struct riscv_cpu *rv = container_of(cpu, struct riscv_cpu, cpu);
    return rv->frm <= FLOAT_RUP ? rv->frm : FLOAT_RNE;
}

static void float_accrue(struct cpu *cpu, unsigned flags)
{
    riscv_cpu(cpu)->fflags |= flags & RISCV_FFLAGS;
}

/* ---- The description ------------------------------------------------------------------------- */

static const char *const arch_names[] = {"riscv64", "riscv32", NULL};

const struct isa riscv_isa = {
    .name = "riscv",
    .arch_names = arch_names,
    .cpu_size = sizeof(struct riscv_cpu),
    .slots = slots,
    .slot_count = RISCV_SLOTS,
    .pc_slot = RISCV_SLOT_PC,
    .state_bias = STATE_BIAS,
    .state = &riscv_state,
    .helpers = riscv_helpers,
    .helper_count = RISCV_HELPERS,
    .init = riscv_init,
    .fini = riscv_fini,
    .reset = riscv_reset,
    .models = riscv_models,
    .print_features = riscv_model_features,
    .facts = riscv_model_facts,
    .print_registers = riscv_print_registers,
    .translate = riscv_translate_unit,
    .code_config = riscv_code_config,
    .fixed_modes = BIT(RISCV_MODE_XL_SHIFT), /* XLEN=32 */
    .disassemble = riscv_disassemble,
    .context = riscv_context,
    .walk = riscv_walk,
    .fault = riscv_fault,
    .interrupt = riscv_interrupt,
    .wakes = riscv_wakes,
    .set_irq = riscv_set_irq,
    .float_round = float_round,
    .float_accrue = float_accrue,
};
