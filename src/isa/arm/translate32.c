/*
 * translate32.c - A32 and T32 in the front end's loop: which instruction it is, its condition, IT
 * blocks.
 *
 * Conditions. An instruction that only computes is built at once, and what it puts into registers
 * is chosen: new where the condition holds, else old. Whatever else it may be (it accesses memory,
 * branches, sets flags, calls) is found by having built it: that is taken back. A jump becomes one
 * that is taken where the condition holds. Before others code leaves, where it does not, for the
 * first instruction that has another condition, and from there on the condition is known to hold,
 * until flags change: those that follow with the same one need no test, those with the opposite one
 * are nothing.
 *
 * IT blocks. Slot IT holds ITSTATE for faults (arm.h). Units are entered at the begin of a block as
 * a rule, and then ITSTATE is not in their mode word; one that is entered inside of a block (mode
 * word's IT) ends with the block and leaves by way of the engine, as does a unit that ends inside.
 *
 * The tables' sets: a32 with a condition, a32u without (bits 31..28 ones), t32.
 */
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"
#include "jit/translate.h"

/* ---- Which instruction ---- */

static enum arm_insn identify(const struct arm_ctx *c)
{
    if (c->thumb)
        return c->length == 2 ? arm_identify_t32_16(c->ext, c->insn)
                              : arm_identify_t32_32(c->ext, c->insn);
    return c->insn >> 28 == 15 ? arm_identify_a32u_32(c->ext, c->insn)
                               : arm_identify_a32_32(c->ext, c->insn);
}

static void build(struct arm_ctx *c, enum arm_insn id)
{
    if (arm_translate(c, id, c->insn))
        return;
    log_if(c->cpu->cpu.host->log, LOG_UNIMP, "cpu %u: pc %#llx: undefined instruction %08x\n",
           c->cpu->cpu.index, (unsigned long long)c->pc, c->insn);
    arm_call(c, ARM_HELPER_UNDEFINED, NULL);
    ir_exit_lookup(c->b);
}

/* ---- Choosing ---- */

/* May the slot be chosen? Flags are kept in several that belong together. */
static bool is_choosable(u32 slot)
{
    return slot <= ARM_SLOT_X + ARM_R14 || slot == ARM_SLOT_GE || slot == ARM_SLOT_Q ||
           (slot >= ARM_SLOT_V && slot < ARM_SLOT_V + 32);
}

/* The operations from `first` on have no effect but puts. */
static bool only_computes(const struct ir_unit *u, u32 first)
{
    for (u32 i = first; i < u->count; i++) {
        if (u->ops[i].op == IR_PUT && !is_choosable(u->ops[i].b))
            return false;
    }
    return ir_only_computes(u, first);
}

/* The last operation is a jump to an address known now, and there is no other but that ITSTATE is
 * put. */
static bool only_jumps(const struct ir_unit *u, u32 first, u64 *target)
{
    const struct ir_op *last = &u->ops[u->count - 1];
    if (u->count == first || last->op != IR_EXIT_JUMP)
        return false;
    for (u32 i = first; i + 1 < u->count; i++) {
        const struct ir_op *op = &u->ops[i];
        if (op->op != IR_CONST && !(op->op == IR_PUT && op->b == ARM_SLOT_IT))
            return false;
    }
    *target = ir_imm(last);
    return true;
}

static void jump_if(struct arm_ctx *c, ir_value cond, u64 target)
{
    arm_it_leave(c);
    ir_exit_if(c->b, cond, target);
}

static bool stores_exclusive(const struct ir_unit *u, u32 first)
{
    for (u32 i = first; i < u->count; i++) {
        if (u->ops[i].op == IR_STORE_COND)
            return true;
    }
    return false;
}

/* False: it must be jumped over; nothing is built. *ends: it is an exclusive store. */
static bool build_chosen(struct arm_ctx *c, enum arm_insn id, ir_value cond, bool *ends)
{
    struct ir_builder *b = c->b, before = *b;
    struct ir_unit *u = b->unit;
    struct arm_ctx saved = *c;
    u32 first = u->count, args = u->arg_count;
    bool exists = arm_translate(c, id, c->insn), jumps = c->next != saved.next;
    u64 target = c->next;
    if (exists && !jumps && !b->ended && only_computes(u, first)) {
        ir_choose(b, first, before.slot, cond, true);
        return true;
    }
    jumps |= only_jumps(u, first, &target);
    *ends = stores_exclusive(u, first);
    u->count = first;
    u->arg_count = args;
    *b = before;
    *c = saved;
    if (jumps)
        jump_if(c, cond, target);
    return jumps;
}

/* ---- Jumping over ---- */

/* Where the first instruction is that has another condition; *it: ITSTATE there. */
static u64 behind_same_t32(struct arm_ctx *c, u8 *it)
{
    u64 pc = c->next, half;
    *it = arm_it_advance(c->it);
    while (*it && *it >> 4 == c->it >> 4 && jit_fetch(&c->cpu->cpu, pc, 2, &half)) {
        pc += half >> 11 >= 0x1d ? 4 : 2;
        *it = arm_it_advance(*it);
    }
    return pc;
}

static u64 behind_same_a32(struct arm_ctx *c)
{
    enum { FAR = 8 };
    u64 pc = c->next, word;
    for (unsigned n = 0; n < FAR; n++, pc += 4) {
        if (!jit_fetch(&c->cpu->cpu, pc, 4, &word) || word >> 28 != c->insn >> 28)
            break;
    }
    return pc;
}

/* Leaves where cond is 0. Between an exclusive load and its store it is by way of the engine: the
 * IR's passes take such a pair in one unit for one that has no store where the unit is left. */
static void jump_over(struct arm_ctx *c, ir_value cond, bool direct)
{
    struct ir_builder *b = c->b;
    ir_value fails = ir_xor(b, cond, ir_const(b, 1));
    u8 it = 0;
    u64 pc = c->thumb ? behind_same_t32(c, &it) : behind_same_a32(c);
    c->peeked = MAX(c->peeked, pc);
    if (c->thumb)
        ir_put(b, ARM_SLOT_IT, ir_const(b, arm_it_pstate(it)));
    if (it || !direct)
        ir_trap_if(b, fails, &arm_helpers[ARM_HELPER_LEAVE_A32], (u32)(pc - c->pc));
    else
        ir_exit_if(b, fails, pc);
    if (c->thumb)
        ir_put(b, ARM_SLOT_IT, ir_const(b, arm_it_pstate(c->it)));
}

static void build_conditional(struct arm_ctx *c, enum arm_insn id, enum arm_cond cond)
{
    if (c->flags.holds & BIT(cond ^ 1))
        return;
    u64 known = c->flags.holds >> cond & 1;
    ir_value v = known ? ir_const(c->b, 1) : arm_cond(c, cond);
    bool is_known = ir_is_const(c->b, v, &known);
    if (is_known && !known)
        return;
    bool ends = false;
    if (!is_known && build_chosen(c, id, v, &ends))
        return;
    if (!is_known) {
        jump_over(c, v, ends || !c->reserved);
        c->flags.holds |= BIT(cond);
    }
    build(c, id);
}

/* ---- Advanced SIMD ---- */

/* Between general registers and elements: all but VMOV of words, which scalar floating point has too. */
static bool moves_element(u32 insn)
{
    return (insn & 0x0f000f10) == 0x0e000b10 && insn & (BITS(23, 22) | BITS(6, 5));
}

bool arm_is_simd32(const struct arm_ctx *c)
{
    u32 insn = c->insn, top = insn >> 24;
    if (top >> 4 != 15)
        return moves_element(insn) || (c->thumb && top == 0xef);
    if (top >= 0xfc && top <= 0xfe) /* with coprocessors 8, 12 and 13; scalars have 9 to 11 */
        return (insn >> 10 & 3) != 2 || !(insn & BITS(9, 8));
    return c->thumb ? top == 0xff || top == 0xf9 : top <= 0xf4;
}

/* ---- One instruction ---- */

static enum arm_cond cond_of(const struct arm_ctx *c)
{
    if (!c->thumb)
        return (enum arm_cond)(c->insn >> 28);
    return arm_in_it(c) ? (enum arm_cond)(c->it >> 4) : ARM_AL;
}

void arm_translate_insn32(struct arm_ctx *c)
{
    enum arm_insn id = identify(c);
    enum arm_cond cond = cond_of(c);
    u8 it = c->it;
    insn_coverage_hit(c->cpu->coverage, id);
    if (cond >= ARM_AL)
        build(c, id);
    else
        build_conditional(c, id, cond);
    if (ir_ended(c->b) || !c->it)
        return;
    if (it)
        c->it = arm_it_advance(it); /* else this was IT itself */
    ir_put(c->b, ARM_SLOT_IT, ir_const(c->b, arm_it_pstate(c->it)));
}
