/*
 * snapshot_head.h - the first section of a snapshot: which machine it is of. For migration/ only.
 */
#ifndef MIGRATION_SNAPSHOT_HEAD_H
#define MIGRATION_SNAPSHOT_HEAD_H

#include "machine/machine.h"

enum { SNAPSHOT_NAME = 64, SNAPSHOT_TEXT = 256 };

struct snapshot_ram {
    char name[SNAPSHOT_NAME];
    u64 size;
};
struct snapshot_device {
    char id[SNAPSHOT_TEXT], type[SNAPSHOT_NAME];
};
struct snapshot_head {
    char arch[SNAPSHOT_NAME], board[SNAPSHOT_NAME], cpu[SNAPSHOT_TEXT];
    u32 cpus, ram_count, device_count;
    struct snapshot_ram *ram;
    struct snapshot_device *devices;
    u64 ram_size, clock; /* clock: the virtual one's time */
    bool running;        /* when saving began */
};

extern const struct state_table snapshot_head_state;

/* -ENAMETOOLONG: a name that does not fit. Freed by state_free in any case. */
int must_check snapshot_head_fill(struct snapshot_head *h, struct machine *m, struct err *err);
/* Is m the machine that h tells of? */
int must_check snapshot_head_check(const struct snapshot_head *h, struct machine *m,
                                   struct err *err);

#endif
