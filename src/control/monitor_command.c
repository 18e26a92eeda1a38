/*
 * monitor_command.c - the commands of the monitor, in one table.
 */
#include <errno.h>

#include "control/monitor_impl.h"
#include "migration/snapshot.h"

static int help_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    char *word = monitor_word(&args);
    if (!word) {
        monitor_list(monitor_commands, "", out);
        return 0;
    }
    const struct monitor_command *c = monitor_find(monitor_commands, "command", word, err);
    if (!c)
        return -err->code;
    const struct monitor_command one[] = {*c, {0}};
    if (!strcmp(c->name, "info"))
        monitor_list(monitor_infos, "info ", out);
    else
        monitor_list(one, "", out);
    return 0;
}

static int info_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    char *word = monitor_word(&args);
    if (!word) {
        monitor_list(monitor_infos, "info ", out);
        return 0;
    }
    const struct monitor_command *c = monitor_find(monitor_infos, "subject of info", word, err);
    return c ? c->fn(mon, args + strspn(args, " "), out, err) : -err->code;
}

/* ---- Run state ------------------------------------------------------------------------------- */

static int quit_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    int r = monitor_no_args(args, err);
    if (!r)
        machine_request_quit(mon->machine, 0);
    return r;
}

static int reset_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    int r = monitor_no_args(args, err);
    if (!r)
        machine_request_reset(mon->machine);
    return r;
}

static int powerdown_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    int r = monitor_no_args(args, err);
    return r ? r : machine_power_button(mon->machine, err);
}

static int stop_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    int r = monitor_no_args(args, err);
    if (!r && mon->machine->state == MACHINE_RUNNING)
        machine_stop(mon->machine, MACHINE_PAUSED);
    return r;
}

static int cont_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    int r = monitor_no_args(args, err);
    if (!r && mon->machine->state == MACHINE_INMIGRATE)
        return err_set(err, EBUSY, "the machine waits for its state to be loaded");
    return r ? r : machine_go(mon->machine, err);
}

/* ---- Settings -------------------------------------------------------------------------------- */

static int cpu_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    u64 n;
    int r = monitor_expr_all(mon, args, &n, err);
    if (r)
        return r;
    if (n >= mon->machine->cpu_count)
        return err_set(err, EINVAL, "CPU %s: there are 0 to %u", args, mon->machine->cpu_count - 1);
    mon->cpu = (u32)n;
    return 0;
}

static void print_log_items(const struct log *log, FILE *out)
{
    for (const struct log_item_name *i = log_item_names; i->name; i++)
        fprintf(out, "%-14s %s%s\n", i->name, i->help, log_on(log, i->bit) ? " (on)" : "");
}

static int log_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    struct log *log = &mon->machine->log;
    if (!*args) {
        print_log_items(log, out);
        return 0;
    }
    u32 before = atomic_exchange(&log->items, 0);
    int r = strcmp(args, "none") ? log_set_items(log, args, err) : 0;
    if (r)
        atomic_store(&log->items, before);
    return r;
}

static int migrate_fn(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    if (!strncmp(args, "-d ", 3)) /* in the background, others say: it ends before we answer */
        args += 3 + strspn(args + 3, " ");
    if (!*args)
        return err_set(err, EINVAL, "migrate: where to is missing; accepted is file:PATH");
    return snapshot_save(mon->machine, args, err);
}

/* ---- The table ------------------------------------------------------------------------------- */

const struct monitor_command monitor_commands[] = {
    {"help", "?", "[command]", "show this, or one command's", help_fn},
    {"info", NULL, "[subject]", "show the state of the machine (info: what there is)", info_fn},
    {"quit", "q", NULL, "end guise", quit_fn},
    {"stop", "s", NULL, "stop the machine", stop_fn},
    {"cont", "c", NULL, "go on", cont_fn},
    {"system_reset", NULL, NULL, "reset the machine", reset_fn},
    {"system_powerdown", NULL, NULL, "press the power button", powerdown_fn},
    {"cpu", NULL, "index", "choose the CPU whose registers and memory are meant", cpu_fn},
    {"x", NULL, "/fmt addr",
     "show memory at a virtual address; fmt: count, then x d u o c or i (instructions), then b h w "
     "g",
     monitor_examine},
    {"xp", NULL, "/fmt addr", "show memory at a physical address", monitor_examine_physical},
    {"print", "p", "/fmt expr", "show a value: + - * / % & ^ | ~ << >> ( ) $pc", monitor_print},
    {"log", NULL, "item1[,...]|none", "log these alone; without items: show what there is", log_fn},
    {"migrate", NULL, "file:PATH", "stop the machine and save it, for -incoming file:PATH",
     migrate_fn},
    {NULL},
};
