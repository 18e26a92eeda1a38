/*
 * cli.c - from words to a machine: parsing, what can be checked without touching anything, making,
 * starting.
 *
 * An option is written -name or --name. Its argument, where it takes one, is the next word.
 */
#include "control/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "control/cli_impl.h"

/* ---- Parsing --------------------------------------------------------------------------------- */

static const struct cli_absent *find_absent(const char *name)
{
    char between[64];
    const struct cli_absent *a = cli_absents;
    snprintf(between, sizeof(between), " %s ", name);
    while (a->names && !strstr(a->names, between))
        a++;
    return a->names ? a : NULL;
}

static const struct cli_option *find_option(const char *word, struct err *err)
{
    const char *names[128] = {0};
    const char *name = word + 1 + (word[1] == '-');
    unsigned n = 0;
    for (const struct cli_option *o = cli_options; o->name; o++) {
        if (!strcmp(o->name, name))
            return o;
        if (n + 1 < ARRAY_SIZE(names))
            names[n++] = o->name;
    }
    const struct cli_absent *absent = find_absent(name);
    if (absent) {
        err_set(err, ENOTSUP, "%s: %s", word, absent->why);
        return NULL;
    }
    err_set(err, EINVAL, "%s: no such option (-help lists them)", word);
    err_suggest(err, name, names);
    return NULL;
}

/* The architecture that the program's name asks for: qemu-system-riscv64, guise-riscv64. */
static void arch_from_program(struct cli *cli)
{
    const char *dash = strrchr(cli->program, '-');
    struct err ignored;
    if (dash && strcmp(dash, "-help") && cli_set_arch(cli, dash + 1, &ignored))
        cli->config.arch = NULL;
}

static int parse_words(struct cli *cli, int argc, char **argv, struct err *err)
{
    /* First, as help of other options depends on it. */
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], "-arch") || !strcmp(argv[i], "--arch")) {
            int r = cli_set_arch(cli, argv[i + 1], err);
            if (r)
                return r;
        }
    }
    for (int i = 1; i < argc; i++) {
        /* A word alone is a disk. */
        bool disk = argv[i][0] != '-' || !argv[i][1];
        const struct cli_option *o = find_option(disk ? "-hda" : argv[i], err);
        if (!o)
            return -EINVAL;
        if (!disk && o->argument && i + 1 == argc)
            return err_set(err, EINVAL, "%s: its argument is missing: -%s %s", argv[i], o->name,
                           o->argument);
        int r = o->set(cli, disk ? argv[i] : o->argument ? argv[++i] : NULL, err);
        if (r)
            return r;
    }
    return 0;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static int check_readable(const char *option, const char *path, struct err *err)
{
    struct stat st;
    if (!path)
        return 0;
    if (access(path, R_OK))
        return err_set_errno(err, errno, "%s %s", option, path);
    return stat(path, &st) || S_ISDIR(st.st_mode)
               ? err_set(err, EISDIR, "%s %s: is a folder", option, path)
               : 0;
}

static int check_incoming(const char *from, struct err *err)
{
    if (!from)
        return 0;
    if (strncmp(from, "file:", 5))
        return err_set(err, EINVAL, "-incoming %s: accepted is file:FILE", from);
    return check_readable("-incoming", from + 5, err);
}

static int check_boot(const struct machine_config *c, struct err *err)
{
    int r = check_readable("-kernel", c->kernel, err);
    r = r ? r : check_readable("-initrd", c->initrd, err);
    r = r ? r : check_readable("-dtb", c->dtb, err);
    if (!r && (c->initrd || c->append) && !c->kernel)
        r = err_set(err, EINVAL, "%s needs -kernel", c->initrd ? "-initrd" : "-append");
    return r;
}

static int check_sizes(const struct machine_config *c, struct err *err)
{
    u32 most = c->board->max_cpus;
    return c->max_cpus > most ? err_set(err, EINVAL, "-smp %u: machine %s has at most %u CPUs",
                                        c->max_cpus, c->board->name, most)
                              : 0;
}

/* Devices' names, without making any. */
static int check_devices(struct cli *cli, struct err *err)
{
    for (u32 i = 0; i < cli->devices.count; i++) {
        const char *name = option_get(&cli->devices.item[i], "driver");
        if (!name)
            return err_set(err, EINVAL, "-device: the device's name is missing");
        if (!device_type_find(name, err))
            return -ENOENT;
    }
    return 0;
}

static int check_globals(struct cli *cli, struct err *err)
{
    for (u32 i = 0; i < cli->globals.count; i++) {
        struct option_list *list = &cli->globals.item[i];
        const char *driver = option_get(list, "driver"), *name = option_get(list, "property"),
                   *value = option_get(list, "value");
        if (!driver || !name || !value)
            return err_set(err, EINVAL,
                           "-global: accepted is DRIVER.PROPERTY=VALUE, or all of driver=, "
                           "property= and value=");
        const struct device_type *t = device_type_find(driver, err);
        int r = t ? device_type_check(t, name, value, err) : -ENOENT;
        if (r)
            return err_prefix(err, "-global %s.%s=%s", driver, name, value);
        cli->global[i] = (struct machine_global){.driver = driver, .name = name, .value = value};
    }
    return 0;
}

/* A port that is not there: nothing can be lost by null and none. */
static int check_serials(const struct cli *cli, struct err *err)
{
    const struct board *b = cli->config.board;
    u32 ports = b->serials ? b->serials : MACHINE_SERIALS;
    if (cli->serials.count > MACHINE_SERIALS)
        return err_set(err, E2BIG, "-serial: at most %d", MACHINE_SERIALS);
    for (u32 i = ports; i < cli->serials.count; i++) {
        const char *text = cli->serials.text[i];
        if (strcmp(text, "none") && strcmp(text, "null"))
            return err_set(err, ENODEV,
                           "-serial %s: machine %s has %u serial port%s; -device virtconsole makes "
                           "more",
                           text, b->name, ports, ports == 1 ? "" : "s");
    }
    return 0;
}

static int check_outputs(const struct cli *cli, struct err *err)
{
    int r = cli->log_file ? host_output_check("-D ", cli->log_file, err) : 0;
    return r ? r : cli_check_pidfile(cli, err);
}

static int check_all(struct cli *cli, struct err *err)
{
    int r = cli->kvm && !cli->accel
                ? err_set(err, ENOTSUP, "-accel kvm: there is no KVM yet; accepted are jit, interp")
                : 0;
    r = r ? r : check_boot(&cli->config, err);
    r = r ? r : check_sizes(&cli->config, err);
    r = r ? r : check_incoming(cli->incoming, err);
    r = r ? r : check_devices(cli, err);
    r = r ? r : check_globals(cli, err);
    r = r ? r : check_serials(cli, err);
    r = r ? r : check_outputs(cli, err);
    return r ? r : cli_check_backends(cli, err);
}

int cli_parse(struct cli *cli, int argc, char **argv, int *status, struct err *err)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    memset(cli, 0, sizeof(*cli));
    cli->program = slash ? slash + 1 : argc > 0 ? argv[0] : "guise";
    arch_from_program(cli);
    int r = parse_words(cli, argc, argv, err);
    r = r ? r : cli_take_machine(cli, err);
    r = r ? r : check_all(cli, err);
    *status = r < 0;
    return r;
}

/* ---- Making ---------------------------------------------------------------------------------- */

int cli_create(struct cli *cli, struct err *err)
{
    struct machine_config *c = &cli->config;
    c->board_options = &cli->machine_options;
    c->accel = cli->accel;
    c->smbios = &cli->smbios;
    c->devices = cli->devices.item;
    c->globals = cli->global;
    c->global_count = cli->globals.count;
    c->search_dirs = cli->search.text;
    c->incoming = cli->incoming != NULL;
    cli->search.text[MIN(cli->search.count, CLI_MAX - 1)] = NULL;
    cli->machine = machine_new(&(struct loop_config){.name = "main"}, err);
    if (!cli->machine)
        return -err->code;
    int r = cli_watch_signals(cli, err);
    if (!r && cli->log_items)
        r = log_set_items(&cli->machine->log, cli->log_items, err);
    r = r ? r : cli_open_backends(cli, err);
    c->device_count = cli->devices.count; /* -nic and -drive if=virtio made more */
    r = r ? r : machine_init(cli->machine, c, err);
    return r ? r : cli_open_monitors(cli, err);
}

/* ---- Starting -------------------------------------------------------------------------------- */

int cli_start(struct cli *cli, struct err *err)
{
    struct machine *m = cli->machine;
    bool runs = !cli->config.dumpdtb; /* else that file is all that is made */
    int r = runs && cli->log_file ? log_set_file(&m->log, cli->log_file, err) : 0;
    r = r ? r : machine_start(m, err);
    if (!r && runs)
        r = cli_write_pidfile(cli, err); /* who sees it finds all the rest */
    r = r ? r : cli_go_background(cli, err);
    return r || !runs ? r : cli_confine(cli, err);
}

/* ---- Ending ---------------------------------------------------------------------------------- */

void cli_print_error(const struct cli *cli, const struct err *err)
{
    struct timespec now;
    struct tm tm;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    if (cli->timestamp &&
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm)))
        fprintf(stderr, "%s.%06ldZ ", text, now.tv_nsec / 1000);
    if (cli->guest_name && cli->name)
        fprintf(stderr, "%s ", cli->name);
    fprintf(stderr, "%s: %s\n", cli->program, err->text);
}

static void list_fini(struct cli_list *list)
{
    for (u32 i = 0; i < list->count; i++)
        option_list_fini(&list->item[i]);
}

void cli_fini(struct cli *cli)
{
    struct cli_list *const lists[] = {&cli->devices, &cli->globals, &cli->drives,   &cli->blockdevs,
                                      &cli->netdevs, &cli->nics,    &cli->chardevs, &cli->monitors};
    cli_close_monitors(cli);
    cli_ignore_signals(cli);
    machine_free(cli->machine);
    cli_remove_pidfile(cli);
    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
        list_fini(lists[i]);
    option_list_fini(&cli->machine_options);
    boot_smbios_options_fini(&cli->smbios);
    free((char *)(uintptr_t)cli->config.dumpdtb);
    free(cli->machine_name);
    for (unsigned i = 0; i < MACHINE_FLASHES; i++)
        free(cli->flash[i]);
    free(cli->accel);
    free(cli->name);
}
