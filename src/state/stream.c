/*
 * stream.c - sections of a stream, with their checksums.
 *
 *   header   "GUISEST\n", u32 format, u32 length of info, info, u32 crc
 *   OBJECT   u8 1, u32 length, {owner, table's name, u32 version, body}, u32 crc
 *   BULK     u8 2, owner, name, u64 offset, u64 length, u8 zero, u32 crc; and if not zero: bytes,
 * u32 crc END      u8 3, u32 number of sections before it, u32 crc
 *
 * A crc is CRC-32 of what comes since the one before it. Nothing of a section is used before its
 * crc was right, but for the bytes of BULK, which go straight to where they belong. Memory grows
 * with the bytes that have come, not with the lengths they claim. The format number changes when an
 * old reader could not skip what is new.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <zlib.h>
#include "base/alloc.h"
#include "state/state_impl.h"

#define STATE_FORMAT    1
#define STATE_INFO_MAX  (64 * KiB)
#define STATE_BULK_MAX  MiB /* bytes in one BULK section */
#define STATE_BULK_PAGE 4096
#define STATE_READ_STEP MiB

static const char state_magic[8] = "GUISEST\n";

/* ---- Writing ---- */

struct state_writer {
    struct state_io *io;
    struct state_mem section; /* the one being put together */
    u32 sections;
    struct err first; /* code 0: none yet */
};

/* Remembers the first error; passes on what a failed call returns. */
static int sticky(struct err *first, struct err *err, int ret)
{
    if (err)
        *err = *first;
    return ret;
}

/* Appends the crc of the section and sends it. */
static int writer_send(struct state_writer *w)
{
    struct state_mem *m = &w->section;
    state_mem_put_uint(m, crc32_z(0, m->data, m->size), 4);
    int ret = w->io->write(w->io, m->data, m->size, &w->first);
    m->size = 0;
    return ret;
}

struct state_writer *state_writer_new(struct state_io *io, const char *info, struct err *err)
{
    struct state_writer *w = alloc_zero(sizeof(*w));
    w->io = io;
    state_mem_init(&w->section);
    size_t n = MIN(strlen(info), STATE_INFO_MAX);
    state_mem_put(&w->section, state_magic, sizeof(state_magic));
    state_mem_put_uint(&w->section, STATE_FORMAT, 4);
    state_mem_put_uint(&w->section, n, 4);
    state_mem_put(&w->section, info, n);
    if (!writer_send(w))
        return w;
    sticky(&w->first, err, 0);
    state_writer_free(w);
    return NULL;
}

static int writer_object(struct state_writer *w, const char *owner, const struct state_table *t,
                         void *obj)
{
    struct state_mem *m = &w->section;
    state_mem_put_uint(m, STATE_SECTION_OBJECT, 1);
    state_mem_put_uint(m, 0, 4);
    int ret = state_mem_put_name(m, owner, &w->first);
    if (!ret)
        ret = state_mem_put_name(m, t->name, &w->first);
    state_mem_put_uint(m, t->version, 4);
    if (!ret && (ret = state_body_write(m, t, obj, &w->first)))
        err_prefix(&w->first, "saving %s (%s)", owner, t->name);
    if (!ret && m->size - 5 > UINT32_MAX)
        ret = err_set(&w->first, EFBIG, "saving %s (%s): more than 4 GiB", owner, t->name);
    store_le(m->data + 1, m->size - 5, 4);
    return ret ? ret : writer_send(w);
}

int state_write_object(struct state_writer *w, const char *owner, const struct state_table *t,
                       void *obj, struct err *err)
{
    int ret = w->first.code ? -w->first.code : writer_object(w, owner, t, obj);
    w->sections++;
    return ret ? sticky(&w->first, err, ret) : 0;
}

static int writer_bulk(struct state_writer *w, const char *owner, const char *name, u64 offset,
                       const void *data, u64 n, bool zero)
{
    struct state_mem *m = &w->section;
    state_mem_put_uint(m, STATE_SECTION_BULK, 1);
    int ret = state_mem_put_name(m, owner, &w->first);
    if (!ret)
        ret = state_mem_put_name(m, name, &w->first);
    state_mem_put_uint(m, offset, 8);
    state_mem_put_uint(m, n, 8);
    state_mem_put_uint(m, zero, 1);
    if (!ret)
        ret = writer_send(w);
    w->sections++;
    if (ret || zero)
        return ret;
    ret = w->io->write(w->io, data, n, &w->first);
    state_mem_put_uint(m, crc32_z(0, data, n), 4);
    if (!ret)
        ret = w->io->write(w->io, m->data, 4, &w->first);
    m->size = 0;
    return ret;
}

static bool is_zero(const u8 *p, u64 n)
{
    return !p[0] && !memcmp(p, p + 1, n - 1);
}

/* The longest start of data, in whole pages, that is all zero or has no zero page. */
static u64 bulk_run(const u8 *data, u64 n, bool *zero)
{
    *zero = is_zero(data, MIN(n, STATE_BULK_PAGE));
    u64 run = MIN(n, STATE_BULK_PAGE);
    while (run < n && (*zero || run < STATE_BULK_MAX)) {
        u64 page = MIN(n - run, STATE_BULK_PAGE);
        if (is_zero(data + run, page) != *zero)
            break;
        run += page;
    }
    return run;
}

int state_write_bulk(struct state_writer *w, const char *owner, const char *name, u64 offset,
                     const void *data, u64 n, struct err *err)
{
    int ret = -w->first.code;
    const u8 *p = data;
    while (!ret && n) {
        bool zero;
        u64 run = bulk_run(p, n, &zero);
        ret = writer_bulk(w, owner, name, offset, p, run, zero);
        p += run;
        n -= run;
        offset += run;
    }
    return ret ? sticky(&w->first, err, ret) : 0;
}

int state_writer_end(struct state_writer *w, struct err *err)
{
    int ret = -w->first.code;
    if (!ret) {
        state_mem_put_uint(&w->section, STATE_SECTION_END, 1);
        state_mem_put_uint(&w->section, w->sections, 4);
        ret = writer_send(w);
    }
    return ret ? sticky(&w->first, err, ret) : 0;
}

void state_writer_free(struct state_writer *w)
{
    if (!w)
        return;
    state_mem_fini(&w->section);
    free(w);
}

/* ---- Reading ---- */

struct state_reader {
    struct state_io *io;
    char *info;
    u32 format, sections;
    u32 crc;                  /* of the bytes since the last one */
    struct state_section now; /* kind 0: before the first */
    struct state_mem body;    /* OBJECT: all after its length */
    struct state_span fields; /* within body */
    bool spent;               /* the present BULK's bytes are read */
    struct err first;
};

static int reader_get(struct state_reader *r, void *p, size_t n)
{
    int ret = r->io->read(r->io, p, n, &r->first);
    if (!ret)
        r->crc = (u32)crc32_z(r->crc, p, n);
    return ret;
}

static int reader_uint(struct state_reader *r, unsigned size, u64 *v)
{
    u8 bytes[8];
    int ret = reader_get(r, bytes, size);
    *v = ret ? 0 : load_le(bytes, size);
    return ret;
}

static int reader_name(struct state_reader *r, char name[STATE_NAME_MAX + 1])
{
    u64 n;
    int ret = reader_uint(r, 1, &n);
    if (!ret)
        ret = reader_get(r, name, n);
    name[ret ? 0 : n] = 0;
    return ret;
}

/* The crc that ends what was read since the last one. */
static int reader_check(struct state_reader *r, const char *what)
{
    u8 bytes[4];
    u32 crc = r->crc;
    int ret = r->io->read(r->io, bytes, sizeof(bytes), &r->first);
    r->crc = 0;
    if (!ret && load_le(bytes, 4) != crc)
        ret = err_set(&r->first, EBADMSG, "the state is damaged: wrong checksum of %s", what);
    return ret;
}

static int reader_header(struct state_reader *r)
{
    char magic[sizeof(state_magic)];
    u64 format, n;
    int ret = reader_get(r, magic, sizeof(magic));
    if (!ret && memcmp(magic, state_magic, sizeof(magic)))
        ret = err_set(&r->first, EINVAL, "this is not a state that Guise has saved");
    if (!ret)
        ret = reader_uint(r, 4, &format);
    if (!ret && format != STATE_FORMAT)
        ret = err_set(&r->first, ENOTSUP, "the state has stream format %" PRIu64 "; accepted: %d",
                      format, STATE_FORMAT);
    if (!ret)
        ret = reader_uint(r, 4, &n);
    if (!ret && n > STATE_INFO_MAX)
        ret = err_set(&r->first, EBADMSG, "the state is damaged: its info is too long");
    if (ret)
        return ret;
    r->format = (u32)format;
    r->info = alloc_zero(n + 1);
    ret = reader_get(r, r->info, n);
    return ret ? ret : reader_check(r, "the header");
}

struct state_reader *state_reader_new(struct state_io *io, struct err *err)
{
    struct state_reader *r = alloc_zero(sizeof(*r));
    r->io = io;
    state_mem_init(&r->body);
    if (!reader_header(r))
        return r;
    sticky(&r->first, err, 0);
    state_reader_free(r);
    return NULL;
}

const char *state_reader_info(const struct state_reader *r)
{
    return r->info;
}

u32 state_reader_format(const struct state_reader *r)
{
    return r->format;
}

struct state_span state_reader_body(const struct state_reader *r)
{
    return r->fields;
}

static int reader_object(struct state_reader *r, struct state_section *s)
{
    u64 n, version;
    int ret = reader_uint(r, 4, &n);
    struct state_mem *m = &r->body;
    for (m->size = 0; !ret && n;) {
        size_t step = MIN(n, STATE_READ_STEP), at = m->size;
        if (m->capacity - at < step) {
            m->capacity = MAX(2 * m->capacity, at + step);
            m->data = alloc_resize(m->data, m->capacity, 1);
        }
        ret = reader_get(r, m->data + at, step);
        m->size += step;
        n -= step;
    }
    if (ret || (ret = reader_check(r, "an object")))
        return ret;
    struct state_span span = {m->data, m->size ? m->data + m->size : m->data};
    if (!state_span_name(&span, s->owner) || !state_span_name(&span, s->name) ||
        !state_span_uint(&span, 4, &version))
        return err_set(&r->first, EBADMSG, "the state is damaged: an object has no name");
    s->version = (u32)version;
    r->fields = span;
    return 0;
}

static int reader_bulk(struct state_reader *r, struct state_section *s)
{
    u64 zero = 0;
    int ret = reader_name(r, s->owner);
    if (!ret)
        ret = reader_name(r, s->name);
    if (!ret)
        ret = reader_uint(r, 8, &s->offset);
    if (!ret)
        ret = reader_uint(r, 8, &s->length);
    if (!ret)
        ret = reader_uint(r, 1, &zero);
    if (!ret)
        ret = reader_check(r, "a memory");
    s->zero = zero;
    if (!ret &&
        (zero > 1 || (!zero && s->length > STATE_BULK_MAX) || s->offset + s->length < s->offset))
        ret = err_set(&r->first, EBADMSG, "the state is damaged: a block of %s %s is too long",
                      s->owner, s->name);
    r->spent = zero;
    return ret;
}

static int reader_end(struct state_reader *r)
{
    u64 sections;
    int ret = reader_uint(r, 4, &sections);
    if (!ret)
        ret = reader_check(r, "the end");
    if (!ret && sections != r->sections)
        ret = err_set(&r->first, EBADMSG,
                      "the state is damaged: it has %u sections instead of %" PRIu64, r->sections,
                      sections);
    return ret;
}

/* Reads over the bytes of a BULK section that nobody wanted. */
static int reader_skip(struct state_reader *r)
{
    if (r->now.kind != STATE_SECTION_BULK || r->spent)
        return 0;
    void *scratch = alloc_bytes(r->now.length);
    int ret = state_read_bulk(r, scratch, NULL);
    free(scratch);
    return ret;
}

static int reader_next(struct state_reader *r, struct state_section *s)
{
    u64 kind;
    int ret = reader_skip(r);
    if (ret)
        return ret;
    *s = (struct state_section){0};
    if (r->now.kind == STATE_SECTION_END)
        return err_set(&r->first, ENODATA, "the state has ended");
    r->fields = (struct state_span){NULL, NULL};
    ret = reader_uint(r, 1, &kind);
    s->kind = (enum state_section_kind)kind;
    if (ret)
        return ret;
    switch (kind) {
    case STATE_SECTION_OBJECT: ret = reader_object(r, s); break;
    case STATE_SECTION_BULK: ret = reader_bulk(r, s); break;
    case STATE_SECTION_END: ret = reader_end(r); break;
    default:
        ret = err_set(&r->first, EBADMSG, "the state is damaged: a section of kind %" PRIu64, kind);
    }
    r->sections++;
    r->now = *s;
    return ret;
}

int state_reader_next(struct state_reader *r, struct state_section *s, struct err *err)
{
    int ret = r->first.code ? -r->first.code : reader_next(r, s);
    return ret ? sticky(&r->first, err, ret) : 0;
}

static int reader_read_object(struct state_reader *r, const struct state_table *t, void *obj)
{
    const struct state_section *s = &r->now;
    assert(s->kind == STATE_SECTION_OBJECT);
    int ret;
    if (strcmp(s->name, t->name))
        ret = err_set(&r->first, EINVAL, "the state has a '%s' there, the machine a '%s'", s->name,
                      t->name);
    else if (s->version > t->version || s->version < t->min_version)
        ret = err_set(&r->first, ENOTSUP, "version %u; accepted: %u to %u", s->version,
                      t->min_version, t->version);
    else
        ret = state_body_read(&r->fields, t, s->version, obj, &r->first);
    if (!ret && r->fields.p != r->fields.end)
        ret = err_set(&r->first, EBADMSG, "the state is damaged: bytes are left over");
    return ret ? err_prefix(&r->first, "loading %s (%s)", s->owner, s->name) : 0;
}

int state_read_object(struct state_reader *r, const struct state_table *t, void *obj,
                      struct err *err)
{
    int ret = r->first.code ? -r->first.code : reader_read_object(r, t, obj);
    return ret ? sticky(&r->first, err, ret) : 0;
}

int state_read_bulk(struct state_reader *r, void *data, struct err *err)
{
    assert(r->now.kind == STATE_SECTION_BULK);
    int ret = -r->first.code;
    if (!ret && r->now.zero) {
        memset(data, 0, r->now.length);
    } else if (!ret) {
        assert(!r->spent);
        r->spent = true;
        ret = reader_get(r, data, r->now.length);
        if (!ret)
            ret = reader_check(r, r->now.name);
    }
    return ret ? sticky(&r->first, err, ret) : 0;
}

void state_reader_free(struct state_reader *r)
{
    if (!r)
        return;
    state_mem_fini(&r->body);
    free(r->info);
    free(r);
}
