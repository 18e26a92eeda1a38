/*
 * test_riscv_trans.c - what instructions compute, on both widths: each is translated alone and run
 * by the IR's interpreter, and the result compared with the manual's definition written a second
 * time, in C, below.
 *
 * Operands are random and corner values. With XLEN=32 every result must be sign-extended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "isa/riscv/riscv.h"
#include "isa/riscv_decode.h"
#include "jit/interp.h"

enum { PC = 0x1000 };

struct bench {
    struct arena arena;
    struct log log;
    struct cpu_host host;
    struct riscv_cpu *rv;
    bool optimize;
    u8 priv;
};

static void bench_init(struct bench *t, bool rv32)
{
    unsigned off = rv32 ? RISCV_EXT_RV64 : RISCV_EXT_RV32;
    t->rv = calloc(1, sizeof *t->rv);
    log_init(&t->log);
    t->host = (struct cpu_host){.log = &t->log};
    t->rv->cpu.isa = &riscv_isa;
    t->rv->cpu.host = &t->host;
    t->rv->xlen = rv32 ? 32 : 64;
    t->rv->mstatus = MSTATUS_FS;
    t->rv->vm_modes = RISCV_VM_SV39;
    memset(t->rv->ext, 0xff, sizeof t->rv->ext);
    t->rv->ext[off / 64] &= ~BIT(off % 64);
    arena_init(&t->arena);
}

static void bench_fini(struct bench *t)
{
    arena_fini(&t->arena);
    log_fini(&t->log);
    free(t->rv);
}

/* Runs one instruction; false when it was illegal. */
static bool run(struct bench *t, enum riscv_insn id, u32 insn, unsigned length,
                struct ir_interp_exit *out)
{
    struct ir_unit u;
    struct ir_builder b;
    arena_reset(&t->arena);
    ir_builder_init(&b, &u, &t->arena, &riscv_isa, PC, 0);
    struct riscv_ctx c = {.cpu = t->rv,
                          .b = &b,
                          .ext = t->rv->ext,
                          .pc = PC,
                          .next = PC + length,
                          .insn = insn,
                          .length = (u8)length,
                          .priv = t->priv,
                          .rv32 = t->rv->xlen == 32};
    t->rv->pc = PC;
    ir_insn(&b, PC, length);
    if (!riscv_translate(&c, id, insn))
        return false;
    if (!ir_ended(&b))
        ir_exit_jump(&b, c.next);
    if (t->optimize)
        ir_optimize(&u, &t->arena, ~0u);
    *out = interp_run(&t->rv->cpu, &u, arena_alloc(&t->arena, u.count * sizeof(u64)));
    return true;
}

/* ---- The manual's definitions. a, b: operands zero-extended from w bits; result: w bits count.
 * ---- */

static s64 sx(u64 v, unsigned w)
{
    return bits_sext(v, w);
}

static u64 ref_div(u64 a, u64 b, unsigned w)
{
    if (!b)
        return ~UINT64_C(0);
    if (b == BITS(w - 1, 0) && a == BIT(w - 1))
        return a;
    return (u64)(sx(a, w) / sx(b, w));
}

static u64 ref_rem(u64 a, u64 b, unsigned w)
{
    if (!b)
        return a;
    return b == BITS(w - 1, 0) ? 0 : (u64)(sx(a, w) % sx(b, w));
}

static u128 carryless(u64 a, u64 b)
{
    u128 r = 0;
    for (unsigned i = 0; i < 64; i++)
        r ^= b >> i & 1 ? (u128)a << i : 0;
    return r;
}

static u64 ref_orcb(u64 a, u64 b, unsigned w)
{
    u64 r = 0;
    for (unsigned i = 0; i < w; i += 8)
        r |= a >> i & 0xff ? UINT64_C(0xff) << i : 0;
    return r;
}

static u64 ref_count(u64 a, int kind, unsigned w) /* -1 leading zeros, 0 ones, 1 trailing zeros */
{
    u64 n = 0;
    for (unsigned i = 0; i < w; i++) {
        bool bit = a >> (kind < 0 ? w - 1 - i : i) & 1;
        if (kind && bit)
            break;
        n += kind ? 1 : bit;
    }
    return n;
}

#define SH (b & (w - 1))
#define DEF(name, expr)                                                                            \
    static u64 name(u64 a, u64 b, unsigned w)                                                      \
    {                                                                                              \
        return expr;                                                                               \
    }
DEF(f_add, a + b)
DEF(f_sub, a - b)
DEF(f_sll, a << SH)
DEF(f_srl, a >> SH)
DEF(f_sra, (u64)(sx(a, w) >> SH))
DEF(f_slt, sx(a, w) < sx(b, w))
DEF(f_sltu, a < b)
DEF(f_xor, a ^ b)
DEF(f_or, a | b)
DEF(f_and, a &b)
DEF(f_mul, a *b)
DEF(f_mulh, (u64)((s128)sx(a, w) * sx(b, w) >> w))
DEF(f_mulhu, (u64)((u128)a *b >> w))
DEF(f_mulhsu, (u64)((s128)sx(a, w) * (s128)b >> w))
DEF(f_divu, b ? a / b : ~UINT64_C(0))
DEF(f_remu, b ? a % b : a)
DEF(f_andn, a & ~b)
DEF(f_orn, a | ~b)
DEF(f_xnor, ~(a ^ b))
DEF(f_min, sx(a, w) < sx(b, w) ? a : b)
DEF(f_max, sx(a, w) > sx(b, w) ? a : b)
DEF(f_minu, MIN(a, b))
DEF(f_maxu, MAX(a, b))
DEF(f_rol, a << SH | (SH ? a >> (w - SH) : 0))
DEF(f_ror, a >> SH | (SH ? a << (w - SH) : 0))
DEF(f_sh1add, (a << 1) + b)
DEF(f_sh2add, (a << 2) + b)
DEF(f_sh3add, (a << 3) + b)
DEF(f_adduw, (u32)a + b)
DEF(f_sh1adduw, ((u64)(u32)a << 1) + b)
DEF(f_sh2adduw, ((u64)(u32)a << 2) + b)
DEF(f_sh3adduw, ((u64)(u32)a << 3) + b)
DEF(f_slliuw, (u64)(u32)a << SH)
DEF(f_bclr, a & ~BIT(SH))
DEF(f_bset, a | BIT(SH))
DEF(f_binv, a ^ BIT(SH))
DEF(f_bext, a >> SH & 1)
DEF(f_clmul, (u64)carryless(a, b))
DEF(f_clmulh, (u64)(carryless(a, b) >> w))
DEF(f_clmulr, (u64)(carryless(a, b) >> (w - 1)))
DEF(f_clz, ref_count(a, -1, w))
DEF(f_ctz, ref_count(a, 1, w))
DEF(f_cpop, ref_count(a, 0, w))
DEF(f_sextb, (u64)sx(a, 8))
DEF(f_sexth, (u64)sx(a, 16))
DEF(f_zextb, (u8)a)
DEF(f_zexth, (u16)a)
DEF(f_zextw, (u32)a)
DEF(f_not, ~a)
DEF(f_rev8, bswap_size(a, w / 8))
DEF(f_eqz, b ? a : 0)
DEF(f_nez, b ? 0 : a)
DEF(f_first, a)
DEF(f_second, b)
DEF(f_zero, 0)

/* width 0: XLEN. */
static const struct {
    const char *name;
    u64 (*fn)(u64 a, u64 b, unsigned w);
    unsigned width;
} defined[] = {
    {"add", f_add, 0},
    {"addi", f_add, 0},
    {"c.addi", f_add, 0},
    {"c.add", f_add, 0},
    {"addw", f_add, 32},
    {"addiw", f_add, 32},
    {"c.addiw", f_add, 32},
    {"c.addw", f_add, 32},
    {"sub", f_sub, 0},
    {"c.sub", f_sub, 0},
    {"subw", f_sub, 32},
    {"c.subw", f_sub, 32},
    {"sll", f_sll, 0},
    {"slli", f_sll, 0},
    {"c.slli", f_sll, 0},
    {"sllw", f_sll, 32},
    {"slliw", f_sll, 32},
    {"srl", f_srl, 0},
    {"srli", f_srl, 0},
    {"c.srli", f_srl, 0},
    {"srlw", f_srl, 32},
    {"srliw", f_srl, 32},
    {"sra", f_sra, 0},
    {"srai", f_sra, 0},
    {"c.srai", f_sra, 0},
    {"sraw", f_sra, 32},
    {"sraiw", f_sra, 32},
    {"slt", f_slt, 0},
    {"slti", f_slt, 0},
    {"sltu", f_sltu, 0},
    {"sltiu", f_sltu, 0},
    {"xor", f_xor, 0},
    {"xori", f_xor, 0},
    {"c.xor", f_xor, 0},
    {"or", f_or, 0},
    {"ori", f_or, 0},
    {"c.or", f_or, 0},
    {"and", f_and, 0},
    {"andi", f_and, 0},
    {"c.and", f_and, 0},
    {"c.andi", f_and, 0},
    {"mul", f_mul, 0},
    {"c.mul", f_mul, 0},
    {"mulw", f_mul, 32},
    {"mulh", f_mulh, 0},
    {"mulhu", f_mulhu, 0},
    {"mulhsu", f_mulhsu, 0},
    {"div", ref_div, 0},
    {"divw", ref_div, 32},
    {"divu", f_divu, 0},
    {"divuw", f_divu, 32},
    {"rem", ref_rem, 0},
    {"remw", ref_rem, 32},
    {"remu", f_remu, 0},
    {"remuw", f_remu, 32},
    {"andn", f_andn, 0},
    {"orn", f_orn, 0},
    {"xnor", f_xnor, 0},
    {"min", f_min, 0},
    {"max", f_max, 0},
    {"minu", f_minu, 0},
    {"maxu", f_maxu, 0},
    {"rol", f_rol, 0},
    {"rolw", f_rol, 32},
    {"ror", f_ror, 0},
    {"rori", f_ror, 0},
    {"rorw", f_ror, 32},
    {"roriw", f_ror, 32},
    {"sh1add", f_sh1add, 0},
    {"sh2add", f_sh2add, 0},
    {"sh3add", f_sh3add, 0},
    {"add.uw", f_adduw, 0},
    {"sh1add.uw", f_sh1adduw, 0},
    {"sh2add.uw", f_sh2adduw, 0},
    {"sh3add.uw", f_sh3adduw, 0},
    {"slli.uw", f_slliuw, 0},
    {"bclr", f_bclr, 0},
    {"bclri", f_bclr, 0},
    {"bset", f_bset, 0},
    {"bseti", f_bset, 0},
    {"binv", f_binv, 0},
    {"binvi", f_binv, 0},
    {"bext", f_bext, 0},
    {"bexti", f_bext, 0},
    {"clmul", f_clmul, 0},
    {"clmulh", f_clmulh, 0},
    {"clmulr", f_clmulr, 0},
    {"clz", f_clz, 0},
    {"clzw", f_clz, 32},
    {"ctz", f_ctz, 0},
    {"ctzw", f_ctz, 32},
    {"cpop", f_cpop, 0},
    {"cpopw", f_cpop, 32},
    {"sext.b", f_sextb, 0},
    {"sext.h", f_sexth, 0},
    {"zext.h", f_zexth, 0},
    {"c.sext.b", f_sextb, 0},
    {"c.sext.h", f_sexth, 0},
    {"c.zext.b", f_zextb, 0},
    {"c.zext.h", f_zexth, 0},
    {"c.zext.w", f_zextw, 0},
    {"c.not", f_not, 0},
    {"rev8", f_rev8, 0},
    {"orc.b", ref_orcb, 0},
    {"czero.eqz", f_eqz, 0},
    {"czero.nez", f_nez, 0},
    {"lui", f_second, 0},
    {"c.lui", f_second, 0},
    {"c.li", f_second, 0},
    {"c.mv", f_second, 0},
    {"mop.r", f_zero, 0},
    {"mop.rr", f_zero, 0},
    {"ntl.p1", f_first, 0},
    {"c.mop", f_first, 0},
};

static u64 random_operand(void)
{
    static const u64 corners[] = {0,
                                  1,
                                  2,
                                  31,
                                  32,
                                  63,
                                  64,
                                  0x7f,
                                  0x80,
                                  0xff00,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffffffff,
                                  0x100000000,
                                  INT64_MAX,
                                  (u64)INT64_MIN,
                                  ~UINT64_C(0),
                                  ~UINT64_C(1)};
    u64 r = (u64)rand() << 42 ^ (u64)rand() << 21 ^ (u64)rand();
    switch (rand() % 4) {
    case 0: return corners[(unsigned)rand() % ARRAY_SIZE(corners)];
    case 1: return (u64)(s64)(s32)r;
    case 2: return r >> (rand() % 64);
    default: return r;
    }
}

/* The value of the operand called name, or a register's; *present says whether the line has it. */
static u64 operand_value(struct bench *t, const struct insn_desc *d, u64 insn, const char *name,
                         bool *present)
{
    const struct insn_operand *op = insn_find_operand(&riscv_insn_set, d, name);
    *present = op;
    if (!op)
        return 0;
    s64 v = insn_operand_get(op, insn);
    return op->kind == RISCV_OPERAND_X ? t->rv->x[v] : (u64)v;
}

static u64 second_operand(struct bench *t, const struct insn_desc *d, u64 insn)
{
    static const char *const names[] = {"rs2", "imm", "shamt", "hi20"};
    bool present = false;
    u64 v = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(names) && !present; i++)
        v = operand_value(t, d, insn, names[i], &present);
    return v;
}

/* One random instance of line id against its definition; false when another line took it. */
static bool check_once(struct bench *t, unsigned id, u64 (*fn)(u64, u64, unsigned), unsigned width)
{
    const struct insn_desc *d = &riscv_insn_set.insns[id];
    unsigned xlen = t->rv->xlen, w = width ? width : xlen;
    bool present;
    u64 insn =
        (((u64)rand() << 20 ^ (u64)rand()) & BITS(d->length * 8u - 1, 0) & ~d->mask) | d->match;
    for (unsigned i = 1; i < 32; i++)
        t->rv->x[i] = riscv_sext_xlen(t->rv, random_operand());
    if ((d->length == 4 ? riscv_identify32(t->rv->ext, (u32)insn)
                        : riscv_identify16(t->rv->ext, (u32)insn)) != id)
        return false;
    u64 a = operand_value(t, d, insn, "rs1", &present);
    const struct insn_operand *rd = insn_find_operand(&riscv_insn_set, d, "rd");
    unsigned r = rd ? (unsigned)insn_operand_get(rd, insn) : 0;
    a = present ? a : t->rv->x[r];
    u64 b = second_operand(t, d, insn), before[32];
    memcpy(before, t->rv->x, sizeof before);
    u64 want = fn(a & BITS(w - 1, 0), b & BITS(w - 1, 0), w);
    want = (u64)sx(want, w);
    struct ir_interp_exit e;
    assert_true(run(t, (enum riscv_insn)id, (u32)insn, d->length, &e));
    before[r] = r ? want : 0;
    if (memcmp(before, t->rv->x, sizeof before))
        fail_msg("rv%u %s %#lx: %#lx, %#lx gives %#lx, not %#lx", xlen, d->name, (long)insn,
                 (long)a, (long)b, (long)t->rv->x[r], (long)before[r]);
    assert_true(e.kind == IR_INTERP_JUMP && e.pc == (u64)PC + d->length);
    return true;
}

static void check_width(bool rv32, bool optimize)
{
    struct bench t = {.optimize = optimize};
    bench_init(&t, rv32);
    srand(rv32 + 2u * optimize);
    for (unsigned id = 1; id < riscv_insn_set.count; id++) {
        const struct insn_desc *d = &riscv_insn_set.insns[id];
        if (*d->mode && strcmp(d->mode, rv32 ? "rv32" : "rv64"))
            continue;
        for (unsigned k = 0; k < ARRAY_SIZE(defined); k++) {
            if (strcmp(d->name, defined[k].name))
                continue;
            unsigned done = 0;
            for (unsigned n = 0; n < 200; n++)
                done += check_once(&t, id, defined[k].fn, defined[k].width);
            assert_true(done > 100);
        }
    }
    bench_fini(&t);
}

static void rv64_test(void **state)
{
    check_width(false, false);
    check_width(false, true);
}

static void rv32_test(void **state)
{
    check_width(true, false);
    check_width(true, true);
}

static void names_test(void **state)
{
    for (unsigned k = 0; k < ARRAY_SIZE(defined); k++) {
        bool found = false;
        for (unsigned id = 1; id < riscv_insn_set.count; id++)
            found |= !strcmp(riscv_insn_set.insns[id].name, defined[k].name);
        if (!found)
            fail_msg("no line %s", defined[k].name);
    }
}

/* ---- Jumps ---- */

static struct ir_interp_exit run_jump(struct bench *t, enum riscv_insn id, u32 insn)
{
    struct ir_interp_exit e = {0};
    unsigned length = riscv_insn_set.insns[id].length;
    assert_true(run(t, id, insn, length, &e));
    if (e.kind == IR_INTERP_LOOKUP)
        e.pc = t->rv->pc;
    return e;
}

static void jumps_test(void **state)
{
    struct bench t = {0};
    bench_init(&t, false);
    t.rv->x[5] = 0x2001;
    t.rv->x[6] = ~UINT64_C(0);
    assert_int_equal(run_jump(&t, RISCV_INSN_JAL, 0xff1ff0ef).pc, PC - 16);
    assert_int_equal(t.rv->x[1], PC + 4);
    assert_int_equal(run_jump(&t, RISCV_INSN_JALR, 0x004282e7).pc, 0x2004); /* jalr t0,4(t0) */
    assert_int_equal(t.rv->x[5], PC + 4);
    assert_int_equal(run_jump(&t, RISCV_INSN_JAL, 0x0100006f).pc,
                     PC + 16); /* j +16: the unit may go on there */
    assert_int_equal(run_jump(&t, RISCV_INSN_C_JALR, 0x9282).pc, PC + 4);
    assert_int_equal(t.rv->x[1], PC + 2);
    assert_int_equal(run_jump(&t, RISCV_INSN_BLTU, 0x0062e463).pc, PC + 8); /* bltu t0,t1,+8 */
    assert_int_equal(run_jump(&t, RISCV_INSN_BLT, 0x0062c463).pc, PC + 4);
    assert_int_equal(run_jump(&t, RISCV_INSN_BEQ, 0x00000463).pc, PC + 8); /* beq zero,zero,+8 */
    bench_fini(&t);
    bench_init(&t, true);
    t.rv->x[5] = 0xfffffffffffffff0;
    assert_int_equal(run_jump(&t, RISCV_INSN_JALR, 0x02028067).pc,
                     0x10); /* jalr zero,32(t0) wraps */
    assert_int_equal(run_jump(&t, RISCV_INSN_JALR, 0x00028067).pc, 0xfffffff0);
    bench_fini(&t);
}

/* ---- Float: what is not the IR's own arithmetic ---- */

#define FLOAT_INSN(name, insn)                                                                     \
    do {                                                                                           \
        struct ir_interp_exit e_;                                                                  \
        assert_true(run(&t, name, insn, 4, &e_));                                                  \
    } while (0)

static void boxing_test(void **state)
{
    struct bench t = {0};
    bench_init(&t, false);
    t.rv->f[10] = 0x3ff0000000000000; /* not boxed: the default NaN */
    t.rv->f[11] = 0xffffffff3f800000;
    FLOAT_INSN(RISCV_INSN_FADD_S, 0x00b50553); /* fadd.s fa0,fa0,fa1 */
    assert_true(t.rv->f[10] == 0xffffffff7fc00000);
    FLOAT_INSN(RISCV_INSN_FADD_S, 0x00b58553); /* fadd.s fa0,fa1,fa1 */
    assert_true(t.rv->f[10] == 0xffffffff40000000);
    t.rv->f[10] = 0x123456789abcdef0;
    FLOAT_INSN(RISCV_INSN_FMV_X_W, 0xe0050553); /* fmv.x.w a0,fa0: the bits, boxed or not */
    assert_true(t.rv->x[10] == 0xffffffff9abcdef0);
    FLOAT_INSN(RISCV_INSN_FMV_W_X, 0xf0050553);
    assert_true(t.rv->f[10] == 0xffffffff9abcdef0);
    t.rv->f[10] = 0xffffffffffff3c00; /* half 1.0 */
    FLOAT_INSN(RISCV_INSN_FADD_H, 0x04a50553);
    assert_true(t.rv->f[10] == 0xffffffffffff4000);
    FLOAT_INSN(RISCV_INSN_FSGNJN_H, 0x24a51553); /* fneg.h */
    assert_true(t.rv->f[10] == 0xffffffffffffc000);
    FLOAT_INSN(RISCV_INSN_FCVT_S_H, 0x40250553);
    assert_true(t.rv->f[10] == 0xffffffffc0000000);
    FLOAT_INSN(RISCV_INSN_FCVT_H_D, 0x44150553); /* of a double that is a huge NaN */
    assert_true(t.rv->f[10] == 0xffffffffffff7e00);
    bench_fini(&t);
}

static void constants_test(void **state)
{
    static const struct {
        enum riscv_insn id;
        u32 insn;
        u64 bits;
    } fli[] = {
        {RISCV_INSN_FLI_S, 0xf0100553, 0xffffffffbf800000},
        {RISCV_INSN_FLI_S, 0xf0108553, 0xffffffff00800000},
        {RISCV_INSN_FLI_D, 0xf2108553, 0x0010000000000000},
        {RISCV_INSN_FLI_D, 0xf2188553, 0x3ff4000000000000},
        {RISCV_INSN_FLI_H, 0xf4110553, 0xffffffffffff0100},
        {RISCV_INSN_FLI_H, 0xf41e8553, 0xffffffffffff7c00},
        {RISCV_INSN_FLI_S, 0xf01f8553, 0xffffffff7fc00000},
        {RISCV_INSN_FLI_S, 0xf01b0553, 0xffffffff40400000},
    };
    struct bench t = {0};
    bench_init(&t, false);
    for (unsigned i = 0; i < ARRAY_SIZE(fli); i++) {
        FLOAT_INSN(fli[i].id, fli[i].insn);
        if (t.rv->f[10] != fli[i].bits)
            fail_msg("%#x loads %#lx, not %#lx", fli[i].insn, (long)t.rv->f[10], (long)fli[i].bits);
    }
    bench_fini(&t);
}

static void float_state_test(void **state)
{
    struct bench t = {0};
    bench_init(&t, false);
    t.rv->mstatus = 0;
    t.rv->priv = RISCV_M;
    t.rv->mtvec = 0x4000;
    struct ir_interp_exit e;
    assert_true(run(&t, RISCV_INSN_FADD_S, 0x00b50553, 4, &e)); /* FS off: illegal, at run time */
    assert_int_equal(e.kind, IR_INTERP_LOOKUP);
    assert_int_equal(t.rv->mcause, RISCV_CAUSE_ILLEGAL);
    assert_int_equal(t.rv->mtval, 0x00b50553);
    assert_int_equal(t.rv->mepc, PC);
    t.rv->mstatus = BIT(13); /* initial -> dirty */
    assert_true(run(&t, RISCV_INSN_FADD_S, 0x00b50553, 4, &e));
    assert_true((t.rv->mstatus & MSTATUS_FS) == MSTATUS_FS);
    assert_false(run(&t, RISCV_INSN_FADD_S, 0x00b55553, 4, &e)); /* rm=5 is reserved */
    bench_fini(&t);
}

/* ---- CSRs ---- */

/* Runs a CSR instruction in S mode on mstatus; gives the new mstatus, and whether the unit was left
 * for the engine. */
static u64 run_sstatus(struct bench *t, enum riscv_insn id, u32 insn, u64 mstatus, u64 a1,
                       bool *left)
{
    struct ir_interp_exit e;
    t->rv->mstatus = mstatus;
    t->rv->x[10] = 0x1234;
    t->rv->x[11] = a1;
    t->rv->priv = t->priv = RISCV_S;
    t->rv->cpu.unwind = 0;
    assert_true(run(t, id, insn, 4, &e));
    *left = e.kind == IR_INTERP_LOOKUP;
    assert_int_equal(*left ? t->rv->pc : e.pc, PC + 4);
    return t->rv->mstatus;
}

static void interrupts_test(void **state)
{
    struct bench t = {0};
    bool left;
    bench_init(&t, false);
    u64 on = MSTATUS_FS | MSTATUS_MPP | MSTATUS_SIE, off = on & ~MSTATUS_SIE;
    /* csrrci a0,sstatus,2: off, with the old value */
    assert_true(run_sstatus(&t, RISCV_INSN_CSRRCI, 0x10017573, on, 0, &left) == off);
    assert_true(t.rv->x[10] == (BIT(63) | SSTATUS_UXL_64 | MSTATUS_FS | MSTATUS_SIE));
    assert_false(left);
    /* csrrsi zero,sstatus,2: on; left only when an interrupt waits */
    assert_true(run_sstatus(&t, RISCV_INSN_CSRRSI, 0x10016073, off, 0, &left) == on);
    assert_true(!left && t.rv->x[10] == 0x1234);
    t.rv->mie = BIT(RISCV_IRQ_STI);
    atomic_store(&t.rv->irq_wires, BIT(RISCV_IRQ_STI));
    assert_true(run_sstatus(&t, RISCV_INSN_CSRRSI, 0x10016073, off, 0, &left) == on);
    assert_true(left);
    atomic_store(&t.rv->irq_wires, 0);
    /* csrrs a0,sstatus,a1 with nothing but SIE, and with SUM */
    assert_true(run_sstatus(&t, RISCV_INSN_CSRRS, 0x1005a573, off, MSTATUS_SIE, &left) == on);
    assert_false(left);
    t.rv->x[10] = 0;
    assert_true(run_sstatus(&t, RISCV_INSN_CSRRS, 0x1005a573, off, MSTATUS_SUM, &left) ==
                (off | MSTATUS_SUM));
    assert_true(left && t.rv->x[10] == (BIT(63) | SSTATUS_UXL_64 | MSTATUS_FS));
    bench_fini(&t);
    bench_init(&t, true);
    assert_true(run_sstatus(&t, RISCV_INSN_CSRRCI, 0x10017573, on, 0, &left) == off);
    assert_true(t.rv->x[10] == (u64)(s64)(s32)(BIT(31) | MSTATUS_FS | MSTATUS_SIE));
    bench_fini(&t);
}

static void plain_csr_test(void **state)
{
    struct bench t = {0};
    bool left;
    bench_init(&t, true);
    t.rv->sscratch = 0x80000001;
    run_sstatus(&t, RISCV_INSN_CSRRW, 0x14059573, 0, 0xfffffffff0000000,
                &left); /* csrrw a0,sscratch,a1 */
    assert_true(t.rv->x[10] == 0xffffffff80000001 && t.rv->sscratch == 0xf0000000 && !left);
    run_sstatus(&t, RISCV_INSN_CSRRC, 0x1405b573, 0, 0x30000000, &left);
    assert_true(t.rv->x[10] == 0xfffffffff0000000 && t.rv->sscratch == 0xc0000000);
    t.rv->sepc = 0;
    run_sstatus(&t, RISCV_INSN_CSRRW, 0x14159073, 0, 0x1001, &left); /* csrw sepc,a1: bit 0 is 0 */
    assert_true(t.rv->sepc == 0x1000 && t.rv->x[10] == 0x1234);
    bench_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_test),       cmocka_unit_test(rv64_test),
        cmocka_unit_test(rv32_test),        cmocka_unit_test(jumps_test),
        cmocka_unit_test(boxing_test),      cmocka_unit_test(constants_test),
        cmocka_unit_test(float_state_test), cmocka_unit_test(interrupts_test),
        cmocka_unit_test(plain_csr_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
