/*
 * trans32_ldst.c - A32 and T32: loads and stores of one register, of pairs, of several.
 *
 * Registers are written after the last access that may fault, the base first, r15 last. Addresses
 * wrap at 4 GB between instructions; one instruction's accesses are not wrapped among themselves,
 * which the manual leaves open.
 *
 * Manual: DDI 0487, F5.1. What is UNPREDICTABLE there is undefined here.
 */
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

enum { UNPRIVILEGED = ARM_CONTEXT_UNPRIV << IR_MEM_CONTEXT_SHIFT };

/* ---- Where ---- */

/* addr: of the access, an i64; moved: what the base becomes, or IR_NONE. */
struct place {
    ir_value addr, moved;
    u32 n;
    unsigned context; /* for enum ir_mem */
};

static bool is_back(u32 index)
{
    return index == ARM_INDEX_POST || index == ARM_INDEX_PRE || index == ARM_INDEX_UNPRIV_POST;
}

static struct place place_of(struct arm_ctx *c, u32 n, u32 index, ir_value offset)
{
    bool after = index == ARM_INDEX_POST || index == ARM_INDEX_UNPRIV_POST;
    bool unprivileged = index == ARM_INDEX_UNPRIV || index == ARM_INDEX_UNPRIV_POST;
    ir_value base = n == ARM_R15 ? ir_const32(c->b, arm_pc_value(c) & ~3u) : arm_r(c, n);
    ir_value sum = ir_add(c->b, base, offset);
    return (struct place){.addr = arm_widen(c, after ? base : sum),
                          .moved = is_back(index) ? sum : IR_NONE,
                          .n = n,
                          .context = unprivileged ? UNPRIVILEGED : 0};
}

static void move_base(struct arm_ctx *c, const struct place *p)
{
    if (p->moved != IR_NONE)
        arm_set_r(c, p->n, p->moved);
}

/* ofs: whether it is added << 12 | size. */
static ir_value offset_imm(struct arm_ctx *c, u32 ofs)
{
    s32 v = (s32)(ofs & 0xfff);
    return ir_const32(c->b, (u32)(ofs >> 12 ? v : -v));
}

static ir_value offset_reg(struct arm_ctx *c, u32 rm, u32 shift, u32 up)
{
    ir_value v = arm_shifted_imm(c, rm, shift).v;
    return up ? v : ir_neg(c->b, v);
}

/* ---- One register ---- */

static enum ir_jump_hint load_hint(u32 n)
{
    return n == ARM_R13 ? IR_JUMP_RETURN : IR_JUMP_PLAIN;
}

static bool load(struct arm_ctx *c, const struct place *p, u32 rt, u32 size, u32 sign)
{
    unsigned mem = arm_mem(c, size | (sign ? IR_MEM_SIGNED : 0)) | p->context;
    mem |= rt == ARM_R15 ? IR_MEM_ALIGN : 0;
    ir_value v = ir_load(c->b, IR_I32, mem, p->addr, 0);
    move_base(c, p);
    return rt == ARM_R15 ? arm_write_pc_bx(c, v, load_hint(p->n)) : arm_set_r(c, rt, v);
}

static bool load_exists(u32 rt, u32 rn, u32 index, u32 size)
{
    if (is_back(index) && (rn == ARM_R15 || rn == rt))
        return false;
    bool unprivileged = index == ARM_INDEX_UNPRIV || index == ARM_INDEX_UNPRIV_POST;
    return rt != ARM_R15 || (size == 2 && !unprivileged);
}

static bool store_exists(const struct arm_ctx *c, u32 rt, u32 rn, u32 index, u32 size)
{
    if (is_back(index) && (rn == ARM_R15 || rn == rt))
        return false;
    return rt != ARM_R15 || (size == 2 && !c->thumb);
}

bool arm_trans_a32_ldr_imm(struct arm_ctx *c, const struct arm_arg_aldr *a)
{
    if (!load_exists(a->Rt, a->Rn, a->index, a->size))
        return false;
    struct place p = place_of(c, a->Rn, a->index, offset_imm(c, a->ofs));
    return load(c, &p, a->Rt, a->size, a->sign);
}

bool arm_trans_a32_ldr_reg(struct arm_ctx *c, const struct arm_arg_aldrr *a)
{
    if (!load_exists(a->Rt, a->Rn, a->index, a->size) || a->Rm == ARM_R15)
        return false;
    struct place p = place_of(c, a->Rn, a->index, offset_reg(c, a->Rm, a->shift, a->up));
    return load(c, &p, a->Rt, a->size, a->sign);
}

static bool store(struct arm_ctx *c, const struct place *p, u32 rt, u32 size)
{
    ir_store(c->b, arm_mem(c, size) | p->context, p->addr, 0, arm_r(c, rt));
    move_base(c, p);
    return true;
}

/* Relative to r15, which here is not aligned in A32: it is anyway. */
bool arm_trans_a32_str_imm(struct arm_ctx *c, const struct arm_arg_astr *a)
{
    if (!store_exists(c, a->Rt, a->Rn, a->index, a->size))
        return false;
    struct place p = place_of(c, a->Rn, a->index, offset_imm(c, a->ofs));
    return store(c, &p, a->Rt, a->size);
}

bool arm_trans_a32_str_reg(struct arm_ctx *c, const struct arm_arg_astrr *a)
{
    if (!store_exists(c, a->Rt, a->Rn, a->index, a->size) || a->Rm == ARM_R15)
        return false;
    struct place p = place_of(c, a->Rn, a->index, offset_reg(c, a->Rm, a->shift, a->up));
    return store(c, &p, a->Rt, a->size);
}

/* ---- Pairs: aligned to a word; where they are aligned to their size, single-copy atomic
 * ("E2.2.1"). */

static void check_word(struct arm_ctx *c, ir_value addr, bool write)
{
    ir_store_state(c->b, (u32)offsetof(struct arm_cpu, fault_address), 3, addr);
    ir_trap_if(c->b, ir_andi(c->b, addr, 3), &arm_helpers[ARM_HELPER_UNALIGNED_A32], write);
}

static unsigned pair_mem(const struct arm_ctx *c)
{
    return 3 | IR_MEM_PARTS(2) | (c->big_endian ? IR_MEM_BIG : 0);
}

static bool pair_exists(const struct arm_ctx *c, u32 rt, u32 rt2, const struct place *p, bool load)
{
    bool back = p->moved != IR_NONE;
    if (back && (p->n == ARM_R15 || p->n == rt || p->n == rt2))
        return false;
    if (c->thumb)
        return rt != ARM_R15 && rt2 != ARM_R15 && !(load && rt == rt2);
    return !(rt & 1) && rt != ARM_R14;
}

/* Two words, in the order of their addresses; i64. */
static void load_words(struct arm_ctx *c, ir_value addr, s32 at, ir_value words[2])
{
    ir_value v = ir_load(c->b, IR_I64, pair_mem(c), addr, at);
    words[c->big_endian] = ir_zext(c->b, v, 32, IR_I64);
    words[!c->big_endian] = ir_shri(c->b, v, 32);
}

static void store_words(struct arm_ctx *c, ir_value addr, s32 at, u32 rt, u32 rt2)
{
    ir_value low = arm_r_wide(c, c->big_endian ? rt2 : rt);
    ir_value high = arm_r_wide(c, c->big_endian ? rt : rt2);
    ir_store(c->b, pair_mem(c), addr, at, ir_or(c->b, low, ir_shli(c->b, high, 32)));
}

static bool load_pair(struct arm_ctx *c, u32 rt, u32 rt2, const struct place *p)
{
    ir_value words[2];
    if (!pair_exists(c, rt, rt2, p, true))
        return false;
    check_word(c, p->addr, false);
    load_words(c, p->addr, 0, words);
    move_base(c, p);
    arm_set_r(c, rt, words[0]);
    return arm_set_r(c, rt2, words[1]);
}

static bool store_pair(struct arm_ctx *c, u32 rt, u32 rt2, const struct place *p)
{
    if (!pair_exists(c, rt, rt2, p, false))
        return false;
    check_word(c, p->addr, true);
    store_words(c, p->addr, 0, rt, rt2);
    move_base(c, p);
    return true;
}

/* A32 names the first of two registers. */
static u32 second_of(const struct arm_ctx *c, u32 rt, u32 rt2)
{
    return c->thumb ? rt2 : (rt + 1) & 15;
}

bool arm_trans_a32_ldrd_imm(struct arm_ctx *c, const struct arm_arg_aldrd *a)
{
    struct place p = place_of(c, a->Rn, a->index, offset_imm(c, a->ofs));
    return load_pair(c, a->Rt, second_of(c, a->Rt, a->Rt2), &p);
}

bool arm_trans_a32_strd_imm(struct arm_ctx *c, const struct arm_arg_aldrd *a)
{
    struct place p = place_of(c, a->Rn, a->index, offset_imm(c, a->ofs));
    if (c->thumb && a->Rn == ARM_R15)
        return false;
    return store_pair(c, a->Rt, second_of(c, a->Rt, a->Rt2), &p);
}

bool arm_trans_a32_ldrd_reg(struct arm_ctx *c, const struct arm_arg_aldrdr *a)
{
    u32 rt2 = second_of(c, a->Rt, a->Rt2);
    if (a->Rm == ARM_R15 || a->Rm == a->Rt || a->Rm == rt2)
        return false;
    struct place p = place_of(c, a->Rn, a->index, offset_reg(c, a->Rm, 0, a->up));
    return load_pair(c, a->Rt, rt2, &p);
}

bool arm_trans_a32_strd_reg(struct arm_ctx *c, const struct arm_arg_aldrdr *a)
{
    if (a->Rm == ARM_R15)
        return false;
    struct place p = place_of(c, a->Rn, a->index, offset_reg(c, a->Rm, 0, a->up));
    return store_pair(c, a->Rt, second_of(c, a->Rt, a->Rt2), &p);
}

/* ---- Several registers, words from the lowest on: two at once, of which the first is aligned ----
 */

/* The list goes up from the base or down to it; before: the base's own word is left out. */
static struct place place_of_list(struct arm_ctx *c, const struct arm_arg_aldm *a)
{
    s32 bytes = 4 * __builtin_popcount(a->list);
    s32 first = a->up ? (a->before ? 4 : 0) : -bytes + (a->before ? 0 : 4);
    ir_value base = arm_r(c, a->Rn);
    return (struct place){.addr = arm_address(c, base, first),
                          .moved = a->back ? ir_addi(c->b, base, a->up ? bytes : -bytes) : IR_NONE,
                          .n = a->Rn};
}

static unsigned word_mem(const struct arm_ctx *c)
{
    return 2 | IR_MEM_ALIGN | (c->big_endian ? IR_MEM_BIG : 0);
}

/* The registers of a list, and how many. */
static unsigned numbers_of(u32 list, u8 numbers[16])
{
    unsigned count = 0;
    for (u8 n = 0; n < 16; n++) {
        if (list >> n & 1)
            numbers[count++] = n;
    }
    return count;
}

/* T32's wide forms have two registers at least, and no stack pointer. */
static bool list_exists(const struct arm_ctx *c, const struct arm_arg_aldm *a)
{
    if (c->thumb && c->length == 4) {
        bool both = (a->list & 0xc000) == 0xc000;
        if (__builtin_popcount(a->list) < 2 || a->list & BIT(ARM_R13) || both)
            return false;
    }
    return a->Rn != ARM_R15 && a->list;
}

bool arm_trans_a32_load_list(struct arm_ctx *c, const struct arm_arg_aldm *a)
{
    if (!list_exists(c, a) || (a->back && a->list >> a->Rn & 1))
        return false;
    struct place p = place_of_list(c, a);
    u8 numbers[16];
    unsigned count = numbers_of(a->list, numbers), i = 0;
    ir_value v[16];
    if (count > 1)
        check_word(c, p.addr, false);
    for (; i + 1 < count; i += 2)
        load_words(c, p.addr, 4 * (s32)i, &v[i]);
    if (i < count)
        v[i] = ir_load(c->b, IR_I64, word_mem(c), p.addr, 4 * (s32)i);
    move_base(c, &p);
    for (i = 0; i < count && numbers[i] != ARM_R15; i++)
        arm_set_r(c, numbers[i], v[i]);
    return i == count || arm_write_pc_bx(c, ir_trunc(c->b, v[i]), load_hint(a->Rn));
}

/* The base is written back unless it is loaded. */
bool arm_trans_a32_load_list_low(struct arm_ctx *c, const struct arm_arg_tldmin *a)
{
    return arm_trans_a32_load_list(
        c, &(struct arm_arg_aldm){
               .Rn = a->Rn, .list = a->list, .up = 1, .back = !(a->list >> a->Rn & 1)});
}

/* With write-back only the lowest register may be the base. */
bool arm_trans_a32_store_list(struct arm_ctx *c, const struct arm_arg_aldm *a)
{
    bool lower = a->list & (BIT(a->Rn) - 1), wide = c->thumb && c->length == 4;
    if (!list_exists(c, a) || (a->back && a->list >> a->Rn & 1 && (lower || wide)))
        return false;
    struct place p = place_of_list(c, a);
    u8 numbers[16];
    unsigned count = numbers_of(a->list, numbers), i = 0;
    if (count > 1)
        check_word(c, p.addr, true);
    for (; i + 1 < count; i += 2)
        store_words(c, p.addr, 4 * (s32)i, numbers[i], numbers[i + 1]);
    if (i < count)
        ir_store(c->b, word_mem(c), p.addr, 4 * (s32)i, arm_r(c, numbers[i]));
    move_base(c, &p);
    return true;
}

/* ---- Nothing to prefetch into ---- */

bool arm_trans_a32_pld(struct arm_ctx *c, const struct arm_arg_apld *a)
{
    return true;
}

bool arm_trans_a32_pld_reg(struct arm_ctx *c, const struct arm_arg_apldr *a)
{
    return true;
}
