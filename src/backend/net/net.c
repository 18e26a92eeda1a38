/*
 * net.c - network backends by name, and the queue of frames that wait for their card.
 */
#include "backend/net/net.h"

#include <errno.h>
#include <stdlib.h>

static const struct netdev_kind *const kinds[] = {&netdev_socket, &netdev_user};

static const struct option no_options[] = {OPTION_LAST};
static const struct option common_options[] = {
    OPTION_NAMED("id", OPTION_TYPE_STRING, struct netdev, id, NULL, "name of this backend",
                 .required = true),
    OPTION_LAST,
};

static const struct netdev_kind *find_kind(const char *name, struct err *err)
{
    const char *names[ARRAY_SIZE(kinds) + 1] = {0};
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(kinds[i]->name, name))
            return kinds[i];
        names[i] = kinds[i]->name;
    }
    err_set(err, EINVAL, "-netdev %s: no such kind of backend (-netdev help lists them)", name);
    err_suggest(err, name, names);
    return NULL;
}

int netdev_help(const char *name, FILE *out, struct err *err)
{
    const struct netdev_kind *kind = name ? find_kind(name, err) : NULL;
    if (name && !kind)
        return -EINVAL;
    if (kind) {
        option_help(common_options, out);
        option_help(kind->options ? kind->options : no_options, out);
        return 0;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        fprintf(out, "%-8s %s\n", kinds[i]->name, kinds[i]->help);
    return 0;
}

/* ---- Frames ---------------------------------------------------------------------------------- */

bool netdev_congested(const struct netdev *n)
{
    return n->queued >= NET_QUEUE / 2;
}

static void drain(void *opaque)
{
    struct netdev *n = opaque;
    while (n->first && n->card && n->receive(n->card, n->first->data, n->first->len)) {
        struct net_frame *f = n->first;
        n->first = f->next;
        if (!n->first)
            n->last = &n->first;
        n->queued--;
        free(f);
    }
    if (n->kind->ready && !netdev_congested(n))
        n->kind->ready(n);
}

void netdev_ready(struct netdev *n)
{
    loop_task_schedule(&n->ready);
}

void netdev_deliver(struct netdev *n, const u8 *frame, size_t len)
{
    if (!n->card || len > NET_FRAME_MAX)
        return;
    if (!n->first && n->receive(n->card, frame, len))
        return;
    struct net_frame *f = n->queued < NET_QUEUE ? malloc(sizeof(*f) + len) : NULL;
    if (!f) {
        n->dropped++;
        return;
    }
    f->next = NULL;
    f->len = len;
    memcpy(f->data, frame, len);
    *n->last = f;
    n->last = &f->next;
    n->queued++;
}

void netdev_send(struct netdev *n, const u8 *frame, size_t len)
{
    n->kind->send(n, frame, len);
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct netdev *netdev_new(struct loop *loop, struct clock *clock, const struct netdev_kind *kind)
{
    struct netdev *n = calloc(1, kind->size);
    if (!n)
        return NULL;
    n->kind = kind;
    n->loop = loop;
    n->clock = clock;
    n->last = &n->first;
    loop_task_init(&n->ready, loop, drain, n);
    return n;
}

struct netdev *netdev_open(struct loop *loop, struct clock *clock, struct option_list *list,
                           struct err *err)
{
    char *name = option_take(list, "type");
    if (!name) {
        err_set(err, EINVAL, "-netdev: the kind of backend is missing, as in -netdev user,id=net0");
        return NULL;
    }
    const struct netdev_kind *kind = find_kind(name, err);
    free(name);
    struct netdev *n = kind ? netdev_new(loop, clock, kind) : NULL;
    if (!n)
        return NULL;
    const struct option *tables[] = {common_options, kind->options, NULL};
    if (option_defaults(common_options, n, err) || option_defaults(kind->options, n, err) ||
        option_apply(list, common_options, n, err) || option_apply(list, kind->options, n, err) ||
        option_done(list, tables, err) || kind->open(n, err)) {
        netdev_close(n);
        return NULL;
    }
    return n;
}

int netdev_start(struct netdev *n, struct err *err)
{
    return n->kind->start ? n->kind->start(n, err) : 0;
}

void netdev_close(struct netdev *n)
{
    if (!n)
        return;
    n->kind->close(n);
    loop_task_cancel(&n->ready);
    while (n->first) {
        struct net_frame *next = n->first->next;
        free(n->first);
        n->first = next;
    }
    option_free(n->kind->options, n);
    option_free(common_options, n);
    free(n);
}

int netdev_attach(struct netdev *n, bool (*receive)(void *card, const u8 *frame, size_t len),
                  void *card, struct err *err)
{
    if (n->card)
        return err_set(err, EBUSY, "netdev %s is in use by another card", n->id);
    n->receive = receive;
    n->card = card;
    return 0;
}

void netdev_detach(struct netdev *n)
{
    n->card = NULL;
}
