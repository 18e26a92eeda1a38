/*
 * bti.c - branch target identification: each kind of branch to each kind of target, in guarded and other pages, at all
 * levels that have translation; SCTLR_ELx.BT; BTYPE over exceptions.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

/* Branches to x0. */
PIECE(by_br, "br x0");
PIECE(by_br16, "mov x16, x0\n br x16");
PIECE(by_br17, "mov x17, x0\n br x17");
PIECE(by_blr, "blr x0");
PIECE(by_blr16, "mov x16, x0\n blr x16");
PIECE(by_ret, "ret x0");
/* Targets. */
PIECE(to_nop, "nop");
PIECE(to_bti, "hint #32");
PIECE(to_bti_c, "hint #34");
PIECE(to_bti_j, "hint #36");
PIECE(to_bti_jc, "hint #38");
PIECE(to_paciasp, "hint #25");
PIECE(to_pacibsp, "hint #27");
PIECE(to_brk, "brk #1");
PIECE(unguarded_br, "br x0");
PIECE(unguarded_blr, "blr x0");

static const struct {
    const char *name, *code;
    u64 type, unguarded_type;
} branches[] = {{"br", by_br, 3, 1},     {"br x16", by_br16, 1, 1},   {"br x17", by_br17, 1, 1},
                {"blr", by_blr, 2, 2}, {"blr x16", by_blr16, 2, 2}, {"ret", by_ret, 0, 0}};
static const struct {
    const char *name, *code;
    u64 allowed; /* types, BIT(type); bit 4: type 3 is allowed when BT is 0 */
} targets[] = {{"nop", to_nop, 1},          {"bti", to_bti, 1},
               {"bti c", to_bti_c, 7},      {"bti j", to_bti_j, 11},
               {"bti jc", to_bti_jc, 15},   {"paciasp", to_paciasp, 7 | 16},
               {"pacibsp", to_pacibsp, 7 | 16}, {"brk", to_brk, 15}};
enum { BRANCHES = 6, TARGETS = 8 };
enum { ALIAS = 0x80000000 };  /* the program, guarded, at another address */

static void check_one(u64 el, int b, int t, int from_guarded, int bt)
{
    u64 offset = ALIAS - 0x40000000ul, to = (u64)targets[t].code + offset;
    u64 from = (u64)branches[b].code + (from_guarded ? offset : 0);
    u64 type = from_guarded ? branches[b].type : branches[b].unguarded_type;
    u64 level = el >> 2 ? el >> 2 : 1;
    u64 ok = targets[t].allowed >> type & 1;
    if (type == 3 && targets[t].allowed & 16)
        ok = !bt;
    go1(el, (const void *)from, to);
    if (!ok) {
        check_taken(branches[b].name, level, 0xd, type);
        check(targets[t].name, out.elr, to);
        check("BTYPE in SPSR", out.spsr >> 10 & 3, type);
    } else if (targets[t].code == to_brk) {
        check_taken("brk is a target of all", level, 0x3c, 1);
        check("BTYPE in SPSR of brk", out.spsr >> 10 & 3, type);
    } else {
        check_ended(branches[b].name);
        check("BTYPE in SPSR, later", out.spsr >> 10 & 3, 0);
    }
    /* to a page that is not guarded, all goes */
    go1(el, (const void *)from, (u64)targets[t].code);
    if (targets[t].code != to_brk)
        check_ended("to a page that is not guarded");
}

static void check_all(u64 el, int bt)
{
    for (int b = 0; b < BRANCHES; b++) {
        for (int t = 0; t < TARGETS; t++) {
            check_one(el, b, t, 0, bt);
            check_one(el, b, t, 1, bt);
        }
    }
}

PIECE(return_type, "msr spsr_el1, x0\n msr elr_el1, x1\n isb\n eret");

/* What SPSR's BTYPE says holds for the instruction returned to. */
static void check_return(void)
{
    u64 offset = ALIAS - 0x40000000ul;
    for (u64 type = 0; type < 4; type++) {
        for (int t = 0; t < TARGETS - 1; t++) {
            u64 to = (u64)targets[t].code + offset;
            go2(EL1, return_type, EL1 | DAIF | type << 10, to);
            if (targets[t].allowed >> type & 1 || (type == 3 && targets[t].allowed & 16))
                check_ended("return with BTYPE");
            else
                check_taken("return with BTYPE", 1, 0xd, type);
        }
    }
}

void run(void)
{
    struct tables t;
    tables_init(&t, 12, 40, -2, 0);
    tables_map_program(&t, LEAF);
    tables_map(&t, ALIAS, 0x40000000, 1, LEAF | LEAF_GP);
    el1_mmu_on(&t, 0);
    check_all(EL1, 0);
    check_all(EL0, 0);
    check_return();
    wr("sctlr_el1", rd("sctlr_el1") | 1ul << 36); /* BT1 */
    check_all(EL1, 1);
    check_all(EL0, 0);
    wr("sctlr_el1", (rd("sctlr_el1") & ~(1ul << 36)) | 1ul << 35); /* BT0 */
    check_all(EL1, 0);
    check_all(EL0, 1);
    wr("mair_el2", 0xff);
    wr("tcr_el2", 24 | 3 << 12 | 2 << 16);
    wr("ttbr0_el2", t.root);
    wr("sctlr_el2", 1);
    tlb_clear();
    check_all(EL2, 0);
    wr("sctlr_el2", 1 | 1ul << 36);
    check_all(EL2, 1);
}
