/*
 * fdt.h - a device tree that is being made: libfdt with one place for errors.
 *
 * Functions return nothing or a node's offset; the first error sticks and is told by
 * boot_fdt_finish. Adding to a node moves the offsets of nodes behind it: a node is finished before
 * its next sibling is added, and a later sibling comes first in the tree.
 */
#ifndef BOOT_FDT_H
#define BOOT_FDT_H

#include "base/base.h"
#include "base/err.h"

struct boot_fdt {
    void *blob;
    int error;      /* libfdt's, 0 or negative */
    char where[64]; /* what was being added */
};

/* A new tree; node 0 is its root. */
int must_check boot_fdt_init(struct boot_fdt *f, struct err *err);
/* One that somebody else made, checked, with room for more. */
int must_check boot_fdt_open(struct boot_fdt *f, const void *data, u64 size, struct err *err);
void boot_fdt_fini(struct boot_fdt *f);
/* The finished bytes, malloc'ed; f is empty afterwards. */
int must_check boot_fdt_finish(struct boot_fdt *f, u8 **data, u64 *size, struct err *err);

int boot_fdt_node(struct boot_fdt *f, int parent, const char *name, ...) printf_like(3, 4);
/* The child of that name, made when it is not there. */
int boot_fdt_child(struct boot_fdt *f, int parent, const char *name);
void boot_fdt_flag(struct boot_fdt *f, int node, const char *name);
void boot_fdt_u32(struct boot_fdt *f, int node, const char *name, u32 value);
void boot_fdt_u64(struct boot_fdt *f, int node, const char *name, u64 value);
void boot_fdt_cells(struct boot_fdt *f, int node, const char *name, const u32 *cells, unsigned n);
void boot_fdt_bytes(struct boot_fdt *f, int node, const char *name, const void *data, u32 size);
void boot_fdt_string(struct boot_fdt *f, int node, const char *name, const char *text);
/* list is ended by NULL. */
void boot_fdt_strings(struct boot_fdt *f, int node, const char *name, const char *const *list);
/* reg: n pairs {address, size}, each two cells. */
void boot_fdt_reg(struct boot_fdt *f, int node, const u64 *pairs, unsigned n);

/* Notes what a call of libfdt on f->blob returned. */
void boot_fdt_note(struct boot_fdt *f, const char *where, int result);

/* New random bytes for /chosen/rng-seed of a finished tree (boot_rom's refresh). */
void boot_fdt_new_seed(u8 *data, u64 size);

#endif
