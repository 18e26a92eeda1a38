/*
 * alloc.h - register allocation in one pass, with state maps instead of stores.
 *
 * One backward scan (alloc_scan) finds each operand's next use; then the back end walks forward, op by op, and asks for registers.
 *
 *   alloc_begin(i)          op i starts; temporaries of the last one are free again
 *   alloc_use(v)            operand v in a register, locked until the op ends
 *   alloc_done()            the operands were read: those that die give their registers back (alloc_is_free tells)
 *   alloc_def(...)          a register for the result
 *   alloc_put / alloc_get   slots
 *   alloc_map()             the state map as of now
 *
 * Where a value is: a register, a spill word of the frame (a v128: two, the first even), the memory of a slot (its home), a constant;
 * several at once. A slot is dirty when the value bound to it is not what its memory holds. Invariants:
 *   1. a value that is still needed (a later use, or a dirty slot) is somewhere;
 *   2. a value that a dirty slot is bound to is in a register, a spill word or a constant: what a state map can name;
 *   3. memory[s] == v only while the guest state's memory of slot s holds v.
 *
 * The host is reached through struct alloc_host. Registers are numbered as enum jit_loc: 0..15 integer, 16..31 float.
 * One thread, one unit; memory from the translation's arena.
 */
#ifndef JIT_ALLOC_H
#define JIT_ALLOC_H

#include "jit/build.h"
#include "jit/jit.h"

enum {
    ALLOC_NONE = 0xffff,   /* no value, no further use */
    ALLOC_NO_REG = 0xff,
    ALLOC_OPERANDS = 4,
    ALLOC_REGS = 32,
};
#define ALLOC_GPR 0x0000ffffu
#define ALLOC_XMM 0xffff0000u

struct alloc_value {
    u8 reg, spill, home; /* ALLOC_NO_REG: none */
    u8 note;             /* the host's own, at first 0 */
    u16 next;            /* op of the next use */
    u16 bound;           /* dirty slots bound to it */
};

enum alloc_kind {
    ALLOC_SKIPPED, /* makes no code: nobody needs it, or a constant; nothing else is said of it */
    ALLOC_PLAIN,
    ALLOC_FUSED,   /* values 0 and 1 are the operands of the comparison that makes the condition */
};

/* Operands of an op as the allocator sees them: aliases resolved, a fused comparison replaced by its own operands. */
struct alloc_operands {
    u16 value[ALLOC_OPERANDS];
    u16 next[ALLOC_OPERANDS]; /* the value's next use after this one */
    u8 kind;                  /* enum alloc_kind */
    u8 count;
};

struct jit_alloc;
struct alloc_host {
    u32 registers; /* allocatable */
    void (*load_slot)(struct jit_alloc *a, unsigned reg, unsigned slot);
    void (*store_slot)(struct jit_alloc *a, unsigned slot, unsigned reg);
    void (*load_spill)(struct jit_alloc *a, unsigned reg, unsigned spill, unsigned type);
    void (*store_spill)(struct jit_alloc *a, unsigned spill, unsigned reg, unsigned type);
    void (*slot_to_spill)(struct jit_alloc *a, unsigned spill, unsigned slot); /* without a register, flags kept */
    void (*load_const)(struct jit_alloc *a, unsigned reg, u64 value, unsigned type);
    void (*move)(struct jit_alloc *a, unsigned to, unsigned from);
    /* Writes what the map entry says into the slot; may use any register that holds nothing. */
    void (*store_slot_const)(struct jit_alloc *a, unsigned slot, u64 value);
    void (*spill_to_slot)(struct jit_alloc *a, unsigned slot, unsigned spill);
};

struct jit_alloc {
    const struct ir_unit *ir;
    const struct alloc_host *host;
    struct alloc_value *val;
    struct alloc_operands *ops;
    u16 *code;                  /* ops that are not skipped, in their order, from code_first to ir->count */
    u32 code_first;
    u32 index;                  /* op under way */
    u32 free, temps, locked;    /* registers */
    u32 held;                   /* scratch kept beyond its op (alloc_hold) */
    u16 reg_value[ALLOC_REGS];
    u16 bound[IR_MAX_SLOTS];    /* value in the slot, ALLOC_NONE: as memory says */
    u16 memory[IR_MAX_SLOTS];   /* value that the slot's memory holds */
    u64 dirty[IR_MAX_SLOTS / 64];
    u64 spills[JIT_SPILLS / 64];/* used */
    u64 stress;                 /* not 0: state of the random spiller */
    bool failed;                /* no spill word left: the unit is too complex */
};

void alloc_init(struct jit_alloc *a, const struct ir_unit *ir, struct arena *arena, const struct alloc_host *host);
void alloc_scan(struct jit_alloc *a);

/* A register of mask for the result of the op under way; `avoid` are operands read after it is written. */
unsigned alloc_def(struct jit_alloc *a, u32 mask, u32 avoid);
/* This register as scratch; a value in it moves elsewhere (its bits stay in reg until it is written). */
void alloc_temp_at(struct jit_alloc *a, unsigned reg);
/* The temporary becomes the result. */
unsigned alloc_def_temp(struct jit_alloc *a, unsigned reg);

/* The temporary is kept as long as nothing else wants its register: a later op asks for it by alloc_use_held, which is false when it
 * is lost. alloc_unhold: it is that op's temporary again. */
void alloc_hold(struct jit_alloc *a, unsigned reg);
bool alloc_use_held(struct jit_alloc *a, unsigned reg);
void alloc_unhold(struct jit_alloc *a, unsigned reg);

/* The temporary is kept for a later op's result. Until then nothing may ask for registers. */
void alloc_reserve(struct jit_alloc *a, unsigned reg);
unsigned alloc_def_reserved(struct jit_alloc *a, unsigned reg);

void alloc_put(struct jit_alloc *a, u32 slot);
void alloc_get(struct jit_alloc *a, u32 slot);
/* Nothing is bound to the slot any more and its memory means nothing (the pc's, at the next instruction). */
void alloc_unbind(struct jit_alloc *a, u32 slot);
/* Value v, just got, is in reg already. */
void alloc_place(struct jit_alloc *a, u32 v, unsigned reg);
/* Value v, just got and in a register, stays needed to the unit's end; put: its slot counts as dirty from now on. */
void alloc_keep(struct jit_alloc *a, u32 v, bool put);
/* Bytes of the state map written to out (at most ALLOC_MAP_MAX): pc, then {slot, loc ...} of every dirty slot. */
unsigned alloc_map(struct jit_alloc *a, u64 pc, u8 *out);
#define ALLOC_MAP_MAX (8 + 10 * IR_MAX_SLOTS)
/* Stores every dirty slot; they are clean after. */
void alloc_sync(struct jit_alloc *a);
/* The same where nothing follows. */
void alloc_store_all(struct jit_alloc *a);
/* The memory of all slots is about to change: values that only live there are saved, nothing is known after. */
void alloc_forget(struct jit_alloc *a);
/* Nothing that is needed later stays in these registers. */
void alloc_clobber(struct jit_alloc *a, u32 mask);

/* -- Of alloc.c, for what follows: the value leaves its spill word; an operand that is in
 * no register of mask comes into one; a register of mask is emptied where none is. */
void alloc_drop_spill(struct jit_alloc *a, u32 v);
unsigned alloc_fetch(struct jit_alloc *a, u32 v, u32 mask);
unsigned alloc_make_free(struct jit_alloc *a, u32 mask, u32 avoid);

static inline bool alloc_needed(const struct alloc_value *v)
{
    return v->next != ALLOC_NONE || v->bound;
}

static inline void alloc_drop_reg(struct jit_alloc *a, u32 v)
{
    unsigned reg = a->val[v].reg;
    a->reg_value[reg] = ALLOC_NONE;
    a->free |= 1u << reg;
    a->val[v].reg = ALLOC_NO_REG;
}

/* The value is gone when nobody needs it any more. */
static inline void alloc_release(struct jit_alloc *a, u32 v)
{
    const struct alloc_value *val = &a->val[v];
    if (alloc_needed(val))
        return;
    if (val->reg != ALLOC_NO_REG)
        alloc_drop_reg(a, v);
    if (unlikely(val->spill != ALLOC_NO_REG))
        alloc_drop_spill(a, v);
}

/* After alloc_begin, where the random spiller is on: takes registers from values. */
void alloc_stress(struct jit_alloc *a);

static inline void alloc_begin(struct jit_alloc *a, u32 index)
{
    a->index = index;
    a->free |= a->temps;
    a->temps = a->locked = 0;
}

/* The op is selected: a result that nobody needs is dropped. */
static inline void alloc_end(struct jit_alloc *a)
{
    if (a->val[a->index].reg != ALLOC_NO_REG)
        alloc_release(a, a->index);
}

static inline u32 alloc_class(unsigned type)
{
    return type == IR_F32 || type == IR_F64 || type == IR_V128 ? ALLOC_XMM : ALLOC_GPR;
}

static inline unsigned alloc_use_in(struct jit_alloc *a, u32 v, u32 mask)
{
    unsigned reg = a->val[v].reg;
    if (reg == ALLOC_NO_REG || !(mask >> reg & 1))
        return alloc_fetch(a, v, mask);
    a->locked |= 1u << reg;
    return reg;
}

static inline unsigned alloc_type(const struct jit_alloc *a, u32 v)
{
    return a->ir->ops[v].type;
}

static inline unsigned alloc_use(struct jit_alloc *a, u32 v)
{
    unsigned reg = a->val[v].reg;
    if (reg == ALLOC_NO_REG)
        return alloc_fetch(a, v, alloc_class(alloc_type(a, v)));
    a->locked |= 1u << reg;
    return reg;
}

/* An empty register of mask; not marked as used. */
static inline unsigned alloc_pick(struct jit_alloc *a, u32 mask, u32 avoid)
{
    u32 candidates = a->free & mask & ~avoid;
    return likely(candidates) ? (unsigned)__builtin_ctz(candidates) : alloc_make_free(a, mask, avoid);
}

/* A scratch register until the op ends. */
static inline unsigned alloc_temp(struct jit_alloc *a, u32 mask)
{
    unsigned reg = alloc_pick(a, mask, a->locked);
    a->temps |= 1u << reg;
    a->free &= ~(1u << reg);
    return reg;
}

static inline void alloc_set_reg(struct jit_alloc *a, u32 v, unsigned reg)
{
    a->val[v].reg = (u8)reg;
    a->reg_value[reg] = (u16)v;
    a->free &= ~(1u << reg);
}

static inline bool alloc_is_free(const struct jit_alloc *a, unsigned reg)
{
    return a->free >> reg & 1;
}

static inline unsigned alloc_def_at(struct jit_alloc *a, unsigned reg)
{
    assert(alloc_is_free(a, reg));
    alloc_set_reg(a, a->index, reg);
    return reg;
}

static inline bool alloc_is_const(const struct jit_alloc *a, u32 v)
{
    return a->ir->ops[v].op == IR_CONST;
}

/* An i32 constant is sign-extended, an f32 one zero-extended. */
static inline u64 alloc_const(const struct jit_alloc *a, u32 v)
{
    const struct ir_op *op = &a->ir->ops[v];
    if (op->type == IR_I32)
        return (u64)(s64)(s32)op->a;
    return op->type == IR_F32 ? op->a : ir_imm(op);
}

static inline void alloc_done(struct jit_alloc *a)
{
    const u32 index = a->index;
    const struct alloc_operands *o = &a->ops[index];
    struct alloc_value *val = a->val;
    for (unsigned k = 0, count = o->count; k < count; k++) {
        u32 v = o->value[k], next = o->next[k];
        if (unlikely(next == index)) /* there again */
            continue;
        val[v].next = (u16)next;
        if (next == ALLOC_NONE)
            alloc_release(a, v);
    }
}

/* Operand k of the op under way dies with it. */
static inline bool alloc_dies(const struct jit_alloc *a, unsigned k)
{
    const struct alloc_operands *o = &a->ops[a->index];
    return o->next[k] == ALLOC_NONE && !a->val[o->value[k]].bound;
}

#endif
