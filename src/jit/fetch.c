/*
 * fetch.c - guest code as the front end reads it while a unit is translated.
 *
 * What is read is marked as code before (jit_protect_lines; smc.c says why), a line of memory at a time: the rest of the line is at
 * hand then (struct ir_code), and most instructions come from there. A unit's bytes are on one page, but those of its first
 * instruction may go on behind it.
 *
 * On the vCPU's thread; the state is in struct jit_cpu, of the one unit that is being translated.
 */
#include "jit/cache.h"
#include "jit/warm.h"
#include "memory/memory.h"

enum { CODE_LINE = 64 }; /* as jit_protect_lines protects */

void jit_fetch_begin(struct jit_cpu *jc, struct ir_unit *ir, const struct jit_page_ref *page, u64 pc)
{
    jc->fetch_vpage = pc & TLB_PAGE_MASK;
    jc->fetch_crossed = false;
    jc->fetch_unit = ir;
    jc->fetch_page[0] = *page;
    jc->fetch_page[1] = (struct jit_page_ref){0};
    jc->fetch_fault = (struct isa_fault){.kind = ISA_FAULT_NONE};
}

/* The page of the bytes at pc, which continue the unit's first instruction on the page behind. */
static struct jit_page *fetch_second_page(struct cpu *cpu, u64 pc)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit_page_ref *second = &jc->fetch_page[1];
    if (jc->fetch_vpage == IR_MOVABLE_PAGE) {
        jc->fetch_crossed = true;
        return NULL;
    }
    if (!second->page && !jit_page_at(cpu, pc, second, &jc->fetch_fault))
        second->page = NULL;
    return second->page;
}

/* The bytes at pc, all of them on this page of the unit's; what is on their line of memory is at hand after, where it may be. */
static inline bool fetch_line(struct cpu *cpu, struct jit_cpu *jc, const struct jit_page_ref *ref, u64 pc,
                              unsigned size, u64 *out)
{
    const struct jit_page *page = ref->page;
    u64 offset = pc & (TLB_PAGE - 1);
    const u8 *host = page->host + offset;
    bool big = cpu->isa->big_endian;
    jit_protect_lines(cpu, page->ram, page->ram_offset + offset, size);
    *out = unlikely(big) ? load_be(host, size) : load_le(host, size);
    if (unlikely(jc->jit->store))
        jit_warm_fetched(jc, pc, size, *out);
    else if (ref == &jc->fetch_page[0] && !ref->fine && !big)
        jc->builder.code = (struct ir_code){
            .pc = align_down(pc, CODE_LINE), .size = CODE_LINE, .host = host - (pc & (CODE_LINE - 1))};
    return true;
}

/* The first instruction's bytes where they are not on the unit's page, or are on one that may not be fetched from everywhere. */
static __attribute__((noinline)) bool fetch_elsewhere(struct cpu *cpu, u64 pc, unsigned size, u64 *out)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    const struct jit_page_ref *ref = &jc->fetch_page[0];
    if (jc->fetch_unit->guest_insns)
        return false;
    if (ref->fine) {
        struct isa_mapping m;
        struct isa_fault *f = &jc->fetch_fault;
        *f = (struct isa_fault){.access = ISA_FETCH, .vaddr = pc};
        f->kind = cpu->isa->walk(cpu, &jc->context->key_fetch, pc, ISA_FETCH, &m, f);
        if (f->kind)
            return false;
    }
    if (jc->fetch_vpage != (pc & TLB_PAGE_MASK)) {
        if (!fetch_second_page(cpu, pc))
            return false;
        ref = &jc->fetch_page[1];
    }
    u64 offset = pc & (TLB_PAGE - 1);
    if (offset + size <= TLB_PAGE)
        return fetch_line(cpu, jc, ref, pc, size, out);
    u64 low, high;
    unsigned here = (unsigned)(TLB_PAGE - offset);
    assert(size == 2 || size == 4 || size == 8);
    if (ref != &jc->fetch_page[0] || !jit_fetch(cpu, pc, here, &low) ||
        !jit_fetch(cpu, pc + here, size - here, &high))
        return false;
    *out = cpu->isa->big_endian ? low << (8 * (size - here)) | high : low | high << (8 * here);
    return true;
}

bool jit_fetch(struct cpu *cpu, u64 pc, unsigned size, u64 *out)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    const struct jit_page_ref *ref = &jc->fetch_page[0];
    if (unlikely(ref->fine || pc - jc->fetch_vpage > TLB_PAGE - size))
        return fetch_elsewhere(cpu, pc, size, out);
    return fetch_line(cpu, jc, ref, pc, size, out);
}

bool jit_peek(struct cpu *cpu, u64 pc, u8 *out)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    for (unsigned n = 0; n < 2; n++) {
        struct jit_page *page = jc->fetch_page[n].page;
        if (page && jc->fetch_vpage + n * TLB_PAGE == (pc & TLB_PAGE_MASK)) {
            *out = page->host[pc & (TLB_PAGE - 1)];
            return true;
        }
    }
    return false;
}
