/*
 * store.h - records of translations (stored.h) of this run and of earlier ones, found by what they
 * were made from.
 *
 * A store has a folder, of which one file (store_file.h) belongs to its identity: whoever has
 * another program, other options or another host has another file there. Records of this run go to
 * segments in an unlinked file of the folder, so that they need no memory; at the end they are put
 * with those of the file, and the file is written anew.
 *
 * Everything is verified when it is read; what is damaged is not there, and a message says so once.
 *
 * Locking: the store's own lock, held from store_find to store_release and from store_begin to
 * store_end. Nothing of the engine is asked under it but by `match` and between begin and end:
 * jit->lock comes after it.
 */
#ifndef JIT_STORE_H
#define JIT_STORE_H

#include "base/mac.h"
#include "jit/stored.h"

struct store;
struct store_options {
    const char *folder;
    const char *key; /* file with the user's secret; NULL: the one in his state folder */
    u64 limit;       /* bytes of all files together */
};

/* NULL and err: the folder or the key is not only the user's, or cannot be had. A file that is not
 * fit is no error. */
struct store *store_open(const struct store_options *o, const u8 identity[MAC_BYTES],
                         struct err *err);
/* Writes the file, if enough is new. Done by itself when much is. */
void store_save(struct store *s);
/* The same, and forgets everything. */
void store_close(struct store *s);

/* At most MAC_BYTES that nobody knows who has not the key, for one use: the same in each run. */
void store_secret(const struct store *s, const char *use, u8 *out, size_t size);

u64 store_key(u64 pc, u64 mode, u64 config);
/* The first record of that key that match accepts, valid until store_release; NULL: none, and
 * nothing to release. The record is sound (stored_is_sound), no more is known of it. */
typedef bool store_match(void *opaque, const struct stored_unit *u);
const struct stored_unit *store_find(struct store *s, u64 key, store_match *match, void *opaque);
void store_release(struct store *s);
/* Room for a record of size bytes, which the caller writes; store_end takes it in, or not. NULL: no
 * more are taken in, and there is nothing to end. */
struct stored_unit *store_begin(struct store *s, u32 size);
void store_end(struct store *s, struct stored_unit *u, bool keep);

#endif
