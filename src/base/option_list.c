/*
 * option_list.c - option texts and JSON objects as lists of key/value pairs.
 *
 * A list belongs to one thread. Keys compare with '-' and '_' taken as equal, as people mix them.
 */
#include "base/option.h"

#include <errno.h>
#include <jansson.h>
#include "base/alloc.h"
#include "base/option_impl.h"

bool option_key_equal(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
            return false;
    return *a == *b;
}

static void option_list_init(struct option_list *list, const char *where)
{
    *list = (struct option_list){.where = alloc_string(where)};
}

void option_list_fini(struct option_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        free(list->pairs[i].key);
        free(list->pairs[i].value);
    }
    free(list->pairs);
    free(list->where);
    *list = (struct option_list){0};
}

/* Takes key and value over. */
static void option_add_owned(struct option_list *list, char *key, char *value)
{
    list->pairs = alloc_resize(list->pairs, list->count + 1, sizeof(*list->pairs));
    list->pairs[list->count++] = (struct option_pair){key, value};
}

void option_add(struct option_list *list, const char *key, const char *value)
{
    option_add_owned(list, alloc_string(key), value ? alloc_string(value) : NULL);
}

void option_remove(struct option_list *list, unsigned i)
{
    free(list->pairs[i].key);
    free(list->pairs[i].value);
    memmove(&list->pairs[i], &list->pairs[i + 1], (--list->count - i) * sizeof(*list->pairs));
}

/* ---- Text ---- */

/* The text up to the next single comma, ",," taken as one; *p moves past the comma. malloc'ed. */
static char *option_read_value(const char **p)
{
    char *value = alloc_bytes(strlen(*p) + 1), *to = value;
    const char *s = *p;
    for (; *s; s++) {
        if (*s == ',' && *++s != ',')
            break;
        *to++ = *s;
    }
    *to = 0;
    *p = s;
    return value;
}

/* The value of the implied key names what is asked for: "-device virtio-blk-device". */
static void option_add_first(struct option_list *list, const char *key, const char *word)
{
    char *where = alloc_printf("%s %s", list->where, word);
    free(list->where);
    list->where = where;
    option_add(list, key, word);
}

static int option_parse_text(struct option_list *list, const char *text, const char *implied,
                             struct err *err)
{
    const char *p = text;
    for (bool first = true; *p; first = false) {
        size_t len = strcspn(p, "=,");
        if (p[len] == '=') {
            char *key = strndup(p, len);
            p += len + 1;
            if (!len) {
                free(key);
                return err_set(err, EINVAL, "%s: no name before '=' in '%s'", list->where, text);
            }
            option_add_owned(list, key, option_read_value(&p));
            continue;
        }
        char *word = option_read_value(&p);
        if (!strcmp(word, "help") || !strcmp(word, "?"))
            list->help = true;
        else if (first && implied)
            option_add_first(list, implied, word);
        else if (*word)
            option_add(list, word, NULL);
        bool empty = !*word && !(first && implied);
        free(word);
        if (empty)
            return err_set(err, EINVAL, "%s: an empty option in '%s'", list->where, text);
    }
    return 0;
}

/* ---- JSON ---- */

static int option_flatten(struct option_list *list, const char *key, const json_t *v,
                          struct err *err);

static int option_flatten_object(struct option_list *list, const char *prefix, const json_t *object,
                                 struct err *err)
{
    const char *name;
    json_t *v;
    int ret = 0;
    json_object_foreach((json_t *)object, name, v)
    {
        char *key = alloc_printf("%s%s%s", prefix, *prefix ? "." : "", name);
        ret = option_flatten(list, key, v, err);
        free(key);
        if (ret)
            break;
    }
    return ret;
}

/* Scalars, and {"str": "..."} as QMP wraps strings, repeat the key; objects are numbered. */
static int option_flatten_array(struct option_list *list, const char *key, const json_t *array,
                                struct err *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *v = json_array_get(array, i);
        const json_t *str = json_is_object(v) ? json_object_get(v, "str") : NULL;
        bool nested = json_is_object(v) || json_is_array(v);
        char *sub = nested ? alloc_printf("%s.%zu", key, i) : alloc_string(key);
        int ret = str && json_object_size(v) == 1 ? option_flatten(list, key, str, err)
                                                  : option_flatten(list, sub, v, err);
        free(sub);
        if (ret)
            return ret;
    }
    return 0;
}

static int option_flatten(struct option_list *list, const char *key, const json_t *v,
                          struct err *err)
{
    switch (json_typeof(v)) {
    case JSON_STRING: option_add(list, key, json_string_value(v)); return 0;
    case JSON_INTEGER:
        option_add_owned(list, alloc_string(key),
                         alloc_printf("%" JSON_INTEGER_FORMAT, json_integer_value(v)));
        return 0;
    case JSON_TRUE: option_add(list, key, "on"); return 0;
    case JSON_FALSE: option_add(list, key, "off"); return 0;
    case JSON_OBJECT: return option_flatten_object(list, key, v, err);
    case JSON_ARRAY: return option_flatten_array(list, key, v, err);
    default:
        return err_set(err, EINVAL,
                       "%s: '%s' is %s; accepted: strings, whole numbers, true, false, objects, "
                       "arrays",
                       list->where, key, json_is_null(v) ? "null" : "a fraction");
    }
}

static int option_parse_json(struct option_list *list, const char *text, struct err *err)
{
    json_error_t e;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &e);
    if (!object)
        return err_set(err, EINVAL, "%s: bad JSON at column %d: %s", list->where, e.column, e.text);
    int ret = option_flatten_object(list, "", object, err);
    json_decref(object);
    return ret;
}

int option_from_json(struct option_list *list, const char *where, const struct json_t *object,
                     struct err *err)
{
    option_list_init(list, where);
    int ret = json_is_object(object) ? option_flatten_object(list, "", object, err)
                                     : err_set(err, EINVAL, "%s: a JSON object is expected", where);
    if (ret)
        option_list_fini(list);
    return ret;
}

int option_parse(struct option_list *list, const char *where, const char *text, const char *implied,
                 struct err *err)
{
    option_list_init(list, where);
    int ret = *text == '{' ? option_parse_json(list, text, err)
                           : option_parse_text(list, text, implied, err);
    if (ret)
        option_list_fini(list);
    return ret;
}

/* ---- Spending a list ---- */

const char *option_get(const struct option_list *list, const char *key)
{
    for (unsigned i = list->count; i--;)
        if (list->pairs[i].value && option_key_equal(list->pairs[i].key, key))
            return list->pairs[i].value;
    return NULL;
}

char *option_take(struct option_list *list, const char *key)
{
    const char *last = option_get(list, key);
    char *value = last ? alloc_string(last) : NULL;
    for (unsigned i = list->count; i--;)
        if (list->pairs[i].value && option_key_equal(list->pairs[i].key, key))
            option_remove(list, i);
    return value;
}

int option_need(struct option_list *list, const char *key, char **value, struct err *err)
{
    *value = option_take(list, key);
    return *value ? 0 : err_set(err, EINVAL, "%s: '%s=' is missing", list->where, key);
}

void option_sub(struct option_list *list, const char *prefix, struct option_list *sub)
{
    size_t len = strlen(prefix);
    *sub = (struct option_list){.where = alloc_printf("%s %s", list->where, prefix)};
    for (unsigned i = 0; i < list->count;) {
        struct option_pair *p = &list->pairs[i];
        if (strncmp(p->key, prefix, len) || p->key[len] != '.') {
            i++;
            continue;
        }
        option_add(sub, p->key + len + 1, p->value);
        option_remove(list, i);
    }
}
