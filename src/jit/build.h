/*
 * build.h - the one way to make IR: what trans_NAME functions call.
 *
 * Every function appends at most a few ops and returns the value; constants fold and simple
 * identities vanish while building (opt_fold.c), get/put resolve at once: ir_get after ir_put gives
 * the value put, no op.
 *
 * Integer ops take their width from the first operand, which both operands share. Use ir_const for
 * i64, ir_const32 for i32. After an X op the builder is closed (ir_ended): further calls are a bug.
 */
#ifndef JIT_BUILD_H
#define JIT_BUILD_H

#include "float/soft.h"
#include "jit/ir.h"

enum { IR_MAX_SLOTS = 128 };
typedef u32 ir_value; /* index of an op in the unit */

/* Guest code that is at hand: jit_fetch's last line of memory, size 0: none (jit/translate.h). */
struct ir_code {
    u64 pc;
    u64 size;
    const u8 *host;
};

/* A branch forward over little code, whose target may still come to be in the unit (build_choose.c). */
struct ir_skip {
    u64 pc; /* its target, IR_NO_SKIP: there is none */
    u32 op; /* the branch */
    ir_value cond;
};
#define IR_NO_SKIP UINT64_MAX

struct ir_builder {
    struct ir_unit *unit;
    struct ir_code code;
    struct ir_skip skip;
    bool ended;
    bool pc_bound;               /* the pc slot is the pc of the last insn op */
    u64 pc;                      /* of the last insn op */
    ir_value code_base;          /* of a movable unit, once it was needed, or IR_NONE */
    ir_value slot[IR_MAX_SLOTS]; /* value known to be in the slot, or IR_NONE */
    u16 recent[64];              /* hash of recent pure ops, for common subexpressions */
    ir_value skip_slot[IR_MAX_SLOTS]; /* slot[] at skip's branch */
};
#define IR_NONE (~0u)

void ir_builder_init(struct ir_builder *b, struct ir_unit *u, struct arena *arena,
                     const struct isa *isa, u64 pc, u64 mode);
/* True when few ops are left: the front end must end the unit at this instruction boundary. */
static inline bool ir_builder_full(const struct ir_builder *b)
{
    enum { OPS_RESERVE = 128, ARGS_RESERVE = OPS_RESERVE };
    return b->unit->count > IR_MAX_OPS - OPS_RESERVE || b->unit->arg_count > IR_MAX_ARGS - ARGS_RESERVE;
}
static inline bool ir_ended(const struct ir_builder *b)
{
    return b->ended;
}
/* Starts a guest instruction. */
void ir_insn(struct ir_builder *b, u64 pc, unsigned length);

/* -- Values. */
ir_value ir_const(struct ir_builder *b, u64 v);
ir_value ir_const32(struct ir_builder *b, u32 v);
/* An address of code, reckoned from the pc: every one must be made by this (movable units, ir.h). */
ir_value ir_pc(struct ir_builder *b, u64 pc);
bool ir_is_const(const struct ir_builder *b, ir_value v, u64 *out);
enum ir_type ir_type_of(const struct ir_builder *b, ir_value v);
ir_value ir_get_unknown(struct ir_builder *b, unsigned slot); /* of ir_get */
static inline ir_value ir_get(struct ir_builder *b, unsigned slot)
{
    ir_value known = b->slot[slot];
    return known != IR_NONE ? known : ir_get_unknown(b, slot);
}
void ir_put(struct ir_builder *b, unsigned slot, ir_value v);
/* State beside the slots: offset of the field in the CPU's struct; mem: size and sign of enum
 * ir_mem. */
ir_value ir_load_state(struct ir_builder *b, enum ir_type type, u32 offset, unsigned mem);
void ir_store_state(struct ir_builder *b, u32 offset, unsigned mem, ir_value v);
/* Float flags (enum float_flag) that wait to be accrued. */
ir_value ir_float_flags(struct ir_builder *b);

/* -- Integer. */
/* clang-format off */
#define IR_BINARY(X)                                                                               \
    X(add) X(sub) X(mul) X(mulhs) X(mulhu) X(mulhsu) X(divs) X(divu) X(rems) X(remu)               \
    X(and) X(or) X(xor) X(shl) X(shr) X(sar) X(rotl) X(rotr) X(clmul) X(clmulh)
#define IR_UNARY(X) X(not) X(neg) X(clz) X(ctz) X(popcnt) X(bswap)
/* clang-format on */
#define X(n) ir_value ir_##n(struct ir_builder *b, ir_value x, ir_value y);
IR_BINARY(X)
#undef X
#define X(n) ir_value ir_##n(struct ir_builder *b, ir_value x);
IR_UNARY(X)
#undef X
/* With a constant right operand of the width of x. */
ir_value ir_addi(struct ir_builder *b, ir_value x, s64 imm);
ir_value ir_andi(struct ir_builder *b, ir_value x, u64 imm);
ir_value ir_shli(struct ir_builder *b, ir_value x, unsigned n);
ir_value ir_shri(struct ir_builder *b, ir_value x, unsigned n);
ir_value ir_sari(struct ir_builder *b, ir_value x, unsigned n);
/* The low `bits` (8, 16, 32) of x extended to `to` (IR_I32 or IR_I64). */
ir_value ir_sext(struct ir_builder *b, ir_value x, unsigned bits, enum ir_type to);
ir_value ir_zext(struct ir_builder *b, ir_value x, unsigned bits, enum ir_type to);
ir_value ir_trunc(struct ir_builder *b, ir_value x);                              /* i64 -> i32 */
ir_value ir_cmp(struct ir_builder *b, enum ir_cond cond, ir_value x, ir_value y); /* i64 0/1 */
ir_value ir_select(struct ir_builder *b, ir_value cond, ir_value x, ir_value y);

/* -- Guest memory: mem is enum ir_mem. */
ir_value ir_load(struct ir_builder *b, enum ir_type type, unsigned mem, ir_value addr, s32 offset);
void ir_store(struct ir_builder *b, unsigned mem, ir_value addr, s32 offset, ir_value v);
ir_value ir_rmw(struct ir_builder *b, enum ir_type type, unsigned mem, enum ir_rmw kind,
                ir_value addr, ir_value v);
ir_value ir_cas(struct ir_builder *b, enum ir_type type, unsigned mem, ir_value addr,
                ir_value expected, ir_value desired);
ir_value ir_load_linked(struct ir_builder *b, enum ir_type type, unsigned mem, ir_value addr);
ir_value ir_store_cond(struct ir_builder *b, unsigned mem, ir_value addr, ir_value v);
void ir_fence(struct ir_builder *b, unsigned fence);

/* -- Float: aux is enum ir_float. */
#define IR_FLOAT_BINARY(X) X(fadd) X(fsub) X(fmul) X(fdiv) X(fmin) X(fmax)
#define X(n) ir_value ir_##n(struct ir_builder *b, unsigned aux, ir_value x, ir_value y);
IR_FLOAT_BINARY(X)
#undef X
ir_value ir_fsqrt(struct ir_builder *b, unsigned aux, ir_value x);
ir_value ir_fmadd(struct ir_builder *b, unsigned aux, ir_value x, ir_value y, ir_value z);
ir_value ir_fcmp(struct ir_builder *b, unsigned aux, ir_value x, ir_value y);
ir_value ir_fcvt(struct ir_builder *b, unsigned aux, enum ir_type to, ir_value x);
ir_value ir_ftoi(struct ir_builder *b, unsigned aux, enum ir_type to, ir_value x);
ir_value ir_itof(struct ir_builder *b, unsigned aux, enum ir_type to, ir_value x);
ir_value ir_fsgnj(struct ir_builder *b, enum ir_opcode which, ir_value x, ir_value y);
ir_value ir_nanbox(struct ir_builder *b, ir_value x);
ir_value ir_unbox(struct ir_builder *b, ir_value x);
ir_value ir_bitcast(struct ir_builder *b, enum ir_type to, ir_value x);

/* -- Vectors: lane is log2 of a lane's bytes. */
/* clang-format off */
#define IR_VECTOR_BITS(X) X(vand) X(vor) X(vxor) X(vandn) X(vtbl)
#define IR_VECTOR_BINARY(X)                                                                        \
    X(vadd) X(vsub) X(vmul) X(vmins) X(vminu) X(vmaxs) X(vmaxu) X(veq) X(vgts) X(vgtu) X(vaddss)   \
    X(vaddsu) X(vsubss) X(vsubsu) X(vavgu) X(vzipl) X(vziph)
#define IR_VECTOR_FLOAT(X) X(vfadd) X(vfsub) X(vfmul) X(vfdiv) X(vfmin) X(vfmax) X(vfcmp)
/* clang-format on */
#define X(n) ir_value ir_##n(struct ir_builder *b, ir_value x, ir_value y);
IR_VECTOR_BITS(X)
#undef X
#define X(n) ir_value ir_##n(struct ir_builder *b, unsigned lane, ir_value x, ir_value y);
IR_VECTOR_BINARY(X)
#undef X
#define X(n) ir_value ir_##n(struct ir_builder *b, unsigned aux, ir_value x, ir_value y);
IR_VECTOR_FLOAT(X) /* aux: enum ir_float, with IR_FLOAT_WIDE */
#undef X
ir_value ir_vpair(struct ir_builder *b, ir_value low, ir_value high); /* i64 */
ir_value ir_vconst(struct ir_builder *b, u64 low, u64 high);
ir_value ir_vlow(struct ir_builder *b, enum ir_type to, ir_value x);
ir_value ir_vzext(struct ir_builder *b, ir_value x); /* from i32, i64, f32, f64 */
ir_value ir_vhalf(struct ir_builder *b, ir_value x);
ir_value ir_vdup(struct ir_builder *b, unsigned lane, ir_value x); /* from i64 */
ir_value ir_vget(struct ir_builder *b, unsigned lane, ir_value x, unsigned index);
ir_value ir_vset(struct ir_builder *b, unsigned lane, ir_value x, ir_value v, unsigned index);
ir_value ir_vsel(struct ir_builder *b, ir_value mask, ir_value x, ir_value y);
ir_value ir_vext(struct ir_builder *b, ir_value low, ir_value high, unsigned bytes);
/* which: IR_VSHL, IR_VSHR, IR_VSAR; count 0 .. the lane's bits */
ir_value ir_vshift(struct ir_builder *b, enum ir_opcode which, unsigned lane, ir_value x, unsigned count);
ir_value ir_vsxt(struct ir_builder *b, unsigned lane, ir_value x);
ir_value ir_vzxt(struct ir_builder *b, unsigned lane, ir_value x);
ir_value ir_vcnt(struct ir_builder *b, ir_value x);
ir_value ir_vfsqrt(struct ir_builder *b, unsigned aux, ir_value x);
ir_value ir_vfmadd(struct ir_builder *b, unsigned aux, ir_value x, ir_value y, ir_value z);

/* -- Calls: h points into isa->helpers. Returns IR_NONE for void. */
ir_value ir_call(struct ir_builder *b, const struct ir_helper *h, const ir_value *args);
ir_value ir_call0(struct ir_builder *b, const struct ir_helper *h);
ir_value ir_call1(struct ir_builder *b, const struct ir_helper *h, ir_value x);
ir_value ir_call2(struct ir_builder *b, const struct ir_helper *h, ir_value x, ir_value y);
ir_value ir_call3(struct ir_builder *b, const struct ir_helper *h, ir_value x, ir_value y,
                  ir_value z);

/* -- Choosing (build_choose.c). Whether the ops from `first` on do nothing but put what is cheap to compute; and making those
 * puts hold only where cond is not 0 (holds) or is 0 (!holds). before: slot[] at `first`. */
bool ir_only_computes(const struct ir_unit *u, u32 first);
void ir_choose(struct ir_builder *b, u32 first, const ir_value *before, ir_value cond, bool holds);

/* -- Leaving. exit_if goes on when cond is 0; the others end the unit. skip_if: an exit_if that may become a choice when the
 * unit reaches pc. A front end that knows more of the state than what is in slots, and changes that behind a branch, forgets it. */
void ir_exit_if(struct ir_builder *b, ir_value cond, u64 pc);
void ir_skip_if(struct ir_builder *b, ir_value cond, u64 pc);
void ir_skip_close(struct ir_builder *b); /* ir_insn's: pc is reached */
static inline void ir_skip_forget(struct ir_builder *b)
{
    b->skip.pc = IR_NO_SKIP;
}
void ir_trap_if(struct ir_builder *b, ir_value cond, const struct ir_helper *h, u32 argument);
/* ... where cond is of state that nothing changes but code of this CPU; loops ask once. */
void ir_check(struct ir_builder *b, ir_value cond, const struct ir_helper *h, u32 argument);
void ir_exit_jump(struct ir_builder *b, u64 pc);
void ir_exit_indirect(struct ir_builder *b, ir_value pc, enum ir_jump_hint hint);
void ir_exit_lookup(struct ir_builder *b);

#endif
