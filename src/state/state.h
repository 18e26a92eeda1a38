/*
 * state.h - the state of an object, described once: saved, loaded, compared, dumped by its table.
 *
 *   static const struct state_table rtc_state = {
 *       .name = "goldfish-rtc", .version = 1, .min_version = 1, .post_load = rtc_post_load,
 *       .fields = (const struct state_field[]){
 *           STATE_U64(struct rtc, alarm), STATE_BOOL(struct rtc, irq_pending),
 *           STATE_U8_MAX(struct rtc, index, 15), STATE_END } };
 *
 * Streams carry names, types and counts (state/stream.h), so fields are found by name and may be
 * listed in any order.
 *  - A new field gets `since` (STATE_SINCE) and the table a new version; it keeps its reset value
 *    when an older stream is loaded. A stream of a newer version than the table's is refused.
 *  - STATE_OPTIONAL fields may be missing, and may be skipped by a reader that does not know them.
 *  - A subsection is a further table over the same object, written only where needed(obj) says so;
 *    a reader that does not know it refuses.
 *
 * Streams are hostile: lengths and STATE_*_MAX bounds are checked here, everything else by
 * post_load, which returns -errno and fills err. An object whose load failed is only good to be
 * reset or freed.
 *
 * Members are read and written as plain memory: whoever calls has stopped the threads that use the
 * object. _Atomic members of the same size are fine. Everything here is free of locks and of state
 * of its own.
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "base/base.h"
#include "base/err.h"

/* Values are part of the stream format: never renumber. */
enum state_type {
    STATE_TYPE_END = 0,
    STATE_TYPE_UINT = 1,       /* elements of size 1, 2, 4, 8 bytes */
    STATE_TYPE_BOOL = 2,       /* a byte, 0 or 1 */
    STATE_TYPE_BYTES = 3,      /* elements of size 1, opaque */
    STATE_TYPE_STRUCT = 4,     /* elements described by `table` */
    STATE_TYPE_SUBSECTION = 5, /* `table` over the same object, when needed(obj) */
};

enum state_shape {
    STATE_FIXED,   /* count elements in the struct itself */
    STATE_COUNTED, /* up to count elements in the struct, as many as the length member says */
    STATE_POINTED, /* a pointer to as many elements as the length member says (or count, where there
                      is no length member): sized by configuration, a stream must have the same
                      number */
    STATE_ALLOCATED, /* a pointer, malloc'ed by the load (the old one is freed), at most count
                        elements */
};

struct state_table;
struct state_field {
    const char *name;
    u8 type;  /* enum state_type */
    u8 shape; /* enum state_shape */
    bool optional;
    u8 len_size;      /* of the length member; 0: none */
    u32 since;        /* table version that brought it; 0: always there */
    u32 offset, size; /* member (or the pointer); size of one element */
    u32 len_offset;
    u64 count;
    u64 max; /* UINT: largest value accepted; 0: any */
    const struct state_table *table;
    bool (*needed)(const void *obj);
};

struct state_table {
    const char *name;
    u32 version;                      /* what is written; 1 and up */
    u32 min_version;                  /* oldest that is still read */
    const struct state_field *fields; /* ended by STATE_END */
    int (*pre_save)(void *obj, struct err *err);
    int (*post_load)(void *obj, u32 version, struct err *err);
};

#define STATE_END                                                                                  \
    {                                                                                              \
        .type = STATE_TYPE_END                                                                     \
    }

/* sizeof(m), refused by the compiler unless it is n. */
#define STATE_SIZE_IS(t, m, n)                                                                     \
    ((u32)sizeof(((t *)0)->m) + 0 * sizeof(char[sizeof(((t *)0)->m) == (n) ? 1 : -1]))
#define STATE_ELEM_IS(t, m, n)                                                                     \
    ((u32)sizeof(((t *)0)->m[0]) + 0 * sizeof(char[sizeof(((t *)0)->m[0]) == (n) ? 1 : -1]))
#define STATE_LEN_(t, len) .len_offset = offsetof(t, len), .len_size = (u8)sizeof(((t *)0)->len)
#define STATE_ONE_(t, m, ty, n, ...)                                                               \
    {                                                                                              \
        .name = #m, .type = ty, .shape = STATE_FIXED, .offset = offsetof(t, m),                    \
        .size = STATE_SIZE_IS(t, m, n), .count = 1, ##__VA_ARGS__                                  \
    }
/* Arrays of any number of dimensions: n is the size of the innermost element. */
#define STATE_ARRAY_(t, m, ty, n, ...)                                                             \
    {                                                                                              \
        .name = #m, .type = ty, .shape = STATE_FIXED, .offset = offsetof(t, m), .size = (n),       \
        .count = sizeof(((t *)0)->m) / (n), ##__VA_ARGS__                                          \
    }
#define STATE_COUNTED_(t, m, len, ty, n, ...)                                                      \
    {                                                                                              \
        .name = #m, .type = ty, .shape = STATE_COUNTED, .offset = offsetof(t, m),                  \
        .size = STATE_ELEM_IS(t, m, n), .count = ARRAY_SIZE(((t *)0)->m), STATE_LEN_(t, len),      \
        ##__VA_ARGS__                                                                              \
    }
#define STATE_POINTED_(t, m, len, ty, n, ...)                                                      \
    {                                                                                              \
        .name = #m, .type = ty, .shape = STATE_POINTED, .offset = offsetof(t, m),                  \
        .size = STATE_ELEM_IS(t, m, n), STATE_LEN_(t, len), ##__VA_ARGS__                          \
    }
#define STATE_ALLOC_(t, m, len, most, ty, n, ...)                                                  \
    {                                                                                              \
        .name = #m, .type = ty, .shape = STATE_ALLOCATED, .offset = offsetof(t, m),                \
        .size = STATE_ELEM_IS(t, m, n), .count = (most), STATE_LEN_(t, len), ##__VA_ARGS__         \
    }

/* Scalars. A trailing STATE_SINCE(n) and/or STATE_OPTIONAL may follow in every macro. */
#define STATE_SINCE(n)        .since = (n)
#define STATE_OPTIONAL        .optional = true
#define STATE_U8(t, m, ...)   STATE_ONE_(t, m, STATE_TYPE_UINT, 1, ##__VA_ARGS__)
#define STATE_U16(t, m, ...)  STATE_ONE_(t, m, STATE_TYPE_UINT, 2, ##__VA_ARGS__)
#define STATE_U32(t, m, ...)  STATE_ONE_(t, m, STATE_TYPE_UINT, 4, ##__VA_ARGS__)
#define STATE_U64(t, m, ...)  STATE_ONE_(t, m, STATE_TYPE_UINT, 8, ##__VA_ARGS__)
#define STATE_BOOL(t, m, ...) STATE_ONE_(t, m, STATE_TYPE_BOOL, 1, ##__VA_ARGS__)
/* Refused when the stream says more than `most`: indices, lengths, enums (u32). */
#define STATE_U8_MAX(t, m, most, ...)  STATE_U8(t, m, .max = (most), ##__VA_ARGS__)
#define STATE_U16_MAX(t, m, most, ...) STATE_U16(t, m, .max = (most), ##__VA_ARGS__)
#define STATE_U32_MAX(t, m, most, ...) STATE_U32(t, m, .max = (most), ##__VA_ARGS__)
#define STATE_U64_MAX(t, m, most, ...) STATE_U64(t, m, .max = (most), ##__VA_ARGS__)

/* Arrays in the struct, whole. */
#define STATE_U8_ARRAY(t, m, ...)   STATE_ARRAY_(t, m, STATE_TYPE_UINT, 1, ##__VA_ARGS__)
#define STATE_U16_ARRAY(t, m, ...)  STATE_ARRAY_(t, m, STATE_TYPE_UINT, 2, ##__VA_ARGS__)
#define STATE_U32_ARRAY(t, m, ...)  STATE_ARRAY_(t, m, STATE_TYPE_UINT, 4, ##__VA_ARGS__)
#define STATE_U64_ARRAY(t, m, ...)  STATE_ARRAY_(t, m, STATE_TYPE_UINT, 8, ##__VA_ARGS__)
#define STATE_BOOL_ARRAY(t, m, ...) STATE_ARRAY_(t, m, STATE_TYPE_BOOL, 1, ##__VA_ARGS__)
#define STATE_BYTES(t, m, ...)      STATE_ARRAY_(t, m, STATE_TYPE_BYTES, 1, ##__VA_ARGS__)

/* The first `len` elements of an array in the struct (a FIFO). The load writes the length member
 * too: do not list it by itself. */
#define STATE_U8_COUNTED(t, m, len, ...)                                                           \
    STATE_COUNTED_(t, m, len, STATE_TYPE_UINT, 1, ##__VA_ARGS__)
#define STATE_U16_COUNTED(t, m, len, ...)                                                          \
    STATE_COUNTED_(t, m, len, STATE_TYPE_UINT, 2, ##__VA_ARGS__)
#define STATE_U32_COUNTED(t, m, len, ...)                                                          \
    STATE_COUNTED_(t, m, len, STATE_TYPE_UINT, 4, ##__VA_ARGS__)
#define STATE_U64_COUNTED(t, m, len, ...)                                                          \
    STATE_COUNTED_(t, m, len, STATE_TYPE_UINT, 8, ##__VA_ARGS__)

/* `m` points to `len` elements; len comes from configuration and must be the same in the stream. */
#define STATE_BYTES_POINTED(t, m, len, ...)                                                        \
    STATE_POINTED_(t, m, len, STATE_TYPE_BYTES, 1, ##__VA_ARGS__)
#define STATE_BOOL_POINTED(t, m, len, ...)                                                         \
    STATE_POINTED_(t, m, len, STATE_TYPE_BOOL, 1, ##__VA_ARGS__)
#define STATE_U32_POINTED(t, m, len, ...)                                                          \
    STATE_POINTED_(t, m, len, STATE_TYPE_UINT, 4, ##__VA_ARGS__)
#define STATE_U64_POINTED(t, m, len, ...)                                                          \
    STATE_POINTED_(t, m, len, STATE_TYPE_UINT, 8, ##__VA_ARGS__)
/* `m` is malloc'ed by the load with up to `most` elements; len is written too. */
#define STATE_BYTES_ALLOC(t, m, len, most, ...)                                                    \
    STATE_ALLOC_(t, m, len, most, STATE_TYPE_BYTES, 1, ##__VA_ARGS__)
#define STATE_U32_ALLOC(t, m, len, most, ...)                                                      \
    STATE_ALLOC_(t, m, len, most, STATE_TYPE_UINT, 4, ##__VA_ARGS__)
#define STATE_U64_ALLOC(t, m, len, most, ...)                                                      \
    STATE_ALLOC_(t, m, len, most, STATE_TYPE_UINT, 8, ##__VA_ARGS__)

/* Structs with tables of their own. A table pointer is `&other_table`. */
#define STATE_STRUCT(t, m, tab, ...)                                                               \
    {                                                                                              \
        .name = #m, .type = STATE_TYPE_STRUCT, .shape = STATE_FIXED, .offset = offsetof(t, m),     \
        .size = sizeof(((t *)0)->m), .count = 1, .table = (tab), ##__VA_ARGS__                     \
    }
#define STATE_STRUCT_ARRAY(t, m, tab, ...)                                                         \
    {                                                                                              \
        .name = #m, .type = STATE_TYPE_STRUCT, .shape = STATE_FIXED, .offset = offsetof(t, m),     \
        .size = sizeof(((t *)0)->m[0]), .count = ARRAY_SIZE(((t *)0)->m), .table = (tab),          \
        ##__VA_ARGS__                                                                              \
    }
#define STATE_STRUCT_COUNTED(t, m, len, tab, ...)                                                  \
    STATE_COUNTED_(t, m, len, STATE_TYPE_STRUCT, sizeof(((t *)0)->m[0]), .table = (tab),           \
                   ##__VA_ARGS__)
/* One struct behind a pointer that is never NULL; and an array of them, sized by configuration. */
#define STATE_STRUCT_POINTER(t, m, tab, ...)                                                       \
    {                                                                                              \
        .name = #m, .type = STATE_TYPE_STRUCT, .shape = STATE_POINTED, .offset = offsetof(t, m),   \
        .size = sizeof(*((t *)0)->m), .count = 1, .table = (tab), ##__VA_ARGS__                    \
    }
#define STATE_STRUCT_POINTED(t, m, len, tab, ...)                                                  \
    STATE_POINTED_(t, m, len, STATE_TYPE_STRUCT, sizeof(((t *)0)->m[0]), .table = (tab),           \
                   ##__VA_ARGS__)
#define STATE_STRUCT_ALLOC(t, m, len, most, tab, ...)                                              \
    STATE_ALLOC_(t, m, len, most, STATE_TYPE_STRUCT, sizeof(((t *)0)->m[0]), .table = (tab),       \
                 ##__VA_ARGS__)

/* A further table over the same object, written when need(obj). */
#define STATE_SUBSECTION(tab, need)                                                                \
    {                                                                                              \
        .name = "", .type = STATE_TYPE_SUBSECTION, .table = (tab), .needed = (need)                \
    }

/* ---- What one can do with a table beside streams (stream.h) ---- */

/* Is the table itself sound: names unique, no field over another's bytes, versions in order. For
 * tests. */
int must_check state_table_check(const struct state_table *t, struct err *err);
/* Equal in all that the table describes? If not, where (may be NULL) gets the path of the first
 * difference: "queues[2].last_avail: 3, 4". */
bool state_equal(const struct state_table *t, const void *a, const void *b, char *where,
                 size_t size);
/* Fills what the table describes with values from seed, within declared bounds, so that round trips
 * mean something. POINTED members must be there already. post_load is not called. */
void state_fill_random(const struct state_table *t, void *obj, u64 seed);
/* Frees ALLOCATED members (and those of nested structs), sets pointers and lengths to 0. */
void state_free(const struct state_table *t, void *obj);

#endif
