/*
 * arm_gicv3.h - what a board does with a GICv3 ("arm-gicv3") and its ITS ("arm-gicv3-its").
 *
 * The CPU interfaces are system registers, which the board hands on from its CPUs; the GIC's other
 * side are its outputs, GICV3_OUTPUTS for each CPU.
 *
 * Connecting: main thread, before reset. Registers: the CPU's own thread. Everything takes the
 * GIC's lock itself, under which outputs are driven.
 */
#ifndef DEVICE_INTC_ARM_GICV3_H
#define DEVICE_INTC_ARM_GICV3_H

#include "device/device.h"

enum {
    GICV3_CPUS = 512,
    GICV3_MAINTENANCE_PPI = 25, /* wired inside (SBSA) */
};
#define GICV3_DIST_SIZE   UINT64_C(0x10000)
#define GICV3_REDIST_SIZE UINT64_C(0x20000) /* of each CPU */
#define GICV3_ITS_SIZE    UINT64_C(0x20000)

/* Where the distributor and the redistributors, one after the other, are seen: with two Security
 * states, by Non-secure accesses, and by Secure ones. */
enum gicv3_mmio { GICV3_DIST, GICV3_REDIST, GICV3_SECURE_DIST, GICV3_SECURE_REDIST, GICV3_MMIOS };

/* Group 1 is IRQ where there is one Security state; of two, a CPU's level and state decide whether
 * it is IRQ or FIQ (Arm IHI 0069, 4.6.2). */
enum gicv3_output {
    GICV3_IRQ,
    GICV3_FIQ,
    GICV3_VIRQ,
    GICV3_VFIQ,
    GICV3_GROUP1S,
    GICV3_GROUP1NS,
    GICV3_OUTPUTS
};

/* An access to ICC_* or ICH_*. */
struct gicv3_access {
    u32 encoding; /* op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2 */
    u8 el;
    bool secure;     /* the state below EL3: at EL3, SCR_EL3.NS is 0 */
    bool virtual;    /* EL1, and HCR_EL2 makes the register ICV_*, or trap where there is none */
    bool fiq_to_el3; /* SCR_EL3.FIQ */
    bool has_el2;    /* ICH_* are registers */
};
enum gicv3_result { GICV3_OK, GICV3_UNDEFINED, GICV3_TRAP_EL2 };
enum gicv3_result gicv3_register_read(struct device *gic, u32 cpu, const struct gicv3_access *at,
                                      u64 *value);
enum gicv3_result gicv3_register_write(struct device *gic, u32 cpu, const struct gicv3_access *at,
                                       u64 value);

/* MPIDR_EL1's fields: Aff3 in bits 39..32, Aff2..Aff0 in 23..0. */
void gicv3_set_affinity(struct device *gic, u32 cpu, u64 mpidr);

/* After reset: all interrupts are the Non-secure state's, as secure firmware would leave them. */
void gicv3_hand_over(struct device *gic);

/* Before reset; without it an ITS has no redistributors. */
void gicv3_its_connect(struct device *its, struct device *gic);

#endif
