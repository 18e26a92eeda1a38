/*
 * fuzz_monitor.c - keys typed at the monitor of a machine that is stopped: any bytes, escape
 * sequences, commands and expressions. Output is taken in pieces, or not for a while.
 *
 * Zero bytes make time pass. A line that would save the machine somewhere is not typed to its end.
 */
#include <sanitizer/lsan_interface.h>

#include "backend/char/char.h"
#include "control/monitor.h"
#include "control/monitor_impl.h"
#include "fuzz.h"
#include "jit/jit.h"
#include "loop/clock.h"
#include "machine/machine.h"

struct terminal {
    struct chardev base;
    size_t room; /* it takes no more */
    size_t shown;
};

static struct machine *m;
static struct terminal *terminal;
static u64 now; /* of the monitor's own clock, ns */

static u64 time_now(void *opaque)
{
    (void)opaque;
    return now;
}

static void pass_time(struct monitor *mon)
{
    now += NS_PER_SECOND;
    clock_changed(&mon->clock);
    loop_turn(m->loop, false);
}

static size_t terminal_write(struct chardev *c, const u8 *data, size_t n)
{
    struct terminal *t = (struct terminal *)c;
    size_t taken = MIN(n, t->room);
    t->room -= taken;
    for (size_t i = 0; i < taken; i++)
        t->shown += data[i];
    return taken;
}

static const struct option no_options[] = {OPTION_LAST};
static const struct chardev_kind terminal_kind = {.name = "terminal",
                                                  .size = sizeof(struct terminal),
                                                  .options = no_options,
                                                  .write = terminal_write};

static void monitor_target_open(const char *variant)
{
    const struct loop_config loop = {.force_poll = true};
    struct err err = {0};
    struct machine_config c = {.arch = "riscv64",
                               .accel = "interp",
                               .bios = "none",
                               .cpus = 2,
                               .ram_size = 2 * MiB,
                               .stopped = true};
    (void)variant;
    c.board = board_find("virt", c.arch, &err);
    m = machine_new(&loop, &err);
    fuzz_must(c.board && m);
    fuzz_ok(machine_init(m, &c, &err), &err);
    m->log.file = fopen("/dev/null", "w");
    fuzz_must(m->log.file);
    for (u32 i = 0; i < m->cpu_count; i++) {
        /* Mapped, so that LSan does not search it, and owns memory. */
        __lsan_register_root_region(m->cpus[i]->engine_data, sizeof(struct jit_cpu));
        fuzz_ok(cpu_start(m->cpus[i], &err), &err);
    }
    terminal = (struct terminal *)chardev_new(m->loop, &terminal_kind);
    fuzz_must(terminal);
}

/* The words that write a file. */
static bool saves(const u8 *p, size_t n)
{
    return memmem(p, n, "migr", 4) || memmem(p, n, "file", 4);
}

static void type(struct monitor *mon, const u8 *p, size_t n)
{
    while (n) {
        size_t some = MIN(MIN(n, 64), chardev_room(&terminal->base));
        if (!some) { /* it waits for its terminal */
            terminal->room += 4096;
            pass_time(mon);
            continue;
        }
        chardev_deliver(&terminal->base, p, some);
        p += some;
        n -= some;
    }
}

static void monitor_run(struct fuzz_input *in)
{
    struct err err = {0};
    terminal->room = fuzz_u16(in);
    struct monitor *mon = monitor_open(m, &terminal->base, &err);
    fuzz_must(mon);
    clock_set_source(&mon->clock, time_now, NULL);
    if (saves(in->data, in->left))
        in->left = 0;
    while (in->left) {
        const u8 *zero = memchr(in->data, 0, in->left);
        size_t n;
        const u8 *p = fuzz_take(in, zero ? (size_t)(zero - in->data) : in->left, &n);
        type(mon, p, n);
        if (!in->left)
            break;
        fuzz_u8(in);
        terminal->room += 100;
        pass_time(mon);
    }
    monitor_close(mon);
    loop_turn(m->loop, false); /* what was asked for: reset, quit */
    machine_stop(m, MACHINE_PAUSED);
    atomic_store(&m->log.items, 0);
    m->state = MACHINE_PRELAUNCH;
    m->ended = false;
}

static void put_line(struct fuzz_seed *s, const char *text)
{
    fuzz_put(s, text, strlen(text));
    fuzz_put(s, "\r", 1);
}

static void put_commands(struct fuzz_seed *s, const struct monitor_command *list,
                         const char *before)
{
    for (const struct monitor_command *c = list; c->name; c++) {
        char line[100];
        if (!strcmp(c->name, "migrate"))
            continue;
        snprintf(line, sizeof(line), "%s%s", before, c->name);
        fuzz_put_number(s, 0xffff, 2);
        put_line(s, line);
        fuzz_seed_end(s);
    }
}

static void monitor_seeds(struct fuzz_seed *s)
{
    static const char *const lines[] = {
        "x/8i $pc",
        "xp/4xg 0x80000000",
        "p/x ($pc+4)*2<<1",
        "print/d ~1 & 3 | 4 ^ 5 % 6 - -7",
        "x/3c 0x80000000",
        "cpu 1",
        "info registers -a",
        "info mtree -f",
        "log int,exec",
        "log none",
        "help info",
        "inf\t mt\t",
        "ab\033[D\033[D\033[3~\033[Hx\033[F\001\005\013\025\027\020\016\177\b",
        "\033[A\033[A\033[B\033OA\033[1;5C"};
    put_commands(s, monitor_commands, "");
    put_commands(s, monitor_infos, "info ");
    fuzz_put_number(s, 100, 2);
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        put_line(s, lines[i]);
        fuzz_put_number(s, 0, 1);
    }
    fuzz_seed_end(s);
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        fuzz_put_number(s, 0xffff, 2);
        put_line(s, lines[i]);
        fuzz_seed_end(s);
    }
}

const struct fuzz_target fuzz_target = {
    .open = monitor_target_open, .run = monitor_run, .seeds = monitor_seeds};
