/*
 * test_riscv_mmu.c - page walks in every mode, permissions, accessed and dirty bits, PMP with
 * Smepmp, contexts, fences.
 */
#include "riscv_fake.h"

enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128, RWX = R | W | X, AD = A | D };
#define N  BIT(63)
#define IO (UINT64_C(2) << 61)

enum { ROOT = FAKE_RAM + 0x10000, DATA = FAKE_RAM + 0x80000, TABLE = 0x1000 };
enum { SV39 = 8, SV48 = 9, SV57 = 10 };

static u64 pte(u64 paddr, u64 bits)
{
    return paddr >> 12 << 10 | bits | V;
}

/* As the guest must after a change of its tables. */
static void fence(void)
{
    riscv_sfence(fake.rv, true, 0, true, 0);
}

/* An RV64 walk to vaddr: tables one after another from ROOT, the leaf at `level`. Returns its
 * address. */
static u64 map(unsigned levels, u64 vaddr, unsigned level, u64 leaf)
{
    u64 table = ROOT;
    fence();
    for (unsigned l = levels - 1;; l--) {
        u64 at = table + 8 * bits_get(vaddr, 12 + 9 * l, 9);
        if (l == level) {
            fake_poke(at, leaf, 8);
            return at;
        }
        fake_poke(at, pte(table + TABLE, 0), 8);
        table += TABLE;
    }
}

static void use(unsigned mode)
{
    fake.rv->satp = (u64)mode << 60 | ROOT >> 12;
    riscv_state_changed(fake.rv);
}

static struct isa_mapping mapping;
static struct isa_fault fault;

static enum isa_fault_kind walk(u64 vaddr, enum isa_access access)
{
    struct isa_context c;
    riscv_context(&fake.rv->cpu, access == ISA_FETCH ? ISA_CONTEXT_FETCH : 0, &c);
    enum isa_fault_kind k = riscv_walk(&fake.rv->cpu, &c, vaddr, access, &mapping, &fault);
    assert_int_equal(fault.kind, k);
    if (!k) {
        assert_int_equal(mapping.rights, BIT(access));
    } else {
        assert_int_equal(fault.access, access);
        assert_int_equal(fault.vaddr, vaddr);
    }
    return k;
}

static void start(const char *arch, const char *model, unsigned priv)
{
    fake_start(arch, model);
    fake_open_pmp();
    fake_priv(priv);
}

static void expect(u64 vaddr, enum isa_access access, u64 paddr, u64 size)
{
    assert_int_equal(walk(vaddr, access), ISA_FAULT_NONE);
    assert_int_equal(mapping.paddr, paddr);
    assert_int_equal(mapping.page_size, size);
}

static void expect_page_fault(u64 vaddr, enum isa_access access)
{
    assert_int_equal(walk(vaddr, access), ISA_FAULT_PAGE);
}

/* ---- Shapes of tables ------------------------------------------------------------------------ */

static void test_bare(void **state)
{
    start("riscv64", "rv64", RISCV_S);
    expect(DATA + 5, ISA_READ, DATA + 5, 4096);
    expect(UINT64_C(0x123456789a), ISA_WRITE, UINT64_C(0x123456789a), 4096);
    use(SV39);
    fake_priv(RISCV_M);
    expect(DATA, ISA_FETCH, DATA, 4096);
    fake_stop();
}

static void test_modes(void **state)
{
    static const struct {
        u8 mode, levels;
    } modes[] = {{SV39, 3}, {SV48, 4}, {SV57, 5}};
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        start("riscv64", "rv64", RISCV_S);
        unsigned bits = 12 + 9 * modes[i].levels;
        u64 low = UINT64_C(0x12345678) + (UINT64_C(3) << (bits - 10));
        u64 high = low | ~(BIT(bits - 1) - 1); /* sign-extended */
        use(modes[i].mode);
        map(modes[i].levels, low, 0, pte(DATA, RWX | AD));
        expect(low, ISA_READ, DATA + 0x678, 4096);
        expect(low, ISA_WRITE, DATA + 0x678, 4096);
        expect(low, ISA_FETCH, DATA + 0x678, 4096);
        expect_page_fault(low + 4096, ISA_READ);
        expect_page_fault(low | BIT(bits), ISA_READ);
        expect_page_fault(low | BIT(bits - 1), ISA_READ);
        map(modes[i].levels, high, 0, pte(DATA, RWX | AD));
        expect(high, ISA_READ, DATA + 0x678, 4096);
        expect_page_fault(high & ~BIT(63), ISA_READ);
        for (unsigned l = 1; l < modes[i].levels; l++) { /* large pages, aligned or not */
            u64 size = BIT(12 + 9 * l);
            map(modes[i].levels, low, l, pte(size * 3, RWX | AD));
            expect(low, ISA_READ, size * 3 + (low & (size - 1)), size);
            map(modes[i].levels, low, l, pte(size * 3 + size / 2, RWX | AD));
            expect_page_fault(low, ISA_READ);
        }
        map(modes[i].levels, low, 0, pte(DATA, 0)); /* a pointer at the last level */
        expect_page_fault(low, ISA_READ);
        fake_stop();
    }
}

static void test_sv32(void **state)
{
    start("riscv32", "rv32", RISCV_S);
    u64 va = 0xc0345678;
    fake.rv->satp = 0x80000000 | 5 << 22 | ROOT >> 12;
    riscv_state_changed(fake.rv);
    fake_poke(ROOT + 4 * (va >> 22), pte(ROOT + TABLE, 0), 4);
    fake_poke(ROOT + TABLE + 4 * (va >> 12 & 0x3ff), (u32)pte(DATA, R | AD), 4);
    expect(va, ISA_READ, DATA + 0x678, 4096);
    expect((u64)(s32)va, ISA_READ, DATA + 0x678, 4096); /* addresses are 32 bits */
    expect_page_fault(va, ISA_WRITE);
    fake_poke(ROOT + 4 * (va >> 22), (u32)pte(UINT64_C(0x3c0000000), R | AD),
              4); /* 34-bit physical */
    expect(va, ISA_READ, UINT64_C(0x3c0000000) + (va & 0x3fffff), 4 << 20);
    fake_poke(ROOT + 4 * (va >> 22), (u32)pte(0x80001000, R | AD), 4);
    expect_page_fault(va, ISA_READ);
    fake_stop();
}

static void test_bad_ptes(void **state)
{
    static const u64 bad[] = {0,
                              V | W | AD,
                              V | W | X | AD,
                              V | R | AD | BIT(54),
                              V | R | AD | BIT(60),
                              V | R | AD | N,
                              V | R | AD | IO,
                              V | A,
                              V | D,
                              V | U};
    start("riscv64", "rv64", RISCV_S);
    use(SV39);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        map(3, 0x5000, 0, bad[i]);
        expect_page_fault(0x5000, ISA_READ);
        map(3, 0x5000, 1, bad[i]);
        expect_page_fault(0x5000, ISA_READ);
    }
    /* A table outside of memory. */
    map(3, 0x5000, 1, pte(0x1000, 0));
    assert_int_equal(walk(0x5000, ISA_WRITE), ISA_FAULT_ACCESS);
    fake_stop();
}

static void test_napot_pbmt(void **state)
{
    start("riscv64", "max", RISCV_S);
    use(SV39);
    u64 napot = pte(DATA, RWX | AD | N) | 8 << 10;
    map(3, 0x25678, 0, napot);
    expect(0x25678, ISA_READ, DATA + 0x5678, 0x10000);
    map(3, 0x25678, 0, napot | 1 << 10); /* another size: reserved */
    expect_page_fault(0x25678, ISA_READ);
    map(3, 0x25678, 1, pte(0x200000, RWX | AD | N) | 8 << 10);
    expect_page_fault(0x25678, ISA_READ);
    map(3, 0x5000, 0, pte(DATA, RWX | AD | IO));
    expect(0x5000, ISA_READ, DATA, 4096);
    assert_true(mapping.io);
    map(3, 0x5000, 0, pte(DATA, RWX | AD | UINT64_C(3) << 61));
    expect_page_fault(0x5000, ISA_READ);
    fake.rv->menvcfg &= ~ENVCFG_PBMTE;
    map(3, 0x5000, 0, pte(DATA, RWX | AD | IO));
    expect_page_fault(0x5000, ISA_READ);
    fake_stop();
}

/* ---- Permissions ----------------------------------------------------------------------------- */

static void test_permissions(void **state)
{
    start("riscv64", "rv64", RISCV_S);
    struct riscv_cpu *rv = fake.rv;
    use(SV39);
    map(3, 0x5000, 0, pte(DATA, R | X | AD));
    expect_page_fault(0x5000, ISA_WRITE);
    expect(0x5000, ISA_FETCH, DATA, 4096);
    map(3, 0x5000, 0, pte(DATA, X | AD));
    expect_page_fault(0x5000, ISA_READ);
    rv->mstatus |= MSTATUS_MXR;
    expect(0x5000, ISA_READ, DATA, 4096);
    rv->mstatus = 0;
    map(3, 0x5000, 0, pte(DATA, RWX | U | AD));
    expect_page_fault(0x5000, ISA_READ);
    rv->mstatus = MSTATUS_SUM;
    expect(0x5000, ISA_WRITE, DATA, 4096);
    expect_page_fault(0x5000, ISA_FETCH); /* never the user's code */
    fake_priv(RISCV_U);
    expect(0x5000, ISA_FETCH, DATA, 4096);
    map(3, 0x5000, 0, pte(DATA, RWX | AD));
    expect_page_fault(0x5000, ISA_READ);
    /* MPRV: M-mode's data accesses as U's */
    map(3, 0x5000, 0, pte(DATA, R | U | AD));
    fake_priv(RISCV_M);
    rv->mstatus = MSTATUS_MPRV | (u64)RISCV_U << MSTATUS_MPP_SHIFT;
    expect(0x5123, ISA_READ, DATA + 0x123, 4096);
    expect(0x5000, ISA_FETCH, 0x5000, 4096);
    rv->mstatus = 0;
    expect(0x5000, ISA_READ, 0x5000, 4096);
    fake_stop();
}

static void test_global(void **state)
{
    start("riscv64", "rv64", RISCV_S);
    use(SV39);
    map(3, 0x5000, 0, pte(DATA, R | AD));
    expect(0x5000, ISA_READ, DATA, 4096);
    assert_false(mapping.global);
    map(3, 0x5000, 0, pte(DATA, R | G | AD));
    expect(0x5000, ISA_READ, DATA, 4096);
    assert_true(mapping.global);
    map(3, 0x5000, 0, pte(DATA, R | AD));
    fake_poke(ROOT, fake_peek(ROOT, 8) | G, 8); /* of a pointer: all below are global */
    fence();
    expect(0x5000, ISA_READ, DATA, 4096);
    assert_true(mapping.global);
    fake_stop();
}

/* ---- Accessed and dirty ---------------------------------------------------------------------- */

static void test_svadu(void **state)
{
    start("riscv64", "rv64", RISCV_S);
    use(SV39);
    u64 at = map(3, 0x5000, 0, pte(DATA, RWX));
    expect(0x5000, ISA_READ, DATA, 4096);
    assert_int_equal(fake_peek(at, 8), pte(DATA, RWX | A));
    expect(0x5000, ISA_WRITE, DATA, 4096);
    assert_int_equal(fake_peek(at, 8), pte(DATA, RWX | AD));
    /* Not for what is not permitted. */
    fake_poke(at, pte(DATA, R), 8);
    expect_page_fault(0x5000, ISA_WRITE);
    assert_int_equal(fake_peek(at, 8), pte(DATA, R));
    /* Another hart changes the PTE between the read and the update: the walk begins again. */
    fake_poke(at, pte(DATA, RWX), 8);
    fake.race = true;
    expect(0x5000, ISA_WRITE, DATA, 4096);
    assert_int_equal(fake_peek(at, 8), pte(DATA, RWX | AD | BIT(8)));
    fake_stop();
}

static void test_svade(void **state)
{
    start("riscv64", "rv64", RISCV_S);
    use(SV39);
    fake.rv->menvcfg &= ~ENVCFG_ADUE;
    map(3, 0x5000, 0, pte(DATA, RWX));
    expect_page_fault(0x5000, ISA_READ);
    u64 at = map(3, 0x5000, 0, pte(DATA, RWX | A));
    expect(0x5000, ISA_READ, DATA, 4096);
    expect_page_fault(0x5000, ISA_WRITE);
    assert_int_equal(fake_peek(at, 8), pte(DATA, RWX | A));
    fake_stop();
}

/* ---- PMP ------------------------------------------------------------------------------------- */

enum { PR = 1, PW = 2, PX = 4, TOR = 1 << 3, NA4 = 2 << 3, NAPOT = 3 << 3, L = 1 << 7 };

static bool pmp(u64 paddr, unsigned bytes, enum isa_access access, unsigned priv)
{
    u64 size;
    return riscv_pmp_allows(fake.rv, paddr, bytes, access, priv, &size);
}

static u64 pmp_size(u64 paddr)
{
    u64 size;
    (void)!riscv_pmp_allows(fake.rv, paddr, 1, ISA_READ, RISCV_S, &size);
    assert_true(is_pow2(size));
    return size;
}

static void test_pmp_match(void **state)
{
    fake_start("riscv64", "rv64");
    assert_false(pmp(0x1000, 4, ISA_READ, RISCV_S)); /* no entry matches */
    assert_true(pmp(0x1000, 4, ISA_READ, RISCV_M));
    fake_pmp(0, TOR | PR, 0x1000 >> 2);
    assert_true(pmp(0xffc, 4, ISA_READ, RISCV_U));
    assert_false(pmp(0xffc, 4, ISA_WRITE, RISCV_U));
    assert_false(pmp(0x1000, 4, ISA_READ, RISCV_U));
    assert_false(pmp(0xffe, 4, ISA_READ, RISCV_M)); /* a part only matches */
    fake_pmp(1, NA4 | PR | PW, 0x2000 >> 2);
    assert_true(pmp(0x2000, 4, ISA_WRITE, RISCV_S));
    assert_false(pmp(0x2000, 8, ISA_WRITE, RISCV_S));
    assert_false(pmp(0x2004, 4, ISA_WRITE, RISCV_S));
    fake_pmp(2, NAPOT | PR | PW | PX, (0x4000 >> 2) | 0x1ff); /* 4 KiB */
    assert_true(pmp(0x4000, 8, ISA_FETCH, RISCV_S));
    assert_true(pmp(0x4ffc, 4, ISA_FETCH, RISCV_S));
    assert_false(pmp(0x5000, 4, ISA_FETCH, RISCV_S));
    fake_pmp(3, TOR | PR, (0x4000 >> 2)); /* below: from entry 2's address up: empty */
    assert_false(pmp(0x3ffc, 4, ISA_READ, RISCV_S));
    /* The lower number decides. */
    fake_pmp(15, NAPOT | PR | PW | PX, BITS(53, 0));
    assert_false(pmp(0x800, 4, ISA_WRITE, RISCV_S));
    assert_true(pmp(0x9000, 4, ISA_WRITE, RISCV_S));
    /* Locked entries bind M-mode. */
    fake_pmp(0, TOR | PR | L, 0x1000 >> 2);
    assert_false(pmp(0x800, 4, ISA_WRITE, RISCV_M));
    assert_true(pmp(0x800, 4, ISA_READ, RISCV_M));
    fake_stop();
}

static void test_pmp_pages(void **state)
{
    fake_start("riscv64", "rv64");
    fake_pmp(0, NAPOT | PR, (0x3100 >> 2) | 0xf); /* 0x3100..0x317f */
    fake_pmp(1, NAPOT | PR | PW | PX, BITS(53, 0));
    assert_int_equal(pmp_size(0x3140), 0x80);
    assert_int_equal(pmp_size(0x3000), 0x100);
    assert_int_equal(pmp_size(0x3180), 0x80);
    assert_int_equal(pmp_size(0x3800), 0x800);
    assert_int_equal(pmp_size(0x4000), 0x1000);
    fake_priv(RISCV_S);
    expect(0x3800, ISA_READ, 0x3800, 0x800);
    expect(0x4800, ISA_READ, 0x4800, 0x1000);
    assert_int_equal(walk(0x3140, ISA_WRITE), ISA_FAULT_ACCESS);
    fake_stop();
}

/* A walk's own accesses are S-mode's; updates are writes. */
static void test_pmp_walk(void **state)
{
    start("riscv64", "rv64", RISCV_S);
    use(SV39);
    map(3, 0x5000, 0, pte(DATA, RWX));
    fake_pmp(0, NAPOT, ((ROOT + 2 * TABLE) >> 2) | 0x1ff);
    assert_int_equal(walk(0x5000, ISA_READ), ISA_FAULT_ACCESS);
    fake_pmp(0, NAPOT | PR, ((ROOT + 2 * TABLE) >> 2) | 0x1ff);
    assert_int_equal(walk(0x5000, ISA_READ), ISA_FAULT_ACCESS);
    fake_pmp(0, NAPOT | PR | PW, ((ROOT + 2 * TABLE) >> 2) | 0x1ff);
    expect(0x5000, ISA_READ, DATA, 4096);
    fake_pmp(0, NAPOT | PR, (DATA >> 2) | 0x1ff);
    expect(0x5000, ISA_READ, DATA, 4096);
    assert_int_equal(walk(0x5000, ISA_WRITE), ISA_FAULT_ACCESS);
    assert_int_equal(walk(0x5000, ISA_FETCH), ISA_FAULT_ACCESS);
    fake_stop();
}

/* Smepmp, table "Encodings of L, R, W, X with MML set": what M and what S and U may do. */
static void test_smepmp(void **state)
{
    static const struct {
        const char *lrwx, *m, *su;
    } rows[] = {
        {"----", "", ""},  {"---x", "", "x"},  {"--w-", "rw", "r"}, {"--wx", "rw", "rw"},
        {"-r--", "", "r"}, {"-r-x", "", "rx"}, {"-rw-", "", "rw"},  {"-rwx", "", "rwx"},
        {"l---", "", ""},  {"l--x", "x", ""},  {"l-w-", "x", "x"},  {"l-wx", "rx", "x"},
        {"lr--", "r", ""}, {"lr-x", "rx", ""}, {"lrw-", "rw", ""},  {"lrwx", "r", "r"},
    };
    fake_start("riscv64", "max");
    fake.rv->mseccfg = MSECCFG_MML;
    riscv_pmp_update(fake.rv);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *k = rows[i].lrwx;
        fake_pmp(0,
                 (u8)(NAPOT | (k[0] == 'l' ? L : 0) | (k[1] == 'r' ? PR : 0) |
                      (k[2] == 'w' ? PW : 0) | (k[3] == 'x' ? PX : 0)),
                 (0x4000 >> 2) | 0x1ff);
        for (unsigned a = 0; a < 3; a++) {
            bool m = strchr(rows[i].m, "rwx"[a]), su = strchr(rows[i].su, "rwx"[a]);
            if (pmp(0x4000, 4, a, RISCV_M) != m || pmp(0x4000, 4, a, RISCV_S) != su)
                fail_msg("%s: %c", k, "rwx"[a]);
        }
    }
    fake_pmp(0, 0, 0);
    assert_true(pmp(0x4000, 4, ISA_READ, RISCV_M));
    assert_false(pmp(0x4000, 4, ISA_FETCH, RISCV_M));
    fake.rv->mseccfg = MSECCFG_MMWP;
    riscv_pmp_update(fake.rv);
    assert_false(pmp(0x4000, 4, ISA_READ, RISCV_M));
    fake_stop();
}

/* ---- Contexts and fences --------------------------------------------------------------------- */

static struct isa_context context(unsigned n)
{
    struct isa_context c;
    riscv_context(&fake.rv->cpu, n, &c);
    return c;
}

static void test_contexts(void **state)
{
    start("riscv64", "rv64", RISCV_S);
    struct riscv_cpu *rv = fake.rv;
    use(SV39);
    struct isa_context s = context(0), fetch = context(ISA_CONTEXT_FETCH);
    rv->mstatus = MSTATUS_SUM;
    assert_int_equal(context(0).space, s.space);
    assert_true(context(0).view != s.view);
    assert_int_equal(context(ISA_CONTEXT_FETCH).view, fetch.view);
    rv->satp |= UINT64_C(7) << 44;
    assert_true(context(0).space != s.space);
    fake_priv(RISCV_U);
    u64 user = context(0).view;
    rv->mstatus = 0; /* SUM does not matter to U */
    assert_int_equal(context(0).view, user);
    fake_priv(RISCV_M);
    assert_int_equal(context(0).space, 0);
    rv->mstatus = MSTATUS_MPRV | (u64)RISCV_S << MSTATUS_MPP_SHIFT;
    assert_int_equal(context(0).space, rv->satp);
    assert_int_equal(context(0).view, s.view);
    assert_int_equal(context(ISA_CONTEXT_FETCH).space, 0);
    fake_stop();
}

static void sfence(unsigned rs1, u64 vaddr, unsigned rs2, u64 asid)
{
    fake_at(fake.rv->priv);
    riscv_helper_sfence_vma(&fake.rv->cpu, 0x12000073 | rs1 << 15 | rs2 << 20, vaddr, asid);
}

static bool flush_hits(u64 space)
{
    return !((space ^ fake.flushed_space) & fake.flushed_mask);
}

static void test_fences(void **state)
{
    start("riscv64", "rv64", RISCV_S);
    use(SV39);
    u64 space = context(0).space, other = space | UINT64_C(9) << 44;
    sfence(0, 0, 0, 0);
    assert_int_equal(fake.flushed_vaddr, UINT64_MAX);
    assert_true(flush_hits(space) && flush_hits(other) && !flush_hits(0));
    sfence(1, 0x5678, 0, 0);
    assert_int_equal(fake.flushed_vaddr, 0x5000);
    assert_true(flush_hits(space) && flush_hits(other) && !flush_hits(0));
    sfence(0, 0, 1, UINT64_C(0x90009));
    assert_true(!flush_hits(space) && flush_hits(other) && !flush_hits(0));
    sfence(1, 0, 1, 0);
    assert_int_equal(fake.flushed_vaddr, 0);
    assert_true(flush_hits(space) && !flush_hits(other) && !flush_hits(0));
    unsigned before = fake.flush_space;
    fake_priv(RISCV_U);
    sfence(0, 0, 0, 0);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, 0x12000073);
    fake_priv(RISCV_S);
    fake.rv->mstatus |= MSTATUS_TVM;
    sfence(0, 0, 0, 0);
    fake_expect_trap(RISCV_CAUSE_ILLEGAL, 0x12000073);
    assert_int_equal(fake.flush_space, before);
    fake_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bare),       cmocka_unit_test(test_modes),
        cmocka_unit_test(test_sv32),       cmocka_unit_test(test_bad_ptes),
        cmocka_unit_test(test_napot_pbmt), cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_global),     cmocka_unit_test(test_svadu),
        cmocka_unit_test(test_svade),      cmocka_unit_test(test_pmp_match),
        cmocka_unit_test(test_pmp_pages),  cmocka_unit_test(test_pmp_walk),
        cmocka_unit_test(test_smepmp),     cmocka_unit_test(test_contexts),
        cmocka_unit_test(test_fences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
