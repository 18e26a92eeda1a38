/*
 * tlb.h - the TLB contexts that translated code reads: layout is a contract with the back ends.
 *
 * A context answers for one combination of data address space and view, fetch address space and
 * view, and mode word. A host register holds the current one (x86-64: r14), so a page-table or
 * privilege switch loads a register and flushes nothing.
 *
 * Data entries: direct-mapped by page number. `tag` is the virtual page address when the access may
 * go straight to host memory at vaddr + addend; any special case (no entry, MMIO, page with
 * translated code or a reservation, dirty log) has low bits set and so never compares equal. Check for
 * size bytes at va: unaligned allowed:  ((va + size - 1) & ~0xfff) == tag of index(va)       (a
 * page-crossing access misses) aligned only:       (va & (~0xfff | (size - 1))) == tag
 *
 * Code entries say which code page (identity of virtual page + physical page + mode + isa, never
 * reused) a virtual page is now: a cross-page link compares one 32-bit id. Jump entries find the host code
 * for a guest pc.
 *
 * Only the owning vCPU's thread fills entries; any thread may make a data tag slow or clear a jump
 * entry (atomic stores): see smc.c.
 */
#ifndef JIT_TLB_H
#define JIT_TLB_H

#include "base/base.h"
#include "cpu/cpu.h"

enum {
    TLB_PAGE_BITS = 12,
    TLB_BITS = 12, /* log2 of data entries; the stress knob uses fewer through jit->tlb_mask */
    TLB_ENTRIES = 1 << TLB_BITS,
    TLB_CODE_ENTRIES = 4096,
    TLB_JUMP_BITS = 14,
    TLB_JUMP_ENTRIES = 1 << TLB_JUMP_BITS,
    TLB_JUMP_PAGE = 1 << (TLB_PAGE_BITS - 1), /* jump entries of a page's code */
    TLB_CONTEXTS = 16,
    TLB_LARGE_BITS = 4096,
    TLB_HUGE = 8,
};
enum { TLB_JUMP_NONE = 0, TLB_JUMP_ONE = 1, TLB_JUMP_SEVERAL = 2 }; /* ONE: beside the page's address */
#define TLB_PAGE      (UINT64_C(1) << TLB_PAGE_BITS)
#define TLB_PAGE_MASK (~(TLB_PAGE - 1))

/* Low bits of a data tag, none below bit 4: the check of an aligned access compares the bits below its size, up to 16
 * bytes, which must be 0 in every tag. */
enum tlb_flag {
    TLB_INVALID = 1 << 4,
    TLB_IO = 1 << 5,       /* not RAM: ask the memory view */
    TLB_CODE = 1 << 6,     /* page holds translated code: look at its lines */
    TLB_RESERVED = 1 << 7, /* page holds another CPU's strong reservation */
    TLB_LOG = 1 << 8,      /* dirty logging */
    TLB_ALIGNED = 1 << 9,  /* isa_mapping.aligned */
};

struct tlb_entry {
    _Atomic u64 tag;
    u64 addend; /* host address = vaddr + addend */
};

struct tlb_code_entry {
    u64 tag; /* virtual page address, or TLB_INVALID */
    struct jit_page *page;
    u32 id; /* of page when it was filled in; 0: empty */
    bool global;
};

struct tlb_jump_entry {
    _Atomic u64 pc; /* of another index (tlb_jump_clear): empty */
    const u8 *code; /* host address of the unit's entry */
};

/* What the slow path knows beside a data entry. */
struct tlb_info {
    u64 paddr;             /* of the page */
    struct ram_block *ram; /* NULL: io */
    u64 ram_offset;        /* of the page in the block */
    u16 flags;            /* TLB_ALIGNED: the tag's for as long as the entry lives */
};

/* Where an access to one page goes. */
struct tlb_target {
    u8 *host;              /* RAM: host address of vaddr; NULL: io */
    struct ram_block *ram; /* with host */
    u64 ram_offset;        /* of vaddr in ram */
    u64 paddr;
    u32 flags; /* enum tlb_flag */
    u32 grain; /* bytes of the aligned block around vaddr that this holds for: TLB_PAGE at most */
};
enum { TLB_WRITTEN_BITS = 16384 };
struct tlb_context {
    struct tlb_entry data[2][TLB_ENTRIES]; /* [0] reads, [1] writes */
    struct tlb_code_entry code[TLB_CODE_ENTRIES];
    struct tlb_jump_entry jump[TLB_JUMP_ENTRIES];
    /* Where accesses by context 1 look (a kernel's to user memory): the data entries of the context that has their key, as
     * tlb_resolve found it; else jit.no_entries. */
    struct tlb_entry (*other)[TLB_ENTRIES];
    /* -- Not read by translated code. */
    struct tlb_info info[2][TLB_ENTRIES];
    u32 written[TLB_ENTRIES]; /* tlb_page_key of each write entry, 0: none: what smc.c scans */
    /* By the low bits of a page's key: it may be in `written`. Set before an entry is published, empty when all are. */
    _Atomic u64 written_set[TLB_WRITTEN_BITS / 64];
    bool cleared; /* once: until then not only the entries in use are to be emptied */
    /* A bit an entry: filled since the last clear or flush; of these, those that hold in every address space. */
    u64 data_used[2][TLB_ENTRIES / 64], data_global[2][TLB_ENTRIES / 64];
    u64 code_used[TLB_CODE_ENTRIES / 64];
    u64 jump_used[TLB_JUMP_ENTRIES / 64], jump_global[TLB_JUMP_ENTRIES / 64];
    u64 jump_page[TLB_CODE_ENTRIES]; /* by tlb_code_index: what page jump entries are of */
    /* Mappings larger than a page: up to 2 MiB as bits by tlb_large_bit, larger ones as ranges. */
    u64 large[TLB_LARGE_BITS / 64];
    struct {
        u64 first, last;
    } huge[TLB_HUGE];
    u32 huge_used;
    struct isa_context key_data, key_fetch;
    u64 key_mode;
    u64 used; /* stamp for replacement */
    _Atomic bool live; /* other CPUs look (tlb_slow_writes) */
};

/* Names a RAM page in 32 bits; never 0. Two pages 8 TiB apart share a key: a needless
 * slow tag, no harm. */
static inline u32 tlb_page_key(const u8 *host)
{
    return (u32)((uintptr_t)host >> TLB_PAGE_BITS) | 1u << 31;
}

static inline u32 tlb_index(u64 vaddr, u32 mask)
{
    return (u32)(vaddr >> TLB_PAGE_BITS) & mask;
}

static inline u32 tlb_large_bit(u64 vaddr)
{
    return (u32)((vaddr >> 21) * UINT64_C(0x9e3779b97f4a7c15) >> 52) & (TLB_LARGE_BITS - 1);
}

static inline u32 tlb_code_index(u64 vaddr)
{
    return (u32)(vaddr >> TLB_PAGE_BITS) & (TLB_CODE_ENTRIES - 1);
}

static inline void tlb_code_set(struct tlb_context *c, u32 index, const struct tlb_code_entry *e)
{
    c->code_used[index / 64] |= BIT(index % 64);
    c->code[index] = *e;
}

/* The back end computes the same: (pc >> 1) & mask. */
static inline u32 tlb_jump_index(u64 pc)
{
    return (u32)(pc >> 1) & (TLB_JUMP_ENTRIES - 1);
}

/* An empty entry holds a pc that is looked for in another entry, so no guest pc finds it. */
static inline bool tlb_jump_is_empty(u64 pc, u32 index)
{
    return tlb_jump_index(pc) != index;
}

/* The jump entry for pc is about to be made. */
static inline void tlb_jump_note(struct tlb_context *c, u64 pc, bool global)
{
    u32 index = tlb_jump_index(pc);
    u64 bit = BIT(index % 64), *page = &c->jump_page[tlb_code_index(pc)], own = (pc & TLB_PAGE_MASK) | TLB_JUMP_ONE;
    *page = *page == TLB_JUMP_NONE || *page == own ? own : TLB_JUMP_SEVERAL;
    c->jump_used[index / 64] |= bit;
    c->jump_global[index / 64] = (c->jump_global[index / 64] & ~bit) | (global ? bit : 0);
}

static inline void tlb_jump_clear(struct tlb_context *c, u32 index, memory_order order)
{
    atomic_store_explicit(&c->jump[index].pc, index ? 0 : 2, order);
}

#endif
