/*
 * helper_float_mixed.c - vector floating point whose lanes are not of one kind: halves into singles
 * (FEAT_FHM), complex numbers (FEAT_FCMA), BFloat16 (FEAT_BF16); DDI 0487, J1.2.3.
 *
 * Exact soft float on the registers in memory, on the CPU's thread, with the host's flags merged
 * (IR_FX_FLOAT).
 */
#include "isa/arm/float.h"
#include "isa/arm/vector.h"

#define FPCR_FZ16 BIT(19)

struct mixed {
    u32 fpcr;
    struct float_env env;
    enum arm_fmixed op;
    union arm_vector d, n, m;
    unsigned size, rotation, index;
    bool q, by_element;
};

static u64 get(const union arm_vector *v, unsigned size, unsigned i)
{
    return size == 1 ? v->h[i] : size == 2 ? v->s[i] : v->d[i];
}

static void put(union arm_vector *v, unsigned size, unsigned i, u64 x)
{
    if (size == 1)
        v->h[i] = (u16)x;
    else if (size == 2)
        v->s[i] = (u32)x;
    else
        v->d[i] = x;
}

/* ---- Halves into singles ---- */

/* A half as a single, NaNs as they are, signalling too. */
static u32 widened(const struct mixed *x, u16 h)
{
    struct float_env e = {.round = FLOAT_RNE, .flush_inputs = x->fpcr & FPCR_FZ16};
    if ((h & 0x7c00) == 0x7c00)
        return (u32)(h & 0x8000) << 16 | 0x7f800000 | (u32)(h & 0x3ff) << 13;
    return f16_to_f32(h, &e);
}

/* FPMulAddH. */
static void multiply_long(struct mixed *x)
{
    unsigned lanes = x->q ? 4 : 2;
    unsigned first = x->op == ARM_FX_MLAL2 || x->op == ARM_FX_MLSL2 ? lanes : 0;
    u32 sign = x->op == ARM_FX_MLSL || x->op == ARM_FX_MLSL2 ? UINT32_C(1) << 31 : 0;
    for (unsigned i = 0; i < lanes; i++) {
        u32 n = widened(x, x->n.h[first + i]) ^ sign;
        u32 m = widened(x, x->m.h[x->by_element ? x->index : first + i]);
        x->d.s[i] = f32_fma(n, m, x->d.s[i], &x->env);
    }
}

/* ---- Complex numbers ---- */

static u64 sum(struct mixed *x, u64 n, u64 m)
{
    return x->size == 1   ? f16_add((u16)n, (u16)m, &x->env)
           : x->size == 2 ? f32_add((u32)n, (u32)m, &x->env)
                          : f64_add(n, m, &x->env);
}

static u64 fused(struct mixed *x, u64 n, u64 m, u64 d)
{
    return x->size == 1   ? f16_fma((u16)n, (u16)m, (u16)d, &x->env)
           : x->size == 2 ? f32_fma((u32)n, (u32)m, (u32)d, &x->env)
                          : f64_fma(n, m, d, &x->env);
}

static unsigned pairs_of(const struct mixed *x)
{
    return (x->q ? 8u : 4u) >> x->size;
}

/* rotation 0: by 90 degrees, 1: by 270. */
static void complex_add(struct mixed *x)
{
    u64 sign = BIT((8u << x->size) - 1);
    for (unsigned i = 0; i < pairs_of(x); i++) {
        u64 re = get(&x->m, x->size, 2 * i), im = get(&x->m, x->size, 2 * i + 1);
        put(&x->d, x->size, 2 * i,
            sum(x, get(&x->n, x->size, 2 * i), x->rotation ? im : im ^ sign));
        put(&x->d, x->size, 2 * i + 1,
            sum(x, get(&x->n, x->size, 2 * i + 1), x->rotation ? re ^ sign : re));
    }
}

/* By 90 degrees times rotation: one part of n times m, or times i m. */
static void complex_multiply(struct mixed *x)
{
    u64 sign = BIT((8u << x->size) - 1);
    bool imaginary = x->rotation & 1;
    for (unsigned i = 0; i < pairs_of(x); i++) {
        unsigned at = 2 * (x->by_element ? x->index : i);
        u64 re = get(&x->m, x->size, at), im = get(&x->m, x->size, at + 1);
        u64 n = get(&x->n, x->size, 2 * i + imaginary);
        u64 first = imaginary ? im : re, second = imaginary ? re : im;
        first ^= x->rotation == 1 || x->rotation == 2 ? sign : 0;
        second ^= x->rotation >= 2 ? sign : 0;
        put(&x->d, x->size, 2 * i, fused(x, n, first, get(&x->d, x->size, 2 * i)));
        put(&x->d, x->size, 2 * i + 1, fused(x, n, second, get(&x->d, x->size, 2 * i + 1)));
    }
}

/* ---- BFloat16 ---- */

/* BFMul, BFAdd: rounded to odd, overflowing to infinity, no denormals, no exceptions, default NaNs.
 */
static u32 bf_result(u32 v, const struct float_env *e)
{
    return e->flags & FLOAT_OF ? (v & 0x80000000) | 0x7f800000 : v;
}

static struct float_env bf_env(void)
{
    return (struct float_env){
        .round = FLOAT_RTO, .tiny_before = true, .flush_inputs = true, .flush_results = true};
}

static u32 bf_mul(u32 a, u32 b)
{
    struct float_env e = bf_env();
    u32 v = f32_mul(a, b, &e);
    return bf_result(v, &e);
}

static u32 bf_add(u32 a, u32 b)
{
    struct float_env e = bf_env();
    u32 v = f32_add(a, b, &e);
    return bf_result(v, &e);
}

/* BFDotAdd of lanes i, i + 1 of n and j, j + 1 of m. */
static u32 bf_dot(const struct mixed *x, u32 addend, unsigned i, unsigned j)
{
    u32 low = bf_mul((u32)x->n.h[i] << 16, (u32)x->m.h[j] << 16);
    u32 high = bf_mul((u32)x->n.h[i + 1] << 16, (u32)x->m.h[j + 1] << 16);
    return bf_add(addend, bf_add(low, high));
}

static void bf_dots(struct mixed *x)
{
    for (unsigned i = 0; i < (x->q ? 4 : 2); i++)
        x->d.s[i] = bf_dot(x, x->d.s[i], 2 * i, 2 * (x->by_element ? x->index : i));
}

static void bf_matrix(struct mixed *x)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned row = i / 2 * 4, column = i % 2 * 4;
        u32 v = bf_dot(x, x->d.s[i], row, column);
        x->d.s[i] = bf_dot(x, v, row + 2, column + 2);
    }
}

/* BFMLALB, BFMLALT: q is which. */
static void bf_multiply_long(struct mixed *x)
{
    for (unsigned i = 0; i < 4; i++) {
        u32 n = (u32)x->n.h[2 * i + x->q] << 16,
            m = (u32)x->m.h[x->by_element ? x->index : 2 * i + x->q] << 16;
        x->d.s[i] = f32_fma(n, m, x->d.s[i], &x->env);
    }
    x->q = true;
}

/* FPConvertBF: the upper half of a single, rounded. */
static u16 bf_convert(struct float_env *e, u32 v)
{
    bool tiny = !(v & 0x7f800000);
    if (f32_is_nan(v))
        return (u16)(f32_add(v, v, e) >> 16);
    if (tiny && v << 1 && e->flush_inputs) {
        e->flags |= FLOAT_DN;
        v &= 0x80000000;
    }
    u32 kept = v >> 16, rest = v & 0xffff;
    if (!rest)
        return (u16)kept;
    bool up = e->round == FLOAT_RNE   ? rest > 0x8000 || (rest == 0x8000 && kept & 1)
              : e->round == FLOAT_RUP ? !(v >> 31)
              : e->round == FLOAT_RDN ? v >> 31
                                      : false;
    kept += up;
    e->flags |= FLOAT_NX | (tiny ? FLOAT_UF : 0) | ((kept & 0x7fff) == 0x7f80 ? FLOAT_OF : 0);
    return (u16)kept;
}

static void bf_narrow(struct mixed *x)
{
    union arm_vector v = {.d = {0, 0}};
    unsigned to = x->q ? 4 : 0;
    if (x->q)
        v.d[0] = x->d.d[0];
    for (unsigned i = 0; i < (x->op == ARM_FX_BFCVT ? 1 : 4); i++)
        v.h[to + i] = bf_convert(&x->env, x->n.s[i]);
    x->d = v;
    x->q = true;
}

/* ---- The helper ---- */

void arm_helper_float_mixed(struct cpu *cpu, u64 what, u64 regs)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u32 fpcr = arm_float_control(a, what);
    struct mixed x = {.fpcr = fpcr,
                      .env = arm_float_env(fpcr, IR_FLOAT_DYN),
                      .op = (enum arm_fmixed)(what & 0xff),
                      .d = arm_vector_get(a, regs & 0xff),
                      .n = arm_vector_get(a, regs >> 8 & 0xff),
                      .m = arm_vector_get(a, regs >> 16 & 0xff),
                      .size = what >> 8 & 3,
                      .rotation = what >> 16 & 3,
                      .index = what >> 32 & 7,
                      .q = what >> 28 & 1,
                      .by_element = (what >> 24 & 15) == ARM_FSHAPE_ELEM};
    if (x.size == 1)
        x.env.flush_inputs = x.env.flush_results = fpcr & FPCR_FZ16;
    switch (x.op) {
    case ARM_FX_CADD: complex_add(&x); break;
    case ARM_FX_CMLA: complex_multiply(&x); break;
    case ARM_FX_BFDOT: bf_dots(&x); break;
    case ARM_FX_BFMMLA: bf_matrix(&x); break;
    case ARM_FX_BFMLAL: bf_multiply_long(&x); break;
    case ARM_FX_BFCVTN:
    case ARM_FX_BFCVT: bf_narrow(&x); break;
    default: multiply_long(&x); break;
    }
    if (!x.q)
        x.d.d[1] = 0;
    arm_vector_set(a, regs & 0xff, x.d);
    arm_float_accrue(a, &x.env, x.size);
}
