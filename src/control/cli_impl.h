/*
 * cli_impl.h - what the files of the command line share; for no one else.
 */
#ifndef CONTROL_CLI_IMPL_H
#define CONTROL_CLI_IMPL_H

#include "control/cli.h"

/* Of a set function: something was printed, end with status 0. */
enum { CLI_DONE = 1 };

typedef int cli_set(struct cli *cli, const char *text, struct err *err);

struct cli_option {
    const char *name, *argument, /* argument NULL: none */
        *help;                   /* NULL: another name of the one before */
    cli_set *set;
};
extern const struct cli_option cli_options[]; /* ended by a NULL name */

/* What others have by that name: refused with the reason. */
struct cli_absent {
    const char *names; /* between spaces */
    const char *why;
};
extern const struct cli_absent cli_absents[];

int must_check cli_add_list(struct cli_list *list, const char *option, const char *text,
                            const char *implied, struct err *err);
/* A whole option by a table: parsed, written into object; or, asked for help, explained (CLI_DONE).
 */
int must_check cli_load(const char *option, const char *text, const char *implied,
                        const struct option *table, void *object, struct err *err);
bool cli_is_help(const char *text);   /* "help" */
bool cli_asks_help(const char *text); /* or "NAME,help" */

/* ---- cli_machine.c ---- */
const char *cli_arch_family(const struct cli *cli); /* name of the -arch's isa; NULL: none chosen */
cli_set cli_set_arch, cli_set_machine, cli_set_cpu, cli_set_smp, cli_set_memory, cli_set_accel,
    cli_set_kvm, cli_set_boot, cli_set_action, cli_set_rtc, cli_set_name, cli_set_uuid;
/* What -machine says: the board, and what is not the board's own. Last, as the rest chooses among
 * architectures. */
int must_check cli_take_machine(struct cli *cli, struct err *err);

/* ---- cli_process.c ---- */
/* -daemonize: all is ready, who waits for it goes. */
int must_check cli_go_background(struct cli *cli, struct err *err);
int must_check cli_confine(struct cli *cli, struct err *err);
int must_check cli_watch_signals(struct cli *cli, struct err *err);
void cli_ignore_signals(struct cli *cli);
int must_check cli_check_pidfile(const struct cli *cli, struct err *err);
int must_check cli_write_pidfile(struct cli *cli, struct err *err);
void cli_remove_pidfile(struct cli *cli);

/* ---- cli_backends.c ---- */
int must_check cli_check_backends(struct cli *cli, struct err *err); /* touches nothing */
int must_check cli_open_backends(struct cli *cli, struct err *err);
int must_check cli_open_monitors(struct cli *cli, struct err *err);
void cli_close_monitors(struct cli *cli);

#endif
