/*
 * store_file.h - the file that translations are kept in between runs.
 *
 *   struct store_header | struct store_segment[segments] | struct store_entry[entries] | segments:
 * records (stored.h)
 *
 * The header's MAC is over header and tables, that of each segment over its bytes: both with the
 * user's secret key, so that only what a process of the same user wrote becomes code. The tables
 * are read at once, a segment when something of it is wanted; both into memory of this process,
 * before they are verified, so that a file that changes later changes nothing. A file is written
 * whole under another name, and renamed.
 *
 * Not locked: the store (store.c) has a lock.
 */
#ifndef JIT_STORE_FILE_H
#define JIT_STORE_FILE_H

#include "base/base.h"
#include "base/err.h"
#include "base/mac.h"

enum {
    STORE_SEGMENT = 64 * 1024, /* bytes of a segment at most */
    STORE_MAX_SEGMENTS = 1024 * 1024,
    STORE_MAX_ENTRIES = 16 * 1024 * 1024,
};

struct store_header {
    u8 magic[8];
    u8 identity[MAC_BYTES]; /* program, options and host features: others' code is not taken */
    u64 file_bytes;
    u32 segments, entries;
    u32 run; /* counts the runs that wrote */
    u32 zero;
    u8 mac[MAC_BYTES];
};

struct store_segment {
    u64 offset;
    u32 size;
    u32 run; /* the last one in which something of it was used */
    u8 nonce[TAG_NONCE];
    u32 zero;
    u8 tag[TAG_BYTES];
};

struct store_entry {
    u64 key; /* store_key() of the record's pc, mode and config */
    u32 segment, offset;
};

struct store_file {
    int fd;
    struct store_header head;
    struct store_segment *segments; /* malloc'ed, as entries; the reader may take them */
    struct store_entry *entries;
};

/* Reads and verifies header and tables of `name`. -ENOENT: there is none; else the message says why
 * it is not taken. */
int must_check store_file_open(struct store_file *f, int folder, const char *name,
                               const u8 key[MAC_BYTES], const u8 identity[MAC_BYTES],
                               struct err *err);
void store_file_close(struct store_file *f);
/* The part of it that trusts nothing: size bytes at p are the start of a file of file_bytes, MAC
 * not looked at. f->fd stays. */
int must_check store_file_parse(struct store_file *f, const u8 *p, size_t size, u64 file_bytes,
                                struct err *err);
/* Header and tables have so many bytes. */
u64 store_file_tables(const struct store_header *head);

/* segment->size bytes from fd, verified. */
int must_check store_segment_read(int fd, const struct store_segment *segment,
                                  struct tagger *tagger, u8 *out);

/* Where the bytes of a segment that is written are now. */
struct store_source {
    int fd;
    u64 offset;
};
/* Writes `name` with these tables; offsets of segments, magic, sizes and MAC of the header are
 * filled in. */
int must_check store_file_write(int folder, const char *name, const u8 key[MAC_BYTES],
                                struct store_file *f, const struct store_source *sources,
                                struct err *err);

/* Removes the oldest of the folder's files of translations until they have limit bytes, and what
 * writers left that ended in the middle; not `keep`. */
void store_folder_prune(int folder, const char *keep, u64 limit);

#endif
