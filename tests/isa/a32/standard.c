/*
 * standard.c - Advanced SIMD does arithmetic by the standard FPSCR value, whatever FPSCR says: denormals are zeroes, NaNs the
 * default one, results rounded to nearest (DDI 0487, "StandardFPSCRValue"); AHP and FZ16 count, exceptions are added up.
 */
#include "bare.h"

__asm__(".arch armv8.2-a\n\t.arch_extension fp16\n\t.fpu neon-fp-armv8");

enum { IOC = 1, DZC = 2, OFC = 4, UFC = 8, IXC = 16, IDC = 128 };
#define RP    (1u << 22)
#define RZ    (3u << 22)
#define FZ16  (1u << 19)
#define FZ    (1u << 24)
#define AHP   (1u << 26)
#define FLAGS 0x9fu

static u32 in[2][4], out[4], flags;

/* q1 and q2 are operands in all lanes, q0 the result: its first word is told. */
#define DO(fpscr, x, y, text)                                                                                          \
    ({                                                                                                                 \
        for (int i_ = 0; i_ < 4; i_++)                                                                                 \
            in[0][i_] = (x), in[1][i_] = (y);                                                                          \
        __asm__ volatile("vmsr fpscr, %1\n\tvld1.32 {q1}, [%2]\n\tvld1.32 {q2}, [%3]\n\tvmov.i32 q0, #0\n\t" text      \
                         "\n\tvst1.32 {q0}, [%4]\n\tvmrs %0, fpscr"                                                    \
                         : "=r"(flags) : "r"(fpscr), "r"(in[0]), "r"(in[1]), "r"(out) : "memory");                     \
        flags &= FLAGS;                                                                                                \
        out[0];                                                                                                        \
    })
#define CHECK_OP(fpscr, x, y, text, result, raised)                                                                    \
    do {                                                                                                               \
        CHECK(DO(fpscr, x, y, text), result);                                                                          \
        CHECK(flags, raised);                                                                                          \
    } while (0)

static void denormals(u32 fpscr)
{
    CHECK_OP(fpscr, 1, 0, "vadd.f32 q0, q1, q2", 0, IDC);
    CHECK_OP(fpscr, 0x80000001, 0x80000000, "vadd.f32 q0, q1, q2", 0x80000000, IDC);
    CHECK_OP(fpscr, 0x007fffff, 0x7f000000, "vmul.f32 q0, q1, q2", 0, IDC);
    CHECK_OP(fpscr, 0x00800000, 0x3f000000, "vmul.f32 q0, q1, q2", 0, UFC);
    CHECK_OP(fpscr, 0x80800000, 0x3f000000, "vmul.f32 q0, q1, q2", 0x80000000, UFC);
    CHECK_OP(fpscr, 0x00ffffff, 0x3f000000, "vmul.f32 q0, q1, q2", 0, UFC); /* tiny before it is rounded */
    CHECK_OP(fpscr, 0x00800001, 0x80800000, "vadd.f32 q0, q1, q2", 0, UFC);
    CHECK_OP(fpscr, 1, 0x80000000, "vmax.f32 q0, q1, q2", 0, IDC);
    CHECK_OP(fpscr, 1, 0x80000000, "vmin.f32 q0, q1, q2", 0x80000000, IDC);
    CHECK_OP(fpscr, 1, 2, "vceq.f32 q0, q1, q2", 0xffffffff, IDC);
    CHECK_OP(fpscr, 2, 1, "vcgt.f32 q0, q1, q2", 0, IDC);
    CHECK_OP(fpscr, 1, 0x80000002, "vacge.f32 q0, q1, q2", 0xffffffff, IDC);
    CHECK_OP(fpscr, 1, 0, "vcvt.s32.f32 q0, q1", 0, IDC);
    CHECK_OP(fpscr, 1, 0, "vrecpe.f32 q0, q1", 0x7f800000, IDC | DZC);
    CHECK_OP(fpscr, 0x80000001, 0, "vrsqrte.f32 q0, q1", 0xff800000, IDC | DZC);
    CHECK_OP(fpscr, 1, 0x7f800000, "vrecps.f32 q0, q1, q2", 0x40000000, IDC);
    CHECK_OP(fpscr, 1, 0x7f800000, "vrsqrts.f32 q0, q1, q2", 0x3fc00000, IDC);
    CHECK_OP(fpscr, 0x7e800001, 0, "vrecpe.f32 q0, q1", 0, UFC); /* of 2^126 and more */
    CHECK_OP(fpscr, 1, 0, "vabs.f32 q0, q1", 1, 0); /* these are moves of bits */
    CHECK_OP(fpscr, 1, 0, "vneg.f32 q0, q1", 0x80000001, 0);
}

static void nans(u32 fpscr)
{
    CHECK_OP(fpscr, 0x7fc12345, 0x3f800000, "vadd.f32 q0, q1, q2", 0x7fc00000, 0);
    CHECK_OP(fpscr, 0xff812345, 0x3f800000, "vadd.f32 q0, q1, q2", 0x7fc00000, IOC);
    CHECK_OP(fpscr, 0x3f800000, 0xffc00001, "vmax.f32 q0, q1, q2", 0x7fc00000, 0);
    CHECK_OP(fpscr, 0x7f800000, 0, "vmul.f32 q0, q1, q2", 0x7fc00000, IOC);
    CHECK_OP(fpscr, 0x7fc12345, 0, "vcvt.s32.f32 q0, q1", 0, IOC);
    CHECK_OP(fpscr, 0x7f812345, 0, "vcvt.f16.f32 d0, q1", 0x7e007e00, IOC);
    CHECK_OP(fpscr, 0x7f812345, 0, "vneg.f32 q0, q1", 0xff812345, 0);
}

static void rounding(u32 fpscr)
{
    CHECK_OP(fpscr, 0x3f800000, 0x33800000, "vadd.f32 q0, q1, q2", 0x3f800000, IXC);
    CHECK_OP(fpscr, 0x3f800001, 0x33800000, "vadd.f32 q0, q1, q2", 0x3f800002, IXC);
    CHECK_OP(fpscr, 0x01000001, 0, "vcvt.f32.s32 q0, q1", 0x4b800000, IXC);
    CHECK_OP(fpscr, 0x01000003, 0, "vcvt.f32.s32 q0, q1", 0x4b800002, IXC);
    CHECK_OP(fpscr, 0x7f7fffff, 0x7f7fffff, "vadd.f32 q0, q1, q2", 0x7f800000, OFC | IXC);
    CHECK_OP(fpscr, 0x3f801000, 0, "vcvt.f16.f32 d0, q1", 0x3c003c00, IXC);
    CHECK_OP(fpscr, 0xbfc00000, 0, "vcvt.s32.f32 q0, q1", 0xffffffff, IXC); /* always to zero */
    CHECK_OP(fpscr | UFC, 0x3f800000, 0x33800000, "vadd.f32 q0, q1, q2", 0x3f800000, IXC | UFC);
}

/* Conversions take no notice of FZ16, and halves none of FZ. */
static void halves(u32 fpscr)
{
    CHECK_OP(fpscr, 0x33800000, 0, "vcvt.f16.f32 d0, q1", 0x00010001, 0);
    CHECK_OP(fpscr, 1, 0, "vcvt.f16.f32 d0, q1", 0, IDC);
    CHECK_OP(fpscr, 0x00010001, 0, "vcvt.f32.f16 q0, d2", 0x33800000, 0);
    CHECK_OP(fpscr, 0x7c017c01, 0, "vcvt.f32.f16 q0, d2", 0x7fc00000, IOC);
    CHECK_OP(fpscr | AHP, 0x47800000, 0, "vcvt.f16.f32 d0, q1", 0x7c007c00, 0);
    CHECK_OP(fpscr | AHP, 0x7fc00000, 0, "vcvt.f16.f32 d0, q1", 0, IOC);
    CHECK_OP(fpscr | AHP, 0xff800000, 0, "vcvt.f16.f32 d0, q1", 0xffffffff, IOC);
    CHECK_OP(fpscr | AHP, 0x7c007c00, 0, "vcvt.f32.f16 q0, d2", 0x47800000, 0);
}

/* Flushing of halves is FZ16's alone, and raises no IDC. */
static void half_arithmetic(u32 fpscr)
{
    u32 fz = fpscr & FZ16, kept = fz ? 0 : 0x00010001;
    CHECK_OP(fpscr, 0x00010001, 0, "vadd.f16 q0, q1, q2", kept, 0);
    CHECK_OP(fpscr, 0x04000400, 0x38003800, "vmul.f16 q0, q1, q2", fz ? 0 : 0x02000200, fz ? UFC : 0);
    CHECK_OP(fpscr, 0x00010001, 0x00020002, "vceq.f16 q0, q1, q2", fz ? 0xffffffff : 0, 0);
    CHECK_OP(fpscr, 0x7d237d23, 0, "vadd.f16 q0, q1, q2", 0x7e007e00, IOC);
    CHECK_OP(fpscr, 0xfe01fe01, 0x3c003c00, "vmul.f16 q0, q1, q2", 0x7e007e00, 0);
    CHECK_OP(fpscr, 0x3c003c00, 0x10001000, "vadd.f16 q0, q1, q2", 0x3c003c00, IXC);
    CHECK_OP(fpscr, 0x00010001, 0, "vrecpe.f16 q0, q1", 0x7c007c00, fz ? DZC : OFC | IXC);
    CHECK_OP(fpscr, 0x08010801, 0, "vcvt.s16.f16 q0, q1", 0, IXC);
}

/* Scalars in the same registers do as FPSCR says. */
static void scalars(void)
{
    CHECK_OP(0, 1, 0, "vadd.f32 s0, s4, s8", 1, 0);
    CHECK_OP(FZ, 1, 0, "vadd.f32 s0, s4, s8", 0, IDC);
    CHECK_OP(RP, 0x3f800000, 0x33800000, "vadd.f32 s0, s4, s8", 0x3f800001, IXC);
    CHECK_OP(0, 0x7f812345, 0x3f800000, "vadd.f32 s0, s4, s8", 0x7fc12345, IOC);
}

int main(void)
{
    static const u32 fpscrs[] = {0, RP, RZ, RP | FZ, RZ | FZ16};
    u32 mvfr1;
    MCR(0, 1, 0, 2, 0xf00000); /* CPACR: cp10, cp11 */
    __asm__ volatile("isb\n\tvmsr fpexc, %0" : : "r"(0x40000000));
    __asm__ volatile("vmrs %0, mvfr1" : "=r"(mvfr1));
    u32 has_fp16 = (mvfr1 >> 24 & 15) >= 3;
    for (u32 i = 0; i < sizeof(fpscrs) / sizeof(fpscrs[0]); i++) {
        if (fpscrs[i] & FZ16 && !has_fp16)
            continue;
        denormals(fpscrs[i]);
        nans(fpscrs[i]);
        rounding(fpscrs[i]);
        halves(fpscrs[i]);
        if (has_fp16)
            half_arithmetic(fpscrs[i]);
    }
    scalars();
    put("ok\n");
    return 0;
}
