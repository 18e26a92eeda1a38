/*
 * images.h - seeds for what reads boot images: small whole files of each format.
 */
#ifndef TESTS_FUZZ_IMAGES_H
#define TESTS_FUZZ_IMAGES_H

#include "fuzz.h"

enum { IMAGE_BYTES = 2048 }; /* that every one of these fits in */

/* Each returns its size. */
size_t image_elf(u8 *out, unsigned bits, bool big_endian, u64 addr);
size_t image_linux(u8 *out);
size_t image_gzip(u8 *out, const u8 *data, size_t size);
size_t image_zstd(u8 *out, const u8 *data, size_t size);
size_t image_fdt(u8 *out);

#endif
