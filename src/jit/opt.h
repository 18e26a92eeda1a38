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

/* A block of a region: its ops before `end` are executed when the region goes on, `weight` times. */
struct opt_block {
    struct ir_unit *ir;
    u32 end;
    u64 weight;
};
/* All of them get the same slots first; false: they have none. Each has at most IR_MAX_OPS - OPT_REGION_GETS ops. */
bool opt_region(struct opt_block *blocks, u32 count, struct arena *arena);
enum { OPT_REGION_GETS = 20 };

/* Drops the ops whose keep[] is 0 and renumbers the rest; no op kept may use one dropped. */
void opt_compact(struct ir_unit *u, struct arena *arena, const u8 *keep);

#endif
