/*
 * mem.c - guest memory: the inline TLB check, loads, stores, atomics; and state beside the slots.
 *
 * The check (tlb.h has its meaning), for address register ra and offset:
 *      lea   t, [ra + offset]              lea   u, [ra + offset + size - 1]   (aligned only: [ra + offset])
 *      shr   t, 8                          and   u, ~0xfff                     (aligned only: | size - 1)
 *      and   t, mask << 4                  cmp   u, [r14 + t + tag]            (offset 0: rorx for lea and shr)
 *      jne   cold                          mov   t, [r14 + t + addend]
 * and the access is at [t + ra + offset]. The cold part finds ra and the value's register as they were.
 *
 * Two accesses off one base with nothing but bookkeeping between them share a check, from the first byte to the last; when
 * it fails, the cold part makes both, one after the other. Others off the same base compare anew, but what they compare (entry,
 * tag) is kept in two registers as long as nothing else wants them: the compare and the addend's load are left of the check. Such
 * a check is for the bytes of all of them; where it fails, the cold part makes the access's own.
 */
#include "jit/x86_64/x64.h"

struct access {
    unsigned addr, t, u;
    s32 offset;
    bool write, aligned, other; /* other: context 1, whose entries tlb_context.other has */
    unsigned size;              /* bytes */
    struct x64_cold *cold;
    s32 low, high;              /* offsets of the first and last byte that the check is for */
    unsigned index, tag;        /* registers: t and u, or held ones */
    bool known;                 /* index and tag are there already */
    bool shared;                /* the check is for more bytes than own_low..own_high, this access's */
    s32 own_low, own_high;
};

static unsigned context_of(const struct ir_op *op)
{
    return (op->aux & IR_MEM_CONTEXT) >> IR_MEM_CONTEXT_SHIFT;
}

static bool only_slow(const struct ir_op *op)
{
    return context_of(op) > 1 || ((op->aux & IR_MEM_SIZE) > 3 && op->type != IR_V128);
}

/* lea, or a move where there is nothing to add. */
static u8 *sum(u8 *p, u32 size, unsigned to, unsigned from, s32 disp)
{
    if (!disp)
        return asm_at_rr(p, X_MOV | size, to, from);
    return asm_at_rm(p, X_LEA | size, to, asm_at(from, disp));
}

/* Where the entry is, and the tag that it should have. */
static u8 *emit_index(const struct x64 *g, u8 *p, const struct access *m)
{
    s32 first = m->low, last = m->aligned ? first : m->high;
    promise(m->index < 16 && m->tag < 16 && m->addr < 16);
    _Static_assert(sizeof(struct tlb_entry) == 16, "the index is scaled by shifting 4 less");
    if (!first && x64_has(g, X64_BMI2)) { /* what goes to the top is masked off */
        p = asm_at_vex_rr(p, X_RORX, m->index, 0, m->addr);
    } else {
        p = sum(p, 0, m->index, m->addr, first);
        p = asm_at_rr(p, X_SHIFT_IMM, SHIFT_SHR, m->index);
    }
    *p++ = TLB_PAGE_BITS - 4;
    p = sum(p, ASM_W, m->tag, m->addr, last);
    p = asm_word(asm_at_rr(p, X_GROUP1, ALU_AND, m->index), g->jit->tlb_mask << 4);
    p = asm_word(asm_at_rr(p, X_GROUP1 | ASM_W, ALU_AND, m->tag),
                 (u32)(TLB_PAGE_MASK | (m->aligned ? m->size - 1 : 0)));
    if (m->other)
        p = asm_at_rm(p, X_ADD | ASM_W, m->index, asm_at(X64_TLB, (s32)offsetof(struct tlb_context, other)));
    return p;
}

/* index is the entry's offset in the current context's data entries, or the other context's entry by its address. */
static inline __attribute__((always_inline)) struct asm_mem entry_field(const struct access *m, bool other, s32 offset)
{
    return other ? asm_at(m->index, offset)
                 : asm_indexed(X64_TLB, m->index, 0, (s32)offsetof(struct tlb_context, data) + offset);
}

static inline __attribute__((always_inline)) u8 *compare_entry(struct x64 *g, u8 *p, const struct access *m,
                                                               bool other, bool write)
{
    s32 entry = (s32)((write ? sizeof(struct tlb_entry) * TLB_ENTRIES : 0));
    promise(m->tag < 16 && m->t < 16);
    p = asm_at_rm(p, X_CMP | ASM_W, m->tag, entry_field(m, other, entry + (s32)offsetof(struct tlb_entry, tag)));
    *p++ = 0x0f;
    *p++ = 0x80 | CC_NE;
    g->s.p = asm_at_rm(p + 4, X_MOV | ASM_W, m->t,
                       entry_field(m, other, entry + (s32)offsetof(struct tlb_entry, addend)));
    return p;
}

/* The comparison and the addend's load; returns the rel32 of the jump for where they differ. */
static u8 *emit_compare(struct x64 *g, u8 *p, const struct access *m)
{
    if (unlikely(m->other))
        return compare_entry(g, p, m, true, m->write);
    return m->write ? compare_entry(g, p, m, false, true) : compare_entry(g, p, m, false, false);
}

/* A shared check fails also where its bytes are of two pages: the access's own are looked at by themselves. */
static void cold_recheck(struct x64 *g, struct x64_cold *c)
{
    const struct access *m = c->check;
    u8 *differs = emit_compare(g, emit_index(g, g->s.p, m), m);
    asm_fix(asm_jmp(&g->s), c->checked);
    asm_fix(differs, g->s.p);
    x64_cold_call(g, c);
}

static void emit_check(struct x64 *g, struct access *m)
{
    m->cold->from[0] = emit_compare(g, m->known ? g->s.p : emit_index(g, g->s.p, m), m);
    if (!m->shared)
        return;
    struct access *own = arena_alloc(g->arena, sizeof(*own));
    *own = *m;
    own->low = m->own_low;
    own->high = m->own_high;
    own->index = m->t;
    own->tag = m->u;
    m->cold->check = own;
    m->cold->checked = g->s.p;
    m->cold->emit = cold_recheck;
}

static struct asm_mem accessed(const struct access *m)
{
    return asm_indexed(m->t, m->addr, 0, m->offset);
}

/* Address register and temporaries, none of them in `avoid`. */
static void begin_access(struct x64 *g, struct access *m, const struct ir_op *op, s32 offset, bool write, u32 avoid)
{
    u32 mask = X64_GPRS & ~avoid;
    m->addr = x64_use_in(g, 0, mask);
    if (unlikely(offset > INT32_MAX - 16)) { /* offset + size - 1 is no displacement */
        unsigned sum = alloc_temp(&g->a, mask);
        asm_rm(&g->s, X_LEA | ASM_W, sum, asm_at(m->addr, offset));
        m->addr = sum;
        offset = 0;
        g->a.locked |= 1u << sum;
    }
    m->offset = m->low = offset;
    m->size = IR_MEM_BYTES(op->aux);
    m->high = offset + (s32)m->size - 1;
    m->write = write;
    m->aligned = op->aux & IR_MEM_ALIGN;
    m->other = context_of(op) == 1;
    m->known = m->shared = false;
}

static void temporaries(struct x64 *g, struct access *m, u32 avoid)
{
    m->index = m->t = alloc_temp(&g->a, X64_GPRS & ~avoid);
    m->tag = m->u = alloc_temp(&g->a, X64_GPRS & ~avoid);
}

/* After the result has its register: the site, and the check or, when there is only the slow path, the jump to it. */
static void site(struct x64 *g, struct access *m, const struct ir_op *op, unsigned result)
{
    m->cold = x64_cold_site(g, op, X64_SLOW);
    m->cold->site.addr = (u8)m->addr;
    m->cold->site.offset = m->offset;
    m->cold->site.result = (u8)result;
}

static void always_slow(struct x64 *g, struct access *m)
{
    m->cold->from[0] = asm_jmp(&g->s);
    x64_resume(g, m->cold);
}

/* ---- Pairs ----------------------------------------------------------------------------------- */

static s32 offset_of(const struct ir_op *op)
{
    return (s32)(op->op == IR_LOAD ? op->b : op->c);
}

static unsigned class_of(const struct x64 *g, const struct ir_op *op)
{
    return alloc_class(op->op == IR_LOAD ? op->type : g->ir->ops[op->b].type);
}

static bool may_pair(const struct ir_op *op)
{
    return !(op->aux & ~(unsigned)(IR_MEM_SIZE | IR_MEM_SIGNED | IR_MEM_UNIT)) && !only_slow(op);
}

/* The op that uses value v, an operand of op i, next after that. */
static inline u32 next_use(const struct x64 *g, u32 i, u32 v)
{
    const struct alloc_operands *o = &g->a.ops[i];
    unsigned k = 0;
    while (o->value[k] != v || o->next[k] == i)
        k++;
    return o->next[k];
}

/* Makes no code, and changes nothing but what is bound to slots and the pc. */
static bool is_bookkeeping(const struct x64 *g, const struct ir_op *op, u32 first)
{
    if (g->a.ops[op - g->ir->ops].kind == ALLOC_SKIPPED)
        return true;
    if (op->op == IR_INSN)
        return g->a.bound[g->isa->pc_slot] == ALLOC_NONE;
    return op->op == IR_PUT && op->a == first && op->b != g->isa->pc_slot;
}

/* Only bookkeeping comes between the access under way and op j. */
static bool is_next_work(const struct x64 *g, u32 j)
{
    u32 i = g->a.index;
    for (u32 n = i + 1; n < j; n++) {
        if (!is_bookkeeping(g, &g->ir->ops[n], i))
            return false;
    }
    return true;
}

/* The access that shares the check of the one under way, or 0: the next use of the base. A store's value must be there already. */
static u32 find_partner(const struct x64 *g, const struct ir_op *op)
{
    enum { NEAR = 256 };
    u32 i = g->a.index, j = next_use(g, i, x64_operand_value(g, 0));
    if (j == ALLOC_NONE)
        return 0;
    const struct ir_op *second = &g->ir->ops[j];
    if (second->op != op->op || second->a != op->a || g->a.stress)
        return 0;
    if (!may_pair(op) || !may_pair(second) || class_of(g, second) != class_of(g, op))
        return 0;
    s64 apart = (s64)offset_of(second) - offset_of(op);
    if (apart > NEAR || apart < -NEAR || offset_of(op) > INT32_MAX - 2 * NEAR)
        return 0;
    return (op->op == IR_LOAD || second->b < i) && is_next_work(g, j) ? j : 0;
}

static void widen(struct access *m, const struct ir_op *partner)
{
    s32 low = offset_of(partner), high = low + (s32)IR_MEM_BYTES(partner->aux) - 1;
    m->low = MIN(m->low, low);
    m->high = MAX(m->high, high);
}

/* ---- Checks of later accesses off the same base ---------------------------------------------- */

/* The accesses off base v that come behind op i: those that a check for the bytes from `from` on may be for too. */
struct ahead {
    u32 i, v, uses;
    s32 from;
};

/* The next of them; NULL: there are no more. */
static const struct ir_op *next_ahead(const struct x64 *g, struct ahead *w)
{
    enum { USES = 16, REACH = 256 };
    while (w->uses++ < USES) {
        w->i = next_use(g, w->i, w->v);
        if (w->i == ALLOC_NONE)
            return NULL;
        const struct ir_op *op = &g->ir->ops[w->i];
        if ((op->op != IR_LOAD && op->op != IR_STORE) || g->a.ops[w->i].value[0] != w->v || !may_pair(op))
            continue;
        s64 first = offset_of(op);
        if (first >= (s64)w->from - REACH && first + IR_MEM_BYTES(op->aux) - 1 <= (s64)w->from + REACH)
            return op;
    }
    return NULL;
}

static void forget_checked(struct x64 *g, struct x64_checked *c)
{
    if (c->value == ALLOC_NONE)
        return;
    alloc_unhold(&g->a, c->index);
    alloc_unhold(&g->a, c->tag);
    c->value = ALLOC_NONE;
}

/* What an earlier check found for this base, if it holds for these bytes too and is still there. */
static struct x64_checked *find_checked(struct x64 *g, u32 v, const struct access *m)
{
    for (u32 n = 0; n < X64_CHECKED; n++) {
        struct x64_checked *c = &g->checked[n];
        if (c->value != v)
            continue;
        if (c->low <= m->low && c->high >= m->high && alloc_use_held(&g->a, c->index) && alloc_use_held(&g->a, c->tag))
            return c;
        forget_checked(g, c);
    }
    return NULL;
}

/* Registers for index and tag that outlive the op, for this check and those from `op` on; none when values would have to go. */
static void hold_check(struct x64 *g, struct access *m, struct ahead *w, const struct ir_op *op)
{
    u32 free = g->a.free & X64_GPRS & ~(1u << RAX | 1u << RCX | 1u << RDX) & ~g->a.locked;
    if (!(free & (free - 1)))
        return;
    struct x64_checked *c = &g->checked[g->checked[0].value != ALLOC_NONE];
    forget_checked(g, c);
    m->index = alloc_temp(&g->a, free);
    alloc_hold(&g->a, m->index);
    m->tag = alloc_temp(&g->a, free & ~(1u << m->index));
    alloc_hold(&g->a, m->tag);
    struct x64_checked *other = c == g->checked ? c + 1 : g->checked;
    if (other->value != ALLOC_NONE && (1u << other->index | 1u << other->tag) & (1u << m->index | 1u << m->tag))
        other->value = ALLOC_NONE; /* had lost one of them before */
    for (; op; op = next_ahead(g, w))
        widen(m, op);
    *c = (struct x64_checked){w->v, m->low, m->high, (u8)m->index, (u8)m->tag};
}

/*
 * Temporaries of a load or store. When more accesses off the base follow (behind the last of this check's), where the entry is and
 * its tag stay in registers as long as those are not wanted: the later checks are then the comparison alone.
 */
static void share_check(struct x64 *g, struct access *m, const struct ir_op *op, u32 partner)
{
    u32 v = x64_operand_value(g, 0);
    m->own_low = m->low;
    m->own_high = m->high;
    temporaries(g, m, 0);
    if (g->a.stress || !may_pair(op) || m->addr != g->a.val[v].reg)
        return;
    struct x64_checked *c = find_checked(g, v, m);
    struct ahead ahead = {.i = partner ? partner : g->a.index, .v = v, .from = m->low};
    const struct ir_op *more = next_ahead(g, &ahead);
    if (c) {
        m->known = true;
        m->shared = c->low != m->low || c->high != m->high;
        m->index = c->index;
        m->tag = c->tag;
        if (!more)
            forget_checked(g, c);
    } else if (more) {
        hold_check(g, m, &ahead, more);
    }
    m->shared |= m->low != m->own_low || m->high != m->own_high;
}

/* A scalar's load clears what is above it. */
static void note_upper(struct x64 *g, const struct ir_op *op)
{
    if (op->op == IR_LOAD && (op->type == IR_F32 || op->type == IR_F64))
        x64_set_upper(g, X64_ABOVE_32, op->type);
}

/* The second of a pair: its access is made; the site is described as of now. */
static void finish_pair(struct x64 *g, const struct ir_op *op)
{
    struct x64_pair *p = &g->pair;
    assert(g->s.p == p->after && "code between the two of a pair");
    bool result = op->op == IR_LOAD;
    alloc_done(&g->a);
    if (result)
        alloc_def_reserved(&g->a, p->reg);
    note_upper(g, op);
    struct x64_cold *c = x64_cold_second(g, p->first, op);
    c->site.addr = p->addr;
    c->site.offset = offset_of(op);
    *(result ? &c->site.result : &c->site.value) = p->reg;
    p->index = 0;
}

/* What finish_pair is told. reg: of the result, reserved until then, or of the stored value. */
static void note_pair(struct x64 *g, const struct access *m, u32 partner, unsigned reg)
{
    g->pair = (struct x64_pair){
        .index = partner, .first = m->cold, .addr = (u8)m->addr, .reg = (u8)reg, .after = g->s.p};
}

/* ---- Loads ----------------------------------------------------------------------------------- */

static void byte_swap(struct x64 *g, unsigned reg, unsigned size)
{
    if (size == 2) { /* leaves the upper half undefined */
        asm_rr(&g->s, 0xc1 | ASM_66, SHIFT_ROL, reg);
        asm_u8(&g->s, 8);
    } else if (size > 2) {
        unsigned rex = 0x40 | (size == 8 ? 8 : 0) | reg >> 3;
        if (rex != 0x40)
            asm_u8(&g->s, rex);
        asm_u8(&g->s, 0x0f);
        asm_u8(&g->s, 0xc8 | (reg & 7));
    }
}

/* reg = its low size bytes extended as aux says; nothing when they fill the type. */
static void extend(struct x64 *g, const struct ir_op *op, unsigned reg)
{
    bool sign = op->aux & IR_MEM_SIGNED;
    u32 wide = x64_size(op->type);
    switch (op->aux & IR_MEM_SIZE) {
    case 0: asm_rr(&g->s, sign ? X_MOVSX8 | wide : X_MOVZX8, reg, reg); break;
    case 1: asm_rr(&g->s, sign ? X_MOVSX16 | wide : X_MOVZX16, reg, reg); break;
    case 2:
        if (wide)
            asm_rr(&g->s, sign ? X_MOVSXD : X_MOV, reg, reg);
        break;
    default: break;
    }
}

static void load_int(struct x64 *g, const struct ir_op *op, unsigned reg, struct asm_mem from)
{
    bool sign = op->aux & IR_MEM_SIGNED;
    u32 wide = x64_size(op->type);
    unsigned size = IR_MEM_BYTES(op->aux);
    if ((op->aux & IR_MEM_BIG) && size > 1) {
        if (size > 2 && x64_has(g, X64_MOVBE)) {
            asm_rm(&g->s, X_MOVBE_LOAD | ASM_SIZE(size == 8), reg, from);
        } else {
            asm_rm(&g->s, size == 2 ? X_MOVZX16 : X_MOV | ASM_SIZE(size == 8), reg, from);
            byte_swap(g, reg, size);
        }
        if (size == 2 || sign)
            extend(g, op, reg);
        return;
    }
    /* [signed][64-bit result]. The byte-register bit speaks of registers only. */
    static const u32 insn[2][2][4] = {
        {{X_MOVZX8 & ~ASM_B_RM, X_MOVZX16, X_MOV, X_MOV | ASM_W}, {X_MOVZX8 & ~ASM_B_RM, X_MOVZX16, X_MOV, X_MOV | ASM_W}},
        {{X_MOVSX8 & ~ASM_B_RM, X_MOVSX16, X_MOV, X_MOV | ASM_W},
         {(X_MOVSX8 & ~ASM_B_RM) | ASM_W, X_MOVSX16 | ASM_W, X_MOVSXD, X_MOV | ASM_W}}};
    g->s.p = asm_at_rm(g->s.p, insn[sign][wide != 0][op->aux & IR_MEM_SIZE], reg, from);
}

static void load_float_from(struct x64 *g, const struct ir_op *op, unsigned rd, struct asm_mem from)
{
    asm_rm(&g->s, op->type == IR_V128 ? X_MOVUPS : X_MOVS | x64_scalar(op->type), rd & 15, from);
}

static struct asm_mem accessed_by(const struct access *m, const struct ir_op *op)
{
    return asm_indexed(m->t, m->addr, 0, offset_of(op));
}

static void load_float_pair(struct x64 *g, const struct ir_op *op, u32 partner)
{
    const struct ir_op *second = &g->ir->ops[partner];
    struct access m;
    begin_access(g, &m, op, (s32)op->b, false, 0);
    widen(&m, second);
    share_check(g, &m, op, partner);
    unsigned other = alloc_temp(&g->a, ALLOC_XMM);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
    site(g, &m, op, rd);
    emit_check(g, &m);
    load_float_from(g, op, rd, accessed_by(&m, op));
    load_float_from(g, second, other, accessed_by(&m, second));
    x64_resume(g, m.cold);
    alloc_reserve(&g->a, other);
    note_pair(g, &m, partner, other);
    note_upper(g, op);
}

/* The second result takes the register of the addend, so it is loaded last. */
static void load_int_pair(struct x64 *g, const struct ir_op *op, u32 partner)
{
    const struct ir_op *second = &g->ir->ops[partner];
    struct access m;
    begin_access(g, &m, op, (s32)op->b, false, 0);
    widen(&m, second);
    share_check(g, &m, op, partner);
    alloc_done(&g->a);
    site(g, &m, op, m.u);
    emit_check(g, &m);
    load_int(g, op, m.u, accessed_by(&m, op));
    load_int(g, second, m.t, accessed_by(&m, second));
    x64_resume(g, m.cold);
    alloc_def_temp(&g->a, m.u);
    alloc_reserve(&g->a, m.t);
    note_pair(g, &m, partner, m.t);
}

static void load_float(struct x64 *g, const struct ir_op *op)
{
    struct access m;
    begin_access(g, &m, op, (s32)op->b, false, 0);
    share_check(g, &m, op, 0);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
    site(g, &m, op, rd);
    note_upper(g, op);
    if (only_slow(op) || (op->aux & IR_MEM_BIG)) {
        always_slow(g, &m);
        return;
    }
    emit_check(g, &m);
    load_float_from(g, op, rd, accessed(&m));
    x64_resume(g, m.cold);
}

X64_SELECT(load)
{
    if (g->pair.index == g->a.index) {
        finish_pair(g, op);
        return;
    }
    u32 partner = find_partner(g, op);
    if (partner) {
        if (class_of(g, op) == ALLOC_XMM)
            load_float_pair(g, op, partner);
        else
            load_int_pair(g, op, partner);
        return;
    }
    if (alloc_class(op->type) == ALLOC_XMM) {
        load_float(g, op);
        return;
    }
    struct access m;
    begin_access(g, &m, op, (s32)op->b, false, 0);
    share_check(g, &m, op, 0);
    alloc_done(&g->a);
    site(g, &m, op, m.t);
    if (only_slow(op)) {
        always_slow(g, &m);
    } else {
        emit_check(g, &m);
        load_int(g, op, m.t, accessed(&m));
        x64_resume(g, m.cold);
    }
    alloc_def_temp(&g->a, m.t);
}

/* ---- Stores ---------------------------------------------------------------------------------- */

static void store_big(struct x64 *g, const struct access *m, unsigned reg)
{
    if (m->size > 2 && x64_has(g, X64_MOVBE)) {
        asm_rm(&g->s, X_MOVBE_STORE | ASM_SIZE(m->size == 8), reg, accessed(m));
        return;
    }
    static const u32 store[9] = {[2] = X_MOV_STORE16, [4] = X_MOV_STORE, [8] = X_MOV_STORE | ASM_W};
    asm_mov(&g->s, ASM_W, m->u, reg);
    byte_swap(g, m->u, m->size);
    asm_rm(&g->s, store[m->size], m->u, accessed(m));
}

static void store_value(struct x64 *g, const struct ir_op *op, const struct access *m, struct x64_operand v)
{
    static const u32 from_reg[4] = {X_MOV_STORE8, X_MOV_STORE16, X_MOV_STORE, X_MOV_STORE | ASM_W};
    static const u32 from_imm[4] = {X_MOV_IMM8, X_MOV_IMM16, X_MOV_IMM, X_MOV_IMM | ASM_W};
    unsigned size = op->aux & IR_MEM_SIZE;
    if (v.kind == X64_IMM) {
        asm_rm(&g->s, from_imm[size], 0, accessed(m));
        if (size == 0)
            asm_u8(&g->s, (u8)v.imm);
        else if (size == 1)
            asm_u8(&g->s, (u8)v.imm), asm_u8(&g->s, (u8)(v.imm >> 8));
        else
            asm_u32(&g->s, (u32)v.imm);
    } else if (v.reg >= 16) {
        asm_rm(&g->s, size == 4 ? X_MOVUPS_STORE : X_MOVS_STORE | (size == 3 ? ASM_F2 : ASM_F3), v.reg & 15, accessed(m));
    } else if ((op->aux & IR_MEM_BIG) && size) {
        store_big(g, m, v.reg);
    } else {
        asm_rm(&g->s, from_reg[size], v.reg, accessed(m));
    }
}

/* An immediate where the encoding has one, else a register. */
static struct x64_operand stored_operand(struct x64 *g, const struct ir_op *op)
{
    struct x64_operand v = {.kind = X64_REG};
    u32 value = x64_operand_value(g, 1);
    if (alloc_is_const(&g->a, value) && alloc_class(alloc_type(&g->a, value)) == ALLOC_GPR && !(op->aux & IR_MEM_BIG)) {
        u64 c = alloc_const(&g->a, value);
        if ((op->aux & IR_MEM_SIZE) < 3 || c == (u64)(s64)(s32)c)
            return (struct x64_operand){.kind = X64_IMM, .imm = (s32)c};
    }
    v.reg = (u8)x64_use(g, 1);
    return v;
}

/* Both values in registers. */
static void store_pair(struct x64 *g, const struct ir_op *op, u32 partner)
{
    const struct ir_op *second = &g->ir->ops[partner];
    struct access m;
    begin_access(g, &m, op, (s32)op->c, true, 0);
    struct x64_operand v = {.kind = X64_REG, .reg = (u8)x64_use(g, 1)};
    struct x64_operand w = {.kind = X64_REG, .reg = (u8)alloc_use(&g->a, g->a.ops[partner].value[1])};
    widen(&m, second);
    share_check(g, &m, op, partner);
    alloc_done(&g->a);
    site(g, &m, op, JIT_LOC_NONE);
    m.cold->site.value = (u8)v.reg;
    if (v.reg >= 16)
        m.cold->stub = X64_SLOW_XMM;
    emit_check(g, &m);
    struct access n = m;
    n.offset = offset_of(second);
    store_value(g, op, &m, v);
    store_value(g, second, &n, w);
    x64_resume(g, m.cold);
    note_pair(g, &m, partner, w.reg);
}

X64_SELECT(store)
{
    if (g->pair.index == g->a.index) {
        finish_pair(g, op);
        return;
    }
    u32 partner = find_partner(g, op);
    if (partner) {
        store_pair(g, op, partner);
        return;
    }
    struct access m;
    begin_access(g, &m, op, (s32)op->c, true, 0);
    struct x64_operand v = stored_operand(g, op);
    share_check(g, &m, op, 0);
    alloc_done(&g->a);
    site(g, &m, op, JIT_LOC_NONE);
    m.cold->site.value = (u8)v.reg;
    if (v.kind == X64_REG && v.reg >= 16) /* its last use here frees the register: still it is asked for */
        m.cold->stub = X64_SLOW_XMM;
    if (v.kind == X64_IMM) {
        m.cold->site.value = m.cold->temp = (u8)m.u;
        m.cold->value = (u64)(s64)v.imm;
    }
    if (only_slow(op) || (v.kind == X64_REG && v.reg >= 16 && (op->aux & IR_MEM_BIG))) {
        always_slow(g, &m);
        return;
    }
    emit_check(g, &m);
    store_value(g, op, &m, v);
    x64_resume(g, m.cold);
    if ((op->aux & (IR_MEM_ACQUIRE | IR_MEM_RELEASE)) == (IR_MEM_ACQUIRE | IR_MEM_RELEASE))
        x64_fence(g, &(struct ir_op){.aux = IR_FENCE_SL});
}

/* ---- Atomics --------------------------------------------------------------------------------- */

static void lock_prefix(struct x64 *g)
{
    asm_u8(&g->s, 0xf0);
}

/* The operand-size forms of an opcode: 8-bit is the opcode less one. */
static u32 sized(u32 op, unsigned size)
{
    switch (size) {
    case 1: return (op - 1) | ASM_B | ASM_B_RM;
    case 2: return op | ASM_66;
    case 4: return op;
    default: return op | ASM_W;
    }
}

static enum asm_alu rmw_alu(unsigned kind)
{
    static const u8 alu[] = {[IR_RMW_ADD] = ALU_ADD, [IR_RMW_AND] = ALU_AND, [IR_RMW_OR] = ALU_OR, [IR_RMW_XOR] = ALU_XOR};
    return alu[kind];
}

static void cmpxchg_loop(struct x64 *g, const struct access *m, unsigned kind, unsigned rv)
{
    /* Condition under which the new value is v: the old one is on the wrong side of it. */
    static const u8 wrong[] = {[IR_RMW_MIN] = CC_G, [IR_RMW_MAX] = CC_L, [IR_RMW_MINU] = CC_A, [IR_RMW_MAXU] = CC_B};
    asm_rm(&g->s, m->size == 8 ? X_MOV | ASM_W : m->size == 4 ? X_MOV : m->size == 2 ? X_MOVZX16 : 0xb6 | ASM_0F, RAX,
           accessed(m));
    u8 *loop = g->s.p;
    asm_mov(&g->s, ASM_W, m->u, RAX);
    if (kind >= IR_RMW_MIN) {
        asm_rr(&g->s, sized(X_CMP, m->size), RAX, rv);
        asm_rr(&g->s, (X_CMOV + wrong[kind]) | ASM_W, m->u, rv);
    } else {
        x64_alu(g, rmw_alu(kind), ASM_W, m->u, (struct x64_operand){.reg = (u8)rv});
    }
    lock_prefix(g);
    asm_rm(&g->s, sized(X_CMPXCHG, m->size) & ~ASM_B_RM, m->u, accessed(m));
    u8 *again = asm_jcc_short(&g->s, CC_NE);
    *again = (u8)(loop - (again + 1));
}

/* Result not wanted: one instruction. */
static void rmw_simple(struct x64 *g, const struct access *m, unsigned kind, unsigned rv)
{
    if (kind == IR_RMW_XCHG) {
        asm_mov(&g->s, ASM_W, m->u, rv);
        asm_rm(&g->s, sized(X_XCHG, m->size) & ~ASM_B_RM, m->u, accessed(m));
        return;
    }
    lock_prefix(g);
    asm_rm(&g->s, sized((u32)rmw_alu(kind) << 3 | 1, m->size) & ~ASM_B_RM, rv, accessed(m));
}

X64_SELECT(rmw)
{
    unsigned kind = op->c;
    bool wanted = g->a.val[g->a.index].next != ALLOC_NONE;
    bool loop = kind >= IR_RMW_MIN || (wanted && kind != IR_RMW_XCHG && kind != IR_RMW_ADD);
    struct access m;
    begin_access(g, &m, op, 0, true, 1u << RAX);
    unsigned rv = x64_use_in(g, 1, X64_GPRS & ~(1u << RAX)), rd = JIT_LOC_NONE;
    m.aligned = true;
    alloc_temp_at(&g->a, RAX);
    temporaries(g, &m, 0);
    alloc_done(&g->a);
    site(g, &m, op, wanted ? RAX : JIT_LOC_NONE);
    m.cold->site.value = (u8)rv;
    m.cold->site.kind = (u16)kind;
    if (only_slow(op) || (op->aux & IR_MEM_BIG)) {
        always_slow(g, &m);
    } else {
        emit_check(g, &m);
        if (loop) {
            cmpxchg_loop(g, &m, kind, rv);
        } else if (!wanted) {
            rmw_simple(g, &m, kind, rv);
        } else {
            asm_mov(&g->s, ASM_W, RAX, rv);
            if (kind == IR_RMW_ADD)
                lock_prefix(g);
            asm_rm(&g->s, sized(kind == IR_RMW_ADD ? X_XADD : X_XCHG, m.size) & ~ASM_B_RM, RAX, accessed(&m));
        }
        if (wanted)
            extend(g, op, RAX);
        x64_resume(g, m.cold);
    }
    if (wanted)
        rd = alloc_def_temp(&g->a, RAX);
    (void)rd;
}

X64_SELECT(cas)
{
    u32 others = X64_GPRS & ~(1u << RAX);
    struct access m;
    begin_access(g, &m, op, 0, true, 1u << RAX);
    unsigned expected = x64_use_in(g, 1, others), desired = x64_use_in(g, 2, others);
    m.aligned = true;
    alloc_temp_at(&g->a, RAX);
    temporaries(g, &m, 0);
    alloc_done(&g->a);
    site(g, &m, op, RAX);
    m.cold->site.value = (u8)expected;
    m.cold->site.value2 = (u8)desired;
    if (only_slow(op) || (op->aux & IR_MEM_BIG)) {
        always_slow(g, &m);
    } else {
        emit_check(g, &m);
        asm_mov(&g->s, ASM_W, RAX, expected);
        lock_prefix(g);
        asm_rm(&g->s, sized(X_CMPXCHG, m.size) & ~ASM_B_RM, desired, accessed(&m));
        extend(g, op, RAX);
        x64_resume(g, m.cold);
    }
    alloc_def_temp(&g->a, RAX);
}

/* Nothing to end, nothing to store: a kernel's return from a trap, mostly. One that is not aligned still faults. */
static void store_unasked(struct x64 *g, struct access *m)
{
    asm_cmp8_mem(&g->s, x64_state(g, offsetof(struct cpu, linked)), 0);
    m->cold->from[0] = asm_jcc(&g->s, CC_NE);
    asm_mov(&g->s, ASM_W, m->t, m->addr);
    asm_alu_imm(&g->s, ALU_AND, 0, m->t, (s32)m->size - 1);
    m->cold->from[1] = asm_jcc(&g->s, CC_NE);
    asm_mov_imm(&g->s, m->t, 1);
    x64_resume(g, m->cold);
}

/* Load-linked and store-conditional that are not a pair the translator knows (opt_link.c): the slow path has the reservations. */
X64_SELECT(linked)
{
    struct access m;
    begin_access(g, &m, op, 0, op->op == IR_STORE_COND, 0);
    unsigned rv = op->op == IR_STORE_COND ? x64_use(g, 1) : JIT_LOC_NONE;
    m.t = alloc_temp(&g->a, X64_GPRS);
    alloc_done(&g->a);
    site(g, &m, op, m.t);
    m.cold->site.value = (u8)rv;
    if (op->op == IR_STORE_COND && op->aux & IR_MEM_UNASKED && m.size > 1)
        store_unasked(g, &m);
    else
        always_slow(g, &m);
    alloc_def_temp(&g->a, m.t);
}

/* x86 reorders only a store with a later load. */
X64_SELECT(fence)
{
    if (op->aux & IR_FENCE_SL) {
        lock_prefix(g);
        asm_alu_mem_imm(&g->s, ALU_OR, 0, asm_at(X64_FRAME, 0), 0);
    }
    if (op->op == IR_FENCE)
        alloc_done(&g->a);
}

/* ---- State beside the slots ------------------------------------------------------------------ */

X64_SELECT(load_state)
{
    struct asm_mem m = x64_state(g, op->a);
    alloc_done(&g->a);
    unsigned rd = alloc_def(&g->a, alloc_class(op->type), 0);
    if (rd >= 16)
        asm_rm(&g->s, X_MOVS | x64_scalar(op->type), rd & 15, m);
    else
        load_int(g, op, rd, m);
}

X64_SELECT(store_state)
{
    static const u32 from_reg[4] = {X_MOV_STORE8, X_MOV_STORE16, X_MOV_STORE, X_MOV_STORE | ASM_W};
    struct asm_mem m = x64_state(g, op->b);
    unsigned size = op->aux & IR_MEM_SIZE, rv = x64_use(g, 0);
    alloc_done(&g->a);
    if (rv >= 16)
        asm_rm(&g->s, X_MOVS_STORE | (size == 3 ? ASM_F2 : ASM_F3), rv & 15, m);
    else
        asm_rm(&g->s, from_reg[size], rv, m);
}
