/*
 * profile.h - where a CPU's time goes: what it does in C is written in cpu->place by the slow
 * paths, and read by a sampler (profile=on) that stops its thread now and then. For files of jit/.
 *
 * The words are written always, since a store or two is nothing beside what they announce; calls of
 * helpers are marked in translated code only with profile=on. Where the sampler finds the thread
 * inside of the code memory, the word says nothing: so who is entered from there need not put back
 * what was before, and who may be called by others in C must.
 */
#ifndef JIT_PROFILE_H
#define JIT_PROFILE_H

#include "jit/jit.h"

/* X(name, what the report says) */
#define JIT_PLACES(X)                                                                              \
    X(CODE, "translated code")                                                                     \
    X(STUBS, "entry, exit and slow-path stubs")                                                    \
    X(INTERPRETER, "interpreter")                                                                  \
    X(ENGINE, "run loop")                                                                          \
    X(LOOKUP, "unit look-up and links")                                                            \
    X(FRONT, "translation: front end")                                                             \
    X(PASSES, "translation: passes")                                                               \
    X(EMITTER, "translation: emitter")                                                             \
    X(TRANSLATE, "translation: units and lines")                                                   \
    X(LOAD, "translations from disk")                                                              \
    X(REGION, "regions")                                                                           \
    X(SLOW, "memory: slow path")                                                                   \
    X(WALK, "memory: TLB miss, page walk")                                                         \
    X(MMIO, "memory: devices")                                                                     \
    X(WRITTEN, "memory: code overwritten")                                                         \
    X(CONTEXT, "TLB: change of context")                                                           \
    X(FLUSH, "TLB: flush")                                                                         \
    X(SOFT, "floats and vectors in C")                                                             \
    X(TRAP, "traps: faults and interrupts")                                                        \
    X(WAIT, "waiting for other CPUs' epochs")                                                      \
    X(IDLE, "sleep, wake-up, requests")

enum jit_place {
#define X(name, text) JIT_IN_##name,
    JIT_PLACES(X)
#undef X
        JIT_IN_HELPER, /* ... + its number in the isa's table */
};

static inline void jit_place_set(struct cpu *cpu, u32 place)
{
    atomic_store_explicit(&cpu->place, (u16)place, memory_order_relaxed);
}

/* The place before, to be put back. */
static inline u32 jit_place_enter(struct cpu *cpu, u32 place)
{
    u32 was = atomic_load_explicit(&cpu->place, memory_order_relaxed);
    jit_place_set(cpu, place);
    return was;
}

/* A part of a translation; what is done for a region is the region's. */
static inline u32 jit_place_translate(struct cpu *cpu, u32 place)
{
    u32 was = atomic_load_explicit(&cpu->place, memory_order_relaxed);
    if (was != JIT_IN_REGION)
        jit_place_set(cpu, place);
    return was;
}

/* One CPU's times by place; lives as long as its struct jit, and is read by any thread. */
struct jit_profile {
    struct jit_profile *next;
    const struct isa *isa;
    struct cpu *cpu; /* only while it is attached */
    const struct host_code *code;
    u32 stub_bytes;
    bool failed;
    struct host_sampler sampler;
    _Atomic u64 ns[]; /* by place */
};

/* With profile=on: when a CPU is attached, when its thread enters the engine, when it is detached.
 */
void jit_profile_attach(struct cpu *cpu);
void jit_profile_begin(struct cpu *cpu);
void jit_profile_detach(struct cpu *cpu);
void jit_profile_free(struct jit *jit);
void jit_profile_print(struct jit *jit, FILE *f);

#endif
