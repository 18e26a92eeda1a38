/*
 * rv_moved.c - the same code at many virtual addresses: what it says of its own place, loops, calls within its page and into
 * the next, an instruction that lies on both, faults and their pc, and code that changes while it is mapped in several places.
 */
#include "test.h"

const char test_name[] = "rv_moved";

enum { PLACES = 40, STRIDE = 0x3000, BAD = 16 };

/* Two pages. Each function takes a word and returns one. */
extern const u8 moved[8192], moved_here[], moved_loop[], moved_pc[], moved_near[], moved_near_ra[], moved_far[],
    moved_far_ra[], moved_next[], moved_across[], moved_across_pc[], moved_fault[], moved_lw[], moved_changes[], moved_break[];
__asm__(".pushsection .rodata\n.balign 4096\n.option push\n.option norvc\nmoved:\n"
        "moved_here: auipc a0, 0; ret\n"
        "moved_loop: li a1, 0\nmoved_pc: auipc a2, 0; add a1, a1, a2; addi a0, a0, -1; bnez a0, moved_pc; mv a0, a1; ret\n"
        "moved_near: mv t1, ra; jal ra, 1f\nmoved_near_ra: add a0, a0, ra; jr t1\n1: auipc a0, 0; sub a0, ra, a0; ret\n"
        "moved_far: mv t1, ra; jal ra, moved_next\nmoved_far_ra: beqz a0, moved_next; add a0, a0, ra; jr t1\n"
        "moved_fault: li t3, 5\nmoved_lw: lw a0, 0(a0); addi a0, t3, 1; ret\n"
        "moved_changes: li a0, 1; ret\n"
        "moved_break: ebreak; ret\n"
        ".org moved + 4090, 0\n.option rvc\nmoved_across: c.li a1, 3; c.nop\n.option norvc\n"
        "addi a0, a0, 7\nmoved_across_pc: auipc a1, 0; add a0, a0, a1; ret\n"
        "moved_next: auipc a0, 0; ret\n"
        ".org moved + 8192, 0\n.option pop\n.popsection\n");

static const struct paging *mode;

static word place(unsigned n)
{
    return (word)((mode->levels == 2 ? 0x28000000 : 0x1234560000) + n * STRIDE);
}

static word offset(const u8 *label)
{
    return (word)(label - moved);
}

static word at(unsigned n, const u8 *label, word arg)
{
    CHECK(try(S, (access_fn *)(place(n) + offset(label)), arg), NO_TRAP);
    return result;
}

static struct trap last;

/* The handler of all tests reads the instruction at its address, which is not where it is mapped. Back to the caller. */
static void note_trap(word *frame)
{
    last.cause = csr_read(mcause);
    last.value = csr_read(mtval);
    last.pc = frame[0];
    frame[0] = frame[1];
}

static void trap_at(unsigned n, const u8 *label, word arg, word cause, word value, const u8 *pc)
{
    last.cause = NO_TRAP;
    machine_hook = note_trap;
    try(S, (access_fn *)(place(n) + offset(label)), arg);
    machine_hook = 0;
    CHECK(last.cause, cause);
    CHECK_WORD(last.value, value);
    CHECK_WORD(last.pc, place(n) + offset(pc));
}

static void run_at(unsigned n)
{
    CHECK_WORD(at(n, moved_here, 0), place(n) + offset(moved_here));
    CHECK_WORD(at(n, moved_loop, 9), 9 * (place(n) + offset(moved_pc)));
    CHECK_WORD(at(n, moved_near, 0), place(n) + offset(moved_near_ra) + (word)-8);
    CHECK_WORD(at(n, moved_far, 0), 2 * place(n) + offset(moved_next) + offset(moved_far_ra));
    CHECK_WORD(at(n, moved_across, n), place(n) + offset(moved_across_pc) + n + 7);
    CHECK_WORD(at(n, moved_fault, (word)&page[2]), 6);
    trap_at(n, moved_fault, BAD, LOAD_PAGE, BAD, moved_lw);
    trap_at(n, moved_break, 0, BREAK, place(n) + offset(moved_break), moved_break);
}

/* Of addi a0, a0, n. */
static u16 second_half(unsigned n)
{
    return (u16)(n << 4 | 10 >> 1);
}

/* A store to one of them is a store to all. */
static void change(unsigned value)
{
    *(volatile u16 *)(page[0] + offset(moved_changes) + 2) = (u16)(value << 4);
    *(volatile u16 *)page[1] = second_half(value); /* of the instruction on both pages */
    fence_i();
    for (unsigned n = 0; n < PLACES; n++) {
        CHECK_WORD(at(n, moved_changes, 0), value);
        CHECK_WORD(at(n, moved_across, n), place(n) + offset(moved_across_pc) + n + value);
    }
    *(volatile u16 *)page[1] = second_half(7);
    fence_i();
}

/* The pages one at a time elsewhere: what follows the first is no longer what did. */
static void exchange(word *root)
{
    *paging_entry(mode, root, place(1) + 4096, 0) = pte(page[3], PTE_RWX);
    sfence();
    for (unsigned i = 0; i < 4096; i++)
        page[3][i] = page[1][i];
    *(volatile u16 *)page[3] = second_half(11);
    fence_i();
    CHECK_WORD(at(1, moved_across, 0), place(1) + offset(moved_across_pc) + 11);
    CHECK_WORD(at(2, moved_across, 0), place(2) + offset(moved_across_pc) + 7);
    CHECK_WORD(at(1, moved_far, 0), 2 * place(1) + offset(moved_next) + offset(moved_far_ra));
}

void test_run(void)
{
    mode = RV64 ? &sv39 : &sv32;
    word *root = paging_new(mode, PTE_RWX);
    volatile u8 *to = page[0];
    for (unsigned i = 0; i < sizeof(moved); i++)
        to[i] = moved[i];
    for (unsigned n = 0; n < PLACES; n++) {
        *paging_entry(mode, root, place(n), 0) = pte(page[0], PTE_RWX);
        *paging_entry(mode, root, place(n) + 4096, 0) = pte(page[1], PTE_RWX);
    }
    fence_i();
    paging_on(mode, root);
    sfence();
    for (unsigned turn = 0; turn < 3; turn++) {
        for (unsigned n = 0; n < PLACES; n++)
            run_at(n);
        change(turn + 20);
    }
    exchange(root);
    paging_off();
}
