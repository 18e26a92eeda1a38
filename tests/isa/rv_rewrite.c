/*
 * rv_rewrite.c - loops of several blocks that are overwritten again and again, at any moment of a translator's work on
 * them: each turn after the fence is the new code's, and a loop without end ends when its way back is gone.
 */
// smp: 2
// code: by chance
#include "test.h"

const char test_name[] = "rv_rewrite";

enum { A0 = 10, A1 = 11, T0 = 5, ROUNDS = 250, STEPS = 2000 };
typedef word count_fn(word sum, word turns);
static u64 seed[2] = {1, 2};
static volatile u32 ticket, done, going;

static u32 addi(unsigned to, unsigned from, unsigned n)
{
    return (n & 0xfff) << 20 | from << 15 | to << 7 | 0x13;
}

static u32 bnez(unsigned reg, int away)
{
    u32 a = (u32)away;
    return (a >> 12 & 1) << 31 | (a >> 5 & 0x3f) << 25 | reg << 15 | 1 << 12 | (a >> 1 & 15) << 8 | (a >> 11 & 1) << 7 |
           0x63;
}

static u32 jump(int away)
{
    u32 a = (u32)away;
    return (a & 0xff000) | (a >> 11 & 1) << 20 | (a >> 1 & 0x3ff) << 21 | (a >> 20 & 1) << 31 | 0x6f;
}

/* a0 += step, three times a turn; a1 turns. The step is the second instruction. */
static void make_nested(volatile u32 *p)
{
    p[0] = addi(T0, 0, 3);
    p[1] = addi(A0, A0, 1);
    p[2] = addi(T0, T0, -1u);
    p[3] = bnez(T0, -8);
    p[4] = addi(A1, A1, -1u);
    p[5] = bnez(A1, -20);
    p[6] = 0x8067; /* ret */
}

/* The same once a turn, with the step on another page: its first instruction. */
static void make_two_pages(volatile u32 *p, volatile u32 *q)
{
    p[0] = jump((int)((u8 *)q - (u8 *)p));
    p[1] = addi(A1, A1, -1u);
    p[2] = bnez(A1, -8);
    p[3] = 0x8067;
    q[0] = addi(A0, A0, 1);
    q[1] = jump((int)((u8 *)&p[1] - (u8 *)&q[1]));
}

static word count(volatile u32 *p, word turns)
{
    return ((count_fn *)(word)p)(0, turns);
}

/* Mostly short, so that the next change comes while the last code is still being worked on. */
static word random_turns(unsigned hart)
{
    u32 r = (u32)random_next(&seed[hart]);
    return 1 + r % (r & 0x10000 ? 40 : 1500);
}

/* Hart 0 writes, hart 1 runs after its own fence. */
static void told(volatile u32 *step, volatile u32 *code, unsigned times, unsigned hart)
{
    for (u32 i = 1; i <= ROUNDS; i++) {
        if (hart == 0) {
            *step = addi(A0, A0, i);
            __atomic_store_n(&ticket, i, __ATOMIC_RELEASE);
            while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != i)
                relax();
        } else {
            while (__atomic_load_n(&ticket, __ATOMIC_ACQUIRE) != i)
                relax();
            fence_i();
            word turns = random_turns(hart), got = count(code, turns);
            if (got != times * i * turns)
                CHECK(got, times * i * turns);
            __atomic_store_n(&done, i, __ATOMIC_RELEASE);
        }
    }
}

static void told_nested(unsigned hart)
{
    told((u32 *)page[0] + 1, (u32 *)page[0], 3, hart);
}

static void told_two_pages(unsigned hart)
{
    told((u32 *)page[2], (u32 *)page[1], 1, hart);
}

/* Each hart writes and runs its own, both in one page. */
static void own_half(unsigned hart)
{
    volatile u32 *p = (u32 *)(page[3] + 2048 * hart);
    make_nested(p);
    for (u32 i = 1; i <= ROUNDS; i++) {
        p[1] = addi(A0, A0, i);
        fence_i();
        word turns = random_turns(hart), got = count(p, turns);
        if (got != 3 * i * turns)
            CHECK(got, 3 * i * turns);
    }
}

/* Hart 1 goes round for ever; hart 0 takes the way back away, and nobody has a fence. */
static void endless(volatile u32 *code, volatile u32 *back, unsigned hart)
{
    for (u32 i = 1; i <= ROUNDS; i++) {
        if (hart == 0) {
            while (__atomic_load_n(&going, __ATOMIC_ACQUIRE) != i)
                relax();
            for (volatile u32 k = (u32)random_next(&seed[0]) % STEPS; k; k--)
                ;
            u32 was = *back;
            *back = addi(0, 0, 0);
            while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != i)
                relax();
            *back = was;
            __atomic_store_n(&ticket, i, __ATOMIC_RELEASE);
        } else {
            __atomic_store_n(&going, i, __ATOMIC_RELEASE);
            count(code, 1);
            __atomic_store_n(&done, i, __ATOMIC_RELEASE);
            while (__atomic_load_n(&ticket, __ATOMIC_ACQUIRE) != i)
                relax();
            fence_i();
        }
    }
}

static void endless_nested(unsigned hart)
{
    endless((u32 *)page[4], (u32 *)page[4] + 5, hart);
}

static void endless_two_pages(unsigned hart)
{
    endless((u32 *)page[5], (u32 *)page[5] + 2, hart);
}

static void together(void (*fn)(unsigned hart))
{
    ticket = done = going = 0;
    fence_i();
    on_harts(2, fn);
}

void test_run(void)
{
    make_nested((u32 *)page[0]);
    make_two_pages((u32 *)page[1], (u32 *)page[2]);
    together(told_nested);
    together(told_two_pages);
    together(own_half);
    make_nested((u32 *)page[4]);
    ((u32 *)page[4])[4] = addi(A1, 0, 1);
    make_two_pages((u32 *)page[5], (u32 *)page[6]);
    ((u32 *)page[5])[1] = addi(A1, 0, 1);
    together(endless_nested);
    together(endless_two_pages);
}
