/*
 * opt.h - between the passes: each takes a unit that verifies and leaves one. opt.c has their
 * table.
 */
#ifndef JIT_OPT_H
#define JIT_OPT_H

#include "jit/build.h"

void opt_link(struct ir_unit *u, struct arena *arena);
void opt_slot(struct ir_unit *u, struct arena *arena);
void opt_dead(struct ir_unit *u, struct arena *arena);
void opt_loop(struct ir_unit *u, struct arena *arena);

/* Drops the ops whose keep[] is 0 and renumbers the rest; no op kept may use one dropped. */
void opt_compact(struct ir_unit *u, struct arena *arena, const u8 *keep);

#endif
