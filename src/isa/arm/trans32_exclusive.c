/*
 * trans32_exclusive.c - A32 and T32: exclusives, and ordered accesses. All must be aligned to their
 * size. As in trans_atomic.c, stores that release are acquire too: sequentially consistent.
 *
 * The IR's exclusives know no byte order: values are turned around them. LDREXD's and STREXD's
 * registers are words of the memory's order.
 */
#include "isa/arm/trans32.h"
#include "isa/arm_decode.h"

/* An i64 of `size` as memory holds it, and back. */
static ir_value turned(struct arm_ctx *c, u32 size, ir_value v)
{
    if (!c->big_endian || size == 0)
        return v;
    return ir_shri(c->b, ir_bswap(c->b, v), 64 - (8u << size));
}

static bool registers_exist(const struct arm_ctx *c, u32 rt, u32 rt2, u32 size)
{
    if (size != 3)
        return rt != ARM_R15;
    return c->thumb ? rt != ARM_R15 && rt2 != ARM_R15 : !(rt & 1) && rt != ARM_R14;
}

static u32 second_of(const struct arm_ctx *c, u32 rt, u32 rt2)
{
    return c->thumb ? rt2 : (rt + 1) & 15;
}

/* ofs: of T32's words, which is added. */
static ir_value address(struct arm_ctx *c, u32 rn, u32 ofs)
{
    return arm_address(c, arm_r(c, rn), (s32)(ofs & 0xfff));
}

bool arm_trans_a32_load_exclusive(struct arm_ctx *c, const struct arm_arg_aldrex *a)
{
    u32 rt2 = second_of(c, a->Rt, a->Rt2);
    if (a->Rn == ARM_R15 || !registers_exist(c, a->Rt, rt2, a->size) ||
        (a->size == 3 && a->Rt == rt2))
        return false;
    unsigned mem = a->size | IR_MEM_ALIGN | (a->acquire ? IR_MEM_ACQUIRE : 0);
    c->reserved = true;
    ir_value v = ir_load_linked(c->b, IR_I64, mem, address(c, a->Rn, a->ofs));
    if (a->size != 3)
        return arm_set_r(c, a->Rt, turned(c, a->size, v));
    arm_set_r(c, a->Rt, turned(c, 2, ir_zext(c->b, v, 32, IR_I64)));
    return arm_set_r(c, rt2, turned(c, 2, ir_shri(c->b, v, 32)));
}

bool arm_trans_a32_store_exclusive(struct arm_ctx *c, const struct arm_arg_astrex *a)
{
    u32 rt2 = second_of(c, a->Rt, a->Rt2);
    bool overlaps = a->Rd == a->Rn || a->Rd == a->Rt || (a->size == 3 && a->Rd == rt2);
    if (a->Rn == ARM_R15 || a->Rd == ARM_R15 || overlaps ||
        !registers_exist(c, a->Rt, rt2, a->size))
        return false;
    c->reserved = false;
    unsigned mem = a->size | IR_MEM_ALIGN | (a->release ? IR_MEM_ACQUIRE | IR_MEM_RELEASE : 0);
    ir_value v = turned(c, MIN(a->size, 2u), arm_r_wide(c, a->Rt));
    if (a->size == 3)
        v = ir_or(c->b, v, ir_shli(c->b, turned(c, 2, arm_r_wide(c, rt2)), 32));
    return arm_set_r(c, a->Rd, ir_store_cond(c->b, mem, address(c, a->Rn, a->ofs), v));
}

bool arm_trans_a32_lda(struct arm_ctx *c, const struct arm_arg_alda *a)
{
    if (a->Rn == ARM_R15 || a->Rt == ARM_R15)
        return false;
    unsigned mem = arm_mem(c, a->size | IR_MEM_ALIGN | IR_MEM_ACQUIRE);
    return arm_set_r(c, a->Rt, ir_load(c->b, IR_I32, mem, arm_r_wide(c, a->Rn), 0));
}

bool arm_trans_a32_stl(struct arm_ctx *c, const struct arm_arg_alda *a)
{
    if (a->Rn == ARM_R15 || a->Rt == ARM_R15)
        return false;
    unsigned mem = arm_mem(c, a->size | IR_MEM_ALIGN | IR_MEM_ACQUIRE | IR_MEM_RELEASE);
    ir_store(c->b, mem, arm_r_wide(c, a->Rn), 0, arm_r(c, a->Rt));
    return true;
}

bool arm_trans_a32_clrex(struct arm_ctx *c, const struct arm_arg_none *a)
{
    arm_call(c, ARM_HELPER_CLREX, NULL);
    return true;
}
