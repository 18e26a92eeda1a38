/*
 * gbench ROW [COUNT [COPIES]]: runs one row, in several processes at once when told so, and frames it with two lines on the console, between which the harness
 * measures. The pauses let it take its sample while the guest is idle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gbench.h"

/* Counts are chosen so that a row takes the peer 2 to 4 CPU seconds. */
static const struct row {
    const char *name;
    row_fn *run;
    long count;
} rows[] = {
    {"integer", row_integer, 16000},
    {"branches", row_branches, 500000},
    {"calls", row_calls, 450},
    {"indirect", row_indirect, 1200},
    {"interpreter", row_interpreter, 450},
    {"chase", row_chase, 28},
    {"double", row_double, 1700000},
    {"float", row_float, 1200},
    {"vector", row_vector, 25000},
    {"lanes", row_lanes, 90000},
    {"blocks", row_blocks, 160000},
    {"memory", row_memory, 2200},
    {"string", row_string, 950},
    {"syscalls", row_syscalls, 1200000},
    {"faults", row_faults, 220},
    {"fork", row_fork, 500},
    {"pipes", row_pipes, 18000},
    {"threads", row_threads, 10000},
    {"signals", row_signals, 90000},
    {"code", row_code, 8000},
};

void bench_fail(const char *what)
{
    fflush(stdout);
    perror(what);
    exit(1);
}

/* Says the line and waits for an answer: whoever measures has then read the clock, however late it was. */
static void mark(const char *line)
{
    char answer[8];
    printf("%s\n", line);
    fflush(stdout);
    if (!fgets(answer, sizeof answer, stdin)) {
        bench_fail("no answer");
    }
}

/* The row in COPIES processes; this one is the last of them. */
static uint64_t run_copies(const struct row *row, long count, long copies)
{
    uint64_t sum;
    int status;

    for (long i = 1; i < copies; i++) {
        pid_t child = fork();
        if (child < 0) {
            bench_fail("fork");
        }
        if (!child) {
            row->run(count);
            _exit(0);
        }
    }
    sum = row->run(count);
    for (long i = 1; i < copies; i++) {
        if (wait(&status) < 0 || status) {
            bench_fail("a copy");
        }
    }
    return sum;
}

static int run_row(const struct row *row, long count, long copies)
{
    char line[100];
    uint64_t sum;

    snprintf(line, sizeof line, "gbench: begin %s %ld", row->name, count);
    mark(line);
    sum = run_copies(row, count, copies);
    snprintf(line, sizeof line, "gbench: end %s %016llx", row->name, (unsigned long long)sum);
    mark(line);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && !strcmp(argv[1], "nothing")) { /* what the row fork executes */
        return 7;
    }
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (argc >= 2 && !strcmp(argv[1], rows[i].name)) {
            return run_row(&rows[i], argc >= 3 ? atol(argv[2]) : rows[i].count,
                           argc >= 4 ? atol(argv[3]) : 1);
        }
        if (argc < 2) {
            printf("%s\n", rows[i].name);
        }
    }
    return argc < 2 ? 0 : 2;
}
