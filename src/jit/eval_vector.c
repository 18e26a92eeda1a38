/*
 * eval_vector.c - what each vector operation of the IR computes, lane by lane.
 *
 * The one place where their meaning is written in C: the interpreter runs it, and back ends where
 * they have no instruction. Float lanes are the scalar operations of eval_float.c. No state.
 */
#include "jit/eval.h"

static u64 lane_get(const struct ir_v128 *v, unsigned lane, unsigned i)
{
    unsigned bits = 8u << lane, at = i * bits;
    u64 word = v->d[at / 64] >> at % 64;
    return bits == 64 ? word : word & (BIT(bits) - 1);
}

static void lane_put(struct ir_v128 *v, unsigned lane, unsigned i, u64 x)
{
    unsigned bits = 8u << lane, at = i * bits;
    u64 mask = bits == 64 ? ~UINT64_C(0) : BIT(bits) - 1;
    v->d[at / 64] = (v->d[at / 64] & ~(mask << at % 64)) | (x & mask) << at % 64;
}

static u64 byte_of(const struct ir_v128 *low, const struct ir_v128 *high, unsigned n)
{
    return n < 16 ? lane_get(low, 0, n) : lane_get(high, 0, n - 16);
}

/* ---- Lanes of one operand each ----------------------------------------------------------------
 */

static u64 clamp_signed(s128 v, unsigned bits)
{
    s128 high = ((s128)1 << (bits - 1)) - 1, low = -high - 1;
    return (u64)(v > high ? high : v < low ? low : v);
}

static u64 clamp_unsigned(s128 v, unsigned bits)
{
    s128 high = ((s128)1 << bits) - 1;
    return (u64)(v > high ? high : v < 0 ? 0 : v);
}

static u64 shift_lane(unsigned op, u64 x, unsigned count, unsigned bits)
{
    s64 sx = bits_sext(x, bits);
    if (op == IR_VSAR)
        return (u64)(sx >> MIN(count, bits - 1));
    if (count >= bits)
        return 0;
    return op == IR_VSHL ? x << count : x >> count;
}

static u64 lane_binary(unsigned op, unsigned bits, u64 x, u64 y)
{
    s64 sx = bits_sext(x, bits), sy = bits_sext(y, bits);
    switch (op) {
    case IR_VADD: return x + y;
    case IR_VSUB: return x - y;
    case IR_VMUL: return x * y;
    case IR_VMINS: return (u64)(sx < sy ? sx : sy);
    case IR_VMAXS: return (u64)(sx > sy ? sx : sy);
    case IR_VMINU: return x < y ? x : y;
    case IR_VMAXU: return x > y ? x : y;
    case IR_VEQ: return x == y ? ~UINT64_C(0) : 0;
    case IR_VGTS: return sx > sy ? ~UINT64_C(0) : 0;
    case IR_VGTU: return x > y ? ~UINT64_C(0) : 0;
    case IR_VADDSS: return clamp_signed((s128)sx + sy, bits);
    case IR_VADDSU: return clamp_unsigned((s128)x + y, bits);
    case IR_VSUBSS: return clamp_signed((s128)sx - sy, bits);
    case IR_VSUBSU: return clamp_unsigned((s128)x - y, bits);
    default: return (u64)(((u128)x + y + 1) >> 1); /* VAVGU */
    }
}

static struct ir_v128 each_lane(const struct ir_op *op, const struct ir_v128 *a,
                                const struct ir_v128 *b)
{
    unsigned lane = op->aux & 3, bits = 8u << lane;
    struct ir_v128 out = {{0}};
    for (unsigned i = 0; i < 16u >> lane; i++) {
        u64 x = lane_get(a, lane, i);
        bool shifts = op->op == IR_VSHL || op->op == IR_VSHR || op->op == IR_VSAR;
        lane_put(&out, lane, i,
                 shifts ? shift_lane(op->op, x, op->b, bits)
                        : lane_binary(op->op, bits, x, lane_get(b, lane, i)));
    }
    return out;
}

/* ---- Moving lanes -----------------------------------------------------------------------------
 */

static struct ir_v128 zip(const struct ir_op *op, const struct ir_v128 *a, const struct ir_v128 *b)
{
    unsigned lane = op->aux & 3, count = 16u >> lane, first = op->op == IR_VZIPH ? count / 2 : 0;
    struct ir_v128 out = {{0}};
    for (unsigned i = 0; i < count; i++)
        lane_put(&out, lane, i, lane_get(i & 1 ? b : a, lane, first + i / 2));
    return out;
}

static struct ir_v128 widen(const struct ir_op *op, const struct ir_v128 *a)
{
    unsigned lane = op->aux & 3;
    struct ir_v128 out = {{0}};
    for (unsigned i = 0; i < 8u >> lane; i++) {
        u64 x = lane_get(a, lane, i);
        lane_put(&out, lane + 1, i, op->op == IR_VSXT ? (u64)bits_sext(x, 8u << lane) : x);
    }
    return out;
}

static struct ir_v128 each_byte(const struct ir_op *op, const struct ir_v128 *a,
                                const struct ir_v128 *b)
{
    struct ir_v128 out = {{0}};
    for (unsigned i = 0; i < 16; i++) {
        u64 n = lane_get(op->op == IR_VCNT ? a : b, 0, i), v;
        if (op->op == IR_VCNT)
            v = (u64)__builtin_popcountll(n);
        else if (op->op == IR_VTBL)
            v = n < 16 ? lane_get(a, 0, (unsigned)n) : 0;
        else
            v = byte_of(a, b, i + op->c);
        lane_put(&out, 0, i, v);
    }
    return out;
}

static struct ir_v128 place(const struct ir_op *op, const struct ir_v128 *a,
                            const struct ir_v128 *b)
{
    unsigned lane = op->aux & 3;
    struct ir_v128 out = {{0}};
    switch (op->op) {
    case IR_VPAIR: return (struct ir_v128){{a->d[0], b->d[0]}};
    case IR_VGET: return (struct ir_v128){{lane_get(a, lane, op->b), 0}};
    case IR_VDUP:
        for (unsigned i = 0; i < 16u >> lane; i++)
            lane_put(&out, lane, i, a->d[0]);
        return out;
    case IR_VSET:
        out = *a;
        lane_put(&out, lane, op->c, b->d[0]);
        return out;
    default:
        return (struct ir_v128){{a->d[0], 0}}; /* VLOW, VZEXT, VHALF: the caller masks by type */
    }
}

static struct ir_v128 bitwise(unsigned op, const struct ir_v128 *a, const struct ir_v128 *b,
                              const struct ir_v128 *c)
{
    struct ir_v128 out;
    for (unsigned i = 0; i < 2; i++) {
        u64 x = a->d[i], y = b->d[i];
        out.d[i] = op == IR_VAND   ? x & y
                   : op == IR_VOR  ? x | y
                   : op == IR_VXOR ? x ^ y
                   : op == IR_VSEL ? (x & y) | (~x & c->d[i])
                                   : x & ~y;
    }
    return out;
}

/* ---- Float ------------------------------------------------------------------------------------
 */

static struct ir_v128 float_lanes(const struct ir_op *op, unsigned dynamic, const struct ir_v128 *a,
                                  const struct ir_v128 *b, const struct ir_v128 *c, unsigned *flags)
{
    static const u8 scalar[IR_OPCODES] = {
        [IR_VFADD] = IR_FADD, [IR_VFSUB] = IR_FSUB,   [IR_VFMUL] = IR_FMUL,
        [IR_VFDIV] = IR_FDIV, [IR_VFSQRT] = IR_FSQRT, [IR_VFMADD] = IR_FMADD,
        [IR_VFMIN] = IR_FMIN, [IR_VFMAX] = IR_FMAX,   [IR_VFCMP] = IR_FCMP,
    };
    bool wide = op->aux & IR_FLOAT_WIDE;
    unsigned lane = wide ? 3 : 2, type = wide ? IR_F64 : IR_F32;
    struct ir_op one = {
        .op = scalar[op->op], .type = (u8)type, .aux = op->aux & (u16)~IR_FLOAT_WIDE};
    struct ir_v128 out = {{0}};
    for (unsigned i = 0; i < 16u >> lane; i++) {
        u64 r = ir_eval_float(&one, type, dynamic, lane_get(a, lane, i), lane_get(b, lane, i),
                              lane_get(c, lane, i), flags);
        lane_put(&out, lane, i, op->op == IR_VFCMP ? -r : r);
    }
    return out;
}

struct ir_v128 ir_eval_vector(const struct ir_op *op, unsigned dynamic, const struct ir_v128 *a,
                              const struct ir_v128 *b, const struct ir_v128 *c, unsigned *flags)
{
    if (ir_op_is_vector_float(op->op))
        return float_lanes(op, dynamic, a, b, c, flags);
    switch (op->op) {
    case IR_VPAIR:
    case IR_VLOW:
    case IR_VZEXT:
    case IR_VHALF:
    case IR_VDUP:
    case IR_VGET:
    case IR_VSET: return place(op, a, b);
    case IR_VAND:
    case IR_VOR:
    case IR_VXOR:
    case IR_VANDN:
    case IR_VSEL: return bitwise(op->op, a, b, c);
    case IR_VZIPL:
    case IR_VZIPH: return zip(op, a, b);
    case IR_VSXT:
    case IR_VZXT: return widen(op, a);
    case IR_VEXT:
    case IR_VTBL:
    case IR_VCNT: return each_byte(op, a, b);
    default: return each_lane(op, a, b);
    }
}
