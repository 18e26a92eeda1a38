/*
 * trans_bti.c - branch target identification (DDI 0487, D8.4.5, "BTI").
 *
 * An indirect branch notes its target and its type in one word (arm_cpu.branch_target: the address,
 * and PSTATE.BTYPE in its low bits). A unit in a guarded page compares that word with its own
 * address before its first instruction: so nothing has to clear BTYPE after each instruction, and
 * pages that are not guarded pay nothing. A note that was answered at its target would be answered
 * the same again; exceptions turn it into SPSR_ELx.BTYPE and back (trap.c).
 */
#include "isa/arm/control.h"
#include "isa/arm/trans.h"

/* Which types may come to an instruction: bits 1..3; PACIASP and PACIBSP take type 3 by
 * SCTLR_ELx.BT. */
enum { TYPE_1 = 2, TYPE_2 = 4, TYPE_3 = 8, BY_CONTROL = 16 };

static unsigned types_of(u32 insn)
{
    switch (insn) {
    case 0xd503245f: return TYPE_1 | TYPE_2;                       /* bti c */
    case 0xd503249f: return TYPE_1 | TYPE_3;                       /* bti j */
    case 0xd50324df: return TYPE_1 | TYPE_2 | TYPE_3;              /* bti jc */
    case 0xd503233f:                                               /* paciasp */
    case 0xd503237f: return TYPE_1 | TYPE_2 | TYPE_3 | BY_CONTROL; /* pacibsp */
    default: break;
    }
    bool is_brk = (insn & 0xffe0001f) == 0xd4200000, is_hlt = (insn & 0xffe0001f) == 0xd4400000;
    return is_brk || is_hlt ? TYPE_1 | TYPE_2 | TYPE_3 : 0;
}

void arm_bti_check(struct arm_ctx *c)
{
    unsigned types = types_of(c->insn);
    if (!c->guarded || types == (TYPE_1 | TYPE_2 | TYPE_3))
        return;
    ir_value noted = ir_load_state(c->b, IR_I64, offsetof(struct arm_cpu, branch_target), 3);
    ir_value type = ir_xor(c->b, noted, ir_pc(c->b, c->pc)); /* 1..3: here */
    ir_value refused;
    if (types & BY_CONTROL || types == (TYPE_1 | TYPE_2))
        refused = ir_cmp(c->b, IR_EQ, type, ir_const(c->b, 3));
    else if (types == (TYPE_1 | TYPE_3))
        refused = ir_cmp(c->b, IR_EQ, type, ir_const(c->b, 2));
    else
        refused = ir_cmp(c->b, IR_LTU, ir_addi(c->b, type, -1), ir_const(c->b, 3));
    enum arm_helper h = types & BY_CONTROL ? ARM_HELPER_BTI_CONTROL : ARM_HELPER_BTI;
    ir_trap_if(c->b, refused, &arm_helpers[h], 0);
}

/* "BR ... BTYPE is 01 by X16 or X17, or from a page that is not guarded, else 11; BLR: 10". */
void arm_bti_branch(struct arm_ctx *c, ir_value target, u32 n, bool link)
{
    u64 type = link ? 2 : n == 16 || n == 17 || !c->guarded ? 1 : 3;
    if (!arm_has(c, ARM_EXT_BTI))
        return;
    ir_store_state(c->b, offsetof(struct arm_cpu, branch_target), 3,
                   ir_or(c->b, target, ir_const(c->b, type)));
}

/* ---- Helpers --------------------------------------------------------------------------------- */

void arm_helper_bti(struct cpu *cpu, u64 unused)
{
    struct arm_cpu *a = arm_cpu(cpu);
    arm_unwind(a, ARM_SYNDROME(ARM_EC_BTI, a->branch_target & 3), 0, a->pc);
}

/* PACIASP, reached by BR: SCTLR_ELx.BT0 or BT1 says whether that is allowed. */
void arm_helper_bti_control(struct cpu *cpu, u64 unused)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 bt = arm_el(a) ? SCTLR_BT1 : SCTLR_BT0;
    if (arm_el(a) >= 2 && !arm_is_host(a))
        bt = SCTLR_BT1; /* SCTLR_EL2 and EL3 have one bit, in this place */
    if (arm_sctlr(a) & bt)
        arm_helper_bti(cpu, 0);
    else
        a->branch_target = 0; /* the engine comes here again, and passes */
}
