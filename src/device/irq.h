/*
 * irq.h - a wire as a value: any device can drive any controller.
 *
 * The sink's set function must accept calls from any thread and be idempotent: level 0 or 1. An
 * unconnected wire has set NULL.
 */
#ifndef DEVICE_IRQ_H
#define DEVICE_IRQ_H

#include "base/base.h"

struct irq {
    void (*set)(void *sink, unsigned n, int level);
    void *sink;
    unsigned n;
};

static inline void irq_set(struct irq irq, int level)
{
    if (irq.set)
        irq.set(irq.sink, irq.n, level);
}

#endif
