/*
 * bench.c - a device under fuzzing (bench.h).
 */
#include "bench.h"

enum { PROPERTIES = 8, MACHINE_START_S = 1000 };
enum { REGION_STRIDE = 16 << 20 }; /* of a device with several; all are smaller */

/* What types need beyond their defaults. %u: 0 for the tested one, 1 for its twin. */
struct needs {
    const char *type;
    const char *properties[PROPERTIES];
    const char *ports[FUZZ_LINES]; /* types of what is plugged into it */
    bool load_changes;             /* the twin's outside differs, and its state shows it */
};

static const struct needs needs[] = {
    {"arm-gicv3", {"num-cpu=2", "num-irq=100", "has-lpi=on"}},
    {"arm_gic",
     {"num-cpu=2", "num-irq=100", "has-security-extensions=on",
      "has-virtualization-extensions=on"}},
    {"cfi.pflash01", {"num-blocks=4", "sector-length=16384", "drive=disk%u"}},
    {"gpex-pcihost", {"buses=2", "below-4g-mmio-size=1M", "above-4g-mmio-size=1M"}},
    /* An alarm whose high half is moved into the past after it was set goes off by the load. */
    {"goldfish_rtc", .load_changes = true},
    {"pl011", {"chardev=line%u-0"}},
    {"riscv.aclint.mtimer", {"num-harts=4"}},
    {"riscv.aclint.swi", {"num-harts=4"}},
    {"riscv.sifive.plic", {"contexts=4"}},
    {"serial-mm", {"chardev=line%u-0"}},
    {"virtio-blk-device", {"drive=disk%u", "num-queues=2"}},
    {"virtio-net-device", {"netdev=wire%u", "mac=52:54:00:00:00:01"}},
    {"virtio-rng-device", {"max-bytes=0x10000", "period=1000"}},
    {"virtio-serial-device", {"max_ports=3"}, {"virtconsole", "virtserialport"}},
    {"virtconsole", {"chardev=line%u-0"}},
    {"virtserialport", {"chardev=line%u-1", "name=org.fuzz.0"}, .load_changes = true},
};

static const struct needs *needs_of(const char *type)
{
    static const struct needs nothing;
    for (unsigned i = 0; i < ARRAY_SIZE(needs); i++) {
        if (!strcmp(needs[i].type, type))
            return &needs[i];
    }
    return &nothing;
}

bool fuzz_bench_is_placed(const struct device_type *t)
{
    return !t->bus && t->mmio_count;
}

bool fuzz_bench_is_card(const struct device_type *t)
{
    return t->bus && !strcmp(t->bus, "virtio");
}

/* ---- Making ---------------------------------------------------------------------------------- */

static struct device *add(struct fuzz_bench *b, const char *type, struct device *bus, unsigned n,
                          const char *const *more)
{
    const char *list[2 * PROPERTIES + 1];
    char text[PROPERTIES][64];
    unsigned count = 0;
    const struct needs *has = needs_of(type);
    for (unsigned i = 0; i < PROPERTIES && has->properties[i]; i++) {
        const char *u = strstr(has->properties[i], "%u");
        int head = u ? (int)(u - has->properties[i]) : (int)strlen(has->properties[i]);
        snprintf(text[i], sizeof(text[i]), "%.*s", head, has->properties[i]);
        if (u)
            snprintf(text[i] + head, sizeof(text[i]) - (size_t)head, "%u%s", n, u + 2);
        list[count++] = text[i];
    }
    while (more && *more && count < 2 * PROPERTIES)
        list[count++] = *more++;
    list[count] = NULL;
    return harness_add(&b->h, type, bus, list);
}

static struct device *add_all(struct fuzz_bench *b, const char *type, unsigned n,
                              const char *const *more)
{
    struct err err = {0};
    const struct device_type *t = device_type_find(type, &err);
    fuzz_must(t);
    struct device *bus = fuzz_bench_is_card(t) ? add(b, "virtio-mmio", NULL, n, NULL) : NULL;
    struct device *d = add(b, type, bus, n, more);
    for (unsigned i = 0; i < FUZZ_LINES && needs_of(type)->ports[i]; i++)
        add(b, needs_of(type)->ports[i], d, n, NULL);
    return d;
}

static u64 region_base(const struct fuzz_bench *b, unsigned region)
{
    return harness_base(&b->h, b->registers) + (u64)region * REGION_STRIDE;
}

void fuzz_bench_open(struct fuzz_bench *b, const char *type, const char *const *properties)
{
    harness_open(&b->h);
    fuzz_backends_open(&b->backends, &b->h, 0);
    fuzz_backends_open(&b->twins, &b->h, 1);
    b->tested = add_all(b, type, 0, properties);
    b->registers = b->tested->bus ? b->tested->bus : b->tested;
    b->half = b->h.devices;
    for (unsigned i = 1; i < b->registers->type->mmio_count; i++)
        mem_map(&b->h.memory, &b->h.root, region_base(b, i), device_mmio(b->registers, i), 0);
    add_all(b, type, 1, properties);
    fuzz_must(b->h.devices == 2 * b->half);
    fuzz_bench_end(b, true);
}

/* ---- End of an input ------------------------------------------------------------------------- */

static void copy_states(struct fuzz_bench *b)
{
    for (unsigned i = 0; i < b->half; i++) {
        struct device *d = b->h.device[i], *twin = b->h.device[b->half + i];
        struct err err = {0};
        char where[256];
        if (!d->type->state)
            continue;
        fuzz_ok(harness_copy_state(d, twin, &err), &err);
        if (!needs_of(d->type->name)->load_changes &&
            !state_equal(d->type->state, d, twin, where, sizeof(where))) {
            fprintf(stderr, "%s: a loaded state differs: %s\n", d->type->name, where);
            abort();
        }
    }
}

static void settle(struct fuzz_bench *b)
{
    do
        harness_turn(&b->h);
    while (b->backends.disk->block.in_flight || b->twins.disk->block.in_flight);
    harness_turn(&b->h);
}

void fuzz_bench_end(struct fuzz_bench *b, bool check_state)
{
    struct harness *h = &b->h;
    unsigned used = check_state ? h->devices : b->half;
    if (check_state)
        copy_states(b);
    for (unsigned i = 0; i < used; i++)
        device_reset(h->device[i]);
    settle(b);
    for (struct ram_block *r = h->memory.blocks; r; r = r->next)
        memset(r->host, 0, r->size);
    fuzz_backends_reset(&b->backends);
    fuzz_backends_reset(&b->twins);
    h->now = MACHINE_START_S * NS_PER_SECOND;
    clock_set(&h->clock, h->now);
    clock_set(&h->rtc, h->now);
    for (unsigned i = 0; i < used; i++)
        device_reset(h->device[i]);
    memset(h->level, 0, sizeof(h->level));
    h->requested = -1;
}

/* ---- Actions --------------------------------------------------------------------------------- */

void fuzz_bench_access(struct fuzz_bench *b, bool write, unsigned region, u64 offset, u64 value,
                       unsigned size)
{
    u64 addr = region_base(b, region) + offset;
    enum mem_result r = write ? mem_write(&b->h.space, addr, value, size)
                              : mem_read(&b->h.space, addr, &value, size);
    (void)r; /* refusals are the guest's to handle */
}

void fuzz_bench_fill(struct fuzz_bench *b, u64 addr, const u8 *bytes, size_t n)
{
    addr %= HARNESS_RAM;
    n = MIN(n, HARNESS_RAM - addr);
    if (n)
        memcpy(b->h.block->host + addr, bytes, n);
}

void fuzz_bench_pass_time(struct fuzz_bench *b, u8 log2_ns)
{
    harness_advance(&b->h, UINT64_C(1) << log2_ns % 48);
}
