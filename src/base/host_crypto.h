/*
 * host_crypto.h - steps of AES (FIPS 197), SHA-1 and SHA-256 (FIPS 180-4), and products of polynomials, by instructions of the host.
 *
 * d, n and m are vectors of 16 bytes, at any address: the bytes of a state of AES, words of a hash from the lowest on. d is read
 * first and written last. Stateless, any thread.
 */
#ifndef BASE_HOST_CRYPTO_H
#define BASE_HOST_CRYPTO_H

#include "base/base.h"

enum host_crypto_step {
    HOST_AES_ENCRYPT, /* d = SubBytes(ShiftRows(d ^ n)) */
    HOST_AES_DECRYPT, /* d = InvSubBytes(InvShiftRows(d ^ n)) */
    HOST_AES_MIX,     /* d = MixColumns(n) */
    HOST_AES_UNMIX,   /* d = InvMixColumns(n) */
    /* d = a to d after four rounds from d, a to d, and n's first word, e; m: words of the schedule with their constant added */
    HOST_SHA1_CHOOSE,
    HOST_SHA1_PARITY,
    HOST_SHA1_MAJORITY,
    HOST_SHA1_SCHEDULE0,   /* d ^= m ^ (words 2 to 5 of d, n) */
    HOST_SHA256_LOW,       /* d = a to d after four rounds from d, a to d, and n, e to h; m as above */
    HOST_SHA256_HIGH,      /* d = e to h after four rounds from n, a to d, and d, e to h */
    HOST_SHA256_SCHEDULE0, /* d += sigma 0 of words 1 to 4 of d, n */
    HOST_SHA256_SCHEDULE1, /* d += words 1 to 4 of n, m, + sigma 1 of words 2 and 3 of m and 0 and 1 of the result */
    HOST_MULTIPLY,         /* d = the 128-bit product over {0, 1} of the lower halves of n and m */
    HOST_CRYPTO_COUNT
};

struct host_crypto {
    void (*fn[HOST_CRYPTO_COUNT])(void *d, const void *n, const void *m); /* NULL: the host has no instruction */
};
/* Asks the processor, which takes a while: to be kept. */
void host_crypto_find(struct host_crypto *found);

#endif
