/*
 * log.h - the log that people read: `-d ITEMS`, `-D FILE`; guest errors; warnings to stderr.
 *
 * A struct log belongs to its machine. Items are bits, tested inline, so a closed item costs one
 * test. Writing is line-atomic between threads (one lock in the log).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdio.h>
#include "base/base.h"
#include "base/err.h"

enum log_item {
    LOG_IN_ASM = 1 << 0,       /* guest instructions of each unit translated */
    LOG_IR = 1 << 1,           /* IR as the translator built it */
    LOG_IR_OPT = 1 << 2,       /* IR after the passes */
    LOG_OUT_ASM = 1 << 3,      /* host code */
    LOG_INT = 1 << 4,          /* traps and interrupts */
    LOG_EXEC = 1 << 5,         /* each unit entered */
    LOG_CPU = 1 << 6,          /* registers at each unit entered */
    LOG_GUEST_ERRORS = 1 << 7, /* what a correct guest would not do */
    LOG_UNIMP = 1 << 8,        /* guest used what Guise does not have */
    LOG_MMU = 1 << 9,          /* page walks and TLB flushes */
    LOG_STATS = 1 << 10,       /* counters at exit */
    LOG_COVERAGE = 1 << 11,    /* at exit: how often each kind of instruction was translated */
};

struct log {
    _Atomic u32 items; /* enum log_item bits */
    FILE *file;        /* stderr, or the file of -D */
    bool own_file;
};

/* {name, help, bit} of each item, ended by a NULL name: for `-d help` and parsing. */
struct log_item_name {
    const char *name, *help;
    u32 bit;
};
extern const struct log_item_name log_item_names[];

void log_init(struct log *log);
void log_fini(struct log *log);
/* "in_asm,int": sets items. Unknown name: -EINVAL with the accepted names. */
int must_check log_set_items(struct log *log, const char *list, struct err *err);
int must_check log_set_file(struct log *log, const char *path, struct err *err);
void log_write(struct log *log, const char *fmt, ...) printf_like(2, 3);

static inline bool log_on(const struct log *log, u32 items)
{
    return unlikely(atomic_load_explicit(&((struct log *)log)->items, memory_order_relaxed) &
                    items);
}

/* log_if(log, LOG_INT, "trap %d\n", n) */
#define log_if(log, items, ...)                                                                    \
    do {                                                                                           \
        if (log_on(log, items))                                                                    \
            log_write(log, __VA_ARGS__);                                                           \
    } while (0)

#endif
