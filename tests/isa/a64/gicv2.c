/*
 * gicv2.c - a GICv2 with both extensions seen from a CPU: EL3 and EL1 find different registers at the same addresses,
 * group 0 is FIQ; a list register's interrupt comes to EL1, and the maintenance interrupt to EL2.
 */
// options: -M virt,secure=on,virtualization=on,gic-version=2 -cpu max
// load: bios
#include "monitor.h"

#define GICD 0x08000000ul
#define GICC 0x08010000ul
#define GICH 0x08030000ul
#define GICV 0x08040000ul
enum { CTLR = 0, PMR = 4, IAR = 0xc, EOIR = 0x10, RPR = 0x14 };
enum { IGROUPR = 0x80, ISENABLER = 0x100, ISPENDR = 0x200, ICPENDR = 0x280, ISACTIVER = 0x300, SGIR = 0xf00 };
enum { HCR = 0, VTR = 4, MISR = 0x10, LR0 = 0x100 };
enum { SCR_NS = 1, HCR_FMO = 8, HCR_IMO = 16 };
enum { IRQ = 0x80, FIQ = 0x100, HERE = 0x200, BELOW = 0x400 };
enum { SGI_SECURE = 2, SGI_NORMAL = 9, MAINTENANCE = 25, OTHER_GROUP = 1022, NONE = 1023 };

PIECE(nothing, "nop\n nop");
PIECE(load, "ldr w0, [x0]");
PIECE(store, "str w1, [x0]");

/* EL3 is Secure. */
static u32 secure(u64 address)
{
    return *(volatile u32 *)address;
}

static void secure_put(u64 address, u32 v)
{
    *(volatile u32 *)address = v;
}

static u64 at(u64 level, u64 address)
{
    go1(level | DAIF, load, address);
    check_ended("a load");
    return monitor_x[0];
}

static void put_at(u64 level, u64 address, u32 v)
{
    go2(level | DAIF, store, address, v);
    check_ended("a store");
}

static void leads(const char *what, u64 from, u64 level, u64 vector)
{
    go_unmasked(from, nothing);
    check(what, out.level, level);
    check(what, out.vector, vector);
}

static void set_up(void)
{
    secure_put(GICD, 3);
    secure_put(GICD + IGROUPR, 0xffff0000 | 1u << SGI_NORMAL);
    secure_put(GICD + ISENABLER, 1u << MAINTENANCE);
    secure_put(GICC + CTLR, 0xb); /* both groups, FIQEn */
    secure_put(GICC + PMR, 0xff);
}

static void test_views(void)
{
    check("GICD_TYPER.SecurityExtn", secure(GICD + 4) >> 10 & 1, 1);
    check("GICD_IGROUPR of EL1", at(EL1, GICD + IGROUPR), 0);
    check("GICD_CTLR of EL1", at(EL1, GICD), 1);
    check("GICC_CTLR of EL1", at(EL1, GICC), 1);
    check("GICC_PMR of EL1", at(EL1, GICC + PMR), 0xfe);
    check("GICD_ISENABLER of EL1", at(EL1, GICD + ISENABLER), 1u << MAINTENANCE | 1u << SGI_NORMAL);
    wr("scr_el3", rd("scr_el3") & ~(u64)SCR_NS);
    check("GICD_IGROUPR of Secure EL1", at(EL1, GICD + IGROUPR), secure(GICD + IGROUPR));
    monitor_reset();
    put_at(EL1, GICC + PMR, 0xf0);
    check("GICC_PMR that EL1 wrote", secure(GICC + PMR), 0xf8);
}

static void test_life(void)
{
    secure_put(GICD + SGIR, 2u << 24 | SGI_SECURE);
    leads("group 0 is FIQ", EL1, 1, HERE + FIQ);
    check("EL1 does not see it", at(EL1, GICC + IAR), NONE);
    check("EL3 takes it", secure(GICC + IAR), SGI_SECURE);
    secure_put(GICC + EOIR, SGI_SECURE);
    put_at(EL1, GICD + SGIR, 2u << 24 | SGI_SECURE);
    check("EL1 cannot send it", secure(GICD + ISPENDR), 0);
    put_at(EL1, GICD + SGIR, 2u << 24 | SGI_NORMAL);
    leads("group 1 is IRQ", EL1, 1, HERE + IRQ);
    check("it is not EL3's", secure(GICC + IAR), OTHER_GROUP);
    check("EL1 takes it", at(EL1, GICC + IAR), SGI_NORMAL);
    put_at(EL1, GICC + EOIR, SGI_NORMAL);
    check("it is ended", secure(GICD + ISACTIVER), 0);
}

static void test_virtual(void)
{
    wr("hcr_el2", rd("hcr_el2") | HCR_IMO | HCR_FMO);
    check("GICH_VTR", at(EL2, GICH + VTR), 0x90000003);
    put_at(EL1, GICV + CTLR, 9);
    put_at(EL1, GICV + PMR, 0xff);
    put_at(EL2, GICH + HCR, 1);
    put_at(EL2, GICH + LR0, 1u << 28 | 0x10u << 23 | 100);
    leads("a virtual FIQ", EL1, 1, HERE + FIQ);
    put_at(EL1, GICV + CTLR, 1);
    leads("a virtual IRQ", EL1, 1, HERE + IRQ);
    check("the guest takes it", at(EL1, GICV + IAR), 100);
    check("it is active", secure(GICH + LR0) >> 28, 2);
    go_unmasked(EL1, nothing);
    check_ended("and then there is none");
    put_at(EL1, GICV + EOIR, 100);
    check("its list register", secure(GICH + LR0) >> 28, 0);
    put_at(EL2, GICH + HCR, 3);
    check("GICH_MISR", at(EL2, GICH + MISR), 2);
    leads("maintenance", EL1, 2, BELOW + IRQ);
    check("its number", at(EL2, GICC + IAR), MAINTENANCE);
    put_at(EL2, GICH + HCR, 0);
    put_at(EL2, GICC + EOIR, MAINTENANCE);
    monitor_reset();
}

void run(void)
{
    monitor_reset();
    set_up();
    test_views();
    test_life();
    test_virtual();
}
