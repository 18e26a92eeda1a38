/*
 * monitor.c - see monitor.h.
 */
#include "monitor.h"

struct outcome out;
u64 monitor_x[31], monitor_vector;
extern const char vectors_el1[], vectors_el2[];
void monitor_go(u64 spsr, u64 pc);
void main_of_monitor(void);
void monitor_failed(void);

static u64 failures, memory_next;
enum { MOST_FAILURES = 12, FIRST_MEMORY = 0x42000000 };

/* ---- Telling ----------------------------------------------------------------------------------- */

void say(const char *text)
{
    for (; *text; text++)
        *(volatile u32 *)0x09000000 = (u8)*text;
}

void say_hex(u64 v)
{
    char text[17];
    int digits = 1;
    while (digits < 16 && v >> (4 * digits))
        digits++;
    for (int i = 0; i < digits; i++)
        text[digits - 1 - i] = "0123456789abcdef"[v >> (4 * i) & 15];
    text[digits] = 0;
    say(text);
}

static void say_field(const char *name, u64 v)
{
    say(name);
    say_hex(v);
}

static void say_outcome(void)
{
    say_field(" [to EL", out.level);
    say_field(" vector ", out.vector);
    say_field(" ec ", out.ec);
    say_field(" iss ", out.iss);
    say_field(" elr ", out.elr);
    say_field(" spsr ", out.spsr);
    say_field(" far ", out.far);
    say_field(" hpfar ", out.hpfar);
    say_field(" x0 ", monitor_x[0]);
    say("]\n");
}

static int failed(const char *what)
{
    if (++failures > MOST_FAILURES)
        return 0;
    say(what);
    return 1;
}

void check(const char *what, u64 got, u64 want)
{
    if (got == want || !failed(what))
        return;
    say_field(": ", got);
    say_field(", not ", want);
    say_outcome();
}

void check_ended(const char *what)
{
    if (!ended() && failed(what))
        say_outcome();
}

void check_taken(const char *what, u64 level, u64 ec, u64 iss)
{
    if ((out.level == level && out.ec == ec && out.iss == iss) || !failed(what))
        return;
    say_field(": wants EL", level);
    say_field(" ec ", ec);
    say_field(" iss ", iss);
    say_outcome();
}

/* ---- Down and back ----------------------------------------------------------------------------- */

/* The exception was one of EL1 or EL2 when EL3's is the SMC of a vector there. */
static void look(void)
{
    u64 esr = rd("esr_el3"), n = esr & 0xffff, level = 3, esr2 = rd("esr_el2");
    if (!(monitor_vector & 0x180) && esr >> 26 == 0x17 && (n & 0xf000) == 0xe000)
        level = n >> 8 & 3;
    if (level == 2 && esr2 >> 26 == 0x17 && (esr2 & 0xff00) == 0xe100) { /* HCR_EL2.TSC */
        n = esr2 & 0xffff;
        level = 1;
    }
    out.level = level;
    out.vector = level == 3 ? monitor_vector : (n & 15) << 7;
    out.hpfar = rd("hpfar_el2");
    switch (level) {
    case 1:
        out = (struct outcome){.level = 1, .vector = out.vector, .esr = rd("esr_el1"), .elr = rd("elr_el1"),
                               .spsr = rd("spsr_el1"), .far = rd("far_el1"), .hpfar = out.hpfar};
        break;
    case 2:
        out = (struct outcome){.level = 2, .vector = out.vector, .esr = rd("esr_el2"), .elr = rd("elr_el2"),
                               .spsr = rd("spsr_el2"), .far = rd("far_el2"), .hpfar = out.hpfar};
        break;
    default:
        out.esr = esr;
        out.elr = rd("elr_el3");
        out.spsr = rd("spsr_el3");
        out.far = rd("far_el3");
    }
    out.ec = out.esr >> 26 & 63;
    out.iss = out.esr & 0x1ffffff;
}

void go_unmasked(u64 pstate, const void *code)
{
    __asm__ volatile("dsb sy; isb" ::: "memory");
    monitor_go(pstate, (u64)code);
    __asm__ volatile("" ::: "memory");
    look();
}

void go(u64 pstate, const void *code)
{
    go_unmasked(pstate | DAIF, code);
}

void go1(u64 pstate, const void *code, u64 x0)
{
    monitor_x[0] = x0;
    go(pstate, code);
}

void go2(u64 pstate, const void *code, u64 x0, u64 x1)
{
    monitor_x[1] = x1;
    go1(pstate, code, x0);
}

int ended(void)
{
    return out.ec == 0x15 && out.iss == END;
}

void tlb_clear(void)
{
    __asm__ volatile("dsb sy; tlbi alle1; tlbi alle2; tlbi alle3; dsb sy; isb" ::: "memory");
}

void monitor_reset(void)
{
    wr("scr_el3", 0x731 | 3ul << 16 | 1ul << 28);      /* NS, HCE, RES1, RW; APK, API, ECVEN */
    wr("cptr_el3", 0);
    wr("mdcr_el3", 0);
    wr("hcr_el2", 1ul << 31 | 3ul << 40);               /* RW, APK, API */
    wr("cptr_el2", 0x33ff);
    wr("mdcr_el2", 0);
    wr("hstr_el2", 0);
    wr("cnthctl_el2", 3);
    wr("sctlr_el2", 0);
    wr("sctlr_el1", 1 << 26 | 1 << 18 | 1 << 16 | 1 << 15 | 1 << 14 | 1 << 9);
    wr("cpacr_el1", 3 << 20);
    wr("cntkctl_el1", 0x303);
    wr("pmuserenr_el0", 15);
    wr("mdscr_el1", 0);
    wr("oslar_el1", 0);
    wr("tcr_el1", 0);
    wr("tcr_el2", 0);
    wr("vtcr_el2", 1ul << 31);
    wr("vttbr_el2", 0);
    wr("ttbr0_el1", 0);
    wr("vbar_el1", vectors_el1);
    wr("vbar_el2", vectors_el2);
    wr("sp_el0", 0x41000000);
    wr("sp_el1", 0x41010000);
    wr("sp_el2", 0x41020000);
    tlb_clear();
}

/* From the vector: the program itself did something wrong. */
void monitor_failed(void)
{
    say_field("bad: exception in the monitor: esr ", rd("esr_el3"));
    say_field(" elr ", rd("elr_el3"));
    say_field(" far ", rd("far_el3"));
    say("\n");
    for (;;)
        __asm__ volatile("wfi");
}

void main_of_monitor(void)
{
    release_memory();
    monitor_reset();
    run();
    if (failures)
        say_field("bad ", failures);
    say(failures ? "\n" : "ok\n");
    for (;;)
        __asm__ volatile("wfi");
}

/* ---- Translation tables ------------------------------------------------------------------------ */

u64 take_memory(u64 size)
{
    u64 at = memory_next;
    size = (size + 0xffff) & ~0xfffful;
    memory_next += size;
    for (u64 i = 0; i < size; i += 64)
        __asm__ volatile("stp xzr, xzr, [%0]\n stp xzr, xzr, [%0, #16]\n stp xzr, xzr, [%0, #32]\n"
                         "stp xzr, xzr, [%0, #48]" ::"r"(at + i)
                         : "memory");
    return at;
}

void release_memory(void)
{
    memory_next = FIRST_MEMORY;
}

u64 tables_shift(const struct tables *t, int level)
{
    return t->granule + (u64)(3 - level) * (t->granule - 3);
}

void tables_init(struct tables *t, u32 granule, u32 input, int start, int ds)
{
    *t = (struct tables){.granule = granule, .input = input, .start = start, .ds = ds};
    if (start == -2)
        t->start = 3 - (int)((input - 1 - granule) / (granule - 3));
    u64 bytes = 8ul << (input - tables_shift(t, t->start));
    if (bytes > 65536) /* tables in a row are aligned to all of them */
        memory_next = (memory_next + bytes - 1) & -bytes;
    t->root = take_memory(bytes < 65536 ? 65536 : bytes);
}

static u64 address_bits(const struct tables *t, u64 pa)
{
    u64 low = pa & 0xffffffffffff & ~((1ul << t->granule) - 1);
    if (t->ds)
        return (pa & 0x3ffffffffffff & ~((1ul << t->granule) - 1)) | (pa >> 50 & 3) << 8;
    return low | (t->granule == 16 ? (pa >> 48 & 15) << 12 : 0);
}

u64 *tables_entry(struct tables *t, u64 va, int level, u64 table_attributes)
{
    u64 table = t->root, bits = t->input - tables_shift(t, t->start);
    for (int at = t->start;; at++) {
        u64 *entry = (u64 *)table + (va >> tables_shift(t, at) & ((1ul << bits) - 1));
        if (at == level)
            return entry;
        if (!(*entry & 1))
            *entry = take_memory(1ul << t->granule) | 3;
        *entry |= table_attributes;
        table = *entry & 0xffffffffffff & ~((1ul << t->granule) - 1);
        bits = t->granule - 3;
    }
}

void tables_map(struct tables *t, u64 va, u64 pa, int level, u64 attributes)
{
    if (t->ds) /* shareability is TCR's */
        attributes &= ~(3ul << 8);
    *tables_entry(t, va, level, 0) = address_bits(t, pa) | attributes | (level == 3 ? 3 : 1);
}

void tables_map_program(struct tables *t, u64 attributes)
{
    int level = t->granule == 12 ? 1 : 2;
    u64 size = 1ul << tables_shift(t, level);
    for (u64 at = 0x40000000; at < 0x48000000; at += size)
        tables_map(t, at, at, level, attributes);
}

/* T0SZ, TG0, IRGN0, ORGN0, SH0, EPD1, IPS, DS. */
u64 tcr_of(const struct tables *t)
{
    u64 granule = t->granule == 12 ? 0 : t->granule == 14 ? 2 : 1;
    return (64 - t->input) | 1 << 8 | 1 << 10 | 3 << 12 | granule << 14 | 1 << 23 | (t->ds ? 6ul : 5ul) << 32 |
           (u64)t->ds << 59;
}

void el1_mmu_on(const struct tables *t, u64 more)
{
    wr("mair_el1", 0x44ff00ff); /* 0, 2: write-back; 1: nGnRnE; 3: not cached */
    wr("tcr_el1", tcr_of(t) | more);
    wr("ttbr0_el1", t->root);
    wr("sctlr_el1", rd("sctlr_el1") | 1);
    tlb_clear();
}
