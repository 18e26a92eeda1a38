/*
 * warm.c - between the unit cache and the store of translations: warm.h.
 */
#include "jit/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "jit/cache.h"
#include "jit/engine.h"
#include "jit/store.h"

/* What is logged of a translation is not there when there is none. */
#define LOG_TRANSLATION (LOG_IN_ASM | LOG_IR | LOG_IR_OPT | LOG_OUT_ASM | LOG_COVERAGE)

/* ---- Opening --------------------------------------------------------------------------------- */

/* The program as a whole: its code makes the translations, and they have offsets into its
 * structures. */
static int add_program(struct mac *m, struct err *err)
{
    u8 buffer[64 * 1024];
    ssize_t n;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "cache=: reading the program (/proc/self/exe)");
    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        mac_add(m, buffer, (size_t)n);
    close(fd);
    return n ? err_set_errno(err, errno, "cache=: reading the program") : 0;
}

/* Everything that a unit's code depends on beside what its record says. */
static int identify(struct jit *jit, u8 identity[MAC_BYTES], struct err *err)
{
    struct mac m;
    char text[200];
    const struct jit_options *o = &jit->opt;
    mac_begin(&m, NULL);
    int r = add_program(&m, err);
    int n = snprintf(text, sizeof(text), "%s %x insns=%u tlb=%u link=%d spill=%d hot=%d profile=%d count=%d",
                     jit->backend->name, jit->backend->features(jit), o->max_insns, o->tlb_bits,
                     o->link, o->stress_spill, o->hot, o->profile, o->count);
    mac_add(&m, text, (size_t)n);
    mac_end(&m, identity);
    return r;
}

int jit_warm_open(struct jit *jit, struct err *err)
{
    u8 identity[MAC_BYTES];
    if (!jit->opt.store)
        return 0;
    if (!jit->backend)
        return err_set(err, EINVAL,
                       "-accel interp has no translations to keep: cache= goes with jit");
    if (jit->opt.check)
        return err_set(
            err, EINVAL,
            "-accel jit: check=on needs each unit's IR, which a cache does not have: leave out "
            "check=on or cache= (cache-verify=on compares what the cache has)");
    struct store_options o = {.folder = jit->opt.store,
                              .key = jit->opt.store_key,
                              .limit = (u64)jit->opt.store_mib * MiB};
    int r = identify(jit, identity, err);
    if (r)
        return r;
    jit->store = store_open(&o, identity, err);
    if (!jit->store)
        return -err->code;
    /* For the confinement, whatever the working folder is then. */
    char *path = realpath(jit->opt.store, NULL);
    if (path) {
        free(jit->opt.store);
        jit->opt.store = path;
    }
    return 0;
}

void jit_warm_close(struct jit *jit)
{
    store_close(jit->store);
    jit->store = NULL;
}

void jit_cache_save(struct jit *jit)
{
    if (jit->store)
        store_save(jit->store);
}

const char *jit_cache_folder(const struct jit *jit)
{
    return jit->store ? jit->opt.store : NULL;
}

bool jit_cache_kaslr_seed(const struct jit *jit, u8 out[8])
{
    if (!jit->store || jit->opt.store_kaslr)
        return false;
    store_secret(jit->store, "kaslr-seed", out, 8);
    return true;
}

/* Fixed when the CPU runs: board and command line have made it what it is. */
static u64 config_of(struct cpu *cpu)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    if (!jc->config) {
        u64 h = cpu->isa->code_config(cpu);
        for (const char *p = cpu->isa->name; *p; p++)
            h = (h ^ (u8)*p) * UINT64_C(0x100000001b3);
        jc->config = h | 1;
    }
    return jc->config;
}

/* ---- From the store -------------------------------------------------------------------------- */

struct wanted {
    struct cpu *cpu;
    u64 pc, mode, config;
    bool other; /* there was one, of other bytes */
};

/* Are these the bytes of page ref from pc on? Their lines are protected first: a store after this
 * takes the unit out. */
static bool page_has(struct cpu *cpu, const struct jit_page_ref *ref, u64 pc, const u8 *bytes,
                     u32 size)
{
    u64 offset = pc & (TLB_PAGE - 1);
    jit_protect_lines(cpu, ref->page->ram, ref->page->ram_offset + offset, size);
    return !memcmp(ref->page->host + offset, bytes, size);
}

static bool second_page_has(struct cpu *cpu, u64 pc, const u8 *bytes, u32 size)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct isa_fault f;
    struct jit_page_ref *second = &jc->fetch_page[1];
    if (size > TLB_PAGE || !jit_page_at(cpu, pc, second, &f) || second->fine ||
        second->page->vpage == IR_MOVABLE_PAGE) {
        *second = (struct jit_page_ref){0};
        return false;
    }
    return page_has(cpu, second, pc, bytes, size);
}

static bool match(void *opaque, const struct stored_unit *u)
{
    struct wanted *w = opaque;
    struct jit_cpu *jc = jit_cpu(w->cpu);
    if (u->pc != w->pc || u->mode != w->mode || u->config != w->config)
        return false;
    const u8 *bytes = stored_guest(u);
    u32 here = MIN(u->guest_bytes, TLB_PAGE - (u32)(w->pc & (TLB_PAGE - 1)));
    jc->fetch_page[1] = (struct jit_page_ref){0};
    bool same = page_has(w->cpu, &jc->fetch_page[0], w->pc, bytes, here);
    if (same && here < u->guest_bytes)
        same =
            u->page2 && second_page_has(w->cpu, w->pc + here, bytes + here, u->guest_bytes - here);
    w->other |= !same;
    return same;
}

static const struct stored_unit *find(struct cpu *cpu, u64 pc, u64 mode)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct wanted w = {.cpu = cpu, .pc = pc, .mode = mode, .config = config_of(cpu)};
    const struct stored_unit *s =
        store_find(jc->jit->store, store_key(pc, mode, w.config), match, &w);
    jc->stats.rejected += !s && w.other;
    return s;
}

const struct stored_unit *jit_warm_find(struct cpu *cpu, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit *jit = jc->jit;
    jc->fetched_count = 0;
    if (jc->fetch_page[0].fine || !cpu->isa->code_config || jit->opt.store_verify || jit->no_pairs ||
        log_on(jit->log, LOG_TRANSLATION))
        return NULL;
    return find(cpu, pc, jc->fetch_page[0].page->mode);
}

/* ---- Into the store -------------------------------------------------------------------------- */

void jit_warm_fetched(struct jit_cpu *jc, u64 pc, unsigned size, u64 value)
{
    if (jc->fetched_count < ARRAY_SIZE(jc->fetched))
        jc->fetched[jc->fetched_count] =
            (struct jit_fetched){.pc = pc, .value = value, .size = (u8)size};
    jc->fetched_count++;
}

/* The unit's bytes as they are in memory now. */
static void read_guest(const struct jit_unit *u, u8 *out)
{
    u32 here = MIN(u->guest_bytes, TLB_PAGE - (u32)(u->pc & (TLB_PAGE - 1)));
    memcpy(out, u->pages[0].page->host + (u->pc & (TLB_PAGE - 1)), here);
    if (here < u->guest_bytes)
        memcpy(out + here, u->pages[1].page->host, u->guest_bytes - here);
}

/* Are these bytes what the translator read, and did it read no others? */
static bool was_translated(const struct cpu *cpu, const struct jit_unit *u, const u8 *guest)
{
    const struct jit_cpu *jc = jit_cpu((struct cpu *)cpu);
    if (jc->fetched_count > ARRAY_SIZE(jc->fetched))
        return false;
    for (u32 i = 0; i < jc->fetched_count; i++) {
        const struct jit_fetched *f = &jc->fetched[i];
        u64 at = f->pc - u->pc;
        if (at >= u->guest_bytes || f->size > u->guest_bytes - at)
            return false;
        u64 now =
            cpu->isa->big_endian ? load_be(guest + at, f->size) : load_le(guest + at, f->size);
        if (now != f->value)
            return false;
    }
    return true;
}

/* cache-verify=on: what the store has is what the translator made now. */
static bool verify(struct cpu *cpu, const struct jit_unit *u, const struct stored_unit *made)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit_page_ref pages[2] = {jc->fetch_page[0], jc->fetch_page[1]};
    const struct stored_unit *s = find(cpu, u->pc, u->mode);
    if (!s)
        return false;
    /* Another CPU may have written there since it was translated: what was found then is of other code. */
    bool changed = memcmp(stored_guest(s), stored_guest(made), MIN(s->guest_bytes, made->guest_bytes));
    bool same = s->size == made->size && !memcmp(s, made, made->size);
    store_release(jc->jit->store);
    memcpy(jc->fetch_page, pages, sizeof(pages));
    if (changed)
        return false;
    jc->stats.loaded += same;
    if (!same) {
        jc->stats.rejected++;
        fprintf(stderr,
                "guise: cache-verify: the unit at %#llx in the cache is not what the translator "
                "makes of it\n",
                (unsigned long long)u->pc);
    }
    return true;
}

/* verify() asks the store, whose lock begin holds: so the record is made beside it first. */
static bool verified(struct cpu *cpu, const struct jit_unit *u, const u8 *guest, u32 size)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    if (!jc->jit->opt.store_verify)
        return false;
    struct stored_unit *made = arena_alloc(&jc->compiler.arena, size);
    stored_write(made, &jc->compiler.emit, config_of(cpu), guest);
    return verify(cpu, u, made);
}

struct stored_unit *jit_warm_begin(struct cpu *cpu, const struct jit_unit *u)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    u32 size = stored_size(&jc->compiler.emit, u->guest_bytes);
    if (jc->fetch_page[0].fine || jc->fetch_page[1].fine || !cpu->isa->code_config || !size || jc->jit->no_pairs)
        return NULL;
    u8 *guest = arena_alloc(&jc->compiler.arena, u->guest_bytes);
    read_guest(u, guest);
    if (!was_translated(cpu, u, guest) || verified(cpu, u, guest, size))
        return NULL;
    struct stored_unit *s = store_begin(jc->jit->store, size);
    if (s)
        stored_write(s, &jc->compiler.emit, config_of(cpu), guest);
    return s;
}

void jit_warm_end(struct cpu *cpu, struct stored_unit *record, bool keep)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    if (!record)
        return;
    jc->stats.stored += keep;
    store_end(jc->jit->store, record, keep);
}
