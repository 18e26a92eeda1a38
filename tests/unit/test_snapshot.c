/*
 * test_snapshot.c - a machine saved to a file and loaded into another one of the same process:
 * equal in memory, CPUs, devices and time; every difference of configuration and every damage of
 * the file refused; a failed save leaves the older file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "migration/snapshot.h"
#include "state/stream.h"

enum { RAM_MIB = 16 };

struct fixture {
    char folder[64], path[96], uri[104];
};

static struct machine *make(const struct machine_config *given, bool rng)
{
    struct machine_config c = given ? *given : (struct machine_config){0};
    struct loop_config loop = {.force_poll = true};
    struct option_list devices[1] = {0};
    struct err err = {0};
    c.accel = c.accel ? c.accel : "interp";
    c.arch = c.arch ? c.arch : "riscv64";
    c.bios = "none";
    c.cpus = c.cpus ? c.cpus : 2;
    c.ram_size = c.ram_size ? c.ram_size : RAM_MIB * MiB;
    c.stopped = true;
    c.board = board_find("virt", c.arch, &err);
    assert_non_null(c.board);
    if (rng) {
        assert_int_equal(
            option_parse(&devices[0], "-device", "virtio-rng-device,id=dice", "driver", &err), 0);
        c.devices = devices;
        c.device_count = 1;
    }
    struct machine *m = machine_new(&loop, &err);
    assert_non_null(m);
    int r = machine_init(m, &c, &err);
    if (r)
        fail_msg("%s", err.text);
    option_list_fini(&devices[0]);
    return m;
}

/* ---- Something to save ----------------------------------------------------------------------- */

/* Random state, where the device takes random state at all (rings must lie in memory, say). */
static bool randomise(struct device *d, struct device *twin, u64 seed)
{
    struct err err = {0};
    struct state_mem mem;
    struct state_section s;
    state_mem_init(&mem);
    state_fill_random(d->type->state, d, seed);
    struct state_writer *w = state_writer_new(&mem.io, "", &err);
    int r = state_write_object(w, "d", d->type->state, d, &err);
    if (!r)
        r = state_writer_end(w, &err);
    state_writer_free(w);
    assert_int_equal(r, 0);
    struct state_reader *reader = state_reader_new(&mem.io, &err);
    assert_int_equal(state_reader_next(reader, &s, &err), 0);
    bool good = !state_read_object(reader, d->type->state, twin, &err);
    state_reader_free(reader);
    state_mem_fini(&mem);
    device_reset(twin);
    if (!good)
        device_reset(d);
    else if (d->type->state->post_load) /* its wires are as the state says */
        assert_int_equal(d->type->state->post_load(d, d->type->state->version, &err), 0);
    return good;
}

static void randomise_devices(struct machine *m, struct machine *twin)
{
    struct device *t = twin->devices;
    unsigned done = 0, seed = 1;
    for (struct device *d = m->devices; d; d = d->next, t = t->next) {
        assert_string_equal(d->id, t->id);
        if (d->type->state)
            done += randomise(d, t, seed++);
    }
    assert_true(done >= 4); /* uart, plic, aclint, rtc */
}

static void set_slots(struct cpu *cpu, u64 seed)
{
    for (u32 i = 0; i < cpu->isa->slot_count; i++) {
        u64 v = (u64)(s32)((seed + i) * UINT64_C(0x9e3779b97f4a7c15) >> 34 << 2);
        if (i == cpu->isa->pc_slot)
            v &= BITS(30, 0);
        if (strcmp(cpu->isa->slots[i].name, "x0"))
            memcpy((u8 *)cpu + cpu->isa->slots[i].offset, &v, sizeof(v));
    }
    cpu->powered_off = seed & 1;
    cpu->halted = !(seed & 1);
}

static void fill(struct machine *m, struct machine *twin)
{
    u64 *ram = (u64 *)m->ram_block->host;
    for (u64 i = 0; i < m->ram_size / 8; i++)
        ram[i] = i / 512 % 3 ? 0 : i * UINT64_C(0x2545f4914f6cdd1d); /* two pages of three: zero */
    /* What is zero in the stream must become zero. */
    memset(twin->ram_block->host, 0x55, twin->ram_size);
    randomise_devices(m, twin);
    for (u32 i = 0; i < m->cpu_count; i++)
        set_slots(m->cpus[i], 1000 * i + 1);
    clock_set(&m->clock, UINT64_C(123456789012));
}

static void compare(struct machine *a, struct machine *b)
{
    char where[256];
    for (struct ram_block *x = a->memory.blocks; x; x = x->next)
        assert_memory_equal(x->host, ram_block_find(&b->memory, x->name)->host, x->size);
    for (u32 i = 0; i < a->cpu_count; i++) {
        if (!state_equal(a->isa->state, a->cpus[i], b->cpus[i], where, sizeof(where)))
            fail_msg("CPU %u: %s", i, where);
        assert_int_equal(a->cpus[i]->powered_off, b->cpus[i]->powered_off);
    }
    for (struct device *d = a->devices; d; d = d->next) {
        struct device *e = machine_find_device(b, d->id);
        if (d->type->state && !state_equal(d->type->state, d, e, where, sizeof(where)))
            fail_msg("%s: %s", d->id, where);
    }
    assert_int_equal(clock_now(&a->clock), clock_now(&b->clock));
}

/* ---- Folder ---------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->folder, sizeof(f->folder), "%s/guise-snapshot-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->path, sizeof(f->path), "%s/state", f->folder);
    snprintf(f->uri, sizeof(f->uri), "file:%s", f->path);
    *state = f;
    return 0;
}

static unsigned files_in(const struct fixture *f)
{
    char pattern[96];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/*", f->folder);
    unsigned n = glob(pattern, 0, NULL, &found) ? 0 : (unsigned)found.gl_pathc;
    globfree(&found);
    return n;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    rmdir(f->folder);
    free(f);
    return 0;
}

static u8 *slurp(const char *path, size_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    *size = (size_t)st.st_size;
    u8 *data = malloc(*size);
    assert_int_equal(read(fd, data, *size), *size);
    close(fd);
    return data;
}

static void spill(const char *path, const u8 *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void round_trip_on(const struct fixture *f, const char *arch, const char *saver,
                          const char *loader)
{
    struct machine_config c = {.arch = arch, .accel = saver};
    struct err err = {0};
    struct machine *a = make(&c, true);
    c.accel = loader;
    struct machine *b = make(&c, true);
    fill(a, b);
    if (snapshot_save(a, f->uri, &err))
        fail_msg("%s", err.text);
    assert_int_equal(a->state, MACHINE_POSTMIGRATE);
    assert_int_equal(files_in(f), 1);
    if (snapshot_load(b, f->uri, &err))
        fail_msg("%s", err.text);
    assert_int_equal(b->state, MACHINE_PAUSED);
    compare(a, b);
    assert_int_equal(snapshot_load(b, f->uri, &err), -EBUSY);
    machine_free(a);
    machine_free(b);
}

static void test_round_trip(void **state)
{
    round_trip_on(*state, "riscv64", "interp", "interp");
}

static void test_round_trip_32(void **state)
{
    round_trip_on(*state, "riscv32", "interp", "interp");
}

static void test_other_engine(void **state)
{
    round_trip_on(*state, "riscv64", "jit", "interp");
    round_trip_on(*state, "riscv64", "interp", "jit");
}

static void test_zero_pages_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct stat st;
    struct machine *m = make(NULL, false);
    assert_int_equal(snapshot_save(m, f->uri, &err), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_in_range(st.st_size, 1, MiB / 2);
    assert_int_equal(st.st_mode & 077, 0); /* a guest's memory is nobody else's business */
    machine_free(m);
}

/* Saved with the default; each of these is another machine, and the message says in what. */
static void test_other_machine(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct machine_config config;
        bool rng;
        const char *says;
    } others[] = {
        {{.arch = "riscv32"}, true, "architecture 'riscv64'"},
        {{.cpus = 3}, true, "2 CPUs, this machine has 3"},
        {{.ram_size = 32 * MiB}, true, "16 MiB of memory, this machine has 32 MiB"},
        {{.cpu = "max"}, true, "CPU model"},
        {{.cpus = 2}, false, "device dice (virtio-rng-device), this machine has none"},
    };
    struct err err = {0};
    struct machine *a = make(NULL, true);
    assert_int_equal(snapshot_save(a, f->uri, &err), 0);
    machine_free(a);
    for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
        struct machine *b = make(&others[i].config, others[i].rng);
        assert_int_not_equal(snapshot_load(b, f->uri, &err), 0);
        if (!strstr(err.text, others[i].says) || !strstr(err.text, f->path))
            fail_msg("'%s' does not say '%s'", err.text, others[i].says);
        assert_int_equal(b->state, MACHINE_PRELAUNCH);
        machine_free(b);
    }
}

static void test_more_devices_here(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct machine *a = make(NULL, false), *b = make(NULL, true);
    assert_int_equal(snapshot_save(a, f->uri, &err), 0);
    assert_int_equal(snapshot_load(b, f->uri, &err), -EINVAL);
    assert_non_null(strstr(err.text, "this machine has device dice"));
    machine_free(a);
    machine_free(b);
}

static void test_uris(void **state)
{
    static const char *const bad[] = {"exec:cat", "tcp:localhost:1", "file:", "x", ""};
    struct err err = {0};
    struct machine *m = make(NULL, false);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_not_equal(snapshot_check_uri(bad[i], &err), 0);
        assert_non_null(strstr(err.text, "file:PATH"));
        assert_int_not_equal(snapshot_save(m, bad[i], &err), 0);
        assert_int_not_equal(snapshot_load(m, bad[i], &err), 0);
    }
    assert_int_equal(snapshot_load(m, "file:/nowhere/at all", &err), -ENOENT);
    assert_int_equal(snapshot_save(m, "file:/nowhere/at all", &err), -ENOENT);
    assert_int_equal(snapshot_save(m, "file:/dev/null", &err), -EINVAL);
    assert_int_equal(snapshot_check_uri("file:x", NULL), 0);
    machine_free(m);
}

/* The disk is full half-way: the older file is whole, nothing else is left, the machine goes on. */
static void test_failed_save(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct rlimit old, small;
    struct machine *m = make(NULL, false);
    spill(f->path, (const u8 *)"older", 5);
    memset(m->ram_block->host, 1, 4 * MiB);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = MiB;
    setrlimit(RLIMIT_FSIZE, &small);
    int r = snapshot_save(m, f->uri, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(r, -EFBIG);
    assert_int_not_equal(m->state, MACHINE_POSTMIGRATE);
    assert_int_equal(files_in(f), 1);
    size_t size;
    u8 *data = slurp(f->path, &size);
    assert_int_equal(size, 5);
    assert_memory_equal(data, "older", 5);
    free(data);
    machine_free(m);
}

/* Cut anywhere, and any bit turned over: refused, and the machine can still be reset and freed. */
static void test_damage(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    size_t size;
    struct machine *a = make(NULL, true), *b = make(NULL, true);
    fill(a, b);
    memset(a->ram_block->host + 8192, 0, a->ram_size - 8192);
    assert_int_equal(snapshot_save(a, f->uri, &err), 0);
    u8 *data = slurp(f->path, &size);
    for (unsigned i = 0; i < 200; i++) {
        size_t at = i * size / 200;
        spill(f->path, data, at);
        assert_int_not_equal(snapshot_load(b, f->uri, &err), 0);
        data[at] ^= (u8)(1 << i % 8);
        spill(f->path, data, size);
        assert_int_not_equal(snapshot_load(b, f->uri, &err), 0);
        data[at] ^= (u8)(1 << i % 8);
        machine_reset(b);
    }
    spill(f->path, data, size);
    if (snapshot_load(b, f->uri, &err))
        fail_msg("%s", err.text);
    free(data);
    machine_free(a);
    machine_free(b);
}

/* ---- Streams that are well-formed and lie ---------------------------------------------------- */

enum lie { TWICE, NO_SUCH_CPU, NO_SUCH_DEVICE, BEYOND_RAM, NO_SUCH_RAM, STRANGER, NO_HEAD };

static int write_lie(struct state_writer *w, struct machine *m, enum lie lie, struct err *err)
{
    static const u8 bytes[4096] = {1};
    const struct state_table *t = m->isa->state;
    switch (lie) {
    case TWICE: {
        int r = state_write_object(w, "cpu/0", t, m->cpus[0], err);
        return r ? r : state_write_object(w, "cpu/0", t, m->cpus[0], err);
    }
    case NO_SUCH_CPU: return state_write_object(w, "cpu/99999999999", t, m->cpus[0], err);
    case NO_SUCH_DEVICE: return state_write_object(w, "device/x", t, m->cpus[0], err);
    case BEYOND_RAM:
        return state_write_bulk(w, "ram", m->ram_block->name, m->ram_size - 1, bytes, 4096, err);
    case NO_SUCH_RAM: return state_write_bulk(w, "ram", "x", 0, bytes, 4096, err);
    default: return state_write_object(w, "x", t, m->cpus[0], err);
    }
}

/* The honest file's first section, then the lie. */
static void copy_head(const struct fixture *f, struct state_mem *head)
{
    size_t size;
    u8 *data = slurp(f->path, &size);
    size_t info = 16 + load_le(data + 12, 4) + 4;
    size_t section = 1 + 4 + load_le(data + info + 1, 4) + 4;
    state_mem_borrow(head, data, info + section);
}

static void test_lies(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct state_mem head;
    struct machine *a = make(NULL, false);
    assert_int_equal(snapshot_save(a, f->uri, &err), 0);
    copy_head(f, &head);
    for (enum lie lie = TWICE; lie <= NO_HEAD; lie++) {
        struct machine *b = make(NULL, false);
        struct state_mem mem;
        state_mem_init(&mem);
        struct state_writer *w = state_writer_new(&mem.io, "guise", &err);
        size_t start = mem.size;
        assert_int_equal(write_lie(w, a, lie, &err), 0);
        assert_int_equal(state_writer_end(w, &err), 0);
        state_writer_free(w);
        u8 *file = malloc(head.size + mem.size);
        size_t skip = lie == NO_HEAD ? 0 : head.size;
        memcpy(file, head.data, skip);
        start = lie == NO_HEAD ? 0 : start;
        memcpy(file + skip, mem.data + start, mem.size - start);
        spill(f->path, file, skip + mem.size - start);
        err = (struct err){0};
        assert_int_not_equal(snapshot_load(b, f->uri, &err), 0);
        assert_null(strstr(err.text, "checksum"));
        free(file);
        state_mem_fini(&mem);
        machine_free(b);
    }
    free(head.data);
    machine_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_round_trip),    T(test_round_trip_32),     T(test_other_engine),
        T(test_other_machine), T(test_more_devices_here), T(test_zero_pages_are_left_out),
        T(test_uris),          T(test_failed_save),       T(test_damage),
        T(test_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
