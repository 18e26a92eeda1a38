/*
 * store_file.c - reading, verifying and writing files of translations: store_file.h.
 */
#include "jit/store_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/host.h"

static const u8 magic[8] = "GuiseTC2";
#define FILE_ENDING ".translations"
#define NEW_PREFIX  ".new-"

static int read_all(int fd, void *p, size_t size, u64 offset)
{
    for (u8 *to = p; size;) {
        ssize_t n = pread(fd, to, size, (off_t)offset);
        if (n <= 0 && errno != EINTR)
            return n ? -errno : -EIO;
        if (n > 0) {
            to += n;
            offset += (u64)n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int write_all(int fd, const void *p, size_t size, u64 offset)
{
    for (const u8 *from = p; size;) {
        ssize_t n = pwrite(fd, from, size, (off_t)offset);
        if (n <= 0 && errno != EINTR)
            return n ? -errno : -EIO;
        if (n > 0) {
            from += n;
            offset += (u64)n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

u64 store_file_tables(const struct store_header *head)
{
    return sizeof(*head) + (u64)head->segments * sizeof(struct store_segment) +
           (u64)head->entries * sizeof(struct store_entry);
}

static int damaged(struct err *err, const char *what)
{
    return err_set(err, EBADMSG, "%s", what);
}

static bool segments_are_sound(const struct store_file *f)
{
    u64 end = store_file_tables(&f->head);
    for (u32 i = 0; i < f->head.segments; i++) {
        const struct store_segment *s = &f->segments[i];
        if (s->offset != end || !s->size || s->size > STORE_SEGMENT)
            return false;
        end += s->size;
    }
    return end == f->head.file_bytes;
}

static bool entries_are_sound(const struct store_file *f)
{
    for (u32 i = 0; i < f->head.entries; i++) {
        const struct store_entry *e = &f->entries[i];
        if (e->segment >= f->head.segments || e->offset & 7 ||
            e->offset >= f->segments[e->segment].size)
            return false;
    }
    return true;
}

static int check_header(const struct store_header *head, u64 file_bytes, struct err *err)
{
    if (memcmp(head->magic, magic, sizeof(magic)))
        return damaged(err, "no file of translations, or another version's");
    if (head->file_bytes != file_bytes)
        return damaged(err, "it is cut, or longer than it says");
    if (head->segments > STORE_MAX_SEGMENTS || head->entries > STORE_MAX_ENTRIES ||
        store_file_tables(head) > file_bytes)
        return damaged(err, "its tables do not fit");
    return 0;
}

int store_file_parse(struct store_file *f, const u8 *p, size_t size, u64 file_bytes,
                     struct err *err)
{
    f->segments = NULL;
    f->entries = NULL;
    if (size < sizeof(f->head))
        return damaged(err, "it is cut");
    memcpy(&f->head, p, sizeof(f->head));
    int r = check_header(&f->head, file_bytes, err);
    if (r)
        return r;
    if (store_file_tables(&f->head) > size)
        return damaged(err, "its tables are cut");
    size_t segments = f->head.segments * sizeof(*f->segments),
           entries = f->head.entries * sizeof(*f->entries);
    f->segments = alloc_copy(p + sizeof(f->head), segments);
    f->entries = alloc_copy(p + sizeof(f->head) + segments, entries);
    if (segments_are_sound(f) && entries_are_sound(f))
        return 0;
    store_file_close(
        &(struct store_file){.fd = -1, .segments = f->segments, .entries = f->entries});
    f->segments = NULL;
    f->entries = NULL;
    return damaged(err, "its tables contradict themselves");
}

/* Over header, without its MAC, and tables. */
static void tables_mac(const u8 key[MAC_BYTES], const struct store_header *head, const void *tables,
                       u8 out[MAC_BYTES])
{
    struct mac m;
    mac_begin(&m, key);
    mac_add(&m, head, offsetof(struct store_header, mac));
    mac_add(&m, tables, store_file_tables(head) - sizeof(*head));
    mac_end(&m, out);
}

static int verify(const u8 key[MAC_BYTES], const u8 identity[MAC_BYTES], const u8 *tables,
                  struct err *err)
{
    struct store_header head;
    u8 mac[MAC_BYTES];
    memcpy(&head, tables, sizeof(head));
    tables_mac(key, &head, tables + sizeof(head), mac);
    if (!mac_equal(mac, head.mac))
        return damaged(err, "it is damaged, or was not written by this user (its MAC is wrong)");
    if (memcmp(head.identity, identity, MAC_BYTES))
        return damaged(err, "another program's, or one's with other options, wrote it");
    return 0;
}

static int open_tables(struct store_file *f, u64 file_bytes, const u8 key[MAC_BYTES],
                       const u8 identity[MAC_BYTES], struct err *err)
{
    struct store_header head;
    if (file_bytes < sizeof(head))
        return damaged(err, "it is cut");
    int r = read_all(f->fd, &head, sizeof(head), 0);
    if (r)
        return err_set_errno(err, -r, "reading it");
    r = check_header(&head, file_bytes, err);
    if (r)
        return r;
    size_t size = store_file_tables(&head);
    u8 *tables = malloc(size);
    if (!tables)
        return err_set(err, ENOMEM, "no memory for its tables");
    r = read_all(f->fd, tables, size, 0);
    if (r)
        err_set_errno(err, -r, "reading it");
    /* Read a second time: what is verified is what is used. */
    if (!r && memcmp(&head, tables, sizeof(head)))
        r = damaged(err, "it changes while it is read");
    if (!r)
        r = verify(key, identity, tables, err);
    if (!r)
        r = store_file_parse(f, tables, size, file_bytes, err);
    free(tables);
    return r;
}

int store_file_open(struct store_file *f, int folder, const char *name, const u8 key[MAC_BYTES],
                    const u8 identity[MAC_BYTES], struct err *err)
{
    struct stat st;
    *f = (struct store_file){.fd = host_private_file(folder, name, false, err)};
    if (f->fd < 0)
        return f->fd;
    int r = fstat(f->fd, &st) ? err_set_errno(err, errno, "fstat")
                              : open_tables(f, (u64)st.st_size, key, identity, err);
    if (!r)
        return 0;
    store_file_close(f);
    return err_prefix(err, "%s", name);
}

void store_file_close(struct store_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->segments);
    free(f->entries);
    *f = (struct store_file){.fd = -1};
}

int store_segment_read(int fd, const struct store_segment *segment, struct tagger *tagger, u8 *out)
{
    u8 tag[TAG_BYTES];
    int r = read_all(fd, out, segment->size, segment->offset);
    if (r)
        return r;
    tagger_tag(tagger, segment->nonce, out, segment->size, tag);
    return tag_equal(tag, segment->tag) ? 0 : -EBADMSG;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void finish_tables(struct store_file *f, const u8 key[MAC_BYTES])
{
    struct mac m;
    memcpy(f->head.magic, magic, sizeof(magic));
    u64 end = store_file_tables(&f->head);
    for (u32 i = 0; i < f->head.segments; i++) {
        f->segments[i].offset = end;
        end += f->segments[i].size;
    }
    f->head.file_bytes = end;
    mac_begin(&m, key);
    mac_add(&m, &f->head, offsetof(struct store_header, mac));
    mac_add(&m, f->segments, f->head.segments * sizeof(*f->segments));
    mac_add(&m, f->entries, f->head.entries * sizeof(*f->entries));
    mac_end(&m, f->head.mac);
}

static int write_segments(const struct store_file *f, const struct store_source *sources)
{
    u8 *buffer = alloc_bytes(STORE_SEGMENT);
    int r = 0;
    for (u32 i = 0; !r && i < f->head.segments; i++) {
        const struct store_segment *s = &f->segments[i];
        r = read_all(sources[i].fd, buffer, s->size, sources[i].offset);
        if (!r)
            r = write_all(f->fd, buffer, s->size, s->offset);
    }
    free(buffer);
    return r;
}

static int write_parts(const struct store_file *f, const struct store_source *sources)
{
    size_t segments = f->head.segments * sizeof(*f->segments);
    int r = write_all(f->fd, &f->head, sizeof(f->head), 0);
    if (!r)
        r = write_all(f->fd, f->segments, segments, sizeof(f->head));
    if (!r)
        r = write_all(f->fd, f->entries, f->head.entries * sizeof(*f->entries),
                      sizeof(f->head) + segments);
    return r ? r : write_segments(f, sources);
}

int store_file_write(int folder, const char *name, const u8 key[MAC_BYTES], struct store_file *f,
                     const struct store_source *sources, struct err *err)
{
    char other[64];
    u64 random;
    host_random(&random, sizeof(random));
    snprintf(other, sizeof(other), NEW_PREFIX "%016llx", (unsigned long long)random);
    finish_tables(f, key);
    f->fd = openat(folder, other, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (f->fd < 0)
        return err_set_errno(err, errno, "%s", name);
    int r = write_parts(f, sources);
    close(f->fd);
    f->fd = -1;
    if (!r && renameat(folder, other, folder, name))
        r = -errno;
    if (!r)
        return 0;
    unlinkat(folder, other, 0);
    return err_set_errno(err, -r, "%s", name);
}

/* ---- The folder ------------------------------------------------------------------------------ */

struct folder_scan {
    u64 total;
    char oldest[NAME_MAX + 1];
    struct timespec time;
};

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && !strcmp(name + n - m, ending);
}

static void scan_one(int folder, const char *name, const char *keep, struct folder_scan *s)
{
    enum { LEFT_SECONDS = 3600 };
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
        return;
    if (!strncmp(name, NEW_PREFIX, strlen(NEW_PREFIX)) && time(NULL) - st.st_mtime > LEFT_SECONDS)
        unlinkat(folder, name, 0);
    if (!ends_with(name, FILE_ENDING))
        return;
    s->total += (u64)st.st_size;
    bool older = st.st_mtim.tv_sec < s->time.tv_sec ||
                 (st.st_mtim.tv_sec == s->time.tv_sec && st.st_mtim.tv_nsec < s->time.tv_nsec);
    if (strcmp(name, keep) && (!s->oldest[0] || older)) {
        snprintf(s->oldest, sizeof(s->oldest), "%s", name);
        s->time = st.st_mtim;
    }
}

static bool scan(int folder, const char *keep, struct folder_scan *s)
{
    *s = (struct folder_scan){0};
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (struct dirent *e; (e = readdir(d));)
        scan_one(folder, e->d_name, keep, s);
    closedir(d);
    return true;
}

void store_folder_prune(int folder, const char *keep, u64 limit)
{
    struct folder_scan s;
    while (scan(folder, keep, &s) && s.total > limit && s.oldest[0]) {
        if (unlinkat(folder, s.oldest, 0))
            return;
    }
}
