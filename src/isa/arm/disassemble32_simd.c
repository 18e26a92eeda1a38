/*
 * disassemble32_simd.c - text of A32 and T32 instructions: the operand kinds of Advanced SIMD and
 * floating point, as the GNU disassembler prints them. Bits 23..0 of an encoding are the same in
 * both sets.
 *
 * Constant data only; thread-safe.
 */
#include "isa/arm/disassemble.h"
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

static const char *const registers[16] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7",
                                          "r8", "r9", "sl", "fp", "ip", "sp", "lr", "pc"};

static unsigned field(u64 insn, unsigned pos, unsigned width)
{
    return (unsigned)(insn >> pos & BITS(width - 1, 0));
}

static int print_vector(char *text, size_t size, bool q, unsigned v)
{
    return snprintf(text, size, "%c%u", q ? 'q' : 'd', q ? (v & 31) >> 1 : v & 31);
}

/* imm6 of a shift; L: of doublewords. */
static int print_shift(char *text, size_t size, u64 insn, bool left)
{
    unsigned v = field(insn, 7, 1) << 6 | field(insn, 16, 6);
    unsigned bits = 8;
    while (2 * bits <= v)
        bits *= 2;
    return snprintf(text, size, "#%u", left ? v - bits : 2 * bits - v);
}

static unsigned lane_bits(unsigned immh)
{
    return immh >= 8 ? 64 : immh >= 4 ? 32 : immh >= 2 ? 16 : 8;
}

/* VFPExpandImm: (16 + fraction) / 16 * 2^(exponent - 3). */
static double expanded(unsigned imm8)
{
    int exponent = (int)((imm8 >> 4 & 7) ^ 4) - 3;
    double v = (16 + (imm8 & 15)) / 16.0;
    for (; exponent > 0; exponent--)
        v *= 2;
    for (; exponent < 0; exponent++)
        v /= 2;
    return imm8 >> 7 ? -v : v;
}

/* The value of an immediate, of a lane's size; or a float. */
static int print_immediate(char *text, size_t size, u64 insn, unsigned imm8)
{
    unsigned cmode = field(insn, 8, 4), op = field(insn, 5, 1);
    if (cmode == 15)
        return snprintf(text, size, "#%g", expanded(imm8));
    if (cmode == 14 && op) {
        u64 v = 0;
        for (unsigned i = 0; i < 8; i++)
            v |= imm8 >> i & 1 ? UINT64_C(0xff) << (8 * i) : 0;
        return snprintf(text, size, "#0x%016llx", (unsigned long long)v);
    }
    if (cmode == 14)
        return snprintf(text, size, "#%u", imm8);
    if (cmode >= 12)
        return snprintf(text, size, "#%u", cmode == 12 ? imm8 << 8 | 0xff : imm8 << 16 | 0xffff);
    return snprintf(text, size, "#%d", (s32)(imm8 << 8 * (cmode >> 1 & (cmode & 8 ? 1 : 3))));
}

static const char *immediate_type(u64 insn)
{
    unsigned cmode = field(insn, 8, 4);
    if (cmode == 15)
        return ".f32";
    if (cmode == 14)
        return ".i8";
    return cmode >= 8 && cmode < 12 ? ".i16" : ".i32";
}

/* ---- Lists ------------------------------------------------------------------------------------
 */

static int print_range(char *text, size_t size, char kind, unsigned first, unsigned count)
{
    if (count < 2)
        return snprintf(text, size, "{%c%u}", kind, first);
    return snprintf(text, size, "{%c%u-%c%u}", kind, first, kind, first + count - 1);
}

/* Registers `step` apart; lane: NULL, or what follows each. */
static int print_apart(char *text, size_t size, unsigned first, unsigned count, unsigned step,
                       const char *lane)
{
    int n = 0;
    for (unsigned i = 0; i < count; i++)
        n += snprintf(text + n, size - (size_t)n, "%sd%u%s", i ? "," : "{", (first + i * step) & 31,
                      lane);
    return n + snprintf(text + n, size - (size_t)n, "}");
}

static int print_structure(char *text, size_t size, u64 insn, unsigned d)
{
    static const u8 counts[16] = {4, 4, 4, 4, 3, 3, 3, 1, 2, 2, 2};
    static const bool apart[16] = {[1] = true, [5] = true, [9] = true};
    unsigned type = field(insn, 8, 4), count = field(insn, 8, 2) + 1, lanes = field(insn, 10, 2);
    char lane[8] = "[]";
    if (!field(insn, 23, 1))
        return apart[type] ? print_apart(text, size, d, counts[type], 2, "")
                           : print_range(text, size, 'd', d, counts[type]);
    if (lanes == 3) {
        unsigned step = field(insn, 5, 1) + 1;
        if (count == 1)
            count = step;
        else if (step == 2)
            return print_apart(text, size, d, count, step, lane);
        return count == 1 ? print_apart(text, size, d, 1, 1, lane)
                          : snprintf(text, size, "{d%u[]-d%u[]}", d, d + count - 1);
    }
    snprintf(lane, sizeof lane, "[%u]", field(insn, 4, 4) >> (lanes + 1));
    return print_apart(text, size, d, count, lanes && field(insn, 4 + lanes, 1) ? 2 : 1, lane);
}

/* In bits; 0: the instruction does not say. */
static unsigned alignment(u64 insn)
{
    unsigned lanes = field(insn, 10, 2), count = field(insn, 8, 2) + 1, low = field(insn, 4, 4);
    unsigned bits = 8u << lanes;
    if (!field(insn, 23, 1))
        return field(insn, 4, 2) ? 32u << field(insn, 4, 2) : 0;
    if (lanes == 3) {
        unsigned size = field(insn, 6, 2);
        if (!field(insn, 4, 1))
            return 0;
        return size == 3 ? 128 : count == 4 && size == 2 ? 64 : count * (8u << size);
    }
    if (count == 4 && lanes == 2)
        return low & 3 ? 32u << (low & 3) : 0;
    return low & 1 && (count != 1 || lanes) ? bits * count : 0;
}

static int print_base(char *text, size_t size, u64 insn)
{
    unsigned bits = alignment(insn);
    const char *base = registers[field(insn, 16, 4)];
    return bits ? snprintf(text, size, "[%s :%u]", base, bits) : snprintf(text, size, "[%s]", base);
}

static int print_step(char *text, size_t size, unsigned m)
{
    if (m == ARM_R13 || m == ARM_R15)
        return snprintf(text, size, "%s", m == ARM_R13 ? "!" : "");
    return snprintf(text, size, ",%s", registers[m & 15]);
}

/* ---- Loads of scalars -------------------------------------------------------------------------
 */

static int print_offset(char *text, size_t size, unsigned v, u64 insn)
{
    unsigned scale = field(insn, 8, 2) == 1 ? 2 : 4;
    if (v == 0x100)
        return snprintf(text, size, "%s", "");
    return snprintf(text, size, ",#%s%u", v >> 8 ? "" : "-", (v & 0xff) * scale);
}

static unsigned single_register(u64 insn)
{
    return field(insn, 12, 4) << 1 | field(insn, 22, 1);
}

static unsigned double_register(u64 insn)
{
    return field(insn, 22, 1) << 4 | field(insn, 12, 4);
}

/* ---- Elements ---------------------------------------------------------------------------------
 */

/* Of VCMLA: halves are pairs of the low 16 registers. */
static int print_complex_element(char *text, size_t size, unsigned v, u64 insn)
{
    bool single = field(insn, 23, 1);
    return snprintf(text, size, "d%u[%u]", single ? v : v & 15, single ? 0 : v >> 4);
}

static int print_element(char *text, size_t size, unsigned kind, unsigned v, u64 insn)
{
    switch (kind) {
    case ARM_OPERAND_NSCALAR1: return snprintf(text, size, "d%u[%u]", v & 7, v >> 3);
    case ARM_OPERAND_NSCALAR2: return snprintf(text, size, "d%u[%u]", v & 15, v >> 4);
    case ARM_OPERAND_NELEM: return print_complex_element(text, size, v, insn);
    case ARM_OPERAND_NELEMHALF:
        return snprintf(text, size, "s%u[%u]", (v & 7) << 1 | v >> 4, v >> 3 & 1);
    case ARM_OPERAND_NDUPSIZE: return snprintf(text, size, "%u", v & 1 ? 8 : v & 2 ? 16 : 32);
    case ARM_OPERAND_NDUP: {
        unsigned imm4 = field(insn, 16, 4), at = imm4 & 1 ? 1 : imm4 & 2 ? 2 : 3;
        return snprintf(text, size, "d%u[%u]", v, imm4 >> at);
    }
    default: return 0;
    }
}

/* ---- All --------------------------------------------------------------------------------------
 */

static int print_size(char *text, size_t size, unsigned kind, unsigned v)
{
    switch (kind) {
    case ARM_OPERAND_NSIZE: return snprintf(text, size, "%u", 8u << v);
    case ARM_OPERAND_NSIZE2: return snprintf(text, size, "%u", 16u << v);
    case ARM_OPERAND_NFSIZE: return snprintf(text, size, "%u", v ? 16 : 32);
    case ARM_OPERAND_NFSIZE2: return snprintf(text, size, "%u", v == 1 ? 16 : 32);
    case ARM_OPERAND_NSX:
    case ARM_OPERAND_NFSIZEX: return snprintf(text, size, "%u", v ? 32 : 16);
    case ARM_OPERAND_NSHSIZE: return snprintf(text, size, "%u", lane_bits(v));
    default: return snprintf(text, size, "%u", 2 * lane_bits(v)); /* NSHSIZE2 */
    }
}

static int print_list(char *text, size_t size, unsigned kind, unsigned v, u64 insn)
{
    switch (kind) {
    case ARM_OPERAND_NTABLE: return print_range(text, size, 'd', v & 31, (v >> 5) + 1);
    case ARM_OPERAND_NLIST: return print_structure(text, size, insn, v);
    case ARM_OPERAND_VFPDLIST: return print_range(text, size, 'd', double_register(insn), v / 2);
    default: return print_range(text, size, 's', single_register(insn), v); /* VFPSLIST */
    }
}

int arm_print_operand32_simd(char *text, size_t size, unsigned kind, s64 value, u64 insn)
{
    static const char *const conditions[4] = {"eq", "vs", "ge", "gt"};
    unsigned v = (unsigned)value;
    switch (kind) {
    case ARM_OPERAND_NREG: return print_vector(text, size, field(insn, 6, 1), v);
    case ARM_OPERAND_DREG: return print_vector(text, size, false, v);
    case ARM_OPERAND_QREG: return print_vector(text, size, true, v);
    case ARM_OPERAND_SREG: return snprintf(text, size, "s%u", v & 31);
    case ARM_OPERAND_SPAIR: return snprintf(text, size, "s%u,s%u", v & 31, (v + 1) & 31);
    case ARM_OPERAND_NSIZE:
    case ARM_OPERAND_NSIZE2:
    case ARM_OPERAND_NFSIZE:
    case ARM_OPERAND_NFSIZE2:
    case ARM_OPERAND_NFSIZEX:
    case ARM_OPERAND_NSHSIZE:
    case ARM_OPERAND_NSHSIZE2:
    case ARM_OPERAND_NSX: return print_size(text, size, kind, v);
    case ARM_OPERAND_NSHR: return print_shift(text, size, insn, false);
    case ARM_OPERAND_NSHL: return print_shift(text, size, insn, true);
    case ARM_OPERAND_NFRACTION: return snprintf(text, size, "#%u", 32 - v);
    case ARM_OPERAND_NFIXBITS:
        return snprintf(text, size, "#%d", (field(insn, 7, 1) ? 32 : 16) - (int)v);
    case ARM_OPERAND_NMODTYPE: return snprintf(text, size, "%s", immediate_type(insn));
    case ARM_OPERAND_NMODIMM: return print_immediate(text, size, insn, v);
    case ARM_OPERAND_NROT: return snprintf(text, size, "#%u", v * 90);
    case ARM_OPERAND_NROT90: return snprintf(text, size, "#%u", v ? 270 : 90);
    case ARM_OPERAND_NUNS: return snprintf(text, size, "%c", v ? 'u' : 's');
    case ARM_OPERAND_NLANE: return snprintf(text, size, "%u", v);
    case ARM_OPERAND_NCC: return snprintf(text, size, "%s", conditions[v & 3]);
    case ARM_OPERAND_VFPOFS: return print_offset(text, size, v, insn);
    case ARM_OPERAND_NBASE: return print_base(text, size, insn);
    case ARM_OPERAND_NSTEP: return print_step(text, size, v);
    case ARM_OPERAND_NTABLE:
    case ARM_OPERAND_NLIST:
    case ARM_OPERAND_VFPDLIST:
    case ARM_OPERAND_VFPSLIST: return print_list(text, size, kind, v, insn);
    default: return print_element(text, size, kind, v, insn);
    }
}
