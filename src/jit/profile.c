/*
 * profile.c - the sampler of profile=on and its report (profile.h).
 *
 * The handler runs on the CPU's own thread and touches only the CPU's place and its own table,
 * which outlives the timer. Locking: jit->profiles grows on the main thread; the tables' words are
 * atomic.
 */
#include "jit/profile.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

static const char *const place_text[] = {
#define X(name, text) [JIT_IN_##name] = text,
    JIT_PLACES(X)
#undef X
};

/* ---- Sampling -------------------------------------------------------------------------------- */

/* In a signal handler. */
static void see(void *opaque, uintptr_t pc, u64 ns)
{
    struct jit_profile *p = opaque;
    u64 offset = pc - (uintptr_t)p->code->rx;
    u32 place = atomic_load_explicit(&p->cpu->place, memory_order_relaxed);
    if (offset < p->code->size)
        place = offset < p->stub_bytes ? JIT_IN_STUBS : JIT_IN_CODE;
    u64 sum = atomic_load_explicit(&p->ns[place], memory_order_relaxed);
    atomic_store_explicit(&p->ns[place], sum + ns, memory_order_relaxed);
}

void jit_profile_attach(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    if (!jit->opt.profile)
        return;
    size_t places = JIT_IN_HELPER + cpu->isa->helper_count;
    struct jit_profile *p = alloc_zero(sizeof(*p) + places * sizeof(p->ns[0]));
    p->isa = cpu->isa;
    p->cpu = cpu;
    p->code = &jit->code;
    p->stub_bytes = jit->stub_bytes;
    p->sampler = (struct host_sampler){.see = see, .opaque = p};
    p->next = jit->profiles;
    jit->profiles = p;
    jc->profile = p;
}

void jit_profile_begin(struct cpu *cpu)
{
    struct jit_profile *p = jit_cpu(cpu)->profile;
    if (p->sampler.on || p->failed)
        return;
    int r = host_sampler_start(&p->sampler);
    if (r) {
        p->failed = true;
        log_write(cpu->host->log, "-accel profile=on: CPU %u has no timer of its CPU time: %s\n",
                  cpu->index, strerror(-r));
    }
}

void jit_profile_detach(struct cpu *cpu)
{
    struct jit_profile *p = jit_cpu(cpu)->profile;
    if (p)
        host_sampler_stop(&p->sampler);
}

void jit_profile_free(struct jit *jit)
{
    while (jit->profiles) {
        struct jit_profile *p = jit->profiles;
        jit->profiles = p->next;
        free(p);
    }
}

/* ---- Report ---------------------------------------------------------------------------------- */

enum { ROWS = JIT_IN_HELPER + 1024, BAR = 40 };
struct row {
    const char *kind, *name;
    u64 ns;
};
struct report {
    struct row row[ROWS];
    u32 count;
    u64 sum;
};

static void add_row(struct report *r, const char *kind, const char *name, u64 ns)
{
    u32 i = 0;
    if (!ns)
        return;
    while (i < r->count && (r->row[i].kind != kind || strcmp(r->row[i].name, name)))
        i++;
    if (i == ROWS)
        i = ROWS - 1; /* more helpers than there are in all architectures */
    if (i == r->count)
        r->row[r->count++] = (struct row){.kind = kind, .name = name};
    r->row[i].ns += ns;
    r->sum += ns;
}

static void add_profile(struct report *r, struct jit_profile *p)
{
    static const char place[] = "", helper[] = "helper ";
    for (u32 i = 0; i < JIT_IN_HELPER; i++)
        add_row(r, place, place_text[i], atomic_load_explicit(&p->ns[i], memory_order_relaxed));
    for (u32 i = 0; i < p->isa->helper_count; i++)
        add_row(r, helper, p->isa->helpers[i].name,
                atomic_load_explicit(&p->ns[JIT_IN_HELPER + i], memory_order_relaxed));
}

static int by_time(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : strcmp(x->name, y->name);
}

static void print_row(FILE *f, const struct row *row, u64 sum)
{
    static const char bar[] = "########################################";
    _Static_assert(sizeof(bar) == BAR + 1, "a bar of 100 %");
    double share = (double)row->ns / (double)sum;
    char name[64];
    snprintf(name, sizeof(name), "%s%s", row->kind, row->name);
    fprintf(f, "  %-36s %6.2f %% %8.3f s  %.*s\n", name, 100 * share, (double)row->ns / 1e9,
            (int)(share * BAR + 0.5), bar);
}

void jit_profile_print(struct jit *jit, FILE *f)
{
    u64 user, kernel;
    if (!jit->opt.profile)
        return;
    struct report *r = alloc_zero(sizeof(*r));
    for (struct jit_profile *p = jit->profiles; p; p = p->next)
        add_profile(r, p);
    host_process_ns(&user, &kernel);
    fprintf(f, "CPU time       %.2f s in the process, %.2f s of it in the host's kernel\n",
            (double)(user + kernel) / 1e9, (double)kernel / 1e9);
    fprintf(f, "profile        %.2f s on CPUs' threads\n", (double)r->sum / 1e9);
    qsort(r->row, r->count, sizeof(r->row[0]), by_time);
    for (u32 i = 0; i < r->count; i++)
        print_row(f, &r->row[i], r->sum);
    free(r);
}
