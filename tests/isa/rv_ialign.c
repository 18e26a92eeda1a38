/*
 * rv_ialign.c - a CPU without compressed instructions: targets are multiples of four, and who jumps elsewhere traps there
 * and then, with nothing written (unprivileged manual, "Control Transfer Instructions"; misa, mepc).
 */
// march: g_zicsr_zifencei
// cpu: ,c=off
#include "test.h"

const char test_name[] = "rv_ialign";

/* Each jumps, or not, to a place two bytes off, with its link in a1, which must stay 5; pc is that of `at`. */
#define JUMP(name, text)                                                                           \
    extern char name##_at[];                                                                       \
    static word name(word a)                                                                       \
    {                                                                                              \
        register word a0 __asm__("a0") = a;                                                        \
        register word a1 __asm__("a1") = 5;                                                        \
        __asm__ volatile(".option push\n.option norelax\nla a2, " #name "_at\nli a3, -1\n"         \
                         ".globl " #name "_at\n" #name "_at: " text "\n.option pop"                \
                         : "+r"(a0), "+r"(a1)::"a2", "a3", "ra", "memory");                        \
        return a1;                                                                                 \
    }
JUMP(do_jal, ".insn j 0x6f, a1, . + 6")
JUMP(do_jalr, "jalr a1, 6(a2)")
JUMP(do_jalr_odd, "jalr a1, 7(a2)")
JUMP(do_jalr_low, "jalr a1, 5(a2)\nnop") /* the lowest bit goes: a multiple of four */
JUMP(do_beq, ".insn b 0x63, 0, x0, x0, . + 6")
JUMP(do_bne, ".insn b 0x63, 1, a3, x0, . + 6")
JUMP(do_blt, ".insn b 0x63, 4, a3, x0, . + 6")
JUMP(do_bge, ".insn b 0x63, 5, x0, a3, . - 6")
JUMP(do_bltu, ".insn b 0x63, 6, x0, a3, . + 6")
JUMP(do_bgeu, ".insn b 0x63, 7, a3, x0, . - 6")
JUMP(not_beq, ".insn b 0x63, 0, a3, x0, . + 6")
JUMP(not_bltu, ".insn b 0x63, 6, a3, x0, . + 6")

static const struct {
    access_fn *fn;
    char *at;
    int offset; /* 0: does not trap */
} rows[] = {
    {do_jal, do_jal_at, 6},   {do_jalr, do_jalr_at, 6}, {do_jalr_odd, do_jalr_odd_at, 6}, {do_jalr_low, 0, 0},
    {do_beq, do_beq_at, 6},   {do_bne, do_bne_at, 6},   {do_blt, do_blt_at, 6},           {do_bge, do_bge_at, -6},
    {do_bltu, do_bltu_at, 6}, {do_bgeu, do_bgeu_at, -6}, {not_beq, 0, 0},                 {not_bltu, 0, 0},
};

/* The handler goes on after the jump instead of at ra, to see what it left. */
static word frame_link;

static void go_on(word *frame)
{
    machine.count++;
    machine.cause = csr_read(mcause);
    machine.value = csr_read(mtval);
    machine.pc = frame[0];
    frame_link = frame[11];
    frame[0] += 4;
}

static void jumps(void)
{
    machine_hook = go_on;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned mode = U; mode <= M; mode += mode == S ? 2 : 1) {
            for (unsigned again = 0; again < 3; again++) {
                CHECK(try(mode, rows[i].fn, i), rows[i].offset ? FETCH_MISALIGNED : NO_TRAP);
                if (!rows[i].offset)
                    continue;
                CHECK(machine.count, 1);
                CHECK_WORD(machine.pc, (word)rows[i].at);
                CHECK_WORD(machine.value, (word)rows[i].at + (word)rows[i].offset);
                CHECK(frame_link, 5);
                CHECK(result, 5);
            }
        }
    }
}

static word short_nop(word a)
{
    __asm__ volatile(".2byte 0x0001, 0x0001" ::: "memory");
    return a;
}

static void registers(void)
{
    CHECK(csr_read(misa) >> 2 & 1, 0);
    csr_write(mepc, ~(word)0);
    CHECK_WORD(csr_read(mepc), ~(word)3);
    csr_write(sepc, ~(word)0);
    CHECK_WORD(csr_read(sepc), ~(word)3);
}

void test_run(void)
{
    registers();
    jumps();
    CHECK(try(M, short_nop, 0), ILLEGAL); /* 16 bits are no instruction */
    machine_hook = 0;
    CHECK(try(S, do_call, (word)page[0] + 2), FETCH_MISALIGNED);
    CHECK_WORD(machine.value, (word)page[0] + 2);
}
