/*
 * host_sampler.c - looks at a thread now and then while it runs: a timer of its CPU time, whose
 * signal a handler on that thread answers.
 *
 * The signal is SIGPROF, and the timer's own value says whose it is, so there is nothing global but
 * that the process has a handler. A timer of CPU time goes off when the host's clock ticks; what it
 * missed in between is in the signal.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/host.h"

enum { PERIOD_NS = 1000000 };

static uintptr_t interrupted_pc(const ucontext_t *at)
{
#ifdef __x86_64__
    return (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#else
    (void)at;
    return 0;
#endif
}

/* Signals that others sent are not the timer's, and have no effect. */
static void sampler_handler(int number, siginfo_t *info, void *context)
{
    const struct host_sampler *s = info->si_value.sival_ptr;
    (void)number;
    if (info->si_code == SI_TIMER)
        s->see(s->opaque, interrupted_pc(context), PERIOD_NS * (1 + (u64)info->si_overrun));
}

int host_sampler_prepare(struct err *err)
{
    struct sigaction old,
        action = {.sa_sigaction = sampler_handler, .sa_flags = (int)(SA_SIGINFO | SA_RESTART)};
    if (sigaction(SIGPROF, NULL, &old))
        return err_set_errno(err, errno, "asking for the handler of SIGPROF");
    if (old.sa_flags & SA_SIGINFO && old.sa_sigaction == sampler_handler)
        return 0;
    if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN)
        return err_set(err, EBUSY, "SIGPROF is in use by another profiler of this process");
    return sigaction(SIGPROF, &action, NULL)
               ? err_set_errno(err, errno, "setting the handler of SIGPROF")
               : 0;
}

int host_sampler_start(struct host_sampler *s)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF, .sigev_value.sival_ptr = s};
    struct itimerspec every = {.it_interval.tv_nsec = PERIOD_NS, .it_value.tv_nsec = PERIOD_NS};
    timer_t timer;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer))
        return -errno;
    s->timer = timer;
    s->on = true;
    return timer_settime(timer, 0, &every, NULL) ? -errno : 0;
}

void host_sampler_stop(struct host_sampler *s)
{
    if (s->on)
        timer_delete(s->timer);
    s->on = false;
}
