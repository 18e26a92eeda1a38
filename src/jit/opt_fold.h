/*
 * opt_fold.h - between the builder and its folding rules; tests reach each rule by it.
 *
 * One thread owns the builder.
 */
#ifndef JIT_OPT_FOLD_H
#define JIT_OPT_FOLD_H

#include "jit/build.h"

/* What must hold of an op before a rule is asked. */
enum ir_rule_when {
    IR_WHEN_CONST = 1,       /* operand b is a constant */
    IR_WHEN_CONST_FIRST = 2, /* operand a is */
    IR_WHEN_SAME = 4,        /* a and b are the same value */
};

/* apply: the value that op stands for, or IR_NONE. c: operand b when it is a constant. */
struct ir_rule {
    const char *name;
    u8 when; /* enum ir_rule_when, all must hold */
    ir_value (*apply)(struct ir_builder *b, const struct ir_op *op, u64 c);
};

/* Each opcode's rules in the order they are tried, ended by a NULL name; NULL where there are none.
 */
extern const struct ir_rule *const ir_fold_rules[IR_OPCODES];

/* The value that pure op stands for, or IR_NONE when it must be made; then op has its canonical
 * form (a lone constant is operand b). */
ir_value ir_fold(struct ir_builder *b, struct ir_op *op);

/* Operands of effects. */
void ir_fold_address(struct ir_builder *b, ir_value *addr, s32 *offset);
ir_value ir_fold_stored(struct ir_builder *b, ir_value v, unsigned bytes); /* same low bytes */
ir_value ir_fold_condition(struct ir_builder *b, ir_value v);              /* same truth */

/* -- Of build.c, for the rules. Folds, shares or appends a pure op; a constant of an integer type.
 */
ir_value ir_pure(struct ir_builder *b, struct ir_op op);
ir_value ir_append(struct ir_builder *b, struct ir_op op); /* as it is */
ir_value ir_share(struct ir_builder *b, struct ir_op op);  /* or an equal one that stands */
ir_value ir_constant(struct ir_builder *b, enum ir_type type, u64 v);

/* -- Facts (known.c): bits of v that may be one; the fewest bits that v is the sign extension
 * of, 1..width. */
u64 ir_known_ones(const struct ir_builder *b, ir_value v);
unsigned ir_known_signed(const struct ir_builder *b, ir_value v);

#endif
