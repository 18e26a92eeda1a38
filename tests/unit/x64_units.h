/*
 * x64_units.h - random units of every scalar operation, with memory, devices, faults, exits, calls.
 */
#ifndef TESTS_UNIT_X64_UNITS_H
#define TESTS_UNIT_X64_UNITS_H

#include "x64_world.h"

struct pool {
    ir_value v[IR_MAX_OPS];
    unsigned n;
};

struct maker {
    struct ir_builder b;
    u64 seed;
    struct pool i32, i64, f32, f64;
};

static u64 rnd(struct maker *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(struct maker *m, unsigned n)
{
    return (unsigned)(rnd(m) >> 33) % n;
}

static u64 some_integer(struct maker *m)
{
    static const u64 corner[] = {0,          1,           ~UINT64_C(0), 0x7fffffff,  0x80000000,
                                 0xffffffff, 0x100000000, BIT(63),      BIT(63) - 1, 31,
                                 32,         63,          64,           0xff,        0xffff};
    unsigned k = below(m, 4);
    return k == 0   ? corner[below(m, ARRAY_SIZE(corner))]
           : k == 1 ? rnd(m) & 0xfff
           : k == 2 ? (u64)(s64)(s32)rnd(m)
                    : rnd(m);
}

static u64 some_double(struct maker *m)
{
    static const u64 corner[] = {0,
                                 BIT(63),
                                 UINT64_C(0x7ff0000000000000),
                                 UINT64_C(0xfff0000000000000),
                                 UINT64_C(0x7ff8000000000000),
                                 UINT64_C(0x7ff0000000000001),
                                 UINT64_C(0xfff4000000000000),
                                 1,
                                 UINT64_C(0x000fffffffffffff),
                                 UINT64_C(0x0010000000000000),
                                 UINT64_C(0x7fefffffffffffff),
                                 UINT64_C(0x3ff0000000000000),
                                 UINT64_C(0xbff0000000000000),
                                 UINT64_C(0x41dfffffffc00000),
                                 UINT64_C(0x41e0000000000000),
                                 UINT64_C(0x41efffffffe00000),
                                 UINT64_C(0x41f0000000000000),
                                 UINT64_C(0x43e0000000000000),
                                 UINT64_C(0x43f0000000000000),
                                 UINT64_C(0xc1e0000000000000),
                                 UINT64_C(0xbfe0000000000000),
                                 UINT64_C(0x3fe8000000000000),
                                 UINT64_C(0xc3e0000000000000),
                                 UINT64_C(0x43efffffffffffff)};
    unsigned k = below(m, 4);
    double d = (double)(s64)(rnd(m) >> below(m, 60)) / (double)(1 + below(m, 1000));
    u64 bits;
    memcpy(&bits, &d, 8);
    return k == 0 ? corner[below(m, ARRAY_SIZE(corner))] : k == 1 ? rnd(m) : bits;
}

static u64 some_single(struct maker *m)
{
    static const u32 corner[] = {0,          0x80000000, 0x7f800000, 0xff800000, 0x7fc00000,
                                 0x7f800001, 0xffa00000, 1,          0x007fffff, 0x00800000,
                                 0x7f7fffff, 0x3f800000, 0xbf800000, 0x4effffff, 0x4f000000,
                                 0x4f7fffff, 0x4f800000, 0x5effffff, 0x5f000000, 0x5f800000,
                                 0xcf000000, 0xbf000000};
    unsigned k = below(m, 4);
    float f = (float)(s32)(rnd(m) >> (32 + below(m, 28))) / (float)(1 + below(m, 1000));
    u32 bits;
    memcpy(&bits, &f, 4);
    if (below(m, 16) == 0)
        return rnd(m); /* not boxed */
    return (k == 0   ? corner[below(m, ARRAY_SIZE(corner))]
            : k == 1 ? (u32)rnd(m)
                     : bits) |
           UINT64_C(0xffffffff00000000);
}

static ir_value keep(struct pool *p, ir_value v)
{
    if (p->n < ARRAY_SIZE(p->v))
        p->v[p->n++] = v;
    return v;
}

static ir_value any_i64(struct maker *m)
{
    if (!m->i64.n || below(m, 8) == 0)
        return keep(&m->i64,
                    below(m, 3) ? ir_get(&m->b, below(m, 32)) : ir_const(&m->b, some_integer(m)));
    return m->i64.v[below(m, m->i64.n)];
}

static ir_value any_i32(struct maker *m)
{
    if (!m->i32.n || below(m, 6) == 0)
        return keep(&m->i32, below(m, 4) ? ir_trunc(&m->b, any_i64(m))
                                         : ir_const32(&m->b, (u32)some_integer(m)));
    return m->i32.v[below(m, m->i32.n)];
}

static ir_value any_f64(struct maker *m)
{
    if (!m->f64.n || below(m, 6) == 0)
        return keep(&m->f64, below(m, 4)
                                 ? ir_get(&m->b, 32 + below(m, 32))
                                 : ir_bitcast(&m->b, IR_F64, ir_const(&m->b, some_double(m))));
    return m->f64.v[below(m, m->f64.n)];
}

static ir_value any_f32(struct maker *m)
{
    if (!m->f32.n || below(m, 4) == 0)
        return keep(&m->f32, ir_unbox(&m->b, any_f64(m)));
    return m->f32.v[below(m, m->f32.n)];
}

typedef ir_value binary_fn(struct ir_builder *, ir_value, ir_value);
typedef ir_value unary_fn(struct ir_builder *, ir_value);
#define X(n) ir_##n,
static binary_fn *const binary[] = {IR_BINARY(X)};
static unary_fn *const unary[] = {IR_UNARY(X)};
#undef X
enum { CLMULS = 2 }; /* at the end of the table; i64 only */

static void make_int(struct maker *m)
{
    if (below(m, 2))
        keep(&m->i64, binary[below(m, ARRAY_SIZE(binary))](&m->b, any_i64(m), any_i64(m)));
    else
        keep(&m->i32, binary[below(m, ARRAY_SIZE(binary) - CLMULS)](&m->b, any_i32(m), any_i32(m)));
}

static void make_unary(struct maker *m)
{
    static const u8 bits[] = {8, 16, 32};
    switch (below(m, 7)) {
    case 0: keep(&m->i64, unary[below(m, ARRAY_SIZE(unary))](&m->b, any_i64(m))); break;
    case 1: keep(&m->i32, unary[below(m, ARRAY_SIZE(unary))](&m->b, any_i32(m))); break;
    case 2: keep(&m->i64, ir_sext(&m->b, any_i32(m), bits[below(m, 3)], IR_I64)); break;
    case 3: keep(&m->i64, ir_zext(&m->b, any_i32(m), bits[below(m, 3)], IR_I64)); break;
    case 4: keep(&m->i64, ir_sext(&m->b, any_i64(m), bits[below(m, 3)], IR_I64)); break;
    case 5: keep(&m->i64, ir_zext(&m->b, any_i64(m), bits[below(m, 3)], IR_I64)); break;
    default: keep(&m->i32, ir_sext(&m->b, any_i64(m), bits[below(m, 2)], IR_I32)); break;
    }
}

static ir_value make_cmp(struct maker *m)
{
    return below(m, 2) ? ir_cmp(&m->b, below(m, 10), any_i64(m), any_i64(m))
                       : ir_cmp(&m->b, below(m, 10), any_i32(m), any_i32(m));
}

static void make_select(struct maker *m)
{
    ir_value c = below(m, 4) ? make_cmp(m) : any_i64(m);
    switch (below(m, 5)) {
    case 0: keep(&m->i64, ir_select(&m->b, c, any_i64(m), any_i64(m))); break;
    case 1: keep(&m->i32, ir_select(&m->b, c, any_i32(m), any_i32(m))); break;
    case 2: keep(&m->f64, ir_select(&m->b, c, any_f64(m), any_f64(m))); break;
    case 3: keep(&m->f32, ir_select(&m->b, c, any_f32(m), any_f32(m))); break;
    default: keep(&m->i64, c);
    }
}

/* An address in RAM most of the time. */
static ir_value make_address(struct maker *m, unsigned align)
{
    ir_value low = ir_andi(&m->b, any_i64(m), 0x3fff & ~(u64)(align - 1));
    unsigned k = below(m, 40);
    u64 base = k == 0 ? 0xc000 : k == 1 ? IO_BASE : k == 2 ? rnd(m) : k == 3 ? 0xb000 : 0x4000;
    if (k == 1)
        low = ir_andi(&m->b, low, 0xf80);
    return ir_addi(&m->b, low, (s64)base);
}

static unsigned any_mem(struct maker *m, unsigned size)
{
    return size | (below(m, 2) ? IR_MEM_SIGNED : 0) | (below(m, 6) ? 0 : IR_MEM_BIG) |
           (below(m, 5) ? 0 : IR_MEM_ALIGN);
}

static void make_load(struct maker *m)
{
    s32 offset = (s32)below(m, 64) - 32;
    unsigned size = below(m, 4);
    ir_value a = make_address(m, below(m, 3) ? 8 : 1);
    switch (below(m, 5)) {
    case 0:
        keep(&m->f64, ir_load(&m->b, IR_F64, any_mem(m, 3) & ~(unsigned)IR_MEM_SIGNED, a, offset));
        break;
    case 1:
        keep(&m->f32, ir_load(&m->b, IR_F32, any_mem(m, 2) & ~(unsigned)IR_MEM_SIGNED, a, offset));
        break;
    case 2: keep(&m->i32, ir_load(&m->b, IR_I32, any_mem(m, size % 3), a, offset)); break;
    default: keep(&m->i64, ir_load(&m->b, IR_I64, any_mem(m, size), a, offset));
    }
}

static void make_store(struct maker *m)
{
    s32 offset = (s32)below(m, 64) - 32;
    unsigned size = below(m, 4), mask = ~(unsigned)IR_MEM_SIGNED;
    ir_value a = make_address(m, below(m, 3) ? 8 : 1);
    switch (below(m, 6)) {
    case 0: ir_store(&m->b, any_mem(m, 3) & mask, a, offset, any_f64(m)); break;
    case 1: ir_store(&m->b, any_mem(m, 2) & mask, a, offset, any_f32(m)); break;
    case 2: ir_store(&m->b, any_mem(m, size % 3) & mask, a, offset, any_i32(m)); break;
    case 3:
        ir_store(&m->b, any_mem(m, size) & mask, a, offset, ir_const(&m->b, some_integer(m)));
        break;
    default:
        ir_store(&m->b,
                 (any_mem(m, size) & mask) | (below(m, 4) ? 0 : IR_MEM_ACQUIRE | IR_MEM_RELEASE), a,
                 offset, any_i64(m));
    }
}

static void make_atomic(struct maker *m)
{
    unsigned size = below(m, 4), mem = (any_mem(m, size) & ~(unsigned)IR_MEM_BIG) | IR_MEM_ALIGN;
    ir_value a = make_address(m, 8), r;
    switch (below(m, 8)) {
    case 0: keep(&m->i64, ir_cas(&m->b, IR_I64, mem, a, any_i64(m), any_i64(m))); break;
    case 1: keep(&m->i64, ir_load_linked(&m->b, IR_I64, (mem & ~7u) | (2 + size % 2), a)); break;
    case 2:
        keep(&m->i64,
             ir_store_cond(&m->b, (mem & ~(7u | IR_MEM_SIGNED)) | (2 + size % 2), a, any_i64(m)));
        break;
    case 3:
        keep(&m->i32, ir_rmw(&m->b, IR_I32, (mem & ~7u) | size % 3, below(m, 9), a, any_i32(m)));
        break;
    case 4:
        r = ir_load_linked(&m->b, IR_I64, (mem & ~7u) | (2 + size % 2), a);
        r = ir_store_cond(&m->b, (mem & ~(7u | IR_MEM_SIGNED)) | (2 + size % 2), a,
                          ir_addi(&m->b, r, 3));
        keep(&m->i64, r);
        break;
    default:
        r = ir_rmw(&m->b, IR_I64, mem, below(m, 9), a, any_i64(m));
        if (below(m, 2))
            keep(&m->i64, r);
    }
    if (below(m, 4) == 0)
        ir_fence(&m->b, below(m, 16));
}

static unsigned any_rounding(struct maker *m)
{
    unsigned nan = below(m, 8) ? 0 : below(m, 3) << IR_FLOAT_NAN_SHIFT;
    unsigned tiny = below(m, 4) ? 0 : IR_FLOAT_TINY_BEFORE;
    return (below(m, 4) ? IR_FLOAT_DYN : below(m, 5)) | nan | tiny;
}

typedef ir_value float_binary_fn(struct ir_builder *, unsigned, ir_value, ir_value);
#define X(n) ir_##n,
static float_binary_fn *const float_binary[] = {IR_FLOAT_BINARY(X)};
#undef X

static void make_float(struct maker *m)
{
    unsigned aux = any_rounding(m), neg = (below(m, 4)) * IR_FLOAT_NEG_PRODUCT;
    float_binary_fn *fn = float_binary[below(m, ARRAY_SIZE(float_binary))];
    bool d = below(m, 2);
    ir_value x = d ? any_f64(m) : any_f32(m), y = d ? any_f64(m) : any_f32(m),
             z = d ? any_f64(m) : any_f32(m);
    struct pool *p = d ? &m->f64 : &m->f32;
    static const unsigned compare[] = {IR_FLOAT_EQ, IR_FLOAT_LT, IR_FLOAT_LE};
    switch (below(m, 8)) {
    case 0: keep(p, ir_fsqrt(&m->b, aux, x)); break;
    case 1: keep(p, ir_fmadd(&m->b, (aux & ~(unsigned)IR_FLOAT_NAN) | neg, x, y, z)); break;
    case 2:
        keep(&m->i64,
             ir_fcmp(&m->b, compare[below(m, 3)] | (below(m, 2) ? IR_FLOAT_SIGNAL : 0), x, y));
        break;
    case 3: keep(p, ir_fsgnj(&m->b, IR_FSGNJ + below(m, 3), x, below(m, 2) ? x : y)); break;
    default:
        keep(p,
             fn(&m->b, fn == ir_fmin || fn == ir_fmax ? aux & ~(unsigned)IR_FLOAT_NAN : aux, x, y));
    }
}

static void make_convert(struct maker *m)
{
    unsigned aux = any_rounding(m) & ~(unsigned)IR_FLOAT_NAN,
             sign = below(m, 2) ? IR_FLOAT_UNSIGNED : 0;
    if (below(m, 2))
        aux = (aux & ~(unsigned)IR_FLOAT_ROUND) | 1; /* RTZ */
    switch (below(m, 12)) {
    case 0: keep(&m->f64, ir_fcvt(&m->b, aux, IR_F64, any_f32(m))); break;
    case 1: keep(&m->f32, ir_fcvt(&m->b, aux, IR_F32, any_f64(m))); break;
    case 2: keep(&m->i64, ir_ftoi(&m->b, aux | sign, IR_I64, any_f64(m))); break;
    case 3: keep(&m->i32, ir_ftoi(&m->b, aux | sign, IR_I32, any_f64(m))); break;
    case 4: keep(&m->i64, ir_ftoi(&m->b, aux | sign, IR_I64, any_f32(m))); break;
    case 5: keep(&m->i32, ir_ftoi(&m->b, aux | sign, IR_I32, any_f32(m))); break;
    case 6: keep(&m->f64, ir_itof(&m->b, aux | sign, IR_F64, any_i64(m))); break;
    case 7: keep(&m->f64, ir_itof(&m->b, aux | sign, IR_F64, any_i32(m))); break;
    case 8: keep(&m->f32, ir_itof(&m->b, aux | sign, IR_F32, any_i64(m))); break;
    case 9: keep(&m->f32, ir_itof(&m->b, aux | sign, IR_F32, any_i32(m))); break;
    case 10: keep(&m->i64, ir_bitcast(&m->b, IR_I64, any_f64(m))); break;
    default: keep(&m->i32, ir_bitcast(&m->b, IR_I32, any_f32(m))); break;
    }
}

/* State may have been written: values read before keep what they were. */
static void make_call(struct maker *m)
{
    ir_value four[4];
    switch (below(m, 9)) {
    case 0: keep(&m->i64, ir_call2(&m->b, &helpers[H_MIX], any_i64(m), any_i64(m))); break;
    case 1:
        for (unsigned i = 0; i < 4; i++)
            four[i] = below(m, 4) ? any_i64(m) : any_i32(m);
        keep(&m->i64, ir_call(&m->b, &helpers[H_FOUR], four));
        break;
    case 2: keep(&m->i64, ir_call0(&m->b, &helpers[H_SUM])); break;
    case 3: ir_call1(&m->b, &helpers[H_WRITE], any_i64(m)); break;
    case 4: keep(&m->i64, ir_call1(&m->b, &helpers[H_FAULT], any_i64(m))); break;
    case 5: keep(&m->i64, ir_call1(&m->b, &helpers[H_FLAGS], any_i64(m))); break;
    case 6:
        ir_store_state(&m->b, offsetof(struct toy, misc) + 8 * below(m, 4), below(m, 4),
                       any_i64(m));
        break;
    case 7:
        keep(&m->i64, ir_load_state(&m->b, IR_I64, offsetof(struct toy, misc) + 8 * below(m, 4),
                                    below(m, 4) | (below(m, 2) ? IR_MEM_SIGNED : 0)));
        break;
    default:
        keep(&m->f64,
             ir_call2(&m->b, &helpers[H_FLOAT], any_f64(m), below(m, 2) ? any_f64(m) : any_f32(m)));
    }
}

static void make_leave(struct maker *m)
{
    ir_value c =
        below(m, 12) ? ir_cmp(&m->b, IR_EQ, any_i64(m), ir_const(&m->b, rnd(m))) : make_cmp(m);
    if (below(m, 3))
        ir_exit_if(&m->b, c, m->b.unit->pc + (below(m, 2) ? 0x40 : 0x4000));
    else
        ir_trap_if(&m->b, c, &helpers[H_TRAP], (u32)rnd(m));
}

static void make_put(struct maker *m)
{
    switch (below(m, 4)) {
    case 0: ir_put(&m->b, 32 + below(m, 32), any_f64(m)); break;
    case 1: ir_put(&m->b, 32 + below(m, 32), ir_nanbox(&m->b, any_f32(m))); break;
    default: ir_put(&m->b, below(m, 32), any_i64(m));
    }
}

/* What an instruction does; those from FLOATS on do for a unit of float operations. */
static void (*const makers[])(struct maker *m) = {
    make_int,    make_int,  make_int,  make_int,   make_unary, make_unary,   make_select,
    make_select, make_load, make_load, make_store, make_store, make_atomic,  make_call,
    make_leave,  make_put,  make_put,  make_float, make_float, make_convert,
};
enum { FLOATS = 3, MAKERS = ARRAY_SIZE(makers) };

static void make_insn(struct maker *m, bool floats)
{
    for (unsigned k = below(m, 4); k-- > 0;) {
        unsigned kind = below(m, MAKERS);
        if (floats && below(m, 2))
            kind = MAKERS - 1 - kind % FLOATS;
        makers[kind](m);
    }
    make_put(m);
}

/* A jump that a trap may take instead, which finds the target in the pc's slot; what is computed
 * between takes registers. */
static void make_checked_jump(struct maker *m)
{
    ir_value target = any_i64(m);
    ir_put(&m->b, PC, target);
    for (unsigned n = below(m, 24); n; n--)
        keep(&m->i64, ir_add(&m->b, any_i64(m), any_i64(m)));
    ir_value c = ir_cmp(&m->b, IR_LT, any_i64(m), any_i64(m));
    ir_trap_if(&m->b, c, &helpers[H_TRAP], (u32)rnd(m));
    for (unsigned n = 0; n < 3; n++)
        make_put(m);
    ir_exit_indirect(&m->b, target, IR_JUMP_PLAIN);
}

static void make_unit(struct maker *m, struct ir_unit *u, struct arena *arena, bool floats)
{
    u64 pc = 0x1000 + (rnd(m) & 0xff0);
    unsigned insns = 2 + below(m, 40);
    ir_builder_init(&m->b, u, arena, &toy_isa, pc, 0);
    m->i32.n = m->i64.n = m->f32.n = m->f64.n = 0;
    for (unsigned i = 0; i < insns && !ir_builder_full(&m->b); i++) {
        ir_insn(&m->b, pc + 4 * i, 4);
        make_insn(m, floats);
    }
    switch (below(m, 5)) {
    case 0: ir_exit_jump(&m->b, pc + 0x80); break;
    case 1: ir_exit_jump(&m->b, pc + 0x3000); break;
    case 2: ir_exit_indirect(&m->b, any_i64(m), IR_JUMP_PLAIN); break;
    case 3: make_checked_jump(m); break;
    default: ir_put(&m->b, PC, any_i64(m)); ir_exit_lookup(&m->b);
    }
}

#endif
