/*
 * disassemble.h - what disassemble.c (A64, and the choice of the instruction set) and
 * disassemble32.c give each other. Constant data only.
 */
#ifndef ISA_ARM_DISASSEMBLE_H
#define ISA_ARM_DISASSEMBLE_H

#include "isa/arm/arm.h"

/* An operand of any kind (insn_print_fn); the 32-bit sets' kinds, 0 for others. */
int arm_print_operand(char *text, size_t size, unsigned kind, s64 v, u64 insn, u64 pc);
int arm_print_operand32(char *text, size_t size, unsigned kind, s64 v, u64 insn, u64 pc);
int arm_print_operand32_simd(char *text, size_t size, unsigned kind, s64 value, u64 insn);
unsigned arm_disassemble_a32(const struct arm_cpu *a, u64 pc, u32 insn, char *text, size_t size);
unsigned arm_disassemble_t32(const struct arm_cpu *a, u64 pc, const u8 *code, unsigned len,
                             char *text, size_t size);

#endif
