/*
 * disassemble.c - text of Arm instructions, for -d in_asm and the monitor: the operand kinds that
 * the decode tables name, as the GNU disassembler prints them without aliases.
 *
 * Constant data only; thread-safe.
 */
#include "isa/arm/disassemble.h"
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

static int print_register(char *text, size_t size, bool wide, bool has_sp, s64 n)
{
    if (n != 31)
        return snprintf(text, size, "%c%u", wide ? 'x' : 'w', (unsigned)n & 31);
    return snprintf(text, size, "%s", has_sp ? (wide ? "sp" : "wsp") : wide ? "xzr" : "wzr");
}

static const char *const shift_names[4] = {"lsl", "lsr", "asr", "ror"};
static const char *const extend_names[8] = {"uxtb", "uxth", "uxtw", "uxtx",
                                            "sxtb", "sxth", "sxtw", "sxtx"};
static const char *const cond_names[16] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                           "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};

/* Shift amount with a comma, or nothing. */
static int print_shift(char *text, size_t size, u64 v)
{
    unsigned n = v & 63;
    return n || v >> 6 ? snprintf(text, size, ",%s #%u", shift_names[v >> 6 & 3], n)
                       : snprintf(text, size, "%s", "");
}

/* UXTX or, for W, UXTW prints as LSL where the stack pointer is an operand. */
static int print_extend(char *text, size_t size, u64 v, u64 insn)
{
    unsigned option = v >> 3 & 7, n = v & 7;
    bool has_sp = (insn >> 5 & 31) == 31 || ((insn & 31) == 31 && !(insn >> 29 & 1));
    bool is_lsl = has_sp && option == (insn >> 31 ? 3 : 2);
    if (is_lsl)
        return n ? snprintf(text, size, ",lsl #%u", n) : snprintf(text, size, "%s", "");
    return n ? snprintf(text, size, ",%s #%u", extend_names[option], n)
             : snprintf(text, size, ",%s", extend_names[option]);
}

/* option<2>, option<0>, S of a register offset. The amount is the access's size. */
static int print_mext(char *text, size_t size, u64 v, u64 insn)
{
    unsigned option = (unsigned)((v >> 2 & 1) << 2 | 2 | (v >> 1 & 1));
    bool vector_16 = insn >> 26 & 1 && insn >> 23 & 1;
    unsigned n = vector_16 ? 4 : insn >> 30;
    bool is_lsl = option == 3;
    if (!(v & 1))
        return is_lsl ? snprintf(text, size, "%s", "")
                      : snprintf(text, size, ",%s", extend_names[option]);
    return snprintf(text, size, ",%s #%u", is_lsl ? "lsl" : extend_names[option], n);
}

static int print_aimm(char *text, size_t size, u64 v)
{
    return snprintf(text, size, v >> 12 ? "#%#x,lsl #12" : "#%#x", (unsigned)v & 0xfff);
}

static int print_wimm(char *text, size_t size, u64 v)
{
    unsigned n = 16 * (unsigned)(v >> 16);
    return n ? snprintf(text, size, "#%#x,lsl #%u", (unsigned)v & 0xffff, n)
             : snprintf(text, size, "#%#x", (unsigned)v & 0xffff);
}

static int print_bitmask(char *text, size_t size, u64 v, u64 insn)
{
    u64 mask;
    if (!arm_bitmask(insn >> 31 & 1, (u32)v, &mask))
        return snprintf(text, size, "#reserved");
    return snprintf(text, size, "#%#llx", (unsigned long long)mask);
}

/* An offset that is not printed when it is 0. */
static int print_offset(char *text, size_t size, s64 v)
{
    return v ? snprintf(text, size, ",#%lld", (long long)v) : snprintf(text, size, "%s", "");
}

static int print_prfop(char *text, size_t size, unsigned v)
{
    static const char *const types[3] = {"pld", "pli", "pst"};
    if (v >> 3 == 3 || (v >> 1 & 3) == 3)
        return snprintf(text, size, "#0x%02x", v);
    return snprintf(text, size, "%sl%u%s", types[v >> 3], (v >> 1 & 3) + 1,
                    v & 1 ? "strm" : "keep");
}

/* Unprivileged writes, reads; non-temporal ones. */
static int print_copy_options(char *text, size_t size, unsigned v)
{
    static const char *const names[2][4] = {{"", "wt", "rt", "t"}, {"", "wn", "rn", "n"}};
    return snprintf(text, size, "%s%s", names[0][v & 3], names[1][v >> 2 & 3]);
}

static const char *size_name(u64 v, bool is_signed)
{
    static const char *const names[4] = {"b", "h", "", ""};
    return is_signed && v == 2 ? "w" : names[v & 3];
}

/* acquire, release; of CAS the same bits are elsewhere. */
static const char *order_name(u64 v)
{
    static const char *const names[4] = {"", "l", "a", "al"};
    return names[v & 3];
}

static unsigned scale_of(u64 insn)
{
    bool vector_16 = insn >> 26 & 1 && insn >> 23 & 1;
    return vector_16 ? 4 : insn >> 30 & 3;
}

/* As the manual writes them, in lower case; one without a name by its numbers. */
static int print_sysreg(char *text, size_t size, u32 encoding)
{
    const char *name = arm_sysreg_name(encoding);
    int n = 0;
    if (!name)
        return snprintf(text, size, "s%u_%u_c%u_c%u_%u", encoding >> 14, encoding >> 11 & 7,
                        encoding >> 7 & 15, encoding >> 3 & 15, encoding & 7);
    for (; name[n] && (size_t)n + 1 < size; n++)
        text[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] + 32 : name[n]);
    text[n] = 0;
    return n;
}

static int print_barrier(char *text, size_t size, unsigned v)
{
    static const char *const names[16] = {
        [1] = "oshld", [2] = "oshst",  [3] = "osh",  [5] = "nshld", [6] = "nshst", [7] = "nsh",
        [9] = "ishld", [10] = "ishst", [11] = "ish", [13] = "ld",   [14] = "st",   [15] = "sy"};
    return names[v & 15] ? snprintf(text, size, "%s", names[v & 15])
                         : snprintf(text, size, "#0x%02x", v & 15);
}

/* 0: not a register. */
static int print_registers(char *text, size_t size, unsigned kind, s64 v, u64 insn)
{
    bool sf = insn >> 31 & 1;
    switch (kind) {
    case ARM_OPERAND_R: return print_register(text, size, sf, false, v);
    case ARM_OPERAND_X: return print_register(text, size, true, false, v);
    case ARM_OPERAND_W: return print_register(text, size, false, false, v);
    case ARM_OPERAND_RSP: return print_register(text, size, sf, true, v);
    case ARM_OPERAND_XSP: return print_register(text, size, true, true, v);
    case ARM_OPERAND_V: return snprintf(text, size, "v%u", (unsigned)v);
    case ARM_OPERAND_Q: return print_register(text, size, insn >> 30 == 3, false, v);
    case ARM_OPERAND_R30: return print_register(text, size, insn >> 30 & 1, false, v);
    case ARM_OPERAND_PAIR30: {
        bool wide = insn >> 30 & 1;
        int first = print_register(text, size, wide, false, v);
        text[first++] = ',';
        return first +
               print_register(text + first, size - (size_t)first, wide, false, (v + 1) & 31);
    }
    case ARM_OPERAND_REXT: {
        bool wide = (insn >> 13 & 3) == 3 && (sf || insn >> 27 & 1);
        return print_register(text, size, wide, false, v);
    }
    default: return 0;
    }
}

int arm_print_operand(char *text, size_t size, unsigned kind, s64 v, u64 insn, u64 pc)
{
    int n = print_registers(text, size, kind, v, insn);
    if (n)
        return n;
    switch (kind) {
    case ARM_OPERAND_SYSREG: return print_sysreg(text, size, 0x8000 | (u32)v);
    case ARM_OPERAND_SYSOP: return print_sysreg(text, size, 0x4000 | (u32)v);
    case ARM_OPERAND_BARRIER: return print_barrier(text, size, (unsigned)v);
    case ARM_OPERAND_UIMM: return snprintf(text, size, "#%#llx", (unsigned long long)v);
    case ARM_OPERAND_IMM: return snprintf(text, size, "#%lld", (long long)v);
    case ARM_OPERAND_HIMM: return snprintf(text, size, "#0x%llx", (long long)v);
    case ARM_OPERAND_AIMM: return print_aimm(text, size, (u64)v);
    case ARM_OPERAND_WIMM: return print_wimm(text, size, (u64)v);
    case ARM_OPERAND_BITMASK: return print_bitmask(text, size, (u64)v, insn);
    case ARM_OPERAND_PAGE:
        return snprintf(text, size, "%#llx",
                        (unsigned long long)((pc & ~0xfffull) + (u64)v * 4096));
    case ARM_OPERAND_COND: return snprintf(text, size, "%s", cond_names[v & 15]);
    case ARM_OPERAND_SHIFT: return print_shift(text, size, (u64)v);
    case ARM_OPERAND_EXTEND: return print_extend(text, size, (u64)v, insn);
    case ARM_OPERAND_MEXT: return print_mext(text, size, (u64)v, insn);
    case ARM_OPERAND_PIMM: return print_offset(text, size, v << scale_of(insn));
    case ARM_OPERAND_OIMM: return print_offset(text, size, v);
    case ARM_OPERAND_OPAIR: return print_offset(text, size, v * (4 << (insn >> 31)));
    case ARM_OPERAND_PAIR: return snprintf(text, size, "#%lld", (long long)v * (4 << (insn >> 31)));
    case ARM_OPERAND_PRFOP: return print_prfop(text, size, (unsigned)v);
    case ARM_OPERAND_BH: return snprintf(text, size, "%s", size_name((u64)v, false));
    case ARM_OPERAND_BHW: return snprintf(text, size, "%s", size_name((u64)v, true));
    case ARM_OPERAND_AR:
    case ARM_OPERAND_ORDER: return snprintf(text, size, "%s", order_name((u64)v));
    case ARM_OPERAND_REL: return snprintf(text, size, "%s", v ? "lx" : "x");
    case ARM_OPERAND_ACQ: return snprintf(text, size, "%s", v ? "ax" : "x");
    case ARM_OPERAND_COPYOPT: return print_copy_options(text, size, (unsigned)v);
    case ARM_OPERAND_FILLOPT:
        return snprintf(text, size, "%s%s", v & 1 ? "t" : "", v & 2 ? "n" : "");
    case ARM_OPERAND_BY4: return snprintf(text, size, "#%u", 4u << v);
    case ARM_OPERAND_BY8: return snprintf(text, size, "#%u", 8u << v);
    case ARM_OPERAND_BACK4: return snprintf(text, size, "#-%u", 4u << v);
    case ARM_OPERAND_BACK8: return snprintf(text, size, "#-%u", 8u << v);
    default: return arm_print_operand32(text, size, kind, v, insn, pc);
    }
}

unsigned arm_disassemble(const struct cpu *cpu, u64 pc, const u8 *code, unsigned len, char *text,
                         size_t size)
{
    const struct arm_cpu *a = (const struct arm_cpu *)cpu;
    bool a32 = cpu->mode & ARM_MODE_A32;
    if (a32 && cpu->mode & ARM_MODE_T && len >= 2)
        return arm_disassemble_t32(a, pc, code, len, text, size);
    if (len < 4) {
        snprintf(text, size, "(cut)");
        return len;
    }
    u32 insn = (u32)load_le(code, 4);
    if (a32)
        return arm_disassemble_a32(a, pc, insn, text, size);
    enum arm_insn id = arm_identify_a64_32(a->ext, insn);
    if (id)
        insn_disassemble(&arm_insn_set, id, insn, pc, arm_print_operand, text, size);
    else
        snprintf(text, size, ".inst 0x%08x", insn);
    return 4;
}
