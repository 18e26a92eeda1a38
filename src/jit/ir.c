/*
 * ir.c - the facts of each IR operation as a table, made from ir.def, and what every reader of
 * units shares.
 *
 * Nothing here has state; all tables are constant.
 */
#include "jit/ir.h"

#include "cpu/isa.h"

#define HAS(string, letter)   (__builtin_strchr(string, letter) != NULL)
#define IS_VALUE(operands, n) ((operands)[n] == 'v' ? 1 << (n) : 0)
#define LIVE(op, flags)                                                                            \
    ((op) == IR_GET                                    ? IR_LIVE_GET                               \
     : (op) == IR_PUT                                  ? IR_LIVE_PUT                               \
     : (op) == IR_INSN                                 ? IR_LIVE_INSN                              \
     : (op) == IR_CALL                                 ? IR_LIVE_CALL                              \
     : (op) == IR_EXIT_JUMP || (op) == IR_EXIT_INDIRECT ? IR_LIVE_JUMPS                            \
     : HAS(flags, 'E')                                 ? IR_LIVE_LEAVES                            \
     : HAS(flags, 'S') || HAS(flags, 'X')              ? IR_LIVE_EFFECT                            \
                                                       : IR_LIVE_PURE)

const struct ir_op_info ir_op_info[IR_OPCODES] = {
#define OP(name, text_, operands_, result_, flags_)                                                \
    [IR_##name] = {                                                                                \
        .text = text_,                                                                             \
        .operands = operands_,                                                                     \
        .result = result_,                                                                         \
        .flags = (HAS(flags_, 'E') ? IR_OP_EXITS : 0) | (HAS(flags_, 'X') ? IR_OP_ENDS : 0) |      \
                 (HAS(flags_, 'S') || HAS(flags_, 'X') ? IR_OP_EFFECT : 0) |                       \
                 (HAS(flags_, 'C') ? IR_OP_COMMUTES : 0) | (HAS(flags_, 'M') ? IR_OP_MEMORY : 0),  \
        .values = IS_VALUE(operands_, 0) | IS_VALUE(operands_, 1) | IS_VALUE(operands_, 2),        \
        .count = !!IS_VALUE(operands_, 0) + !!IS_VALUE(operands_, 1) + !!IS_VALUE(operands_, 2),   \
        .live = LIVE(IR_##name, flags_),                                                           \
    },
#include "jit/ir.def"
#undef OP
};

const char *const ir_type_names[IR_TYPES] = {
    [IR_VOID] = "void", [IR_I32] = "i32",   [IR_I64] = "i64",     [IR_F32] = "f32",
    [IR_F64] = "f64",   [IR_I8] = "i8",     [IR_I16] = "i16",     [IR_I128] = "i128",
    [IR_F16] = "f16",   [IR_F80] = "f80",   [IR_V64] = "v64",     [IR_V128] = "v128",
    [IR_V256] = "v256", [IR_V512] = "v512", [IR_FLAGS] = "flags",
};

const char *const ir_cond_names[] = {
    [IR_EQ] = "eq", [IR_NE] = "ne",   [IR_LT] = "lt",   [IR_GE] = "ge",   [IR_LE] = "le",
    [IR_GT] = "gt", [IR_LTU] = "ltu", [IR_GEU] = "geu", [IR_LEU] = "leu", [IR_GTU] = "gtu",
};

unsigned ir_call_effects(const struct ir_unit *u, const struct ir_op *op)
{
    unsigned effects = u->isa->helpers[op->a].effects;
    return effects & IR_FX_FAULT ? effects | IR_FX_READ | IR_FX_WRITE : effects;
}

void ir_each_operand(struct ir_unit *u, struct ir_op *op, void (*fn)(void *opaque, u32 *value),
                     void *opaque)
{
    unsigned values = ir_op_info[op->op].values;
    if (values & 1)
        fn(opaque, &op->a);
    if (values & 2)
        fn(opaque, &op->b);
    if (values & 4)
        fn(opaque, &op->c);
    if (op->op == IR_CALL)
        for (u32 i = 0; i < op->aux; i++)
            fn(opaque, &u->args[op->b + i]);
}
