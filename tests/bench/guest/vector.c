/*
 * Rows that a compiler makes into vector instructions where the guest has them: loops over floats, over bytes and
 * halves, and the C library's functions over blocks of memory.
 */
#include <string.h>
#include "gbench.h"

#pragma GCC optimize("O3")

enum { ELEMENTS = 4096 };

static __attribute__((noinline)) void blend(float *restrict out, const float *restrict a, const float *restrict b,
                                            float weight)
{
    for (int i = 0; i < ELEMENTS; i++) {
        out[i] = a[i] * weight + b[i];
    }
}

static __attribute__((noinline)) void smooth(float *restrict out, const float *restrict in)
{
    for (int i = 1; i < ELEMENTS - 1; i++) {
        out[i] = (in[i - 1] + in[i] + in[i + 1]) * 0.25f - in[i] * 0.5f;
    }
}

static __attribute__((noinline)) void clamp(float *restrict out, const float *restrict in)
{
    for (int i = 0; i < ELEMENTS; i++) {
        float value = in[i] < -1000 ? -1000 : in[i];

        out[i] = value > 1000 ? 1000 : value;
    }
}

uint64_t row_vector(long count)
{
    static float a[ELEMENTS], b[ELEMENTS], c[ELEMENTS];
    uint64_t state = 17, sum = 0;

    for (int i = 0; i < ELEMENTS; i++) {
        a[i] = (int)(next_random(&state) % 2001) - 1000;
        b[i] = (float)(next_random(&state) >> 40) / 65536.0f;
    }
    for (long round = 0; round < count; round++) {
        blend(c, a, b, 0.5f);
        smooth(b, c);
        clamp(a, b);
        sum = mix(sum, (uint64_t)(int64_t)(a[round % ELEMENTS] * 16));
    }
    return sum;
}

static __attribute__((noinline)) void fade(uint8_t *restrict out, const uint8_t *restrict a,
                                           const uint8_t *restrict b, unsigned weight)
{
    for (int i = 0; i < ELEMENTS; i++) {
        out[i] = (a[i] * weight + b[i] * (256 - weight)) >> 8;
    }
}

static __attribute__((noinline)) unsigned difference(const uint8_t *a, const uint8_t *b)
{
    unsigned sum = 0;

    for (int i = 0; i < ELEMENTS; i++) {
        sum += a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
    }
    return sum;
}

static __attribute__((noinline)) void threshold(uint8_t *restrict out, const uint8_t *restrict in, uint8_t limit)
{
    for (int i = 0; i < ELEMENTS; i++) {
        out[i] = in[i] > limit ? in[i] ^ 0x55 : in[i] + 3;
    }
}

static __attribute__((noinline)) int dot(const int16_t *a, const int16_t *b)
{
    int sum = 0;

    for (int i = 0; i < ELEMENTS; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

uint64_t row_lanes(long count)
{
    static uint8_t a[ELEMENTS] __attribute__((aligned(16))), b[ELEMENTS] __attribute__((aligned(16)));
    static uint8_t c[ELEMENTS] __attribute__((aligned(16)));
    uint64_t state = 23, sum = 0;

    for (int i = 0; i < ELEMENTS; i++) {
        a[i] = next_random(&state) >> 32;
        b[i] = next_random(&state) >> 40;
    }
    for (long round = 0; round < count; round++) {
        fade(c, a, b, round & 255);
        sum = mix(sum, difference(a, c));
        threshold(a, c, round & 127);
        sum = mix(sum, (uint64_t)dot((int16_t *)a, (int16_t *)b) + a[round % ELEMENTS]);
    }
    return sum;
}

uint64_t row_blocks(long count)
{
    static char text[16384], copy[16384 + 64];
    uint64_t state = 29, sum = 0;

    for (long round = 0; round < count; round++) {
        size_t length = 64 + (next_random(&state) & 4095), skew = next_random(&state) & 15;

        memset(text, 'a' + round % 26, length);
        text[length] = 0;
        memcpy(copy + skew, text, length + 1);
        sum = mix(sum, strlen(copy + skew) + (unsigned)memcmp(copy + skew, text, length));
        memmove(copy + 1, copy, length);
        sum = mix(sum, (uint64_t)(strchr(text, 0) - text) + (memchr(copy, '!', length) != NULL));
    }
    return sum;
}
