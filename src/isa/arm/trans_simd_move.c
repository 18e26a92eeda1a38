/*
 * trans_simd_move.c - Advanced SIMD: copies, tables, permutations, immediates; loads and stores of vector registers.
 *
 * A structure of several registers is loaded whole before any register is written, so that a fault leaves all as they were.
 */
#include "isa/arm/trans_simd.h"
#include "isa/arm_decode.h"

enum { MODE_PLAIN = 0, MODE_POST = 1, MODE_PRE = 3 };

static bool set_v(struct arm_ctx *c, u32 d, bool q, ir_value v)
{
    return arm_set_v(c, d, q ? v : ir_vhalf(c->b, v));
}

/* ---- Copies: imm5 holds lane size and number -------------------------------------------------- */

static unsigned lane_size(u32 imm5)
{
    return (unsigned)__builtin_ctz(imm5 | 32);
}

bool arm_trans_a64_v_dup_elem(struct arm_ctx *c, const struct arm_arg_copy *a)
{
    unsigned size = lane_size(a->imm5);
    if (size > 3 || (size == 3 && !a->Q))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value v = ir_vget(c->b, size, arm_v(c, a->Rn), a->imm5 >> (size + 1));
    return set_v(c, a->Rd, a->Q, ir_vdup(c->b, size, v));
}

bool arm_trans_a64_s_dup(struct arm_ctx *c, const struct arm_arg_copy *a)
{
    unsigned size = lane_size(a->imm5);
    if (size > 3)
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_set_v(c, a->Rd, ir_vzext(c->b, ir_vget(c->b, size, arm_v(c, a->Rn), a->imm5 >> (size + 1))));
}

bool arm_trans_a64_v_dup(struct arm_ctx *c, const struct arm_arg_copy *a)
{
    unsigned size = lane_size(a->imm5);
    if (size > 3 || (size == 3 && !a->Q))
        return false;
    if (!arm_fp_begin(c))
        return true;
    return set_v(c, a->Rd, a->Q, ir_vdup(c->b, size, arm_x(c, a->Rn)));
}

bool arm_trans_a64_v_smov(struct arm_ctx *c, const struct arm_arg_copy *a)
{
    unsigned size = lane_size(a->imm5);
    if (size > 2 || (size == 2 && !a->Q))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value v = ir_vget(c->b, size, arm_v(c, a->Rn), a->imm5 >> (size + 1));
    v = ir_sext(c->b, v, 8u << size, IR_I64);
    return arm_set_reg(c, a->Q, a->Rd, a->Q ? v : ir_trunc(c->b, v));
}

bool arm_trans_a64_v_umov(struct arm_ctx *c, const struct arm_arg_copy *a)
{
    unsigned size = lane_size(a->imm5);
    if (size > 3 || (size == 3) != (a->Q == 1))
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_set_x(c, a->Rd, ir_vget(c->b, size, arm_v(c, a->Rn), a->imm5 >> (size + 1)));
}

bool arm_trans_a64_v_ins(struct arm_ctx *c, const struct arm_arg_copy *a)
{
    unsigned size = lane_size(a->imm5);
    if (size > 3)
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_set_v(c, a->Rd, ir_vset(c->b, size, arm_v(c, a->Rd), arm_x(c, a->Rn), a->imm5 >> (size + 1)));
}

bool arm_trans_a64_v_ins_elem(struct arm_ctx *c, const struct arm_arg_ins *a)
{
    unsigned size = lane_size(a->imm5);
    if (size > 3)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value v = ir_vget(c->b, size, arm_v(c, a->Rn), a->imm4 >> size);
    return arm_set_v(c, a->Rd, ir_vset(c->b, size, arm_v(c, a->Rd), v, a->imm5 >> (size + 1)));
}

/* ---- Tables, permutations, extraction --------------------------------------------------------- */

bool arm_trans_a64_v_table(struct arm_ctx *c, const struct arm_arg_table *a)
{
    if (!arm_fp_begin(c))
        return true;
    if (a->len == 0 && !a->tbx)
        return set_v(c, a->Rd, a->Q, ir_vtbl(c->b, arm_v(c, a->Rn), arm_v(c, a->Rm)));
    u64 what = (a->len + 1u) | (u64)a->tbx << 8 | (u64)a->Q << 9;
    arm_call(c, ARM_HELPER_TABLE,
             (ir_value[]){ir_const(c->b, ARM_VREGS(a->Rd, a->Rm, a->Rn)), ir_const(c->b, what)});
    return true;
}

/* For each byte of the result, the byte of n:m (16 and up: m) that comes there. */
static unsigned source_byte(enum arm_permutation op, unsigned size, unsigned bytes, unsigned i)
{
    unsigned lanes = bytes >> size, lane = i >> size, low = i & ((1u << size) - 1), from;
    bool second = op == ARM_P_UZP2 || op == ARM_P_TRN2 || op == ARM_P_ZIP2;
    if (op == ARM_P_UZP1 || op == ARM_P_UZP2)
        from = 2 * lane + second; /* of n:m, one after the other */
    else if (op == ARM_P_TRN1 || op == ARM_P_TRN2)
        from = ((lane & ~1u) | second) + (lane & 1 ? lanes : 0);
    else
        from = lane / 2 + (second ? lanes / 2 : 0) + (lane & 1 ? lanes : 0);
    unsigned byte = ((from % lanes) << size) + low;
    return from >= lanes ? 16 + byte : byte;
}

ir_value arm_lanes_permute(struct arm_ctx *c, enum arm_permutation op, unsigned size, bool q, ir_value n, ir_value m)
{
    struct ir_builder *b = c->b;
    u64 from_n[2] = {0, 0}, from_m[2] = {0, 0};
    if (q && op == ARM_P_ZIP1)
        return ir_vzipl(b, size, n, m);
    if (q && op == ARM_P_ZIP2)
        return ir_vziph(b, size, n, m);
    for (unsigned i = 0; i < 16; i++) {
        unsigned s = i < (q ? 16u : 8u) ? source_byte(op, size, q ? 16 : 8, i) : 0xff;
        from_n[i / 8] |= (u64)(s < 16 ? s : 0xff) << (8 * (i % 8));
        from_m[i / 8] |= (u64)(s >= 16 && s < 32 ? s - 16 : 0xff) << (8 * (i % 8));
    }
    return ir_vor(b, ir_vtbl(b, n, ir_vconst(b, from_n[0], from_n[1])),
                  ir_vtbl(b, m, ir_vconst(b, from_m[0], from_m[1])));
}

bool arm_trans_a64_v_permute(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    if (a->size == 3 && !a->Q)
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_set_v(c, a->Rd, arm_lanes_permute(c, a->op, a->size, a->Q, arm_v(c, a->Rn), arm_v(c, a->Rm)));
}

bool arm_trans_a64_v_ext(struct arm_ctx *c, const struct arm_arg_ext *a)
{
    if (!a->Q && a->imm4 >= 8)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value n = arm_v(c, a->Rn), m = arm_v(c, a->Rm);
    if (a->Q)
        return arm_set_v(c, a->Rd, ir_vext(c->b, n, m, a->imm4));
    ir_value both = ir_vzipl(c->b, 3, n, m);
    return arm_set_v(c, a->Rd, ir_vhalf(c->b, ir_vext(c->b, both, both, a->imm4)));
}

/* ---- Immediates ------------------------------------------------------------------------------- */

static u64 replicate(u64 v, unsigned bits)
{
    for (; bits < 64; bits *= 2)
        v |= v << bits;
    return v;
}

/* AdvSIMDExpandImm ("J1.1, shared pseudocode"). */
static u64 expand(u32 op, u32 cmode, u64 imm8)
{
    u64 v = 0;
    switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3: return replicate(imm8 << (8 * (cmode >> 1)), 32);
    case 4:
    case 5: return replicate(imm8 << (8 * (cmode >> 1 & 1)), 16);
    case 6: return replicate(cmode & 1 ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff, 32);
    default: break;
    }
    if (!(cmode & 1) && !op)
        return replicate(imm8, 8);
    if (!(cmode & 1)) {
        for (unsigned i = 0; i < 8; i++)
            v |= imm8 >> i & 1 ? UINT64_C(0xff) << (8 * i) : 0;
        return v;
    }
    u64 sign = imm8 >> 7, b6 = imm8 >> 6 & 1, low = imm8 & 0x3f;
    if (!op)
        return replicate(sign << 31 | (b6 ? UINT64_C(0x1f) << 25 : UINT64_C(1) << 30) | low << 19, 32);
    return sign << 63 | (b6 ? UINT64_C(0xff) << 54 : UINT64_C(1) << 62) | low << 48;
}

bool arm_trans_a64_v_modimm(struct arm_ctx *c, const struct arm_arg_modimm *a)
{
    struct ir_builder *b = c->b;
    u64 imm = expand(a->op, a->cmode, a->abc << 5 | a->defgh);
    bool combines = (a->cmode & 1) && a->cmode < 12;
    if (a->cmode == 15 && a->op && !a->Q)
        return false;
    if (!arm_fp_begin(c))
        return true;
    /* MVNI, and BIC among those that combine; the byte mask and the double of cmode 14, 15 are no inversions. */
    ir_value v = ir_vconst(b, imm, imm);
    if (combines)
        v = a->op ? ir_vandn(b, arm_v(c, a->Rd), v) : ir_vor(b, arm_v(c, a->Rd), v);
    else if (a->op && a->cmode < 14)
        v = ir_vconst(b, ~imm, ~imm);
    return set_v(c, a->Rd, a->Q, v);
}

bool arm_trans_a64_v_modimm_half(struct arm_ctx *c, const struct arm_arg_modimm *a)
{
    u64 imm8 = a->abc << 5 | a->defgh, b6 = imm8 >> 6 & 1;
    u64 half = (imm8 >> 7) << 15 | (b6 ? UINT64_C(3) << 12 : UINT64_C(1) << 14) | (imm8 & 0x3f) << 6;
    if (!arm_fp_begin(c))
        return true;
    u64 all = replicate(half, 16);
    return set_v(c, a->Rd, a->Q, ir_vconst(c->b, all, all));
}

/* ---- Loads and stores of one or two registers ------------------------------------------------- */

/* What 2^size bytes in memory are, on their way to or from a register: floats go there directly. */
static enum ir_type element_type(struct arm_ctx *c, unsigned size)
{
    if (size == 4)
        return IR_V128;
    if (size < 2 || (arm_mem(c, size) & IR_MEM_BIG))
        return IR_I64;
    return size == 2 ? IR_F32 : IR_F64;
}

/* The low 2^size bytes at base + offset, the rest of the register 0. */
static ir_value load_bits(struct arm_ctx *c, unsigned size, ir_value base, s32 offset)
{
    return ir_load(c->b, element_type(c, size), arm_mem(c, size), base, offset);
}

static ir_value whole(struct arm_ctx *c, unsigned size, ir_value bits)
{
    return size == 4 ? bits : ir_vzext(c->b, bits);
}

static ir_value load(struct arm_ctx *c, unsigned size, ir_value base, s32 offset)
{
    return whole(c, size, load_bits(c, size, base, offset));
}

static ir_value stored_bits(struct arm_ctx *c, unsigned size, u32 reg)
{
    ir_value v = arm_v(c, reg);
    return size == 4 ? v : ir_vlow(c->b, element_type(c, size), v);
}

static void store(struct arm_ctx *c, unsigned size, ir_value base, s32 offset, u32 reg)
{
    ir_store(c->b, arm_mem(c, size), base, offset, stored_bits(c, size, reg));
}

static void transfer(struct arm_ctx *c, u32 is_load, unsigned size, ir_value base, s32 offset, u32 reg)
{
    if (is_load)
        arm_set_v(c, reg, load(c, size, base, offset));
    else
        store(c, size, base, offset, reg);
}

bool arm_trans_a64_v_load_literal(struct arm_ctx *c, const struct arm_arg_vlit *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value at = ir_pc(c->b, c->pc + (u64)(s64)a->off);
    return arm_set_v(c, a->Rt, load(c, a->opc + 2, at, 0));
}

bool arm_trans_a64_v_ldst_unsigned(struct arm_ctx *c, const struct arm_arg_vimm *a)
{
    if (!arm_fp_begin(c))
        return true;
    transfer(c, a->load, a->size, arm_base(c, a->Rn), (s32)(a->imm << a->size), a->Rt);
    return true;
}

bool arm_trans_a64_v_ldst(struct arm_ctx *c, const struct arm_arg_voff *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value base = arm_base(c, a->Rn);
    transfer(c, a->load, a->size, base, a->mode == MODE_POST ? 0 : a->simm, a->Rt);
    if (a->mode != MODE_PLAIN)
        arm_set_xsp(c, a->Rn, ir_addi(c->b, base, a->simm));
    return true;
}

bool arm_trans_a64_v_ldst_register(struct arm_ctx *c, const struct arm_arg_vreg *a)
{
    if (!(a->option & 2))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value m = arm_x(c, a->Rm);
    if (a->option == 2)
        m = ir_zext(c->b, m, 32, IR_I64);
    else if (a->option == 6)
        m = ir_sext(c->b, m, 32, IR_I64);
    m = ir_shli(c->b, m, a->Sx ? a->size : 0);
    transfer(c, a->load, a->size, ir_add(c->b, arm_base(c, a->Rn), m), 0, a->Rt);
    return true;
}

bool arm_trans_a64_v_ldst_pair(struct arm_ctx *c, const struct arm_arg_vpair *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value base = arm_base(c, a->Rn);
    s32 offset = a->simm * (1 << a->size), first = a->mode == MODE_POST ? 0 : offset, step = 1 << a->size;
    if (a->load) {
        ir_value x = load_bits(c, a->size, base, first), y = load_bits(c, a->size, base, first + step);
        arm_set_v(c, a->Rt, whole(c, a->size, x));
        arm_set_v(c, a->Rt2, whole(c, a->size, y));
    } else {
        ir_value x = stored_bits(c, a->size, a->Rt), y = stored_bits(c, a->size, a->Rt2);
        ir_store(c->b, arm_mem(c, a->size), base, first, x);
        ir_store(c->b, arm_mem(c, a->size), base, first + step, y);
    }
    if (a->mode != MODE_PLAIN)
        arm_set_xsp(c, a->Rn, ir_addi(c->b, base, offset));
    return true;
}

/* ---- Structures ------------------------------------------------------------------------------- */

/* Post-index by a register, or by what was transferred (Rm = 31). */
static void advance(struct arm_ctx *c, u32 Rn, u32 Rm, ir_value base, unsigned bytes)
{
    if (Rm == ARM_NO_REG)
        return;
    arm_set_xsp(c, Rn, Rm == 31 ? ir_addi(c->b, base, bytes) : ir_add(c->b, base, arm_x(c, Rm)));
}

/* Several registers one after the other: whole halves at a time where the order of bytes allows. */
static void whole_registers(struct arm_ctx *c, const struct arm_arg_vmem *a, ir_value base)
{
    unsigned size = a->Q ? 4 : 3, bytes = 1u << size;
    unsigned mem = arm_mem(c, size) | IR_MEM_PARTS(a->size);
    ir_value v[4];
    for (unsigned r = 0; r < a->regs; r++) {
        if (a->load)
            v[r] =
                whole(c, size, ir_load(c->b, element_type(c, size), mem, base, (s32)(r * bytes)));
        else
            ir_store(c->b, mem, base, (s32)(r * bytes), stored_bits(c, size, (a->Rt + r) & 31));
    }
    for (unsigned r = 0; a->load && r < a->regs; r++)
        arm_set_v(c, (a->Rt + r) & 31, v[r]);
}

/* Lane by lane: element e of register r is at (e * step + r) elements. */
static void interleaved(struct arm_ctx *c, const struct arm_arg_vmem *a, ir_value base)
{
    unsigned count = (a->Q ? 16u : 8u) >> a->size, group = a->step == 1 ? 1 : a->regs;
    ir_value v[4];
    for (unsigned r = 0; r < a->regs; r++)
        v[r] = a->load ? ir_vconst(c->b, 0, 0) : arm_v(c, (a->Rt + r) & 31);
    for (unsigned e = 0; e < count; e++) {
        for (unsigned r = 0; r < a->regs; r++) {
            unsigned place = group == 1 ? r * count + e : e * group + r;
            s32 offset = (s32)(place << a->size);
            if (a->load)
                v[r] = ir_vset(c->b, a->size, v[r], ir_load(c->b, IR_I64, arm_mem(c, a->size), base, offset), e);
            else
                ir_store(c->b, arm_mem(c, a->size), base, offset, ir_vget(c->b, a->size, v[r], e));
        }
    }
    for (unsigned r = 0; a->load && r < a->regs; r++)
        arm_set_v(c, (a->Rt + r) & 31, v[r]);
}

bool arm_trans_a64_v_mem(struct arm_ctx *c, const struct arm_arg_vmem *a)
{
    if (a->size == 3 && !a->Q && a->step > 1)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value base = arm_base(c, a->Rn);
    if (a->step == 1 && !c->big_endian && !c->align)
        whole_registers(c, a, base);
    else
        interleaved(c, a, base);
    advance(c, a->Rn, a->Rm, base, a->regs * (a->Q ? 16 : 8));
    return true;
}

bool arm_trans_a64_v_mem_lane(struct arm_ctx *c, const struct arm_arg_vlane *a)
{
    /* scale 2 with sz = 1 are doublewords. */
    unsigned size = a->scale, index = a->Q << 3 | a->S << 2 | a->sz;
    if (size == 1 && a->sz & 1)
        return false;
    if (size == 2 && a->sz & 1) {
        if (a->sz != 1 || a->S)
            return false;
        size = 3;
    } else if (size == 2 && a->sz) {
        return false;
    }
    index >>= size;
    if (!arm_fp_begin(c))
        return true;
    ir_value base = arm_base(c, a->Rn), v[4];
    for (unsigned r = 0; r < a->regs; r++) {
        s32 offset = (s32)(r << size);
        ir_value reg = arm_v(c, (a->Rt + r) & 31);
        if (a->load)
            v[r] = ir_vset(c->b, size, reg, ir_load(c->b, IR_I64, arm_mem(c, size), base, offset), index);
        else
            ir_store(c->b, arm_mem(c, size), base, offset, ir_vget(c->b, size, reg, index));
    }
    for (unsigned r = 0; a->load && r < a->regs; r++)
        arm_set_v(c, (a->Rt + r) & 31, v[r]);
    advance(c, a->Rn, a->Rm, base, a->regs << size);
    return true;
}

bool arm_trans_a64_v_mem_replicate(struct arm_ctx *c, const struct arm_arg_vrepl *a)
{
    if (!arm_fp_begin(c))
        return true;
    ir_value base = arm_base(c, a->Rn), v[4];
    for (unsigned r = 0; r < a->regs; r++)
        v[r] = ir_vdup(c->b, a->size, ir_load(c->b, IR_I64, arm_mem(c, a->size), base, (s32)(r << a->size)));
    for (unsigned r = 0; r < a->regs; r++)
        set_v(c, (a->Rt + r) & 31, a->Q, v[r]);
    advance(c, a->Rn, a->Rm, base, a->regs << a->size);
    return true;
}
