/*
 * test_a32_trans.c - A32's and T32's frame: conditions, IT blocks and what faults find in them,
 * units that begin or end inside of a block, changes of the instruction set, flags that
 * instructions leave alone. Programs are translated unit by unit and executed by the IR's
 * interpreter; what single instructions compute is compared with another implementation by
 * tests/diff.
 */
#define ARM_FAKE_OWN_EXCLUSIVES
#define ARM_FAKE_OWN_FETCH
#include "arm_fake.h"

#include "isa/arm/a32.h"
#include "jit/cache.h"
#include "jit/eval.h"
#include "jit/interp.h"

enum { DATA = FAKE_RAM + 0x10000, NOWHERE = 0x10000000, PAGE = 4096 };

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
    u8 *p = access_at(vaddr, aux, ISA_READ, f);
    if (p)
        *out = load_le(p, IR_MEM_BYTES(aux));
    return f->kind;
}

enum isa_fault_kind slow_store(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                               struct isa_fault *f)
{
    u8 *p = access_at(vaddr, aux, ISA_WRITE, f);
    if (p)
        store_le(p, value, IR_MEM_BYTES(aux));
    return f->kind;
}

/* Not used here. */
enum isa_fault_kind slow_load_wide(struct cpu *cpu, unsigned aux, u64 vaddr, struct ir_v128 *out,
                                   struct isa_fault *f)
{
    return slow_load(cpu, 3, vaddr, &out->d[0], f);
}

enum isa_fault_kind slow_store_wide(struct cpu *cpu, unsigned aux, u64 vaddr,
                                    const struct ir_v128 *v, struct isa_fault *f)
{
    return slow_store(cpu, 3, vaddr, v->d[0], f);
}

enum isa_fault_kind slow_rmw(struct cpu *cpu, unsigned aux, enum ir_rmw kind, u64 vaddr, u64 value,
                             u64 *old, struct isa_fault *f)
{
    return slow_load(cpu, aux, vaddr, old, f);
}

enum isa_fault_kind slow_cas(struct cpu *cpu, unsigned aux, u64 vaddr, u64 expected, u64 desired,
                             u64 *old, struct isa_fault *f)
{
    return slow_load(cpu, aux, vaddr, old, f);
}

enum isa_fault_kind slow_load_linked(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                                     struct isa_fault *f)
{
    return slow_load(cpu, aux, vaddr, out, f);
}

enum isa_fault_kind slow_store_cond(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                                    u64 *failed, struct isa_fault *f)
{
    *failed = 0;
    return slow_store(cpu, aux, vaddr, value, f);
}

enum isa_fault_kind jit_load_linked_wide(struct cpu *cpu, u64 vaddr, u64 out[2],
                                         struct isa_fault *f)
{
    return slow_load(cpu, 3, vaddr, &out[0], f);
}

enum isa_fault_kind jit_store_cond_wide(struct cpu *cpu, u64 vaddr, const u64 value[2], u64 *failed,
                                        struct isa_fault *f)
{
    return slow_store(cpu, 3, vaddr, value[0], f);
}

/* Code is on the page that the unit begins on; a first instruction may go on behind it. */
static u64 unit_page;
static struct ir_unit unit;

bool jit_fetch(struct cpu *cpu, u64 pc, unsigned size, u64 *out)
{
    u8 *p = fake_host(pc, size);
    bool is_first = !unit.guest_insns;
    if (!p || (!is_first && pc + size > unit_page + PAGE))
        return false;
    *out = load_le(p, size);
    return true;
}

/* ---- Programs ---- */

static unsigned max_insns;

static int set_up(void **state)
{
    fake_start("max", false, false);
    max_insns = 64;
    return 0;
}

static int tear_down(void **state)
{
    fake_stop();
    return 0;
}

/* At FAKE_PC, in User mode with these bits of CPSR; registers are numbers that tell them apart. */
static void start(u64 cpsr)
{
    struct arm_cpu *a = fake.a;
    arm_pstate_write(a, cpsr | 0x10);
    for (unsigned i = 0; i < 15; i++)
        a->x[i] = 0x100 + i;
    a->x[1] = DATA;
    a->pc = FAKE_PC;
    arm_state_changed(a);
}

static void code16(u64 at, const u16 *code, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        store_le(fake_host(at + 2 * i, 2), code[i], 2);
}

static void code32(const u32 *code, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        store_le(fake_host(FAKE_PC + 4 * i, 4), code[i], 4);
}

#define T32(...)                                                                                   \
    do {                                                                                           \
        static const u16 code[] = {__VA_ARGS__};                                                   \
        code16(FAKE_PC, code, ARRAY_SIZE(code));                                                   \
    } while (0)
#define A32(...)                                                                                   \
    do {                                                                                           \
        static const u32 code[] = {__VA_ARGS__};                                                   \
        code32(code, ARRAY_SIZE(code));                                                            \
    } while (0)

/* One unit; the fault, if there was one. */
static enum isa_fault_kind step(struct isa_fault *f)
{
    struct arm_cpu *a = fake.a;
    struct ir_builder b;
    struct arena arena;
    arena_init(&arena);
    unit_page = align_down(a->pc, PAGE);
    ir_builder_init(&b, &unit, &arena, &arm_isa, a->pc, a->cpu.mode);
    arm_translate_unit(&a->cpu, &b, max_insns);
    ir_optimize(&unit, &arena, ~0u);
    a->cpu.unwind = 0;
    struct ir_interp_exit e =
        interp_run(&a->cpu, &unit, arena_alloc(&arena, 2 * IR_MAX_OPS * sizeof(u64)));
    if (e.kind == IR_INTERP_JUMP)
        a->pc = e.pc;
    *f = (struct isa_fault){.kind = ISA_FAULT_NONE};
    if (e.kind == IR_INTERP_FAULT)
        *f = e.fault;
    else
        assert_int_equal(a->cpu.mode, arm_mode(a));
    arena_fini(&arena);
    return f->kind;
}

/* Until pc is `end`, at most so many units. */
static void run_to(u64 end)
{
    struct isa_fault f;
    for (unsigned n = 0; n < 20 && fake.a->pc != end; n++)
        assert_int_equal(step(&f), ISA_FAULT_NONE);
    assert_int_equal(fake.a->pc, end);
}

static u32 r(unsigned n)
{
    assert_int_equal(fake.a->x[n] >> 32, 0);
    return (u32)fake.a->x[n];
}

enum { T = PSTATE_T, Z = PSTATE_Z, C = PSTATE_C, V = PSTATE_V };

/* ITSTATE in CPSR's bits. */
static u64 it_bits(u64 it)
{
    return (it & 3) << 25 | it >> 2 << 10;
}

/* ---- IT blocks ---- */

/* itete eq; moveq r0,#1; movne r0,#2; moveq r2,#3; movne r2,#4 */
static void choice_test(void **state)
{
    T32(0xbf0b | 0, 0x2001, 0x2002, 0x2203, 0x2204, 0xe7fe);
    for (unsigned limit = 1; limit < 8; limit++) {
        max_insns = limit;
        for (unsigned z = 0; z < 2; z++) {
            start(T | (z ? Z : 0));
            run_to(FAKE_PC + 10);
            assert_int_equal(r(0), z ? 1 : 2);
            assert_int_equal(r(2), z ? 3 : 4);
            assert_int_equal(fake.a->it, 0);
            assert_int_equal(arm_nzcv(fake.a), z ? Z : 0); /* MOV sets no flags here */
        }
    }
}

/* ite eq; streq r2,[r1]; strne r3,[r1]: the one way leaves the unit for the inside of the block. */
static void stores_test(void **state)
{
    T32(0xbf0c, 0x600a, 0x600b, 0xe7fe);
    for (unsigned z = 0; z < 2; z++) {
        start(T | (z ? Z : 0));
        store_le(fake_host(DATA, 4), 0, 4);
        run_to(FAKE_PC + 6);
        assert_int_equal(load_le(fake_host(DATA, 4), 4), z ? 0x102 : 0x103);
        assert_int_equal(fake.a->it, 0);
    }
}

/* itttt eq; moveq r0,#1; ldreq r2,[r3]; ...: the fault finds ITSTATE of the load. */
static void fault_test(void **state)
{
    struct isa_fault f;
    T32(0xbf01, 0x2001, 0x681a, 0x2003, 0x2004, 0xe7fe);
    start(T | Z);
    fake.a->x[3] = NOWHERE;
    assert_int_equal(step(&f), ISA_FAULT_ACCESS);
    assert_int_equal(fake.a->pc, FAKE_PC + 4);
    assert_int_equal(r(0), 1);
    assert_int_equal(r(2), 0x102);
    assert_int_equal(fake.a->it, it_bits(0x02));
    assert_int_equal(arm_pstate_read(fake.a) & PSTATE_IT, it_bits(0x02));
    /* and goes on there when the reason is gone */
    fake.a->x[3] = DATA;
    store_le(fake_host(DATA, 4), 77, 4);
    arm_state_changed(fake.a);
    run_to(FAKE_PC + 10);
    assert_int_equal(r(2), 77);
    assert_int_equal(r(0), 4);
    assert_int_equal(fake.a->it, 0);
}

/* An exception returns to the inside of a block: of "itt ne" the second, then "it"'s end. */
static void resumed_test(void **state)
{
    T32(0x2001, 0x2202, 0xe7fe);
    for (unsigned z = 0; z < 2; z++) {
        start(T | (z ? Z : 0) | it_bits(0x18)); /* ne, one instruction left */
        run_to(FAKE_PC + 4);
        assert_int_equal(r(0), z ? 0x100 : 1);
        assert_int_equal(r(2), 2);
        assert_int_equal(arm_nzcv(fake.a), 0); /* MOVS behind the block */
    }
}

/* it eq; beq .+8 */
static void branch_test(void **state)
{
    T32(0xbf08, 0xe001, 0xe7fe, 0xbf00, 0xe7fe);
    start(T | Z);
    run_to(FAKE_PC + 8);
    assert_int_equal(fake.a->it, 0);
    start(T);
    run_to(FAKE_PC + 4);
    assert_int_equal(fake.a->it, 0);
}

/* itt eq; cmpeq r2,r2 (no: r2,r3); moveq r0,#1: a condition after flags have changed in the block.
 */
static void flags_in_block_test(void **state)
{
    T32(0xbf04, 0x429a, 0x2001, 0xe7fe);
    start(T | Z);
    run_to(FAKE_PC + 6);
    assert_int_equal(r(0), 0x100);
    start(T | Z);
    fake.a->x[2] = fake.a->x[3];
    run_to(FAKE_PC + 6);
    assert_int_equal(r(0), 1);
}

/* ---- Conditions of A32 ---- */

/* addne r0,r0,#1; strne r2,[r1]; strne r2,[r1,#4]; mulseq r3,r2,r2; movmi r4,#1; beq .+8; mov
 * r5,#1; b . */
static void a32_test(void **state)
{
    A32(0x12800001, 0x15812000, 0x15812004, 0x00130292, 0x43a04001, 0x0a000000, 0xe3a05001,
        0xeafffffe, 0xeafffffe);
    for (unsigned z = 0; z < 2; z++) {
        start(z ? Z | C | V : C | V);
        store_le(fake_host(DATA, 8), 0, 8);
        run_to(FAKE_PC + 28);
        assert_int_equal(r(0), z ? 0x100 : 0x101);
        assert_int_equal(load_le(fake_host(DATA, 4), 4), z ? 0 : 0x102);
        assert_int_equal(load_le(fake_host(DATA + 4, 4), 4), z ? 0 : 0x102);
        assert_int_equal(r(3), z ? 0x102 * 0x102 : 0x103);
        assert_int_equal(r(4), 0x104);
        assert_int_equal(r(5), 1);
        assert_int_equal(arm_nzcv(fake.a), C | V); /* MULS leaves these */
    }
}

/* popeq {pc}; moveq r0,#1; b .: what a jump over has looked at belongs to the unit. */
static void covered_test(void **state)
{
    struct isa_fault f;
    A32(0x049df004, 0x03a00001, 0xeafffffe);
    start(Z);
    fake.a->x[13] = DATA;
    store_le(fake_host(DATA, 4), FAKE_PC + 0x100, 4);
    step(&f);
    assert_int_equal(fake.a->pc, FAKE_PC + 0x100);
    assert_true(unit.guest_bytes >= 8);
    start(0);
    step(&f);
    assert_int_equal(fake.a->pc, FAKE_PC + 8);
}

/* ---- Flags that stay, carries out of the shifter ---- */

/* movs r0,#0; lsls r0,r2,#28; lsrs r0,r3,#1; ands r0,r0: r2 = 0x10, r3 = 3 */
static void partly_test(void **state)
{
    T32(0x2000, 0xe7fe, 0x0710, 0xe7fe, 0x0858, 0xe7fe);
    start(T | C | V | PSTATE_N);
    fake.a->x[2] = 0x10;
    fake.a->x[3] = 3;
    run_to(FAKE_PC + 2);
    assert_int_equal(arm_nzcv(fake.a), Z | C | V);
    fake.a->pc = FAKE_PC + 4;
    run_to(FAKE_PC + 6);
    assert_int_equal(arm_nzcv(fake.a), Z | C | V); /* bit 4 shifted out */
    fake.a->pc = FAKE_PC + 8;
    run_to(FAKE_PC + 10);
    assert_int_equal(arm_nzcv(fake.a), C | V);
    /* read by another unit: sbc r0,r0,r0 is C - 1 */
    T32(0x4180, 0xe7fe);
    fake.a->pc = FAKE_PC;
    run_to(FAKE_PC + 2);
    assert_int_equal(r(0), 0);
    assert_int_equal(arm_nzcv(fake.a), Z | C);
}

/* ---- From one instruction set to the other ---- */

static void interworking_test(void **state)
{
    struct isa_fault f;
    A32(0xe12fff10); /* bx r0 */
    start(0);
    fake.a->x[0] = FAKE_PC + 0x101;
    step(&f);
    assert_int_equal(fake.a->pc, FAKE_PC + 0x100);
    assert_true(fake.a->cpu.mode & ARM_MODE_T);
    T32(0xbf08, 0x4740); /* it eq; bxeq r8 */
    fake.a->pc = FAKE_PC;
    fake.a->x[8] = FAKE_PC + 0x200;
    arm_pstate_write(fake.a, T | Z | 0x10);
    arm_state_changed(fake.a);
    step(&f);
    assert_int_equal(fake.a->pc, FAKE_PC + 0x200);
    assert_false(fake.a->cpu.mode & ARM_MODE_T);
    assert_int_equal(fake.a->it, 0);
    T32(0xf000, 0xe800); /* blx .+4 */
    start(T);
    step(&f);
    assert_int_equal(fake.a->pc, FAKE_PC + 4);
    assert_int_equal(r(14), FAKE_PC + 5);
    assert_false(fake.a->cpu.mode & ARM_MODE_T);
}

/* ---- Accesses ---- */

/* ldrd r2,r3,[r1]: aligned to words; the fault changes nothing. */
static void pair_test(void **state)
{
    struct isa_fault f;
    A32(0xe1c120d0, 0xe1c120f8, 0xeafffffe);
    start(0);
    fake.a->x[1] = DATA + 4;
    store_le(fake_host(DATA + 4, 8), UINT64_C(0x1122334455667788), 8);
    run_to(FAKE_PC + 8);
    assert_int_equal(r(2), 0x55667788);
    assert_int_equal(r(3), 0x11223344);
    assert_int_equal(load_le(fake_host(DATA + 12, 8), 8), UINT64_C(0x1122334455667788));
    start(0);
    fake.a->x[1] = DATA + 2;
    step(&f);
    assert_int_equal(fake.a->sysreg[ARM_SYS_FAR_EL1], DATA + 2);
    assert_int_equal(fake.a->elr_el[1], FAKE_PC);
    assert_int_equal(fake.a->sysreg[ARM_SYS_ESR_EL1] & 0x7f, 0x21); /* alignment, a read */
}

/* Addresses wrap at 4 GB: ldr r0,[r1,#-4] of 4 + what is below. */
static void wrap_test(void **state)
{
    A32(0xe7910002, 0xeafffffe);
    start(0);
    fake.a->x[1] = DATA + 0x100;
    fake.a->x[2] = (u32)-0x100;
    store_le(fake_host(DATA, 4), 99, 4);
    run_to(FAKE_PC + 4);
    assert_int_equal(r(0), 99);
}

/* The second half of a wide instruction is on the next page: it is a unit's first. */
static void across_pages_test(void **state)
{
    struct isa_fault f;
    static const u16 code[] = {0x2001, 0xf240, 0x1223, 0xe7fe}; /* movs r0,#1; movw r2,#0x123 */
    u64 at = FAKE_PC + PAGE - 4;
    start(T);
    code16(at, code, ARRAY_SIZE(code));
    fake.a->pc = at;
    step(&f);
    assert_int_equal(fake.a->pc, at + 2);
    assert_int_equal(r(2), 0x102);
    step(&f);
    assert_int_equal(r(2), 0x123);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(choice_test),       TEST(stores_test),         TEST(fault_test), TEST(resumed_test),
        TEST(branch_test),       TEST(flags_in_block_test), TEST(a32_test),   TEST(covered_test),
        TEST(partly_test),       TEST(interworking_test),   TEST(pair_test),  TEST(wrap_test),
        TEST(across_pages_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
