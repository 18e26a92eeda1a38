/*
 * targets.h - where the indirect jumps of hot code go, recorded for regions (region.c).
 */
#ifndef JIT_TARGETS_H
#define JIT_TARGETS_H

#include "jit/jit.h"

/* A unit whose indirect jump is, or was, recorded. */
enum { JIT_SITES = 256, JIT_SITE_TARGETS = IR_REGION_TARGETS };
struct jit_site_targets {
    u64 pc; /* as units name it; with page_id: which unit */
    u32 page_id;
    bool known;  /* recorded long enough, or given up */
    u8 asked;    /* how often regions have */
    u32 taken;   /* jumps recorded, those included for which there is no room */
    u64 region;  /* where the region that waits for it begins */
    u32 count;
    struct jit_target {
        u64 pc; /* as units of the site's page name it */
        u32 taken;
    } target[JIT_SITE_TARGETS];
};

/* Where the unit's jump goes as a rule, the likeliest first: fills `out`, returns their number. *wait: it is recorded from now
 * on; jit_region_form(cpu, region) will be called when that is done. */
u32 jit_targets_of(struct jit *jit, struct jit_unit *u, u64 region, u64 out[JIT_SITE_TARGETS], bool *wait);
/* What struct jit_emit's `site` is to be for the unit at pc. */
u32 jit_targets_site(struct jit *jit, u32 page_id, u64 pc);
/* cpu->jumped_from has jumped to where the pc slot says; on the CPU's thread, between units. */
void jit_targets_record(struct cpu *cpu, u64 pc);

#endif
