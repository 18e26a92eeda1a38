/*
 * main.c - the process: command line to machine, machine to exit status.
 */
#include "base/host.h"
#include "control/cli.h"
#include "migration/snapshot.h"

int main(int argc, char **argv)
{
    static struct cli cli; /* large; used by main alone */
    struct err err = {0};
    int status = 1;
    host_report_crashes();
    int r = cli_parse(&cli, argc, argv, &status, &err);
    if (!r)
        r = cli_fork(&cli, &status, &err);
    if (!r)
        r = cli_create(&cli, &err);
    if (!r && cli.incoming)
        r = snapshot_load(cli.machine, cli.incoming, &err);
    if (!r)
        r = cli_start(&cli, &err);
    if (!r)
        r = machine_run(cli.machine, &status, &err);
    if (r < 0) {
        cli_print_error(&cli, &err);
        status = 1;
    }
    cli_fini(&cli);
    return status;
}
