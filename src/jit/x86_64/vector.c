/*
 * vector.c - v128 operations on SSE and AVX (128 bits).
 *
 * Most are one instruction, found in a table by operation and lane; a row without one, or an instruction that this host
 * lacks, goes to x64_soft, which does what the interpreter does. Float lanes: the packed instruction under the guest's
 * rounding, one test for NaN in any lane, and all of it again in C when there is one.
 */
#include "jit/x86_64/x64.h"

#include "float/soft.h"

enum {
    P = ASM_0F | ASM_66,   /* the integer instructions of SSE2 */
    P38 = ASM_0F38 | ASM_66, /* of SSSE3 and SSE4 */
    P3A = ASM_0F3A | ASM_66,
    V_PSHUFB = 0x00 | P38, V_PALIGNR = 0x0f | P3A, V_INSERTPS = 0x21 | P3A,
    V_PADDUSB = 0xdc | P, V_PADDB = 0xfc | P, V_PAND = 0xdb | P, V_PANDN = 0xdf | P, V_POR = 0xeb | P, V_PXOR = 0xef | P,
    V_PCMPEQD = 0x76 | P, V_PUNPCKLQDQ = 0x6c | P, V_PSHUFLW = 0x70 | ASM_0F | ASM_F2,
    V_PSRLW_IMM = 0x71 | P,
    V_PINSRW = 0xc4 | P, V_PEXTRW = 0xc5 | P, V_PINSRB = 0x20 | P3A, V_PINSRD = 0x22 | P3A, V_PEXTRB = 0x14 | P3A,
    V_CMPPS = 0xc2 | ASM_0F, V_MOVMSKPS = 0x50 | ASM_0F,
};

/* rd = ra op rb, by lane 0..3; 0: no instruction. ASM_0F38 ones need SSE4 (or are of an age with it). */
static const u32 packed[IR_OPCODES][4] = {
    [IR_VADD] = {0xfc | P, 0xfd | P, 0xfe | P, 0xd4 | P},
    [IR_VSUB] = {0xf8 | P, 0xf9 | P, 0xfa | P, 0xfb | P},
    [IR_VMUL] = {0, 0xd5 | P, 0x40 | P38, 0},
    [IR_VMINS] = {0x38 | P38, 0xea | P, 0x39 | P38, 0},
    [IR_VMINU] = {0xda | P, 0x3a | P38, 0x3b | P38, 0},
    [IR_VMAXS] = {0x3c | P38, 0xee | P, 0x3d | P38, 0},
    [IR_VMAXU] = {0xde | P, 0x3e | P38, 0x3f | P38, 0},
    [IR_VEQ] = {0x74 | P, 0x75 | P, 0x76 | P, 0x29 | P38},
    [IR_VGTS] = {0x64 | P, 0x65 | P, 0x66 | P, 0x37 | P38},
    [IR_VADDSS] = {0xec | P, 0xed | P, 0, 0},
    [IR_VADDSU] = {0xdc | P, 0xdd | P, 0, 0},
    [IR_VSUBSS] = {0xe8 | P, 0xe9 | P, 0, 0},
    [IR_VSUBSU] = {0xd8 | P, 0xd9 | P, 0, 0},
    [IR_VAVGU] = {0xe0 | P, 0xe3 | P, 0, 0},
    [IR_VZIPL] = {0x60 | P, 0x61 | P, 0x62 | P, 0x6c | P},
    [IR_VZIPH] = {0x68 | P, 0x69 | P, 0x6a | P, 0x6d | P},
    [IR_VAND] = {V_PAND},
    [IR_VOR] = {V_POR},
    [IR_VXOR] = {V_PXOR},
    [IR_VSXT] = {0x20 | P38, 0x23 | P38, 0x25 | P38, 0},
    [IR_VZXT] = {0x30 | P38, 0x33 | P38, 0x35 | P38, 0},
    [IR_VFADD] = {X_ADDS},
    [IR_VFSUB] = {X_SUBS},
    [IR_VFMUL] = {X_MULS},
    [IR_VFDIV] = {X_DIVS},
};

static unsigned lane_of(const struct ir_op *op)
{
    return ir_op_is_vector_float(op->op) ? 0 : op->aux & 3;
}

/* The instruction of op, or 0 where it must be done in C. */
static u32 instruction(const struct x64 *g, const struct ir_op *op)
{
    u32 insn = packed[op->op][lane_of(op)];
    bool sse4 = (insn & ASM_0F3A) == ASM_0F38 || (insn & ASM_0F3A) == ASM_0F3A;
    return insn && sse4 && !x64_has(g, X64_SSE42) ? 0 : insn;
}

static void move(struct x64 *g, unsigned rd, unsigned ra)
{
    if (rd != ra)
        asm_rr(&g->s, X_MOVAPS, rd & 15, ra & 15);
}

/* rd = ra op rb; rd is not rb, unless it is ra too. */
static void binary(struct x64 *g, u32 insn, unsigned rd, unsigned ra, unsigned rb)
{
    if (x64_has(g, X64_AVX)) {
        asm_vex_rr(&g->s, insn, rd & 15, ra & 15, rb & 15);
        return;
    }
    move(g, rd, ra);
    asm_rr(&g->s, insn, rd & 15, rb & 15);
}

/* rd = ra op 16 bytes of the runtime table, which are aligned. */
static void binary_table(struct x64 *g, u32 insn, unsigned rd, unsigned ra, u32 offset)
{
    if (x64_has(g, X64_AVX)) {
        asm_vex_rm(&g->s, insn, rd & 15, ra & 15, x64_table(offset));
        return;
    }
    move(g, rd, ra);
    asm_rm(&g->s, insn, rd & 15, x64_table(offset));
}

/* A result register that is no operand's, or that of a dying first one. */
static unsigned def_over(struct x64 *g, unsigned ra, u32 avoid)
{
    if (alloc_is_free(&g->a, ra) && !(avoid >> ra & 1))
        return alloc_def_at(&g->a, ra);
    return alloc_def(&g->a, ALLOC_XMM, avoid);
}

/* ---- Lanes ------------------------------------------------------------------------------------ */

X64_SELECT(vbinary)
{
    u32 insn = instruction(g, op);
    if (!insn) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1);
    alloc_done(&g->a);
    unsigned rd = def_over(g, ra, ra == rb ? 0 : 1u << rb);
    binary(g, insn, rd, ra, rb);
}

X64_SELECT(vandn)
{
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1);
    alloc_done(&g->a);
    unsigned rd = def_over(g, rb, ra == rb ? 0 : 1u << ra);
    binary(g, V_PANDN, rd, rb, ra);
}

X64_SELECT(vsel)
{
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1), rc = x64_use(g, 2), t = alloc_temp(&g->a, ALLOC_XMM);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 1u << ra | 1u << rb | 1u << rc);
    move(g, t, ra);
    asm_rr(&g->s, V_PAND, t & 15, rb & 15);
    binary(g, V_PANDN, rd, ra, rc);
    asm_rr(&g->s, V_POR, rd & 15, t & 15);
}

/* a > b unsigned: the smaller of both is not a. */
X64_SELECT(vgtu)
{
    struct ir_op least = {.op = IR_VMINU, .aux = op->aux}, equal = {.op = IR_VEQ, .aux = op->aux};
    u32 min = instruction(g, &least), eq = instruction(g, &equal);
    if (!min || !eq) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1), t = alloc_temp(&g->a, ALLOC_XMM);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 1u << ra | 1u << rb);
    binary(g, min, rd, ra, rb);
    asm_rr(&g->s, eq, rd & 15, ra & 15);
    asm_rr(&g->s, V_PCMPEQD, t & 15, t & 15);
    asm_rr(&g->s, V_PXOR, rd & 15, t & 15);
}

X64_SELECT(vshift)
{
    static const u8 group[IR_OPCODES] = {[IR_VSHL] = 6, [IR_VSHR] = 2, [IR_VSAR] = 4};
    unsigned lane = lane_of(op);
    if (lane == 0 || (lane == 3 && op->op == IR_VSAR)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    unsigned rd = def_over(g, ra, 0);
    move(g, rd, ra);
    asm_rr(&g->s, (0x70 + lane) | P, group[op->op], rd & 15);
    asm_u8(&g->s, op->b);
}

/* ---- Moving lanes ----------------------------------------------------------------------------- */

X64_SELECT(vunary)
{
    u32 insn = instruction(g, op);
    if (!insn) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    asm_rr(&g->s, insn, def_over(g, ra, 0) & 15, ra & 15);
}

X64_SELECT(vext)
{
    if (!x64_has(g, X64_SSE42)) {
        x64_soft(g, op);
        return;
    }
    unsigned low = x64_use(g, 0), high = x64_use(g, 1);
    alloc_done(&g->a);
    unsigned rd = def_over(g, high, low == high ? 0 : 1u << low);
    binary(g, V_PALIGNR, rd, high, low);
    asm_u8(&g->s, op->c);
}

/* pshufb clears where bit 7 of the index is set: 16 and up are pushed there. */
X64_SELECT(vtbl)
{
    if (!x64_has(g, X64_SSE42)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1), t = alloc_temp(&g->a, ALLOC_XMM);
    alloc_done(&g->a);
    unsigned rd = def_over(g, ra, 0);
    binary_table(g, V_PADDUSB, t, rb, (u32)offsetof(struct x64_runtime, table_bias));
    binary(g, V_PSHUFB, rd, ra, t);
}

/* Ones of each nibble by a table, added. */
X64_SELECT(vcnt)
{
    if (!x64_has(g, X64_SSE42)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), t = alloc_temp(&g->a, ALLOC_XMM), u = alloc_temp(&g->a, ALLOC_XMM);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 1u << ra);
    u32 nibble = (u32)offsetof(struct x64_runtime, nibble), ones = (u32)offsetof(struct x64_runtime, nibble_ones);
    binary_table(g, V_PAND, t, ra, nibble);
    move(g, u, ra);
    asm_rr(&g->s, V_PSRLW_IMM, 2, u & 15);
    asm_u8(&g->s, 4);
    asm_rm(&g->s, V_PAND, u & 15, x64_table(nibble));
    asm_rm(&g->s, X_MOVUPS, rd & 15, x64_table(ones));
    asm_rr(&g->s, V_PSHUFB, rd & 15, t & 15);
    asm_rm(&g->s, X_MOVUPS, t & 15, x64_table(ones));
    asm_rr(&g->s, V_PSHUFB, t & 15, u & 15);
    asm_rr(&g->s, V_PADDB, rd & 15, t & 15);
}

/* ---- In and out ------------------------------------------------------------------------------- */

static unsigned operand_type(const struct x64 *g, const struct ir_op *op)
{
    return g->ir->ops[op->a].type;
}

X64_SELECT(vpair)
{
    u32 low = x64_operand_value(g, 0), high = x64_operand_value(g, 1);
    bool zero = alloc_is_const(&g->a, high) && !alloc_const(&g->a, high);
    if (zero && alloc_is_const(&g->a, low) && !alloc_const(&g->a, low)) {
        alloc_done(&g->a);
        unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
        asm_rr(&g->s, V_PXOR, rd & 15, rd & 15);
        return;
    }
    unsigned ra = x64_use(g, 0), rb = zero ? ra : x64_use(g, 1);
    unsigned t = zero || x64_has(g, X64_SSE42) ? 0 : alloc_temp(&g->a, ALLOC_XMM);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
    asm_rr(&g->s, X_MOVD_TO | ASM_W, rd & 15, ra);
    if (zero)
        return;
    if (t) {
        asm_rr(&g->s, X_MOVD_TO | ASM_W, t & 15, rb);
        asm_rr(&g->s, V_PUNPCKLQDQ, rd & 15, t & 15);
    } else if (ra == rb) {
        asm_rr(&g->s, V_PUNPCKLQDQ, rd & 15, rd & 15);
    } else {
        asm_rr(&g->s, V_PINSRD | ASM_W, rd & 15, rb);
        asm_u8(&g->s, 1);
    }
}

X64_SELECT(vlow)
{
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    if (alloc_class(op->type) == ALLOC_XMM)
        move(g, def_over(g, ra, 0), ra);
    else
        asm_rr(&g->s, X_MOVD_FROM | x64_size(op->type), ra & 15, alloc_def(&g->a, ALLOC_GPR, 0));
}

X64_SELECT(vzext)
{
    unsigned ra = x64_use(g, 0), type = operand_type(g, op), upper = x64_upper_of(g, 0);
    bool is_double = type == IR_F64;
    alloc_done(&g->a);
    x64_set_upper(g, X64_ABOVE_32, type);
    if (alloc_class(type) == ALLOC_GPR) {
        asm_rr(&g->s, X_MOVD_TO | x64_size(type), alloc_def(&g->a, ALLOC_XMM, 0) & 15, ra);
        return;
    }
    unsigned rd = def_over(g, ra, is_double || upper == X64_ABOVE_32 ? 0 : 1u << ra);
    if (upper == x64_upper_clear(type) || upper == X64_ABOVE_32) {
        move(g, rd, ra);
    } else if (is_double) {
        asm_rr(&g->s, X_MOVQ, rd & 15, ra & 15);
    } else {
        asm_rr(&g->s, X_XORPS, rd & 15, rd & 15);
        asm_rr(&g->s, X_MOVS | ASM_F3, rd & 15, ra & 15);
    }
}

X64_SELECT(vhalf)
{
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    asm_rr(&g->s, X_MOVQ, def_over(g, ra, 0) & 15, ra & 15);
}

X64_SELECT(vdup)
{
    unsigned lane = lane_of(op), ra = x64_use(g, 0);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
    asm_rr(&g->s, X_MOVD_TO | ASM_W, rd & 15, ra);
    if (lane == 0) /* each byte twice, then as 16-bit lanes */
        asm_rr(&g->s, 0x60 | P, rd & 15, rd & 15);
    if (lane < 2) {
        asm_rr(&g->s, V_PSHUFLW, rd & 15, rd & 15);
        asm_u8(&g->s, 0);
    }
    if (lane == 2) {
        asm_rr(&g->s, X_PSHUFD, rd & 15, rd & 15);
        asm_u8(&g->s, 0);
    } else {
        asm_rr(&g->s, V_PUNPCKLQDQ, rd & 15, rd & 15);
    }
}

X64_SELECT(vget)
{
    unsigned lane = lane_of(op);
    if (op->b && lane != 1 && !x64_has(g, X64_SSE42)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_GPR, 0);
    if (lane == 1) {
        asm_rr(&g->s, V_PEXTRW, rd, ra & 15);
        asm_u8(&g->s, op->b);
    } else if (!op->b) {
        asm_rr(&g->s, X_MOVD_FROM | ASM_SIZE(lane == 3), ra & 15, rd);
        if (lane == 0)
            asm_rr(&g->s, X_MOVZX8, rd, rd);
    } else {
        asm_rr(&g->s, lane == 0 ? V_PEXTRB : X_PEXTRD | ASM_SIZE(lane == 3), ra & 15, rd);
        asm_u8(&g->s, op->b);
    }
}

X64_SELECT(vset)
{
    static const u32 insert[4] = {V_PINSRB, V_PINSRW, V_PINSRD, V_PINSRD | ASM_W};
    unsigned lane = lane_of(op);
    if (lane != 1 && !x64_has(g, X64_SSE42)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1);
    alloc_done(&g->a);
    unsigned rd = def_over(g, ra, 0);
    move(g, rd, ra);
    asm_rr(&g->s, insert[lane], rd & 15, rb);
    asm_u8(&g->s, op->c);
}

/* ---- Float ------------------------------------------------------------------------------------ */

static u32 packed_prefix(const struct ir_op *op)
{
    return op->aux & IR_FLOAT_WIDE ? ASM_66 : 0;
}

/* As checks_tiny in float.c: lanes of the smallest normal magnitude are made again in C. */
static bool checks_tiny(const struct ir_op *op)
{
    return (op->op == IR_VFMUL || op->op == IR_VFDIV || op->op == IR_VFMADD) && op->aux & IR_FLOAT_TINY_BEFORE;
}

/* After rd = op(reg...), of which the registers still hold the operands: all again in C when a lane is NaN. */
static void fix_nan(struct x64 *g, const struct ir_op *op, const unsigned *reg, unsigned count, unsigned rd, unsigned t,
                    unsigned flag)
{
    u32 prefix = packed_prefix(op);
    move(g, t, rd);
    asm_rr(&g->s, V_CMPPS | prefix, t & 15, t & 15);
    asm_u8(&g->s, 3); /* unordered */
    asm_rr(&g->s, V_MOVMSKPS | prefix, flag, t & 15);
    asm_rr(&g->s, X_TEST, flag, flag);
    struct x64_cold *c = x64_soft_site(g, op, reg, count, rd);
    c->from[0] = asm_jcc(&g->s, CC_NE);
    if (checks_tiny(op)) { /* of doubles the upper halves decide */
        u32 wide = prefix ? 16 : 0;
        move(g, t, rd);
        asm_rm(&g->s, X_ANDPS, t & 15, x64_table((u32)offsetof(struct x64_runtime, magnitude) + wide));
        asm_rm(&g->s, V_PCMPEQD, t & 15, x64_table((u32)offsetof(struct x64_runtime, smallest) + wide));
        asm_rr(&g->s, V_MOVMSKPS | prefix, flag, t & 15);
        asm_rr(&g->s, X_TEST, flag, flag);
        c->from[1] = asm_jcc(&g->s, CC_NE);
    }
    x64_resume(g, c);
}

static bool in_c(const struct ir_op *op)
{
    return (op->aux & IR_FLOAT_ROUND) != IR_FLOAT_DYN;
}

X64_SELECT(vfbinary)
{
    if (in_c(op)) {
        x64_soft(g, op);
        return;
    }
    unsigned reg[2] = {x64_use(g, 0), x64_use(g, 1)};
    unsigned t = alloc_temp(&g->a, ALLOC_XMM), flag = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 1u << reg[0] | 1u << reg[1]);
    binary(g, packed[op->op][0] | packed_prefix(op), rd, reg[0], reg[1]);
    fix_nan(g, op, reg, 2, rd, t, flag);
}

X64_SELECT(vfsqrt)
{
    if (in_c(op)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), t = alloc_temp(&g->a, ALLOC_XMM), flag = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 1u << ra);
    asm_rr(&g->s, X_SQRTS | packed_prefix(op), rd & 15, ra & 15);
    fix_nan(g, op, &ra, 1, rd, t, flag);
}

X64_SELECT(vfmadd)
{
    /* The packed forms of the scalar instructions are one less. */
    static const u32 insn[4] = {X_FMADD231 - 1, X_FNMADD231 - 1, X_FMSUB231 - 1, X_FNMSUB231 - 1};
    if (in_c(op) || !x64_has(g, X64_FMA)) {
        x64_soft(g, op);
        return;
    }
    unsigned reg[3] = {x64_use(g, 0), x64_use(g, 1), x64_use(g, 2)};
    unsigned t = alloc_temp(&g->a, ALLOC_XMM), flag = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 1u << reg[0] | 1u << reg[1] | 1u << reg[2]);
    unsigned which = (op->aux & IR_FLOAT_NEG_PRODUCT ? 1 : 0) | (op->aux & IR_FLOAT_NEG_ADDEND ? 2 : 0);
    move(g, rd, reg[2]);
    asm_vex_rr(&g->s, insn[which] | ASM_SIZE(op->aux & IR_FLOAT_WIDE), rd & 15, reg[0] & 15, reg[1] & 15);
    fix_nan(g, op, reg, 3, rd, t, flag);
}

/* The instruction's equality is quiet, its order signals. */
X64_SELECT(vfcmp)
{
    unsigned cond = op->aux & IR_FLOAT_COND;
    bool signals = op->aux & IR_FLOAT_SIGNAL;
    if (signals == (cond == IR_FLOAT_EQ)) {
        x64_soft(g, op);
        return;
    }
    unsigned ra = x64_use(g, 0), rb = x64_use(g, 1);
    alloc_done(&g->a);
    unsigned rd = def_over(g, ra, ra == rb ? 0 : 1u << rb);
    binary(g, V_CMPPS | packed_prefix(op), rd, ra, rb);
    asm_u8(&g->s, cond == IR_FLOAT_EQ ? 0 : cond == IR_FLOAT_LT ? 1 : 2);
}
