/*
 * disasm.c - host code as text, for -d out_asm.
 *
 * Sites and state maps lie between instructions, after calls of stubs that bear a mark; they are printed as one line.
 */
#include "jit/stats.h"

#include <capstone/capstone.h>
#include <inttypes.h>

#include "jit/x86_64/stubs.h"

/* Bytes of site and map behind this instruction, when it is a call of a marked stub. */
static size_t inline_site(const cs_insn *insn, const u8 *code, size_t left)
{
    const struct jit_site *site = (const struct jit_site *)code;
    u64 mark;
    if (insn->size != 5 || insn->bytes[0] != 0xe8 || left < sizeof(*site))
        return 0;
    s32 rel = (s32)load_le(insn->bytes + 1, 4);
    memcpy(&mark, code + rel - sizeof(mark), sizeof(mark));
    return mark == X64_SITE_MARK ? sizeof(*site) + site->map_bytes : 0;
}

static void print_site(FILE *f, const u8 *code)
{
    const struct jit_site *site = (const struct jit_site *)code;
    fprintf(f, "    .site %s, pc 0x%" PRIx64 ", map of %u bytes\n", ir_op_info[site->op].text,
            site->map_bytes >= 8 ? load_le(site->map, 8) : 0, site->map_bytes);
}

u32 jit_count_code(const u8 *rx, u32 bytes)
{
    csh handle;
    const u8 *code = rx;
    u64 address = (u64)(uintptr_t)rx;
    size_t size = bytes;
    u32 count = 0;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
        return 0;
    cs_insn *insn = cs_malloc(handle);
    while (size && cs_disasm_iter(handle, &code, &size, &address, insn))
        count++;
    cs_free(insn, 1);
    cs_close(&handle);
    return count;
}

void jit_print_code(FILE *f, const u8 *rx, u32 bytes)
{
    csh handle;
    const u8 *code = rx;
    u64 address = (u64)(uintptr_t)rx;
    size_t size = bytes;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) {
        fprintf(f, "    (no disassembler)\n");
        return;
    }
    cs_insn *insn = cs_malloc(handle);
    while (size) {
        if (!cs_disasm_iter(handle, &code, &size, &address, insn)) {
            fprintf(f, "    %016" PRIx64 "  .byte 0x%02x\n", address, *code);
            code++, address++, size--;
            continue;
        }
        fprintf(f, "    %016" PRIx64 "  %s %s\n", insn->address, insn->mnemonic, insn->op_str);
        size_t skip = inline_site(insn, code, size);
        if (skip && skip <= size) {
            print_site(f, code);
            code += skip, address += skip, size -= skip;
        }
    }
    cs_free(insn, 1);
    cs_close(&handle);
}
