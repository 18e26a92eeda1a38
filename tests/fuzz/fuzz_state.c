/*
 * fuzz_state.c - saved states that somebody has tampered with (-incoming), in a machine with one of
 * everything. Variants:
 *
 *   dump   the stream printed without a machine
 *   load   into the machine; what it accepts can be saved again
 *   run    as load, and the machine goes on for a moment
 *
 * The input is edits of a good state: sections changed, left out, doubled, moved. Lengths and
 * checksums are put right afterwards, or every edit would end there; damage of the file as such is
 * tests/unit/test_snapshot.c's.
 */
#include <sanitizer/lsan_interface.h>
#include <unistd.h>
#include <zlib.h>

#include "backend/block/block.h"
#include "fuzz.h"
#include "jit/jit.h"
#include "machine/machine.h"
#include "migration/snapshot.h"
#include "state/stream.h"

enum variant { DUMP, LOAD, RUN, VARIANTS };
static const char *const names[VARIANTS] = {"dump", "load", "run"};

enum { SECTIONS = 256, OBJECT = 1, BULK = 2, END = 3, RUN_US = 300 };

struct section {
    u8 *data; /* without length and checksum: of OBJECT what follows the length, else all but kind
               */
    size_t size;
    u8 kind;
    bool own; /* data is this input's */
};

static struct {
    enum variant variant;
    struct machine *m;
    int fd;
    char uri[40];
    u8 head[512]; /* of the file, with its checksum */
    size_t head_size;
    struct section section[SECTIONS];
    unsigned count;
    FILE *sink;
} state;

static const char *state_variant(unsigned n)
{
    return n < VARIANTS ? names[n] : NULL;
}

/* ---- Machine --------------------------------------------------------------------------------- */

static void close_disk(void *disk)
{
    block_close(disk);
}

static const struct machine_backend_ops disk_ops = {.close = close_disk};

static void add_disk(struct machine *m, struct err *err)
{
    char path[32], text[80];
    struct option_list list;
    int fd = fuzz_file("disk", path);
    fuzz_must(!ftruncate(fd, 64 * KiB));
    snprintf(text, sizeof(text), "driver=raw,id=disk,file=%s", path);
    fuzz_ok(option_parse(&list, "-drive", text, NULL, err), err);
    struct block *b = block_open(m->loop, &list, err);
    fuzz_ok(!b, err);
    option_list_fini(&list);
    fuzz_ok(machine_add_backend(m, "block", "disk", b, &disk_ops, err), err);
}

static struct machine *make_machine(void)
{
    static const char *const plugged[] = {"virtio-blk-device,id=blk,drive=disk,packed=on",
                                          "virtio-net-device,id=net", "virtio-rng-device,id=rng",
                                          "virtio-serial-device,id=serial,max_ports=3,packed=on",
                                          "virtconsole,id=port0"};
    const struct loop_config loop = {.force_poll = true, .workers = 1};
    struct option_list devices[ARRAY_SIZE(plugged)];
    struct err err = {0};
    struct machine_config c = {.arch = "riscv64",
                               .accel = "interp",
                               .bios = "none",
                               .cpus = 2,
                               .ram_size = 4 * MiB,
                               .devices = devices,
                               .device_count = ARRAY_SIZE(plugged),
                               .stopped = true};
    c.board = board_find("virt", c.arch, &err);
    struct machine *m = machine_new(&loop, &err);
    fuzz_ok(!m, &err);
    add_disk(m, &err);
    for (unsigned i = 0; i < ARRAY_SIZE(plugged); i++)
        fuzz_ok(option_parse(&devices[i], "-device", plugged[i], "driver", &err), &err);
    fuzz_ok(machine_init(m, &c, &err), &err);
    for (unsigned i = 0; i < ARRAY_SIZE(plugged); i++)
        option_list_fini(&devices[i]);
    m->config.devices = NULL;
    return m;
}

/* ---- The good state, taken apart ------------------------------------------------------------- */

/* Of a BULK section's data: two names, offset, length, zero. */
static size_t bulk_head(const u8 *p)
{
    size_t owner = 1 + (size_t)p[0];
    return owner + 1 + p[owner] + 8 + 8 + 1;
}

/* The section at p; its end, with all checksums. */
static const u8 *take_section(const u8 *p)
{
    fuzz_must(state.count < SECTIONS);
    struct section *s = &state.section[state.count++];
    const u8 *data = p + (*p == OBJECT ? 5 : 1), *end;
    size_t head = *p == OBJECT ? (size_t)load_le(p + 1, 4) : bulk_head(data), rest = 0;
    end = data + head + 4;
    if (*p == BULK && !data[head - 1]) {
        rest = (size_t)load_le(data + head - 9, 8);
        end += rest + 4;
    }
    *s = (struct section){.kind = *p, .size = head + rest, .data = malloc(head + rest)};
    fuzz_must(s->data);
    memcpy(s->data, data, head);
    memcpy(s->data + head, data + head + 4, rest);
    return end;
}

static void take_apart(const u8 *file)
{
    state.head_size = 16 + (size_t)load_le(file + 12, 4) + 4;
    fuzz_must(state.head_size <= sizeof(state.head));
    memcpy(state.head, file, state.head_size);
    for (const u8 *p = file + state.head_size; *p != END;)
        p = take_section(p);
}

static size_t file_size(int fd)
{
    return (size_t)lseek(fd, 0, SEEK_END);
}

static void state_open(const char *variant)
{
    struct err err = {0};
    char path[32], folder[] = "/tmp/guise-fuzz-state-XXXXXX", uri[64];
    while (strcmp(names[state.variant], variant))
        state.variant++;
    state.m = make_machine();
    state.fd = fuzz_file("state", path);
    snprintf(state.uri, sizeof(state.uri), "file:%s", path);
    state.sink = fopen("/dev/null", "w");
    fuzz_must(state.sink && mkdtemp(folder));
    snprintf(uri, sizeof(uri), "file:%s/state", folder);
    memset(state.m->ram_block->host + 0x1000, 0x13, 64);
    fuzz_ok(snapshot_save(state.m, uri, &err), &err);
    FILE *f = fopen(uri + strlen("file:"), "r");
    fuzz_must(f);
    size_t size = file_size(fileno(f));
    u8 *file = malloc(size);
    rewind(f);
    fuzz_must(file && fread(file, 1, size, f) == size);
    fclose(f);
    unlink(uri + strlen("file:"));
    rmdir(folder);
    take_apart(file);
    free(file);
    for (u32 i = 0; state.variant == RUN && i < state.m->cpu_count; i++) {
        /* Mapped, so that LSan does not search it, and owns memory. */
        __lsan_register_root_region(state.m->cpus[i]->engine_data, sizeof(struct jit_cpu));
        fuzz_ok(cpu_start(state.m->cpus[i], &err), &err);
    }
}

/* ---- Edits ----------------------------------------------------------------------------------- */

struct edited {
    struct section section[SECTIONS];
    unsigned count;
};

/* The section's own copy, with room for `more`. */
static void make_own(struct section *s, size_t more)
{
    u8 *copy = malloc(s->size + more + 1);
    fuzz_must(copy);
    memcpy(copy, s->data, s->size);
    if (s->own)
        free(s->data);
    s->data = copy;
    s->own = true;
}

static void overwrite(struct section *s, struct fuzz_input *in, size_t n)
{
    size_t at = fuzz_u16(in) % (s->size + 1), got;
    const u8 *p = fuzz_take(in, MIN(n, s->size - at), &got);
    make_own(s, 0);
    memcpy(s->data + at, p, got);
}

static void insert(struct section *s, struct fuzz_input *in, size_t n)
{
    size_t at = fuzz_u16(in) % (s->size + 1), got;
    const u8 *p = fuzz_take(in, n, &got);
    make_own(s, got);
    memmove(s->data + at + got, s->data + at, s->size - at);
    memcpy(s->data + at, p, got);
    s->size += got;
}

static void cut(struct section *s, struct fuzz_input *in, size_t n)
{
    size_t at = fuzz_u16(in) % (s->size + 1);
    n = MIN(n, s->size - at);
    make_own(s, 0);
    memmove(s->data + at, s->data + at + n, s->size - at - n);
    s->size -= n;
}

static void leave_out(struct edited *e, unsigned at)
{
    if (e->section[at].own)
        free(e->section[at].data);
    e->count--;
    memmove(e->section + at, e->section + at + 1, (e->count - at) * sizeof(e->section[0]));
}

static void copy_to(struct edited *e, unsigned at, unsigned to)
{
    if (e->count == SECTIONS)
        return;
    struct section s = e->section[at];
    s.own = false;
    make_own(&s, 0);
    memmove(e->section + to + 1, e->section + to, (e->count - to) * sizeof(e->section[0]));
    e->section[to] = s;
    e->count++;
}

static void edit(struct edited *e, struct fuzz_input *in)
{
    u8 what = fuzz_u8(in);
    unsigned at = fuzz_u8(in) % e->count;
    switch (what & 7) {
    case 0:
    case 1:
    case 2: overwrite(&e->section[at], in, (size_t)(what >> 3) + 1); break;
    case 3: insert(&e->section[at], in, (size_t)(what >> 3) + 1); break;
    case 4: cut(&e->section[at], in, (size_t)(what >> 3) + 1); break;
    case 5:
        if (e->count > 1)
            leave_out(e, at);
        break;
    case 6: copy_to(e, at, fuzz_u8(in) % (e->count + 1)); break;
    case 7:
        make_own(&e->section[at], 0);
        e->section[at].kind = what >> 3;
        break;
    }
}

/* ---- Put together again ---------------------------------------------------------------------- */

static void put_checked(struct state_mem *out, size_t from, struct err *err)
{
    u8 bytes[4];
    store_le(bytes, crc32_z(0, out->data + from, out->size - from), 4);
    fuzz_ok(out->io.write(&out->io, bytes, 4, err), err);
}

static void put(struct state_mem *out, const void *data, size_t size)
{
    struct err err = {0};
    fuzz_ok(out->io.write(&out->io, data, size, &err), &err);
}

static void put_section(struct state_mem *out, const struct section *s)
{
    struct err err = {0};
    size_t start = out->size, head = s->size;
    u8 bytes[4];
    put(out, &s->kind, 1);
    if (s->kind == OBJECT) {
        store_le(bytes, s->size, 4);
        put(out, bytes, 4);
    } else if (s->kind == BULK && s->size > 1 && s->size > 1 + (size_t)s->data[0] + 1) {
        head = MIN(bulk_head(s->data), s->size);
    }
    put(out, s->data, head);
    put_checked(out, start, &err);
    if (head == s->size)
        return;
    start = out->size;
    put(out, s->data + head, s->size - head);
    put_checked(out, start, &err);
}

/* all: also the sections that are as they were. */
static void put_together(struct state_mem *out, const struct edited *e, bool all)
{
    struct err err = {0};
    u8 end[5] = {END};
    u32 count = 0;
    state_mem_init(out);
    put(out, state.head, state.head_size);
    for (unsigned i = 0; i < e->count; i++) {
        if (!all && !e->section[i].own)
            continue;
        put_section(out, &e->section[i]);
        count++;
    }
    size_t start = out->size;
    store_le(end + 1, count, 4);
    put(out, end, sizeof(end));
    put_checked(out, start, &err);
}

/* ---- Looked at ------------------------------------------------------------------------------- */

static void dump(struct state_mem *file)
{
    struct err err = {0};
    file->pos = 0;
    rewind(state.sink);
    if (state_stream_dump(&file->io, state.sink, &err))
        fuzz_must(err.text[0]);
}

static void run_for_a_moment(struct machine *m)
{
    struct err err = {0};
    if (machine_go(m, &err))
        return;
    for (unsigned i = 0; i < 3; i++) {
        loop_turn(m->loop, false);
        usleep(RUN_US / 3);
    }
    machine_stop(m, MACHINE_PAUSED);
    loop_turn(m->loop, false); /* what the CPUs asked for meanwhile */
    machine_stop(m, MACHINE_PAUSED);
}

static void load(const struct state_mem *file, bool run)
{
    struct machine *m = state.m;
    struct err err = {0};
    m->state = MACHINE_PRELAUNCH;
    m->config.stopped = true;
    fuzz_file_set(state.fd, file->data, file->size);
    if (snapshot_load(m, state.uri, &err)) {
        fuzz_must(err.text[0]);
    } else {
        for (unsigned i = 0; i < 3; i++)
            loop_turn(m->loop, false);
        if (run)
            run_for_a_moment(m);
    }
    machine_drain(m);
    m->state = MACHINE_PRELAUNCH;
    machine_reset(m);
}

static void state_run(struct fuzz_input *in)
{
    struct edited e = {.count = state.count};
    struct state_mem file;
    memcpy(e.section, state.section, state.count * sizeof(e.section[0]));
    while (in->left)
        edit(&e, in);
    put_together(&file, &e, state.variant != DUMP);
    if (state.variant == DUMP)
        dump(&file);
    else
        load(&file, state.variant == RUN);
    state_mem_fini(&file);
    while (e.count)
        leave_out(&e, e.count - 1);
}

/* ---- Seeds: nothing changed, and a byte of each section changed ------------------------------ */

static void state_seeds(struct fuzz_seed *s)
{
    fuzz_seed_end(s);
    for (unsigned i = 0; i < state.count; i++) {
        size_t size = state.section[i].size;
        for (size_t at = 0; at < size; at += MAX(size / 5, 50)) {
            fuzz_put_number(s, 0, 1);
            fuzz_put_number(s, i, 1);
            fuzz_put_number(s, at, 2);
            fuzz_put_number(s, 0xff, 1);
            fuzz_seed_end(s);
        }
        fuzz_put_number(s, 5, 1);
        fuzz_put_number(s, i, 1);
        fuzz_seed_end(s);
        fuzz_put_number(s, 6, 1);
        fuzz_put_number(s, i, 1);
        fuzz_put_number(s, i, 1);
        fuzz_seed_end(s);
    }
}

const struct fuzz_target fuzz_target = {
    .variant = state_variant, .open = state_open, .run = state_run, .seeds = state_seeds};
