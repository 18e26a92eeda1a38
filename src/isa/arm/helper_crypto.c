/*
 * helper_crypto.c - cryptographic instructions (DDI 0487, C7.2 and J1.2.2
 * "shared/functions/crypto"): AES, SHA-1, SHA-256, SHA-512, SHA-3, SM3, SM4.
 *
 * Each takes the registers as they were and gives the new one; what the host has instructions for is base/host_crypto.h's. In
 * plain C not in constant time. On the CPU's thread.
 */
#include "isa/arm/crypto.h"

typedef union arm_vector (*crypto_fn)(const struct arm_crypto_operands *o);

static u32 rol(u32 v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static u32 ror(u32 v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static u64 ror64(u64 v, unsigned n)
{
    return n ? v >> n | v << (64 - n) : v;
}

static u32 choose(u32 x, u32 y, u32 z)
{
    return ((y ^ z) & x) ^ z;
}

static u32 majority(u32 x, u32 y, u32 z)
{
    return (x & y) | ((x | y) & z);
}

static union arm_vector vector_xor(union arm_vector x, union arm_vector y)
{
    x.d[0] ^= y.d[0];
    x.d[1] ^= y.d[1];
    return x;
}

/* ---- AES (FIPS 197) ---- */

/* clang-format off */
static const u8 aes_box[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b,
    0xfe, 0xd7, 0xab, 0x76, 0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0,
    0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0, 0xb7, 0xfd, 0x93, 0x26,
    0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2,
    0xeb, 0x27, 0xb2, 0x75, 0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0,
    0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84, 0x53, 0xd1, 0x00, 0xed,
    0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f,
    0x50, 0x3c, 0x9f, 0xa8, 0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5,
    0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2, 0xcd, 0x0c, 0x13, 0xec,
    0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14,
    0xde, 0x5e, 0x0b, 0xdb, 0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c,
    0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79, 0xe7, 0xc8, 0x37, 0x6d,
    0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f,
    0x4b, 0xbd, 0x8b, 0x8a, 0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e,
    0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e, 0xe1, 0xf8, 0x98, 0x11,
    0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f,
    0xb0, 0x54, 0xbb, 0x16,
};
static const u8 aes_inverse_box[256] = {
    0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e,
    0x81, 0xf3, 0xd7, 0xfb, 0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87,
    0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde, 0xe9, 0xcb, 0x54, 0x7b, 0x94, 0x32,
    0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42, 0xfa, 0xc3, 0x4e,
    0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49,
    0x6d, 0x8b, 0xd1, 0x25, 0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16,
    0xd4, 0xa4, 0x5c, 0xcc, 0x5d, 0x65, 0xb6, 0x92, 0x6c, 0x70, 0x48, 0x50,
    0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15, 0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84,
    0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7, 0xe4, 0x58, 0x05,
    0xb8, 0xb3, 0x45, 0x06, 0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02,
    0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b, 0x3a, 0x91, 0x11, 0x41,
    0x4f, 0x67, 0xdc, 0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73,
    0x96, 0xac, 0x74, 0x22, 0xe7, 0xad, 0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8,
    0x1c, 0x75, 0xdf, 0x6e, 0x47, 0xf1, 0x1a, 0x71, 0x1d, 0x29, 0xc5, 0x89,
    0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b, 0xfc, 0x56, 0x3e, 0x4b,
    0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4,
    0x1f, 0xdd, 0xa8, 0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59,
    0x27, 0x80, 0xec, 0x5f, 0x60, 0x51, 0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d,
    0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef, 0xa0, 0xe0, 0x3b, 0x4d,
    0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
    0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63,
    0x55, 0x21, 0x0c, 0x7d,
};
/* The S-box of GB/T 32907-2016. */
static const u8 sm4_box[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2,
    0x28, 0xfb, 0x2c, 0x05, 0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3,
    0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99, 0x9c, 0x42, 0x50, 0xf4,
    0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
    0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa,
    0x75, 0x8f, 0x3f, 0xa6, 0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba,
    0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8, 0x68, 0x6b, 0x81, 0xb2,
    0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
    0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b,
    0x01, 0x21, 0x78, 0x87, 0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52,
    0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e, 0xea, 0xbf, 0x8a, 0xd2,
    0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
    0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30,
    0xf5, 0x8c, 0xb1, 0xe3, 0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60,
    0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f, 0xd5, 0xdb, 0x37, 0x45,
    0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
    0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41,
    0x1f, 0x10, 0x5a, 0xd8, 0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd,
    0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0, 0x89, 0x69, 0x97, 0x4a,
    0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e,
    0xd7, 0xcb, 0x39, 0x48,
};
/* clang-format on */

/* Byte 4c + r of the state is row r of column c; row r moves by r columns. */
static union arm_vector aese(const struct arm_crypto_operands *o)
{
    union arm_vector x = vector_xor(o->d, o->n), v;
    for (unsigned i = 0; i < 16; i++)
        v.b[i] = aes_box[x.b[(i + 4 * (i % 4)) % 16]];
    return v;
}

static union arm_vector aesd(const struct arm_crypto_operands *o)
{
    union arm_vector x = vector_xor(o->d, o->n), v;
    for (unsigned i = 0; i < 16; i++)
        v.b[(i + 4 * (i % 4)) % 16] = aes_inverse_box[x.b[i]];
    return v;
}

/* Each byte of a column times x, in GF(2^8). */
static u32 times_x(u32 v)
{
    return (v & 0x7f7f7f7f) << 1 ^ (v >> 7 & 0x01010101) * 0x1b;
}

static u32 mix_column(u32 v)
{
    u32 other = v ^ ror(v, 8);
    return times_x(other) ^ ror(v, 8) ^ ror(v, 16) ^ ror(v, 24);
}

static union arm_vector aesmc(const struct arm_crypto_operands *o)
{
    union arm_vector v;
    for (unsigned i = 0; i < 4; i++)
        v.s[i] = mix_column(o->n.s[i]);
    return v;
}

/* The inverse is the mixing of x + 4(x + the opposite row). */
static union arm_vector aesimc(const struct arm_crypto_operands *o)
{
    union arm_vector v;
    for (unsigned i = 0; i < 4; i++) {
        u32 x = o->n.s[i];
        v.s[i] = mix_column(x ^ times_x(times_x(x ^ ror(x, 16))));
    }
    return v;
}

/* ---- SHA-1, SHA-256 (FIPS 180-4) ---- */

static union arm_vector sha1h(const struct arm_crypto_operands *o)
{
    return (union arm_vector){.s = {rol(o->n.s[0], 30)}};
}

typedef u32 (*sha1_fn)(u32 x, u32 y, u32 z);

static u32 parity(u32 x, u32 y, u32 z)
{
    return x ^ y ^ z;
}

static union arm_vector sha1_rounds(const struct arm_crypto_operands *o, sha1_fn f)
{
    union arm_vector x = o->d;
    u32 y = o->n.s[0];
    for (unsigned i = 0; i < 4; i++) {
        u32 t = y + rol(x.s[0], 5) + f(x.s[1], x.s[2], x.s[3]) + o->m.s[i];
        y = x.s[3];
        x = (union arm_vector){.s = {t, x.s[0], rol(x.s[1], 30), x.s[2]}};
    }
    return x;
}

static union arm_vector sha1c(const struct arm_crypto_operands *o)
{
    return sha1_rounds(o, choose);
}

static union arm_vector sha1p(const struct arm_crypto_operands *o)
{
    return sha1_rounds(o, parity);
}

static union arm_vector sha1m(const struct arm_crypto_operands *o)
{
    return sha1_rounds(o, majority);
}

static union arm_vector sha1su0(const struct arm_crypto_operands *o)
{
    union arm_vector v = {.d = {o->d.d[1], o->n.d[0]}};
    return vector_xor(vector_xor(v, o->d), o->m);
}

static union arm_vector sha1su1(const struct arm_crypto_operands *o)
{
    union arm_vector shifted = {.s = {o->n.s[1], o->n.s[2], o->n.s[3], 0}},
                     t = vector_xor(o->d, shifted), v;
    for (unsigned i = 0; i < 4; i++)
        v.s[i] = rol(t.s[i], 1);
    v.s[3] ^= rol(t.s[0], 2);
    return v;
}

static union arm_vector sha256_rounds(union arm_vector x, union arm_vector y,
                                      const union arm_vector *w, bool first)
{
    for (unsigned i = 0; i < 4; i++) {
        u32 t = y.s[3] + (ror(y.s[0], 6) ^ ror(y.s[0], 11) ^ ror(y.s[0], 25)) +
                choose(y.s[0], y.s[1], y.s[2]) + w->s[i];
        u32 e = x.s[3] + t;
        u32 a = t + (ror(x.s[0], 2) ^ ror(x.s[0], 13) ^ ror(x.s[0], 22)) +
                majority(x.s[0], x.s[1], x.s[2]);
        x = (union arm_vector){.s = {a, x.s[0], x.s[1], x.s[2]}};
        y = (union arm_vector){.s = {e, y.s[0], y.s[1], y.s[2]}};
    }
    return first ? x : y;
}

static union arm_vector sha256h(const struct arm_crypto_operands *o)
{
    return sha256_rounds(o->d, o->n, &o->m, true);
}

static union arm_vector sha256h2(const struct arm_crypto_operands *o)
{
    return sha256_rounds(o->n, o->d, &o->m, false);
}

static union arm_vector sha256su0(const struct arm_crypto_operands *o)
{
    union arm_vector v;
    for (unsigned i = 0; i < 4; i++) {
        u32 t = i < 3 ? o->d.s[i + 1] : o->n.s[0];
        v.s[i] = o->d.s[i] + (ror(t, 7) ^ ror(t, 18) ^ t >> 3);
    }
    return v;
}

static union arm_vector sha256su1(const struct arm_crypto_operands *o)
{
    union arm_vector v;
    for (unsigned i = 0; i < 4; i++) {
        u32 t = i < 2 ? o->m.s[i + 2] : v.s[i - 2];
        v.s[i] =
            o->d.s[i] + (i < 3 ? o->n.s[i + 1] : o->m.s[0]) + (ror(t, 17) ^ ror(t, 19) ^ t >> 10);
    }
    return v;
}

/* ---- SHA-512 ---- */

static u64 choose64(u64 x, u64 y, u64 z)
{
    return ((y ^ z) & x) ^ z;
}

static u64 majority64(u64 x, u64 y, u64 z)
{
    return (x & y) | ((x | y) & z);
}

static u64 sum512_1(u64 x)
{
    return ror64(x, 14) ^ ror64(x, 18) ^ ror64(x, 41);
}

static u64 sum512_0(u64 x)
{
    return ror64(x, 28) ^ ror64(x, 34) ^ ror64(x, 39);
}

static u64 small512_0(u64 x)
{
    return ror64(x, 1) ^ ror64(x, 8) ^ x >> 7;
}

static u64 small512_1(u64 x)
{
    return ror64(x, 19) ^ ror64(x, 61) ^ x >> 6;
}

static union arm_vector sha512h(const struct arm_crypto_operands *o)
{
    const u64 *x = o->n.d, *y = o->m.d;
    u64 high = o->d.d[1] + sum512_1(y[1]) + choose64(y[1], x[0], x[1]), t = high + y[0];
    return (union arm_vector){.d = {o->d.d[0] + sum512_1(t) + choose64(t, y[1], x[0]), high}};
}

static union arm_vector sha512h2(const struct arm_crypto_operands *o)
{
    const u64 *x = o->n.d, *y = o->m.d;
    u64 high = o->d.d[1] + sum512_0(y[0]) + majority64(x[0], y[1], y[0]);
    return (union arm_vector){
        .d = {o->d.d[0] + sum512_0(high) + majority64(high, y[0], y[1]), high}};
}

static union arm_vector sha512su0(const struct arm_crypto_operands *o)
{
    return (union arm_vector){
        .d = {o->d.d[0] + small512_0(o->d.d[1]), o->d.d[1] + small512_0(o->n.d[0])}};
}

static union arm_vector sha512su1(const struct arm_crypto_operands *o)
{
    return (union arm_vector){.d = {o->d.d[0] + small512_1(o->n.d[0]) + o->m.d[0],
                                    o->d.d[1] + small512_1(o->n.d[1]) + o->m.d[1]}};
}

/* ---- SHA-3 ---- */

static union arm_vector rax1(const struct arm_crypto_operands *o)
{
    return (union arm_vector){
        .d = {o->n.d[0] ^ ror64(o->m.d[0], 63), o->n.d[1] ^ ror64(o->m.d[1], 63)}};
}

static union arm_vector xar(const struct arm_crypto_operands *o)
{
    return (union arm_vector){
        .d = {ror64(o->n.d[0] ^ o->m.d[0], o->imm), ror64(o->n.d[1] ^ o->m.d[1], o->imm)}};
}

/* ---- SM3 (GB/T 32905-2016) ---- */

static union arm_vector sm3ss1(const struct arm_crypto_operands *o)
{
    return (union arm_vector){.s = {0, 0, 0, rol(rol(o->n.s[3], 12) + o->m.s[3] + o->a.s[3], 7)}};
}

static union arm_vector sm3tt1(const struct arm_crypto_operands *o, u32 f)
{
    const u32 *d = o->d.s;
    u32 t = f + d[0] + (o->n.s[3] ^ rol(d[3], 12)) + o->m.s[o->imm];
    return (union arm_vector){.s = {d[1], rol(d[2], 9), d[3], t}};
}

static union arm_vector sm3tt1a(const struct arm_crypto_operands *o)
{
    return sm3tt1(o, parity(o->d.s[1], o->d.s[2], o->d.s[3]));
}

static union arm_vector sm3tt1b(const struct arm_crypto_operands *o)
{
    return sm3tt1(o, majority(o->d.s[1], o->d.s[2], o->d.s[3]));
}

static union arm_vector sm3tt2(const struct arm_crypto_operands *o, u32 f)
{
    const u32 *d = o->d.s;
    u32 t = f + d[0] + o->n.s[3] + o->m.s[o->imm];
    return (union arm_vector){.s = {d[1], rol(d[2], 19), d[3], t ^ rol(t, 9) ^ rol(t, 17)}};
}

static union arm_vector sm3tt2a(const struct arm_crypto_operands *o)
{
    return sm3tt2(o, parity(o->d.s[1], o->d.s[2], o->d.s[3]));
}

static union arm_vector sm3tt2b(const struct arm_crypto_operands *o)
{
    return sm3tt2(o, choose(o->d.s[3], o->d.s[2], o->d.s[1]));
}

static u32 sm3_p1(u32 v)
{
    return v ^ rol(v, 15) ^ rol(v, 23);
}

static union arm_vector sm3partw1(const struct arm_crypto_operands *o)
{
    union arm_vector v = vector_xor(o->d, o->n);
    for (unsigned i = 0; i < 4; i++)
        v.s[i] = sm3_p1(v.s[i] ^ rol(i < 3 ? o->m.s[i + 1] : v.s[0], 15));
    return v;
}

static union arm_vector sm3partw2(const struct arm_crypto_operands *o)
{
    union arm_vector t = o->n;
    for (unsigned i = 0; i < 4; i++)
        t.s[i] ^= rol(o->m.s[i], 7);
    union arm_vector v = vector_xor(o->d, t);
    v.s[3] ^= sm3_p1(rol(t.s[0], 15));
    return v;
}

/* ---- SM4 (GB/T 32907-2016) ---- */

static u32 sm4_substitute(u32 v)
{
    return (u32)sm4_box[v & 0xff] | (u32)sm4_box[v >> 8 & 0xff] << 8 |
           (u32)sm4_box[v >> 16 & 0xff] << 16 | (u32)sm4_box[v >> 24] << 24;
}

static union arm_vector sm4_rounds(union arm_vector x, const union arm_vector *keys, bool schedule)
{
    for (unsigned i = 0; i < 4; i++) {
        u32 t = sm4_substitute(x.s[1] ^ x.s[2] ^ x.s[3] ^ keys->s[i]);
        t ^= schedule ? rol(t, 13) ^ rol(t, 23) : rol(t, 2) ^ rol(t, 10) ^ rol(t, 18) ^ rol(t, 24);
        x = (union arm_vector){.s = {x.s[1], x.s[2], x.s[3], x.s[0] ^ t}};
    }
    return x;
}

static union arm_vector sm4e(const struct arm_crypto_operands *o)
{
    return sm4_rounds(o->d, &o->n, false);
}

static union arm_vector sm4ekey(const struct arm_crypto_operands *o)
{
    return sm4_rounds(o->n, &o->m, true);
}

/* ---- The helper ---- */

static const crypto_fn functions[ARM_CRYPTO_COUNT] = {
#define CRYPTO(ID, function) [ARM_CRYPTO_##ID] = function,
    ARM_CRYPTO_OPERATIONS(CRYPTO)
#undef CRYPTO
};

union arm_vector arm_crypto_plain(enum arm_crypto op, const struct arm_crypto_operands *o)
{
    return functions[op](o);
}

enum host_crypto_step arm_crypto_step(enum arm_crypto op)
{
    static const u8 steps[ARM_CRYPTO_COUNT] = {
        [ARM_CRYPTO_AESE] = 1 + HOST_AES_ENCRYPT,         [ARM_CRYPTO_AESD] = 1 + HOST_AES_DECRYPT,
        [ARM_CRYPTO_AESMC] = 1 + HOST_AES_MIX,            [ARM_CRYPTO_AESIMC] = 1 + HOST_AES_UNMIX,
        [ARM_CRYPTO_SHA1C] = 1 + HOST_SHA1_CHOOSE,        [ARM_CRYPTO_SHA1P] = 1 + HOST_SHA1_PARITY,
        [ARM_CRYPTO_SHA1M] = 1 + HOST_SHA1_MAJORITY,      [ARM_CRYPTO_SHA1SU0] = 1 + HOST_SHA1_SCHEDULE0,
        [ARM_CRYPTO_SHA256H] = 1 + HOST_SHA256_LOW,       [ARM_CRYPTO_SHA256H2] = 1 + HOST_SHA256_HIGH,
        [ARM_CRYPTO_SHA256SU0] = 1 + HOST_SHA256_SCHEDULE0, [ARM_CRYPTO_SHA256SU1] = 1 + HOST_SHA256_SCHEDULE1,
    };
    return steps[op] ? steps[op] - 1 : HOST_CRYPTO_COUNT;
}

void arm_helper_crypto(struct cpu *cpu, u64 op, u64 regs)
{
    struct arm_cpu *a = arm_cpu(cpu);
    union arm_vector *d = &a->v[regs & 31];
    const union arm_vector *n = &a->v[regs >> 8 & 31], *m = &a->v[regs >> 16 & 31];
    enum host_crypto_step step = arm_crypto_step((enum arm_crypto)op);
    if (step != HOST_CRYPTO_COUNT && a->host_crypto.fn[step]) {
        a->host_crypto.fn[step](d, n, m);
        return;
    }
    struct arm_crypto_operands o = {.d = *d, .n = *n, .m = *m, .a = a->v[regs >> 24 & 31], .imm = regs >> 24 & 63};
    *d = functions[op](&o);
}
