/*
 * psci.c - PSCI 1.1 calls; psci.h has the threads.
 *
 * Functions are rows of a table: number, 32 or 64 bits, what is done. Source: Arm DEN 0022E (PSCI),
 * DEN 0028 (SMCCC).
 */
#include "boot/psci.h"

enum {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INVALID_ADDRESS = -9,
    PSCI_VERSION_1_1 = 0x10001,
    SMCCC_VERSION_1_1 = 0x10001,
    MIGRATE_NOT_NEEDED = 2,
    AFFINITY_ON = 0,
    AFFINITY_OFF = 1,
    AFFINITY_PENDING = 2,
    SMC64 = 0x40000000,
};

/* ---- CPUs -------------------------------------------------------------------------------------
 */

/* On the loop's thread: what is on runs, if the machine does. */
static void let_go(void *opaque)
{
    struct psci *p = opaque;
    struct machine *m = p->m;
    if (m->state != MACHINE_RUNNING)
        return;
    for (u32 i = 0; i < m->cpu_count; i++)
        cpu_go(m->cpus[i]);
}

static struct cpu *find_cpu(const struct psci *p, u64 affinity)
{
    for (u32 i = 0; i < p->m->cpu_count; i++) {
        if (p->affinity(p->m->cpus[i]) == affinity)
            return p->m->cpus[i];
    }
    return NULL;
}

static s64 cpu_on(struct psci *p, struct cpu *cpu, const u64 *x)
{
    struct cpu *target = find_cpu(p, x[1]);
    (void)cpu;
    if (!target)
        return PSCI_INVALID_PARAMETERS;
    if (!target->powered_off)
        return PSCI_ALREADY_ON;
    if (!cpu_is_stopped(target))
        return PSCI_ON_PENDING; /* on its way out */
    cpu_reset(target);
    p->start(target, x[2], x[3]);
    target->powered_off = false;
    loop_task_schedule(&p->go);
    return PSCI_SUCCESS;
}

/* Does not return to the caller: the CPU stops at its next poll, before another instruction. */
static s64 cpu_off(struct psci *p, struct cpu *cpu, const u64 *x)
{
    (void)p;
    (void)x;
    cpu->powered_off = true;
    cpu_stop_request(cpu);
    return PSCI_SUCCESS;
}

/* Power-down states need no context here: standby by all names. */
static s64 cpu_suspend(struct psci *p, struct cpu *cpu, const u64 *x)
{
    (void)x;
    p->wait(cpu);
    return PSCI_SUCCESS;
}

static s64 affinity_info(struct psci *p, struct cpu *cpu, const u64 *x)
{
    struct cpu *target = find_cpu(p, x[1]);
    (void)cpu;
    if (!target || x[2])
        return PSCI_INVALID_PARAMETERS;
    if (!target->powered_off)
        return AFFINITY_ON;
    return cpu_is_stopped(target) ? AFFINITY_OFF : AFFINITY_PENDING;
}

/* ---- System -----------------------------------------------------------------------------------
 */

static s64 version(struct psci *p, struct cpu *cpu, const u64 *x)
{
    return PSCI_VERSION_1_1;
}

static s64 smccc_version(struct psci *p, struct cpu *cpu, const u64 *x)
{
    return SMCCC_VERSION_1_1;
}

static s64 not_supported(struct psci *p, struct cpu *cpu, const u64 *x)
{
    return PSCI_NOT_SUPPORTED;
}

static s64 migrate_type(struct psci *p, struct cpu *cpu, const u64 *x)
{
    return MIGRATE_NOT_NEEDED;
}

static s64 system_off(struct psci *p, struct cpu *cpu, const u64 *x)
{
    machine_request_shutdown(p->m, 0);
    return cpu_off(p, cpu, x);
}

static s64 system_reset(struct psci *p, struct cpu *cpu, const u64 *x)
{
    machine_request_reset(p->m);
    return cpu_off(p, cpu, x);
}

/* Architectural warm reset, or a vendor's, of which there is none. */
static s64 system_reset2(struct psci *p, struct cpu *cpu, const u64 *x)
{
    return (u32)x[1] ? PSCI_INVALID_PARAMETERS : system_reset(p, cpu, x);
}

static s64 features(struct psci *p, struct cpu *cpu, const u64 *x);

static const struct psci_function {
    u32 number; /* of SMC32; | SMC64 where wide */
    bool wide;
    s64 (*fn)(struct psci *p, struct cpu *cpu, const u64 *x);
} functions[] = {
    {0x80000000, false, smccc_version},
    {0x80000001, false, not_supported}, /* SMCCC_ARCH_FEATURES */
    {0x84000000, false, version},
    {0x84000001, true, cpu_suspend},
    {0x84000002, false, cpu_off},
    {0x84000003, true, cpu_on},
    {0x84000004, true, affinity_info},
    {0x84000006, false, migrate_type},
    {0x84000008, false, system_off},
    {0x84000009, false, system_reset},
    {0x8400000a, false, features},
    {0x84000012, true, system_reset2},
};

static const struct psci_function *find(u32 id)
{
    for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
        const struct psci_function *f = &functions[i];
        if (id == f->number || (f->wide && id == (f->number | SMC64)))
            return f;
    }
    return NULL;
}

static s64 features(struct psci *p, struct cpu *cpu, const u64 *x)
{
    return find((u32)x[1]) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

void psci_call(struct psci *p, struct cpu *cpu, u64 x[8])
{
    u32 id = (u32)x[0];
    const struct psci_function *f = find(id);
    u64 args[4];
    for (unsigned i = 0; i < 4; i++)
        args[i] = id & SMC64 ? x[i] : (u32)x[i];
    pthread_mutex_lock(&p->lock);
    s64 r = f ? f->fn(p, cpu, args) : PSCI_NOT_SUPPORTED;
    pthread_mutex_unlock(&p->lock);
    x[0] = (u64)r;
}

void psci_init(struct psci *p, struct machine *m)
{
    p->m = m;
    pthread_mutex_init(&p->lock, NULL);
    loop_task_init(&p->go, m->loop, let_go, p);
}

void psci_fini(struct psci *p)
{
    if (!p->m)
        return;
    loop_task_cancel(&p->go);
    pthread_mutex_destroy(&p->lock);
}
