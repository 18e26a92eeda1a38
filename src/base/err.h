/*
 * err.h - host errors: a -errno to decide by and a text for the person who reads it.
 *
 * A function that can fail takes `struct err *err` last, fills it and returns -errno. The text says
 * what was given, where, and what is accepted. `err` may be NULL where the caller needs no text.
 * Not shared by threads.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

struct err {
    int code;       /* errno value, 0 when nothing failed */
    char text[400]; /* one line, no newline, cut at the end when too long */
};

/* Fills err (code and text) and returns -code. */
int err_set(struct err *err, int code, const char *fmt, ...) printf_like(3, 4);
/* As err_set, and appends ": " and the system's text of code. */
int err_set_errno(struct err *err, int code, const char *fmt, ...) printf_like(3, 4);
/* Puts "prefix: " before the text of an error that passes through. Returns -err->code. */
int err_prefix(struct err *err, const char *fmt, ...) printf_like(2, 3);
/* Appends to the text: "; did you mean 'X'?" for the nearest of names[] (ended by NULL), if one is
 * near. */
void err_suggest(struct err *err, const char *given, const char *const *names);

#endif
