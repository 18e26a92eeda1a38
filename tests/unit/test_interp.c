/*
 * test_interp.c - the interpreter on a fake architecture with a page of memory: each op that is not
 * pure, precise state at every exit, and that the passes do not change what a unit does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "ir_fake.h"
#include "jit/cache.h"
#include "jit/engine.h"
#include "jit/interp.h"
#include "jit/opt.h"

/* ---- A machine: MEM_BYTES of memory from 0; everything above faults ---- */

enum { MEM_BYTES = 4096 };
struct machine {
    struct epoch epoch;
    struct memory memory;
    struct mem_space space;
    struct mem_region root, ram_region;
    struct ram_block *ram;
    struct log log;
    struct jit *jit;
    struct cpu_host host;
    struct fake_cpu *c;
    u8 *mem;
};

static int fake_init(struct cpu *cpu, const char *arch, const char *model, struct err *err)
{
    return 0;
}

static void fake_fini(struct cpu *cpu)
{
}

static void fake_context(struct cpu *cpu, unsigned n, struct isa_context *out)
{
    *out = (struct isa_context){0};
}

static enum isa_fault_kind fake_walk(struct cpu *cpu, const struct isa_context *context, u64 vaddr,
                                     enum isa_access access, struct isa_mapping *m,
                                     struct isa_fault *f)
{
    *m = (struct isa_mapping){.paddr = vaddr, .page_size = MEM_BYTES, .rights = 7};
    *f = (struct isa_fault){.kind = vaddr < MEM_BYTES ? ISA_FAULT_NONE : ISA_FAULT_PAGE,
                            .access = access,
                            .vaddr = vaddr};
    return f->kind;
}

/* fake_isa as the engine must know it to have a CPU. */
static const struct isa fake_cpu_isa = {
    .name = "fake",
    .cpu_size = sizeof(struct fake_cpu),
    .slots = fake_slots,
    .slot_count = SLOTS,
    .pc_slot = PC,
    .init = fake_init,
    .fini = fake_fini,
    .context = fake_context,
    .walk = fake_walk,
    .float_round = fake_round,
    .float_accrue = fake_accrue,
};

static struct arena arena;
static u64 values[2 * IR_MAX_OPS];

static int setup(void **state)
{
    struct machine *m = calloc(1, sizeof(*m));
    struct err err;
    arena_init(&arena);
    epoch_init(&m->epoch);
    log_init(&m->log);
    memory_init(&m->memory, &m->epoch);
    m->ram = ram_block_new(&m->memory, "ram", MEM_BYTES, &err);
    assert_non_null(m->ram);
    m->mem = m->ram->host;
    mem_container(&m->root, "root", UINT64_MAX);
    mem_ram(&m->ram_region, "ram", m->ram, 0, MEM_BYTES);
    mem_map(&m->memory, &m->root, 0, &m->ram_region, 0);
    mem_space_init(&m->space, &m->memory, "fake", &m->root);
    m->jit = jit_create("interp", &m->memory, &m->epoch, &m->log, &err);
    assert_non_null(m->jit);
    m->host = (struct cpu_host){.epoch = &m->epoch,
                                .log = &m->log,
                                .engine_shared = m->jit,
                                .engine = jit_cpu_engine(m->jit)};
    m->c = fake(cpu_create(&fake_cpu_isa, &m->host, &m->space, 0, "fake", "", &err));
    assert_non_null(m->c);
    jit_context_refresh(&m->c->cpu);
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct machine *m = *state;
    cpu_destroy(&m->c->cpu);
    jit_destroy(m->jit);
    mem_space_fini(&m->space);
    mem_unmap(&m->memory, &m->ram_region);
    memory_fini(&m->memory);
    log_fini(&m->log);
    epoch_fini(&m->epoch);
    free(m);
    arena_fini(&arena);
    return 0;
}

/* What a unit can change. */
struct guest {
    u8 state[sizeof(struct fake_cpu) - offsetof(struct fake_cpu, pc)];
    u8 mem[MEM_BYTES];
};

static void get_guest(const struct machine *m, struct guest *g)
{
    memcpy(g->state, &m->c->pc, sizeof(g->state));
    memcpy(g->mem, m->mem, MEM_BYTES);
}

static void set_guest(struct machine *m, const struct guest *g)
{
    memcpy(&m->c->pc, g->state, sizeof(g->state));
    memcpy(m->mem, g->mem, MEM_BYTES);
    m->c->cpu.unwind = m->c->cpu.linked = 0;
}

static struct machine *machine_fresh(void **state)
{
    static const struct guest zero;
    struct machine *m = *state;
    set_guest(m, &zero);
    m->c->pc = 0xbad;
    for (unsigned i = 0; i < 4; i++)
        m->c->x[i] = 0x100 * i;
    return m;
}

/* ---- Running text ---- */

static struct ir_interp_exit run_text(struct machine *m, const char *text)
{
    struct ir_unit u;
    struct err err;
    arena_reset(&arena);
    if (ir_parse(&u, &arena, &fake_isa, text, &err) || ir_verify(&u, &err))
        fail_msg("%s in\n%s", err.text, text);
    return interp_run(&m->c->cpu, &u, values);
}

static void test_jump(void **state)
{
    struct machine *m = machine_fresh(state);
    struct ir_interp_exit e =
        run_text(m, "insn.4 0x40\n%1:i64 = get x1\n%2:i64 = const 5\n%3:i64 = add %1, %2\n"
                    "put %3, x0\nexit_jump 0x123456789abc");
    assert_int_equal(e.kind, IR_INTERP_JUMP);
    assert_int_equal(e.pc, 0x123456789abc);
    assert_int_equal(m->c->x[0], 0x105);
    e = run_text(m,
                 "insn.4 0x40\n%1:i64 = get x2\nexit_if %1, 0xffffffff80000000\nexit_ind.ret %1");
    assert_int_equal(e.pc, 0xffffffff80000000);
    m->c->x[2] = 0;
    e = run_text(m, "insn.4 0x40\n%1:i64 = get x2\n%2:i64 = get x3\nexit_if %1, 0x80\nexit_ind %2");
    assert_int_equal(e.kind, IR_INTERP_JUMP);
    assert_int_equal(e.pc, 0x300);
}

static void test_lookup_writes_pc(void **state)
{
    struct machine *m = machine_fresh(state);
    struct ir_interp_exit e = run_text(m, "insn.4 0x40\ninsn.4 0x44\nexit_lookup");
    assert_int_equal(e.kind, IR_INTERP_LOOKUP);
    assert_int_equal(m->c->pc, 0x44);
    (void)run_text(m, "insn.4 0x40\n%1:i64 = get x3\nput %1, pc\nexit_lookup");
    assert_int_equal(m->c->pc, 0x300);
    (void)run_text(m, "insn.4 0x40\n%1:i64 = get x3\nput %1, pc\ninsn.4 0x44\nexit_lookup");
    assert_int_equal(m->c->pc, 0x44);
    (void)run_text(m, "insn.4 0x40\n%1:i64 = get pc\nput %1, x0\nexit_jump 0");
    assert_int_equal(m->c->x[0], 0x40);
}

/* Puts before the op that faults are seen, those after are not. */
static void test_fault_is_precise(void **state)
{
    static const char *const accesses[] = {
        "%9:i64 = load.64 %2, 0",     "store.8 %2, %1, 0", "%9:i64 = rmw.64 %2, %1, add",
        "%9:i64 = cas.32 %2, %1, %1", "%9:i64 = ll.64 %2", "%9:i64 = load.64.align %1, 1",
    };
    for (unsigned i = 0; i < ARRAY_SIZE(accesses); i++) {
        struct machine *m = machine_fresh(state);
        char text[256];
        snprintf(text, sizeof(text),
                 "insn.4 0x40\n%%1:i64 = get x1\n%%2:i64 = const 0x10000\nput %%2, x2\ninsn.2 "
                 "0x44\n%s\nput %%2, x3\n"
                 "exit_jump 0x46",
                 accesses[i]);
        struct ir_interp_exit e = run_text(m, text);
        assert_int_equal(e.kind, IR_INTERP_FAULT);
        bool aligned = i + 1 < ARRAY_SIZE(accesses);
        assert_int_equal(e.fault.kind, aligned ? ISA_FAULT_PAGE : ISA_FAULT_ALIGNMENT);
        assert_int_equal(e.fault.vaddr, aligned ? 0x10000 : 0x101);
        assert_int_equal(m->c->pc, 0x44);
        assert_int_equal(m->c->x[2], 0x10000);
        assert_int_equal(m->c->x[3], 0x300);
    }
}

static void test_memory(void **state)
{
    struct machine *m = machine_fresh(state);
    m->c->x[3] = 0xffeeddccbbaa9988;
    (void)run_text(m, "insn.4 0\n%1:i64 = get x1\n%2:i64 = get x3\nstore.64 %1, %2, -8\n%4:i64 = "
                      "load.8.s %1, -8\nput %4, x0\n"
                      "%6:i64 = load.32.s %1, -8\nput %6, x2\n%8:i32 = load.16.s %1, -8\nput %8, "
                      "w0\n%10:i32 = load.8 %1, -7\nput %10, w1\n"
                      "%12:f32 = load.32 %1, -4\nput %12, s0\nexit_jump 0");
    assert_int_equal(m->mem[0xf8], 0x88);
    assert_int_equal(m->c->x[0], 0xffffffffffffff88);
    assert_int_equal(m->c->x[2], 0xffffffffbbaa9988);
    assert_int_equal(m->c->w[0], 0xffff9988);
    assert_int_equal(m->c->w[1], 0x99);
    assert_int_equal(m->c->s[0], 0xffeeddcc);
}

static void test_atomics(void **state)
{
    struct machine *m = machine_fresh(state);
    store_le(&m->mem[0x100], 0x80000001, 4);
    (void)run_text(
        m,
        "insn.4 0\n%1:i64 = get x1\n%2:i64 = const 2\n%3:i64 = rmw.32.s %1, %2, add\nput %3, x0\n"
        "%5:i64 = ll.32 %1\n%6:i64 = sc.32 %1, %2\nput %6, x2\n%8:i64 = const 0x200\n%9:i64 = "
        "sc.32 %8, %2\nput %9, x3\n"
        "fence.sl\nfence.ll\nexit_jump 0");
    assert_int_equal(m->c->x[0], 0xffffffff80000001);
    assert_int_equal(m->c->x[2], 0);
    assert_int_equal(m->c->x[3], 1);
    assert_int_equal(load_le(&m->mem[0x100], 4), 2);
    (void)run_text(m, "insn.4 0\n%1:i64 = get x1\n%2:i64 = const 2\n%3:i64 = const 7\n%4:i64 = "
                      "cas.64 %1, %2, %3\nput %4, x0\nexit_jump 0");
    assert_int_equal(m->c->x[0], 2);
    assert_int_equal(load_le(&m->mem[0x100], 8), 7);
}

static void test_state_beside_slots(void **state)
{
    struct machine *m = machine_fresh(state);
    char text[256];
    m->c->state[0] = 0x1122334455668877;
    snprintf(text, sizeof(text),
             "insn.4 0\n%%1:i64 = ldst.16.s %zu\nput %%1, x0\n%%2:i32 = ldst.8 %zu\nput %%2, "
             "w0\nstst.16 %%1, %zu\nexit_jump 0",
             offsetof(struct fake_cpu, state), offsetof(struct fake_cpu, state) + 7,
             offsetof(struct fake_cpu, state) + 8);
    (void)run_text(m, text);
    assert_int_equal(m->c->x[0], 0xffffffffffff8877);
    assert_int_equal(m->c->w[0], 0x11);
    assert_int_equal(m->c->state[1], 0x8877);
}

static void test_calls(void **state)
{
    struct machine *m = machine_fresh(state);
    struct ir_interp_exit e = run_text(
        m, "insn.4 0x40\n%1:i64 = get x1\n%2:i64 = get x2\n%3:i64 = call sum(%1, %2)\nput %3, x0\n"
           "call change(%1)\n%5:i64 = get x1\nput %5, x3\nexit_jump 0x80");
    assert_int_equal(m->c->x[0], 0x100 + 3 * 0x200);
    assert_int_equal(m->c->x[3], 0);
    assert_int_equal(e.pc, 0x80);
    /* A helper that enters a trap ends the unit with the pc it set; one that does not goes on. */
    m = machine_fresh(state);
    e = run_text(m, "insn.4 0x44\n%1:i64 = const 4\n%2:i64 = call fault(%1)\n%3:i64 = const 5\nput "
                    "%3, x0\n%4:i64 = call fault(%3)\n"
                    "put %1, x0\nexit_jump 0");
    assert_int_equal(e.kind, IR_INTERP_LOOKUP);
    assert_int_equal(m->c->pc, 0xdead0005);
    assert_int_equal(m->c->x[0], 5);
    m = machine_fresh(state);
    e = run_text(m, "insn.4 0x40\n%1:i64 = const 0\ntrap_if %1, trap, 1\ninsn.4 0x44\n%2:i64 = get "
                    "x1\ntrap_if %2, trap, 2\nexit_jump 0");
    assert_int_equal(e.kind, IR_INTERP_LOOKUP);
    assert_int_equal(m->c->trapped, 0x46);
    assert_int_equal(m->c->pc, 0x1000);
}

static void test_float(void **state)
{
    struct machine *m = machine_fresh(state);
    m->c->f[0] = 0x3ff0000000000000; /* 1.0 */
    m->c->f[1] = 0x3ca0000000000000; /* 2^-53: half a unit in the last place */
    (void)run_text(m, "insn.4 0\n%1:f64 = get f0\n%2:f64 = get f1\n%3:f64 = fadd.dyn %1, %2\nput "
                      "%3, f0\nexit_jump 0");
    assert_int_equal(m->c->f[0], 0x3ff0000000000001); /* the fake rounds up */
    assert_int_equal(m->c->flags, FLOAT_NX);
    m->c->flags = 0;
    m->c->s[0] = 0x40000000;
    m->c->s[1] = 0x40400000;
    (void)run_text(m, "insn.4 0\n%1:f32 = get s0\n%2:f32 = get s1\n%3:f32 = fmadd.rne.negp %1, %2, "
                      "%1\nput %3, s0\n%4:i64 = fcmp.lt %1, %2\n"
                      "put %4, x0\n%5:i32 = ftoi.rtz %3\nput %5, w0\n%6:f64 = fcvt.rne %3\nput %6, "
                      "f1\n%7:f32 = itof.rne.u %5\nput %7, s1\nexit_jump 0");
    assert_int_equal(m->c->s[0], 0xc0800000); /* -(2*3) + 2 = -4 */
    assert_int_equal(m->c->x[0], 1);
    assert_int_equal(m->c->w[0], 0xfffffffc);
    assert_int_equal(m->c->f[1], 0xc010000000000000);
    assert_int_equal(m->c->s[1], 0x4f800000);
    assert_int_equal(m->c->flags, FLOAT_NX); /* 2^32 - 4 as f32 */
}

/* ---- Passes against the unit as built ---- */

static void random_effect(struct ir_builder *b, struct random *r, u64 pc)
{
    ir_value addr = ir_andi(b, pick(b, r, IR_I64), below(r, 5) ? 0xfff : 0x1fff);
    ir_value v = pick(b, r, IR_I64);
    switch (below(r, 12)) {
    case 0: (void)ir_load(b, IR_I64, below(r, 16) & ~4u, addr, 0); break;
    case 1: ir_store(b, below(r, 4), addr, 0, v); break;
    case 2: (void)ir_call0(b, &fake_helpers[LOOK]); break;
    case 3:
        (void)ir_call1(b, &fake_helpers[CHANGE], v);
        (void)ir_get(b, X0 + below(r, 4));
        break;
    case 4: (void)ir_call2(b, &fake_helpers[SUM], v, addr); break;
    case 5:
        (void)ir_call1(b, &fake_helpers[FAULT], ir_andi(b, v, below(r, 4) ? 0xfe : 0xff));
        break;
    case 6: ir_exit_if(b, ir_cmp(b, IR_EQ, addr, pick(b, r, IR_I64)), pc ^ 0x1000); break;
    case 7: ir_trap_if(b, ir_cmp(b, IR_EQ, addr, v), &fake_helpers[TRAP], 3); break;
    default: ir_put(b, X0 + below(r, 4), v);
    }
}

static void random_unit(struct ir_builder *b, struct ir_unit *u, struct random *r)
{
    begin_unit(b, u, &arena);
    for (unsigned i = 0; i < 40; i++) {
        u64 pc = 0x80000004 + 4 * i;
        ir_insn(b, pc, 4);
        for (unsigned n = below(r, 3); n > 0; n--)
            (void)ir_pure(b, random_pure(b, r, random_shape(r)));
        if (below(r, 3))
            ir_put(b, X0 + below(r, 4), pick(b, r, IR_I64));
        if (below(r, 3) == 0)
            random_effect(b, r, pc);
    }
    if (below(r, 2))
        ir_exit_lookup(b);
    else
        ir_exit_indirect(b, pick(b, r, IR_I64), IR_JUMP_PLAIN);
}

static struct ir_unit copy_of(const struct ir_unit *u)
{
    struct ir_unit k = *u;
    k.ops =
        memcpy(arena_alloc(&arena, u->count * sizeof(*u->ops)), u->ops, u->count * sizeof(*u->ops));
    k.args =
        memcpy(arena_alloc(&arena, IR_MAX_ARGS * sizeof(u32)), u->args, u->arg_count * sizeof(u32));
    return k;
}

static void fill(struct machine *m, struct random *r)
{
    for (unsigned i = 0; i < 4; i++) {
        m->c->x[i] = corner(r);
        m->c->state[i] = corner(r);
    }
    for (unsigned i = 0; i < 2; i++) {
        m->c->w[i] = (u32)corner(r);
        m->c->f[i] = corner(r);
        m->c->s[i] = (u32)corner(r);
    }
    for (unsigned i = 0; i < MEM_BYTES; i += 8)
        store_le(&m->mem[i], rnd(r), 8);
}

/* Runs both from one random state; how the first left. */
static enum ir_interp_kind run_both(struct machine *m, struct random *r, const struct ir_unit *u,
                                    const struct ir_unit *o)
{
    static struct guest start, first, second;
    machine_fresh((void *[]){m});
    fill(m, r);
    get_guest(m, &start);
    struct ir_interp_exit x = interp_run(&m->c->cpu, u, values);
    if (x.kind == IR_INTERP_JUMP) /* the target says it; the slot need not */
        m->c->pc = x.pc;
    get_guest(m, &first);
    set_guest(m, &start);
    struct ir_interp_exit y = interp_run(&m->c->cpu, o, values);
    if (y.kind == IR_INTERP_JUMP)
        m->c->pc = y.pc;
    get_guest(m, &second);
    assert_int_equal(x.kind, y.kind);
    assert_int_equal(x.pc, y.pc);
    assert_int_equal(x.fault.vaddr, y.fault.vaddr);
    assert_memory_equal(&first, &second, sizeof(first));
    return x.kind;
}

static void test_passes_change_nothing(void **state)
{
    struct random r = {2026};
    unsigned smaller = 0, kinds[3] = {0};
    for (unsigned i = 0; i < 3000; i++) {
        struct ir_builder b;
        struct ir_unit u;
        arena_reset(&arena);
        random_unit(&b, &u, &r);
        struct ir_unit o = copy_of(&u);
        ir_optimize(&o, &arena, ~0u);
        smaller += o.count < u.count;
        for (unsigned n = 0; n < 4; n++)
            kinds[run_both(*state, &r, &u, &o)]++;
    }
    assert_in_range(smaller, 2000, 3000);
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
        assert_in_range(kinds[k], 300, 12000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jump),
        cmocka_unit_test(test_lookup_writes_pc),
        cmocka_unit_test(test_fault_is_precise),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_atomics),
        cmocka_unit_test(test_state_beside_slots),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_float),
        cmocka_unit_test(test_passes_change_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
