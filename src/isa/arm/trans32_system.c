/*
 * trans32_system.c - A32 and T32: exceptions and returns, hints, barriers, CPSR and SPSR, banked
 * registers, coprocessors 14 and 15, the control registers of VFP.
 *
 * Manual: DDI 0487, F5, G1. What UNPREDICTABLE forms would do is left undefined: they are refused.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg32.h"
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

/* ---- Common ---------------------------------------------------------------------------------- */

/* A helper that sets the pc. */
static bool leave_by(struct arm_ctx *c, enum arm_helper h, u64 x, u64 y)
{
    ir_value args[2] = {ir_const(c->b, x), ir_const(c->b, y)};
    arm_call(c, h, args);
    ir_exit_lookup(c->b);
    return true;
}

/* On behind the instruction by way of the engine, whose mode may be another. */
static bool end_lookup(struct arm_ctx *c)
{
    arm_it_done(c);
    if (c->it)
        arm_call(c, ARM_HELPER_REMODE, NULL);
    arm_end_lookup(c);
    return true;
}

static ir_value load64(struct arm_ctx *c, u32 offset)
{
    return ir_load_state(c->b, IR_I64, offset, 3);
}

static unsigned word_mem(const struct arm_ctx *c)
{
    return 2 | IR_MEM_ALIGN | (c->big_endian ? IR_MEM_BIG : 0);
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

bool arm_trans_a32_svc(struct arm_ctx *c, const struct arm_arg_yimm *a)
{
    return leave_by(c, ARM_HELPER_A32_SVC, a->imm & 0xffff, c->length);
}

bool arm_trans_a32_hvc(struct arm_ctx *c, const struct arm_arg_yimm *a)
{
    return !c->it && leave_by(c, ARM_HELPER_A32_HVC, a->imm, 0);
}

bool arm_trans_a32_smc(struct arm_ctx *c, const struct arm_arg_yimm *a)
{
    return leave_by(c, ARM_HELPER_A32_SMC, 0, 0);
}

bool arm_trans_a32_bkpt(struct arm_ctx *c, const struct arm_arg_yimm *a)
{
    return leave_by(c, ARM_HELPER_A32_BKPT, a->imm, c->length);
}

bool arm_trans_a32_udf(struct arm_ctx *c, const struct arm_arg_yimm *a)
{
    return false;
}

static bool return_to(struct arm_ctx *c, ir_value target)
{
    return c->el && arm_return_alu(c, target);
}

/* Outside of Hyp mode ERET is MOVS PC, LR. */
bool arm_trans_a32_eret(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return return_to(c, arm_r(c, ARM_R14));
}

bool arm_trans_a32_return_sub(struct arm_ctx *c, const struct arm_arg_yimm *a)
{
    return return_to(c, ir_addi(c->b, arm_r(c, ARM_R14), -(s32)a->imm));
}

/* ---- Hints and barriers ---------------------------------------------------------------------- */

bool arm_trans_a32_yield(struct arm_ctx *c, const struct arm_arg_none *a)
{
    arm_call(c, ARM_HELPER_YIELD, NULL);
    return true;
}

static bool wait(struct arm_ctx *c, u64 event)
{
    ir_call3(c->b, &arm_helpers[ARM_HELPER_WFX], ir_const(c->b, 0),
             ir_const(c->b, event | (u64)c->length << 8), ir_const(c->b, 0));
    ir_exit_lookup(c->b);
    return true;
}

bool arm_trans_a32_wfi(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return wait(c, 0);
}

bool arm_trans_a32_wfe(struct arm_ctx *c, const struct arm_arg_none *a)
{
    return wait(c, 1);
}

bool arm_trans_a32_sev(struct arm_ctx *c, const struct arm_arg_none *a)
{
    arm_call(c, ARM_HELPER_SEV, NULL);
    return true;
}

bool arm_trans_a32_sevl(struct arm_ctx *c, const struct arm_arg_none *a)
{
    ir_store_state(c->b, offsetof(struct arm_cpu, event), 2, ir_const(c->b, 1));
    return true;
}

bool arm_trans_a32_esb(struct arm_ctx *c, const struct arm_arg_none *a)
{
    ir_call1(c->b, &arm_helpers[ARM_HELPER_ESB], ir_const(c->b, 0));
    return end_lookup(c);
}

static unsigned fence_of(u32 option)
{
    switch (option & 3) {
    case 1: return IR_FENCE_LL | IR_FENCE_LS;
    case 2: return IR_FENCE_SS;
    default: return IR_FENCE_FULL;
    }
}

bool arm_trans_a32_dmb(struct arm_ctx *c, const struct arm_arg_ybarrier *a)
{
    ir_fence(c->b, fence_of(a->option));
    return true;
}

/* Maintenance that was sent to other CPUs is waited for; elsewhere than in IT blocks in line. */
bool arm_trans_a32_dsb(struct arm_ctx *c, const struct arm_arg_ybarrier *a)
{
    if (a->option == 0 || a->option == 4) /* SSBB, PSSBB */
        return true;
    ir_fence(c->b, fence_of(a->option));
    if (c->it) {
        arm_call(c, ARM_HELPER_A32_DSB, NULL);
        return end_lookup(c);
    }
    ir_value pending = ir_load_state(c->b, IR_I64, offsetof(struct arm_cpu, tlbi_pending), 0);
    ir_trap_if(c->b, ir_cmp(c->b, IR_NE, pending, ir_const(c->b, 0)), &arm_helpers[ARM_HELPER_DSB],
               c->length);
    return true;
}

/* Stores to code take effect at once, but not in the unit that is being executed. */
bool arm_trans_a32_isb(struct arm_ctx *c, const struct arm_arg_ybarrier *a)
{
    return end_lookup(c);
}

/* ---- CPSR and SPSR --------------------------------------------------------------------------- */

bool arm_trans_a32_mrs(struct arm_ctx *c, const struct arm_arg_ymrs *a)
{
    if (a->Rd == ARM_R15 || (a->spsr && !c->el))
        return false;
    ir_value v = ir_call1(c->b, &arm_helpers[ARM_HELPER_A32_MRS], ir_const(c->b, a->spsr));
    return arm_set_r(c, a->Rd, v);
}

static void set_flags(struct arm_ctx *c, ir_value v)
{
    arm_flags_set_nzcv(c, ir_andi(c->b, v, UINT64_C(0xf0000000)));
    ir_put(c->b, ARM_SLOT_Q, ir_andi(c->b, v, PSTATE_Q));
}

/* v: i64. A mask of nothing is a hint that has no name. */
static bool write_psr(struct arm_ctx *c, u32 spsr, u32 mask, ir_value v)
{
    if (spsr && !c->el)
        return false;
    if (!mask)
        return !spsr;
    if (!spsr && mask == 8) {
        set_flags(c, v);
        return true;
    }
    ir_value args[3] = {ir_const(c->b, spsr), ir_const(c->b, mask), v};
    arm_call(c, ARM_HELPER_A32_MSR, args);
    if (spsr)
        return true;
    c->flags = (struct arm_flags){.known = false};
    return end_lookup(c);
}

bool arm_trans_a32_msr(struct arm_ctx *c, const struct arm_arg_ymsrreg *a)
{
    return a->Rn != ARM_R15 && write_psr(c, a->spsr, a->mask, arm_r_wide(c, a->Rn));
}

bool arm_trans_a32_msr_imm(struct arm_ctx *c, const struct arm_arg_ymsrimm *a)
{
    u32 value;
    int carry;
    return arm_expand_imm(false, a->imm12, &value, &carry) &&
           write_psr(c, a->spsr, a->mask, ir_const(c->b, value));
}

/* imod 2: masks are cleared, 3: set. */
bool arm_trans_a32_cps(struct arm_ctx *c, const struct arm_arg_ycps *a)
{
    u32 offset = offsetof(struct arm_cpu, pstate);
    u64 bits = (u64)a->aif << 6;
    if (c->it || a->imod == 1 || (!a->imod && !a->change) || (a->imod && !a->aif))
        return false;
    if (!c->el)
        return true; /* "executed in User mode: a NOP" */
    if (a->imod) {
        ir_value kept = ir_andi(c->b, load64(c, offset), ~bits);
        ir_store_state(c->b, offset, 3, ir_or(c->b, kept, ir_const(c->b, a->imod == 3 ? bits : 0)));
    }
    if (!a->change && a->imod == 3)
        return true;
    if (a->change) {
        ir_value args[3] = {ir_const(c->b, 0), ir_const(c->b, ARM_MSR_MODE),
                            ir_const(c->b, a->mode)};
        arm_call(c, ARM_HELPER_A32_MSR, args);
    }
    return end_lookup(c);
}

bool arm_trans_a32_setend(struct arm_ctx *c, const struct arm_arg_ysetend *a)
{
    return !c->it && leave_by(c, ARM_HELPER_A32_SETEND, a->big, c->length);
}

bool arm_trans_a32_setpan(struct arm_ctx *c, const struct arm_arg_ysetpan *a)
{
    u32 offset = offsetof(struct arm_cpu, pstate);
    if (c->it || !c->el)
        return !c->it;
    ir_value kept = ir_andi(c->b, load64(c, offset), ~(u64)PSTATE_PAN);
    ir_store_state(c->b, offset, 3, ir_or(c->b, kept, ir_const(c->b, a->pan ? PSTATE_PAN : 0)));
    arm_call(c, ARM_HELPER_REMODE, NULL);
    return end_lookup(c);
}

/* ---- Banked registers ------------------------------------------------------------------------ */

bool arm_trans_a32_mrs_bank(struct arm_ctx *c, const struct arm_arg_ymrsbank *a)
{
    if (!c->el || a->Rd == ARM_R15)
        return false;
    ir_value v = ir_call1(c->b, &arm_helpers[ARM_HELPER_A32_MRS_BANK], ir_const(c->b, a->banked));
    return arm_set_r(c, a->Rd, v);
}

bool arm_trans_a32_msr_bank(struct arm_ctx *c, const struct arm_arg_ymsrbank *a)
{
    if (!c->el || a->Rn == ARM_R15)
        return false;
    ir_value args[2] = {ir_const(c->b, a->banked), arm_r_wide(c, a->Rn)};
    arm_call(c, ARM_HELPER_A32_MSR_BANK, args);
    return true;
}

/* ---- Loads and stores of them ---------------------------------------------------------------- */

struct list {
    ir_value first; /* i64: lowest address */
    ir_value moved; /* i32 */
};

static struct list list_at(struct arm_ctx *c, ir_value base, s32 bytes, u32 up, u32 before)
{
    s32 first = up ? (before ? 4 : 0) : -bytes + (before ? 0 : 4);
    return (struct list){.first = arm_address(c, base, first),
                         .moved = ir_addi(c->b, base, up ? bytes : -bytes)};
}

static ir_value user_reg(struct arm_ctx *c, unsigned n)
{
    if (n < 8 || n == ARM_R15)
        return arm_r_wide(c, n);
    return ir_call1(c->b, &arm_helpers[ARM_HELPER_A32_USER_GET], ir_const(c->b, n));
}

static bool user_list_exists(const struct arm_ctx *c, const struct arm_arg_yuser *a)
{
    return c->el && a->Rn != ARM_R15 && a->list;
}

bool arm_trans_a32_stm_user(struct arm_ctx *c, const struct arm_arg_yuser *a)
{
    if (!user_list_exists(c, a))
        return false;
    s32 at = 0, bytes = 4 * __builtin_popcount(a->list);
    struct list l = list_at(c, arm_r(c, a->Rn), bytes, a->up, a->before);
    for (unsigned n = 0; n < 16; n++) {
        if (!(a->list >> n & 1))
            continue;
        ir_store(c->b, word_mem(c), l.first, at, user_reg(c, n));
        at += 4;
    }
    return true;
}

bool arm_trans_a32_ldm_user(struct arm_ctx *c, const struct arm_arg_yuser *a)
{
    if (!user_list_exists(c, a))
        return false;
    ir_value v[15];
    s32 at = 0, bytes = 4 * __builtin_popcount(a->list);
    struct list l = list_at(c, arm_r(c, a->Rn), bytes, a->up, a->before);
    for (unsigned n = 0; n < 15; n++) {
        if (!(a->list >> n & 1))
            continue;
        v[n] = ir_load(c->b, IR_I64, word_mem(c), l.first, at);
        at += 4;
    }
    for (unsigned n = 0; n < 15; n++) {
        if (!(a->list >> n & 1))
            continue;
        ir_value args[2] = {ir_const(c->b, n), v[n]};
        if (n < 8)
            arm_set_r(c, n, v[n]);
        else
            arm_call(c, ARM_HELPER_A32_USER_SET, args);
    }
    return true;
}

/* With r15: CPSR comes back too. */
bool arm_trans_a32_ldm_return(struct arm_ctx *c, const struct arm_arg_yldm *a)
{
    if (!c->el || a->Rn == ARM_R15 || (a->back && a->list >> a->Rn & 1))
        return false;
    ir_value v[15];
    s32 at = 0, bytes = 4 * __builtin_popcount(a->list) + 4;
    struct list l = list_at(c, arm_r(c, a->Rn), bytes, a->up, a->before);
    for (unsigned n = 0; n < 15; n++) {
        if (!(a->list >> n & 1))
            continue;
        v[n] = ir_load(c->b, IR_I64, word_mem(c), l.first, at);
        at += 4;
    }
    ir_value pc = ir_load(c->b, IR_I32, word_mem(c), l.first, at);
    if (a->back)
        arm_set_r(c, a->Rn, l.moved);
    for (unsigned n = 0; n < 15; n++) {
        if (a->list >> n & 1)
            arm_set_r(c, n, v[n]);
    }
    return arm_return_alu(c, pc);
}

bool arm_trans_a32_rfe(struct arm_ctx *c, const struct arm_arg_yrfe *a)
{
    if (!c->el || a->Rn == ARM_R15)
        return false;
    struct list l = list_at(c, arm_r(c, a->Rn), 8, a->up, a->before);
    ir_value args[2] = {ir_load(c->b, IR_I64, word_mem(c), l.first, 0),
                        ir_load(c->b, IR_I64, word_mem(c), l.first, 4)};
    if (a->back)
        arm_set_r(c, a->Rn, l.moved);
    arm_call(c, ARM_HELPER_A32_RFE, args);
    ir_exit_lookup(c->b);
    return true;
}

/* LR and SPSR onto another mode's stack. */
bool arm_trans_a32_srs(struct arm_ctx *c, const struct arm_arg_ysrs *a)
{
    if (!c->el || !arm_a32_mode_valid(a->mode))
        return false;
    u64 sp = ARM_R13 << 8 | a->mode;
    ir_value spsr = ir_call1(c->b, &arm_helpers[ARM_HELPER_A32_MRS], ir_const(c->b, 1));
    ir_value base = ir_call1(c->b, &arm_helpers[ARM_HELPER_A32_BANK_GET], ir_const(c->b, sp));
    struct list l = list_at(c, ir_trunc(c->b, base), 8, a->up, a->before);
    ir_store(c->b, word_mem(c), l.first, 0, arm_r(c, ARM_R14));
    ir_store(c->b, word_mem(c), l.first, 4, ir_trunc(c->b, spsr));
    if (a->back) {
        ir_value args[2] = {ir_const(c->b, sp), arm_widen(c, l.moved)};
        arm_call(c, ARM_HELPER_A32_BANK_SET, args);
    }
    return true;
}

/* ---- Coprocessors 14 and 15 ------------------------------------------------------------------ */

static bool is_accessible(const struct arm_ctx *c, const struct arm_sysreg32_place *p, bool write)
{
    return arm_sys_least_level(c->cpu, arm_sysreg32_access(p), write) <= c->el;
}

/* The register, where the level has it at all. */
static bool find(struct arm_ctx *c, u32 key, bool write, struct arm_sysreg32_place *p)
{
    *p = arm_sysreg32_find(c->cpu, key);
    if (!p->r)
        log_if(c->cpu->cpu.host->log, LOG_UNIMP,
               "cpu %u: pc %#llx: no AArch32 system register %#x (%s)\n", c->cpu->cpu.index,
               (unsigned long long)c->pc, key, write ? "write" : "read");
    return p->r && is_accessible(c, p, write);
}

/* Syndrome of MCR, MRC ("D24.2.40", ISS of an MCR or MRC access). */
static u64 cp_syndrome(const struct arm_arg_ycp *a, bool read)
{
    enum arm_ec ec = a->coproc ? ARM_EC_CP15 : ARM_EC_CP14;
    return ARM_SYNDROME(ec, BIT(24) | UINT64_C(14) << 20 | (u64)a->opc2 << 17 | (u64)a->opc1 << 14 |
                                (u64)a->CRn << 10 | (u64)a->Rt << 5 | (u64)a->CRm << 1 | read);
}

static u64 cp64_syndrome(const struct arm_arg_ycp2 *a, bool read)
{
    enum arm_ec ec = a->coproc ? ARM_EC_CP15_64 : ARM_EC_CP14_64;
    return ARM_SYNDROME(ec, BIT(24) | UINT64_C(14) << 20 | (u64)a->opc1 << 16 | (u64)a->Rt2 << 10 |
                                (u64)a->Rt << 5 | (u64)a->CRm << 1 | read);
}

static ir_value read_cp(struct arm_ctx *c, u32 key, const struct arm_sysreg32_place *p,
                        u64 syndrome)
{
    return ir_call3(c->b, &arm_helpers[ARM_HELPER_CP_READ], ir_const(c->b, key),
                    ir_const(c->b, arm_sysreg32_pack(p)), ir_const(c->b, syndrome));
}

static bool write_cp(struct arm_ctx *c, u32 key, const struct arm_sysreg32_place *p, u64 syndrome,
                     ir_value v)
{
    ir_value args[4] = {ir_const(c->b, key), ir_const(c->b, arm_sysreg32_pack(p)),
                        ir_const(c->b, syndrome), v};
    arm_call(c, ARM_HELPER_CP_WRITE, args);
    unsigned ends = ARM_SYSREG_ENDS | ARM_SYSREG_LEAVES;
    return arm_sysreg32_flags(p) & ends ? end_lookup(c) : true;
}

static u32 key_of(const struct arm_arg_ycp *a)
{
    return ARM_CP(14 + a->coproc, a->opc1, a->CRn, a->CRm, a->opc2);
}

bool arm_trans_a32_mcr(struct arm_ctx *c, const struct arm_arg_ycp *a)
{
    struct arm_sysreg32_place p;
    if (a->Rt == ARM_R15 || !find(c, key_of(a), true, &p))
        return false;
    return write_cp(c, key_of(a), &p, cp_syndrome(a, false), arm_r_wide(c, a->Rt));
}

/* To r15: the flags, of DBGDSCRint only. */
bool arm_trans_a32_mrc(struct arm_ctx *c, const struct arm_arg_ycp *a)
{
    struct arm_sysreg32_place p;
    if (!find(c, key_of(a), false, &p) || (a->Rt == ARM_R15 && key_of(a) != ARM_CP(14, 0, 0, 1, 0)))
        return false;
    u32 offset = arm_sysreg32_plain(c->cpu, &p);
    ir_value v = offset ? ir_load_state(c->b, IR_I64, offset, 2)
                        : read_cp(c, key_of(a), &p, cp_syndrome(a, true));
    if (a->Rt != ARM_R15)
        return arm_set_r(c, a->Rt, v);
    arm_flags_set_nzcv(c, ir_andi(c->b, v, UINT64_C(0xf0000000)));
    return true;
}

bool arm_trans_a32_mcrr(struct arm_ctx *c, const struct arm_arg_ycp2 *a)
{
    struct arm_sysreg32_place p;
    u32 key = ARM_CP64(14 + a->coproc, a->opc1, a->CRm);
    if (a->Rt == ARM_R15 || a->Rt2 == ARM_R15 || !find(c, key, true, &p))
        return false;
    ir_value v = ir_or(c->b, arm_r_wide(c, a->Rt), ir_shli(c->b, arm_r_wide(c, a->Rt2), 32));
    return write_cp(c, key, &p, cp64_syndrome(a, false), v);
}

bool arm_trans_a32_mrrc(struct arm_ctx *c, const struct arm_arg_ycp2 *a)
{
    struct arm_sysreg32_place p;
    u32 key = ARM_CP64(14 + a->coproc, a->opc1, a->CRm);
    if (a->Rt == ARM_R15 || a->Rt2 == ARM_R15 || a->Rt == a->Rt2 || !find(c, key, false, &p))
        return false;
    ir_value v = read_cp(c, key, &p, cp64_syndrome(a, true));
    arm_set_r(c, a->Rt, ir_trunc(c->b, v));
    return arm_set_r(c, a->Rt2, ir_shri(c->b, v, 32));
}

/* ---- LDC and STC ------------------------------------------------------------------------------ */

/* DBGDTRTXint is loaded, DBGDTRRXint stored: registers of one number. */
enum { DTR = ARM_CP(14, 0, 0, 5, 0) };

/* The syndrome's addressing modes ("ISS encoding for an exception from an LDC or STC instruction"). */
enum { AM_OPTION, AM_POST, AM_OFFSET, AM_PRE, AM_LITERAL };

struct cp14_place {
    u32 n, am, imm8;
    bool load, up;
};

/* Traps come before faults of the memory. */
static bool cp14_ldst(struct arm_ctx *c, const struct cp14_place *a)
{
    struct arm_sysreg32_place p;
    bool literal = a->n == ARM_R15, back = a->am == AM_POST || a->am == AM_PRE;
    if ((literal && (back || (c->thumb && !a->load))) || !find(c, DTR, a->load, &p))
        return false;
    u32 am = literal ? a->am | AM_LITERAL : a->am;
    u64 syndrome =
        ARM_SYNDROME(ARM_EC_CP14_LDST, BIT(24) | UINT64_C(14) << 20 | (u64)a->imm8 << 12 |
                                           (u64)a->n << 5 | (u64)a->up << 4 | am << 1 | a->load);
    ir_value args[4] = {ir_const(c->b, DTR), ir_const(c->b, arm_sysreg32_pack(&p)),
                        ir_const(c->b, syndrome), ir_const(c->b, a->load)};
    arm_call(c, ARM_HELPER_CP_CHECK, args);
    s32 offset = a->am == AM_OPTION ? 0 : a->up ? (s32)a->imm8 * 4 : -(s32)a->imm8 * 4;
    ir_value base = literal ? ir_const32(c->b, arm_pc_value(c) & ~3u) : arm_r(c, a->n);
    ir_value moved = ir_addi(c->b, base, offset);
    ir_value addr = arm_widen(c, a->am == AM_POST ? base : moved);
    if (a->load) {
        args[3] = ir_zext(c->b, ir_load(c->b, IR_I32, arm_mem(c, 2) | IR_MEM_ALIGN, addr, 0), 32, IR_I64);
        arm_call(c, ARM_HELPER_CP_WRITE, args);
    } else {
        ir_value v = read_cp(c, DTR, &p, syndrome);
        ir_store(c->b, arm_mem(c, 2) | IR_MEM_ALIGN, addr, 0, ir_trunc(c->b, v));
    }
    return !back || arm_set_r(c, a->n, moved);
}

bool arm_trans_a32_cp14_ldst(struct arm_ctx *c, const struct arm_arg_yldc *a)
{
    struct cp14_place p = {.n = a->Rn, .load = a->load, .up = a->ofs >> 8, .imm8 = a->ofs & 0xff};
    p.am = a->index == ARM_INDEX_PRE ? AM_PRE : a->index == ARM_INDEX_POST ? AM_POST : AM_OFFSET;
    return cp14_ldst(c, &p);
}

/* Nothing is added: the immediate is an option for the coprocessor. */
bool arm_trans_a32_cp14_ldst_option(struct arm_ctx *c, const struct arm_arg_yldcopt *a)
{
    struct cp14_place p = {.n = a->Rn, .load = a->load, .up = true, .imm8 = a->imm8, .am = AM_OPTION};
    return !(c->thumb && a->Rn == ARM_R15) && cp14_ldst(c, &p);
}

/* ---- Control registers of VFP ---------------------------------------------------------------- */

enum {
    FPSID = ARM_FP_FPSID,
    FPSCR = ARM_FP_FPSCR,
    MVFR2 = ARM_FP_MVFR2,
    MVFR1 = ARM_FP_MVFR1,
    MVFR0 = ARM_FP_MVFR0,
    FPEXC = ARM_FP_FPEXC
};

/* FPSCR's users need FPEXC.EN, those of the others EL1. */
static bool fpreg_exists(const struct arm_ctx *c, u32 reg)
{
    switch (reg) {
    case FPSCR: return true;
    case FPSID:
    case MVFR2:
    case MVFR1:
    case MVFR0:
    case FPEXC: return c->el != 0;
    default: return false;
    }
}

bool arm_trans_a32_vmsr(struct arm_ctx *c, const struct arm_arg_yvmsr *a)
{
    bool writable = a->fpreg == FPSID || a->fpreg == FPSCR || a->fpreg == FPEXC;
    if (a->Rt == ARM_R15 || !writable || !fpreg_exists(c, a->fpreg))
        return false;
    if (a->fpreg == FPSCR && !arm_fp_begin(c))
        return true;
    ir_value args[3] = {ir_const(c->b, a->fpreg), ir_const(c->b, a->Rt), arm_r_wide(c, a->Rt)};
    arm_call(c, ARM_HELPER_A32_VMSR, args);
    return end_lookup(c);
}

bool arm_trans_a32_vmrs(struct arm_ctx *c, const struct arm_arg_yvmsr *a)
{
    if (!fpreg_exists(c, a->fpreg) || (a->Rt == ARM_R15 && a->fpreg != FPSCR))
        return false;
    if (a->fpreg == FPSCR && !arm_fp_begin(c))
        return true;
    ir_value args[2] = {ir_const(c->b, a->fpreg), ir_const(c->b, a->Rt)};
    ir_value v = arm_call(c, ARM_HELPER_A32_VMRS, args);
    if (a->Rt != ARM_R15)
        return arm_set_r(c, a->Rt, v);
    arm_flags_set_nzcv(c, ir_andi(c->b, v, UINT64_C(0xf0000000)));
    return true;
}
