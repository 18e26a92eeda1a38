/*
 * table.c - objects seen through their tables: checking, comparing, filling, freeing.
 *
 * No state, no locks; the caller has stopped whoever else uses the objects.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "base/alloc.h"
#include "state/state_impl.h"

#define FIELDS_OF(t, f)                                                                            \
    const struct state_field *f = (t)->fields;                                                     \
    f->type != STATE_TYPE_END;                                                                     \
    f++

u64 state_field_count(const struct state_field *f, const void *obj)
{
    return f->len_size ? load_le((const u8 *)obj + f->len_offset, f->len_size) : f->count;
}

u8 *state_field_base(const struct state_field *f, const void *obj)
{
    u8 *member = (u8 *)obj + f->offset;
    return f->shape == STATE_POINTED || f->shape == STATE_ALLOCATED ? *(u8 **)member : member;
}

const char *state_field_name(const struct state_field *f)
{
    return f->type == STATE_TYPE_SUBSECTION ? f->table->name : f->name;
}

/* ---- Is a table sound? ---- */

/* Bytes of the object that field f is stored in: [*from, *to). */
static void field_extent(const struct state_field *f, u64 *from, u64 *to)
{
    bool pointer = f->shape == STATE_POINTED || f->shape == STATE_ALLOCATED;
    *from = f->offset;
    *to = f->offset + (pointer ? sizeof(void *) : f->count * f->size);
}

static bool fields_overlap(const struct state_field *a, const struct state_field *b)
{
    u64 a0, a1, b0, b1;
    field_extent(a, &a0, &a1);
    field_extent(b, &b0, &b1);
    bool members = a0 < b1 && b0 < a1;
    bool length_of_a = a->len_size && a->len_offset < b1 && b0 < a->len_offset + a->len_size;
    bool length_of_b = b->len_size && b->len_offset < a1 && a0 < b->len_offset + b->len_size;
    /* Two allocated arrays of one length could not be freed after half a load. */
    bool lengths = a->shape == STATE_ALLOCATED && b->shape == STATE_ALLOCATED &&
                   a->len_offset == b->len_offset;
    return members || lengths || (length_of_a && a->shape != STATE_POINTED) ||
           (length_of_b && b->shape != STATE_POINTED);
}

static const char *field_fault(const struct state_table *t, const struct state_field *f)
{
    bool nested = f->type == STATE_TYPE_STRUCT || f->type == STATE_TYPE_SUBSECTION;
    if (f->type > STATE_TYPE_SUBSECTION)
        return "its type is unknown";
    if (nested != (f->table != NULL))
        return nested ? "it has no table" : "it has a table and is no struct";
    if (f->type == STATE_TYPE_SUBSECTION)
        return f->needed ? NULL : "it has no needed()";
    if (!f->name || !*f->name || strlen(f->name) > STATE_NAME_MAX)
        return "its name is empty or too long";
    if (f->since > t->version)
        return "it is newer than the table";
    if (!f->size || (f->type == STATE_TYPE_UINT && (f->size > 8 || !is_pow2(f->size))))
        return "its element size is wrong";
    if (f->max && (f->type != STATE_TYPE_UINT || (f->size < 8 && f->max >> (8 * f->size))))
        return "its largest value does not fit";
    if ((f->shape == STATE_COUNTED || f->shape == STATE_ALLOCATED) && !f->len_size)
        return "it has no length";
    return NULL;
}

static int table_check_pairs(const struct state_table *t, const struct state_field *f,
                             struct err *err)
{
    for (const struct state_field *g = t->fields; g != f; g++) {
        if (!strcmp(state_field_name(f), state_field_name(g)))
            return err_set(err, EINVAL, "%s.%s: there twice", t->name, state_field_name(f));
        bool both = f->type != STATE_TYPE_SUBSECTION && g->type != STATE_TYPE_SUBSECTION;
        if (both && fields_overlap(f, g))
            return err_set(err, EINVAL, "%s.%s: overlaps %s", t->name, f->name, g->name);
    }
    return 0;
}

int state_table_check(const struct state_table *t, struct err *err)
{
    if (!t->name || !*t->name || strlen(t->name) > STATE_NAME_MAX)
        return err_set(err, EINVAL, "a table has no name, or one that is too long");
    if (!t->min_version || t->min_version > t->version)
        return err_set(err, EINVAL, "%s: versions %u to %u", t->name, t->min_version, t->version);
    for (FIELDS_OF(t, f)) {
        const char *fault = field_fault(t, f);
        if (fault)
            return err_set(err, EINVAL, "%s.%s: %s", t->name, f->name, fault);
        int ret = table_check_pairs(t, f, err);
        if (!ret && f->table)
            ret = state_table_check(f->table, err);
        if (ret)
            return ret;
    }
    return 0;
}

/* ---- Comparing ---- */

/* Where we are, for the message: "queues[2]." */
struct compare {
    char path[256];
    size_t used;
    char text[320]; /* the first difference */
};

static size_t compare_push(struct compare *c, const char *name, bool array, u64 i)
{
    size_t was = c->used;
    size_t room = sizeof(c->path) - was;
    int n = array ? snprintf(c->path + was, room, "%s%s[%" PRIu64 "]", was ? "." : "", name, i)
                  : snprintf(c->path + was, room, "%s%s", was ? "." : "", name);
    c->used = MIN(was + (size_t)n, sizeof(c->path) - 1);
    return was;
}

static void compare_pop(struct compare *c, size_t was)
{
    c->used = was;
    c->path[was] = 0;
}

static bool compare_differ(struct compare *c, const char *name, bool array, u64 i, u64 a, u64 b)
{
    size_t was = compare_push(c, name, array, i);
    snprintf(c->text, sizeof(c->text), "%s: 0x%" PRIx64 ", 0x%" PRIx64, c->path, a, b);
    compare_pop(c, was);
    return false;
}

static bool compare_table(struct compare *c, const struct state_table *t, const void *a,
                          const void *b);

static bool compare_element(struct compare *c, const struct state_field *f, u64 i, bool array,
                            const u8 *a, const u8 *b)
{
    if (f->type != STATE_TYPE_STRUCT) {
        u64 va = load_le(a, f->size), vb = load_le(b, f->size);
        return va == vb || compare_differ(c, f->name, array, i, va, vb);
    }
    size_t was = compare_push(c, f->name, array, i);
    bool equal = compare_table(c, f->table, a, b);
    compare_pop(c, was);
    return equal;
}

static bool compare_field(struct compare *c, const struct state_field *f, const void *a,
                          const void *b)
{
    if (f->type == STATE_TYPE_SUBSECTION) {
        bool na = f->needed(a), nb = f->needed(b);
        if (na != nb)
            return compare_differ(c, f->table->name, false, 0, na, nb);
        return !na || compare_table(c, f->table, a, b);
    }
    u64 count = state_field_count(f, a), other = state_field_count(f, b);
    if (count != other)
        return compare_differ(c, f->name, false, 0, count, other);
    const u8 *pa = state_field_base(f, a), *pb = state_field_base(f, b);
    bool array = count != 1 || f->shape != STATE_FIXED;
    if (!count || (f->type != STATE_TYPE_STRUCT && !memcmp(pa, pb, count * f->size)))
        return true;
    for (u64 i = 0; i < count; i++)
        if (!compare_element(c, f, i, array, pa + i * f->size, pb + i * f->size))
            return false;
    return true;
}

static bool compare_table(struct compare *c, const struct state_table *t, const void *a,
                          const void *b)
{
    for (FIELDS_OF(t, f))
        if (!compare_field(c, f, a, b))
            return false;
    return true;
}

bool state_equal(const struct state_table *t, const void *a, const void *b, char *where,
                 size_t size)
{
    struct compare c = {.used = 0};
    bool equal = compare_table(&c, t, a, b);
    if (where && size)
        snprintf(where, size, "%s", c.text);
    return equal;
}

/* ---- Filling ---- */

#define RANDOM_ALLOC_MAX 20 /* elements of an allocated array */

static u64 random_next(u64 *seed) /* splitmix64 */
{
    u64 v = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
    return v ^ (v >> 31);
}

static void random_table(const struct state_table *t, void *obj, u64 *seed);

static u64 random_value(const struct state_field *f, u64 *seed)
{
    u64 v = random_next(seed);
    if (f->type == STATE_TYPE_BOOL)
        return v & 1;
    return f->max && f->max != UINT64_MAX ? v % (f->max + 1) : v;
}

/* How many elements f gets; makes room for them. */
static u64 random_length(const struct state_field *f, void *obj, u64 *seed)
{
    u64 count = state_field_count(f, obj);
    if (f->shape == STATE_COUNTED)
        count = random_next(seed) % (f->count + 1);
    if (f->shape == STATE_ALLOCATED) {
        count = random_next(seed) % (MIN(f->count, RANDOM_ALLOC_MAX) + 1);
        free(state_field_base(f, obj));
        *(void **)((u8 *)obj + f->offset) = count ? alloc_zero(count * f->size) : NULL;
    }
    if (f->shape == STATE_COUNTED || f->shape == STATE_ALLOCATED)
        store_le((u8 *)obj + f->len_offset, count, f->len_size);
    return count;
}

static void random_table(const struct state_table *t, void *obj, u64 *seed)
{
    for (FIELDS_OF(t, f)) {
        if (f->type == STATE_TYPE_SUBSECTION) {
            random_table(f->table, obj, seed);
            continue;
        }
        u64 count = random_length(f, obj, seed);
        u8 *p = state_field_base(f, obj);
        for (u64 i = 0; i < count; i++, p += f->size) {
            if (f->type == STATE_TYPE_STRUCT)
                random_table(f->table, p, seed);
            else
                store_le(p, random_value(f, seed), f->size);
        }
    }
}

void state_fill_random(const struct state_table *t, void *obj, u64 seed)
{
    state_free(t, obj);
    random_table(t, obj, &seed);
}

/* ---- Freeing ---- */

void state_free(const struct state_table *t, void *obj)
{
    for (FIELDS_OF(t, f)) {
        if (f->type == STATE_TYPE_SUBSECTION)
            state_free(f->table, obj);
        u8 *p = f->type == STATE_TYPE_SUBSECTION ? NULL : state_field_base(f, obj);
        if (!p)
            continue;
        u64 count = f->type == STATE_TYPE_STRUCT ? state_field_count(f, obj) : 0;
        for (u64 i = 0; i < count; i++)
            state_free(f->table, p + i * f->size);
        if (f->shape != STATE_ALLOCATED)
            continue;
        free(p);
        *(void **)((u8 *)obj + f->offset) = NULL;
        store_le((u8 *)obj + f->len_offset, 0, f->len_size);
    }
}
