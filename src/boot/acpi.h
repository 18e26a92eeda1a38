/*
 * acpi.h - ACPI tables for firmware: one blob of tables, the root pointer, and the commands by
 * which firmware places both, links and sums them.
 *
 *   struct acpi a = {0};
 *   u32 t = acpi_begin(&a, "MCFG", 1); ... blob_number(&a.tables, ...) ... acpi_end(&a, t);
 *   acpi_finish(&a);     the XSDT, the root pointer
 *
 * Pointers inside hold offsets; the loader's commands (128 bytes each) say what to add and where.
 * The names of the three files are a contract with firmware.
 *
 * Sources: ACPI 6.3; "QEMU ACPI table loader" as EDK2 and SeaBIOS read it. Main thread.
 */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include "boot/blob.h"

#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_ROOT   "etc/acpi/rsdp"
#define ACPI_FILE_LOADER "etc/table-loader"

enum { ACPI_HEADER = 36, ACPI_TABLES = 16 };

struct acpi {
    struct blob tables, root, loader;
    u32 table[ACPI_TABLES], count; /* those that the XSDT names */
};

/* A table's header; what is added to a->tables next is its body. Its offset. */
u32 must_check acpi_begin(struct acpi *a, const char *signature, unsigned revision);
/* Its length and checksum. listed: the XSDT names it. */
void acpi_end(struct acpi *a, u32 table, bool listed);
/* The size bytes at `at` hold target's address. */
void acpi_pointer(struct acpi *a, u32 at, unsigned size, u32 target);
void acpi_finish(struct acpi *a);
void acpi_fini(struct acpi *a);

/* ---- Tables of any machine: each to the end ---- */

/* Generic Address Structure of a register in memory; bits 0: none. */
void acpi_gas(struct blob *b, unsigned bits, u64 address);

struct acpi_fadt {
    u32 dsdt;     /* the table's offset */
    u16 arm_boot; /* ARM_BOOT_ARCH */
};
enum { ACPI_ARM_PSCI = 1, ACPI_ARM_PSCI_HVC = 2 };
/* Of a machine without ACPI's own registers (hardware-reduced). */
void acpi_add_fadt(struct acpi *a, const struct acpi_fadt *f);
/* PCI Express configuration space. */
void acpi_add_mcfg(struct acpi *a, u64 ecam, unsigned buses);

/* A serial port on memory: for SPCR (the console) and DBG2. */
struct acpi_serial {
    u8 type; /* as DBG2's subtypes */
    u64 base, size;
    u32 gsi;
    const char *path; /* in the name space */
};
enum { ACPI_SERIAL_PL011 = 3, ACPI_INTERRUPT_GIC = 8 };
void acpi_add_spcr(struct acpi *a, const struct acpi_serial *s);
void acpi_add_dbg2(struct acpi *a, const struct acpi_serial *s);

/* Processors of one package, in clusters of that many; ACPI's processor ids are 0, 1, ... */
void acpi_add_pptt(struct acpi *a, u32 cpus, u32 cluster);

#endif
