/*
 * The row of code written at run time, as a JIT in the guest does it: small functions are written, run a few
 * times, patched and run again. The process stays on one CPU, so that its own fence is enough.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>
#include "gbench.h"

typedef uint64_t generated_fn(uint64_t);

enum { FUNCTIONS = 64, FUNCTION_WORDS = 16, CALLS = 40 };

#if defined(__riscv)
static uint32_t add_number(int immediate)
{
    return (uint32_t)immediate << 20 | 10 << 15 | 10 << 7 | 0x13; /* addi a0, a0, immediate */
}

static uint32_t xor_number(int immediate)
{
    return (uint32_t)immediate << 20 | 10 << 15 | 4 << 12 | 10 << 7 | 0x13;
}

static const uint32_t shift_left = 7 << 20 | 10 << 15 | 1 << 12 | 11 << 7 | 0x13; /* slli a1, a0, 7 */
static const uint32_t add_shifted = 11 << 20 | 10 << 15 | 10 << 7 | 0x33;
static const uint32_t ret = 0x00008067;

static void synchronise(void *begin, void *end)
{
    (void)begin, (void)end;
    __asm__ volatile("fence.i" ::: "memory");
}
#elif defined(__aarch64__)
static uint32_t add_number(int immediate)
{
    return 0x91000000 | (uint32_t)immediate << 10; /* add x0, x0, #immediate */
}

static uint32_t xor_number(int immediate)
{
    return 0xcac00000 | (uint32_t)(immediate & 63) << 10; /* eor x0, x0, x0, ror #immediate */
}

static const uint32_t shift_left = 0xd379e001;  /* lsl x1, x0, #7 */
static const uint32_t add_shifted = 0x8b010000; /* add x0, x0, x1 */
static const uint32_t ret = 0xd65f03c0;

static void synchronise(void *begin, void *end)
{
    __builtin___clear_cache(begin, end);
}
#else
#error "instructions of this guest are missing"
#endif

static void write_function(volatile uint32_t *at, uint64_t *state)
{
    int used = 0;

    for (int i = 0; i < 4; i++) {
        at[used++] = add_number(next_random(state) & 0x7ff);
        at[used++] = xor_number(next_random(state) & 0x7ff);
        at[used++] = i & 1 ? add_shifted : shift_left;
    }
    at[used] = ret;
}

static uint64_t call_all(volatile uint32_t *memory, uint64_t value)
{
    for (int call = 0; call < CALLS; call++) {
        for (int i = 0; i < FUNCTIONS; i++) {
            value = ((generated_fn *)(uintptr_t)(memory + i * FUNCTION_WORDS))(value);
        }
    }
    return value;
}

uint64_t row_code(long count)
{
    uint64_t state = 2026, value = 1;
    cpu_set_t one;
    uint32_t *memory = mmap(NULL, FUNCTIONS * FUNCTION_WORDS * 4, PROT_READ | PROT_WRITE | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    if (memory == MAP_FAILED || sched_setaffinity(0, sizeof one, &one)) {
        bench_fail("code");
    }
    for (long round = 0; round < count; round++) {
        /* All functions new every 16th round, else one instruction of a quarter of them. */
        for (int i = 0; i < FUNCTIONS; i++) {
            if (round % 16 == 0) {
                write_function(memory + i * FUNCTION_WORDS, &state);
            } else if (i % 4 == round % 4) {
                memory[i * FUNCTION_WORDS + 3] = add_number(next_random(&state) & 0x7ff);
            }
        }
        synchronise(memory, memory + FUNCTIONS * FUNCTION_WORDS);
        value = call_all(memory, value);
    }
    return value;
}
