/*
 * timer.c - counters (Zicntr, mcycle, minstret) and the supervisor timer (Sstc).
 *
 * time is the board's mtime. cycle and instret both count the virtual clock's nanoseconds, as a
 * machine of 1 GHz and one instruction a cycle would.
 *
 * Locking: stimer_lock guards the pair {stimecmp, STCE -> STIP wire and timer}: the hart's thread
 * writes them, the timer's callback and riscv_cpu_time_changed look at them from the loop's and
 * other threads.
 */
#include "isa/riscv/riscv.h"

/* ---- Time ------------------------------------------------------------------------------------ */

enum { DEFAULT_TICK_NS = 100 }; /* 10 MHz */

static u64 default_now(void *opaque)
{
    return clock_now(opaque) / DEFAULT_TICK_NS;
}

static u64 default_deadline(void *opaque, u64 ticks)
{
    return ticks > UINT64_MAX / DEFAULT_TICK_NS ? UINT64_MAX : ticks * DEFAULT_TICK_NS;
}

u64 riscv_time(const struct riscv_cpu *rv)
{
    return rv->time.now(rv->time.opaque);
}

/* ---- Counters -------------------------------------------------------------------------------- */

/* counter[] index of the number in mcountinhibit's bits: 0 cycle, 2 instret. */
static unsigned counter_index(unsigned n)
{
    return n / 2;
}

static u64 counter_clock(const struct riscv_cpu *rv)
{
    return clock_now(rv->cpu.host->clock);
}

u64 riscv_counter_read(const struct riscv_cpu *rv, unsigned n)
{
    u64 v = rv->counter[counter_index(n)];
    return rv->mcountinhibit >> n & 1 ? v : v + counter_clock(rv);
}

void riscv_counter_write(struct riscv_cpu *rv, unsigned n, u64 value)
{
    rv->counter[counter_index(n)] = rv->mcountinhibit >> n & 1 ? value : value - counter_clock(rv);
}

void riscv_counter_inhibit(struct riscv_cpu *rv, u64 inhibit)
{
    u64 cycle = riscv_counter_read(rv, 0), instret = riscv_counter_read(rv, 2);
    rv->mcountinhibit = inhibit & 5;
    riscv_counter_write(rv, 0, cycle);
    riscv_counter_write(rv, 2, instret);
}

/* ---- Sstc ------------------------------------------------------------------------------------ */

/* Brings the STIP wire up to date; lock held. Returns the deadline to wait for. */
static u64 stimer_compare(struct riscv_cpu *rv)
{
    if (!riscv_cpu_has(rv, RISCV_EXT_SSTC))
        return UINT64_MAX; /* the wire is somebody else's */
    bool on = rv->menvcfg & ENVCFG_STCE;
    bool due = on && riscv_time(rv) >= rv->stimecmp;
    riscv_set_irq(&rv->cpu, RISCV_IRQ_STI, due);
    return on && !due ? rv->time.deadline_ns(rv->time.opaque, rv->stimecmp) : UINT64_MAX;
}

void riscv_stimer_update(struct riscv_cpu *rv)
{
    pthread_mutex_lock(&rv->stimer_lock);
    u64 deadline = stimer_compare(rv);
    if (rv->has_stimer)
        timer_restore(&rv->stimer, deadline);
    pthread_mutex_unlock(&rv->stimer_lock);
}

static void stimer_expired(void *opaque)
{
    riscv_stimer_update(opaque);
}

void riscv_stimer_set(struct riscv_cpu *rv, u64 stimecmp)
{
    pthread_mutex_lock(&rv->stimer_lock);
    rv->stimecmp = stimecmp;
    pthread_mutex_unlock(&rv->stimer_lock);
    riscv_stimer_update(rv);
}

void riscv_stimer_init(struct riscv_cpu *rv)
{
    const struct cpu_host *host = rv->cpu.host;
    pthread_mutex_init(&rv->stimer_lock, NULL);
    rv->time = (struct riscv_timebase){
        .now = default_now, .deadline_ns = default_deadline, .opaque = host->clock};
    rv->stimecmp = UINT64_MAX;
    if (host->loop) {
        timer_init(&rv->stimer, host->loop, host->clock, stimer_expired, rv);
        rv->has_stimer = true;
    }
}

void riscv_stimer_fini(struct riscv_cpu *rv)
{
    if (rv->has_stimer)
        timer_fini(&rv->stimer);
    pthread_mutex_destroy(&rv->stimer_lock);
}

/* ---- For boards ------------------------------------------------------------------------------ */

void riscv_cpu_set_timebase(struct cpu *cpu, const struct riscv_timebase *time)
{
    riscv_cpu(cpu)->time = *time;
    riscv_stimer_update(riscv_cpu(cpu));
}

void riscv_cpu_time_changed(struct cpu *cpu)
{
    riscv_stimer_update(riscv_cpu(cpu));
}
