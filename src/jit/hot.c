/*
 * hot.c - the thread that makes the code of regions while the CPUs go on.
 *
 *   CPU:    sample -> explore (region.c) -> queue; goes on in the units that are there
 *   thread: passes and back end (region_make.c) -> in the place of those units, under jit->lock
 *
 * CPUs never wait for it: the queue is short, and what has no room is dropped; a loop that stays hot
 * is sampled again.
 *
 * The thread is no reader of the epochs. It looks at units only under jit->lock, where those that it
 * can find are valid, so their chunks are not being emptied; its own chunk nobody takes from it. The
 * pages that a region names stay in memory as long as there are CPUs, and RAM stays longer. When it
 * waits for CPUs to leave a chunk (compiler.c), it holds no lock.
 *
 * It is started with the first region and ends before the first CPU does, since it kicks CPUs and
 * empties their jump entries. While CPUs are stopped (reset, snapshots) it may run: it writes nothing
 * but code, and what is loaded into RAM refuses what was made before.
 *
 * Locking: hot->lock for the queue and for the thread's beginning and end. jit->lock is not taken
 * under it.
 */
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"
#include "jit/cache.h"
#include "jit/region.h"
#include "jit/stats.h"
#include "loop/loop.h"

enum { QUEUE = 8 };

struct jit_hot {
    struct jit *jit;
    struct jit_compiler compiler;
    struct jit_stats stats;
    u64 past_ns; /* of a thread that has ended */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct region *queue[QUEUE];
    u32 first;
    _Atomic u32 count;
    _Atomic bool started, failed; /* the host gives us no thread */
    bool quit;
};

/* ---- The thread ------------------------------------------------------------------------------ */

/* It may have become of no use while it waited: somebody else has made one of its loop, or it was overwritten. */
static bool is_wanted(struct jit_hot *hot, const struct region *r)
{
    struct jit *jit = hot->jit;
    jit_lock(jit);
    const struct jit_unit *u = jit_unit_known(jit, r->block[0].page.id, r->block[0].pc);
    bool is_made = u && u->region, refused = false;
    for (u32 n = 0; n < r->ordered; n++)
        refused |= !jit_page_is_as(jit, &r->block[r->order[n]].page, r->seen);
    pthread_mutex_unlock(&jit->lock);
    hot->stats.region_dropped += is_made;
    hot->stats.region_refused += refused && !is_made;
    return !is_made && !refused;
}

static void make(struct jit_hot *hot, struct region *r)
{
    if (is_wanted(hot, r))
        hot->stats.thread_regions += region_make(&hot->compiler, r);
    region_free(r);
    hot->stats.thread_ns = hot->past_ns + host_thread_ns();
}

/* Lock held, there is one. */
static struct region *take(struct jit_hot *hot)
{
    struct region *r = hot->queue[hot->first];
    hot->first = (hot->first + 1) % QUEUE;
    hot->count--;
    return r;
}

static void *hot_main(void *arg)
{
    struct jit_hot *hot = arg;
    host_thread_name("jit");
    pthread_mutex_lock(&hot->lock);
    while (!hot->quit) {
        if (!hot->count) {
            pthread_cond_wait(&hot->changed, &hot->lock);
            continue;
        }
        struct region *r = take(hot);
        pthread_mutex_unlock(&hot->lock);
        make(hot, r);
        pthread_mutex_lock(&hot->lock);
    }
    pthread_mutex_unlock(&hot->lock);
    return NULL;
}

/* Signals are blocked: they are the main thread's. */
static void start(struct jit_hot *hot)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_mutex_lock(&hot->lock);
    if (!hot->started && !hot->failed) {
        pthread_sigmask(SIG_SETMASK, &all, &old);
        hot->failed = pthread_create(&hot->thread, NULL, hot_main, hot);
        hot->started = !hot->failed;
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    pthread_mutex_unlock(&hot->lock);
}

/* ---- For CPUs -------------------------------------------------------------------------------- */

bool jit_hot_is_on(struct jit *jit)
{
    struct jit_hot *hot = jit->hot;
    /* Each CPU has a chunk, the thread too, and one must be left. */
    if (!hot || jit->cpu_count + 2 > jit->chunk_count)
        return false;
    if (unlikely(!hot->started))
        start(hot);
    return hot->started;
}

bool jit_hot_is_full(struct jit *jit)
{
    return jit->hot && jit->hot->count == QUEUE;
}

bool jit_hot_give(struct jit *jit, struct region *r)
{
    struct jit_hot *hot = jit->hot;
    pthread_mutex_lock(&hot->lock);
    bool taken = hot->count < QUEUE;
    if (taken) {
        hot->queue[(hot->first + hot->count) % QUEUE] = r;
        hot->count++;
        pthread_cond_signal(&hot->changed);
    }
    pthread_mutex_unlock(&hot->lock);
    if (!taken)
        region_free(r);
    return taken;
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct jit_hot *jit_hot_new(struct jit *jit)
{
    struct jit_hot *hot = alloc_zero(sizeof(*hot));
    hot->jit = jit;
    pthread_mutex_init(&hot->lock, NULL);
    pthread_cond_init(&hot->changed, NULL);
    jit_compiler_init(&hot->compiler, jit, NULL, &hot->stats);
    return hot;
}

/* The thread may be waiting for all readers of the epochs: the caller's loop is none meanwhile. */
void jit_hot_stop(struct jit_hot *hot, struct loop *loop)
{
    if (!hot || !hot->started)
        return;
    pthread_mutex_lock(&hot->lock);
    hot->quit = true;
    pthread_cond_signal(&hot->changed);
    pthread_mutex_unlock(&hot->lock);
    if (loop)
        loop_wait_begin(loop);
    pthread_join(hot->thread, NULL);
    if (loop)
        loop_wait_end(loop);
    pthread_mutex_lock(&hot->lock);
    while (hot->count)
        region_free(take(hot));
    hot->past_ns = hot->stats.thread_ns;
    hot->quit = false;
    hot->started = false;
    pthread_mutex_unlock(&hot->lock);
}

void jit_hot_free(struct jit_hot *hot)
{
    if (!hot)
        return;
    jit_compiler_fini(&hot->compiler);
    pthread_cond_destroy(&hot->changed);
    pthread_mutex_destroy(&hot->lock);
    free(hot);
}

const struct jit_stats *jit_hot_stats(const struct jit_hot *hot)
{
    return &hot->stats;
}
