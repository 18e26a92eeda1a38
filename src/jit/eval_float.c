/*
 * eval_float.c - what each float operation of the IR computes, by the exact software arithmetic of
 * float/.
 *
 * Used by the interpreter, and by back ends where the host's FPU cannot give the guest's result.
 * Stateless.
 */
#include "float/soft.h"
#include "jit/eval.h"

/* The policies that the NaN rule names the architecture of stand in no other bit of aux. */
static struct float_env env_of(unsigned aux, unsigned dynamic)
{
    unsigned round = aux & IR_FLOAT_ROUND;
    unsigned rule = (aux & IR_FLOAT_NAN) >> IR_FLOAT_NAN_SHIFT;
    return (struct float_env){
        .round = round == IR_FLOAT_DYN ? dynamic : round,
        .nan_rule = rule,
        .default_nan_sign = rule == FLOAT_NAN_X86,
        .tiny_before = aux & IR_FLOAT_TINY_BEFORE,
        .fma_inf_zero_nv = rule != FLOAT_NAN_X86,
    };
}

/* Whether relation r (enum float_relation) satisfies aux's condition; unordered never does. */
static u64 holds(unsigned aux, enum float_relation r)
{
    switch (aux & IR_FLOAT_COND) {
    case IR_FLOAT_EQ: return r == FLOAT_EQUAL;
    case IR_FLOAT_LT: return r == FLOAT_LESS;
    default: return r == FLOAT_LESS || r == FLOAT_EQUAL;
    }
}

/* An operand's sign flipped. x86 propagates NaN operands as they are. */
static u64 negated(u64 v, u64 sign, bool is_nan, const struct float_env *e)
{
    return is_nan && e->nan_rule == FLOAT_NAN_X86 ? v : v ^ sign;
}

#define ARITHMETIC(T, U, SIGN)                                                                     \
    static U T##_fused(const struct ir_op *op, u64 a, u64 b, u64 c, struct float_env *e)           \
    {                                                                                              \
        if (op->aux & IR_FLOAT_NEG_PRODUCT)                                                        \
            a = negated(a, SIGN, T##_is_nan((U)a), e);                                             \
        if (op->aux & IR_FLOAT_NEG_ADDEND)                                                         \
            c = negated(c, SIGN, T##_is_nan((U)c), e);                                             \
        return T##_fma((U)a, (U)b, (U)c, e);                                                       \
    }                                                                                              \
    static u64 T##_to_integer(const struct ir_op *op, U a, struct float_env *e)                    \
    {                                                                                              \
        bool is_unsigned = op->aux & IR_FLOAT_UNSIGNED;                                            \
        if (op->type == IR_I32)                                                                    \
            return is_unsigned ? T##_to_u32(a, e) : (u32)T##_to_s32(a, e);                         \
        return is_unsigned ? T##_to_u64(a, e) : (u64)T##_to_s64(a, e);                             \
    }                                                                                              \
    static U T##_from_integer(const struct ir_op *op, unsigned from, u64 a, struct float_env *e)   \
    {                                                                                              \
        bool is_unsigned = op->aux & IR_FLOAT_UNSIGNED;                                            \
        if (from == IR_I32)                                                                        \
            return is_unsigned ? T##_from_u32((u32)a, e) : T##_from_s32((s32)a, e);                \
        return is_unsigned ? T##_from_u64(a, e) : T##_from_s64((s64)a, e);                         \
    }                                                                                              \
    static u64 T##_operation(const struct ir_op *op, u64 a, u64 b, u64 c, struct float_env *e)     \
    {                                                                                              \
        U x = (U)a, y = (U)b;                                                                      \
        switch (op->op) {                                                                          \
        case IR_FADD: return T##_add(x, y, e);                                                     \
        case IR_FSUB: return T##_sub(x, y, e);                                                     \
        case IR_FMUL: return T##_mul(x, y, e);                                                     \
        case IR_FDIV: return T##_div(x, y, e);                                                     \
        case IR_FSQRT: return T##_sqrt(x, e);                                                      \
        case IR_FMADD: return T##_fused(op, a, b, c, e);                                           \
        case IR_FMIN: return T##_min(x, y, e);                                                     \
        case IR_FMAX: return T##_max(x, y, e);                                                     \
        case IR_FTOI: return T##_to_integer(op, x, e);                                             \
        default: /* IR_FCMP */                                                                     \
            return holds(op->aux, T##_compare(x, y, op->aux & IR_FLOAT_SIGNAL, e));                \
        }                                                                                          \
    }
ARITHMETIC(f32, u32, BIT(31))
ARITHMETIC(f64, u64, BIT(63))

static u64 convert(const struct ir_op *op, unsigned from, u64 a, struct float_env *e)
{
    if (op->type == from)
        return a;
    return from == IR_F32 ? f32_to_f64((u32)a, e) : f64_to_f32(a, e);
}

u64 ir_eval_float(const struct ir_op *op, unsigned operand, unsigned dynamic, u64 a, u64 b, u64 c,
                  unsigned *flags)
{
    struct float_env e = env_of(op->aux, dynamic);
    u64 v;
    if (op->op == IR_FCVT)
        v = convert(op, operand, a, &e);
    else if (op->op == IR_ITOF)
        v = op->type == IR_F32 ? f32_from_integer(op, operand, a, &e)
                               : f64_from_integer(op, operand, a, &e);
    else
        v = operand == IR_F32 ? f32_operation(op, a, b, c, &e) : f64_operation(op, a, b, c, &e);
    *flags |= e.flags;
    return v;
}
