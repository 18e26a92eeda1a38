/*
 * epoch.c - free only what no thread can still see.
 *
 * `now` counts grace periods. A writer has unlinked its object before it increments `now` to e; a
 * reader that stores seen >= e took a quiescent point after that and cannot find the object any
 * more; an offline reader (seen == 0) that comes online has its fence between the store of seen and
 * its first load of shared data, so either the scan below sees it online, or it sees the object
 * unlinked.
 *
 * The lock guards the lists of threads and of retired objects; free functions run outside of it, so
 * they may retire more. The retired list has the newest first: tags fall along it.
 */
#include "base/epoch.h"

#include <time.h>
#include "base/alloc.h"

#define EPOCH_WAIT_NS 20000 /* between two looks of epoch_wait */

struct epoch_retired {
    struct epoch_retired *next;
    void *object;
    void (*free_fn)(void *object);
    u64 tag; /* free when every online thread has seen this epoch */
};

void epoch_init(struct epoch *e)
{
    atomic_init(&e->now, 1);
    pthread_mutex_init(&e->lock, NULL);
    e->threads = NULL;
    e->retired = NULL;
    atomic_init(&e->pending, false);
}

/* Runs the list's free functions, oldest first. */
static void epoch_free_list(struct epoch_retired *newest)
{
    struct epoch_retired *oldest = NULL, *next;
    for (struct epoch_retired *r = newest; r; r = next) {
        next = r->next;
        r->next = oldest;
        oldest = r;
    }
    for (struct epoch_retired *r = oldest; r; r = next) {
        next = r->next;
        r->free_fn(r->object);
        free(r);
    }
}

void epoch_fini(struct epoch *e)
{
    assert(!e->threads);
    while (e->retired) { /* a free function may retire more */
        struct epoch_retired *all = e->retired;
        e->retired = NULL;
        epoch_free_list(all);
    }
    pthread_mutex_destroy(&e->lock);
}

void epoch_register(struct epoch *e, struct epoch_thread *t)
{
    atomic_init(&t->seen, 0);
    pthread_mutex_lock(&e->lock);
    t->next = e->threads;
    e->threads = t;
    pthread_mutex_unlock(&e->lock);
}

void epoch_unregister(struct epoch *e, struct epoch_thread *t)
{
    epoch_offline(e, t);
    pthread_mutex_lock(&e->lock);
    struct epoch_thread **link = &e->threads;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    pthread_mutex_unlock(&e->lock);
}

u64 epoch_advance(struct epoch *e)
{
    return atomic_fetch_add(&e->now, 1) + 1;
}

void epoch_retire(struct epoch *e, void *object, void (*free_fn)(void *object))
{
    struct epoch_retired *r = alloc_bytes(sizeof(*r));
    r->object = object;
    r->free_fn = free_fn;
    pthread_mutex_lock(&e->lock);
    r->tag = epoch_advance(e);
    r->next = e->retired;
    e->retired = r;
    atomic_store_explicit(&e->pending, true, memory_order_relaxed);
    pthread_mutex_unlock(&e->lock);
}

/* The oldest epoch an online thread may still be in; UINT64_MAX when all are offline. Lock held. */
static u64 epoch_oldest(struct epoch *e)
{
    u64 oldest = UINT64_MAX;
    atomic_thread_fence(memory_order_seq_cst);
    for (struct epoch_thread *t = e->threads; t; t = t->next) {
        u64 seen = atomic_load(&t->seen);
        if (seen)
            oldest = MIN(oldest, seen);
    }
    return oldest;
}

void epoch_reclaim(struct epoch *e)
{
    if (!atomic_load_explicit(&e->pending, memory_order_relaxed))
        return;
    pthread_mutex_lock(&e->lock);
    u64 oldest = epoch_oldest(e);
    struct epoch_retired **link = &e->retired;
    while (*link && (*link)->tag > oldest)
        link = &(*link)->next;
    struct epoch_retired *due = *link;
    *link = NULL;
    atomic_store_explicit(&e->pending, e->retired != NULL, memory_order_relaxed);
    pthread_mutex_unlock(&e->lock);
    epoch_free_list(due);
}

bool epoch_passed(struct epoch *e, u64 period)
{
    pthread_mutex_lock(&e->lock);
    u64 oldest = epoch_oldest(e);
    pthread_mutex_unlock(&e->lock);
    return oldest >= period;
}

void epoch_wait(struct epoch *e, u64 period)
{
    while (!epoch_passed(e, period))
        nanosleep(&(struct timespec){.tv_nsec = EPOCH_WAIT_NS}, NULL);
    epoch_reclaim(e);
}

void epoch_synchronize(struct epoch *e)
{
    epoch_wait(e, epoch_advance(e));
}
