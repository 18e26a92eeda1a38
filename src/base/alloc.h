/*
 * alloc.h - heap memory that is always there: a host without memory ends the process with a
 * message.
 *
 * For small sizes that the program itself decides. What a guest, image or user sizes is asked of
 * calloc or host_map, and refused when it is not there. Freed by free(). Thread-safe.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdlib.h>
#include "base/base.h"

#define alloc_like __attribute__((malloc, returns_nonnull, warn_unused_result))

alloc_like void *alloc_bytes(size_t size); /* not zeroed */
alloc_like void *alloc_zero(size_t size);
alloc_like void *alloc_copy(const void *p, size_t size);
alloc_like char *alloc_string(const char *s);
alloc_like char *alloc_printf(const char *fmt, ...) printf_like(1, 2);
/* As realloc, to count elements of size. */
void *must_check alloc_resize(void *p, size_t count, size_t size);

#endif
