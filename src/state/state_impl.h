/*
 * state_impl.h - what the files of src/state/ share; for no one else.
 *
 * An object's body in a stream: field records, ended by a record of type 0.
 *   record  u8 type, u8 flags, u8 element size, name, u32 version, u64 count, u64 bytes, payload
 *   name    u8 length, letters
 *   payload UINT, BOOL, BYTES: the elements; STRUCT: a body for each element; SUBSECTION: one body
 * version is the nested table's, 0 for the rest. All little-endian.
 */
#ifndef STATE_IMPL_H
#define STATE_IMPL_H

#include "state/state.h"
#include "state/stream.h"

#define STATE_DEPTH_MAX     32 /* nested structs in a stream */
#define STATE_FLAG_OPTIONAL 1

/* ---- Fields of an object ---- */

/* The length member's value, or the count of the field where it has none. */
u64 state_field_count(const struct state_field *f, const void *obj);
/* The first element; NULL for an empty pointed array. */
u8 *state_field_base(const struct state_field *f, const void *obj);
const char *state_field_name(const struct state_field *f);

/* ---- Bytes of a body, bounds checked ---- */

struct state_span {
    const u8 *p, *end;
};
/* False: not n bytes left. */
bool state_span_take(struct state_span *s, size_t n, const u8 **p);
bool state_span_uint(struct state_span *s, unsigned size, u64 *v);
bool state_span_name(struct state_span *s, char name[STATE_NAME_MAX + 1]);

struct state_record {
    u64 type, flags, size, version, count, bytes;
    char name[STATE_NAME_MAX + 1];
    struct state_span payload;
};
/* The next record; type 0 at the end. Checks that payload and count agree with the size. */
int must_check state_record_read(struct state_span *s, struct state_record *r, struct err *err);

/* ---- Bodies ---- */

int must_check state_body_write(struct state_mem *m, const struct state_table *t, void *obj,
                                struct err *err);
int must_check state_body_read(struct state_span *s, const struct state_table *t, u32 version,
                               void *obj, struct err *err);
void state_mem_put(struct state_mem *m, const void *p, size_t n);
void state_mem_put_uint(struct state_mem *m, u64 v, unsigned size);
int must_check state_mem_put_name(struct state_mem *m, const char *name, struct err *err);

/* ---- Sections, for the dump ---- */

u32 state_reader_format(const struct state_reader *r);
/* The present OBJECT section's body. */
struct state_span state_reader_body(const struct state_reader *r);

#endif
