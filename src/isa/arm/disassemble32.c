/*
 * disassemble32.c - text of A32 and T32 instructions: the operand kinds that their decode tables
 * name, as the GNU disassembler prints them. T32 is printed as it is outside of IT blocks: what
 * stands in one looks like what comes before it only.
 *
 * Constant data only; thread-safe.
 */
#include "isa/arm/disassemble.h"
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

static const char *const registers[16] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7",
                                          "r8", "r9", "sl", "fp", "ip", "sp", "lr", "pc"};
static const char *const conditions[16] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                           "hi", "ls", "ge", "lt", "gt", "le", "",   ""};
static const char *const shifts[4] = {"lsl", "lsr", "asr", "ror"};

static int print_shift(char *text, size_t size, unsigned v)
{
    unsigned n = v >> 2, type = v & 3;
    if (n == 0 && type == 0)
        return snprintf(text, size, "%s", "");
    if (n == 0 && type == 3)
        return snprintf(text, size, ",rrx");
    return snprintf(text, size, ",%s #%u", shifts[type], n || !type ? n : 32);
}

/* A constant that is not encoded in the shortest way is printed as it is encoded. */
static int print_imm(char *text, size_t size, bool thumb, u32 v)
{
    u32 value;
    int carry;
    if (!arm_expand_imm(thumb, v, &value, &carry))
        value = 0;
    for (u32 n = 0; !thumb && n < v >> 8; n++) {
        u32 rotated = value << 2 * n | (n ? value >> (32 - 2 * n) : 0);
        if (rotated < 256)
            return snprintf(text, size, "#%u,%u", v & 255, 2 * (v >> 8));
    }
    return snprintf(text, size, thumb ? "#%u" : "#%d", value);
}

/* An offset that is not printed where it is +0; `always`: it is, without a comma. */
static int print_offset(char *text, size_t size, unsigned v, bool always)
{
    const char *sign = v >> 12 ? "" : "-";
    if (always)
        return snprintf(text, size, "#%s%u", sign, v & 0xfff);
    if (v == 0x1000)
        return snprintf(text, size, "%s", "");
    return snprintf(text, size, ",#%s%u", sign, v & 0xfff);
}

static int print_list(char *text, size_t size, unsigned list)
{
    int n = 0;
    for (unsigned i = 0; i < 16; i++) {
        if (list >> i & 1)
            n += snprintf(text + n, size - (size_t)n, "%s%s", n ? "," : "{", registers[i]);
    }
    return n + snprintf(text + n, size - (size_t)n, n ? "}" : "{}");
}

/* "t" or "e" for each instruction after the first. */
static int print_it(char *text, size_t size, unsigned mask, u64 insn)
{
    unsigned first = insn >> 4 & 1;
    int n = 0;
    for (unsigned bit = 8; mask & (bit - 1); bit >>= 1)
        text[n++] = ((mask & bit) != 0) == first ? 't' : 'e';
    text[n] = 0;
    return n;
}

static const char *const fp_registers[16] = {"fpsid", "fpscr", "2",     "3", "4",  "mvfr2",
                                             "mvfr1", "mvfr0", "fpexc", "9", "10", "11",
                                             "12",    "13",    "14",    "15"};

static int print_psr_mask(char *text, size_t size, unsigned mask)
{
    return snprintf(text, size, "_%s%s%s%s", mask & 8 ? "f" : "", mask & 4 ? "s" : "",
                    mask & 2 ? "x" : "", mask & 1 ? "c" : "");
}

/* R, M:M1 ("Encoding and use of Banked register transfer instructions"). */
static int print_banked(char *text, size_t size, unsigned v)
{
    static const char *const modes[4] = {"irq", "svc", "abt", "und"};
    unsigned m = v & 31;
    if (v & 32)
        return snprintf(text, size, "SPSR_%s", m == 14 ? "fiq" : modes[m >> 1 & 3]);
    if (m >= 16)
        return snprintf(text, size, "%s_%s", m & 1 ? "SP" : "LR", modes[m >> 1 & 3]);
    unsigned n = m < 8 ? m + 8 : m;
    const char *mode = m < 8 ? "usr" : "fiq";
    if (n >= 13)
        return snprintf(text, size, "%s_%s", n == 13 ? "SP" : "LR", mode);
    return snprintf(text, size, "R%u_%s", n, mode);
}

int arm_print_operand32(char *text, size_t size, unsigned kind, s64 v, u64 insn, u64 pc)
{
    switch (kind) {
    case ARM_OPERAND_G: return snprintf(text, size, "%s", registers[v & 15]);
    case ARM_OPERAND_GBACK: /* LDM of 16 bits */
        return snprintf(text, size, insn >> v & 1 ? "%s" : "%s!", registers[v & 7]);
    case ARM_OPERAND_ACOND: return snprintf(text, size, "%s", conditions[v & 15]);
    case ARM_OPERAND_SBIT: return snprintf(text, size, "%s", v ? "s" : "");
    case ARM_OPERAND_ASHIFT: return print_shift(text, size, (unsigned)v);
    case ARM_OPERAND_ASH:
        return snprintf(text, size, "#%u", (unsigned)v >> 2 ? (unsigned)v >> 2 : 32);
    case ARM_OPERAND_STYPE: return snprintf(text, size, "%s", shifts[v & 3]);
    case ARM_OPERAND_A32IMM: return print_imm(text, size, false, (u32)v);
    case ARM_OPERAND_T32IMM: return print_imm(text, size, true, (u32)v);
    case ARM_OPERAND_AOFS: return print_offset(text, size, (unsigned)v, false);
    case ARM_OPERAND_AOFS0:
        return snprintf(text, size, ",#%s%u", v >> 12 ? "" : "-", (unsigned)v & 0xfff);
    case ARM_OPERAND_APOST: return print_offset(text, size, (unsigned)v, true);
    case ARM_OPERAND_AUP: return snprintf(text, size, "%s", v ? "" : "-");
    case ARM_OPERAND_ABACK: return snprintf(text, size, "%s", v ? "!" : "");
    case ARM_OPERAND_ALIST: return print_list(text, size, (unsigned)v);
    case ARM_OPERAND_BT: return snprintf(text, size, "%s", v ? "t" : "b");
    case ARM_OPERAND_SWAPX: return snprintf(text, size, "%s", v ? "x" : "");
    case ARM_OPERAND_ROUNDR: return snprintf(text, size, "%s", v ? "r" : "");
    case ARM_OPERAND_ROT8: return v ? snprintf(text, size, ",ror #%u", 8 * (unsigned)v) : 0;
    case ARM_OPERAND_MSB: return snprintf(text, size, "#%d", (int)v - (int)(insn >> 7 & 31) + 1);
    case ARM_OPERAND_MSBT: {
        int lsb = (int)((insn >> 12 & 7) << 2 | (insn >> 6 & 3));
        return snprintf(text, size, "#%d", (int)v - lsb + 1);
    }
    case ARM_OPERAND_CREG: return snprintf(text, size, "cr%u", (unsigned)v);
    case ARM_OPERAND_COPROC: return snprintf(text, size, "%u", 14 + (unsigned)v);
    case ARM_OPERAND_PSR: return snprintf(text, size, "%s", v ? "SPSR" : "CPSR");
    case ARM_OPERAND_PSRMASK: return print_psr_mask(text, size, (unsigned)v);
    case ARM_OPERAND_FPREG: return snprintf(text, size, "%s", fp_registers[v & 15]);
    case ARM_OPERAND_BANKED: return print_banked(text, size, (unsigned)v);
    case ARM_OPERAND_IMOD: return snprintf(text, size, "%s", v == 3 ? "id" : v == 2 ? "ie" : "");
    case ARM_OPERAND_AIF:
        return snprintf(text, size, "%s%s%s", v & 4 ? "a" : "", v & 2 ? "i" : "", v & 1 ? "f" : "");
    case ARM_OPERAND_ENDIAN: return snprintf(text, size, "%s", v ? "be" : "le");
    case ARM_OPERAND_ITMASK: return print_it(text, size, (unsigned)v, insn);
    case ARM_OPERAND_BL32:
        return snprintf(text, size, "%#x", (u32)pc + (u32)arm_wide_offset((s32)v));
    case ARM_OPERAND_BLX32:
        return snprintf(text, size, "%#x", ((u32)pc + (u32)arm_wide_offset((s32)v)) & ~3u);
    default: return arm_print_operand32_simd(text, size, kind, v, insn);
    }
}

unsigned arm_disassemble_a32(const struct arm_cpu *a, u64 pc, u32 insn, char *text, size_t size)
{
    enum arm_insn id =
        insn >> 28 == 15 ? arm_identify_a32u_32(a->ext, insn) : arm_identify_a32_32(a->ext, insn);
    if (id)
        insn_disassemble(&arm_insn_set, id, insn, pc, arm_print_operand, text, size);
    else
        snprintf(text, size, ".word 0x%08x", insn);
    return 4;
}

unsigned arm_disassemble_t32(const struct arm_cpu *a, u64 pc, const u8 *code, unsigned len,
                             char *text, size_t size)
{
    u32 insn = (u32)load_le(code, 2);
    bool wide = insn >> 11 >= 0x1d;
    if (wide && len < 4) {
        snprintf(text, size, "(cut)");
        return len;
    }
    if (wide)
        insn = insn << 16 | (u32)load_le(code + 2, 2);
    enum arm_insn id = wide ? arm_identify_t32_32(a->ext, insn) : arm_identify_t32_16(a->ext, insn);
    if (id)
        insn_disassemble(&arm_insn_set, id, insn, pc, arm_print_operand, text, size);
    else
        snprintf(text, size, wide ? ".inst.w 0x%08x" : ".inst.n 0x%04x", insn);
    return wide ? 4 : 2;
}
