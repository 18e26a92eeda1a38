/*
 * sysregs.c - every system register and system instruction, read and written at every level: whether it is there for that
 * level, and where each control bit sends the access, by tests/isa/a64_sysregs.py's rules.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
// generated: a64_sysregs.py
#include "monitor.h"

struct row {
    const char *name;
    u32 word; /* of MSR or SYS, register 0 */
    u8 read, write, kind, number;
};
enum { NOBODY = 9 };
struct rule {
    u16 row;
    u8 configuration, els, directions, to;
};
#include "a64_sysregs.h"
enum { ROWS = sizeof(rows) / sizeof(rows[0]), RULES = sizeof(rules) / sizeof(rules[0]), OPEN = 255 };
enum { ZONE = 0x41800000 };

static u32 code[ROWS][2][4];
static u64 values[ROWS];
static u8 trapped[ROWS][2][3]; /* by the configuration in force: level */
static const u64 states[] = {EL0, EL1, EL2, EL3T};

static int is_operation(u32 r)
{
    return (rows[r].word >> 19 & 3) == 1;
}

static int exists(u32 r)
{
    u64 dfr0 = rd("id_aa64dfr0_el1"), pfr0 = rd("id_aa64pfr0_el1");
    switch (rows[r].kind) {
    case 1: return (pfr0 >> 4 & 15) == 2;
    case 2: return rows[r].number <= (dfr0 >> 12 & 15);
    case 3: return rows[r].number <= (dfr0 >> 20 & 15);
    default: return 1;
    }
}

static u64 syndrome(u32 r, int write)
{
    u32 w = rows[r].word;
    return (w >> 19 & 3) << 20 | (w >> 5 & 7) << 17 | (w >> 16 & 7) << 14 | (w >> 12 & 15) << 10 | (w >> 8 & 15) << 1 | (u64)!write;
}

static void tell(const char *what, u32 r, u64 el, int write, u64 want)
{
    static char text[96];
    char *p = text;
    for (const char *s = rows[r].name; *s && p < text + 60; s++)
        *p++ = *s;
    for (const char *s = write ? " written at EL" : " read at EL"; *s; s++)
        *p++ = *s;
    *p++ = (char)('0' + el);
    *p++ = ' ';
    for (const char *s = what; *s && p < text + 94; s++)
        *p++ = *s;
    *p = 0;
    check(text, out.level << 8 | out.ec, want);
}

/* DC ZVA got as far as memory, which is all Device memory here: an alignment fault. */
static int reached_device(u32 r)
{
    return rows[r].word == 0xd50b7420 && (out.ec == 0x24 || out.ec == 0x25) && (out.iss & 0x3f) == 0x21;
}

static void check_access(u32 r, u64 el, int write)
{
    u64 least = write ? rows[r].write : rows[r].read, to = el < 3 ? trapped[r][write][el] : 0, own = el ? el : 1;
    go1(states[el], code[r][write], write ? values[r] : 0);
    if (least > el || !exists(r)) {
        if (out.level != own || out.ec)
            tell("is not undefined", r, el, write, own << 8);
    } else if (to) {
        if (out.level != to || out.ec != 0x18 || out.iss != syndrome(r, write))
            tell("is not trapped", r, el, write, to << 8 | 0x18);
    } else if (!ended() && !reached_device(r)) {
        tell("is refused", r, el, write, own << 8 | 0x15);
    }
}

/* CNTPS_* is secure EL1's, SP_EL0 may not be named where it is in use: at EL3T, CNTFRQ is one the board gave. */
static int is_special(u32 r, u64 el)
{
    u32 w = rows[r].word & ~0x60u;
    if (w == (0xd51be200 & ~0x60u)) /* CNTPS_*: op1 7 */
        return 0;
    return rows[r].word == 0xd5184100 && el == 3;
}

static void check_rows(int all)
{
    for (u32 r = 0; r < ROWS; r++) {
        u64 first = rows[r].word >> 16 & 7;
        if (first == 7 && (rows[r].word >> 12 & 15) == 14) /* CNTPS_* below */
            continue;
        int concerned = all || r % 7 == 0;
        for (int i = 0; i < 6; i++)
            concerned |= trapped[r][i & 1][i >> 1];
        for (u64 el = 0; concerned && el < (all ? 4 : 3); el++) {
            if (is_special(r, el))
                continue;
            if (!is_operation(r))
                check_access(r, el, 0);
            check_access(r, el, 1);
        }
    }
}

static void check_configuration(u32 n)
{
    for (u32 r = 0; r < ROWS; r++) {
        for (int i = 0; i < 6; i++)
            trapped[r][i & 1][i >> 1] = 0;
    }
    for (u32 i = 0; i < RULES; i++) {
        const struct rule *rule = &rules[i];
        for (int k = 0; k < 6 && rule->configuration == n; k++) {
            if (rule->els >> (k >> 1) & 1 && rule->directions >> (k & 1) & 1)
                trapped[rule->row][k & 1][k >> 1] = rule->to;
        }
    }
    check_rows(n == OPEN);
}

/* What is written back is what was there; instructions get an address. */
static void make_code(void)
{
    for (u32 r = 0; r < ROWS; r++) {
        for (int write = 0; write < 2; write++) {
            code[r][write][0] = rows[r].word | (write ? 0 : 1 << 21);
            code[r][write][1] = 0xd41c1c01; /* svc #0xe0e0 */
        }
        values[r] = is_operation(r) ? ZONE : 0;
        if (is_operation(r) || rows[r].read > 3 || !exists(r))
            continue;
        go(rows[r].word == 0xd5184100 ? EL1 : EL3T, code[r][0]);
        values[r] = ended() ? monitor_x[0] : 0;
    }
}

/* The secure timer: EL3's, and secure EL1's by SCR_EL3.ST. */
PIECE(read_cntps, "mrs x0, cntps_ctl_el1");
PIECE(read_lorc, "mrs x0, S3_0_C10_C4_3");
PIECE(read_lorid, "mrs x0, S3_0_C10_C4_7");
PIECE(write_cntps, "msr cntps_cval_el1, x0");

static void check_secure_timer(void)
{
    go(EL3T, read_cntps);
    check_ended("CNTPS at EL3");
    go(EL2, read_cntps);
    check_taken("CNTPS at EL2", 2, 0, 0);
    go(EL1, write_cntps);
    check_taken("CNTPS at EL1 that is not secure", 1, 0, 0);
    wr("scr_el3", rd("scr_el3") & ~1ul);
    go(EL1, write_cntps);
    check_taken("CNTPS at secure EL1", 3, 0x18, 3 << 20 | 2 << 17 | 7 << 14 | 14 << 10 | 2 << 1);
    wr("scr_el3", rd("scr_el3") | 1 << 11);
    go(EL1, write_cntps);
    check_ended("CNTPS at secure EL1 with ST");
    go(EL1, read_lorc);
    check_taken("LORC_EL1 at secure EL1", 1, 0, 0);
    go(EL1, read_lorid);
    check_ended("LORID_EL1 at secure EL1");
    monitor_reset();
}

/* Bits of registers: what is stored, what is not. */
static void check_bits(void)
{
#define BITS_OF(reg, write, want)                                                                                      \
    do {                                                                                                               \
        u64 kept_ = rd(reg);                                                                                           \
        wr(reg, write);                                                                                                \
        check("bits of " reg, rd(reg), want);                                                                          \
        wr(reg, kept_);                                                                                                \
    } while (0)
    BITS_OF("vbar_el1", ~0ul, ~0x1ful); /* EL1 may be AArch32, whose VBAR has them */
    BITS_OF("vbar_el2", ~0ul, ~0x7fful);
    BITS_OF("tpidr_el0", 0x123456789abcdef0, 0x123456789abcdef0);
    BITS_OF("contextidr_el1", ~0ul, 0xffffffff);
    BITS_OF("csselr_el1", ~0ul, 15);
    BITS_OF("spsr_el1", ~0ul, 0xffffffff);
    BITS_OF("fpcr", ~0ul & ~0x9f00ul, 0x7c80000);
    BITS_OF("fpcr", 0x9f00, 0); /* traps of float exceptions are not there */
    BITS_OF("fpsr", ~0ul, 0xf800009f); /* AArch32's flags are kept */
    BITS_OF("sctlr_el1", 0, 0x30500800 & rd("sctlr_el1"));
    BITS_OF("vtcr_el2", ~0ul, 0x3ffffffff);
    BITS_OF("pmuserenr_el0", ~0ul, 15);
    BITS_OF("cntkctl_el1", ~0ul, 0x203ff);
    check("DBGCLAIMSET reads as ones", rd("dbgclaimset_el1"), 0xff);
    wr("dbgclaimclr_el1", 0xff);
    wr("dbgclaimset_el1", 0x5a);
    check("DBGCLAIM", rd("dbgclaimclr_el1"), 0x5a);
    wr("dbgclaimclr_el1", 0xff);
    check("DBGCLAIM", rd("dbgclaimclr_el1"), 0);
    wr("oslar_el1", 1);
    check("OS lock", rd("oslsr_el1"), 10);
    wr("oslar_el1", 0);
    check("OS lock", rd("oslsr_el1"), 8);
    u64 vmid = rd("vpidr_el2");
    check("VPIDR_EL2 is MIDR_EL1 at reset", vmid, rd("midr_el1"));
    check("VMPIDR_EL2 is MPIDR_EL1 at reset", rd("vmpidr_el2"), rd("mpidr_el1"));
}

PIECE(read_midr, "mrs x0, midr_el1\n mrs x1, mpidr_el1");

static void check_virtual_ids(void)
{
    wr("vpidr_el2", 0x1234567);
    wr("vmpidr_el2", 0x80000055);
    go(EL1, read_midr);
    check("VPIDR_EL2 at EL1", monitor_x[0], 0x1234567);
    check("VMPIDR_EL2 at EL1", monitor_x[1], 0x80000055);
    go(EL2, read_midr);
    check("MIDR_EL1 at EL2", monitor_x[0], rd("midr_el1"));
    check("MPIDR_EL1 at EL2", monitor_x[1], rd("mpidr_el1"));
    wr("vpidr_el2", rd("midr_el1"));
    wr("vmpidr_el2", rd("mpidr_el1"));
}

void run(void)
{
    wr("cntkctl_el1", 0x303);
    make_code();
    check_configuration(OPEN);
#define X(n, reg, bit, value)                                                                                          \
    wr(reg, value ? rd(reg) | 1ul << bit : rd(reg) & ~(1ul << bit));                                                   \
    check_configuration(n);                                                                                            \
    monitor_reset();
    CONFIGURATIONS(X)
#undef X
    for (u32 i = 0; i < sizeof(pmu_user); i++) {
        wr("pmuserenr_el0", pmu_user[i]);
        check_configuration(PMU_CONFIGURATIONS + i);
        monitor_reset();
    }
    check_secure_timer();
    check_bits();
    check_virtual_ids();
}
