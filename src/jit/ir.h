/*
 * ir.h - the translator's intermediate representation: one unit of guest code as a linear array of
 * 16-byte operations.
 *
 * A unit is an extended basic block: one entry, side exits (exit_if, trap_if, every E op), one end
 * (an X op). Values are typed and single-assignment: a value is the index of the op that makes it,
 * always smaller than its users'. Guest registers are numbered slots (isa->slots). put binds a
 * value to a slot from that op on and costs nothing by itself: code that leaves writes what is
 * bound (state map). get reads a slot that the unit has not put yet.
 *
 * Precise state: at an E op the guest sees every put before the op and none after; an insn op puts
 * its pc into the pc slot. Exits that name their target (exit_if, exit_jump, exit_ind) do not show
 * the pc slot. Order: S ops stay in program order among each other; pure ops move freely between
 * their operands and users.
 *
 * Invariants (ir_verify): operands precede users and have the types the op asks; slots exist and
 * match in type; exactly one X op, last; an INSN op precedes the first E op; helper effects are
 * declared.
 *
 * One thread owns a unit while it is built, optimised and emitted. Memory is the translating
 * thread's arena.
 */
#ifndef JIT_IR_H
#define JIT_IR_H

#include <stdio.h>
#include "base/arena.h"
#include "base/base.h"

struct isa;

enum ir_opcode {
#define OP(name, text, operands, result, flags) IR_##name,
#include "jit/ir.def"
#undef OP
    IR_OPCODES
};

/* i8..i128, f16, f80, v64, v256, v512 and flags have their places; no op makes them yet. */
enum ir_type {
    IR_VOID, IR_I32, IR_I64, IR_F32, IR_F64, IR_I8, IR_I16, IR_I128, IR_F16, IR_F80, IR_V64,
    IR_V128, IR_V256, IR_V512, IR_FLAGS, IR_TYPES,
};

enum ir_cond { IR_EQ, IR_NE, IR_LT, IR_GE, IR_LE, IR_GT, IR_LTU, IR_GEU, IR_LEU, IR_GTU };

/* aux of memory ops. */
enum ir_mem {
    IR_MEM_SIZE = 7,        /* log2 of the bytes: 0..4 (4: 16 bytes, CAS by helper only) */
    IR_MEM_SIGNED = 1 << 3, /* loads sign-extend to type */
    IR_MEM_BIG = 1 << 4,    /* big-endian */
    IR_MEM_ALIGN = 1 << 5,  /* must be naturally aligned, else the isa's alignment fault */
    IR_MEM_ACQUIRE = 1 << 6,
    IR_MEM_RELEASE = 1 << 7,
    IR_MEM_CONTEXT_SHIFT = 8, /* bits 8..11: MMU context; 0: the current, n: isa->context(n) */
    IR_MEM_CONTEXT = 15 << 8,
    IR_MEM_ATOMIC = 1 << 12, /* loads: faults where atomics do (devices) */
    IR_MEM_UNASKED = 1 << 12, /* store-conditionals: shall end a reservation, nobody asks whether it stored */
    /* What must be aligned where a mapping asks for it (isa_mapping.aligned). 0: the whole; n:
       parts of 2^(n - 1) bytes. */
    IR_MEM_UNIT_SHIFT = 13,
    IR_MEM_UNIT = 7 << 13,
    IR_MEM_UNIT_NONE = 7 << 13, /* there is an alignment fault there always */
};
#define IR_MEM_PARTS(size) (((size) + 1u) << IR_MEM_UNIT_SHIFT)
#define IR_MEM_BYTES(aux) (1u << ((aux)&IR_MEM_SIZE))

enum ir_rmw {
    IR_RMW_XCHG, IR_RMW_ADD, IR_RMW_AND, IR_RMW_OR, IR_RMW_XOR, IR_RMW_MIN, IR_RMW_MAX,
    IR_RMW_MINU, IR_RMW_MAXU,
};

/* aux of FENCE: which earlier accesses are ordered before which later ones. */
enum ir_fence {
    IR_FENCE_LL = 1, IR_FENCE_LS = 2, IR_FENCE_SL = 4, IR_FENCE_SS = 8, IR_FENCE_FULL = 15,
};

/* aux of float ops. Rounding: IR_FLOAT_DYN is the mode in the guest's control register, which the
 * engine keeps in the host's. */
enum ir_float {
    IR_FLOAT_ROUND = 7, /* enum float_round (RNE..RMM), or: */
    IR_FLOAT_DYN = 7,
    IR_FLOAT_NAN_SHIFT = 3, /* bits 3..4: enum float_nan_rule */
    IR_FLOAT_NAN = 3 << 3,
    IR_FLOAT_NEG_PRODUCT = 1 << 5,
    IR_FLOAT_NEG_ADDEND = 1 << 6,
    IR_FLOAT_UNSIGNED = 1 << 7,
    IR_FLOAT_EQ = 0,
    IR_FLOAT_LT = 1 << 8,
    IR_FLOAT_LE = 2 << 8,
    IR_FLOAT_COND = 3 << 8,
    IR_FLOAT_SIGNAL = 1 << 10, /* quiet NaNs raise NV too */
    IR_FLOAT_WIDE = 1 << 11,   /* vectors: f64 lanes, not f32 */
    IR_FLOAT_TINY_BEFORE = 1 << 12, /* tininess is detected before rounding */
};

enum ir_trap { IR_TRAP_LASTS = 1 }; /* asks for state that nothing changes but code of this CPU: a loop may ask once */
enum ir_unbox { IR_UNBOX_BOXED = 1 }; /* the upper half is known to be ones */

enum ir_jump_hint { IR_JUMP_PLAIN, IR_JUMP_CALL, IR_JUMP_RETURN };

/* Of a region's blocks, by their number: where the indirect jump at a block's end goes as a rule, the likeliest first. */
enum { IR_REGION_TARGETS = 12 };
struct ir_targets {
    u8 count, block[IR_REGION_TARGETS];
};

struct ir_op {
    u8 op;   /* enum ir_opcode */
    u8 type; /* enum ir_type of the result, or of the operation where there is none */
    u16 aux;
    u32 a, b, c;
};
_Static_assert(sizeof(struct ir_op) == 16, "IR operations are 16 bytes");

/* A C function that translated code may call. fn takes (struct cpu *, args...), args and result as
 * u64 (an i32, f32 or f64 by its bits, zero-extended). */
struct ir_helper {
    const char *name;
    void *fn;
    u8 result;   /* enum ir_type: IR_VOID, IR_I32, IR_I64, IR_F32, IR_F64 */
    u8 args;     /* number, at most IR_CALL_ARGS */
    u16 effects; /* enum ir_effect */
};
#define IR_CALL_ARGS 4

enum ir_effect {
    IR_FX_READ = 1,  /* reads slots: bound puts (and pc) are written to the state before */
    IR_FX_WRITE = 2, /* writes slots: nothing known of them holds after */
    IR_FX_FAULT = 4, /* may enter a trap: cpu->unwind is tested after; READ and WRITE too */
    IR_FX_FLOAT = 8, /* touches the guest's float flags or rounding: host's sticky flags are merged
                        before, control reloaded after */
    IR_FX_PURE = 16, /* depends on its arguments only, no effect: may be dropped, folded, moved */
    IR_FX_CONTEXT = 32, /* may choose the MMU context anew (jit_context_again) where neither mode nor fetching change */
};

enum { IR_MAX_OPS = 4096, IR_MAX_ARGS = 1024 };

/* What a unit may have that a pass looks for. */
enum ir_may { IR_MAY_PAIR = 1 /* a store-conditional */, IR_MAY_LOOP = 2 /* a jump to its start */, IR_MAY_ANY = 0xff };

/*
 * A movable unit holds for its RAM page wherever that is mapped. It is translated as if the page were at this address, which
 * no guest can fetch from; at run time cpu->code_base says where the page is. Its addresses of code are within this of it.
 */
#define IR_MOVABLE_PAGE  (UINT64_C(0x5a5a) << 48)
#define IR_MOVABLE_REACH (UINT64_C(1) << 40)
static inline bool ir_pc_movable(u64 pc)
{
    return pc - IR_MOVABLE_PAGE + IR_MOVABLE_REACH < 2 * IR_MOVABLE_REACH;
}

struct ir_unit {
    const struct isa *isa;
    u64 pc;          /* guest virtual address of the entry */
    u64 mode;        /* mode word it was translated for */
    u32 guest_bytes; /* bytes of guest code covered from pc */
    u32 guest_insns;
    u32 count; /* ops used */
    u32 arg_count;
    u32 may; /* enum ir_may: what may be in it; the builder knows */
    struct ir_op *ops;
    u32 *args; /* values: arguments of CALLs */
    struct ir_unit *entry; /* of a loop: the form for those who come from outside (opt_region.c), or NULL: this one */
};

/* Facts of each opcode, from ir.def. */
enum ir_op_flag {
    IR_OP_EXITS = 1, IR_OP_ENDS = 2, IR_OP_EFFECT = 4, IR_OP_COMMUTES = 8, IR_OP_MEMORY = 16,
};
/* When an op is needed, and what it does to what is known of later puts (opt_live.h). */
enum ir_live_kind {
    IR_LIVE_PURE, IR_LIVE_GET, IR_LIVE_PUT, IR_LIVE_INSN, IR_LIVE_EFFECT, IR_LIVE_LEAVES, IR_LIVE_JUMPS, IR_LIVE_CALL,
};
struct ir_op_info {
    const char *text, *operands, *result;
    u8 flags;  /* enum ir_op_flag */
    u8 values; /* which of a, b, c are values: bits 0..2 */
    u8 count;  /* ... how many */
    u8 live;   /* enum ir_live_kind */
};
extern const struct ir_op_info ir_op_info[IR_OPCODES];
extern const char *const ir_type_names[IR_TYPES];
extern const char *const ir_cond_names[];

static inline u64 ir_imm(const struct ir_op *op) /* CONST, INSN, EXIT_JUMP */
{
    return (u64)op->b << 32 | op->a;
}

static inline u64 ir_exit_imm(const struct ir_op *op) /* EXIT_IF */
{
    return (u64)op->c << 32 | op->b;
}

static inline bool ir_op_is_float(unsigned op) /* scalar */
{
    return op >= IR_FADD && op <= IR_ITOF;
}
static inline bool ir_op_is_vector(unsigned op)
{
    return op >= IR_VPAIR && op <= IR_VFCMP;
}
static inline bool ir_op_is_vector_float(unsigned op)
{
    return op >= IR_VFADD && op <= IR_VFCMP;
}

/* Depends on its operands only and may be computed once, anywhere after them. */
static inline bool ir_op_is_pure(unsigned op)
{
    return !(ir_op_info[op].flags & (IR_OP_EFFECT | IR_OP_EXITS)) && op != IR_GET &&
           op != IR_LOAD_STATE && op != IR_FLOAT_FLAGS;
}

/* A CALL's effects, what IR_FX_FAULT implies included. */
unsigned ir_call_effects(const struct ir_unit *u, const struct ir_op *op);

/* Calls fn(opaque, &operand) for each value operand of op, CALL's arguments included. */
void ir_each_operand(struct ir_unit *u, struct ir_op *op, void (*fn)(void *opaque, u32 *value),
                     void *opaque);

/* text.c: printed and parsed form, the same language. ir_parse fills u (memory from arena). */
void ir_print(FILE *f, const struct ir_unit *u);
void ir_print_op(FILE *f, const struct ir_unit *u, u32 index); /* a line */
struct err;
int must_check ir_parse(struct ir_unit *u, struct arena *arena, const struct isa *isa,
                        const char *text, struct err *err);

/* verify.c: 0, or -EINVAL with the first broken invariant. */
int must_check ir_verify(const struct ir_unit *u, struct err *err);

/* The passes, in order of use; each leaves a unit that verifies. ir_optimize runs those in `passes`
 * (bits by position in ir_passes[]) that the unit may need, verifying after each in debug builds. */
enum ir_pass_bit { IR_PASS_LINK = 1, IR_PASS_DEAD = 2, IR_PASS_LOOP = 4 };
struct ir_pass {
    const char *name, *help;
    void (*run)(struct ir_unit *u, struct arena *arena);
    u32 when; /* enum ir_may */
};
extern const struct ir_pass ir_passes[];
void ir_optimize(struct ir_unit *u, struct arena *arena, u32 passes);

#endif
