/*
 * translate.c - the front end's loop: guest bytes to IR, one unit at a time.
 *
 * A unit is code through branches not taken and short jumps forward, up to an instruction that ends it, the end of the
 * page, or max_insns. Everything that the code depends on beside its bytes is in the mode word (arm.h); what is read
 * from the CPU here must be in it, or be fixed by the model.
 */
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"
#include "jit/translate.h"

/* One or two halfwords, of which the second may lie on the next page; the first is the upper one. */
static bool fetch_t32(struct arm_ctx *c)
{
    u64 first, second;
    if (!jit_fetch_near(c->b, c->pc, 2, &first) && !jit_fetch(&c->cpu->cpu, c->pc, 2, &first))
        return false;
    c->insn = (u32)first;
    c->length = 2;
    if (first >> 11 < 0x1d)
        return true;
    u32 behind = (u32)(c->pc + 2);
    if (!jit_fetch_near(c->b, behind, 2, &second) && !jit_fetch(&c->cpu->cpu, behind, 2, &second))
        return false;
    c->insn = (u32)(first << 16 | second);
    c->length = 4;
    return true;
}

static bool fetch(struct arm_ctx *c)
{
    u64 word;
    if (c->thumb)
        return fetch_t32(c);
    if (!jit_fetch_near(c->b, c->pc, 4, &word) && !jit_fetch(&c->cpu->cpu, c->pc, 4, &word))
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
    log_if(c->cpu->cpu.host->log, LOG_UNIMP, "cpu %u: pc %#llx: undefined instruction %08x\n",
           c->cpu->cpu.index, (unsigned long long)c->pc, c->insn);
    arm_call(c, ARM_HELPER_UNDEFINED, NULL);
    ir_exit_lookup(c->b);
}

/*
 * In a unit of one instruction under debug (ARM_MODE_SS) every way out goes by the engine, which looks at steps and
 * breakpoints before the next instruction: direct exits become look-ups. So do those of a unit that began inside of an IT
 * block: the mode is another behind it.
 */
static void leave_by_lookup(struct arm_ctx *c)
{
    struct ir_unit *u = c->b->unit;
    u64 pc = u->pc;
    for (u32 i = 0; i < u->count; i++) {
        struct ir_op *op = &u->ops[i];
        if (op->op == IR_INSN)
            pc = ir_imm(op);
        if (op->op == IR_EXIT_IF)
            *op = (struct ir_op){.op = IR_TRAP_IF,
                                 .a = op->a,
                                 .b = c->a32 ? ARM_HELPER_LEAVE_A32 : ARM_HELPER_LEAVE,
                                 .c = (u32)(ir_exit_imm(op) - pc)};
    }
    struct ir_op last = u->ops[u->count - 1];
    if (last.op != IR_EXIT_JUMP && last.op != IR_EXIT_INDIRECT)
        return;
    u->count--;
    c->b->ended = false;
    ir_put(c->b, ARM_SLOT_PC, last.op == IR_EXIT_JUMP ? ir_const(c->b, ir_imm(&last)) : last.a);
    if (c->a32)
        arm_call(c, ARM_HELPER_REMODE, NULL);
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
    c->no_simd = c->a32 && mode & ARM_MODE_ASEDIS;
    c->e2h = mode & ARM_MODE_E2H;
    c->step = mode & ARM_MODE_SS;
    c->guarded = mode & ARM_MODE_GP;
    c->tbi = (u8)((mode & ARM_MODE_TBI) >> ARM_MODE_TBI_SHIFT);
    c->fp_trap = (u8)((mode & ARM_MODE_FP) >> ARM_MODE_FP_SHIFT);
    c->fpc = (u8)((mode & ARM_MODE_FPC) >> ARM_MODE_FPC_SHIFT);
    c->it = (u8)((mode & ARM_MODE_IT) >> ARM_MODE_IT_SHIFT);
}

static void translate_insns(struct arm_ctx *c, unsigned max_insns)
{
    bool in_it = c->it;
    for (unsigned n = 0; n < max_insns && !ir_builder_full(c->b); n++) {
        if (!fetch(c))
            break;
        c->next = c->pc + c->length;
        ir_insn(c->b, c->pc, c->length);
        if (!n && !c->a32)
            arm_bti_check(c);
        if (c->a32)
            arm_translate_insn32(c);
        else
            translate_insn(c);
        if (ir_ended(c->b))
            return;
        c->pc = c->a32 ? (u32)c->next : c->next;
        if (in_it && !c->it)
            return;
    }
}

static void end_unit(struct arm_ctx *c)
{
    struct ir_builder *b = c->b;
    if (c->it && b->unit->guest_insns) {
        ir_put(b, ARM_SLOT_PC, ir_pc(b, c->pc));
        arm_call(c, ARM_HELPER_REMODE, NULL);
    }
    if (b->unit->guest_insns && !c->it)
        ir_exit_jump(b, c->pc);
    else
        ir_exit_lookup(b); /* the engine raises the fetch fault */
}

u64 arm_code_config(const struct cpu *cpu)
{
    const struct arm_cpu *a = (const struct arm_cpu *)cpu;
    u64 h = a->ext_hash | (u64)a->zva_log2 << 32 | (u64)a->has_el2 << 40 | (u64)a->has_el3 << 41;
    for (unsigned i = 0; i < ARM_EXT_WORDS; i++)
        h = (h ^ a->ext[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return h;
}

void arm_translate_unit(struct cpu *cpu, struct ir_builder *b, unsigned max_insns)
{
    struct arm_cpu *a = arm_cpu(cpu);
    if (!a->coverage && log_on(cpu->host->log, LOG_COVERAGE))
        a->coverage = insn_coverage_new(&arm_insn_set);
    struct arm_ctx c = {.cpu = a, .b = b, .ext = a->ext, .pc = b->unit->pc};
    begin(&c, b->unit->mode);
    bool in_it = c.it;
    if (c.pc & (c.thumb ? 1 : 3)) {
        ir_insn(b, c.pc, 4);
        arm_call(&c, ARM_HELPER_PC_ALIGNMENT, NULL);
        ir_exit_lookup(b);
        return;
    }
    translate_insns(&c, c.step ? 1 : max_insns);
    if (!ir_ended(b))
        end_unit(&c);
    if (c.peeked > b->unit->pc + b->unit->guest_bytes)
        b->unit->guest_bytes = (u32)(c.peeked - b->unit->pc);
    if (c.step || in_it)
        leave_by_lookup(&c);
}
