/*
 * arm_gicv2.h - what a board does with a GICv2 ("arm_gic").
 *
 * Each CPU sees registers of its own (regions), and is driven by wires of its own (outputs). With
 * the Security Extensions its Secure accesses find others at the same addresses. Main thread.
 */
#ifndef DEVICE_INTC_ARM_GICV2_H
#define DEVICE_INTC_ARM_GICV2_H

#include "device/device.h"

enum {
    GICV2_CPUS = 8,
    GICV2_MAINTENANCE_PPI = 25, /* wired inside (SBSA) */
};

/* Regions of a CPU. The last two are the Virtualization Extensions': GICH, GICV. */
enum gicv2_mmio {
    GICV2_DIST,
    GICV2_FACE,
    GICV2_SECURE_DIST,
    GICV2_SECURE_FACE,
    GICV2_CONTROL,
    GICV2_VIRTUAL_FACE,
    GICV2_MMIOS
};
enum gicv2_output { GICV2_IRQ, GICV2_FIQ, GICV2_VIRQ, GICV2_VFIQ, GICV2_OUTPUTS };

/* The number of a CPU's region or output: pairs of all CPUs, then the next pairs. */
static inline unsigned gicv2_number(unsigned kind, unsigned cpu)
{
    return kind / 2 * 2 * GICV2_CPUS + 2 * cpu + kind % 2;
}

/* After reset, with two Security states: all is the Non-secure state's, as secure firmware would
 * leave it. */
void gicv2_hand_over(struct device *gic);

#endif
