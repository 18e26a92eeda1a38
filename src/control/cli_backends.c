/*
 * cli_backends.c - the command line's disks, networks, serial ports and monitors.
 *
 * Backends are opened before the machine is initialised; it closes them when its devices are gone.
 * -drive if=virtio and -nic become a backend and a -device of their own.
 */
#include "control/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/char/char.h"
#include "backend/net/net.h"
#include "control/monitor.h"

/* ---- Character backends ---------------------------------------------------------------------- */

static void close_chardev(void *c)
{
    chardev_close(c);
}

static int keep_chardev(struct cli *cli, struct chardev *c, struct err *err)
{
    if (!c)
        return err->code ? -err->code : -EINVAL;
    return machine_add_backend(cli->machine, "chardev", c->id, c, close_chardev, err);
}

static int open_chardevs(struct cli *cli, struct err *err)
{
    for (u32 i = 0; i < cli->chardevs.count; i++) {
        struct option_list *list = &cli->chardevs.item[i];
        if (!option_get(list, "id"))
            return err_set(err, EINVAL, "-chardev: id= is missing");
        char *mux = option_take(list, "mux");
        if (mux && strcmp(mux, "off")) {
            free(mux);
            return err_set(err, EINVAL, "-chardev mux=on: only -serial mon:stdio shares a backend");
        }
        free(mux);
        int r = keep_chardev(cli, chardev_open(cli->machine->loop, list, err), err);
        if (r)
            return r;
    }
    return 0;
}

static void quit_asked(void *opaque)
{
    machine_request_quit(((struct cli *)opaque)->machine, 0);
}

static int add_monitor(struct cli *cli, struct chardev *c, struct err *err)
{
    struct monitor *m = cli->monitor_count < CLI_MAX ? monitor_open(cli->machine, c, err) : NULL;
    if (!m)
        return err->code ? -err->code : -E2BIG;
    cli->monitor_list[cli->monitor_count++] = m;
    return 0;
}

/* mon:BACKEND: one terminal for a serial port and the monitor. The monitor is opened later
 * (cli_open_monitors). */
static int open_shared(struct cli *cli, const char *text, const char *id, struct err *err)
{
    char name[64], monitor[80];
    struct chardev *below, *mux, *port;
    snprintf(name, sizeof(name), "%s-base", id);
    below = chardev_open_short(cli->machine->loop, name, text, err);
    mux = below ? chardev_mux_over(below, quit_asked, cli, err) : NULL;
    if (!mux) {
        chardev_close(below);
        return -EINVAL;
    }
    /* The mux closes its ports and what is below. */
    int r = machine_add_backend(cli->machine, "chardev", name, mux, close_chardev, err);
    port = r ? NULL : chardev_mux_port(mux, id, err);
    if (port)
        r = machine_add_backend(cli->machine, "chardev", id, port, NULL, err);
    snprintf(monitor, sizeof(monitor), "%s-monitor", id);
    port = r || !port ? NULL : chardev_mux_port(mux, monitor, err);
    if (!port)
        return r ? r : -EINVAL;
    return machine_add_backend(cli->machine, "chardev", monitor, port, NULL, err);
}

/* Terminal input belongs to the guest: Ctrl-C too. */
static const char *guest_stdio(const char *text)
{
    return !strcmp(text, "stdio") ? "stdio,signal=off" : text;
}

static int open_serial(struct cli *cli, u32 n, const char *text, struct err *err)
{
    static const char *const ids[MACHINE_SERIALS] = {"serial0", "serial1", "serial2", "serial3"};
    if (n >= MACHINE_SERIALS)
        return err_set(err, E2BIG, "-serial: at most %d", MACHINE_SERIALS);
    if (!strcmp(text, "none"))
        return 0;
    if (!strncmp(text, "chardev:", 8)) {
        cli->config.serial[n] = text + 8;
        return 0;
    }
    cli->config.serial[n] = ids[n];
    if (!strncmp(text, "mon:", 4))
        return open_shared(cli, guest_stdio(text + 4), ids[n], err);
    return keep_chardev(cli, chardev_open_short(cli->machine->loop, ids[n], guest_stdio(text), err),
                        err);
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

static int open_text_monitors(struct cli *cli, struct err *err)
{
    for (u32 i = 0; i < cli->monitor_texts.count; i++) {
        char id[32];
        const char *text = cli->monitor_texts.text[i];
        if (!strcmp(text, "none"))
            continue;
        snprintf(id, sizeof(id), "monitor%u", i);
        int r = 0;
        struct chardev *c;
        if (!strncmp(text, "chardev:", 8)) {
            c = machine_backend(cli->machine, "chardev", text + 8);
            if (!c)
                return err_set(err, ENOENT, "-monitor %s: no such character backend", text);
        } else {
            c = chardev_open_short(cli->machine->loop, id, text, err);
            r = keep_chardev(cli, c, err);
        }
        r = r ? r : add_monitor(cli, c, err);
        if (r)
            return r;
    }
    return 0;
}

int cli_open_monitors(struct cli *cli, struct err *err)
{
    int r = open_text_monitors(cli, err);
    for (u32 i = 0; i < cli->monitors.count && !r; i++) {
        const char *id = option_get(&cli->monitors.item[i], "chardev");
        const char *mode = option_get(&cli->monitors.item[i], "mode");
        struct chardev *c = id ? machine_backend(cli->machine, "chardev", id) : NULL;
        if (mode && strcmp(mode, "readline"))
            return err_set(err, EINVAL, "-mon mode=%s: accepted is readline", mode);
        if (!c)
            return err_set(err, ENOENT, "-mon chardev=%s: no such character backend", id ? id : "");
        r = add_monitor(cli, c, err);
    }
    for (u32 i = 0; i < MACHINE_SERIALS && !r; i++) {
        char id[32];
        snprintf(id, sizeof(id), "serial%u-monitor", i);
        struct chardev *c = machine_backend(cli->machine, "chardev", id);
        if (c)
            r = add_monitor(cli, c, err);
    }
    return r;
}

/* ---- Disks ----------------------------------------------------------------------------------- */

static void close_block(void *b)
{
    block_close(b);
}

static int keep_block(struct cli *cli, struct block *b, struct err *err)
{
    if (!b)
        return err->code ? -err->code : -EINVAL;
    return machine_add_backend(cli->machine, "block", b->id, b, close_block, err);
}

/* driver=file is raw's lower half; a raw node whose file= names another node is that node by a
 * second name. */
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
    return machine_add_backend(cli->machine, "block", id, below, NULL, err);
}

static int add_device(struct cli *cli, const char *text, struct err *err)
{
    if (cli->devices.count == CLI_MAX)
        return err_set(err, E2BIG, "more than %d devices", CLI_MAX);
    int r = option_parse(&cli->devices.item[cli->devices.count], "-device", text, "driver", err);
    cli->devices.count += !r;
    return r;
}

static int place_drive(struct cli *cli, const char *interface, const char *unit, const char *id,
                       struct err *err)
{
    char text[300];
    if (!strcmp(interface, "none"))
        return 0;
    if (!strcmp(interface, "virtio")) {
        snprintf(text, sizeof(text), "virtio-blk-device,drive=%s", id);
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

static void close_netdev(void *n)
{
    netdev_close(n);
}

static int keep_netdev(struct cli *cli, struct netdev *n, struct err *err)
{
    if (!n)
        return err->code ? -err->code : -EINVAL;
    return machine_add_backend(cli->machine, "netdev", n->id, n, close_netdev, err);
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
        snprintf(text, sizeof(text), "%s,netdev=%s%s%s",
                 model && strcmp(model, "virtio") ? model : "virtio-net-device", net->id,
                 mac ? ",mac=" : "", mac ? mac : "");
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
    if (!r && cli->serials.count > MACHINE_SERIALS)
        r = err_set(err, E2BIG, "-serial: at most %d", MACHINE_SERIALS);
    return r;
}

/* Files that output goes to are opened last: what is wrong with the others is known before one is
 * overwritten. */
int cli_open_backends(struct cli *cli, struct err *err)
{
    int r = open_disks(cli, err);
    r = r ? r : open_networks(cli, err);
    r = r ? r : open_chardevs(cli, err);
    return r ? r : open_serials(cli, err);
}

void cli_close_monitors(struct cli *cli)
{
    for (u32 i = 0; i < cli->monitor_count; i++)
        monitor_close(cli->monitor_list[i]);
    cli->monitor_count = 0;
}
