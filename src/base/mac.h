/*
 * mac.h - SHA-256 and HMAC-SHA256 (FIPS 180-4, RFC 2104): is a file what this user's own process
 * wrote?
 *
 * Bytes are given in as many parts as there are. One thread a sum.
 */
#ifndef BASE_MAC_H
#define BASE_MAC_H

#include "base/base.h"

enum { MAC_BYTES = 32 };

/* Opaque: of libgnutls. key NULL: SHA-256. */
struct mac {
    void *handle;
    bool keyed;
};
void mac_begin(struct mac *m, const u8 key[MAC_BYTES]);
void mac_add(struct mac *m, const void *p, size_t size);
void mac_end(struct mac *m, u8 out[MAC_BYTES]);
/* All of it in one part. */
void mac_of(const u8 key[MAC_BYTES], const void *p, size_t size, u8 out[MAC_BYTES]);
/* In a time that does not tell where they differ. */
bool mac_equal(const u8 a[MAC_BYTES], const u8 b[MAC_BYTES]);

#endif
