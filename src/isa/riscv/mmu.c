/*
 * mmu.c - page walks (Sv32, Sv39, Sv48, Sv57; Svnapot, Svpbmt, Svadu/Svade), TLB contexts, fences.
 *
 * Manual: privileged architecture, "Virtual Address Translation Process" (the steps are named in
 * walk_table).
 *
 * What a walk depends on is all in struct isa_context, so a switch of page tables or privilege
 * changes contexts and flushes nothing: space: 0 untranslated; else satp as RV64 writes it:
 * mode 63..60, ASID 59..44, root PPN 43..0. Sv32 has mode 12 here, so bit 63 tells translated
 * spaces. view:  effective privilege 1..0, SUM, MXR. Place for V and for shadow-stack accesses:
 * bits 4, 5. menvcfg (ADUE, PBMTE) and PMP are not in it: their writes flush everything. Runs on
 * the hart's thread.
 */
#include "isa/riscv/riscv.h"
#include "jit/translate.h"

enum {
    PTE_V = 1,
    PTE_R = 2,
    PTE_W = 4,
    PTE_X = 8,
    PTE_U = 16,
    PTE_G = 32,
    PTE_A = 64,
    PTE_D = 128
};
#define PTE_PBMT_SHIFT 61
#define PTE_RESERVED   BITS(60, 54)
#define PTE_N          BIT(63)
enum { PBMT_PMA, PBMT_NC, PBMT_IO, PBMT_RESERVED };

#define SPACE_TRANSLATED BIT(63)
#define SPACE_ASID       BITS(59, 44)
#define SPACE_PPN        BITS(43, 0)
enum { VIEW_PRIV = 3, VIEW_SUM = 4, VIEW_MXR = 8 };

/* Translation schemes by satp.MODE of RV64; 12: Sv32. */
struct scheme {
    u8 levels, vpn_bits, pte_size, vm; /* vm: enum riscv_vm */
};
enum { MODE_SV32 = 12 };
static const struct scheme schemes[16] = {
    [8] = {3, 9, 8, RISCV_VM_SV39},
    [9] = {4, 9, 8, RISCV_VM_SV48},
    [10] = {5, 9, 8, RISCV_VM_SV57},
    [MODE_SV32] = {2, 10, 4, RISCV_VM_SV32},
};

/* ---- satp and contexts ----------------------------------------------------------------------- */

/* RV32: MODE 31, ASID 30..22, PPN 21..0. Unsupported modes leave satp as it was; Bare has no other
 * fields. */
u64 riscv_satp_legal(const struct riscv_cpu *rv, u64 value)
{
    if (rv->xlen == 32) {
        if (value >> 31 & 1)
            return rv->vm_modes & RISCV_VM_SV32 ? value : rv->satp;
        return 0;
    }
    unsigned mode = (unsigned)(value >> 60);
    if (!mode)
        return 0;
    return mode != MODE_SV32 && schemes[mode].vm & rv->vm_modes ? value : rv->satp;
}

static u64 space_of(const struct riscv_cpu *rv, unsigned priv)
{
    if (priv == RISCV_M || !rv->satp)
        return 0;
    if (rv->xlen == 64)
        return rv->satp;
    return (u64)MODE_SV32 << 60 | bits_get(rv->satp, 22, 9) << 44 | bits_get(rv->satp, 0, 22);
}

void riscv_context(struct cpu *cpu, unsigned n, struct isa_context *out)
{
    const struct riscv_cpu *rv = riscv_cpu(cpu);
    unsigned priv = rv->priv;
    u64 view = 0;
    if (n != ISA_CONTEXT_FETCH) {
        if (rv->mstatus & MSTATUS_MPRV)
            priv = (unsigned)((rv->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT);
        if (priv == RISCV_S && rv->mstatus & MSTATUS_SUM)
            view |= VIEW_SUM;
        if (priv != RISCV_M && rv->mstatus & MSTATUS_MXR)
            view |= VIEW_MXR;
    }
    out->space = space_of(rv, priv);
    out->view = view | priv;
}

/* ---- The walk -------------------------------------------------------------------------------- */

struct walk {
    struct riscv_cpu *rv;
    const struct scheme *scheme;
    u64 vaddr, view;
    enum isa_access access;
    struct isa_mapping *m;
};

enum verdict { PTE_POINTER, PTE_LEAF, PTE_BAD };

/* Steps 3 and 4: validity, and the bits that must be zero. */
static enum verdict classify(const struct walk *w, u64 pte, unsigned level)
{
    const struct riscv_cpu *rv = w->rv;
    if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W)
        return PTE_BAD;
    bool leaf = pte & (PTE_R | PTE_X);
    if (w->scheme->pte_size == 8) {
        unsigned pbmt = (unsigned)(pte >> PTE_PBMT_SHIFT & 3);
        bool may_pbmt = leaf && rv->menvcfg & ENVCFG_PBMTE && pbmt != PBMT_RESERVED;
        bool may_napot =
            leaf && !level && riscv_cpu_has(rv, RISCV_EXT_SVNAPOT) && bits_get(pte, 10, 4) == 8;
        if (pte & PTE_RESERVED || (pbmt && !may_pbmt) || (pte & PTE_N && !may_napot))
            return PTE_BAD;
    }
    if (leaf)
        return PTE_LEAF;
    return level && !(pte & (PTE_A | PTE_D | PTE_U)) ? PTE_POINTER : PTE_BAD;
}

/* Step 5: does the PTE permit the access? */
static bool permitted(const struct walk *w, u64 pte)
{
    unsigned priv = w->view & VIEW_PRIV;
    if (w->access == ISA_PROBE)
        return true;
    if (priv == RISCV_U && !(pte & PTE_U))
        return false;
    if (priv == RISCV_S && pte & PTE_U && (w->access == ISA_FETCH || !(w->view & VIEW_SUM)))
        return false;
    switch (w->access) {
    case ISA_READ: return pte & PTE_R || (w->view & VIEW_MXR && pte & PTE_X);
    case ISA_WRITE: return pte & PTE_W;
    default: return pte & PTE_X;
    }
}

static u64 pte_ppn(const struct walk *w, u64 pte)
{
    return w->scheme->pte_size == 4 ? bits_get(pte, 10, 22) : bits_get(pte, 10, 44);
}

/* Implicit accesses of the walk are made as S-mode's. */
static bool table_allows(const struct walk *w, u64 addr, enum isa_access access)
{
    u64 size;
    return riscv_pmp_allows(w->rv, addr, w->scheme->pte_size, access, RISCV_S, &size);
}

enum update { UPDATE_DONE, UPDATE_RACED, UPDATE_PAGE, UPDATE_ACCESS };

/* Step 7: accessed and dirty bits, by hardware (ADUE) or by a page fault (Svade). */
static enum update update_ad(const struct walk *w, u64 addr, u64 *pte)
{
    u64 want = *pte | PTE_A | (w->access == ISA_WRITE ? PTE_D : 0), seen = *pte;
    if (want == *pte || w->access == ISA_PROBE)
        return UPDATE_DONE;
    if (!(w->rv->menvcfg & ENVCFG_ADUE))
        return UPDATE_PAGE;
    if (!table_allows(w, addr, ISA_WRITE))
        return UPDATE_ACCESS;
    if (!jit_phys_cas(&w->rv->cpu, addr, w->scheme->pte_size, &seen, want))
        return seen == *pte ? UPDATE_ACCESS : UPDATE_RACED;
    *pte = want;
    return UPDATE_DONE;
}

/* Step 8: the address; large pages and NAPOT ranges take their low page number bits from the
 * virtual address. */
static void set_mapping(const struct walk *w, u64 pte, unsigned level)
{
    unsigned shift =
        pte & PTE_N && w->scheme->pte_size == 8 ? 16 : 12 + level * w->scheme->vpn_bits;
    u64 low = BIT(shift) - 1;
    *w->m = (struct isa_mapping){
        .paddr = ((pte_ppn(w, pte) << 12) & ~low) | (w->vaddr & low),
        .page_size = low + 1,
        .global = pte & PTE_G || w->m->global,
        .io = w->scheme->pte_size == 8 && (pte >> PTE_PBMT_SHIFT & 3) == PBMT_IO,
    };
}

/* Steps 5 to 8 for a leaf at addr. */
static enum isa_fault_kind walk_leaf(const struct walk *w, u64 addr, u64 pte, unsigned level,
                                     bool *again)
{
    u64 misaligned = BIT(level * w->scheme->vpn_bits) - 1;
    if (!permitted(w, pte) || pte_ppn(w, pte) & misaligned)
        return ISA_FAULT_PAGE;
    switch (update_ad(w, addr, &pte)) {
    case UPDATE_RACED: *again = true; return ISA_FAULT_NONE;
    case UPDATE_PAGE: return ISA_FAULT_PAGE;
    case UPDATE_ACCESS: return ISA_FAULT_ACCESS;
    case UPDATE_DONE: break;
    }
    set_mapping(w, pte, level);
    return ISA_FAULT_NONE;
}

static struct riscv_walk_entry *walk_entry(const struct walk *w)
{
    return &w->rv->walk_cache[w->vaddr >> 21 & (RISCV_WALK_CACHE - 1)];
}

/* Level and table to start at: the root, or a last-level table that is known. */
static unsigned walk_start(const struct walk *w, u64 space, u64 *base)
{
    const struct riscv_walk_entry *e = walk_entry(w);
    if (w->scheme->pte_size == 8 && e->space == space && e->vpage == w->vaddr >> 21) {
        *base = e->table;
        w->m->global = e->global;
        return 1;
    }
    *base = (space & SPACE_PPN) << 12;
    w->m->global = false;
    return w->scheme->levels;
}

/* Steps 1 to 4, down the table. *again: another hart changed the leaf meanwhile. */
static enum isa_fault_kind walk_table(const struct walk *w, u64 space, bool *again)
{
    u64 base;
    *again = false;
    for (unsigned level = walk_start(w, space, &base); level-- > 0;) {
        unsigned shift = 12 + level * w->scheme->vpn_bits;
        u64 addr = base + bits_get(w->vaddr, shift, w->scheme->vpn_bits) * w->scheme->pte_size;
        u64 pte;
        if (!table_allows(w, addr, ISA_READ) ||
            !jit_phys_read(&w->rv->cpu, addr, w->scheme->pte_size, &pte))
            return ISA_FAULT_ACCESS;
        switch (classify(w, pte, level)) {
        case PTE_BAD: return ISA_FAULT_PAGE;
        case PTE_LEAF: return walk_leaf(w, addr, pte, level, again);
        case PTE_POINTER: break;
        }
        w->m->global |= (pte & PTE_G) != 0;
        base = pte_ppn(w, pte) << 12;
        if (level == 1 && w->scheme->pte_size == 8)
            *walk_entry(w) = (struct riscv_walk_entry){
                .space = space, .vpage = w->vaddr >> 21, .table = base, .global = w->m->global};
    }
    return ISA_FAULT_PAGE;
}

/* Addresses of RV64 must be the sign extension of what is translated. */
static bool canonical(const struct scheme *s, u64 vaddr)
{
    unsigned bits = 12 + s->levels * s->vpn_bits;
    return s->pte_size == 4 || (u64)bits_sext(vaddr, bits) == vaddr;
}

static enum isa_fault_kind translate(struct walk *w, u64 space)
{
    w->scheme = &schemes[space >> 60];
    if (!canonical(w->scheme, w->vaddr))
        return ISA_FAULT_PAGE;
    enum isa_fault_kind kind;
    bool again;
    do {
        kind = walk_table(w, space, &again);
    } while (again);
    return kind;
}

enum isa_fault_kind riscv_walk(struct cpu *cpu, const struct isa_context *context, u64 vaddr,
                               enum isa_access access, struct isa_mapping *m, struct isa_fault *f)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    struct walk w = {.rv = rv,
                     .vaddr = riscv_zext_xlen(rv, vaddr),
                     .view = context->view,
                     .access = access,
                     .m = m};
    u64 pmp_size;
    *f = (struct isa_fault){.access = access, .vaddr = w.vaddr};
    if (context->space)
        f->kind = translate(&w, context->space);
    else
        *m = (struct isa_mapping){.paddr = w.vaddr, .page_size = 4096, .global = true};
    if (access == ISA_PROBE)
        return f->kind;
    if (!f->kind && !riscv_pmp_allows(rv, m->paddr, 1, access, w.view & VIEW_PRIV, &pmp_size))
        f->kind = ISA_FAULT_ACCESS;
    log_if(cpu->host->log, LOG_MMU, "cpu %u: walk %#llx %c space %#llx view %u: %s %#llx\n",
           cpu->index, (unsigned long long)vaddr, "rwx"[access],
           (unsigned long long)context->space, (unsigned)context->view,
           f->kind == ISA_FAULT_PAGE ? "page fault"
                : f->kind              ? "access fault"
                                       : "ok",
           f->kind ? 0ULL : (unsigned long long)m->paddr);
    if (f->kind)
        return f->kind;
    if (pmp_size < m->page_size && pmp_size < 4096)
        m->page_size = pmp_size;
    m->rights = (u8)BIT(access);
    return ISA_FAULT_NONE;
}

/* ---- Fences ---------------------------------------------------------------------------------- */

/* SFENCE.VMA and SINVAL.VMA. Untranslated spaces have nothing to fence. */
void riscv_sfence(struct riscv_cpu *rv, bool all_addresses, u64 vaddr, bool all_spaces, u64 asid)
{
    memset(rv->walk_cache, 0, sizeof(rv->walk_cache));
    u64 asid_bits = rv->xlen == 32 ? BITS(8, 0) : BITS(15, 0);
    u64 space = SPACE_TRANSLATED | (asid & asid_bits) << 44;
    u64 mask = SPACE_TRANSLATED | (all_spaces ? 0 : SPACE_ASID);
    u64 at = all_addresses ? UINT64_MAX : align_down(riscv_zext_xlen(rv, vaddr), 4096);
    jit_flush_space(&rv->cpu, space, mask, at, !all_spaces);
}
