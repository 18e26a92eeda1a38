/*
 * insn.h - guest instructions as data: what tools/decode.py makes of an architecture's tables,
 * beside its decoder.
 *
 * Used by the disassembler (-d in_asm, the monitor), by tests that make random instructions, and by
 * the coverage report. All of it is constant; nothing here knows an architecture.
 */
#ifndef ISA_INSN_H
#define ISA_INSN_H

#include <stdio.h>
#include "base/base.h"

/* `width` bits from bit `pos` of the instruction are the operand's bits from bit `at`. */
struct insn_piece {
    u8 pos, width, at;
};

enum { INSN_MAX_OPERANDS = 8, INSN_MAX_PIECES = 8 };

/* How an operand is printed; an architecture's own kinds follow (enum ISA_operand_kind). */
enum insn_operand_kind { INSN_OPERAND_DEC, INSN_OPERAND_HEX, INSN_OPERAND_PCREL, INSN_OPERAND_OWN };

struct insn_operand {
    const char *name;
    u8 kind;
    bool is_signed; /* bit bits-1 is the sign */
    u8 bits;
    u16 bias; /* added to the encoded value */
    u8 pieces;
    struct insn_piece piece[INSN_MAX_PIECES];
};

/* One line of a table. */
struct insn_desc {
    const char *name;
    const char *syntax; /* words that name operands are replaced; the part before a blank is glued
                           to the name */
    const char *needs;  /* extensions: "A&B|C", "" for none */
    const char *mode;   /* the exclusive condition, or "" */
    const char *format;
    u64 match, mask;
    u8 length; /* bytes */
    u8 operands;
    u16 operand[INSN_MAX_OPERANDS]; /* indexes in insn_set.operands */
    const char *set; /* the instruction set, where the architecture has several; "" */
};

struct insn_set {
    const struct insn_desc *insns; /* [0]: none; by the values of enum ISA_insn */
    unsigned count;
    const struct insn_operand *operands;
};

/* Prints one of the architecture's own operand kinds of insn, which is at pc, at text; returns the length as snprintf
 * does. */
typedef int insn_print_fn(char *text, size_t size, unsigned kind, s64 value, u64 insn, u64 pc);

/* The operand's value in insn, bias included. */
s64 insn_operand_get(const struct insn_operand *op, u64 insn);
/* insn with the operand's bits replaced; bits of value that the encoding has no place for are
 * dropped. */
u64 insn_operand_put(const struct insn_operand *op, u64 insn, s64 value);
/* The operand called name of d, or NULL. */
const struct insn_operand *insn_find_operand(const struct insn_set *set, const struct insn_desc *d,
                                             const char *name);

/* Text of insn, an instance of set->insns[id] at pc: "addi a0,sp,16". Always terminated. */
void insn_disassemble(const struct insn_set *set, unsigned id, u64 insn, u64 pc,
                      insn_print_fn *print, char *text, size_t size);

/* Counts how often each line was translated. NULL where nobody asked. */
struct insn_coverage {
    const struct insn_set *set;
    _Atomic u32 hits[];
};
struct insn_coverage *insn_coverage_new(const struct insn_set *set);
void insn_coverage_free(struct insn_coverage *c);
/* "name mode hits" a line, for every line of the tables. */
void insn_coverage_print(const struct insn_coverage *c, FILE *f);

static inline void insn_coverage_hit(struct insn_coverage *c, unsigned id)
{
    if (unlikely(c))
        atomic_fetch_add_explicit(&c->hits[id], 1, memory_order_relaxed);
}

#endif
