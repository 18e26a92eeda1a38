/*
 * mops.c - memory copy and memory set (FEAT_MOPS; DDI 0487, C6.2 "CPYP, CPYM, CPYE", "SETP, SETM,
 * SETE").
 *
 * Option A, as PSTATE.C = 0 says: after the prologue of a copy or set upwards, Xd and Xs are the
 * ends, and Xn is minus what remains; of a copy downwards, Xd and Xs are the beginnings, and Xn is
 * what remains. The prologue moves nothing, the main part everything, the epilogue what is left.
 *
 * Work goes in spans within a page, and registers are true after each: a fault has done all that
 * was before it, and an interrupt is seen in between, whereupon the same instruction goes on.
 */
#include "isa/arm/control.h"
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"
#include "jit/translate.h"

enum stage { PROLOGUE, MAIN, EPILOGUE };
enum { SPAN = 4096, UNPRIVILEGED = ARM_CONTEXT_UNPRIV };

#define MOST_SET  UINT64_C(0x7fffffffffffffff)
#define MOST_COPY UINT64_C(0x007fffffffffffff)

struct work {
    struct arm_cpu *a;
    u64 insn;
    enum stage stage;
    bool is_set, forward_only;
    unsigned read_context, write_context;
    u64 *d, *s, *n; /* s: NULL, or the byte to set is `byte` */
    u8 byte;
};

/* ---- Refusals ---- */

/* SCTLR_ELx.MSCEn is asked at EL0 only. */
static bool is_enabled(const struct arm_cpu *a)
{
    return arm_el(a) != 0 || arm_sctlr(a) & SCTLR_MSCEN;
}

/* The registers are of an implementation of option B. */
static void mismatch(const struct work *w)
{
    u64 options = w->insn >> 12 & (w->is_set ? 3 : 15), d = w->insn & 31, n = w->insn >> 5 & 31,
        s = w->insn >> 16 & 31;
    u64 iss = (u64)w->is_set << 24 | options << 19 | (u64)(w->stage == EPILOGUE) << 18 | BIT(17) |
              BIT(16);
    arm_unwind(w->a, ARM_SYNDROME(ARM_EC_MOPS, iss | d << 10 | s << 5 | n), 0, w->a->pc);
}

static bool fault(const struct work *w, const struct isa_fault *f)
{
    arm_fault(&w->a->cpu, f);
    w->a->cpu.unwind = 1;
    return false;
}

/* ---- Moving: n bytes at these addresses, less when a page ends; 0: a fault was taken ---- */

static unsigned move_byte(const struct work *w, u64 to, u64 from)
{
    struct cpu *cpu = &w->a->cpu;
    struct isa_fault f;
    u64 v = w->byte;
    if (w->s && jit_read(cpu, w->read_context, from, 1, &v, &f))
        return fault(w, &f);
    if (jit_write(cpu, w->write_context, to, 1, v, &f))
        return fault(w, &f);
    return 1;
}

static unsigned set_span(const struct work *w, u64 to, unsigned n)
{
    struct cpu *cpu = &w->a->cpu;
    struct isa_fault f;
    u8 *p = jit_host_span(cpu, w->write_context, to, &n, ISA_WRITE, &f);
    if (!p)
        return f.kind ? (unsigned)fault(w, &f) : move_byte(w, to, 0);
    memset(p, w->byte, n);
    jit_host_stored(cpu, to, n);
    return n;
}

static unsigned copy_span(const struct work *w, u64 to, u64 from, unsigned n)
{
    struct cpu *cpu = &w->a->cpu;
    struct isa_fault f;
    const u8 *source = jit_host_span(cpu, w->read_context, from, &n, ISA_READ, &f);
    if (!source)
        return f.kind ? (unsigned)fault(w, &f) : move_byte(w, to, from);
    u8 *p = jit_host_span(cpu, w->write_context, to, &n, ISA_WRITE, &f);
    if (!p)
        return f.kind ? (unsigned)fault(w, &f) : move_byte(w, to, from);
    memmove(p, source, n);
    jit_host_stored(cpu, to, n);
    return n;
}

/* All n bytes within a page, or when that cannot be done at once, the last one. */
static unsigned copy_last(const struct work *w, u64 to, u64 from, unsigned n)
{
    struct cpu *cpu = &w->a->cpu;
    struct isa_fault f;
    unsigned got = n;
    const u8 *source = jit_host_span(cpu, w->read_context, from, &got, ISA_READ, &f);
    if (!source && f.kind)
        return fault(w, &f);
    if (!source || got < n)
        return move_byte(w, to + n - 1, from + n - 1);
    u8 *p = jit_host_span(cpu, w->write_context, to, &got, ISA_WRITE, &f);
    if (!p && f.kind)
        return fault(w, &f);
    if (p && got == n)
        memmove(p, source, n);
    if (p)
        jit_host_stored(cpu, to, got);
    return p && got == n ? n : move_byte(w, to + n - 1, from + n - 1);
}

static unsigned copy_span_down(const struct work *w, u64 to_end, u64 from_end, u64 most)
{
    u64 to_room = ((to_end - 1) & (SPAN - 1)) + 1, from_room = ((from_end - 1) & (SPAN - 1)) + 1;
    u64 n = MIN(MIN(to_room, from_room), most);
    return copy_last(w, to_end - n, from_end - n, (unsigned)n);
}

/* Goes on until all is done, a fault, or somebody wants the CPU. */
static void move(const struct work *w)
{
    while (*w->n) {
        s64 left = (s64)*w->n;
        unsigned done;
        if (left < 0) {
            unsigned n = left < -(s64)SPAN ? SPAN : (unsigned)-left;
            done = w->s ? copy_span(w, *w->d + (u64)left, *w->s + (u64)left, n)
                        : set_span(w, *w->d + (u64)left, n);
            *w->n += done;
        } else {
            done = copy_span_down(w, *w->d + (u64)left, *w->s + (u64)left, (u64)left);
            *w->n -= done;
        }
        if (!done)
            return;
        if (*w->n && cpu_exit_pending(&w->a->cpu)) {
            w->a->cpu.unwind = 1;
            return;
        }
    }
}

/* ---- Stages ---- */

/* Downwards only when upwards would overwrite what is still to be read. */
static bool goes_down(u64 to, u64 from, u64 n)
{
    u64 t = to & BITS(55, 0), f = from & BITS(55, 0);
    return f < t && f + n > t;
}

static void begin(const struct work *w)
{
    u64 most = w->is_set || w->forward_only ? MOST_SET : MOST_COPY;
    *w->n = MIN(*w->n, most);
    if (w->is_set || w->forward_only || !goes_down(*w->d, *w->s, *w->n)) {
        *w->d += *w->n;
        if (w->s)
            *w->s += *w->n;
        *w->n = -*w->n;
    }
    arm_nzcv_set(w->a, 0);
}

static void do_work(const struct work *w)
{
    if (!is_enabled(w->a)) {
        arm_undefined(w->a);
        return;
    }
    if (w->stage == PROLOGUE)
        begin(w);
    else if (*w->n && arm_nzcv(w->a) & PSTATE_C)
        mismatch(w);
    else
        move(w);
}

void arm_helper_cpy(struct cpu *cpu, u64 insn)
{
    struct arm_cpu *a = arm_cpu(cpu);
    bool reads = insn & BIT(13), writes = insn & BIT(12); /* unprivileged */
    struct work w = {.a = a,
                     .insn = insn,
                     .stage = (enum stage)(insn >> 22 & 3),
                     .forward_only = !(insn & BIT(26)),
                     .read_context = reads ? UNPRIVILEGED : 0,
                     .write_context = writes ? UNPRIVILEGED : 0,
                     .d = &a->x[insn & 31],
                     .s = &a->x[insn >> 16 & 31],
                     .n = &a->x[insn >> 5 & 31]};
    do_work(&w);
}

void arm_helper_set(struct cpu *cpu, u64 insn)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned s = insn >> 16 & 31;
    struct work w = {.a = a,
                     .insn = insn,
                     .is_set = true,
                     .stage = (enum stage)(insn >> 14 & 3),
                     .write_context = insn & BIT(12) ? UNPRIVILEGED : 0,
                     .d = &a->x[insn & 31],
                     .n = &a->x[insn >> 5 & 31],
                     .byte = s == 31 ? 0 : (u8)a->x[s]};
    do_work(&w);
}

/* ---- Translation: registers must differ, and only the byte to set may be XZR ---- */

static bool call(struct arm_ctx *c, enum arm_helper h)
{
    ir_call1(c->b, &arm_helpers[h], ir_const(c->b, c->insn));
    c->flags.known = false; /* the prologue sets them */
    return true;
}

bool arm_trans_a64_cpy(struct arm_ctx *c, const struct arm_arg_cpy *a)
{
    bool same = a->Rd == a->Rs || a->Rd == a->Rn || a->Rs == a->Rn;
    if (same || a->Rd == 31 || a->Rs == 31 || a->Rn == 31)
        return false;
    return call(c, ARM_HELPER_CPY);
}

bool arm_trans_a64_set(struct arm_ctx *c, const struct arm_arg_set *a)
{
    bool same = a->Rd == a->Rs || a->Rd == a->Rn || a->Rs == a->Rn;
    if (same || a->Rd == 31 || a->Rn == 31)
        return false;
    return call(c, ARM_HELPER_SET);
}
