/*
 * cli_backends.c - the command line's disks, networks, serial ports and monitors.
 *
 * Backends are opened before the machine is initialised; it closes them when its devices are gone.
 * -drive if=virtio and -nic become a backend and a -device of their own.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/char/char.h"
#include "backend/net/net.h"
#include "base/alloc.h"
#include "control/cli_impl.h"
#include "control/monitor.h"

/* What made nothing has said why, unless there was no memory to make it of. */
static int failed(const struct err *err)
{
    return err->code ? -err->code : -ENOMEM;
}

/* ---- Character backends ---------------------------------------------------------------------- */

static int start_chardev(void *c, struct err *err)
{
    return chardev_start(c, err);
}

static void close_chardev(void *c)
{
    chardev_close(c);
}

static const struct machine_backend_ops chardev_ops = {start_chardev, close_chardev};

/* There is one standard input: two readers would each get some of it. */
static int take_stdio(struct cli *cli, const struct chardev *c, struct err *err)
{
    if (c->kind != &chardev_stdio)
        return 0;
    if (cli->daemon)
        return err_set(err, EINVAL,
                       "%s: stdio is not there behind -daemonize; -display none and "
                       "-monitor unix:PATH,server=on,wait=off would do",
                       c->id);
    if (cli->stdio_user)
        return err_set(err, EBUSY,
                       "%s: stdio is in use by %s already (-serial mon:stdio shares it)", c->id,
                       cli->stdio_user);
    cli->stdio_user = c->id;
    return 0;
}

/* Takes c over, which may be NULL: err says why. */
static int keep_chardev(struct cli *cli, struct chardev *c, struct err *err)
{
    if (!c)
        return failed(err);
    if (take_stdio(cli, c, err)) {
        chardev_close(c);
        return failed(err);
    }
    return machine_add_backend(cli->machine, "chardev", c->id, c, &chardev_ops, err);
}

static void quit_asked(void *opaque)
{
    machine_request_quit(((struct cli *)opaque)->machine, 0);
}

/* A front's side of the mux ID-base, with a name of its own. The mux closes it. */
static struct chardev *add_port(struct cli *cli, struct chardev *mux, const char *name,
                                struct err *err)
{
    struct chardev *port = chardev_mux_port(mux, name, err);
    if (port && machine_add_backend(cli->machine, "chardev", name, port, NULL, err))
        port = NULL;
    return port;
}

/* Fronts share c: the first gets the port ID, monitors more (monitor_on). Takes c over. */
static int keep_shared(struct cli *cli, struct chardev *c, const char *id, struct err *err)
{
    struct chardev *mux = NULL;
    if (c && !take_stdio(cli, c, err))
        mux = chardev_mux_over(c, quit_asked, cli, err);
    if (!mux) {
        chardev_close(c);
        return failed(err);
    }
    char *name = alloc_printf("%s-base", id);
    int r = machine_add_backend(cli->machine, "chardev", name, mux, &chardev_ops, err);
    free(name);
    return r || add_port(cli, mux, id, err) ? r : failed(err);
}

static int open_chardev(struct cli *cli, struct option_list *list, struct err *err)
{
    bool shared = false;
    const char *id = option_get(list, "id");
    if (!id)
        return err_set(err, EINVAL, "-chardev: id= is missing");
    char *mux = option_take(list, "mux");
    int r = mux ? option_parse_bool("-chardev mux", mux, &shared, err) : 0;
    free(mux);
    if (r)
        return r;
    struct chardev *c = chardev_open(cli->machine->loop, list, err);
    return shared && c ? keep_shared(cli, c, c->id, err) : keep_chardev(cli, c, err);
}

static int open_chardevs(struct cli *cli, struct err *err)
{
    int r = 0;
    for (u32 i = 0; i < cli->chardevs.count && !r; i++)
        r = open_chardev(cli, &cli->chardevs.item[i], err);
    return r;
}

/* ---- Serial ports ---------------------------------------------------------------------------- */

static const char *const serial_ids[MACHINE_SERIALS] = {"serial0", "serial1", "serial2", "serial3"};

/* Terminal input belongs to the guest: Ctrl-C too. */
static const char *guest_stdio(const char *text)
{
    return !strcmp(text, "stdio") ? "stdio,signal=off" : text;
}

/* mon:BACKEND is one terminal for the port and a monitor. */
static int open_serial(struct cli *cli, u32 n, const char *text, struct err *err)
{
    if (!strcmp(text, "none"))
        return 0;
    if (!strncmp(text, "chardev:", 8)) {
        cli->config.serial[n] = text + 8;
        return machine_backend(cli->machine, "chardev", text + 8)
                   ? 0
                   : err_set(err, ENOENT, "-serial %s: no such character backend", text);
    }
    cli->config.serial[n] = serial_ids[n];
    cli->shared[n] = !strncmp(text, "mon:", 4);
    const char *backend = guest_stdio(cli->shared[n] ? text + 4 : text);
    struct chardev *c =
        chardev_open_short(cli->machine->loop, serial_ids[n], "-serial", backend, err);
    if (!c)
        return failed(err);
    return cli->shared[n] ? keep_shared(cli, c, serial_ids[n], err) : keep_chardev(cli, c, err);
}

static int open_serials(struct cli *cli, struct err *err)
{
    bool terminal = cli->nographic || !cli->display_none;
    for (u32 i = 0; i < cli->serials.count; i++) {
        int r = open_serial(cli, i, cli->serials.text[i], err);
        if (r)
            return r;
    }
    if (cli->serials.count || cli->no_defaults || !terminal)
        return 0;
    /* The monitor shares the terminal, unless it was put elsewhere. */
    return open_serial(cli, 0, cli->monitor_texts.count ? "stdio" : "mon:stdio", err);
}

/* ---- Monitors -------------------------------------------------------------------------------- */

static int add_monitor(struct cli *cli, struct chardev *c, struct err *err)
{
    if (!c)
        return failed(err);
    if (cli->monitor_count == CLI_MAX)
        return err_set(err, E2BIG, "more than %d monitors", CLI_MAX);
    struct monitor *m = monitor_open(cli->machine, c, err);
    if (!m)
        return failed(err);
    cli->monitor_list[cli->monitor_count++] = m;
    return 0;
}

/* On a backend by its name; on one that is shared with others, beside them. */
static int monitor_on(struct cli *cli, const char *option, const char *id, struct err *err)
{
    char *base = alloc_printf("%s-base", id), *name = alloc_printf("%s-monitor", id);
    struct chardev *mux = machine_backend(cli->machine, "chardev", base);
    struct chardev *c =
        mux ? add_port(cli, mux, name, err) : machine_backend(cli->machine, "chardev", id);
    if (!c && !mux)
        err_set(err, ENOENT, "%s%s: no such character backend", option, id);
    free(base);
    free(name);
    return add_monitor(cli, c, err);
}

static int open_text_monitor(struct cli *cli, u32 n, const char *text, struct err *err)
{
    char id[32];
    if (!strcmp(text, "none"))
        return 0;
    if (!strncmp(text, "chardev:", 8))
        return monitor_on(cli, "-monitor chardev:", text + 8, err);
    snprintf(id, sizeof(id), "monitor%u", n);
    struct chardev *c = chardev_open_short(cli->machine->loop, id, "-monitor", text, err);
    int r = keep_chardev(cli, c, err);
    return r ? r : add_monitor(cli, c, err);
}

struct cli_monitor {
    char *chardev, *id;
    int mode;
};
static const char *const mode_words[] = {"readline", NULL};
static const struct option monitor_options[] = {
    OPTION_NAMED("chardev", OPTION_TYPE_STRING, struct cli_monitor, chardev, NULL,
                 "the backend that it is on", .required = true),
    OPTION_STRING("id", struct cli_monitor, id, NULL, "a name"),
    OPTION_ENUM("mode", struct cli_monitor, mode, "readline", mode_words, "how it speaks"),
    OPTION_LAST,
};

static int open_monitor(struct cli *cli, struct option_list *list, struct err *err)
{
    struct cli_monitor m = {0};
    int r = option_load(list, monitor_options, &m, err);
    r = r ? r : monitor_on(cli, "-mon chardev=", m.chardev, err);
    option_free(monitor_options, &m);
    return r;
}

int cli_open_monitors(struct cli *cli, struct err *err)
{
    int r = 0;
    for (u32 i = 0; i < cli->monitor_texts.count && !r; i++)
        r = open_text_monitor(cli, i, cli->monitor_texts.text[i], err);
    for (u32 i = 0; i < cli->monitors.count && !r; i++)
        r = open_monitor(cli, &cli->monitors.item[i], err);
    for (u32 i = 0; i < MACHINE_SERIALS && !r; i++)
        r = cli->shared[i] ? monitor_on(cli, "-serial ", serial_ids[i], err) : 0;
    /* -nographic with the serial port elsewhere: the terminal is the monitor's. */
    if (!r && cli->nographic && !cli->no_defaults && !cli->monitor_count && !cli->stdio_user &&
        !cli->monitor_texts.count)
        r = open_text_monitor(cli, 0, "stdio", err);
    return r;
}

void cli_close_monitors(struct cli *cli)
{
    for (u32 i = 0; i < cli->monitor_count; i++)
        monitor_close(cli->monitor_list[i]);
    cli->monitor_count = 0;
}

/* ---- Disks ----------------------------------------------------------------------------------- */

static void close_block(void *b)
{
    block_close(b);
}

static const struct machine_backend_ops block_ops = {NULL, close_block};

static int keep_block(struct cli *cli, struct block *b, struct err *err)
{
    if (!b)
        return failed(err);
    return machine_add_backend(cli->machine, "block", b->id, b, &block_ops, err);
}

/* A raw node over a node is that node by a second name; what it says more narrowly is said of both.
 */
struct upper_node {
    char *name, *file;
    bool read_only, auto_read_only;
    int driver, discard;
};
static const char *const upper_words[] = {"raw", NULL};
static const char *const discard_words[] = {"unmap", "ignore", "on", "off", NULL};
static const struct option upper_options[] = {
    OPTION_ENUM("driver", struct upper_node, driver, "raw", upper_words, "its format"),
    OPTION_STRING("node-name", struct upper_node, name, NULL, "its name"),
    OPTION_STRING("file", struct upper_node, file, NULL, "the node below"),
    OPTION_BOOL("read-only", struct upper_node, read_only, "off", "refuse writes"),
    OPTION_BOOL("auto-read-only", struct upper_node, auto_read_only, "off",
                "refuse writes where the node below does"),
    OPTION_ENUM("discard", struct upper_node, discard, "unmap", discard_words,
                "give discarded blocks back to the host"),
    OPTION_LAST,
};

static int open_upper(struct cli *cli, struct option_list *list, struct block *below,
                      struct err *err)
{
    struct upper_node n = {0};
    int r = option_load(list, upper_options, &n, err);
    if (!r && below->fell_back && !n.read_only && !n.auto_read_only)
        r = err_set(err, EACCES,
                    "-blockdev node-name=%s: %s below it cannot be written; read-only=on and "
                    "auto-read-only=on accept that",
                    n.name, n.file);
    below->read_only |= n.read_only;
    below->discard &= !(n.discard & 1);
    if (!r)
        r = machine_add_backend(cli->machine, "block", n.name, below, NULL, err);
    option_free(upper_options, &n);
    return r;
}

/* driver=file is raw's lower half. */
static int open_blockdev(struct cli *cli, struct option_list *list, struct err *err)
{
    char *driver = option_take(list, "driver");
    if (driver && strcmp(driver, "file") && strcmp(driver, "host_device"))
        option_add(list, "driver", driver);
    free(driver);
    const char *id = option_get(list, "node-name"), *file = option_get(list, "file");
    if (!id)
        return err_set(err, EINVAL, "-blockdev: node-name= is missing");
    struct block *below = file ? machine_backend(cli->machine, "block", file) : NULL;
    if (!below)
        return keep_block(cli, block_open(cli->machine->loop, list, err), err);
    return open_upper(cli, list, below, err);
}

static int add_device(struct cli *cli, const char *text, struct err *err)
{
    if (cli->devices.count == CLI_MAX)
        return err_set(err, E2BIG, "more than %d devices", CLI_MAX);
    int r = option_parse(&cli->devices.item[cli->devices.count], "-device", text, "driver", err);
    cli->devices.count += !r;
    return r;
}

/* How the board's virtio cards end: "virtio-blk-" and this. */
static const char *card_bus(const struct cli *cli)
{
    return cli->config.board->virtio_pci ? "pci" : "device";
}

static int place_drive(struct cli *cli, const char *interface, const char *unit, const char *id,
                       struct err *err)
{
    char text[300];
    if (!strcmp(interface, "none"))
        return 0;
    if (!strcmp(interface, "virtio")) {
        snprintf(text, sizeof(text), "virtio-blk-%s,drive=%s", card_bus(cli), id);
        return add_device(cli, text, err);
    }
    if (strcmp(interface, "pflash"))
        return err_set(err, EINVAL, "-drive if=%s: accepted are none, virtio and pflash",
                       interface);
    s64 n = cli->config.flash[0] ? 1 : 0;
    int r = unit ? option_parse_int("-drive unit", unit, 0, MACHINE_FLASHES - 1, &n, err) : 0;
    if (!r && cli->config.flash[n])
        r = err_set(err, EBUSY, "-drive if=pflash: bank %lld is taken", (long long)n);
    if (!r)
        cli->config.flash[n] = id;
    return r;
}

static int open_drive(struct cli *cli, u32 n, struct err *err)
{
    struct option_list *list = &cli->drives.item[n];
    char *interface = option_take(list, "if"), *index = option_take(list, "index"),
         *unit = option_take(list, "unit");
    char id[32];
    if (!option_get(list, "id")) {
        snprintf(id, sizeof(id), "drive%u", n);
        option_add(list, "id", id);
    }
    struct block *b = block_open(cli->machine->loop, list, err);
    int r = keep_block(cli, b, err);
    r = r ? r : place_drive(cli, interface ? interface : "virtio", unit ? unit : index, b->id, err);
    free(interface);
    free(index);
    free(unit);
    return r;
}

static int open_disks(struct cli *cli, struct err *err)
{
    int r = 0;
    for (u32 i = 0; i < cli->blockdevs.count && !r; i++)
        r = open_blockdev(cli, &cli->blockdevs.item[i], err);
    for (u32 i = 0; i < cli->drives.count && !r; i++)
        r = open_drive(cli, i, err);
    return r;
}

/* ---- Networks -------------------------------------------------------------------------------- */

static int start_netdev(void *n, struct err *err)
{
    return netdev_start(n, err);
}

static void close_netdev(void *n)
{
    netdev_close(n);
}

static const struct machine_backend_ops netdev_ops = {start_netdev, close_netdev};

static int keep_netdev(struct cli *cli, struct netdev *n, struct err *err)
{
    if (!n)
        return failed(err);
    return machine_add_backend(cli->machine, "netdev", n->id, n, &netdev_ops, err);
}

/* -nic KIND[,model=..][,mac=..],...: a backend and its card. */
static int open_nic(struct cli *cli, u32 n, struct err *err)
{
    struct option_list *list = &cli->nics.item[n];
    char text[300], id[32];
    if (option_get(list, "type") && !strcmp(option_get(list, "type"), "none"))
        return 0;
    char *model = option_take(list, "model"), *mac = option_take(list, "mac");
    snprintf(id, sizeof(id), "nic%u", n);
    if (!option_get(list, "id"))
        option_add(list, "id", id);
    struct netdev *net = netdev_open(cli->machine->loop, &cli->machine->clock, list, err);
    int r = keep_netdev(cli, net, err);
    if (!r) {
        bool virtio = !model || !strcmp(model, "virtio");
        snprintf(text, sizeof(text), "%s%s,netdev=%s%s%s", virtio ? "virtio-net-" : model,
                 virtio ? card_bus(cli) : "", net->id, mac ? ",mac=" : "", mac ? mac : "");
        r = add_device(cli, text, err);
    }
    free(model);
    free(mac);
    return r;
}

static int open_networks(struct cli *cli, struct err *err)
{
    int r = 0;
    for (u32 i = 0; i < cli->netdevs.count && !r; i++)
        r = keep_netdev(
            cli, netdev_open(cli->machine->loop, &cli->machine->clock, &cli->netdevs.item[i], err),
            err);
    for (u32 i = 0; i < cli->nics.count && !r; i++)
        r = open_nic(cli, i, err);
    return r;
}

/* ---- All ------------------------------------------------------------------------------------- */

static int check_image(const struct option_list *list, const char *option, struct err *err)
{
    static const char *const keys[] = {"file", "filename", "file.filename"};
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *path = option_get(list, keys[i]);
        bool node = path && !strcmp(option, "-blockdev") && !strcmp(keys[i], "file");
        if (path && !node && access(path, R_OK))
            return err_set_errno(err, errno, "%s %s=%s", option, keys[i], path);
    }
    return 0;
}

int cli_check_backends(struct cli *cli, struct err *err)
{
    int r = 0;
    for (u32 i = 0; i < cli->drives.count && !r; i++)
        r = check_image(&cli->drives.item[i], "-drive", err);
    for (u32 i = 0; i < cli->blockdevs.count && !r; i++)
        r = check_image(&cli->blockdevs.item[i], "-blockdev", err);
    return r;
}

int cli_open_backends(struct cli *cli, struct err *err)
{
    int r = open_disks(cli, err);
    r = r ? r : open_networks(cli, err);
    r = r ? r : open_chardevs(cli, err);
    return r ? r : open_serials(cli, err);
}
