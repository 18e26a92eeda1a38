/*
 * targets.c - where the indirect jumps of hot code go, recorded for regions (region.c).
 *
 * A region that comes to an indirect jump asks here. The jump's unit is then made anew so that it leaves to the engine each time,
 * which notes where it went; after ENOUGH jumps the region is tried again, and the unit is an ordinary one again. So nothing is
 * paid for jumps that no region has asked about. What is known of a jump stays until another takes its place in the table, and
 * is only ever a guess: regions compare.
 *
 * Locking: jit->lock for the table; jit->sites_wanted is read without.
 */
#include "jit/targets.h"

#include "cpu/isa.h"
#include "jit/cache.h"

enum {
    ENOUGH = 96,
    SELDOM = 32,  /* a target that 1 of so many jumps goes to is not worth a comparison */
    UNUSUAL = 8,  /* ... and no more than 1 of so many may go elsewhere */
    PATIENCE = 3, /* times that a region asks for a jump which does not happen */
};

static struct jit_site_targets *site_at(struct jit *jit, u32 page_id, u64 pc)
{
    u64 key = (pc ^ (u64)page_id << 40) * UINT64_C(0x9e3779b97f4a7c15);
    return &jit->sites[key >> 32 & (JIT_SITES - 1)];
}

static bool site_is(const struct jit_site_targets *s, u32 page_id, u64 pc)
{
    return s->page_id == page_id && s->pc == pc;
}

/* The likeliest first. */
static void sort(struct jit_site_targets *s)
{
    for (u32 n = 1; n < s->count; n++) {
        for (u32 k = n; k && s->target[k - 1].taken < s->target[k].taken; k--) {
            struct jit_target t = s->target[k];
            s->target[k] = s->target[k - 1];
            s->target[k - 1] = t;
        }
    }
}

/* The likeliest targets; none when many jumps go elsewhere: those would compare in vain, and leave the region. */
static u32 usual(const struct jit_site_targets *s, u64 *out)
{
    u32 count = 0, taken = 0;
    while (count < s->count && s->target[count].taken > s->taken / SELDOM) {
        out[count] = s->target[count].pc;
        taken += s->target[count++].taken;
    }
    return taken >= s->taken - s->taken / UNUSUAL ? count : 0;
}

/* The unit is made anew when it is met again. */
static void forget_unit(struct jit *jit, const struct jit_site_targets *s)
{
    struct jit_unit *u = jit_unit_known(jit, s->page_id, s->pc);
    if (u && !u->region)
        jit_unit_invalidate(jit, u);
}

static void finish(struct jit *jit, struct jit_site_targets *s)
{
    s->known = true;
    jit->sites_wanted--;
    sort(s);
}

static void give_up(struct jit *jit, struct jit_site_targets *s)
{
    finish(jit, s);
    forget_unit(jit, s);
}

/* False: the place is another's that is being recorded. */
static bool ask(struct jit *jit, struct jit_site_targets *s, const struct jit_unit *u, u64 region)
{
    if (site_is(s, u->page_id, u->pc)) {
        if (!s->known && ++s->asked > PATIENCE)
            give_up(jit, s);
        return true;
    }
    bool is_used = s->page_id && !s->known;
    if (is_used && ++s->asked <= PATIENCE)
        return false;
    if (is_used)
        give_up(jit, s);
    *s = (struct jit_site_targets){.pc = u->pc, .page_id = u->page_id, .region = region};
    jit->sites_wanted++;
    forget_unit(jit, s);
    return true;
}

u32 jit_targets_of(struct jit *jit, struct jit_unit *u, u64 region, u64 out[JIT_SITE_TARGETS], bool *wait)
{
    u32 count = 0;
    if (u->region)
        return 0;
    jit_lock(jit);
    struct jit_site_targets *s = site_at(jit, u->page_id, u->pc);
    if (ask(jit, s, u, region)) {
        *wait |= !s->known;
        count = s->known ? usual(s, out) : 0;
    }
    pthread_mutex_unlock(&jit->lock);
    return count;
}

u32 jit_targets_site(struct jit *jit, u32 page_id, u64 pc)
{
    u32 site = 0;
    if (!atomic_load_explicit(&jit->sites_wanted, memory_order_relaxed))
        return 0;
    jit_lock(jit);
    const struct jit_site_targets *s = site_at(jit, page_id, pc);
    if (site_is(s, page_id, pc) && !s->known)
        site = (u32)(s - jit->sites) + 1;
    pthread_mutex_unlock(&jit->lock);
    return site;
}

static void count_target(struct jit_site_targets *s, u64 pc)
{
    u32 n = 0;
    while (n < s->count && s->target[n].pc != pc)
        n++;
    if (n == JIT_SITE_TARGETS)
        return;
    if (n == s->count)
        s->target[s->count++] = (struct jit_target){.pc = pc};
    s->target[n].taken++;
}

/* How units of the page that the CPU has just been in name the address. */
static u64 name_of(const struct cpu *cpu, const struct jit_site_targets *s, u64 pc)
{
    bool same_page = !((pc ^ cpu->code_base) & TLB_PAGE_MASK);
    return ir_pc_movable(s->pc) && same_page ? IR_MOVABLE_PAGE | (pc & (TLB_PAGE - 1)) : pc;
}

void jit_targets_record(struct cpu *cpu, u64 pc)
{
    struct jit *jit = jit_cpu(cpu)->jit;
    struct jit_site_targets *s = &jit->sites[cpu->jumped_from - 1];
    cpu->jumped_from = 0;
    jit_cpu(cpu)->stats.recorded++;
    jit_lock(jit);
    bool done = false;
    if (!s->known) {
        count_target(s, name_of(cpu, s, pc));
        done = ++s->taken == ENOUGH;
    }
    if (done)
        finish(jit, s);
    struct jit_site_targets site = *s;
    pthread_mutex_unlock(&jit->lock);
    if (!done)
        return;
    jit_region_form(cpu, site.region);
    jit_lock(jit);
    forget_unit(jit, &site);
    pthread_mutex_unlock(&jit->lock);
}
