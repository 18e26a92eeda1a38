/*
 * runtime.c - runs the random blocks of generate.py and tells what came out, as a Linux program or on a bare machine
 * (runtime.S). The blob that the runner links in says how much is told.
 *
 * A run of a block begins with registers, memory and fcsr made from the block's number and the round, and ends in a
 * hash of them all; a line for each block. In words (BLOB_WORDS), every register of every run is told.
 */
#include "runtime.h"

enum { MEMORY = 512 };

struct state {
    unsigned long x[32];
    uint64_t f[32];
    uint32_t fcsr;
};

void run_block(struct state *state, const void *code);
void tell_trap(unsigned long cause, unsigned long pc, unsigned long value);
long run_all(void);

/* Two pages meet in its middle. */
static struct {
    uint8_t before[4096 - MEMORY / 2], memory[MEMORY], behind[4096 - MEMORY / 2];
} __attribute__((aligned(4096))) pages;

void tell_trap(unsigned long cause, unsigned long pc, unsigned long value)
{
    put_text("trap");
    put_named("cause", cause);
    put_named("pc", pc);
    put_named("value", value);
    put('\n');
    flush();
    system_call(99, 0, 0, 93);
}

static uint64_t any_register(void)
{
    uint64_t r = next();
    switch ((unsigned)(r >> 61)) {
    case 0: case 1: case 2: return any_float(11, 52);
    case 3: case 4: return UINT64_C(0xffffffff00000000) | any_float(8, 23);
    case 5: return UINT64_C(0xffffffffffff0000) | any_float(5, 10);
    case 6: return r & 1 ? any_float(11, 52) : (next() << 32 | any_float(8, 23));
    default: return r & 1 ? next() : UINT64_C(0xffffffff00000000) | next() << 16 | any_float(5, 10);
    }
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static struct state state;

static void prepare(unsigned number, unsigned round)
{
    uint8_t *middle = pages.memory + MEMORY / 2;
    seed = (uint64_t)number << 32 | round;
    for (unsigned i = 1; i < 32; i++)
        state.x[i] = (unsigned long)any_int();
    for (unsigned i = 0; i < 32; i++)
        state.f[i] = any_register();
    uint64_t r = next();
    state.fcsr = (uint32_t)((r & 31 & r >> 8) | (r >> 16) % 5 << 5);
    state.x[2] = (unsigned long)pages.memory;
    state.x[9] = (unsigned long)middle;
    state.x[31] = (unsigned long)middle + (r >> 32 & 7);
    for (unsigned i = 0; i < MEMORY; i += 8)
        *(volatile uint64_t *)(pages.memory + i) = i % 32 ? next() : i % 64 ? any_float(11, 52) : any_int();
}

static uint64_t hash_memory(uint64_t hash)
{
    for (unsigned i = 0; i < MEMORY; i += 8)
        hash = mix(hash, *(volatile uint64_t *)(pages.memory + i));
    return hash;
}

static uint64_t hash_all(uint64_t hash)
{
    for (unsigned i = 1; i < 32; i++) {
        if (i != 3 && i != 4)
            hash = mix(hash, state.x[i]);
    }
    for (unsigned i = 0; i < 32; i++)
        hash = mix(hash, state.f[i]);
    return hash_memory(mix(hash, state.fcsr));
}

static void tell_state(const char *when)
{
    put_text(when);
    for (unsigned i = 1; i < 32; i++) {
        if (i != 3 && i != 4)
            put_numbered('x', i, state.x[i]);
    }
    for (unsigned i = 0; i < 32; i++)
        put_numbered('f', i, state.f[i]);
    put_named("fcsr", state.fcsr);
    put_named("memory", hash_memory(0));
    put('\n');
}

long run_all(void)
{
    for (unsigned i = 0; i < blob.count; i++) {
        uint64_t hash = 0;
        for (unsigned round = 0; round < blob.rounds; round++) {
            prepare(blob.block[i].number, round);
            if (blob.flags & BLOB_WORDS)
                tell_state("from");
            run_block(&state, (const uint8_t *)&blob + blob.code + blob.block[i].offset);
            hash = hash_all(hash);
            if (blob.flags & BLOB_WORDS)
                tell_state("to");
        }
        put_hex(hash, 16);
        put('\n');
    }
    flush();
    return 0;
}
