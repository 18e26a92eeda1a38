/*
 * riscv_virt.c - the RISC-V `virt` board: devices, addresses and wires in tables, from which both
 * the machine and its device tree are made.
 *
 *   0x00001000 reset code (ROM)          0x0c000000 PLIC, 95 sources, contexts M and S of each hart
 *   0x00100000 test finisher             0x10000000 16550A (10)
 *   0x00101000 Goldfish RTC (11)         0x10001000 .. 8000 virtio-mmio slots (1..8)
 *   0x02000000 CLINT / ACLINT            0x10100000 fw_cfg
 *   0x02f00000 ACLINT SSWI               0x20000000, 0x22000000 flash
 *   0x03000000 PCIe I/O ports (32..35)   0x30000000 PCIe ECAM
 *   0x80000000 RAM                       0x40000000 and above RAM: PCIe windows
 *
 * Addresses, interrupt numbers and compatible strings are a contract with firmware and kernels.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host.h"
#include "board/parts.h"
#include "board/pcie.h"
#include "boot/riscv.h"
#include "boot/smbios.h"

enum {
    HARTS = 64,
    TIMEBASE = 10000000,
    CLUSTERS = 1,
    /* Interrupt inputs of a hart: the cause numbers of the privileged manual. */
    IRQ_SSI = 1,
    IRQ_MSI = 3,
    IRQ_MTI = 7,
    IRQ_SEI = 9,
    IRQ_MEI = 11,
    PLIC_SOURCES = 95,
    PCIE_IRQ = 32, /* and the next three */
    FLASH_SIZE = 0x2000000,
};

#define ROM_BASE     UINT64_C(0x1000)
#define ROM_SIZE     UINT64_C(0xf000)
#define CLINT_BASE   UINT64_C(0x2000000)
#define CLINT_SIZE   UINT64_C(0x10000)
#define MTIMER_OFF   UINT64_C(0x4000) /* in the CLINT: mtimecmp; + 0x7ff8: mtime */
#define MTIMER_SIZE  UINT64_C(0x8000)
#define MTIME_OFF    UINT64_C(0x7ff8)
#define SWI_SIZE     UINT64_C(0x4000)
#define SSWI_BASE    UINT64_C(0x2f00000)
#define BUS_BASE     UINT64_C(0x4000000) /* platform bus: nothing is plugged in */
#define BUS_SIZE     UINT64_C(0x2000000)
#define PLIC_BASE    UINT64_C(0xc000000)
#define PLIC_SIZE    UINT64_C(0x600000)
#define FW_CFG_BASE  UINT64_C(0x10100000)
#define FLASH_BASE   UINT64_C(0x20000000)
#define RAM_BASE     UINT64_C(0x80000000)
#define PCIE_IO      UINT64_C(0x3000000)
#define PCIE_ECAM    UINT64_C(0x30000000)
#define PCIE_LOW     UINT64_C(0x40000000)
/* The window for 64-bit BARs: behind RAM, aligned to its size; RV32: where 34 address bits end. */
#define PCIE_HIGH_SIZE    (16 * GiB)
#define PCIE_HIGH_RV32    (12 * GiB)
#define PCIE_HIGH_SIZE_32 (4 * GiB)
#define RAM_MAX_RV32      (PCIE_HIGH_RV32 - RAM_BASE)

/* Devices with a register range and at most one interrupt. In a tree later nodes come first, so
 * Linux finds virtio slots from the last to the first, which is the order in which -device fills
 * them. */
struct virt_device {
    const char *type, *id;
    u64 base, size; /* size: as the device tree says it */
    u32 irq;        /* PLIC source; 0: none */
};
#define VIRTIO_SLOT(n)                                                                             \
    {                                                                                              \
        "virtio-mmio", "virtio-mmio-bus." #n, 0x10001000 + n * 0x1000, 0x1000, n + 1               \
    }
static const struct virt_device virt_devices[] = {
    VIRTIO_SLOT(0),
    VIRTIO_SLOT(1),
    VIRTIO_SLOT(2),
    VIRTIO_SLOT(3),
    VIRTIO_SLOT(4),
    VIRTIO_SLOT(5),
    VIRTIO_SLOT(6),
    VIRTIO_SLOT(7),
    {"riscv.sifive.test", "test", 0x100000, 0x1000, 0},
    {"serial-mm", "serial0", 0x10000000, 0x100, 10},
    {"goldfish_rtc", "rtc", 0x101000, 0x1000, 11},
};

struct virt {
    /* Options. */
    bool aclint;
    int acpi;

    bool rv32;
    struct mem_region rom;
    struct device *plic, *fw_cfg, *pcie;
    struct board_pcie pcie_place;
    struct device *device[ARRAY_SIZE(virt_devices)];
    struct boot_roms roms;
    struct riscv_boot boot;
};

static const char *const acpi_words[] = {"off", "auto", NULL};
static const struct option virt_options[] = {
    OPTION_BOOL("aclint", struct virt, aclint, "off",
                "describe the core-local interrupts as ACLINT devices, not as a CLINT"),
    OPTION_ENUM("acpi", struct virt, acpi, "auto", acpi_words, "ACPI tables (there are none)"),
    OPTION_LAST,
};

static const struct board_arch virt_archs[] = {{"riscv64", "rv64"}, {"riscv32", "rv32"}, {0}};

/* ---- The machine ----------------------------------------------------------------------------- */

static int make_memory(struct machine *m, struct virt *v, struct err *err)
{
    if (v->rv32 && m->ram_size > RAM_MAX_RV32)
        return err_set(err, EINVAL, "-m: a 32-bit machine has at most %llu GiB",
                       (unsigned long long)(RAM_MAX_RV32 / GiB));
    int r = machine_make_ram(m, "riscv_virt_board.ram", err);
    if (r)
        return r;
    struct ram_block *rom = ram_block_new(&m->memory, "riscv_virt_board.mrom", ROM_SIZE, err);
    if (!rom)
        return -ENOMEM;
    rom->rom = true;
    mem_rom(&v->rom, rom->name, rom, 0, ROM_SIZE);
    mem_map(&m->memory, &m->root, ROM_BASE, &v->rom, 0);
    mem_map(&m->memory, &m->root, RAM_BASE, &m->ram, 0);
    return 0;
}

static int make_interrupts(struct machine *m, struct virt *v, struct err *err)
{
    u32 harts = m->cpu_count;
    struct board_setting plic[] = {{"contexts", 2 * (u64)harts}, {0}};
    struct board_setting swi[] = {{"num-harts", harts}, {0}};
    struct board_setting sswi[] = {{"num-harts", harts}, {"sswi", 1}, {0}};
    struct board_setting mtimer[] = {{"num-harts", harts}, {"timebase-freq", TIMEBASE}, {0}};
    v->plic = board_add_device(m, "riscv.sifive.plic", "plic", PLIC_BASE, plic, err);
    struct device *ms = board_add_device(m, "riscv.aclint.swi", "mswi", CLINT_BASE, swi, err);
    struct device *mt =
        board_add_device(m, "riscv.aclint.mtimer", "mtimer", CLINT_BASE + MTIMER_OFF, mtimer, err);
    struct device *ss = board_add_device(m, "riscv.aclint.swi", "sswi", SSWI_BASE, sswi, err);
    if (!v->plic || !ms || !mt || !ss)
        return -EINVAL;
    for (u32 i = 0; i < harts; i++) {
        struct cpu *cpu = m->cpus[i];
        device_connect(ms, i, cpu_irq(cpu, IRQ_MSI));
        device_connect(mt, i, cpu_irq(cpu, IRQ_MTI));
        device_connect(ss, i, cpu_irq(cpu, IRQ_SSI));
        device_connect(v->plic, 2 * i, cpu_irq(cpu, IRQ_MEI));
        device_connect(v->plic, 2 * i + 1, cpu_irq(cpu, IRQ_SEI));
    }
    return 0;
}

static int make_device(struct machine *m, struct virt *v, unsigned n, struct err *err)
{
    const struct virt_device *e = &virt_devices[n];
    const char *line = !strcmp(e->id, "serial0") ? m->config.serial[0] : NULL;
    v->device[n] = board_add_serial(m, e->type, e->id, e->base, line, err);
    if (!v->device[n])
        return -ENODEV;
    if (e->irq)
        device_connect(v->device[n], 0, device_input(v->plic, e->irq));
    return 0;
}

static u32 plic_phandle(const struct machine *m)
{
    return 2 * m->cpu_count + 1;
}

static int make_pcie(struct machine *m, struct virt *v, struct err *err)
{
    struct board_pcie *p = &v->pcie_place;
    *p = (struct board_pcie){.node = "pci@30000000",
                             .ecam = PCIE_ECAM,
                             .buses = 256,
                             .io = PCIE_IO,
                             .low = PCIE_LOW,
                             .low_size = 1 * GiB,
                             .high = align_up(RAM_BASE + m->ram_size, PCIE_HIGH_SIZE),
                             .high_size = PCIE_HIGH_SIZE,
                             .controller = plic_phandle(m)};
    if (v->rv32) {
        p->high = PCIE_HIGH_RV32;
        p->high_size = PCIE_HIGH_SIZE_32;
    }
    v->pcie = board_add_pcie(m, p, err);
    for (u32 i = 0; i < BOARD_PCIE_PINS && v->pcie; i++) {
        p->irq[i] = PCIE_IRQ + i;
        device_connect(v->pcie, i, device_input(v->plic, p->irq[i]));
    }
    return v->pcie ? 0 : -ENODEV;
}

static int make_devices(struct machine *m, struct virt *v, struct err *err)
{
    int r = make_interrupts(m, v, err);
    if (!r)
        r = make_pcie(m, v, err);
    for (unsigned i = 0; i < ARRAY_SIZE(virt_devices) && !r; i++)
        r = make_device(m, v, i, err);
    for (unsigned i = 0; i < MACHINE_FLASHES && !r; i++)
        r = board_add_flash(m, &m->root, i, FLASH_BASE + i * (u64)FLASH_SIZE, FLASH_SIZE, err);
    if (r)
        return r;
    v->fw_cfg = board_add_device(m, "fw_cfg_mem", "fw_cfg", FW_CFG_BASE, NULL, err);
    return v->fw_cfg ? 0 : -ENODEV;
}

/* ---- Device tree ----------------------------------------------------------------------------- */

/* Phandles, as the peer numbers them: the last hart's first. */
static u32 cpu_phandle(const struct machine *m, u32 hart)
{
    return 1 + 2 * (m->cpu_count - 1 - hart);
}

static u32 intc_phandle(const struct machine *m, u32 hart)
{
    return cpu_phandle(m, hart) + 1;
}

static u32 test_phandle(const struct machine *m)
{
    return 2 * m->cpu_count + 2;
}

/* interrupts-extended: for each hart its controller with each of lines[]. */
static void fdt_hart_lines(struct boot_fdt *f, const struct machine *m, int node, const u32 *lines,
                           unsigned count)
{
    u32 cells[4 * HARTS], n = 0;
    for (u32 hart = 0; hart < m->cpu_count; hart++) {
        for (unsigned i = 0; i < count; i++) {
            cells[n++] = intc_phandle(m, hart);
            cells[n++] = lines[i];
        }
    }
    boot_fdt_cells(f, node, "interrupts-extended", cells, n);
}

static void fdt_cpu(struct boot_fdt *f, const struct machine *m, int cpus, u32 hart)
{
    struct cpu *cpu = m->cpus[hart];
    struct isa_cpu_facts facts = {0};
    cpu->isa->facts(cpu, &facts);
    int node = boot_fdt_node(f, cpus, "cpu@%x", hart);
    boot_fdt_string(f, node, "mmu-type", facts.mmu);
    boot_fdt_string(f, node, "riscv,isa", facts.isa_string);
    boot_fdt_string(f, node, "riscv,isa-base", facts.base);
    boot_fdt_strings(f, node, "riscv,isa-extensions", facts.extensions);
    if (facts.cbom)
        boot_fdt_u32(f, node, "riscv,cbom-block-size", facts.cbom);
    if (facts.cboz)
        boot_fdt_u32(f, node, "riscv,cboz-block-size", facts.cboz);
    if (facts.cbop)
        boot_fdt_u32(f, node, "riscv,cbop-block-size", facts.cbop);
    boot_fdt_string(f, node, "compatible", facts.compatible);
    boot_fdt_string(f, node, "status", "okay");
    boot_fdt_u32(f, node, "reg", hart);
    boot_fdt_string(f, node, "device_type", "cpu");
    boot_fdt_u32(f, node, "phandle", cpu_phandle(m, hart));
    int intc = boot_fdt_node(f, node, "interrupt-controller");
    boot_fdt_u32(f, intc, "phandle", intc_phandle(m, hart));
    boot_fdt_string(f, intc, "compatible", "riscv,cpu-intc");
    boot_fdt_flag(f, intc, "interrupt-controller");
    boot_fdt_u32(f, intc, "#interrupt-cells", 1);
}

static void fdt_cpus(struct boot_fdt *f, const struct machine *m)
{
    int cpus = boot_fdt_node(f, 0, "cpus");
    boot_fdt_u32(f, cpus, "timebase-frequency", TIMEBASE);
    boot_fdt_u32(f, cpus, "#size-cells", 0);
    boot_fdt_u32(f, cpus, "#address-cells", 1);
    int map = boot_fdt_node(f, cpus, "cpu-map");
    int cluster = boot_fdt_node(f, map, "cluster0");
    for (u32 i = m->cpu_count; i--;)
        boot_fdt_u32(f, boot_fdt_node(f, cluster, "core%u", i), "cpu", cpu_phandle(m, i));
    for (u32 i = m->cpu_count; i--;)
        fdt_cpu(f, m, cpus, i);
}

static void fdt_clint(struct boot_fdt *f, const struct machine *m, int soc)
{
    int node = boot_fdt_node(f, soc, "clint@%llx", (unsigned long long)CLINT_BASE);
    static const char compatible[] = "sifive,clint0\0riscv,clint0";
    boot_fdt_bytes(f, node, "compatible", compatible, sizeof(compatible));
    boot_fdt_reg(f, node, (const u64[]){CLINT_BASE, CLINT_SIZE}, 1);
    fdt_hart_lines(f, m, node, (const u32[]){IRQ_MSI, IRQ_MTI}, 2);
}

static void fdt_swi(struct boot_fdt *f, const struct machine *m, int soc, const char *name,
                    u64 base, u32 line)
{
    int node = boot_fdt_node(f, soc, "%s@%llx", name, (unsigned long long)base);
    char compatible[32];
    snprintf(compatible, sizeof(compatible), "riscv,aclint-%s", name);
    boot_fdt_string(f, node, "compatible", compatible);
    boot_fdt_reg(f, node, (const u64[]){base, SWI_SIZE}, 1);
    fdt_hart_lines(f, m, node, &line, 1);
    boot_fdt_flag(f, node, "interrupt-controller");
    boot_fdt_u32(f, node, "#interrupt-cells", 0);
}

static void fdt_aclint(struct boot_fdt *f, const struct machine *m, int soc)
{
    const u64 base = CLINT_BASE + MTIMER_OFF, mtime = base + MTIME_OFF;
    fdt_swi(f, m, soc, "mswi", CLINT_BASE, IRQ_MSI);
    int node = boot_fdt_node(f, soc, "mtimer@%llx", (unsigned long long)mtime);
    boot_fdt_string(f, node, "compatible", "riscv,aclint-mtimer");
    boot_fdt_reg(f, node, (const u64[]){mtime, CLINT_BASE + CLINT_SIZE - mtime, base, MTIME_OFF},
                 2);
    fdt_hart_lines(f, m, node, (const u32[]){IRQ_MTI}, 1);
    fdt_swi(f, m, soc, "sswi", SSWI_BASE, IRQ_SSI);
}

static void fdt_plic(struct boot_fdt *f, const struct machine *m, const struct virt *v, int soc)
{
    int node = board_fdt_device(f, soc, v->plic, PLIC_BASE, PLIC_SIZE);
    boot_fdt_u32(f, node, "#interrupt-cells", 1);
    boot_fdt_u32(f, node, "#address-cells", 0);
    boot_fdt_flag(f, node, "interrupt-controller");
    fdt_hart_lines(f, m, node, (const u32[]){IRQ_MEI, IRQ_SEI}, 2);
    boot_fdt_u32(f, node, "riscv,ndev", PLIC_SOURCES);
    boot_fdt_u32(f, node, "phandle", plic_phandle(m));
}

static void fdt_soc(struct boot_fdt *f, const struct machine *m, const struct virt *v)
{
    int soc = boot_fdt_node(f, 0, "soc");
    boot_fdt_flag(f, soc, "ranges");
    boot_fdt_string(f, soc, "compatible", "simple-bus");
    boot_fdt_u32(f, soc, "#size-cells", 2);
    boot_fdt_u32(f, soc, "#address-cells", 2);
    board_fdt_pcie(f, soc, v->pcie, &v->pcie_place);
    if (v->aclint)
        fdt_aclint(f, m, soc);
    else
        fdt_clint(f, m, soc);
    fdt_plic(f, m, v, soc);
    for (unsigned i = 0; i < ARRAY_SIZE(virt_devices); i++) {
        const struct virt_device *e = &virt_devices[i];
        int node = board_fdt_device(f, soc, v->device[i], e->base, e->size);
        if (e->irq) {
            boot_fdt_u32(f, node, "interrupt-parent", plic_phandle(m));
            boot_fdt_u32(f, node, "interrupts", e->irq);
        }
        if (!strcmp(e->id, "test"))
            boot_fdt_u32(f, node, "phandle", test_phandle(m));
    }
}

static void fdt_flash(struct boot_fdt *f)
{
    int node = boot_fdt_node(f, 0, "flash@%llx", (unsigned long long)FLASH_BASE);
    boot_fdt_string(f, node, "compatible", "cfi-flash");
    boot_fdt_reg(f, node,
                 (const u64[]){FLASH_BASE, FLASH_SIZE, FLASH_BASE + FLASH_SIZE, FLASH_SIZE}, 2);
    boot_fdt_u32(f, node, "bank-width", 4);
}

/* By the register that syscon is: writing value ends or restarts the machine. */
static void fdt_syscon(struct boot_fdt *f, const struct machine *m, const char *name, u32 value)
{
    char compatible[32];
    int node = boot_fdt_node(f, 0, "%s", name);
    snprintf(compatible, sizeof(compatible), "syscon-%s", name);
    boot_fdt_string(f, node, "compatible", compatible);
    boot_fdt_u32(f, node, "regmap", test_phandle(m));
    boot_fdt_u32(f, node, "offset", 0);
    boot_fdt_u32(f, node, "value", value);
}

static void fdt_platform_bus(struct boot_fdt *f, const struct machine *m)
{
    static const char compatible[] = "qemu,platform\0simple-bus";
    int node = boot_fdt_node(f, 0, "platform-bus@%llx", (unsigned long long)BUS_BASE);
    boot_fdt_bytes(f, node, "compatible", compatible, sizeof(compatible));
    boot_fdt_u32(f, node, "#size-cells", 1);
    boot_fdt_u32(f, node, "#address-cells", 1);
    boot_fdt_cells(f, node, "ranges", (const u32[]){0, 0, BUS_BASE, BUS_SIZE}, 4);
    boot_fdt_u32(f, node, "interrupt-parent", plic_phandle(m));
}

/* SBI events and the counters that count them: cycles (1) only mcycle, instructions (2) only
 * minstret; there are no others. */
static void fdt_pmu(struct boot_fdt *f)
{
    int node = boot_fdt_node(f, 0, "pmu");
    boot_fdt_string(f, node, "compatible", "riscv,pmu");
    boot_fdt_cells(f, node, "riscv,event-to-mhpmcounters", (const u32[]){1, 1, 1, 2, 2, 4}, 6);
}

static void fdt_chosen(struct boot_fdt *f)
{
    static const char serial[] = "/soc/serial@10000000";
    u8 seed[32];
    host_random(seed, sizeof(seed));
    int chosen = boot_fdt_node(f, 0, "chosen");
    boot_fdt_bytes(f, chosen, "rng-seed", seed, sizeof(seed));
    boot_fdt_string(f, chosen, "stdout-path", serial);
    boot_fdt_string(f, boot_fdt_node(f, 0, "aliases"), "serial0", serial);
}

static void make_fdt(struct boot_fdt *f, const struct machine *m, const struct virt *v)
{
    boot_fdt_string(f, 0, "model", "riscv-virtio,guise");
    boot_fdt_string(f, 0, "compatible", "riscv-virtio");
    boot_fdt_u32(f, 0, "#size-cells", 2);
    boot_fdt_u32(f, 0, "#address-cells", 2);
    fdt_soc(f, m, v);
    fdt_chosen(f);
    fdt_flash(f);
    boot_fdt_flag(f, board_fdt_device(f, 0, v->fw_cfg, FW_CFG_BASE, 0x18), "dma-coherent");
    fdt_pmu(f);
    fdt_cpus(f, m);
    int memory = boot_fdt_node(f, 0, "memory@%llx", (unsigned long long)RAM_BASE);
    boot_fdt_reg(f, memory, (const u64[]){RAM_BASE, m->ram_size}, 1);
    boot_fdt_string(f, memory, "device_type", "memory");
    fdt_platform_bus(f, m);
    fdt_syscon(f, m, "reboot", 0x7777);
    fdt_syscon(f, m, "poweroff", 0x5555);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int virt_init(struct machine *m, struct err *err)
{
    struct virt *v = m->board_data;
    v->rv32 = !strcmp(m->arch, "riscv32");
    int r = make_memory(m, v, err);
    if (!r)
        r = machine_make_cpus(m, ROM_BASE, err);
    return r ? r : make_devices(m, v, err);
}

static int finish_fdt(struct machine *m, struct virt *v, struct boot_fdt *f, struct err *err)
{
    u8 *data;
    u64 size;
    riscv_boot_chosen(&v->boot, f);
    int r = boot_fdt_finish(f, &data, &size, err);
    if (r)
        return r;
    r = riscv_boot_finish(&v->boot, data, size, err);
    if (!r && m->config.dumpdtb)
        r = machine_dump_fdt(m, data, size, err);
    free(data);
    return r;
}

static int add_smbios(struct machine *m, struct virt *v, struct err *err)
{
    const struct smbios_facts facts = {
        .family = v->rv32 ? SMBIOS_FAMILY_RV32 : SMBIOS_FAMILY_RV64,
        .ram_base = RAM_BASE,
    };
    return board_add_smbios(m, v->fw_cfg, &facts, err);
}

static int virt_load(struct machine *m, struct err *err)
{
    struct virt *v = m->board_data;
    struct boot_fdt f = {0};
    boot_roms_init(&v->roms, &m->space);
    v->boot = (struct riscv_boot){.m = m,
                                  .roms = &v->roms,
                                  .rom_addr = ROM_BASE,
                                  .ram_base = RAM_BASE,
                                  .flash = m->config.flash[0] ? FLASH_BASE : 0,
                                  .rv32 = v->rv32};
    int r = riscv_boot_load(&v->boot, err);
    if (!r)
        r = board_fill_fw_cfg(m, v->fw_cfg, riscv_boot_by_fw_cfg(&v->boot), err);
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

static void virt_reset(struct machine *m)
{
    struct virt *v = m->board_data;
    boot_roms_write(&v->roms);
    if (m->config.on_reboot == MACHINE_REBOOT_SHUTDOWN)
        boot_roms_drop(&v->roms);
}

static void virt_fini(struct machine *m)
{
    struct virt *v = m->board_data;
    boot_roms_fini(&v->roms);
}

const struct board riscv_virt = {
    .name = "virt",
    .help = "RISC-V VirtIO board",
    .archs = virt_archs,
    .max_cpus = HARTS,
    .serials = 1,
    .default_ram = 128 * MiB,
    .size = sizeof(struct virt),
    .options = virt_options,
    .init = virt_init,
    .load = virt_load,
    .reset = virt_reset,
    .fini = virt_fini,
};
