/*
 * riscv_fake.h - a RISC-V hart without an engine: memory of the test's own, and what isa/riscv asks
 * of the translator, as the test sees it.
 */
#ifndef TESTS_UNIT_RISCV_FAKE_H
#define TESTS_UNIT_RISCV_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "isa/riscv/riscv.h"
#include "jit/translate.h"
#include "memory/memory.h"
#include "state/state.h"

enum { FAKE_RAM = 0x80000000u, FAKE_RAM_SIZE = 1 << 20 };

/* The machine around the hart. */
static struct fake {
    struct log log;
    struct clock clock;
    u64 ns; /* what the clock says */
    struct cpu_host host;
    struct isa isa;
    struct riscv_cpu *rv;
    struct epoch epoch;
    struct memory memory;
    struct mem_region root, ram_region;
    struct mem_space space;
    u8 *ram;
    unsigned flush_all, flush_space;
    u64 flushed_space, flushed_mask, flushed_vaddr;
    bool race; /* the next cas finds that another hart changed the word */
} fake;

static u8 *fake_host(u64 paddr, unsigned size)
{
    bool inside = paddr >= FAKE_RAM && paddr + size <= FAKE_RAM + (u64)FAKE_RAM_SIZE;
    return inside ? fake.ram + (paddr - FAKE_RAM) : NULL;
}

static inline u64 fake_peek(u64 paddr, unsigned size)
{
    return load_le(fake_host(paddr, size), size);
}

static inline void fake_poke(u64 paddr, u64 v, unsigned size)
{
    store_le(fake_host(paddr, size), v, size);
}

/* ---- The translator's side ------------------------------------------------------------------- */

bool jit_phys_read(struct cpu *cpu, u64 paddr, unsigned size, u64 *out)
{
    u8 *p = fake_host(paddr, size);
    if (p)
        *out = load_le(p, size);
    return p;
}

bool jit_phys_cas(struct cpu *cpu, u64 paddr, unsigned size, u64 *expected, u64 desired)
{
    u8 *p = fake_host(paddr, size);
    if (!p)
        return false;
    if (fake.race) {
        fake.race = false;
        p[1] ^= 1; /* a software bit of the PTE */
    }
    u64 now = load_le(p, size);
    bool same = now == *expected;
    *expected = now;
    if (same)
        store_le(p, desired, size);
    return same;
}

void jit_context_again(struct cpu *cpu)
{
}

void jit_flush_all(struct cpu *cpu)
{
    fake.flush_all++;
}

void jit_flush_space(struct cpu *cpu, u64 space, u64 mask, u64 vaddr, bool keep_global)
{
    fake.flush_space++;
    fake.flushed_space = space;
    fake.flushed_mask = mask;
    fake.flushed_vaddr = vaddr;
}

enum isa_fault_kind jit_write(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                              u64 value, struct isa_fault *f)
{
    struct isa_context c;
    struct isa_mapping m;
    riscv_context(cpu, context, &c);
    if (riscv_walk(cpu, &c, vaddr, ISA_WRITE, &m, f))
        return f->kind;
    u8 *p = fake_host(m.paddr, size);
    if (!p) {
        *f = (struct isa_fault){.kind = ISA_FAULT_ACCESS, .access = ISA_WRITE, .vaddr = vaddr};
        return f->kind;
    }
    store_le(p, value, size);
    return ISA_FAULT_NONE;
}

void *jit_host_plain(struct cpu *cpu, u64 vaddr)
{
    return NULL;
}

void *jit_host_address(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                       enum isa_access access, struct isa_fault *f)
{
    struct isa_context c;
    struct isa_mapping m;
    riscv_context(cpu, context, &c);
    if (riscv_walk(cpu, &c, vaddr, access, &m, f))
        return NULL;
    f->kind = ISA_FAULT_ACCESS;
    return fake_host(m.paddr, size);
}

void jit_host_stored(struct cpu *cpu, u64 vaddr, unsigned size)
{
}

void jit_sync_code(struct cpu *cpu)
{
}

/* ---- The hart -------------------------------------------------------------------------------- */

static u64 fake_time(void *opaque)
{
    return fake.ns;
}

static void fake_memory(void)
{
    struct err err = {0};
    epoch_init(&fake.epoch);
    memory_init(&fake.memory, &fake.epoch);
    mem_container(&fake.root, "root", UINT64_MAX);
    mem_space_init(&fake.space, &fake.memory, "memory", &fake.root);
    struct ram_block *ram = ram_block_new(&fake.memory, "ram", FAKE_RAM_SIZE, &err);
    assert_non_null(ram);
    mem_ram(&fake.ram_region, "ram", ram, 0, FAKE_RAM_SIZE);
    mem_map(&fake.memory, &fake.root, FAKE_RAM, &fake.ram_region, 0);
    fake.ram = ram->host;
}

static void fake_start(const char *arch, const char *model)
{
    struct err err = {0};
    memset(&fake, 0, sizeof(fake));
    log_init(&fake.log);
    clock_init(&fake.clock, CLOCK_KIND_VIRTUAL);
    clock_set_source(&fake.clock, fake_time, NULL);
    clock_start(&fake.clock);
    fake.host = (struct cpu_host){.log = &fake.log, .clock = &fake.clock};
    fake_memory();
    fake.rv = aligned_alloc(64, align_up(sizeof(*fake.rv), 64));
    assert_non_null(fake.rv);
    memset(fake.rv, 0, sizeof(*fake.rv));
    fake.rv->cpu.host = &fake.host;
    fake.rv->cpu.space = &fake.space;
    if (riscv_init(&fake.rv->cpu, arch, model, &err))
        fail_msg("%s: %s", model, err.text);
    riscv_reset(&fake.rv->cpu);
    fake.flush_all = 0;
}

static void fake_stop(void)
{
    riscv_fini(&fake.rv->cpu);
    clock_fini(&fake.clock);
    log_fini(&fake.log);
    free(fake.rv);
    mem_unmap(&fake.memory, &fake.ram_region);
    mem_space_fini(&fake.space);
    memory_fini(&fake.memory);
    epoch_fini(&fake.epoch);
}

static inline void fake_priv(unsigned priv)
{
    fake.rv->priv = (u8)priv;
    riscv_state_changed(fake.rv);
}

/* PMP entry n: TOR, NA4 or NAPOT by cfg. */
static inline void fake_pmp(unsigned n, u8 cfg, u64 addr)
{
    fake.rv->pmp.addr[n] = addr;
    fake.rv->pmp.cfg[n] = cfg;
    riscv_pmp_update(fake.rv);
}

/* All memory for everybody: entry 15, the last. */
static inline void fake_open_pmp(void)
{
    fake_pmp(15, 0x1f, BITS(53, 0));
}

/* What a trap just left in M-mode; starts over in `priv` at pc 0x80001000. */
static inline void fake_at(unsigned priv)
{
    fake.rv->pc = FAKE_RAM + 0x1000;
    fake.rv->mcause = ~UINT64_C(0);
    fake.rv->scause = ~UINT64_C(0);
    fake.rv->cpu.unwind = 0;
    fake_priv(priv);
}

static inline void fake_expect_trap(unsigned cause, u64 tval)
{
    assert_int_equal(fake.rv->mcause, cause);
    assert_int_equal(fake.rv->mtval, tval);
    assert_int_equal(fake.rv->priv, RISCV_M);
    assert_int_equal(fake.rv->mepc, FAKE_RAM + 0x1000);
    assert_int_equal(fake.rv->cpu.unwind, 1);
}

#endif
