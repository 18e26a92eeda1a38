/*
 * stage1.c - walks of stage 1, asked with AT from EL3: every granule, address size and level of leaf, of EL1&0's two
 * ranges and of EL2; every fault at every level; 52-bit addresses; tables of either byte order.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

enum { S1E1R, S1E2R };
static int at_op;

static u64 at(u64 va)
{
    switch (at_op) {
    case S1E2R: __asm__ volatile("at s1e2r, %0; isb" ::"r"(va) : "memory"); break;
    default: __asm__ volatile("at s1e1r, %0; isb" ::"r"(va) : "memory");
    }
    return rd("par_el1");
}

/* An address, NS, RES1, shareable, write-back. */
#define PAR_OK(pa) ((pa) | 0xfful << 56 | 1 << 11 | 1 << 9 | 3 << 7)
#define PAR_FAULT(fsc) (1 | (fsc) << 1 | 1 << 11)
enum { ADDRESS_SIZE = 0, TRANSLATION = 4, ACCESS_FLAG = 8, PERMISSION = 12 };

static u64 code(u64 kind, int level)
{
    if (level < 0)
        return kind == ADDRESS_SIZE ? 0x29 : 0x2b;
    return kind + (u64)level;
}

/* What the configuration under test is. */
static struct tables t;
static u64 upper; /* bits above the input size are ones */
static u32 output; /* bits of IPS */

static void set_control(u32 ips)
{
    u64 granule0 = t.granule == 12 ? 0 : t.granule == 14 ? 2 : 1, granule1 = t.granule == 12 ? 2 : t.granule == 14 ? 1 : 3;
    u64 size = 64 - t.input, root = t.root;
    if (at_op == S1E1R) {
        /* the other range is off */
        u64 low = upper ? 1 << 7 : size | 1 << 8 | 1 << 10 | 3 << 12 | granule0 << 14;
        u64 high = upper ? size | 1 << 8 | 1 << 10 | 3 << 12 | granule1 << 14 : 1 << 7;
        wr("tcr_el1", low | high << 16 | (u64)ips << 32 | (u64)t.ds << 59);
        if (upper)
            wr("ttbr1_el1", root);
        else
            wr("ttbr0_el1", root);
        wr("sctlr_el1", rd("sctlr_el1") | 1);
        return;
    }
    u64 tcr = size | 1 << 8 | 1 << 10 | 3 << 12 | granule0 << 14 | (u64)ips << 16 | (u64)t.ds << 32 | 1ul << 31 | 1 << 23;
    wr("tcr_el2", tcr);
    wr("ttbr0_el2", root);
    wr("sctlr_el2", 1);
}

static u64 extend(u64 va)
{
    return upper ? va | ~0ul << t.input : va;
}

static int block_level(int level)
{
    switch (t.granule) {
    case 12: return level == 1 || level == 2 || level == 3 || (level == 0 && t.ds);
    case 14: return level == 2 || level == 3 || (level == 1 && t.ds);
    default: return level == 1 || level == 2 || level == 3; /* level 1: FEAT_LPA */
    }
}

static void check_address(const char *what, u64 va, u64 want)
{
    tlb_clear();
    u64 par = at(va);
    if (par == want)
        return;
    check(what, par, want);
    say("   address ");
    say_hex(va);
    say(" granule ");
    say_hex(t.granule);
    say(" input ");
    say_hex(t.input);
    say("\n");
}

/* Of the range that is on. */
static void check_par(const char *what, u64 va, u64 want)
{
    check_address(what, extend(va), want);
}

/* A leaf at this level, and all that can be wrong with what leads to it. */
static void check_leaf(int level, u64 va)
{
    u64 shift = tables_shift(&t, level), size = 1ul << shift;
    u64 pa = 0x5aa55aa55aa55 << 12 & ((1ul << output) - 1) & ~(size - 1), inside = (0x123456789abcdef & (size - 1)) & ~0xffful;
    va &= ~(size - 1);
    tables_map(&t, va, pa, level, LEAF);
    u64 *leaf = tables_entry(&t, va, level, 0), good = *leaf;
    check_par("leaf", va | inside, PAR_OK(pa | inside));
    *leaf = good & ~(1ul << 10);
    check_par("access flag", va, PAR_FAULT(code(ACCESS_FLAG, level)));
    *leaf = good | LEAF_CONTIGUOUS;
    check_par("contiguous", va | inside, PAR_OK(pa | inside));
    if (output < 48) {
        *leaf = good | 1ul << output;
        if (1ul << output >= size)
            check_par("output too large", va, PAR_FAULT(code(ADDRESS_SIZE, level)));
        *leaf = good | 1ul << 47;
        check_par("output too large", va, PAR_FAULT(code(ADDRESS_SIZE, level)));
    }
    if (level == 3) {
        *leaf = good & ~2ul;
        check_par("reserved descriptor", va, PAR_FAULT(code(TRANSLATION, 3)));
    }
    for (int at_level = t.start; at_level <= level; at_level++) {
        u64 *entry = tables_entry(&t, va, at_level, 0), kept = *entry;
        *entry &= ~1ul;
        check_par("not valid", va, PAR_FAULT(code(TRANSLATION, at_level)));
        if (at_level < level && !block_level(at_level)) {
            *entry = (kept & ~2ul) | 1 << 10;
            check_par("block where none may be", va, PAR_FAULT(code(TRANSLATION, at_level)));
        }
        if (at_level < level && output < 48) {
            *entry = kept | 1ul << 47;
            check_par("next table too far", va, PAR_FAULT(code(ADDRESS_SIZE, at_level)));
        }
        *entry = kept;
    }
    *leaf = 0;
}

static void check_configuration(u32 granule, u32 input, u32 ips, int ds)
{
    static const u8 bits[] = {32, 36, 40, 42, 44, 48, 52};
    release_memory();
    tables_init(&t, granule, input, -2, ds);
    output = bits[ips];
    if (output > 48 && !ds && granule != 16)
        output = 48;
    set_control(ips);
    for (int level = t.start; level <= 3; level++) {
        if (block_level(level) && tables_shift(&t, level) < input) {
            check_leaf(level, (1ul << (input - 1)) | (0x2aaaaaaaaaaaa & ((1ul << (input - 1)) - 1)));
            check_leaf(level, 0);
        }
    }
    /* Outside of the range. */
    if (input < 52)
        check_address("above the range", upper ? -1ul ^ 1ul << input : 1ul << input, PAR_FAULT(TRANSLATION));
}

static void check_outside(void)
{
    check_address("bit 54 of a high address", ~(1ul << 54), PAR_FAULT(TRANSLATION));
    check_address("bit 63 of a low address", 1ul << 63, PAR_FAULT(TRANSLATION));
}

static void check_regime(void)
{
    static const u8 inputs12[] = {16, 25, 30, 31, 39, 40, 47, 48}, inputs14[] = {16, 25, 26, 36, 37, 47, 48},
                    inputs16[] = {17, 29, 30, 42, 43, 48, 52};
    for (u32 i = 0; i < sizeof(inputs12); i++)
        check_configuration(12, inputs12[i], i % 6, 0);
    for (u32 i = 0; i < sizeof(inputs14); i++)
        check_configuration(14, inputs14[i], 5 - i % 6, 0);
    for (u32 i = 0; i < sizeof(inputs16); i++)
        check_configuration(16, inputs16[i], i % 7, 0);
    check_configuration(12, 52, 6, 1);
    check_configuration(12, 49, 5, 1);
    check_configuration(12, 48, 6, 1);
    check_configuration(14, 52, 6, 1);
    check_configuration(14, 48, 6, 1);
}

/* ---- What is only of EL1&0 --------------------------------------------------------------------- */

static void check_big_endian(void)
{
    at_op = S1E1R;
    upper = 0;
    tables_init(&t, 12, 39, -2, 0);
    set_control(5);
    tables_map(&t, 0x1234567000, 0x40001000, 3, LEAF);
    u64 *entries[3];
    for (int level = 1; level <= 3; level++)
        entries[level - 1] = tables_entry(&t, 0x1234567000, level, 0);
    for (int i = 0; i < 3; i++)
        *entries[i] = __builtin_bswap64(*entries[i]);
    wr("sctlr_el1", rd("sctlr_el1") | 1 << 25);
    check_par("tables of big-endian order", 0x1234567000, PAR_OK(0x40001000));
    wr("sctlr_el1", rd("sctlr_el1") & ~(1ul << 25));
    check_par("... in little-endian order", 0x1234567000, PAR_FAULT(code(TRANSLATION, 1)));
}

PIECE(at_at_el3, "mov x0, #0\n at s1e1r, x0");

/* A base beyond IPS; low bits of it that are not the table's. */
static void check_bases(void)
{
    tables_init(&t, 12, 40, -2, 0);
    tables_map(&t, 0, 0x40000000, 1, LEAF);
    set_control(0);
    check_par("base", 0, PAR_OK(0x40000000));
    wr("ttbr0_el1", t.root | 1);
    check_par("CnP is no address", 0, PAR_OK(0x40000000));
    wr("ttbr0_el1", t.root | 1ul << 40);
    check_par("base beyond IPS", 0, PAR_FAULT(ADDRESS_SIZE));
    /* 52-bit bases: bits 51..48 are in 5..2 */
    tables_init(&t, 16, 48, -2, 0);
    tables_map(&t, 0, 0x40000000, 2, LEAF);
    set_control(6);
    check_par("base", 0, PAR_OK(0x40000000));
    wr("ttbr0_el1", t.root | 1 << 2);
    tlb_clear();
    go(EL3T, at_at_el3);
    check_taken("a table where no memory is", 3, 0x25, 0x15 | 1 << 6 | 1 << 8);
}

/* Attributes and shareability of PAR. */
static void check_attributes(void)
{
    static const u64 attributes[][3] = {{0, 0xff, 0}, {1, 0, 2}, {3, 0x44, 2}};
    tables_init(&t, 12, 40, -2, 0);
    set_control(5);
    for (u64 i = 0; i < 3; i++) {
        for (u64 sh = 0; sh < 4; sh++) {
            if (sh == 1)
                continue;
            tables_map(&t, 0x1000, 0x40001000, 3, 1 << 10 | sh << 8 | attributes[i][0] << 2);
            check_par("attributes", 0x1000,
                      0x40001000 | attributes[i][1] << 56 | 1 << 11 | 1 << 9 | (i ? 2 : sh) << 7);
        }
    }
}

/* Stage 1 off. */
static void check_off(void)
{
    wr("sctlr_el1", rd("sctlr_el1") & ~1ul);
    wr("tcr_el1", 0);
    check_par("off", 0x123456789000, 0x123456789000 | 1 << 11 | 1 << 9 | 2 << 7);
    check_par("off, beyond", 1ul << 52, PAR_FAULT(ADDRESS_SIZE));
    check_par("off, tagged", 0xaaul << 56 | 0x1000, PAR_FAULT(ADDRESS_SIZE));
    wr("tcr_el1", 3ul << 37);
    check_par("off, tagged, TBI0", 0x2aul << 56 | 0x1000, 0x1000 | 1 << 11 | 1 << 9 | 2 << 7);
}

void run(void)
{
    wr("mair_el1", 0x44ff00ff);
    wr("mair_el2", 0x44ff00ff);
    wr("mair_el3", 0x44ff00ff);
    for (upper = 0; upper < 2; upper++) {
        at_op = S1E1R;
        check_regime();
        check_outside();
    }
    upper = 0;
    at_op = S1E2R;
    check_regime();
    check_big_endian();
    check_bases();
    check_attributes();
    check_off();
}
