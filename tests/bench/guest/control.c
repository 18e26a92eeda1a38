/* Rows about plain code: arithmetic, branches, calls, and an interpreter's loop. */
#include <stdlib.h>
#include "gbench.h"

enum { NUMBERS = 1024 };

static uint32_t crc32_update(uint32_t crc, uint64_t value)
{
    for (int i = 0; i < 8; i++, value >>= 8) {
        crc ^= value & 0xff;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
        }
    }
    return crc;
}

static void shell_sort(uint64_t *numbers, int count)
{
    for (int gap = count / 2; gap > 0; gap /= 2) {
        for (int i = gap; i < count; i++) {
            uint64_t value = numbers[i];
            int j = i;

            for (; j >= gap && numbers[j - gap] > value; j -= gap) {
                numbers[j] = numbers[j - gap];
            }
            numbers[j] = value;
        }
    }
}

uint64_t row_integer(long count)
{
    static uint64_t numbers[NUMBERS];
    uint64_t state = 88172645463325252u, sum = 0;
    uint32_t crc = ~0u;

    for (long round = 0; round < count; round++) {
        for (int i = 0; i < NUMBERS; i++) {
            numbers[i] = next_random(&state) * 0x9e3779b97f4a7c15u;
        }
        shell_sort(numbers, NUMBERS);
        for (int i = 0; i < NUMBERS; i += 8) {
            crc = crc32_update(crc, numbers[i]);
            sum = mix(sum, numbers[i] / (numbers[i + 1] >> 40 | 1) + numbers[i] % 1000003);
        }
    }
    return sum ^ crc;
}

/* A scanner of random bytes: every branch depends on data that no predictor knows. */
uint64_t row_branches(long count)
{
    uint64_t state = 1234567, words = 0, numbers = 0, blanks = 0, steps = 0;
    int mode = 0;

    for (long round = 0; round < count; round++) {
        for (int i = 0; i < 512; i++) {
            unsigned byte = next_random(&state) >> 56;

            if (byte < 64) {
                blanks++;
                mode = 0;
            } else if (byte < 160) {
                if (mode != 1) {
                    words++;
                }
                mode = 1;
            } else if (byte & 1) {
                if (mode == 1) {
                    words += 2;
                } else {
                    numbers++;
                }
                mode = 2;
            } else if (mode == 2) {
                numbers += 3;
            }
        }
        for (unsigned n = round % 1000 + 27; n != 1; steps++) {
            n = n & 1 ? 3 * n + 1 : n / 2;
        }
    }
    return mix(mix(mix(words, numbers), blanks), steps);
}

static __attribute__((noinline, noclone)) long fib(long n)
{
    long a;

    if (n < 2) {
        return n;
    }
    a = fib(n - 1);
    __asm__ volatile("" : "+r"(a)); /* keeps the compiler from unrolling the recursion */
    return a + fib(n - 2);
}

static __attribute__((noinline, noclone)) long tak(long x, long y, long z)
{
    long a, b, c;

    if (y >= x) {
        return z;
    }
    a = tak(x - 1, y, z);
    b = tak(y - 1, z, x);
    c = tak(z - 1, x, y);
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c));
    return tak(a, b, c);
}

uint64_t row_calls(long count)
{
    uint64_t sum = 0;

    for (long round = 0; round < count; round++) {
        sum = mix(sum, fib(24 + round % 3) + tak(14, 7, round % 3));
    }
    return sum;
}

#define OPERATION(name, expression)                                        \
    static __attribute__((noinline, noclone)) uint64_t name(uint64_t x)    \
    {                                                                      \
        return expression;                                                 \
    }
OPERATION(op_add, x + 0x1234567)
OPERATION(op_xor, x ^ 0xdeadbeef)
OPERATION(op_rotate, x << 9 | x >> 55)
OPERATION(op_multiply, x * 0x5851f42d4c957f2du)
OPERATION(op_subtract, x - 0x777)
OPERATION(op_shift, x ^ x >> 17)
OPERATION(op_not, ~x)
OPERATION(op_negate, -x)

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

uint64_t row_indirect(long count)
{
    static uint64_t (*const table[])(uint64_t) = {op_add, op_xor, op_rotate, op_multiply,
                                                  op_subtract, op_shift, op_not, op_negate};
    static uint32_t numbers[NUMBERS];
    uint64_t state = 99, value = 1;

    for (long round = 0; round < count; round++) {
        for (int i = 0; i < 40000; i++) {
            value = table[next_random(&state) >> 61](value);
        }
        for (int i = 0; i < NUMBERS; i++) {
            numbers[i] = next_random(&state);
        }
        qsort(numbers, NUMBERS, sizeof *numbers, compare_numbers);
        value ^= numbers[round % NUMBERS];
    }
    return value;
}

/* A byte-code machine of the usual kind: one switch in one loop. */
enum op { LOAD, ADD, SUBTRACT, MULTIPLY, MODULO, COMPARE, JUMP_IF, JUMP, STORE, FETCH, PRINT, HALT };

struct code {
    uint8_t op, a, b, c;
};

/* Counts primes by trial division: r1 candidate, r2 divisor, r3 remainder, r4 count, r5 limit. */
static const struct code program[] = {
    {LOAD, 1, 2, 0},     {LOAD, 4, 0, 0},     {LOAD, 6, 1, 0},     {LOAD, 7, 0, 0},
    {LOAD, 2, 2, 0},     {MULTIPLY, 3, 2, 2}, {COMPARE, 8, 1, 3},  {JUMP_IF, 8, 13, 0},
    {MODULO, 3, 1, 2},   {COMPARE, 8, 3, 6},  {JUMP_IF, 8, 15, 0}, {ADD, 2, 2, 6},
    {JUMP, 5, 0, 0},     {ADD, 4, 4, 6},      {STORE, 4, 1, 0},    {ADD, 1, 1, 6},
    {COMPARE, 8, 1, 5},  {JUMP_IF, 8, 4, 0},  {FETCH, 9, 4, 0},    {ADD, 7, 7, 9},
    {SUBTRACT, 4, 4, 6}, {JUMP_IF, 4, 18, 0}, {PRINT, 7, 0, 0},    {HALT, 0, 0, 0},
};

static uint64_t interpret(const struct code *code, uint64_t limit)
{
    static uint64_t store[256];
    uint64_t reg[16] = {0}, out = 0;
    const struct code *pc = code;

    reg[5] = limit;
    for (;;) {
        struct code i = *pc++;

        switch (i.op) {
        case LOAD: reg[i.a] = i.b; break;
        case ADD: reg[i.a] = reg[i.b] + reg[i.c]; break;
        case SUBTRACT: reg[i.a] = reg[i.b] - reg[i.c]; break;
        case MULTIPLY: reg[i.a] = reg[i.b] * reg[i.c]; break;
        case MODULO: reg[i.a] = reg[i.b] % reg[i.c]; break;
        case COMPARE: reg[i.a] = reg[i.b] < reg[i.c]; break;
        case JUMP_IF: pc = reg[i.a] ? code + i.b : pc; break;
        case JUMP: pc = code + i.a; break;
        case STORE: store[reg[i.a] & 255] = reg[i.b]; break;
        case FETCH: reg[i.a] = store[reg[i.b] & 255]; break;
        case PRINT: out = mix(out, reg[i.a]); break;
        default: return out;
        }
    }
}

uint64_t row_interpreter(long count)
{
    uint64_t sum = 0;

    for (long round = 0; round < count; round++) {
        sum = mix(sum, interpret(program, 3000 + round % 100));
    }
    return sum;
}
