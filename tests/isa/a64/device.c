/*
 * device.c - Device memory by stage 1, by stage 2 and with both off: what is not aligned faults, DC ZVA faults, what is
 * aligned does not; accesses that cross from one kind into another; all of it is where RAM is, so Normal memory at the same place takes everything.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

/* x0: address. */
PIECE(load8, "ldr x1, [x0]");
PIECE(load4, "ldr w1, [x0]");
PIECE(load1, "ldrb w1, [x0]");
PIECE(store8, "str x1, [x0]");
PIECE(store2, "strh w1, [x0]");
PIECE(pair, "ldp x1, x2, [x0]");
PIECE(load_user, "ldtr x1, [x0]");
PIECE(load16, "ldr q1, [x0]");
PIECE(store16, "str q1, [x0]");
PIECE(bytes, "ld1 {v1.16b, v2.16b}, [x0]");
PIECE(store_bytes, "st1 {v1.16b}, [x0]");
PIECE(words, "ld1 {v1.4s}, [x0]");
PIECE(exclusive, "1: ldxr x1, [x0]\n stxr w2, x1, [x0]\n cbnz w2, 1b");
PIECE(add, "mov x1, #1\n ldadd x1, x2, [x0]");
PIECE(zero, "dc zva, x0");

static const struct {
    const char *name, *code;
    u64 unit; /* alignment that it needs; 0: never right */
    u64 write;
} cases[] = {
    {"ldr x", load8, 8, 0},       {"ldr w", load4, 4, 0},        {"ldrb", load1, 1, 0},
    {"str x", store8, 8, 1},      {"strh", store2, 2, 1},        {"ldp", pair, 8, 0},
    {"ldtr", load_user, 8, 0},    {"ldr q", load16, 16, 0},      {"str q", store16, 16, 1},
    {"ld1 16b", bytes, 1, 0},     {"st1 16b", store_bytes, 1, 1}, {"ld1 4s", words, 4, 0},
    {"ldxr", exclusive, 8, 0},    {"ldadd", add, 8, 1},          {"dc zva", zero, 0, 1},
};
enum { AT = 0x80001000, OFFSETS = 17 };

static void check_one(u32 n, u64 address, int device)
{
    u64 unit = cases[n].unit;
    int faults = device && (!unit || address & (unit - 1));
    if (!device && (n == 12 || n == 13) && address & 15) /* LSE2 or not: not what is looked at */
        return;
    go1(EL1, cases[n].code, address);
    if (!faults) {
        check_ended(cases[n].name);
        return;
    }
    check(cases[n].name, out.ec, 0x25);
    check(cases[n].name, out.iss & 0x3f, 0x21);
    check(cases[n].name, out.iss >> 6 & 1, cases[n].write);
    check(cases[n].name, out.far, address);
    check(cases[n].name, out.level, 1);
}

static void check_all(u64 address, int device)
{
    for (u32 n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        for (u64 i = 0; i < OFFSETS; i++)
            check_one(n, address + i, device);
    }
}

/* Over the end of a page, where either is Device memory: the address that faults is the first byte there. */
static void check_crossing(u64 end, int first, int second)
{
    static const u8 sizes[] = {8, 4, 1, 8, 2, 16, 8, 16, 16, 32, 16, 16};
    for (u32 n = 0; n < sizeof(sizes); n++) {
        for (u64 before = 1; before < sizes[n] && before < 16; before++) {
            go1(EL1, cases[n].code, end - before);
            if (!(before & (cases[n].unit - 1)) || !(first || second)) {
                check_ended(cases[n].name);
                continue;
            }
            check(cases[n].name, out.ec, 0x25);
            check(cases[n].name, out.iss & 0x3f, 0x21);
            check(cases[n].name, out.iss >> 6 & 1, cases[n].write);
            check(cases[n].name, out.far, first ? end - before : end);
        }
    }
}

void run(void)
{
    struct tables t, s2;
    monitor_reset();
    wr("cptr_el3", 0);
    u64 memory = take_memory(0x10000);
    check_all(memory, 1); /* stage 1 is off */

    tables_init(&t, 12, 39, -2, 0);
    tables_map_program(&t, LEAF);
    static const u64 attributes[] = {0, 1, 3, 4, 5};
    for (int i = 0; i < 5; i++)
        tables_map(&t, AT + 4096 * i, memory, 3, LEAF | LEAF_EL0 | attributes[i] << 2);
    el1_mmu_on(&t, 0);
    wr("mair_el1", 0x0c0444ff00ff); /* 1: nGnRnE, 3: not cached, 4: nGnRE, 5: GRE */
    tlb_clear();
    for (int i = 0; i < 5; i++)
        check_all(AT + 4096 * i, attributes[i] == 1 || attributes[i] >= 4);
    check_crossing(AT + 4096, 0, 1);
    check_crossing(AT + 2 * 4096, 1, 0);
    check_crossing(AT + 3 * 4096, 0, 1);
    check_crossing(AT + 4 * 4096, 1, 1);
    tables_map(&t, AT + 4096, memory, 3, LEAF | LEAF_EL0);
    tlb_clear();
    check_crossing(AT + 4096, 0, 0);

    /* Normal of stage 1 is Device by stage 2. */
    tables_init(&s2, 12, 40, 1, 0);
    for (u64 at = 0; at < 0x100000000; at += 0x40000000)
        tables_map(&s2, at, at, 1, LEAF | 3 << 6 | 15 << 2);
    tables_map(&t, AT, 0x140000000, 3, LEAF | LEAF_EL0);
    tables_map(&t, AT + 4096, 0x140001000, 3, LEAF | LEAF_EL0);
    tables_map(&s2, 0x140000000, memory, 3, 1ul << 10 | 3 << 6 | 1 << 2);
    tables_map(&s2, 0x140001000, memory, 3, LEAF | 3 << 6 | 15 << 2);
    wr("vtcr_el2", (64 - 40) | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 5ul << 16 | 1ul << 31);
    wr("vttbr_el2", s2.root);
    wr("hcr_el2", rd("hcr_el2") | 1);
    tlb_clear();
    check_all(AT, 1);
    check_all(AT + 4096, 0);
    wr("hcr_el2", rd("hcr_el2") & ~1ul);
}
