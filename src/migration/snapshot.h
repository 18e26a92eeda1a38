/*
 * snapshot.h - a whole machine saved to a file and loaded again, through its state tables.
 *
 * The stream (state/stream.h) has no trace of the engine: what was saved under jit is loaded under
 * interp. It loads into a machine made by the same options: architecture, board, CPU model and
 * number, RAM and devices are compared first.
 *
 * On the loop's thread. Where to is said as URI; accepted is file:PATH.
 */
#ifndef MIGRATION_SNAPSHOT_H
#define MIGRATION_SNAPSHOT_H

#include "machine/machine.h"

/* Is uri one that can be saved to and loaded from? Touches nothing. */
int must_check snapshot_check_uri(const char *uri, struct err *err);
/* Stops the machine and saves it. PATH is replaced when all is on the disk: a failure leaves the
 * older file as it was, and the machine goes on. Afterwards it is in state postmigrate. */
int must_check snapshot_save(struct machine *m, const char *uri, struct err *err);
/* Into a machine that has never run (machine_init; state prelaunch or inmigrate), whose threads may
 * be started or not. It runs or is paused then as when it was saved, but paused under -S. After a
 * failure it is only good to be reset or freed. */
int must_check snapshot_load(struct machine *m, const char *uri, struct err *err);

#endif
