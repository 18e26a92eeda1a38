/*
 * test_arm_mmu.c - translation tables of VMSAv8-64 written by hand, and what isa/arm says of them:
 * stage 1 and 2, permissions, granules, hardware updates, contexts, AT, TLBI.
 */
#include "arm_fake.h"

enum { TABLE = FAKE_RAM + 0x10000, S2 = FAKE_RAM + 0x80000 };
#define V     UINT64_C(1)
#define T     UINT64_C(3)
#define AF    BIT(10)
#define AP1   BIT(6)
#define AP2   BIT(7)
#define NG    BIT(11)
#define DBM   BIT(51)
#define PXN   BIT(53)
#define UXN   BIT(54)
#define PAGE  (T | AF)
#define BLOCK (V | AF)

static struct isa_mapping m;
static struct isa_fault f;

static enum isa_fault_kind walk_as(u64 va, enum isa_access access, unsigned n)
{
    struct isa_context c;
    memset(&m, 0, sizeof(m));
    arm_context(&fake.a->cpu, n, &c);
    return arm_walk(&fake.a->cpu, &c, va, access, &m, &f);
}

static enum isa_fault_kind walk(u64 va, enum isa_access access)
{
    return walk_as(va, access, access == ISA_FETCH ? ISA_CONTEXT_FETCH : 0);
}

static void expect(u64 va, enum isa_access access, u64 pa)
{
    if (walk(va, access))
        fail_msg("%#llx %c: code %#llx", (unsigned long long)va, "rwx"[access],
                 (unsigned long long)f.code);
    assert_int_equal(m.paddr, pa);
}

static void refuse(u64 va, enum isa_access access, unsigned fsc)
{
    assert_int_not_equal(walk(va, access), ISA_FAULT_NONE);
    assert_int_equal(f.code & 0x3f, fsc);
}

static void fresh(void)
{
    jit_flush_all(&fake.a->cpu);
}

/* 4K granule, 39-bit addresses in both halves (three levels), tables at TABLE and TABLE + 0x1000..,
 * leaf of page 5. */
static void map_39(u64 leaf)
{
    fake_poke(TABLE, (TABLE + 0x1000) | T);
    fake_poke(TABLE + 0x1000, (TABLE + 0x2000) | T);
    fake_poke(TABLE + 0x2000 + 5 * 8, leaf);
    fresh();
}

static int start_el1(void **state)
{
    fake_start("max", false, false);
    fake_set("TTBR0_EL1", TABLE);
    fake_set("TTBR1_EL1", TABLE);
    fake_set("TCR_EL1", 25 | 25 << 16 | UINT64_C(2) << 30 | UINT64_C(6) << 32);
    fake_set("SCTLR_EL1", SCTLR_M);
    fake_at(1);
    return 0;
}

static int stop(void **state)
{
    fake_stop();
    return 0;
}

static void off(void **state)
{
    fake_set("SCTLR_EL1", 0);
    expect(0x12345678, ISA_READ, 0x12345678);
    assert_int_equal(m.page_size, 4096);
    refuse(BIT(52), ISA_READ, 0);
    assert_true(fake.a->cpu.mode & ARM_MODE_A);
}

static void levels(void **state)
{
    map_39((FAKE_RAM + 0x3000) | PAGE);
    expect(0x5123, ISA_READ, FAKE_RAM + 0x3123);
    assert_int_equal(m.page_size, 4096);
    assert_true(m.global);
    expect(0xffffff8000005123, ISA_READ, FAKE_RAM + 0x3123);
    refuse(0x4000, ISA_READ, 7);
    refuse(0x200000, ISA_READ, 6);
    refuse(0x40000000, ISA_READ, 5);
    refuse(BIT(39), ISA_READ, 4);
    refuse(0xffffff0000005000, ISA_READ, 4);
    /* blocks */
    fake_poke(TABLE + 0x1000 + 8, (FAKE_RAM & ~UINT64_C(0x1fffff)) | BLOCK);
    expect(0x212345, ISA_READ, FAKE_RAM + 0x12345);
    assert_int_equal(m.page_size, 2 * MiB);
    fake_poke(TABLE + 8, BLOCK);
    expect(0x40000010, ISA_READ, 0x10);
    assert_int_equal(m.page_size, GiB);
    /* a table that is not memory */
    fake_poke(TABLE + 16, 0x1000 | T);
    refuse(0x80000000, ISA_READ, 0x16);
    assert_int_equal(f.kind, ISA_FAULT_ACCESS);
    /* an address that is too large for IPS */
    fake_set("TCR_EL1", 25 | 25 << 16 | UINT64_C(2) << 30);
    fake_poke(TABLE + 0x2000 + 6 * 8, BIT(40) | PAGE);
    refuse(0x6000, ISA_READ, 3);
}

/* Every access from EL1 and EL0, against the table of "D8.4.1". */
static void permissions(void **state)
{
    for (unsigned i = 0; i < 32; i++) {
        bool ap1 = i & 1, ap2 = i & 2, pxn = i & 4, uxn = i & 8, wxn = i & 16;
        fake_set("SCTLR_EL1", SCTLR_M | SCTLR_SPAN | (wxn ? SCTLR_WXN : 0));
        map_39(FAKE_RAM | PAGE | (ap1 ? AP1 : 0) | (ap2 ? AP2 : 0) | (pxn ? PXN : 0) |
               (uxn ? UXN : 0));
        fake_at(1);
        assert_int_equal(!walk(0x5000, ISA_READ), true);
        assert_int_equal(!walk(0x5000, ISA_WRITE), !ap2);
        assert_int_equal(!walk(0x5000, ISA_FETCH), !pxn && !(ap1 && !ap2) && !(wxn && !ap2));
        fake.a->pstate |= PSTATE_PAN;
        arm_state_changed(fake.a);
        assert_int_equal(!walk(0x5000, ISA_READ), !ap1);
        assert_int_equal(!walk_as(0x5000, ISA_READ, ARM_CONTEXT_UNPRIV), ap1);
        fake.a->pstate = (fake.a->pstate & ~PSTATE_PAN) | PSTATE_UAO;
        assert_int_equal(!walk_as(0x5000, ISA_READ, ARM_CONTEXT_UNPRIV), true);
        fake_at(0);
        assert_int_equal(!walk(0x5000, ISA_READ), ap1);
        assert_int_equal(!walk(0x5000, ISA_WRITE), ap1 && !ap2);
        assert_int_equal(!walk(0x5000, ISA_FETCH), !uxn && !(wxn && ap1 && !ap2));
    }
}

static void hierarchy(void **state)
{
    map_39(FAKE_RAM | PAGE | AP1);
    fake_poke(TABLE, (TABLE + 0x1000) | T | BIT(62) | BIT(61));
    fresh();
    refuse(0x5000, ISA_WRITE, 15);
    expect(0x5000, ISA_READ, FAKE_RAM);
    expect(0x5000, ISA_READ, FAKE_RAM); /* from the walk cache */
    refuse(0x5000, ISA_WRITE, 15);
    fake_at(0);
    refuse(0x5000, ISA_READ, 15);
    fake_set("TCR_EL1", fake_get("TCR_EL1") | TCR_HPD0);
    expect(0x5000, ISA_WRITE, FAKE_RAM);
}

static void hardware_updates(void **state)
{
    u64 entry = TABLE + 0x2000 + 5 * 8;
    map_39(FAKE_RAM | T | DBM | AP2);
    refuse(0x5000, ISA_READ, 11);
    fake_set("TCR_EL1", fake_get("TCR_EL1") | TCR_HA);
    expect(0x5000, ISA_READ, FAKE_RAM);
    assert_int_equal(fake_peek(entry), FAKE_RAM | PAGE | DBM | AP2);
    refuse(0x5000, ISA_WRITE, 15);
    fake_set("TCR_EL1", fake_get("TCR_EL1") | TCR_HD);
    expect(0x5000, ISA_READ, FAKE_RAM);
    assert_true(fake_peek(entry) & AP2);
    fake.race = true;
    expect(0x5000, ISA_WRITE, FAKE_RAM);
    assert_int_equal(fake_peek(entry), (FAKE_RAM | PAGE | DBM) ^ BIT(56));
}

/* Guarded pages mark their code. */
static void guarded(void **state)
{
    map_39(FAKE_RAM | PAGE | BIT(50));
    expect(0x5000, ISA_FETCH, FAKE_RAM);
    assert_int_equal(m.code_mode, ARM_MODE_GP);
    expect(0x5000, ISA_READ, FAKE_RAM);
    assert_int_equal(m.code_mode, 0);
    map_39(FAKE_RAM | PAGE);
    expect(0x5000, ISA_FETCH, FAKE_RAM);
    assert_int_equal(m.code_mode, 0);
}

static void tags(void **state)
{
    map_39(FAKE_RAM | PAGE);
    refuse(0x5a00000000005000, ISA_READ, 4);
    fake_set("TCR_EL1", fake_get("TCR_EL1") | TCR_TBI0);
    expect(0x5a00000000005008, ISA_READ, FAKE_RAM + 8);
    assert_true(m.page_size < 4096);
    expect(0x5008, ISA_READ, FAKE_RAM + 8);
    assert_int_equal(m.page_size, 4096);
    refuse(0x5affff8000005008, ISA_READ, 4);
}

static void disabled(void **state)
{
    map_39(FAKE_RAM | PAGE | AP1);
    fake_set("TCR_EL1", fake_get("TCR_EL1") | TCR_EPD0);
    refuse(0x5000, ISA_READ, 4);
    expect(0xffffff8000005000, ISA_READ, FAKE_RAM);
    fake_set("TCR_EL1", fake_get("TCR_EL1") | TCR_E0PD1);
    expect(0xffffff8000005000, ISA_READ, FAKE_RAM);
    fake_at(0);
    refuse(0xffffff8000005000, ISA_READ, 4);
}

static void granules(void **state)
{
    /* 64K, 42 bits: two levels of 8192 entries */
    fake_set("TCR_EL1", 22 | UINT64_C(1) << 14 | UINT64_C(5) << 32 | TCR_EPD1);
    fake_set("TTBR0_EL1", FAKE_RAM + 0x20000);
    fake_poke(FAKE_RAM + 0x20000, (FAKE_RAM + 0x30000) | T);
    fake_poke(FAKE_RAM + 0x30000 + 3 * 8, (FAKE_RAM + 0x50000) | PAGE);
    fake_poke(FAKE_RAM + 0x20000 + 8, BLOCK);
    fresh();
    expect(0x3abcd, ISA_READ, FAKE_RAM + 0x5abcd);
    assert_int_equal(m.page_size, 65536);
    expect(0x20001234, ISA_READ, 0x1234);
    assert_int_equal(m.page_size, 512 * MiB);
    /* 16K, 36 bits: two levels */
    fake_set("TCR_EL1", 28 | UINT64_C(2) << 14 | UINT64_C(5) << 32 | TCR_EPD1);
    fake_poke(FAKE_RAM + 0x30000 + 3 * 8, (FAKE_RAM + 0x54000) | PAGE);
    fresh();
    expect(0xc123, ISA_READ, FAKE_RAM + 0x54123);
    assert_int_equal(m.page_size, 16384);
    expect(0x2000010, ISA_READ, 0x10);
    assert_int_equal(m.page_size, 32 * MiB);
}

/* LPA2: 52-bit addresses with 4K: five levels, bits 51..50 of addresses in 9..8. */
static void lpa2(void **state)
{
    fake_set("TCR_EL1", 12 | UINT64_C(6) << 32 | TCR_DS | TCR_EPD1);
    fake_set("TTBR0_EL1", TABLE);
    for (unsigned i = 0; i < 4; i++)
        fake_poke(TABLE + 0x1000 * i + (i ? 0 : 15 * 8), (TABLE + 0x1000 * (i + 1)) | T);
    fake_poke(TABLE + 0x4000 + 8, (FAKE_RAM + 0x3000) | PAGE);
    fake_poke(TABLE + 0x4000 + 16, 0x5000 | PAGE | BIT(9) | BIT(49));
    fresh();
    expect((UINT64_C(15) << 48) + 0x1010, ISA_READ, FAKE_RAM + 0x3010);
    expect((UINT64_C(15) << 48) + 0x2010, ISA_READ, BIT(51) | BIT(49) | 0x5010);
    refuse(0x1000, ISA_READ, 0x2b);
}

/* ---- Contexts -------------------------------------------------------------------------------- */

static struct isa_context context(void)
{
    struct isa_context c;
    arm_context(&fake.a->cpu, 0, &c);
    return c;
}

static void contexts(void **state)
{
    struct isa_context a = context();
    fake_set("TTBR0_EL1", TABLE | UINT64_C(7) << 48);
    struct isa_context b = context();
    assert_int_not_equal(a.space, b.space);
    assert_int_equal(a.view, b.view);
    /* 8 bits of ASID unless TCR.AS */
    fake_set("TTBR0_EL1", TABLE | UINT64_C(0x107) << 48);
    assert_int_equal(context().space, b.space);
    fake_set("TCR_EL1", fake_get("TCR_EL1") | TCR_AS);
    assert_int_equal(context().space >> 48, 0x107);
    fake_set("TCR_EL1", (fake_get("TCR_EL1") | TCR_A1) & ~TCR_AS);
    assert_int_equal(context().space >> 48, 0);
    /* what another TTBR1 maps globally is not this one's */
    u64 view = context().view;
    fake_set("TTBR1_EL1", TABLE + 0x10000);
    assert_int_not_equal(context().view, view);
    fake_set("TTBR1_EL1", TABLE);
    assert_int_equal(context().view, view);
    /* EL0 sees the same space otherwise */
    u64 space = context().space;
    fake_at(0);
    assert_int_equal(context().space, space);
    assert_int_not_equal(context().view, view);
    /* more regimes than there are places */
    for (unsigned i = 0; i < 2 * ARM_REGIMES; i++) {
        fake_set("TTBR1_EL1", FAKE_RAM + i * 0x1000);
        context();
    }
    assert_true(fake.flush_all > 0);
    map_39(FAKE_RAM | PAGE | AP1);
    expect(0x5000, ISA_READ, FAKE_RAM);
}

static void maintenance(void **state)
{
    struct jit_flush *fl = &fake.flushed;
    u64 v = UINT64_C(7) << 48 | 0x5;
    assert_true(fake_access_register(ARM_ENC(1, 0, 8, 7, 1), false, &v)); /* VAE1 */
    assert_int_equal(fl->vaddr, 0x5000);
    assert_int_equal(fake.broadcasts, 0);
    v = BITS(43, 0);
    assert_true(fake_access_register(ARM_ENC(1, 0, 8, 3, 3), false, &v)); /* VAAE1IS */
    assert_int_equal(fl->vaddr, ~UINT64_C(0xfff));
    assert_int_equal(fake.broadcasts, 1);
    assert_false(fake.a->tlbi_pending);
    fake.has_others = true;
    v = UINT64_C(7) << 48;
    assert_true(fake_access_register(ARM_ENC(1, 0, 8, 3, 2), false, &v)); /* ASIDE1IS */
    assert_true(fl->keep_global);
    assert_int_equal(fl->key.space >> 48, 7);
    assert_int_equal(fl->mask.space, BITS(55, 48));
    assert_true(fake.a->tlbi_pending);
    unsigned before = fake.flushes;
    v = UINT64_C(1) << 46 | UINT64_C(1) << 39 | 0x10; /* (1 + 1) * 2 pages from 0x10000 */
    assert_true(fake_access_register(ARM_ENC(1, 0, 8, 6, 1), false, &v));
    assert_int_equal(fake.flushes - before, 1);
    assert_int_equal(fl->vaddr, 0x10000);
    assert_int_equal(fl->pages, 4);
    /* the walk cache goes too */
    map_39(FAKE_RAM | PAGE);
    expect(0x5000, ISA_READ, FAKE_RAM);
    fake_poke(TABLE + 0x1000, 0);
    expect(0x5000, ISA_READ, FAKE_RAM);
    v = 0;
    assert_true(fake_access_register(ARM_ENC(1, 0, 8, 7, 0), false, &v));
    refuse(0x5000, ISA_READ, 6);
}

/* ---- AT
 * ---------------------------------------------------------------------------------------------------
 */

static void at(void **state)
{
    u64 v = 0x5123;
    fake_set("MAIR_EL1", 0xff44);
    map_39((FAKE_RAM + 0x3000) | PAGE | BIT(2) | UINT64_C(3) << 8);
    assert_true(fake_access_register(ARM_ENC(1, 0, 7, 8, 0), false, &v));
    assert_int_equal(fake_get("PAR_EL1"),
                     UINT64_C(0xff) << 56 | (FAKE_RAM + 0x3000) | BIT(11) | BIT(9) | 3 << 7);
    assert_true(fake_access_register(ARM_ENC(1, 0, 7, 8, 2), false, &v)); /* S1E0R */
    assert_int_equal(fake_get("PAR_EL1"), 1 | 15 << 1 | BIT(11));
    v = 0x4000;
    assert_true(fake_access_register(ARM_ENC(1, 0, 7, 8, 1), false, &v));
    assert_int_equal(fake_get("PAR_EL1"), 1 | 7 << 1 | BIT(11));
}

/* ---- Watchpoints ----------------------------------------------------------------------------- */

static bool watched(u64 va, enum isa_access access, unsigned size)
{
    struct isa_context c;
    f = (struct isa_fault){.size = (u8)size};
    arm_context(&fake.a->cpu, 0, &c);
    return arm_walk(&fake.a->cpu, &c, va, access, &m, &f) && f.code == ARM_FSC_DEBUG;
}

static void watchpoints(void **state)
{
    map_39(FAKE_RAM | PAGE | AP1);
    fake_set("OSLAR_EL1", 0);
    fake_set("MDSCR_EL1", MDSCR_MDE | MDSCR_KDE);
    fake_set("DBGWVR2_EL1", 0x5010);
    fake_set("DBGWCR2_EL1", 1 | 1 << 1 | 2 << 3 | 0x30 << 5); /* EL1's stores to 0x5014, 0x5015 */
    fake_at(1);
    assert_true(watched(0x5014, ISA_WRITE, 1));
    assert_true(watched(0x5012, ISA_WRITE, 4));
    assert_true(watched(0x5010, ISA_WRITE, 8));
    assert_false(watched(0x5010, ISA_WRITE, 4));
    assert_true(m.page_size < 4096);
    assert_false(watched(0x5016, ISA_WRITE, 1));
    assert_false(watched(0x5014, ISA_READ, 4));
    expect(0x6000 - 0x1000, ISA_READ, FAKE_RAM);
    assert_true(watched(0x5014, ISA_WRITE, 4));
    fake.a->pc = 0x1000;
    arm_fault(&fake.a->cpu, &f);
    assert_int_equal(fake_get("ESR_EL1"), UINT64_C(0x35) << 26 | BIT(25) | BIT(6) | 0x22);
    assert_int_equal(fake_get("FAR_EL1"), 0x5014);
    fake_at(0);
    assert_false(watched(0x5014, ISA_WRITE, 4));
    /* a range, of EL0's loads; off when D is set at EL1 */
    fake_set("DBGWCR2_EL1", 1 | 3 << 1 | 1 << 3 | 0xff << 5 | 5 << 24);
    assert_true(watched(0x501f, ISA_READ, 1));
    assert_false(watched(0x5020, ISA_READ, 1));
    fake_at(1);
    assert_true(watched(0x5000, ISA_READ, 1));
    fake.a->pstate |= PSTATE_D;
    assert_false(watched(0x5000, ISA_READ, 1));
    fake_set("DBGWCR2_EL1", 0);
    expect(0x5000, ISA_READ, FAKE_RAM);
    assert_int_equal(m.page_size, 4096);
}

/* ---- Stage 2 --------------------------------------------------------------------------------- */

static int start_guest(void **state)
{
    fake_start("max", true, false);
    fake_open();
    /* 4K, 39-bit intermediate addresses, from level 1 */
    fake_set("VTCR_EL2", 25 | 1 << 6 | BIT(31) | UINT64_C(5) << 16 | BIT(19));
    fake_set("VTTBR_EL2", S2 | UINT64_C(0x1234) << 48);
    fake_set("HCR_EL2", HCR_RW | HCR_VM);
    fake_poke(S2 + 8, (S2 + 0x1000) | T);
    fake_poke(S2 + 0x1000, (S2 + 0x2000) | T);
    for (u64 i = 0; i < 256; i++) /* RAM's first MiB as it is, readable and writable */
        fake_poke(S2 + 0x2000 + i * 8, (FAKE_RAM + i * 4096) | T | AF | 3 << 6);
    fake_set("TTBR0_EL1", TABLE);
    fake_set("TCR_EL1", 25 | TCR_EPD1 | UINT64_C(5) << 32);
    fake_set("SCTLR_EL1", SCTLR_M);
    map_39((FAKE_RAM + 0x3000) | PAGE);
    fake_at(1);
    return 0;
}

static void stage2(void **state)
{
    u64 entry = S2 + 0x2000 + 3 * 8;
    expect(0x5008, ISA_WRITE, FAKE_RAM + 0x3008);
    assert_int_equal((context().view & ARM_VIEW_VMID) >> ARM_VIEW_VMID_SHIFT, 0x1234);
    /* read-only, then gone */
    fake_poke(entry, (FAKE_RAM + 0x3000) | T | AF | 1 << 6);
    expect(0x5008, ISA_READ, FAKE_RAM + 0x3008);
    refuse(0x5008, ISA_WRITE, 15);
    assert_int_equal(f.code & ~UINT64_C(0x3f), ARM_FAULT_STAGE2 | (FAKE_RAM + 0x3000));
    fake_poke(entry, 0);
    refuse(0x5008, ISA_READ, 7);
    /* the guest's own table */
    fake_poke(S2 + 0x2000 + 0x11 * 8, 0);
    refuse(0x5008, ISA_READ, 7);
    assert_int_equal(f.code & ~UINT64_C(0x3f),
                     ARM_FAULT_STAGE2 | ARM_FAULT_S1PTW | (FAKE_RAM + 0x11000));
    /* without stage 1 */
    fake_set("SCTLR_EL1", 0);
    expect(FAKE_RAM + 0x5010, ISA_READ, FAKE_RAM + 0x5010);
    refuse(FAKE_RAM + 0x3000, ISA_READ, 7);
    refuse(BIT(39), ISA_READ, 4);
}

/* XN[1:0]: none, EL1, both, EL0 may not execute. */
static void stage2_execute(void **state)
{
    static const u8 el1[4] = {1, 0, 0, 1}, el0[4] = {1, 1, 0, 0};
    for (unsigned xn = 0; xn < 4; xn++) {
        fake_poke(S2 + 0x2000 + 3 * 8, (FAKE_RAM + 0x3000) | T | AF | 3 << 6 | (u64)xn << 53);
        map_39((FAKE_RAM + 0x3000) | PAGE | AP1 | AP2);
        fake_at(1);
        assert_int_equal(!walk(0x5000, ISA_FETCH), el1[xn]);
        fake_at(0);
        assert_int_equal(!walk(0x5000, ISA_FETCH), el0[xn]);
    }
}

static void stage2_updates(void **state)
{
    u64 entry = S2 + 0x2000 + 3 * 8;
    fake_poke(entry, (FAKE_RAM + 0x3000) | T | DBM | 1 << 6);
    refuse(0x5000, ISA_READ, 11);
    fake_set("VTCR_EL2", fake_get("VTCR_EL2") | BIT(21) | BIT(22));
    expect(0x5000, ISA_READ, FAKE_RAM + 0x3000);
    assert_int_equal(fake_peek(entry), (FAKE_RAM + 0x3000) | T | DBM | AF | 1 << 6);
    expect(0x5000, ISA_WRITE, FAKE_RAM + 0x3000);
    assert_true(fake_peek(entry) & BIT(7));
}

/* An abort that the hypervisor emulates: HPFAR, and the access in the syndrome. */
static void stage2_abort(void **state)
{
    struct arm_cpu *a = fake.a;
    store_le(fake_host(FAKE_RAM + 0x3010, 4), 0xb8656883, 4); /* ldr w3, [x4, x5] */
    map_39((FAKE_RAM + 0x3000) | PAGE | AP2);
    fake_poke(TABLE + 0x2000 + 6 * 8, 0x09000000 | PAGE);
    a->pc = 0x5010;
    assert_int_not_equal(walk(0x6018, ISA_READ), ISA_FAULT_NONE);
    arm_fault(&a->cpu, &f);
    assert_int_equal(arm_el(a), 2);
    assert_int_equal(fake_get("HPFAR_EL2"), 0x09000000 >> 8);
    assert_int_equal(fake_get("FAR_EL2"), 0x6018);
    assert_int_equal(fake_get("ESR_EL2"), UINT64_C(0x24) << 26 | BIT(25) | BIT(24) |
                                              UINT64_C(2) << 22 | UINT64_C(3) << 16 | 5);
    assert_int_equal(a->elr_el[2], 0x5010);
}

/* ---- EL2 and EL3 ----------------------------------------------------------------------------- */

static int start_el3(void **state)
{
    fake_start("max", true, true);
    return 0;
}

static void higher_levels(void **state)
{
    map_39(FAKE_RAM | PAGE | AP1);
    fake_set("TCR_EL3", 25 | UINT64_C(5) << 16);
    fake_set("TTBR0_EL3", TABLE);
    fake_set("SCTLR_EL3", SCTLR_M);
    fake_at(3);
    expect(0x5000, ISA_READ, FAKE_RAM);
    expect(0x5000, ISA_FETCH, FAKE_RAM);
    assert_false(m.global);
    refuse(0xffffff8000005000, ISA_READ, 4);
    fake_set("SCR_EL3", SCR_NS | SCR_RW);
    fake_set("HCR_EL2", HCR_RW | HCR_E2H | HCR_TGE);
    fake_set("TCR_EL2", 25 | 25 << 16 | UINT64_C(2) << 30 | UINT64_C(5) << 32);
    fake_set("TTBR0_EL2", TABLE);
    fake_set("TTBR1_EL2", TABLE);
    fake_set("SCTLR_EL2", SCTLR_M);
    fake_at(2);
    expect(0xffffff8000005000, ISA_READ, FAKE_RAM);
    fake.a->pstate |= PSTATE_PAN;
    arm_state_changed(fake.a);
    refuse(0x5000, ISA_READ, 15);
    fake_at(0);
    expect(0x5000, ISA_READ, FAKE_RAM);
    assert_int_equal((context().view & ARM_VIEW_KIND) >> ARM_VIEW_KIND_SHIFT, ARM_REGIME_EL20);
}

#define TEST(fn, start) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(off, start_el1),
        TEST(levels, start_el1),
        TEST(permissions, start_el1),
        TEST(hierarchy, start_el1),
        TEST(hardware_updates, start_el1),
        TEST(tags, start_el1),
        TEST(disabled, start_el1),
        TEST(granules, start_el1),
        TEST(lpa2, start_el1),
        TEST(contexts, start_el1),
        TEST(maintenance, start_el1),
        TEST(at, start_el1),
        TEST(watchpoints, start_el1),
        TEST(guarded, start_el1),
        TEST(stage2, start_guest),
        TEST(stage2_execute, start_guest),
        TEST(stage2_updates, start_guest),
        TEST(stage2_abort, start_guest),
        TEST(higher_levels, start_el3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
