/*
 * dump.h - translated code as perf reads it: the jitdump file of -accel jit,perf-dump=DIR. For
 * files of jit/ only.
 */
#ifndef JIT_DUMP_H
#define JIT_DUMP_H

#include "jit/jit.h"

struct jit_dump;

/* Makes FOLDER/jit-PID.dump; before the process is confined. NULL and err on failure. */
struct jit_dump *jit_dump_open(const char *folder, u32 elf_machine, struct err *err);
/* NULL: nothing. */
void jit_dump_close(struct jit_dump *d);
/* The unit's code, which is complete and not yet linked. Any thread. */
void jit_dump_unit(struct jit_dump *d, const struct jit_unit *u);

#endif
