/*
 * acpi_arm.h - the ACPI tables of an Arm machine: interrupt controller (MADT), timers (GTDT), and
 * the way of PCI devices' messages to an ITS (IORT).
 *
 * Interrupts are GSIs: a GIC's interrupt ids, private ones from 16, shared ones from 32. Main
 * thread.
 */
#ifndef BOOT_ACPI_ARM_H
#define BOOT_ACPI_ARM_H

#include "boot/acpi.h"

enum { ACPI_GIC_REGIONS = 2 };

struct acpi_gic {
    unsigned version;
    u64 distributor;
    /* Version 2 (and 3 where it has that interface); 0: there is none. */
    u64 cpu_interface, virtual_control, virtual_cpu;
    u64 v2m; /* MSI frame; 0: none */
    u32 v2m_first, v2m_count;
    /* Version 3. */
    struct {
        u64 base, size;
    } redistributor[ACPI_GIC_REGIONS]; /* ended by a size of 0 */
    u64 its;                           /* 0: none */
    u32 maintenance, pmu;              /* GSIs of each CPU; 0: none */
};

void acpi_add_madt(struct acpi *a, const struct acpi_gic *g, const u64 *mpidr, u32 cpus);

struct acpi_timers {
    u32 secure, physical, virtual, hypervisor, hypervisor_virtual; /* GSIs; 0: none */
};
void acpi_add_gtdt(struct acpi *a, const struct acpi_timers *t);

/* One PCI segment; requester ids are the ITS's device ids. */
void acpi_add_iort(struct acpi *a);

#endif
