/*
 * asm.h - the x86-64 encoder: one inline function for each form, one constant for each opcode.
 *
 * An opcode constant holds the byte, its map, mandatory prefix, REX.W, and whether its registers are bytes; legacy and VEX encodings
 * share it. Registers are 0..15. Facts: Intel SDM volume 2, chapter 2 (formats) and appendix A (opcodes).
 *
 * No bounds are tested here: the caller keeps ASM_MARGIN bytes free before each operation.
 */
#ifndef JIT_X86_64_ASM_H
#define JIT_X86_64_ASM_H

#include "base/base.h"

enum asm_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

enum {
    ASM_0F = 1 << 8,
    ASM_0F38 = 2 << 8,
    ASM_0F3A = 3 << 8,
    ASM_66 = 1 << 10,
    ASM_F3 = 2 << 10,
    ASM_F2 = 3 << 10,
    ASM_W = 1 << 12,
    ASM_B = 1 << 13,     /* the reg field is a byte register */
    ASM_B_RM = 1 << 14,  /* ... the r/m field */
};

/* Operand size of integer forms. */
#define ASM_SIZE(wide) ((wide) ? ASM_W : 0)

enum asm_op {
    /* reg, r/m */
    X_ADD = 0x03, X_OR = 0x0b, X_ADC = 0x13, X_SBB = 0x1b, X_AND = 0x23, X_SUB = 0x2b, X_XOR = 0x33, X_CMP = 0x3b,
    X_MOV = 0x8b, X_MOV_STORE = 0x89, X_MOV_STORE8 = 0x88 | ASM_B, X_MOV_STORE16 = 0x89 | ASM_66,
    X_LEA = 0x8d, X_MOVSXD = 0x63 | ASM_W, X_TEST = 0x85, X_XCHG = 0x87, X_XCHG8 = 0x86 | ASM_B, X_XCHG16 = 0x87 | ASM_66,
    X_MOVZX8 = 0xb6 | ASM_0F | ASM_B_RM, X_MOVZX16 = 0xb7 | ASM_0F,
    X_MOVSX8 = 0xbe | ASM_0F | ASM_B_RM, X_MOVSX16 = 0xbf | ASM_0F,
    X_IMUL = 0xaf | ASM_0F, X_IMUL_IMM = 0x69, X_IMUL_IMM8 = 0x6b,
    X_BSF = 0xbc | ASM_0F, X_BSR = 0xbd | ASM_0F,
    X_TZCNT = 0xbc | ASM_0F | ASM_F3, X_LZCNT = 0xbd | ASM_0F | ASM_F3, X_POPCNT = 0xb8 | ASM_0F | ASM_F3,
    X_CMOV = 0x40 | ASM_0F, /* + condition */
    X_MOVBE_LOAD = 0xf0 | ASM_0F38, X_MOVBE_STORE = 0xf1 | ASM_0F38,
    X_XADD = 0xc1 | ASM_0F, X_XADD8 = 0xc0 | ASM_0F | ASM_B, X_XADD16 = 0xc1 | ASM_0F | ASM_66,
    X_CMPXCHG = 0xb1 | ASM_0F, X_CMPXCHG8 = 0xb0 | ASM_0F | ASM_B, X_CMPXCHG16 = 0xb1 | ASM_0F | ASM_66,
    /* r/m with the operation in the reg field */
    X_GROUP1 = 0x81, X_GROUP1_8 = 0x83, X_SHIFT_IMM = 0xc1, X_SHIFT_CL = 0xd3, X_GROUP3 = 0xf7, X_GROUP5 = 0xff, X_GROUP15 = 0xae | ASM_0F,
    X_MOV_IMM = 0xc7, X_MOV_IMM8 = 0xc6, X_MOV_IMM16 = 0xc7 | ASM_66, X_POP = 0x8f,
    X_SETCC = 0x90 | ASM_0F | ASM_B_RM, /* + condition */
    /* BMI: VEX */
    X_ANDN = 0xf2 | ASM_0F38, X_SHLX = 0xf7 | ASM_0F38 | ASM_66, X_SARX = 0xf7 | ASM_0F38 | ASM_F3, X_SHRX = 0xf7 | ASM_0F38 | ASM_F2,
    X_RORX = 0xf0 | ASM_0F3A | ASM_F2, X_MULX = 0xf6 | ASM_0F38 | ASM_F2,
    /* SSE scalar; + ASM_F3 f32, ASM_F2 f64 */
    X_MOVS = 0x10 | ASM_0F, X_MOVS_STORE = 0x11 | ASM_0F,
    X_ADDS = 0x58 | ASM_0F, X_MULS = 0x59 | ASM_0F, X_SUBS = 0x5c | ASM_0F, X_MINS = 0x5d | ASM_0F, X_DIVS = 0x5e | ASM_0F,
    X_MAXS = 0x5f | ASM_0F, X_SQRTS = 0x51 | ASM_0F, X_CVTSI2S = 0x2a | ASM_0F, X_CVTS2SI = 0x2d | ASM_0F,
    X_CVTTS2SI = 0x2c | ASM_0F, X_CVTS2S = 0x5a | ASM_0F, /* from f32: F3, from f64: F2 */
    /* + 0 f32, ASM_66 f64 */
    X_UCOMIS = 0x2e | ASM_0F, X_COMIS = 0x2f | ASM_0F,
    X_MOVQ = 0x7e | ASM_0F | ASM_F3, /* above: 0 */
    X_MOVAPS = 0x28 | ASM_0F, X_ANDPS = 0x54 | ASM_0F, X_ANDNPS = 0x55 | ASM_0F, X_ORPS = 0x56 | ASM_0F, X_XORPS = 0x57 | ASM_0F,
    X_MOVUPS = 0x10 | ASM_0F, X_MOVUPS_STORE = 0x11 | ASM_0F,
    X_MOVD_TO = 0x6e | ASM_0F | ASM_66, X_MOVD_FROM = 0x7e | ASM_0F | ASM_66, /* xmm in reg, integer in r/m; W: 64 bits */
    X_PSHUFD = 0x70 | ASM_0F | ASM_66, X_PEXTRD = 0x16 | ASM_0F3A | ASM_66, X_ROUNDS = 0x0a | ASM_0F3A | ASM_66,
    X_PCLMUL = 0x44 | ASM_0F3A | ASM_66,
    X_FMADD231 = 0xb9 | ASM_0F38 | ASM_66, X_FMSUB231 = 0xbb | ASM_0F38 | ASM_66,
    X_FNMADD231 = 0xbd | ASM_0F38 | ASM_66, X_FNMSUB231 = 0xbf | ASM_0F38 | ASM_66, /* W: f64 */
};

enum asm_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP }; /* opcode = alu << 3 | 3 */
enum asm_shift { SHIFT_ROL, SHIFT_ROR, SHIFT_SHL = 4, SHIFT_SHR, SHIFT_SAR = 7 };
enum asm_group3 { G3_TEST = 0, G3_NOT = 2, G3_NEG, G3_MUL, G3_IMUL, G3_DIV, G3_IDIV };
enum asm_group5 { G5_CALL = 2, G5_JMP = 4, G5_PUSH = 6 };
enum asm_cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

/* One operation is never longer than this, its cold part included. */
enum { ASM_MARGIN = 4096 };

enum { ASM_NO_REG = 0xff, ASM_RIP = 0xfe, ASM_NEAR = 0xfd };
struct asm_mem {
    u8 base;    /* register, ASM_NO_REG, ASM_RIP: disp is an offset in the code memory, or ASM_NEAR: the caller writes the rel32 */
    u8 index;   /* register or ASM_NO_REG */
    u8 scale;   /* 0..3 */
    s32 disp;
};

struct asm_buf {
    u8 *p;
    u8 *base;   /* rw address of the code memory: p - base is the offset in it */
    u32 *far, *far_end; /* where the offsets of rel32 fields are noted that refer to what is not moved with the code */
};

static inline u32 asm_offset(const struct asm_buf *s)
{
    return (u32)(s->p - s->base);
}

/* The rel32 field at `field` refers to the start of the code memory. */
static inline void asm_note_far(struct asm_buf *s, const u8 *field)
{
    if (s->far < s->far_end)
        *s->far++ = (u32)(field - s->base);
}

static inline struct asm_mem asm_at(unsigned base, s32 disp)
{
    return (struct asm_mem){.base = (u8)base, .index = ASM_NO_REG, .disp = disp};
}

static inline struct asm_mem asm_indexed(unsigned base, unsigned index, unsigned scale, s32 disp)
{
    promise(index < 16); /* no ASM_NO_REG: the encoder needs not ask */
    return (struct asm_mem){.base = (u8)base, .index = (u8)index, .scale = (u8)scale, .disp = disp};
}

static inline void asm_u8(struct asm_buf *s, unsigned v)
{
    u8 *p = s->p;
    s->p = p + 1;
    *p = (u8)v;
}

static inline void asm_u32(struct asm_buf *s, u32 v)
{
    memcpy(s->p, &v, 4);
    s->p += 4;
}

static inline void asm_u64(struct asm_buf *s, u64 v)
{
    memcpy(s->p, &v, 8);
    s->p += 8;
}

/* Encoders keep the place they write at in a variable: a store through a pointer to bytes may change anything, asm_buf.p too. A
 * byte that is not always there is written anyway and stepped over if it counts: cheaper than a branch that is guessed wrong. */
static inline u8 *asm_byte_if(u8 *p, unsigned v, bool there)
{
    *p = (u8)v;
    return p + there;
}

/* Prefixes and opcode; index 0 where there is none. */
static inline u8 *asm_head(u8 *p, u32 op, unsigned reg, unsigned index, unsigned rm, bool force)
{
    static const u8 prefix[4] = {0, 0x66, 0xf3, 0xf2};
    unsigned map = op >> 8 & 3;
    p = asm_byte_if(p, prefix[op >> 10 & 3], op >> 10 & 3);
    unsigned rex = 0x40 | (op & ASM_W ? 8 : 0) | (reg >> 3) << 2 | (index >> 3) << 1 | rm >> 3;
    p = asm_byte_if(p, rex, rex != 0x40 || force);
    p = asm_byte_if(p, 0x0f, map);
    p = asm_byte_if(p, map == 2 ? 0x38 : 0x3a, map > 1);
    *p++ = (u8)op;
    return p;
}

static inline u8 *asm_word(u8 *p, u32 v)
{
    memcpy(p, &v, 4);
    return p + 4;
}

/* ModRM, SIB and displacement of a memory operand with a base register. */
static inline u8 *asm_modrm_base(u8 *p, unsigned reg, struct asm_mem m)
{
    reg = (reg & 7) << 3;
    unsigned base = m.base & 7u;
    bool indexed = m.index != ASM_NO_REG, none = m.disp == 0 && base != RBP, small = m.disp == (s8)m.disp;
    unsigned mod = none ? 0 : small ? 0x40 : 0x80;
    *p++ = (u8)(mod | reg | (indexed ? 4 : base));
    p = asm_byte_if(p, indexed ? (unsigned)m.scale << 6 | (m.index & 7u) << 3 | base : 0x24, indexed || base == RSP);
    asm_word(p, (u32)m.disp);
    return p + (none ? 0 : small ? 1 : 4);
}

/* The forms of a memory operand without a base register. */
static inline u8 *asm_modrm_other(struct asm_buf *s, u8 *p, unsigned reg, struct asm_mem m)
{
    if (m.base == ASM_NO_REG) { /* index * scale + disp32 */
        *p++ = (u8)(reg | 4);
        *p++ = (u8)((unsigned)m.scale << 6 | (m.index & 7u) << 3 | 5);
        return asm_word(p, (u32)m.disp);
    }
    *p++ = (u8)(reg | 5);
    if (m.base == ASM_NEAR)
        return p + 4;
    asm_note_far(s, p);
    return asm_word(p, (u32)m.disp - ((u32)(p - s->base) + 4));
}

/* ModRM, SIB and displacement of a memory operand. */
static inline u8 *asm_modrm(struct asm_buf *s, u8 *p, unsigned reg, struct asm_mem m)
{
    if (unlikely(m.base >= ASM_NEAR))
        return asm_modrm_other(s, p, (reg & 7) << 3, m);
    return asm_modrm_base(p, reg, m);
}

static inline unsigned asm_mem_index(struct asm_mem m)
{
    return m.index == ASM_NO_REG ? 0 : m.index;
}

static inline unsigned asm_mem_base(struct asm_mem m)
{
    return m.base >= ASM_NEAR ? 0 : m.base;
}

/* -- Legacy forms: op reg, r/m (or the other way round: the opcode says). */
static inline u8 *asm_at_rr(u8 *p, u32 op, unsigned reg, unsigned rm)
{
    bool force = (op & ASM_B && reg >= RSP) || (op & ASM_B_RM && rm >= RSP);
    p = asm_head(p, op, reg, 0, rm, force);
    *p = (u8)(0xc0 | (reg & 7) << 3 | (rm & 7));
    return p + 1;
}

static inline void asm_rr(struct asm_buf *s, u32 op, unsigned reg, unsigned rm)
{
    s->p = asm_at_rr(s->p, op, reg, rm);
}

/* m has a base register. */
static inline u8 *asm_at_rm(u8 *p, u32 op, unsigned reg, struct asm_mem m)
{
    p = asm_head(p, op, reg, asm_mem_index(m), m.base, op & ASM_B && reg >= RSP);
    return asm_modrm_base(p, reg, m);
}

static inline void asm_rm(struct asm_buf *s, u32 op, unsigned reg, struct asm_mem m)
{
    u8 *p = asm_head(s->p, op, reg, asm_mem_index(m), asm_mem_base(m), op & ASM_B && reg >= RSP);
    s->p = asm_modrm(s, p, reg, m);
}

/* -- VEX.LZ forms: op reg, vvvv, r/m. */
static inline u8 *asm_vex_head(u8 *p, u32 op, unsigned reg, unsigned v, unsigned index, unsigned rm)
{
    unsigned map = op >> 8 & 3, pp = op >> 10 & 3, last = (~v & 15) << 3 | pp;
    if (map == 1 && !(op & ASM_W) && !((index | rm) & 8)) {
        *p++ = 0xc5;
        *p++ = (u8)((reg & 8 ? 0 : 0x80) | last);
    } else {
        *p++ = 0xc4;
        *p++ = (u8)((reg & 8 ? 0 : 0x80) | (index & 8 ? 0 : 0x40) | (rm & 8 ? 0 : 0x20) | map);
        *p++ = (u8)((op & ASM_W ? 0x80 : 0) | last);
    }
    *p++ = (u8)op;
    return p;
}

static inline u8 *asm_at_vex_rr(u8 *p, u32 op, unsigned reg, unsigned v, unsigned rm)
{
    p = asm_vex_head(p, op, reg, v, 0, rm);
    *p = (u8)(0xc0 | (reg & 7) << 3 | (rm & 7));
    return p + 1;
}

static inline void asm_vex_rr(struct asm_buf *s, u32 op, unsigned reg, unsigned v, unsigned rm)
{
    s->p = asm_at_vex_rr(s->p, op, reg, v, rm);
}

static inline void asm_vex_rm(struct asm_buf *s, u32 op, unsigned reg, unsigned v, struct asm_mem m)
{
    u8 *p = asm_vex_head(s->p, op, reg, v, asm_mem_index(m), asm_mem_base(m));
    s->p = asm_modrm(s, p, reg, m);
}

/* -- Immediates. */
static inline void asm_alu_imm(struct asm_buf *s, enum asm_alu op, u32 size, unsigned rm, s32 imm)
{
    bool small = imm == (s8)imm;
    asm_rr(s, (small ? X_GROUP1_8 : X_GROUP1) | size, op, rm);
    asm_word(s->p, (u32)imm);
    s->p += small ? 1 : 4;
}

/* m must not be relative to rip. */
static inline void asm_alu_mem_imm(struct asm_buf *s, enum asm_alu op, u32 size, struct asm_mem m, s32 imm)
{
    if (imm == (s8)imm) {
        asm_rm(s, X_GROUP1_8 | size, op, m);
        asm_u8(s, (u8)imm);
    } else {
        asm_rm(s, X_GROUP1 | size, op, m);
        asm_u32(s, (u32)imm);
    }
}

static inline void asm_cmp8_mem(struct asm_buf *s, struct asm_mem m, unsigned imm)
{
    asm_rm(s, 0x80, ALU_CMP, m);
    asm_u8(s, imm);
}

static inline void asm_shift_imm(struct asm_buf *s, enum asm_shift op, u32 size, unsigned rm, unsigned count)
{
    asm_rr(s, X_SHIFT_IMM | size, op, rm);
    asm_u8(s, count);
}

/* reg = v in eight bytes, whatever it is; returns where they are. */
static inline u8 *asm_mov_imm64(struct asm_buf *s, unsigned reg, u64 v)
{
    u8 *p = s->p;
    p[0] = reg >= 8 ? 0x49 : 0x48;
    p[1] = (u8)(0xb8 | (reg & 7));
    memcpy(p + 2, &v, 8);
    s->p = p + 10;
    return p + 2;
}

/* reg = v by the shortest encoding that leaves the flags alone. */
static inline void asm_mov_imm(struct asm_buf *s, unsigned reg, u64 v)
{
    if (v <= UINT32_MAX) {
        u8 *p = asm_byte_if(s->p, 0x41, reg >= 8);
        *p = (u8)(0xb8 | (reg & 7));
        s->p = asm_word(p + 1, (u32)v);
    } else if (v == (u64)(s64)(s32)v) {
        asm_rr(s, X_MOV_IMM | ASM_W, 0, reg);
        asm_u32(s, (u32)v);
    } else {
        asm_mov_imm64(s, reg, v);
    }
}

static inline void asm_mov(struct asm_buf *s, u32 size, unsigned to, unsigned from)
{
    asm_rr(s, X_MOV | size, to, from);
}

/* -- Jumps. The result is where their rel32 lies. */
static inline u8 *asm_jcc(struct asm_buf *s, enum asm_cc cc)
{
    u8 *p = s->p;
    s->p = p + 6;
    p[0] = 0x0f;
    p[1] = (u8)(0x80 | cc);
    return p + 2;
}

/* opcode: of a jump or call. */
static inline u8 *asm_near(struct asm_buf *s, unsigned opcode)
{
    u8 *p = s->p;
    s->p = p + 5;
    *p = (u8)opcode;
    return p + 1;
}

static inline u8 *asm_jmp(struct asm_buf *s)
{
    return asm_near(s, 0xe9);
}

static inline u8 *asm_call(struct asm_buf *s)
{
    return asm_near(s, 0xe8);
}

/* The jump whose rel32 lies at field goes to target. */
static inline void asm_fix(u8 *field, const u8 *target)
{
    s32 rel = (s32)(target - (field + 4));
    memcpy(field, &rel, 4);
}

/* A jump within 127 bytes: returns its rel8. */
static inline u8 *asm_jcc_short(struct asm_buf *s, enum asm_cc cc)
{
    asm_u8(s, 0x70 | cc);
    asm_u8(s, 0);
    return s->p - 1;
}

static inline u8 *asm_jmp_short(struct asm_buf *s)
{
    asm_u8(s, 0xeb);
    asm_u8(s, 0);
    return s->p - 1;
}

static inline void asm_fix_short(struct asm_buf *s, u8 *field)
{
    assert(s->p - (field + 1) < 128);
    *field = (u8)(s->p - (field + 1));
}

/* Bytes that do nothing, n <= 8. */
void asm_nop(struct asm_buf *s, unsigned n);

#endif
