/*
 * aml.h - writing ACPI machine language: names, integers, packages, methods and resources into a
 * blob.
 *
 * What has a length (scope, device, method, package, if ...) is begun by a function that returns a
 * mark, and ended by aml_end with it, innermost first. Expressions are written in the order in
 * which they are encoded: operator, then operands. Paths are written as in ASL: "\\_SB.PCI0",
 * "^GSI0",
 * "_CRS"; segments shorter than four characters are filled with '_'.
 *
 * Source: ACPI 6.3, chapters 6.4 (resources) and 20 (AML). Main thread.
 */
#ifndef BOOT_AML_H
#define BOOT_AML_H

#include "boot/blob.h"

/* ---- Blocks: the mark goes to aml_end ---- */
u32 must_check aml_scope(struct blob *b, const char *path);
u32 must_check aml_device(struct blob *b, const char *path);
u32 must_check aml_method(struct blob *b, const char *path, unsigned args); /* serialized */
u32 must_check aml_package(struct blob *b, unsigned count);
u32 must_check aml_if(struct blob *b); /* a condition follows */
u32 must_check aml_else(struct blob *b);
void aml_end(struct blob *b, u32 mark);

/* ---- Objects ---- */
void aml_path(struct blob *b, const char *path);
void aml_integer(struct blob *b, u64 value);
void aml_string(struct blob *b, const char *text);
void aml_buffer(struct blob *b, const void *data, u32 size);
void aml_uuid(struct blob *b, const char *text); /* as ToUUID */
void aml_eisa_id(struct blob *b, const char *text);
void aml_name(struct blob *b, const char *path); /* an object follows */
void aml_name_integer(struct blob *b, const char *path, u64 value);
void aml_name_string(struct blob *b, const char *path, const char *text);
/* _HID or _CID: "PNP0A08" as a number, an ACPI id ("ARMH0011") as a string. */
void aml_name_id(struct blob *b, const char *path, const char *id);

/* ---- Statements and expressions: operands follow in the order of their names ---- */
enum aml_operator {
    AML_STORE = 0x70,       /* value, target */
    AML_AND = 0x7b,         /* a, b, target */
    AML_OR = 0x7d,          /* a, b, target */
    AML_NOTIFY = 0x86,      /* object, value */
    AML_DWORD_FIELD = 0x8a, /* buffer, byte index, name (CreateDWordField) */
    AML_NOT = 0x92,         /* a, before AML_EQUAL */
    AML_EQUAL = 0x93,       /* a, b */
    AML_RETURN = 0xa4,      /* value */
};
void aml_operator(struct blob *b, enum aml_operator op);
void aml_local(struct blob *b, unsigned n);
void aml_argument(struct blob *b, unsigned n);

/* ---- Resources: descriptors are gathered in a blob of their own, which aml_resources ends, writes
 * as a buffer, and frees ---- */
enum { AML_EDGE = 2, AML_SHARED = 8 }; /* interrupts: else level, exclusive; active high */
void aml_resources(struct blob *b, const char *name, struct blob *resources);
void aml_memory32(struct blob *r, u32 base, u32 size);
void aml_interrupt(struct blob *r, unsigned flags, u32 gsi);
/* A GPIO line that interrupts, of the controller at path. */
void aml_gpio_interrupt(struct blob *r, unsigned line, const char *path);

enum aml_space { AML_MEMORY = 0, AML_IO = 1, AML_BUS = 2 };
/* A window that a bus offers: addresses there are the CPUs' less `translation`. bits: 16, 32, 64.
 */
void aml_window(struct blob *r, unsigned bits, enum aml_space space, u64 base, u64 size,
                u64 translation);
/* Addresses that the device itself takes. */
void aml_memory64(struct blob *r, u64 base, u64 size);

#endif
