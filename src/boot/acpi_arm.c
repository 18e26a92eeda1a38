/*
 * acpi_arm.c - the tables that only Arm machines have; acpi_arm.h has what they say.
 *
 * Sources: ACPI 6.3, 5.2.12.14-18 (MADT), 5.2.24 (GTDT); Arm DEN 0049E.b (IORT).
 */
#include "boot/acpi_arm.h"

enum {
    MADT_CPU = 0x0b,
    MADT_DISTRIBUTOR = 0x0c,
    MADT_MSI_FRAME = 0x0d,
    MADT_REDISTRIBUTOR = 0x0e,
    MADT_ITS = 0x0f,
    CPU_ENABLED = 1,
    FRAME_SPIS = 1, /* count and base here, not from the frame's register */
};

/* ---- MADT ------------------------------------------------------------------------------------ */

static void begin_entry(struct blob *b, unsigned type, unsigned size)
{
    blob_number(b, type, 1);
    blob_number(b, size, 1);
    blob_number(b, 0, 2);
}

static void add_cpu(struct blob *b, const struct acpi_gic *g, u32 n, u64 mpidr)
{
    begin_entry(b, MADT_CPU, 80);
    blob_number(b, n, 4); /* interface number, of a GICv2 the CPU's bit */
    blob_number(b, n, 4); /* processor id: \_SB.Cxxx._UID */
    blob_number(b, CPU_ENABLED, 4);
    blob_number(b, 0, 4); /* parking protocol */
    blob_number(b, g->pmu, 4);
    blob_number(b, 0, 8);
    blob_number(b, g->cpu_interface, 8);
    blob_number(b, g->virtual_cpu, 8);
    blob_number(b, g->virtual_control, 8);
    blob_number(b, g->maintenance, 4);
    blob_number(b, 0, 8); /* redistributors have entries of their own */
    blob_number(b, mpidr, 8);
    blob_zero(b, 4); /* efficiency class, SPE's interrupt */
}

static void add_frame(struct blob *b, const struct acpi_gic *g)
{
    begin_entry(b, MADT_MSI_FRAME, 24);
    blob_number(b, 0, 4);
    blob_number(b, g->v2m, 8);
    blob_number(b, FRAME_SPIS, 4);
    blob_number(b, g->v2m_count, 2);
    blob_number(b, g->v2m_first, 2);
}

static void add_redistributors(struct blob *b, const struct acpi_gic *g)
{
    for (unsigned i = 0; i < ACPI_GIC_REGIONS && g->redistributor[i].size; i++) {
        begin_entry(b, MADT_REDISTRIBUTOR, 16);
        blob_number(b, g->redistributor[i].base, 8);
        blob_number(b, g->redistributor[i].size, 4);
    }
}

static void add_its(struct blob *b, const struct acpi_gic *g)
{
    begin_entry(b, MADT_ITS, 20);
    blob_number(b, 0, 4); /* the id that IORT means */
    blob_number(b, g->its, 8);
    blob_number(b, 0, 4);
}

void acpi_add_madt(struct acpi *a, const struct acpi_gic *g, const u64 *mpidr, u32 cpus)
{
    struct blob *b = &a->tables;
    u32 t = acpi_begin(a, "APIC", 5);
    blob_zero(b, 8); /* a PC's: address and flags */
    begin_entry(b, MADT_DISTRIBUTOR, 24);
    blob_number(b, 0, 4);
    blob_number(b, g->distributor, 8);
    blob_number(b, 0, 4);
    blob_number(b, g->version, 4);
    for (u32 i = 0; i < cpus; i++)
        add_cpu(b, g, i, mpidr[i]);
    add_redistributors(b, g);
    if (g->v2m)
        add_frame(b, g);
    if (g->its)
        add_its(b, g);
    acpi_end(a, t, true);
}

/* ---- GTDT ------------------------------------------------------------------------------------ */

void acpi_add_gtdt(struct acpi *a, const struct acpi_timers *timers)
{
    enum { ALWAYS_ON = 4 /* beside level, active high, which are 0 */ };
    const u32 gsi[] = {timers->secure, timers->physical, timers->virtual, timers->hypervisor};
    struct blob *b = &a->tables;
    u32 t = acpi_begin(a, "GTDT", 3);
    blob_number(b, UINT64_MAX, 8); /* no frame in memory */
    blob_number(b, 0, 4);
    for (unsigned i = 0; i < ARRAY_SIZE(gsi); i++) {
        blob_number(b, gsi[i], 4);
        blob_number(b, gsi[i] ? ALWAYS_ON : 0, 4);
    }
    blob_number(b, UINT64_MAX, 8);
    blob_number(b, 0, 4); /* platform timers: none */
    blob_number(b, 0, 4);
    blob_number(b, timers->hypervisor_virtual, 4);
    blob_number(b, timers->hypervisor_virtual ? ALWAYS_ON : 0, 4);
    acpi_end(a, t, true);
}

/* ---- IORT ------------------------------------------------------------------------------------ */

static void begin_node(struct blob *b, unsigned type, unsigned size, unsigned revision, u32 id,
                       unsigned maps, unsigned maps_at)
{
    blob_number(b, type, 1);
    blob_number(b, size, 2);
    blob_number(b, revision, 1);
    blob_number(b, id, 4);
    blob_number(b, maps, 4);
    blob_number(b, maps_at, 4);
}

void acpi_add_iort(struct acpi *a)
{
    enum {
        NODES = ACPI_HEADER + 12,
        ITS_GROUP = 0,
        ROOT_COMPLEX = 2,
        GROUP_SIZE = 24,
        ROOT_SIZE = 36,
        MAP_SIZE = 20,
        COHERENT = 1,
        COHERENT_PATH = 3, /* to memory, and attributes are Inner/Outer WB */
        ADDRESS_BITS = 64,
    };
    struct blob *b = &a->tables;
    u32 t = acpi_begin(a, "IORT", 3);
    blob_number(b, 2, 4);
    blob_number(b, NODES, 4);
    blob_number(b, 0, 4);
    begin_node(b, ITS_GROUP, GROUP_SIZE, 1, 0, 0, 0);
    blob_number(b, 1, 4);
    blob_number(b, 0, 4); /* the ITS's id in the MADT */
    begin_node(b, ROOT_COMPLEX, ROOT_SIZE + MAP_SIZE, 3, 1, 1, ROOT_SIZE);
    blob_number(b, COHERENT, 4);
    blob_number(b, 0, 3);
    blob_number(b, COHERENT_PATH, 1);
    blob_number(b, 0, 4); /* ATS */
    blob_number(b, 0, 4); /* segment */
    blob_number(b, ADDRESS_BITS, 4);
    blob_number(b, 0, 4);      /* requester ids from here */
    blob_number(b, 0xffff, 4); /* and so many more */
    blob_number(b, 0, 4);      /* are device ids from here */
    blob_number(b, NODES, 4);  /* of this node */
    blob_number(b, 0, 4);
    acpi_end(a, t, true);
}
