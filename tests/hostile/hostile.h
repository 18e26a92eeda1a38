/*
 * hostile.h - what the hostile programs share: a place that devices may overwrite, traps that are
 * survived, and a virtio driver that can also do everything wrong.
 *
 * The machine is the one of tests/hostile/run: 64 MiB, 8 harts, the cards of `cards`. A program
 * attacks, then calls check_machine(): everything is reset and must work. Devices are only ever
 * pointed at ARENA (or at what is not RAM), so what they write cannot hurt the program itself.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "../isa/test.h"

#define RAM_BASE   0x80000000ul
#define RAM_END    0x84000000ul
#define WAIT_US    40000000u   /* for what must come: the machine may be busy */
#define ARENA      0x83000000ul /* up to the RAM's end */
#define RTC        0x101000ul
#define CLINT      0x2000000ul
#define SSWI       0x2f00000ul
#define PLIC       0xc000000ul
#define UART       0x10000000ul
#define FW_CFG     0x10100000ul
#define FLASH      0x20000000ul
#define FLASH_SIZE 0x2000000ul
#define ROM        0x1000ul
#define SLOT(n)    (0x10001000ul + 0x1000ul * (n))
enum { SLOTS = 8, HARTS = 8, SECTOR = 512 };
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define mmio8(a)  (*(volatile u8 *)(a))
#define mmio16(a) (*(volatile u16 *)(a))
#define mmio32(a) (*(volatile u32 *)(a))
#define mmio64(a) (*(volatile u64 *)(a))
#define fence()   __asm__ volatile("fence" ::: "memory")

/* A multiple of eight. */
static inline void clear_bytes(u64 at, u64 n)
{
    for (volatile u64 *p = (volatile u64 *)at; n; n -= 8)
        *p++ = 0;
}

static inline void pause_us(u64 us)
{
    for (u64 end = mtime() + 10 * us; mtime() < end;)
        relax();
}

/* ---- Traps ----------------------------------------------------------------------------------- */

static volatile u32 survived[HARTS];

/* The instruction is skipped; code that is not ours returns to who called it. */
static void survive(word *frame)
{
    survived[hart_id()]++;
    if (frame[0] < RAM_BASE || frame[0] >= (word)memory_end)
        frame[0] = frame[1];
    else
        frame[0] += (*(u16 *)frame[0] & 3) == 3 ? 4 : 2;
}

/* ---- Harts ----------------------------------------------------------------------------------- */

static void (*alone_fn)(void);
static volatile u32 alone_done;

static void alone_on(unsigned hart)
{
    if (!hart) {
        alone_fn();
        alone_done = 1;
        for (unsigned i = 1; i < HARTS; i++)
            MSIP(i) = 1;
        return;
    }
    csr_write(mie, 1 << 3);
    do {
        __asm__ volatile("wfi" ::: "memory");
        MSIP(hart) = 0;
    } while (!alone_done);
    csr_write(mie, 0);
}

/* fn on hart 0 while the others sleep: waiting, they would take its processor. */
static inline void alone(void (*fn)(void))
{
    alone_fn = fn;
    alone_done = 0;
    on_harts(HARTS, alone_on);
}

/* ---- Virtio: registers ----------------------------------------------------------------------- */

enum reg {
    MAGIC = 0x00,
    DEVICE_ID = 0x08,
    DEVICE_FEATURES = 0x10,
    DEVICE_SEL = 0x14,
    DRIVER_FEATURES = 0x20,
    DRIVER_SEL = 0x24,
    QUEUE_SEL = 0x30,
    QUEUE_MAX = 0x34,
    QUEUE_NUM = 0x38,
    QUEUE_READY = 0x44,
    NOTIFY = 0x50,
    IRQ_STATUS = 0x60,
    IRQ_ACK = 0x64,
    STATUS = 0x70,
    DESC = 0x80,
    DRIVER_AREA = 0x90,
    DEVICE_AREA = 0xa0,
    QUEUE_RESET = 0xc0,
    CONFIG = 0x100,
};
enum { ST_ACK = 1, ST_DRIVER = 2, ST_DRIVER_OK = 4, ST_FEATURES_OK = 8, ST_NEEDS_RESET = 0x40 };
enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4, D_AVAIL = 0x80, D_USED = 0x8000 };
enum card { NONE, NET = 1, BLOCK = 2, CONSOLE = 3, RNG = 4 };
#define F_PACKED    (1ull << 34)
#define F_EVENT_IDX (1ull << 29)

static inline u32 get(unsigned slot, unsigned reg)
{
    return mmio32(SLOT(slot) + reg);
}

static inline void put(unsigned slot, unsigned reg, u32 v)
{
    mmio32(SLOT(slot) + reg) = v;
}

static inline void put64(unsigned slot, unsigned reg, u64 v)
{
    put(slot, reg, (u32)v);
    put(slot, reg + 4, (u32)(v >> 32));
}

static inline void card_reset(unsigned slot)
{
    put(slot, STATUS, 0);
    CHECK(get(slot, STATUS), 0);
}

/* Up to FEATURES_OK with all that is offered but those in `without`. */
static inline void card_negotiate(unsigned slot, u64 without)
{
    card_reset(slot);
    put(slot, STATUS, ST_ACK | ST_DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        put(slot, DEVICE_SEL, i);
        put(slot, DRIVER_SEL, i);
        put(slot, DRIVER_FEATURES, get(slot, DEVICE_FEATURES) & ~(u32)(without >> 32 * i));
    }
    put(slot, STATUS, ST_ACK | ST_DRIVER | ST_FEATURES_OK);
    CHECK(get(slot, STATUS) & ST_FEATURES_OK, ST_FEATURES_OK);
}

static inline void card_go(unsigned slot)
{
    put(slot, STATUS, ST_ACK | ST_DRIVER | ST_FEATURES_OK | ST_DRIVER_OK);
}

/* ---- Virtio: rings --------------------------------------------------------------------------- */

/* Of the first lap after a reset: a packed descriptor is available when AVAIL is set and USED is
 * not. */
struct ring {
    unsigned slot, queue, size;
    int packed;
    u64 desc, driver, device;
    unsigned filled, first; /* descriptors written; the first of the chain that is not published */
    u16 avail;
};

static inline void ring_set(const struct ring *r)
{
    put(r->slot, QUEUE_SEL, r->queue);
    put(r->slot, QUEUE_NUM, r->size);
    put64(r->slot, DESC, r->desc);
    put64(r->slot, DRIVER_AREA, r->driver);
    put64(r->slot, DEVICE_AREA, r->device);
    put(r->slot, QUEUE_READY, 1);
}

/* An empty ring of 16 in an area of 16 KiB. */
static inline struct ring ring_at(unsigned slot, unsigned queue, int packed, u64 area)
{
    clear_bytes(area, 0x400);
    clear_bytes(area + 0x1000, 0x400);
    clear_bytes(area + 0x2000, 0x400);
    return (struct ring){.slot = slot,
                         .queue = queue,
                         .size = 16,
                         .packed = packed,
                         .desc = area,
                         .driver = area + 0x1000,
                         .device = area + 0x2000};
}

/* The negotiated card with one such ring, running. */
static inline struct ring ring_start(unsigned slot, unsigned queue, int packed, u64 area)
{
    card_negotiate(slot, packed ? F_EVENT_IDX : F_EVENT_IDX | F_PACKED);
    struct ring r = ring_at(slot, queue, packed, area);
    ring_set(&r);
    card_go(slot);
    return r;
}

/* A descriptor as it is said, in a ring or an indirect table. In a packed ring it is available,
 * unless it is the first of its chain. */
static inline void desc_write(const struct ring *r, u64 table, unsigned i, u64 addr, u32 len,
                              u16 flags, u16 next)
{
    u64 at = table + 16 * (u64)i;
    mmio64(at) = addr;
    mmio32(at + 8) = len;
    mmio16(at + (r->packed ? 12 : 14)) = next;
    fence();
    mmio16(at + (r->packed ? 14 : 12)) =
        flags | (r->packed && table == r->desc && i != r->first ? D_AVAIL : 0);
}

static inline void ring_desc(struct ring *r, u64 addr, u32 len, u16 flags)
{
    unsigned i = r->filled++;
    desc_write(r, r->desc, i, addr, len, flags, (u16)(r->packed ? i : i + 1));
}

/* The chain since the last time is the device's. */
static inline void ring_publish(struct ring *r)
{
    fence();
    if (r->packed) {
        mmio16(r->desc + 16 * (u64)r->first + 14) |= D_AVAIL;
    } else {
        mmio16(r->driver + 4 + 2 * (r->avail % r->size)) = (u16)r->first;
        fence();
        mmio16(r->driver + 2) = ++r->avail;
    }
    r->first = r->filled;
    fence();
}

static inline void ring_kick(const struct ring *r)
{
    put(r->slot, NOTIFY, r->queue);
}

/* Something has been used. */
static inline int ring_used(const struct ring *r)
{
    return r->packed ? (mmio16(r->desc + 14) & (D_AVAIL | D_USED)) == (D_AVAIL | D_USED)
                     : mmio16(r->device + 2) != 0;
}

static inline int card_broken(unsigned slot)
{
    return (get(slot, STATUS) & ST_NEEDS_RESET) != 0;
}

/* Waits for either, at most that long. */
static inline void ring_wait(const struct ring *r, u64 us)
{
    for (u64 end = mtime() + 10 * us; mtime() < end && !ring_used(r) && !card_broken(r->slot);)
        relax();
}

/* ---- Does everything work? ------------------------------------------------------------------- */

/* The first chain of a fresh ring: out and in may have no bytes. The used length. */
static inline u32 one_request(unsigned slot, unsigned queue, int packed, u64 out, u32 out_len,
                              u64 in, u32 in_len)
{
    struct ring r = ring_start(slot, queue, packed, ARENA);
    if (out_len)
        ring_desc(&r, out, out_len, in_len ? D_NEXT : 0);
    if (in_len)
        ring_desc(&r, in, in_len, D_WRITE);
    ring_publish(&r);
    ring_kick(&r);
    ring_wait(&r, WAIT_US);
    CHECK(card_broken(slot), 0);
    CHECK(ring_used(&r), 1);
    return mmio32(packed ? r.desc + 8 : r.device + 8);
}

static inline u32 block_request(unsigned slot, int packed, u32 type, u64 sector, u64 data)
{
    const u64 head = ARENA + 0x4000, status = head + 16;
    struct ring r = ring_start(slot, 0, packed, ARENA);
    mmio64(head) = type;
    mmio64(head + 8) = sector;
    mmio8(status) = 0xee;
    ring_desc(&r, head, 16, D_NEXT);
    ring_desc(&r, data, SECTOR, type ? D_NEXT : D_NEXT | D_WRITE);
    ring_desc(&r, status, 1, D_WRITE);
    ring_publish(&r);
    ring_kick(&r);
    ring_wait(&r, WAIT_US);
    CHECK(ring_used(&r), 1);
    return mmio8(status);
}

/* What tests/hostile/run has put there: each 32-bit word of the disk is its number, with the top
 * byte 0x77. */
static inline void check_pattern(u64 sector, u64 data)
{
    for (unsigned i = 0; i < SECTOR / 4; i++)
        CHECK(mmio32(data + 4 * i), 0x77000000 | (u32)(sector * (SECTOR / 4) + i));
}

static inline void check_block(unsigned slot, int packed)
{
    const u64 data = ARENA + 0x5000;
    int readonly = slot == 1;
    u64 sector = readonly ? 1000 : 7;
    if (!readonly) {
        for (unsigned i = 0; i < SECTOR / 4; i++)
            mmio32(data + 4 * i) = 0x77000000 | (u32)(sector * (SECTOR / 4) + i);
        CHECK(block_request(slot, packed, 1, sector, data), 0);
    }
    clear_bytes(data, SECTOR);
    CHECK(block_request(slot, packed, 0, sector, data), 0);
    check_pattern(sector, data);
    if (readonly) /* nothing has been written, ever */
        CHECK(block_request(slot, packed, 1, sector, data), 1);
}

static inline void check_card(unsigned slot, int packed)
{
    const u64 data = ARENA + 0x6000;
    u32 sum = 0;
    clear_bytes(data, 256);
    switch (get(slot, DEVICE_ID)) {
    case BLOCK: check_block(slot, packed); break;
    case RNG:
        CHECK(one_request(slot, 0, packed, 0, 0, data, 64), 64);
        for (unsigned i = 0; i < 64; i++)
            sum |= mmio8(data + i);
        CHECK(sum != 0, 1);
        break;
    case NET: one_request(slot, 1, packed, data, 76, 0, 0); break;
    case CONSOLE: one_request(slot, 1, packed, data, 100, 0, 0); break;
    }
    card_reset(slot);
}

static inline void uart_reset(void)
{
    mmio8(UART + 3) = 3; /* 8N1, no DLAB */
    mmio8(UART + 1) = 0;
    mmio8(UART + 2) = 7;
    mmio8(UART + 4) = 0;
}

static inline void plic_reset(void)
{
    for (u64 a = PLIC; a < PLIC + 0x180; a += 4)
        mmio32(a) = 0;
    for (unsigned context = 0; context < 2 * HARTS; context++) {
        for (unsigned i = 0; i < 3; i++)
            mmio32(PLIC + 0x2000 + 0x80 * context + 4 * i) = 0;
        mmio32(PLIC + 0x200000 + 0x1000 * context) = 0;
    }
}

static inline void check_machine(void)
{
    static const u8 kinds[SLOTS] = {BLOCK, BLOCK, NET, CONSOLE, RNG, RNG, BLOCK, NONE};
    uart_reset();
    plic_reset();
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        CHECK(get(slot, MAGIC), 0x74726976);
        CHECK(get(slot, DEVICE_ID), kinds[slot]);
        for (int packed = 0; packed < 2 && kinds[slot]; packed++)
            check_card(slot, packed);
    }
    for (u64 a = FLASH; a <= FLASH + FLASH_SIZE; a += FLASH_SIZE)
        mmio32(a) = 0x00ff00ff; /* read the array */
    mmio64(FW_CFG + 8) = 0;
    mmio16(FW_CFG + 8) = 0; /* big-endian 0: the signature */
    CHECK(mmio32(FW_CFG), 0x554d4551);
    u64 before = mtime();
    pause_us(100);
    CHECK(mtime() - before >= 1000, 1);
}

#endif
