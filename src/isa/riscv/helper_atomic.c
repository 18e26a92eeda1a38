/*
 * helper_atomic.c - AMOCAS.Q: 128-bit compare-and-swap on RAM.
 *
 * On the vCPU's thread; the memory operation is the host's own 16-byte atomic, sequentially
 * consistent, so aq and rl hold.
 */
#include "isa/riscv/riscv.h"
#include "jit/translate.h"

/* The register pair r, r+1; the pair of x0 is zero. */
static u128 get_pair(const struct riscv_cpu *rv, unsigned r)
{
    return r ? (u128)rv->x[r + 1] << 64 | rv->x[r] : 0;
}

void riscv_helper_amocas_q(struct cpu *cpu, u64 vaddr, u64 registers)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    unsigned rd = registers & 31, rs2 = registers >> 8 & 31;
    struct isa_fault f = {
        .kind = ISA_FAULT_ALIGNMENT, .access = ISA_WRITE, .vaddr = vaddr, .atomic = true};
    u128 *p = vaddr & 15 ? NULL : jit_host_address(cpu, 0, vaddr, 16, ISA_WRITE, &f);
    if (!p) {
        if (f.kind == ISA_FAULT_NONE) /* devices have no 16-byte atomics */
            f = (struct isa_fault){.kind = ISA_FAULT_ACCESS, .access = ISA_WRITE, .vaddr = vaddr};
        f.atomic = true;
        riscv_fault(cpu, &f);
        cpu->unwind = 1;
        return;
    }
    u128 old = get_pair(rv, rd);
    __atomic_compare_exchange_n(p, &old, get_pair(rv, rs2), false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    jit_host_stored(cpu, vaddr, 16);
    if (rd) {
        rv->x[rd] = (u64)old;
        rv->x[rd + 1] = (u64)(old >> 64);
    }
}
