/*
 * test.h - what the bare-metal tests share: checks, traps, modes, page tables, other harts.
 *
 * A test is a file rv_NAME.c with `const char test_name[]` and test_run(), called on hart 0 in M-mode. A check that
 * fails says where and goes on; the end of test_run() ends the machine with the number of failures as its status.
 */
#ifndef TEST_H
#define TEST_H

#include <stddef.h>
#include <stdint.h>

/* What assembly may use. The compiler does not: references stay clear of what they are for. */
__asm__(".option arch, +zba, +zbb, +zbc, +zbs, +zfh, +zicbom, +zicboz");

typedef unsigned long word; /* XLEN bits */
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

enum { U = 0, S = 1, M = 3 };
enum cause {
    FETCH_MISALIGNED, FETCH_ACCESS, ILLEGAL, BREAK, LOAD_MISALIGNED, LOAD_ACCESS, STORE_MISALIGNED, STORE_ACCESS,
    CALL_U, CALL_S, CALL_H, CALL_M, FETCH_PAGE, LOAD_PAGE, CAUSE_14, STORE_PAGE, NO_TRAP = 99
};
#define INTERRUPT ((word)1 << (8 * sizeof(word) - 1))
#define RV64 (sizeof(word) == 8)

extern const char test_name[];
void test_run(void);

/* ---- Checks ---- */
void check_at(int line, const char *what, u64 found, u64 expected);
#define CHECK(expression, expected) check_at(__LINE__, #expression, (u64)(expression), (u64)(expected))
#define CHECK_WORD(expression, expected) check_at(__LINE__, #expression, (word)(expression), (word)(expected))
void say(const char *text);
void say_hex(u64 v);
void finish(int status) __attribute__((noreturn));

/* ---- CSRs ---- */
#define csr_read(name) ({ word v_; __asm__ volatile("csrr %0, " #name : "=r"(v_) :: "memory"); v_; })
#define csr_write(name, v) __asm__ volatile("csrw " #name ", %0" :: "r"((word)(v)) : "memory")
#define csr_set(name, v) __asm__ volatile("csrs " #name ", %0" :: "r"((word)(v)) : "memory")
#define csr_clear(name, v) __asm__ volatile("csrc " #name ", %0" :: "r"((word)(v)) : "memory")
#define csr_swap(name, v) ({ word v_ = (word)(v); __asm__ volatile("csrrw %0, " #name ", %0" : "+r"(v_) :: "memory"); v_; })
enum { MENVCFG = 0x30a, MENVCFGH = 0x31a, SENVCFG = 0x10a, MSECCFG = 0x747 };
void menvcfg_set(u64 value);
u64 menvcfg_get(void);
#define ENVCFG_ADUE (1ull << 61)
#define ENVCFG_PBMTE (1ull << 62)
#define ENVCFG_STCE (1ull << 63)
#define MSTATUS_MPRV (1 << 17)
#define MSTATUS_SUM (1 << 18)
#define MSTATUS_MXR (1 << 19)
#define MSTATUS_MIE (1 << 3)
#define MSTATUS_SIE (1 << 1)
#define MSTATUS_MPP (3 << 11)

/* ---- Traps: the last one on this hart, in M or (delegated) in S. The instruction is skipped; a fetch that fails
 * returns to ra. Interrupts go to the hooks, which see the frame (pc in [0]). ---- */
struct trap {
    u32 count;
    word cause, pc, value, status; /* status: mstatus resp. sstatus */
};
extern volatile struct trap machine, supervisor;
extern void (*volatile machine_hook)(word *frame), (*volatile supervisor_hook)(word *frame);
void machine_trap(void), supervisor_trap(void);
/* What fn does in the mode: the cause of the (first) trap or NO_TRAP; `result` is what it returned. */
typedef word access_fn(word arg);
word try(unsigned mode, access_fn *fn, word arg);
extern volatile word result;
access_fn do_load8, do_load16, do_load32, do_load, do_store, do_store32, do_amo, do_lr, do_call, do_illegal;
#define STORED ((word)(long)(int)0x80828082) /* what the stores store: `ret`, twice */
/* Traps that medeleg names go to supervisor_trap on a stack of its own. */
void delegate(word causes);

/* ---- Page tables ---- */
enum {
    PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_G = 32, PTE_A = 64, PTE_D = 128,
    PTE_RW = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D, PTE_RWX = PTE_RW | PTE_X,
};
struct paging {
    const char *name;
    unsigned mode, levels, bits; /* satp's MODE; bits of an index */
};
extern const struct paging sv32, sv39, sv48, sv57;
/* An empty tree in which the program and the tables are mapped as themselves, with or without U. */
word *paging_new(const struct paging *p, unsigned identity_flags);
/* The entry for va on the level (0: 4 KiB), made with the tables above it. */
volatile word *paging_entry(const struct paging *p, word *root, u64 va, unsigned level);
word pte(const void *page, word flags);
word satp_of(const struct paging *p, word *root, word asid);
void paging_on(const struct paging *p, word *root);
void paging_off(void);
#define sfence() __asm__ volatile("sfence.vma" ::: "memory")
#define sfence_at(va) __asm__ volatile("sfence.vma %0" ::"r"((word)(va)) : "memory")
/* Pages to play with, and a page of `ret`. */
extern u8 page[16][4096] __attribute__((aligned(65536)));
extern word code_page[4096 / sizeof(word)];
extern char memory_end[];

/* ---- Harts, devices ---- */
unsigned hart_id(void);
/* Runs fn on the harts 1..n-1 at once, and on this one; returns when all are done. */
void on_harts(unsigned n, void (*fn)(unsigned hart));
#define MSIP(hart) (*(volatile u32 *)(0x02000000ul + 4 * (hart)))
/* In a loop that waits for another hart: with fewer host processors than harts, that one may need ours. */
#define relax() __asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010" ::: "memory")
u64 mtime(void);
void mtimecmp(unsigned hart, u64 value);
#define fence_i() __asm__ volatile("fence.i" ::: "memory")

/* A random number from a given state. */
u64 random_next(u64 *state);

#endif
