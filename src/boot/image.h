/*
 * image.h - files that firmware and kernels come in: what they hold and where it belongs.
 *
 * Everything here is a pure function of bytes, safe against any bytes: lengths and sums are checked
 * before use, and decompression stops at a limit. Knows ELF (32 and 64 bits, both byte orders), the
 * Linux Image of RISC-V and arm64, the zImage of arm, gzip and zstd around any of them, and raw bytes.
 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include "base/base.h"
#include "base/err.h"

enum boot_format { BOOT_RAW, BOOT_LINUX, BOOT_ELF, BOOT_ZIMAGE };

/* `size` bytes at offset of the image's bytes, then `zero` bytes of zeroes, belong at addr. */
struct boot_piece {
    u64 addr, offset, size, zero;
};
enum { BOOT_PIECES = 32 };

struct boot_image {
    enum boot_format format;
    u8 *data; /* owned; decompressed */
    u64 size;
    struct boot_piece piece[BOOT_PIECES];
    unsigned count;
    u64 low, high; /* first address, and the one behind the last that it uses */
    u64 entry;
};

/* ELF e_machine values. */
enum { BOOT_ELF_RISCV = 243, BOOT_ELF_AARCH64 = 183, BOOT_ELF_ARM = 40, BOOT_ELF_ANY = 0 };

struct boot_target {
    u16 elf_machine; /* BOOT_ELF_ANY: not checked */
    u8 elf_class;    /* 32 or 64; 0: either */
    u64 raw_addr;    /* where what says no address belongs */
    u64 limit;       /* most bytes after decompression */
};

/* Takes data (malloc'ed) over, also when it fails. */
int must_check boot_image_parse(struct boot_image *image, u8 *data, u64 size,
                                const struct boot_target *target, struct err *err);
/* As boot_image_parse, of a file. */
int must_check boot_image_load(struct boot_image *image, const char *path,
                               const struct boot_target *target, struct err *err);
/* Raw bytes from a file, as they are. */
int must_check boot_image_load_raw(struct boot_image *image, const char *path, u64 addr, u64 limit,
                                   struct err *err);
/* Bytes made by the program (copied). */
void boot_image_bytes(struct boot_image *image, u64 addr, const void *data, u64 size);
void boot_image_fini(struct boot_image *image);

/* A whole file of at most limit bytes; *data is malloc'ed. */
int must_check boot_file_read(const char *path, u64 limit, u8 **data, u64 *size, struct err *err);
/* 1: was compressed, *out is malloc'ed; 0: was not, nothing is done; -errno. */
int must_check boot_decompress(const u8 *data, u64 size, u64 limit, u8 **out, u64 *out_size,
                               struct err *err);

#endif
