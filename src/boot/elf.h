/*
 * elf.h - ELF executables as boot images. Used by image.c; see image.h.
 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include "boot/image.h"

bool boot_is_elf(const u8 *data, u64 size);
/* Fills pieces, bounds and entry of image, whose data is ELF. */
int must_check boot_elf_parse(struct boot_image *image, const struct boot_target *target,
                              struct err *err);

#endif
