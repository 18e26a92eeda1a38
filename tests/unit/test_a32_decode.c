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
    {0xf3f08342, 4, "aesd.8 q12,q1"},
    {0xf3f0e324, 4, "aese.8 q15,q10"},
    {0xf3f083ea, 4, "aesimc.8 q12,q13"},
    {0xf3b0838e, 4, "aesmc.8 q4,q7"},
    {0xf20aecce, 4, "sha1c.32 q7,q13,q7"},
    {0xf3f982c4, 4, "sha1h.32 q12,q2"},
    {0xf26e0cc4, 4, "sha1m.32 q8,q15,q2"},
    {0xf2106cee, 4, "sha1p.32 q3,q8,q15"},
    {0xf23aac64, 4, "sha1su0.32 q5,q5,q10"},
    {0xf3ba63ae, 4, "sha1su1.32 q3,q15"},
    {0xf344ec6e, 4, "sha256h.32 q15,q2,q15"},
    {0xf350ec62, 4, "sha256h2.32 q15,q0,q9"},
    {0xf3fa83c8, 4, "sha256su0.32 q12,q4"},
    {0xf3600c46, 4, "sha256su1.32 q8,q0,q3"},
    {0xf31c6713, 4, "vaba.u16 d6,d12,d3"},
    {0xf3a8a52f, 4, "vabal.u32 q5,d8,d31"},
    {0xf3228d8e, 4, "vabd.f32 d8,d18,d14"},
    {0xf38f0783, 4, "vabdl.u8 q0,d31,d3"},
    {0xeeb05bed, 4, "vabs.f64 d5,d29"},
    {0xf3104e72, 4, "vacge.f16 q2,q0,q9"},
    {0xf36a6eb4, 4, "vacgt.f32 d22,d26,d20"},
    {0xf266a826, 4, "vadd.i32 d26,d6,d22"},
    {0xf286642a, 4, "vaddhn.i16 d6,q3,q13"},
    {0xf3840020, 4, "vaddl.u8 q0,d4,d16"},
    {0xf2ca41a7, 4, "vaddw.s8 q10,q13,d23"},
    {0xf2062114, 4, "vand d2,d6,d4"},
    {0xf21441fa, 4, "vbic q2,q10,q13"},
    {0xf330e1d6, 4, "vbif q7,q8,q3"},
    {0xf32e8138, 4, "vbit d8,d14,d24"},
    {0xf31aa11d, 4, "vbsl d10,d10,d13"},
    {0xfdd8a862, 4, "vcadd.f32 q13,q4,q9,#270"},
    {0xf21a8e4e, 4, "vceq.f16 q4,q5,q7"},
    {0xf3b5c0aa, 4, "vcge.s16 d12,d26,#0"},
    {0xf31e836e, 4, "vcgt.u16 q4,q7,q15"},
    {0xf3f5818a, 4, "vcle.s16 d24,d10,#0"},
    {0xf3f46406, 4, "vcls.s16 d22,d6"},
    {0xf3b5062a, 4, "vclt.f16 d0,d26,#0"},
    {0xf3b424ce, 4, "vclz.i16 q1,q7"},
    {0xfcaa0820, 4, "vcmla.f16 d0,d10,d16,#90"},
    {0xeeb59940, 4, "vcmp.f16 s18,#0.0"},
    {0x0ef40be1, 4, "vcmpeeq.f64 d16,d17"},
    {0xf3b00508, 4, "vcnt.8 d0,d8"},
    {0xf3b7678e, 4, "vcvt.u16.f16 d6,d14"},
    {0xf3bbc0a4, 4, "vcvta.u32.f32 d12,d20"},
    {0xeeb21a49, 4, "vcvtb.f32.f16 s2,s18"},
    {0xf3f7a320, 4, "vcvtm.s16.f16 d26,d16"},
    {0xfebd0941, 4, "vcvtn.u32.f16 s0,s2"},
    {0xfebe496d, 4, "vcvtp.u32.f16 s8,s27"},
    {0xeefc6a67, 4, "vcvtr.u32.f32 s13,s15"},
    {0x9ef35bea, 4, "vcvttls.f16.f64 s11,d26"},
    {0x7ec67a0d, 4, "vdivvc.f32 s15,s12,s26"},
    {0xfe0a4d69, 4, "vdot.bf16 q2,q5,d9[1]"},
    {0xee898b90, 4, "vdup.32 d25,r8"},
    {0xf344f1ba, 4, "veor d31,d20,d26"},
    {0xf2f6e9ec, 4, "vext.8 q15,q11,q14,#9"},
    {0xf2187c9c, 4, "vfma.f16 d7,d24,d12"},
    {0xfc728892, 4, "vfmab.bf16 q12,q9,q1"},
    {0xfe0368d1, 4, "vfmal.f16 q3,d19,d1[0]"},
    {0xfc7a48fc, 4, "vfmat.bf16 q10,q13,q14"},
    {0x4ea68a40, 4, "vfmsmi.f32 s16,s12,s0"},
    {0xfe1fe81a, 4, "vfmsl.f16 d14,s30,s4[1]"},
    {0xee9e49c0, 4, "vfnma.f16 s8,s29,s0"},
    {0xbe909a89, 4, "vfnmslt.f32 s18,s1,s18"},
    {0xf264008e, 4, "vhadd.s32 d16,d20,d14"},
    {0xf262228c, 4, "vhsub.s32 d18,d18,d12"},
    {0xfef09ace, 4, "vins.f16 s19,s28"},
    {0xf4ed7c57, 4, "vld1.16 {d23[]},[sp :16],r7"},
    {0xf4adbd13, 4, "vld2.8 {d11[]-d12[]},[sp :16],r3"},
    {0xf4ad42cf, 4, "vld3.8 {d4[6],d5[6],d6[6]},[sp]"},
    {0xf4adbfa5, 4, "vld4.32 {d11[],d13[],d15[],d17[]},[sp],r5"},
    {0x6d37fb12, 4, "vldmdbvs r7!,{d15-d23}"},
    {0xecb5fb0f, 4, "fldmiax r5!,{d15-d21}"},
    {0x5d189b54, 4, "vldrpl d9,[r8,#-336]"},
    {0xf32c56a0, 4, "vmax.u32 d5,d28,d16"},
    {0xfec6bb2f, 4, "vmaxnm.f64 d27,d6,d31"},
    {0xf354261c, 4, "vmin.u16 d18,d4,d12"},
    {0xfec82a61, 4, "vminnm.f32 s5,s16,s3"},
    {0xee40e988, 4, "vmla.f16 s29,s1,s16"},
    {0xf394a26d, 4, "vmlal.u16 q5,d4,d5[3]"},
    {0xf2dfb460, 4, "vmls.i16 d27,d15,d0[2]"},
    {0xf2ac4a01, 4, "vmlsl.s32 q2,d12,d1"},
    {0xfc424cc6, 4, "vmmla.bf16 q10,q9,q3"},
    {0xdc504a1f, 4, "vmovle r4,r0,s30,s31"},
    {0xf3886a1d, 4, "vmovl.u8 q3,d13"},
    {0xf3b25220, 4, "vmovn.i16 d5,q8"},
    {0xfeb0ea45, 4, "vmovx.f16 s28,s10"},
    {0x6e250b00, 4, "vmulvs.f64 d0,d5,d0"},
    {0xf2ef4e89, 4, "vmull.p64 q10,d31,d9"},
    {0xf3f0258a, 4, "vmvn d18,d10"},
    {0xf3f12380, 4, "vneg.s8 d18,d0"},
    {0xee1cbbe8, 4, "vnmla.f64 d11,d28,d24"},
    {0x0e572a02, 4, "vnmlseq.f32 s5,s14,s4"},
    {0xee62a967, 4, "vnmul.f16 s21,s4,s15"},
    {0xf2744134, 4, "vorn d20,d4,d20"},
    {0xf26aa112, 4, "vorr d26,d10,d2"},
    {0xf3b0868c, 4, "vpadal.u8 d8,d12"},
    {0xf2518b1f, 4, "vpadd.i16 d24,d1,d15"},
    {0xf3f42280, 4, "vpaddl.u16 d18,d0"},
    {0xf30dfaac, 4, "vpmax.u8 d15,d29,d28"},
    {0xf32c6fa4, 4, "vpmin.f32 d6,d28,d20"},
    {0xecfd3a14, 4, "vpop {s7-s26}"},
    {0xed6d0a13, 4, "vpush {s1-s19}"},
    {0xf3f4470c, 4, "vqabs.s16 d20,d12"},
    {0xf240a090, 4, "vqadd.s8 d26,d16,d0"},
    {0xf2e823c2, 4, "vqdmlal.s32 q9,d24,d2[0]"},
    {0xf2ef2760, 4, "vqdmlsl.s32 q9,d15,d0[1]"},
    {0xf2e3fc4d, 4, "vqdmulh.s32 d31,d3,d13[0]"},
    {0xf2d20d81, 4, "vqdmull.s16 q8,d18,d1"},
    {0xf3f6f28c, 4, "vqmovn.s32 d31,q6"},
    {0xf3b21262, 4, "vqmovun.s16 d1,q9"},
    {0xf3b0a7ea, 4, "vqneg.s8 q5,q13"},
    {0xf2d22eef, 4, "vqrdmlah.s16 d18,d18,d7[3]"},
    {0xf3e24fea, 4, "vqrdmlsh.s32 q10,q9,d10[1]"},
    {0xf2af1dc0, 4, "vqrdmulh.s32 d1,d31,d0[0]"},
    {0xf328057c, 4, "vqrshl.u32 q0,q14,q4"},
    {0xf2b5f974, 4, "vqrshrn.s64 d15,q10,#11"},
    {0xf3aa587c, 4, "vqrshrun.s64 d5,q14,#22"},
    {0xf3dc27da, 4, "vqshl.u64 q9,q5,#28"},
    {0xf3b9a630, 4, "vqshlu.s32 d10,d16,#25"},
    {0xf2e0091a, 4, "vqshrn.s64 d16,q5,#32"},
    {0xf3a4a81e, 4, "vqshrun.s64 d10,q7,#28"},
    {0xf214f21f, 4, "vqsub.s16 d15,d4,d15"},
    {0xf3a88480, 4, "vraddhn.i64 d8,q12,q0"},
    {0xf3fba522, 4, "vrecpe.f32 d26,d18"},
    {0xf2558f1a, 4, "vrecps.f16 d24,d5,d10"},
    {0xf3b00126, 4, "vrev16.8 d0,d22"},
    {0xf3b420e0, 4, "vrev32.16 q1,q8"},
    {0xf3f44066, 4, "vrev64.16 q10,q11"},
    {0xf2660146, 4, "vrhadd.s32 q8,q3,q3"},
    {0xfeb8fa4c, 4, "vrinta.f32 s30,s24"},
    {0xfebbfa67, 4, "vrintm.f32 s30,s15"},
    {0xfeb9e949, 4, "vrintn.f16 s28,s18"},
    {0xfeba0942, 4, "vrintp.f16 s0,s4"},
    {0x7ef69b41, 4, "vrintrvc.f64 d25,d1"},
    {0xeeb7fa4a, 4, "vrintx.f32 s30,s20"},
    {0xeeb68ae1, 4, "vrintz.f32 s16,s3"},
    {0xf23a0564, 4, "vrshl.s64 q0,q10,q5"},
    {0xf3fba2dc, 4, "vrshr.u64 q13,q6,#5"},
    {0xf2dd6858, 4, "vrshrn.i32 d22,q4,#3"},
    {0xf3bb84e4, 4, "vrsqrte.u32 q4,q10"},
    {0xf232af50, 4, "vrsqrts.f16 q5,q1,q0"},
    {0xf283a3ba, 4, "vrsra.s64 d10,d26,#61"},
    {0xf3ee76a6, 4, "vrsubhn.i64 d23,q15,q11"},
    {0xfe684d8f, 4, "vsdot.s8 d20,d24,d15[0]"},
    {0xfe6f3b0c, 4, "vselge.f64 d19,d15,d12"},
    {0xf274e4ee, 4, "vshl.s64 q15,q15,q10"},
    {0xf3bf4a32, 4, "vshll.u32 q2,d18,#31"},
    {0xf29da0f2, 4, "vshr.s64 q5,q9,#35"},
    {0xf2d3d830, 4, "vshrn.i32 d29,q8,#13"},
    {0xf3fec55e, 4, "vsli.32 q14,q7,#30"},
    {0xfc66ac66, 4, "vsmmla.s8 q13,q3,q11"},
    {0x3eb14bcb, 4, "vsqrtcc.f64 d4,d11"},
    {0xf39af11c, 4, "vsra.u16 d15,d12,#6"},
    {0xf3c94412, 4, "vsri.8 d20,d2,#7"},
    {0xf44dc6d7, 4, "vst1.64 {d28-d30},[sp :64],r7"},
    {0xf44dc36d, 4, "vst2.16 {d28-d31},[sp :128]!"},
    {0xf4cd2688, 4, "vst3.16 {d18[2],d19[2],d20[2]},[sp],r8"},
    {0xf44d0170, 4, "vst4.16 {d16,d18,d20,d22},[sp :256],r0"},
    {0xed28ba08, 4, "vstmdb r8!,{s22-s29}"},
    {0xecc77b09, 4, "fstmiax r7,{d23-d26}"},
    {0xed0539a0, 4, "vstr.16 s6,[r5,#-320]"},
    {0xee3789e0, 4, "vsub.f16 s16,s15,s1"},
    {0xf290f60e, 4, "vsubhn.i32 d15,q0,q7"},
    {0xf2efa209, 4, "vsubl.s32 q13,d15,d9"},
    {0xf3c4c30d, 4, "vsubw.u8 q14,q2,d13"},
    {0xfecacdd9, 4, "vsudot.u8 q14,q13,d9[0]"},
    {0xf3b2a02c, 4, "vswp d10,d28"},
    {0xf3be6b0f, 4, "vtbl.8 d6,{d14-d17},d15"},
    {0xf3f839ee, 4, "vtbx.8 d19,{d24-d25},d30"},
    {0xf3f680ea, 4, "vtrn.16 q12,q13"},
    {0xf208e89e, 4, "vtst.8 d14,d24,d14"},
    {0xfc66cdfa, 4, "vudot.u8 q14,q11,q13"},
    {0xfc260c7c, 4, "vummla.u8 q0,q3,q14"},
    {0xfe8aed67, 4, "vusdot.s8 q7,q5,d7[1]"},
    {0xfce42c4e, 4, "vusmmla.s8 q9,q2,q7"},
    {0xf3fae146, 4, "vuzp.32 q15,q3"},
    {0xf3ba41e0, 4, "vzip.32 q2,q8"},
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
    {0xffb0836e, 4, "aesd.8 q4,q15"},
    {0xffb083aa, 4, "aesmc.8 q4,q13"},
    {0xef2eecee, 4, "sha1m.32 q7,q15,q15"},
    {0xffba83aa, 4, "sha1su1.32 q4,q13"},
    {0xffbae3c0, 4, "sha256su0.32 q7,q0"},
    {0xef948506, 4, "vabal.s16 q4,d4,d6"},
    {0xffb52705, 4, "vabs.f16 d2,d5"},
    {0xef16e8a8, 4, "vadd.i16 d14,d22,d24"},
    {0xff824103, 4, "vaddw.u8 q2,q1,d3"},
    {0xff7821ba, 4, "vbif d18,d24,d26"},
    {0xfddee80a, 4, "vcadd.f32 d30,d14,d10,#270"},
    {0xffb5e068, 4, "vcgt.s16 q7,q12,#0"},
    {0xfff9e606, 4, "vclt.f32 d30,d6,#0"},
    {0xeef5fb40, 4, "vcmp.f64 d31,#0.0"},
    {0xeefa2be0, 4, "vcvt.f64.s32 d18,d18,#31"},
    {0xfeffd94d, 4, "vcvtm.u32.f16 s27,s26"},
    {0xeefdf96c, 4, "vcvtr.s32.f16 s31,s25"},
    {0xfe436da0, 4, "vdot.bf16 d22,d19,d0[1]"},
    {0xefbe63e8, 4, "vext.8 q3,q15,q12,#3"},
    {0xfe47f8be, 4, "vfmal.f16 d31,s15,s13[1]"},
    {0xfca80831, 4, "vfmsl.f16 d0,s16,s3"},
    {0xef2600ae, 4, "vhadd.s32 d0,d22,d30"},
    {0xf96d72dd, 4, "vld1.64 {d23-d26},[sp :64]!"},
    {0xf9ed5b18, 4, "vld4.32 {d21[0],d22[0],d23[0],d24[0]},[sp :64],r8"},
    {0xed178a46, 4, "vldr s16,[r7,#-280]"},
    {0xff4e4616, 4, "vmin.u8 d20,d14,d6"},
    {0xefaaa2e0, 4, "vmlal.s32 q5,d26,d0[1]"},
    {0xfc4c2ccc, 4, "vmmla.bf16 q9,q14,q6"},
    {0xffb2220c, 4, "vmovn.i16 d2,q6"},
    {0xef864e8f, 4, "vmull.p8 q2,d22,d15"},
    {0xee557bef, 4, "vnmla.f64 d23,d21,d31"},
    {0xef7c017a, 4, "vorn q8,q6,q13"},
    {0xff0bad8b, 4, "vpadd.f32 d10,d27,d11"},
    {0xff1f4a90, 4, "vpmin.u16 d4,d31,d0"},
    {0xffb08706, 4, "vqabs.s8 d8,d6"},
    {0xefa1276a, 4, "vqdmlsl.s32 q1,d1,d10[1]"},
    {0xffba12c8, 4, "vqmovn.u64 d1,q4"},
    {0xffaeee6f, 4, "vqrdmlah.s32 q7,q7,d15[1]"},
    {0xff129516, 4, "vqrshl.u16 d9,d6,d2"},
    {0xef3ce4d6, 4, "vqshl.s64 q7,q3,q14"},
    {0xff91c810, 4, "vqshrun.s32 d12,q0,#15"},
    {0xfff7656a, 4, "vrecpe.f16 q11,q13"},
    {0xffb4a0ab, 4, "vrev32.16 d10,d27"},
    {0xfef83967, 4, "vrinta.f16 s7,s15"},
    {0xfefa6a67, 4, "vrintp.f32 s13,s15"},
    {0xeeb60ac7, 4, "vrintz.f32 s0,s14"},
    {0xefa9c85c, 4, "vrshrn.i64 d12,q6,#23"},
    {0xef97e3da, 4, "vrsra.s64 q7,q5,#41"},
    {0xfe303a8b, 4, "vselgt.f32 s6,s1,s22"},
    {0xff9e80d2, 4, "vshr.u64 q4,q1,#34"},
    {0xfc64ecec, 4, "vsmmla.s8 q15,q10,q14"},
    {0xffc5c4dc, 4, "vsri.64 q14,q6,#59"},
    {0xf90da513, 4, "vst3.8 {d10,d12,d14},[sp :64],r3"},
    {0xecc6ba08, 4, "vstmia r6,{s23-s30}"},
    {0xefec0620, 4, "vsubhn.i64 d16,q6,q8"},
    {0xfec06ddf, 4, "vsudot.u8 q11,q8,d15[0]"},
    {0xffb388cf, 4, "vtbx.8 d8,{d19},d15"},
    {0xfc6aad1e, 4, "vudot.u8 d26,d10,d14"},
    {0xfca06c66, 4, "vusmmla.s8 q3,q0,q11"},
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
