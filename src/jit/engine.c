/*
 * engine.c - the run loop of a vCPU, for translated code and for the interpreter.
 *
 *   run:  requests? -> context for the CPU's mode -> unit for pc -> enter it -> it returns
 *           a link      resolve the target, patch the link, enter the target
 *           LOOKUP      pc is in its slot: interrupts, mode and context are looked at anew
 *
 * Interrupts are taken only here, between units, with all state written. Host float control is the
 * guest's inside run.
 */
#include "jit/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/option.h"
#include "jit/cache.h"
#include "jit/check.h"
#include "jit/interp.h"
#include "jit/profile.h"
#include "jit/stats.h"
#include "jit/targets.h"
#include "memory/memory.h"

static u64 *pc_slot(struct cpu *cpu)
{
    return (u64 *)((u8 *)cpu + cpu->isa->slots[cpu->isa->pc_slot].offset);
}

/* ---- One unit -------------------------------------------------------------------------------- */

/* The interpreter's turn; like translated code, leaves pc in its slot or returns at a link's target
 * the same way. */
static void enter_interp(struct cpu *cpu, struct jit_unit *u)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    jit_place_set(cpu, JIT_IN_INTERPRETER);
    struct ir_interp_exit e = interp_run(cpu, u->ir, jc->values);
    jit_place_set(cpu, JIT_IN_ENGINE);
    if (e.kind == IR_INTERP_FAULT)
        cpu->isa->fault(cpu, &e.fault);
    else if (e.kind == IR_INTERP_JUMP)
        *pc_slot(cpu) = e.pc;
}

/* For stress-hot. */
static bool closes_loop(const struct jit_link *link, const struct jit_unit *u)
{
    return u->pc <= link->from->pc && !u->region && !u->crosses;
}

static void fetch_fault(struct cpu *cpu, const struct isa_fault *f)
{
    jit_cpu(cpu)->stats.faults++;
    u32 was = jit_place_enter(cpu, JIT_IN_TRAP);
    cpu->isa->fault(cpu, f);
    jit_place_set(cpu, was);
}

/* Runs translated code from `code` until it needs the engine; links on the way are resolved. */
static void enter_code(struct cpu *cpu, const u8 *code, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    for (;;) {
        struct jit_link *link = jit->enter(cpu, jc->context, code, pc);
        jit_place_set(cpu, JIT_IN_ENGINE);
        jc->stats.exits++;
        if (link == JIT_EXIT_LOOKUP)
            return;
        pc = jit_real_pc(cpu, link->pc);
        *pc_slot(cpu) = pc;
        if (cpu_exit_pending(cpu) || !jit->opt.link || jc->check)
            return;
        struct isa_fault f;
        u64 chunks = jc->compiler.chunks_taken;
        jit_place_set(cpu, JIT_IN_LOOKUP);
        struct jit_unit *u = jit_unit_at(cpu, pc, &f);
        if (!u) {
            fetch_fault(cpu, &f);
            return;
        }
        if (!jc->unit_fine) {
            if (jc->compiler.chunks_taken == chunks) {
                if (unlikely(jit->opt.stress_hot) && closes_loop(link, u) &&
                    (jit_region_form(cpu, pc) || jc->compiler.chunks_taken != chunks))
                    return;
                jit_link(jit, link, u);
            }
            jc->stats.links++;
            jit_jump_insert(cpu, u, pc);
        }
        code = u->code;
    }
}

/* Host code (or unit, for the interpreter) at pc; NULL after a fetch fault was taken. */
static const u8 *code_at(struct cpu *cpu, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct tlb_jump_entry *e = &jc->context->jump[tlb_jump_index(pc)];
    /* A unit whose instruction goes on behind its page has left because the code entry of the page
     * behind is missing: only the long way fills it. Nearness to the page's end stands for that. */
    bool may_cross = (pc & (TLB_PAGE - 1)) > TLB_PAGE - 16;
    if (!may_cross && atomic_load_explicit(&e->pc, memory_order_relaxed) == pc)
        return e->code;
    struct isa_fault f;
    jit_place_set(cpu, JIT_IN_LOOKUP);
    struct jit_unit *u = jit_unit_at(cpu, pc, &f);
    jc->stats.lookups++;
    if (!u) {
        fetch_fault(cpu, &f);
        return NULL;
    }
    if (!jc->unit_fine)
        jit_jump_insert(cpu, u, pc);
    jit_place_set(cpu, JIT_IN_ENGINE);
    return u->code ? u->code : (const u8 *)u;
}

/* ---- Loop ------------------------------------------------------------------------------------ */

/* False: the engine must return to the CPU's thread. */
static bool engine_requests(struct cpu *cpu)
{
    u32 why = cpu_exit_pending(cpu);
    if (why & (CPU_EXIT_STOP | CPU_EXIT_WORK))
        return false;
    if (why & CPU_EXIT_MAP)
        jit_map_changed(cpu);
    if (why & CPU_EXIT_FLUSH)
        jit_flush_serve(cpu);
    if (why & CPU_EXIT_IRQ && jit_cpu(cpu)->jit->opt.hot && !cpu->halted)
        jit_region_sample(cpu, *pc_slot(cpu));
    if (why & CPU_EXIT_IRQ)
        atomic_fetch_and(&cpu->exit_request, ~(u32)CPU_EXIT_IRQ);
    u32 was = jit_place_enter(cpu, JIT_IN_TRAP);
    if (cpu->isa->interrupt(cpu)) {
        jit_cpu(cpu)->stats.interrupts++;
        cpu->halted = false;
    }
    jit_place_set(cpu, was);
    return !cpu->halted;
}

static void engine_loop(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    while (engine_requests(cpu)) {
        epoch_quiescent(jit->epoch, &cpu->epoch);
        cpu->unwind = 0;
        if (unlikely(jit->opt.stress_flush) && ++jc->until_flush >= jit->opt.stress_flush) {
            jc->until_flush = 0;
            jit_cache_flush(cpu);
            jit_flush_all(cpu);
        }
        jit_context_refresh(cpu);
        u64 pc = *pc_slot(cpu);
        const u8 *code = code_at(cpu, pc);
        if (!code)
            continue;
        if (log_on(jit->log, LOG_EXEC | LOG_CPU))
            jit_log_entry(cpu, pc);
        if (!jit->backend)
            enter_interp(cpu, (struct jit_unit *)(uintptr_t)code);
        else if (unlikely(jc->check))
            jit_check_enter(cpu, pc, enter_code, code);
        else
            enter_code(cpu, code, pc);
        if (unlikely(cpu->jumped_from))
            jit_targets_record(cpu, *pc_slot(cpu));
    }
}

static void engine_run(struct cpu *cpu)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    if (unlikely(jit->opt.profile))
        jit_profile_begin(cpu);
    jit_place_set(cpu, JIT_IN_ENGINE);
    jit_float_reload(cpu);
    engine_loop(cpu);
    jit_place_set(cpu, JIT_IN_IDLE);
    jit_float_merge(cpu);
    if (jit->backend)
        jit->backend->float_restore();
    epoch_reclaim(jit->epoch);
}

void jit_float_merge(struct cpu *cpu)
{
    const struct jit_backend *backend = jit_cpu(cpu)->jit->backend;
    if (!backend)
        return;
    unsigned flags = backend->float_accrued();
    if (flags)
        cpu->isa->float_accrue(cpu, flags);
}

void jit_float_reload(struct cpu *cpu)
{
    const struct jit_backend *backend = jit_cpu(cpu)->jit->backend;
    if (backend)
        backend->float_control(cpu->isa->float_round(cpu));
}

void jit_each_cpu(struct cpu *cpu, void (*fn)(struct cpu *each, void *arg), void *arg)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    for (u32 i = 0; i < jit->cpu_count; i++)
        fn(jit->cpus[i], arg);
}

/* ---- Attach ---------------------------------------------------------------------------------- */

static int engine_attach(struct cpu *cpu, struct err *err)
{
    struct jit *jit = cpu->host->engine_shared;
    if (jit->cpu_count == ARRAY_SIZE(jit->cpus))
        return err_set(err, ENOSPC, "more than %zu CPUs", ARRAY_SIZE(jit->cpus));
    if (jit->opt.check && jit->cpu_count)
        return err_set(err, EINVAL, "-accel jit,check=on compares exactly with one CPU only: use -smp 1");
    /* Each CPU has a chunk that it fills, and one must be left for who looks for the next. */
    if (jit->cpu_count + 2 > jit->chunk_count)
        return err_set(err, ENOSPC, "-accel tb-size=%u is too small for more than %u CPUs",
                       jit->opt.cache_mib, jit->cpu_count);
    struct jit_cpu *jc = host_map(sizeof(*jc), err);
    if (!jc)
        return err ? -err->code : -ENOMEM;
    jc->jit = jit;
    jit_compiler_init(&jc->compiler, jit, cpu, &jc->stats);
    jc->values = alloc_zero(2 * IR_MAX_OPS * sizeof(*jc->values));
    if (jit->opt.check)
        jc->check = alloc_zero(sizeof(*jc->check));
    pthread_mutex_init(&jc->flush_lock, NULL);
    cpu->engine_data = jc;
    jit_place_set(cpu, JIT_IN_IDLE);
    jit_profile_attach(cpu);
    jit->cpus[jit->cpu_count++] = cpu;
    return 0;
}

static void engine_detach(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    jit_hot_stop(jit->hot, cpu->host->loop);
    jit_compiler_fini(&jc->compiler);
    jit_profile_detach(cpu);
    struct jit_stats stats = jit_stats_of(cpu);
    jit_stats_add(&jit->past, &stats);
    for (u32 i = 0; i < jit->cpu_count; i++) {
        if (jit->cpus[i] == cpu) {
            jit->cpus[i] = jit->cpus[--jit->cpu_count];
            break;
        }
    }
    free(jc->values);
    free(jc->check);
    pthread_mutex_destroy(&jc->flush_lock);
    host_unmap(jc, sizeof(*jc));
    cpu->engine_data = NULL;
}

static void engine_state_changed(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    jit_flush_all(cpu);
    jc->context = NULL;
    cpu->linked = 0;
}

const struct cpu_engine cpu_engine_jit = {
    .name = "jit",
    .attach = engine_attach,
    .detach = engine_detach,
    .run = engine_run,
    .state_changed = engine_state_changed,
};

const struct cpu_engine cpu_engine_interp = {
    .name = "interp",
    .attach = engine_attach,
    .detach = engine_detach,
    .run = engine_run,
    .state_changed = engine_state_changed,
};
