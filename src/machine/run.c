/*
 * run.c - the run state of a machine (drawn in machine.h): start, stop, reset, end.
 *
 * A request sets a bit, asks all CPUs to stop, so that a guest that has asked for power off or
 * reset executes little more, and schedules the task that does the rest on the loop's thread.
 */
#include "machine/run.h"

#include <errno.h>

#include "backend/block/block.h"
#include "jit/engine.h"
#include "loop/timer.h"

enum {
    REQUEST_RESET = 1,
    REQUEST_SHUTDOWN = 2,
    REQUEST_PANIC = 4,
    REQUEST_QUIT = 8,
    REQUEST_STOP = 16
};
enum { NO_CODE = -1 };

static const char *const state_names[MACHINE_STATES] = {
    [MACHINE_PRELAUNCH] = "prelaunch",     [MACHINE_RUNNING] = "running",
    [MACHINE_PAUSED] = "paused",           [MACHINE_SHUTDOWN] = "shutdown",
    [MACHINE_PANICKED] = "guest-panicked", [MACHINE_INTERNAL_ERROR] = "internal-error",
    [MACHINE_INMIGRATE] = "inmigrate",     [MACHINE_POSTMIGRATE] = "postmigrate",
};

const char *machine_state_name(enum machine_state s)
{
    return state_names[s];
}

/* ---- Listeners ------------------------------------------------------------------------------- */

void machine_listen(struct machine *m, struct machine_listener *l)
{
    l->next = m->listeners;
    m->listeners = l;
}

void machine_unlisten(struct machine *m, struct machine_listener *l)
{
    struct machine_listener **p = &m->listeners;
    while (*p && *p != l)
        p = &(*p)->next;
    if (*p)
        *p = l->next;
}

static void tell(struct machine *m, enum machine_event e)
{
    for (struct machine_listener *l = m->listeners, *next; l; l = next) {
        next = l->next;
        l->event(l, e);
    }
}

void machine_set_state(struct machine *m, enum machine_state s)
{
    if (m->state == s)
        return;
    m->state = s;
    tell(m, MACHINE_EVENT_STATE);
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static void ask_cpus_to_stop(struct machine *m)
{
    for (u32 i = 0; i < m->cpu_count; i++)
        cpu_stop_request(m->cpus[i]);
}

static void stop_cpus(struct machine *m)
{
    ask_cpus_to_stop(m);
    machine_drain(m); /* a CPU may wait in a device for requests that end on this thread */
    for (u32 i = 0; i < m->cpu_count; i++)
        cpu_stop_wait(m->cpus[i]);
}

static void resume_cpus(struct machine *m)
{
    for (u32 i = 0; i < m->cpu_count; i++)
        cpu_go(m->cpus[i]);
}

/* ---- Go, stop, reset ------------------------------------------------------------------------- */

int machine_go(struct machine *m, struct err *err)
{
    switch (m->state) {
    case MACHINE_RUNNING: return 0;
    case MACHINE_SHUTDOWN:
    case MACHINE_PANICKED:
    case MACHINE_INTERNAL_ERROR:
        return err_set(err, EINVAL, "the machine is in state %s: it goes on after a system_reset",
                       state_names[m->state]);
    default: break;
    }
    clock_start(&m->clock);
    machine_set_state(m, MACHINE_RUNNING);
    resume_cpus(m);
    return 0;
}

void machine_stop(struct machine *m, enum machine_state why)
{
    stop_cpus(m);
    clock_stop(&m->clock);
    if (m->state == MACHINE_RUNNING)
        timers_settle(m->loop, &m->clock);
    if (m->state == MACHINE_RUNNING || why != MACHINE_PAUSED)
        machine_set_state(m, why);
}

/* A request that ends may start the next: until a look at all of them finds none. */
void machine_drain(struct machine *m)
{
    bool busy = true;
    while (busy) {
        busy = false;
        for (struct machine_backend *b = m->backends; b; b = b->next) {
            struct block *block = strcmp(b->kind, "block") ? NULL : b->backend;
            if (!block || !block->in_flight)
                continue;
            block_drain(block);
            busy = true;
        }
    }
}

static void reset_cpu(struct machine *m, struct cpu *cpu)
{
    cpu_reset(cpu);
    const struct isa_slot *pc = &cpu->isa->slots[cpu->isa->pc_slot];
    memcpy((u8 *)cpu + pc->offset, &cpu->reset_pc, sizeof(cpu->reset_pc));
    cpu->host->engine->state_changed(cpu);
}

void machine_reset(struct machine *m)
{
    bool running = m->state == MACHINE_RUNNING;
    stop_cpus(m);
    jit_cache_save(m->jit);
    for (struct device *d = m->devices; d; d = d->next)
        device_reset(d);
    for (u32 i = 0; i < m->cpu_count; i++)
        reset_cpu(m, m->cpus[i]);
    if (m->board->reset)
        m->board->reset(m);
    tell(m, MACHINE_EVENT_RESET);
    if (running)
        resume_cpus(m);
    else if (m->state != MACHINE_PRELAUNCH && m->state != MACHINE_INMIGRATE)
        machine_set_state(m, MACHINE_PAUSED);
}

int machine_power_button(struct machine *m, struct err *err)
{
    if (!m->board->power_button)
        return err_set(err, ENOTSUP, "machine %s has no power button", m->board->name);
    m->board->power_button(m);
    return 0;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void request(struct machine *m, u32 what)
{
    atomic_fetch_or(&m->requests, what);
    ask_cpus_to_stop(m);
    loop_task_schedule(&m->request_task);
}

/* Of several requests that come before the first is done, the first says the status. */
static void request_with_status(struct machine *m, u32 what, int status)
{
    int none = NO_CODE;
    atomic_compare_exchange_strong(&m->exit_code, &none, status);
    request(m, what);
}

void machine_request_reset(struct machine *m)
{
    request(m, REQUEST_RESET);
}

void machine_request_shutdown(struct machine *m, int status)
{
    request_with_status(m, REQUEST_SHUTDOWN, status);
}

void machine_request_panic(struct machine *m, int status)
{
    request_with_status(m, REQUEST_PANIC, status);
}

void machine_request_quit(struct machine *m, int status)
{
    request_with_status(m, REQUEST_QUIT, status);
}

void machine_request_stop(struct machine *m)
{
    request(m, REQUEST_STOP);
}

static void end(struct machine *m, int status)
{
    m->ended = true;
    m->status = status;
    loop_stop(m->loop);
}

static void panic(struct machine *m, int status)
{
    enum machine_panic_action action = m->config.on_panic;
    tell(m, MACHINE_EVENT_PANIC);
    if (action == MACHINE_PANIC_NONE)
        return;
    machine_stop(m, MACHINE_PANICKED);
    if (action != MACHINE_PANIC_PAUSE)
        end(m, action == MACHINE_PANIC_EXIT_FAILURE ? 1 : status);
}

static void shut_down(struct machine *m, int status)
{
    tell(m, MACHINE_EVENT_SHUTDOWN);
    machine_stop(m, MACHINE_SHUTDOWN);
    if (m->config.on_shutdown == MACHINE_SHUTDOWN_POWEROFF)
        end(m, status);
}

static void handle_requests(void *opaque)
{
    struct machine *m = opaque;
    u32 what = atomic_exchange(&m->requests, 0);
    int code = atomic_exchange(&m->exit_code, NO_CODE);
    code = MAX(code, 0);
    if (what & REQUEST_RESET && m->config.on_reboot == MACHINE_REBOOT_SHUTDOWN)
        what |= REQUEST_SHUTDOWN;
    if (what & REQUEST_QUIT) {
        machine_stop(m, m->state == MACHINE_RUNNING ? MACHINE_SHUTDOWN : m->state);
        end(m, code);
    } else if (what & REQUEST_PANIC) {
        panic(m, code);
    } else if (what & REQUEST_SHUTDOWN) {
        shut_down(m, code);
    } else if (what & REQUEST_RESET) {
        machine_reset(m);
    } else if (what & REQUEST_STOP) {
        machine_stop(m, MACHINE_PAUSED);
    }
    if (m->state == MACHINE_RUNNING)
        resume_cpus(m); /* the request has asked them to stop */
}

void machine_settle(struct machine *m)
{
    machine_drain(m);
    if (atomic_load(&m->requests))
        handle_requests(m);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void machine_run_init(struct machine *m)
{
    m->exit_code = NO_CODE;
    loop_task_init(&m->request_task, m->loop, handle_requests, m);
}

void machine_run_fini(struct machine *m)
{
    loop_task_cancel(&m->request_task);
}

int machine_run(struct machine *m, int *status, struct err *err)
{
    *status = 0;
    if (m->fdt_dump)
        return 0;
    for (u32 i = 0; i < m->cpu_count; i++) {
        int r = cpu_start(m->cpus[i], err);
        if (r)
            return r;
    }
    bool loaded = m->state != MACHINE_PRELAUNCH; /* the state says whether it runs */
    if (!loaded && m->config.incoming) {
        machine_set_state(m, MACHINE_INMIGRATE);
    } else if (!loaded && !m->config.stopped) {
        int r = machine_go(m, err);
        if (r)
            return r;
    }
    while (!m->ended)
        loop_run(m->loop);
    *status = m->status;
    return 0;
}
