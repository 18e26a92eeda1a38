/*
 * monitor.h - the monitor for people: commands typed on a character backend.
 *
 * On the loop's thread, after machine_init.
 */
#ifndef CONTROL_MONITOR_H
#define CONTROL_MONITOR_H

#include "machine/machine.h"

struct chardev;
struct monitor;

/* On c, which stays the caller's. NULL and err on failure. */
struct monitor *must_check monitor_open(struct machine *m, struct chardev *c, struct err *err);
/* Before c is closed and the machine freed. */
void monitor_close(struct monitor *mon);

#endif
