/*
 * cache.h - where units live: pages, look-up, translation, links, invalidation. For files of jit/.
 */
#ifndef JIT_CACHE_H
#define JIT_CACHE_H

#include "jit/jit.h"

/* cache.c: owner thread of cpu unless said. */
int must_check jit_cache_init(struct jit *jit, struct err *err);
void jit_cache_fini(struct jit *jit);
/* The code page that pc's page is now, by the current context; false: *f says why there is none. */
bool must_check jit_page_at(struct cpu *cpu, u64 vaddr, struct jit_page_ref *ref,
                            struct isa_fault *f);
/* The unit for pc in the CPU's mode, translated when there is none; NULL: *f says why the fetch
 * failed. For the translation the CPU may wait for room, and pass a quiescent point: units and
 * links that it knew before are then good for nothing, which compiler.chunks_taken tells. */
struct jit_unit *jit_unit_at(struct cpu *cpu, u64 pc, struct isa_fault *f);
/* The unit for pc on the page with this id, which is not made for the question; NULL: there is none. */
struct jit_unit *jit_unit_known(struct jit *jit, u32 page_id, u64 pc);
/* fetch.c: before the bytes of a unit at pc, on this page, are asked for by jit_fetch. */
void jit_fetch_begin(struct jit_cpu *jc, struct ir_unit *ir, const struct jit_page_ref *page, u64 pc);
/* IR of the block at pc in the CPU's arena, which is emptied before; passes as ir_optimize has them. False: its first
 * instruction cannot be fetched. */
bool jit_block_ir(struct cpu *cpu, struct ir_unit *ir, const struct jit_page_ref *page, u64 pc, unsigned max_insns,
                  u32 passes);
/* Puts units of the compiler's chunk in the place of those with the same pc. False when code of their pages was
 * overwritten since jit->invalidations was `seen`, or a page changed its identity. Any thread. */
bool jit_units_insert(struct jit_compiler *c, struct jit_unit *const *units, u32 count, u64 seen);
/* The 64-byte lines of page n (0: pc's) that code lies on, as code_lines has them. */
u64 jit_unit_lines(u64 pc, u32 bytes, unsigned n);

/* compiler.c: the compiler's thread unless said. A piece of code memory, filled by one compiler, emptied as a whole: one
 * that has no valid unit left, else the oldest. */
struct jit_chunk {
    u32 start, used, size;  /* offsets in the code memory */
    bool owned;             /* a compiler writes to it */
    bool rested;            /* chunk_rest */
    u32 valid;              /* of its units */
    struct arena meta;      /* units, links and IR of this chunk */
    struct jit_unit *units; /* by next_in_chunk */
};
int must_check jit_chunks_init(struct jit *jit, struct err *err);
void jit_chunks_fini(struct jit *jit);
void jit_compiler_init(struct jit_compiler *c, struct jit *jit, struct cpu *cpu, struct jit_stats *stats);
/* It writes no more code. */
void jit_compiler_fini(struct jit_compiler *c);
/* Is there room for one more unit of one block in the compiler's chunk? */
bool jit_chunk_has_room(const struct jit_compiler *c);
/* Gives it an empty one. A compiler of a CPU waits as jit_unit_at says. */
void jit_chunk_next(struct jit_compiler *c);
/* An empty unit in the chunk. */
struct jit_unit *jit_unit_new(struct jit_compiler *c, u64 pc, u64 mode, u32 page_count);
/* Its host code, from the blocks in c->emit. As jit_backend.emit; after -ENOSPC there is another chunk. */
int must_check jit_unit_emit(struct jit_compiler *c, struct jit_unit *u);
/* The unit's code and links are at the chunk's end. */
void jit_unit_has_code(struct jit *jit, struct jit_chunk *chunk, struct jit_unit *u, u32 size, struct jit_link *links,
                       u32 count);

/* Has the page still this identity, and was none of its code overwritten since jit->invalidations was `seen`? Lock held. */
bool jit_page_is_as(const struct jit *jit, const struct jit_page_ref *ref, u64 seen);

/* region.c: makes a region of the units around the one at pc, if they are a loop, or gives it to the thread to be made; the
 * CPU's context is current. True: it is there now; links and units of before are good for nothing (jit_unit_at). */
bool jit_region_form(struct cpu *cpu, u64 pc);
/* The CPU stands at pc by chance. */
void jit_region_sample(struct cpu *cpu, u64 pc);

/* hot.c: the thread that makes regions; NULL is none. Main thread. */
struct loop;
struct jit_hot *jit_hot_new(struct jit *jit);
/* Before a CPU goes. A further region starts it again. loop: the caller's, or NULL. */
void jit_hot_stop(struct jit_hot *hot, struct loop *loop);
void jit_hot_free(struct jit_hot *hot);
const struct jit_stats *jit_hot_stats(const struct jit_hot *hot);

/* What units of the page call pc: a movable page has its units' addresses (ir.h). */
u64 jit_unit_pc(const struct jit_page *page, u64 pc);
/* First of the hash bucket with the pages of a RAM page (others among them). Lock held. */
struct jit_page *jit_pages_of(struct jit *jit, const struct ram_block *ram, u64 ram_offset);
/* Lock held. Takes the unit out of every structure; it is freed with its chunk. */
void jit_unit_invalidate(struct jit *jit, struct jit_unit *unit);
/* Everything of all CPUs goes, and what they translate now. */
void jit_cache_flush(struct cpu *cpu);

/* link.c */
void jit_link(struct jit *jit, struct jit_link *link, struct jit_unit *to); /* takes the lock */
void jit_unlink_all(struct jit *jit, struct jit_unit *unit);                /* lock held */
void jit_link_heads(struct jit *jit, struct jit_unit *unit);                /* its links to itself; lock held */
void jit_jump_insert(struct cpu *cpu, struct jit_unit *unit, u64 pc); /* pc: where the unit is now */
void jit_jump_forget(struct jit *jit, struct jit_unit *unit); /* any thread */

/* smc.c */
void jit_protect_lines(struct cpu *cpu, struct ram_block *ram, u64 offset, u64 size);
void jit_smc_fini(struct jit *jit);
/* Lock held. Code of the page of RAM was overwritten: counts it in jit->invalidations. ram NULL: no translation under way
 * is good any more. */
void jit_note_written(struct jit *jit, const struct ram_block *ram, u64 page);
bool jit_written_since(const struct jit *jit, const struct jit_page *page, u64 seen); /* lock held */
/* Bytes were stored to RAM: units made from them go. Any thread; takes the lock. */
void jit_code_written(void *jit, struct ram_block *ram, u64 offset, u64 size);

/* tlb.c */
struct tlb_context *jit_context_refresh(struct cpu *cpu);
void jit_context_clear(struct jit_cpu *jc, struct tlb_context *c);

/* The mapping of vaddr is this large: a flush of one of its addresses is a flush of all. */
void tlb_note_large(struct tlb_context *c, u64 vaddr, u64 size);
/* What is at a physical address: host is NULL where it is not memory. flags 0. */
void tlb_physical(struct cpu *cpu, u64 paddr, struct tlb_target *t);
/* Resolves vaddr in context n (IR_MEM_CONTEXT numbering; 0 fills and uses the TLB). */
enum isa_fault_kind must_check tlb_resolve(struct cpu *cpu, unsigned n, u64 vaddr, unsigned bytes,
                                           enum isa_access access, struct tlb_target *t,
                                           struct isa_fault *f);
/* After a slow store: the write entry of vaddr becomes fast again when nothing speaks against it
 * any more. */
void tlb_relax(struct cpu *cpu, u64 vaddr);
/* Every CPU's fast write entries for the page get flag. Any thread. True: another CPU than this had one. */
bool tlb_slow_writes(struct jit *jit, const struct cpu *cpu, const u8 *host_page, u32 flag);
/* Answers CPU_EXIT_MAP: forgets this CPU's cached translations. */
void jit_map_changed(struct cpu *cpu);
/* Every CPU's entries for the page go (RAM changed place or protection). Any thread, CPUs stopped.
 */
void tlb_flush_everything(struct jit *jit);

/* slow.c */
struct ir_v128;
/* 16 bytes: aux as IR_LOAD and IR_STORE of v128 have it. All of it is allowed before any of it is stored. */
enum isa_fault_kind must_check slow_load_wide(struct cpu *cpu, unsigned aux, u64 vaddr, struct ir_v128 *out,
                                              struct isa_fault *f);
enum isa_fault_kind must_check slow_store_wide(struct cpu *cpu, unsigned aux, u64 vaddr, const struct ir_v128 *v,
                                               struct isa_fault *f);
enum isa_fault_kind must_check slow_load(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                                         struct isa_fault *f);
enum isa_fault_kind must_check slow_store(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                                          struct isa_fault *f);

/* atomic.c */
enum isa_fault_kind must_check slow_rmw(struct cpu *cpu, unsigned aux, enum ir_rmw kind, u64 vaddr,
                                        u64 value, u64 *old, struct isa_fault *f);
enum isa_fault_kind must_check slow_cas(struct cpu *cpu, unsigned aux, u64 vaddr, u64 expected,
                                        u64 desired, u64 *old, struct isa_fault *f);
enum isa_fault_kind must_check slow_load_linked(struct cpu *cpu, unsigned aux, u64 vaddr, u64 *out,
                                                struct isa_fault *f);
/* *failed: 0 stored, 1 not. */
enum isa_fault_kind must_check slow_store_cond(struct cpu *cpu, unsigned aux, u64 vaddr, u64 value,
                                               u64 *failed, struct isa_fault *f);
/* Before a store to a page with TLB_RESERVED: other CPUs' strong reservations on these bytes end.
 */
void atomic_break_reservations(struct cpu *cpu, const u8 *host, unsigned size);
/* Stores to the page go the slow way. Any thread. */
bool atomic_page_is_reserved(struct jit *jit, const u8 *host);

#endif
