/*
 * interp.h - one unit of IR executed in plain C.
 *
 * On the vCPU's thread. values: room for 2 * IR_MAX_OPS words: results, then the upper halves of v128 results.
 */
#ifndef JIT_INTERP_H
#define JIT_INTERP_H

#include "cpu/cpu.h"
#include "jit/ir.h"

enum ir_interp_kind {
    IR_INTERP_JUMP,   /* go on at pc; mode and context are unchanged. The pc slot is not written */
    IR_INTERP_LOOKUP, /* pc is in its slot; look everything up anew */
    IR_INTERP_FAULT, /* an access failed: state is precise, the caller enters the trap by isa->fault
                      */
};

struct ir_interp_exit {
    enum ir_interp_kind kind;
    u64 pc;                 /* JUMP */
    struct isa_fault fault; /* FAULT */
};

struct ir_interp_exit interp_run(struct cpu *cpu, const struct ir_unit *u, u64 *values);

#endif
