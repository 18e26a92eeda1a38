/*
 * test_a64_trans.c - what A64's base instructions do: random ones of every line of the tables, in
 * short runs, are translated, executed by the IR's interpreter, and compared with a second
 * definition (a64_reference.h): registers, flags, memory, where they go on.
 *
 * Runs have several instructions, so that condition flags are read that the same unit set; some
 * begin with flags of an earlier one. Operands are random and corner values; bases of memory
 * accesses point into the test's memory.
 */
#define ARM_FAKE_OWN_EXCLUSIVES
#include "arm_fake.h"

#include "isa/arm/trans.h"
#include "isa/arm_decode.h"
#include "jit/cache.h"
#include "jit/eval.h"
#include "jit/interp.h"
#include "a64_reference.h"

enum { MEMORY = FAKE_RAM + 0x10000, RUN = 4, ROUNDS = 60 };

/* ---- Memory as the interpreter asks for it ---- */

static u8 *access_at(u64 vaddr, unsigned aux, enum isa_access access, struct isa_fault *f)
{
    unsigned size = IR_MEM_BYTES(aux);
    u8 *p = fake_host(vaddr, size);
    *f = (struct isa_fault){
        .kind = p ? ISA_FAULT_NONE : ISA_FAULT_ACCESS, .access = access, .vaddr = vaddr};
    if (aux & IR_MEM_ALIGN && vaddr & (size - 1))
        f->kind = ISA_FAULT_ALIGNMENT;
    return f->kind ? NULL : p;
}

enum isa_fault_kind slow_load(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                              struct isa_fault *f)
{
    unsigned size = IR_MEM_BYTES(aux);
    u8 *p = access_at(vaddr, aux, ISA_READ, f);
    if (p)
        *out = aux & IR_MEM_BIG ? load_be(p, size) : load_le(p, size);
    return f->kind;
}

enum isa_fault_kind slow_store(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                               struct isa_fault *f)
{
    unsigned size = IR_MEM_BYTES(aux);
    u8 *p = access_at(vaddr, aux, ISA_WRITE, f);
    if (p)
        store_le(p, aux & IR_MEM_BIG ? bswap_size(value, size) : value, size);
    return f->kind;
}

enum isa_fault_kind slow_load_wide(struct cpu *cpu, unsigned aux, u64 vaddr, struct ir_v128 *out,
                                   struct isa_fault *f)
{
    return slow_load(cpu, 3, vaddr, &out->d[0], f) ? f->kind
                                                   : slow_load(cpu, 3, vaddr + 8, &out->d[1], f);
}

enum isa_fault_kind slow_store_wide(struct cpu *cpu, unsigned aux, u64 vaddr,
                                    const struct ir_v128 *v, struct isa_fault *f)
{
    return slow_store(cpu, 3, vaddr, v->d[0], f) ? f->kind
                                                 : slow_store(cpu, 3, vaddr + 8, v->d[1], f);
}

static u64 modify(enum ir_rmw kind, u64 old, u64 v, unsigned bits)
{
    s64 so = bits_sext(old, bits), sv = bits_sext(v, bits);
    v &= ref_mask(bits);
    switch (kind) {
    case IR_RMW_XCHG: return v;
    case IR_RMW_ADD: return old + v;
    case IR_RMW_AND: return old & v;
    case IR_RMW_OR: return old | v;
    case IR_RMW_XOR: return old ^ v;
    case IR_RMW_MIN: return so < sv ? old : v;
    case IR_RMW_MAX: return so > sv ? old : v;
    case IR_RMW_MINU: return MIN(old, v);
    default: return MAX(old, v);
    }
}

enum isa_fault_kind slow_rmw(struct cpu *cpu, unsigned aux, enum ir_rmw kind, u64 vaddr, u64 value,
                             u64 *old, struct isa_fault *f)
{
    if (slow_load(cpu, aux | IR_MEM_ALIGN, vaddr, old, f))
        return f->kind;
    return slow_store(cpu, aux, vaddr, modify(kind, *old, value, 8 * IR_MEM_BYTES(aux)), f);
}

enum isa_fault_kind slow_cas(struct cpu *cpu, unsigned aux, u64 vaddr, u64 expected, u64 desired,
                             u64 *old, struct isa_fault *f)
{
    if (slow_load(cpu, aux | IR_MEM_ALIGN, vaddr, old, f))
        return f->kind;
    bool same = *old == (expected & ref_mask(8 * IR_MEM_BYTES(aux)));
    return same ? slow_store(cpu, aux, vaddr, desired, f) : ISA_FAULT_NONE;
}

static struct {
    u64 vaddr, size, v[2];
} linked;

static enum isa_fault_kind link_load(struct cpu *cpu, unsigned size, u64 vaddr, u64 *low, u64 *high,
                                     struct isa_fault *f)
{
    linked.vaddr = vaddr;
    linked.size = size;
    linked.v[1] = 0;
    if (slow_load(cpu, (unsigned)ctz64(MIN(size, 8u)) | IR_MEM_ALIGN, vaddr, &linked.v[0], f))
        return f->kind;
    if (size == 16 && slow_load(cpu, 3, vaddr + 8, &linked.v[1], f))
        return f->kind;
    *low = linked.v[0];
    *high = linked.v[1];
    return ISA_FAULT_NONE;
}

static enum isa_fault_kind link_store(struct cpu *cpu, unsigned size, u64 vaddr, u64 low, u64 high,
                                      u64 *failed, struct isa_fault *f)
{
    u64 now[2];
    struct isa_fault ignored;
    bool same = linked.size == size && linked.vaddr == vaddr;
    u64 was[2] = {linked.v[0], linked.v[1]};
    *f = (struct isa_fault){.kind = ISA_FAULT_NONE};
    *failed = !same || link_load(cpu, size, vaddr, &now[0], &now[1], &ignored) ||
              now[0] != was[0] || now[1] != was[1];
    linked.size = 0;
    if (*failed)
        return ISA_FAULT_NONE;
    if (size == 16 && slow_store(cpu, 3, vaddr + 8, high, f))
        return f->kind;
    return slow_store(cpu, (unsigned)ctz64(MIN(size, 8u)), vaddr, low, f);
}

enum isa_fault_kind slow_load_linked(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                                     struct isa_fault *f)
{
    u64 high;
    return link_load(cpu, IR_MEM_BYTES(aux), vaddr, out, &high, f);
}

enum isa_fault_kind slow_store_cond(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                                    u64 *failed, struct isa_fault *f)
{
    return link_store(cpu, IR_MEM_BYTES(aux), vaddr, value, 0, failed, f);
}

enum isa_fault_kind jit_load_linked_wide(struct cpu *cpu, u64 vaddr, u64 out[2],
                                         struct isa_fault *f)
{
    return link_load(cpu, 16, vaddr, &out[0], &out[1], f);
}

enum isa_fault_kind jit_store_cond_wide(struct cpu *cpu, u64 vaddr, const u64 value[2], u64 *failed,
                                        struct isa_fault *f)
{
    return link_store(cpu, 16, vaddr, value[0], value[1], failed, f);
}

/* ---- Running ---- */

struct bench {
    struct arena arena;
    bool optimize;
    u64 mode;
    struct ir_unit u;
    struct ir_builder b;
};

static struct arm_ctx context_of(struct bench *t)
{
    return (struct arm_ctx){.cpu = fake.a,
                            .b = &t->b,
                            .ext = fake.a->ext,
                            .el = (u8)(t->mode & ARM_MODE_EL),
                            .big_endian = t->mode & ARM_MODE_BE,
                            .align = t->mode & ARM_MODE_A,
                            .sp_align = t->mode & ARM_MODE_SA,
                            .tbi = (u8)((t->mode & ARM_MODE_TBI) >> ARM_MODE_TBI_SHIFT)};
}

/* Translates and runs; false when an instruction was UNDEFINED. *pc: where it goes on. */
static bool run(struct bench *t, const u32 *code, unsigned count, u64 *pc)
{
    arena_reset(&t->arena);
    ir_builder_init(&t->b, &t->u, &t->arena, &arm_isa, FAKE_PC, t->mode);
    struct arm_ctx c = context_of(t);
    fake.a->pc = FAKE_PC;
    fake.a->cpu.unwind = 0;
    fake.a->cpu.mode = t->mode;
    c.next = FAKE_PC;
    for (unsigned i = 0; i < count && !ir_ended(&t->b) && c.next == FAKE_PC + 4 * i; i++) {
        c.pc = c.next;
        c.next = c.pc + 4;
        c.insn = code[i];
        c.length = 4;
        ir_insn(&t->b, c.pc, 4);
        if (!arm_translate(&c, arm_identify_a64_32(c.ext, c.insn), c.insn))
            return false;
    }
    if (!ir_ended(&t->b))
        ir_exit_jump(&t->b, c.next);
    if (t->optimize)
        ir_optimize(&t->u, &t->arena, ~0u);
    struct ir_interp_exit e =
        interp_run(&fake.a->cpu, &t->u, arena_alloc(&t->arena, 2 * IR_MAX_OPS * sizeof(u64)));
    if (e.kind == IR_INTERP_FAULT)
        fail_msg("%08x: a fault at %#llx", code[count - 1], (unsigned long long)e.fault.vaddr);
    *pc = e.kind == IR_INTERP_JUMP ? e.pc : fake.a->pc;
    return true;
}

static u64 random_bits(void)
{
    return (u64)rand() << 42 ^ (u64)rand() << 21 ^ (u64)rand();
}

static u64 random_operand(void)
{
    static const u64 corners[] = {0,
                                  1,
                                  2,
                                  31,
                                  32,
                                  63,
                                  64,
                                  0x7f,
                                  0x80,
                                  0xff00,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffffffff,
                                  UINT64_C(0x100000000),
                                  INT64_MAX,
                                  (u64)INT64_MIN,
                                  ~UINT64_C(0),
                                  ~UINT64_C(1)};
    switch (rand() % 5) {
    case 0: return corners[(unsigned)rand() % ARRAY_SIZE(corners)];
    case 1: return (u64)(s64)(s32)random_bits();
    case 2: return random_bits() >> (rand() % 64);
    case 3: return MEMORY + REF_MEMORY / 2 + (u64)(rand() % 64);
    default: return random_bits();
    }
}

static bool is_memory(u32 insn)
{
    return (insn >> 25 & 5) == 4;
}

static bool has_index(u32 insn)
{
    return (insn >> 24 & 0x3f) == 0x38 && (insn >> 21 & 1) && (insn >> 10 & 3) == 2;
}

/* Registers that accesses go by point into memory. */
static void aim(struct arm_cpu *a, u32 insn)
{
    unsigned n = insn >> 5 & 31, m = insn >> 16 & 31;
    u64 at = MEMORY + REF_MEMORY / 2 + (rand() % 3 ? 0 : (u64)(rand() % 16));
    if (!is_memory(insn))
        return;
    if (n == 31)
        a->sp = at;
    else
        a->x[n] = at;
    if (has_index(insn) && m != 31 && m != n)
        a->x[m] = (u64)(rand() % 128 - 64) | (insn >> 13 & 1 ? 0 : random_bits() << 32);
}

static void random_state(struct arm_cpu *a)
{
    static const u8 ops[] = {ARM_CC_NZCV,  ARM_CC_ADD32,   ARM_CC_ADD64,  ARM_CC_SUB32,
                             ARM_CC_SUB64, ARM_CC_LOGIC32, ARM_CC_LOGIC64};
    for (unsigned i = 0; i < 31; i++)
        a->x[i] = random_operand();
    a->sp = random_operand() & ~UINT64_C(15);
    a->cc_op = ops[(unsigned)rand() % ARRAY_SIZE(ops)];
    a->cc_x = a->cc_op == ARM_CC_NZCV ? random_bits() & UINT32_C(0xf0000000) : random_operand();
    a->cc_y = random_operand();
    for (unsigned i = 0; i < REF_MEMORY; i += 8)
        store_le(fake_host(MEMORY + i, 8), random_operand(), 8);
}

static void reference_of(struct ref *r, const struct arm_cpu *a, const struct bench *t)
{
    memcpy(r->x, a->x, sizeof(a->x));
    r->x[31] = 0;
    r->sp = a->sp;
    r->pc = FAKE_PC;
    ref_nzcv(r, arm_nzcv(a) >> 28);
    r->base = MEMORY;
    r->big = t->mode & ARM_MODE_BE;
    r->outside = false;
    memcpy(r->memory, fake_host(MEMORY, REF_MEMORY), REF_MEMORY);
}

static void say(const char *what, const u32 *code, unsigned count, unsigned n, u64 got, u64 want)
{
    char text[RUN * 80] = "", line[80];
    u8 bytes[4];
    for (unsigned i = 0; i < count; i++) {
        store_le(bytes, code[i], 4);
        arm_disassemble(&fake.a->cpu, FAKE_PC + 4 * i, bytes, 4, line, sizeof line);
        strcat(strcat(text, i ? "; " : ""), line);
    }
    fail_msg("%s: %s%u is %#llx, not %#llx", text, what, n, (unsigned long long)got,
             (unsigned long long)want);
}

static void compare(const struct ref *r, const struct arm_cpu *a, const u32 *code, unsigned count,
                    u64 pc)
{
    for (unsigned i = 0; i < 31; i++) {
        if (a->x[i] != r->x[i])
            say("x", code, count, i, a->x[i], r->x[i]);
    }
    u32 nzcv = (u32)(r->n << 3 | r->z << 2 | r->c << 1 | r->v);
    if (a->sp != r->sp)
        say("sp", code, count, 0, a->sp, r->sp);
    if (arm_nzcv(a) >> 28 != nzcv)
        say("nzcv", code, count, 0, arm_nzcv(a) >> 28, nzcv);
    if (pc != r->pc)
        say("pc", code, count, 0, pc, r->pc);
    for (unsigned i = 0; i < REF_MEMORY; i++) {
        if (*fake_host(MEMORY + i, 1) != r->memory[i])
            say("byte ", code, count, i, *fake_host(MEMORY + i, 1), r->memory[i]);
    }
}

/* The reference's run of the same: false when the manual leaves something open. */
static bool run_reference(struct ref *r, const u32 *code, unsigned count, bool *undefined)
{
    *undefined = false;
    for (unsigned i = 0; i < count && r->pc == FAKE_PC + 4 * i; i++) {
        enum ref_result result = ref_step(r, code[i]);
        if (result == REF_UNDEFINED)
            *undefined = true;
        if (result == REF_UNDEFINED)
            return true;
        if (result == REF_UNKNOWN || r->outside)
            return false;
    }
    return true;
}

/* false: nothing to compare. */
static bool check_run(struct bench *t, const u32 *code, unsigned count)
{
    static struct ref r;
    struct arm_cpu *a = fake.a;
    bool undefined;
    u64 pc = 0;
    linked.size = 0;
    reference_of(&r, a, t);
    if (!run_reference(&r, code, count, &undefined))
        return false;
    bool done = run(t, code, count, &pc);
    if (undefined == done)
        say("undefined ", code, count, 0, !done, undefined);
    if (undefined)
        return true;
    compare(&r, a, code, count, pc);
    return true;
}

/* Not SIMD and FP: these are op0 x111, and accesses with V set. */
static bool is_ours(const struct insn_desc *d)
{
    u32 op0 = (u32)d->match >> 25 & 15;
    bool vector = (op0 & 7) == 7 || ((op0 & 5) == 4 && d->match >> 26 & 1);
    return !strcmp(d->set, "a64") && !vector;
}

/* Loads of literals reach memory. */
static u32 random_insn(const struct insn_desc *d)
{
    u32 insn = (u32)((random_bits() & ~d->mask) | d->match);
    if ((insn & 0x3b000000) == 0x18000000)
        insn = (u32)bits_set(insn, 5, 19,
                             (MEMORY - FAKE_PC) / 4 + (unsigned)rand() % (REF_MEMORY / 4 - 1));
    return insn;
}

/* A line that only computes: not memory, not a branch. */
static u32 random_computation(void)
{
    for (;;) {
        const struct insn_desc *d =
            &arm_insn_set.insns[1 + (unsigned)rand() % (arm_insn_set.count - 1)];
        u32 group = (u32)d->match >> 25 & 15;
        if (is_ours(d) && ((group & 14) == 8 || (group & 7) == 5))
            return random_insn(d);
    }
}

static void check_line(struct bench *t, unsigned id)
{
    const struct insn_desc *d = &arm_insn_set.insns[id];
    unsigned compared = 0, known = 0;
    for (unsigned n = 0; n < ROUNDS; n++) {
        u32 code[RUN];
        unsigned before = (unsigned)rand() % RUN;
        struct ref probe = {.base = MEMORY};
        u32 insn = random_insn(d);
        known += ref_step(&probe, insn) != REF_UNKNOWN;
        for (unsigned i = 0; i < before; i++)
            code[i] = random_computation();
        code[before] = insn;
        random_state(fake.a);
        if (is_memory(insn))
            before = 0, code[0] = insn;
        aim(fake.a, insn);
        compared += check_run(t, code, before + 1);
    }
    if (known > ROUNDS / 2 && compared < ROUNDS / 20)
        fail_msg("%s: only %u of %u compared", d->name, compared, ROUNDS);
}

static void check_all(u64 mode, bool optimize, unsigned seed)
{
    struct bench t = {.optimize = optimize, .mode = mode};
    fake_start("max", false, false);
    fake_at(mode & ARM_MODE_EL);
    memset(fake.a->ext, 0xff, sizeof(fake.a->ext));
    fake_normal_memory();
    arena_init(&t.arena);
    srand(seed);
    for (unsigned id = 1; id < arm_insn_set.count; id++) {
        if (is_ours(&arm_insn_set.insns[id]))
            check_line(&t, id);
    }
    arena_fini(&t.arena);
    fake_stop();
}

static void plain_test(void **state)
{
    check_all(1, false, 1);
}

static void optimized_test(void **state)
{
    check_all(1, true, 2);
}

static void big_endian_test(void **state)
{
    check_all(1 | ARM_MODE_BE, false, 3);
}

/* ---- By hand ---- */

static struct bench *bench_of(u64 mode)
{
    static struct bench t;
    t = (struct bench){.mode = mode};
    fake_start("max", false, false);
    fake_at(mode & ARM_MODE_EL);
    memset(fake.a->ext, 0xff, sizeof(fake.a->ext));
    fake_normal_memory();
    arena_init(&t.arena);
    return &t;
}

static void bench_end(struct bench *t)
{
    arena_fini(&t->arena);
    fake_stop();
}

static u64 run_insn(struct bench *t, u32 insn)
{
    u64 pc = 0;
    assert_true(run(t, &insn, 1, &pc));
    return pc;
}

static unsigned count_op(const struct bench *t, enum ir_opcode op)
{
    unsigned n = 0;
    for (u32 i = 0; i < t->u.count; i++)
        n += t->u.ops[i].op == op;
    return n;
}

/* A comparison and what follows it are one comparison; flags of another unit are one call. */
static void folding_test(void **state)
{
    static const u32 compare_branch[] = {0xeb01001f, 0x5400010b}; /* cmp x0,x1; b.lt */
    static const u32 small[] = {0xb100041f, 0x54000100};          /* cmn x0,#1; b.eq */
    static const u32 chain[] = {0xeb01001f, 0xfa431044,
                                0x54000100}; /* cmp; ccmp x2,x3,#4,ne; b.eq */
    static const u32 late[] = {0x54000100, 0x1a9f17e0, 0x5400010b}; /* b.eq; cset w0,eq; b.lt */
    struct bench *t = bench_of(1);
    u64 pc;
    t->optimize = true;
    assert_true(run(t, compare_branch, 2, &pc));
    assert_int_equal(count_op(t, IR_CMP), 1);
    assert_int_equal(count_op(t, IR_EXIT_IF), 1);
    assert_int_equal(count_op(t, IR_SUB), 0);
    assert_true(run(t, small, 2, &pc));
    assert_int_equal(count_op(t, IR_CMP), 1);
    assert_int_equal(count_op(t, IR_ADD), 0);
    assert_true(run(t, chain, 3, &pc));
    assert_true(count_op(t, IR_CMP) <= 3);
    assert_int_equal(count_op(t, IR_CALL), 0);
    assert_true(run(t, late, 3, &pc));
    assert_true(count_op(t, IR_CALL) <= 1);
    bench_end(t);
}

static void exclusive_test(void **state)
{
    struct bench *t = bench_of(1);
    struct arm_cpu *a = fake.a;
    a->x[1] = MEMORY;
    fake_poke(MEMORY, 5);
    fake_poke(MEMORY + 8, 6);
    a->x[3] = 7;
    a->x[4] = 8;
    a->x[2] = 9;
    run_insn(t, 0xc8027c23); /* stxr w2,x3,[x1]: no reservation */
    assert_int_equal(a->x[2], 1);
    run_insn(t, 0xc85f7c20); /* ldxr x0,[x1] */
    assert_int_equal(a->x[0], 5);
    run_insn(t, 0xc8027c23);
    assert_int_equal(a->x[2], 0);
    assert_int_equal(fake_peek(MEMORY), 7);
    run_insn(t, 0xc87f1825); /* ldxp x5,x6,[x1] */
    assert_int_equal(a->x[5], 7);
    assert_int_equal(a->x[6], 6);
    fake_poke(MEMORY + 8, 1); /* another CPU's store */
    run_insn(t, 0xc8221023);  /* stxp w2,x3,x4,[x1] */
    assert_int_equal(a->x[2], 1);
    run_insn(t, 0xc87f1825);
    run_insn(t, 0xc8221023);
    assert_int_equal(a->x[2], 0);
    assert_int_equal(fake_peek(MEMORY + 8), 8);
    a->x[4] = UINT64_C(0x1111111122222222);
    run_insn(t, 0x887f1825); /* ldxp w5,w6,[x1] */
    run_insn(t, 0x88221023); /* stxp w2,w3,w4,[x1] */
    assert_int_equal(a->x[2], 0);
    assert_int_equal(fake_peek(MEMORY), UINT64_C(0x2222222200000007));
    bench_end(t);
}

/* The stack pointer is tested once, and again after what may make it odd. */
static void stack_test(void **state)
{
    static const u32 frame[] = {0xa9be7bfd, 0xf9000be0,
                                0xa8c27bfd}; /* stp pre; str [sp,#16]; ldp post */
    static const u32 odd[] = {0xf90003e0, 0x910023ff,
                              0xf90003e0}; /* str [sp]; add sp,sp,#8; str [sp] */
    struct bench *t = bench_of(1 | ARM_MODE_SA);
    struct arm_cpu *a = fake.a;
    u64 pc;
    a->sp = MEMORY + 256;
    assert_true(run(t, frame, 3, &pc));
    assert_int_equal(count_op(t, IR_TRAP_IF), 1);
    assert_int_equal(a->sp, MEMORY + 256);
    assert_true(run(t, odd, 3, &pc));
    assert_int_equal(fake_get("ESR_EL1") >> 26, ARM_EC_SP_ALIGN);
    assert_int_equal(fake_get("ELR_EL1"), FAKE_PC + 8);
    bench_end(t);
}

static void tag_test(void **state)
{
    static const struct {
        unsigned el, tbi;
        u64 target, pc;
    } cases[] = {
        {0, 1, UINT64_C(0x5a00000040000000), 0x40000000},
        {0, 1, 0x40000000, 0x40000000},
        {1, 1, UINT64_C(0x5a80000040000000), UINT64_C(0x5a80000040000000)},
        {1, 3, UINT64_C(0x5a80000040000000), UINT64_C(0xff80000040000000)},
        {1, 2, UINT64_C(0x5a00000040000000), UINT64_C(0x5a00000040000000)},
        {1, 0, UINT64_C(0x5a00000040000000), UINT64_C(0x5a00000040000000)},
        {3, 3, UINT64_C(0x5a80000040000000), UINT64_C(0x0080000040000000)},
        {1, 3, UINT64_C(0xffffffff40000000), UINT64_C(0xffffffff40000000)},
    };
    struct bench *t = bench_of(1);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        t->mode = cases[i].el | (u64)cases[i].tbi << ARM_MODE_TBI_SHIFT;
        fake.a->x[30] = cases[i].target;
        assert_true(run_insn(t, 0xd63f03c0) == cases[i].pc); /* blr x30 */
        assert_int_equal(fake.a->x[30], FAKE_PC + 4);
        fake.a->x[7] = cases[i].target;
        assert_true(run_insn(t, 0xd65f00e0) == cases[i].pc); /* ret x7 */
    }
    bench_end(t);
}

/* Ordered and atomic accesses across 16 bytes, or unaligned without FEAT_LSE2, fault. */
static void alignment_test(void **state)
{
    struct bench *t = bench_of(1);
    struct arm_cpu *a = fake.a;
    a->x[1] = MEMORY + 12;
    run_insn(t, 0xc8dffc20); /* ldar x0,[x1] */
    assert_int_equal(fake_get("ESR_EL1") >> 26, ARM_EC_DABT);
    assert_int_equal(fake_get("ESR_EL1") & 0x3f, 0x21);
    assert_int_equal(fake_get("FAR_EL1"), MEMORY + 12);
    fake_at(1);
    a->x[1] = MEMORY + 12;
    run_insn(t, 0xf8220020); /* ldadd x2,x0,[x1] */
    assert_int_equal(fake_get("ESR_EL1") & BIT(6), BIT(6));
    fake_at(1);
    fake_set("SCTLR_EL1", fake_get("SCTLR_EL1") | BIT(6)); /* nAA */
    fake_poke(MEMORY + 12, 0x1234567812345678);
    assert_int_equal(run_insn(t, 0xc8dffc20), FAKE_PC + 4);
    assert_int_equal(a->x[0], 0x1234567812345678);
    bench_end(t);
}

/* ---- Memory copy and set ---- */

enum { COPY_AREA = FAKE_RAM + 0x20000, COPY_SIZE = 0x8000 };

/* The three instructions of a copy: x0 to, x1 from, x2 bytes. */
static void run_copy(struct bench *t, u32 prologue, u64 to, u64 from, u64 n)
{
    struct arm_cpu *a = fake.a;
    a->x[0] = to;
    a->x[1] = from;
    a->x[2] = n;
    u32 step = (prologue & 0x00c00000) == 0x00c00000 ? 0x4000 : 0x00400000;
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(run_insn(t, prologue + i * step), FAKE_PC + 4);
    assert_int_equal(a->x[2], 0);
}

static void copy_test(void **state)
{
    static u8 want[COPY_SIZE];
    struct bench *t = bench_of(1);
    u8 *area = fake_host(COPY_AREA, COPY_SIZE);
    srand(7);
    for (unsigned i = 0; i < COPY_SIZE; i++)
        want[i] = area[i] = (u8)rand();
    for (unsigned i = 0; i < 300; i++) {
        u64 n = (u64)rand() % (i % 3 ? 100 : 0x3000), to = (u64)rand() % 0x4000,
            from = (u64)rand() % 0x4000;
        if (i % 4 == 0)
            from = to + 3; /* they overlap */
        if (i % 4 == 1)
            to = from + 5;
        memmove(want + to, want + from, n);
        run_copy(t, 0x1d010440, COPY_AREA + to, COPY_AREA + from, n); /* cpyp [x0]!,[x1]!,x2! */
        assert_memory_equal(area, want, COPY_SIZE);
    }
    memset(want + 17, 0x5a, 0x2345);
    fake.a->x[3] = 0x125a;
    fake.a->x[0] = COPY_AREA + 17;
    fake.a->x[2] = 0x2345;
    for (u32 i = 0; i < 3; i++)
        run_insn(t, 0x19c30440 + i * 0x4000); /* setp [x0]!,x2!,x3 */
    assert_memory_equal(area, want, COPY_SIZE);
    assert_int_equal(fake.a->x[0], COPY_AREA + 17 + 0x2345);
    bench_end(t);
}

/* A fault leaves what was done, and the instruction goes on after. */
static void copy_fault_test(void **state)
{
    struct bench *t = bench_of(1);
    struct arm_cpu *a = fake.a;
    u64 end = FAKE_RAM + FAKE_RAM_SIZE;
    a->x[0] = end - 0x1010;
    a->x[1] = COPY_AREA;
    a->x[2] = 0x2000;
    memset(fake_host(COPY_AREA, 0x2000), 0x77, 0x2000);
    run_insn(t, 0x19010440); /* cpyfp [x0]!,[x1]!,x2! */
    assert_int_equal(a->x[0], end - 0x1010 + 0x2000);
    assert_int_equal(a->x[2], -(u64)0x2000);
    run_insn(t, 0x19410440);
    assert_int_equal(fake_get("ESR_EL1") >> 26, ARM_EC_DABT);
    assert_int_equal(fake_get("ELR_EL1"), FAKE_PC);
    assert_int_equal(a->x[2], -(u64)(0x2000 - 0x1010));
    assert_int_equal(*fake_host(end - 1, 1), 0x77);
    /* As option B would have it. */
    fake_at(1);
    arm_nzcv_set(a, PSTATE_C);
    run_insn(t, 0x19410440);
    assert_int_equal(fake_get("ESR_EL1") >> 26, ARM_EC_MOPS);
    /* An interruption: it goes on at the same instruction. */
    fake_at(1);
    a->x[0] = COPY_AREA + 0x8000;
    a->x[1] = COPY_AREA;
    a->x[2] = 0x3000;
    run_insn(t, 0x19010440);
    atomic_store(&a->cpu.exit_request, CPU_EXIT_IRQ);
    unsigned turns = 1;
    while (run_insn(t, 0x19410440) == FAKE_PC)
        turns++;
    assert_true(turns > 1 && turns < 10);
    assert_int_equal(a->x[2], 0);
    atomic_store(&a->cpu.exit_request, 0);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_test),      cmocka_unit_test(optimized_test),
        cmocka_unit_test(big_endian_test), cmocka_unit_test(folding_test),
        cmocka_unit_test(exclusive_test),  cmocka_unit_test(stack_test),
        cmocka_unit_test(tag_test),        cmocka_unit_test(alignment_test),
        cmocka_unit_test(copy_test),       cmocka_unit_test(copy_fault_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
