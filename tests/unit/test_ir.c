/*
 * test_ir.c - the IR: what pure ops compute, each folding rule and each known fact against it, text
 * form, verifier, passes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "ir_fake.h"
#include "jit/opt.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* ---- ir_eval: the corners that ir.def promises ---- */

static void test_eval_corners(void **state)
{
    enum { MIN32 = 0x80000000u };
    const u64 min64 = BIT(63), all = ~UINT64_C(0);
    const struct {
        u8 op, type;
        u64 a, b, expect;
    } cases[] = {
        {IR_DIVS, IR_I64, 7, 0, all},
        {IR_DIVS, IR_I64, min64, all, min64},
        {IR_DIVS, IR_I32, 7, 0, 0xffffffff},
        {IR_DIVS, IR_I32, MIN32, 0xffffffff, MIN32},
        {IR_DIVS, IR_I32, -7u, 2, -3u},
        {IR_DIVU, IR_I64, 7, 0, all},
        {IR_DIVU, IR_I32, -7u, 2, 0x7ffffffc},
        {IR_DIVU, IR_I32, 7, 0, 0xffffffff},
        {IR_REMS, IR_I64, 7, 0, 7},
        {IR_REMS, IR_I64, min64, all, 0},
        {IR_REMS, IR_I32, -7u, 2, -1u},
        {IR_REMS, IR_I32, MIN32, 0xffffffff, 0},
        {IR_REMU, IR_I64, 7, 0, 7},
        {IR_REMU, IR_I32, -7u, 4, 1},
        {IR_MULHS, IR_I64, all, all, 0},
        {IR_MULHU, IR_I64, all, all, all - 1},
        {IR_MULHSU, IR_I64, all, all, all},
        {IR_MULHS, IR_I32, MIN32, MIN32, 0x40000000},
        {IR_MULHU, IR_I32, -1u, -1u, -2u},
        {IR_MULHSU, IR_I32, -1u, -1u, -1u},
        {IR_MULHS, IR_I64, min64, min64, BIT(62)},
        {IR_SHL, IR_I64, 1, 65, 2},
        {IR_SHL, IR_I32, 1, 33, 2},
        {IR_SHR, IR_I64, min64, 127, 1},
        {IR_SHR, IR_I32, MIN32, 31, 1},
        {IR_SAR, IR_I64, min64, 63, all},
        {IR_SAR, IR_I32, MIN32, 31, 0xffffffff},
        {IR_ROTL, IR_I32, 0x80000001, 1, 3},
        {IR_ROTR, IR_I32, 3, 1, 0x80000001},
        {IR_ROTL, IR_I64, min64 | 1, 1, 3},
        {IR_ROTR, IR_I64, 3, 64, 3},
        {IR_CLZ, IR_I64, 0, 0, 64},
        {IR_CLZ, IR_I32, 0, 0, 32},
        {IR_CLZ, IR_I32, 1, 0, 31},
        {IR_CTZ, IR_I64, 0, 0, 64},
        {IR_CTZ, IR_I32, 0, 0, 32},
        {IR_CTZ, IR_I32, 8, 0, 3},
        {IR_POPCNT, IR_I32, 0xf0f0, 0, 8},
        {IR_BSWAP, IR_I32, 0x11223344, 0, 0x44332211},
        {IR_BSWAP, IR_I64, 0x1122334455667788, 0, 0x8877665544332211},
        {IR_CLMUL, IR_I64, 3, 3, 5},
        {IR_CLMULH, IR_I64, min64, 4, 2},
        {IR_NEG, IR_I32, 1, 0, 0xffffffff},
        {IR_NOT, IR_I32, 0, 0, 0xffffffff},
        {IR_SEXT8, IR_I64, 0x80, 0, -(u64)128},
        {IR_SEXT16, IR_I32, 0x8000, 0, 0xffff8000},
        {IR_SEXT32, IR_I64, MIN32, 0, 0xffffffff80000000},
        {IR_ZEXT16, IR_I64, all, 0, 0xffff},
        {IR_FSGNJN, IR_F64, 1, 0, min64 | 1},
        {IR_FSGNJX, IR_F32, MIN32, MIN32, 0},
        {IR_FSGNJ, IR_F32, 1, MIN32, MIN32 | 1},
        {IR_NANBOX, IR_F64, 5, 0, 0xffffffff00000005},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ir_op op = {.op = cases[i].op, .type = cases[i].type};
        unsigned operand = op.op == IR_SEXT32 ? IR_I32 : op.op == IR_NANBOX ? IR_F32 : op.type;
        u64 got = ir_eval(&op, operand, cases[i].a, cases[i].b, 0);
        if (got != cases[i].expect)
            fail_msg("%s case %u: %llx", ir_op_info[op.op].text, i, (unsigned long long)got);
    }
    assert_int_equal(ir_eval(&(struct ir_op){.op = IR_UNBOX, .type = IR_F32}, IR_F64, 5, 0, 0),
                     0x7fc00000);
    assert_int_equal(
        ir_eval(&(struct ir_op){.op = IR_UNBOX, .type = IR_F32}, IR_F64, 0xffffffff00000005, 0, 0),
        5);
}

/* By another way than ir_eval_cond's: through 128-bit arithmetic. */
static void test_eval_cond(void **state)
{
    struct random r = {1};
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned type = i & 1 ? IR_I32 : IR_I64;
        u64 x = corner(&r) & ir_type_mask(type), y = i % 5 ? corner(&r) & ir_type_mask(type) : x;
        s128 u = (s128)x - (s128)y;
        s128 s = type == IR_I32 ? (s128)(s32)x - (s32)y : (s128)(s64)x - (s64)y;
        const bool expect[] = {u == 0, u != 0, s<0, s >= 0, s <= 0, s> 0,
                               u<0, u >= 0, u <= 0, u> 0};
        for (unsigned cond = IR_EQ; cond <= IR_GTU; cond++)
            assert_int_equal(ir_eval_cond(cond, type, x, y), expect[cond]);
    }
}

/* ---- Folding rules ---- */

/* All values of a unit of pure ops, for random guest state. */
static void evaluate(const struct ir_unit *u, struct random *r, u64 *v)
{
    for (u32 i = 0; i < u->count; i++) {
        const struct ir_op *op = &u->ops[i];
        switch (op->op) {
        case IR_INSN:
        case IR_PUT: v[i] = 0; break;
        case IR_CONST: v[i] = ir_imm(op); break;
        case IR_GET: v[i] = corner(r) & ir_type_mask(op->type); break;
        case IR_FLOAT_FLAGS: v[i] = corner(r) & 0x3f; break;
        case IR_LOAD_STATE:
            v[i] = ir_extend(op->aux, op->type,
                             corner(r) & (~UINT64_C(0) >> (64 - 8 * IR_MEM_BYTES(op->aux))));
            break;
        default: v[i] = ir_eval(op, u->ops[op->a].type, v[op->a], v[op->b], v[op->c]);
        }
    }
}

enum { PAIRS = 600 };
struct pair {
    struct ir_op op;
    ir_value v;
    const char *rule;
};

/* Asks each rule of op whose condition holds; what it gave is kept for comparison. */
static unsigned ask_rules(struct ir_builder *b, struct ir_op op, struct pair *pairs, unsigned count,
                          u32 fired[IR_OPCODES][8])
{
    const struct ir_unit *u = b->unit;
    bool two = ir_op_info[op.op].values & 2;
    bool first = u->ops[op.a].op == IR_CONST, second = two && u->ops[op.b].op == IR_CONST;
    if (first && (second || !two) && op.op != IR_SELECT)
        return count; /* the driver never shows these to rules */
    unsigned have = (second ? IR_WHEN_CONST : 0) | (first ? IR_WHEN_CONST_FIRST : 0) |
                    (two && op.a == op.b ? IR_WHEN_SAME : 0);
    const struct ir_rule *rules = ir_fold_rules[op.op];
    for (unsigned n = 0; rules && rules[n].name && count < PAIRS; n++) {
        if (rules[n].when & ~have)
            continue;
        ir_value v = rules[n].apply(b, &op, second ? ir_imm(&u->ops[op.b]) : 0);
        if (v == IR_NONE)
            continue;
        assert_int_equal(u->ops[v].type, op.type);
        pairs[count++] = (struct pair){op, v, rules[n].name};
        fired[op.op][n]++;
    }
    return count;
}

static void compare_pairs(const struct ir_unit *u, struct random *r, const struct pair *pairs,
                          unsigned count)
{
    static u64 v[IR_MAX_OPS];
    for (unsigned round = 0; round < 8; round++) {
        evaluate(u, r, v);
        for (unsigned i = 0; i < count; i++) {
            const struct ir_op *op = &pairs[i].op;
            u64 expect = ir_eval(op, u->ops[op->a].type, v[op->a], v[op->b], v[op->c]);
            if (expect != v[pairs[i].v])
                fail_msg("rule %s of %s: %llx instead of %llx (%llx, %llx, %llx)", pairs[i].rule,
                         ir_op_info[op->op].text, (unsigned long long)v[pairs[i].v],
                         (unsigned long long)expect, (unsigned long long)v[op->a],
                         (unsigned long long)v[op->b], (unsigned long long)v[op->c]);
        }
    }
}

/* An operation with a rule that was tried less than 3 times, or NULL. */
static const char *find_untried(u32 fired[IR_OPCODES][8], const char **rule)
{
    for (unsigned op = 0; op < IR_OPCODES; op++) {
        for (unsigned n = 0; ir_fold_rules[op] && ir_fold_rules[op][n].name; n++) {
            if (fired[op][n] >= 3)
                continue;
            if (rule)
                *rule = ir_fold_rules[op][n].name;
            return ir_op_info[op].text;
        }
    }
    return NULL;
}

static void test_rules(void **state)
{
    static u32 fired[IR_OPCODES][8];
    static struct pair pairs[PAIRS];
    struct random r = {0x1234567};
    (void)state;
    for (unsigned unit = 0; unit < 12000 || (unit < 100000 && find_untried(fired, NULL)); unit++) {
        struct ir_builder b;
        struct ir_unit u;
        unsigned count = 0;
        arena_reset(&arena);
        begin_unit(&b, &u, &arena);
        for (unsigned i = 0; i < 40; i++)
            (void)ir_pure(&b, random_pure(&b, &r, random_shape(&r)));
        for (unsigned i = 0; i < 200; i++)
            count = ask_rules(&b, random_pure(&b, &r, random_shape(&r)), pairs, count, fired);
        compare_pairs(&u, &r, pairs, count);
    }
    const char *rule = "";
    const char *op = find_untried(fired, &rule);
    if (op)
        fail_msg("rule %s of %s was tried less than 3 times", rule, op);
}

/* The driver as a whole: what ir_pure returns equals the op asked for. */
static void test_pure(void **state)
{
    static struct pair pairs[PAIRS];
    struct random r = {99};
    (void)state;
    for (unsigned unit = 0; unit < 1500; unit++) {
        struct ir_builder b;
        struct ir_unit u;
        unsigned count = 0;
        arena_reset(&arena);
        begin_unit(&b, &u, &arena);
        while (count < 150) {
            struct ir_op op = random_pure(&b, &r, random_shape(&r));
            ir_value v = ir_pure(&b, op);
            pairs[count++] = (struct pair){op, v, "ir_pure"};
        }
        compare_pairs(&u, &r, pairs, count);
        ir_exit_jump(&b, 0);
        struct err err;
        if (ir_verify(&u, &err))
            fail_msg("%s", err.text);
    }
}

static void test_known(void **state)
{
    static u64 v[IR_MAX_OPS];
    struct random r = {4242};
    (void)state;
    for (unsigned unit = 0; unit < 1500; unit++) {
        struct ir_builder b;
        struct ir_unit u;
        arena_reset(&arena);
        begin_unit(&b, &u, &arena);
        for (unsigned i = 0; i < 100; i++)
            (void)ir_pure(&b, random_pure(&b, &r, random_shape(&r)));
        for (unsigned round = 0; round < 6; round++) {
            evaluate(&u, &r, v);
            for (u32 i = 1; i < u.count; i++) {
                unsigned bits = ir_type_bits(u.ops[i].type), width = ir_known_signed(&b, i);
                assert_int_equal(v[i] & ~ir_known_ones(&b, i), 0);
                assert_in_range(width, 1, bits);
                assert_int_equal((u64)bits_sext(v[i], width) & ir_type_mask(u.ops[i].type), v[i]);
            }
        }
    }
}

/* What RISC-V's W operations and its common idioms must come to. */
static void test_idioms(void **state)
{
    struct ir_builder b;
    struct ir_unit u;
    (void)state;
    begin_unit(&b, &u, &arena);
    ir_value x = ir_get(&b, X0), y = ir_get(&b, X1), w = ir_get(&b, W0), s = ir_get(&b, S0);
    ir_value sum = ir_sext(&b, ir_add(&b, w, w), 32, IR_I64);
    assert_int_equal(ir_trunc(&b, sum), ir_add(&b, w, w));
    assert_int_equal(ir_sext(&b, sum, 32, IR_I64), sum);
    ir_value load = ir_load(&b, IR_I64, 2 | IR_MEM_SIGNED, x, 0);
    assert_int_equal(ir_sext(&b, load, 32, IR_I64), load);
    assert_int_equal(ir_unbox(&b, ir_nanbox(&b, s)), s);
    assert_int_equal(ir_shri(&b, ir_shli(&b, x, 32), 32), ir_zext(&b, x, 32, IR_I64));
    assert_int_equal(ir_sari(&b, ir_shli(&b, x, 48), 48), ir_sext(&b, x, 16, IR_I64));
    assert_int_equal(ir_addi(&b, ir_addi(&b, x, 5), -5), x);
    assert_int_equal(ir_cmp(&b, IR_LTU, ir_const(&b, 0), x), ir_cmp(&b, IR_NE, x, ir_const(&b, 0)));
    ir_value less = ir_cmp(&b, IR_LT, x, y);
    assert_int_equal(ir_xor(&b, less, ir_const(&b, 1)), ir_cmp(&b, IR_GE, x, y));
    assert_int_equal(ir_cmp(&b, IR_NE, less, ir_const(&b, 0)), less);
    assert_int_equal(ir_shl(&b, x, ir_andi(&b, y, 63)), ir_shl(&b, x, y));
    u32 at = u.count;
    (void)ir_load(&b, IR_I64, 3, ir_addi(&b, x, 16), -8);
    const struct ir_op *op = &u.ops[u.count - 1];
    assert_true(u.count > at && op->op == IR_LOAD && op->a == x && op->b == 8);
    (void)ir_load(&b, IR_I64, 3, ir_addi(&b, x, INT32_MAX), 1);
    op = &u.ops[u.count - 1];
    assert_true(op->a != x && op->b == 1);
    ir_store(&b, 0, x, 0, ir_zext(&b, y, 8, IR_I64));
    assert_int_equal(u.ops[u.count - 1].b, y);
}

/* ---- Slots while building ---- */

static void test_slots(void **state)
{
    struct ir_builder b;
    struct ir_unit u;
    (void)state;
    ir_builder_init(&b, &u, &arena, &fake_isa, 0x100, 0);
    ir_insn(&b, 0x100, 4);
    ir_value x = ir_get(&b, X0);
    assert_int_equal(ir_get(&b, X0), x);
    u32 count = u.count;
    ir_put(&b, X0, x);
    assert_int_equal(u.count, count);
    ir_value sum = ir_addi(&b, x, 1);
    ir_put(&b, X0, sum);
    assert_int_equal(ir_get(&b, X0), sum);
    u64 pc;
    assert_true(ir_is_const(&b, ir_get(&b, PC), &pc) && pc == 0x100);
    (void)ir_call0(&b, &fake_helpers[LOOK]);
    assert_int_equal(ir_get(&b, X0), sum);
    (void)ir_call1(&b, &fake_helpers[CHANGE], sum);
    assert_int_not_equal(ir_get(&b, X0), sum);
    assert_false(ir_is_const(&b, ir_get(&b, PC), &pc));
    ir_insn(&b, 0x104, 2);
    assert_true(ir_is_const(&b, ir_get(&b, PC), &pc) && pc == 0x104);
    assert_int_equal(u.guest_bytes, 6);
    assert_int_equal(u.guest_insns, 2);
    count = u.count;
    ir_exit_if(&b, ir_const(&b, 0), 0x200);
    assert_true(u.count <= count + 1 && !ir_ended(&b));
    ir_exit_jump(&b, 0x106);
    assert_true(ir_ended(&b));
}

static unsigned count_of(const struct ir_unit *u, unsigned opcode)
{
    unsigned n = 0;
    for (u32 i = 0; i < u->count; i++)
        n += u->ops[i].op == opcode;
    return n;
}

/* A branch at 0x100 to 0x10c, over what `between` builds: a choice afterwards? */
static bool is_chosen(void (*between)(struct ir_builder *b))
{
    struct ir_builder b;
    struct ir_unit u;
    ir_builder_init(&b, &u, &arena, &fake_isa, 0x100, 0);
    ir_insn(&b, 0x100, 4);
    ir_skip_if(&b, ir_cmp(&b, IR_EQ, ir_get(&b, X2), ir_get(&b, X3)), 0x10c);
    ir_insn(&b, 0x104, 4);
    between(&b);
    ir_insn(&b, 0x10c, 4);
    ir_exit_jump(&b, 0x110);
    ir_optimize(&u, &arena, ~0u);
    assert_int_equal(count_of(&u, IR_EXIT_IF) + !!count_of(&u, IR_SELECT), 1);
    return count_of(&u, IR_SELECT);
}

static void put_one(struct ir_builder *b)
{
    ir_put(b, X0, ir_addi(b, ir_get(b, X0), 1));
    ir_put(b, X0, ir_addi(b, ir_get(b, X0), 1));
}

static void put_two(struct ir_builder *b)
{
    put_one(b);
    ir_put(b, X1, ir_get(b, X0));
}

static void put_three(struct ir_builder *b)
{
    put_two(b);
    ir_put(b, X2, ir_get(b, X3));
}

static void put_float(struct ir_builder *b)
{
    ir_put(b, F0, ir_get(b, F1));
}

static void divide(struct ir_builder *b)
{
    ir_put(b, X0, ir_divu(b, ir_get(b, X0), ir_get(b, X1)));
}

static void load(struct ir_builder *b)
{
    ir_put(b, X0, ir_load(b, IR_I64, 3, ir_get(b, X1), 0));
}

static void forget(struct ir_builder *b)
{
    put_one(b);
    ir_skip_forget(b);
}

static void test_skip(void **state)
{
    (void)state;
    assert_true(is_chosen(put_one));
    assert_true(is_chosen(put_two));
    assert_false(is_chosen(put_three));
    assert_false(is_chosen(put_float));
    assert_false(is_chosen(divide));
    assert_false(is_chosen(load));
    assert_false(is_chosen(forget));
}

static void test_full(void **state)
{
    struct ir_builder b;
    struct ir_unit u;
    (void)state;
    ir_builder_init(&b, &u, &arena, &fake_isa, 0, 0);
    u64 n = 0;
    for (; !ir_builder_full(&b); n++)
        ir_insn(&b, 4 * n, 4);
    assert_in_range(n, IR_MAX_OPS - 128, IR_MAX_OPS - 120);
}

/* ---- Text ---- */

static char *printed(const struct ir_unit *u)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ir_print(f, u);
    fclose(f);
    return text;
}

static struct ir_unit parsed(const char *text)
{
    struct ir_unit u;
    struct err err;
    if (ir_parse(&u, &arena, &fake_isa, text, &err) || ir_verify(&u, &err))
        fail_msg("%s in\n%s", err.text, text);
    return u;
}

/* Every opcode but the end, with attributes of every kind. */
static const char everything[] = "unit pc 0x80000000 mode 0x5 bytes 6 insns 2\n"
                                 "  insn.4 0x80000000\n"
                                 "  %1:i64 = get x0\n"
                                 "  %2:i32 = get w0\n"
                                 "  %3:f64 = get f0\n"
                                 "  %4:f32 = get s0\n"
                                 "  %5:i64 = const 0xfedcba9876543210\n"
                                 "  %6:i32 = const 0xffffffff\n"
                                 "  %7:i64 = cmp.ltu %1, %5\n"
                                 "  %8:i64 = select %7, %1, %5\n"
                                 "  %9:i64 = load.32.s.be.align.ctx3 %1, -2048\n"
                                 "  store.64.rel %1, %9, 2147483647\n"
                                 "  %11:i32 = rmw.32.s.acq.rel %1, %2, maxu\n"
                                 "  %12:i64 = cas.64.align %1, %5, %9\n"
                                 "  %13:i32 = ll.32 %1\n"
                                 "  %14:i64 = sc.32.rel %1, %13\n"
                                 "  fence.ll.ls.sl.ss\n"
                                 "  %16:f64 = fadd.dyn %3, %3\n"
                                 "  %17:f32 = fmadd.rmm.negp.nega %4, %4, %4\n"
                                 "  %18:i64 = fcmp.le.sig %3, %16\n"
                                 "  %19:i32 = ftoi.rtz.u %4\n"
                                 "  %20:f64 = fsqrt.rne.nan_arm %16\n"
                                 "  %21:i64 = call sum(%1, %5)\n"
                                 "  call look()\n"
                                 "  call change(%21)\n"
                                 "  %24:i32 = ldst.16.s 8\n"
                                 "  stst.8 %24, 16\n"
                                 "  put %9, x1\n"
                                 "  exit_if %7, 0xffffffff80001000\n"
                                 "  trap_if %18, trap, 4294967295\n"
                                 "  insn.2 0x80000004\n";

static void test_round_trip_everything(void **state)
{
    static const char *const ends[] = {"  exit_jump 0x80000006\n", "  exit_ind %1\n",
                                       "  exit_ind.ret %1\n", "  exit_ind.call %1\n",
                                       "  exit_lookup\n"};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
        char text[sizeof(everything) + 64];
        snprintf(text, sizeof(text), "%s%s", everything, ends[i]);
        struct ir_unit u = parsed(text);
        char *again = printed(&u);
        assert_string_equal(again, text);
        free(again);
    }
}

static void test_round_trip_random(void **state)
{
    struct random r = {77};
    (void)state;
    for (unsigned unit = 0; unit < 200; unit++) {
        struct ir_builder b;
        struct ir_unit u;
        arena_reset(&arena);
        begin_unit(&b, &u, &arena);
        for (unsigned i = 0; i < 100; i++)
            (void)ir_pure(&b, random_pure(&b, &r, random_shape(&r)));
        ir_exit_lookup(&b);
        char *text = printed(&u);
        struct ir_unit again = parsed(text);
        assert_int_equal(again.count, u.count);
        assert_memory_equal(again.ops, u.ops, u.count * sizeof(*u.ops));
        assert_int_equal(again.guest_insns, u.guest_insns);
        free(text);
    }
}

static void test_parse_refuses(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"%1:i64 = ad %2, %3", "did you mean 'add'"},
        {"\n\n bogus", "line 3"},
        {"%1:i64 = not %0", "not made before"},
        {"%1:i65 = const 1", "unknown type 'i65'"},
        {"%1:i64 = const", "expected a number"},
        {"%1:i64 = const 0x1ffffffffffffffff", "out of range"},
        {"%1:i64 = get x9", "unknown slot 'x9'"},
        {"%9999:i64 = get x1", "label too great"},
        {"call sun()", "did you mean 'sum'"},
        {"%1:i64 = call sum(%1, %1", "not made before"},
        {"%1:i64 = get x1\n%2:i64 = call sum(%1, %1, %1, %1, %1)", "too many arguments"},
        {"%1:i64 = get x1\n%2:i64 = load.33 %1, 0", "unknown attribute '33'"},
        {"%1:i64 = get x1\n%2:i64 = load.64 %1, 0x1ffffffff", "out of range"},
        {"%1:i64 = get x1\n%2:i64 = not %1 %1", "unexpected '%1'"},
        {"%1:i64 = get x1\n%2:i64 = rmw.64 %1, %1, bad", "unknown operation 'bad'"},
        {"%1:i64 = exit_lookup", "no result"},
        {"unit pd 4", "unknown field 'pd'"},
        {"insn.4", "expected a number"},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ir_unit u;
        struct err err = {0};
        arena_reset(&arena);
        int rc = ir_parse(&u, &arena, &fake_isa, cases[i].text, &err);
        if (rc != -EINVAL || !strstr(err.text, cases[i].message))
            fail_msg("'%s': %d '%s'", cases[i].text, rc, err.text);
    }
}

/* ---- Verifier ---- */

static void test_verify_refuses(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"insn.4 0", "does not end"},
        {"insn.4 0\nexit_lookup\nexit_lookup", "not the last"},
        {"exit_lookup", "before the first insn"},
        {"%1:i64 = get x0\n%2:i64 = load.64 %1, 0\ninsn.4 0\nexit_lookup", "before the first insn"},
        {"%1:i32 = get x0\ninsn.4 0\nexit_lookup", "not the slot's type"},
        {"%1:i32 = get w0\nput %1, x0\ninsn.4 0\nexit_lookup", "not the slot's type"},
        {"%1:i64 = get x0\n%2:i32 = get w0\n%3:i64 = add %1, %2\ninsn.4 0\nexit_lookup",
         "operand has the wrong type"},
        {"%1:i64 = get x0\n%2:i32 = sext32 %1\ninsn.4 0\nexit_lookup", "wrong type"},
        {"%1:i64 = get x0\n%2:i64 = trunc %1\ninsn.4 0\nexit_lookup", "wrong type"},
        {"%1:i32 = get w0\n%2:i32 = trunc %1\ninsn.4 0\nexit_lookup", "operand has the wrong type"},
        {"%1:f64 = get f0\n%2:f64 = add %1, %1\ninsn.4 0\nexit_lookup", "wrong type"},
        {"%1:f64 = const 0\ninsn.4 0\nexit_lookup", "wrong type"},
        {"%1:i64 = get x0\n%2:i32 = get w0\n%3:i64 = cmp.eq %1, %2\ninsn.4 0\nexit_lookup",
         "wrong type"},
        {"%1:i32 = get w0\n%2:i32 = select %1, %1, %1\ninsn.4 0\nexit_lookup", "wrong type"},
        {"insn.4 0\n%1:i64 = get x0\n%2:i32 = load.64 %1, 0\nexit_lookup", "size does not fit"},
        {"insn.4 0\n%1:i64 = get x0\n%2:f64 = load.32 %1, 0\nexit_lookup", "size does not fit"},
        {"insn.4 0\n%1:i64 = get x0\n%2:i64 = load.128 %1, 0\nexit_lookup", "size does not fit"},
        {"insn.4 0\n%1:i32 = get w0\n%2:i64 = load.64 %1, 0\nexit_lookup", "wrong type"},
        {"insn.4 0\n%1:i32 = get w0\n%2:i64 = get x0\n%3:i64 = sc.64 %2, %1\nexit_lookup",
         "size does not fit"},
        {"insn.4 0\n%1:i64 = get x0\n%2:i64 = call sum(%1)\nexit_lookup", "number of arguments"},
        {"insn.4 0\n%1:i64 = get x0\n%2:i32 = call sum(%1, %1)\nexit_lookup",
         "not the helper's result"},
        {"insn.4 0\n%1:i64 = get x0\ntrap_if %1, sum, 0\nexit_lookup", "one argument"},
        {"insn.4 0\n%1:i32 = get w0\nexit_if %1, 0\nexit_lookup", "wrong type"},
        {"insn.4 0\n%1:i64 = ldst.64 1000000\nexit_lookup", "outside the CPU's state"},
        {"insn.4 0\n%1:i64 = ldst.64 -4\nexit_lookup", "outside the CPU's state"},
        {"insn.4 0\n%1:f32 = get s0\n%2:f64 = fadd.rne %1, %1\nexit_lookup", "wrong type"},
        {"insn.4 0\n%1:f64 = get f0\n%2:f32 = nanbox %1\nexit_lookup", "wrong type"},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ir_unit u;
        struct err err = {0};
        arena_reset(&arena);
        if (ir_parse(&u, &arena, &fake_isa, cases[i].text, &err))
            fail_msg("%s", err.text);
        int rc = ir_verify(&u, &err);
        if (rc != -EINVAL || !strstr(err.text, cases[i].message))
            fail_msg("'%s': %d '%s'", cases[i].text, rc, err.text);
    }
}

/* What text cannot say: one field of a good unit changed. */
static void test_verify_refuses_changes(void **state)
{
    static const struct {
        u32 index;
        struct ir_op op;
        const char *message;
    } cases[] = {
        {1, {.op = IR_GET, .type = IR_I64, .a = SLOTS}, "no such slot"},
        {1, {.op = 250, .type = IR_I64}, "no such opcode"},
        {1, {.op = IR_GET, .type = 99, .a = X0}, "no such opcode or type"},
        {1, {.op = IR_GET, .type = IR_I64, .a = X0, .b = 1}, "unused field"},
        {1, {.op = IR_CONST, .type = IR_I32, .b = 1}, "upper half"},
        {8, {.op = IR_ADD, .type = IR_I64, .a = 1, .b = 8}, "not made before"},
        {8, {.op = IR_ADD, .type = IR_I64, .a = 1, .b = 100000}, "not made before"},
        {8, {.op = IR_ADD, .type = IR_I64, .a = 1, .b = 0}, "op without a result"},
        {8, {.op = IR_ADD, .type = IR_I64, .aux = 1, .a = 1, .b = 5}, "aux has bits"},
        {8, {.op = IR_CMP, .type = IR_I64, .aux = IR_GTU + 1, .a = 1, .b = 5}, "aux has bits"},
        {11, {.op = IR_RMW, .type = IR_I32, .aux = 2, .a = 1, .b = 2, .c = 9}, "no such operation"},
        {9, {.op = IR_LOAD, .type = IR_I64, .aux = 6 << 13 | 3, .a = 1}, "aux has bits"},
        {16, {.op = IR_FADD, .type = IR_F64, .aux = 6, .a = 3, .b = 3}, "aux has bits"},
        {16,
         {.op = IR_FADD, .type = IR_F64, .aux = 3 << IR_FLOAT_NAN_SHIFT, .a = 3, .b = 3},
         "aux has bits"},
        {21, {.op = IR_CALL, .type = IR_I64, .aux = 2, .a = HELPERS}, "no such helper"},
        {21, {.op = IR_CALL, .type = IR_I64, .aux = 2, .a = SUM, .b = 100}, "outside the unit's"},
        {28, {.op = IR_TRAP_IF, .a = 18, .b = HELPERS}, "no such helper"},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[sizeof(everything) + 64];
        struct err err = {0};
        arena_reset(&arena);
        snprintf(text, sizeof(text), "%sexit_lookup", everything);
        struct ir_unit u = parsed(text);
        u.ops[cases[i].index] = cases[i].op;
        int rc = ir_verify(&u, &err);
        if (rc != -EINVAL || !strstr(err.text, cases[i].message))
            fail_msg("case %u: %d '%s'", i, rc, err.text);
    }
}

static void test_verify_helpers(void **state)
{
    static const struct ir_helper bad[] = {
        {"sum", help_sum, IR_I64, 2, IR_FX_PURE | IR_FX_READ},
        {"sum", NULL, IR_I64, 2, IR_FX_PURE},
        {"sum", help_sum, IR_I64, 2, 1 << 9},
        {"sum", help_sum, IR_V128, 2, IR_FX_PURE},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct err err;
        struct ir_unit u =
            parsed("insn.4 0\n%1:i64 = get x0\n%2:i64 = call sum(%1, %1)\nexit_lookup");
        struct isa isa = fake_isa;
        isa.helpers = &bad[i];
        u.isa = &isa;
        assert_int_equal(ir_verify(&u, &err), -EINVAL);
    }
}

/* ---- Passes ---- */

static void check_passes(const char *before, const char *after)
{
    struct ir_unit u = parsed(before), expect = parsed(after);
    ir_optimize(&u, &arena, ~0u);
    char *got = printed(&u), *want = printed(&expect);
    assert_string_equal(got, want);
    free(got);
    free(want);
}

static void test_pass_slot(void **state)
{
    (void)state;
    /* Overwritten with nothing between that sees: gone. */
    check_passes(
        "insn.4 0\n%1:i64 = get x0\n%2:i64 = not %1\nput %2, x1\ninsn.4 4\nput %1, x1\nexit_jump 8",
        "insn.4 0\n%1:i64 = get x0\ninsn.4 4\nput %1, x1\nexit_jump 8");
    /* A side exit sees it. */
    check_passes("insn.4 0\n%1:i64 = get x0\n%2:i64 = not %1\nput %2, x1\nexit_if %1, 64\nput %1, "
                 "x1\nexit_jump 8",
                 "insn.4 0\n%1:i64 = get x0\n%2:i64 = not %1\nput %2, x1\nexit_if %1, 64\nput %1, "
                 "x1\nexit_jump 8");
    /* A load may fault. */
    check_passes(
        "insn.4 0\n%1:i64 = get x0\nput %1, x1\n%2:i64 = load.64 %1, 0\nput %2, x1\nexit_jump 8",
        "insn.4 0\n%1:i64 = get x0\nput %1, x1\n%2:i64 = load.64 %1, 0\nput %2, x1\nexit_jump 8");
    /* A call that reads sees it; a pure one, and one that only writes, do not. */
    check_passes("insn.4 0\n%1:i64 = get x0\nput %1, x1\ncall look()\nput %1, x1\nexit_jump 8",
                 "insn.4 0\n%1:i64 = get x0\nput %1, x1\ncall look()\nput %1, x1\nexit_jump 8");
    check_passes("insn.4 0\n%1:i64 = get x0\nput %1, x2\ncall change(%1)\nput %1, x2\nexit_jump 8",
                 "insn.4 0\n%1:i64 = get x0\ncall change(%1)\nput %1, x2\nexit_jump 8");
    /* A get after a call that wrote sees what was put before it. */
    check_passes("insn.4 0\n%1:i64 = get x0\nput %1, x2\ncall change(%1)\n%2:i64 = get x2\nput %1, "
                 "x2\nput %2, x3\nexit_jump 8",
                 "insn.4 0\n%1:i64 = get x0\nput %1, x2\ncall change(%1)\n%2:i64 = get x2\nput %1, "
                 "x2\nput %2, x3\nexit_jump 8");
    /* The pc: overwritten by the next insn and by an exit that names its target, seen by a look-up.
     */
    check_passes("insn.4 0\n%1:i64 = get x0\nput %1, pc\ninsn.4 4\nput %1, pc\nexit_jump 8",
                 "insn.4 0\ninsn.4 4\nexit_jump 8");
    check_passes("insn.4 0\n%1:i64 = get x0\nput %1, pc\nexit_lookup",
                 "insn.4 0\n%1:i64 = get x0\nput %1, pc\nexit_lookup");
}

static void test_pass_link(void **state)
{
    (void)state;
    const char *pair = "insn.4 0\n%%1:i64 = get x1\n%%2:i64 = get x2\n%%3:i32 = trunc %%2\n"
                       "%%4:i64 = ll.%s %%1\n%%5:i64 = sc.%s %%1, %%%u\nput %%5, x3\nexit_jump 8";
    const char *swap = "insn.4 0\n%%1:i64 = get x1\n%%2:i64 = get x2\n%%3:i32 = trunc %%2\n"
                       "%%4:i32 = const 0x0\nstst.8 %%4, %u\n"
                       "%%6:i64 = load.%s.align.atomic %%1, 0\n%%7:i64 = cas.%s %%1, %%6, %%%u\n"
                       "%%8:i64 = cmp.ne %%7, %%6\nput %%8, x3\nexit_jump 8";
    static const struct {
        const char *size;
        unsigned value;
    } cases[] = {{"64", 2}, {"32.s", 2}, {"32.s", 3}, {"16", 3}}; /* the stored value: i64, i32 */
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        char before[512], after[512];
        const char *size = cases[i].size;
        snprintf(before, sizeof(before), pair, size, size, cases[i].value);
        snprintf(after, sizeof(after), swap, (unsigned)offsetof(struct cpu, linked), size, size, cases[i].value);
        if (cases[i].value == 2) { /* the narrow one is not used */
            struct ir_unit u = parsed(before);
            ir_optimize(&u, &arena, ~0u);
            char *got = printed(&u);
            assert_non_null(strstr(got, " = cas."));
            assert_null(strstr(got, " = sc."));
            free(got);
        } else {
            check_passes(before, after);
        }
    }
    /* More is stored than there is: no unit. */
    struct ir_unit u = parsed("insn.4 0\n%1:i64 = get x1\n%2:i32 = trunc %1\n%3:i64 = cas.32 %1, %1, %2\n"
                              "exit_jump 8");
    struct err err;
    assert_int_equal(ir_verify(&u, &err), 0);
    u.ops[3].aux = 3;
    assert_int_not_equal(ir_verify(&u, &err), 0);
    /* An access between: the reservation stays. */
    const char *kept = "insn.4 0\n%1:i64 = get x1\n%2:i64 = ll.64 %1\n%3:i64 = load.64 %1, 8\n"
                       "%4:i64 = sc.64 %1, %3\nput %4, x3\nexit_jump 8";
    check_passes(kept, kept);
}

static void test_pass_dead(void **state)
{
    (void)state;
    check_passes("insn.4 0\n%1:i64 = get x0\n%2:i64 = const 5\n%3:i64 = add %1, %2\n%4:i64 = call "
                 "sum(%3, %3)\nexit_jump 8",
                 "insn.4 0\nexit_jump 8");
    /* Loads, float (flags) and atomics stay. */
    check_passes("insn.4 0\n%9:i64 = get x1\n%1:i64 = get x0\n%2:i64 = load.64 %1, 0\n%3:i64 = not "
                 "%2\nexit_jump 8",
                 "insn.4 0\n%1:i64 = get x0\n%2:i64 = load.64 %1, 0\nexit_jump 8");
    check_passes(
        "insn.4 0\n%9:i64 = get x1\n%1:f64 = get f0\n%2:f64 = fadd.rne %1, %1\nexit_jump 8",
        "insn.4 0\n%1:f64 = get f0\n%2:f64 = fadd.rne %1, %1\nexit_jump 8");
    /* Arguments of calls are renumbered. */
    check_passes("insn.4 0\n%9:i64 = get x1\n%1:i64 = get x0\n%2:i64 = call fault(%1)\nexit_jump 8",
                 "insn.4 0\n%1:i64 = get x0\n%2:i64 = call fault(%1)\nexit_jump 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval_corners),
        cmocka_unit_test(test_eval_cond),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_pure),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_idioms),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_round_trip_everything),
        cmocka_unit_test(test_round_trip_random),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_verify_refuses),
        cmocka_unit_test(test_verify_refuses_changes),
        cmocka_unit_test(test_verify_helpers),
        cmocka_unit_test(test_pass_slot),
        cmocka_unit_test(test_pass_dead),
        cmocka_unit_test(test_pass_link),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
