/*
 * atomic.c - atomic accesses out of line, and load-linked / store-conditional without the ABA hole.
 *
 * A back end makes an ll..sc pair that has no other memory access in between one compare-and-swap:
 * exact, since what is stored depends on nothing but the value loaded. Every other pair comes here:
 *   - one CPU in the machine: a store-conditional succeeds when the address, size and value are
 * still those of the load. (The guest's kernel ends reservations at context switches itself.)
 *   - several CPUs: a plain reservation is weak, and its first store-conditional fails, which the
 * architectures allow; from then on load-linked makes strong ones: the page is marked in every
 * CPU's TLB (TLB_RESERVED), so other CPUs' stores come the slow way and, under reserve_lock, end
 * the reservations whose 64-byte granule they touch.
 *
 * Marking looks at all entries of all TLBs, so marks stay: jit->reserved names the marked pages,
 * and what is filled in for them meanwhile is marked too (tlb_publish_write). A page that is only
 * stored to for a while leaves it, and so do the oldest where there are too many; their
 * reservations end.
 *
 * The compare-and-swap of a pair leaves no reservation for a store-conditional that is reached by a branch out of the pair.
 * Where that one fails again and again, with no load-linked that came here between, pairs are made no more in this machine.
 *
 * Locking: jit->reserve_lock guards linked_* of strong reservations, jit->reserved (its keys are
 * read without it) and every store to a reserved page.
 */
#include "jit/cache.h"
#include "jit/check.h"

#include "memory/memory.h"

enum { GRANULE = 64, WIDE = 16, IDLE_STORES = 200, ORPHANS = 64 };

/* Host address for an atomic access; faults when it is not RAM or not aligned. */
static enum isa_fault_kind atomic_target(struct cpu *cpu, unsigned aux, u64 vaddr,
                                         enum isa_access access, struct tlb_target *t,
                                         struct isa_fault *f)
{
    unsigned size = IR_MEM_BYTES(aux), n = (aux & IR_MEM_CONTEXT) >> IR_MEM_CONTEXT_SHIFT;
    enum isa_fault_kind kind = ISA_FAULT_NONE;
    if (vaddr & (size - 1)) {
        *f = (struct isa_fault){.access = access, .vaddr = vaddr};
        kind = ISA_FAULT_ALIGNMENT;
    } else {
        kind = tlb_resolve(cpu, n, vaddr, size, access, t, f);
        if (!kind && (!t->host || t->grain < size))
            kind = ISA_FAULT_ACCESS;
    }
    f->kind = kind;
    f->atomic = access == ISA_WRITE;
    return kind;
}

#define RMW_LOOP(T, S)                                                                             \
    static T rmw_##T(T *p, enum ir_rmw kind, T v)                                                  \
    {                                                                                              \
        T old = __atomic_load_n(p, __ATOMIC_RELAXED), new;                                         \
        do {                                                                                       \
            switch (kind) {                                                                        \
            case IR_RMW_XCHG: new = v; break;                                                      \
            case IR_RMW_ADD: new = (T)(old + v); break;                                            \
            case IR_RMW_AND: new = old &v; break;                                                  \
            case IR_RMW_OR: new = old | v; break;                                                  \
            case IR_RMW_XOR: new = old ^ v; break;                                                 \
            case IR_RMW_MIN: new = (S)old < (S)v ? old : v; break;                                 \
            case IR_RMW_MAX: new = (S)old > (S)v ? old : v; break;                                 \
            case IR_RMW_MINU: new = old < v ? old : v; break;                                      \
            default: new = old > v ? old : v; break;                                               \
            }                                                                                      \
        } while (                                                                                  \
            !__atomic_compare_exchange_n(p, &old, new, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)); \
        return old;                                                                                \
    }                                                                                              \
    static T cas_##T(T *p, T expected, T desired)                                                  \
    {                                                                                              \
        __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_SEQ_CST,                \
                                    __ATOMIC_SEQ_CST);                                             \
        return expected;                                                                           \
    }

RMW_LOOP(u8, s8)
RMW_LOOP(u16, s16)
RMW_LOOP(u32, s32)
RMW_LOOP(u64, s64)

static u64 host_rmw(void *p, unsigned size, enum ir_rmw kind, u64 v)
{
    switch (size) {
    case 1: return rmw_u8(p, kind, (u8)v);
    case 2: return rmw_u16(p, kind, (u16)v);
    case 4: return rmw_u32(p, kind, (u32)v);
    default: return rmw_u64(p, kind, v);
    }
}

static u64 host_cas(void *p, unsigned size, u64 expected, u64 desired)
{
    switch (size) {
    case 1: return cas_u8(p, (u8)expected, (u8)desired);
    case 2: return cas_u16(p, (u16)expected, (u16)desired);
    case 4: return cas_u32(p, (u32)expected, (u32)desired);
    default: return cas_u64(p, expected, desired);
    }
}

/* Around a store by an atomic: other CPUs' reservations, and code or dirty log after. */
static void store_begin(struct cpu *cpu, const struct tlb_target *t, unsigned size)
{
    jit_check_will_store(jit_cpu(cpu), t->host, size);
    if (t->flags & TLB_RESERVED) {
        pthread_mutex_lock(&jit_cpu(cpu)->jit->reserve_lock);
        atomic_break_reservations(cpu, t->host, size);
    }
}

static void store_end(struct cpu *cpu, const struct tlb_target *t, u64 vaddr, unsigned size)
{
    if (t->flags & TLB_RESERVED)
        pthread_mutex_unlock(&jit_cpu(cpu)->jit->reserve_lock);
    if (t->flags & (TLB_CODE | TLB_LOG))
        memory_ram_written(t->ram, t->ram_offset, size);
    if (t->flags & (TLB_CODE | TLB_RESERVED))
        tlb_relax(cpu, vaddr);
}

void *jit_host_address(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                       enum isa_access access, struct isa_fault *f)
{
    struct tlb_target *t = &jit_cpu(cpu)->host_target;
    unsigned aux = ctz64(size) | context << IR_MEM_CONTEXT_SHIFT;
    if (atomic_target(cpu, aux, vaddr, access, t, f))
        return NULL;
    if (access == ISA_WRITE)
        store_begin(cpu, t, size);
    return t->host;
}

/* What translated code would find in line: most copies are short, and a resolved access is ten times as dear. */
static bool plain_target(const struct jit_cpu *jc, unsigned context, u64 vaddr, bool write, struct tlb_target *t)
{
    if (context > 1 || jc->check)
        return false;
    const struct tlb_entry(*entries)[TLB_ENTRIES] = context ? jc->context->other : jc->context->data;
    const struct tlb_entry *e = &entries[write][tlb_index(vaddr, jc->jit->tlb_mask)];
    if (atomic_load_explicit(&e->tag, memory_order_acquire) != (vaddr & TLB_PAGE_MASK))
        return false;
    *t = (struct tlb_target){.host = (u8 *)(uintptr_t)(vaddr + e->addend), .grain = TLB_PAGE};
    return true;
}

void *jit_host_span(struct cpu *cpu, unsigned context, u64 vaddr, unsigned *size,
                    enum isa_access access, struct isa_fault *f)
{
    struct tlb_target *t = &jit_cpu(cpu)->host_target;
    *size = (unsigned)MIN(*size, TLB_PAGE - (vaddr & (TLB_PAGE - 1)));
    f->kind = ISA_FAULT_NONE;
    if (plain_target(jit_cpu(cpu), context, vaddr, access == ISA_WRITE, t))
        return t->host;
    f->kind = tlb_resolve(cpu, context, vaddr, 1, access, t, f);
    if (f->kind || !t->host)
        return NULL;
    *size = (unsigned)MIN(*size, t->grain - (vaddr & (t->grain - 1)));
    if (access == ISA_WRITE)
        store_begin(cpu, t, *size);
    return t->host;
}

void jit_host_stored(struct cpu *cpu, u64 vaddr, unsigned size)
{
    store_end(cpu, &jit_cpu(cpu)->host_target, vaddr, size);
}

enum isa_fault_kind slow_rmw(struct cpu *cpu, unsigned aux, enum ir_rmw kind, u64 vaddr, u64 value,
                             u64 *old, struct isa_fault *f)
{
    unsigned size = IR_MEM_BYTES(aux);
    struct tlb_target t;
    if (atomic_target(cpu, aux, vaddr, ISA_WRITE, &t, f))
        return f->kind;
    store_begin(cpu, &t, size);
    *old = host_rmw(t.host, size, kind, value);
    store_end(cpu, &t, vaddr, size);
    return ISA_FAULT_NONE;
}

enum isa_fault_kind slow_cas(struct cpu *cpu, unsigned aux, u64 vaddr, u64 expected, u64 desired,
                             u64 *old, struct isa_fault *f)
{
    unsigned size = IR_MEM_BYTES(aux);
    struct tlb_target t;
    if (atomic_target(cpu, aux, vaddr, ISA_WRITE, &t, f))
        return f->kind;
    store_begin(cpu, &t, size);
    *old = host_cas(t.host, size, expected, desired);
    store_end(cpu, &t, vaddr, size);
    return ISA_FAULT_NONE;
}

/* ---- Load-linked, store-conditional ---------------------------------------------------------- */

/* Lock held. */
static void link_end(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    jc->linked_strong = false;
    cpu->linked = 0;
}

/* Another CPU's store ends it. Lock held. */
static void link_lose(struct cpu *cpu)
{
    link_end(cpu);
    if (cpu->isa->monitor_lost)
        cpu->isa->monitor_lost(cpu);
}

static struct jit_reserved *reserved_set(struct jit *jit, u32 key)
{
    return jit->reserved[(key * 0x9e3779b9u) >> 28 & (JIT_RESERVED_SETS - 1)];
}

static struct jit_reserved *find_reserved(struct jit *jit, const u8 *host)
{
    u32 key = tlb_page_key(host);
    struct jit_reserved *set = reserved_set(jit, key);
    for (unsigned i = 0; i < JIT_RESERVED_WAYS; i++) {
        if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
            return &set[i];
    }
    return NULL;
}

bool atomic_page_is_reserved(struct jit *jit, const u8 *host)
{
    return find_reserved(jit, host);
}

/* Ends the strong reservations on that page. Lock held. */
static void end_page(struct jit *jit, u32 key)
{
    for (u32 i = 0; i < jit->cpu_count; i++) {
        struct jit_cpu *jc = jit_cpu(jit->cpus[i]);
        if (jc->linked_strong && tlb_page_key(jc->linked_host) == key)
            link_lose(jit->cpus[i]);
    }
}

/* The page is marked, newly or still. Lock held. */
static void reserve_page(struct jit *jit, const u8 *host)
{
    u32 key = tlb_page_key(host);
    struct jit_reserved *r = find_reserved(jit, host);
    if (r) {
        r->idle = 0;
        return;
    }
    struct jit_reserved *set = reserved_set(jit, key);
    r = set;
    for (unsigned i = 1; i < JIT_RESERVED_WAYS; i++) {
        if (!set[i].key || (r->key && set[i].idle > r->idle))
            r = &set[i];
    }
    if (r->key)
        end_page(jit, r->key);
    r->idle = 0;
    atomic_store(&r->key, key);
    tlb_slow_writes(jit, NULL, (u8 *)align_down((uintptr_t)host, TLB_PAGE), TLB_RESERVED);
}

/* A store came the slow way to a page on which nobody may have a reservation any more. Lock held.
 */
static void count_idle(struct jit *jit, const u8 *host)
{
    struct jit_reserved *r = find_reserved(jit, host);
    if (!r || ++r->idle < IDLE_STORES)
        return;
    end_page(jit, r->key);
    atomic_store(&r->key, 0);
}

void atomic_break_reservations(struct cpu *cpu, const u8 *host, unsigned size)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    uintptr_t first = (uintptr_t)host / GRANULE, last = ((uintptr_t)host + size - 1) / GRANULE;
    for (u32 i = 0; i < jit->cpu_count; i++) {
        struct jit_cpu *jc = jit_cpu(jit->cpus[i]);
        if (jit->cpus[i] == cpu || !jc->linked_strong)
            continue;
        uintptr_t granule = (uintptr_t)jc->linked_host / GRANULE;
        if (granule >= first && granule <= last)
            link_lose(jit->cpus[i]);
    }
    count_idle(jit, host);
}

static void link_forget(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    if (!jc->linked_strong) {
        cpu->linked = 0;
        return;
    }
    pthread_mutex_lock(&jc->jit->reserve_lock);
    link_end(cpu);
    pthread_mutex_unlock(&jc->jit->reserve_lock);
}

static u64 host_load_aligned(const u8 *p, unsigned size)
{
    return size == 4   ? __atomic_load_n((const u32 *)p, __ATOMIC_SEQ_CST)
           : size == 8 ? __atomic_load_n((const u64 *)p, __ATOMIC_SEQ_CST)
           : size == 2 ? __atomic_load_n((const u16 *)p, __ATOMIC_SEQ_CST)
                       : *p;
}

void jit_clear_exclusive(struct cpu *cpu)
{
    if (cpu->linked)
        link_forget(cpu);
}

bool jit_monitor_is_watched(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    bool watched = jc->linked_strong;
    jc->want_strong |= jc->jit->cpu_count > 1;
    return watched;
}

enum isa_fault_kind slow_load_linked(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                                     struct isa_fault *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    unsigned size = IR_MEM_BYTES(aux);
    struct tlb_target t;
    link_forget(cpu);
    jc->orphans = 0;
    if (atomic_target(cpu, aux, vaddr, ISA_READ, &t, f))
        return f->kind;
    jc->linked_addr = vaddr;
    cpu->linked = (u8)size;
    jc->linked_host = t.host;
    if (jc->want_strong) {
        pthread_mutex_lock(&jc->jit->reserve_lock);
        jc->linked_strong = true;
        reserve_page(jc->jit, t.host);
        pthread_mutex_unlock(&jc->jit->reserve_lock);
    }
    jc->linked_value = host_load_aligned(t.host, MIN(size, 8u));
    jc->linked_high = size == WIDE ? host_load_aligned(t.host + 8, 8) : 0;
    *out = jc->linked_value;
    return ISA_FAULT_NONE;
}

static u128 join(u64 low, u64 high)
{
    return (u128)high << 64 | low;
}

/* The value is still what the load saw, and was replaced. */
static bool replace_linked(const struct jit_cpu *jc, void *host, unsigned size, u128 value)
{
    if (size == WIDE) {
        u128 expected = join(jc->linked_value, jc->linked_high);
        return __atomic_compare_exchange_n((u128 *)host, &expected, value, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    }
    u64 mask = size == 8 ? ~UINT64_C(0) : BIT(8 * size) - 1;
    return host_cas(host, size, jc->linked_value, (u64)value) == (jc->linked_value & mask);
}

/* The reservation holds and the store was done. */
static bool store_linked(struct cpu *cpu, const struct tlb_target *t, unsigned size, u128 value)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    if (jc->linked_host != t->host || cpu->linked != size)
        return false;
    if (jc->jit->cpu_count > 1 && !jc->linked_strong) {
        jc->want_strong = true;
        return false;
    }
    return replace_linked(jc, t->host, size, value);
}

/* A store-conditional without a reservation, in a loop perhaps that waits for its success. */
static void count_orphan(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    if (++jc->orphans < ORPHANS || atomic_exchange(&jc->jit->no_pairs, true))
        return;
    jc->stats.unpaired++;
    jit_cache_flush(cpu);
}

static enum isa_fault_kind store_cond(struct cpu *cpu, unsigned aux, u64 vaddr, u128 value,
                                      u64 *failed, struct isa_fault *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    unsigned size = IR_MEM_BYTES(aux);
    struct tlb_target t;
    bool stored = false, orphan = !cpu->linked && !(aux & IR_MEM_UNASKED);
    if (atomic_target(cpu, aux, vaddr, ISA_WRITE, &t, f))
        return f->kind;
    pthread_mutex_lock(&jc->jit->reserve_lock);
    if (jc->linked_addr == vaddr) {
        stored = store_linked(cpu, &t, size, value);
        if (stored)
            atomic_break_reservations(cpu, t.host, size);
    }
    link_end(cpu);
    pthread_mutex_unlock(&jc->jit->reserve_lock);
    if (stored && t.flags & (TLB_CODE | TLB_LOG))
        memory_ram_written(t.ram, t.ram_offset, size);
    if (t.flags & (TLB_CODE | TLB_RESERVED))
        tlb_relax(cpu, vaddr);
    if (orphan)
        count_orphan(cpu);
    *failed = !stored;
    return ISA_FAULT_NONE;
}

enum isa_fault_kind slow_store_cond(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                                    u64 *failed, struct isa_fault *f)
{
    return store_cond(cpu, aux, vaddr, value, failed, f);
}

/* ---- 16 bytes, for helpers ---- */

enum isa_fault_kind jit_load_linked_wide(struct cpu *cpu, u64 vaddr, u64 out[2],
                                         struct isa_fault *f)
{
    if (slow_load_linked(cpu, 4, vaddr, &out[0], f))
        return f->kind;
    out[1] = jit_cpu(cpu)->linked_high;
    return ISA_FAULT_NONE;
}

enum isa_fault_kind jit_store_cond_wide(struct cpu *cpu, u64 vaddr, const u64 value[2], u64 *failed,
                                        struct isa_fault *f)
{
    return store_cond(cpu, 4 | IR_MEM_UNASKED, vaddr, join(value[0], value[1]), failed, f);
}
