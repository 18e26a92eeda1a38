/*
 * test_arm_pauth.c - pointer authentication: QARMA5 against the vector of its designers' paper
 * ("The QARMA Block Cipher Family", table of test vectors), what signing and checking do to
 * addresses under several translation regimes, and who may forbid it.
 */
#include "arm_fake.h"

#include "isa/arm/trans.h"
#include "isa/arm_decode.h"
#include "jit/eval.h"

static void vector_test(void **state)
{
    u64 code = arm_pac_qarma5(UINT64_C(0xfb623599da6e8127), UINT64_C(0x477d469dec0b8762),
                              UINT64_C(0x84be85ce9804e94b), UINT64_C(0xec2802d4e0a488e9));
    assert_true(code == UINT64_C(0xc003b93999b33765));
}

static void set_keys(void)
{
    srand(1);
    for (unsigned i = 0; i < 10; i++)
        fake.a->sysreg[ARM_SYS_APIAKEYLO_EL1 + i] =
            (u64)rand() << 40 ^ (u64)rand() << 20 ^ (u64)rand();
}

enum { SIZE_48 = 16 | 16 << 16 };

/* Where codes may be, for addresses of the lower and the upper range. */
static const struct {
    u64 tcr;
    bool data;
    u64 lower, upper;
} layouts[] = {
    {SIZE_48, false, 0xff7f000000000000, 0xff7f000000000000},
    {SIZE_48, true, 0xff7f000000000000, 0xff7f000000000000},
    {25 | 16 << 16, false, 0xff7fff8000000000, 0xff7f000000000000},
    {SIZE_48 | TCR_TBI0, false, 0x007f000000000000, 0xff7f000000000000},
    {SIZE_48 | TCR_TBI0 | TCR_TBI1, true, 0x007f000000000000, 0x007f000000000000},
    {SIZE_48 | TCR_TBI0 | TCR_TBI1 | TCR_TBID0 | TCR_TBID1, false, 0xff7f000000000000,
     0xff7f000000000000},
    {SIZE_48 | TCR_TBI0 | TCR_TBI1 | TCR_TBID0 | TCR_TBID1, true, 0x007f000000000000,
     0x007f000000000000},
};

static void check_pointer(u64 ptr, u64 mask, u64 modifier, u64 key)
{
    struct cpu *cpu = &fake.a->cpu;
    u64 made = arm_helper_pac(cpu, ptr, modifier, key);
    bool tagged = !(mask >> 56);
    assert_true(((made ^ ptr) & ~mask) == 0);
    assert_true(arm_helper_aut(cpu, made, modifier, key) == ptr);
    assert_true(arm_helper_xpac(cpu, made, key >= ARM_PAC_DA) == ptr);
    u64 wrong = made ^ BIT(50); /* a bit of the code */
    u64 error = key & 1 ? 2 : 1, want = bits_set(ptr, tagged ? 53 : 61, 2, error);
    assert_true(arm_helper_aut(cpu, wrong, modifier, key) == want);
}

static void addresses_test(void **state)
{
    fake_start("max,pauth-impdef=off", false, false);
    fake_at(1);
    set_keys();
    fake_set("SCTLR_EL1", SCTLR_ENIA | SCTLR_ENIB | SCTLR_ENDA | SCTLR_ENDB);
    unsigned changed = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++) {
        fake_set("TCR_EL1", layouts[i].tcr);
        for (unsigned n = 0; n < 200; n++) {
            u64 key = (layouts[i].data ? ARM_PAC_DA : ARM_PAC_IA) + n % 2, modifier = (u64)rand()
                                                                                      << 16;
            u64 lower = (u64)rand() << 4, upper = lower | BITS(63, 32);
            check_pointer(lower, layouts[i].lower, modifier, key);
            check_pointer(upper, layouts[i].upper, modifier, key);
            changed += arm_helper_pac(&fake.a->cpu, lower, modifier, key) !=
                       arm_helper_pac(&fake.a->cpu, lower, modifier + 8, key);
        }
    }
    assert_true(changed > 1300);
    /* A pointer that was none gives a code that does not hold. */
    u64 none = BIT(50) | 0x1000, made = arm_helper_pac(&fake.a->cpu, none, 1, ARM_PAC_DA);
    assert_true(arm_helper_aut(&fake.a->cpu, made, 1, ARM_PAC_DA) != 0x1000);
    fake_set("SCTLR_EL1", SCTLR_ENIA);
    assert_true(arm_helper_pac(&fake.a->cpu, 0x1000, 1, ARM_PAC_IB) == 0x1000);
    assert_true(arm_helper_aut(&fake.a->cpu, none, 1, ARM_PAC_DB) == none);
    assert_int_equal(arm_helper_pacga(&fake.a->cpu, 5, 6) & UINT32_MAX, 0);
    assert_true(arm_helper_pacga(&fake.a->cpu, 5, 6) != arm_helper_pacga(&fake.a->cpu, 5, 7));
    fake_stop();
}

static void identity_test(void **state)
{
    fake_start("max", false, false);
    fake_at(1);
    set_keys();
    fake_set("SCTLR_EL1", SCTLR_ENIA);
    fake_set("TCR_EL1", SIZE_48);
    assert_int_equal(fake_get("ID_AA64ISAR1_EL1") >> 4 & 0xff, 0x10);
    check_pointer(0x123456789000, layouts[0].lower, 5, ARM_PAC_IA);
    fake_stop();
    fake_start("max,pauth-impdef=off", false, false);
    assert_int_equal(fake_get("ID_AA64ISAR1_EL1") >> 4 & 0xff, 0x01);
    fake_stop();
}

/* The tests that stand before the work, as the folder of the IR would take them: none where nobody
 * can trap. */
static unsigned traps_of(unsigned el, u32 insn)
{
    struct arena arena;
    struct ir_unit u;
    struct ir_builder b;
    unsigned n = 0;
    arena_init(&arena);
    ir_builder_init(&b, &u, &arena, &arm_isa, FAKE_PC, el);
    struct arm_ctx c = {.cpu = fake.a,
                        .b = &b,
                        .ext = fake.a->ext,
                        .pc = FAKE_PC,
                        .next = FAKE_PC + 4,
                        .insn = insn,
                        .length = 4,
                        .el = (u8)el};
    ir_insn(&b, FAKE_PC, 4);
    assert_true(arm_translate(&c, arm_identify_a64_32(c.ext, insn), insn));
    for (u32 i = 0; i < u.count; i++)
        n += u.ops[i].op == IR_TRAP_IF;
    arena_fini(&arena);
    return n;
}

static void traps_test(void **state)
{
    enum { PACIASP = 0xd503233f, PACGA = 0x9ac23020, XPACI = 0xdac143e0 };
    fake_start("max", false, false);
    assert_int_equal(traps_of(1, PACIASP), 0);
    fake_stop();
    fake_start("max", true, true);
    assert_int_equal(traps_of(0, PACIASP), 2);
    assert_int_equal(traps_of(1, PACGA), 2);
    assert_int_equal(traps_of(2, PACIASP), 1);
    assert_int_equal(traps_of(3, PACIASP), 0);
    assert_int_equal(traps_of(1, XPACI), 0);
    fake_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_test),
        cmocka_unit_test(addresses_test),
        cmocka_unit_test(identity_test),
        cmocka_unit_test(traps_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
