/*
 * link.c - direct links between units, and the jump entries that indirect jumps probe.
 *
 * A link within a page holds as long as both units are valid. A link to another page also compares,
 * in its host code, the id of the code page that the target's virtual page is now; it is never
 * moved to another page's code, because a CPU may stand between the compare and the jump (patch
 * order alone cannot exclude that). A unit's links to its own heads are there from its insertion on.
 *
 * Locking: jit->lock for links. Jump entries: the owner writes them; other threads only empty them.
 */
#include "jit/cache.h"

/* A jump entry's index has some bits of the page's address: a movable unit may be in the entries of each page by them. */
enum { JUMP_PAGE_STEP = TLB_PAGE >> 1 };
_Static_assert(TLB_JUMP_ENTRIES % JUMP_PAGE_STEP == 0, "a page has entries of its own");

/* Is the unit, of several pages perhaps, made from this one? A jump within a page stands in code of that page. */
static bool unit_has_page(const struct jit_unit *u, const struct jit_unit_page *page)
{
    for (u32 n = 0; n < u->page_count; n++) {
        if (u->pages[n].page == page->page)
            return u->pages[n].id == page->id;
    }
    return false;
}

static bool link_may_go(const struct jit_link *link, const struct jit_unit *to)
{
    if (link->to || link->head || !atomic_load(&link->from->valid) || !atomic_load(&to->valid))
        return false;
    if (link->pc != to->pc || link->from->mode != to->mode ||
        link->from->pages[0].page->isa != to->pages[0].page->isa)
        return false;
    if (!link->id_patch)
        return unit_has_page(link->from, &to->pages[0]);
    return !link->page_id || link->page_id == to->pages[0].id;
}

/*
 * Links forward within a page need no poll: between two polls at most as many units run as begin in a page, since each
 * begins behind the one before; whatever else leads from unit to unit polls. Regions poll always (past_poll 0), as they
 * may end before where they began.
 */
static const u8 *link_target(const struct jit_link *link, const struct jit_unit *to)
{
    bool forward = !link->id_patch && to->pc > link->from->pc;
    if (forward && to->past_poll)
        return to->code + to->past_poll;
    return to->code + (ir_pc_movable(to->pc) ? JIT_MOVABLE_ENTRY : 0);
}

void jit_link(struct jit *jit, struct jit_link *link, struct jit_unit *to)
{
    if (!jit->backend || !jit->opt.link || jit->opt.check)
        return;
    jit_lock(jit);
    if (link_may_go(link, to)) {
        jit->links_made++;
        link->to = to;
        link->page_id = to->pages[0].id;
        link->next_in = to->incoming;
        to->incoming = link;
        jit->backend->patch(jit, link, link_target(link, to), to->pages[0].id);
    }
    pthread_mutex_unlock(&jit->lock);
}

void jit_link_heads(struct jit *jit, struct jit_unit *u)
{
    if (!jit->backend || !jit->opt.link || jit->opt.check)
        return;
    for (u32 i = 0; i < u->link_count; i++) {
        struct jit_link *l = &u->links[i];
        if (!l->head)
            continue;
        l->to = u;
        l->next_in = u->incoming;
        u->incoming = l;
        jit->backend->patch(jit, l, jit->code.rx + l->head, 0);
    }
}

void jit_unlink_all(struct jit *jit, struct jit_unit *u)
{
    for (struct jit_link *l = u->incoming, *next; l; l = next) {
        next = l->next_in;
        jit->links_broken++;
        l->to = NULL;
        l->next_in = NULL;
        jit->backend->patch(jit, l, NULL, 0);
    }
    u->incoming = NULL;
    for (u32 i = 0; i < u->link_count; i++) {
        struct jit_link *l = &u->links[i];
        if (!l->to)
            continue;
        struct jit_link **p = &l->to->incoming;
        while (*p && *p != l)
            p = &(*p)->next_in;
        jit->links_broken++;
        if (*p)
            *p = l->next_in;
        l->to = NULL;
    }
}

void jit_jump_insert(struct cpu *cpu, struct jit_unit *u, u64 pc)
{
    const struct jit *jit = jit_cpu(cpu)->jit;
    /* Host code would go from unit to unit by itself. */
    if (jit->backend && (!jit->opt.link || jit->opt.check))
        return;
    struct tlb_context *c = jit_cpu(cpu)->context;
    u32 i = tlb_jump_index(pc);
    struct tlb_jump_entry *e = &c->jump[i];
    tlb_jump_clear(c, i, memory_order_relaxed);
    const struct tlb_code_entry *page = &c->code[tlb_code_index(pc)];
    tlb_jump_note(c, pc, page->tag == (pc & TLB_PAGE_MASK) && page->global);
    __atomic_store_n(&e->code, u->code ? u->code : (const u8 *)u, __ATOMIC_RELAXED);
    atomic_store(&e->pc, pc);
    /* An invalidation by another thread before this store did not see the entry. */
    if (!atomic_load(&u->valid))
        tlb_jump_clear(c, i, memory_order_seq_cst);
}

static void jump_forget_at(struct tlb_context *c, u32 index, const struct jit_unit *u)
{
    const struct tlb_jump_entry *e = &c->jump[index];
    bool is_its = ir_pc_movable(u->pc)
                      ? __atomic_load_n(&e->code, __ATOMIC_RELAXED) == u->code
                      : atomic_load_explicit(&e->pc, memory_order_relaxed) == u->pc;
    if (is_its)
        tlb_jump_clear(c, index, memory_order_seq_cst);
}

void jit_jump_forget(struct jit *jit, struct jit_unit *u)
{
    u32 index = tlb_jump_index(u->pc);
    for (u32 i = 0; i < jit->cpu_count; i++) {
        struct jit_cpu *jc = jit_cpu(jit->cpus[i]);
        for (u32 n = 0; n < TLB_CONTEXTS; n++) {
            if (!atomic_load(&jc->contexts[n].live)) /* is emptied before it is used again */
                continue;
            if (!ir_pc_movable(u->pc))
                jump_forget_at(&jc->contexts[n], index, u);
            for (u32 page = 0; ir_pc_movable(u->pc) && page < TLB_JUMP_ENTRIES; page += JUMP_PAGE_STEP)
                jump_forget_at(&jc->contexts[n], index % JUMP_PAGE_STEP + page, u);
        }
    }
}
