/*
 * disassemble.c - text of RISC-V instructions, for -d in_asm and the monitor: the operand kinds
 * that rv_formats.decode names.
 *
 * Constant data only; thread-safe.
 */
#include "isa/riscv/riscv.h"
#include "isa/riscv_decode.h"

static const char x_names[32][5] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};
static const char f_names[32][5] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};

/* The constants of fli, as the assembler writes them. */
static const char *const fli_names[32] = {
    "-1.0", "min",    "0x1p-16", "0x1p-15", "0x1p-8", "0x1p-7", "0.0625", "0.125",
    "0.25", "0.3125", "0.375",   "0.4375",  "0.5",    "0.625",  "0.75",   "0.875",
    "1.0",  "1.25",   "1.5",     "1.75",    "2.0",    "2.5",    "3.0",    "4.0",
    "8.0",  "16.0",   "128.0",   "256.0",   "0x1p15", "0x1p16", "inf",    "nan",
};

static int print_fence(char *text, size_t size, u64 set)
{
    char out[5] = "";
    unsigned n = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (set >> (3 - i) & 1)
            out[n++] = "iorw"[i];
    }
    return snprintf(text, size, "%s", n ? out : "0");
}

static int print_operand(char *text, size_t size, unsigned kind, s64 value, u64 insn, u64 pc)
{
    static const char *const modes[8] = {",rne", ",rtz", ",rdn", ",rup", ",rmm", ",5", ",6", ""};
    static const char *const orders[4] = {"", ".rl", ".aq", ".aqrl"};
    switch (kind) {
    case RISCV_OPERAND_X: return snprintf(text, size, "%s", x_names[value & 31]);
    case RISCV_OPERAND_F: return snprintf(text, size, "%s", f_names[value & 31]);
    case RISCV_OPERAND_HI20: return snprintf(text, size, "%#x", (unsigned)(value >> 12) & 0xfffff);
    case RISCV_OPERAND_RM: return snprintf(text, size, "%s", modes[value & 7]);
    case RISCV_OPERAND_AQRL: return snprintf(text, size, "%s", orders[value & 3]);
    case RISCV_OPERAND_FENCE: return print_fence(text, size, (u64)value);
    case RISCV_OPERAND_FLI: return snprintf(text, size, "%s", fli_names[value & 31]);
    case RISCV_OPERAND_CSR: {
        const char *name = riscv_csr_name((unsigned)value);
        return name ? snprintf(text, size, "%s", name)
                    : snprintf(text, size, "%#x", (unsigned)value);
    }
    default: return snprintf(text, size, "?");
    }
}

unsigned riscv_disassemble(const struct cpu *cpu, u64 pc, const u8 *code, unsigned len, char *text,
                           size_t size)
{
    const u64 *ext = ((const struct riscv_cpu *)cpu)->ext;
    unsigned length = len >= 2 && (code[0] & 3) == 3 ? 4 : 2;
    if (len < length) {
        snprintf(text, size, "(cut)");
        return len;
    }
    u32 insn = (u32)load_le(code, length);
    enum riscv_insn id = length == 4 ? riscv_identify32(ext, insn) : riscv_identify16(ext, insn);
    if (id)
        insn_disassemble(&riscv_insn_set, id, insn, pc, print_operand, text, size);
    else
        snprintf(text, size, length == 4 ? ".4byte 0x%08x" : ".2byte 0x%04x", insn);
    return length;
}
