/*
 * runtime_a64.c - as runtime.c, for A64: runs the random blocks of generate_a64.py and tells what came out, as a Linux
 * program or on a bare machine (runtime_a64.S).
 */
#include "runtime.h"

enum { MEMORY = 1024, SP_PLACE = 31, ODD = 27, MIDDLE = 28 };

/* runtime_a64.S knows the layout. */
struct state {
    uint64_t x[31], sp;
    uint64_t v[32][2];
    uint64_t nzcv, fpcr, fpsr;
    uint64_t host_sp;
};

void run_block(struct state *state, const void *code);
void tell_trap(unsigned long syndrome, unsigned long pc, unsigned long address);
long run_all(void);

/* Two pages meet in its middle. */
static struct {
    uint8_t before[4096 - MEMORY / 2], memory[MEMORY], behind[4096 - MEMORY / 2];
} __attribute__((aligned(4096))) pages;

void tell_trap(unsigned long syndrome, unsigned long pc, unsigned long address)
{
    put_text("trap");
    put_named("syndrome", syndrome);
    put_named("pc", pc);
    put_named("address", address);
    put('\n');
    flush();
    system_call(99, 0, 0, 93);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static struct state state;

/* The low element is a float of a size; the others are of the same, or zero, or anything. */
static void any_vector(uint64_t v[2])
{
    uint64_t r = next();
    for (unsigned i = 0; i < 2; i++) {
        switch ((unsigned)(r >> 60) & 7) {
        case 0: case 1: v[i] = any_float(11, 52); break;
        case 2: case 3: v[i] = any_float(8, 23) << 32 | any_float(8, 23); break;
        case 4: v[i] = any_float(5, 10) << 48 | any_float(5, 10) << 32 | any_float(5, 10) << 16 | any_float(5, 10); break;
        case 5: v[i] = any_int(); break;
        default: v[i] = next(); break;
        }
        if (i == 0 && r & 1 && r & 2)
            break;
    }
    if (r & 1 && r & 2)
        v[1] = r & 4 ? 0 : v[0];
}

static void prepare(unsigned number, unsigned round)
{
    uint8_t *middle = pages.memory + MEMORY / 2;
    seed = (uint64_t)number << 32 | round;
    for (unsigned i = 0; i < 31; i++)
        state.x[i] = any_int();
    for (unsigned i = 0; i < 32; i++)
        any_vector(state.v[i]);
    uint64_t r = next();
    state.nzcv = (r & 15) << 28;
    state.fpcr = (r >> 4 & 3) << 22 | (r >> 8 & 1 ? 0 : r & (7u << 24 | 1u << 19)); /* RMode; AHP, DN, FZ, FZ16 */
    state.fpsr = r >> 32 & 0x0800009f & next();
    state.sp = (uint64_t)pages.memory;
    state.x[MIDDLE] = (uint64_t)middle;
    state.x[ODD] = (uint64_t)middle + (r >> 36 & 7);
    for (unsigned i = 0; i < MEMORY; i += 8)
        *(volatile uint64_t *)(pages.memory + i) = i % 32 ? next() : i % 64 ? any_float(11, 52) : any_int();
}

static uint64_t hash_memory(uint64_t hash)
{
    for (unsigned i = 0; i < MEMORY; i += 8)
        hash = mix(hash, *(volatile uint64_t *)(pages.memory + i));
    return hash;
}

/* x25, x26 and x29 are the runtime's. */
static int is_told(unsigned n)
{
    return n != 25 && n != 26 && n != 29;
}

static uint64_t hash_all(uint64_t hash)
{
    for (unsigned i = 0; i < 31; i++) {
        if (is_told(i))
            hash = mix(hash, state.x[i]);
    }
    for (unsigned i = 0; i < 32; i++)
        hash = mix(mix(hash, state.v[i][0]), state.v[i][1]);
    return hash_memory(mix(mix(mix(hash, state.nzcv), state.fpsr), state.fpcr));
}

static void tell_state(const char *when)
{
    put_text(when);
    for (unsigned i = 0; i < 31; i++) {
        if (is_told(i))
            put_numbered('x', i, state.x[i]);
    }
    for (unsigned i = 0; i < 32; i++) {
        put_numbered('v', i, state.v[i][1]);
        put('.');
        put_hex(state.v[i][0], 16);
    }
    put_named("nzcv", state.nzcv);
    put_named("fpcr", state.fpcr);
    put_named("fpsr", state.fpsr);
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
