/*
 * error.c - host errors: filling struct err, and finding the nearest right name.
 *
 * Pure but for the struct err handed in.
 */
#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

static void err_append(struct err *err, const char *fmt, ...) printf_like(2, 3);

static void err_append(struct err *err, const char *fmt, ...)
{
    size_t used = strnlen(err->text, sizeof(err->text) - 1);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text + used, sizeof(err->text) - used, fmt, ap);
    va_end(ap);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    if (!err)
        return -code;
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -code;
}

int err_set_errno(struct err *err, int code, const char *fmt, ...)
{
    if (!err)
        return -code;
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    char buf[128];
    err_append(err, ": %s", strerror_r(code, buf, sizeof(buf)));
    return -code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    if (!err)
        return -EIO;
    char old[sizeof(err->text)];
    memcpy(old, err->text, sizeof(old));
    old[sizeof(old) - 1] = 0;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    err_append(err, ": %s", old);
    return -err->code;
}

/* Letters to insert, delete, replace or swap with a neighbour, from a to b; case costs nothing. */
#define ERR_NAME_MAX 63

static unsigned err_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][ERR_NAME_MAX + 2];
    if (n > ERR_NAME_MAX || m > ERR_NAME_MAX)
        return UINT_MAX;
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            bool same = strncasecmp(a + i - 1, b + j - 1, 1) == 0;
            unsigned d = MIN(last[j], row[j - 1]) + 1;
            d = MIN(d, last[j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d = MIN(d, before[j - 2] + 1);
            row[j] = d;
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[m];
}

void err_suggest(struct err *err, const char *given, const char *const *names)
{
    if (!err || !given || !names)
        return;
    const char *best = NULL;
    unsigned best_distance = UINT_MAX;
    for (; *names; names++) {
        unsigned d = err_distance(given, *names);
        if (d < best_distance) {
            best_distance = d;
            best = *names;
        }
    }
    /* Near: a third of the letters may be wrong; a name of one or two letters suggests nothing. */
    if (best && best_distance <= (strlen(given) + 1) / 3)
        err_append(err, "; did you mean '%s'?", best);
}
