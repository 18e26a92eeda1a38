/*
 * arm_virt.h - what the Arm `virt` board is made of: the map, interrupt numbers and parts, said
 * once for the machine, its device tree and its ACPI tables.
 *
 *   0x00000000, 0x04000000  flash                  0x0a000000  virtio-mmio slots, every 0x200
 *   0x08000000  GIC distributor                                (SPIs 16..47)
 *   0x08010000  GICv2 CPU interface                0x0c000000  platform bus (nothing plugged in)
 *   0x08020000  GICv2m (SPIs 48..111)              0x10000000  PCIe memory (INTx: SPIs 3..6)
 *   0x08030000, 0x08040000  GICH, GICV
 *   0x09000000  PL011 (SPI 1)                      0x3eff0000  PCIe I/O ports
 *   0x09010000  PL031 (SPI 2)                      0x3f000000  PCIe ECAM, 16 buses (highmem=off)
 *   0x09020000  fw_cfg                             0x40000000  RAM
 *   0x09030000  PL061 (SPI 7): power key on line 3   0x0e000000  RAM that is secure
 *   0x09040000  second PL011 (SPI 8)                 0x090b0000  PL061 that is secure
 *
 * Above RAM, and not below 256 GiB, follow the high regions (struct arm_virt_high), each aligned to
 * its size: 0x4000000000 further GIC redistributors, 0x4010000000 PCIe ECAM, 0x8000000000 PCIe
 * memory.
 *
 * Addresses, interrupt numbers and compatible strings are a contract with firmware and kernels.
 */
#ifndef BOARD_ARM_VIRT_H
#define BOARD_ARM_VIRT_H

#include "board/parts.h"
#include "board/pcie.h"
#include "boot/acpi_arm.h"
#include "boot/arm.h"
#include "boot/psci.h"
#include "device/intc/arm_gicv2.h"
#include "device/intc/arm_gicv3.h"
#include "loop/timer.h"

enum {
    MAX_CPUS = GICV3_CPUS,
    VIEWS = 8,
    GIC_IRQS = 288,
    GIC_SPIS = GIC_IRQS - 32,
    PMU_PPI = 7,
    UART_SPI = 1,
    UART1_SPI = 8,
    PCIE_SPI = 3, /* and the next three */
    VIRTIO_SLOTS = 32,
    VIRTIO_SPI = 16,
    V2M_SPI = 48,
    V2M_COUNT = 64,
    POWER_LINE = 3,
    KEY_POWER = 116,
    POWER_PRESS_MS = 100,
};

#define FLASH_BASE       UINT64_C(0x00000000)
#define FLASH_SIZE       UINT64_C(0x04000000)
#define GICD_BASE        UINT64_C(0x08000000)
#define GIC_WINDOW       UINT64_C(0x10000)
#define UART_BASE        UINT64_C(0x09000000)
#define RTC_BASE         UINT64_C(0x09010000)
#define FW_CFG_BASE      UINT64_C(0x09020000)
#define FW_CFG_SIZE      UINT64_C(0x18)
#define GPIO_BASE        UINT64_C(0x09030000)
#define UART1_BASE       UINT64_C(0x09040000)
#define CELL_SIZE        UINT64_C(0x1000) /* of a PrimeCell */
#define VIRTIO_BASE      UINT64_C(0x0a000000)
#define VIRTIO_STEP      UINT64_C(0x200)
#define BUS_BASE         UINT64_C(0x0c000000)
#define BUS_SIZE         UINT64_C(0x02000000)
#define PCIE_LOW         UINT64_C(0x10000000)
#define PCIE_IO          UINT64_C(0x3eff0000)
#define PCIE_ECAM        UINT64_C(0x3f000000) /* highmem=off */
#define SECURE_GPIO_BASE UINT64_C(0x090b0000)
#define SECURE_RAM_BASE  UINT64_C(0x0e000000)
#define SECURE_RAM_SIZE  (16 * MiB)
#define RAM_BASE         UINT64_C(0x40000000)
#define HIGH_BASE        (256 * GiB)

/* Interrupt specifiers ("arm,gic.yaml"). */
enum { FDT_SPI = 0, FDT_PPI = 1, FDT_EDGE = 1, FDT_LEVEL = 4 };
enum {
    PHANDLE_CLOCK = 1,
    PHANDLE_GIC,
    PHANDLE_MSI,
    PHANDLE_GPIO,
    PHANDLE_SECURE_GPIO,
    PHANDLE_CPUS
};

/* PrimeCells: registers of 4 KiB, one interrupt, the board's 24 MHz clock. */
struct arm_virt_primecell {
    const char *type, *id;
    u64 base;
    u32 spi, phandle;
    const char *acpi_path; /* NULL: ACPI does not name it */
};
enum { ARM_VIRT_PRIMECELLS = 3 };
extern const struct arm_virt_primecell arm_virt_primecells[ARM_VIRT_PRIMECELLS];

/* Private interrupts of the generic timers (enum arm_timer), in the order of the device tree's
 * list. */
struct arm_virt_timer {
    u8 timer, ppi;
};
enum { ARM_VIRT_TIMERS = 5 };
extern const struct arm_virt_timer arm_virt_timers[ARM_VIRT_TIMERS];

/* Regions above RAM. Each takes its place also where no use is made of it, unless its option is
 * off. */
enum arm_virt_high { HIGH_REDISTS, HIGH_ECAM, HIGH_MMIO, HIGH_REGIONS };

/* What one CPU sees: the machine, and at ARM_SECURE_SPACE, where there are two spaces, the same
 * with what is secure before it. */
struct view {
    struct mem_region root, normal, system, again, secure;
    struct mem_space space;
};

/* A GICv3's registers as one CPU has them; its redistributors. */
struct arm_virt_gic_cpu {
    struct device *gic;
    u32 index;
    bool has_el2;
};
struct arm_virt_redists {
    struct mem_region low, high;
};

/* secure=on: what only secure accesses reach, and the machine with it. */
struct arm_virt_secure {
    struct mem_region only, root, system, shown, ram;
    struct mem_space space;
    struct device *gpio;
};

struct arm_virt {
    /* Options. */
    bool virtualization, secure, highmem, compact, its;
    bool high[HIGH_REGIONS]; /* asked for; after arm_virt_map: there */
    int acpi, gic_word;

    bool a32;
    unsigned gic_version;
    u64 high_base[HIGH_REGIONS];
    struct view view[VIEWS];
    struct arm_virt_secure apart;
    u32 views;
    struct arm_virt_gic_cpu gic_cpu[MAX_CPUS];
    struct arm_virt_redists redists[2]; /* as they are seen; Secure accesses: [1] */
    struct device *gic, *msi, *fw_cfg, *pcie, *uart1;
    struct board_pcie pcie_place;
    struct device *primecell[ARM_VIRT_PRIMECELLS], *virtio[VIRTIO_SLOTS];
    struct boot_roms roms;
    struct arm_boot boot;
    struct psci psci;
    struct timer power_key;
};

/* arm_virt_map.c: places the high regions below 1 << bits, and says where PCIe is. */
int must_check arm_virt_map(struct machine *m, unsigned bits, struct err *err);
/* Have the CPUs performance counters? */
bool arm_virt_has_pmu(const struct machine *m);
/* arm_virt_gic.c: the interrupt controller. choose comes first of all; make when the map is there.
 */
extern const char *const arm_virt_gic_words[];
int must_check arm_virt_gic_choose(struct machine *m, struct err *err);
int must_check arm_virt_gic_make(struct machine *m, struct err *err);
void arm_virt_gic_reset(struct arm_virt *v);
void arm_virt_gic_fini(struct machine *m);
void arm_virt_gic_fdt(struct boot_fdt *f, const struct arm_virt *v);
u32 arm_virt_ppi_flags(const struct machine *m, u32 trigger);
struct acpi_gic arm_virt_gic_acpi(const struct arm_virt *v);
/* How many address spaces there are: one a CPU, or one for all. */
u32 arm_virt_views(const struct arm_virt *v);
/* MPIDR's affinity fields of CPU index; CPUs in a cluster. */
u64 arm_virt_affinity(const struct arm_virt *v, u32 index);
u32 arm_virt_cluster(const struct arm_virt *v);
/* Does the board answer PSCI calls? Not where there is firmware at EL3 to do it. */
static inline bool arm_virt_has_psci(const struct arm_virt *v)
{
    return !(v->secure && v->boot.firmware);
}

/* arm_virt_secure.c: secure=on, and the second serial port. */
void arm_virt_secure_init(struct machine *m);
void arm_virt_secure_fini(struct machine *m);
int must_check arm_virt_secure_devices(struct machine *m, struct err *err);
void arm_virt_secure_fdt(struct boot_fdt *f, const struct arm_virt *v);
/* arm_virt.c: a PrimeCell's node. */
int arm_virt_fdt_primecell(struct boot_fdt *f, struct device *d, u64 base, u32 spi);
/* arm_virt_acpi.c: puts the ACPI tables into fw_cfg. */
int must_check arm_virt_acpi(struct machine *m, struct err *err);

#endif
