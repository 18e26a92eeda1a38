/*
 * trans32_vfp_move.c - floating point registers of A32 and T32: moves from and to general
 * registers, loads and stores (DDI 0487, F4.1.12 and on). Registers come as vector.h names them.
 *
 * Accesses are of words, aligned (MemA of the manual's pseudo-code), however many are made at once.
 * Registers are written after the last access that may fault, the base too.
 */
#include "isa/arm/trans32_simd.h"
#include "isa/arm_decode.h"

/* ---- General registers ------------------------------------------------------------------------
 */

bool arm_trans_a32_vfp_from_core(struct arm_ctx *c, const struct arm_arg_wcore *a)
{
    if (a->Rt == ARM_R15)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value v = arm_r_wide(c, a->Rt);
    return arm_float_set(c, a->Rd, a->size == 1 ? ir_zext(c->b, v, 16, IR_I64) : v);
}

bool arm_trans_a32_vfp_to_core(struct arm_ctx *c, const struct arm_arg_wcore *a)
{
    if (a->Rt == ARM_R15)
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_set_r(c, a->Rt, arm_float_bits(c, a->Rd, a->size));
}

/* A double register, or two single ones. */
static bool two_exist(const struct arm_arg_wtwo *a)
{
    bool past_end = a->Rd == (ARM_VIEW_S | 31);
    return a->Rt != ARM_R15 && a->Rt2 != ARM_R15 && !past_end;
}

bool arm_trans_a32_vfp_from_two(struct arm_ctx *c, const struct arm_arg_wtwo *a)
{
    struct ir_builder *b = c->b;
    if (!two_exist(a))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value low = arm_r_wide(c, a->Rt), high = arm_r_wide(c, a->Rt2);
    if (a->Rd & ARM_VIEW_D)
        return arm_float_set(c, a->Rd, ir_or(b, low, ir_shli(b, high, 32)));
    arm_float_set(c, a->Rd, low);
    return arm_float_set(c, a->Rd + 1, high);
}

bool arm_trans_a32_vfp_to_two(struct arm_ctx *c, const struct arm_arg_wtwo *a)
{
    struct ir_builder *b = c->b;
    if (!two_exist(a) || a->Rt == a->Rt2)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value low, high;
    if (a->Rd & ARM_VIEW_D) {
        ir_value v = arm_float_bits(c, a->Rd, 3);
        low = ir_zext(b, v, 32, IR_I64);
        high = ir_shri(b, v, 32);
    } else {
        low = arm_float_bits(c, a->Rd, 2);
        high = arm_float_bits(c, a->Rd + 1, 2);
    }
    arm_set_r(c, a->Rt, low);
    return arm_set_r(c, a->Rt2, high);
}

/* A lane of a D register as one of the Q register it is in. */
static u32 lane_in_whole(const struct arm_arg_wlane *a)
{
    return a->lane + (a->Rd & 1) * (8u >> a->size);
}

bool arm_trans_a32_vfp_lane_from_core(struct arm_ctx *c, const struct arm_arg_wlane *a)
{
    if (a->Rt == ARM_R15)
        return false;
    if (!arm_fp_begin(c))
        return true;
    u32 v = a->Rd >> 1 & 15;
    return arm_set_v(c, v,
                     ir_vset(c->b, a->size, arm_v(c, v), arm_r_wide(c, a->Rt), lane_in_whole(a)));
}

bool arm_trans_a32_vfp_lane_to_core(struct arm_ctx *c, const struct arm_arg_wlane *a)
{
    if (a->Rt == ARM_R15)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value v = ir_vget(c->b, a->size, arm_v(c, a->Rd >> 1 & 15), lane_in_whole(a));
    if (!a->uns)
        v = ir_sext(c->b, v, 8u << a->size, IR_I32);
    return arm_set_r(c, a->Rt, v);
}

/* ---- One register -----------------------------------------------------------------------------
 */

/* ofs: in words, or halves; << 8: it is added. r15 is aligned to a word. */
bool arm_trans_a32_vfp_ldst(struct arm_ctx *c, const struct arm_arg_wldr *a)
{
    s32 offset = (s32)(a->ofs & 0xff) << (a->size == 1 ? 1 : 2);
    if (a->Rn == ARM_R15 && !a->load && c->thumb)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value base = a->Rn == ARM_R15 ? ir_const32(c->b, arm_pc_value(c) & ~3u) : arm_r(c, a->Rn);
    ir_value addr = arm_address(c, base, a->ofs >> 8 ? offset : -offset);
    unsigned mem = arm_mem(c, a->size) & ~(unsigned)IR_MEM_ALIGN;
    if (a->size == 3) {
        arm_check_aligned(c, addr, 3, !a->load);
        mem |= IR_MEM_PARTS(2);
    } else {
        mem |= IR_MEM_ALIGN;
    }
    if (!a->load) {
        ir_store(c->b, mem, addr, 0, arm_float_bits(c, a->Rd, a->size));
        return true;
    }
    return arm_float_set(c, a->Rd, ir_load(c->b, IR_I64, mem, addr, 0));
}

/* ---- Several registers ------------------------------------------------------------------------
 */

struct several {
    u32 first, count; /* numbers of S or D registers */
    bool single, load;
};

/* Two D registers that are a Q register go together, where the order of bytes allows. */
static unsigned step_of(const struct arm_ctx *c, const struct several *s, u32 r)
{
    bool pair = !s->single && !c->big_endian && !((s->first + r) & 1) && r + 1 < s->count;
    return pair ? 2 : 1;
}

static void transfer(struct arm_ctx *c, const struct several *s, ir_value addr)
{
    struct ir_builder *b = c->b;
    unsigned mem = (arm_mem(c, 0) & ~(unsigned)IR_MEM_ALIGN) | IR_MEM_PARTS(2),
             bytes = s->single ? 4 : 8;
    u32 part = s->single ? ARM_VIEW_S : ARM_VIEW_D;
    ir_value v[32];
    for (u32 r = 0; r < s->count; r += step_of(c, s, r)) {
        bool pair = step_of(c, s, r) == 2;
        u32 reg = s->first + r;
        unsigned size = pair ? 4 : s->single ? 2 : 3;
        s32 offset = (s32)(r * bytes);
        if (s->load)
            v[r] = ir_load(b, pair ? IR_V128 : IR_I64, mem | size, addr, offset);
        else
            ir_store(b, mem | size, addr, offset,
                     pair ? arm_v(c, reg >> 1) : arm_float_bits(c, part | reg, size));
    }
    for (u32 r = 0; s->load && r < s->count; r += step_of(c, s, r)) {
        u32 reg = s->first + r;
        if (step_of(c, s, r) == 2)
            arm_set_v(c, reg >> 1, v[r]);
        else
            arm_float_set(c, part | reg, v[r]);
    }
}

/* imm8: words transferred; of doublewords, an odd number moves the base by one more (FLDMX, FSTMX).
 */
bool arm_trans_a32_vfp_ldstm(struct arm_ctx *c, const struct arm_arg_wldm *a)
{
    struct several s = {.first = a->Rd & 31, .count = a->single ? a->imm8 : a->imm8 / 2};
    u32 bytes = 4 * a->imm8;
    s.single = a->single;
    s.load = a->load;
    if (!s.count || s.first + s.count > 32 || (!s.single && s.count > 16))
        return false;
    if (a->Rn == ARM_R15 && (a->back || c->thumb))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value base = arm_r(c, a->Rn);
    ir_value moved = ir_addi(c->b, base, a->down ? -(s64)bytes : (s64)bytes);
    ir_value addr = arm_widen(c, a->down ? moved : base);
    arm_check_aligned(c, addr, 3, !a->load);
    transfer(c, &s, addr);
    return !a->back || arm_set_r(c, a->Rn, moved);
}
