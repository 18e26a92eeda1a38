/*
 * log.c - the log that people read.
 *
 * The stream's own lock makes each log_write atomic; items are an atomic word. Setting the file
 * belongs to start-up, before other threads write.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>

const struct log_item_name log_item_names[] = {
    {"in_asm", "guest instructions of each unit translated", LOG_IN_ASM},
    {"ir", "intermediate code as the translator built it", LOG_IR},
    {"ir_opt", "intermediate code after the passes", LOG_IR_OPT},
    {"out_asm", "host code of each unit", LOG_OUT_ASM},
    {"int", "traps and interrupts", LOG_INT},
    {"exec", "each unit entered", LOG_EXEC},
    {"cpu", "registers at each unit entered", LOG_CPU},
    {"guest_errors", "what a correct guest would not do", LOG_GUEST_ERRORS},
    {"unimp", "what the guest used and Guise does not have", LOG_UNIMP},
    {"mmu", "page walks and TLB flushes", LOG_MMU},
    {"stats", "counters at exit", LOG_STATS},
    {"coverage", "how often each kind of guest instruction was translated, at exit", LOG_COVERAGE},
    {NULL, NULL, 0},
};

void log_init(struct log *log)
{
    atomic_init(&log->items, 0);
    log->file = stderr;
    log->own_file = false;
}

void log_fini(struct log *log)
{
    if (log->own_file)
        fclose(log->file);
    log_init(log);
}

static const struct log_item_name *log_item_find(const char *name, size_t len)
{
    for (const struct log_item_name *i = log_item_names; i->name; i++)
        if (strlen(i->name) == len && !memcmp(i->name, name, len))
            return i;
    return NULL;
}

static int log_item_unknown(const char *name, size_t len, struct err *err)
{
    const char *names[ARRAY_SIZE(log_item_names)];
    char accepted[256] = "", given[64];
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_SIZE(log_item_names); i++) {
        names[i] = log_item_names[i].name;
        if (names[i] && used < sizeof(accepted))
            used += (size_t)snprintf(accepted + used, sizeof(accepted) - used, "%s%s",
                                     i ? ", " : "", names[i]);
    }
    snprintf(given, sizeof(given), "%.*s", (int)MIN(len, sizeof(given) - 1), name);
    err_set(err, EINVAL, "-d: no log item '%s'; accepted: %s, all", given, accepted);
    err_suggest(err, given, names);
    return -EINVAL;
}

int log_set_items(struct log *log, const char *list, struct err *err)
{
    u32 items = 0;
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        const struct log_item_name *item = log_item_find(p, len);
        if (item)
            items |= item->bit;
        else if (len == 3 && !memcmp(p, "all", 3))
            items = ~0u;
        else
            return log_item_unknown(p, len, err);
        p += len;
        p += *p == ',';
    }
    atomic_store(&log->items, items);
    return 0;
}

int log_set_file(struct log *log, const char *path, struct err *err)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return err_set_errno(err, errno, "-D: cannot open the log file '%s'", path);
    setvbuf(f, NULL, _IOLBF, 0);
    if (log->own_file)
        fclose(log->file);
    log->file = f;
    log->own_file = true;
    return 0;
}

void log_write(struct log *log, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(log->file, fmt, ap);
    va_end(ap);
}
