/*
 * helper_system.c - system instructions other than exceptions and registers: waiting, events,
 * barriers that wait, cache maintenance by address, DC ZVA.
 *
 * On the CPU's thread; arm_wakes may also be asked while it sleeps.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/arm/walk.h"
#include "base/host.h"
#include "jit/translate.h"

/* ---- Waiting --------------------------------------------------------------------------------- */

enum wfx { WFX_WFI, WFX_WFE, WFX_WFIT, WFX_WFET };
enum { WFE_YIELDS = 64, WFE_SLEEP_NS = 50 * 1000, WFE_WATCHED_NS = 2000 * 1000, SYNC_SPINS = 500, SYNC_SLEEP_NS = 50 * 1000 };

/* Something to take, or to look at: WFI ends for masked interrupts too, WFE does not (arm_interrupt_is_due). */
static bool interrupt_pending(const struct arm_cpu *a)
{
    u32 wires = atomic_load_explicit(&((struct arm_cpu *)a)->irq_wires, memory_order_acquire);
    u64 hcr = arm_hcr(a);
    if (wires & ~(BIT(ARM_IRQ_VIRQ) | BIT(ARM_IRQ_VFIQ)))
        return true;
    if (arm_el(a) > 1 || hcr & HCR_TGE)
        return false;
    bool virq = hcr & HCR_IMO && (hcr & HCR_VI || wires & BIT(ARM_IRQ_VIRQ));
    bool vfiq = hcr & HCR_FMO && (hcr & HCR_VF || wires & BIT(ARM_IRQ_VFIQ));
    return virq || vfiq || (hcr & HCR_AMO && hcr & HCR_VSE);
}

bool arm_wakes(struct cpu *cpu)
{
    struct arm_cpu *a = arm_cpu(cpu);
    if (a->sync_wait)
        return jit_flush_others_done(cpu);
    return a->wait_event ? atomic_load(&a->event) || arm_interrupt_is_due(a) : interrupt_pending(a);
}

/* Traps come only when the instruction would wait ("AArch64.CheckForWFxTrap"). Level, or 0. */
static unsigned wfx_trap(const struct arm_cpu *a, bool event)
{
    unsigned el = arm_el(a);
    u64 host = HCR_E2H | HCR_TGE;
    bool is_host = (arm_hcr(a) & host) == host;
    if (el == 0) {
        u64 sctlr = a->sysreg[is_host ? ARM_SYS_SCTLR_EL2 : ARM_SYS_SCTLR_EL1];
        if (!(sctlr & (event ? SCTLR_NTWE : SCTLR_NTWI)))
            return is_host ? 2 : 1;
    }
    if (el < 2 && !(el == 0 && is_host) && arm_hcr(a) & (event ? HCR_TWE : HCR_TWI))
        return 2;
    if (el < 3 && a->has_el3 && a->sysreg[ARM_SYS_SCR_EL3] & (event ? SCR_TWE : SCR_TWI))
        return 3;
    return 0;
}

static u64 deadline_ns(const struct arm_cpu *a, u64 until)
{
    u64 now = arm_virtual_count(a);
    if ((s64)(until - now) <= 0)
        return 0;
    u128 ns = (u128)(until - now) * NS_PER_SECOND / a->cntfrq;
    return ns > UINT64_MAX ? UINT64_MAX : MAX((u64)ns, 1);
}

static void halt(struct arm_cpu *a, bool event, u64 ns)
{
    a->wait_event = event;
    a->cpu.halt_ns = ns;
    a->cpu.halted = true;
}

void arm_monitor_lost(struct cpu *cpu)
{
    atomic_store(&arm_cpu(cpu)->event, 1);
    cpu_kick(cpu, CPU_EXIT_IRQ);
}

/* That an exclusive monitor was cleared is an event too. Who waits for long has its monitor watched; others, and who waits
 * for the counter's event stream, look again soon. */
static void wait_for_event(struct arm_cpu *a, u64 limit)
{
    if (++a->spins < WFE_YIELDS) {
        host_yield();
        return;
    }
    u64 ns = jit_monitor_is_watched(&a->cpu) ? WFE_WATCHED_NS : WFE_SLEEP_NS;
    halt(a, true, limit ? MIN(limit, ns) : ns);
}

/* insn: for the register of the syndrome; how: enum wfx, the length from bit 8 on where it is not 4;
 * until: of the T forms. Sets the pc. */
void arm_helper_wfx(struct cpu *cpu, u64 insn, u64 how, u64 until)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 kind = how & 0xff, length = how >> 8 ? how >> 8 : 4;
    bool event = kind == WFX_WFE || kind == WFX_WFET, timed = kind >= WFX_WFIT;
    u64 limit = timed ? deadline_ns(a, until) : 0;
    bool done = event && atomic_exchange(&a->event, 0);
    if (done)
        a->spins = 0;
    done = done || (event ? arm_interrupt_is_due(a) : interrupt_pending(a)) || (timed && !limit);
    unsigned to = done ? 0 : wfx_trap(a, event);
    if (to) {
        u64 rn = timed ? BIT(2) | (insn & 31) << 5 : 0; /* RV, RN */
        u64 il = length == 4 ? BIT(25) : 0;
        arm_trap_unwind(a, to,
                        ARM_SYNDROME_16(ARM_EC_WFX, il | BIT(24) | UINT64_C(14) << 20 | rn | kind));
        return;
    }
    a->pc += length;
    if (arm_is_a32(a) && a->it) {
        arm_a32_it_advance(a);
        arm_state_changed(a);
    }
    if (done)
        return;
    if (event)
        wait_for_event(a, limit);
    else
        halt(a, false, limit);
}

void arm_helper_yield(struct cpu *cpu)
{
    if (++arm_cpu(cpu)->spins % 32 == 0)
        host_yield();
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void send_event(struct cpu *each, void *from)
{
    if (each->isa != ((struct cpu *)from)->isa)
        return;
    atomic_store(&arm_cpu(each)->event, 1);
    if (each != from)
        cpu_kick(each, CPU_EXIT_IRQ);
}

void arm_helper_sev(struct cpu *cpu)
{
    jit_each_cpu(cpu, send_event, cpu);
}

/* ---- Barriers -------------------------------------------------------------------------------- */

/* Of TRAP_IF: TLB maintenance that was broadcast must be complete before the next instruction. */
void arm_helper_dsb(struct cpu *cpu, u64 length)
{
    struct arm_cpu *a = arm_cpu(cpu);
    a->pc += length;
    a->tlbi_pending = false;
    a->sync_wait = true;
}

bool arm_sync_done(struct arm_cpu *a)
{
    for (unsigned i = 0; i < SYNC_SPINS; i++) {
        if (jit_flush_others_done(&a->cpu)) {
            a->sync_wait = false;
            return true;
        }
        jit_flush_serve(&a->cpu);
        if (i % 64 == 63)
            host_yield();
    }
    a->cpu.halt_ns = SYNC_SLEEP_NS;
    a->cpu.halted = true;
    return false;
}

/* Of TRAP_IF: to pc + argument (signed) by way of the engine's look-up. */
void arm_helper_leave(struct cpu *cpu, u64 distance)
{
    arm_cpu(cpu)->pc += (u64)bits_sext(distance, 32);
}

void arm_helper_clrex(struct cpu *cpu)
{
    jit_clear_exclusive(cpu);
}

/* ---- PSTATE by immediate --------------------------------------------------------------------- */

/* DAIFSet and DAIFClr at EL0: SCTLR_ELx.UMA. */
static bool daif_allowed(struct arm_cpu *a, u32 insn)
{
    u64 sctlr = a->sysreg[arm_is_host(a) ? ARM_SYS_SCTLR_EL2 : ARM_SYS_SCTLR_EL1];
    if (arm_el(a) || sctlr & SCTLR_UMA)
        return true;
    arm_trap_unwind(a, arm_is_host(a) ? 2 : 1, arm_sysreg_syndrome(insn));
    return false;
}

static void put_bit(struct arm_cpu *a, u64 bit, bool on)
{
    a->pstate = on ? a->pstate | bit : a->pstate & ~bit;
}

void arm_helper_pstate_step(struct cpu *cpu, u64 insn)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned field = (unsigned)((insn >> 16 & 7) << 3 | (insn >> 5 & 7)),
             value = (unsigned)(insn >> 8 & 15);
    u64 bits = (u64)value << 6;
    switch (field) {
    case 3: put_bit(a, PSTATE_UAO, value & 1); break;
    case 4: put_bit(a, PSTATE_PAN, value & 1); break;
    case 5: arm_bank_switch(a, arm_el(a), value & 1); break;
    case 3 << 3 | 6:
        if (!daif_allowed(a, (u32)insn))
            return;
        a->pstate |= bits;
        break;
    case 3 << 3 | 7:
        if (!daif_allowed(a, (u32)insn))
            return;
        a->pstate &= ~bits;
        break;
    }
    a->pc += 4;
    arm_state_changed(a);
}

/* ---- Caches
 * ------------------------------------------------------------------------------------------------
 */

void arm_op_sync_code(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    jit_sync_code(&a->cpu);
}

/*
 * Memory is coherent, so what is left of DC and IC by address are the checks: a translation must be
 * there, and read permission for EL0 ("C5.3": "DC CVAU ... at EL0 requires read access
 * permission"); DC IVAC needs write permission.
 */
void arm_op_cache_address(struct arm_cpu *a, const struct arm_sysreg *r, u64 vaddr)
{
    struct isa_context context;
    struct isa_mapping m;
    struct isa_fault f;
    bool invalidates = arm_enc_crm(r->encoding) == 6, code = arm_enc_crm(r->encoding) == 5;
    if (code)
        jit_sync_code(&a->cpu);
    arm_context(&a->cpu, 0, &context);
    enum isa_access access = invalidates ? ISA_WRITE : arm_el(a) == 0 ? ISA_READ : ISA_PROBE;
    if (!arm_walk(&a->cpu, &context, vaddr, access, &m, &f))
        return;
    f.code |= ARM_FAULT_CM;
    arm_fault(&a->cpu, &f);
    a->cpu.unwind = 1;
}

/* Zeroes in pieces, where a block is not plain memory of one page with its rights. */
static void zero_slowly(struct arm_cpu *a, u64 block, unsigned size, u64 vaddr)
{
    struct isa_fault f;
    for (u64 at = block; at < block + size; at += 8) {
        if (!jit_write(&a->cpu, 0, at, 8, 0, &f))
            continue;
        f.vaddr = vaddr;
        arm_fault(&a->cpu, &f);
        a->cpu.unwind = 1;
        return;
    }
}

void arm_op_zero(struct arm_cpu *a, const struct arm_sysreg *r, u64 vaddr)
{
    unsigned size = 1u << a->zva_log2;
    u64 block = align_down(vaddr, size);
    struct isa_fault f;
    if (arm_is_device(a, vaddr)) {
        f = (struct isa_fault){.kind = ISA_FAULT_ALIGNMENT, .access = ISA_WRITE, .vaddr = vaddr};
        arm_fault(&a->cpu, &f);
        a->cpu.unwind = 1;
        return;
    }
    void *p = jit_host_address(&a->cpu, 0, block, size, ISA_WRITE, &f);
    if (!p) {
        zero_slowly(a, block, size, vaddr);
        return;
    }
    memset(p, 0, size);
    jit_host_stored(&a->cpu, block, size);
}
