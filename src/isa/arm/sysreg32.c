/*
 * sysreg32.c - the table of AArch32's system registers (sysreg32.def): look-up, traps, access by
 * MCR, MRC, MCRR and MRRC, and what those rows do that are not just AArch64's register.
 *
 * Manual: DDI 0487, G8. On the CPU's thread.
 */
#include "isa/arm/sysreg32.h"

#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "jit/translate.h"

enum { ENDS = ARM_SYSREG_ENDS };

/* ---- Functions of rows ----------------------------------------------------------------------- */

static u64 get_zero(struct arm_cpu *a, const struct arm_sysreg32 *r)
{
    return 0;
}

static void set_ignored(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
}

/* "G8.2.124": what is 1 where nothing else is implemented; ITD and LSMAOE are not. */
static void set_sctlr(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    u64 known = BITS(2, 0) | BIT(5) | BIT(8) | BITS(13, 12) | BIT(16) | BITS(20, 18) | BIT(25) |
                BITS(30, 28);
    u64 res1 = BITS(4, 3) | BIT(11) | BIT(22);
    if (arm_cpu_has(a, ARM_EXT_PAN))
        known |= SCTLR_SPAN;
    else
        res1 |= SCTLR_SPAN;
    if (arm_cpu_has(a, ARM_EXT_SSBS))
        known |= SCTLR32_DSSBS;
    a->sysreg[ARM_SYS_SCTLR_EL1] = (v & known) | res1;
}

/* cp11 is as cp10. */
static u64 get_cpacr(struct arm_cpu *a, const struct arm_sysreg32 *r)
{
    u64 v = a->sysreg[ARM_SYS_CPACR_EL1];
    return v | (v & BITS(21, 20)) << 2;
}

static void set_cpacr(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    u64 *cpacr = &a->sysreg[ARM_SYS_CPACR_EL1];
    u64 mask = BITS(21, 20) | CPACR32_ASEDIS;
    *cpacr = (*cpacr & ~mask) | (v & mask);
}

/* EL3 is AArch64's, or not there: "reads as 0x00000C00". */
static u64 get_nsacr(struct arm_cpu *a, const struct arm_sysreg32 *r)
{
    return 0xc00;
}

static void set_vbar(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    a->sysreg[ARM_SYS_VBAR_EL1] = v & BITS(31, 5);
}

/* SCTLR.CP15BEN; of EL0 the host's where it is. */
static void set_barrier(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    u64 sctlr = a->sysreg[arm_is_host(a) ? ARM_SYS_SCTLR_EL2 : ARM_SYS_SCTLR_EL1];
    if (!(sctlr & SCTLR32_CP15BEN)) {
        arm_undefined(a);
        return;
    }
    atomic_thread_fence(memory_order_seq_cst);
    if (a->tlbi_pending) {
        a->tlbi_pending = false;
        a->sync_wait = true;
    }
}

static const struct arm_sysreg *same(const struct arm_sysreg32 *r);

/* The address in its bits 31..12, the ASID in 7..0. */
static void set_tlbi_address(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    arm_tlbi_address(a, same(r), (v & BITS(31, 12)) >> 12 | (v & 0xff) << 48);
}

static void set_tlbi_asid(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    arm_tlbi_asid(a, same(r), (v & 0xff) << 48);
}

/* ---- Address translation --------------------------------------------------------------------- */

/* PAR's Inner and Outer, of a nibble of MAIR. */
static u32 par_inner(unsigned attributes)
{
    static const u8 inner[16] = {0, 0, 6, 6, 0, 7, 7, 7, 6, 6, 6, 6, 7, 5, 7, 5};
    if (!(attributes & 0xf0))
        return attributes ? 3 : 1;
    return inner[attributes & 15];
}

static u32 par_outer(unsigned attributes)
{
    static const u8 outer[16] = {0, 0, 2, 2, 0, 3, 3, 3, 2, 2, 2, 2, 3, 1, 3, 1};
    return attributes & 0xf0 ? outer[attributes >> 4] : 0;
}

/* PAR of short descriptors, from the other form ("G8.2.118"). */
static u32 short_par(u64 par)
{
    unsigned attributes = (unsigned)(par >> 56), sh = (unsigned)(par >> 7 & 3);
    if (par & 1)
        return 1 | (arm_a32_short_status((unsigned)(par >> 1 & 63)) & 31) << 1;
    u32 v = (u32)(par & (BITS(31, 12) | BIT(9)));
    v |= sh ? (u32)BIT(7) : 0;
    v |= sh == 3 ? (u32)BIT(10) : 0;
    return v | par_inner(attributes) << 4 | par_outer(attributes) << 2;
}

static void set_ats(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    u64 *par = &a->sysreg[ARM_SYS_PAR_EL1];
    arm_op_translate(a, same(r), v);
    if (!a->cpu.unwind && !(a->sysreg[ARM_SYS_TCR_EL1] & TTBCR_EAE))
        *par = short_par(*par);
}

/* ---- Debug ----------------------------------------------------------------------------------- */

/* Version 6 is Armv8's debug; the numbers of breakpoints are ID_AA64DFR0_EL1's. */
static u64 get_dbgdidr(struct arm_cpu *a, const struct arm_sysreg32 *r)
{
    u64 dfr0 = a->sysreg[ARM_SYS_ID_AA64DFR0_EL1];
    u64 version = a->sysreg[ARM_SYS_ID_DFR0_EL1] & 15;
    return (dfr0 >> 20 & 15) << 28 | (dfr0 >> 12 & 15) << 24 | (dfr0 >> 28 & 15) << 20 |
           MIN(version, 6) << 16 | BIT(15) | (a->has_el3 ? BIT(14) | BIT(12) : 0);
}

static u64 get_dbgdevid(struct arm_cpu *a, const struct arm_sysreg32 *r)
{
    u64 dfr0 = a->sysreg[ARM_SYS_ID_AA64DFR0_EL1];
    return (dfr0 >> 28 & 15) << 28 | (u64)a->has_el2 << 16;
}

static u64 get_dbgdscr(struct arm_cpu *a, const struct arm_sysreg32 *r)
{
    return (u32)a->sysreg[ARM_SYS_MDSCR_EL1];
}

/* MOE, by which handlers know breakpoints from watchpoints, is AArch32's alone. */
static void set_dbgdscr(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    const struct arm_sysreg *is = same(r);
    u64 *at = arm_sysreg_at(a, is);
    arm_sysreg_set(a, is, v & ~MDSCR_SS);
    *at |= v & ARM_DSCR_MOE;
}

static void set_oslar(struct arm_cpu *a, const struct arm_sysreg32 *r, u64 v)
{
    arm_set_oslar(a, same(r), (u32)v == UINT32_C(0xc5acce55));
}

/* ---- The table ------------------------------------------------------------------------------- */

/* clang-format off */
#define SYS(op0, op1, crn, crm, op2) ARM_ENC(op0, op1, crn, crm, op2)
#define NONE      0
#define ACCESS(x) .own_access = true, .access = ARM_ACCESS_##x
#define TRAP(x)   .own_trap = true, .trap = ARM_TRAP_##x
/* SAME's numbers are the row's. */
#define SAME      UINT16_MAX
#define CP15(opc1, crn, crm, opc2, id, is_, ...)                                                   \
    {.name = #id, .key = ARM_CP(15, opc1, crn, crm, opc2), .is = is_, ##__VA_ARGS__},
#define CP14(opc1, crn, crm, opc2, id, is_, ...)                                                   \
    {.name = #id, .key = ARM_CP(14, opc1, crn, crm, opc2), .is = is_, ##__VA_ARGS__},
#define CP15_64(opc1, crm, id, is_, ...)                                                           \
    {.name = #id, .key = ARM_CP64(15, opc1, crm), .is = is_, ##__VA_ARGS__},
#define CP14_64(opc1, crm, id, is_, ...)                                                           \
    {.name = #id, .key = ARM_CP64(14, opc1, crm), .is = is_, ##__VA_ARGS__},
/* clang-format on */

static const struct arm_sysreg32 rows[] = {
#include "isa/arm/sysreg32.def"
    /* What is not a register by itself: */
    {.name = "(reserved ID)", ACCESS(R1W_), TRAP(TID3), .get = get_zero},
    {.name = "(implementation defined)",
     ACCESS(R1W1),
     TRAP(IMPDEF),
     .get = get_zero,
     .set = set_ignored},
    {.name = "(GIC)", .is = SAME},
};
enum { NAMED = ARRAY_SIZE(rows) - 3, RESERVED_ID = NAMED, IMPDEF, GIC };

/* ---- Look-up --------------------------------------------------------------------------------- */

static const struct arm_sysreg32 *find_range(u32 key)
{
    unsigned opc1 = key >> 11 & 7, crn = key >> 7 & 15, crm = key >> 3 & 15;
    static const u16 impdef[16] = {[9] = 0x1e7, [10] = 0x113, [11] = 0x81ff, [15] = 0xffff};
    if (key & BIT(15) || !(key & BIT(14)))
        return NULL;
    if (opc1 == 0 && crn == 0 && crm >= 3 && crm <= 7)
        return &rows[RESERVED_ID];
    if (opc1 == 0 && ((crn == 12 && crm >= 8) || (crn == 4 && crm == 6)))
        return &rows[GIC];
    return impdef[crn] >> crm & 1 ? &rows[IMPDEF] : NULL;
}

/* ARM_CP has the numbers where ARM_ENC has them; op0 is 3 for registers of coprocessor 15, 2 of 14.
 */
static u32 encoding_of(const struct arm_sysreg32 *r, u32 key)
{
    u32 op0 = key & BIT(14) ? 3 : 2;
    return r->is == SAME ? op0 << 14 | (key & 0x3fff) : r->is;
}

struct arm_sysreg32_place arm_sysreg32_find(const struct arm_cpu *a, u32 key)
{
    struct arm_sysreg32_place p = {.r = NULL};
    for (unsigned i = 0; i < NAMED && !p.r; i++) {
        if (rows[i].key == key)
            p.r = &rows[i];
    }
    if (!p.r)
        p.r = find_range(key);
    if (!p.r || !p.r->is)
        return p;
    p.encoding = encoding_of(p.r, key);
    p.is = arm_sysreg_find(a, p.encoding, 1, false);
    if (!p.is)
        p.r = NULL;
    return p;
}

static const struct arm_sysreg *find_same(u32 encoding)
{
    for (unsigned i = 0; i < arm_sysreg_count; i++) {
        if (arm_sysregs[i].encoding == encoding)
            return &arm_sysregs[i];
    }
    return NULL;
}

static const struct arm_sysreg *same(const struct arm_sysreg32 *r)
{
    return find_same(encoding_of(r, r->key));
}

enum { NO_ROW = 0xffff };

u32 arm_sysreg32_pack(const struct arm_sysreg32_place *p)
{
    return (u32)(p->r - rows) | (p->is ? (u32)(p->is - arm_sysregs) : NO_ROW) << 16;
}

static struct arm_sysreg32_place unpack(u32 packed, u32 key)
{
    struct arm_sysreg32_place p = {.r = &rows[packed & 0xffff]};
    p.encoding = p.r->is ? encoding_of(p.r, key) : 0;
    p.is = packed >> 16 == NO_ROW ? NULL : &arm_sysregs[packed >> 16];
    return p;
}

unsigned arm_sysreg32_flags(const struct arm_sysreg32_place *p)
{
    return p->r->flags | (p->is ? p->is->flags : 0u);
}

unsigned arm_sysreg32_access(const struct arm_sysreg32_place *p)
{
    return p->r->own_access || !p->is ? p->r->access : p->is->access;
}

static unsigned trap_of(const struct arm_sysreg32_place *p)
{
    return p->r->own_trap || !p->is ? p->r->trap : p->is->trap;
}

/* HSTR_EL2 may trap all of EL1 and EL0. */
u32 arm_sysreg32_plain(const struct arm_cpu *a, const struct arm_sysreg32_place *p)
{
    bool plain = p->is && p->is->at && !p->is->get && !p->is->check && !p->r->get;
    if (!plain || a->has_el2 || trap_of(p) != ARM_TRAP_NONE || p->r->part == ARM_PART_WHOLE)
        return 0;
    return p->is->at + (p->r->part == ARM_PART_HIGH ? 4 : 0);
}

/* ---- Access ---------------------------------------------------------------------------------- */

/* HSTR_EL2.Tn: by CRn, or CRm of the 64-bit forms; neither 4 nor 14 ("D24.2.62"). */
static bool hstr_traps(const struct arm_cpu *a, u32 key)
{
    unsigned n = key & BIT(15) ? key & 15 : key >> 7 & 15;
    if (!(key & BIT(14)) || n == 4 || n == 14 || !arm_el2_enabled(a) ||
        (arm_el(a) == 0 && arm_is_host(a)))
        return false;
    return a->sysreg[ARM_SYS_HSTR_EL2] >> n & 1;
}

/* Syndromes name registers as AArch64 does. */
static u64 in_x(const struct arm_cpu *a, u32 key, u64 syndrome)
{
    unsigned rt = (unsigned)(syndrome >> 5 & 31), rt2 = (unsigned)(syndrome >> 10 & 31);
    syndrome = (syndrome & ~BITS(9, 5)) | (u64)arm_a32_x(a, rt) << 5;
    if (key & BIT(15))
        syndrome = (syndrome & ~BITS(14, 10)) | (u64)arm_a32_x(a, rt2) << 10;
    return syndrome;
}

/* A trap to an EL1 of AArch32 is no trap (arm_a32_take). */
static bool allowed(struct arm_cpu *a, const struct arm_sysreg32_place *p, u32 key, u64 syndrome,
                    bool write)
{
    static const struct arm_sysreg none = {.trap = ARM_TRAP_NONE};
    unsigned to = ARM_SYS_ALLOWED;
    if (hstr_traps(a, key))
        to = 2;
    else
        to = arm_sysreg_trapped(a, p->is ? p->is : &none, trap_of(p), p->encoding, write);
    if (to == ARM_SYS_ALLOWED)
        return true;
    if (to == ARM_SYS_UNDEFINED)
        arm_undefined(a);
    else
        arm_trap_unwind(a, to, in_x(a, key, syndrome));
    return false;
}

static void gic(struct arm_cpu *a, u32 encoding, u64 syndrome, u64 *value)
{
    switch (arm_sysreg_gic(a, encoding, !(syndrome & 1), value)) {
    case ARM_GIC_OK: break;
    case ARM_GIC_UNDEFINED: arm_undefined(a); break;
    case ARM_GIC_TRAP_EL2: arm_trap_unwind(a, 2, in_x(a, 0, syndrome)); break;
    case ARM_GIC_TRAP_EL3: arm_trap_unwind(a, 3, in_x(a, 0, syndrome)); break;
    }
}

void arm_helper_cp_check(struct cpu *cpu, u64 key, u64 packed, u64 syndrome, u64 write)
{
    struct arm_sysreg32_place p = unpack((u32)packed, (u32)key);
    (void)allowed(arm_cpu(cpu), &p, (u32)key, syndrome, write); /* unwinds where not */
}

u64 arm_helper_cp_read(struct cpu *cpu, u64 key, u64 packed, u64 syndrome)
{
    struct arm_cpu *a = arm_cpu(cpu);
    struct arm_sysreg32_place p = unpack((u32)packed, (u32)key);
    u64 v = 0;
    if (!allowed(a, &p, (u32)key, syndrome, false))
        return 0;
    if (p.r->get)
        return p.r->get(a, p.r);
    if (arm_sysreg_is_gic(p.is))
        gic(a, p.encoding, syndrome, &v);
    else
        v = arm_sysreg_get(a, p.is);
    return p.r->part == ARM_PART_WHOLE ? v : p.r->part == ARM_PART_HIGH ? v >> 32 : (u32)v;
}

/* The other half of a register stays. */
static u64 merge(struct arm_cpu *a, const struct arm_sysreg32_place *p, u64 v)
{
    if (p->r->part == ARM_PART_WHOLE)
        return v;
    u64 old = arm_sysreg_get(a, p->is);
    return p->r->part == ARM_PART_HIGH ? (u32)old | v << 32 : (old & ~(u64)UINT32_MAX) | (u32)v;
}

void arm_helper_cp_write(struct cpu *cpu, u64 key, u64 packed, u64 syndrome, u64 value)
{
    struct arm_cpu *a = arm_cpu(cpu);
    struct arm_sysreg32_place p = unpack((u32)packed, (u32)key);
    if (!allowed(a, &p, (u32)key, syndrome, true))
        return;
    if (p.r->set)
        p.r->set(a, p.r, value);
    else if (arm_sysreg_is_gic(p.is))
        gic(a, p.encoding, syndrome, &value);
    else
        arm_sysreg_set(a, p.is, merge(a, &p, value));
    if (arm_sysreg32_flags(&p) & ARM_SYSREG_ENDS && !cpu->unwind) {
        a->known_contexts = 0;
        arm_state_changed(a);
    }
}
