/*
 * runtime.h - what the runtimes of all architectures share: the blob, the program's output, random values. One file
 * includes it.
 */
#include <stddef.h>
#include <stdint.h>

enum { BLOB_WORDS = 1 };

struct blob {
    uint32_t count, rounds, flags, code; /* code: offset of the blocks */
    struct {
        uint32_t offset, number;
    } block[];
};
extern const struct blob blob;

long system_call(long a0, long a1, long a2, long number);

/* ---- Output ---------------------------------------------------------------------------------- */

static char line[4096];
static unsigned used;

static void flush(void)
{
    for (unsigned done = 0; done < used;) {
        long n = system_call(1, (long)(line + done), (long)(used - done), 64);
        if (n <= 0)
            break;
        done += (unsigned)n;
    }
    used = 0;
}

static void put(char c)
{
    line[used++] = c;
    if (used == sizeof line)
        flush();
}

static void put_text(const char *s)
{
    while (*s)
        put(*s++);
}

static void put_hex(uint64_t v, unsigned digits)
{
    for (unsigned i = digits; i-- > 0;)
        put("0123456789abcdef"[v >> (4 * i) & 15]);
}

static void put_named(const char *name, uint64_t v)
{
    put(' ');
    put_text(name);
    put('=');
    put_hex(v, 16);
}

static void put_numbered(char kind, unsigned n, uint64_t v)
{
    char name[4] = {kind, (char)(n < 10 ? '0' + n : '0' + n / 10), (char)(n < 10 ? 0 : '0' + n % 10), 0};
    put_named(name, v);
}

/* ---- Random values --------------------------------------------------------------------------- */

static uint64_t seed;

static uint64_t next(void)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t any_int(void)
{
    static const uint64_t corner[] = {
        0, 1, 2, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
        0x100000000, UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), UINT64_MAX, UINT64_MAX - 1,
        UINT64_C(0xffffffff80000000), UINT64_C(0xffffffff7fffffff), UINT64_C(0x8000000080000000),
    };
    uint64_t r = next();
    switch ((unsigned)(r >> 60)) {
    case 0: case 1: case 2: case 3: case 4: return corner[r % (sizeof corner / sizeof corner[0])];
    case 5: case 6: return r & 0xff;
    case 7: case 8: return next() >> (r & 63);
    case 9: return (uint64_t)(-(int64_t)(next() >> (r & 63)));
    default: return next();
    }
}

/* Bits of a float with e bits of exponent and m of fraction: mostly where something happens. */
static uint64_t any_float(unsigned e, unsigned m)
{
    uint64_t r = next(), sign = (r & 1) << (e + m), one = UINT64_C(1) << m;
    uint64_t bias = (1u << (e - 1)) - 1, top = (1u << e) - 1;
    uint64_t fraction = next() & (one - 1);
    if (r & 2) /* few bits set: results are exact, or half way */
        fraction &= ~(one - 1) | (next() & next() & next()) | one >> (r >> 8 & 15);
    switch ((unsigned)(r >> 60)) {
    case 0: return sign;
    case 1: return sign | (r >> 20 & 1 ? fraction : 1 + (r >> 21 & 1 ? one - 2 : 0)); /* subnormal */
    case 2: return sign | one;                                                /* least normal */
    case 3: return sign | (top << m) | (r >> 20 & 1 ? fraction : 0);          /* infinite, NaN */
    case 4: return sign | (top << m) | one >> 1;                              /* quiet NaN */
    case 5: return sign | (top << m) | (fraction >> 1) | 1;                   /* signalling NaN */
    case 6: return sign | (((top - 1) << m) + (one - 1));                     /* greatest */
    case 7: return sign | bias << m;                                          /* one */
    case 8: return sign | ((bias + (r >> 8 & 127) % (bias + 1)) << m) | fraction; /* near integers' limits */
    case 9: return sign | ((bias - 1 + (r >> 8 & 3)) << m) | (fraction & ~((one >> 3) - 1));
    case 10: return sign | ((r >> 8 & 15) % top) << m | fraction;             /* near the least */
    case 11: return sign | (top - 1 - (r >> 8 & 3)) << m | fraction;          /* near the greatest */
    case 12: case 13: return sign | ((bias - 8 + (r >> 8 & 15)) << m) | fraction;
    default: return sign | (r >> 8 & top) << m | fraction;
    }
}

static uint64_t mix(uint64_t hash, uint64_t v)
{
    hash = (hash ^ v) * UINT64_C(0x9ddfea08eb382d69);
    return hash ^ hash >> 29;
}
