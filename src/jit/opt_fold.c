/*
 * opt_fold.c - constant folding and simplification, applied to each pure op as the builder makes
 * it.
 *
 * What a rule must obey:
 *   - Exact: for every value of its operands, the value returned has the same bits as the op has by
 * ir_eval. Nothing is assumed of the upper half of an i32. test_ir checks each rule against ir_eval
 * on corner and random values.
 *   - Same type: the value returned has op->type.
 *   - Pure: a rule looks at operations already made and makes pure ones through ir_pure; it never
 * changes one that stands, and never touches an op with an effect. Operands' operations stay as
 * they are, since others may use them: dead ones are dropped by opt_dead.
 *   - Smaller: the replacement is an operand, a constant, or ops that are less in this order: fewer
 * operations below it that are not constants; then a cheaper opcode (div > mul > shift, sub > add,
 * and > zext, xor > not); then a smaller constant. So folding ends, and a rule may call ir_pure
 * without thought of cycles.
 *   - Cheap: a constant number of operations is looked at. The builder is on the path that has 100
 * ns a guest instruction.
 *
 * A lone constant operand of a commutative op, and of cmp, is moved to b before rules are asked;
 * ops all of whose operands are constants never reach a rule. `when` saves the call where a
 * constant or equal operands are needed.
 */
#include "jit/opt_fold.h"

#include "jit/eval.h"

/* ---- Reading and making ---- */

static const struct ir_op *def(const struct ir_builder *b, ir_value v)
{
    return &b->unit->ops[v];
}

static bool is_const(const struct ir_builder *b, ir_value v)
{
    return def(b, v)->op == IR_CONST;
}

static bool is_const_value(const struct ir_builder *b, ir_value v, u64 c)
{
    return is_const(b, v) && ir_imm(def(b, v)) == c;
}

static ir_value unary(struct ir_builder *b, enum ir_opcode op, unsigned type, ir_value x)
{
    return ir_pure(b, (struct ir_op){.op = op, .type = type, .a = x});
}

static ir_value binary(struct ir_builder *b, enum ir_opcode op, unsigned type, ir_value x,
                       ir_value y)
{
    return ir_pure(b, (struct ir_op){.op = op, .type = type, .a = x, .b = y});
}

static ir_value binary_const(struct ir_builder *b, enum ir_opcode op, unsigned type, ir_value x,
                             u64 c)
{
    return binary(b, op, type, x, ir_constant(b, type, c));
}

static ir_value zero(struct ir_builder *b, const struct ir_op *op)
{
    return ir_constant(b, op->type, 0);
}

static unsigned width(const struct ir_op *op)
{
    return ir_type_bits(op->type);
}

/* ---- Rules of more than one op ---- */

static ir_value zero_is_identity(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)b;
    return c == 0 ? op->a : IR_NONE;
}

static ir_value zero_absorbs(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)b;
    return c == 0 ? op->b : IR_NONE;
}

static ir_value one_is_identity(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)b;
    return c == 1 ? op->a : IR_NONE;
}

static ir_value ones_absorb(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)b;
    return c == ir_type_mask(op->type) ? op->b : IR_NONE;
}

static ir_value same_is_itself(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)b, (void)c;
    return op->a;
}

static ir_value same_is_zero(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)c;
    return zero(b, op);
}

/* op(op(x)) = x */
static ir_value twice_is_nothing(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    (void)c;
    return x->op == op->op && def(b, x->a)->type == op->type ? x->a : IR_NONE;
}

/* (x op c1) op c2 = x op (c1 op c2): op is associative. */
static ir_value chain(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    if (x->op != op->op || !is_const(b, x->b))
        return IR_NONE;
    u64 folded = ir_eval(op, op->type, ir_imm(def(b, x->b)), c, 0);
    return binary_const(b, op->op, op->type, x->a, folded);
}

/* ---- Arithmetic ---- */

static ir_value sub_const(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return binary_const(b, IR_ADD, op->type, op->a, -c);
}

static ir_value sub_from_zero(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)c;
    return is_const_value(b, op->a, 0) ? unary(b, IR_NEG, op->type, op->b) : IR_NONE;
}

/* (x + y) - y = x, (x + y) - x = y */
static ir_value sub_of_add(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    (void)c;
    if (x->op != IR_ADD)
        return IR_NONE;
    return x->b == op->b ? x->a : x->a == op->b ? x->b : IR_NONE;
}

static ir_value neg_of_sub(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    (void)c;
    return x->op == IR_SUB ? binary(b, IR_SUB, op->type, x->b, x->a) : IR_NONE;
}

static ir_value mul_power(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return is_pow2(c) ? binary_const(b, IR_SHL, op->type, op->a, ctz64(c)) : IR_NONE;
}

static ir_value mul_minus_one(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return c == ir_type_mask(op->type) ? unary(b, IR_NEG, op->type, op->a) : IR_NONE;
}

static ir_value divu_power(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return is_pow2(c) ? binary_const(b, IR_SHR, op->type, op->a, ctz64(c)) : IR_NONE;
}

static ir_value div_by_zero(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return c == 0 ? ir_constant(b, op->type, ~UINT64_C(0)) : IR_NONE;
}

static ir_value remu_power(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return is_pow2(c) ? binary_const(b, IR_AND, op->type, op->a, c - 1) : IR_NONE;
}

static ir_value rems_one(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return c == 1 ? zero(b, op) : IR_NONE;
}

/* ---- Bits ---- */

static ir_value and_known(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    u64 ones = ir_known_ones(b, op->a);
    return (ones & ~c) == 0 ? op->a : (ones & c) == 0 ? zero(b, op) : IR_NONE;
}

/* zextN(y) & c = y & (c's low N bits) */
static ir_value and_of_zext(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    u64 mask = x->op == IR_ZEXT8 ? 0xff : x->op == IR_ZEXT16 ? 0xffff : UINT32_MAX;
    if (x->op < IR_ZEXT8 || x->op > IR_ZEXT32 || def(b, x->a)->type != op->type)
        return IR_NONE;
    return binary_const(b, IR_AND, op->type, x->a, c & mask);
}

static ir_value and_is_zext(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    if (c == UINT32_MAX && op->type == IR_I64)
        return unary(b, IR_ZEXT32, op->type, op->a);
    return c == 0xff     ? unary(b, IR_ZEXT8, op->type, op->a)
           : c == 0xffff ? unary(b, IR_ZEXT16, op->type, op->a)
                         : IR_NONE;
}

static ir_value xor_ones(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return c == ir_type_mask(op->type) ? unary(b, IR_NOT, op->type, op->a) : IR_NONE;
}

static enum ir_cond inverted(unsigned cond)
{
    static const u8 inverse[] = {
        [IR_EQ] = IR_NE, [IR_NE] = IR_EQ,   [IR_LT] = IR_GE,   [IR_GE] = IR_LT,   [IR_LE] = IR_GT,
        [IR_GT] = IR_LE, [IR_LTU] = IR_GEU, [IR_GEU] = IR_LTU, [IR_LEU] = IR_GTU, [IR_GTU] = IR_LEU,
    };
    return inverse[cond];
}

/* cmp(...) ^ 1 = the opposite comparison */
static ir_value xor_of_cmp(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    return x->op == IR_CMP && c == 1 ? ir_cmp(b, inverted(x->aux), x->a, x->b) : IR_NONE;
}

/* ---- Shifts ---- */

static ir_value count_reduced(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    unsigned mask = width(op) - 1;
    return c > mask ? binary_const(b, op->op, op->type, op->a, c & mask) : IR_NONE;
}

/* x shift (y & m), where m has all bits of a count: the shift takes the count modulo the width
 * itself. */
static ir_value count_masked(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *n = def(b, op->b);
    unsigned mask = width(op) - 1;
    bool extended = n->op >= IR_ZEXT8 && n->op <= IR_ZEXT32;
    (void)c;
    if (n->op == IR_AND && is_const(b, n->b) && (ir_imm(def(b, n->b)) & mask) == mask)
        return binary(b, op->op, op->type, op->a, n->a);
    if (extended && def(b, n->a)->type == op->type)
        return binary(b, op->op, op->type, op->a, n->a);
    return IR_NONE;
}

static ir_value shift_chain(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    unsigned bits = width(op);
    if (x->op != op->op || !is_const(b, x->b))
        return IR_NONE;
    u64 n = (c & (bits - 1)) + (ir_imm(def(b, x->b)) & (bits - 1));
    if (op->op == IR_ROTL || op->op == IR_ROTR)
        n &= bits - 1;
    else if (n >= bits && op->op != IR_SAR)
        return zero(b, op);
    return binary_const(b, op->op, op->type, x->a, MIN(n, bits - 1));
}

static ir_value shr_known(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    return ir_known_ones(b, op->a) >> (c & (width(op) - 1)) == 0 ? zero(b, op) : IR_NONE;
}

/* (x << c) >> c, by what is left of x: a zero extension, or a mask. */
static ir_value shr_of_shl(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    if (x->op != IR_SHL || !is_const_value(b, x->b, c))
        return IR_NONE;
    return binary_const(b, IR_AND, op->type, x->a, ir_type_mask(op->type) >> c);
}

static ir_value sar_of_shl(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    if (x->op != IR_SHL || !is_const_value(b, x->b, c))
        return IR_NONE;
    switch (width(op) - c) {
    case 8: return unary(b, IR_SEXT8, op->type, x->a);
    case 16: return unary(b, IR_SEXT16, op->type, x->a);
    case 32: return op->type == IR_I64 ? unary(b, IR_SEXT32, op->type, x->a) : IR_NONE;
    default: return IR_NONE;
    }
}

/* ---- Width ---- */

/* Bits that an extension or truncation keeps of its operand; 0: not one. */
static unsigned kept_bits(unsigned op)
{
    switch (op) {
    case IR_SEXT8:
    case IR_ZEXT8: return 8;
    case IR_SEXT16:
    case IR_ZEXT16: return 16;
    case IR_SEXT32:
    case IR_ZEXT32:
    case IR_TRUNC: return 32;
    default: return 0;
    }
}

static ir_value sext_known(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)c;
    if (def(b, op->a)->type != op->type)
        return IR_NONE;
    return ir_known_signed(b, op->a) <= kept_bits(op->op) ? op->a : IR_NONE;
}

static ir_value zext_known(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)c;
    if (def(b, op->a)->type != op->type)
        return IR_NONE;
    return ir_known_ones(b, op->a) >> kept_bits(op->op) == 0 ? op->a : IR_NONE;
}

/* The operand is itself an extension: only the narrower matters when it is the inner one and of the
 * same kind, or the outer one. */
static ir_value ext_of_ext(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    unsigned inner = kept_bits(x->op), outer = kept_bits(op->op);
    bool outer_sign = op->op <= IR_SEXT32, inner_sign = x->op <= IR_SEXT32;
    (void)c;
    if (!inner)
        return IR_NONE;
    if (outer <= inner)
        return unary(b, op->op, op->type, x->a);
    /* Narrower inside: its sign survives a wider sign extension, its zeros both kinds. */
    if (!inner_sign || outer_sign)
        return unary(b, x->op, op->type, x->a);
    return IR_NONE;
}

static ir_value trunc_of_ext(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    unsigned inner = kept_bits(x->op);
    (void)c;
    if (inner == 32)
        return def(b, x->a)->type == IR_I32 ? x->a : unary(b, IR_TRUNC, IR_I32, x->a);
    return inner ? unary(b, x->op, IR_I32, x->a) : IR_NONE;
}

/* ---- Comparison and choice ---- */

static ir_value cmp_same(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)c;
    return ir_constant(b, IR_I64, ir_eval_cond(op->aux, IR_I64, 0, 0));
}

/* Decided by the greatest value that x can have, both sides taken as unsigned (and so as signed,
 * when x cannot be negative). */
static ir_value cmp_known(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    unsigned type = def(b, op->a)->type, bits = ir_type_bits(type);
    u64 max = ir_known_ones(b, op->a);
    bool sign = op->aux >= IR_LT && op->aux <= IR_GT;
    if (op->aux <= IR_NE)
        return c & ~max ? ir_constant(b, IR_I64, op->aux == IR_NE) : IR_NONE;
    if (sign && max >> (bits - 1))
        return IR_NONE;
    bool at_zero = ir_eval_cond(op->aux, type, 0, c);
    return at_zero == ir_eval_cond(op->aux, type, max, c) ? ir_constant(b, IR_I64, at_zero)
                                                          : IR_NONE;
}

/* Unsigned order against 0 and 1 is equality with 0. */
static ir_value cmp_unsigned_zero(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    bool equal = (op->aux == IR_LTU && c == 1) || (op->aux == IR_LEU && c == 0);
    bool differ = (op->aux == IR_GEU && c == 1) || (op->aux == IR_GTU && c == 0);
    if (!equal && !differ)
        return IR_NONE;
    return ir_cmp(b, equal ? IR_EQ : IR_NE, op->a, ir_constant(b, def(b, op->a)->type, 0));
}

/* A comparison's result, 0 or 1, compared with 0 or 1 for equality. */
static ir_value cmp_of_cmp(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    if (x->op != IR_CMP || op->aux > IR_NE || c > 1)
        return IR_NONE;
    bool itself = (op->aux == IR_NE) == (c == 0);
    return itself ? op->a : ir_cmp(b, inverted(x->aux), x->a, x->b);
}

/* x - y == 0, x ^ y == 0: x == y; x ^ k == c: x == c ^ k. Not x + k == c, though as true: sums are
 * counters, which live on, and then both x and the sum would. */
static ir_value cmp_of_difference(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    if (op->aux > IR_NE || (x->op != IR_SUB && x->op != IR_XOR))
        return IR_NONE;
    if (x->op == IR_XOR && is_const(b, x->b))
        return ir_cmp(b, op->aux, x->a, ir_constant(b, x->type, c ^ ir_imm(def(b, x->b))));
    return c == 0 ? ir_cmp(b, op->aux, x->a, x->b) : IR_NONE;
}

static ir_value select_const(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)c;
    return ir_imm(def(b, op->a)) ? op->b : op->c;
}

static ir_value select_same(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    (void)b, (void)c;
    return op->b == op->c ? op->b : IR_NONE;
}

/* select(x != 0, y, z) = select(x, y, z); select(x == 0, y, z) = select(x, z, y) */
static ir_value select_of_cmp(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    (void)c;
    if (x->op != IR_CMP || x->aux > IR_NE || !is_const_value(b, x->b, 0) ||
        def(b, x->a)->type != IR_I64)
        return IR_NONE;
    bool straight = x->aux == IR_NE;
    return ir_select(b, x->a, straight ? op->b : op->c, straight ? op->c : op->b);
}

/* select(cmp, 1, 0) = cmp; select(cmp, 0, 1) = its opposite */
static ir_value select_bool(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    if (x->op != IR_CMP || op->type != IR_I64 || c > 1 || !is_const_value(b, op->c, c ^ 1))
        return IR_NONE;
    return c ? op->a : ir_cmp(b, inverted(x->aux), x->a, x->b);
}

/* ---- Float registers ---- */

static ir_value unbox_of_nanbox(struct ir_builder *b, const struct ir_op *op, u64 c)
{
    const struct ir_op *x = def(b, op->a);
    (void)c;
    return x->op == IR_NANBOX ? x->a : IR_NONE;
}

/* ---- The table ---- */

#define K  IR_WHEN_CONST
#define K1 IR_WHEN_CONST_FIRST
#define EQ IR_WHEN_SAME
/* clang-format off */
#define RULE(function, when) {#function, when, function}
#define RULES(...)           (const struct ir_rule[]) { __VA_ARGS__, {NULL} }
/* clang-format on */

#define SHIFT_RULES                                                                                \
    RULE(zero_is_identity, K), RULE(count_reduced, K), RULE(shift_chain, K), RULE(count_masked, 0)
#define EXT_RULES(known) RULES(RULE(known, 0), RULE(ext_of_ext, 0))

const struct ir_rule *const ir_fold_rules[IR_OPCODES] = {
    [IR_ADD] = RULES(RULE(zero_is_identity, K), RULE(chain, K)),
    [IR_SUB] = RULES(RULE(sub_const, K), RULE(same_is_zero, EQ), RULE(sub_from_zero, K1),
                     RULE(sub_of_add, 0)),
    [IR_NEG] = RULES(RULE(twice_is_nothing, 0), RULE(neg_of_sub, 0)),
    [IR_MUL] = RULES(RULE(zero_absorbs, K), RULE(one_is_identity, K), RULE(mul_power, K),
                     RULE(mul_minus_one, K), RULE(chain, K)),
    [IR_MULHS] = RULES(RULE(zero_absorbs, K)),
    [IR_MULHU] = RULES(RULE(zero_absorbs, K)),
    [IR_MULHSU] = RULES(RULE(zero_absorbs, K)),
    [IR_DIVS] = RULES(RULE(one_is_identity, K), RULE(div_by_zero, K)),
    [IR_DIVU] = RULES(RULE(one_is_identity, K), RULE(div_by_zero, K), RULE(divu_power, K)),
    [IR_REMS] = RULES(RULE(zero_is_identity, K), RULE(rems_one, K)),
    [IR_REMU] = RULES(RULE(zero_is_identity, K), RULE(remu_power, K)),
    [IR_AND] = RULES(RULE(same_is_itself, EQ), RULE(and_known, K), RULE(chain, K),
                     RULE(and_of_zext, K), RULE(and_is_zext, K)),
    [IR_OR] = RULES(RULE(same_is_itself, EQ), RULE(zero_is_identity, K), RULE(ones_absorb, K),
                    RULE(chain, K)),
    [IR_XOR] = RULES(RULE(same_is_zero, EQ), RULE(zero_is_identity, K), RULE(chain, K),
                     RULE(xor_of_cmp, K), RULE(xor_ones, K)),
    [IR_NOT] = RULES(RULE(twice_is_nothing, 0)),
    [IR_BSWAP] = RULES(RULE(twice_is_nothing, 0)),
    [IR_SHL] = RULES(SHIFT_RULES),
    [IR_SHR] = RULES(SHIFT_RULES, RULE(shr_known, K), RULE(shr_of_shl, K)),
    [IR_SAR] = RULES(SHIFT_RULES, RULE(sar_of_shl, K)),
    [IR_ROTL] = RULES(SHIFT_RULES),
    [IR_ROTR] = RULES(SHIFT_RULES),
    [IR_CLMUL] = RULES(RULE(zero_absorbs, K), RULE(one_is_identity, K)),
    [IR_CLMULH] = RULES(RULE(zero_absorbs, K)),
    [IR_SEXT8] = EXT_RULES(sext_known),
    [IR_SEXT16] = EXT_RULES(sext_known),
    [IR_SEXT32] = EXT_RULES(sext_known),
    [IR_ZEXT8] = EXT_RULES(zext_known),
    [IR_ZEXT16] = EXT_RULES(zext_known),
    [IR_ZEXT32] = EXT_RULES(zext_known),
    [IR_TRUNC] = RULES(RULE(trunc_of_ext, 0)),
    [IR_CMP] = RULES(RULE(cmp_same, EQ), RULE(cmp_known, K), RULE(cmp_unsigned_zero, K),
                     RULE(cmp_of_cmp, K), RULE(cmp_of_difference, K)),
    [IR_SELECT] = RULES(RULE(select_const, K1), RULE(select_same, 0), RULE(select_of_cmp, 0),
                        RULE(select_bool, K)),
    [IR_FSGNJ] = RULES(RULE(same_is_itself, EQ)),
    [IR_UNBOX] = RULES(RULE(unbox_of_nanbox, 0)),
    [IR_BITCAST] = RULES(RULE(twice_is_nothing, 0)),
};

/* ---- The driver ---- */

static u8 swapped_cond(unsigned cond)
{
    static const u8 swap[] = {
        [IR_EQ] = IR_EQ, [IR_NE] = IR_NE,   [IR_LT] = IR_GT,   [IR_GE] = IR_LE,   [IR_LE] = IR_GE,
        [IR_GT] = IR_LT, [IR_LTU] = IR_GTU, [IR_GEU] = IR_LEU, [IR_LEU] = IR_GEU, [IR_GTU] = IR_LTU,
    };
    return swap[cond];
}

static void constant_to_the_right(struct ir_op *op)
{
    u32 a = op->a;
    op->a = op->b;
    op->b = a;
    if (op->op == IR_CMP)
        op->aux = swapped_cond(op->aux);
}

ir_value ir_fold(struct ir_builder *b, struct ir_op *op)
{
    if (ir_op_is_vector(op->op) || op->type == IR_V128)
        return IR_NONE;
    const struct ir_op *ops = b->unit->ops;
    bool two = ir_op_info[op->op].values & 2;
    bool first = ops[op->a].op == IR_CONST, second = two && ops[op->b].op == IR_CONST;
    if (first && (second || !two) && op->op != IR_SELECT && op->type <= IR_I64) {
        u64 y = two ? ir_imm(&ops[op->b]) : 0;
        return ir_constant(b, op->type, ir_eval(op, ops[op->a].type, ir_imm(&ops[op->a]), y, 0));
    }
    const struct ir_rule *rule = ir_fold_rules[op->op];
    if (!rule)
        return IR_NONE;
    if (first && two && (op->op == IR_CMP || ir_op_info[op->op].flags & IR_OP_COMMUTES)) {
        constant_to_the_right(op);
        first = false;
        second = true;
    }
    unsigned missing = ~((second ? IR_WHEN_CONST : 0) | (first ? IR_WHEN_CONST_FIRST : 0) |
                         (two && op->a == op->b ? IR_WHEN_SAME : 0));
    u64 c = second ? ir_imm(&ops[op->b]) : 0;
    for (; rule->name; rule++) {
        if (rule->when & missing)
            continue;
        ir_value v = rule->apply(b, op, c);
        if (v != IR_NONE)
            return v;
    }
    return IR_NONE;
}

/* ---- Operands of effects ---- */

/* (x + c) + offset = x + (c + offset), where the sum still fits. */
void ir_fold_address(struct ir_builder *b, ir_value *addr, s32 *offset)
{
    const struct ir_op *x = def(b, *addr);
    if (x->op != IR_ADD || !is_const(b, x->b))
        return;
    u64 sum = ir_imm(def(b, x->b)) + (u64)(s64)*offset;
    if ((s64)sum != (s32)sum)
        return;
    *addr = x->a;
    *offset = (s32)sum;
}

/* An extension of no fewer bits than are stored is not needed. */
ir_value ir_fold_stored(struct ir_builder *b, ir_value v, unsigned bytes)
{
    const struct ir_op *x = def(b, v);
    unsigned kept = kept_bits(x->op);
    return kept && kept >= 8 * bytes ? x->a : v;
}

/* x != 0 has x's truth. */
ir_value ir_fold_condition(struct ir_builder *b, ir_value v)
{
    const struct ir_op *x = def(b, v);
    bool nonzero = x->op == IR_CMP && x->aux == IR_NE && is_const_value(b, x->b, 0);
    return nonzero && def(b, x->a)->type == IR_I64 ? x->a : v;
}
