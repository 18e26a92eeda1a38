/*
 * count.c - count=on: translated code adds up what it executes, in struct cpu_counts.
 *
 * Each guest instruction adds one, and the bytes of host code from there to the next instruction on
 * the hot line, which are known when that begins; each memory access adds one. So the counts are
 * exact whichever exit is taken. Flags die between operations (x64.h), and nothing else is touched.
 */
#include "jit/x86_64/x64.h"

static struct asm_mem counter(const struct x64 *g, size_t field)
{
    return x64_state(g, (u32)(offsetof(struct cpu, counts) + field));
}

void x64_count_end(struct x64 *g)
{
    struct x64_count *c = &g->count;
    if (!c->bytes)
        return;
    u32 size = (u32)(g->s.p - (c->bytes + 4)) - c->own;
    memcpy(c->bytes, &size, 4);
    c->bytes = NULL;
}

void x64_count_op(struct x64 *g, const struct ir_op *op)
{
    struct x64_count *c = &g->count;
    u8 *start = g->s.p;
    if (!c->on)
        return;
    if (op->op == IR_INSN) {
        x64_count_end(g);
        asm_alu_mem_imm(&g->s, ALU_ADD, ASM_W, counter(g, offsetof(struct cpu_counts, insns)), 1);
        asm_rm(&g->s, X_GROUP1 | ASM_W, ALU_ADD,
               counter(g, offsetof(struct cpu_counts, code_bytes)));
        c->bytes = g->s.p;
        asm_u32(&g->s, 0);
        c->own = 0;
        g->out->own_insns += 2;
    } else if (ir_op_info[op->op].flags & IR_OP_MEMORY) {
        asm_alu_mem_imm(&g->s, ALU_ADD, ASM_W, counter(g, offsetof(struct cpu_counts, accesses)),
                        1);
        c->own += (u32)(g->s.p - start);
        g->out->own_insns++;
    }
    g->out->own_size += (u32)(g->s.p - start);
    if (g->pair.index) /* mem.c: the second of two accesses comes when the counting is done */
        g->pair.after = g->s.p;
}
