/*
 * runtime_a32.c - as runtime.c, for A32 and T32: runs the random blocks of generate_a32.py and tells what came out, as a
 * Linux program or on a bare machine (runtime_a32.S).
 */
#include "runtime.h"

enum { MEMORY = 1024, SP_PLACE = 13, ODD = 11, THUMB = 2 /* of blob.flags */ };

/* runtime_a32.S knows the layout. */
struct state {
    uint32_t r[16];
    uint64_t d[32];
    uint32_t cpsr, fpscr, host_sp, code;
};

void run_block(struct state *state, uintptr_t code);
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

/* libgcc's: nothing here divides by zero. */
int __aeabi_ldiv0(void);
int __aeabi_ldiv0(void)
{
    return 0;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static struct state state;

static uint64_t any_vector(void)
{
    uint64_t r = next();
    switch ((unsigned)(r >> 60) & 7) {
    case 0: case 1: return any_float(11, 52);
    case 2: case 3: case 4: return any_float(8, 23) << 32 | any_float(8, 23);
    case 5: return any_float(5, 10) << 48 | any_float(5, 10) << 32 | any_float(5, 10) << 16 | any_float(5, 10);
    case 6: return any_int();
    default: return next();
    }
}

static void prepare(unsigned number, unsigned round)
{
    uint8_t *middle = pages.memory + MEMORY / 2;
    seed = (uint64_t)number << 32 | round;
    for (unsigned i = 0; i < 15; i++)
        state.r[i] = (uint32_t)any_int();
    for (unsigned i = 0; i < 32; i++)
        state.d[i] = any_vector();
    uint64_t r = next();
    state.cpsr = r & 0xf80f0000;
    state.fpscr = (r >> 4 & 3) << 22 | (r >> 8 & 1 ? 0 : next() & (7u << 24 | 1u << 19)); /* RMode; AHP, DN, FZ, FZ16 */
    state.fpscr |= r >> 32 & 0x0800009f & next();
    state.r[SP_PLACE] = (uint32_t)(uintptr_t)middle;
    state.r[ODD] = (uint32_t)(uintptr_t)middle + (r >> 36 & 7);
    for (unsigned i = 0; i < MEMORY; i += 8)
        *(volatile uint64_t *)(pages.memory + i) = i % 32 ? next() : i % 64 ? any_float(11, 52) : any_int();
}

static uint64_t hash_memory(uint64_t hash)
{
    for (unsigned i = 0; i < MEMORY; i += 8)
        hash = mix(hash, *(volatile uint64_t *)(pages.memory + i));
    return hash;
}

/* r9, r10, r12 are the runtime's; r15 nobody's. */
static int is_told(unsigned n)
{
    return n != 9 && n != 10 && n != 12 && n != 15;
}

static uint64_t hash_all(uint64_t hash)
{
    for (unsigned i = 0; i < 16; i++) {
        if (is_told(i))
            hash = mix(hash, state.r[i]);
    }
    for (unsigned i = 0; i < 32; i++)
        hash = mix(hash, state.d[i]);
    return hash_memory(mix(mix(hash, state.cpsr), state.fpscr));
}

static void tell_state(const char *when)
{
    put_text(when);
    for (unsigned i = 0; i < 16; i++) {
        if (is_told(i))
            put_numbered('r', i, state.r[i]);
    }
    for (unsigned i = 0; i < 32; i++)
        put_numbered('d', i, state.d[i]);
    put_named("cpsr", state.cpsr);
    put_named("fpscr", state.fpscr);
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
            uintptr_t code = (uintptr_t)&blob + blob.code + blob.block[i].offset;
            run_block(&state, code | (blob.flags & THUMB ? 1 : 0));
            state.cpsr &= 0xf80f0000;
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
