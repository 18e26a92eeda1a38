/*
 * test_riscv_csr.c - CSRs: who may access which, what a write leaves behind, what the front end may
 * do in line.
 */
#include "riscv_fake.h"

enum { RW = 1, RS = 2, RC = 3, RD = 5, RS1 = 6 };

static u32 csr_insn(unsigned op, unsigned number, unsigned rd, unsigned rs1)
{
    return number << 20 | rs1 << 15 | op << 12 | rd << 7 | 0x73;
}

/* The instruction in `priv`; an illegal one gives false. */
static bool try(unsigned priv, unsigned op, unsigned number, u64 operand, bool write, u64 *old)
{
    u32 insn = csr_insn(op, number, RD, write ? RS1 : 0);
    fake_at(priv);
    u64 v = riscv_helper_csr(&fake.rv->cpu, insn, operand);
    bool ok = !fake.rv->cpu.unwind;
    if (!ok)
        fake_expect_trap(RISCV_CAUSE_ILLEGAL, insn);
    if (old)
        *old = v;
    return ok;
}

static u64 rd(unsigned number)
{
    u64 v;
    assert_true(try(RISCV_M, RS, number, 0, false, &v));
    return v;
}

static void wr(unsigned number, u64 v)
{
    assert_true(try(RISCV_M, RW, number, v, true, NULL));
}

static u64 wrote(unsigned number, u64 v)
{
    wr(number, v);
    return rd(number);
}

/* The search needs the rows by number: each of them is found. */
static void test_table(void **state)
{
    unsigned found = 0;
    for (unsigned n = 0; n < 4096; n++)
        found += riscv_csr_name(n) != NULL;
    /* Five ranges of 29 counters, 16 + 64 of PMP, and the others one by one. */
    unsigned single = 3 + 13 + 12 + 5 + 2 + 4 + 3 + 3 + 5;
    assert_int_equal(found, 5 * 29 + 16 + 64 + single);
    assert_string_equal(riscv_csr_name(0x180), "satp");
    assert_string_equal(riscv_csr_name(0x3b0 + 63), "pmpaddr63");
    assert_string_equal(riscv_csr_name(0xc9f), "hpmcounter31h");
    assert_null(riscv_csr_name(0x7a0));
}

static void test_privilege(void **state)
{
    fake_start("riscv64", "rv64");
    assert_false(try(RISCV_U, RS, 0x100, 0, false, NULL));
    assert_true(try(RISCV_S, RS, 0x100, 0, false, NULL));
    assert_false(try(RISCV_S, RS, 0x300, 0, false, NULL));
    assert_true(try(RISCV_M, RS, 0xf14, 0, false, NULL));
    assert_false(try(RISCV_M, RS, 0xf14, 0, true, NULL)); /* read-only */
    assert_false(try(RISCV_M, RW, 0xf14, 0, true, NULL));
    assert_false(try(RISCV_M, RS, 0x7a0, 0, false, NULL)); /* not there */
    assert_false(try(RISCV_M, RS, 0xc80, 0, false, NULL)); /* RV32 */
    assert_false(try(RISCV_M, RS, 0x747, 0, false, NULL)); /* Smepmp is off */
    fake_stop();
    fake_start("riscv64", "rv64,s=off");
    assert_false(try(RISCV_M, RS, 0x180, 0, false, NULL));
    fake_stop();
}

static void test_operations(void **state)
{
    u64 old;
    fake_start("riscv64", "rv64");
    wr(0x340, 0xff00);
    assert_true(try(RISCV_M, RS, 0x340, 0x0ff0, true, &old));
    assert_int_equal(old, 0xff00);
    assert_int_equal(rd(0x340), 0xfff0);
    assert_true(try(RISCV_M, RC, 0x340, 0xf000, true, &old));
    assert_int_equal(old, 0xfff0);
    assert_true(try(RISCV_M, RW, 0x340, 5, true, &old));
    assert_int_equal(old, 0x0ff0);
    assert_int_equal(rd(0x340), 5);
    fake_stop();
}

static void test_mstatus(void **state)
{
    fake_start("riscv64", "rv64");
    u64 all = wrote(0x300, ~UINT64_C(0));
    assert_int_equal(all, 0x8000000a007e79aa);
    assert_int_equal(rd(0x100), 0x80000002000c6122);
    wr(0x300, 0);
    assert_int_equal(rd(0x300), 0xa00000000);
    wr(0x300, 1 << 11); /* MPP = S */
    assert_int_equal(wrote(0x300, 2 << 11) & MSTATUS_MPP, 1 << 11);
    wr(0x100, MSTATUS_TVM | MSTATUS_SUM | MSTATUS_SIE); /* TVM is not sstatus's */
    assert_int_equal(fake.rv->mstatus, MSTATUS_SUM | MSTATUS_SIE | 1 << 11);
    assert_int_equal(rd(0x301), 0x8000000000000000 | 0x14112d);
    fake_stop();
    fake_start("riscv32", "rv32");
    assert_int_equal(wrote(0x300, 0xffffffff), (u64)(s32)0x807e79aa);
    assert_int_equal(rd(0x301), 0x4014112d);
    assert_int_equal(rd(0x310), 0);
    fake_stop();
}

static void test_float(void **state)
{
    fake_start("riscv64", "rv64");
    assert_false(try(RISCV_M, RS, 0x003, 0, false, NULL)); /* FS is off */
    wr(0x300, 1 << 13);
    u64 mode = fake.rv->cpu.mode;
    assert_int_equal(wrote(0x003, ~UINT64_C(0)), 0xff);
    assert_int_equal(fake.rv->mstatus & MSTATUS_FS, MSTATUS_FS);
    assert_int_equal((fake.rv->cpu.mode & RISCV_MODE_FRM) >> RISCV_MODE_FRM_SHIFT,
                     RISCV_FRM_INVALID);
    assert_int_equal(wrote(0x002, 4), 4);
    assert_int_equal((fake.rv->cpu.mode & RISCV_MODE_FRM) >> RISCV_MODE_FRM_SHIFT, RISCV_FRM_RMM);
    assert_int_equal(wrote(0x002, 3), 3);
    assert_int_equal(fake.rv->cpu.mode, mode);
    assert_int_equal(wrote(0x001, 0x2a), 0x0a);
    assert_int_equal(rd(0x003), 0x6a);
    fake_stop();
}

static void test_interrupt_registers(void **state)
{
    struct cpu *cpu;
    fake_start("riscv64", "rv64");
    cpu = &fake.rv->cpu;
    assert_int_equal(wrote(0x303, ~UINT64_C(0)), 0x222);
    assert_int_equal(wrote(0x302, ~UINT64_C(0)), 0xb3ff);
    assert_int_equal(wrote(0x304, ~UINT64_C(0)), 0xaaa);
    assert_int_equal(rd(0x104), 0x222);
    wr(0x104, 0);
    assert_int_equal(rd(0x304), 0x888);
    wr(0x303, 2);
    wr(0x104, ~UINT64_C(0)); /* only what is delegated */
    assert_int_equal(rd(0x304), 0x88a);
    assert_int_equal(wrote(0x344, ~UINT64_C(0)), 0x222);
    wr(0x144, 0);
    assert_int_equal(rd(0x344), 0x220);
    wr(0x344, 0);
    /* The wire of SEIP does not stick in the software bit. */
    riscv_set_irq(cpu, RISCV_IRQ_SEI, 1);
    riscv_set_irq(cpu, RISCV_IRQ_MEI, 1);
    assert_true(try(RISCV_M, RS, 0x344, 2, true, NULL));
    assert_int_equal(rd(0x344), 0xa02);
    riscv_set_irq(cpu, RISCV_IRQ_SEI, 0);
    riscv_set_irq(cpu, RISCV_IRQ_MEI, 0);
    assert_int_equal(rd(0x344), 2);
    fake_stop();
}

static void test_counters(void **state)
{
    u64 v;
    fake_start("riscv64", "rv64");
    fake.ns = 5000;
    assert_int_equal(rd(0xc01), 50);
    assert_int_equal(rd(0xb00), 5000);
    assert_false(try(RISCV_S, RS, 0xc01, 0, false, NULL));
    wr(0x306, 2);
    assert_true(try(RISCV_S, RS, 0xc01, 0, false, &v));
    assert_int_equal(v, 50);
    assert_false(try(RISCV_U, RS, 0xc01, 0, false, NULL));
    wr(0x106, 7);
    assert_true(try(RISCV_U, RS, 0xc01, 0, false, NULL));
    assert_false(try(RISCV_U, RS, 0xc00, 0, false, NULL)); /* mcounteren.CY is off */
    wr(0xb00, 100);
    fake.ns += 11;
    assert_int_equal(rd(0xb00), 111);
    assert_int_equal(rd(0xb02), 5011);
    assert_int_equal(wrote(0x320, ~UINT64_C(0)), 5);
    fake.ns += 100;
    assert_int_equal(rd(0xb00), 111);
    wr(0xb00, 7);
    wr(0x320, 0);
    fake.ns += 1;
    assert_int_equal(rd(0xb00), 8);
    assert_int_equal(wrote(0xb03, 9), 0);
    fake_stop();
    fake_start("riscv32", "rv32");
    fake.ns = UINT64_C(0x123456789a);
    assert_int_equal(rd(0xc00), 0x3456789a);
    assert_int_equal(rd(0xc80), 0x12);
    wr(0xb80, 0xf0000001);
    assert_int_equal(rd(0xb80), (u64)(s32)0xf0000001);
    assert_int_equal(rd(0xb00), 0x3456789a);
    fake_stop();
}

static void test_envcfg(void **state)
{
    fake_start("riscv64", "max");
    assert_int_equal(rd(0x30a),
                     ENVCFG_PBMTE); /* Svade is there: hardware A/D updates are asked for */
    assert_int_equal(wrote(0x30a, ~UINT64_C(0)), 0xe0000000000000f1);
    assert_int_equal(fake.flush_all, 1);
    assert_int_equal(wrote(0x30a, 0x20), 0x30); /* CBIE=2 is reserved */
    assert_int_equal(wrote(0x10a, ~UINT64_C(0)), 0xf1);
    fake_stop();
    fake_start("riscv64", "rv64,zicbom=off,sstc=off");
    assert_int_equal(rd(0x30a), ENVCFG_ADUE);
    assert_int_equal(wrote(0x30a, ~UINT64_C(0)), ENVCFG_ADUE | 0x81);
    fake_stop();
    fake_start("riscv32", "rv32");
    wr(0x31a, 0xffffffff);
    assert_int_equal(fake.rv->menvcfg, ENVCFG_ADUE | ENVCFG_STCE);
    wr(0x30a, 0);
    assert_int_equal(fake.rv->menvcfg, ENVCFG_ADUE | ENVCFG_STCE);
    fake_stop();
}

static void test_satp(void **state)
{
    fake_start("riscv64", "rv64,sv57=off");
    u64 sv39 = UINT64_C(8) << 60 | UINT64_C(0xabcd) << 44 | 0x80000;
    u32 stamp = fake.rv->cpu.context_stamp;
    assert_int_equal(wrote(0x180, sv39), sv39);
    assert_true(fake.rv->cpu.context_stamp != stamp);
    assert_int_equal(fake.flush_all + fake.flush_space, 0);
    assert_int_equal(wrote(0x180, UINT64_C(10) << 60), sv39); /* no Sv57 */
    assert_int_equal(wrote(0x180, UINT64_C(12) << 60), sv39); /* inside it stands for Sv32 */
    assert_int_equal(wrote(0x180, UINT64_C(1) << 60), sv39);
    assert_int_equal(wrote(0x180, 1), 0);
    wr(0x300, MSTATUS_TVM);
    assert_false(try(RISCV_S, RS, 0x180, 0, false, NULL));
    assert_true(try(RISCV_M, RS, 0x180, 0, false, NULL));
    fake_stop();
    fake_start("riscv32", "rv32");
    assert_int_equal(wrote(0x180, 0x80412345), (u64)(s32)0x80412345);
    fake_stop();
}

static void test_stimecmp(void **state)
{
    fake_start("riscv64", "rv64");
    assert_true(try(RISCV_M, RW, 0x14d, 5, true, NULL));
    wr(0x306, 2);
    assert_false(try(RISCV_S, RW, 0x14d, 5, true, NULL)); /* STCE */
    wr(0x30a, ENVCFG_STCE);
    assert_true(try(RISCV_S, RW, 0x14d, 5, true, NULL));
    wr(0x306, 0);
    assert_false(try(RISCV_S, RW, 0x14d, 5, true, NULL)); /* TM */
    assert_int_equal(rd(0x344), 0);
    fake.ns = 500;
    assert_int_equal(rd(0x344), 0x20);
    wr(0x344, 0); /* read-only now */
    assert_int_equal(rd(0x344), 0x20);
    wr(0x14d, 6);
    assert_int_equal(rd(0x344), 0);
    fake.ns = 700;
    wr(0x30a, 0);
    assert_int_equal(rd(0x344), 0);
    assert_int_equal(wrote(0x344, 0x20), 0x20);
    fake_stop();
}

static void test_pmp_registers(void **state)
{
    fake_start("riscv64", "max");
    assert_false(try(RISCV_M, RS, 0x3a1, 0, false, NULL)); /* odd on RV64 */
    assert_false(try(RISCV_M, RS, 0x3b0 + 16, 0, false, NULL));
    assert_int_equal(wrote(0x3b0, ~UINT64_C(0)), BITS(53, 0));
    wr(0x3b1, 7);
    assert_true(fake.flush_all > 0);
    assert_int_equal(wrote(0x3a0, 0xff1f), 0x9f1f);
    assert_int_equal(wrote(0x3b1, 9), 7);           /* locked */
    assert_int_equal(wrote(0x3a0, 0x021f), 0x9f1f); /* and W without R is reserved */
    wr(0x3a0, 0x00000000880f9f1f); /* entry 3: TOR, locked: entry 2's address too */
    assert_int_equal(wrote(0x3b2, 5), 0);
    assert_int_equal(wrote(0x747, MSECCFG_RLB), 0); /* something is locked */
    assert_int_equal(wrote(0x747, MSECCFG_MML), MSECCFG_MML);
    assert_int_equal(wrote(0x747, 0), MSECCFG_MML);
    wr(0x3a2, 0x9c); /* locked and executable: refused under MML */
    assert_int_equal(rd(0x3a2), 0);
    fake_stop();
    fake_start("riscv32", "rv32,num-pmp-regions=20");
    assert_int_equal(wrote(0x3a1, 0x0f0f0f0f), 0x0f0f0f0f);
    assert_int_equal(fake.rv->pmp.cfg[7], 0x0f);
    assert_int_equal(wrote(0x3b0 + 19, 0x123), 0x123);
    assert_int_equal(wrote(0x3b0 + 20, 0x123), 0);
    fake_stop();
    fake_start("riscv64", "rv64,pmp=off");
    assert_false(try(RISCV_M, RS, 0x3a0, 0, false, NULL));
    fake_stop();
}

static void test_plan(void **state)
{
    fake_start("riscv64", "rv64");
    struct riscv_ctx c = {.cpu = fake.rv, .ext = fake.rv->ext, .priv = RISCV_S};
    struct riscv_csr_plan p = riscv_csr_plan(&c, 0x141, true);
    assert_true(p.in_line);
    assert_int_equal(p.offset, offsetof(struct riscv_cpu, sepc));
    assert_int_equal(p.mask, ~UINT64_C(1));
    assert_false(riscv_csr_plan(&c, 0x341, false).in_line); /* M's */
    p = riscv_csr_plan(&c, 0x180, true);
    assert_false(p.in_line);
    assert_true(p.ends);
    c.priv = RISCV_U;
    assert_false(riscv_csr_plan(&c, 0x140, false).in_line);
    fake_stop();
    fake_start("riscv64", "rv64,c=off");
    c = (struct riscv_ctx){.cpu = fake.rv, .ext = fake.rv->ext, .priv = RISCV_M};
    assert_int_equal(riscv_csr_plan(&c, 0x341, true).mask, ~UINT64_C(3));
    fake_stop();
}

/* Saved by one hart, loaded by another; and what a stream may not bring. */
static void test_state(void **state)
{
    struct err err = {0};
    if (state_table_check(&riscv_state, &err))
        fail_msg("%s", err.text);
    fake_start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    rv->saved_model = riscv_model_identity(rv);
    assert_int_equal(riscv_state.post_load(rv, 1, &err), 0);
    rv->x[0] = 5;
    rv->satp = UINT64_C(13) << 60;
    assert_int_equal(riscv_state.post_load(rv, 1, &err), 0);
    assert_int_equal(rv->x[0] | rv->satp, 0);
    rv->priv = 2;
    assert_int_equal(riscv_state.post_load(rv, 1, &err), -22);
    rv->priv = 3;
    rv->saved_model ^= 1;
    assert_int_equal(riscv_state.post_load(rv, 1, &err), -22);
    fake_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),         cmocka_unit_test(test_privilege),
        cmocka_unit_test(test_operations),    cmocka_unit_test(test_mstatus),
        cmocka_unit_test(test_float),         cmocka_unit_test(test_interrupt_registers),
        cmocka_unit_test(test_counters),      cmocka_unit_test(test_envcfg),
        cmocka_unit_test(test_satp),          cmocka_unit_test(test_stimecmp),
        cmocka_unit_test(test_pmp_registers), cmocka_unit_test(test_plan),
        cmocka_unit_test(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
