/*
 * rv_float.c - floating point of every format, instruction and rounding mode against exact results, which
 * float_vectors.py has computed; with flags, which add to those that are set.
 */
#include "test.h"

const char test_name[] = "rv_float";

#if __riscv_xlen == 64
#define LX "ld"
#define SX "sd"
#else
#define LX "lw"
#define SX "sw"
#endif

/* Numbers travel through memory as 64 bits: on 32 bits no register is wide enough. */
typedef u64 run_fn(const u64 *in);
#define FLOAT(name, text)                                                                          \
    static u64 name(const u64 *in)                                                                 \
    {                                                                                              \
        u64 out;                                                                                   \
        __asm__ volatile("fld fa0, (%0)\nfld fa1, 8(%0)\nfld fa2, 16(%0)\n" text "\nfsd fa0, (%1)" \
                         ::"r"(in), "r"(&out) : "fa0", "fa1", "fa2", "memory");                    \
        return out;                                                                                \
    }
#define TO_INTEGER(name, text)                                                                     \
    static u64 name(const u64 *in)                                                                 \
    {                                                                                              \
        word out;                                                                                  \
        __asm__ volatile("fld fa0, (%0)\nfld fa1, 8(%0)\n" text "\n" SX " a0, (%1)"                \
                         ::"r"(in), "r"(&out) : "a0", "fa0", "fa1", "memory");                     \
        return (u64)(int64_t)(long)out;                                                            \
    }
#define FROM_INTEGER(name, text)                                                                   \
    static u64 name(const u64 *in)                                                                 \
    {                                                                                              \
        u64 out;                                                                                   \
        __asm__ volatile(LX " a0, (%0)\n" text "\nfsd fa0, (%1)" ::"r"(in), "r"(&out)              \
                         : "a0", "fa0", "memory");                                                 \
        return out;                                                                                \
    }
#if __riscv_xlen == 64
#define WIDE_TO_INTEGER TO_INTEGER
#define WIDE_FROM_INTEGER FROM_INTEGER
#else
#define WIDE_TO_INTEGER(name, text)
#define WIDE_FROM_INTEGER(name, text)
#endif
#include "float_vectors.h"

#undef FLOAT
#undef TO_INTEGER
#undef FROM_INTEGER
#undef WIDE_TO_INTEGER
#undef WIDE_FROM_INTEGER
#define FLOAT(name, text) {#name, name},
#define TO_INTEGER FLOAT
#define FROM_INTEGER FLOAT
#if __riscv_xlen == 64
#define WIDE_TO_INTEGER FLOAT
#define WIDE_FROM_INTEGER FLOAT
#else
#define WIDE_TO_INTEGER(name, text) {#name, 0},
#define WIDE_FROM_INTEGER(name, text) {#name, 0},
#endif
static const struct {
    const char *name;
    run_fn *run;
} instructions[] = {
#include "float_vectors.h"
};

struct row {
    u64 in[3], out;
    u16 instruction;
    u8 frm, before, flags, unused[3];
};
extern const struct row rows[], rows_end[];
__asm__(".section .rodata\n.balign 16\nrows: .incbin \"float_vectors.bin\"\nrows_end:\n.previous");

void test_run(void)
{
    unsigned failed = 0, done = 0;
    for (const struct row *r = rows; r < rows_end && failed < 20; r++) {
        run_fn *run = instructions[r->instruction].run;
        if (!run)
            continue;
        csr_write(fcsr, r->frm << 5 | r->before);
        u64 out = run(r->in);
        u32 flags = (u32)csr_read(fcsr);
        done++;
        if (out == r->out && flags == (u32)(r->frm << 5 | r->before | r->flags))
            continue;
        failed++;
        check_at((int)(r - rows), instructions[r->instruction].name, out, r->out);
        check_at((int)(r - rows), "fcsr", flags, (u32)(r->frm << 5 | r->before | r->flags));
        for (unsigned i = 0; i < 3; i++) {
            say(" ");
            say_hex(r->in[i]);
        }
        say("\n");
    }
    csr_write(fcsr, 0);
    CHECK(done > 10000, 1);
}
