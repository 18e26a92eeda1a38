/*
 * rv_traps.c - exceptions: causes, values, delegation M -> S -> U, the state that trap entry and return keep, and what
 * TVM, TW, TSR and privilege forbid (privileged manual, "Machine Trap Delegation", "Supervisor Instructions").
 */
#include "test.h"

const char test_name[] = "rv_traps";

#define MSTATUS_SPP (1 << 8)
#define MSTATUS_SPIE (1 << 5)
#define MSTATUS_MPIE (1 << 7)
#define MSTATUS_TVM (1 << 20)
#define MSTATUS_TW (1 << 21)
#define MSTATUS_TSR (1 << 22)

#define INSN(name, text)                                                                           \
    static word name(word a)                                                                       \
    {                                                                                              \
        __asm__ volatile(".option push\n.option norvc\n" text "\n.option pop" : "+r"(a)::"memory"); \
        return a;                                                                                  \
    }
INSN(do_ecall, "li a7, 1\necall")
INSN(do_break, "ebreak")
INSN(do_mret, "mret")
INSN(do_sret, "sret")
INSN(do_wfi, "wfi")
INSN(do_fence_vma, "sfence.vma")
INSN(do_csr_machine, "csrr %0, mstatus")
INSN(do_csr_supervisor, "csrr %0, sstatus")
INSN(do_csr_satp, "csrr %0, satp")
INSN(do_csr_readonly, "csrw mhartid, zero")
INSN(do_csr_readonly_set, "csrrs %0, mhartid, zero")
INSN(do_csr_missing, "csrr %0, 0x5c0")
INSN(do_csr_debug, "csrr %0, 0x7b0")
INSN(do_inval_vma, ".4byte 0x16000073")
INSN(do_w_inval, ".4byte 0x18000073")
INSN(do_inval_ir, ".4byte 0x18100073")

static word do_break_short(word a)
{
    __asm__ volatile("c.ebreak" ::: "memory");
    return a;
}

static word do_illegal_short(word a)
{
    __asm__ volatile(".2byte 0" ::: "memory");
    return a;
}

static word do_float(word a)
{
    __asm__ volatile("fmv.w.x ft0, %0" ::"r"(a) : "ft0");
    return a;
}

static word do_float_frm(word a)
{
    __asm__ volatile("csrwi frm, 5\nfadd.s ft0, ft0, ft0\ncsrwi frm, 0" ::: "ft0");
    return a;
}

static void causes(void)
{
    static const struct {
        access_fn *fn;
        u8 in[4]; /* U, S, -, M */
    } rows[] = {
        {do_ecall, {CALL_U, CALL_S, 0, CALL_M}},
        {do_break, {BREAK, BREAK, 0, BREAK}},
        {do_break_short, {BREAK, BREAK, 0, BREAK}},
        {do_illegal, {ILLEGAL, ILLEGAL, 0, ILLEGAL}},
        {do_illegal_short, {ILLEGAL, ILLEGAL, 0, ILLEGAL}},
        {do_mret, {ILLEGAL, ILLEGAL, 0, NO_TRAP}},
        {do_sret, {ILLEGAL, NO_TRAP, 0, NO_TRAP}},
        {do_fence_vma, {ILLEGAL, NO_TRAP, 0, NO_TRAP}},
        {do_inval_vma, {ILLEGAL, NO_TRAP, 0, NO_TRAP}},
        {do_w_inval, {ILLEGAL, NO_TRAP, 0, NO_TRAP}},
        {do_inval_ir, {ILLEGAL, NO_TRAP, 0, NO_TRAP}},
        {do_csr_machine, {ILLEGAL, ILLEGAL, 0, NO_TRAP}},
        {do_csr_supervisor, {ILLEGAL, NO_TRAP, 0, NO_TRAP}},
        {do_csr_satp, {ILLEGAL, NO_TRAP, 0, NO_TRAP}},
        {do_csr_readonly, {ILLEGAL, ILLEGAL, 0, ILLEGAL}},
        {do_csr_readonly_set, {ILLEGAL, ILLEGAL, 0, NO_TRAP}},
        {do_csr_missing, {ILLEGAL, ILLEGAL, 0, ILLEGAL}},
        {do_csr_debug, {ILLEGAL, ILLEGAL, 0, ILLEGAL}},
        {do_float_frm, {ILLEGAL, ILLEGAL, 0, ILLEGAL}},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned mode = 0; mode < 4; mode += mode == 1 ? 2 : 1) {
            if (rows[i].fn == do_mret && mode == M)
                continue; /* below */
            if (rows[i].fn == do_sret && mode)
                continue;
            CHECK(try(mode, rows[i].fn, i << 8 | mode), rows[i].in[mode]);
            CHECK(machine.count, rows[i].in[mode] != NO_TRAP);
            if (machine.count)
                CHECK(machine.status >> 11 & 3, mode);
            csr_write(0x002, 0);
        }
    }
}

static void values(void)
{
    CHECK(try(S, do_illegal, 0), ILLEGAL);
    CHECK(machine.value, 0xffffffff);
    CHECK_WORD(machine.pc, do_illegal);
    CHECK(try(S, do_illegal_short, 0), ILLEGAL);
    CHECK(machine.value, 0);
    CHECK(try(U, do_mret, 0), ILLEGAL);
    CHECK(machine.value, 0x30200073);
    CHECK(try(U, do_ecall, 0), CALL_U);
    CHECK(machine.value, 0);
    CHECK(try(M, do_load, 0x10), LOAD_ACCESS);
    CHECK(machine.value, 0x10);
    CHECK(try(M, do_store, 0x20), STORE_ACCESS);
    CHECK(machine.value, 0x20);
    CHECK(try(M, do_amo, 0x40), STORE_ACCESS);
    CHECK(machine.value, 0x40);
    CHECK(try(M, do_lr, 0x40), LOAD_ACCESS);
    CHECK(try(M, do_call, 0x80), FETCH_ACCESS);
    CHECK(machine.value, 0x80);
    CHECK(machine.pc, 0x80);
    CHECK(try(M, do_amo, (word)page[0] + 2), STORE_MISALIGNED);
    CHECK_WORD(machine.value, (word)page[0] + 2);
    CHECK(try(M, do_lr, (word)page[0] + 2), LOAD_MISALIGNED);
    /* jalr drops the lowest bit; with C nothing is misaligned */
    *(volatile u16 *)page[1] = 0x8082;
    fence_i();
    CHECK(try(M, do_call, (word)page[1] + 1), NO_TRAP);
}

static word frame_status;

static void note_status(word *frame)
{
    frame_status = csr_read(sstatus);
    supervisor.count++;
    supervisor.cause = csr_read(scause);
    supervisor.value = csr_read(stval);
    supervisor.pc = frame[0];
    frame[0] += 4;
}

static void delegated(void)
{
    delegate(1 << BREAK | 1 << ILLEGAL | 1 << LOAD_ACCESS | 1 << CALL_U);
    supervisor_hook = note_status;
    CHECK(try(S, do_break, 0), BREAK);
    CHECK(machine.count, 0);
    CHECK(frame_status & MSTATUS_SPP, MSTATUS_SPP);
    CHECK(frame_status & MSTATUS_SIE, 0);
    CHECK(try(U, do_illegal, 0), ILLEGAL);
    CHECK(machine.count, 0);
    CHECK(frame_status & MSTATUS_SPP, 0);
    CHECK(supervisor.value, 0xffffffff);
    CHECK_WORD(supervisor.pc, do_illegal);
    supervisor_hook = 0;
    CHECK(try(S, do_load, 0x10), LOAD_ACCESS);
    CHECK(machine.count, 0);
    CHECK(try(M, do_break, 0), BREAK); /* never downwards */
    CHECK(machine.count, 1);
    CHECK(supervisor.count, 0);
    CHECK(try(S, do_ecall, 0), CALL_S); /* not delegated */
    CHECK(machine.count, 1);
    csr_write(medeleg, ~(word)0);
    CHECK(csr_read(medeleg) >> CALL_M & 1, 0); /* M's own call cannot be */
    csr_write(medeleg, 0);
}

/* U's call goes to S, which answers and goes back to U. */
static void answer(word *frame)
{
    frame[10] += 5;
    frame[0] += 4;
    supervisor.count++;
}

static word call_in_user(word a)
{
    register word a0 __asm__("a0") = a;
    register word a7 __asm__("a7") = 1;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return a0;
}

static void supervisor_call(void)
{
    delegate(1 << CALL_U);
    supervisor_hook = answer;
    try(U, call_in_user, 37);
    CHECK(supervisor.count, 1);
    CHECK(result, 42);
    supervisor_hook = 0;
    csr_write(medeleg, 0);
}

static void returns(void)
{
    /* sret from M: to SPP, SIE = SPIE, SPIE = 1, SPP = U, MPRV cleared */
    csr_clear(mstatus, MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE);
    csr_set(mstatus, MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_MPRV);
    word status, privilege_probe;
    machine.count = 0;
    __asm__ volatile("la t0, 1f\ncsrw sepc, t0\nsret\n1: csrr %1, sstatus\nli t1, 0x300\n csrr %0, mstatus\n"
                     : "=r"(privilege_probe), "=r"(status)
                     :
                     : "t0", "t1", "memory");
    /* csrr mstatus in S traps: that is how we know; the handler goes on in S, and this call brings M back */
    CHECK(machine.count, 1);
    CHECK(machine.cause, ILLEGAL);
    CHECK(machine.status >> 11 & 3, S);
    CHECK(machine.status & MSTATUS_MPRV, 0);
    CHECK(status & (MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE), MSTATUS_SIE | MSTATUS_SPIE);
}

static word in_supervisor_returns(word a)
{
    (void)a;
    returns();
    return 0;
}

static void forbidden(void)
{
    csr_set(mstatus, MSTATUS_TVM);
    CHECK(try(S, do_csr_satp, 0), ILLEGAL);
    CHECK(try(S, do_fence_vma, 0), ILLEGAL);
    CHECK(try(S, do_inval_vma, 0), ILLEGAL);
    CHECK(try(S, do_w_inval, 0), NO_TRAP);
    CHECK(try(M, do_csr_satp, 0), NO_TRAP);
    csr_clear(mstatus, MSTATUS_TVM);
    csr_set(mstatus, MSTATUS_TSR);
    CHECK(try(S, do_sret, 0), ILLEGAL);
    csr_clear(mstatus, MSTATUS_TSR);
    csr_set(mstatus, MSTATUS_TW);
    CHECK(try(S, do_wfi, 0), ILLEGAL);
    CHECK(try(U, do_wfi, 0), ILLEGAL);
    csr_clear(mstatus, MSTATUS_TW);
    /* FS off: no float, no float CSRs; a float instruction makes it dirty */
    csr_clear(mstatus, 3 << 13);
    CHECK(try(U, do_float, 0), ILLEGAL);
    csr_set(mstatus, 1 << 13);
    CHECK(try(U, do_float, 0), NO_TRAP);
    CHECK(csr_read(mstatus) >> 13 & 3, 3);
    CHECK(csr_read(mstatus) >> (8 * sizeof(word) - 1), 1); /* SD */
}

/* Vectored mode: interrupts to base + 4 * cause, exceptions to base. */
__asm__(".balign 256\nvectors: j machine_trap\n.option push\n.option norvc\nj 2f\nj 2f\nj soft_vector\n"
        ".option pop\n2: ebreak\nsoft_vector: csrw mie, zero\n csrw mip, zero\n li s11, 77\n mret\n");
extern char vectors[];

static void vectored(void)
{
    word seen;
    csr_write(mtvec, (word)vectors | 1);
    CHECK_WORD(csr_read(mtvec), (word)vectors | 1);
    csr_write(mie, 1 << 3);
    __asm__ volatile("li s11, 0" ::: "s11");
    MSIP(0) = 1;
    csr_set(mstatus, MSTATUS_MIE);
    __asm__ volatile("nop\nnop\nmv %0, s11" : "=r"(seen)::"s11", "memory");
    csr_clear(mstatus, MSTATUS_MIE);
    MSIP(0) = 0;
    CHECK(seen, 77);
    CHECK(try(M, do_break, 0), BREAK);
    csr_write(mtvec, machine_trap);
}

/* The same for S: its own vectors, in S and from U. */
__asm__(".balign 256\nsupervisor_vectors: j supervisor_trap\n.option push\n.option norvc\nj supervisor_soft\n"
        ".option pop\nebreak\nsupervisor_soft: csrci sip, 2\n li s11, 78\n sret\n");
extern char supervisor_vectors[];

static word notes_vector(word a)
{
    word seen;
    __asm__ volatile("li s11, 0\ncsrsi sip, 2\nnop\nmv %0, s11" : "=r"(seen)::"s11", "memory");
    return seen + a;
}

static void vectored_supervisor(void)
{
    delegate(1 << BREAK);
    csr_write(stvec, (word)supervisor_vectors | 1);
    CHECK_WORD(csr_read(stvec), (word)supervisor_vectors | 1);
    csr_write(mideleg, 2);
    csr_write(mie, 2);
    csr_set(mstatus, MSTATUS_SIE);
    CHECK(try(S, notes_vector, 100), NO_TRAP);
    CHECK(result, 178);
    csr_clear(mstatus, MSTATUS_SIE);
    CHECK(try(S, notes_vector, 100), NO_TRAP); /* not now */
    CHECK(result, 100);
    CHECK(csr_read(mip) & 2, 2);
    CHECK(try(U, do_break, 0), BREAK); /* the interrupt first, then this: to the base */
    CHECK(supervisor.count, 1);
    CHECK(csr_read(mip) & 2, 0);
    csr_write(mie, 0);
    csr_write(mideleg, 0);
    csr_write(medeleg, 0);
}

/* A trap in a trap's handler: M's registers tell of the inner one, S's of the outer. */
static word outer_pc, inner_status;

static void traps_again(word *frame)
{
    outer_pc = frame[0];
    word cause = csr_read(scause), pc = csr_read(sepc), value = csr_read(stval);
    supervisor.count++;
    do_illegal(0); /* not delegated */
    inner_status = machine.status;
    CHECK(csr_read(scause), cause);
    CHECK(csr_read(sepc), pc);
    CHECK(csr_read(stval), value);
    frame[0] += 4;
}

static void nested(void)
{
    delegate(1 << BREAK | 1 << LOAD_ACCESS);
    supervisor_hook = traps_again;
    CHECK(try(U, do_break, 7), ILLEGAL);
    CHECK(result, 7);
    CHECK(machine.count, 1);
    CHECK(supervisor.count, 1);
    CHECK_WORD(outer_pc, do_break);
    CHECK(inner_status >> 11 & 3, S);
    CHECK_WORD(machine.pc, do_illegal);
    supervisor_hook = 0;
    csr_write(medeleg, 0);
}

void test_run(void)
{
    causes();
    values();
    delegated();
    supervisor_call();
    forbidden();
    vectored();
    vectored_supervisor();
    nested();
    try(M, in_supervisor_returns, 0);
}
