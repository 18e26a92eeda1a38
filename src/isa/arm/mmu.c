/*
 * mmu.c - TLB contexts, the engine's page walks, address translation instructions.
 *
 * What a walk depends on is all in struct isa_context, so a switch of tables, levels or guests
 * flushes nothing: space  TTBR0's address and the ASID, as walk.h has them; 0 while stage 1 is off
 *   view   the access's privilege, PAN, kind of regime, security, VMID; and, as a place in
 * arm_cpu.regime[], the control registers: TTBR1, TCR, SCTLR, MAIR, VTTBR, VTCR, HCR. When that
 * table is full, everything is flushed. Global mappings hold in all spaces of a view, so they never
 * leave their regime. Accesses to Device memory must be aligned ("B2.10.1"): mappings say so, and
 * with stage 1 off, when all data is Device memory, the mode word (ARM_MODE_A). On the CPU's
 * thread.
 */
#include "isa/arm/a32.h"
#include "isa/arm/control.h"
#include "isa/arm/sysreg.h"
#include "isa/arm/walk.h"
#include "jit/translate.h"

/* ---- Regimes --------------------------------------------------------------------------------- */

#define SCTLR32_WALK                                                                               \
    (SCTLR_M | SCTLR_WXN | SCTLR_EE | SCTLR32_UWXN | SCTLR32_TRE | SCTLR32_AFE)
#define SHORT_BASE BITS(31, 7) /* of TTBRn; its low bits are attributes */
#define SCTLR_WALK (SCTLR_M | SCTLR_WXN | SCTLR_EE | SCTLR_EPAN)
#define HCR_WALK   (HCR_VM | HCR_DC | HCR_PTW | HCR_TGE | HCR_E2H)

static enum arm_regime_kind kind_of(const struct arm_cpu *a, unsigned el)
{
    u64 hcr = arm_hcr(a), host = HCR_E2H | HCR_TGE;
    switch (el) {
    case 3: return ARM_REGIME_EL3;
    case 2: return hcr & HCR_E2H ? ARM_REGIME_EL20 : ARM_REGIME_EL2;
    case 1: return ARM_REGIME_EL10;
    default: return (hcr & host) == host ? ARM_REGIME_EL20 : ARM_REGIME_EL10;
    }
}

/* EL1&0 of AArch32: TTBCR.EAE is which format. */
static void fill_a32(const struct arm_cpu *a, struct arm_regime *r)
{
    const u64 *s = a->sysreg;
    r->format = s[ARM_SYS_TCR_EL1] & TTBCR_EAE ? ARM_TABLE_LONG : ARM_TABLE_SHORT;
    r->sctlr = s[ARM_SYS_SCTLR_EL1] & SCTLR32_WALK;
    if (r->format == ARM_TABLE_LONG)
        return;
    r->tcr &= TTBCR_PD0 | TTBCR_PD1 | 7;
    r->ttbr1 = s[ARM_SYS_TTBR1_EL1] & SHORT_BASE;
    r->dacr = s[ARM_SYS_DACR32_EL2];
}

static void fill(const struct arm_cpu *a, enum arm_regime_kind kind, struct arm_regime *r)
{
    const u64 *s = a->sysreg;
    u64 hcr = arm_hcr(a);
    memset(r, 0, sizeof(*r));
    r->kind = kind;
    r->used = 1;
    /* EL3's is secure, the others follow SCR_EL3.NS: whatever the present level. */
    r->secure = kind == ARM_REGIME_EL3 || (a->has_el3 && !(s[ARM_SYS_SCR_EL3] & SCR_NS));
    switch (kind) {
    case ARM_REGIME_EL10:
        r->ttbr1 = s[ARM_SYS_TTBR1_EL1] & ARM_SPACE_BASE;
        r->tcr = s[ARM_SYS_TCR_EL1];
        r->sctlr = s[ARM_SYS_SCTLR_EL1] & SCTLR_WALK;
        r->mair = s[ARM_SYS_MAIR_EL1];
        r->hcr = hcr & HCR_WALK;
        if (arm_el1_is_a32(a))
            fill_a32(a, r);
        if (hcr & (HCR_TGE | HCR_DC))
            r->sctlr &= ~SCTLR_M;
        if (hcr & (HCR_VM | HCR_DC)) {
            r->vttbr = s[ARM_SYS_VTTBR_EL2];
            r->vtcr = s[ARM_SYS_VTCR_EL2];
            r->el2_ee = (s[ARM_SYS_SCTLR_EL2] & SCTLR_EE) != 0;
        }
        break;
    case ARM_REGIME_EL20: r->ttbr1 = s[ARM_SYS_TTBR1_EL2] & ARM_SPACE_BASE; /* fall through */
    case ARM_REGIME_EL2:
        r->tcr = s[ARM_SYS_TCR_EL2];
        r->sctlr = s[ARM_SYS_SCTLR_EL2] & SCTLR_WALK;
        r->mair = s[ARM_SYS_MAIR_EL2];
        break;
    case ARM_REGIME_EL3:
        r->tcr = s[ARM_SYS_TCR_EL3];
        r->sctlr = s[ARM_SYS_SCTLR_EL3] & SCTLR_WALK;
        r->mair = s[ARM_SYS_MAIR_EL3];
        break;
    }
}

/* The regime's place. When there is none left, contexts that name places are void: who comes here changes the state, or
 * ends by arm_state_changed. */
static unsigned intern(struct arm_cpu *a, const struct arm_regime *r)
{
    for (unsigned i = 0; i < ARM_REGIMES; i++) {
        if (memcmp(&a->regime[i], r, sizeof(*r)) == 0)
            return i;
    }
    if (a->regime_next == ARM_REGIMES) {
        memset(a->regime, 0, sizeof(a->regime));
        a->regime_next = 0;
        a->known_contexts = 0;
        jit_flush_all(&a->cpu);
    }
    a->regime[a->regime_next] = *r;
    return a->regime_next++;
}

static u64 space_of(const struct arm_cpu *a, const struct arm_regime *r)
{
    static const u16 ttbr0[] = {ARM_SYS_TTBR0_EL1, ARM_SYS_TTBR0_EL2, ARM_SYS_TTBR0_EL2,
                                ARM_SYS_TTBR0_EL3};
    static const u16 ttbr1[] = {ARM_SYS_TTBR1_EL1, 0, ARM_SYS_TTBR1_EL2, 0};
    u64 low = a->sysreg[ttbr0[r->kind]], asid = low;
    if (!(r->sctlr & SCTLR_M))
        return 0;
    if (r->format == ARM_TABLE_SHORT)
        return (low & SHORT_BASE) |
               (a->sysreg[ARM_SYS_CONTEXTIDR_EL1] & 0xff) << ARM_SPACE_ASID_SHIFT;
    if (!ttbr1[r->kind])
        return low & ARM_SPACE_BASE;
    if (r->tcr & TCR_A1)
        asid = a->sysreg[ttbr1[r->kind]];
    asid &= a->asid_bits == 16 && r->tcr & TCR_AS && r->format == ARM_TABLE_64 ? ARM_SPACE_ASID : BITS(55, 48);
    return (low & ARM_SPACE_BASE) | asid;
}

static u64 view_of(const struct arm_cpu *a, const struct arm_regime *r, unsigned place)
{
    u64 vmid = r->vttbr >> 48;
    if (a->vmid_bits == 8 || !(r->vtcr & BIT(19)))
        vmid &= 0xff;
    return r->kind << ARM_VIEW_KIND_SHIFT | (r->secure ? ARM_VIEW_SECURE : 0) |
           vmid << ARM_VIEW_VMID_SHIFT | (u64)place << ARM_VIEW_REGIME_SHIFT;
}

/* Of a regime, with an access's own bits. A level's change does not change regimes: they are kept
 * until a register that they depend on is written (arm_sysreg_set). */
static void make_context(struct arm_cpu *a, enum arm_regime_kind kind, u64 bits,
                         struct isa_context *out)
{
    struct isa_context *known = &a->known_context[kind];
    if (!(a->known_contexts >> kind & 1)) {
        struct arm_regime r;
        fill(a, kind, &r);
        unsigned place = intern(a, &r);
        *known = (struct isa_context){.space = space_of(a, &r), .view = view_of(a, &r, place)};
        a->known_contexts |= (u8)(1 << kind);
    }
    out->space = known->space;
    out->view = known->view | bits;
}

/* LDTR and STTR are EL0's accesses, but with PSTATE.UAO ("C3.2.5"). */
static bool is_unprivileged(const struct arm_cpu *a, unsigned n)
{
    unsigned el = arm_el(a);
    if (el == 0)
        return true;
    if (n != ARM_CONTEXT_UNPRIV || (a->pstate & PSTATE_UAO && !arm_is_a32(a)))
        return false;
    u64 host = HCR_E2H | HCR_TGE;
    return el == 1 || (el == 2 && (arm_hcr(a) & host) == host);
}

void arm_context(struct cpu *cpu, unsigned n, struct isa_context *out)
{
    struct arm_cpu *a = arm_cpu(cpu);
    enum arm_regime_kind kind = kind_of(a, arm_el(a));
    u64 bits = is_unprivileged(a, n) ? ARM_VIEW_EL0 : 0;
    bool el0_kind = kind == ARM_REGIME_EL10 || kind == ARM_REGIME_EL20;
    if (!bits && el0_kind && n != ISA_CONTEXT_FETCH && a->pstate & PSTATE_PAN)
        bits |= ARM_VIEW_PAN;
    make_context(a, kind, bits, out);
}

/* ---- Walks ----------------------------------------------------------------------------------- */

static struct arm_translation translation(struct arm_cpu *a, const struct isa_context *context,
                                          u64 vaddr, enum isa_access access)
{
    return (struct arm_translation){
        .a = a,
        .regime = &a->regime[(context->view & ARM_VIEW_REGIME) >> ARM_VIEW_REGIME_SHIFT],
        .space = context->space,
        .view = context->view,
        .vaddr = vaddr,
        .nonsecure = !(context->view & ARM_VIEW_SECURE),
        .access = access};
}

static enum isa_fault_kind kind_of_code(u64 code)
{
    unsigned fsc = (unsigned)(code & ARM_FAULT_FSC);
    return fsc >= ARM_FSC_EXTERNAL && fsc < 0x18 ? ISA_FAULT_ACCESS : ISA_FAULT_PAGE;
}

/* A data access that a watchpoint is set on fails when nothing else is wrong with it. */
static void watch(struct arm_translation *t, unsigned size, struct isa_fault *f)
{
    bool write = t->access == ISA_WRITE;
    if (t->access == ISA_FETCH || t->access == ISA_PROBE || !arm_watch_page(t->a, t->vaddr))
        return;
    t->size = MIN(t->size, 2048);
    if (!size || !arm_watch_hits(t->a, t->vaddr, size, t->view & ARM_VIEW_EL0, write))
        return;
    f->code = ARM_FSC_DEBUG;
    f->kind = ISA_FAULT_PAGE;
}

enum isa_fault_kind arm_walk(struct cpu *cpu, const struct isa_context *context, u64 vaddr,
                             enum isa_access access, struct isa_mapping *m, struct isa_fault *f)
{
    struct arm_cpu *a = arm_cpu(cpu);
    struct arm_translation t = translation(a, context, vaddr, access);
    unsigned size = f->size;
    *f = (struct isa_fault){.access = access, .vaddr = vaddr};
    if (!arm_translate_address(&t)) {
        f->code = t.code;
        f->kind = kind_of_code(t.code);
    } else if (unlikely(a->watching)) {
        watch(&t, size, f);
    }
    log_if(cpu->host->log, LOG_MMU, "cpu %u: walk %#llx %c space %#llx view %#llx: %s %#llx\n",
           cpu->index, (unsigned long long)vaddr, "rwxp"[access],
           (unsigned long long)context -> space, (unsigned long long)context -> view,
           f -> kind ? "fault" : "ok", (unsigned long long)(f->kind ? f->code : t.paddr));
    if (f->kind)
        return f->kind;
    bool device = !(t.attributes & 0xf0),
         stage1 = t.regime->sctlr & SCTLR_M || t.regime->hcr & HCR_DC;
    *m = (struct isa_mapping){.paddr = t.paddr,
                              .page_size = t.size,
                              .rights = (u8)BIT(access),
                              .global = t.global,
                              .io = device,
                              .aligned = device && stage1};
    if (t.guarded && access == ISA_FETCH && arm_cpu_has(a, ARM_EXT_BTI))
        m->code_mode = ARM_MODE_GP;
    return ISA_FAULT_NONE;
}

bool arm_is_device(struct arm_cpu *a, u64 vaddr)
{
    struct isa_context context;
    struct isa_mapping m;
    struct isa_fault f = {.size = 0};
    arm_context(&a->cpu, 0, &context);
    return !arm_walk(&a->cpu, &context, vaddr, ISA_WRITE, &m, &f) && m.io;
}

/* ---- AT ("C5.4") ----------------------------------------------------------------------------- */

struct at {
    enum arm_regime_kind kind;
    u64 bits;
    enum isa_access access;
    bool both_stages;
};

static struct at at_of(const struct arm_cpu *a, u32 encoding)
{
    unsigned op1 = arm_enc_op1(encoding), op2 = encoding & 7;
    struct at at = {.access = op2 & 1 ? ISA_WRITE : ISA_READ};
    u64 hcr = arm_hcr(a), host = HCR_E2H | HCR_TGE;
    if (op1 == 6) {
        at.kind = ARM_REGIME_EL3;
    } else if (op1 == 4 && op2 < 4) {
        at.kind = hcr & HCR_E2H ? ARM_REGIME_EL20 : ARM_REGIME_EL2;
    } else {
        /* S1E1* at EL2 is the guest's, unless the host is the only one */
        at.kind = (hcr & host) == host ? ARM_REGIME_EL20 : ARM_REGIME_EL10;
        at.bits = op2 & 2 ? ARM_VIEW_EL0 : 0;
        at.both_stages = op1 == 4;
    }
    if (arm_enc_crm(encoding) == 9 && a->pstate & PSTATE_PAN)
        at.bits |= ARM_VIEW_PAN;
    return at;
}

/* Device memory and what is not cached is outer shareable, whatever the tables say. */
static u64 shareability_of(const struct arm_translation *t)
{
    return !(t->attributes & 0xf0) || t->attributes == 0x44 ? 2 : t->shareability;
}

/* PAR_EL1 ("D24.2.111"). */
static u64 par_of(const struct arm_translation *t, bool ok)
{
    u64 res1 = BIT(11), ns = t->nonsecure ? BIT(9) : 0;
    if (ok)
        return (u64)t->attributes << 56 | (t->paddr & BITS(51, 12)) | res1 | ns |
               shareability_of(t) << 7;
    return 1 | (t->code & ARM_FAULT_FSC) << 1 | (t->code & ARM_FAULT_S1PTW ? BIT(8) : 0) |
           (t->code & ARM_FAULT_STAGE2 ? BIT(9) : 0) | res1;
}

void arm_op_translate(struct arm_cpu *a, const struct arm_sysreg *r, u64 vaddr)
{
    struct at at = at_of(a, r->encoding);
    struct isa_context context;
    make_context(a, at.kind, at.bits, &context);
    struct arm_translation t = translation(a, &context, vaddr, at.access);
    t.stage1_only = !at.both_stages;
    bool ok = arm_translate_address(&t);
    /* A guest's tables that its hypervisor does not map, asked by the guest, and tables that are
     * not memory, are exceptions ("AArch64.AT"). */
    bool external = !ok && kind_of_code(t.code) == ISA_FAULT_ACCESS;
    if (external || (!ok && t.code & ARM_FAULT_S1PTW && arm_el(a) == 1)) {
        struct isa_fault f = {.kind = kind_of_code(t.code),
                              .access = at.access,
                              .vaddr = vaddr,
                              .code = t.code | ARM_FAULT_CM};
        arm_fault(&a->cpu, &f);
        a->cpu.unwind = 1;
        return;
    }
    a->sysreg[ARM_SYS_PAR_EL1] = par_of(&t, ok);
}
