/*
 * cli_option.c - the options by name: one table from which parsing, -help and nearest-name errors
 * come; and beside it what others have and Guise has not, with the reason.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "backend/block/block.h"
#include "backend/char/char.h"
#include "backend/net/net.h"
#include "control/cli_impl.h"

/* ---- Helpers --------------------------------------------------------------------------------- */

int cli_add_list(struct cli_list *list, const char *option, const char *text, const char *implied,
                 struct err *err)
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

int cli_load(const char *option, const char *text, const char *implied, const struct option *table,
             void *object, struct err *err)
{
    struct option_list list;
    int r = option_parse(&list, option, text, implied, err);
    if (!r && list.help) {
        option_help(table, stdout);
        r = CLI_DONE;
    }
    if (!r)
        r = option_load(&list, table, object, err);
    option_list_fini(&list);
    return r;
}

bool cli_is_help(const char *text)
{
    return !strcmp(text, "help") || !strcmp(text, "?");
}

bool cli_asks_help(const char *text)
{
    const char *comma = strrchr(text, ',');
    return cli_is_help(comma ? comma + 1 : text);
}

/* ---- One text, one flag ---------------------------------------------------------------------- */

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
SET_TEXT(set_pidfile, pidfile)
SET_TEXT(set_log_file, log_file)
SET_TEXT(set_incoming, incoming)
SET_FLAG(set_stopped, config.stopped, true)
SET_FLAG(set_no_reboot, config.on_reboot, MACHINE_REBOOT_SHUTDOWN)
SET_FLAG(set_no_shutdown, config.on_shutdown, MACHINE_SHUTDOWN_PAUSE)
SET_FLAG(set_nographic, nographic, true)
SET_FLAG(set_no_defaults, no_defaults, true)
SET_FLAG(set_daemon, daemon, true)

/* There is no such file anyway. */
static int set_no_config(struct cli *cli, const char *text, struct err *err)
{
    (void)cli;
    (void)text;
    (void)err;
    return 0;
}

static int set_search(struct cli *cli, const char *text, struct err *err)
{
    return add_text(&cli->search, "-L", text, err);
}

/* ---- Devices and backends -------------------------------------------------------------------- */

static int set_device(struct cli *cli, const char *text, struct err *err)
{
    if (cli_is_help(text)) {
        device_type_list(cli_arch_family(cli), stdout);
        return CLI_DONE;
    }
    int r = cli_add_list(&cli->devices, "-device", text, "driver", err);
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

/* Of one kind of several, which can be asked for help. */
static int add_backend(struct cli_list *backends, const char *option, const char *text,
                       const char *implied, int (*help)(const char *, FILE *, struct err *),
                       struct err *err)
{
    struct option_list *list = &backends->item[backends->count];
    int r = cli_add_list(backends, option, text, implied, err);
    if (r || !list->help)
        return r;
    r = help(option_get(list, implied), stdout, err);
    return r ? r : CLI_DONE;
}

static int set_drive(struct cli *cli, const char *text, struct err *err)
{
    int r = cli_add_list(&cli->drives, "-drive", text, "file", err);
    if (r || !cli->drives.item[cli->drives.count - 1].help)
        return r;
    printf("  if=<virtio|none|pflash>      where it goes (default: virtio)\n"
           "  index=<int>, unit=<int>      which of the flash banks\n");
    r = block_help("raw", stdout, err);
    return r ? r : CLI_DONE;
}

/* A drive by its file alone. The name is taken whole, commas and all. */
static int add_file(struct cli *cli, const char *option, const char *file, const char *media,
                    struct err *err)
{
    int r = cli_add_list(&cli->drives, option, "", NULL, err);
    if (r)
        return r;
    struct option_list *list = &cli->drives.item[cli->drives.count - 1];
    option_add(list, "file", file);
    option_add(list, "format", "raw");
    option_add(list, "media", media);
    return 0;
}

static int set_disk(struct cli *cli, const char *text, struct err *err)
{
    return add_file(cli, "-hda", text, "disk", err);
}

static int set_flash(struct cli *cli, const char *text, struct err *err)
{
    int r = add_file(cli, "-pflash", text, "disk", err);
    if (!r)
        option_add(&cli->drives.item[cli->drives.count - 1], "if", "pflash");
    return r;
}

static int set_cdrom(struct cli *cli, const char *text, struct err *err)
{
    return add_file(cli, "-cdrom", text, "cdrom", err);
}

static int set_blockdev(struct cli *cli, const char *text, struct err *err)
{
    return add_backend(&cli->blockdevs, "-blockdev", text, "driver", block_help, err);
}

static int set_netdev(struct cli *cli, const char *text, struct err *err)
{
    return add_backend(&cli->netdevs, "-netdev", text, "type", netdev_help, err);
}

static int set_nic(struct cli *cli, const char *text, struct err *err)
{
    return add_backend(&cli->nics, "-nic", text, "type", netdev_help, err);
}

static int set_chardev(struct cli *cli, const char *text, struct err *err)
{
    return add_backend(&cli->chardevs, "-chardev", text, "backend", chardev_help, err);
}

static int set_mon(struct cli *cli, const char *text, struct err *err)
{
    return cli_add_list(&cli->monitors, "-mon", text, "chardev", err);
}

static int set_serial(struct cli *cli, const char *text, struct err *err)
{
    return add_text(&cli->serials, "-serial", text, err);
}

static int set_monitor(struct cli *cli, const char *text, struct err *err)
{
    return add_text(&cli->monitor_texts, "-monitor", text, err);
}

/* DRIVER.PROPERTY=VALUE, where DRIVER may have dots; or driver=,property=,value=. */
static int set_global(struct cli *cli, const char *text, struct err *err)
{
    struct option_list *list = &cli->globals.item[cli->globals.count];
    char *name = strndup(text, strcspn(text, "=")), *dot = name ? strrchr(name, '.') : NULL;
    const char *value = strchr(text, '=');
    bool plain = name && !strchr(name, '.') && value;
    int r = cli_add_list(&cli->globals, "-global", plain ? text : "", NULL, err);
    if (!r && !plain && (!dot || !value))
        r = err_set(err, EINVAL, "-global %s: accepted is DRIVER.PROPERTY=VALUE", text);
    if (!r && !plain) {
        *dot = 0;
        option_add(list, "driver", name);
        option_add(list, "property", dot + 1);
        option_add(list, "value", value + 1);
    }
    free(name);
    return r;
}

static int set_smbios(struct cli *cli, const char *text, struct err *err)
{
    struct option_list list;
    int r = option_parse(&list, "-smbios", text, NULL, err);
    if (!r && list.help) {
        boot_smbios_help(stdout);
        r = CLI_DONE;
    }
    r = r ? r : boot_smbios_option(&cli->smbios, &list, err);
    option_list_fini(&list);
    return r;
}

/* ---- Things that there are none of ----------------------------------------------------------- */

static int only(const char *option, const char *text, const char *accepted, const char *why,
                struct err *err)
{
    return strcmp(text, accepted)
               ? err_set(err, EINVAL, "%s %s: accepted is %s: %s", option, text, accepted, why)
               : 0;
}

static int set_display(struct cli *cli, const char *text, struct err *err)
{
    cli->display_none = true;
    return only("-display", text, "none", "there are no displays yet", err);
}

static int set_vga(struct cli *cli, const char *text, struct err *err)
{
    (void)cli;
    return only("-vga", text, "none", "no machine has a display card yet", err);
}

static int set_parallel(struct cli *cli, const char *text, struct err *err)
{
    (void)cli;
    return only("-parallel", text, "none", "no machine has a parallel port", err);
}

static int set_net(struct cli *cli, const char *text, struct err *err)
{
    int r = only("-net", text, "none", "-nic, or -netdev and -device, make networks", err);
    return r ? r : set_nic(cli, text, err);
}

static int set_enabled(void *object, const char *value, struct err *err)
{
    struct cli *cli = object;
    bool on;
    int r = option_parse_bool("enable", value, &on, err);
    cli->sandbox = !r && on ? CLI_SANDBOX_ON : CLI_SANDBOX_OFF;
    return r;
}

static int only_deny(void *object, const char *value, struct err *err)
{
    (void)object;
    return strcmp(value, "deny") ? err_set(err, ENOTSUP, "accepted is deny: nothing here needs it") : 0;
}

#define DENIED(n, h) {.name = n, .type = OPTION_TYPE_STRING, .help = h, .set = only_deny}
static const struct option sandbox_options[] = {
    {.name = "enable", .type = OPTION_TYPE_BOOL, .help = "confine the process", .set = set_enabled},
    DENIED("obsolete", "system calls of former times"),
    DENIED("elevateprivileges", "more rights than at the start"),
    DENIED("spawn", "other programs and processes"),
    DENIED("resourcecontrol", "priorities and processors"),
    OPTION_LAST,
};

static int set_sandbox(struct cli *cli, const char *text, struct err *err)
{
    return cli_load("-sandbox", text, "enable", sandbox_options, cli, err);
}

static int set_keyboard(struct cli *cli, const char *text, struct err *err)
{
    (void)cli;
    const char *p = text;
    while (isalpha((u8)*p) || *p == '-')
        p++;
    return *text && !*p ? 0 : err_set(err, EINVAL, "-k %s: accepted is a language, as en-us", text);
}

static int refuse_lock(void *object, const char *value, struct err *err)
{
    bool on;
    (void)object;
    int r = option_parse_bool("overcommit", value, &on, err);
    return r || !on ? r : err_set(err, ENOTSUP, "accepted is off");
}

static const struct option overcommit_options[] = {
    {.name = "mem-lock",
     .type = OPTION_TYPE_BOOL,
     .help = "keep all memory from being swapped out",
     .set = refuse_lock},
    {.name = "cpu-pm",
     .type = OPTION_TYPE_BOOL,
     .help = "let the guest put host processors to sleep",
     .set = refuse_lock},
    OPTION_LAST,
};

static int set_overcommit(struct cli *cli, const char *text, struct err *err)
{
    return cli_load("-overcommit", text, NULL, overcommit_options, cli, err);
}

/* ---- Messages -------------------------------------------------------------------------------- */

static const struct option message_options[] = {
    OPTION_BOOL("timestamp", struct cli, timestamp, NULL, "the time before each message"),
    OPTION_BOOL("guest-name", struct cli, guest_name, NULL, "-name's before each message"),
    OPTION_LAST,
};

static int set_msg(struct cli *cli, const char *text, struct err *err)
{
    return cli_load("-msg", text, NULL, message_options, cli, err);
}

static int set_log(struct cli *cli, const char *text, struct err *err)
{
    struct log log;
    if (!cli_is_help(text)) {
        cli->log_items = text;
        log_init(&log);
        return log_set_items(&log, text, err);
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
    const char *first = NULL;
    (void)text;
    (void)err;
    printf("usage: %s [OPTION...] [DISK]\n\nEmulates a whole machine. Options, as -name or "
           "--name:\n\n",
           cli->program);
    for (const struct cli_option *o = cli_options; o->name; o++) {
        char left[64];
        first = o->help ? o->name : first;
        snprintf(left, sizeof(left), "-%s %s", o->name, o->argument ? o->argument : "");
        printf("  %-34s %s%s\n", left, o->help ? o->help : "as -", o->help ? "" : first);
    }
    printf("\nWith -nographic the terminal is the machine's serial port; there Ctrl-A x ends, "
           "Ctrl-A c goes to the\n"
           "monitor, Ctrl-A h helps.\n");
    return CLI_DONE;
}

/* ---- The tables ------------------------------------------------------------------------------ */

const struct cli_option cli_options[] = {
    {"help", NULL, "this text", print_help},
    {"h", NULL, NULL, print_help},
    {"version", NULL, "the version", print_version},
    {"arch", "NAME", "guest architecture (help lists them); also chosen by the program's name",
     cli_set_arch},
    {"machine", "NAME[,OPTION...]",
     "the machine (help lists them; NAME,help its options); dumpdtb=FILE", cli_set_machine},
    {"M", "NAME[,OPTION...]", NULL, cli_set_machine},
    {"cpu", "MODEL[,FEATURE=on|off...]", "CPU model and features (help lists them)", cli_set_cpu},
    {"smp", "N[,maxcpus=N...]", "number of CPUs", cli_set_smp},
    {"m", "SIZE", "memory, in MiB or with a suffix: 512, 2G", cli_set_memory},
    {"accel", "jit|interp[,OPTION...]",
     "how guest code is run (help lists the options); of several the first there is",
     cli_set_accel},
    {"enable-kvm", NULL, "as -accel kvm, which is not there yet", cli_set_kvm},
    {"bios", "FILE|default|none", "firmware", set_bios},
    {"kernel", "FILE", "kernel: Image, compressed Image or ELF", set_kernel},
    {"initrd", "FILE", "initial RAM disk", set_initrd},
    {"append", "TEXT", "kernel command line", set_append},
    {"dtb", "FILE", "device tree in place of the generated one", set_dtb},
    {"boot", "menu=on|off,order=DRIVES", "what firmware is told", cli_set_boot},
    {"L", "DIR", "look for firmware there too (may be repeated)", set_search},
    {"device", "NAME[,PROPERTY=VALUE...]",
     "adds a device (help lists them; NAME,help its properties)", set_device},
    {"global", "DRIVER.PROPERTY=VALUE", "a property's default", set_global},
    {"drive", "file=FILE,format=raw[,if=...]",
     "a disk: if=virtio (with its device), none or pflash", set_drive},
    {"hda", "FILE", "a raw disk", set_disk},
    {"hdb", "FILE", NULL, set_disk},
    {"hdc", "FILE", NULL, set_disk},
    {"hdd", "FILE", NULL, set_disk},
    {"cdrom", "FILE", "a raw disk that cannot be written", set_cdrom},
    {"pflash", "FILE", "contents of the next flash bank", set_flash},
    {"blockdev", "driver=raw,node-name=ID,...", "a block backend, for a -device with drive=ID",
     set_blockdev},
    {"netdev", "user|socket,id=ID,...",
     "a network backend, for a -device with netdev=ID (help lists them)", set_netdev},
    {"nic", "user|socket|none[,...]", "a network card with its backend", set_nic},
    {"net", "none", "no network card", set_net},
    {"chardev", "KIND,id=ID,...", "a character backend (help lists them)", set_chardev},
    {"serial", "CHARDEV",
     "a serial port: stdio, mon:stdio, pty, none, file:, tcp:, unix:, chardev:ID", set_serial},
    {"monitor", "CHARDEV", "a monitor, as -serial", set_monitor},
    {"mon", "chardev=ID[,mode=readline]", "a monitor on a -chardev", set_mon},
    {"nographic", NULL, "serial port and monitor on this terminal", set_nographic},
    {"display", "none", "no display", set_display},
    {"vga", "none", "no display card", set_vga},
    {"parallel", "none", "no parallel port", set_parallel},
    {"k", "LANGUAGE", "the keyboard of displays, which there are none of", set_keyboard},
    {"nodefaults", NULL, "no serial port, monitor or network but those asked for", set_no_defaults},
    {"no-user-config", NULL, "read no file of options (none is ever read)", set_no_config},
    {"S", NULL, "do not start: the monitor's cont does", set_stopped},
    {"no-reboot", NULL, "end when the guest reboots", set_no_reboot},
    {"no-shutdown", NULL, "stop, but do not end, when the guest powers off", set_no_shutdown},
    {"action", "reboot=...,shutdown=...,panic=...",
     "what a guest's reboot, power off or panic does", cli_set_action},
    {"rtc", "base=...,clock=host|vm", "the guest's wall clock", cli_set_rtc},
    {"incoming", "file:FILE", "load the machine's state, which `migrate file:FILE` saved",
     set_incoming},
    {"name", "NAME[,process=NAME]", "a name for people", cli_set_name},
    {"uuid", "UUID", "the machine's identity", cli_set_uuid},
    {"smbios", "type=N,KEY=VALUE...", "what the machine says it is called (help lists the keys)",
     set_smbios},
    {"pidfile", "FILE", "write the process's id there", set_pidfile},
    {"daemonize", NULL, "go on in the background when all is ready", set_daemon},
    {"sandbox", "on|off[,spawn=deny...]", "confine the process (default: as the host can)", set_sandbox},
    {"overcommit", "mem-lock=off,cpu-pm=off", "nothing is reserved for the guest", set_overcommit},
    {"msg", "timestamp=on,guest-name=on", "what goes before messages", set_msg},
    {"d", "ITEM,...", "log (help lists the items)", set_log},
    {"D", "FILE", "log to a file", set_log_file},
    {NULL, NULL, NULL, NULL},
};

const struct cli_absent cli_absents[] = {
    {" qmp qmp-pretty ", "there is no QMP yet; -monitor is a monitor for people"},
    {" gdb s ", "there is no gdb stub yet"},
    {" readconfig writeconfig ", "options come from the command line alone"},
    {" snapshot ", "there are no overlays yet: copy the image"},
    {" usb usbdevice ", "no machine has USB yet"},
    {" fsdev virtfs ", "there are no shared folders yet"},
    {" vnc spice full-screen g ", "there are no displays yet"},
    {" audio audiodev ", "no machine has sound yet"},
    {" icount singlestep one-insn-per-tb ", "time by counted instructions is not there yet"},
    {" object secret tpmdev numa ", "there are no such objects yet"},
    {" acpitable ", "ACPI tables are the machine's own"},
    {" fw_cfg ", "there are no files of the user's in fw_cfg yet"},
    {" trace plugin ", "there are no trace points and plug-ins yet; -d logs"},
    {" loadvm ", "-incoming file:FILE loads a machine's state"},
    {" run-with runas chroot user ", "the one who starts it chooses user and root"},
    {" fda fdb mtdblock sd ", "-drive, with if=pflash for flash, makes disks"},
    {" no-acpi no-hpet no-fd-bootchk win2k-hack ", "it was for machines that are not there"},
    {NULL, NULL},
};
