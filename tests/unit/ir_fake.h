/*
 * ir_fake.h - a guest architecture of a few slots and helpers, and random pure operations: what the
 * IR's unit tests stand on.
 */
#ifndef TESTS_UNIT_IR_FAKE_H
#define TESTS_UNIT_IR_FAKE_H

#include <stdlib.h>

#include "cpu/cpu.h"
#include "jit/build.h"
#include "jit/eval.h"
#include "jit/opt_fold.h"

struct fake_cpu {
    struct cpu cpu;
    u64 pc, x[4], w[2], f[2], s[2];
    u64 state[4];      /* beside the slots */
    u64 trapped, seen; /* left by helpers */
    unsigned flags;
};

enum { PC, X0, X1, X2, X3, W0, W1, F0, F1, S0, S1, SLOTS };
static const struct isa_slot fake_slots[SLOTS] = {
    {"pc", offsetof(struct fake_cpu, pc), IR_I64},
    {"x0", offsetof(struct fake_cpu, x[0]), IR_I64},
    {"x1", offsetof(struct fake_cpu, x[1]), IR_I64},
    {"x2", offsetof(struct fake_cpu, x[2]), IR_I64},
    {"x3", offsetof(struct fake_cpu, x[3]), IR_I64},
    {"w0", offsetof(struct fake_cpu, w[0]), IR_I32},
    {"w1", offsetof(struct fake_cpu, w[1]), IR_I32},
    {"f0", offsetof(struct fake_cpu, f[0]), IR_F64},
    {"f1", offsetof(struct fake_cpu, f[1]), IR_F64},
    {"s0", offsetof(struct fake_cpu, s[0]), IR_F32},
    {"s1", offsetof(struct fake_cpu, s[1]), IR_F32},
};

static struct fake_cpu *fake(struct cpu *cpu)
{
    return container_of(cpu, struct fake_cpu, cpu);
}

static u64 help_sum(struct cpu *cpu, u64 a, u64 b)
{
    (void)cpu;
    return a + 3 * b;
}

/* Shows the whole state. */
static void help_look(struct cpu *cpu)
{
    struct fake_cpu *c = fake(cpu);
    c->seen = c->seen * 31 + c->pc;
    for (unsigned i = 0; i < 4; i++)
        c->seen = c->seen * 31 + c->x[i];
}

static void help_change(struct cpu *cpu, u64 v)
{
    fake(cpu)->x[1] ^= v;
}

static u64 help_fault(struct cpu *cpu, u64 v)
{
    struct fake_cpu *c = fake(cpu);
    help_look(cpu);
    cpu->unwind = v & 1;
    if (v & 1)
        c->pc = 0xdead0000 + (u8)v;
    return v;
}

static void help_trap(struct cpu *cpu, u64 argument)
{
    struct fake_cpu *c = fake(cpu);
    help_look(cpu);
    c->trapped = c->pc + argument;
    c->pc = 0x1000;
}

enum { SUM, LOOK, CHANGE, FAULT, TRAP, HELPERS };
static const struct ir_helper fake_helpers[HELPERS + 1] = {
    {"sum", help_sum, IR_I64, 2, IR_FX_PURE},         {"look", help_look, IR_VOID, 0, IR_FX_READ},
    {"change", help_change, IR_VOID, 1, IR_FX_WRITE}, {"fault", help_fault, IR_I64, 1, IR_FX_FAULT},
    {"trap", help_trap, IR_VOID, 1, IR_FX_FAULT},
};

static unsigned fake_round(const struct cpu *cpu)
{
    (void)cpu;
    return FLOAT_RUP;
}

static void fake_accrue(struct cpu *cpu, unsigned flags)
{
    fake(cpu)->flags |= flags;
}

static const struct isa fake_isa = {
    .name = "fake",
    .cpu_size = sizeof(struct fake_cpu),
    .slots = fake_slots,
    .slot_count = SLOTS,
    .pc_slot = PC,
    .helpers = fake_helpers,
    .helper_count = HELPERS,
    .float_round = fake_round,
    .float_accrue = fake_accrue,
};

/* ---- Random values and operations ---- */

struct random {
    u64 s;
};

static u64 rnd(struct random *r)
{
    r->s ^= r->s << 13;
    r->s ^= r->s >> 7;
    r->s ^= r->s << 17;
    return r->s * UINT64_C(0x2545f4914f6cdd1d);
}

static u32 below(struct random *r, u32 n)
{
    return (u32)((rnd(r) >> 32) * n >> 32);
}

/* Numbers near which integer operations go wrong. */
static u64 corner(struct random *r)
{
    static const u64 corners[] = {
        0,
        1,
        2,
        3,
        7,
        8,
        31,
        32,
        48,
        56,
        63,
        64,
        0x7f,
        0x80,
        0xff,
        0x100,
        0x7fff,
        0x8000,
        0xffff,
        0x10000,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        BIT(32),
        BIT(62),
        BIT(63),
        BIT(63) - 1,
        ~UINT64_C(0),
        -(u64)2,
        -(u64)128,
        -(u64)129,
        -(u64)BIT(31),
        0xffffffff80000000,
        0xffffffff7fffffff,
        0x7ff8000000000000,
        0xffffffff7fc00000,
        0xffffffff3f800000,
        0x3ff0000000000000,
    };
    switch (below(r, 6)) {
    case 0: return rnd(r);
    case 1: return rnd(r) >> below(r, 64);
    case 2: return below(r, 2);
    default: return corners[below(r, ARRAY_SIZE(corners))];
    }
}

/* A value of this type among those made so far; every unit begins with some. */
static ir_value pick(struct ir_builder *b, struct random *r, enum ir_type type)
{
    const struct ir_unit *u = b->unit;
    for (u32 v = below(r, u->count);; v = (v + 1) % u->count)
        if (ir_op_info[u->ops[v].op].result[0] != '-' && u->ops[v].type == type)
            return v;
}

/* What operands of a pure op look like: types by letter as in verify.c. */
struct shape {
    u8 op, type;
    const char *operands;
};
static const struct shape shapes[] = {
#define BOTH(n)                                                                                    \
    {IR_##n, IR_I64, "ll"},                                                                        \
    {                                                                                              \
        IR_##n, IR_I32, "ww"                                                                       \
    }
#define ONE(n)                                                                                     \
    {IR_##n, IR_I64, "l"},                                                                         \
    {                                                                                              \
        IR_##n, IR_I32, "w"                                                                        \
    }
#define EXT(n)                                                                                     \
    {IR_##n, IR_I64, "l"}, {IR_##n, IR_I64, "w"}, {IR_##n, IR_I32, "l"},                           \
    {                                                                                              \
        IR_##n, IR_I32, "w"                                                                        \
    }
    BOTH(ADD),
    BOTH(SUB),
    BOTH(MUL),
    BOTH(MULHS),
    BOTH(MULHU),
    BOTH(MULHSU),
    BOTH(DIVS),
    BOTH(DIVU),
    BOTH(REMS),
    BOTH(REMU),
    BOTH(AND),
    BOTH(OR),
    BOTH(XOR),
    BOTH(SHL),
    BOTH(SHR),
    BOTH(SAR),
    BOTH(ROTL),
    BOTH(ROTR),
    ONE(NOT),
    ONE(NEG),
    ONE(CLZ),
    ONE(CTZ),
    ONE(POPCNT),
    ONE(BSWAP),
    {IR_CLMUL, IR_I64, "ll"},
    {IR_CLMULH, IR_I64, "ll"},
    EXT(SEXT8),
    EXT(SEXT16),
    EXT(ZEXT8),
    EXT(ZEXT16),
    {IR_SEXT32, IR_I64, "l"},
    {IR_SEXT32, IR_I64, "w"},
    {IR_ZEXT32, IR_I64, "l"},
    {IR_ZEXT32, IR_I64, "w"},
    {IR_TRUNC, IR_I32, "l"},
    {IR_CMP, IR_I64, "ll"},
    {IR_CMP, IR_I64, "ww"},
    {IR_SELECT, IR_I64, "lll"},
    {IR_SELECT, IR_I32, "lww"},
    {IR_SELECT, IR_F64, "ldd"},
    {IR_SELECT, IR_F32, "lss"},
    {IR_FSGNJ, IR_F64, "dd"},
    {IR_FSGNJN, IR_F64, "dd"},
    {IR_FSGNJX, IR_F64, "dd"},
    {IR_FSGNJ, IR_F32, "ss"},
    {IR_FSGNJN, IR_F32, "ss"},
    {IR_FSGNJX, IR_F32, "ss"},
    {IR_NANBOX, IR_F64, "s"},
    {IR_UNBOX, IR_F32, "d"},
    {IR_BITCAST, IR_I64, "d"},
    {IR_BITCAST, IR_F64, "l"},
    {IR_BITCAST, IR_I32, "s"},
    {IR_BITCAST, IR_F32, "w"},
#undef BOTH
#undef ONE
#undef EXT
};

static enum ir_type letter_type(char c)
{
    return c == 'l' ? IR_I64 : c == 'w' ? IR_I32 : c == 'd' ? IR_F64 : IR_F32;
}

/* The constant second operand of the op that makes x, if it is one of this type. */
static ir_value inner_constant(const struct ir_builder *b, ir_value x, enum ir_type type)
{
    const struct ir_op *op = &b->unit->ops[x], *c = &b->unit->ops[op->b];
    bool two = ir_op_info[op->op].values & 2;
    return two && c->op == IR_CONST && c->type == type ? op->b : IR_NONE;
}

/* A pure op of this shape on random operands, not yet made. Half of the second operands are
 * constants, some equal the first. */
static struct ir_op random_pure(struct ir_builder *b, struct random *r, const struct shape *s)
{
    struct ir_op op = {
        .op = s->op, .type = s->type, .aux = s->op == IR_CMP ? below(r, IR_GTU + 1) : 0};
    u32 *field[] = {&op.a, &op.b, &op.c};
    for (unsigned n = 0; s->operands[n]; n++) {
        enum ir_type type = letter_type(s->operands[n]);
        ir_value inner = n == 1 ? inner_constant(b, op.a, type) : IR_NONE;
        if (inner != IR_NONE && below(r, 3) == 0)
            *field[n] = inner;
        else if (type <= IR_I64 && below(r, n ? 2 : 10) == 0)
            *field[n] = ir_constant(b, type, corner(r));
        else if (n == 1 && below(r, 8) == 0 && letter_type(s->operands[0]) == type)
            *field[n] = op.a;
        else
            *field[n] = pick(b, r, type);
    }
    return op;
}

static const struct shape *random_shape(struct random *r)
{
    return &shapes[below(r, ARRAY_SIZE(shapes))];
}

/* Starts a unit whose slots, and state of all sizes, are at hand as values. */
static void begin_unit(struct ir_builder *b, struct ir_unit *u, struct arena *arena)
{
    ir_builder_init(b, u, arena, &fake_isa, 0x80000000, 5);
    ir_insn(b, 0x80000000, 4);
    for (unsigned i = X0; i < SLOTS; i++)
        (void)ir_get(b, i);
    for (unsigned mem = 0; mem < 16; mem++) {
        unsigned size = mem & IR_MEM_SIZE;
        if (size < 3)
            (void)ir_load_state(b, IR_I32, offsetof(struct fake_cpu, state), mem);
        if (size <= 3)
            (void)ir_load_state(b, IR_I64, offsetof(struct fake_cpu, state) + 8, mem);
    }
}

#endif
