/*
 * test_arm_model.c - -cpu: models' ID registers, features that are turned on and off, what is
 * refused.
 */
#include "arm_fake.h"

static void start(const char *model)
{
    fake_start(model, false, false);
}

static void values(void **state)
{
    static const struct {
        const char *model;
        u64 midr, pfr0, isar0, mmfr0, ctr, dczid;
    } rows[] = {
        {"cortex-a53", 0x410fd034, 0x22, 0x11120, 0x1122, 0x84448004, 4},
        {"cortex-a57", 0x411fd070, 0x22, 0x11120, 0x1124, 0x8444c004, 4},
        {"cortex-a72", 0x410fd083, 0x22, 0x11120, 0x1124, 0x8444c004, 4},
        {"cortex-a76", 0x414fd0b1, 0x1100000010110012, 0x100010211120, 0x101122, 0x8444c004, 4},
        {"neoverse-n1", 0x414fd0c1, 0x1100000010110012, 0x100010211120, 0x101125, 0x8444c004, 4},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        start(rows[i].model);
        assert_int_equal(fake_get("MIDR_EL1"), rows[i].midr);
        assert_int_equal(fake_get("ID_AA64PFR0_EL1"), rows[i].pfr0);
        assert_int_equal(fake_get("ID_AA64ISAR0_EL1"), rows[i].isar0);
        assert_int_equal(fake_get("ID_AA64MMFR0_EL1"), rows[i].mmfr0);
        assert_int_equal(fake_get("CTR_EL0"), rows[i].ctr);
        assert_int_equal(fake_get("DCZID_EL0"), rows[i].dczid);
        fake_stop();
    }
}

static u64 field(const char *reg, unsigned shift)
{
    return fake_get(reg) >> shift & 15;
}

/* Fields of max follow from its features: a few of every kind. */
static void max(void **state)
{
    start("max");
    assert_int_equal(field("ID_AA64ISAR0_EL1", 20), 2); /* LSE */
    assert_int_equal(field("ID_AA64ISAR0_EL1", 12), 2); /* SHA512 */
    assert_int_equal(field("ID_AA64ISAR0_EL1", 56), 2); /* TLBI ranges */
    assert_int_equal(field("ID_AA64ISAR1_EL1", 8), 1);  /* PAuth, by the fast code */
    assert_int_equal(field("ID_AA64ISAR1_EL1", 20), 3); /* LRCPC3 */
    assert_int_equal(field("ID_AA64ISAR2_EL1", 16), 1); /* MOPS */
    assert_int_equal(field("ID_AA64MMFR0_EL1", 0), 6);  /* 52 bits */
    assert_int_equal(field("ID_AA64MMFR0_EL1", 28), 1); /* LPA2 with 4K */
    assert_int_equal(field("ID_AA64MMFR0_EL1", 20), 2); /* with 16K */
    assert_int_equal(field("ID_AA64MMFR1_EL1", 20), 3); /* PAN3 */
    assert_int_equal(field("ID_AA64PFR1_EL1", 0), 1);   /* BTI */
    assert_int_equal(field("ID_AA64PFR0_EL1", 4), 2);   /* EL1: AArch32 too */
    fake_stop();
    start("max,lpa2=off,lpa=off,sha512=off,pauth=off,aarch32-el0=off");
    assert_int_equal(fake_get("ID_AA64PFR0_EL1") & 0xff, 0x11);
    fake_set("HCR_EL2", 0);
    assert_int_equal(fake_get("HCR_EL2"), HCR_RW);
    assert_int_equal(field("ID_AA64ISAR0_EL1", 12), 1);
    assert_int_equal(field("ID_AA64ISAR0_EL1", 32), 0); /* SHA3 needs SHA512 */
    assert_int_equal(field("ID_AA64ISAR1_EL1", 4), 0);
    assert_int_equal(field("ID_AA64MMFR0_EL1", 0), 5);
    assert_int_equal(field("ID_AA64MMFR0_EL1", 28), 0);
    assert_int_equal(fake.a->phys_bits, 48);
    fake_stop();
}

static void features(void **state)
{
    start("cortex-a72,lse=on,crc32=off");
    assert_int_equal(fake_get("ID_AA64ISAR0_EL1"), 0x201120);
    assert_true(arm_cpu_has(fake.a, ARM_EXT_LSE));
    assert_false(arm_cpu_has(fake.a, ARM_EXT_CRC32));
    u64 identity = arm_model_identity(fake.a);
    fake_stop();
    start("cortex-a72");
    assert_int_not_equal(arm_model_identity(fake.a), identity);
    fake_stop();
    start("cortex-a72,pan3=on"); /* brings the others */
    assert_true(arm_cpu_has(fake.a, ARM_EXT_PAN) && arm_cpu_has(fake.a, ARM_EXT_PAN2));
    fake_stop();
}

static void levels(void **state)
{
    start("cortex-a72");
    u64 hash = fake.a->ext_hash;
    arm_cpu_set_levels(&fake.a->cpu, true, true);
    assert_int_equal(fake_get("ID_AA64PFR0_EL1"), 0x1122);
    assert_int_not_equal(fake.a->ext_hash, hash);
    arm_reset(&fake.a->cpu);
    assert_int_equal(arm_el(fake.a), 3);
    arm_cpu_set_start(&fake.a->cpu, 0x1000, 5, 2);
    assert_int_equal(arm_el(fake.a), 2);
    assert_int_equal(fake.a->x[0], 5);
    assert_false(arm_is_secure(fake.a));
    arm_cpu_set_levels(&fake.a->cpu, false, false);
    assert_int_equal(fake_get("ID_AA64PFR0_EL1"), 0x22);
    fake_stop();
}

static void refused(void **state)
{
    static const char *const rows[][2] = {
        {"cortex-a72x", "cortex-a72"},
        {"max,nonsense=on", "nonsense"},
        {"max,pan2=off,pan3=on", "pan3=on needs pan2"},
        {"max,lse=maybe", "lse"},
        {"cortex-a76,aarch64=off", "AArch32"},
        {"cortex-a7", "-arch arm"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arm_cpu *a = calloc(1, sizeof(*a));
        struct err err = {0};
        assert_int_not_equal(arm_model_apply(a, "aarch64", rows[i][0], &err), 0);
        if (!strstr(err.text, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], err.text);
        free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(max),     cmocka_unit_test(features),
        cmocka_unit_test(levels), cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
