/*
 * base.h - integer names, bits, bytes: what every file may use without asking.
 *
 * Everything here is pure: no state, no allocation, no host dependency.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned __int128 u128;
typedef __int128 s128;

#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
/* Each operand is evaluated once: it may be a call whose answer changes. Not for constant
 * expressions. */
#define CHOOSE__(a, op, b, n)                                                                      \
    __extension__({                                                                                \
        __typeof__((a) + (b)) a_##n = (a), b_##n = (b);                                            \
        a_##n op b_##n ? a_##n : b_##n;                                                            \
    })
#define CHOOSE_(a, op, b, n) CHOOSE__(a, op, b, n)
#define MIN(a, b)            CHOOSE_(a, <, b, __COUNTER__)
#define MAX(a, b)            CHOOSE_(a, >, b, __COUNTER__)
#define BIT(n)           (UINT64_C(1) << (n))
#define likely(x)        __builtin_expect(!!(x), 1)
#define unlikely(x)      __builtin_expect(!!(x), 0)
/* An assertion that compilers may rely on. */
#ifdef NDEBUG
#define promise(x) ((x) ? (void)0 : __builtin_unreachable())
#else
#define promise(x) assert(x)
#endif
#define must_check       __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define KiB (UINT64_C(1) << 10)
#define MiB (UINT64_C(1) << 20)
#define GiB (UINT64_C(1) << 30)

/* Bits hi..lo, inclusive, as a mask: BITS(11, 8) == 0xf00. */
#define BITS(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/* len bits of v from bit pos; len 1..64. */
static inline u64 bits_get(u64 v, unsigned pos, unsigned len)
{
    return (v >> pos) & (~UINT64_C(0) >> (64 - len));
}

/* v with len bits from bit pos replaced by field. */
static inline u64 bits_set(u64 v, unsigned pos, unsigned len, u64 field)
{
    u64 mask = (~UINT64_C(0) >> (64 - len)) << pos;
    return (v & ~mask) | ((field << pos) & mask);
}

/* The low len bits of v as a signed number; len 1..64. */
static inline s64 bits_sext(u64 v, unsigned len)
{
    return (s64)(v << (64 - len)) >> (64 - len);
}

static inline bool is_pow2(u64 v)
{
    return v && !(v & (v - 1));
}

static inline u64 align_down(u64 v, u64 a)
{
    return v & ~(a - 1);
}

static inline u64 align_up(u64 v, u64 a)
{
    return (v + a - 1) & ~(a - 1);
}

static inline unsigned ctz64(u64 v)
{
    return v ? (unsigned)__builtin_ctzll(v) : 64;
}

/* For each bit i (a u32) that is set in an array of u64, from the lowest; the body may clear it. */
#define FOR_BITS(i, set)                                                                                               \
    for (u32 word_ = 0; word_ < ARRAY_SIZE(set); word_++)                                                              \
        for (u64 left_ = (set)[word_]; left_ && ((i) = word_ * 64 + ctz64(left_), true); left_ &= left_ - 1)

static inline unsigned clz64(u64 v)
{
    return v ? (unsigned)__builtin_clzll(v) : 64;
}

/* Unaligned little- and big-endian access to host memory; size 1, 2, 4 or 8 bytes. */
static inline u64 load_le(const void *p, unsigned size)
{
    u64 v = 0;
    memcpy(&v, p, size);
    return v;
}

static inline void store_le(void *p, u64 v, unsigned size)
{
    memcpy(p, &v, size);
}

static inline u64 bswap_size(u64 v, unsigned size)
{
    return __builtin_bswap64(v) >> (64 - 8 * size);
}

static inline u64 load_be(const void *p, unsigned size)
{
    return bswap_size(load_le(p, size), size);
}

static inline void store_be(void *p, u64 v, unsigned size)
{
    store_le(p, bswap_size(v, size), size);
}

#endif
