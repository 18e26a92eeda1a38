/*
 * psci.h - the Power State Coordination Interface that a board plays when no firmware does:
 * version 1.1, with SMCCC 1.1.
 *
 * Calls come on the calling CPU's thread and take psci.lock, so two CPUs may call at once. A CPU
 * that is off has cpu->powered_off set and its thread stopped; one that is turned on is let go on
 * the loop's thread, and only while the machine runs: a machine that is being stopped stays so.
 */
#ifndef BOOT_PSCI_H
#define BOOT_PSCI_H

#include <pthread.h>
#include "machine/machine.h"

struct psci {
    struct machine *m;
    /* Given by the board. affinity: MPIDR of a CPU, affinity fields only. start: after a reset of
     * the CPU, which is stopped: pc, x0, bit 0 of pc: 32-bit Thumb. wait: as WFI. */
    u64 (*affinity)(const struct cpu *cpu);
    void (*start)(struct cpu *cpu, u64 pc, u64 x0);
    void (*wait)(struct cpu *cpu);
    pthread_mutex_t lock;
    struct loop_task go;
};

void psci_init(struct psci *p, struct machine *m);
void psci_fini(struct psci *p);
/* With x[0] a function identifier: x[0..3] are the results. Unknown ones are answered too, whosever they are (SMCCC 5.2):
 * kernels ask for hypervisors' services this way. */
void psci_call(struct psci *p, struct cpu *cpu, u64 x[8]);

#endif
