/*
 * access32.c - loads and stores of A32 and T32 as a hypervisor emulates them: what ISS.ISV tells.
 *
 * Manual: DDI 0487, D24.2.40 ("ISV": loads and stores of one general register, without write-back),
 * F3.1, F4.1. Pure functions.
 */
#include "isa/arm/a32.h"

/* Size as log2 of bytes; a sign extends to 32 bits. */
static bool found(struct arm_access *out, u32 size, bool sign, u32 rt)
{
    *out = (struct arm_access){.size = size, .sign = sign, .rt = rt};
    return rt != 15;
}

/* LDA and STL with their kin: bits 22..21 of A32 are the size. */
static bool decode_ordered(u32 insn, struct arm_access *out)
{
    static const u8 sizes[4] = {2, 3, 0, 1};
    bool load = insn & BIT(20);
    u32 size = sizes[insn >> 21 & 3];
    bool ok = size != 3 && found(out, size, false, (load ? insn >> 12 : insn) & 15);
    out->ordered = true;
    return ok;
}

static bool decode_a32(u32 insn, struct arm_access *out)
{
    bool plain = insn & BIT(24) && !(insn & BIT(21)), load = insn & BIT(20);
    u32 rt = insn >> 12 & 15, kind = insn >> 5 & 3;
    if ((insn & 0x0f800ff0) == 0x01800c90 && insn >> 28 != 15)
        return decode_ordered(insn, out);
    if (!plain || insn >> 28 == 15)
        return false;
    if ((insn & 0x0c000000) == 0x04000000 && (insn & 0x02000010) != 0x02000010)
        return found(out, insn & BIT(22) ? 0 : 2, false, rt);
    if ((insn & 0x0e000090) != 0x00000090 || !kind || (!load && kind != 1))
        return false;
    return found(out, kind == 2 ? 0 : 1, kind >= 2, rt);
}

static bool decode_t16(u32 insn, struct arm_access *out)
{
    /* by register: STR, STRH, STRB, LDRSB, LDR, LDRH, LDRB, LDRSH */
    static const u8 sizes[8] = {2, 1, 0, 0, 2, 1, 0, 1};
    u32 op = insn >> 9 & 7, low = insn & 7, high = insn >> 8 & 7;
    switch (insn >> 12) {
    case 4: return insn >> 11 == 9 && found(out, 2, false, high);
    case 5: return found(out, sizes[op], op == 3 || op == 7, low);
    case 6: return found(out, 2, false, low);
    case 7: return found(out, 0, false, low);
    case 8: return found(out, 1, false, low);
    case 9: return found(out, 2, false, high);
    default: return false;
    }
}

/* Immediate of 12 bits, of 8 without write-back, register, literal. */
static bool decode_t32(u32 insn, struct arm_access *out)
{
    u32 size = insn >> 21 & 3, rt = insn >> 12 & 15;
    bool literal = (insn >> 16 & 15) == 15, wide = insn & BIT(23);
    if ((insn & 0xffe00fc0) == 0xe8c00f80 && (insn >> 4 & 3) != 3) {
        bool ok = found(out, insn >> 4 & 3, false, rt);
        out->ordered = true;
        return ok;
    }
    if ((insn & 0xfe000000) != 0xf8000000 || size == 3)
        return false;
    bool offset = (insn & 0xd00) == 0xc00 || !(insn & 0xfc0); /* P, not W; by register */
    if (!literal && !wide && !offset)
        return false;
    return found(out, size, insn & BIT(24), rt);
}

bool arm_a32_decode_access(u32 insn, bool thumb, unsigned length, struct arm_access *out)
{
    if (!thumb)
        return decode_a32(insn, out);
    return length == 2 ? decode_t16(insn, out) : decode_t32(insn, out);
}
