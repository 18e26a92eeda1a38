/*
 * test_loop.c - the event loop by both engines, clocks, timers, workers; the fallback where
 * io_uring is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/epoch.h"
#include "base/host.h"
#include "base/log.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct setup {
    struct loop *loop;
    const char *engine; /* that the test is about */
};

static int setup_engine(void **state, bool force_poll)
{
    struct setup *s = calloc(1, sizeof(*s));
    struct err err;
    s->loop = loop_create(&(struct loop_config){.force_poll = force_poll}, &err);
    assert_non_null(s->loop);
    s->engine = force_poll ? "poll" : "io_uring";
    *state = s;
    return 0;
}

/* Skips what this host does not let us test. */
static struct loop *loop_of(void **state)
{
    struct setup *s = *state;
    if (strcmp(loop_engine(s->loop), s->engine))
        skip();
    return s->loop;
}

static int setup_uring(void **state)
{
    return setup_engine(state, false);
}

static int setup_poll(void **state)
{
    return setup_engine(state, true);
}

static int teardown(void **state)
{
    struct setup *s = *state;
    loop_destroy(s->loop);
    free(s);
    return 0;
}

static void turn_until(struct loop *loop, const bool *flag)
{
    for (unsigned i = 0; !*flag && i < 100000; i++)
        loop_turn(loop, true);
    assert_true(*flag);
}

static void set_flag(void *opaque)
{
    *(bool *)opaque = true;
}

/* ---- Descriptors ---- */

struct reader {
    struct loop_watch watch;
    unsigned calls;
    u32 events;
    bool take; /* read a byte in the callback */
    bool remove;
    bool hit;
    struct reader *victim; /* removed by this one's callback */
};

static void reader_ready(struct loop_watch *w, u32 events)
{
    struct reader *r = w->opaque;
    char c;
    r->calls++;
    r->events |= events;
    r->hit = true;
    if (r->take && (events & LOOP_READ))
        (void)!read(w->fd, &c, 1);
    if (r->victim)
        loop_watch_remove(&r->victim->watch);
    if (r->remove)
        loop_watch_remove(w);
}

static void reader_add(struct loop *loop, struct reader *r, int fd, u32 events)
{
    struct err err;
    r->watch = (struct loop_watch){.fd = fd, .events = events, .fn = reader_ready, .opaque = r};
    assert_int_equal(loop_watch_add(loop, &r->watch, &err), 0);
}

static void turns(struct loop *loop, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        loop_turn(loop, false);
}

static void test_watch_level(void **state)
{
    struct loop *loop = loop_of(state);
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    struct reader r = {.take = true};
    reader_add(loop, &r, fd[0], LOOP_READ);
    turns(loop, 5);
    assert_int_equal(r.calls, 0);
    assert_int_equal(write(fd[1], "abc", 3), 3);
    while (r.calls < 3) /* one byte a call: told again until it is empty */
        loop_turn(loop, true);
    turns(loop, 5);
    assert_int_equal(r.calls, 3);
    assert_int_equal(r.events, LOOP_READ);

    /* Nothing wanted, nothing told; wanted again, told. */
    loop_watch_modify(&r.watch, 0);
    assert_int_equal(write(fd[1], "d", 1), 1);
    turns(loop, 5);
    assert_int_equal(r.calls, 3);
    loop_watch_modify(&r.watch, LOOP_READ);
    r.hit = false;
    turn_until(loop, &r.hit);
    assert_int_equal(r.calls, 4);

    /* The other end goes: a hang-up, together with what was asked for. */
    close(fd[1]);
    r.hit = false;
    r.remove = true;
    turn_until(loop, &r.hit);
    assert_true(r.events & LOOP_HANGUP);
    assert_null(r.watch.loop);
    unsigned calls = r.calls;
    turns(loop, 5);
    assert_int_equal(r.calls, calls);
    close(fd[0]);
}

static void test_watch_write(void **state)
{
    struct loop *loop = loop_of(state);
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    struct reader r = {0};
    reader_add(loop, &r, fd[0], LOOP_WRITE | LOOP_READ);
    turn_until(loop, &r.hit);
    assert_int_equal(r.events, LOOP_WRITE);
    loop_watch_modify(&r.watch, LOOP_READ);
    r.hit = false;
    r.events = 0;
    turns(loop, 5);
    assert_int_equal(write(fd[1], "x", 1), 1);
    r.take = true;
    turn_until(loop, &r.hit);
    assert_int_equal(r.events, LOOP_READ);
    loop_watch_remove(&r.watch);
    loop_watch_remove(&r.watch); /* harmless */
    close(fd[0]);
    close(fd[1]);
}

/* Two are ready; whoever comes first removes the other, which must not be called, and may be freed.
 */
static void test_watch_remove_other(void **state)
{
    struct loop *loop = loop_of(state);
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(write(fd[1], "x", 1), 1);
    struct reader *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
    a->victim = b;
    b->victim = a;
    a->remove = b->remove = true;
    reader_add(loop, a, fd[0], LOOP_READ);
    reader_add(loop, b, fd[0], LOOP_READ);
    while (a->calls + b->calls == 0)
        loop_turn(loop, true);
    turns(loop, 3);
    assert_int_equal(a->calls + b->calls, 1);
    free(a);
    free(b);
    turns(loop, 3);
    close(fd[0]);
    close(fd[1]);
}

static void test_watch_many(void **state)
{
    struct loop *loop = loop_of(state);
    enum { N = 400 }; /* more than the ring has entries */
    static struct reader r[N];
    static int fd[N][2];
    memset(r, 0, sizeof(r));
    for (int i = 0; i < N; i++) {
        assert_int_equal(pipe(fd[i]), 0);
        r[i].take = true;
        reader_add(loop, &r[i], fd[i][0], LOOP_READ);
    }
    turns(loop, 2);
    for (int i = 0; i < N; i += 3)
        assert_int_equal(write(fd[i][1], "x", 1), 1);
    for (unsigned t = 0, done = 0; done < (N + 2) / 3 && t < 10000; t++) {
        loop_turn(loop, true);
        done = 0;
        for (int i = 0; i < N; i++)
            done += r[i].calls;
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(r[i].calls, i % 3 == 0);
        loop_watch_remove(&r[i].watch);
        close(fd[i][0]);
        close(fd[i][1]);
    }
}

static void test_watch_bad(void **state)
{
    struct loop *loop = loop_of(state);
    struct err err;
    struct loop_watch w = {.fd = 9999, .events = LOOP_READ, .fn = reader_ready};
    assert_int_equal(loop_watch_add(loop, &w, &err), -EBADF);
    assert_non_null(strstr(err.text, "9999"));
    /* A regular file is always ready: `guise < script` reads its standard input so. */
    FILE *f = tmpfile();
    fputs("z", f);
    fflush(f);
    struct reader r = {.remove = true};
    reader_add(loop, &r, fileno(f), LOOP_READ);
    turn_until(loop, &r.hit);
    assert_true(r.events & LOOP_READ);
    fclose(f);
}

static void nested_ready(struct loop_watch *w, u32 events)
{
    struct reader *r = w->opaque;
    char c;
    assert_int_equal(read(w->fd, &c, 1), 1);
    if (r->calls++ == 0)
        turns(w->loop, 3); /* the second byte comes within */
    r->hit = r->calls == 2;
}

static void test_watch_nested(void **state)
{
    struct loop *loop = loop_of(state);
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    struct reader r = {0};
    reader_add(loop, &r, fd[0], LOOP_READ);
    r.watch.fn = nested_ready;
    assert_int_equal(write(fd[1], "xy", 2), 2);
    turn_until(loop, &r.hit);
    loop_watch_remove(&r.watch);
    close(fd[0]);
    close(fd[1]);
}

/* ---- File I/O ---- */

struct file_op {
    struct loop_io io;
    struct iovec iov[2];
    s64 result;
    bool done;
};

static void file_done(struct loop_io *io, s64 result)
{
    struct file_op *op = io->opaque;
    op->result = result;
    op->done = true;
}

static s64 file_run(struct loop *loop, struct file_op *op)
{
    op->io.done = file_done;
    op->io.opaque = op;
    op->done = false;
    loop_io_submit(loop, &op->io);
    assert_false(op->done);
    turn_until(loop, &op->done);
    return op->result;
}

static void test_file(void **state)
{
    struct loop *loop = loop_of(state);
    FILE *f = tmpfile();
    int fd = fileno(f);
    char a[100], b[4000], back[8192];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    struct file_op w = {.io = {.kind = LOOP_IO_WRITE, .fd = fd, .offset = 4096, .iov_count = 2},
                        .iov = {{a, sizeof(a)}, {b, sizeof(b)}}};
    w.io.iov = w.iov;
    assert_int_equal(file_run(loop, &w), 4100);
    struct file_op sync = {.io = {.kind = LOOP_IO_SYNC, .fd = fd}};
    assert_int_equal(file_run(loop, &sync), 0);
    sync.io.kind = LOOP_IO_DATASYNC;
    assert_int_equal(file_run(loop, &sync), 0);

    struct file_op r = {.io = {.kind = LOOP_IO_READ, .fd = fd, .offset = 4096, .iov_count = 1},
                        .iov = {{back, sizeof(back)}}};
    r.io.iov = r.iov;
    assert_int_equal(file_run(loop, &r), 4100); /* short: the file ends */
    assert_memory_equal(back, a, 100);
    assert_memory_equal(back + 100, b, 4000);

    struct file_op hole = {
        .io = {.kind = LOOP_IO_DISCARD, .fd = fd, .offset = 4096, .length = 4096}};
    s64 ret = file_run(loop, &hole);
    if (ret != -EOPNOTSUPP) { /* the file system's choice */
        assert_int_equal(ret, 0);
        r.io.offset = 4096;
        assert_int_equal(file_run(loop, &r), 4100);
        for (int i = 0; i < 4096; i++)
            assert_int_equal(back[i], 0);
        assert_int_equal(back[4096], 'b');
    }
    struct file_op zero = {.io = {.kind = LOOP_IO_ZERO, .fd = fd, .offset = 8192, .length = 4}};
    ret = file_run(loop, &zero);
    assert_true(ret == 0 || ret == -EOPNOTSUPP);

    struct file_op bad = r;
    bad.io.iov = bad.iov;
    bad.io.fd = 9999;
    assert_int_equal(file_run(loop, &bad), -EBADF);
    fclose(f);
}

static void test_file_many(void **state)
{
    struct loop *loop = loop_of(state);
    enum { N = 700 };
    static struct file_op op[N];
    static u32 value[N];
    FILE *f = tmpfile();
    for (u32 i = 0; i < N; i++) {
        value[i] = i * 7;
        op[i] = (struct file_op){.io = {.kind = LOOP_IO_WRITE,
                                        .fd = fileno(f),
                                        .offset = 4 * i,
                                        .iov_count = 1,
                                        .done = file_done,
                                        .opaque = &op[i]},
                                 .iov = {{&value[i], 4}}};
        op[i].io.iov = op[i].iov;
        loop_io_submit(loop, &op[i].io);
    }
    for (u32 i = 0; i < N; i++) {
        turn_until(loop, &op[i].done);
        assert_int_equal(op[i].result, 4);
    }
    for (u32 i = 0; i < N; i++) {
        u32 v;
        assert_int_equal(pread(fileno(f), &v, 4, 4 * i), 4);
        assert_int_equal(v, i * 7);
    }
    fclose(f);
}

/* ---- Tasks, work, stop ---- */

struct counted {
    struct loop *loop;
    struct loop_task task;
    _Atomic unsigned calls;
    unsigned order, wrong, until;
};

static void count_task(void *opaque)
{
    struct counted *c = opaque;
    if (++c->calls < c->until)
        loop_task_schedule(&c->task);
}

static void test_task(void **state)
{
    struct loop *loop = loop_of(state);
    struct counted c = {.loop = loop};
    loop_task_init(&c.task, loop, count_task, &c);
    loop_task_schedule(&c.task);
    loop_task_schedule(&c.task);
    turns(loop, 3);
    assert_int_equal(c.calls, 1);
    loop_task_schedule(&c.task);
    loop_task_cancel(&c.task);
    loop_task_cancel(&c.task);
    turns(loop, 3);
    assert_int_equal(c.calls, 1);
    /* A task that schedules itself runs once a turn. */
    c.until = 10;
    loop_task_schedule(&c.task);
    turns(loop, 3);
    assert_int_equal(c.calls, 4);
    turns(loop, 20);
    assert_int_equal(c.calls, 10);
}

#define POSTS 20000

struct posted {
    struct counted *c;
    unsigned thread, n;
};

static void post_arrives(void *opaque)
{
    struct posted *p = opaque;
    struct counted *c = p->c;
    if (p->n != c[p->thread].order++)
        c[p->thread].wrong++;
    if (c[0].order + c[1].order == 2 * POSTS)
        loop_stop(c->loop);
    free(p);
}

static void *post_thread(void *opaque)
{
    struct counted *c = opaque;
    unsigned thread = c->until;
    for (unsigned n = 0; n < POSTS; n++) {
        struct posted *p = malloc(sizeof(*p));
        *p = (struct posted){c - thread, thread, n};
        loop_post(c->loop, post_arrives, p);
        if (n % 1000 == 0)
            usleep(200); /* let the loop fall asleep now and then */
    }
    return NULL;
}

static void test_post_threads(void **state)
{
    struct loop *loop = loop_of(state);
    struct counted c[2] = {{.loop = loop, .until = 0}, {.loop = loop, .until = 1}};
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, post_thread, &c[i]);
    loop_run(loop);
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(c[i].order, POSTS);
        assert_int_equal(c[i].wrong, 0);
    }
}

struct job {
    struct loop_work work;
    pthread_t ran_on;
    bool done;
};

static void job_fn(struct loop_work *w)
{
    struct job *j = w->opaque;
    usleep(1000);
    j->ran_on = pthread_self();
}

static void job_done(struct loop_work *w)
{
    struct job *j = w->opaque;
    assert_true(loop_is_mine(w->loop));
    j->done = true;
}

static void test_work(void **state)
{
    struct loop *loop = loop_of(state);
    static struct job j[50];
    memset(j, 0, sizeof(j));
    for (int i = 0; i < 50; i++) {
        j[i].work = (struct loop_work){.fn = job_fn, .done = job_done, .opaque = &j[i]};
        loop_work(loop, &j[i].work);
    }
    for (int i = 0; i < 50; i++) {
        turn_until(loop, &j[i].done);
        assert_false(pthread_equal(j[i].ran_on, pthread_self()));
    }
}

static void *stop_later(void *loop)
{
    usleep(20000);
    loop_stop(loop);
    return NULL;
}

static void test_stop(void **state)
{
    struct loop *loop = loop_of(state);
    loop_stop(loop);
    loop_run(loop); /* ends at once */
    pthread_t t;
    pthread_create(&t, NULL, stop_later, loop);
    loop_run(loop);
    pthread_join(t, NULL);
}

/* ---- Timers ---- */

struct alarm {
    struct timer timer;
    u64 fired_at, again;
    unsigned *order, place, calls;
    bool hit;
};

static void alarm_rings(void *opaque)
{
    struct alarm *a = opaque;
    a->fired_at = clock_now(a->timer.clock);
    a->calls++;
    a->hit = true;
    if (a->order)
        a->place = (*a->order)++;
    if (a->again)
        timer_set(&a->timer, a->fired_at + a->again);
}

static void test_timer_order(void **state)
{
    struct loop *loop = loop_of(state);
    struct clock clock;
    clock_init(&clock, CLOCK_KIND_REAL);
    enum { N = 64 };
    static struct alarm a[N];
    unsigned order = 0, seed = 5;
    u64 now = clock_now(&clock), at[N];
    for (int i = 0; i < N; i++) {
        a[i] = (struct alarm){.order = &order};
        timer_init(&a[i].timer, loop, &clock, alarm_rings, &a[i]);
        seed = seed * 1103515245 + 12345;
        at[i] = now + (seed >> 16) % 20000 * NS_PER_US / 10 * 10 + (u64)i;
        timer_set(&a[i].timer, now + 1); /* moved: only the second counts */
        timer_set(&a[i].timer, at[i]);
        assert_int_equal(timer_deadline(&a[i].timer), at[i]);
    }
    timer_del(&a[7].timer);
    assert_false(timer_pending(&a[7].timer));
    for (int i = 0; i < N; i++) {
        if (i != 7)
            turn_until(loop, &a[i].hit);
        assert_true(i == 7 || a[i].fired_at >= at[i]);
    }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            if (i != 7 && k != 7 && at[i] < at[k])
                assert_true(a[i].place < a[k].place);
    assert_int_equal(a[7].calls, 0);
    for (int i = 0; i < N; i++)
        timer_fini(&a[i].timer);
    clock_fini(&clock);
}

static void test_timer_late(void **state)
{
    struct loop *loop = loop_of(state);
    struct clock clock;
    clock_init(&clock, CLOCK_KIND_REAL);
    struct alarm a = {0};
    timer_init(&a.timer, loop, &clock, alarm_rings, &a);
    u64 start = clock_now(&clock);
    timer_set(&a.timer, start + 5 * NS_PER_MS);
    turn_until(loop, &a.hit);
    assert_in_range(a.fired_at - start, 5 * NS_PER_MS, 2 * NS_PER_SECOND);
    timer_set(&a.timer, 1); /* long past */
    a.hit = false;
    turn_until(loop, &a.hit);
    timer_fini(&a.timer);
    clock_fini(&clock);
}

/* A virtual clock's timers wait while it stands, and the start of the clock wakes a sleeping loop.
 */
static void *start_clock(void *clock)
{
    usleep(10000);
    clock_start(clock);
    return NULL;
}

static void test_timer_virtual(void **state)
{
    struct loop *loop = loop_of(state);
    struct clock clock;
    clock_init(&clock, CLOCK_KIND_VIRTUAL);
    struct alarm a = {0};
    timer_init(&a.timer, loop, &clock, alarm_rings, &a);
    timer_set(&a.timer, 0); /* due, but the clock stands */
    turns(loop, 5);
    assert_false(a.hit);
    timer_set(&a.timer, 3 * NS_PER_MS);
    pthread_t t;
    pthread_create(&t, NULL, start_clock, &clock);
    turn_until(loop, &a.hit);
    pthread_join(t, NULL);
    assert_true(a.fired_at >= 3 * NS_PER_MS);
    clock_stop(&clock);
    u64 stopped = clock_now(&clock);
    usleep(1000);
    assert_int_equal(clock_now(&clock), stopped);
    a.hit = false;
    timer_set(&a.timer, stopped + 1);
    timers_settle(loop, &clock);
    assert_false(a.hit);
    timer_set(&a.timer, stopped);
    timers_settle(loop, &clock);
    assert_true(a.hit);
    assert_false(timer_pending(&a.timer));
    timer_fini(&a.timer);
    clock_fini(&clock);
}

static u64 stepped(void *opaque)
{
    return atomic_load((_Atomic u64 *)opaque);
}

static void test_timer_source(void **state)
{
    struct loop *loop = loop_of(state);
    _Atomic u64 now = 500;
    struct clock clock;
    clock_init(&clock, CLOCK_KIND_VIRTUAL);
    clock_set_source(&clock, stepped, &now);
    clock_start(&clock);
    assert_int_equal(clock_now(&clock), 0);
    struct alarm a = {0};
    timer_init(&a.timer, loop, &clock, alarm_rings, &a);
    timer_set(&a.timer, 1000);
    now = 1499;
    clock_changed(&clock);
    turns(loop, 3);
    assert_false(a.hit);
    now = 1500;
    clock_changed(&clock);
    turn_until(loop, &a.hit);
    assert_int_equal(a.fired_at, 1000);
    timer_fini(&a.timer);
    clock_fini(&clock);
}

/* Another thread arms a timer that is earlier than what the loop sleeps for, and one it deletes
 * again. */
struct arming {
    struct alarm far, near, gone;
    struct clock *clock;
};

static void *arm_thread(void *opaque)
{
    struct arming *x = opaque;
    usleep(10000);
    timer_set(&x->gone.timer, clock_now(x->clock) + 20 * NS_PER_MS);
    timer_set(&x->near.timer, clock_now(x->clock) + NS_PER_MS);
    timer_del(&x->gone.timer);
    return NULL;
}

static void test_timer_threads(void **state)
{
    struct loop *loop = loop_of(state);
    struct clock clock;
    clock_init(&clock, CLOCK_KIND_REAL);
    struct arming x = {.clock = &clock};
    struct alarm *all[] = {&x.far, &x.near, &x.gone};
    for (int i = 0; i < 3; i++)
        timer_init(&all[i]->timer, loop, &clock, alarm_rings, all[i]);
    timer_set(&x.far.timer, clock_now(&clock) + 3600 * NS_PER_SECOND);
    pthread_t t;
    pthread_create(&t, NULL, arm_thread, &x);
    turn_until(loop, &x.near.hit);
    pthread_join(t, NULL);
    assert_int_equal(x.far.calls + x.gone.calls, 0);
    for (int i = 0; i < 3; i++)
        timer_fini(&all[i]->timer);
    clock_fini(&clock);
}

/* Timers set, deleted and finished by another thread while the loop fires them. */
static void *loop_thread(void *loop)
{
    loop_run(loop);
    return NULL;
}

static void test_timer_storm(void **state)
{
    struct loop *loop = loop_of(state);
    struct clock clock;
    clock_init(&clock, CLOCK_KIND_REAL);
    pthread_t t;
    pthread_create(&t, NULL, loop_thread, loop);
    for (int round = 0; round < 300; round++) {
        struct alarm *a = calloc(4, sizeof(*a));
        for (int i = 0; i < 4; i++) {
            a[i].again = i == 3 ? 10 : 0;
            timer_init(&a[i].timer, loop, &clock, alarm_rings, &a[i]);
            timer_set(&a[i].timer, clock_now(&clock) + (u64)i * 20 * NS_PER_US);
        }
        timer_del(&a[1].timer);
        if (round % 4 == 0)
            usleep(100);
        for (int i = 0; i < 4; i++)
            timer_fini(&a[i].timer);
        free(a); /* no callback may touch it now */
    }
    loop_stop(loop);
    pthread_join(t, NULL);
    clock_fini(&clock);
}

/* ---- Clocks ---- */

static void test_clock(void **state)
{
    struct clock c;
    clock_init(&c, CLOCK_KIND_VIRTUAL);
    assert_int_equal(clock_now(&c), 0);
    clock_set(&c, 77 * NS_PER_SECOND);
    assert_int_equal(clock_now(&c), 77 * NS_PER_SECOND);
    clock_start(&c);
    clock_start(&c);
    u64 a = clock_now(&c);
    usleep(2000);
    u64 b = clock_now(&c);
    assert_in_range(b - a, 2 * NS_PER_MS, 2 * NS_PER_SECOND);
    clock_set(&c, 5);
    assert_true(clock_now(&c) < NS_PER_SECOND);
    clock_fini(&c);
    clock_init(&c, CLOCK_KIND_HOST);
    assert_in_range(clock_now(&c) - host_realtime_ns() + NS_PER_SECOND, 0, NS_PER_SECOND);
    clock_set(&c, 0);
    assert_true(clock_now(&c) < NS_PER_SECOND);
    clock_fini(&c);
}

struct clock_readers {
    struct clock clock;
    _Atomic bool end;
    _Atomic unsigned backwards;
};

static void *clock_reader(void *opaque)
{
    struct clock_readers *r = opaque;
    for (u64 last = 0; !r->end;) {
        u64 now = clock_now(&r->clock);
        if (now < last)
            r->backwards++;
        last = now;
    }
    return NULL;
}

static void test_clock_threads(void **state)
{
    struct clock_readers r = {0};
    clock_init(&r.clock, CLOCK_KIND_VIRTUAL);
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, clock_reader, &r);
    for (int i = 0; i < 2000; i++) {
        clock_start(&r.clock);
        clock_stop(&r.clock);
    }
    r.end = true;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(r.backwards, 0);
    clock_fini(&r.clock);
}

/* ---- Epochs: the loop frees what was retired, once no reader is left ---- */

static void test_epoch(void **state)
{
    struct epoch e;
    epoch_init(&e);
    struct loop *loop = loop_create(&(struct loop_config){.epoch = &e, .force_poll = true}, NULL);
    bool freed = false, ran = false;
    struct epoch_thread vcpu;
    epoch_register(&e, &vcpu);
    epoch_online(&e, &vcpu);
    epoch_retire(&e, &freed, set_flag);
    loop_post(loop, set_flag, &ran);
    turns(loop, 3);
    assert_true(ran);
    assert_false(freed);
    epoch_quiescent(&e, &vcpu);
    turns(loop, 1);
    assert_true(freed);
    epoch_unregister(&e, &vcpu);
    loop_destroy(loop);
    epoch_fini(&e);
}

/* ---- The fallback ---- */

/* In a child that may not use io_uring: the loop says so, and works by poll. */
static int refused_child(const char *log_path)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (!ctx || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(io_uring_setup), 0) ||
        seccomp_load(ctx))
        return 77;
    seccomp_release(ctx);
    struct log log;
    struct err err;
    log_init(&log);
    if (log_set_file(&log, log_path, &err))
        return 2;
    struct loop *loop = loop_create(&(struct loop_config){.log = &log, .name = "main"}, &err);
    if (!loop || strcmp(loop_engine(loop), "poll"))
        return 3;
    bool ran = false;
    loop_post(loop, set_flag, &ran);
    loop_turn(loop, true);
    loop_destroy(loop);
    log_fini(&log);
    return ran ? 0 : 4;
}

static void test_refused(void **state)
{
    char path[] = "/tmp/guise-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    pid_t pid = fork();
    if (!pid)
        _exit(refused_child(path));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    char text[300] = "";
    assert_true(read(fd, text, sizeof(text) - 1) >= 0);
    close(fd);
    unlink(path);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_non_null(strstr(text, "loop 'main': the host refuses io_uring"));
    assert_non_null(strstr(text, "using poll"));
}

static void *synchronize(void *epoch)
{
    epoch_synchronize(epoch);
    return NULL;
}

struct waits {
    struct loop *loop;
    struct epoch *epoch;
};

/* A callback waits for a thread that waits for every reader of the epochs, the loop's included. */
static void wait_for_synchronizer(void *opaque)
{
    struct waits *w = opaque;
    pthread_t thread;
    loop_wait_begin(w->loop);
    assert_int_equal(pthread_create(&thread, NULL, synchronize, w->epoch), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    loop_wait_end(w->loop);
}

static void test_wait_in_callback(void **state)
{
    struct epoch e;
    epoch_init(&e);
    struct waits w = {.epoch = &e};
    w.loop = loop_create(&(struct loop_config){.epoch = &e, .force_poll = true}, NULL);
    loop_post(w.loop, wait_for_synchronizer, &w);
    loop_turn(w.loop, false);
    wait_for_synchronizer(&w); /* outside of a turn: nobody is a reader, nothing changes */
    loop_destroy(w.loop);
    epoch_fini(&e);
}

static void test_engine_name(void **state)
{
    struct loop *uring = loop_create(NULL, NULL);
    struct loop *poll = loop_create(&(struct loop_config){.force_poll = true}, NULL);
    print_message("[          ] this host's engine: %s\n", loop_engine(uring));
    assert_string_equal(loop_engine(poll), "poll");
    loop_destroy(uring);
    loop_destroy(poll);
}

#define BOTH(fn)                                                                                   \
    {#fn ", io_uring", fn, setup_uring, teardown, NULL},                                           \
    {                                                                                              \
#fn ", poll", fn, setup_poll, teardown, NULL                                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_watch_level),
        BOTH(test_watch_write),
        BOTH(test_watch_remove_other),
        BOTH(test_watch_many),
        BOTH(test_watch_bad),
        BOTH(test_watch_nested),
        BOTH(test_file),
        BOTH(test_file_many),
        BOTH(test_task),
        BOTH(test_post_threads),
        BOTH(test_work),
        BOTH(test_stop),
        BOTH(test_timer_order),
        BOTH(test_timer_late),
        BOTH(test_timer_virtual),
        BOTH(test_timer_source),
        BOTH(test_timer_threads),
        BOTH(test_timer_storm),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_clock_threads),
        cmocka_unit_test(test_epoch),
        cmocka_unit_test(test_wait_in_callback),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_engine_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
