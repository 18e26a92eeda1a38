/*
 * mac.c - mac.h by libgnutls. It fails only when the host has no memory, or refuses SHA-256 or AES:
 * the process ends then.
 */
#include "base/mac.h"

#include <stdio.h>
#include <stdlib.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

static void demand(int result)
{
    if (likely(result >= 0))
        return;
    fprintf(stderr, "guise: libgnutls: %s\n", gnutls_strerror(result));
    exit(1);
}

void mac_begin(struct mac *m, const u8 key[MAC_BYTES])
{
    gnutls_hmac_hd_t hmac;
    gnutls_hash_hd_t hash;
    m->keyed = key;
    if (key) {
        demand(gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, key, MAC_BYTES));
        m->handle = hmac;
    } else {
        demand(gnutls_hash_init(&hash, GNUTLS_DIG_SHA256));
        m->handle = hash;
    }
}

void mac_add(struct mac *m, const void *p, size_t size)
{
    demand(m->keyed ? gnutls_hmac(m->handle, p, size) : gnutls_hash(m->handle, p, size));
}

void mac_end(struct mac *m, u8 out[MAC_BYTES])
{
    if (m->keyed)
        gnutls_hmac_deinit(m->handle, out);
    else
        gnutls_hash_deinit(m->handle, out);
    m->handle = NULL;
}

void mac_of(const u8 key[MAC_BYTES], const void *p, size_t size, u8 out[MAC_BYTES])
{
    struct mac m;
    mac_begin(&m, key);
    mac_add(&m, p, size);
    mac_end(&m, out);
}

bool mac_equal(const u8 a[MAC_BYTES], const u8 b[MAC_BYTES])
{
    return !gnutls_memcmp(a, b, MAC_BYTES);
}

/* ---- Tags ------------------------------------------------------------------------------------ */

void tagger_init(struct tagger *t, const u8 key[MAC_BYTES])
{
    gnutls_aead_cipher_hd_t handle;
    gnutls_datum_t k = {.data = (u8 *)key, .size = MAC_BYTES};
    demand(gnutls_aead_cipher_init(&handle, GNUTLS_CIPHER_AES_256_GCM, &k));
    t->handle = handle;
}

void tagger_fini(struct tagger *t)
{
    if (t->handle)
        gnutls_aead_cipher_deinit(t->handle);
    t->handle = NULL;
}

/* GMAC is GCM of nothing, with the data beside it. */
void tagger_tag(struct tagger *t, const u8 nonce[TAG_NONCE], const void *p, size_t size,
                u8 out[TAG_BYTES])
{
    size_t written = TAG_BYTES;
    demand(gnutls_aead_cipher_encrypt(t->handle, nonce, TAG_NONCE, p, size, TAG_BYTES, "", 0, out,
                                      &written));
}

bool tag_equal(const u8 a[TAG_BYTES], const u8 b[TAG_BYTES])
{
    return !gnutls_memcmp(a, b, TAG_BYTES);
}
