/*
 * test_a64_float.c - A64's floating-point and cryptographic instructions: each line of their tables
 * against a known result with its flags (a64_float_vectors.h), translated and interpreted; corner
 * cases that the manual's text names; features; traps.
 */
#include "arm_fake.h"

#include "isa/arm/control.h"
#include "isa/arm/crypto.h"
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"
#include "jit/cache.h"
#include "jit/eval.h"
#include "jit/interp.h"
#include "a64_float_vectors.h"

enum {
    FZ = 1 << 24,
    DN = 1 << 25,
    AHP = 1 << 26,
    IOC = 1,
    DZC = 2,
    OFC = 4,
    UFC = 8,
    IXC = 16,
    IDC = 128
};

/* ---- The interpreter's memory: there is none ---- */

enum isa_fault_kind slow_load(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                              struct isa_fault *f)
{
    return ISA_FAULT_ACCESS;
}

enum isa_fault_kind slow_store(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                               struct isa_fault *f)
{
    return ISA_FAULT_ACCESS;
}

enum isa_fault_kind slow_load_wide(struct cpu *cpu, unsigned aux, u64 vaddr, struct ir_v128 *out,
                                   struct isa_fault *f)
{
    return ISA_FAULT_ACCESS;
}

enum isa_fault_kind slow_store_wide(struct cpu *cpu, unsigned aux, u64 vaddr,
                                    const struct ir_v128 *v, struct isa_fault *f)
{
    return ISA_FAULT_ACCESS;
}

enum isa_fault_kind slow_rmw(struct cpu *cpu, unsigned aux, enum ir_rmw kind, u64 vaddr, u64 value,
                             u64 *old, struct isa_fault *f)
{
    return ISA_FAULT_ACCESS;
}

enum isa_fault_kind slow_cas(struct cpu *cpu, unsigned aux, u64 vaddr, u64 expected, u64 desired,
                             u64 *old, struct isa_fault *f)
{
    return ISA_FAULT_ACCESS;
}

enum isa_fault_kind slow_load_linked(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                                     struct isa_fault *f)
{
    return ISA_FAULT_ACCESS;
}

enum isa_fault_kind slow_store_cond(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                                    u64 *failed, struct isa_fault *f)
{
    return ISA_FAULT_ACCESS;
}

/* ---- Running ---- */

struct bench {
    struct arena arena;
    struct ir_unit unit;
    struct ir_builder b;
};

static struct bench *bench_of(const char *model)
{
    static struct bench t;
    fake_start(model, false, false);
    fake_at(1);
    fake_set("CPACR_EL1", UINT64_C(3) << 20);
    arena_init(&t.arena);
    return &t;
}

static void bench_end(struct bench *t)
{
    arena_fini(&t->arena);
    fake_stop();
}

/* One instruction with this FPCR, FPSR clear. False: UNDEFINED. */
static bool run(struct bench *t, u32 insn, u32 fpcr)
{
    struct arm_cpu *a = fake.a;
    a->fpcr = fpcr;
    a->fpsr = 0;
    a->pc = FAKE_PC;
    arm_state_changed(a);
    arena_reset(&t->arena);
    u64 mode = arm_mode(a);
    ir_builder_init(&t->b, &t->unit, &t->arena, &arm_isa, FAKE_PC, mode);
    struct arm_ctx c = {.cpu = a,
                        .b = &t->b,
                        .ext = a->ext,
                        .pc = FAKE_PC,
                        .next = FAKE_PC + 4,
                        .insn = insn,
                        .length = 4,
                        .el = 1,
                        .fp_trap = (u8)((mode & ARM_MODE_FP) >> ARM_MODE_FP_SHIFT),
                        .fpc = (u8)((mode & ARM_MODE_FPC) >> ARM_MODE_FPC_SHIFT)};
    enum arm_insn id = arm_identify_a64_32(a->ext, insn);
    ir_insn(&t->b, FAKE_PC, 4);
    if (!id || !arm_translate(&c, id, insn))
        return false;
    if (!ir_ended(&t->b))
        ir_exit_jump(&t->b, c.next);
    interp_run(&a->cpu, &t->unit, arena_alloc(&t->arena, 2 * IR_MAX_OPS * sizeof(u64)));
    return true;
}

static void vectors_test(void **state)
{
    struct bench *t = bench_of("max");
    struct arm_cpu *a = fake.a;
    for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
        u32 insn = vectors[i].insn, d = insn & 31;
        memcpy(a->x, vector_x, sizeof(vector_x));
        memcpy(a->v, vector_v, sizeof(vector_v));
        arm_nzcv_set(a, 0);
        if (!run(t, insn, vectors[i].fpcr))
            fail_msg("%#x is undefined", insn);
        u32 flags = a->fpsr | arm_nzcv(a);
        if (flags != vectors[i].flags || a->x[d & 7] != vectors[i].x ||
            memcmp(&a->v[d], vectors[i].v, 16) != 0)
            fail_msg(
                "%s %#x, FPCR %#x: v %#llx %#llx, x %#llx, flags %#x; not %#llx %#llx, %#llx, %#x",
                arm_insn_set.insns[arm_identify_a64_32(a->ext, insn)].name, insn, vectors[i].fpcr,
                (unsigned long long)a->v[d].d[0], (unsigned long long)a->v[d].d[1],
                (unsigned long long)a->x[d & 7], flags, (unsigned long long)vectors[i].v[0],
                (unsigned long long)vectors[i].v[1], (unsigned long long)vectors[i].x,
                vectors[i].flags);
    }
    bench_end(t);
}

/* What the manual's functions say where other architectures differ: v0 = op(v1, v2, v3). */
static void corners_test(void **state)
{
    static const struct {
        const char *what;
        u32 insn, fpcr;
        u64 v1, v2, v3, v0;
        u32 fpsr;
    } cases[] = {
        {"fmadd: the addend's NaN first", 0x1f020c20, 0, 0x7fc00001, 0x7fc00002, 0x7fc00003,
         0x7fc00003, 0},
        {"fmadd: signalling first", 0x1f020c20, 0, 0x7f800001, 0x7fc00002, 0x7fc00003, 0x7fc00001,
         IOC},
        {"fmadd: inf*0 + NaN", 0x1f020c20, 0, 0x7f800000, 0, 0x7fc00003, 0x7fc00000, IOC},
        {"fmadd: default NaN", 0x1f020c20, DN, 0x7fc00001, 0x7fc00002, 0x7fc00003, 0x7fc00000, 0},
        {"fnmul negates a NaN", 0x1e228820, 0, 0x7fc00001, 0, 0, 0xffc00001, 0},
        {"fmax of NaN", 0x1e224820, 0, 0x7fc00001, 0x3f800000, 0, 0x7fc00001, 0},
        {"fmaxnm of NaN", 0x1e226820, 0, 0x7fc00001, 0x3f800000, 0, 0x3f800000, 0},
        {"fmaxnm of a signalling NaN", 0x1e226820, 0, 0x7f800001, 0x3f800000, 0, 0x7fc00001, IOC},
        {"fmin of zeros", 0x1e225820, 0, 0, 0x80000000, 0, 0x80000000, 0},
        {"flushed operand", 0x1e222820, FZ, 1, 0, 0, 0, IDC},
        {"flushed result", 0x1e220820, FZ, 0x00800000, 0x3f000000, 0, 0, UFC},
        {"tiny before rounding", 0x1e220820, 0, 0x00ffffff, 0x3f000000, 0, 0x00800000, UFC | IXC},
        {"fmulx inf*0", 0x5e22dc20, 0, 0xff800000, 0, 0, 0xc0000000, 0},
        {"frsqrts without overflow", 0x5ea2fc20, 0, 0xff7fffff, 0x3f800000, 0, 0x7effffff, IXC},
        {"frecpe of zero", 0x5ea1d820, 0, 0x80000000, 0, 0, 0xff800000, DZC},
        {"frecpe overflows", 0x5ea1d820, 0, 1, 0, 0, 0x7f800000, OFC | IXC},
        {"fcvt to half, alternative", 0x1e23c020, AHP, 0x47ffe000, 0, 0, 0x7fff, 0},
        {"... that is too large", 0x1e23c020, AHP, 0x7f800000, 0, 0, 0x7fff, IOC},
        {"... of NaN", 0x1e23c020, AHP, 0xffc00000, 0, 0, 0x8000, IOC},
        {"fcvt of alternative half", 0x1ee24020, AHP, 0x7fff, 0, 0, 0x47ffe000, 0},
        {"frint32z out of range", 0x1e284020, 0, 0x4f000000, 0, 0, 0xcf000000, IOC},
        {"bfcvt to even", 0x1e634020, 0, 0x3f808000, 0, 0, 0x3f80, IXC},
    };
    struct bench *t = bench_of("max");
    struct arm_cpu *a = fake.a;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        memset(a->v, 0xff, sizeof(a->v));
        a->v[1].d[0] = cases[i].v1;
        a->v[2].d[0] = cases[i].v2;
        a->v[3].d[0] = cases[i].v3;
        assert_true(run(t, cases[i].insn, cases[i].fpcr));
        if (a->v[0].d[0] != cases[i].v0 || a->v[0].d[1] || a->fpsr != cases[i].fpsr)
            fail_msg("%s: %#llx, FPSR %#x; not %#llx, %#x", cases[i].what,
                     (unsigned long long)a->v[0].d[0], a->fpsr, (unsigned long long)cases[i].v0,
                     cases[i].fpsr);
    }
    bench_end(t);
}

/* A NaN converts to 0; FJCVTZS wraps, and Z says whether it was exact. */
static void integer_test(void **state)
{
    struct bench *t = bench_of("max");
    struct arm_cpu *a = fake.a;
    a->v[1].d[0] = UINT64_C(0x7ff8000000000000);
    assert_true(run(t, 0x9e780020, 0)); /* fcvtzs x0,d1 */
    assert_int_equal(a->x[0], 0);
    assert_int_equal(a->fpsr, IOC);
    a->v[1].d[0] = UINT64_C(0x41f0000000100000); /* 2^32 + 1 */
    assert_true(run(t, 0x1e7e0020, 0));
    assert_int_equal(a->x[0], 1);
    assert_int_equal(arm_nzcv(a), 0);
    a->v[1].d[0] = UINT64_C(0xc008000000000000); /* -3 */
    assert_true(run(t, 0x1e7e0020, 0));
    assert_int_equal(a->x[0], 0xfffffffd);
    assert_int_equal(arm_nzcv(a), PSTATE_Z);
    bench_end(t);
}

/* A conditional comparison that does not happen raises nothing. */
static void condition_test(void **state)
{
    struct bench *t = bench_of("max");
    struct arm_cpu *a = fake.a;
    a->v[1].d[0] = UINT64_C(0x7ff0000000000001);
    a->v[2].d[0] = 0;
    arm_nzcv_set(a, 0);
    assert_true(run(t, 0x1e620435, 0)); /* fccmpe d1,d2,#5,eq */
    assert_int_equal(arm_nzcv(a), PSTATE_Z | PSTATE_V);
    assert_int_equal(a->fpsr, 0);
    arm_nzcv_set(a, PSTATE_Z);
    assert_true(run(t, 0x1e620435, 0));
    assert_int_equal(arm_nzcv(a), PSTATE_C | PSTATE_V);
    assert_int_equal(a->fpsr, IOC);
    bench_end(t);
}

/* Half precision without FEAT_FP16 is for conversions and moves only. */
static void features_test(void **state)
{
    struct bench *t = bench_of("cortex-a53");
    assert_true(run(t, 0x1e23c020, 0));             /* fcvt h0,s1 */
    assert_false(run(t, 0x1ee22820, 0));            /* fadd h0,h1,h2 */
    assert_false(run(t, 0x0e421420, 0));            /* fadd v0.4h,v1.4h,v2.4h */
    assert_false(run(t, 0x1e284020, 0));            /* frint32z s0,s1 */
    assert_false(run(t, 0x4e62d420 & ~BIT(30), 0)); /* fadd v0.1d: reserved */
    assert_false(run(t, 0x1ea22820, 0));            /* ftype 2 */
    bench_end(t);
}

static void trap_test(void **state)
{
    struct bench *t = bench_of("max");
    fake_set("CPACR_EL1", 0);
    assert_true(run(t, 0x1e622820, 0)); /* fadd d0,d1,d2 */
    assert_int_equal(fake_get("ESR_EL1") >> 26, ARM_EC_FP);
    fake_at(1);
    assert_true(run(t, 0x4e284820, 0)); /* aese v0.16b,v1.16b */
    assert_int_equal(fake_get("ESR_EL1") >> 26, ARM_EC_FP);
    bench_end(t);
}

/* ---- Cryptographic instructions by the host's own: as by plain C ---- */

static u64 random_bits(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void host_crypto_test(void **state)
{
    struct host_crypto host;
    u64 seed = 20261123;
    unsigned found = 0;
    host_crypto_find(&host);
    for (unsigned op = 0; op < ARM_CRYPTO_COUNT; op++) {
        enum host_crypto_step step = arm_crypto_step((enum arm_crypto)op);
        for (unsigned i = 0; i < 20000 && step != HOST_CRYPTO_COUNT && host.fn[step]; i++) {
            struct arm_crypto_operands o = {0};
            union arm_vector *v[] = {&o.d, &o.n, &o.m};
            for (unsigned k = 0; k < 6; k++)
                v[k / 2]->d[k % 2] = random_bits(&seed);
            union arm_vector want = arm_crypto_plain((enum arm_crypto)op, &o), got = o.d;
            host.fn[step](&got, &o.n, &o.m);
            assert_memory_equal(&got, &want, sizeof(got));
            found += !i;
        }
    }
    if (!found)
        skip(); /* a host without such instructions */
}

static void host_multiplication_test(void **state)
{
    struct host_crypto host;
    u64 seed = 20261124;
    host_crypto_find(&host);
    if (!host.fn[HOST_MULTIPLY])
        skip();
    for (unsigned i = 0; i < 20000; i++) {
        union arm_vector x = {.d = {random_bits(&seed), 1}}, y = {.d = {i % 3 ? random_bits(&seed) : BIT(i % 64), 2}}, got;
        host.fn[HOST_MULTIPLY](&got, &x, &y);
        for (unsigned n = 0; n < 128; n++) { /* bit n of the product: pairs of bits whose places add up to n */
            unsigned bit = 0;
            for (unsigned k = n > 63 ? n - 63 : 0; k <= MIN(n, 63u); k++)
                bit ^= x.d[0] >> k & y.d[0] >> (n - k) & 1;
            assert_int_equal(got.d[n / 64] >> n % 64 & 1, bit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_test),  cmocka_unit_test(corners_test),
        cmocka_unit_test(integer_test),  cmocka_unit_test(condition_test),
        cmocka_unit_test(features_test), cmocka_unit_test(trap_test),
        cmocka_unit_test(host_crypto_test), cmocka_unit_test(host_multiplication_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
