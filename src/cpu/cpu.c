/*
 * cpu.c - vCPU threads: start, go, stop, halt, kick, work run on them.
 *
 * Locking: cpu->lock guards wanted, quit and the work list; cpu->changed is signalled at every
 * change of them and of run_state. exit_request and wake are atomics; the order that makes a halted
 * CPU miss no kick is at cpu_wait_halted.
 */
#include "cpu/cpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host.h"
#include "loop/loop.h"

struct cpu_work {
    void (*fn)(struct cpu *cpu, void *arg);
    void *arg;
    bool done;
    struct cpu_work *next;
};

struct cpu *cpu_create(const struct isa *isa, const struct cpu_host *host, struct mem_space *space,
                       u32 index, const char *arch, const char *model, struct err *err)
{
    /* Cache-line aligned: translated code's hottest fields sit at fixed places in lines. */
    size_t size = align_up(isa->cpu_size, 64);
    struct cpu *cpu = aligned_alloc(64, size);
    if (!cpu) {
        err_set(err, ENOMEM, "no memory for CPU %u", index);
        return NULL;
    }
    memset(cpu, 0, size);
    cpu->isa = isa;
    cpu->host = host;
    cpu->space = space;
    cpu->index = index;
    cpu->run_state = CPU_STOPPED;
    pthread_mutex_init(&cpu->lock, NULL);
    pthread_cond_init(&cpu->changed, NULL);
    epoch_register(host->epoch, &cpu->epoch);
    if (isa->init(cpu, arch, model, err))
        goto out_isa;
    if (host->engine->attach(cpu, err))
        goto out_engine;
    return cpu;

out_engine:
    isa->fini(cpu);
out_isa:
    epoch_unregister(host->epoch, &cpu->epoch);
    pthread_cond_destroy(&cpu->changed);
    pthread_mutex_destroy(&cpu->lock);
    free(cpu);
    return NULL;
}

void cpu_destroy(struct cpu *cpu)
{
    if (!cpu)
        return;
    if (cpu->thread_started) {
        pthread_mutex_lock(&cpu->lock);
        cpu->quit = true;
        cpu->wanted = false;
        pthread_cond_broadcast(&cpu->changed);
        pthread_mutex_unlock(&cpu->lock);
        cpu_kick(cpu, CPU_EXIT_STOP);
        pthread_join(cpu->thread, NULL);
    }
    cpu->host->engine->detach(cpu);
    cpu->isa->fini(cpu);
    epoch_unregister(cpu->host->epoch, &cpu->epoch);
    pthread_cond_destroy(&cpu->changed);
    pthread_mutex_destroy(&cpu->lock);
    free(cpu);
}

void cpu_reset(struct cpu *cpu)
{
    assert(cpu_is_stopped(cpu));
    cpu->halted = false;
    cpu->unwind = 0;
    cpu->isa->reset(cpu);
    cpu->host->engine->state_changed(cpu);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* Runs what cpu_run_on queued. Called with the lock held, which is dropped around each function. */
static void cpu_do_work(struct cpu *cpu)
{
    while (cpu->work) {
        struct cpu_work *w = cpu->work;
        cpu->work = w->next;
        pthread_mutex_unlock(&cpu->lock);
        w->fn(cpu, w->arg);
        pthread_mutex_lock(&cpu->lock);
        w->done = true;
        pthread_cond_broadcast(&cpu->changed);
    }
    atomic_fetch_and(&cpu->exit_request, ~(u32)CPU_EXIT_WORK);
}

/* Waits until the CPU should run: true, or should end: false. Does work that comes meanwhile. */
static bool cpu_wait_wanted(struct cpu *cpu)
{
    pthread_mutex_lock(&cpu->lock);
    cpu_do_work(cpu);
    while (!cpu->wanted && !cpu->quit) {
        if (!cpu_is_stopped(cpu)) {
            atomic_store(&cpu->run_state, CPU_STOPPED);
            pthread_cond_broadcast(&cpu->changed);
        }
        pthread_cond_wait(&cpu->changed, &cpu->lock);
        cpu_do_work(cpu);
    }
    bool go = !cpu->quit;
    if (go) {
        atomic_fetch_and(&cpu->exit_request, ~(u32)CPU_EXIT_STOP);
        atomic_store(&cpu->run_state, CPU_RUNNING);
    }
    pthread_mutex_unlock(&cpu->lock);
    return go;
}

/*
 * Sleeps in WFI. The waker sets its request, adds to wake, then looks at run_state; we set
 * run_state, then look at the requests: one of the two sees the other (all sequentially
 * consistent).
 */
static void cpu_wait_halted(struct cpu *cpu)
{
    u32 wake = atomic_load(&cpu->wake);
    atomic_store(&cpu->run_state, CPU_HALTED);
    if (cpu->isa->wakes(cpu))
        cpu->halted = false;
    else if (!(atomic_load(&cpu->exit_request) & ~(u32)(CPU_EXIT_IRQ | CPU_EXIT_MAP | CPU_EXIT_FLUSH)))
        host_futex_wait(&cpu->wake, wake, cpu->halt_ns ? cpu->halt_ns : UINT64_MAX);
    if (cpu->halt_ns)
        cpu->halted = false; /* the isa looks again */
    cpu->halt_ns = 0;
    atomic_store(&cpu->run_state, CPU_RUNNING);
}

static void *cpu_main(void *arg)
{
    struct cpu *cpu = arg;
    char name[16];
    snprintf(name, sizeof(name), "cpu %u", cpu->index);
    host_thread_name(name);
    while (cpu_wait_wanted(cpu)) {
        while (cpu->halted && !(cpu_exit_pending(cpu) & (CPU_EXIT_STOP | CPU_EXIT_WORK)))
            cpu_wait_halted(cpu);
        if (cpu->halted)
            continue;
        epoch_online(cpu->host->epoch, &cpu->epoch);
        cpu->host->engine->run(cpu);
        epoch_offline(cpu->host->epoch, &cpu->epoch);
    }
    return NULL;
}

int cpu_start(struct cpu *cpu, struct err *err)
{
    int r = pthread_create(&cpu->thread, NULL, cpu_main, cpu);
    if (r)
        return err_set_errno(err, r, "cannot start the thread of CPU %u", cpu->index);
    cpu->thread_started = true;
    return 0;
}

void cpu_go(struct cpu *cpu)
{
    if (cpu->powered_off)
        return;
    pthread_mutex_lock(&cpu->lock);
    cpu->wanted = true;
    /* So that nobody who stops it right after mistakes the thread, not yet awake, for stopped. A
     * CPU that is already going may sleep in WFI: it stays halted, or a kick would not wake it. */
    u32 stopped = CPU_STOPPED;
    atomic_compare_exchange_strong(&cpu->run_state, &stopped, CPU_RUNNING);
    pthread_cond_broadcast(&cpu->changed);
    pthread_mutex_unlock(&cpu->lock);
}

void cpu_stop_request(struct cpu *cpu)
{
    pthread_mutex_lock(&cpu->lock);
    cpu->wanted = false;
    pthread_mutex_unlock(&cpu->lock);
    cpu_kick(cpu, CPU_EXIT_STOP);
}

/* Waits for a change of the CPU, lock held. It may be about to reuse code memory, for which it
 * waits for every reader of the epochs: the loop's thread is none while it waits here. */
static void cpu_wait_changed(struct cpu *cpu)
{
    struct loop *loop = cpu->host->loop;
    if (loop)
        loop_wait_begin(loop);
    pthread_cond_wait(&cpu->changed, &cpu->lock);
    if (loop)
        loop_wait_end(loop);
}

void cpu_stop_wait(struct cpu *cpu)
{
    assert(!cpu->thread_started || !pthread_equal(pthread_self(), cpu->thread));
    pthread_mutex_lock(&cpu->lock);
    while (cpu->thread_started && !cpu_is_stopped(cpu))
        cpu_wait_changed(cpu);
    pthread_mutex_unlock(&cpu->lock);
}

/* ---- From any thread ------------------------------------------------------------------------- */

void cpu_kick(struct cpu *cpu, u32 why)
{
    atomic_fetch_or(&cpu->exit_request, why);
    atomic_fetch_add(&cpu->wake, 1);
    if (atomic_load(&cpu->run_state) == CPU_HALTED)
        host_futex_wake(&cpu->wake);
}

void cpu_run_on(struct cpu *cpu, void (*fn)(struct cpu *cpu, void *arg), void *arg)
{
    if (!cpu->thread_started || pthread_equal(pthread_self(), cpu->thread)) {
        fn(cpu, arg);
        return;
    }
    struct cpu_work work = {.fn = fn, .arg = arg};
    pthread_mutex_lock(&cpu->lock);
    struct cpu_work **tail = &cpu->work;
    while (*tail)
        tail = &(*tail)->next;
    *tail = &work;
    pthread_cond_broadcast(&cpu->changed);
    cpu_kick(cpu, CPU_EXIT_WORK);
    while (!work.done)
        cpu_wait_changed(cpu);
    pthread_mutex_unlock(&cpu->lock);
}

static void cpu_irq_set(void *sink, unsigned n, int level)
{
    struct cpu *cpu = sink;
    cpu->isa->set_irq(cpu, n, level);
}

struct irq cpu_irq(struct cpu *cpu, unsigned n)
{
    return (struct irq){.set = cpu_irq_set, .sink = cpu, .n = n};
}
