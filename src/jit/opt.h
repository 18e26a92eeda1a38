/*
 * opt.h - between the passes: each takes a unit that verifies and leaves one. opt.c has their
 * table.
 */
#ifndef JIT_OPT_H
#define JIT_OPT_H

#include "jit/build.h"

void opt_link(struct ir_unit *u, struct arena *arena);
void opt_dead(struct ir_unit *u, struct arena *arena);
void opt_loop(struct ir_unit *u, struct arena *arena);

/* At a block's start, coming from within the region: an integer slot is a constant, or the same as another; a float slot is a
 * boxed f32. */
enum opt_fact_kind { OPT_CONST, OPT_SAME, OPT_BOXED };
struct opt_fact {
    u8 kind; /* enum opt_fact_kind */
    u8 slot, of;
    u64 value;
};
enum { OPT_FACTS = 16, OPT_PASSED = 4 };

/* A block of a region: its ops before `end` are executed when the region goes on, `weight` times. */
struct opt_block {
    struct ir_unit *ir;
    u32 end;
    u64 weight;
    struct ir_targets targets;
    /* opt_find_facts: */
    bool door; /* a loop's head */
    u32 facts, passed;
    struct opt_fact fact[OPT_FACTS];
    u32 pass[OPT_PASSED]; /* its IR_TRAP_IFs that were asked before */
};
void opt_find_facts(struct opt_block *blocks, u32 count, struct arena *arena);

/* All of them get the same slots first, and put what is known then; false: they have none. Each has at most IR_MAX_OPS -
 * OPT_REGION_OPS ops. */
bool opt_region(struct opt_block *blocks, u32 count, struct arena *arena);
enum { OPT_REGION_GETS = 20, OPT_REGION_OPS = OPT_REGION_GETS + 2 * OPT_FACTS };

/* Drops the ops whose keep[] is 0 and renumbers the rest; no op kept may use one dropped. */
void opt_compact(struct ir_unit *u, struct arena *arena, const u8 *keep);

#endif
