/*
 * translate.c - the front end's loop: guest bytes to IR, one unit at a time.
 *
 * A unit is code through branches not taken and short jumps forward, up to an instruction that ends it, the end of the
 * page, or max_insns. Everything that the code depends on beside its bytes is in the mode word (arm.h); what is read
 * from the CPU here must be in it, or be fixed by the model.
 */
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"
#include "jit/translate.h"

static bool fetch(struct arm_ctx *c)
{
    u64 word;
    if (!jit_fetch(&c->cpu->cpu, c->pc, 4, &word))
        return false;
    c->insn = (u32)word;
    c->length = 4;
    return true;
}

static void translate_insn(struct arm_ctx *c)
{
    enum arm_insn id = arm_identify_a64_32(c->ext, c->insn);
    insn_coverage_hit(c->cpu->coverage, id);
    if (arm_translate(c, id, c->insn))
        return;
    arm_call(c, ARM_HELPER_UNDEFINED, NULL);
    ir_exit_lookup(c->b);
}

static void begin(struct arm_ctx *c, u64 mode)
{
    c->el = (u8)(mode & ARM_MODE_EL);
    c->a32 = mode & ARM_MODE_A32;
    c->thumb = mode & ARM_MODE_T;
    c->big_endian = mode & ARM_MODE_BE;
    c->align = mode & ARM_MODE_A;
    c->sp_align = mode & ARM_MODE_SA;
    c->e2h = mode & ARM_MODE_E2H;
    c->step = mode & ARM_MODE_SS;
    c->tbi = (u8)((mode & ARM_MODE_TBI) >> ARM_MODE_TBI_SHIFT);
    c->fp_trap = (u8)((mode & ARM_MODE_FP) >> ARM_MODE_FP_SHIFT);
    c->fpc = (u8)((mode & ARM_MODE_FPC) >> ARM_MODE_FPC_SHIFT);
}

void arm_translate_unit(struct cpu *cpu, struct ir_builder *b, unsigned max_insns)
{
    struct arm_cpu *a = arm_cpu(cpu);
    if (!a->coverage && log_on(cpu->host->log, LOG_COVERAGE))
        a->coverage = insn_coverage_new(&arm_insn_set);
    struct arm_ctx c = {.cpu = a, .b = b, .ext = a->ext, .pc = b->unit->pc};
    begin(&c, b->unit->mode);
    for (unsigned n = 0; n < max_insns && !ir_builder_full(b); n++) {
        if (!fetch(&c))
            break;
        c.next = c.pc + c.length;
        ir_insn(b, c.pc, c.length);
        translate_insn(&c);
        if (ir_ended(b))
            return;
        c.pc = c.next;
    }
    if (b->unit->guest_insns)
        ir_exit_jump(b, c.pc);
    else
        ir_exit_lookup(b); /* the engine raises the fetch fault */
}
