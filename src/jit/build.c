/*
 * build.c - appends operations to a unit: the only writer of ops before the passes.
 *
 * Pure ops are folded (opt_fold.c), then looked for among recent ones, then appended. Guest slots
 * are resolved by slot[]: the value that each is known to hold. A unit is an extended basic block,
 * so what was made earlier is always at hand.
 *
 * This is the hot half of translation: no allocation after ir_builder_init, no scans. One thread
 * owns a builder.
 */
#include "jit/build.h"

#include "cpu/cpu.h"
#include "jit/eval.h"
#include "jit/opt_fold.h"

void ir_builder_init(struct ir_builder *b, struct ir_unit *u, struct arena *arena,
                     const struct isa *isa, u64 pc, u64 mode)
{
    assert(isa->slot_count <= IR_MAX_SLOTS);
    *u = (struct ir_unit){
        .isa = isa,
        .pc = pc,
        .mode = mode,
        .may = IR_MAY_ANY & ~(IR_MAY_PAIR | IR_MAY_LOOP),
        .ops = arena_alloc(arena, IR_MAX_OPS * sizeof(struct ir_op)),
        .args = arena_alloc(arena, IR_MAX_ARGS * sizeof(u32)),
    };
    b->unit = u;
    b->code.size = 0;
    b->skip.pc = IR_NO_SKIP;
    b->ended = false;
    b->pc_bound = false;
    b->pc = pc;
    b->code_base = IR_NONE;
    memset(b->slot, 0xff, isa->slot_count * sizeof(b->slot[0]));
    memset(b->recent, 0, sizeof(b->recent));
}

/* ---- Appending ---- */

/* An op as two words: field by field it is neither made nor compared as quickly. */
struct op_words {
    u64 low, high;
};

static inline struct op_words words_of(const struct ir_op *op)
{
    struct op_words w;
    memcpy(&w, op, sizeof(w));
    return w;
}

static inline struct ir_op op_of(enum ir_opcode op, unsigned type, unsigned aux, u32 a, u32 b, u32 c)
{
    struct op_words w = {op | type << 8 | aux << 16 | (u64)a << 32, b | (u64)c << 32};
    struct ir_op made;
    memcpy(&made, &w, sizeof(made));
    return made;
}

ir_value ir_append(struct ir_builder *b, struct ir_op op)
{
    struct ir_unit *u = b->unit;
    assert(!b->ended && u->count < IR_MAX_OPS);
    u->ops[u->count] = op;
    return u->count++;
}

static void append_end(struct ir_builder *b, struct ir_op op)
{
    ir_append(b, op);
    b->ended = true;
}

/* An equal op that stands, or op appended. recent[] is only a hint: any index of an equal pure op
 * is right. */
ir_value ir_share(struct ir_builder *b, struct ir_op op)
{
    struct op_words w = words_of(&op);
    u64 hash = (w.low * UINT64_C(0x9e3779b97f4a7c15)) ^ (w.high * UINT64_C(0xc2b2ae3d27d4eb4f));
    u16 *recent = &b->recent[hash >> 58];
    if (*recent < b->unit->count) {
        struct op_words old = words_of(&b->unit->ops[*recent]);
        if (old.low == w.low && old.high == w.high)
            return *recent;
    }
    return *recent = (u16)ir_append(b, op);
}

ir_value ir_pure(struct ir_builder *b, struct ir_op op)
{
    ir_value v = ir_fold(b, &op);
    return v != IR_NONE ? v : ir_share(b, op);
}

static unsigned type_of(const struct ir_builder *b, ir_value v)
{
    return b->unit->ops[v].type;
}

/* ---- Values ---- */

ir_value ir_constant(struct ir_builder *b, enum ir_type type, u64 v)
{
    v &= ir_type_mask(type);
    return ir_share(b, op_of(IR_CONST, type, 0, (u32)v, (u32)(v >> 32), 0));
}

ir_value ir_const(struct ir_builder *b, u64 v)
{
    return ir_constant(b, IR_I64, v);
}

ir_value ir_const32(struct ir_builder *b, u32 v)
{
    return ir_constant(b, IR_I32, v);
}

ir_value ir_pc(struct ir_builder *b, u64 pc)
{
    if (!ir_pc_movable(b->unit->pc))
        return ir_const(b, pc);
    if (b->code_base == IR_NONE)
        b->code_base = ir_load_state(b, IR_I64, offsetof(struct cpu, code_base), 3);
    return ir_addi(b, b->code_base, (s64)(pc - IR_MOVABLE_PAGE));
}

bool ir_is_const(const struct ir_builder *b, ir_value v, u64 *out)
{
    const struct ir_op *op = &b->unit->ops[v];
    if (op->op != IR_CONST)
        return false;
    *out = ir_imm(op);
    return true;
}

enum ir_type ir_type_of(const struct ir_builder *b, ir_value v)
{
    return type_of(b, v);
}

/* ---- Guest state ---- */

static inline void start_insn(struct ir_builder *b, u64 pc, unsigned length)
{
    struct ir_unit *u = b->unit;
    ir_append(b, (struct ir_op){.op = IR_INSN, .aux = length, .a = (u32)pc, .b = pc >> 32});
    u->guest_insns++;
    u->guest_bytes = (u32)(pc + length - u->pc);
    b->pc = pc;
    b->pc_bound = true;
    b->slot[u->isa->pc_slot] = IR_NONE;
}

static __attribute__((noinline)) void start_insn_behind_skip(struct ir_builder *b, u64 pc, unsigned length)
{
    ir_skip_close(b);
    start_insn(b, pc, length);
}

void ir_insn(struct ir_builder *b, u64 pc, unsigned length)
{
    if (unlikely(pc == b->skip.pc))
        start_insn_behind_skip(b, pc, length);
    else
        start_insn(b, pc, length);
}

ir_value ir_get_unknown(struct ir_builder *b, unsigned slot)
{
    const struct isa *isa = b->unit->isa;
    assert(slot < isa->slot_count);
    unsigned type = isa->slots[slot].type;
    if (slot == isa->pc_slot && b->pc_bound)
        return type == IR_I64 ? ir_pc(b, b->pc) : ir_constant(b, type, b->pc);
    return b->slot[slot] = ir_append(b, op_of(IR_GET, type, 0, slot, 0, 0));
}

void ir_put(struct ir_builder *b, unsigned slot, ir_value v)
{
    assert(slot < b->unit->isa->slot_count && type_of(b, v) == b->unit->isa->slots[slot].type);
    if (b->slot[slot] == v)
        return;
    ir_append(b, op_of(IR_PUT, type_of(b, v), 0, v, slot, 0));
    b->slot[slot] = v;
}

ir_value ir_load_state(struct ir_builder *b, enum ir_type type, u32 offset, unsigned mem)
{
    return ir_append(b, op_of(IR_LOAD_STATE, type, mem, offset, 0, 0));
}

void ir_store_state(struct ir_builder *b, u32 offset, unsigned mem, ir_value v)
{
    v = ir_fold_stored(b, v, IR_MEM_BYTES(mem));
    ir_append(b, op_of(IR_STORE_STATE, type_of(b, v), mem, v, offset, 0));
}

ir_value ir_float_flags(struct ir_builder *b)
{
    return ir_append(b, op_of(IR_FLOAT_FLAGS, IR_I64, 0, 0, 0, 0));
}

/* ---- Integer ---- */

static ir_value binary(struct ir_builder *b, enum ir_opcode op, ir_value x, ir_value y)
{
    assert(type_of(b, x) == type_of(b, y));
    return ir_pure(b, op_of(op, type_of(b, x), 0, x, y, 0));
}

static ir_value unary(struct ir_builder *b, enum ir_opcode op, enum ir_type type, ir_value x)
{
    return ir_pure(b, op_of(op, type, 0, x, 0, 0));
}

#define BINARY(name, OPCODE)                                                                       \
    ir_value ir_##name(struct ir_builder *b, ir_value x, ir_value y)                               \
    {                                                                                              \
        return binary(b, IR_##OPCODE, x, y);                                                       \
    }
BINARY(add, ADD)
BINARY(sub, SUB)
BINARY(mul, MUL)
BINARY(mulhs, MULHS)
BINARY(mulhu, MULHU)
BINARY(mulhsu, MULHSU)
BINARY(divs, DIVS)
BINARY(divu, DIVU)
BINARY(rems, REMS)
BINARY(remu, REMU)
BINARY(and, AND)
BINARY(or, OR)
BINARY(xor, XOR)
BINARY(shl, SHL)
BINARY(shr, SHR)
BINARY(sar, SAR)
BINARY(rotl, ROTL)
BINARY(rotr, ROTR)
BINARY(clmul, CLMUL)
BINARY(clmulh, CLMULH)
#undef BINARY

#define UNARY(name, OPCODE)                                                                        \
    ir_value ir_##name(struct ir_builder *b, ir_value x)                                           \
    {                                                                                              \
        return unary(b, IR_##OPCODE, type_of(b, x), x);                                            \
    }
UNARY(not, NOT)
UNARY(neg, NEG)
UNARY(clz, CLZ)
UNARY(ctz, CTZ)
UNARY(popcnt, POPCNT)
UNARY(bswap, BSWAP)
#undef UNARY

static ir_value binary_const(struct ir_builder *b, enum ir_opcode op, ir_value x, u64 c)
{
    return binary(b, op, x, ir_constant(b, type_of(b, x), c));
}

ir_value ir_addi(struct ir_builder *b, ir_value x, s64 imm)
{
    return binary_const(b, IR_ADD, x, (u64)imm);
}

ir_value ir_andi(struct ir_builder *b, ir_value x, u64 imm)
{
    return binary_const(b, IR_AND, x, imm);
}

ir_value ir_shli(struct ir_builder *b, ir_value x, unsigned n)
{
    return binary_const(b, IR_SHL, x, n);
}

ir_value ir_shri(struct ir_builder *b, ir_value x, unsigned n)
{
    return binary_const(b, IR_SHR, x, n);
}

ir_value ir_sari(struct ir_builder *b, ir_value x, unsigned n)
{
    return binary_const(b, IR_SAR, x, n);
}

ir_value ir_sext(struct ir_builder *b, ir_value x, unsigned bits, enum ir_type to)
{
    if (bits == 32 && to == IR_I32)
        return ir_trunc(b, x);
    return unary(b, bits == 8 ? IR_SEXT8 : bits == 16 ? IR_SEXT16 : IR_SEXT32, to, x);
}

ir_value ir_zext(struct ir_builder *b, ir_value x, unsigned bits, enum ir_type to)
{
    if (bits == 32 && to == IR_I32)
        return ir_trunc(b, x);
    return unary(b, bits == 8 ? IR_ZEXT8 : bits == 16 ? IR_ZEXT16 : IR_ZEXT32, to, x);
}

ir_value ir_trunc(struct ir_builder *b, ir_value x)
{
    return type_of(b, x) == IR_I32 ? x : unary(b, IR_TRUNC, IR_I32, x);
}

ir_value ir_cmp(struct ir_builder *b, enum ir_cond cond, ir_value x, ir_value y)
{
    assert(type_of(b, x) == type_of(b, y));
    return ir_pure(b, op_of(IR_CMP, IR_I64, cond, x, y, 0));
}

ir_value ir_select(struct ir_builder *b, ir_value cond, ir_value x, ir_value y)
{
    assert(type_of(b, cond) == IR_I64 && type_of(b, x) == type_of(b, y));
    return ir_pure(b, op_of(IR_SELECT, type_of(b, x), 0, cond, x, y));
}

/* ---- Guest memory ---- */

ir_value ir_load(struct ir_builder *b, enum ir_type type, unsigned mem, ir_value addr, s32 offset)
{
    ir_fold_address(b, &addr, &offset);
    return ir_append(b, op_of(IR_LOAD, type, mem, addr, (u32)offset, 0));
}

void ir_store(struct ir_builder *b, unsigned mem, ir_value addr, s32 offset, ir_value v)
{
    ir_fold_address(b, &addr, &offset);
    v = ir_fold_stored(b, v, IR_MEM_BYTES(mem));
    ir_append(b, op_of(IR_STORE, type_of(b, v), mem, addr, v, (u32)offset));
}

ir_value ir_rmw(struct ir_builder *b, enum ir_type type, unsigned mem, enum ir_rmw kind,
                ir_value addr, ir_value v)
{
    return ir_append(b, op_of(IR_RMW, type, mem, addr, v, kind));
}

ir_value ir_cas(struct ir_builder *b, enum ir_type type, unsigned mem, ir_value addr,
                ir_value expected, ir_value desired)
{
    return ir_append(b, op_of(IR_CAS, type, mem, addr, expected, desired));
}

ir_value ir_load_linked(struct ir_builder *b, enum ir_type type, unsigned mem, ir_value addr)
{
    return ir_append(b, op_of(IR_LOAD_LINKED, type, mem, addr, 0, 0));
}

ir_value ir_store_cond(struct ir_builder *b, unsigned mem, ir_value addr, ir_value v)
{
    b->unit->may |= IR_MAY_PAIR;
    v = ir_fold_stored(b, v, IR_MEM_BYTES(mem));
    return ir_append(b, op_of(IR_STORE_COND, IR_I64, mem, addr, v, 0));
}

void ir_fence(struct ir_builder *b, unsigned fence)
{
    ir_append(b, op_of(IR_FENCE, IR_VOID, fence, 0, 0, 0));
}

/* ---- Float: it has an effect, the sticky flags, so it is neither folded nor shared ---- */

static ir_value float_op(struct ir_builder *b, enum ir_opcode op, enum ir_type type, unsigned aux,
                         ir_value x, ir_value y, ir_value z)
{
    return ir_append(b, op_of(op, type, aux, x, y, z));
}

#define FLOAT_BINARY(name, OPCODE)                                                                 \
    ir_value ir_##name(struct ir_builder *b, unsigned aux, ir_value x, ir_value y)                 \
    {                                                                                              \
        return float_op(b, IR_##OPCODE, type_of(b, x), aux, x, y, 0);                              \
    }
FLOAT_BINARY(fadd, FADD)
FLOAT_BINARY(fsub, FSUB)
FLOAT_BINARY(fmul, FMUL)
FLOAT_BINARY(fdiv, FDIV)
FLOAT_BINARY(fmin, FMIN)
FLOAT_BINARY(fmax, FMAX)
#undef FLOAT_BINARY

ir_value ir_fsqrt(struct ir_builder *b, unsigned aux, ir_value x)
{
    return float_op(b, IR_FSQRT, type_of(b, x), aux, x, 0, 0);
}

ir_value ir_fmadd(struct ir_builder *b, unsigned aux, ir_value x, ir_value y, ir_value z)
{
    return float_op(b, IR_FMADD, type_of(b, x), aux, x, y, z);
}

ir_value ir_fcmp(struct ir_builder *b, unsigned aux, ir_value x, ir_value y)
{
    return float_op(b, IR_FCMP, IR_I64, aux, x, y, 0);
}

ir_value ir_fcvt(struct ir_builder *b, unsigned aux, enum ir_type to, ir_value x)
{
    return float_op(b, IR_FCVT, to, aux, x, 0, 0);
}

ir_value ir_ftoi(struct ir_builder *b, unsigned aux, enum ir_type to, ir_value x)
{
    return float_op(b, IR_FTOI, to, aux, x, 0, 0);
}

ir_value ir_itof(struct ir_builder *b, unsigned aux, enum ir_type to, ir_value x)
{
    return float_op(b, IR_ITOF, to, aux, x, 0, 0);
}

ir_value ir_fsgnj(struct ir_builder *b, enum ir_opcode which, ir_value x, ir_value y)
{
    return binary(b, which, x, y);
}

ir_value ir_nanbox(struct ir_builder *b, ir_value x)
{
    return unary(b, IR_NANBOX, IR_F64, x);
}

ir_value ir_unbox(struct ir_builder *b, ir_value x)
{
    return unary(b, IR_UNBOX, IR_F32, x);
}

ir_value ir_bitcast(struct ir_builder *b, enum ir_type to, ir_value x)
{
    return unary(b, IR_BITCAST, to, x);
}

/* ---- Calls ---- */

ir_value ir_call(struct ir_builder *b, const struct ir_helper *h, const ir_value *args)
{
    struct ir_unit *u = b->unit;
    u32 first = u->arg_count;
    assert(h->args <= IR_CALL_ARGS && first + h->args <= IR_MAX_ARGS);
    for (unsigned i = 0; i < h->args; i++)
        u->args[u->arg_count++] = args[i];
    ir_value v = ir_append(b, op_of(IR_CALL, h->result, h->args, (u32)(h - u->isa->helpers), first, 0));
    if (h->effects & (IR_FX_WRITE | IR_FX_FAULT)) {
        memset(b->slot, 0xff, u->isa->slot_count * sizeof(b->slot[0]));
        b->pc_bound = false;
    }
    return h->result == IR_VOID ? IR_NONE : v;
}

ir_value ir_call0(struct ir_builder *b, const struct ir_helper *h)
{
    assert(h->args == 0);
    return ir_call(b, h, NULL);
}

ir_value ir_call1(struct ir_builder *b, const struct ir_helper *h, ir_value x)
{
    assert(h->args == 1);
    return ir_call(b, h, (ir_value[]){x});
}

ir_value ir_call2(struct ir_builder *b, const struct ir_helper *h, ir_value x, ir_value y)
{
    assert(h->args == 2);
    return ir_call(b, h, (ir_value[]){x, y});
}

ir_value ir_call3(struct ir_builder *b, const struct ir_helper *h, ir_value x, ir_value y,
                  ir_value z)
{
    assert(h->args == 3);
    return ir_call(b, h, (ir_value[]){x, y, z});
}

/* ---- Leaving ---- */

/* A condition that never holds makes no op. One that always holds does: the front end goes on as if
 * it might not. */
static bool never(struct ir_builder *b, ir_value cond)
{
    u64 c;
    return ir_is_const(b, cond, &c) && c == 0;
}

static void note_target(struct ir_builder *b, u64 pc)
{
    if (pc == b->unit->pc)
        b->unit->may |= IR_MAY_LOOP;
}

void ir_exit_if(struct ir_builder *b, ir_value cond, u64 pc)
{
    cond = ir_fold_condition(b, cond);
    note_target(b, pc);
    if (!never(b, cond))
        ir_append(b, op_of(IR_EXIT_IF, IR_VOID, 0, cond, (u32)pc, (u32)(pc >> 32)));
}

static void trap_if(struct ir_builder *b, ir_value cond, const struct ir_helper *h, u32 argument, unsigned aux)
{
    cond = ir_fold_condition(b, cond);
    u32 helper = (u32)(h - b->unit->isa->helpers);
    if (!never(b, cond))
        ir_append(b, op_of(IR_TRAP_IF, IR_VOID, aux, cond, helper, argument));
}

void ir_trap_if(struct ir_builder *b, ir_value cond, const struct ir_helper *h, u32 argument)
{
    trap_if(b, cond, h, argument, 0);
}

void ir_check(struct ir_builder *b, ir_value cond, const struct ir_helper *h, u32 argument)
{
    trap_if(b, cond, h, argument, IR_TRAP_LASTS);
}

void ir_exit_jump(struct ir_builder *b, u64 pc)
{
    note_target(b, pc);
    append_end(b, op_of(IR_EXIT_JUMP, IR_VOID, 0, (u32)pc, (u32)(pc >> 32), 0));
}

void ir_exit_indirect(struct ir_builder *b, ir_value pc, enum ir_jump_hint hint)
{
    append_end(b, op_of(IR_EXIT_INDIRECT, IR_VOID, hint, pc, 0, 0));
}

void ir_exit_lookup(struct ir_builder *b)
{
    append_end(b, op_of(IR_EXIT_LOOKUP, IR_VOID, 0, 0, 0, 0));
}
