/*
 * trans32_simd.c - Advanced SIMD of A32 and T32: data processing (DDI 0487, F4.1.21), as A64's
 * functions on parts of registers.
 *
 * Floats go by StandardFPSCRValue: trans_float_vector.c sees that this is AArch32. What A64
 * reserves, lanes of 64 bits in half a register, are its operations on one lane.
 */
#include "isa/arm/trans32_simd.h"
#include "isa/arm_decode.h"

/* ---- Registers --------------------------------------------------------------------------------
 */

ir_value arm_v_part(struct arm_ctx *c, u32 n)
{
    bool is_s = n & ARM_VIEW_S;
    ir_value v = ir_get(c->b, ARM_SLOT_V + (is_s ? n >> 2 & 7 : n >> 1 & 15));
    unsigned at = is_s ? (n & 3) * 4 : (n & 1) * 8;
    return ir_vext(c->b, v, v, at);
}

bool arm_set_s_part(struct arm_ctx *c, u32 n, ir_value v)
{
    u32 slot = ARM_SLOT_V + (n >> 2 & 7);
    ir_put(c->b, slot, ir_vset(c->b, 2, ir_get(c->b, slot), v, n & 3));
    return true;
}

bool arm_set_v_part(struct arm_ctx *c, u32 n, ir_value v)
{
    struct ir_builder *b = c->b;
    if (n & ARM_VIEW_S)
        return arm_set_s_part(c, n, ir_vget(b, 2, v, 0));
    u32 slot = ARM_SLOT_V + (n >> 1 & 15);
    ir_value old = ir_get(b, slot);
    if (n & 1) {
        ir_put(b, slot, ir_vzipl(b, 3, old, v));
        return true;
    }
    ir_value swapped = ir_vext(b, old, v, 8);
    ir_put(b, slot, ir_vext(b, swapped, swapped, 8));
    return true;
}

bool arm_name_vector(u32 q, u32 *reg)
{
    if (q && *reg & 1)
        return false;
    *reg = q ? *reg >> 1 : *reg | ARM_VIEW_D;
    return true;
}

static bool name_two(u32 q, u32 *d, u32 *n)
{
    return arm_name_vector(q, d) && arm_name_vector(q, n);
}

static bool name_three(u32 q, u32 *d, u32 *n, u32 *m)
{
    return name_two(q, d, n) && arm_name_vector(q, m);
}

/* ---- Three registers --------------------------------------------------------------------------
 */

bool arm_trans_a32_v_three(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_v3 v = *a;
    if (!name_three(a->Q, &v.Rd, &v.Rn, &v.Rm))
        return false;
    if (a->size < 3 || a->Q)
        return arm_trans_a64_v_three(c, &v);
    return arm_trans_a64_s_three(
        c, &(struct arm_arg_s3){.size = 3, .op = a->op, .Rd = v.Rd, .Rn = v.Rn, .Rm = v.Rm});
}

bool arm_trans_a32_v_logic(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_v3 v = *a;
    return name_three(a->Q, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_v_logic(c, &v);
}

bool arm_trans_a32_v_pair(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_v3 v = *a;
    return name_three(a->Q, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_v_pair(c, &v);
}

bool arm_trans_a32_v_mmla(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_v3 v = *a;
    return name_three(1, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_v_mmla(c, &v);
}

bool arm_trans_a32_crypto(struct arm_ctx *c, const struct arm_arg_crypto *a)
{
    struct arm_arg_crypto v = *a;
    return name_three(1, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_crypto(c, &v);
}

bool arm_trans_a32_v_long(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_v3 v = *a;
    return arm_name_vector(1, &v.Rd) && name_two(0, &v.Rn, &v.Rm) && arm_trans_a64_v_long(c, &v);
}

bool arm_trans_a32_v_wide(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_v3 v = *a;
    return name_two(1, &v.Rd, &v.Rn) && arm_name_vector(0, &v.Rm) && arm_trans_a64_v_wide(c, &v);
}

bool arm_trans_a32_v_high(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_v3 v = *a;
    return arm_name_vector(0, &v.Rd) && name_two(1, &v.Rn, &v.Rm) && arm_trans_a64_v_high(c, &v);
}

bool arm_trans_a32_v_pmull64(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_v3 v = *a;
    return arm_name_vector(1, &v.Rd) && name_two(0, &v.Rn, &v.Rm) && arm_trans_a64_v_pmull64(c, &v);
}

bool arm_trans_a32_v_ext(struct arm_ctx *c, const struct arm_arg_nexte *a)
{
    struct arm_arg_ext v = {.Q = a->Q, .imm4 = a->imm4, .Rd = a->Rd, .Rn = a->Rn, .Rm = a->Rm};
    return name_three(a->Q, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_v_ext(c, &v);
}

/* ---- Two registers ----------------------------------------------------------------------------
 */

bool arm_trans_a32_v_two(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    struct arm_arg_v2 v = *a;
    return name_two(a->Q, &v.Rd, &v.Rn) && arm_trans_a64_v_two(c, &v);
}

bool arm_trans_a32_v_narrow(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    struct arm_arg_v2 v = *a;
    return arm_name_vector(0, &v.Rd) && arm_name_vector(1, &v.Rn) && arm_trans_a64_v_narrow(c, &v);
}

bool arm_trans_a32_v_shll(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    struct arm_arg_v2 v = *a;
    return arm_name_vector(1, &v.Rd) && arm_name_vector(0, &v.Rn) && arm_trans_a64_v_shll(c, &v);
}

bool arm_trans_a32_v_swap(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    u32 d = a->Rd, m = a->Rn;
    if (!name_two(a->Q, &d, &m))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value x = arm_v(c, d), y = arm_v(c, m);
    arm_set_v(c, d, y);
    return arm_set_v(c, m, x);
}

/* VTRN, VUZP, VZIP: both results of A64's pairs, op being the first. */
bool arm_trans_a32_v_permute(struct arm_ctx *c, const struct arm_arg_v2 *a)
{
    u32 d = a->Rd, m = a->Rn;
    if (!name_two(a->Q, &d, &m) || (a->size == 2 && !a->Q && a->op != ARM_P_TRN1))
        return false;
    if (!arm_fp_begin(c))
        return true;
    ir_value x = arm_v(c, d), y = arm_v(c, m);
    arm_set_v(c, d, arm_lanes_permute(c, (enum arm_permutation)a->op, a->size, a->Q, x, y));
    return arm_set_v(c, m,
                     arm_lanes_permute(c, (enum arm_permutation)(a->op + 1), a->size, a->Q, x, y));
}

/* ---- Shifts by a constant ---------------------------------------------------------------------
 */

/* Doublewords in half a register are a lane by itself. */
static bool shift(struct arm_ctx *c, const struct arm_arg_vshift *a, bool right)
{
    struct arm_arg_vshift v = *a;
    if (!name_two(a->Q, &v.Rd, &v.Rn))
        return false;
    if (a->immh < 8 || a->Q)
        return right ? arm_trans_a64_v_shr(c, &v) : arm_trans_a64_v_shl(c, &v);
    struct arm_arg_sshift s = {
        .immh = a->immh, .immb = a->immb, .op = a->op, .Rd = v.Rd, .Rn = v.Rn};
    return right ? arm_trans_a64_s_shr(c, &s) : arm_trans_a64_s_shl(c, &s);
}

bool arm_trans_a32_v_shr(struct arm_ctx *c, const struct arm_arg_vshift *a)
{
    return shift(c, a, true);
}

bool arm_trans_a32_v_shl(struct arm_ctx *c, const struct arm_arg_vshift *a)
{
    return shift(c, a, false);
}

bool arm_trans_a32_v_shrn(struct arm_ctx *c, const struct arm_arg_vshift *a)
{
    struct arm_arg_vshift v = *a;
    return arm_name_vector(0, &v.Rd) && arm_name_vector(1, &v.Rn) && arm_trans_a64_v_shrn(c, &v);
}

bool arm_trans_a32_v_shll_imm(struct arm_ctx *c, const struct arm_arg_vshift *a)
{
    struct arm_arg_vshift v = *a;
    return arm_name_vector(1, &v.Rd) && arm_name_vector(0, &v.Rn) &&
           arm_trans_a64_v_shll_imm(c, &v);
}

/* ---- By an element ----------------------------------------------------------------------------
 */

/* The D register and the lane in it that M:Vm name: of halfwords, of words. */
static u32 element(unsigned size, u32 *m)
{
    u32 v = *m;
    *m = ARM_VIEW_D | (size == 1 ? v & 7 : v & 15);
    return size == 1 ? v >> 3 : v >> 4;
}

/* A64 has the lane in H:L:M or H:L. */
static struct arm_arg_velem by_element(const struct arm_arg_v3 *a)
{
    u32 m = a->Rm, lane = element(a->size, &m);
    return (struct arm_arg_velem){.Q = a->Q,
                                  .size = a->size,
                                  .op = a->op,
                                  .Rd = a->Rd,
                                  .Rn = a->Rn,
                                  .Rm4 = m,
                                  .L = a->size == 1 ? lane >> 1 : lane,
                                  .M = a->size == 1 ? lane & 1 : 0};
}

bool arm_trans_a32_v_elem(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_velem v = by_element(a);
    return name_two(a->Q, &v.Rd, &v.Rn) && arm_trans_a64_v_elem(c, &v);
}

bool arm_trans_a32_v_dot_elem(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    return arm_trans_a32_v_elem(c, a);
}

bool arm_trans_a32_v_elem_long(struct arm_ctx *c, const struct arm_arg_v3 *a)
{
    struct arm_arg_velem v = by_element(a);
    return arm_name_vector(1, &v.Rd) && arm_name_vector(0, &v.Rn) &&
           arm_trans_a64_v_elem_long(c, &v);
}

/* ---- Floats -----------------------------------------------------------------------------------
 */

/* fsz of the tables: a bit, 1 for halves; or two as `size` has them. A64's: 0 singles, 3 halves. */
static u32 format_of_bit(u32 bit)
{
    return bit ? 3 : 0;
}

static u32 format_of_size(u32 size)
{
    return size == 1 ? 3 : 0;
}

bool arm_trans_a32_vf_three(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    struct arm_arg_vf3 v = *a;
    v.fsz = format_of_bit(a->fsz);
    return name_three(a->Q, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_vf_three(c, &v);
}

bool arm_trans_a32_vf_pair(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    struct arm_arg_vf3 v = *a;
    v.fsz = format_of_bit(a->fsz);
    return name_three(a->Q, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_vf_pair(c, &v);
}

bool arm_trans_a32_vf_two(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    struct arm_arg_vf2 v = *a;
    v.fsz = format_of_size(a->fsz);
    return name_two(a->Q, &v.Rd, &v.Rn) && arm_trans_a64_vf_two(c, &v);
}

bool arm_trans_a32_vf_sign(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    struct arm_arg_vf2 v = *a;
    v.fsz = format_of_size(a->fsz);
    return name_two(a->Q, &v.Rd, &v.Rn) && arm_trans_a64_vf_sign(c, &v);
}

bool arm_trans_a32_vf_estimate(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    struct arm_arg_vf2 v = *a;
    return name_two(a->Q, &v.Rd, &v.Rn) && arm_trans_a64_vf_estimate(c, &v);
}

bool arm_trans_a32_vf_narrow(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    struct arm_arg_vf2 v = *a;
    return arm_name_vector(0, &v.Rd) && arm_name_vector(1, &v.Rn) && arm_trans_a64_vf_narrow(c, &v);
}

bool arm_trans_a32_vf_long(struct arm_ctx *c, const struct arm_arg_vf2 *a)
{
    struct arm_arg_vf2 v = *a;
    return arm_name_vector(1, &v.Rd) && arm_name_vector(0, &v.Rn) && arm_trans_a64_vf_long(c, &v);
}

/* fsz is 1 for singles here; imm6: 32 less the bits of fraction. */
bool arm_trans_a32_vf_fixed(struct arm_ctx *c, const struct arm_arg_nfix *a)
{
    u32 value = a->fsz ? 32 + a->imm6 : a->imm6;
    struct arm_arg_vfshift v = {.Q = a->Q,
                                .immh = value >> 3,
                                .immb = value & 7,
                                .Rd = a->Rd,
                                .Rn = a->Rn,
                                .op = a->op,
                                .round = a->round};
    return name_two(a->Q, &v.Rd, &v.Rn) && arm_trans_a64_vf_fixed(c, &v);
}

/* fsz: as A64 has it. */
bool arm_trans_a32_vf_elem(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    u32 m = a->Rm, lane = element(a->fsz ? 1 : 2, &m);
    struct arm_arg_vfelem v = {
        .Q = a->Q, .fsz = a->fsz, .op = a->op, .Rd = a->Rd, .Rn = a->Rn, .Rm4 = m};
    v.L = a->fsz ? lane >> 1 : lane;
    v.M = a->fsz ? lane & 1 : 0;
    return name_two(a->Q, &v.Rd, &v.Rn) && arm_trans_a64_vf_elem(c, &v);
}

/* ---- Lanes of two kinds -----------------------------------------------------------------------
 */

bool arm_trans_a32_vf_mixed(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    struct arm_arg_vf3 v = *a;
    return name_three(a->Q, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_vf_mixed(c, &v);
}

bool arm_trans_a32_vf_mixed_narrow(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    struct arm_arg_vf3 v = *a;
    return arm_name_vector(0, &v.Rd) && arm_name_vector(1, &v.Rn) && arm_trans_a64_vf_mixed(c, &v);
}

/* VFMAB, VFMAT: Q tells which, the registers are whole. */
bool arm_trans_a32_vf_bfmlal(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    struct arm_arg_vf3 v = *a;
    return name_three(1, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_vf_mixed(c, &v);
}

/* With a lane of D register m. */
static bool mixed_lane(struct arm_ctx *c, u64 what, u32 d, u32 n, u32 m, unsigned lane, u32 q)
{
    if (!arm_fp_begin(c))
        return true;
    what |= ARM_FVECTOR(ARM_FSHAPE_ELEM, q, 0, lane) | ARM_F_STANDARD;
    arm_call(c, ARM_HELPER_FLOAT_MIXED,
             (ir_value[]){ir_const(c->b, what), ir_const(c->b, ARM_FREGS(d, n, m))});
    return true;
}

bool arm_trans_a32_vf_bfmlal_elem(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    u32 d = a->Rd, n = a->Rn, m = a->Rm, lane = element(1, &m);
    return name_two(1, &d, &n) && mixed_lane(c, ARM_FWHAT(a->op, 2, 0, 0, 0), d, n, m, lane, a->Q);
}

bool arm_trans_a32_vf_dot_elem(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    u32 d = a->Rd, n = a->Rn, m = a->Rm, lane = element(2, &m);
    return name_two(a->Q, &d, &n) &&
           mixed_lane(c, ARM_FWHAT(a->op, 2, 0, 0, 0), d, n, m, lane, a->Q);
}

/* VFMAL, VFMSL: of the halves of D registers, or without Q of S registers, which Rn and Rm then
 * are. */
bool arm_trans_a32_vf_mlal(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    struct arm_arg_vf3 v = *a;
    u32 part = a->Q ? ARM_VIEW_D : ARM_VIEW_S;
    v.Rn |= part;
    v.Rm |= part;
    return arm_name_vector(a->Q, &v.Rd) && arm_trans_a64_vf_mixed(c, &v);
}

bool arm_trans_a32_vf_mlal_elem(struct arm_ctx *c, const struct arm_arg_vf3 *a)
{
    u32 d = a->Rd, n = a->Rn | (a->Q ? ARM_VIEW_D : ARM_VIEW_S), m = a->Rm, lane;
    if (a->Q) {
        lane = element(1, &m);
    } else { /* Vm<2:0>:M, Vm<3> */
        lane = m >> 3 & 1;
        m = ARM_VIEW_S | (m & 7) << 1 | m >> 4;
    }
    return arm_name_vector(a->Q, &d) &&
           mixed_lane(c, ARM_FWHAT(a->op, 2, 0, 0, 0), d, n, m, lane, a->Q);
}

/* fsz is 1 for singles here. */
bool arm_trans_a32_vf_complex(struct arm_ctx *c, const struct arm_arg_vfcomplex *a)
{
    struct arm_arg_vfcomplex v = *a;
    v.fsz = a->fsz ? 0 : 3;
    return name_three(a->Q, &v.Rd, &v.Rn, &v.Rm) && arm_trans_a64_vf_complex(c, &v);
}

/* Singles: M:Vm, its only pair; halves: Vm, pair M. */
bool arm_trans_a32_vf_complex_elem(struct arm_ctx *c, const struct arm_arg_vfcomplex *a)
{
    u32 d = a->Rd, n = a->Rn, m = a->Rm, lane = 0;
    unsigned size = a->fsz ? 2 : 1;
    if (size == 1) {
        lane = m >> 4;
        m &= 15;
    }
    if (!name_two(a->Q, &d, &n) || (size == 1 && !arm_has(c, ARM_EXT_FP16)))
        return false;
    return mixed_lane(c, ARM_FWHAT(a->op, size, 0, 0, a->rot), d, n, ARM_VIEW_D | m, lane, a->Q);
}

/* ---- Copies, tables, immediates ---------------------------------------------------------------
 */

bool arm_trans_a32_v_dup_elem(struct arm_ctx *c, const struct arm_arg_ndup *a)
{
    struct arm_arg_copy v = {.Q = a->Q, .imm5 = a->imm4, .Rd = a->Rd, .Rn = a->Rm | ARM_VIEW_D};
    return arm_name_vector(a->Q, &v.Rd) && arm_trans_a64_v_dup_elem(c, &v);
}

/* From a general register. */
bool arm_trans_a32_v_dup(struct arm_ctx *c, const struct arm_arg_wdup *a)
{
    u32 d = a->Rd;
    if (!arm_name_vector(a->Q, &d) || a->Rt == ARM_R15)
        return false;
    if (!arm_fp_begin(c))
        return true;
    return arm_set_v(c, d, ir_vdup(c->b, a->size, arm_r_wide(c, a->Rt)));
}

/* Two D registers as a table of 16 bytes; count 1: of 8. */
static ir_value table_of(struct arm_ctx *c, u32 n, unsigned count)
{
    ir_value low = arm_v(c, ARM_VIEW_D | n);
    if (count < 2)
        return ir_vhalf(c->b, low);
    return ir_vzipl(c->b, 3, low, arm_v(c, ARM_VIEW_D | (n + 1)));
}

/* list: len, then the number of the first register. IR's tables give 0 where the index is too
 * large. */
bool arm_trans_a32_v_table(struct arm_ctx *c, const struct arm_arg_ntbl *a)
{
    struct ir_builder *b = c->b;
    unsigned n = a->list & 31, count = (a->list >> 5) + 1;
    if (n + count > 32)
        return false;
    if (!arm_fp_begin(c))
        return true;
    u64 sixteen = UINT64_C(0x1010101010101010), length = UINT64_C(0x0101010101010101) * 8 * count;
    ir_value index = arm_v(c, ARM_VIEW_D | a->Rm), v = ir_vtbl(b, table_of(c, n, count), index);
    if (count > 2) {
        ir_value above = ir_vsub(b, 0, index, ir_vconst(b, sixteen, sixteen));
        v = ir_vor(b, v, ir_vtbl(b, table_of(c, n + 2, count - 2), above));
    }
    if (a->tbx) {
        ir_value inside = ir_vgtu(b, 0, ir_vconst(b, length, length), index);
        v = ir_vsel(b, inside, v, arm_v(c, ARM_VIEW_D | a->Rd));
    }
    return arm_set_v(c, ARM_VIEW_D | a->Rd, v);
}

bool arm_trans_a32_v_modimm(struct arm_ctx *c, const struct arm_arg_nimm *a)
{
    struct arm_arg_modimm v = {.Q = a->Q,
                               .op = a->op,
                               .cmode = a->cmode,
                               .abc = a->immx >> 5,
                               .defgh = a->immx & 31,
                               .Rd = a->Rd};
    return arm_name_vector(a->Q, &v.Rd) && arm_trans_a64_v_modimm(c, &v);
}
