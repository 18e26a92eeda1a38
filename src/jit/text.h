/*
 * text.h - names of the bits of ir_op.aux: what the printed form, the parser and the verifier
 * share.
 */
#ifndef JIT_TEXT_H
#define JIT_TEXT_H

#include "jit/ir.h"

/* ".name" after an operation's text means (aux & mask) == value. A field that is 0 by default has
 * no name for 0. */
struct ir_attr {
    const char *name; /* NULL ends the list */
    u16 mask, value;
};

/* The attributes of op; NULL: aux is no set of attributes (0, insn's length or call's number of
 * arguments). */
const struct ir_attr *ir_attrs(unsigned op);

extern const char *const ir_rmw_names[];
enum { IR_RMW_KINDS = IR_RMW_MAXU + 1 };

/* The type of an op without a result: its stored value's, else void. */
unsigned ir_effect_type(const struct ir_unit *u, const struct ir_op *op);

#endif
