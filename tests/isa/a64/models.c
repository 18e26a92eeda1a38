/*
 * models.c - what each model has, as its ID registers tell: an instruction or register of a feature is there when the
 * field says so, and UNDEFINED when not; hints of features that are not there do nothing.
 */
// options: -M virt,secure=on,virtualization=on -m 256M
// models: cortex-a53 cortex-a57 cortex-a72 cortex-a76 neoverse-n1 max
// load: bios
#include "monitor.h"

/* clang-format off */
#define FEATURES(X)                                                                                                    \
    X(aes, "aese v0.16b, v1.16b", "id_aa64isar0_el1", 4, 1)                                                            \
    X(pmull, "pmull v0.1q, v1.1d, v2.1d", "id_aa64isar0_el1", 4, 2)                                                    \
    X(sha1, "sha1h s0, s1", "id_aa64isar0_el1", 8, 1)                                                                  \
    X(sha256, "sha256h q0, q1, v2.4s", "id_aa64isar0_el1", 12, 1)                                                      \
    X(sha512, ".inst 0xce618041", "id_aa64isar0_el1", 12, 2)                                                           \
    X(crc32, "crc32b w0, w1, w2", "id_aa64isar0_el1", 16, 1)                                                           \
    X(lse, "ldadd x1, x2, [x0]", "id_aa64isar0_el1", 20, 2)                                                            \
    X(rdm, "sqrdmlah v0.4s, v1.4s, v2.4s", "id_aa64isar0_el1", 28, 1)                                                  \
    X(sha3, ".inst 0xce020c20", "id_aa64isar0_el1", 32, 1)                                                             \
    X(sm3, ".inst 0xce420c20", "id_aa64isar0_el1", 36, 1)                                                              \
    X(sm4, ".inst 0xcec08420", "id_aa64isar0_el1", 40, 1)                                                              \
    X(dotprod, "udot v0.4s, v1.16b, v2.16b", "id_aa64isar0_el1", 44, 1)                                                \
    X(fhm, "fmlal v0.4s, v1.4h, v2.4h", "id_aa64isar0_el1", 48, 1)                                                     \
    X(flagm, "cfinv", "id_aa64isar0_el1", 52, 1)                                                                       \
    X(flagm2, "axflag", "id_aa64isar0_el1", 52, 2)                                                                     \
    X(rng, "mrs x0, S3_3_C2_C4_0", "id_aa64isar0_el1", 60, 1)                                                          \
    X(dpb, "dc cvap, x0", "id_aa64isar1_el1", 0, 1)                                                                    \
    X(dpb2, "dc cvadp, x0", "id_aa64isar1_el1", 0, 2)                                                                  \
    X(jscvt, "fjcvtzs w0, d0", "id_aa64isar1_el1", 12, 1)                                                              \
    X(fcma, "fcadd v0.4s, v1.4s, v2.4s, #90", "id_aa64isar1_el1", 16, 1)                                               \
    X(lrcpc, "ldapr x1, [x0]", "id_aa64isar1_el1", 20, 1)                                                              \
    X(lrcpc2, "ldapur x1, [x0, #8]", "id_aa64isar1_el1", 20, 2)                                                        \
    X(lrcpc3, ".inst 0xd9c00804", "id_aa64isar1_el1", 20, 3)                                                           \
    X(frintts, "frint32x d0, d1", "id_aa64isar1_el1", 32, 1)                                                           \
    X(sb, "sb", "id_aa64isar1_el1", 36, 1)                                                                             \
    X(bf16, ".inst 0x2e42fc20", "id_aa64isar1_el1", 44, 1)                                                             \
    X(i8mm, ".inst 0x4e82a420", "id_aa64isar1_el1", 52, 1)                                                             \
    X(wfxt, "mov x3, #0\n wfit x3", "id_aa64isar2_el1", 0, 2)                                                          \
    X(mops, "mov x2, #0\n .inst 0x19c10440", "id_aa64isar2_el1", 16, 1)                                                \
    X(hbc, "bc.eq .+4", "id_aa64isar2_el1", 20, 1)                                                                     \
    X(cssc, ".inst 0xdac01c20", "id_aa64isar2_el1", 52, 1)                                                             \
    X(fp16, "fadd h0, h1, h2", "id_aa64pfr0_el1", 16, 1)                                                               \
    X(ras, "mrs x0, S3_0_C5_C3_0", "id_aa64pfr0_el1", 28, 1)                                                           \
    X(dit, "msr dit, #1", "id_aa64pfr0_el1", 48, 1)                                                                    \
    X(ssbs, "msr S3_3_C4_C2_6, x0", "id_aa64pfr1_el1", 4, 2)                                                           \
    X(lor, "mrs x0, S3_0_C10_C4_7", "id_aa64mmfr1_el1", 16, 1)                                                         \
    X(pan, "mrs x0, S3_0_C4_C2_3", "id_aa64mmfr1_el1", 20, 1)                                                          \
    X(pan2, "at s1e1rp, x0", "id_aa64mmfr1_el1", 20, 2)                                                                \
    X(uao, "mrs x0, S3_0_C4_C2_4", "id_aa64mmfr2_el1", 4, 1)                                                           \
    X(tlbios, "sys #0, c8, c1, #0", "id_aa64isar0_el1", 56, 1)                                                         \
    X(tlbirange, "sys #0, c8, c6, #1, xzr", "id_aa64isar0_el1", 56, 2)                                                 \
    X(ecv, "mrs x0, S3_3_C14_C0_6", "id_aa64mmfr0_el1", 60, 1)                                                         \
    X(pmu, "mrs x0, pmccntr_el0", "id_aa64dfr0_el1", 8, 1)
#define X(name, text, reg, shift, least) PIECE(code_##name, text);
FEATURES(X)
#undef X
PIECE(vhe, "mrs x0, S3_4_C13_C0_1");
PIECE(pacga, "pacga x0, x1, x2");
PIECE(hints, "mov x30, x0\n mov x17, x0\n mov x16, #3\n xpaclri\n pacia1716\n autia1716\n paciasp\n autiasp\n paciaz\n autiaz\n"
             "pacib1716\n autib1716\n pacibsp\n autibsp\n pacibz\n autibz\n hint #32\n hint #34\n hint #16\n hint #12\n"
             "hint #6\n hint #22\n eor x1, x30, x0\n eor x2, x17, x0");
/* clang-format on */

static u64 has(u64 reg, u64 shift, u64 least)
{
    return (reg >> shift & 15) >= least;
}

void run(void)
{
#define X(name, text, reg, shift, least)                                                                               \
    go1(EL1, code_##name, 0x41800000);                                                                                 \
    if (has(rd(reg), shift, least))                                                                                    \
        check_ended(#name " that the ID register has");                                                                \
    else                                                                                                               \
        check_taken(#name " that the ID register has not", 1, 0, 0);
    FEATURES(X)
#undef X
    go(EL2, vhe);
    if (has(rd("id_aa64mmfr1_el1"), 8, 1))
        check_ended("VHE");
    else
        check_taken("VHE", 2, 0, 0);
    u64 isar1 = rd("id_aa64isar1_el1");
    go(EL1, pacga);
    if (isar1 >> 24 & 0xff)
        check_ended("pacga");
    else
        check_taken("pacga", 1, 0, 0);
    go1(EL1, hints, 0x41000010);
    check_ended("hints");
    check("hints", monitor_x[1], 0);
    check("hints", monitor_x[2], 0);
    check("MIDR_EL1", rd("midr_el1") >> 24 == 0x41 || rd("midr_el1") == 0xf0470, 1);
}
