/*
 * trans_system.c - exceptions, returns, hints, barriers, PSTATE, system registers.
 *
 * A register access is made in line where its row is plain storage and what traps it can be tested
 * by bits of control registers: then a few loads and tests stand before it, and TRAP_IF leaves the
 * whole instruction to a helper when one of them holds. An instruction after which mode, context,
 * pending interrupts or code may differ ends its unit.
 */
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

static ir_value load64(struct arm_ctx *c, u32 offset)
{
    return ir_load_state(c->b, IR_I64, offset, 3);
}

static ir_value load_sysreg(struct arm_ctx *c, unsigned id)
{
    return load64(c, (u32)(offsetof(struct arm_cpu, sysreg) + id * sizeof(u64)));
}

static ir_value is_set(struct arm_ctx *c, ir_value v, u64 mask)
{
    return ir_cmp(c->b, IR_NE, ir_andi(c->b, v, mask), ir_const(c->b, 0));
}

static void trap_if(struct arm_ctx *c, ir_value cond, enum arm_helper h, u32 argument)
{
    ir_trap_if(c->b, cond, &arm_helpers[h], argument);
}

/* A helper that sets the pc. */
static bool leave_by(struct arm_ctx *c, enum arm_helper h, u64 argument)
{
    ir_call1(c->b, &arm_helpers[h], ir_const(c->b, argument));
    ir_exit_lookup(c->b);
    return true;
}

/* Interrupts may be taken from here: if one waits, on by way of the engine. */
static void pending_by(struct arm_ctx *c, enum arm_helper helper)
{
    ir_value pending = ir_load_state(c->b, IR_I64, offsetof(struct arm_cpu, irq_wires), 2);
    if (c->cpu->has_el2) {
        ir_value hcr = load_sysreg(c, ARM_SYS_HCR_EL2);
        pending = ir_or(c->b, pending, ir_andi(c->b, hcr, HCR_VF | HCR_VI | HCR_VSE));
    }
    trap_if(c, ir_cmp(c->b, IR_NE, pending, ir_const(c->b, 0)), helper, 4);
}

static void leave_if_pending(struct arm_ctx *c)
{
    pending_by(c, ARM_HELPER_LEAVE);
}

bool arm_fp_begin(struct arm_ctx *c)
{
    if (c->no_simd && arm_is_simd32(c)) {
        ir_call0(c->b, &arm_helpers[ARM_HELPER_UNDEFINED]);
        ir_exit_lookup(c->b);
        return false;
    }
    if (!c->fp_trap)
        return true;
    ir_call0(c->b, &arm_helpers[ARM_HELPER_FP_TRAP]);
    ir_exit_lookup(c->b);
    return false;
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

bool arm_trans_a64_svc(struct arm_ctx *c, const struct arm_arg_imm16 *a)
{
    return leave_by(c, ARM_HELPER_SVC, a->imm16);
}

bool arm_trans_a64_hvc(struct arm_ctx *c, const struct arm_arg_imm16 *a)
{
    return leave_by(c, ARM_HELPER_HVC, a->imm16);
}

bool arm_trans_a64_smc(struct arm_ctx *c, const struct arm_arg_imm16 *a)
{
    return leave_by(c, ARM_HELPER_SMC, a->imm16);
}

bool arm_trans_a64_brk(struct arm_ctx *c, const struct arm_arg_imm16 *a)
{
    return leave_by(c, ARM_HELPER_BRK, a->imm16);
}

/* Halting debug is not implemented: HLT and what is for Debug state only are UNDEFINED. */
bool arm_trans_a64_hlt(struct arm_ctx *c, const struct arm_arg_imm16 *a)
{
    return false;
}

bool arm_trans_a64_dcps(struct arm_ctx *c, const struct arm_arg_imm16 *a)
{
    return false;
}

bool arm_trans_a64_udf(struct arm_ctx *c, const struct arm_arg_imm16 *a)
{
    return false;
}

bool arm_trans_a64_drps(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return false;
}

bool arm_trans_a64_eret(struct arm_ctx *c, const struct arm_arg_none *a)
{
    if (c->el == 0)
        return false;
    ir_value elr = load64(c, (u32)(offsetof(struct arm_cpu, elr_el) + c->el * sizeof(u64)));
    ir_call1(c->b, &arm_helpers[ARM_HELPER_ERET], elr);
    ir_exit_lookup(c->b);
    return true;
}

/* ---- Hints ----------------------------------------------------------------------------------- */

bool arm_trans_a64_nop(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return true;
}

bool arm_trans_a64_hint(struct arm_ctx *c, const struct arm_arg_hint *a)
{
    return true;
}

bool arm_trans_a64_yield(struct arm_ctx *c, const struct arm_arg_none *a)
{
    ir_call0(c->b, &arm_helpers[ARM_HELPER_YIELD]);
    return true;
}

static bool wfx(struct arm_ctx *c, unsigned kind, ir_value until)
{
    ir_call3(c->b, &arm_helpers[ARM_HELPER_WFX], ir_const(c->b, c->insn), ir_const(c->b, kind),
             until);
    ir_exit_lookup(c->b);
    return true;
}

bool arm_trans_a64_wfi(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return wfx(c, 0, ir_const(c->b, 0));
}

bool arm_trans_a64_wfe(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return wfx(c, 1, ir_const(c->b, 0));
}

bool arm_trans_a64_wfit(struct arm_ctx *c, const struct arm_arg_wfxt *a)
{
    return wfx(c, 2, arm_x(c, a->Rt));
}

bool arm_trans_a64_wfet(struct arm_ctx *c, const struct arm_arg_wfxt *a)
{
    return wfx(c, 3, arm_x(c, a->Rt));
}

bool arm_trans_a64_sev(struct arm_ctx *c, const struct arm_arg_none *a)
{
    ir_call0(c->b, &arm_helpers[ARM_HELPER_SEV]);
    return true;
}

bool arm_trans_a64_sevl(struct arm_ctx *c, const struct arm_arg_none *a)
{
    ir_store_state(c->b, offsetof(struct arm_cpu, event), 2, ir_const(c->b, 1));
    return true;
}

/* SErrors that are pending are deferred where they are masked, and taken elsewhere. */
bool arm_trans_a64_esb(struct arm_ctx *c, const struct arm_arg_none *a)
{
    pending_by(c, ARM_HELPER_ESB);
    return true;
}

/* ---- Barriers -------------------------------------------------------------------------------- */

/* CRm<1:0>: 1 loads, 2 stores, 3 (and 0, reserved) all. */
static unsigned fence_of(u32 type)
{
    switch (type & 3) {
    case 1: return IR_FENCE_LL | IR_FENCE_LS;
    case 2: return IR_FENCE_SS;
    default: return IR_FENCE_FULL;
    }
}

bool arm_trans_a64_dmb(struct arm_ctx *c, const struct arm_arg_barrier *a)
{
    ir_fence(c->b, fence_of(a->barrier));
    return true;
}

/* SSBB and PSSBB are in the space of DSB, and weaker. */
bool arm_trans_a64_dsb(struct arm_ctx *c, const struct arm_arg_barrier *a)
{
    if (a->barrier == 0 || a->barrier == 4)
        return true;
    ir_fence(c->b, fence_of(a->barrier));
    if ((a->barrier & 3) == 1)
        return true;
    ir_value pending = ir_load_state(c->b, IR_I64, offsetof(struct arm_cpu, tlbi_pending), 0);
    trap_if(c, ir_cmp(c->b, IR_NE, pending, ir_const(c->b, 0)), ARM_HELPER_DSB, 4);
    return true;
}

/* Stores to code take effect at once, but not in the unit that is being executed. */
bool arm_trans_a64_isb(struct arm_ctx *c, const struct arm_arg_barrier *a)
{
    ir_exit_jump(c->b, c->next);
    return true;
}

bool arm_trans_a64_sb(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return true;
}

bool arm_trans_a64_clrex(struct arm_ctx *c, const struct arm_arg_pstateimm *a)
{
    ir_call0(c->b, &arm_helpers[ARM_HELPER_CLREX]);
    return true;
}

/* ---- PSTATE by immediate --------------------------------------------------------------------- */

/* The helper knows what the bits of the instruction mean. */
static bool pstate_step(struct arm_ctx *c)
{
    return leave_by(c, ARM_HELPER_PSTATE_STEP, c->insn);
}

bool arm_trans_a64_msr_uao(struct arm_ctx *c, const struct arm_arg_pstateimm *a)
{
    return c->el && pstate_step(c);
}

bool arm_trans_a64_msr_pan(struct arm_ctx *c, const struct arm_arg_pstateimm *a)
{
    return c->el && pstate_step(c);
}

bool arm_trans_a64_msr_spsel(struct arm_ctx *c, const struct arm_arg_pstateimm *a)
{
    return c->el && pstate_step(c);
}

static void set_pstate(struct arm_ctx *c, u64 bits, ir_value v)
{
    u32 offset = offsetof(struct arm_cpu, pstate);
    ir_value kept = ir_andi(c->b, load64(c, offset), ~bits);
    ir_store_state(c->b, offset, 3, ir_or(c->b, kept, v));
}

bool arm_trans_a64_msr_ssbs(struct arm_ctx *c, const struct arm_arg_pstateimm *a)
{
    set_pstate(c, PSTATE_SSBS, ir_const(c->b, a->CRm & 1 ? PSTATE_SSBS : 0));
    return true;
}

bool arm_trans_a64_msr_dit(struct arm_ctx *c, const struct arm_arg_pstateimm *a)
{
    set_pstate(c, PSTATE_DIT, ir_const(c->b, a->CRm & 1 ? PSTATE_DIT : 0));
    return true;
}

/* A change of D may switch debug on or off, when a debugger has set something up. */
static void step_if_debugging(struct arm_ctx *c, enum arm_helper h)
{
    ir_value mdscr = load_sysreg(c, ARM_SYS_MDSCR_EL1);
    trap_if(c, is_set(c, mdscr, MDSCR_SS | MDSCR_MDE), h, c->insn);
}

static bool daif_imm(struct arm_ctx *c, u32 mask, bool set)
{
    u64 bits = (u64)mask << 6;
    if (c->el == 0)
        return pstate_step(c); /* SCTLR_ELx.UMA */
    if (bits & PSTATE_D)
        step_if_debugging(c, ARM_HELPER_PSTATE_STEP);
    set_pstate(c, bits, ir_const(c->b, set ? bits : 0));
    if (!set)
        leave_if_pending(c);
    return true;
}

bool arm_trans_a64_msr_daifset(struct arm_ctx *c, const struct arm_arg_pstateimm *a)
{
    return daif_imm(c, a->CRm, true);
}

bool arm_trans_a64_msr_daifclr(struct arm_ctx *c, const struct arm_arg_pstateimm *a)
{
    return daif_imm(c, a->CRm, false);
}

/* ---- Registers: what can be done in line ----------------------------------------------------- */

static bool rule_concerns(const struct arm_ctx *c, const struct arm_trap_rule *rule, bool write)
{
    if (!(rule->els >> c->el & 1) || !(rule->dir & (write ? ARM_DIR_WRITE : ARM_DIR_READ)))
        return false;
    return !(rule->to == 2 && !c->cpu->has_el2) && !(rule->to == 3 && !c->cpu->has_el3);
}

/* Can all that might trap the access be tested in line? Then the tests are built. */
static bool test_rules(struct arm_ctx *c, const struct arm_sysreg *r, bool write)
{
    const struct arm_trap_rule *rules = arm_trap_rules(r->trap);
    if (arm_trap_is_special(r->trap))
        return false;
    for (unsigned i = 0; i < ARM_TRAP_RULES && rules[i].els; i++) {
        if (rule_concerns(c, &rules[i], write) && rules[i].host && c->cpu->has_el2 &&
            arm_has(c, ARM_EXT_VHE))
            return false;
    }
    for (unsigned i = 0; i < ARM_TRAP_RULES && rules[i].els; i++) {
        if (!rule_concerns(c, &rules[i], write))
            continue;
        ir_value v = ir_andi(c->b, load_sysreg(c, rules[i].reg), rules[i].mask);
        ir_value traps = ir_cmp(c->b, rules[i].clear ? IR_EQ : IR_NE, v, ir_const(c->b, 0));
        trap_if(c, traps, ARM_HELPER_SYSREG_STEP, c->insn);
    }
    return true;
}

/* SP_EL0 is UNDEFINED while it is the stack pointer in use. */
static bool test_check(struct arm_ctx *c, const struct arm_sysreg *r)
{
    if (!r->check)
        return true;
    if (r->check != arm_check_sp_el0)
        return false;
    ir_value pstate = load64(c, offsetof(struct arm_cpu, pstate));
    ir_value in_use = ir_cmp(c->b, IR_EQ, ir_andi(c->b, pstate, PSTATE_SP), ir_const(c->b, 0));
    trap_if(c, in_use, ARM_HELPER_UNDEFINED_IF, 0);
    return true;
}

static const struct arm_sysreg *find(struct arm_ctx *c, u32 encoding, bool write)
{
    const struct arm_sysreg *r = arm_sysreg_find(c->cpu, encoding, c->el, c->e2h);
    if (!r)
        log_if(c->cpu->cpu.host->log, LOG_UNIMP,
               "cpu %u: pc %#llx: no system register %u,%u,c%u,c%u,%u (%s)\n", c->cpu->cpu.index,
               (unsigned long long)c->pc, encoding >> 14, arm_enc_op1(encoding),
               arm_enc_crn(encoding), arm_enc_crm(encoding), encoding & 7,
               write ? "write" : "read");
    return r && arm_sys_least_level(c->cpu, r->access, write) <= c->el ? r : NULL;
}

/* ---- MRS
 * ------------------------------------------------------------------------------------------------------
 */

static bool read_plain(struct arm_ctx *c, const struct arm_sysreg *r, u32 rt)
{
    if (!r->at || r->get || !test_check(c, r) || !test_rules(c, r, false))
        return false;
    ir_value v =
        r->flags & ARM_SYSREG_CONST ? ir_const(c->b, *arm_sysreg_at(c->cpu, r)) : load64(c, r->at);
    return arm_set_x(c, rt, v);
}

static bool read_by_helper(struct arm_ctx *c, const struct arm_sysreg *r, u32 rt)
{
    ir_value place = ir_const(c->b, (u64)(r - arm_sysregs));
    ir_value v =
        ir_call2(c->b, &arm_helpers[ARM_HELPER_SYSREG_READ], ir_const(c->b, c->insn), place);
    if (r->get == arm_get_random)
        c->flags = (struct arm_flags){.known = false};
    return arm_set_x(c, rt, v);
}

/* Hot registers that are not storage; false: not one of them. */
static bool read_special(struct arm_ctx *c, const struct arm_sysreg *r, u32 rt)
{
    if (r->get == arm_get_nzcv)
        return arm_set_x(c, rt, arm_nzcv_value(c));
    if (r->get == arm_get_current_el)
        return arm_set_x(c, rt, ir_const(c->b, (u64)c->el << 2));
    if (r->get == arm_get_fpcr)
        return arm_set_x(c, rt, ir_load_state(c->b, IR_I64, offsetof(struct arm_cpu, fpcr), 2));
    if (r->get == arm_get_pstate && (c->el || r->trap == ARM_TRAP_NONE))
        return arm_set_x(c, rt,
                         ir_andi(c->b, load64(c, offsetof(struct arm_cpu, pstate)), r->mask));
    return false;
}

bool arm_trans_a64_mrs(struct arm_ctx *c, const struct arm_arg_mrs *a)
{
    const struct arm_sysreg *r = find(c, 0x8000 | a->sysreg, false);
    if (!r)
        return false;
    if (r->trap == ARM_TRAP_FPEN && !arm_fp_begin(c))
        return true;
    return read_special(c, r, a->Rt) || read_plain(c, r, a->Rt) || read_by_helper(c, r, a->Rt);
}

/* ---- MSR
 * -------------------------------------------------------------------------------------------------------
 */

static bool write_plain(struct arm_ctx *c, const struct arm_sysreg *r, ir_value v)
{
    if (!r->at || r->set || r->flags & (ARM_SYSREG_ENDS | ARM_SYSREG_LEAVES) || !test_check(c, r) ||
        !test_rules(c, r, true))
        return false;
    if (r->mask != ~UINT64_C(0)) {
        ir_value kept = ir_andi(c->b, load64(c, r->at), ~r->mask);
        v = ir_or(c->b, kept, ir_andi(c->b, v, r->mask));
    }
    ir_store_state(c->b, r->at, 3, v);
    return true;
}

static bool write_by_helper(struct arm_ctx *c, const struct arm_sysreg *r, ir_value v)
{
    ir_value place = ir_const(c->b, (u64)(r - arm_sysregs));
    ir_call3(c->b, &arm_helpers[ARM_HELPER_SYSREG_WRITE], ir_const(c->b, c->insn), place, v);
    c->sp_checked = false;
    if (r->flags & ARM_SYSREG_ENDS)
        arm_end_lookup(c);
    else if (r->flags & ARM_SYSREG_LEAVES)
        leave_if_pending(c);
    return true;
}

static bool write_daif(struct arm_ctx *c, ir_value v)
{
    step_if_debugging(c, ARM_HELPER_SYSREG_STEP);
    set_pstate(c, BITS(9, 6), ir_andi(c->b, v, BITS(9, 6)));
    leave_if_pending(c);
    return true;
}

static bool write_special(struct arm_ctx *c, const struct arm_sysreg *r, ir_value v)
{
    if (r->set == arm_set_nzcv) {
        arm_flags_set_nzcv(c, ir_andi(c->b, v, UINT64_C(0xf0000000)));
        return true;
    }
    if (r->set == arm_set_daif && c->el)
        return write_daif(c, v);
    if (r->set == arm_set_pstate) {
        set_pstate(c, r->mask, ir_andi(c->b, v, r->mask));
        return true;
    }
    return false;
}

bool arm_trans_a64_msr(struct arm_ctx *c, const struct arm_arg_msr *a)
{
    const struct arm_sysreg *r = find(c, 0x8000 | a->sysreg, true);
    if (!r)
        return false;
    if (r->trap == ARM_TRAP_FPEN && !arm_fp_begin(c))
        return true;
    ir_value v = arm_x(c, a->Rt);
    return write_special(c, r, v) || write_plain(c, r, v) || write_by_helper(c, r, v);
}

/* ---- SYS
 * ----------------------------------------------------------------------------------------------------------
 */

/* DC ZVA as stores; the first of them, of a byte at the address given, faults where any would, and
 * on Device memory. With stage 1 off all is, and a helper says so. */
static bool zero_block(struct arm_ctx *c, const struct arm_sysreg *r, u32 rt)
{
    unsigned size = 1u << c->cpu->zva_log2;
    if (r->set != arm_op_zero || c->align || !test_rules(c, r, true))
        return false;
    ir_value block = ir_andi(c->b, arm_x(c, rt), ~(u64)(size - 1)), zero = ir_const(c->b, 0);
    ir_store(c->b, IR_MEM_UNIT_NONE, arm_x(c, rt), 0, zero);
    for (unsigned at = 0; at < size; at += 8)
        ir_store(c->b, 3, block, (s32)at, zero);
    return true;
}

bool arm_trans_a64_sys(struct arm_ctx *c, const struct arm_arg_sys *a)
{
    const struct arm_sysreg *r = find(c, 0x4000 | a->sysop, true);
    if (!r)
        return false;
    return zero_block(c, r, a->Rt) || write_by_helper(c, r, arm_x(c, a->Rt));
}

/* No instruction of SYSL is implemented. */
bool arm_trans_a64_sysl(struct arm_ctx *c, const struct arm_arg_sysl *a)
{
    const struct arm_sysreg *r = find(c, 0x4000 | a->sysop, false);
    return r && read_by_helper(c, r, a->Rt);
}
