/*
 * option.c - declared properties: written from text, printed, explained.
 *
 * Pure but for the objects and lists handed in.
 */
#include "base/option.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include "base/alloc.h"
#include "base/option_impl.h"

/* ---- Scalars ---- */

static const char *const option_bool_words[] = {"off",  "on", "no", "yes", "false",
                                                "true", "n",  "y",  NULL};

int option_parse_bool(const char *where, const char *text, bool *v, struct err *err)
{
    for (unsigned i = 0; option_bool_words[i]; i++) {
        if (!strcmp(option_bool_words[i], text)) {
            *v = i & 1;
            return 0;
        }
    }
    return err_set(err, EINVAL, "%s: '%s' is neither on nor off; accepted: on, off", where, text);
}

/* Digits of base 10 or (0x) 16 at *p, moved past. False: none, or more than 64 bits. */
static bool option_scan_u64(const char **p, u64 *v)
{
    bool hex = (*p)[0] == '0' && ((*p)[1] == 'x' || (*p)[1] == 'X');
    const char *digits = *p + (hex ? 2 : 0);
    if (hex ? !isxdigit((u8)*digits) : !isdigit((u8)*digits))
        return false;
    char *end;
    errno = 0;
    *v = strtoull(digits, &end, hex ? 16 : 10);
    *p = end;
    return errno == 0;
}

int option_parse_u64(const char *where, const char *text, u64 *v, struct err *err)
{
    const char *p = text;
    if (!option_scan_u64(&p, v) || *p)
        return err_set(err, EINVAL,
                       "%s: '%s' is not a number of 64 bits; accepted: decimal or 0x hexadecimal",
                       where, text);
    return 0;
}

int option_parse_int(const char *where, const char *text, s64 min, s64 max, s64 *v, struct err *err)
{
    const char *p = text;
    bool minus = *p == '-';
    p += minus;
    u64 u;
    bool ok = option_scan_u64(&p, &u) && !*p && u <= (u64)INT64_MAX + minus;
    s64 n = ok ? (s64)(minus ? 0 - u : u) : 0;
    if (ok && n >= min && n <= max) {
        *v = n;
        return 0;
    }
    return err_set(err, ok ? ERANGE : EINVAL, "%s: '%s' is %s; accepted: %" PRId64 " to %" PRId64,
                   where, text, ok ? "out of range" : "not a whole number", min, max);
}

static const char option_units[] = "BKMGTPE"; /* each 1024 times the last */

int option_parse_size(const char *where, const char *text, unsigned def_shift, u64 *v,
                      struct err *err)
{
    const char *p = text;
    u64 whole, divisor = 1, fraction = 0;
    unsigned shift = def_shift;
    bool ok = option_scan_u64(&p, &whole);
    if (ok && *p == '.') {
        for (p++; isdigit((u8)*p); p++) {
            if (divisor < UINT64_C(100000000)) {
                fraction = fraction * 10 + (u64)(*p - '0');
                divisor *= 10;
            }
        }
    }
    const char *unit = ok && *p ? strchr(option_units, toupper((u8)*p)) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - option_units);
        p++;
    }
    if (!ok || *p)
        return err_set(err, EINVAL,
                       "%s: '%s' is not a size; accepted: a number, and B, K, M, G, T, P or E",
                       where, text);
    u128 bytes = ((u128)whole << shift) + ((u128)fraction << shift) / divisor;
    if (bytes >> 63)
        return err_set(err, ERANGE, "%s: '%s' is more than 8 EiB", where, text);
    *v = (u64)bytes;
    return 0;
}

/* 8-4-4-4-12 hexadecimal digits. */
int option_parse_uuid(const char *where, const char *text, u8 uuid[16], struct err *err)
{
    unsigned digits = 0;
    const char *p = text;
    for (; *p && digits < 32; p++) {
        bool dash = p - text == 8 || p - text == 13 || p - text == 18 || p - text == 23;
        if (dash ? *p != '-' : !isxdigit((u8)*p))
            break;
        if (dash)
            continue;
        unsigned digit = isdigit((u8)*p) ? (unsigned)((u8)*p - '0') : (unsigned)tolower((u8)*p) - 'a' + 10u;
        u8 *byte = &uuid[digits++ / 2];
        *byte = (u8)(*byte << 4 | digit);
    }
    return digits == 32 && !*p
               ? 0
               : err_set(err, EINVAL, "%s %s: accepted is 01234567-89ab-cdef-0123-456789abcdef",
                         where, text);
}

/* ---- One property ---- */

static int option_parse_enum(const char *where, const struct option *o, const char *text, u64 *v,
                             struct err *err)
{
    char accepted[200] = "";
    size_t used = 0;
    for (unsigned i = 0; o->names[i]; i++) {
        if (!strcmp(o->names[i], text)) {
            *v = i;
            return 0;
        }
        if (used < sizeof(accepted))
            used += (size_t)snprintf(accepted + used, sizeof(accepted) - used, "%s%s",
                                     i ? ", " : "", o->names[i]);
    }
    err_set(err, EINVAL, "%s: '%s' is not known; accepted: %s", where, text, accepted);
    err_suggest(err, text, o->names);
    return -EINVAL;
}

/* The range of an int property: as declared, or all that its member holds. */
static void option_range(const struct option *o, s64 *min, s64 *max)
{
    *min = o->min;
    *max = o->max;
    if (o->min < o->max)
        return;
    *min = 0;
    *max = !o->size || o->size == 8 ? INT64_MAX : (s64)(BIT(8 * o->size) - 1);
}

/* A scalar property's text as the bits of its member. */
static int option_parse_scalar(const struct option *o, const char *where, const char *text, u64 *v,
                               struct err *err)
{
    s64 min, max;
    bool on = false;
    int ret;
    switch (o->type) {
    case OPTION_TYPE_BOOL:
        ret = option_parse_bool(where, text, &on, err);
        *v = !ret && on;
        return ret;
    case OPTION_TYPE_INT:
        option_range(o, &min, &max);
        return option_parse_int(where, text, min, max, (s64 *)v, err);
    case OPTION_TYPE_SIZE:
        ret = option_parse_size(where, text, 0, v, err);
        if (!ret && ((o->max && *v > (u64)o->max) || *v < (u64)o->min))
            ret = err_set(err, ERANGE,
                          "%s: '%s' is out of range; accepted: %" PRId64 " to %" PRId64 " bytes",
                          where, text, o->min, o->max ? o->max : INT64_MAX);
        return ret;
    case OPTION_TYPE_U64: return option_parse_u64(where, text, v, err);
    case OPTION_TYPE_ENUM: return option_parse_enum(where, o, text, v, err);
    default: assert(false); return -EINVAL;
    }
}

static void option_append_string(char ***strings, const char *value)
{
    size_t n = 0;
    while (*strings && (*strings)[n])
        n++;
    *strings = alloc_resize(*strings, n + 2, sizeof(char *));
    (*strings)[n] = alloc_string(value);
    (*strings)[n + 1] = NULL;
}

static int option_write(const struct option *o, void *obj, const char *where, const char *value,
                        struct err *err)
{
    void *member = (u8 *)obj + o->offset;
    bool text = o->type == OPTION_TYPE_STRING || o->type == OPTION_TYPE_STRINGS;
    if (!text) {
        u64 v;
        int ret = option_parse_scalar(o, where, value, &v, err);
        if (ret)
            return ret;
        if (o->size)
            store_le(member, v, o->size);
    } else if (o->size && o->type == OPTION_TYPE_STRING) {
        free(*(char **)member);
        *(char **)member = alloc_string(value);
    } else if (o->size) {
        option_append_string(member, value);
    }
    int ret = o->set ? o->set(obj, value, err) : 0;
    if (ret)
        err_prefix(err, "%s", where);
    return ret;
}

/* As option_write, with the place "WHERE: name=" in messages. */
static int option_write_named(const struct option *o, void *obj, const char *where,
                              const char *value, struct err *err)
{
    char *place = alloc_printf("%s: %s", where, o->name);
    int ret = option_write(o, obj, place, value, err);
    free(place);
    return ret;
}

static const struct option *option_find(const struct option *table, const char *name)
{
    for (; table->type != OPTION_TYPE_END; table++)
        if (option_key_equal(table->name, name))
            return table;
    return NULL;
}

/* ---- Whole tables ---- */

int option_defaults(const struct option *table, void *obj, struct err *err)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        if (!o->def)
            continue;
        int ret = option_write_named(o, obj, "default", o->def, err);
        if (ret)
            return ret;
    }
    return 0;
}

/* What the pair says about o: its value, "on"/"off" for the bare words of a bool, NULL when it is
 * not about o. */
static const char *option_pair_value(const struct option_pair *p, const struct option *o)
{
    if (option_key_equal(p->key, o->name))
        return p->value ? p->value : o->type == OPTION_TYPE_BOOL ? "on" : NULL;
    if (!p->value && o->type == OPTION_TYPE_BOOL && !strncmp(p->key, "no", 2) &&
        option_key_equal(p->key + 2, o->name))
        return "off";
    return NULL;
}

/* Spends the pairs about o; the last one counts, of strings all. */
static int option_apply_one(struct option_list *list, const struct option *o, void *obj,
                            struct err *err)
{
    char *last = NULL;
    int ret = 0;
    bool given = false;
    for (unsigned i = 0; i < list->count && !ret;) {
        const char *value = option_pair_value(&list->pairs[i], o);
        if (!value) {
            i++;
            continue;
        }
        given = true;
        if (o->type == OPTION_TYPE_STRINGS) {
            ret = option_write_named(o, obj, list->where, value, err);
        } else {
            free(last);
            last = alloc_string(value);
        }
        option_remove(list, i);
    }
    if (last && !ret)
        ret = option_write_named(o, obj, list->where, last, err);
    free(last);
    if (!given && o->required)
        ret = err_set(err, EINVAL, "%s: '%s=' is missing (%s)", list->where, o->name,
                      o->help ? o->help : "required");
    return ret;
}

int option_apply(struct option_list *list, const struct option *table, void *obj, struct err *err)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        int ret = option_apply_one(list, o, obj, err);
        if (ret)
            return ret;
    }
    return 0;
}

/* Suggests the nearest of the names in the tables. */
static void option_suggest(struct err *err, const char *given, const struct option *const *tables)
{
    const char **names = NULL;
    size_t n = 0;
    for (; tables && *tables; tables++) {
        for (const struct option *o = *tables; o->type != OPTION_TYPE_END; o++) {
            names = alloc_resize(names, n + 2, sizeof(*names));
            names[n++] = o->name;
            names[n] = NULL;
        }
    }
    err_suggest(err, given, names);
    free(names);
}

int option_done(const struct option_list *list, const struct option *const *tables, struct err *err)
{
    if (!list->count)
        return 0;
    const struct option_pair *p = &list->pairs[0];
    for (const struct option *const *t = tables; t && *t; t++)
        if (!p->value && option_find(*t, p->key))
            return err_set(err, EINVAL, "%s: '%s' needs a value (%s=...)", list->where, p->key,
                           p->key);
    err_set(err, EINVAL, "%s: there is no option '%s'", list->where, p->key);
    option_suggest(err, p->key, tables);
    return -EINVAL;
}

int option_load(struct option_list *list, const struct option *table, void *obj, struct err *err)
{
    const struct option *const tables[] = {table, NULL};
    int ret = option_defaults(table, obj, err);
    if (!ret)
        ret = option_apply(list, table, obj, err);
    if (!ret)
        ret = option_done(list, tables, err);
    return ret;
}

int option_set_one(const struct option *table, void *obj, const char *where, const char *name,
                   const char *value, struct err *err)
{
    const struct option *o = option_find(table, name);
    if (o)
        return option_write_named(o, obj, where, value, err);
    const struct option *const tables[] = {table, NULL};
    err_set(err, ENOENT, "%s: there is no option '%s'", where, name);
    option_suggest(err, name, tables);
    return -ENOENT;
}

void option_free(const struct option *table, void *obj)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        void *member = (u8 *)obj + o->offset;
        if (!o->size || (o->type != OPTION_TYPE_STRING && o->type != OPTION_TYPE_STRINGS))
            continue;
        char **strings = *(char ***)member;
        if (o->type == OPTION_TYPE_STRINGS && strings)
            for (char **s = strings; *s; s++)
                free(*s);
        free(strings);
        *(void **)member = NULL;
    }
}

/* ---- Printing ---- */

static char *option_size_text(u64 v)
{
    unsigned unit = 0;
    while (v && !(v & 1023) && option_units[unit + 1]) {
        v >>= 10;
        unit++;
    }
    return unit ? alloc_printf("%" PRIu64 "%c", v, option_units[unit])
                : alloc_printf("%" PRIu64, v);
}

static char *option_strings_text(char *const *strings)
{
    char *all = alloc_string("");
    for (; strings && *strings; strings++) {
        char *more = alloc_printf("%s%s%s", all, *all ? "," : "", *strings);
        free(all);
        all = more;
    }
    return all;
}

char *option_text(const struct option *o, const void *obj)
{
    const void *member = (const u8 *)obj + o->offset;
    if (!o->size)
        return alloc_string("");
    if (o->type == OPTION_TYPE_STRINGS)
        return option_strings_text(*(char *const *const *)member);
    if (o->type == OPTION_TYPE_STRING) {
        const char *s = *(char *const *)member;
        return alloc_string(s ? s : "");
    }
    u64 v = load_le(member, o->size);
    switch (o->type) {
    case OPTION_TYPE_BOOL: return alloc_string(v ? "on" : "off");
    case OPTION_TYPE_SIZE: return option_size_text(v);
    case OPTION_TYPE_U64: return alloc_printf("0x%" PRIx64, v);
    case OPTION_TYPE_ENUM: return alloc_string(o->names[v]);
    default:
        if (o->min < 0)
            return alloc_printf("%" PRId64, bits_sext(v, 8 * o->size));
        return alloc_printf("%" PRIu64, v);
    }
}

static const char *const option_type_names[] = {
    [OPTION_TYPE_BOOL] = "on|off",    [OPTION_TYPE_INT] = "int",       [OPTION_TYPE_SIZE] = "size",
    [OPTION_TYPE_U64] = "u64",        [OPTION_TYPE_STRING] = "string", [OPTION_TYPE_ENUM] = "enum",
    [OPTION_TYPE_STRINGS] = "string",
};

static void option_help_line(const struct option *o, FILE *out)
{
    int width = fprintf(out, "  %s=<", o->name);
    if (o->type == OPTION_TYPE_ENUM)
        for (unsigned i = 0; o->names[i]; i++)
            width += fprintf(out, "%s%s", i ? "|" : "", o->names[i]);
    else
        width += fprintf(out, "%s", option_type_names[o->type]);
    width += fprintf(out, ">%s", o->type == OPTION_TYPE_STRINGS ? "..." : "");
    if (o->help)
        fprintf(out, "%*s %s", MAX(0, 30 - width), "", o->help);
    if (o->def)
        fprintf(out, " (default: %s)", o->def);
    else if (o->required)
        fprintf(out, " (required)");
    fputc('\n', out);
}

static int option_compare_name(const void *a, const void *b)
{
    return strcmp((*(const struct option *const *)a)->name,
                  (*(const struct option *const *)b)->name);
}

void option_help(const struct option *table, FILE *out)
{
    size_t n = 0;
    while (table[n].type != OPTION_TYPE_END)
        n++;
    const struct option **sorted = alloc_bytes(n * sizeof(*sorted));
    for (size_t i = 0; i < n; i++)
        sorted[i] = &table[i];
    qsort(sorted, n, sizeof(*sorted), option_compare_name);
    for (size_t i = 0; i < n; i++)
        option_help_line(sorted[i], out);
    free(sorted);
}
