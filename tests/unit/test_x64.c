/*
 * test_x64.c - the x86-64 back end against the interpreter: random units of every scalar operation,
 * and by hand how units are entered, left and linked.
 *
 * Each unit runs three ways from the same state: interpreted, translated with a cold TLB,
 * translated with a warm one. Slots, float flags, memory, device accesses, pc and faults must
 * agree. Repeated with spills at random and without each of the processor's features. SEED=n runs
 * that one seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "x64_units.h"
#include "jit/interp.h"
#include "jit/stored.h"
#include "jit/stats.h"

/* ---- State before and after ------------------------------------------------------------------ */

struct outcome {
    u64 x[32], f[32], pc, misc[4], trace;
    u32 flags, round;
    struct isa_fault fault;
};

static void set_state(struct world *w, const struct outcome *o)
{
    struct toy *t = w->toy;
    memcpy(t->x, o->x, sizeof(t->x));
    memcpy(t->f, o->f, sizeof(t->f));
    memcpy(t->misc, o->misc, sizeof(t->misc));
    t->pc = o->pc;
    t->trace = o->trace;
    t->flags = o->flags;
    t->round = o->round;
    t->fault = (struct isa_fault){0};
    t->cpu.unwind = 0;
    t->cpu.linked = 0;
    memcpy(w->ram->host, w->before, RAM_SIZE);
}

static void get_state(struct world *w, struct outcome *o)
{
    struct toy *t = w->toy;
    memset(o, 0, sizeof(*o));
    memcpy(o->x, t->x, sizeof(t->x));
    memcpy(o->f, t->f, sizeof(t->f));
    memcpy(o->misc, t->misc, sizeof(t->misc));
    o->pc = t->pc;
    o->trace = t->trace;
    o->flags = t->flags;
    o->round = t->round;
    o->fault.kind = t->fault.kind;
    if (t->fault.kind) {
        o->fault.access = t->fault.access;
        o->fault.vaddr = t->fault.vaddr;
        o->fault.atomic = t->fault.atomic;
    }
}

static void random_state(struct world *w, struct maker *m, struct outcome *o)
{
    memset(o, 0, sizeof(*o));
    for (unsigned i = 0; i < 32; i++) {
        o->x[i] = some_integer(m);
        o->f[i] = below(m, 2) ? some_double(m) : some_single(m);
    }
    for (unsigned i = 0; i < 4; i++)
        o->misc[i] = rnd(m);
    o->round = below(m, 4);
    o->pc = 0x77;
    for (unsigned i = 0; i < RAM_SIZE; i += 8)
        store_le(w->before + i, rnd(m), 8);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void run_interp(struct world *w, const struct ir_unit *u)
{
    struct cpu *cpu = &w->toy->cpu;
    struct ir_interp_exit e = interp_run(cpu, u, w->values);
    if (e.kind == IR_INTERP_FAULT)
        cpu->isa->fault(cpu, &e.fault);
    else if (e.kind == IR_INTERP_JUMP)
        w->toy->pc = e.pc;
}

enum { UNIT_ROOM = 256 * 1024 };

/* Host code of the unit in the n-th of the places for code. */
static const u8 *emit(struct world *w, const struct ir_unit *u, unsigned n)
{
    u32 at = w->jit->stub_bytes + 4096 + n * UNIT_ROOM;
    w->out.block[0] = (struct jit_emit_block){.ir = u};
    w->out.block_count = 1;
    w->out.arena = &w->arena;
    w->out.rw = w->jit->code.rw + at;
    w->out.offset = at;
    w->out.capacity = UNIT_ROOM;
    w->out.link_base = w->links[n];
    assert_int_equal(jit_x86_64.emit(w->jit, &w->out), 0);
    memcpy(w->links[n], w->out.links, sizeof(w->out.links[0]) * w->out.link_count);
    return w->jit->code.rx + at;
}

/* Returns the link it left by, or NULL. */
static struct jit_link *run_code(struct world *w, const u8 *code)
{
    struct cpu *cpu = &w->toy->cpu;
    jit_float_reload(cpu);
    struct jit_link *link = w->jit->enter(cpu, jit_cpu(cpu)->context, code, 0);
    jit_float_merge(cpu);
    jit_x86_64.float_restore();
    if (link)
        w->toy->pc = link->pc;
    return link;
}

static void cool(struct world *w)
{
    jit_flush_all(&w->toy->cpu);
    jit_context_refresh(&w->toy->cpu);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static void report(struct world *w, const struct ir_unit *u, const struct outcome *a,
                   const struct outcome *b)
{
    ir_print(stderr, u);
    jit_print_code(stderr, w->jit->code.rx + w->out.offset, w->out.size);
    for (unsigned i = 0; i < 32; i++) {
        if (a->x[i] != b->x[i])
            fprintf(stderr, "x%02o: %016llx, translated %016llx\n", i, (long long)a->x[i],
                    (long long)b->x[i]);
        if (a->f[i] != b->f[i])
            fprintf(stderr, "f%02o: %016llx, translated %016llx\n", i, (long long)a->f[i],
                    (long long)b->f[i]);
    }
    fprintf(stderr, "pc %llx %llx flags %x %x trace %llx %llx fault %d %d at %llx %llx\n",
            (long long)a->pc, (long long)b->pc, a->flags, b->flags, (long long)a->trace,
            (long long)b->trace, a->fault.kind, b->fault.kind, (long long)a->fault.vaddr,
            (long long)b->fault.vaddr);
    for (unsigned i = 0; i < RAM_SIZE; i++) {
        if (w->after[i] != w->ram->host[i]) {
            fprintf(stderr, "memory at %x: %02x, translated %02x\n", i, w->after[i],
                    w->ram->host[i]);
            break;
        }
    }
}

static void compare(struct world *w, const struct ir_unit *u, const struct outcome *want,
                    const char *what, const char *run)
{
    struct outcome got;
    get_state(w, &got);
    if (!memcmp(want, &got, sizeof(got)) && !memcmp(w->after, w->ram->host, RAM_SIZE))
        return;
    report(w, u, want, &got);
    fail_msg("%s, %s: translated code differs from the interpreter", what, run);
}

/* The unit's code in the second place by way of a record is what would have been emitted there. */
static const u8 *emit_moved(struct world *w, const struct ir_unit *u)
{
    static const u8 guest[2 * TLB_PAGE];
    struct ir_unit copy = *u;
    copy.guest_bytes = MAX(u->guest_bytes, 4);
    emit(w, &copy, 0);
    u32 size = stored_size(&w->out, copy.guest_bytes);
    struct stored_unit *s = arena_alloc(&w->arena, size);
    stored_write(s, &w->out, 0, guest);
    assert_true(stored_is_sound(s, size));
    const u8 *code = emit(w, &copy, 1);
    u8 *emitted = arena_alloc(&w->arena, w->out.size), *rw = w->out.rw;
    struct jit_link *links = w->links[1];
    memcpy(emitted, rw, w->out.size);
    memset(rw, 0xcc, w->out.size);
    memset(links, 0, sizeof(w->links[1]));
    stored_place(s, rw, w->out.offset, links, w->out.page2_id);
    assert_int_equal(s->code_bytes, w->out.size);
    assert_memory_equal(rw, emitted, w->out.size);
    assert_memory_equal(links, w->out.links, w->out.link_count * sizeof(*links));
    return code;
}

/* u as it was built is interpreted; it is translated as it is or optimized. */
static void run_ways(struct world *w, struct ir_unit *u, const struct outcome *start, bool optimize,
                     const char *what)
{
    struct outcome want;
    struct err err;
    if (ir_verify(u, &err))
        fail_msg("%s: %s", what, err.text);
    cool(w);
    set_state(w, start);
    run_interp(w, u);
    get_state(w, &want);
    memcpy(w->after, w->ram->host, RAM_SIZE);
    if (optimize)
        ir_optimize(u, &w->arena, ~0u);
    const u8 *code = emit(w, u, 0);
    cool(w);
    set_state(w, start);
    run_code(w, code);
    compare(w, u, &want, what, "cold");
    set_state(w, start);
    run_code(w, code);
    compare(w, u, &want, what, "warm");
    code = emit_moved(w, u);
    set_state(w, start);
    run_code(w, code);
    compare(w, u, &want, what, "moved");
}

/* ---- Random units ---------------------------------------------------------------------------- */

static void one_seed(struct world *w, struct maker *m, u64 seed, bool floats)
{
    struct ir_unit u;
    struct outcome start;
    char what[64];
    snprintf(what, sizeof(what), "SEED=%llu", (unsigned long long)seed);
    m->seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    rnd(m);
    arena_reset(&w->arena);
    make_unit(m, &u, &w->arena, floats);
    random_state(w, m, &start);
    run_ways(w, &u, &start, seed & 1, what);
}

static void run_many(const char *accel, u32 disable, u64 first, unsigned count, bool floats)
{
    struct world *w = world_new(accel);
    struct maker *m = calloc(1, sizeof(*m));
    const char *only = getenv("SEED");
    x64_disable(w->jit, disable);
    if (only) {
        first = strtoull(only, NULL, 0);
        count = 1;
    }
    for (unsigned i = 0; i < count; i++)
        one_seed(w, m, first + i, floats);
    free(m);
    world_free(w);
}

static void test_random(void **state)
{
    run_many("jit", 0, 1, 4000, false);
}

static void test_float(void **state)
{
    run_many("jit", 0, 100000, 3000, true);
}

static void test_spills(void **state)
{
    run_many("jit,stress-spill=on", 0, 200000, 2000, false);
}

static void test_features(void **state)
{
    for (u32 f = 1; f <= X64_CLMUL; f <<= 1)
        run_many("jit", f, 300000, 200, f & (X64_FMA | X64_AVX));
    run_many("jit", ~0u, 400000, 700, false);
    run_many("jit", ~0u, 500000, 700, true);
}

/* ---- Units by hand --------------------------------------------------------------------------- */

static void parse(struct world *w, struct ir_unit *u, const char *text)
{
    struct err err;
    if (ir_parse(u, &w->arena, &toy_isa, text, &err) || ir_verify(u, &err))
        fail_msg("%s in\n%s", err.text, text);
    u->pc = ir_imm(&u->ops[0]); /* an insn */
}

static const u8 *emit_text(struct world *w, const char *text, unsigned n)
{
    struct ir_unit *u = arena_alloc(&w->arena, sizeof(*u));
    parse(w, u, text);
    return emit(w, u, n);
}

/* What once went wrong. */
static void test_found(void **state)
{
    static const char *const texts[] = {
        /* A constant too wide for an immediate that only its slot still holds. */
        "insn.4 0x1000\n%1:i64 = const 0xf2b9a8b8\nput %1, x01\n%3:i64 = call sum()\n"
        "%4:i64 = const 0x5000\nstore.32 %4, %1, 0\nput %3, x02\nexit_lookup",
        "insn.4 0x1000\n%1:i64 = const 0xf2b9a8b87654321\nput %1, x01\n%3:i64 = call sum()\n"
        "%4:i64 = const 0x5000\nstore.64 %4, %1, 0\nput %3, x02\nexit_lookup",
        /* A pair on a device faults at the load-linked and reads nothing. */
        "insn.4 0x1000\n%1:i64 = const 0x20000\ninsn.4 0x1004\n%3:i64 = ll.32.align %1\n"
        "insn.4 0x1008\n%5:i64 = sc.32.align %1, %3\nput %5, x01\nexit_lookup",
        /* A pair ends the reservation of before. */
        "insn.4 0x1000\n%1:i64 = const 0x5000\n%2:i64 = const 0x5100\n%3:i64 = ll.64 %1\n"
        "fence.sl\n%5:i64 = ll.64 %2\n%6:i64 = sc.64 %2, %5\n%7:i64 = sc.64 %1, %2\n"
        "put %6, x01\nput %7, x02\nexit_lookup",
    };
    struct world *w = world_new("jit");
    struct maker m = {.seed = 1};
    struct outcome start;
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(texts); i++) {
        struct ir_unit u;
        arena_reset(&w->arena);
        random_state(w, &m, &start);
        parse(w, &u, texts[i / 2]);
        run_ways(w, &u, &start, i & 1, texts[i / 2]);
    }
    world_free(w);
}

/* ---- Entry, indirect jumps, links ------------------------------------------------------------ */

#define COUNTS "%1:i64 = get x01\n%2:i64 = const 1\n%3:i64 = add %1, %2\nput %3, x01\n"

/* No pc finds an empty entry of the jump cache; each finds its own. */
static void test_indirect(void **state)
{
    static const u64 pcs[] = {~UINT64_C(0), ~UINT64_C(0) - 1, 0, 1, 2, 3, 0x1ffe, 0x2000, BIT(63)};
    struct world *w = world_new("jit");
    cool(w);
    const u8 *jump = emit_text(w, "insn.4 0x1000\n%1:i64 = get x00\nexit_ind %1", 0);
    const u8 *there = emit_text(w, "insn.4 0x2000\n" COUNTS "exit_lookup", 1);
    struct tlb_context *c = jit_cpu(&w->toy->cpu)->context;
    for (unsigned i = 0; i < ARRAY_SIZE(pcs); i++) {
        u32 index = tlb_jump_index(pcs[i]);
        w->toy->x[0] = pcs[i];
        w->toy->x[1] = 0;
        assert_null(run_code(w, jump));
        assert_int_equal(w->toy->pc, pcs[i]);
        assert_int_equal(w->toy->x[1], 0);
        c->jump[index].code = there;
        c->jump[index].pc = pcs[i];
        assert_false(tlb_jump_is_empty(pcs[i], index));
        assert_null(run_code(w, jump));
        assert_int_equal(w->toy->pc, 0x2000);
        assert_int_equal(w->toy->x[1], 1);
        w->toy->x[0] = pcs[i] ^ BIT(40);
        assert_null(run_code(w, jump));
        assert_int_equal(w->toy->pc, pcs[i] ^ BIT(40));
        tlb_jump_clear(c, index, memory_order_relaxed);
    }
    world_free(w);
}

/* A request is seen before the unit does anything. */
static void test_poll(void **state)
{
    struct world *w = world_new("jit");
    cool(w);
    const u8 *code = emit_text(w, "insn.4 0x1000\n" COUNTS "exit_lookup", 0);
    for (unsigned bit = CPU_EXIT_IRQ; bit <= CPU_EXIT_MAP; bit <<= 1) {
        w->toy->pc = w->toy->x[1] = 0;
        w->toy->cpu.exit_request = bit;
        assert_null(run_code(w, code));
        assert_int_equal(w->toy->x[1], 0);
        w->toy->cpu.exit_request = 0;
        assert_null(run_code(w, code));
        assert_int_equal(w->toy->x[1], 1);
    }
    world_free(w);
}

/* A unit whose instruction goes on in the next page asks whether that is still the page it was. */
static void test_second_page(void **state)
{
    struct world *w = world_new("jit");
    cool(w);
    struct tlb_context *c = jit_cpu(&w->toy->cpu)->context;
    w->out.page2_id = 77;
    const u8 *code = emit_text(w, "insn.4 0x1ffe\n" COUNTS "exit_jump 0x1000", 0);
    w->out.page2_id = 0;
    assert_null(run_code(w, code));
    assert_int_equal(w->toy->pc, 0x1ffe);
    assert_int_equal(w->toy->x[1], 0);
    c->code[tlb_code_index(0x2000)].id = 77;
    assert_ptr_equal(run_code(w, code), &w->links[0][0]);
    assert_int_equal(w->toy->x[1], 1);
    world_free(w);
}

/* A link in the page: patched, it goes on; unpatched, it comes back with its address. */
static void test_link(void **state)
{
    struct world *w = world_new("jit");
    cool(w);
    const u8 *from = emit_text(w,
                               "insn.4 0x1000\n%1:i64 = get x02\nexit_if %1, 0x1800\n"
                               "exit_jump 0x1900",
                               0);
    const u8 *to = emit_text(w, "insn.4 0x1900\n" COUNTS "exit_lookup", 1);
    struct jit_link *end = w->links[0][0].pc == 0x1900 ? &w->links[0][0] : &w->links[0][1];
    struct jit_link *side = w->links[0][0].pc == 0x1900 ? &w->links[0][1] : &w->links[0][0];
    assert_int_equal(side->pc, 0x1800);
    assert_false(end->id_patch || side->id_patch || end->patch & 3 || side->patch & 3);
    for (unsigned i = 0; i < 2; i++) {
        w->toy->x[2] = 0;
        assert_ptr_equal(run_code(w, from), end);
        w->toy->x[2] = 5;
        assert_ptr_equal(run_code(w, from), side);
        jit_x86_64.patch(w->jit, end, to, 0);
        assert_ptr_equal(run_code(w, from), side);
        w->toy->x[2] = 0;
        assert_null(run_code(w, from));
        assert_int_equal(w->toy->x[1], i + 1);
        jit_x86_64.patch(w->jit, end, NULL, 0);
    }
    world_free(w);
}

/* A link to another page holds while the page's identity does; else the jump cache is asked. */
static void test_link_across_pages(void **state)
{
    struct world *w = world_new("jit");
    cool(w);
    struct tlb_context *c = jit_cpu(&w->toy->cpu)->context;
    const u8 *from = emit_text(w, "insn.4 0x1000\nexit_jump 0x5900", 0);
    const u8 *to = emit_text(w, "insn.4 0x5900\n" COUNTS "exit_lookup", 1);
    struct jit_link *link = &w->links[0][0];
    u32 *id = &c->code[tlb_code_index(0x5900)].id;
    assert_true(link->id_patch && !(link->id_patch & 3) && !(link->patch & 3));
    for (*id = 0; *id < 9; ++*id) /* unlinked: whatever the page is */
        assert_ptr_equal(run_code(w, from), link);
    jit_x86_64.patch(w->jit, link, to, 9);
    assert_null(run_code(w, from));
    assert_int_equal(w->toy->x[1], 1);
    *id = 10;
    assert_ptr_equal(run_code(w, from), link);
    struct tlb_jump_entry *e = &c->jump[tlb_jump_index(0x5900)];
    e->code = to;
    e->pc = 0x5900;
    assert_null(run_code(w, from));
    assert_int_equal(w->toy->x[1], 2);
    tlb_jump_clear(c, tlb_jump_index(0x5900), memory_order_relaxed);
    *id = 9;
    jit_x86_64.patch(w->jit, link, NULL, 0);
    assert_ptr_equal(run_code(w, from), link);
    assert_int_equal(w->toy->x[1], 2);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random), cmocka_unit_test(test_float),
        cmocka_unit_test(test_spills), cmocka_unit_test(test_features),
        cmocka_unit_test(test_found),  cmocka_unit_test(test_indirect),
        cmocka_unit_test(test_poll),   cmocka_unit_test(test_second_page),
        cmocka_unit_test(test_link),   cmocka_unit_test(test_link_across_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
