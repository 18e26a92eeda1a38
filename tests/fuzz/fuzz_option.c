/*
 * fuzz_option.c - options as people and programs write them: text and JSON taken apart, and given
 * to any device of the registry; what was accepted is printed and set again.
 */
#include "base/option.h"
#include "bench.h"

enum { TEXT_MAX = 4096 };

static struct harness h;
static unsigned types;

static void option_open(const char *variant)
{
    (void)variant;
    harness_open(&h);
    while (device_type_registry[types])
        types++;
}

/* Every value as the user would write it is accepted again, and stays as it is. */
static void set_again(struct device *d)
{
    for (const struct option *o = d->type->options; o && o->type != OPTION_TYPE_END; o++) {
        struct err err = {0};
        if (!o->size || o->type == OPTION_TYPE_STRINGS)
            continue;
        char *text = option_text(o, d);
        if (!text)
            continue;
        fuzz_ok(device_set(d, o->name, text, &err), &err);
        char *again = option_text(o, d);
        fuzz_must(again && !strcmp(text, again));
        free(text);
        free(again);
    }
}

static void configure(const struct device_type *t, struct option_list *list)
{
    struct err err = {0};
    struct device *d = device_new(t, "fuzz", &h.host, &err);
    fuzz_ok(!d, &err);
    if (device_configure(d, list, &err))
        fuzz_must(err.text[0]);
    else
        set_again(d);
    device_free(d);
}

static void parse_scalars(const char *text)
{
    struct err err = {0};
    bool flag;
    s64 number;
    u64 size;
    (void)!option_parse_bool("-x", text, &flag, &err);
    (void)!option_parse_u64("-x", text, &size, &err);
    (void)!option_parse_int("-x", text, INT64_MIN, INT64_MAX, &number, &err);
    if (!option_parse_int("-x", text, -5, 1000, &number, &err))
        fuzz_must(number >= -5 && number <= 1000);
    (void)!option_parse_size("-x", text, 20, &size, &err);
}

static void option_run(struct fuzz_input *in)
{
    char text[TEXT_MAX];
    struct option_list list, sub;
    struct err err = {0};
    const struct device_type *t = device_type_registry[fuzz_u8(in) % types];
    size_t n;
    const u8 *p = fuzz_take(in, TEXT_MAX - 1, &n);
    memcpy(text, p, n);
    text[n] = 0;
    parse_scalars(text);
    if (option_parse(&list, "-device", text, "driver", &err)) {
        fuzz_must(err.text[0] && !list.count);
    } else {
        free(option_take(&list, "driver"));
        option_sub(&list, "file", &sub);
        configure(t, &list);
        option_list_fini(&sub);
    }
    option_list_fini(&list);
}

static void option_seeds(struct fuzz_seed *s)
{
    for (unsigned i = 0; i < types; i++) {
        for (unsigned json = 0; json < 2; json++) {
            const struct option *o = device_type_registry[i]->options;
            char text[TEXT_MAX], end = json ? '}' : 0;
            size_t n = (size_t)snprintf(text, sizeof(text), json ? "{\"driver\": \"%s\"" : "%s",
                                        device_type_registry[i]->name);
            for (; o && o->type != OPTION_TYPE_END; o++)
                n += (size_t)snprintf(text + n, sizeof(text) - n,
                                      json ? ", \"%s\": \"%s\"" : ",%s=%s", o->name,
                                      o->def ? o->def : "x,,y");
            fuzz_put_number(s, i, 1);
            fuzz_put(s, text, n);
            fuzz_put(s, &end, json);
            fuzz_seed_end(s);
        }
    }
}

const struct fuzz_target fuzz_target = {
    .open = option_open, .run = option_run, .seeds = option_seeds};
