/*
 * jit.h - the engine's inside: units of code, code pages, links, sites, and the interface of a host
 * back end.
 *
 * For files of jit/ only; an isa includes jit/translate.h.
 *
 *   struct jit (one a machine)  -- code memory, unit hash, code pages, back end
 *   struct jit_cpu (one a vCPU) -- TLB contexts, a compiler (arena, code chunk)
 *   struct jit_unit             -- one translation: key (code page, offset), host code or IR, links
 *
 * Locking: jit->lock guards every list, hash insertion, link and invalidation. Look-up reads the
 * hash without a lock (units are freed by epoch). Host code is written through jit->code.rw only.
 *
 * Registers and frame while translated code runs (x86-64): rbp = cpu + isa->state_bias, r14 =
 * current struct tlb_context, rsp = struct jit_frame. All guest state is in the CPU's struct at
 * unit boundaries.
 */
#ifndef JIT_JIT_H
#define JIT_JIT_H

#include "base/host.h"
#include "jit/tlb.h"
#include "jit/translate.h"
#include "memory/memory.h"

struct jit;
struct jit_unit;

/* ---- Sites: an op that can leave in the middle of a unit, as the slow path sees it
 * ------------------------------------------ */

/* Where a value is when the slow path runs; one byte, constants and spills carry more in the state
 * map. */
enum jit_loc {
    JIT_LOC_GPR = 0x00,     /* 0x00..0x0f: frame->gpr[n] */
    JIT_LOC_XMM = 0x10,     /* 0x10..0x1f: frame->xmm[n] */
    JIT_LOC_SPILL = 0x20,   /* in a map: u8 index follows: frame->spill[n] */
    JIT_LOC_CONST = 0x21,   /* in a map: s32 follows, sign-extended */
    JIT_LOC_CONST64 = 0x22, /* in a map: u64 follows */
    JIT_LOC_NONE = 0xff,
};

/* Follows a cold stub's call of the slow path in the code itself, then map_bytes of state map, then
 * padding to align the return point is NOT added: execution resumes at the byte after the map.
 * State map: u64 pc, then {u8 slot, u8 loc [, more]}...: what must be written to make the guest's
 * state precise. pc may be JIT_MAP_PC_STORED: another was put, and is in its slot or follows. */
#define JIT_MAP_PC_STORED (~UINT64_C(0))
struct jit_site {
    u8 op;   /* enum ir_opcode: LOAD STORE RMW CAS LOAD_LINKED STORE_COND TRAP_IF */
    u8 type; /* enum ir_type of the result (loads) or of the value (stores) */
    u16 aux; /* enum ir_mem */
    u8 addr, value, value2, result; /* enum jit_loc: registers only */
    s32 offset;
    u16 kind; /* enum ir_rmw; TRAP_IF: helper */
    u16 map_bytes;
    u32 argument; /* TRAP_IF */
    u8 map[];
} __attribute__((packed));

enum { JIT_SPILLS = 128 };
struct jit_frame {
    u64 spill[JIT_SPILLS];
    u64 gpr[16]; /* saved by the slow stub */
    u64 xmm[16][2];
    u64 scratch[4];
};

/* slow.c, called by the back end's stub on the guest's behalf. Does the access and puts the result
 * into the frame: returns true. On a guest fault writes the state by the map, enters the trap
 * (isa->fault) and returns false: the stub leaves to the engine. */
bool jit_slow_access(struct cpu *cpu, struct jit_frame *frame, const struct jit_site *site);
/* Writes the guest's state by the site's map (pc slot included). */
void jit_write_state(struct cpu *cpu, const struct jit_frame *frame, const struct jit_site *site);

/* ---- Units
 * -----------------------------------------------------------------------------------------------------------------------
 */

/* A virtual page in a mode that code was translated from; or, where vpage is IR_MOVABLE_PAGE, a page of
 * RAM that was seen at two virtual addresses: its units serve all of them (ir.h). An instruction
 * that goes on behind a movable page has a unit of its own for each address. id is unique for ever (never 0). The lock
 * guards it, but id and vpage are read without: whoever relies on them has the id it began with
 * compared by unit_insert. */
struct jit_page {
    const struct isa *isa;
    u64 vpage, mode;
    struct ram_block *ram;
    u64 ram_offset; /* of the page */
    const u8 *host;
    _Atomic u32 id;
    struct jit_page *hash_next;
    struct jit_unit *units; /* linked by jit_unit_page.next */
};

/* A page as somebody found it: page may get another identity, the id is that of then. */
struct jit_page_ref {
    struct jit_page *page;
    u32 id;
    bool fine; /* protection is finer than a page: every fetch is walked, nothing is kept */
};

/* An exit to a constant pc. Emitted unlinked: the jump at patch goes to stub, whose return value is
 * the link's address. */
struct jit_link {
    struct jit_unit *from, *to; /* to: NULL while unlinked */
    struct jit_link *next_in;   /* list of links into `to` */
    u64 pc;                     /* target */
    u32 patch;                  /* offset in the code memory of the 4-byte aligned rel32 */
    u32 stub;                   /* offset it goes to while unlinked */
    u32 id_patch; /* 0, or offset of the 4-byte aligned id that a cross-page link compares */
    u32 page_id;  /* the id it was linked with first: a link is never moved to another page's */
    u32 self;     /* offset of the 8 bytes of the unit's code that hold this link's address */
    u32 head;     /* not 0: goes to this offset in its own unit, and to nothing else (x86_64/region.c) */
};

/* A page that a unit was made from, as the unit knows it. */
struct jit_unit_page {
    struct jit_page *page;
    struct jit_unit *next; /* in page->units */
    u64 lines;             /* 64-byte lines of the page that it was made from */
    u32 id;                /* the page's when the unit was made */
};

enum { JIT_UNIT_PAGES = 8 };
struct jit_unit {
    /* What a look-up reads is together: units are many, and seldom in a cache. */
    u64 pc;
    struct jit_unit *_Atomic hash_next;
    const u8 *code; /* host entry; NULL for the interpreter */
    u32 page_id;    /* pages[0].id, in the hash */
    _Atomic bool valid;
    bool crosses;       /* its one instruction continues on pages[1] */
    bool region;        /* of several blocks, or a door of one (region.c) */
    _Atomic u8 samples; /* how often a CPU stood here */
    u64 mode;
    u32 code_size;
    u32 past_poll; /* where, from `code`, forward links of its page enter (link.c); 0: at the start */
    u32 chunk;     /* index, of a valid one */
    u32 link_count;
    u32 guest_bytes, guest_insns;
    struct ir_unit *ir;     /* interpreter and check mode */
    struct jit_link *links; /* its own */
    struct jit_link *incoming;
    struct jit_unit *next_in_chunk;
    struct jit_unit *doors, *next_door; /* a region's further doors: they end with it, whose edges they go by */
    u8 page_count;
    struct jit_unit_page pages[]; /* [0]: of pc; at most JIT_UNIT_PAGES */
};

/* What the unit has of a page that it was made from. */
static inline struct jit_unit_page *jit_unit_page(const struct jit_unit *u, const struct jit_page *page)
{
    const struct jit_unit_page *p = u->pages;
    while (p->page != page)
        p++;
    return (struct jit_unit_page *)p;
}

/* ---- Back end
 * --------------------------------------------------------------------------------------------------------------------
 */

enum { JIT_MAX_LINKS = 256, JIT_MAX_FAR = 2048, JIT_MAX_BLOCKS = 32 };
/* A movable unit's entries set code_base by the pc that they are given, in this many bytes; its own
 * page's units enter behind them. */
enum { JIT_MOVABLE_ENTRY = 16 };

/* A block of a region; a plain unit is one block. */
struct jit_emit_block {
    const struct ir_unit *ir;
    u32 page_id;      /* of its page */
    struct ir_targets targets;
    u32 door;         /* out: entry for those who come from outside; 0: there is none */
};

/* One translation's output buffer and results. A region's blocks have one isa and begin with gets of
 * the same slots. */
struct jit_emit {
    struct jit_emit_block block[JIT_MAX_BLOCKS];
    u32 block_count;
    struct arena *arena;
    u8 *rw;     /* where to write */
    u32 offset; /* of rw in the code memory */
    u32 capacity;
    u32 size;     /* out */
    u32 hot_size; /* out: without what is reached seldom, and has sites between instructions */
    u32 own_size, own_insns; /* out: bytes and host instructions of it that do the counting (count=on) */
    u32 site; /* not 0: what cpu->jumped_from is to be when the unit's indirect jump leaves to the engine, as it always does */
    u32 page2_id; /* not 0: at entry check that the page behind has this id, else leave by lookup */
    u64 page2_tag; /* not 0: compared too; a movable page's id alone does not say where it is */
    u32 past_poll;   /* out: 0, or offset from the start of what follows the poll */
    u32 page2_patch; /* out: 0, or offset of the 4 bytes that hold page2_id */
    /* out: offsets of rel32 fields that refer to the start of the code memory. All of them, unless far_count is JIT_MAX_FAR. */
    u32 far[JIT_MAX_FAR], far_count;
    u32 link_count; /* out */
    struct jit_link
        links[JIT_MAX_LINKS]; /* out: pc, patch, stub, id_patch, self, head; the rest is the engine's */
    struct jit_link
        *link_base; /* the address links[0] will have for good: stubs return link_base + n */
};

/* What enter() returns: a link to be resolved, or one of these. */
#define JIT_EXIT_LOOKUP                                                                            \
    ((struct jit_link                                                                              \
          *)0) /* pc slot is right; look everything up anew (also after faults, polls) */

struct jit_backend {
    const char *name;
    u32 elf_machine; /* EM_ of its code, for profilers */
    bool (*usable)(void);
    /* Writes entry, exit, slow-path stubs and the runtime table to the start of the code memory;
     * returns bytes used or -errno. */
    int (*init)(struct jit *jit, struct err *err);
    /* 0; -ENOSPC: buffer too small; -E2BIG: too complex (the engine retries with fewer
     * instructions). */
    int (*emit)(struct jit *jit, struct jit_emit *out);
    /* What of the host the code depends on. */
    u32 (*features)(const struct jit *jit);
    /* Atomically points link's jump at target (NULL: its stub) and stores id at id_patch (0: never
     * matches). */
    void (*patch)(struct jit *jit, struct jit_link *link, const u8 *target, u32 id);
    /* The host's float state <-> guest. accrued(): host sticky flags as enum float_flag bits, and
     * clears them. */
    unsigned (*float_accrued)(void);
    void (*float_control)(
        unsigned round);         /* enum float_round; sticky flags cleared, exceptions masked */
    void (*float_restore)(void); /* the C world's default */
};
extern const struct jit_backend jit_x86_64;

/* ---- Engine
 * ----------------------------------------------------------------------------------------------------------------------
 */

struct jit_options {
    bool check;        /* check=on: every unit also interpreted and compared */
    bool stress_spill; /* random spills */
    u32 stress_flush;  /* flush everything each N units; 0: never */
    u32 tlb_bits;      /* data entries 2^n, at most TLB_BITS */
    u32 max_insns;     /* guest instructions a unit, 1..64 */
    u32 cache_mib;     /* memory for code */
    u64 cache_size;    /* the same in bytes */
    bool link;
    bool hot;         /* make regions */
    bool stress_hot;  /* ... of every loop as soon as it is one */
    int hot_thread;   /* enum jit_hot_thread: on a thread of their own */
    bool profile; /* sample where the time goes */
    bool count;   /* translated code counts what it executes */
    bool perf_map;
    char *perf_dump; /* folder */
    char *store, *store_key; /* cache=, cache-key=: translations kept on disk (store.h) */
    u32 store_mib;
    bool store_kaslr;  /* the guest gets a new kaslr-seed at each boot nevertheless */
    bool store_verify; /* all is translated, and compared with what was kept */
    int movable;       /* enum jit_movable */
};

enum jit_movable { JIT_MOVABLE_OFF, JIT_MOVABLE_ON, JIT_MOVABLE_ALWAYS };

enum jit_hot_thread { JIT_HOT_THREAD_OFF, JIT_HOT_THREAD_ON, JIT_HOT_THREAD_ALWAYS };

struct jit_stats {
    u64 units, guest_insns, code_bytes, translate_ns;
    u64 unpaired; /* 1: the machine makes no pairs of load-linked and store-conditional any more (atomic.c) */
    u64 loaded, load_ns, stored, rejected; /* from the cache on disk; to it; found there with other guest bytes */
    u64 regions, region_blocks, samples, recorded; /* recorded: indirect jumps (targets.c) */
    u64 region_ns; /* of processors on CPUs' threads: exploring them, and making what is not made on their own thread */
    u64 region_dropped; /* the thread had too many, or one of the same loop */
    u64 region_refused; /* the code was overwritten meanwhile */
    u64 thread_regions, thread_ns; /* made on the thread; all that it took of a processor */
    u64 slow_ll_sc, slow_hits, slow_code, slow_reserved, slow_aligned; /* hits: of tlb_misses, and why (tlb.c) */
    u64 slow, tlb_misses, walks, io, lookups, links, contexts, context_changes, flushes, exits, interrupts, faults;
    u64 chunk_waits, chunk_wait_ns; /* until all other CPUs had left the code of a chunk that is used again */
    u64 executed, executed_bytes, accesses; /* struct cpu_counts */
    u64 measured_insns, measured_bytes;     /* host instructions, and their bytes, of some of the units; with count */
};

/* A page of RAM whose write entries are slow in every TLB, for strong reservations on it. */
enum { JIT_RESERVED_SETS = 16, JIT_RESERVED_WAYS = 8 };
struct jit_reserved {
    _Atomic u32 key; /* tlb_page_key; 0: none */
    u32 idle;        /* stores since its last reservation; reserve_lock held */
};

/* A page of RAM whose code was overwritten; ram NULL: all of them. */
enum { JIT_WRITTEN = 256 };
struct jit_written {
    const struct ram_block *ram;
    u64 page; /* offset in ram */
};

struct jit_chunk;
struct jit_hot;
struct jit_profile;
struct store;
struct jit {
    const struct jit_backend *backend; /* NULL: interpreter */
    const struct isa *isa_list[8];
    struct jit_options opt;
    struct host_code code;
    u32 stub_bytes;
    /* Set by backend->init. Enters translated code at `code`, which is that of pc: returns link or
     * JIT_EXIT_*. */
    struct jit_link *(*enter)(struct cpu *cpu, struct tlb_context *context, const u8 *code, u64 pc);
    u32 tlb_mask;
    struct tlb_entry no_entries[2][TLB_ENTRIES]; /* all invalid */
    pthread_mutex_t lock;
    struct jit_unit *_Atomic *hash;
    u32 hash_mask;
    struct jit_page **pages; /* hash by RAM page */
    u32 page_hash_mask, next_page_id;
    struct jit_chunk *chunks;
    u32 chunk_count, next_chunk;
    /* smc.c. invalidations counts times that code was overwritten. A translation under way compares before and after; `written`
     * has the latest. */
    _Atomic u64 invalidations;
    struct jit_written written[JIT_WRITTEN]; /* by the count before it */
    _Atomic bool protecting; /* lines of code are marked, and entries not slow yet */
    struct jit_unsettled *_Atomic unsettled;
    u32 unsettled_count;
    struct cpu *cpus[512];
    u32 cpu_count;
    u64 links_made, links_broken; /* lock held */
    u64 lock_waits, lock_wait_ns; /* lock held: who found it taken */
    struct jit_stats past;        /* of CPUs that are gone */
    struct epoch *epoch;
    struct log *log;
    struct memory *memory;
    FILE *perf_map;
    struct jit_dump *dump;
    struct jit_hot *hot; /* NULL: CPUs make their regions themselves */
    struct jit_profile *profiles; /* profile=on: of all CPUs that were attached */
    struct store *store; /* NULL: no cache= */
    /* targets.c */
    struct jit_site_targets *sites;
    _Atomic u32 sites_wanted; /* of them, being recorded */
    _Atomic bool no_pairs; /* opt_link.c does not run (atomic.c) */
    /* Strong reservations (lr/sc that could not be made one locked operation). */
    pthread_mutex_t reserve_lock;
    struct jit_reserved reserved[JIT_RESERVED_SETS][JIT_RESERVED_WAYS];
};


/* The lock, with the time that it takes to get it. */
void jit_lock_wait(struct jit *jit);
static inline void jit_lock(struct jit *jit)
{
    if (unlikely(pthread_mutex_trylock(&jit->lock)))
        jit_lock_wait(jit);
}

/* Code as the translator read it. */
struct jit_fetched {
    u64 pc, value;
    u8 size;
};

enum { JIT_RECENT = 16 };

/*
 * Who makes units: a CPU, or the thread of regions (hot.c). It fills a chunk of code memory of its own, and counts
 * in statistics that nobody else writes.
 */
struct jit_compiler {
    struct jit *jit;
    struct cpu *cpu; /* whose thread it is on. NULL: one that looks at units with the lock only, and is no reader of the epochs */
    struct arena arena; /* of the translation under way */
    struct jit_emit emit;
    struct jit_chunk *chunk;
    u64 chunks_taken; /* changes when units and links of before may be gone (jit_unit_at) */
    struct jit_stats *stats;
};

struct jit_cpu {
    struct jit *jit;
    struct tlb_context *context; /* current */
    struct tlb_context contexts[TLB_CONTEXTS];
    struct tlb_context *recent[JIT_RECENT]; /* by a hash of keys and mode: contexts to look at first (tlb.c) */
    u32 context_stamp; /* cpu->context_stamp that `context` was chosen for */
    u64 context_mode;
    u64 use_counter;
    struct jit_compiler compiler;
    struct ir_builder builder;
    /* Fetch state of the translation under way (jit_fetch). */
    struct ir_unit *fetch_unit;
    struct jit_page_ref fetch_page[2];
    struct jit_fetched fetched[160]; /* with a store: what it read (warm.h) */
    u32 fetched_count; /* more than there is room for: not all */
    u64 config; /* what isa->code_config said; 0: not asked yet */
    u64 fetch_vpage;    /* that the unit is translated for: IR_MOVABLE_PAGE where it is movable */
    bool fetch_crossed; /* a movable unit must not go on behind its page */
    bool unit_fine; /* of the last jit_unit_at: the unit is for this time only */
    struct isa_fault fetch_fault;
    /* Load-linked. */
    u64 linked_addr; /* virtual address; cpu->linked says whether it holds */
    u64 linked_value, linked_high; /* high: of 16 bytes */
    u8 *linked_host;
    bool linked_strong, want_strong;
    u32 orphans; /* store-conditionals that had no reservation, since the last load-linked (atomic.c) */
    struct tlb_target host_target; /* of jit_host_address */
    struct mem_section ram_hint; /* the section of RAM found last (its start and offset); ram NULL: none */
    struct jit_stats stats;
    struct jit_profile *profile; /* profile=on, or NULL */
    /* shoot.c */
    pthread_mutex_t flush_lock;
    struct jit_flush flush_queue[64];
    u32 flush_count;
    bool flush_everything;
    u64 flush_asked;
    _Atomic u64 flush_done;
    u64 flush_ticket[512]; /* by jit.cpus: what this CPU asked last */
    u64 flush_stamp;
    u64 *values;             /* interpreter's */
    struct jit_check *check; /* check=on, or NULL */
    u32 until_flush;
};

static inline struct jit_cpu *jit_cpu(struct cpu *cpu)
{
    return cpu->engine_data;
}

/* The guest's address of one of the unit's under way. */
static inline u64 jit_real_pc(const struct cpu *cpu, u64 pc)
{
    return ir_pc_movable(pc) ? pc - IR_MOVABLE_PAGE + cpu->code_base : pc;
}

#endif
