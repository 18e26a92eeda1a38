/* Rows about memory: chasing pointers, plain loops over arrays, and the C library's string functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gbench.h"

struct node {
    struct node *next;
    uint64_t value[7];
};

/* One random cycle through all nodes (Sattolo's shuffle). */
static struct node *make_cycle(size_t count, uint64_t *state)
{
    struct node *nodes = calloc(count, sizeof *nodes);
    uint32_t *order = malloc(count * sizeof *order);

    if (!nodes || !order) {
        bench_fail("chase");
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
        nodes[i].value[i % 7] = next_random(state);
    }
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = next_random(state) % i;
        uint32_t swapped = order[i];

        order[i] = order[j];
        order[j] = swapped;
    }
    for (size_t i = 0; i < count; i++) {
        nodes[order[i]].next = &nodes[order[(i + 1) % count]];
    }
    free(order);
    return nodes;
}

static uint64_t walk(const struct node *node, long steps)
{
    uint64_t sum = 0;

    for (; steps > 0; steps--) {
        sum = mix(sum, node->value[3]);
        node = node->next;
    }
    return sum;
}

/* A small ring that stays in every cache, and one of 16 MiB that leaves them and any TLB. */
uint64_t row_chase(long count)
{
    uint64_t state = 4711, sum = 0;
    struct node *small = make_cycle(2048, &state);
    struct node *large = make_cycle(256 * 1024, &state);

    for (long round = 0; round < count; round++) {
        sum = mix(sum, walk(small, 400000));
        sum = mix(sum, walk(large, 256 * 1024));
    }
    free(small);
    free(large);
    return sum;
}

enum { WORDS = 128 * 1024 };

uint64_t row_memory(long count)
{
    uint64_t *a = malloc(WORDS * sizeof *a), *b = malloc(WORDS * sizeof *b), sum = 0;
    uint8_t *bytes = (uint8_t *)b;

    if (!a || !b) {
        bench_fail("memory");
    }
    for (long round = 0; round < count; round++) {
        for (long i = 0; i < WORDS; i++) {
            a[i] = i * 3 + round;
            __asm__ volatile(""); /* a loop stays a loop, not a call of memset or memcpy */
        }
        for (long i = 0; i < WORDS; i++) {
            b[i] = a[i];
            __asm__ volatile("");
        }
        for (long i = 0; i < WORDS; i++) {
            sum += b[i];
        }
        for (long i = 0; i < WORDS; i++) {
            bytes[i] = bytes[i * 8] + bytes[i * 4 + 1];
        }
        sum = mix(sum, bytes[round % WORDS]);
    }
    free(a);
    free(b);
    return sum;
}

enum { LINES = 1000, LINE_SIZE = 80 };

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

uint64_t row_string(long count)
{
    static char text[LINES][LINE_SIZE], copy[LINES * LINE_SIZE];
    char *lines[LINES];
    uint64_t state = 31337, sum = 0;

    for (long round = 0; round < count; round++) {
        for (int i = 0; i < LINES; i++) {
            uint64_t r = next_random(&state);

            memset(text[i], 'a' + r % 3, 40);
            snprintf(text[i] + r % 40, 40, "%d:%08x", i, (unsigned)(r >> 32));
            lines[i] = text[i];
        }
        qsort(lines, LINES, sizeof *lines, compare_lines);
        size_t used = 0;
        for (int i = 0; i < LINES; i++) {
            size_t length = strlen(lines[i]);

            memcpy(copy + used, lines[i], length);
            copy[used + length] = '\n';
            used += length + 1;
        }
        copy[used - 1] = 0;
        for (char *at = copy; (at = strchr(at, '\n')); at++) {
            sum = mix(sum, at - copy);
        }
        sum = mix(sum, (uint64_t)strstr(copy, ":") - (uint64_t)copy + !!memchr(copy, '~', used));
    }
    return sum;
}
