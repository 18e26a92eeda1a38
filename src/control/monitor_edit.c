/*
 * monitor_edit.c - the keys of the monitor's line editor.
 *
 *   typing, Backspace, Delete   Ctrl-U the whole line, Ctrl-W a word, Ctrl-K to the end
 *   left, right, Home, End      Ctrl-B, Ctrl-F, Ctrl-A, Ctrl-E
 *   up, down                    Ctrl-P, Ctrl-N: earlier lines
 *   Tab                         completes; lists when there are several
 *   Ctrl-C                      forgets the line
 *
 * Invariant: pos <= len < EDIT_LINE. The terminal shows prompt and line, its cursor at pos.
 */
#include "control/monitor_edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

#define CONTROL(letter) ((letter)-64)

/* ---- The terminal ---------------------------------------------------------------------------- */

static void put(struct monitor_edit *e, const char *text)
{
    e->put(e->opaque, text, strlen(text));
}

/* The line anew: it changed elsewhere than at its end. */
static void redraw(struct monitor_edit *e)
{
    char back[32];
    put(e, "\r");
    put(e, e->prompt);
    e->put(e->opaque, e->line, e->len);
    put(e, "\033[K");
    if (e->pos == e->len)
        return;
    snprintf(back, sizeof(back), "\033[%zuD", e->len - e->pos);
    put(e, back);
}

void monitor_edit_start(struct monitor_edit *e)
{
    e->len = e->pos = 0;
    e->recalled = e->remembered;
    put(e, e->prompt);
}

/* ---- Changes --------------------------------------------------------------------------------- */

static void insert(struct monitor_edit *e, const char *text, size_t n)
{
    n = MIN(n, EDIT_LINE - 1 - e->len);
    memmove(e->line + e->pos + n, e->line + e->pos, e->len - e->pos);
    memcpy(e->line + e->pos, text, n);
    bool at_end = e->pos == e->len;
    e->len += n;
    e->pos += n;
    if (at_end)
        e->put(e->opaque, text, n);
    else
        redraw(e);
}

/* The n characters before the cursor go. */
static void erase(struct monitor_edit *e, size_t n)
{
    bool simple = n == 1 && e->pos == e->len;
    if (!n)
        return;
    memmove(e->line + e->pos - n, e->line + e->pos, e->len - e->pos);
    e->pos -= n;
    e->len -= n;
    if (simple)
        put(e, "\b \b");
    else
        redraw(e);
}

static void erase_next(struct monitor_edit *e)
{
    if (e->pos == e->len)
        return;
    e->len--;
    memmove(e->line + e->pos, e->line + e->pos + 1, e->len - e->pos);
    redraw(e);
}

static size_t word_before(const struct monitor_edit *e)
{
    size_t at = e->pos;
    while (at && e->line[at - 1] == ' ')
        at--;
    while (at && e->line[at - 1] != ' ')
        at--;
    return e->pos - at;
}

static void replace(struct monitor_edit *e, const char *text)
{
    e->len = e->pos = (size_t)snprintf(e->line, sizeof(e->line), "%s", text);
    redraw(e);
}

static void move(struct monitor_edit *e, size_t pos)
{
    if (pos > e->len)
        return;
    e->pos = pos;
    redraw(e);
}

/* ---- History --------------------------------------------------------------------------------- */

static void recall(struct monitor_edit *e, unsigned n)
{
    if (n > e->remembered) /* also below 0 */
        return;
    e->recalled = n;
    replace(e, n == e->remembered ? "" : e->history[n]);
}

void monitor_edit_remember(struct monitor_edit *e, const char *line)
{
    bool empty = !line[strspn(line, " ")];
    if (empty || (e->remembered && !strcmp(e->history[e->remembered - 1], line)))
        return;
    if (e->remembered == EDIT_HISTORY) {
        free(e->history[0]);
        memmove(e->history, e->history + 1, (EDIT_HISTORY - 1) * sizeof(e->history[0]));
        e->remembered--;
    }
    e->history[e->remembered++] = alloc_string(line);
}

void monitor_edit_fini(struct monitor_edit *e)
{
    while (e->remembered)
        free(e->history[--e->remembered]);
}

/* ---- Completion ------------------------------------------------------------------------------ */

static size_t common_length(const char *a, const char *b, size_t most)
{
    size_t n = 0;
    while (n < most && a[n] && a[n] == b[n])
        n++;
    return n;
}

static void list_words(struct monitor_edit *e, const char *const *words, unsigned count)
{
    put(e, "\r\n");
    for (unsigned i = 0; i < count; i++) {
        put(e, words[i]);
        put(e, i + 1 < count ? "  " : "\r\n");
    }
    redraw(e);
}

static void complete(struct monitor_edit *e)
{
    const char *words[EDIT_WORDS];
    char before[EDIT_LINE];
    size_t start = e->pos;
    while (start && e->line[start - 1] != ' ')
        start--;
    size_t typed = e->pos - start;
    memcpy(before, e->line, start);
    before[start] = 0;
    unsigned all = e->words(e->opaque, before, words), count = 0;
    for (unsigned i = 0; i < all; i++) {
        if (!strncmp(words[i], e->line + start, typed))
            words[count++] = words[i];
    }
    if (!count)
        return;
    size_t common = strlen(words[0]);
    for (unsigned i = 1; i < count; i++)
        common = common_length(words[0], words[i], common);
    if (count > 1 && common == typed) {
        list_words(e, words, count);
        return;
    }
    insert(e, words[0] + typed, common - typed);
    if (count == 1)
        insert(e, " ", 1);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static bool end_line(struct monitor_edit *e)
{
    e->line[e->len] = 0;
    put(e, "\r\n");
    return true;
}

static void forget_line(struct monitor_edit *e)
{
    put(e, "^C\r\n");
    monitor_edit_start(e);
}

static bool control_key(struct monitor_edit *e, u8 byte)
{
    switch (byte) {
    case '\r':
    case '\n': return end_line(e);
    case '\t': complete(e); break;
    case '\b':
    case 127: erase(e, MIN(e->pos, 1)); break;
    case CONTROL('A'): move(e, 0); break;
    case CONTROL('B'): move(e, e->pos - 1); break;
    case CONTROL('C'): forget_line(e); break;
    case CONTROL('D'): erase_next(e); break;
    case CONTROL('E'): move(e, e->len); break;
    case CONTROL('F'): move(e, e->pos + 1); break;
    case CONTROL('K'):
        e->len = e->pos;
        redraw(e);
        break;
    case CONTROL('N'): recall(e, e->recalled + 1); break;
    case CONTROL('P'): recall(e, e->recalled - 1); break;
    case CONTROL('U'): replace(e, ""); break;
    case CONTROL('W'): erase(e, word_before(e)); break;
    case CONTROL('['): e->escape = EDIT_ESC; break;
    default: break;
    }
    return false;
}

/* The last byte of "ESC [ parameter byte" (ECMA-48) or of "ESC O byte". */
static void escape_key(struct monitor_edit *e, u8 byte)
{
    switch (byte) {
    case 'A': recall(e, e->recalled - 1); break;
    case 'B': recall(e, e->recalled + 1); break;
    case 'C': move(e, e->pos + 1); break;
    case 'D': move(e, e->pos - 1); break;
    case 'H': move(e, 0); break;
    case 'F': move(e, e->len); break;
    case '~':
        if (e->parameter == 3)
            erase_next(e);
        else if (e->parameter == 1 || e->parameter == 7)
            move(e, 0);
        else if (e->parameter == 4 || e->parameter == 8)
            move(e, e->len);
        break;
    default: break;
    }
}

static void escape_byte(struct monitor_edit *e, u8 byte)
{
    if (e->escape == EDIT_ESC) {
        e->escape = byte == '[' || byte == 'O' ? EDIT_CSI : EDIT_PLAIN;
        e->parameter = 0;
    } else if (byte >= '0' && byte <= '9') {
        e->parameter = (e->parameter * 10 + byte - '0') % 1000;
    } else if (byte >= 64 && byte <= 126) {
        e->escape = EDIT_PLAIN;
        escape_key(e, byte);
    }
}

bool monitor_edit_byte(struct monitor_edit *e, u8 byte)
{
    bool ended = byte == '\n' && e->after_cr;
    e->after_cr = byte == '\r';
    if (ended)
        return false;
    if (e->escape != EDIT_PLAIN) {
        escape_byte(e, byte);
        return false;
    }
    if (byte < ' ' || byte == 127)
        return control_key(e, byte);
    insert(e, (const char *)&byte, 1);
    return false;
}
