/*
 * monitor.h - what the programs of AArch64 share that begin at EL3 (machine with secure=on and virtualization=on).
 *
 * The program runs at EL3, and looks from there at pieces of code: go() runs one at any level, up to its first exception,
 * and `out` says which exception that was, where it went and with which registers. EL1's and EL2's vectors are one SMC
 * each, which touches nothing but EL3's registers, so what the exception left in EL1's or EL2's is what is seen.
 */
#ifndef TESTS_ISA_A64_MONITOR_H
#define TESTS_ISA_A64_MONITOR_H

__asm__(".arch armv8.8-a+mops+rng+flagm+crypto+fp16+fp16fml");

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long u64;
typedef long s64;

/* SPSR_ELx.M */
enum { EL0 = 0, EL1T = 4, EL1 = 5, EL2T = 8, EL2 = 9, EL3T = 12, EL3 = 13 };
#define DAIF 0x3c0ul

struct outcome {
    u64 level, vector; /* that the exception was taken to: 1..3; offset in the table */
    u64 ec, iss;
    u64 esr, elr, spsr, far, hpfar;
};
extern struct outcome out;
extern u64 monitor_x[31]; /* x0..x30: before and after */

/* A piece of code that ends by SVC when nothing happened before: ended() tells. */
#define END 0xe0e0
#define PIECE(name, text)                                                                                              \
    extern const char name[];                                                                                          \
    __asm__(".pushsection .text\n.balign 16\n" #name ":\n" text "\n svc #0xe0e0\n.popsection")

void run(void);
void go(u64 pstate, const void *code);
void go_unmasked(u64 pstate, const void *code); /* PSTATE's DAIF as given */
void go1(u64 pstate, const void *code, u64 x0);
void go2(u64 pstate, const void *code, u64 x0, u64 x1);
int ended(void);

/* Failures are told and counted; the program goes on. */
void check(const char *what, u64 got, u64 want);
void check_ended(const char *what);
/* An exception: to this level, of this class and syndrome. */
void check_taken(const char *what, u64 level, u64 ec, u64 iss);
void say(const char *text);
void say_hex(u64 v);

/* All of EL1's and EL2's control as after reset of this monitor: MMUs off, nothing traps, EL1 is not secure. */
void monitor_reset(void);

/* ---- Translation tables ------------------------------------------------------------------------ */

struct tables {
    u64 root;
    u32 granule; /* bits of a page */
    u32 input;   /* bits of an address */
    int start;   /* level */
    u32 concatenated;
    int ds;
};
/* Tables of empty descriptors, for both stages. start: -2: as the input's size asks. */
void tables_init(struct tables *t, u32 granule, u32 input, int start, int ds);
/* One descriptor at this level: 3 is a page. Tables on the way are made, with these attributes. */
void tables_map(struct tables *t, u64 va, u64 pa, int level, u64 attributes);
u64 *tables_entry(struct tables *t, u64 va, int level, u64 table_attributes);
/* The GiB of RAM that the program is in, as it is, by blocks. */
void tables_map_program(struct tables *t, u64 attributes);
u64 tables_shift(const struct tables *t, int level);
/* Memory of whole 64K pages, zeroed. */
u64 take_memory(u64 size);
void release_memory(void);
void tlb_clear(void);
/* Descriptors: attribute 0 (Normal, write-back), accessed, inner shareable, EL0 and EL1 may execute. */
#define LEAF (1ul << 10 | 3ul << 8)
#define LEAF_EL0 (1ul << 6)
#define LEAF_READ_ONLY (1ul << 7)
#define LEAF_NG (1ul << 11)
#define LEAF_GP (1ul << 50)
#define LEAF_DBM (1ul << 51)
#define LEAF_CONTIGUOUS (1ul << 52)
#define LEAF_PXN (1ul << 53)
#define LEAF_UXN (1ul << 54)
/* EL1&0 with these tables for TTBR0_EL1, TTBR1_EL1 off; more: of TCR_EL1. */
u64 tcr_of(const struct tables *t);
void el1_mmu_on(const struct tables *t, u64 more);

#define rd(reg) ({ u64 v_; __asm__ volatile("mrs %0, " reg : "=r"(v_)); v_; })
#define wr(reg, v) __asm__ volatile("msr " reg ", %0\n isb" ::"r"((u64)(v)) : "memory")

#endif
