/*
 * host_crypto.c - host_crypto.h by x86-64's AES-NI, SHA and PCLMULQDQ (Intel SDM, volume 2). Other hosts have nothing yet.
 *
 * SHA-256's state is a, b, e, f and c, d, g, h for the host's instruction, from the highest lane down. Its rounds of SHA-1 want their
 * lanes in the other order too, and add the constant that is in m already.
 */
#include "base/host_crypto.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>

#define AES __attribute__((target("aes,sse2")))
#define SHA __attribute__((target("sha,ssse3,sse4.1")))
#define MUL __attribute__((target("pclmul,sse4.1")))

static __m128i get(const void *v)
{
    return _mm_loadu_si128((const __m128i *)v);
}

static void put(void *v, __m128i x)
{
    _mm_storeu_si128((__m128i *)v, x);
}

/* ---- AES ---- */

AES static void aes_encrypt(void *d, const void *n, const void *m)
{
    put(d, _mm_aesenclast_si128(_mm_xor_si128(get(d), get(n)), _mm_setzero_si128()));
}

AES static void aes_decrypt(void *d, const void *n, const void *m)
{
    put(d, _mm_aesdeclast_si128(_mm_xor_si128(get(d), get(n)), _mm_setzero_si128()));
}

/* The last round's inverse first: of the round after it, mixing is left. */
AES static void aes_mix(void *d, const void *n, const void *m)
{
    __m128i zero = _mm_setzero_si128();
    put(d, _mm_aesenc_si128(_mm_aesdeclast_si128(get(n), zero), zero));
}

AES static void aes_unmix(void *d, const void *n, const void *m)
{
    put(d, _mm_aesimc_si128(get(n)));
}

/* ---- SHA-256 ---- */

enum { REVERSED = 0x1b, PAIRS_SWAPPED = 0xb1 };

/* Four rounds; halves of the state, words from the lowest lane on. */
SHA static void sha256_rounds(__m128i *abcd, __m128i *efgh, __m128i w)
{
    __m128i abef = _mm_shuffle_epi32(_mm_unpacklo_epi64(*efgh, *abcd), PAIRS_SWAPPED);
    __m128i cdgh = _mm_shuffle_epi32(_mm_unpackhi_epi64(*efgh, *abcd), PAIRS_SWAPPED);
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, w);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_unpackhi_epi64(w, w));
    abef = _mm_shuffle_epi32(abef, PAIRS_SWAPPED);
    cdgh = _mm_shuffle_epi32(cdgh, PAIRS_SWAPPED);
    *abcd = _mm_unpackhi_epi64(abef, cdgh);
    *efgh = _mm_unpacklo_epi64(abef, cdgh);
}

SHA static void sha256_low(void *d, const void *n, const void *m)
{
    __m128i abcd = get(d), efgh = get(n);
    sha256_rounds(&abcd, &efgh, get(m));
    put(d, abcd);
}

SHA static void sha256_high(void *d, const void *n, const void *m)
{
    __m128i abcd = get(n), efgh = get(d);
    sha256_rounds(&abcd, &efgh, get(m));
    put(d, efgh);
}

SHA static void sha256_schedule0(void *d, const void *n, const void *m)
{
    put(d, _mm_sha256msg1_epu32(get(d), get(n)));
}

SHA static void sha256_schedule1(void *d, const void *n, const void *m)
{
    __m128i sum = _mm_add_epi32(get(d), _mm_alignr_epi8(get(m), get(n), 4));
    put(d, _mm_sha256msg2_epu32(sum, get(m)));
}

/* ---- SHA-1 ---- */

/* Rounds of f; k: what the host's instruction adds to each. Lanes are the other way round there, E is added to the first word. */
#define SHA1_ROUNDS(name, f, k)                                                                                        \
    SHA static void name(void *d, const void *n, const void *m)                                                        \
    {                                                                                                                  \
        __m128i w = _mm_sub_epi32(_mm_shuffle_epi32(get(m), REVERSED), _mm_set1_epi32((int)(k)));                      \
        __m128i e = _mm_slli_si128(get(n), 12);                                                                        \
        __m128i x = _mm_sha1rnds4_epu32(_mm_shuffle_epi32(get(d), REVERSED), _mm_add_epi32(w, e), f);                  \
        put(d, _mm_shuffle_epi32(x, REVERSED));                                                                        \
    }
SHA1_ROUNDS(sha1_choose, 0, 0x5a827999)
SHA1_ROUNDS(sha1_parity, 1, 0x6ed9eba1)
SHA1_ROUNDS(sha1_majority, 2, 0x8f1bbcdc)

SHA static void sha1_schedule0(void *d, const void *n, const void *m)
{
    put(d, _mm_xor_si128(_mm_xor_si128(_mm_alignr_epi8(get(n), get(d), 8), get(d)), get(m)));
}

/* ---- Carry-less multiplication ---- */

MUL static void multiply(void *d, const void *n, const void *m)
{
    put(d, _mm_clmulepi64_si128(_mm_loadl_epi64(n), _mm_loadl_epi64(m), 0));
}

/* ---- Choice ---- */

/* CPUID leaf 7, EBX bit 29: compilers of before 2024 have no name for it. */
static bool has_sha(void)
{
    unsigned a, b = 0, c, d;
    return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & BIT(29);
}

void host_crypto_find(struct host_crypto *found)
{
    static const struct host_crypto aes = {.fn = {[HOST_AES_ENCRYPT] = aes_encrypt,
                                                  [HOST_AES_DECRYPT] = aes_decrypt,
                                                  [HOST_AES_MIX] = aes_mix,
                                                  [HOST_AES_UNMIX] = aes_unmix}},
                                    sha = {.fn = {[HOST_SHA1_CHOOSE] = sha1_choose,
                                                  [HOST_SHA1_PARITY] = sha1_parity,
                                                  [HOST_SHA1_MAJORITY] = sha1_majority,
                                                  [HOST_SHA1_SCHEDULE0] = sha1_schedule0,
                                                  [HOST_SHA256_LOW] = sha256_low,
                                                  [HOST_SHA256_HIGH] = sha256_high,
                                                  [HOST_SHA256_SCHEDULE0] = sha256_schedule0,
                                                  [HOST_SHA256_SCHEDULE1] = sha256_schedule1}};
    bool has_aes = __builtin_cpu_supports("aes"), sha_too = has_sha();
    for (unsigned i = 0; i < HOST_CRYPTO_COUNT; i++)
        found->fn[i] = has_aes && aes.fn[i] ? aes.fn[i] : sha_too ? sha.fn[i] : NULL;
    if (__builtin_cpu_supports("pclmul"))
        found->fn[HOST_MULTIPLY] = multiply;
}
#else
void host_crypto_find(struct host_crypto *found)
{
    *found = (struct host_crypto){0};
}
#endif
