/*
 * timers.c - the generic timers: counts and offsets, five comparators by level and their conditions, interrupts pending in
 * ISR_EL1 by way of the GIC, WFI and WFIT that end; the PMU's counters.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

enum { ENABLE = 1, IMASK = 2, ISTATUS = 4 };

PIECE(read_counts, "isb\n mrs x0, cntvct_el0\n mrs x1, cntpct_el0\n mrs x2, cntvct_el0\n mrs x3, cntpct_el0");
PIECE(read_self, "isb\n mrs x0, S3_3_C14_C0_6\n mrs x1, S3_3_C14_C0_5\n isb\n mrs x2, cntvct_el0\n mrs x3, cntpct_el0");
PIECE(wait, "wfi");
PIECE(wait_until, ".inst 0xd5031020"); /* WFIT x0 */

static void check_least(const char *what, u64 value, u64 least, u64 most)
{
    if (value < least || value > most)
        check(what, value, least);
}

static void check_counts(void)
{
    const u64 second = rd("cntfrq_el0");
    u64 a = rd("cntpct_el0"), b = rd("cntpct_el0");
    check_least("a count that does not go back", b, a, a + second);
    wr("cntvoff_el2", 0x1000000000);
    a = rd("cntpct_el0");
    u64 virt = rd("cntvct_el0");
    check_least("CNTVOFF", virt + 0x1000000000, a, a + second);
    static const u64 states[] = {EL0, EL1, EL2};
    for (int i = 0; i < 3; i++) {
        wr("cnthctl_el2", 3);
        go(states[i], read_counts);
        check_least("CNTVOFF", monitor_x[0] + 0x1000000000 - monitor_x[1] + 1000000000, 999000000, 1000000000 + second);
        go(states[i], read_self);
        check_least("CNTVCTSS", monitor_x[0] + 0x1000000000 - monitor_x[1] + 1000000000, 999000000, 1000000000 + second);
        check_least("self-synchronized", monitor_x[2] - monitor_x[0], 0, second);
    }
    /* ECV: the physical count's offset is for EL0 and EL1 */
    wr("S3_4_C14_C0_6", 0x2000000000);
    wr("cnthctl_el2", 3 | 1 << 12);
    for (int i = 0; i < 3; i++) {
        a = rd("cntpct_el0");
        go(states[i], read_counts);
        check_least("CNTPOFF", monitor_x[1] + (i < 2 ? 0x2000000000 : 0), a, a + second);
    }
    wr("scr_el3", rd("scr_el3") & ~(1ul << 28));
    a = rd("cntpct_el0");
    go(EL1, read_counts);
    check_least("CNTPOFF without SCR_EL3.ECVEn", monitor_x[1], a, a + second);
    monitor_reset();
    wr("cntvoff_el2", 0);
    /* E2H: no virtual offset at EL2, nor for the host's EL0 */
    wr("cntvoff_el2", 0x1000000000);
    wr("hcr_el2", rd("hcr_el2") | 1ul << 34 | 1 << 27);
    wr("cnthctl_el2", 0xc03);
    a = rd("cntpct_el0");
    go(EL2, read_counts);
    check_least("no CNTVOFF for the host", monitor_x[0], a, a + second);
    go(EL0, read_counts);
    check_least("no CNTVOFF for the host's EL0", monitor_x[0], a, a + second);
    monitor_reset();
    wr("cntvoff_el2", 0);
}

/* ---- Comparators ------------------------------------------------------------------------------- */

#define COMPARATOR(name, ctl, cval, tval, offset)                                                                      \
    static void check_##name(void)                                                                                     \
    {                                                                                                                  \
        const u64 now = rd("cntpct_el0") - (offset);                                                                   \
        wr(cval, now + 0x100000000);                                                                                   \
        wr(ctl, ENABLE);                                                                                               \
        check(#name " is not due", rd(ctl), ENABLE);                                                                   \
        wr(cval, now);                                                                                                 \
        check(#name " is due", rd(ctl), ENABLE | ISTATUS);                                                             \
        wr(ctl, ENABLE | IMASK);                                                                                       \
        check(#name " is due and masked", rd(ctl), ENABLE | IMASK | ISTATUS);                                          \
        wr(ctl, 0);                                                                                                    \
        check(#name " is off", rd(ctl), 0);                                                                            \
        wr(tval, 0x7fffffff);                                                                                          \
        check_least(#name " by TVAL", rd(cval) - now, 0x7fffffff, 0x7fffffff + (1ul << 33));                           \
        check_least(#name "'s TVAL", rd(tval), 0x60000000, 0x7fffffff);                                                \
        wr(tval, -1000ul);                                                                                             \
        wr(ctl, ENABLE);                                                                                               \
        check(#name " by a TVAL that is past", rd(ctl), ENABLE | ISTATUS);                                             \
        check(#name "'s TVAL is negative", rd(tval) >> 31, 1);                                                         \
        wr(cval, ~0ul >> 1);                                                                                           \
        check(#name " far away", rd(ctl), ENABLE);                                                                     \
        wr(ctl, 0);                                                                                                    \
    }
COMPARATOR(physical, "cntp_ctl_el0", "cntp_cval_el0", "cntp_tval_el0", 0)
COMPARATOR(virtual, "cntv_ctl_el0", "cntv_cval_el0", "cntv_tval_el0", 0x1000)
COMPARATOR(hypervisor, "cnthp_ctl_el2", "cnthp_cval_el2", "cnthp_tval_el2", 0)
COMPARATOR(secure, "cntps_ctl_el1", "cntps_cval_el1", "cntps_tval_el1", 0)
COMPARATOR(hypervisor_virtual, "S3_4_C14_C3_1", "S3_4_C14_C3_2", "S3_4_C14_C3_0", 0)

/* ---- Interrupts: GICv2 of the board, private interrupts ----------------------------------------- */

static volatile u32 *const distributor = (u32 *)0x08000000, *const cpu_interface = (u32 *)0x08010000;

static u32 acknowledge(void)
{
    u32 n = cpu_interface[3] & 0x3ff;
    if (n < 1020)
        cpu_interface[4] = n;
    return n;
}

static void check_interrupt(const char *what, u32 number)
{
    distributor[0x100 / 4] = 1u << number;
    /* FIQ is group 0's way only when it is asked for: all come as IRQ, which SCR_EL3.IRQ takes to EL3 */
    wr("scr_el3", rd("scr_el3") | 6);
    go_unmasked(EL1 | DAIF, wait);
    check("WFI ends for what is masked, or is taken", out.level == 3 && (out.vector == 0x480 || out.vector == 0x500), 1);
    check(what, acknowledge(), number);
    wr("scr_el3", rd("scr_el3") & ~6ul);
    distributor[0x180 / 4] = 1u << number;
}

static void check_interrupts(void)
{
    distributor[0] = 1;
    cpu_interface[1] = 0xff;
    cpu_interface[0] = 1;
    u64 soon = rd("cntfrq_el0") / 2000;
    wr("cntp_tval_el0", soon);
    wr("cntp_ctl_el0", ENABLE);
    check_interrupt("the physical timer", 30);
    wr("cntp_ctl_el0", 0);
    wr("cntv_tval_el0", soon);
    wr("cntv_ctl_el0", ENABLE);
    check_interrupt("the virtual timer", 27);
    wr("cntv_ctl_el0", 0);
    wr("cnthp_tval_el2", soon);
    wr("cnthp_ctl_el2", ENABLE);
    check_interrupt("the hypervisor's timer", 26);
    wr("cnthp_ctl_el2", 0);
    wr("cntps_tval_el1", soon);
    wr("cntps_ctl_el1", ENABLE);
    check_interrupt("the secure timer", 29);
    wr("cntps_ctl_el1", 0);
}

static void check_wait_until(void)
{
    u64 from = rd("cntvct_el0"), until = from + rd("cntfrq_el0") / 1000;
    go1(EL1, wait_until, until);
    check_ended("WFIT");
    check("WFIT waits", rd("cntvct_el0") >= until, 1);
}

/* ---- PMU --------------------------------------------------------------------------------------- */

static void check_cycles(void)
{
    wr("pmcntenclr_el0", ~0ul);
    wr("pmcr_el0", 1 << 6 | 4 | 1);
    wr("pmccntr_el0", 1000);
    check("the counter is off", rd("pmccntr_el0"), 1000);
    wr("pmcntenset_el0", ~0ul);
    check("the cycle counter and six more are there", rd("pmcntenset_el0"), 1ul << 31 | 0x3f);
    u64 a = rd("pmccntr_el0"), b = a;
    for (int i = 0; i < 1000 && b == a; i++)
        b = rd("pmccntr_el0");
    check("it counts", b > a, 1);
    wr("pmcr_el0", 1 << 6);
    a = rd("pmccntr_el0");
    b = rd("pmccntr_el0");
    check("PMCR_EL0.E", a, b);
    wr("pmcr_el0", 1 << 6 | 4);
    check("PMCR_EL0.C", rd("pmccntr_el0"), 0);
    check("six event counters", rd("pmcr_el0") >> 11 & 31, 6);
    wr("pmovsset_el0", 1ul << 31);
    check("overflow", rd("pmovsclr_el0"), 1ul << 31);
    wr("pmovsclr_el0", 1ul << 31);
    check("overflow", rd("pmovsset_el0"), 0);
    wr("pmccntr_el0", -1000ul);
    wr("pmcr_el0", 1 << 6 | 1);
    for (int i = 0; i < 1000 && rd("pmccntr_el0") > 1ul << 63; i++)
        ;
    check("an overflow is noticed", rd("pmovsset_el0"), 1ul << 31);
    wr("pmcr_el0", 0);
}

enum { SW_INCR = 0, CPU_CYCLES = 0x11, SPME = 1 << 17, HPME = 1 << 7 };
#define P   (1ul << 31)
#define U   (1ul << 30)
#define NSK (1ul << 29)
#define NSU (1ul << 28)
#define NSH (1ul << 27)

PIECE(spin, "mov x0, #3000\n 1: subs x0, x0, #1\n b.ne 1b");
PIECE(see_counters, "mrs x0, pmcr_el0\n mrs x1, pmcntenset_el0\n mrs x2, pmevcntr2_el0\n mrs x3, pmevtyper1_el0");

/* Cycles by level (an exception of EL0 passes EL1): EL3 itself, in Secure state, counts only with MDCR_EL3.SPME. */
static void check_filters(void)
{
    static const struct {
        u64 filter;
        u32 state, counted;
    } rows[] = {{0, EL0, 1}, {0, EL1, 1}, {0, EL2, 0}, {NSH, EL2, 1}, {P, EL1, 0}, {P | NSK, EL1, 1}, {NSK, EL1, 0},
                {U | P, EL0, 0}, {U | NSU, EL0, 1}, {NSU | P, EL0, 0}, {P, EL0, 1}, {U, EL1, 1}};
    wr("mdcr_el2", 6);
    wr("pmcr_el0", 1 << 6 | 1);
    wr("pmcntenset_el0", 2);
    for (u32 i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wr("pmselr_el0", 1);
        wr("pmxevtyper_el0", CPU_CYCLES | rows[i].filter);
        wr("pmxevcntr_el0", 7);
        check("Secure state does not count", rd("pmevcntr1_el0"), 7);
        go(rows[i].state, spin);
        check("a filter by level", rd("pmevcntr1_el0") > 7, rows[i].counted);
        u64 a = rd("pmevcntr1_el0");
        check("EL3 does not count", rd("pmevcntr1_el0"), a);
    }
    wr("pmevtyper1_el0", 0x1234 | P);
    check("another event", rd("pmevtyper1_el0"), 0x1234 | P);
    wr("pmevcntr1_el0", 9);
    go(EL0, spin);
    check("does not happen", rd("pmevcntr1_el0"), 9);
}

static void check_software(void)
{
    wr("mdcr_el3", rd("mdcr_el3") | SPME);
    wr("pmevtyper0_el0", SW_INCR);
    wr("pmcntenset_el0", 3);
    wr("pmovsclr_el0", ~0ul);
    wr("pmevcntr0_el0", 0xfffffffe);
    wr("pmswinc_el0", 3);
    check("SW_INCR", rd("pmevcntr0_el0"), 0xffffffff);
    check("SW_INCR of another event", rd("pmevcntr1_el0"), 9);
    check("no overflow", rd("pmovsset_el0"), 0);
    wr("pmswinc_el0", 1);
    wr("pmswinc_el0", 1);
    check("SW_INCR", rd("pmevcntr0_el0"), 1);
    check("overflow", rd("pmovsclr_el0"), 1);
    wr("pmcntenclr_el0", 1);
    wr("pmswinc_el0", 1);
    check("SW_INCR while it is off", rd("pmevcntr0_el0"), 1);
    wr("pmevtyper1_el0", CPU_CYCLES);
    wr("pmevcntr1_el0", 0xffffff00);
    for (int i = 0; i < 1000 && rd("pmevcntr1_el0") > 0xff000000; i++)
        ;
    check("an event counter has 32 bits", rd("pmevcntr1_el0") < 0xff000000, 1);
    check("overflow of cycles", rd("pmovsclr_el0"), 3);
}

/* EL2 keeps counters for itself. */
static void check_ranges(void)
{
    wr("mdcr_el2", 2);
    wr("pmcntenset_el0", 0x3f);
    wr("pmevtyper2_el0", CPU_CYCLES);
    wr("pmevcntr2_el0", 5);
    check("without HPME", rd("pmevcntr2_el0"), 5);
    go(EL1, see_counters);
    check("PMCR_EL0.N", monitor_x[0] >> 11 & 31, 2);
    check("counters of EL1", monitor_x[1] & 0x3f, 3);
    check("one of EL2's", monitor_x[2], 0);
    check("one of EL1's", monitor_x[3], CPU_CYCLES);
    wr("mdcr_el2", 2 | HPME);
    wr("pmcr_el0", 1 << 6);
    u64 a = rd("pmevcntr2_el0"), b = a;
    for (int i = 0; i < 1000 && b == a; i++)
        b = rd("pmevcntr2_el0");
    check("with HPME", b > a, 1);
    wr("pmcr_el0", 1 << 6 | 2);
    check("PMCR_EL0.P", rd("pmevcntr0_el0") | rd("pmevcntr1_el0"), 0);
    wr("pmovsclr_el0", ~0ul);
    monitor_reset();
}

void run(void)
{
    check_counts();
    check_physical();
    wr("cntvoff_el2", 0x1000);
    check_virtual();
    wr("cntvoff_el2", 0);
    check_hypervisor();
    check_hypervisor_virtual();
    check_secure();
    check_interrupts();
    check_wait_until();
    check_filters();
    check_software();
    check_ranges();
    check_cycles();
}
