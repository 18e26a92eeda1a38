/*
 * block.c - opening block backends and the checks that every format shares.
 *
 * A write-through cache and FUA become a flush after the write, here, for all formats.
 */
#include "backend/block/block.h"

#include <errno.h>
#include <stdlib.h>

extern const struct block_driver block_raw;

static const struct block_driver *const drivers[] = {&block_raw};

static const char *const cache_names[] = {"writeback",  "none",   "writethrough",
                                          "directsync", "unsafe", NULL};

static const struct option common_options[] = {
    OPTION_STRING("id", struct block, id, NULL, "name of the drive"),
    OPTION_STRING("serial", struct block, serial, NULL, "serial number that the guest sees"),
    OPTION_BOOL("read-only", struct block, read_only, "off", "refuse writes"),
    OPTION_BOOL("auto-read-only", struct block, auto_read_only, "off",
                "refuse writes where the file cannot be written"),
    OPTION_BOOL("discard", struct block, discard, "on", "give discarded blocks back to the host"),
    OPTION_ENUM("cache", struct block, cache, "writeback", cache_names,
                "host page cache and flushes"),
    OPTION_LAST,
};

/* ---- Requests -------------------------------------------------------------------------------- */

static void complete(void *opaque)
{
    struct block_request *r = opaque;
    r->block->in_flight--;
    r->done(r, r->result);
}

void block_complete_later(struct block_request *r, int result)
{
    r->result = result;
    loop_task_init(&r->later, r->block->loop, complete, r);
    loop_task_schedule(&r->later);
}

static int request_check(const struct block *b, const struct block_request *r)
{
    if (r->op == BLOCK_FLUSH)
        return 0;
    if (r->offset % b->sector || r->length % b->sector || r->offset > b->size ||
        r->length > b->size - r->offset)
        return EINVAL;
    return r->op != BLOCK_READ && b->read_only ? EROFS : 0;
}

void block_submit(struct block *b, struct block_request *r)
{
    r->block = b;
    r->moved = 0;
    r->rest = NULL;
    r->bounce = NULL;
    b->in_flight++;
    if (b->cache == BLOCK_CACHE_WRITETHROUGH || b->cache == BLOCK_CACHE_DIRECTSYNC)
        r->fua = r->op == BLOCK_WRITE || r->op == BLOCK_ZERO;
    int code = request_check(b, r);
    bool nothing = !code && r->op != BLOCK_FLUSH && !r->length;
    nothing |= !code && r->op == BLOCK_DISCARD && !b->discard;
    nothing |= r->op == BLOCK_FLUSH && (b->cache == BLOCK_CACHE_UNSAFE || b->read_only);
    if (code || nothing)
        block_complete_later(r, -code);
    else
        b->driver->submit(b, r);
}

void block_drain(struct block *b)
{
    while (b->in_flight)
        loop_turn(b->loop, true);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static const struct block_driver *find_driver(const char *name, struct err *err)
{
    const char *names[ARRAY_SIZE(drivers) + 1] = {0};
    for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++) {
        if (!strcmp(drivers[i]->name, name))
            return drivers[i];
        names[i] = drivers[i]->name;
    }
    err_set(err, EINVAL, "block driver %s: this version reads raw images", name);
    err_suggest(err, name, names);
    return NULL;
}

/* What people say otherwise than by the options above, or need not say. */
enum { MEDIA_DISK, MEDIA_CDROM };
struct spellings {
    bool direct, no_flush;
    int media, aio, file_driver;
};
static const char *const media_words[] = {"disk", "cdrom", NULL};
static const char *const aio_words[] = {"threads", "native", "io_uring", NULL};
static const char *const file_words[] = {"file", "host_device", NULL};
static const struct option spelling_options[] = {
    OPTION_BOOL("cache.direct", struct spellings, direct, NULL, "cache=none"),
    OPTION_BOOL("cache.no-flush", struct spellings, no_flush, NULL, "cache=unsafe"),
    OPTION_ENUM("media", struct spellings, media, NULL, media_words, "a cdrom cannot be written"),
    OPTION_ENUM("aio", struct spellings, aio, NULL, aio_words, "a wish; guise takes what there is"),
    OPTION_ENUM("file.driver", struct spellings, file_driver, NULL, file_words,
                "raw looks at the file itself"),
    OPTION_LAST,
};

int block_help(const char *format, FILE *out, struct err *err)
{
    const struct block_driver *driver = format ? find_driver(format, err) : NULL;
    if (format && !driver)
        return -EINVAL;
    if (driver) {
        option_help(common_options, out);
        option_help(driver->options, out);
        option_help(spelling_options, out);
        return 0;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
        fprintf(out, "%-8s %s\n", drivers[i]->name, drivers[i]->help);
    return 0;
}

/* The names people use for one thing: -drive's on the left. */
static void rename_key(struct option_list *list, const char *from, const char *to)
{
    char *v = option_take(list, from);
    if (v)
        option_add(list, to, v);
    free(v);
}

static void rename_keys(struct option_list *list)
{
    rename_key(list, "format", "driver");
    rename_key(list, "readonly", "read-only");
    rename_key(list, "node-name", "id");
    rename_key(list, "file.filename", "filename");
    rename_key(list, "file.auto-read-only", "auto-read-only");
    rename_key(list, "file", "filename");
    char *discard = option_take(list, "discard");
    if (discard)
        option_add(list, "discard",
                   !strcmp(discard, "unmap")    ? "on"
                   : !strcmp(discard, "ignore") ? "off"
                                                : discard);
    free(discard);
}

static int take_spellings(struct option_list *list, struct err *err)
{
    struct spellings s = {0};
    rename_keys(list);
    int r = option_apply(list, spelling_options, &s, err);
    if (r)
        return r;
    if (s.media == MEDIA_CDROM)
        option_add(list, "read-only", "on");
    if (s.no_flush)
        option_add(list, "cache", "unsafe");
    else if (s.direct)
        option_add(list, "cache", "none");
    return 0;
}

struct block *block_open(struct loop *loop, struct option_list *list, struct err *err)
{
    if (take_spellings(list, err))
        return NULL;
    char *name = option_take(list, "driver");
    const struct block_driver *driver = find_driver(name ? name : "raw", err);
    free(name);
    struct block *b = driver ? calloc(1, driver->size) : NULL;
    if (!b)
        return NULL;
    const struct option *tables[] = {common_options, driver->options, spelling_options, NULL};
    b->driver = driver;
    b->loop = loop;
    b->sector = 512;
    if (option_defaults(common_options, b, err) || option_defaults(driver->options, b, err) ||
        option_apply(list, common_options, b, err) || option_apply(list, driver->options, b, err) ||
        option_done(list, tables, err) || driver->open(b, err)) {
        b->read_only = true; /* nothing to flush */
        block_close(b);
        return NULL;
    }
    return b;
}

void block_close(struct block *b)
{
    if (!b)
        return;
    block_drain(b);
    b->driver->close(b);
    option_free(b->driver->options, b);
    option_free(common_options, b);
    free(b);
}
