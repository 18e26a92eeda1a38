/*
 * clock.h - what time it is: nanoseconds as u64, by kind of clock.
 *
 *   CLOCK_KIND_REAL     the host's monotonic clock; never stops
 *   CLOCK_KIND_VIRTUAL  the guest's: counts from 0, stops while the machine is stopped, is saved
 * and restored CLOCK_KIND_HOST     wall-clock time since 1970, for -rtc; may jump
 *
 * A clock may be given a source: a function that says what the monotonic time is, in place of the
 * host's (counted instructions, a test that steps time). Whoever advances a source calls
 * clock_changed afterwards.
 *
 * clock_now takes no lock and may be called by any thread: a sequence counter guards the virtual
 * clock's {running, offset}. clock_start, clock_stop, clock_set and clock_set_source are serialised
 * by the clock's lock.
 */
#ifndef LOOP_CLOCK_H
#define LOOP_CLOCK_H

#include <pthread.h>
#include "base/base.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)
#define NS_PER_US     UINT64_C(1000)

enum clock_kind { CLOCK_KIND_REAL, CLOCK_KIND_VIRTUAL, CLOCK_KIND_HOST };

struct clock_listener; /* a loop with timers on this clock */
struct clock {
    enum clock_kind kind;
    _Atomic u32 seq; /* odd while {running, offset, source} change */
    _Atomic bool running;
    _Atomic u64 offset; /* running: time = source + offset; stopped: time = offset */
    u64 (*_Atomic source)(void *opaque); /* NULL: the host's clock of this kind */
    void *_Atomic source_opaque;
    pthread_mutex_t lock;
    struct clock_listener *listeners;
};

/* Real and host clocks run at once; a virtual clock stands at 0 until clock_start. */
void clock_init(struct clock *c, enum clock_kind kind);
void clock_fini(struct clock *c);
u64 clock_now(const struct clock *c);
bool clock_running(const struct clock *c);
/* Virtual clocks only. Both are harmless when it is so already. */
void clock_start(struct clock *c);
void clock_stop(struct clock *c);
/* Sets the time of a virtual clock (running or not), or shifts a host clock (-rtc base=). */
void clock_set(struct clock *c, u64 ns);
/* The time goes on without a jump from what it is now. NULL: back to the host's clock. */
void clock_set_source(struct clock *c, u64 (*source)(void *opaque), void *opaque);
/* A source has moved: loops look at their timers again. Any thread. */
void clock_changed(struct clock *c);

#endif
