/*
 * tlbi.c - TLB maintenance: after each form, of each level and scope, by address, ASID, range and intermediate address, an
 * old translation is gone. A page, its table, blocks of every granule; EL1&0, EL2, the host's EL2&0, stage 2.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

PIECE(load, "ldr x1, [x0]");
enum { PAGE = 0x80000000, IPA = 0x90000000, ASID = 0x21 };
static struct tables t, s2;
static u64 first, second;

/* Operands. */
static u64 by_address(u64 va)
{
    return (va >> 12 & 0xfffffffffff) | (u64)ASID << 48;
}

static u64 by_range(u64 va, u64 granule, u64 pages)
{
    u64 tg = granule == 12 ? 1 : granule == 14 ? 2 : 3;
    return (va >> granule & 0x1fffffffff) | (pages / 2 - 1) << 39 | tg << 46 | (u64)ASID << 48;
}

/* clang-format off */
#define SCOPES(X, op1, op2, kind) X(op1, 7, op2, kind) X(op1, 3, op2, kind) X(op1, 1, op2, kind)
#define RANGES(X, op1, op2) X(op1, 6, op2, RANGE) X(op1, 2, op2, RANGE) X(op1, 5, op2, RANGE)
#define EL1_FORMS(X)                                                                                                   \
    SCOPES(X, 0, 0, NONE) SCOPES(X, 0, 1, ADDRESS) SCOPES(X, 0, 2, ADDRESS) SCOPES(X, 0, 3, ADDRESS)                   \
    SCOPES(X, 0, 5, ADDRESS) SCOPES(X, 0, 7, ADDRESS) SCOPES(X, 4, 4, NONE) SCOPES(X, 4, 6, NONE)                      \
    RANGES(X, 0, 1) RANGES(X, 0, 3) RANGES(X, 0, 5) RANGES(X, 0, 7)
#define EL2_FORMS(X)                                                                                                   \
    SCOPES(X, 4, 0, NONE) SCOPES(X, 4, 1, ADDRESS) SCOPES(X, 4, 5, ADDRESS) RANGES(X, 4, 1) RANGES(X, 4, 5)
#define STAGE2_FORMS(X)                                                                                                \
    X(4, 0, 1, ADDRESS) X(4, 0, 2, RANGE) X(4, 0, 5, ADDRESS) X(4, 0, 6, RANGE) X(4, 4, 0, ADDRESS) X(4, 4, 1, ADDRESS)  \
    X(4, 4, 2, RANGE) X(4, 4, 3, RANGE) X(4, 4, 4, ADDRESS) X(4, 4, 5, ADDRESS) X(4, 4, 6, RANGE) X(4, 4, 7, RANGE)
/* clang-format on */
enum kind { NONE, ADDRESS, RANGE };
#define X(op1, crm, op2, kind) PIECE(tlbi_##op1##_##crm##_##op2, "dsb sy\n sys #" #op1 ", c8, c" #crm ", #" #op2 ", x0\n dsb sy\n isb");
EL1_FORMS(X)
EL2_FORMS(X)
STAGE2_FORMS(X)
#undef X
struct form {
    const char *name, *code;
    enum kind kind;
    int op1, op2;
};
#define X(op1, crm, op2, kind) {"tlbi op1 " #op1 " CRm " #crm " op2 " #op2, tlbi_##op1##_##crm##_##op2, kind, op1, op2},
static const struct form el1_forms[] = {EL1_FORMS(X)}, el2_forms[] = {EL2_FORMS(X)}, stage2_forms[] = {STAGE2_FORMS(X)};
#undef X
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static u64 operand(const struct form *f, u64 address, u64 granule)
{
    return f->kind == NONE ? 0 : f->kind == ADDRESS ? by_address(address) : by_range(address, granule, 4);
}

enum { TCR_TBI0_SHIFT = 37 };

/* A descriptor changes; the form, at level `at`, makes the change seen by `from`. */
static void check_form(const struct form *f, u64 at, u64 from, u64 va, u64 *entry, u64 other, u64 granule)
{
    u64 before = *entry;
    go1(from, load, va);
    check(f->name, monitor_x[1], 1);
    *entry = other;
    go1(at, f->code, operand(f, va, granule));
    check_ended(f->name);
    go1(from, load, va);
    check(f->name, monitor_x[1], 2);
    *entry = before;
    tlb_clear();
}

static void check_el1(void)
{
    static const u8 granules[] = {12, 14, 16};
    for (u32 g = 0; g < 3; g++) {
        release_memory();
        first = take_memory(0x10000);
        second = take_memory(0x10000);
        *(u64 *)first = 1;
        *(u64 *)second = 2;
        tables_init(&t, granules[g], 40, -2, 0);
        tables_map_program(&t, LEAF);
        el1_mmu_on(&t, 0);
        wr("ttbr0_el1", t.root | (u64)ASID << 48);
        for (u64 global = 0; global < 2; global++) {
            tables_map(&t, PAGE, first, 3, LEAF | LEAF_EL0 | (global ? 0 : LEAF_NG));
            u64 *entry = tables_entry(&t, PAGE, 3, 0);
            u64 other = (*entry - first) + second;
            for (u32 i = 0; i < COUNT(el1_forms); i++) {
                if (global && el1_forms[i].op1 == 0 && el1_forms[i].op2 == 2) /* by ASID: global entries stay */
                    continue;
                int is_el2 = el1_forms[i].op1 == 4;
                check_form(&el1_forms[i], is_el2 ? EL2 : EL1, EL0, PAGE, entry, other, granules[g]);
                check_form(&el1_forms[i], EL3T, EL1, PAGE, entry, other, granules[g]);
                if (!is_el2)
                    check_form(&el1_forms[i], EL2, EL0, PAGE, entry, other, granules[g]);
            }
        }
    }
    wr("sctlr_el1", rd("sctlr_el1") & ~1ul);
}

/* The last-level table changes, not the leaf: forms that are not only of leaves. */
static void check_tables(void)
{
    u64 *to_table, old, other;
    release_memory();
    first = take_memory(0x10000);
    second = take_memory(0x10000);
    *(u64 *)first = 1;
    *(u64 *)second = 2;
    tables_init(&t, 12, 40, -2, 0);
    tables_map_program(&t, LEAF);
    tables_map(&t, PAGE, first, 3, LEAF | LEAF_EL0);
    to_table = tables_entry(&t, PAGE, 2, 0);
    old = *to_table;
    other = take_memory(4096);
    *(u64 *)other = second | LEAF | LEAF_EL0 | 3;
    el1_mmu_on(&t, 0);
    wr("ttbr0_el1", t.root | (u64)ASID << 48);
    for (u32 i = 0; i < COUNT(el1_forms); i++) {
        int op2 = el1_forms[i].op2;
        if (op2 == 2 || op2 == 5 || op2 == 7) /* ASID: the page is global; leaves only */
            continue;
        check_form(&el1_forms[i], EL2, EL0, PAGE, to_table, other | 3, 12);
    }
    *to_table = old;
    wr("sctlr_el1", rd("sctlr_el1") & ~1ul);
}

static void check_el2(int host)
{
    release_memory();
    first = take_memory(0x10000);
    second = take_memory(0x10000);
    *(u64 *)first = 1;
    *(u64 *)second = 2;
    tables_init(&t, 12, 40, -2, 0);
    tables_map_program(&t, LEAF);
    tables_map(&t, PAGE, first, 3, LEAF | (host ? 0 : LEAF_EL0));
    u64 *entry = tables_entry(&t, PAGE, 3, 0), other = (*entry - first) + second;
    if (host)
        wr("hcr_el2", rd("hcr_el2") | 1ul << 34 | 1 << 27);
    wr("mair_el2", 0xff);
    wr("tcr_el2", host ? tcr_of(&t) : 24ul | 3 << 12 | 2 << 16);
    wr("ttbr0_el2", t.root | (host ? (u64)ASID << 48 : 0));
    wr("sctlr_el2", 1);
    tlb_clear();
    for (u32 i = 0; i < COUNT(el2_forms); i++) {
        check_form(&el2_forms[i], EL2, EL2, PAGE, entry, other, 12);
        check_form(&el2_forms[i], EL3T, EL2, PAGE, entry, other, 12);
    }
    /* EL1's names are the host's there */
    for (u32 i = 0; host && i < COUNT(el1_forms); i++) {
        if (el1_forms[i].op1 == 0 && el1_forms[i].op2 != 2)
            check_form(&el1_forms[i], EL2, EL2, PAGE, entry, other, 12);
    }
    wr("sctlr_el2", 0);
    wr("hcr_el2", rd("hcr_el2") & ~(1ul << 34 | 1 << 27));
}

static void check_stage2(void)
{
    release_memory();
    first = take_memory(0x10000);
    second = take_memory(0x10000);
    *(u64 *)first = 1;
    *(u64 *)second = 2;
    const u64 leaf = 1 << 10 | 3 << 6 | 15 << 2 | 3 << 8;
    tables_init(&t, 12, 40, -2, 0);
    tables_init(&s2, 12, 40, 1, 0);
    tables_map_program(&t, LEAF);
    tables_map_program(&s2, leaf);
    tables_map(&t, PAGE, IPA, 3, LEAF | LEAF_EL0);
    tables_map(&s2, IPA, first, 3, leaf);
    u64 *entry = tables_entry(&s2, IPA, 3, 0), other = (*entry - first) + second;
    wr("vtcr_el2", 24 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 5ul << 16 | 1ul << 31);
    wr("vttbr_el2", s2.root | 7ul << 48);
    wr("hcr_el2", rd("hcr_el2") | 1);
    el1_mmu_on(&t, 0);
    for (u32 i = 0; i < COUNT(stage2_forms); i++) {
        u64 before = *entry;
        go1(EL0, load, PAGE);
        check(stage2_forms[i].name, monitor_x[1], 1);
        *entry = other;
        go1(EL2, stage2_forms[i].code, operand(&stage2_forms[i], IPA, 12) & ~(0xfffful << 48) & (stage2_forms[i].kind == RANGE ? ~0ul : 0xfffffffffful));
        check_ended(stage2_forms[i].name);
        go(EL1, tlbi_0_7_0); /* stage 1's copies */
        go1(EL0, load, PAGE);
        check(stage2_forms[i].name, monitor_x[1], 2);
        *entry = before;
        tlb_clear();
    }
    check_form(&(struct form){"tlbi vmalls12e1 for stage 2", tlbi_4_7_6, NONE, 4, 6}, EL2, EL0, PAGE, entry, other, 12);
    check_form(&(struct form){"tlbi alle1 for stage 2", tlbi_4_7_4, NONE, 4, 4}, EL2, EL0, PAGE, entry, other, 12);
}

/* What a tagged address has cached ends with the address that it is without the tag: a page, and a block of 2 MiB. */
static void check_tagged(void)
{
    const u64 tagged = (u64)PAGE | 0x5aul << 56;
    for (int level = 2; level <= 3; level++) {
        release_memory();
        first = take_memory(0x800000);
        first = (first + 0x1fffff) & ~0x1ffffful;
        second = first + 0x200000;
        *(u64 *)(first + 0x3000) = 1;
        *(u64 *)(second + 0x3000) = 2;
        tables_init(&t, 12, 40, -2, 0);
        tables_map_program(&t, LEAF);
        u64 va = level == 3 ? PAGE + 0x3000 : PAGE, offset = level == 3 ? 0x3000 : 0;
        tables_map(&t, va, first + offset, level, LEAF | LEAF_EL0 | LEAF_NG);
        u64 *entry = tables_entry(&t, va, level, 0), before = *entry, other = (*entry - first) + second;
        el1_mmu_on(&t, 0);
        wr("tcr_el1", rd("tcr_el1") | 1ul << TCR_TBI0_SHIFT);
        wr("ttbr0_el1", t.root | (u64)ASID << 48);
        for (u32 i = 0; i < COUNT(el1_forms); i++) {
            go1(EL0, load, tagged + 0x3000);
            check(el1_forms[i].name, monitor_x[1], 1);
            *entry = other;
            go1(EL2, el1_forms[i].code, operand(&el1_forms[i], level == 2 ? PAGE + 0x15000 : PAGE + 0x3000, 12));
            check_ended(el1_forms[i].name);
            go1(EL0, load, tagged + 0x3000);
            check(el1_forms[i].name, monitor_x[1], 2);
            *entry = before;
            tlb_clear();
        }
        wr("sctlr_el1", rd("sctlr_el1") & ~1ul);
    }
}

void run(void)
{
    check_el1();
    check_tagged();
    check_tables();
    check_el2(0);
    check_el2(1);
    check_stage2();
}
