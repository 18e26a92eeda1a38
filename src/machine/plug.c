/*
 * plug.c - a machine's devices: made by the board or by -device, plugged into buses, found,
 * printed.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "machine/machine.h"

static void append(struct machine *m, struct device *d)
{
    struct device **p = &m->devices;
    while (*p)
        p = &(*p)->next;
    *p = d;
}

struct device *machine_find_device(struct machine *m, const char *id)
{
    struct device *d = m->devices;
    while (d && strcmp(d->id, id))
        d = d->next;
    return d;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int apply_globals(struct machine *m, struct device *d, struct err *err)
{
    for (u32 i = 0; i < m->config.global_count; i++) {
        const struct machine_global *g = &m->config.globals[i];
        if (strcmp(g->driver, d->type->name))
            continue;
        int r = device_set(d, g->name, g->value, err);
        if (r)
            return err_prefix(err, "-global %s.%s=%s", g->driver, g->name, g->value);
    }
    return 0;
}

static struct device *make(struct machine *m, const struct device_type *t, const char *id,
                           struct err *err)
{
    if (machine_find_device(m, id)) {
        err_set(err, EEXIST, "-device %s: there is a device %s already", t->name, id);
        return NULL;
    }
    struct device *d = device_new(t, id, &m->device_host, err);
    if (d && ((d->card && apply_globals(m, d->card, err)) || apply_globals(m, d, err))) {
        device_free(d);
        d = NULL;
    }
    return d;
}

struct device *machine_device(struct machine *m, const char *type, const char *id, struct err *err)
{
    const struct device_type *t = device_type_find(type, err);
    return t ? make(m, t, id, err) : NULL;
}

int machine_realize(struct machine *m, struct device *d, struct err *err)
{
    int r = device_realize(d, err);
    if (r) {
        device_free(d);
        return r;
    }
    append(m, d);
    if (d->card)
        append(m, d->card);
    return 0;
}

void machine_map(struct machine *m, struct device *d, unsigned n, u64 addr)
{
    mem_map(&m->memory, &m->root, addr, device_mmio(d, n), 0);
}

/* ---- Plugging in ----------------------------------------------------------------------------- */

static u32 plugged(const struct machine *m, const struct device *bus)
{
    u32 n = 0;
    for (const struct device *d = m->devices; d; d = d->next)
        n += d->bus == bus;
    return n;
}

static bool fits(const struct device *bus, const struct device_type *t)
{
    return bus->type->provides && !strcmp(bus->type->provides, t->bus);
}

static bool has_room(const struct machine *m, const struct device *bus)
{
    return !bus->type->slots || plugged(m, bus) < bus->type->slots;
}

/* The bus of that name; NULL and err. */
static struct device *named_bus(struct machine *m, const struct device_type *t, const char *name,
                                struct err *err)
{
    struct device *bus = machine_find_device(m, name);
    size_t len = strlen(name);
    if (!bus && len > 2 && !strcmp(name + len - 2, ".0")) {
        /* "ID.0": the first bus of device ID, which is all that a device here has. */
        char *id = alloc_printf("%.*s", (int)(len - 2), name);
        bus = machine_find_device(m, id);
        free(id);
    }
    if (bus && bus->card && !fits(bus, t))
        bus = bus->card;
    if (!bus)
        err_set(err, ENOENT, "-device %s,bus=%s: there is no such bus", t->name, name);
    else if (!fits(bus, t))
        err_set(err, EINVAL, "-device %s,bus=%s: it wants a bus of kind %s", t->name, name, t->bus);
    else if (!has_room(m, bus))
        err_set(err, EBUSY, "-device %s,bus=%s: the bus is full", t->name, name);
    else
        return bus;
    return NULL;
}

/* Of slots for one device the last one made: boards make them such that the guest finds that one
 * first. Of buses for many, the first. */
static struct device *free_bus(struct machine *m, const struct device_type *t, struct err *err)
{
    struct device *found = NULL;
    bool any = false;
    for (struct device *d = m->devices; d; d = d->next) {
        if (!fits(d, t))
            continue;
        any = true;
        if (has_room(m, d) && (!found || found->type->slots))
            found = d;
    }
    if (!found)
        err_set(err, any ? EBUSY : ENODEV, "-device %s: machine %s has no %s bus of kind %s",
                t->name, m->board->name, any ? "free" : "", t->bus);
    return found;
}

static char *invent_id(struct machine *m, const char *type)
{
    for (unsigned n = 0;; n++) {
        char *id = alloc_printf("%s.%u", type, n);
        if (!machine_find_device(m, id))
            return id;
        free(id);
    }
}

/* What -device says beside properties. */
struct plug {
    char *driver, *id, *bus;
};

static int plug_device(struct machine *m, const struct plug *p, struct option_list *list,
                       struct err *err)
{
    const struct device_type *t = device_type_find(p->driver, err);
    if (!t)
        return -ENOENT;
    if (!t->bus)
        return err_set(err, EINVAL, "-device %s: only the board can place it (-device help)",
                       t->name);
    struct device *bus = p->bus ? named_bus(m, t, p->bus, err) : free_bus(m, t, err);
    struct device *d = bus ? make(m, t, p->id, err) : NULL;
    if (!d)
        return -ENODEV;
    d->bus = bus;
    int r = device_configure(d, list, err);
    if (r) {
        device_free(d);
        return r;
    }
    r = machine_realize(m, d, err);
    if (!r && m->initialised)
        device_reset(d);
    if (!r && m->initialised && d->card)
        device_reset(d->card);
    return r;
}

int machine_device_add(struct machine *m, struct option_list *list, struct err *err)
{
    struct plug p = {0};
    int r = option_need(list, "driver", &p.driver, err);
    p.id = option_take(list, "id");
    p.bus = option_take(list, "bus");
    if (!r && !p.id)
        p.id = invent_id(m, p.driver);
    if (!r)
        r = plug_device(m, &p, list, err);
    free(p.driver);
    free(p.id);
    free(p.bus);
    return r;
}

/* ---- info qtree ------------------------------------------------------------------------------ */

static void print_regions(const struct device *d, FILE *out)
{
    for (u32 i = 0; i < d->type->mmio_count; i++) {
        const struct mem_region *r = device_mmio((struct device *)d, i);
        if (r->parent)
            fprintf(out, "    mmio %016llx/%016llx\n", (unsigned long long)r->offset,
                    (unsigned long long)r->size);
    }
}

static void print_device(const struct machine *m, struct device *d, unsigned depth, FILE *out)
{
    fprintf(out, "%*sdev: %s, id \"%s\"\n", 2 + 4 * (int)depth, "", d->type->name, d->id);
    print_regions(d, out);
    if (d->type->info)
        d->type->info(d, out);
    if (d->type->provides)
        fprintf(out, "%*sbus: %s, type %s\n", 4 + 4 * (int)depth, "", d->id, d->type->provides);
    for (struct device *child = m->devices; child; child = child->next) {
        if (child->bus == d)
            print_device(m, child, depth + 1, out);
    }
}

bool machine_print_bus(struct machine *m, const char *kind, FILE *out)
{
    bool any = false;
    for (struct device *d = m->devices; d; d = d->next) {
        const char *provides = d->bus ? d->bus->type->provides : NULL;
        if (!provides || strcmp(provides, kind) || !d->type->info)
            continue;
        any = true;
        d->type->info(d, out);
    }
    return any;
}

void machine_print_devices(struct machine *m, FILE *out)
{
    fprintf(out, "bus: main-system-bus\n  type System\n");
    for (struct device *d = m->devices; d; d = d->next) {
        if (!d->bus)
            print_device(m, d, 0, out);
    }
}
