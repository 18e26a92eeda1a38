/*
 * debug_levels.c - breakpoints, watchpoints and software step of EL0, EL1 and EL2, debugged from EL1 or (MDCR_EL2.TDE)
 * EL2: which level, security state, context and VMID they name, MDSCR_EL1's and PSTATE.D's masks, the OS lock.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

PIECE(four, "nop\n nop\n nop\n nop");
PIECE(load, "ldr x1, [x0]");
PIECE(store, "str x1, [x0]");
PIECE(loadb, "ldrb w1, [x0]");
PIECE(load_user, "ldtrb w1, [x0]");
PIECE(pair, "ldp x1, x2, [x0]");
PIECE(vector, "ldr q0, [x0]");
PIECE(swap, "swpb w1, w2, [x0]");
PIECE(exclusive, "ldxr x1, [x0]");
PIECE(zva, "dc zva, x0");
PIECE(loop, "mov x1, #3\n 1: subs x1, x1, #1\n b.ne 1b");

enum { MDE = 1 << 15, KDE = 1 << 13, STEP = 1, EVERY = 0xf << 5 };
#define TDE (1 << 8)
enum { ZONE = 0x41800040 };
/* Below the debugger, or the debugger's own level with KDE. */
static const u64 states[] = {EL0, EL1, EL2};

static void all_off(void)
{
    wr("mdscr_el1", 0);
    wr("mdcr_el2", 0);
    wr("dbgbcr0_el1", 0);
    wr("dbgbcr1_el1", 0);
    wr("dbgwcr0_el1", 0);
    wr("oslar_el1", 0);
}

/* ---- Breakpoints ------------------------------------------------------------------------------- */

/* control: PMC, HMC, SSC. */
static int names_level(u64 control, u64 el)
{
    u64 hmc = control >> 13 & 1, ssc = control >> 14 & 3, pmc = control >> 1 & 3;
    if (ssc == 2)
        return 0; /* secure only */
    return el == 0 ? pmc >> 1 : el == 1 ? (int)(pmc & 1) : hmc || ssc == 3;
}

static void check_breakpoint_at(u64 el, u64 control, int kde, int tde, int masked)
{
    u64 target = tde ? 2 : 1;
    wr("dbgbvr0_el1", (u64)four + 8);
    wr("dbgbcr0_el1", 1 | EVERY | control);
    wr("mdscr_el1", MDE | (kde ? KDE : 0));
    wr("mdcr_el2", tde ? TDE : 0);
    go_unmasked(states[el] | (masked ? DAIF : 0x1c0), four);
    int hits = names_level(control, el) && (el < target || (el == target && kde && !masked));
    if (hits) {
        check_taken("breakpoint", target, 0x30 + (el == target), 0x22);
        check("breakpoint", out.elr, (u64)four + 8);
    } else {
        check_ended("no breakpoint");
    }
}

static void check_breakpoints(void)
{
    for (u64 el = 0; el < 3; el++) {
        for (u64 n = 0; n < 32; n++) {
            u64 control = (n & 3) << 1 | (n >> 2 & 1) << 13 | (n >> 3 & 3) << 14;
            if ((n >> 3 & 3) == 3 && !(n >> 2 & 1)) /* reserved */
                continue;
            check_breakpoint_at(el, control, 1, 1, 0);
        }
        for (int n = 0; n < 8; n++)
            check_breakpoint_at(el, 3 << 1 | 1 << 13, n & 1, n >> 1 & 1, n >> 2);
    }
    all_off();
    go_unmasked(EL0 | 0x1c0, four);
    check_ended("none is on");
    wr("dbgbcr0_el1", 1 | EVERY | 3 << 1);
    go_unmasked(EL0 | 0x1c0, four);
    check_ended("MDE is off");
    wr("mdscr_el1", MDE);
    wr("oslar_el1", 1);
    go_unmasked(EL0 | 0x1c0, four);
    check_ended("the OS lock is set");
    all_off();
}

/* Linked to a context; a context alone; VMID; EL2's context. */
static void check_contexts(void)
{
    wr("mdscr_el1", MDE);
    wr("dbgbvr0_el1", (u64)four + 4);
    wr("dbgbvr5_el1", 0x1234 | 7ul << 32);
    wr("vttbr_el2", 7ul << 48);
    static const struct {
        u64 type, contextidr, vmid, contextidr2;
        int hits;
    } cases[] = {{3, 0x1234, 7, 0, 1},  {3, 0x1235, 7, 0, 0},  {9, 0x1235, 7, 0, 1},  {9, 0x1234, 8, 0, 0},
                 {11, 0x1234, 7, 0, 1}, {11, 0x1234, 8, 0, 0}, {11, 0x1235, 7, 0, 0}, {7, 0x1234, 8, 0, 1},
                 {7, 0x1235, 7, 7, 0},  {13, 0x1235, 8, 7, 1}, {13, 0x1234, 7, 8, 0}, {15, 0x1234, 8, 7, 1},
                 {15, 0x1235, 7, 7, 0}, {15, 0x1234, 7, 8, 0}};
    for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wr("dbgbcr0_el1", 1 | EVERY | 3 << 1 | 5 << 16 | 1 << 20);
        wr("dbgbcr5_el1", 1 | EVERY | 3 << 1 | cases[i].type << 20);
        wr("contextidr_el1", cases[i].contextidr);
        wr("contextidr_el2", cases[i].contextidr2);
        wr("vttbr_el2", cases[i].vmid << 48);
        go_unmasked(EL0 | 0x1c0, four);
        if (cases[i].hits)
            check_taken("linked breakpoint", 1, 0x30, 0x22);
        else
            check_ended("linked breakpoint of another context");
        /* the context alone: not linked */
        wr("dbgbcr0_el1", 0);
        wr("dbgbcr5_el1", 1 | EVERY | 3 << 1 | (cases[i].type - 1) << 20);
        go_unmasked(EL0 | 0x1c0, four);
        if (cases[i].hits) {
            check_taken("context breakpoint", 1, 0x30, 0x22);
            check("context breakpoint", out.elr, (u64)four);
        } else {
            check_ended("context breakpoint of another context");
        }
        wr("dbgbcr5_el1", 0);
    }
    wr("vttbr_el2", 0);
    wr("contextidr_el1", 0);
    wr("contextidr_el2", 0);
    all_off();
}

/* ---- Watchpoints ------------------------------------------------------------------------------- */

static void watch(u64 value, u64 bas, u64 mask, u64 loads_stores, u64 levels)
{
    wr("dbgwvr0_el1", value);
    wr("dbgwcr0_el1", 1 | levels | loads_stores << 3 | bas << 5 | mask << 24);
    wr("mdscr_el1", MDE);
}

static void check_watch(const char *code, u64 address, int hits, int write)
{
    go1(EL0, code, address);
    if (hits) {
        check_taken("watchpoint", 1, 0x34, 0x22 | (write ? 1 << 6 : 0));
        check("watchpoint", out.elr, (u64)code);
    } else {
        check_ended("no watchpoint");
    }
}

/* DC ZVA is for Normal memory, which needs tables. */
static void check_watch_zero(void)
{
    enum { MAPPED = 0x80000000 };
    struct tables t;
    tables_init(&t, 12, 39, -2, 0);
    tables_map_program(&t, LEAF | LEAF_EL0 | LEAF_READ_ONLY);
    tables_map(&t, MAPPED, ZONE & ~0xfffl, 3, LEAF | LEAF_EL0);
    el1_mmu_on(&t, 0);
    watch(MAPPED + 0x40, 0xff, 0, 2, 2 << 1);
    check_watch(zva, MAPPED + 0x43, 1, 1);
    wr("sctlr_el1", rd("sctlr_el1") & ~1ul);
    tlb_clear();
    watch(ZONE, 0xff, 0, 2, 2 << 1);
}

static void check_watchpoints(void)
{
    for (u64 bit = 0; bit < 8; bit++) {
        watch(ZONE, 1ul << bit, 0, 3, 2 << 1);
        for (u64 at = 0; at < 8; at++)
            check_watch(loadb, ZONE + at, at == bit, 0);
        check_watch(load, ZONE, 1, 0);
        check_watch(load, ZONE + 8, 0, 0);
        check_watch(pair, ZONE - 8, 1, 0);
        check_watch(vector, ZONE - 16, 0, 0);
        check_watch(exclusive, ZONE, 1, 0);
    }
    watch(ZONE, 0xff, 0, 1, 2 << 1);
    check_watch(load, ZONE, 1, 0);
    check_watch(store, ZONE, 0, 1);
    watch(ZONE, 0xff, 0, 2, 2 << 1);
    check_watch(load, ZONE, 0, 0);
    check_watch(store, ZONE, 1, 1);
    check_watch(swap, ZONE + 3, 1, 1);
    check_watch_zero();
    watch(ZONE & ~0xfffl, 0xff, 12, 3, 2 << 1); /* the page */
    check_watch(load, ZONE + 0x300, 1, 0);
    check_watch(load, (ZONE & ~0xfffl) + 0x1000, 0, 0);
    check_watch(store, (ZONE & ~0xfffl) - 8, 0, 0);
    /* Levels: EL1's LDTR is EL0's access. */
    watch(ZONE, 0xff, 0, 3, 2 << 1);
    wr("mdscr_el1", MDE | KDE);
    go1(EL1, load, ZONE);
    check_ended("EL1, masked by PSTATE.D");
    monitor_x[0] = ZONE;
    go_unmasked(EL1 | 0x1c0, load);
    check_ended("of EL0 only");
    monitor_x[0] = ZONE;
    go_unmasked(EL1 | 0x1c0, load_user);
    check_taken("LDTR", 1, 0x35, 0x22);
    watch(ZONE, 0xff, 0, 3, 1 << 1);
    wr("mdscr_el1", MDE | KDE);
    monitor_x[0] = ZONE;
    go_unmasked(EL1 | 0x1c0, load);
    check_taken("of EL1", 1, 0x35, 0x22);
    check("of EL1", out.far, ZONE);
    go1(EL0, load, ZONE);
    check_ended("of EL1 only");
    watch(ZONE, 0xff, 0, 3, 1 << 13 | 3 << 1);
    wr("mdscr_el1", MDE | KDE);
    wr("mdcr_el2", TDE);
    for (u64 el = 0; el < 3; el++) {
        monitor_x[0] = ZONE;
        go_unmasked(states[el] | 0x1c0, load);
        check_taken("to EL2", 2, 0x34 + (el == 2), 0x22);
    }
    all_off();
}

/* ---- Software step ----------------------------------------------------------------------------- */

#define SS (1ul << 21)

static void check_step_at(u64 el, int tde)
{
    u64 target = tde ? 2 : 1;
    int own = el == target;
    wr("mdscr_el1", STEP | (own ? KDE : 0));
    wr("mdcr_el2", tde ? TDE : 0);
    u64 state = states[el] | 0x1c0;
    go_unmasked(state | SS, four);
    check_taken("step", target, 0x32 + (u64)own, 1 << 24 | 0x22);
    check("step", out.elr, (u64)four + 4);
    check("SPSR.SS after a step", out.spsr & SS, 0);
    go_unmasked(state, four);
    check_taken("step that is pending", target, 0x32 + (u64)own, 0x22);
    check("step that is pending", out.elr, (u64)four);
    /* An exception of the stepped instruction itself: SS is as it was for a fault. */
    monitor_x[0] = 0x41800001;
    go_unmasked(state | SS, load);
    if (tde && el < 2) { /* EL1's handler is stepped in its turn */
        check_taken("an abort that EL2 does not take", 2, 0x32, 0x22);
        check("an abort that EL2 does not take", out.elr, rd("vbar_el1") + (el ? 0x200 : 0x400));
    } else {
        check("an abort of the stepped instruction", out.ec, el == 0 ? 0x24 : 0x25);
        check("an abort of the stepped instruction", out.spsr & SS, SS);
    }
    monitor_x[0] = ZONE;
    u64 places[] = {4, 8, 4, 8, 4, 8, 12};
    u64 pc = (u64)loop;
    monitor_x[1] = 0;
    for (int i = 0; i < 7; i++) {
        go_unmasked((state & ~0xf0000000ul) | (i ? out.spsr & 0xf0000000 : 0) | SS, (const void *)pc);
        check_taken("step of a loop", target, 0x32 + (u64)own, 1 << 24 | 0x22);
        check("step of a loop", out.elr - (u64)loop, places[i]);
        pc = out.elr;
    }
    all_off();
    go_unmasked(state | SS, four);
    check_ended("SS without MDSCR_EL1.SS");
}

static void check_steps(void)
{
    check_step_at(0, 0);
    check_step_at(1, 0);
    check_step_at(0, 1);
    check_step_at(1, 1);
    check_step_at(2, 1);
    wr("mdscr_el1", STEP);
    monitor_x[0] = ZONE;
    go_unmasked(EL0 | 0x1c0 | SS, exclusive);
    check_taken("step of a load-exclusive", 1, 0x32, 1 << 24 | 1 << 6 | 0x22);
    monitor_x[0] = ZONE;
    go_unmasked(EL0 | 0x1c0 | SS, load);
    check_taken("step of a load", 1, 0x32, 1 << 24 | 0x22);
    go_unmasked(EL1 | 0x1c0 | SS, four);
    check_ended("EL1 without KDE");
    go(EL1 | SS, four);
    check_ended("EL1, masked");
    go_unmasked(EL2 | 0x1c0 | SS, four);
    check_ended("EL2 is above EL1's debugger");
    all_off();
}

void run(void)
{
    all_off();
    check_breakpoints();
    check_contexts();
    check_watchpoints();
    check_steps();
}
