/*
 * device.h - what a device is: one description from which options, help, snapshots, reset, wiring,
 * device tree and tests are made.
 *
 * A device is one .c file that defines `const struct device_type NAME = {...}`; being in the folder
 * registers it (tools/registry.py). It does not know where it sits nor for whom: registers are
 * regions with offsets, interrupts are wires, memory is the DMA space in its host.
 *
 * Life: device_new -> options -> device_realize -> device_reset ... -> device_free. All on the main
 * thread; register accesses come from any vCPU thread with host->lock held (mem_io's lock), timer
 * and I/O callbacks on the loop's thread take host->lock themselves.
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <pthread.h>
#include <stdio.h>
#include "base/base.h"
#include "base/err.h"
#include "base/log.h"
#include "base/option.h"
#include "device/irq.h"
#include "memory/memory.h"
#include "state/state.h"

struct block;
struct chardev;
struct clock;
struct device;
struct loop;
struct netdev;

/* What a device may ask of the machine; any thread. */
enum device_request {
    DEVICE_POWER_OFF, /* code: the process's exit status */
    DEVICE_RESET,
    DEVICE_PANIC, /* the guest said it cannot go on; code as power off */
};

/* Services a device sees; given by the machine, outlives the device. */
struct device_host {
    struct loop *loop;
    struct clock *clock; /* virtual: stops with the machine */
    struct clock *rtc;   /* wall clock as -rtc has it, ns since 1970 */
    struct memory *memory;
    struct mem_space
        *dma; /* what devices read and write; the board fills it: use at run time only */
    struct log *log;
    pthread_mutex_t *lock; /* the machine's device lock */
    void (*request)(void *opaque, enum device_request what, int code);
    /* Backends by id, as -device ...,chardev=ID names them; NULL: there is none of that name. Main
     * thread. */
    struct chardev *(*chardev)(void *opaque, const char *id);
    struct netdev *(*netdev)(void *opaque, const char *id);
    struct block *(*block)(void *opaque, const char *id);
    void *opaque;
};

/* How the device looks in a device tree; the board adds reg and interrupts. */
struct device_fdt {
    const char *node;       /* "serial"; NULL: no node of its own */
    const char *compatible; /* entries separated by and ended with NUL, as "a\0b\0" */
    u32 compatible_size;    /* with every NUL: sizeof of the literal */
    /* Further properties, by libfdt, whose error it returns; may be NULL. */
    int (*extra)(struct device *d, void *fdt, int node);
};
#define DEVICE_COMPATIBLE(text) .compatible = (text), .compatible_size = sizeof(text)

struct device_type {
    const char *name, *help;
    u32 size;             /* of the struct that begins with struct device */
    const char *family;   /* of architectures whose boards alone have it ("arm"); NULL: any */
    const char *bus;      /* kind of bus it plugs into ("virtio"); NULL: placed by the board only */
    const char *provides; /* kind of bus that plugs into it; NULL: none */
    const char *carries;  /* type of the device that each comes with; NULL: none */
    const struct option *options;    /* into the struct; NULL: none */
    const struct state_table *state; /* of the struct; NULL: stateless */
    bool is_newer; /* than boards that have it: a state saved without it loads, it is as reset */
    u32 mmio_count, mmio_offset; /* struct mem_region array in the struct, made by realize */
    u32 irq_count, irq_offset;   /* struct irq array: outputs */
    u32 input_count;             /* inputs */
    void (*input)(void *dev, unsigned n, int level);
    int (*realize)(struct device *d, struct err *err);
    void (*unrealize)(
        struct device *d); /* also after a failed realize: what is zero was not made */
    void (*reset)(struct device *d);
    int (*plug)(struct device *bus, struct device *child,
                struct err *err); /* with provides; -EBUSY: full */
    u32 slots;                    /* with provides: devices that fit; 0: plug decides */
    void (*info)(struct device *d, FILE *out); /* a line or more for the monitor */
    struct device_fdt fdt;
    const char *acpi_id; /* _HID in ACPI's name space; NULL: not there */
};
#define DEVICE_MMIO(type, member)                                                                  \
    .mmio_count = ARRAY_SIZE(((type *)0)->member), .mmio_offset = offsetof(type, member)
#define DEVICE_IRQS(type, member)                                                                  \
    .irq_count = ARRAY_SIZE(((type *)0)->member), .irq_offset = offsetof(type, member)
/* One, not an array. */
#define DEVICE_MMIO1(type, member) .mmio_count = 1, .mmio_offset = offsetof(type, member)
#define DEVICE_IRQ1(type, member)  .irq_count = 1, .irq_offset = offsetof(type, member)

struct device {
    const struct device_type *type;
    const struct device_host *host;
    char *id;            /* as the user or the board named it; unique: owner name in snapshots */
    struct device *bus;  /* the device it is plugged into */
    struct device *card; /* the one it carries, plugged into it; takes its options too */
    bool realized;
    struct device *next; /* the machine's list, in order of realization */
};

extern const struct device_type *const device_type_registry[];

const struct device_type *must_check device_type_find(const char *name, struct err *err);
void device_type_list(const char *family, FILE *out);          /* -device help; family NULL: all */
void device_type_help(const struct device_type *t, FILE *out); /* -device NAME,help */
/* Would a device of that type take it? For -global, which may come to nothing. */
int must_check device_type_check(const struct device_type *t, const char *name, const char *value,
                                 struct err *err);

/* With its options' defaults. NULL and err on failure. */
struct device *must_check device_new(const struct device_type *t, const char *id,
                                     const struct device_host *host, struct err *err);
/* Takes what the type knows out of list and refuses the rest; list may be NULL. */
int must_check device_configure(struct device *d, struct option_list *list, struct err *err);
int must_check device_set(struct device *d, const char *name, const char *value,
                          struct err *err); /* one property */
int must_check device_realize(struct device *d, struct err *err);
void device_reset(struct device *d);
void device_free(struct device *d);

struct mem_region *device_mmio(struct device *d, unsigned n);
/* Connects output n. */
void device_connect(struct device *d, unsigned n, struct irq irq);
struct irq device_output(struct device *d, unsigned n);
/* The wire into input n. */
struct irq device_input(struct device *d, unsigned n);

static inline void device_lock(struct device *d)
{
    pthread_mutex_lock(d->host->lock);
}

static inline void device_unlock(struct device *d)
{
    pthread_mutex_unlock(d->host->lock);
}

/* The guest did what no correct guest does: logged under -d guest_errors. */
#define device_guest_error(d, fmt, ...)                                                            \
    log_if((d)->host->log, LOG_GUEST_ERRORS, "%s: " fmt "\n", (d)->id, ##__VA_ARGS__)

#endif
