/*
 * backends.c - backends in memory (backends.h).
 */
#include "backends.h"

#include <errno.h>

static const struct option no_options[] = {OPTION_LAST};

/* ---- Disk ------------------------------------------------------------------------------------ */

static void disk_move(struct fuzz_disk *d, const struct block_request *r)
{
    u8 *at = d->data + r->offset;
    for (unsigned i = 0; i < r->iov_count; i++) {
        const struct iovec *v = &r->iov[i];
        memcpy(r->op == BLOCK_READ ? v->iov_base : at, r->op == BLOCK_READ ? at : v->iov_base,
               v->iov_len);
        at += v->iov_len;
    }
}

static void disk_do(struct fuzz_disk *d, struct block_request *r)
{
    bool fails = d->fail && ++d->done % d->fail == 0;
    if (!fails && (r->op == BLOCK_READ || r->op == BLOCK_WRITE))
        disk_move(d, r);
    else if (!fails && (r->op == BLOCK_ZERO || r->op == BLOCK_DISCARD))
        memset(d->data + r->offset, 0, r->length);
    block_complete_later(r, fails ? -EIO : 0);
}

static void disk_task(void *opaque)
{
    struct fuzz_disk *d = opaque;
    if (!d->count)
        return;
    unsigned at = d->newest_first ? d->count - 1 : 0;
    struct block_request *r = d->waiting[at];
    memmove(d->waiting + at, d->waiting + at + 1, (d->count - at - 1) * sizeof(r));
    d->count--;
    disk_do(d, r);
    if (d->count)
        loop_task_schedule(&d->task);
}

/* What every format may rely on. */
static void disk_check(const struct block *b, const struct block_request *r)
{
    u64 length = 0;
    if (r->op == BLOCK_FLUSH)
        return;
    fuzz_must(r->offset <= b->size && r->length <= b->size - r->offset);
    fuzz_must(r->offset % b->sector == 0 && r->length % b->sector == 0 && r->length);
    if (r->op != BLOCK_READ && r->op != BLOCK_WRITE)
        return;
    for (unsigned i = 0; i < r->iov_count; i++) {
        fuzz_must(r->iov[i].iov_len);
        length += r->iov[i].iov_len;
    }
    fuzz_must(length == r->length);
}

static void disk_submit(struct block *b, struct block_request *r)
{
    struct fuzz_disk *d = (struct fuzz_disk *)b;
    disk_check(b, r);
    if (d->count == d->room) {
        d->room = MAX(2 * d->room, 64);
        d->waiting = realloc(d->waiting, d->room * sizeof(d->waiting[0]));
        fuzz_must(d->waiting);
    }
    d->waiting[d->count++] = r;
    loop_task_schedule(&d->task);
}

static const struct block_driver disk_driver = {
    .name = "fuzz", .size = sizeof(struct fuzz_disk), .options = no_options, .submit = disk_submit};

static struct fuzz_disk *disk_new(struct loop *loop)
{
    struct fuzz_disk *d = calloc(1, sizeof(*d));
    fuzz_must(d);
    d->block = (struct block){.driver = &disk_driver,
                              .loop = loop,
                              .id = strdup("disk"),
                              .serial = strdup("serial"),
                              .size = FUZZ_DISK_SIZE,
                              .sector = 512,
                              .discard = true};
    loop_task_init(&d->task, loop, disk_task, d);
    return d;
}

/* ---- Wire ------------------------------------------------------------------------------------ */

static void wire_send(struct netdev *n, const u8 *frame, size_t len)
{
    u8 sum = 0;
    fuzz_must(len <= NET_FRAME_MAX);
    for (size_t i = 0; i < len; i++) /* the sanitizer sees it read */
        sum ^= frame[i];
    n->dropped += sum & 1;
}

static const struct netdev_kind wire_kind = {
    .name = "fuzz", .size = sizeof(struct netdev), .options = no_options, .send = wire_send};

static void wire_forget(struct netdev *n)
{
    while (n->first) {
        struct net_frame *next = n->first->next;
        free(n->first);
        n->first = next;
    }
    n->last = &n->first;
    n->queued = 0;
    n->dropped = 0;
}

/* The first bytes are the input's, what follows is theirs again. */
static void wire_deliver(struct netdev *n, struct fuzz_input *in)
{
    static const u8 to_all[14] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0};
    u8 frame[NET_FRAME_MAX];
    size_t got, size = (size_t)fuzz_u16(in) + 8;
    const u8 *head = fuzz_take(in, fuzz_u8(in), &got);
    memcpy(frame, to_all, sizeof(to_all));
    memset(frame + sizeof(to_all), 0x5a, sizeof(frame) - sizeof(to_all));
    memcpy(frame, head, got);
    netdev_deliver(n, frame, size);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static size_t line_write(struct chardev *c, const u8 *data, size_t n)
{
    u8 sum = 0;
    for (size_t i = 0; i < n; i++)
        sum ^= data[i];
    c->dropped += sum & 1;
    return n;
}

static size_t line_offer(struct chardev *c, const u8 *data, size_t n)
{
    struct fuzz_line *l = (struct fuzz_line *)c;
    size_t taken = MIN(n, l->takes);
    l->takes -= taken;
    l->has_waiter |= taken < n;
    return line_write(c, data, taken);
}

static void line_ready(struct chardev *c)
{
    (void)!chardev_room(c); /* an honest kind asks, and delivers when something comes */
}

static const struct chardev_kind line_kind = {.name = "fuzz",
                                              .size = sizeof(struct fuzz_line),
                                              .options = no_options,
                                              .write = line_write,
                                              .offer = line_offer,
                                              .ready = line_ready};

static void line_deliver(struct fuzz_line *l, struct fuzz_input *in)
{
    u8 bytes[256] = {0};
    size_t got, size = fuzz_u8(in);
    const u8 *p = fuzz_take(in, size, &got);
    memcpy(bytes, p, got);
    for (size_t done = 0; done < size;) {
        size_t room = MIN(chardev_room(&l->base), size - done);
        if (!room)
            return;
        chardev_deliver(&l->base, bytes + done, room);
        done += room;
    }
}

static void line_take(struct fuzz_line *l, size_t more)
{
    l->takes += more;
    if (!l->has_waiter || !more)
        return;
    l->has_waiter = false;
    chardev_send_writable(&l->base);
}

/* ---- All ------------------------------------------------------------------------------------- */

void fuzz_backends_open(struct fuzz_backends *b, struct harness *h, unsigned n)
{
    char id[24];
    b->disk = disk_new(h->loop);
    snprintf(id, sizeof(id), "disk%u", n);
    harness_add_backend(h, "block", id, &b->disk->block);
    b->wire = netdev_new(h->loop, &h->clock, &wire_kind);
    snprintf(id, sizeof(id), "wire%u", n);
    harness_add_backend(h, "netdev", id, b->wire);
    for (unsigned i = 0; i < FUZZ_LINES; i++) {
        b->line[i] = (struct fuzz_line *)chardev_new(h->loop, &line_kind);
        snprintf(id, sizeof(id), "line%u-%u", n, i);
        harness_add_backend(h, "chardev", id, &b->line[i]->base);
    }
    fuzz_backends_reset(b);
}

void fuzz_backends_reset(struct fuzz_backends *b)
{
    fuzz_must(!b->disk->count && !b->disk->block.in_flight);
    memset(b->disk->data, 0xee, sizeof(b->disk->data));
    b->disk->newest_first = false;
    b->disk->fail = 0;
    b->disk->done = 0;
    wire_forget(b->wire);
    for (unsigned i = 0; i < FUZZ_LINES; i++) {
        b->line[i]->takes = 4096;
        b->line[i]->has_waiter = false;
    }
}

enum backend_action { FRAME, INPUT, ROOM, EVENT, DISK, ACTIONS };

void fuzz_backends_step(struct fuzz_backends *b, struct fuzz_input *in)
{
    u8 what = fuzz_u8(in);
    struct fuzz_line *l = b->line[what >> 4 & 1];
    switch (what % 16 % ACTIONS) {
    case FRAME: wire_deliver(b->wire, in); break;
    case INPUT: line_deliver(l, in); break;
    case ROOM: line_take(l, fuzz_u16(in)); break;
    case EVENT:
        chardev_send_event(&l->base, (enum chardev_event)(fuzz_u8(in) % (CHARDEV_BREAK + 1)));
        break;
    case DISK:
        b->disk->newest_first = what & 0x20;
        b->disk->fail = fuzz_u8(in);
        break;
    }
}

void fuzz_put_frame(struct fuzz_seed *s, u16 size)
{
    fuzz_put_number(s, FRAME, 1);
    fuzz_put_number(s, size, 2);
    fuzz_put_number(s, 0, 1);
}

void fuzz_put_frame_to(struct fuzz_seed *s, u16 size, u8 first)
{
    const u8 to[6] = {first, first == 0x52 ? 0x54 : first, [5] = first == 0x52 ? 1 : 0};
    fuzz_put_number(s, FRAME, 1);
    fuzz_put_number(s, size, 2);
    fuzz_put_number(s, sizeof(to), 1);
    fuzz_put(s, to, sizeof(to));
}

void fuzz_put_event(struct fuzz_seed *s, unsigned line, u8 event)
{
    fuzz_put_number(s, EVENT | line << 4, 1);
    fuzz_put_number(s, event, 1);
}

void fuzz_put_input(struct fuzz_seed *s, unsigned line, const char *text)
{
    fuzz_put_number(s, INPUT | line << 4, 1);
    fuzz_put_number(s, strlen(text), 1);
    fuzz_put(s, text, strlen(text));
}
