/*
 * fuzz.h - what a fuzz target is, its input as it is taken apart, and seeds as they are put
 * together.
 *
 * tests/fuzz/fuzz_NAME.c defines fuzz_target; driver.c is the main of all. A target may have
 * variants (a device each, say), each run by itself. Seeds are made by code, in the same terms in
 * which inputs are read: fuzz_put_* is the inverse of fuzz_*.
 *
 * A target keeps what is dear between inputs, and puts it back to how it was: what an input does
 * depends on that input alone. One thread.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/err.h"

/* ---- Input: zeroes behind its end ---- */

struct fuzz_input {
    const u8 *data;
    size_t left;
};

static inline const u8 *fuzz_take(struct fuzz_input *in, size_t wanted, size_t *got)
{
    const u8 *p = in->data;
    *got = MIN(wanted, in->left);
    in->data += *got;
    in->left -= *got;
    return p;
}

static inline u64 fuzz_number(struct fuzz_input *in, unsigned size)
{
    u8 bytes[8] = {0};
    size_t n;
    const u8 *p = fuzz_take(in, size, &n);
    memcpy(bytes, p, n);
    return load_le(bytes, 8);
}

static inline u8 fuzz_u8(struct fuzz_input *in)
{
    return (u8)fuzz_number(in, 1);
}

static inline u16 fuzz_u16(struct fuzz_input *in)
{
    return (u16)fuzz_number(in, 2);
}

static inline u32 fuzz_u32(struct fuzz_input *in)
{
    return (u32)fuzz_number(in, 4);
}

/* ---- Seeds ---- */

enum { FUZZ_SEED_MAX = 256 * 1024 };

struct fuzz_seed {
    const char *folder; /* where it goes */
    unsigned number;
    size_t size;
    u8 data[FUZZ_SEED_MAX];
};

void fuzz_put(struct fuzz_seed *s, const void *data, size_t size);
void fuzz_put_number(struct fuzz_seed *s, u64 value, unsigned size);
/* It is whole: written, and the next one begins. */
void fuzz_seed_end(struct fuzz_seed *s);

/* ---- Targets ---- */

struct fuzz_target {
    /* The name of variant i, or NULL; the function NULL: there are none. */
    const char *(*variant)(unsigned i);
    void (*open)(const char *variant); /* once; may be NULL */
    void (*run)(struct fuzz_input *in);
    void (*seeds)(struct fuzz_seed *s); /* after open; may be NULL */
};
extern const struct fuzz_target fuzz_target;

/* A bug of the target, or of what it looks at. */
#define fuzz_must(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define fuzz_ok(result, err)                                                                       \
    do {                                                                                           \
        if (result) {                                                                              \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #result, (err)->text);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A file without a name that can be opened as *path (static for the process). */
int fuzz_file(const char *name, char path[32]);
/* Its contents become these. */
void fuzz_file_set(int fd, const void *data, size_t size);

#endif
