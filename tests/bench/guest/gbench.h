/*
 * gbench: what the bench runs inside the guest. Each row does a fixed amount of work and returns a checksum of
 * it, so that two machines can be compared in time and, at once, in what they computed.
 */
#ifndef GBENCH_H
#define GBENCH_H

#include <stdint.h>

/* A row's work: COUNT rounds; the answer depends on every round. */
typedef uint64_t row_fn(long count);

row_fn row_integer, row_branches, row_calls, row_indirect, row_interpreter;
row_fn row_chase, row_memory, row_string;
row_fn row_double, row_float;
row_fn row_vector, row_lanes, row_blocks;
row_fn row_syscalls, row_faults, row_fork, row_pipes, row_threads, row_signals, row_code;

/* Says why the row cannot go on, and ends the program. */
_Noreturn void bench_fail(const char *what);

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static inline uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum << 5 | sum >> 59) ^ value;
}

#endif
