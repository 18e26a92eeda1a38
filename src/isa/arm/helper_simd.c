/*
 * helper_simd.c - Advanced SIMD on integers, lane by lane: what the front end does not make of IR.
 *
 * Lanes are computed in 128 bits, exactly, then saturated or cut; so each operation is the manual's pseudo-code (DDI 0487,
 * C7.2) and nothing overflows. FPSR.QC (bit 27) collects saturation. On the CPU's thread.
 */
#include "isa/arm/simd.h"
#include "isa/arm/vector.h"

#define FPSR_QC (UINT32_C(1) << 27)

struct lanes {
    struct arm_cpu *a;
    union arm_vector d, n, m; /* operands as they were */
    enum arm_vop op;
    unsigned size, bits; /* of a lane of the instruction's name: log2 of bytes, and bits */
    unsigned extra;      /* shift, lane number */
    bool q, scalar, saturated;
};

/* ---- Lanes ------------------------------------------------------------------------------------ */

static u64 get(const union arm_vector *v, unsigned size, unsigned i)
{
    switch (size) {
    case 0: return v->b[i];
    case 1: return v->h[i];
    case 2: return v->s[i];
    default: return v->d[i];
    }
}

static void put(union arm_vector *v, unsigned size, unsigned i, u64 x)
{
    switch (size) {
    case 0: v->b[i] = (u8)x; break;
    case 1: v->h[i] = (u16)x; break;
    case 2: v->s[i] = (u32)x; break;
    default: v->d[i] = x; break;
    }
}

static s64 sget(const union arm_vector *v, unsigned size, unsigned i)
{
    return bits_sext(get(v, size, i), 8u << size);
}

static unsigned count_of(const struct lanes *l, unsigned size)
{
    return l->scalar ? 1 : (l->q ? 16u : 8u) >> size;
}

/* ---- Saturation ------------------------------------------------------------------------------- */

static u64 saturate_signed(struct lanes *l, s128 v, unsigned bits)
{
    s128 high = ((s128)1 << (bits - 1)) - 1, low = -high - 1;
    l->saturated |= v > high || v < low;
    return (u64)(v > high ? high : v < low ? low : v);
}

static u64 saturate_unsigned(struct lanes *l, s128 v, unsigned bits)
{
    s128 high = ((s128)1 << bits) - 1;
    l->saturated |= v > high || v < 0;
    return (u64)(v > high ? high : v < 0 ? 0 : v);
}

/* ---- Shifts ----------------------------------------------------------------------------------- */

/* v shifted left by n, right if negative, rounded to nearest if asked: exact where it matters. */
static s128 shift_exact(s128 v, int n, bool round, unsigned bits)
{
    if (n >= 0) /* more than all bits: what is left is known to overflow */
        return n >= (int)bits ? (v ? (v < 0 ? -((s128)1 << 126) : (s128)1 << 126) : 0) : v << n;
    int down = MIN(-n, 126);
    if (round)
        v += (s128)1 << (down - 1);
    return v >> down;
}

static u64 shift_by_register(struct lanes *l, u64 x, u64 y)
{
    bool is_signed = l->op == ARM_V_SSHL || l->op == ARM_V_SRSHL || l->op == ARM_V_SQSHL || l->op == ARM_V_SQRSHL;
    bool round = l->op == ARM_V_SRSHL || l->op == ARM_V_URSHL || l->op == ARM_V_SQRSHL || l->op == ARM_V_UQRSHL;
    bool saturates = l->op == ARM_V_SQSHL || l->op == ARM_V_UQSHL || l->op == ARM_V_SQRSHL || l->op == ARM_V_UQRSHL;
    int n = (s8)y;
    s128 v = is_signed ? (s128)bits_sext(x, l->bits) : (s128)x;
    if (!saturates)
        return n >= (int)l->bits ? 0 : (u64)shift_exact(v, n, round, l->bits);
    v = shift_exact(v, n, round, l->bits);
    return is_signed ? saturate_signed(l, v, l->bits) : saturate_unsigned(l, v, l->bits);
}

/* ---- Three and two operands of one size ------------------------------------------------------- */

static u64 carryless(u64 x, u64 y, unsigned bits)
{
    u64 r = 0;
    for (unsigned i = 0; i < bits; i++)
        r ^= y >> i & 1 ? x << i : 0;
    return r;
}

static u64 doubling(struct lanes *l, s64 x, s64 y, bool round, s128 addend)
{
    s128 v = (addend << l->bits) + 2 * (s128)x * y;
    if (round)
        v += (s128)1 << (l->bits - 1);
    return saturate_signed(l, v >> l->bits, l->bits);
}

static u64 dot(const struct lanes *l, u64 x, u64 y, u64 sum)
{
    bool left = l->op == ARM_V_SDOT || l->op == ARM_V_SUDOT, right = l->op == ARM_V_SDOT || l->op == ARM_V_USDOT;
    for (unsigned i = 0; i < 32; i += 8) {
        s64 p = left ? (s8)(x >> i) : (u8)(x >> i), r = right ? (s8)(y >> i) : (u8)(y >> i);
        sum += (u64)(p * r);
    }
    return sum;
}

static u64 truth(bool b)
{
    return b ? ~UINT64_C(0) : 0;
}

static u64 lane_three(struct lanes *l, u64 x, u64 y, u64 d)
{
    s64 sx = bits_sext(x, l->bits), sy = bits_sext(y, l->bits), sd = bits_sext(d, l->bits);
    switch (l->op) {
    case ARM_V_ADD: return x + y;
    case ARM_V_SUB: return x - y;
    case ARM_V_MUL: return x * y;
    case ARM_V_MLA: return d + x * y;
    case ARM_V_MLS: return d - x * y;
    case ARM_V_PMUL: return carryless(x, y, 8);
    case ARM_V_SHADD: return (u64)(((s128)sx + sy) >> 1);
    case ARM_V_UHADD: return (u64)(((u128)x + y) >> 1);
    case ARM_V_SRHADD: return (u64)(((s128)sx + sy + 1) >> 1);
    case ARM_V_URHADD: return (u64)(((u128)x + y + 1) >> 1);
    case ARM_V_SHSUB: return (u64)(((s128)sx - sy) >> 1);
    case ARM_V_UHSUB: return (u64)(((s128)x - (s128)y) >> 1);
    case ARM_V_SQADD: return saturate_signed(l, (s128)sx + sy, l->bits);
    case ARM_V_UQADD: return saturate_unsigned(l, (s128)x + y, l->bits);
    case ARM_V_SQSUB: return saturate_signed(l, (s128)sx - sy, l->bits);
    case ARM_V_UQSUB: return saturate_unsigned(l, (s128)x - y, l->bits);
    case ARM_V_CMGT: return truth(sx > sy);
    case ARM_V_CMGE: return truth(sx >= sy);
    case ARM_V_CMHI: return truth(x > y);
    case ARM_V_CMHS: return truth(x >= y);
    case ARM_V_CMEQ: return truth(x == y);
    case ARM_V_CMTST: return truth(x & y);
    case ARM_V_SMAX: return (u64)MAX(sx, sy);
    case ARM_V_SMIN: return (u64)MIN(sx, sy);
    case ARM_V_UMAX: return MAX(x, y);
    case ARM_V_UMIN: return MIN(x, y);
    case ARM_V_SABD: return sx > sy ? (u64)sx - (u64)sy : (u64)sy - (u64)sx;
    case ARM_V_UABD: return x > y ? x - y : y - x;
    case ARM_V_SABA: return d + (sx > sy ? (u64)sx - (u64)sy : (u64)sy - (u64)sx);
    case ARM_V_UABA: return d + (x > y ? x - y : y - x);
    case ARM_V_SQDMULH: return doubling(l, sx, sy, false, 0);
    case ARM_V_SQRDMULH: return doubling(l, sx, sy, true, 0);
    case ARM_V_SQRDMLAH: return doubling(l, sx, sy, true, sd);
    case ARM_V_SQRDMLSH: return doubling(l, -sx, sy, true, sd);
    case ARM_V_SDOT:
    case ARM_V_UDOT:
    case ARM_V_USDOT:
    case ARM_V_SUDOT: return dot(l, x, y, d);
    default: return shift_by_register(l, x, y);
    }
}

static u64 reverse_bits(u64 x)
{
    u64 r = 0;
    for (unsigned i = 0; i < 8; i++)
        r |= (x >> i & 1) << (7 - i);
    return r;
}

static unsigned leading_zeros(u64 x, unsigned bits)
{
    return x ? clz64(x) - (64 - bits) : bits;
}

static u64 lane_two(struct lanes *l, u64 x, u64 d)
{
    s64 sx = bits_sext(x, l->bits), sd = bits_sext(d, l->bits);
    switch (l->op) {
    case ARM_V_SUQADD: return saturate_signed(l, (s128)sd + x, l->bits);
    case ARM_V_USQADD: return saturate_unsigned(l, (s128)d + sx, l->bits);
    case ARM_V_CMGT0: return truth(sx > 0);
    case ARM_V_CMGE0: return truth(sx >= 0);
    case ARM_V_CMEQ0: return truth(sx == 0);
    case ARM_V_CMLE0: return truth(sx <= 0);
    case ARM_V_CMLT0: return truth(sx < 0);
    case ARM_V_CLS: return leading_zeros((u64)(sx ^ sx >> 1) & (~UINT64_C(0) >> (64 - l->bits)), l->bits) - 1;
    case ARM_V_CLZ: return leading_zeros(x, l->bits);
    case ARM_V_CNT: return (u64)__builtin_popcountll(x);
    case ARM_V_SQABS: return saturate_signed(l, sx < 0 ? -(s128)sx : sx, l->bits);
    case ARM_V_SQNEG: return saturate_signed(l, -(s128)sx, l->bits);
    case ARM_V_ABS: return sx < 0 ? -(u64)sx : (u64)sx;
    case ARM_V_NEG: return -x;
    case ARM_V_NOT: return ~x;
    default: return reverse_bits(x); /* RBIT */
    }
}

/* ---- Shifts by a constant --------------------------------------------------------------------- */

static u64 lane_shift(struct lanes *l, u64 x, u64 d)
{
    s64 sx = bits_sext(x, l->bits);
    int n = (int)(l->extra & 0x7f); /* bit 7 tells a shift by 0 from none */
    u64 all = ~UINT64_C(0) >> (64 - l->bits);
    switch (l->op) {
    case ARM_V_SSHR: return (u64)shift_exact(sx, -n, false, l->bits);
    case ARM_V_USHR: return (u64)shift_exact((s128)x, -n, false, l->bits);
    case ARM_V_SRSHR: return (u64)shift_exact(sx, -n, true, l->bits);
    case ARM_V_URSHR: return (u64)shift_exact((s128)x, -n, true, l->bits);
    case ARM_V_SSRA: return d + (u64)shift_exact(sx, -n, false, l->bits);
    case ARM_V_USRA: return d + (u64)shift_exact((s128)x, -n, false, l->bits);
    case ARM_V_SRSRA: return d + (u64)shift_exact(sx, -n, true, l->bits);
    case ARM_V_URSRA: return d + (u64)shift_exact((s128)x, -n, true, l->bits);
    case ARM_V_SRI: return n == 64 ? d : (d & ~(all >> n)) | x >> n;
    case ARM_V_SHL: return x << n;
    case ARM_V_SLI: return (d & ~(all << n)) | x << n;
    case ARM_V_SQSHL: return saturate_signed(l, (s128)sx << n, l->bits);
    case ARM_V_UQSHL: return saturate_unsigned(l, (s128)x << n, l->bits);
    default: return saturate_unsigned(l, (s128)sx << n, l->bits); /* SQSHLU */
    }
}

/* From a lane of double size; extra: the shift, 0 for the plain narrowing ones. */
static u64 lane_narrow(struct lanes *l, u64 wide)
{
    unsigned bits = l->bits;
    s128 sx = bits_sext(wide, 2 * bits), x = (s128)wide;
    int n = -(int)l->extra;
    switch (l->op) {
    case ARM_V_XTN: return wide;
    case ARM_V_SQXTN: return saturate_signed(l, sx, bits);
    case ARM_V_UQXTN: return saturate_unsigned(l, x, bits);
    case ARM_V_SQXTUN: return saturate_unsigned(l, sx, bits);
    case ARM_V_SHRN: return (u64)shift_exact(x, n, false, 64);
    case ARM_V_RSHRN: return (u64)shift_exact(x, n, true, 64);
    case ARM_V_SQSHRUN: return saturate_unsigned(l, shift_exact(sx, n, false, 64), bits);
    case ARM_V_SQRSHRUN: return saturate_unsigned(l, shift_exact(sx, n, true, 64), bits);
    case ARM_V_SQSHRN: return saturate_signed(l, shift_exact(sx, n, false, 64), bits);
    case ARM_V_SQRSHRN: return saturate_signed(l, shift_exact(sx, n, true, 64), bits);
    case ARM_V_UQSHRN: return saturate_unsigned(l, shift_exact(x, n, false, 64), bits);
    default: return saturate_unsigned(l, shift_exact(x, n, true, 64), bits); /* UQRSHRN */
    }
}

/* ---- Results of double size ------------------------------------------------------------------- */

/* x, y: lanes of the narrow size (the shift in `extra` for SSHLL, USHLL, SHLL); d of the wide one. */
static u64 lane_long(struct lanes *l, u64 x, u64 y, u64 d)
{
    s64 sx = bits_sext(x, l->bits), sy = bits_sext(y, l->bits);
    unsigned wide = 2 * l->bits;
    u64 p;
    switch (l->op) {
    case ARM_V_SADDL: return (u64)sx + (u64)sy;
    case ARM_V_UADDL: return x + y;
    case ARM_V_SSUBL: return (u64)sx - (u64)sy;
    case ARM_V_USUBL: return x - y;
    case ARM_V_SABAL: return d + (sx > sy ? (u64)sx - (u64)sy : (u64)sy - (u64)sx);
    case ARM_V_UABAL: return d + (x > y ? x - y : y - x);
    case ARM_V_SABDL: return sx > sy ? (u64)sx - (u64)sy : (u64)sy - (u64)sx;
    case ARM_V_UABDL: return x > y ? x - y : y - x;
    case ARM_V_SMLAL: return d + (u64)(sx * sy);
    case ARM_V_UMLAL: return d + x * y;
    case ARM_V_SMLSL: return d - (u64)(sx * sy);
    case ARM_V_UMLSL: return d - x * y;
    case ARM_V_SMULL: return (u64)(sx * sy);
    case ARM_V_UMULL: return x * y;
    case ARM_V_PMULL: return carryless(x, y, 8);
    case ARM_V_SQDMULL: return saturate_signed(l, 2 * (s128)sx * sy, wide);
    case ARM_V_SQDMLAL:
        p = saturate_signed(l, 2 * (s128)sx * sy, wide);
        return saturate_signed(l, (s128)bits_sext(d, wide) + bits_sext(p, wide), wide);
    case ARM_V_SQDMLSL:
        p = saturate_signed(l, 2 * (s128)sx * sy, wide);
        return saturate_signed(l, (s128)bits_sext(d, wide) - bits_sext(p, wide), wide);
    case ARM_V_SSHLL: return (u64)sx << l->extra;
    default: return x << l->extra; /* USHLL, SHLL */
    }
}

/* n of double size already. */
static u64 lane_wide(const struct lanes *l, u64 x, u64 y)
{
    s64 sy = bits_sext(y, l->bits);
    switch (l->op) {
    case ARM_V_SADDW: return x + (u64)sy;
    case ARM_V_UADDW: return x + y;
    case ARM_V_SSUBW: return x - (u64)sy;
    default: return x - y; /* USUBW */
    }
}

static u64 lane_high(const struct lanes *l, u64 x, u64 y)
{
    bool add = l->op == ARM_V_ADDHN || l->op == ARM_V_RADDHN;
    bool round = l->op == ARM_V_RADDHN || l->op == ARM_V_RSUBHN;
    u64 v = add ? x + y : x - y;
    return (v + (round ? BIT(l->bits - 1) : 0)) >> l->bits;
}

/* ---- Shapes ----------------------------------------------------------------------------------- */

static bool is_const_shift(enum arm_vop op)
{
    return (op >= ARM_V_SSHR && op <= ARM_V_SQSHLU);
}

static void shape_three(struct lanes *l, union arm_vector *out)
{
    for (unsigned i = 0; i < count_of(l, l->size); i++)
        put(out, l->size, i, lane_three(l, get(&l->n, l->size, i), get(&l->m, l->size, i), get(&l->d, l->size, i)));
}

/* One lane of m for all; dot products count lanes of four bytes. */
static void shape_elem(struct lanes *l, union arm_vector *out)
{
    u64 y = get(&l->m, l->size, l->extra);
    for (unsigned i = 0; i < count_of(l, l->size); i++)
        put(out, l->size, i, lane_three(l, get(&l->n, l->size, i), y, get(&l->d, l->size, i)));
}

/* Reversals and sums of neighbours change which lanes meet; shifts by a constant share the loop. */
static void shape_two(struct lanes *l, union arm_vector *out)
{
    unsigned count = count_of(l, l->size);
    for (unsigned i = 0; i < count; i++) {
        u64 x = get(&l->n, l->size, i), d = get(&l->d, l->size, i);
        unsigned mask = l->op == ARM_V_REV64 ? (8u >> l->size) - 1 : l->op == ARM_V_REV32 ? (4u >> l->size) - 1 : 1;
        if (l->op == ARM_V_REV64 || l->op == ARM_V_REV32 || l->op == ARM_V_REV16)
            put(out, l->size, i ^ mask, x);
        else
            put(out, l->size, i, is_const_shift(l->op) || l->extra ? lane_shift(l, x, d) : lane_two(l, x, d));
    }
}

static void shape_add_long_pairs(struct lanes *l, union arm_vector *out)
{
    bool is_signed = l->op == ARM_V_SADDLP || l->op == ARM_V_SADALP;
    bool sums = l->op == ARM_V_SADALP || l->op == ARM_V_UADALP;
    for (unsigned i = 0; i < count_of(l, l->size + 1); i++) {
        u64 x = is_signed ? (u64)sget(&l->n, l->size, 2 * i) : get(&l->n, l->size, 2 * i);
        u64 y = is_signed ? (u64)sget(&l->n, l->size, 2 * i + 1) : get(&l->n, l->size, 2 * i + 1);
        put(out, l->size + 1, i, x + y + (sums ? get(&l->d, l->size + 1, i) : 0));
    }
}

static void shape_pair(struct lanes *l, union arm_vector *out)
{
    unsigned count = count_of(l, l->size);
    if (l->scalar) {
        put(out, l->size, 0, lane_three(l, get(&l->n, l->size, 0), get(&l->n, l->size, 1), 0));
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        const union arm_vector *v = i < count / 2 ? &l->n : &l->m;
        unsigned k = 2 * (i % (count / 2));
        put(out, l->size, i, lane_three(l, get(v, l->size, k), get(v, l->size, k + 1), 0));
    }
}

/* Operands from the lower halves, or the upper ones with Q ("2" in the name). */
static void shape_long(struct lanes *l, union arm_vector *out, bool elem)
{
    unsigned count = l->scalar ? 1 : 8u >> l->size, first = l->q && !l->scalar ? count : 0;
    u64 element = elem ? get(&l->m, l->size, l->extra) : 0;
    for (unsigned i = 0; i < count; i++) {
        u64 y = elem ? element : get(&l->m, l->size, first + i);
        put(out, l->size + 1, i, lane_long(l, get(&l->n, l->size, first + i), y, get(&l->d, l->size + 1, i)));
    }
}

static void shape_wide(struct lanes *l, union arm_vector *out)
{
    unsigned count = 8u >> l->size, first = l->q ? count : 0;
    for (unsigned i = 0; i < count; i++)
        put(out, l->size + 1, i, lane_wide(l, get(&l->n, l->size + 1, i), get(&l->m, l->size, first + i)));
}

/* Results to the lower half, clearing the upper; or to the upper half, keeping the lower. */
static void shape_narrow(struct lanes *l, union arm_vector *out, bool high)
{
    unsigned count = l->scalar ? 1 : 8u >> l->size, first = l->q && !l->scalar ? count : 0;
    if (first)
        out->d[0] = l->d.d[0];
    for (unsigned i = 0; i < count; i++) {
        u64 x = get(&l->n, l->size + 1, i);
        put(out, l->size, first + i, high ? lane_high(l, x, get(&l->m, l->size + 1, i)) : lane_narrow(l, x));
    }
}

static void shape_across(struct lanes *l, union arm_vector *out)
{
    bool sums_long = l->op == ARM_V_SADDL || l->op == ARM_V_UADDL;
    u64 v = l->op == ARM_V_SADDL ? (u64)sget(&l->n, l->size, 0) : get(&l->n, l->size, 0);
    for (unsigned i = 1; i < count_of(l, l->size); i++) {
        if (sums_long)
            v += l->op == ARM_V_SADDL ? (u64)sget(&l->n, l->size, i) : get(&l->n, l->size, i);
        else
            v = lane_three(l, v & (~UINT64_C(0) >> (64 - l->bits)), get(&l->n, l->size, i), 0);
    }
    put(out, l->size + sums_long, 0, v);
}

static bool is_long_pair_sum(enum arm_vop op)
{
    return op == ARM_V_SADDLP || op == ARM_V_UADDLP || op == ARM_V_SADALP || op == ARM_V_UADALP;
}

void arm_helper_lanes(struct cpu *cpu, u64 what, u64 regs)
{
    struct arm_cpu *a = arm_cpu(cpu);
    struct lanes l = {.a = a,
                      .d = arm_vector_get(a, regs & 0xff),
                      .n = arm_vector_get(a, regs >> 8 & 0xff),
                      .m = arm_vector_get(a, regs >> 16 & 0xff)};
    union arm_vector out = {.d = {0, 0}};
    l.op = (enum arm_vop)(what & 0xff);
    l.size = what >> 12 & 3;
    l.bits = 8u << l.size;
    l.q = what >> 14 & 1;
    l.scalar = what >> 15 & 1;
    l.extra = (unsigned)(what >> 16 & 0xff);
    switch ((enum arm_vshape)(what >> 8 & 15)) {
    case ARM_SHAPE_THREE: shape_three(&l, &out); break;
    case ARM_SHAPE_TWO:
        if (is_long_pair_sum(l.op))
            shape_add_long_pairs(&l, &out);
        else
            shape_two(&l, &out);
        break;
    case ARM_SHAPE_PAIR: shape_pair(&l, &out); break;
    case ARM_SHAPE_LONG: shape_long(&l, &out, false); break;
    case ARM_SHAPE_WIDE: shape_wide(&l, &out); break;
    case ARM_SHAPE_HIGH: shape_narrow(&l, &out, true); break;
    case ARM_SHAPE_NARROW: shape_narrow(&l, &out, false); break;
    case ARM_SHAPE_ACROSS: shape_across(&l, &out); break;
    case ARM_SHAPE_ELEM: shape_elem(&l, &out); break;
    case ARM_SHAPE_ELEM_LONG: shape_long(&l, &out, true); break;
    }
    arm_vector_set(a, regs & 0xff, out);
    if (l.saturated)
        a->fpsr |= FPSR_QC;
}

/* ---- Others ----------------------------------------------------------------------------------- */

void arm_helper_table(struct cpu *cpu, u64 regs, u64 what)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned len = what & 0xff, count = what >> 9 & 1 ? 16 : 8;
    union arm_vector index = a->v[regs >> 8 & 31], out = {.d = {0, 0}};
    u8 table[64];
    for (unsigned i = 0; i < len; i++)
        memcpy(table + 16 * i, &a->v[((regs >> 16) + i) & 31], 16);
    for (unsigned i = 0; i < count; i++) {
        if (index.b[i] < 16 * len)
            out.b[i] = table[index.b[i]];
        else if (what >> 8 & 1)
            out.b[i] = a->v[regs & 31].b[i];
    }
    a->v[regs & 31] = out;
}

void arm_helper_pmull64(struct cpu *cpu, u64 regs, u64 high)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 x = arm_vector_get(a, regs >> 8 & 0xff).d[high], y = arm_vector_get(a, regs >> 16 & 0xff).d[high];
    union arm_vector out = {.d = {0, 0}};
    if (a->host_crypto.fn[HOST_MULTIPLY]) {
        const union arm_vector n = {.d = {x}}, m = {.d = {y}};
        a->host_crypto.fn[HOST_MULTIPLY](&a->v[regs & 31], &n, &m);
        return;
    }
    for (unsigned i = 0; i < 64; i++) {
        if (y >> i & 1) {
            out.d[0] ^= x << i;
            out.d[1] ^= i ? x >> (64 - i) : 0;
        }
    }
    a->v[regs & 31] = out;
}

/* Two rows of eight by two columns of eight, added to four sums. */
void arm_helper_mmla(struct cpu *cpu, u64 what, u64 regs)
{
    struct arm_cpu *a = arm_cpu(cpu);
    union arm_vector n = a->v[regs >> 8 & 31], m = a->v[regs >> 16 & 31], out = a->v[regs & 31];
    enum arm_vop op = (enum arm_vop)(what & 0xff);
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned k = 0; k < 8; k++) {
            u8 x = n.b[8 * (i / 2) + k], y = m.b[8 * (i % 2) + k];
            s32 sx = op == ARM_V_SMMLA ? (s8)x : x, sy = op == ARM_V_UMMLA ? y : (s8)y;
            out.s[i] += (u32)(sx * sy);
        }
    }
    a->v[regs & 31] = out;
}
