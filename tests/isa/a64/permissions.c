/*
 * permissions.c - who may read, write and execute a page of stage 1, by the manual's table against accesses that are
 * made: AP, UXN, PXN, what tables take away, WXN, PAN, UAO, EPAN; access flag and dirty state by hardware; tags, E0PD, EPD,
 * ASIDs, Device memory.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

PIECE(load, "ldr x1, [x0]");
PIECE(store, "str x0, [x0]");
PIECE(load_user, "ldtr x1, [x0]");
PIECE(store_user, "sttr x0, [x0]");
PIECE(jump, "br x0");
PIECE(exclusive, "1: ldxr x1, [x0]\n stxr w2, x1, [x0]\n cbnz w2, 1b");
PIECE(swap, "swp x0, x1, [x0]");
PIECE(add_nothing, "ldadd xzr, x1, [x0]");
PIECE(compare, "cas x1, x1, [x0]");
PIECE(pair, "ldp x1, x2, [x0]");
PIECE(vector, "ldr q0, [x0]");
PIECE(zero_block, "dc zva, x0");
PIECE(clean, "dc cvau, x0");
PIECE(invalidate, "dc ivac, x0");

enum { PAGE = 0x80000000, PAGE2 = PAGE + 0x1000 };
#define PAN (1ul << 22)
#define UAO (1ul << 23)
static struct tables t;
static u64 memory, *entry, *table_entry;

static void put(u64 leaf, u64 table)
{
    *entry = memory | LEAF | 3 | leaf;
    *table_entry = (*table_entry & ((1ul << 59) - 1)) | table;
    tlb_clear();
    *(u32 *)memory = 0xd41c1c01; /* svc #0xe0e0 */
}

/* ---- The table of permissions ("D8.4.1", of two privileges) ------------------------------------ */

enum access { READ, WRITE, EXECUTE };
static int wxn, epan, hpd;

static int allowed(u64 leaf, u64 table, u64 state, enum access access)
{
    int user = leaf >> 6 & 1, read_only = leaf >> 7 & 1, uxn = leaf >> 54 & 1, pxn = leaf >> 53 & 1;
    if (!hpd) {
        user &= !(table >> 61 & 1);
        read_only |= table >> 62 & 1;
        uxn |= table >> 60 & 1;
        pxn |= table >> 59 & 1;
    }
    if ((state & 15) == EL0) {
        if (access == EXECUTE)
            return !uxn && !(wxn && user && !read_only);
        return user && (access == READ || !read_only);
    }
    if (access == EXECUTE)
        return !pxn && !(user && !read_only) && !(wxn && !read_only);
    if (state & PAN && (user || (epan && !uxn)))
        return 0;
    return access == READ || !read_only;
}

static void check_access(const char *what, u64 leaf, u64 table, u64 state, enum access access, const char *code, u64 as)
{
    go1(state, code, PAGE);
    u64 same = (state & 15) != EL0;
    if (allowed(leaf, table, as, access)) {
        check_ended(what);
    } else {
        check_taken(what, 1, (access == EXECUTE ? 0x20 : 0x24) + same, 0xf | (access == WRITE) << 6);
        check(what, out.far, PAGE);
        check(what, out.elr, access == EXECUTE ? PAGE : (u64)code);
    }
}

static void check_page(u64 leaf, u64 table)
{
    put(leaf, table);
    check_access("EL0 reads", leaf, table, EL0, READ, load, EL0);
    check_access("EL0 writes", leaf, table, EL0, WRITE, store, EL0);
    check_access("EL1 reads", leaf, table, EL1, READ, load, EL1);
    check_access("EL1 reads with PAN", leaf, table, EL1 | PAN, READ, load, EL1 | PAN);
    check_access("EL1 writes", leaf, table, EL1, WRITE, store, EL1);
    check_access("EL1 writes with PAN", leaf, table, EL1 | PAN, WRITE, store, EL1 | PAN);
    check_access("EL1 reads as EL0", leaf, table, EL1, READ, load_user, EL0);
    check_access("EL1 writes as EL0 with PAN", leaf, table, EL1 | PAN, WRITE, store_user, EL0);
    check_access("EL1 reads as EL0 with UAO", leaf, table, EL1 | UAO, READ, load_user, EL1);
    check_access("EL1 reads as EL0 with UAO and PAN", leaf, table, EL1 | UAO | PAN, READ, load_user, EL1 | PAN);
    *(volatile u32 *)memory = 0xd41c1c01;
    check_access("EL0 executes", leaf, table, EL0, EXECUTE, jump, EL0);
    check_access("EL1 executes", leaf, table, EL1, EXECUTE, jump, EL1);
    check_access("EL1 executes with PAN", leaf, table, EL1 | PAN, EXECUTE, jump, EL1 | PAN);
}

static void check_permissions(void)
{
    for (u64 n = 0; n < 256; n++) {
        u64 leaf = (n & 3) << 6 | (n >> 2 & 3) << 53, table = (n >> 4 & 15) << 59;
        check_page(leaf, table);
    }
    /* WXN and EPAN, without and with PXNTable */
    for (wxn = 0; wxn < 2; wxn++) {
        for (epan = 0; epan < 2; epan++) {
            /* the program itself must not be writable then: EL1's code is read-only */
            wr("sctlr_el1", (rd("sctlr_el1") & ~(1ul << 19) & ~(1ul << 57)) | (u64)wxn << 19 | (u64)epan << 57);
            for (u64 n = 0; n < 16; n++)
                check_page((n & 3) << 6 | (n >> 2 & 3) << 53, 0);
        }
    }
    wxn = epan = 0;
    wr("sctlr_el1", rd("sctlr_el1") & ~(1ul << 19) & ~(1ul << 57));
    hpd = 1;
    wr("tcr_el1", rd("tcr_el1") | 1ul << 41);
    for (u64 n = 0; n < 16; n++)
        check_page(1 << 6, n << 59);
    wr("tcr_el1", rd("tcr_el1") & ~(1ul << 41));
    hpd = 0;
    put(LEAF_EL0, 0);
}

/* ---- Access flag and dirty state ---------------------------------------------------------------- */

#define AF (1ul << 10)

static void check_hardware_flags(void)
{
    put(LEAF_EL0, 0);
    *entry &= ~AF;
    tlb_clear();
    go1(EL0, load, PAGE);
    check_taken("no access flag", 1, 0x24, 0xb);
    check("the descriptor stays", *entry & AF, 0);
    wr("tcr_el1", rd("tcr_el1") | 1ul << 39);
    tlb_clear();
    go1(EL0, load, PAGE);
    check_ended("HA");
    check("HA sets it", *entry & AF, AF);
    /* DBM without HD is only a read-only page. */
    *entry |= LEAF_DBM | LEAF_READ_ONLY;
    tlb_clear();
    go1(EL0, store, PAGE);
    check_taken("DBM without HD", 1, 0x24, 0xf | 1 << 6);
    wr("tcr_el1", rd("tcr_el1") | 1ul << 40);
    tlb_clear();
    go1(EL0, load, PAGE);
    check_ended("a load of a clean page");
    check("... which stays clean", *entry & LEAF_READ_ONLY, LEAF_READ_ONLY);
    go1(EL0, store, PAGE);
    check_ended("a store to a clean page");
    check("... makes it dirty", *entry & LEAF_READ_ONLY, 0);
    static const char *const writers[] = {exclusive, swap, add_nothing, compare, zero_block};
    for (int i = 0; i < 5; i++) {
        *entry = memory | (LEAF & ~AF) | 3 | LEAF_EL0 | LEAF_DBM | LEAF_READ_ONLY;
        tlb_clear();
        go1(EL1, writers[i], PAGE);
        check_ended("another store to a clean page");
        check("... makes it dirty", *entry & (LEAF_READ_ONLY | AF), AF);
    }
    *entry = memory | LEAF | 3 | LEAF_DBM | LEAF_READ_ONLY;
    tlb_clear();
    go1(EL0, store, PAGE);
    check_taken("no right", 1, 0x24, 0xf | 1 << 6);
    check("... makes nothing dirty", *entry & LEAF_READ_ONLY, LEAF_READ_ONLY);
    wr("tcr_el1", rd("tcr_el1") & ~(3ul << 39));
    put(LEAF_EL0, 0);
}

/* ---- Ranges, tags, ASIDs ------------------------------------------------------------------------- */

static void check_ranges(void)
{
    struct tables high;
    u64 kept = rd("tcr_el1"), top = ~0ul << 40;
    *(u64 *)memory = 77;
    tables_init(&high, 14, 40, -2, 0);
    tables_map(&high, 0x123450000, memory & ~0x3ffful, 3, LEAF | LEAF_EL0);
    wr("ttbr1_el1", high.root);
    u64 on = (kept & ~(1ul << 23)) | 24 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 1ul << 30, at = top | 0x123450000 | (memory & 0x3fff);
    wr("tcr_el1", on);
    tlb_clear();
    for (u64 el = EL0; el <= EL1; el += EL1) {
        u64 ec = el ? 0x25 : 0x24;
        go1(el, load, at);
        check_ended("the upper range");
        check("the upper range", monitor_x[1], 77);
        go1(el, load, at & ~(1ul << 63));
        check_taken("a tag without TBI1", 1, ec, 4);
        wr("tcr_el1", on | 1ul << 38);
        go1(el, load, at ^ 0x5aul << 56);
        check_ended("a tag with TBI1");
        check("a tag with TBI1", monitor_x[1], 77);
        go1(el, load, PAGE | 0x5aul << 56);
        check_taken("a tag without TBI0", 1, ec, 4);
        check("a tag without TBI0", out.far, PAGE | 0x5aul << 56);
        wr("tcr_el1", on | 3ul << 37);
        go1(el, load, PAGE | 0x5aul << 56);
        check_ended("a tag with TBI0");
        go1(el, store, (PAGE + 0x1000000) | 0xa5ul << 56);
        check("FAR has the tag", out.far, (PAGE + 0x1000000) | 0xa5ul << 56);
        /* E0PD: level 0 for EL0 only */
        wr("tcr_el1", on | 1ul << 56);
        go1(el, load, at);
        if (el)
            check_ended("E0PD1 at EL1");
        else
            check_taken("E0PD1 at EL0", 1, 0x24, 4);
        go1(el, load, PAGE);
        check_ended("E0PD1 is not of the lower range");
        wr("tcr_el1", on | 1ul << 55);
        go1(EL1, load_user, PAGE);
        check_taken("E0PD0 and LDTR", 1, 0x25, 4);
        wr("tcr_el1", on | 1ul << 23);
        tlb_clear();
        go1(el, load, at);
        check_taken("EPD1", 1, ec, 4);
        wr("tcr_el1", on);
        tlb_clear();
    }
    /* A branch to a tagged address: the tag goes. */
    wr("tcr_el1", on | 1ul << 37);
    *(u32 *)memory = 0xd41c1c01;
    go1(EL0, jump, PAGE | 0x5aul << 56);
    check_ended("a branch to a tagged address");
    check("a branch to a tagged address", out.elr, PAGE + 4);
    wr("tcr_el1", on | 1ul << 37 | 1ul << 51);
    go1(EL0, jump, PAGE | 0x5aul << 56);
    check_taken("TBID0", 1, 0x20, 4);
    wr("tcr_el1", kept);
    tlb_clear();
}

/* Pages that are not global, by ASID: no invalidation between. */
static void check_asids(void)
{
    u64 kept = rd("tcr_el1"), other = take_memory(0x1000), root = rd("ttbr0_el1");
    struct tables second;
    tables_init(&second, 12, 40, -2, 0);
    tables_map_program(&second, LEAF);
    tables_map(&second, PAGE, other, 3, LEAF | LEAF_EL0 | LEAF_NG);
    tables_map(&second, PAGE2, other, 3, LEAF | LEAF_EL0 | LEAF_NG);
    put(LEAF_EL0 | LEAF_NG, 0);
    tables_map(&t, PAGE2, memory, 3, LEAF | LEAF_EL0 | LEAF_NG);
    *(u64 *)memory = 1;
    *(u64 *)other = 2;
    for (int n = 0; n < 4; n++) {
        for (u64 i = 0; i < 2; i++) {
            wr("ttbr0_el1", i ? second.root | 0x12ul << 48 : root | 0x11ul << 48);
            go1(EL0, load, PAGE);
            check("a page of this ASID", monitor_x[1], 1 + i);
        }
    }
    /* ASID by A1; 16 bits with AS */
    wr("tcr_el1", kept | 1 << 22 | 1ul << 36);
    for (u64 i = 0; i < 2; i++) {
        wr("ttbr1_el1", (0x8055ul + (i << 8)) << 48);
        wr("ttbr0_el1", i ? second.root : root);
        go1(EL0, load, PAGE2);
        check("a page of this ASID by A1", monitor_x[1], 1 + i);
    }
    wr("ttbr0_el1", root);
    wr("tcr_el1", kept);
    put(LEAF_EL0, 0);
}

/* ---- Alignment, Device memory, two pages ------------------------------------------------------- */

static void check_memory_types(void)
{
    tables_map(&t, PAGE2, memory + 0x1000, 3, LEAF | LEAF_EL0);
    put(LEAF_EL0, 0);
    go1(EL0, load, PAGE + 0x101);
    check_ended("unaligned, Normal memory");
    go1(EL0, load, PAGE + 0xffd);
    check_ended("unaligned, over two pages");
    go1(EL0, pair, PAGE + 0xff8);
    check_ended("a pair over two pages");
    go1(EL0, exclusive, PAGE + 0x104);
    check_taken("unaligned exclusive", 1, 0x24, 0x21);
    *tables_entry(&t, PAGE2, 3, 0) = 0;
    tlb_clear();
    go1(EL0, load, PAGE + 0xffd);
    check_taken("the second page is away", 1, 0x24, 7);
    check("the second page is away", out.far, PAGE2);
    *(u64 *)(memory + 0xff8) = 5;
    go1(EL0, store, PAGE + 0xffd);
    check_taken("a store, the second page is away", 1, 0x24, 7 | 1 << 6);
    check("a store, the second page is away", out.far, PAGE2);
    go1(EL0, pair, PAGE + 0xff8);
    check_taken("a pair, the second page is away", 1, 0x24, 7);
    check("a pair, the second page is away", out.far, PAGE2);
    go1(EL0, vector, PAGE + 0xff1);
    check("a vector, the second page is away", out.far, PAGE2);
    go1(EL0, zero_block, PAGE2 + 0x3d);
    check_taken("DC ZVA", 1, 0x24, 7 | 1 << 6);
    check("FAR of DC ZVA is its argument", out.far, PAGE2 + 0x3d);
    go1(EL0, clean, PAGE2 + 0x3d);
    check_taken("DC CVAU", 1, 0x24, 7 | 1 << 6 | 1 << 8);
    check("FAR of DC CVAU is its argument", out.far, PAGE2 + 0x3d);
    put(LEAF_READ_ONLY | LEAF_EL0, 0);
    go1(EL1, invalidate, PAGE + 8);
    check_taken("DC IVAC of a read-only page", 1, 0x25, 0xf | 1 << 6 | 1 << 8);
    wr("sctlr_el1", rd("sctlr_el1") | 2);
    go1(EL0, load, PAGE + 0x101);
    check_taken("unaligned with SCTLR.A", 1, 0x24, 0x21);
    wr("sctlr_el1", rd("sctlr_el1") & ~2ul);
    put(LEAF_EL0 | 1 << 2, 0);
    go1(EL0, load, PAGE + 0x100);
    check_ended("Device memory");
    put(LEAF_EL0, 0);
}

void run(void)
{
    tables_init(&t, 12, 40, -2, 0);
    tables_map_program(&t, LEAF | LEAF_READ_ONLY);
    memory = take_memory(0x10000);
    tables_map(&t, PAGE, memory, 3, LEAF);
    entry = tables_entry(&t, PAGE, 3, 0);
    table_entry = tables_entry(&t, PAGE, 2, 0);
    wr("sctlr_el1", rd("sctlr_el1") | 1 << 23); /* SPAN: PAN is what SPSR says */
    el1_mmu_on(&t, 0);
    check_permissions();
    check_hardware_flags();
    check_ranges();
    check_asids();
    check_memory_types();
}
