/*
 * object.c - an object's body in a stream: written and read through its table.
 *
 * The reader is given hostile bytes: every record is bounded by its span, every count by the field,
 * every bool and bounded integer by its range; lengths are written only with the elements they
 * count, and checked once more when the whole body is in. See state_impl.h for the format.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "state/state_impl.h"

/* A hook's answer, with a text where it gave none. err is never NULL below the streams. */
static int hook_result(const struct state_table *t, int ret, struct err *err)
{
    return ret && !err->code ? err_set_errno(err, -ret, "%s", t->name) : ret;
}

/* ---- Writing ---- */

void state_mem_put(struct state_mem *m, const void *p, size_t n)
{
    if (m->capacity - m->size < n) {
        m->capacity = MAX(2 * m->capacity, m->size + n + 4096);
        m->data = alloc_resize(m->data, m->capacity, 1);
    }
    if (n)
        memcpy(m->data + m->size, p, n);
    m->size += n;
}

void state_mem_put_uint(struct state_mem *m, u64 v, unsigned size)
{
    u8 bytes[8];
    store_le(bytes, v, size);
    state_mem_put(m, bytes, size);
}

int state_mem_put_name(struct state_mem *m, const char *name, struct err *err)
{
    size_t n = strlen(name);
    if (n > STATE_NAME_MAX)
        return err_set(err, ENAMETOOLONG, "the name '%.40s...' has more than %d letters", name,
                       STATE_NAME_MAX);
    state_mem_put_uint(m, n, 1);
    state_mem_put(m, name, n);
    return 0;
}

/* Starts a record; returns where its `bytes` are to be written. */
static size_t record_begin(struct state_mem *m, const struct state_field *f, u64 count,
                           struct err *err)
{
    const char *name = state_field_name(f);
    state_mem_put_uint(m, f->type, 1);
    state_mem_put_uint(m, f->optional ? STATE_FLAG_OPTIONAL : 0, 1);
    state_mem_put_uint(m, f->table ? 0 : f->size, 1);
    int ret = state_mem_put_name(m, name, err);
    assert(!ret); /* state_table_check */
    state_mem_put_uint(m, f->table ? f->table->version : 0, 4);
    state_mem_put_uint(m, count, 8);
    state_mem_put_uint(m, 0, 8);
    return m->size - 8;
}

static int write_elements(struct state_mem *m, const struct state_field *f, u8 *p, u64 count,
                          struct err *err)
{
    if (f->type != STATE_TYPE_STRUCT) {
        state_mem_put(m, p, count * f->size); /* little-endian on every host Guise runs on */
        return 0;
    }
    for (u64 i = 0; i < count; i++) {
        int ret = state_body_write(m, f->table, p + i * f->size, err);
        if (ret)
            return err_prefix(err, "%s[%" PRIu64 "]", f->name, i);
    }
    return 0;
}

static int write_field(struct state_mem *m, const struct state_field *f, void *obj, struct err *err)
{
    bool sub = f->type == STATE_TYPE_SUBSECTION;
    if (sub && !f->needed(obj))
        return 0;
    u64 count = sub ? 1 : state_field_count(f, obj);
    if ((f->shape == STATE_COUNTED || f->shape == STATE_ALLOCATED) && count > f->count)
        return err_set(err, EINVAL, "%s: %" PRIu64 " elements, and room for %" PRIu64, f->name,
                       count, f->count);
    size_t bytes_at = record_begin(m, f, count, err);
    size_t start = m->size;
    int ret = sub ? state_body_write(m, f->table, obj, err)
                  : write_elements(m, f, state_field_base(f, obj), count, err);
    store_le(m->data + bytes_at, m->size - start, 8);
    return ret;
}

int state_body_write(struct state_mem *m, const struct state_table *t, void *obj, struct err *err)
{
    int ret = t->pre_save ? hook_result(t, t->pre_save(obj, err), err) : 0;
    for (const struct state_field *f = t->fields; !ret && f->type != STATE_TYPE_END; f++)
        ret = write_field(m, f, obj, err);
    state_mem_put_uint(m, STATE_TYPE_END, 1);
    return ret;
}

/* ---- Bytes ---- */

bool state_span_take(struct state_span *s, size_t n, const u8 **p)
{
    if ((size_t)(s->end - s->p) < n)
        return false;
    *p = s->p;
    s->p += n;
    return true;
}

bool state_span_uint(struct state_span *s, unsigned size, u64 *v)
{
    const u8 *p;
    if (!state_span_take(s, size, &p))
        return false;
    *v = load_le(p, size);
    return true;
}

bool state_span_name(struct state_span *s, char name[STATE_NAME_MAX + 1])
{
    u64 n;
    const u8 *p;
    if (!state_span_uint(s, 1, &n) || !state_span_take(s, n, &p) || memchr(p, 0, n))
        return false;
    memcpy(name, p, n);
    name[n] = 0;
    return true;
}

static bool record_sizes_agree(const struct state_record *r)
{
    switch (r->type) {
    case STATE_TYPE_UINT:
        if (r->size > 8 || !is_pow2(r->size))
            return false;
        break;
    case STATE_TYPE_BOOL:
    case STATE_TYPE_BYTES:
        if (r->size != 1)
            return false;
        break;
    case STATE_TYPE_STRUCT: return r->count <= r->bytes; /* each has its end */
    case STATE_TYPE_SUBSECTION: return r->count == 1;
    default: return true; /* of a later format: only its bytes are known */
    }
    return r->bytes % r->size == 0 && r->bytes / r->size == r->count;
}

int state_record_read(struct state_span *s, struct state_record *r, struct err *err)
{
    const u8 *payload;
    bool ok = state_span_uint(s, 1, &r->type);
    if (ok && r->type == STATE_TYPE_END)
        return 0;
    ok = ok && state_span_uint(s, 1, &r->flags) && state_span_uint(s, 1, &r->size) &&
         state_span_name(s, r->name) && state_span_uint(s, 4, &r->version) &&
         state_span_uint(s, 8, &r->count) && state_span_uint(s, 8, &r->bytes) &&
         state_span_take(s, r->bytes, &payload);
    if (!ok)
        return err_set(err, EBADMSG, "the stream is damaged: a field goes beyond its section");
    r->payload = (struct state_span){payload, payload + r->bytes};
    if (!record_sizes_agree(r))
        return err_set(err, EBADMSG,
                       "the stream is damaged: field '%s' has %" PRIu64 " elements in %" PRIu64
                       " bytes",
                       r->name, r->count, r->bytes);
    return 0;
}

/* ---- Reading ---- */

static int read_uints(struct state_span *s, const struct state_field *f, unsigned stream_size,
                      u8 *to, u64 count, struct err *err)
{
    u64 most = f->max ? f->max : ~UINT64_C(0) >> (64 - 8 * f->size);
    if (f->type == STATE_TYPE_BOOL)
        most = 1;
    for (u64 i = 0; i < count; i++, to += f->size) {
        u64 v = load_le(s->p + i * stream_size, stream_size);
        if (v > most)
            return err_set(err, EINVAL,
                           "%s: the stream has %" PRIu64 "; accepted: at most %" PRIu64, f->name, v,
                           most);
        store_le(to, v, f->size);
    }
    return 0;
}

static int read_structs(struct state_span *s, const struct state_field *f, u32 version, u8 *to,
                        u64 count, struct err *err)
{
    for (u64 i = 0; i < count; i++) {
        int ret = state_body_read(s, f->table, version, to + i * f->size, err);
        if (ret)
            return f->shape == STATE_FIXED && f->count == 1
                       ? err_prefix(err, "%s", f->name)
                       : err_prefix(err, "%s[%" PRIu64 "]", f->name, i);
    }
    if (s->p != s->end)
        return err_set(err, EBADMSG, "%s: the stream is damaged: bytes are left over", f->name);
    return 0;
}

/* Does the field take count elements? */
static int check_count(const struct state_field *f, const void *obj, u64 count, struct err *err)
{
    bool exact = f->shape == STATE_FIXED || f->shape == STATE_POINTED;
    u64 most = exact ? state_field_count(f, obj) : f->count;
    if (exact ? count == most : count <= most)
        return 0;
    return err_set(err, EINVAL, "%s: the stream has %" PRIu64 " elements; accepted: %s%" PRIu64,
                   f->name, count, exact ? "" : "at most ", most);
}

/* Fresh room for count elements in place of what the pointer held. */
static int make_room(const struct state_field *f, void *obj, u64 count, struct err *err)
{
    const struct state_table old = {.name = "",
                                    .fields = (const struct state_field[]){*f, STATE_END}};
    state_free(&old, obj);
    if (!count)
        return 0;
    void *p = calloc(count, f->size);
    if (!p)
        return err_set(err, ENOMEM, "%s: no memory for %" PRIu64 " elements", f->name, count);
    *(void **)((u8 *)obj + f->offset) = p;
    return 0;
}

/* Once there is room for them, so that after a failed load the elements can be freed. */
static void set_count(const struct state_field *f, void *obj, u64 count)
{
    if (f->shape == STATE_COUNTED || f->shape == STATE_ALLOCATED)
        store_le((u8 *)obj + f->len_offset, count, f->len_size);
}

static int read_field(struct state_record *r, const struct state_field *f, void *obj,
                      struct err *err)
{
    if (r->type != f->type)
        return err_set(err, EINVAL, "%s: the stream has it as type %" PRIu64 ", not %u",
                       state_field_name(f), r->type, f->type);
    if (f->table && (r->version > f->table->version || r->version < f->table->min_version))
        return err_set(err, ENOTSUP, "%s: version %" PRIu64 "; accepted: %u to %u",
                       state_field_name(f), r->version, f->table->min_version, f->table->version);
    if (f->type == STATE_TYPE_SUBSECTION) {
        int ret = state_body_read(&r->payload, f->table, (u32)r->version, obj, err);
        return ret ? err_prefix(err, "%s", f->table->name) : 0;
    }
    int ret = check_count(f, obj, r->count, err);
    if (!ret && f->shape == STATE_ALLOCATED)
        ret = make_room(f, obj, r->count, err);
    if (ret || !r->count) {
        if (!ret)
            set_count(f, obj, 0);
        return ret;
    }
    set_count(f, obj, r->count);
    u8 *to = state_field_base(f, obj);
    if (f->type == STATE_TYPE_STRUCT)
        return read_structs(&r->payload, f, (u32)r->version, to, r->count, err);
    if (f->type == STATE_TYPE_BYTES)
        memcpy(to, r->payload.p, r->count);
    else
        return read_uints(&r->payload, f, (unsigned)r->size, to, r->count, err);
    return 0;
}

/* The field called name, looked for from `from` on, around: streams mostly have our own order. */
static const struct state_field *find_field(const struct state_table *t,
                                            const struct state_field *from, const char *name)
{
    for (const struct state_field *f = from; f->type != STATE_TYPE_END; f++)
        if (!strcmp(state_field_name(f), name))
            return f;
    for (const struct state_field *f = t->fields; f != from; f++)
        if (!strcmp(state_field_name(f), name))
            return f;
    return NULL;
}

static size_t table_fields(const struct state_table *t)
{
    size_t n = 0;
    while (t->fields[n].type != STATE_TYPE_END)
        n++;
    return n;
}

static int read_records(struct state_span *s, const struct state_table *t, void *obj, bool *seen,
                        u64 *counts, struct err *err)
{
    const struct state_field *next = t->fields;
    for (;;) {
        struct state_record r;
        int ret = state_record_read(s, &r, err);
        if (ret || r.type == STATE_TYPE_END)
            return ret;
        const struct state_field *f = find_field(t, next, r.name);
        if (!f && (r.flags & STATE_FLAG_OPTIONAL))
            continue;
        if (!f)
            return err_set(err, ENOTSUP, "%s '%s' is not known here",
                           r.type == STATE_TYPE_SUBSECTION ? "subsection" : "field", r.name);
        size_t i = (size_t)(f - t->fields);
        if (seen[i])
            return err_set(err, EBADMSG, "the stream is damaged: field '%s' is there twice",
                           r.name);
        seen[i] = true;
        counts[i] = r.count;
        next = f + 1;
        ret = read_field(&r, f, obj, err);
        if (ret)
            return ret;
    }
}

/* Nothing required is missing, and no length was changed behind the back of the array it counts. */
static int check_complete(const struct state_table *t, u32 version, const void *obj,
                          const bool *seen, const u64 *counts, struct err *err)
{
    for (size_t i = 0; t->fields[i].type != STATE_TYPE_END; i++) {
        const struct state_field *f = &t->fields[i];
        bool may_miss = f->optional || f->since > version || f->type == STATE_TYPE_SUBSECTION;
        if (!seen[i] && !may_miss)
            return err_set(err, EINVAL, "field '%s' is missing", f->name);
        if (f->len_size && state_field_count(f, obj) != counts[i])
            return err_set(err, EINVAL,
                           "%s: the stream has %" PRIu64 " elements, and its length is %" PRIu64,
                           f->name, counts[i], state_field_count(f, obj));
    }
    return 0;
}

int state_body_read(struct state_span *s, const struct state_table *t, u32 version, void *obj,
                    struct err *err)
{
    size_t n = table_fields(t);
    bool *seen = alloc_zero(n * sizeof(*seen));
    u64 *counts = alloc_zero(n * sizeof(*counts));
    for (size_t i = 0; i < n; i++)
        if (t->fields[i].len_size)
            counts[i] = state_field_count(&t->fields[i], obj);
    int ret = read_records(s, t, obj, seen, counts, err);
    if (!ret)
        ret = check_complete(t, version, obj, seen, counts, err);
    free(seen);
    free(counts);
    if (!ret && t->post_load)
        ret = hook_result(t, t->post_load(obj, version, err), err);
    return ret;
}
