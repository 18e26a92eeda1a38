/*
 * check.h - `-accel jit,check=on`: every unit runs in the interpreter and as host code, and must do
 * the same. For files of jit/.
 */
#ifndef JIT_CHECK_H
#define JIT_CHECK_H

#include "jit/jit.h"

enum { CHECK_STORES = 512, CHECK_STATES = 64 };

/* What the interpreter's turn changed, so that it can be undone and compared. */
struct jit_check {
    bool recording;
    bool spoiled; /* it did what cannot be undone: this unit is not compared */
    const struct ir_unit *ir; /* that runs as host code now, to be compared when it ends or faults */
    bool faults;              /* the interpreter's turn ended so */
    bool trapped;             /* host code took a TRAP_IF */
    u32 wrong;                /* differences found */
    u32 stores, states;
    struct {
        u8 *host;
        u32 size;
        u64 old, new;
    } store[CHECK_STORES];
    struct {
        u32 offset, size;
        u64 old, new;
    } state[CHECK_STATES];
    u64 slots[IR_MAX_SLOTS][2], result[IR_MAX_SLOTS][2]; /* [1]: upper half of v128 */
    u64 compared, skipped;
};

/* Runs the unit at pc both ways; enter runs the host code. Stops the machine with a report when
 * they differ. */
void jit_check_enter(struct cpu *cpu, u64 pc, void (*enter)(struct cpu *cpu, const u8 *code, u64 pc),
                     const u8 *code);

/* Host code faults: compared now, since entering the trap changes registers. */
void jit_check_fault(struct cpu *cpu, struct jit_check *c);

/* slow.c and atomic.c, before they store to RAM, or do io: false: io must be refused. */
void jit_check_store(struct jit_check *c, u8 *host, unsigned size);
static inline void jit_check_will_store(struct jit_cpu *jc, u8 *host, unsigned size)
{
    if (unlikely(jc->check && jc->check->recording))
        jit_check_store(jc->check, host, size);
}
static inline bool jit_check_refuses_io(struct jit_cpu *jc)
{
    if (likely(!jc->check || !jc->check->recording))
        return false;
    jc->check->spoiled = true;
    return true;
}

#endif
