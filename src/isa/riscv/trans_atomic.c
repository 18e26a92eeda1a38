/*
 * trans_atomic.c - A (Zaamo, Zalrsc) and Zacas.
 *
 * All need natural alignment. aq and rl become the order of the IR's operation; an operation that
 * is both is sequentially consistent, as IR atomics with both are. 128-bit AMOCAS is a helper
 * (helper_atomic.c): it is rare, and the only access that wide.
 */
#include "isa/riscv/trans.h"
#include "isa/riscv_decode.h"

static unsigned memory_of(u32 size, u32 aqrl)
{
    return size | IR_MEM_SIGNED | IR_MEM_ALIGN | (aqrl & 2 ? IR_MEM_ACQUIRE : 0) |
           (aqrl & 1 ? IR_MEM_RELEASE : 0);
}

bool riscv_trans_lr(struct riscv_ctx *c, const struct riscv_arg_lr *a)
{
    ir_value addr = riscv_address(c, a->rs1, 0);
    return riscv_set_x(c, a->rd, ir_load_linked(c->b, IR_I64, memory_of(a->size, a->aqrl), addr));
}

bool riscv_trans_sc(struct riscv_ctx *c, const struct riscv_arg_cas *a)
{
    unsigned mem = memory_of(a->size, a->aqrl) | (a->rd ? 0 : IR_MEM_UNASKED);
    ir_value addr = riscv_address(c, a->rs1, 0);
    return riscv_set_x(c, a->rd, ir_store_cond(c->b, mem, addr, riscv_x(c, a->rs2)));
}

bool riscv_trans_amo(struct riscv_ctx *c, const struct riscv_arg_amo *a)
{
    ir_value addr = riscv_address(c, a->rs1, 0);
    ir_value v = riscv_x(c, a->rs2);
    return riscv_set_x(
        c, a->rd, ir_rmw(c->b, IR_I64, memory_of(a->size, a->aqrl), (enum ir_rmw)a->op, addr, v));
}

bool riscv_trans_amocas(struct riscv_ctx *c, const struct riscv_arg_cas *a)
{
    ir_value addr = riscv_address(c, a->rs1, 0);
    ir_value old = ir_cas(c->b, IR_I64, memory_of(a->size, a->aqrl), addr, riscv_x(c, a->rd),
                          riscv_x(c, a->rs2));
    return riscv_set_x(c, a->rd, old);
}

/* The registers r (low) and r+1 as one 64-bit value; of x0 both halves are 0. XLEN=32. */
static ir_value pair(struct riscv_ctx *c, u32 r)
{
    if (!r)
        return ir_const(c->b, 0);
    ir_value low = ir_zext(c->b, riscv_x(c, r), 32, IR_I64);
    return ir_or(c->b, low, ir_shli(c->b, riscv_x(c, r + 1), 32));
}

static void set_pair(struct riscv_ctx *c, u32 r, ir_value v)
{
    if (!r)
        return;
    riscv_set_xlen(c, r, v);
    riscv_set_x(c, r + 1, ir_sari(c->b, v, 32));
}

/* Register pairs begin at an even register; others are reserved ("Zacas"). */
bool riscv_trans_amocas_pair(struct riscv_ctx *c, const struct riscv_arg_cas *a)
{
    if (a->rd & 1 || a->rs2 & 1)
        return false;
    ir_value addr = riscv_address(c, a->rs1, 0);
    if (a->size == 3) {
        ir_value old =
            ir_cas(c->b, IR_I64, memory_of(3, a->aqrl), addr, pair(c, a->rd), pair(c, a->rs2));
        set_pair(c, a->rd, old);
        return true;
    }
    ir_call2(c->b, &riscv_helpers[RISCV_HELPER_AMOCAS_Q], addr,
             ir_const(c->b, a->rd | a->rs2 << 8));
    return true;
}
