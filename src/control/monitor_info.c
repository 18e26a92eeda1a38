/*
 * monitor_info.c - the subjects of `info`, in one table.
 */
#include <errno.h>

#include "backend/block/block.h"
#include "backend/net/net.h"
#include "control/monitor_impl.h"
#include "jit/engine.h"

/* Most subjects take no arguments: these print only. */
typedef void info_print(struct monitor *mon, FILE *out);

static int info_simple(struct monitor *mon, const char *args, FILE *out, info_print *print,
                       struct err *err)
{
    int r = monitor_no_args(args, err);
    if (!r)
        print(mon, out);
    return r;
}
#define INFO(subject)                                                                              \
    static int info_##subject(struct monitor *mon, char *args, FILE *out, struct err *err)         \
    {                                                                                              \
        return info_simple(mon, args, out, print_##subject, err);                                  \
    }

/* -flag alone, or nothing. */
static int take_flag(const char *args, const char *flag, bool *on, struct err *err)
{
    *on = !strcmp(args, flag);
    return *on || !*args ? 0 : err_set(err, EINVAL, "'%s': accepted is %s", args, flag);
}

/* ---- The machine ----------------------------------------------------------------------------- */

static void print_version(struct monitor *mon, FILE *out)
{
    fprintf(out, "guise %s\n", GUISE_VERSION);
}
INFO(version)

static void print_name(struct monitor *mon, FILE *out)
{
    if (mon->machine->config.name)
        fprintf(out, "%s\n", mon->machine->config.name);
}
INFO(name)

static void print_uuid(struct monitor *mon, FILE *out)
{
    const u8 *uuid = mon->machine->config.uuid;
    for (unsigned i = 0; i < 16; i++)
        fprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    fprintf(out, "\n");
}
INFO(uuid)

static void print_status(struct monitor *mon, FILE *out)
{
    enum machine_state s = mon->machine->state;
    bool plain = s == MACHINE_RUNNING || s == MACHINE_PAUSED;
    fprintf(out, "VM status: %s", s == MACHINE_RUNNING ? "running" : "paused");
    fprintf(out, plain ? "\n" : " (%s)\n", machine_state_name(s));
}
INFO(status)

static void print_cpus(struct monitor *mon, FILE *out)
{
    static const char *const states[] = {"stopped", "running", "halted"};
    for (u32 i = 0; i < mon->machine->cpu_count; i++) {
        struct cpu *cpu = mon->machine->cpus[i];
        fprintf(out, "%c CPU #%u: %s %s%s\n", i == mon->cpu ? '*' : ' ', i, mon->machine->cpu_model,
                states[atomic_load(&cpu->run_state)], cpu->powered_off ? ", powered off" : "");
    }
}
INFO(cpus)

static void print_registers_of(struct cpu *cpu, void *out)
{
    cpu->isa->print_registers(cpu, out);
}

static int info_registers(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    bool all;
    int r = take_flag(args, "-a", &all, err);
    for (u32 i = 0; i < mon->machine->cpu_count && !r; i++) {
        if (all || i == mon->cpu)
            cpu_run_on(mon->machine->cpus[i], print_registers_of, out);
    }
    return r;
}

static void print_jit(struct monitor *mon, FILE *out)
{
    fprintf(out, "engine         %s\n", mon->machine->cpu_host.engine->name);
    jit_print_stats(mon->machine->jit, out);
}
INFO(jit)

/* ---- Memory ---------------------------------------------------------------------------------- */

static void print_region(const struct mem_region *r, u64 base, unsigned depth, FILE *out)
{
    static const char *const kinds[] = {"container", "ram", "rom", "romd", "i/o", "alias"};
    u64 start = base + r->offset;
    fprintf(out, "%*s%016llx-%016llx (prio %d, %s): %s", (int)(2 + 2 * depth), "",
            (unsigned long long)start, (unsigned long long)(start + r->size - (r->size != 0)),
            r->priority, kinds[r->kind], r->name);
    if (r->kind == MEM_ALIAS)
        fprintf(out, " of %s @%016llx", r->target->name, (unsigned long long)r->target_offset);
    fprintf(out, "%s\n", r->enabled ? "" : " [disabled]");
    for (const struct mem_region *c = r->children; c; c = c->next)
        print_region(c, start, depth + 1, out);
}

static int info_mtree(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    struct memory *m = &mon->machine->memory;
    bool flat;
    int r = take_flag(args, "-f", &flat, err);
    if (r)
        return r;
    if (flat) {
        for (struct mem_space *s = m->spaces; s; s = s->next) {
            fprintf(out, "FlatView: %s\n", s->name);
            mem_print(s, out);
        }
        return 0;
    }
    pthread_mutex_lock(&m->lock);
    for (struct mem_space *s = m->spaces; s; s = s->next) {
        fprintf(out, "address-space: %s\n", s->name);
        print_region(s->root, 0, 0, out);
    }
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static void print_ramblock(struct monitor *mon, FILE *out)
{
    for (struct ram_block *b = mon->machine->memory.blocks; b; b = b->next)
        fprintf(out, "%-24s 0x%016llx bytes%s\n", b->name, (unsigned long long)b->size,
                b->rom ? ", rom" : "");
}
INFO(ramblock)

/* ---- Devices and backends -------------------------------------------------------------------- */

static void print_qtree(struct monitor *mon, FILE *out)
{
    machine_print_devices(mon->machine, out);
}
INFO(qtree)

static void print_pci(struct monitor *mon, FILE *out)
{
    if (!machine_print_bus(mon->machine, "PCI", out))
        fprintf(out, "PCI devices not present\n");
}
INFO(pci)

static void print_block(struct monitor *mon, FILE *out)
{
    static const char *const caches[] = {"writeback", "none", "writethrough", "directsync",
                                         "unsafe"};
    for (struct machine_backend *n = mon->machine->backends; n; n = n->next) {
        const struct block *b = strcmp(n->kind, "block") ? NULL : n->backend;
        if (b)
            fprintf(out, "%s: %s, %llu bytes, cache %s%s%s%s\n", n->id, b->driver->name,
                    (unsigned long long)b->size, caches[b->cache],
                    b->read_only ? ", read-only" : "", b->discard ? ", discard" : "",
                    b->used ? "" : ", not used");
    }
}
INFO(block)

static void print_network(struct monitor *mon, FILE *out)
{
    for (struct machine_backend *n = mon->machine->backends; n; n = n->next) {
        struct netdev *d = strcmp(n->kind, "netdev") ? NULL : n->backend;
        if (!d)
            continue;
        fprintf(out, "%s: %s%s, %llu frames dropped\n", n->id, d->kind->name,
                d->card ? "" : ", no card", (unsigned long long)d->dropped);
        if (d->kind->info)
            d->kind->info(d, out);
    }
}
INFO(network)

static void print_chardev(struct monitor *mon, FILE *out)
{
    for (struct machine_backend *n = mon->machine->backends; n; n = n->next) {
        const struct chardev *c = strcmp(n->kind, "chardev") ? NULL : n->backend;
        if (c)
            fprintf(out, "%s: %s%s\n", n->id, c->kind->name, c->attached ? "" : ", not used");
    }
}
INFO(chardev)

/* ---- The table ------------------------------------------------------------------------------- */

const struct monitor_command monitor_infos[] = {
    {"block", NULL, NULL, "disks", info_block},
    {"chardev", NULL, NULL, "character backends", info_chardev},
    {"cpus", NULL, NULL, "CPUs; * is the chosen one", info_cpus},
    {"jit", NULL, NULL, "what the translator has done", info_jit},
    {"mtree", NULL, "[-f]", "the tree of memory regions; -f: as CPUs see it", info_mtree},
    {"name", NULL, NULL, "the machine's name", info_name},
    {"network", "usernet", NULL, "networks and their connections", info_network},
    {"pci", NULL, NULL, "PCI functions, and where they are", info_pci},
    {"qtree", NULL, NULL, "devices", info_qtree},
    {"ramblock", NULL, NULL, "memories", info_ramblock},
    {"registers", NULL, "[-a]", "registers of the chosen CPU; -a: of all", info_registers},
    {"status", NULL, NULL, "whether the machine runs", info_status},
    {"uuid", NULL, NULL, "the machine's identity (-uuid)", info_uuid},
    {"version", NULL, NULL, "the version of guise", info_version},
    {NULL},
};
