/*
 * walk_stage2.c - stage 2 of VMSAv8-64: a guest's intermediate physical addresses, by VTTBR_EL2 and
 * VTCR_EL2.
 *
 * Manual: DDI 0487, D8 ("AArch64.S2Translate"). On the CPU's thread.
 */
#include "isa/arm/control.h"
#include "isa/arm/walk.h"

#define S2_VALID BIT(0)
#define S2_TABLE BIT(1)
#define S2_READ  BIT(6)
#define S2_WRITE BIT(7)
#define S2_AF    BIT(10)
#define S2_DBM   BIT(51)

#define VTCR_HA BIT(21)
#define VTCR_HD BIT(22)
#define VTCR_DS BIT(32)

struct params {
    unsigned input, granule, stride, output;
    int start;
    bool ha, hd, ds, lpa;
};

/* SL0's meaning by granule ("D8.2.3"). */
static int start_level(const struct arm_cpu *a, unsigned granule, unsigned sl0, bool sl2)
{
    if (granule == 12) {
        if (sl0 == 3)
            return arm_cpu_has(a, ARM_EXT_TTST) ? 3 : -2;
        return sl2 ? (sl0 == 0 ? -1 : -2) : 2 - (int)sl0;
    }
    return sl0 == 3 && granule == 16 ? -2 : 3 - (int)sl0;
}

static bool get_params(const struct arm_translation *t, struct params *p)
{
    static const u8 granules[4] = {12, 16, 14, 12};
    const struct arm_cpu *a = t->a;
    u64 vtcr = t->regime->vtcr;
    *p = (struct params){.granule = granules[vtcr >> 14 & 3], .input = 64 - (unsigned)(vtcr & 63)};
    p->stride = p->granule - 3;
    p->ha = vtcr & VTCR_HA && arm_cpu_has(a, ARM_EXT_HAFDBS);
    p->hd = vtcr & VTCR_HD && p->ha;
    p->ds = vtcr & VTCR_DS && arm_cpu_has(a, ARM_EXT_LPA2) && p->granule != 16;
    p->output = arm_address_bits(a, (unsigned)(vtcr >> 16 & 7));
    p->lpa = p->granule == 16 && arm_cpu_has(a, ARM_EXT_LPA);
    if (!p->ds && !p->lpa)
        p->output = MIN(p->output, 48);
    p->start = start_level(a, p->granule, (unsigned)(vtcr >> 6 & 3), p->ds && vtcr >> 33 & 1);
    unsigned least = arm_cpu_has(a, ARM_EXT_TTST) ? 16 : 25;
    if (p->start < -1 || p->input < least || p->input > (p->ds || p->lpa ? 52 : 48))
        return false;
    /* The first level resolves at least a bit, and at most four more than a table has (concatenated
     * ones). */
    int bits = (int)p->input - (int)(p->granule + (unsigned)(3 - p->start) * p->stride);
    return bits >= 1 && bits <= (int)p->stride + 4;
}

static bool fault(struct arm_translation *t, unsigned fsc, int level, u64 ipa,
                  enum arm_walking walking)
{
    t->code = arm_fault_code(fsc, level) | ARM_FAULT_STAGE2 | (walking ? ARM_FAULT_S1PTW : 0) |
              (ipa & ARM_FAULT_IPA);
    return false;
}

/* XN[1:0] in bits 54..53: with XNX, 01 and 11 tell EL1 from EL0 ("D8.4.4"). */
static bool executable(const struct arm_translation *t, u64 desc)
{
    unsigned xn = (unsigned)(desc >> 53 & 3);
    bool el0 = t->view & ARM_VIEW_EL0;
    if (!arm_cpu_has(t->a, ARM_EXT_XNX))
        return !(xn & 2);
    return xn == 0 || (xn == 1 && el0) || (xn == 3 && !el0);
}

static bool permitted(const struct arm_translation *t, u64 desc, enum isa_access access)
{
    switch (access) {
    case ISA_READ: return desc & S2_READ;
    case ISA_WRITE: return desc & S2_WRITE;
    case ISA_FETCH: return desc & S2_READ && executable(t, desc);
    default: return true;
    }
}

/* A page that is Device memory may not hold stage 1 tables with HCR_EL2.PTW. */
static bool refuses_walk(const struct arm_translation *t, u64 desc)
{
    return t->regime->hcr & HCR_PTW && !(desc >> 4 & 3);
}

static enum arm_update leaf(struct arm_translation *t, const struct params *p, u64 addr, u64 *desc,
                            u64 ipa, enum arm_walking walking, int level)
{
    enum isa_access access = t->access == ISA_PROBE           ? ISA_PROBE
                             : walking == ARM_WALKING_UPDATES ? ISA_WRITE
                             : walking                        ? ISA_READ
                                                              : t->access;
    u64 want = *desc;
    if (access == ISA_PROBE)
        return ARM_UPDATE_DONE;
    if (!(*desc & S2_AF) && !p->ha) {
        fault(t, ARM_FSC_ACCESS_FLAG, level, ipa, walking);
        return ARM_UPDATE_FAILED;
    }
    want |= S2_AF;
    bool clean = p->hd && *desc & S2_DBM && !(*desc & S2_WRITE);
    u64 rights = clean ? *desc | S2_WRITE : *desc;
    if (!permitted(t, rights, access) || (walking && refuses_walk(t, *desc))) {
        fault(t, ARM_FSC_PERMISSION, level, ipa, walking);
        return ARM_UPDATE_FAILED;
    }
    if (clean && access == ISA_WRITE)
        want |= S2_WRITE;
    if (want == *desc)
        return ARM_UPDATE_DONE;
    enum arm_update done = arm_descriptor_update(t->a, addr, t->regime->el2_ee, *desc, want);
    if (done == ARM_UPDATE_FAILED)
        fault(t, ARM_FSC_EXTERNAL_WALK, level, ipa, walking);
    return done;
}

static bool block_allowed(const struct params *p, int level)
{
    switch (p->granule) {
    case 12: return level == 2 || level == 1 || (level == 0 && p->ds);
    case 14: return level == 2 || (level == 1 && p->ds);
    default: return level == 2 || (level == 1 && p->lpa);
    }
}

static u64 start_table(const struct arm_translation *t, const struct params *p)
{
    unsigned align = p->input - ((unsigned)(3 - p->start) * p->stride + p->granule) + 3;
    u64 base = t->regime->vttbr & BITS(47, 1);
    if (p->ds || (p->lpa && p->output == 52)) {
        align = MAX(align, 6u);
        base |= bits_get(t->regime->vttbr, 2, 4) << 48;
    }
    return align_down(base, BIT(align));
}

/* MAIR's form of what both stages say of inner or outer caches: the weaker of them
 * ("S2CombineS1Attr"). */
static unsigned combined_cache(unsigned first, unsigned second)
{
    bool write_through = !(first & 4);
    if (first == 4 || second == 1)
        return 4;
    return !write_through && second == 2 ? 8 | (first & 3) : first;
}

/* What stage 1 said of memory, with stage 2's MemAttr and SH ("D8.5.5"). */
static void combine(struct arm_translation *t, const struct params *p, u64 desc)
{
    unsigned second = (unsigned)(desc >> 2 & 15), first = t->attributes;
    unsigned share = (unsigned)(p->ds ? t->regime->vtcr >> 12 & 3 : desc >> 8 & 3);
    if (second < 4)
        t->attributes = (u8)(first & 0xf0 ? second << 2 : MIN(first, second << 2));
    else if (first & 0xf0)
        t->attributes = (u8)(combined_cache(first >> 4, second >> 2) << 4 |
                             combined_cache(first & 15, second & 3));
    if (t->shareability != 2 && share)
        t->shareability = (u8)share;
}

static bool walk_tables(struct arm_translation *t, const struct params *p, u64 ipa,
                        enum arm_walking walking, u64 *paddr, u64 *size, bool *again)
{
    u64 base = start_table(t, p), desc;
    *again = false;
    for (int level = p->start;; level++) {
        unsigned shift = p->granule + (unsigned)(3 - level) * p->stride;
        unsigned bits = level == p->start ? p->input - shift : p->stride;
        u64 addr = base + bits_get(ipa, shift, bits) * 8;
        if (!arm_descriptor_read(t->a, addr, t->regime->el2_ee, &desc))
            return fault(t, ARM_FSC_EXTERNAL_WALK, level, ipa, walking);
        if (!(desc & S2_VALID) || (level == 3 && !(desc & S2_TABLE)) ||
            (!(desc & S2_TABLE) && !block_allowed(p, level)))
            return fault(t, ARM_FSC_TRANSLATION, level, ipa, walking);
        u64 out = arm_descriptor_address(desc, p->granule, p->ds, p->lpa);
        if (out >> p->output)
            return fault(t, ARM_FSC_ADDRESS_SIZE, level, ipa, walking);
        if (level == 3 || !(desc & S2_TABLE)) {
            enum arm_update done = leaf(t, p, addr, &desc, ipa, walking, level);
            *again = done == ARM_UPDATE_RACED;
            if (!walking)
                combine(t, p, desc);
            *size = BIT(shift);
            *paddr = align_down(out, *size) | (ipa & (*size - 1));
            return done == ARM_UPDATE_DONE;
        }
        base = out;
    }
}

bool arm_translate_stage2(struct arm_translation *t, u64 ipa, enum arm_walking walking, u64 *paddr,
                          u64 *size)
{
    struct params p;
    bool again, ok;
    if (!get_params(t, &p) || (p.input < 64 && ipa >> p.input))
        return fault(t, ARM_FSC_TRANSLATION, 0, ipa, walking);
    if (start_table(t, &p) >> p.output)
        return fault(t, ARM_FSC_ADDRESS_SIZE, 0, ipa, walking);
    do {
        ok = walk_tables(t, &p, ipa, walking, paddr, size, &again);
    } while (again);
    return ok;
}
