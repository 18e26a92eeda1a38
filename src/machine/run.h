/*
 * run.h - run.c's part of making and freeing a machine; for files of machine/.
 */
#ifndef MACHINE_RUN_H
#define MACHINE_RUN_H

#include "machine/machine.h"

void machine_run_init(struct machine *m);
void machine_run_fini(struct machine *m);
/* Any thread: the guest, or its CPU, cannot go on. */
void machine_request_panic(struct machine *m, int status);

#endif
