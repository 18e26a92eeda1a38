/*
 * state.c - a CPU's life and its state as a whole: start, reset, the table for snapshots, registers
 * for people.
 *
 * On the main thread, or on the CPU's while it is stopped.
 */
#include <errno.h>
#include <stdio.h>

#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/insn.h"
#include "jit/translate.h"
#include "state/state.h"

/* ---- State ----------------------------------------------------------------------------------- */

static const struct state_table timer_state = {
    .name = "arm-timer",
    .version = 1,
    .min_version = 1,
    .fields =
        (const struct state_field[]){STATE_U64(struct arm_timer_state, cval),
                                     STATE_U64_MAX(struct arm_timer_state, ctl, 3), STATE_END},
};

static int state_pre_save(void *obj, struct err *err)
{
    struct arm_cpu *a = obj;
    a->saved_model = arm_model_identity(a);
    a->saved_halted = a->cpu.halted && !a->sync_wait && !a->wait_event; /* WFE may end for no reason */
    arm_nzcv_set(a, arm_nzcv(a));
    return 0;
}

/* Streams are hostile: brings every register into the range that the rest of this folder takes for
 * granted. */
static bool legalize_a32(struct arm_cpu *a)
{
    bool is_user = arm_a32_mode(a) == ARM_M_USR;
    if (!arm_is_a32(a) || !arm_cpu_has(a, ARM_EXT_AA32EL0) ||
        !arm_a32_mode_valid(arm_a32_mode(a)) || !(is_user || arm_el1_is_a32(a)))
        return false;
    a->pstate &= BITS(9, 0) | BITS(24, 20);
    a->it = a->pstate & PSTATE_T ? a->it & PSTATE_IT : 0;
    a->ge &= PSTATE_GE;
    a->q &= PSTATE_Q;
    for (unsigned i = 0; i < 15; i++)
        a->x[i] = (u32)a->x[i];
    a->pc = (u32)a->pc & (a->pstate & PSTATE_T ? ~1u : ~3u);
    return true;
}

static void legalize_pstate(struct arm_cpu *a)
{
    unsigned highest = a->has_el3 ? 3 : a->has_el2 ? 2 : 1, el = (unsigned)(a->pstate >> 2 & 3);
    u64 pstate = a->pstate & (BITS(12, 6) | BITS(25, 20) | 15) & ~(u64)PSTATE_A32;
    if (legalize_a32(a))
        return;
    if (el > highest || (el == 2 && !a->has_el2))
        pstate = (pstate & ~UINT64_C(12)) | (u64)highest << 2;
    if (!(pstate & 12))
        pstate &= ~PSTATE_SP;
    a->pstate = pstate & ~UINT64_C(2);
    a->it = a->ge = a->q = 0;
}

static void state_legalize(struct arm_cpu *a)
{
    legalize_pstate(a);
    if (a->cc_op > ARM_CC_FLOAT)
        arm_nzcv_set(a, 0);
    for (unsigned i = 0; i < arm_sysreg_count; i++) {
        const struct arm_sysreg *r = &arm_sysregs[i];
        if (r->at && r->ext != ARM_EXTS && !arm_cpu_has(a, (enum arm_ext)r->ext))
            *arm_sysreg_at(a, r) = r->reset;
    }
    a->fpcr &= UINT32_C(0x07c80000);
    a->cpu.halted = a->saved_halted;
    a->sync_wait = a->tlbi_pending = a->stepping = false;
    memset(a->regime, 0, sizeof(a->regime));
    a->regime_next = 0;
    a->known_contexts = 0;
    a->walk_stamp = UINT64_MAX;
}

static int state_post_load(void *obj, u32 version, struct err *err)
{
    struct arm_cpu *a = obj;
    if (a->saved_model != arm_model_identity(a))
        return err_set(err, EINVAL,
                       "CPU %u was saved by another -cpu model, other features or exception levels",
                       a->cpu.index);
    state_legalize(a);
    arm_debug_changed(a);
    arm_pac_refresh(a);
    arm_state_changed(a);
    arm_timer_restore(a);
    arm_pmu_restore(a);
    return 0;
}

#define SYSREG(op0, op1, crn, crm, op2, id, ...)                                                   \
    {.name = #id,                                                                                  \
     .type = STATE_TYPE_UINT,                                                                      \
     .shape = STATE_FIXED,                                                                         \
     .offset = offsetof(struct arm_cpu, sysreg[ARM_SYS_##id]),                                     \
     .size = 8,                                                                                    \
     .count = 1},
#define SYSID(...)
#define SYSFN(...)
#define SYSOP(...)

const struct state_table arm_state = {
    .name = "arm-cpu",
    .version = 3,
    .min_version = 1,
    .pre_save = state_pre_save,
    .post_load = state_post_load,
    .fields =
        (const struct state_field[]){
            STATE_U64(struct arm_cpu, saved_model),
            STATE_BOOL(struct arm_cpu, saved_halted),
            STATE_U64_ARRAY(struct arm_cpu, x),
            STATE_U64(struct arm_cpu, sp),
            STATE_U64(struct arm_cpu, pc),
            STATE_U64(struct arm_cpu, branch_target),
            STATE_U64(struct arm_cpu, cc_op),
            STATE_U64(struct arm_cpu, cc_x),
            STATE_U64(struct arm_cpu, cc_y),
            STATE_ARRAY_(struct arm_cpu, v, STATE_TYPE_UINT, 8),
            STATE_U64(struct arm_cpu, pstate),
            STATE_U32(struct arm_cpu, fpcr),
            STATE_U32(struct arm_cpu, fpsr),
            STATE_U32_MAX(struct arm_cpu, irq_wires, BIT(ARM_IRQS) - 1),
            STATE_U32_MAX(struct arm_cpu, event, 1),
            STATE_U64_ARRAY(struct arm_cpu, sp_el),
            STATE_U64_ARRAY(struct arm_cpu, elr_el),
            STATE_U64_ARRAY(struct arm_cpu, spsr_el),
            STATE_U64_ARRAY(struct arm_cpu, bank),
            STATE_U64(struct arm_cpu, it, STATE_SINCE(2)),
            STATE_U64(struct arm_cpu, ge, STATE_SINCE(2)),
            STATE_U64(struct arm_cpu, q, STATE_SINCE(2)),
            STATE_U64(struct arm_cpu, pmu_base),
            STATE_U64_MAX(struct arm_cpu, pmu_control, 127),
            STATE_U64(struct arm_cpu, pmu_enabled),
            STATE_U64(struct arm_cpu, pmu_overflow),
            STATE_U64(struct arm_cpu, pmu_interrupts),
            STATE_U64_ARRAY(struct arm_cpu, pmu_event, STATE_SINCE(3)),
            STATE_U64_ARRAY(struct arm_cpu, pmu_type, STATE_SINCE(3)),
            STATE_STRUCT_ARRAY(struct arm_cpu, timer, &timer_state),
#include "isa/arm/sysreg.def"
            STATE_END,
        },
};

/* ---- Life ------------------------------------------------------------------------------------ */

int arm_init(struct cpu *cpu, const char *arch, const char *model, struct err *err)
{
    struct arm_cpu *a = arm_cpu(cpu);
    int r = arm_model_apply(a, arch, model, err);
    if (r)
        return r;
    arm_timer_init(a);
    arm_pmu_init(a);
    host_crypto_find(&a->host_crypto);
    return 0;
}

void arm_fini(struct cpu *cpu)
{
    struct arm_cpu *a = arm_cpu(cpu);
    arm_pmu_fini(a);
    arm_timer_fini(a);
    if (a->coverage)
        insn_coverage_print(a->coverage, cpu->host->log->file);
    insn_coverage_free(a->coverage);
}

static unsigned highest_level(const struct arm_cpu *a)
{
    return a->has_el3 ? 3 : a->has_el2 ? 2 : 1;
}

/* "AArch32.TakeReset": Supervisor mode, everything masked. */
#define PSTATE_RESET_A32 (ARM_M_SVC | PSTATE_A | PSTATE_I | PSTATE_F)
#define SCTLR_RESET_A32  UINT64_C(0x00c50838)

static void reset_a32(struct arm_cpu *a)
{
    a->pstate = PSTATE_RESET_A32;
    a->sysreg[ARM_SYS_SCTLR_EL1] = SCTLR_RESET_A32;
}

/* "AArch64.TakeReset": the highest level, its stack pointer, everything masked, no translation. */
void arm_reset(struct cpu *cpu)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned el = highest_level(a);
    memset(a->x, 0, sizeof(a->x));
    memset(a->v, 0, sizeof(a->v));
    memset(a->sp_el, 0, sizeof(a->sp_el));
    memset(a->elr_el, 0, sizeof(a->elr_el));
    memset(a->spsr_el, 0, sizeof(a->spsr_el));
    memset(a->bank, 0, sizeof(a->bank));
    a->sp = 0;
    a->it = a->ge = a->q = 0;
    a->branch_target = 0;
    a->pc = a->rvbar;
    a->fpcr = a->fpsr = 0;
    atomic_store(&a->event, 0);
    arm_nzcv_set(a, 0);
    arm_sysreg_reset(a);
    a->sysreg[ARM_SYS_CNTFRQ_EL0] = a->cntfrq;
    a->sysreg[ARM_SYS_VPIDR_EL2] = a->sysreg[ARM_SYS_MIDR_EL1];
    a->sysreg[ARM_SYS_VMPIDR_EL2] = a->mpidr;
    a->pstate = PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F | (u64)el << 2 | PSTATE_SP;
    /* The setters know what is 1 in each. */
    static const u16 control[] = {ARM_ENC(3, 0, 1, 0, 0), ARM_ENC(3, 4, 1, 0, 0),
                                  ARM_ENC(3, 6, 1, 0, 0), ARM_ENC(3, 4, 1, 1, 0),
                                  ARM_ENC(3, 4, 1, 1, 2), ARM_ENC(3, 6, 1, 1, 0)};
    for (unsigned i = 0; i < ARRAY_SIZE(control); i++)
        arm_sysreg_set(a, arm_sysreg_find(a, control[i], 3, false), 0);
    if (el == 1 && arm_el1_is_a32(a))
        reset_a32(a);
    a->sync_wait = a->tlbi_pending = a->stepping = a->wait_event = false;
    a->walk_stamp = UINT64_MAX;
    a->known_contexts = 0;
    arm_debug_changed(a);
    arm_timer_reset(a);
    arm_pmu_reset(a);
    arm_pac_refresh(a);
    arm_state_changed(a);
}

/* ---- For boards ------------------------------------------------------------------------------ */

void arm_cpu_set_mpidr(struct cpu *cpu, u64 affinity)
{
    arm_cpu(cpu)->mpidr = (affinity & UINT64_C(0xff00ffffff)) | BIT(31);
}

void arm_cpu_set_reset_address(struct cpu *cpu, u64 rvbar)
{
    arm_cpu(cpu)->rvbar = rvbar;
}

void arm_cpu_set_gic(struct cpu *cpu, const struct arm_gic_cpu *gic)
{
    arm_cpu(cpu)->gic = *gic;
}

void arm_cpu_set_firmware(struct cpu *cpu, const struct arm_firmware *firmware)
{
    arm_cpu(cpu)->firmware = *firmware;
}

void arm_cpu_set_two_spaces(struct cpu *cpu)
{
    arm_cpu(cpu)->two_spaces = true;
}

void arm_cpu_set_levels(struct cpu *cpu, bool el2, bool el3)
{
    struct arm_cpu *a = arm_cpu(cpu);
    a->has_el2 = el2;
    a->has_el3 = el3;
    arm_model_levels(a);
}

/* What firmware leaves for a level below its own: the ones above let everything through. */
static void open_levels_above(struct arm_cpu *a, unsigned el)
{
    if (a->has_el3 && el < 3) {
        u64 scr = SCR_NS | SCR_RW | SCR_HCE | SCR_APK | SCR_API | SCR_ECVEN;
        arm_sysreg_set(a, arm_sysreg_find(a, ARM_ENC(3, 6, 1, 1, 0), 3, false), scr);
    }
    if (a->has_el2 && el < 2)
        arm_sysreg_set(a, arm_sysreg_find(a, ARM_ENC(3, 4, 1, 1, 0), 3, false),
                       HCR_RW | HCR_APK | HCR_API);
}

void arm_cpu_set_start(struct cpu *cpu, u64 pc, u64 x0, unsigned el)
{
    struct arm_cpu *a = arm_cpu(cpu);
    el = MAX(MIN(el, highest_level(a)), 1);
    if (el == 2 && !a->has_el2)
        el = a->has_el3 ? 3 : 1;
    open_levels_above(a, el);
    a->x[0] = x0;
    if (el == 1 && arm_el1_is_a32(a)) {
        arm_pstate_write(a, PSTATE_RESET_A32 | (pc & 1 ? PSTATE_T : 0));
        a->pc = (u32)pc & (pc & 1 ? ~1u : ~3u);
    } else {
        a->pc = pc;
        arm_bank_switch(a, el, true);
    }
    arm_state_changed(a);
}

void arm_cpu_set_arguments(struct cpu *cpu, u64 x1, u64 x2)
{
    arm_cpu(cpu)->x[1] = x1;
    arm_cpu(cpu)->x[2] = x2;
}

/* ---- Registers for people -------------------------------------------------------------------- */

/* Registers of the current mode, and the others' that are banked. */
static void print_a32(struct arm_cpu *a, FILE *file)
{
    static const struct {
        unsigned mode, first;
        const char *name;
    } banks[] = {{ARM_M_USR, 13, "usr"}, {ARM_M_FIQ, 8, "fiq"},  {ARM_M_IRQ, 13, "irq"},
                 {ARM_M_SVC, 13, "svc"}, {ARM_M_ABT, 13, "abt"}, {ARM_M_UND, 13, "und"}};
    u32 cpsr = arm_cpsr(a);
    fprintf(file, "cpu %u: AArch32 %s, mode %02x%s, pc %08x, cpsr %08x\n", a->cpu.index,
            cpsr & PSTATE_T ? "T32" : "A32", arm_a32_mode(a), a->cpu.halted ? ", halted" : "",
            (u32)a->pc, cpsr);
    for (unsigned i = 0; i < 15; i++)
        fprintf(file, "r%-2u %08x%s", i, (u32)a->x[i], i % 8 == 7 ? "\n" : "  ");
    fprintf(file, "\n");
    for (unsigned i = 0; i < ARRAY_SIZE(banks); i++) {
        const u64 *spsr = arm_a32_spsr(a, banks[i].mode);
        for (unsigned n = banks[i].first; n < 15; n++)
            fprintf(file, "r%u_%s %08x  ", n, banks[i].name,
                    (u32)*arm_a32_reg(a, banks[i].mode, n));
        if (spsr)
            fprintf(file, "spsr_%s %08x", banks[i].name, (u32)*spsr);
        fprintf(file, "\n");
    }
}

static void print_a64(struct arm_cpu *a, FILE *file)
{
    u64 pstate = arm_pstate_read(a);
    fprintf(file, "cpu %u: EL%u%c%s, pc %016llx, pstate %08llx %c%c%c%c %c%c%c%c\n", a->cpu.index,
            arm_el(a), a->pstate & PSTATE_SP ? 'h' : 't', a->cpu.halted ? ", halted" : "",
            (unsigned long long)a->pc, (unsigned long long)pstate, pstate & PSTATE_N ? 'N' : '-',
            pstate & PSTATE_Z ? 'Z' : '-', pstate & PSTATE_C ? 'C' : '-',
            pstate & PSTATE_V ? 'V' : '-', pstate & PSTATE_D ? 'D' : '-',
            pstate & PSTATE_A ? 'A' : '-', pstate & PSTATE_I ? 'I' : '-',
            pstate & PSTATE_F ? 'F' : '-');
    for (unsigned i = 0; i < 31; i++)
        fprintf(file, "x%-2u %016llx%s", i, (unsigned long long)a->x[i], i % 4 == 3 ? "\n" : "  ");
    fprintf(file, "sp  %016llx\n", (unsigned long long)a->sp);
}

void arm_print_registers(struct cpu *cpu, void *file)
{
    static const char *const names[] = {
        "SCTLR_EL1", "TTBR0_EL1", "TTBR1_EL1", "TCR_EL1",   "VBAR_EL1", "ESR_EL1",
        "FAR_EL1",   "ELR_EL1",   "SPSR_EL1",  "TPIDR_EL0", "HCR_EL2",  "ESR_EL2",
        "FAR_EL2",   "ELR_EL2",   "SPSR_EL2",  "SCR_EL3",   "ESR_EL3",  "ELR_EL3"};
    struct arm_cpu *a = arm_cpu(cpu);
    if (arm_is_a32(a))
        print_a32(a, file);
    else
        print_a64(a, file);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        u64 v = 0;
        if ((strstr(names[i], "EL2") && !a->has_el2) || (strstr(names[i], "EL3") && !a->has_el3))
            continue;
        if (arm_sysreg_read_named(a, names[i], &v))
            fprintf(file, "%-9s %016llx%s", names[i], (unsigned long long)v,
                    i % 3 == 2 ? "\n" : "  ");
    }
    fprintf(file, "fpcr %08x fpsr %08x\n", a->fpcr, a->fpsr);
    for (unsigned i = 0; i < 32; i++)
        fprintf(file, "v%-2u %016llx%016llx%s", i, (unsigned long long)a->v[i].d[1],
                (unsigned long long)a->v[i].d[0], i % 2 ? "\n" : "  ");
}
