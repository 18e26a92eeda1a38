/*
 * arm_virt_map.c - where the Arm `virt` board's regions above RAM are, and with them PCIe.
 *
 * With highmem=off, or where the CPUs' physical addresses end below it, a high region is not there:
 * ECAM is then the small one below 1 GiB, windows for 64-bit BARs are missing. Main thread, in the
 * board's init.
 */
#include <errno.h>

#include "board/arm_virt.h"

/* In the order of their addresses. */
static const u64 high_size[HIGH_REGIONS] = {
    [HIGH_REDISTS] = 64 * MiB,
    [HIGH_ECAM] = 256 * MiB,
    [HIGH_MMIO] = 512 * GiB,
};

static int check_ram(const struct machine *m, unsigned bits, struct err *err)
{
    u64 most = BIT(bits) - RAM_BASE;
    if (m->ram_size <= most)
        return 0;
    return err_set(err, EINVAL, "-m: with %u bits for addresses (%s) memory has at most %llu GiB",
                   bits, bits == 32 ? "highmem=off" : "of this CPU",
                   (unsigned long long)(most / GiB));
}

/* What is left out keeps its place, unless the map is compact. */
static void place_high(const struct machine *m, struct arm_virt *v, unsigned bits)
{
    u64 at = MAX(align_up(RAM_BASE + m->ram_size, GiB), HIGH_BASE);
    for (unsigned i = 0; i < HIGH_REGIONS; i++) {
        u64 base = align_up(at, high_size[i]), end = base + high_size[i];
        v->high[i] &= v->highmem && end <= BIT(bits);
        v->high_base[i] = base;
        if (v->high[i] || !v->compact)
            at = end;
    }
}

int arm_virt_map(struct machine *m, unsigned bits, struct err *err)
{
    struct arm_virt *v = m->board_data;
    struct board_pcie *p = &v->pcie_place;
    bits = v->highmem ? bits : MIN(bits, 32u);
    int r = check_ram(m, bits, err);
    if (r)
        return r;
    place_high(m, v, bits);
    *p = (struct board_pcie){
        .node = "pcie@10000000",
        .ecam = v->high[HIGH_ECAM] ? v->high_base[HIGH_ECAM] : PCIE_ECAM,
        .buses = v->high[HIGH_ECAM] ? 256 : (RAM_BASE - PCIE_ECAM) / MiB,
        .io = PCIE_IO,
        .low = PCIE_LOW,
        .low_size = PCIE_IO - PCIE_LOW,
        .high = v->high_base[HIGH_MMIO],
        .high_size = v->high[HIGH_MMIO] ? high_size[HIGH_MMIO] : 0,
        .controller = PHANDLE_GIC,
        .before_count = 3, /* two of the controller's own address, unused; kind */
        .after = {FDT_LEVEL},
        .after_count = 1,
    };
    for (u32 i = 0; i < BOARD_PCIE_PINS; i++)
        p->irq[i] = PCIE_SPI + i;
    return 0;
}
