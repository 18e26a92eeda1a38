/* The guest of the golden states: fills registers, float registers, memory and devices, then ticks by timer interrupts
 * and waits for a letter from the UART. With 'g' it compares all of it, asks the second hart for an answer, and tells by
 * the test finisher: exit status 42 when everything is as it was.
 *
 * riscv64-linux-gnu-gcc -nostdlib -static -Wl,-Ttext=0x80000000 golden.S */

#define UART     0x10000000
#define CLINT    0x02000000
#define MTIMECMP 0x4000
#define MTIME    0xbff8
#define FINISHER 0x00100000
#define MEMORY   0x80100000
#define WORDS    2048
#define SEED     0x9e3779b97f4a7c15
#define TICK     100000

.globl _start
_start:
        csrr    t0, mhartid
        bnez    t0, second
        la      t0, trap
        csrw    mtvec, t0
        li      t0, 0x6000              /* mstatus.FS */
        csrs    mstatus, t0
        li      t0, 3                   /* rounding up */
        fsrm    t0
        li      t0, 0x1234
        csrw    mscratch, t0
        li      t0, MEMORY
        li      t1, WORDS
        li      t2, SEED
        mv      t3, t2
1:      sd      t3, 0(t0)
        add     t3, t3, t2
        addi    t0, t0, 8
        addi    t1, t1, -1
        bnez    t1, 1b
        li      s1, SEED
        slli    s2, s1, 7
        not     s3, s1
        fmv.d.x f8, s1
        fmv.d.x f9, s2
        fcvt.s.l f10, s1
        li      s0, 0                   /* ticks */
        li      s10, UART
        li      t0, 0x55
        sb      t0, 7(s10)              /* scratch register */
        call    next_tick
        li      t0, 0x80                /* machine timer */
        csrw    mie, t0
        csrsi   mstatus, 8
        la      a0, ready
        call    print
wait:   wfi
        li      t0, 3
        bltu    s0, t0, wait
        lbu     t0, 5(s10)
        andi    t0, t0, 1
        beqz    t0, wait
        lbu     t0, 0(s10)
        li      t1, 'g'
        bne     t0, t1, wait

        /* ---- compare */
        li      a1, 1                   /* what differs */
        csrr    t0, mscratch
        li      t1, 0x1234
        bne     t0, t1, bad
        li      a1, 2
        li      t2, SEED
        bne     s1, t2, bad
        slli    t3, t2, 7
        bne     s2, t3, bad
        not     t3, t2
        bne     s3, t3, bad
        li      a1, 3
        fmv.x.d t0, f8
        bne     t0, s1, bad
        fmv.x.d t0, f9
        bne     t0, s2, bad
        fcvt.s.l f11, s1
        fmv.x.w t0, f10
        fmv.x.w t1, f11
        bne     t0, t1, bad
        li      a1, 4
        frrm    t0
        li      t1, 3
        bne     t0, t1, bad
        li      a1, 5
        lbu     t0, 7(s10)
        li      t1, 0x55
        bne     t0, t1, bad
        li      a1, 6
        li      t0, MEMORY
        li      t1, WORDS
        mv      t3, t2
1:      ld      t4, 0(t0)
        bne     t4, t3, bad
        add     t3, t3, t2
        addi    t0, t0, 8
        addi    t1, t1, -1
        bnez    t1, 1b
        /* the second hart */
        li      t0, CLINT
        li      t1, 1
        sw      t1, 4(t0)
        la      t0, answer
1:      ld      t1, 0(t0)
        beqz    t1, 1b
        li      a1, 7
        bne     t1, s1, bad
        li      a1, 42
        la      a0, good
        j       finish
bad:    la      a0, differs
finish: mv      s4, a1
        call    print
        slli    t0, s4, 16
        li      t1, 0x3333
        or      t0, t0, t1
        li      t1, FINISHER
        sw      t0, 0(t1)
1:      j       1b

next_tick:
        li      t0, CLINT + MTIME
        ld      t1, 0(t0)
        li      t0, TICK
        add     t1, t1, t0
        li      t0, CLINT + MTIMECMP
        sd      t1, 0(t0)
        ret

print:  lbu     t0, 0(a0)
        beqz    t0, 1f
        sb      t0, 0(s10)
        addi    a0, a0, 1
        j       print
1:      ret

        .align  2
trap:   addi    sp, zero, 0             /* no stack: t0, t1 and ra are kept in saved registers */
        mv      s5, t0
        mv      s6, t1
        mv      s7, ra
        addi    s0, s0, 1
        call    next_tick
        mv      t0, s5
        mv      t1, s6
        mv      ra, s7
        mret

second: li      s1, SEED
        li      t0, 8                   /* machine software interrupt: ends wfi, not taken */
        csrw    mie, t0
1:      wfi
        csrr    t0, mip
        andi    t0, t0, 8
        beqz    t0, 1b
        la      t0, answer
        sd      s1, 0(t0)
2:      wfi
        j       2b

        .align  3
answer: .dword  0
ready:  .asciz  "ready\n"
good:   .asciz  "as it was\n"
differs:.asciz  "different\n"
