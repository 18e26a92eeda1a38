/*
 * shoot.c - TLB flushes that one CPU's instructions ask of the others (architectures whose hardware
 * broadcasts them).
 *
 *   asker: queue the flush at each other CPU, request an exit ... barrier instruction: leave translated
 * code, wait asked: at the next unit boundary, before the isa looks at interrupts: flush, count,
 * wake who waits
 *
 * A CPU that does not run has done what it was asked: it serves its queue before it enters
 * translated code. So two CPUs that wait for each other both get on: who waits sleeps as halted
 * (cpu->halted, isa->wakes), or serves its own queue.
 *
 * Locking: flush_lock of a jit_cpu guards its queue; flush_done is written by its CPU alone. The
 * asker queues before it looks at run_state, the asked one writes run_state before it looks at the
 * queue: one sees the other.
 */
#include "jit/cache.h"

static void queue_one(struct jit_cpu *jc, struct cpu *to, u32 index, const struct jit_flush *f)
{
    struct jit_cpu *other = jit_cpu(to);
    pthread_mutex_lock(&other->flush_lock);
    if (other->flush_count < ARRAY_SIZE(other->flush_queue))
        other->flush_queue[other->flush_count++] = *f;
    else
        other->flush_everything = true;
    jc->flush_ticket[index] = ++other->flush_asked;
    pthread_mutex_unlock(&other->flush_lock);
    /* No kick: a CPU that sleeps need not wake for it. */
    atomic_fetch_or(&to->exit_request, CPU_EXIT_FLUSH);
}

bool jit_flush_others(struct cpu *cpu, const struct jit_flush *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    bool any = false;
    for (u32 i = 0; i < jit->cpu_count; i++) {
        struct cpu *to = jit->cpus[i];
        if (to == cpu || to->isa != cpu->isa)
            continue;
        queue_one(jc, to, i, f);
        any = true;
    }
    return any;
}

bool jit_flush_others_done(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    for (u32 i = 0; i < jit->cpu_count; i++) {
        struct cpu *to = jit->cpus[i];
        if (to != cpu && atomic_load(&jit_cpu(to)->flush_done) < jc->flush_ticket[i] &&
            atomic_load(&to->run_state) == CPU_RUNNING)
            return false;
    }
    return true;
}

void jit_flush_serve(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit_flush queue[ARRAY_SIZE(jc->flush_queue)];
    if (likely(!(cpu_exit_pending(cpu) & CPU_EXIT_FLUSH)))
        return;
    atomic_fetch_and(&cpu->exit_request, ~(u32)CPU_EXIT_FLUSH);
    pthread_mutex_lock(&jc->flush_lock);
    u32 count = jc->flush_count;
    u64 asked = jc->flush_asked;
    bool everything = jc->flush_everything;
    memcpy(queue, jc->flush_queue, count * sizeof(queue[0]));
    jc->flush_count = 0;
    jc->flush_everything = false;
    pthread_mutex_unlock(&jc->flush_lock);
    if (everything)
        jit_flush_all(cpu);
    for (u32 i = 0; i < count && !everything; i++)
        jit_flush(cpu, &queue[i]);
    atomic_store(&jc->flush_done, asked);
}
