/*
 * option.h - options as people type them, against properties that are declared.
 *
 * Text ("key=value,key=value"; ",," is a comma inside a value; the first bare word is the value of
 * the implied key) and JSON objects ('{"driver": "raw", "file": {"driver": "file"}}') become one
 * struct option_list of key/value pairs; nested JSON becomes dotted keys ("file.driver"). A list is
 * then spent: option_take removes a key that chooses what to make (driver=, type=), option_sub
 * takes a dotted group, option_apply writes what the properties describe into a struct, option_done
 * refuses what nobody wanted.
 *
 * A later value of the same key wins, except for OPTION_TYPE_STRINGS, which collects all of them. A
 * bare word "foo" stands for foo=on, "nofoo" for foo=off, where foo is a bool. All calls belong to
 * one thread per list.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdio.h>
#include "base/base.h"
#include "base/err.h"

enum option_type {
    OPTION_TYPE_END,     /* ends a table of options */
    OPTION_TYPE_BOOL,    /* on|off (yes|no, true|false, y|n); member: bool */
    OPTION_TYPE_INT,     /* decimal, 0x, 0; member: any integer by its size */
    OPTION_TYPE_SIZE,    /* bytes with suffix B K M G T P E (powers of 1024); member: u64 */
    OPTION_TYPE_U64,     /* unsigned 64 bits, decimal or 0x; printed in hexadecimal; member: u64 */
    OPTION_TYPE_STRING,  /* member: char *, malloc'ed, NULL when not given */
    OPTION_TYPE_STRINGS, /* repeatable; member: char **, NULL-ended, NULL when not given */
    OPTION_TYPE_ENUM,    /* one of names[]; member: int, the index in names[] */
};

struct option {
    const char *name;
    enum option_type type;
    u32 offset, size; /* of the member; size 0: no member, set() alone */
    const char *def;  /* default as the user would write it; NULL: zero, or nothing */
    const char *help;
    const char *const *names; /* OPTION_TYPE_ENUM: accepted words, ended by NULL */
    s64 min, max; /* bounds of INT when min < max (signed when min < 0); SIZE: max when not 0 */
    bool required;
    /* Called after the member is written (or instead, size 0). May refuse: -errno and err. */
    int (*set)(void *obj, const char *value, struct err *err);
};

/* Tables are arrays ended by OPTION_LAST:
 *   static const struct option uart_options[] = {
 *       OPTION_BOOL("loopback", struct uart, loopback, "off", "wire transmit to receive"),
 *       OPTION_LAST };
 */
#define OPTION_NAMED(n, t, type_, member, def_, help_, ...)                                        \
    {                                                                                              \
        .name = n, .type = t, .offset = offsetof(type_, member),                                   \
        .size = sizeof(((type_ *)0)->member), .def = def_, .help = help_, ##__VA_ARGS__            \
    }
#define OPTION_BOOL(n, type, member, def, help)                                                    \
    OPTION_NAMED(n, OPTION_TYPE_BOOL, type, member, def, help)
#define OPTION_SIZE(n, type, member, def, help)                                                    \
    OPTION_NAMED(n, OPTION_TYPE_SIZE, type, member, def, help)
#define OPTION_U64(n, type, member, def, help)                                                     \
    OPTION_NAMED(n, OPTION_TYPE_U64, type, member, def, help)
#define OPTION_STRING(n, type, member, def, help)                                                  \
    OPTION_NAMED(n, OPTION_TYPE_STRING, type, member, def, help)
#define OPTION_STRINGS(n, type, member, help)                                                      \
    OPTION_NAMED(n, OPTION_TYPE_STRINGS, type, member, NULL, help)
#define OPTION_INT(n, type, member, def, lo, hi, help)                                             \
    OPTION_NAMED(n, OPTION_TYPE_INT, type, member, def, help, .min = lo, .max = hi)
#define OPTION_ENUM(n, type, member, def, words, help)                                             \
    OPTION_NAMED(n, OPTION_TYPE_ENUM, type, member, def, help, .names = words)
#define OPTION_LAST                                                                                \
    {                                                                                              \
        .type = OPTION_TYPE_END                                                                    \
    }

struct option_pair {
    char *key, *value; /* value NULL: a bare word */
};
struct option_list {
    char *where; /* for messages: "-device virtio-blk-device" */
    struct option_pair *pairs;
    unsigned count;
    bool help; /* a bare "help" or "?" was among them */
};
struct json_t;

/* Text that starts with '{' is parsed as JSON. implied may be NULL. On failure *list is empty;
 * option_list_fini is right in any case. */
int must_check option_parse(struct option_list *list, const char *where, const char *text,
                            const char *implied, struct err *err);
int must_check option_from_json(struct option_list *list, const char *where,
                                const struct json_t *object, struct err *err);
void option_list_fini(struct option_list *list);

/* The last value of key (belongs to the list), or NULL. */
const char *option_get(const struct option_list *list, const char *key);
/* Takes key out: malloc'ed value, or NULL when it is not there. */
char *option_take(struct option_list *list, const char *key);
/* Takes key out; not there: -EINVAL, "WHERE: 'key' is missing". *value is malloc'ed. */
int must_check option_need(struct option_list *list, const char *key, char **value,
                           struct err *err);
/* Moves the pairs "prefix.x" into sub as "x". sub->count == 0 when there were none. */
void option_sub(struct option_list *list, const char *prefix, struct option_list *sub);
/* Puts a pair at the end (value NULL: bare word). */
void option_add(struct option_list *list, const char *key, const char *value);

/* Writes every default into obj. obj's string members must be NULL or malloc'ed. */
int must_check option_defaults(const struct option *table, void *obj, struct err *err);
/* Takes out of the list what table describes, writes it into obj. Does not touch members that are
 * not given; missing required ones are refused. */
int must_check option_apply(struct option_list *list, const struct option *table, void *obj,
                            struct err *err);
/* Refuses what is left in the list: unknown key, the nearest name of the tables (ended by NULL; may
 * be none). */
int must_check option_done(const struct option_list *list, const struct option *const *tables,
                           struct err *err);
/* option_defaults + option_apply + option_done with one table. */
int must_check option_load(struct option_list *list, const struct option *table, void *obj,
                           struct err *err);
/* One property by its text: -global, qom-set. Unknown name: -ENOENT and the nearest. */
int must_check option_set_one(const struct option *table, void *obj, const char *where,
                              const char *name, const char *value, struct err *err);
/* Frees the strings of obj and sets them to NULL. */
void option_free(const struct option *table, void *obj);
/* The property's present value as the user would write it: malloc'ed. */
char *option_text(const struct option *o, const void *obj);
/* "  name=<bool (on/off)>  - help (default: on)" lines, sorted by name. */
void option_help(const struct option *table, FILE *out);

/* The scalar parsers, for others: whole text must be consumed. `where` names the option for the
 * message. */
int must_check option_parse_bool(const char *where, const char *text, bool *v, struct err *err);
int must_check option_parse_int(const char *where, const char *text, s64 min, s64 max, s64 *v,
                                struct err *err);
int must_check option_parse_u64(const char *where, const char *text, u64 *v, struct err *err);
/* def_shift: the unit of a number without suffix (0: bytes, 20: MiB as for -m). */
int must_check option_parse_size(const char *where, const char *text, unsigned def_shift, u64 *v,
                                 struct err *err);
/* 01234567-89ab-cdef-0123-456789abcdef: the bytes as they are written. */
int must_check option_parse_uuid(const char *where, const char *text, u8 uuid[16],
                                 struct err *err);

#endif
