/*
 * float.c - floating point on SSE and AVX, exact to the guest's bit.
 *
 * MXCSR holds the guest's rounding mode and collects its flags, all exceptions masked. So an operation that rounds dynamically is the
 * host's instruction, one unordered test, and a cold part for results that are NaN:
 *   NaN policy "default"   the default NaN is loaded (an invalid operation's flag was raised by the instruction itself)
 *   "x86"                  what the instruction gives is right
 *   "arm", and fused multiply-add (whose inf*0 + NaN differs): done again in C (x64_soft_op)
 * A rounding mode in the operation itself goes to C, but for truncation to integer and conversions that are always exact. x86 detects
 * tininess after rounding, as RISC-V does. Where it is to be before (IR_FLOAT_TINY_BEFORE), a result of the smallest normal magnitude,
 * the only one that the two tell apart, is made again in C; sums are exact there.
 */
#include "jit/x86_64/x64.h"

#include "float/soft.h"
#include "jit/eval.h"
#include "jit/profile.h"

static unsigned nan_rule(const struct ir_op *op)
{
    return (op->aux & IR_FLOAT_NAN) >> IR_FLOAT_NAN_SHIFT;
}

static bool rounds_dynamically(const struct ir_op *op)
{
    return (op->aux & IR_FLOAT_ROUND) == IR_FLOAT_DYN;
}

static bool wide(unsigned type)
{
    return type == IR_F64 || type == IR_I64;
}

/* rd = a op b by one scalar instruction; b in a register or memory, not rd unless a is too. */
static void scalar_op(struct x64 *g, u32 insn, unsigned rd, unsigned ra, struct x64_operand b)
{
    if (x64_has(g, X64_AVX)) {
        if (b.kind == X64_REG)
            asm_vex_rr(&g->s, insn, rd & 15, ra & 15, b.reg & 15);
        else
            asm_vex_rm(&g->s, insn, rd & 15, ra & 15, b.mem);
        return;
    }
    if (rd != ra)
        asm_rr(&g->s, X_MOVAPS, rd & 15, ra & 15);
    x64_op(g, insn, rd, b);
}

static void packed_op(struct x64 *g, u32 insn, unsigned rd, unsigned ra, unsigned rb)
{
    scalar_op(g, insn, rd, ra, (struct x64_operand){.reg = (u8)rb});
}

static void move(struct x64 *g, unsigned rd, unsigned ra)
{
    if (rd != ra)
        asm_rr(&g->s, X_MOVAPS, rd & 15, ra & 15);
}

/* ---- In C ------------------------------------------------------------------------------------ */

static unsigned operand_type(const struct x64 *g, const struct ir_op *op)
{
    return g->ir->ops[op->a].type;
}

/* A cold call of x64_soft_op with the operands in reg[]. */
struct x64_cold *x64_soft_site(struct x64 *g, const struct ir_op *op, const unsigned *reg, unsigned count, unsigned rd)
{
    struct x64_cold *c = x64_cold_site(g, op, X64_SOFT);
    c->site.kind = (u16)operand_type(g, op);
    c->site.addr = (u8)reg[0];
    c->site.value = count > 1 ? (u8)reg[1] : JIT_LOC_NONE;
    c->site.value2 = count > 2 ? (u8)reg[2] : JIT_LOC_NONE;
    c->site.result = (u8)rd;
    /* The constant of a vector operation that has one. */
    if (ir_op_info[op->op].operands[1] == 'k')
        c->site.offset = (s32)op->b;
    else if (ir_op_info[op->op].operands[2] == 'k')
        c->site.offset = (s32)op->c;
    return c;
}

X64_SELECT(soft)
{
    unsigned reg[3], count = g->a.ops[g->a.index].count, result = alloc_type(&g->a, g->a.index);
    for (unsigned k = 0; k < count; k++)
        reg[k] = x64_use(g, k);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, alloc_class(result), 0);
    if (result == IR_F32 || result == IR_F64)
        x64_set_upper(g, X64_ABOVE_32, result);
    struct x64_cold *c = x64_soft_site(g, op, reg, count, rd);
    c->from[0] = asm_jmp(&g->s);
    x64_resume(g, c);
}

static struct ir_v128 frame_vector(const struct jit_frame *frame, u8 loc)
{
    struct ir_v128 v = {{0}};
    if (loc != JIT_LOC_NONE && loc >= JIT_LOC_XMM)
        memcpy(&v, frame->xmm[loc - JIT_LOC_XMM], sizeof(v));
    else if (loc != JIT_LOC_NONE)
        v.d[0] = frame->gpr[loc];
    return v;
}

static void soft_vector(struct cpu *cpu, struct jit_frame *frame, const struct jit_site *site)
{
    u32 k = (u32)site->offset;
    struct ir_op op = {.op = site->op, .type = site->type, .aux = site->aux, .b = k, .c = k};
    struct ir_v128 a = frame_vector(frame, site->addr), b = frame_vector(frame, site->value),
                   c = frame_vector(frame, site->value2);
    unsigned flags = 0;
    struct ir_v128 v = ir_eval_vector(&op, cpu->isa->float_round(cpu), &a, &b, &c, &flags);
    if (flags)
        cpu->isa->float_accrue(cpu, flags);
    if (site->result < JIT_LOC_XMM)
        frame->gpr[site->result] = v.d[0];
    else
        memcpy(frame->xmm[site->result - JIT_LOC_XMM], &v, sizeof(v));
}

bool x64_soft_op(struct cpu *cpu, struct jit_frame *frame, const struct jit_site *site)
{
    jit_place_set(cpu, JIT_IN_SOFT);
    if (ir_op_is_vector(site->op)) {
        soft_vector(cpu, frame, site);
        return true;
    }
    u64 v[3] = {0};
    u8 loc[3] = {site->addr, site->value, site->value2};
    unsigned flags = 0;
    struct ir_op op = {.op = site->op, .type = site->type, .aux = site->aux};
    for (unsigned i = 0; i < 3; i++) {
        if (loc[i] != JIT_LOC_NONE)
            v[i] = (loc[i] < JIT_LOC_XMM ? frame->gpr[loc[i]] : frame->xmm[loc[i] - JIT_LOC_XMM][0]) &
                   ir_type_mask(site->kind);
    }
    u64 r = site->op >= IR_FADD && site->op <= IR_ITOF
                ? ir_eval_float(&op, site->kind, cpu->isa->float_round(cpu), v[0], v[1], v[2], &flags)
                : ir_eval(&op, site->kind, v[0], v[1], v[2]);
    if (flags)
        cpu->isa->float_accrue(cpu, flags);
    if (site->result < JIT_LOC_XMM) {
        frame->gpr[site->result] = r;
    } else {
        frame->xmm[site->result - JIT_LOC_XMM][0] = r;
        frame->xmm[site->result - JIT_LOC_XMM][1] = 0; /* whatever its note says */
    }
    return true;
}

/* ---- NaN results ----------------------------------------------------------------------------- */

static bool checks_tiny(const struct ir_op *op)
{
    bool rounds = op->op == IR_FMUL || op->op == IR_FDIV || op->op == IR_FMADD || (op->op == IR_FCVT && op->type == IR_F32);
    return rounds && op->aux & IR_FLOAT_TINY_BEFORE;
}

/* For check_tiny; before alloc_done. */
static unsigned tiny_temp(struct x64 *g, const struct ir_op *op)
{
    return checks_tiny(op) ? alloc_temp(&g->a, ALLOC_GPR) : 0;
}

/* NaN, or of the smallest normal magnitude: on to the site, which follows. Others were suspected only. */
static void cold_tiny(struct x64 *g, struct x64_cold *c)
{
    unsigned rd = c->site.result;
    asm_rr(&g->s, X_UCOMIS | x64_packed(c->site.type), rd & 15, rd & 15);
    u8 *is_nan = asm_jcc_short(&g->s, CC_P);
    asm_alu_imm(&g->s, ALU_CMP, 0, c->reg, (s32)c->value);
    asm_fix(asm_jcc(&g->s, CC_NE), c->resume);
    asm_fix_short(&g->s, is_nan);
    x64_cold_call(g, c);
}

/*
 * One comparison finds NaNs and results of the smallest normal magnitude, and suspects infinities, zeros and denormal ones: with
 * the sign shifted out, and one exponent step added, those are the least of all. Of doubles the upper half decides.
 */
static void check_tiny(struct x64 *g, const struct ir_op *op, const unsigned *reg, unsigned count, unsigned rd, unsigned t)
{
    bool is_double = op->type == IR_F64;
    s32 step = is_double ? 2 << 20 : 2 << 23;
    if (is_double && x64_has(g, X64_SSE41)) {
        asm_rr(&g->s, X_PEXTRD, rd & 15, t);
        asm_u8(&g->s, 1);
    } else {
        asm_rr(&g->s, X_MOVD_FROM | ASM_SIZE(is_double), rd & 15, t);
        if (is_double)
            asm_shift_imm(&g->s, SHIFT_SHR, ASM_W, t, 32);
    }
    asm_rm(&g->s, X_LEA, t, asm_indexed(t, t, 0, step));
    asm_alu_imm(&g->s, ALU_CMP, 0, t, 2 * step);
    struct x64_cold *c = x64_soft_site(g, op, reg, count, rd);
    c->emit = cold_tiny;
    c->reg = (u8)t;
    c->value = (u64)(2 * step);
    c->from[0] = asm_jcc(&g->s, CC_BE);
    x64_resume(g, c);
}

/*
 * After rd = op(reg...): what a NaN in it becomes, and a flag that a tiny result owes. The registers of reg[] still hold the
 * operands if `again`. t: tiny_temp.
 */
static void fix_nan(struct x64 *g, const struct ir_op *op, const unsigned *reg, unsigned count, unsigned rd, bool again, unsigned t)
{
    if (nan_rule(op) == FLOAT_NAN_X86 && !again)
        return;
    if (checks_tiny(op)) {
        check_tiny(g, op, reg, count, rd, t);
        return;
    }
    asm_rr(&g->s, X_UCOMIS | x64_packed(op->type), rd & 15, rd & 15);
    u8 *from = asm_jcc(&g->s, CC_P);
    if (nan_rule(op) == FLOAT_NAN_DEFAULT && !again) {
        x64_cold_load(g, from, rd, op->type, (u32)offsetof(struct x64_runtime, nan) + 8 * wide(op->type));
        return;
    }
    struct x64_cold *c = x64_soft_site(g, op, reg, count, rd);
    c->from[0] = from;
    x64_resume(g, c);
}

static bool needs_operands(const struct ir_op *op)
{
    return nan_rule(op) == FLOAT_NAN_ARM || checks_tiny(op);
}

static u32 in_use(const unsigned *reg, unsigned count)
{
    u32 mask = 0;
    for (unsigned i = 0; i < count; i++)
        mask |= 1u << reg[i];
    return mask;
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

X64_SELECT(fbinary)
{
    static const u32 insn[IR_OPCODES] = {[IR_FADD] = X_ADDS, [IR_FSUB] = X_SUBS, [IR_FMUL] = X_MULS, [IR_FDIV] = X_DIVS};
    if (!rounds_dynamically(op)) {
        x64_soft(g, op);
        return;
    }
    bool keep = needs_operands(op);
    unsigned reg[2] = {x64_use(g, 0)};
    struct x64_operand b = {.reg = 0};
    if (keep || alloc_is_const(&g->a, x64_operand_value(g, 1)))
        b.reg = x64_use(g, 1);
    else
        b = x64_use_any(g, 1);
    reg[1] = b.kind == X64_REG ? b.reg : reg[0];
    unsigned t = tiny_temp(g, op), upper = x64_upper_of(g, 0);
    bool swap = false;
    if (!upper && keep && (op->op == IR_FADD || op->op == IR_FMUL)) { /* what is above the result is the first one's */
        upper = x64_upper_of(g, 1);
        swap = upper;
    }
    alloc_done(&g->a);
    if (x64_has(g, X64_AVX))
        x64_set_upper(g, upper, op->type);
    unsigned rd;
    if (!keep && alloc_is_free(&g->a, reg[0]))
        rd = alloc_def_at(&g->a, reg[0]);
    else /* without AVX the first operand is copied over rd before the second is read */
        rd = alloc_def(&g->a, ALLOC_XMM, keep ? in_use(reg, 2) : x64_has(g, X64_AVX) ? 0 : 1u << reg[1]);
    if (swap && x64_has(g, X64_AVX))
        packed_op(g, insn[op->op] | x64_scalar(op->type), rd, reg[1], reg[0]);
    else
        scalar_op(g, insn[op->op] | x64_scalar(op->type), rd, reg[0], b);
    fix_nan(g, op, reg, 2, rd, keep, t);
}

X64_SELECT(fsqrt)
{
    if (!rounds_dynamically(op)) {
        x64_soft(g, op);
        return;
    }
    bool keep = needs_operands(op);
    unsigned ra = x64_use(g, 0), upper = x64_upper_of(g, 0);
    alloc_done(&g->a);
    unsigned rd = !keep && alloc_is_free(&g->a, ra) ? alloc_def_at(&g->a, ra)
                                                    : alloc_def(&g->a, ALLOC_XMM, keep ? 1u << ra : 0);
    x64_set_upper(g, upper, op->type);
    if (!x64_has(g, X64_AVX))
        move(g, rd, ra); /* no wait for what rd held */
    if (x64_has(g, X64_AVX))
        packed_op(g, X_SQRTS | x64_scalar(op->type), rd, ra, ra);
    else
        asm_rr(&g->s, X_SQRTS | x64_scalar(op->type), rd & 15, rd & 15);
    fix_nan(g, op, &ra, 1, rd, keep, 0);
}

/* What is above the addend is above the result, which often shall have nothing there. */
static void move_addend(struct x64 *g, const struct ir_op *op, unsigned rd, unsigned addend)
{
    unsigned upper = x64_upper_of(g, 2);
    if (!upper && op->type == IR_F64 && op[1].op == IR_VZEXT && op[1].a == g->a.index) {
        asm_rr(&g->s, X_MOVQ, rd & 15, addend & 15);
        upper = X64_ABOVE_64;
    } else {
        move(g, rd, addend);
    }
    x64_set_upper(g, upper, op->type);
}

X64_SELECT(fmadd)
{
    static const u32 insn[4] = {X_FMADD231, X_FNMADD231, X_FMSUB231, X_FNMSUB231};
    if (!rounds_dynamically(op) || !x64_has(g, X64_FMA)) {
        x64_soft(g, op);
        return;
    }
    unsigned reg[3] = {x64_use(g, 0), x64_use(g, 1), x64_use(g, 2)}, t = tiny_temp(g, op);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, in_use(reg, 3));
    unsigned which = (op->aux & IR_FLOAT_NEG_PRODUCT ? 1 : 0) | (op->aux & IR_FLOAT_NEG_ADDEND ? 2 : 0);
    move_addend(g, op, rd, reg[2]);
    asm_vex_rr(&g->s, insn[which] | ASM_SIZE(op->type == IR_F64), rd & 15, reg[0] & 15, reg[1] & 15);
    fix_nan(g, op, reg, 3, rd, true, t);
}

/* ---- Minimum, maximum, comparison ------------------------------------------------------------ */

/* Equal operands: only the sign of a zero can differ. */
static void cold_equal(struct x64 *g, struct x64_cold *c)
{
    bool min = c->site.op == IR_FMIN;
    packed_op(g, min ? X_ORPS : X_ANDPS, c->reg, c->site.addr, c->site.value);
    asm_fix(asm_jmp(&g->s), c->resume);
}

X64_SELECT(fminmax)
{
    unsigned reg[2] = {x64_use(g, 0), x64_use(g, 1)};
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, in_use(reg, 2));
    asm_rr(&g->s, X_UCOMIS | x64_packed(op->type), reg[0] & 15, reg[1] & 15);
    struct x64_cold *nan = x64_soft_site(g, op, reg, 2, rd), *equal = x64_cold_new(g, cold_equal);
    nan->from[0] = asm_jcc(&g->s, CC_P);
    equal->site = nan->site;
    equal->reg = (u8)rd;
    equal->from[0] = asm_jcc(&g->s, CC_E);
    packed_op(g, (op->op == IR_FMIN ? X_MINS : X_MAXS) | x64_scalar(op->type), rd, reg[0], reg[1]);
    x64_resume(g, nan);
    x64_resume(g, equal);
}

X64_SELECT(fcmp)
{
    unsigned cond = op->aux & IR_FLOAT_COND;
    u32 insn = (op->aux & IR_FLOAT_SIGNAL ? X_COMIS : X_UCOMIS) | x64_packed(operand_type(g, op));
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1);
    unsigned t = cond == IR_FLOAT_EQ ? alloc_temp(&g->a, ALLOC_GPR) : 0;
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
    asm_rr(&g->s, X_XOR, rd, rd);
    if (cond == IR_FLOAT_EQ) { /* ZF is also set when unordered */
        asm_rr(&g->s, X_XOR, t, t);
        asm_rr(&g->s, insn, ra & 15, rb & 15);
        asm_rr(&g->s, X_SETCC + CC_NP, 0, rd);
        asm_rr(&g->s, X_CMOV + CC_NE, rd, t);
    } else { /* b > a, b >= a: false when unordered */
        asm_rr(&g->s, insn, rb & 15, ra & 15);
        asm_rr(&g->s, X_SETCC + (cond == IR_FLOAT_LT ? CC_A : CC_AE), 0, rd);
    }
}

X64_SELECT(float_flags)
{
    enum { STMXCSR = 3, FLAGS = 0x3f };
    struct asm_mem m = asm_at(X64_FRAME, (s32)offsetof(struct jit_frame, scratch));
    unsigned t = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
    asm_rm(&g->s, X_GROUP15, STMXCSR, m);
    asm_rm(&g->s, X_MOV, rd, m);
    asm_alu_imm(&g->s, ALU_AND, 0, rd, FLAGS);
    asm_rm(&g->s, X_LEA | ASM_W, t, X64_TABLE(float_flags));
    asm_rm(&g->s, X_MOVZX8 & ~ASM_B_RM, rd, asm_indexed(t, rd, 0, 0));
}

/* ---- Conversions ----------------------------------------------------------------------------- */

X64_SELECT(fcvt)
{
    unsigned from = operand_type(g, op);
    if (op->type == IR_F32 && !rounds_dynamically(op)) {
        x64_soft(g, op);
        return;
    }
    bool keep = needs_operands(op);
    unsigned ra = x64_use(g, 0), t = tiny_temp(g, op);
    alloc_done(&g->a);
    unsigned rd = !keep && alloc_is_free(&g->a, ra) ? alloc_def_at(&g->a, ra)
                                                    : alloc_def(&g->a, ALLOC_XMM, keep ? 1u << ra : 0);
    if (rd != ra) {
        asm_rr(&g->s, X_XORPS, rd & 15, rd & 15);
        x64_set_upper(g, X64_ABOVE_32, op->type);
    }
    asm_rr(&g->s, X_CVTS2S | x64_scalar(from), rd & 15, ra & 15);
    fix_nan(g, op, &ra, 1, rd, keep, t);
}

/* An unsigned result: signed conversion when the operand is within bounds, which a comparison decides before any flag is raised. */
static void check_bounds(struct x64 *g, struct x64_cold *c, const struct ir_op *op, unsigned from, unsigned ra)
{
    bool dynamic = rounds_dynamically(op);
    u32 at = (u32)offsetof(struct x64_runtime, bounds) +
             (u32)sizeof(struct x64_bounds) * (wide(from) * 4u + wide(op->type) * 2u + dynamic);
    u32 insn = X_UCOMIS | x64_packed(from);
    asm_rm(&g->s, insn, ra & 15, x64_table(at + (u32)offsetof(struct x64_bounds, low)));
    c->from[0] = asm_jcc(&g->s, CC_B); /* unordered too */
    asm_rm(&g->s, insn, ra & 15, x64_table(at + (u32)offsetof(struct x64_bounds, high)));
    c->from[1] = asm_jcc(&g->s, CC_A);
}

X64_SELECT(ftoi)
{
    unsigned from = operand_type(g, op), round = op->aux & IR_FLOAT_ROUND;
    bool is_unsigned = op->aux & IR_FLOAT_UNSIGNED;
    if (round != IR_FLOAT_DYN && round != FLOAT_RTZ) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
    struct x64_cold *c = x64_soft_site(g, op, &ra, 1, rd);
    u32 size = is_unsigned ? ASM_W : x64_size(op->type);
    if (is_unsigned)
        check_bounds(g, c, op, from, ra);
    asm_rr(&g->s, (round == FLOAT_RTZ ? X_CVTTS2SI : X_CVTS2SI) | x64_scalar(from) | size, rd, ra & 15);
    if (!is_unsigned) { /* out of range: the smallest integer, whose predecessor overflows */
        asm_alu_imm(&g->s, ALU_CMP, size, rd, 1);
        c->from[0] = asm_jcc(&g->s, CC_O);
    }
    x64_resume(g, c);
}

/* Every integer of the source type has an exact image. */
static bool exact_itof(unsigned from, unsigned to)
{
    return from == IR_I32 && to == IR_F64;
}

X64_SELECT(itof)
{
    unsigned from = operand_type(g, op);
    bool is_unsigned = op->aux & IR_FLOAT_UNSIGNED;
    if (!rounds_dynamically(op) && !exact_itof(from, op->type)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), t = ra;
    if (is_unsigned && from == IR_I32)
        t = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
    struct x64_cold *c = NULL;
    if (t != ra)
        asm_mov(&g->s, 0, t, ra);
    if (is_unsigned && from == IR_I64) {
        c = x64_soft_site(g, op, &ra, 1, rd);
        asm_rr(&g->s, X_TEST | ASM_W, ra, ra);
        c->from[0] = asm_jcc(&g->s, CC_S);
    }
    asm_rr(&g->s, X_XORPS, rd & 15, rd & 15);
    x64_set_upper(g, X64_ABOVE_32, op->type);
    asm_rr(&g->s, X_CVTSI2S | x64_scalar(op->type) | ASM_SIZE(is_unsigned || from == IR_I64), rd & 15, t);
    if (c)
        x64_resume(g, c);
}

/* ---- Bits ------------------------------------------------------------------------------------ */

static struct asm_mem sign_mask(unsigned type)
{
    return x64_table((u32)offsetof(struct x64_runtime, sign) + 16 * wide(type));
}

static struct asm_mem magnitude_mask(unsigned type)
{
    return x64_table((u32)offsetof(struct x64_runtime, magnitude) + 16 * wide(type));
}

static void masked(struct x64 *g, u32 insn, unsigned rd, unsigned ra, struct asm_mem mask)
{
    scalar_op(g, insn, rd, ra, (struct x64_operand){.kind = X64_MEM, .mem = mask});
}

/* One operand: copy, negate, absolute value. */
static void sign_of_itself(struct x64 *g, const struct ir_op *op)
{
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    unsigned rd = alloc_is_free(&g->a, ra) ? alloc_def_at(&g->a, ra) : alloc_def(&g->a, ALLOC_XMM, 0);
    if (op->op == IR_FSGNJ)
        move(g, rd, ra);
    else if (op->op == IR_FSGNJN)
        masked(g, X_XORPS, rd, ra, sign_mask(op->type));
    else
        masked(g, X_ANDPS, rd, ra, magnitude_mask(op->type));
}

X64_SELECT(fsign)
{
    if (x64_operand_value(g, 0) == x64_operand_value(g, 1)) {
        sign_of_itself(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1), t = alloc_temp(&g->a, ALLOC_XMM);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 1u << rb | 1u << ra);
    masked(g, X_ANDPS, t, rb, sign_mask(op->type));
    if (op->op == IR_FSGNJX) {
        packed_op(g, X_XORPS, rd, ra, t);
        return;
    }
    if (op->op == IR_FSGNJN)
        masked(g, X_XORPS, t, t, sign_mask(op->type));
    masked(g, X_ANDPS, rd, ra, magnitude_mask(op->type));
    packed_op(g, X_ORPS, rd, rd, t);
}

X64_SELECT(nanbox)
{
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    unsigned rd = alloc_is_free(&g->a, ra) ? alloc_def_at(&g->a, ra) : alloc_def(&g->a, ALLOC_XMM, 0);
    masked(g, X_ORPS, rd, ra, X64_TABLE(nanbox));
}

/* The upper half must be all ones, else the value is the default NaN. */
static void unbox_slot(struct x64 *g, u32 v)
{
    struct asm_mem low = x64_slot(g, g->a.val[v].home), high = low;
    high.disp += 4;
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
    asm_rm(&g->s, X_MOVS | ASM_F3, rd & 15, low);
    asm_alu_mem_imm(&g->s, ALU_CMP, 0, high, -1);
    x64_cold_load(g, asm_jcc(&g->s, CC_NE), rd, IR_F32, (u32)offsetof(struct x64_runtime, nan));
}

X64_SELECT(unbox)
{
    u32 v = x64_operand_value(g, 0);
    if (x64_only_in_slot(g, v) && alloc_dies(&g->a, 0)) {
        unbox_slot(g, v);
        return;
    }
    unsigned ra = x64_use(g, 0), t = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    if (x64_has(g, X64_SSE41)) {
        asm_rr(&g->s, X_PEXTRD, ra & 15, t);
        asm_u8(&g->s, 1);
    } else {
        asm_rr(&g->s, X_MOVD_FROM | ASM_W, ra & 15, t);
        asm_shift_imm(&g->s, SHIFT_SAR, ASM_W, t, 32);
    }
    unsigned rd = alloc_is_free(&g->a, ra) ? alloc_def_at(&g->a, ra) : alloc_def(&g->a, ALLOC_XMM, 0);
    move(g, rd, ra);
    asm_alu_imm(&g->s, ALU_CMP, 0, t, -1);
    x64_cold_load(g, asm_jcc(&g->s, CC_NE), rd, IR_F32, (u32)offsetof(struct x64_runtime, nan));
}

X64_SELECT(bitcast)
{
    u32 v = x64_operand_value(g, 0);
    bool to_float = alloc_class(op->type) == ALLOC_XMM;
    if (x64_only_in_slot(g, v)) {
        struct asm_mem m = x64_slot(g, g->a.val[v].home);
        alloc_done(&g->a);
        unsigned rd = alloc_def(&g->a, alloc_class(op->type), 0);
        asm_rm(&g->s, to_float ? X_MOVS | x64_scalar(op->type) : X_MOV | x64_size(op->type), rd & 15, m);
        return;
    }
    if (to_float && alloc_is_const(&g->a, v) && !alloc_const(&g->a, v)) {
        alloc_done(&g->a);
        unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
        asm_rr(&g->s, X_XORPS, rd & 15, rd & 15);
        return;
    }
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, alloc_class(op->type), 0);
    if (to_float)
        asm_rr(&g->s, X_MOVD_TO | x64_size(op->type), rd & 15, ra);
    else
        asm_rr(&g->s, X_MOVD_FROM | x64_size(op->type), ra & 15, rd);
}

X64_SELECT(clmul)
{
    if (!x64_has(g, X64_CLMUL)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1);
    unsigned t = alloc_temp(&g->a, ALLOC_XMM), u = alloc_temp(&g->a, ALLOC_XMM);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
    asm_rr(&g->s, X_MOVD_TO | ASM_W, t & 15, ra);
    asm_rr(&g->s, X_MOVD_TO | ASM_W, u & 15, rb);
    asm_rr(&g->s, X_PCLMUL, t & 15, u & 15);
    asm_u8(&g->s, 0);
    if (op->op == IR_CLMULH) {
        asm_rr(&g->s, X_PSHUFD, t & 15, t & 15);
        asm_u8(&g->s, 0xee);
    }
    asm_rr(&g->s, X_MOVD_FROM | ASM_W, t & 15, rd);
}
