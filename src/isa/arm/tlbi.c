/*
 * tlbi.c - TLB maintenance: TLBI's forms as flushes of contexts, on this CPU and, for the shareable
 * ones, on the others.
 *
 * Manual: DDI 0487, C5.5, D8.16. Walk caches follow jit_flush_stamp. What IS and OS forms ask of
 * other CPUs is complete when a DSB of this CPU is (helper_system.c). A flush may take more than
 * was asked. On the CPU's thread.
 */
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/arm/walk.h"
#include "jit/translate.h"

/* ---- Scope ----------------------------------------------------------------------------------- */

/* CRm and HCR_EL2.FB say whether other CPUs are meant: 7, 6 and 4 (but for its outer forms) are
 * this one's only. */
static bool is_broadcast(const struct arm_cpu *a, u32 encoding)
{
    unsigned crm = arm_enc_crm(encoding), op2 = encoding & 7;
    if (arm_el(a) == 1 && arm_hcr(a) & HCR_FB)
        return true;
    if (arm_enc_op1(encoding) == 4 && crm == 4)
        return op2 == 0 || op2 == 3 || op2 == 4 || op2 == 7;
    return crm != 7 && crm != 6;
}

/* The regime that the instruction's name means ("TLBI ..E1 at EL2 with E2H and TGE is the host's").
 */
static enum arm_regime_kind kind_of(const struct arm_cpu *a, u32 encoding)
{
    u64 hcr = arm_hcr(a), host = HCR_E2H | HCR_TGE;
    switch (arm_enc_op1(encoding)) {
    case 6: return ARM_REGIME_EL3;
    case 4: return hcr & HCR_E2H ? ARM_REGIME_EL20 : ARM_REGIME_EL2;
    default: return (hcr & host) == host ? ARM_REGIME_EL20 : ARM_REGIME_EL10;
    }
}

/* All contexts of the regime, security state and, in a guest's, the present VMID. */
static void scope(const struct arm_cpu *a, enum arm_regime_kind kind, struct jit_flush *f)
{
    *f = (struct jit_flush){.vaddr = UINT64_MAX};
    f->key.view = (u64)kind << ARM_VIEW_KIND_SHIFT;
    f->mask.view = ARM_VIEW_KIND;
    if (kind == ARM_REGIME_EL10 && arm_el2_enabled(a) && arm_hcr(a) & (HCR_VM | HCR_DC)) {
        u64 vmid = a->sysreg[ARM_SYS_VTTBR_EL2] >> 48;
        if (a->vmid_bits == 8 || !(a->sysreg[ARM_SYS_VTCR_EL2] & BIT(19)))
            vmid &= 0xff;
        f->key.view |= vmid << ARM_VIEW_VMID_SHIFT;
        f->mask.view |= ARM_VIEW_VMID;
    }
}

static void flush(struct arm_cpu *a, u32 encoding, const struct jit_flush *f)
{
    log_if(a->cpu.host->log, LOG_MMU, "cpu %u: %s: address %#llx\n", a->cpu.index,
           arm_sysreg_name(encoding), (unsigned long long)f->vaddr);
    jit_flush(&a->cpu, f);
    if (is_broadcast(a, encoding) && jit_flush_others(&a->cpu, f))
        a->tlbi_pending = true;
}

/* ---- Instructions ---------------------------------------------------------------------------- */

void arm_tlbi_all(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    struct jit_flush f;
    bool guest = arm_enc_op1(r->encoding) == 4 && (r->encoding & 7) == 6; /* VMALLS12E1 */
    scope(a, guest ? ARM_REGIME_EL10 : kind_of(a, r->encoding), &f);
    flush(a, r->encoding, &f);
}

/* ALLE1: of all VMIDs. */
void arm_tlbi_guests(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    struct jit_flush f;
    scope(a, ARM_REGIME_EL10, &f);
    f.key.view &= ~ARM_VIEW_VMID;
    f.mask.view &= ~ARM_VIEW_VMID;
    flush(a, r->encoding, &f);
}

/* Bits 63..48 are the ASID; as many as TCR_ELx.AS says count, but entries of other ASIDs may go
 * too. */
static void set_asid(const struct arm_cpu *a, struct jit_flush *f, u64 v)
{
    u64 bits =
        a->asid_bits == 16 && a->sysreg[ARM_SYS_TCR_EL1] & TCR_AS ? ARM_SPACE_ASID : BITS(55, 48);
    f->key.space = v & bits;
    f->mask.space = bits;
}

void arm_tlbi_asid(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    struct jit_flush f;
    scope(a, kind_of(a, r->encoding), &f);
    set_asid(a, &f, v);
    f.keep_global = true;
    flush(a, r->encoding, &f);
}

/* By address: bits 43..0 are VA 55..12; op2 bit 1: of all ASIDs. Global entries go whatever the
 * ASID. */
void arm_tlbi_address(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    struct jit_flush f;
    scope(a, kind_of(a, r->encoding), &f);
    f.vaddr = (u64)bits_sext(v & BITS(43, 0), 44) << 12;
    if (!(r->encoding & 2) && arm_enc_op1(r->encoding) == 0)
        set_asid(a, &f, v);
    f.all_global = true;
    flush(a, r->encoding, &f);
}

/* Ranges ("TLBI RVAE1"): BaseADDR in granules, or 64K with TCR_ELx.DS; (NUM + 1) * 2^(5 * SCALE +
 * 1) granules. */
void arm_tlbi_range(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    static const u8 granules[4] = {0, 12, 14, 16};
    unsigned granule = granules[v >> 46 & 3], scale = (unsigned)(v >> 44 & 3);
    u64 pages = ((v >> 39 & 31) + 1) << (5 * scale + 1);
    struct jit_flush f;
    enum arm_regime_kind kind = kind_of(a, r->encoding);
    bool ds = kind == ARM_REGIME_EL10   ? (a->sysreg[ARM_SYS_TCR_EL1] & TCR_DS) != 0
              : kind == ARM_REGIME_EL20 ? (a->sysreg[ARM_SYS_TCR_EL2] & TCR_DS) != 0
              : kind == ARM_REGIME_EL2  ? (a->sysreg[ARM_SYS_TCR_EL2] & TCR2_DS) != 0
                                        : (a->sysreg[ARM_SYS_TCR_EL3] & TCR2_DS) != 0;
    if (!granule)
        return; /* reserved: nothing is invalidated */
    scope(a, kind, &f);
    if (!(r->encoding & 2) && arm_enc_op1(r->encoding) == 0)
        set_asid(a, &f, v);
    f.vaddr = (u64)bits_sext(v & BITS(36, 0), 37) << (ds ? 16 : granule);
    f.pages = (u32)MIN(pages << (granule - 12), UINT32_MAX);
    f.all_global = true;
    flush(a, r->encoding, &f);
}

/* By intermediate address: what is cached are whole translations, so all of the guest's go. */
void arm_tlbi_stage2(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    struct jit_flush f;
    scope(a, ARM_REGIME_EL10, &f);
    flush(a, r->encoding, &f);
}
