/*
 * test_device.c - what every device in the registry must do: describe itself, be made, reset, saved
 * and restored by its table, survive accesses of every size and offset, and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "base/alloc.h"
#include "machine/machine.h"
#include "state/stream.h"

/* A machine without a board: devices stand alone in it, on a bus where they want one. */
struct bench {
    struct machine *m;
    struct mem_region ram;
    char paths[4][32];
    unsigned disk_count, device_count;
};

enum {
    DISK_SIZE = 32 << 20, /* a flash bank's: suits every device */
    DEVICE_AT = 0x10000000,
    SEEDS = 64,
};

static void bench_open(struct bench *b)
{
    struct loop_config loop = {.force_poll = true};
    struct err err = {0};
    memset(b, 0, sizeof(*b));
    b->m = machine_new(&loop, &err);
    assert_non_null(b->m);
    struct ram_block *block = ram_block_new(&b->m->memory, "ram", 1 * MiB, &err);
    assert_non_null(block);
    mem_ram(&b->ram, "ram", block, 0, 1 * MiB);
    mem_map(&b->m->memory, &b->m->root, 0, &b->ram, 0);
}

static void close_disk(void *disk)
{
    block_close(disk);
}

static const struct machine_backend_ops disk_ops = {.close = close_disk};

static void bench_close(struct bench *b)
{
    machine_free(b->m);
    for (unsigned i = 0; i < b->disk_count; i++)
        unlink(b->paths[i]);
}

/* The name of a new disk. */
static char *new_disk(struct bench *b)
{
    struct option_list list;
    struct err err = {0};
    unsigned n = b->disk_count++;
    char *path = b->paths[n], *id = alloc_printf("disk%u", n);
    snprintf(path, sizeof(b->paths[n]), "/tmp/guise-disk-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, DISK_SIZE), 0);
    close(fd);
    char *text = alloc_printf("driver=raw,id=%s,file.driver=file,file.filename=%s", id, path);
    assert_int_equal(option_parse(&list, "-blockdev", text, NULL, &err), 0);
    struct block *disk = block_open(b->m->loop, &list, &err);
    if (!disk)
        fail_msg("%s", err.text);
    assert_int_equal(machine_add_backend(b->m, "block", id, disk, &disk_ops, &err), 0);
    option_list_fini(&list);
    free(text);
    return id;
}

static bool has_option(const struct device_type *t, const char *name)
{
    struct err err = {0};
    if (t->carries && has_option(device_type_find(t->carries, &err), name))
        return true;
    for (const struct option *o = t->options; o && o->type != OPTION_TYPE_END; o++) {
        if (!strcmp(o->name, name))
            return true;
    }
    return false;
}

static struct device *add(struct bench *b, const struct device_type *t);

static struct device *add_bus(struct bench *b, const char *kind)
{
    for (unsigned i = 0; device_type_registry[i]; i++) {
        const struct device_type *t = device_type_registry[i];
        if (t->provides && !strcmp(t->provides, kind))
            return add(b, t);
    }
    fail_msg("no device provides a bus of kind %s", kind);
    return NULL;
}

/* Made with what it needs, realized, its registers at DEVICE_AT and up. */
static struct device *add(struct bench *b, const struct device_type *t)
{
    struct err err = {0};
    char id[32];
    snprintf(id, sizeof(id), "device%u", b->device_count++);
    struct device *bus = t->bus ? add_bus(b, t->bus) : NULL;
    struct device *d = machine_device(b->m, t->name, id, &err);
    assert_non_null(d);
    d->bus = bus;
    if (has_option(t, "drive")) {
        char *disk = new_disk(b);
        assert_int_equal(device_set(d, "drive", disk, &err), 0);
        free(disk);
    }
    if (machine_realize(b->m, d, &err))
        fail_msg("%s: %s", t->name, err.text);
    for (u32 i = 0; i < t->mmio_count; i++) {
        if (!device_mmio(d, i)->parent)
            machine_map(b->m, d, i, DEVICE_AT * (u64)b->device_count + i * (u64)0x1000000);
    }
    device_reset(d);
    return d;
}

/* ---- What a description must have ------------------------------------------------------------ */

static void test_descriptions(void **state)
{
    (void)state;
    assert_non_null(device_type_registry[0]);
    for (unsigned i = 0; device_type_registry[i]; i++) {
        const struct device_type *t = device_type_registry[i];
        struct err err = {0};
        assert_true(t->name && *t->name && t->help && *t->help);
        assert_true(t->size >= sizeof(struct device));
        assert_ptr_equal(device_type_find(t->name, &err), t);
        assert_true(!t->provides == !t->plug);
        assert_true(!t->fdt.node || (t->fdt.compatible && t->fdt.compatible_size > 1));
        if (t->state && state_table_check(t->state, &err))
            fail_msg("%s: %s", t->name, err.text);
    }
}

static void test_help(void **state)
{
    (void)state;
    for (unsigned i = 0; device_type_registry[i]; i++) {
        const struct device_type *t = device_type_registry[i];
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        device_type_list(NULL, f);
        device_type_help(t, f);
        fclose(f);
        assert_non_null(strstr(text, t->name));
        for (const struct option *o = t->options; o && o->type != OPTION_TYPE_END; o++)
            assert_non_null(strstr(text, o->name));
        free(text);
    }
}

static void test_unknown_device(void **state)
{
    struct err err = {0};
    (void)state;
    assert_null(device_type_find("serial-nm", &err));
    assert_non_null(strstr(err.text, "did you mean 'serial-mm'"));
}

static void test_unknown_property(void **state)
{
    struct bench b;
    struct err err = {0};
    (void)state;
    bench_open(&b);
    for (unsigned i = 0; device_type_registry[i]; i++) {
        struct device *d = machine_device(b.m, device_type_registry[i]->name, "x", &err);
        assert_non_null(d);
        assert_int_equal(device_set(d, "no-such-property", "1", &err), -ENOENT);
        device_free(d);
    }
    bench_close(&b);
}

/* ---- State ----------------------------------------------------------------------------------- */

static int save(struct state_mem *mem, struct device *d, struct err *err)
{
    state_mem_init(mem);
    struct state_writer *w = state_writer_new(&mem->io, "test", err);
    assert_non_null(w);
    int r = state_write_object(w, "device", d->type->state, d, err);
    if (!r)
        r = state_writer_end(w, err);
    state_writer_free(w);
    mem->pos = 0;
    return r;
}

static int load(struct state_mem *mem, struct device *d, struct err *err)
{
    struct state_section section;
    struct state_reader *reader = state_reader_new(&mem->io, err);
    assert_non_null(reader);
    int r = state_reader_next(reader, &section, err);
    if (!r)
        r = state_read_object(reader, d->type->state, d, err);
    state_reader_free(reader);
    return r;
}

enum trip { REFUSED, CHANGED, SAME };

/* Saves `from`, loads it into `to`, which is saved again: did all come back? where says what did
 * not. */
static enum trip trip(struct device *from, struct device *to, char *where, size_t size)
{
    struct state_mem mem;
    struct err err = {0};
    assert_int_equal(save(&mem, from, &err), 0);
    int r = load(&mem, to, &err);
    state_mem_fini(&mem);
    if (r)
        return REFUSED;
    assert_int_equal(save(&mem, to, &err), 0);
    state_mem_fini(&mem);
    return state_equal(from->type->state, from, to, where, size) ? SAME : CHANGED;
}

/*
 * Random values in any combination: what makes no sense may be refused, and what cannot last (an
 * alarm that is due) may change, but what was loaded is a state, which must come back as it is; and
 * some of the random ones must, or there is a member that is never restored.
 */
static void round_trips(const struct device_type *t)
{
    struct bench b;
    unsigned count[3] = {0};
    char where[128] = "";
    bench_open(&b);
    struct device *from = add(&b, t), *to = add(&b, t);
    assert_int_equal(trip(from, to, where, sizeof(where)), SAME); /* as reset has it */
    for (u64 seed = 1; seed <= SEEDS; seed++) {
        device_lock(from);
        state_fill_random(t->state, from, seed);
        device_unlock(from);
        enum trip first = trip(from, to, where, sizeof(where));
        count[first]++;
        device_reset(from);
        if (first != REFUSED && trip(to, from, where, sizeof(where)) != SAME)
            fail_msg("%s: %s", t->name, where);
        device_reset(from);
        device_reset(to);
    }
    if (count[REFUSED] < SEEDS && !count[SAME])
        fail_msg("%s: never comes back: %s", t->name, where);
    print_message("%s: of %u random states %u came back, %u changed, %u were refused\n", t->name,
                  SEEDS, count[SAME], count[CHANGED], count[REFUSED]);
    bench_close(&b);
}

static void test_round_trips(void **state)
{
    (void)state;
    for (unsigned i = 0; device_type_registry[i]; i++) {
        if (device_type_registry[i]->state)
            round_trips(device_type_registry[i]);
    }
}

/* ---- Any access ------------------------------------------------------------------------------ */

static u64 next_random(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void poke(struct bench *b, const struct mem_region *r, u64 offset, u64 value)
{
    u64 v;
    for (unsigned size = 1; size <= 8; size *= 2) {
        (void)!mem_write(&b->m->space, r->offset + offset, value, size);
        (void)!mem_read(&b->m->space, r->offset + offset, &v, size);
    }
}

static void poke_device(const struct device_type *t)
{
    struct bench b;
    u64 seed = 0x1234567;
    bench_open(&b);
    struct device *d = add(&b, t);
    for (u32 n = 0; n < t->mmio_count; n++) {
        const struct mem_region *r = device_mmio(d, n);
        for (u64 offset = 0; offset < MIN(r->size, 0x400); offset++)
            poke(&b, r, offset, next_random(&seed));
        for (unsigned i = 0; i < 2000; i++) {
            u64 value = next_random(&seed);
            poke(&b, r, next_random(&seed) % r->size, i % 3 ? value & 0xff : value);
        }
    }
    for (u32 n = 0; n < MIN(t->input_count, 256); n++) {
        irq_set(device_input(d, n), 1);
        irq_set(device_input(d, n), 0);
    }
    device_reset(d);
    bench_close(&b);
}

static void test_any_access(void **state)
{
    (void)state;
    for (unsigned i = 0; device_type_registry[i]; i++)
        poke_device(device_type_registry[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptions),   cmocka_unit_test(test_help),
        cmocka_unit_test(test_unknown_device), cmocka_unit_test(test_unknown_property),
        cmocka_unit_test(test_round_trips),    cmocka_unit_test(test_any_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
