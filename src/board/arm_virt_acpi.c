/*
 * arm_virt_acpi.c - the Arm `virt` board's ACPI tables, from the facts of arm_virt.h that also make
 * its device tree, and its SMBIOS tables.
 *
 * Devices in the name space, under \_SB: Cxxx processors, COM0 and COM1 the serial ports, FLS0 and
 * FLS1 flash, FWCF fw_cfg, VRxx virtio-mmio slots, PCI0 the PCIe host with its interrupt links
 * GSI0..3, GPO0 the GPIO controller whose line is the power key, PWRB the power button that it
 * notifies.
 *
 * Main thread, in the board's load.
 */
#include "board/arm_virt.h"
#include "boot/acpi_arm.h"
#include "boot/aml.h"
#include "isa/arm/arm.h"

enum {
    GSI_PPI = 16,
    GSI_SPI = 32,
    OSC_GRANTED = 0x1d /* all native, but for SHPC: there is none */
};

/* ---- Devices of the board -------------------------------------------------------------------- */

static u32 begin_device(struct blob *b, const char *path, const char *id, u32 uid)
{
    u32 mark = aml_device(b, path);
    aml_name_id(b, "_HID", id);
    aml_name_integer(b, "_UID", uid);
    return mark;
}

/* A device with registers and at most one interrupt (gsi 0: none). */
static u32 begin_part(struct blob *b, const char *path, const struct device *d, u32 uid, u64 base,
                      u64 size, u32 gsi, unsigned flags)
{
    struct blob r = {0};
    u32 mark = begin_device(b, path, d->type->acpi_id, uid);
    aml_memory32(&r, (u32)base, (u32)size);
    if (gsi)
        aml_interrupt(&r, flags, gsi);
    aml_resources(b, "_CRS", &r);
    return mark;
}

static void add_cpus(struct blob *b, const struct machine *m)
{
    for (u32 i = 0; i < m->cpu_count; i++) {
        char path[8];
        snprintf(path, sizeof(path), "C%03X", i & 0xfff);
        aml_end(b, begin_device(b, path, "ACPI0007", i));
    }
}

static void add_flash(struct blob *b, struct machine *m)
{
    for (u32 i = 0; i < MACHINE_FLASHES; i++) {
        char path[8], id[16];
        snprintf(path, sizeof(path), "FLS%u", i);
        snprintf(id, sizeof(id), "virt.flash%u", i);
        aml_end(b, begin_part(b, path, machine_find_device(m, id), i, FLASH_BASE + i * FLASH_SIZE,
                              FLASH_SIZE, 0, 0));
    }
}

static void add_fw_cfg(struct blob *b, const struct arm_virt *v)
{
    u32 mark = begin_part(b, "FWCF", v->fw_cfg, 0, FW_CFG_BASE, FW_CFG_SIZE, 0, 0);
    aml_name_integer(b, "_STA", 0xb); /* present, enabled, working; not shown to people */
    aml_name_integer(b, "_CCA", 1);
    aml_end(b, mark);
}

static void add_virtio(struct blob *b, const struct arm_virt *v)
{
    for (u32 i = 0; i < VIRTIO_SLOTS; i++) {
        char path[8];
        snprintf(path, sizeof(path), "VR%02X", i);
        u32 mark = begin_part(b, path, v->virtio[i], i, VIRTIO_BASE + i * VIRTIO_STEP, VIRTIO_STEP,
                              GSI_SPI + VIRTIO_SPI + i, AML_EDGE);
        aml_name_integer(b, "_CCA", 1);
        aml_end(b, mark);
    }
}

static void add_power_key(struct blob *b)
{
    char event[8];
    struct blob r = {0};
    aml_gpio_interrupt(&r, POWER_LINE, "GPO0");
    aml_resources(b, "_AEI", &r);
    snprintf(event, sizeof(event), "_E%02X", POWER_LINE);
    u32 mark = aml_method(b, event, 0);
    aml_operator(b, AML_NOTIFY);
    aml_path(b, "\\_SB.PWRB");
    aml_integer(b, 0x80); /* pressed */
    aml_end(b, mark);
}

/* Those of the primecells that have a name in ACPI. */
static void add_primecells(struct blob *b, const struct arm_virt *v)
{
    for (unsigned i = 0; i < ARM_VIRT_PRIMECELLS; i++) {
        const struct arm_virt_primecell *p = &arm_virt_primecells[i];
        if (!p->acpi_path)
            continue;
        u32 mark = begin_part(b, p->acpi_path, v->primecell[i], 0, p->base, CELL_SIZE,
                              GSI_SPI + p->spi, 0);
        if (p->phandle == PHANDLE_GPIO)
            add_power_key(b);
        aml_end(b, mark);
    }
    if (v->uart1 && !v->secure)
        aml_end(b,
                begin_part(b, "COM1", v->uart1, 1, UART1_BASE, CELL_SIZE, GSI_SPI + UART1_SPI, 0));
    u32 mark = begin_device(b, "PWRB", "PNP0C0C", 0);
    aml_end(b, mark);
}

/* ---- PCI ------------------------------------------------------------------------------------- */

/* An interrupt link that has one choice. */
static void add_link(struct blob *b, const char *path, u32 uid, u32 gsi)
{
    struct blob possible = {0}, current = {0};
    u32 mark = begin_device(b, path, "PNP0C0F", uid);
    aml_interrupt(&possible, 0, gsi);
    aml_interrupt(&current, 0, gsi);
    aml_resources(b, "_PRS", &possible);
    aml_resources(b, "_CRS", &current);
    aml_end(b, aml_method(b, "_SRS", 1));
    aml_end(b, mark);
}

static void add_routes(struct blob *b, const struct board_pcie *p)
{
    enum { DEVICES = 32 };
    char path[8];
    aml_name(b, "_PRT");
    u32 table = aml_package(b, DEVICES * BOARD_PCIE_PINS);
    for (u32 i = 0; i < DEVICES * BOARD_PCIE_PINS; i++) {
        u32 device = i / BOARD_PCIE_PINS, pin = i % BOARD_PCIE_PINS;
        u32 route = aml_package(b, 4);
        aml_integer(b, device << 16 | 0xffff);
        aml_integer(b, pin);
        snprintf(path, sizeof(path), "GSI%u", (device + pin) % BOARD_PCIE_PINS);
        aml_path(b, path);
        aml_integer(b, 0);
        aml_end(b, route);
    }
    aml_end(b, table);
    for (u32 i = 0; i < BOARD_PCIE_PINS; i++) {
        snprintf(path, sizeof(path), "GSI%u", i);
        add_link(b, path, i, GSI_SPI + p->irq[i]);
    }
}

static void add_windows(struct blob *b, const struct board_pcie *p)
{
    struct blob r = {0}, ecam = {0};
    aml_window(&r, 16, AML_BUS, 0, p->buses, 0);
    aml_window(&r, 32, AML_MEMORY, p->low, p->low_size, 0);
    aml_window(&r, 32, AML_IO, 0, BOARD_PCIE_IO_SIZE, p->io);
    if (p->high_size)
        aml_window(&r, 64, AML_MEMORY, p->high, p->high_size, 0);
    aml_resources(b, "_CRS", &r);
    /* Configuration space must be somebody's too (PCI Firmware 3.0, 4.1.2). */
    u32 mark = aml_device(b, "RES0");
    aml_name_id(b, "_HID", "PNP0C02");
    aml_memory64(&ecam, p->ecam, p->buses * MiB);
    aml_resources(b, "_CRS", &ecam);
    aml_end(b, mark);
    mark = aml_method(b, "_CBA", 0);
    aml_operator(b, AML_RETURN);
    aml_integer(b, p->ecam);
    aml_end(b, mark);
}

static void add_field(struct blob *b, unsigned argument, unsigned offset, const char *name)
{
    aml_operator(b, AML_DWORD_FIELD);
    aml_argument(b, argument);
    aml_integer(b, offset);
    aml_path(b, name);
}

/* name |= bits */
static void or_into(struct blob *b, const char *name, u32 bits)
{
    aml_operator(b, AML_OR);
    aml_path(b, name);
    aml_integer(b, bits);
    aml_path(b, name);
}

/* Operating System Capabilities (PCI Firmware 3.0, 4.5): which features the OS may control. */
static void add_capabilities(struct blob *b)
{
    enum { UNKNOWN_UUID = 4, UNKNOWN_REVISION = 8, MASKED = 16 };
    u32 method = aml_method(b, "_OSC", 4);
    add_field(b, 3, 0, "CDW1");
    u32 mark = aml_if(b);
    aml_operator(b, AML_EQUAL);
    aml_argument(b, 0);
    aml_uuid(b, "33DB4D5B-1FF7-401C-9657-7441C03DD766");
    add_field(b, 3, 8, "CDW3");
    aml_operator(b, AML_AND);
    aml_path(b, "CDW3");
    aml_integer(b, OSC_GRANTED);
    aml_local(b, 0);
    u32 inner = aml_if(b);
    aml_operator(b, AML_NOT);
    aml_operator(b, AML_EQUAL);
    aml_argument(b, 1);
    aml_integer(b, 1);
    or_into(b, "CDW1", UNKNOWN_REVISION);
    aml_end(b, inner);
    inner = aml_if(b);
    aml_operator(b, AML_NOT);
    aml_operator(b, AML_EQUAL);
    aml_path(b, "CDW3");
    aml_local(b, 0);
    or_into(b, "CDW1", MASKED);
    aml_end(b, inner);
    aml_operator(b, AML_STORE);
    aml_local(b, 0);
    aml_path(b, "CDW3");
    aml_end(b, mark);
    mark = aml_else(b);
    or_into(b, "CDW1", UNKNOWN_UUID);
    aml_end(b, mark);
    aml_operator(b, AML_RETURN);
    aml_argument(b, 3);
    aml_end(b, method);
}

static void add_pcie(struct blob *b, const struct arm_virt *v)
{
    u32 mark = begin_device(b, "PCI0", v->pcie->type->acpi_id, 0);
    aml_name_id(b, "_CID", "PNP0A03");
    aml_name_integer(b, "_SEG", 0);
    aml_name_integer(b, "_BBN", 0);
    aml_name_integer(b, "_CCA", 1);
    add_windows(b, &v->pcie_place);
    add_routes(b, &v->pcie_place);
    add_capabilities(b);
    aml_end(b, mark);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static u32 add_dsdt(struct acpi *a, struct machine *m)
{
    const struct arm_virt *v = m->board_data;
    struct blob *b = &a->tables;
    u32 t = acpi_begin(a, "DSDT", 2);
    u32 mark = aml_scope(b, "\\_SB");
    add_cpus(b, m);
    add_flash(b, m);
    add_fw_cfg(b, v);
    add_virtio(b, v);
    add_pcie(b, v);
    add_primecells(b, v);
    aml_end(b, mark);
    acpi_end(a, t, false);
    return t;
}

static u32 timer_gsi(enum arm_timer timer)
{
    unsigned i = 0;
    while (arm_virt_timers[i].timer != timer)
        i++;
    return GSI_PPI + arm_virt_timers[i].ppi;
}

static void add_interrupts(struct acpi *a, const struct machine *m, const struct arm_virt *v)
{
    u64 mpidr[MAX_CPUS];
    struct acpi_gic gic = arm_virt_gic_acpi(v);
    gic.pmu = arm_virt_has_pmu(m) ? GSI_PPI + PMU_PPI : 0;
    for (u32 i = 0; i < m->cpu_count; i++)
        mpidr[i] = arm_virt_affinity(v, i);
    acpi_add_madt(a, &gic, mpidr, m->cpu_count);
    if (gic.its)
        acpi_add_iort(a);
}

static void make_tables(struct acpi *a, struct machine *m)
{
    const struct arm_virt *v = m->board_data;
    const struct acpi_fadt fadt = {
        .dsdt = add_dsdt(a, m),
        .arm_boot = !arm_virt_has_psci(v) ? 0
                    : v->virtualization   ? ACPI_ARM_PSCI
                                          : ACPI_ARM_PSCI | ACPI_ARM_PSCI_HVC,
    };
    const struct acpi_timers timers = {
        .secure = timer_gsi(ARM_TIMER_SEC),
        .physical = timer_gsi(ARM_TIMER_PHYS),
        .virtual = timer_gsi(ARM_TIMER_VIRT),
        .hypervisor = timer_gsi(ARM_TIMER_HYP),
        .hypervisor_virtual = timer_gsi(ARM_TIMER_HYPVIRT),
    };
    const struct acpi_serial serial = {ACPI_SERIAL_PL011, UART_BASE, CELL_SIZE, GSI_SPI + UART_SPI,
                                       "\\_SB.COM0"};
    acpi_add_fadt(a, &fadt);
    add_interrupts(a, m, v);
    acpi_add_pptt(a, m->cpu_count, arm_virt_cluster(v));
    acpi_add_gtdt(a, &timers);
    acpi_add_mcfg(a, v->pcie_place.ecam, v->pcie_place.buses);
    acpi_add_spcr(a, &serial);
    acpi_add_dbg2(a, &serial);
    acpi_finish(a);
}

int arm_virt_acpi(struct machine *m, struct err *err)
{
    const struct arm_virt *v = m->board_data;
    struct acpi a = {0};
    make_tables(&a, m);
    int r = fw_cfg_add_file(v->fw_cfg, ACPI_FILE_TABLES, a.tables.data, a.tables.size, err);
    if (!r)
        r = fw_cfg_add_file(v->fw_cfg, ACPI_FILE_ROOT, a.root.data, a.root.size, err);
    if (!r)
        r = fw_cfg_add_file(v->fw_cfg, ACPI_FILE_LOADER, a.loader.data, a.loader.size, err);
    acpi_fini(&a);
    return r;
}
