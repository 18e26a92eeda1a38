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

static void mmio_seeds(struct fuzz_seed *s)
{
    for (unsigned i = 0; i < MIN(regions(), 2u); i++) {
        seed_sweeps(s, i);
        seed_far(s, i);
    }
    seed_outside(s);
    seed_dma(s);
    seed_flash(s);
}

const struct fuzz_target fuzz_target = {
    .variant = mmio_variant, .open = mmio_open, .run = mmio_run, .seeds = mmio_seeds};
