/*
 * host_crash.c - what the process says when it dies of a bug: signal, address, thread and host
 * stack on standard error, so that a report of a crash that nobody can repeat has something in it.
 *
 * A signal handler: only what is safe there, no allocation, no stdio. Addresses in the program are
 * printed as offsets that addr2line understands (backtrace_symbols_fd); those in translated code
 * have no name and are printed as they are. Invariant: what the stack's walk may fail on comes
 * after what must be said.
 */
#include "base/host.h"

#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

static void say(const char *text)
{
    ssize_t r = write(STDERR_FILENO, text, strlen(text));
    (void)r;
}

static void say_hex(u64 v)
{
    char text[19] = "0x";
    for (unsigned i = 0; i < 16; i++)
        text[2 + i] = "0123456789abcdef"[v >> (60 - 4 * i) & 15];
    say(text);
}

static void crash_handler(int number, siginfo_t *info, void *context)
{
    const ucontext_t *at = context;
    void *stack[48];
    char thread[16] = "";
    prctl(PR_GET_NAME, thread);
    say("guise: internal error: ");
    say(strsignal(number));
    say(" in thread '");
    say(thread);
    say("', address ");
    say_hex((uintptr_t)info->si_addr);
#ifdef __x86_64__
    say(", at ");
    say_hex((u64)at->uc_mcontext.gregs[REG_RIP]);
#endif
    say("\n");
    backtrace_symbols_fd(stack, backtrace(stack, ARRAY_SIZE(stack)), STDERR_FILENO);
    raise(number); /* SA_RESETHAND: the default effect, when the handler returns */
}

void host_report_crashes(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    void *warm[1];
    backtrace(warm, 1); /* loads what it needs now rather than in the handler */
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct sigaction old, action = {.sa_sigaction = crash_handler,
                                        .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER)};
        if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_DFL)
            sigaction(numbers[i], &action, NULL);
    }
}
