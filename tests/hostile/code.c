/*
 * code.c - code, stacks, vectors and page tables in places that are no memory: in registers, in
 * flash that other harts switch between array and command mode, in ROM, behind RAM's end. The
 * machine ends while seven harts are in traps without end.
 */
#include "hostile.h"

const char test_name[] = "code";

static const u64 places[] = {
    0,           0x100000,          RTC,
    CLINT,       CLINT + 0xbff8,    SSWI,
    PLIC,        PLIC + 0x200000,   UART,
    SLOT(0),     SLOT(7) + 0x100,   FW_CFG,
    FLASH,       FLASH + 0x1000,    FLASH + FLASH_SIZE,
    0x30000000,  RAM_BASE - 0x1000, RAM_END,
    0x100000000, 0xffffffff000,     0xfffffffffff000,
};

/* ---- Fetches --------------------------------------------------------------------------------- */

/* What is there may be code, of any kind but for jumps. */
static void call(u64 at)
{
    __asm__ volatile("jalr %0" ::"r"(at)
                     : "memory", "ra", "s0", "s1", "s2", "s3", "a0", "a1", "a2", "a3", "a4", "a5",
                       "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6");
}

void leave(void);
__asm__("leave: li a7, 0x7e57; ecall");

/* As survive(); where nothing can be fetched in the mode that was tried, back to who tried it. */
static void survive_mode(word *frame)
{
    word cause = csr_read(mcause);
    if ((csr_read(mstatus) & MSTATUS_MPP) == MSTATUS_MPP ||
        (cause != FETCH_ACCESS && cause != FETCH_PAGE)) {
        survive(frame);
        return;
    }
    survived[hart_id()]++;
    frame[0] = (word)leave;
    csr_set(mstatus, MSTATUS_MPP);
}

/* A page table that is nowhere, or an entry on any level that points there; every access, in S. */
static void bad_tables(void)
{
    static const struct paging *const kinds[] = {&sv39, &sv48, &sv57};
    static access_fn *const accesses[] = {do_load, do_store, do_call, do_amo, do_load8};
    for (unsigned i = 0; i < COUNT(places); i++) {
        for (unsigned k = 0; k < COUNT(kinds); k++) {
            word *root = paging_new(kinds[k], PTE_RWX);
            const u64 va = 0x40000000ull * 7;
            for (unsigned level = 0; level < kinds[k]->levels; level++) {
                for (unsigned leaf = 0; leaf < 2; leaf++) {
                    root = paging_new(kinds[k], PTE_RWX);
                    *paging_entry(kinds[k], root, va, level) =
                        pte((void *)places[i], leaf ? PTE_RWX : PTE_V);
                    paging_on(kinds[k], root);
                    for (unsigned a = 0; a < COUNT(accesses); a++)
                        try(S, accesses[a], va + 0x338);
                    paging_off();
                }
            }
            csr_write(satp, satp_of(kinds[k], (word *)places[i], 0xffff));
            sfence();
            try(S, do_load, ARENA);
            try(U, do_call, va);
            csr_write(satp, 0);
        }
    }
}

/* Entries without A and D in ROM, flash and registers: the walker may have to write them. */
static void tables_to_update(void)
{
    menvcfg_set(menvcfg_get() | ENVCFG_ADUE);
    for (unsigned i = 0; i < COUNT(places); i++) {
        word *root = paging_new(&sv39, PTE_RWX);
        *paging_entry(&sv39, root, 0x40000000ull * 9, 1) = pte((void *)places[i], PTE_V);
        paging_on(&sv39, root);
        for (u64 va = 0; va < 0x200000; va += 0x11000) {
            try(S, do_load, 0x40000000ull * 9 + va);
            try(S, do_store, 0x40000000ull * 9 + va);
        }
        paging_off();
    }
    menvcfg_set(menvcfg_get() & ~ENVCFG_ADUE);
}

static void by_one(void)
{
    for (unsigned i = 0; i < COUNT(places); i++) {
        for (unsigned offset = 0; offset < 10; offset += 2)
            call(places[i] + offset);
        call(places[i] + 0xffe); /* over a page's edge */
        try(S, do_call, places[i]);
        try(U, do_call, places[i] + 2);
    }
    call(RAM_END - 2); /* the first half of an instruction */
    bad_tables();
    tables_to_update();
}

/* ---- Flash under code ------------------------------------------------------------------------ */

/* Programs a word by the flash's commands: RET twice. */
static void flash_program(u64 at)
{
    mmio32(at) = 0x00400040;
    mmio32(at) = 0x80828082;
    mmio32(at) = 0x00ff00ff;
}

static volatile u32 flash_calls;

/* Even harts execute and read, odd ones change the mode, program, erase. */
static void flash_race(unsigned hart)
{
    static const u32 commands[] = {0x00ff00ff, 0x00900090, 0x00700070, 0x00980098, 0x00e800e8,
                                   0x00200020, 0x00d000d0, 0x00400040, 0x00500050, 0x00ff00ff};
    u64 seed = hart, block = FLASH + 0x100000;
    for (unsigned i = 0; i < (hart & 1 ? 200 : 2000); i++) {
        u64 z = random_next(&seed);
        if (!(hart & 1)) {
            call(block + 4 * (z & 15));
            __atomic_fetch_add(&flash_calls, 1, __ATOMIC_RELAXED);
            (void)mmio32(block + (z >> 8 & 0xfff));
        } else if (z & 16) {
            flash_program(block + 4 * (z >> 8 & 15));
        } else {
            mmio32(block + 4 * (z >> 16 & 15)) = commands[(z >> 8) % COUNT(commands)];
        }
    }
}

/* ---- No way out ------------------------------------------------------------------------------ */

/* The vector, or the stack of the code there, is none: each fault's handler faults. It begins with
 * an interrupt. */
static void trap_without_end(unsigned hart)
{
    static const u64 vectors[] = {0, UART,           RAM_END, (word)machine_trap,
                                  0, FLASH + 0x2000, SLOT(1), 0xfffffffffffffffc};
    if (!hart)
        return;
    csr_write(mtvec, vectors[hart]);
    csr_write(mscratch, RTC + 0x800);
    csr_write(mie, 1 << 3);
    csr_set(mstatus, MSTATUS_MIE);
}

void test_run(void)
{
    machine_hook = survive_mode;
    alone(by_one);
    machine_hook = survive;
    CHECK(survived[0] > 500, 1);
    mmio32(FLASH + 0x100000) = 0x00500050;
    on_harts(HARTS, flash_race);
    mmio32(FLASH) = 0x00500050;
    mmio32(FLASH) = 0x00ff00ff;
    CHECK(flash_calls, 8000);
    flash_program(FLASH + 0x200000);
    CHECK(mmio32(FLASH + 0x200000) & ~0x80828082, 0);
    alone(check_machine);
    on_harts(HARTS, trap_without_end);
    for (unsigned i = 1; i < HARTS; i++)
        MSIP(i) = 1;
    pause_us(50000);
}
