/*
 * arm_virt.c - the Arm `virt` board: devices, wires and device tree, from the tables of arm_virt.h,
 * which has the map.
 *
 * The GIC's registers are banked by CPU: each CPU has an address space of its own, all of which is
 * the machine's but for these.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/host.h"
#include "board/arm_virt.h"
#include "boot/smbios.h"
#include "isa/arm/arm.h"

const struct arm_virt_primecell arm_virt_primecells[ARM_VIRT_PRIMECELLS] = {
    {"pl061", "gpio", GPIO_BASE, 7, PHANDLE_GPIO, "GPO0"},
    {"pl031", "rtc", RTC_BASE, 2, 0, NULL},
    {"pl011", "serial0", UART_BASE, UART_SPI, 0, "COM0"},
};

const struct arm_virt_timer arm_virt_timers[ARM_VIRT_TIMERS] = {
    {ARM_TIMER_SEC, 13}, {ARM_TIMER_PHYS, 14},    {ARM_TIMER_VIRT, 11},
    {ARM_TIMER_HYP, 10}, {ARM_TIMER_HYPVIRT, 12},
};

static const char *const acpi_words[] = {"off", "on", "auto", NULL};
static const struct option virt_options[] = {
    OPTION_BOOL("virtualization", struct arm_virt, virtualization, "off", "CPUs have EL2"),
    OPTION_BOOL("secure", struct arm_virt, secure, "off",
                "CPUs have EL3, with memory and devices that are secure"),
    OPTION_ENUM("gic-version", struct arm_virt, gic_word, "2", arm_virt_gic_words,
                "interrupt controller: 2 (up to 8 CPUs) or 3 (up to 512); max is 3"),
    OPTION_BOOL("its", struct arm_virt, its, "on", "a GICv3 has an ITS"),
    OPTION_BOOL("highmem", struct arm_virt, highmem, "on", "regions of addresses above 4 GiB"),
    OPTION_BOOL("compact-highmem", struct arm_virt, compact, "on",
                "regions that are switched off take no addresses"),
    OPTION_BOOL("highmem-redists", struct arm_virt, high[HIGH_REDISTS], "on",
                "a region for more GICv3 redistributors"),
    OPTION_BOOL("highmem-ecam", struct arm_virt, high[HIGH_ECAM], "on",
                "PCIe configuration space of 256 buses"),
    OPTION_BOOL("highmem-mmio", struct arm_virt, high[HIGH_MMIO], "on",
                "a PCIe window for 64-bit BARs"),
    OPTION_ENUM("acpi", struct arm_virt, acpi, "auto", acpi_words,
                "ACPI tables for firmware (auto: on)"),
    OPTION_LAST,
};

static const struct board_arch virt_archs[] = {
    {"aarch64", "cortex-a57"}, {"arm", "cortex-a15"}, {0}};

static struct device *find_primecell(const struct arm_virt *v, const char *id)
{
    for (unsigned i = 0; i < ARM_VIRT_PRIMECELLS; i++) {
        if (!strcmp(arm_virt_primecells[i].id, id))
            return v->primecell[i];
    }
    return NULL;
}

/* ---- CPUs -------------------------------------------------------------------------------------
 */

static struct mem_space *virt_cpu_space(struct machine *m, u32 index)
{
    struct arm_virt *v = m->board_data;
    if (index >= arm_virt_views(v))
        return &v->view[0].space;
    struct view *w = &v->view[index];
    mem_container(&w->root, "cpu", UINT64_MAX);
    mem_container(&w->normal, "cpu-normal", ARM_SECURE_SPACE);
    mem_alias(&w->system, "system", &m->root, 0, ARM_SECURE_SPACE);
    mem_map(&m->memory, &w->root, 0, &w->normal, 0);
    mem_map(&m->memory, &w->normal, 0, &w->system, 0);
    if (v->secure) {
        mem_alias(&w->again, "cpu-normal", &w->normal, 0, ARM_SECURE_SPACE);
        mem_alias(&w->secure, "secure", &v->apart.only, 0, ARM_SECURE_SPACE);
        mem_map(&m->memory, &w->root, ARM_SECURE_SPACE, &w->again, 0);
        mem_map(&m->memory, &w->root, ARM_SECURE_SPACE, &w->secure, 1);
    }
    machine_space_init(m, &w->space, "cpu-memory", &w->root);
    v->views = index + 1;
    return &w->space;
}

static u64 cpu_affinity(const struct cpu *cpu)
{
    return ((const struct arm_cpu *)cpu)->mpidr & UINT64_C(0xff00ffffff);
}

/* The highest level at which the board's own loader or PSCI hands a CPU over. */
static unsigned start_level(const struct arm_virt *v)
{
    return v->virtualization ? 2 : 1;
}

static bool is_a32(const struct machine *m)
{
    return !arm_cpu(m->cpus[0])->aarch64;
}

/* EL2 and EL3 are AArch64's. */
static int check_a32(const struct machine *m, const struct arm_virt *v, struct err *err)
{
    if (!is_a32(m) || !(v->virtualization || v->secure))
        return 0;
    return err_set(err, EINVAL, "-M virt,%s=on: CPUs that start in AArch32 have EL1 and EL0 only",
                   v->secure ? "secure" : "virtualization");
}

static void psci_start(struct cpu *cpu, u64 pc, u64 x0)
{
    arm_cpu_set_start(cpu, pc, x0, arm_cpu(cpu)->has_el2 ? 2 : 1);
}

static void psci_wait(struct cpu *cpu)
{
    cpu->halted = !cpu->isa->wakes(cpu);
}

static bool firmware_call(void *opaque, struct cpu *cpu, bool smc, u64 x[8])
{
    struct arm_virt *v = opaque;
    /* By HVC where there is no EL2 that would take it, else by SMC. */
    if (!arm_virt_has_psci(v) || smc != v->virtualization)
        return false;
    psci_call(&v->psci, cpu, x);
    return true;
}

bool arm_virt_has_pmu(const struct machine *m)
{
    return arm_cpu_has(arm_cpu(m->cpus[0]), ARM_EXT_PMUV3);
}

static struct irq ppi(const struct arm_virt *v, u32 cpu, u32 n)
{
    return device_input(v->gic, GIC_SPIS + 32 * cpu + 16 + n);
}

static void connect_cpu(struct machine *m, struct arm_virt *v, u32 i)
{
    struct cpu *cpu = m->cpus[i];
    const struct arm_firmware firmware = {.call = firmware_call, .opaque = v};
    arm_cpu_set_mpidr(cpu, arm_virt_affinity(v, i));
    arm_cpu_set_levels(cpu, v->virtualization, v->secure);
    arm_cpu_set_firmware(cpu, &firmware);
    if (v->secure)
        arm_cpu_set_two_spaces(cpu);
    for (unsigned k = 0; k < ARM_VIRT_TIMERS; k++)
        arm_cpu_set_timer_irq(cpu, arm_virt_timers[k].timer, ppi(v, i, arm_virt_timers[k].ppi));
    arm_cpu_set_pmu_irq(cpu, ppi(v, i, PMU_PPI));
}

/* ---- Devices ----------------------------------------------------------------------------------
 */

static struct irq spi(const struct arm_virt *v, u32 n)
{
    return device_input(v->gic, n);
}

static int make_primecells(struct machine *m, struct arm_virt *v, struct err *err)
{
    for (unsigned i = 0; i < ARM_VIRT_PRIMECELLS; i++) {
        const struct arm_virt_primecell *e = &arm_virt_primecells[i];
        const char *line = !strcmp(e->id, "serial0") ? m->config.serial[0] : NULL;
        v->primecell[i] = board_add_serial(m, e->type, e->id, e->base, line, err);
        if (!v->primecell[i])
            return -ENODEV;
        device_connect(v->primecell[i], 0, spi(v, e->spi));
    }
    return 0;
}

static int make_pcie(struct machine *m, struct arm_virt *v, struct err *err)
{
    v->pcie = board_add_pcie(m, &v->pcie_place, err);
    for (u32 i = 0; i < BOARD_PCIE_PINS && v->pcie; i++)
        device_connect(v->pcie, i, spi(v, PCIE_SPI + i));
    return v->pcie ? 0 : -ENODEV;
}

static int make_devices(struct machine *m, struct arm_virt *v, struct err *err)
{
    int r = arm_virt_gic_make(m, err);
    for (u32 i = 0; i < m->cpu_count && !r; i++)
        connect_cpu(m, v, i);
    if (!r)
        r = make_primecells(m, v, err);
    if (!r)
        r = make_pcie(m, v, err);
    for (unsigned i = 0; i < VIRTIO_SLOTS && !r; i++) {
        char id[24];
        snprintf(id, sizeof(id), "virtio-mmio-bus.%u", i);
        v->virtio[i] =
            board_add_device(m, "virtio-mmio", id, VIRTIO_BASE + i * VIRTIO_STEP, NULL, err);
        if (!v->virtio[i])
            return -ENODEV;
        device_connect(v->virtio[i], 0, spi(v, VIRTIO_SPI + i));
    }
    for (unsigned i = 0; i < MACHINE_FLASHES && !r; i++)
        r = board_add_flash(m, v->secure && !i ? &v->apart.only : &m->root, i,
                            FLASH_BASE + i * FLASH_SIZE, FLASH_SIZE, err);
    r = r ? r : arm_virt_secure_devices(m, err);
    if (r)
        return r;
    v->fw_cfg = board_add_device(m, "fw_cfg_mem", "fw_cfg", FW_CFG_BASE, NULL, err);
    return v->fw_cfg ? 0 : -ENODEV;
}

/* ---- Power key --------------------------------------------------------------------------------
 */

static void key_released(void *opaque)
{
    struct machine *m = opaque;
    struct arm_virt *v = m->board_data;
    pthread_mutex_lock(&m->lock);
    irq_set(device_input(find_primecell(v, "gpio"), POWER_LINE), 0);
    pthread_mutex_unlock(&m->lock);
}

static void virt_power_button(struct machine *m)
{
    struct arm_virt *v = m->board_data;
    pthread_mutex_lock(&m->lock);
    irq_set(device_input(find_primecell(v, "gpio"), POWER_LINE), 1);
    pthread_mutex_unlock(&m->lock);
    timer_set(&v->power_key, clock_now(&m->clock) + POWER_PRESS_MS * UINT64_C(1000000));
}

/* ---- Device tree ------------------------------------------------------------------------------
 */

static void fdt_psci(struct boot_fdt *f, const struct machine *m, const struct arm_virt *v)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";
    if (!arm_virt_has_psci(v))
        return;
    int node = boot_fdt_node(f, 0, "psci");
    boot_fdt_bytes(f, node, "compatible", compatible, sizeof(compatible));
    boot_fdt_string(f, node, "method", v->virtualization ? "smc" : "hvc");
    u32 wide = is_a32(m) ? 0 : 0x40000000;
    boot_fdt_u32(f, node, "cpu_suspend", 0x84000001 | wide);
    boot_fdt_u32(f, node, "cpu_off", 0x84000002);
    boot_fdt_u32(f, node, "cpu_on", 0x84000003 | wide);
    boot_fdt_u32(f, node, "migrate", 0x84000005 | wide);
}

static void fdt_cpus(struct boot_fdt *f, const struct machine *m, const struct arm_virt *v)
{
    int cpus = boot_fdt_node(f, 0, "cpus");
    boot_fdt_u32(f, cpus, "#size-cells", 0);
    boot_fdt_u32(f, cpus, "#address-cells", 1);
    int map = boot_fdt_node(f, cpus, "cpu-map");
    int cluster = boot_fdt_node(f, boot_fdt_node(f, map, "socket0"), "cluster0");
    for (u32 i = m->cpu_count; i--;)
        boot_fdt_u32(f, boot_fdt_node(f, cluster, "core%u", i), "cpu", PHANDLE_CPUS + i);
    for (u32 i = m->cpu_count; i--;) {
        struct isa_cpu_facts facts = {0};
        m->cpus[i]->isa->facts(m->cpus[i], &facts);
        int node = boot_fdt_node(f, cpus, "cpu@%llx", (unsigned long long)arm_virt_affinity(v, i));
        boot_fdt_u32(f, node, "phandle", PHANDLE_CPUS + i);
        boot_fdt_u32(f, node, "reg", (u32)arm_virt_affinity(v, i));
        if (m->cpu_count > 1 && arm_virt_has_psci(v))
            boot_fdt_string(f, node, "enable-method", "psci");
        boot_fdt_string(f, node, "compatible", facts.compatible);
        boot_fdt_string(f, node, "device_type", "cpu");
    }
}

static void fdt_timer(struct boot_fdt *f, const struct machine *m)
{
    static const char compatible[] = "arm,armv8-timer\0arm,armv7-timer";
    u32 cells[3 * ARM_VIRT_TIMERS], n = 0;
    /* The last one, of the hypervisor's virtual timer, is not listed: few bindings know it. */
    for (unsigned i = 0; i + 1 < ARM_VIRT_TIMERS; i++) {
        cells[n++] = FDT_PPI;
        cells[n++] = arm_virt_timers[i].ppi;
        cells[n++] = arm_virt_ppi_flags(m, FDT_LEVEL);
    }
    int node = boot_fdt_node(f, 0, "timer");
    boot_fdt_bytes(f, node, "compatible", compatible, sizeof(compatible));
    boot_fdt_flag(f, node, "always-on");
    boot_fdt_cells(f, node, "interrupts", cells, n);
}

static void fdt_pmu(struct boot_fdt *f, const struct machine *m)
{
    if (!arm_virt_has_pmu(m))
        return;
    int node = boot_fdt_node(f, 0, "pmu");
    boot_fdt_string(f, node, "compatible", "arm,armv8-pmuv3");
    boot_fdt_cells(f, node, "interrupts",
                   (const u32[]){FDT_PPI, PMU_PPI, arm_virt_ppi_flags(m, FDT_LEVEL)}, 3);
}

static void fdt_spi(struct boot_fdt *f, int node, u32 n, u32 trigger)
{
    boot_fdt_cells(f, node, "interrupts", (const u32[]){FDT_SPI, n, trigger}, 3);
}

int arm_virt_fdt_primecell(struct boot_fdt *f, struct device *d, u64 base, u32 spi)
{
    static const char one[] = "apb_pclk", two[] = "uartclk\0apb_pclk";
    bool uart = !strcmp(d->type->name, "pl011");
    int node = board_fdt_device(f, 0, d, base, CELL_SIZE);
    fdt_spi(f, node, spi, FDT_LEVEL);
    boot_fdt_cells(f, node, "clocks", (const u32[]){PHANDLE_CLOCK, PHANDLE_CLOCK}, uart ? 2 : 1);
    boot_fdt_bytes(f, node, "clock-names", uart ? two : one, uart ? sizeof(two) : sizeof(one));
    return node;
}

static void fdt_primecells(struct boot_fdt *f, const struct arm_virt *v)
{
    for (unsigned i = 0; i < ARM_VIRT_PRIMECELLS; i++) {
        const struct arm_virt_primecell *e = &arm_virt_primecells[i];
        int node = arm_virt_fdt_primecell(f, v->primecell[i], e->base, e->spi);
        if (e->phandle) {
            boot_fdt_u32(f, node, "phandle", e->phandle);
            boot_fdt_flag(f, node, "gpio-controller");
            boot_fdt_u32(f, node, "#gpio-cells", 2);
        }
    }
}

static void fdt_power_key(struct boot_fdt *f)
{
    int node = boot_fdt_node(f, 0, "gpio-keys");
    boot_fdt_string(f, node, "compatible", "gpio-keys");
    int key = boot_fdt_node(f, node, "poweroff");
    boot_fdt_cells(f, key, "gpios", (const u32[]){PHANDLE_GPIO, POWER_LINE, 0}, 3);
    boot_fdt_u32(f, key, "linux,code", KEY_POWER);
    boot_fdt_string(f, key, "label", "GPIO Key Poweroff");
}

/* Later nodes come first in the tree, so Linux finds virtio slots from the last to the first, which
 * is the order in which -device fills them. */
static void fdt_virtio(struct boot_fdt *f, const struct arm_virt *v)
{
    for (unsigned i = VIRTIO_SLOTS; i--;) {
        int node = board_fdt_device(f, 0, v->virtio[i], VIRTIO_BASE + i * VIRTIO_STEP, VIRTIO_STEP);
        fdt_spi(f, node, VIRTIO_SPI + i, FDT_EDGE);
        boot_fdt_flag(f, node, "dma-coherent");
    }
}

static void fdt_pcie(struct boot_fdt *f, const struct arm_virt *v)
{
    int node = board_fdt_pcie(f, 0, v->pcie, &v->pcie_place);
    if (v->msi)
        boot_fdt_cells(f, node, "msi-map", (const u32[]){0, PHANDLE_MSI, 0, 0x10000}, 4);
}

/* count banks of flash, from the first one's base. */
static int fdt_banks(struct boot_fdt *f, const char *name, u64 base, unsigned count)
{
    int node = boot_fdt_node(f, 0, "%s@%llx", name, (unsigned long long)base);
    boot_fdt_string(f, node, "compatible", "cfi-flash");
    boot_fdt_reg(f, node, (const u64[]){base, FLASH_SIZE, base + FLASH_SIZE, FLASH_SIZE}, count);
    boot_fdt_u32(f, node, "bank-width", 4);
    return node;
}

static void fdt_flash(struct boot_fdt *f, const struct arm_virt *v)
{
    if (!v->secure) {
        fdt_banks(f, "flash", FLASH_BASE, 2);
        return;
    }
    fdt_banks(f, "flash", FLASH_BASE + FLASH_SIZE, 1);
    int node = fdt_banks(f, "secflash", FLASH_BASE, 1);
    boot_fdt_string(f, node, "status", "disabled");
    boot_fdt_string(f, node, "secure-status", "okay");
}

static void fdt_platform_bus(struct boot_fdt *f)
{
    static const char compatible[] = "qemu,platform\0simple-bus";
    int node = boot_fdt_node(f, 0, "platform-bus@%llx", (unsigned long long)BUS_BASE);
    boot_fdt_bytes(f, node, "compatible", compatible, sizeof(compatible));
    boot_fdt_u32(f, node, "#size-cells", 1);
    boot_fdt_u32(f, node, "#address-cells", 1);
    boot_fdt_cells(f, node, "ranges", (const u32[]){0, 0, BUS_BASE, BUS_SIZE}, 4);
    boot_fdt_u32(f, node, "interrupt-parent", PHANDLE_GIC);
}

static void fdt_clock(struct boot_fdt *f)
{
    int node = boot_fdt_node(f, 0, "apb-pclk");
    boot_fdt_string(f, node, "compatible", "fixed-clock");
    boot_fdt_u32(f, node, "#clock-cells", 0);
    boot_fdt_u32(f, node, "clock-frequency", 24000000);
    boot_fdt_string(f, node, "clock-output-names", "clk24mhz");
    boot_fdt_u32(f, node, "phandle", PHANDLE_CLOCK);
}

static void fdt_chosen(struct boot_fdt *f, const struct machine *m)
{
    static const char serial[] = "/pl011@9000000";
    u8 seed[40];
    host_random(seed + 8, 32);
    machine_kaslr_seed(m, seed);
    int chosen = boot_fdt_node(f, 0, "chosen");
    boot_fdt_bytes(f, chosen, "kaslr-seed", seed, 8);
    boot_fdt_bytes(f, chosen, "rng-seed", seed + 8, 32);
    boot_fdt_string(f, chosen, "stdout-path", serial);
    boot_fdt_string(f, boot_fdt_node(f, 0, "aliases"), "serial0", serial);
}

static void make_fdt(struct boot_fdt *f, const struct machine *m, const struct arm_virt *v)
{
    boot_fdt_string(f, 0, "model", "linux,dummy-virt");
    boot_fdt_string(f, 0, "compatible", "linux,dummy-virt");
    boot_fdt_u32(f, 0, "#size-cells", 2);
    boot_fdt_u32(f, 0, "#address-cells", 2);
    boot_fdt_u32(f, 0, "interrupt-parent", PHANDLE_GIC);
    boot_fdt_flag(f, 0, "dma-coherent");
    fdt_chosen(f, m);
    fdt_clock(f);
    fdt_timer(f, m);
    fdt_cpus(f, m, v);
    fdt_pmu(f, m);
    fdt_flash(f, v);
    arm_virt_gic_fdt(f, v);
    arm_virt_secure_fdt(f, v);
    fdt_primecells(f, v);
    fdt_pcie(f, v);
    fdt_power_key(f);
    fdt_virtio(f, v);
    boot_fdt_flag(f, board_fdt_device(f, 0, v->fw_cfg, FW_CFG_BASE, FW_CFG_SIZE), "dma-coherent");
    fdt_platform_bus(f);
    int memory = boot_fdt_node(f, 0, "memory@%llx", (unsigned long long)RAM_BASE);
    boot_fdt_reg(f, memory, (const u64[]){RAM_BASE, m->ram_size}, 1);
    boot_fdt_string(f, memory, "device_type", "memory");
    fdt_psci(f, m, v);
}

/* ---- Life -------------------------------------------------------------------------------------
 */

static int virt_init(struct machine *m, struct err *err)
{
    struct arm_virt *v = m->board_data;
    psci_init(&v->psci, m);
    v->psci.affinity = cpu_affinity;
    v->psci.start = psci_start;
    v->psci.wait = psci_wait;
    timer_init(&v->power_key, m->loop, &m->clock, key_released, m);
    if (v->secure)
        arm_virt_secure_init(m);
    int r = arm_virt_gic_choose(m, err);
    r = r ? r : machine_make_cpus(m, FLASH_BASE, err);
    r = r ? r : check_a32(m, v, err);
    r = r ? r : arm_virt_map(m, arm_cpu(m->cpus[0])->phys_bits, err);
    r = r ? r : machine_make_ram(m, "mach-virt.ram", err);
    if (r)
        return r;
    mem_map(&m->memory, &m->root, RAM_BASE, &m->ram, 0);
    return make_devices(m, v, err);
}

static int finish_fdt(struct machine *m, struct arm_virt *v, struct boot_fdt *f, struct err *err)
{
    u8 *data;
    u64 size;
    arm_boot_chosen(&v->boot, f);
    int r = boot_fdt_finish(f, &data, &size, err);
    if (r)
        return r;
    r = arm_boot_finish(&v->boot, data, size, err);
    if (!r && m->config.dumpdtb)
        r = machine_dump_fdt(m, data, size, err);
    free(data);
    return r;
}

static int add_smbios(struct machine *m, struct arm_virt *v, struct err *err)
{
    const struct smbios_facts facts = {
        .family = strcmp(m->arch, "arm") ? SMBIOS_FAMILY_ARMV8 : SMBIOS_FAMILY_ARMV7,
        .processor_id = arm_cpu(m->cpus[0])->sysreg[ARM_SYS_MIDR_EL1],
        .ram_base = RAM_BASE,
    };
    return board_add_smbios(m, v->fw_cfg, &facts, err);
}

static int virt_load(struct machine *m, struct err *err)
{
    struct arm_virt *v = m->board_data;
    struct boot_fdt f = {0};
    boot_roms_init(&v->roms, v->secure ? &v->apart.space : &m->space);
    v->boot = (struct arm_boot){.m = m,
                                .roms = &v->roms,
                                .ram_base = RAM_BASE,
                                .flash = FLASH_BASE,
                                .flash_used = m->config.flash[0] != NULL,
                                .a32 = is_a32(m)};
    int r = arm_boot_load(&v->boot, err);
    if (!r)
        r = board_fill_fw_cfg(m, v->fw_cfg, v->boot.firmware, err);
    if (!r && v->acpi)
        r = arm_virt_acpi(m, err);
    if (!r)
        r = add_smbios(m, v, err);
    if (!r)
        r = board_open_fdt(&f, m, err);
    if (!r && !m->config.dtb)
        make_fdt(&f, m, v);
    if (!r)
        r = finish_fdt(m, v, &f, err);
    boot_fdt_fini(&f);
    return r;
}

/* AArch32: r0 is 0, r1 no machine number, r2 the device tree (Documentation/arch/arm/booting.rst).
 */
static void start_kernel(struct machine *m, struct arm_virt *v)
{
    u64 fdt = v->boot.fdt_addr;
    arm_cpu_set_start(m->cpus[0], v->boot.entry, is_a32(m) ? 0 : fdt, start_level(v));
    if (is_a32(m))
        arm_cpu_set_arguments(m->cpus[0], UINT32_MAX, fdt);
}

/* Firmware begins at its reset vector on the highest level, on every CPU if it is to answer for
 * PSCI; a kernel on CPU 0, the others wait for PSCI. */
static void virt_reset(struct machine *m)
{
    struct arm_virt *v = m->board_data;
    boot_roms_write(&v->roms);
    if (m->config.on_reboot == MACHINE_REBOOT_SHUTDOWN)
        boot_roms_drop(&v->roms);
    for (u32 i = 0; i < m->cpu_count; i++)
        m->cpus[i]->powered_off = i > 0 && arm_virt_has_psci(v);
    if (!v->boot.firmware && v->boot.entry)
        start_kernel(m, v);
    arm_virt_gic_reset(v);
}

static void virt_fini(struct machine *m)
{
    struct arm_virt *v = m->board_data;
    psci_fini(&v->psci);
    if (v->power_key.loop)
        timer_fini(&v->power_key);
    arm_virt_gic_fini(m);
    for (u32 i = 0; i < v->views; i++) {
        mem_unmap(&m->memory, &v->view[i].system);
        mem_unmap(&m->memory, &v->view[i].again);
        mem_unmap(&m->memory, &v->view[i].secure);
        mem_space_fini(&v->view[i].space);
    }
    arm_virt_secure_fini(m);
    boot_roms_fini(&v->roms);
}

const struct board arm_virt = {
    .name = "virt",
    .help = "Arm VirtIO board",
    .archs = virt_archs,
    .max_cpus = MAX_CPUS,
    .serials = 2,
    .default_ram = 128 * MiB,
    .virtio_pci = true,
    .size = sizeof(struct arm_virt),
    .options = virt_options,
    .init = virt_init,
    .load = virt_load,
    .reset = virt_reset,
    .fini = virt_fini,
    .cpu_space = virt_cpu_space,
    .power_button = virt_power_button,
};
