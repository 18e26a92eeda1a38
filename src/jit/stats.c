/*
 * stats.c - logs, counters and the perf map of the translator.
 *
 * Counters are each vCPU's own, summed when somebody asks; a reader on another thread sees them
 * about right.
 */
#include "jit/stats.h"

#include <stdio.h>

#include "jit/dump.h"
#include "jit/engine.h"

void jit_log_guest(struct cpu *cpu, const struct ir_unit *ir)
{
    struct log *log = cpu->host->log;
    if (!log_on(log, LOG_IN_ASM))
        return;
    log_write(log, "---- %u: in_asm pc %016llx mode %llx, %u instructions\n", cpu->index,
              (unsigned long long)ir->pc, (unsigned long long)ir->mode, ir->guest_insns);
    for (u32 i = 0; i < ir->count; i++) {
        if (ir->ops[i].op != IR_INSN)
            continue;
        u64 pc = ir_imm(&ir->ops[i]), code;
        u8 bytes[16];
        unsigned length = ir->ops[i].aux;
        char text[96];
        for (unsigned n = 0; n < length; n++) {
            if (!jit_peek(cpu, pc + n, &bytes[n]))
                bytes[n] = 0;
        }
        cpu->isa->disassemble(cpu, pc, bytes, length, text, sizeof(text));
        code = load_le(bytes, MIN(length, 8));
        log_write(log, "%016llx: %0*llx %s\n", (unsigned long long)pc, (int)length * 2,
                  (unsigned long long)code, text);
    }
}

void jit_log_ir(struct jit *jit, const struct ir_unit *ir, u32 item, const char *title)
{
    if (!log_on(jit->log, item))
        return;
    flockfile(jit->log->file);
    fprintf(jit->log->file, "---- %s pc %016llx\n", title, (unsigned long long)ir->pc);
    ir_print(jit->log->file, ir);
    funlockfile(jit->log->file);
}

void jit_log_unit(struct cpu *cpu, const struct jit_unit *u)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    if (jit->perf_map && u->code_size)
        fprintf(jit->perf_map, "%lx %x guest_%llx_%u\n", (unsigned long)(uintptr_t)u->code,
                u->code_size, (unsigned long long)u->pc, u->guest_insns);
    if (jit->dump && u->code_size)
        jit_dump_unit(jit->dump, u);
    if (!log_on(jit->log, LOG_OUT_ASM) || !u->code_size)
        return;
    flockfile(jit->log->file);
    fprintf(jit->log->file, "---- out_asm pc %016llx, %u bytes%s\n", (unsigned long long)u->pc,
            u->code_size, u->region ? ", a region" : "");
    jit_print_code(jit->log->file, u->code, u->code_size);
    funlockfile(jit->log->file);
}

void jit_log_entry(struct cpu *cpu, u64 pc)
{
    struct log *log = cpu->host->log;
    log_if(log, LOG_EXEC, "%u: exec pc %016llx mode %llx\n", cpu->index, (unsigned long long)pc,
           (unsigned long long)cpu->mode);
    if (log_on(log, LOG_CPU)) {
        flockfile(log->file);
        cpu->isa->print_registers(cpu, log->file);
        funlockfile(log->file);
    }
}

/* Reading the clock is a system call: one translation in TIMED stands for all. */
enum { TIMED = 16 };

u64 jit_count_begin(const struct jit_cpu *jc)
{
    return (jc->stats.units + jc->stats.loaded) % TIMED ? UINT64_MAX : host_thread_ns();
}

u64 jit_count_time(u64 start)
{
    return start == UINT64_MAX ? 0 : TIMED * (host_thread_ns() - start);
}

void jit_count_unit(struct jit_cpu *jc, const struct jit_unit *u, u64 ns)
{
    jc->stats.units++;
    jc->stats.guest_insns += u->guest_insns;
    jc->stats.code_bytes += u->code_size;
    jc->stats.translate_ns += ns;
}

/* The counters, by name: printing and summing follow this table. */
static const struct {
    const char *name;
    size_t offset;
} counters[] = {
#define C(field)                                                                                   \
    {                                                                                              \
#field, offsetof(struct jit_stats, field)                                                  \
    }
    C(units),   C(guest_insns), C(code_bytes), C(translate_ns), C(regions),
    C(region_blocks), C(region_ns), C(samples), C(tlb_misses),
    C(walks),   C(io),          C(lookups),    C(links),        C(contexts),
    C(flushes), C(exits),       C(interrupts), C(faults),
    C(loaded),  C(load_ns),     C(stored),     C(rejected),
    C(unpaired),
#undef C
};

static u64 *counter(struct jit_stats *s, unsigned i)
{
    return (u64 *)((u8 *)s + counters[i].offset);
}

void jit_stats_add(struct jit_stats *sum, struct jit_stats *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
        *counter(sum, i) += *counter(s, i);
}

void jit_print_stats(struct jit *jit, FILE *f)
{
    struct jit_stats sum = jit->past;
    for (u32 n = 0; n < jit->cpu_count; n++)
        jit_stats_add(&sum, &jit_cpu(jit->cpus[n])->stats);
    for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
        fprintf(f, "%-14s %llu\n", counters[i].name, (unsigned long long)*counter(&sum, i));
    fprintf(f, "%-14s %llu\n", "invalidations",
            (unsigned long long)atomic_load(&jit->invalidations));
    pthread_mutex_lock(&jit->lock);
    u64 made = jit->links_made, broken = jit->links_broken;
    pthread_mutex_unlock(&jit->lock);
    fprintf(f, "%-14s %llu made, %llu broken\n", "direct links", (unsigned long long)made, (unsigned long long)broken);
    if (sum.guest_insns)
        fprintf(f, "translation    %.0f ns and %.1f host bytes per guest instruction\n",
                (double)sum.translate_ns / (double)sum.guest_insns,
                (double)sum.code_bytes / (double)sum.guest_insns);
}
