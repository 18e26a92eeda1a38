/*
 * trans32_simd_mem.c - Advanced SIMD of A32 and T32: loads and stores of elements and structures
 * (DDI 0487, F4.1.20).
 *
 * All is loaded before a register is written, so that a fault leaves them as they were. Rm: 15, the
 * base stays; 13, it moves by what was transferred.
 */
#include "isa/arm/trans32_simd.h"
#include "isa/arm_decode.h"

void arm_check_aligned(struct arm_ctx *c, ir_value addr, u32 bits, bool write)
{
    if (!bits)
        return;
    ir_store_state(c->b, (u32)offsetof(struct arm_cpu, fault_address), 3, addr);
    ir_trap_if(c->b, ir_andi(c->b, addr, bits), &arm_helpers[ARM_HELPER_UNALIGNED_A32], write);
}

static void advance(struct arm_ctx *c, u32 n, u32 m, u32 bytes)
{
    if (m == ARM_R15)
        return;
    ir_value base = arm_r(c, n);
    arm_set_r(c, n, m == ARM_R13 ? ir_addi(c->b, base, bytes) : ir_add(c->b, base, arm_r(c, m)));
}

static ir_value d_register(struct arm_ctx *c, u32 n)
{
    return arm_v(c, ARM_VIEW_D | n);
}

/* ---- Whole registers --------------------------------------------------------------------------
 */

/* VLD1, VST1 in little-endian order: doublewords, two of one vector register at once. */
static void consecutive(struct arm_ctx *c, const struct arm_arg_nmem *a, ir_value addr)
{
    struct ir_builder *b = c->b;
    ir_value v[4];
    unsigned mem = (arm_mem(c, 0) & ~(unsigned)IR_MEM_SIZE) | IR_MEM_PARTS(a->size), step;
    for (u32 r = 0; r < a->regs; r += step) {
        u32 d = a->Rd + r;
        s32 offset = (s32)(8 * r);
        step = !(d & 1) && r + 1 < a->regs ? 2 : 1;
        if (!a->load)
            ir_store(b, mem | (2 + step), addr, offset,
                     step == 2 ? arm_v(c, d >> 1) : ir_vget(b, 3, d_register(c, d), 0));
        else
            v[r] = ir_load(b, step == 2 ? IR_V128 : IR_I64, mem | (2 + step), addr, offset);
    }
    for (u32 r = 0; a->load && r < a->regs; r += step) {
        u32 d = a->Rd + r;
        step = !(d & 1) && r + 1 < a->regs ? 2 : 1;
        if (step == 2)
            arm_set_v(c, d >> 1, v[r]);
        else
            arm_set_v(c, ARM_VIEW_D | d, ir_vzext(b, v[r]));
    }
}

/* Element by element: the group's registers are `step` apart, and several (rows) of each follow one
 * another. VLD1: the group is one. */
static void interleaved(struct arm_ctx *c, const struct arm_arg_nmem *a, ir_value addr)
{
    struct ir_builder *b = c->b;
    u32 count = 8u >> a->size, rows = a->regs / a->group;
    ir_value v[4];
    for (u32 i = 0; i < a->regs; i++)
        v[i] = a->load ? ir_vconst(b, 0, 0) : d_register(c, a->Rd + i / rows * a->step + i % rows);
    for (u32 i = 0; i < a->regs * count; i++) {
        u32 e = i / a->group % count, at = i % a->group * rows + i / a->group / count;
        s32 offset = (s32)(i << a->size);
        if (a->load)
            v[at] = ir_vset(b, a->size, v[at],
                            ir_load(b, IR_I64, arm_mem(c, a->size), addr, offset), e);
        else
            ir_store(b, arm_mem(c, a->size), addr, offset, ir_vget(b, a->size, v[at], e));
    }
    for (u32 i = 0; a->load && i < a->regs; i++)
        arm_set_v(c, ARM_VIEW_D | (a->Rd + i / rows * a->step + i % rows), v[i]);
}

/* align: none, 8, 16, 32 bytes, of which one structure register allows 8, two 16. */
static bool is_aligned_right(const struct arm_arg_nmem *a)
{
    bool three = a->regs == 3, one = a->regs == 1;
    return !(a->align & 2 && (three || one)) && !(a->align == 3 && a->regs == 2);
}

bool arm_trans_a32_v_mem(struct arm_ctx *c, const struct arm_arg_nmem *a)
{
    u32 last = a->Rd + (a->group - 1) * a->step + (a->regs / a->group - 1);
    if (!is_aligned_right(a) || a->Rn == ARM_R15)
        return false;
    if ((a->group == 1 ? a->Rd + a->regs - 1 : last) > 31)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value addr = arm_r_wide(c, a->Rn);
    arm_check_aligned(c, addr, a->align ? (4u << a->align) - 1 : 0, !a->load);
    if (a->group == 1 && !c->big_endian && !c->align)
        consecutive(c, a, addr);
    else
        interleaved(c, a, addr);
    advance(c, a->Rn, a->Rm, 8 * a->regs);
    return true;
}

/* ---- One lane ---------------------------------------------------------------------------------
 */

/* What index_align says: the lane, the distance of the registers, the bits that must be 0 of the
 * address; false: reserved. */
static bool lane_of(const struct arm_arg_nlane *a, u32 *lane, u32 *step, u32 *aligned)
{
    u32 v = a->ialign, low = v & ((1u << a->size) - 1), bytes = 1u << a->size;
    *lane = v >> (a->size + 1);
    *step = a->size && v >> a->size & 1 ? 2 : 1;
    *aligned = 0;
    if (a->size == 0)
        low = v & 1;
    switch (a->count) {
    case 1:
        *aligned = low ? bytes - 1 : 0;
        if (a->size == 0)
            return !low;
        return *step == 1 && (a->size == 1 || low == 0 || low == 3);
    case 2: *aligned = low & 1 ? 2 * bytes - 1 : 0; return !(low & 2);
    case 3: return !low;
    default: *aligned = low ? (a->size == 2 ? 4u << low : 4 * bytes) - 1 : 0; return low != 3;
    }
}

bool arm_trans_a32_v_mem_lane(struct arm_ctx *c, const struct arm_arg_nlane *a)
{
    struct ir_builder *b = c->b;
    u32 lane, step, aligned;
    if (!lane_of(a, &lane, &step, &aligned) || a->Rn == ARM_R15 ||
        a->Rd + (a->count - 1) * step > 31)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value addr = arm_r_wide(c, a->Rn), v[4];
    arm_check_aligned(c, addr, aligned, !a->load);
    for (u32 r = 0; r < a->count; r++) {
        s32 offset = (s32)(r << a->size);
        if (a->load)
            v[r] = ir_load(b, IR_I64, arm_mem(c, a->size), addr, offset);
        else
            ir_store(b, arm_mem(c, a->size), addr, offset,
                     ir_vget(b, a->size, d_register(c, a->Rd + r * step), lane));
    }
    for (u32 r = 0; a->load && r < a->count; r++) {
        u32 d = a->Rd + r * step;
        arm_set_v(c, d >> 1,
                  ir_vset(b, a->size, arm_v(c, d >> 1), v[r], lane + (d & 1) * (8u >> a->size)));
    }
    advance(c, a->Rn, a->Rm, a->count << a->size);
    return true;
}

/* ---- To all lanes -----------------------------------------------------------------------------
 */

/* VLD4 has the size 3, which means words that are aligned to 16 bytes. */
static bool all_of(const struct arm_arg_nall *a, u32 *size, u32 *aligned)
{
    *size = MIN(a->size, 2);
    *aligned = a->al ? (a->count << *size) - 1 : 0;
    switch (a->count) {
    case 1: return a->size || !a->al;
    case 2: return true;
    case 3: return !a->al;
    default:
        if (a->al && *size == 2)
            *aligned = a->size == 3 ? 15 : 7;
        return a->size != 3 || a->al;
    }
}

/* T: registers are two apart; of VLD1, there are two. */
bool arm_trans_a32_v_mem_all(struct arm_ctx *c, const struct arm_arg_nall *a)
{
    struct ir_builder *b = c->b;
    u32 size, aligned, step = a->T ? 2 : 1, copies = a->count == 1 ? step : 1;
    u32 last = a->count == 1 ? a->Rd + copies - 1 : a->Rd + (a->count - 1) * step;
    if (!all_of(a, &size, &aligned) || a->Rn == ARM_R15 || last > 31)
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value addr = arm_r_wide(c, a->Rn), v[4];
    arm_check_aligned(c, addr, aligned, false);
    for (u32 r = 0; r < a->count; r++)
        v[r] = ir_vdup(b, size, ir_load(b, IR_I64, arm_mem(c, size), addr, (s32)(r << size)));
    for (u32 r = 0; r < a->count; r++)
        arm_set_v(c, ARM_VIEW_D | (a->Rd + r * step), v[r]);
    if (copies == 2)
        arm_set_v(c, ARM_VIEW_D | (a->Rd + 1), v[0]);
    advance(c, a->Rn, a->Rm, a->count << size);
    return true;
}
