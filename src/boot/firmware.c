/*
 * firmware.c - the places where firmware lies, as a table.
 */
#include "boot/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

/* %A: architecture; %C: the cache directory of ./run (GUISE_CACHE). In this order, after -L. */
static const char *const opensbi_places[] = {
    "%C/%A/firmware",
    "%C/%A/fw_dynamic.bin",
    "/usr/share/guise/opensbi-%A-generic-fw_dynamic.bin",
    "/usr/lib/%A-linux-gnu/opensbi/generic/fw_dynamic.bin",
    "/usr/share/qemu/opensbi-%A-generic-fw_dynamic.bin",
    "/usr/share/opensbi/lp%B/generic/firmware/fw_dynamic.bin",
};
static const char *const opensbi_names[] = {"opensbi-%A-generic-fw_dynamic.bin", "fw_dynamic.bin"};
static const char *const firmware_dirs[] = {"/usr/share/guise", "/usr/share/qemu"};

static char *cache_dir(void)
{
    const char *cache = getenv("GUISE_CACHE"), *home = getenv("HOME");
    return cache && *cache ? alloc_string(cache)
                           : alloc_printf("%s/.cache/guise", home ? home : "");
}

/* pattern with %A, %B (bits of the architecture's name) and %C replaced; malloc'ed. */
static char *expand(const char *pattern, const char *arch)
{
    char *text = alloc_string("");
    char *cache = cache_dir();
    for (const char *p = pattern; *p; p++) {
        char one[2] = {*p, 0};
        const char *add = one;
        if (*p == '%' && p[1]) {
            p++;
            add = *p == 'A' ? arch : *p == 'B' ? arch + strcspn(arch, "36") : cache;
        }
        char *longer = alloc_printf("%s%s", text, add);
        free(text);
        text = longer;
    }
    free(cache);
    return text;
}

/* path when it can be read, else NULL; path is freed then. */
static char *readable(char *path)
{
    if (!access(path, R_OK))
        return path;
    free(path);
    return NULL;
}

static char *in_dirs(const char *name, const char *const *dirs)
{
    char *found = NULL;
    for (; dirs && *dirs && !found; dirs++)
        found = readable(alloc_printf("%s/%s", *dirs, name));
    return found;
}

char *boot_firmware_find(const char *name, const char *const *search_dirs, struct err *err)
{
    char *found = readable(alloc_string(name));
    int code = errno;
    if (!found && !strchr(name, '/'))
        found = in_dirs(name, search_dirs);
    for (unsigned i = 0; i < ARRAY_SIZE(firmware_dirs) && !found && !strchr(name, '/'); i++)
        found = readable(alloc_printf("%s/%s", firmware_dirs[i], name));
    if (!found)
        err_set_errno(err, code, "-bios %s", name);
    return found;
}

char *boot_firmware_opensbi(const char *arch, const char *const *search_dirs, struct err *err)
{
    char *found = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(opensbi_names) && !found; i++) {
        char *name = expand(opensbi_names[i], arch);
        found = in_dirs(name, search_dirs);
        free(name);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(opensbi_places) && !found; i++)
        found = readable(expand(opensbi_places[i], arch));
    if (!found)
        err_set(err, ENOENT,
                "no OpenSBI for %s: -L DIR with fw_dynamic.bin, -bios FILE or -bios none would do"
                " (Debian's package opensbi has it)",
                arch);
    return found;
}
