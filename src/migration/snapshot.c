/*
 * snapshot.c - a whole machine to and from a file.
 *
 * Sections, by owner:
 *   machine      snapshot_head.h: comes first
 *   ram          the memories' bytes; what is not there is zero
 *   cpu/N        "cpu", the head every CPU has, and the architecture's table
 *   device/ID    the device's table
 *
 * CPUs are stopped and disks drained before the first byte, all on the loop's thread: nothing else
 * touches what is saved, and no lock is needed. The clock is set before the rest is loaded, since
 * post_load of devices and CPUs sets timers; they drive their wires too, and the other end has or
 * gets the same level from its own table: nothing is due that has not been seen (timers_settle).
 */
#include "migration/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/host.h"
#include "migration/snapshot_head.h"
#include "state/stream.h"

static const struct state_table cpu_head_state = {
    .name = "cpu",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_BOOL(struct cpu, powered_off), STATE_END},
};

#define OWNER_CPU    "cpu/"
#define OWNER_DEVICE "device/"

/* ---- URIs ------------------------------------------------------------------------------------ */

static const char *file_path(const char *uri, struct err *err)
{
    static const char scheme[] = "file:";
    size_t n = sizeof(scheme) - 1;
    if (!strncmp(uri, scheme, n) && uri[n])
        return uri + n;
    err_set(err, strncmp(uri, scheme, n) ? ENOTSUP : EINVAL, "'%s': accepted is file:PATH", uri);
    return NULL;
}

int snapshot_check_uri(const char *uri, struct err *caller_err)
{
    struct err own, *err = caller_err ? caller_err : &own;
    return file_path(uri, err) ? 0 : -err->code;
}

/* ---- Saving ---------------------------------------------------------------------------------- */

/* What has never been touched is left out, unread. */
static int save_ram(struct state_writer *w, const struct ram_block *b, struct err *err)
{
    struct host_pages pages;
    u64 start, end;
    int r = 0;
    host_pages_begin(&pages, b->host, b->size);
    while (!r && host_pages_next(&pages, &start, &end))
        r = state_write_bulk(w, "ram", b->name, start, b->host + start, end - start, err);
    host_pages_end(&pages);
    return r;
}

static int save_cpus(struct state_writer *w, struct machine *m, struct err *err)
{
    int r = 0;
    for (u32 i = 0; i < m->cpu_count && !r; i++) {
        char owner[32];
        snprintf(owner, sizeof(owner), OWNER_CPU "%u", i);
        r = state_write_object(w, owner, &cpu_head_state, m->cpus[i], err);
        if (!r)
            r = state_write_object(w, owner, m->cpus[i]->isa->state, m->cpus[i], err);
    }
    return r;
}

static int save_devices(struct state_writer *w, struct machine *m, struct err *err)
{
    int r = 0;
    for (struct device *d = m->devices; d && !r; d = d->next) {
        if (!d->type->state)
            continue;
        char *owner = alloc_printf(OWNER_DEVICE "%s", d->id);
        r = state_write_object(w, owner, d->type->state, d, err);
        free(owner);
    }
    return r;
}

static int save_head(struct state_writer *w, struct machine *m, bool running, struct err *err)
{
    struct snapshot_head head;
    int r = snapshot_head_fill(&head, m, err);
    head.running = running;
    if (!r)
        r = state_write_object(w, "machine", &snapshot_head_state, &head, err);
    state_free(&snapshot_head_state, &head);
    return r;
}

static int save_sections(struct state_writer *w, struct machine *m, bool running, struct err *err)
{
    int r = save_head(w, m, running, err);
    for (struct ram_block *b = m->memory.blocks; b && !r; b = b->next)
        r = save_ram(w, b, err);
    if (!r)
        r = save_cpus(w, m, err);
    if (!r)
        r = save_devices(w, m, err);
    return r ? r : state_writer_end(w, err);
}

static int save_stream(int fd, struct machine *m, bool running, struct err *err)
{
    struct state_fd f;
    char info[256];
    snprintf(info, sizeof(info), "guise, %s, machine %s", m->arch, m->board->name);
    state_fd_init(&f, fd);
    struct state_writer *w = state_writer_new(&f.io, info, err);
    int r = w ? save_sections(w, m, running, err) : -err->code;
    state_writer_free(w);
    if (!r)
        r = state_fd_flush(&f, err);
    state_fd_fini(&f);
    if (!r && fsync(fd))
        r = err_set_errno(err, errno, "cannot write the state");
    return r;
}

/* Only a regular file can be replaced. */
static int check_target(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) || S_ISREG(st.st_mode))
        return 0;
    return err_set(err, EINVAL, "%s: it is there, and not a regular file", path);
}

/* Beside path, then in its place. */
static int save_file(const char *path, struct machine *m, bool running, struct err *err)
{
    int r = check_target(path, err);
    if (r)
        return r;
    char *temporary = alloc_printf("%s.tmp-XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        r = err_set_errno(err, errno, "%s: cannot make a file there", path);
        free(temporary);
        return r;
    }
    r = save_stream(fd, m, running, err);
    if (close(fd) && !r)
        r = err_set_errno(err, errno, "cannot write the state");
    if (!r && rename(temporary, path))
        r = err_set_errno(err, errno, "cannot put the state in place");
    if (r) {
        unlink(temporary);
        err_prefix(err, "%s", path);
    }
    free(temporary);
    return r;
}

static int check_savable(const struct machine *m, struct err *err)
{
    switch (m->state) {
    case MACHINE_PRELAUNCH:
    case MACHINE_RUNNING:
    case MACHINE_PAUSED:
    case MACHINE_POSTMIGRATE: return 0;
    default:
        return err_set(err, EINVAL, "the machine is in state %s: there is nothing to save",
                       machine_state_name(m->state));
    }
}

int snapshot_save(struct machine *m, const char *uri, struct err *caller_err)
{
    struct err own, *err = caller_err ? caller_err : &own;
    const char *path = file_path(uri, err);
    bool running = m->state == MACHINE_RUNNING;
    int r = path ? check_savable(m, err) : -err->code;
    if (r)
        return r;
    machine_stop(m, MACHINE_PAUSED);
    machine_settle(m);
    r = check_savable(m, err); /* the guest may just have powered off */
    if (r)
        return r;
    r = save_file(path, m, running, err);
    if (!r)
        machine_set_state(m, MACHINE_POSTMIGRATE);
    else if (running && machine_go(m, NULL))
        err_prefix(err, "the machine stays stopped");
    return r;
}

/* ---- Loading --------------------------------------------------------------------------------- */

struct load {
    struct machine *m;
    struct state_reader *r;
    struct snapshot_head head;
    bool *cpu_heads, *cpus, *devices; /* which have come */
};

static int load_once(bool *seen, const struct state_section *s, struct err *err)
{
    if (*seen)
        return err_set(err, EBADMSG, "the state is damaged: %s (%s) is there twice", s->owner,
                       s->name);
    *seen = true;
    return 0;
}

static int load_ram(struct load *l, const struct state_section *s, struct err *err)
{
    struct ram_block *b = strcmp(s->owner, "ram") ? NULL : ram_block_find(&l->m->memory, s->name);
    if (!b)
        return err_set(err, EINVAL, "the state has a memory %s/%s, this machine has not", s->owner,
                       s->name);
    if (s->offset > b->size || s->length > b->size - s->offset)
        return err_set(err, EBADMSG, "the state is damaged: bytes beyond the end of memory %s",
                       b->name);
    if (s->zero)
        host_discard(b->host + s->offset, s->length);
    int r = s->zero ? 0 : state_read_bulk(l->r, b->host + s->offset, err);
    memory_ram_written(b, s->offset, s->length);
    return r;
}

static int load_cpu(struct load *l, const struct state_section *s, struct err *err)
{
    char *end;
    const char *number = s->owner + strlen(OWNER_CPU);
    unsigned long n = strtoul(number, &end, 10);
    if (!*number || *end || n >= l->m->cpu_count)
        return err_set(err, EINVAL, "the state has %s, this machine has %u CPUs", s->owner,
                       l->m->cpu_count);
    struct cpu *cpu = l->m->cpus[n];
    bool is_head = !strcmp(s->name, cpu_head_state.name);
    int r = load_once(is_head ? &l->cpu_heads[n] : &l->cpus[n], s, err);
    return r ? r : state_read_object(l->r, is_head ? &cpu_head_state : cpu->isa->state, cpu, err);
}

static int load_device(struct load *l, const struct state_section *s, struct err *err)
{
    const char *id = s->owner + strlen(OWNER_DEVICE);
    u32 i = 0;
    struct device *d = l->m->devices;
    for (; d && strcmp(d->id, id); d = d->next)
        i++;
    if (!d || !d->type->state)
        return err_set(err, EINVAL, "the state has one of device %s, which has none here", id);
    int r = load_once(&l->devices[i], s, err);
    return r ? r : state_read_object(l->r, d->type->state, d, err);
}

static bool starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

static int load_object(struct load *l, const struct state_section *s, struct err *err)
{
    if (starts_with(s->owner, OWNER_CPU))
        return load_cpu(l, s, err);
    if (starts_with(s->owner, OWNER_DEVICE))
        return load_device(l, s, err);
    return err_set(err, EINVAL, "the state has a part '%s' (%s), which is not known here", s->owner,
                   s->name);
}

/* All that this machine has must have come. */
static int load_check_complete(const struct load *l, struct err *err)
{
    for (u32 i = 0; i < l->m->cpu_count; i++) {
        if (!l->cpu_heads[i] || !l->cpus[i])
            return err_set(err, EINVAL, "the state lacks that of CPU %u", i);
    }
    u32 i = 0;
    for (struct device *d = l->m->devices; d; d = d->next, i++) {
        if (d->type->state && !l->devices[i] && !d->type->is_newer)
            return err_set(err, EINVAL, "the state lacks that of device %s", d->id);
    }
    return 0;
}

static int load_sections(struct load *l, struct err *err)
{
    for (;;) {
        struct state_section s;
        int r = state_reader_next(l->r, &s, err);
        if (r)
            return r;
        switch (s.kind) {
        case STATE_SECTION_END: return load_check_complete(l, err);
        case STATE_SECTION_BULK: r = load_ram(l, &s, err); break;
        case STATE_SECTION_OBJECT: r = load_object(l, &s, err); break;
        }
        if (r)
            return r;
    }
}

static void clear_memory(struct machine *m)
{
    for (struct ram_block *b = m->memory.blocks; b; b = b->next) {
        host_discard(b->host, b->size);
        memory_ram_written(b, 0, b->size);
    }
}

static int load_head(struct load *l, struct err *err)
{
    struct state_section s;
    int r = state_reader_next(l->r, &s, err);
    if (!r && (s.kind != STATE_SECTION_OBJECT || strcmp(s.owner, "machine")))
        r = err_set(err, EINVAL, "this state is not one of a whole machine");
    if (!r)
        r = state_read_object(l->r, &snapshot_head_state, &l->head, err);
    return r ? r : snapshot_head_check(&l->head, l->m, err);
}

static int load_machine(struct load *l, struct err *err)
{
    struct machine *m = l->m;
    int r = load_head(l, err);
    if (r)
        return r;
    clear_memory(m);
    clock_set(&m->clock, l->head.clock);
    r = load_sections(l, err);
    for (u32 i = 0; i < m->cpu_count; i++)
        m->cpus[i]->host->engine->state_changed(m->cpus[i]);
    return r;
}

static int load_stream(int fd, struct machine *m, bool *running, struct err *err)
{
    struct state_fd f;
    struct load l = {.m = m};
    u32 devices = 0;
    for (struct device *d = m->devices; d; d = d->next)
        devices++;
    state_fd_init(&f, fd);
    l.cpu_heads = alloc_zero(m->cpu_count + 1);
    l.cpus = alloc_zero(m->cpu_count + 1);
    l.devices = alloc_zero(devices + 1);
    l.r = state_reader_new(&f.io, err);
    int r = l.r ? load_machine(&l, err) : -err->code;
    *running = l.head.running;
    state_reader_free(l.r);
    state_free(&snapshot_head_state, &l.head);
    free(l.cpu_heads);
    free(l.cpus);
    free(l.devices);
    state_fd_fini(&f);
    return r;
}

static int load_file(const char *path, struct machine *m, bool *running, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    int r = load_stream(fd, m, running, err);
    close(fd);
    return r ? err_prefix(err, "%s", path) : 0;
}

int snapshot_load(struct machine *m, const char *uri, struct err *caller_err)
{
    struct err own = {0}, *err = caller_err ? caller_err : &own;
    const char *path = file_path(uri, err);
    bool running = false;
    if (!path)
        return -err->code;
    if (m->state != MACHINE_PRELAUNCH && m->state != MACHINE_INMIGRATE)
        return err_set(err, EBUSY, "the machine is in state %s: state is loaded before it has run",
                       machine_state_name(m->state));
    int r = load_file(path, m, &running, err);
    if (r)
        return r;
    machine_set_state(m, MACHINE_PAUSED);
    return running && !m->config.stopped ? machine_go(m, err) : 0;
}
