/*
 * store.c - the store of translations: look-up, new records, the file at the end. store.h.
 *
 * Entries of the file and of this run are in one array, hashed by key; a record is in a segment, of
 * which the last used ones are in memory:
 *
 *   key -> table -> entry {segment, offset} -> segment: 0..base-1 of the file | .. of the spool |
 * count: `fresh`
 */
#include "jit/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/host.h"
#include "jit/store_file.h"

enum {
    IN_MEMORY = 64,
    TABLE_MIN = 4096,
    SAVE_BYTES = 64 * 1024 * 1024, /* so much is not lost when the process is killed */
};

struct segment_copy {
    u32 segment; /* UINT32_MAX: none */
    u64 used;
    u8 *data;
};

struct store {
    pthread_mutex_t lock;
    int folder;
    char name[48]; /* of the file */
    u8 key[MAC_BYTES], identity[MAC_BYTES];
    struct tagger tagger; /* of segments */
    u64 limit;
    struct store_file base; /* its tables are taken over; fd -1: none */
    u32 base_segments;
    u32 saved_segments, saved_entries; /* those from here on are in no file yet */
    struct store_entry *entries;
    u32 entry_count, entry_room;
    u32 *table; /* index of entry + 1; open addressing */
    u32 table_mask;
    struct store_segment *segments; /* run UINT32_MAX: used in this run; size 0: damaged */
    u32 segment_count;
    struct segment_copy copies[IN_MEMORY];
    u64 clock;
    u8 *fresh; /* the segment that is being filled */
    u32 fresh_used;
    int spool;
    u64 spool_used, spool_saved;
    bool full, damaged;
};

/* ---- Look-up --------------------------------------------------------------------------------- */

u64 store_key(u64 pc, u64 mode, u64 config)
{
    u64 h = (pc ^ config) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 29 ^ mode) * UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ h >> 32;
}

static void table_add(struct store *s, u32 entry)
{
    u32 i = (u32)s->entries[entry].key & s->table_mask;
    while (s->table[i])
        i = (i + 1) & s->table_mask;
    s->table[i] = entry + 1;
}

static void table_build(struct store *s)
{
    u32 size = TABLE_MIN;
    while (size < 3 * s->entry_count)
        size *= 2;
    free(s->table);
    s->table = alloc_zero(size * sizeof(*s->table));
    s->table_mask = size - 1;
    for (u32 i = 0; i < s->entry_count; i++)
        table_add(s, i);
}

/* What is not what it was written as is not there from now on. */
static void segment_damaged(struct store *s, u32 segment)
{
    s->segments[segment].size = 0;
    if (!s->damaged)
        fprintf(stderr, "guise: translation cache: %s: part of it is damaged; ignored\n", s->name);
    s->damaged = true;
}

static struct segment_copy *oldest_copy(struct store *s)
{
    struct segment_copy *c = &s->copies[0];
    for (u32 i = 1; i < IN_MEMORY; i++) {
        if (s->copies[i].used < c->used)
            c = &s->copies[i];
    }
    return c;
}

static const u8 *segment_bytes(struct store *s, u32 segment)
{
    if (segment == s->segment_count)
        return s->fresh;
    for (u32 i = 0; i < IN_MEMORY; i++) {
        if (s->copies[i].data && s->copies[i].segment == segment) {
            s->copies[i].used = ++s->clock;
            return s->copies[i].data;
        }
    }
    struct store_segment *from = &s->segments[segment];
    if (!from->size)
        return NULL;
    struct segment_copy *c = oldest_copy(s);
    if (!c->data)
        c->data = alloc_bytes(STORE_SEGMENT);
    c->segment = UINT32_MAX;
    if (store_segment_read(segment < s->base_segments ? s->base.fd : s->spool, from, &s->tagger,
                           c->data)) {
        segment_damaged(s, segment);
        return NULL;
    }
    c->segment = segment;
    c->used = ++s->clock;
    from->run = UINT32_MAX;
    return c->data;
}

static const struct stored_unit *record_at(struct store *s, const struct store_entry *e)
{
    const u8 *p = segment_bytes(s, e->segment);
    u32 size = e->segment == s->segment_count ? s->fresh_used : s->segments[e->segment].size;
    if (!p || e->offset >= size)
        return NULL;
    const struct stored_unit *u = (const struct stored_unit *)(p + e->offset);
    return stored_is_sound(u, size - e->offset) ? u : NULL;
}

const struct stored_unit *store_find(struct store *s, u64 key, store_match *match, void *opaque)
{
    pthread_mutex_lock(&s->lock);
    for (u32 i = (u32)key & s->table_mask; s->table[i]; i = (i + 1) & s->table_mask) {
        const struct store_entry *e = &s->entries[s->table[i] - 1];
        const struct stored_unit *u = e->key == key ? record_at(s, e) : NULL;
        if (u && match(opaque, u))
            return u;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

void store_release(struct store *s)
{
    pthread_mutex_unlock(&s->lock);
}

/* ---- New records ----------------------------------------------------------------------------- */

static bool spool_write(struct store *s)
{
    for (u32 done = 0; done < s->fresh_used;) {
        ssize_t n =
            pwrite(s->spool, s->fresh + done, s->fresh_used - done, (off_t)(s->spool_used + done));
        if (n <= 0 && errno != EINTR)
            return false;
        if (n > 0)
            done += (u32)n;
    }
    return true;
}

/* The fresh segment goes to the spool. */
static void flush_fresh(struct store *s)
{
    if (!s->fresh_used)
        return;
    if (!spool_write(s)) {
        fprintf(stderr, "guise: translation cache: the folder takes no more: %s\n",
                strerror(errno));
        s->full = true;
    }
    s->segments = alloc_resize(s->segments, s->segment_count + 1, sizeof(*s->segments));
    struct store_segment *to = &s->segments[s->segment_count++];
    *to = (struct store_segment){
        .offset = s->spool_used, .size = s->full ? 0 : s->fresh_used, .run = UINT32_MAX};
    host_random(to->nonce, sizeof(to->nonce));
    tagger_tag(&s->tagger, to->nonce, s->fresh, s->fresh_used, to->tag);
    s->spool_used += to->size;
    s->fresh_used = 0;
}

static void save_locked(struct store *s);

struct stored_unit *store_begin(struct store *s, u32 size)
{
    pthread_mutex_lock(&s->lock);
    if (size && size <= STORE_SEGMENT && s->fresh_used + size > STORE_SEGMENT)
        flush_fresh(s);
    bool room = size && size <= STORE_SEGMENT && !s->full &&
                s->spool_used + STORE_SEGMENT <= s->limit && s->entry_count < STORE_MAX_ENTRIES &&
                s->segment_count < STORE_MAX_SEGMENTS;
    if (room)
        return (struct stored_unit *)(s->fresh + s->fresh_used);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

void store_end(struct store *s, struct stored_unit *u, bool keep)
{
    if (keep) {
        if (s->entry_count == s->entry_room) {
            s->entry_room = MAX(2 * s->entry_room, 1024u);
            s->entries = alloc_resize(s->entries, s->entry_room, sizeof(*s->entries));
        }
        s->entries[s->entry_count++] =
            (struct store_entry){.key = store_key(u->pc, u->mode, u->config),
                                 .segment = s->segment_count,
                                 .offset = s->fresh_used};
        s->fresh_used += u->size;
        if (2 * s->entry_count > s->table_mask)
            table_build(s);
        else
            table_add(s, s->entry_count - 1);
        if (s->spool_used - s->spool_saved >= SAVE_BYTES)
            save_locked(s);
    }
    pthread_mutex_unlock(&s->lock);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* The file to be written: first what is there now, another machine's perhaps, then what is new
 * here. */
struct merge {
    struct store_file out;
    struct store_source *sources;
    u32 *to;    /* segment there or here -> segment of the file, UINT32_MAX: not taken */
    u32 *order; /* segments, the one not used for longest first */
    u32 count;
};

/* qsort_r's: the segment that was used in an earlier run goes first. */
static int by_run(const void *a, const void *b, void *segments)
{
    const struct store_segment *s = segments;
    u32 x = *(const u32 *)a, y = *(const u32 *)b;
    if (s[x].run != s[y].run)
        return s[x].run < s[y].run ? -1 : 1;
    return x < y ? -1 : 1;
}

/* Which segments the limit leaves. */
static void choose(struct merge *m, const struct store_segment *all, u64 limit)
{
    u64 total = 0;
    for (u32 i = 0; i < m->count; i++) {
        m->order[i] = i;
        m->to[i] = all[i].size ? 0 : UINT32_MAX;
        total += all[i].size;
    }
    qsort_r(m->order, m->count, sizeof(*m->order), by_run, (void *)all);
    for (u32 i = 0; i < m->count && total > limit; i++) {
        total -= all[m->order[i]].size;
        m->to[m->order[i]] = UINT32_MAX;
    }
}

static void take_segments(struct merge *m, const struct store_segment *all, u32 there,
                          const struct store_file *old, int spool)
{
    for (u32 i = 0; i < m->count; i++) {
        if (m->to[i])
            continue;
        u32 n = m->to[i] = m->out.head.segments++;
        m->out.segments[n] = all[i];
        m->sources[n] =
            (struct store_source){.fd = i < there ? old->fd : spool, .offset = all[i].offset};
    }
}

static void take_entries(struct merge *m, const struct store_entry *from, u32 count, u32 shift)
{
    for (u32 i = 0; i < count; i++) {
        struct store_entry e = from[i];
        e.segment = m->to[e.segment + shift];
        if (e.segment != UINT32_MAX && m->out.head.entries < STORE_MAX_ENTRIES)
            m->out.entries[m->out.head.entries++] = e;
    }
}

/* `all`: the segments of the file that is there, then the new ones. */
static int write_merged(struct store *s, const struct store_file *old, struct store_segment *all,
                        u32 run, struct err *err)
{
    u32 there = old->head.segments, fresh = s->entry_count - s->saved_entries;
    struct merge m = {.count = there + s->segment_count - s->saved_segments};
    m.to = alloc_zero(m.count * sizeof(*m.to));
    m.order = alloc_zero(m.count * sizeof(*m.order));
    m.sources = alloc_zero(m.count * sizeof(*m.sources));
    m.out.segments = alloc_zero(m.count * sizeof(*m.out.segments));
    m.out.entries = alloc_zero(((size_t)old->head.entries + fresh + 1) * sizeof(*m.out.entries));
    for (u32 i = 0; i < m.count; i++)
        all[i].run = MIN(all[i].run, run);
    choose(&m, all, s->limit);
    take_segments(&m, all, there, old, s->spool);
    take_entries(&m, old->entries, old->head.entries, 0);
    take_entries(&m, s->entries + s->saved_entries, fresh, there - s->saved_segments);
    memcpy(m.out.head.identity, s->identity, MAC_BYTES);
    m.out.head.run = run;
    int r = store_file_write(s->folder, s->name, s->key, &m.out, m.sources, err);
    free(m.to);
    free(m.order);
    free(m.sources);
    free(m.out.segments);
    free(m.out.entries);
    return r;
}

static bool same_file(int a, int b)
{
    struct stat x, y;
    return a >= 0 && b >= 0 && !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* Is so much new that the file is worth writing? Each run of a guest has a little that the one
 * before had not. */
static bool enough_is_new(const struct store *s)
{
    enum { LEAST_PART = 64 };
    u64 old = 0;
    for (u32 i = 0; i < s->base_segments; i++)
        old += s->segments[i].size;
    u64 fresh = s->spool_used - s->spool_saved;
    return fresh && fresh >= old / LEAST_PART;
}

static void save_locked(struct store *s)
{
    struct store_file old;
    struct err err = {0};
    flush_fresh(s);
    if (!enough_is_new(s))
        return;
    if (store_file_open(&old, s->folder, s->name, s->key, s->identity, &err))
        old = (struct store_file){.fd = -1};
    u32 there = old.head.segments, count = s->segment_count - s->saved_segments;
    struct store_segment *all = alloc_zero((there + count) * sizeof(*all));
    for (u32 i = 0; i < there; i++)
        all[i] = same_file(old.fd, s->base.fd) ? s->segments[i] : old.segments[i];
    memcpy(all + there, s->segments + s->saved_segments, count * sizeof(*all));
    err = (struct err){0};
    if (write_merged(s, &old, all, old.head.run + 1, &err))
        fprintf(stderr, "guise: translation cache: writing %s\n", err.text);
    store_folder_prune(s->folder, s->name, s->limit);
    store_file_close(&old);
    free(all);
    s->saved_segments = s->segment_count;
    s->saved_entries = s->entry_count;
    s->spool_saved = s->spool_used;
}

void store_save(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    save_locked(s);
    pthread_mutex_unlock(&s->lock);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static char *state_folder(struct err *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state == '/')
        return alloc_printf("%s/guise", state);
    if (home && *home == '/')
        return alloc_printf("%s/.local/state/guise", home);
    err_set(
        err, ENOENT,
        "neither XDG_STATE_HOME nor HOME says where the key of the cache is: give cache-key=FILE");
    return NULL;
}

/* Folders of the way to path, as far as they are not there. */
static void make_way(const char *path)
{
    char *part = alloc_string(path);
    for (char *p = strchr(part + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = 0;
        (void)!mkdir(part, 0700);
        *p = '/';
    }
    free(part);
}

static int read_key(struct store *s, const char *path, struct err *err)
{
    char *folder = path ? alloc_string(path) : state_folder(err);
    if (!folder)
        return -err->code;
    const char *name = "translations.key";
    char *slash = path ? strrchr(folder, '/') : NULL;
    if (path)
        name = slash ? slash + 1 : path;
    if (slash)
        *slash = 0;
    if (!path)
        make_way(folder);
    int fd = host_private_folder(path && !slash ? "." : *folder ? folder : "/", err);
    int r = fd < 0 ? fd : host_private_secret(fd, name, s->key, sizeof(s->key), err);
    if (fd >= 0)
        close(fd);
    free(folder);
    return r ? err_prefix(err, "cache-key") : 0;
}

/* A file without a name, for the segments of this run. */
static int open_spool(struct store *s, struct err *err)
{
    char name[32];
    u64 random;
    host_random(&random, sizeof(random));
    snprintf(name, sizeof(name), ".new-%016llx", (unsigned long long)random);
    s->spool = openat(s->folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->spool < 0 || unlinkat(s->folder, name, 0))
        return err_set_errno(err, errno, "making a file in it");
    return 0;
}

static void open_base(struct store *s)
{
    struct err err = {0};
    int r = store_file_open(&s->base, s->folder, s->name, s->key, s->identity, &err);
    if (r && r != -ENOENT)
        fprintf(stderr, "guise: translation cache: %s; ignored\n", err.text);
    if (r) {
        s->base = (struct store_file){.fd = -1};
        return;
    }
    s->base_segments = s->saved_segments = s->segment_count = s->base.head.segments;
    s->saved_entries = s->entry_count = s->entry_room = s->base.head.entries;
    s->segments = s->base.segments;
    s->entries = s->base.entries;
    s->base.segments = NULL;
    s->base.entries = NULL;
}

static void store_free(struct store *s)
{
    for (u32 i = 0; i < IN_MEMORY; i++)
        free(s->copies[i].data);
    store_file_close(&s->base);
    if (s->spool >= 0)
        close(s->spool);
    if (s->folder >= 0)
        close(s->folder);
    tagger_fini(&s->tagger);
    explicit_bzero(s->key, sizeof(s->key));
    pthread_mutex_destroy(&s->lock);
    free(s->table);
    free(s->entries);
    free(s->segments);
    free(s->fresh);
    free(s);
}

static void make_tagger(struct store *s)
{
    u8 key[MAC_BYTES];
    store_secret(s, "segments", key, sizeof(key));
    tagger_init(&s->tagger, key);
    explicit_bzero(key, sizeof(key));
}

struct store *store_open(const struct store_options *o, const u8 identity[MAC_BYTES],
                         struct err *err)
{
    struct store *s = alloc_zero(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->limit = o->limit;
    s->spool = s->base.fd = -1;
    memcpy(s->identity, identity, MAC_BYTES);
    u64 name = load_be(identity, sizeof(name));
    snprintf(s->name, sizeof(s->name), "%016llx.translations", (unsigned long long)name);
    s->folder = host_private_folder(o->folder, err);
    int r = s->folder < 0 ? s->folder : read_key(s, o->key, err);
    if (!r)
        r = open_spool(s, err);
    if (r) {
        err_prefix(err, "cache=%s", o->folder);
        store_free(s);
        return NULL;
    }
    make_tagger(s);
    open_base(s);
    s->fresh = alloc_zero(STORE_SEGMENT);
    table_build(s);
    return s;
}

void store_secret(const struct store *s, const char *use, u8 *out, size_t size)
{
    u8 mac[MAC_BYTES];
    assert(size <= sizeof(mac));
    mac_of(s->key, use, strlen(use), mac);
    memcpy(out, mac, size);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    store_save(s);
    store_free(s);
}
