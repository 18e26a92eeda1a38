// start.S - entry of the programs in C, for every CPU: vectors, a stack, main_of(number).
.globl _start
_start:
    adr x1, vectors
    msr vbar_el1, x1
    mrs x0, mpidr_el1
    and x0, x0, #0xff
    adrp x1, stacks
    add x1, x1, :lo12:stacks
    add x2, x0, #1
    add x1, x1, x2, lsl #14
    mov sp, x1
    b main_of
.align 11
vectors:
.rept 16
    b fault
.align 7
.endr
fault:
    mrs x0, esr_el1
    mrs x1, elr_el1
    mrs x2, far_el1
    bl unexpected
1:  b 1b
.bss
.align 14
stacks: .skip 8*16384
