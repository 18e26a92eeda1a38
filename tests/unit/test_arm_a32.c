/*
 * AArch32: banked registers, CPSR, exceptions that EL1 takes itself, to and from AArch64, tables of
 * short and long descriptors, system registers.
 */
#include "arm_fake.h"

#include "isa/arm/a32.h"
#include "isa/arm/sysreg32.h"

enum {
    VBAR = 0x40008000,
    L1 = FAKE_RAM + 0x4000,
    L2 = FAKE_RAM + 0x8000,
    PAGE = FAKE_RAM + 0x20000
};
#define A32(mode) (PSTATE_A32 | (mode))

static void put32(u64 paddr, u32 v)
{
    store_le(fake_host(paddr, 4), v, 4);
}

/* EL1 in AArch32. */
static int start(void **state)
{
    fake_start("max,aarch64=off", false, false);
    fake.a->sysreg[ARM_SYS_VBAR_EL1] = VBAR;
    fake.a->pc = FAKE_PC;
    return 0;
}

/* EL1 in AArch64, EL0 in AArch32. */
static int start64(void **state)
{
    fake_start("cortex-a72", true, true);
    fake_set("SCR_EL3", SCR_NS | SCR_RW | SCR_HCE);
    fake_set("HCR_EL2", HCR_RW);
    fake_set("VBAR_EL1", VBAR);
    fake_set("VBAR_EL2", VBAR + 0x1000);
    fake_at(1);
    return 0;
}

/* ... with every extension. */
static int start_max(void **state)
{
    fake_start("max", true, true);
    fake_set("SCR_EL3", SCR_NS | SCR_RW | SCR_HCE);
    fake.a->sysreg[ARM_SYS_VBAR_EL1] = VBAR;
    return 0;
}

static int stop(void **state)
{
    fake_stop();
    return 0;
}

static void expect(unsigned mode, u64 pc)
{
    assert_true(arm_is_a32(fake.a));
    assert_int_equal(arm_a32_mode(fake.a), mode);
    assert_int_equal(fake.a->pc, pc);
    assert_int_equal(fake.a->cpu.mode, arm_mode(fake.a));
}

/* ---- State ----------------------------------------------------------------------------------- */

static void reset(void **state)
{
    expect(ARM_M_SVC, FAKE_PC);
    assert_int_equal(arm_cpsr(fake.a), 0x1d3);
    assert_int_equal(fake.a->sysreg[ARM_SYS_SCTLR_EL1], 0xc50838);
    assert_int_equal(arm_el(fake.a), 1);
    assert_true(fake.a->cpu.mode & ARM_MODE_A32);
    arm_cpu_set_start(&fake.a->cpu, FAKE_PC | 1, 0, 1);
    expect(ARM_M_SVC, FAKE_PC);
    assert_true(fake.a->cpu.mode & ARM_MODE_T);
}

static void banks(void **state)
{
    static const unsigned modes[] = {ARM_M_USR, ARM_M_FIQ, ARM_M_IRQ, ARM_M_SVC,
                                     ARM_M_ABT, ARM_M_UND, ARM_M_SYS};
    struct arm_cpu *a = fake.a;
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        arm_a32_bank_switch(a, modes[i]);
        for (unsigned n = 0; n < 15; n++)
            a->x[n] = 100 * i + n;
    }
    /* System mode's are User mode's; r8 to r12 are common to all but FIQ */
    for (unsigned in = 0; in < ARRAY_SIZE(modes); in++) {
        arm_a32_bank_switch(a, modes[in]);
        for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
            u64 sp = modes[i] == ARM_M_USR ? 613 : 100 * i + 13;
            assert_int_equal(*arm_a32_reg(a, modes[i], 13), sp);
            assert_int_equal(*arm_a32_reg(a, modes[i], 14), sp + 1);
            assert_int_equal(*arm_a32_reg(a, modes[i], 9), modes[i] == ARM_M_FIQ ? 109 : 609);
        }
        assert_int_equal(&a->x[13] == arm_a32_reg(a, modes[in], 13), 1);
    }
    /* where AArch64 has them ("D1.20.1") */
    arm_pstate_write(a, 4 | PSTATE_SP);
    assert_int_equal(a->x[13], 613);
    assert_int_equal(a->x[16], 214);
    assert_int_equal(a->x[17], 213);
    assert_int_equal(a->x[18], 314);
    assert_int_equal(a->x[19], 313);
    assert_int_equal(a->x[21], 413);
    assert_int_equal(a->x[22], 514);
    assert_int_equal(a->x[24], 108);
    assert_int_equal(a->x[29], 113);
    assert_int_equal(a->x[30], 114);
}

static void cpsr(void **state)
{
    struct arm_cpu *a = fake.a;
    arm_cpsr_write(a, 0xf80f0000 | ARM_M_IRQ, 15);
    assert_int_equal(arm_cpsr(a), 0xf80f0000 | ARM_M_IRQ);
    assert_int_equal(a->ge, PSTATE_GE);
    arm_cpsr_write(a, ARM_M_HYP, 1); /* not there: the mode stays */
    assert_int_equal(arm_a32_mode(a), ARM_M_IRQ);
    assert_true(a->pstate & PSTATE_IL);
    a->pstate &= ~PSTATE_IL;
    arm_cpsr_write(a, ARM_M_USR, 1);
    arm_cpsr_write(a, 0x1c0 | ARM_M_SVC, 3); /* User mode writes nothing of it */
    assert_int_equal(arm_cpsr(a) & 0x1ff, ARM_M_USR);
    arm_cpsr_write(a, CPSR_DIT, 4);
    assert_int_equal(a->pstate & PSTATE_DIT, PSTATE_DIT);
    assert_int_equal(arm_cpsr(a) & (CPSR_DIT | PSTATE_DIT), CPSR_DIT);
}

static void advance(void **state)
{
    struct arm_cpu *a = fake.a;
    a->it = UINT64_C(3) << 25 | UINT64_C(5) << 10; /* 00010111 */
    arm_a32_it_advance(a);
    assert_int_equal(a->it, UINT64_C(2) << 25 | UINT64_C(3) << 10);
    for (unsigned i = 0; i < 2; i++)
        arm_a32_it_advance(a);
    assert_int_equal(a->it, 6 << 10);
    arm_a32_it_advance(a);
    assert_int_equal(a->it, 0);
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

static void in_mode(u64 pstate)
{
    arm_pstate_write(fake.a, A32(pstate));
    fake.a->pc = FAKE_PC;
    fake.a->cpu.unwind = 0;
    arm_state_changed(fake.a);
}

static void entry(void **state)
{
    struct arm_cpu *a = fake.a;
    in_mode(ARM_M_USR);
    arm_helper_a32_svc(&a->cpu, 5, 4);
    expect(ARM_M_SVC, VBAR + 8);
    assert_int_equal(a->x[14], FAKE_PC + 4);
    assert_int_equal(a->spsr_el[1], ARM_M_USR);
    assert_int_equal(arm_cpsr(a) & 0x1c0, PSTATE_I);
    in_mode(ARM_M_USR | PSTATE_T);
    arm_undefined(a);
    expect(ARM_M_UND, VBAR + 4);
    assert_int_equal(a->x[14], FAKE_PC + 2);
    assert_int_equal(a->sysreg[ARM_SYS_SPSR_UND], ARM_M_USR | PSTATE_T);
    in_mode(ARM_M_SVC);
    arm_undefined(a);
    assert_int_equal(a->x[14], FAKE_PC + 4);
    /* back again */
    arm_helper_a32_return(&a->cpu, a->x[14]);
    expect(ARM_M_SVC, FAKE_PC + 4);
    /* SCTLR: vectors up, Thumb, big-endian */
    a->sysreg[ARM_SYS_SCTLR_EL1] |= SCTLR32_V | SCTLR32_TE | SCTLR_EE;
    in_mode(ARM_M_USR);
    arm_helper_a32_bkpt(&a->cpu, 1, 2);
    expect(ARM_M_ABT, 0xffff000c);
    assert_int_equal(a->pstate & (PSTATE_T | PSTATE_E), PSTATE_T | PSTATE_E);
    assert_int_equal(a->x[14], FAKE_PC + 4);
    assert_int_equal(a->sysreg[ARM_SYS_IFSR32_EL2], 2);
    assert_int_equal(a->sysreg[ARM_SYS_MDSCR_EL1] & ARM_DSCR_MOE, ARM_MOE_BKPT << 2);
}

static void interrupts(void **state)
{
    struct arm_cpu *a = fake.a;
    in_mode(ARM_M_USR);
    atomic_store(&a->irq_wires, BIT(ARM_IRQ_IRQ) | BIT(ARM_IRQ_FIQ));
    assert_true(arm_interrupt(&a->cpu));
    expect(ARM_M_FIQ, VBAR + 0x1c);
    assert_int_equal(a->x[14], FAKE_PC + 4);
    assert_int_equal(arm_cpsr(a) & 0x1c0, 0x1c0);
    in_mode(ARM_M_SVC | PSTATE_F);
    assert_true(arm_interrupt(&a->cpu));
    expect(ARM_M_IRQ, VBAR + 0x18);
    assert_int_equal(arm_cpsr(a) & 0x1c0, 0x1c0);
    in_mode(ARM_M_SVC | PSTATE_F | PSTATE_I);
    assert_false(arm_interrupt(&a->cpu));
    atomic_store(&a->irq_wires, BIT(ARM_IRQ_SERROR));
    assert_true(arm_interrupt(&a->cpu));
    expect(ARM_M_ABT, VBAR + 0x10);
    assert_int_equal(a->sysreg[ARM_SYS_ESR_EL1], BIT(10) | 6);
    /* masked: ESB defers it, by TTBCR.EAE */
    for (unsigned eae = 0; eae < 2; eae++) {
        in_mode(ARM_M_SVC | PSTATE_A);
        a->sysreg[ARM_SYS_TCR_EL1] = eae ? TTBCR_EAE : 0;
        atomic_store(&a->irq_wires, BIT(ARM_IRQ_SERROR));
        arm_helper_esb(&a->cpu, 0);
        assert_false(arm_interrupt(&a->cpu));
        assert_int_equal(fake_get("DISR_EL1"), BIT(31) | (eae ? BIT(9) | 0x11 : BIT(10) | 6));
    }
}

/* A virtual SError of an EL1 of AArch32: AET and ExT are VSESR_EL2's. */
static void virtual_error(void **state)
{
    struct arm_cpu *a = fake.a;
    for (unsigned masked = 0; masked < 2; masked++) {
        fake_set("HCR_EL2", HCR_AMO | HCR_VSE);
        a->sysreg[ARM_SYS_VSESR_EL2] = BITS(15, 12) | 0xff;
        in_mode(ARM_M_SVC | (masked ? PSTATE_A : 0));
        if (masked)
            arm_helper_esb(&a->cpu, 0);
        assert_int_equal(arm_interrupt(&a->cpu), !masked);
        assert_false(fake_get("HCR_EL2") & HCR_VSE);
        u64 status = BITS(15, 14) | BIT(12) | BIT(10) | 6;
        if (masked)
            assert_int_equal(a->sysreg[ARM_SYS_VDISR_EL2], status | BIT(31));
        else
            assert_int_equal(a->sysreg[ARM_SYS_ESR_EL1], status);
    }
}

static void illegal(void **state)
{
    struct arm_cpu *a = fake.a;
    in_mode(ARM_M_SVC);
    arm_a32_return(a, 0x4002, ARM_M_HYP | PSTATE_I);
    assert_int_equal(arm_a32_mode(a), ARM_M_SVC);
    assert_true(a->pstate & PSTATE_IL);
    assert_true(arm_interrupt(&a->cpu));
    expect(ARM_M_UND, VBAR + 4);
    assert_false(a->pstate & PSTATE_IL);
    in_mode(ARM_M_SYS); /* has no SPSR */
    arm_helper_a32_return(&a->cpu, 0);
    expect(ARM_M_UND, VBAR + 4);
}

/* EL0 below an EL1 of AArch64. */
static void to_a64(void **state)
{
    struct arm_cpu *a = fake.a;
    u64 q = PSTATE_Q | PSTATE_GE | PSTATE_Z;
    fake_set("SCTLR_EL1", SCTLR_SPAN);
    a->sp = 0x1234;
    a->x[14] = UINT64_C(0x100000005);
    a->spsr_el[1] = A32(ARM_M_USR) | PSTATE_T | q | BIT(25) | BIT(11);
    arm_helper_eret(&a->cpu, 0x8001);
    expect(ARM_M_USR, 0x8000);
    assert_int_equal(a->x[14], 5);
    assert_int_equal(arm_el(a), 0);
    assert_int_equal((a->cpu.mode & ARM_MODE_IT) >> ARM_MODE_IT_SHIFT, 9);
    arm_helper_a32_svc(&a->cpu, 7, 2);
    assert_false(arm_is_a32(a));
    assert_int_equal(a->pc, VBAR + 0x600);
    assert_int_equal(a->sp, 0x1234);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x11) << 26 | 7);
    assert_int_equal(a->elr_el[1], 0x8002);
    assert_int_equal(a->spsr_el[1], A32(ARM_M_USR) | PSTATE_T | q | BIT(26) | BIT(12));
    /* EL1 is not AArch32's now: illegal */
    a->spsr_el[1] = A32(ARM_M_SVC);
    arm_helper_eret(&a->cpu, 0);
    assert_true(!arm_is_a32(a) && a->pstate & PSTATE_IL);
}

/* EL1 in AArch32 below an EL2 of AArch64. */
static void to_el2(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("HCR_EL2", 0);
    fake_at(2);
    a->spsr_el[2] = 5; /* EL1 would be AArch64 */
    arm_helper_eret(&a->cpu, 0);
    assert_true(a->pstate & PSTATE_IL);
    fake_at(2);
    a->x[19] = 0x777; /* SP_svc */
    a->spsr_el[2] = A32(ARM_M_SVC);
    arm_helper_eret(&a->cpu, FAKE_PC);
    expect(ARM_M_SVC, FAKE_PC);
    assert_int_equal(a->x[13], 0x777);
    a->x[13] = 0x888;
    arm_helper_a32_hvc(&a->cpu, 3, 0);
    assert_int_equal(arm_el(a), 2);
    assert_int_equal(a->pc, VBAR + 0x1600);
    assert_int_equal(fake_get("ESR_EL2"), UINT64_C(0x12) << 26 | BIT(25) | 3);
    assert_int_equal(a->x[19], 0x888);
    assert_int_equal(a->spsr_el[2], A32(ARM_M_SVC));
}

/* VBAR of an EL1 of AArch32 has bits 10 to 5, which AArch64's EL2 sees and sets; an EL1 of AArch64 has not. */
static void vectors_from_el2(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_at(2);
    fake_set("VBAR_EL1", VBAR + 0x4ff);
    assert_int_equal(fake_get("VBAR_EL1"), VBAR + 0x4e0);
    /* so with SCTLR's bits, before HCR_EL2.RW says whose they are */
    fake_set("SCTLR_EL1", SCTLR32_TRE | SCTLR32_V);
    u64 own = SCTLR32_TRE | SCTLR32_AFE | SCTLR32_TE | SCTLR32_UWXN | SCTLR32_V;
    assert_int_equal(fake_get("SCTLR_EL1") & own, SCTLR32_TRE | SCTLR32_V);
    fake_set("SCTLR_EL1", 0);
    fake_set("HCR_EL2", 0);
    in_mode(ARM_M_USR);
    arm_helper_a32_svc(&a->cpu, 5, 4);
    expect(ARM_M_SVC, VBAR + 0x4e8);
    fake_set("HCR_EL2", HCR_RW);
    a->pstate = PSTATE_SP | 4; /* EL1 of AArch64 */
    fake_at(1);
    arm_undefined(a);
    assert_int_equal(a->pc, VBAR + 0x200);
}

/* STC of DBGDTRRXint in User mode, whose traps EL2 takes; and vector catch. */
static void debug_to_el2(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("HCR_EL2", 0);
    fake_set("VBAR_EL2", VBAR + 0x1000);
    fake_set("MDCR_EL2", MDCR_TDA | MDCR_TDE | BIT(10) | BIT(9));
    in_mode(ARM_M_USR);
    u32 key = ARM_CP(14, 0, 0, 5, 0);
    struct arm_sysreg32_place p = arm_sysreg32_find(a, key);
    u64 syndrome = ARM_SYNDROME(ARM_EC_CP14_LDST, BIT(24) | 14 << 20 | 0x12 << 12 | 3 << 5 | 2 << 1);
    arm_helper_cp_check(&a->cpu, key, arm_sysreg32_pack(&p), syndrome, 0);
    assert_true(a->cpu.unwind);
    assert_int_equal(a->pc, VBAR + 0x1600);
    assert_int_equal(fake_get("ESR_EL2"), syndrome);
    fake_set("OSLAR_EL1", 0);
    a->sysreg[ARM_SYS_MDSCR_EL1] = MDSCR_MDE;
    a->sysreg[ARM_SYS_DBGVCR32_EL2] = BIT(28) | BIT(4); /* Data Abort of both states */
    in_mode(ARM_M_ABT);
    a->pc = VBAR + 0x10;
    arm_state_changed(a);
    assert_true(a->cpu.mode & ARM_MODE_SS);
    assert_true(arm_interrupt(&a->cpu));
    assert_int_equal(a->pc, VBAR + 0x1600);
    assert_int_equal(fake_get("ESR_EL2"), ARM_SYNDROME(ARM_EC_VECTOR_CATCH32, 0x22));
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* 0 or the fault's code. */
static u64 walk(u64 vaddr, enum isa_access access, struct isa_mapping *m)
{
    struct isa_context c;
    struct isa_fault f = {.size = 4};
    fake.a->known_contexts = 0;
    arm_context(&fake.a->cpu, access == ISA_FETCH ? ISA_CONTEXT_FETCH : 0, &c);
    return arm_walk(&fake.a->cpu, &c, vaddr, access, m, &f) ? f.code | BIT(63) : 0;
}

static void expect_map(u64 vaddr, enum isa_access access, u64 paddr)
{
    struct isa_mapping m;
    assert_int_equal(walk(vaddr, access, &m), 0);
    assert_int_equal(m.paddr, paddr);
}

static void expect_fault(u64 vaddr, enum isa_access access, unsigned fsc, unsigned domain)
{
    struct isa_mapping m;
    u64 code = walk(vaddr, access, &m);
    assert_int_equal(code & ARM_FAULT_FSC, fsc);
    assert_int_equal((code & ARM_FAULT_DOMAIN) >> ARM_FAULT_DOMAIN_SHIFT, domain);
    assert_true(code >> 63);
}

static void short_on(u64 ttbcr, u64 sctlr)
{
    u64 *s = fake.a->sysreg;
    s[ARM_SYS_TTBR0_EL1] = L1 | 0x6a; /* attributes */
    s[ARM_SYS_TTBR1_EL1] = L1;
    s[ARM_SYS_TCR_EL1] = ttbcr;
    s[ARM_SYS_DACR32_EL2] = 0x00000071; /* 0: client, 2: manager, 3: client */
    s[ARM_SYS_SCTLR_EL1] |= SCTLR_M | sctlr;
    in_mode(ARM_M_SVC);
}

static void short_sections(void **state)
{
    short_on(0, 0);
    put32(L1 + 4 * 1, FAKE_RAM | 0x402);                 /* AP 001: EL1 only */
    put32(L1 + 4 * 2, FAKE_RAM | 0xc02 | 3 << 5 | 0x10); /* AP 011, domain 3, XN */
    put32(L1 + 4 * 3, FAKE_RAM | 0x002 | 2 << 5);        /* AP 000, domain 2: manager */
    put32(L1 + 4 * 4, FAKE_RAM | 0xc02 | 5 << 5);        /* domain 5: no access */
    put32(L1 + 4 * 16, FAKE_RAM | 0x40c02 | 1 << 20);    /* supersection at 0x1_4000_0000 */
    put32(L1 + 4 * 5, FAKE_RAM | 0x8403);                /* AP 101, PXN */
    expect_map(0x100010, ISA_WRITE, FAKE_RAM + 0x10);
    expect_map(0x300010, ISA_FETCH, FAKE_RAM + 0x10);
    expect_fault(0x200000, ISA_FETCH, ARM_FSC_PERMISSION + 1, 3);
    expect_fault(0x400000, ISA_READ, ARM_FSC_DOMAIN + 1, 5);
    expect_fault(0x600000, ISA_READ, ARM_FSC_TRANSLATION + 1, 0);
    expect_map(0x1000020, ISA_READ, UINT64_C(0x140000020));
    expect_map(0x500000, ISA_READ, FAKE_RAM);
    expect_fault(0x500000, ISA_WRITE, ARM_FSC_PERMISSION + 1, 0);
    expect_fault(0x500000, ISA_FETCH, ARM_FSC_PERMISSION + 1, 0);
    in_mode(ARM_M_USR);
    expect_fault(0x100000, ISA_READ, ARM_FSC_PERMISSION + 1, 0);
    expect_map(0x200000, ISA_WRITE, FAKE_RAM);
}

static void short_pages(void **state)
{
    struct isa_mapping m;
    short_on(0, 0);
    put32(L1 + 4 * 1, L2 | 3 << 5 | 1);
    put32(L2 + 4 * 3, PAGE | 0x832); /* small, AP 011, nG */
    put32(L2 + 4 * 4, PAGE | 0x213); /* small, AP 101, XN */
    for (unsigned i = 16; i < 32; i++)
        put32(L2 + 4 * i, PAGE | 0x21); /* large, AP 010 */
    expect_map(0x103004, ISA_WRITE, PAGE + 4);
    assert_int_equal(walk(0x103004, ISA_READ, &m), 0);
    assert_false(m.global);
    assert_int_equal(m.page_size, 4096);
    expect_fault(0x104000, ISA_FETCH, ARM_FSC_PERMISSION + 2, 3);
    expect_fault(0x104000, ISA_WRITE, ARM_FSC_PERMISSION + 2, 3);
    expect_fault(0x105000, ISA_READ, ARM_FSC_TRANSLATION + 2, 3);
    expect_map(0x11f008, ISA_READ, PAGE + 0xf008);
    in_mode(ARM_M_USR);
    expect_map(0x11f008, ISA_READ, PAGE + 0xf008);
    expect_fault(0x11f008, ISA_WRITE, ARM_FSC_PERMISSION + 2, 3);
}

/* Access flag; remapped attributes; TTBCR.N and PD1. */
static void short_control(void **state)
{
    struct isa_mapping m;
    short_on(0, SCTLR32_AFE | SCTLR32_TRE);
    fake.a->sysreg[ARM_SYS_MAIR_EL1] = UINT64_C(0x00010001) << 32 | 0x9; /* 0: device, 1: normal */
    put32(L1 + 4 * 1, FAKE_RAM | 0x802);
    put32(L1 + 4 * 2, FAKE_RAM | 0xc02);
    put32(L1 + 4 * 3, FAKE_RAM | 0xc06);
    expect_fault(0x100000, ISA_READ, ARM_FSC_ACCESS_FLAG + 1, 0);
    assert_int_equal(walk(0x200000, ISA_READ, &m), 0);
    assert_true(m.io);
    assert_int_equal(walk(0x300000, ISA_READ, &m), 0);
    assert_false(m.io);
    fake.a->sysreg[ARM_SYS_TCR_EL1] = 1;
    expect_map(0x200000, ISA_READ, FAKE_RAM);
    expect_fault(0x80200000, ISA_READ, ARM_FSC_TRANSLATION + 1, 0);
    put32(L1 + 4 * 0x802, FAKE_RAM | 0xc02);
    expect_map(0x80200004, ISA_READ, FAKE_RAM + 4);
    fake.a->sysreg[ARM_SYS_TCR_EL1] = 1 | TTBCR_PD1;
    expect_fault(0x80200000, ISA_READ, ARM_FSC_TRANSLATION + 1, 0);
}

static void long_tables(void **state)
{
    u64 *s = fake.a->sysreg, leaf = FAKE_RAM | 0x400 | 1;
    short_on(TTBCR_EAE | 2 << 16, 0); /* TTBR1: from 0xc0000000 on */
    s[ARM_SYS_TTBR0_EL1] = L1;
    s[ARM_SYS_TTBR1_EL1] = L2;
    fake_poke(L1 + 8, leaf);                             /* 1 GiB at 1 GiB: EL1 only */
    fake_poke(L1 + 16, leaf | 0x40 | UINT64_C(1) << 54); /* EL0 too, XN */
    fake_poke(L2 + 8 * 2, leaf | 0x80);                  /* 2 MiB, read only */
    expect_map(0x40000010, ISA_WRITE, FAKE_RAM + 0x10);
    expect_map(0xc0400020, ISA_READ, FAKE_RAM + 0x20);
    expect_fault(0xc0400020, ISA_WRITE, ARM_FSC_PERMISSION + 2, 0);
    expect_fault(0xc0600000, ISA_READ, ARM_FSC_TRANSLATION + 2, 0);
    expect_fault(0x80000000, ISA_FETCH, ARM_FSC_PERMISSION + 1, 0);
    s[ARM_SYS_TCR_EL1] |= TCR_EPD0;
    expect_fault(0x40000000, ISA_READ, ARM_FSC_TRANSLATION + 1, 0);
}

static void statuses(void **state)
{
    struct arm_cpu *a = fake.a;
    struct isa_fault f = {.kind = ISA_FAULT_PAGE,
                          .access = ISA_WRITE,
                          .vaddr = 0x5008,
                          .code = (ARM_FSC_PERMISSION + 2) | 3 << ARM_FAULT_DOMAIN_SHIFT};
    in_mode(ARM_M_USR);
    arm_fault(&a->cpu, &f);
    expect(ARM_M_ABT, VBAR + 0x10);
    assert_int_equal(a->x[14], FAKE_PC + 8);
    assert_int_equal(a->sysreg[ARM_SYS_ESR_EL1], BIT(11) | 0x3f);
    assert_int_equal((u32)a->sysreg[ARM_SYS_FAR_EL1], 0x5008);
    f = (struct isa_fault){.kind = ISA_FAULT_PAGE,
                           .access = ISA_FETCH,
                           .vaddr = 0x6000,
                           .code = ARM_FSC_TRANSLATION + 1};
    in_mode(ARM_M_USR);
    arm_fault(&a->cpu, &f);
    expect(ARM_M_ABT, VBAR + 0xc);
    assert_int_equal(a->sysreg[ARM_SYS_IFSR32_EL2], 5);
    assert_int_equal(a->sysreg[ARM_SYS_FAR_EL1], UINT64_C(0x600000005008));
    a->sysreg[ARM_SYS_TCR_EL1] = TTBCR_EAE;
    in_mode(ARM_M_USR);
    arm_fault(&a->cpu, &f);
    assert_int_equal(a->sysreg[ARM_SYS_IFSR32_EL2], BIT(9) | 5);
}

/* What a hypervisor is told of loads and stores. */
static void accesses(void **state)
{
    static const struct {
        u32 insn;
        u8 length; /* 0: A32 */
        u8 size, rt;
        bool is, sign, ordered;
    } rows[] = {
        {0xe5912004, 0, 2, 2, true, false, false},  /* ldr r2, [r1, #4] */
        {0xe7d12003, 0, 0, 2, true, false, false},  /* ldrb r2, [r1, r3] */
        {0xe1d120f4, 0, 1, 2, true, true, false},   /* ldrsh r2, [r1, #4] */
        {0xe1c120b0, 0, 1, 2, true, false, false},  /* strh r2, [r1] */
        {0xe4912004, 0, 0, 0, false, false, false}, /* ldr r2, [r1], #4 */
        {0xe5b12004, 0, 0, 0, false, false, false}, /* ldr r2, [r1, #4]! */
        {0xe8910006, 0, 0, 0, false, false, false}, /* ldm */
        {0xe1c120d0, 0, 0, 0, false, false, false}, /* ldrd */
        {0xe1912c9f, 0, 2, 2, true, false, true},   /* lda r2, [r1] */
        {0xe1c1fc92, 0, 0, 2, true, false, true},   /* stlb r2, [r1] */
        {0x6889, 2, 2, 1, true, false, false},      /* ldr r1, [r1, #8] */
        {0x5e51, 2, 1, 1, true, true, false},       /* ldrsh r1, [r2, r1] */
        {0x9a01, 2, 2, 2, true, false, false},      /* ldr r2, [sp, #4] */
        {0xbd10, 2, 0, 0, false, false, false},     /* pop */
        {0xf8d12004, 4, 2, 2, true, false, false},  /* ldr.w r2, [r1, #4] */
        {0xf9112c04, 4, 0, 2, true, true, false},   /* ldrsb r2, [r1, #-4] */
        {0xf8512b04, 4, 0, 0, false, false, false}, /* ldr r2, [r1], #4 */
        {0xf8412023, 4, 2, 2, true, false, false},  /* str.w r2, [r1, r3, lsl #2] */
        {0xe8d12faf, 4, 2, 2, true, false, true},   /* lda r2, [r1] */
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arm_access access;
        bool is = arm_a32_decode_access(rows[i].insn, rows[i].length, rows[i].length, &access);
        assert_int_equal(is, rows[i].is);
        if (!is)
            continue;
        assert_int_equal(access.size, rows[i].size);
        assert_int_equal(access.rt, rows[i].rt);
        assert_int_equal(access.sign, rows[i].sign);
        assert_int_equal(access.ordered, rows[i].ordered);
    }
}

/* ---- System registers ------------------------------------------------------------------------ */

static u64 mrc(u32 key)
{
    struct arm_sysreg32_place p = arm_sysreg32_find(fake.a, key);
    assert_non_null(p.r);
    fake.a->cpu.unwind = 0;
    return arm_helper_cp_read(&fake.a->cpu, key, arm_sysreg32_pack(&p),
                              ARM_SYNDROME(ARM_EC_CP15, 1));
}

static void mcr(u32 key, u64 v)
{
    struct arm_sysreg32_place p = arm_sysreg32_find(fake.a, key);
    assert_non_null(p.r);
    fake.a->cpu.unwind = 0;
    arm_helper_cp_write(&fake.a->cpu, key, arm_sysreg32_pack(&p), ARM_SYNDROME(ARM_EC_CP15, 0), v);
}

/* Every row names a register that AArch64 has, no key is there twice. */
static void table(void **state)
{
    static const u16 keys[] = {
#define CP15(opc1, crn, crm, opc2, ...) ARM_CP(15, opc1, crn, crm, opc2),
#define CP14(opc1, crn, crm, opc2, ...) ARM_CP(14, opc1, crn, crm, opc2),
#define CP15_64(opc1, crm, ...)         ARM_CP64(15, opc1, crm),
#define CP14_64(opc1, crm, ...)         ARM_CP64(14, opc1, crm),
#include "isa/arm/sysreg32.def"
    };
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        struct arm_sysreg32_place p = arm_sysreg32_find(fake.a, keys[i]);
        if (!p.r)
            fail_msg("key %#x: no such register", keys[i]);
        assert_int_equal(p.r->key, keys[i]);
        if (p.r->is)
            assert_non_null(p.is);
        else
            assert_true(p.r->own_access);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(keys[i], keys[j]);
    }
}

static void registers(void **state)
{
    u64 *s = fake.a->sysreg;
    mcr(ARM_CP(15, 0, 6, 0, 2), 0x1234); /* IFAR, DFAR: halves of FAR_EL1 */
    mcr(ARM_CP(15, 0, 6, 0, 0), 0x5678);
    assert_int_equal(s[ARM_SYS_FAR_EL1], UINT64_C(0x123400005678));
    assert_int_equal(mrc(ARM_CP(15, 0, 6, 0, 2)), 0x1234);
    mcr(ARM_CP64(15, 0, 2), UINT64_C(0x12340000005000)); /* TTBR0, whole */
    mcr(ARM_CP(15, 0, 2, 0, 0), 0x6000);
    assert_int_equal(s[ARM_SYS_TTBR0_EL1], UINT64_C(0x12340000006000));
    mcr(ARM_CP(15, 0, 1, 0, 0), 0);
    assert_int_equal(mrc(ARM_CP(15, 0, 1, 0, 0)), 0x400818 | 0);
    mcr(ARM_CP(15, 0, 1, 0, 2), 0xf00000);
    assert_int_equal(mrc(ARM_CP(15, 0, 1, 0, 2)), 0xf00000);
    assert_int_equal(mrc(ARM_CP(15, 0, 0, 0, 0)), s[ARM_SYS_MIDR_EL1]);
    assert_null(arm_sysreg32_find(fake.a, ARM_CP(15, 0, 1, 7, 7)).r);
    mcr(ARM_CP(15, 0, 8, 7, 1), 0x40003007); /* TLBIMVA: the address, and an ASID */
    assert_int_equal(fake.flushed.vaddr, 0x40003000);
    assert_int_equal(fake.flushed.key.space, UINT64_C(7) << 48);
    /* ATS1CPR, by short descriptors */
    short_on(0, 0);
    put32(L1 + 4 * 1, FAKE_RAM | 0x402);
    fake.a->known_contexts = 0;
    mcr(ARM_CP(15, 0, 7, 8, 0), 0x100000);
    assert_int_equal(mrc(ARM_CP(15, 0, 7, 4, 0)) & ~UINT64_C(0xfff), FAKE_RAM);
    mcr(ARM_CP(15, 0, 7, 8, 0), 0x200000);
    assert_int_equal(mrc(ARM_CP(15, 0, 7, 4, 0)), 5 << 1 | 1);
}

/* To EL2: by HSTR_EL2 and as AArch64's, with its own syndrome. */
static void traps(void **state)
{
    struct arm_cpu *a = fake.a;
    fake_set("HCR_EL2", HCR_TVM);
    fake_set("HSTR_EL2", BIT(13));
    in_mode(ARM_M_SVC);
    mrc(ARM_CP(15, 0, 13, 0, 2));
    assert_int_equal(arm_el(a), 2);
    assert_int_equal(fake_get("ESR_EL2") >> 26, ARM_EC_CP15);
    in_mode(ARM_M_SVC);
    mcr(ARM_CP(15, 0, 3, 0, 0), 1);
    assert_int_equal(arm_el(a), 2);
    in_mode(ARM_M_SVC);
    mrc(ARM_CP(15, 0, 3, 0, 0));
    assert_int_equal(arm_el(a), 1);
}

#define TEST(fn)   cmocka_unit_test_setup_teardown(fn, start, stop)
#define TEST_MAX(fn) cmocka_unit_test_setup_teardown(fn, start_max, stop)
#define TEST64(fn) cmocka_unit_test_setup_teardown(fn, start64, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reset),       TEST(banks),          TEST(cpsr),        TEST(advance),
        TEST(entry),       TEST(interrupts), TEST_MAX(virtual_error), TEST_MAX(vectors_from_el2), TEST_MAX(debug_to_el2),     TEST(illegal),     TEST64(to_a64),
        TEST64(to_el2),    TEST(short_sections), TEST(short_pages), TEST(short_control),
        TEST(long_tables), TEST(statuses),       TEST(accesses),    TEST(table),
        TEST(registers),   TEST64(traps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
