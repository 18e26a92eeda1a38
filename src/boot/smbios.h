/*
 * smbios.h - the System Management BIOS tables: what the machine is called, as firmware hands it to
 * operating systems (dmidecode).
 *
 *   boot_smbios_option(&options, list)     for each -smbios: texts of one type, or a whole structure
 *   boot_smbios_make(&tables, &options, &facts)
 *
 * Structures of types 0, 1, 2, 3, 4, 11, 16, 17, 19, 32, 127 and of files, with a 64-bit entry point (3.0).
 *
 * Source: DMTF DSP0134, 3.3.0. Main thread.
 */
#ifndef BOOT_SMBIOS_H
#define BOOT_SMBIOS_H

#include "base/err.h"
#include "base/option.h"
#include "boot/blob.h"

#define SMBIOS_FILE_TABLES "etc/smbios/smbios-tables"
#define SMBIOS_FILE_ANCHOR "etc/smbios/smbios-anchor"

/* What -smbios type=N,KEY=VALUE says; NULL and 0: the default. */
struct smbios_texts {
    char *vendor, *version, *date, *release;                             /* 0 */
    char *manufacturer, *product, *serial, *uuid, *sku, *family, *asset; /* 1 to 4, 17 */
    char *location, *socket, *bank, *part, **values;
    bool uefi;
    u32 speed, max_speed;
    u32 processor_family;
    u64 processor_id;
};

enum { SMBIOS_KINDS = 7 }; /* those that have options */

/* Starts as zeroes. */
struct smbios_options {
    struct smbios_texts kind[SMBIOS_KINDS];
    struct blob files; /* structures of -smbios file=, as they are */
    /* Types that texts were given for, and that files have; of these the machine makes none. */
    bool given[256], from_file[256];
};

struct smbios {
    const struct smbios_options *options;
    struct blob tables, anchor;
};

/* What only the machine knows. */
struct smbios_facts {
    const char *board;
    const u8 *uuid; /* 16 bytes, as text has it */
    u16 family;     /* of processors: DSP0134, 7.5.2 */
    u64 processor_id;
    const char *processor;
    u32 cpus, max_cpus;
    u64 ram_base, ram_size;
};
/* Odd ones have 64 bits. */
enum {
    SMBIOS_FAMILY_ARMV7 = 0x100,
    SMBIOS_FAMILY_ARMV8,
    SMBIOS_FAMILY_RV32 = 0x200,
    SMBIOS_FAMILY_RV64
};

/* One -smbios; list is spent. */
int must_check boot_smbios_option(struct smbios_options *o, struct option_list *list,
                                  struct err *err);
void boot_smbios_options_fini(struct smbios_options *o);
/* The accepted keys of each type. */
void boot_smbios_help(FILE *out);
/* options NULL: the defaults. */
void boot_smbios_make(struct smbios *s, const struct smbios_options *options,
                      const struct smbios_facts *facts);
void boot_smbios_fini(struct smbios *s);

#endif
