/*
 * trans_atomic.c - A64: exclusives, ordered accesses, LSE.
 *
 * Exclusives must be aligned to their whole size. What is ordered or atomic must be aligned too, or
 * with FEAT_LSE2 lie within 16 bytes: then only what is not aligned goes to a helper
 * (helper_atomic.c), which does the whole instruction.
 *
 * Order: a load-acquire is the IR's acquire; LDAR is not passed by an earlier STLR, so STLR is both
 * acquire and release, which makes it sequentially consistent; LDAPR may be passed. The IR's
 * atomics know no byte order: values are turned around them, and what is no bit operation becomes a
 * loop through compare-and-swap.
 */
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

static unsigned order_of(u32 acquire, u32 release)
{
    return (acquire ? IR_MEM_ACQUIRE : 0) | (release ? IR_MEM_RELEASE : 0);
}

/* An i64 of `size` as memory holds it, and back. */
static ir_value turned(struct arm_ctx *c, u32 size, ir_value v)
{
    if (!c->big_endian || size == 0)
        return v;
    return ir_shri(c->b, ir_bswap(c->b, v), 64 - (8u << size));
}

/* Two W registers as the 8 bytes at an address, and back. */
static ir_value join(struct arm_ctx *c, ir_value first, ir_value second)
{
    first = ir_zext(c->b, turned(c, 2, first), 32, IR_I64);
    return ir_or(c->b, first, ir_shli(c->b, turned(c, 2, second), 32));
}

static void split(struct arm_ctx *c, u32 rt, u32 rt2, ir_value v)
{
    arm_set_x(c, rt, turned(c, 2, ir_zext(c->b, v, 32, IR_I64)));
    arm_set_x(c, rt2, turned(c, 2, ir_shri(c->b, v, 32)));
}

/* ---- Exclusives ---- */

bool arm_trans_a64_ldx(struct arm_ctx *c, const struct arm_arg_ldx *a)
{
    unsigned mem = a->size | IR_MEM_ALIGN | order_of(a->acquire, 0);
    ir_value v = ir_load_linked(c->b, IR_I64, mem, arm_base(c, a->Xn));
    return arm_set_x(c, a->Rt, turned(c, a->size, v));
}

static unsigned unasked(u32 rs)
{
    return rs == 31 ? IR_MEM_UNASKED : 0;
}

bool arm_trans_a64_stx(struct arm_ctx *c, const struct arm_arg_stx *a)
{
    unsigned mem = a->size | IR_MEM_ALIGN | order_of(a->release, a->release) | unasked(a->Rs);
    ir_value addr = arm_base(c, a->Xn);
    return arm_set_x(c, a->Rs, ir_store_cond(c->b, mem, addr, turned(c, a->size, arm_x(c, a->Rt))));
}

/* What the helpers of 16 bytes get to know. */
static ir_value pair_argument(struct arm_ctx *c, u32 rt, u32 rt2, u32 rs)
{
    return ir_const(c->b, rt | rt2 << 8 | rs << 16 | (c->big_endian ? ARM_PAIR_BIG : 0));
}

static bool call_pair(struct arm_ctx *c, enum arm_helper h, u32 n, ir_value argument)
{
    arm_call(c, h, (ir_value[]){arm_base(c, n), argument});
    return true;
}

bool arm_trans_a64_ldxp(struct arm_ctx *c, const struct arm_arg_ldxp *a)
{
    if (a->sf)
        return call_pair(c, ARM_HELPER_LDXP, a->Xn, pair_argument(c, a->Rt, a->Rt2, 31));
    unsigned mem = 3 | IR_MEM_ALIGN | order_of(a->acquire, 0);
    split(c, a->Rt, a->Rt2, ir_load_linked(c->b, IR_I64, mem, arm_base(c, a->Xn)));
    return true;
}

bool arm_trans_a64_stxp(struct arm_ctx *c, const struct arm_arg_stxp *a)
{
    if (a->sf)
        return call_pair(c, ARM_HELPER_STXP, a->Xn, pair_argument(c, a->Rt, a->Rt2, a->Rs));
    unsigned mem = 3 | IR_MEM_ALIGN | order_of(a->release, a->release) | unasked(a->Rs);
    ir_value addr = arm_base(c, a->Xn), v = join(c, arm_x(c, a->Rt), arm_x(c, a->Rt2));
    return arm_set_x(c, a->Rs, ir_store_cond(c->b, mem, addr, v));
}

/* ---- Ordered ---- */

/* The alignment bit of an ordered or atomic access of so many bytes at addr; unaligned ones of
 * FEAT_LSE2 are left to the helper. */
static unsigned aligned(struct arm_ctx *c, unsigned bytes, ir_value addr)
{
    if (bytes == 1)
        return 0;
    if (!arm_has(c, ARM_EXT_LSE2) || c->align)
        return IR_MEM_ALIGN;
    ir_trap_if(c->b, ir_andi(c->b, addr, bytes - 1), &arm_helpers[ARM_HELPER_UNALIGNED], c->insn);
    return 0;
}

static unsigned plain_mem(const struct arm_ctx *c, unsigned mem)
{
    return mem | (c->big_endian ? IR_MEM_BIG : 0);
}

static ir_value load_ordered(struct arm_ctx *c, u32 size, u32 sign, ir_value addr)
{
    unsigned mem =
        size | IR_MEM_ACQUIRE | (sign ? IR_MEM_SIGNED : 0) | aligned(c, 1u << size, addr);
    return arm_load(c, plain_mem(c, mem), sign, addr, 0);
}

static void store_ordered(struct arm_ctx *c, u32 size, ir_value addr, ir_value v)
{
    unsigned mem = size | IR_MEM_ACQUIRE | IR_MEM_RELEASE | aligned(c, 1u << size, addr);
    ir_store(c->b, plain_mem(c, mem), addr, 0, v);
}

bool arm_trans_a64_ldar(struct arm_ctx *c, const struct arm_arg_ordered *a)
{
    return arm_set_x(c, a->Rt, load_ordered(c, a->size, 0, arm_base(c, a->Xn)));
}

bool arm_trans_a64_stlr(struct arm_ctx *c, const struct arm_arg_ordered *a)
{
    store_ordered(c, a->size, arm_base(c, a->Xn), arm_x(c, a->Rt));
    return true;
}

bool arm_trans_a64_ldapr(struct arm_ctx *c, const struct arm_arg_ordered *a)
{
    return arm_trans_a64_ldar(c, a);
}

bool arm_trans_a64_ldapur(struct arm_ctx *c, const struct arm_arg_rcpc *a)
{
    ir_value addr = ir_addi(c->b, arm_base(c, a->Xn), a->offset);
    return arm_set_x(c, a->Rt, load_ordered(c, a->size, a->sign, addr));
}

bool arm_trans_a64_stlur(struct arm_ctx *c, const struct arm_arg_rcpc *a)
{
    store_ordered(c, a->size, ir_addi(c->b, arm_base(c, a->Xn), a->offset), arm_x(c, a->Rt));
    return true;
}

bool arm_trans_a64_ldapr_post(struct arm_ctx *c, const struct arm_arg_ldaprpost *a)
{
    ir_value base = arm_base(c, a->Xn), v = load_ordered(c, 2 + a->sf, 0, base);
    s32 by = 4 << a->sf;
    arm_move_base(c, a->Xn, ir_addi(c->b, base, by), by);
    return arm_set_x(c, a->Rt, v);
}

bool arm_trans_a64_stlr_pre(struct arm_ctx *c, const struct arm_arg_ldaprpost *a)
{
    s32 by = -(4 << a->sf);
    ir_value addr = ir_addi(c->b, arm_base(c, a->Xn), by);
    store_ordered(c, 2 + a->sf, addr, arm_x(c, a->Rt));
    return arm_move_base(c, a->Xn, addr, by);
}

bool arm_trans_a64_ldiapp(struct arm_ctx *c, const struct arm_arg_rcpcpair *a)
{
    unsigned size = 2 + a->sf, bytes = 1u << size;
    ir_value base = arm_base(c, a->Xn);
    unsigned mem = plain_mem(c, size | IR_MEM_ACQUIRE | aligned(c, bytes, base));
    ir_value first = ir_load(c->b, IR_I64, mem, base, 0),
             second = ir_load(c->b, IR_I64, mem, base, (s32)bytes);
    if (a->back)
        arm_move_base(c, a->Xn, ir_addi(c->b, base, 2 * bytes), 2 * bytes);
    arm_set_x(c, a->Rt, first);
    return arm_set_x(c, a->Rt2, second);
}

bool arm_trans_a64_stilp(struct arm_ctx *c, const struct arm_arg_rcpcpair *a)
{
    unsigned size = 2 + a->sf;
    s32 bytes = 1 << size, by = a->back ? -2 * bytes : 0;
    ir_value addr = ir_addi(c->b, arm_base(c, a->Xn), by);
    unsigned mem = plain_mem(c, size | IR_MEM_RELEASE | aligned(c, (unsigned)bytes, addr));
    ir_store(c->b, mem, addr, 0, arm_x(c, a->Rt));
    ir_store(c->b, mem | IR_MEM_ACQUIRE, addr, bytes, arm_x(c, a->Rt2));
    return !by || arm_move_base(c, a->Xn, addr, by);
}

/* ---- Compare and swap ---- */

bool arm_trans_a64_cas(struct arm_ctx *c, const struct arm_arg_cas *a)
{
    ir_value addr = arm_base(c, a->Xn);
    unsigned mem = a->size | order_of(a->order & 2, a->order & 1) | aligned(c, 1u << a->size, addr);
    ir_value expected = turned(c, a->size, arm_x(c, a->Rs)),
             desired = turned(c, a->size, arm_x(c, a->Rt));
    ir_value old = ir_cas(c->b, IR_I64, mem, addr, expected, desired);
    return arm_set_x(c, a->Rs, turned(c, a->size, old));
}

/* Pairs begin at an even register. */
bool arm_trans_a64_casp(struct arm_ctx *c, const struct arm_arg_casp *a)
{
    if ((a->Rs | a->Rt) & 1)
        return false;
    if (a->sf)
        return call_pair(c, ARM_HELPER_CASP, a->Xn, pair_argument(c, a->Rt, a->Rt + 1, a->Rs));
    ir_value addr = arm_base(c, a->Xn);
    unsigned mem = 3 | order_of(a->order & 2, a->order & 1) | IR_MEM_ALIGN;
    ir_value expected = join(c, arm_x(c, a->Rs), arm_x(c, a->Rs + 1));
    ir_value desired = join(c, arm_x(c, a->Rt), arm_x(c, a->Rt + 1));
    split(c, a->Rs, a->Rs + 1, ir_cas(c->b, IR_I64, mem, addr, expected, desired));
    return true;
}

/* ---- Read-modify-write ---- */

static ir_value operation(struct arm_ctx *c, u32 op, u32 size, ir_value old, ir_value v)
{
    static const u8 chosen[] = {
        [IR_RMW_MIN] = IR_LT, [IR_RMW_MAX] = IR_GT, [IR_RMW_MINU] = IR_LTU, [IR_RMW_MAXU] = IR_GTU};
    if (op == IR_RMW_ADD)
        return ir_add(c->b, old, v);
    unsigned up = 64 - (8u << size);
    ir_value x = ir_shli(c->b, old, up), y = ir_shli(c->b, v, up);
    return ir_select(c->b, ir_cmp(c->b, (enum ir_cond)chosen[op], x, y), old, v);
}

/* A big-endian number: when another CPU came between, the instruction is done again. */
static ir_value loop_big(struct arm_ctx *c, const struct arm_arg_lse *a, unsigned mem,
                         ir_value addr, ir_value v)
{
    ir_value seen = ir_load(c->b, IR_I64, a->size | IR_MEM_BIG, addr, 0);
    ir_value desired = turned(c, a->size, operation(c, a->op, a->size, seen, v));
    ir_value old =
        turned(c, a->size, ir_cas(c->b, IR_I64, mem, addr, turned(c, a->size, seen), desired));
    ir_exit_if(c->b, ir_cmp(c->b, IR_NE, old, seen), c->pc);
    return old;
}

static bool modify(struct arm_ctx *c, const struct arm_arg_lse *a, ir_value v)
{
    ir_value addr = arm_base(c, a->Xn);
    unsigned mem = a->size | order_of(a->ar & 2, a->ar & 1) | aligned(c, 1u << a->size, addr);
    bool is_bitwise = a->op <= IR_RMW_XOR && a->op != IR_RMW_ADD;
    if (c->big_endian && a->size && !is_bitwise)
        return arm_set_x(c, a->Rt, loop_big(c, a, mem, addr, v));
    ir_value old = ir_rmw(c->b, IR_I64, mem, (enum ir_rmw)a->op, addr, turned(c, a->size, v));
    return arm_set_x(c, a->Rt, turned(c, a->size, old));
}

bool arm_trans_a64_lse(struct arm_ctx *c, const struct arm_arg_lse *a)
{
    return modify(c, a, arm_x(c, a->Rs));
}

bool arm_trans_a64_ldclr(struct arm_ctx *c, const struct arm_arg_lse *a)
{
    return modify(c, a, ir_not(c->b, arm_x(c, a->Rs)));
}
