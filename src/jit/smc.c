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
 * in the hash, clears bits, and counts in jit->invalidations after that, by which a translation under
 * way sees that it may have read old bytes, or relied on bits that are gone. Who sees a bit set by
 * another also waits until that one has made the entries slow (jit->protecting). (2) A CPU fills a
 * write entry as: publish it, fence, read the bits, make it slow when any is set; the translator: set
 * the bit, fence, make entries slow. One of the two sees the other. (3) A store that passed its check
 * before the entry became slow lands within its CPU's
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
    if (likely((atomic_load(bits) & lines) == lines && !atomic_load(&jit->protecting)))
        return;
    jit_lock(jit);
    atomic_store(&jit->protecting, true);
    if (!atomic_fetch_or(bits, lines))
        tlb_slow_writes(jit, ram->host + align_down(offset, TLB_PAGE), TLB_CODE);
    atomic_store(&jit->protecting, false);
    pthread_mutex_unlock(&jit->lock);
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
    /* Bits of a translation under way go too. Counted after: one that begins now finds the bits as they are, and sets its own. */
    atomic_store(bits, left);
    atomic_fetch_add(&jit->invalidations, 1);
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
