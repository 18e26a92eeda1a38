/*
 * epoch.h - free only what no thread can still see.
 *
 * Readers (vCPU threads, I/O threads) register a struct epoch_thread and announce that they hold no
 * reference: epoch_quiescent() at each poll; epoch_offline() before they block and epoch_online()
 * after. Writers unlink an object, then epoch_retire() it: its free function runs once every online
 * thread has passed a quiescent point. epoch_synchronize() waits for that (the caller's own thread
 * must be offline, no lock held that a reader waits for). Who asks readers for a quiescent point asks
 * between epoch_advance() and epoch_wait(): one that they took before the advance does not count.
 *
 * Readers take no lock: online/quiescent are a store and a fence.
 */
#ifndef BASE_EPOCH_H
#define BASE_EPOCH_H

#include <pthread.h>
#include "base/base.h"

struct epoch_thread {
    _Atomic u64 seen; /* the domain's epoch at the last quiescent point; 0: offline */
    struct epoch_thread *next;
};

struct epoch_retired;
struct epoch {
    _Atomic u64 now; /* starts at 1 */
    pthread_mutex_t lock;
    struct epoch_thread *threads;
    struct epoch_retired *retired;
    _Atomic bool pending; /* something waits to be freed */
};

void epoch_init(struct epoch *e);
/* No threads may be registered any more; frees everything that was retired. */
void epoch_fini(struct epoch *e);
void epoch_register(struct epoch *e, struct epoch_thread *t); /* starts offline */
void epoch_unregister(struct epoch *e, struct epoch_thread *t);
void epoch_retire(struct epoch *e, void *object, void (*free_fn)(void *object));
/* Begins a grace period; what epoch_wait waits for. */
u64 epoch_advance(struct epoch *e);
void epoch_wait(struct epoch *e, u64 period);
bool epoch_passed(struct epoch *e, u64 period); /* ... without waiting */
void epoch_synchronize(struct epoch *e); /* both */
/* Runs the free functions that are due. Cheap when there is nothing. */
void epoch_reclaim(struct epoch *e);

static inline void epoch_online(struct epoch *e, struct epoch_thread *t)
{
    atomic_store(&t->seen, atomic_load(&e->now));
    atomic_thread_fence(memory_order_seq_cst);
}

static inline void epoch_offline(struct epoch *e, struct epoch_thread *t)
{
    (void)e;
    atomic_store_explicit(&t->seen, 0, memory_order_release);
}

static inline void epoch_quiescent(struct epoch *e, struct epoch_thread *t)
{
    u64 now = atomic_load_explicit(&e->now, memory_order_acquire);
    if (atomic_load_explicit(&t->seen, memory_order_relaxed) != now)
        atomic_store(&t->seen, now);
}

#endif
