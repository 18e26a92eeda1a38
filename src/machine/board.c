/*
 * board.c - boards by their names.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "machine/machine.h"

static bool board_has_arch(const struct board *b, const char *arch)
{
    if (!arch)
        return true;
    for (const struct board_arch *a = b->archs; a->name; a++) {
        if (!strcmp(a->name, arch))
            return true;
    }
    return false;
}

static const struct board *board_not_found(const char *name, const char *arch, struct err *err)
{
    unsigned n = 0, count = 0;
    while (board_registry[n])
        n++;
    const char **names = alloc_zero((n + 1) * sizeof(*names));
    for (unsigned i = 0; i < n; i++) {
        if (board_has_arch(board_registry[i], arch))
            names[count++] = board_registry[i]->name;
    }
    err_set(err, ENOENT, "-M %s: there is no such machine%s%s (-M help lists them)", name,
            arch ? " for " : "", arch ? arch : "");
    err_suggest(err, name, names);
    free(names);
    return NULL;
}

const struct board *board_find(const char *name, const char *arch, struct err *err)
{
    const struct board *found = NULL;
    unsigned matches = 0;
    for (unsigned i = 0; board_registry[i]; i++) {
        const struct board *b = board_registry[i];
        if (!board_has_arch(b, arch) || (name && strcmp(b->name, name)))
            continue;
        found = b;
        matches++;
    }
    if (matches == 1)
        return found;
    if (name && matches) {
        err_set(err, EINVAL, "-M %s: several architectures have one: -arch NAME chooses", name);
        return NULL;
    }
    if (name)
        return board_not_found(name, arch, err);
    err_set(err, EINVAL, "no machine given: -M NAME (-M help lists them)");
    return NULL;
}

void board_list(const char *arch, FILE *out)
{
    fprintf(out, "Supported machines are:\n");
    for (unsigned i = 0; board_registry[i]; i++) {
        const struct board *b = board_registry[i];
        if (board_has_arch(b, arch))
            fprintf(out, "%-20s %s\n", b->name, b->help);
    }
}

void board_help(const struct board *b, FILE *out)
{
    fprintf(out, "%s-machine options:\n", b->name);
    if (b->options)
        option_help(b->options, out);
}
