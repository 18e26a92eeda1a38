/*
 * rv_targets.c - indirect jumps of hot loops, whose usual targets a translator may learn and make part of the loop: an
 * interpreter's dispatch, calls by pointer whose targets change afterwards or are many, returns to them, a fault and
 * interrupts in what is called, code that is overwritten, and a target's page that becomes another one.
 */
// counts: recorded
// counts: regions
#include "test.h"

const char test_name[] = "rv_targets";

enum { TURNS = 3000 };

typedef word op_fn(word value);

static word op_add(word v)
{
    return v + 3;
}
static word op_xor(word v)
{
    return v ^ 0x5a;
}
static word op_shift(word v)
{
    return v << 1 | v >> 7;
}
static word op_mask(word v)
{
    return v & 0xffff;
}
static word op_loop(word v)
{
    for (word n = v & 7; n; n--)
        v += n * v;
    return v;
}

/* By a table as the processor does it, and by comparing as a judge. */
static word judge(unsigned op, word v)
{
    if (op % 5 == 0)
        return op_add(v);
    if (op % 5 == 1)
        return op_xor(v);
    if (op % 5 == 2)
        return op_shift(v);
    return op % 5 == 3 ? op_mask(v) : op_loop(v);
}

static op_fn *const ops[5] = {op_add, op_xor, op_shift, op_mask, op_loop};

static __attribute__((noinline)) word call_by_table(word v, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < TURNS; i++)
        v = ops[first + i % count](v) + i;
    return v;
}

static __attribute__((noinline)) word call_as_judged(word v, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < TURNS; i++)
        v = judge(first + i % count, v) + i;
    return v;
}

static void calls(void)
{
    static const u8 phases[][2] = {{0, 1}, {1, 1}, {0, 2}, {2, 3}, {0, 5}, {4, 1}, {0, 5}};
    for (unsigned n = 0; n < sizeof(phases) / sizeof(phases[0]); n++)
        CHECK(call_by_table(n, phases[n][0], phases[n][1]), call_as_judged(n, phases[n][0], phases[n][1]));
}

/* ---- A dispatch loop ---- */

enum { ADD, SUBTRACT, DOUBLE, LOOP, SKIP, END };

static __attribute__((noinline)) word interpret(const u8 *code, word loops)
{
    static const void *const go[] = {&&add, &&subtract, &&twice, &&loop, &&skip, &&end};
    const u8 *p = code;
    word v = 1;
#define NEXT goto *go[*p++]
    NEXT;
add:
    v += *p++;
    NEXT;
subtract:
    v -= *p++;
    NEXT;
twice:
    v *= 2;
    NEXT;
loop:
    p = --loops ? code : p;
    NEXT;
skip:
    p += v & 1;
    NEXT;
end:
    return v;
#undef NEXT
}

static void dispatch(void)
{
    static const u8 code[] = {ADD, 5, SKIP, DOUBLE, SUBTRACT, 3, SKIP, DOUBLE, DOUBLE, LOOP, END};
    word v = 1;
    for (unsigned n = 0; n < TURNS; n++) {
        v += 5;
        if (!(v & 1))
            v *= 2;
        v -= 3;
        if (!(v & 1))
            v *= 2;
        v *= 2;
    }
    CHECK(interpret(code, TURNS), v);
}

/* ---- More targets than are learnt ---- */

enum { MANY = 64 };

static u32 add_immediate(unsigned n)
{
    return n << 20 | 0x50513; /* addi a0, a0, n */
}

static void many(void)
{
    u32 *code = (u32 *)page[0];
    word v = 0, expected = 0;
    u64 state = 7;
    for (unsigned n = 0; n < MANY; n++) {
        code[2 * n] = add_immediate(n);
        code[2 * n + 1] = 0x8067; /* ret */
    }
    fence_i();
    for (unsigned i = 0; i < TURNS; i++) {
        unsigned n = (unsigned)(random_next(&state) >> 40) % MANY;
        v = ((op_fn *)(word)(code + 2 * n))(v);
        expected += n;
    }
    CHECK(v, expected);
}

/* ---- What is called changes ---- */

static __attribute__((noinline)) word call_often(word v, op_fn *fn, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        v = fn(v);
    return v;
}

static void overwritten(void)
{
    u32 *code = (u32 *)page[1];
    for (unsigned n = 1; n < 6; n++) {
        code[0] = add_immediate(n);
        code[1] = 0x8067;
        fence_i();
        CHECK(call_often(0, (op_fn *)(word)code, TURNS), n * TURNS);
    }
}

static word call_at(word va)
{
    return call_often(0, (op_fn *)va, TURNS);
}

static void another_page(void)
{
    const struct paging *mode = RV64 ? &sv39 : &sv32;
    word *root = paging_new(mode, PTE_RWX), va = 0x40000000;
    for (unsigned n = 2; n < 4; n++) {
        ((u32 *)page[n])[0] = add_immediate(n);
        ((u32 *)page[n])[1] = 0x8067;
    }
    fence_i();
    paging_on(mode, root);
    for (unsigned i = 0; i < 10; i++) {
        *paging_entry(mode, root, va, 0) = pte(page[2 + i % 2], PTE_RWX);
        sfence();
        CHECK(try(S, call_at, va), NO_TRAP);
        CHECK(result, (2 + i % 2) * TURNS);
    }
    paging_off();
}

/* ---- Faults and interrupts in what is called ---- */

/* Loads from where `v` says, 4 being nowhere: the handler skips that load, and what is returned is v. */
static __attribute__((naked)) word load_at(word v)
{
    __asm__("mv a1, a0\n"
            "lw a1, (a1)\n"
            "ret");
    (void)v;
}

static void fault_inside(void)
{
    word at = (word)page[4], sum = 0;
    for (unsigned i = 0; i < 600; i++) {
        machine.count = 0;
        volatile word from = i % 100 == 99 ? 4 : at;
        op_fn *volatile fn = load_at;
        sum += fn(from) == from;
        if (machine.count != (i % 100 == 99) || (machine.count && (machine.cause != LOAD_ACCESS || machine.value != 4)))
            CHECK(machine.count, i % 100 == 99);
    }
    CHECK(sum, 600);
    machine.count = 0;
}

static volatile u32 ticks;

static void on_tick(word *frame)
{
    (void)frame;
    ticks++;
    mtimecmp(0, ticks < 200 ? mtime() + 20 : ~UINT64_C(0));
}

static void interrupted(void)
{
    machine_hook = on_tick;
    mtimecmp(0, mtime() + 20);
    csr_set(mie, 1 << 7);
    csr_set(mstatus, MSTATUS_MIE);
    while (ticks < 200) {
        CHECK(call_by_table(9, 0, 5), call_as_judged(9, 0, 5));
        dispatch();
    }
    csr_clear(mstatus, MSTATUS_MIE);
    csr_clear(mie, 1 << 7);
    machine_hook = 0;
    CHECK(ticks, 200);
}

void test_run(void)
{
    calls();
    dispatch();
    many();
    overwritten();
    another_page();
    fault_inside();
    interrupted();
}
