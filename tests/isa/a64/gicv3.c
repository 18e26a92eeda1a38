/*
 * gicv3.c - a GICv3 seen from a CPU: interrupts of each group as IRQ or FIQ by level and Security state, taken and ended;
 * which traps keep its registers for EL2 and EL3; virtual interrupts of list registers, and the maintenance interrupt.
 */
// options: -M virt,secure=on,virtualization=on,gic-version=3 -cpu max
// load: bios
#include "monitor.h"

#define GICD 0x08000000ul
#define GICR 0x080a0000ul
#define SGIS (GICR + 0x10000)
#define PMR "S3_0_C4_C6_0"
#define IAR0 "S3_0_C12_C8_0"
#define EOIR0 "S3_0_C12_C8_1"
#define SGI1R "S3_0_C12_C11_5"
#define IAR1 "S3_0_C12_C12_0"
#define EOIR1 "S3_0_C12_C12_1"
#define CTLR_EL3 "S3_6_C12_C12_4"
#define SRE_EL1 "S3_0_C12_C12_5"
#define IGRPEN0 "S3_0_C12_C12_6"
#define IGRPEN1_EL3 "S3_6_C12_C12_7"
#define ICH_HCR "S3_4_C12_C11_0"
#define ICH_MISR "S3_4_C12_C11_2"
#define ICH_VMCR "S3_4_C12_C11_7"
#define ICH_LR0 "S3_4_C12_C12_0"
enum { SCR_NS = 1, SCR_IRQ = 2, SCR_FIQ = 4, HCR_FMO = 8, HCR_IMO = 16 };
enum { IRQ = 0x80, FIQ = 0x100, HERE = 0x200, BELOW = 0x400 };
enum { SGI_GROUP0, SGI_SECURE, SGI_NORMAL, MAINTENANCE = 25, NONE = 1023 };

PIECE(nothing, "nop\n nop");
PIECE(unmasked, "msr daifclr, #3\n nop\n nop");
PIECE(read_pmr, "mrs x0, " PMR);
PIECE(read_iar0, "mrs x0, " IAR0);
PIECE(read_iar1, "mrs x0, " IAR1);
PIECE(end_1, "msr " EOIR1 ", x0");
PIECE(write_sgi, "msr " SGI1R ", xzr");
PIECE(read_sre, "mrs x0, " SRE_EL1);
PIECE(read_ich, "mrs x0, " ICH_HCR);
PIECE(write_iar, "msr " IAR1 ", x0");

static volatile u32 *reg(u64 address)
{
    return (volatile u32 *)address;
}

static void set_up(void)
{
    *reg(GICD) = 7;
    *reg(GICR + 0x14) = 0;
    while (*reg(GICR + 0x14) & 4)
        ;
    *reg(SGIS + 0x80) = 1u << SGI_NORMAL | 1u << MAINTENANCE;
    *reg(SGIS + 0xd00) = 1u << SGI_SECURE;
    *reg(SGIS + 0x100) = 7 | 1u << MAINTENANCE;
    wr(PMR, 0xf8);
    wr(IGRPEN0, 1);
    wr(IGRPEN1_EL3, 3);
}

static void pend(u32 n)
{
    *reg(SGIS + 0x200) = 1u << n;
}

static void forget(u32 n)
{
    *reg(SGIS + 0x280) = 1u << n;
}

static void state(u64 clear, u64 set)
{
    wr("scr_el3", (rd("scr_el3") & ~clear) | set);
}

/* Where a pending interrupt leads from that level with nothing masked. */
static void leads(const char *what, u32 n, u64 from, u64 level, u64 vector)
{
    pend(n);
    wr("esr_el3", 0); /* which an interrupt leaves as it is */
    go(from, from & DAIF ? nothing : unmasked);
    check(what, out.level, level);
    check(what, out.vector, vector);
    forget(n);
}

static void test_signals(void)
{
    leads("group 0 in EL1", SGI_GROUP0, EL1, 1, HERE + FIQ);
    leads("its own group 1 in EL1", SGI_NORMAL, EL1, 1, HERE + IRQ);
    leads("its own group 1 in EL2", SGI_NORMAL, EL2 | DAIF, 2, HERE);
    leads("the other's group 1 in EL1", SGI_SECURE, EL1, 1, HERE + FIQ);
    state(0, SCR_FIQ);
    leads("the other's group 1, SCR_EL3.FIQ", SGI_SECURE, EL1 | DAIF, 3, BELOW + FIQ);
    leads("its own group 1, SCR_EL3.FIQ", SGI_NORMAL, EL1, 1, HERE + IRQ);
    state(SCR_NS | SCR_FIQ, 0);
    leads("Secure EL1's own group 1", SGI_SECURE, EL1, 1, HERE + IRQ);
    leads("Secure EL1, the other's group 1", SGI_NORMAL, EL1, 1, HERE + FIQ);
    monitor_reset();
    wr("hcr_el2", rd("hcr_el2") | HCR_IMO);
    leads("HCR_EL2.IMO", SGI_NORMAL, EL1 | DAIF, 2, BELOW + IRQ);
    monitor_reset();
}

static u64 read_at(u64 level, const char *piece)
{
    go(level | DAIF, piece);
    check_ended("a register");
    return monitor_x[0];
}

static void test_life(void)
{
    pend(SGI_NORMAL);
    check("EL1: group 0 has none", read_at(EL1, read_iar0), NONE);
    check("EL1 takes it", read_at(EL1, read_iar1), SGI_NORMAL);
    check("it is active", *reg(SGIS + 0x300), 1u << SGI_NORMAL);
    go1(EL1 | DAIF, end_1, SGI_NORMAL);
    check_ended("its end");
    check("it is not active", *reg(SGIS + 0x300), 0);
    pend(SGI_SECURE);
    check("the Non-secure state does not see it", read_at(EL1, read_iar1), NONE);
    wr(CTLR_EL3, 1 << 5);
    check("EL3 is told that it is Secure", rd(IAR0), 1020);
    wr(CTLR_EL3, 0);
    state(SCR_NS, 0);
    check("Secure EL1 takes it", read_at(EL1, read_iar1), SGI_SECURE);
    go1(EL1 | DAIF, end_1, SGI_SECURE);
    monitor_reset();
    pend(SGI_GROUP0);
    check("EL3 takes group 0", rd(IAR0), SGI_GROUP0);
    wr(EOIR0, SGI_GROUP0);
}

static void trapped(const char *what, u64 from, const char *piece, u64 level, u64 class)
{
    go(from | DAIF, piece);
    check(what, out.level, level);
    check(what, out.ec, class);
}

static void test_traps(void)
{
    check("ID_AA64PFR0_EL1.GIC", rd("id_aa64pfr0_el1") >> 24 & 15, 1);
    check("ID_PFR1_EL1.GIC", rd("id_pfr1_el1") >> 28 & 15, 1);
    check("ICC_SRE_EL1", read_at(EL1, read_sre), 7);
    trapped("ICH_HCR_EL2 in EL1", EL1, read_ich, 1, 0);
    trapped("ICC_IAR1_EL1, written", EL1, write_iar, 1, 0);
    state(0, SCR_IRQ);
    trapped("SCR_EL3.IRQ: group 1", EL2, read_iar1, 3, 0x18);
    check("SCR_EL3.IRQ: not group 0", read_at(EL2, read_iar0), NONE);
    check("SCR_EL3.IRQ: not what both have", read_at(EL1, read_pmr), 0xf8);
    state(0, SCR_FIQ);
    trapped("SCR_EL3.IRQ, FIQ: what both have", EL1, read_pmr, 3, 0x18);
    trapped("SCR_EL3.IRQ, FIQ: SGIs", EL1, write_sgi, 3, 0x18);
    state(SCR_IRQ, 0);
    check("SCR_EL3.FIQ: half of the priorities", read_at(EL1, read_pmr), 0xf0);
    monitor_reset();
    wr(ICH_HCR, 1 << 10);
    trapped("ICH_HCR_EL2.TC", EL1, read_pmr, 2, 0x18);
    wr(ICH_HCR, 1 << 12);
    trapped("ICH_HCR_EL2.TALL1", EL1, read_iar1, 2, 0x18);
    check("ICH_HCR_EL2.TALL1: not group 0", read_at(EL1, read_iar0), NONE);
    wr(ICH_HCR, 0);
    wr("hcr_el2", rd("hcr_el2") | HCR_IMO);
    trapped("an SGI of a guest", EL1, write_sgi, 2, 0x18);
    monitor_reset();
}

static void test_virtual(void)
{
    wr("hcr_el2", rd("hcr_el2") | HCR_IMO | HCR_FMO);
    wr(ICH_VMCR, 0xf8ul << 24 | 3);
    wr(ICH_HCR, 1);
    wr(ICH_LR0, 1ul << 62 | 1ul << 60 | 0x80ul << 48 | 100);
    go(EL1, unmasked);
    check("a virtual IRQ: level", out.level, 1);
    check("a virtual IRQ: vector", out.vector, HERE + IRQ);
    check("EL2 is not concerned", read_at(EL2, read_iar1), NONE);
    check("the guest's mask", read_at(EL1, read_pmr), 0xf8);
    check("the guest takes it", read_at(EL1, read_iar1), 100);
    check("its list register", rd(ICH_LR0) >> 62, 2);
    go1(EL1 | DAIF, end_1, 100);
    check("its list register, ended", rd(ICH_LR0) >> 62, 0);
    wr(ICH_LR0, 1ul << 62 | 0x80ul << 48 | 101);
    go(EL1, unmasked);
    check("a virtual FIQ: level", out.level, 1);
    check("a virtual FIQ: vector", out.vector, HERE + FIQ);
    wr(ICH_LR0, 0);
    wr(ICH_HCR, 3);
    check("ICH_MISR_EL2", rd(ICH_MISR), 2);
    go(EL1 | DAIF, nothing);
    check("maintenance: level", out.level, 2);
    check("maintenance: vector", out.vector, BELOW + IRQ);
    check("maintenance: number", read_at(EL2, read_iar1), MAINTENANCE);
    wr(ICH_HCR, 0);
    go1(EL2 | DAIF, end_1, MAINTENANCE);
    monitor_reset();
}

void run(void)
{
    monitor_reset();
    set_up();
    test_signals();
    test_life();
    test_traps();
    test_virtual();
}
