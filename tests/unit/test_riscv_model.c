/*
 * test_riscv_model.c - -cpu: models, features and what they take with them, the strings that device
 * trees show.
 */
#include "riscv_fake.h"

static struct isa_cpu_facts facts;

/* The hart stays until the next: facts point into it. */
static void model(const char *arch, const char *text)
{
    if (fake.rv)
        fake_stop();
    fake_start(arch, text);
    memset(&facts, 0, sizeof(facts));
    riscv_model_facts(&fake.rv->cpu, &facts);
}

static bool has(const char *name)
{
    for (unsigned i = 0; facts.extensions[i]; i++) {
        if (strcmp(facts.extensions[i], name) == 0)
            return true;
    }
    return false;
}

static void refuse(const char *arch, const char *text, const char *message)
{
    struct riscv_cpu *rv = aligned_alloc(64, align_up(sizeof(*rv), 64));
    struct err err = {0};
    memset(rv, 0, sizeof(*rv));
    assert_true(riscv_model_apply(rv, arch, text, &err) < 0);
    if (!strstr(err.text, message))
        fail_msg("%s: %s", text, err.text);
    free(rv);
}

/* As existing software knows the models, without H, the debug triggers and what goes with H. */
static void test_strings(void **state)
{
    model("riscv64", NULL);
    assert_string_equal(
        facts.isa_string,
        "rv64imafdc_zic64b_zicbom_zicbop_zicboz_ziccamoa_ziccif_zicclsm_ziccrse_zicntr_zicsr_"
        "zifencei_zihintntl_zihintpause_zihpm_zmmul_za64rs_zaamo_zalrsc_zawrs_zfa_zca_zcd_zba_zbb_"
        "zbc_zbs_ssccptr_sscounterenw_ssstrict_sstc_sstvala_sstvecd_ssu64xl_svadu_svvptc");
    assert_string_equal(facts.base, "rv64i");
    assert_string_equal(facts.mmu, "riscv,sv57");
    assert_string_equal(facts.extensions[0], "i");
    assert_int_equal(facts.cboz, 64);
    model("riscv32", NULL);
    assert_string_equal(facts.base, "rv32i");
    assert_string_equal(facts.mmu, "riscv,sv32");
    assert_non_null(strstr(facts.isa_string, "rv32imafdc_zic64b"));
    assert_non_null(strstr(facts.isa_string, "_zca_zcf_zcd_zba_"));
}

static void test_max(void **state)
{
    model("riscv64", "max");
    assert_true(has("zfh") && has("zacas") && has("svnapot") && has("zcb") && has("b"));
    assert_false(has("zcf"));
    model("riscv32", "max");
    assert_true(has("zfh") && has("zcf"));
    assert_false(has("svnapot"));
    assert_string_equal(facts.base, "rv32i");
    model("riscv64", "max32");
    assert_string_equal(facts.base, "rv32i");
}

static void test_features(void **state)
{
    model("riscv64", "rv64,zfh=on");
    assert_true(has("zfh") && has("zfhmin"));
    model("riscv64", "rv64,f=off");
    assert_false(has("f") || has("d") || has("zfa") || has("zcd"));
    assert_true(has("c"));
    model("riscv64", "rv64,a=off");
    assert_false(has("a") || has("zaamo") || has("zalrsc") || has("zawrs") || has("ziccamoa"));
    model("riscv64", "rv64,c=off");
    assert_false(has("c") || has("zca") || has("zcd"));
    model("riscv64", "rv64,noc,zbc=off,zfa=no");
    assert_false(has("c") || has("zbc") || has("zfa"));
    model("riscv64", "rv64,s=off");
    assert_false(has("sstc") || has("svadu"));
    assert_string_equal(facts.mmu, "riscv,none");
    model("riscv64", "rv64,sv57=off");
    assert_string_equal(facts.mmu, "riscv,sv48");
    model("riscv64", "rv64,sv48=off");
    assert_string_equal(facts.mmu, "riscv,sv39");
    model("riscv64", "rv64,mmu=off,cboz_blocksize=128");
    assert_string_equal(facts.mmu, "riscv,none");
    assert_int_equal(facts.cboz, 128);
}

static void test_refusals(void **state)
{
    refuse("riscv64", "rv46", "did you mean 'rv64'");
    refuse("riscv32", "rv64", "32-bit models only");
    refuse("riscv64", "rv64,zbq=on", "zbq");
    refuse("riscv64", "rv64,h=on", "'h'");
    refuse("riscv64", "rv64,zba=perhaps", "zba");
    refuse("riscv64", "rv64,f=off,d=on", "d=on needs f, which is off");
    refuse("riscv64", "rv64,zcf=on", "zcf does not exist on RV64");
    refuse("riscv32", "rv32,svnapot=on", "svnapot does not exist on RV32");
    refuse("riscv64", "rv64,i=off", "without i");
    refuse("riscv64", "rv64,sv48=on,sv39=off", "sv48=on");
    refuse("riscv64", "rv64,num-pmp-regions=65", "num-pmp-regions");
    refuse("riscv64", "rv64,cbom_blocksize=48", "power of two");
}

/* Two harts share translations only when they have the same extensions. */
static void test_mode(void **state)
{
    u64 modes[3], identity[3];
    const char *const texts[] = {"rv64", "rv64,zba=off", "rv64,sv57=off"};
    for (unsigned i = 0; i < 3; i++) {
        model("riscv64", texts[i]);
        modes[i] = fake.rv->cpu.mode;
        identity[i] = riscv_model_identity(fake.rv);
    }
    assert_true(modes[0] != modes[1]);
    assert_true(modes[0] == modes[2]);
    assert_true(identity[0] != identity[1] && identity[0] != identity[2]);
    fake_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),  cmocka_unit_test(test_max),
        cmocka_unit_test(test_features), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
