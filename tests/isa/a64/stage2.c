/*
 * stage2.c - a guest's memory: stage 2 of every granule, start level and size, concatenated tables; its permissions for
 * EL0 and EL1; faults with HPFAR_EL2, of accesses and of stage 1's walks; syndromes that say how to emulate an access;
 * access flag and dirty state of both stages; VMIDs; all granules of one stage on all of the other.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

#define S2_READ (1ul << 6)
#define S2_WRITE (1ul << 7)
#define S2_AF (1ul << 10)
#define S2_XN(n) ((u64)(n) << 53)
#define S2 (S2_AF | S2_READ | S2_WRITE | 15 << 2 | 3 << 8)
enum { ADDRESS_SIZE = 0, TRANSLATION = 4, ACCESS_FLAG = 8, PERMISSION = 12 };
#define PAR_OK(pa) ((pa) | 0xfful << 56 | 1 << 11 | 1 << 9 | 3 << 7)
#define PAR_STAGE2(fsc) (1 | (fsc) << 1 | 1 << 9 | 1 << 11)

static struct tables s1, s2;

static u64 code(u64 kind, int level)
{
    if (level < 0)
        return kind == ADDRESS_SIZE ? 0x29 : 0x2b;
    return kind + (u64)level;
}

/* T0SZ, SL0 (and SL2), TG0, PS, VS, DS. */
static u64 vtcr_of(const struct tables *t, u64 ps)
{
    u64 granule = t->granule == 12 ? 0 : t->granule == 14 ? 2 : 1;
    u64 sl0 = t->granule == 12 ? t->start == 3 ? 3 : t->start < 0 ? 0 : 2 - (u64)t->start : 3 - (u64)t->start;
    return (64 - t->input) | sl0 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | granule << 14 | ps << 16 | 1 << 19 | 1ul << 31 |
           (u64)t->ds << 32 | (u64)(t->start < 0) << 33;
}

static void stage2_on(u64 ps, u64 vmid)
{
    wr("vtcr_el2", vtcr_of(&s2, ps));
    wr("vttbr_el2", s2.root | vmid << 48);
    wr("hcr_el2", rd("hcr_el2") | 1);
}

static u64 at(u64 va)
{
    tlb_clear();
    __asm__ volatile("at s12e1r, %0; isb" ::"r"(va) : "memory");
    return rd("par_el1");
}

/* ---- Walks, asked from EL3: stage 1 is off, but its memory Normal (HCR_EL2.DC) ------------------ */

static u32 output;

static int block_level(int level)
{
    switch (s2.granule) {
    case 12: return level == 1 || level == 2 || level == 3 || (level == 0 && s2.ds);
    case 14: return level == 2 || level == 3 || (level == 1 && s2.ds);
    default: return level >= 1;
    }
}

static void check_at(const char *what, u64 ipa, u64 want)
{
    u64 par = at(ipa);
    if (par == want)
        return;
    check(what, par, want);
    say("   address ");
    say_hex(ipa);
    say(" granule ");
    say_hex(s2.granule);
    say(" input ");
    say_hex(s2.input);
    say(" start ");
    say_hex((u64)s2.start & 15);
    say("\n");
}

static void check_leaf(int level, u64 ipa)
{
    u64 shift = tables_shift(&s2, level), size = 1ul << shift;
    u64 pa = 0x5aa55aa55aa55 << 12 & ((1ul << output) - 1) & ~(size - 1), inside = (0x123456789abcdef & (size - 1)) & ~0xffful;
    ipa &= ~(size - 1);
    tables_map(&s2, ipa, pa, level, S2);
    u64 *leaf = tables_entry(&s2, ipa, level, 0), good = *leaf;
    check_at("leaf", ipa | inside, PAR_OK(pa | inside));
    *leaf = good & ~S2_AF;
    check_at("access flag", ipa, PAR_STAGE2(code(ACCESS_FLAG, level)));
    *leaf = good & ~S2_READ;
    check_at("not readable", ipa, PAR_STAGE2(code(PERMISSION, level)));
    if (output < 48) {
        *leaf = good | 1ul << 47;
        check_at("output too large", ipa, PAR_STAGE2(code(ADDRESS_SIZE, level)));
    }
    for (int each = s2.start; each <= level; each++) {
        u64 *entry = tables_entry(&s2, ipa, each, 0), kept = *entry;
        *entry &= ~1ul;
        check_at("not valid", ipa, PAR_STAGE2(code(TRANSLATION, each)));
        if (each < level && !block_level(each)) {
            *entry = (kept & ~2ul) | S2;
            check_at("block where none may be", ipa, PAR_STAGE2(code(TRANSLATION, each)));
        }
        *entry = kept;
    }
    *leaf = 0;
}

static void check_configuration(u32 granule, u32 input, int start, u64 ps, int ds)
{
    static const u8 bits[] = {32, 36, 40, 42, 44, 48, 52};
    release_memory();
    tables_init(&s2, granule, input, start, ds);
    output = bits[ps];
    if (output > 48 && !ds && granule != 16)
        output = 48;
    stage2_on(ps, 3);
    for (int level = s2.start; level <= 3; level++) {
        if (block_level(level) && tables_shift(&s2, level) < input) {
            check_leaf(level, (1ul << (input - 1)) | (0x2aaaaaaaaaaaa & ((1ul << (input - 1)) - 1)));
            check_leaf(level, 0);
        }
    }
    if (input < 48)
        check_at("above the range", 1ul << input, PAR_STAGE2(code(TRANSLATION, 0)));
}

static void check_walks(void)
{
    wr("sctlr_el1", rd("sctlr_el1") & ~1ul);
    wr("hcr_el2", rd("hcr_el2") | 1 << 12);
    check_configuration(12, 40, 1, 5, 0); /* two tables in a row */
    check_configuration(12, 43, 1, 4, 0); /* 16 */
    check_configuration(12, 39, 1, 3, 0);
    check_configuration(12, 44, 0, 2, 0);
    check_configuration(12, 48, 0, 1, 0);
    check_configuration(12, 34, 2, 0, 0); /* 16 */
    check_configuration(12, 30, 2, 5, 0);
    check_configuration(12, 25, 3, 5, 0);
    check_configuration(12, 22, 2, 5, 0);
    check_configuration(14, 47, 1, 5, 0);
    check_configuration(14, 48, 1, 5, 0); /* two */
    check_configuration(14, 40, 2, 4, 0); /* 16 */
    check_configuration(14, 36, 2, 3, 0);
    check_configuration(14, 25, 3, 5, 0);
    check_configuration(16, 42, 2, 5, 0);
    check_configuration(16, 46, 2, 5, 0); /* 16 */
    check_configuration(16, 48, 1, 6, 0);
    check_configuration(16, 52, 1, 6, 0);
    check_configuration(16, 29, 3, 5, 0);
    check_configuration(12, 52, -1, 6, 1);
    check_configuration(12, 52, 0, 6, 1); /* 16 */
    check_configuration(12, 48, 0, 6, 1);
    check_configuration(14, 52, 0, 6, 1);
    check_configuration(14, 51, 1, 6, 1); /* 16 */
    wr("hcr_el2", rd("hcr_el2") & ~(1ul << 12 | 1));
}

/* ---- Accesses ---------------------------------------------------------------------------------- */

PIECE(load, "ldr x1, [x0]");
PIECE(store, "str x0, [x0]");
PIECE(jump, "br x0");
PIECE(at_s1, "at s1e1r, x0\n isb\n mrs x0, par_el1");
PIECE(at_s1w, "at s1e1w, x0\n isb\n mrs x0, par_el1");
enum { PAGE = 0x80000000, IPA = 0x90000000 };
static u64 memory;
static u64 *entry1, *entry2;

/* The program is where it is in both stages; PAGE is at IPA for stage 1, in memory for stage 2. */
static void both_stages(u32 granule1, u32 granule2)
{
    release_memory();
    tables_init(&s1, granule1, 40, -2, 0);
    tables_init(&s2, granule2, 40, granule2 == 12 ? 1 : 2, 0);
    memory = take_memory(0x10000);
    tables_map_program(&s1, LEAF);
    tables_map_program(&s2, S2);
    tables_map(&s1, PAGE, IPA, 3, LEAF | LEAF_EL0);
    tables_map(&s2, IPA, memory, 3, S2);
    entry1 = tables_entry(&s1, PAGE, 3, 0);
    entry2 = tables_entry(&s2, IPA, 3, 0);
    *(u32 *)memory = 0xd41c1c01; /* svc #0xe0e0 */
    stage2_on(5, 3);
    el1_mmu_on(&s1, 0);
}

static void set_entry2(u64 v)
{
    *entry2 = memory | 3 | v;
    tlb_clear();
}

#define ISV(sas, rt, sf) (1ul << 24 | (u64)(sas) << 22 | (u64)(rt) << 16 | (u64)(sf) << 15)

static void check_permissions(void)
{
    for (u64 n = 0; n < 16; n++) {
        u64 s2ap = n & 3, xn = n >> 2;
        *entry1 &= ~LEAF_READ_ONLY;
        set_entry2(S2_AF | 15 << 2 | 3 << 8 | s2ap << 6 | S2_XN(xn));
        for (u64 el = EL0; el <= EL1; el += EL1) {
            *(volatile u32 *)memory = 0xd41c1c01;
            go1(el, load, PAGE + 8);
            if (s2ap & 1)
                check_ended("stage 2 lets read");
            else
                check_taken("stage 2 lets not read", 2, 0x24, 0xf | ISV(3, 1, 1));
            go1(el, store, PAGE + 8);
            if (s2ap & 2)
                check_ended("stage 2 lets write");
            else
                check_taken("stage 2 lets not write", 2, 0x24, 0xf | 1 << 6 | ISV(3, 0, 1));
            if (!(s2ap & 2)) {
                check("HPFAR", out.hpfar, IPA >> 8);
                check("FAR", out.far, PAGE + 8);
            }
            *entry1 |= LEAF_READ_ONLY; /* EL1 may execute it */
            tlb_clear();
            go1(el, jump, PAGE);
            int may = (s2ap & 1) && (xn == 0 || (xn == 1 && el == EL0) || (xn == 3 && el == EL1));
            if (may)
                check_ended("stage 2 lets execute");
            else
                check_taken("stage 2 lets not execute", 2, 0x20, 0xf);
            *entry1 &= ~LEAF_READ_ONLY;
            tlb_clear();
        }
    }
    set_entry2(S2);
}

/* How the access looks that a hypervisor emulates. */
#define ACCESSES(X)                                                                                                    \
    X(ldrb, "ldrb w5, [x0]", ISV(0, 5, 0), 0)                                                                          \
    X(ldrsb_x, "ldrsb x6, [x0]", ISV(0, 6, 1) | 1 << 21, 0)                                                            \
    X(ldrsb_w, "ldrsb w6, [x0]", ISV(0, 6, 0) | 1 << 21, 0)                                                            \
    X(ldrh, "ldrh w7, [x0, #0]", ISV(1, 7, 0), 0)                                                                      \
    X(ldrsh, "ldrsh x30, [x0]", ISV(1, 30, 1) | 1 << 21, 0)                                                            \
    X(ldr_w, "ldr w8, [x0]", ISV(2, 8, 0), 0)                                                                          \
    X(ldrsw, "ldrsw x8, [x0]", ISV(2, 8, 1) | 1 << 21, 0)                                                              \
    X(ldr_reg, "ldr x9, [x0, xzr]", ISV(3, 9, 1), 0)                                                                   \
    X(ldur, "ldur x9, [x0, #0]", ISV(3, 9, 1), 0)                                                                      \
    X(ldtr, "ldtr x9, [x0]", ISV(3, 9, 1), 0)                                                                          \
    X(str_zr, "str xzr, [x0]", ISV(3, 31, 1) | 1 << 6, 0)                                                              \
    X(strb, "strb w3, [x0]", ISV(0, 3, 0) | 1 << 6, 0)                                                                 \
    X(strh, "sturh w3, [x0]", ISV(1, 3, 0) | 1 << 6, 0)                                                                \
    X(ldar, "ldar x3, [x0]", ISV(3, 3, 1) | 1 << 14, 0)                                                                \
    X(stlrb, "stlrb w3, [x0]", ISV(0, 3, 0) | 1 << 14 | 1 << 6, 0)                                                     \
    X(ldr_post, "ldr x3, [x0], #8", 0, 0)                                                                              \
    X(str_pre, "str x3, [x0, #0]!", 1 << 6, 0)                                                                         \
    X(ldp, "ldp x3, x4, [x0]", 0, 0)                                                                                   \
    X(ldxr, "ldxr x3, [x0]", 0, 0)                                                                                     \
    X(ldr_q, "ldr q3, [x0]", 0, 0)                                                                                     \
    X(ldadd, "ldadd x3, x4, [x0]", 0, 0)                                                                               \
    X(swp, "swp x3, x4, [x0]", 0, 0)
#define X(name, text, iss, none) PIECE(access_##name, text);
ACCESSES(X)
#undef X

static void check_syndromes(void)
{
    *entry2 = 0;
    tlb_clear();
#define X(name, text, iss, none)                                                                                       \
    go1(EL1, access_##name, PAGE + 0x48);                                                                              \
    check_taken("syndrome of " #name, 2, 0x24, 7 | (iss));                                                             \
    check("HPFAR of " #name, out.hpfar, IPA >> 8);
    ACCESSES(X)
#undef X
    set_entry2(S2);
}

/* ---- Stage 1's tables in stage 2 --------------------------------------------------------------- */

static void check_walk_faults(void)
{
    /* The last table goes to an intermediate address of its own. */
    enum { TABLE_IPA = 0xa0000000 };
    u64 *to_table = tables_entry(&s1, PAGE, 2, 0), table = *to_table & 0xfffffffff000;
    *to_table = TABLE_IPA | 3;
    tlb_clear();
    go1(EL0, load, PAGE);
    check_taken("a table is away", 2, 0x24, 1 << 7 | code(TRANSLATION, 2));
    check("HPFAR of a table", out.hpfar, TABLE_IPA >> 8);
    check("FAR", out.far, PAGE);
    go1(EL1, store, PAGE + 0x18);
    check_taken("a table is away for a store", 2, 0x24, 1 << 7 | 1 << 6 | code(TRANSLATION, 2));
    go1(EL1, jump, PAGE);
    check_taken("a table is away for code", 2, 0x20, 1 << 7 | code(TRANSLATION, 2));
    go1(EL1, at_s1, PAGE);
    check_taken("AT of EL1", 2, 0x24, 1 << 8 | 1 << 7 | 1 << 6 | code(TRANSLATION, 2));
    check("HPFAR of AT", out.hpfar, TABLE_IPA >> 8);
    go1(EL2, at_s1, PAGE);
    check_ended("AT of EL2");
    check("AT of EL2", monitor_x[0], 1 | code(TRANSLATION, 2) << 1 | 1 << 8 | 1 << 9 | 1 << 11);
    tables_map(&s2, TABLE_IPA, table, 3, S2 & ~S2_READ);
    tlb_clear();
    go1(EL0, load, PAGE);
    check_taken("a table cannot be read", 2, 0x24, 1 << 7 | 0xf);
    tables_map(&s2, TABLE_IPA, table, 3, S2 & ~S2_WRITE);
    tlb_clear();
    go1(EL0, load, PAGE);
    check_ended("a table can be read");
    /* HCR_EL2.PTW: tables may not be in Device memory */
    tables_map(&s2, TABLE_IPA, table, 3, S2 & ~(15ul << 2));
    wr("hcr_el2", rd("hcr_el2") | 4);
    tlb_clear();
    go1(EL0, load, PAGE);
    check_taken("a table in Device memory", 2, 0x24, 1 << 7 | 0xf);
    wr("hcr_el2", rd("hcr_el2") & ~4ul);
    go1(EL0, load, PAGE);
    check_ended("a table in Device memory, without PTW");
    /* Stage 1's access flag is written where stage 2 lets. */
    tables_map(&s2, TABLE_IPA, table, 3, S2 & ~S2_WRITE);
    wr("tcr_el1", rd("tcr_el1") | 1ul << 39);
    *entry1 &= ~(1ul << 10);
    tlb_clear();
    go1(EL0, load, PAGE);
    check_taken("a table cannot be written", 2, 0x24, 1 << 7 | 0xf);
    check("... nor is", *entry1 & 1 << 10, 0);
    tables_map(&s2, TABLE_IPA, table, 3, S2);
    tlb_clear();
    go1(EL0, load, PAGE);
    check_ended("a table can be written");
    check("... and is", *entry1 & 1 << 10, 1 << 10);
    wr("tcr_el1", rd("tcr_el1") & ~(1ul << 39));
    *to_table = table | 3;
    tlb_clear();
}

/* ---- Stage 2's own flags ----------------------------------------------------------------------- */

static void check_flags(void)
{
    set_entry2(S2 & ~S2_AF);
    go1(EL0, load, PAGE);
    check_taken("stage 2's access flag", 2, 0x24, 0xb | ISV(3, 1, 1));
    wr("vtcr_el2", rd("vtcr_el2") | 1 << 21);
    tlb_clear();
    go1(EL0, load, PAGE);
    check_ended("VTCR_EL2.HA");
    check("VTCR_EL2.HA", *entry2 & S2_AF, S2_AF);
    set_entry2((S2 & ~S2_WRITE) | LEAF_DBM);
    go1(EL0, store, PAGE);
    check_taken("DBM without HD", 2, 0x24, 0xf | 1 << 6 | ISV(3, 0, 1));
    wr("vtcr_el2", rd("vtcr_el2") | 1 << 22);
    tlb_clear();
    go1(EL0, load, PAGE);
    check("a load is not dirty", *entry2 & S2_WRITE, 0);
    go1(EL0, store, PAGE);
    check_ended("a store with HD");
    check("a store is dirty", *entry2 & S2_WRITE, S2_WRITE);
    wr("vtcr_el2", rd("vtcr_el2") & ~(3ul << 21));
    set_entry2(S2);
}

/* ---- VMIDs, granules on granules, attributes --------------------------------------------------- */

static void check_vmids(void)
{
    struct tables other;
    u64 page = take_memory(0x10000), vttbr = rd("vttbr_el2");
    tables_init(&other, 12, 40, 1, 0);
    tables_map_program(&other, S2);
    tables_map(&other, IPA, page, 3, S2);
    *(u64 *)memory = 1;
    *(u64 *)page = 2;
    for (int n = 0; n < 3; n++) {
        for (u64 i = 0; i < 2; i++) {
            wr("vttbr_el2", i ? other.root | 0x103ul << 48 : vttbr);
            go1(EL0, load, PAGE);
            check("a page of this VMID", monitor_x[1], 1 + i);
        }
    }
    wr("vttbr_el2", vttbr);
}

static void check_granules(void)
{
    static const u8 granules[] = {12, 14, 16};
    for (int a = 0; a < 3; a++) {
        for (int b = 0; b < 3; b++) {
            both_stages(granules[a], granules[b]);
            *(u64 *)(memory + 0x10) = 0x1234 + (u64)a * 16 + (u64)b;
            go1(EL0, load, PAGE + 0x10);
            check_ended("granule on granule");
            check("granule on granule", monitor_x[1], 0x1234 + (u64)a * 16 + (u64)b);
            *entry2 = 0;
            tlb_clear();
            go1(EL0, load, PAGE + 0x10);
            check_taken("granule on granule, away", 2, 0x24, 7 | ISV(3, 1, 1));
        }
    }
}

/* PAR of both stages: the weaker memory. */
static void check_attributes(void)
{
    static const struct {
        u64 index, memattr, want;
    } cases[] = {{0, 15, 0xff}, {0, 5, 0x44}, {0, 0, 0}, {0, 1, 4}, {1, 15, 0}, {3, 15, 0x44}, {0, 10, 0xbb}};
    for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *entry1 = (*entry1 & ~(7ul << 2)) | cases[i].index << 2;
        set_entry2((S2 & ~(15ul << 2)) | cases[i].memattr << 2);
        u64 par = at(PAGE);
        check("attributes of both stages", par >> 56, cases[i].want);
        check("shareability of both stages", par >> 7 & 3, cases[i].want & 0xf0 && cases[i].want != 0x44 ? 3 : 2);
    }
    *entry1 &= ~(7ul << 2);
    set_entry2(S2);
    go1(EL1, at_s1w, PAGE);
    check("AT S1E1W gives the intermediate address", monitor_x[0] & 0xfffffffff000, IPA);
}

/* A table of stage 2 where no memory is: EL2's, or EL3's by SCR_EL3.EA. */
static void check_external(void)
{
    u64 *to_table = tables_entry(&s2, IPA, 2, 0), kept = *to_table;
    *to_table = 0xf000000000 | 3;
    tlb_clear();
    go1(EL0, load, PAGE);
    check("external abort of stage 2's walk", out.level << 16 | out.ec << 8 | (out.iss & 0x3f), 0x22417);
    wr("scr_el3", rd("scr_el3") | 8);
    go1(EL0, load, PAGE);
    check("external abort of stage 2's walk with SCR_EL3.EA", out.level << 16 | out.ec << 8 | (out.iss & 0x3f), 0x32417);
    wr("scr_el3", rd("scr_el3") & ~8ul);
    *to_table = kept;
    tlb_clear();
}

void run(void)
{
    check_walks();
    both_stages(12, 12);
    check_permissions();
    check_syndromes();
    check_walk_faults();
    check_flags();
    check_vmids();
    check_attributes();
    check_external();
    check_granules();
}
