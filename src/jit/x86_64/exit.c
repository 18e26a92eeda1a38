/*
 * exit.c - how units begin and end: polls, links, indirect jumps, calls of helpers.
 *
 * A link is a jmp rel32 whose field is 4-byte aligned, so patching is one store. Across pages it stands behind a compare of
 * the target page's identity (jit.h, struct jit_link): id 0 never matches, so an unlinked one goes to its stub.
 *
 * Who jumps to a unit's entry by a jump entry has its pc in rax. A movable unit (jit/ir.h) takes from that where it is; it goes
 * directly to units of its own page only, and to others by the jump entries.
 */
#include "jit/profile.h"
#include "jit/x86_64/x64.h"

#include <errno.h>

static void align_field(struct x64 *g, unsigned before)
{
    asm_nop(&g->s, -(asm_offset(&g->s) + before) & 3);
}

static struct asm_mem tlb_field(size_t array, size_t entry, u32 index, size_t field)
{
    return asm_at(X64_TLB, (s32)(array + entry * index + field));
}

static bool is_movable(const struct x64 *g)
{
    return ir_pc_movable(g->ir->pc);
}

static struct asm_mem code_base(const struct x64 *g)
{
    return x64_state(g, offsetof(struct cpu, code_base));
}

/* rax = where pc is; changes rcx when it is far. */
static void movable_pc(struct x64 *g, u64 pc)
{
    s64 offset = (s64)(pc - IR_MOVABLE_PAGE);
    asm_rm(&g->s, X_MOV | ASM_W, RAX, code_base(g));
    if (offset == (s32)offset) {
        asm_rm(&g->s, X_LEA | ASM_W, RAX, asm_at(RAX, (s32)offset));
        return;
    }
    asm_mov_imm(&g->s, RCX, (u64)offset);
    asm_rm(&g->s, X_LEA | ASM_W, RAX, asm_indexed(RAX, RCX, 0, 0));
}

void x64_movable_entry(struct x64 *g)
{
    const u8 *start = g->s.p;
    asm_rm(&g->s, X_LEA | ASM_W, RAX, asm_at(RAX, -(s32)(g->ir->pc - IR_MOVABLE_PAGE)));
    asm_rm(&g->s, X_MOV_STORE | ASM_W, RAX, code_base(g));
    assert(g->s.p <= start + JIT_MOVABLE_ENTRY);
    asm_nop(&g->s, (unsigned)(start + JIT_MOVABLE_ENTRY - g->s.p));
}

/* Of an instruction of the unit; changes no register. */
void x64_store_pc(struct x64 *g, u64 pc)
{
    struct asm_mem scratch = asm_at(X64_FRAME, offsetof(struct jit_frame, scratch));
    if (!is_movable(g)) {
        x64_alloc_host.store_slot_const(&g->a, g->isa->pc_slot, pc);
        return;
    }
    asm_rm(&g->s, X_MOV_STORE | ASM_W, RAX, scratch);
    movable_pc(g, pc);
    asm_rm(&g->s, X_MOV_STORE | ASM_W, RAX, x64_slot(g, g->isa->pc_slot));
    asm_rm(&g->s, X_MOV | ASM_W, RAX, scratch);
}

void x64_settle_pc(struct x64 *g)
{
    if (g->pc_due)
        x64_store_pc(g, g->pc);
    g->pc_due = false;
}

/* ---- Links ----------------------------------------------------------------------------------- */

static bool crosses_page(const struct x64 *g, u64 pc)
{
    return (pc ^ g->ir->pc) >> TLB_PAGE_BITS;
}

void x64_load_link(struct x64 *g, u32 n)
{
    u8 *field = asm_mov_imm64(&g->s, RAX, (u64)(uintptr_t)(g->out->link_base + n));
    g->out->links[n].self = (u32)(field - g->s.base);
}

static void leave_by_link(struct x64 *g, u32 n)
{
    x64_load_link(g, n);
    x64_jump_stub(g, asm_jmp(&g->s), X64_LEAVE);
}

/* Goes on at the jump entry of the pc in rax, if it is there; else at the jump returned. Changes rcx. */
static u8 *probe_jump(struct x64 *g)
{
    s32 jump = (s32)offsetof(struct tlb_context, jump);
    asm_rm(&g->s, X_LEA, RCX, asm_indexed(ASM_NO_REG, RAX, 3, 0));
    asm_alu_imm(&g->s, ALU_AND, 0, RCX, (TLB_JUMP_ENTRIES - 1) * 16);
    asm_rm(&g->s, X_CMP | ASM_W, RAX, asm_indexed(X64_TLB, RCX, 0, jump + (s32)offsetof(struct tlb_jump_entry, pc)));
    u8 *miss = asm_jcc_short(&g->s, CC_NE);
    asm_rm(&g->s, X_GROUP5, G5_JMP, asm_indexed(X64_TLB, RCX, 0, jump + (s32)offsetof(struct tlb_jump_entry, code)));
    return miss;
}

/* From a movable unit to another page; the state is stored. */
static void leave_movable(struct x64 *g, u64 pc)
{
    movable_pc(g, pc);
    asm_fix_short(&g->s, probe_jump(g));
    asm_rm(&g->s, X_MOV_STORE | ASM_W, RAX, x64_slot(g, g->isa->pc_slot));
    x64_jump_stub(g, asm_jmp(&g->s), X64_LEAVE_LOOKUP);
}

/* Unlinked, or another page now: across pages the jump cache may know the target, else the engine. */
static void cold_link(struct x64 *g, struct x64_cold *c)
{
    struct jit_link *link = &g->out->links[c->link];
    link->stub = asm_offset(&g->s);
    if (is_movable(g)) { /* what it looks for may be in its page for this address only */
        movable_pc(g, link->pc);
        asm_fix_short(&g->s, probe_jump(g));
    } else if (crosses_page(g, link->pc) || g->out->page2_id) {
        u32 index = tlb_jump_index(link->pc);
        size_t array = offsetof(struct tlb_context, jump), entry = sizeof(struct tlb_jump_entry);
        asm_mov_imm(&g->s, RAX, link->pc);
        asm_rm(&g->s, X_CMP | ASM_W, RAX, tlb_field(array, entry, index, offsetof(struct tlb_jump_entry, pc)));
        u8 *miss = asm_jcc_short(&g->s, CC_NE);
        asm_rm(&g->s, X_GROUP5, G5_JMP, tlb_field(array, entry, index, offsetof(struct tlb_jump_entry, code)));
        asm_fix_short(&g->s, miss);
    }
    leave_by_link(g, c->link);
}

/* Goes to guest address pc; the state is stored. */
static void emit_link(struct x64 *g, u64 pc)
{
    u32 n = g->out->link_count;
    if (is_movable(g) && crosses_page(g, pc)) {
        leave_movable(g, pc);
        return;
    }
    if (n == JIT_MAX_LINKS) {
        x64_fail(g, -E2BIG);
        return;
    }
    g->out->link_count++;
    struct jit_link *link = &g->out->links[n];
    struct x64_cold *c = x64_cold_new(g, cold_link);
    c->link = n;
    *link = (struct jit_link){.pc = pc};
    if (crosses_page(g, pc)) {
        struct asm_mem id = tlb_field(offsetof(struct tlb_context, code), sizeof(struct tlb_code_entry),
                                      tlb_code_index(pc), offsetof(struct tlb_code_entry, id));
        align_field(g, 7);
        asm_rm(&g->s, X_GROUP1, ALU_CMP, id);
        link->id_patch = asm_offset(&g->s);
        assert(!(link->id_patch & 3));
        asm_u32(&g->s, X64_NO_PAGE);
        c->from[1] = asm_jcc(&g->s, CC_NE);
    }
    align_field(g, 1);
    c->from[0] = asm_jmp(&g->s);
    link->patch = (u32)(c->from[0] - g->s.base);
}

/* Compares what the page of pc is now; returns the offset of the id. */
static u32 compare_page(struct x64 *g, u64 pc, u32 id)
{
    asm_rm(&g->s, X_GROUP1, ALU_CMP,
           tlb_field(offsetof(struct tlb_context, code), sizeof(struct tlb_code_entry), tlb_code_index(pc),
                     offsetof(struct tlb_code_entry, id)));
    asm_u32(&g->s, id);
    return asm_offset(&g->s) - 4;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static void cold_entry(struct x64 *g, struct x64_cold *c)
{
    x64_store_pc(g, g->ir->pc);
    x64_jump_stub(g, asm_jmp(&g->s), X64_LEAVE_LOOKUP);
}

void x64_prologue(struct x64 *g)
{
    struct x64_cold *c = x64_cold_new(g, cold_entry);
    asm_alu_mem_imm(&g->s, ALU_CMP, 0, x64_state(g, offsetof(struct cpu, exit_request)), 0);
    c->from[0] = asm_jcc(&g->s, CC_NE);
    g->out->past_poll = asm_offset(&g->s) - g->out->offset;
    if (!g->out->page2_id)
        return;
    g->out->page2_patch = compare_page(g, (g->ir->pc & TLB_PAGE_MASK) + TLB_PAGE, g->out->page2_id);
    c->from[1] = asm_jcc(&g->s, CC_NE);
    if (!g->out->page2_tag)
        return;
    asm_mov_imm(&g->s, RCX, g->out->page2_tag);
    asm_rm(&g->s, X_CMP | ASM_W, RCX,
           tlb_field(offsetof(struct tlb_context, code), sizeof(struct tlb_code_entry),
                     tlb_code_index(g->out->page2_tag), offsetof(struct tlb_code_entry, tag)));
    c->from[2] = asm_jcc(&g->s, CC_NE);
}

/* ---- Exits ----------------------------------------------------------------------------------- */

/* Stores what the map says; to: not what the region has there (-1: all). */
static void store_map(struct x64 *g, const u8 *p, unsigned bytes, int to)
{
    const u8 *end = p + bytes;
    for (p += 8; p < end;) {
        unsigned slot = p[0], loc = p[1];
        bool store = to < 0 || !(x64_region_has(g, slot) || x64_region_knows(g, (u32)to, slot));
        p += 2;
        if (loc == JIT_LOC_CONST || loc == JIT_LOC_CONST64) {
            unsigned size = loc == JIT_LOC_CONST ? 4 : 8;
            u64 v = load_le(p, size);
            if (store)
                x64_alloc_host.store_slot_const(&g->a, slot, size == 4 ? (u64)(s64)(s32)v : v);
            p += size;
        } else if (loc == JIT_LOC_SPILL) {
            if (store)
                x64_alloc_host.spill_to_slot(&g->a, slot, *p);
            p++;
        } else if (store) {
            x64_alloc_host.store_slot(&g->a, slot, loc);
        }
    }
}

static void cold_exit(struct x64 *g, struct x64_cold *c)
{
    store_map(g, c->map, c->site.map_bytes, -1);
    emit_link(g, c->value);
}

/* Leaving the block for pc: state map and places are those of now. */
static void describe_exit(struct x64 *g, struct x64_cold *c, u64 pc)
{
    c->value = pc;
    c->places = x64_region_head(g, pc) >= 0 ? x64_region_places(g) : NULL;
    x64_cold_map(g, c, g->pc);
}

/* To another block of the region; when its page is another one now, out of it. */
static void edge(struct x64 *g, const struct x64_cold *c)
{
    u32 to = (u32)x64_region_head(g, c->value);
    if (crosses_page(g, c->value)) {
        struct x64_cold *other = x64_cold_new(g, cold_exit);
        compare_page(g, c->value, g->out->block[to].page_id);
        other->from[0] = asm_jcc(&g->s, CC_NE);
        other->value = c->value;
        other->map = c->map;
        other->site.map_bytes = c->site.map_bytes;
    }
    store_map(g, c->map, c->site.map_bytes, (int)to);
    x64_region_edge(g, to, c->places);
}

static void cold_edge(struct x64 *g, struct x64_cold *c)
{
    edge(g, c);
}

static struct x64_cold *exit_to(struct x64 *g, u64 pc)
{
    struct x64_cold *c = x64_cold_new(g, x64_region_head(g, pc) >= 0 ? cold_edge : cold_exit);
    describe_exit(g, c, pc);
    return c;
}

/* An edge to where a loop began is taken as a rule: it stands in line, and is jumped over. */
static bool loops(const struct x64 *g, u64 pc)
{
    int to = x64_region_head(g, pc);
    return to >= 0 && x64_region_loops(g, (u32)to);
}

static void edge_in_line(struct x64 *g, u64 pc)
{
    struct x64_cold here = {0};
    describe_exit(g, &here, pc);
    edge(g, &here);
}

X64_SELECT(exit_if)
{
    struct x64_condition cond = x64_condition_prepare(g, op);
    alloc_done(&g->a);
    if (loops(g, ir_exit_imm(op))) {
        u8 *over = asm_jcc(&g->s, x64_compare(g, &cond) ^ 1);
        edge_in_line(g, ir_exit_imm(op));
        asm_fix(over, g->s.p);
        return;
    }
    struct x64_cold *c = exit_to(g, ir_exit_imm(op));
    c->from[0] = asm_jcc(&g->s, x64_compare(g, &cond));
}

X64_SELECT(trap_if)
{
    struct x64_condition cond = x64_condition_prepare(g, op);
    alloc_done(&g->a);
    struct x64_cold *c = x64_cold_site(g, op, X64_SLOW);
    c->from[0] = asm_jcc(&g->s, x64_compare(g, &cond));
    c->site.kind = (u16)op->b;
    c->site.argument = op->c;
}

X64_SELECT(exit_jump)
{
    alloc_done(&g->a);
    if (x64_region_head(g, ir_imm(op)) >= 0) {
        edge_in_line(g, ir_imm(op));
        return;
    }
    alloc_store_all(&g->a);
    emit_link(g, ir_imm(op));
}

static void cold_indirect(struct x64 *g, struct x64_cold *c)
{
    x64_alloc_host.store_slot(&g->a, g->isa->pc_slot, c->reg);
    x64_jump_stub(g, asm_jmp(&g->s), X64_LEAVE_LOOKUP);
}

/* Where the jump goes as a rule is in the region. */
static void indirect_edges(struct x64 *g, unsigned ra, unsigned t)
{
    const struct ir_targets *targets = &g->out->block[x64_region_head(g, g->ir->pc)].targets;
    for (u32 n = 0; n < targets->count; n++) {
        u64 pc = g->out->block[targets->block[n]].ir->pc;
        struct x64_cold *c = exit_to(g, pc);
        if (is_movable(g)) {
            asm_rm(&g->s, X_MOV | ASM_W, t, code_base(g));
            asm_rm(&g->s, X_LEA | ASM_W, t, asm_at(t, (s32)(pc - IR_MOVABLE_PAGE)));
            asm_rr(&g->s, X_CMP | ASM_W, ra, t);
        } else if (pc == (u64)(s64)(s32)pc) {
            asm_alu_imm(&g->s, ALU_CMP, ASM_W, ra, (s32)pc);
        } else {
            asm_mov_imm(&g->s, t, pc);
            asm_rr(&g->s, X_CMP | ASM_W, ra, t);
        }
        c->from[0] = asm_jcc(&g->s, CC_E);
    }
}

/* The engine notes where it goes; the state is stored. */
static void leave_recorded(struct x64 *g, unsigned ra)
{
    asm_rm(&g->s, X_MOV_IMM, 0, x64_state(g, offsetof(struct cpu, jumped_from)));
    asm_u32(&g->s, g->out->site);
    x64_alloc_host.store_slot(&g->a, g->isa->pc_slot, ra);
    x64_jump_stub(g, asm_jmp(&g->s), X64_LEAVE_LOOKUP);
}

X64_SELECT(exit_indirect)
{
    s32 jump = (s32)offsetof(struct tlb_context, jump);
    if (!g->region.count) /* leaves rax free, most often */
        alloc_sync(&g->a);
    unsigned ra = x64_use_in(g, 0, 1u << RAX), t = alloc_temp(&g->a, ALLOC_GPR);
    alloc_done(&g->a);
    if (g->region.count) {
        indirect_edges(g, ra, t);
        alloc_sync(&g->a);
    }
    if (unlikely(g->out->site) && op->aux != IR_JUMP_RETURN) {
        leave_recorded(g, ra);
        return;
    }
    _Static_assert(sizeof(struct tlb_jump_entry) == 16, "(pc >> 1) * 16 is pc * 8");
    asm_rm(&g->s, X_LEA, t, asm_indexed(ASM_NO_REG, ra, 3, 0));
    asm_alu_imm(&g->s, ALU_AND, 0, t, (TLB_JUMP_ENTRIES - 1) * 16);
    asm_rm(&g->s, X_CMP | ASM_W, ra, asm_indexed(X64_TLB, t, 0, jump + (s32)offsetof(struct tlb_jump_entry, pc)));
    struct x64_cold *c = x64_cold_new(g, cold_indirect);
    c->reg = (u8)ra;
    c->from[0] = asm_jcc(&g->s, CC_NE);
    asm_rm(&g->s, X_GROUP5, G5_JMP, asm_indexed(X64_TLB, t, 0, jump + (s32)offsetof(struct tlb_jump_entry, code)));
}

X64_SELECT(exit_lookup)
{
    alloc_done(&g->a);
    alloc_sync(&g->a);
    x64_settle_pc(g);
    x64_jump_stub(g, asm_jmp(&g->s), X64_LEAVE_LOOKUP);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static const u8 argument_reg[IR_CALL_ARGS] = {RSI, RDX, RCX, R8};

/* One round of moves whose target nobody still reads; *blocked: a move left over. */
static bool move_round(struct x64 *g, u8 *from, unsigned count, unsigned *blocked)
{
    bool moved = false;
    *blocked = count;
    for (unsigned i = 0; i < count; i++) {
        unsigned to = argument_reg[i];
        bool read = false;
        if (from[i] == ALLOC_NO_REG)
            continue;
        for (unsigned j = 0; j < count; j++)
            read |= j != i && from[j] == to;
        if (read && from[i] != to) {
            *blocked = i;
            continue;
        }
        if (from[i] != to)
            asm_mov(&g->s, ASM_W, to, from[i]);
        from[i] = ALLOC_NO_REG;
        moved = true;
    }
    return moved;
}

/* Integer arguments to their registers; a cycle is broken by an exchange. */
static void move_arguments(struct x64 *g, u8 *from, unsigned count)
{
    unsigned i;
    for (;;) {
        if (move_round(g, from, count, &i))
            continue;
        if (i == count)
            return;
        unsigned to = argument_reg[i], old = from[i];
        asm_rr(&g->s, X_XCHG | ASM_W, to, old);
        from[i] = ALLOC_NO_REG;
        for (unsigned j = 0; j < count; j++) {
            if (from[j] == to || from[j] == old)
                from[j] = (u8)(from[j] == to ? old : to);
        }
    }
}

static void set_arguments(struct x64 *g, const struct ir_op *op, const u8 *reg)
{
    u8 from[IR_CALL_ARGS];
    for (unsigned i = 0; i < op->aux; i++)
        from[i] = reg[i] < 16 ? reg[i] : ALLOC_NO_REG;
    move_arguments(g, from, op->aux);
    for (unsigned i = 0; i < op->aux; i++) {
        unsigned type = g->ir->ops[g->ir->args[op->b + i]].type, to = argument_reg[i];
        u32 v = x64_operand_value(g, i);
        if (reg[i] == ALLOC_NO_REG)
            asm_mov_imm(&g->s, to, type == IR_I32 ? (u32)alloc_const(&g->a, v) : alloc_const(&g->a, v));
        else if (reg[i] >= 16)
            asm_rr(&g->s, X_MOVD_FROM | x64_size(type), reg[i] & 15, to);
        else if (type == IR_I32)
            asm_mov(&g->s, 0, to, to);
    }
}

static void call_result(struct x64 *g, const struct ir_op *op)
{
    if (g->a.val[g->a.index].next == ALLOC_NONE)
        return;
    if (alloc_class(op->type) == ALLOC_GPR) {
        alloc_def_at(&g->a, RAX);
        return;
    }
    unsigned rd = alloc_def(&g->a, ALLOC_XMM, 0);
    asm_rr(&g->s, X_MOVD_TO | x64_size(op->type), rd & 15, RAX);
}

/* Bound puts and the pc go to the state; nothing known of the slots holds after. */
static void call_state(struct x64 *g, unsigned effects)
{
    alloc_sync(&g->a);
    if (effects & (IR_FX_WRITE | IR_FX_FAULT))
        alloc_forget(&g->a);
    x64_settle_pc(g);
}

/* For the sampler (jit/profile.h). */
static void mark_place(struct x64 *g, u32 place)
{
    if (likely(!g->jit->opt.profile))
        return;
    asm_rm(&g->s, X_MOV_IMM16, 0, x64_state(g, offsetof(struct cpu, place)));
    asm_u8(&g->s, place & 0xff);
    asm_u8(&g->s, place >> 8);
}

X64_SELECT(call)
{
    const struct ir_helper *h = &g->isa->helpers[op->a];
    u8 reg[IR_CALL_ARGS];
    for (unsigned i = 0; i < op->aux; i++) {
        u32 v = x64_operand_value(g, i);
        bool constant = alloc_is_const(&g->a, v) && alloc_class(alloc_type(&g->a, v)) == ALLOC_GPR;
        reg[i] = constant ? ALLOC_NO_REG : (u8)x64_use(g, i);
    }
    alloc_done(&g->a);
    if (h->effects & (IR_FX_READ | IR_FX_WRITE | IR_FX_FAULT))
        call_state(g, h->effects);
    alloc_clobber(&g->a, X64_CALLER_SAVED);
    set_arguments(g, op, reg);
    mark_place(g, JIT_IN_HELPER + op->a);
    asm_rm(&g->s, X_LEA | ASM_W, RDI, x64_state(g, 0));
    struct asm_mem fn = x64_table(g->helpers + op->a * (u32)sizeof(void *));
    if (h->effects & IR_FX_FLOAT) {
        asm_rm(&g->s, X_MOV | ASM_W, RAX, fn);
        x64_jump_stub(g, asm_call(&g->s), X64_CALL_FLOAT);
    } else {
        asm_rm(&g->s, X_GROUP5, G5_CALL, fn);
    }
    if (h->effects & IR_FX_CONTEXT) {
        asm_rm(&g->s, X_MOV | ASM_W, X64_TLB, x64_state(g, offsetof(struct cpu, engine_data)));
        asm_rm(&g->s, X_MOV | ASM_W, X64_TLB, asm_at(X64_TLB, offsetof(struct jit_cpu, context)));
    }
    call_result(g, op);
    if (h->effects & IR_FX_FAULT) {
        asm_cmp8_mem(&g->s, x64_state(g, offsetof(struct cpu, unwind)), 0);
        x64_jump_stub(g, asm_jcc(&g->s, CC_NE), X64_LEAVE_LOOKUP);
    }
}
