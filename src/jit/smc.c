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
 * in the hash, clears bits, and counts in jit->invalidations after that with the page that it was to,
 * by which a translation under way, on whatever thread and for however long, sees that it may have
 * read old bytes, or relied on bits that are gone. Who sees a bit set by another also waits until
 * that one has made the entries slow (jit->protecting). (2) A CPU fills a
 * write entry as: publish it, fence, read the bits, make it slow when any is set; the translator: set
 * the bit, fence, make entries slow. One of the two sees the other. (3) A store of another CPU that
 * passed its check before the entry became slow may land after the translator's read, and tells
 * nobody. Where there was such an entry the page is kept as it was, until every CPU has passed a
 * quiescent point. The guest's own barrier (fence.i, IC) comes after that store, on the storing CPU or
 * with an interrupt from it, as the architectures demand for code from another CPU: it compares the
 * pages kept (jit_sync_code), and what differs was written.
 *
 * Locking: bits are atomics; jit->lock for the rest.
 */
#include "jit/cache.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "memory/memory.h"

/* A page as it was when its write entries became slow. */
struct jit_unsettled {
    struct jit_unsettled *_Atomic next;
    struct ram_block *ram;
    u64 offset; /* of the page */
    u64 period; /* that stores under way have landed after */
    u8 bytes[TLB_PAGE];
};

enum { LINE = 64, UNSETTLED = 16 /* pages are kept before somebody looks which need not be */ };

static u64 lines_of(u64 offset, u64 size)
{
    u64 first = offset & (TLB_PAGE - 1), last = first + size - 1;
    return BITS(last >> 6, first >> 6);
}

/* ---- Code is written ------------------------------------------------------------------------- */

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

/* Lock held. */
static void lines_written(struct jit *jit, struct ram_block *ram, u64 page_offset, u64 lines)
{
    u64 left = 0;
    for (struct jit_page *p = jit_pages_of(jit, ram, page_offset); p; p = p->hash_next) {
        if (p->ram != ram || p->ram_offset != page_offset)
            continue;
        left |= page_invalidate(jit, p, lines);
    }
    /* Bits of a translation under way go too, those of other lines of the page among them; it sees jit->written. Counted
     * last: who finds it counted when it begins finds no bit that is about to go, which would be no protection to it. */
    atomic_store(&ram->code_lines[page_offset >> TLB_PAGE_BITS], left);
    jit_note_written(jit, ram, page_offset);
}

static void code_written_page(struct jit *jit, struct ram_block *ram, u64 offset, u64 size)
{
    u64 lines = lines_of(offset, size);
    if (!(atomic_load(&ram->code_lines[offset >> TLB_PAGE_BITS]) & lines))
        return;
    jit_lock(jit);
    lines_written(jit, ram, align_down(offset, TLB_PAGE), lines);
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

/* ---- Stores that were under way -------------------------------------------------------------- */

/* The lines that have changed, which are kept as they are now. */
static u64 changed_lines(struct jit_unsettled *s)
{
    const u8 *now = s->ram->host + s->offset;
    u64 lines = 0;
    for (u32 at = 0; at < TLB_PAGE; at += LINE) {
        if (!memcmp(s->bytes + at, now + at, LINE))
            continue;
        memcpy(s->bytes + at, now + at, LINE);
        lines |= BIT(at / LINE);
    }
    return lines;
}

/* Lock held. */
static void settle(struct jit *jit)
{
    struct jit_unsettled *_Atomic *link = &jit->unsettled, *s;
    while ((s = atomic_load(link))) {
        bool passed = epoch_passed(jit->epoch, s->period);
        u64 lines = changed_lines(s);
        if (lines)
            lines_written(jit, s->ram, s->offset, lines);
        if (!passed) {
            link = &s->next;
            continue;
        }
        atomic_store(link, s->next);
        jit->unsettled_count--;
        free(s);
    }
}

/* Lock held. */
static void keep_page(struct jit *jit, struct ram_block *ram, u64 offset)
{
    struct jit_unsettled *s = alloc_bytes(sizeof(*s));
    s->ram = ram;
    s->offset = offset;
    s->next = atomic_load(&jit->unsettled);
    s->period = epoch_advance(jit->epoch);
    memcpy(s->bytes, ram->host + offset, TLB_PAGE);
    atomic_store(&jit->unsettled, s);
    if (++jit->unsettled_count > UNSETTLED)
        settle(jit);
}

/* ---- Code is read ---------------------------------------------------------------------------- */

void jit_protect_lines(struct cpu *cpu, struct ram_block *ram, u64 offset, u64 size)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    u64 page = align_down(offset, TLB_PAGE);
    _Atomic u64 *bits = &ram->code_lines[offset >> TLB_PAGE_BITS];
    u64 lines = lines_of(offset, size);
    if (likely((atomic_load(bits) & lines) == lines && !atomic_load(&jit->protecting)))
        return;
    jit_lock(jit);
    atomic_store(&jit->protecting, true);
    if (!atomic_fetch_or(bits, lines) && tlb_slow_writes(jit, cpu, ram->host + page, TLB_CODE))
        keep_page(jit, ram, page);
    atomic_store(&jit->protecting, false);
    pthread_mutex_unlock(&jit->lock);
}

void jit_sync_code(struct cpu *cpu)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    atomic_thread_fence(memory_order_seq_cst);
    if (unlikely(atomic_load(&jit->unsettled))) {
        jit_lock(jit);
        settle(jit);
        pthread_mutex_unlock(&jit->lock);
    }
}

void jit_smc_fini(struct jit *jit)
{
    for (struct jit_unsettled *s = atomic_load(&jit->unsettled), *next; s; s = next) {
        next = s->next;
        free(s);
    }
}
