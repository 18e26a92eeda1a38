/* Rows that are mostly the guest's kernel: system calls, page faults, processes, pipes, threads, signals. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gbench.h"

uint64_t row_syscalls(long count)
{
    uint64_t sum = 0;
    char byte = 1;
    int zero = open("/dev/zero", O_RDONLY);

    if (zero < 0) {
        bench_fail("/dev/zero");
    }
    for (long round = 0; round < count; round++) {
        sum += syscall(SYS_getppid) > 0;
        if (round % 4 == 0) {
            sum += read(zero, &byte, 1) + byte;
        }
    }
    close(zero);
    return sum;
}

enum { PAGE = 4096, PAGES = 1024 };

uint64_t row_faults(long count)
{
    uint64_t sum = 0;

    for (long round = 0; round < count; round++) {
        volatile char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED) {
            bench_fail("mmap");
        }
        madvise((void *)memory, PAGES * PAGE, MADV_NOHUGEPAGE);
        for (int page = 0; page < PAGES; page++) {
            memory[page * PAGE] = page + round;
        }
        for (int page = 0; page < PAGES; page += 37) {
            sum = mix(sum, memory[page * PAGE]);
        }
        munmap((void *)memory, PAGES * PAGE);
    }
    return sum;
}

uint64_t row_fork(long count)
{
    uint64_t sum = 0;

    for (long round = 0; round < count; round++) {
        pid_t child = fork();
        int status = 0;

        if (child == 0) {
            execl("/proc/self/exe", "gbench", "nothing", (char *)NULL);
            _exit(99);
        }
        if (child < 0 || waitpid(child, &status, 0) != child) {
            bench_fail("fork");
        }
        sum = mix(sum, WEXITSTATUS(status));
    }
    return sum;
}

static void echo_back(int in, int out)
{
    uint64_t value;

    while (read(in, &value, sizeof value) == sizeof value) {
        value = value * 3 + 1;
        if (write(out, &value, sizeof value) != sizeof value) {
            break;
        }
    }
    _exit(0);
}

uint64_t row_pipes(long count)
{
    int to[2], from[2];
    uint64_t value = 1;
    pid_t child;

    if (pipe(to) || pipe(from) || (child = fork()) < 0) {
        bench_fail("pipes");
    }
    if (child == 0) {
        close(to[1]);
        close(from[0]);
        echo_back(to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    for (long round = 0; round < count; round++) {
        if (write(to[1], &value, sizeof value) != sizeof value ||
            read(from[0], &value, sizeof value) != sizeof value) {
            bench_fail("pipe");
        }
    }
    close(to[1]);
    waitpid(child, NULL, 0);
    return value;
}

/* Two threads that compute apart, meet at a mutex, and add to one counter. */
static struct shared {
    pthread_mutex_t lock;
    atomic_ulong counter;
    uint64_t guarded;
    long count;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *thread_work(void *argument)
{
    uint64_t state = (uintptr_t)argument;

    for (long round = 0; round < shared.count; round++) {
        for (int i = 0; i < 20000; i++) {
            next_random(&state);
            if (i % 16 == 0) {
                atomic_fetch_add(&shared.counter, state & 15);
            }
        }
        for (int i = 0; i < 200; i++) {
            pthread_mutex_lock(&shared.lock);
            shared.guarded += next_random(&state) & 255;
            pthread_mutex_unlock(&shared.lock);
        }
    }
    return (void *)state;
}

uint64_t row_threads(long count)
{
    pthread_t threads[2];
    uint64_t sum = 0;

    shared.count = count;
    for (uintptr_t i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, thread_work, (void *)(i * 2 + 77))) {
            bench_fail("threads");
        }
    }
    for (int i = 0; i < 2; i++) {
        void *state;

        pthread_join(threads[i], &state);
        sum = mix(sum, (uintptr_t)state);
    }
    return mix(mix(sum, shared.counter), shared.guarded);
}

static volatile sig_atomic_t signals_seen;
static char *guarded_page;

static void on_user(int signal)
{
    signals_seen += signal == SIGUSR1;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    if (info->si_addr != guarded_page || mprotect(guarded_page, PAGE, PROT_READ | PROT_WRITE)) {
        _exit(98);
    }
}

uint64_t row_signals(long count)
{
    struct sigaction user = {.sa_handler = on_user};
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    uint64_t sum = 0;

    guarded_page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded_page == MAP_FAILED || sigaction(SIGUSR1, &user, NULL) ||
        sigaction(SIGSEGV, &fault, NULL)) {
        bench_fail("signals");
    }
    for (long round = 0; round < count; round++) {
        raise(SIGUSR1);
        if (round % 8 == 0) {
            mprotect(guarded_page, PAGE, PROT_READ);
            *(volatile char *)guarded_page = round;
            sum = mix(sum, *(volatile char *)guarded_page);
        }
    }
    return mix(sum, signals_seen);
}
