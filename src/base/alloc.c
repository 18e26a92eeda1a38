/*
 * alloc.c - heap memory that is always there.
 */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>

static void *alloc_checked(void *p, size_t size)
{
    if (unlikely(!p && size)) {
        fprintf(stderr, "guise: the host has no memory left (%zu bytes wanted)\n", size);
        _Exit(1);
    }
    return p;
}

void *alloc_bytes(size_t size)
{
    size += !size; /* malloc(0) may be NULL */
    return alloc_checked(malloc(size), size);
}

void *alloc_zero(size_t size)
{
    size += !size;
    return alloc_checked(calloc(1, size), size);
}

void *alloc_copy(const void *p, size_t size)
{
    return memcpy(alloc_bytes(size), p, size);
}

char *alloc_string(const char *s)
{
    return alloc_copy(s, strlen(s) + 1);
}

char *alloc_printf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return alloc_checked(n < 0 ? NULL : s, 1);
}

void *alloc_resize(void *p, size_t count, size_t size)
{
    return alloc_checked(reallocarray(p, count, size), count && size ? size : 0);
}
