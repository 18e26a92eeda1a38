/*
 * test_arm_trap.c - exceptions: vectors, what entry saves and changes, routing by SCR_EL3 and
 * HCR_EL2, returns, calls, interrupts and their masks, waiting, software step.
 */
#include "arm_fake.h"

enum { VBAR1 = FAKE_RAM + 0x10000, VBAR2 = FAKE_RAM + 0x20000, VBAR3 = FAKE_RAM + 0x30000 };

static void set_vectors(void)
{
    fake_set("VBAR_EL1", VBAR1);
    if (fake.a->has_el2)
        fake_set("VBAR_EL2", VBAR2);
    if (fake.a->has_el3)
        fake_set("VBAR_EL3", VBAR3);
}

static int start1(void **state)
{
    fake_start("max", false, false);
    set_vectors();
    fake_at(1);
    return 0;
}

static int start3(void **state)
{
    fake_start("max", true, true);
    set_vectors();
    fake_open();
    fake_at(1);
    return 0;
}

static int stop(void **state)
{
    fake_stop();
    return 0;
}

static void expect_at(unsigned el, u64 pc)
{
    assert_int_equal(arm_el(fake.a), el);
    assert_int_equal(fake.a->pc, pc);
    assert_int_equal(fake.a->cpu.mode, arm_mode(fake.a));
}

/* ---- Entry and return ------------------------------------------------------------------------ */

static void entry(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("SCTLR_EL1", SCTLR_SPAN);
    a->sp = 0x111;
    fake_at(0);
    a->sp = 0x222;
    arm_nzcv_set(a, PSTATE_N | PSTATE_C);
    arm_helper_svc(&a->cpu, 0x123);
    expect_at(1, VBAR1 + 0x400);
    assert_true(a->cpu.unwind);
    assert_int_equal(a->sp, 0x111);
    assert_int_equal(a->sp_el[0], 0x222);
    assert_int_equal(a->elr_el[1], FAKE_PC + 4);
    assert_int_equal(a->spsr_el[1], PSTATE_N | PSTATE_C);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x15) << 26 | BIT(25) | 0x123);
    assert_int_equal(a->pstate, PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F | 4 | PSTATE_SP);
    /* the same level: by SP_EL1, then by SP_EL0 */
    fake_at(1);
    arm_undefined(a);
    expect_at(1, VBAR1 + 0x200);
    assert_int_equal(fake_get("ESR_EL1"), BIT(25));
    fake_at(1);
    arm_bank_switch(a, 1, false);
    assert_int_equal(a->sp, 0x222);
    arm_undefined(a);
    expect_at(1, VBAR1);
    assert_int_equal(a->spsr_el[1] & 15, 4);
    arm_helper_eret(&a->cpu, 0x1230);
    expect_at(1, 0x1230);
    assert_int_equal(a->sp, 0x222);
}

static void entry_pstate(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("SCTLR_EL1", 0); /* SPAN 0: PAN is set */
    fake_at(1);
    a->pstate |= PSTATE_UAO | PSTATE_DIT | PSTATE_SSBS;
    arm_undefined(a);
    assert_int_equal(a->pstate & (PSTATE_PAN | PSTATE_UAO | PSTATE_DIT | PSTATE_SSBS),
                     PSTATE_PAN | PSTATE_DIT);
    assert_int_equal(a->spsr_el[1] & (PSTATE_PAN | PSTATE_UAO | PSTATE_DIT | PSTATE_SSBS),
                     PSTATE_UAO | PSTATE_DIT | PSTATE_SSBS);
    fake_set("SCTLR_EL1", SCTLR_SPAN | SCTLR_DSSBS);
    fake_at(1);
    arm_undefined(a);
    assert_int_equal(a->pstate & (PSTATE_PAN | PSTATE_SSBS), PSTATE_SSBS);
}

static void abort_syndromes(void **state)
{
    struct arm_cpu *a = fake.a;
    struct isa_fault f = {.kind = ISA_FAULT_PAGE, .access = ISA_WRITE, .vaddr = 0x5008, .code = 7};
    fake_at(0);
    arm_fault(&a->cpu, &f);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x24) << 26 | BIT(25) | BIT(6) | 7);
    assert_int_equal(fake_get("FAR_EL1"), 0x5008);
    fake_at(1);
    f.access = ISA_READ;
    arm_fault(&a->cpu, &f);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x25) << 26 | BIT(25) | 7);
    f = (struct isa_fault){.kind = ISA_FAULT_ACCESS, .access = ISA_FETCH, .vaddr = 0x6000};
    arm_fault(&a->cpu, &f);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x21) << 26 | BIT(25) | 0x10);
    f = (struct isa_fault){.kind = ISA_FAULT_ALIGNMENT, .access = ISA_READ, .vaddr = 0x6001};
    arm_fault(&a->cpu, &f);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x25) << 26 | BIT(25) | 0x21);
    /* an atomic's translation fault is a read's, its permission fault a write's */
    f = (struct isa_fault){.kind = ISA_FAULT_PAGE, .access = ISA_WRITE, .code = 7, .atomic = true};
    arm_fault(&a->cpu, &f);
    assert_int_equal(fake_get("ESR_EL1") & BIT(6), 0);
    f.code = 15;
    arm_fault(&a->cpu, &f);
    assert_int_equal(fake_get("ESR_EL1") & BIT(6), BIT(6));
}

static void illegal_returns(void **state)
{
    static const u64 illegal[] = {8, 9, 12, 13, 1, 2, 6, PSTATE_A32 | 10, PSTATE_A32 | 3};
    struct arm_cpu *a = fake.a;
    for (unsigned i = 0; i < ARRAY_SIZE(illegal); i++) {
        fake_at(1);
        a->spsr_el[1] = illegal[i] | PSTATE_Z | PSTATE_I;
        arm_helper_eret(&a->cpu, 0x4000);
        expect_at(1, 0x4000);
        assert_int_equal(a->pstate & ~PSTATE_SSBS, PSTATE_IL | PSTATE_I | 5);
        assert_int_equal(arm_nzcv(a), PSTATE_Z);
        assert_true(arm_interrupt(&a->cpu));
        assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x0e) << 26 | BIT(25));
        assert_int_equal(a->elr_el[1], 0x4000);
        assert_true(a->spsr_el[1] & PSTATE_IL);
        assert_false(a->pstate & PSTATE_IL);
    }
    /* to EL1 while TGE, to a secure EL2 */
    fake_stop();
    start3(state);
    a = fake.a;
    fake_set("HCR_EL2", HCR_RW | HCR_TGE);
    fake_at(2);
    a->spsr_el[2] = 5;
    arm_helper_eret(&a->cpu, 0x4000);
    assert_true(a->pstate & PSTATE_IL);
    fake_set("SCR_EL3", SCR_RW);
    fake_at(3);
    a->spsr_el[3] = 9;
    arm_helper_eret(&a->cpu, 0x4000);
    assert_true(a->pstate & PSTATE_IL);
}

static void return_addresses(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("TCR_EL1", TCR_TBI0);
    a->spsr_el[1] = 0;
    arm_helper_eret(&a->cpu, 0x5a00000000001000);
    expect_at(0, 0x1000);
    fake_at(1);
    a->spsr_el[1] = 0;
    arm_helper_eret(&a->cpu, 0x5aff000000001000);
    expect_at(0, 0x5aff000000001000);
    assert_int_equal((a->cpu.mode & ARM_MODE_TBI) >> ARM_MODE_TBI_SHIFT, 1);
}

/* BTYPE between an indirect branch and its target. */
static void branch_types(void **state)
{
    struct arm_cpu *a = fake.a;
    a->branch_target = FAKE_PC | 3;
    arm_undefined(a);
    assert_int_equal(a->spsr_el[1] & PSTATE_BTYPE, 3 << 10);
    assert_int_equal(a->branch_target, 0);
    arm_helper_eret(&a->cpu, FAKE_PC);
    assert_int_equal(a->branch_target, FAKE_PC | 3);
    assert_int_equal(a->pstate & PSTATE_BTYPE, 0);
    a->pc += 4; /* the target has been executed */
    arm_undefined(a);
    assert_int_equal(a->spsr_el[1] & PSTATE_BTYPE, 0);
    fake_at(1);
    a->branch_target = FAKE_PC | 2;
    arm_helper_bti(&a->cpu, 0);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x0d) << 26 | BIT(25) | 2);
    assert_int_equal(a->spsr_el[1] & PSTATE_BTYPE, 2 << 10);
}

/* ---- Calls, routing -------------------------------------------------------------------------- */

static void calls(void **state)
{
    struct arm_cpu *a = fake.a;
    arm_helper_hvc(&a->cpu, 1);
    expect_at(2, VBAR2 + 0x400);
    assert_int_equal(fake_get("ESR_EL2"), UINT64_C(0x16) << 26 | BIT(25) | 1);
    assert_int_equal(a->elr_el[2], FAKE_PC + 4);
    fake_at(1);
    arm_helper_smc(&a->cpu, 2);
    expect_at(3, VBAR3 + 0x400);
    assert_int_equal(fake_get("ESR_EL3"), UINT64_C(0x17) << 26 | BIT(25) | 2);
    /* trapped, disabled */
    fake_set("HCR_EL2", HCR_RW | HCR_TSC);
    fake_at(1);
    arm_helper_smc(&a->cpu, 2);
    expect_at(2, VBAR2 + 0x400);
    assert_int_equal(a->elr_el[2], FAKE_PC);
    fake_set("SCR_EL3", SCR_NS | SCR_RW | SCR_SMD);
    fake_set("HCR_EL2", HCR_RW);
    fake_at(1);
    arm_helper_smc(&a->cpu, 2);
    expect_at(1, VBAR1 + 0x200);
    fake_at(1);
    arm_helper_hvc(&a->cpu, 2);
    expect_at(1, VBAR1 + 0x200);
    assert_int_equal(fake_get("ESR_EL1"), BIT(25));
    /* EL0's go to EL2 with TGE */
    fake_set("HCR_EL2", HCR_RW | HCR_TGE);
    fake_at(0);
    arm_helper_svc(&a->cpu, 3);
    expect_at(2, VBAR2 + 0x400);
    assert_int_equal(fake_get("ESR_EL2"), UINT64_C(0x15) << 26 | BIT(25) | 3);
}

static bool firmware_call(void *opaque, struct cpu *cpu, bool smc, u64 x[8])
{
    if (x[0] != 0x84000000)
        return false;
    x[0] = smc ? 0x10001 : 0x10000;
    return true;
}

static void firmware(void **state)
{
    struct arm_cpu *a = fake.a;
    struct arm_firmware fw = {.call = firmware_call};
    arm_cpu_set_firmware(&a->cpu, &fw);
    a->x[0] = 0x84000000;
    arm_helper_hvc(&a->cpu, 0);
    expect_at(1, FAKE_PC + 4);
    assert_int_equal(a->x[0], 0x10000);
    fake_at(1);
    a->x[0] = 0x84000000;
    arm_helper_smc(&a->cpu, 0);
    assert_int_equal(a->x[0], 0x10001);
    fake_at(1);
    a->x[0] = 1;
    arm_helper_hvc(&a->cpu, 0);
    expect_at(1, VBAR1 + 0x200);
    fake_at(0);
    a->x[0] = 0x84000000;
    arm_helper_smc(&a->cpu, 0);
    expect_at(1, VBAR1 + 0x400);
}

static void external_aborts(void **state)
{
    struct arm_cpu *a = fake.a;
    struct isa_fault f = {.kind = ISA_FAULT_ACCESS, .access = ISA_READ, .vaddr = 0x5008};
    fake_set("HCR_EL2", HCR_RW | HCR_TEA);
    fake_at(1);
    arm_fault(&a->cpu, &f);
    expect_at(2, VBAR2 + 0x400);
    fake_set("SCR_EL3", SCR_NS | SCR_RW | SCR_EA);
    fake_at(1);
    arm_fault(&a->cpu, &f);
    expect_at(3, VBAR3 + 0x400);
    assert_int_equal(fake_get("FAR_EL3"), 0x5008);
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

static bool taken(void)
{
    return arm_interrupt(&fake.a->cpu);
}

static void interrupts(void **state)
{
    struct cpu *cpu = &fake.a->cpu;
    assert_false(taken());
    arm_set_irq(cpu, ARM_IRQ_IRQ, 1);
    assert_true(cpu_exit_pending(cpu) & CPU_EXIT_IRQ);
    assert_true(taken());
    expect_at(1, VBAR1 + 0x280);
    assert_false(taken());
    fake_at(1);
    fake.a->pstate |= PSTATE_I;
    assert_false(taken());
    arm_set_irq(cpu, ARM_IRQ_FIQ, 1);
    assert_true(taken());
    expect_at(1, VBAR1 + 0x300);
    arm_set_irq(cpu, ARM_IRQ_FIQ, 0);
    fake_at(0);
    assert_true(taken());
    expect_at(1, VBAR1 + 0x480);
    arm_set_irq(cpu, ARM_IRQ_IRQ, 0);
    fake_at(1);
    assert_false(taken());
    arm_set_irq(cpu, ARM_IRQ_SERROR, 1);
    arm_set_irq(cpu, ARM_IRQ_SERROR, 0);
    assert_true(taken());
    expect_at(1, VBAR1 + 0x380);
    assert_int_equal(fake_get("ESR_EL1") >> 26, 0x2f);
    fake_at(1);
    assert_false(taken());
}

/* ESB with an SError that is masked: where its syndrome is, and who sees that. */
static void deferred_physical(void **state)
{
    struct arm_cpu *a = fake.a;
    static const struct {
        u64 scr, hcr;
        u8 el;
        bool masked, deferred, seen; /* seen: by DISR_EL1 at that level */
    } rows[] = {
        {0, 0, 1, true, true, true},
        {0, 0, 1, false, false, false},
        {0, 0, 2, false, true, true}, /* EL1's, at EL2 */
        {0, HCR_AMO, 1, true, false, false},
        {0, HCR_AMO, 2, true, true, true},
        {SCR_EA, 0, 2, true, false, false},
        {SCR_EA, 0, 3, true, true, true},
        {0, HCR_AMO, 3, false, true, true},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        fake_set("SCR_EL3", SCR_NS | SCR_RW | rows[i].scr);
        fake_set("HCR_EL2", HCR_RW | rows[i].hcr);
        a->sysreg[ARM_SYS_DISR_EL1] = 0;
        fake_at(rows[i].el);
        a->pstate |= rows[i].masked ? PSTATE_A : 0;
        arm_set_irq(&a->cpu, ARM_IRQ_SERROR, 1);
        arm_helper_esb(&a->cpu, 4);
        assert_int_equal(a->pc, FAKE_PC + 4);
        assert_int_equal(a->sysreg[ARM_SYS_DISR_EL1], rows[i].deferred ? BIT(31) : 0);
        assert_int_equal(fake_get("DISR_EL1"), rows[i].seen ? BIT(31) : 0);
        assert_int_equal(a->irq_wires >> ARM_IRQ_SERROR & 1, !rows[i].deferred);
        atomic_store(&a->irq_wires, 0);
    }
}

/* What EL3 has for itself is nothing to the levels below, and what EL2 virtualizes is its own. */
static void deferred_seen(void **state)
{
    struct arm_cpu *a = fake.a;
    a->sysreg[ARM_SYS_DISR_EL1] = 0x111;
    a->sysreg[ARM_SYS_VDISR_EL2] = 0x222;
    fake_set("SCR_EL3", SCR_NS | SCR_RW | SCR_EA);
    fake_at(1);
    assert_int_equal(fake_get("DISR_EL1"), 0);
    fake_set("DISR_EL1", 0x333);
    fake_set("HCR_EL2", HCR_RW | HCR_AMO);
    assert_int_equal(fake_get("DISR_EL1"), 0x222);
    fake_set("DISR_EL1", 0x444);
    fake_at(3);
    assert_int_equal(fake_get("DISR_EL1"), 0x111);
    assert_int_equal(fake_get("VDISR_EL2"), 0x444);
}

/* Where an IRQ goes and whether PSTATE.I holds it back: "D1.3.6". */
static void routing(void **state)
{
    static const struct {
        u64 scr, hcr;
        u8 el, to; /* to: 0: stays pending */
        bool masked;
    } rows[] = {
        {0, 0, 1, 1, true},
        {0, 0, 0, 1, true},
        {0, 0, 2, 0, false},
        {0, 0, 3, 0, false},
        {0, HCR_IMO, 1, 2, false},
        {0, HCR_IMO, 0, 2, false},
        {0, HCR_IMO, 2, 2, true},
        {0, HCR_IMO, 3, 0, false},
        {0, HCR_TGE, 0, 2, false},
        {SCR_IRQ, 0, 1, 3, false},
        {SCR_IRQ, HCR_IMO, 2, 3, false},
        {SCR_IRQ, 0, 3, 3, true},
        {0, HCR_TGE | HCR_E2H, 0, 2, true},
    };
    static const u64 vbar[4] = {0, VBAR1, VBAR2, VBAR3};
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned masked = 0; masked < 2; masked++) {
            fake_set("SCR_EL3", SCR_NS | SCR_RW | rows[i].scr);
            fake_set("HCR_EL2", HCR_RW | rows[i].hcr);
            fake_at(rows[i].el);
            fake.a->pstate |= masked ? PSTATE_I : 0;
            atomic_store(&fake.a->irq_wires, BIT(ARM_IRQ_IRQ));
            bool expected = rows[i].to && !(masked && rows[i].masked);
            if (taken() != expected)
                fail_msg("row %u, masked %u", i, masked);
            if (expected)
                expect_at(rows[i].to, vbar[rows[i].to] + (rows[i].to > rows[i].el ? 0x480 : 0x280));
        }
    }
}

static void virtual_interrupts(void **state)
{
    fake_set("HCR_EL2", HCR_RW | HCR_IMO | HCR_VI);
    fake_at(2);
    assert_false(taken());
    fake_at(1);
    assert_int_equal(fake_get("ISR_EL1"), PSTATE_I);
    fake.a->pstate |= PSTATE_I;
    assert_false(taken());
    fake_at(0);
    assert_true(taken());
    expect_at(1, VBAR1 + 0x480);
    fake_set("HCR_EL2", HCR_RW | HCR_FMO);
    atomic_store(&fake.a->irq_wires, BIT(ARM_IRQ_VFIQ) | BIT(ARM_IRQ_VIRQ));
    fake_at(1);
    assert_true(taken());
    expect_at(1, VBAR1 + 0x300);
    atomic_store(&fake.a->irq_wires, 0);
    fake_set("VSESR_EL2", 0x1234);
    fake_set("HCR_EL2", HCR_RW | HCR_AMO | HCR_VSE);
    fake_at(1);
    assert_true(taken());
    expect_at(1, VBAR1 + 0x380);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x2f) << 26 | BIT(25) | 0x1234);
    assert_false(fake_get("HCR_EL2") & HCR_VSE);
}

/* ---- Waiting
 * ------------------------------------------------------------------------------------------------------
 */

enum { WFI = 0, WFE = 1, WFIT = 2 };

static void waiting(void **state)
{
    struct arm_cpu *a = fake.a;
    arm_helper_wfx(&a->cpu, 0, WFI, 0);
    assert_true(a->cpu.halted);
    assert_int_equal(a->pc, FAKE_PC + 4);
    assert_false(arm_wakes(&a->cpu));
    a->pstate |= PSTATE_I;
    arm_set_irq(&a->cpu, ARM_IRQ_IRQ, 1);
    assert_true(arm_wakes(&a->cpu));
    /* pending already: goes on */
    fake_at(1);
    a->pstate |= PSTATE_I;
    arm_helper_wfx(&a->cpu, 0, WFI, 0);
    assert_false(a->cpu.halted);
    arm_set_irq(&a->cpu, ARM_IRQ_IRQ, 0);
    /* events */
    arm_helper_sev(&a->cpu);
    for (unsigned i = 0; i < 1000; i++) {
        fake_at(1);
        arm_helper_wfx(&a->cpu, 0, WFE, 0);
        assert_false(i == 0 && a->cpu.halted);
    }
    assert_true(a->cpu.halted);
    assert_false(arm_wakes(&a->cpu));
    assert_true(a->cpu.halt_ns > 0);
    arm_helper_sev(&a->cpu);
    assert_true(arm_wakes(&a->cpu));
    /* until a count */
    fake_at(1);
    fake.ns = 1000;
    arm_helper_wfx(&a->cpu, 0, WFIT, 500);
    assert_false(a->cpu.halted);
    fake_at(1);
    arm_helper_wfx(&a->cpu, 0, WFIT, 1500);
    assert_true(a->cpu.halted);
    assert_int_equal(a->cpu.halt_ns, 500);
}

static void waiting_trapped(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("HCR_EL2", HCR_RW | HCR_TWI);
    fake_at(1);
    arm_helper_wfx(&a->cpu, 0, WFI, 0);
    expect_at(2, VBAR2 + 0x400);
    assert_int_equal(fake_get("ESR_EL2"), UINT64_C(1) << 26 | BIT(25) | BIT(24) | 0xe << 20);
    assert_int_equal(a->elr_el[2], FAKE_PC);
    fake_set("SCTLR_EL1", 0);
    fake_at(0);
    arm_helper_wfx(&a->cpu, 5, WFIT, ~UINT64_C(0) >> 2);
    expect_at(1, VBAR1 + 0x400);
    assert_int_equal(fake_get("ESR_EL1") & BITS(24, 0),
                     BIT(24) | 0xe << 20 | 5 << 5 | BIT(2) | WFIT);
    fake_set("SCR_EL3", SCR_NS | SCR_RW | SCR_TWE);
    fake_set("HCR_EL2", HCR_RW);
    fake_at(2);
    atomic_store(&a->event, 0);
    arm_helper_wfx(&a->cpu, 0, WFE, 0);
    expect_at(3, VBAR3 + 0x400);
}

/* A DSB after broadcast TLB maintenance: halted until the others are done. */
static void synchronization(void **state)
{
    struct arm_cpu *a = fake.a;
    a->tlbi_pending = true;
    arm_helper_dsb(&a->cpu, 4);
    assert_int_equal(a->pc, FAKE_PC + 4);
    assert_false(taken());
    assert_true(a->cpu.halted);
    assert_false(arm_wakes(&a->cpu));
    fake.others_done = true;
    assert_true(arm_wakes(&a->cpu));
    a->cpu.halted = false;
    assert_false(taken());
    assert_false(a->cpu.halted);
    assert_false(a->sync_wait);
}

/* ---- Debug
 * ------------------------------------------------------------------------------------------------------------
 */

static void software_step(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("OSLAR_EL1", 0);
    fake_set("MDSCR_EL1", MDSCR_SS);
    a->spsr_el[1] = PSTATE_SS;
    arm_helper_eret(&a->cpu, 0x8000);
    expect_at(0, 0x8000);
    assert_true(a->cpu.mode & ARM_MODE_SS);
    assert_false(taken()); /* active, not pending: one instruction runs */
    a->pc += 4;
    assert_true(taken());
    expect_at(1, VBAR1 + 0x400);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x32) << 26 | BIT(25) | BIT(24) | 0x22);
    assert_int_equal(a->elr_el[1], 0x8004);
    assert_false(a->spsr_el[1] & PSTATE_SS);
    assert_false(a->cpu.mode & ARM_MODE_SS);
    /* SVC is stepped over by its exception; a fault is not */
    a->spsr_el[1] = PSTATE_SS;
    arm_helper_eret(&a->cpu, 0x8000);
    assert_false(taken());
    arm_helper_svc(&a->cpu, 0);
    assert_false(a->spsr_el[1] & PSTATE_SS);
    a->spsr_el[1] = PSTATE_SS;
    arm_helper_eret(&a->cpu, 0x8000);
    assert_false(taken());
    arm_undefined(a);
    assert_true(a->spsr_el[1] & PSTATE_SS);
    /* not enabled: SS is not kept */
    fake_set("MDSCR_EL1", 0);
    a->spsr_el[1] = PSTATE_SS;
    arm_helper_eret(&a->cpu, 0x8000);
    assert_false(a->pstate & PSTATE_SS);
}

static void breakpoints(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("OSLAR_EL1", 0);
    fake_set("MDSCR_EL1", MDSCR_MDE);
    fake_set("DBGBVR1_EL1", 0x8004);
    fake_set("DBGBCR1_EL1", 1 | 2 << 1 | 15 << 5); /* EL0 */
    fake_at(0);
    assert_true(a->cpu.mode & ARM_MODE_SS);
    a->pc = 0x8000;
    assert_false(taken());
    a->pc = 0x8004;
    assert_true(taken());
    expect_at(1, VBAR1 + 0x400);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x30) << 26 | BIT(25) | 0x22);
    /* linked to a context */
    fake_set("DBGBVR4_EL1", 77);
    fake_set("DBGBCR4_EL1", 1 | 2 << 1 | 15 << 5 | 3 << 20);
    fake_set("DBGBCR1_EL1", 1 | 2 << 1 | 15 << 5 | 4 << 16 | 1 << 20);
    fake_at(0);
    a->pc = 0x8004;
    assert_false(taken());
    fake_set("CONTEXTIDR_EL1", 77);
    assert_true(taken());
    /* EL1 needs KDE and D clear */
    fake_set("DBGBCR1_EL1", 1 | 1 << 1 | 15 << 5);
    fake_at(1);
    a->pc = 0x8004;
    assert_false(taken());
    fake_set("MDSCR_EL1", MDSCR_MDE | MDSCR_KDE);
    assert_true(taken());
    expect_at(1, VBAR1 + 0x200);
}

#define TEST(fn, start) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entry, start1),
        TEST(entry_pstate, start1),
        TEST(abort_syndromes, start1),
        TEST(illegal_returns, start1),
        TEST(return_addresses, start1),
        TEST(branch_types, start1),
        TEST(calls, start3),
        TEST(firmware, start1),
        TEST(external_aborts, start3),
        TEST(interrupts, start1),
        TEST(routing, start3),
        TEST(deferred_physical, start3),
        TEST(deferred_seen, start3),
        TEST(virtual_interrupts, start3),
        TEST(waiting, start1),
        TEST(waiting_trapped, start3),
        TEST(synchronization, start1),
        TEST(software_step, start1),
        TEST(breakpoints, start1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
