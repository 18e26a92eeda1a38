/*
 * rv_fetch.c - where instructions lie: over two pages that memory does not have side by side, with either missing,
 * forbidden, moved or changed; at the last place before a page that must not be looked at; the ends of memory.
 */
#include "test.h"

const char test_name[] = "rv_fetch";

enum { RET = 0x8082, NOP_SHORT = 0x0001 };
static const struct paging *mode;
static word *root;
static volatile word *low_entry, *high_entry;
static volatile u8 *low, *high;
static const word edge = 0x40003000;

static void map(word low_flags, word high_flags)
{
    *low_entry = pte((void *)low, low_flags);
    *high_entry = pte((void *)high, high_flags);
    sfence();
}

/* The halfwords of `code` to both sides of the edge, `before` of them on the low page. */
static void place(const u16 *code, unsigned count, unsigned before)
{
    for (unsigned i = 0; i < count; i++) {
        volatile u8 *at = i < before ? low + 4096 - 2 * (before - i) : high + 2 * (i - before);
        *(volatile u16 *)at = code[i];
    }
    fence_i();
}

static u32 li(unsigned n) /* addi a0, x0, n */
{
    return n << 20 | 0x513;
}

static void place_li(unsigned n)
{
    const u16 code[] = {(u16)li(n), (u16)(li(n) >> 16), RET};
    place(code, 3, 1);
}

/* The cause, what mtval and mepc say of a fetch that fails. */
static void fails(int line, word at, word cause, word value, word pc)
{
    check_at(line, "cause", try(S, do_call, at), cause);
    check_at(line, "value", machine.value, value);
    check_at(line, "pc", machine.pc, pc);
}
#define FAILS(...) fails(__LINE__, __VA_ARGS__)

static void returns(int line, word at, word expected)
{
    check_at(line, "trap", try(S, do_call, at), NO_TRAP);
    check_at(line, "result", result, expected);
}
#define RETURNS(...) returns(__LINE__, __VA_ARGS__)

static void split(void)
{
    static const word bad[] = {0, PTE_RW, PTE_RWX | PTE_U, PTE_RWX & ~(word)PTE_A, PTE_V | PTE_W | PTE_X};
    for (unsigned n = 0; n < 20; n++) {
        place_li(n);
        map(PTE_RWX, PTE_RWX);
        RETURNS(edge - 2, n);
    }
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        map(PTE_RWX, bad[i]); /* the part that fails is mtval's, the instruction is mepc's */
        FAILS(edge - 2, FETCH_PAGE, edge, edge - 2);
        map(bad[i], PTE_RWX);
        FAILS(edge - 2, FETCH_PAGE, edge - 2, edge - 2);
        map(bad[i], bad[i]);
        FAILS(edge - 2, FETCH_PAGE, edge - 2, edge - 2);
        map(PTE_RWX, PTE_RWX);
        RETURNS(edge - 2, 19);
    }
}

/* Nothing of the next page is needed by what ends on this one. */
static void last_place(void)
{
    const u16 one[] = {RET};
    map(PTE_RWX, 0);
    place(one, 1, 1);
    RETURNS(edge - 2, edge - 2); /* do_call passes the address in a0 */
    const u16 wide[] = {(u16)li(5), (u16)(li(5) >> 16), RET};
    place(wide, 3, 3);
    RETURNS(edge - 6, 5);
    const u16 falls[] = {NOP_SHORT, NOP_SHORT, NOP_SHORT};
    place(falls, 3, 3);
    FAILS(edge - 6, FETCH_PAGE, edge, edge); /* only when it is reached */
    const u16 branch[] = {0x4501, 0xc119, NOP_SHORT}; /* li a0, 0; beqz a0, +6: over the missing page's begin */
    place(branch, 2, 2);
    FAILS(edge - 4, FETCH_PAGE, edge + 4, edge + 4);
}

/* One page after another under the second half, then under the first: by the table, and by its contents. */
static void moved(void)
{
    static volatile u8 *const pages[] = {page[3], page[7], page[12]};
    volatile u8 *kept_low = low, *kept_high = high;
    for (unsigned i = 0; i < 3; i++) {
        high = pages[i];
        const u16 code[] = {(u16)li(0), (u16)(li(100 + i) >> 16), RET};
        place(code, 3, 1);
    }
    for (unsigned i = 0; i < 30; i++) {
        high = pages[i % 3];
        *high_entry = pte((void *)high, PTE_RWX);
        if (i % 2)
            sfence();
        else
            sfence_at(edge);
        RETURNS(edge - 2, 100 + i % 3);
    }
    high = kept_high;
    const u16 rest[] = {0, (u16)(li(77) >> 16), RET};
    place(rest, 3, 1);
    low = pages[0];
    *(volatile u16 *)(low + 4094) = 0x513;
    low = pages[1];
    *(volatile u16 *)(low + 4094) = 0x593; /* addi a1, x0, .. */
    fence_i();
    for (unsigned i = 0; i < 20; i++) {
        low = pages[i % 2];
        map(PTE_RWX, PTE_RWX);
        RETURNS(edge - 2, i % 2 ? edge - 2 : 77);
    }
    low = kept_low;
    map(PTE_RWX, PTE_RWX);
}

/* A block that runs on over the edge: the second page's right goes while the first is known well. */
static void runs_over(void)
{
    const u16 code[] = {0x0505, 0x0505, 0x0505, 0x0505, 0x0505, RET}; /* c.addi a0, 1 */
    map(PTE_RWX, PTE_RWX);
    place(code, 6, 3);
    for (unsigned i = 0; i < 50; i++)
        RETURNS(edge - 6, edge - 1);
    map(PTE_RWX, PTE_RW);
    FAILS(edge - 6, FETCH_PAGE, edge, edge);
    map(PTE_RWX, PTE_RWX);
    RETURNS(edge - 6, edge - 1);
    const u16 changed[] = {0x0505, 0x0505, 0x0505, 0x0509, 0x0505, RET}; /* + 2 */
    place(changed, 6, 3);
    RETURNS(edge - 6, edge);
}

/* Svadu sets A on both pages of an instruction, and never D. */
static void accessed(void)
{
    place_li(9);
    menvcfg_set(menvcfg_get() | ENVCFG_ADUE);
    map(PTE_V | PTE_X, PTE_V | PTE_X);
    RETURNS(edge - 2, 9);
    CHECK(*low_entry & (PTE_A | PTE_D), PTE_A);
    CHECK(*high_entry & (PTE_A | PTE_D), PTE_A);
    menvcfg_set(menvcfg_get() & ~ENVCFG_ADUE);
}

/* A loop over the edge, wherever in it that is. */
__asm__(".option push\n.option rvc\nloop: c.li a0, 31\nc.li a1, 0\n1: c.addi a1, 3\naddi a0, a0, -1\nbgtz a0, 1b\n"
        "c.mv a0, a1\nc.jr ra\nloop_end:\n.option pop");
extern const u16 loop[], loop_end[];

static void to_and_fro(void)
{
    unsigned count = (unsigned)(loop_end - loop);
    map(PTE_RWX, PTE_RWX);
    for (unsigned before = 1; before < count; before++) {
        place(loop, count, before);
        RETURNS(edge - 2 * before, 93);
        map(PTE_RWX, PTE_RW); /* the loop has run: it is not known too well */
        CHECK(try(S, do_call, edge - 2 * before), FETCH_PAGE);
        map(PTE_RWX, PTE_RWX);
    }
}

/* Without translation: RAM's last halfword, and an instruction that only begins there. */
static void end_of_memory(void)
{
    word end = 0x84000000;
    volatile u16 *last = (volatile u16 *)(end - 2);
    *last = RET;
    fence_i();
    CHECK(try(M, do_call, end - 2), NO_TRAP);
    *last = NOP_SHORT;
    fence_i();
    CHECK(try(M, do_call, end - 2), FETCH_ACCESS);
    CHECK(machine.value, end);
    CHECK(machine.pc, end);
    *last = (u16)li(0);
    fence_i();
    CHECK(try(M, do_call, end - 2), FETCH_ACCESS);
    CHECK(machine.value, end);
    CHECK(machine.pc, end - 2);
}

void test_run(void)
{
    static const struct paging *const modes[] = {&sv39, &sv48, &sv57};
    for (unsigned i = 0; i < (RV64 ? 3 : 1); i++) {
        mode = RV64 ? modes[i] : &sv32;
        root = paging_new(mode, PTE_RWX);
        menvcfg_set(menvcfg_get() & ~ENVCFG_ADUE);
        low = page[9], high = page[4];
        low_entry = paging_entry(mode, root, edge - 4096, 0);
        high_entry = paging_entry(mode, root, edge, 0);
        paging_on(mode, root);
        split();
        last_place();
        moved();
        runs_over();
        accessed();
        to_and_fro();
        paging_off();
    }
    end_of_memory();
}
