/*
 * rom.c - the list of rom.h: checked when something is added, copied to memory at each reset.
 *
 * Unlike DMA this may write to ROM and to flash: the machine does it, not the guest.
 */
#include "boot/rom.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

void boot_roms_init(struct boot_roms *r, struct mem_space *space)
{
    *r = (struct boot_roms){.space = space};
}

static u64 piece_size(const struct boot_piece *p)
{
    return p->size + p->zero;
}

/* First address of addr.. that has no memory, or addr + size. */
static u64 memory_ends(struct mem_space *space, u64 addr, u64 size)
{
    u64 end = addr + size;
    struct mem_section s;
    while (addr < end && mem_find(space, addr, &s) && s.ram) {
        if (s.last >= end - 1)
            return end;
        addr = s.last + 1;
    }
    return addr;
}

static const struct boot_rom *find_overlap(const struct boot_roms *r, const struct boot_piece *p)
{
    for (const struct boot_rom *rom = r->list; rom; rom = rom->next) {
        for (unsigned i = 0; i < rom->image.count; i++) {
            const struct boot_piece *q = &rom->image.piece[i];
            if (p->addr < q->addr + piece_size(q) && q->addr < p->addr + piece_size(p))
                return rom;
        }
    }
    return NULL;
}

/*
 * Linkers put an ELF file's own headers, padded to a page, before the first section, so that a
 * program linked for the start of memory seems to begin a page below. Nothing there is the
 * program's: it is left out where there is no memory (nothing, or a window of devices).
 */
static void drop_file_headers(struct boot_roms *r, struct boot_piece *p)
{
    struct mem_section s;
    if (p->offset)
        return;
    while (p->size > MEM_PAGE && !(mem_find(r->space, p->addr, &s) && s.ram)) {
        u64 n = MEM_PAGE - (p->addr & (MEM_PAGE - 1));
        p->addr += n;
        p->offset += n;
        p->size -= n;
    }
}

int boot_rom_add(struct boot_roms *r, const char *name, struct boot_image *image,
                 void (*refresh)(u8 *data, u64 size), struct err *err)
{
    for (unsigned i = 0; i < image->count; i++) {
        struct boot_piece *p = &image->piece[i];
        if (image->format == BOOT_ELF)
            drop_file_headers(r, p);
        u64 size = piece_size(p), end = memory_ends(r->space, p->addr, size);
        if (end != p->addr + size)
            return err_set(
                err, ENOSPC, "%s: 0x%llx bytes at 0x%llx do not fit: no memory at 0x%llx", name,
                (unsigned long long)size, (unsigned long long)p->addr, (unsigned long long)end);
        const struct boot_rom *other = find_overlap(r, p);
        if (other)
            return err_set(err, EEXIST, "%s (0x%llx bytes at 0x%llx) overlaps %s at 0x%llx", name,
                           (unsigned long long)size, (unsigned long long)p->addr, other->name,
                           (unsigned long long)other->image.low);
    }
    struct boot_rom *rom = alloc_zero(sizeof(*rom));
    rom->name = alloc_string(name);
    rom->image = *image;
    rom->refresh = refresh;
    rom->next = r->list;
    r->list = rom;
    *image = (struct boot_image){0};
    return 0;
}

/* Bytes from `from`, or zeroes where that is NULL. */
static void write_memory(struct mem_space *space, u64 addr, const u8 *from, u64 size)
{
    struct mem_section s;
    for (u64 n; size; size -= n, addr += n) {
        if (!mem_find(space, addr, &s) || !s.ram)
            return; /* the guest has moved its memory map: what is not there is not written */
        n = MIN(s.last - addr, size - 1) + 1;
        u8 *to = s.ram->host + s.ram_offset;
        if (from) {
            memcpy(to, from, n);
            from += n;
        } else {
            memset(to, 0, n);
        }
        memory_ram_written(s.ram, s.ram_offset, n);
    }
}

void boot_roms_write(struct boot_roms *r)
{
    for (struct boot_rom *rom = r->list; rom; rom = rom->next) {
        struct boot_image *image = &rom->image;
        if (!image->data)
            continue;
        if (rom->refresh)
            rom->refresh(image->data, image->size);
        for (unsigned i = 0; i < image->count; i++) {
            const struct boot_piece *p = &image->piece[i];
            write_memory(r->space, p->addr, image->data + p->offset, p->size);
            if (r->written) /* the first time it is zero, and stays untouched */
                write_memory(r->space, p->addr + p->size, NULL, p->zero);
        }
    }
    r->written = true;
}

void boot_roms_drop(struct boot_roms *r)
{
    for (struct boot_rom *rom = r->list; rom; rom = rom->next) {
        free(rom->image.data);
        rom->image.data = NULL;
    }
}

void boot_roms_fini(struct boot_roms *r)
{
    while (r->list) {
        struct boot_rom *rom = r->list;
        r->list = rom->next;
        boot_image_fini(&rom->image);
        free(rom->name);
        free(rom);
    }
}
