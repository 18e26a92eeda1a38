/*
 * cli_machine.c - options about the machine as a whole: architecture, board, CPUs, memory, engine,
 * what it does when the guest ends, its clock and names.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/host.h"
#include "control/cli_impl.h"
#include "jit/engine.h"

/* ---- Architecture and board ------------------------------------------------------------------ */

static bool has_arch(const struct isa *isa, const char *arch)
{
    const char *const *name = isa->arch_names;
    while (*name && strcmp(*name, arch))
        name++;
    return *name;
}

const char *cli_arch_family(const struct cli *cli)
{
    for (unsigned i = 0; cli->config.arch && isa_registry[i]; i++) {
        if (has_arch(isa_registry[i], cli->config.arch))
            return isa_registry[i]->name;
    }
    return NULL;
}

static void list_archs(FILE *out)
{
    for (unsigned i = 0; isa_registry[i]; i++)
        for (const char *const *name = isa_registry[i]->arch_names; *name; name++)
            fprintf(out, "%s\n", *name);
}

int cli_set_arch(struct cli *cli, const char *text, struct err *err)
{
    if (cli_is_help(text)) {
        list_archs(stdout);
        return CLI_DONE;
    }
    for (unsigned i = 0; isa_registry[i]; i++) {
        for (const char *const *name = isa_registry[i]->arch_names; *name; name++) {
            if (!strcmp(*name, text)) {
                cli->config.arch = *name;
                return 0;
            }
        }
    }
    err_set(err, EINVAL, "-arch %s: no such architecture (-arch help lists them)", text);
    for (unsigned i = 0; isa_registry[i]; i++)
        err_suggest(err, text, isa_registry[i]->arch_names);
    return -EINVAL;
}

int cli_set_machine(struct cli *cli, const char *text, struct err *err)
{
    if (cli_is_help(text)) {
        board_list(cli->config.arch, stdout);
        return CLI_DONE;
    }
    option_list_fini(&cli->machine_options);
    return option_parse(&cli->machine_options, "-machine", text, "type", err);
}

/* ---- What every -machine takes: there, but with one possible value --------------------------- */

static int refuse_usb(void *cli, const char *value, struct err *err)
{
    bool on;
    (void)cli;
    int r = option_parse_bool("usb", value, &on, err);
    return r || !on ? r : err_set(err, ENOTSUP, "no machine has USB yet; accepted: off");
}

static int refuse_core(void *cli, const char *value, struct err *err)
{
    bool on;
    (void)cli;
    int r = option_parse_bool("dump-guest-core", value, &on, err);
    return r || !on ? r
                    : err_set(err, ENOTSUP, "guest memory is never in a core file; accepted: off");
}

static int set_flash(struct cli *cli, unsigned bank, const char *value)
{
    free(cli->flash[bank]);
    cli->config.flash[bank] = cli->flash[bank] = alloc_string(value);
    return 0;
}

static int set_flash0(void *cli, const char *value, struct err *err)
{
    (void)err;
    return set_flash(cli, 0, value);
}

static int set_flash1(void *cli, const char *value, struct err *err)
{
    (void)err;
    return set_flash(cli, 1, value);
}

static const struct option machine_options[] = {
    {.name = "pflash0",
     .type = OPTION_TYPE_STRING,
     .help = "contents of the first flash bank: a -blockdev's node",
     .set = set_flash0},
    {.name = "pflash1",
     .type = OPTION_TYPE_STRING,
     .help = "contents of the second one",
     .set = set_flash1},
    {.name = "usb", .type = OPTION_TYPE_BOOL, .help = "a USB controller (off)", .set = refuse_usb},
    {.name = "dump-guest-core",
     .type = OPTION_TYPE_BOOL,
     .help = "guest memory in a core file (off)",
     .set = refuse_core},
    {.name = "mem-merge",
     .type = OPTION_TYPE_BOOL,
     .help = "a hint that equal pages may be shared (not taken)"},
    OPTION_LAST,
};

static int print_board_help(const struct board *b)
{
    board_help(b, stdout);
    option_help(machine_options, stdout);
    printf("  accel=NAME                   as -accel\n"
           "  dumpdtb=FILE                 write the device tree there and end\n");
    return CLI_DONE;
}

int cli_take_machine(struct cli *cli, struct err *err)
{
    struct machine_config *c = &cli->config;
    struct option_list *list = &cli->machine_options;
    cli->machine_name = option_take(list, "type");
    c->dumpdtb = option_take(list, "dumpdtb");
    char *accel = option_take(list, "accel");
    /* Of names between colons the first that is there is taken. */
    char *rest = NULL;
    int r = 0;
    for (char *a = accel ? strtok_r(accel, ":", &rest) : NULL; a && !r;
         a = strtok_r(NULL, ":", &rest))
        r = cli_set_accel(cli, a, err);
    free(accel);
    if (r)
        return r;
    if (!cli->machine_name)
        return err_set(err, EINVAL,
                       "no machine was asked for: give one with -M (-M help lists them)");
    c->board = board_find(cli->machine_name, c->arch, err);
    if (!c->board)
        return -EINVAL;
    return list->help ? print_board_help(c->board) : option_apply(list, machine_options, cli, err);
}

/* ---- CPUs and memory ------------------------------------------------------------------------- */

int cli_set_cpu(struct cli *cli, const char *text, struct err *err)
{
    (void)err;
    if (!cli_asks_help(text)) {
        cli->config.cpu = text;
        return 0;
    }
    for (unsigned i = 0; isa_registry[i]; i++) {
        if (cli->config.arch && !has_arch(isa_registry[i], cli->config.arch))
            continue;
        for (const struct isa_model *m = isa_registry[i]->models; m->name; m++) {
            if (!m->arch || !cli->config.arch || !strcmp(m->arch, cli->config.arch))
                printf("  %-12s %s\n", m->name, m->help);
        }
        isa_registry[i]->print_features(stdout);
    }
    return CLI_DONE;
}

struct cli_smp {
    s64 cpus, maxcpus, sockets, dies, clusters, modules, cores, threads;
};
enum { SMP_MAX = 512 };
#define SMP(member, help) OPTION_INT(#member, struct cli_smp, member, NULL, 1, SMP_MAX, help)
static const struct option smp_options[] = {
    SMP(cpus, "CPUs"),
    SMP(maxcpus, "CPUs that there may be"),
    SMP(sockets, "sockets"),
    SMP(dies, "dies in a socket"),
    SMP(clusters, "clusters in a die"),
    SMP(modules, "modules in a cluster"),
    SMP(cores, "cores in a module"),
    SMP(threads, "threads in a core"),
    OPTION_LAST,
};

int cli_set_smp(struct cli *cli, const char *text, struct err *err)
{
    struct cli_smp s = {0};
    int r = cli_load("-smp", text, "cpus", smp_options, &s, err);
    if (r)
        return r;
    s64 product = 1;
    const s64 parts[] = {s.sockets, s.dies, s.clusters, s.modules, s.cores, s.threads};
    for (unsigned i = 0; i < ARRAY_SIZE(parts) && product <= SMP_MAX; i++)
        product *= MAX(parts[i], 1);
    s64 cpus = s.cpus ? s.cpus : s.maxcpus ? s.maxcpus : product;
    s64 all = s.maxcpus ? s.maxcpus : cpus;
    if (product > SMP_MAX || (product > 1 && product != all))
        return err_set(err, EINVAL, "-smp %s: sockets x cores x threads is %lld, not %lld", text,
                       (long long)product, (long long)all);
    if (cpus > all)
        return err_set(err, EINVAL, "-smp %s: more CPUs than maxcpus=%lld", text, (long long)all);
    cli->config.cpus = (u32)cpus;
    cli->config.max_cpus = (u32)all;
    return 0;
}

struct cli_memory {
    char *size;
};
static const struct option memory_options[] = {
    OPTION_NAMED("size", OPTION_TYPE_STRING, struct cli_memory, size, NULL,
                 "in MiB, or with a suffix", .required = true),
    OPTION_LAST,
};

int cli_set_memory(struct cli *cli, const char *text, struct err *err)
{
    struct cli_memory m = {0};
    u64 *size = &cli->config.ram_size;
    int r = cli_load("-m", text, "size", memory_options, &m, err);
    if (!r)
        r = option_parse_size("-m", m.size, 20, size, err);
    if (!r && !*size)
        r = err_set(err, EINVAL, "-m %s: a machine needs memory", text);
    option_free(memory_options, &m);
    return r;
}

/* ---- Engine ---------------------------------------------------------------------------------- */

int cli_set_kvm(struct cli *cli, const char *text, struct err *err)
{
    (void)text;
    (void)err;
    cli->kvm = true; /* a later -accel may say what to take instead */
    return 0;
}

/* The first counts that is there. */
int cli_set_accel(struct cli *cli, const char *text, struct err *err)
{
    if (cli_asks_help(text)) {
        printf("Accelerators: jit (translation to host code; also called tcg), interp "
               "(interpreter)\n");
        jit_print_options(stdout);
        return CLI_DONE;
    }
    size_t name = strcspn(text, ",");
    if (name == 3 && !strncmp(text, "kvm", name))
        return cli_set_kvm(cli, NULL, err);
    if (cli->accel)
        return 0;
    /* tcg is what scripts call a translator; its threads are always one a CPU. */
    bool tcg = name == 3 && !strncmp(text, "tcg", name);
    const char *rest = text + name;
    if (tcg && !strncmp(rest, ",thread=multi", 13))
        rest += 13;
    cli->accel = alloc_printf("%.*s%s", tcg ? 3 : (int)name, tcg ? "jit" : text, rest);
    return 0;
}

/* ---- Starting and ending --------------------------------------------------------------------- */

struct cli_boot {
    char *order, *once;
    bool menu, strict;
};
static const struct option boot_options[] = {
    OPTION_STRING("order", struct cli_boot, order, NULL, "for firmware that asks; virt's does not"),
    OPTION_STRING("once", struct cli_boot, once, NULL, "the same, for the first time"),
    OPTION_BOOL("menu", struct cli_boot, menu, "off", "firmware shows a menu"),
    OPTION_BOOL("strict", struct cli_boot, strict, "off", "from devices with a bootindex only"),
    OPTION_LAST,
};

static int check_drives(const char *letters, struct err *err)
{
    size_t good = letters ? strspn(letters, "abcdefghijklmnop") : 0;
    return letters && letters[good]
               ? err_set(err, EINVAL, "-boot: '%c' is no drive; accepted are letters from a to p",
                         letters[good])
               : 0;
}

int cli_set_boot(struct cli *cli, const char *text, struct err *err)
{
    struct cli_boot b = {0};
    int r = cli_load("-boot", text, "order", boot_options, &b, err);
    r = r ? r : check_drives(b.order, err);
    r = r ? r : check_drives(b.once, err);
    cli->config.boot_menu = b.menu;
    option_free(boot_options, &b);
    return r;
}

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

int cli_set_action(struct cli *cli, const char *text, struct err *err)
{
    struct cli_action a = {.reboot = (int)cli->config.on_reboot,
                           .shutdown = (int)cli->config.on_shutdown,
                           .panic = (int)cli->config.on_panic};
    int r = cli_load("-action", text, NULL, action_options, &a, err);
    cli->config.on_reboot = (enum machine_reboot_action)a.reboot;
    cli->config.on_shutdown = (enum machine_shutdown_action)a.shutdown;
    cli->config.on_panic = (enum machine_panic_action)a.panic;
    return r;
}

/* ---- Clock ----------------------------------------------------------------------------------- */

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

static const char *const clock_words[] = {"host", "vm", NULL}; /* enum machine_rtc_clock */
static const char *const drift_words[] = {"none", NULL};

struct cli_rtc {
    char *base;
    int clock, driftfix;
};
static const struct option rtc_options[] = {
    OPTION_STRING("base", struct cli_rtc, base, "utc", "the time at start"),
    OPTION_ENUM("clock", struct cli_rtc, clock, "host", clock_words, "what it goes by"),
    OPTION_ENUM("driftfix", struct cli_rtc, driftfix, "none", drift_words, "ticks made up for"),
    OPTION_LAST,
};

int cli_set_rtc(struct cli *cli, const char *text, struct err *err)
{
    struct cli_rtc rtc = {0};
    int r = cli_load("-rtc", text, NULL, rtc_options, &rtc, err);
    if (!r)
        r = set_rtc_base(cli, rtc.base, err);
    cli->config.rtc_clock = (enum machine_rtc_clock)rtc.clock;
    option_free(rtc_options, &rtc);
    return r;
}

/* ---- Names ----------------------------------------------------------------------------------- */

struct cli_name {
    char *guest, *process;
    bool debug_threads;
};
static const struct option name_options[] = {
    OPTION_STRING("guest", struct cli_name, guest, NULL, "of the machine, for people"),
    OPTION_STRING("process", struct cli_name, process, NULL, "of the process, for ps"),
    OPTION_BOOL("debug-threads", struct cli_name, debug_threads, "on",
                "threads have names (they always have)"),
    OPTION_LAST,
};

int cli_set_name(struct cli *cli, const char *text, struct err *err)
{
    struct cli_name n = {0};
    int r = cli_load("-name", text, "guest", name_options, &n, err);
    if (!r && n.guest) {
        free(cli->name);
        cli->config.name = cli->name = alloc_string(n.guest);
    }
    if (!r && n.process)
        host_thread_name(n.process);
    option_free(name_options, &n);
    return r;
}

int cli_set_uuid(struct cli *cli, const char *text, struct err *err)
{
    return option_parse_uuid("-uuid", text, cli->config.uuid, err);
}
