/*
 * fdt.c - device trees by libfdt. Source: Devicetree Specification 0.4.
 */
#include "boot/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/host.h"

enum { FDT_ROOM = 1 << 20, FDT_SEED = 32 };

void boot_fdt_note(struct boot_fdt *f, const char *where, int result)
{
    if (f->error || result >= 0)
        return;
    f->error = result;
    snprintf(f->where, sizeof(f->where), "%s", where);
}

int boot_fdt_init(struct boot_fdt *f, struct err *err)
{
    *f = (struct boot_fdt){.blob = calloc(1, FDT_ROOM)};
    if (!f->blob)
        return err_set(err, ENOMEM, "no memory for a device tree");
    boot_fdt_note(f, "/", fdt_create_empty_tree(f->blob, FDT_ROOM));
    return 0;
}

/* Versions before 16, whose nodes have whole paths for names, are from before 2005; libfdt 1.6 does
 * not survive all of them. */
static int check_tree(const void *data, u64 size)
{
    enum { VERSION_SHORT_NAMES = 16 };
    if (size > INT32_MAX / 2)
        return -FDT_ERR_BADSTRUCTURE;
    if (size < sizeof(struct fdt_header))
        return -FDT_ERR_TRUNCATED;
    if (fdt_magic(data) == FDT_MAGIC && fdt_version(data) < VERSION_SHORT_NAMES)
        return -FDT_ERR_BADVERSION;
    return fdt_check_full(data, size);
}

int boot_fdt_open(struct boot_fdt *f, const void *data, u64 size, struct err *err)
{
    *f = (struct boot_fdt){0};
    int r = check_tree(data, size);
    if (r)
        return err_set(err, EINVAL, "not a device tree (%s)", fdt_strerror(r));
    int room = (int)size + FDT_ROOM;
    f->blob = calloc(1, (size_t)room);
    if (!f->blob)
        return err_set(err, ENOMEM, "no memory for a device tree");
    boot_fdt_note(f, "/", fdt_open_into(data, f->blob, room));
    return 0;
}

void boot_fdt_fini(struct boot_fdt *f)
{
    free(f->blob);
    f->blob = NULL;
}

int boot_fdt_finish(struct boot_fdt *f, u8 **data, u64 *size, struct err *err)
{
    int error = f->error ? f->error : fdt_pack(f->blob);
    int r = 0;
    if (error) {
        r = err_set(err, error == -FDT_ERR_NOSPACE ? ENOSPC : EINVAL, "device tree: %s: %s",
                    f->where, fdt_strerror(error));
        boot_fdt_fini(f);
        return r;
    }
    *size = fdt_totalsize(f->blob);
    *data = alloc_resize(f->blob, *size, 1);
    f->blob = NULL;
    return 0;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

int boot_fdt_node(struct boot_fdt *f, int parent, const char *name, ...)
{
    char text[64];
    va_list args;
    va_start(args, name);
    vsnprintf(text, sizeof(text), name, args);
    va_end(args);
    if (f->error)
        return 0;
    int node = fdt_add_subnode(f->blob, parent, text);
    boot_fdt_note(f, text, node);
    return MAX(node, 0);
}

int boot_fdt_child(struct boot_fdt *f, int parent, const char *name)
{
    if (f->error)
        return 0;
    int node = fdt_subnode_offset(f->blob, parent, name);
    return node == -FDT_ERR_NOTFOUND ? boot_fdt_node(f, parent, "%s", name) : MAX(node, 0);
}

/* ---- Properties ------------------------------------------------------------------------------ */

void boot_fdt_bytes(struct boot_fdt *f, int node, const char *name, const void *data, u32 size)
{
    if (!f->error)
        boot_fdt_note(f, name, fdt_setprop(f->blob, node, name, data, (int)size));
}

void boot_fdt_flag(struct boot_fdt *f, int node, const char *name)
{
    boot_fdt_bytes(f, node, name, NULL, 0);
}

void boot_fdt_u32(struct boot_fdt *f, int node, const char *name, u32 value)
{
    boot_fdt_cells(f, node, name, &value, 1);
}

void boot_fdt_u64(struct boot_fdt *f, int node, const char *name, u64 value)
{
    u32 cells[] = {(u32)(value >> 32), (u32)value};
    boot_fdt_cells(f, node, name, cells, 2);
}

void boot_fdt_cells(struct boot_fdt *f, int node, const char *name, const u32 *cells, unsigned n)
{
    u8 *bytes = alloc_bytes(4 * (size_t)n + 1);
    for (unsigned i = 0; i < n; i++)
        store_be(bytes + 4 * i, cells[i], 4);
    boot_fdt_bytes(f, node, name, bytes, 4 * n);
    free(bytes);
}

void boot_fdt_string(struct boot_fdt *f, int node, const char *name, const char *text)
{
    boot_fdt_bytes(f, node, name, text, (u32)strlen(text) + 1);
}

void boot_fdt_strings(struct boot_fdt *f, int node, const char *name, const char *const *list)
{
    boot_fdt_bytes(f, node, name, NULL, 0);
    for (; *list && !f->error; list++)
        boot_fdt_note(f, name, fdt_appendprop_string(f->blob, node, name, *list));
}

void boot_fdt_reg(struct boot_fdt *f, int node, const u64 *pairs, unsigned n)
{
    boot_fdt_bytes(f, node, "reg", NULL, 0);
    for (unsigned i = 0; i < 2 * n && !f->error; i++)
        boot_fdt_note(f, "reg", fdt_appendprop_u64(f->blob, node, "reg", pairs[i]));
}

void boot_fdt_new_seed(u8 *data, u64 size)
{
    u8 seed[FDT_SEED];
    int node = fdt_path_offset(data, "/chosen");
    (void)size;
    if (node < 0)
        return;
    host_random(seed, sizeof(seed));
    /* Fails where the tree (a user's) has none or one of another size: then it is left as it is. */
    (void)!fdt_setprop_inplace(data, node, "rng-seed", seed, sizeof(seed));
}
