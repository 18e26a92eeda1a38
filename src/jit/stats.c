/*
 * stats.c - logs, counters and the perf map of the translator.
 *
 * Counters are each compiler's own (a vCPU's, or the thread's that makes regions), summed when somebody
 * asks; a reader on another thread sees them about right.
 */
#include "jit/stats.h"

#include <stdio.h>

#include "jit/cache.h"
#include "jit/dump.h"
#include "jit/engine.h"
#include "jit/profile.h"

void jit_write_guest(struct cpu *cpu, const struct ir_unit *ir)
{
    struct log *log = cpu->host->log;
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

void jit_write_ir(struct log *log, const struct ir_unit *ir, const char *title)
{
    flockfile(log->file);
    fprintf(log->file, "---- %s pc %016llx\n", title, (unsigned long long)ir->pc);
    ir_print(log->file, ir);
    funlockfile(log->file);
}

void jit_log_unit(struct jit *jit, const struct jit_unit *u)
{
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

void jit_lock_wait(struct jit *jit)
{
    u64 start = host_monotonic_ns();
    pthread_mutex_lock(&jit->lock);
    jit->lock_waits++;
    jit->lock_wait_ns += host_monotonic_ns() - start;
}

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

void jit_count_emitted(struct jit_compiler *c, const struct jit_unit *u)
{
    const struct jit_emit *e = &c->emit;
    if (c->stats->units % TIMED)
        return;
    c->stats->measured_insns += jit_count_code(u->code, e->hot_size) - e->own_insns;
    c->stats->measured_bytes += e->hot_size - e->own_size;
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
    C(units), C(guest_insns), C(code_bytes), C(translate_ns), C(regions), C(region_blocks),
    C(region_ns), C(region_dropped), C(region_refused), C(thread_regions), C(thread_ns),
    C(samples), C(recorded), C(slow), C(slow_ll_sc), C(tlb_misses), C(slow_hits),
    C(slow_code), C(slow_reserved), C(slow_aligned), C(walks), C(io), C(lookups), C(links),
    C(contexts), C(context_changes), C(flushes), C(exits), C(interrupts), C(faults),
    C(loaded), C(load_ns), C(stored), C(rejected), C(unpaired), C(chunk_waits),
    C(chunk_wait_ns), C(executed), C(executed_bytes), C(accesses), C(measured_insns), C(measured_bytes),
#undef C
};
enum { IN_WORDS = 5 }; /* so many at the end are told by print_counted */

static u64 *counter(struct jit_stats *s, unsigned i)
{
    return (u64 *)((u8 *)s + counters[i].offset);
}

struct jit_stats jit_stats_of(struct cpu *cpu)
{
    struct jit_stats s = jit_cpu(cpu)->stats;
    s.executed = cpu->counts.insns;
    s.executed_bytes = cpu->counts.code_bytes;
    s.accesses = cpu->counts.accesses;
    return s;
}

void jit_stats_add(struct jit_stats *sum, struct jit_stats *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
        *counter(sum, i) += *counter(s, i);
}

static double ratio(u64 a, u64 b)
{
    return b ? (double)a / (double)b : 0;
}

/* count=on. Host instructions are reckoned from their bytes: all are known, but only some are
 * decoded. */
static void print_counted(const struct jit_stats *s, FILE *f)
{
    u64 slow = MIN(s->slow, s->accesses);
    double bytes = ratio(s->executed_bytes, s->executed),
           insns = bytes * ratio(s->measured_insns, s->measured_bytes);
    fprintf(f, "executed       %llu guest instructions, by %.2f of the host (%.1f bytes) each\n",
            (unsigned long long)s->executed, insns, bytes);
    fprintf(f, "accesses       %llu to memory, %.3f %% of them hits of the TLB in line\n",
            (unsigned long long)s->accesses, 100 * ratio(s->accesses - slow, s->accesses));
}

static void print_ratios(const struct jit *jit, const struct jit_stats *s, FILE *f)
{
    u64 found = s->context_changes - MIN(s->contexts, s->context_changes);
    fprintf(f, "TLB contexts   %.2f %% of %llu changes found theirs\n",
            100 * ratio(found, s->context_changes), (unsigned long long)s->context_changes);
    fprintf(f, "translation    %.0f ns and %.1f host bytes per guest instruction\n",
            ratio(s->translate_ns, s->guest_insns), ratio(s->code_bytes, s->guest_insns));
    if (jit->opt.count)
        print_counted(s, f);
}

void jit_print_stats(struct jit *jit, FILE *f)
{
    struct jit_stats sum = jit->past;
    for (u32 n = 0; n < jit->cpu_count; n++) {
        struct jit_stats s = jit_stats_of(jit->cpus[n]);
        jit_stats_add(&sum, &s);
    }
    if (jit->hot) {
        struct jit_stats s = *jit_hot_stats(jit->hot);
        jit_stats_add(&sum, &s);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(counters) - IN_WORDS; i++)
        fprintf(f, "%-14s %llu\n", counters[i].name, (unsigned long long)*counter(&sum, i));
    fprintf(f, "%-14s %llu\n", "invalidations",
            (unsigned long long)atomic_load(&jit->invalidations));
    jit_lock(jit);
    u64 made = jit->links_made, broken = jit->links_broken, waits = jit->lock_waits, ns = jit->lock_wait_ns;
    pthread_mutex_unlock(&jit->lock);
    fprintf(f, "%-14s %llu made, %llu broken\n", "direct links", (unsigned long long)made,
            (unsigned long long)broken);
    fprintf(f, "%-14s %llu waits for it, %.3f s\n", "lock", (unsigned long long)waits, (double)ns / 1e9);
    print_ratios(jit, &sum, f);
    jit_profile_print(jit, f);
}
