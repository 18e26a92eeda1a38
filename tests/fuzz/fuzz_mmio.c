/*
 * fuzz_mmio.c - any device with registers: reads and writes of any offset, size and value, wires,
 * memory, bytes and frames from outside, and time, in any order.
 *
 * A variant for each type of the registry that is placed by its registers: a new device is fuzzed
 * by being there.
 */
#include "bench.h"

enum action { READ, WRITE, AGAIN, MEMORY, OUTSIDE, TIME, TURN, WIRE, ACTIONS };

static struct fuzz_bench bench;

static const char *mmio_variant(unsigned n)
{
    for (const struct device_type *const *t = device_type_registry; *t; t++) {
        if (fuzz_bench_is_placed(*t) && !n--)
            return (*t)->name;
    }
    return NULL;
}

static void mmio_open(const char *variant)
{
    fuzz_bench_open(&bench, variant, NULL);
}

/* Where an access goes: the region, where there are several, and the offset; regions of up to 64
 * KiB take two bytes. */
struct place {
    unsigned region;
    u64 offset;
};

static unsigned regions(void)
{
    return bench.registers->type->mmio_count;
}

static u64 region_size(unsigned region)
{
    return device_mmio(bench.registers, region)->size;
}

static unsigned offset_bytes(unsigned region)
{
    return region_size(region) > 64 * KiB ? 4 : 2;
}

static struct place take_place(struct fuzz_input *in)
{
    struct place p = {.region = regions() > 1 ? fuzz_u8(in) % regions() : 0};
    p.offset = fuzz_number(in, offset_bytes(p.region)) % region_size(p.region);
    return p;
}

static void put_place(struct fuzz_seed *s, unsigned region, u64 offset)
{
    if (regions() > 1)
        fuzz_put_number(s, region, 1);
    fuzz_put_number(s, offset, offset_bytes(region));
}

static void access_once(struct fuzz_input *in, bool write, unsigned size)
{
    struct place p = take_place(in);
    u64 value = write ? fuzz_number(in, size) : 0;
    fuzz_bench_access(&bench, write, p.region, p.offset, value, size);
}

/* The same access many times: buffers fill, queues run over. */
static void access_again(struct fuzz_input *in, unsigned size)
{
    u8 times = fuzz_u8(in);
    struct place p = take_place(in);
    u64 value = fuzz_number(in, size);
    for (unsigned i = 0; i < times % 64u; i++)
        fuzz_bench_access(&bench, times & 64, p.region, p.offset, value, size);
}

static void fill_memory(struct fuzz_input *in)
{
    size_t n;
    u32 addr = fuzz_number(in, 3);
    const u8 *bytes = fuzz_take(in, fuzz_u8(in), &n);
    fuzz_bench_fill(&bench, addr, bytes, n);
}

static void set_wire(struct fuzz_input *in)
{
    u16 n = fuzz_u16(in);
    u32 count = bench.tested->type->input_count;
    if (count)
        irq_set(device_input(bench.tested, n / 2 % count), n & 1);
}

static void mmio_step(struct fuzz_input *in)
{
    u8 what = fuzz_u8(in);
    unsigned size = 1u << (what >> 4 & 3);
    switch ((enum action)(what % 16 % ACTIONS)) {
    case READ: access_once(in, false, size); break;
    case WRITE: access_once(in, true, size); break;
    case AGAIN: access_again(in, size); break;
    case MEMORY: fill_memory(in); break;
    case OUTSIDE: fuzz_backends_step(&bench.backends, in); break;
    case TIME: fuzz_bench_pass_time(&bench, fuzz_u8(in)); break;
    case TURN: harness_turn(&bench.h); break;
    case WIRE: set_wire(in); break;
    default: break;
    }
}

static void mmio_run(struct fuzz_input *in)
{
    bool check_state = fuzz_bench_begin(in);
    while (in->left)
        mmio_step(in);
    fuzz_bench_end(&bench, check_state);
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

static void put_access(struct fuzz_seed *s, enum action action, unsigned region, u64 offset,
                       u64 value, unsigned log2_size)
{
    fuzz_put_number(s, action | log2_size << 4, 1);
    put_place(s, region, offset);
    if (action == WRITE)
        fuzz_put_number(s, value, 1u << log2_size);
}

/* Each of the first words, in words of each size, is written and read. */
static void seed_sweeps(struct fuzz_seed *s, unsigned region)
{
    for (unsigned log2_size = 0; log2_size < 4; log2_size++) {
        unsigned step = 1u << log2_size;
        fuzz_put_begin(s);
        for (u64 at = 0; at < MIN(region_size(region), step * 64u); at += step) {
            put_access(s, WRITE, region, at, 0x0101010101010101 * (at / step), log2_size);
            put_access(s, READ, region, at, 0, log2_size);
        }
        fuzz_put_number(s, TIME, 1);
        fuzz_put_number(s, 30, 1);
        fuzz_seed_end(s);
    }
}

/* Far registers: the first and the last word of each power of two. */
static void seed_far(struct fuzz_seed *s, unsigned region)
{
    u64 size = region_size(region);
    fuzz_put_begin(s);
    for (u64 at = 64; at < size; at *= 2) {
        put_access(s, WRITE, region, at, 1, 2);
        put_access(s, READ, region, at, 0, 2);
        put_access(s, WRITE, region, at - 4, UINT32_MAX, 2);
        put_access(s, READ, region, at - 4, 0, 2);
    }
    put_access(s, READ, region, size - 4, 0, 2);
    fuzz_seed_end(s);
}

static void seed_outside(struct fuzz_seed *s)
{
    fuzz_put_begin(s);
    for (unsigned i = 1; i < 64; i++) {
        fuzz_put_number(s, WIRE, 1);
        fuzz_put_number(s, 2 * i + 1, 2);
        fuzz_put_number(s, OUTSIDE, 1);
        fuzz_put_input(s, 0, "abc");
        put_access(s, READ, 0, 0, 0, 0);
    }
    fuzz_seed_end(s);
}

static void put_memory(struct fuzz_seed *s, u32 addr, const u8 *bytes, u8 n)
{
    fuzz_put_number(s, MEMORY, 1);
    fuzz_put_number(s, addr, 3);
    fuzz_put_number(s, n, 1);
    fuzz_put(s, bytes, n);
}

/* fw_cfg: {control, length, address} by DMA, for a few controls. */
static void seed_dma(struct fuzz_seed *s)
{
    u8 block[16];
    fuzz_put_begin(s);
    for (u32 control = 0; control < 32; control++) {
        store_be(block, 0x19u << 16 | control, 4);
        store_be(block + 4, 100, 4);
        store_be(block + 8, 0x2000, 8);
        put_memory(s, 0x1000, block, sizeof(block));
        put_access(s, WRITE, 0, 16, bswap_size(0x1000, 8), 3);
    }
    fuzz_seed_end(s);
}

/* Flash commands, each with its second cycle. */
static void seed_flash(struct fuzz_seed *s)
{
    static const u8 commands[][3] = {
        {0x40, 0x55},       {0x10, 0xaa}, {0x20, 0xd0}, {0x60, 0xd0}, {0x70}, {0x90},
        {0xe8, 0x01, 0x12}, {0xd0},       {0x98},       {0x50},       {0xff}};
    fuzz_put_begin(s);
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        for (unsigned k = 0; k < 3; k++)
            put_access(s, WRITE, 0, 0x40, commands[i][k] * 0x00010001u, 2);
        put_access(s, READ, 0, 0x40, 0, 2);
        fuzz_put_number(s, TURN, 1);
    }
    fuzz_seed_end(s);
}

static void put_wire(struct fuzz_seed *s, unsigned n, bool level)
{
    fuzz_put_number(s, WIRE, 1);
    fuzz_put_number(s, 2 * n + level, 2);
}

/* GICv2: interrupts of two kinds, from wires and from the other CPU, are taken and ended. */
static void seed_gic(struct fuzz_seed *s)
{
    static const u32 setup[][3] = {
        /* region (distributor of CPU 0, its interface, those of CPU 1), offset, value */
        {0, 0x104, UINT32_MAX}, {0, 0x420, 0x20406080},
        {0, 0x820, 0x03030303}, {0, 0xc08, 0x00aa00aa},
        {0, 0x084, 0x0c},       {0, 0, 3},
        {1, 4, 0xff},           {1, 0, 0x20f},
        {3, 4, 0xff},           {3, 0, 0x13}};
    fuzz_put_begin(s);
    for (unsigned i = 0; i < ARRAY_SIZE(setup); i++)
        put_access(s, WRITE, setup[i][0], setup[i][1], setup[i][2], 2);
    for (unsigned i = 0; i < 4; i++) {
        put_wire(s, i, true);
        put_access(s, WRITE, 2 * (i & 1), 0xf00, 0x03 << 16 | i, 2);
        for (unsigned face = 1; face < 4; face += 2)
            put_access(s, READ, face, i & 1 ? 0x20 : 0x0c, 0, 2);
    }
    for (unsigned i = 0; i < 8; i++) {
        u32 id = i < 4 ? 32 + i : i - 4;
        put_wire(s, i, false);
        put_access(s, WRITE, 1, i & 1 ? 0x24 : 0x10, id, 2);
        put_access(s, WRITE, 1, 0x1000, id, 2);
        put_access(s, WRITE, 3, 0x10, id, 2);
    }
    fuzz_seed_end(s);
}

/* PL011: what is sent comes back, more than fits, and the time-out passes. */
static void seed_loop_back(struct fuzz_seed *s)
{
    fuzz_put_begin(s);
    put_access(s, WRITE, 0, 0x2c, 0x70, 2);
    put_access(s, WRITE, 0, 0x30, 0x381, 2);
    put_access(s, WRITE, 0, 0x38, 0x7ff, 2);
    for (unsigned i = 0; i < 40; i++)
        put_access(s, WRITE, 0, 0, i, 0);
    fuzz_put_number(s, TIME, 1);
    fuzz_put_number(s, 30, 1);
    for (unsigned i = 0; i < 34; i++)
        put_access(s, READ, 0, 0, 0, 2);
    put_access(s, WRITE, 0, 0x44, 0x7ff, 2);
    fuzz_seed_end(s);
}

/* PL061: edges and levels of lines in both directions. */
static void seed_lines(struct fuzz_seed *s)
{
    static const u32 setup[][2] = {{0x404, 0x0f}, {0x408, 0x30}, {0x40c, 0x55}, {0x410, 0xff}};
    fuzz_put_begin(s);
    for (unsigned i = 0; i < ARRAY_SIZE(setup); i++)
        put_access(s, WRITE, 0, setup[i][0], setup[i][1], 2);
    for (unsigned i = 0; i < 16; i++)
        put_wire(s, i % 8, i < 8);
    put_access(s, WRITE, 0, 0x400, 0xf0, 2);
    put_access(s, WRITE, 0, 0x3fc, 0xa5, 2);
    put_access(s, READ, 0, 0x3fc, 0, 2);
    put_access(s, WRITE, 0, 0x41c, 0xff, 2);
    fuzz_seed_end(s);
}

/* Sequences that only their device understands do no harm to the others. */
static void mmio_seeds(struct fuzz_seed *s)
{
    for (unsigned i = 0; i < MIN(regions(), 2u); i++) {
        seed_sweeps(s, i);
        seed_far(s, i);
    }
    seed_outside(s);
    seed_dma(s);
    seed_flash(s);
    seed_loop_back(s);
    seed_lines(s);
    if (regions() >= 4)
        seed_gic(s);
}

const struct fuzz_target fuzz_target = {
    .variant = mmio_variant, .open = mmio_open, .run = mmio_run, .seeds = mmio_seeds};
