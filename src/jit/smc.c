/*
 * smc.c - self-modifying code: which RAM lines hold translated code, and what happens when they are
 * written.
 *
 * Each 4 KiB page of RAM has 64 bits in its block's code_lines, one a 64-byte line. The translator
 * sets a line's bit before it reads the line (jit_protect_lines) and makes every fast write entry
 * for the page slow. A store that goes the slow way looks at the bits and, where they overlap,
 * first stores, then takes out the units made from those lines.
 *
 * Why nothing is missed: (1) a store after the bit is set takes the slow way; it invalidates units
 * in the hash, and counts in jit->invalidations with the page that it was to, by which a translation
 * under way, on whatever thread and for however long, sees that it may have read old bytes, or that
 * its bits are gone. (2) A CPU fills a write entry as: publish it, fence, read the bits, make it
 * slow when any is set; the translator: set the bit, fence, make entries slow. One of the two sees
 * the other. (3) A store that passed its check before the entry became slow lands within its CPU's
 * current unit; the guest's own instruction barrier (fence.i, isb) on the executing CPU, which the
 * architectures demand for code from another CPU, comes after.
 *
 * Locking: bits are atomics; jit->lock for the rest.
 */
#include "jit/cache.h"

#include "memory/memory.h"

static u64 lines_of(u64 offset, u64 size)
{
    u64 first = offset & (TLB_PAGE - 1), last = first + size - 1;
    return BITS(last >> 6, first >> 6);
}

void jit_protect_lines(struct jit *jit, struct ram_block *ram, u64 offset, u64 size)
{
    _Atomic u64 *bits = &ram->code_lines[offset >> TLB_PAGE_BITS];
    u64 lines = lines_of(offset, size);
    u64 old = atomic_load_explicit(bits, memory_order_relaxed);
    if (likely((old & lines) == lines))
        return;
    old = atomic_fetch_or(bits, lines);
    if (!old)
        tlb_slow_writes(jit, ram->host + align_down(offset, TLB_PAGE), TLB_CODE);
}

/* Lock held. Returns the lines that units of the page still cover. */
static u64 page_invalidate(struct jit *jit, struct jit_page *page, u64 lines)
{
    u64 left = 0;
    for (struct jit_unit *u = page->units, *next; u; u = next) {
        const struct jit_unit_page *p = jit_unit_page(u, page);
        next = p->next;
        if (p->lines & lines)
            jit_unit_invalidate(jit, u);
        else
            left |= p->lines;
    }
    return left;
}

void jit_note_written(struct jit *jit, const struct ram_block *ram, u64 page)
{
    u64 n = atomic_load(&jit->invalidations);
    jit->written[n % JIT_WRITTEN] = (struct jit_written){.ram = ram, .page = page};
    atomic_store(&jit->invalidations, n + 1);
}

bool jit_written_since(const struct jit *jit, const struct jit_page *page, u64 seen)
{
    u64 now = atomic_load(&jit->invalidations);
    bool written = now - seen > JIT_WRITTEN;
    for (u64 n = seen; n < now && !written; n++) {
        const struct jit_written *w = &jit->written[n % JIT_WRITTEN];
        written = !w->ram || (w->ram == page->ram && w->page == page->ram_offset);
    }
    return written;
}

static void code_written_page(struct jit *jit, struct ram_block *ram, u64 offset, u64 size)
{
    _Atomic u64 *bits = &ram->code_lines[offset >> TLB_PAGE_BITS];
    u64 lines = lines_of(offset, size), left = 0;
    if (!(atomic_load(bits) & lines))
        return;
    jit_lock(jit);
    u64 page_offset = align_down(offset, TLB_PAGE);
    for (struct jit_page *p = jit_pages_of(jit, ram, page_offset); p; p = p->hash_next) {
        if (p->ram != ram || p->ram_offset != page_offset)
            continue;
        left |= page_invalidate(jit, p, lines);
    }
    /* Bits of a translation under way go too, those of other lines of the page among them; it sees jit->written. Counted
     * last: who finds it counted when it begins finds no bit that is about to go, which would be no protection to it. */
    atomic_store(bits, left);
    jit_note_written(jit, ram, page_offset);
    pthread_mutex_unlock(&jit->lock);
}

void jit_code_written(void *opaque, struct ram_block *ram, u64 offset, u64 size)
{
    while (size) {
        u64 n = MIN(size, TLB_PAGE - (offset & (TLB_PAGE - 1)));
        code_written_page(opaque, ram, offset, n);
        offset += n;
        size -= n;
    }
}
