/*
 * mmio.c - every offset of every register window (the PLIC's: of its registers) in every size:
 * read, written, fetched, swapped, reserved, zeroed; over the windows' edges; and fw_cfg's DMA at
 * itself, at nothing, without end. First one hart everywhere, then all at once.
 *
 * No byte of what is written is 0x80 to 0x83, and no register holds an address before: nothing here
 * can make a card take the program for its rings. The finisher is not told its words, for they are
 * obeyed.
 */
#include "hostile.h"

const char test_name[] = "mmio";

struct window {
    u64 base, size;
};
static const struct window small[] = {
    {0x100000 - 8, 0x1010},
    {RTC - 8, 0x1010},
    {UART - 8, 0x110},
    {FW_CFG - 8, 0x30},
    {SSWI - 8, 0x110},
    {CLINT - 8, 0x110},
    {CLINT + 0x3ff8, 0x110},
    {CLINT + 0xbfe0, 0x40},
    {CLINT + 0xfff0, 0x20},
    {PLIC - 8, 0x190},
    {PLIC + 0x1000 - 8, 0x20},
    {PLIC + 0x2000 - 8, 0x8a0},
    {PLIC + 0x200000 - 8, 0x20},
    {PLIC + 0x207000, 0x10},
    {PLIC + 0x20f000, 0x10},
    {PLIC + 0x210000, 0x10},
    {PLIC + 0x600000 - 8, 0x10},
    {SLOT(0) - 8, 0x210},
    {SLOT(1), 0x200},
    {SLOT(2), 0x200},
    {SLOT(3), 0x200},
    {SLOT(4), 0x200},
    {SLOT(5), 0x200},
    {SLOT(6), 0x200},
    {SLOT(7), 0x210},
    {SLOT(8) - 8, 0x10},
    {ROM - 8, 0x80},
    {0x10000 - 8, 0x10},
    {FLASH - 8, 0x40},
    {FLASH + FLASH_SIZE - 8, 0x20},
    {FLASH + 2 * FLASH_SIZE - 8, 0x10},
    {0x4000000, 0x10},
    {0x30000000, 0x10},
    {0x40000000, 0x10},
    {0x400000000, 0x10},
    {0x7ffffff8, 8},
    {RAM_END, 0x10},
    {0x100000000 - 8, 0x10},
    {0, 0x10},
    {~0ull - 16, 17},
    {1ull << 56, 0x10},
};
static const struct window large[] = {
    {ROM, 0xf000},    {RTC, 0x1000},         {CLINT, 0x10000}, {SSWI, 0x4000},
    {PLIC, 0x600000}, {UART, 0x9000},        {FW_CFG, 0x1000}, {FLASH, 2 * FLASH_SIZE},
    {0, 0x80000000},  {RAM_END, 0x80000000},
};
/* The windows whose registers are few: each offset in each size once. */
static const struct window sparse[] = {
    {CLINT, 0x10000}, {SSWI, 0x4000}, {PLIC, 0x4000}, {SLOT(0), 0x8000}};
static const u64 values[] = {0, ~0ull, 0x0102030405060708, 0x5a5a5a5a5a5a5a5a};

/* ---- Accesses -------------------------------------------------------------------------------- */

static void read_at(u64 a, unsigned size)
{
    switch (size) {
    case 1: (void)mmio8(a); break;
    case 2: (void)mmio16(a); break;
    case 4: (void)mmio32(a); break;
    default: (void)mmio64(a); break;
    }
}

static void write_at(u64 a, unsigned size, u64 v)
{
    switch (size) {
    case 1: mmio8(a) = (u8)v; break;
    case 2: mmio16(a) = (u16)v; break;
    case 4: mmio32(a) = (u32)v; break;
    default: mmio64(a) = v; break;
    }
}

/* Everything else that reaches memory. */
static void odd_accesses(u64 a, u64 v)
{
    u64 x;
    double f;
    __asm__ volatile("amoswap.d %0, %1, (%2)" : "=r"(x) : "r"(v), "r"(a) : "memory");
    __asm__ volatile("amomaxu.w %0, %1, (%2)" : "=r"(x) : "r"(v), "r"(a) : "memory");
    __asm__ volatile("lr.d %0, (%1)" : "=r"(x) : "r"(a) : "memory");
    __asm__ volatile("sc.d %0, %1, (%2)" : "=r"(x) : "r"(v), "r"(a) : "memory");
    __asm__ volatile("sc.w %0, %1, (%2)" : "=r"(x) : "r"(v), "r"(a) : "memory");
    __asm__ volatile("fld %0, (%1); fsd %0, (%1)" : "=f"(f) : "r"(a) : "memory");
    __asm__ volatile("cbo.zero (%0)" ::"r"(a) : "memory");
    __asm__ volatile("cbo.flush (%0)" ::"r"(a) : "memory");
    __asm__ volatile(
        "csrsi vcsr, 0; .option push; .option arch, +v; vsetivli zero, 4, e32, m1, ta, ma;"
        "vle32.v v1, (%0); vse32.v v1, (%0); .option pop" ::"r"(a)
        : "memory");
}

/* The finisher's words in a value written there, whatever the offset: none of `values` has them. */
static void sweep(const struct window *w, u64 step, u64 from)
{
    for (u64 i = 0; i < w->size; i += step) {
        u64 a = w->base + (i + from) % w->size;
        for (unsigned size = 1; size <= 8; size *= 2) {
            read_at(a, size);
            for (unsigned v = 0; v < COUNT(values); v++)
                write_at(a, size, values[v]);
            read_at(a, size);
        }
    }
}

static void sweep_once(const struct window *w)
{
    for (u64 i = 0; i < w->size; i++) {
        for (unsigned size = 1; size <= 8; size *= 2) {
            read_at(w->base + i, size);
            write_at(w->base + i, size, values[i % COUNT(values)]);
        }
    }
}

static void fetches(const struct window *w)
{
    if (w->base + 8 == ROM) /* that is code, which starts us again */
        return;
    for (u64 i = 0; i < w->size; i += w->size < 64 ? 2 : w->size / 32 & ~1ull)
        ((void (*)(void))(w->base + i))();
}

static void sample(u64 *seed, unsigned count)
{
    while (count--) {
        u64 z = random_next(seed);
        const struct window *w = &large[z % COUNT(large)];
        u64 a = w->base + (z >> 16) % w->size;
        read_at(a, 1u << (z >> 8 & 3));
        if (a - 0x100000 >= 0x1000) /* the finisher */
            write_at(a, 1u << (z >> 10 & 3), values[z >> 12 & 3]);
        read_at(a, 1u << (z >> 14 & 3));
    }
}

/* ---- fw_cfg ---------------------------------------------------------------------------------- */

static u64 swap64(u64 v)
{
    __asm__("rev8 %0, %0" : "+r"(v));
    return v;
}

static u32 swap32(u32 v)
{
    return (u32)(swap64(v) >> 32);
}

static void dma(u64 block, u32 control, u32 length, u64 address)
{
    if (block >= ARENA && block + 16 <= RAM_END) {
        mmio32(block) = swap32(control);
        mmio32(block + 4) = swap32(length);
        mmio64(block + 8) = swap64(address);
    }
    if (length & 1) {
        mmio64(FW_CFG + 16) = swap64(block);
    } else {
        mmio32(FW_CFG + 16) = swap32((u32)(block >> 32));
        mmio32(FW_CFG + 20) = swap32((u32)block);
    }
}

static void attack_fw_cfg(unsigned hart)
{
    static const u64 targets[] = {0,
                                  ROM,
                                  FW_CFG,
                                  FW_CFG + 16,
                                  SLOT(0),
                                  FLASH,
                                  RAM_END - 1,
                                  RAM_END - 4096,
                                  RAM_END,
                                  0x100000000,
                                  ~0ull,
                                  ~0ull - 3,
                                  0x8000000083000000};
    static const u32 lengths[] = {0, 1, 15, 16, 4095, 4096, 0x7fffffff, 0xfffffffe, 0xffffffff};
    const u64 block = RAM_END - 0x10000 + 64 * hart;
    for (unsigned t = 0; t < COUNT(targets); t++) {
        for (unsigned l = 0; l < COUNT(lengths); l++) {
            for (u32 control = 0; control < 32; control += control == 31 ? 1 : 3)
                dma(block, control | (l * 0x4f1du) << 16, lengths[l], targets[t]);
        }
        dma(targets[t], 2, 16, block);
    }
    dma(block, 2, 64, block); /* over itself */
    dma(block, 2, 0xffffffff, block - 8);
    dma(block, 0x0019000a, 0xffffffff, RAM_END - 0x8000);
    if (hart)
        return;
    dma(block, 0x0000000a, 4, block + 16); /* select 0, read: the signature */
    CHECK(mmio32(block), 0);
    CHECK(mmio32(block + 16), 0x554d4551);
    dma(block, 2, 4, FW_CFG);
    CHECK(mmio32(block), swap32(1));
    dma(block, 0x00000012, 4, ARENA);
    CHECK(mmio32(block), 0);
    dma(block, 16, 4, ARENA);
    CHECK(mmio32(block), swap32(1));
}

/* ---- All together ---------------------------------------------------------------------------- */

static void everywhere(unsigned hart)
{
    u64 seed = hart + 1;
    for (unsigned i = 0; i < COUNT(small); i++) {
        const struct window *w = &small[(i + 5 * hart) % COUNT(small)];
        sweep(w, 11, hart);
        odd_accesses(w->base + 8, values[i % COUNT(values)]);
        odd_accesses(w->base + w->size - 8, values[i % COUNT(values)]);
        fetches(w);
    }
    attack_fw_cfg(hart);
    sample(&seed, 4000);
    csr_write(mie, 0);
}

static void by_one(void)
{
    u64 seed = 0x6d6d696f;
    for (unsigned i = 0; i < COUNT(small); i++)
        sweep(&small[i], 1, 0);
    for (unsigned i = 0; i < COUNT(sparse); i++)
        sweep_once(&sparse[i]);
    for (unsigned i = 0; i < COUNT(small); i++) {
        odd_accesses(small[i].base, values[i % COUNT(values)]);
        odd_accesses(small[i].base + small[i].size / 2, values[i % COUNT(values)]);
        fetches(&small[i]);
    }
    sample(&seed, 100000);
    attack_fw_cfg(0);
}

void test_run(void)
{
    u64 rom[8];
    machine_hook = survive;
    csr_set(mstatus, 3 << 9); /* VS */
    for (unsigned i = 0; i < COUNT(rom); i++)
        rom[i] = mmio64(ROM + 8 * i);
    alone(by_one);
    on_harts(HARTS, everywhere);
    for (unsigned i = 0; i < COUNT(rom); i++)
        CHECK(mmio64(ROM + 8 * i), rom[i]);
    CHECK(survived[0] > 1000, 1);
    CHECK(survived[7] > 100, 1);
    alone(check_machine);
}
