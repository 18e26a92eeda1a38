/*
 * memory.h - guest physical memory: RAM blocks, the tree of regions, flat views per address space,
 * access and DMA.
 *
 *   struct memory     owns RAM blocks; one a machine
 *   struct ram_block  host memory behind RAM, ROM and flash
 *   struct mem_region a node of the tree: container, ram, rom, romd, io, alias; priorities decide
 * overlaps struct mem_space  what a CPU or a device's DMA sees: a root region, flattened to struct
 * mem_view   a sorted array of sections, replaced as a whole
 *
 * Threads: the tree is changed on the main thread (or under memory->lock from a vCPU: romd
 * switching). Readers (mem_find, mem_read, dma) take no lock; a view lives until every epoch reader
 * has passed a quiescent point. Callers outside an epoch reader's online section hold memory->lock
 * or are the main thread.
 */
#ifndef MEMORY_MEMORY_H
#define MEMORY_MEMORY_H

#include <pthread.h>
#include "base/base.h"
#include "base/epoch.h"
#include "base/err.h"

enum { MEM_PAGE_BITS = 12 };
#define MEM_PAGE (UINT64_C(1) << MEM_PAGE_BITS)

enum mem_result { MEM_OK, MEM_UNMAPPED, MEM_REFUSED };

struct ram_block {
    char name[64]; /* unique in the machine: snapshots find it by name */
    struct memory *memory;
    u8 *host;
    u64 size;                /* multiple of MEM_PAGE */
    bool rom;                /* content is set by the machine, not by the guest */
    _Atomic u64 *code_lines; /* per page: bit n: 64-byte line n holds translated code (jit/smc.c) */
    _Atomic u64 *_Atomic dirty; /* bitmap of pages while logging; NULL otherwise */
    struct ram_block *next;
};

struct memory {
    struct epoch *epoch;
    struct ram_block *blocks;
    struct mem_space *spaces;
    pthread_mutex_t lock; /* changes of trees and views */
    unsigned transaction; /* > 0: views are made when it ends */
    /* Bytes with code lines were written by a device or a slow store. Set by the translator. Any
     * thread. */
    void (*code_written)(void *opaque, struct ram_block *ram, u64 offset, u64 size);
    void *code_opaque;
};

void memory_init(struct memory *m, struct epoch *epoch);
void memory_fini(struct memory *m); /* all regions and spaces are gone */
/* Changes between begin and end show at once, at the end. Nests. */
void memory_begin(struct memory *m);
void memory_end(struct memory *m);

struct ram_block *must_check ram_block_new(struct memory *m, const char *name, u64 size,
                                           struct err *err);
struct ram_block *ram_block_find(struct memory *m, const char *name);
/* Any thread: bytes were stored by other than fast guest stores. */
void memory_ram_written(struct ram_block *ram, u64 offset, u64 size);
/* Starts or ends dirty logging; CPUs' TLBs must be flushed after a start. */
int must_check ram_block_log(struct ram_block *ram, bool on, struct err *err);
static inline bool ram_block_logging(const struct ram_block *ram)
{
    return atomic_load_explicit(&((struct ram_block *)ram)->dirty, memory_order_relaxed) != NULL;
}

/* ---- Regions -------------------------------------------------------------------------------- */

/* A device's registers. Offsets are relative to the region. size is one the device accepts: others
 * are split into smaller ones or done as one wider (reads: the bytes asked for are cut out; writes
 * narrower than min_size: refused). */
struct mem_ops {
    u64 (*read)(void *opaque, u64 offset, unsigned size);
    void (*write)(void *opaque, u64 offset, u64 value, unsigned size);
    /* mem_message's write, where it matters who it comes from; NULL: as any other. No lock. */
    void (*message)(void *opaque, u64 offset, u32 data, u32 requester);
    u8 min_size, max_size; /* 1, 2, 4, 8; 0: 1 and 8 */
    bool big_endian;       /* of the device's registers */
    bool unaligned;        /* offset need not be a multiple of size */
};

enum mem_kind { MEM_CONTAINER, MEM_RAM, MEM_ROM, MEM_ROMD, MEM_IO, MEM_ALIAS };

struct mem_region {
    const char *name;
    enum mem_kind kind;
    u64 size;                  /* UINT64_MAX: the whole space */
    const struct mem_ops *ops; /* IO, ROMD */
    void *opaque;
    pthread_mutex_t *lock; /* held around ops; NULL: the device sees to itself */
    struct ram_block *ram; /* RAM, ROM, ROMD */
    u64 ram_offset;
    bool direct;               /* ROMD: reads come from ram (else from ops) */
    struct mem_region *target; /* ALIAS */
    u64 target_offset;
    /* Place in the tree. */
    struct memory *memory; /* while mapped */
    struct mem_region *parent, *children, *next;
    u64 offset;
    int priority;
    bool enabled;
};

void mem_container(struct mem_region *r, const char *name, u64 size);
void mem_ram(struct mem_region *r, const char *name, struct ram_block *ram, u64 ram_offset,
             u64 size);
void mem_rom(struct mem_region *r, const char *name, struct ram_block *ram, u64 ram_offset,
             u64 size);
void mem_romd(struct mem_region *r, const char *name, struct ram_block *ram, u64 size,
              const struct mem_ops *ops, void *opaque, pthread_mutex_t *lock);
void mem_io(struct mem_region *r, const char *name, u64 size, const struct mem_ops *ops,
            void *opaque, pthread_mutex_t *lock);
void mem_alias(struct mem_region *r, const char *name, struct mem_region *target, u64 target_offset,
               u64 size);

/* Higher priority hides lower; of equals, the one mapped later. */
void mem_map(struct memory *m, struct mem_region *parent, u64 offset, struct mem_region *child,
             int priority);
void mem_unmap(struct memory *m, struct mem_region *child);
void mem_enable(struct memory *m, struct mem_region *r, bool on);
void mem_romd_direct(struct memory *m, struct mem_region *r, bool on);

/* ---- Spaces and views ----------------------------------------------------------------------- */

/* What is at an address: region bytes offset.. for `left` bytes. ram is NULL where reads do not go
 * to memory. */
struct mem_section {
    u64 start, last; /* addresses, inclusive */
    struct mem_region *region;
    u64 offset; /* in region, of start (mem_find: of the address, as ram_offset) */
    struct ram_block *ram;
    u64 ram_offset;
    bool readonly; /* writes do not go to ram */
};

struct mem_view {
    u32 count;
    struct mem_section section[];
};

struct mem_space {
    const char *name;
    struct memory *memory;
    struct mem_region *root;
    struct mem_view *_Atomic view;
    struct mem_space *next;
    /* Called after the view changed, on the changing thread. */
    void (*changed)(void *opaque, struct mem_space *s);
    void *changed_opaque;
};

void mem_space_init(struct mem_space *s, struct memory *m, const char *name,
                    struct mem_region *root);
void mem_space_fini(struct mem_space *s);
/* False: nothing is there. */
bool mem_find(struct mem_space *s, u64 addr, struct mem_section *out);
void mem_print(struct mem_space *s, void *file); /* `info mtree -f`; FILE * */

/* ---- Access: values in little-endian byte order of the bus, size 1, 2, 4 or 8; may cross
 * sections. Any thread. ---- */
enum mem_result must_check mem_read(struct mem_space *s, u64 addr, u64 *value, unsigned size);
enum mem_result must_check mem_write(struct mem_space *s, u64 addr, u64 value, unsigned size);

/* A device's interrupt message (MSI), which carries the id of the requester on its bus. */
enum mem_result must_check mem_message(struct mem_space *s, u64 addr, u32 data, u32 requester);

/* ---- DMA: RAM only (a device that aims at another's registers is refused). Any thread. ---- */
enum mem_result must_check dma_read(struct mem_space *s, u64 addr, void *buf, u64 len);
enum mem_result must_check dma_write(struct mem_space *s, u64 addr, const void *buf, u64 len);
/* One naturally aligned little-endian value, read or written at once. */
enum mem_result must_check dma_load(struct mem_space *s, u64 addr, unsigned size, u64 *value);
enum mem_result must_check dma_store(struct mem_space *s, u64 addr, unsigned size, u64 value);
/* Host memory of addr.. for up to *len bytes (cut at the section's end); NULL: not RAM. Blocks live
 * as long as the memory. After writing through it: dma_unmap says how much. */
struct dma_map {
    u8 *host;
    u64 len;
    struct ram_block *ram;
    u64 ram_offset;
};
bool must_check dma_map(struct mem_space *s, u64 addr, u64 len, bool write, struct dma_map *map);
void dma_unmap(const struct dma_map *map, u64 written);

#endif
