/*
 * device.c - devices by their descriptions: look-up, options, life, wires.
 *
 * Main thread.
 */
#include "device/device.h"

#include <errno.h>
#include <stdlib.h>

const struct device_type *device_type_find(const char *name, struct err *err)
{
    unsigned n = 0;
    while (device_type_registry[n] && strcmp(device_type_registry[n]->name, name))
        n++;
    if (device_type_registry[n])
        return device_type_registry[n];
    const char **names = calloc(n + 1, sizeof(*names));
    for (unsigned i = 0; names && i < n; i++)
        names[i] = device_type_registry[i]->name;
    err_set(err, ENOENT, "-device %s: no such device (-device help lists them)", name);
    if (names)
        err_suggest(err, name, names);
    free(names);
    return NULL;
}

void device_type_list(FILE *out)
{
    for (unsigned i = 0; device_type_registry[i]; i++) {
        const struct device_type *t = device_type_registry[i];
        fprintf(out, "name \"%s\", %s%s%s, desc \"%s\"\n", t->name,
                t->bus ? "bus " : "placed by the board", t->bus ? t->bus : "",
                t->provides ? ", has a bus" : "", t->help);
    }
}

void device_type_help(const struct device_type *t, FILE *out)
{
    fprintf(out, "%s: %s\n", t->name, t->help);
    if (t->options)
        option_help(t->options, out);
}

int device_type_check(const struct device_type *t, const char *name, const char *value,
                      struct err *err)
{
    static const struct option none[] = {OPTION_LAST};
    const struct option *table = t->options ? t->options : none;
    void *object = calloc(1, t->size);
    if (!object)
        return err_set(err, ENOMEM, "no memory for a %s", t->name);
    int r = option_set_one(table, object, t->name, name, value, err);
    option_free(table, object);
    free(object);
    return r;
}

struct device *device_new(const struct device_type *t, const char *id,
                          const struct device_host *host, struct err *err)
{
    struct device *d = calloc(1, t->size);
    if (!d) {
        err_set(err, ENOMEM, "no memory for device %s", id);
        return NULL;
    }
    d->type = t;
    d->host = host;
    d->id = strdup(id);
    if (t->options && option_defaults(t->options, d, err)) {
        device_free(d);
        return NULL;
    }
    return d;
}

int device_configure(struct device *d, struct option_list *list, struct err *err)
{
    const struct option *tables[] = {d->type->options, NULL};
    if (!list)
        return 0;
    int r = d->type->options ? option_apply(list, d->type->options, d, err) : 0;
    return r ? r : option_done(list, tables, err);
}

int device_set(struct device *d, const char *name, const char *value, struct err *err)
{
    static const struct option none[] = {OPTION_LAST};
    return option_set_one(d->type->options ? d->type->options : none, d, d->id, name, value, err);
}

int device_realize(struct device *d, struct err *err)
{
    int r = d->type->realize ? d->type->realize(d, err) : 0;
    if (!r && d->bus)
        r = d->bus->type->plug(d->bus, d, err);
    d->realized = !r;
    return r ? err_prefix(err, "%s", d->id) : 0;
}

void device_reset(struct device *d)
{
    if (!d->type->reset)
        return;
    device_lock(d);
    d->type->reset(d);
    device_unlock(d);
}

void device_free(struct device *d)
{
    if (!d)
        return;
    for (u32 i = 0; i < d->type->mmio_count; i++)
        mem_unmap(d->host->memory, device_mmio(d, i));
    if (d->type->unrealize)
        d->type->unrealize(d);
    if (d->type->options)
        option_free(d->type->options, d);
    free(d->id);
    free(d);
}

struct mem_region *device_mmio(struct device *d, unsigned n)
{
    assert(n < d->type->mmio_count);
    return (struct mem_region *)((u8 *)d + d->type->mmio_offset) + n;
}

static struct irq *output(struct device *d, unsigned n)
{
    assert(n < d->type->irq_count);
    return (struct irq *)((u8 *)d + d->type->irq_offset) + n;
}

void device_connect(struct device *d, unsigned n, struct irq irq)
{
    *output(d, n) = irq;
}

struct irq device_output(struct device *d, unsigned n)
{
    return *output(d, n);
}

struct irq device_input(struct device *d, unsigned n)
{
    return (struct irq){.set = d->type->input, .sink = d, .n = n};
}
