/*
 * trans_int.c - the base integer instructions and M, Zicond, Zimop.
 *
 * RV32 runs in the same 64-bit slots as RV64. Invariant: with XLEN=32 every x register is kept
 * sign-extended to 64 bits, and the pc zero-extended. So comparisons, AND, OR and XOR serve both
 * widths as they are, an RV32 operation that can carry is the RV64 "W" operation, and an address is
 * the low half of a sum, zero-extended.
 *
 * Operations that differ by width go through riscv_binary() and its kin (trans.h), which choose i32
 * or i64 arithmetic.
 */
#include "isa/riscv/trans.h"
#include "isa/riscv_decode.h"

/* -- Upper immediates, jumps, branches --------------------------------------------------------- */

bool riscv_trans_lui(struct riscv_ctx *c, const struct riscv_arg_u *a)
{
    riscv_set_x(c, a->rd, ir_const(c->b, (u64)(s64)a->hi20));
    return true;
}

bool riscv_trans_auipc(struct riscv_ctx *c, const struct riscv_arg_u *a)
{
    riscv_set_xlen(c, a->rd, ir_pc(c->b, c->pc + (u64)(s64)a->hi20));
    return true;
}

/* The address of the following instruction, as a register holds it. */
static ir_value link_value(struct riscv_ctx *c)
{
    u64 next = riscv_next(c);
    return ir_pc(c->b, c->rv32 ? (u64)(s64)(s32)next : next);
}

/* The target of a jump by off; IALIGN=32 without compressed instructions. */
static u64 target_of(const struct riscv_ctx *c, s32 off)
{
    u64 target = c->pc + (u64)(s64)off;
    return c->rv32 ? (u32)target : target;
}

static bool target_misaligned(const struct riscv_ctx *c, s32 off)
{
    return !riscv_has(c, RISCV_EXT_ZCA) && target_of(c, off) % 4;
}

/*
 * A plain jump that the unit goes on behind. Only forward, as a unit covers its bytes from first to
 * last and must not loop inside; only near, as the bytes jumped over count as covered.
 */
static bool is_near(const struct riscv_ctx *c, s32 off)
{
    enum { NEAR = 512, PAGE = 4096 };
    return off > 0 && off <= NEAR && (c->pc ^ target_of(c, off)) < PAGE;
}

bool riscv_trans_jal(struct riscv_ctx *c, const struct riscv_arg_j *a)
{
    if (target_misaligned(c, a->off)) {
        riscv_raise(c, RISCV_CAUSE_INSN_MISALIGNED, target_of(c, a->off));
        return true;
    }
    riscv_set_x(c, a->rd, link_value(c));
    if (!a->rd && is_near(c, a->off))
        c->next = target_of(c, a->off);
    else
        ir_exit_jump(c->b, target_of(c, a->off));
    return true;
}

/* The manual's return-address stack hints: x1 and x5 are link registers ("Unconditional Jumps"). */
static enum ir_jump_hint jump_hint(u32 rd, u32 rs1)
{
    if (rd == 1 || rd == 5)
        return IR_JUMP_CALL;
    return rs1 == 1 || rs1 == 5 ? IR_JUMP_RETURN : IR_JUMP_PLAIN;
}

bool riscv_trans_jalr(struct riscv_ctx *c, const struct riscv_arg_i *a)
{
    ir_value target = ir_andi(c->b, riscv_address(c, a->rs1, a->imm), ~UINT64_C(1));
    if (!riscv_has(c, RISCV_EXT_ZCA))
        ir_call1(c->b, &riscv_helpers[RISCV_HELPER_CHECK_TARGET], target);
    riscv_set_x(c, a->rd, link_value(c));
    ir_exit_indirect(c->b, target, jump_hint(a->rd, a->rs1));
    return true;
}

static bool branch(struct riscv_ctx *c, const struct riscv_arg_b *a, enum ir_cond cond)
{
    ir_value taken = ir_cmp(c->b, cond, riscv_x(c, a->rs1), riscv_x(c, a->rs2));
    u64 known;
    bool constant = ir_is_const(c->b, taken, &known);
    if (constant && !known)
        return true;
    if (target_misaligned(c, a->off)) {
        ir_trap_if(c->b, taken, &riscv_helpers[RISCV_HELPER_BRANCH_MISALIGNED], (u32)a->off);
        return true;
    }
    if (constant)
        ir_exit_jump(c->b, target_of(c, a->off));
    else
        ir_skip_if(c->b, taken, target_of(c, a->off));
    return true;
}

bool riscv_trans_beq(struct riscv_ctx *c, const struct riscv_arg_b *a)
{
    return branch(c, a, IR_EQ);
}

bool riscv_trans_bne(struct riscv_ctx *c, const struct riscv_arg_b *a)
{
    return branch(c, a, IR_NE);
}

bool riscv_trans_blt(struct riscv_ctx *c, const struct riscv_arg_b *a)
{
    return branch(c, a, IR_LT);
}

bool riscv_trans_bge(struct riscv_ctx *c, const struct riscv_arg_b *a)
{
    return branch(c, a, IR_GE);
}

bool riscv_trans_bltu(struct riscv_ctx *c, const struct riscv_arg_b *a)
{
    return branch(c, a, IR_LTU);
}

bool riscv_trans_bgeu(struct riscv_ctx *c, const struct riscv_arg_b *a)
{
    return branch(c, a, IR_GEU);
}

/* -- Loads and stores -------------------------------------------------------------------------- */

bool riscv_trans_load(struct riscv_ctx *c, const struct riscv_arg_load *a)
{
    struct riscv_place p = riscv_place(c, a->rs1, a->imm);
    ir_value v = ir_load(c->b, IR_I64, a->size | (a->sign ? IR_MEM_SIGNED : 0), p.base, p.offset);
    riscv_set_x(c, a->rd, v);
    return true;
}

bool riscv_trans_store(struct riscv_ctx *c, const struct riscv_arg_store *a)
{
    struct riscv_place p = riscv_place(c, a->rs1, a->imm);
    ir_store(c->b, a->size, p.base, p.offset, riscv_x(c, a->rs2));
    return true;
}

/* -- Register and immediate -------------------------------------------------------------------- */

bool riscv_trans_addi(struct riscv_ctx *c, const struct riscv_arg_i *a)
{
    return c->rv32 ? riscv_trans_addiw(c, a)
                   : riscv_set_x(c, a->rd, ir_addi(c->b, riscv_x(c, a->rs1), a->imm));
}

bool riscv_trans_addiw(struct riscv_ctx *c, const struct riscv_arg_i *a)
{
    return riscv_set_w(c, a->rd, ir_addi(c->b, riscv_w(c, a->rs1), a->imm));
}

bool riscv_trans_slti(struct riscv_ctx *c, const struct riscv_arg_i *a)
{
    ir_value imm = ir_const(c->b, (u64)(s64)a->imm);
    return riscv_set_x(c, a->rd, ir_cmp(c->b, IR_LT, riscv_x(c, a->rs1), imm));
}

bool riscv_trans_sltiu(struct riscv_ctx *c, const struct riscv_arg_i *a)
{
    ir_value imm = ir_const(c->b, (u64)(s64)a->imm);
    return riscv_set_x(c, a->rd, ir_cmp(c->b, IR_LTU, riscv_x(c, a->rs1), imm));
}

bool riscv_trans_xori(struct riscv_ctx *c, const struct riscv_arg_i *a)
{
    ir_value imm = ir_const(c->b, (u64)(s64)a->imm);
    return riscv_set_x(c, a->rd, ir_xor(c->b, riscv_x(c, a->rs1), imm));
}

bool riscv_trans_ori(struct riscv_ctx *c, const struct riscv_arg_i *a)
{
    ir_value imm = ir_const(c->b, (u64)(s64)a->imm);
    return riscv_set_x(c, a->rd, ir_or(c->b, riscv_x(c, a->rs1), imm));
}

bool riscv_trans_andi(struct riscv_ctx *c, const struct riscv_arg_i *a)
{
    return riscv_set_x(c, a->rd, ir_andi(c->b, riscv_x(c, a->rs1), (u64)(s64)a->imm));
}

bool riscv_trans_slli(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift(c, a, ir_shl);
}

bool riscv_trans_srli(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift(c, a, ir_shr);
}

bool riscv_trans_srai(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift(c, a, ir_sar);
}

bool riscv_trans_slliw(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift_w(c, a, ir_shl);
}

bool riscv_trans_srliw(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift_w(c, a, ir_shr);
}

bool riscv_trans_sraiw(struct riscv_ctx *c, const struct riscv_arg_shift *a)
{
    return riscv_shift_w(c, a, ir_sar);
}

/* -- Register and register --------------------------------------------------------------------- */

bool riscv_trans_add(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_add);
}

bool riscv_trans_sub(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_sub);
}

bool riscv_trans_sll(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_shl);
}

bool riscv_trans_srl(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_shr);
}

bool riscv_trans_sra(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_sar);
}

bool riscv_trans_slt(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_set_x(c, a->rd, ir_cmp(c->b, IR_LT, riscv_x(c, a->rs1), riscv_x(c, a->rs2)));
}

bool riscv_trans_sltu(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_set_x(c, a->rd, ir_cmp(c->b, IR_LTU, riscv_x(c, a->rs1), riscv_x(c, a->rs2)));
}

bool riscv_trans_xor(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_set_x(c, a->rd, ir_xor(c->b, riscv_x(c, a->rs1), riscv_x(c, a->rs2)));
}

bool riscv_trans_or(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_set_x(c, a->rd, ir_or(c->b, riscv_x(c, a->rs1), riscv_x(c, a->rs2)));
}

bool riscv_trans_and(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_set_x(c, a->rd, ir_and(c->b, riscv_x(c, a->rs1), riscv_x(c, a->rs2)));
}

bool riscv_trans_addw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_add);
}

bool riscv_trans_subw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_sub);
}

bool riscv_trans_sllw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_shl);
}

bool riscv_trans_srlw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_shr);
}

bool riscv_trans_sraw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_sar);
}

/* -- M: the IR's divisions have RISC-V's results for division by zero and overflow. ------------ */

bool riscv_trans_mul(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_mul);
}

bool riscv_trans_mulh(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_mulhs);
}

bool riscv_trans_mulhsu(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_mulhsu);
}

bool riscv_trans_mulhu(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_mulhu);
}

bool riscv_trans_div(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_divs);
}

bool riscv_trans_divu(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_divu);
}

bool riscv_trans_rem(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_rems);
}

bool riscv_trans_remu(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary(c, a, ir_remu);
}

bool riscv_trans_mulw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_mul);
}

bool riscv_trans_divw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_divs);
}

bool riscv_trans_divuw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_divu);
}

bool riscv_trans_remw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_rems);
}

bool riscv_trans_remuw(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return riscv_binary_w(c, a, ir_remu);
}

/* -- Zicond ------------------------------------------------------------------------------------ */

static bool czero(struct riscv_ctx *c, const struct riscv_arg_r *a, enum ir_cond keep)
{
    ir_value zero = ir_const(c->b, 0);
    ir_value kept = ir_cmp(c->b, keep, riscv_x(c, a->rs2), zero);
    return riscv_set_x(c, a->rd, ir_select(c->b, kept, riscv_x(c, a->rs1), zero));
}

bool riscv_trans_czero_eqz(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return czero(c, a, IR_NE);
}

bool riscv_trans_czero_nez(struct riscv_ctx *c, const struct riscv_arg_r *a)
{
    return czero(c, a, IR_EQ);
}

/* -- Nothing ----------------------------------------------------------------------------------- */

/* Zimop: until an extension gives one a meaning, rd becomes 0. */
bool riscv_trans_mop(struct riscv_ctx *c, const struct riscv_arg_mop *a)
{
    return riscv_set_x(c, a->rd, ir_const(c->b, 0));
}

bool riscv_trans_nop(struct riscv_ctx *c, const struct riscv_arg_none *a)
{
    return true;
}
