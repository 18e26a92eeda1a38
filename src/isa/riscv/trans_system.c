/*
 * trans_system.c - fences, environment calls, returns, CSRs, cache blocks.
 *
 * What a helper decides (privilege, TVM, TW, TSR, counter enables, envcfg) it decides by the
 * instruction's bits, which are also what mtval shows when it refuses. An instruction after which
 * the mode word, the MMU context, pending interrupts or code may differ ends its unit by
 * riscv_end_lookup().
 */
#include "isa/riscv/trans.h"
#include "isa/riscv_decode.h"

/* -- Memory ordering --------------------------------------------------------------------------- */

/* Device input counts as a read and device output as a write: accesses to devices are done at once,
 * in program order. */
static bool reads(u32 set)
{
    return set & (8 | 2);
}

static bool writes(u32 set)
{
    return set & (4 | 1);
}

/* Reserved fm are fences as fm=0 ("Memory Ordering Instructions"). */
bool riscv_trans_fence(struct riscv_ctx *c, const struct riscv_arg_fence *a)
{
    unsigned order = (reads(a->pred) && reads(a->succ) ? IR_FENCE_LL : 0) |
                     (reads(a->pred) && writes(a->succ) ? IR_FENCE_LS : 0) |
                     (writes(a->pred) && reads(a->succ) ? IR_FENCE_SL : 0) |
                     (writes(a->pred) && writes(a->succ) ? IR_FENCE_SS : 0);
    if (order)
        ir_fence(c->b, order);
    return true;
}

bool riscv_trans_fence_tso(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    ir_fence(c->b, IR_FENCE_LL | IR_FENCE_LS | IR_FENCE_SS);
    return true;
}

bool riscv_trans_fence_i(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    ir_call0(c->b, &riscv_helpers[RISCV_HELPER_FENCE_I]);
    riscv_end_lookup(c);
    return true;
}

bool riscv_trans_pause(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    ir_call0(c->b, &riscv_helpers[RISCV_HELPER_PAUSE]);
    return true;
}

/* -- Calls, returns, waiting: their helpers set the pc ----------------------------------------- */

bool riscv_trans_ecall(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    ir_call0(c->b, &riscv_helpers[RISCV_HELPER_ECALL]);
    ir_exit_lookup(c->b);
    return true;
}

bool riscv_trans_ebreak(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    riscv_raise(c, RISCV_CAUSE_BREAKPOINT, c->pc);
    return true;
}

static bool leave_by(struct riscv_ctx *c, enum riscv_helper h)
{
    riscv_call_insn(c, h);
    ir_exit_lookup(c->b);
    return true;
}

bool riscv_trans_sret(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    return leave_by(c, RISCV_HELPER_SRET);
}

bool riscv_trans_mret(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    return leave_by(c, RISCV_HELPER_MRET);
}

bool riscv_trans_wfi(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    return leave_by(c, RISCV_HELPER_WFI);
}

bool riscv_trans_wrs_nto(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    riscv_call_insn(c, RISCV_HELPER_WRS);
    return true;
}

bool riscv_trans_wrs_sto(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    riscv_call_insn(c, RISCV_HELPER_WRS);
    return true;
}

/* -- Address translation ----------------------------------------------------------------------- */

/* Also sinval.vma: invalidating at once is a legal way to order it. */
bool riscv_trans_sfence_vma(struct riscv_ctx *c, const struct riscv_arg_fvma *a)
{
    ir_value vaddr = riscv_x(c, a->rs1), asid = riscv_x(c, a->rs2);
    ir_call3(c->b, &riscv_helpers[RISCV_HELPER_SFENCE_VMA], ir_const(c->b, c->insn), vaddr, asid);
    riscv_end_lookup(c);
    return true;
}

bool riscv_trans_sfence_order(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    riscv_call_insn(c, RISCV_HELPER_SFENCE_ORDER);
    return true;
}

/* -- Cache blocks ------------------------------------------------------------------------------ */

static bool cache_block(struct riscv_ctx *c, const struct riscv_arg_cbo *a)
{
    ir_value vaddr = riscv_address(c, a->rs1, 0);
    ir_call2(c->b, &riscv_helpers[RISCV_HELPER_CBO], ir_const(c->b, c->insn), vaddr);
    return true;
}

bool riscv_trans_cbo_inval(struct riscv_ctx *c, const struct riscv_arg_cbo *a)
{
    return cache_block(c, a);
}

bool riscv_trans_cbo_clean(struct riscv_ctx *c, const struct riscv_arg_cbo *a)
{
    return cache_block(c, a);
}

bool riscv_trans_cbo_flush(struct riscv_ctx *c, const struct riscv_arg_cbo *a)
{
    return cache_block(c, a);
}

bool riscv_trans_cbo_zero(struct riscv_ctx *c, const struct riscv_arg_cbo *a)
{
    return cache_block(c, a);
}

/* A prefetch may not fault and need not do anything. */
bool riscv_trans_prefetch(struct riscv_ctx *c, const struct riscv_arg_prefetch *a)
{
    return true;
}

/* -- CSRs -------------------------------------------------------------------------------------- */

enum csr_op { CSR_WRITE, CSR_SET, CSR_CLEAR };
enum { CSR_FFLAGS = 0x001, CSR_SSTATUS = 0x100 };

static ir_value csr_new_value(struct riscv_ctx *c, enum csr_op op, ir_value old, ir_value operand)
{
    switch (op) {
    case CSR_SET: return ir_or(c->b, old, operand);
    case CSR_CLEAR: return ir_and(c->b, old, ir_not(c->b, operand));
    default: return operand;
    }
}

/* Plain storage: read and written in place. CSRs are kept zero-extended, registers sign-extended.
 */
static void csr_in_line(struct riscv_ctx *c, const struct riscv_csr_plan *plan, enum csr_op op,
                        u32 rd, ir_value operand, bool write)
{
    ir_value old = ir_load_state(c->b, IR_I64, plan->offset, 3);
    if (write) {
        ir_value kept = ir_andi(c->b, old, ~plan->mask);
        ir_value v = ir_andi(c->b, csr_new_value(c, op, old, operand), plan->mask);
        v = ir_or(c->b, kept, v);
        ir_store_state(c->b, plan->offset, 3, c->rv32 ? ir_zext(c->b, v, 32, IR_I64) : v);
    }
    riscv_set_xlen(c, rd, old);
}

/* sstatus as it reads, of mstatus. */
static ir_value sstatus_value(struct riscv_ctx *c, ir_value mstatus)
{
    ir_value v = ir_andi(c->b, mstatus, SSTATUS_MASK);
    ir_value fs = ir_andi(c->b, mstatus, MSTATUS_FS);
    ir_value dirty = ir_cmp(c->b, IR_EQ, fs, ir_const(c->b, MSTATUS_FS));
    v = ir_or(c->b, v, ir_shli(c->b, dirty, c->rv32 ? 31 : 63));
    return c->rv32 ? v : ir_or(c->b, v, ir_const(c->b, SSTATUS_UXL_64));
}

/* Interrupts may be taken from here: if one waits, on by way of the engine. */
static void leave_if_pending(struct riscv_ctx *c)
{
    ir_value wires = ir_load_state(c->b, IR_I64, offsetof(struct riscv_cpu, irq_wires), 3);
    ir_value soft = ir_load_state(c->b, IR_I64, offsetof(struct riscv_cpu, irq_soft), 3);
    ir_value mie = ir_load_state(c->b, IR_I64, offsetof(struct riscv_cpu, mie), 3);
    ir_value ready = ir_and(c->b, ir_or(c->b, wires, soft), mie);
    ir_value any = ir_cmp(c->b, IR_NE, ready, ir_const(c->b, 0));
    ir_trap_if(c->b, any, &riscv_helpers[RISCV_HELPER_LEAVE], c->length);
}

/*
 * Interrupts off and on, the hottest CSR accesses of a kernel: csrrci and csrrsi on sstatus with SIE alone.
 */
static bool csr_interrupts(struct riscv_ctx *c, enum csr_op op, u32 csr, u32 rd, ir_value operand)
{
    u32 offset = offsetof(struct riscv_cpu, mstatus);
    u64 bits;
    if (csr != CSR_SSTATUS || c->priv == RISCV_U || op == CSR_WRITE || !riscv_has(c, RISCV_EXT_S))
        return false;
    if (!ir_is_const(c->b, operand, &bits) || bits & ~MSTATUS_SIE)
        return false;
    ir_value old = ir_load_state(c->b, IR_I64, offset, 3);
    ir_store_state(c->b, offset, 3, csr_new_value(c, op, old, operand));
    if (rd)
        riscv_set_xlen(c, rd, sstatus_value(c, old));
    if (op == CSR_SET)
        leave_if_pending(c);
    return true;
}

/*
 * Other writes of sstatus. Around a kernel's accesses to user memory SUM is set and cleared: the helper chooses the MMU context. At
 * each entry and exit of a kernel what changes is mostly plain storage; should it be SUM or MXR, a helper does all of it.
 */
static bool csr_sstatus(struct riscv_ctx *c, enum csr_op op, u32 csr, u32 rd, ir_value operand)
{
    u32 offset = offsetof(struct riscv_cpu, mstatus);
    if (csr != CSR_SSTATUS || c->priv == RISCV_U || !riscv_has(c, RISCV_EXT_S))
        return false;
    u64 bits = riscv_sstatus_writable(c->cpu);
    ir_value old = ir_load_state(c->b, IR_I64, offset, 3);
    ir_value v = ir_andi(c->b, csr_new_value(c, op, old, operand), bits);
    ir_value new = ir_or(c->b, ir_andi(c->b, old, ~bits), v);
    u64 known, translation = bits & (MSTATUS_SUM | MSTATUS_MXR);
    if (op != CSR_WRITE && ir_is_const(c->b, operand, &known) && known == MSTATUS_SUM) {
        ir_call1(c->b, &riscv_helpers[RISCV_HELPER_SSTATUS], new);
    } else {
        ir_value differs = ir_andi(c->b, ir_xor(c->b, v, old), translation);
        ir_value any = ir_cmp(c->b, IR_NE, differs, ir_const(c->b, 0));
        ir_trap_if(c->b, any, &riscv_helpers[RISCV_HELPER_CSR_STEP], c->insn);
        ir_store_state(c->b, offset, 3, new);
    }
    c->fs_checked = false;
    if (rd)
        riscv_set_xlen(c, rd, sstatus_value(c, old));
    if (op != CSR_CLEAR)
        leave_if_pending(c);
    return true;
}

/*
 * fflags: what the state has accrued, and what the host still holds for it. A write that changes it is the helper's; programs mostly
 * put back what they read, around a comparison.
 */
static bool csr_fflags(struct riscv_ctx *c, enum csr_op op, u32 csr, u32 rd, ir_value operand, bool write)
{
    if (csr != CSR_FFLAGS || !riscv_has(c, RISCV_EXT_F))
        return false;
    riscv_float_begin(c);
    ir_value accrued = ir_load_state(c->b, IR_I64, offsetof(struct riscv_cpu, fflags), 0);
    ir_value old = ir_or(c->b, accrued, ir_andi(c->b, ir_float_flags(c->b), RISCV_FFLAGS));
    if (write) {
        ir_value v = ir_andi(c->b, csr_new_value(c, op, old, operand), RISCV_FFLAGS);
        ir_trap_if(c->b, ir_cmp(c->b, IR_NE, v, old), &riscv_helpers[RISCV_HELPER_CSR_STEP], c->insn);
    }
    riscv_set_x(c, rd, old);
    return true;
}

static bool csr_access(struct riscv_ctx *c, enum csr_op op, u32 csr, u32 rd, ir_value operand,
                       bool write)
{
    if (write && (csr_interrupts(c, op, csr, rd, operand) || csr_sstatus(c, op, csr, rd, operand)))
        return true;
    if (csr_fflags(c, op, csr, rd, operand, write))
        return true;
    struct riscv_csr_plan plan = riscv_csr_plan(c, csr, write);
    if (plan.in_line) {
        csr_in_line(c, &plan, op, rd, operand, write);
        return true;
    }
    ir_value old =
        ir_call2(c->b, &riscv_helpers[RISCV_HELPER_CSR], ir_const(c->b, c->insn), operand);
    riscv_set_x(c, rd, old);
    if (write && plan.ends)
        riscv_end_lookup(c);
    return true;
}

static bool csr_register(struct riscv_ctx *c, const struct riscv_arg_csr *a, enum csr_op op)
{
    return csr_access(c, op, a->csr, a->rd, riscv_x(c, a->rs1), op == CSR_WRITE || a->rs1);
}

static bool csr_immediate(struct riscv_ctx *c, const struct riscv_arg_csri *a, enum csr_op op)
{
    return csr_access(c, op, a->csr, a->rd, ir_const(c->b, a->uimm), op == CSR_WRITE || a->uimm);
}

bool riscv_trans_csrrw(struct riscv_ctx *c, const struct riscv_arg_csr *a)
{
    return csr_register(c, a, CSR_WRITE);
}

bool riscv_trans_csrrs(struct riscv_ctx *c, const struct riscv_arg_csr *a)
{
    return csr_register(c, a, CSR_SET);
}

bool riscv_trans_csrrc(struct riscv_ctx *c, const struct riscv_arg_csr *a)
{
    return csr_register(c, a, CSR_CLEAR);
}

bool riscv_trans_csrrwi(struct riscv_ctx *c, const struct riscv_arg_csri *a)
{
    return csr_immediate(c, a, CSR_WRITE);
}

bool riscv_trans_csrrsi(struct riscv_ctx *c, const struct riscv_arg_csri *a)
{
    return csr_immediate(c, a, CSR_SET);
}

bool riscv_trans_csrrci(struct riscv_ctx *c, const struct riscv_arg_csri *a)
{
    return csr_immediate(c, a, CSR_CLEAR);
}
