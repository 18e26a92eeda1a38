# Start-up in M-mode, trap entries and mode switches of the bare-metal tests (test.h). All harts come in at _start.
#if __riscv_xlen == 64
#define LX ld
#define SX sd
#define W 8
#else
#define LX lw
#define SX sw
#define W 4
#endif
#define STACK 16384
#define CALL_RETURN 0x7e57

        .section .text.start, "ax"
        .globl _start, enter_mode, machine_trap, supervisor_trap
_start: csrr    s0, mhartid
        li      t0, STACK
        mul     t0, t0, s0
        la      sp, stacks_end
        sub     sp, sp, t0
        la      t0, machine_trap
        csrw    mtvec, t0
        la      t0, trap_stacks_end
        li      t1, STACK
        mul     t1, t1, s0
        sub     t0, t0, t1
        csrw    mscratch, t0
        li      t0, -1                  # all memory, for all
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        li      t0, 1 << 13             # FS
        csrs    mstatus, t0
        csrw    fcsr, zero
        mv      a0, s0
        bnez    s0, 1f
        call    test_main               # hart 0; does not return
1:      call    other_hart
2:      wfi
        j       2b

# A trap's frame: x1..x31 by number, pc in x0's place.
        .macro  trap_entry name, scratch, epc, handler, ret
        .balign 4
\name:  csrrw   sp, \scratch, sp
        addi    sp, sp, -32*W
        .irp    n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        SX      x\n, \n*W(sp)
        .endr
        addi    t0, sp, 32*W
        csrrw   t0, \scratch, t0        # scratch: this stack again
        SX      t0, 2*W(sp)
        csrr    t0, \epc
        SX      t0, 0(sp)
        mv      a0, sp
        call    \handler
        LX      t0, 0(sp)
        csrw    \epc, t0
        .irp    n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        LX      x\n, \n*W(sp)
        .endr
        LX      sp, 2*W(sp)
        \ret
        .endm
        trap_entry machine_trap, mscratch, mepc, machine_trap_handle, mret
        trap_entry supervisor_trap, sscratch, sepc, supervisor_trap_handle, sret

# long enter_mode(long a0, long (*fn)(long), long mode, long *kept): fn(a0) in U (0), S (1) or M (3); kept is where the
# stack pointer is while fn runs. fn comes back by an environment call (leave_mode), which enter_back() answers.
enter_mode:
        addi    sp, sp, -16*W
        SX      ra, 0(sp)
        .set    at, 1
        .irp    n, 3,4,8,9,18,19,20,21,22,23,24,25,26,27
        SX      x\n, at*W(sp)
        .set    at, at + 1
        .endr
        SX      sp, 0(a3)
        li      t0, 3 << 11
        csrc    mstatus, t0
        slli    t0, a2, 11
        csrs    mstatus, t0
        csrw    mepc, a1
        la      ra, leave_mode
        mret
        .balign 4
leave_mode:
        li      a7, CALL_RETURN
        ecall
# The machine's trap handler returns here, in M: a0 is fn's result, a1 the kept stack pointer.
        .globl  enter_back
enter_back:
        mv      sp, a1
        LX      ra, 0(sp)
        .set    at, 1
        .irp    n, 3,4,8,9,18,19,20,21,22,23,24,25,26,27
        LX      x\n, at*W(sp)
        .set    at, at + 1
        .endr
        addi    sp, sp, 16*W
        ret

# Accesses to try: a0 in, a0 out.
        .globl  do_load8, do_load, do_store, do_amo, do_lr, do_call, do_illegal, do_load16, do_load32, do_store32
do_load8:  lbu  a0, (a0)
        ret
do_load16: lhu  a0, (a0)
        ret
do_load32: lw   a0, (a0)
        ret
do_load: LX     a0, (a0)
        ret
# What they store is code that returns: STORED of test.h.
do_store32: li  t0, -0x7f7d7f7e
        sw      t0, (a0)
        ret
do_store: li    t0, -0x7f7d7f7e
        SX      t0, (a0)
        ret
do_amo: amoadd.w a0, zero, (a0)
        ret
do_lr:  lr.w    a0, (a0)
        ret
do_call: addi   sp, sp, -4*W
        SX      ra, (sp)
        jalr    a0
        LX      ra, (sp)
        addi    sp, sp, 4*W
        ret
do_illegal: .4byte 0xffffffff
        ret

        .section .bss
        .balign 16384                   // PMP entries are for whole stacks
        .zero   8 * STACK
stacks_end:
        .zero   8 * STACK
trap_stacks_end:
