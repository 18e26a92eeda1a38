/*
 * machine.c - a machine made, configured, freed; its backends. Run states are in run.c, devices in
 * plug.c.
 *
 * Main thread. Order matters in both directions: backends, memory, CPUs, devices (which have wires
 * into CPUs), images; and back.
 */
#include "machine/machine.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/host.h"
#include "jit/engine.h"
#include "machine/run.h"

#define DEFAULT_ACCEL "jit"

/* ---- Services for devices and CPUs ----------------------------------------------------------- */

static void host_request(void *opaque, enum device_request what, int code)
{
    struct machine *m = opaque;
    switch (what) {
    case DEVICE_POWER_OFF: machine_request_shutdown(m, code); break;
    case DEVICE_RESET: machine_request_reset(m); break;
    case DEVICE_PANIC: machine_request_panic(m, code); break;
    }
}

static struct chardev *host_chardev(void *opaque, const char *id)
{
    return machine_backend(opaque, "chardev", id);
}

static struct netdev *host_netdev(void *opaque, const char *id)
{
    return machine_backend(opaque, "netdev", id);
}

static struct block *host_block(void *opaque, const char *id)
{
    return machine_backend(opaque, "block", id);
}

static void cpu_panic(void *opaque, struct cpu *cpu, const char *why)
{
    fprintf(stderr, "guise: CPU %u cannot go on: %s\n", cpu->index, why);
    machine_request_panic(opaque, 1);
}

/* Any thread: flash that a CPU switched, a hot plug. */
static void map_changed(void *opaque, struct mem_space *s)
{
    struct machine *m = opaque;
    (void)s;
    for (u32 i = 0; i < m->cpu_count; i++)
        cpu_kick(m->cpus[i], CPU_EXIT_MAP);
}

void machine_space_init(struct machine *m, struct mem_space *s, const char *name,
                        struct mem_region *root)
{
    mem_space_init(s, &m->memory, name, root);
    s->changed_opaque = m;
    s->changed = map_changed;
}

static u64 virtual_time(void *opaque)
{
    return clock_now(&((struct machine *)opaque)->clock);
}

/* ---- New and free ---------------------------------------------------------------------------- */

struct machine *machine_new(const struct loop_config *config, struct err *err)
{
    struct machine *m = alloc_zero(sizeof(*m));
    struct loop_config c = config ? *config : (struct loop_config){0};
    log_init(&m->log);
    epoch_init(&m->epoch);
    c.log = &m->log;
    c.epoch = &m->epoch;
    m->loop = loop_create(&c, err);
    if (!m->loop) {
        epoch_fini(&m->epoch);
        log_fini(&m->log);
        free(m);
        return NULL;
    }
    clock_init(&m->clock, CLOCK_KIND_VIRTUAL);
    clock_init(&m->rtc, CLOCK_KIND_HOST);
    memory_init(&m->memory, &m->epoch);
    mem_container(&m->root, "system", UINT64_MAX);
    machine_space_init(m, &m->space, "memory", &m->root);
    pthread_mutex_init(&m->lock, NULL);
    machine_run_init(m);
    m->device_host = (struct device_host){
        .loop = m->loop,
        .clock = &m->clock,
        .rtc = &m->rtc,
        .memory = &m->memory,
        .dma = &m->space,
        .log = &m->log,
        .lock = &m->lock,
        .request = host_request,
        .chardev = host_chardev,
        .netdev = host_netdev,
        .block = host_block,
        .opaque = m,
    };
    return m;
}

static void free_devices(struct machine *m)
{
    /* Last in, first out: what is plugged in goes before its bus. */
    while (m->devices) {
        struct device **p = &m->devices;
        while ((*p)->next)
            p = &(*p)->next;
        struct device *d = *p;
        *p = NULL;
        device_free(d);
    }
}

static void close_backends(struct machine *m)
{
    while (m->backends) {
        struct machine_backend *b = m->backends;
        m->backends = b->next;
        if (b->ops)
            b->ops->close(b->backend);
        free(b->id);
        free(b);
    }
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    for (u32 i = 0; i < m->cpu_count; i++)
        cpu_stop_request(m->cpus[i]);
    machine_drain(m);
    for (u32 i = 0; i < m->cpu_count; i++)
        cpu_stop_wait(m->cpus[i]);
    memory_begin(&m->memory); /* one view for all that goes */
    free_devices(m);
    if (m->board_data && m->board->fini)
        m->board->fini(m);
    memory_end(&m->memory);
    for (u32 i = 0; i < m->cpu_count; i++)
        cpu_destroy(m->cpus[i]);
    free(m->cpus);
    jit_destroy(m->jit);
    machine_run_fini(m);
    mem_space_fini(&m->space);
    close_backends(m);
    loop_destroy(m->loop);
    memory_fini(&m->memory);
    epoch_fini(&m->epoch);
    clock_fini(&m->rtc);
    clock_fini(&m->clock);
    pthread_mutex_destroy(&m->lock);
    if (m->board_data && m->board->options)
        option_free(m->board->options, m->board_data);
    free(m->board_data);
    free(m->fdt_dump);
    log_fini(&m->log);
    free(m);
}

/* ---- Configuration --------------------------------------------------------------------------- */

static const struct isa *isa_find(const char *arch, struct err *err)
{
    for (unsigned i = 0; isa_registry[i]; i++) {
        for (const char *const *n = isa_registry[i]->arch_names; *n; n++) {
            if (!strcmp(*n, arch))
                return isa_registry[i];
        }
    }
    err_set(err, ENOENT, "this guise has no architecture %s", arch);
    return NULL;
}

static const struct board_arch *board_arch_find(const struct board *b, const char *name,
                                                struct err *err)
{
    for (const struct board_arch *a = b->archs; a->name; a++) {
        if (!name || !strcmp(a->name, name))
            return a;
    }
    err_set(err, EINVAL, "-M %s: there is no such machine with architecture %s", b->name, name);
    return NULL;
}

static int choose_architecture(struct machine *m, struct err *err)
{
    const struct machine_config *c = &m->config;
    const struct board_arch *arch = board_arch_find(m->board, c->arch, err);
    if (!arch)
        return -err->code;
    m->arch = arch->name;
    m->cpu_model = c->cpu ? c->cpu : arch->cpu;
    m->isa = c->isa ? c->isa : isa_find(m->arch, err);
    return m->isa ? 0 : -err->code;
}

static int check_sizes(struct machine *m, struct err *err)
{
    struct machine_config *c = &m->config;
    u32 most = m->board->max_cpus;
    c->cpus = c->cpus ? c->cpus : 1;
    c->max_cpus = MAX(c->max_cpus, c->cpus);
    if (c->max_cpus > most)
        return err_set(err, EINVAL, "-smp %u: machine %s has at most %u CPUs", c->max_cpus,
                       m->board->name, most);
    m->ram_size = c->ram_size ? c->ram_size : m->board->default_ram;
    if (m->ram_size & (MEM_PAGE - 1))
        return err_set(err, EINVAL, "-m: %llu bytes are not a multiple of 4 KiB",
                       (unsigned long long)m->ram_size);
    return 0;
}

static int configure_board(struct machine *m, struct err *err)
{
    static const struct option none[] = {OPTION_LAST};
    const struct board *b = m->board;
    struct option_list empty = {.where = (char *)"-M"};
    struct option_list *list = m->config.board_options ? m->config.board_options : &empty;
    m->board_data = alloc_zero(MAX(b->size, 1));
    return option_load(list, b->options ? b->options : none, m->board_data, err);
}

static void configure_rtc(struct machine *m)
{
    const struct machine_config *c = &m->config;
    if (c->rtc_clock == MACHINE_RTC_VM)
        clock_set_source(&m->rtc, virtual_time, m);
    if (c->rtc_base)
        clock_set(&m->rtc, c->rtc_base);
    if (c->rtc_offset)
        clock_set(&m->rtc, clock_now(&m->rtc) + (u64)c->rtc_offset);
}

void machine_kaslr_seed(const struct machine *m, u8 seed[8])
{
    if (!jit_cache_kaslr_seed(m->jit, seed))
        host_random(seed, 8);
}

static int make_accelerator(struct machine *m, struct err *err)
{
    const char *accel = m->config.accel ? m->config.accel : DEFAULT_ACCEL;
    m->jit = jit_create(accel, &m->memory, &m->epoch, &m->log, err);
    if (!m->jit)
        return -err->code;
    m->cpu_host = (struct cpu_host){
        .epoch = &m->epoch,
        .log = &m->log,
        .clock = &m->clock,
        .loop = m->loop,
        .engine_shared = m->jit,
        .engine = jit_cpu_engine(m->jit),
        .guest_panic = cpu_panic,
        .opaque = m,
    };
    return 0;
}

static int add_devices(struct machine *m, struct err *err)
{
    for (u32 i = 0; i < m->config.device_count; i++) {
        int r = machine_device_add(m, &m->config.devices[i], err);
        if (r)
            return r;
    }
    return 0;
}

int machine_init(struct machine *m, const struct machine_config *config, struct err *caller_err)
{
    struct err own = {0}, *err = caller_err ? caller_err : &own;
    m->config = *config;
    m->board = config->board;
    configure_rtc(m);
    int r = choose_architecture(m, err);
    if (!r)
        r = check_sizes(m, err);
    if (!r)
        r = configure_board(m, err);
    if (!r)
        r = make_accelerator(m, err);
    if (r)
        return r;
    memory_begin(&m->memory);
    r = m->board->init(m, err);
    if (!r)
        r = add_devices(m, err);
    memory_end(&m->memory);
    if (!r)
        r = m->board->load(m, err);
    if (r)
        return r;
    m->initialised = true;
    machine_reset(m);
    return 0;
}

/* ---- Backends -------------------------------------------------------------------------------- */

static struct machine_backend *backend_find(struct machine *m, const char *kind, const char *id)
{
    struct machine_backend *b = m->backends;
    while (b && (strcmp(b->kind, kind) || strcmp(b->id, id)))
        b = b->next;
    return b;
}

int machine_add_backend(struct machine *m, const char *kind, const char *id, void *backend,
                        const struct machine_backend_ops *ops, struct err *err)
{
    if (backend_find(m, kind, id)) {
        int r = err_set(err, EEXIST, "there is a %s %s already", kind, id);
        if (ops)
            ops->close(backend);
        return r;
    }
    struct machine_backend *b = alloc_zero(sizeof(*b));
    *b = (struct machine_backend){
        .kind = kind, .id = alloc_string(id), .backend = backend, .ops = ops, .next = m->backends};
    m->backends = b;
    return 0;
}

void *machine_backend(struct machine *m, const char *kind, const char *id)
{
    struct machine_backend *b = backend_find(m, kind, id);
    return b ? b->backend : NULL;
}

/* ---- Start ----------------------------------------------------------------------------------- */

static int write_fdt_dump(struct machine *m, struct err *err)
{
    const char *path = m->config.dumpdtb;
    FILE *f = fopen(path, "we");
    bool good = f && fwrite(m->fdt_dump, 1, m->fdt_dump_size, f) == m->fdt_dump_size;
    if (f && fclose(f))
        good = false;
    if (!good)
        return err_set_errno(err, errno, "-M dumpdtb=%s", path);
    fprintf(stderr, "guise: info: dtb dumped to %s. Exiting.\n", path);
    return 0;
}

/* In the order they were added: b is the last. */
static int start_backends(struct machine_backend *b, struct err *err)
{
    int r = b ? start_backends(b->next, err) : 0;
    return r || !b || !b->ops || !b->ops->start ? r : b->ops->start(b->backend, err);
}

int machine_start(struct machine *m, struct err *err)
{
    return m->fdt_dump ? write_fdt_dump(m, err) : start_backends(m->backends, err);
}

/* ---- For boards ------------------------------------------------------------------------------ */

int machine_make_ram(struct machine *m, const char *name, struct err *err)
{
    m->ram_block = ram_block_new(&m->memory, name, m->ram_size, err);
    if (!m->ram_block)
        return err_prefix(err, "-m");
    mem_ram(&m->ram, m->ram_block->name, m->ram_block, 0, m->ram_size);
    return 0;
}

struct cpu *machine_add_cpu(struct machine *m, const struct machine_cpu *spec, struct err *err)
{
    bool chosen = m->arch && !strcmp(spec->arch, m->arch);
    const struct isa *isa = chosen ? m->isa : isa_find(spec->arch, err);
    struct mem_space *space = spec->space;
    if (!isa)
        return NULL;
    if (!space)
        space = m->board->cpu_space ? m->board->cpu_space(m, m->cpu_count) : &m->space;
    struct cpu *cpu =
        cpu_create(isa, &m->cpu_host, space, m->cpu_count, spec->arch, spec->model, err);
    if (!cpu) {
        err_prefix(err, "-cpu %s", spec->model);
        return NULL;
    }
    cpu->reset_pc = spec->reset_pc;
    m->cpus = alloc_resize(m->cpus, m->cpu_count + 1, sizeof(*m->cpus));
    m->cpus[m->cpu_count++] = cpu;
    return cpu;
}

int machine_make_cpus(struct machine *m, u64 reset_pc, struct err *err)
{
    const struct machine_cpu spec = {.arch = m->arch, .model = m->cpu_model, .reset_pc = reset_pc};
    for (u32 i = 0; i < m->config.cpus; i++) {
        if (!machine_add_cpu(m, &spec, err))
            return -err->code;
    }
    return 0;
}

int machine_dump_fdt(struct machine *m, const void *data, u64 size, struct err *err)
{
    m->fdt_dump = alloc_bytes(size);
    memcpy(m->fdt_dump, data, size);
    m->fdt_dump_size = size;
    return host_output_check("-M dumpdtb=", m->config.dumpdtb, err);
}
