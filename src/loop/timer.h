/*
 * timer.h - calls back on a loop's thread when a clock has reached a deadline.
 *
 * timer_set and timer_del may be called by any thread (vCPUs arm timers). The callback runs on the
 * loop's thread, once for each timer_set; it may set its own timer again. Races, by rule:
 *  - timer_set on a pending timer moves it; only the new deadline counts.
 *  - timer_del (and timer_set) by another thread does not wait: a callback that has already begun
 * goes on. A callback that must not act on a stale timer compares clock_now with the deadline it
 * wants, under its device's lock.
 *  - After timer_del on the loop's own thread the callback does not run.
 *  - timer_fini waits for a running callback, except when called on the loop's thread; afterwards
 * the memory may go. The caller holds no lock that the callback takes.
 */
#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include "base/base.h"
#include "loop/clock.h"

struct loop;
struct timer {
    struct loop *loop;
    struct clock *clock;
    void (*fn)(void *opaque);
    void *opaque;
    struct timer_heap *heap; /* the loop's for this clock */
    u64 deadline;
    u32 index; /* place in the heap + 1; 0: not pending */
};

void timer_init(struct timer *t, struct loop *loop, struct clock *clock, void (*fn)(void *opaque),
                void *opaque);
void timer_fini(struct timer *t);
/* At deadline_ns by the timer's clock; in the past: as soon as the loop turns. */
void timer_set(struct timer *t, u64 deadline_ns);
void timer_del(struct timer *t);
bool timer_pending(const struct timer *t);
/* The deadline, or UINT64_MAX when it is not pending: what a state table saves. */
u64 timer_deadline(const struct timer *t);
/* timer_set, or timer_del when deadline_ns is UINT64_MAX: the inverse of timer_deadline. */
void timer_restore(struct timer *t, u64 deadline_ns);
/* Runs what was due when the clock stopped and the loop had not come to: then wires say what the clock says, and a state
 * that is saved now agrees with what loading computes from it. Once each; loop's thread. */
void timers_settle(struct loop *loop, const struct clock *clock);

#endif
