/*
 * blob.h - bytes that grow while a table for firmware is written; little-endian.
 *
 * The program decides how much is written, so memory is there (base/alloc.h). Main thread.
 */
#ifndef BOOT_BLOB_H
#define BOOT_BLOB_H

#include <stdlib.h>

#include "base/alloc.h"

struct blob {
    u8 *data;
    u32 size, room;
};

/* count zero bytes at the end; where they begin. */
static inline u32 blob_zero(struct blob *b, u32 count)
{
    u32 at = b->size;
    if (b->room < at + count) {
        b->room = 2 * (at + count) + 64;
        b->data = alloc_resize(b->data, b->room, 1);
    }
    if (count)
        memset(b->data + at, 0, count);
    b->size = at + count;
    return at;
}

static inline void blob_add(struct blob *b, const void *data, u32 count)
{
    u32 at = blob_zero(b, count);
    if (count)
        memcpy(b->data + at, data, count);
}

/* A number of size bytes, 1 to 8. */
static inline void blob_number(struct blob *b, u64 value, unsigned size)
{
    blob_add(b, &value, size);
}

/* The first count characters of text; zeroes behind its end. */
static inline void blob_text(struct blob *b, const char *text, u32 count)
{
    u32 at = blob_zero(b, count);
    memcpy(b->data + at, text, MIN(strlen(text), (size_t)count));
}

/* Moves what is at `at` and behind to make room for count bytes, which are data's. */
static inline void blob_insert(struct blob *b, u32 at, const void *data, u32 count)
{
    u32 tail = b->size - at;
    blob_zero(b, count);
    memmove(b->data + at + count, b->data + at, tail);
    memcpy(b->data + at, data, count);
}

static inline void blob_set(struct blob *b, u32 at, u64 value, unsigned size)
{
    assert(at + size <= b->size);
    store_le(b->data + at, value, size);
}

static inline void blob_fini(struct blob *b)
{
    free(b->data);
    *b = (struct blob){0};
}

#endif
