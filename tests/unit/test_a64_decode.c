/*
 * test_a64_decode.c - the A64 tables: known encodings and their text, every line found again from
 * its own picture with random operands, features respected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "isa/arm/arm.h"
#include "isa/arm_decode.h"

/* As the GNU disassembler prints it without aliases, but for blanks after commas. */
static const struct {
    u32 insn;
    const char *text;
} known[] = {
    {0x910043ff, "add sp,sp,#0x10"},
    {0x914007e0, "add x0,sp,#0x1,lsl #12"},
    {0x6b02003f, "subs wzr,w1,w2"},
    {0x8b2263e0, "add x0,sp,x2"},
    {0x8b22cfe0, "add x0,sp,w2,sxtw #3"},
    {0x0b0207e0, "add w0,wzr,w2,lsl #1"},
    {0x92401c20, "and x0,x1,#0xff"},
    {0x3200f3e0, "orr w0,wzr,#0x55555555"},
    {0xd2a24680, "movz x0,#0x1234,lsl #16"},
    {0x10000020, "adr x0,0x80000004"},
    {0xf0000000, "adrp x0,0x80003000"},
    {0x93407c20, "sbfm x0,x1,#0,#31"},
    {0x93c20c20, "extr x0,x1,x2,#3"},
    {0x54000041, "b.ne 0x80000008"},
    {0x97ffffff, "bl 0x7ffffffc"},
    {0xb4000040, "cbz x0,0x80000008"},
    {0xb6f80040, "tbz x0,#63,0x80000008"},
    {0x36080040, "tbz w0,#1,0x80000008"},
    {0xd65f03c0, "ret x30"},
    {0xf9400be0, "ldr x0,[sp,#16]"},
    {0x39400020, "ldrb w0,[x1]"},
    {0xb8bf6820, "ldrsw x0,[x1,xzr]"},
    {0xf8625820, "ldr x0,[x1,w2,uxtw #3]"},
    {0x38801420, "ldrsb x0,[x1],#1"},
    {0xb8004c20, "str w0,[x1,#4]!"},
    {0x385fe020, "ldurb w0,[x1,#-2]"},
    {0xf8410820, "ldtr x0,[x1,#16]"},
    {0x58000040, "ldr x0,0x80000008"},
    {0xf9800020, "prfm pldl1keep,[x1]"},
    {0xa9be7bfd, "stp x29,x30,[sp,#-32]!"},
    {0x28c10440, "ldp w0,w1,[x2],#8"},
    {0x69410440, "ldpsw x0,x1,[x2,#8]"},
    {0xc85ffc20, "ldaxr x0,[x1]"},
    {0x48027c20, "stxrh w2,w0,[x1]"},
    {0xc8220c20, "stxp w2,x0,x3,[x1]"},
    {0x88dffc20, "ldar w0,[x1]"},
    {0xf8a20020, "ldadda x2,x0,[x1]"},
    {0x78628020, "swplh w2,w0,[x1]"},
    {0x08e27c20, "casab w2,w0,[x1]"},
    {0x4822fc24, "caspl x2,x3,x4,x5,[x1]"},
    {0xb8bfc020, "ldapr w0,[x1]"},
    {0x99000a18, "stilp w24,w0,[x16,#-8]!"},
    {0x99400a18, "ldiapp w24,w0,[x16],#8"},
    {0x998009e3, "stlr w3,[x15,#-4]!"},
    {0xd9c009e3, "ldapr x3,[x15],#8"},
    {0xfa431044, "ccmp x2,x3,#0x4,ne"},
    {0x1a9f17e0, "csinc w0,wzr,wzr,ne"},
    {0xdac00c20, "rev x0,x1"},
    {0x5ac00820, "rev w0,w1"},
    {0x9ac24c20, "crc32x w0,w1,x2"},
    {0x9b020c20, "madd x0,x1,x2,x3"},
    {0x9bc27c20, "umulh x0,x1,x2"},
    {0x1d010440, "cpyp [x0]!,[x1]!,x2!"},
    {0x1951f440, "cpyfmtn [x0]!,[x17]!,x2!"},
    {0x19c30440, "setp [x0]!,x2!,x3"},
    {0xdac10020, "pacia x0,x1"},
    {0xd503233f, "paciasp"},
    {0xd65f0bff, "retaa"},
    {0xf8200420, "ldraa x0,[x1]"},
    {0xd53bd040, "mrs x0,tpidr_el0"},
    {0xd5033bbf, "dmb ish"},
    {0x00000000, "udf #0"},
    {0xffffffff, ".inst 0xffffffff"},
};

static void text_test(void **state)
{
    struct arm_cpu *a = calloc(1, sizeof *a);
    memset(a->ext, 0xff, sizeof a->ext);
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        u8 code[4];
        char text[80];
        store_le(code, known[i].insn, 4);
        assert_int_equal(arm_disassemble(&a->cpu, 0x80000000, code, 4, text, sizeof text), 4);
        assert_string_equal(text, known[i].text);
    }
    free(a);
}

static const char *const ext_ids[] = {
#define EXT(id, ...) #id,
#include "isa/arm/ext.def"
#undef EXT
};

/* The features that d names, and no others: "A&B|C". */
static void needed_features(const struct insn_desc *d, u64 *ext)
{
    memset(ext, 0, ARM_EXT_WORDS * sizeof *ext);
    for (unsigned i = 0; i < ARM_EXTS; i++) {
        size_t n = strlen(ext_ids[i]);
        for (const char *s = strstr(d->needs, ext_ids[i]); s; s = strstr(s + 1, ext_ids[i])) {
            bool begins = s == d->needs || s[-1] == '&' || s[-1] == '|';
            if (begins && (!s[n] || s[n] == '&' || s[n] == '|'))
                ext[i / 64] |= BIT(i % 64);
        }
    }
}

static unsigned times_found(unsigned id, const u64 *ext)
{
    const struct insn_desc *d = &arm_insn_set.insns[id];
    unsigned found = 0;
    for (unsigned n = 0; n < 1000; n++) {
        u32 insn = (u32)((((u64)rand() << 20 ^ (u64)rand()) & ~d->mask) | d->match);
        found += arm_identify_a64_32(ext, insn) == id;
    }
    return found;
}

/* The generator has refused overlaps that are not declared: a line need only be found where special
 * ones leave it room, if need be on a CPU without their features. */
static void lines_test(void **state)
{
    u64 ext[ARM_EXT_WORDS];
    const struct insn_set *set = &arm_insn_set;
    srand(1);
    for (unsigned i = 1; i < set->count; i++) {
        const struct insn_desc *d = &set->insns[i];
        memset(ext, 0xff, sizeof ext);
        if (strcmp(d->set, "a64") || times_found(i, ext) >= 20)
            continue;
        needed_features(d, ext);
        if (times_found(i, ext) < 20)
            fail_msg("%s is not found", d->name);
    }
}

static void features_test(void **state)
{
    static const struct {
        u32 insn;
        unsigned ext;
    } needs[] = {
        {0xf8a20020, ARM_EXT_LSE},  {0x9ac24c20, ARM_EXT_CRC32},  {0xd500401f, ARM_EXT_FLAGM},
        {0x54000051, ARM_EXT_HBC},  {0xb8bfc020, ARM_EXT_LRCPC},  {0xd9400020, ARM_EXT_LRCPC2},
        {0xdac01c20, ARM_EXT_CSSC}, {0x99000a18, ARM_EXT_LRCPC3}, {0xdac10020, ARM_EXT_PAUTH},
        {0x19010440, ARM_EXT_MOPS},
    };
    u64 ext[ARM_EXT_WORDS];
    for (unsigned i = 0; i < ARRAY_SIZE(needs); i++) {
        memset(ext, 0xff, sizeof ext);
        assert_int_not_equal(arm_identify_a64_32(ext, needs[i].insn), ARM_INSN_NONE);
        ext[needs[i].ext / 64] &= ~BIT(needs[i].ext % 64);
        assert_int_equal(arm_identify_a64_32(ext, needs[i].insn), ARM_INSN_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_test),
        cmocka_unit_test(lines_test),
        cmocka_unit_test(features_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
