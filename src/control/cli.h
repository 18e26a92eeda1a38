/*
 * cli.h - the command line: what people type becomes a struct cli, which then becomes a machine.
 *
 * Steps, so that nothing is created or overwritten before everything was checked:
 *   cli_parse   text only: options, names, files that must be there
 *   cli_fork    -daemonize: the rest is done by a process in the background
 *   cli_create  opens backends, makes and initialises the machine: reads, and leaves no trace
 *   cli_start   creates and overwrites: log, files of backends, sockets' names, pidfile
 * Main thread.
 */
#ifndef CONTROL_CLI_H
#define CONTROL_CLI_H

#include "boot/smbios.h"
#include "machine/machine.h"

enum { CLI_MAX = 64 }; /* of each kind of repeated option */

/* What an option that may be repeated said: -device, -drive, -netdev ... in order. */
struct cli_list {
    struct option_list item[CLI_MAX];
    u32 count;
};
struct cli_texts {
    const char *text[CLI_MAX];
    u32 count;
};

/* Whether the process confines itself. AUTO: as far as the host can. */
enum cli_sandbox { CLI_SANDBOX_AUTO, CLI_SANDBOX_ON, CLI_SANDBOX_OFF };

struct cli {
    const char *program;
    struct machine_config config;
    char *machine_name, *accel, *name;
    char *flash[MACHINE_FLASHES]; /* -machine pflash0=, pflash1= */
    struct option_list machine_options;
    struct cli_list devices, globals, drives, blockdevs, netdevs, nics, chardevs, monitors;
    struct smbios_options smbios;
    struct cli_texts serials, monitor_texts, search;
    const char *log_items, *log_file, *pidfile, *incoming;
    int sandbox; /* enum cli_sandbox */
    bool nographic, display_none, no_defaults, daemon, kvm, timestamp, guest_name;
    /* After cli_create. */
    struct machine_global global[CLI_MAX]; /* of globals */
    const char *stdio_user;                /* id of the backend that has the terminal */
    bool shared[MACHINE_SERIALS];          /* -serial mon: a monitor is on it too */
    struct loop_watch signals;
    int pidfile_fd; /* 0: none was written */
    int ready_fd;   /* -daemonize: who waits hears there that all is ready; 0: nobody waits */
    struct machine *machine;
    struct monitor *monitor_list[CLI_MAX];
    u32 monitor_count;
};

/* 0: go on. 1: help or version was printed, *status is the exit status. -errno: err. */
int must_check cli_parse(struct cli *cli, int argc, char **argv, int *status, struct err *err);
/* 1: this is the process that was started, and *status says how the one behind it has started. */
int must_check cli_fork(struct cli *cli, int *status, struct err *err);
int must_check cli_create(struct cli *cli, struct err *err);
int must_check cli_start(struct cli *cli, struct err *err);
/* On standard error, with what -msg puts before it. */
void cli_print_error(const struct cli *cli, const struct err *err);
void cli_fini(struct cli *cli);

#endif
