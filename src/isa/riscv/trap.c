/*
 * trap.c - exceptions, interrupts, trap returns, and the mode word that follows from them.
 *
 * Manual: privileged architecture, "Machine-Level ISA" (mstatus, mcause, mip/mie, delegation) and
 * "Supervisor-Level ISA". Runs on the hart's thread, except riscv_set_irq and riscv_wakes (any
 * thread: atomics only).
 */
#include "isa/riscv/riscv.h"

/* ---- Mode ------------------------------------------------------------------------------------ */

static enum riscv_frm_class frm_class(unsigned frm)
{
    if (frm <= FLOAT_RUP)
        return RISCV_FRM_HOST;
    return frm == FLOAT_RMM ? RISCV_FRM_RMM : RISCV_FRM_INVALID;
}

u64 riscv_mode(const struct riscv_cpu *rv)
{
    u64 xl = rv->xlen == 32 ? 1 : 2;
    return rv->priv | xl << RISCV_MODE_XL_SHIFT | (u64)frm_class(rv->frm) << RISCV_MODE_FRM_SHIFT |
           rv->ext_hash << RISCV_MODE_SET_SHIFT;
}

void riscv_state_changed(struct riscv_cpu *rv)
{
    rv->cpu.mode = riscv_mode(rv);
    rv->cpu.context_stamp++;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static u64 vector(u64 tvec, bool interrupt, u64 code)
{
    u64 base = tvec & ~UINT64_C(3);
    return interrupt && (tvec & 3) == 1 ? base + 4 * code : base;
}

static void enter_s(struct riscv_cpu *rv, bool interrupt, u64 code, u64 tval)
{
    u64 status = rv->mstatus & ~(MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SIE);
    if (rv->mstatus & MSTATUS_SIE)
        status |= MSTATUS_SPIE;
    if (rv->priv == RISCV_S)
        status |= MSTATUS_SPP;
    rv->mstatus = status;
    rv->scause = code | (interrupt ? BIT(rv->xlen - 1) : 0);
    rv->sepc = rv->pc;
    rv->stval = tval;
    rv->pc = riscv_zext_xlen(rv, vector(rv->stvec, interrupt, code));
    rv->priv = RISCV_S;
}

static void enter_m(struct riscv_cpu *rv, bool interrupt, u64 code, u64 tval)
{
    u64 status = rv->mstatus & ~(MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MIE);
    if (rv->mstatus & MSTATUS_MIE)
        status |= MSTATUS_MPIE;
    rv->mstatus = status | (u64)rv->priv << MSTATUS_MPP_SHIFT;
    rv->mcause = code | (interrupt ? BIT(rv->xlen - 1) : 0);
    rv->mepc = rv->pc;
    rv->mtval = tval;
    rv->pc = riscv_zext_xlen(rv, vector(rv->mtvec, interrupt, code));
    rv->priv = RISCV_M;
}

static void enter(struct riscv_cpu *rv, bool to_s, bool interrupt, u64 code, u64 tval)
{
    tval = riscv_zext_xlen(rv, tval);
    log_if(rv->cpu.host->log, LOG_INT,
           "cpu %u: %s %u in %c-mode, pc %#llx, tval %#llx, to %c-mode\n", rv->cpu.index,
           interrupt ? "interrupt" : "exception", (unsigned)code, "US?M"[rv->priv],
           (unsigned long long)rv -> pc, (unsigned long long)tval, to_s ? 'S' : 'M');
    if (to_s)
        enter_s(rv, interrupt, code, tval);
    else
        enter_m(rv, interrupt, code, tval);
    rv->cpu.halted = false;
    riscv_state_changed(rv);
}

void riscv_trap_enter(struct riscv_cpu *rv, u64 cause, u64 tval)
{
    bool to_s = rv->priv != RISCV_M && rv->medeleg >> cause & 1;
    enter(rv, to_s, false, cause, tval);
}

void riscv_trap_unwind(struct riscv_cpu *rv, u64 cause, u64 tval)
{
    riscv_trap_enter(rv, cause, tval);
    rv->cpu.unwind = 1;
}

void riscv_fault(struct cpu *cpu, const struct isa_fault *f)
{
    static const u8 causes[][3] = {
        [ISA_FAULT_PAGE] = {RISCV_CAUSE_LOAD_PAGE, RISCV_CAUSE_STORE_PAGE, RISCV_CAUSE_INSN_PAGE},
        [ISA_FAULT_ACCESS] = {RISCV_CAUSE_LOAD_ACCESS, RISCV_CAUSE_STORE_ACCESS,
                              RISCV_CAUSE_INSN_ACCESS},
        [ISA_FAULT_ALIGNMENT] = {RISCV_CAUSE_LOAD_MISALIGNED, RISCV_CAUSE_STORE_MISALIGNED,
                                 RISCV_CAUSE_INSN_MISALIGNED},
    };
    assert(f->kind != ISA_FAULT_NONE);
    enum isa_access access = f->access == ISA_READ && f->atomic ? ISA_WRITE : f->access;
    riscv_trap_enter(riscv_cpu(cpu), causes[f->kind][access], f->vaddr);
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

static bool enabled_at(const struct riscv_cpu *rv, unsigned level, u64 enable)
{
    return rv->priv < level || (rv->priv == level && rv->mstatus & enable);
}

/* "Multiple simultaneous interrupts destined for M-mode are handled in decreasing priority order:
 * MEI, MSI, MTI, SEI, SSI, STI". */
static unsigned highest(u64 pending)
{
    static const u8 order[] = {RISCV_IRQ_MEI, RISCV_IRQ_MSI, RISCV_IRQ_MTI,
                               RISCV_IRQ_SEI, RISCV_IRQ_SSI, RISCV_IRQ_STI};
    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        if (pending >> order[i] & 1)
            return order[i];
    }
    return (unsigned)ctz64(pending);
}

bool riscv_interrupt(struct cpu *cpu)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    u64 pending = riscv_mip(rv) & rv->mie;
    if (likely(!pending))
        return false;
    u64 to_m = pending & ~rv->mideleg, to_s = pending & rv->mideleg;
    if (to_m && enabled_at(rv, RISCV_M, MSTATUS_MIE)) {
        enter(rv, false, true, highest(to_m), 0);
        return true;
    }
    if (to_s && enabled_at(rv, RISCV_S, MSTATUS_SIE)) {
        enter(rv, true, true, highest(to_s), 0);
        return true;
    }
    return false;
}

bool riscv_wakes(struct cpu *cpu)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    return riscv_mip(rv) & rv->mie;
}

/*
 * SSI is an edge (ACLINT's SSWI device sets mip.SSIP, which software clears); the others are
 * levels. mip.SEIP is the wire OR the bit that M-mode wrote: the two are kept apart.
 */
void riscv_set_irq(struct cpu *cpu, unsigned n, int level)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    assert(n < 64);
    u64 before;
    if (n == RISCV_IRQ_SSI) {
        if (!level)
            return;
        before = atomic_fetch_or(&rv->irq_soft, BIT(n));
    } else if (level) {
        before = atomic_fetch_or(&rv->irq_wires, BIT(n));
    } else {
        atomic_fetch_and(&rv->irq_wires, ~BIT(n));
        return;
    }
    if (!(before & BIT(n)))
        cpu_kick(cpu, CPU_EXIT_IRQ);
}

/* ---- Exceptions that instructions raise ------------------------------------------------------ */

void riscv_helper_illegal(struct cpu *cpu, u64 insn)
{
    riscv_trap_unwind(riscv_cpu(cpu), RISCV_CAUSE_ILLEGAL, insn);
}

void riscv_helper_raise(struct cpu *cpu, u64 cause, u64 tval)
{
    riscv_trap_unwind(riscv_cpu(cpu), cause, tval);
}

void riscv_helper_ecall(struct cpu *cpu)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    riscv_trap_unwind(rv, RISCV_CAUSE_ECALL_U + rv->priv, 0);
}

void riscv_helper_check_target(struct cpu *cpu, u64 target)
{
    if (target & 3)
        riscv_trap_unwind(riscv_cpu(cpu), RISCV_CAUSE_INSN_MISALIGNED, target);
}

void riscv_helper_branch_misaligned(struct cpu *cpu, u64 offset)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    riscv_trap_unwind(rv, RISCV_CAUSE_INSN_MISALIGNED, rv->pc + (u64)(s64)(s32)offset);
}

void riscv_helper_leave(struct cpu *cpu, u64 length)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    rv->pc = riscv_zext_xlen(rv, rv->pc + length);
}

/* ---- Returns ("Trap Return") ----------------------------------------------------------------- */

/* IALIGN is 32 without compressed instructions: the low bits of xepc then read as zero. */
static u64 return_address(const struct riscv_cpu *rv, u64 epc)
{
    return epc & ~(riscv_cpu_has(rv, RISCV_EXT_ZCA) ? UINT64_C(1) : UINT64_C(3));
}

void riscv_helper_sret(struct cpu *cpu, u64 insn)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    bool has_s = riscv_cpu_has(rv, RISCV_EXT_S);
    if (!has_s || rv->priv < RISCV_S || (rv->priv == RISCV_S && rv->mstatus & MSTATUS_TSR)) {
        riscv_helper_illegal(cpu, insn);
        return;
    }
    u64 status = rv->mstatus & ~(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV);
    if (rv->mstatus & MSTATUS_SPIE)
        status |= MSTATUS_SIE;
    rv->priv = rv->mstatus & MSTATUS_SPP ? RISCV_S : RISCV_U;
    rv->mstatus = status | MSTATUS_SPIE;
    rv->pc = return_address(rv, rv->sepc);
    riscv_state_changed(rv);
}

void riscv_helper_mret(struct cpu *cpu, u64 insn)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    if (rv->priv != RISCV_M) {
        riscv_helper_illegal(cpu, insn);
        return;
    }
    unsigned to = (unsigned)((rv->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT);
    u64 least = riscv_cpu_has(rv, RISCV_EXT_U) ? RISCV_U : RISCV_M;
    u64 status = rv->mstatus & ~(MSTATUS_MIE | MSTATUS_MPP);
    if (rv->mstatus & MSTATUS_MPIE)
        status |= MSTATUS_MIE;
    if (to != RISCV_M)
        status &= ~MSTATUS_MPRV;
    rv->mstatus = status | MSTATUS_MPIE | least << MSTATUS_MPP_SHIFT;
    rv->priv = (u8)to;
    rv->pc = return_address(rv, rv->mepc);
    riscv_state_changed(rv);
}
