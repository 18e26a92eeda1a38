/*
 * fuzz_ring.c - any virtio card behind virtio-mmio: a hostile driver. The input sets rings up,
 * writes descriptors and indirect tables, makes them available, kicks, resets, and writes any
 * register; backends move in between.
 *
 * Variants: each card of the registry, with split and with packed rings. An honest set-up and
 * descriptors in the right place are one action each: otherwise few inputs would come that far.
 */
#include "bench.h"
#include "device/virtio/virtio.h"

enum {
    RINGS = 8, /* that actions reach; the card may have fewer */
    RING_STRIDE = 0x8000,
    RING_DESC = 0x10000, /* of ring 0, as the set-up puts them */
    RING_DRIVER = 0x4000,
    RING_DEVICE = 0x5000,
    RING_TABLE = 0x7400, /* an indirect table */
    TABLE_SIZE = 64,
    BUFFERS = 0x60000,
    DESC_INDIRECT = 4,
    DESC_AVAIL = 1 << 7,
    DESC_USED = 1 << 15,
};
enum {
    REG_QUEUE_SEL = 0x030,
    REG_QUEUE_NUM = 0x038,
    REG_QUEUE_READY = 0x044,
    REG_NOTIFY = 0x050,
    REG_ACK = 0x064,
    REG_STATUS = 0x070,
    REG_DESC = 0x080,
    REG_DRIVER = 0x090,
    REG_DEVICE = 0x0a0,
    REG_FEATURES = 0x020,
    REG_FEATURES_SEL = 0x024,
};

/* What the driver knows of its rings. */
struct ring {
    u16 size, next; /* next: split: available index; packed: position */
    bool wrap;
};

static struct fuzz_bench bench;
static bool packed;
static struct ring ring[RINGS];

/* ---- Variants -------------------------------------------------------------------------------- */

static const char *ring_variant(unsigned n)
{
    static char name[64];
    for (const struct device_type *const *t = device_type_registry; *t; t++) {
        if (!fuzz_bench_is_card(*t))
            continue;
        if (n < 2) {
            snprintf(name, sizeof(name), "%s-%s", (*t)->name, n ? "packed" : "split");
            return name;
        }
        n -= 2;
    }
    return NULL;
}

static void ring_open(const char *variant)
{
    char type[64];
    const char *dash = strrchr(variant, '-');
    packed = !strcmp(dash, "-packed");
    const char *const properties[] = {packed ? "packed=on" : "packed=off", NULL};
    snprintf(type, sizeof(type), "%.*s", (int)(dash - variant), variant);
    fuzz_bench_open(&bench, type, properties);
}

/* ---- Set-up ---------------------------------------------------------------------------------- */

static void put(u64 offset, u32 value)
{
    fuzz_bench_access(&bench, true, 0, offset, value, 4);
}

static void put_address(u64 offset, u64 value)
{
    put(offset, (u32)value);
    put(offset + 4, (u32)(value >> 32));
}

static u64 ring_base(unsigned n)
{
    return RING_DESC + (u64)n * RING_STRIDE;
}

static void set_ring(unsigned n, u16 size)
{
    ring[n] = (struct ring){.size = MIN(MAX(size, 1), VIRTIO_QUEUE_MAX), .wrap = true};
    put(REG_QUEUE_SEL, n);
    put(REG_QUEUE_NUM, size);
    put_address(REG_DESC, ring_base(n));
    put_address(REG_DRIVER, ring_base(n) + RING_DRIVER);
    put_address(REG_DEVICE, ring_base(n) + RING_DEVICE);
    put(REG_QUEUE_READY, 1);
}

/* `without` are feature bits that are offered and not taken. */
static void set_up(u64 without, u16 size)
{
    u64 features = virtio_offered((struct virtio *)bench.tested) & ~without;
    put(REG_STATUS, 0);
    put(REG_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    for (u32 i = 0; i < 2; i++) {
        put(REG_FEATURES_SEL, i);
        put(REG_FEATURES, (u32)(features >> 32 * i));
    }
    put(REG_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    for (unsigned i = 0; i < RINGS; i++)
        set_ring(i, size);
    put(REG_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

/* ---- Rings ----------------------------------------------------------------------------------- */

/* One of a table of descriptors at `table`: in the packed layout the last two are id and flags. */
static void put_desc(u64 table, u8 at, u64 addr, u32 len, u16 flags, u16 next)
{
    u8 bytes[16];
    store_le(bytes, addr, 8);
    store_le(bytes + 8, len, 4);
    store_le(bytes + 12, packed ? next : flags, 2);
    store_le(bytes + 14, packed ? flags : next, 2);
    fuzz_bench_fill(&bench, table + 16 * (u64)at, bytes, sizeof(bytes));
}

static void make_available_split(unsigned n, u16 head)
{
    struct ring *r = &ring[n];
    u8 bytes[2];
    store_le(bytes, head, 2);
    fuzz_bench_fill(&bench, ring_base(n) + RING_DRIVER + 4 + 2 * (u64)(r->next % r->size), bytes,
                    2);
    store_le(bytes, ++r->next, 2);
    fuzz_bench_fill(&bench, ring_base(n) + RING_DRIVER + 2, bytes, 2);
}

/* The next `count` descriptors, with the flags that they have. */
static void make_available_packed(unsigned n, unsigned count)
{
    struct ring *r = &ring[n];
    while (count--) {
        u64 at = ring_base(n) + 16 * (u64)r->next + 14;
        u8 *p = bench.h.block->host + at;
        u16 flags = (u16)load_le(p, 2) & (u16) ~(DESC_AVAIL | DESC_USED);
        store_le(p, flags | (r->wrap ? DESC_AVAIL : DESC_USED), 2);
        if (++r->next == r->size) {
            r->next = 0;
            r->wrap = !r->wrap;
        }
    }
}

static void make_available(unsigned n, u8 what)
{
    if (!ring[n].size)
        return;
    if (packed)
        make_available_packed(n, what % 4u + 1);
    else
        make_available_split(n, what);
}

/* ---- Actions --------------------------------------------------------------------------------- */

enum action {
    SET_UP,    /* u64 without, u16 size */
    DESC,      /* u8 ring, u8 at, u16 address in 16 bytes, u16 length, u8 flags, u8 next */
    DESC_ANY,  /* u32 table, u8 at, u64 address, u32 length, u16 flags, u16 next */
    TABLE,     /* as DESC, in an indirect table of the ring's */
    AVAILABLE, /* u8 ring, u8 head or count; and a kick */
    KICK,      /* u8 ring */
    MEMORY,    /* u24 address, u8 n, bytes */
    WRITE,     /* u16 offset, u32 value */
    ACCESS,    /* u8 how, u16 offset, value */
    OUTSIDE,
    TIME, /* u8 */
    TURN,
    RING,  /* u8 ring, u16 size: reset and set up again */
    FLOOD, /* u8 ring, u8 head, u16 count: available so often */
    EVENT, /* u8 ring, u16, u16: when the driver wants to hear of what was used */
    ACTIONS
};

static u64 table_base(unsigned n)
{
    return ring_base(n) + RING_TABLE;
}

static void step_desc(struct fuzz_input *in, bool table)
{
    u8 n = fuzz_u8(in) % RINGS, at = fuzz_u8(in);
    u64 addr = (u64)fuzz_u16(in) * 16;
    u32 len = fuzz_u16(in);
    u8 flags = fuzz_u8(in), next = fuzz_u8(in);
    put_desc(table ? table_base(n) : ring_base(n), table ? at % TABLE_SIZE : at, addr, len, flags,
             next);
}

static void step_desc_any(struct fuzz_input *in)
{
    u64 table = fuzz_u32(in);
    u8 at = fuzz_u8(in);
    u64 addr = fuzz_number(in, 8);
    u32 len = fuzz_u32(in);
    u16 flags = fuzz_u16(in), next = fuzz_u16(in);
    put_desc(table, at, addr, len, flags, next);
}

static void step_available(struct fuzz_input *in)
{
    u8 n = fuzz_u8(in) % RINGS;
    make_available(n, fuzz_u8(in));
    put(REG_NOTIFY, n);
}

static void step_memory(struct fuzz_input *in)
{
    size_t n;
    u32 addr = (u32)fuzz_number(in, 3);
    const u8 *bytes = fuzz_take(in, fuzz_u8(in), &n);
    fuzz_bench_fill(&bench, addr, bytes, n);
}

static void step_access(struct fuzz_input *in)
{
    u8 how = fuzz_u8(in);
    unsigned size = 1u << (how & 3);
    u16 offset = fuzz_u16(in);
    fuzz_bench_access(&bench, how & 4, 0, offset % 0x204, how & 4 ? fuzz_number(in, size) : 0,
                      size);
}

static void step_ring(struct fuzz_input *in)
{
    u8 n = fuzz_u8(in);
    put(REG_QUEUE_SEL, n % RINGS);
    put(REG_QUEUE_READY, 0);
    if (n & 0x80)
        set_ring(n % RINGS, fuzz_u16(in));
}

static void step_flood(struct fuzz_input *in)
{
    u8 n = fuzz_u8(in) % RINGS, head = fuzz_u8(in);
    for (u16 count = fuzz_u16(in) % (VIRTIO_QUEUE_MAX + 2); count; count--)
        make_available(n, head);
    put(REG_NOTIFY, n);
}

/* Split: the flags, and behind the ring the index; packed: position and flags. */
static void step_event(struct fuzz_input *in)
{
    u8 n = fuzz_u8(in) % RINGS, bytes[4];
    u64 at = ring_base(n) + RING_DRIVER;
    store_le(bytes, fuzz_number(in, 4), 4);
    fuzz_bench_fill(&bench, at, bytes, packed ? 4 : 2);
    if (!packed)
        fuzz_bench_fill(&bench, at + 4 + 2 * (u64)ring[n].size, bytes + 2, 2);
}

static void ring_step(struct fuzz_input *in)
{
    u64 a;
    switch ((enum action)(fuzz_u8(in) % ACTIONS)) {
    case SET_UP:
        a = fuzz_number(in, 8);
        set_up(a, fuzz_u16(in));
        break;
    case DESC: step_desc(in, false); break;
    case TABLE: step_desc(in, true); break;
    case DESC_ANY: step_desc_any(in); break;
    case AVAILABLE: step_available(in); break;
    case KICK: put(REG_NOTIFY, fuzz_u8(in)); break;
    case MEMORY: step_memory(in); break;
    case WRITE:
        a = fuzz_u16(in) % 0x200;
        put(a, fuzz_u32(in));
        break;
    case ACCESS: step_access(in); break;
    case OUTSIDE: fuzz_backends_step(&bench.backends, in); break;
    case TIME: fuzz_bench_pass_time(&bench, fuzz_u8(in)); break;
    case TURN: loop_turn(bench.h.loop, false); break;
    case RING: step_ring(in); break;
    case FLOOD: step_flood(in); break;
    case EVENT: step_event(in); break;
    default: break;
    }
}

static void ring_run(struct fuzz_input *in)
{
    bool check_state = fuzz_bench_begin(in);
    memset(ring, 0, sizeof(ring));
    while (in->left)
        ring_step(in);
    fuzz_bench_end(&bench, check_state);
}

/* ---- Seeds: what an honest driver does ------------------------------------------------------- */

static void seed_set_up(struct fuzz_seed *s, u64 without, u16 size)
{
    fuzz_put_begin(s);
    fuzz_put_number(s, SET_UP, 1);
    fuzz_put_number(s, without, 8);
    fuzz_put_number(s, size, 2);
}

static void seed_desc(struct fuzz_seed *s, enum action where, u8 n, u8 at, u64 addr, u16 len,
                      u8 flags, u8 next)
{
    fuzz_put_number(s, where, 1);
    fuzz_put_number(s, n, 1);
    fuzz_put_number(s, at, 1);
    fuzz_put_number(s, addr / 16, 2);
    fuzz_put_number(s, len, 2);
    fuzz_put_number(s, flags, 1);
    fuzz_put_number(s, next, 1);
}

static void seed_available(struct fuzz_seed *s, u8 n, u8 head, unsigned count)
{
    fuzz_put_number(s, AVAILABLE, 1);
    fuzz_put_number(s, n, 1);
    fuzz_put_number(s, packed ? count - 1 : head, 1);
    for (unsigned i = 0; i < 3; i++)
        fuzz_put_number(s, TURN, 1);
}

static void seed_memory(struct fuzz_seed *s, u32 addr, const u8 *bytes, u8 n)
{
    fuzz_put_number(s, MEMORY, 1);
    fuzz_put_number(s, addr, 3);
    fuzz_put_number(s, n, 1);
    fuzz_put(s, bytes, n);
}

/* Request k of ring n: 16 bytes out, a buffer out or in, a byte in; by three descriptors or an
 * indirect table. head: what the bytes out begin with. */
static void seed_request(struct fuzz_seed *s, u8 n, unsigned k, const u8 *head, bool in,
                         bool indirect)
{
    u64 buffer = BUFFERS + 0x1000 * (k % 16);
    u8 base = (u8)(k * 3);
    enum action where = indirect ? TABLE : DESC;
    u8 first = indirect ? 0 : base;
    seed_memory(s, (u32)buffer, head, 16);
    seed_desc(s, where, n, first, buffer, 16, 1, first + 1);
    seed_desc(s, where, n, first + 1, buffer + 0x100, 512, 1 | (in ? 2 : 0), first + 2);
    seed_desc(s, where, n, first + 2, buffer + 0x800, 1, 2, 0);
    if (indirect)
        seed_desc(s, DESC, n, base, table_base(n), 48, DESC_INDIRECT, 0);
    seed_available(s, n, base, indirect ? 1 : 3);
}

/* virtio-blk's types, and what looks like messages to other cards. */
static void seed_requests(struct fuzz_seed *s, bool indirect)
{
    static const u8 types[] = {0, 1, 4, 8, 11, 13, 99};
    for (u8 n = 0; n < 4; n++) {
        seed_set_up(s, 0, 64);
        for (unsigned k = 0; k < ARRAY_SIZE(types); k++) {
            u8 head[16] = {types[k], [8] = (u8)k};
            seed_request(s, n, k, head, types[k] == 0 || types[k] == 8, indirect);
        }
        fuzz_seed_end(s);
    }
}

/* Ring n gets buffers to fill, and then something comes from outside. */
static void seed_receive(struct fuzz_seed *s)
{
    for (u8 n = 0; n < 6; n += 2) {
        seed_set_up(s, 0, 16);
        for (u8 i = 0; i < 16; i++) {
            seed_desc(s, DESC, n, i, BUFFERS + 0x1000 * (u64)i, 600, 2, 0);
            seed_available(s, n, i, 1);
        }
        for (unsigned i = 0; i < 4; i++) {
            fuzz_put_number(s, OUTSIDE, 1);
            fuzz_put_frame(s, (u16)(100 + 700 * i));
            fuzz_put_number(s, OUTSIDE, 1);
            fuzz_put_input(s, 0, "hello");
            fuzz_put_number(s, TURN, 1);
        }
        fuzz_seed_end(s);
    }
}

/* Ring n sends `size` bytes that begin with these. */
static void seed_send(struct fuzz_seed *s, u8 n, u8 at, const u8 *bytes, u8 count, u16 size)
{
    u64 buffer = BUFFERS + 0x1000 * (u64)(at % 16);
    seed_memory(s, (u32)buffer, bytes, count);
    seed_desc(s, DESC, n, at, buffer, size, 0, 0);
    seed_available(s, n, at, 1);
}

/* virtio-serial: the driver makes and opens its ports, and writes to them. */
static void seed_ports(struct fuzz_seed *s)
{
    static const u8 events[] = {0, 3, 6};
    u8 at = 0;
    seed_set_up(s, 0, 32);
    for (u8 i = 0; i < 8; i++) {
        seed_desc(s, DESC, 2, i, BUFFERS + 0x10000 + 64 * (u64)i, 64, 2, 0);
        seed_available(s, 2, i, 1);
    }
    for (unsigned e = 0; e < ARRAY_SIZE(events); e++) {
        for (u8 port = 0; port < 2; port++) {
            u8 message[8] = {port, [4] = events[e], [6] = 1};
            seed_send(s, 3, at++, message, sizeof(message), sizeof(message));
        }
    }
    seed_send(s, 1, 0, (const u8 *)"text", 4, 100);
    seed_send(s, 5, 0, (const u8 *)"text", 4, 3000);
    fuzz_put_number(s, OUTSIDE, 1);
    fuzz_put_input(s, 1, "input");
    for (unsigned event = CHARDEV_OPENED; event <= CHARDEV_BREAK; event++) {
        fuzz_put_number(s, OUTSIDE, 1);
        fuzz_put_event(s, 1, event);
        fuzz_put_number(s, TURN, 1);
    }
    fuzz_seed_end(s);
}

/* virtio-blk: sectors discarded or made zero. */
static void seed_discard(struct fuzz_seed *s)
{
    seed_set_up(s, 0, 64);
    for (u8 k = 0; k < 6; k++) {
        u8 bytes[32] = {k & 1 ? 13 : 11, [16] = k, [24] = 1, [28] = k == 3};
        u64 buffer = BUFFERS + 0x1000 * (u64)k;
        seed_memory(s, (u32)buffer, bytes, sizeof(bytes));
        seed_desc(s, DESC, 0, 2 * k, buffer, 32, 1, 2 * k + 1);
        seed_desc(s, DESC, 0, 2 * k + 1, buffer + 64, 1, 2, 0);
        seed_available(s, 0, 2 * k, 2);
    }
    fuzz_seed_end(s);
}

/* More chains than a handler takes in a turn. */
static void seed_flood(struct fuzz_seed *s)
{
    for (u8 n = 0; n < 6; n++) {
        u8 head[16] = {8};
        seed_set_up(s, n & 1 ? BIT(VIRTIO_F_EVENT_IDX) : 0, VIRTIO_QUEUE_MAX);
        seed_memory(s, BUFFERS, head, sizeof(head));
        for (unsigned at = 0; at < 256; at += 2) {
            seed_desc(s, DESC, n, (u8)at, BUFFERS, 16, n ? 0 : 1, (u8)at + 1);
            seed_desc(s, DESC, n, (u8)at + 1, BUFFERS + 64, 16, 2, 0);
        }
        for (unsigned k = 0; k < 3; k++) {
            fuzz_put_number(s, FLOOD, 1);
            fuzz_put_number(s, n, 1);
            fuzz_put_number(s, packed ? 1 : 0, 1);
            fuzz_put_number(s, packed ? 64 : VIRTIO_QUEUE_MAX, 2);
            fuzz_put_number(s, EVENT, 1);
            fuzz_put_number(s, n, 1);
            fuzz_put_number(s, packed ? 3 : 0, 2);
            fuzz_put_number(s, packed ? 2 : 900, 2);
            fuzz_put_number(s, TURN, 1);
        }
        fuzz_seed_end(s);
    }
}

static void seed_write(struct fuzz_seed *s, u16 offset, u32 value)
{
    fuzz_put_number(s, WRITE, 1);
    fuzz_put_number(s, offset, 2);
    fuzz_put_number(s, value, 4);
}

/* Rings and tables where no memory is, or not all of it. */
static void seed_nowhere(struct fuzz_seed *s)
{
    static const u16 areas[] = {REG_DESC, REG_DRIVER, REG_DEVICE};
    for (unsigned i = 0; i < ARRAY_SIZE(areas); i++) {
        seed_set_up(s, 0, 16);
        fuzz_put_number(s, RING, 1);
        fuzz_put_number(s, 0, 1);
        seed_write(s, areas[i], HARNESS_RAM - 16);
        seed_write(s, areas[i] + 4, i);
        seed_write(s, REG_QUEUE_READY, 1);
        fuzz_seed_end(s);
    }
    seed_set_up(s, 0, 16);
    fuzz_put_number(s, DESC_ANY, 1);
    fuzz_put_number(s, ring_base(0), 4);
    fuzz_put_number(s, 0, 1);
    fuzz_put_number(s, UINT64_MAX - 7, 8);
    fuzz_put_number(s, 32, 4);
    fuzz_put_number(s, DESC_INDIRECT, 2);
    fuzz_put_number(s, 0, 2);
    seed_available(s, 0, 0, 1);
    fuzz_seed_end(s);
}

/* virtio-net: frames, and each command of the control queue. */
static void seed_net(struct fuzz_seed *s)
{
    static const u8 frame[26] = {[12] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8};
    seed_set_up(s, 0, 64);
    for (u8 i = 0; i < 4; i++)
        seed_send(s, 1, i, frame, sizeof(frame), 60 + 400 * i);
    for (u8 k = 0; k < 8; k++) {
        /* One address in each of two tables: ours and that of the frames. */
        u8 command[2] = {k >= 6, k >= 6 ? k - 6 : k};
        u8 data[20] = {1, 0, 0, 0, 0x52, 0x54, 0, 0, 0, 2, 1, [14] = 0x33, 0x33};
        u64 buffer = BUFFERS + 0x1000 * (u64)k;
        seed_memory(s, (u32)buffer, command, 2);
        seed_memory(s, (u32)buffer + 16, data, sizeof(data));
        seed_desc(s, DESC, 2, 3 * k, buffer, 2, 1, 3 * k + 1);
        seed_desc(s, DESC, 2, 3 * k + 1, buffer + 16, k < 6 ? 1 : k == 6 ? 20 : 6, 1, 3 * k + 2);
        seed_desc(s, DESC, 2, 3 * k + 2, buffer + 32, 1, 2, 0);
        seed_available(s, 2, 3 * k, 3);
    }
    for (u8 i = 0; i < 3; i++) {
        fuzz_put_number(s, OUTSIDE, 1);
        fuzz_put_frame_to(s, 100, i == 0 ? 0x52 : i == 1 ? 0x33 : 0xff);
        fuzz_put_number(s, TURN, 1);
    }
    fuzz_seed_end(s);
}

/* Chains of each length, a loop, and one that leaves its table. */
static void seed_chains(struct fuzz_seed *s)
{
    seed_set_up(s, 0, 256);
    for (u8 i = 0; i < 40; i++)
        seed_desc(s, DESC, 0, i, BUFFERS + 0x40 * (u64)i, 0x40, i < 20 ? 1 : 3, i + 1);
    seed_desc(s, DESC, 0, 40, BUFFERS, 4, 2, 0);
    seed_available(s, 0, 38, 3);
    seed_available(s, 0, 0, 4);
    seed_desc(s, DESC, 0, 40, BUFFERS, 4, 3, 0);
    seed_available(s, 0, 0, 4);
    fuzz_seed_end(s);
}

static void ring_seeds(struct fuzz_seed *s)
{
    seed_requests(s, false);
    seed_requests(s, true);
    seed_receive(s);
    seed_ports(s);
    seed_net(s);
    seed_chains(s);
    seed_discard(s);
    seed_flood(s);
    seed_nowhere(s);
    seed_set_up(s, BIT(VIRTIO_F_EVENT_IDX) | BIT(VIRTIO_F_INDIRECT_DESC), 8);
    fuzz_seed_end(s);
    seed_set_up(s, BIT(VIRTIO_F_RING_PACKED), 8);
    fuzz_seed_end(s);
}

const struct fuzz_target fuzz_target = {
    .variant = ring_variant, .open = ring_open, .run = ring_run, .seeds = ring_seeds};
