/*
 * test_riscv_decode.c - the RISC-V tables: known encodings and their text, every line found again
 * from its own picture with random operands, extensions and XLEN respected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "isa/riscv/riscv.h"
#include "isa/riscv_decode.h"

static void all_extensions(u64 *ext, bool rv32)
{
    unsigned off = rv32 ? RISCV_EXT_RV64 : RISCV_EXT_RV32;
    memset(ext, 0xff, RISCV_EXT_WORDS * sizeof *ext);
    ext[off / 64] &= ~BIT(off % 64);
    if (!rv32)
        ext[RISCV_EXT_ZCF / 64] &= ~BIT(RISCV_EXT_ZCF % 64);
}

static enum riscv_insn identify(const u64 *ext, u64 insn, unsigned bytes)
{
    return bytes == 4 ? riscv_identify32(ext, (u32)insn) : riscv_identify16(ext, (u32)insn);
}

/* ---- Text: as the GNU disassembler prints it without aliases, where it knows the extension. ----
 */

static const struct {
    u32 insn;
    bool rv32;
    const char *text;
} known[] = {
    {0x01010513, 0, "addi a0,sp,16"},
    {0xffc43583, 0, "ld a1,-4(s0)"},
    {0x123452b7, 0, "lui t0,0x12345"},
    {0xfffff517, 0, "auipc a0,0xfffff"},
    {0x008000ef, 0, "jal ra,0x80000008"},
    {0xfe0518e3, 0, "bne a0,zero,0x7ffffff0"},
    {0x00008067, 0, "jalr zero,0(ra)"},
    {0x43f5d513, 0, "srai a0,a1,63"},
    {0x0330000f, 0, "fence rw,rw"},
    {0x8330000f, 0, "fence.tso"},
    {0x0100000f, 0, "pause"},
    {0x00000073, 0, "ecall"},
    {0x30200073, 0, "mret"},
    {0x12b50073, 0, "sfence.vma a0,a1"},
    {0x160c23af, 0, "lr.w.aqrl t2,(s8)"},
    {0x0cb5252f, 0, "amoswap.w.aq a0,a1,(a0)"},
    {0x2ab6352f, 0, "amocas.d.rl a0,a1,(a2)"},
    {0x02b50553, 0, "fadd.d fa0,fa0,fa1,rne"},
    {0x02b57553, 0, "fadd.d fa0,fa0,fa1"},
    {0xc28d11d3, 0, "fcvtmod.w.d gp,fs10,rtz"},
    {0xf2188653, 0, "fli.d fa2,1.25"},
    {0x60069693, 0, "clz a3,a3"},
    {0x6b86d693, 0, "rev8 a3,a3"},
    {0x6986d693, 1, "rev8 a3,a3"},
    {0x0ee75f33, 0, "czero.eqz t5,a4,a4"},
    {0x8dd44273, 0, "mop.r.13 tp,s0"},
    {0x0015200f, 0, "cbo.clean (a0)"},
    {0x5a12e013, 0, "prefetch.r 1440(t0)"},
    {0x1141, 0, "c.addi sp,-16"},
    {0x7139, 0, "c.addi16sp sp,-64"},
    {0x0808, 0, "c.addi4spn a0,sp,16"},
    {0x67c1, 0, "c.lui a5,0x10"},
    {0x6502, 0, "c.ldsp a0,0(sp)"},
    {0x6502, 1, "c.flwsp fa0,0(sp)"},
    {0x2001, 1, "c.jal 0x80000000"},
    {0x2505, 0, "c.addiw a0,1"},
    {0x8082, 0, "c.jr ra"},
    {0x9002, 0, "c.ebreak"},
    {0x852e, 0, "c.mv a0,a1"},
    {0x8522, 0, "c.mv a0,s0"},
    {0x6581, 0, "c.mop.11"},
    {0x9cd5, 0, "c.mul s1,a3"},
    {0x8408, 0, "c.lhu a0,0(s0)"},
    {0x0000, 0, ".2byte 0x0000"},
    {0x2001, 0, ".2byte 0x2001"},
    {0xffffffff, 0, ".4byte 0xffffffff"},
};

static void text_test(void **state)
{
    struct riscv_cpu *rv = calloc(1, sizeof *rv);
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        u8 code[4];
        char text[80];
        store_le(code, known[i].insn, 4);
        all_extensions(rv->ext, known[i].rv32);
        unsigned n = riscv_disassemble(&rv->cpu, 0x80000000, code, 4, text, sizeof text);
        assert_string_equal(text, known[i].text);
        assert_int_equal(n, (known[i].insn & 3) == 3 ? 4 : 2);
    }
    free(rv);
}

/* ---- Every line. ---- */

/* A hint is tried before the instruction it looks like, so random operands of that one may meet it.
 */
static bool is_hint_of(const struct insn_desc *found, const struct insn_desc *wanted)
{
    return (found->mask & wanted->mask) == wanted->mask &&
           (found->match & wanted->mask) == wanted->match;
}

static void lines_test(void **state)
{
    u64 ext[RISCV_EXT_WORDS];
    const struct insn_set *set = &riscv_insn_set;
    srand(1);
    for (unsigned i = 1; i < set->count; i++) {
        const struct insn_desc *d = &set->insns[i];
        unsigned found = 0;
        all_extensions(ext, !strcmp(d->mode, "rv32"));
        for (unsigned n = 0; n < 500; n++) {
            u64 insn = ((u64)rand() << 20 ^ (u64)rand()) & BITS(d->length * 8u - 1, 0);
            insn = (insn & ~d->mask) | d->match;
            enum riscv_insn id = identify(ext, insn, d->length);
            found += id == i;
            if (id != i && id && !is_hint_of(&set->insns[id], d))
                fail_msg("%s %#lx is taken for %s", d->name, (long)insn, set->insns[id].name);
        }
        if (found < 300)
            fail_msg("%s: found %u of 500 times", d->name, found);
    }
}

static void operands_test(void **state)
{
    const struct insn_set *set = &riscv_insn_set;
    for (unsigned i = 1; i < set->count; i++) {
        const struct insn_desc *d = &set->insns[i];
        for (unsigned k = 0; k < d->operands; k++) {
            const struct insn_operand *op = &set->operands[d->operand[k]];
            u64 insn = insn_operand_put(op, d->match, -2);
            s64 v = insn_operand_get(op, insn);
            assert_true((insn & d->mask) == d->match);
            assert_true(insn_operand_put(op, d->match, v) == insn);
            assert_true(insn_operand_get(op, insn_operand_put(op, insn, op->bias)) == op->bias);
        }
    }
}

static void extensions_test(void **state)
{
    u64 ext[RISCV_EXT_WORDS];
    all_extensions(ext, false);
    assert_int_equal(riscv_identify32(ext, 0x60069693), RISCV_INSN_CLZ);
    ext[RISCV_EXT_ZBB / 64] &= ~BIT(RISCV_EXT_ZBB % 64);
    assert_int_equal(riscv_identify32(ext, 0x60069693), RISCV_INSN_NONE);
    /* Without the extension of a hint it is the instruction it looks like. */
    assert_int_equal(riscv_identify32(ext, 0x5a12e013), RISCV_INSN_PREFETCH_R);
    ext[RISCV_EXT_ZICBOP / 64] &= ~BIT(RISCV_EXT_ZICBOP % 64);
    assert_int_equal(riscv_identify32(ext, 0x5a12e013), RISCV_INSN_ORI);
    /* Shift amounts of 32 and more exist on RV64 only. */
    assert_int_equal(riscv_identify32(ext, 0x02051513), RISCV_INSN_SLLI_RV64);
    all_extensions(ext, true);
    assert_int_equal(riscv_identify32(ext, 0x02051513), RISCV_INSN_NONE);
    assert_int_equal(riscv_identify16(ext, 0x1502), RISCV_INSN_NONE);
}

static void coverage_test(void **state)
{
    struct insn_coverage *c = insn_coverage_new(&riscv_insn_set);
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    insn_coverage_hit(c, RISCV_INSN_SLLI_RV64);
    insn_coverage_hit(c, RISCV_INSN_SLLI_RV64);
    insn_coverage_hit(NULL, RISCV_INSN_ADD);
    insn_coverage_print(c, f);
    fclose(f);
    assert_non_null(strstr(text, "slli rv64 2\n"));
    assert_non_null(strstr(text, "slli rv32 0\n"));
    assert_non_null(strstr(text, "\nadd any 0\n"));
    free(text);
    insn_coverage_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_test),     cmocka_unit_test(lines_test),
        cmocka_unit_test(operands_test), cmocka_unit_test(extensions_test),
        cmocka_unit_test(coverage_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
