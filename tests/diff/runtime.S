# The ground that random blocks run on: the same bytes under Linux (entry: _start, in user mode) and on a bare machine
# (entry: _start_bare), which serves the two system calls that the program makes by its UART and its test finisher.
#if __riscv_xlen == 64
#define LX ld
#define SX sd
#define W 8
#else
#define LX lw
#define SX sw
#define W 4
#endif
#define F (32 * W)              /* struct state: x, f, fcsr */
#define UART 0x10000000
#define FINISHER 0x100000

        .macro  each_saved op
        .set    at, 0
        .irp    n, 8,9,18,19,20,21,22,23,24,25,26,27
        \op     x\n, at*W(sp)
        .set    at, at + 1
        .endr
        .endm

        .section .text.start, "ax"
        .globl _start_bare, _start
_start_bare:
        la      t0, trap
        csrw    mtvec, t0
        la      t0, trap_save
        csrw    mscratch, t0
        li      t0, -1                  # all memory, for all
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        li      t0, 0xf0                # CBIE, CBCFE, CBZE
        csrw    0x30a, t0
        csrw    0x10a, t0
        li      t0, 1 << 13             # FS; MPP = U
        csrw    mstatus, t0
        la      t0, _start
        csrw    mepc, t0
        mret

_start: .option push
        .option norelax
        la      sp, stack_top
        .option pop
        call    run_all
        li      a7, 93
        ecall

# void run_block(struct state *state, const void *code): loads the registers, goes there, and stores them. The
# registers that hold C's own (callee-saved) values are kept on the stack, whose pointer is in x0's place.
        .globl run_block
run_block:
        addi    sp, sp, -16 * W
        SX      ra, 14*W(sp)
        SX      gp, 13*W(sp)
        SX      tp, 12*W(sp)
        each_saved SX
        SX      sp, 0(a0)
        mv      gp, a0
        mv      t5, a1
        la      tp, back
        lw      t0, F+256(gp)
        fscsr   t0
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        fld     f\n, F+\n*8(gp)
        .endr
        .irp    n, 1,2,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,31
        LX      x\n, \n*W(gp)
        .endr
        jr      t5

        .balign 4
back:   .irp    n, 1,2,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        SX      x\n, \n*W(gp)
        .endr
        frcsr   t0
        sw      t0, F+256(gp)
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        fsd     f\n, F+\n*8(gp)
        .endr
        LX      sp, 0(gp)
        LX      ra, 14*W(sp)
        LX      gp, 13*W(sp)
        LX      tp, 12*W(sp)
        each_saved LX
        addi    sp, sp, 16 * W
        ret

# long system(long a0, long a1, long a2, long number)
        .globl system_call
system_call:
        mv      a7, a3
        ecall
        ret

# The bare machine's Linux: write(1, a1, a2) and exit(a0). Any other trap is told and ends the run with status 99.
        .balign 4
trap:   csrrw   gp, mscratch, gp
        SX      t0, 0(gp)
        SX      t1, W(gp)
        SX      t2, 2*W(gp)
        SX      t3, 3*W(gp)
        csrr    t0, mcause
        li      t1, 8                   # a call from U
        bne     t0, t1, unexpected
        csrr    t0, mepc
        addi    t0, t0, 4
        csrw    mepc, t0
        li      t1, 93
        beq     a7, t1, leave
        li      t1, UART
        mv      t2, a1
        add     t0, a1, a2
1:      beq     t2, t0, 3f
2:      lbu     t3, 5(t1)               # until the transmitter is empty
        andi    t3, t3, 1 << 5
        beqz    t3, 2b
        lbu     t3, (t2)
        sb      t3, (t1)
        addi    t2, t2, 1
        j       1b
3:      mv      a0, a2
        LX      t0, 0(gp)
        LX      t1, W(gp)
        LX      t2, 2*W(gp)
        LX      t3, 3*W(gp)
        csrrw   gp, mscratch, gp
        mret
unexpected:
        la      sp, stack_top
        csrr    a0, mcause
        csrr    a1, mepc
        csrr    a2, mtval
        la      t0, tell_trap
        csrw    mepc, t0
        la      t0, trap_save
        csrw    mscratch, t0
        mret                            # to U: what follows are its calls
leave:  li      t1, FINISHER
        slli    a0, a0, 16
        li      t0, 0x3333
        bnez    a0, 4f
        li      t0, 0x5555
4:      or      a0, a0, t0
        sw      a0, (t1)
5:      j       5b

        .section .data
        .balign 8
trap_save: .zero 4 * W
        .section .bss
        .balign 16
        .zero   16384
stack_top:
