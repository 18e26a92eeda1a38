/*
 * build_vector.c - the builder's vector operations: appended or shared; what moves bits without
 * computing folds.
 *
 * Float lanes have an effect, the sticky flags, so they are neither folded nor shared. One thread
 * owns a builder.
 */
#include "jit/build.h"
#include "jit/opt_fold.h"

static const struct ir_op *def(const struct ir_builder *b, ir_value v)
{
    return &b->unit->ops[v];
}

static ir_value vector(struct ir_builder *b, enum ir_opcode op, unsigned aux, u32 x, u32 y, u32 z)
{
    return ir_share(
        b, (struct ir_op){.op = op, .type = IR_V128, .aux = (u16)aux, .a = x, .b = y, .c = z});
}

/* ---- In and out -------------------------------------------------------------------------------
 */

ir_value ir_vpair(struct ir_builder *b, ir_value low, ir_value high)
{
    assert(ir_type_of(b, low) == IR_I64 && ir_type_of(b, high) == IR_I64);
    return vector(b, IR_VPAIR, 0, low, high, 0);
}

ir_value ir_vconst(struct ir_builder *b, u64 low, u64 high)
{
    return ir_vpair(b, ir_const(b, low), ir_const(b, high));
}

/* The low element of what was made from one is that one; a float's would live twice, as itself and in the vector, which
 * serves as well. */
ir_value ir_vlow(struct ir_builder *b, enum ir_type to, ir_value x)
{
    const struct ir_op *made = def(b, x);
    bool is_float = to == IR_F32 || to == IR_F64;
    if ((made->op == IR_VZEXT || made->op == IR_VPAIR) && ir_type_of(b, made->a) == to &&
        (!is_float || def(b, made->a)->op == IR_CONST))
        return made->a;
    return ir_share(b, (struct ir_op){.op = IR_VLOW, .type = to, .a = x});
}

ir_value ir_vzext(struct ir_builder *b, ir_value x)
{
    return vector(b, IR_VZEXT, 0, x, 0, 0);
}

/* Is the upper half 0 already? */
static bool is_half(const struct ir_builder *b, ir_value x)
{
    u64 high;
    unsigned op = def(b, x)->op;
    return op == IR_VZEXT || op == IR_VHALF ||
           (op == IR_VPAIR && ir_is_const(b, def(b, x)->b, &high) && !high);
}

ir_value ir_vhalf(struct ir_builder *b, ir_value x)
{
    return is_half(b, x) ? x : vector(b, IR_VHALF, 0, x, 0, 0);
}

ir_value ir_vdup(struct ir_builder *b, unsigned lane, ir_value x)
{
    assert(ir_type_of(b, x) == IR_I64);
    return vector(b, IR_VDUP, lane, x, 0, 0);
}

ir_value ir_vget(struct ir_builder *b, unsigned lane, ir_value x, unsigned index)
{
    const struct ir_op *made = def(b, x);
    if (lane == 3 && made->op == IR_VPAIR)
        return index ? made->b : made->a;
    return ir_share(
        b, (struct ir_op){.op = IR_VGET, .type = IR_I64, .aux = (u16)lane, .a = x, .b = index});
}

ir_value ir_vset(struct ir_builder *b, unsigned lane, ir_value x, ir_value v, unsigned index)
{
    assert(ir_type_of(b, v) == IR_I64);
    return vector(b, IR_VSET, lane, x, v, index);
}

/* ---- Lanes ------------------------------------------------------------------------------------
 */

#define WHOLE(name, OPCODE)                                                                        \
    ir_value ir_##name(struct ir_builder *b, ir_value x, ir_value y)                               \
    {                                                                                              \
        return vector(b, IR_##OPCODE, 0, x, y, 0);                                                 \
    }
WHOLE(vand, VAND)
WHOLE(vor, VOR)
WHOLE(vxor, VXOR)
WHOLE(vandn, VANDN)
WHOLE(vtbl, VTBL)

#define LANES(name, OPCODE)                                                                        \
    ir_value ir_##name(struct ir_builder *b, unsigned lane, ir_value x, ir_value y)                \
    {                                                                                              \
        return vector(b, IR_##OPCODE, lane, x, y, 0);                                              \
    }
LANES(vadd, VADD)
LANES(vsub, VSUB)
LANES(vmins, VMINS)
LANES(vminu, VMINU)
LANES(vmaxs, VMAXS)
LANES(vmaxu, VMAXU)
LANES(veq, VEQ)
LANES(vgts, VGTS)
LANES(vgtu, VGTU)
LANES(vaddss, VADDSS)
LANES(vaddsu, VADDSU)
LANES(vsubss, VSUBSS)
LANES(vsubsu, VSUBSU)
LANES(vavgu, VAVGU)
LANES(vzipl, VZIPL)
LANES(vziph, VZIPH)

ir_value ir_vsel(struct ir_builder *b, ir_value mask, ir_value x, ir_value y)
{
    return vector(b, IR_VSEL, 0, mask, x, y);
}

ir_value ir_vext(struct ir_builder *b, ir_value low, ir_value high, unsigned bytes)
{
    if (bytes == 0)
        return low;
    return bytes == 16 ? high : vector(b, IR_VEXT, 0, low, high, bytes);
}

static ir_value vrepeat(struct ir_builder *b, u8 byte)
{
    u64 v = byte * UINT64_C(0x0101010101010101);
    return ir_vconst(b, v, v);
}

/* Hosts have no shifts of bytes: those of 16-bit lanes, without the bits of the neighbour. */
static ir_value vshift_bytes(struct ir_builder *b, enum ir_opcode which, ir_value x, unsigned count)
{
    count = MIN(count, which == IR_VSAR ? 7 : 8);
    if (count == 8)
        return ir_vconst(b, 0, 0);
    if (which == IR_VSHL)
        return ir_vand(b, vector(b, IR_VSHL, 1, x, count, 0), vrepeat(b, (u8)(0xff << count)));
    ir_value v = ir_vand(b, vector(b, IR_VSHR, 1, x, count, 0), vrepeat(b, 0xff >> count));
    if (which == IR_VSHR)
        return v;
    ir_value sign = vrepeat(b, 0x80 >> count);
    return ir_vsub(b, 0, ir_vxor(b, v, sign), sign);
}

/* Nor the arithmetic one of 64 bits: the sign's ones above the logical one. */
static ir_value vsar_wide(struct ir_builder *b, ir_value x, unsigned count)
{
    ir_value sign = ir_vgts(b, 3, ir_vconst(b, 0, 0), x);
    if (count >= 64)
        return sign;
    return ir_vor(b, vector(b, IR_VSHR, 3, x, count, 0), vector(b, IR_VSHL, 3, sign, 64 - count, 0));
}

ir_value ir_vshift(struct ir_builder *b, enum ir_opcode which, unsigned lane, ir_value x,
                   unsigned count)
{
    if (!count)
        return x;
    if (lane == 0)
        return vshift_bytes(b, which, x, count);
    if (lane == 3 && which == IR_VSAR)
        return vsar_wide(b, x, count);
    return vector(b, which, lane, x, count, 0);
}

/* Nor products of bytes: the even and the odd ones as 16-bit lanes. */
ir_value ir_vmul(struct ir_builder *b, unsigned lane, ir_value x, ir_value y)
{
    if (lane)
        return vector(b, IR_VMUL, lane, x, y, 0);
    ir_value low = ir_vconst(b, UINT64_C(0x00ff00ff00ff00ff), UINT64_C(0x00ff00ff00ff00ff));
    ir_value even = ir_vand(b, ir_vmul(b, 1, x, y), low);
    return ir_vor(b, even, ir_vmul(b, 1, ir_vshift(b, IR_VSHR, 1, x, 8), ir_vandn(b, y, low)));
}

ir_value ir_vsxt(struct ir_builder *b, unsigned lane, ir_value x)
{
    return vector(b, IR_VSXT, lane, x, 0, 0);
}

ir_value ir_vzxt(struct ir_builder *b, unsigned lane, ir_value x)
{
    return vector(b, IR_VZXT, lane, x, 0, 0);
}

ir_value ir_vcnt(struct ir_builder *b, ir_value x)
{
    return vector(b, IR_VCNT, 0, x, 0, 0);
}

/* ---- Float ------------------------------------------------------------------------------------
 */

static ir_value float_lanes(struct ir_builder *b, enum ir_opcode op, unsigned aux, u32 x, u32 y,
                            u32 z)
{
    return ir_append(
        b, (struct ir_op){.op = op, .type = IR_V128, .aux = (u16)aux, .a = x, .b = y, .c = z});
}

#define FLOAT_LANES(name, OPCODE)                                                                  \
    ir_value ir_##name(struct ir_builder *b, unsigned aux, ir_value x, ir_value y)                 \
    {                                                                                              \
        return float_lanes(b, IR_##OPCODE, aux, x, y, 0);                                          \
    }
FLOAT_LANES(vfadd, VFADD)
FLOAT_LANES(vfsub, VFSUB)
FLOAT_LANES(vfmul, VFMUL)
FLOAT_LANES(vfdiv, VFDIV)
FLOAT_LANES(vfmin, VFMIN)
FLOAT_LANES(vfmax, VFMAX)
FLOAT_LANES(vfcmp, VFCMP)

ir_value ir_vfsqrt(struct ir_builder *b, unsigned aux, ir_value x)
{
    return float_lanes(b, IR_VFSQRT, aux, x, 0, 0);
}

ir_value ir_vfmadd(struct ir_builder *b, unsigned aux, ir_value x, ir_value y, ir_value z)
{
    return float_lanes(b, IR_VFMADD, aux, x, y, z);
}
