/*
 * opt_live.h - what of a unit is needed: one step of the scan from its last op to its first.
 *
 * A put is not needed when the slot is certainly put again before any op that leaves, reads the state, or gets it. An insn op
 * overwrites the pc slot, and so do the exits that name their target. A call that only writes state (IR_FX_WRITE without READ)
 * sees nothing, but it does not overwrite for certain either: what is covered stays so through it.
 *
 * An op without effect is needed when its result is. What may fault stays, used or not: a load's page fault is part of what the
 * guest sees. A call stays unless its helper is declared pure.
 *
 * The pass (opt_dead.c) drops what is not needed; a register allocator, which scans backward too, passes over it.
 */
#ifndef JIT_OPT_LIVE_H
#define JIT_OPT_LIVE_H

#include "cpu/isa.h"
#include "jit/build.h"

/* A slot is overwritten before it is seen when its stamp is of now: what sees all of them begins another time. */
struct ir_live {
    u16 now; /* not 0 */
    u16 stamp[IR_MAX_SLOTS];
};
_Static_assert(IR_MAX_OPS < UINT16_MAX, "each op begins one time at most");

static inline void ir_live_begin(struct ir_live *l, const struct ir_unit *u)
{
    l->now = 1;
    memset(l->stamp, 0, u->isa->slot_count * sizeof(l->stamp[0]));
}

static inline void ir_live_cover(struct ir_live *l, u32 slot)
{
    l->stamp[slot] = l->now;
}

static inline void ir_live_seen(struct ir_live *l)
{
    l->now++;
}

static inline bool ir_live_put(struct ir_live *l, u32 slot)
{
    bool covered = l->stamp[slot] == l->now;
    ir_live_cover(l, slot);
    return !covered;
}

static inline bool ir_live_get(struct ir_live *l, u32 slot, bool used)
{
    if (used)
        l->stamp[slot] = 0;
    return used;
}

static inline bool ir_live_call(struct ir_live *l, const struct ir_unit *u, const struct ir_op *op, bool used)
{
    unsigned effects = ir_call_effects(u, op);
    if (effects & IR_FX_PURE)
        return used;
    if (effects & IR_FX_READ)
        ir_live_seen(l);
    return true;
}

/* Whether op is needed; used: a later one that is needed has its result as an operand. */
static inline bool ir_live_step(struct ir_live *l, const struct ir_unit *u, const struct ir_op *op, bool used)
{
    switch (ir_op_info[op->op].live) {
    case IR_LIVE_PURE: return used;
    case IR_LIVE_GET: return ir_live_get(l, op->a, used);
    case IR_LIVE_PUT: return ir_live_put(l, op->b);
    case IR_LIVE_CALL: return ir_live_call(l, u, op, used);
    case IR_LIVE_LEAVES: ir_live_seen(l); return true;
    case IR_LIVE_JUMPS: ir_live_seen(l); break;
    case IR_LIVE_INSN: break;
    default: return true;
    }
    ir_live_cover(l, u->isa->pc_slot);
    return true;
}

#endif
