/*
 * monitor_impl.h - what the files of the monitor share; for no one else.
 *
 *   monitor.c          the front: lines in, text out, a command found and run
 *   monitor_edit.c     the line being typed
 *   monitor_command.c  the table of commands
 *   monitor_info.c     the table of `info`
 *   monitor_memory.c   x, xp, print
 *   monitor_expr.c     numbers, registers, operators
 */
#ifndef CONTROL_MONITOR_IMPL_H
#define CONTROL_MONITOR_IMPL_H

#include <stdio.h>
#include "backend/char/char.h"
#include "control/monitor.h"
#include "control/monitor_edit.h"
#include "loop/timer.h"

struct monitor {
    struct machine *machine;
    struct chardev *chardev;
    struct monitor_edit edit;
    bool greeted;
    bool busy;         /* a command runs: it may turn the loop */
    u32 cpu;           /* whose registers and memory are meant */
    char format, size; /* of the last x, xp, print */
    /* Text that the chardev has not taken yet; tried again when the timer says so. */
    char *out;
    size_t out_used, out_size;
    struct clock clock;
    struct timer retry;
};

/* A command, or a subject of `info`. Tables end with a NULL name. */
struct monitor_command {
    const char *name, *alias, *args, *help;
    /* args: what follows the name, without spaces around it; may be cut into pieces. What is
     * printed to out is shown before the error. */
    int (*fn)(struct monitor *mon, char *args, FILE *out, struct err *err);
};
extern const struct monitor_command monitor_commands[], monitor_infos[];

/* NULL and err ("unknown WHAT ..."). */
const struct monitor_command *must_check monitor_find(const struct monitor_command *table,
                                                      const char *what, const char *name,
                                                      struct err *err);
/* "name|alias args -- help", of all. */
void monitor_list(const struct monitor_command *table, const char *prefix, FILE *out);
/* Cuts the first word off *text; NULL: there is none. */
char *monitor_word(char **text);
int must_check monitor_no_args(const char *args, struct err *err);
static inline struct cpu *monitor_cpu(const struct monitor *mon)
{
    return mon->machine->cpus[mon->cpu];
}

/* ---- monitor_expr.c ---- */
/* + - * / % & ^ | ~ << >> ( ), numbers, $registers of the monitor's CPU. *text moves behind it. */
int must_check monitor_expr(struct monitor *mon, const char **text, u64 *value, struct err *err);
/* All of text. */
int must_check monitor_expr_all(struct monitor *mon, const char *text, u64 *value, struct err *err);

/* ---- monitor_memory.c ---- */
int monitor_examine(struct monitor *mon, char *args, FILE *out, struct err *err);
int monitor_examine_physical(struct monitor *mon, char *args, FILE *out, struct err *err);
int monitor_print(struct monitor *mon, char *args, FILE *out, struct err *err);

#endif
