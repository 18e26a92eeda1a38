/*
 * rings.c - one hart drives every virtio card wrong: before set-up, with impossible queues and
 * rings, descriptors that loop or point nowhere, requests without sense; and resets cards with
 * requests in flight.
 *
 * A card that met a chain which cannot be walked says NEEDS_RESET; a reset makes it as new.
 */
#include "hostile.h"

const char test_name[] = "rings";

#define HEAD     (ARENA + 0x8000) /* a request's header */
#define STIMULUS (ARENA + 0x9000)
#define TABLE    (ARENA + 0xa000) /* an indirect table */
#define DATA     (ARENA + 0x10000)
enum outcome { NO_VARIANT, STOPS, EITHER }; /* of a queue that the card takes chains from at once */

static const u64 nowhere[] = {
    0,
    8,
    ROM,
    0x100000,
    RTC,
    CLINT,
    PLIC,
    UART,
    SLOT(0),
    SLOT(0) + 0x50,
    SLOT(3) + 0x70,
    FW_CFG,
    FW_CFG + 16,
    FLASH + FLASH_SIZE - 16,
    FLASH + 2 * FLASH_SIZE - 16,
    FLASH + 2 * FLASH_SIZE,
    0x30000000,
    0x40000000,
    RAM_BASE - 16,
    RAM_END - 16,
    RAM_END,
    0xfffffff0,
    0x100000000,
    0x400000000,
    0x7ffffffffffffff0,
    0x8000000083000000,
    0xff00000000000000,
    0xfffffffffffffff0,
    ~0ull,
};

/* ---- Chains ---------------------------------------------------------------------------------- */

/* Each writes a chain; `n` chooses a variant. */
typedef enum outcome attack_fn(struct ring *r, unsigned n);

/* In a packed ring NEXT goes on to the next descriptor: a loop is a chain longer than the queue. */
static enum outcome loops(struct ring *r, unsigned n)
{
    static const u16 targets[] = {0, 1, 2, 15};
    if (n == COUNT(targets))
        return NO_VARIANT;
    for (unsigned i = 0; i < r->size; i++) {
        u16 next = i == targets[n] ? 0 : (u16)(i + 1);
        desc_write(r, r->desc, i, HEAD, 1, D_NEXT, next % r->size);
    }
    return STOPS;
}

static enum outcome leaves_table(struct ring *r, unsigned n)
{
    static const u16 targets[] = {16, 17, 255, 0x7fff, 0x8000, 0xffff};
    if (n == COUNT(targets) || r->packed)
        return NO_VARIANT;
    desc_write(r, r->desc, 0, HEAD, 16, D_NEXT, targets[n]);
    return STOPS;
}

static enum outcome table_address(struct ring *r, unsigned n)
{
    if (n == COUNT(nowhere))
        return NO_VARIANT;
    ring_desc(r, nowhere[n], 64, D_INDIRECT);
    int flash =
        nowhere[n] == FLASH + FLASH_SIZE - 16; /* goes on in the second one: empty descriptors */
    return flash ? EITHER : STOPS;
}

static enum outcome table_length(struct ring *r, unsigned n)
{
    static const u32 lengths[] = {0,          1,          15,         17,         16 * 1025,
                                  16 * 65536, 0x7ffffff0, 0x80000000, 0xfffffff0, 0xffffffff};
    if (n == COUNT(lengths))
        return NO_VARIANT;
    ring_desc(r, TABLE, lengths[n], D_INDIRECT);
    return STOPS;
}

static enum outcome table_loops(struct ring *r, unsigned n)
{
    if (n == 3 || (r->packed && n != 2))
        return NO_VARIANT;
    for (unsigned i = 0; i < 4; i++)
        desc_write(r, TABLE, i, HEAD, 4, n == 2 ? D_INDIRECT : D_NEXT,
                   n == 1   ? 4
                   : i == 3 ? 0
                            : (u16)(i + 1));
    ring_desc(r, TABLE, 64, D_INDIRECT);
    return STOPS;
}

static enum outcome data_address(struct ring *r, unsigned n)
{
    if (n == 2 * COUNT(nowhere))
        return NO_VARIANT;
    u64 at = nowhere[n / 2];
    /* ROM and flash can be read from; every other place ends in, or is, what is no memory. */
    int rom = at == ROM || at == 0x1008 || (at >= FLASH && at < FLASH + 2 * FLASH_SIZE);
    ring_desc(r, at, 64, n & 1 || rom ? D_WRITE : 0);
    return STOPS;
}

static enum outcome directions(struct ring *r, unsigned n)
{
    if (n == 2)
        return NO_VARIANT;
    ring_desc(r, DATA, 512, D_WRITE | D_NEXT);
    if (n)
        ring_desc(r, HEAD, 1, D_WRITE | D_NEXT);
    ring_desc(r, HEAD, 16, 0);
    return STOPS;
}

/* Lengths that are true, of much memory, again and again. */
static enum outcome much_memory(struct ring *r, unsigned n)
{
    if (n == 4)
        return NO_VARIANT;
    for (unsigned i = 0; i < 14; i++)
        ring_desc(r, ARENA, (u32)(RAM_END - ARENA), (n & 1 ? D_WRITE : 0) | D_NEXT);
    ring_desc(r, ARENA, n & 2 ? 0xffffffff : 1, n & 1 ? D_WRITE : 0);
    return EITHER;
}

static enum outcome no_bytes(struct ring *r, unsigned n)
{
    if (n == 3)
        return NO_VARIANT;
    if (n)
        ring_desc(r, HEAD, 0, (n == 2 ? D_WRITE : 0) | D_NEXT);
    ring_desc(r, 0, 0, n == 2 ? D_WRITE : 0);
    return EITHER;
}

/* Packed: descriptors that say to be available and to be used, ids from nowhere; split: heads and
 * indices. */
static enum outcome index_jumps(struct ring *r, unsigned n)
{
    static const u16 heads[] = {16, 0x7fff, 0xffff}, indices[] = {17, 0x8000, 0xffff};
    if (n == COUNT(heads) + COUNT(indices))
        return NO_VARIANT;
    ring_desc(r, HEAD, 16, 0);
    if (r->packed) {
        mmio16(r->desc + 12) = heads[n % COUNT(heads)];
    } else if (n < COUNT(heads)) {
        mmio16(r->driver + 4) = heads[n];
        mmio16(r->driver + 2) = r->avail = 1;
    } else {
        mmio16(r->driver + 2) = r->avail = indices[n - COUNT(heads)];
    }
    return EITHER;
}

static attack_fn *const attacks[] = {loops,       leaves_table, table_address, table_length,
                                     table_loops, data_address, directions,    much_memory,
                                     no_bytes,    index_jumps};

/* Queues for what comes from outside: the card takes a chain when it is given a reason, on another
 * queue. */
struct stimulus {
    u8 kind, queue, other;
    u8 bytes[54];
    u32 length;
};
static const struct stimulus stimuli[] = {
    /* A header of 12 bytes; who has 10.0.2.2? tell 10.0.2.15 */
    {NET,
     0,
     1,
     {0,    0,    0, 0, 0,  0, 0, 0,  0, 0, 0, 0, 255, 255, 255, 255, 255,  255,
      0x52, 0x54, 0, 1, 2,  3, 8, 6,  0, 1, 8, 0, 6,   4,   0,   1,   0x52, 0x54,
      0,    1,    2, 3, 10, 0, 2, 15, 0, 0, 0, 0, 0,   0,   10,  0,   2,    2},
     54},
    {CONSOLE, 2, 3, {0, 0, 0, 0, 0, 0, 1, 0}, 8}, /* the driver is ready: to hear of the ports */
};

static const struct stimulus *stimulus_of(unsigned slot, unsigned queue)
{
    u32 kind = get(slot, DEVICE_ID);
    for (unsigned i = 0; i < COUNT(stimuli); i++) {
        if (stimuli[i].kind == kind && stimuli[i].queue == queue)
            return &stimuli[i];
    }
    return 0;
}

/* The other queue has that to send. */
static struct ring stimulate(unsigned slot, const struct stimulus *s, int packed)
{
    struct ring r = ring_at(slot, s->other, packed, ARENA + 0x4000);
    for (unsigned i = 0; i < s->length; i++)
        mmio8(STIMULUS + i) = s->bytes[i];
    ring_set(&r);
    ring_desc(&r, STIMULUS, s->length, 0);
    ring_publish(&r);
    return r;
}

/* What the card does not wait with for somebody else. */
static int takes_at_once(unsigned slot, unsigned queue)
{
    switch (get(slot, DEVICE_ID)) {
    case CONSOLE: return queue != 0 && queue != 4; /* nobody types */
    default: return 1;
    }
}

static unsigned queues_of(unsigned slot)
{
    unsigned n = 0;
    for (; n < 6; n++) {
        put(slot, QUEUE_SEL, n);
        if (!get(slot, QUEUE_MAX))
            break;
    }
    return n;
}

static void attack_queue(unsigned slot, unsigned queue, int packed)
{
    for (unsigned a = 0; a < COUNT(attacks); a++) {
        for (unsigned n = 0;; n++) {
            struct ring r = ring_start(slot, queue, packed, ARENA);
            enum outcome outcome = attacks[a](&r, n);
            if (outcome == NO_VARIANT)
                break;
            if (!r.avail) /* else it is said already */
                ring_publish(&r);
            ring_kick(&r);
            const struct stimulus *s = stimulus_of(slot, queue);
            if (s) {
                struct ring other = stimulate(slot, s, packed);
                ring_kick(&other);
            }
            int stops = outcome == STOPS && takes_at_once(slot, queue);
            ring_wait(&r, stops ? 30000000 : 50);
            if (stops && !card_broken(slot)) {
                check_at((int)a, "NEEDS_RESET", 0, 1);
                check_at((int)n, "  of card, queue", slot << 4 | queue, ~0u);
            }
            ring_kick(&r); /* a card that has stopped hears nothing */
        }
    }
    card_reset(slot);
}

/* ---- Set-up ---------------------------------------------------------------------------------- */

static void bad_areas(unsigned slot, int packed)
{
    static const unsigned regs[] = {DESC, DRIVER_AREA, DEVICE_AREA};
    for (unsigned area = 0; area < COUNT(regs); area++) {
        for (unsigned i = 0; i < COUNT(nowhere); i++) {
            card_negotiate(slot, packed ? 0 : F_PACKED);
            struct ring r = ring_at(slot, 0, packed, ARENA);
            *(area == 0 ? &r.desc : area == 1 ? &r.driver : &r.device) = nowhere[i];
            ring_set(&r);
            card_go(slot);
            ring_kick(&r);
            int memory = nowhere[i] >= FLASH &&
                         nowhere[i] < FLASH + 2 * FLASH_SIZE;        /* flash: to read only */
            int tail = nowhere[i] == RAM_END - 16 && packed && area; /* four bytes fit */
            int rom = nowhere[i] == ROM || nowhere[i] == 0x1008;
            put(slot, QUEUE_SEL, 0);
            if (!memory && !rom && !tail)
                CHECK(get(slot, QUEUE_READY), 0);
        }
    }
}

static void bad_sizes(unsigned slot, int packed)
{
    static const u32 sizes[] = {0,     3,     7,       1023,       1025,      32768,
                                65535, 65536, 0x10010, 0x80000000, 0xffffffff};
    for (unsigned i = 0; i < COUNT(sizes); i++) {
        card_negotiate(slot, packed ? 0 : F_PACKED);
        struct ring r = ring_at(slot, 0, packed, ARENA);
        r.size = sizes[i];
        ring_set(&r);
        card_go(slot);
        ring_kick(&r);
        put(slot, QUEUE_SEL, 0);
        if (!sizes[i] || sizes[i] > 1024)
            CHECK(card_broken(slot), 1);
        else if (!packed)
            CHECK(get(slot, QUEUE_READY), 0);
    }
}

/* The rings lie on each other: what the card writes into one it may read from another. */
static void overlapping(unsigned slot, int packed)
{
    for (unsigned way = 0; way < 4; way++) {
        card_negotiate(slot, packed ? 0 : F_PACKED);
        struct ring r = ring_at(slot, 0, packed, ARENA);
        r.driver = way & 1 ? r.desc : r.desc + 0x1000;
        r.device = way & 2 ? r.desc : r.driver;
        ring_set(&r);
        card_go(slot);
        ring_desc(&r, HEAD, 16, D_NEXT);
        ring_desc(&r, way & 1 ? r.desc : DATA, 512, D_WRITE);
        ring_publish(&r);
        for (unsigned i = 0; i < 20; i++) {
            ring_kick(&r);
            pause_us(5);
        }
        /* And a request that writes the rings themselves. */
        ring_desc(&r, r.desc, 0x3000, D_WRITE);
        ring_publish(&r);
        ring_kick(&r);
        ring_wait(&r, 100);
    }
}

static void wrong_order(unsigned slot)
{
    card_reset(slot);
    for (unsigned q = 0; q < 70; q++)
        put(slot, NOTIFY, q);
    put(slot, NOTIFY, 0xffffffff);
    put(slot, QUEUE_READY, 1); /* nothing is negotiated */
    CHECK(get(slot, QUEUE_READY), 0);
    put(slot, STATUS, ST_ACK | ST_DRIVER | ST_DRIVER_OK); /* without features */
    put(slot, QUEUE_READY, 1);
    CHECK(get(slot, QUEUE_READY), 0);
    put(slot, NOTIFY, 0);
    card_reset(slot);
    put(slot, DRIVER_SEL, 1); /* what nobody offered */
    put(slot, DRIVER_FEATURES, ~0u);
    put(slot, STATUS, ST_ACK | ST_DRIVER | ST_FEATURES_OK);
    CHECK(get(slot, STATUS) & ST_FEATURES_OK, 0);
    put(slot, STATUS, 0xff);
    put(slot, QUEUE_SEL, 0xffffffff);
    CHECK(get(slot, QUEUE_MAX), 0);
    put(slot, QUEUE_READY, 1);
    put(slot, QUEUE_RESET, 1);
    card_reset(slot);
    /* A ring that changes while it is in use does not. */
    struct ring r = ring_start(slot, 0, 0, ARENA);
    put(slot, QUEUE_NUM, 1);
    put64(slot, DESC, 0);
    put64(slot, DEVICE_AREA, ~0ull);
    put(slot, DRIVER_SEL, 1);
    put(slot, DRIVER_FEATURES, ~0u);
    ring_kick(&r);
    CHECK(get(slot, STATUS) & (ST_FEATURES_OK | ST_NEEDS_RESET), ST_FEATURES_OK);
    card_reset(slot);
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* Well-formed chains of which the content is nonsense, several at once. */
static void nonsense(unsigned slot, unsigned queue, int packed, u64 *seed)
{
    static const u32 lengths[] = {1,   2,   4,   8,    15,    16,    17,    32,     33,
                                  511, 512, 513, 4096, 65536, 65549, 70000, 1 << 20};
    static const u8 types[] = {0, 1, 2, 3, 4, 8, 11, 13, 255};
    struct ring r = ring_start(slot, queue, packed, ARENA);
    for (unsigned chain = 0; chain < 4; chain++) {
        u64 z = random_next(seed), head = HEAD + 32 * chain;
        mmio64(head) = z & 1 ? types[z >> 8 & 7] : z;
        mmio64(head + 8) = z & 2 ? z >> 16 & 0x3fff : random_next(seed);
        mmio64(head + 16) = z & 4 ? z >> 20 & 0x3fff : random_next(seed);
        mmio64(head + 24) = z & 8 ? z >> 30 & 0x3ff : random_next(seed);
        ring_desc(&r, head, lengths[z >> 40 & 7], z & 16 ? D_NEXT : 0);
        if (z & 16)
            ring_desc(&r, DATA, lengths[(z >> 48) % COUNT(lengths)],
                      (z & 32 ? D_WRITE : 0) | (z & 64 ? D_NEXT : 0));
        if ((z & 80) == 80)
            ring_desc(&r, DATA, lengths[(z >> 56) % COUNT(lengths)], D_WRITE);
        ring_publish(&r);
    }
    ring_kick(&r);
    const struct stimulus *s = stimulus_of(slot, queue);
    if (s) {
        struct ring other = stimulate(slot, s, packed);
        ring_kick(&other);
    }
    ring_wait(&r, takes_at_once(slot, queue) ? 300 : 30);
}

/* ---- Resets ---------------------------------------------------------------------------------- */

/* After the reset the buffers are ours again: nothing comes late. */
static void reset_in_flight(unsigned slot, int packed, unsigned way)
{
    enum { REQUESTS = 5, BYTES = 65536 };
    struct ring r = ring_start(slot, 0, packed, ARENA);
    for (unsigned i = 0; i < REQUESTS; i++) {
        u64 head = HEAD + 32 * i;
        mmio64(head) = 0;
        mmio64(head + 8) = 128 * i;
        if (get(slot, DEVICE_ID) == BLOCK)
            ring_desc(&r, head, 16, D_NEXT);
        ring_desc(&r, DATA + BYTES * i, BYTES, D_WRITE | D_NEXT);
        ring_desc(&r, head + 16, 1, D_WRITE);
        ring_publish(&r);
        ring_kick(&r);
    }
    if (way & 4)
        pause_us(way * 7);
    put(slot, QUEUE_SEL, 0);
    switch (way & 3) {
    case 0: put(slot, STATUS, 0); break;
    case 1: put(slot, QUEUE_READY, 0); break;
    case 2: put(slot, QUEUE_RESET, 1); break;
    case 3: put(slot, QUEUE_READY, 0), put(slot, STATUS, 0), put(slot, STATUS, ST_ACK); break;
    }
    CHECK(get(slot, QUEUE_READY), 0);
    for (u64 at = DATA; at < DATA + REQUESTS * BYTES; at += 256)
        mmio64(at) = 0x1122334455667788;
    pause_us(way == 7 ? 3000 : 100);
    unsigned late = 0;
    for (u64 at = DATA; at < DATA + REQUESTS * BYTES; at += 256)
        late += mmio64(at) != 0x1122334455667788;
    CHECK(late, 0);
    card_reset(slot);
}

static void all_cards(void)
{
    u64 seed = 0x677569736521;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        int kind = (int)get(slot, DEVICE_ID);
        if (!kind) {
            for (unsigned reg = 0; reg < 0x200; reg += 4)
                put(slot, reg, ~0u);
            continue;
        }
        wrong_order(slot);
        for (int packed = 0; packed < 2; packed++) {
            bad_areas(slot, packed);
            bad_sizes(slot, packed);
            overlapping(slot, packed);
            for (unsigned q = 0; q < queues_of(slot); q++) {
                attack_queue(slot, q, packed);
                for (unsigned i = 0; i < 60; i++)
                    nonsense(slot, q, packed, &seed);
            }
            for (unsigned way = 0; way < 8 && (kind == BLOCK || kind == RNG); way++)
                reset_in_flight(slot, packed, way);
            check_card(slot, packed);
        }
    }
    check_machine();
}

void test_run(void)
{
    machine_hook = survive;
    alone(all_cards);
    CHECK(survived[0], 0);
}
