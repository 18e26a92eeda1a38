/*
 * slow.c - guest memory access out of line: TLB misses, MMIO, page crossings, pages with code; and
 * the exit by a guest fault.
 *
 * Entered from translated code's cold stubs (jit_slow_access), from the interpreter, and from
 * helpers (jit_read, jit_write). All on the vCPU's thread. An access that crosses a page has both
 * pages resolved before anything is stored.
 */
#include "jit/cache.h"
#include "jit/check.h"

#include "jit/eval.h"
#include "jit/profile.h"
#include "memory/memory.h"

/* ---- One page -------------------------------------------------------------------------------- */

static u64 host_load(const u8 *p, unsigned size)
{
    switch (size) {
    case 1: return *p;
    case 2: return __atomic_load_n((const u16 *)p, __ATOMIC_RELAXED);
    case 4: return __atomic_load_n((const u32 *)p, __ATOMIC_RELAXED);
    case 8: return __atomic_load_n((const u64 *)p, __ATOMIC_RELAXED);
    default: return load_le(p, size);
    }
}

static void host_store(u8 *p, u64 v, unsigned size)
{
    switch (size) {
    case 1: *p = (u8)v; break;
    case 2: __atomic_store_n((u16 *)p, (u16)v, __ATOMIC_RELAXED); break;
    case 4: __atomic_store_n((u32 *)p, (u32)v, __ATOMIC_RELAXED); break;
    case 8: __atomic_store_n((u64 *)p, v, __ATOMIC_RELAXED); break;
    default: store_le(p, v, size); break;
    }
}

/* Value in little-endian order of the bytes at t; io is asked in naturally aligned powers of two.
 */
static bool target_load(struct cpu *cpu, const struct tlb_target *t, unsigned size, u64 *out)
{
    if (t->host) {
        *out = host_load(t->host, size);
        return true;
    }
    jit_cpu(cpu)->stats.io++;
    if (jit_check_refuses_io(jit_cpu(cpu)))
        return false;
    u32 was = jit_place_enter(cpu, JIT_IN_MMIO);
    bool good = mem_read(cpu->space, t->paddr, out, size) == MEM_OK;
    jit_place_set(cpu, was);
    return good;
}

static void ram_store(struct cpu *cpu, const struct tlb_target *t, u64 v, unsigned size)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    jit_check_will_store(jit_cpu(cpu), t->host, size);
    if (t->flags & TLB_RESERVED) {
        pthread_mutex_lock(&jit->reserve_lock);
        atomic_break_reservations(cpu, t->host, size);
        host_store(t->host, v, size);
        pthread_mutex_unlock(&jit->reserve_lock);
    } else {
        host_store(t->host, v, size);
    }
    if (t->flags & (TLB_CODE | TLB_LOG)) {
        u32 was = jit_place_enter(cpu, JIT_IN_WRITTEN);
        memory_ram_written(t->ram, t->ram_offset, size);
        jit_place_set(cpu, was);
    }
}

static bool target_store(struct cpu *cpu, const struct tlb_target *t, u64 v, unsigned size)
{
    if (t->host) {
        ram_store(cpu, t, v, size);
        return true;
    }
    jit_cpu(cpu)->stats.io++;
    if (jit_check_refuses_io(jit_cpu(cpu)))
        return false;
    u32 was = jit_place_enter(cpu, JIT_IN_MMIO);
    bool good = mem_write(cpu->space, t->paddr, v, size) == MEM_OK;
    jit_place_set(cpu, was);
    /* The store itself may have changed the map (flash, PCI): the next access of this unit sees it.
     */
    if (unlikely(cpu_exit_pending(cpu) & CPU_EXIT_MAP))
        jit_map_changed(cpu);
    return good;
}

/* Part of an access that crosses a page: any size below 8, so io goes byte by byte. */
static bool part_load(struct cpu *cpu, const struct tlb_target *t, unsigned size, u64 *out)
{
    if (t->host)
        return target_load(cpu, t, size, out);
    *out = 0;
    for (unsigned i = 0; i < size; i++) {
        struct tlb_target byte = {.paddr = t->paddr + i};
        u64 v;
        if (!target_load(cpu, &byte, 1, &v))
            return false;
        *out |= v << (8 * i);
    }
    return true;
}

static bool part_store(struct cpu *cpu, const struct tlb_target *t, u64 v, unsigned size)
{
    if (t->host)
        return target_store(cpu, t, v, size);
    for (unsigned i = 0; i < size; i++) {
        struct tlb_target byte = {.paddr = t->paddr + i};
        if (!target_store(cpu, &byte, (u8)(v >> (8 * i)), 1))
            return false;
    }
    return true;
}

/* ---- Whole accesses -------------------------------------------------------------------------- */

static enum isa_fault_kind refuse(struct isa_fault *f, enum isa_fault_kind kind,
                                  enum isa_access access, u64 vaddr)
{
    *f = (struct isa_fault){.kind = kind, .access = access, .vaddr = vaddr};
    return kind;
}

/* Bytes of the access on its first page; size when it does not cross. */
static unsigned bytes_here(u64 vaddr, unsigned size)
{
    u64 left = TLB_PAGE - (vaddr & (TLB_PAGE - 1));
    return left < size ? (unsigned)left : size;
}

/*
 * Resolves the bytes of an access on one page. Where protection is finer than what is accessed, an
 * aligned access is one operation and fails; a misaligned one is several, each asked for.
 */
static enum isa_fault_kind resolve(struct cpu *cpu, unsigned n, u64 vaddr, unsigned bytes,
                                   enum isa_access access, struct tlb_target *t,
                                   struct isa_fault *f)
{
    struct tlb_target part;
    if (tlb_resolve(cpu, n, vaddr, bytes, access, t, f))
        return f->kind;
    if (unlikely(t->grain < bytes && is_pow2(bytes) && !(vaddr & (bytes - 1))))
        return refuse(f, ISA_FAULT_ACCESS, access, vaddr);
    u32 grain = t->grain;
    for (u64 at = align_down(vaddr, grain) + grain; at - vaddr < bytes; at += grain) {
        if (tlb_resolve(cpu, n, at, bytes - (unsigned)(at - vaddr), access, &part, f))
            return f->kind;
        grain = part.grain;
    }
    return ISA_FAULT_NONE;
}

/* For mappings where alignment is asked for. */
static bool is_aligned(unsigned aux, u64 vaddr)
{
    unsigned unit = (aux & IR_MEM_UNIT) >> IR_MEM_UNIT_SHIFT;
    u64 size = unit ? BIT(unit - 1) : IR_MEM_BYTES(aux);
    return unit != IR_MEM_UNIT_NONE >> IR_MEM_UNIT_SHIFT && !(vaddr & (size - 1));
}

/* The part of an access that is on the page after its first; that page's alignment rules count too. */
static enum isa_fault_kind resolve_next(struct cpu *cpu, unsigned aux, u64 vaddr, unsigned here,
                                        enum isa_access access, struct tlb_target *t,
                                        struct isa_fault *f)
{
    unsigned n = (aux & IR_MEM_CONTEXT) >> IR_MEM_CONTEXT_SHIFT;
    if (resolve(cpu, n, vaddr + here, IR_MEM_BYTES(aux) - here, access, t, f))
        return f->kind;
    if (unlikely(t->flags & TLB_ALIGNED && !is_aligned(aux, vaddr)))
        return refuse(f, ISA_FAULT_ALIGNMENT, access, vaddr + here);
    return ISA_FAULT_NONE;
}

enum isa_fault_kind slow_load(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                              struct isa_fault *f)
{
    unsigned size = IR_MEM_BYTES(aux), n = (aux & IR_MEM_CONTEXT) >> IR_MEM_CONTEXT_SHIFT;
    unsigned here = bytes_here(vaddr, size);
    struct tlb_target t, next;
    u64 high = 0;
    if ((aux & IR_MEM_ALIGN) && vaddr & (size - 1))
        return refuse(f, ISA_FAULT_ALIGNMENT, ISA_READ, vaddr);
    if (resolve(cpu, n, vaddr, here, ISA_READ, &t, f))
        return f->kind;
    if (unlikely(t.flags & TLB_ALIGNED && !is_aligned(aux, vaddr)))
        return refuse(f, ISA_FAULT_ALIGNMENT, ISA_READ, vaddr);
    if (aux & IR_MEM_ATOMIC && !t.host)
        return refuse(f, ISA_FAULT_ACCESS, ISA_READ, vaddr);
    if (here == size) {
        if (!target_load(cpu, &t, size, out))
            return refuse(f, ISA_FAULT_ACCESS, ISA_READ, vaddr);
    } else {
        if (resolve_next(cpu, aux, vaddr, here, ISA_READ, &next, f))
            return f->kind;
        if (!part_load(cpu, &t, here, out))
            return refuse(f, ISA_FAULT_ACCESS, ISA_READ, vaddr);
        if (!part_load(cpu, &next, size - here, &high))
            return refuse(f, ISA_FAULT_ACCESS, ISA_READ, vaddr + here);
        *out |= high << (8 * here);
    }
    if (aux & IR_MEM_BIG)
        *out = bswap_size(*out, size);
    return ISA_FAULT_NONE;
}

/* Memory takes what it is given; the part that may be refused goes first. */
static enum isa_fault_kind store_parts(struct cpu *cpu, const struct tlb_target *low,
                                       const struct tlb_target *high, u64 vaddr, unsigned here,
                                       unsigned size, u64 value, struct isa_fault *f)
{
    bool reverse = low->host && !high->host;
    for (unsigned i = 0; i < 2; i++) {
        bool first = (i == 0) != reverse;
        if (first ? !part_store(cpu, low, value, here)
                  : !part_store(cpu, high, value >> (8 * here), size - here))
            return refuse(f, ISA_FAULT_ACCESS, ISA_WRITE, first ? vaddr : vaddr + here);
    }
    return ISA_FAULT_NONE;
}

enum isa_fault_kind slow_store(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                               struct isa_fault *f)
{
    unsigned size = IR_MEM_BYTES(aux), n = (aux & IR_MEM_CONTEXT) >> IR_MEM_CONTEXT_SHIFT;
    unsigned here = bytes_here(vaddr, size);
    struct tlb_target t, next;
    if ((aux & IR_MEM_ALIGN) && vaddr & (size - 1))
        return refuse(f, ISA_FAULT_ALIGNMENT, ISA_WRITE, vaddr);
    if (aux & IR_MEM_BIG)
        value = bswap_size(value, size);
    if (resolve(cpu, n, vaddr, here, ISA_WRITE, &t, f))
        return f->kind;
    if (unlikely(t.flags & TLB_ALIGNED && !is_aligned(aux, vaddr)))
        return refuse(f, ISA_FAULT_ALIGNMENT, ISA_WRITE, vaddr);
    if (here == size) {
        if (!target_store(cpu, &t, value, size))
            return refuse(f, ISA_FAULT_ACCESS, ISA_WRITE, vaddr);
    } else if (resolve_next(cpu, aux, vaddr, here, ISA_WRITE, &next, f) ||
               store_parts(cpu, &t, &next, vaddr, here, size, value, f)) {
        return f->kind;
    }
    if (!n && t.flags & (TLB_CODE | TLB_RESERVED))
        tlb_relax(cpu, vaddr);
    return ISA_FAULT_NONE;
}

/* ---- 16 bytes: two accesses of 8, both allowed before the first ------------------------------- */

enum { HALF = 8, WIDE = 16 };

/* aux of one half; the alignment is that of the whole. */
static unsigned half_aux(unsigned aux)
{
    return (aux & ~(unsigned)(IR_MEM_SIZE | IR_MEM_ALIGN)) | 3;
}

enum isa_fault_kind slow_load_wide(struct cpu *cpu, unsigned aux, u64 vaddr, struct ir_v128 *out,
                                   struct isa_fault *f)
{
    unsigned first = aux & IR_MEM_BIG ? 1 : 0;
    if ((aux & IR_MEM_ALIGN) && vaddr & (WIDE - 1))
        return refuse(f, ISA_FAULT_ALIGNMENT, ISA_READ, vaddr);
    if (!is_aligned(aux, vaddr)) {
        struct tlb_target t;
        unsigned n = (aux & IR_MEM_CONTEXT) >> IR_MEM_CONTEXT_SHIFT;
        unsigned here = bytes_here(vaddr, WIDE);
        if (resolve(cpu, n, vaddr, here, ISA_READ, &t, f))
            return f->kind;
        if (t.flags & TLB_ALIGNED)
            return refuse(f, ISA_FAULT_ALIGNMENT, ISA_READ, vaddr);
        if (here < WIDE && resolve_next(cpu, aux, vaddr, here, ISA_READ, &t, f))
            return f->kind;
    }
    if (slow_load(cpu, half_aux(aux), vaddr, &out->d[first], f))
        return f->kind;
    return slow_load(cpu, half_aux(aux), vaddr + HALF, &out->d[!first], f);
}

enum isa_fault_kind slow_store_wide(struct cpu *cpu, unsigned aux, u64 vaddr, const struct ir_v128 *v,
                                    struct isa_fault *f)
{
    unsigned first = aux & IR_MEM_BIG ? 1 : 0, n = (aux & IR_MEM_CONTEXT) >> IR_MEM_CONTEXT_SHIFT;
    struct tlb_target t;
    if ((aux & IR_MEM_ALIGN) && vaddr & (WIDE - 1))
        return refuse(f, ISA_FAULT_ALIGNMENT, ISA_WRITE, vaddr);
    unsigned here = bytes_here(vaddr, WIDE);
    if (resolve(cpu, n, vaddr, here, ISA_WRITE, &t, f))
        return f->kind;
    if (t.flags & TLB_ALIGNED && !is_aligned(aux, vaddr))
        return refuse(f, ISA_FAULT_ALIGNMENT, ISA_WRITE, vaddr);
    if (here < WIDE && resolve_next(cpu, aux, vaddr, here, ISA_WRITE, &t, f))
        return f->kind;
    if (slow_store(cpu, half_aux(aux), vaddr, v->d[first], f))
        return f->kind;
    return slow_store(cpu, half_aux(aux), vaddr + HALF, v->d[!first], f);
}

enum isa_fault_kind jit_read(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size, u64 *out,
                             struct isa_fault *f)
{
    return slow_load(cpu, ctz64(size) | context << IR_MEM_CONTEXT_SHIFT, vaddr, out, f);
}

enum isa_fault_kind jit_write(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                              u64 value, struct isa_fault *f)
{
    return slow_store(cpu, ctz64(size) | context << IR_MEM_CONTEXT_SHIFT, vaddr, value, f);
}

/* ---- Physical -------------------------------------------------------------------------------- */

bool jit_phys_read(struct cpu *cpu, u64 paddr, unsigned size, u64 *out)
{
    struct tlb_target t;
    tlb_physical(cpu, paddr, &t);
    if (!t.host || paddr & (size - 1))
        return false;
    *out = host_load(t.host, size);
    return true;
}

bool jit_phys_cas(struct cpu *cpu, u64 paddr, unsigned size, u64 *expected, u64 desired)
{
    struct tlb_target t;
    bool done;
    tlb_physical(cpu, paddr, &t);
    if (!t.host || t.flags & TLB_IO || paddr & (size - 1))
        return false;
    if (size == 4) {
        u32 want = (u32)*expected;
        done = __atomic_compare_exchange_n((u32 *)t.host, &want, (u32)desired, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        *expected = want;
    } else {
        done = __atomic_compare_exchange_n((u64 *)t.host, expected, desired, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    if (done)
        memory_ram_written(t.ram, t.ram_offset, size);
    return done;
}

/* ---- From translated code -------------------------------------------------------------------- */

static u64 *slot_address(struct cpu *cpu, unsigned slot)
{
    return (u64 *)((u8 *)cpu + cpu->isa->slots[slot].offset);
}

void jit_write_state(struct cpu *cpu, const struct jit_frame *frame, const struct jit_site *site)
{
    const u8 *p = site->map, *end = p + site->map_bytes;
    u64 pc = load_le(p, 8);
    if (pc != JIT_MAP_PC_STORED)
        *slot_address(cpu, cpu->isa->pc_slot) = jit_real_pc(cpu, pc);
    p += 8;
    while (p < end) {
        u64 *slot = slot_address(cpu, p[0]);
        bool wide = cpu->isa->slots[p[0]].type == IR_V128;
        u8 loc = p[1];
        p += 2;
        if (loc == JIT_LOC_CONST) {
            *slot = (u64)(s64)(s32)load_le(p, 4);
            p += 4;
        } else if (loc == JIT_LOC_CONST64) {
            *slot = load_le(p, 8);
            p += 8;
        } else if (loc == JIT_LOC_SPILL) {
            if (wide)
                slot[1] = frame->spill[*p + 1];
            *slot = frame->spill[*p++];
        } else if (wide) {
            memcpy(slot, frame->xmm[loc - JIT_LOC_XMM], 16);
        } else {
            *slot = loc < JIT_LOC_XMM ? frame->gpr[loc] : frame->xmm[loc - JIT_LOC_XMM][0];
        }
    }
}

static u64 frame_get(const struct jit_frame *frame, u8 loc)
{
    if (loc == JIT_LOC_NONE)
        return 0;
    return loc < JIT_LOC_XMM ? frame->gpr[loc] : frame->xmm[loc - JIT_LOC_XMM][0];
}

static void frame_put(struct jit_frame *frame, u8 loc, u64 v)
{
    if (loc == JIT_LOC_NONE)
        return;
    if (loc < JIT_LOC_XMM) {
        frame->gpr[loc] = v;
    } else { /* as the host's loads do */
        frame->xmm[loc - JIT_LOC_XMM][0] = v;
        frame->xmm[loc - JIT_LOC_XMM][1] = 0;
    }
}

static enum isa_fault_kind site_access(struct cpu *cpu, const struct jit_site *s, u64 a, u64 b,
                                       u64 c, u64 *out, struct isa_fault *f)
{
    enum isa_fault_kind kind;
    jit_cpu(cpu)->stats.slow_ll_sc += s->op == IR_LOAD_LINKED || s->op == IR_STORE_COND;
    switch (s->op) {
    case IR_LOAD: kind = slow_load(cpu, s->aux, a, out, f); break;
    case IR_STORE: return slow_store(cpu, s->aux, a, b, f);
    case IR_RMW: kind = slow_rmw(cpu, s->aux, s->kind, a, b, out, f); break;
    case IR_CAS: kind = slow_cas(cpu, s->aux, a, b, c, out, f); break;
    case IR_LOAD_LINKED: kind = slow_load_linked(cpu, s->aux, a, out, f); break;
    default:
        assert(s->op == IR_STORE_COND && "an operation that has no slow path");
        return slow_store_cond(cpu, s->aux, a, b, out, f);
    }
    *out = ir_extend(s->aux, s->type, *out);
    return kind;
}

static enum isa_fault_kind site_access_wide(struct cpu *cpu, struct jit_frame *frame, const struct jit_site *s,
                                            u64 addr, struct isa_fault *f)
{
    struct ir_v128 v;
    if (s->op == IR_STORE) {
        memcpy(&v, frame->xmm[s->value - JIT_LOC_XMM], sizeof(v));
        return slow_store_wide(cpu, s->aux, addr, &v, f);
    }
    enum isa_fault_kind kind = slow_load_wide(cpu, s->aux, addr, &v, f);
    if (!kind && s->result != JIT_LOC_NONE)
        memcpy(frame->xmm[s->result - JIT_LOC_XMM], &v, sizeof(v));
    return kind;
}

bool jit_slow_access(struct cpu *cpu, struct jit_frame *frame, const struct jit_site *site)
{
    struct isa_fault f;
    u64 out = 0;
    if (site->op == IR_TRAP_IF) {
        jit_place_set(cpu, JIT_IN_HELPER + site->kind);
        jit_write_state(cpu, frame, site);
        const struct ir_helper *h = &cpu->isa->helpers[site->kind];
        void (*fn)(struct cpu *, u64) = (void (*)(struct cpu *, u64))h->fn;
        if (unlikely(jit_cpu(cpu)->check))
            jit_cpu(cpu)->check->trapped = true;
        if (h->effects & IR_FX_FLOAT)
            jit_float_merge(cpu);
        fn(cpu, site->argument);
        if (h->effects & IR_FX_FLOAT)
            jit_float_reload(cpu);
        return false;
    }
    jit_place_set(cpu, JIT_IN_SLOW);
    jit_cpu(cpu)->stats.slow++;
    u64 addr = frame_get(frame, site->addr) + (u64)(s64)site->offset;
    bool wide = site->type == IR_V128;
    if (wide ? site_access_wide(cpu, frame, site, addr, &f)
             : site_access(cpu, site, addr, frame_get(frame, site->value),
                           frame_get(frame, site->value2), &out, &f)) {
        jit_write_state(cpu, frame, site);
        if (unlikely(jit_cpu(cpu)->check))
            jit_check_fault(cpu, jit_cpu(cpu)->check);
        jit_place_set(cpu, JIT_IN_TRAP);
        cpu->isa->fault(cpu, &f);
        return false;
    }
    if (!wide)
        frame_put(frame, site->result, out);
    return true;
}
