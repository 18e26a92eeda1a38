/*
 * crypto.h - cryptographic instructions by name, between the front end and their helper.
 *
 * Stateless.
 */
#ifndef ISA_ARM_CRYPTO_H
#define ISA_ARM_CRYPTO_H

#include "isa/arm/arm.h"

/* clang-format off */
#define ARM_CRYPTO_OPERATIONS(X) \
    X(AESE, aese) X(AESD, aesd) X(AESMC, aesmc) X(AESIMC, aesimc) X(SHA1H, sha1h) \
    X(SHA1C, sha1c) X(SHA1P, sha1p) X(SHA1M, sha1m) X(SHA1SU0, sha1su0) X(SHA1SU1, sha1su1) \
    X(SHA256H, sha256h) X(SHA256H2, sha256h2) X(SHA256SU0, sha256su0) X(SHA256SU1, sha256su1) \
    X(SHA512H, sha512h) X(SHA512H2, sha512h2) X(SHA512SU0, sha512su0) X(SHA512SU1, sha512su1) \
    X(RAX1, rax1) X(XAR, xar) X(SM3SS1, sm3ss1) X(SM3TT1A, sm3tt1a) X(SM3TT1B, sm3tt1b) \
    X(SM3TT2A, sm3tt2a) X(SM3TT2B, sm3tt2b) X(SM3PARTW1, sm3partw1) X(SM3PARTW2, sm3partw2) \
    X(SM4E, sm4e) X(SM4EKEY, sm4ekey)
/* clang-format on */

enum arm_crypto {
#define CRYPTO(ID, function) ARM_CRYPTO_##ID,
    ARM_CRYPTO_OPERATIONS(CRYPTO)
#undef CRYPTO
        ARM_CRYPTO_COUNT
};

/* What they read: registers as they were, the fourth of some an immediate. */
struct arm_crypto_operands {
    union arm_vector d, n, m, a;
    unsigned imm;
};

/* By plain C, on any host. */
union arm_vector arm_crypto_plain(enum arm_crypto op, const struct arm_crypto_operands *o);

/* Which of base/host_crypto.h's steps it is; HOST_CRYPTO_COUNT: none. */
enum host_crypto_step arm_crypto_step(enum arm_crypto op);

#endif
