/*
 * translate.c - measures translation alone: the code of an ELF program, translated from its first unit to its last
 * without being run, several times over.
 *
 * usage: bench-translate PROGRAM [TURNS]
 *
 * The segment with code lies in RAM at physical addresses; the CPU is as after reset, its float registers usable. A unit
 * begins where the one before it ended, so every instruction is translated once a turn. After a turn all code is
 * forgotten, and its memory is filled anew. Prints the least turn; tests/bench/translate-profile counts instructions of it.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/arm/arm.h"
#include "jit/cache.h"
#include "jit/engine.h"
#include "memory/memory.h"

enum { BASE = 0x10000000, RAM_SIZE = 64 * MiB };

/* Architectures, by the ELF machine. mode_off: bits of the mode word that trap the float registers after reset. */
static const struct target {
    u16 machine;
    const char *isa, *arch, *model;
    u64 mode_off;
} targets[] = {
    {EM_RISCV, "riscv", "riscv64", "", 0},
    {EM_AARCH64, "arm", "aarch64", "max", ARM_MODE_FP},
};

struct bench {
    struct epoch epoch;
    struct log log;
    struct memory memory;
    struct mem_region root, region;
    struct mem_space space;
    struct ram_block *ram;
    struct cpu_host host;
    struct clock clock;
    struct jit *jit;
    struct cpu *cpu;
    u64 start, end; /* of the code */
    const struct target *target;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench-translate: %s: %s\n", what, why);
    exit(1);
}

static u8 *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail(path, "cannot be opened");
    u8 *data = malloc(RAM_SIZE);
    *size = fread(data, 1, RAM_SIZE, f);
    fclose(f);
    return data;
}

/* The section of code, where the file has one of its own (.text): what surrounds it is stubs and data. */
static const Elf64_Shdr *find_text(const u8 *file, size_t size)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)file;
    const Elf64_Shdr *s = (const Elf64_Shdr *)(file + h->e_shoff);
    if (h->e_shoff + h->e_shnum * sizeof(*s) > size || h->e_shstrndx >= h->e_shnum)
        return NULL;
    const char *names = (const char *)file + s[h->e_shstrndx].sh_offset;
    for (unsigned i = 0; i < h->e_shnum; i++) {
        if (!strcmp(names + s[i].sh_name, ".text") && s[i].sh_offset + s[i].sh_size <= size)
            return &s[i];
    }
    return NULL;
}

static void load(struct bench *w, const char *path)
{
    size_t size;
    u8 *file = read_file(path, &size);
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)file;
    if (size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64)
        fail(path, "no 64-bit ELF file");
    for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
        if (targets[i].machine == h->e_machine)
            w->target = &targets[i];
    }
    const Elf64_Shdr *text = find_text(file, size);
    if (!w->target || !text)
        fail(path, "no .text of an architecture that is known here");
    w->start = BASE + (text->sh_addr & (TLB_PAGE - 1));
    w->end = w->start + text->sh_size;
    memcpy(w->ram->host + (w->start - BASE), file + text->sh_offset, text->sh_size);
    free(file);
}

static void make_machine(struct bench *w, const char *path)
{
    struct err err = {0};
    epoch_init(&w->epoch);
    log_init(&w->log);
    clock_init(&w->clock, CLOCK_KIND_VIRTUAL);
    memory_init(&w->memory, &w->epoch);
    w->ram = ram_block_new(&w->memory, "ram", RAM_SIZE, &err);
    if (!w->ram)
        fail("memory", err.text);
    mem_container(&w->root, "root", UINT64_MAX);
    mem_ram(&w->region, "ram", w->ram, 0, RAM_SIZE);
    mem_map(&w->memory, &w->root, BASE, &w->region, 0);
    mem_space_init(&w->space, &w->memory, "bench", &w->root);
    load(w, path);
    w->jit = jit_create("jit,tb-size=128", &w->memory, &w->epoch, &w->log, &err);
    if (!w->jit)
        fail("-accel jit", err.text);
    w->host = (struct cpu_host){.epoch = &w->epoch,
                                .log = &w->log,
                                .clock = &w->clock,
                                .engine_shared = w->jit,
                                .engine = &cpu_engine_jit};
    for (const struct isa *const *isa = isa_registry; *isa; isa++) {
        if (!strcmp((*isa)->name, w->target->isa))
            w->cpu = cpu_create(*isa, &w->host, &w->space, 0, w->target->arch, w->target->model, &err);
    }
    if (!w->cpu)
        fail(w->target->isa, err.text);
    w->cpu->isa->reset(w->cpu);
    w->cpu->mode &= ~w->target->mode_off;
    jit_context_refresh(w->cpu);
}

static void free_machine(struct bench *w)
{
    cpu_destroy(w->cpu);
    jit_destroy(w->jit);
    mem_space_fini(&w->space);
    mem_unmap(&w->memory, &w->region);
    memory_fini(&w->memory);
    clock_fini(&w->clock);
    log_fini(&w->log);
    epoch_fini(&w->epoch);
}

/* Its name is known to tests/bench/translate-profile. */
__attribute__((noinline)) void bench_turn(struct bench *w);
void bench_turn(struct bench *w)
{
    for (u64 pc = w->start; pc < w->end;) {
        struct isa_fault f;
        struct jit_unit *u = jit_unit_at(w->cpu, pc, &f);
        if (!u)
            fail("translation", "a fetch faults");
        pc += u->guest_bytes;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: bench-translate PROGRAM [TURNS]\n");
        return 1;
    }
    struct bench *w = calloc(1, sizeof(*w));
    make_machine(w, argv[1]);
    struct jit_stats *stats = &jit_cpu(w->cpu)->stats, before = {0}, least = {.translate_ns = UINT64_MAX};
    for (int turns = argc > 2 ? atoi(argv[2]) : 5; turns > 0; turns--) {
        before = *stats;
        u64 start = host_thread_ns(); /* the machine may have other work */
        bench_turn(w);
        u64 ns = host_thread_ns() - start;
        if (ns < least.translate_ns)
            least = (struct jit_stats){.units = stats->units - before.units,
                                       .guest_insns = stats->guest_insns - before.guest_insns,
                                       .code_bytes = stats->code_bytes - before.code_bytes,
                                       .translate_ns = ns};
        jit_cache_flush(w->cpu);
    }
    double insns = (double)least.guest_insns;
    printf("%llu units, %llu guest instructions (%.1f a unit): %.1f ns and %.1f host bytes each\n",
           (unsigned long long)least.units, (unsigned long long)least.guest_insns, insns / (double)least.units,
           (double)least.translate_ns / insns, (double)least.code_bytes / insns);
    free_machine(w);
    free(w);
    return 0;
}
