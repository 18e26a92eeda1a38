/*
 * helper_float.c - float operations that translations call: half precision, and what the IR has no
 * operation for.
 *
 * Values come and go as bit patterns, zero-extended; integer results as a register holds them.
 * Everything is exact soft float, so flags and rounding are the manual's. Runs on the vCPU's
 * thread, with the host's sticky flags already merged (IR_FX_FLOAT).
 */
#include "isa/riscv/riscv.h"
#include "isa/riscv/trans.h"

void riscv_helper_float_begin(struct cpu *cpu, u64 insn)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    if (rv->mstatus & MSTATUS_FS)
        rv->mstatus |= MSTATUS_FS;
    else
        riscv_helper_illegal(cpu, insn);
}

static u64 half_arithmetic(enum riscv_float_op op, u16 x, u16 y, u16 z, struct float_env *e)
{
    switch (op) {
    case RISCV_FLOAT_ADD: return f16_add(x, y, e);
    case RISCV_FLOAT_SUB: return f16_sub(x, y, e);
    case RISCV_FLOAT_MUL: return f16_mul(x, y, e);
    case RISCV_FLOAT_DIV: return f16_div(x, y, e);
    case RISCV_FLOAT_SQRT: return f16_sqrt(x, e);
    case RISCV_FLOAT_MADD: return f16_fma(x, y, z, e);
    case RISCV_FLOAT_MIN: return f16_min(x, y, e);
    case RISCV_FLOAT_MAX: return f16_max(x, y, e);
    case RISCV_FLOAT_MINM: return f16_minm(x, y, e);
    case RISCV_FLOAT_MAXM: return f16_maxm(x, y, e);
    case RISCV_FLOAT_ROUND: return f16_round_int(x, false, e);
    case RISCV_FLOAT_ROUNDNX: return f16_round_int(x, true, e);
    default: assert(!"not an operation on halves"); return 0;
    }
}

static u64 half_compare(enum riscv_float_op op, u16 x, u16 y, struct float_env *e)
{
    bool signalling = op == RISCV_FLOAT_LT || op == RISCV_FLOAT_LE;
    enum float_relation r = f16_compare(x, y, signalling, e);
    if (op == RISCV_FLOAT_EQ)
        return r == FLOAT_EQUAL;
    bool or_equal = op == RISCV_FLOAT_LE || op == RISCV_FLOAT_LEQ;
    return r == FLOAT_LESS || (or_equal && r == FLOAT_EQUAL);
}

static u64 half_to_int(enum riscv_int type, u16 x, struct float_env *e)
{
    switch (type) {
    case RISCV_INT_W: return (u64)(s64)f16_to_s32(x, e);
    case RISCV_INT_WU: return (u64)(s64)(s32)f16_to_u32(x, e);
    case RISCV_INT_L: return (u64)f16_to_s64(x, e);
    default: return f16_to_u64(x, e);
    }
}

static u64 half_from_int(enum riscv_int type, u64 x, struct float_env *e)
{
    switch (type) {
    case RISCV_INT_W: return f16_from_s32((s32)x, e);
    case RISCV_INT_WU: return f16_from_u32((u32)x, e);
    case RISCV_INT_L: return f16_from_s64((s64)x, e);
    default: return f16_from_u64(x, e);
    }
}

static u64 half_op(enum riscv_float_op op, u64 x, u64 y, u64 z, struct float_env *e)
{
    if (op >= RISCV_FLOAT_FROM_INT)
        return half_from_int((enum riscv_int)(op - RISCV_FLOAT_FROM_INT), x, e);
    if (op >= RISCV_FLOAT_TO_INT)
        return half_to_int((enum riscv_int)(op - RISCV_FLOAT_TO_INT), (u16)x, e);
    if (op >= RISCV_FLOAT_EQ && op <= RISCV_FLOAT_LEQ)
        return half_compare(op, (u16)x, (u16)y, e);
    return half_arithmetic(op, (u16)x, (u16)y, (u16)z, e);
}

static u64 single_op(enum riscv_float_op op, u64 x, u64 y, struct float_env *e)
{
    switch (op) {
    case RISCV_FLOAT_MINM: return f32_minm((u32)x, (u32)y, e);
    case RISCV_FLOAT_MAXM: return f32_maxm((u32)x, (u32)y, e);
    case RISCV_FLOAT_ROUND: return f32_round_int((u32)x, false, e);
    case RISCV_FLOAT_ROUNDNX: return f32_round_int((u32)x, true, e);
    case RISCV_FLOAT_FROM_HALF: return f16_to_f32((u16)x, e);
    case RISCV_FLOAT_TO_HALF: return f32_to_f16((u32)x, e);
    default: assert(!"singles have an IR operation for this"); return 0;
    }
}

static u64 double_op(enum riscv_float_op op, u64 x, u64 y, struct float_env *e)
{
    switch (op) {
    case RISCV_FLOAT_MINM: return f64_minm(x, y, e);
    case RISCV_FLOAT_MAXM: return f64_maxm(x, y, e);
    case RISCV_FLOAT_ROUND: return f64_round_int(x, false, e);
    case RISCV_FLOAT_ROUNDNX: return f64_round_int(x, true, e);
    case RISCV_FLOAT_FROM_HALF: return f16_to_f64((u16)x, e);
    case RISCV_FLOAT_TO_HALF: return f64_to_f16(x, e);
    case RISCV_FLOAT_TO_INT_MOD: return (u64)(s64)f64_to_s32_modular(x, e);
    default: assert(!"doubles have an IR operation for this"); return 0;
    }
}

u64 riscv_helper_float(struct cpu *cpu, u64 what, u64 x, u64 y, u64 z)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    enum riscv_float_op op = (enum riscv_float_op)(what & 0xff);
    unsigned round = what >> 16 & 0xff;
    struct float_env env =
        float_env_riscv((enum float_round)(round == IR_FLOAT_DYN ? rv->frm : round));
    u64 result;
    switch ((enum riscv_fmt)(what >> 8 & 0xff)) {
    case RISCV_FMT_H: result = half_op(op, x, y, z, &env); break;
    case RISCV_FMT_S: result = single_op(op, x, y, &env); break;
    default: result = double_op(op, x, y, &env); break;
    }
    rv->fflags |= env.flags & RISCV_FFLAGS;
    return result;
}

u64 riscv_helper_fclass(struct cpu *cpu, u64 x, u64 fmt)
{
    switch ((enum riscv_fmt)fmt) {
    case RISCV_FMT_H: return f16_class((u16)x);
    case RISCV_FMT_S: return f32_class((u32)x);
    default: return f64_class(x);
    }
}
