/*
 * engine.h - the translating engines as the machine and the command line see them.
 *
 * A struct jit belongs to one machine and outlives its CPUs; it is cpu_host.engine_shared. `jit`
 * translates to host code, `interp` runs the same IR by the interpreter; both share every cache and
 * slow path.
 */
#ifndef JIT_ENGINE_H
#define JIT_ENGINE_H

#include "cpu/cpu.h"

struct jit;
struct memory;

extern const struct cpu_engine cpu_engine_jit, cpu_engine_interp;

/* accel: "jit" or "interp" with options, as -accel takes them ("jit,check=on,tb-size=64"). NULL and
 * err on failure. */
struct jit *jit_create(const char *accel, struct memory *memory, struct epoch *epoch,
                       struct log *log, struct err *err);
void jit_destroy(struct jit *jit);
const struct cpu_engine *jit_cpu_engine(const struct jit *jit);
/* The folder of the cache on disk, which is written at the end; NULL: none. */
const char *jit_cache_folder(const struct jit *jit);
/* What is new is written now: the guest begins again. CPUs may run. */
void jit_cache_save(struct jit *jit);
/* Bytes for the guest's /chosen/kaslr-seed: secret, and the same in all runs with one key of the cache, so that a kernel's
 * code is found where it was. False: no cache, or one that is not to change what guests see. */
bool jit_cache_kaslr_seed(const struct jit *jit, u8 out[8]);
/* For -accel help and `info jit`. */
void jit_print_options(FILE *f);
void jit_print_stats(struct jit *jit, FILE *f);

#endif
