/*
 * serror.c - virtual SErrors: taken by EL1 where nothing masks them, with VSESR_EL2's syndrome; deferred by ESB where
 * PSTATE.A does, into VDISR_EL2, which EL1 then has for DISR_EL1.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

#define HCR_AMO (1ul << 5)
#define HCR_VSE (1ul << 8)
#define PSTATE_A (1ul << 8)
#define VSESR_EL2 "S3_4_C5_C2_3"
#define DISR_EL1 "S3_0_C12_C1_1"
#define VDISR_EL2 "S3_4_C12_C1_1"
enum { SYNDROME = 0x1234567 };

PIECE(esb, "hint #16");
PIECE(esb_disr, "hint #16\n mrs x0, " DISR_EL1 "\n msr " DISR_EL1 ", xzr\n mrs x1, " DISR_EL1);
PIECE(esb_unmask, "hint #16\n msr daifclr, #4\n nop");
PIECE(nothing, "nop");

static void pend(u64 hcr)
{
    wr(VSESR_EL2, SYNDROME);
    wr(VDISR_EL2, 0);
    wr("hcr_el2", (rd("hcr_el2") & ~(HCR_AMO | HCR_VSE)) | hcr);
}

static void check_deferred(u64 state)
{
    pend(HCR_AMO | HCR_VSE);
    go(state, esb_unmask);
    check_ended("nothing is left to take");
    check("HCR_EL2.VSE", rd("hcr_el2") & HCR_VSE, 0);
    check("VDISR_EL2", rd(VDISR_EL2), 1ul << 31 | SYNDROME);
}

void run(void)
{
    check_deferred(EL1);
    pend(HCR_AMO | HCR_VSE);
    go(EL1, esb_disr);
    check_ended("DISR_EL1 at EL1");
    check("DISR_EL1 at EL1", monitor_x[0], 1ul << 31 | SYNDROME);
    check("... written", monitor_x[1], 0);
    check("VDISR_EL2", rd(VDISR_EL2), 0);
    check("DISR_EL1 at EL3", rd(DISR_EL1), 0);

    /* masked, and no ESB: it waits */
    pend(HCR_AMO | HCR_VSE);
    go(EL1, nothing);
    check_ended("masked");
    check("HCR_EL2.VSE waits", rd("hcr_el2") & HCR_VSE, HCR_VSE);
    go_unmasked(EL1 | (DAIF & ~PSTATE_A), nothing);
    check_taken("taken", 1, 0x2f, SYNDROME);
    check("HCR_EL2.VSE", rd("hcr_el2") & HCR_VSE, 0);

    /* not enabled, and at EL2: ESB leaves it alone */
    pend(HCR_VSE);
    go(EL1, esb);
    check_ended("without AMO");
    check("HCR_EL2.VSE without AMO", rd("hcr_el2") & HCR_VSE, HCR_VSE);
    pend(HCR_AMO | HCR_VSE);
    go(EL2, esb);
    check_ended("at EL2");
    check("HCR_EL2.VSE at EL2", rd("hcr_el2") & HCR_VSE, HCR_VSE);
    check("VDISR_EL2 at EL2", rd(VDISR_EL2), 0);
    monitor_reset();
}
