/*
 * fuzz_gicv3.c - a GICv3 with its ITS, connected: registers in memory and system registers, from
 * any level and Security state, wires, messages, commands, and tables that say anything.
 *
 * Variants: one Security state, two. An honest set-up of tables, and a command in the queue, are
 * one action each: otherwise few inputs would come that far.
 */
#include "fuzz.h"
#include "gicv3_driver.h"

enum action { MMIO, ITS, SYSTEM, WIRE, SET_UP, COMMAND, MESSAGE, MEMORY, TURN, ACTIONS };
enum {
    TABLE = 0x10000, /* of each kind, one after the other */
    QUEUE = 0x60000,
    QUEUE_SIZE = 4096,
    CTLR = 0,
    CBASER = 0x80,
    CWRITER = 0x88,
    BASER = 0x100,
    TRANSLATER = 0x10040,
};
#define VALID (UINT64_C(1) << 63)

static struct gic_test bench;
static struct device *twin, *twin_its;
static u64 written;

static const char *gicv3_variant(unsigned n)
{
    return n == 0 ? "one-state" : n == 1 ? "two-states" : NULL;
}

static void lower_wires(void)
{
    for (unsigned n = 0; n < GIC_SPIS + 32 * GIC_CPUS; n++)
        irq_set(device_input(bench.d, n), 0);
}

static void settle(void)
{
    lower_wires();
    device_reset(bench.d);
    device_reset(bench.its);
    harness_turn(&bench.h);
    memset(bench.h.block->host, 0, bench.h.block->size);
    written = 0;
}

static void gicv3_open(const char *variant)
{
    bool security = !strcmp(variant, "two-states");
    gic_open(&bench, security);
    twin = gic_new(&bench.h, security);
    twin_its = harness_add(&bench.h, "arm-gicv3-its", NULL, NULL);
    for (u32 i = 0; i < GIC_CPUS; i++)
        gicv3_set_affinity(twin, i, (const u64[]){0, 1, 0x100, 0x111}[i]);
    settle();
}

/* ---- Actions --------------------------------------------------------------------------------- */

static void access_at(struct fuzz_input *in, u64 addr)
{
    u8 how = fuzz_u8(in);
    unsigned size = 1u << (how & 3);
    u64 v = fuzz_number(in, 8);
    enum mem_result r = how & 4 ? mem_read(&bench.h.space, addr, &v, size)
                                : mem_write(&bench.h.space, addr, v, size);
    (void)r;
}

static void access_gic(struct fuzz_input *in)
{
    u8 where = fuzz_u8(in);
    u64 offset = fuzz_u16(in);
    bench.secure = where & 1;
    u64 redist = gic_redist_at(&bench, where >> 2 & 3, where & 16 ? SGI_BASE : 0);
    access_at(in, offset + (where & 2 ? redist : gic_dist_at(&bench, 0)));
}

static void access_its(struct fuzz_input *in)
{
    access_at(in, harness_base(&bench.h, bench.its) + fuzz_u16(in) % 0x200);
}

static void access_system(struct fuzz_input *in)
{
    u8 how = fuzz_u8(in);
    u16 name = fuzz_u16(in);
    u64 v = fuzz_number(in, 8);
    bench.cpu = how & 3;
    bench.how = (struct gicv3_access){
        .encoding = SYSREG(name >> 6 & 6, name & 64 ? 12u : 4u, 8u | (name >> 3 & 7), name & 7u),
        .el = how >> 2 & 3 ? how >> 2 & 3 : 1,
        .secure = how & 16,
        .virtual = how & 32,
        .fiq_to_el3 = how & 64,
        .has_el2 = true,
    };
    if (!(name & 64))
        bench.how.encoding = ICC_PMR;
    if (name & 0x1000)
        sys_read_result(&bench, bench.how.encoding);
    else
        sys_write_result(&bench, bench.how.encoding, v);
}

static void set_wire(struct fuzz_input *in)
{
    u16 n = fuzz_u16(in);
    irq_set(device_input(bench.d, n / 2 % (GIC_SPIS + 32 * GIC_CPUS)), n & 1);
}

static void its_put(u64 offset, u64 v)
{
    harness_write(&bench.h, bench.its, offset, v, 8);
}

/* As software does it; bits of how choose what is left out, or lies. */
static void set_up(struct fuzz_input *in)
{
    u8 how = fuzz_u8(in);
    bench.secure = true;
    dist_put(&bench, GICD_CTLR, how & 1 ? 0x47 : 7);
    for (u32 i = 0; i < GIC_CPUS; i++) {
        bench.cpu = i;
        redist_put(&bench, i, GICR_WAKER, 0);
        redist_put64(&bench, i, GICR_PROPBASER, 1 * TABLE | (how & 2 ? 13 : 15));
        redist_put64(&bench, i, GICR_PENDBASER, 2 * TABLE);
        redist_put(&bench, i, GICR_CTLR, 1);
        bench.how = (struct gicv3_access){.el = 3, .secure = true};
        sys_put(&bench, ICC_PMR, 0xf8);
        sys_put(&bench, ICC_IGRPEN1_EL3, 3);
        sys_put(&bench, ICC_IGRPEN0, 1);
    }
    its_put(CTLR, 0);
    its_put(CBASER, VALID | QUEUE);
    its_put(BASER, VALID | (how & 4 ? BIT(62) : 0) | 3 * TABLE | 0xf);
    its_put(BASER + 8, VALID | (how & 8 ? BIT(62) : 0) | 4 * TABLE);
    its_put(CTLR, 1);
    written = 0;
}

/* Small numbers, so that commands meet. */
static void put_command(struct fuzz_input *in)
{
    u8 n = fuzz_u8(in), device = fuzz_u8(in), event = fuzz_u8(in), more = fuzz_u8(in);
    u64 words[4] = {(n & 15) | (u64)(device & 7) << 32,
                    (u64)(8192 + (event & 31)) << 32 | (event & 31),
                    (more & 128 ? VALID : 0) | (more & 7), (u64)(more >> 3 & 7) << 16};
    if ((n & 15) == 8)
        words[2] = (more & 128 ? VALID : 0) | 5 * TABLE | (u64)(more & 7) << 8;
    else if (n & 64)
        words[2] |= (u64)(more >> 3 & 7) << 16;
    for (unsigned i = 0; i < 4; i++) {
        u64 flip = n & 128 ? fuzz_number(in, 8) : 0;
        store_le(bench.h.block->host + QUEUE + written + 8 * i, words[i] ^ flip, 8);
    }
    written = (written + 32) % QUEUE_SIZE;
    its_put(CWRITER, written | (n >> 5 & 1));
}

static void send_message(struct fuzz_input *in)
{
    u8 device = fuzz_u8(in), event = fuzz_u8(in);
    u64 at = harness_base(&bench.h, bench.its) + TRANSLATER;
    fuzz_must(mem_message(&bench.h.space, at, event, device) == MEM_OK);
}

static void fill_memory(struct fuzz_input *in)
{
    size_t n;
    u32 at = (u32)fuzz_number(in, 3) % HARNESS_RAM;
    const u8 *bytes = fuzz_take(in, fuzz_u8(in), &n);
    memcpy(bench.h.block->host + at, bytes, MIN(n, (size_t)HARNESS_RAM - at));
}

static void step(struct fuzz_input *in)
{
    switch ((enum action)(fuzz_u8(in) % ACTIONS)) {
    case MMIO: access_gic(in); break;
    case ITS: access_its(in); break;
    case SYSTEM: access_system(in); break;
    case WIRE: set_wire(in); break;
    case SET_UP: set_up(in); break;
    case COMMAND: put_command(in); break;
    case MESSAGE: send_message(in); break;
    case MEMORY: fill_memory(in); break;
    case TURN: harness_turn(&bench.h); break;
    default: break;
    }
}

static void check_copy(struct device *from, struct device *to)
{
    struct err err = {0};
    char where[256];
    fuzz_ok(harness_copy_state(from, to, &err), &err);
    fuzz_must(state_equal(from->type->state, from, to, where, sizeof(where)));
}

static void gicv3_run(struct fuzz_input *in)
{
    bool check = fuzz_u8(in) % 8 == 0;
    while (in->left)
        step(in);
    if (check) {
        check_copy(bench.d, twin);
        check_copy(bench.its, twin_its);
        device_reset(twin_its);
    }
    settle();
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

static void put_bytes(struct fuzz_seed *s, const u8 *bytes, size_t n)
{
    fuzz_put(s, bytes, n);
}

/* Tables, a device, collections, translations; messages; acknowledge and end. */
static void gicv3_seeds(struct fuzz_seed *s)
{
    for (u8 how = 0; how < 16; how++) {
        fuzz_put_number(s, how % 3, 1);
        put_bytes(s, (const u8[]){SET_UP, how}, 2);
        put_bytes(s, (const u8[]){COMMAND, 8, 1, 4, 128}, 5);
        for (u8 i = 0; i < 4; i++)
            put_bytes(s, (const u8[]){COMMAND, 9 | 64, 0, 0, 128 | i << 3 | i}, 5);
        for (u8 i = 0; i < 4; i++) {
            put_bytes(s, (const u8[]){COMMAND, 10, 1, i, i}, 5);
            put_bytes(s, (const u8[]){MEMORY, i, 0, 1, 1, 0x81}, 6);
        }
        for (u8 n = 0; n < 16; n++) {
            put_bytes(s, (const u8[]){COMMAND, 13, 0, 0, 0}, 5);
            put_bytes(s, (const u8[]){MESSAGE, 1, n & 3}, 3);
            put_bytes(s, (const u8[]){COMMAND, n, 1, n & 3, n}, 5);
            put_bytes(s, (const u8[]){WIRE, (u8)(2 * n + 1), 0}, 3);
            fuzz_put_number(s, SYSTEM, 1);
            fuzz_put_number(s, 4, 1);
            fuzz_put_number(s, 0x1000 | 64 | 4 << 3, 2); /* ICC_IAR1 */
            fuzz_put_number(s, 0, 8);
        }
        fuzz_seed_end(s);
    }
}

const struct fuzz_target fuzz_target = {
    .variant = gicv3_variant, .open = gicv3_open, .run = gicv3_run, .seeds = gicv3_seeds};
