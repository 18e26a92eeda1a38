/*
 * walk_short.c - stage 1 of VMSAv8-32 by short descriptors, and the permissions that both of its
 * formats have in common.
 *
 * Manual: DDI 0487, G5.4 (short descriptors), G5.7 (attributes), "AArch32.S1WalkSD",
 * "AArch32.S1SDHasPermissionsFault". Sections, supersections, large and small pages; domains;
 * access flag (SCTLR.AFE); remap (SCTLR.TRE). Long descriptors are walk.c's. On the CPU's thread.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/walk.h"
#include "jit/translate.h"

enum { LEVEL1 = 1, LEVEL2 = 2 };

/* A section or page, whatever its format. */
struct leaf {
    u64 base, size;
    unsigned ap, tex, cb, domain;
    bool xn, pxn, global, shared, nonsecure;
};

static bool fault(struct arm_translation *t, unsigned fsc, unsigned level, unsigned domain)
{
    t->code = arm_fault_code(fsc, (int)level) | (u64)domain << ARM_FAULT_DOMAIN_SHIFT;
    return false;
}

/* ---- Permissions ----------------------------------------------------------------------------- */

/* AP[2:0] as rights of both levels. Of the simplified model and of long descriptors: AP[0] is 1. */
enum { PR = 1, PW = 2, UR = 4, UW = 8 };
static const u8 rights[8] = {
    [0] = 0, [1] = PR | PW, [2] = PR | PW | UR, [3] = PR | PW | UR | UW,
    [4] = 0, [5] = PR,      [6] = PR | UR,      [7] = PR | UR,
};

bool arm_a32_permitted(const struct arm_translation *t, unsigned ap, bool xn, bool pxn)
{
    u64 sctlr = t->regime->sctlr;
    unsigned has = rights[ap & 7];
    bool wxn = sctlr & SCTLR_WXN, uwxn = sctlr & SCTLR32_UWXN;
    if (t->view & ARM_VIEW_EL0) {
        if (t->access == ISA_FETCH)
            return has & UR && !xn && !(wxn && has & UW);
        return has & (t->access == ISA_WRITE ? UW : UR);
    }
    if (t->access == ISA_FETCH)
        return has & PR && !xn && !pxn && !(wxn && has & PW) && !(uwxn && has & UW);
    if (t->view & ARM_VIEW_PAN && has & UR)
        return false;
    return has & (t->access == ISA_WRITE ? PW : PR);
}

/* ---- Attributes ------------------------------------------------------------------------------ */

/* Two bits of cacheability, as a nibble of MAIR. */
static u8 cached(unsigned policy)
{
    static const u8 nibble[4] = {4, 0xf, 0xa, 0xe};
    return nibble[policy & 3];
}

/* PRRR and NMRR; the number is TEX[0], C, B. */
static u8 remapped(u64 remap, unsigned n)
{
    u32 prrr = (u32)remap, nmrr = (u32)(remap >> 32);
    unsigned type = prrr >> (2 * n) & 3;
    if (type != 2)
        return type ? 4 : 0;
    return (u8)(cached(nmrr >> (2 * n + 16)) << 4 | cached(nmrr >> (2 * n)));
}

/* TEX, C, B without remap ("G5.7.2"). */
static u8 plain(unsigned tex, unsigned cb)
{
    static const u8 low[8] = {0, 4, 0xaa, 0xee, 0x44, 0x44, 0x44, 0xff};
    if (tex & 4)
        return (u8)(cached(tex) << 4 | cached(cb));
    return tex < 2 ? low[tex << 2 | cb] : 4;
}

static void set_attributes(struct arm_translation *t, const struct leaf *l)
{
    unsigned n = (l->tex & 1) << 2 | l->cb;
    bool remap = t->regime->sctlr & SCTLR32_TRE;
    t->attributes = remap ? remapped(t->regime->mair, n) : plain(l->tex, l->cb);
    bool inner = remap && t->regime->mair >> (24 + n) & 1; /* NOS */
    t->shareability = !(t->attributes & 0xf0) ? 2 : !l->shared ? 0 : inner ? 3 : 2;
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

static struct leaf section(u32 d)
{
    struct leaf l = {.base = d & UINT32_C(0xfff00000),
                     .size = MiB,
                     .ap = (d >> 13 & 4) | (d >> 10 & 3),
                     .tex = d >> 12 & 7,
                     .cb = d >> 2 & 3,
                     .domain = d >> 5 & 15,
                     .xn = d & BIT(4),
                     .pxn = d & 1,
                     .global = !(d & BIT(17)),
                     .shared = d & BIT(16),
                     .nonsecure = d & BIT(19)};
    if (d & BIT(18)) {
        l.base = (d & UINT32_C(0xff000000)) | (u64)(d >> 20 & 15) << 32 | (u64)(d >> 5 & 15) << 36;
        l.size = 16 * MiB;
        l.domain = 0;
    }
    return l;
}

/* table: the descriptor of the first level that led to it. */
static struct leaf page(u32 d, u32 table)
{
    bool small = d & 2;
    return (struct leaf){.base = d & (small ? UINT32_C(0xfffff000) : UINT32_C(0xffff0000)),
                         .size = small ? 4 * KiB : 64 * KiB,
                         .ap = (d >> 7 & 4) | (d >> 4 & 3),
                         .tex = (small ? d >> 6 : d >> 12) & 7,
                         .cb = d >> 2 & 3,
                         .domain = table >> 5 & 15,
                         .xn = d & (small ? 1 : BIT(15)),
                         .pxn = table & 4,
                         .global = !(d & BIT(11)),
                         .shared = d & BIT(10),
                         .nonsecure = table & BIT(3)};
}

/* ---- The walk -------------------------------------------------------------------------------- */

static bool read(struct arm_translation *t, u64 address, unsigned level, unsigned domain, u32 *out)
{
    u64 paddr, v;
    if (!arm_table_address(t, address, ARM_WALKING_READS, &paddr))
        return false;
    if (!jit_phys_read(&t->a->cpu, paddr, 4, &v))
        return fault(t, ARM_FSC_EXTERNAL_WALK, level, domain);
    *out = (u32)(t->regime->sctlr & SCTLR_EE ? bswap_size(v, 4) : v);
    return true;
}

/* "AArch32.CheckDomain": no access, client, reserved, manager. */
static bool check_domain(struct arm_translation *t, const struct leaf *l, unsigned level)
{
    unsigned ap = l->ap, kind = (unsigned)(t->regime->dacr >> (2 * l->domain) & 3);
    bool afe = t->regime->sctlr & SCTLR32_AFE;
    if (t->access == ISA_PROBE)
        return true;
    if (afe && !(ap & 1))
        return fault(t, ARM_FSC_ACCESS_FLAG, level, l->domain);
    if (kind == 3)
        return true;
    if (kind != 1)
        return fault(t, ARM_FSC_DOMAIN, level, l->domain);
    return arm_a32_permitted(t, ap, l->xn, l->pxn) ||
           fault(t, ARM_FSC_PERMISSION, level, l->domain);
}

static bool finish(struct arm_translation *t, const struct leaf *l, unsigned level)
{
    if (!check_domain(t, l, level))
        return false;
    t->paddr = l->base | (t->vaddr & (l->size - 1));
    t->size = l->size;
    t->global = l->global;
    t->nonsecure |= l->nonsecure;
    set_attributes(t, l);
    return true;
}

/* Base of the table of the first level: TTBCR.N high bits that are 0 choose TTBR0. */
static bool first_table(struct arm_translation *t, u64 *base)
{
    u64 tcr = t->regime->tcr;
    unsigned n = (unsigned)(tcr & 7);
    bool low = !n || !((u32)t->vaddr >> (32 - n));
    u64 index = (low ? (u32)t->vaddr & (UINT32_MAX >> n) : (u32)t->vaddr) >> 20;
    if (tcr & (low ? TTBCR_PD0 : TTBCR_PD1))
        return fault(t, ARM_FSC_TRANSLATION, LEVEL1, 0);
    u64 table = low ? align_down(t->space & UINT32_MAX, BIT(14 - n))
                    : align_down(t->regime->ttbr1 & UINT32_MAX, 16 * KiB);
    *base = table + 4 * index;
    return true;
}

bool arm_walk_short(struct arm_translation *t)
{
    u64 base;
    u32 d, d2;
    if (!first_table(t, &base) || !read(t, base, LEVEL1, 0, &d))
        return false;
    if (d & 2) {
        struct leaf l = section(d);
        return finish(t, &l, LEVEL1);
    }
    if (!(d & 1))
        return fault(t, ARM_FSC_TRANSLATION, LEVEL1, 0);
    base = (d & ~UINT32_C(1023)) + 4 * (t->vaddr >> 12 & 255);
    if (!read(t, base, LEVEL2, d >> 5 & 15, &d2))
        return false;
    if (!(d2 & 3))
        return fault(t, ARM_FSC_TRANSLATION, LEVEL2, d >> 5 & 15);
    struct leaf l = page(d2, d);
    return finish(t, &l, LEVEL2);
}
