/*
 * pmp.c - physical memory protection, with Smepmp.
 *
 * Manual: privileged architecture, "Physical Memory Protection", and "Smepmp". Granularity is 4
 * bytes (G = 0). Every change flushes the hart's cached translations, which were made under the old
 * rules. Runs on the hart's thread.
 */
#include "isa/riscv/riscv.h"
#include "jit/translate.h"

enum {
    PMP_R = 1,
    PMP_W = 2,
    PMP_X = 4,
    PMP_A = 3 << 3,
    PMP_L = 1 << 7,
    PMP_VALID = PMP_R | PMP_W | PMP_X | PMP_A | PMP_L
};
enum { PMP_OFF = 0 << 3, PMP_TOR = 1 << 3, PMP_NA4 = 2 << 3, PMP_NAPOT = 3 << 3 };
enum { PMP_PAGE = 4096 };

/* ---- Ranges ---------------------------------------------------------------------------------- */

static void decode_range(struct riscv_pmp *p, unsigned n)
{
    u64 addr = p->addr[n];
    p->first[n] = 1;
    p->last[n] = 0;
    switch (p->cfg[n] & PMP_A) {
    case PMP_TOR: {
        u64 from = n ? p->addr[n - 1] : 0;
        if (from < addr) {
            p->first[n] = from << 2;
            p->last[n] = (addr << 2) - 1;
        }
        break;
    }
    case PMP_NA4:
        p->first[n] = addr << 2;
        p->last[n] = p->first[n] + 3;
        break;
    case PMP_NAPOT: {
        u64 ones = addr ^ (addr + 1); /* the trailing ones and the zero above them */
        p->first[n] = (addr & ~ones) << 2;
        p->last[n] = p->first[n] | (ones << 2 | 3);
        break;
    }
    default: break;
    }
}

void riscv_pmp_update(struct riscv_cpu *rv)
{
    struct riscv_pmp *p = &rv->pmp;
    p->active = 0;
    memset(rv->walk_cache, 0, sizeof(rv->walk_cache));
    p->rule.first = 1;
    p->rule.last = 0;
    for (unsigned n = 0; n < rv->pmp_count; n++) {
        decode_range(p, n);
        if (p->first[n] <= p->last[n])
            p->active = (u8)(n + 1);
    }
}

static void pmp_changed(struct riscv_cpu *rv)
{
    riscv_pmp_update(rv);
    jit_flush_all(&rv->cpu);
}

/* ---- Permissions ----------------------------------------------------------------------------- */

/* Smepmp's truth table (mseccfg.MML = 1). Gives PMP_R | PMP_W | PMP_X. */
static unsigned rights_mml(unsigned cfg, bool m)
{
    unsigned rwx = cfg & 7;
    bool locked = cfg & PMP_L;
    if ((rwx & PMP_W) && !(rwx & PMP_R)) { /* shared regions */
        bool x = rwx & PMP_X;
        if (locked)
            return m && x ? PMP_R | PMP_X : PMP_X;
        return m || x ? PMP_R | PMP_W : PMP_R;
    }
    if (locked && rwx == (PMP_R | PMP_W | PMP_X))
        return PMP_R;
    return locked == m ? rwx : 0;
}

static unsigned rights_of(const struct riscv_cpu *rv, unsigned cfg, bool m)
{
    if (rv->mseccfg & MSECCFG_MML)
        return rights_mml(cfg, m);
    return m && !(cfg & PMP_L) ? PMP_R | PMP_W | PMP_X : cfg & 7;
}

/* Where no entry matches. */
static unsigned rights_default(const struct riscv_cpu *rv, bool m)
{
    if (!m)
        return rv->pmp_count ? 0 : PMP_R | PMP_W | PMP_X;
    if (rv->mseccfg & MSECCFG_MMWP)
        return 0;
    return rv->mseccfg & MSECCFG_MML ? PMP_R | PMP_W : PMP_R | PMP_W | PMP_X;
}

static bool overlaps(const struct riscv_pmp *p, unsigned n, u64 first, u64 last)
{
    return p->first[n] <= p->last[n] && p->first[n] <= last && p->last[n] >= first;
}

static bool covers(const struct riscv_pmp *p, unsigned n, u64 first, u64 last)
{
    return p->first[n] <= first && p->last[n] >= last;
}

/* The entry that rules first..last, all of it: its number, `active` when none does; -1 when the
 * range is divided. */
static int ruling(const struct riscv_pmp *p, u64 first, u64 last)
{
    unsigned n = 0;
    while (n < p->active && !overlaps(p, n, first, last))
        n++;
    return n == p->active || covers(p, n, first, last) ? (int)n : -1;
}

/* Entry n rules the page at paddr, alone: remembers how far that goes. */
static void remember_rule(struct riscv_cpu *rv, u64 paddr, unsigned n)
{
    struct riscv_pmp *p = &rv->pmp;
    bool none = n == p->active;
    u64 first = none ? 0 : p->first[n], last = none ? UINT64_MAX : p->last[n];
    for (unsigned i = 0; i < n; i++) {
        if (p->first[i] > p->last[i])
            continue;
        if (p->last[i] < paddr)
            first = MAX(first, p->last[i] + 1);
        else
            last = MIN(last, p->first[i] - 1);
    }
    p->rule.first = first;
    p->rule.last = last;
    for (unsigned m = 0; m < 2; m++)
        p->rule.rights[m] = (u8)(none ? rights_default(rv, m) : rights_of(rv, p->cfg[n], m));
}

bool riscv_pmp_allows(struct riscv_cpu *rv, u64 paddr, unsigned bytes, enum isa_access access,
                      unsigned priv, u64 *size)
{
    static const u8 needs[] = {[ISA_READ] = PMP_R, [ISA_WRITE] = PMP_W, [ISA_FETCH] = PMP_X};
    struct riscv_pmp *p = &rv->pmp;
    bool m = priv == RISCV_M;
    u64 block = PMP_PAGE, page = align_down(paddr, PMP_PAGE);
    if (page >= p->rule.first && page + PMP_PAGE - 1 <= p->rule.last &&
        paddr + bytes <= page + PMP_PAGE) {
        *size = PMP_PAGE;
        return p->rule.rights[m] & needs[access];
    }
    while (block > 4 &&
           ruling(p, align_down(paddr, block), align_down(paddr, block) + block - 1) < 0)
        block /= 2;
    *size = block;
    /* "The matching PMP entry must match all bytes of an access, or the access fails". */
    int n = ruling(p, paddr, paddr + bytes - 1);
    if (n < 0)
        return false;
    if (block == PMP_PAGE)
        remember_rule(rv, paddr, (unsigned)n);
    unsigned rights = (unsigned)n < p->active ? rights_of(rv, p->cfg[n], m) : rights_default(rv, m);
    return rights & needs[access];
}

/* ---- Registers ------------------------------------------------------------------------------- */

static bool locked(const struct riscv_cpu *rv, unsigned n)
{
    return rv->pmp.cfg[n] & PMP_L && !(rv->mseccfg & MSECCFG_RLB);
}

/* May the entry become cfg? MML: no rule that gives M-mode new code to execute, unless RLB. */
static bool cfg_legal(const struct riscv_cpu *rv, unsigned cfg)
{
    if (!(rv->mseccfg & MSECCFG_MML))
        return !(cfg & PMP_W) || cfg & PMP_R; /* R=0 W=1 is reserved */
    if (rv->mseccfg & MSECCFG_RLB || (cfg & PMP_A) == PMP_OFF)
        return true;
    return !(rights_mml(cfg, true) & PMP_X);
}

u64 riscv_pmp_cfg_read(const struct riscv_cpu *rv, unsigned first, unsigned count)
{
    u64 v = 0;
    for (unsigned i = 0; i < count; i++)
        v |= (u64)rv->pmp.cfg[first + i] << (8 * i);
    return v;
}

void riscv_pmp_cfg_write(struct riscv_cpu *rv, unsigned first, unsigned count, u64 value)
{
    for (unsigned i = 0; i < count && first + i < rv->pmp_count; i++) {
        unsigned cfg = value >> (8 * i) & PMP_VALID;
        if (!locked(rv, first + i) && cfg_legal(rv, cfg))
            rv->pmp.cfg[first + i] = (u8)cfg;
    }
    pmp_changed(rv);
}

u64 riscv_pmp_addr_read(const struct riscv_cpu *rv, unsigned n)
{
    return rv->pmp.addr[n];
}

void riscv_pmp_addr_write(struct riscv_cpu *rv, unsigned n, u64 value)
{
    bool bounds_locked =
        n + 1 < rv->pmp_count && locked(rv, n + 1) && (rv->pmp.cfg[n + 1] & PMP_A) == PMP_TOR;
    if (n >= rv->pmp_count || locked(rv, n) || bounds_locked)
        return;
    rv->pmp.addr[n] = value & (rv->xlen == 32 ? BITS(31, 0) : BITS(53, 0));
    pmp_changed(rv);
}

/* MML and MMWP stay once set; RLB cannot be set while an entry is locked. */
void riscv_mseccfg_write(struct riscv_cpu *rv, u64 value)
{
    u64 sticky = rv->mseccfg & (MSECCFG_MML | MSECCFG_MMWP);
    bool any_locked = false;
    for (unsigned n = 0; n < rv->pmp_count; n++)
        any_locked |= rv->pmp.cfg[n] & PMP_L;
    if (any_locked && !(rv->mseccfg & MSECCFG_RLB))
        value &= ~MSECCFG_RLB;
    rv->mseccfg = sticky | (value & (MSECCFG_MML | MSECCFG_MMWP | MSECCFG_RLB));
    pmp_changed(rv);
}
