/*
 * fw_cfg.c - firmware configuration device, memory-mapped: items of bytes that firmware and kernels
 * select and read, by register or by DMA.
 *
 *   0x00  data, 8 bytes: reads of any width give the selected item's next bytes, in memory's order
 *   0x08  selector, 16 bits, big-endian
 *   0x10  DMA address, 64 bits, big-endian; writing the low half starts. Reads "QEMU CFG"
 *
 * Big-endian registers, so that a string is one in any width. Items belong to the configuration,
 * not to the state: a snapshot has the selector and offset only.
 *
 * Source: "QEMU Firmware Configuration (fw_cfg) Device" interface specification. Locking:
 * host->lock.
 */
#include "device/misc/fw_cfg.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

enum {
    FW_CFG_SIZE = 0x18,
    FW_CFG_DATA = 0x00,
    FW_CFG_SELECTOR = 0x08,
    FW_CFG_DMA = 0x10,
    FW_CFG_FILES = 32,
    FW_CFG_ITEMS = FW_CFG_FILE_FIRST + FW_CFG_FILES,
    FW_CFG_FILE_NAME = 56,
    FW_CFG_KEY_MASK = 0x3fff, /* bit 14: write channel of old; bit 15: of one architecture */
    FW_CFG_ID_TRADITIONAL = 1,
    FW_CFG_ID_DMA = 2,
    DMA_ERROR = 1,
    DMA_READ = 2,
    DMA_SKIP = 4,
    DMA_SELECT = 8,
    DMA_WRITE = 16,
    DMA_CHUNK = 4096,
};
#define FW_CFG_DMA_SIGNATURE UINT64_C(0x51454d5520434647) /* "QEMU CFG" */

struct fw_cfg_item {
    u8 *data;
    u32 size;
};

struct fw_cfg {
    struct device dev;
    struct mem_region mmio;
    struct fw_cfg_item item[FW_CFG_ITEMS];
    char name[FW_CFG_FILES][FW_CFG_FILE_NAME];
    u32 files;
    u16 key;
    u32 offset;
    u64 dma_address; /* high half, until the low one starts */
};

/* ---- Items ----------------------------------------------------------------------------------- */

static void item_set(struct fw_cfg_item *item, const void *data, u32 size)
{
    free(item->data);
    item->data = alloc_copy(data, size);
    item->size = size;
}

void fw_cfg_add(struct device *d, unsigned key, const void *data, u32 size)
{
    assert(key < FW_CFG_FILE_FIRST);
    item_set(&((struct fw_cfg *)d)->item[key], data, size);
}

void fw_cfg_add_number(struct device *d, unsigned key, u64 value, unsigned size)
{
    fw_cfg_add(d, key, &value, size);
}

/* Directory: count, then {size, selector, reserved, name}, big-endian. */
static void update_directory(struct fw_cfg *c)
{
    enum { ENTRY = 8 + FW_CFG_FILE_NAME };
    u8 dir[4 + FW_CFG_FILES * ENTRY] = {0};
    store_be(dir, c->files, 4);
    for (u32 i = 0; i < c->files; i++) {
        u8 *e = dir + 4 + i * ENTRY;
        store_be(e, c->item[FW_CFG_FILE_FIRST + i].size, 4);
        store_be(e + 4, FW_CFG_FILE_FIRST + i, 2);
        memcpy(e + 8, c->name[i], FW_CFG_FILE_NAME);
    }
    item_set(&c->item[FW_CFG_FILE_DIR], dir, 4 + c->files * ENTRY);
}

int fw_cfg_add_file(struct device *d, const char *name, const void *data, u32 size, struct err *err)
{
    struct fw_cfg *c = (struct fw_cfg *)d;
    u32 at = 0;
    if (strlen(name) >= FW_CFG_FILE_NAME)
        return err_set(err, EINVAL, "fw_cfg file %s: a name has at most %u characters", name,
                       FW_CFG_FILE_NAME - 1);
    if (c->files == FW_CFG_FILES)
        return err_set(err, ENOSPC, "fw_cfg file %s: all %u slots are used", name, FW_CFG_FILES);
    /* Sorted by name, whatever order they come in: a guest sees the same numbers. */
    while (at < c->files && strcmp(c->name[at], name) < 0)
        at++;
    if (at < c->files && !strcmp(c->name[at], name))
        return err_set(err, EEXIST, "fw_cfg file %s is there already", name);
    struct fw_cfg_item *item = &c->item[FW_CFG_FILE_FIRST + at];
    memmove(item + 1, item, (c->files - at) * sizeof(*item));
    memmove(c->name[at + 1], c->name[at], (c->files - at) * sizeof(c->name[0]));
    memset(c->name[at], 0, sizeof(c->name[at]));
    memcpy(c->name[at], name, strlen(name));
    *item = (struct fw_cfg_item){0};
    item_set(item, data, size);
    c->files++;
    update_directory(c);
    return 0;
}

static const struct fw_cfg_item *selected(const struct fw_cfg *c)
{
    static const struct fw_cfg_item none;
    unsigned key = c->key & FW_CFG_KEY_MASK;
    return key < FW_CFG_ITEMS && !(c->key & ~FW_CFG_KEY_MASK) ? &c->item[key] : &none;
}

static void select_item(struct fw_cfg *c, u16 key)
{
    c->key = key;
    c->offset = 0;
}

/* The next n bytes; zeroes behind the end. */
static void take(struct fw_cfg *c, u8 *to, u32 n)
{
    const struct fw_cfg_item *item = selected(c);
    u32 left = c->offset < item->size ? item->size - c->offset : 0;
    u32 here = MIN(left, n);
    if (here)
        memcpy(to, item->data + c->offset, here);
    memset(to + here, 0, n - here);
    c->offset += here;
}

/* ---- DMA ------------------------------------------------------------------------------------- */

/* Length is the guest's: what lies behind the item is zeroes, written in chunks; RAM bounds it. */
static bool dma_copy(struct fw_cfg *c, u64 address, u32 length)
{
    u8 chunk[DMA_CHUNK];
    while (length) {
        u32 n = MIN(length, DMA_CHUNK);
        take(c, chunk, n);
        if (dma_write(c->dev.host->dma, address, chunk, n) != MEM_OK)
            return false;
        address += n;
        length -= n;
    }
    return true;
}

static void dma_skip(struct fw_cfg *c, u32 length)
{
    u32 size = selected(c)->size;
    c->offset = c->offset < size ? c->offset + MIN(length, size - c->offset) : c->offset;
}

/* struct {be32 control, length; be64 address} in guest memory; control becomes 0 or DMA_ERROR. */
static void dma_run(struct fw_cfg *c, u64 at)
{
    struct mem_space *space = c->dev.host->dma;
    u8 block[16];
    if (dma_read(space, at, block, sizeof(block)) != MEM_OK) {
        device_guest_error(&c->dev, "DMA block at 0x%llx is not in memory", (unsigned long long)at);
        return;
    }
    u32 control = (u32)load_be(block, 4), length = (u32)load_be(block + 4, 4);
    bool good = true;
    if (control & DMA_SELECT)
        select_item(c, (u16)(control >> 16));
    if (control & DMA_READ)
        good = dma_copy(c, load_be(block + 8, 8), length);
    else if (control & DMA_WRITE)
        good = false; /* no item is writable */
    else if (control & DMA_SKIP)
        dma_skip(c, length);
    store_be(block, good ? 0 : DMA_ERROR, 4);
    if (dma_write(space, at, block, 4) != MEM_OK)
        device_guest_error(&c->dev, "DMA block at 0x%llx is read-only", (unsigned long long)at);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static u64 fw_cfg_read(void *opaque, u64 offset, unsigned size)
{
    struct fw_cfg *c = opaque;
    u8 bytes[8];
    if (offset < FW_CFG_SELECTOR) {
        take(c, bytes, size);
        return load_be(bytes, size);
    }
    if (offset < FW_CFG_DMA)
        return 0;
    store_be(bytes, FW_CFG_DMA_SIGNATURE, 8);
    return load_be(bytes + (offset - FW_CFG_DMA), size);
}

static void write_dma_address(struct fw_cfg *c, u64 offset, u64 value, unsigned size)
{
    if (size == 8) {
        c->dma_address = 0;
        dma_run(c, value);
    } else if (size == 4 && offset == FW_CFG_DMA) {
        c->dma_address = value << 32;
    } else if (size == 4) {
        u64 at = c->dma_address | value;
        c->dma_address = 0;
        dma_run(c, at);
    }
}

static void fw_cfg_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct fw_cfg *c = opaque;
    if (offset == FW_CFG_SELECTOR && size == 2)
        select_item(c, (u16)value);
    else if (offset >= FW_CFG_DMA)
        write_dma_address(c, offset, value, size);
    else
        device_guest_error(&c->dev, "write of %u bytes at 0x%llx has no meaning", size,
                           (unsigned long long)offset);
}

/* ---- Description ----------------------------------------------------------------------------- */

static const struct mem_ops fw_cfg_ops = {
    .read = fw_cfg_read, .write = fw_cfg_write, .big_endian = true};

static int fw_cfg_realize(struct device *d, struct err *err)
{
    struct fw_cfg *c = (struct fw_cfg *)d;
    static const u8 uuid[16];
    (void)err;
    mem_io(&c->mmio, d->id, FW_CFG_SIZE, &fw_cfg_ops, c, d->host->lock);
    fw_cfg_add(d, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_number(d, FW_CFG_ID, FW_CFG_ID_TRADITIONAL | FW_CFG_ID_DMA, 4);
    fw_cfg_add(d, FW_CFG_UUID, uuid, sizeof(uuid));
    update_directory(c);
    return 0;
}

static void fw_cfg_unrealize(struct device *d)
{
    struct fw_cfg *c = (struct fw_cfg *)d;
    for (unsigned i = 0; i < FW_CFG_ITEMS; i++)
        free(c->item[i].data);
}

static void fw_cfg_reset(struct device *d)
{
    struct fw_cfg *c = (struct fw_cfg *)d;
    select_item(c, FW_CFG_SIGNATURE);
    c->dma_address = 0;
}

static const struct state_table fw_cfg_state = {
    .name = "fw_cfg",
    .version = 1,
    .min_version = 1,
    .fields = (const struct state_field[]){STATE_U16(struct fw_cfg, key),
                                           STATE_U32(struct fw_cfg, offset),
                                           STATE_U64(struct fw_cfg, dma_address), STATE_END},
};

const struct device_type fw_cfg_mem = {
    .name = "fw_cfg_mem",
    .help = "firmware configuration items",
    .size = sizeof(struct fw_cfg),
    .state = &fw_cfg_state,
    DEVICE_MMIO1(struct fw_cfg, mmio),
    .realize = fw_cfg_realize,
    .unrealize = fw_cfg_unrealize,
    .reset = fw_cfg_reset,
    .fdt = {.node = "fw-cfg", DEVICE_COMPATIBLE("qemu,fw-cfg-mmio")},
    .acpi_id = "QEMU0002",
};
