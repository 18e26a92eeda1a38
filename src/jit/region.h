/*
 * region.h - a region between its exploration and its code. For region.c, region_make.c and hot.c.
 *
 * It has one owner, who may hand it to another thread: of what is not its own it has only pages and
 * their ids (jit_page_ref).
 */
#ifndef JIT_REGION_H
#define JIT_REGION_H

#include "jit/jit.h"

enum {
    REGION_BLOCKS = 24, /* explored */
    REGION_EXITS = 40,  /* of a block: further ones leave the region */
    REGION_NO_BLOCK = 0xff,
};

struct region_block {
    u64 pc;
    struct jit_page_ref page;
    struct ir_unit ir;
    u8 to[REGION_EXITS];
    u8 exits;
    u8 place; /* in the region; REGION_NO_BLOCK: not in it */
    bool returns, loops;
    struct ir_targets targets; /* of its indirect jump: blocks */
    u8 depth;
};

struct region {
    struct jit_page_ref page; /* where it begins; of a movable page, all of it */
    u64 pc;                   /* ... where it really is */
    u64 seen;                 /* jit->invalidations before its first byte was read */
    struct arena arena;       /* of the blocks' IR */
    struct region_block block[REGION_BLOCKS];
    u32 count, insns;
    struct ir_targets returned_to; /* blocks behind calls */
    bool waits;                    /* for targets of an indirect jump (targets.h) */
    u8 order[REGION_BLOCKS]; /* of the region's blocks */
    u32 ordered;
};

/* region_make.c */
struct region *region_new(const struct jit_page_ref *page, u64 pc, u64 seen);
void region_free(struct region *r);
/* Makes the units and puts them in; the compiler's arena is emptied before. False: not, and nothing has changed. The
 * compiler may have another chunk after. */
bool region_make(struct jit_compiler *c, struct region *r);

/* hot.c: any CPU's thread. Is there a thread that makes regions? It is started for this. */
bool jit_hot_is_on(struct jit *jit);
/* So many regions wait for it that it takes no more. */
bool jit_hot_is_full(struct jit *jit);
/* Takes the region; false: there was no room, and it is gone. */
bool jit_hot_give(struct jit *jit, struct region *r);

#endif
