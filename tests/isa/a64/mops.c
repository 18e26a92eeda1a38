/*
 * mops.c - memory copy and set: every prologue, main part and epilogue, forwards and backwards, over pages, with faults in
 * the middle that are mended before the instruction goes on, unprivileged forms, refusals.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

/* x0: to, x1: from or byte, x2: number. */
PIECE(copy, "cpyp [x0]!, [x1]!, x2!\n cpym [x0]!, [x1]!, x2!\n cpye [x0]!, [x1]!, x2!");
PIECE(copy_forward, "cpyfp [x0]!, [x1]!, x2!\n cpyfm [x0]!, [x1]!, x2!\n cpyfe [x0]!, [x1]!, x2!");
PIECE(copy_forward_user, "cpyfpt [x0]!, [x1]!, x2!\n cpyfmt [x0]!, [x1]!, x2!\n cpyfet [x0]!, [x1]!, x2!");
PIECE(copy_write_user, "cpypwt [x0]!, [x1]!, x2!\n cpymwt [x0]!, [x1]!, x2!\n cpyewt [x0]!, [x1]!, x2!");
PIECE(fill, "setp [x0]!, x2!, x1\n setm [x0]!, x2!, x1\n sete [x0]!, x2!, x1");
PIECE(fill_zero, "setp [x0]!, x2!, xzr\n setm [x0]!, x2!, xzr\n sete [x0]!, x2!, xzr");
PIECE(fill_user, "setpt [x0]!, x2!, x1\n setmt [x0]!, x2!, x1\n setet [x0]!, x2!, x1");
PIECE(main_b, "mov x5, #0x20000000\n msr nzcv, x5\n .inst 0x1d410440");
PIECE(end_b, "mov x5, #0x20000000\n msr nzcv, x5\n .inst 0x19c18440");
PIECE(same, ".inst 0x1d000440"); /* CPYP with Rd = Rn */

enum { FIRST = 0x80000000, PAGES = 8, SIZE = PAGES * 4096 };
static struct tables t;
static u64 memory; /* where FIRST is mapped to */
static u8 expected[SIZE];

static u8 *seen(u64 offset)
{
    return (u8 *)memory + offset;
}

static void scramble(void)
{
    u32 v = 1;
    for (u32 i = 0; i < SIZE; i += 4) {
        v = v * 1664525 + 1013904223;
        *(u32 *)&expected[i] = v;
        *(u32 *)seen(i) = v;
    }
}

static void compare(const char *what)
{
    for (u32 i = 0; i < SIZE; i += 8) {
        if (*(u64 *)&expected[i] != *(u64 *)seen(i)) {
            check(what, i, SIZE);
            return;
        }
    }
}

static void move_expected(u64 to, u64 from, u64 n)
{
    for (u64 i = 0; i < n; i++) {
        u64 at = to <= from ? i : n - 1 - i;
        expected[to + at] = expected[from + at];
    }
}

/* Whatever is not mapped is mapped when it is asked for. */
static u64 run_mending(u64 el, const char *code, u64 to, u64 from, u64 n)
{
    u64 faults = 0;
    monitor_x[2] = n;
    go2(el, code, to, from);
    while ((out.ec & ~1ul) == 0x24 && faults < 2 * PAGES) {
        u64 page = (out.far - FIRST) >> 12;
        *tables_entry(&t, FIRST + page * 4096, 3, 0) |= 1;
        __asm__ volatile("dsb sy" ::: "memory");
        faults++;
        go(el | (out.spsr & 0xf0000000), (const void *)out.elr);
    }
    return faults;
}

static void hide(u64 pages)
{
    for (u64 i = 0; i < PAGES; i++) {
        u64 *entry = tables_entry(&t, FIRST + i * 4096, 3, 0);
        *entry = (*entry & ~1ul) | !(pages >> i & 1);
    }
    tlb_clear();
}

static void check_copies(u64 el)
{
    static const struct {
        u32 to, from, n, hidden, faults;
    } cases[] = {
        {0, 0x3000, 0x2000, 0, 0},    {5, 0x3001, 0x1fff, 0, 0},   {0x3000, 3, 7, 0, 0},
        {0x100, 0x180, 0x2000, 0, 0}, {0x180, 0x100, 0x2000, 0, 0}, {0x101, 0x100, 0x2345, 0, 0},
        {0x100, 0x101, 0x2345, 0, 0}, {0, 0x4000, 0x4000, 0xff, 8}, {0x4000, 1, 0x3001, 0x22, 2},
        {0x1801, 0x17ff, 0x4000, 0xff, 5}, {0x17ff, 0x1801, 0x4000, 0xff, 5}, {0, 0, 0, 0xff, 0}, {0x1234, 0x1234, 99, 0, 0},
    };
    for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        u64 to = cases[i].to, from = cases[i].from, n = cases[i].n;
        scramble();
        hide(cases[i].hidden);
        move_expected(to, from, n);
        u64 faults = run_mending(el, copy, FIRST + to, FIRST + from, n);
        check_ended("cpy");
        check("faults of cpy", faults, cases[i].faults);
        check("cpy leaves no number", monitor_x[2], 0);
        hide(0);
        compare("cpy's memory");
        int down = from < to && from + n > to;
        check("Xd after cpy", monitor_x[0], FIRST + to + (down ? 0 : n));
        check("Xs after cpy", monitor_x[1], FIRST + from + (down ? 0 : n));
        if (down)
            continue;
        scramble();
        hide(cases[i].hidden);
        move_expected(to, from, n);
        run_mending(el, copy_forward, FIRST + to, FIRST + from, n);
        check_ended("cpyf");
        hide(0);
        compare("cpyf's memory");
    }
}

static void check_fills(u64 el)
{
    static const u32 cases[][4] = {{0, 0x8000, 0, 0}, {3, 0x2ffb, 0, 0}, {0x7fff, 1, 0x80, 1}, {0x801, 0x5000, 0xff, 6},
                                   {5, 0, 0xff, 0}};
    for (u32 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int zeroes = 0; zeroes < 2; zeroes++) {
            u64 to = cases[i][0], n = cases[i][1];
            scramble();
            hide(cases[i][2]);
            for (u64 k = 0; k < n; k++)
                expected[to + k] = zeroes ? 0 : 0xa5;
            u64 faults = run_mending(el, zeroes ? fill_zero : fill, FIRST + to, 0x77a5, n);
            check_ended("set");
            check("faults of set", faults, cases[i][3]);
            check("Xd after set", monitor_x[0], FIRST + to + n);
            check("Xn after set", monitor_x[2], 0);
            hide(0);
            compare("set's memory");
        }
    }
}

/* The first fault of a copy: registers tell what is done, WnR which side it was. */
static void check_fault(void)
{
    scramble();
    hide(1 << 5);
    monitor_x[2] = 0x2000;
    go2(EL1, copy, FIRST, FIRST + 0x4800);
    check_taken("a page of the source is away", 1, 0x25, 7);
    check("far", out.far, FIRST + 0x5000);
    check("Xn", monitor_x[2], -0x1800ul);
    check("Xd", monitor_x[0], FIRST + 0x2000);
    monitor_x[2] = 0x1000;
    go2(EL1, copy, FIRST + 0x4c00, FIRST);
    check_taken("a page of the target is away", 1, 0x25, 7 | 1 << 6);
    check("far", out.far, FIRST + 0x5000);
    check("Xn", monitor_x[2], -0xc00ul);
    hide(0);
}

static void check_rights(void)
{
    for (u64 i = 0; i < PAGES; i++)
        *tables_entry(&t, FIRST + i * 4096, 3, 0) &= i < 4 ? ~0ul : ~LEAF_EL0;
    tlb_clear();
    monitor_x[2] = 0x100;
    go2(EL1, copy_forward_user, FIRST + 0x4000, FIRST);
    check_taken("cpyfpt writes as EL0", 1, 0x25, 0xf | 1 << 6);
    monitor_x[2] = 0x100;
    go2(EL1, copy_forward_user, FIRST, FIRST + 0x4000);
    check_taken("cpyfpt reads as EL0", 1, 0x25, 0xf);
    monitor_x[2] = 0x100;
    go2(EL1, copy_write_user, FIRST, FIRST + 0x4000);
    check_ended("cpypwt reads as EL1");
    monitor_x[2] = 0x100;
    go2(EL1, fill_user, FIRST + 0x4000, 0);
    check_taken("setpt writes as EL0", 1, 0x25, 0xf | 1 << 6);
    monitor_x[2] = 0x100;
    go2(EL1, fill, FIRST + 0x4000, 0);
    check_ended("setp writes as EL1");
    for (u64 i = 0; i < PAGES; i++)
        *tables_entry(&t, FIRST + i * 4096, 3, 0) |= LEAF_EL0;
    tlb_clear();
}

static void check_refusals(void)
{
    monitor_x[2] = 16;
    go2(EL1, main_b, FIRST, FIRST + 64);
    check_taken("option B's main part", 1, 0x27, 3 << 16 | 0 << 10 | 1 << 5 | 2);
    monitor_x[2] = 16;
    go2(EL1, end_b, FIRST, 1);
    check_taken("option B's epilogue", 1, 0x27, 1 << 24 | 7 << 16 | 0 << 10 | 1 << 5 | 2);
    go(EL1, same);
    check_taken("one register twice", 1, 0, 0);
    wr("sctlr_el1", rd("sctlr_el1") & ~(1ul << 33));
    monitor_x[2] = 16;
    go2(EL0, copy, FIRST, FIRST + 64);
    check_taken("EL0 without MSCEn", 1, 0, 0);
    monitor_x[2] = 16;
    go2(EL1, copy, FIRST, FIRST + 64);
    check_ended("EL1 without MSCEn");
    monitor_x[2] = ~0ul;
    go2(EL1, copy, FIRST, FIRST + 0x100000000);
    check("sizes saturate", out.ec, 0x25);
    check("sizes saturate", monitor_x[2], -0x7ffffffffffffful);
}

void run(void)
{
    tables_init(&t, 12, 40, -2, 0);
    tables_map_program(&t, LEAF);
    memory = take_memory(SIZE);
    for (u64 i = 0; i < PAGES; i++)
        tables_map(&t, FIRST + i * 4096, memory + i * 4096, 3, LEAF | LEAF_EL0);
    wr("sctlr_el1", rd("sctlr_el1") | 1ul << 33);
    el1_mmu_on(&t, 0);
    for (u64 el = EL0; el <= EL1; el += EL1) {
        check_copies(el);
        check_fills(el);
    }
    check_fault();
    check_rights();
    check_refusals();
}
