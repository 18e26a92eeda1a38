/*
 * cli.c - the options by name: one table from which parsing, --help and nearest-name errors come.
 *
 * An option is written -name or --name. Its argument, where it takes one, is the next word.
 */
#include "control/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/char/char.h"
#include "backend/net/net.h"
#include "base/alloc.h"
#include "jit/engine.h"

struct cli_option {
    const char *name, *argument,
        *help; /* argument NULL: none. help NULL: not listed (another name of the one before) */
    int (*set)(struct cli *cli, const char *text, struct err *err);
};

static const struct cli_option options[];

enum { CLI_DONE = 1 }; /* of a set function: something was printed, end with status 0 */

/* ---- Helpers --------------------------------------------------------------------------------- */

static int add_list(struct cli_list *list, const char *option, const char *text,
                    const char *implied, struct err *err)
{
    if (list->count == CLI_MAX)
        return err_set(err, E2BIG, "%s: more than %d", option, CLI_MAX);
    int r = option_parse(&list->item[list->count], option, text, implied, err);
    list->count += !r;
    return r;
}

static int add_text(struct cli_texts *texts, const char *option, const char *text, struct err *err)
{
    if (texts->count == CLI_MAX)
        return err_set(err, E2BIG, "%s: more than %d", option, CLI_MAX);
    texts->text[texts->count++] = text;
    return 0;
}

static bool is_help(const char *text)
{
    return !strcmp(text, "help") || !strcmp(text, "?");
}

/* ---- Machine and CPU ------------------------------------------------------------------------- */

static const char *arch_of(const struct cli *cli)
{
    return cli->config.arch;
}

static int set_arch(struct cli *cli, const char *text, struct err *err)
{
    for (unsigned i = 0; isa_registry[i]; i++) {
        for (const char *const *name = isa_registry[i]->arch_names; *name; name++) {
            if (!strcmp(*name, text)) {
                cli->config.arch = *name;
                return 0;
            }
        }
    }
    err_set(err, EINVAL, "-arch %s: no such architecture", text);
    for (unsigned i = 0; isa_registry[i]; i++)
        err_suggest(err, text, isa_registry[i]->arch_names);
    return -EINVAL;
}

static int set_machine(struct cli *cli, const char *text, struct err *err)
{
    if (is_help(text)) {
        board_list(arch_of(cli), stdout);
        return CLI_DONE;
    }
    option_list_fini(&cli->machine_options);
    return option_parse(&cli->machine_options, "-machine", text, "type", err);
}

static int set_cpu(struct cli *cli, const char *text, struct err *err)
{
    (void)err;
    if (!is_help(text)) {
        cli->config.cpu = text;
        return 0;
    }
    for (unsigned i = 0; isa_registry[i]; i++) {
        for (const struct isa_model *m = isa_registry[i]->models; m->name; m++)
            printf("  %-12s %s\n", m->name, m->help);
        isa_registry[i]->print_features(stdout);
    }
    return CLI_DONE;
}

static int set_smp(struct cli *cli, const char *text, struct err *err)
{
    static const char *const parts[] = {"sockets", "dies",  "clusters",
                                        "modules", "cores", "threads"};
    struct option_list list;
    s64 cpus = 0, max = 0, product = 1;
    int r = option_parse(&list, "-smp", text, "cpus", err);
    char *v = r ? NULL : option_take(&list, "cpus");
    if (v)
        r = option_parse_int("-smp cpus", v, 1, 512, &cpus, err);
    free(v);
    v = r ? NULL : option_take(&list, "maxcpus");
    if (v)
        r = option_parse_int("-smp maxcpus", v, 1, 512, &max, err);
    free(v);
    for (unsigned i = 0; i < ARRAY_SIZE(parts) && !r; i++) {
        s64 n = 1;
        v = option_take(&list, parts[i]);
        if (v)
            r = option_parse_int(parts[i], v, 1, 512, &n, err);
        free(v);
        product *= n;
    }
    if (!r)
        r = option_done(&list, (const struct option *const[]){NULL}, err);
    option_list_fini(&list);
    if (!r && !cpus)
        cpus = max ? max : product;
    if (!r && product > 1 && product != (max ? max : cpus))
        return err_set(err, EINVAL, "-smp %s: sockets x cores x threads is %lld, not %lld", text,
                       (long long)product, (long long)(max ? max : cpus));
    cli->config.cpus = (u32)cpus;
    cli->config.max_cpus = (u32)MAX(max, cpus);
    return r;
}

static int set_memory(struct cli *cli, const char *text, struct err *err)
{
    struct option_list list;
    int r = option_parse(&list, "-m", text, "size", err);
    char *size = r ? NULL : option_take(&list, "size");
    if (!r && !size)
        r = err_set(err, EINVAL, "-m %s: the size is missing", text);
    if (!r)
        r = option_parse_size("-m", size, 20, &cli->config.ram_size, err);
    if (!r && !cli->config.ram_size)
        r = err_set(err, EINVAL, "-m %s: a machine needs memory", text);
    free(size);
    if (!r)
        r = option_done(&list, (const struct option *const[]){NULL}, err);
    option_list_fini(&list);
    return r;
}

static int set_accel(struct cli *cli, const char *text, struct err *err)
{
    if (is_help(text)) {
        printf("Accelerators: jit (translation to host code; also called tcg), interp "
               "(interpreter)\n");
        jit_print_options(stdout);
        return CLI_DONE;
    }
    free(cli->accel);
    /* tcg is what scripts call a translator; its threads are always one a CPU. */
    const char *rest = !strncmp(text, "tcg", 3) && (!text[3] || text[3] == ',') ? text + 3 : NULL;
    if (rest && !strncmp(rest, ",thread=multi", 13))
        rest += 13;
    cli->accel = alloc_printf("%s%s", rest ? "jit" : "", rest ? rest : text);
    return 0;
}

/* ---- Boot ------------------------------------------------------------------------------------ */

#define SET_TEXT(name, member)                                                                     \
    static int name(struct cli *cli, const char *text, struct err *err)                            \
    {                                                                                              \
        (void)err;                                                                                 \
        cli->member = text;                                                                        \
        return 0;                                                                                  \
    }
#define SET_FLAG(name, member, value)                                                              \
    static int name(struct cli *cli, const char *text, struct err *err)                            \
    {                                                                                              \
        (void)text;                                                                                \
        (void)err;                                                                                 \
        cli->member = value;                                                                       \
        return 0;                                                                                  \
    }

SET_TEXT(set_bios, config.bios)
SET_TEXT(set_kernel, config.kernel)
SET_TEXT(set_initrd, config.initrd)
SET_TEXT(set_append, config.append)
SET_TEXT(set_dtb, config.dtb)
SET_TEXT(set_name, config.name)
SET_TEXT(set_pidfile, pidfile)
SET_TEXT(set_log_file, log_file)
SET_TEXT(set_incoming, incoming)
SET_FLAG(set_stopped, config.stopped, true)
SET_FLAG(set_no_reboot, config.on_reboot, MACHINE_REBOOT_SHUTDOWN)
SET_FLAG(set_no_shutdown, config.on_shutdown, MACHINE_SHUTDOWN_PAUSE)
SET_FLAG(set_nographic, nographic, true)
SET_FLAG(set_no_defaults, no_defaults, true)

static int set_search(struct cli *cli, const char *text, struct err *err)
{
    return add_text(&cli->search, "-L", text, err);
}

/* ---- Devices and backends -------------------------------------------------------------------- */

static int set_device(struct cli *cli, const char *text, struct err *err)
{
    if (is_help(text)) {
        device_type_list(stdout);
        return CLI_DONE;
    }
    int r = add_list(&cli->devices, "-device", text, "driver", err);
    const struct option_list *list = r ? NULL : &cli->devices.item[cli->devices.count - 1];
    if (r || !list->help)
        return r;
    const char *name = option_get(list, "driver");
    const struct device_type *t = device_type_find(name ? name : "", err);
    if (!t)
        return -ENOENT;
    device_type_help(t, stdout);
    return CLI_DONE;
}

static int set_drive(struct cli *cli, const char *text, struct err *err)
{
    return add_list(&cli->drives, "-drive", text, "file", err);
}

static int set_hda(struct cli *cli, const char *text, struct err *err)
{
    int r = add_list(&cli->drives, "-hda", "", NULL, err);
    if (!r) {
        option_add(&cli->drives.item[cli->drives.count - 1], "file", text);
        option_add(&cli->drives.item[cli->drives.count - 1], "format", "raw");
    }
    return r;
}

static int set_blockdev(struct cli *cli, const char *text, struct err *err)
{
    return add_list(&cli->blockdevs, "-blockdev", text, "driver", err);
}

static int set_netdev(struct cli *cli, const char *text, struct err *err)
{
    if (is_help(text)) {
        netdev_help(stdout);
        return CLI_DONE;
    }
    return add_list(&cli->netdevs, "-netdev", text, "type", err);
}

static int set_nic(struct cli *cli, const char *text, struct err *err)
{
    return add_list(&cli->nics, "-nic", text, "type", err);
}

static int set_chardev(struct cli *cli, const char *text, struct err *err)
{
    if (is_help(text)) {
        chardev_help(stdout);
        return CLI_DONE;
    }
    return add_list(&cli->chardevs, "-chardev", text, "backend", err);
}

static int set_mon(struct cli *cli, const char *text, struct err *err)
{
    return add_list(&cli->monitors, "-mon", text, "chardev", err);
}

static int set_serial(struct cli *cli, const char *text, struct err *err)
{
    return add_text(&cli->serials, "-serial", text, err);
}

static int set_monitor(struct cli *cli, const char *text, struct err *err)
{
    return add_text(&cli->monitor_texts, "-monitor", text, err);
}

static int set_display(struct cli *cli, const char *text, struct err *err)
{
    if (strcmp(text, "none"))
        return err_set(err, EINVAL, "-display %s: accepted is none: there are no displays yet",
                       text);
    cli->display_none = true;
    return 0;
}

static int set_none_only(struct cli *cli, const char *text, struct err *err)
{
    (void)cli;
    return strcmp(text, "none") ? err_set(err, EINVAL, "%s: accepted is none", text) : 0;
}

/* DRIVER.NAME=VALUE, or driver=,property=,value=. The text stays where it is: pieces are copied
 * once. */
static int set_global(struct cli *cli, const char *text, struct err *err)
{
    const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
    if (cli->config.global_count == CLI_MAX)
        return err_set(err, E2BIG, "-global: more than %d", CLI_MAX);
    if (!dot || !equals || dot > equals)
        return err_set(err, EINVAL, "-global %s: accepted is DRIVER.PROPERTY=VALUE", text);
    char *copy = strdup(text);
    if (!copy)
        return err_set(err, ENOMEM, "-global: no memory");
    copy[dot - text] = copy[equals - text] = 0;
    cli->globals[cli->config.global_count++] = (struct machine_global){
        .driver = copy, .name = copy + (dot - text) + 1, .value = copy + (equals - text) + 1};
    return 0;
}

/* ---- Behaviour ------------------------------------------------------------------------------- */

static const char *const reboot_words[] = {"reset", "shutdown", NULL};
static const char *const shutdown_words[] = {"poweroff", "pause", NULL};
static const char *const panic_words[] = {"shutdown", "pause", "exit-failure", "none", NULL};

struct cli_action {
    int reboot, shutdown, panic;
};
static const struct option action_options[] = {
    OPTION_ENUM("reboot", struct cli_action, reboot, NULL, reboot_words, "when the guest reboots"),
    OPTION_ENUM("shutdown", struct cli_action, shutdown, NULL, shutdown_words,
                "when the guest powers off"),
    OPTION_ENUM("panic", struct cli_action, panic, NULL, panic_words, "when the guest panics"),
    OPTION_LAST,
};

static int set_action(struct cli *cli, const char *text, struct err *err)
{
    struct cli_action a = {.reboot = (int)cli->config.on_reboot,
                           .shutdown = (int)cli->config.on_shutdown,
                           .panic = (int)cli->config.on_panic};
    struct option_list list;
    int r = option_parse(&list, "-action", text, NULL, err);
    if (!r)
        r = option_apply(&list, action_options, &a, err);
    if (!r)
        r = option_done(&list, (const struct option *const[]){action_options, NULL}, err);
    option_list_fini(&list);
    cli->config.on_reboot = (enum machine_reboot_action)a.reboot;
    cli->config.on_shutdown = (enum machine_shutdown_action)a.shutdown;
    cli->config.on_panic = (enum machine_panic_action)a.panic;
    return r;
}

/* base=utc|localtime|YYYY-MM-DD[THH:MM:SS] */
static int set_rtc_base(struct cli *cli, const char *base, struct err *err)
{
    struct tm tm = {0};
    time_t now = time(NULL);
    if (!strcmp(base, "utc"))
        return 0;
    if (!strcmp(base, "localtime")) {
        localtime_r(&now, &tm);
        cli->config.rtc_offset = (s64)tm.tm_gmtoff * (s64)NS_PER_SECOND;
        return 0;
    }
    const char *end = strptime(base, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!end) {
        memset(&tm, 0, sizeof(tm));
        end = strptime(base, "%Y-%m-%d", &tm);
    }
    if (!end || *end)
        return err_set(
            err, EINVAL,
            "-rtc base=%s: accepted are utc, localtime, YYYY-MM-DD and YYYY-MM-DDTHH:MM:SS", base);
    cli->config.rtc_base = (u64)timegm(&tm) * NS_PER_SECOND;
    return 0;
}

static int set_rtc(struct cli *cli, const char *text, struct err *err)
{
    struct option_list list;
    int r = option_parse(&list, "-rtc", text, NULL, err);
    char *base = r ? NULL : option_take(&list, "base"),
         *clock = r ? NULL : option_take(&list, "clock");
    if (base)
        r = set_rtc_base(cli, base, err);
    if (!r && clock && !strcmp(clock, "vm"))
        cli->config.rtc_clock = MACHINE_RTC_VM;
    else if (!r && clock && strcmp(clock, "host"))
        r = err_set(err, EINVAL, "-rtc clock=%s: accepted are host and vm", clock);
    if (!r)
        r = option_done(&list, (const struct option *const[]){NULL}, err);
    free(base);
    free(clock);
    option_list_fini(&list);
    return r;
}

static int set_log(struct cli *cli, const char *text, struct err *err)
{
    (void)err;
    if (!is_help(text)) {
        cli->log_items = text;
        return 0;
    }
    for (const struct log_item_name *i = log_item_names; i->name; i++)
        printf("%-14s %s\n", i->name, i->help);
    return CLI_DONE;
}

static int print_version(struct cli *cli, const char *text, struct err *err)
{
    (void)cli;
    (void)text;
    (void)err;
    printf("Guise emulator version %s\n", GUISE_VERSION);
    return CLI_DONE;
}

static int print_help(struct cli *cli, const char *text, struct err *err)
{
    (void)text;
    (void)err;
    printf("usage: %s [OPTION...] [DISK]\n\nEmulates a whole machine. Options, as -name or "
           "--name:\n\n",
           cli->program);
    for (const struct cli_option *o = options; o->name; o++) {
        char left[64];
        snprintf(left, sizeof(left), "-%s %s", o->name, o->argument ? o->argument : "");
        if (o->help)
            printf("  %-34s %s\n", left, o->help);
    }
    printf("\nWith -nographic the terminal is the machine's serial port; there Ctrl-A x ends, "
           "Ctrl-A c goes to the\n"
           "monitor, Ctrl-A h helps.\n");
    return CLI_DONE;
}

static const struct cli_option options[] = {
    {"help", NULL, "this text", print_help},
    {"h", NULL, NULL, print_help},
    {"version", NULL, "the version", print_version},
    {"arch", "NAME", "guest architecture (riscv64, riscv32); also chosen by the program's name",
     set_arch},
    {"machine", "NAME[,OPTION...]",
     "the machine (help lists them; NAME,help its options); dumpdtb=FILE", set_machine},
    {"M", "NAME[,OPTION...]", NULL, set_machine},
    {"cpu", "MODEL[,FEATURE=on|off...]", "CPU model and features (help lists them)", set_cpu},
    {"smp", "N[,maxcpus=N...]", "number of CPUs", set_smp},
    {"m", "SIZE", "memory, in MiB or with a suffix: 512, 2G", set_memory},
    {"accel", "jit|interp[,OPTION...]", "how guest code is run (help lists the options)",
     set_accel},
    {"bios", "FILE|default|none", "firmware", set_bios},
    {"kernel", "FILE", "kernel: Image, compressed Image or ELF", set_kernel},
    {"initrd", "FILE", "initial RAM disk", set_initrd},
    {"append", "TEXT", "kernel command line", set_append},
    {"dtb", "FILE", "device tree in place of the generated one", set_dtb},
    {"L", "DIR", "look for firmware there too (may be repeated)", set_search},
    {"device", "NAME[,PROPERTY=VALUE...]",
     "adds a device (help lists them; NAME,help its properties)", set_device},
    {"global", "DRIVER.PROPERTY=VALUE", "a property's default", set_global},
    {"drive", "file=FILE,format=raw[,if=...]",
     "a disk: if=virtio (with its device), none or pflash", set_drive},
    {"hda", "FILE", "a raw disk", set_hda},
    {"blockdev", "driver=raw,node-name=ID,...", "a block backend, for a -device with drive=ID",
     set_blockdev},
    {"netdev", "user|socket,id=ID,...",
     "a network backend, for a -device with netdev=ID (help lists them)", set_netdev},
    {"nic", "user|socket|none[,...]", "a network card with its backend", set_nic},
    {"chardev", "KIND,id=ID,...", "a character backend (help lists them)", set_chardev},
    {"serial", "CHARDEV",
     "a serial port: stdio, mon:stdio, pty, none, file:, tcp:, unix:, chardev:ID", set_serial},
    {"monitor", "CHARDEV", "a monitor, as -serial", set_monitor},
    {"mon", "chardev=ID[,mode=readline]", "a monitor on a -chardev", set_mon},
    {"nographic", NULL, "serial port and monitor on this terminal", set_nographic},
    {"display", "none", "no display", set_display},
    {"vga", "none", NULL, set_none_only},
    {"parallel", "none", NULL, set_none_only},
    {"nodefaults", NULL, "no serial port, monitor or network but those asked for", set_no_defaults},
    {"S", NULL, "do not start: the monitor's cont does", set_stopped},
    {"no-reboot", NULL, "end when the guest reboots", set_no_reboot},
    {"no-shutdown", NULL, "stop, but do not end, when the guest powers off", set_no_shutdown},
    {"action", "reboot=...,shutdown=...,panic=...",
     "what a guest's reboot, power off or panic does", set_action},
    {"rtc", "base=...,clock=host|vm", "the guest's wall clock", set_rtc},
    {"incoming", "file:FILE", "load the machine's state, which `migrate file:FILE` saved",
     set_incoming},
    {"name", "NAME", "a name for people", set_name},
    {"pidfile", "FILE", "write the process's id there", set_pidfile},
    {"d", "ITEM,...", "log (help lists the items)", set_log},
    {"D", "FILE", "log to a file", set_log_file},
    {NULL, NULL, NULL, NULL},
};

/* ---- Parsing --------------------------------------------------------------------------------- */

static const struct cli_option *find_option(const char *word, struct err *err)
{
    const char *names[ARRAY_SIZE(options) + 1] = {0};
    const char *name = word + 1 + (word[1] == '-');
    unsigned n = 0;
    for (const struct cli_option *o = options; o->name; o++) {
        if (!strcmp(o->name, name))
            return o;
        names[n++] = o->name;
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
    if (dash && set_arch(cli, dash + 1, &ignored))
        cli->config.arch = NULL;
}

static int parse_words(struct cli *cli, int argc, char **argv, struct err *err)
{
    /* First, as help of other options depends on it. */
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], "-arch") || !strcmp(argv[i], "--arch")) {
            int r = set_arch(cli, argv[i + 1], err);
            if (r)
                return r;
        }
    }
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' || !argv[i][1]) {
            int r = set_hda(cli, argv[i], err);
            if (r)
                return r;
            continue;
        }
        const struct cli_option *o = find_option(argv[i], err);
        if (!o)
            return -EINVAL;
        if (o->argument && i + 1 == argc)
            return err_set(err, EINVAL, "%s: its argument is missing: -%s %s", argv[i], o->name,
                           o->argument);
        int r = o->set(cli, o->argument ? argv[++i] : NULL, err);
        if (r)
            return r;
    }
    return 0;
}

/* What -machine says that is not the board's own. */
static int take_machine_options(struct cli *cli, struct err *err)
{
    struct machine_config *c = &cli->config;
    struct option_list *list = &cli->machine_options;
    cli->machine_name = option_take(list, "type");
    c->dumpdtb = option_take(list, "dumpdtb");
    char *accel = option_take(list, "accel");
    int r = accel ? set_accel(cli, accel, err) : 0;
    free(accel);
    free(option_take(list, "usb")); /* no board has it: as good as off */
    if (r)
        return r;
    if (!cli->machine_name)
        return err_set(err, EINVAL,
                       "no machine was asked for: give one with -M (-M help lists them)");
    c->board = board_find(cli->machine_name, c->arch, err);
    if (c->board && list->help) {
        board_help(c->board, stdout);
        return CLI_DONE;
    }
    return c->board ? 0 : -EINVAL;
}

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

/* Devices' names and properties, without making any. */
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

static int check_all(struct cli *cli, struct err *err)
{
    struct machine_config *c = &cli->config;
    int r = check_readable("-kernel", c->kernel, err);
    r = r ? r : check_readable("-initrd", c->initrd, err);
    r = r ? r : check_readable("-dtb", c->dtb, err);
    if (!r && (c->initrd || c->append) && !c->kernel)
        r = err_set(err, EINVAL, "%s needs -kernel", c->initrd ? "-initrd" : "-append");
    if (!r && c->cpus > c->board->max_cpus)
        r = err_set(err, EINVAL, "-smp %u: machine %s has at most %u CPUs", c->cpus, c->board->name,
                    c->board->max_cpus);
    if (!r && cli->incoming && strncmp(cli->incoming, "file:", 5))
        r = err_set(err, EINVAL, "-incoming %s: accepted is file:FILE", cli->incoming);
    r = r ? r : check_devices(cli, err);
    return r ? r : cli_check_backends(cli, err);
}

int cli_parse(struct cli *cli, int argc, char **argv, int *status, struct err *err)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    memset(cli, 0, sizeof(*cli));
    cli->program = slash ? slash + 1 : argc > 0 ? argv[0] : "guise";
    arch_from_program(cli);
    int r = parse_words(cli, argc, argv, err);
    r = r ? r : take_machine_options(cli, err);
    r = r ? r : check_all(cli, err);
    *status = r < 0;
    return r;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int write_pidfile(const struct cli *cli, struct err *err)
{
    FILE *f = cli->pidfile ? fopen(cli->pidfile, "we") : NULL;
    if (!cli->pidfile)
        return 0;
    if (!f || fprintf(f, "%d\n", (int)getpid()) < 0 || fclose(f))
        return err_set_errno(err, errno, "-pidfile %s", cli->pidfile);
    return 0;
}

static int start_log(struct cli *cli, struct err *err)
{
    int r = cli->log_items ? log_set_items(&cli->machine->log, cli->log_items, err) : 0;
    return r || !cli->log_file ? r : log_set_file(&cli->machine->log, cli->log_file, err);
}

int cli_create(struct cli *cli, struct err *err)
{
    struct machine_config *c = &cli->config;
    c->board_options = &cli->machine_options;
    c->accel = cli->accel;
    c->devices = cli->devices.item;
    c->device_count = cli->devices.count;
    c->globals = cli->globals;
    c->search_dirs = cli->search.text;
    c->incoming = cli->incoming != NULL;
    cli->search.text[MIN(cli->search.count, CLI_MAX - 1)] = NULL;
    cli->machine = machine_new(&(struct loop_config){.name = "main"}, err);
    if (!cli->machine)
        return err ? -err->code : -ENOMEM;
    int r = start_log(cli, err);
    r = r ? r : cli_open_backends(cli, err);
    c->device_count = cli->devices.count; /* -nic and -drive if=virtio made more */
    r = r ? r : machine_init(cli->machine, c, err);
    r = r ? r : cli_open_monitors(cli, err);
    return r ? r : write_pidfile(cli, err);
}

static void list_fini(struct cli_list *list)
{
    for (u32 i = 0; i < list->count; i++)
        option_list_fini(&list->item[i]);
}

void cli_fini(struct cli *cli)
{
    cli_close_monitors(cli);
    machine_free(cli->machine);
    if (cli->pidfile && cli->machine)
        unlink(cli->pidfile);
    list_fini(&cli->devices);
    list_fini(&cli->drives);
    list_fini(&cli->blockdevs);
    list_fini(&cli->netdevs);
    list_fini(&cli->nics);
    list_fini(&cli->chardevs);
    list_fini(&cli->monitors);
    option_list_fini(&cli->machine_options);
    for (u32 i = 0; i < cli->config.global_count; i++)
        free((char *)(uintptr_t)cli->globals[i].driver);
    free((char *)(uintptr_t)cli->config.dumpdtb);
    free(cli->machine_name);
    free(cli->accel);
}
