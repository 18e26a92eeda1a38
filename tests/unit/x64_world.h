/*
 * x64_world.h - a made-up architecture (32 integer and 32 float slots) on a machine of 64 KiB of
 * memory and one device, with an engine: what the x86-64 back end's test stands on.
 *
 * All that the guest shows is in struct toy and the memory; what devices and traps see is hashed
 * into toy.trace, so the order of effects is compared too.
 */
#ifndef TESTS_UNIT_X64_WORLD_H
#define TESTS_UNIT_X64_WORLD_H

#include <stdlib.h>

#include "jit/build.h"
#include "jit/cache.h"
#include "jit/engine.h"
#include "jit/x86_64/stubs.h"
#include "memory/memory.h"

enum { RAM_PAGES = 16, RAM_SIZE = RAM_PAGES * 4096, IO_BASE = 0x20000, SLOTS = 65, PC = 64 };

struct toy {
    struct cpu cpu;
    u64 x[32], f[32], pc;
    u64 misc[4];
    u32 round, flags;
    u64 trace; /* of device accesses and traps */
    struct isa_fault fault;
};

static struct toy *toy(struct cpu *cpu)
{
    return (struct toy *)cpu;
}

/* ---- The architecture ------------------------------------------------------------------------ */

static void note(struct toy *t, u64 v)
{
    t->trace = (t->trace ^ v) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static u64 helper_mix(struct cpu *cpu, u64 a, u64 b)
{
    return a * 31 + b;
}

static u64 helper_four(struct cpu *cpu, u64 a, u64 b, u64 c, u64 d)
{
    return a + 3 * b + 5 * c + 7 * d;
}

static u64 helper_sum(struct cpu *cpu)
{
    struct toy *t = toy(cpu);
    u64 sum = t->pc;
    for (unsigned i = 0; i < 32; i++)
        sum = sum * 3 + t->x[i] + t->f[i];
    return sum;
}

static void helper_write(struct cpu *cpu, u64 v)
{
    struct toy *t = toy(cpu);
    for (unsigned i = 0; i < 32; i += 3)
        t->x[i] += v;
    t->f[v & 31] ^= 1;
}

static u64 helper_fault(struct cpu *cpu, u64 v)
{
    struct toy *t = toy(cpu);
    t->x[1] ^= v;
    note(t, t->pc);
    if ((v & 7) == 0) {
        t->pc = 0xdead0;
        cpu->unwind = 1;
    }
    return v + 1;
}

static u64 helper_flags(struct cpu *cpu, u64 v)
{
    struct toy *t = toy(cpu);
    u64 old = t->flags;
    t->flags ^= v & 31;
    t->round = (u32)(v >> 5) % 4;
    return old;
}

static u64 helper_float(struct cpu *cpu, u64 a, u64 b)
{
    return a ^ b << 1;
}

static void helper_trap(struct cpu *cpu, u64 v)
{
    note(toy(cpu), toy(cpu)->pc);
    note(toy(cpu), v);
    toy(cpu)->pc = 0xbad0;
}

enum { H_MIX, H_FOUR, H_SUM, H_WRITE, H_FAULT, H_FLAGS, H_FLOAT, H_TRAP, H_COUNT };
static const struct ir_helper helpers[] = {
    {"mix", (void *)helper_mix, IR_I64, 2, IR_FX_PURE},
    {"four", (void *)helper_four, IR_I64, 4, 0},
    {"sum", (void *)helper_sum, IR_I64, 0, IR_FX_READ},
    {"write", (void *)helper_write, IR_VOID, 1, IR_FX_READ | IR_FX_WRITE},
    {"fault", (void *)helper_fault, IR_I64, 1, IR_FX_READ | IR_FX_WRITE | IR_FX_FAULT},
    {"flags", (void *)helper_flags, IR_I64, 1, IR_FX_FLOAT},
    {"float", (void *)helper_float, IR_F64, 2, 0},
    {"trap", (void *)helper_trap, IR_VOID, 1, IR_FX_READ | IR_FX_WRITE | IR_FX_FAULT},
    {0},
};

static int toy_init(struct cpu *cpu, const char *arch, const char *model, struct err *err)
{
    return 0;
}

static void toy_fini(struct cpu *cpu)
{
}

static void toy_context(struct cpu *cpu, unsigned n, struct isa_context *out)
{
    *out = (struct isa_context){.view = n == ISA_CONTEXT_FETCH ? 0 : n};
}

/* Identity; page 14 is read-only, page 15 is not mapped. */
static enum isa_fault_kind toy_walk(struct cpu *cpu, const struct isa_context *c, u64 vaddr,
                                    enum isa_access access, struct isa_mapping *m,
                                    struct isa_fault *f)
{
    u64 page = vaddr >> 12;
    if (page == 15 || (page == 14 && access == ISA_WRITE) || vaddr >> 32) {
        f->vaddr = vaddr;
        f->access = access;
        return f->kind = ISA_FAULT_PAGE;
    }
    *m = (struct isa_mapping){.paddr = vaddr, .page_size = 4096, .rights = 7};
    return ISA_FAULT_NONE;
}

static void toy_fault(struct cpu *cpu, const struct isa_fault *f)
{
    toy(cpu)->fault = *f;
    note(toy(cpu), toy(cpu)->pc);
    toy(cpu)->pc = 0xfa0;
}

static unsigned toy_round(const struct cpu *cpu)
{
    return ((const struct toy *)cpu)->round;
}

static void toy_accrue(struct cpu *cpu, unsigned flags)
{
    toy(cpu)->flags |= flags & 31;
}

/* An instruction is the address to go on at. */
static void toy_translate(struct cpu *cpu, struct ir_builder *b, unsigned max_insns)
{
    u64 bits, pc = b->unit->pc;
    ir_insn(b, pc, 4);
    assert_true(jit_fetch(cpu, pc, 4, &bits));
    b->unit->guest_insns = 1;
    b->unit->guest_bytes = 4;
    ir_exit_jump(b, bits);
}

/* clang-format off */
#define EIGHT(X, a) X(a, 0) X(a, 1) X(a, 2) X(a, 3) X(a, 4) X(a, 5) X(a, 6) X(a, 7)
#define THIRTY_TWO(X) EIGHT(X, 0) EIGHT(X, 1) EIGHT(X, 2) EIGHT(X, 3)
#define SLOT_X(a, b) {"x" #a #b, offsetof(struct toy, x[8 * (a) + (b)]), IR_I64},
#define SLOT_F(a, b) {"f" #a #b, offsetof(struct toy, f[8 * (a) + (b)]), IR_F64},
/* clang-format on */
/* Named in octal. */
static const struct isa_slot slots[SLOTS] = {
    THIRTY_TWO(SLOT_X) THIRTY_TWO(SLOT_F){"pc", offsetof(struct toy, pc), IR_I64},
};

static const struct isa toy_isa = {
    .name = "toy",
    .cpu_size = sizeof(struct toy),
    .slots = slots,
    .slot_count = SLOTS,
    .pc_slot = PC,
    .state_bias = offsetof(struct toy, x) + 128,
    .helpers = helpers,
    .helper_count = H_COUNT,
    .init = toy_init,
    .fini = toy_fini,
    .context = toy_context,
    .walk = toy_walk,
    .fault = toy_fault,
    .translate = toy_translate,
    .float_round = toy_round,
    .float_accrue = toy_accrue,
};

/* ---- World ----------------------------------------------------------------------------------- */

struct world {
    struct epoch epoch;
    struct memory memory;
    struct mem_space space;
    struct mem_region root, ram_region, io_region;
    struct ram_block *ram;
    struct log log;
    struct jit *jit;
    struct cpu_host host;
    struct toy *toy;
    struct arena arena;
    struct jit_emit out;
    struct jit_link links[2][JIT_MAX_LINKS]; /* of the units in two places */
    u64 values[IR_MAX_OPS];
    u8 before[RAM_SIZE], after[RAM_SIZE];
};

static u64 io_read(void *opaque, u64 offset, unsigned size)
{
    struct toy *t = ((struct world *)opaque)->toy;
    note(t, offset + size);
    return t->trace;
}

static void io_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct toy *t = ((struct world *)opaque)->toy;
    note(t, offset + size);
    note(t, value & (~UINT64_C(0) >> (64 - 8 * size)));
}

static const struct mem_ops io_ops = {
    .read = io_read, .write = io_write, .min_size = 1, .max_size = 8, .unaligned = true};

static struct world *world_new(const char *accel)
{
    struct world *w = calloc(1, sizeof(*w));
    struct err err = {0};
    assert_non_null(w);
    epoch_init(&w->epoch);
    log_init(&w->log);
    memory_init(&w->memory, &w->epoch);
    w->ram = ram_block_new(&w->memory, "ram", RAM_SIZE, &err);
    assert_non_null(w->ram);
    mem_container(&w->root, "root", UINT64_MAX);
    mem_ram(&w->ram_region, "ram", w->ram, 0, RAM_SIZE);
    mem_io(&w->io_region, "io", 4096, &io_ops, w, NULL);
    mem_map(&w->memory, &w->root, 0, &w->ram_region, 0);
    mem_map(&w->memory, &w->root, IO_BASE, &w->io_region, 0);
    mem_space_init(&w->space, &w->memory, "toy", &w->root);
    w->jit = jit_create(accel, &w->memory, &w->epoch, &w->log, &err);
    if (!w->jit)
        fail_msg("%s", err.text);
    w->jit->isa_list[0] = &toy_isa;
    w->jit->isa_list[1] = NULL;
    assert_true(x64_init(w->jit, &err) > 0);
    w->host = (struct cpu_host){
        .epoch = &w->epoch, .log = &w->log, .engine_shared = w->jit, .engine = &cpu_engine_jit};
    w->toy = (struct toy *)cpu_create(&toy_isa, &w->host, &w->space, 0, "toy", "", &err);
    assert_non_null(w->toy);
    arena_init(&w->arena);
    return w;
}

static void world_free(struct world *w)
{
    cpu_destroy(&w->toy->cpu);
    jit_destroy(w->jit);
    mem_space_fini(&w->space);
    mem_unmap(&w->memory, &w->ram_region);
    mem_unmap(&w->memory, &w->io_region);
    memory_fini(&w->memory);
    log_fini(&w->log);
    epoch_fini(&w->epoch);
    arena_fini(&w->arena);
    free(w);
}

#endif
