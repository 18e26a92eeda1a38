/*
 * warm.h - units that earlier runs translated: from the store (store.h) into the code memory, and
 * into the store.
 *
 * A record is used when pc, mode, configuration of the CPU and each byte of guest code are those of
 * now. What the bytes were is what the translator read (jit_warm_fetched), not what was in memory
 * when it was done: a guest that changes its code meanwhile must not leave a record of bytes that
 * were not translated.
 *
 * All on the vCPU's thread, but open and close.
 */
#ifndef JIT_WARM_H
#define JIT_WARM_H

#include "jit/stored.h"

/* As jit->opt says; without cache= nothing is there, and nothing of the rest is called. */
int must_check jit_warm_open(struct jit *jit, struct err *err);
void jit_warm_close(struct jit *jit);

/* The record for pc on the page that the fetch began with (jc->fetch_page; [1] is found here); lock
 * of the store held until store_release. The lines of RAM are protected. NULL: none. */
const struct stored_unit *jit_warm_find(struct cpu *cpu, u64 pc);

/* Code was read for the unit under way. */
void jit_warm_fetched(struct jit_cpu *jc, u64 pc, unsigned size, u64 value);
/* Around the insertion of a unit that was just emitted: the record is made before others can link
 * it, and kept when the unit is good. NULL: it is not stored. */
struct stored_unit *jit_warm_begin(struct cpu *cpu, const struct jit_unit *u);
void jit_warm_end(struct cpu *cpu, struct stored_unit *record, bool keep);

#endif
