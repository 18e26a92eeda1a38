# The smallest machine's program, started by -bios none: all harts meet, hart 0 takes a timer interrupt, says so
# on the UART and tells the test finisher. FINISH is what it writes there.
#define UART 0x10000000
#define FINISHER 0x100000
#define MTIMECMP 0x02004000
#define MTIME 0x0200bff8

        .section .text.start, "ax"
        .globl _start
_start: la      t0, trap
        csrw    mtvec, t0
        la      t1, arrived
        li      t2, 1
        amoadd.w zero, t2, (t1)
        csrr    t0, mhartid
        bnez    t0, park
1:      lw      t2, (t1)                # all HARTS are here
        li      t3, HARTS
        bne     t2, t3, 1b
        li      t0, MTIME
        ld      t1, (t0)
        addi    t1, t1, 1000            # 0.1 ms
        li      t0, MTIMECMP
        sd      t1, (t0)
        li      t0, 1 << 7
        csrw    mie, t0
        csrsi   mstatus, 1 << 3
2:      wfi
        j       2b

park:   wfi
        j       park

        .balign 4
trap:   la      t0, message
        li      t1, UART
1:      lbu     t2, (t0)
        beqz    t2, 3f
2:      lbu     t3, 5(t1)               # until the transmitter is empty
        andi    t3, t3, 1 << 5
        beqz    t3, 2b
        sb      t2, (t1)
        addi    t0, t0, 1
        j       1b
3:      csrr    t2, mcause              # anything but the timer is a failure of its own
        li      t0, 1 << 63 | 7
        li      t1, FINISHER
        li      t3, FINISH
        beq     t2, t0, 4f
        li      t3, 99 << 16 | 0x3333
4:      sw      t3, (t1)
5:      j       5b

        .section .data
arrived: .word  0
message: .asciz "small guest\n"
