// The ground that random A32 and T32 blocks run on: the same image under Linux (entry: its begin, in user mode) and on a
// bare machine (boot_a32.S enters it).
#define D         (16 * 4)        // struct state
#define CPSR      (D + 32 * 8)
#define HOST_SP   (CPSR + 8)
#define CODE      (CPSR + 12)

        .syntax unified
        .arch   armv8-a
        .fpu    neon-fp-armv8
        .arm
        .section .text.start, "ax"
        .globl  _start
_start: b       1f
        b       2f
1:      ldr     sp, =stack_top
        bl      run_all
        mov     r7, #1
        svc     #0
2:      ldr     sp, =stack_top
        b       tell_trap

// void run_block(struct state *state, const void *code): loads the registers, goes there (bit 0: T32), and stores them. r10
// keeps the state, r12 the way back.
        .globl  run_block
run_block:
        push    {r4-r11, lr}
#ifdef FP
        vpush   {d8-d15}
#endif
        mov     r10, r0
        str     r1, [r10, #CODE]
        str     sp, [r10, #HOST_SP]
        ldr     r0, [r10, #CPSR + 4]
#ifdef FP
        vmsr    fpscr, r0
#endif
        add     r0, r10, #D
#ifdef FP
        vldmia  r0!, {d0-d15}
        vldmia  r0, {d16-d31}
#endif
        ldr     r0, [r10, #CPSR]
        msr     apsr_nzcvqg, r0
        ldr     sp, [r10, #13 * 4]
        ldr     r11, [r10, #11 * 4]
        ldm     r10, {r0-r9}
        ldr     lr, [r10, #14 * 4]
        adr     r12, back
        ldr     pc, [r10, #CODE]

back:   stm     r10, {r0-r9}
        str     sp, [r10, #13 * 4]
        str     lr, [r10, #14 * 4]
        mrs     r0, apsr
        str     r0, [r10, #CPSR]
#ifdef FP
        vmrs    r0, fpscr
        str     r0, [r10, #CPSR + 4]
#endif
        mov     r0, #0
#ifdef FP
        vmsr    fpscr, r0
#endif
        add     r0, r10, #D
#ifdef FP
        vstmia  r0!, {d0-d15}
        vstmia  r0, {d16-d31}
#endif
        ldr     sp, [r10, #HOST_SP]
#ifdef FP
        vpop    {d8-d15}
#endif
        pop     {r4-r11, pc}

// long system_call(long a0, long a1, long a2, long number): number is AArch64's
        .globl  system_call
system_call:
        push    {r7, lr}
        cmp     r3, #64
        moveq   r7, #4
        movne   r7, #1
        svc     #0
        pop     {r7, pc}
        .ltorg

        .section .bss
        .balign 16
        .zero   16384
stack_top:
