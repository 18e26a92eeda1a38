/*
 * x64.h - the x86-64 back end's inside: runtime table, generator state, cold code.
 *
 * Registers while translated code runs: rbp = cpu + isa->state_bias, r14 = struct tlb_context, rsp = struct jit_frame (16-byte
 * aligned). All others are the allocator's. Integer registers hold i32 values with an undefined upper half; float registers hold a
 * scalar, and above it what enum x64_upper says. MXCSR holds the guest's rounding and sticky flags.
 *
 * Code is written in two runs: the hot line, then the cold parts in the order they were asked for (struct x64_cold). It refers to
 * the runtime table at the start of the code memory by rip, so it holds no absolute address but those of links.
 *
 * A unit can be put elsewhere (jit/store.h) when these fields are known: rel32 to the start of the code memory (asm_note_far), its
 * links' addresses (x64_load_link) and the page id of its entry. Nothing else in it may depend on where it is, or on this run.
 */
#ifndef JIT_X86_64_X64_H
#define JIT_X86_64_X64_H

#include "jit/alloc.h"
#include "jit/x86_64/asm.h"

enum x64_feature {
    X64_BMI1 = 1, X64_BMI2 = 2, X64_LZCNT = 4, X64_POPCNT = 8, X64_MOVBE = 16, X64_FMA = 32, X64_AVX = 64, X64_AVX2 = 128,
    X64_SSE41 = 256, X64_CLMUL = 512, X64_SSE42 = 1024,
};

enum { X64_ISAS = 8, X64_STATE = RBP, X64_TLB = R14, X64_FRAME = RSP };
#define X64_NO_PAGE UINT32_MAX /* as the id of a link's page: none has it, nor an empty code entry */
#define X64_GPRS (0xffffu & ~(1u << RSP | 1u << RBP | 1u << R14))
#define X64_CALLER_SAVED                                                                           \
    (1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9 | 1u << R10 | 1u << R11 | ALLOC_XMM)

/* Bounds that decide whether a float converts to an unsigned integer by a signed conversion: inclusive. */
struct x64_bounds {
    u64 low, high;
};

/* Stubs, by their offset in the code memory. */
enum x64_stub {
    X64_ENTER,        /* struct jit.enter */
    X64_LEAVE,        /* jumped to with the result in rax */
    X64_LEAVE_LOOKUP, /* result JIT_EXIT_LOOKUP */
    X64_SLOW,         /* called, site inline: jit_slow_access */
    X64_SLOW_XMM,     /* ... float registers are in use */
    X64_SOFT,         /* called, site inline: x64_soft_op */
    X64_CALL_FLOAT,   /* called, rax = helper: IR_FX_FLOAT around it */
    X64_STUBS
};

/* At the start of the code memory. Constant after init. */
struct x64_runtime {
    u64 sign[2][2], magnitude[2][2]; /* [f64][lanes]: masks, 16 bytes each */
    u64 smallest[2][2];              /* normal numbers, likewise */
    u64 nanbox[2];
    u64 table_bias[2], nibble[2], nibble_ones[2]; /* bytes of 0x70, of 0x0f; ones in 0..15 */
    u64 nan[2];                      /* default NaN: [f64] */
    u8 float_flags[64];              /* by MXCSR's: enum float_flag */
    struct x64_bounds bounds[2][2][2]; /* [f64 operand][64-bit result][rounding: 0 to zero, 1 dynamic] */
    void *slow_access, *soft_op, *float_merge, *float_reload;
    u32 stub[X64_STUBS];
    u32 features;
    const struct isa *isa[X64_ISAS];
    u32 helpers[X64_ISAS];           /* offset of each isa's table of helpers */
};

struct x64;
struct access;
struct x64_cold {
    struct x64_cold *next;
    void (*emit)(struct x64 *g, struct x64_cold *c);
    u8 *from[3];         /* rel32 of jumps that come here */
    u8 *resume;          /* in the hot line; NULL: does not come back */
    u8 *map;
    u8 stub;             /* enum x64_stub */
    u8 reg, temp;
    u64 value;
    u32 link;
    const struct ir_unit *ir; /* the block it belongs to */
    struct x64_places *places;
    const struct access *check; /* of a site with a second look (mem.c): at what, and where to go on */
    u8 *checked;
    struct x64_cold *second; /* of a site: another one that follows it (x64_cold_second) */
    struct jit_site site; /* last: of variable size, though not here */
};

/* What is known of a float register above the scalar in it: alloc_value.note. */
enum x64_upper { X64_ABOVE_ANY, X64_ABOVE_64, X64_ABOVE_32 /* ... bit 32 all is 0 */ };

struct x64_pool {
    struct x64_pool *next;
    u64 value;
    u8 *field;           /* rel32 to fix */
};

enum { X64_REGION_SLOTS = 24 };
/* What all heads of a region share (region.c): slots and their registers; count 0: the unit is none. */
struct x64_region {
    u32 count;
    u8 slot[X64_REGION_SLOTS], reg[X64_REGION_SLOTS];
    bool put[X64_REGION_SLOTS];
    u32 head[2][JIT_MAX_BLOCKS]; /* offsets in the code memory; second: of entry forms */
    bool polls[JIT_MAX_BLOCKS];
    u8 *store; /* code that stores the slots; NULL: there is none yet */
};
struct x64_places;

/* Two accesses with one check (mem.c): the second, whose code is written already. */
struct x64_pair {
    u32 index;              /* its op; 0: none is due */
    struct x64_cold *first;
    u8 addr, reg;
    u8 *after;              /* where the code was then */
};

/* What a check computed for a base, in held registers (mem.c); value ALLOC_NONE: nothing. */
struct x64_checked {
    u32 value;
    s32 low, high;
    u8 index, tag;
};
enum { X64_CHECKED = 2 };

/* count=on (count.c). */
struct x64_count {
    bool on;
    u8 *bytes;       /* the immediate that gets the size of the guest instruction's code; NULL: there is none */
    u32 own;         /* bytes since then that do the counting */
};

struct x64 {
    struct jit_alloc a;  /* first */
    struct asm_buf s;
    struct jit *jit;
    struct jit_emit *out;
    const struct ir_unit *ir; /* the block under way */
    const struct isa *isa;
    const struct x64_runtime *rt;
    struct arena *arena;
    u8 *limit;           /* of code; NULL: something failed, what is made is not used */
    u32 features;
    u32 helpers;         /* offset of the isa's table */
    u64 pc;              /* of the guest instruction under way */
    bool pc_due;         /* ... and its slot does not hold it yet */
    struct x64_cold *cold, **cold_tail;
    struct x64_pool *pool;
    struct x64_region region;
    struct x64_pair pair;
    struct x64_checked checked[X64_CHECKED];
    struct x64_count count;
    int error;
};

enum x64_operand_kind { X64_REG, X64_IMM, X64_MEM };
/* What an instruction's second operand is: in two registers of the compiler's. */
struct x64_operand {
    u8 kind; /* enum x64_operand_kind */
    u8 reg;
    s32 imm;
    struct asm_mem mem;
};

extern const struct alloc_host x64_alloc_host;
extern void (*const x64_select[IR_OPCODES])(struct x64 *g, const struct ir_op *op);

/* -- select.c */
static inline bool x64_has(const struct x64 *g, u32 feature)
{
    return g->features & feature;
}
static inline u32 x64_operand_value(const struct x64 *g, unsigned k)
{
    return g->a.ops[g->a.index].value[k];
}
/* enum x64_upper of operand k, and the result's. */
static inline unsigned x64_upper_of(const struct x64 *g, unsigned k)
{
    return g->a.val[x64_operand_value(g, k)].note;
}
/* A scalar's, when the instruction that made it cleared the rest. */
static inline unsigned x64_upper_clear(unsigned type)
{
    return type == IR_F32 ? X64_ABOVE_32 : X64_ABOVE_64;
}
static inline void x64_set_upper(struct x64 *g, unsigned upper, unsigned type)
{
    g->a.val[g->a.index].note = (u8)MIN(upper, x64_upper_clear(type));
}
static inline unsigned x64_use(struct x64 *g, unsigned k)
{
    return alloc_use(&g->a, x64_operand_value(g, k));
}
static inline unsigned x64_use_in(struct x64 *g, unsigned k, u32 mask)
{
    return alloc_use_in(&g->a, x64_operand_value(g, k), mask);
}
/* Operand k as register, 32-bit immediate, or memory when it is only there and dies here. */
bool x64_only_in_slot(const struct x64 *g, u32 v);
struct x64_operand x64_use_any(struct x64 *g, unsigned k);
/* op reg, operand: alu forms and legacy two-operand forms. */
void x64_alu(struct x64 *g, enum asm_alu op, u32 size, unsigned reg, struct x64_operand b);
void x64_op(struct x64 *g, u32 op, unsigned reg, struct x64_operand b);
/* A condition (first operands of the op under way): prepare loads registers, compare sets the flags and returns the code under
 * which it holds. Nothing that changes flags may come between compare and its use. */
struct x64_condition {
    struct x64_operand right;
    u8 left;
    bool wide;
    u8 cond;            /* enum ir_cond */
};
struct x64_condition x64_condition_prepare(struct x64 *g, const struct ir_op *op);
enum asm_cc x64_compare(struct x64 *g, const struct x64_condition *c);

/* The first failure is what is told. */
static inline void x64_fail(struct x64 *g, int error)
{
    g->error = g->error ? g->error : error;
    g->limit = NULL;
}

static inline void x64_put(struct x64 *g, const struct ir_op *op)
{
    if (unlikely(op->b == g->isa->pc_slot))
        g->pc_due = false;
    alloc_put(&g->a, op->b);
}

static inline void x64_insn(struct x64 *g, const struct ir_op *op)
{
    if (unlikely(g->a.bound[g->isa->pc_slot] != ALLOC_NONE))
        alloc_unbind(&g->a, g->isa->pc_slot);
    g->pc = ir_imm(op);
    g->pc_due = true;
}

/* -- count.c: before an operation, and at the end of a block. */
void x64_count_op(struct x64 *g, const struct ir_op *op);
void x64_count_end(struct x64 *g);

/* -- cold.c */
struct x64_cold *x64_cold_new(struct x64 *g, void (*emit)(struct x64 *, struct x64_cold *));
void x64_cold_flush(struct x64 *g);
/* A cold call of a stub with a site; the state map is taken now. result: enum jit_loc. */
struct x64_cold *x64_cold_site(struct x64 *g, const struct ir_op *op, u8 stub);
/* What that cold part is. */
void x64_cold_call(struct x64 *g, struct x64_cold *c);
/* The state map as of now. */
void x64_cold_map(struct x64 *g, struct x64_cold *c, u64 pc);
/* A site that is called after that of `first`, in the same cold part. */
struct x64_cold *x64_cold_second(struct x64 *g, struct x64_cold *first, const struct ir_op *op);
/* A cold part that puts a constant of the runtime table into float register reg and resumes. */
void x64_cold_load(struct x64 *g, u8 *from, unsigned reg, u32 type, u32 table_offset);
void x64_resume(struct x64 *g, struct x64_cold *c);
/* rel32 at the jump `from` (which lies in the hot line) to a stub. */
void x64_jump_stub(struct x64 *g, u8 *field, enum x64_stub stub);

/* -- exit.c */
/* Where a movable unit is entered from elsewhere: rax is its pc. */
void x64_movable_entry(struct x64 *g);
void x64_store_pc(struct x64 *g, u64 pc);
void x64_prologue(struct x64 *g);
/* The address of link n to rax: with it unlinked ones leave to the engine. */
void x64_load_link(struct x64 *g, u32 n);
/* The pc slot is what the guest may see: the instruction's, unless it was put. */
void x64_settle_pc(struct x64 *g);

/* -- region.c. Is the unit a region? g->region says so after. */
void x64_region_begin(struct x64 *g);
/* The head, and the door, of the form of a block that g->ir is; returns how many ops that took. */
u32 x64_region_block(struct x64 *g, u32 block);
/* All blocks are written. */
void x64_region_end(struct x64 *g);
/* The block at pc, or -1. */
int x64_region_find(const struct x64 *g, u64 pc);
static inline int x64_region_head(const struct x64 *g, u64 pc)
{
    return g->region.count ? x64_region_find(g, pc) : -1;
}
bool x64_region_has(const struct x64 *g, u32 slot);
/* From the block being made: does an edge to block `to` go back? Is the slot known there, so that it need not be stored? */
bool x64_region_loops(const struct x64 *g, u32 to);
bool x64_region_knows(const struct x64 *g, u32 to, u32 slot);
/* Where the region's slots are now; and the edge from there to a block, the other dirty slots being stored. */
struct x64_places *x64_region_places(struct x64 *g);
void x64_region_edge(struct x64 *g, u32 to, struct x64_places *places);

/* -- Families of operations, for the table in select.c. */
#define X64_SELECT(name) void x64_##name(struct x64 *g, const struct ir_op *op)
X64_SELECT(load); X64_SELECT(store); X64_SELECT(rmw); X64_SELECT(cas); X64_SELECT(linked); X64_SELECT(fence);
X64_SELECT(load_state); X64_SELECT(store_state);
X64_SELECT(fbinary); X64_SELECT(fsqrt); X64_SELECT(fmadd); X64_SELECT(fminmax); X64_SELECT(fcmp); X64_SELECT(fcvt);
X64_SELECT(float_flags); X64_SELECT(ftoi); X64_SELECT(itof); X64_SELECT(fsign); X64_SELECT(nanbox); X64_SELECT(unbox); X64_SELECT(bitcast);
X64_SELECT(clmul); X64_SELECT(call); X64_SELECT(exit_if); X64_SELECT(trap_if); X64_SELECT(exit_jump); X64_SELECT(exit_indirect);
X64_SELECT(exit_lookup);
X64_SELECT(vbinary); X64_SELECT(vandn); X64_SELECT(vsel); X64_SELECT(vgtu); X64_SELECT(vshift); X64_SELECT(vunary); X64_SELECT(vext);
X64_SELECT(vtbl); X64_SELECT(vcnt); X64_SELECT(vpair); X64_SELECT(vlow); X64_SELECT(vzext); X64_SELECT(vhalf); X64_SELECT(vdup);
X64_SELECT(vget); X64_SELECT(vset); X64_SELECT(vfbinary); X64_SELECT(vfsqrt); X64_SELECT(vfmadd); X64_SELECT(vfcmp);
X64_SELECT(mul); X64_SELECT(mulh); X64_SELECT(divide); X64_SELECT(shift); X64_SELECT(count_bits); X64_SELECT(soft);

/* Reads a table constant. */
#define X64_TABLE(field) ((struct asm_mem){.base = ASM_RIP, .index = ASM_NO_REG, .disp = (s32)offsetof(struct x64_runtime, field)})
static inline struct asm_mem x64_table(u32 offset)
{
    return (struct asm_mem){.base = ASM_RIP, .index = ASM_NO_REG, .disp = (s32)offset};
}

/* A field of the CPU's struct, by its offset there. */
static inline struct asm_mem x64_state(const struct x64 *g, u32 offset)
{
    return asm_at(X64_STATE, (s32)offset - (s32)g->isa->state_bias);
}
static inline struct asm_mem x64_slot(const struct x64 *g, unsigned slot)
{
    return x64_state(g, g->isa->slots[slot].offset);
}
static inline struct asm_mem x64_spill(unsigned n)
{
    return asm_at(X64_FRAME, (s32)(offsetof(struct jit_frame, spill) + 8 * n));
}

/* Prefix bits of scalar float instructions. */
static inline u32 x64_scalar(unsigned type)
{
    return type == IR_F64 ? ASM_F2 : ASM_F3;
}
static inline u32 x64_packed(unsigned type)
{
    return type == IR_F64 ? ASM_66 : 0;
}
static inline u32 x64_size(unsigned type)
{
    return ASM_SIZE(type == IR_I64 || type == IR_F64);
}

/* A cold call of x64_soft_op: operands in reg[], the result to rd. */
struct x64_cold *x64_soft_site(struct x64 *g, const struct ir_op *op, const unsigned *reg, unsigned count, unsigned rd);
/* x64_soft_op: operations the host lacks, in C, exactly as the interpreter does them (always true). */
bool x64_soft_op(struct cpu *cpu, struct jit_frame *frame, const struct jit_site *site);

#endif
