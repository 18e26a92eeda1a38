/*
 * arm_fake.h - an Arm CPU without an engine: memory of the test's own, and what isa/arm asks of the
 * translator, as the test sees it.
 */
#ifndef TESTS_UNIT_ARM_FAKE_H
#define TESTS_UNIT_ARM_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "isa/arm/arm.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/arm/walk.h"
#include "jit/translate.h"
#include "state/state.h"

enum { FAKE_RAM = 0x40000000u, FAKE_RAM_SIZE = 1 << 20, FAKE_PC = FAKE_RAM + 0x1000 };

/* The machine around the CPU. */
static struct fake {
    struct log log;
    struct clock clock;
    u64 ns; /* what the clock says */
    struct cpu_host host;
    struct arm_cpu *a;
    u8 *ram;
    unsigned flush_all, flushes, broadcasts;
    struct jit_flush flushed; /* the last */
    bool others_done;         /* what other CPUs say of broadcasts */
    bool has_others;
    bool race; /* the next cas finds that another CPU changed the word */
    u64 stamp;
} fake;

static u8 *fake_host(u64 paddr, unsigned size)
{
    bool inside = paddr >= FAKE_RAM && paddr + size <= FAKE_RAM + (u64)FAKE_RAM_SIZE;
    return inside ? fake.ram + (paddr - FAKE_RAM) : NULL;
}

static inline u64 fake_peek(u64 paddr)
{
    return load_le(fake_host(paddr, 8), 8);
}

static inline void fake_poke(u64 paddr, u64 v)
{
    store_le(fake_host(paddr, 8), v, 8);
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
        p[7] ^= 1; /* a software bit of the descriptor */
    }
    u64 now = load_le(p, size);
    bool same = now == *expected;
    *expected = now;
    if (same)
        store_le(p, desired, size);
    return same;
}

void jit_flush_all(struct cpu *cpu)
{
    fake.flush_all++;
    fake.stamp++;
}

void jit_flush(struct cpu *cpu, const struct jit_flush *f)
{
    fake.flushes++;
    fake.stamp++;
    fake.flushed = *f;
}

bool jit_flush_others(struct cpu *cpu, const struct jit_flush *f)
{
    fake.broadcasts++;
    return fake.has_others;
}

bool jit_flush_others_done(struct cpu *cpu)
{
    return fake.others_done;
}

void jit_flush_serve(struct cpu *cpu)
{
}

u64 jit_flush_stamp(struct cpu *cpu)
{
    return fake.stamp;
}

void jit_each_cpu(struct cpu *cpu, void (*fn)(struct cpu *each, void *arg), void *arg)
{
    fn(cpu, arg);
}

void jit_clear_exclusive(struct cpu *cpu)
{
}

bool jit_monitor_is_watched(struct cpu *cpu)
{
    return false;
}

/* A test that executes IR has its own. */
#ifndef ARM_FAKE_OWN_EXCLUSIVES
enum isa_fault_kind jit_load_linked_wide(struct cpu *cpu, u64 vaddr, u64 out[2],
                                         struct isa_fault *f)
{
    f->kind = ISA_FAULT_ACCESS;
    return f->kind;
}

enum isa_fault_kind jit_store_cond_wide(struct cpu *cpu, u64 vaddr, const u64 value[2],
                                        u64 *failed, struct isa_fault *f)
{
    f->kind = ISA_FAULT_ACCESS;
    return f->kind;
}
#endif

void jit_float_merge(struct cpu *cpu)
{
}

void jit_float_reload(struct cpu *cpu)
{
}

void jit_sync_code(struct cpu *cpu)
{
}

/* A test that translates units has its own. */
#ifndef ARM_FAKE_OWN_FETCH
bool jit_fetch(struct cpu *cpu, u64 pc, unsigned size, u64 *out)
{
    return false;
}
#endif

/* The address of an access by the CPU's own tables. */
static void *fake_access(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                         enum isa_access access, struct isa_fault *f)
{
    struct isa_context c;
    struct isa_mapping m;
    arm_context(cpu, context, &c);
    if (arm_walk(cpu, &c, vaddr, access, &m, f))
        return NULL;
    *f = (struct isa_fault){.kind = ISA_FAULT_ACCESS, .access = access, .vaddr = vaddr};
    return fake_host(m.paddr, size);
}

enum isa_fault_kind jit_read(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size, u64 *out,
                             struct isa_fault *f)
{
    u8 *p = fake_access(cpu, context, vaddr, size, ISA_READ, f);
    if (!p)
        return f->kind;
    *out = load_le(p, size);
    return ISA_FAULT_NONE;
}

enum isa_fault_kind jit_write(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                              u64 value, struct isa_fault *f)
{
    u8 *p = fake_access(cpu, context, vaddr, size, ISA_WRITE, f);
    if (!p)
        return f->kind;
    store_le(p, value, size);
    return ISA_FAULT_NONE;
}

void *jit_host_address(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                       enum isa_access access, struct isa_fault *f)
{
    return fake_access(cpu, context, vaddr, size, access, f);
}

void *jit_host_span(struct cpu *cpu, unsigned context, u64 vaddr, unsigned *size,
                    enum isa_access access, struct isa_fault *f)
{
    *size = (unsigned)MIN(*size, 4096 - (vaddr & 4095));
    return fake_access(cpu, context, vaddr, *size, access, f);
}

void jit_host_stored(struct cpu *cpu, u64 vaddr, unsigned size)
{
}

/* ---- The CPU --------------------------------------------------------------------------------- */

static u64 fake_time(void *opaque)
{
    return fake.ns;
}

static void fake_start(const char *model, bool el2, bool el3)
{
    struct err err = {0};
    memset(&fake, 0, sizeof(fake));
    log_init(&fake.log);
    clock_init(&fake.clock, CLOCK_KIND_VIRTUAL);
    clock_set_source(&fake.clock, fake_time, NULL);
    clock_start(&fake.clock);
    fake.host = (struct cpu_host){.log = &fake.log, .clock = &fake.clock};
    fake.ram = calloc(1, FAKE_RAM_SIZE);
    fake.a = aligned_alloc(64, align_up(sizeof(*fake.a), 64));
    assert_non_null(fake.a);
    memset(fake.a, 0, sizeof(*fake.a));
    fake.a->cpu.host = &fake.host;
    if (arm_init(&fake.a->cpu, "aarch64", model, &err))
        fail_msg("%s: %s", model, err.text);
    arm_cpu_set_levels(&fake.a->cpu, el2, el3);
    arm_reset(&fake.a->cpu);
    fake.flush_all = 0;
}

static void fake_stop(void)
{
    arm_fini(&fake.a->cpu);
    clock_fini(&fake.clock);
    log_fini(&fake.log);
    free(fake.ram);
    free(fake.a);
}

/* By name, whatever the level; setters run. */
static inline const struct arm_sysreg *fake_row(const char *name)
{
    for (unsigned i = 0; i < arm_sysreg_count; i++) {
        if (strcmp(arm_sysregs[i].name, name) == 0)
            return &arm_sysregs[i];
    }
    fail_msg("no register %s", name);
    return NULL;
}

static inline void fake_set(const char *name, u64 v)
{
    arm_sysreg_set(fake.a, fake_row(name), v);
    arm_state_changed(fake.a);
}

static inline u64 fake_get(const char *name)
{
    return arm_sysreg_get(fake.a, fake_row(name));
}

/* EL1&0 with stage 1 on: Normal memory everywhere, where it is. Without, all data is Device memory. */
static inline void fake_normal_memory(void)
{
    u64 table = FAKE_RAM + 0x8000;
    for (unsigned i = 0; i < 4; i++)
        fake_poke(table + 8 * i, (u64)i << 30 | 0x741);
    fake_set("MAIR_EL1", 0xff);
    fake_set("TCR_EL1", 25 | 1 << 23);
    fake_set("TTBR0_EL1", table);
    fake_set("SCTLR_EL1", fake_get("SCTLR_EL1") | 1);
}

/* Starts over at a level with SP_ELx, interrupts on, at FAKE_PC. */
static inline void fake_at(unsigned el)
{
    struct arm_cpu *a = fake.a;
    arm_bank_switch(a, el, el != 0);
    a->pstate &= ~(PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F | PSTATE_IL | PSTATE_SS | PSTATE_PAN |
                   PSTATE_UAO);
    a->pc = FAKE_PC;
    a->cpu.unwind = 0;
    a->cpu.halted = false;
    arm_state_changed(a);
}

/* The world that EL3 and EL2 make for a non-secure EL1. */
static inline void fake_open(void)
{
    if (fake.a->has_el3)
        fake_set("SCR_EL3", SCR_NS | SCR_RW | SCR_HCE);
    if (fake.a->has_el2)
        fake_set("HCR_EL2", HCR_RW);
}

/* The instruction's bits of an access to a register, as MRS and MSR have them. */
static inline u32 fake_insn(u32 encoding, bool read, unsigned rt)
{
    return 0xd5000000u | (u32)read << 21 | encoding << 5 | rt;
}

/* An access by the instruction at the present level; true when it was not refused. */
static inline bool fake_access_register(u32 encoding, bool read, u64 *v)
{
    struct arm_cpu *a = fake.a;
    unsigned el = arm_el(a);
    const struct arm_sysreg *r = arm_sysreg_find(a, encoding, el, el >= 2 && arm_hcr(a) & HCR_E2H);
    a->cpu.unwind = 0;
    if (!r)
        return false;
    if (read)
        *v = arm_helper_sysreg_read(&a->cpu, fake_insn(encoding, true, 0), (u64)(r - arm_sysregs));
    else
        arm_helper_sysreg_write(&a->cpu, fake_insn(encoding, false, 0), (u64)(r - arm_sysregs), *v);
    return !a->cpu.unwind;
}

#endif
