/*
 * vhe.c - a host at EL2 (HCR_EL2.E2H, TGE): EL1's register names that are EL2's, the _EL12 and _EL02 names, EL2&0
 * translation with both ranges for EL2 and EL0, PAN and SPAN, SCTLR_EL2's bits about EL0, timers by their names, traps.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

#define E2H (1ul << 34)
#define TGE (1ul << 27)

/* ---- Names ------------------------------------------------------------------------------------- */

/* Registers that have three names at EL2: EL1's, EL2's own, and EL1's by _EL12. All 64 bits need not be kept. */
#define ALIASES(X)                                                                                                     \
    X(far, "far_el1", "far_el2", "S3_5_C6_C0_0") X(vbar, "vbar_el1", "vbar_el2", "S3_5_C12_C0_0")                      \
    X(mair, "mair_el1", "mair_el2", "S3_5_C10_C2_0") X(elr, "elr_el1", "elr_el2", "S3_5_C4_C0_1")                      \
    X(spsr, "spsr_el1", "spsr_el2", "S3_5_C4_C0_0") X(esr, "esr_el1", "esr_el2", "S3_5_C5_C2_0")                       \
    X(contextidr, "contextidr_el1", "S3_4_C13_C0_1", "S3_5_C13_C0_1")                                                  \
    X(ttbr0, "ttbr0_el1", "ttbr0_el2", "S3_5_C2_C0_0") X(ttbr1, "ttbr1_el1", "S3_4_C2_C0_1", "S3_5_C2_C0_1")           \
    X(cntkctl, "cntkctl_el1", "cnthctl_el2", "S3_5_C14_C1_0") X(cpacr, "cpacr_el1", "cptr_el2", "S3_5_C1_C0_2")
#define X(name, el1, el2, el12)                                                                                        \
    PIECE(write_##name, "mrs x3, " el2 "\n msr " el1 ", x0\n mrs x1, " el2 "\n mrs x2, " el1 "\n msr " el2 ", x3");                                           \
    PIECE(write12_##name, "msr " el12 ", x0\n mrs x1, " el12);
ALIASES(X)
#undef X

static void check_names(void)
{
#define X(name, el1, el2, el12)                                                                                        \
    do {                                                                                                               \
        u64 kept1_ = rd(el1), kept2_ = rd(el2);                                                                        \
        u64 value_ = 0x300800; /* bits that all of them keep */                                                        \
        if (#name[0] == 'c' && #name[1] == 'n')                                                                        \
            value_ = 0x203;                                                                                            \
        if (#name[0] == 'c' && #name[1] == 'p')                                                                        \
            value_ = 0x300000;                                                                                         \
        go1(EL2, write_##name, value_);                                                                                \
        check_ended("EL1's name of " el2);                                                                             \
        check("EL1's name of " el2, monitor_x[1] & value_, value_);                                                    \
        check("EL1's name of " el2, monitor_x[2], monitor_x[1]);                                                       \
        check(el1 " itself stays", rd(el1), kept1_);                                                                   \
        wr(el2, kept2_);                                                                                               \
        go1(EL2, write12_##name, value_);                                                                              \
        check_ended("the _EL12 name of " el1);                                                                         \
        check("the _EL12 name of " el1, rd(el1) & value_, value_);                                                     \
        check("the _EL12 name of " el1, monitor_x[1], rd(el1));                                                        \
        if (#name[0] != 'e' && #name[0] != 's' && #name[0] != 'f') /* the SVC writes those */                          \
            check(el2 " stays", rd(el2), kept2_);                                                                      \
        wr(el1, kept1_);                                                                                               \
    } while (0);
    /* ELR, ESR, FAR and SPSR of EL2 are overwritten by the SVC that ends a piece: the pieces read them before. */
    wr("hcr_el2", rd("hcr_el2") | E2H);
    wr("cptr_el2", 3 << 20);
    ALIASES(X)
#undef X
    monitor_reset();
    go(EL2, write12_vbar);
    check_taken("_EL12 without E2H", 2, 0, 0);
    go(EL1, write12_vbar);
    check_taken("_EL12 at EL1", 1, 0, 0);
    wr("hcr_el2", rd("hcr_el2") | E2H | TGE);
    wr("cptr_el2", 3 << 20);
    go(EL0, write12_vbar);
    check_taken("_EL12 at EL0", 2, 0, 0);
    monitor_reset();
}

/* ---- Timers: at EL2, EL0's names are EL2's, _EL02 names EL1's --------------------------------- */

PIECE(timers, "msr cntp_cval_el0, x0\n mrs x1, cnthp_cval_el2\n msr S3_5_C14_C2_2, x3\n mrs x2, S3_5_C14_C2_2\n mrs x4, cntp_cval_el0");
PIECE(virtual_timers, "msr cntv_cval_el0, x0\n mrs x1, S3_4_C14_C3_2\n msr S3_5_C14_C3_2, x3\n mrs x2, S3_5_C14_C3_2\n mrs x4, cntv_cval_el0");
PIECE(read_cval, "mrs x0, cntp_cval_el0\n mrs x1, cntv_cval_el0");

static void check_timers(void)
{
    wr("hcr_el2", rd("hcr_el2") | E2H | TGE);
    wr("cptr_el2", 3 << 20);
    wr("cnthctl_el2", 0xf03);
    monitor_x[3] = 222;
    go1(EL2, timers, 111);
    check("CNTP_CVAL_EL0 at EL2", monitor_x[1], 111);
    check("CNTP_CVAL_EL02", monitor_x[2], 222);
    check("CNTP_CVAL_EL0 at EL2", monitor_x[4], 111);
    monitor_x[3] = 444;
    go1(EL2, virtual_timers, 333);
    check("CNTV_CVAL_EL0 at EL2", monitor_x[1], 333);
    check("CNTV_CVAL_EL02", monitor_x[2], 444);
    check("CNTV_CVAL_EL0 at EL2", monitor_x[4], 333);
    go(EL0, read_cval);
    check("CNTP_CVAL_EL0 of the host's EL0", monitor_x[0], 111);
    check("CNTV_CVAL_EL0 of the host's EL0", monitor_x[1], 333);
    wr("cnthctl_el2", 0xc03);
    go(EL0, read_cval);
    check_taken("CNTHCTL_EL2.EL0PTEN", 2, 0x18, out.iss);
    wr("hcr_el2", rd("hcr_el2") & ~TGE);
    wr("cntkctl_el1", 0x303);
    go(EL0, read_cval);
    check("CNTP_CVAL_EL0 of a guest", monitor_x[0], 222);
    check("CNTV_CVAL_EL0 of a guest", monitor_x[1], 444);
    wr("cnthctl_el2", 3);
    go(EL1, read_cval);
    check_taken("CNTHCTL_EL2.EL1PTEN, where E2H has it", 2, 0x18, out.iss);
    monitor_reset();
}

/* ---- EL2&0 ------------------------------------------------------------------------------------- */

PIECE(load, "ldr x1, [x0]");
PIECE(load_user, "ldtr x1, [x0]");
PIECE(jump, "br x0");
PIECE(hvc, "hvc #3");
PIECE(svc, "svc #5");
PIECE(at_e1, "at s1e1r, x0\n isb\n mrs x0, par_el1");
PIECE(at_e0, "at s1e0r, x0\n isb\n mrs x0, par_el1");
PIECE(wfi, "wfi");
PIECE(daifset, "msr daifset, #2");
enum { PAGE = 0x80000000 };

static void check_translation(void)
{
    struct tables low, high;
    u64 memory = take_memory(0x10000), top = ~0ul << 40;
    *(u64 *)memory = 99;
    tables_init(&low, 12, 40, -2, 0);
    tables_init(&high, 12, 40, -2, 0);
    tables_map_program(&low, LEAF);
    tables_map(&low, PAGE, memory, 3, LEAF | LEAF_EL0);
    tables_map(&high, 0x5000, memory, 3, LEAF);
    wr("hcr_el2", rd("hcr_el2") | E2H | TGE);
    wr("cptr_el2", 3 << 20);
    wr("mair_el2", 0xff);
    wr("tcr_el2", (tcr_of(&low) & ~(1ul << 23)) | 24 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2ul << 30);
    wr("ttbr0_el2", low.root);
    wr("S3_4_C2_C0_1", high.root);
    wr("sctlr_el2", 1 | 1 << 26 | 1 << 23);
    tlb_clear();
    for (u64 el = EL0; el <= EL2; el += EL2) {
        u64 ec = el ? 0x25 : 0x24;
        go1(el, load, PAGE);
        check_ended("the host's lower range");
        check("the host's lower range", monitor_x[1], 99);
        go1(el, load, top | 0x5000);
        if (el)
            check_ended("the host's upper range");
        else
            check_taken("the host's upper range at EL0", 2, ec, 0xf);
        go1(el, load, PAGE + 0x1000);
        check_taken("nothing there", 2, ec, 7);
    }
    go1(EL2 | 1 << 22, load, PAGE);
    check_taken("PAN of the host", 2, 0x25, 0xf);
    go1(EL2 | 1 << 22, load_user, PAGE);
    check_ended("LDTR of the host with PAN");
    go1(EL2, load_user, top | 0x5000);
    check_taken("LDTR of the host", 2, 0x25, 0xf);
    go1(EL2, at_e0, top | 0x5000);
    check("AT S1E0R is the host's", monitor_x[0] & 0x7f, 1 | 0xf << 1);
    go1(EL2, at_e1, top | 0x5000);
    check("AT S1E1R is the host's", monitor_x[0] & 0xfffffffff000, memory);
    /* The host's EL0: SCTLR_EL2 and entry */
    go(EL0, svc);
    check_taken("svc", 2, 0x15, 5);
    check("SPAN", rd("spsr_el3") & 1 << 22, 0);
    wr("sctlr_el2", 1 | 1 << 26);
    go(EL0, svc);
    check("SPAN clear sets PAN", rd("spsr_el3") & 1 << 22, 1 << 22);
    go(EL0, daifset);
    check_taken("SCTLR_EL2.UMA", 2, 0x18, out.iss);
    go(EL0, wfi);
    check_taken("SCTLR_EL2.nTWI", 2, 1, 1 << 24 | 14 << 20);
    go(EL2, hvc);
    check_taken("hvc of the host", 2, 0x16, 3);
    /* A guest, as the host is at EL2 with E2H: its regime is its own. */
    wr("hcr_el2", rd("hcr_el2") & ~TGE);
    go1(EL0, load, PAGE);
    check("a guest's EL0 has EL1's tables", out.level << 8 | out.ec, 0x124);
    wr("sctlr_el2", 0);
    monitor_reset();
}

void run(void)
{
    check_names();
    check_timers();
    check_translation();
}
