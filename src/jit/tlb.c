/*
 * tlb.c - TLB contexts: choice, fill, flush.
 *
 * Invariants:
 *  1. jc->context answers for the CPU's current keys and mode whenever translated code runs.
 *  2. A fast write entry never stands for a page with code lines or reservations (protocol at
 * tlb_publish_write and smc.c).
 *  3. A dead context (live false) holds anything; it is cleared when it is taken into use.
 *
 * Flushes come only from the CPU's own thread (shoot-downs are the guest's own interrupts, or requests
 * in shoot.c), except tlb_flush_everything.
 */
#include "jit/cache.h"
#include "jit/profile.h"

#include "memory/memory.h"

/* ---- Contexts -------------------------------------------------------------------------------- */

static void clear_jumps(struct tlb_context *c, u32 word, u64 entries)
{
    c->jump_used[word] &= ~entries;
    c->jump_global[word] &= ~entries;
    for (; entries; entries &= entries - 1)
        tlb_jump_clear(c, word * 64 + ctz64(entries), memory_order_relaxed);
}

static void clear_code(struct tlb_context *c, u32 k)
{
    c->code_used[k / 64] &= ~BIT(k % 64);
    c->code[k] = (struct tlb_code_entry){.tag = TLB_INVALID};
}

static void clear_all(struct jit_cpu *jc, struct tlb_context *c)
{
    for (u32 i = 0; i <= jc->jit->tlb_mask; i++) {
        atomic_store_explicit(&c->data[0][i].tag, TLB_INVALID, memory_order_relaxed);
        atomic_store_explicit(&c->data[1][i].tag, TLB_INVALID, memory_order_relaxed);
    }
    memset(c->written, 0, sizeof(c->written));
    for (u32 w = 0; w < ARRAY_SIZE(c->jump_used); w++)
        clear_jumps(c, w, ~UINT64_C(0));
    for (u32 k = 0; k < TLB_CODE_ENTRIES; k++)
        clear_code(c, k);
    memset(c->jump_page, 0, sizeof(c->jump_page));
}

/* Entries of word w. */
static void clear_data(struct tlb_context *c, u32 write, u32 w, u64 entries)
{
    c->data_used[write][w] &= ~entries;
    c->data_global[write][w] &= ~entries;
    for (; entries; entries &= entries - 1) {
        u32 i = w * 64 + ctz64(entries);
        atomic_store_explicit(&c->data[write][i].tag, TLB_INVALID, memory_order_relaxed);
        if (write)
            c->written[i] = 0;
    }
}

static void clear_used(struct tlb_context *c)
{
    for (u32 w = 0; w < ARRAY_SIZE(c->data_used[0]); w++) {
        clear_data(c, 0, w, c->data_used[0][w]);
        clear_data(c, 1, w, c->data_used[1][w]);
    }
    u32 i, k;
    FOR_BITS(i, c->jump_used) {
        u64 pc = atomic_load_explicit(&c->jump[i].pc, memory_order_relaxed);
        c->jump_page[tlb_code_index(pc)] = TLB_JUMP_NONE; /* of one emptied by another thread: stays, needlessly */
    }
    for (u32 w = 0; w < ARRAY_SIZE(c->jump_used); w++)
        clear_jumps(c, w, c->jump_used[w]);
    FOR_BITS(k, c->code_used)
        clear_code(c, k);
}

void jit_context_clear(struct jit_cpu *jc, struct tlb_context *c)
{
    if (c->cleared)
        clear_used(c);
    else
        clear_all(jc, c);
    for (u32 i = 0; i < ARRAY_SIZE(c->written_set); i++)
        atomic_store_explicit(&c->written_set[i], 0, memory_order_relaxed);
    c->cleared = true;
    memset(c->large, 0, sizeof(c->large));
    c->huge_used = 0;
    jc->stats.flushes++;
}

static void note_data(struct tlb_context *c, u32 write, u32 i, bool global)
{
    u64 bit = BIT(i % 64);
    c->data_used[write][i / 64] |= bit;
    c->data_global[write][i / 64] = (c->data_global[write][i / 64] & ~bit) | (global ? bit : 0);
}

static bool same_key(const struct isa_context *a, const struct isa_context *b)
{
    return a->space == b->space && a->view == b->view;
}

/* Flags that a write entry of the page must have now. */
static u32 write_flags(struct jit *jit, const struct ram_block *ram, u64 ram_offset)
{
    u32 flags = 0;
    if (atomic_load(&ram->code_lines[ram_offset >> TLB_PAGE_BITS]))
        flags |= TLB_CODE;
    if (atomic_page_is_reserved(jit, ram->host + ram_offset))
        flags |= TLB_RESERVED;
    if (ram_block_logging(ram))
        flags |= TLB_LOG;
    return flags;
}

/*
 * A write entry of RAM is published, then what would make it slow is looked at, and makes it so: the other side
 * (jit_protect_lines, strong reservations) first sets its mark, then looks at the entries. A fence is between the two.
 */
static void publish_write(struct tlb_context *c, u32 i, u64 vpage, const struct tlb_info *info)
{
    u32 key = tlb_page_key(info->ram->host + info->ram_offset);
    _Atomic u64 *set = &c->written_set[key % TLB_WRITTEN_BITS / 64];
    c->written[i] = key;
    atomic_store_explicit(set, atomic_load_explicit(set, memory_order_relaxed) | BIT(key % 64),
                          memory_order_relaxed);
    atomic_store_explicit(&c->data[1][i].tag, vpage | info->flags, memory_order_relaxed);
}

static void check_write(struct jit *jit, struct tlb_context *c, u32 i, const struct tlb_info *info)
{
    u32 flags = write_flags(jit, info->ram, info->ram_offset);
    if (flags)
        atomic_fetch_or(&c->data[1][i].tag, flags);
}

static void tlb_publish_write(struct jit *jit, struct tlb_context *c, u32 i, u64 vpage, const struct tlb_info *info)
{
    publish_write(c, i, vpage, info);
    atomic_thread_fence(memory_order_seq_cst);
    check_write(jit, c, i, info);
}

/* ---- Global entries: a new address space begins with what holds in all of them ---- */

static void inherit_data(struct jit *jit, struct tlb_context *to, const struct tlb_context *from)
{
    u32 i;
    for (u32 write = 0; write < 2; write++) {
        FOR_BITS(i, from->data_global[write]) {
            const struct tlb_info *info = &from->info[write][i];
            u64 tag = atomic_load_explicit(&from->data[write][i].tag, memory_order_relaxed);
            note_data(to, write, i, true);
            to->info[write][i] = *info;
            to->data[write][i].addend = from->data[write][i].addend;
            if (write && info->ram)
                publish_write(to, i, tag & TLB_PAGE_MASK, info);
            else
                atomic_store_explicit(&to->data[write][i].tag, tag, memory_order_relaxed);
        }
    }
    atomic_thread_fence(memory_order_seq_cst);
    FOR_BITS(i, to->data_global[1]) {
        if (to->info[1][i].ram)
            check_write(jit, to, i, &to->info[1][i]);
    }
}

static void inherit_jump(struct tlb_context *to, const struct tlb_context *from, u32 i)
{
    u64 pc = atomic_load_explicit(&from->jump[i].pc, memory_order_relaxed);
    if (tlb_jump_is_empty(pc, i))
        return;
    tlb_jump_note(to, pc, true);
    to->jump[i].code = from->jump[i].code;
    atomic_store(&to->jump[i].pc, pc);
    /* Forgotten by another thread between the two lines above? */
    if (atomic_load(&from->jump[i].pc) != pc)
        tlb_jump_clear(to, i, memory_order_seq_cst);
}

static void inherit_code(struct tlb_context *to, const struct tlb_context *from)
{
    u32 i;
    FOR_BITS(i, from->code_used) {
        if (from->code[i].global)
            tlb_code_set(to, i, &from->code[i]);
    }
    FOR_BITS(i, from->jump_global)
        inherit_jump(to, from, i);
}

static u32 jumps_to_inherit(const struct tlb_context *c)
{
    u32 n = 0;
    for (u32 w = 0; w < ARRAY_SIZE(c->jump_global); w++)
        n += (u32)__builtin_popcountll(c->jump_global[w]);
    return n;
}

/*
 * The new context takes the global entries of one with the same view in another address space: a kernel's own mappings, which would
 * otherwise be walked and looked up again in each new process. The one that has most of them: the last used may be one that the
 * kernel passes through on its way from a process to the next (Arm: the new ASID with the empty table). What may not be kept has been
 * flushed in every live context.
 */
static void context_inherit(struct jit_cpu *jc, struct tlb_context *to)
{
    const struct tlb_context *from = NULL;
    u32 most = 0;
    for (u32 i = 0; i < TLB_CONTEXTS; i++) {
        const struct tlb_context *k = &jc->contexts[i];
        if (k == to || !k->live || k->key_mode != to->key_mode || !k->key_data.space || !to->key_data.space ||
            k->key_data.view != to->key_data.view || k->key_fetch.view != to->key_fetch.view)
            continue;
        u32 n = jumps_to_inherit(k);
        if (!from || n > most) {
            from = k;
            most = n;
        }
    }
    if (!from)
        return;
    memcpy(to->large, from->large, sizeof(to->large));
    memcpy(to->huge, from->huge, sizeof(to->huge));
    to->huge_used = from->huge_used;
    inherit_data(jc->jit, to, from);
    inherit_code(to, from);
}

static bool context_is(const struct tlb_context *c, const struct isa_context *data,
                       const struct isa_context *fetch, u64 mode)
{
    return c->live && c->key_mode == mode && same_key(&c->key_data, data) &&
           same_key(&c->key_fetch, fetch);
}

/* The live context of these keys and mode, or the one to give up for it. */
static struct tlb_context *context_find(struct jit_cpu *jc, const struct isa_context *data, const struct isa_context *fetch,
                                        u64 mode, bool *found)
{
    struct tlb_context *oldest = &jc->contexts[0];
    for (u32 i = 0; i < TLB_CONTEXTS; i++) {
        struct tlb_context *k = &jc->contexts[i];
        *found = context_is(k, data, fetch, mode);
        if (*found)
            return k;
        if (!k->live || (oldest->live && k->used < oldest->used))
            oldest = k;
    }
    return oldest;
}

static struct tlb_context *context_choose(struct cpu *cpu, const struct isa_context *data, const struct isa_context *fetch)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    bool found;
    struct tlb_context *c = context_find(jc, data, fetch, cpu->mode, &found);
    if (found)
        return c;
    jit_context_clear(jc, c);
    c->key_data = *data;
    c->key_fetch = *fetch;
    c->key_mode = cpu->mode;
    c->other = jc->jit->no_entries;
    c->live = true;
    context_inherit(jc, c);
    jc->stats.contexts++;
    return c;
}

/* A trap and its return change between few contexts: where one was last time is looked at first. */
static struct tlb_context **context_recent(struct jit_cpu *jc, const struct isa_context *data, u64 mode)
{
    u64 h = (mode ^ data->view << 8 ^ data->space) * UINT64_C(0x9e3779b97f4a7c15);
    return &jc->recent[h >> 32 & (JIT_RECENT - 1)];
}

/* Does the context that context 1 was, when c was last in use, still answer for it? */
static void other_refresh(struct cpu *cpu, struct tlb_context *c)
{
    struct isa_context key;
    if (c->other == jit_cpu(cpu)->jit->no_entries)
        return;
    const struct tlb_context *other = container_of(c->other, struct tlb_context, data);
    cpu->isa->context(cpu, 1, &key);
    if (!other->live || !same_key(&other->key_data, &key))
        c->other = jit_cpu(cpu)->jit->no_entries;
}

struct tlb_context *jit_context_refresh(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    if (likely(jc->context && jc->context_stamp == cpu->context_stamp &&
               jc->context_mode == cpu->mode && jc->context->live))
        return jc->context;
    struct isa_context data, fetch;
    u32 was = jit_place_enter(cpu, JIT_IN_CONTEXT);
    cpu->isa->context(cpu, 0, &data);
    cpu->isa->context(cpu, ISA_CONTEXT_FETCH, &fetch);
    struct tlb_context **recent = context_recent(jc, &data, cpu->mode), *c = *recent;
    if (!c || !context_is(c, &data, &fetch, cpu->mode))
        *recent = c = context_choose(cpu, &data, &fetch);
    jc->stats.context_changes++;
    c->used = ++jc->use_counter;
    other_refresh(cpu, c);
    jc->context = c;
    jc->context_stamp = cpu->context_stamp;
    jc->context_mode = cpu->mode;
    jit_place_set(cpu, was);
    return c;
}

void jit_context_again(struct cpu *cpu)
{
    jit_context_refresh(cpu);
}

/* ---- Fill ------------------------------------------------------------------------------------ */

void tlb_physical(struct cpu *cpu, u64 paddr, struct tlb_target *t)
{
    struct mem_section *hint = &jit_cpu(cpu)->ram_hint, s;
    *t = (struct tlb_target){.paddr = paddr};
    if (likely(hint->ram && paddr >= hint->start && paddr <= hint->last)) {
        t->ram = hint->ram;
        t->ram_offset = hint->ram_offset + (paddr - hint->start);
        t->host = t->ram->host + t->ram_offset;
        return;
    }
    if (!mem_find(cpu->space, paddr, &s) || !s.ram)
        return;
    if (!s.readonly) {
        *hint = s;
        hint->ram_offset -= paddr - s.start;
    }
    t->ram = s.ram;
    t->ram_offset = s.ram_offset;
    t->host = s.ram->host + s.ram_offset;
    t->flags = s.readonly ? TLB_IO : 0;
}

static void tlb_fill(struct cpu *cpu, struct tlb_context *c, u64 vaddr, bool write,
                     const struct tlb_target *t, bool global)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    u32 i = tlb_index(vaddr, jc->jit->tlb_mask);
    u64 vpage = vaddr & TLB_PAGE_MASK;
    struct tlb_entry *e = &c->data[write][i];
    struct tlb_info *info = &c->info[write][i];
    bool direct = t->host && !(write && (t->flags & TLB_IO));
    note_data(c, write, i, global);
    *info = (struct tlb_info){.paddr = t->paddr & TLB_PAGE_MASK,
                              .ram = direct ? t->ram : NULL,
                              .ram_offset = t->ram_offset & TLB_PAGE_MASK,
                              .flags = (u16)(t->flags & TLB_ALIGNED)};
    e->addend = (u64)(uintptr_t)t->host - vaddr;
    if (direct && write) {
        tlb_publish_write(jc->jit, c, i, vpage, info);
        return;
    }
    atomic_store_explicit(&e->tag, vpage | info->flags | (direct ? 0 : TLB_IO), memory_order_relaxed);
    if (write)
        c->written[i] = 0;
}

/* Arm's tagged addresses are those without the tag. */
static u64 untagged(u64 vaddr)
{
    return vaddr & BITS(55, 0);
}

void tlb_note_large(struct tlb_context *c, u64 vaddr, u64 size)
{
    vaddr = untagged(vaddr);
    if (size <= TLB_PAGE)
        return;
    if (size <= 2 * MiB) {
        c->large[tlb_large_bit(vaddr) / 64] |= BIT(tlb_large_bit(vaddr) % 64);
        return;
    }
    u64 first = align_down(vaddr, size);
    u32 n = 0;
    while (n < MIN(c->huge_used, TLB_HUGE) && c->huge[n].first != first)
        n++;
    if (n < TLB_HUGE) {
        c->huge[n].first = first;
        c->huge[n].last = first + size - 1;
    }
    c->huge_used = MAX(c->huge_used, n + 1); /* TLB_HUGE + 1: there are more than the list holds */
}

/* May a mapping larger than a page, of which some of [first, last] is a part, be cached in pieces? */
static bool in_large(const struct tlb_context *c, u64 first, u64 last)
{
    first = untagged(first);
    last = untagged(last);
    if (last < first)
        return true;
    for (u64 n = 0; n <= (last >> 21) - (first >> 21); n++) {
        u32 bit = tlb_large_bit(first + (n << 21));
        if (c->large[bit / 64] >> bit % 64 & 1)
            return true;
    }
    for (u32 n = 0; n < MIN(c->huge_used, TLB_HUGE); n++) {
        if (first <= c->huge[n].last && last >= c->huge[n].first)
            return true;
    }
    return c->huge_used > TLB_HUGE;
}

/* c: a context with this data key, which is filled; NULL: nothing is. */
static enum isa_fault_kind tlb_walk(struct cpu *cpu, const struct isa_context *key, struct tlb_context *c,
                                    u64 vaddr, enum isa_access access, struct tlb_target *t,
                                    struct isa_fault *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct isa_mapping m;
    jc->stats.walks++;
    f->kind = cpu->isa->walk(cpu, key, vaddr, access, &m, f);
    if (f->kind)
        return f->kind;
    tlb_physical(cpu, m.paddr, t);
    t->flags |= m.aligned ? TLB_ALIGNED : 0;
    t->grain = (u32)MIN(m.page_size, TLB_PAGE);
    if (c && c->live && m.page_size >= TLB_PAGE) {
        tlb_note_large(c, vaddr, m.page_size);
        tlb_fill(cpu, c, vaddr, access == ISA_WRITE, t, m.global);
    }
    if (t->host && access == ISA_WRITE) {
        if (t->flags & TLB_IO)
            t->host = NULL;
        else
            t->flags |= write_flags(jc->jit, t->ram, t->ram_offset);
    }
    return ISA_FAULT_NONE;
}

static bool tlb_lookup(struct jit_cpu *jc, const struct tlb_context *c, u64 vaddr, bool write,
                       struct tlb_target *t)
{
    u32 i = tlb_index(vaddr, jc->jit->tlb_mask);
    const struct tlb_info *info = &c->info[write][i];
    u64 tag = atomic_load_explicit(&c->data[write][i].tag, memory_order_relaxed), low = vaddr & (TLB_PAGE - 1);
    if ((tag & (TLB_PAGE_MASK | TLB_INVALID)) != (vaddr & TLB_PAGE_MASK))
        return false;
    *t = (struct tlb_target){.paddr = info->paddr | low,
                             .ram = info->ram,
                             .ram_offset = info->ram_offset | low,
                             .host = info->ram ? info->ram->host + info->ram_offset + low : NULL,
                             .flags = (u32)tag & (TLB_PAGE - 1),
                             .grain = TLB_PAGE};
    return true;
}

/*
 * Accesses by another context than the current one (a kernel's to user memory) use the entries of the context that has
 * this data key. Where there is none, one is taken for them alone: it has no mode.
 */
static struct tlb_context *context_of(struct jit_cpu *jc, const struct isa_context *key)
{
    struct tlb_context *oldest = NULL;
    for (u32 i = 0; i < TLB_CONTEXTS; i++) {
        struct tlb_context *k = &jc->contexts[i];
        if (k->live && same_key(&k->key_data, key)) {
            k->used = ++jc->use_counter;
            return k;
        }
        if (k != jc->context && (!oldest || !k->live || (oldest->live && k->used < oldest->used)))
            oldest = k;
    }
    jit_context_clear(jc, oldest);
    oldest->key_data = oldest->key_fetch = *key;
    oldest->key_mode = ~UINT64_C(0);
    oldest->used = ++jc->use_counter;
    oldest->live = true;
    jc->stats.contexts++;
    return oldest;
}

/* Why an access whose entry is there came here; the rest crosses pages, or is made by C. */
static void count_hit(struct jit_stats *s, u32 flags)
{
    s->slow_hits++;
    s->slow_code += !!(flags & TLB_CODE);
    s->slow_reserved += !!(flags & TLB_RESERVED);
    s->slow_aligned += !!(flags & TLB_ALIGNED);
}

enum isa_fault_kind tlb_resolve(struct cpu *cpu, unsigned n, u64 vaddr, unsigned bytes,
                                enum isa_access access, struct tlb_target *t, struct isa_fault *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct isa_context other;
    const struct isa_context *key = &jc->context->key_data;
    struct tlb_context *c = jc->context;
    *f = (struct isa_fault){.access = access, .vaddr = vaddr, .size = (u8)bytes};
    if (n) {
        cpu->isa->context(cpu, n, &other);
        key = &other;
        c = n == 1 ? context_of(jc, key) : NULL;
        if (c)
            jc->context->other = c->data;
    }
    jc->stats.tlb_misses++;
    if (c && tlb_lookup(jc, c, vaddr, access == ISA_WRITE, t)) {
        count_hit(&jc->stats, t->flags);
        return ISA_FAULT_NONE;
    }
    u32 was = jit_place_enter(cpu, JIT_IN_WALK);
    enum isa_fault_kind kind = tlb_walk(cpu, key, c, vaddr, access, t, f);
    jit_place_set(cpu, was);
    return kind;
}

void *jit_host_plain(struct cpu *cpu, u64 vaddr)
{
    const struct jit_cpu *jc = jit_cpu(cpu);
    const struct tlb_entry *e = &jc->context->data[1][tlb_index(vaddr, jc->jit->tlb_mask)];
    if (jc->check || atomic_load_explicit(&e->tag, memory_order_acquire) != (vaddr & TLB_PAGE_MASK))
        return NULL;
    return (void *)(uintptr_t)(vaddr + e->addend);
}

void tlb_relax(struct cpu *cpu, u64 vaddr)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    u32 i = tlb_index(vaddr, jc->jit->tlb_mask);
    struct tlb_info *info = &jc->context->info[1][i];
    u64 tag = atomic_load(&jc->context->data[1][i].tag);
    if ((tag & TLB_PAGE_MASK) == (vaddr & TLB_PAGE_MASK) && !(tag & TLB_INVALID) && info->ram &&
        !write_flags(jc->jit, info->ram, info->ram_offset))
        tlb_publish_write(jc->jit, jc->context, i, vaddr & TLB_PAGE_MASK, info);
}

/* ---- From other threads ---------------------------------------------------------------------- */

/* Was one of them fast? */
static bool slow_writes_context(struct tlb_context *c, u32 key, u32 flag)
{
    u64 set = atomic_load_explicit(&c->written_set[key % TLB_WRITTEN_BITS / 64], memory_order_relaxed);
    bool fast = false;
    if (!(set >> key % 64 & 1))
        return false;
    for (u32 i = 0; i < TLB_ENTRIES; i++) {
        if (unlikely(c->written[i] == key))
            fast |= !(atomic_fetch_or(&c->data[1][i].tag, flag) & ~TLB_PAGE_MASK);
    }
    return fast;
}

bool tlb_slow_writes(struct jit *jit, const struct cpu *cpu, const u8 *host_page, u32 flag)
{
    u32 key = tlb_page_key(host_page);
    bool fast = false;
    atomic_thread_fence(memory_order_seq_cst);
    for (u32 n = 0; n < jit->cpu_count; n++) {
        struct jit_cpu *jc = jit_cpu(jit->cpus[n]);
        for (u32 i = 0; i < TLB_CONTEXTS; i++) {
            if (jc->contexts[i].live)
                fast |= slow_writes_context(&jc->contexts[i], key, flag) && jit->cpus[n] != cpu;
        }
    }
    return fast;
}

void tlb_flush_everything(struct jit *jit)
{
    for (u32 n = 0; n < jit->cpu_count; n++)
        jit_flush_all(jit->cpus[n]);
}

/* ---- Flush ----------------------------------------------------------------------------------- */

static void context_drop(struct jit_cpu *jc, struct tlb_context *c)
{
    if (c == jc->context) {
        jit_context_clear(jc, c);
        return;
    }
    c->live = false;
    if (jc->context && jc->context->other == c->data)
        jc->context->other = jc->jit->no_entries;
}

void jit_flush_all(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    u32 was = jit_place_enter(cpu, JIT_IN_FLUSH);
    jc->flush_stamp++;
    for (u32 i = 0; i < TLB_CONTEXTS; i++) {
        if (jc->contexts[i].live)
            context_drop(jc, &jc->contexts[i]);
    }
    jit_place_set(cpu, was);
}

void jit_map_changed(struct cpu *cpu)
{
    /* First the bit: a change that comes now asks again. */
    atomic_fetch_and(&cpu->exit_request, ~(u32)CPU_EXIT_MAP);
    jit_cpu(cpu)->ram_hint.ram = NULL;
    jit_flush_all(cpu);
}

/* Of the entries of a page: all, or those only that hold in every address space. */
static void forget_jumps(struct tlb_context *c, u64 vpage, bool all)
{
    u32 first = tlb_jump_index(vpage) / 64, k = tlb_code_index(vpage);
    u64 left_of = TLB_JUMP_NONE;
    for (u32 w = first; w < first + TLB_JUMP_PAGE / 64; w++) {
        u64 entries = 0;
        for (u64 left = c->jump_used[w]; left; left &= left - 1) {
            u64 bit = left & -left, pc = atomic_load_explicit(&c->jump[w * 64 + ctz64(left)].pc, memory_order_relaxed);
            u64 page = pc & TLB_PAGE_MASK;
            if (page == vpage && (all || c->jump_global[w] & bit))
                entries |= bit;
            else if (tlb_code_index(pc) == k)
                left_of = !left_of || left_of == (page | TLB_JUMP_ONE) ? page | TLB_JUMP_ONE : TLB_JUMP_SEVERAL;
        }
        clear_jumps(c, w, entries);
    }
    c->jump_page[k] = left_of;
}

static bool bit_of(const u64 *set, u32 i)
{
    return set[i / 64] >> i % 64 & 1;
}

/* all: not only what holds in every address space. Most pages are in few contexts: the bits are looked at first. */
static void flush_page(struct jit_cpu *jc, struct tlb_context *c, u64 vpage, bool all)
{
    u64 (*data)[TLB_ENTRIES / 64] = all ? c->data_used : c->data_global;
    u32 i = tlb_index(vpage, jc->jit->tlb_mask), k = tlb_code_index(vpage);
    if (bit_of(data[0], i))
        clear_data(c, 0, i / 64, BIT(i % 64)); /* whatever the tag: Arm's tagged addresses are of the page too */
    if (bit_of(data[1], i))
        clear_data(c, 1, i / 64, BIT(i % 64));
    if (bit_of(c->code_used, k) && c->code[k].tag == vpage && (all || c->code[k].global))
        clear_code(c, k);
    if (c->jump_page[k] == (vpage | TLB_JUMP_ONE) || c->jump_page[k] == TLB_JUMP_SEVERAL)
        forget_jumps(c, vpage, all);
}

/* Everything that holds in this address space only. */
static void context_flush_local(struct tlb_context *c)
{
    for (u32 w = 0; w < ARRAY_SIZE(c->data_used[0]); w++) {
        clear_data(c, 0, w, c->data_used[0][w] & ~c->data_global[0][w]);
        clear_data(c, 1, w, c->data_used[1][w] & ~c->data_global[1][w]);
    }
    u32 k;
    FOR_BITS(k, c->code_used) {
        if (!c->code[k].global)
            clear_code(c, k);
    }
    for (u32 w = 0; w < ARRAY_SIZE(c->jump_used); w++)
        clear_jumps(c, w, c->jump_used[w] & ~c->jump_global[w]);
}

static bool space_matches(const struct isa_context *k, const struct jit_flush *f)
{
    return !((k->space ^ f->key.space) & f->mask.space);
}

static bool view_matches(const struct isa_context *k, const struct jit_flush *f)
{
    return !((k->view ^ f->key.view) & f->mask.view);
}

static void context_flush_pages(struct jit_cpu *jc, struct tlb_context *c, const struct jit_flush *f, bool space)
{
    u64 pages = MAX(f->pages, 1), first = f->vaddr & TLB_PAGE_MASK;
    if (pages > TLB_ENTRIES || in_large(c, first, first + MIN(pages * TLB_PAGE - 1, ~first))) {
        context_drop(jc, c);
        return;
    }
    for (u64 n = 0; n < pages; n++)
        flush_page(jc, c, first + n * TLB_PAGE, space);
}

static void context_flush(struct jit_cpu *jc, struct tlb_context *c, const struct jit_flush *f)
{
    bool data = view_matches(&c->key_data, f), fetch = view_matches(&c->key_fetch, f);
    bool space = (data && space_matches(&c->key_data, f)) || (fetch && space_matches(&c->key_fetch, f));
    if (!data && !fetch)
        return;
    if (f->vaddr != ~UINT64_C(0) && (space || f->all_global))
        context_flush_pages(jc, c, f, space);
    else if (space && f->keep_global)
        context_flush_local(c);
    else if (space)
        context_drop(jc, c);
}

void jit_flush(struct cpu *cpu, const struct jit_flush *f)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    u32 was = jit_place_enter(cpu, JIT_IN_FLUSH);
    jc->flush_stamp++;
    for (u32 i = 0; i < TLB_CONTEXTS; i++) {
        if (jc->contexts[i].live)
            context_flush(jc, &jc->contexts[i], f);
    }
    jit_place_set(cpu, was);
}

u64 jit_flush_stamp(struct cpu *cpu)
{
    return jit_cpu(cpu)->flush_stamp;
}

void jit_flush_space(struct cpu *cpu, u64 space, u64 mask, u64 vaddr, bool keep_global)
{
    struct jit_flush f = {.key.space = space, .mask.space = mask, .vaddr = vaddr, .keep_global = keep_global};
    jit_flush(cpu, &f);
}

void jit_flush_page(struct cpu *cpu, u64 vaddr)
{
    jit_flush_space(cpu, 0, 0, vaddr, false);
}
