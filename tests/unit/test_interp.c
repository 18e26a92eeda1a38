/*
 * test_interp.c - the interpreter on a fake architecture, with a flat array as guest memory: each
 * op that is not pure, precise state at every exit, and that the passes do not change what a unit
 * does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "ir_fake.h"
#include "jit/cache.h"
#include "jit/interp.h"
#include "jit/opt.h"

/* ---- Guest memory: MEM_BYTES from 0; everything above faults ---- */

enum { MEM_BYTES = 4096 };
struct machine {
    struct fake_cpu c;
    u8 mem[MEM_BYTES + 8];
    u64 linked;
};

static struct machine *machine_of(struct cpu *cpu)
{
    return container_of(fake(cpu), struct machine, c);
}

static enum isa_fault_kind check(unsigned aux, u64 vaddr, enum isa_access access,
                                 struct isa_fault *f)
{
    enum isa_fault_kind kind = vaddr >= MEM_BYTES ? ISA_FAULT_PAGE : ISA_FAULT_NONE;
    if (aux & IR_MEM_ALIGN && vaddr % IR_MEM_BYTES(aux))
        kind = ISA_FAULT_ALIGNMENT;
    *f = (struct isa_fault){.kind = kind, .access = access, .vaddr = vaddr};
    return kind;
}

enum isa_fault_kind slow_load(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                              struct isa_fault *f)
{
    if (check(aux, vaddr, ISA_READ, f) == ISA_FAULT_NONE)
        *out = load_le(&machine_of(cpu)->mem[vaddr], IR_MEM_BYTES(aux));
    return f->kind;
}

enum isa_fault_kind slow_store(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                               struct isa_fault *f)
{
    if (check(aux, vaddr, ISA_WRITE, f) == ISA_FAULT_NONE)
        store_le(&machine_of(cpu)->mem[vaddr], value, IR_MEM_BYTES(aux));
    return f->kind;
}

/* No unit here loads or stores vectors: test_vector.c has the whole machine for that. */
enum isa_fault_kind slow_load_wide(struct cpu *cpu, unsigned aux, u64 vaddr, struct ir_v128 *out,
                                   struct isa_fault *f)
{
    fail_msg("a vector is loaded");
    return ISA_FAULT_NONE;
}

enum isa_fault_kind slow_store_wide(struct cpu *cpu, unsigned aux, u64 vaddr,
                                    const struct ir_v128 *v, struct isa_fault *f)
{
    fail_msg("a vector is stored");
    return ISA_FAULT_NONE;
}

enum isa_fault_kind slow_rmw(struct cpu *cpu, unsigned aux, enum ir_rmw kind, u64 vaddr, u64 value,
                             u64 *old, struct isa_fault *f)
{
    if (slow_load(cpu, aux, vaddr, old, f))
        return f->kind;
    return slow_store(cpu, aux, vaddr, kind == IR_RMW_ADD ? *old + value : value, f);
}

enum isa_fault_kind slow_cas(struct cpu *cpu, unsigned aux, u64 vaddr, u64 expected, u64 desired,
                             u64 *old, struct isa_fault *f)
{
    if (slow_load(cpu, aux, vaddr, old, f))
        return f->kind;
    return *old == expected ? slow_store(cpu, aux, vaddr, desired, f) : ISA_FAULT_NONE;
}

enum isa_fault_kind slow_load_linked(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                                     struct isa_fault *f)
{
    machine_of(cpu)->linked = vaddr;
    return slow_load(cpu, aux, vaddr, out, f);
}

enum isa_fault_kind slow_store_cond(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                                    u64 *failed, struct isa_fault *f)
{
    *failed = machine_of(cpu)->linked != vaddr;
    return *failed ? ISA_FAULT_NONE : slow_store(cpu, aux, vaddr, value, f);
}

/* ---- Running text ---- */

static struct arena arena;
static u64 values[2 * IR_MAX_OPS];

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct machine *machine_new(void)
{
    static struct machine m;
    memset(&m, 0, sizeof(m));
    m.c.cpu.isa = &fake_isa;
    m.c.pc = 0xbad;
    for (unsigned i = 0; i < 4; i++)
        m.c.x[i] = 0x100 * i;
    return &m;
}

static struct ir_interp_exit run_text(struct machine *m, const char *text)
{
    struct ir_unit u;
    struct err err;
    arena_reset(&arena);
    if (ir_parse(&u, &arena, &fake_isa, text, &err) || ir_verify(&u, &err))
        fail_msg("%s in\n%s", err.text, text);
    return interp_run(&m->c.cpu, &u, values);
}

static void test_jump(void **state)
{
    struct machine *m = machine_new();
    (void)state;
    struct ir_interp_exit e =
        run_text(m, "insn.4 0x40\n%1:i64 = get x1\n%2:i64 = const 5\n%3:i64 = add %1, %2\n"
                    "put %3, x0\nexit_jump 0x123456789abc");
    assert_int_equal(e.kind, IR_INTERP_JUMP);
    assert_int_equal(e.pc, 0x123456789abc);
    assert_int_equal(m->c.x[0], 0x105);
    e = run_text(m,
                 "insn.4 0x40\n%1:i64 = get x2\nexit_if %1, 0xffffffff80000000\nexit_ind.ret %1");
    assert_int_equal(e.pc, 0xffffffff80000000);
    m->c.x[2] = 0;
    e = run_text(m, "insn.4 0x40\n%1:i64 = get x2\n%2:i64 = get x3\nexit_if %1, 0x80\nexit_ind %2");
    assert_int_equal(e.kind, IR_INTERP_JUMP);
    assert_int_equal(e.pc, 0x300);
}

static void test_lookup_writes_pc(void **state)
{
    struct machine *m = machine_new();
    (void)state;
    struct ir_interp_exit e = run_text(m, "insn.4 0x40\ninsn.4 0x44\nexit_lookup");
    assert_int_equal(e.kind, IR_INTERP_LOOKUP);
    assert_int_equal(m->c.pc, 0x44);
    (void)run_text(m, "insn.4 0x40\n%1:i64 = get x3\nput %1, pc\nexit_lookup");
    assert_int_equal(m->c.pc, 0x300);
    (void)run_text(m, "insn.4 0x40\n%1:i64 = get x3\nput %1, pc\ninsn.4 0x44\nexit_lookup");
    assert_int_equal(m->c.pc, 0x44);
    (void)run_text(m, "insn.4 0x40\n%1:i64 = get pc\nput %1, x0\nexit_jump 0");
    assert_int_equal(m->c.x[0], 0x40);
}

/* Puts before the op that faults are seen, those after are not. */
static void test_fault_is_precise(void **state)
{
    static const char *const accesses[] = {
        "%9:i64 = load.64 %2, 0",     "store.8 %2, %1, 0", "%9:i64 = rmw.64 %2, %1, add",
        "%9:i64 = cas.32 %2, %1, %1", "%9:i64 = ll.64 %2", "%9:i64 = load.64.align %1, 1",
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(accesses); i++) {
        struct machine *m = machine_new();
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
        assert_int_equal(m->c.pc, 0x44);
        assert_int_equal(m->c.x[2], 0x10000);
        assert_int_equal(m->c.x[3], 0x300);
    }
}

static void test_memory(void **state)
{
    struct machine *m = machine_new();
    (void)state;
    m->c.x[3] = 0xffeeddccbbaa9988;
    (void)run_text(m, "insn.4 0\n%1:i64 = get x1\n%2:i64 = get x3\nstore.64 %1, %2, -8\n%4:i64 = "
                      "load.8.s %1, -8\nput %4, x0\n"
                      "%6:i64 = load.32.s %1, -8\nput %6, x2\n%8:i32 = load.16.s %1, -8\nput %8, "
                      "w0\n%10:i32 = load.8 %1, -7\nput %10, w1\n"
                      "%12:f32 = load.32 %1, -4\nput %12, s0\nexit_jump 0");
    assert_int_equal(m->mem[0xf8], 0x88);
    assert_int_equal(m->c.x[0], 0xffffffffffffff88);
    assert_int_equal(m->c.x[2], 0xffffffffbbaa9988);
    assert_int_equal(m->c.w[0], 0xffff9988);
    assert_int_equal(m->c.w[1], 0x99);
    assert_int_equal(m->c.s[0], 0xffeeddcc);
}

static void test_atomics(void **state)
{
    struct machine *m = machine_new();
    (void)state;
    store_le(&m->mem[0x100], 0x80000001, 4);
    (void)run_text(
        m,
        "insn.4 0\n%1:i64 = get x1\n%2:i64 = const 2\n%3:i64 = rmw.32.s %1, %2, add\nput %3, x0\n"
        "%5:i64 = ll.32 %1\n%6:i64 = sc.32 %1, %2\nput %6, x2\n%8:i64 = const 0x200\n%9:i64 = "
        "sc.32 %8, %2\nput %9, x3\n"
        "fence.sl\nfence.ll\nexit_jump 0");
    assert_int_equal(m->c.x[0], 0xffffffff80000001);
    assert_int_equal(m->c.x[2], 0);
    assert_int_equal(m->c.x[3], 1);
    assert_int_equal(load_le(&m->mem[0x100], 4), 2);
    (void)run_text(m, "insn.4 0\n%1:i64 = get x1\n%2:i64 = const 2\n%3:i64 = const 7\n%4:i64 = "
                      "cas.64 %1, %2, %3\nput %4, x0\nexit_jump 0");
    assert_int_equal(m->c.x[0], 2);
    assert_int_equal(load_le(&m->mem[0x100], 8), 7);
}

static void test_state_beside_slots(void **state)
{
    struct machine *m = machine_new();
    char text[256];
    (void)state;
    m->c.state[0] = 0x1122334455668877;
    snprintf(text, sizeof(text),
             "insn.4 0\n%%1:i64 = ldst.16.s %zu\nput %%1, x0\n%%2:i32 = ldst.8 %zu\nput %%2, "
             "w0\nstst.16 %%1, %zu\nexit_jump 0",
             offsetof(struct fake_cpu, state), offsetof(struct fake_cpu, state) + 7,
             offsetof(struct fake_cpu, state) + 8);
    (void)run_text(m, text);
    assert_int_equal(m->c.x[0], 0xffffffffffff8877);
    assert_int_equal(m->c.w[0], 0x11);
    assert_int_equal(m->c.state[1], 0x8877);
}

static void test_calls(void **state)
{
    struct machine *m = machine_new();
    (void)state;
    struct ir_interp_exit e = run_text(
        m, "insn.4 0x40\n%1:i64 = get x1\n%2:i64 = get x2\n%3:i64 = call sum(%1, %2)\nput %3, x0\n"
           "call change(%1)\n%5:i64 = get x1\nput %5, x3\nexit_jump 0x80");
    assert_int_equal(m->c.x[0], 0x100 + 3 * 0x200);
    assert_int_equal(m->c.x[3], 0);
    assert_int_equal(e.pc, 0x80);
    /* A helper that enters a trap ends the unit with the pc it set; one that does not goes on. */
    m = machine_new();
    e = run_text(m, "insn.4 0x44\n%1:i64 = const 4\n%2:i64 = call fault(%1)\n%3:i64 = const 5\nput "
                    "%3, x0\n%4:i64 = call fault(%3)\n"
                    "put %1, x0\nexit_jump 0");
    assert_int_equal(e.kind, IR_INTERP_LOOKUP);
    assert_int_equal(m->c.pc, 0xdead0005);
    assert_int_equal(m->c.x[0], 5);
    m = machine_new();
    e = run_text(m, "insn.4 0x40\n%1:i64 = const 0\ntrap_if %1, trap, 1\ninsn.4 0x44\n%2:i64 = get "
                    "x1\ntrap_if %2, trap, 2\nexit_jump 0");
    assert_int_equal(e.kind, IR_INTERP_LOOKUP);
    assert_int_equal(m->c.trapped, 0x46);
    assert_int_equal(m->c.pc, 0x1000);
}

static void test_float(void **state)
{
    struct machine *m = machine_new();
    (void)state;
    m->c.f[0] = 0x3ff0000000000000; /* 1.0 */
    m->c.f[1] = 0x3ca0000000000000; /* 2^-53: half a unit in the last place */
    (void)run_text(m, "insn.4 0\n%1:f64 = get f0\n%2:f64 = get f1\n%3:f64 = fadd.dyn %1, %2\nput "
                      "%3, f0\nexit_jump 0");
    assert_int_equal(m->c.f[0], 0x3ff0000000000001); /* the fake rounds up */
    assert_int_equal(m->c.flags, FLOAT_NX);
    m->c.flags = 0;
    m->c.s[0] = 0x40000000;
    m->c.s[1] = 0x40400000;
    (void)run_text(m, "insn.4 0\n%1:f32 = get s0\n%2:f32 = get s1\n%3:f32 = fmadd.rne.negp %1, %2, "
                      "%1\nput %3, s0\n%4:i64 = fcmp.lt %1, %2\n"
                      "put %4, x0\n%5:i32 = ftoi.rtz %3\nput %5, w0\n%6:f64 = fcvt.rne %3\nput %6, "
                      "f1\n%7:f32 = itof.rne.u %5\nput %7, s1\nexit_jump 0");
    assert_int_equal(m->c.s[0], 0xc0800000); /* -(2*3) + 2 = -4 */
    assert_int_equal(m->c.x[0], 1);
    assert_int_equal(m->c.w[0], 0xfffffffc);
    assert_int_equal(m->c.f[1], 0xc010000000000000);
    assert_int_equal(m->c.s[1], 0x4f800000);
    assert_int_equal(m->c.flags, FLOAT_NX); /* 2^32 - 4 as f32 */
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
    memset(m, 0, sizeof(*m));
    m->c.cpu.isa = &fake_isa;
    for (unsigned i = 0; i < 4; i++) {
        m->c.x[i] = corner(r);
        m->c.state[i] = corner(r);
    }
    for (unsigned i = 0; i < 2; i++) {
        m->c.w[i] = (u32)corner(r);
        m->c.f[i] = corner(r);
        m->c.s[i] = (u32)corner(r);
    }
    for (unsigned i = 0; i < MEM_BYTES; i += 8)
        store_le(&m->mem[i], rnd(r), 8);
}

static void test_passes_change_nothing(void **state)
{
    static struct machine first, second;
    struct random r = {2026};
    unsigned smaller = 0, kinds[3] = {0};
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        struct ir_builder b;
        struct ir_unit u;
        arena_reset(&arena);
        random_unit(&b, &u, &r);
        struct ir_unit o = copy_of(&u);
        ir_optimize(&o, &arena, ~0u);
        smaller += o.count < u.count;
        for (unsigned n = 0; n < 4; n++) {
            fill(&first, &r);
            memcpy(&second, &first, sizeof(first));
            struct ir_interp_exit x = interp_run(&first.c.cpu, &u, values);
            struct ir_interp_exit y = interp_run(&second.c.cpu, &o, values);
            kinds[x.kind]++;
            assert_int_equal(x.kind, y.kind);
            assert_int_equal(x.pc, y.pc);
            assert_int_equal(x.fault.vaddr, y.fault.vaddr);
            if (x.kind == IR_INTERP_JUMP) /* the target says it; the slot need not */
                first.c.pc = second.c.pc;
            assert_memory_equal(&first, &second, sizeof(first));
        }
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
