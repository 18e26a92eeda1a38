/*
 * mac.h - SHA-256, HMAC-SHA256 (FIPS 180-4, RFC 2104) and, for much data, AES-256-GMAC (NIST SP
 * 800-38D): is a file what this user's own process wrote?
 *
 * Bytes are given to a sum in as many parts as there are. One thread a sum.
 */
#ifndef BASE_MAC_H
#define BASE_MAC_H

#include "base/base.h"

enum { MAC_BYTES = 32, TAG_BYTES = 16, TAG_NONCE = 12 };

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
/* Tags of pieces, each with a nonce that was never used with the key before: random. Several times
 * as fast as a sum. */
struct tagger {
    void *handle;
};
void tagger_init(struct tagger *t, const u8 key[MAC_BYTES]);
void tagger_fini(struct tagger *t);
void tagger_tag(struct tagger *t, const u8 nonce[TAG_NONCE], const void *p, size_t size,
                u8 out[TAG_BYTES]);
bool tag_equal(const u8 a[TAG_BYTES], const u8 b[TAG_BYTES]);
/* In a time that does not tell where they differ. */
bool mac_equal(const u8 a[MAC_BYTES], const u8 b[MAC_BYTES]);

#endif
