/*
 * test_riscv_trap.c - exceptions, interrupts and their order, delegation, returns, waiting, the
 * supervisor timer, cache-block operations.
 */
#include "riscv_fake.h"

#include <unistd.h>
#include "loop/loop.h"

enum { PC = FAKE_RAM + 0x1000, WFI = 0x10500073, SRET = 0x10200073, MRET = 0x30200073 };

static void start(const char *arch, const char *model)
{
    fake_start(arch, model);
    fake_open_pmp();
    fake.rv->mtvec = FAKE_RAM + 0x4000;
    fake.rv->stvec = FAKE_RAM + 0x8000;
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

static void test_exception_m(void **state)
{
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    fake_at(RISCV_U);
    rv->mstatus = MSTATUS_MIE | MSTATUS_MPP;
    u32 stamp = rv->cpu.context_stamp;
    riscv_trap_enter(rv, RISCV_CAUSE_LOAD_PAGE, 0x1234);
    assert_int_equal(rv->mcause, 13);
    assert_int_equal(rv->mtval, 0x1234);
    assert_int_equal(rv->mepc, PC);
    assert_int_equal(rv->pc, rv->mtvec);
    assert_int_equal(rv->mstatus, MSTATUS_MPIE);
    assert_int_equal(rv->cpu.mode, riscv_mode(rv));
    assert_int_equal(rv->cpu.mode & RISCV_MODE_PRIV, RISCV_M);
    assert_true(rv->cpu.context_stamp != stamp);
    assert_int_equal(rv->cpu.unwind, 0);
    riscv_helper_mret(&rv->cpu, MRET);
    assert_int_equal(rv->priv, RISCV_U);
    assert_int_equal(rv->pc, PC);
    assert_int_equal(rv->mstatus, MSTATUS_MIE | MSTATUS_MPIE);
    fake_stop();
}

static void test_delegation(void **state)
{
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    rv->medeleg = BIT(RISCV_CAUSE_ECALL_U) | BIT(RISCV_CAUSE_ILLEGAL);
    fake_at(RISCV_S);
    rv->mstatus = MSTATUS_SIE;
    riscv_helper_illegal(&rv->cpu, 0xdead);
    assert_int_equal(rv->priv, RISCV_S);
    assert_int_equal(rv->scause, RISCV_CAUSE_ILLEGAL);
    assert_int_equal(rv->stval, 0xdead);
    assert_int_equal(rv->sepc, PC);
    assert_int_equal(rv->pc, rv->stvec);
    assert_int_equal(rv->mstatus, MSTATUS_SPP | MSTATUS_SPIE);
    riscv_helper_sret(&rv->cpu, SRET);
    assert_int_equal(rv->priv, RISCV_S);
    assert_int_equal(rv->mstatus, MSTATUS_SIE | MSTATUS_SPIE);
    fake_at(RISCV_U);
    riscv_helper_ecall(&rv->cpu);
    assert_int_equal(rv->scause, RISCV_CAUSE_ECALL_U);
    assert_int_equal(rv->mstatus & MSTATUS_SPP, 0);
    fake_at(RISCV_S);
    riscv_helper_ecall(&rv->cpu);
    fake_expect_trap(RISCV_CAUSE_ECALL_S, 0);
    fake_at(RISCV_M); /* M-mode's own are never delegated */
    riscv_helper_illegal(&rv->cpu, 7);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, 7);
    fake_stop();
}

static void test_faults(void **state)
{
    static const struct {
        struct isa_fault f;
        u8 cause;
    } rows[] = {
        {{ISA_FAULT_PAGE, ISA_READ, 0x10, 0, false}, 13},
        {{ISA_FAULT_PAGE, ISA_READ, 0x10, 0, true}, 15},
        {{ISA_FAULT_PAGE, ISA_WRITE, 0x10, 0, false}, 15},
        {{ISA_FAULT_PAGE, ISA_FETCH, 0x10, 0, false}, 12},
        {{ISA_FAULT_ACCESS, ISA_READ, 0x10, 0, false}, 5},
        {{ISA_FAULT_ACCESS, ISA_WRITE, 0x10, 0, false}, 7},
        {{ISA_FAULT_ACCESS, ISA_FETCH, 0x10, 0, false}, 1},
        {{ISA_FAULT_ALIGNMENT, ISA_READ, 0x10, 0, false}, 4},
        {{ISA_FAULT_ALIGNMENT, ISA_WRITE, 0x10, 0, true}, 6},
    };
    start("riscv64", "rv64");
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        fake_at(RISCV_U);
        riscv_fault(&fake.rv->cpu, &rows[i].f);
        assert_int_equal(fake.rv->mcause, rows[i].cause);
        assert_int_equal(fake.rv->mtval, 0x10);
    }
    fake_stop();
    start("riscv32", "rv32"); /* tval and pc are 32 bits */
    fake_at(RISCV_U);
    riscv_trap_enter(fake.rv, RISCV_CAUSE_BREAKPOINT, ~UINT64_C(0));
    assert_int_equal(fake.rv->mtval, 0xffffffff);
    fake_stop();
}

/* ---- Returns --------------------------------------------------------------------------------- */

static void test_returns(void **state)
{
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    struct cpu *cpu = &rv->cpu;
    fake_at(RISCV_S);
    riscv_helper_mret(cpu, MRET);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, MRET);
    fake_at(RISCV_U);
    riscv_helper_sret(cpu, SRET);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, SRET);
    fake_at(RISCV_S);
    rv->mstatus = MSTATUS_TSR;
    riscv_helper_sret(cpu, SRET);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, SRET);
    /* MPRV falls when M is left, stays when it is not. */
    fake_at(RISCV_M);
    rv->mstatus = MSTATUS_MPRV | MSTATUS_MPP;
    riscv_helper_mret(cpu, MRET);
    assert_int_equal(rv->mstatus, MSTATUS_MPRV | MSTATUS_MPIE);
    fake_at(RISCV_M);
    rv->mstatus = MSTATUS_MPRV | MSTATUS_SPP;
    riscv_helper_sret(cpu, SRET);
    assert_int_equal(rv->priv, RISCV_S);
    assert_int_equal(rv->mstatus, MSTATUS_SPIE);
    fake_at(RISCV_S);
    rv->sepc = 0x123457;
    riscv_helper_sret(cpu, SRET);
    assert_int_equal(rv->pc, 0x123456);
    fake_stop();
    start("riscv64", "rv64,c=off");
    fake_at(RISCV_M);
    fake.rv->mepc = 0x123457;
    riscv_helper_mret(&fake.rv->cpu, MRET);
    assert_int_equal(fake.rv->pc, 0x123454);
    fake_stop();
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

static void test_interrupt_order(void **state)
{
    static const u8 order[] = {11, 3, 7, 9, 1, 5};
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    for (unsigned i = 0; i < 6; i++)
        riscv_set_irq(&rv->cpu, order[i], 1);
    assert_int_equal(riscv_mip(rv), 0xaaa);
    assert_true(cpu_exit_pending(&rv->cpu) & CPU_EXIT_IRQ);
    rv->mie = 0xaaa;
    fake_at(RISCV_M);
    rv->mstatus = 0;
    assert_false(riscv_interrupt(&rv->cpu)); /* MIE is off */
    for (unsigned i = 0; i < 6; i++) {
        fake_at(RISCV_M);
        rv->mstatus = MSTATUS_MIE;
        assert_true(riscv_interrupt(&rv->cpu));
        assert_int_equal(rv->mcause, BIT(63) | order[i]);
        assert_int_equal(rv->mtval, 0);
        rv->mie &= ~BIT(order[i]);
    }
    rv->mstatus = MSTATUS_MIE;
    assert_false(riscv_interrupt(&rv->cpu));
    fake_stop();
}

static void test_interrupt_delegation(void **state)
{
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    rv->mideleg = 0x222;
    rv->mie = 0xaaa;
    riscv_set_irq(&rv->cpu, RISCV_IRQ_SEI, 1);
    fake_at(RISCV_M);
    rv->mstatus = MSTATUS_MIE | MSTATUS_SIE;
    assert_false(riscv_interrupt(&rv->cpu)); /* delegated: not in M */
    fake_at(RISCV_S);
    rv->mstatus = 0;
    assert_false(riscv_interrupt(&rv->cpu));
    rv->mstatus = MSTATUS_SIE;
    rv->stvec |= 1; /* vectored */
    assert_true(riscv_interrupt(&rv->cpu));
    assert_int_equal(rv->scause, BIT(63) | 9);
    assert_int_equal(rv->pc, FAKE_RAM + 0x8000 + 4 * 9);
    fake_at(RISCV_U); /* always on below */
    rv->mstatus = 0;
    assert_true(riscv_interrupt(&rv->cpu));
    assert_int_equal(rv->priv, RISCV_S);
    /* One for M goes before, whatever its number. */
    riscv_set_irq(&rv->cpu, RISCV_IRQ_MTI, 1);
    fake_at(RISCV_S);
    assert_true(riscv_interrupt(&rv->cpu));
    assert_int_equal(rv->mcause, BIT(63) | 7);
    /* Exceptions ignore vectoring. */
    fake_at(RISCV_S);
    rv->medeleg = BIT(RISCV_CAUSE_ILLEGAL);
    riscv_helper_illegal(&rv->cpu, 0);
    assert_int_equal(rv->pc, FAKE_RAM + 0x8000);
    fake_stop();
    start("riscv32", "rv32");
    fake.rv->mie = 8;
    riscv_set_irq(&fake.rv->cpu, RISCV_IRQ_MSI, 1);
    fake_at(RISCV_U);
    assert_true(riscv_interrupt(&fake.rv->cpu));
    assert_int_equal(fake.rv->mcause, 0x80000003);
    fake_stop();
}

static void test_software_edge(void **state)
{
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    riscv_set_irq(&rv->cpu, RISCV_IRQ_SSI, 1);
    riscv_set_irq(&rv->cpu, RISCV_IRQ_SSI, 0); /* a pulse: the bit stays */
    assert_int_equal(riscv_mip(rv), 2);
    assert_true(riscv_csr_write(rv, 0x344, 0));
    assert_int_equal(riscv_mip(rv), 0);
    fake_stop();
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static void wfi(unsigned priv, u64 mstatus)
{
    fake_at(priv);
    fake.rv->cpu.halted = false;
    fake.rv->mstatus = mstatus;
    riscv_helper_wfi(&fake.rv->cpu, WFI);
}

static void test_wfi(void **state)
{
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    wfi(RISCV_S, 0);
    assert_true(rv->cpu.halted);
    assert_int_equal(rv->pc, PC + 4);
    assert_false(riscv_wakes(&rv->cpu));
    riscv_set_irq(&rv->cpu, RISCV_IRQ_MTI, 1);
    assert_false(riscv_wakes(&rv->cpu)); /* not in mie */
    rv->mie = 0x80;
    assert_true(riscv_wakes(&rv->cpu)); /* whatever MIE says */
    wfi(RISCV_M, 0);
    assert_false(rv->cpu.halted);
    wfi(RISCV_U, 0);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, WFI);
    wfi(RISCV_S, MSTATUS_TW);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, WFI);
    wfi(RISCV_M, MSTATUS_TW);
    assert_int_equal(rv->cpu.unwind, 0);
    fake_stop();
}

static void *loop_thread(void *loop)
{
    loop_run(loop);
    return NULL;
}

/* The timer's callback raises STIP on the loop's thread; a later stimecmp lowers it. */
static void test_sstc(void **state)
{
    struct err err = {0};
    pthread_t thread;
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    riscv_fini(&rv->cpu);
    clock_set_source(&fake.clock, NULL, NULL); /* real time */
    fake.host.loop = loop_create(&(struct loop_config){.name = "test"}, &err);
    assert_non_null(fake.host.loop);
    riscv_stimer_init(rv);
    rv->menvcfg = ENVCFG_STCE;
    rv->mie = BIT(RISCV_IRQ_STI);
    pthread_create(&thread, NULL, loop_thread, fake.host.loop);
    u64 due = riscv_time(rv) + 200000; /* 20 ms */
    riscv_stimer_set(rv, due);
    assert_false(riscv_wakes(&rv->cpu));
    for (unsigned i = 0; i < 5000 && !riscv_wakes(&rv->cpu); i++)
        usleep(1000);
    assert_true(riscv_wakes(&rv->cpu));
    assert_true(riscv_time(rv) >= due);
    riscv_stimer_set(rv, UINT64_MAX);
    assert_false(riscv_wakes(&rv->cpu));
    riscv_stimer_set(rv, 0);
    assert_true(riscv_wakes(&rv->cpu));
    loop_stop(fake.host.loop);
    pthread_join(thread, NULL);
    struct loop *loop = fake.host.loop;
    fake_stop();
    loop_destroy(loop);
}

/* ---- Cache blocks ---------------------------------------------------------------------------- */

enum { CBO_INVAL, CBO_CLEAN, CBO_FLUSH, CBO_ZERO = 4 };

static void cbo(unsigned priv, unsigned op, u64 vaddr)
{
    fake_at(priv);
    riscv_helper_cbo(&fake.rv->cpu, op << 20 | 0x0005200f, vaddr);
}

static void test_cbo(void **state)
{
    start("riscv64", "rv64");
    struct riscv_cpu *rv = fake.rv;
    memset(fake.ram, 0xff, FAKE_RAM_SIZE);
    cbo(RISCV_S, CBO_ZERO, FAKE_RAM + 0x234);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, 0x0045200f);
    rv->menvcfg = ENVCFG_CBZE;
    cbo(RISCV_S, CBO_ZERO, FAKE_RAM + 0x234);
    assert_int_equal(rv->cpu.unwind, 0);
    for (u64 i = 0x1f8; i < 0x248; i += 8)
        assert_int_equal(fake_peek(FAKE_RAM + i, 8), i >= 0x200 && i < 0x240 ? 0 : UINT64_MAX);
    cbo(RISCV_U, CBO_ZERO, FAKE_RAM);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, 0x0045200f);
    rv->senvcfg = ENVCFG_CBZE;
    cbo(RISCV_U, CBO_ZERO, FAKE_RAM);
    assert_int_equal(rv->cpu.unwind, 0);
    cbo(RISCV_M, CBO_ZERO, 0x234); /* no memory there; tval is rs1, not the block */
    fake_expect_trap(RISCV_CAUSE_STORE_ACCESS, 0x234);
    cbo(RISCV_S, CBO_FLUSH, FAKE_RAM);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, 0x0025200f);
    rv->menvcfg = ENVCFG_CBCFE | ENVCFG_CBIE;
    cbo(RISCV_S, CBO_FLUSH, FAKE_RAM);
    assert_int_equal(rv->cpu.unwind, 0);
    cbo(RISCV_S, CBO_INVAL, FAKE_RAM);
    assert_int_equal(rv->cpu.unwind, 0);
    fake_pmp(15, 0x18, BITS(53, 0)); /* nothing for anybody below M */
    cbo(RISCV_S, CBO_CLEAN, FAKE_RAM + 5);
    fake_expect_trap(RISCV_CAUSE_STORE_ACCESS, FAKE_RAM + 5);
    fake_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exception_m),
        cmocka_unit_test(test_delegation),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_returns),
        cmocka_unit_test(test_interrupt_order),
        cmocka_unit_test(test_interrupt_delegation),
        cmocka_unit_test(test_software_edge),
        cmocka_unit_test(test_wfi),
        cmocka_unit_test(test_sstc),
        cmocka_unit_test(test_cbo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
