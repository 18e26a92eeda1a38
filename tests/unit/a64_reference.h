/*
 * a64_reference.h - A64's base instructions a second time, in plain C, from the pseudocode of DDI
 * 0487, C6: one instruction on registers, flags and a small memory. For tests: nothing of it is
 * shared with isa/arm, decoding included.
 */
#ifndef TESTS_UNIT_A64_REFERENCE_H
#define TESTS_UNIT_A64_REFERENCE_H

#include "base/base.h"

enum { REF_MEMORY = 4096 };

struct ref {
    u64 x[32], sp, pc; /* x[31] is 0 */
    bool n, z, c, v;
    u64 base; /* address of memory[0] */
    u8 memory[REF_MEMORY];
    bool big;
    bool outside; /* an access was not in memory */
};

enum ref_result {
    REF_OK,
    REF_UNDEFINED,
    REF_UNKNOWN /* not in this file, or not said by the manual */
};

#define F(pos, len) ((u32)bits_get(insn, pos, len))

static inline u64 ref_mask(unsigned width)
{
    return ~UINT64_C(0) >> (64 - width);
}

static inline u64 ref_reg(const struct ref *r, unsigned n, unsigned width)
{
    return (n == 31 ? 0 : r->x[n]) & ref_mask(width);
}

static inline void ref_set(struct ref *r, unsigned n, unsigned width, u64 v)
{
    if (n != 31)
        r->x[n] = v & ref_mask(width);
}

static inline u64 ref_regsp(const struct ref *r, unsigned n, unsigned width)
{
    return (n == 31 ? r->sp : r->x[n]) & ref_mask(width);
}

static inline void ref_setsp(struct ref *r, unsigned n, unsigned width, u64 v)
{
    if (n == 31)
        r->sp = v & ref_mask(width);
    else
        ref_set(r, n, width, v);
}

/* "AddWithCarry" */
static inline u64 ref_add(struct ref *r, u64 x, u64 y, bool carry, unsigned width, bool set)
{
    u128 usum = (u128)(x & ref_mask(width)) + (y & ref_mask(width)) + carry;
    s128 ssum = (s128)bits_sext(x, width) + bits_sext(y, width) + carry;
    u64 result = (u64)usum & ref_mask(width);
    if (set) {
        r->n = result >> (width - 1) & 1;
        r->z = result == 0;
        r->c = usum != result;
        r->v = ssum != bits_sext(result, width);
    }
    return result;
}

static inline bool ref_cond(const struct ref *r, unsigned cond)
{
    bool result = true;
    switch (cond >> 1) {
    case 0: result = r->z; break;
    case 1: result = r->c; break;
    case 2: result = r->n; break;
    case 3: result = r->v; break;
    case 4: result = r->c && !r->z; break;
    case 5: result = r->n == r->v; break;
    case 6: result = r->n == r->v && !r->z; break;
    }
    return cond & 1 && cond != 15 ? !result : result;
}

static inline void ref_nzcv(struct ref *r, unsigned nzcv)
{
    r->n = nzcv >> 3 & 1;
    r->z = nzcv >> 2 & 1;
    r->c = nzcv >> 1 & 1;
    r->v = nzcv & 1;
}

static inline u64 ref_shift(u64 v, unsigned kind, unsigned n, unsigned width)
{
    for (v &= ref_mask(width); n; n--) {
        u64 top = v >> (width - 1) & 1, low = v & 1;
        v = kind == 0   ? v << 1
            : kind == 1 ? v >> 1
                        : v >> 1 | (kind == 2 ? top : low) << (width - 1);
        v &= ref_mask(width);
    }
    return v;
}

static inline u64 ref_extend(u64 v, unsigned option, unsigned shift)
{
    unsigned len = 8u << (option & 3);
    return (option & 4 ? (u64)bits_sext(v, len) : v & ref_mask(len)) << shift;
}

/* ---- Data processing, immediate ---- */

/* "DecodeBitMasks" with its two masks, bit by bit; false: UNDEFINED. */
static inline bool ref_masks(u32 insn, bool immediate, unsigned width, u64 *wmask, u64 *tmask)
{
    unsigned n = F(22, 1), imms = F(10, 6), immr = F(16, 6), value = n << 6 | (~imms & 63);
    int len = 6;
    while (len >= 0 && !(value >> len & 1))
        len--;
    if (len < 1 || (unsigned)(1 << len) > width)
        return false;
    unsigned esize = 1u << len, levels = esize - 1, s = imms & levels, rot = immr & levels,
             d = (s - rot) & levels;
    if (immediate && s == levels)
        return false;
    *wmask = *tmask = 0;
    for (unsigned i = 0; i < width; i++) {
        *wmask |= (u64)(((i % esize) + rot) % esize <= s) << i;
        *tmask |= (u64)(i % esize <= d) << i;
    }
    return true;
}

static inline enum ref_result ref_logic(struct ref *r, unsigned opc, unsigned rd, u64 x, u64 y,
                                        unsigned width, bool sp)
{
    u64 v = opc == 1 ? x | y : opc == 2 ? x ^ y : x & y;
    v &= ref_mask(width);
    if (opc == 3)
        ref_nzcv(r, (unsigned)(v >> (width - 1)) << 3 | (v == 0) << 2);
    if (sp && opc != 3)
        ref_setsp(r, rd, width, v);
    else
        ref_set(r, rd, width, v);
    return REF_OK;
}

static inline enum ref_result ref_bitfield(struct ref *r, u32 insn, unsigned width)
{
    u64 wmask, tmask;
    unsigned opc = F(29, 2), rr = F(16, 6), s = F(10, 6);
    if (opc == 3 || F(22, 1) != F(31, 1) || (width == 32 && (rr | s) >> 5) ||
        !ref_masks(insn, false, width, &wmask, &tmask))
        return REF_UNDEFINED;
    u64 src = ref_reg(r, F(5, 5), width), dst = opc == 1 ? ref_reg(r, F(0, 5), width) : 0;
    u64 bot = (dst & ~wmask) | (ref_shift(src, 3, rr, width) & wmask);
    u64 top = opc == 0 ? (src >> s & 1 ? ~UINT64_C(0) : 0) : dst;
    ref_set(r, F(0, 5), width, (top & ~tmask) | (bot & tmask));
    return REF_OK;
}

static inline u64 ref_minmax(unsigned which, u64 x, u64 y, unsigned width)
{
    s64 sx = bits_sext(x, width), sy = bits_sext(y, width);
    u64 ux = x & ref_mask(width), uy = y & ref_mask(width);
    switch (which & 3) {
    case 0: return sx > sy ? x : y;
    case 1: return ux > uy ? x : y;
    case 2: return sx < sy ? x : y;
    default: return ux < uy ? x : y;
    }
}

static inline enum ref_result ref_wide(struct ref *r, u32 insn, unsigned width)
{
    unsigned opc = F(29, 2), hw = F(21, 2);
    u64 imm = (u64)F(5, 16) << (16 * hw);
    if (opc == 1 || (width == 32 && hw > 1))
        return REF_UNDEFINED;
    u64 old = ref_reg(r, F(0, 5), width) & ~((u64)0xffff << (16 * hw));
    ref_set(r, F(0, 5), width, opc == 0 ? ~imm : opc == 2 ? imm : old | imm);
    return REF_OK;
}

static inline enum ref_result ref_extr(struct ref *r, u32 insn, unsigned width)
{
    unsigned lsb = F(10, 6);
    if (F(29, 2) || F(21, 1) || F(22, 1) != F(31, 1) || lsb >= width)
        return REF_UNDEFINED;
    u128 both = (u128)ref_reg(r, F(5, 5), width) << width | ref_reg(r, F(16, 5), width);
    ref_set(r, F(0, 5), width, (u64)(both >> lsb));
    return REF_OK;
}

static inline enum ref_result ref_immediate(struct ref *r, u32 insn)
{
    unsigned width = F(31, 1) ? 64 : 32, rd = F(0, 5), rn = F(5, 5);
    u64 wmask, tmask;
    switch (F(23, 3)) {
    case 0:
    case 1: {
        s64 imm = bits_sext((u64)F(5, 19) << 2 | F(29, 2), 21);
        ref_set(r, rd, 64,
                F(31, 1) ? (r->pc & ~UINT64_C(0xfff)) + ((u64)imm << 12) : r->pc + (u64)imm);
        return REF_OK;
    }
    case 2: {
        u64 imm = F(22, 1) ? (u64)F(10, 12) << 12 : F(10, 12), x = ref_regsp(r, rn, width);
        u64 v = F(30, 1) ? ref_add(r, x, ~imm, true, width, F(29, 1))
                         : ref_add(r, x, imm, false, width, F(29, 1));
        if (F(29, 1))
            ref_set(r, rd, width, v);
        else
            ref_setsp(r, rd, width, v);
        return REF_OK;
    }
    case 3:
        if (!F(22, 1) || F(18, 4) > 3 || F(29, 2))
            return REF_UNDEFINED;
        tmask = F(18, 1) ? F(10, 8) : (u64)bits_sext(F(10, 8), 8);
        ref_set(r, rd, width, ref_minmax(F(18, 2), ref_reg(r, rn, width), tmask, width));
        return REF_OK;
    case 4:
        if (!ref_masks(insn, true, width, &wmask, &tmask))
            return REF_UNDEFINED;
        return ref_logic(r, F(29, 2), rd, ref_reg(r, rn, width), wmask, width, true);
    case 5: return ref_wide(r, insn, width);
    case 6: return ref_bitfield(r, insn, width);
    default: return ref_extr(r, insn, width);
    }
}

/* ---- Data processing, register ---- */

static inline u64 ref_reverse(u64 v, unsigned bits,
                              unsigned width) /* order of groups of 8 within each `bits` */
{
    u64 out = 0;
    for (unsigned i = 0; i < width; i += 8)
        out |= (v >> i & 0xff) << (i / bits * bits + (bits - 8 - i % bits));
    return out;
}

static inline enum ref_result ref_one(struct ref *r, u32 insn, unsigned width)
{
    u64 x = ref_reg(r, F(5, 5), width), v = 0;
    unsigned n = 0;
    if (F(16, 5) || F(29, 1))
        return REF_UNKNOWN; /* authentication */
    switch (F(10, 6)) {
    case 0:
        for (; n < width; n++)
            v |= (x >> n & 1) << (width - 1 - n);
        break;
    case 1: v = ref_reverse(x, 16, width); break;
    case 2: v = ref_reverse(x, 32, width); break;
    case 3:
        if (width == 32)
            return REF_UNDEFINED;
        v = ref_reverse(x, 64, width);
        break;
    case 4:
        while (v < width && !(x >> (width - 1 - v) & 1))
            v++;
        break;
    case 5:
        while (v < width - 1 && (x >> (width - 2 - v) & 1) == (x >> (width - 1) & 1))
            v++;
        break;
    case 6:
        while (v < width && !(x >> v & 1))
            v++;
        break;
    case 7:
        for (; n < width; n++)
            v += x >> n & 1;
        break;
    case 8: v = bits_sext(x, width) < 0 ? -x : x; break;
    default: return REF_UNDEFINED;
    }
    ref_set(r, F(0, 5), width, v);
    return REF_OK;
}

/* "BitReverse(accumulator) : zeros" divided by the polynomial, bit by bit, most significant first.
 */
static inline u64 ref_crc(u64 sum, u64 value, unsigned bits, bool castagnoli)
{
    u32 poly = castagnoli ? 0x1edc6f41 : 0x04c11db7;
    u32 reg = 0;
    for (unsigned i = 0; i < 32; i++)
        reg |= (u32)(sum >> i & 1) << (31 - i);
    for (unsigned i = 0; i < bits; i++) {
        bool out = (reg >> 31) ^ (value >> i & 1);
        reg = reg << 1 ^ (out ? poly : 0);
    }
    u64 result = 0;
    for (unsigned i = 0; i < 32; i++)
        result |= (u64)(reg >> (31 - i) & 1) << i;
    return result;
}

static inline u64 ref_divide(u64 x, u64 y, unsigned width, bool sign)
{
    if (!(y & ref_mask(width)))
        return 0;
    if (!sign)
        return x / y;
    s128 q = (s128)bits_sext(x, width) / bits_sext(y, width);
    return (u64)q;
}

static inline enum ref_result ref_two(struct ref *r, u32 insn, unsigned width)
{
    u64 x = ref_reg(r, F(5, 5), width), y = ref_reg(r, F(16, 5), width), v;
    unsigned op = F(10, 6);
    if (F(29, 1))
        return REF_UNKNOWN;
    if (op == 2 || op == 3)
        v = ref_divide(x, y, width, op == 3);
    else if (op >> 2 == 2)
        v = ref_shift(x, op & 3, (unsigned)(y % width), width);
    else if (op >> 3 == 2 && (op & 3) == 3 ? width == 64 : op >> 3 == 2 && width == 32)
        v = ref_crc(r->x[F(5, 5)], y, 8u << (op & 3), op & 4);
    else if (op >> 2 == 6)
        v = ref_minmax(op, x, y, width);
    else
        return op == 12 ? REF_UNKNOWN : REF_UNDEFINED;
    ref_set(r, F(0, 5), width, v);
    return REF_OK;
}

static inline enum ref_result ref_three(struct ref *r, u32 insn, unsigned width)
{
    unsigned op = F(21, 3), sub = F(15, 1);
    u64 x = ref_reg(r, F(5, 5), width), y = ref_reg(r, F(16, 5), width),
        z = ref_reg(r, F(10, 5), width), v;
    bool is_unsigned = op & 4;
    if (F(29, 2) || (op && width == 32))
        return REF_UNDEFINED;
    switch (op & 3) {
    case 0:
        if (op)
            return REF_UNDEFINED;
        v = sub ? z - x * y : z + x * y;
        break;
    case 1:
        v = is_unsigned ? (u64)(u32)x * (u32)y : (u64)((s64)(s32)x * (s32)y);
        v = sub ? z - v : z + v;
        break;
    case 2:
        if (sub)
            return REF_UNDEFINED;
        v = is_unsigned ? (u64)((u128)x * y >> 64) : (u64)((s128)(s64)x * (s64)y >> 64);
        break;
    default: return REF_UNDEFINED;
    }
    ref_set(r, F(0, 5), width, v);
    return REF_OK;
}

static inline enum ref_result ref_flag_moves(struct ref *r, u32 insn)
{
    unsigned nzcv = r->n << 3 | r->z << 2 | r->c << 1 | r->v, rn = F(5, 5);
    if ((insn & 0xffe07c10) == 0xba000400) {
        u64 v = ref_shift(ref_reg(r, rn, 64), 3, F(15, 6), 64);
        unsigned mask = F(0, 4);
        ref_nzcv(r, (nzcv & ~mask) | ((unsigned)v & mask));
        return REF_OK;
    }
    if ((insn & 0xffffbc1f) == 0x3a00080d) {
        unsigned msb = F(14, 1) ? 15 : 7;
        u64 v = ref_reg(r, rn, 64);
        r->n = v >> msb & 1;
        r->z = (v & ref_mask(msb + 1)) == 0;
        r->v = (v >> (msb + 1) & 1) != (v >> msb & 1);
        return REF_OK;
    }
    return REF_UNDEFINED;
}

static inline enum ref_result ref_carry(struct ref *r, u32 insn, unsigned width)
{
    if (F(10, 6))
        return ref_flag_moves(r, insn);
    u64 y = ref_reg(r, F(16, 5), width);
    ref_set(r, F(0, 5), width,
            ref_add(r, ref_reg(r, F(5, 5), width), F(30, 1) ? ~y : y, r->c, width, F(29, 1)));
    return REF_OK;
}

static inline enum ref_result ref_compare(struct ref *r, u32 insn, unsigned width)
{
    u64 y = F(11, 1) ? F(16, 5) : ref_reg(r, F(16, 5), width);
    if (!F(29, 1) || F(10, 1) || F(4, 1))
        return REF_UNDEFINED;
    if (!ref_cond(r, F(12, 4)))
        ref_nzcv(r, F(0, 4));
    else if (F(30, 1))
        ref_add(r, ref_reg(r, F(5, 5), width), ~y, true, width, true);
    else
        ref_add(r, ref_reg(r, F(5, 5), width), y, false, width, true);
    return REF_OK;
}

static inline enum ref_result ref_choose(struct ref *r, u32 insn, unsigned width)
{
    u64 y = ref_reg(r, F(16, 5), width);
    if (F(29, 1) || F(11, 1))
        return REF_UNDEFINED;
    y = F(30, 1) ? ~y : y;
    y += F(10, 1);
    ref_set(r, F(0, 5), width, ref_cond(r, F(12, 4)) ? ref_reg(r, F(5, 5), width) : y);
    return REF_OK;
}

static inline enum ref_result ref_add_reg(struct ref *r, u32 insn, unsigned width)
{
    unsigned rd = F(0, 5), rn = F(5, 5);
    bool extended = F(21, 1), set = F(29, 1);
    u64 x, y;
    if (extended) {
        if (F(22, 2) || F(10, 3) > 4)
            return REF_UNDEFINED;
        x = ref_regsp(r, rn, width);
        y = ref_extend(ref_reg(r, F(16, 5), 64), F(13, 3), F(10, 3));
    } else {
        if (F(22, 2) == 3 || F(10, 6) >= width)
            return REF_UNDEFINED;
        x = ref_reg(r, rn, width);
        y = ref_shift(ref_reg(r, F(16, 5), width), F(22, 2), F(10, 6), width);
    }
    u64 v = F(30, 1) ? ref_add(r, x, ~y, true, width, set) : ref_add(r, x, y, false, width, set);
    if (extended && !set)
        ref_setsp(r, rd, width, v);
    else
        ref_set(r, rd, width, v);
    return REF_OK;
}

static inline enum ref_result ref_register(struct ref *r, u32 insn)
{
    unsigned width = F(31, 1) ? 64 : 32;
    if (!F(28, 1)) {
        if (F(24, 1))
            return ref_add_reg(r, insn, width);
        if (F(10, 6) >= width)
            return REF_UNDEFINED;
        u64 y = ref_shift(ref_reg(r, F(16, 5), width), F(22, 2), F(10, 6), width);
        return ref_logic(r, F(29, 2), F(0, 5), ref_reg(r, F(5, 5), width), F(21, 1) ? ~y : y, width,
                         false);
    }
    if (F(24, 1))
        return ref_three(r, insn, width);
    switch (F(21, 3)) {
    case 0: return ref_carry(r, insn, width);
    case 2: return ref_compare(r, insn, width);
    case 4: return ref_choose(r, insn, width);
    case 6: return F(30, 1) ? ref_one(r, insn, width) : ref_two(r, insn, width);
    default: return REF_UNDEFINED;
    }
}

/* ---- Branches ---- */

static inline enum ref_result ref_branch(struct ref *r, u32 insn)
{
    unsigned width = F(31, 1) ? 64 : 32;
    u64 here = r->pc;
    if (F(26, 5) == 5) {
        if (F(31, 1))
            ref_set(r, 30, 64, here + 4);
        r->pc = here + (u64)bits_sext((u64)F(0, 26) << 2, 28) - 4;
    } else if (F(25, 6) == 0x1a) {
        if ((ref_reg(r, F(0, 5), width) == 0) != F(24, 1))
            r->pc = here + (u64)bits_sext((u64)F(5, 19) << 2, 21) - 4;
    } else if (F(25, 6) == 0x1b) {
        unsigned bit = F(31, 1) << 5 | F(19, 5);
        if ((ref_reg(r, F(0, 5), 64) >> bit & 1) == F(24, 1))
            r->pc = here + (u64)bits_sext((u64)F(5, 14) << 2, 16) - 4;
    } else if (F(24, 8) == 0x54) {
        if (ref_cond(r, F(0, 4)))
            r->pc = here + (u64)bits_sext((u64)F(5, 19) << 2, 21) - 4;
    } else if ((insn & 0xff9ffc1f) == 0xd61f0000 && F(21, 2) < 3) {
        u64 target = ref_reg(r, F(5, 5), 64);
        if (F(21, 2) == 1)
            ref_set(r, 30, 64, here + 4);
        r->pc = target - 4;
    } else if ((insn & 0xfffff01f) == 0xd500401f) {
        bool z = r->z, c = r->c, v = r->v;
        switch (F(5, 7)) {
        case 0: r->c = !c; break;
        case 1: ref_nzcv(r, (!c && !z) << 3 | (z && c) << 2 | (c || z) << 1 | (!c && z)); break;
        case 2: ref_nzcv(r, (z || v) << 2 | (c && !v) << 1); break;
        default: return REF_UNKNOWN;
        }
    } else {
        return REF_UNKNOWN;
    }
    return REF_OK;
}

/* ---- Memory ---- */

static inline u64 ref_load(struct ref *r, u64 at, unsigned size)
{
    u64 v = 0;
    if (at - r->base > REF_MEMORY - size || at < r->base) {
        r->outside = true;
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        v |= (u64)r->memory[at - r->base + i] << (8 * (r->big ? size - 1 - i : i));
    return v;
}

static inline void ref_store(struct ref *r, u64 at, unsigned size, u64 v)
{
    if (at - r->base > REF_MEMORY - size || at < r->base) {
        r->outside = true;
        return;
    }
    for (unsigned i = 0; i < size; i++)
        r->memory[at - r->base + i] = (u8)(v >> (8 * (r->big ? size - 1 - i : i)));
}

static inline void ref_loaded(struct ref *r, unsigned rt, u64 v, unsigned size, unsigned opc)
{
    if (opc & 2)
        v = (u64)bits_sext(v, 8 * size);
    ref_set(r, rt, opc == 3 || (opc == 1 && size < 8) ? 32 : 64, v);
}

static inline enum ref_result ref_pair(struct ref *r, u32 insn)
{
    unsigned opc = F(30, 2), size = opc == 2 ? 8 : 4, rt = F(0, 5), rt2 = F(10, 5), rn = F(5, 5),
             mode = F(23, 3);
    bool load = F(22, 1), moves = mode & 1;
    s64 offset = bits_sext(F(15, 7), 7) * (s64)size;
    if (opc == 3 || (opc == 1 && !load) || (opc == 1 && mode == 0))
        return REF_UNDEFINED;
    if ((load && rt == rt2) || (moves && rn != 31 && (rt == rn || rt2 == rn)))
        return REF_UNKNOWN;
    u64 base = ref_regsp(r, rn, 64), at = mode == 1 ? base : base + (u64)offset;
    if (load) {
        u64 first = ref_load(r, at, size), second = ref_load(r, at + size, size);
        ref_loaded(r, rt, first, size, opc == 1 ? 2 : 1);
        ref_loaded(r, rt2, second, size, opc == 1 ? 2 : 1);
    } else {
        ref_store(r, at, size, ref_reg(r, rt, 64));
        ref_store(r, at + size, size, ref_reg(r, rt2, 64));
    }
    if (moves)
        ref_setsp(r, rn, 64, base + (u64)offset);
    return REF_OK;
}

static inline void ref_access(struct ref *r, u64 at, unsigned size, unsigned opc, unsigned rt)
{
    if (opc == 0)
        ref_store(r, at, size, ref_reg(r, rt, 64));
    else
        ref_loaded(r, rt, ref_load(r, at, size), size, opc);
}

static inline u64 ref_modify(unsigned op, u64 old, u64 v, unsigned size)
{
    unsigned width = 8 * size;
    switch (op) {
    case 0: return old + v;
    case 1: return old & ~v;
    case 2: return old ^ v;
    case 3: return old | v;
    case 8: return v;
    case 4: return ref_minmax(0, old, v, width);
    case 5: return ref_minmax(2, old, v, width);
    case 6: return ref_minmax(1, old, v, width);
    default: return ref_minmax(3, old, v, width);
    }
}

static inline bool ref_splits(u64 at, unsigned size)
{
    return (at & 15) + size > 16;
}

static inline enum ref_result ref_atomic(struct ref *r, u32 insn, unsigned size)
{
    unsigned op = F(12, 4);
    u64 at = ref_regsp(r, F(5, 5), 64);
    if (ref_splits(at, size))
        return REF_UNKNOWN;
    if (op == 12 && F(23, 1) && !F(22, 1)) {
        ref_access(r, at, size, 1, F(0, 5));
        return REF_OK;
    }
    if (op > 8)
        return REF_UNDEFINED;
    u64 old = ref_load(r, at, size);
    ref_store(r, at, size, ref_modify(op, old, ref_reg(r, F(16, 5), 64), size));
    ref_set(r, F(0, 5), 64, old);
    return REF_OK;
}

static inline enum ref_result ref_single(struct ref *r, u32 insn)
{
    unsigned size = 1u << F(30, 2), opc = F(22, 2), rt = F(0, 5), rn = F(5, 5), mode = F(10, 2);
    u64 base = ref_regsp(r, rn, 64);
    if (!F(24, 1) && F(21, 1) && mode == 0)
        return ref_atomic(r, insn, size);
    if (size == 8 && F(21, 1) && !F(24, 1) && mode & 1)
        return REF_UNKNOWN; /* authentication */
    bool prefetches = F(24, 1) || (F(21, 1) ? mode == 2 && F(14, 1) : mode == 0);
    if (size == 8 && opc == 2)
        return prefetches ? REF_OK : REF_UNDEFINED;
    if ((size == 8 && opc == 3) || (size == 4 && opc == 3))
        return REF_UNDEFINED;
    if (F(24, 1)) {
        ref_access(r, base + (u64)F(10, 12) * size, size, opc, rt);
        return REF_OK;
    }
    if (F(21, 1)) {
        if (mode != 2 || !F(14, 1))
            return REF_UNDEFINED;
        u64 index = ref_extend(ref_reg(r, F(16, 5), 64), F(13, 3), F(12, 1) ? F(30, 2) : 0);
        ref_access(r, base + index, size, opc, rt);
        return REF_OK;
    }
    u64 offset = (u64)bits_sext(F(12, 9), 9);
    if (mode & 1 && rt == rn && rn != 31)
        return REF_UNKNOWN;
    ref_access(r, mode == 1 ? base : base + offset, size, opc, rt);
    if (mode & 1)
        ref_setsp(r, rn, 64, base + offset);
    return REF_OK;
}

static inline enum ref_result ref_exclusive(struct ref *r, u32 insn)
{
    unsigned size = 1u << F(30, 2), rt = F(0, 5), rt2 = F(10, 5), rs = F(16, 5);
    u64 at = ref_regsp(r, F(5, 5), 64);
    if (F(23, 1) && !F(21, 1)) {
        if (ref_splits(at, size))
            return REF_UNKNOWN;
        ref_access(r, at, size, F(22, 1), rt);
        return REF_OK;
    }
    if (F(23, 1) && F(21, 1)) {
        if (rt2 != 31)
            return REF_UNDEFINED;
        if (ref_splits(at, size))
            return REF_UNKNOWN;
        u64 old = ref_load(r, at, size);
        if (old == (ref_reg(r, rs, 64) & ref_mask(8 * size)))
            ref_store(r, at, size, ref_reg(r, rt, 64));
        ref_set(r, rs, 64, old);
        return REF_OK;
    }
    if (F(21, 1) && !F(31, 1)) {
        if (rt2 != 31 || (rs | rt) & 1)
            return REF_UNDEFINED;
        unsigned half = 4u << F(30, 1);
        if (at & (2 * half - 1))
            return REF_UNKNOWN;
        u64 low = ref_load(r, at, half), high = ref_load(r, at + half, half),
            mask = ref_mask(8 * half);
        if (low == (ref_reg(r, rs, 64) & mask) && high == (ref_reg(r, rs + 1, 64) & mask)) {
            ref_store(r, at, half, ref_reg(r, rt, 64));
            ref_store(r, at + half, half, ref_reg(r, rt + 1, 64));
        }
        ref_set(r, rs, 64, low);
        ref_set(r, rs + 1, 64, high);
        return REF_OK;
    }
    unsigned total = F(21, 1) ? 2 * size : size;
    if (at & (total - 1) || (F(21, 1) && rt == rt2 && F(22, 1)))
        return REF_UNKNOWN;
    if (F(22, 1)) { /* loads; stores depend on the monitor */
        u64 v = ref_load(r, at, size), second = F(21, 1) ? ref_load(r, at + size, size) : 0;
        ref_set(r, rt, 64, v);
        if (F(21, 1))
            ref_set(r, rt2, 64, second);
        return REF_OK;
    }
    return REF_UNKNOWN;
}

static inline enum ref_result ref_rcpc(struct ref *r, u32 insn)
{
    unsigned size = 1u << F(30, 2), opc = F(22, 2), rt = F(0, 5), rn = F(5, 5), rt2 = F(16, 5);
    u64 base = ref_regsp(r, rn, 64);
    if (F(10, 2) == 0 && !F(21, 1)) {
        u64 at = base + (u64)bits_sext(F(12, 9), 9);
        if ((size == 8 && opc > 1) || (size == 4 && opc == 3))
            return REF_UNDEFINED;
        if (ref_splits(at, size))
            return REF_UNKNOWN;
        ref_access(r, at, size, opc, rt);
        return REF_OK;
    }
    if (F(10, 2) != 2 || F(21, 1) || !F(31, 1) || F(13, 3))
        return REF_UNDEFINED;
    bool pair = opc < 2, moves = !pair || !F(12, 1), load = opc & 1;
    u64 total = pair ? 2 * size : size, at = moves && !load ? base - total : base;
    if ((!pair && (rt2 || F(12, 1))))
        return REF_UNDEFINED;
    if (ref_splits(at, (unsigned)total) || (pair && load && rt == rt2) ||
        (moves && rn != 31 && (rt == rn || (pair && rt2 == rn))))
        return REF_UNKNOWN;
    ref_access(r, at, size, load, rt);
    if (pair)
        ref_access(r, at + size, size, load, rt2);
    if (moves)
        ref_setsp(r, rn, 64, load ? base + total : at);
    return REF_OK;
}

static inline enum ref_result ref_memory(struct ref *r, u32 insn)
{
    if (F(26, 1))
        return REF_UNKNOWN;
    switch (F(24, 6)) {
    case 0x08: return ref_exclusive(r, insn);
    case 0x18:
        if (F(30, 2) != 3) {
            unsigned opc = F(30, 2), size = opc == 1 ? 8 : 4;
            ref_loaded(r, F(0, 5),
                       ref_load(r, r->pc + (u64)bits_sext((u64)F(5, 19) << 2, 21), size), size,
                       opc == 2 ? 2 : 1);
        }
        return REF_OK;
    case 0x28:
    case 0x29: return ref_pair(r, insn);
    case 0x38:
    case 0x39: return ref_single(r, insn);
    case 0x19: return F(10, 2) == 1 ? REF_UNKNOWN /* memory copy */ : ref_rcpc(r, insn);
    default: return REF_UNKNOWN;
    }
}

static inline enum ref_result ref_step(struct ref *r, u32 insn)
{
    enum ref_result result = REF_UNKNOWN;
    switch (F(25, 4)) {
    case 8:
    case 9: result = ref_immediate(r, insn); break;
    case 10:
    case 11: result = ref_branch(r, insn); break;
    case 5:
    case 13: result = ref_register(r, insn); break;
    case 4:
    case 6:
    case 12:
    case 14: result = ref_memory(r, insn); break;
    }
    r->pc += 4;
    return result;
}

#undef F
#endif
