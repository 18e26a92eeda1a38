/* Rows about floating point: five bodies in double (division, root, multiply-add), matrices in float. */
#include <math.h>
#include <string.h>
#include "gbench.h"

struct body {
    double x[3], v[3], mass;
};

enum { BODIES = 5, SIDE = 64 };

static void attract(struct body *a, struct body *b, double dt)
{
    double d[3], square = 0, pull;

    for (int k = 0; k < 3; k++) {
        d[k] = a->x[k] - b->x[k];
        square += d[k] * d[k];
    }
    pull = dt / (square * sqrt(square));
    for (int k = 0; k < 3; k++) {
        a->v[k] -= d[k] * b->mass * pull;
        b->v[k] += d[k] * a->mass * pull;
    }
}

uint64_t row_double(long count)
{
    struct body bodies[BODIES];
    uint64_t sum = 0;

    for (int i = 0; i < BODIES; i++) {
        bodies[i] = (struct body){.x = {i * 4.8 + 1, i * 1.3 - 2, i * 0.4},
                                  .v = {0.1 * i, 0.5 - 0.1 * i, 0.01},
                                  .mass = i ? 0.04 / i : 39.5};
    }
    for (long round = 0; round < count; round++) {
        for (int i = 0; i < BODIES; i++) {
            for (int j = i + 1; j < BODIES; j++) {
                attract(&bodies[i], &bodies[j], 0.001);
            }
        }
        for (int i = 0; i < BODIES; i++) {
            for (int k = 0; k < 3; k++) {
                bodies[i].x[k] += 0.001 * bodies[i].v[k];
            }
        }
    }
    for (int i = 0; i < BODIES; i++) {
        uint64_t bits;

        memcpy(&bits, &bodies[i].x[0], sizeof bits);
        sum = mix(sum, bits);
    }
    return sum;
}

static void multiply(float (*out)[SIDE], float (*a)[SIDE], float (*b)[SIDE])
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            float total = 0;

            for (int k = 0; k < SIDE; k++) {
                total += a[i][k] * b[k][j];
            }
            out[i][j] = total;
        }
    }
}

uint64_t row_float(long count)
{
    static float a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
    uint64_t state = 5, sum = 0;

    for (long round = 0; round < count; round++) {
        for (int i = 0; i < SIDE * SIDE; i++) {
            a[i / SIDE][i % SIDE] = (int)(next_random(&state) % 2001) - 1000;
            b[i / SIDE][i % SIDE] = (float)(next_random(&state) >> 40) / 16777216.0f;
        }
        multiply(c, a, b);
        for (int i = 0; i < SIDE; i++) {
            float value = c[i][(i + round) % SIDE];

            sum = mix(sum, value > 0 ? (uint64_t)(value * 16) : (uint64_t)(-value));
        }
    }
    return sum;
}
