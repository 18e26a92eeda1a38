/*
 * test_a32_decode.c - the A32 and T32 tables: known encodings and their text, every line found
 * again from its own picture with random operands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "isa/arm/arm.h"
#include "isa/arm_decode.h"

struct known {
    u32 insn;
    unsigned length;
    const char *text;
};

/* As the GNU disassembler prints them, but for blanks after commas. */
static const struct known a32[] = {
    {0xe12fff12, 4, "bx r2"},
    {0xb2056970, 4, "andlt r6,r5,#112,18"},
    {0xb21274c1, 4, "andslt r7,r2,#-1056964608"},
    {0xe0111aa1, 4, "ands r1,r1,r1,lsr #21"},
    {0xe0136088, 4, "ands r6,r3,r8,lsl #1"},
    {0x80030651, 4, "andhi r0,r3,r1,asr r6"},
    {0xe0104552, 4, "ands r4,r0,r2,asr r5"},
    {0xe31707ff, 4, "tst r7,#66846720"},
    {0xe1110028, 4, "tst r1,r8,lsr #32"},
    {0x51160e14, 4, "tstpl r6,r4,lsl lr"},
    {0xe3b00800, 4, "movs r0,#0,16"},
    {0x11a05007, 4, "movne r5,r7"},
    {0xd1b03102, 4, "lslsle r3,r2,#2"},
    {0x01b02215, 4, "lslseq r2,r5,r2"},
    {0x51e020a7, 4, "mvnpl r2,r7,lsr #1"},
    {0xe1f07156, 4, "mvns r7,r6,asr r1"},
    {0xe3024cfe, 4, "movw r4,#11518"},
    {0x25076000, 4, "strcs r6,[r7,#-0]"},
    {0x57882923, 4, "strpl r2,[r8,r3,lsr #18]"},
    {0x85a24412, 4, "strhi r4,[r2,#1042]!"},
    {0xe7273d08, 4, "str r3,[r7,-r8,lsl #26]!"},
    {0x840611ca, 4, "strhi r1,[r6],#-458"},
    {0xe60239c5, 4, "str r3,[r2],-r5,asr #19"},
    {0x959e1000, 4, "ldrls r1,[lr]"},
    {0xc7920827, 4, "ldrgt r0,[r2,r7,lsr #16]"},
    {0xe5b87fff, 4, "ldr r7,[r8,#4095]!"},
    {0xe7b8eb40, 4, "ldr lr,[r8,r0,asr #22]!"},
    {0xe4952355, 4, "ldr r2,[r5],#853"},
    {0xe69503a7, 4, "ldr r0,[r5],r7,lsr #7"},
    {0x418630b5, 4, "strhmi r3,[r6,r5]"},
    {0xe1a270b5, 4, "strh r7,[r2,r5]!"},
    {0xe00860b2, 4, "strh r6,[r8],-r2"},
    {0xc11780b1, 4, "ldrhgt r8,[r7,-r1]"},
    {0xe1b200b8, 4, "ldrh r0,[r2,r8]!"},
    {0x401170b3, 4, "ldrhmi r7,[r1],-r3"},
    {0x31414cdc, 4, "ldrdcc r4,[r1,#-204]"},
    {0xe18440d7, 4, "ldrd r4,[r4,r7]"},
    {0xe1e365d9, 4, "ldrd r6,[r3,#89]!"},
    {0xe16760d3, 4, "ldrd r6,[r7,#-3]!"},
    {0xe12300d5, 4, "ldrd r0,[r3,-r5]!"},
    {0xe0c740d0, 4, "ldrd r4,[r7],#0"},
    {0xe04220d0, 4, "ldrd r2,[r2],#-0"},
    {0x808600d1, 4, "ldrdhi r0,[r6],r1"},
    {0xe828ffff, 4, "stmda r8!,{r0,r1,r2,r3,r4,r5,r6,r7,r8,r9,sl,fp,ip,sp,lr,pc}"},
    {0xe8827517, 4, "stm r2,{r0,r1,r2,r4,r8,sl,ip,sp,lr}"},
    {0xe8a0ba6d, 4, "stmia r0!,{r0,r2,r3,r5,r6,r9,fp,ip,sp,pc}"},
    {0xe92d16fa, 4, "push {r1,r3,r4,r5,r6,r7,r9,sl,ip}"},
    {0xe1827f96, 4, "strex r7,r6,[r2]"},
    {0xe19e4f9f, 4, "ldrex r4,[lr]"},
    {0x3182fc93, 4, "stlcc r3,[r2]"},
    {0xe6127f10, 4, "sadd16 r7,r2,r0"},
    {0x86812fb8, 4, "selhi r2,r1,r8"},
    {0xe781f217, 4, "usad8 r1,r7,r2"},
    {0xe7880412, 4, "usada8 r8,r2,r4,r0"},
    {0xe6812d92, 4, "pkhbt r2,r1,r2,lsl #27"},
    {0xe6ac4815, 4, "ssat r4,#13,r5,lsl #16"},
    {0x46a01f33, 4, "ssat16mi r1,#1,r3"},
    {0x868f7872, 4, "sxtb16hi r7,r2,ror #16"},
    {0xe6814c77, 4, "sxtab16 r4,r1,r7,ror #24"},
    {0xe7d2689f, 4, "bfc r6,#17,#2"},
    {0xe7d88618, 4, "bfi r8,r8,#12,#13"},
    {0x47a75b53, 4, "sbfxmi r5,r3,#22,#8"},
    {0xe6bf1f35, 4, "rev r1,r5"},
    {0xe1047040, 4, "crc32b r7,r4,r0"},
    {0x70140790, 4, "mulsvc r4,r0,r7"},
    {0xe0338290, 4, "mlas r3,r0,r2,r8"},
    {0xe0451694, 4, "umaal r1,r5,r4,r6"},
    {0xe0620095, 4, "mls r2,r5,r0,r0"},
    {0xe087679e, 4, "umull r6,r7,lr,r7"},
    {0xb10304e0, 4, "smlattlt r3,r0,r4,r0"},
    {0xe1258684, 4, "smlawb r5,r4,r6,r8"},
    {0x212305e3, 4, "smulwtcs r3,r3,r5"},
    {0xe1445081, 4, "smlalbb r5,r4,r1,r0"},
    {0xd16501a5, 4, "smultble r5,r5,r1"},
    {0x870e3634, 4, "smladxhi lr,r4,r6,r3"},
    {0xe70ef334, 4, "smuadx lr,r4,r3"},
    {0x97464537, 4, "smlaldxls r4,r6,r7,r5"},
    {0xe750e531, 4, "smmlar r0,r1,r5,lr"},
    {0x2757f413, 4, "smmulcs r7,r3,r4"},
    {0x6712f010, 4, "sdivvs r2,r0,r0"},
    {0x510e6056, 4, "qaddpl r6,r6,lr"},
    {0xf510f090, 4, "pldw [r0,#-144]"},
    {0xf798f083, 4, "pldw [r8,r3,lsl #1]"},
    {0xf57ff01f, 4, "clrex"},
    {0xea000000, 4, "b 0x80000008"},
    {0x1bfffffe, 4, "blne 0x80000000"},
    {0xfa000000, 4, "blx 0x80000008"},
    {0xfb000000, 4, "blx 0x8000000a"},
    {0xe6000010, 4, ".word 0xe6000010"},
};

/* ... outside of IT blocks. */
static const struct known t32[] = {
    {0x4720, 2, "bx r4"},
    {0xe8d1f000, 4, "tbb [r1,r0]"},
    {0xf4186f94, 4, "tst.w r8,#1184"},
    {0xea137f23, 4, "tst.w r3,r3,asr #28"},
    {0xf0187242, 4, "ands.w r2,r8,#50855936"},
    {0xf4030060, 4, "and.w r0,r3,#14680064"},
    {0xea14517e, 4, "ands.w r1,r4,lr,ror #21"},
    {0xea0633a0, 4, "and.w r3,r6,r0,asr #14"},
    {0xf44f51a4, 4, "mov.w r1,#5248"},
    {0xea5f1ec6, 4, "movs.w lr,r6,lsl #7"},
    {0xfa03f70e, 4, "lsl.w r7,r3,lr"},
    {0xf07e0300, 4, "orns r3,lr,#0"},
    {0xf0630400, 4, "orn r4,r3,#0"},
    {0xea624ef0, 4, "orn lr,r2,r0,ror #19"},
    {0xea7178d4, 4, "orns r8,r1,r4,lsr #31"},
    {0xf4906f2c, 4, "teq r0,#2752"},
    {0xea947ff6, 4, "teq r4,r6,ror #31"},
    {0xf24250ba, 4, "movw r0,#9658"},
    {0xf6070124, 4, "addw r1,r7,#2084"},
    {0x0008, 2, "movs r0,r1"},
    {0x03ec, 2, "lsls r4,r5,#15"},
    {0x199d, 2, "adds r5,r3,r6"},
    {0x1d7e, 2, "adds r6,r7,#5"},
    {0x247f, 2, "movs r4,#127"},
    {0x28a7, 2, "cmp r0,#167"},
    {0x401b, 2, "ands r3,r3"},
    {0x403c, 2, "ands r4,r7"},
    {0x40a8, 2, "lsls r0,r5"},
    {0x421e, 2, "tst r6,r3"},
    {0x4278, 2, "negs r0,r7"},
    {0xa580, 2, "add r5,pc,#512"},
    {0xa440, 2, "add r4,pc,#256"},
    {0xad00, 2, "add r5,sp,#0"},
    {0xb042, 2, "add sp,#264"},
    {0x4f9e, 2, "ldr r7,[pc,#632]"},
    {0x51e6, 2, "str r6,[r4,r7]"},
    {0x5669, 2, "ldrsb r1,[r5,r1]"},
    {0x67e8, 2, "str r0,[r5,#124]"},
    {0x6dfd, 2, "ldr r5,[r7,#92]"},
    {0x924a, 2, "str r2,[sp,#296]"},
    {0x9c00, 2, "ldr r4,[sp,#0]"},
    {0xc3e8, 2, "stmia r3!,{r3,r5,r6,r7}"},
    {0xc800, 2, "ldmia r0!,{}"},
    {0xb59c, 2, "push {r2,r3,r4,r7,lr}"},
    {0xe8865fa8, 4, "stmia.w r6,{r3,r5,r7,r8,r9,sl,fp,ip,lr}"},
    {0xe9064be2, 4, "stmdb r6,{r1,r5,r6,r7,r8,r9,fp,lr}"},
    {0xe9436110, 4, "strd r6,r1,[r3,#-64]"},
    {0xe9665eca, 4, "strd r5,lr,[r6,#-808]!"},
    {0xe9e35e22, 4, "strd r5,lr,[r3,#136]!"},
    {0xe8e74600, 4, "strd r4,r6,[r7],#0"},
    {0xe868e00c, 4, "strd lr,r0,[r8],#-48"},
    {0xe84527ed, 4, "strex r7,r2,[r5,#948]"},
    {0xe8563f00, 4, "ldrex r3,[r6]"},
    {0xe8c3ef44, 4, "strexb r4,lr,[r3]"},
    {0xe8d75f4f, 4, "ldrexb r5,[r7]"},
    {0xe8c37f8f, 4, "stlb r7,[r3]"},
    {0xe8c3e072, 4, "strexd r2,lr,r0,[r3]"},
    {0xe8d0757f, 4, "ldrexd r7,r5,[r0]"},
    {0xf88240d9, 4, "strb.w r4,[r2,#217]"},
    {0xf805ef86, 4, "strb.w lr,[r5,#134]!"},
    {0xf803894d, 4, "strb.w r8,[r3],#-77"},
    {0xf8056024, 4, "strb.w r6,[r5,r4,lsl #2]"},
    {0xf8903001, 4, "ldrb.w r3,[r0,#1]"},
    {0xf8146d01, 4, "ldrb.w r6,[r4,#-1]!"},
    {0xf81059ba, 4, "ldrb.w r5,[r0],#-186"},
    {0xf8120023, 4, "ldrb.w r0,[r2,r3,lsl #2]"},
    {0xf81fe0b7, 4, "ldrb.w lr,[pc,#-183]"},
    {0xf892ff79, 4, "pld [r2,#3961]"},
    {0xf816f024, 4, "pld [r6,r4,lsl #2]"},
    {0xf89ffa71, 4, "pld [pc,#2673]"},
    {0xf3bf8f2f, 4, "clrex"},
    {0xfa92f603, 4, "sadd16 r6,r2,r3"},
    {0xfaa8f685, 4, "sel r6,r8,r5"},
    {0xfb70f405, 4, "usad8 r4,r0,r5"},
    {0xfb762504, 4, "usada8 r5,r6,r4,r2"},
    {0xeac415c8, 4, "pkhbt r5,r4,r8,lsl #7"},
    {0xf3224689, 4, "ssat r6,#10,r2,asr #18"},
    {0xf3200201, 4, "ssat16 r2,#2,r0"},
    {0xfa0ffeb1, 4, "sxth.w lr,r1,ror #24"},
    {0xfa07f8be, 4, "sxtah r8,r7,lr,ror #24"},
    {0xfa2ff8b8, 4, "sxtb16 r8,r8,ror #24"},
    {0xf36f219d, 4, "bfc r1,#10,#20"},
    {0xf36234da, 4, "bfi r4,r2,#15,#12"},
    {0xf3464100, 4, "sbfx r1,r6,#16,#1"},
    {0xfa94f5b4, 4, "revsh.w r5,r4"},
    {0xfab5f785, 4, "clz r7,r5"},
    {0xfac4fe88, 4, "crc32b lr,r4,r8"},
    {0xb200, 2, "sxth r0,r0"},
    {0x4342, 2, "muls r2,r0"},
    {0xfb00f308, 4, "mul.w r3,r0,r8"},
    {0xfb065700, 4, "mla r7,r6,r0,r5"},
    {0xfb8e1e06, 4, "smull r1,lr,lr,r6"},
    {0xfbe82063, 4, "umaal r2,r0,r8,r3"},
    {0xfb182336, 4, "smlatt r3,r8,r6,r2"},
    {0xfb16f832, 4, "smultt r8,r6,r2"},
    {0xfb364600, 4, "smlawb r6,r6,r0,r4"},
    {0xfb3ef306, 4, "smulwb r3,lr,r6"},
    {0xfbc16292, 4, "smlalbt r6,r2,r1,r2"},
    {0xfb206415, 4, "smladx r4,r0,r5,r6"},
    {0xfb2efe1e, 4, "smuadx lr,lr,lr"},
    {0xfbc004d3, 4, "smlaldx r0,r4,r0,r3"},
    {0xfb578100, 4, "smmla r1,r7,r0,r8"},
    {0xfb55f116, 4, "smmulr r1,r5,r6"},
    {0xfb95f4f0, 4, "sdiv r4,r5,r0"},
    {0xfa86f787, 4, "qadd r7,r7,r6"},
    {0xd0fe, 2, "beq.n 0x80000000"},
    {0xe7fe, 2, "b.n 0x80000000"},
    {0xb108, 2, "cbz r0,0x80000006"},
    {0xb917, 2, "cbnz r7,0x80000008"},
    {0xf0008000, 4, "beq.w 0x80000004"},
    {0xf000b800, 4, "b.w 0x80000004"},
    {0xf7fffffe, 4, "bl 0x80000000"},
    {0xf000e800, 4, "blx 0x80000004"},
    {0xbf08, 2, "it eq"},
    {0xbf14, 2, "ite ne"},
    {0xbfcd, 2, "iteet gt"},
    {0xb1ff, 2, "cbz r7,0x80000042"},
    {0xe801ffff, 4, ".inst.w 0xe801ffff"},
};

static void texts(const struct known *known, unsigned count, u64 mode)
{
    struct arm_cpu *a = calloc(1, sizeof *a);
    memset(a->ext, 0xff, sizeof a->ext);
    a->cpu.mode = mode;
    for (unsigned i = 0; i < count; i++) {
        u32 insn = known[i].insn;
        bool halves = mode & ARM_MODE_T && known[i].length == 4;
        u8 code[4];
        char text[80];
        store_le(code, halves ? insn >> 16 | insn << 16 : insn, 4);
        assert_int_equal(arm_disassemble(&a->cpu, 0x80000000, code, 4, text, sizeof text),
                         known[i].length);
        assert_string_equal(text, known[i].text);
    }
    free(a);
}

static void a32_text_test(void **state)
{
    texts(a32, ARRAY_SIZE(a32), ARM_MODE_A32);
}

static void t32_text_test(void **state)
{
    texts(t32, ARRAY_SIZE(t32), ARM_MODE_A32 | ARM_MODE_T);
}

typedef enum arm_insn identify_fn(const u64 *ext, u32 insn);

static identify_fn *identifier(const struct insn_desc *d)
{
    if (!strcmp(d->set, "a32"))
        return arm_identify_a32_32;
    if (!strcmp(d->set, "a32u"))
        return arm_identify_a32u_32;
    if (strcmp(d->set, "t32"))
        return NULL;
    return d->length == 2 ? arm_identify_t32_16 : arm_identify_t32_32;
}

/* The generator has refused overlaps that are not declared: a line need only be found where special
 * ones leave it room. */
static void lines_test(void **state)
{
    u64 ext[ARM_EXT_WORDS];
    const struct insn_set *set = &arm_insn_set;
    memset(ext, 0xff, sizeof ext);
    srand(1);
    for (unsigned i = 1; i < set->count; i++) {
        const struct insn_desc *d = &set->insns[i];
        identify_fn *identify = identifier(d);
        unsigned found = 0;
        for (unsigned n = 0; identify && n < 1000; n++) {
            u32 insn = (u32)((((u64)rand() << 20 ^ (u64)rand()) & ~d->mask) | d->match);
            found += identify(ext, d->length == 2 ? insn & 0xffff : insn) == i;
        }
        if (identify && found < 10)
            fail_msg("%s of %s is not found", d->name, d->set);
    }
}

/* What only some CPUs have, and what AArch32 has lost or never had. */
static void absent_test(void **state)
{
    static const u32 undefined[] = {
        0xe1000090, /* SWP */
        0xe1400090, /* SWPB */
        0xe3311001, /* TEQ with a destination */
        0xe6000010, /* media, unallocated */
    };
    u64 ext[ARM_EXT_WORDS];
    memset(ext, 0xff, sizeof ext);
    for (unsigned i = 0; i < ARRAY_SIZE(undefined); i++)
        assert_int_equal(arm_identify_a32_32(ext, undefined[i]), ARM_INSN_NONE);
    assert_int_not_equal(arm_identify_a32_32(ext, 0xe1010042), ARM_INSN_NONE);
    assert_int_not_equal(arm_identify_t32_32(ext, 0xfac1f082), ARM_INSN_NONE);
    ext[ARM_EXT_CRC32 / 64] &= ~BIT(ARM_EXT_CRC32 % 64);
    assert_int_equal(arm_identify_a32_32(ext, 0xe1010042), ARM_INSN_NONE);
    assert_int_equal(arm_identify_t32_32(ext, 0xfac1f082), ARM_INSN_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a32_text_test),
        cmocka_unit_test(t32_text_test),
        cmocka_unit_test(lines_test),
        cmocka_unit_test(absent_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
