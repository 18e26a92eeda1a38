/*
 * stats.h - what the engine tells about itself: logs of translations, counters, perf map. For files
 * of jit/.
 */
#ifndef JIT_STATS_H
#define JIT_STATS_H

#include "jit/jit.h"

/* -d in_asm, ir, ir_opt, out_asm: each in its place of a translation. */
void jit_write_guest(struct cpu *cpu, const struct ir_unit *ir);
void jit_write_ir(struct log *log, const struct ir_unit *ir, const char *title);
static inline void jit_log_guest(struct cpu *cpu, const struct ir_unit *ir)
{
    if (log_on(cpu->host->log, LOG_IN_ASM))
        jit_write_guest(cpu, ir);
}
static inline void jit_log_ir(struct jit *jit, const struct ir_unit *ir, u32 item, const char *title)
{
    if (log_on(jit->log, item))
        jit_write_ir(jit->log, ir, title);
}
void jit_log_unit(struct jit *jit, const struct jit_unit *u);
/* -d exec, -d cpu: before a unit runs. */
void jit_log_entry(struct cpu *cpu, u64 pc);
/* Time that translations take, by samples: jit_count_begin before one (never 0), jit_count_time after it. */
u64 jit_count_begin(const struct jit_cpu *jc);
u64 jit_count_time(u64 start);
void jit_count_unit(struct jit_cpu *jc, const struct jit_unit *u, u64 ns);
/* For count=on: measures the code that was just emitted, of some units. */
void jit_count_emitted(struct jit_compiler *c, const struct jit_unit *u);
/* A CPU's counters with what its translated code counted. */
struct jit_stats jit_stats_of(struct cpu *cpu);
void jit_stats_add(struct jit_stats *sum, struct jit_stats *s);
/* Host disassembly; back end's or capstone's. Instructions in code that has no sites in it. */
u32 jit_count_code(const u8 *code, u32 size);
void jit_print_code(FILE *f, const u8 *code, u32 size);

#endif
