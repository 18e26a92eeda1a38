/*
 * monitor.c - the monitor's front: lines come from a character backend, commands run, text goes
 * back.
 *
 * A command prints into memory; the text is then sent as the backend takes it, and meanwhile no
 * input is accepted. Loop's thread.
 */
#include "control/monitor.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "control/monitor_impl.h"

#define PROMPT       "(guise) "
#define GREETING     "Guise monitor - type 'help' for more information\r\n"
#define RETRY_NS     (10 * NS_PER_MS)
#define OUT_MAX      (16 * MiB)
#define OUT_PIECE    4096
#define COMMANDS_MAX 64

/* ---- Output ---------------------------------------------------------------------------------- */

static void out_flush(struct monitor *mon)
{
    size_t done = 0;
    while (done < mon->out_used) {
        size_t n = MIN(mon->out_used - done, OUT_PIECE);
        size_t taken = chardev_write(mon->chardev, mon->out + done, n);
        done += taken;
        if (taken < n)
            break;
    }
    mon->out_used -= done;
    if (mon->out_used)
        memmove(mon->out, mon->out + done, mon->out_used);
}

static void out_retry(void *opaque)
{
    struct monitor *mon = opaque;
    out_flush(mon);
    if (mon->out_used)
        timer_set(&mon->retry, clock_now(&mon->clock) + RETRY_NS);
    else
        chardev_ready(mon->chardev);
}

static void out_put(void *opaque, const char *text, size_t n)
{
    struct monitor *mon = opaque;
    n = MIN(n, OUT_MAX - MIN(mon->out_used, OUT_MAX));
    if (mon->out_size - mon->out_used < n) {
        mon->out_size = MAX(2 * mon->out_size, mon->out_used + n);
        mon->out = alloc_resize(mon->out, mon->out_size, 1);
    }
    memcpy(mon->out + mon->out_used, text, n);
    mon->out_used += n;
    if (timer_pending(&mon->retry))
        return;
    out_flush(mon);
    if (mon->out_used)
        timer_set(&mon->retry, clock_now(&mon->clock) + RETRY_NS);
}

/* A terminal in raw mode wants "\r\n". */
static void out_text(struct monitor *mon, const char *text, size_t n)
{
    while (n) {
        const char *end = memchr(text, '\n', n);
        size_t line = end ? (size_t)(end - text) : n;
        out_put(mon, text, line);
        if (!end)
            return;
        out_put(mon, "\r\n", 2);
        text += line + 1;
        n -= line + 1;
    }
}

/* ---- Commands -------------------------------------------------------------------------------- */

char *monitor_word(char **text)
{
    char *word = *text + strspn(*text, " ");
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, " ");
    *text = end + (*end != 0);
    *end = 0;
    return word;
}

int monitor_no_args(const char *args, struct err *err)
{
    return *args ? err_set(err, EINVAL, "'%s' is too much: nothing is accepted there", args) : 0;
}

const struct monitor_command *monitor_find(const struct monitor_command *table, const char *what,
                                           const char *name, struct err *err)
{
    const char *names[COMMANDS_MAX];
    unsigned n = 0;
    for (const struct monitor_command *c = table; c->name; c++) {
        if (!strcmp(c->name, name) || (c->alias && !strcmp(c->alias, name)))
            return c;
        if (n + 1 < COMMANDS_MAX)
            names[n++] = c->name;
    }
    names[n] = NULL;
    err_set(err, ENOENT, "unknown %s '%s' (%s lists them)", what, name,
            table == monitor_infos ? "info" : "help");
    err_suggest(err, name, names);
    return NULL;
}

void monitor_list(const struct monitor_command *table, const char *prefix, FILE *out)
{
    for (const struct monitor_command *c = table; c->name; c++)
        fprintf(out, "%s%s%s%s%s%s -- %s\n", prefix, c->name, c->alias ? "|" : "",
                c->alias ? c->alias : "", c->args ? " " : "", c->args ? c->args : "", c->help);
}

/* "x/4i $pc": the name ends where its format begins, which is an argument. */
static int run_command(struct monitor *mon, char *line, FILE *out, struct err *err)
{
    char name[64];
    char *args = line + strcspn(line, " /");
    size_t end = strlen(line);
    while (end && line[end - 1] == ' ')
        line[--end] = 0;
    snprintf(name, sizeof(name), "%.*s", (int)MIN((size_t)(args - line), sizeof(name) - 1), line);
    const struct monitor_command *c = monitor_find(monitor_commands, "command", name, err);
    return c ? c->fn(mon, args + strspn(args, " "), out, err) : -err->code;
}

static void run_line(struct monitor *mon)
{
    char *text = NULL, *line = mon->edit.line + strspn(mon->edit.line, " ");
    size_t size = 0;
    struct err err = {0};
    if (!*line)
        return;
    monitor_edit_remember(&mon->edit, line);
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    mon->busy = true;
    if (run_command(mon, line, out, &err))
        fprintf(out, "Error: %s\n", err.text);
    mon->busy = false;
    fclose(out);
    out_text(mon, text, size);
    free(text);
}

/* ---- Completion ------------------------------------------------------------------------------ */

static unsigned table_words(const struct monitor_command *table, const char **words)
{
    unsigned n = 0;
    for (; table->name && n < EDIT_WORDS; table++)
        words[n++] = table->name;
    return n;
}

static unsigned edit_words(void *opaque, const char *before, const char **words)
{
    char first[64] = "", rest[2] = "";
    int n = sscanf(before, "%63s %1s", first, rest);
    if (n <= 0)
        return table_words(monitor_commands, words);
    if (n > 1)
        return 0;
    if (!strcmp(first, "info"))
        return table_words(monitor_infos, words);
    return strcmp(first, "help") ? 0 : table_words(monitor_commands, words);
}

/* ---- The chardev's front --------------------------------------------------------------------- */

static size_t front_room(void *opaque)
{
    const struct monitor *mon = opaque;
    return mon->busy || mon->out_used ? 0 : EDIT_LINE;
}

static void greet(struct monitor *mon)
{
    if (!mon->greeted)
        out_put(mon, GREETING, sizeof(GREETING) - 1);
    mon->greeted = true;
    monitor_edit_start(&mon->edit);
}

static void front_receive(void *opaque, const u8 *data, size_t n)
{
    struct monitor *mon = opaque;
    if (!mon->greeted)
        greet(mon);
    for (size_t i = 0; i < n; i++) {
        if (!monitor_edit_byte(&mon->edit, data[i]))
            continue;
        run_line(mon);
        monitor_edit_start(&mon->edit);
    }
    chardev_ready(mon->chardev);
}

/* OPENED is also how a mux says that it is the monitor's turn. */
static void front_event(void *opaque, enum chardev_event event)
{
    struct monitor *mon = opaque;
    if (event == CHARDEV_CLOSED)
        mon->greeted = false;
    if (event != CHARDEV_OPENED)
        return;
    if (mon->greeted)
        out_put(mon, "\r\n", 2);
    greet(mon);
}

struct monitor *monitor_open(struct machine *m, struct chardev *c, struct err *err)
{
    struct monitor *mon = alloc_zero(sizeof(*mon));
    mon->machine = m;
    mon->chardev = c;
    mon->format = 'x';
    mon->size = 'w';
    mon->edit =
        (struct monitor_edit){.prompt = PROMPT, .put = out_put, .words = edit_words, .opaque = mon};
    clock_init(&mon->clock, CLOCK_KIND_REAL);
    timer_init(&mon->retry, m->loop, &mon->clock, out_retry, mon);
    struct chardev_front front = {
        .room = front_room, .receive = front_receive, .event = front_event, .opaque = mon};
    if (!chardev_attach(c, &front, err))
        return mon; /* it greets when the backend tells that somebody is there */
    mon->chardev = NULL;
    monitor_close(mon);
    return NULL;
}

void monitor_close(struct monitor *mon)
{
    if (!mon)
        return;
    if (mon->chardev)
        (void)!chardev_attach(mon->chardev, NULL, NULL);
    timer_fini(&mon->retry);
    clock_fini(&mon->clock);
    monitor_edit_fini(&mon->edit);
    free(mon->out);
    free(mon);
}
