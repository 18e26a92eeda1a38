/*
 * jit.c - making and ending a machine's translator: options, code memory, back end.
 *
 * On the main thread, before the first CPU and after the last.
 */
#include "jit/jit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/option.h"
#include "jit/cache.h"
#include "jit/dump.h"
#include "jit/engine.h"
#include "jit/profile.h"
#include "jit/stats.h"
#include "jit/warm.h"
#include "memory/memory.h"

/* Back ends this build has, in order of preference. */
static const struct jit_backend *const backends[] = {&jit_x86_64};

/* By enum jit_hot_thread. */
static const char *const hot_thread_names[] = {"off", "on", "always", NULL};

/* By enum jit_movable. */
static const char *const movable_names[] = {"off", "on", "always", NULL};

static const struct option accel_options[] = {
    OPTION_BOOL("check", struct jit_options, check, "off",
                "run every unit in the interpreter too and compare (one CPU)"),
    OPTION_INT("tb-size", struct jit_options, cache_mib, "256", 1, 2047,
               "MiB of memory for translated code"),
    OPTION_INT("max-insns", struct jit_options, max_insns, "64", 1, 64,
               "guest instructions in a unit at most"),
    OPTION_INT("tlb-bits", struct jit_options, tlb_bits, "12", 2, TLB_BITS,
               "log2 of TLB entries in a context"),
    OPTION_BOOL("link", struct jit_options, link, "on",
                "jump from unit to unit without leaving translated code"),
    OPTION_BOOL("hot", struct jit_options, hot, "on",
                "make one translation of units that loop through each other, where CPUs are often seen"),
    OPTION_BOOL("stress-hot", struct jit_options, stress_hot, "off",
                "... of each loop when it is first closed"),
    OPTION_ENUM("hot-thread", struct jit_options, hot_thread, "on", hot_thread_names,
                "... on a thread of their own; always: with stress-hot and count, too"),
    OPTION_ENUM("movable", struct jit_options, movable, "on", movable_names,
                "translate code that is seen at a second virtual address for any"),
    OPTION_BOOL("profile", struct jit_options, profile, "off",
                "sample where the time goes, for -d stats and info jit"),
    OPTION_BOOL("count", struct jit_options, count, "off",
                "count instructions executed and memory accesses, for -d stats and info jit"),
    OPTION_BOOL("perf-map", struct jit_options, perf_map, "off",
                "write /tmp/perf-PID.map for perf"),
    OPTION_STRING("perf-dump", struct jit_options, perf_dump, NULL,
                  "folder for jit-PID.dump: code as perf inject --jit takes it"),
    OPTION_BOOL("stress-spill", struct jit_options, stress_spill, "off",
                "spill registers at random"),
    OPTION_INT("stress-flush", struct jit_options, stress_flush, "0", 0, INT32_MAX,
               "forget all translations and TLBs every N units entered; 0: never"),
    OPTION_STRING("cache", struct jit_options, store, NULL,
                  "folder in which translations are kept for later runs; the user's own, not writable by others"),
    OPTION_STRING("cache-key", struct jit_options, store_key, NULL,
                  "file with the secret that what is kept is signed with (default: in the user's state folder)"),
    OPTION_INT("cache-size", struct jit_options, store_mib, "256", 1, 65536, "MiB of disk for it"),
    OPTION_BOOL("cache-kaslr", struct jit_options, store_kaslr, "off",
                "a new kaslr-seed at each boot, as without cache=; the kernel's code is not found again then"),
    OPTION_BOOL("cache-verify", struct jit_options, store_verify, "off",
                "translate everything, and compare with what is kept"),
    OPTION_LAST,
};

static const char *const accel_names[] = {"jit", "interp", NULL};

void jit_print_options(FILE *f)
{
    option_help(accel_options, f);
}

static const struct jit_backend *backend_choose(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(backends); i++) {
        if (backends[i]->usable())
            return backends[i];
    }
    return NULL;
}

static int parse_accel(struct jit *jit, const char *accel, bool *interp, struct err *err)
{
    struct option_list list;
    int r = option_parse(&list, "-accel", accel, "accel", err);
    char *name = r ? NULL : option_take(&list, "accel");
    if (!r)
        r = option_load(&list, accel_options, &jit->opt, err);
    if (!r && (!name || (strcmp(name, "jit") && strcmp(name, "interp")))) {
        r = err_set(err, EINVAL, "-accel %s: accepted are jit and interp", name ? name : accel);
        err_suggest(err, name ? name : accel, accel_names);
    }
    *interp = name && !strcmp(name, "interp");
    free(name);
    option_list_fini(&list);
    return r;
}

static int start_backend(struct jit *jit, struct err *err)
{
    jit->backend = backend_choose();
    if (!jit->backend)
        return err_set(err, ENOTSUP, "-accel jit: no back end for this host; -accel interp works");
    int r = host_code_map(&jit->code, jit->opt.cache_size, err);
    if (r)
        return r;
    r = jit->backend->init(jit, err);
    if (r < 0)
        return r;
    jit->stub_bytes = (u32)align_up((u64)r, 64);
    if (jit->opt.perf_map) {
        char path[64];
        snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
        jit->perf_map = fopen(path, "we");
        if (!jit->perf_map)
            return err_set_errno(err, errno, "-accel jit,perf-map=on: %s", path);
        setvbuf(jit->perf_map, NULL, _IOLBF, 0);
    }
    if (jit->opt.perf_dump) {
        jit->dump = jit_dump_open(jit->opt.perf_dump, jit->backend->elf_machine, err);
        if (!jit->dump)
            return -err->code;
    }
    return 0;
}

/* What is forced early must be there when the guest goes on, and what is counted must be the same each time: with those a
 * CPU makes its regions itself, unless told otherwise. check=on, the judge of single units, has no regions. */
static bool wants_hot_thread(const struct jit_options *o)
{
    bool exact = o->stress_hot || o->count;
    return o->hot && (o->hot_thread == JIT_HOT_THREAD_ALWAYS || (o->hot_thread == JIT_HOT_THREAD_ON && !exact));
}

struct jit *jit_create(const char *accel, struct memory *memory, struct epoch *epoch,
                       struct log *log, struct err *err)
{
    struct jit *jit = calloc(1, sizeof(*jit));
    bool interp;
    if (!jit) {
        err_set(err, ENOMEM, "no memory for the translator");
        return NULL;
    }
    jit->epoch = epoch;
    jit->log = log;
    jit->memory = memory;
    int r = parse_accel(jit, accel, &interp, err);
    jit->opt.cache_size = (u64)jit->opt.cache_mib * MiB;
    jit->opt.hot = jit->opt.hot && !interp && jit->opt.link && !jit->opt.check;
    jit->tlb_mask = (1u << jit->opt.tlb_bits) - 1;
    for (u32 i = 0; i < 2 * TLB_ENTRIES; i++)
        atomic_init(&jit->no_entries[i / TLB_ENTRIES][i % TLB_ENTRIES].tag, TLB_INVALID);
    if (interp || jit->opt.check) /* the interpreter has units for their address only */
        jit->opt.movable = JIT_MOVABLE_OFF;
    if (!r && interp && jit->opt.count)
        r = err_set(err, EINVAL, "-accel interp,count=on: it is translated code that counts: use jit");
    if (!r && jit->opt.profile)
        r = host_sampler_prepare(err);
    if (!r && !interp)
        r = start_backend(jit, err);
    if (!r)
        r = jit_warm_open(jit, err);
    if (!r)
        r = jit_cache_init(jit, err);
    if (!r && wants_hot_thread(&jit->opt))
        jit->hot = jit_hot_new(jit);
    if (r) {
        jit_destroy(jit);
        return NULL;
    }
    memory->code_written = jit_code_written;
    memory->code_opaque = jit;
    return jit;
}

void jit_destroy(struct jit *jit)
{
    if (!jit)
        return;
    assert(!jit->cpu_count);
    if (log_on(jit->log, LOG_STATS))
        jit_print_stats(jit, jit->log->file);
    if (jit->memory->code_opaque == jit)
        jit->memory->code_written = NULL;
    jit_warm_close(jit);
    jit_hot_free(jit->hot);
    jit_cache_fini(jit);
    option_free(accel_options, &jit->opt);
    if (jit->code.rw)
        host_code_unmap(&jit->code);
    if (jit->perf_map)
        fclose(jit->perf_map);
    jit_dump_close(jit->dump);
    jit_profile_free(jit);
    free(jit);
}

const struct cpu_engine *jit_cpu_engine(const struct jit *jit)
{
    return jit->backend ? &cpu_engine_jit : &cpu_engine_interp;
}
