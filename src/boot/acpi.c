/*
 * acpi.c - the set of ACPI tables, and those that any machine has; acpi.h has the rules.
 */
#include "boot/acpi.h"

enum {
    CHECKSUM = 9, /* in a header */
    LENGTH = 4,
    LOADER_ENTRY = 128,
    FILE_NAME = 56,
    LOAD_ALLOCATE = 1,
    LOAD_POINTER = 2,
    LOAD_CHECKSUM = 3,
    ZONE_HIGH = 1,
    ZONE_LOW = 2, /* where a BIOS looks for the root pointer */
    ROOT_SIZE = 36,
    ROOT_OLD_SIZE = 20, /* of ACPI 1.0, with a checksum of its own */
};

static const char oem[] = "GUISE ", oem_table[] = "VIRT    ", creator[] = "GUIS";

/* ---- Loader ---------------------------------------------------------------------------------- */

/* Commands are padded to their size by load_end. */
static u32 load_begin(struct acpi *a, u32 command, const char *file)
{
    u32 at = a->loader.size;
    blob_number(&a->loader, command, 4);
    blob_text(&a->loader, file, FILE_NAME);
    return at;
}

static void load_end(struct acpi *a, u32 at)
{
    blob_zero(&a->loader, at + LOADER_ENTRY - a->loader.size);
}

static void load_allocate(struct acpi *a, const char *file, u32 align, unsigned zone)
{
    u32 at = load_begin(a, LOAD_ALLOCATE, file);
    blob_number(&a->loader, align, 4);
    blob_number(&a->loader, zone, 1);
    load_end(a, at);
}

/* The number at `at` in file is one in the tables: their address is added. */
static void load_pointer(struct acpi *a, const char *file, u32 offset, unsigned size)
{
    u32 at = load_begin(a, LOAD_POINTER, file);
    blob_text(&a->loader, ACPI_FILE_TABLES, FILE_NAME);
    blob_number(&a->loader, offset, 4);
    blob_number(&a->loader, size, 1);
    load_end(a, at);
}

static void load_checksum(struct acpi *a, const char *file, u32 offset, u32 start, u32 length)
{
    u32 at = load_begin(a, LOAD_CHECKSUM, file);
    blob_number(&a->loader, offset, 4);
    blob_number(&a->loader, start, 4);
    blob_number(&a->loader, length, 4);
    load_end(a, at);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

u32 acpi_begin(struct acpi *a, const char *signature, unsigned revision)
{
    struct blob *b = &a->tables;
    if (!a->loader.size)
        load_allocate(a, ACPI_FILE_TABLES, 64, ZONE_HIGH);
    blob_zero(b, (u32)(align_up(b->size, 16) - b->size));
    u32 table = b->size;
    blob_text(b, signature, 4);
    blob_number(b, 0, 4);
    blob_number(b, revision, 1);
    blob_number(b, 0, 1);
    blob_text(b, oem, 6);
    blob_text(b, oem_table, 8);
    blob_number(b, 1, 4);
    blob_text(b, creator, 4);
    blob_number(b, 1, 4);
    return table;
}

void acpi_end(struct acpi *a, u32 table, bool listed)
{
    u32 length = a->tables.size - table;
    blob_set(&a->tables, table + LENGTH, length, 4);
    load_checksum(a, ACPI_FILE_TABLES, table + CHECKSUM, table, length);
    assert(a->count < ACPI_TABLES);
    if (listed)
        a->table[a->count++] = table;
}

void acpi_pointer(struct acpi *a, u32 at, unsigned size, u32 target)
{
    blob_set(&a->tables, at, target, size);
    load_pointer(a, ACPI_FILE_TABLES, at, size);
}

/* Root System Description Pointer (ACPI 6.3, 5.2.5.3). */
static void finish_root(struct acpi *a, u32 xsdt)
{
    enum { SUM = 8, XSDT = 24, WHOLE_SUM = 32 };
    struct blob *b = &a->root;
    blob_text(b, "RSD PTR ", 8);
    blob_number(b, 0, 1);
    blob_text(b, oem, 6);
    blob_number(b, 2, 1); /* revision */
    blob_number(b, 0, 4); /* no RSDT */
    blob_number(b, ROOT_SIZE, 4);
    blob_number(b, xsdt, 8);
    blob_number(b, 0, 4);
    load_allocate(a, ACPI_FILE_ROOT, 16, ZONE_LOW);
    load_pointer(a, ACPI_FILE_ROOT, XSDT, 8);
    load_checksum(a, ACPI_FILE_ROOT, SUM, 0, ROOT_OLD_SIZE);
    load_checksum(a, ACPI_FILE_ROOT, WHOLE_SUM, 0, ROOT_SIZE);
}

void acpi_finish(struct acpi *a)
{
    u32 xsdt = acpi_begin(a, "XSDT", 1);
    for (u32 i = 0; i < a->count; i++) {
        u32 at = blob_zero(&a->tables, 8);
        acpi_pointer(a, at, 8, a->table[i]);
    }
    acpi_end(a, xsdt, false);
    finish_root(a, xsdt);
}

void acpi_fini(struct acpi *a)
{
    blob_fini(&a->tables);
    blob_fini(&a->root);
    blob_fini(&a->loader);
}

/* ---- Tables of any machine ------------------------------------------------------------------- */

void acpi_gas(struct blob *b, unsigned bits, u64 address)
{
    enum { SYSTEM_MEMORY = 0 };
    blob_number(b, SYSTEM_MEMORY, 1);
    blob_number(b, bits, 1);
    blob_number(b, 0, 1);
    blob_number(b, bits ? ctz64(bits / 8) + 1 : 0, 1); /* access size */
    blob_number(b, address, 8);
}

/* ACPI 6.3, 5.2.9: all that is not set is of machines with ACPI's registers. */
void acpi_add_fadt(struct acpi *a, const struct acpi_fadt *f)
{
    enum {
        SIZE = 276,
        FLAGS = 112,
        HARDWARE_REDUCED = 1 << 20,
        ARM_BOOT = 129,
        MINOR = 131,
        X_DSDT = 140,
        HYPERVISOR = 268,
    };
    u32 t = acpi_begin(a, "FACP", 6);
    blob_zero(&a->tables, SIZE - ACPI_HEADER);
    blob_set(&a->tables, t + FLAGS, HARDWARE_REDUCED, 4);
    blob_set(&a->tables, t + ARM_BOOT, f->arm_boot, 2);
    blob_set(&a->tables, t + MINOR, 3, 1);
    memcpy(a->tables.data + t + HYPERVISOR, oem, 5);
    acpi_pointer(a, t + X_DSDT, 8, f->dsdt);
    acpi_end(a, t, true);
}

/* PCI Firmware Specification 3.0, 4.1.2. */
void acpi_add_mcfg(struct acpi *a, u64 ecam, unsigned buses)
{
    u32 t = acpi_begin(a, "MCFG", 1);
    blob_zero(&a->tables, 8);
    blob_number(&a->tables, ecam, 8);
    blob_number(&a->tables, 0, 2); /* segment */
    blob_number(&a->tables, 0, 1);
    blob_number(&a->tables, buses - 1, 1);
    blob_zero(&a->tables, 4);
    acpi_end(a, t, true);
}

/* Serial Port Console Redirection Table, revision 2. */
void acpi_add_spcr(struct acpi *a, const struct acpi_serial *s)
{
    enum { BAUD_9600 = 3, STOP_1 = 1, VT_ANSI = 3, NO_PCI = 0xffff };
    struct blob *b = &a->tables;
    u32 t = acpi_begin(a, "SPCR", 2);
    blob_number(b, s->type, 4);
    acpi_gas(b, 32, s->base);
    blob_number(b, ACPI_INTERRUPT_GIC, 1);
    blob_number(b, 0, 1); /* of a PC's interrupt controller */
    blob_number(b, s->gsi, 4);
    blob_number(b, BAUD_9600, 1);
    blob_number(b, 0, 1); /* parity */
    blob_number(b, STOP_1, 1);
    blob_number(b, 0, 1); /* flow control */
    blob_number(b, VT_ANSI, 1);
    blob_number(b, 0, 1);
    blob_number(b, NO_PCI, 2);
    blob_number(b, NO_PCI, 2);
    blob_zero(b, 12);
    acpi_end(a, t, true);
}

/* Debug Port Table 2: one device with one range of registers. */
void acpi_add_dbg2(struct acpi *a, const struct acpi_serial *s)
{
    enum { DEVICE = 22, GAS = 12, SERIAL = 0x8000 };
    struct blob *b = &a->tables;
    u32 t = acpi_begin(a, "DBG2", 0), name = (u32)strlen(s->path) + 1;
    blob_number(b, ACPI_HEADER + 8, 4); /* the first device's offset */
    blob_number(b, 1, 4);
    blob_number(b, 0, 1);
    blob_number(b, DEVICE + GAS + 4 + name, 2);
    blob_number(b, 1, 1);
    blob_number(b, name, 2);
    blob_number(b, DEVICE + GAS + 4, 2);
    blob_number(b, 0, 2); /* the maker's data: none */
    blob_number(b, 0, 2);
    blob_number(b, SERIAL, 2);
    blob_number(b, s->type, 2);
    blob_number(b, 0, 2);
    blob_number(b, DEVICE, 2);
    blob_number(b, DEVICE + GAS, 2);
    acpi_gas(b, 32, s->base);
    blob_number(b, s->size, 4);
    blob_text(b, s->path, name);
    acpi_end(a, t, true);
}

/* ---- Topology -------------------------------------------------------------------------------- */

enum { NODE_PACKAGE = 1, NODE_HAS_ID = 2, NODE_LEAF = 8, NODE_IDENTICAL = 16 };

/* Processor hierarchy node (ACPI 6.3, 5.2.29.1); its offset in the table. */
static u32 add_node(struct blob *b, u32 table, u32 flags, u32 parent, u32 id)
{
    u32 at = b->size - table;
    blob_number(b, 0, 1);
    blob_number(b, 20, 1);
    blob_number(b, 0, 2);
    blob_number(b, flags, 4);
    blob_number(b, parent, 4);
    blob_number(b, id, 4);
    blob_number(b, 0, 4); /* no caches are described */
    return at;
}

void acpi_add_pptt(struct acpi *a, u32 cpus, u32 cluster)
{
    struct blob *b = &a->tables;
    u32 t = acpi_begin(a, "PPTT", 2), in = 0;
    u32 package = add_node(b, t, NODE_PACKAGE | NODE_IDENTICAL, 0, 0);
    for (u32 i = 0; i < cpus; i++) {
        if (i % cluster == 0)
            in = add_node(b, t, NODE_IDENTICAL, package, 0);
        add_node(b, t, NODE_HAS_ID | NODE_LEAF, in, i);
    }
    acpi_end(a, t, true);
}
