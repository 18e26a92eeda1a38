/*
 * bench.h - a device under fuzzing: one of the registry's, placed or plugged in as it wants to be,
 * with backends, and a twin that takes its state.
 *
 * What stands on the bench is put back after each input, by a reset: what a reset leaves behind
 * shows as a difference or a leak.
 */
#ifndef TESTS_FUZZ_BENCH_H
#define TESTS_FUZZ_BENCH_H

#include "backends.h"

struct fuzz_bench {
    struct harness h; /* devices: the tested ones, then as many twins in the same order */
    struct fuzz_backends backends, twins;
    struct device *registers; /* whose MMIO it is reached by: its own, or the transport's */
    struct device *tested;
    unsigned half;
};

/* type's device, with these properties besides those that it needs (NULL-ended; may be NULL). */
void fuzz_bench_open(struct fuzz_bench *b, const char *type, const char *const *properties);
/* Everything is as it was. check_state, which takes its time: before that, the state that the input
 * has led to is saved, and must load into a device of the same options. */
void fuzz_bench_end(struct fuzz_bench *b, bool check_state);
/* Inputs begin with this byte: an eighth of them check the state. */
static inline bool fuzz_bench_begin(struct fuzz_input *in)
{
    return fuzz_u8(in) % 8 == 0;
}
static inline void fuzz_put_begin(struct fuzz_seed *s)
{
    fuzz_put_number(s, s->number, 1);
}

/* The registry's types that can stand on a bench: by their own registers, or plugged into virtio.
 */
bool fuzz_bench_is_placed(const struct device_type *t);
bool fuzz_bench_is_card(const struct device_type *t);

/* One register access. */
void fuzz_bench_access(struct fuzz_bench *b, bool write, unsigned region, u64 offset, u64 value,
                       unsigned size);
/* Memory that DMA sees, or the address of some: wraps around. */
void fuzz_bench_fill(struct fuzz_bench *b, u64 addr, const u8 *bytes, size_t n);
void fuzz_bench_pass_time(struct fuzz_bench *b, u8 log2_ns);

#endif
