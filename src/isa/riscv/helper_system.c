/*
 * helper_system.c - system instructions other than traps and CSRs: WFI, fences, cache-block
 * operations, hints.
 *
 * `insn` is the instruction's bits, for mtval when it is illegal in the present mode.
 */
#include "isa/riscv/riscv.h"
#include "base/host.h"
#include "memory/memory.h"
#include "jit/translate.h"

static bool has_s(const struct riscv_cpu *rv)
{
    return riscv_cpu_has(rv, RISCV_EXT_S);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/*
 * mstatus.TW makes it illegal below M when it does not complete in bounded time, and so does
 * S-mode's presence in U-mode; our bound is zero. Otherwise it completes at once when an enabled
 * interrupt is pending, taken or not.
 */
void riscv_helper_wfi(struct cpu *cpu, u64 insn)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    bool timed = rv->priv != RISCV_M && rv->mstatus & MSTATUS_TW;
    if (timed || (rv->priv == RISCV_U && has_s(rv))) {
        riscv_helper_illegal(cpu, insn);
        return;
    }
    rv->pc = riscv_zext_xlen(rv, rv->pc + 4);
    if (!riscv_wakes(cpu))
        cpu->halted = true;
}

/* The stall may end at any time (Zawrs): it ends at once. */
void riscv_helper_wrs(struct cpu *cpu, u64 insn)
{
    riscv_helper_pause(cpu);
}

/* A spinning hart lets its neighbours on the same host processor run, now and then: a lock is
 * mostly held for a short time. */
void riscv_helper_pause(struct cpu *cpu)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    if (++rv->spins % 32 == 0)
        host_yield();
}

/* ---- Fences ---------------------------------------------------------------------------------- */

/* "Supervisor Memory-Management Fence Instruction": not from U; not from S while mstatus.TVM. */
static bool may_fence(const struct riscv_cpu *rv, bool tvm)
{
    if (!has_s(rv) || rv->priv == RISCV_U)
        return false;
    return !(tvm && rv->priv == RISCV_S && rv->mstatus & MSTATUS_TVM);
}

void riscv_helper_sfence_vma(struct cpu *cpu, u64 insn, u64 vaddr, u64 asid)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    if (!may_fence(rv, true)) {
        riscv_helper_illegal(cpu, insn);
        return;
    }
    unsigned rs1 = (unsigned)bits_get(insn, 15, 5), rs2 = (unsigned)bits_get(insn, 20, 5);
    riscv_sfence(rv, !rs1, vaddr, !rs2, asid);
}

/* SFENCE.W.INVAL and SFENCE.INVAL.IR order; SINVAL.VMA has done all already. */
void riscv_helper_sfence_order(struct cpu *cpu, u64 insn)
{
    if (!may_fence(riscv_cpu(cpu), false))
        riscv_helper_illegal(cpu, insn);
}

void riscv_helper_fence_i(struct cpu *cpu)
{
    jit_sync_code(cpu);
}

/* ---- Cache blocks (Zicbom, Zicboz) ----------------------------------------------------------- */

enum cbo { CBO_INVAL = 0, CBO_CLEAN = 1, CBO_FLUSH = 2, CBO_ZERO = 4 };
enum { PMP_GRAIN = 4 };

/* All the envcfg registers that rule the present mode have a bit of `bits`. */
static bool envcfg_allows(const struct riscv_cpu *rv, u64 bits)
{
    if (rv->priv == RISCV_M)
        return true;
    if (!(rv->menvcfg & bits))
        return false;
    return rv->priv == RISCV_S || !has_s(rv) || rv->senvcfg & bits;
}

/* A block of plain RAM at once; false: no such luck, or a fault that zero_slowly finds again. */
static bool zero_ram(struct cpu *cpu, u64 block, unsigned size)
{
    struct isa_fault f;
    void *p = jit_host_plain(cpu, block);
    if (likely(p)) {
        memset(p, 0, size);
        return true;
    }
    p = size == 64 ? jit_host_address(cpu, 0, block, size, ISA_WRITE, &f) : NULL;
    if (!p)
        return false;
    memset(p, 0, size);
    jit_host_stored(cpu, block, size);
    return true;
}

/* The address reported is rs1's, wherever in the block the fault is. */
static void zero_slowly(struct cpu *cpu, u64 block, unsigned size, u64 vaddr)
{
    struct isa_fault f;
    for (u64 at = block; at < block + size; at += 8) {
        if (!jit_write(cpu, 0, at, 8, 0, &f))
            continue;
        f.vaddr = vaddr;
        riscv_fault(cpu, &f);
        cpu->unwind = 1;
        return;
    }
}

static void cbo_zero(struct cpu *cpu, u64 vaddr)
{
    unsigned size = riscv_cpu(cpu)->cboz;
    u64 block = align_down(vaddr, size);
    if (!zero_ram(cpu, block, size))
        zero_slowly(cpu, block, size, vaddr);
}

/* A load may be done there: where nothing is, as where nothing is allowed, it may not. */
static bool may_manage(struct cpu *cpu, const struct isa_context *context, u64 vaddr,
                       struct isa_mapping *m, struct isa_fault *f)
{
    struct mem_section s;
    if (riscv_walk(cpu, context, vaddr, ISA_READ, m, f))
        return false;
    if (mem_find(cpu->space, m->paddr, &s))
        return true;
    f->kind = ISA_FAULT_ACCESS;
    return false;
}

/*
 * Memory is coherent here, so nothing is cleaned or invalidated (invalidating may also write back).
 * What is left are the checks: the block must be readable or writable, all of it, though PMP may
 * divide it; PTEs and PMP entries that allow writes allow reads too. A refusal is reported as a
 * store's, with the address in rs1.
 */
static void cbo_manage(struct cpu *cpu, u64 vaddr)
{
    unsigned size = riscv_cpu(cpu)->cbom, step;
    u64 block = align_down(vaddr, size);
    struct isa_context context;
    struct isa_mapping m;
    struct isa_fault f;
    riscv_context(cpu, 0, &context);
    for (u64 at = block; at < block + size; at += step) {
        if (!may_manage(cpu, &context, at, &m, &f)) {
            f.vaddr = vaddr;
            f.access = ISA_WRITE;
            riscv_fault(cpu, &f);
            cpu->unwind = 1;
            return;
        }
        step = m.page_size < size ? PMP_GRAIN : size;
    }
}

void riscv_helper_cbo(struct cpu *cpu, u64 insn, u64 vaddr)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    enum cbo op = (enum cbo)bits_get(insn, 20, 12);
    u64 need = op == CBO_ZERO ? ENVCFG_CBZE : op == CBO_INVAL ? ENVCFG_CBIE : ENVCFG_CBCFE;
    if (!envcfg_allows(rv, need)) {
        riscv_helper_illegal(cpu, insn);
        return;
    }
    vaddr = riscv_zext_xlen(rv, vaddr);
    if (op == CBO_ZERO)
        cbo_zero(cpu, vaddr);
    else
        cbo_manage(cpu, vaddr);
}
