/*
 * select.c - integer operations to instructions, and the table of all selectors.
 *
 * Two-operand instructions overwrite a dying operand when there is one; else lea, a three-operand form, or a move. Constants are
 * immediates where 32 bits do.
 */
#include "jit/x86_64/x64.h"

/* ---- Allocator's host ------------------------------------------------------------------------ */

static struct x64 *gen(struct jit_alloc *a)
{
    return (struct x64 *)a;
}

static void load_mem(struct x64 *g, unsigned reg, struct asm_mem m, unsigned type)
{
    if (type == IR_V128)
        asm_rm(&g->s, X_MOVUPS, reg & 15, m);
    else if (reg >= 16)
        asm_rm(&g->s, X_MOVS | x64_scalar(type), reg & 15, m);
    else
        g->s.p = asm_at_rm(g->s.p, X_MOV | x64_size(type), reg, m);
}

static void store_mem(struct x64 *g, struct asm_mem m, unsigned reg, unsigned type)
{
    if (type == IR_V128)
        asm_rm(&g->s, X_MOVUPS_STORE, reg & 15, m);
    else if (reg >= 16)
        asm_rm(&g->s, X_MOVS_STORE | x64_scalar(type), reg & 15, m);
    else
        g->s.p = asm_at_rm(g->s.p, X_MOV_STORE | x64_size(type), reg, m);
}

static void host_load_slot(struct jit_alloc *a, unsigned reg, unsigned slot)
{
    load_mem(gen(a), reg, x64_slot(gen(a), slot), gen(a)->isa->slots[slot].type);
}

static void host_store_slot(struct jit_alloc *a, unsigned slot, unsigned reg)
{
    store_mem(gen(a), x64_slot(gen(a), slot), reg, gen(a)->isa->slots[slot].type);
}

static void host_load_spill(struct jit_alloc *a, unsigned reg, unsigned spill, unsigned type)
{
    load_mem(gen(a), reg, x64_spill(spill), type);
}

static void host_store_spill(struct jit_alloc *a, unsigned spill, unsigned reg, unsigned type)
{
    store_mem(gen(a), x64_spill(spill), reg, type == IR_V128 ? IR_V128 : reg >= 16 ? IR_F64 : IR_I64);
}

/* 8 or 16 bytes by push and pop: no register, no flag. pop's address counts after its own increment of rsp, so as if nothing had been
 * pushed. */
static void copy_words(struct x64 *g, struct asm_mem to, struct asm_mem from, unsigned type)
{
    for (unsigned i = 0; i < (type == IR_V128 ? 2u : 1u); i++) {
        asm_rm(&g->s, X_GROUP5, G5_PUSH, from);
        asm_rm(&g->s, X_POP, 0, to);
        from.disp += 8;
        to.disp += 8;
    }
}

static void host_slot_to_spill(struct jit_alloc *a, unsigned spill, unsigned slot)
{
    copy_words(gen(a), x64_spill(spill), x64_slot(gen(a), slot), gen(a)->isa->slots[slot].type);
}

static void host_spill_to_slot(struct jit_alloc *a, unsigned slot, unsigned spill)
{
    struct x64 *g = gen(a);
    struct asm_mem m = x64_slot(g, slot);
    unsigned type = g->isa->slots[slot].type;
    if (type == IR_V128 || x64_size(type)) {
        copy_words(g, m, x64_spill(spill), type);
        return;
    }
    asm_rm(&g->s, X_MOV_STORE | ASM_W, RAX, asm_at(X64_FRAME, offsetof(struct jit_frame, scratch)));
    asm_rm(&g->s, X_MOV, RAX, x64_spill(spill));
    asm_rm(&g->s, X_MOV_STORE, RAX, m);
    asm_rm(&g->s, X_MOV | ASM_W, RAX, asm_at(X64_FRAME, offsetof(struct jit_frame, scratch)));
}

static void host_load_const(struct jit_alloc *a, unsigned reg, u64 v, unsigned type)
{
    struct x64 *g = gen(a);
    if (reg < 16) {
        if (type == IR_I32)
            v = (u32)v;
        if (v == 0)
            asm_rr(&g->s, X_XOR, reg, reg);
        else
            asm_mov_imm(&g->s, reg, v);
    } else if (v == 0) {
        asm_rr(&g->s, X_XORPS, reg & 15, reg & 15);
    } else {
        struct x64_pool *c = arena_alloc(g->arena, sizeof(*c));
        asm_rm(&g->s, X_MOVS | x64_scalar(type), reg & 15, (struct asm_mem){.base = ASM_NEAR, .index = ASM_NO_REG});
        *c = (struct x64_pool){.next = g->pool, .value = v, .field = g->s.p - 4};
        g->pool = c;
    }
}

static void host_move(struct jit_alloc *a, unsigned to, unsigned from)
{
    if (to >= 16)
        asm_rr(&gen(a)->s, X_MOVAPS, to & 15, from & 15);
    else
        asm_mov(&gen(a)->s, ASM_W, to, from);
}

static void host_store_slot_const(struct jit_alloc *a, unsigned slot, u64 v)
{
    struct x64 *g = gen(a);
    struct asm_mem m = x64_slot(g, slot);
    u32 size = x64_size(g->isa->slots[slot].type);
    if (!size || v == (u64)(s64)(s32)v) {
        asm_rm(&g->s, X_MOV_IMM | size, 0, m);
        asm_u32(&g->s, (u32)v);
    } else {
        asm_rm(&g->s, X_MOV_IMM, 0, m);
        asm_u32(&g->s, (u32)v);
        m.disp += 4;
        asm_rm(&g->s, X_MOV_IMM, 0, m);
        asm_u32(&g->s, (u32)(v >> 32));
    }
}

const struct alloc_host x64_alloc_host = {
    .registers = X64_GPRS | ALLOC_XMM,
    .load_slot = host_load_slot,
    .store_slot = host_store_slot,
    .load_spill = host_load_spill,
    .store_spill = host_store_spill,
    .slot_to_spill = host_slot_to_spill,
    .spill_to_slot = host_spill_to_slot,
    .load_const = host_load_const,
    .store_slot_const = host_store_slot_const,
    .move = host_move,
};

/* ---- Operands -------------------------------------------------------------------------------- */

/* A slot whose value is another one by now may be written at any time. */
bool x64_only_in_slot(const struct x64 *g, u32 v)
{
    const struct alloc_value *val = &g->a.val[v];
    return val->reg == ALLOC_NO_REG && val->spill == ALLOC_NO_REG && val->home != ALLOC_NO_REG &&
           g->a.bound[val->home] == v;
}

struct x64_operand x64_use_any(struct x64 *g, unsigned k)
{
    u32 v = x64_operand_value(g, k);
    const struct alloc_value *val = &g->a.val[v];
    if (alloc_is_const(&g->a, v) && alloc_class(alloc_type(&g->a, v)) == ALLOC_GPR) {
        u64 c = alloc_const(&g->a, v);
        if (c == (u64)(s64)(s32)c)
            return (struct x64_operand){.kind = X64_IMM, .imm = (s32)c};
    }
    if (x64_only_in_slot(g, v) && alloc_dies(&g->a, k))
        return (struct x64_operand){.kind = X64_MEM, .reg = ALLOC_NO_REG, .mem = x64_slot(g, val->home)};
    return (struct x64_operand){.kind = X64_REG, .reg = (u8)x64_use(g, k)};
}

void x64_op(struct x64 *g, u32 op, unsigned reg, struct x64_operand b)
{
    assert(b.kind != X64_IMM);
    if (b.kind == X64_REG)
        asm_rr(&g->s, op, reg & 15, b.reg & 15);
    else
        asm_rm(&g->s, op, reg & 15, b.mem);
}

void x64_alu(struct x64 *g, enum asm_alu op, u32 size, unsigned reg, struct x64_operand b)
{
    if (b.kind == X64_IMM)
        asm_alu_imm(&g->s, op, size, reg, b.imm);
    else
        x64_op(g, (u32)op << 3 | 3 | size, reg, b);
}

/* A register for the result that already holds operand ra: ra itself when it dies. */
static unsigned def_copy(struct x64 *g, u32 size, unsigned ra, struct x64_operand b)
{
    if (alloc_is_free(&g->a, ra))
        return alloc_def_at(&g->a, ra);
    unsigned rd = alloc_def(&g->a, ALLOC_GPR, b.kind == X64_REG ? 1u << b.reg : 0);
    asm_mov(&g->s, size, rd, ra);
    return rd;
}

static void swap_operands(struct x64 *g)
{
    struct alloc_operands *o = &g->a.ops[g->a.index];
    u16 v = o->value[0], n = o->next[0];
    o->value[0] = o->value[1];
    o->next[0] = o->next[1];
    o->value[1] = v;
    o->next[1] = n;
}

/* Constants and values that are only in memory go to the right. */
static void order_operands(struct x64 *g)
{
    u32 a = x64_operand_value(g, 0), b = x64_operand_value(g, 1);
    if (alloc_is_const(&g->a, a) || (g->a.val[a].reg == ALLOC_NO_REG && g->a.val[b].reg != ALLOC_NO_REG))
        swap_operands(g);
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

static void select_add(struct x64 *g, const struct ir_op *op)
{
    u32 size = x64_size(op->type);
    order_operands(g);
    unsigned ra = x64_use(g, 0);
    struct x64_operand b = x64_use_any(g, 1);
    alloc_done(&g->a);
    if (alloc_is_free(&g->a, ra)) {
        x64_alu(g, ALU_ADD, size, alloc_def_at(&g->a, ra), b);
    } else if (b.kind == X64_REG && alloc_is_free(&g->a, b.reg)) {
        x64_alu(g, ALU_ADD, size, alloc_def_at(&g->a, b.reg), (struct x64_operand){.reg = (u8)ra});
    } else if (b.kind == X64_MEM) {
        x64_alu(g, ALU_ADD, size, def_copy(g, size, ra, b), b);
    } else {
        unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
        asm_rm(&g->s, X_LEA | size, rd, b.kind == X64_IMM ? asm_at(ra, b.imm) : asm_indexed(ra, b.reg, 0, 0));
    }
}

static void select_sub(struct x64 *g, const struct ir_op *op)
{
    u32 size = x64_size(op->type);
    unsigned ra = x64_use(g, 0);
    struct x64_operand b = x64_use_any(g, 1);
    alloc_done(&g->a);
    if (b.kind == X64_IMM && b.imm != INT32_MIN && !alloc_is_free(&g->a, ra)) {
        unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
        asm_rm(&g->s, X_LEA | size, rd, asm_at(ra, -b.imm));
    } else {
        x64_alu(g, ALU_SUB, size, def_copy(g, size, ra, b), b);
    }
}

/* and with a mask that an extension does. */
static bool select_and_mask(struct x64 *g, u32 size, unsigned ra, u64 mask)
{
    u32 ext = mask == 0xff ? X_MOVZX8 : mask == 0xffff ? X_MOVZX16 : mask == 0xffffffff && size ? X_MOV : 0;
    if (!ext)
        return false;
    alloc_done(&g->a);
    unsigned rd = alloc_is_free(&g->a, ra) ? alloc_def_at(&g->a, ra) : alloc_def(&g->a, ALLOC_GPR, 0);
    asm_rr(&g->s, ext, rd, ra);
    return true;
}

static void select_logic(struct x64 *g, const struct ir_op *op)
{
    static const u8 alu[IR_OPCODES] = {[IR_AND] = ALU_AND, [IR_OR] = ALU_OR, [IR_XOR] = ALU_XOR};
    u32 size = x64_size(op->type);
    order_operands(g);
    unsigned ra = x64_use(g, 0);
    u32 vb = x64_operand_value(g, 1);
    if (op->op == IR_AND && alloc_is_const(&g->a, vb) && select_and_mask(g, size, ra, alloc_const(&g->a, vb)))
        return;
    struct x64_operand b = x64_use_any(g, 1);
    alloc_done(&g->a);
    if (op->op == IR_AND && b.kind == X64_IMM && b.imm >= 0)
        size = 0;
    if (!alloc_is_free(&g->a, ra) && b.kind == X64_REG && alloc_is_free(&g->a, b.reg))
        x64_alu(g, alu[op->op], size, alloc_def_at(&g->a, b.reg), (struct x64_operand){.reg = (u8)ra});
    else
        x64_alu(g, alu[op->op], size, def_copy(g, size, ra, b), b);
}

static void select_unary(struct x64 *g, const struct ir_op *op)
{
    u32 size = x64_size(op->type);
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    unsigned rd = def_copy(g, size, ra, (struct x64_operand){.kind = X64_IMM});
    if (op->op != IR_BSWAP) {
        asm_rr(&g->s, X_GROUP3 | size, op->op == IR_NOT ? G3_NOT : G3_NEG, rd);
        return;
    }
    unsigned rex = 0x40 | (size ? 8 : 0) | rd >> 3;
    if (rex != 0x40)
        asm_u8(&g->s, rex);
    asm_u8(&g->s, 0x0f);
    asm_u8(&g->s, 0xc8 | (rd & 7));
}

void x64_mul(struct x64 *g, const struct ir_op *op)
{
    u32 size = x64_size(op->type);
    order_operands(g);
    unsigned ra = x64_use(g, 0);
    struct x64_operand b = x64_use_any(g, 1);
    alloc_done(&g->a);
    if (b.kind == X64_IMM) {
        unsigned rd = alloc_is_free(&g->a, ra) ? alloc_def_at(&g->a, ra) : alloc_def(&g->a, ALLOC_GPR, 0);
        bool small = b.imm == (s8)b.imm;
        asm_rr(&g->s, (small ? X_IMUL_IMM8 : X_IMUL_IMM) | size, rd, ra);
        if (small)
            asm_u8(&g->s, (u8)b.imm);
        else
            asm_u32(&g->s, (u32)b.imm);
    } else if (!alloc_is_free(&g->a, ra) && b.kind == X64_REG && alloc_is_free(&g->a, b.reg)) {
        asm_rr(&g->s, X_IMUL | size, alloc_def_at(&g->a, b.reg), ra);
    } else {
        x64_op(g, X_IMUL | size, def_copy(g, size, ra, b), b);
    }
}

/* i32: the 64-bit product of the extended operands, shifted down. */
static void mulh_narrow(struct x64 *g, const struct ir_op *op)
{
    u32 left = op->op == IR_MULHU ? X_MOV : X_MOVSXD, right = op->op == IR_MULHS ? X_MOVSXD : X_MOV;
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1);
    unsigned t = alloc_temp(&g->a, ALLOC_GPR), u = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    asm_rr(&g->s, left, t, ra);
    asm_rr(&g->s, right, u, rb);
    asm_rr(&g->s, X_IMUL | ASM_W, t, u);
    asm_shift_imm(&g->s, SHIFT_SHR, ASM_W, t, 32);
    alloc_def_temp(&g->a, t);
}

void x64_mulh(struct x64 *g, const struct ir_op *op)
{
    if (op->type == IR_I32) {
        mulh_narrow(g, op);
        return;
    }
    u32 others = X64_GPRS & ~(1u << RAX | 1u << RDX);
    unsigned rb = x64_use_in(g, 1, others), ra = x64_use_in(g, 0, others);
    alloc_temp_at(&g->a, RAX);
    alloc_temp_at(&g->a, RDX);
    unsigned t = op->op == IR_MULHSU ? alloc_temp(&g->a, ALLOC_GPR) : 0;
    alloc_done(&g->a);
    asm_mov(&g->s, ASM_W, RAX, ra);
    asm_rr(&g->s, X_GROUP3 | ASM_W, op->op == IR_MULHS ? G3_IMUL : G3_MUL, rb);
    if (op->op == IR_MULHSU) { /* a < 0 counted as a + 2^64: b too much in the high half */
        asm_mov(&g->s, ASM_W, t, ra);
        asm_shift_imm(&g->s, SHIFT_SAR, ASM_W, t, 63);
        asm_rr(&g->s, X_AND | ASM_W, t, rb);
        asm_rr(&g->s, X_SUB | ASM_W, RDX, t);
    }
    alloc_def_temp(&g->a, RDX);
}

/* Divisor 0, or -1 of a signed division: what the instruction would trap on. rcx-free: reg = divisor, temp = dividend. */
static void cold_divide(struct x64 *g, struct x64_cold *c)
{
    bool remainder = c->site.op == IR_REMS || c->site.op == IR_REMU;
    u32 size = x64_size(c->site.type);
    asm_rr(&g->s, X_TEST | size, c->reg, c->reg);
    u8 *zero = asm_jcc_short(&g->s, CC_E);
    if (remainder) {
        asm_rr(&g->s, X_XOR, RDX, RDX);
    } else {
        asm_mov(&g->s, size, RAX, c->temp);
        asm_rr(&g->s, X_GROUP3 | size, G3_NEG, RAX);
    }
    asm_fix(asm_jmp(&g->s), c->resume);
    asm_fix_short(&g->s, zero);
    if (remainder) {
        asm_mov(&g->s, size, RDX, c->temp);
    } else {
        asm_mov_imm(&g->s, RAX, size ? ~UINT64_C(0) : UINT32_MAX);
    }
    asm_fix(asm_jmp(&g->s), c->resume);
}

static void divide(struct x64 *g, u32 size, bool is_signed, unsigned ra, unsigned rb)
{
    asm_mov(&g->s, size, RAX, ra);
    if (is_signed) {
        if (size)
            asm_u8(&g->s, 0x48);
        asm_u8(&g->s, 0x99); /* cdq, cqo */
    } else {
        asm_rr(&g->s, X_XOR, RDX, RDX);
    }
    asm_rr(&g->s, X_GROUP3 | size, is_signed ? G3_IDIV : G3_DIV, rb);
}

void x64_divide(struct x64 *g, const struct ir_op *op)
{
    bool is_signed = op->op == IR_DIVS || op->op == IR_REMS;
    bool remainder = op->op == IR_REMS || op->op == IR_REMU;
    u32 size = x64_size(op->type), others = X64_GPRS & ~(1u << RAX | 1u << RDX);
    u32 vb = x64_operand_value(g, 1);
    u64 divisor = alloc_is_const(&g->a, vb) ? alloc_const(&g->a, vb) : 0;
    bool checked = divisor == 0 || divisor == ~UINT64_C(0);
    unsigned rb = x64_use_in(g, 1, others), ra = x64_use_in(g, 0, others);
    alloc_temp_at(&g->a, RAX);
    alloc_temp_at(&g->a, RDX);
    alloc_done(&g->a);
    if (checked) {
        struct x64_cold *c = x64_cold_new(g, cold_divide);
        c->site.op = op->op;
        c->site.type = op->type;
        c->reg = (u8)rb;
        c->temp = (u8)ra;
        if (is_signed) {
            asm_rm(&g->s, X_LEA | size, RAX, asm_at(rb, 1));
            asm_alu_imm(&g->s, ALU_CMP, size, RAX, 1);
        } else {
            asm_rr(&g->s, X_TEST | size, rb, rb);
        }
        c->from[0] = asm_jcc(&g->s, is_signed ? CC_BE : CC_E);
        divide(g, size, is_signed, ra, rb);
        x64_resume(g, c);
    } else {
        divide(g, size, is_signed, ra, rb);
    }
    alloc_def_temp(&g->a, remainder ? RDX : RAX);
}

/* ---- Shifts, bits, width --------------------------------------------------------------------- */

static const u8 shift_group[IR_OPCODES] = {
    [IR_SHL] = SHIFT_SHL, [IR_SHR] = SHIFT_SHR, [IR_SAR] = SHIFT_SAR, [IR_ROTL] = SHIFT_ROL, [IR_ROTR] = SHIFT_ROR,
};

static void shift_const(struct x64 *g, const struct ir_op *op, unsigned count)
{
    u32 size = x64_size(op->type);
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    if (!alloc_is_free(&g->a, ra) && op->op == IR_SHL && count <= 3) {
        unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
        asm_rm(&g->s, X_LEA | size, rd,
               count == 1 ? asm_indexed(ra, ra, 0, 0) : asm_indexed(ASM_NO_REG, ra, count, 0));
        return;
    }
    if (!alloc_is_free(&g->a, ra) && shift_group[op->op] <= SHIFT_ROR && x64_has(g, X64_BMI2)) {
        unsigned width = size ? 64 : 32;
        asm_vex_rr(&g->s, X_RORX | size, alloc_def(&g->a, ALLOC_GPR, 0), 0, ra);
        asm_u8(&g->s, op->op == IR_ROTR ? count : (width - count) & (width - 1));
        return;
    }
    unsigned rd = def_copy(g, size, ra, (struct x64_operand){.kind = X64_IMM});
    if (count)
        asm_shift_imm(&g->s, shift_group[op->op], size, rd, count);
}

void x64_shift(struct x64 *g, const struct ir_op *op)
{
    static const u32 bmi[IR_OPCODES] = {[IR_SHL] = X_SHLX, [IR_SHR] = X_SHRX, [IR_SAR] = X_SARX};
    u32 size = x64_size(op->type), vb = x64_operand_value(g, 1);
    if (alloc_is_const(&g->a, vb)) {
        shift_const(g, op, (unsigned)alloc_const(&g->a, vb) & (size ? 63 : 31));
        return;
    }
    if (bmi[op->op] && x64_has(g, X64_BMI2)) {
        unsigned ra = x64_use(g, 0), rb = x64_use(g, 1);
        alloc_done(&g->a);
        asm_vex_rr(&g->s, bmi[op->op] | size, alloc_def(&g->a, ALLOC_GPR, 0), rb, ra);
        return;
    }
    u32 others = X64_GPRS & ~(1u << RCX);
    unsigned ra = x64_use_in(g, 0, others), rb = x64_use_in(g, 1, others);
    alloc_temp_at(&g->a, RCX);
    alloc_done(&g->a);
    asm_mov(&g->s, 0, RCX, rb);
    unsigned rd = def_copy(g, size, ra, (struct x64_operand){.kind = X64_IMM});
    asm_rr(&g->s, X_SHIFT_CL | size, shift_group[op->op], rd);
}

/* clz and ctz of 0 give the width: without lzcnt and tzcnt a branch-free form of bsr and bsf. */
static void count_by_scan(struct x64 *g, const struct ir_op *op)
{
    u32 size = x64_size(op->type);
    unsigned width = size ? 64 : 32;
    unsigned ra = x64_use(g, 0);
    unsigned t = alloc_temp(&g->a, ALLOC_GPR), rd = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    asm_mov_imm(&g->s, t, op->op == IR_CTZ ? width : 2 * width - 1);
    asm_rr(&g->s, (op->op == IR_CTZ ? X_BSF : X_BSR) | size, rd, ra);
    asm_rr(&g->s, (X_CMOV + CC_E) | size, rd, t);
    if (op->op == IR_CLZ)
        asm_alu_imm(&g->s, ALU_XOR, size, rd, (s32)width - 1);
    alloc_def_temp(&g->a, rd);
}

void x64_count_bits(struct x64 *g, const struct ir_op *op)
{
    static const struct {
        u32 instruction, feature;
    } table[IR_OPCODES] = {
        [IR_CLZ] = {X_LZCNT, X64_LZCNT}, [IR_CTZ] = {X_TZCNT, X64_BMI1}, [IR_POPCNT] = {X_POPCNT, X64_POPCNT}};
    u32 size = x64_size(op->type);
    if (!x64_has(g, table[op->op].feature)) {
        if (op->op == IR_POPCNT)
            x64_soft(g, op);
        else
            count_by_scan(g, op);
        return;
    }
    struct x64_operand b = x64_use_any(g, 0);
    if (b.kind == X64_IMM)
        b = (struct x64_operand){.reg = (u8)x64_use(g, 0)};
    alloc_done(&g->a);
    x64_op(g, table[op->op].instruction | size, alloc_def(&g->a, ALLOC_GPR, 0), b);
}

static void select_extend(struct x64 *g, const struct ir_op *op)
{
    static const u32 table[IR_OPCODES] = {
        [IR_SEXT8] = X_MOVSX8, [IR_SEXT16] = X_MOVSX16, [IR_SEXT32] = X_MOVSXD,
        [IR_ZEXT8] = X_MOVZX8, [IR_ZEXT16] = X_MOVZX16, [IR_ZEXT32] = X_MOV, [IR_TRUNC] = X_MOV,
    };
    u32 insn = table[op->op];
    if (op->op == IR_SEXT8 || op->op == IR_SEXT16)
        insn |= x64_size(op->type);
    struct x64_operand b = x64_use_any(g, 0);
    if (b.kind == X64_IMM)
        b = (struct x64_operand){.reg = (u8)x64_use(g, 0)};
    alloc_done(&g->a);
    bool same = b.kind == X64_REG && alloc_is_free(&g->a, b.reg);
    x64_op(g, insn, same ? alloc_def_at(&g->a, b.reg) : alloc_def(&g->a, ALLOC_GPR, 0), b);
}

/* ---- Comparison ------------------------------------------------------------------------------ */

static const u8 condition_code[] = {
    [IR_EQ] = CC_E, [IR_NE] = CC_NE, [IR_LT] = CC_L, [IR_GE] = CC_GE, [IR_LE] = CC_LE, [IR_GT] = CC_G,
    [IR_LTU] = CC_B, [IR_GEU] = CC_AE, [IR_LEU] = CC_BE, [IR_GTU] = CC_A,
};

static unsigned swap_condition(unsigned cond)
{
    static const u8 swapped[] = {
        [IR_EQ] = IR_EQ, [IR_NE] = IR_NE, [IR_LT] = IR_GT, [IR_GE] = IR_LE, [IR_LE] = IR_GE, [IR_GT] = IR_LT,
        [IR_LTU] = IR_GTU, [IR_GEU] = IR_LEU, [IR_LEU] = IR_GEU, [IR_GTU] = IR_LTU};
    return swapped[cond];
}

static struct x64_condition prepare_compare(struct x64 *g, const struct ir_op *cmp)
{
    struct x64_condition c = {.wide = g->ir->ops[cmp->a].type == IR_I64, .cond = (u8)cmp->aux};
    if (alloc_is_const(&g->a, x64_operand_value(g, 0)) && !alloc_is_const(&g->a, x64_operand_value(g, 1))) {
        swap_operands(g);
        c.cond = (u8)swap_condition(c.cond);
    }
    c.left = (u8)x64_use(g, 0);
    c.right = x64_use_any(g, 1);
    return c;
}

struct x64_condition x64_condition_prepare(struct x64 *g, const struct ir_op *op)
{
    if (g->a.ops[g->a.index].kind == ALLOC_FUSED)
        return prepare_compare(g, &g->ir->ops[op->a]);
    return (struct x64_condition){
        .left = (u8)x64_use(g, 0), .right = {.kind = X64_IMM}, .wide = g->ir->ops[op->a].type == IR_I64, .cond = IR_NE};
}

enum asm_cc x64_compare(struct x64 *g, const struct x64_condition *c)
{
    u32 size = ASM_SIZE(c->wide);
    if (c->right.kind == X64_IMM && !c->right.imm)
        asm_rr(&g->s, X_TEST | size, c->left, c->left);
    else
        x64_alu(g, ALU_CMP, size, c->left, c->right);
    return condition_code[c->cond];
}

static void select_cmp(struct x64 *g, const struct ir_op *op)
{
    struct x64_condition c = prepare_compare(g, op);
    alloc_done(&g->a);
    u32 operands = 1u << c.left | (c.right.kind == X64_REG ? 1u << c.right.reg : 0);
    unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
    bool apart = !(operands >> rd & 1);
    if (apart)
        asm_rr(&g->s, X_XOR, rd, rd);
    enum asm_cc cc = x64_compare(g, &c);
    asm_rr(&g->s, X_SETCC + cc, 0, rd);
    if (!apart)
        asm_rr(&g->s, X_MOVZX8, rd, rd);
}

static void select_float(struct x64 *g, const struct x64_condition *c, unsigned rb, unsigned rc)
{
    alloc_done(&g->a);
    bool keep_b = alloc_is_free(&g->a, rb);
    unsigned rd = keep_b ? alloc_def_at(&g->a, rb) : alloc_def(&g->a, ALLOC_XMM, 1u << rc);
    if (!keep_b)
        asm_rr(&g->s, X_MOVAPS, rd & 15, rb & 15);
    u8 *over = asm_jcc_short(&g->s, x64_compare(g, c));
    asm_rr(&g->s, X_MOVAPS, rd & 15, rc & 15);
    asm_fix_short(&g->s, over);
}

static void select_select(struct x64 *g, const struct ir_op *op)
{
    unsigned first = g->a.ops[g->a.index].kind == ALLOC_FUSED ? 2 : 1;
    u32 size = x64_size(op->type);
    struct x64_condition c = x64_condition_prepare(g, op);
    unsigned rb = x64_use(g, first), rc = x64_use(g, first + 1);
    if (alloc_class(op->type) == ALLOC_XMM) {
        select_float(g, &c, rb, rc);
        return;
    }
    u32 operands = 1u << c.left | (c.right.kind == X64_REG ? 1u << c.right.reg : 0) | 1u << rb;
    alloc_done(&g->a);
    if (alloc_is_free(&g->a, rc)) {
        unsigned rd = alloc_def_at(&g->a, rc);
        asm_rr(&g->s, (X_CMOV + x64_compare(g, &c)) | size, rd, rb);
    } else if (alloc_is_free(&g->a, rb)) {
        unsigned rd = alloc_def_at(&g->a, rb);
        asm_rr(&g->s, (X_CMOV + (x64_compare(g, &c) ^ 1)) | size, rd, rc);
    } else {
        unsigned rd = alloc_def(&g->a, ALLOC_GPR, operands);
        asm_mov(&g->s, size, rd, rc);
        asm_rr(&g->s, (X_CMOV + x64_compare(g, &c)) | size, rd, rb);
    }
}

/* ---- Bookkeeping operations ------------------------------------------------------------------ */

static void select_nothing(struct x64 *g, const struct ir_op *op)
{
    alloc_done(&g->a);
}

/* trunc that a put needs as a value of its own; other users read the source. */
static void select_trunc(struct x64 *g, const struct ir_op *op)
{
    select_extend(g, op);
}

static void select_get(struct x64 *g, const struct ir_op *op)
{
    if (op->a == g->isa->pc_slot)
        x64_settle_pc(g);
    alloc_get(&g->a, op->a);
}

void (*const x64_select[IR_OPCODES])(struct x64 *g, const struct ir_op *op) = {
    [IR_CONST] = select_nothing, [IR_GET] = select_get, /* IR_PUT, IR_INSN: emit.c */
    [IR_LOAD_STATE] = x64_load_state, [IR_STORE_STATE] = x64_store_state, [IR_FLOAT_FLAGS] = x64_float_flags,
    [IR_ADD] = select_add, [IR_SUB] = select_sub, [IR_MUL] = x64_mul,
    [IR_MULHS] = x64_mulh, [IR_MULHU] = x64_mulh, [IR_MULHSU] = x64_mulh,
    [IR_DIVS] = x64_divide, [IR_DIVU] = x64_divide, [IR_REMS] = x64_divide, [IR_REMU] = x64_divide,
    [IR_AND] = select_logic, [IR_OR] = select_logic, [IR_XOR] = select_logic,
    [IR_NOT] = select_unary, [IR_NEG] = select_unary, [IR_BSWAP] = select_unary,
    [IR_SHL] = x64_shift, [IR_SHR] = x64_shift, [IR_SAR] = x64_shift, [IR_ROTL] = x64_shift, [IR_ROTR] = x64_shift,
    [IR_CLZ] = x64_count_bits, [IR_CTZ] = x64_count_bits, [IR_POPCNT] = x64_count_bits,
    [IR_CLMUL] = x64_clmul, [IR_CLMULH] = x64_clmul,
    [IR_SEXT8] = select_extend, [IR_SEXT16] = select_extend, [IR_SEXT32] = select_extend,
    [IR_ZEXT8] = select_extend, [IR_ZEXT16] = select_extend, [IR_ZEXT32] = select_extend, [IR_TRUNC] = select_trunc,
    [IR_CMP] = select_cmp, [IR_SELECT] = select_select,
    [IR_LOAD] = x64_load, [IR_STORE] = x64_store, [IR_RMW] = x64_rmw, [IR_CAS] = x64_cas,
    [IR_LOAD_LINKED] = x64_linked, [IR_STORE_COND] = x64_linked, [IR_FENCE] = x64_fence,
    [IR_FADD] = x64_fbinary, [IR_FSUB] = x64_fbinary, [IR_FMUL] = x64_fbinary, [IR_FDIV] = x64_fbinary,
    [IR_FSQRT] = x64_fsqrt, [IR_FMADD] = x64_fmadd, [IR_FMIN] = x64_fminmax, [IR_FMAX] = x64_fminmax,
    [IR_FCMP] = x64_fcmp, [IR_FCVT] = x64_fcvt, [IR_FTOI] = x64_ftoi, [IR_ITOF] = x64_itof,
    [IR_FSGNJ] = x64_fsign, [IR_FSGNJN] = x64_fsign, [IR_FSGNJX] = x64_fsign,
    [IR_NANBOX] = x64_nanbox, [IR_UNBOX] = x64_unbox, [IR_BITCAST] = x64_bitcast,
    [IR_VPAIR] = x64_vpair, [IR_VLOW] = x64_vlow, [IR_VZEXT] = x64_vzext, [IR_VHALF] = x64_vhalf, [IR_VDUP] = x64_vdup,
    [IR_VGET] = x64_vget, [IR_VSET] = x64_vset, [IR_VAND] = x64_vbinary, [IR_VOR] = x64_vbinary, [IR_VXOR] = x64_vbinary,
    [IR_VANDN] = x64_vandn, [IR_VSEL] = x64_vsel, [IR_VADD] = x64_vbinary, [IR_VSUB] = x64_vbinary, [IR_VMUL] = x64_vbinary,
    [IR_VMINS] = x64_vbinary, [IR_VMINU] = x64_vbinary, [IR_VMAXS] = x64_vbinary, [IR_VMAXU] = x64_vbinary,
    [IR_VEQ] = x64_vbinary, [IR_VGTS] = x64_vbinary, [IR_VGTU] = x64_vgtu, [IR_VADDSS] = x64_vbinary, [IR_VADDSU] = x64_vbinary,
    [IR_VSUBSS] = x64_vbinary, [IR_VSUBSU] = x64_vbinary, [IR_VAVGU] = x64_vbinary, [IR_VSHL] = x64_vshift,
    [IR_VSHR] = x64_vshift, [IR_VSAR] = x64_vshift, [IR_VZIPL] = x64_vbinary, [IR_VZIPH] = x64_vbinary, [IR_VEXT] = x64_vext,
    [IR_VTBL] = x64_vtbl, [IR_VSXT] = x64_vunary, [IR_VZXT] = x64_vunary, [IR_VCNT] = x64_vcnt, [IR_VFADD] = x64_vfbinary,
    [IR_VFSUB] = x64_vfbinary, [IR_VFMUL] = x64_vfbinary, [IR_VFDIV] = x64_vfbinary, [IR_VFSQRT] = x64_vfsqrt,
    [IR_VFMADD] = x64_vfmadd, [IR_VFMIN] = x64_soft, [IR_VFMAX] = x64_soft, [IR_VFCMP] = x64_vfcmp,
    [IR_CALL] = x64_call, [IR_EXIT_IF] = x64_exit_if, [IR_TRAP_IF] = x64_trap_if, [IR_EXIT_JUMP] = x64_exit_jump,
    [IR_EXIT_INDIRECT] = x64_exit_indirect, [IR_EXIT_LOOKUP] = x64_exit_lookup,
};
