/*
 * test_epoch.c - nothing is freed that a reader can see, everything is freed in the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/epoch.h"

static void count_free(void *object)
{
    ++*(unsigned *)object;
}

static void test_order(void **state)
{
    struct epoch e;
    struct epoch_thread a, b;
    unsigned freed = 0;
    epoch_init(&e);
    epoch_register(&e, &a);
    epoch_register(&e, &b);
    epoch_retire(&e, &freed, count_free);
    epoch_reclaim(&e);
    assert_int_equal(freed, 1); /* both offline */

    epoch_online(&e, &a);
    epoch_online(&e, &b);
    epoch_retire(&e, &freed, count_free);
    epoch_reclaim(&e);
    assert_int_equal(freed, 1);
    epoch_quiescent(&e, &a);
    epoch_reclaim(&e);
    assert_int_equal(freed, 1); /* b may still see it */
    epoch_retire(&e, &freed, count_free);
    epoch_quiescent(&e, &b);
    epoch_reclaim(&e);
    assert_int_equal(freed, 2); /* a has not passed the second one */
    epoch_offline(&e, &a);
    epoch_reclaim(&e);
    assert_int_equal(freed, 3);

    epoch_quiescent(&e, &b);
    epoch_retire(&e, &freed, count_free);
    epoch_unregister(&e, &b);
    epoch_unregister(&e, &a);
    epoch_fini(&e);
    assert_int_equal(freed, 4);
}

/* Readers follow a pointer that a writer replaces again and again; a freed object has a dead mark.
 */
#define LIVE UINT64_C(0x6c697665)
#define DEAD UINT64_C(0xdead)

struct shared {
    struct epoch epoch;
    _Atomic(u64 *) current;
    _Atomic bool end;
    _Atomic unsigned bad, freed;
    _Atomic u64 reads;
};

struct object {
    u64 mark;
    struct shared *shared;
};

static void object_free(void *p)
{
    struct object *o = p;
    o->mark = DEAD;
    o->shared->freed++;
    free(o);
}

static struct object *object_new(struct shared *s)
{
    struct object *o = malloc(sizeof(*o));
    *o = (struct object){LIVE, s};
    return o;
}

static void *reader(void *opaque)
{
    struct shared *s = opaque;
    struct epoch_thread t;
    epoch_register(&s->epoch, &t);
    epoch_online(&s->epoch, &t);
    for (unsigned i = 0; !s->end; i++) {
        u64 *mark = atomic_load_explicit(&s->current, memory_order_acquire);
        for (int k = 0; k < 20; k++)
            if (*(volatile u64 *)mark != LIVE)
                s->bad++;
        s->reads++;
        epoch_quiescent(&s->epoch, &t);
        if (i % 64 == 0) {
            epoch_offline(&s->epoch, &t);
            epoch_online(&s->epoch, &t);
        }
    }
    epoch_unregister(&s->epoch, &t);
    return NULL;
}

static void test_threads(void **state)
{
    struct shared s = {0};
    epoch_init(&s.epoch);
    s.current = &object_new(&s)->mark;
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, reader, &s);
    unsigned replaced = 0;
    for (; replaced < 5000 || s.reads < 5000; replaced++) {
        u64 *old = atomic_exchange(&s.current, &object_new(&s)->mark);
        epoch_retire(&s.epoch, container_of(old, struct object, mark), object_free);
        epoch_reclaim(&s.epoch);
        if (replaced % 500 == 0) {
            epoch_synchronize(&s.epoch); /* all before it are free now */
            assert_int_equal(s.freed, replaced + 1);
        }
    }
    s.end = true;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    epoch_fini(&s.epoch);
    assert_int_equal(s.bad, 0);
    assert_int_equal(s.freed, replaced);
    free(container_of(s.current, struct object, mark));
}

/* A free function that retires more. */
struct chain {
    struct epoch *epoch;
    unsigned left;
};

static void chain_free(void *opaque)
{
    struct chain *c = opaque;
    if (c->left--)
        epoch_retire(c->epoch, c, chain_free);
}

static void test_retire_in_free(void **state)
{
    struct epoch e;
    epoch_init(&e);
    struct chain c = {&e, 5};
    epoch_retire(&e, &c, chain_free);
    epoch_reclaim(&e);
    assert_int_equal(c.left, 4);
    epoch_fini(&e);
    assert_int_equal(c.left, (unsigned)-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_retire_in_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
