/*
 * alu.h - for tests of instructions on integers: an instruction as a function, and operands where something happens.
 */
#ifndef ALU_H
#define ALU_H

#include "test.h"

#define BITS (8 * sizeof(word))
#define TOP ((word)1 << (BITS - 1))

#define OP2(name, text)                                                                            \
    static word name(word a, word b)                                                               \
    {                                                                                              \
        word r;                                                                                    \
        __asm__ volatile(text : "=r"(r) : "r"(a), "r"(b));                                         \
        return r;                                                                                  \
    }
#define OP1(name, text)                                                                            \
    static word name(word a)                                                                       \
    {                                                                                              \
        word r;                                                                                    \
        __asm__ volatile(text : "=r"(r) : "r"(a));                                                 \
        return r;                                                                                  \
    }

typedef word op2(word a, word b);
typedef word op1(word a);
struct pair2 {
    const char *name;
    op2 *run, *reference;
};
struct pair1 {
    const char *name;
    op1 *run, *reference;
};
#define PAIR(name) {#name, do_##name, ref_##name}

static const word corners[] = {0, 1, 2, 3, 7, 31, 32, 33, 63, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x12345678,
    0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, ~(word)0, ~(word)1, ~(word)0 - 0x7f, TOP, TOP - 1, TOP + 1,
    (word)UINT64_C(0x123456789abcdef0), (word)UINT64_C(0xfedcba9876543210), (word)UINT64_C(0x8000000080000000),
    (word)UINT64_C(0x00ff00ff00ff00ff), (word)UINT64_C(0x5555555555555555), (word)UINT64_C(0xffffffff00000000),
};
enum { CORNERS = sizeof corners / sizeof corners[0], RANDOM = 8 };

static inline word operand(unsigned i, u64 *state)
{
    return i < CORNERS ? corners[i] : (word)random_next(state);
}

static inline word low32(word v) /* sign-extended */
{
    return (word)(long)(int)(u32)v;
}

static inline void try2(const struct pair2 *p, unsigned count)
{
    for (unsigned k = 0; k < count; k++) {
        u64 state = k;
        for (unsigned i = 0; i < CORNERS + RANDOM; i++) {
            word a = operand(i, &state);
            for (unsigned j = (i + k) % 2; j < CORNERS + (i < CORNERS ? 0 : 4); j += 2) {
                word b = j < CORNERS ? corners[j] : (word)random_next(&state);
                word found = p[k].run(a, b), expected = p[k].reference(a, b);
                if (found != expected) {
                    check_at((int)k, p[k].name, found, expected);
                    say("  of ");
                    say_hex(a);
                    say(", ");
                    say_hex(b);
                    say("\n");
                    return;
                }
            }
        }
    }
}

static inline void try1(const struct pair1 *p, unsigned count)
{
    for (unsigned k = 0; k < count; k++) {
        u64 state = k;
        for (unsigned i = 0; i < CORNERS + RANDOM; i++) {
            word a = operand(i, &state), found = p[k].run(a), expected = p[k].reference(a);
            if (found != expected) {
                check_at((int)k, p[k].name, found, expected);
                say("  of ");
                say_hex(a);
                say("\n");
                return;
            }
        }
    }
}
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#endif
