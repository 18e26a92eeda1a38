/*
 * rom.h - what is in memory when the machine comes out of reset: firmware, kernel, initial RAM
 * disk, device tree, reset code. Written again at each reset.
 *
 * Main thread, CPUs stopped.
 */
#ifndef BOOT_ROM_H
#define BOOT_ROM_H

#include "boot/image.h"
#include "memory/memory.h"

struct boot_rom {
    char *name;
    struct boot_image image;
    void (*refresh)(u8 *data, u64 size); /* before it is written; may be NULL */
    struct boot_rom *next;
};

struct boot_roms {
    struct mem_space *space;
    struct boot_rom *list;
    bool written; /* at least once */
};

void boot_roms_init(struct boot_roms *r, struct mem_space *space);
/* Takes the image over when it succeeds. Refused: not all of it is RAM or ROM; another one lies
 * there. */
int must_check boot_rom_add(struct boot_roms *r, const char *name, struct boot_image *image,
                            void (*refresh)(u8 *data, u64 size), struct err *err);
void boot_roms_write(struct boot_roms *r);
/* There will be no other reset: frees the contents. */
void boot_roms_drop(struct boot_roms *r);
void boot_roms_fini(struct boot_roms *r);

#endif
