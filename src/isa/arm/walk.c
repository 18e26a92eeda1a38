/*
 * walk.c - stage 1 of VMSAv8-64: translation tables of EL1&0, EL2, EL2&0 and EL3; and of VMSAv8-32
 * the long descriptors, which are the same but for ranges and permissions.
 *
 * Manual: DDI 0487, D8 ("AArch64.S1Translate", "AArch64.S1Walk"). 4K, 16K and 64K granules, 52-bit
 * addresses (LVA, LPA, LPA2), small tables (TTST), hardware's access flag and dirty state,
 * hierarchical permissions, PAN, E0PD. A last-level table is kept in a small cache until the next
 * TLB maintenance. On the CPU's thread.
 */
#include "isa/arm/walk.h"

#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "jit/translate.h"

#define DESC_VALID   BIT(0)
#define DESC_TABLE   BIT(1)
#define DESC_AP1     BIT(6)
#define DESC_AP2     BIT(7)
#define DESC_AF      BIT(10)
#define DESC_NG      BIT(11)
#define DESC_GP      BIT(50)
#define DESC_DBM     BIT(51)
#define DESC_PXN     BIT(53)
#define DESC_UXN     BIT(54)
#define TABLE_PXN    BIT(59)
#define TABLE_UXN    BIT(60)
#define TABLE_NO_EL0 BIT(61)
#define TABLE_RO     BIT(62)
#define TABLE_NS     BIT(63)
#define DESC_NS      BIT(5)

/* ---- Common to both stages ---------------------------------------------------------------------
 */

/* PS and IPS fields; more than the CPU has is what it has. */
unsigned arm_address_bits(const struct arm_cpu *a, unsigned field)
{
    static const u8 sizes[8] = {32, 36, 40, 42, 44, 48, 52, 52};
    return MIN(sizes[field & 7], a->phys_bits);
}

/* Levels -1 have codes of their own ("D24.2.40", DFSC). */
u64 arm_fault_code(unsigned fsc, int level)
{
    if (level >= 0)
        return fsc + (unsigned)level;
    return fsc == ARM_FSC_ADDRESS_SIZE ? 0x29 : fsc == ARM_FSC_TRANSLATION ? 0x2b : 0x13;
}

u64 arm_descriptor_address(u64 descriptor, unsigned granule_bits, bool ds, bool lpa)
{
    if (ds)
        return (descriptor & BITS(49, granule_bits)) | bits_get(descriptor, 8, 2) << 50;
    u64 address = descriptor & BITS(47, granule_bits);
    return lpa ? address | bits_get(descriptor, 12, 4) << 48 : address;
}

bool arm_descriptor_read(struct arm_cpu *a, u64 paddr, bool big_endian, u64 *out)
{
    if (!jit_phys_read(&a->cpu, paddr, 8, out))
        return false;
    if (big_endian)
        *out = bswap_size(*out, 8);
    return true;
}

enum arm_update arm_descriptor_update(struct arm_cpu *a, u64 paddr, bool big_endian, u64 seen,
                                      u64 want)
{
    u64 expected = big_endian ? bswap_size(seen, 8) : seen, before = expected;
    if (jit_phys_cas(&a->cpu, paddr, 8, &expected, big_endian ? bswap_size(want, 8) : want))
        return ARM_UPDATE_DONE;
    return expected == before ? ARM_UPDATE_FAILED : ARM_UPDATE_RACED;
}

/* ---- Parameters of a table ------------------------------------------------------------------- */

struct params {
    u64 ttbr;
    unsigned input, granule, stride, output; /* bits */
    int start;
    bool two_ranges, two_privileges, upper, disabled, hpd, e0pd, ha, hd, tbi, ds, lpa;
};

static unsigned granule0(u64 tcr)
{
    static const u8 bits[4] = {12, 16, 14, 12};
    return bits[tcr >> 14 & 3];
}

static unsigned granule1(u64 tcr)
{
    static const u8 bits[4] = {12, 14, 12, 16};
    return bits[tcr >> 30 & 3];
}

/* TCR_EL1's layout: also EL2's with E2H. */
static void two_range_params(const struct arm_translation *t, struct params *p, unsigned *txsz,
                             unsigned *ps)
{
    u64 tcr = t->regime->tcr;
    bool code = t->access == ISA_FETCH && arm_cpu_has(t->a, ARM_EXT_PAUTH);
    p->upper = t->vaddr >> 55 & 1;
    p->ttbr = p->upper ? t->regime->ttbr1 : t->space & ARM_SPACE_BASE;
    *txsz = (unsigned)(p->upper ? tcr >> 16 & 63 : tcr & 63);
    *ps = (unsigned)(tcr >> 32 & 7);
    p->granule = p->upper ? granule1(tcr) : granule0(tcr);
    p->disabled = tcr & (p->upper ? TCR_EPD1 : TCR_EPD0);
    p->hpd = tcr & (p->upper ? TCR_HPD1 : TCR_HPD0);
    p->e0pd = tcr & (p->upper ? TCR_E0PD1 : TCR_E0PD0);
    p->tbi = tcr & (p->upper ? TCR_TBI1 : TCR_TBI0) &&
             !(code && tcr & (p->upper ? TCR_TBID1 : TCR_TBID0));
    p->ha = tcr & TCR_HA;
    p->hd = tcr & TCR_HD;
    p->ds = tcr & TCR_DS;
}

static void one_range_params(const struct arm_translation *t, struct params *p, unsigned *txsz,
                             unsigned *ps)
{
    u64 tcr = t->regime->tcr;
    bool code = t->access == ISA_FETCH && arm_cpu_has(t->a, ARM_EXT_PAUTH);
    p->ttbr = t->space & ARM_SPACE_BASE;
    *txsz = (unsigned)(tcr & 63);
    *ps = (unsigned)(tcr >> 16 & 7);
    p->granule = granule0(tcr);
    p->hpd = tcr & TCR2_HPD;
    p->tbi = tcr & TCR2_TBI && !(code && tcr & TCR2_TBID);
    p->ha = tcr & TCR2_HA;
    p->hd = tcr & TCR2_HD;
    p->ds = tcr & TCR2_DS;
}

/*
 * AArch32's long descriptors ("AArch32.S1TTWParamsEL10", "AArch32.S1WalkLD"): TxSZ are of three
 * bits, and say how many highest bits are 0 for TTBR0, 1 for TTBR1; neither: one of the two has no
 * size.
 */
static bool a32_params(const struct arm_translation *t, struct params *p)
{
    u64 tcr = t->regime->tcr;
    u32 va = (u32)t->vaddr;
    unsigned t0 = (unsigned)(tcr & 7), t1 = (unsigned)(tcr >> 16 & 7);
    bool low = !t0 || !(va >> (32 - t0));
    p->upper = t1 ? !(~va >> (32 - t1)) : !low;
    if (!low && !p->upper)
        return false;
    p->two_ranges = p->two_privileges = true;
    p->ttbr = (p->upper ? t->regime->ttbr1 : t->space) & BITS(39, 0) & ~UINT64_C(1);
    p->disabled = tcr & (p->upper ? TCR_EPD1 : TCR_EPD0);
    p->hpd = tcr & TTBCR_T2E && tcr & (p->upper ? TCR_HPD1 : TCR_HPD0) &&
             arm_cpu_has(t->a, ARM_EXT_HPDS);
    p->granule = 12;
    p->stride = 9;
    p->output = MIN(40u, t->a->phys_bits);
    p->input = 32 - (p->upper ? t1 : t0);
    p->start = 3 - (int)((p->input - 1 - p->granule) / p->stride);
    return true;
}

static bool get_params(const struct arm_translation *t, struct params *p)
{
    const struct arm_cpu *a = t->a;
    unsigned txsz, ps;
    *p = (struct params){.two_ranges = t->regime->kind == ARM_REGIME_EL10 ||
                                       t->regime->kind == ARM_REGIME_EL20};
    if (t->regime->format == ARM_TABLE_LONG)
        return a32_params(t, p);
    p->two_privileges = p->two_ranges;
    if (p->two_ranges)
        two_range_params(t, p, &txsz, &ps);
    else
        one_range_params(t, p, &txsz, &ps);
    p->hpd &= arm_cpu_has(a, ARM_EXT_HPDS);
    p->e0pd &= arm_cpu_has(a, ARM_EXT_E0PD);
    p->ha &= arm_cpu_has(a, ARM_EXT_HAFDBS);
    p->hd &= p->ha;
    p->ds &= arm_cpu_has(a, ARM_EXT_LPA2) && p->granule != 16;
    p->lpa = p->granule == 16 && arm_cpu_has(a, ARM_EXT_LPA);
    p->stride = p->granule - 3;
    p->output = arm_address_bits(a, ps);
    if (!p->ds && !p->lpa)
        p->output = MIN(p->output, 48);
    p->input = 64 - txsz;
    unsigned most = p->ds || (p->granule == 16 && arm_cpu_has(a, ARM_EXT_LVA)) ? 52 : 48;
    unsigned least = arm_cpu_has(a, ARM_EXT_TTST) ? (p->granule == 16 ? 17 : 16) : 25;
    p->start = 3 - (int)((p->input - 1 - p->granule) / p->stride);
    return p->input >= least && p->input <= most;
}

/* All bits above what is translated must be copies of bit 55, or 0 where there is one range. */
static bool in_range(const struct arm_translation *t, const struct params *p)
{
    unsigned top = p->tbi ? 55 : 63;
    if (t->regime->format == ARM_TABLE_LONG)
        return true;
    if (p->input > top)
        return true;
    u64 above = bits_get(t->vaddr, p->input, top + 1 - p->input);
    u64 ones = ~UINT64_C(0) >> (63 - (top - p->input));
    return above == (p->two_ranges && p->upper ? ones : 0);
}

/* Base of the first table ("D8.2.6"): aligned to the table's size; 52-bit ones keep bits 51..48
 * in 5..2. */
static u64 start_table(const struct params *p)
{
    unsigned resolved = (unsigned)(3 - p->start) * p->stride + p->granule;
    unsigned align = p->input - resolved + 3;
    u64 base = p->ttbr & BITS(47, 0);
    if (p->ds || (p->lpa && p->output == 52)) {
        align = MAX(align, 6u);
        base |= bits_get(p->ttbr, 2, 4) << 48;
    }
    return align_down(base, BIT(align));
}

/* ---- Permissions ----------------------------------------------------------------------------- */

static bool permitted(const struct arm_translation *t, const struct params *p, u64 desc, u64 table)
{
    u64 sctlr = t->regime->sctlr;
    bool wxn = sctlr & SCTLR_WXN, el0 = t->view & ARM_VIEW_EL0;
    bool writable = !(desc & DESC_AP2) && !(table & TABLE_RO);
    if (!p->two_privileges) {
        bool x = !(desc & DESC_UXN) && !(table & TABLE_UXN) && !(wxn && writable);
        return t->access == ISA_WRITE ? writable : t->access == ISA_FETCH ? x : true;
    }
    bool user = desc & DESC_AP1 && !(table & TABLE_NO_EL0);
    if (t->regime->format == ARM_TABLE_LONG) {
        unsigned ap = (writable ? 0u : 4u) | (user ? 2u : 0u) | 1u;
        return arm_a32_permitted(t, ap, (desc & DESC_UXN) | (table & TABLE_UXN),
                                 (desc & DESC_PXN) | (table & TABLE_PXN));
    }
    bool user_x = !(desc & DESC_UXN) && !(table & TABLE_UXN);
    if (el0) {
        if (t->access == ISA_FETCH)
            return user_x && !(wxn && user && writable);
        return user && (t->access == ISA_READ || writable);
    }
    if (t->access == ISA_FETCH) {
        bool x = !(desc & DESC_PXN) && !(table & TABLE_PXN) && !(user && writable);
        return x && !(wxn && writable);
    }
    bool epan = sctlr & SCTLR_EPAN && user_x;
    if (t->view & ARM_VIEW_PAN && (user || epan))
        return false;
    return t->access == ISA_READ || writable;
}

/* ---- The walk -------------------------------------------------------------------------------- */

static bool fault(struct arm_translation *t, unsigned fsc, int level)
{
    t->code = arm_fault_code(fsc, level);
    return false;
}

static bool has_stage2(const struct arm_translation *t)
{
    return t->regime->kind == ARM_REGIME_EL10 && t->regime->hcr & (HCR_VM | HCR_DC);
}

u64 arm_spaced_address(const struct arm_translation *t, u64 addr)
{
    return t->a->two_spaces && !t->nonsecure ? addr | ARM_SECURE_SPACE : addr;
}

bool arm_table_address(struct arm_translation *t, u64 addr, enum arm_walking walking, u64 *paddr)
{
    u64 size;
    *paddr = arm_spaced_address(t, addr);
    return !has_stage2(t) || arm_translate_stage2(t, addr, walking, paddr, &size);
}

/* Access flag and dirty state of a leaf, whose address may be intermediate. */
enum leaf { LEAF_DONE, LEAF_AGAIN, LEAF_FAULT };
static enum leaf update_leaf(struct arm_translation *t, const struct params *p, u64 at, u64 *desc,
                             u64 table, int level)
{
    u64 addr;
    bool ee = t->regime->sctlr & SCTLR_EE;
    u64 want = *desc;
    if (!(*desc & DESC_AF)) {
        if (!p->ha) {
            fault(t, ARM_FSC_ACCESS_FLAG, level);
            return LEAF_FAULT;
        }
        want |= DESC_AF;
    }
    bool clean = p->hd && *desc & DESC_DBM && *desc & DESC_AP2;
    if (!permitted(t, p, clean ? *desc & ~DESC_AP2 : *desc, table)) {
        fault(t, ARM_FSC_PERMISSION, level);
        return LEAF_FAULT;
    }
    if (clean && t->access == ISA_WRITE)
        want &= ~DESC_AP2;
    if (want == *desc)
        return LEAF_DONE;
    if (!arm_table_address(t, at, ARM_WALKING_UPDATES, &addr))
        return LEAF_FAULT;
    switch (arm_descriptor_update(t->a, addr, ee, *desc, want)) {
    case ARM_UPDATE_RACED: return LEAF_AGAIN;
    case ARM_UPDATE_FAILED: fault(t, ARM_FSC_EXTERNAL_WALK, level); return LEAF_FAULT;
    case ARM_UPDATE_DONE: break;
    }
    *desc = want;
    return LEAF_DONE;
}

/* May a block be at this level ("D8.3.1")? */
static bool block_allowed(const struct params *p, int level)
{
    switch (p->granule) {
    case 12: return level == 2 || level == 1 || (level == 0 && p->ds);
    case 14: return level == 2 || (level == 1 && p->ds);
    default: return level == 2 || (level == 1 && p->lpa);
    }
}

static enum leaf leaf(struct arm_translation *t, const struct params *p, u64 addr, u64 desc,
                      u64 table, int level)
{
    u64 size = BIT(p->granule + (unsigned)(3 - level) * p->stride);
    u64 out = arm_descriptor_address(desc, p->granule, p->ds, p->lpa) & ~(size - 1);
    if (out >> p->output) {
        fault(t, ARM_FSC_ADDRESS_SIZE, level);
        return LEAF_FAULT;
    }
    if (t->access != ISA_PROBE) {
        enum leaf done = update_leaf(t, p, addr, &desc, table, level);
        if (done != LEAF_DONE)
            return done;
    }
    u64 mair = t->regime->mair >> (8 * (desc >> 2 & 7)) & 0xff;
    t->paddr = out | (t->vaddr & (size - 1));
    t->size = size;
    t->nonsecure |= (desc & DESC_NS) || table & TABLE_NS;
    t->global = p->two_ranges && !(desc & DESC_NG);
    t->guarded = desc & DESC_GP;
    t->attributes = (u8)mair;
    t->shareability = (u8)(p->ds ? t->regime->tcr >> (p->upper ? 28 : 12) & 3 : desc >> 8 & 3);
    return LEAF_DONE;
}

static struct arm_walk_entry *cache_entry(const struct arm_translation *t, const struct params *p)
{
    return &t->a->walk_cache[t->vaddr >> (p->granule + p->stride) & (ARM_WALK_CACHE - 1)];
}

/* Level and table to begin with: the first, or a last-level table that is known. */
static int start(const struct arm_translation *t, const struct params *p, u64 *base, u64 *table)
{
    const struct arm_walk_entry *e = cache_entry(t, p);
    u64 view = t->view & ~(ARM_VIEW_EL0 | ARM_VIEW_PAN);
    *table = 0;
    if (e->tag == ((t->vaddr >> (p->granule + p->stride) << 1) | 1) && e->view == view &&
        e->space == t->space) {
        *base = e->table;
        *table = (u64)e->attributes << 48;
        return 3;
    }
    *base = start_table(p);
    return p->start;
}

static void remember(const struct arm_translation *t, const struct params *p, u64 base, u64 table)
{
    *cache_entry(t, p) =
        (struct arm_walk_entry){.space = t->space,
                                .view = t->view & ~(ARM_VIEW_EL0 | ARM_VIEW_PAN),
                                .tag = (t->vaddr >> (p->granule + p->stride) << 1) | 1,
                                .table = base,
                                .attributes = (u16)(table >> 48)};
}

/* Down the tables. *again: another CPU changed the leaf meanwhile. */
static bool walk_tables(struct arm_translation *t, const struct params *p, bool *again)
{
    u64 base, table, addr, desc;
    *again = false;
    t->nonsecure = !t->regime->secure;
    int level = start(t, p, &base, &table);
    for (t->nonsecure |= (table & TABLE_NS) != 0;; level++) {
        unsigned shift = p->granule + (unsigned)(3 - level) * p->stride;
        unsigned bits = level == p->start ? p->input - shift : p->stride;
        u64 at = base + bits_get(t->vaddr, shift, bits) * 8;
        if (!arm_table_address(t, at, ARM_WALKING_READS, &addr))
            return false;
        if (!arm_descriptor_read(t->a, addr, t->regime->sctlr & SCTLR_EE, &desc))
            return fault(t, ARM_FSC_EXTERNAL_WALK, level);
        if (!(desc & DESC_VALID) || (level == 3 && !(desc & DESC_TABLE)) ||
            (!(desc & DESC_TABLE) && !block_allowed(p, level)))
            return fault(t, ARM_FSC_TRANSLATION, level);
        if (level == 3 || !(desc & DESC_TABLE)) {
            enum leaf done = leaf(t, p, at, desc, table, level);
            *again = done == LEAF_AGAIN;
            return done == LEAF_DONE;
        }
        base = arm_descriptor_address(desc, p->granule, p->ds, p->lpa);
        if (base >> p->output)
            return fault(t, ARM_FSC_ADDRESS_SIZE, level);
        table |= desc & TABLE_NS;
        if (!p->hpd)
            table |= desc & (TABLE_PXN | TABLE_UXN | TABLE_NO_EL0 | TABLE_RO);
        t->nonsecure |= (table & TABLE_NS) != 0;
        if (level == 2 && !has_stage2(t))
            remember(t, p, base, table);
    }
}

static bool stage1(struct arm_translation *t)
{
    struct params p;
    bool again, ok;
    int first = t->regime->format == ARM_TABLE_LONG; /* level of faults before the first table */
    if (t->regime->format == ARM_TABLE_SHORT)
        return arm_walk_short(t);
    if (!get_params(t, &p) || !in_range(t, &p) || p.disabled || (p.e0pd && t->view & ARM_VIEW_EL0))
        return fault(t, ARM_FSC_TRANSLATION, first);
    if (start_table(&p) >> p.output)
        return fault(t, ARM_FSC_ADDRESS_SIZE, first);
    do {
        ok = walk_tables(t, &p, &again);
    } while (again);
    /* Addresses with tags are not cached: TLB maintenance names addresses without. */
    u64 plain = p.two_ranges && p.upper ? t->vaddr | BITS(63, 56) : t->vaddr & BITS(55, 0);
    if (ok && p.tbi && plain != t->vaddr)
        t->size = 2048;
    return ok;
}

/* Stage 1 off ("AArch64.S1DisabledOutput"): data is Device-nGnRnE, or with HCR_EL2.DC Normal. */
static bool stage1_off(struct arm_translation *t)
{
    const struct arm_cpu *a = t->a;
    bool two = t->regime->kind == ARM_REGIME_EL10 || t->regime->kind == ARM_REGIME_EL20;
    u64 tcr = t->regime->tcr;
    bool high = two && t->vaddr >> 55 & 1;
    bool tbi = tcr & (two ? (high ? TCR_TBI1 : TCR_TBI0) : TCR2_TBI);
    u64 address = tbi ? t->vaddr & BITS(55, 0) : t->vaddr;
    if (address >> a->phys_bits)
        return fault(t, ARM_FSC_ADDRESS_SIZE, 0);
    t->paddr = address;
    t->size = address != t->vaddr ? 2048 : 4096;
    t->global = true;
    t->attributes = t->regime->hcr & HCR_DC ? 0xff : 0;
    t->shareability = t->regime->hcr & HCR_DC ? 0 : 2;
    return true;
}

bool arm_translate_address(struct arm_translation *t)
{
    u64 stamp = jit_flush_stamp(&t->a->cpu), paddr, size;
    if (t->a->walk_stamp != stamp) {
        memset(t->a->walk_cache, 0, sizeof(t->a->walk_cache));
        t->a->walk_stamp = stamp;
    }
    if (!(t->regime->sctlr & SCTLR_M ? stage1(t) : stage1_off(t)))
        return false;
    if (has_stage2(t) && !t->stage1_only) {
        if (!arm_translate_stage2(t, t->paddr, ARM_WALKING_NOT, &paddr, &size))
            return false;
        t->paddr = paddr;
        t->size = MIN(t->size, size);
    }
    t->paddr = arm_spaced_address(t, t->paddr);
    return true;
}
