/*
 * snapshot_head.c - the first section of a snapshot: filled from a machine, compared with one.
 *
 * A difference is told as what the saved machine had and what this one has, so that the options can
 * be put right. What cannot be seen from here (a device's features) is refused by its own table.
 */
#include "migration/snapshot_head.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"

/* ---- Tables ---------------------------------------------------------------------------------- */

#define ENDED(text) (memchr(text, 0, sizeof(text)) != NULL)

static int ram_post_load(void *obj, u32 version, struct err *err)
{
    const struct snapshot_ram *r = obj;
    return ENDED(r->name) ? 0 : err_set(err, EBADMSG, "a name does not end");
}

static int device_post_load(void *obj, u32 version, struct err *err)
{
    const struct snapshot_device *d = obj;
    return ENDED(d->id) && ENDED(d->type) ? 0 : err_set(err, EBADMSG, "a name does not end");
}

static int head_post_load(void *obj, u32 version, struct err *err)
{
    const struct snapshot_head *h = obj;
    bool good = ENDED(h->arch) && ENDED(h->board) && ENDED(h->cpu);
    return good ? 0 : err_set(err, EBADMSG, "a name does not end");
}

static const struct state_table ram_state = {
    .name = "ram",
    .version = 1,
    .min_version = 1,
    .post_load = ram_post_load,
    .fields = (const struct state_field[]){STATE_BYTES(struct snapshot_ram, name),
                                           STATE_U64(struct snapshot_ram, size), STATE_END},
};

static const struct state_table device_state = {
    .name = "device",
    .version = 1,
    .min_version = 1,
    .post_load = device_post_load,
    .fields = (const struct state_field[]){STATE_BYTES(struct snapshot_device, id),
                                           STATE_BYTES(struct snapshot_device, type), STATE_END},
};

enum { RAMS_MAX = 4096, DEVICES_MAX = 65536 };

const struct state_table snapshot_head_state = {
    .name = "machine",
    .version = 1,
    .min_version = 1,
    .post_load = head_post_load,
    .fields =
        (const struct state_field[]){
            STATE_BYTES(struct snapshot_head, arch),
            STATE_BYTES(struct snapshot_head, board),
            STATE_BYTES(struct snapshot_head, cpu),
            STATE_U32(struct snapshot_head, cpus),
            STATE_U64(struct snapshot_head, ram_size),
            STATE_STRUCT_ALLOC(struct snapshot_head, ram, ram_count, RAMS_MAX, &ram_state),
            STATE_STRUCT_ALLOC(struct snapshot_head, devices, device_count, DEVICES_MAX,
                               &device_state),
            STATE_U64(struct snapshot_head, clock),
            STATE_BOOL(struct snapshot_head, running),
            STATE_END,
        },
};

/* ---- Filling --------------------------------------------------------------------------------- */

static int put_text(char *to, size_t size, const char *text, struct err *err)
{
    int n = snprintf(to, size, "%s", text ? text : "");
    return (size_t)n < size ? 0
                            : err_set(err, ENAMETOOLONG,
                                      "'%.40s...' has %d letters; a snapshot takes at most %zu",
                                      text, n, size - 1);
}
#define PUT_TEXT(to, text, err) put_text(to, sizeof(to), text, err)

static int fill_lists(struct snapshot_head *h, struct machine *m, struct err *err)
{
    int r = 0;
    for (struct ram_block *b = m->memory.blocks; b && !r; b = b->next) {
        h->ram = alloc_resize(h->ram, h->ram_count + 1, sizeof(*h->ram));
        struct snapshot_ram *to = &h->ram[h->ram_count++];
        *to = (struct snapshot_ram){.size = b->size};
        r = PUT_TEXT(to->name, b->name, err);
    }
    for (struct device *d = m->devices; d && !r; d = d->next) {
        h->devices = alloc_resize(h->devices, h->device_count + 1, sizeof(*h->devices));
        struct snapshot_device *to = &h->devices[h->device_count++];
        *to = (struct snapshot_device){0};
        r = PUT_TEXT(to->id, d->id, err);
        if (!r)
            r = PUT_TEXT(to->type, d->type->name, err);
    }
    return r;
}

int snapshot_head_fill(struct snapshot_head *h, struct machine *m, struct err *err)
{
    *h = (struct snapshot_head){
        .cpus = m->cpu_count, .ram_size = m->ram_size, .clock = clock_now(&m->clock)};
    int r = PUT_TEXT(h->arch, m->arch, err);
    if (!r)
        r = PUT_TEXT(h->board, m->board->name, err);
    if (!r)
        r = PUT_TEXT(h->cpu, m->cpu_model, err);
    return r ? r : fill_lists(h, m, err);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static int check_text(const char *what, const char *saved, const char *here, struct err *err)
{
    if (!strcmp(saved, here ? here : ""))
        return 0;
    return err_set(err, EINVAL, "the state is of %s '%s', this machine has '%s'", what, saved,
                   here ? here : "");
}

static int check_rams(const struct snapshot_head *h, struct machine *m, struct err *err)
{
    u32 here = 0;
    for (u32 i = 0; i < h->ram_count; i++) {
        const struct snapshot_ram *r = &h->ram[i];
        struct ram_block *b = ram_block_find(&m->memory, r->name);
        if (!b || b->size != r->size)
            return err_set(
                err, EINVAL, "the state has memory %s of 0x%llx bytes, this machine has 0x%llx",
                r->name, (unsigned long long)r->size, (unsigned long long)(b ? b->size : 0));
    }
    for (struct ram_block *b = m->memory.blocks; b; b = b->next)
        here++;
    if (here != h->ram_count)
        return err_set(err, EINVAL, "the state has %u memories, this machine %u", h->ram_count,
                       here);
    return 0;
}

static const struct snapshot_device *find_saved(const struct snapshot_head *h, const char *id)
{
    for (u32 i = 0; i < h->device_count; i++) {
        if (!strcmp(h->devices[i].id, id))
            return &h->devices[i];
    }
    return NULL;
}

static int check_devices(const struct snapshot_head *h, struct machine *m, struct err *err)
{
    for (u32 i = 0; i < h->device_count; i++) {
        const struct snapshot_device *s = &h->devices[i];
        struct device *d = machine_find_device(m, s->id);
        if (!d || strcmp(d->type->name, s->type))
            return err_set(err, EINVAL, "the state has device %s (%s), this machine %s%s", s->id,
                           s->type, d ? "has there a " : "has none of that id",
                           d ? d->type->name : "");
    }
    for (struct device *d = m->devices; d; d = d->next) {
        if (!find_saved(h, d->id) && !d->type->is_newer)
            return err_set(err, EINVAL, "this machine has device %s (%s), the state has not", d->id,
                           d->type->name);
    }
    return 0;
}

int snapshot_head_check(const struct snapshot_head *h, struct machine *m, struct err *err)
{
    int r = check_text("architecture", h->arch, m->arch, err);
    if (!r)
        r = check_text("machine", h->board, m->board->name, err);
    if (!r)
        r = check_text("CPU model", h->cpu, m->cpu_model, err);
    if (!r && h->cpus != m->cpu_count)
        r = err_set(err, EINVAL, "the state is of %u CPUs, this machine has %u (-smp)", h->cpus,
                    m->cpu_count);
    if (!r && h->ram_size != m->ram_size)
        r = err_set(
            err, EINVAL, "the state is of %llu MiB of memory, this machine has %llu MiB (-m)",
            (unsigned long long)(h->ram_size / MiB), (unsigned long long)(m->ram_size / MiB));
    if (!r)
        r = check_rams(h, m, err);
    return r ? r : check_devices(h, m, err);
}
