/*
 * translate.c - the front end's loop: guest bytes to IR, one unit at a time.
 *
 * A unit is code through branches not taken and short jumps forward, up to an instruction that ends
 * it, the end of the page, or max_insns. Everything that the code depends on beside its bytes is in
 * the mode word (riscv.h); what is read from the hart here must be in it.
 */
#include "isa/riscv/riscv.h"
#include "isa/riscv/trans.h"
#include "isa/riscv_decode.h"
#include "jit/translate.h"

/* The instruction at c->pc into c->insn and c->length. */
static bool fetch(struct riscv_ctx *c)
{
    u64 low, high = 0;
    if (jit_fetch_near(c->b, c->pc, 4, &low)) {
        c->length = (low & 3) == 3 ? 4 : 2;
        c->insn = c->length == 4 ? (u32)low : (u16)low;
        return true;
    }
    if (!jit_fetch(&c->cpu->cpu, c->pc, 2, &low))
        return false;
    bool wide = (low & 3) == 3;
    u64 behind = c->rv32 ? (u32)(c->pc + 2) : c->pc + 2;
    if (wide && !jit_fetch(&c->cpu->cpu, behind, 2, &high))
        return false;
    c->insn = (u32)(low | high << 16);
    c->length = wide ? 4 : 2;
    return true;
}

static void translate_insn(struct riscv_ctx *c)
{
    enum riscv_insn id =
        c->length == 4 ? riscv_identify32(c->ext, c->insn) : riscv_identify16(c->ext, c->insn);
    insn_coverage_hit(c->cpu->coverage, id);
    if (riscv_translate(c, id, c->insn))
        return;
    riscv_call_insn(c, RISCV_HELPER_ILLEGAL);
    ir_exit_lookup(c->b);
}

u64 riscv_code_config(const struct cpu *cpu)
{
    const struct riscv_cpu *rv = (const struct riscv_cpu *)cpu;
    u64 h = riscv_model_identity(rv);
    for (unsigned i = 0; i < RISCV_EXT_WORDS; i++)
        h = (h ^ rv->ext[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return h;
}

void riscv_translate_unit(struct cpu *cpu, struct ir_builder *b, unsigned max_insns)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    u64 mode = b->unit->mode;
    if (!rv->coverage && log_on(cpu->host->log, LOG_COVERAGE))
        rv->coverage = insn_coverage_new(&riscv_insn_set);
    struct riscv_ctx c = {
        .cpu = rv,
        .b = b,
        .ext = rv->ext,
        .pc = b->unit->pc,
        .priv = (u8)(mode & RISCV_MODE_PRIV),
        .rv32 = (mode & RISCV_MODE_XL) >> RISCV_MODE_XL_SHIFT == 1,
        .frm_class = (u8)((mode & RISCV_MODE_FRM) >> RISCV_MODE_FRM_SHIFT),
    };
    for (unsigned n = 0; n < max_insns && !ir_builder_full(b); n++) {
        if (!fetch(&c))
            break;
        c.next = riscv_next(&c);
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
