/*
 * test.c - see test.h.
 */
#include "test.h"

#define UART ((volatile u8 *)0x10000000ul)
#define FINISHER ((volatile u32 *)0x100000ul)
enum { CALL_RETURN = 0x7e57, HARTS = 8 };

/* ---- Output, checks -------------------------------------------------------------------------- */

static unsigned failures;

void say(const char *text)
{
    for (; *text; text++) {
        while (!(UART[5] & 0x20))
            ;
        UART[0] = (u8)*text;
    }
}

void say_hex(u64 v)
{
    char text[17];
    for (unsigned i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[v >> (60 - 4 * i) & 15];
    text[16] = 0;
    say(text);
}

static void say_number(unsigned n)
{
    char text[12], *p = text + sizeof text - 1;
    *p = 0;
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    say(p);
}

void check_at(int line, const char *what, u64 found, u64 expected)
{
    if (found == expected)
        return;
    failures++;
    say(test_name);
    say(":");
    say_number((unsigned)line);
    say(": ");
    say(what);
    say(": found ");
    say_hex(found);
    say(", expected ");
    say_hex(expected);
    say("\n");
    if (failures == 20)
        finish(1);
}

void finish(int status)
{
    *FINISHER = status ? 0x3333 | (u32)status << 16 : 0x5555;
    for (;;)
        ;
}

void test_main(void)
{
    test_run();
    say(failures ? "failed\n" : "passed\n");
    finish(failures ? 1 : 0);
}

/* ---- CSRs ------------------------------------------------------------------------------------ */

void menvcfg_set(u64 value)
{
    __asm__ volatile("csrw 0x30a, %0" ::"r"((word)value) : "memory");
#if __riscv_xlen == 32
    __asm__ volatile("csrw 0x31a, %0" ::"r"((word)(value >> 32)) : "memory");
#endif
}

u64 menvcfg_get(void)
{
    word low, high = 0;
    __asm__ volatile("csrr %0, 0x30a" : "=r"(low)::"memory");
#if __riscv_xlen == 32
    __asm__ volatile("csrr %0, 0x31a" : "=r"(high)::"memory");
    return low | (u64)high << 32;
#endif
    return low | high;
}

/* ---- Traps ----------------------------------------------------------------------------------- */

volatile struct trap machine, supervisor;
void (*volatile machine_hook)(word *frame), (*volatile supervisor_hook)(word *frame);
volatile word result;
static word kept_sp[HARTS];
static word supervisor_stack[2048] __attribute__((aligned(4096)));
void machine_trap_handle(word *frame), supervisor_trap_handle(word *frame);
long enter_mode(word a0, access_fn *fn, word mode, word *kept);
void enter_back(void);

static void record(volatile struct trap *t, word cause, word value, word status, word *frame)
{
    if (t->count++ > 1000) {
        say("traps without end, cause ");
        say_hex(cause);
        say(", pc ");
        say_hex(frame[0]);
        say("\n");
        finish(2);
    }
    if (t->count == 1) { /* what follows is the same instruction's, or told by the count */
        t->cause = cause;
        t->pc = frame[0];
        t->value = value;
        t->status = status;
    }
    if (cause == FETCH_MISALIGNED || cause == FETCH_ACCESS || cause == FETCH_PAGE)
        frame[0] = frame[1];
    else if (!(cause & INTERRUPT))
        frame[0] += (*(u16 *)frame[0] & 3) == 3 ? 4 : 2;
}

void machine_trap_handle(word *frame)
{
    word cause = csr_read(mcause), status = csr_read(mstatus);
    if ((cause == CALL_U || cause == CALL_S || cause == CALL_M) && frame[17] == CALL_RETURN) {
        frame[0] = (word)enter_back;
        frame[11] = kept_sp[hart_id()];
        csr_set(mstatus, MSTATUS_MPP);
        return;
    }
    if (machine_hook)
        machine_hook(frame);
    else
        record(&machine, cause, csr_read(mtval), status, frame);
}

/* A delegated return: S hands it on to M. */
static void hand_on(word a0)
{
    register word a0_ __asm__("a0") = a0;
    register word a7 __asm__("a7") = CALL_RETURN;
    __asm__ volatile("ecall" : "+r"(a0_) : "r"(a7) : "memory");
}

void supervisor_trap_handle(word *frame)
{
    if (csr_read(scause) == CALL_U && frame[17] == CALL_RETURN)
        hand_on(frame[10]);
    if (supervisor_hook)
        supervisor_hook(frame);
    else
        record(&supervisor, csr_read(scause), csr_read(stval), csr_read(sstatus), frame);
}

word try(unsigned mode, access_fn *fn, word arg)
{
    machine.count = supervisor.count = 0;
    result = (word)enter_mode(arg, fn, mode, &kept_sp[hart_id()]);
    return machine.count ? machine.cause : supervisor.count ? supervisor.cause : NO_TRAP;
}

void delegate(word causes)
{
    csr_write(stvec, supervisor_trap);
    csr_write(sscratch, supervisor_stack + sizeof supervisor_stack / sizeof supervisor_stack[0]);
    csr_write(medeleg, causes);
}

/* ---- Page tables ----------------------------------------------------------------------------- */

const struct paging sv32 = {"Sv32", 1, 2, 10}, sv39 = {"Sv39", 8, 3, 9}, sv48 = {"Sv48", 9, 4, 9},
                    sv57 = {"Sv57", 10, 5, 9};
u8 page[16][4096] __attribute__((aligned(65536)));
word code_page[4096 / sizeof(word)] __attribute__((aligned(4096)));
static word tables[64][4096 / sizeof(word)] __attribute__((aligned(4096)));
static unsigned used_tables;

static word *new_table(void)
{
    word *table = tables[used_tables++ % 64];
    for (unsigned i = 0; i < 4096 / sizeof(word); i++)
        table[i] = 0;
    return table;
}

word pte(const void *p, word flags)
{
    return (word)p >> 12 << 10 | flags;
}

volatile word *paging_entry(const struct paging *p, word *root, u64 va, unsigned level)
{
    word *table = root;
    for (unsigned l = p->levels - 1;; l--) {
        word *entry = &table[va >> (12 + l * p->bits) & ((1u << p->bits) - 1)];
        if (l == level)
            return entry;
        if (!(*entry & PTE_V))
            *entry = pte(new_table(), PTE_V);
        table = (word *)(*entry >> 10 << 12);
    }
}

word *paging_new(const struct paging *p, unsigned flags)
{
    used_tables = 0;
    word *root = new_table();
    u64 step = 1ull << (12 + p->bits);
    for (u64 a = 0x80000000; a < (u64)(word)memory_end; a += step)
        *paging_entry(p, root, a, 1) = pte((void *)(word)a, flags);
    for (unsigned i = 0; i < 4096 / sizeof(word); i++)
        code_page[i] = (word)UINT64_C(0x8082808280828082);
    fence_i();
    return root;
}

word satp_of(const struct paging *p, word *root, word asid)
{
    return (word)p->mode << (RV64 ? 60 : 31) | asid << (RV64 ? 44 : 22) | (word)root >> 12;
}

void paging_on(const struct paging *p, word *root)
{
    csr_write(satp, satp_of(p, root, 0));
    sfence();
}

void paging_off(void)
{
    csr_write(satp, 0);
    sfence();
}

/* ---- Harts ----------------------------------------------------------------------------------- */

static void (*volatile hart_job)(unsigned hart);
static volatile u32 hart_wanted, hart_round, harts_done;

unsigned hart_id(void)
{
    return (unsigned)csr_read(mhartid);
}

void other_hart(unsigned hart)
{
    for (u32 seen = 0;;) {
        u32 round = __atomic_load_n(&hart_round, __ATOMIC_ACQUIRE);
        if (round == seen) {
            relax();
            continue;
        }
        seen = round;
        if (hart >= hart_wanted)
            continue;
        hart_job(hart);
        __atomic_fetch_add(&harts_done, 1, __ATOMIC_ACQ_REL);
    }
}

void on_harts(unsigned n, void (*fn)(unsigned hart))
{
    hart_job = fn;
    hart_wanted = n;
    harts_done = 0;
    __atomic_fetch_add(&hart_round, 1, __ATOMIC_ACQ_REL);
    fn(0);
    while (__atomic_load_n(&harts_done, __ATOMIC_ACQUIRE) != n - 1)
        relax();
}

u64 mtime(void)
{
    volatile u32 *t = (volatile u32 *)0x0200bff8ul;
    for (;;) {
        u32 high = t[1], low = t[0];
        if (t[1] == high)
            return (u64)high << 32 | low;
    }
}

void mtimecmp(unsigned hart, u64 value)
{
    volatile u32 *t = (volatile u32 *)(0x02004000ul + 8 * hart);
    t[1] = 0xffffffff;
    t[0] = (u32)value;
    t[1] = (u32)(value >> 32);
}

u64 random_next(u64 *state)
{
    u64 z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
