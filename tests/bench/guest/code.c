/*
 * The row of code written at run time, as a JIT in the guest does it: small functions are written, run a few
 * times, patched and run again. The process stays on one CPU, so that its own fence.i is enough.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>
#include "gbench.h"

#ifndef __riscv
#error "code.c writes RISC-V instructions; another guest needs its own"
#endif

typedef uint64_t generated_fn(uint64_t);

enum { FUNCTIONS = 64, FUNCTION_WORDS = 16, CALLS = 40 };

static uint32_t addi_a0(int immediate)
{
    return (uint32_t)immediate << 20 | 10 << 15 | 10 << 7 | 0x13;
}

static uint32_t xori_a0(int immediate)
{
    return (uint32_t)immediate << 20 | 10 << 15 | 4 << 12 | 10 << 7 | 0x13;
}

static const uint32_t slli_a1_a0_7 = 7 << 20 | 10 << 15 | 1 << 12 | 11 << 7 | 0x13;
static const uint32_t add_a0_a0_a1 = 11 << 20 | 10 << 15 | 10 << 7 | 0x33;
static const uint32_t ret = 0x00008067;

static void write_function(volatile uint32_t *at, uint64_t *state)
{
    int used = 0;

    for (int i = 0; i < 4; i++) {
        at[used++] = addi_a0(next_random(state) & 0x7ff);
        at[used++] = xori_a0(next_random(state) & 0x7ff);
        at[used++] = i & 1 ? add_a0_a0_a1 : slli_a1_a0_7;
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
                memory[i * FUNCTION_WORDS + 3] = addi_a0(next_random(&state) & 0x7ff);
            }
        }
        __asm__ volatile("fence.i" ::: "memory");
        value = call_all(memory, value);
    }
    return value;
}
