/*
 * device.c - devices by their descriptions: look-up, options, life, wires.
 *
 * Main thread.
 */
#include "device/device.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

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

void device_type_list(const char *family, FILE *out)
{
    for (unsigned i = 0; device_type_registry[i]; i++) {
        const struct device_type *t = device_type_registry[i];
        if (family && t->family && strcmp(t->family, family))
            continue;
        fprintf(out, "name \"%s\", %s%s%s, desc \"%s\"\n", t->name,
                t->bus ? "bus " : "placed by the board", t->bus ? t->bus : "",
                t->provides ? ", has a bus" : "", t->help);
    }
}

static const struct device_type *carried_type(const struct device_type *t)
{
    struct err err = {0};
    return t->carries ? device_type_find(t->carries, &err) : NULL;
}

void device_type_help(const struct device_type *t, FILE *out)
{
    const struct device_type *card = carried_type(t);
    fprintf(out, "%s: %s\n", t->name, t->help);
    if (t->options)
        option_help(t->options, out);
    if (card && card->options)
        option_help(card->options, out);
}

static bool has_option(const struct option *o, const char *name)
{
    while (o && o->type != OPTION_TYPE_END && strcmp(o->name, name))
        o++;
    return o && o->type != OPTION_TYPE_END;
}

int device_type_check(const struct device_type *t, const char *name, const char *value,
                      struct err *err)
{
    static const struct option none[] = {OPTION_LAST};
    const struct device_type *card = carried_type(t);
    if (card && !has_option(t->options, name))
        return device_type_check(card, name, value, err);
    const struct option *table = t->options ? t->options : none;
    void *object = calloc(1, t->size);
    if (!object)
        return err_set(err, ENOMEM, "no memory for a %s", t->name);
    int r = option_set_one(table, object, t->name, name, value, err);
    option_free(table, object);
    free(object);
    return r;
}

static int new_card(struct device *d, struct err *err)
{
    const struct device_type *t = carried_type(d->type);
    char *id = alloc_printf("%s/%s", d->id, d->type->carries);
    assert(t && "a device carries what there is");
    d->card = device_new(t, id, d->host, err);
    free(id);
    if (d->card)
        d->card->bus = d;
    return d->card ? 0 : -ENOMEM;
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
    if ((t->options && option_defaults(t->options, d, err)) || (t->carries && new_card(d, err))) {
        device_free(d);
        return NULL;
    }
    return d;
}

int device_configure(struct device *d, struct option_list *list, struct err *err)
{
    static const struct option none[] = {OPTION_LAST};
    const struct option *own = d->type->options ? d->type->options : none;
    const struct option *card = d->card && d->card->type->options ? d->card->type->options : none;
    const struct option *tables[] = {own, card, NULL};
    if (!list)
        return 0;
    int r = option_apply(list, own, d, err);
    if (!r && d->card)
        r = option_apply(list, card, d->card, err);
    return r ? r : option_done(list, tables, err);
}

int device_set(struct device *d, const char *name, const char *value, struct err *err)
{
    static const struct option none[] = {OPTION_LAST};
    if (d->card && !has_option(d->type->options, name))
        d = d->card;
    return option_set_one(d->type->options ? d->type->options : none, d, d->id, name, value, err);
}

int device_realize(struct device *d, struct err *err)
{
    int r = d->type->realize ? d->type->realize(d, err) : 0;
    if (!r && d->bus)
        r = d->bus->type->plug(d->bus, d, err);
    if (r)
        return err_prefix(err, "%s", d->id);
    r = d->card ? device_realize(d->card, err) : 0;
    d->realized = !r;
    return r;
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
    device_free(d->card);
    if (d->bus && d->bus->card == d)
        d->bus->card = NULL;
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
