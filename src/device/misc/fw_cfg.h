/*
 * fw_cfg.h - what a board puts into the firmware configuration device.
 */
#ifndef DEVICE_MISC_FW_CFG_H
#define DEVICE_MISC_FW_CFG_H

#include "device/device.h"

/* Selectors of items without a name. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
};

/* Main thread, before the guest runs. Data are copied. */
void fw_cfg_add(struct device *d, unsigned key, const void *data, u32 size);
/* A little-endian number of size bytes. */
void fw_cfg_add_number(struct device *d, unsigned key, u64 value, unsigned size);
/* Named; at most 55 characters. -ENOSPC: no slot is free; -EEXIST. */
int must_check fw_cfg_add_file(struct device *d, const char *name, const void *data, u32 size,
                               struct err *err);

#endif
