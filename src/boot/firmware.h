/*
 * firmware.h - where firmware files are found.
 */
#ifndef BOOT_FIRMWARE_H
#define BOOT_FIRMWARE_H

#include "base/base.h"
#include "base/err.h"

/* Path of the file that -bios NAME means: NAME itself when it is there, else in search_dirs (-L;
 * ended by NULL; may be NULL) and the places where packages put firmware. malloc'ed; NULL and err.
 */
char *must_check boot_firmware_find(const char *name, const char *const *search_dirs,
                                    struct err *err);
/* The same for OpenSBI's fw_dynamic of arch ("riscv64"). */
char *must_check boot_firmware_opensbi(const char *arch, const char *const *search_dirs,
                                       struct err *err);

#endif
