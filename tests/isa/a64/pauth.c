/*
 * pauth.c - pointer authentication: every instruction, with right and wrong modifiers, keys that are off, what EL2 and
 * EL3 trap; where the code is by TnSZ and TBI; QARMA5's published vector.
 */
// options: -M virt,secure=on,virtualization=on -m 256M
// models: max,pauth-impdef=off max,pauth-impdef=on
// load: bios
#include "monitor.h"


static void set_keys(u64 seed)
{
#define KEY(name, n)                                                                                                   \
    wr("ap" name "keylo_el1", seed * (2 * n + 3));                                                                     \
    wr("ap" name "keyhi_el1", ~seed * (2 * n + 5))
    KEY("ia", 0);
    KEY("ib", 1);
    KEY("da", 2);
    KEY("db", 3);
    KEY("ga", 4);
}

/* x0: pointer, x1: modifier. */
/* clang-format off */
#define Z_FORMS(k, type)                                                                                               \
    PIECE(pac_##k, "pac" #k " x0, x1");                                                                                \
    PIECE(aut_##k, "aut" #k " x0, x1");                                                                                \
    PIECE(zero_##k, "mov x3, x0\n mov x2, #0\n pac" #k " x0, x2\n pac" type " x3\n eor x4, x0, x3\n"                   \
                    "aut" #k " x0, x2\n" "aut" type " x3");
/* clang-format on */
Z_FORMS(ia, "iza")
Z_FORMS(ib, "izb")
Z_FORMS(da, "dza")
Z_FORMS(db, "dzb")
static const char *const sign[] = {pac_ia, pac_ib, pac_da, pac_db};
static const char *const authenticate[] = {aut_ia, aut_ib, aut_da, aut_db};
static const char *const zero[] = {zero_ia, zero_ib, zero_da, zero_db};
PIECE(xpaci, "xpaci x0");
PIECE(xpacd, "xpacd x0");
PIECE(pacga, "pacga x0, x0, x1");

static u64 sctlr_enable(int key)
{
    static const u8 bits[] = {31, 30, 27, 13};
    return 1ul << bits[key];
}

/* Bits of the code, beside bit 55, where the top is not (63), or is (55), a tag. */
static u64 mask_of(u32 bottom, int tagged)
{
    u64 mask = (1ul << 55) - (1ul << bottom);
    return tagged ? mask : mask | 0xfful << 56;
}

static void check_key(u64 el, int key, u64 pointer, u64 mask, int tagged)
{
    u64 error = key & 1 ? 2 : 1;
    go2(el, sign[key], pointer, 0x1234567);
    u64 is = monitor_x[0];
    check("only the code's bits differ", (is ^ pointer) & ~mask, 0);
    check("a code", is != pointer, 1);
    go2(el, authenticate[key], is, 0x1234567);
    check("the right modifier", monitor_x[0], pointer);
    go2(el, authenticate[key], is, 0x1234568);
    u64 want = tagged ? (pointer & ~(3ul << 53)) | error << 53 : (pointer & ~(3ul << 61)) | error << 61;
    check("a wrong modifier", monitor_x[0], want);
    go2(el, authenticate[key], is ^ (mask & -mask), 0x1234567);
    check("a wrong code", monitor_x[0], want);
    go2(el, authenticate[key ^ 2], is, 0x1234567);
    check("another key", monitor_x[0] != pointer, 1);
    go1(el, key < 2 ? xpaci : xpacd, is);
    check("stripped", monitor_x[0], pointer);
    go1(el, zero[key], pointer);
    check("zero's form", monitor_x[4], 0);
    check("zero's form authenticates", monitor_x[0], pointer);
    check("zero's form authenticates", monitor_x[3], pointer);
}

static void check_layouts(void)
{
    static const struct {
        u32 t0sz, t1sz;
        u64 more;
        int tagged0, tagged1; /* bit 0: of instructions, bit 1: of data */
    } cases[] = {
        {16, 16, 0, 0, 0},
        {25, 16, 0, 0, 0},
        {16, 33, 1ul << 37, 3, 0},
        {39, 25, 3ul << 37, 3, 3},
        {20, 22, 3ul << 37 | 3ul << 51, 2, 2},
    };
    for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wr("tcr_el1", cases[i].t0sz | cases[i].t1sz << 16 | 2ul << 30 | cases[i].more);
        for (int key = 0; key < 4; key++) {
            int bit = key < 2 ? 1 : 2;
            for (u64 el = EL0; el <= EL1; el += EL1) {
                check_key(el, key, 0x1000010, mask_of(64 - cases[i].t0sz, cases[i].tagged0 & bit),
                          cases[i].tagged0 & bit);
                check_key(el, key, 0xffffffffffff0010, mask_of(64 - cases[i].t1sz, cases[i].tagged1 & bit),
                          cases[i].tagged1 & bit);
            }
        }
    }
    wr("tcr_el1", 16 | 16 << 16 | 2ul << 30);
    wr("tcr_el2", 24 | 1 << 20);
    for (int key = 0; key < 4; key++)
        check_key(EL2, key, 0x41000010, mask_of(40, 1), 1);
    wr("tcr_el2", 24);
    for (int key = 0; key < 4; key++)
        check_key(EL2, key, 0x41000010, mask_of(40, 0), 0);
}

/* ---- Keys that are off, traps ------------------------------------------------------------------ */

static void check_enables(void)
{
    u64 all = rd("sctlr_el1");
    for (int key = 0; key < 4; key++) {
        wr("sctlr_el1", all & ~sctlr_enable(key));
        for (int other = 0; other < 4; other++) {
            go2(EL0, sign[other], 0x41000010, 1);
            check("only keys that are on sign", monitor_x[0] == 0x41000010, key == other);
        }
        go2(EL1, authenticate[key], 0x20ff000041000010, 1);
        check("a key that is off", monitor_x[0], 0x20ff000041000010);
        wr("sctlr_el1", all);
    }
}

static void check_traps(void)
{
    const char *what = "trap of pointer authentication";
    wr("hcr_el2", rd("hcr_el2") & ~(1ul << 41));
    for (int key = 0; key < 4; key++) {
        for (u64 el = EL0; el <= EL1; el += EL1) {
            go2(el, sign[key], 0x41000010, 1);
            check_taken(what, 2, 9, 0);
            check(what, out.elr, (u64)sign[key]);
            go2(el, authenticate[key], 0x41000010, 1);
            check_taken(what, 2, 9, 0);
        }
        go2(EL2, sign[key], 0x41000010, 1);
        check_ended("EL2 is not trapped by itself");
    }
    go2(EL0, pacga, 1, 1);
    check_taken(what, 2, 9, 0);
    go1(EL0, xpaci, 1);
    check_ended("xpaci is not trapped");
    u64 all = rd("sctlr_el1");
    wr("sctlr_el1", all & ~sctlr_enable(0));
    go2(EL0, sign[0], 0x41000010, 1);
    check_ended("a key that is off is not trapped");
    wr("sctlr_el1", all);
    wr("hcr_el2", rd("hcr_el2") | 1ul << 41);
    wr("scr_el3", rd("scr_el3") & ~(1ul << 17));
    for (u64 i = 0; i < 3; i++) {
        go2(i == 0 ? EL0 : i == 1 ? EL1 : EL2, sign[i], 0x41000010, 1);
        check_taken(what, 3, 9, 0);
    }
    go2(EL3T, pacga, 1, 1);
    check_ended("EL3 is not trapped");
    wr("scr_el3", rd("scr_el3") | 1ul << 17);
}

static void check_vector(void)
{
    wr("apgakeylo_el1", 0xec2802d4e0a488e9);
    wr("apgakeyhi_el1", 0x84be85ce9804e94b);
    go2(EL1, pacga, 0xfb623599da6e8127, 0x477d469dec0b8762);
    if (rd("id_aa64isar1_el1") >> 4 & 15) /* architected, not implementation defined */
        check("QARMA5's vector", monitor_x[0], 0xc003b93900000000);
}

/* ---- Hints and branches ------------------------------------------------------------------------ */

PIECE(hints, "mov x30, x0\n mov x17, x0\n mov x16, sp\n"
             "paciasp\n pacia1716\n cmp x30, x17\n b.ne 9f\n autiasp\n autia1716\n cmp x30, x17\n b.ne 9f\n"
             "pacibsp\n pacib1716\n cmp x30, x17\n b.ne 9f\n autibsp\n autib1716\n cmp x30, x0\n b.ne 9f\n"
             "mov x16, #0\n paciaz\n pacia1716\n cmp x30, x17\n b.ne 9f\n cmp x30, x0\n b.eq 9f\n"
             "autiaz\n autia1716\n cmp x30, x17\n b.ne 9f\n"
             "pacibz\n pacib1716\n cmp x30, x17\n b.ne 9f\n autibz\n autib1716\n cmp x30, x0\n b.ne 9f\n"
             "paciasp\n xpaclri\n cmp x30, x0\n b.ne 9f\n svc #0xe0e0\n 9: svc #1");
PIECE(branches, "mov x9, #77\n adr x8, 1f\n pacia x8, x9\n braa x8, x9\n svc #1\n"
                "1: adr x8, 2f\n pacib x8, x9\n brab x8, x9\n svc #1\n"
                "2: adr x8, 3f\n paciza x8\n braaz x8\n svc #1\n"
                "3: adr x8, 4f\n pacizb x8\n brabz x8\n svc #1\n"
                "4: adr x8, 5f\n mov x7, x8\n pacia x8, x9\n blraa x8, x9\n cmp x0, #55\n b.ne 9f\n"
                "adr x8, 6f\n pacib x8, x9\n blrab x8, x9\n cmp x0, #66\n b.ne 9f\n"
                "adr x8, 5f\n paciza x8\n blraaz x8\n cmp x0, #55\n b.ne 9f\n"
                "adr x8, 6f\n pacizb x8\n blrabz x8\n cmp x0, #66\n b.ne 9f\n b 10f\n"
                "5: paciasp\n mov x0, #55\n retaa\n"
                "6: pacibsp\n mov x0, #66\n retab\n"
                "9: svc #1\n 10:");
PIECE(bad_braa, "mov x9, #77\n adr x8, 1f\n pacia x8, x9\n braa x8, x30\n 1: nop");
PIECE(bad_ret, "adr x30, 1f\n retab\n 1: nop");
PIECE(eretaa, "adr x0, 1f\n pacia x0, sp\n msr elr_el1, x0\n mov x1, #0x3c5\n msr spsr_el1, x1\n eretaa\n svc #1\n 1: nop");
PIECE(eretab, "adr x0, 1f\n pacib x0, sp\n msr elr_el1, x0\n mov x1, #0x3c5\n msr spsr_el1, x1\n eretab\n svc #1\n 1: nop");
PIECE(loads, "mov x1, x0\n pacdza x0\n ldraa x2, [x0]\n ldraa x3, [x0, #8]\n ldraa x4, [x0, #-8]!\n sub x5, x1, #8\n cmp x0, x5\n b.ne 9f\n"
             "mov x0, x1\n pacdzb x0\n ldrab x6, [x0, #-8]\n ldrab x7, [x0, #8]!\n svc #0xe0e0\n 9: svc #1");
PIECE(bad_load, "ldraa x2, [x0]");

static void check_branches(void)
{
    for (u64 i = 0; i < 3; i++) {
        u64 el = i == 0 ? EL0 : i == 1 ? EL1 : EL2, to = i ? i : 1;
        go1(el, hints, 0x41000020);
        check_ended("hints");
        go(el, branches);
        check_ended("branches");
        go(el, bad_braa);
        check("braa to a wrong address", out.level << 8 | (out.ec & ~1ul), to << 8 | 0x20);
        check("braa to a wrong address", out.far >> 61, 1);
        go(el, bad_ret);
        check("retab to a wrong address", out.level << 8 | (out.ec & ~1ul), to << 8 | 0x20);
        check("retab to a wrong address", out.far >> 61, 2);
        u64 *data = (u64 *)0x41800000;
        for (int n = 0; n < 3; n++)
            data[n] = 100 + (u64)n;
        go1(el, loads, (u64)&data[1]);
        check_ended("ldraa, ldrab");
        check("ldraa", monitor_x[2], 101);
        check("ldraa", monitor_x[3], 102);
        check("ldraa", monitor_x[4], 100);
        check("ldrab", monitor_x[6], 100);
        check("ldrab", monitor_x[7], 102);
        go1(el, bad_load, (u64)data | 5ul << 48);
        check("ldraa of a wrong address", out.level << 8 | (out.ec & ~1ul), to << 8 | 0x24);
    }
    go(EL1, eretaa);
    check_ended("eretaa");
    go(EL1, eretab);
    check_ended("eretab");
    go(EL0, eretaa);
    check("eretaa at EL0", out.level << 8 | out.ec, 0x100);
}

void run(void)
{
    u64 on = sctlr_enable(0) | sctlr_enable(1) | sctlr_enable(2) | sctlr_enable(3);
    wr("sctlr_el1", rd("sctlr_el1") | on);
    wr("sctlr_el2", on);
    set_keys(0x9e3779b97f4a7c15);
    check_layouts();
    check_enables();
    check_traps();
    check_branches();
    check_vector();
}
