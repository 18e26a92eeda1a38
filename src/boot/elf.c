/*
 * elf.c - ELF executables, 32 and 64 bits, both byte orders: the PT_LOAD segments by their physical
 * addresses.
 *
 * Every offset, size and count comes from the file and is checked before it is used. Source: System
 * V ABI, chapters 4 and 5.
 */
#include "boot/elf.h"

#include <errno.h>

/* Offsets of the fields we read, by class. */
struct elf_layout {
    unsigned header, word; /* size of the file header; of an address */
    unsigned entry, phoff, phentsize, phnum;
    unsigned phsize, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz;
};
static const struct elf_layout layouts[] = {
    {52, 4, 24, 28, 42, 44, 32, 4, 8, 12, 16, 20},
    {64, 8, 24, 32, 54, 56, 56, 8, 16, 24, 32, 40},
};
enum {
    EI_CLASS = 4,
    EI_DATA = 5,
    E_TYPE = 16,
    E_MACHINE = 18,
    ET_EXEC = 2,
    ET_DYN = 3,
    PT_LOAD = 1
};

struct elf {
    const struct elf_layout *layout;
    const u8 *data;
    u64 size;
    bool big;
};

struct elf_segment {
    u64 offset, vaddr, paddr, filesz, memsz;
};

bool boot_is_elf(const u8 *data, u64 size)
{
    return size >= 16 && !memcmp(data, "\177ELF", 4);
}

static u64 get(const struct elf *e, u64 at, unsigned size)
{
    return e->big ? load_be(e->data + at, size) : load_le(e->data + at, size);
}

static int elf_open(struct elf *e, const struct boot_image *image, const struct boot_target *target,
                    struct err *err)
{
    u8 class = image->data[EI_CLASS], order = image->data[EI_DATA];
    if (class < 1 || class > 2 || order < 1 || order > 2)
        return err_set(err, EINVAL, "ELF of class %u and byte order %u: neither is known", class,
                       order);
    *e = (struct elf){&layouts[class - 1], image->data, image->size, order == 2};
    if (image->size < e->layout->header)
        return err_set(err, EINVAL, "ELF file of %llu bytes ends in its header",
                       (unsigned long long)image->size);
    u64 type = get(e, E_TYPE, 2), machine = get(e, E_MACHINE, 2);
    if (type != ET_EXEC && type != ET_DYN)
        return err_set(err, EINVAL, "ELF file is not an executable (type %llu)",
                       (unsigned long long)type);
    if (target->elf_machine != BOOT_ELF_ANY && machine != target->elf_machine)
        return err_set(err, EINVAL, "ELF file for another processor (machine %llu, not %u)",
                       (unsigned long long)machine, target->elf_machine);
    if (target->elf_class && target->elf_class != class * 32)
        return err_set(err, EINVAL, "ELF file of %u bits for a processor of %u", class * 32,
                       target->elf_class);
    return 0;
}

static int read_segment(const struct elf *e, u64 at, struct elf_segment *s, struct err *err)
{
    const struct elf_layout *l = e->layout;
    *s = (struct elf_segment){
        .offset = get(e, at + l->p_offset, l->word),
        .vaddr = get(e, at + l->p_vaddr, l->word),
        .paddr = get(e, at + l->p_paddr, l->word),
        .filesz = get(e, at + l->p_filesz, l->word),
        .memsz = get(e, at + l->p_memsz, l->word),
    };
    if (s->offset > e->size || s->filesz > e->size - s->offset)
        return err_set(err, EINVAL, "ELF segment at offset 0x%llx ends behind the file",
                       (unsigned long long)s->offset);
    if (s->memsz < s->filesz || s->paddr + s->memsz < s->paddr)
        return err_set(err, EINVAL, "ELF segment at address 0x%llx has an impossible size",
                       (unsigned long long)s->paddr);
    return 0;
}

static int add_segment(struct boot_image *image, const struct elf_segment *s, struct err *err)
{
    if (image->count == BOOT_PIECES)
        return err_set(err, EINVAL, "ELF file has more than %u segments", BOOT_PIECES);
    if (!image->count || s->paddr < image->low)
        image->low = s->paddr;
    if (!image->count || s->paddr + s->memsz > image->high)
        image->high = s->paddr + s->memsz;
    image->piece[image->count++] = (struct boot_piece){
        .addr = s->paddr, .offset = s->offset, .size = s->filesz, .zero = s->memsz - s->filesz};
    return 0;
}

int boot_elf_parse(struct boot_image *image, const struct boot_target *target, struct err *err)
{
    struct elf e = {0};
    int r = elf_open(&e, image, target, err);
    if (r)
        return r;
    const struct elf_layout *l = e.layout;
    u64 phoff = get(&e, l->phoff, l->word), phnum = get(&e, l->phnum, 2);
    u64 phentsize = get(&e, l->phentsize, 2), entry = get(&e, l->entry, l->word);
    if (phentsize < l->phsize || phoff > e.size || phnum * phentsize > e.size - phoff)
        return err_set(err, EINVAL, "ELF program headers end behind the file");
    image->format = BOOT_ELF;
    image->entry = entry;
    bool virtual = false, physical = false;
    for (u64 i = 0; i < phnum && !r; i++) {
        u64 at = phoff + i * phentsize;
        struct elf_segment s;
        if (get(&e, at, 4) != PT_LOAD)
            continue;
        r = read_segment(&e, at, &s, err);
        if (r || !s.memsz)
            continue;
        r = add_segment(image, &s, err);
        physical |= entry - s.paddr < s.memsz;
        if (!virtual && entry - s.vaddr < s.memsz) {
            /* The entry is a virtual address; before there are page tables we need the other. */
            virtual = true;
            image->entry = entry - s.vaddr + s.paddr;
        }
    }
    if (physical)
        image->entry = entry;
    if (!r && !image->count)
        r = err_set(err, EINVAL, "ELF file has nothing to load");
    return r;
}
