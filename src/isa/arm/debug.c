/*
 * debug.c - self-hosted debug: breakpoints, watchpoints, vector catch, software step, and their registers.
 *
 * Manual: DDI 0487, D2. While breakpoints, vector catch or software step may act, units are of one instruction
 * (ARM_MODE_SS), and arm_debug_check runs before each. Software step: "active-not-pending" is
 * PSTATE.SS set; the instruction that runs then clears it, and what follows is pending. On the
 * CPU's thread.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/arm/walk.h"
#include "jit/translate.h"

enum { OSLSR_OSLK = 2 };

/* ---- What is enabled ------------------------------------------------------------------------- */

/* "AArch64.GenerateDebugExceptions": at the present level. */
static bool debug_enabled(const struct arm_cpu *a)
{
    unsigned el = arm_el(a);
    bool to_el2 =
        arm_el2_enabled(a) && (a->sysreg[ARM_SYS_MDCR_EL2] & MDCR_TDE || arm_hcr(a) & HCR_TGE);
    unsigned target = to_el2 ? 2 : 1;
    if (a->sysreg[ARM_SYS_OSLSR_EL1] & OSLSR_OSLK || a->sysreg[ARM_SYS_OSDLR_EL1] & 1)
        return false;
    if (arm_is_secure(a) && a->sysreg[ARM_SYS_MDCR_EL3] & MDCR3_SDD)
        return false;
    /* EL1 of AArch32 takes them of itself always ("AArch32.GenerateDebugExceptions"). */
    if (target == 1 && arm_is_a32(a) && arm_el1_is_a32(a))
        return true;
    if (el == target)
        return a->sysreg[ARM_SYS_MDSCR_EL1] & MDSCR_KDE && !(a->pstate & PSTATE_D);
    return el < target;
}

/* Where AArch32 takes debug exceptions it has no software step. */
bool arm_debug_step_enabled(const struct arm_cpu *a)
{
    return a->sysreg[ARM_SYS_MDSCR_EL1] & MDSCR_SS && debug_enabled(a) &&
           (arm_debug_level(a) > 1 || !arm_el1_is_a32(a));
}

static u64 dbg(const struct arm_cpu *a, unsigned first, unsigned n)
{
    return a->sysreg[first + 4 * n]; /* sysreg.def: BVR, BCR, WVR, WCR of each number */
}

static bool breakpoints_enabled(const struct arm_cpu *a)
{
    if (!(a->sysreg[ARM_SYS_MDSCR_EL1] & MDSCR_MDE) || !debug_enabled(a))
        return false;
    for (unsigned n = 0; n < a->breakpoints; n++) {
        if (dbg(a, ARM_SYS_DBGBCR0_EL1, n) & 1)
            return true;
    }
    return false;
}

/* DBGVCR's bits of this Security state: where there is no EL3 the Secure ones ("AArch32.VCRMatch"). */
static u32 caught_vectors(const struct arm_cpu *a)
{
    unsigned shift = a->has_el3 && !arm_is_secure(a) ? 24 : 0;
    return (u32)a->sysreg[ARM_SYS_DBGVCR32_EL2] >> shift & 0xde;
}

static bool vector_catch_enabled(const struct arm_cpu *a)
{
    return a->sysreg[ARM_SYS_MDSCR_EL1] & MDSCR_MDE && arm_is_a32(a) && arm_el1_is_a32(a) &&
           caught_vectors(a) && debug_enabled(a);
}

bool arm_debug_active(const struct arm_cpu *a)
{
    return unlikely(a->sysreg[ARM_SYS_MDSCR_EL1] & (MDSCR_SS | MDSCR_MDE)) &&
           (arm_debug_step_enabled(a) || breakpoints_enabled(a) || vector_catch_enabled(a));
}

/* ---- Breakpoints ----------------------------------------------------------------------------- */

static bool security_matches(const struct arm_cpu *a, u64 control)
{
    unsigned ssc = (unsigned)(control >> 14 & 3);
    bool secure = arm_is_secure(a);
    return !(ssc == 1 && secure) && !(ssc == 2 && !secure);
}

/* HMC, SSC, PMC (or PAC): does the control register name the present level and state ("D2.8.3")? */
static bool state_matches(const struct arm_cpu *a, u64 control)
{
    unsigned hmc = (unsigned)(control >> 13 & 1), ssc = (unsigned)(control >> 14 & 3),
             pxc = (unsigned)(control >> 1 & 3);
    if (!security_matches(a, control))
        return false;
    switch (arm_el(a)) {
    case 3: return hmc && !(ssc == 1);
    case 2: return hmc || ssc == 3;
    case 1: return pxc & 1;
    default: return pxc & 2;
    }
}

/*
 * Types by BT ("DBGBCR<n>_EL1"): the context, the VMID, both, and their linked forms; with FEAT_VHE also EL1's context alone, EL2's,
 * and both. Type 2 is about the context of the regime in use: the host's is EL2's.
 */
static bool context_matches(const struct arm_cpu *a, unsigned n, unsigned type)
{
    u64 value = dbg(a, ARM_SYS_DBGBVR0_EL1, n);
    unsigned el = arm_el(a);
    bool vhe = arm_cpu_has(a, ARM_EXT_VHE), e2h = arm_hcr(a) & HCR_E2H;
    bool host = vhe && e2h && (el == 2 || (el == 0 && arm_is_host(a))), guest = el < 2 && !host;
    bool vmid = arm_el2_enabled(a) && (value >> 32 & 0xffff) == a->sysreg[ARM_SYS_VTTBR_EL2] >> 48;
    bool context1 = (u32)value == (u32)a->sysreg[ARM_SYS_CONTEXTIDR_EL1];
    bool context2 = arm_el2_enabled(a) && el < 3 && value >> 32 == (u32)a->sysreg[ARM_SYS_CONTEXTIDR_EL2];
    switch (type & 14) {
    case 2: return host ? (u32)value == (u32)a->sysreg[ARM_SYS_CONTEXTIDR_EL2] : guest && context1;
    case 6: return vhe && guest && context1;
    case 8: return guest && vmid;
    case 10: return guest && vmid && context1;
    case 12: return vhe && context2;
    case 14: return vhe && guest && context1 && context2;
    default: return false;
    }
}

static bool linked_matches(const struct arm_cpu *a, u64 control)
{
    unsigned link = (unsigned)(control >> 16 & 15);
    if (link >= a->breakpoints)
        return false;
    u64 other = dbg(a, ARM_SYS_DBGBCR0_EL1, link);
    unsigned type = (unsigned)(other >> 20 & 15);
    return other & 1 && type & 1 && context_matches(a, link, type);
}

/* AArch32 has halfwords (BAS), and mismatches where EL1 is its own. */
static bool address_matches(const struct arm_cpu *a, unsigned n, u64 control, bool mismatch)
{
    u64 value = dbg(a, ARM_SYS_DBGBVR0_EL1, n) & BITS(55, 2), bas = control >> 5 & 15;
    bool same = value == (a->pc & BITS(55, 2));
    if (!arm_is_a32(a))
        return !mismatch && same;
    same = (u32)value == ((u32)a->pc & ~3u) && bas >> (a->pc & 2) & 1;
    return mismatch ? arm_el1_is_a32(a) && !same : same;
}

static bool breakpoint_hits(const struct arm_cpu *a, unsigned n)
{
    u64 control = dbg(a, ARM_SYS_DBGBCR0_EL1, n);
    unsigned type = (unsigned)(control >> 20 & 15);
    if (!(control & 1) || !state_matches(a, control))
        return false;
    if (type & 2 || type & 8)
        return !(type & 1) && context_matches(a, n, type);
    if (!address_matches(a, n, control, type & 4))
        return false;
    return !(type & 1) || linked_matches(a, control);
}

unsigned arm_debug_level(const struct arm_cpu *a)
{
    return arm_el2_enabled(a) && (a->sysreg[ARM_SYS_MDCR_EL2] & MDCR_TDE || arm_hcr(a) & HCR_TGE)
               ? 2
               : 1;
}

/* ---- Vector catch ----------------------------------------------------------------------------- */

/* The vectors of aborts are not caught where EL1 itself would take that, as the next abort: a choice
 * that the manual leaves. */
static bool vector_catch_hits(const struct arm_cpu *a)
{
    u32 offset = (u32)a->pc - arm_a32_vectors(a);
    if (!vector_catch_enabled(a) || offset & 3 || offset > 31)
        return false;
    u32 caught = caught_vectors(a);
    if (arm_debug_level(a) == arm_el(a))
        caught &= ~(u32)(BIT(3) | BIT(4));
    return caught >> offset / 4 & 1;
}

/* ---- Watchpoints ----------------------------------------------------------------------------- */

/* The bytes that watchpoint n is about: BAS within a doubleword (or word), or a range by MASK. */
static bool watch_range(const struct arm_cpu *a, unsigned n, u64 *first, u64 *last)
{
    u64 control = dbg(a, ARM_SYS_DBGWCR0_EL1, n), value = dbg(a, ARM_SYS_DBGWVR0_EL1, n);
    unsigned mask = (unsigned)(control >> 24 & 31), bas = (unsigned)(control >> 5 & 0xff);
    *first = value;
    if (mask) {
        *first = value & ~(BIT(mask) - 1);
        *last = value | (BIT(mask) - 1);
        return mask >= 3;
    }
    if (!bas)
        return false;
    *first = value + ctz64(bas);
    *last = value + 63 - clz64(bas);
    return true;
}

/* An address without its tag, as far as watchpoints compare it. */
static u64 watch_address(u64 vaddr)
{
    return (u64)bits_sext(vaddr, 56);
}

bool arm_watch_page(const struct arm_cpu *a, u64 vaddr)
{
    u64 first, last, page = align_down(watch_address(vaddr), 4096);
    for (unsigned n = 0; n < a->watchpoints; n++) {
        if (dbg(a, ARM_SYS_DBGWCR0_EL1, n) & 1 && watch_range(a, n, &first, &last) &&
            watch_address(first) <= page + 4095 && watch_address(last) >= page)
            return true;
    }
    return false;
}

/* PAC, HMC and SSC are of the access's privilege: EL0's where it is made as EL0's. */
static bool watch_matches(const struct arm_cpu *a, unsigned n, bool el0, bool write)
{
    u64 control = dbg(a, ARM_SYS_DBGWCR0_EL1, n);
    unsigned lsc = (unsigned)(control >> 3 & 3), pac = (unsigned)(control >> 1 & 3);
    if (!(control & 1) || !(lsc & (write ? 2 : 1)))
        return false;
    if (el0 ? !(pac & 2) || !security_matches(a, control) : !state_matches(a, control))
        return false;
    return !(control >> 20 & 1) || linked_matches(a, control);
}

bool arm_watch_hits(const struct arm_cpu *a, u64 vaddr, unsigned size, bool el0, bool write)
{
    u64 first, last, from = watch_address(vaddr), to = from + MAX(size, 1) - 1;
    if (!(a->sysreg[ARM_SYS_MDSCR_EL1] & MDSCR_MDE) || !debug_enabled(a))
        return false;
    for (unsigned n = 0; n < a->watchpoints; n++) {
        if (watch_matches(a, n, el0, write) && watch_range(a, n, &first, &last) &&
            watch_address(first) <= to && watch_address(last) >= from)
            return true;
    }
    return false;
}

/* ---- Before each instruction ----------------------------------------------------------------- */

/* Is the instruction at pc a load-exclusive? The syndrome of its step says so, for stepping over a whole loop of them. */
static bool is_load_exclusive(struct arm_cpu *a)
{
    u64 code, second;
    bool thumb = a->pstate & PSTATE_T;
    if (!arm_is_a32(a)) {
        bool found = arm_read_code(a, a->pc, 4, &code) && (code & 0x3fc00000) == 0x08400000;
        return found && !(code & BIT(21) && !(code & BIT(31))); /* that one is CASP */
    }
    if (!thumb)
        return arm_read_code(a, a->pc, 4, &code) && code >> 28 != 15 &&
               (code & 0x0f900eff) == 0x01900e9f;
    if (!arm_read_code(a, a->pc, 2, &code) || !arm_read_code(a, a->pc + 2, 2, &second))
        return false;
    unsigned op = (unsigned)(second >> 4 & 15);
    return (code & 0xfff0) == 0xe850 ||
           ((code & 0xfff0) == 0xe8d0 && (op == 4 || op == 5 || op == 7 || op >= 12));
}

bool arm_debug_check(struct arm_cpu *a)
{
    bool step = arm_debug_step_enabled(a), stepped = a->stepping;
    if (stepped) {
        /* the instruction that was stepped over is done */
        a->stepping = false;
        a->pstate &= ~PSTATE_SS;
    }
    if (step && !(a->pstate & PSTATE_SS)) {
        u64 iss = ARM_FSC_DEBUG | (stepped ? BIT(24) : 0); /* ISV: EX is known */
        iss |= stepped && a->step_exclusive ? BIT(6) : 0;
        arm_exception_to(a, arm_debug_level(a), ARM_SYNDROME(ARM_EC_STEP_LOWER, iss), 0, a->pc);
        return true;
    }
    for (unsigned n = 0; breakpoints_enabled(a) && n < a->breakpoints; n++) {
        if (breakpoint_hits(a, n)) {
            arm_exception_to(a, arm_debug_level(a),
                             ARM_SYNDROME(ARM_EC_BREAKPOINT_LOWER, ARM_FSC_DEBUG), 0, a->pc);
            return true;
        }
    }
    if (vector_catch_hits(a)) {
        u64 syndrome = ARM_SYNDROME(ARM_EC_VECTOR_CATCH32, ARM_FSC_DEBUG);
        arm_exception_to(a, arm_debug_level(a), syndrome, 0, a->pc);
        return true;
    }
    a->stepping = step;
    a->step_exclusive = step && is_load_exclusive(a);
    return false;
}

/* ---- Registers ------------------------------------------------------------------------------- */

bool arm_check_breakpoint(const struct arm_cpu *a, const struct arm_sysreg *r)
{
    return arm_enc_crm(r->encoding) < a->breakpoints;
}

bool arm_check_watchpoint(const struct arm_cpu *a, const struct arm_sysreg *r)
{
    return arm_enc_crm(r->encoding) < a->watchpoints;
}

void arm_set_mdscr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    u64 known = MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE | BIT(6) | BITS(23, 19) | BIT(14) |
                BITS(31, 26);
    *arm_sysreg_at(a, r) = v & known;
}

/* OSLSR_EL1.OSLK follows the lock. */
void arm_set_oslar(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    u64 *oslsr = &a->sysreg[ARM_SYS_OSLSR_EL1];
    *oslsr = v & 1 ? *oslsr | OSLSR_OSLK : *oslsr & ~(u64)OSLSR_OSLK;
}

u64 arm_get_claimset(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return 0xff;
}

void arm_set_claimset(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    a->sysreg[ARM_SYS_DBGCLAIMCLR_EL1] |= v & 0xff;
}

void arm_set_claimclr(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    *arm_sysreg_at(a, r) &= ~(v & 0xff);
}

/* Pages with watchpoints are not cached: each access to them is looked at (arm_walk). */
void arm_set_watchpoint(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    bool is_value = (r->encoding & 7) == 6;
    *arm_sysreg_at(a, r) = v & (is_value ? ~UINT64_C(3) : BITS(28, 24) | BITS(20, 0));
    arm_debug_changed(a);
    jit_flush_all(&a->cpu);
}

void arm_debug_changed(struct arm_cpu *a)
{
    a->watching = false;
    for (unsigned n = 0; n < a->watchpoints; n++)
        a->watching |= dbg(a, ARM_SYS_DBGWCR0_EL1, n) & 1;
}
