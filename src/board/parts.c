/*
 * parts.c - what boards have in common; parts.h has the contract. No state.
 */
#include "board/parts.h"

#include <errno.h>
#include <stdlib.h>

#include "boot/image.h"
#include "boot/smbios.h"

/* ---- Devices ----------------------------------------------------------------------------------
 */

struct device *board_new_device(struct machine *m, const char *type, const char *id,
                                const struct board_setting *settings, struct err *err)
{
    struct device *d = machine_device(m, type, id, err);
    for (; d && settings && settings->name; settings++) {
        char text[24];
        snprintf(text, sizeof(text), "%llu", (unsigned long long)settings->value);
        if (device_set(d, settings->name, text, err)) {
            device_free(d);
            return NULL;
        }
    }
    return d;
}

static struct device *realize_at(struct machine *m, struct device *d, u64 base, struct err *err)
{
    if (machine_realize(m, d, err))
        return NULL;
    machine_map(m, d, 0, base);
    return d;
}

struct device *board_add_device(struct machine *m, const char *type, const char *id, u64 base,
                                const struct board_setting *settings, struct err *err)
{
    struct device *d = board_new_device(m, type, id, settings, err);
    return d ? realize_at(m, d, base, err) : NULL;
}

/* A property that names a backend; NULL: none. */
static struct device *with_backend(struct machine *m, const char *type, const char *id,
                                   const struct board_setting *settings, const char *property,
                                   const char *backend, struct err *err)
{
    struct device *d = board_new_device(m, type, id, settings, err);
    if (d && backend && device_set(d, property, backend, err)) {
        device_free(d);
        return NULL;
    }
    return d;
}

struct device *board_add_serial(struct machine *m, const char *type, const char *id, u64 base,
                                const char *chardev, struct err *err)
{
    struct device *d = with_backend(m, type, id, NULL, "chardev", chardev, err);
    return d ? realize_at(m, d, base, err) : NULL;
}

int board_add_flash(struct machine *m, struct mem_region *where, unsigned n, u64 base, u64 size,
                    struct err *err)
{
    const struct board_setting geometry[] = {{"num-blocks", size / (256 * KiB)},
                                             {"sector-length", 256 * KiB},
                                             {"width", 4},
                                             {"device-width", 2},
                                             {"id0", 0x89},
                                             {"id1", 0x18},
                                             {0}};
    char id[16];
    snprintf(id, sizeof(id), "virt.flash%u", n);
    struct device *d =
        with_backend(m, "cfi.pflash01", id, geometry, "drive", m->config.flash[n], err);
    if (!d || machine_realize(m, d, err))
        return -ENODEV;
    mem_map(&m->memory, where, base, device_mmio(d, 0), 0);
    return 0;
}

/* ---- Device tree ------------------------------------------------------------------------------
 */

int board_open_fdt(struct boot_fdt *f, const struct machine *m, struct err *err)
{
    const char *path = m->config.dtb;
    u8 *data;
    u64 size;
    if (!path)
        return boot_fdt_init(f, err);
    int r = boot_file_read(path, 2 * MiB, &data, &size, err);
    if (!r) {
        r = boot_fdt_open(f, data, size, err);
        free(data);
        if (r)
            err_prefix(err, "%s", path);
    }
    return r ? err_prefix(err, "-dtb") : 0;
}

int board_fdt_device(struct boot_fdt *f, int parent, struct device *d, u64 base, u64 size)
{
    const struct device_fdt *t = &d->type->fdt;
    int node = boot_fdt_node(f, parent, "%s@%llx", t->node, (unsigned long long)base);
    boot_fdt_bytes(f, node, "compatible", t->compatible, t->compatible_size);
    boot_fdt_reg(f, node, (const u64[]){base, size}, 1);
    if (t->extra && !f->error)
        boot_fdt_note(f, t->node, t->extra(d, f->blob, node));
    return node;
}

/* ---- Firmware configuration -------------------------------------------------------------------
 */

/* A file for firmware in flash, decompressed: its size and its bytes. */
static int fw_cfg_image(struct device *fw_cfg, const char *path, unsigned size_key,
                        unsigned data_key, struct err *err)
{
    u8 *data, *out;
    u64 size, out_size;
    int r = path ? boot_file_read(path, INT32_MAX, &data, &size, err) : 0;
    if (r || !path)
        return r;
    r = boot_decompress(data, size, INT32_MAX, &out, &out_size, err);
    if (r > 0) {
        free(data);
        data = out;
        size = out_size;
    }
    if (r >= 0) {
        fw_cfg_add_number(fw_cfg, size_key, size, 4);
        fw_cfg_add(fw_cfg, data_key, data, (u32)size);
    }
    free(data);
    return r < 0 ? err_prefix(err, "%s", path) : 0;
}

int board_fill_fw_cfg(struct machine *m, struct device *fw_cfg, bool images, struct err *err)
{
    const struct machine_config *c = &m->config;
    fw_cfg_add_number(fw_cfg, FW_CFG_RAM_SIZE, m->ram_size, 8);
    fw_cfg_add_number(fw_cfg, FW_CFG_NB_CPUS, m->cpu_count, 2);
    fw_cfg_add_number(fw_cfg, FW_CFG_MAX_CPUS, c->max_cpus, 2);
    fw_cfg_add_number(fw_cfg, FW_CFG_NOGRAPHIC, 1, 2);
    fw_cfg_add_number(fw_cfg, FW_CFG_BOOT_MENU, c->boot_menu, 2);
    fw_cfg_add(fw_cfg, FW_CFG_UUID, c->uuid, sizeof(c->uuid));
    if (!images)
        return 0;
    int r = fw_cfg_image(fw_cfg, c->kernel, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, err);
    if (!r)
        r = fw_cfg_image(fw_cfg, c->initrd, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, err);
    if (!r && c->append) {
        u32 size = (u32)strlen(c->append) + 1;
        fw_cfg_add_number(fw_cfg, FW_CFG_CMDLINE_SIZE, size, 4);
        fw_cfg_add(fw_cfg, FW_CFG_CMDLINE_DATA, c->append, size);
    }
    return r;
}

int board_add_smbios(struct machine *m, struct device *fw_cfg, const struct smbios_facts *facts,
                     struct err *err)
{
    struct smbios_facts f = *facts;
    struct smbios s;
    char model[64];
    snprintf(model, sizeof(model), "%.*s", (int)strcspn(m->cpu_model, ","), m->cpu_model);
    f.board = m->board->name;
    f.uuid = m->config.uuid;
    f.processor = model;
    f.cpus = m->cpu_count;
    f.max_cpus = MAX(m->config.max_cpus, m->cpu_count);
    f.ram_size = m->ram_size;
    boot_smbios_make(&s, m->config.smbios, &f);
    int r = fw_cfg_add_file(fw_cfg, SMBIOS_FILE_TABLES, s.tables.data, s.tables.size, err);
    if (!r)
        r = fw_cfg_add_file(fw_cfg, SMBIOS_FILE_ANCHOR, s.anchor.data, s.anchor.size, err);
    boot_smbios_fini(&s);
    return r;
}
