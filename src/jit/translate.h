/*
 * translate.h - what an isa's front end and helpers ask of the engine, besides building IR.
 *
 * Front end: jit_fetch reads guest code during isa->translate. Helpers: TLB flushes and guest
 * memory access with the full slow path. All on the vCPU's thread.
 */
#ifndef JIT_TRANSLATE_H
#define JIT_TRANSLATE_H

#include "cpu/cpu.h"
#include "jit/build.h"

/* -- Front end. Reads size (1, 2, 4, 8) bytes of guest code at virtual address pc, in the isa's
 * byte order. False when they cannot be had now: the bytes lie on a page behind the one the unit
 * began on (end the unit by ir_exit_jump(pc of this instruction)), or, for the first instruction,
 * when the fetch faults (the engine raises it: end the unit by ir_exit_lookup). An instruction that
 *    starts on the unit's page and ends on the next can only be the unit's first; jit_fetch
 * arranges that. */
bool must_check jit_fetch(struct cpu *cpu, u64 pc, unsigned size, u64 *out);

/* Whether size bytes at pc are at hand: the quick half of jit_fetch, for little-endian instructions. */
static inline bool jit_fetch_near(const struct ir_builder *b, u64 pc, unsigned size, u64 *out)
{
    u64 at = pc - b->code.pc;
    if (at >= b->code.size || b->code.size - at < size)
        return false;
    *out = load_le(b->code.host + at, size);
    return true;
}

/* One byte of code as the translator just read it, for disassembly; no faults, no side effects. */
bool jit_peek(struct cpu *cpu, u64 pc, u8 *out);

/* -- TLB flushes by this CPU's instructions: cached translations in this CPU only. asid in `space`
 * terms of the isa. */
void jit_flush_all(struct cpu *cpu);
void jit_flush_page(struct cpu *cpu, u64 vaddr);
/* Flushes contexts whose isa_context.space matches `space` under `mask`; vaddr ~0: every page. keep_global: entries that hold
 * in every address space may stay (a fence for one address space does not order them). */
void jit_flush_space(struct cpu *cpu, u64 space, u64 mask, u64 vaddr, bool keep_global);
/* The same by both parts of the contexts' keys. */
struct jit_flush {
    struct isa_context key, mask;
    u64 vaddr; /* ~0: every page; else `pages` of 4 KiB from here (0: one) */
    u32 pages;
    bool keep_global;
    bool all_global; /* with vaddr: global entries of other spaces (not of other views) too */
};
void jit_flush(struct cpu *cpu, const struct jit_flush *f);
/* Counts this CPU's flushes: what an isa caches beside the TLB goes when it has changed. */
u64 jit_flush_stamp(struct cpu *cpu);
/* For architectures whose instructions flush the TLBs of other CPUs (shoot.c). jit_flush_others asks every other CPU of
 * the same architecture; false: there is none. It is complete when jit_flush_others_done says so: wait for that between
 * units only, halted or calling jit_flush_serve, which does what others asked of this CPU. */
bool jit_flush_others(struct cpu *cpu, const struct jit_flush *f);
bool jit_flush_others_done(struct cpu *cpu);
void jit_flush_serve(struct cpu *cpu);
/* Calls fn for each CPU of the machine, this one included. */
void jit_each_cpu(struct cpu *cpu, void (*fn)(struct cpu *each, void *arg), void *arg);

/* -- Guest virtual memory from helpers: context n as IR_MEM_CONTEXT, size 1..8. On failure *f says
 * why; the helper calls isa->fault after. */
enum isa_fault_kind must_check jit_read(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                                        u64 *out, struct isa_fault *f);
enum isa_fault_kind must_check jit_write(struct cpu *cpu, unsigned context, u64 vaddr,
                                         unsigned size, u64 value, struct isa_fault *f);
/* Guest physical memory from page walks: false when there is no RAM. cas: atomic; false when
 * *expected differed (it is updated). */
bool must_check jit_phys_read(struct cpu *cpu, u64 paddr, unsigned size, u64 *out);
bool must_check jit_phys_cas(struct cpu *cpu, u64 paddr, unsigned size, u64 *expected, u64 desired);
/* Host address of guest memory in one page that is plain RAM for stores and in the TLB; NULL: ask jit_host_address. Nothing need
 * follow. Valid until the helper returns. */
void *jit_host_plain(struct cpu *cpu, u64 vaddr);
/* Host address of naturally aligned guest memory for a wide atomic in a helper, with the rights of
 * `access`; NULL: *f says why (ISA_FAULT_ACCESS when it is not plain RAM). Valid until the helper
 * returns. With ISA_WRITE, jit_host_stored must follow, whether or not something was stored (a lock
 * may be held between). */
void *must_check jit_host_address(struct cpu *cpu, unsigned context, u64 vaddr, unsigned size,
                                  enum isa_access access, struct isa_fault *f);

/* ... of any bytes, as far as they lie in one page: *size is cut to that. NULL with ISA_FAULT_NONE: not RAM. */
void *must_check jit_host_span(struct cpu *cpu, unsigned context, u64 vaddr, unsigned *size,
                               enum isa_access access, struct isa_fault *f);

void jit_host_stored(struct cpu *cpu, u64 vaddr, unsigned size);

/* The exclusive monitor of this CPU is cleared: a store-conditional fails until the next load-linked. */
void jit_clear_exclusive(struct cpu *cpu);
/* Will a store by another CPU to what this one has loaded exclusively call isa->monitor_lost? If not: from the next
 * load-linked on. */
bool jit_monitor_is_watched(struct cpu *cpu);
/* Load-linked and store-conditional of 16 bytes: two words in the order of memory, each little-endian. */
enum isa_fault_kind must_check jit_load_linked_wide(struct cpu *cpu, u64 vaddr, u64 out[2],
                                                    struct isa_fault *f);
enum isa_fault_kind must_check jit_store_cond_wide(struct cpu *cpu, u64 vaddr, const u64 value[2],
                                                   u64 *failed, struct isa_fault *f);

/* -- Instruction stream: fence.i / ic ivau by this CPU. Stores invalidate at once; this orders, and finds those that were
 * under way then (smc.c). */
void jit_sync_code(struct cpu *cpu);

/* After isa->context() answers data accesses otherwise, in a helper with IR_FX_CONTEXT: what follows in the unit goes by it. */
void jit_context_again(struct cpu *cpu);

/* Host float state: brings the host's sticky flags into the guest's (isa->float_accrue), and sets
 * the host's rounding again after the guest's changed. Helpers with IR_FX_FLOAT need not call them.
 */
void jit_float_merge(struct cpu *cpu);
void jit_float_reload(struct cpu *cpu);

#endif
