/*
 * test_arm_sysreg.c - the table of system registers against itself; who may access what, traps,
 * E2H's other names, values that registers keep.
 */
#include "arm_fake.h"

static int start(void **state)
{
    fake_start("max", true, true);
    fake_open();
    fake_at(1);
    return 0;
}

/* AArch32 at EL0: PMCR_EL0.LC can be 0. */
static int start_a72(void **state)
{
    fake_start("cortex-a72", true, true);
    fake_open();
    fake_at(1);
    return 0;
}

static int stop(void **state)
{
    fake_stop();
    return 0;
}

static void table(void **state)
{
    for (unsigned i = 0; i < arm_sysreg_count; i++) {
        const struct arm_sysreg *r = &arm_sysregs[i];
        if (r->name[0] == '(')
            continue;
        for (unsigned k = i + 1; k < arm_sysreg_count; k++) {
            if (arm_sysregs[k].encoding == r->encoding || strcmp(arm_sysregs[k].name, r->name) == 0)
                fail_msg("%s and %s", r->name, arm_sysregs[k].name);
        }
        assert_true(r->at || r->get || r->set);
        if (r->e2h) {
            const struct arm_sysreg *other = arm_sysreg_find(fake.a, r->e2h, 2, false);
            assert_non_null(other);
            assert_int_equal(arm_enc_op1(other->encoding), 4);
            assert_ptr_equal(arm_sysreg_find(fake.a, r->encoding, 2, true), other);
        }
        assert_true(r->encoding >> 14 == 1 ? !r->at && r->set : true);
    }
    assert_null(arm_sysreg_find(fake.a, ARM_ENC(3, 3, 7, 7, 7), 1, false));
    assert_string_equal(arm_sysreg_name(ARM_ENC(3, 0, 1, 0, 0)), "SCTLR_EL1");
}

static void other_names(void **state)
{
    struct arm_cpu *a = fake.a;
    /* _EL12, _EL02 */
    assert_null(arm_sysreg_find(a, ARM_ENC(3, 5, 1, 0, 0), 2, false));
    assert_null(arm_sysreg_find(a, ARM_ENC(3, 5, 1, 0, 0), 1, false));
    assert_string_equal(arm_sysreg_find(a, ARM_ENC(3, 5, 1, 0, 0), 2, true)->name, "SCTLR_EL1");
    assert_string_equal(arm_sysreg_find(a, ARM_ENC(3, 5, 14, 3, 1), 2, true)->name, "CNTV_CTL_EL0");
    assert_string_equal(arm_sysreg_find(a, ARM_ENC(3, 5, 14, 1, 0), 2, true)->name, "CNTKCTL_EL1");
    assert_string_equal(arm_sysreg_find(a, ARM_ENC(3, 0, 1, 0, 2), 2, true)->name, "CPTR_EL2");
    assert_null(arm_sysreg_find(a, ARM_ENC(3, 5, 1, 0, 1), 2, true));
    /* the ID space reads as zero */
    u64 v = 1;
    assert_true(fake_access_register(ARM_ENC(3, 0, 0, 7, 7), true, &v));
    assert_int_equal(v, 0);
}

static void features(void **state)
{
    assert_non_null(arm_sysreg_find(fake.a, ARM_ENC(3, 0, 2, 1, 0), 1, false));
    fake_stop();
    fake_start("max,pauth=off,pan=off,rng=off", false, false);
    assert_null(arm_sysreg_find(fake.a, ARM_ENC(3, 0, 2, 1, 0), 1, false));
    assert_null(arm_sysreg_find(fake.a, ARM_ENC(3, 0, 4, 2, 3), 1, false));
    assert_null(arm_sysreg_find(fake.a, ARM_ENC(3, 3, 2, 4, 0), 1, false));
}

static void refused(unsigned el, u32 encoding, bool read, unsigned to, u64 ec)
{
    static const char *const esr[4] = {"", "ESR_EL1", "ESR_EL2", "ESR_EL3"};
    u64 v = 0;
    fake_at(el);
    assert_false(fake_access_register(encoding, read, &v));
    assert_int_equal(arm_el(fake.a), to);
    assert_int_equal(fake_get(esr[to]) >> 26, ec);
    if (ec == ARM_EC_SYSREG)
        assert_int_equal(fake_get(esr[to]) & 1, read);
}

static void allowed(unsigned el, u32 encoding, bool read)
{
    u64 v = 0;
    fake_at(el);
    if (!fake_access_register(encoding, read, &v))
        fail_msg("%#x at EL%u", encoding, el);
}

static void traps(void **state)
{
    u32 ctr = ARM_ENC(3, 3, 0, 0, 1), ttbr0 = ARM_ENC(3, 0, 2, 0, 0),
        cpacr = ARM_ENC(3, 0, 1, 0, 2);
    fake_set("SCTLR_EL1", 0);
    refused(0, ctr, true, 1, ARM_EC_SYSREG);
    fake_set("SCTLR_EL1", SCTLR_UCT);
    allowed(0, ctr, true);
    fake_set("HCR_EL2", HCR_RW | HCR_TID2);
    refused(0, ctr, true, 2, ARM_EC_SYSREG);
    refused(1, ctr, true, 2, ARM_EC_SYSREG);
    allowed(2, ctr, true);
    fake_set("HCR_EL2", HCR_RW | HCR_TVM);
    refused(1, ttbr0, false, 2, ARM_EC_SYSREG);
    allowed(1, ttbr0, true);
    fake_set("HCR_EL2", HCR_RW);
    fake_set("CPTR_EL2", CPTR_TCPAC);
    refused(1, cpacr, true, 2, ARM_EC_SYSREG);
    fake_set("CPTR_EL2", 0);
    fake_set("CPTR_EL3", CPTR_TCPAC);
    refused(1, cpacr, true, 3, ARM_EC_SYSREG);
    refused(2, ARM_ENC(3, 4, 1, 1, 2), false, 3, ARM_EC_SYSREG);
    fake_set("MDCR_EL3", MDCR_TDA);
    refused(1, ARM_ENC(2, 0, 0, 2, 2), true, 3, ARM_EC_SYSREG);
    refused(1, ARM_ENC(3, 0, 2, 1, 0), true, 2, ARM_EC_SYSREG); /* HCR.APK, SCR.APK are 0 */
}

/* The host's EL0 asks EL2's registers. */
static void host_traps(void **state)
{
    u32 ctr = ARM_ENC(3, 3, 0, 0, 1), cntvct = ARM_ENC(3, 3, 14, 0, 2);
    fake_set("HCR_EL2", HCR_RW | HCR_E2H | HCR_TGE | HCR_TID2);
    fake_set("SCTLR_EL1", SCTLR_UCT);
    fake_set("SCTLR_EL2", 0);
    refused(0, ctr, true, 2, ARM_EC_SYSREG);
    fake_set("SCTLR_EL2", SCTLR_UCT);
    allowed(0, ctr, true);
    fake_set("CNTHCTL_EL2", 0);
    refused(0, cntvct, true, 2, ARM_EC_SYSREG);
    fake_set("CNTHCTL_EL2", CNTK_EL0VCTEN);
    allowed(0, cntvct, true);
}

static void timer_traps(void **state)
{
    u32 pct = ARM_ENC(3, 3, 14, 0, 1), ctl = ARM_ENC(3, 3, 14, 2, 1),
        vctl = ARM_ENC(3, 3, 14, 3, 1);
    u32 psctl = ARM_ENC(3, 7, 14, 2, 1);
    fake_set("CNTHCTL_EL2", 3);
    fake_set("CNTKCTL_EL1", 0);
    refused(0, pct, true, 1, ARM_EC_SYSREG);
    fake_set("CNTKCTL_EL1", CNTK_EL0PCTEN);
    allowed(0, pct, true);
    refused(0, ctl, true, 1, ARM_EC_SYSREG);
    fake_set("CNTHCTL_EL2", 0);
    refused(0, pct, true, 2, ARM_EC_SYSREG);
    refused(1, ctl, false, 2, ARM_EC_SYSREG);
    allowed(1, vctl, false);
    fake_set("CNTHCTL_EL2", CNTH_EL1TVT);
    refused(1, vctl, false, 2, ARM_EC_SYSREG);
    /* the secure timer */
    allowed(3, psctl, true);
    refused(1, psctl, true, 1, ARM_EC_UNKNOWN);
    fake_set("SCR_EL3", SCR_RW);
    refused(1, psctl, true, 3, ARM_EC_SYSREG);
    fake_set("SCR_EL3", SCR_RW | SCR_ST);
    allowed(1, psctl, true);
}

static void pmu_traps(void **state)
{
    u32 pmcr = ARM_ENC(3, 3, 9, 12, 0), ccntr = ARM_ENC(3, 3, 9, 13, 0);
    refused(0, pmcr, true, 1, ARM_EC_SYSREG);
    fake_set("PMUSERENR_EL0", 4);
    allowed(0, ccntr, true);
    refused(0, ccntr, false, 1, ARM_EC_SYSREG);
    fake_set("PMUSERENR_EL0", 1);
    allowed(0, pmcr, true);
    fake_set("MDCR_EL2", MDCR_TPMCR);
    refused(0, pmcr, true, 2, ARM_EC_SYSREG);
    allowed(0, ccntr, true);
    fake_set("MDCR_EL2", MDCR_TPM);
    refused(1, ccntr, true, 2, ARM_EC_SYSREG);
}

static void values(void **state)
{
    fake_set("SCTLR_EL1", ~UINT64_C(0));
    assert_true(fake_get("SCTLR_EL1") & SCTLR_BT1);
    fake_set("SCTLR_EL1", 0);
    assert_int_equal(fake_get("SCTLR_EL1"), 0x30500800);
    fake_set("VBAR_EL1", ~UINT64_C(0));
    u64 low = arm_cpu_has(fake.a, ARM_EXT_AA32EL1) ? 31 : 0x7ff; /* of an EL1 of AArch32 */
    assert_int_equal(fake_get("VBAR_EL1"), ~low);
    fake_set("HCR_EL2", 0);
    assert_int_equal(fake_get("HCR_EL2"), 0);
    fake_set("HCR_EL2", HCR_RW);
    fake_set("CSSELR_EL1", 0);
    assert_int_equal(fake_get("CCSIDR_EL1"), 0x701fe01a);
    fake_set("CSSELR_EL1", 1);
    assert_int_equal(fake_get("CCSIDR_EL1"), 0x201fe01a);
    fake_set("CSSELR_EL1", 14);
    assert_int_equal(fake_get("CCSIDR_EL1"), 0);
    /* a guest's identity is what its hypervisor says */
    fake_set("VPIDR_EL2", 0x12345678);
    fake_set("VMPIDR_EL2", 0x80000007);
    fake_at(1);
    assert_int_equal(fake_get("MIDR_EL1"), 0x12345678);
    assert_int_equal(fake_get("MPIDR_EL1"), 0x80000007);
    fake_at(2);
    assert_int_equal(fake_get("MIDR_EL1"), 0x000f0470);
    assert_int_equal(fake_get("OSLSR_EL1"), 10);
    fake_set("OSLAR_EL1", 0);
    assert_int_equal(fake_get("OSLSR_EL1"), 8);
    fake_set("FPCR", UINT64_MAX);
    assert_int_equal(fake_get("FPCR"), 0x07c80000);
    assert_int_equal((fake.a->cpu.mode & ARM_MODE_FPC) >> ARM_MODE_FPC_SHIFT, ARM_FPC_SOFT);
}

static void cycles(void **state)
{
    fake.ns = 1000;
    fake_set("PMCR_EL0", 1);
    fake_set("PMCCNTR_EL0", 50);
    assert_int_equal(fake_get("PMCCNTR_EL0"), 50);
    fake_set("PMCNTENSET_EL0", BIT(31));
    fake.ns = 1100;
    assert_int_equal(fake_get("PMCCNTR_EL0"), 150);
    fake_set("PMCNTENCLR_EL0", BIT(31));
    fake.ns = 2000;
    assert_int_equal(fake_get("PMCCNTR_EL0"), 150);
    fake_set("PMCR_EL0", 1 | 4);
    assert_int_equal(fake_get("PMCCNTR_EL0"), 0);
}

static int pmu_level;

static void pmu_wire(void *sink, unsigned n, int level)
{
    pmu_level = level;
}

/* Of 64 bits, and without PMCR_EL0.LC of 32: the flag, the interrupt, and neither a second time. */
static void cycles_overflow(void **state)
{
    static const struct {
        u64 control, value;
    } rows[] = {{1 | 64, UINT64_MAX - 99}, {1, 0xffffff9c}, {1, 0x1ffffff9c}};
    arm_cpu_set_pmu_irq(&fake.a->cpu, (struct irq){.set = pmu_wire});
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        u64 start = fake.ns = 1000 * (i + 1);
        fake_set("PMCR_EL0", rows[i].control);
        fake_set("PMCCNTR_EL0", rows[i].value);
        fake_set("PMINTENSET_EL1", BIT(31));
        fake_set("PMCNTENSET_EL0", BIT(31));
        fake.ns = start + 99;
        assert_int_equal(fake_get("PMOVSCLR_EL0"), 0);
        assert_int_equal(pmu_level, 0);
        fake.ns = start + 100;
        assert_int_equal(fake_get("PMOVSCLR_EL0"), BIT(31));
        assert_int_equal(pmu_level, 1);
        fake_set("PMCR_EL0", rows[i].control & ~UINT64_C(1));
        assert_int_equal(pmu_level, 0);
        fake_set("PMCR_EL0", rows[i].control);
        assert_int_equal(pmu_level, 1);
        fake_set("PMOVSCLR_EL0", BIT(31));
        assert_int_equal(pmu_level, 0);
        fake.ns = start + 500;
        assert_int_equal(fake_get("PMOVSCLR_EL0"), 0);
        fake_set("PMCNTENCLR_EL0", BIT(31));
    }
}

static void zeroing(void **state)
{
    u64 v = FAKE_RAM + 0x2047;
    memset(fake_host(FAKE_RAM + 0x2000, 8), 0xaa, 256);
    fake_normal_memory();
    assert_true(fake_access_register(ARM_ENC(1, 3, 7, 4, 1), false, &v));
    assert_int_equal(fake_peek(FAKE_RAM + 0x2038), UINT64_C(0xaaaaaaaaaaaaaaaa));
    assert_int_equal(fake_peek(FAKE_RAM + 0x2040), 0);
    assert_int_equal(fake_peek(FAKE_RAM + 0x2078), 0);
    assert_int_equal(fake_peek(FAKE_RAM + 0x2080), UINT64_C(0xaaaaaaaaaaaaaaaa));
    fake_set("SCTLR_EL1", 0);
    refused(0, ARM_ENC(1, 3, 7, 4, 1), false, 1, ARM_EC_SYSREG);
}

static void float_traps(void **state)
{
    static const u8 fpen_el1[4] = {1, 0, 1, 0}, fpen_el0[4] = {1, 1, 1, 0};
    for (unsigned fpen = 0; fpen < 4; fpen++) {
        fake_set("CPACR_EL1", (u64)fpen << 20);
        fake_at(1);
        assert_int_equal(arm_fp_trap_level(fake.a), fpen_el1[fpen]);
        fake_at(0);
        assert_int_equal(arm_fp_trap_level(fake.a), fpen_el0[fpen]);
        assert_int_equal((fake.a->cpu.mode & ARM_MODE_FP) != 0, fpen_el0[fpen]);
    }
    fake_set("CPTR_EL2", CPTR_TFP);
    fake_at(1);
    arm_helper_fp_trap(&fake.a->cpu);
    assert_int_equal(arm_el(fake.a), 2);
    assert_int_equal(fake_get("ESR_EL2"), UINT64_C(7) << 26 | BIT(25) | BIT(24) | 0xe << 20);
    fake_set("CPTR_EL2", 0);
    fake_set("HCR_EL2", HCR_RW | HCR_E2H);
    fake_set("CPTR_EL2", 0);
    fake_at(2);
    assert_int_equal(arm_fp_trap_level(fake.a), 2);
    fake_set("CPTR_EL2", 3 << 20);
    assert_int_equal(arm_fp_trap_level(fake.a), 0);
    fake_set("CPTR_EL3", CPTR_TFP);
    assert_int_equal(arm_fp_trap_level(fake.a), 3);
}

/* What the table of the state has is what a new CPU gets back. */
static void state_round(void **state)
{
    struct err err = {0};
    fake_set("TTBR1_EL1", 0x123456789000);
    fake.a->x[7] = 77;
    fake.a->v[3].d[1] = 33;
    fake_at(2);
    assert_int_equal(arm_state.pre_save(fake.a, &err), 0);
    assert_int_equal(arm_state.post_load(fake.a, 1, &err), 0);
    assert_int_equal(arm_el(fake.a), 2);
    fake.a->pstate = 12 | PSTATE_A32;
    fake.a->has_el3 = false;
    fake.a->saved_model = arm_model_identity(fake.a);
    assert_int_equal(arm_state.post_load(fake.a, 1, &err), 0);
    assert_int_equal(arm_el(fake.a), 2);
    fake.a->saved_model++;
    assert_int_not_equal(arm_state.post_load(fake.a, 1, &err), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table),      TEST(other_names), TEST(features),    TEST(traps),
        TEST(host_traps), TEST(timer_traps), TEST(pmu_traps),   TEST(values),
        TEST(cycles),     TEST(zeroing),     TEST(float_traps), TEST(state_round),
        cmocka_unit_test_setup_teardown(cycles_overflow, start_a72, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
