/*
 * cpu.h - the ISA-neutral head of a vCPU: thread, run state, kick and poll, mode.
 *
 * Each vCPU has one host thread, which alone touches its state while it runs. Others reach it by
 *   cpu_kick()      leave translated code at the next poll (any thread)
 *   isa->set_irq    through struct irq (any thread)
 *   cpu_run_on()    run a function on the vCPU's thread between units (any thread; waits)
 * and may read or write its state only while it is stopped (cpu_stop() returned, or inside
 * cpu_run_on).
 *
 * Run states:
 *                 cpu_start                    cpu_go                     isa: wfi
 *     (created) -----------> CPU_STOPPED <---------------> CPU_RUNNING <------------> CPU_HALTED
 *                                  |        cpu_stop            ^        wakes/kick
 *                                  +------> (thread ends by cpu_destroy)
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include <pthread.h>
#include "base/base.h"
#include "base/epoch.h"
#include "base/err.h"
#include "base/log.h"
#include "cpu/isa.h"
#include "device/irq.h"

struct mem_space;
struct clock;
struct loop;
struct cpu;

/* Bits of exit_request: why to leave translated code at the next poll. */
enum cpu_exit {
    CPU_EXIT_IRQ = 1,   /* an interrupt input rose: look at isa->interrupt */
    CPU_EXIT_WORK = 2,  /* cpu_run_on waits */
    CPU_EXIT_STOP = 4,  /* run state must become stopped */
    CPU_EXIT_DEBUG = 8, /* single step or breakpoint */
    CPU_EXIT_MAP = 16,  /* the physical memory map changed: what is cached of it goes */
    CPU_EXIT_FLUSH = 32, /* another CPU's TLB maintenance waits in the engine's queue */
};

/* An engine executes a vCPU. run() returns when a CPU_EXIT_WORK/STOP request is there or the CPU
 * halts. */
struct cpu_engine {
    const char *name;                                /* "jit", "interp", "kvm" */
    int (*attach)(struct cpu *cpu, struct err *err); /* makes cpu->engine_data */
    void (*detach)(struct cpu *cpu);
    void (*run)(struct cpu *cpu);
    /* State was changed from outside (reset, snapshot load, debugger): nothing cached of it holds.
     * CPU stopped. */
    void (*state_changed)(struct cpu *cpu);
};

enum cpu_run_state { CPU_STOPPED, CPU_RUNNING, CPU_HALTED };

/* Services the machine gives its CPUs; outlives them. */
struct cpu_host {
    struct epoch *epoch;
    struct log *log;
    struct clock *clock; /* virtual: counters and timers */
    struct loop *loop;   /* whose thread runs the CPUs' timers; NULL: no timers (tests) */
    void *engine_shared; /* the engine's per-machine part (struct jit *) */
    const struct cpu_engine *engine;
    void (*guest_panic)(void *opaque, struct cpu *cpu,
                        const char *why); /* stops the machine with a message */
    void *opaque;
};

struct cpu_work;

/* Engine: what translated code counts of itself when it is asked to. */
struct cpu_counts {
    u64 insns;      /* guest instructions that were begun */
    u64 code_bytes; /* of host code for these, without the counting and what is off the hot line */
    u64 accesses;   /* to memory, in line or not */
};

struct cpu {
    /* -- Read by translated code. */
    _Atomic u32 exit_request; /* enum cpu_exit; tested at each unit entry */
    u8 unwind;                /* a helper entered a trap: translated code leaves (IR_FX_FAULT) */
    u8 linked;   /* bytes of the load-linked whose reservation holds, 0: none (jit/atomic.c) */
    bool halted; /* isa: waits for an interrupt (WFI); the engine returns */
    u64 code_base; /* engine: the page that the movable unit under way is at (jit/ir.h) */
    u64 mode;    /* mode word: the isa keeps it true at every unit boundary */
    u32 context_stamp; /* the isa bumps it when isa->context() would answer anew */
    _Atomic u16 place; /* engine: what it does outside of translated code (jit/profile.h) */
    u32 jumped_from;   /* engine: the indirect jump that has left to be recorded (jit/targets.h), or 0 */
    u64 halt_ns;       /* isa: halted no longer than this; 0: until isa->wakes() */

    /* -- Fixed after cpu_init. */
    const struct isa *isa;
    const struct cpu_host *host;
    struct mem_space *space; /* physical address space as this CPU sees it */
    u32 index;               /* in the machine */
    u64 reset_pc;            /* where its machine lets it start */
    void *engine_data;       /* struct jit_cpu * ... */

    /* -- Thread. */
    pthread_t thread;
    struct epoch_thread epoch;
    _Atomic u32 wake;      /* futex: counts wake-ups */
    _Atomic u32 run_state; /* enum cpu_run_state */
    bool thread_started;
    bool powered_off; /* firmware or board parked it: cpu_go does not start it */
    bool quit;
    bool wanted; /* should run */
    pthread_mutex_t lock; /* guards work, wanted, quit */
    pthread_cond_t changed;
    struct cpu_work *work;
    struct cpu_counts counts;
};

/* -- Life, on the main thread. */
struct cpu *cpu_create(const struct isa *isa, const struct cpu_host *host, struct mem_space *space,
                       u32 index, const char *arch, const char *model, struct err *err);
void cpu_destroy(struct cpu *cpu);
void cpu_reset(struct cpu *cpu);                            /* stopped */
int must_check cpu_start(struct cpu *cpu, struct err *err); /* makes the thread, stopped */
void cpu_go(struct cpu *cpu);
void cpu_stop_request(struct cpu *cpu); /* any thread; does not wait */
void cpu_stop_wait(struct cpu *cpu);    /* not on a vCPU's thread */
static inline bool cpu_is_stopped(struct cpu *cpu)
{
    return atomic_load(&cpu->run_state) == CPU_STOPPED;
}

/* -- From any thread. */
void cpu_kick(struct cpu *cpu, u32 why); /* enum cpu_exit bits */
void cpu_run_on(struct cpu *cpu, void (*fn)(struct cpu *cpu, void *arg), void *arg);
/* The wire to interrupt input n. */
struct irq cpu_irq(struct cpu *cpu, unsigned n);

static inline u32 cpu_exit_pending(struct cpu *cpu)
{
    return atomic_load_explicit(&cpu->exit_request, memory_order_relaxed);
}

#endif
