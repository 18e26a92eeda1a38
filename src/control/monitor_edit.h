/*
 * monitor_edit.h - the line a person is typing: edited, remembered, completed. For the monitor.
 *
 * Speaks to a terminal in raw mode; what is typed at the end of the line is echoed as it is, so
 * that a script on a socket sees plain text. One thread.
 */
#ifndef CONTROL_MONITOR_EDIT_H
#define CONTROL_MONITOR_EDIT_H

#include "base/base.h"

enum { EDIT_LINE = 1024, EDIT_HISTORY = 64, EDIT_WORDS = 128 };

enum edit_escape { EDIT_PLAIN, EDIT_ESC, EDIT_CSI };

struct monitor_edit {
    const char *prompt;
    /* To the terminal. */
    void (*put)(void *opaque, const char *text, size_t n);
    /* Words that may stand where `before`, the line up to the word being typed, ends: at most
     * EDIT_WORDS; returns how many. */
    unsigned (*words)(void *opaque, const char *before, const char **words);
    void *opaque;
    char line[EDIT_LINE]; /* ended by 0 when it is complete */
    size_t len, pos;
    char *history[EDIT_HISTORY];   /* the oldest first */
    unsigned remembered, recalled; /* recalled == remembered: the line being typed */
    enum edit_escape escape;
    unsigned parameter; /* of the escape sequence */
    bool after_cr;      /* "\r\n" is one end of line */
};

/* The next line: an empty one behind the prompt. */
void monitor_edit_start(struct monitor_edit *e);
/* A byte was typed. True: e->line is complete; monitor_edit_start follows. */
bool monitor_edit_byte(struct monitor_edit *e, u8 byte);
/* A complete line that arrows bring back; spaces alone and repetitions are not remembered. */
void monitor_edit_remember(struct monitor_edit *e, const char *line);
void monitor_edit_fini(struct monitor_edit *e);

#endif
