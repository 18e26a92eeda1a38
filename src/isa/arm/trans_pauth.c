/*
 * trans_pauth.c - A64: pointer authentication. The work is in helpers (pauth.c), which touch no
 * registers; that EL2 or EL3 traps the use is tested before, on CPUs that have those levels.
 */
#include "isa/arm/control.h"
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

static ir_value sysreg_bits(struct arm_ctx *c, unsigned id, u64 mask)
{
    u32 offset = (u32)(offsetof(struct arm_cpu, sysreg) + id * sizeof(u64));
    return ir_andi(c->b, ir_load_state(c->b, IR_I64, offset, 3), mask);
}

static ir_value is_zero(struct arm_ctx *c, ir_value v)
{
    return ir_cmp(c->b, IR_EQ, v, ir_const(c->b, 0));
}

static ir_value is_not_zero(struct arm_ctx *c, ir_value v)
{
    return ir_cmp(c->b, IR_NE, v, ir_const(c->b, 0));
}

/* SCTLR_ELx.EnIA and so on; PACGA has none. EL0 is ruled by EL1 but as the host's. */
static ir_value is_enabled(struct arm_ctx *c, u32 key, ir_value is_host)
{
    static const u16 ids[4] = {ARM_SYS_SCTLR_EL1, ARM_SYS_SCTLR_EL1, ARM_SYS_SCTLR_EL2,
                               ARM_SYS_SCTLR_EL3};
    static const u64 bits[] = {[ARM_PAC_IA] = SCTLR_ENIA,
                               [ARM_PAC_IB] = SCTLR_ENIB,
                               [ARM_PAC_DA] = SCTLR_ENDA,
                               [ARM_PAC_DB] = SCTLR_ENDB};
    if (key == ARM_PAC_GA)
        return ir_const(c->b, 1);
    ir_value own = is_not_zero(c, sysreg_bits(c, ids[c->el], bits[key]));
    if (c->el || !c->cpu->has_el2)
        return own;
    ir_value host = is_not_zero(c, sysreg_bits(c, ARM_SYS_SCTLR_EL2, bits[key]));
    return ir_select(c->b, is_host, host, own);
}

/* "TrapPACUse": by EL2, then EL3. */
static void test_traps(struct arm_ctx *c, u32 key)
{
    struct ir_builder *b = c->b;
    bool by_el2 = c->cpu->has_el2 && c->el < 2, by_el3 = c->cpu->has_el3 && c->el < 3;
    if (!by_el2 && !by_el3)
        return;
    ir_value is_host = ir_const(b, 0), has_el2 = ir_const(b, 1);
    if (c->cpu->has_el3)
        has_el2 = is_not_zero(c, sysreg_bits(c, ARM_SYS_SCR_EL3, SCR_NS));
    if (by_el2 && c->el == 0) {
        ir_value mode = sysreg_bits(c, ARM_SYS_HCR_EL2, HCR_E2H | HCR_TGE);
        is_host = ir_and(b, has_el2, ir_cmp(b, IR_EQ, mode, ir_const(b, HCR_E2H | HCR_TGE)));
    }
    ir_value enabled = is_enabled(c, key, is_host);
    const struct ir_helper *trap = &arm_helpers[ARM_HELPER_PAC_TRAP];
    if (by_el2) {
        ir_value guest = ir_and(b, has_el2, ir_xor(b, is_host, ir_const(b, 1)));
        ir_value refused = is_zero(c, sysreg_bits(c, ARM_SYS_HCR_EL2, HCR_API));
        ir_trap_if(b, ir_and(b, enabled, ir_and(b, guest, refused)), trap, 2);
    }
    if (by_el3)
        ir_trap_if(b, ir_and(b, enabled, is_zero(c, sysreg_bits(c, ARM_SYS_SCR_EL3, SCR_API))),
                   trap, 3);
}

/* Also the level that rules the regime, where it is known. */
static ir_value authenticate(struct arm_ctx *c, bool aut, ir_value ptr, ir_value modifier, u32 key)
{
    unsigned level = c->el ? c->el : c->cpu->has_el2 ? 0 : 1;
    bool fast = level && arm_cpu_has(c->cpu, ARM_EXT_PAUTH_IMPDEF);
    enum arm_helper pac = fast ? ARM_HELPER_PAC_FAST : ARM_HELPER_PAC;
    test_traps(c, key);
    return arm_call(c, !aut ? pac : fast ? ARM_HELPER_AUT_FAST : ARM_HELPER_AUT,
                    (ir_value[]){ptr, modifier, ir_const(c->b, key | level << ARM_PAC_LEVEL_SHIFT)});
}

static ir_value modifier_of(struct arm_ctx *c, u32 n, u32 zero)
{
    return zero ? ir_const(c->b, 0) : arm_xsp(c, n);
}

bool arm_trans_a64_pac(struct arm_ctx *c, const struct arm_arg_pac *a)
{
    ir_value modifier = modifier_of(c, a->Rn, a->zero);
    return arm_set_x(c, a->Rd, authenticate(c, false, arm_x(c, a->Rd), modifier, a->key));
}

bool arm_trans_a64_aut(struct arm_ctx *c, const struct arm_arg_pac *a)
{
    ir_value modifier = modifier_of(c, a->Rn, a->zero);
    return arm_set_x(c, a->Rd, authenticate(c, true, arm_x(c, a->Rd), modifier, a->key));
}

bool arm_trans_a64_xpac(struct arm_ctx *c, const struct arm_arg_xpac *a)
{
    ir_value args[] = {arm_x(c, a->Rd), ir_const(c->b, a->data)};
    return arm_set_x(c, a->Rd, arm_call(c, ARM_HELPER_XPAC, args));
}

bool arm_trans_a64_pacga(struct arm_ctx *c, const struct arm_arg_pacga *a)
{
    test_traps(c, ARM_PAC_GA);
    ir_value args[] = {arm_x(c, a->Rn), arm_xsp(c, a->Rm)};
    return arm_set_x(c, a->Rd, arm_call(c, ARM_HELPER_PACGA, args));
}

/* ---- Branches ---- */

static ir_value target_of(struct arm_ctx *c, const struct arm_arg_bra *a)
{
    ir_value modifier = modifier_of(c, a->Rm, a->zero);
    return authenticate(c, true, arm_x(c, a->Rn), modifier, a->key);
}

bool arm_trans_a64_bra(struct arm_ctx *c, const struct arm_arg_bra *a)
{
    ir_value target = target_of(c, a);
    arm_bti_branch(c, target, a->Rn, false);
    arm_jump(c, target, IR_JUMP_PLAIN);
    return true;
}

bool arm_trans_a64_blra(struct arm_ctx *c, const struct arm_arg_bra *a)
{
    ir_value target = target_of(c, a);
    arm_bti_branch(c, target, a->Rn, true);
    arm_set_x(c, 30, ir_pc(c->b, c->pc + c->length));
    arm_jump(c, target, IR_JUMP_CALL);
    return true;
}

bool arm_trans_a64_reta(struct arm_ctx *c, const struct arm_arg_reta *a)
{
    ir_value target = authenticate(c, true, arm_x(c, 30), arm_xsp(c, 31), a->key);
    arm_jump(c, target, IR_JUMP_RETURN);
    return true;
}

bool arm_trans_a64_ereta(struct arm_ctx *c, const struct arm_arg_reta *a)
{
    if (c->el == 0)
        return false;
    u32 offset = (u32)(offsetof(struct arm_cpu, elr_el) + c->el * sizeof(u64));
    ir_value elr = ir_load_state(c->b, IR_I64, offset, 3);
    elr = authenticate(c, true, elr, arm_xsp(c, 31), a->key);
    ir_call1(c->b, &arm_helpers[ARM_HELPER_ERET], elr);
    ir_exit_lookup(c->b);
    return true;
}

/* ---- Loads ---- */

bool arm_trans_a64_ldra(struct arm_ctx *c, const struct arm_arg_ldra *a)
{
    ir_value base = authenticate(c, true, arm_base(c, a->Xn), ir_const(c->b, 0), a->key);
    ir_value v = ir_load(c->b, IR_I64, arm_mem(c, 3), base, a->offset);
    if (a->pre)
        arm_move_base(c, a->Xn, ir_addi(c->b, base, a->offset), a->offset);
    return arm_set_x(c, a->Rt, v);
}
