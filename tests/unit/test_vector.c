/*
 * test_vector.c - v128 operations: translated code against the interpreter, on random units with
 * memory and spills; and the interpreter against lane definitions written here a second time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jit/cache.h"
#include "jit/engine.h"
#include "jit/eval.h"
#include "jit/interp.h"
#include "jit/opt_fold.h"
#include "jit/stats.h"
#include "jit/x86_64/stubs.h"
#include "memory/memory.h"

enum { RAM_SIZE = 8 * 4096, XS = 8, VS = 12, PC = XS + VS, SLOTS };

struct toy {
    struct cpu cpu;
    u64 x[XS], pc;
    _Alignas(16) u64 v[VS][2];
    u32 round, flags;
    u64 faults;
};

static struct toy *toy(struct cpu *cpu)
{
    return (struct toy *)cpu;
}

/* ---- A made-up architecture -------------------------------------------------------------------
 */

static int toy_init(struct cpu *cpu, const char *arch, const char *model, struct err *err)
{
    return 0;
}

static void toy_fini(struct cpu *cpu)
{
}

static void toy_context(struct cpu *cpu, unsigned n, struct isa_context *out)
{
    *out = (struct isa_context){.view = n == ISA_CONTEXT_FETCH ? 0 : n};
}

/* Identity; the last page is not mapped. */
static enum isa_fault_kind toy_walk(struct cpu *cpu, const struct isa_context *c, u64 vaddr,
                                    enum isa_access access, struct isa_mapping *m,
                                    struct isa_fault *f)
{
    if (vaddr >= RAM_SIZE - 4096) {
        f->vaddr = vaddr;
        f->access = access;
        return f->kind = ISA_FAULT_PAGE;
    }
    *m = (struct isa_mapping){.paddr = vaddr, .page_size = 4096, .rights = 7};
    return ISA_FAULT_NONE;
}

static void toy_fault(struct cpu *cpu, const struct isa_fault *f)
{
    toy(cpu)->faults = toy(cpu)->faults * 31 + f->vaddr + toy(cpu)->pc;
    toy(cpu)->pc = 0xfa0;
}

static unsigned toy_round(const struct cpu *cpu)
{
    return ((const struct toy *)cpu)->round;
}

static void toy_accrue(struct cpu *cpu, unsigned flags)
{
    toy(cpu)->flags |= flags & 31;
}

static u64 helper_write(struct cpu *cpu, u64 v)
{
    toy(cpu)->v[v % VS][v / VS & 1] ^= v;
    return v;
}

static const struct ir_helper helpers[] = {
    {"write", (void *)helper_write, IR_I64, 1, IR_FX_READ | IR_FX_WRITE}, {0}};

static struct isa_slot slots[SLOTS];
static struct isa toy_isa = {
    .name = "toy",
    .cpu_size = sizeof(struct toy),
    .slots = slots,
    .slot_count = SLOTS,
    .pc_slot = PC,
    .state_bias = offsetof(struct toy, x) + 128,
    .helpers = helpers,
    .helper_count = 1,
    .init = toy_init,
    .fini = toy_fini,
    .context = toy_context,
    .walk = toy_walk,
    .fault = toy_fault,
    .float_round = toy_round,
    .float_accrue = toy_accrue,
};

static void make_slots(void)
{
    static char names[SLOTS][4];
    for (unsigned i = 0; i < SLOTS; i++)
        snprintf(names[i], sizeof(names[i]), "%c%u", i < XS ? 'x' : 'v', i < XS ? i : i - XS);
    for (u32 i = 0; i < XS; i++)
        slots[i] = (struct isa_slot){names[i], (u32)offsetof(struct toy, x) + 8 * i, IR_I64};
    for (u32 i = 0; i < VS; i++)
        slots[XS + i] =
            (struct isa_slot){names[XS + i], (u32)offsetof(struct toy, v) + 16 * i, IR_V128};
    slots[PC] = (struct isa_slot){"pc", offsetof(struct toy, pc), IR_I64};
}

/* ---- World ------------------------------------------------------------------------------------
 */

struct image {
    u64 x[XS], v[VS][2], pc, faults;
    u32 round, flags;
    u8 ram[RAM_SIZE];
};

struct world {
    struct epoch epoch;
    struct memory memory;
    struct mem_space space;
    struct mem_region root, ram_region;
    struct ram_block *ram;
    struct log log;
    struct jit *jit;
    struct cpu_host host;
    struct toy *toy;
    struct arena arena;
    struct jit_emit out;
    struct jit_link links[JIT_MAX_LINKS];
    u64 values[2 * IR_MAX_OPS];
    u64 seed;
    struct image start, want, got;
};

static struct world *world_new(const char *accel)
{
    struct world *w = calloc(1, sizeof(*w));
    struct err err = {0};
    assert_non_null(w);
    make_slots();
    epoch_init(&w->epoch);
    log_init(&w->log);
    memory_init(&w->memory, &w->epoch);
    w->ram = ram_block_new(&w->memory, "ram", RAM_SIZE, &err);
    assert_non_null(w->ram);
    mem_container(&w->root, "root", UINT64_MAX);
    mem_ram(&w->ram_region, "ram", w->ram, 0, RAM_SIZE);
    mem_map(&w->memory, &w->root, 0, &w->ram_region, 0);
    mem_space_init(&w->space, &w->memory, "toy", &w->root);
    w->jit = jit_create(accel, &w->memory, &w->epoch, &w->log, &err);
    if (!w->jit)
        fail_msg("%s", err.text);
    w->jit->isa_list[0] = &toy_isa;
    w->jit->isa_list[1] = NULL;
    assert_true(jit_x86_64.init(w->jit, &err) > 0);
    w->host = (struct cpu_host){
        .epoch = &w->epoch, .log = &w->log, .engine_shared = w->jit, .engine = &cpu_engine_jit};
    w->toy = (struct toy *)cpu_create(&toy_isa, &w->host, &w->space, 0, "toy", "", &err);
    assert_non_null(w->toy);
    arena_init(&w->arena);
    return w;
}

static void world_free(struct world *w)
{
    cpu_destroy(&w->toy->cpu);
    jit_destroy(w->jit);
    mem_space_fini(&w->space);
    mem_unmap(&w->memory, &w->ram_region);
    memory_fini(&w->memory);
    log_fini(&w->log);
    epoch_fini(&w->epoch);
    arena_fini(&w->arena);
    free(w);
}

static u64 rnd(struct world *w)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(struct world *w, unsigned n)
{
    return (unsigned)(rnd(w) >> 33) % n;
}

/* Words whose lanes are near the edges of integers and floats. */
static u64 some_word(struct world *w)
{
    static const u64 corner[] = {0,
                                 ~UINT64_C(0),
                                 UINT64_C(0x8000800080008000),
                                 UINT64_C(0x7fff7fff7fff7fff),
                                 UINT64_C(0x8080808080808080),
                                 UINT64_C(0x7f7f7f7f7f7f7f7f),
                                 UINT64_C(0x0001020304050607),
                                 UINT64_C(0x0f10ff8000010203),
                                 BIT(63),
                                 BIT(63) - 1,
                                 UINT64_C(0x7f8000003f800000),
                                 UINT64_C(0x7fc0000000800000),
                                 UINT64_C(0xff80000180000000),
                                 UINT64_C(0x7ff0000000000000),
                                 UINT64_C(0x7ff8000000000001),
                                 UINT64_C(0x7ff0000000000001),
                                 UINT64_C(0x3ff0000000000000),
                                 1};
    double d = (double)(s64)(rnd(w) >> below(w, 60)) / (1 + below(w, 1000));
    u64 bits;
    memcpy(&bits, &d, 8);
    switch (below(w, 4)) {
    case 0: return corner[below(w, ARRAY_SIZE(corner))];
    case 1: return bits;
    default: return rnd(w);
    }
}

static void random_image(struct world *w, struct image *s)
{
    for (unsigned i = 0; i < XS; i++)
        s->x[i] = some_word(w);
    for (unsigned i = 0; i < VS; i++) {
        s->v[i][0] = some_word(w);
        s->v[i][1] = below(w, 4) ? some_word(w) : s->v[i][0];
    }
    s->pc = 0x77;
    s->faults = 0;
    s->flags = 0;
    s->round = below(w, 4);
    for (unsigned i = 0; i < RAM_SIZE; i += 8)
        store_le(s->ram + i, rnd(w), 8);
}

static void set_image(struct world *w, const struct image *s)
{
    struct toy *t = w->toy;
    memcpy(t->x, s->x, sizeof(t->x));
    memcpy(t->v, s->v, sizeof(t->v));
    t->pc = s->pc;
    t->faults = s->faults;
    t->flags = s->flags;
    t->round = s->round;
    memcpy(w->ram->host, s->ram, RAM_SIZE);
}

static void get_image(struct world *w, struct image *s)
{
    const struct toy *t = w->toy;
    memcpy(s->x, t->x, sizeof(t->x));
    memcpy(s->v, t->v, sizeof(t->v));
    s->pc = t->pc;
    s->faults = t->faults;
    s->flags = t->flags;
    s->round = t->round;
    memcpy(s->ram, w->ram->host, RAM_SIZE);
}

/* ---- Random units -----------------------------------------------------------------------------
 */

static ir_value pick(struct world *w, struct ir_builder *b, enum ir_type type)
{
    const struct ir_unit *u = b->unit;
    for (u32 v = below(w, u->count), n = 0; n < u->count && below(w, 8);
         v = (v + 1) % u->count, n++)
        if (ir_op_info[u->ops[v].op].result[0] != '-' && u->ops[v].type == type)
            return v;
    switch (type) {
    case IR_V128: return ir_get(b, XS + below(w, VS));
    case IR_I64: return below(w, 3) ? ir_get(b, below(w, XS)) : ir_const(b, some_word(w));
    case IR_I32: return ir_trunc(b, ir_get(b, below(w, XS)));
    default: return ir_vlow(b, type, ir_get(b, XS + below(w, VS)));
    }
}

static unsigned some_aux(struct world *w, unsigned op)
{
    if (!ir_op_is_vector_float(op))
        return below(w, op == IR_VSXT || op == IR_VZXT ? 3 : 4);
    unsigned aux = (below(w, 2) ? IR_FLOAT_WIDE : 0) | (below(w, 8) ? IR_FLOAT_DYN : below(w, 4));
    aux |= below(w, 3) << IR_FLOAT_NAN_SHIFT;
    if (op == IR_VFCMP)
        aux |= below(w, 3) << 8 | (below(w, 2) ? IR_FLOAT_SIGNAL : 0);
    if (op == IR_VFMADD)
        aux |= below(w, 4) << 5;
    return aux;
}

static u32 some_constant(struct world *w, unsigned op, unsigned aux)
{
    switch (op) {
    case IR_VGET:
    case IR_VSET: return below(w, 16 >> (aux & 3));
    case IR_VEXT: return below(w, 17);
    default: return below(w, (8 << (aux & 3)) + 1);
    }
}

/* Any operation of ir.def's vectors, on values of the types it takes. */
static void random_vector(struct world *w, struct ir_builder *b)
{
    static const u8 scalars[] = {IR_I32, IR_I64, IR_F32, IR_F64};
    unsigned op = IR_VPAIR + below(w, IR_VFCMP - IR_VPAIR + 1), aux = some_aux(w, op);
    enum ir_type scalar = scalars[below(w, 4)], first = IR_V128, second = IR_V128, type = IR_V128;
    if (op == IR_VPAIR)
        first = second = IR_I64;
    if (op == IR_VZEXT)
        first = scalar;
    if (op == IR_VDUP)
        first = IR_I64;
    if (op == IR_VSET)
        second = IR_I64;
    if (op == IR_VLOW)
        type = scalar;
    if (op == IR_VGET)
        type = IR_I64;
    const char *shape = ir_op_info[op].operands;
    struct ir_op o = {.op = (u8)op, .type = (u8)type, .aux = (u16)aux};
    if (op == IR_VPAIR || op == IR_VLOW || op == IR_VZEXT || op == IR_VHALF)
        o.aux = 0;
    o.a = pick(w, b, first);
    if (shape[1] == 'v')
        o.b = below(w, 10) ? pick(w, b, second) : first == second ? o.a : pick(w, b, second);
    if (shape[2] == 'v')
        o.c = pick(w, b, IR_V128);
    if (shape[1] == 'k')
        o.b = some_constant(w, op, aux);
    if (shape[2] == 'k')
        o.c = some_constant(w, op, aux);
    ir_append(b, o);
}

static ir_value some_address(struct world *w, struct ir_builder *b)
{
    ir_value low = ir_andi(b, ir_get(b, below(w, XS)), below(w, 2) ? 0x3ff0 : 0x3fff);
    return ir_addi(b, low, below(w, 12) ? 0x1000 : below(w, 2) ? 0x6ff8 : 0x7000);
}

static void random_step(struct world *w, struct ir_builder *b)
{
    unsigned mem = 4 | (below(w, 6) ? 0 : IR_MEM_BIG) | (below(w, 6) ? 0 : IR_MEM_ALIGN) |
                   (below(w, 20) ? 0 : 1 << IR_MEM_CONTEXT_SHIFT);
    s32 offset = (s32)below(w, 64) - 32;
    switch (below(w, 16)) {
    case 0: ir_load(b, IR_V128, mem, some_address(w, b), offset); break;
    case 1: ir_store(b, mem, some_address(w, b), offset, pick(w, b, IR_V128)); break;
    case 2:
    case 3:
    case 4: ir_put(b, XS + below(w, VS), pick(w, b, IR_V128)); break;
    case 5: ir_put(b, below(w, XS), pick(w, b, IR_I64)); break;
    case 6:
        ir_select(b, ir_cmp(b, IR_LT, pick(w, b, IR_I64), pick(w, b, IR_I64)), pick(w, b, IR_V128),
                  pick(w, b, IR_V128));
        break;
    case 7: ir_insn(b, b->pc + 4, 4); break;
    case 8:
        if (below(w, 4) == 0)
            ir_call1(b, &helpers[0], pick(w, b, IR_I64));
        else if (below(w, 4) == 0)
            ir_exit_if(b, ir_cmp(b, IR_EQ, pick(w, b, IR_I64), ir_const(b, 0)), 0x5000);
        break;
    default: random_vector(w, b);
    }
}

static void random_unit(struct world *w, struct ir_unit *u)
{
    struct ir_builder b;
    ir_builder_init(&b, u, &w->arena, &toy_isa, 0x1000, 3);
    ir_insn(&b, 0x1000, 4);
    for (unsigned n = 2 + below(w, 60); n && !ir_builder_full(&b); n--)
        random_step(w, &b);
    ir_exit_jump(&b, 0x2000);
}

/* ---- Both engines -----------------------------------------------------------------------------
 */

static void run_interp(struct world *w, const struct ir_unit *u)
{
    struct cpu *cpu = &w->toy->cpu;
    struct ir_interp_exit e = interp_run(cpu, u, w->values);
    if (e.kind == IR_INTERP_FAULT)
        toy_fault(cpu, &e.fault);
    else if (e.kind == IR_INTERP_JUMP)
        w->toy->pc = e.pc;
}

static const u8 *emit(struct world *w, const struct ir_unit *u)
{
    u32 at = w->jit->stub_bytes + 4096;
    w->out.block[0] = (struct jit_emit_block){.ir = u};
    w->out.block_count = 1;
    w->out.arena = &w->arena;
    w->out.rw = w->jit->code.rw + at;
    w->out.offset = at;
    w->out.capacity = 256 * 1024;
    w->out.link_base = w->links;
    int r = jit_x86_64.emit(w->jit, &w->out);
    assert_true(r == 0 || r == -E2BIG);
    memcpy(w->links, w->out.links, sizeof(w->links[0]) * w->out.link_count);
    return r ? NULL : w->jit->code.rx + at;
}

static void run_code(struct world *w, const u8 *code)
{
    struct cpu *cpu = &w->toy->cpu;
    jit_float_reload(cpu);
    struct jit_link *link = w->jit->enter(cpu, jit_cpu(cpu)->context, code, 0);
    jit_float_merge(cpu);
    jit_x86_64.float_restore();
    if (link)
        w->toy->pc = link->pc;
}

static void compare(struct world *w, const struct ir_unit *u, u64 seed, const char *how)
{
    memset(&w->got, 0, sizeof(w->got));
    get_image(w, &w->got);
    if (!memcmp(&w->got, &w->want, sizeof(w->got)))
        return;
    ir_print(stderr, u);
    jit_print_code(stderr, w->jit->code.rx + w->out.offset, w->out.size);
    for (unsigned i = 0; i < VS; i++) {
        if (memcmp(w->got.v[i], w->want.v[i], 16))
            fprintf(stderr, "v%u: %016llx %016llx, translated %016llx %016llx\n", i,
                    (long long)w->want.v[i][1], (long long)w->want.v[i][0],
                    (long long)w->got.v[i][1], (long long)w->got.v[i][0]);
    }
    fprintf(stderr, "pc %llx %llx flags %x %x faults %llx %llx\n", (long long)w->want.pc,
            (long long)w->got.pc, w->want.flags, w->got.flags, (long long)w->want.faults,
            (long long)w->got.faults);
    fail_msg("seed %llu, %s: translated code differs from the interpreter",
             (unsigned long long)seed, how);
}

static void one_seed(struct world *w, u64 seed)
{
    struct ir_unit u;
    struct err err;
    w->seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    rnd(w);
    arena_reset(&w->arena);
    random_unit(w, &u);
    if (ir_verify(&u, &err))
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
    random_image(w, &w->start);
    jit_flush_all(&w->toy->cpu);
    jit_context_refresh(&w->toy->cpu);
    set_image(w, &w->start);
    run_interp(w, &u);
    memset(&w->want, 0, sizeof(w->want));
    get_image(w, &w->want);
    if (seed & 1)
        ir_optimize(&u, &w->arena, ~0u);
    const u8 *code = emit(w, &u);
    jit_flush_all(&w->toy->cpu);
    jit_context_refresh(&w->toy->cpu);
    for (unsigned i = 0; code && i < 2; i++) {
        set_image(w, &w->start);
        run_code(w, code);
        compare(w, &u, seed, i ? "warm" : "cold");
    }
}

static void run_many(const char *accel, u32 disable, u64 first, unsigned count)
{
    struct world *w = world_new(accel);
    x64_disable(w->jit, disable);
    for (unsigned i = 0; i < count; i++)
        one_seed(w, first + i);
    world_free(w);
}

static void test_random(void **state)
{
    run_many("jit", 0, 1, 4000);
}

static void test_spills(void **state)
{
    run_many("jit,stress-spill=on", 0, 100000, 2500);
}

static void test_features(void **state)
{
    run_many("jit", X64_AVX | X64_AVX2 | X64_FMA, 200000, 1500);
    run_many("jit", X64_SSE42, 300000, 700);
    run_many("jit,stress-spill=on", ~0u, 400000, 1500);
}

/* Each operation's text parses to itself. */
static void test_text(void **state)
{
    struct world *w = world_new("jit");
    for (u64 seed = 1; seed <= 300; seed++) {
        struct ir_unit u, again;
        struct err err;
        char *text = NULL, *second = NULL;
        size_t size;
        w->seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
        arena_reset(&w->arena);
        random_unit(w, &u);
        FILE *f = open_memstream(&text, &size);
        ir_print(f, &u);
        fclose(f);
        if (ir_parse(&again, &w->arena, &toy_isa, text, &err))
            fail_msg("%s", err.text);
        f = open_memstream(&second, &size);
        ir_print(f, &again);
        fclose(f);
        assert_string_equal(text, second);
        free(text);
        free(second);
    }
    world_free(w);
}

/* ---- The meaning, by examples -----------------------------------------------------------------
 */

static const struct example {
    u8 op;
    u16 aux;
    u32 k;
    u64 a[2], b[2], want[2];
} examples[] = {
    {IR_VADD, 0, 0, {0xff, 0x80}, {0x01, 0x80}, {0, 0}},
    {IR_VADD, 3, 0, {~UINT64_C(0), 1}, {1, 1}, {0, 2}},
    {IR_VMUL, 1, 0, {0x00030002, 0}, {0xffff0100, 0}, {0xfffd0200, 0}},
    {IR_VMINS, 1, 0, {0x80007fff, 0}, {0x00010001, 0}, {0x80000001, 0}},
    {IR_VMINU, 1, 0, {0x80007fff, 0}, {0x00010001, 0}, {0x00010001, 0}},
    {IR_VGTU, 0, 0, {0x80, 0}, {0x7f, 0}, {0xff, 0}},
    {IR_VGTS, 0, 0, {0x80, 0}, {0x7f, 0}, {0, 0}},
    {IR_VADDSS, 0, 0, {0x7f80, 0}, {0x0180, 0}, {0x7f80, 0}},
    {IR_VSUBSU, 1, 0, {0x00050001, 0}, {0x00020002, 0}, {0x00030000, 0}},
    {IR_VAVGU, 0, 0, {0xff01, 0}, {0xff02, 0}, {0xff02, 0}},
    {IR_VSHR, 0, 8, {~UINT64_C(0), 5}, {0}, {0, 0}},
    {IR_VSAR, 0, 8, {0x7f80, 0}, {0}, {0xff & 0x00ff, 0}},
    {IR_VSHL, 2, 31, {0x0000000300000001, 0}, {0}, {0x8000000080000000, 0}},
    {IR_VZIPL,
     2,
     0,
     {0x0000000200000001, 9},
     {0x0000000400000003, 9},
     {0x0000000300000001, 0x0000000400000002}},
    {IR_VZIPH, 3, 0, {1, 2}, {3, 4}, {2, 4}},
    {IR_VEXT,
     0,
     4,
     {0x1111111100000000, 0x2222222222222222},
     {0x33333333, 0},
     {0x2222222211111111, 0x3333333322222222}},
    {IR_VTBL,
     0,
     0,
     {0x0706050403020100, 0x0f0e0d0c0b0a0908},
     {0x8010ff000f08, 0},
     {0x0000000000000f08, 0}},
    {IR_VSXT, 0, 0, {0x80017f, 7}, {0}, {0x0000ff800001007f, 0}},
    {IR_VZXT, 2, 0, {0xffffffff00000001, 7}, {0}, {1, 0xffffffff}},
    {IR_VCNT, 0, 0, {0xff0301, 0x80}, {0}, {0x080201, 1}},
    {IR_VDUP, 1, 0, {0x12345, 0}, {0}, {0x2345234523452345, 0x2345234523452345}},
    {IR_VHALF, 0, 0, {1, 2}, {0}, {1, 0}},
};

static void test_meaning(void **state)
{
    for (unsigned i = 0; i < ARRAY_SIZE(examples); i++) {
        const struct example *e = &examples[i];
        struct ir_op op = {.op = e->op, .type = IR_V128, .aux = e->aux, .b = e->k, .c = e->k};
        struct ir_v128 a = {{e->a[0], e->a[1]}}, b = {{e->b[0], e->b[1]}}, c = {{0}};
        unsigned flags = 0;
        struct ir_v128 got = ir_eval_vector(&op, 0, &a, &b, &c, &flags);
        /* VTBL of zero indexes gives byte 0, which is 0 here; VSAR keeps signs: only the low word
         * is compared. */
        if (e->op == IR_VSAR)
            got.d[0] &= 0xffff;
        if (got.d[0] != e->want[0] || got.d[1] != e->want[1])
            fail_msg("%s: %016llx %016llx", ir_op_info[e->op].text, (unsigned long long)got.d[1],
                     (unsigned long long)got.d[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning), cmocka_unit_test(test_random),
        cmocka_unit_test(test_spills),  cmocka_unit_test(test_features),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
