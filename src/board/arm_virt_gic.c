/*
 * arm_virt_gic.c - the Arm `virt` board's interrupt controller: a GICv2 with GICv2m, or a GICv3
 * with ITS; how CPUs and device tree are connected to it.
 *
 * The GICv2's registers are banked by CPU: each CPU has an address space of its own, all of which
 * is the machine's but for these, and in which Secure accesses have another part. With a GICv3,
 * whose CPU interfaces are system registers, all share one. Main thread, but for system registers,
 * which come on their CPU's.
 */
#include <errno.h>

#include "board/arm_virt.h"
#include "isa/arm/arm.h"

enum { GIC_WORD_2, GIC_WORD_3, GIC_WORD_4, GIC_WORD_HOST, GIC_WORD_MAX };
const char *const arm_virt_gic_words[] = {"2", "3", "4", "host", "max", NULL};

enum { V2_CLUSTER = 8, V3_CLUSTER = 16 };
#define GICC_BASE   UINT64_C(0x08010000)
#define V2M_BASE    UINT64_C(0x08020000)
#define GICH_BASE   UINT64_C(0x08030000)
#define GICV_BASE   UINT64_C(0x08040000)
#define ITS_BASE    UINT64_C(0x08080000)
#define REDIST_BASE UINT64_C(0x080a0000)
#define REDIST_ROOM ((u32)((UART_BASE - REDIST_BASE) / GICV3_REDIST_SIZE))

/* ---- Choice ---------------------------------------------------------------------------------- */

static int choose_version(struct arm_virt *v, struct err *err)
{
    switch (v->gic_word) {
    case GIC_WORD_2: v->gic_version = 2; return 0;
    case GIC_WORD_4:
        return err_set(err, EINVAL,
                       "-M virt,gic-version=4: virtual LPIs are not implemented; 2, 3 and max are");
    case GIC_WORD_HOST:
        return err_set(err, EINVAL,
                       "-M virt,gic-version=host: this needs KVM on an Arm host; 2, 3 or max");
    default: v->gic_version = 3; return 0;
    }
}

int arm_virt_gic_choose(struct machine *m, struct err *err)
{
    struct arm_virt *v = m->board_data;
    u32 cpus = m->config.max_cpus;
    int r = choose_version(v, err);
    if (r)
        return r;
    if (v->gic_version == 2 && cpus > GICV2_CPUS)
        return err_set(err, EINVAL,
                       "-smp %u: a GICv2 has at most %u CPUs; -M virt,gic-version=3 has %u", cpus,
                       GICV2_CPUS, GICV3_CPUS);
    return 0;
}

/* After the map is made. */
static int check_room(const struct machine *m, const struct arm_virt *v, struct err *err)
{
    if (m->cpu_count <= REDIST_ROOM || v->high[HIGH_REDISTS])
        return 0;
    return err_set(err, EINVAL,
                   "-smp %u: without the region of highmem-redists there is room for %u CPUs",
                   m->cpu_count, REDIST_ROOM);
}

u32 arm_virt_cluster(const struct arm_virt *v)
{
    return v->gic_version == 2 ? V2_CLUSTER : V3_CLUSTER;
}

u64 arm_virt_affinity(const struct arm_virt *v, u32 index)
{
    u32 size = arm_virt_cluster(v);
    return index % size | (u64)(index / size) << 8;
}

u32 arm_virt_views(const struct arm_virt *v)
{
    return v->gic_version == 2 ? GICV2_CPUS : 1;
}

/* ---- GICv3 ----------------------------------------------------------------------------------- */

static struct gicv3_access access_of(const struct arm_virt_gic_cpu *p,
                                     const struct arm_gic_access *at)
{
    return (struct gicv3_access){.encoding = at->encoding,
                                 .el = at->el,
                                 .secure = at->secure,
                                 .virtual = at->virtual,
                                 .fiq_to_el3 = at->fiq_to_el3,
                                 .has_el2 = p->has_el2};
}

static enum arm_gic_result result_of(enum gicv3_result r)
{
    static const enum arm_gic_result results[] = {[GICV3_OK] = ARM_GIC_OK,
                                                  [GICV3_UNDEFINED] = ARM_GIC_UNDEFINED,
                                                  [GICV3_TRAP_EL2] = ARM_GIC_TRAP_EL2};
    return results[r];
}

static enum arm_gic_result register_read(void *opaque, const struct arm_gic_access *at, u64 *value)
{
    const struct arm_virt_gic_cpu *p = opaque;
    const struct gicv3_access access = access_of(p, at);
    return result_of(gicv3_register_read(p->gic, p->index, &access, value));
}

static enum arm_gic_result register_write(void *opaque, const struct arm_gic_access *at, u64 value)
{
    const struct arm_virt_gic_cpu *p = opaque;
    const struct gicv3_access access = access_of(p, at);
    return result_of(gicv3_register_write(p->gic, p->index, &access, value));
}

static void connect_v3(struct machine *m, struct arm_virt *v, u32 i)
{
    static const u8 wires[GICV3_OUTPUTS] = {
        [GICV3_IRQ] = ARM_IRQ_IRQ,         [GICV3_FIQ] = ARM_IRQ_FIQ,
        [GICV3_VIRQ] = ARM_IRQ_VIRQ,       [GICV3_VFIQ] = ARM_IRQ_VFIQ,
        [GICV3_GROUP1S] = ARM_IRQ_GROUP1S, [GICV3_GROUP1NS] = ARM_IRQ_GROUP1NS};
    struct arm_virt_gic_cpu *p = &v->gic_cpu[i];
    const struct arm_gic_cpu registers = {register_read, register_write, p};
    *p = (struct arm_virt_gic_cpu){v->gic, i, v->virtualization};
    gicv3_set_affinity(v->gic, i, arm_virt_affinity(v, i));
    arm_cpu_set_gic(m->cpus[i], &registers);
    for (unsigned n = 0; n < GICV3_OUTPUTS; n++)
        device_connect(v->gic, GICV3_OUTPUTS * i + n, cpu_irq(m->cpus[i], wires[n]));
}

/* Redistributors are in two regions; low and high are parts of one device's. */
static void map_v3(struct machine *m, struct arm_virt *v, struct arm_virt_redists *r,
                   struct mem_region *root, enum gicv3_mmio dist)
{
    struct mem_region *redist = device_mmio(v->gic, dist + 1);
    u64 low = MIN(m->cpu_count, REDIST_ROOM) * GICV3_REDIST_SIZE;
    mem_map(&m->memory, root, GICD_BASE, device_mmio(v->gic, dist), 1);
    mem_alias(&r->low, "gicv3_redist", redist, 0, low);
    mem_map(&m->memory, root, REDIST_BASE, &r->low, 1);
    if (redist->size == low)
        return;
    mem_alias(&r->high, "gicv3_redist", redist, low, redist->size - low);
    mem_map(&m->memory, root, v->high_base[HIGH_REDISTS], &r->high, 1);
}

static struct device *new_v3(struct machine *m, const struct arm_virt *v, struct err *err)
{
    const struct board_setting settings[] = {
        {"num-cpu", m->cpu_count}, {"num-irq", GIC_IRQS}, {"first-region", REDIST_ROOM}, {0}};
    struct device *d = board_new_device(m, "arm-gicv3", "gic", settings, err);
    if (d && (device_set(d, "has-security-extensions", v->secure ? "on" : "off", err) ||
              device_set(d, "has-lpi", v->its ? "on" : "off", err))) {
        device_free(d);
        return NULL;
    }
    return d;
}

static int make_v3(struct machine *m, struct arm_virt *v, struct err *err)
{
    int r = check_room(m, v, err);
    if (r)
        return r;
    v->gic = new_v3(m, v, err);
    if (!v->gic || machine_realize(m, v->gic, err))
        return -ENODEV;
    for (u32 i = 0; i < m->cpu_count; i++)
        connect_v3(m, v, i);
    map_v3(m, v, &v->redists[0], &m->root, GICV3_DIST);
    if (v->secure)
        map_v3(m, v, &v->redists[1], &v->apart.only, GICV3_SECURE_DIST);
    if (!v->its)
        return 0;
    v->msi = board_add_device(m, "arm-gicv3-its", "its", ITS_BASE, NULL, err);
    if (v->msi)
        gicv3_its_connect(v->msi, v->gic);
    return v->msi ? 0 : -ENODEV;
}

/* ---- GICv2 ----------------------------------------------------------------------------------- */

static struct mem_region *region_v2(const struct arm_virt *v, enum gicv2_mmio kind, u32 cpu)
{
    return device_mmio(v->gic, gicv2_number(kind, cpu));
}

static void map_v2(struct machine *m, struct arm_virt *v, u32 i)
{
    struct mem_region *seen = &v->view[i].normal, *secure = &v->view[i].root;
    mem_map(&m->memory, seen, GICD_BASE, region_v2(v, GICV2_DIST, i), 1);
    mem_map(&m->memory, seen, GICC_BASE, region_v2(v, GICV2_FACE, i), 1);
    if (v->virtualization) {
        mem_map(&m->memory, seen, GICH_BASE, region_v2(v, GICV2_CONTROL, i), 1);
        mem_map(&m->memory, seen, GICV_BASE, region_v2(v, GICV2_VIRTUAL_FACE, i), 1);
    }
    if (!v->secure)
        return;
    mem_map(&m->memory, secure, ARM_SECURE_SPACE + GICD_BASE, region_v2(v, GICV2_SECURE_DIST, i),
            2);
    mem_map(&m->memory, secure, ARM_SECURE_SPACE + GICC_BASE, region_v2(v, GICV2_SECURE_FACE, i),
            2);
}

static void connect_v2(struct machine *m, struct arm_virt *v, u32 i)
{
    static const u8 wires[GICV2_OUTPUTS] = {[GICV2_IRQ] = ARM_IRQ_IRQ,
                                            [GICV2_FIQ] = ARM_IRQ_FIQ,
                                            [GICV2_VIRQ] = ARM_IRQ_VIRQ,
                                            [GICV2_VFIQ] = ARM_IRQ_VFIQ};
    for (unsigned n = 0; n < GICV2_OUTPUTS; n++)
        device_connect(v->gic, gicv2_number(n, i), cpu_irq(m->cpus[i], wires[n]));
    map_v2(m, v, i);
}

static struct device *new_v2(struct machine *m, const struct arm_virt *v, struct err *err)
{
    const struct board_setting settings[] = {{"num-cpu", m->cpu_count}, {"num-irq", GIC_IRQS}, {0}};
    struct device *d = board_new_device(m, "arm_gic", "gic", settings, err);
    if (d &&
        (device_set(d, "has-security-extensions", v->secure ? "on" : "off", err) ||
         device_set(d, "has-virtualization-extensions", v->virtualization ? "on" : "off", err))) {
        device_free(d);
        return NULL;
    }
    return d;
}

static int make_v2(struct machine *m, struct arm_virt *v, struct err *err)
{
    const struct board_setting v2m[] = {{"base-spi", 32 + V2M_SPI}, {"num-spi", V2M_COUNT}, {0}};
    v->gic = new_v2(m, v, err);
    if (!v->gic || machine_realize(m, v->gic, err))
        return -ENODEV;
    for (u32 i = 0; i < m->cpu_count; i++)
        connect_v2(m, v, i);
    v->msi = board_add_device(m, "arm-gicv2m", "gicv2m", V2M_BASE, v2m, err);
    for (unsigned i = 0; v->msi && i < V2M_COUNT; i++)
        device_connect(v->msi, i, device_input(v->gic, V2M_SPI + i));
    return v->msi ? 0 : -ENODEV;
}

/* ---- Life ------------------------------------------------------------------------------------ */

int arm_virt_gic_make(struct machine *m, struct err *err)
{
    struct arm_virt *v = m->board_data;
    return v->gic_version == 2 ? make_v2(m, v, err) : make_v3(m, v, err);
}

/* Where there are two Security states, and no firmware that would share out the interrupts. */
void arm_virt_gic_reset(struct arm_virt *v)
{
    if (!v->secure || v->boot.firmware)
        return;
    if (v->gic_version == 3)
        gicv3_hand_over(v->gic);
    else
        gicv2_hand_over(v->gic);
}

void arm_virt_gic_fini(struct machine *m)
{
    struct arm_virt *v = m->board_data;
    for (unsigned i = 0; i < ARRAY_SIZE(v->redists); i++) {
        struct arm_virt_redists *r = &v->redists[i];
        mem_unmap(&m->memory, &r->low);
        mem_unmap(&m->memory, &r->high);
    }
}

/* ---- Device tree and ACPI -------------------------------------------------------------------- */

/* Flags of a private interrupt: which CPUs of a GICv2 it goes to. */
u32 arm_virt_ppi_flags(const struct machine *m, u32 trigger)
{
    const struct arm_virt *v = m->board_data;
    return v->gic_version == 2 ? trigger | ((1u << m->cpu_count) - 1) << 8 : trigger;
}

static void fdt_v2(struct boot_fdt *f, const struct arm_virt *v, int node)
{
    boot_fdt_reg(f, node,
                 (const u64[]){GICD_BASE, GIC_WINDOW, GICC_BASE, GIC_WINDOW, GICH_BASE, GIC_WINDOW,
                               GICV_BASE, GIC_WINDOW},
                 v->virtualization ? 4 : 2);
    if (v->virtualization)
        boot_fdt_cells(f, node, "interrupts",
                       (const u32[]){FDT_PPI, GICV2_MAINTENANCE_PPI - 16, FDT_LEVEL}, 3);
    int v2m = board_fdt_device(f, node, v->msi, V2M_BASE, 0x1000);
    boot_fdt_u32(f, v2m, "phandle", PHANDLE_MSI);
    boot_fdt_flag(f, v2m, "msi-controller");
}

static void fdt_v3(struct boot_fdt *f, const struct arm_virt *v, int node)
{
    const struct mem_region *low = &v->redists[0].low, *high = &v->redists[0].high;
    u32 regions = high->size ? 2 : 1;
    boot_fdt_u32(f, node, "#redistributor-regions", regions);
    boot_fdt_reg(f, node,
                 (const u64[]){GICD_BASE, GICV3_DIST_SIZE, REDIST_BASE, low->size,
                               v->high_base[HIGH_REDISTS], high->size},
                 1 + regions);
    if (v->virtualization)
        boot_fdt_cells(f, node, "interrupts",
                       (const u32[]){FDT_PPI, GICV3_MAINTENANCE_PPI - 16, FDT_LEVEL}, 3);
    if (!v->msi)
        return;
    int its = board_fdt_device(f, node, v->msi, ITS_BASE, GICV3_ITS_SIZE);
    boot_fdt_u32(f, its, "phandle", PHANDLE_MSI);
    boot_fdt_u32(f, its, "#msi-cells", 1);
    boot_fdt_flag(f, its, "msi-controller");
}

void arm_virt_gic_fdt(struct boot_fdt *f, const struct arm_virt *v)
{
    int node = board_fdt_device(f, 0, v->gic, GICD_BASE, GIC_WINDOW);
    boot_fdt_u32(f, node, "phandle", PHANDLE_GIC);
    boot_fdt_u32(f, node, "#interrupt-cells", 3);
    boot_fdt_flag(f, node, "interrupt-controller");
    boot_fdt_u32(f, node, "#address-cells", 2);
    boot_fdt_u32(f, node, "#size-cells", 2);
    boot_fdt_flag(f, node, "ranges");
    if (v->gic_version == 2)
        fdt_v2(f, v, node);
    else
        fdt_v3(f, v, node);
}

struct acpi_gic arm_virt_gic_acpi(const struct arm_virt *v)
{
    if (v->gic_version == 2)
        return (struct acpi_gic){.version = 2,
                                 .distributor = GICD_BASE,
                                 .cpu_interface = GICC_BASE,
                                 .v2m = V2M_BASE,
                                 .v2m_first = 32 + V2M_SPI,
                                 .v2m_count = V2M_COUNT,
                                 .virtual_control = v->virtualization ? GICH_BASE : 0,
                                 .virtual_cpu = v->virtualization ? GICV_BASE : 0,
                                 .maintenance = v->virtualization ? GICV2_MAINTENANCE_PPI : 0};
    const struct mem_region *low = &v->redists[0].low, *high = &v->redists[0].high;
    return (struct acpi_gic){
        .version = 3,
        .distributor = GICD_BASE,
        .redistributor = {{REDIST_BASE, low->size}, {v->high_base[HIGH_REDISTS], high->size}},
        .its = v->msi ? ITS_BASE : 0,
        .maintenance = v->virtualization ? GICV3_MAINTENANCE_PPI : 0,
    };
}
