// start.S - entry of the programs in C, in AArch32: a stack for each mode, vectors that tell what came and go on, main.
        .syntax unified
        .arch   armv8-a
        .arm
        .globl  _start
_start: adr     r0, vectors
        mcr     p15, 0, r0, c12, c0, 0
        ldr     r0, =stacks + 1024
        .irp    mode, 0x11, 0x12, 0x17, 0x1b, 0x1f
        cps     #\mode
        mov     sp, r0
        add     r0, r0, #1024
        .endr
        cps     #0x13
        ldr     sp, =stack_end
        bl      main
        ldr     r0, =0x84000008
        hvc     #0
1:      b       1b

// seen = {vector's offset, LR, SPSR, CPSR}. Goes on behind the instruction; a prefetch abort at `recover`.
        .macro  entry kind, back
        push    {r0-r3, lr}
        ldr     r0, =seen
        mov     r1, #\kind
        mrs     r2, spsr
        mrs     r3, cpsr
        stm     r0, {r1, lr}
        str     r2, [r0, #8]
        str     r3, [r0, #12]
        bic     r2, r2, #1 << 20                @ IL would come again
        msr     spsr_fsxc, r2
        .if     \kind == 12
        ldr     r0, =recover
        ldr     r0, [r0]
        str     r0, [sp, #16]
        .elseif \back
        ldr     r0, [sp, #16]
        sub     r0, r0, #\back
        str     r0, [sp, #16]
        .endif
        ldm     sp!, {r0-r3, pc}^
        .endm

        .balign 32
vectors: b      .
        b       undefined
        b       call
        b       prefetch
        b       data
        b       .
        b       irq
        b       fiq
undefined: entry 4, 0
prefetch: entry 12, 0
data:   entry   16, 4
irq:    entry   24, 4
fiq:    entry   28, 4
// By SRS and RFE. Call 99 comes back from User mode: in the caller's, at `recover`.
call:   srsdb   sp!, #0x13
        push    {r0-r3}
        ldr     r0, =seen
        mov     r1, #8
        mrs     r2, spsr
        mrs     r3, cpsr
        stm     r0, {r1, lr}
        str     r2, [r0, #8]
        str     r3, [r0, #12]
        tst     r2, #0x20
        ldrbne  r1, [lr, #-2]
        ldrbeq  r1, [lr, #-4]
        cmp     r1, #99
        bne     1f
        ldr     r0, =recover
        ldr     r0, [r0]
        mov     r1, #0x13
        orr     r1, r1, #0xc0
        str     r0, [sp, #16]
        str     r1, [sp, #20]
1:      pop     {r0-r3}
        rfeia   sp!

// int fetch_at(void *p): calls p; 1 when that was aborted.
        .globl  fetch_at
fetch_at: push  {r4, lr}
        ldr     r1, =recover
        adr     r2, 1f
        str     r2, [r1]
        blx     r0
        mov     r0, #0
        pop     {r4, pc}
1:      mov     r0, #1
        pop     {r4, pc}

// void in_user(void *p, int argument): p(argument) in User mode until it makes call 99. Callee-saved registers are p's
// to keep.
        .globl  in_user
in_user: push   {r4-r11, lr}
        ldr     r2, =recover
        adr     r3, 1f
        str     r3, [r2]
        mov     r3, #0x10
        tst     r0, #1
        orrne   r3, r3, #0x20
        bic     r0, r0, #1
        msr     spsr_fsxc, r3
        mov     lr, r0
        mov     r0, r1
        movs    pc, lr
1:      pop     {r4-r11, pc}

// User mode's: svc 1 in T32 with an IT block around it, then 99; r0 = CPSR's mode seen there.
        .thumb
        .thumb_func
        .globl  user_thumb
user_thumb:
        cmp     r0, r0
        itt     eq
        svceq   #1
        addeq   r0, #1
        svc     #99
        .arm
        .globl  user_read
user_read: ldr  r0, [r0]
        svc     #99
        .globl  user_mcr
user_mcr: mcr   p15, 0, r0, c1, c0, 0
        svc     #99
        .globl  returns
returns: bx     lr
        .ltorg
        .section .note.GNU-stack, "", %progbits
        .bss
        .balign 8
        .globl  seen, recover
seen:   .skip   16
recover: .skip  8
stacks: .skip   8 * 1024
stack:  .skip   8192
stack_end:
