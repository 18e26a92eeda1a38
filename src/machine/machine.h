/*
 * machine.h - struct machine: owns memory, CPUs, devices, clocks, the loop, the run state.
 * Everything hangs off it; there are no globals, so a process may have several.
 *
 * Life, on the main thread (the one that will run the loop):
 *   machine_new       loop, clocks, log, memory: what backends (disks, serial ports) need
 *   machine_add_*     backends by their names
 *   machine_init      the board makes CPUs, devices, memory map; images are loaded; reset
 *   machine_start     all is known to be right: backends make or overwrite their files
 *   machine_run       starts, turns the loop until the machine ends; returns the exit status
 *   machine_free
 *
 * Run states:
 *
 *   (new) --init--> PRELAUNCH --go--> RUNNING <--stop/go--> PAUSED
 *            |                        |    ^                  ^
 *            +-(-incoming)-> INMIGRATE+    +--reset,go-+      | reset
 *                 loaded: PAUSED or RUNNING            |      |
 *                                     RUNNING --guest--> SHUTDOWN, PANICKED, INTERNAL_ERROR
 *                                     RUNNING, PAUSED --saved--> POSTMIGRATE --go--> RUNNING
 *
 * Threads: devices and CPUs ask for power off and reset from any thread (machine_request); it is
 * done on the loop's thread, with all CPUs stopped. All else is called on the loop's thread.
 * m->lock is the lock of devices that have none of their own; nobody holds it while waiting for a
 * CPU.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <pthread.h>
#include <stdio.h>
#include "base/base.h"
#include "base/epoch.h"
#include "base/err.h"
#include "base/log.h"
#include "base/option.h"
#include "cpu/cpu.h"
#include "device/device.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "memory/memory.h"

struct machine;
struct jit;
struct smbios_options;

/* ---- Boards ---------------------------------------------------------------------------------- */

/* An architecture that a board can be made with, and its default CPU there. */
struct board_arch {
    const char *name, *cpu;
};

struct board {
    const char *name, *help;
    const struct board_arch *archs; /* the first is the default; ended by a NULL name */
    u32 max_cpus;
    u32 serials; /* ports that -serial reaches; 0: MACHINE_SERIALS */
    u64 default_ram;
    bool virtio_pci; /* cards that -drive if=virtio and -nic add are on PCI, not on virtio-mmio */
    u32 size;                     /* of m->board_data, zeroed */
    const struct option *options; /* of -M, into board_data; NULL: none */
    /* Makes CPUs, devices and the memory map. -device follows, then load: images and device tree
     * are read, to be put into memory by reset. fini is called also when these failed. */
    int (*init)(struct machine *m, struct err *err);
    int (*load)(struct machine *m, struct err *err);
    void (*reset)(struct machine *m); /* after devices and CPUs */
    void (*fini)(struct machine *m);
    /* What the CPU sees, when it is not what all see (registers that are banked by CPU). Made by
     * machine_space_init; ended by fini. NULL: m->space. */
    struct mem_space *(*cpu_space)(struct machine *m, u32 index);
    /* Presses the power button; NULL: there is none. */
    void (*power_button)(struct machine *m);
};
extern const struct board *const board_registry[];

/* name NULL: the only one for arch. arch NULL: any. */
const struct board *must_check board_find(const char *name, const char *arch, struct err *err);
void board_list(const char *arch, FILE *out);
void board_help(const struct board *b, FILE *out);

/* ---- Configuration: what the command line says ----------------------------------------------- */

enum { MACHINE_SERIALS = 4, MACHINE_FLASHES = 2 };
enum machine_reboot_action { MACHINE_REBOOT_RESET, MACHINE_REBOOT_SHUTDOWN };
enum machine_shutdown_action { MACHINE_SHUTDOWN_POWEROFF, MACHINE_SHUTDOWN_PAUSE };
enum machine_panic_action {
    MACHINE_PANIC_SHUTDOWN, /* ends the process, status 0 */
    MACHINE_PANIC_PAUSE,
    MACHINE_PANIC_EXIT_FAILURE, /* ends the process, status 1 */
    MACHINE_PANIC_NONE,
};
enum machine_rtc_clock { MACHINE_RTC_HOST, MACHINE_RTC_VM };

struct machine_global { /* -global DRIVER.NAME=VALUE */
    const char *driver, *name, *value;
};

/* Belongs to the caller and stays valid as long as the machine. All strings may be NULL. */
struct machine_config {
    const char *name;          /* -name */
    const char *arch;          /* NULL: the board's first */
    const struct board *board; /* must be there */
    struct option_list
        *board_options; /* of -M, without what the command line takes itself; spent */
    const char *cpu;    /* -cpu; NULL: the board's */
    const char *accel;  /* NULL: "jit" */
    u32 cpus, max_cpus; /* 0: one; as many */
    u64 ram_size;       /* 0: the board's */
    const char *bios, *kernel, *initrd, *append, *dtb;
    const char *dumpdtb; /* machine_start writes the device tree there; machine_run ends at once */
    const char *const *search_dirs; /* -L; ended by NULL */
    bool boot_menu;                 /* -boot menu=on */
    u8 uuid[16];                    /* -uuid */
    const struct smbios_options *smbios; /* -smbios (boot/smbios.h); NULL: none */
    bool stopped;                   /* -S */
    bool incoming; /* state is loaded, before machine_run or while it waits for that */
    enum machine_reboot_action on_reboot;
    enum machine_shutdown_action on_shutdown;
    enum machine_panic_action on_panic;
    u64 rtc_base;   /* ns since 1970 at start; 0: the host's time */
    s64 rtc_offset; /* ns to add (localtime) */
    enum machine_rtc_clock rtc_clock;
    const char *serial[MACHINE_SERIALS]; /* ids of chardevs */
    const char *flash[MACHINE_FLASHES];  /* ids of block backends, -drive if=pflash */
    struct option_list *devices;         /* -device, in order, first key "driver"; spent */
    u32 device_count;
    const struct machine_global *globals;
    u32 global_count;
    const struct isa *isa; /* NULL: found by arch. For tests. */
};

/* ---- The machine ----------------------------------------------------------------------------- */

enum machine_state {
    MACHINE_PRELAUNCH,
    MACHINE_RUNNING,
    MACHINE_PAUSED,
    MACHINE_SHUTDOWN,
    MACHINE_PANICKED,
    MACHINE_INTERNAL_ERROR,
    MACHINE_INMIGRATE,
    MACHINE_POSTMIGRATE,
    MACHINE_STATES
};
/* "prelaunch", "running" ... as the monitor says it. */
const char *machine_state_name(enum machine_state s);

enum machine_event {
    MACHINE_EVENT_STATE,
    MACHINE_EVENT_RESET,
    MACHINE_EVENT_SHUTDOWN,
    MACHINE_EVENT_PANIC
};
/* Told on the loop's thread. */
struct machine_listener {
    void (*event)(struct machine_listener *l, enum machine_event e);
    void *opaque;
    struct machine_listener *next;
};

/* start (NULL: nothing to do) makes what others see: files, names. */
struct machine_backend_ops {
    int (*start)(void *backend, struct err *err);
    void (*close)(void *backend);
};

struct machine_backend {
    const char *kind; /* "chardev", "netdev", "block" */
    char *id;
    void *backend;
    const struct machine_backend_ops *ops;
    struct machine_backend *next;
};

struct machine {
    struct machine_config config;
    const struct board *board;
    void *board_data;
    const struct isa *isa;
    const char *arch, *cpu_model;

    struct log log;
    struct epoch epoch;
    struct loop *loop;
    struct clock clock, rtc;
    struct memory memory;
    struct mem_region root; /* of the CPUs' and devices' address space */
    struct mem_space space;
    struct mem_region ram; /* main memory: mapped by the board */
    struct ram_block *ram_block;
    u64 ram_size;
    pthread_mutex_t lock; /* default device lock */

    struct jit *jit;
    struct cpu_host cpu_host;
    struct cpu **cpus;
    u32 cpu_count;

    struct device_host device_host;
    struct device *devices; /* in order of realization */
    struct machine_backend *backends;

    enum machine_state state;
    bool initialised;
    u8 *fdt_dump; /* -M dumpdtb=FILE: the device tree */
    u64 fdt_dump_size;
    struct machine_listener *listeners;

    /* Requests of other threads. */
    _Atomic u32 requests; /* bits in run.c */
    _Atomic int exit_code;
    struct loop_task request_task;
    bool ended; /* machine_run returns */
    int status; /* of the process */
};

struct machine *must_check machine_new(const struct loop_config *loop, struct err *err);
int must_check machine_init(struct machine *m, const struct machine_config *config,
                            struct err *err);
int must_check machine_start(struct machine *m, struct err *err);
int must_check machine_run(struct machine *m, int *status, struct err *err);
void machine_free(struct machine *m);

/* ---- Backends, by what -chardev id=, -netdev id=, -blockdev node-name= say ---- */
/* The machine takes the backend over: ops->close (ops NULL: another entry's) is called when the
 * devices are gone, last added first; also when adding fails. */
int must_check machine_add_backend(struct machine *m, const char *kind, const char *id,
                                   void *backend, const struct machine_backend_ops *ops,
                                   struct err *err);
void *machine_backend(struct machine *m, const char *kind, const char *id);

/* ---- Run state (run.c); the loop's thread ---- */
int must_check machine_go(struct machine *m, struct err *err); /* cont */
void machine_stop(struct machine *m,
                  enum machine_state why); /* CPUs have stopped when it returns */
void machine_set_state(struct machine *m, enum machine_state s);
/* Stopped: waits until no disk has a request in flight. Turns the loop. */
void machine_drain(struct machine *m);
/* Stopped: drained, and what the guest or anybody asked for (reset, power off) is done. The state may be another. */
void machine_settle(struct machine *m);
void machine_listen(struct machine *m, struct machine_listener *l);
void machine_unlisten(struct machine *m, struct machine_listener *l);
/* Now, with CPUs stopped meanwhile; goes on if it ran. */
void machine_reset(struct machine *m);
/* Presses the power button; -ENOTSUP where the board has none. */
int must_check machine_power_button(struct machine *m, struct err *err);

/* ---- From any thread ---- */
void machine_request_reset(struct machine *m);
void machine_request_shutdown(struct machine *m, int status); /* the guest powers off */
void machine_request_quit(struct machine *m, int status);     /* the user ends it */
void machine_request_stop(struct machine *m);                 /* a debugger: pause */

/* ---- For boards, during init ---- */
/* m->ram of the size that was asked for, named; not mapped yet. */
int must_check machine_make_ram(struct machine *m, const char *name, struct err *err);
/* An address space of this machine: its CPUs hear of changes. */
void machine_space_init(struct machine *m, struct mem_space *s, const char *name,
                        struct mem_region *root);
/* All of -smp, of the architecture and -cpu that were chosen. */
int must_check machine_make_cpus(struct machine *m, u64 reset_pc, struct err *err);
/* One more CPU, the next by number: of any architecture, with its own view of memory. NULL and err on failure. */
struct machine_cpu {
    const char *arch, *model;
    struct mem_space *space; /* NULL: board->cpu_space's, or all's */
    u64 reset_pc;
};
struct cpu *must_check machine_add_cpu(struct machine *m, const struct machine_cpu *spec, struct err *err);
/* A device with -global's properties set; machine_realize or device_free follows. */
struct device *must_check machine_device(struct machine *m, const char *type, const char *id,
                                         struct err *err);
/* Realizes it and takes it over; freed when it fails. */
int must_check machine_realize(struct machine *m, struct device *d, struct err *err);
/* Maps its registers n at addr. */
void machine_map(struct machine *m, struct device *d, unsigned n, u64 addr);
/* For /chosen/kaslr-seed: random, but the same in all runs whose translations are kept together (-accel jit,cache=). */
void machine_kaslr_seed(const struct machine *m, u8 seed[8]);
/* -device: makes, configures, plugs in, realizes; list is spent. After init it is a hot plug. */
int must_check machine_device_add(struct machine *m, struct option_list *list, struct err *err);
/* -M dumpdtb=FILE, at the end of load: machine_start writes it. */
int must_check machine_dump_fdt(struct machine *m, const void *data, u64 size, struct err *err);
struct device *machine_find_device(struct machine *m, const char *id);
/* What devices on buses of that kind say of themselves; false: there are none. */
bool machine_print_bus(struct machine *m, const char *kind, FILE *out);
/* info qtree */
void machine_print_devices(struct machine *m, FILE *out);

#endif
