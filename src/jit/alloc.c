/*
 * alloc.c - the one-pass register allocator; alloc.h has the contract and the invariants.
 */
#include "jit/alloc.h"

#include "jit/opt_live.h"

/* ---- Backward scan --------------------------------------------------------------------------- */

/* Gives the same register: its users use the operand. */
static inline bool scan_is_alias(const struct ir_op *op)
{
    return op->op == IR_TRUNC || (op->op == IR_VLOW && (op->type == IR_F32 || op->type == IR_F64)) ||
           (op->op == IR_UNBOX && op->aux & IR_UNBOX_BOXED);
}

/* Pointers in variables: what is stored through them might change the allocator's own. */
struct scan {
    const struct ir_unit *ir;
    const struct ir_op *op;
    struct alloc_value *val;
};

/* Operand k of op i, which is v. Those of an op are added from the last to the first: of one that is there twice, the first has
 * the op itself as its next use. */
static inline void scan_exact(const struct scan *s, struct alloc_operands *o, u32 i, unsigned k, u32 v)
{
    o->value[k] = (u16)v;
    o->next[k] = s->val[v].next;
    s->val[v].next = (u16)i;
}

static inline void scan_add(const struct scan *s, struct alloc_operands *o, u32 i, unsigned k, u32 v)
{
    while (unlikely(scan_is_alias(&s->op[v])))
        v = s->op[v].a;
    scan_exact(s, o, i, k, v);
}

/* A condition, the first of `more` + 1 operands: the operands of its comparison when it is one. */
static inline void scan_condition(const struct scan *s, struct alloc_operands *o, u32 i, const struct ir_op *op,
                                  unsigned more)
{
    const struct ir_op *cond = &s->op[op->a];
    bool fused = cond->op == IR_CMP;
    unsigned count = 1 + fused + more;
    o->kind = fused ? ALLOC_FUSED : ALLOC_PLAIN;
    o->count = (u8)count;
    if (more) {
        scan_add(s, o, i, count - 1, op->c);
        scan_add(s, o, i, count - 2, op->b);
    }
    if (fused) {
        scan_add(s, o, i, 1, cond->b);
        scan_add(s, o, i, 0, cond->a);
    } else {
        scan_add(s, o, i, 0, op->a);
    }
}

static void scan_call(const struct scan *s, struct alloc_operands *o, u32 i, const struct ir_op *op)
{
    o->count = (u8)op->aux;
    for (u32 n = op->aux; n-- > 0;)
        scan_add(s, o, i, n, s->ir->args[op->b + n]);
}

static inline void scan_operands(const struct scan *s, struct alloc_operands *o, u32 i, const struct ir_op *op)
{
    unsigned count = ir_op_info[op->op].count; /* they are the first fields */
    o->count = (u8)count;
    if (count > 2)
        scan_add(s, o, i, 2, op->c);
    if (count > 1)
        scan_add(s, o, i, 1, op->b);
    if (count)
        scan_add(s, o, i, 0, op->a);
}

/* Not through an alias: the slot's memory must hold exactly the value. */
static inline void scan_put(const struct scan *s, struct alloc_operands *o, u32 i, const struct ir_op *op)
{
    o->kind = ALLOC_PLAIN;
    o->count = 1;
    scan_exact(s, o, i, 0, op->a);
}

/* Any but a put. */
static inline void scan_op(const struct scan *s, struct alloc_operands *o, u32 i, const struct ir_op *op)
{
    o->kind = ALLOC_PLAIN;
    switch (op->op) {
    case IR_EXIT_IF:
    case IR_TRAP_IF: scan_condition(s, o, i, op, 0); break;
    case IR_SELECT: scan_condition(s, o, i, op, 2); break;
    case IR_CALL: scan_call(s, o, i, op); break;
    default: scan_operands(s, o, i, op);
    }
}

void alloc_scan(struct jit_alloc *a)
{
    const struct scan s = {.ir = a->ir, .op = a->ir->ops, .val = a->val};
    const u32 count = s.ir->count, pc_slot = s.ir->isa->pc_slot;
    struct alloc_operands *o = a->ops + count;
    struct ir_live live;
    u16 *code = a->code + count;
    ir_live_begin(&live, s.ir);
    for (u32 i = count; i-- > 0;) {
        const struct ir_op *op = &s.op[i];
        (--o)->kind = ALLOC_SKIPPED;
        if (op->op == IR_CONST)
            continue;
        if (op->op == IR_INSN) { /* every third: it has no value and no operand */
            ir_live_cover(&live, pc_slot);
            o->kind = ALLOC_PLAIN;
            *--code = (u16)i;
        } else if (op->op == IR_PUT) {
            if (!ir_live_put(&live, op->b))
                continue;
            *--code = (u16)i;
            scan_put(&s, o, i, op);
        } else if (ir_live_step(&live, s.ir, op, s.val[i].next != ALLOC_NONE)) {
            *--code = (u16)i;
            scan_op(&s, o, i, op);
        }
    }
    a->code_first = (u32)(code - a->code);
}

/* What is so before the scan: values are nowhere, and there is no use of them. As words, which are quickly written. */
static void clear_values(struct alloc_value *val, u32 count)
{
    const struct alloc_value nowhere = {
        .reg = ALLOC_NO_REG, .spill = ALLOC_NO_REG, .home = ALLOC_NO_REG, .next = ALLOC_NONE};
    u64 word;
    _Static_assert(sizeof(word) == sizeof(nowhere), "a word each");
    memcpy(&word, &nowhere, sizeof(word));
    for (u32 i = 0; i < count; i++)
        memcpy(&val[i], &word, sizeof(word));
}

void alloc_init(struct jit_alloc *a, const struct ir_unit *ir, struct arena *arena, const struct alloc_host *host)
{
    size_t slots = align_up(ir->isa->slot_count, 4); /* alloc_forget's step */
    a->ir = ir;
    a->host = host;
    a->val = arena_alloc(arena, ir->count * sizeof(*a->val));
    a->ops = arena_alloc(arena, ir->count * sizeof(*a->ops));
    a->code = arena_alloc(arena, ir->count * sizeof(*a->code));
    a->code_first = ir->count;
    clear_values(a->val, ir->count);
    a->index = 0;
    a->free = host->registers;
    a->temps = a->locked = a->held = 0;
    memset(a->reg_value, 0xff, sizeof(a->reg_value));
    memset(a->bound, 0xff, slots * sizeof(a->bound[0]));
    memset(a->memory, 0xff, slots * sizeof(a->memory[0]));
    memset(a->dirty, 0, sizeof(a->dirty));
    memset(a->spills, 0, sizeof(a->spills));
    a->failed = false;
}

/* ---- Places ---------------------------------------------------------------------------------- */

void alloc_drop_spill(struct jit_alloc *a, u32 v)
{
    unsigned n = a->val[v].spill;
    a->spills[n / 64] &= ~((u64)(alloc_type(a, v) == IR_V128 ? 3 : 1) << n % 64);
    a->val[v].spill = ALLOC_NO_REG;
}

static unsigned new_spill(struct jit_alloc *a, u32 v)
{
    bool pair = alloc_type(a, v) == IR_V128;
    for (unsigned i = 0; i < ARRAY_SIZE(a->spills); i++) {
        u64 spare = ~a->spills[i];
        if (pair)
            spare &= spare >> 1 & UINT64_C(0x5555555555555555);
        if (spare) {
            unsigned n = i * 64 + ctz64(spare);
            a->spills[i] |= (u64)(pair ? 3 : 1) << n % 64;
            a->val[v].spill = (u8)n;
            return n;
        }
    }
    a->failed = true;
    a->val[v].spill = 0;
    return 0;
}

/* Slot s's memory is about to hold something else. */
static void leave_memory(struct jit_alloc *a, unsigned s)
{
    u32 v = a->memory[s];
    a->memory[s] = ALLOC_NONE;
    if (v == ALLOC_NONE || a->val[v].home != s)
        return;
    struct alloc_value *val = &a->val[v];
    val->home = ALLOC_NO_REG;
    if (val->next != ALLOC_NONE && val->reg == ALLOC_NO_REG && val->spill == ALLOC_NO_REG && !alloc_is_const(a, v))
        a->host->slot_to_spill(a, new_spill(a, v), s);
}

static void set_clean(struct jit_alloc *a, unsigned s, u32 v)
{
    a->dirty[s / 64] &= ~BIT(s % 64);
    a->val[v].bound--;
}

/* The dirty slot s, whose value is v, to its memory. */
static inline void store_slot(struct jit_alloc *a, unsigned s, u32 v)
{
    const struct alloc_value *val = &a->val[v];
    if (val->reg != ALLOC_NO_REG)
        a->host->store_slot(a, s, val->reg);
    else if (alloc_is_const(a, v))
        a->host->store_slot_const(a, s, alloc_const(a, v));
    else
        a->host->spill_to_slot(a, s, val->spill);
}

/* Writes the dirty slot s: memory holds its value, which has a home there. */
static void write_slot(struct jit_alloc *a, unsigned s)
{
    u32 v = a->bound[s];
    struct alloc_value *val = &a->val[v];
    leave_memory(a, s);
    store_slot(a, s, v);
    a->memory[s] = (u16)v;
    val->home = (u8)s;
    set_clean(a, s, v);
}

/* Takes the register from the value in it, which stays recoverable. */
static void evict(struct jit_alloc *a, unsigned reg)
{
    u32 v = a->reg_value[reg];
    struct alloc_value *val = &a->val[v];
    if (alloc_is_const(a, v) || !alloc_needed(val)) {
        alloc_drop_reg(a, v);
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(a->dirty) && val->bound; i++) {
        for (u64 d = a->dirty[i]; d && val->bound; d &= d - 1) {
            unsigned s = i * 64 + ctz64(d);
            if (a->bound[s] == v)
                write_slot(a, s);
        }
    }
    if (val->next != ALLOC_NONE && val->spill == ALLOC_NO_REG && val->home == ALLOC_NO_REG)
        a->host->store_spill(a, new_spill(a, v), reg, alloc_type(a, v));
    alloc_drop_reg(a, v);
}

/* Of the registers in mask the one whose value is needed last. */
static unsigned choose_victim(struct jit_alloc *a, u32 mask)
{
    unsigned best = ALLOC_NO_REG;
    u32 best_score = 0;
    assert(mask && "every register is locked");
    for (u32 m = mask; m; m &= m - 1) {
        unsigned r = (unsigned)__builtin_ctz(m);
        const struct alloc_value *v = &a->val[a->reg_value[r]];
        u32 score = (u32)v->next * 4 + 1;
        if (v->home != ALLOC_NO_REG || v->spill != ALLOC_NO_REG || alloc_is_const(a, a->reg_value[r]))
            score += 2; /* no store needed */
        if (score > best_score) {
            best_score = score;
            best = r;
        }
    }
    return best;
}

unsigned alloc_make_free(struct jit_alloc *a, u32 mask, u32 avoid)
{
    u32 held = a->held & mask & ~avoid & ~a->locked;
    if (held) {
        a->held &= ~(held & -held);
        a->free |= held & -held;
        return (unsigned)__builtin_ctz(held);
    }
    unsigned r = choose_victim(a, a->host->registers & mask & ~a->free & ~a->temps & ~a->locked & ~a->held & ~avoid);
    evict(a, r);
    return r;
}

/* ---- Forward --------------------------------------------------------------------------------- */

void alloc_stress(struct jit_alloc *a)
{
    u32 used = a->stress ? a->host->registers & ~a->free : 0;
    for (u32 m = used; m; m &= m - 1) {
        a->stress = a->stress * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (!(a->stress >> 62))
            evict(a, (unsigned)__builtin_ctz(m));
    }
}

static void load(struct jit_alloc *a, u32 v, unsigned reg)
{
    struct alloc_value *val = &a->val[v];
    if (alloc_is_const(a, v))
        a->host->load_const(a, reg, alloc_const(a, v), alloc_type(a, v));
    else if (val->spill != ALLOC_NO_REG)
        a->host->load_spill(a, reg, val->spill, alloc_type(a, v));
    else if (val->home != ALLOC_NO_REG)
        a->host->load_slot(a, reg, val->home);
    else
        assert(!"a value is nowhere");
}

unsigned alloc_fetch(struct jit_alloc *a, u32 v, u32 mask)
{
    unsigned from = a->val[v].reg, reg = alloc_pick(a, mask, a->locked);
    if (from == ALLOC_NO_REG) {
        load(a, v, reg);
    } else {
        a->host->move(a, reg, from);
        alloc_drop_reg(a, v);
    }
    alloc_set_reg(a, v, reg);
    a->locked |= 1u << reg;
    return reg;
}

unsigned alloc_def(struct jit_alloc *a, u32 mask, u32 avoid)
{
    return alloc_def_at(a, alloc_pick(a, mask, avoid));
}

void alloc_temp_at(struct jit_alloc *a, unsigned reg)
{
    u32 v = a->reg_value[reg];
    assert(!(a->temps >> reg & 1));
    if (v != ALLOC_NONE) {
        u32 others = a->free & (reg < 16 ? ALLOC_GPR : ALLOC_XMM) & ~a->locked;
        if (others && alloc_needed(&a->val[v])) {
            unsigned to = (unsigned)__builtin_ctz(others);
            a->host->move(a, to, reg);
            alloc_drop_reg(a, v);
            alloc_set_reg(a, v, to);
        } else {
            evict(a, reg);
        }
    }
    a->held &= ~(1u << reg);
    a->temps |= 1u << reg;
    a->free &= ~(1u << reg);
}

void alloc_hold(struct jit_alloc *a, unsigned reg)
{
    assert(a->temps >> reg & 1);
    a->temps &= ~(1u << reg);
    a->held |= 1u << reg;
    a->locked |= 1u << reg;
}

bool alloc_use_held(struct jit_alloc *a, unsigned reg)
{
    a->locked |= a->held & 1u << reg;
    return a->held >> reg & 1;
}

void alloc_unhold(struct jit_alloc *a, unsigned reg)
{
    a->temps |= a->held & 1u << reg;
    a->held &= ~(1u << reg);
}

unsigned alloc_def_temp(struct jit_alloc *a, unsigned reg)
{
    assert(a->temps >> reg & 1);
    a->temps &= ~(1u << reg);
    alloc_set_reg(a, a->index, reg);
    return reg;
}

void alloc_reserve(struct jit_alloc *a, unsigned reg)
{
    assert(a->temps >> reg & 1);
    a->temps &= ~(1u << reg);
}

unsigned alloc_def_reserved(struct jit_alloc *a, unsigned reg)
{
    alloc_set_reg(a, a->index, reg);
    return reg;
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static bool is_dirty(const struct jit_alloc *a, unsigned s)
{
    return a->bound[s] != ALLOC_NONE && a->bound[s] != a->memory[s];
}

static void unbind(struct jit_alloc *a, unsigned s)
{
    u32 old = a->bound[s];
    if (is_dirty(a, s)) {
        set_clean(a, s, old);
        alloc_release(a, old);
    }
}

/* The slot is bound to what it is bound to already, or to what its memory holds; or the value is neither constant nor in a
 * register. */
static __attribute__((noinline)) void put_slowly(struct jit_alloc *a, u32 s, u32 v, u32 next)
{
    struct alloc_value *val = &a->val[v];
    bool same = a->bound[s] == v, clean = a->memory[s] == v;
    if (!same && !clean && val->reg == ALLOC_NO_REG && val->spill == ALLOC_NO_REG && !alloc_is_const(a, v))
        alloc_use(a, v);
    val->next = (u16)next;
    if (same) {
        alloc_release(a, v);
        return;
    }
    unbind(a, s);
    a->bound[s] = (u16)v;
    if (clean) {
        alloc_release(a, v);
    } else {
        val->bound++;
        a->dirty[s / 64] |= BIT(s % 64);
    }
}

void alloc_put(struct jit_alloc *a, u32 s)
{
    const struct alloc_operands *o = &a->ops[a->index];
    u32 v = o->value[0], old = a->bound[s], memory = a->memory[s];
    struct alloc_value *val = &a->val[v];
    if ((val->reg == ALLOC_NO_REG && !alloc_is_const(a, v)) || old == v || memory == v) {
        put_slowly(a, s, v, o->next[0]);
        return;
    }
    val->next = o->next[0];
    val->bound++;
    a->bound[s] = (u16)v;
    if (old != ALLOC_NONE && old != memory) { /* dirty before */
        a->val[old].bound--;
        alloc_release(a, old);
    } else {
        a->dirty[s / 64] |= BIT(s % 64);
    }
}

void alloc_get(struct jit_alloc *a, u32 s)
{
    u32 w = a->bound[s];
    if (is_dirty(a, s))
        write_slot(a, s);
    leave_memory(a, s); /* another name for the same memory: the old one keeps a place of its own */
    if (w != ALLOC_NONE)
        alloc_release(a, w);
    a->memory[s] = a->bound[s] = (u16)a->index;
    a->val[a->index].home = (u8)s;
}

void alloc_place(struct jit_alloc *a, u32 v, unsigned reg)
{
    assert(alloc_is_free(a, reg));
    alloc_set_reg(a, v, reg);
}

void alloc_keep(struct jit_alloc *a, u32 v, bool put)
{
    struct alloc_value *val = &a->val[v];
    unsigned s = val->home;
    val->bound++;
    if (!put)
        return;
    a->dirty[s / 64] |= BIT(s % 64);
    a->memory[s] = ALLOC_NONE;
    val->home = ALLOC_NO_REG;
}

void alloc_unbind(struct jit_alloc *a, u32 s)
{
    unbind(a, s);
    leave_memory(a, s);
    a->bound[s] = ALLOC_NONE;
}

/* The entry of slot s, whose value v is in no register. */
static u8 *map_other(struct jit_alloc *a, unsigned s, u32 v, u8 *p)
{
    const struct alloc_value *val = &a->val[v];
    *p++ = (u8)s;
    if (alloc_is_const(a, v)) {
        u64 c = alloc_const(a, v);
        bool small = c == (u64)(s64)(s32)c;
        *p++ = small ? JIT_LOC_CONST : JIT_LOC_CONST64;
        memcpy(p, &c, 8);
        p += small ? 4 : 8;
    } else {
        assert(val->spill != ALLOC_NO_REG && "a dirty slot's value is nowhere");
        *p++ = JIT_LOC_SPILL;
        *p++ = val->spill;
    }
    return p;
}

unsigned alloc_map(struct jit_alloc *a, u64 pc, u8 *out)
{
    const struct alloc_value *val = a->val; /* which stores of bytes might change */
    u8 *p = out + 8;
    memcpy(out, &pc, 8);
    for (unsigned i = 0; i < ARRAY_SIZE(a->dirty); i++) {
        for (u64 d = a->dirty[i]; d; d &= d - 1) {
            unsigned s = i * 64 + (unsigned)__builtin_ctzll(d);
            u32 v = a->bound[s], reg = val[v].reg;
            if (likely(reg != ALLOC_NO_REG)) {
                u16 both = (u16)(s | reg << 8);
                memcpy(p, &both, 2);
                p += 2;
            } else {
                p = map_other(a, s, v, p);
            }
        }
    }
    return (unsigned)(p - out);
}

void alloc_sync(struct jit_alloc *a)
{
    for (unsigned i = 0; i < ARRAY_SIZE(a->dirty); i++) {
        for (u64 d = a->dirty[i]; d; d &= d - 1) {
            unsigned s = i * 64 + ctz64(d);
            u32 v = a->bound[s];
            write_slot(a, s);
            alloc_release(a, v);
        }
    }
}

void alloc_store_all(struct jit_alloc *a)
{
    for (unsigned i = 0; i < ARRAY_SIZE(a->dirty); i++) {
        for (u64 d = a->dirty[i]; d; d &= d - 1) {
            unsigned s = i * 64 + ctz64(d);
            store_slot(a, s, a->bound[s]);
        }
    }
}

/* Nothing is known of the four slots from s on, as of most. */
static bool four_unknown(const struct jit_alloc *a, unsigned s)
{
    u64 bound, memory;
    memcpy(&bound, &a->bound[s], sizeof(bound));
    memcpy(&memory, &a->memory[s], sizeof(memory));
    return (bound & memory) == UINT64_MAX;
}

void alloc_forget(struct jit_alloc *a)
{
    for (unsigned s = 0; s < a->ir->isa->slot_count; s += 4) {
        for (unsigned n = 0; n < 4 && !four_unknown(a, s); n++)
            alloc_unbind(a, s + n);
    }
}

void alloc_clobber(struct jit_alloc *a, u32 mask)
{
    a->free |= a->held & mask;
    a->held &= ~mask;
    for (u32 m = mask & a->host->registers & ~a->free & ~a->temps & ~a->held; m; m &= m - 1)
        evict(a, (unsigned)__builtin_ctz(m));
}
